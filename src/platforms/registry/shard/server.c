/* Connections to the servers of shards. One that does not answer fails what needs it and
 * nothing else, and is not waited for by everyone in turn. */
#include "platforms/registry/shard/shard_internal.h"

#include "sys/clock.h"

#include <stdio.h>

/* Of a read or a small write; a server that says nothing five seconds later is away. */
enum { STATEMENT_MS = 5000 };
static const int64_t pause_ns = 1000000000;

/* Faults of the database that say that the server, not the statement, is at fault. */
static bool is_away(const struct ndc_fault *why)
{
    static const char *const codes[] = {"db.gone", "db.open",     "db.denied",
                                        "db.io",   "db.readonly", "db.full",
                                        "db.busy", "db.timeout"};
    for (size_t i = 0; i < NDC_ARRAY_LEN(codes); i++)
        if (strcmp(why->code, codes[i]) == 0) return true;
    return false;
}

bool ndc_shard_is_gone(enum ndc_err err, const struct ndc_fault *why)
{
    /* The store leaves the SQLSTATE of what it does not name at the message's head:
     * undefined table, undefined schema. */
    return err == NDC_EINTERNAL && (strncmp(why->message, "PostgreSQL 42P01", 16) == 0 ||
                                    strncmp(why->message, "PostgreSQL 3F000", 16) == 0);
}

static enum ndc_err say_away(const struct shard_server *v, const char *why,
                             struct ndc_fault *fault)
{
    return ndc_fail(fault, NDC_EDB, "registry.shard_away",
                    "the database server \"%s\", which holds a part of the registry, "
                    "does not answer; the rest is served: try again later (%.200s)",
                    v->name, why);
}

enum ndc_err ndc_shard_err(struct shard_server *v, enum ndc_err err,
                           const struct ndc_fault *why, struct ndc_fault *fault)
{
    if (!err) return NDC_OK;
    if (!is_away(why)) {
        if (fault && !fault->err) *fault = *why;
        return err;
    }
    bool gone = strcmp(why->code, "db.gone") == 0;
    ndc_mutex_lock(&v->lock);
    if (gone) v->failed_ns = ndc_clock_mono_ns();
    snprintf(v->why, sizeof(v->why), "%s", why->message);
    ndc_mutex_unlock(&v->lock);
    return say_away(v, why->message, fault);
}

/* Whether it has failed and nobody has had an answer since. Its thread asks; where there
 * is none, whoever comes after a second does. So a server that hangs holds up who waits
 * for it when it begins to, and nobody later. */
static bool is_paused(struct shard_server *v, struct ndc_fault *fault, enum ndc_err *err)
{
    ndc_mutex_lock(&v->lock);
    bool paused =
        v->failed_ns && (v->probed || ndc_clock_mono_ns() - v->failed_ns < pause_ns);
    if (paused) *err = say_away(v, v->why, fault);
    ndc_mutex_unlock(&v->lock);
    return paused;
}

static enum ndc_err open_store(struct shard_server *v, struct ndc_fault *why)
{
    const struct ndc_store_options options = {.statement_timeout_ms = STATEMENT_MS};
    enum ndc_err err = NDC_OK;
    ndc_mutex_lock(&v->lock);
    if (!v->store) err = ndc_store_open(&v->store, v->conninfo, &options, why);
    ndc_mutex_unlock(&v->lock);
    return err;
}

enum ndc_err ndc_shard_take(struct shard_server *v, enum ndc_access access,
                            struct ndc_store_conn **conn, struct ndc_fault *fault)
{
    struct ndc_fault why = {0};
    enum ndc_err err = NDC_OK;
    *conn = NULL;
    if (is_paused(v, fault, &err)) return err;
    err = open_store(v, &why);
    if (!err) err = ndc_store_take(v->store, access, conn, &why);
    if (err) return ndc_shard_err(v, err, &why, fault);
    ndc_mutex_lock(&v->lock);
    v->failed_ns = 0;
    ndc_mutex_unlock(&v->lock);
    return NDC_OK;
}

bool ndc_shard_probe(struct shard_server *v)
{
    struct ndc_store_conn *conn = NULL;
    struct ndc_fault why = {0}, ignored = {0};
    int64_t one;
    ndc_mutex_lock(&v->lock);
    bool failed = v->failed_ns != 0;
    v->probed = true;
    ndc_mutex_unlock(&v->lock);
    if (!failed) return true;
    enum ndc_err err = open_store(v, &why);
    if (!err) err = ndc_store_take(v->store, NDC_READ, &conn, &why);
    if (!err)
        err = ndc_sql_i64(conn, &one, "SELECT CAST(1 AS BIGINT)", NDC_NO_ARGS, &why);
    ndc_store_give(conn);
    if (err) return ndc_shard_err(v, err, &why, &ignored) == NDC_OK;
    ndc_mutex_lock(&v->lock);
    v->failed_ns = 0;
    ndc_mutex_unlock(&v->lock);
    return true;
}

enum ndc_err ndc_shard_put(struct ndc_store_conn *conn, const char *schema, bool same,
                           const struct ndc_val *vals, size_t n, struct ndc_fault *fault)
{
    char sql[SHARD_SQL_MAX + 128];
    snprintf(sql, sizeof(sql),
             "INSERT INTO %s.entity AS e (entity, type, updated_ms, payload, change) "
             "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (entity) DO UPDATE SET type = "
             "excluded.type, updated_ms = excluded.updated_ms, payload = "
             "excluded.payload, change = excluded.change WHERE e.change %s "
             "excluded.change",
             schema, same ? "<=" : "<");
    return ndc_sql_many(conn, sql, vals, 5, n, NULL, fault);
}

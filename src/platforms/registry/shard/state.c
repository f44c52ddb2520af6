/* Making servers known, sharding a registry, and what stands where. */
#include "platforms/registry/shard/shard_internal.h"

#include "store/replication.h"
#include "store/writer.h"
#include "sys/clock.h"

#include <stdio.h>

enum { INNER_SQL_MAX = 1 << 16 };

/* ---- servers ---- */

struct adding {
    struct ndc_str name, conninfo;
    int64_t number;
};

static enum ndc_err write_server(struct ndc_store_conn *conn, void *arg,
                                 struct ndc_fault *fault)
{
    struct adding *a = arg;
    int64_t changed = 0;
    enum ndc_err err = ndc_sql_exec(
        conn, "UPDATE registry_shard_server SET conninfo = $2 WHERE server = $1",
        NDC_ARGS(ndc_text(a->name), ndc_text(a->conninfo)), &changed, fault);
    if (err || changed) return err;
    err = ndc_sql_i64(conn, &a->number,
                      "SELECT coalesce(max(number), 0) + 1 FROM registry_shard_server",
                      NDC_NO_ARGS, fault);
    if (err) return err;
    if (a->number > NDC_SHARD_SERVERS_MAX)
        return ndc_fail(fault, NDC_ETOOBIG, "registry.shard_server",
                        "at most %d servers can be known", NDC_SHARD_SERVERS_MAX);
    return ndc_sql_exec(
        conn,
        "INSERT INTO registry_shard_server (number, server, conninfo, added_ms) VALUES "
        "($1, $2, $3, $4)",
        NDC_ARGS(ndc_int(a->number), ndc_text(a->name), ndc_text(a->conninfo),
                 ndc_int(ndc_clock_wall_ms())),
        NULL, fault);
}

static enum ndc_err check_name(struct ndc_str name, struct ndc_fault *fault)
{
    bool good = name.len > 0 && name.len < NDC_SHARD_NAME_MAX;
    for (size_t i = 0; i < name.len && good; i++) {
        char c = name.ptr[i];
        good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    }
    if (good) return NDC_OK;
    return ndc_fail(fault, NDC_EINPUT, "registry.shard_server",
                    "a server's name is up to %d of a-z, 0-9, - and _",
                    NDC_SHARD_NAME_MAX - 1);
}

/* Whether it answers and lets schemas be made. */
static enum ndc_err try_server(const char *url, struct ndc_fault *fault)
{
    const struct ndc_store_options options = {.readers_max = 1, .writers_max = 1};
    struct ndc_store *store;
    struct ndc_store_conn *conn = NULL;
    int64_t may = 0;
    enum ndc_err err = ndc_store_open(&store, url, &options, fault);
    if (err) return err;
    err = ndc_store_take(store, NDC_READ, &conn, fault);
    if (!err)
        err = ndc_sql_i64(conn, &may,
                          "SELECT CAST(has_database_privilege(current_database(), "
                          "'CREATE') AS INTEGER)",
                          NDC_NO_ARGS, fault);
    ndc_store_give(conn);
    ndc_store_close(store);
    if (!err && !may)
        err = ndc_fail(fault, NDC_EDB, "registry.shard_server",
                       "the user may not make schemas there: GRANT CREATE ON DATABASE to "
                       "it");
    return err;
}

enum ndc_err ndc_shards_possible(const struct ndc_store *coordinator,
                                 struct ndc_fault *fault)
{
    if (ndc_store_kind(coordinator) == NDC_POSTGRES) return NDC_OK;
    return ndc_fail(fault, NDC_EUNSUPPORTED, "registry.shard_coordinator",
                    "shards need a registry on PostgreSQL: set database = postgres:…");
}

enum ndc_err ndc_shard_add(struct ndc_shards *s, struct ndc_str name,
                           struct ndc_str conninfo, struct ndc_fault *fault)
{
    struct adding a = {.name = name, .conninfo = conninfo};
    enum ndc_err err = check_name(name, fault);
    if (!err) err = ndc_shards_possible(s->store, fault);
    if (err) return err;
    char *url = strndup(conninfo.ptr, conninfo.len);
    err = ndc_replication_check_url(url, fault);
    if (!err) err = try_server(url, fault);
    free(url);
    if (!err) err = ndc_store_write(s->store, write_server, &a, fault);
    return err ? err : ndc_shards_refresh(s, NULL, fault);
}

/* ---- sharding a registry ---- */

struct spread {
    unsigned count, servers;
    unsigned numbers[NDC_SHARD_SERVERS_MAX]; /* of the servers */
};

static enum ndc_err write_map(struct ndc_store_conn *conn, const struct spread *p,
                              struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    for (unsigned i = 0; i < p->count && !err; i++)
        err = ndc_sql_exec(conn,
                           "INSERT INTO registry_shard (shard, server, epoch, state, "
                           "other, other_epoch, copied, changed_ms) VALUES ($1, $2, 1, "
                           "'steady', 0, 0, 0, $3)",
                           NDC_ARGS(ndc_int(i), ndc_int(p->numbers[i % p->servers]),
                                    ndc_int(ndc_clock_wall_ms())),
                           NULL, fault);
    return err;
}

static enum ndc_err copy_entities(struct ndc_shards *s, struct ndc_store_conn *conn,
                                  struct ndc_fault *fault)
{
    struct ndc_shard_load *load;
    uint64_t rows_n;
    enum ndc_err err = ndc_shard_load_begin(&load, s, fault);
    if (err) return err;
    struct ndc_rows *rows = ndc_sql_scan(
        conn,
        "SELECT entity, type, updated_ms, change, payload FROM registry_entity ORDER BY "
        "entity",
        NDC_NO_ARGS);
    while (!err && ndc_rows_next(rows)) {
        const struct ndc_shard_row row = {.entity = (uint64_t)ndc_rows_i64(rows, 0),
                                          .type = ndc_rows_i64(rows, 1),
                                          .updated_ms = ndc_rows_i64(rows, 2),
                                          .change = ndc_rows_i64(rows, 3),
                                          .payload = ndc_rows_blob(rows, 4)};
        err = ndc_shard_load_add(load, &row, fault);
    }
    enum ndc_err ended = ndc_rows_end(rows, err ? NULL : fault);
    if (!err) err = ended;
    if (err) {
        ndc_shard_load_abort(load);
        return err;
    }
    return ndc_shard_load_end(load, &rows_n, fault);
}

static enum ndc_err make_all(struct ndc_shards *s, const struct spread *p,
                             struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    for (unsigned i = 0; i < p->count && !err; i++)
        err = ndc_shard_make_place(ndc_shards_server(s, p->numbers[i % p->servers]), i, 1,
                                   fault);
    return err;
}

/* In one commit here, after the copies there. */
static enum ndc_err init_all(struct ndc_shards *s, const struct spread *p,
                             struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    enum ndc_err err = make_all(s, p, fault);
    if (!err) err = ndc_store_take(s->store, NDC_WRITE, &conn, fault);
    if (err) return err;
    ndc_store_conn_timeout(conn, 0);
    err = ndc_tx_begin(conn, fault);
    if (!err) err = ndc_shard_hold(conn, 0, fault);
    if (!err) err = write_map(conn, p, fault);
    /* Seen in this transaction, and here until it is rolled back. */
    if (!err) err = ndc_shards_refresh(s, conn, fault);
    if (!err) err = copy_entities(s, conn, fault);
    if (!err)
        err = ndc_sql_exec(conn, "DELETE FROM registry_entity", NDC_NO_ARGS, NULL, fault);
    if (!err) err = ndc_tx_commit(conn, fault);
    ndc_store_give(conn);
    struct ndc_fault other = {0};
    enum ndc_err read = ndc_shards_refresh(s, NULL, err ? &other : fault);
    return err ? err : read;
}

enum ndc_err ndc_shard_init(struct ndc_shards *s, unsigned count, struct ndc_fault *fault)
{
    struct spread p = {.count = count};
    enum ndc_err err = ndc_shards_refresh(s, NULL, fault);
    if (err) return err;
    if (ndc_shards_count(s))
        return ndc_fail(fault, NDC_ECONFLICT, "registry.shard_init",
                        "the registry has %u shards already: move them",
                        ndc_shards_count(s));
    for (unsigned i = 1; i <= NDC_SHARD_SERVERS_MAX; i++)
        if (ndc_shards_server(s, i)) p.numbers[p.servers++] = i;
    if (p.servers == 0)
        return ndc_fail(fault, NDC_ECONFLICT, "registry.shard_init",
                        "no server is known: add some with \"ndc shard add\"");
    if (count < p.servers || count > NDC_SHARDS_MAX)
        return ndc_fail(fault, NDC_EINPUT, "registry.shard_init",
                        "%u to %d shards are possible on these servers", p.servers,
                        NDC_SHARDS_MAX);
    return init_all(s, &p, fault);
}

/* ---- what stands where ---- */

static enum ndc_err count_waiting(struct ndc_shards *s, struct ndc_shard_state *states,
                                  const unsigned *index, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    enum ndc_err err = ndc_store_take(s->store, NDC_READ, &conn, fault);
    if (err) return err;
    struct ndc_rows *rows = ndc_sql_query(
        conn, "SELECT entity % $1, count(*) FROM registry_recent GROUP BY 1",
        NDC_ARGS(ndc_int(ndc_shards_count(s))));
    while (ndc_rows_next(rows)) {
        struct shard_place p = ndc_shards_place(s, (unsigned)ndc_rows_i64(rows, 0));
        states[index[p.server]].waiting += ndc_rows_i64(rows, 1);
    }
    err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    return err;
}

static enum ndc_err ask_size(struct ndc_shards *s, struct shard_server *v,
                             struct ndc_shard_state *state, struct ndc_fault *fault)
{
    struct ndc_buf sql;
    struct ndc_store_conn *conn;
    struct ndc_fault why = {0};
    ndc_buf_init(&sql, INNER_SQL_MAX);
    ndc_buf_add_c(&sql,
                  "SELECT CAST(coalesce(sum(n), 0) AS BIGINT), "
                  "CAST(coalesce(sum(b), 0) AS BIGINT) FROM (SELECT 0 AS n, 0 AS b");
    for (unsigned i = 0; i < ndc_shards_count(s); i++) {
        struct shard_place p = ndc_shards_place(s, i);
        char schema[SHARD_SCHEMA_MAX];
        if (p.server != v->number) continue;
        ndc_shard_schema(schema, i, p.epoch);
        ndc_buf_printf(&sql,
                       " UNION ALL SELECT count(*), pg_total_relation_size('%s.entity') "
                       "FROM %s.entity",
                       schema, schema);
    }
    ndc_buf_add_c(&sql, ") AS parts");
    ndc_buf_add_byte(&sql, '\0');
    NDC_ASSERT(!sql.failed);
    enum ndc_err err = ndc_shard_take(v, NDC_READ, &conn, fault);
    if (!err) {
        ndc_store_conn_timeout(conn, 0);
        struct ndc_rows *rows = ndc_sql_query(conn, sql.ptr, NDC_NO_ARGS);
        if (ndc_rows_next(rows)) {
            state->entities = ndc_rows_i64(rows, 0);
            state->bytes = ndc_rows_i64(rows, 1);
        }
        err = ndc_shard_err(v, ndc_rows_end(rows, &why), &why, fault);
        ndc_store_give(conn);
    }
    ndc_buf_free(&sql);
    return err;
}

static void say_away(struct shard_server *v, struct ndc_shard_state *state)
{
    ndc_mutex_lock(&v->lock);
    if (v->failed_ns) snprintf(state->why, sizeof(state->why), "%s", v->why);
    ndc_mutex_unlock(&v->lock);
}

enum ndc_err ndc_shard_list(struct ndc_shards *s, struct ndc_arena *arena, bool sizes,
                            struct ndc_shard_state **out, size_t *n,
                            struct ndc_fault *fault)
{
    unsigned index[NDC_SHARD_SERVERS_MAX + 1] = {0};
    struct ndc_shard_state *states =
        NDC_ARENA_ARRAY(arena, struct ndc_shard_state, NDC_SHARD_SERVERS_MAX + 1);
    *n = 0;
    *out = states;
    enum ndc_err err = ndc_shards_refresh(s, NULL, fault);
    if (err || !states) return err;
    for (unsigned i = 1; i <= NDC_SHARD_SERVERS_MAX; i++) {
        struct shard_server *v = ndc_shards_server(s, i);
        if (!v) continue;
        index[i] = (unsigned)*n;
        struct ndc_shard_state *state = &states[(*n)++];
        *state = (struct ndc_shard_state){
            .conninfo = ndc_str(v->conninfo), .entities = -1, .bytes = -1};
        memcpy(state->name, v->name, sizeof(state->name));
        struct ndc_fault why = {0};
        if (sizes && ask_size(s, v, state, &why))
            snprintf(state->why, sizeof(state->why), "%s", why.message);
        else if (!sizes)
            say_away(v, state);
    }
    for (unsigned i = 0; i < ndc_shards_count(s); i++) {
        struct shard_place p = ndc_shards_place(s, i);
        states[index[p.server]].shards++;
        states[index[p.server]].moving += p.state != SHARD_STEADY;
    }
    return ndc_shards_count(s) ? count_waiting(s, states, index, fault) : NDC_OK;
}

/* The map: which server a shard is on, and where it is going. Kept in memory, read anew
 * when a place turns out to be old, and before every write to a shard under the lock of
 * its server. */
#include "platforms/registry/shard/shard_internal.h"

#include <stdio.h>

/* "ndcshrd" and the server's number. */
static const int64_t lock_base = 0x6e64637368726400;

enum ndc_err ndc_shard_hold(struct ndc_store_conn *conn, unsigned server,
                            struct ndc_fault *fault)
{
    return ndc_tx_lock(conn, lock_base + server, fault);
}

void ndc_shard_schema(char out[SHARD_SCHEMA_MAX], unsigned shard, int64_t epoch)
{
    snprintf(out, SHARD_SCHEMA_MAX, "ndc_shard_%02u_%lld", shard, (long long)epoch);
}

unsigned ndc_shards_count(const struct ndc_shards *s)
{
    return s ? __atomic_load_n(&s->count, __ATOMIC_ACQUIRE) : 0;
}

struct shard_place ndc_shards_place(struct ndc_shards *s, unsigned shard)
{
    ndc_mutex_lock(&s->lock);
    struct shard_place place = s->places[shard];
    ndc_mutex_unlock(&s->lock);
    return place;
}

unsigned ndc_shards_places(struct ndc_shards *s,
                           struct shard_place out[static NDC_SHARDS_MAX])
{
    ndc_mutex_lock(&s->lock);
    memcpy(out, s->places, sizeof(s->places));
    unsigned servers = s->server_count;
    ndc_mutex_unlock(&s->lock);
    return servers;
}

struct shard_server *ndc_shards_server(struct ndc_shards *s, unsigned number)
{
    if (number == 0 || number > NDC_SHARD_SERVERS_MAX) return NULL;
    ndc_mutex_lock(&s->lock);
    struct shard_server *server = s->servers[number];
    ndc_mutex_unlock(&s->lock);
    return server;
}

/* A server that is new here. One whose address was changed is reached there after the
 * next start. The lock is held. */
static void know_server(struct ndc_shards *s, unsigned number, struct ndc_str name,
                        struct ndc_str conninfo)
{
    if (s->servers[number]) return;
    struct shard_server *v = ndc_xcalloc(1, sizeof(*v));
    v->shards = s;
    v->number = number;
    snprintf(v->name, sizeof(v->name), "%.*s", NDC_STR_FMT(name));
    v->conninfo = strndup(conninfo.ptr ? conninfo.ptr : "", conninfo.len);
    v->cursor = INT64_MIN;
    ndc_mutex_init(&v->lock);
    ndc_mutex_init(&v->drain);
    s->servers[number] = v;
    s->server_count = NDC_MAX(s->server_count, number);
}

static enum ndc_err read_servers(struct ndc_shards *s, struct ndc_store_conn *conn,
                                 struct ndc_fault *fault)
{
    struct ndc_rows *rows = ndc_sql_query(
        conn, "SELECT number, server, conninfo FROM registry_shard_server", NDC_NO_ARGS);
    while (ndc_rows_next(rows)) {
        int64_t number = ndc_rows_i64(rows, 0);
        if (number < 1 || number > NDC_SHARD_SERVERS_MAX) continue;
        ndc_mutex_lock(&s->lock);
        know_server(s, (unsigned)number, ndc_rows_text(rows, 1), ndc_rows_text(rows, 2));
        ndc_mutex_unlock(&s->lock);
    }
    return ndc_rows_end(rows, fault);
}

static struct shard_place place_of(struct ndc_rows *rows)
{
    struct ndc_str state = ndc_rows_text(rows, 3);
    return (struct shard_place){.server = (unsigned)ndc_rows_i64(rows, 1),
                                .epoch = ndc_rows_i64(rows, 2),
                                .state = ndc_str_eq_c(state, "copying")   ? SHARD_COPYING
                                         : ndc_str_eq_c(state, "fencing") ? SHARD_FENCING
                                                                          : SHARD_STEADY,
                                .other = (unsigned)ndc_rows_i64(rows, 4),
                                .other_epoch = ndc_rows_i64(rows, 5),
                                .copied = ndc_rows_i64(rows, 6)};
}

static enum ndc_err read_places(struct ndc_shards *s, struct ndc_store_conn *conn,
                                struct ndc_fault *fault)
{
    struct shard_place *places = ndc_xcalloc(NDC_SHARDS_MAX, sizeof(*places));
    unsigned count = 0;
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT shard, server, epoch, state, other, other_epoch, copied FROM "
        "registry_shard",
        NDC_NO_ARGS);
    while (ndc_rows_next(rows)) {
        int64_t shard = ndc_rows_i64(rows, 0);
        if (shard < 0 || shard >= NDC_SHARDS_MAX) continue;
        places[shard] = place_of(rows);
        count++;
    }
    enum ndc_err err = ndc_rows_end(rows, fault);
    if (!err) {
        ndc_mutex_lock(&s->lock);
        memcpy(s->places, places, sizeof(s->places));
        __atomic_store_n(&s->count, count, __ATOMIC_RELEASE);
        ndc_mutex_unlock(&s->lock);
    }
    free(places);
    return err;
}

enum ndc_err ndc_shards_refresh(struct ndc_shards *s, struct ndc_store_conn *conn,
                                struct ndc_fault *fault)
{
    struct ndc_store_conn *own = NULL;
    enum ndc_err err = NDC_OK;
    if (!conn) err = ndc_store_take(s->store, NDC_READ, &own, fault);
    if (err) return err;
    err = read_servers(s, conn ? conn : own, fault);
    if (!err) err = read_places(s, conn ? conn : own, fault);
    ndc_store_give(own);
    return err;
}

enum ndc_err ndc_shards_open(struct ndc_shards **out, struct ndc_store *coordinator,
                             struct ndc_fault *fault)
{
    struct ndc_shards *s = ndc_xcalloc(1, sizeof(*s));
    s->store = coordinator;
    ndc_mutex_init(&s->lock);
    ndc_cond_init(&s->wake);
    *out = s;
    enum ndc_err err = ndc_shards_refresh(s, NULL, fault);
    if (err) {
        ndc_shards_close(s);
        *out = NULL;
    }
    return err;
}

void ndc_shards_close(struct ndc_shards *s)
{
    if (!s) return;
    for (unsigned i = 1; i <= s->server_count; i++) {
        struct shard_server *v = s->servers[i];
        if (!v) continue;
        ndc_store_close(v->store);
        ndc_mutex_free(&v->lock);
        ndc_mutex_free(&v->drain);
        free(v->active);
        free(v->conninfo);
        free(v);
    }
    ndc_cond_free(&s->wake);
    ndc_mutex_free(&s->lock);
    free(s);
}

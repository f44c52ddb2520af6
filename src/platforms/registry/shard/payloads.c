/* Reading payloads, wherever they are. On shards a place that turns out to be old is
 * looked up anew. */
#include "platforms/registry/shard/payloads.h"

#include "base/sort.h"
#include "platforms/registry/shard/shard_internal.h"
#include "sys/clock.h"

#include <stdio.h>

enum { GROUP_MAX = 64, IDS_MAX = GROUP_MAX * 21 + 3, GONE_WAIT_MS = 20 };

static bool is_sharded(const struct ndc_registry *reg)
{
    return ndc_shards_count(reg->shards) > 0;
}

/* What a first build has brought and not ended is nobody's. */
static bool is_empty(struct ndc_registry *reg)
{
    return ndc_registry_generation(reg) == 0;
}

/* ---- one ---- */

static enum ndc_err get_row(struct ndc_store_conn *conn, const char *sql,
                            struct ndc_arena *arena, uint64_t entity,
                            struct ndc_str *payload, int64_t *change,
                            struct ndc_fault *fault)
{
    struct ndc_rows *rows = ndc_sql_query(conn, sql, NDC_ARGS(ndc_int((int64_t)entity)));
    if (ndc_rows_next(rows)) {
        struct ndc_str blob = ndc_rows_blob(rows, 0);
        if (blob.len) *payload = ndc_arena_str(arena, blob);
        *change = ndc_rows_i64(rows, 1);
    }
    return ndc_rows_end(rows, fault);
}

struct at { /* a shard's schema on its server, as the map has it now */
    struct shard_server *server;
    char schema[SHARD_SCHEMA_MAX];
};

static struct at find(struct ndc_shards *s, unsigned shard)
{
    struct shard_place place = ndc_shards_place(s, shard);
    struct at at = {.server = ndc_shards_server(s, place.server)};
    ndc_shard_schema(at.schema, shard, place.epoch);
    NDC_ASSERT(at.server);
    return at;
}

/* Whether what failed is to be tried again with a new map; the fault is set if not. */
static bool again(struct ndc_shards *s, const struct at *at, unsigned *tries,
                  enum ndc_err *err, const struct ndc_fault *why, struct ndc_fault *fault)
{
    if (!ndc_shard_is_gone(*err, why)) {
        *err = ndc_shard_err(at->server, *err, why, fault);
        return false;
    }
    if (++*tries == SHARD_GONE_TRIES) {
        *err =
            ndc_fail(fault, NDC_EDB, "registry.shard_lost",
                     "the server \"%s\" should hold %s and does not: restore it from a "
                     "backup",
                     at->server->name, at->schema);
        return false;
    }
    if (*tries > 1) ndc_clock_sleep_ms(GONE_WAIT_MS);
    *err = ndc_shards_refresh(s, NULL, fault);
    return !*err;
}

static enum ndc_err get_shard(struct ndc_registry *reg, struct ndc_arena *arena,
                              uint64_t entity, struct ndc_str *payload, int64_t *change,
                              struct ndc_fault *fault)
{
    unsigned shard = (unsigned)(entity % ndc_shards_count(reg->shards)), tries = 0;
    for (;;) {
        struct at at = find(reg->shards, shard);
        struct ndc_store_conn *conn;
        struct ndc_fault why = {0};
        char sql[SHARD_SQL_MAX];
        enum ndc_err err = ndc_shard_take(at.server, NDC_READ, &conn, fault);
        if (err) return err;
        snprintf(sql, sizeof(sql),
                 "SELECT payload, change FROM %s.entity WHERE entity = $1", at.schema);
        err = get_row(conn, sql, arena, entity, payload, change, &why);
        ndc_store_give(conn);
        if (!err || !again(reg->shards, &at, &tries, &err, &why, fault)) return err;
    }
}

enum ndc_err ndc_payload_get(struct ndc_registry *reg, struct ndc_store_conn *conn,
                             struct ndc_arena *arena, uint64_t entity,
                             struct ndc_str *payload, int64_t *change,
                             struct ndc_fault *fault)
{
    *payload = NDC_STR_NULL;
    *change = 0;
    if (is_empty(reg)) return NDC_OK;
    if (is_sharded(reg)) return get_shard(reg, arena, entity, payload, change, fault);
    return get_row(conn, "SELECT payload, change FROM registry_entity WHERE entity = $1",
                   arena, entity, payload, change, fault);
}

/* ---- several ---- */

struct many {
    struct ndc_registry *registry;
    const uint64_t *entities;
    void (*visit)(void *arg, size_t i, int64_t change, struct ndc_str payload);
    void *arg;
};

static void visit_local(void *arg, size_t number, struct ndc_rows *row)
{
    const struct many *m = arg;
    m->visit(m->arg, number, ndc_rows_i64(row, 1), ndc_rows_blob(row, 0));
}

static enum ndc_err each_local(const struct many *m, struct ndc_store_conn *conn,
                               size_t n, struct ndc_fault *fault)
{
    struct ndc_val *args = ndc_xmalloc((n + 1) * sizeof(*args));
    for (size_t i = 0; i < n; i++)
        args[i] = ndc_int((int64_t)m->entities[i]);
    enum ndc_err err = ndc_sql_each(
        conn, "SELECT payload, change FROM registry_entity WHERE entity = $1", args, 1, n,
        visit_local, (void *)(uintptr_t)m, fault);
    free(args);
    return err;
}

/* Entities of one shard, as an array: what is sent and awaited is one statement. */
static enum ndc_err read_group(const struct many *m, struct ndc_store_conn *conn,
                               const char *schema, const struct ndc_key64 *group,
                               size_t n, struct ndc_fault *why)
{
    char sql[SHARD_SQL_MAX], ids[IDS_MAX];
    size_t len = 0;
    for (size_t i = 0; i < n; i++)
        len += (size_t)snprintf(ids + len, sizeof(ids) - len, "%c%llu", i ? ',' : '{',
                                (unsigned long long)m->entities[group[i].value]);
    len += (size_t)snprintf(ids + len, sizeof(ids) - len, "}");
    snprintf(sql, sizeof(sql),
             "SELECT entity, payload, change FROM %s.entity WHERE entity = "
             "ANY(CAST($1 AS BIGINT[]))",
             schema);
    struct ndc_rows *rows =
        ndc_sql_query(conn, sql, NDC_ARGS(ndc_text(ndc_str_n(ids, len))));
    while (ndc_rows_next(rows)) {
        uint64_t entity = (uint64_t)ndc_rows_i64(rows, 0);
        size_t i = 0;
        while (i < n && m->entities[group[i].value] != entity)
            i++;
        NDC_ASSERT(i < n);
        m->visit(m->arg, group[i].value, ndc_rows_i64(rows, 2), ndc_rows_blob(rows, 1));
    }
    return ndc_rows_end(rows, why);
}

/* A connection to each server, taken when it is first needed. */
struct links {
    struct ndc_store_conn *conns[NDC_SHARD_SERVERS_MAX + 1];
};

static enum ndc_err link_to(struct links *links, struct shard_server *server,
                            struct ndc_store_conn **conn, struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    if (!links->conns[server->number])
        err = ndc_shard_take(server, NDC_READ, &links->conns[server->number], fault);
    *conn = links->conns[server->number];
    return err;
}

static void unlink_all(struct links *links)
{
    for (size_t i = 0; i < NDC_ARRAY_LEN(links->conns); i++)
        ndc_store_give(links->conns[i]);
}

static enum ndc_err read_shard(const struct many *m, struct links *links, unsigned shard,
                               const struct ndc_key64 *group, size_t n,
                               struct ndc_fault *fault)
{
    unsigned tries = 0;
    for (;;) {
        struct at at = find(m->registry->shards, shard);
        struct ndc_store_conn *conn;
        struct ndc_fault why = {0};
        enum ndc_err err = link_to(links, at.server, &conn, fault);
        if (err) return err;
        err = read_group(m, conn, at.schema, group, n, &why);
        if (!err || !again(m->registry->shards, &at, &tries, &err, &why, fault))
            return err;
    }
}

static enum ndc_err each_shard(const struct many *m, size_t n, struct ndc_fault *fault)
{
    unsigned shards = ndc_shards_count(m->registry->shards);
    struct ndc_key64 *order = ndc_xmalloc((2 * n + 1) * sizeof(*order));
    struct links *links = ndc_xcalloc(1, sizeof(*links));
    enum ndc_err err = NDC_OK;
    for (size_t i = 0; i < n; i++)
        order[i] = (struct ndc_key64){m->entities[i] % shards, i};
    ndc_sort_key64(order, order + n, n);
    for (size_t from = 0, to; from < n && !err; from = to) {
        for (to = from + 1; to < n && to - from < GROUP_MAX; to++)
            if (order[to].key != order[from].key) break;
        err = read_shard(m, links, (unsigned)order[from].key, order + from, to - from,
                         fault);
    }
    unlink_all(links);
    free(links);
    free(order);
    return err;
}

enum ndc_err ndc_payload_each(struct ndc_registry *reg, struct ndc_store_conn *conn,
                              const uint64_t *entities, size_t n,
                              void (*visit)(void *arg, size_t i, int64_t change,
                                            struct ndc_str payload),
                              void *arg, struct ndc_fault *fault)
{
    const struct many m = {reg, entities, visit, arg};
    if (is_empty(reg)) return NDC_OK;
    return is_sharded(reg) ? each_shard(&m, n, fault) : each_local(&m, conn, n, fault);
}

/* ---- all ---- */

struct part { /* of one server, or of registry_entity */
    struct shard_server *server;
    struct ndc_store_conn *conn; /* NULL: the caller's */
    struct ndc_rows *rows;
    bool have;
    uint64_t entity;
};

struct ndc_payloads {
    struct part parts[NDC_SHARD_SERVERS_MAX + 1];
    size_t count, current;
    bool ordered, begun;
    struct ndc_payload payload;
    enum ndc_err err;
    struct ndc_fault fault;
};

enum { SCAN_SQL_MAX = 1 << 16 };

/* "SELECT … UNION ALL SELECT …" over the shards that are on a server; their places are
 * taken at one moment. */
static bool scan_sql(struct ndc_buf *sql, const char *columns, const char *where,
                     struct ndc_shards *s, const struct shard_place *places,
                     unsigned server)
{
    bool any = false;
    ndc_buf_reset(sql);
    for (unsigned i = 0; i < ndc_shards_count(s); i++) {
        char schema[SHARD_SCHEMA_MAX];
        if (places[i].server != server) continue;
        ndc_shard_schema(schema, i, places[i].epoch);
        ndc_buf_printf(sql, "%sSELECT %s FROM %s.entity WHERE %s",
                       any ? " UNION ALL " : "", columns, schema, where);
        any = true;
    }
    NDC_ASSERT(!sql->failed);
    return any;
}

static void next_row(struct part *p)
{
    p->have = ndc_rows_next(p->rows);
    if (p->have) p->entity = (uint64_t)ndc_rows_i64(p->rows, 0);
}

static enum ndc_err close_parts(struct ndc_payloads *p, struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    for (size_t i = 0; i < p->count; i++) {
        struct part *part = &p->parts[i];
        struct ndc_fault why = {0};
        enum ndc_err ended = part->rows ? ndc_rows_end(part->rows, &why) : NDC_OK;
        ndc_store_give(part->conn);
        if (!ended || err) continue;
        err = ended;
        if (!ndc_shard_is_gone(ended, &why) && part->server)
            err = ndc_shard_err(part->server, ended, &why, fault);
        else if (fault)
            *fault = why;
    }
    p->count = 0;
    return err;
}

static enum ndc_err open_part(struct ndc_payloads *p, struct shard_server *server,
                              const char *sql, const struct ndc_payload_range *range,
                              struct ndc_fault *fault)
{
    struct part *part = &p->parts[p->count++];
    *part = (struct part){.server = server};
    enum ndc_err err = ndc_shard_take(server, NDC_READ, &part->conn, fault);
    if (err) return err;
    ndc_store_conn_timeout(part->conn, 0);
    part->rows = ndc_sql_scan(
        part->conn, sql,
        NDC_ARGS(ndc_int((int64_t)range->from), ndc_int((int64_t)range->to)));
    next_row(part);
    return NDC_OK;
}

static enum ndc_err open_shards_once(struct ndc_payloads *p, struct ndc_shards *s,
                                     const struct ndc_payload_range *range,
                                     struct ndc_fault *fault)
{
    struct shard_place *places = ndc_xcalloc(NDC_SHARDS_MAX, sizeof(*places));
    struct ndc_buf sql;
    enum ndc_err err = NDC_OK;
    ndc_buf_init(&sql, SCAN_SQL_MAX);
    unsigned servers = ndc_shards_places(s, places);
    for (unsigned v = 1; v <= servers && !err; v++) {
        if (!scan_sql(&sql, "entity, type, updated_ms, change, payload",
                      "octet_length(payload) > 0 AND entity >= $1 AND entity < $2", s,
                      places, v))
            continue;
        if (range->ordered) ndc_buf_add_c(&sql, " ORDER BY entity");
        ndc_buf_add_byte(&sql, '\0');
        NDC_ASSERT(!sql.failed);
        err = open_part(p, ndc_shards_server(s, v), sql.ptr, range, fault);
    }
    ndc_buf_free(&sql);
    free(places);
    return err;
}

/* A shard that moves between the look at the map and the first row is found by the next
 * try. */
static enum ndc_err open_shards(struct ndc_payloads *p, struct ndc_shards *s,
                                const struct ndc_payload_range *range,
                                struct ndc_fault *fault)
{
    for (unsigned tries = 0;; tries++) {
        struct ndc_fault why = {0};
        enum ndc_err err = open_shards_once(p, s, range, fault);
        if (err) return err;
        /* A part without a first row is empty or has failed. */
        for (size_t i = 0; i < p->count && !err; i++) {
            if (p->parts[i].have) continue;
            err = ndc_rows_end(p->parts[i].rows, &why);
            p->parts[i].rows = NULL;
            if (err && !ndc_shard_is_gone(err, &why))
                return ndc_shard_err(p->parts[i].server, err, &why, fault);
        }
        if (!err) return NDC_OK;
        struct ndc_fault ignored = {0};
        (void)close_parts(p, &ignored);
        if (tries == SHARD_GONE_TRIES)
            return ndc_fail(fault, NDC_EDB, "registry.shard_lost",
                            "a server does not hold a shard that it should: restore it "
                            "from a backup (%.200s)",
                            why.message);
        ndc_clock_sleep_ms(GONE_WAIT_MS);
        err = ndc_shards_refresh(s, NULL, fault);
        if (err) return err;
    }
}

static void open_local(struct ndc_payloads *p, struct ndc_store_conn *conn,
                       const struct ndc_payload_range *range)
{
    struct part *part = &p->parts[p->count++];
    part->rows = ndc_sql_scan(
        conn,
        range->ordered
            ? "SELECT entity, type, updated_ms, change, payload FROM registry_entity "
              "WHERE entity >= $1 AND entity < $2 ORDER BY entity"
            : "SELECT entity, type, updated_ms, change, payload FROM registry_entity "
              "WHERE entity >= $1 AND entity < $2",
        NDC_ARGS(ndc_int((int64_t)range->from), ndc_int((int64_t)range->to)));
    next_row(part);
}

struct ndc_payloads *ndc_payloads_open(struct ndc_registry *reg,
                                       struct ndc_store_conn *conn,
                                       const struct ndc_payload_range *wanted)
{
    struct ndc_payloads *p = ndc_xcalloc(1, sizeof(*p));
    struct ndc_payload_range range = *wanted;
    if (range.to == 0 || range.to > INT64_MAX) range.to = INT64_MAX;
    p->ordered = range.ordered;
    if (is_empty(reg)) return p;
    if (is_sharded(reg))
        p->err = open_shards(p, reg->shards, &range, &p->fault);
    else
        open_local(p, conn, &range);
    return p;
}

/* The part whose row is next: the smallest number, or any. */
static struct part *choose(struct ndc_payloads *p)
{
    struct part *best = NULL;
    for (size_t i = 0; i < p->count; i++) {
        struct part *part = &p->parts[i];
        if (!part->have) continue;
        if (!best || part->entity < best->entity) best = part;
        if (!p->ordered) break;
    }
    return best;
}

const struct ndc_payload *ndc_payloads_next(struct ndc_payloads *p)
{
    if (p->err) return NULL;
    if (p->begun) next_row(&p->parts[p->current]);
    struct part *part = choose(p);
    if (!part) return NULL;
    p->begun = true;
    p->current = (size_t)(part - p->parts);
    p->payload = (struct ndc_payload){.entity = part->entity,
                                      .type = ndc_rows_i64(part->rows, 1),
                                      .updated_ms = ndc_rows_i64(part->rows, 2),
                                      .change = ndc_rows_i64(part->rows, 3),
                                      .payload = ndc_rows_blob(part->rows, 4)};
    return &p->payload;
}

enum ndc_err ndc_payloads_close(struct ndc_payloads *p, struct ndc_fault *fault)
{
    struct ndc_fault why = {0};
    enum ndc_err err = close_parts(p, &why);
    if (p->err) {
        err = p->err;
        why = p->fault;
    }
    if (err && fault && !fault->err) *fault = why;
    free(p);
    return err;
}

/* A row a shard. */
static enum ndc_err count_server(struct shard_server *server, const char *sql,
                                 int64_t *count, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    struct ndc_fault why = {0};
    enum ndc_err err = ndc_shard_take(server, NDC_READ, &conn, fault);
    if (err) return err;
    ndc_store_conn_timeout(conn, 0);
    struct ndc_rows *rows = ndc_sql_query(conn, sql, NDC_NO_ARGS);
    while (ndc_rows_next(rows))
        *count += ndc_rows_i64(rows, 0);
    err = ndc_rows_end(rows, &why);
    ndc_store_give(conn);
    return ndc_shard_err(server, err, &why, fault);
}

enum ndc_err ndc_payload_count(struct ndc_registry *reg, struct ndc_store_conn *conn,
                               int64_t *count, struct ndc_fault *fault)
{
    *count = 0;
    if (is_empty(reg)) return NDC_OK;
    if (!is_sharded(reg))
        return ndc_sql_i64(conn, count, "SELECT count(*) FROM registry_entity",
                           NDC_NO_ARGS, fault);
    struct ndc_shards *s = reg->shards;
    struct shard_place *places = ndc_xcalloc(NDC_SHARDS_MAX, sizeof(*places));
    struct ndc_buf sql;
    enum ndc_err err = NDC_OK;
    ndc_buf_init(&sql, SCAN_SQL_MAX);
    unsigned servers = ndc_shards_places(s, places);
    for (unsigned v = 1; v <= servers && !err; v++) {
        if (!scan_sql(&sql, "count(*)", "octet_length(payload) > 0", s, places, v))
            continue;
        ndc_buf_add_byte(&sql, '\0');
        NDC_ASSERT(!sql.failed);
        err = count_server(ndc_shards_server(s, v), sql.ptr, count, fault);
    }
    ndc_buf_free(&sql);
    free(places);
    return err;
}

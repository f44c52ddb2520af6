/* All payloads at once, by COPY over a connection to each server: rows gather in pieces
 * by shard, a thread a server sends its pieces. One transaction a server; who asks for
 * the load commits on the coordinator when all servers have committed, and only then does
 * anybody look for what was brought. */
#include "platforms/registry/shard/shard_internal.h"

#include "store/bulk.h"

#include <stdio.h>

enum { PIECE_BYTES = 512 << 10, PIECE_ROW_MAX = 256 << 20, QUEUED_MAX = 8 };

struct piece { /* rows of one shard: a head each, its payload after it */
    unsigned shard;
    struct ndc_buf bytes;
    struct piece *next;
};

struct row_head {
    uint64_t entity, len;
    int64_t type, updated_ms, change;
};

struct sender {
    struct ndc_shard_load *load;
    struct shard_server *server;
    struct ndc_store_conn *conn;
    struct ndc_thread thread;
    bool started;
    struct piece *first, *last; /* by the load's lock, as what follows */
    unsigned queued;
    enum ndc_err err;
    struct ndc_fault fault;
    uint64_t rows;
};

struct ndc_shard_load {
    struct ndc_shards *shards;
    struct shard_place places[NDC_SHARDS_MAX];
    struct piece *open[NDC_SHARDS_MAX];
    struct sender senders[NDC_SHARD_SERVERS_MAX + 1];
    struct ndc_mutex lock; /* guards queues and `closed` */
    struct ndc_cond moved;
    bool closed;
};

/* ---- sending ---- */

static enum ndc_err send_piece(struct sender *s, const struct piece *p,
                               struct ndc_fault *fault)
{
    static const struct ndc_bulk_column columns[] = {{"entity", NDC_VAL_I64},
                                                     {"type", NDC_VAL_I64},
                                                     {"updated_ms", NDC_VAL_I64},
                                                     {"payload", NDC_VAL_BLOB},
                                                     {"change", NDC_VAL_I64}};
    char schema[SHARD_SCHEMA_MAX], sql[SHARD_SQL_MAX];
    struct ndc_bulk *bulk;
    uint64_t rows = 0;
    ndc_shard_schema(schema, p->shard, s->load->places[p->shard].epoch);
    snprintf(sql, sizeof(sql), "SET LOCAL search_path = %s", schema);
    enum ndc_err err = ndc_sql_exec(s->conn, sql, NDC_NO_ARGS, NULL, fault);
    if (!err)
        err = ndc_bulk_begin(&bulk, s->conn, "entity", columns, NDC_ARRAY_LEN(columns),
                             fault);
    if (err) return err;
    for (size_t at = 0; at < p->bytes.len && !err;) {
        struct row_head h;
        memcpy(&h, p->bytes.ptr + at, sizeof(h));
        ndc_bulk_i64(bulk, (int64_t)h.entity);
        ndc_bulk_i64(bulk, h.type);
        ndc_bulk_i64(bulk, h.updated_ms);
        ndc_bulk_blob(bulk, ndc_str_n(p->bytes.ptr + at + sizeof(h), h.len));
        ndc_bulk_i64(bulk, h.change);
        err = ndc_bulk_row(bulk, fault);
        at += sizeof(h) + h.len;
    }
    if (err) {
        ndc_bulk_abort(bulk);
        return err;
    }
    err = ndc_bulk_end(bulk, &rows, fault);
    s->rows += rows;
    return err;
}

static void free_piece(struct piece *p)
{
    if (!p) return;
    ndc_buf_free(&p->bytes);
    free(p);
}

static void run_sender(void *arg)
{
    struct sender *s = arg;
    struct ndc_shard_load *l = s->load;
    ndc_mutex_lock(&l->lock);
    for (;;) {
        while (!s->first && !l->closed)
            ndc_cond_wait(&l->moved, &l->lock);
        struct piece *p = s->first;
        if (!p) break;
        s->first = p->next;
        if (!s->first) s->last = NULL;
        enum ndc_err err = s->err;
        ndc_mutex_unlock(&l->lock);
        struct ndc_fault fault = {0};
        if (!err) err = send_piece(s, p, &fault);
        free_piece(p);
        ndc_mutex_lock(&l->lock);
        s->queued--;
        if (err && !s->err) {
            s->err = err;
            s->fault = fault;
        }
        ndc_cond_broadcast(&l->moved);
    }
    ndc_mutex_unlock(&l->lock);
}

/* ---- gathering ---- */

static enum ndc_err hand_over(struct ndc_shard_load *l, unsigned shard,
                              struct ndc_fault *fault)
{
    struct sender *s = &l->senders[l->places[shard].server];
    struct piece *p = l->open[shard];
    struct ndc_fault why = {0};
    l->open[shard] = NULL;
    ndc_mutex_lock(&l->lock);
    while (s->queued >= QUEUED_MAX && !s->err)
        ndc_cond_wait(&l->moved, &l->lock);
    enum ndc_err err = s->err;
    if (err) {
        why = s->fault;
    } else {
        if (s->last)
            s->last->next = p;
        else
            s->first = p;
        s->last = p;
        s->queued++;
        ndc_cond_broadcast(&l->moved);
    }
    ndc_mutex_unlock(&l->lock);
    if (err) free_piece(p);
    return ndc_shard_err(s->server, err, &why, fault);
}

enum ndc_err ndc_shard_load_add(struct ndc_shard_load *l, const struct ndc_shard_row *row,
                                struct ndc_fault *fault)
{
    unsigned shard = (unsigned)(row->entity % ndc_shards_count(l->shards));
    const struct row_head head = {row->entity, row->payload.len, row->type,
                                  row->updated_ms, row->change};
    struct piece *p = l->open[shard];
    if (!p) {
        p = l->open[shard] = ndc_xcalloc(1, sizeof(*p));
        p->shard = shard;
        ndc_buf_init(&p->bytes, (size_t)PIECE_BYTES + PIECE_ROW_MAX);
    }
    ndc_buf_add(&p->bytes, &head, sizeof(head));
    ndc_buf_add_str(&p->bytes, row->payload);
    if (p->bytes.failed)
        return ndc_fail(fault, NDC_ETOOBIG, "db.too_big", "a row is larger than 256 MiB");
    return p->bytes.len < PIECE_BYTES ? NDC_OK : hand_over(l, shard, fault);
}

/* ---- begin and end ---- */

static enum ndc_err empty_shards(struct sender *s, struct ndc_fault *fault)
{
    struct ndc_shard_load *l = s->load;
    struct ndc_fault why = {0};
    ndc_store_conn_timeout(s->conn, 0);
    enum ndc_err err = ndc_tx_begin(s->conn, &why);
    for (unsigned i = 0; i < ndc_shards_count(l->shards) && !err; i++) {
        char schema[SHARD_SCHEMA_MAX], sql[SHARD_SQL_MAX];
        if (l->places[i].server != s->server->number) continue;
        ndc_shard_schema(schema, i, l->places[i].epoch);
        snprintf(sql, sizeof(sql), "TRUNCATE %s.entity", schema);
        err = ndc_sql_exec(s->conn, sql, NDC_NO_ARGS, NULL, &why);
    }
    return ndc_shard_err(s->server, err, &why, fault);
}

static enum ndc_err begin_sender(struct ndc_shard_load *l, unsigned number,
                                 struct ndc_fault *fault)
{
    struct sender *s = &l->senders[number];
    if (s->server) return NDC_OK;
    s->load = l;
    s->server = ndc_shards_server(l->shards, number);
    NDC_ASSERT(s->server);
    enum ndc_err err = ndc_shard_take(s->server, NDC_WRITE, &s->conn, fault);
    if (!err) err = empty_shards(s, fault);
    if (err) return err;
    s->started = true;
    ndc_thread_start(&s->thread, "ndc-shard-load", run_sender, s);
    return NDC_OK;
}

enum ndc_err ndc_shard_load_begin(struct ndc_shard_load **out, struct ndc_shards *shards,
                                  struct ndc_fault *fault)
{
    struct ndc_shard_load *l = ndc_xcalloc(1, sizeof(*l));
    *out = l;
    l->shards = shards;
    ndc_mutex_init(&l->lock);
    ndc_cond_init(&l->moved);
    enum ndc_err err = NDC_OK;
    for (unsigned i = 0; i < ndc_shards_count(shards) && !err; i++) {
        l->places[i] = ndc_shards_place(shards, i);
        if (l->places[i].state != SHARD_STEADY)
            err = ndc_fail(fault, NDC_EBUSY, "registry.shard_moving",
                           "shard %u is on its way: end its move first", i);
    }
    for (unsigned i = 0; i < ndc_shards_count(shards) && !err; i++)
        err = begin_sender(l, l->places[i].server, fault);
    if (err) {
        ndc_shard_load_abort(l);
        *out = NULL;
    }
    return err;
}

static void stop_senders(struct ndc_shard_load *l)
{
    ndc_mutex_lock(&l->lock);
    l->closed = true;
    ndc_cond_broadcast(&l->moved);
    ndc_mutex_unlock(&l->lock);
    for (size_t i = 0; i < NDC_ARRAY_LEN(l->senders); i++)
        if (l->senders[i].started) ndc_thread_join(&l->senders[i].thread);
}

static void free_load(struct ndc_shard_load *l)
{
    for (size_t i = 0; i < NDC_SHARDS_MAX; i++)
        free_piece(l->open[i]);
    for (size_t i = 0; i < NDC_ARRAY_LEN(l->senders); i++)
        ndc_store_give(l->senders[i].conn);
    ndc_cond_free(&l->moved);
    ndc_mutex_free(&l->lock);
    free(l);
}

void ndc_shard_load_abort(struct ndc_shard_load *l)
{
    stop_senders(l);
    free_load(l);
}

enum ndc_err ndc_shard_load_end(struct ndc_shard_load *l, uint64_t *rows,
                                struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    for (unsigned i = 0; i < ndc_shards_count(l->shards) && !err; i++)
        if (l->open[i]) err = hand_over(l, i, fault);
    stop_senders(l);
    *rows = 0;
    for (size_t i = 0; i < NDC_ARRAY_LEN(l->senders) && !err; i++) {
        struct sender *s = &l->senders[i];
        if (!s->server) continue;
        err = ndc_shard_err(s->server, s->err, &s->fault, fault);
        *rows += s->rows;
    }
    for (size_t i = 0; i < NDC_ARRAY_LEN(l->senders) && !err; i++) {
        struct sender *s = &l->senders[i];
        struct ndc_fault why = {0};
        if (s->server)
            err = ndc_shard_err(s->server, ndc_tx_commit(s->conn, &why), &why, fault);
    }
    free_load(l);
    return err;
}

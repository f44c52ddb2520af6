/* Moving a shard from one server to another while it is read and written. Every step is
 * one commit on the coordinator under the locks of the servers that it concerns, so
 * whoever drains sees the shard before it or after it, and whoever is killed leaves a
 * state from which the same call goes on:
 *
 *   steady   The new place is made, empty, under a name that nobody has read before.
 *   copying  What is drained goes to both places. Rows are copied in the order of their
 *            numbers, never over newer ones; how far is noted.
 *   fencing  The new place is the shard's. Nothing is drained to it yet: a reader with
 *            the old map finds the same at the old place.
 *   steady   The old place is dropped; a reader with the old map is told so, and looks
 *            again. Draining goes on. */
#include "platforms/registry/shard/shard_internal.h"

#include "sys/clock.h"

#include <stdio.h>

enum {
    COPY_ROWS = 1000,
    COPY_BYTES = 16 << 20,
    DROP_TRIES = 30,
    DROP_WAIT_MS = 500,
    LONG_MS = 60000
};

struct move {
    struct ndc_shards *shards;
    unsigned shard, to;
    void (*step)(void *arg, const char *what, uint64_t rows);
    void *arg;
};

static void tell(const struct move *m, const char *what, uint64_t rows)
{
    if (m->step) m->step(m->arg, what, rows);
}

static enum ndc_err run_on(struct shard_server *v, const char *const *sql, size_t n,
                           struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    struct ndc_fault why = {0};
    enum ndc_err err = ndc_shard_take(v, NDC_WRITE, &conn, fault);
    if (err) return err;
    ndc_store_conn_timeout(conn, LONG_MS);
    err = ndc_tx_begin(conn, &why);
    for (size_t i = 0; i < n && !err; i++)
        err = ndc_sql_exec(conn, sql[i], NDC_NO_ARGS, NULL, &why);
    if (!err) err = ndc_tx_commit(conn, &why);
    ndc_store_give(conn);
    return ndc_shard_err(v, err, &why, fault);
}

enum ndc_err ndc_shard_make_place(struct shard_server *v, unsigned shard, int64_t epoch,
                                  struct ndc_fault *fault)
{
    char schema[SHARD_SCHEMA_MAX], drop[SHARD_SQL_MAX], make[SHARD_SQL_MAX],
        table[2 * SHARD_SQL_MAX], storage[SHARD_SQL_MAX];
    ndc_shard_schema(schema, shard, epoch);
    snprintf(drop, sizeof(drop), "DROP SCHEMA IF EXISTS %s CASCADE", schema);
    snprintf(make, sizeof(make), "CREATE SCHEMA %s", schema);
    snprintf(
        table, sizeof(table),
        "CREATE TABLE %s.entity (entity BIGINT PRIMARY KEY, type BIGINT NOT NULL, "
        "updated_ms BIGINT NOT NULL, payload BYTEA NOT NULL, change BIGINT NOT NULL) "
        "WITH (toast_tuple_target = 8160)",
        schema);
    snprintf(storage, sizeof(storage),
             "ALTER TABLE %s.entity ALTER COLUMN payload SET STORAGE EXTERNAL", schema);
    const char *const sql[] = {drop, make, table, storage};
    return run_on(v, sql, NDC_ARRAY_LEN(sql), fault);
}

/* ---- steps on the coordinator ---- */

static enum ndc_err write_place(struct ndc_store_conn *conn, unsigned shard,
                                const struct shard_place *p, struct ndc_fault *fault)
{
    static const char *const names[] = {"steady", "copying", "fencing"};
    return ndc_sql_exec(
        conn,
        "UPDATE registry_shard SET server = $2, epoch = $3, state = $4, other = $5, "
        "other_epoch = $6, copied = $7, changed_ms = $8 WHERE shard = $1",
        NDC_ARGS(ndc_int(shard), ndc_int(p->server), ndc_int(p->epoch),
                 ndc_textz(names[p->state]), ndc_int(p->other), ndc_int(p->other_epoch),
                 ndc_int(p->copied), ndc_int(ndc_clock_wall_ms())),
        NULL, fault);
}

static bool same_place(const struct shard_place *a, const struct shard_place *b)
{
    return a->server == b->server && a->epoch == b->epoch && a->state == b->state &&
           a->other == b->other && a->other_epoch == b->other_epoch;
}

/* From a state that still stands to the next, in one commit. */
static enum ndc_err change_place(const struct move *m, const struct shard_place *was,
                                 const struct shard_place *now, struct ndc_fault *fault)
{
    bool fresh = now->state == SHARD_COPYING;
    struct ndc_store_conn *conn;
    unsigned a = was->server, b = now->server;
    enum ndc_err err = ndc_store_take(m->shards->store, NDC_WRITE, &conn, fault);
    if (err) return err;
    err = ndc_tx_begin(conn, fault);
    if (!err) err = ndc_shard_hold(conn, NDC_MIN(a, b), fault);
    if (!err && a != b) err = ndc_shard_hold(conn, NDC_MAX(a, b), fault);
    if (!err) err = ndc_shards_refresh(m->shards, conn, fault);
    if (!err) {
        struct shard_place at = ndc_shards_place(m->shards, m->shard);
        if (!same_place(&at, was))
            err = ndc_fail(fault, NDC_EBUSY, "registry.shard_moving",
                           "another program moves shard %u", m->shard);
    }
    /* While nobody else can have begun the same. */
    if (!err && fresh)
        err = ndc_shard_make_place(ndc_shards_server(m->shards, now->other), m->shard,
                                   now->other_epoch, fault);
    if (!err) err = write_place(conn, m->shard, now, fault);
    if (!err) err = ndc_tx_commit(conn, fault);
    ndc_store_give(conn);
    return err ? err : ndc_shards_refresh(m->shards, NULL, fault);
}

/* ---- copying ---- */

struct copy {
    struct ndc_store_conn *from, *to;
    struct ndc_buf payloads;
    struct ndc_val *vals;
    size_t *ends; /* of the payloads */
    size_t count;
    int64_t last;
};

static enum ndc_err read_piece(struct copy *c, const char *schema, int64_t after,
                               struct ndc_fault *why)
{
    char sql[SHARD_SQL_MAX];
    snprintf(sql, sizeof(sql),
             "SELECT entity, type, updated_ms, payload, change FROM %s.entity WHERE "
             "entity > $1 ORDER BY entity LIMIT $2",
             schema);
    ndc_buf_reset(&c->payloads);
    c->count = 0;
    struct ndc_rows *rows =
        ndc_sql_scan(c->from, sql, NDC_ARGS(ndc_int(after), ndc_int(COPY_ROWS)));
    while (c->payloads.len < COPY_BYTES && ndc_rows_next(rows)) {
        struct ndc_val *v = &c->vals[5 * c->count];
        c->last = ndc_rows_i64(rows, 0);
        v[0] = ndc_int(c->last);
        v[1] = ndc_int(ndc_rows_i64(rows, 1));
        v[2] = ndc_int(ndc_rows_i64(rows, 2));
        v[4] = ndc_int(ndc_rows_i64(rows, 4));
        ndc_buf_add_str(&c->payloads, ndc_rows_blob(rows, 3));
        c->ends[c->count++] = c->payloads.len;
    }
    NDC_ASSERT(!c->payloads.failed);
    for (size_t i = 0, at = 0; i < c->count; at = c->ends[i++])
        c->vals[5 * i + 3] =
            ndc_blob(c->ends[i] > at ? ndc_str_n(c->payloads.ptr + at, c->ends[i] - at)
                                     : ndc_str_n("", 0));
    return ndc_rows_end(rows, why);
}

static enum ndc_err write_piece(struct copy *c, const char *schema, struct ndc_fault *why)
{
    enum ndc_err err = ndc_tx_begin(c->to, why);
    if (!err) err = ndc_shard_put(c->to, schema, false, c->vals, c->count, why);
    if (!err) err = ndc_tx_commit(c->to, why);
    if (err && ndc_tx_open(c->to)) ndc_tx_rollback(c->to);
    return err;
}

static enum ndc_err note_copied(const struct move *m, int64_t epoch, int64_t last,
                                struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    enum ndc_err err = ndc_store_take(m->shards->store, NDC_WRITE, &conn, fault);
    if (err) return err;
    err = ndc_sql_exec(conn,
                       "UPDATE registry_shard SET copied = $2 WHERE shard = $1 AND state "
                       "= 'copying' AND "
                       "other_epoch = $3",
                       NDC_ARGS(ndc_int(m->shard), ndc_int(last), ndc_int(epoch)), NULL,
                       fault);
    ndc_store_give(conn);
    return err;
}

static enum ndc_err copy_pieces(const struct move *m, const struct shard_place *p,
                                struct copy *c, struct ndc_fault *fault)
{
    struct shard_server *from = ndc_shards_server(m->shards, p->server);
    struct shard_server *to = ndc_shards_server(m->shards, p->other);
    char old[SHARD_SCHEMA_MAX], new[SHARD_SCHEMA_MAX];
    uint64_t rows = 0;
    enum ndc_err err = NDC_OK;
    ndc_shard_schema(old, m->shard, p->epoch);
    ndc_shard_schema(new, m->shard, p->other_epoch);
    c->last = p->copied;
    do {
        struct ndc_fault why = {0};
        err = ndc_shard_err(from, read_piece(c, old, c->last, &why), &why, fault);
        if (err || !c->count) break;
        err = ndc_shard_err(to, write_piece(c, new, &why), &why, fault);
        if (!err) err = note_copied(m, p->other_epoch, c->last, fault);
        if (!err) tell(m, "copied", rows += c->count);
    } while (!err);
    return err;
}

static enum ndc_err copy_shard(const struct move *m, const struct shard_place *p,
                               struct ndc_fault *fault)
{
    struct copy c = {.vals = ndc_xmalloc((COPY_ROWS + 1) * 5 * sizeof(*c.vals)),
                     .ends = ndc_xmalloc((COPY_ROWS + 1) * sizeof(*c.ends))};
    ndc_buf_init(&c.payloads, (size_t)COPY_BYTES + (256 << 20));
    enum ndc_err err =
        ndc_shard_take(ndc_shards_server(m->shards, p->server), NDC_READ, &c.from, fault);
    if (!err)
        err = ndc_shard_take(ndc_shards_server(m->shards, p->other), NDC_WRITE, &c.to,
                             fault);
    if (!err) {
        ndc_store_conn_timeout(c.from, LONG_MS);
        ndc_store_conn_timeout(c.to, LONG_MS);
        err = copy_pieces(m, p, &c, fault);
    }
    ndc_store_give(c.from);
    ndc_store_give(c.to);
    ndc_buf_free(&c.payloads);
    free(c.vals);
    free(c.ends);
    return err;
}

/* ---- the steps ---- */

static enum ndc_err begin_copying(const struct move *m, const struct shard_place *was,
                                  struct ndc_fault *fault)
{
    struct shard_place now = *was;
    now.state = SHARD_COPYING;
    now.other = m->to;
    now.other_epoch = NDC_MAX(was->epoch, was->other_epoch) + 1;
    now.copied = 0;
    enum ndc_err err = change_place(m, was, &now, fault);
    if (!err) tell(m, "copying", 0);
    return err;
}

static enum ndc_err copy_and_switch(const struct move *m, const struct shard_place *was,
                                    struct ndc_fault *fault)
{
    struct shard_place now = {.server = was->other,
                              .epoch = was->other_epoch,
                              .other = was->server,
                              .other_epoch = was->epoch,
                              .state = SHARD_FENCING};
    enum ndc_err err = copy_shard(m, was, fault);
    if (!err) err = change_place(m, was, &now, fault);
    if (!err) tell(m, "switched", 0);
    return err;
}

/* Waits for readers who are at the old place. */
static enum ndc_err drop_old(const struct move *m, const struct shard_place *was,
                             struct ndc_fault *fault)
{
    char schema[SHARD_SCHEMA_MAX], drop[SHARD_SQL_MAX];
    const char *const sql[] = {drop};
    struct shard_place now = *was;
    enum ndc_err err = NDC_OK;
    ndc_shard_schema(schema, m->shard, was->other_epoch);
    snprintf(drop, sizeof(drop), "DROP SCHEMA IF EXISTS %s CASCADE", schema);
    for (int i = 0; i < DROP_TRIES; i++) {
        struct ndc_fault why = {0};
        err = run_on(ndc_shards_server(m->shards, was->other), sql, 1, &why);
        if (!err) break;
        if (i + 1 == DROP_TRIES)
            return ndc_fail(fault, NDC_EBUSY, "registry.shard_moving",
                            "shard %u has moved, but its old place on \"%s\" cannot be "
                            "dropped yet and its changes wait: give the same command "
                            "again (%.200s)",
                            m->shard, ndc_shards_server(m->shards, was->other)->name,
                            why.message);
        ndc_clock_sleep_ms(DROP_WAIT_MS);
    }
    tell(m, "dropped", 0);
    now.state = SHARD_STEADY;
    now.other = 0; /* the epoch stays: the next place has a larger one */
    err = change_place(m, was, &now, fault);
    if (!err) tell(m, "moved", 0);
    return err;
}

static enum ndc_err find_server(struct ndc_shards *s, struct ndc_str name,
                                unsigned *number, struct ndc_fault *fault)
{
    for (unsigned i = 1; i <= NDC_SHARD_SERVERS_MAX; i++) {
        const struct shard_server *v = ndc_shards_server(s, i);
        if (!v || !ndc_str_eq_c(name, v->name)) continue;
        *number = i;
        return NDC_OK;
    }
    return ndc_fail(fault, NDC_ENOTFOUND, "registry.shard_server",
                    "there is no server \"%.*s\": \"ndc shard list\" shows them",
                    NDC_STR_FMT(name));
}

enum ndc_err ndc_shard_move(struct ndc_shards *s, unsigned shard, struct ndc_str server,
                            void (*step)(void *arg, const char *what, uint64_t rows),
                            void *arg, struct ndc_fault *fault)
{
    struct move m = {.shards = s, .shard = shard, .step = step, .arg = arg};
    enum ndc_err err = ndc_shards_refresh(s, NULL, fault);
    if (!err) err = find_server(s, server, &m.to, fault);
    if (!err && shard >= ndc_shards_count(s))
        err = ndc_fail(fault, NDC_EINPUT, "registry.shard_none",
                       "there are shards 0 to %d", (int)ndc_shards_count(s) - 1);
    while (!err) {
        struct shard_place at = ndc_shards_place(s, shard);
        if (at.state == SHARD_STEADY && at.server == m.to) break;
        unsigned going = at.state == SHARD_COPYING ? at.other : at.server;
        if (at.state != SHARD_STEADY && going != m.to)
            err = ndc_fail(fault, NDC_ECONFLICT, "registry.shard_moving",
                           "shard %u is on its way to \"%s\": end that move first", shard,
                           ndc_shards_server(s, going)->name);
        else if (at.state == SHARD_STEADY)
            err = begin_copying(&m, &at, fault);
        else if (at.state == SHARD_COPYING)
            err = copy_and_switch(&m, &at, fault);
        else
            err = drop_old(&m, &at, fault);
    }
    return err;
}

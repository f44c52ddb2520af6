/* Pushed batches: a delta taken at once, its answer kept under the caller's key in the
 * commit that takes the rows, so that a batch sent again, after a crash or at the same
 * time, has the answer that it had or would have had. */
#include "platforms/registry/load/push.h"
#include "platforms/registry/live/live.h"
#include "platforms/registry/load/load.h"
#include "sys/clock.h"

enum { REFUSED_BYTES_MAX = 16 << 20, TRIES_MAX = 8 };

struct live_push {
    const struct ndc_push *push;
    struct ndc_buf *answer;
    size_t from; /* where the answer begins */
    struct ndc_load_result *result;
};

struct batch {
    const struct ndc_push *push;
    struct ndc_buf *answer, refused;
    struct ndc_json refused_json;
};

static void write_answer(struct ndc_buf *answer, int64_t run,
                         const struct ndc_load_result *r, struct ndc_str refused)
{
    struct ndc_json j;
    ndc_json_init(&j, answer);
    ndc_json_object(&j);
    ndc_json_kv_i64(&j, "run", run);
    ndc_json_kv_u64(&j, "rows_read", r->rows_read);
    ndc_json_kv_u64(&j, "accepted", r->accepted);
    ndc_json_kv_u64(&j, "quarantined", r->quarantined);
    ndc_json_kv_u64(&j, "added", r->added);
    ndc_json_kv_u64(&j, "changed", r->changed);
    ndc_json_kv_u64(&j, "unchanged", r->unchanged);
    ndc_json_kv_u64(&j, "ended", r->ended);
    ndc_json_key(&j, "results");
    ndc_json_raw(&j, refused);
    ndc_json_end(&j);
}

/* The answer under the caller's key, and what the caller adds. */
static enum ndc_err keep_in(struct ndc_store_conn *conn, const struct ndc_push *p,
                            struct ndc_str answer, int64_t now_ms,
                            struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    if (!answer.ptr)
        return ndc_fail(fault, NDC_ETOOBIG, "push.answer",
                        "the answer to this batch is too large; push fewer rows at once");
    if (p->key.len)
        err = ndc_sql_exec(
            conn,
            "INSERT INTO registry_push (source, idempotency_key, body_hash, answer, "
            "at_ms) VALUES ($1, $2, $3, $4, $5)",
            NDC_ARGS(ndc_text(p->source), ndc_text(p->key), ndc_text(p->hash),
                     ndc_text(answer), ndc_int(now_ms)),
            NULL, fault);
    if (!err && p->also) err = p->also(conn, p->also_arg, fault);
    return err;
}

/* In the run's commit. */
static enum ndc_err keep_answer(struct load *l, struct ndc_store_conn *conn,
                                struct ndc_fault *fault)
{
    struct batch *b = l->also_arg;
    const struct ndc_push *p = b->push;
    size_t from = b->answer->len;
    ndc_json_end(&b->refused_json);
    write_answer(b->answer, l->run, l->result,
                 b->refused.failed ? NDC_STR("[]") : ndc_buf_str(&b->refused));
    return keep_in(conn, p, ndc_str_n(b->answer->ptr + from, b->answer->len - from),
                   l->now_ms, fault);
}

/* What was answered to this key before. */
static enum ndc_err find_answer(struct ndc_registry *reg, const struct ndc_push *p,
                                struct ndc_buf *answer, bool *found,
                                struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    bool same = true;
    *found = false;
    if (p->key.len == 0) return NDC_OK;
    enum ndc_err err = ndc_store_take(reg->store, NDC_READ, &conn, fault);
    if (err) return err;
    struct ndc_rows *rows =
        ndc_sql_query(conn,
                      "SELECT body_hash, answer FROM registry_push WHERE source = $1 AND "
                      "idempotency_key = $2",
                      NDC_ARGS(ndc_text(p->source), ndc_text(p->key)));
    *found = ndc_rows_next(rows);
    if (*found) {
        same = ndc_str_eq(ndc_rows_text(rows, 0), p->hash);
        if (same) ndc_buf_add_str(answer, ndc_rows_text(rows, 1));
    }
    err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    if (err || same) return err;
    return ndc_fail_at(fault, NDC_ECONFLICT, "push.key_reused", "Idempotency-Key", 0,
                       "this Idempotency-Key was used for another batch; use a new one");
}

static enum ndc_err take_batch(struct ndc_registry *reg, struct ndc_registered *source,
                               const struct ndc_push *push, struct ndc_buf *answer,
                               struct ndc_load_result *result, struct ndc_fault *fault)
{
    struct ndc_fault ignored = {0};
    int64_t run = 0;
    enum ndc_err err = ndc_load_queue(reg, push->source, NDC_STR_NULL, true, &run, fault);
    if (err) return err;
    struct batch b = {.push = push, .answer = answer};
    struct load *l = ndc_xcalloc(1, sizeof(*l));
    *l = (struct load){.registry = reg,
                       .source = source,
                       .run = run,
                       .now_ms = ndc_clock_wall_ms(),
                       .result = result,
                       .delta = true,
                       .refused = &b.refused_json,
                       .also = keep_answer,
                       .also_arg = &b};
    ndc_buf_init(&b.refused, REFUSED_BYTES_MAX);
    ndc_json_init(&b.refused_json, &b.refused);
    ndc_json_array(&b.refused_json);
    err = ndc_connect_memory(&l->connect, source->source, push->ndjson, push->columns,
                             push->column_count, fault);
    if (!err) err = ndc_load_run(l, NULL, fault);
    ndc_connect_close(l->connect);
    ndc_buf_free(&b.refused);
    free(l);
    if (err && ndc_load_mark(reg, run, "failed", fault ? fault->message : "", &ignored)) {
        /* The reason is returned anyway. */
    }
    return err;
}

/* In the commit of the rows. */
static enum ndc_err keep_live_answer(void *arg, struct ndc_store_conn *conn,
                                     const struct ndc_live_result *r,
                                     struct ndc_str refused, struct ndc_fault *fault)
{
    struct live_push *l = arg;
    const struct ndc_push *p = l->push;
    *l->result = (struct ndc_load_result){.rows_read = r->rows,
                                          .accepted = r->rows - r->quarantined,
                                          .quarantined = r->quarantined,
                                          .added = r->created,
                                          .changed = r->changed,
                                          .unchanged = r->unchanged + r->late,
                                          .ended = r->ended,
                                          .live = true};
    l->answer->len = l->from; /* a batch may be tried again */
    write_answer(l->answer, r->run, l->result, refused);
    return keep_in(conn, p, ndc_str_n(l->answer->ptr + l->from, l->answer->len - l->from),
                   ndc_clock_wall_ms(), fault);
}

/* *done is false where the rows have to wait for an integration. */
static enum ndc_err push_live(struct ndc_registry *reg, const struct ndc_push *push,
                              struct ndc_buf *answer, bool *repeated, bool *done,
                              struct ndc_load_result *result, struct ndc_fault *fault)
{
    struct live_push l = {push, answer, answer->len, result};
    struct ndc_live_result r;
    struct ndc_fault why = {0};
    *done = true;
    enum ndc_err err = find_answer(reg, push, answer, repeated, fault);
    if (err || *repeated) return err;
    const struct ndc_live_rows rows = {.source = push->source,
                                       .ndjson = push->ndjson,
                                       .also = keep_live_answer,
                                       .also_arg = &l};
    err = ndc_registry_live(reg, &rows, &r, &why);
    if (!err) return NDC_OK;
    answer->len = l.from;
    *result = (struct ndc_load_result){0};
    *done =
        strcmp(why.code, "live.unbuilt") != 0 && strcmp(why.code, "live.no_model") != 0;
    if (err == NDC_ECONFLICT && strcmp(why.code, "db.unique") == 0) {
        /* The same batch came at the same time and was quicker. */
        err = find_answer(reg, push, answer, repeated, fault);
        if (err || *repeated) return err;
        err = NDC_ECONFLICT;
    }
    if (fault) *fault = why;
    return err;
}

/* The source's lock is held: one with the same key is done by now. Another process has
 * locks of its own: where it was quicker, its answer is there, or its rows are and ours
 * come on top of them. */
static enum ndc_err push_once(struct ndc_registry *reg, struct ndc_registered *source,
                              const struct ndc_push *push, struct ndc_buf *answer,
                              bool *repeated, struct ndc_load_result *result,
                              struct ndc_fault *fault)
{
    size_t from = answer->len;
    struct ndc_fault why = {0};
    enum ndc_err err = find_answer(reg, push, answer, repeated, fault);
    if (err || *repeated) return err;
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        why = (struct ndc_fault){0};
        err = take_batch(reg, source, push, answer, result, &why);
        if (!err) return NDC_OK;
        *result = (struct ndc_load_result){0};
        answer->len = from;
        struct ndc_fault other = {0};
        enum ndc_err again = find_answer(reg, push, answer, repeated, &other);
        if (*repeated) {
            if (fault) *fault = other;
            return again;
        }
        if (strcmp(why.code, "source.busy") != 0) break;
    }
    if (fault) *fault = why;
    return err;
}

enum ndc_err ndc_registry_push(struct ndc_registry *reg, const struct ndc_push *push,
                               struct ndc_buf *answer, bool *repeated,
                               struct ndc_load_result *result, struct ndc_fault *fault)
{
    bool mine;
    if (!repeated) repeated = &mine;
    *result = (struct ndc_load_result){0};
    *repeated = false;
    struct ndc_registered *source = ndc_registry_find(reg, push->source);
    if (!source)
        return ndc_fail(fault, NDC_ENOTFOUND, "registry.no_source", "no source \"%.*s\"",
                        NDC_STR_FMT(push->source));
    if (push->live && !push->columns && !source->source->thing &&
        ndc_registry_generation(reg) > 0) {
        bool done;
        struct ndc_fault why = {0};
        enum ndc_err tried = push_live(reg, push, answer, repeated, &done, result, &why);
        if (done && tried && fault) *fault = why;
        if (done) return tried;
    }
    ndc_mutex_lock(&reg->loading[source->number]);
    ndc_live_exclude(reg->live, source->number);
    enum ndc_err err = push_once(reg, source, push, answer, repeated, result, fault);
    ndc_live_include(reg->live, source->number);
    ndc_mutex_unlock(&reg->loading[source->number]);
    return err;
}

enum ndc_err ndc_push_forget(struct ndc_store *store, int64_t before_ms, int64_t *deleted,
                             struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    *deleted = 0;
    enum ndc_err err = ndc_store_take(store, NDC_WRITE, &conn, fault);
    if (err) return err;
    err = ndc_sql_exec(conn, "DELETE FROM registry_push WHERE at_ms < $1",
                       NDC_ARGS(ndc_int(before_ms)), deleted, fault);
    ndc_store_give(conn);
    return err;
}

/* Outbox: delivery. One thread a consumer, so that a slow or failing one holds up nobody
 * else. The cursor is stored after each batch, the count of attempts after each failure:
 * a crash repeats deliveries, it never loses one. */
#include "core/outbox_internal.h"
#include "store/writer.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/thread.h"

struct delivery {
    struct ndc_dispatcher *dispatcher;
    struct ndc_consumer consumer;
    struct ndc_thread thread;
    int64_t seq; /* delivered or given up so far */
    unsigned attempts;
    int64_t next_ms; /* wall clock: not before */
    int64_t looked_dead_ns;
    struct ndc_fault why; /* of the last attempt */
};

struct ndc_dispatcher {
    struct ndc_store *store;
    struct ndc_mutex mutex; /* guards stop and news; a leaf lock */
    struct ndc_cond wake;
    bool stop;
    unsigned news;
    size_t n;
    struct delivery deliveries[NDC_OUTBOX_CONSUMERS_MAX];
};

static bool stopped(struct ndc_dispatcher *d)
{
    ndc_mutex_lock(&d->mutex);
    bool stop = d->stop;
    ndc_mutex_unlock(&d->mutex);
    return stop;
}

/* ---- the stored cursor ---- */

static enum ndc_err load_cursor(struct ndc_store_conn *conn, void *arg,
                                struct ndc_fault *fault)
{
    struct delivery *v = arg;
    int64_t start = 0;
    enum ndc_err err = NDC_OK;
    if (v->consumer.from_now) err = ndc_outbox_last(conn, &start, fault);
    if (err) return err;
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "INSERT INTO ndc_outbox_cursor (consumer, seq, attempts, next_ms, error) "
        "VALUES ($1, $2, 0, 0, '') ON CONFLICT (consumer) DO UPDATE "
        "SET seq = ndc_outbox_cursor.seq RETURNING seq, attempts, next_ms",
        NDC_ARGS(ndc_textz(v->consumer.name), ndc_int(start)));
    if (ndc_rows_next(rows)) {
        v->seq = ndc_rows_i64(rows, 0);
        v->attempts = (unsigned)ndc_rows_i64(rows, 1);
        v->next_ms = ndc_rows_i64(rows, 2);
    }
    return ndc_rows_end(rows, fault);
}

static enum ndc_err save_cursor(struct ndc_store_conn *conn, void *arg,
                                struct ndc_fault *fault)
{
    struct delivery *v = arg;
    return ndc_sql_exec(conn,
                        "UPDATE ndc_outbox_cursor SET seq = $2, attempts = $3, "
                        "next_ms = $4, error = $5 WHERE consumer = $1",
                        NDC_ARGS(ndc_textz(v->consumer.name), ndc_int(v->seq),
                                 ndc_int(v->attempts), ndc_int(v->next_ms),
                                 ndc_textz(v->attempts ? v->why.message : "")),
                        NULL, fault);
}

struct burial {
    struct delivery *v;
    int64_t seq;
    unsigned attempts;
};

static enum ndc_err bury(struct ndc_store_conn *conn, void *arg, struct ndc_fault *fault)
{
    struct burial *b = arg;
    enum ndc_err err = ndc_sql_exec(
        conn,
        "INSERT INTO ndc_outbox_dead (consumer, seq, attempts, error, at_ms, revive) "
        "VALUES ($1, $2, $3, $4, $5, 0) ON CONFLICT (consumer, seq) DO UPDATE SET "
        "attempts = ndc_outbox_dead.attempts + excluded.attempts, "
        "error = excluded.error, at_ms = excluded.at_ms, revive = 0",
        NDC_ARGS(ndc_textz(b->v->consumer.name), ndc_int(b->seq), ndc_int(b->attempts),
                 ndc_textz(b->v->why.message), ndc_int(ndc_clock_wall_ms())),
        NULL, fault);
    return err ? err : save_cursor(conn, b->v, fault);
}

static enum ndc_err unbury(struct ndc_store_conn *conn, void *arg,
                           struct ndc_fault *fault)
{
    struct burial *b = arg;
    return ndc_sql_exec(
        conn, "DELETE FROM ndc_outbox_dead WHERE consumer = $1 AND seq = $2",
        NDC_ARGS(ndc_textz(b->v->consumer.name), ndc_int(b->seq)), NULL, fault);
}

/* Stores until it succeeds or the program ends; then the next start repeats. */
static void store(struct delivery *v,
                  enum ndc_err (*fn)(struct ndc_store_conn *, void *, struct ndc_fault *),
                  void *arg)
{
    struct ndc_fault fault = {0};
    while (ndc_store_write(v->dispatcher->store, fn, arg, &fault)) {
        ndc_log(NDC_LOG_WARN, "outbox", "%s: %s", v->consumer.name, fault.message);
        fault = (struct ndc_fault){0};
        if (stopped(v->dispatcher)) return;
        ndc_clock_sleep_ms(1000);
    }
}

/* ---- delivering ---- */

static enum ndc_err deliver(struct delivery *v, const struct ndc_event *event)
{
    v->why = (struct ndc_fault){0};
    enum ndc_err err = v->consumer.deliver(v->consumer.arg, event, &v->why);
    if (err && !v->why.err) {
        err = ndc_fail(&v->why, err, "outbox.deliver", "%s", ndc_err_name(err));
    }
    return err;
}

static void note_failure(struct delivery *v, int64_t seq)
{
    v->attempts++;
    if (v->attempts >= v->consumer.attempts_max) {
        ndc_log(NDC_LOG_ERROR, "outbox", "%s gave up event %lld after %u attempts: %s",
                v->consumer.name, (long long)seq, v->attempts, v->why.message);
        struct burial b = {v, seq, v->attempts};
        v->seq = seq;
        v->attempts = 0;
        v->next_ms = 0;
        store(v, bury, &b);
        return;
    }
    int64_t delay = v->consumer.retry_ms;
    for (unsigned i = 1; i < v->attempts && delay < NDC_OUTBOX_DELAY_MAX_MS; i++) {
        delay *= 2;
    }
    v->next_ms = ndc_clock_wall_ms() + NDC_MIN(delay, (int64_t)NDC_OUTBOX_DELAY_MAX_MS);
    store(v, save_cursor, v);
}

/* One batch. True when there may be more at once. */
static bool deliver_batch(struct delivery *v, struct ndc_arena *arena)
{
    struct ndc_store_conn *conn;
    struct ndc_event *events = NULL;
    struct ndc_fault fault = {0};
    size_t n = 0;
    int64_t last = v->seq, before = v->seq;
    if (v->next_ms > ndc_clock_wall_ms()) return false;
    enum ndc_err err = ndc_store_take(v->dispatcher->store, NDC_READ, &conn, &fault);
    if (err) return false;
    err = ndc_outbox_read(conn, arena, v->seq, ndc_str(v->consumer.topic_prefix),
                          NDC_OUTBOX_BATCH, &events, &n, &last, &fault);
    ndc_store_give(conn);
    if (err) {
        ndc_log(NDC_LOG_WARN, "outbox", "%s: %s", v->consumer.name, fault.message);
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (stopped(v->dispatcher)) break;
        if (deliver(v, &events[i])) {
            note_failure(v, events[i].seq);
            return v->attempts == 0; /* given up: go on with the next */
        }
        v->seq = events[i].seq;
        v->attempts = 0;
        v->next_ms = 0;
    }
    bool all = n == 0 || v->seq == events[n - 1].seq;
    if (all) v->seq = last;
    if (v->seq != before) store(v, save_cursor, v);
    return n == NDC_OUTBOX_BATCH;
}

static bool read_revived(struct delivery *v, struct ndc_arena *arena,
                         struct ndc_event *event)
{
    struct ndc_store_conn *conn;
    struct ndc_fault fault = {0};
    if (ndc_store_take(v->dispatcher->store, NDC_READ, &conn, &fault)) return false;
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT o.seq, o.at_ms, o.topic, o.key, o.payload FROM ndc_outbox_dead d "
        "JOIN ndc_outbox o ON o.seq = d.seq WHERE d.consumer = $1 AND d.revive = 1 "
        "ORDER BY o.seq LIMIT 1",
        NDC_ARGS(ndc_textz(v->consumer.name)));
    bool found = ndc_rows_next(rows);
    if (found) {
        *event = (struct ndc_event){
            .seq = ndc_rows_i64(rows, 0),
            .at_ms = ndc_rows_i64(rows, 1),
            .topic = ndc_arena_str(arena, ndc_rows_text(rows, 2)),
            .key = ndc_arena_str(arena, ndc_rows_text(rows, 3)),
            .payload = ndc_arena_str(arena, ndc_rows_text(rows, 4)),
        };
    }
    if (ndc_rows_end(rows, &fault)) found = false;
    ndc_store_give(conn);
    return found;
}

static void deliver_revived(struct delivery *v, struct ndc_arena *arena)
{
    struct ndc_event event;
    int64_t now = ndc_clock_mono_ns();
    if (now - v->looked_dead_ns < (int64_t)NDC_OUTBOX_REVIVE_MS * 1000000) return;
    v->looked_dead_ns = now;
    while (!stopped(v->dispatcher) && read_revived(v, arena, &event)) {
        struct burial b = {v, event.seq, 1};
        bool failed = deliver(v, &event) != NDC_OK;
        store(v, failed ? bury : unbury, &b);
        ndc_arena_reset(arena);
    }
}

static void consumer_main(void *arg)
{
    struct delivery *v = arg;
    struct ndc_dispatcher *d = v->dispatcher;
    struct ndc_arena arena;
    ndc_arena_init(&arena, (size_t)96 << 20);
    store(v, load_cursor, v);
    ndc_mutex_lock(&d->mutex);
    unsigned seen = d->news - 1;
    while (!d->stop) {
        bool news = seen != d->news;
        seen = d->news;
        ndc_mutex_unlock(&d->mutex);
        bool more = deliver_batch(v, &arena);
        ndc_arena_reset(&arena);
        if (news) v->looked_dead_ns = 0;
        if (!more) deliver_revived(v, &arena);
        ndc_mutex_lock(&d->mutex);
        if (!more && seen == d->news && !d->stop) {
            (void)ndc_cond_wait_ms(&d->wake, &d->mutex, NDC_OUTBOX_LOOK_MS);
        }
    }
    ndc_mutex_unlock(&d->mutex);
    ndc_arena_free(&arena);
}

enum ndc_err ndc_dispatcher_start(struct ndc_dispatcher **out, struct ndc_store *store_,
                                  const struct ndc_consumer *consumers, size_t n,
                                  struct ndc_fault *fault)
{
    *out = NULL;
    NDC_ASSERT(n <= NDC_OUTBOX_CONSUMERS_MAX);
    enum ndc_err err = ndc_outbox_setup(store_, fault);
    if (err) return err;
    struct ndc_dispatcher *d = ndc_xcalloc(1, sizeof(*d));
    d->store = store_;
    d->n = n;
    ndc_mutex_init(&d->mutex);
    ndc_cond_init(&d->wake);
    for (size_t i = 0; i < n; i++) {
        struct delivery *v = &d->deliveries[i];
        v->dispatcher = d;
        v->consumer = consumers[i];
        if (v->consumer.attempts_max == 0) v->consumer.attempts_max = 10;
        if (v->consumer.retry_ms == 0) v->consumer.retry_ms = 1000;
        if (!v->consumer.topic_prefix) v->consumer.topic_prefix = "";
        ndc_thread_start(&v->thread, "outbox", consumer_main, v);
    }
    *out = d;
    return NDC_OK;
}

void ndc_dispatcher_wake(struct ndc_dispatcher *d)
{
    ndc_mutex_lock(&d->mutex);
    d->news++;
    ndc_cond_broadcast(&d->wake);
    ndc_mutex_unlock(&d->mutex);
}

void ndc_dispatcher_stop(struct ndc_dispatcher *d)
{
    if (!d) return;
    ndc_mutex_lock(&d->mutex);
    d->stop = true;
    ndc_cond_broadcast(&d->wake);
    ndc_mutex_unlock(&d->mutex);
    for (size_t i = 0; i < d->n; i++)
        ndc_thread_join(&d->deliveries[i].thread);
    ndc_cond_free(&d->wake);
    ndc_mutex_free(&d->mutex);
    free(d);
}

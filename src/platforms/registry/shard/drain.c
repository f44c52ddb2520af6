/* Bringing what came live from registry_recent to the shards: a thread a server, rows in
 * the order of their changes, of an entity the newest in hand. A row is written only over
 * an older one and leaves registry_recent in the transaction that follows the shard's
 * commit, so a kill in between repeats it and changes nothing; the oldest goes first, so
 * what is left is always the newest. A server that is away keeps its rows waiting, and
 * nobody else's.
 *
 * Rows of a build that nothing in the feed tells of have the entity's number, negative,
 * as their place, and carry the change that the payload is of. */
#include "platforms/registry/shard/shard_internal.h"

#include "base/sort.h"
#include "platforms/registry/change/change.h"
#include "platforms/registry/live/overlay.h"
#include "sys/clock.h"
#include "sys/log.h"

#include <stdio.h>

enum {
    SLICE_ROWS = 2048,
    SLICE_BYTES = 16 << 20,
    IDLE_MS = 200, /* an entity that changes often is brought once in so long */
    AWAY_MS = 1000,
    DRAINING_MAX = 2,
    ACTIVE_BYTES = NDC_SHARDS_MAX * 4 + 3,
    SEQS_BYTES = SLICE_ROWS * 21 + 3
};

struct moved {
    int64_t seq, change, type, updated_ms;
    uint64_t entity;
    size_t at, len; /* of its payload */
    bool newest;    /* of its entity in this slice */
};

struct slice {
    struct shard_server *server;
    struct ndc_shards *shards;
    struct ndc_store_conn *coordinator;
    struct ndc_store_conn *conns[NDC_SHARD_SERVERS_MAX + 1];
    char active[ACTIVE_BYTES]; /* its shards that can be brought now, as an array */
    bool any, held;            /* one is active; one is not */
    struct moved *rows;
    size_t count;
    int64_t last; /* the feed's last change before the rows were read */
    struct ndc_buf payloads;
};

/* ---- who is reached ---- */

/* Connections that the map of before asks for; made before any lock is held. */
static enum ndc_err connect_all(struct slice *s, struct ndc_fault *fault)
{
    struct ndc_fault ignored = {0};
    enum ndc_err err =
        ndc_shard_take(s->server, NDC_WRITE, &s->conns[s->server->number], fault);
    for (unsigned i = 0; i < ndc_shards_count(s->shards) && !err; i++) {
        struct shard_place p = ndc_shards_place(s->shards, i);
        if (p.server != s->server->number || p.state != SHARD_COPYING ||
            s->conns[p.other])
            continue;
        struct shard_server *other = ndc_shards_server(s->shards, p.other);
        if (ndc_shard_take(other, NDC_WRITE, &s->conns[p.other], &ignored))
            s->conns[p.other] = NULL; /* its shards are held */
    }
    return err;
}

static void find_active(struct slice *s)
{
    size_t len = 0;
    s->any = s->held = false;
    for (unsigned i = 0; i < ndc_shards_count(s->shards); i++) {
        struct shard_place p = ndc_shards_place(s->shards, i);
        if (p.server != s->server->number) continue;
        if (p.state == SHARD_FENCING ||
            (p.state == SHARD_COPYING && !s->conns[p.other])) {
            s->held = true;
            continue;
        }
        len += (size_t)snprintf(s->active + len, sizeof(s->active) - len, "%c%u",
                                s->any ? ',' : '{', i);
        s->any = true;
    }
    snprintf(s->active + len, sizeof(s->active) - len, s->any ? "}" : "{}");
}

/* Other shards than before, or rows out of order: from the beginning again. */
static void place_cursor(struct slice *s)
{
    struct shard_server *v = s->server;
    ndc_mutex_lock(&s->shards->lock);
    bool rewind = v->rewind;
    v->rewind = false;
    ndc_mutex_unlock(&s->shards->lock);
    if (!rewind && v->active && strcmp(v->active, s->active) == 0) return;
    free(v->active);
    v->active = strdup(s->active);
    v->cursor = INT64_MIN;
}

/* ---- rows ---- */

static int by_entity(const void *a, const void *b)
{
    const struct moved *x = a, *y = b;
    if (x->entity != y->entity) return x->entity < y->entity ? -1 : 1;
    /* a silent row has the change that it rewrites: after that one */
    if (x->change != y->change) return x->change < y->change ? -1 : 1;
    return (x->seq < 0) - (y->seq < 0);
}

static void mark_newest(struct slice *s)
{
    if (s->count) qsort(s->rows, s->count, sizeof(*s->rows), by_entity);
    for (size_t i = 0; i < s->count; i++)
        s->rows[i].newest =
            i + 1 == s->count || s->rows[i + 1].entity != s->rows[i].entity;
}

static enum ndc_err read_rows(struct slice *s, struct ndc_fault *fault)
{
    enum ndc_err err = ndc_change_last(s->coordinator, &s->last, fault);
    if (err) return err;
    struct ndc_rows *rows = ndc_sql_scan(
        s->coordinator,
        "SELECT seq, CASE WHEN seq > 0 THEN seq ELSE change END, entity, type, "
        "updated_ms, payload FROM registry_recent WHERE seq > $1 AND entity % $2 = "
        "ANY(CAST($3 AS BIGINT[])) ORDER BY seq LIMIT $4",
        NDC_ARGS(ndc_int(s->server->cursor), ndc_int(ndc_shards_count(s->shards)),
                 ndc_textz(s->active), ndc_int(SLICE_ROWS)));
    while (s->count < SLICE_ROWS && s->payloads.len < SLICE_BYTES &&
           ndc_rows_next(rows)) {
        struct ndc_str payload = ndc_rows_blob(rows, 5);
        s->rows[s->count++] = (struct moved){.seq = ndc_rows_i64(rows, 0),
                                             .change = ndc_rows_i64(rows, 1),
                                             .entity = (uint64_t)ndc_rows_i64(rows, 2),
                                             .type = ndc_rows_i64(rows, 3),
                                             .updated_ms = ndc_rows_i64(rows, 4),
                                             .at = s->payloads.len,
                                             .len = payload.len};
        ndc_buf_add_str(&s->payloads, payload);
    }
    NDC_ASSERT(!s->payloads.failed);
    return ndc_rows_end(rows, fault);
}

/* Rows of one shard, by number, so that two who write to it never wait for each other in
 * a circle. */
static enum ndc_err put_rows(const struct slice *s, unsigned shard,
                             struct shard_server *to, int64_t epoch,
                             const struct ndc_val *vals, size_t n,
                             struct ndc_fault *fault)
{
    struct ndc_store_conn *conn = s->conns[to->number];
    struct ndc_fault why = {0};
    char schema[SHARD_SCHEMA_MAX];
    ndc_shard_schema(schema, shard, epoch);
    enum ndc_err err = ndc_tx_open(conn) ? NDC_OK : ndc_tx_begin(conn, &why);
    if (!err) err = ndc_shard_put(conn, schema, true, vals, n, &why);
    return ndc_shard_err(to, err, &why, fault);
}

static enum ndc_err put_shard(const struct slice *s, unsigned shard, struct ndc_val *vals,
                              struct ndc_fault *fault)
{
    size_t n = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct moved *m = &s->rows[i];
        if (!m->newest || m->entity % ndc_shards_count(s->shards) != shard) continue;
        vals[5 * n] = ndc_int((int64_t)m->entity);
        vals[5 * n + 1] = ndc_int(m->type);
        vals[5 * n + 2] = ndc_int(m->updated_ms);
        vals[5 * n + 3] = ndc_blob(m->len ? ndc_str_n(s->payloads.ptr + m->at, m->len)
                                          : ndc_str_n("", 0));
        vals[5 * n++ + 4] = ndc_int(m->change);
    }
    if (!n) return NDC_OK;
    struct shard_place p = ndc_shards_place(s->shards, shard);
    enum ndc_err err = put_rows(s, shard, s->server, p.epoch, vals, n, fault);
    if (!err && p.state == SHARD_COPYING)
        err = put_rows(s, shard, ndc_shards_server(s->shards, p.other), p.other_epoch,
                       vals, n, fault);
    return err;
}

static enum ndc_err put_all(const struct slice *s, struct ndc_fault *fault)
{
    struct ndc_val *vals = ndc_xmalloc((s->count + 1) * 5 * sizeof(*vals));
    enum ndc_err err = NDC_OK;
    for (unsigned i = 0; i < ndc_shards_count(s->shards) && !err; i++)
        if (ndc_shards_place(s->shards, i).server == s->server->number)
            err = put_shard(s, i, vals, fault);
    free(vals);
    for (unsigned v = 1; v <= NDC_SHARD_SERVERS_MAX && !err; v++) {
        struct ndc_fault why = {0};
        if (s->conns[v] && ndc_tx_open(s->conns[v]))
            err = ndc_shard_err(ndc_shards_server(s->shards, v),
                                ndc_tx_commit(s->conns[v], &why), &why, fault);
    }
    return err;
}

/* The shards have them durably. */
static enum ndc_err forget_rows(const struct slice *s, struct ndc_fault *fault)
{
    char *seqs = ndc_xmalloc(SEQS_BYTES);
    size_t len = 0;
    for (size_t i = 0; i < s->count; i++)
        len += (size_t)snprintf(seqs + len, SEQS_BYTES - len, "%c%lld", i ? ',' : '{',
                                (long long)s->rows[i].seq);
    len += (size_t)snprintf(seqs + len, SEQS_BYTES - len, "}");
    enum ndc_err err =
        ndc_sql_exec(s->coordinator,
                     "DELETE FROM registry_recent WHERE seq = ANY(CAST($1 AS BIGINT[]))",
                     NDC_ARGS(ndc_text(ndc_str_n(seqs, len))), NULL, fault);
    free(seqs);
    return err;
}

static enum ndc_err bring(struct slice *s, struct ndc_fault *fault)
{
    enum ndc_err err = ndc_shard_hold(s->coordinator, s->server->number, fault);
    if (!err) err = ndc_shards_refresh(s->shards, s->coordinator, fault);
    if (err) return err;
    find_active(s);
    place_cursor(s);
    if (!s->any) return NDC_OK;
    err = read_rows(s, fault);
    if (err || !s->count) return err;
    int64_t last = s->rows[s->count - 1].seq;
    mark_newest(s);
    err = put_all(s, fault);
    if (!err) err = forget_rows(s, fault);
    if (!err) err = ndc_tx_commit(s->coordinator, fault);
    if (!err) s->server->cursor = last;
    return err;
}

/* ---- the overlay ---- */

/* What leads to a row that is no longer there leads nowhere. */
static void forget_brought(const struct slice *s)
{
    struct ndc_overlay *o = s->shards->overlay;
    struct ndc_key64 *items;
    for (size_t i = 0; o && i < s->count; i++)
        ndc_overlay_drop(o, s->rows[i].entity, s->rows[i].seq);
    if (!o || s->count || s->held || !s->any || !ndc_overlay_count(o)) return;
    /* Everything up to `last` is brought, by whomever. */
    size_t n = ndc_overlay_list(o, &items);
    for (size_t i = 0; i < n; i++) {
        unsigned shard = (unsigned)(items[i].key % ndc_shards_count(s->shards));
        if ((int64_t)items[i].value <= s->last &&
            ndc_shards_place(s->shards, shard).server == s->server->number)
            ndc_overlay_drop(o, items[i].key, (int64_t)items[i].value);
    }
    if (n) free(items);
}

/* Live commits need connections of the coordinator too. */
static void enter(struct ndc_shards *s)
{
    ndc_mutex_lock(&s->lock);
    while (s->draining >= DRAINING_MAX)
        ndc_cond_wait(&s->wake, &s->lock);
    s->draining++;
    ndc_mutex_unlock(&s->lock);
}

static void leave(struct ndc_shards *s)
{
    ndc_mutex_lock(&s->lock);
    s->draining--;
    ndc_cond_broadcast(&s->wake);
    ndc_mutex_unlock(&s->lock);
}

/* One slice; *count: rows that it brought; *held: some of its shards are not served now.
 */
static enum ndc_err drain_slice(struct shard_server *v, size_t *count, bool *held,
                                struct ndc_fault *fault)
{
    struct slice *s = ndc_xcalloc(1, sizeof(*s));
    s->server = v;
    s->shards = v->shards;
    s->rows = ndc_xmalloc(SLICE_ROWS * sizeof(*s->rows));
    ndc_buf_init(&s->payloads, (size_t)SLICE_BYTES + (256 << 20));
    ndc_mutex_lock(&v->drain);
    enum ndc_err err = connect_all(s, fault);
    enter(s->shards);
    if (!err) err = ndc_store_take(s->shards->store, NDC_WRITE, &s->coordinator, fault);
    if (!err) err = ndc_tx_begin(s->coordinator, fault);
    if (!err) err = bring(s, fault);
    ndc_store_give(s->coordinator);
    leave(s->shards);
    for (unsigned i = 1; i <= NDC_SHARD_SERVERS_MAX; i++)
        ndc_store_give(s->conns[i]);
    if (!err) forget_brought(s);
    ndc_mutex_unlock(&v->drain);
    *count = err ? 0 : s->count;
    *held = s->held;
    ndc_buf_free(&s->payloads);
    free(s->rows);
    free(s);
    return err;
}

/* ---- the threads ---- */

static bool wait_for_work(struct ndc_shards *s, int64_t ms)
{
    int64_t end = ndc_clock_mono_ns() + ms * 1000000;
    ndc_mutex_lock(&s->lock);
    for (int64_t left = ms; !s->stop && left > 0;
         left = (end - ndc_clock_mono_ns()) / 1000000)
        (void)ndc_cond_wait_ms(&s->wake, &s->lock, left);
    bool stop = s->stop;
    ndc_mutex_unlock(&s->lock);
    return !stop;
}

static void run_drain(void *arg);

/* Servers that became known meanwhile get their threads. */
static void start_threads(struct ndc_shards *s)
{
    ndc_mutex_lock(&s->lock);
    for (unsigned i = 1; i <= s->server_count && !s->stop; i++) {
        struct shard_server *v = s->servers[i];
        if (!v || v->started) continue;
        v->started = true;
        ndc_thread_start(&v->thread, "ndc-shard", run_drain, v);
    }
    ndc_mutex_unlock(&s->lock);
}

static enum ndc_err drain_waiting(struct shard_server *v, struct ndc_fault *fault)
{
    struct ndc_shards *s = v->shards;
    size_t count = ndc_overlay_count(s->overlay);
    bool held;
    enum ndc_err err = NDC_OK;
    while (count && !err && !__atomic_load_n(&s->stop, __ATOMIC_RELAXED))
        err = drain_slice(v, &count, &held, fault);
    return err;
}

static void run_drain(void *arg)
{
    struct shard_server *v = arg;
    struct ndc_shards *s = v->shards;
    bool told = false;
    int64_t pause_ms = IDLE_MS;
    while (wait_for_work(s, pause_ms)) {
        struct ndc_fault fault = {0};
        pause_ms = IDLE_MS;
        if (!ndc_shards_count(s)) continue;
        bool well = ndc_shard_probe(v) && drain_waiting(v, &fault) == NDC_OK;
        if (!well && !told)
            ndc_log(NDC_LOG_WARN, "registry", "server \"%s\" of shards is away: %s",
                    v->name, fault.err ? fault.message : "what it holds is not served");
        if (well && told)
            ndc_log(NDC_LOG_INFO, "registry", "server \"%s\" of shards is back", v->name);
        told = !well;
        if (!well) pause_ms = AWAY_MS;
        start_threads(s);
    }
}

void ndc_shards_start(struct ndc_shards *s, struct ndc_overlay *overlay)
{
    s->overlay = overlay;
    s->stop = false;
    start_threads(s);
}

void ndc_shards_stop(struct ndc_shards *s)
{
    if (!s) return;
    ndc_mutex_lock(&s->lock);
    __atomic_store_n(&s->stop, true, __ATOMIC_RELAXED);
    ndc_cond_broadcast(&s->wake);
    ndc_mutex_unlock(&s->lock);
    for (unsigned i = 1; i <= s->server_count; i++) {
        struct shard_server *v = s->servers[i];
        if (v && v->started) ndc_thread_join(&v->thread);
        if (v) v->started = false;
    }
    s->overlay = NULL;
}

void ndc_shards_rewind(struct ndc_shards *s)
{
    ndc_mutex_lock(&s->lock);
    for (unsigned i = 1; i <= s->server_count; i++)
        if (s->servers[i]) s->servers[i]->rewind = true;
    ndc_mutex_unlock(&s->lock);
}

enum ndc_err ndc_shards_drain(struct ndc_shards *s, struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    for (unsigned i = 1; i <= s->server_count && !err; i++) {
        struct shard_server *v = ndc_shards_server(s, i);
        size_t count = 1;
        bool held = false;
        while (v && count && !err)
            err = drain_slice(v, &count, &held, fault);
        if (!err && held)
            err = ndc_fail(fault, NDC_EBUSY, "registry.shard_moving",
                           "a shard of server \"%s\" is on its way and waits for its "
                           "move to go on: \"ndc shard list\" shows it",
                           v->name);
    }
    return err;
}

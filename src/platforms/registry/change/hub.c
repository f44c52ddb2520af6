/* The ring of new changes and those who follow it. */
#include "platforms/registry/change/hub.h"

#include "sys/clock.h"
#include "sys/log.h"
#include "sys/thread.h"

enum {
    RING = 8192, /* power of two */
    READ_MAX = 2000,
    POLL_MS = 200,
    FAILED_MS = 1000,
    HEARTBEAT_MS = 15000,
    READ_BYTES = READ_MAX * (int)sizeof(struct ndc_change) + (64 << 10),
};

struct ndc_change_hub {
    struct ndc_store *store;
    void (*tell)(void *arg);
    void *tell_arg;
    struct ndc_thread thread;
    /* Guards all below; an exchange's own lock comes after. */
    struct ndc_mutex lock;
    struct ndc_cond news;
    bool stop, woken;
    bool reading;        /* the ring goes on from `last`; else it starts anew */
    int64_t first, last; /* the ring has first + 1 … last */
    struct ndc_change *ring;
    struct ndc_change_follower *followers;
    unsigned count;
};

/* Under the lock. */
static void wake_all(struct ndc_change_hub *h)
{
    for (struct ndc_change_follower *f = h->followers; f; f = f->next)
        ndc_http_wake(f->http);
}

static void keep(struct ndc_change_hub *h, const struct ndc_change *changes, size_t n)
{
    ndc_mutex_lock(&h->lock);
    for (size_t i = 0; i < n; i++) {
        h->ring[changes[i].seq & (RING - 1)] = changes[i];
        h->last = changes[i].seq;
    }
    if (h->last - h->first > RING) h->first = h->last - RING;
    wake_all(h);
    ndc_mutex_unlock(&h->lock);
}

static enum ndc_err read_new(struct ndc_change_hub *h, struct ndc_store_conn *conn,
                             struct ndc_arena *arena, size_t *n, struct ndc_fault *fault)
{
    struct ndc_change *changes;
    int64_t last = h->last; /* only this thread moves it */
    *n = 0;
    if (!h->reading) {
        NDC_TRY(ndc_change_last(conn, &last, fault));
        ndc_mutex_lock(&h->lock);
        h->first = h->last = last;
        h->reading = true;
        wake_all(h); /* those who were waiting may have missed some meanwhile */
        ndc_mutex_unlock(&h->lock);
        *n = 1;
        return NDC_OK;
    }
    ndc_arena_reset(arena);
    NDC_TRY(ndc_change_read(conn, arena, last, READ_MAX, false, &changes, n, fault));
    if (*n == 0) return NDC_OK;
    /* Retention was faster than we: the ring starts anew. */
    if (changes[0].seq != last + 1) {
        ndc_mutex_lock(&h->lock);
        h->first = changes[0].seq - 1;
        ndc_mutex_unlock(&h->lock);
    }
    keep(h, changes, *n);
    return NDC_OK;
}

/* All that is new. False: the database is away. */
static bool drain(struct ndc_change_hub *h, struct ndc_arena *arena)
{
    struct ndc_store_conn *conn;
    struct ndc_fault fault = {0};
    size_t n = 1;
    bool any = false;
    enum ndc_err err = ndc_store_take(h->store, NDC_READ, &conn, &fault);
    if (!err) {
        while (!err && n > 0) {
            err = read_new(h, conn, arena, &n, &fault);
            any = any || n > 0;
        }
        ndc_store_give(conn);
    }
    if (any && h->tell) h->tell(h->tell_arg);
    if (err) ndc_log(NDC_LOG_WARN, "registry", "change feed: %s", fault.message);
    return !err;
}

/* Under the lock: a sign of life to those who heard nothing for long, which also finds
 * out those who are gone. */
static void beat(struct ndc_change_hub *h)
{
    int64_t now = ndc_clock_mono_ns();
    for (struct ndc_change_follower *f = h->followers; f; f = f->next) {
        if (f->beat || now - f->idle_since_ns < HEARTBEAT_MS * INT64_C(1000000)) continue;
        f->beat = true;
        f->idle_since_ns = now;
        ndc_http_wake(f->http);
    }
}

static void hub_main(void *arg)
{
    struct ndc_change_hub *h = arg;
    struct ndc_arena arena;
    ndc_arena_init(&arena, READ_BYTES);
    ndc_mutex_lock(&h->lock);
    while (!h->stop) {
        if (h->count == 0 && !h->tell) {
            h->reading = false;
            ndc_cond_wait(&h->news, &h->lock);
            continue;
        }
        if (!h->woken) ndc_cond_wait_ms(&h->news, &h->lock, POLL_MS);
        h->woken = false;
        beat(h);
        ndc_mutex_unlock(&h->lock);
        bool good = drain(h, &arena);
        ndc_mutex_lock(&h->lock);
        if (!good && !h->stop) ndc_cond_wait_ms(&h->news, &h->lock, FAILED_MS);
    }
    ndc_mutex_unlock(&h->lock);
    ndc_arena_free(&arena);
}

struct ndc_change_hub *ndc_change_hub_new(struct ndc_store *store,
                                          void (*tell)(void *arg), void *arg)
{
    struct ndc_change_hub *h = ndc_xcalloc(1, sizeof(*h));
    h->store = store;
    h->tell = tell;
    h->tell_arg = arg;
    h->ring = ndc_xcalloc(RING, sizeof(*h->ring));
    ndc_mutex_init(&h->lock);
    ndc_cond_init(&h->news);
    ndc_thread_start(&h->thread, "ndc-changes", hub_main, h);
    return h;
}

void ndc_change_hub_free(struct ndc_change_hub *h)
{
    if (!h) return;
    ndc_mutex_lock(&h->lock);
    h->stop = true;
    ndc_cond_broadcast(&h->news);
    ndc_mutex_unlock(&h->lock);
    ndc_thread_join(&h->thread);
    NDC_ASSERT(!h->followers);
    ndc_cond_free(&h->news);
    ndc_mutex_free(&h->lock);
    free(h->ring);
    free(h);
}

void ndc_change_hub_wake(struct ndc_change_hub *h)
{
    if (!h) return;
    ndc_mutex_lock(&h->lock);
    h->woken = true;
    ndc_cond_signal(&h->news);
    ndc_mutex_unlock(&h->lock);
}

enum ndc_err ndc_change_hub_join(struct ndc_change_hub *h, struct ndc_change_follower *f,
                                 struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    f->idle_since_ns = ndc_clock_mono_ns();
    ndc_mutex_lock(&h->lock);
    if (h->count == NDC_CHANGE_FOLLOWERS_MAX) {
        err = ndc_fail(fault, NDC_EBUSY, "change.followers",
                       "%d follow the feed already; page through it instead",
                       NDC_CHANGE_FOLLOWERS_MAX);
    } else {
        f->next = h->followers;
        h->followers = f;
        h->count++;
        h->woken = true;
        ndc_cond_signal(&h->news);
    }
    ndc_mutex_unlock(&h->lock);
    return err;
}

void ndc_change_hub_leave(struct ndc_change_hub *h, struct ndc_change_follower *f)
{
    ndc_mutex_lock(&h->lock);
    struct ndc_change_follower **at = &h->followers;
    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    h->count--;
    ndc_mutex_unlock(&h->lock);
}

static enum ndc_err read_behind(struct ndc_change_hub *h, struct ndc_change_follower *f,
                                struct ndc_arena *arena, struct ndc_change *out,
                                size_t *n, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    struct ndc_change *changes;
    NDC_TRY(ndc_store_take(h->store, NDC_READ, &conn, fault));
    enum ndc_err err = ndc_change_read(conn, arena, f->after, NDC_CHANGE_PIECE, false,
                                       &changes, n, fault);
    ndc_store_give(conn);
    if (!err && *n > 0 && changes[0].seq != f->after + 1)
        err = ndc_fail(fault, NDC_ENOTFOUND, "change.gone",
                       "changes after %lld are no longer kept", (long long)f->after);
    if (!err && *n > 0) memcpy(out, changes, *n * sizeof(*out));
    return err;
}

enum ndc_err ndc_change_hub_next(struct ndc_change_hub *h, struct ndc_change_follower *f,
                                 struct ndc_arena *arena,
                                 struct ndc_change out[NDC_CHANGE_PIECE], size_t *n,
                                 struct ndc_fault *fault)
{
    bool behind;
    *n = 0;
    ndc_mutex_lock(&h->lock);
    behind = h->reading && f->after < h->first;
    while (h->reading && !behind && *n < NDC_CHANGE_PIECE &&
           f->after + (int64_t)*n < h->last) {
        out[*n] = h->ring[(f->after + (int64_t)*n + 1) & (RING - 1)];
        ++*n;
    }
    ndc_mutex_unlock(&h->lock);
    if (behind) NDC_TRY(read_behind(h, f, arena, out, n, fault));
    if (*n > 0) {
        f->after = out[*n - 1].seq;
        f->idle_since_ns = ndc_clock_mono_ns();
    }
    return NDC_OK;
}

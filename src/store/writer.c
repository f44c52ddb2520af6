/* Group commit. The thread takes what has queued up, runs it in one transaction, commits
 * once, and only then tells the callers. While it commits the next group queues, so
 * groups grow with the load by themselves.
 *
 * A group is first run without savepoints, since nearly always all of it succeeds. When
 * one write fails, the transaction is rolled back and the group run again with a
 * savepoint for each write, so that the failure stays alone; so are the next groups, for
 * a while. */
#include "store/writer.h"

#include "store/internal.h"
#include "sys/clock.h"
#include "sys/log.h"

enum {
    QUEUE_MAX = 16384,   /* of writes whose callers do not wait */
    DEATHS_MAX = 3,      /* transactions that one group may lose before it is given up */
    CAREFUL_GROUPS = 16, /* with savepoints, after a write has failed */
};

struct item {
    struct item *next;
    enum ndc_err (*fn)(struct ndc_store_conn *, void *, struct ndc_fault *);
    void (*done)(void *, enum ndc_err, const struct ndc_fault *);
    void *arg;
    struct ndc_cond *told; /* of a waiting caller; NULL: heap-allocated, `done` */
    bool finished;
    bool settled; /* the outcome stands, whatever becomes of the group */
    enum ndc_err err;
    struct ndc_fault fault;
};

struct ndc_writer {
    struct ndc_store *store;
    struct ndc_store_conn *conn; /* PostgreSQL: the writer's own */
    struct ndc_thread thread;
    struct ndc_mutex mutex; /* guards what follows; a leaf lock */
    struct ndc_cond wake;
    struct item *head, *tail;
    unsigned queued;
    bool stop;
    unsigned careful; /* the thread's own: groups still to run with savepoints */
};

static _Thread_local bool on_writer_thread;

static void fail_all(struct item *items, enum ndc_err err, const struct ndc_fault *fault)
{
    for (struct item *i = items; i; i = i->next) {
        if (i->settled) continue;
        i->err = err;
        i->fault = *fault;
        i->settled = true;
    }
}

static enum ndc_err take(struct ndc_writer *w, struct ndc_fault *fault)
{
    if (w->store->driver->kind == NDC_SQLITE) {
        return ndc_store_take(w->store, NDC_WRITE, &w->conn, fault);
    }
    return ndc_store_take_extra(w->store, &w->conn, fault);
}

static void give(struct ndc_writer *w)
{
    if (w->store->driver->kind != NDC_SQLITE || !w->conn) return;
    ndc_store_give(w->conn);
    w->conn = NULL;
}

/* Runs one write. False when the transaction is lost with it. */
static bool run_item(struct ndc_store_conn *conn, struct item *item, bool careful)
{
    item->fault.err = NDC_OK;
    item->err = careful ? ndc_tx_savepoint(conn, &item->fault) : NDC_OK;
    if (item->err) return false;
    item->err = item->fn(conn, item->arg, &item->fault);
    NDC_ASSERT(conn->tx && !conn->bulk && conn->rows_open == 0);
    if (!item->err && conn->tx_failed) {
        item->err = ndc_fail(&item->fault, NDC_EINTERNAL, "db.aborted",
                             "a write passed over the failure of a statement");
    }
    if (!item->err) {
        NDC_ASSERT(conn->savepoints == careful);
        if (careful) item->err = ndc_tx_release(conn, &item->fault);
    }
    if (!item->err) return true;
    if (item->fault.err == NDC_OK) {
        enum ndc_err err = ndc_fail(&item->fault, item->err, "write.failed",
                                    "a write failed without saying why");
        (void)err;
    }
    if (!careful) return false;
    struct ndc_fault ignored = {0};
    while (conn->savepoints > 0) {
        if (ndc_tx_undo(conn, &ignored)) return false;
    }
    return true;
}

/* A write took the transaction with it. True when the whole group is settled. */
static bool lost_group(struct ndc_writer *w, struct item *items, struct item *lost,
                       bool careful, unsigned *deaths)
{
    bool broken = w->conn->broken;
    unsigned open = 0;
    ndc_tx_rollback(w->conn);
    give(w);
    for (struct item *i = items; i; i = i->next)
        open += !i->settled;
    if (!broken && !careful) {
        /* alone, it has its answer; in company, the others run again, in savepoints */
        lost->settled = open == 1;
        if (open > 1) w->careful = CAREFUL_GROUPS;
        return open == 1;
    }
    ++*deaths;
    if (*deaths >= DEATHS_MAX)
        fail_all(items, lost->err, &lost->fault);
    else if (!broken)
        lost->settled = true; /* its failure took the others along */
    return *deaths >= DEATHS_MAX || (!broken && open == 1);
}

/* One transaction. True when everything in the group is settled. */
static bool try_group(struct ndc_writer *w, struct item *items, unsigned *deaths)
{
    struct ndc_fault fault = {0};
    struct item *lost = NULL;
    bool careful = w->careful > 0;
    if (careful) w->careful--;
    enum ndc_err err = take(w, &fault);
    if (!err) err = ndc_tx_begin(w->conn, &fault);
    if (err) {
        fail_all(items, err, &fault);
        give(w);
        return true;
    }
    for (struct item *i = items; i && !lost; i = i->next) {
        if (!i->settled && !run_item(w->conn, i, careful)) lost = i;
    }
    if (lost) return lost_group(w, items, lost, careful, deaths);
    err = ndc_tx_commit(w->conn, &fault);
    give(w);
    ndc_mutex_lock(&w->store->mutex);
    if (err)
        w->store->stats.commits_failed++;
    else
        w->store->stats.commits++;
    ndc_mutex_unlock(&w->store->mutex);
    if (err && err != NDC_EDB && items->next) {
        /* a deferred rule was broken by one of them: find out which, one by one */
        for (struct item *i = items, *next; i; i = next) {
            next = i->next;
            i->next = NULL;
            while (!i->settled && !try_group(w, i, deaths))
                continue;
            i->settled = true;
            i->next = next;
        }
        return true;
    }
    if (err) {
        /* those that failed by themselves keep their own reason */
        for (struct item *i = items; i; i = i->next)
            i->settled |= i->err != NDC_OK;
        fail_all(items, err, &fault);
    }
    return true;
}

static void tell(struct ndc_writer *w, struct item *items, unsigned n)
{
    unsigned failed = 0;
    for (struct item *i = items; i; i = i->next)
        failed += i->err != NDC_OK;
    ndc_mutex_lock(&w->store->mutex);
    w->store->stats.writes += n;
    w->store->stats.writes_failed += failed;
    w->store->stats.queued -= n;
    ndc_mutex_unlock(&w->store->mutex);
    for (struct item *i = items, *next; i; i = next) {
        next = i->next;
        if (i->told) {
            ndc_mutex_lock(&w->mutex);
            i->finished = true; /* the caller frees it as soon as the lock is gone */
            ndc_cond_signal(i->told);
            ndc_mutex_unlock(&w->mutex);
        } else {
            i->done(i->arg, i->err, &i->fault);
            free(i);
        }
    }
}

/* Under the lock: cuts up to `max` items off the queue. */
static struct item *cut(struct ndc_writer *w, unsigned max, unsigned *n)
{
    struct item *items = w->head, *last = NULL;
    *n = 0;
    while (w->head && *n < max) {
        last = w->head;
        w->head = last->next;
        ++*n;
    }
    if (last) last->next = NULL;
    if (!w->head) w->tail = NULL;
    w->queued -= *n;
    return items;
}

static void writer_main(void *arg)
{
    struct ndc_writer *w = arg;
    const struct ndc_store_options *o = &w->store->options;
    on_writer_thread = true;
    ndc_mutex_lock(&w->mutex);
    for (;;) {
        while (!w->head && !w->stop)
            ndc_cond_wait(&w->wake, &w->mutex);
        if (!w->head) break;
        if (o->group_wait_ms && w->queued < o->group_max && !w->stop) {
            (void)ndc_cond_wait_ms(&w->wake, &w->mutex, o->group_wait_ms);
        }
        unsigned n;
        struct item *items = cut(w, o->group_max, &n);
        ndc_mutex_unlock(&w->mutex);
        unsigned deaths = 0;
        while (!try_group(w, items, &deaths))
            continue;
        tell(w, items, n);
        ndc_mutex_lock(&w->mutex);
    }
    ndc_mutex_unlock(&w->mutex);
}

void ndc_writer_start(struct ndc_store *store)
{
    struct ndc_writer *w = ndc_xcalloc(1, sizeof(*w));
    w->store = store;
    ndc_mutex_init(&w->mutex);
    ndc_cond_init(&w->wake);
    store->writer = w;
    ndc_thread_start(&w->thread, "writer", writer_main, w);
}

void ndc_writer_stop(struct ndc_store *store)
{
    struct ndc_writer *w = store->writer;
    ndc_mutex_lock(&w->mutex);
    w->stop = true;
    ndc_cond_signal(&w->wake);
    ndc_mutex_unlock(&w->mutex);
    ndc_thread_join(&w->thread);
    ndc_store_give(w->conn);
    ndc_cond_free(&w->wake);
    ndc_mutex_free(&w->mutex);
    free(w);
    store->writer = NULL;
}

/* Under the lock. */
static void push(struct ndc_writer *w, struct item *item)
{
    NDC_ASSERT(!w->stop);
    if (w->tail)
        w->tail->next = item;
    else
        w->head = item;
    w->tail = item;
    w->queued++;
    ndc_mutex_lock(&w->store->mutex);
    w->store->stats.queued++;
    ndc_mutex_unlock(&w->store->mutex);
    ndc_cond_signal(&w->wake);
}

enum ndc_err ndc_store_write(struct ndc_store *store,
                             enum ndc_err (*fn)(struct ndc_store_conn *conn, void *arg,
                                                struct ndc_fault *fault),
                             void *arg, struct ndc_fault *fault)
{
    struct ndc_writer *w = store->writer;
    NDC_ASSERT(!on_writer_thread);
    if (!w) return ndc_fail(fault, NDC_EDB, "db.readonly", "opened read-only");
    struct ndc_cond told;
    ndc_cond_init(&told);
    struct item item = {.fn = fn, .arg = arg, .told = &told};
    ndc_mutex_lock(&w->mutex);
    push(w, &item);
    while (!item.finished)
        ndc_cond_wait(&told, &w->mutex);
    ndc_mutex_unlock(&w->mutex);
    ndc_cond_free(&told);
    if (item.err && fault && !fault->err) *fault = item.fault;
    return item.err;
}

enum ndc_err ndc_store_write_async(struct ndc_store *store,
                                   enum ndc_err (*fn)(struct ndc_store_conn *conn,
                                                      void *arg, struct ndc_fault *fault),
                                   void (*done)(void *arg, enum ndc_err err,
                                                const struct ndc_fault *fault),
                                   void *arg, struct ndc_fault *fault)
{
    struct ndc_writer *w = store->writer;
    if (!w) return ndc_fail(fault, NDC_EDB, "db.readonly", "opened read-only");
    struct item *item = ndc_xcalloc(1, sizeof(*item));
    *item = (struct item){.fn = fn, .done = done, .arg = arg};
    ndc_mutex_lock(&w->mutex);
    bool room = w->queued < QUEUE_MAX;
    if (room) push(w, item);
    ndc_mutex_unlock(&w->mutex);
    if (room) return NDC_OK;
    free(item);
    return ndc_fail(fault, NDC_EBUSY, "db.busy",
                    "more writes are waiting than the database can take: try again");
}

/* The audit log: a bounded queue that any thread adds to, and one writer thread that
 * commits what has gathered, so that one sync serves many. See docs/audit.md. */
#include "core/audit_internal.h"

#include "sys/clock.h"
#include "sys/log.h"

enum {
    QUEUE_MAX = 16384,
    QUEUE_BYTES_MAX = 16 << 20,
    BATCH_MAX = 4096,
    HEAD_INTERVAL_MS = 1000,
    RETRY_MS = 500,
    GATHER_MS = 1,  /* that a batch waits for company at most… */
    GATHER_MIN = 4, /* … when there is some */
};

static struct ndc_audit *process_audit;

void ndc_audit_set(struct ndc_audit *audit)
{
    process_audit = audit;
}

struct ndc_audit *ndc_audit_get(void)
{
    return process_audit;
}

/* Takes up to BATCH_MAX items off the queue. Caller holds the lock. */
static struct ndc_audit_item *take_batch(struct ndc_audit *audit)
{
    struct ndc_audit_item *batch = audit->first, **at = &audit->first;
    for (size_t n = 0; n < BATCH_MAX && *at; n++) {
        audit->queued--;
        audit->queued_bytes -= (*at)->bytes;
        at = &(*at)->next;
    }
    struct ndc_audit_item *rest = *at;
    *at = NULL;
    audit->first = rest;
    if (!rest) audit->last = &audit->first;
    return batch == rest ? NULL : batch;
}

static void finish(struct ndc_audit_item *items, enum ndc_err err)
{
    while (items) {
        struct ndc_audit_item *item = items;
        items = item->next;
        if (item->done) item->done(item->arg, err, item->seq);
        free(item);
    }
}

/* Reads the tree and last head from the database and holds them against each other. */
static enum ndc_err load(struct ndc_audit *audit, struct ndc_audit_tree *tree,
                         struct ndc_audit_head *head, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    uint64_t size = 0;
    enum ndc_err err = ndc_store_take(audit->store, NDC_READ, &conn, fault);
    if (err) return err;
    err = ndc_tx_begin(conn, fault);
    if (!err) err = ndc_audit_size(conn, &size, fault);
    if (!err) err = ndc_audit_last_head(conn, head, fault);
    if (!err) err = ndc_audit_tree_load(tree, conn, audit->hasher, size, fault);
    if (!err && head->size > size)
        err = ndc_fail(fault, NDC_ECONFLICT, "audit.cut",
                       "the audit log has %llu entries, but a head was signed at %llu: "
                       "entries were removed",
                       (unsigned long long)size, (unsigned long long)head->size);
    if (!err && head->time_ms && !ndc_audit_head_check(head, audit->key))
        err = ndc_fail(fault, NDC_ECONFLICT, "audit.key",
                       "the audit log's last head was not signed with this key");
    if (!err && head->time_ms) {
        struct ndc_audit_tiles *tiles = ndc_xcalloc(1, sizeof(*tiles));
        *tiles = (struct ndc_audit_tiles){
            .tree = tree, .conn = conn, .h = audit->hasher, .fault = fault};
        struct ndc_merkle_source source = {ndc_audit_tiles_subtree, tiles};
        struct ndc_merkle_hash root;
        bool have = ndc_merkle_root_at(&root, &source, audit->hasher, head->size);
        free(tiles);
        if (!have || memcmp(root.b, head->root, sizeof(root.b)) != 0)
            err = ndc_fail(fault, NDC_ECONFLICT, "audit.changed",
                           "entries of the audit log before %llu differ from what was "
                           "signed",
                           (unsigned long long)head->size);
    }
    ndc_store_give(conn);
    if (!err) err = ndc_audit_index_load(&audit->index, audit->store, size, fault);
    return err;
}

/* After a failed batch nobody knows whether the commit took place: what the database
 * holds now is the truth. */
static bool recover(struct ndc_audit *audit, struct ndc_audit_tree *tree)
{
    struct ndc_fault fault = {0};
    struct ndc_audit_head head;
    enum ndc_err err = load(audit, tree, &head, &fault);
    ndc_mutex_lock(&audit->lock);
    audit->failing = err != NDC_OK;
    if (err) {
        audit->failed = fault;
    } else {
        ndc_audit_tree_copy(&audit->tree, tree);
        audit->head = head;
    }
    ndc_cond_broadcast(&audit->heads);
    ndc_mutex_unlock(&audit->lock);
    if (!err) ndc_log(NDC_LOG_INFO, "audit", "writing again after a failure");
    return !err;
}

/* Whether the writer owes a head. Caller holds the lock. */
static bool head_due(const struct ndc_audit *audit, uint64_t size)
{
    if (audit->head.time_ms && size == audit->head.size) return false;
    return audit->head_wanted || audit->stopping ||
           ndc_clock_wall_ms() - audit->head.time_ms >= audit->head_interval_ms ||
           ndc_clock_wall_ms() < audit->head.time_ms;
}

/* Waits for work. Caller holds the lock. False when it is time to end. */
static bool wait_for_work(struct ndc_audit *audit)
{
    for (;;) {
        uint64_t size = audit->tree.frontier.size;
        if (audit->first || audit->failing) return !(audit->stopping && audit->failing);
        if (head_due(audit, size)) return true;
        if (audit->head_wanted) { /* it is signed already */
            audit->head_wanted = false;
            ndc_cond_broadcast(&audit->heads);
        }
        if (audit->stopping) return false;
        if (size == audit->head.size)
            ndc_cond_wait(&audit->work, &audit->lock);
        else
            (void)ndc_cond_wait_ms(&audit->work, &audit->lock,
                                   audit->head_interval_ms / 4 + 1);
    }
}

/* Where many append at once, a sync is worth a little patience: waits until about as many
 * have come as lately came together, or a millisecond. One who is alone never waits.
 * Caller holds the lock. */
static void gather(struct ndc_audit *audit)
{
    size_t want = audit->lately * 3 / 4;
    if (want < GATHER_MIN || audit->queued >= want || audit->stopping) return;
    audit->gathering = want;
    (void)ndc_cond_wait_ms(&audit->work, &audit->lock, GATHER_MS);
    audit->gathering = 0;
}

static void write_one_batch(struct ndc_audit *audit, struct ndc_audit_tree *tree,
                            struct ndc_audit_item *batch, bool sign)
{
    struct ndc_fault fault = {0};
    struct ndc_audit_head head = {0};
    enum ndc_err err =
        ndc_audit_write_batch(audit->store, tree, &audit->index, audit->hasher, batch,
                              sign ? &head : NULL, audit->key, &fault);
    ndc_mutex_lock(&audit->lock);
    audit->failing = err != NDC_OK;
    if (err) {
        audit->failed = fault;
    } else {
        ndc_audit_tree_copy(&audit->tree, tree);
        if (sign) {
            audit->head = head;
            audit->head_wanted = false;
        }
    }
    ndc_cond_broadcast(&audit->heads);
    ndc_mutex_unlock(&audit->lock);
    if (err) ndc_log(NDC_LOG_ERROR, "audit", "cannot write: %s", fault.message);
    finish(batch, err);
}

static void run_writer(void *arg)
{
    struct ndc_audit *audit = arg;
    struct ndc_audit_tree *tree = ndc_xmalloc(sizeof(*tree));
    ndc_mutex_lock(&audit->lock);
    ndc_audit_tree_copy(tree, &audit->tree);
    while (wait_for_work(audit)) {
        bool failing = audit->failing;
        if (audit->first && !failing) gather(audit);
        size_t queued = audit->queued;
        struct ndc_audit_item *batch = take_batch(audit);
        audit->lately = NDC_MAX(queued - audit->queued, audit->lately * 7 / 8);
        bool sign = !failing && head_due(audit, tree->frontier.size + (batch != NULL));
        ndc_mutex_unlock(&audit->lock);
        if (failing) {
            finish(batch, NDC_EDB);
            if (!recover(audit, tree)) ndc_clock_sleep_ms(RETRY_MS);
        } else {
            write_one_batch(audit, tree, batch, sign);
        }
        ndc_mutex_lock(&audit->lock);
    }
    struct ndc_audit_item *left = audit->first;
    audit->first = NULL;
    bool failing = audit->failing;
    ndc_mutex_unlock(&audit->lock);
    finish(left, NDC_EDB);
    audit->index.closing = true; /* or the next start reads the latest entries again */
    if (!failing && audit->index.fresh_count >= NDC_AUDIT_INDEX_CLOSING)
        write_one_batch(audit, tree, NULL, false);
    free(tree);
}

static void free_audit(struct ndc_audit *audit)
{
    ndc_sign_key_free(audit->key);
    ndc_merkle_hasher_free(audit->hasher);
    ndc_audit_index_free(&audit->index);
    ndc_cond_free(&audit->work);
    ndc_cond_free(&audit->heads);
    ndc_mutex_free(&audit->lock);
    free(audit);
}

enum ndc_err ndc_audit_open(struct ndc_audit **out, struct ndc_store *store,
                            const struct ndc_audit_options *options,
                            struct ndc_fault *fault)
{
    struct ndc_audit *audit = ndc_xcalloc(1, sizeof(*audit));
    *out = NULL;
    audit->store = store;
    audit->queue_max = options->queue_max ? options->queue_max : QUEUE_MAX;
    audit->queue_bytes_max =
        options->queue_bytes_max ? options->queue_bytes_max : QUEUE_BYTES_MAX;
    audit->head_interval_ms =
        options->head_interval_ms ? options->head_interval_ms : HEAD_INTERVAL_MS;
    audit->last = &audit->first;
    audit->hasher = ndc_merkle_hasher_new();
    ndc_audit_index_init(&audit->index);
    ndc_mutex_init(&audit->lock);
    ndc_cond_init(&audit->work);
    ndc_cond_init(&audit->heads);
    enum ndc_err err = ndc_sign_key_open(&audit->key, options->key_path, fault);
    if (!err) err = ndc_audit_migrate(store, fault);
    if (!err) err = load(audit, &audit->tree, &audit->head, fault);
    if (!err) {
        ndc_thread_start(&audit->writer, "audit", run_writer, audit);
        *out = audit;
        return NDC_OK;
    }
    free_audit(audit);
    return err;
}

void ndc_audit_close(struct ndc_audit *audit)
{
    if (!audit) return;
    ndc_mutex_lock(&audit->lock);
    audit->stopping = true;
    ndc_cond_signal(&audit->work);
    ndc_mutex_unlock(&audit->lock);
    ndc_thread_join(&audit->writer);
    if (process_audit == audit) process_audit = NULL;
    free_audit(audit);
}

/* The item with everything copied: keys, then the tail's text. */
static struct ndc_audit_item *item_new(const struct ndc_audit_event *event)
{
    struct ndc_buf tail;
    ndc_buf_init(&tail, NDC_AUDIT_ENTRY_MAX);
    ndc_audit_entry_tail(&tail, event);
    if (tail.failed) {
        ndc_buf_free(&tail);
        return NULL;
    }
    size_t keys = event->subject_count + 1;
    size_t bytes = sizeof(struct ndc_audit_item) + keys * sizeof(int64_t) + tail.len;
    struct ndc_audit_item *item = ndc_xmalloc(bytes);
    *item = (struct ndc_audit_item){.bytes = bytes, .key_count = keys};
    char *text = (char *)(item->keys + keys);
    memcpy(text, tail.ptr, tail.len);
    item->tail = ndc_str_n(text, tail.len);
    item->keys[0] = ndc_audit_principal_key(event->principal);
    for (size_t i = 1; i < keys; i++)
        item->keys[i] = ndc_audit_subject_key(event->subjects[i - 1]);
    ndc_buf_free(&tail);
    return item;
}

/* Caller holds the lock. */
static enum ndc_err may_queue(const struct ndc_audit *audit, size_t bytes,
                              struct ndc_fault *fault)
{
    if (audit->failing || audit->stopping)
        return ndc_fail(fault, NDC_EDB, "audit.failing",
                        "the audit log cannot be written, so nothing that must be logged "
                        "is done (%s)",
                        audit->failing ? audit->failed.message : "shutting down");
    if (audit->queued >= audit->queue_max ||
        audit->queued_bytes + bytes > audit->queue_bytes_max) {
        (void)ndc_fail(fault, NDC_EBUSY, "audit.busy",
                       "the audit log is behind; try again in a moment");
        if (fault) fault->http_status = 503;
        return NDC_EBUSY;
    }
    return NDC_OK;
}

enum ndc_err ndc_audit_append(struct ndc_audit *audit,
                              const struct ndc_audit_event *event, ndc_audit_done *done,
                              void *arg, struct ndc_fault *fault)
{
    NDC_ASSERT(event->principal.len && event->action.len);
    if (event->subject_count > NDC_AUDIT_SUBJECTS_MAX)
        return ndc_fail(fault, NDC_ETOOBIG, "audit.subjects",
                        "one audit entry names at most %d subjects",
                        (int)NDC_AUDIT_SUBJECTS_MAX);
    struct ndc_audit_item *item = item_new(event);
    if (!item)
        return ndc_fail(fault, NDC_ETOOBIG, "audit.entry", "the audit entry is too long");
    item->done = done;
    item->arg = arg;
    item->time_ms = ndc_clock_wall_ms();
    ndc_mutex_lock(&audit->lock);
    enum ndc_err err = may_queue(audit, item->bytes, fault);
    if (!err) {
        bool wake = audit->first == NULL;
        *audit->last = item;
        audit->last = &item->next;
        audit->queued++;
        audit->queued_bytes += item->bytes;
        if (wake || audit->queued == audit->gathering) ndc_cond_signal(&audit->work);
    }
    ndc_mutex_unlock(&audit->lock);
    if (err) free(item);
    return err;
}

struct waiter {
    struct ndc_mutex lock;
    struct ndc_cond done;
    bool is_done;
    enum ndc_err err;
    uint64_t seq;
};

static void wake(void *arg, enum ndc_err err, uint64_t seq)
{
    struct waiter *w = arg;
    ndc_mutex_lock(&w->lock);
    w->is_done = true;
    w->err = err;
    w->seq = seq;
    ndc_cond_signal(&w->done);
    ndc_mutex_unlock(&w->lock);
}

enum ndc_err ndc_audit_append_wait(struct ndc_audit *audit,
                                   const struct ndc_audit_event *event, uint64_t *seq,
                                   struct ndc_fault *fault)
{
    struct waiter w = {0};
    ndc_mutex_init(&w.lock);
    ndc_cond_init(&w.done);
    enum ndc_err err = ndc_audit_append(audit, event, wake, &w, fault);
    if (!err) {
        ndc_mutex_lock(&w.lock);
        while (!w.is_done)
            ndc_cond_wait(&w.done, &w.lock);
        ndc_mutex_unlock(&w.lock);
        if (seq) *seq = w.seq;
        if (w.err)
            err = ndc_fail(fault, w.err, "audit.failing",
                           "the audit log could not be written");
    }
    ndc_cond_free(&w.done);
    ndc_mutex_free(&w.lock);
    return err;
}

void ndc_audit_snapshot(struct ndc_audit *audit, struct ndc_audit_tree *out)
{
    ndc_mutex_lock(&audit->lock);
    ndc_audit_tree_copy(out, &audit->tree);
    ndc_mutex_unlock(&audit->lock);
}

enum ndc_err ndc_audit_head(struct ndc_audit *audit, bool now, struct ndc_audit_head *out,
                            struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    ndc_mutex_lock(&audit->lock);
    uint64_t size = audit->tree.frontier.size;
    while (now || audit->head.time_ms == 0) {
        if (audit->head.time_ms && audit->head.size >= size) break;
        if (audit->failing || audit->stopping) {
            err = ndc_fail(fault, NDC_EDB, "audit.failing",
                           "the audit log cannot be written: %s", audit->failed.message);
            break;
        }
        audit->head_wanted = true;
        ndc_cond_signal(&audit->work);
        ndc_cond_wait(&audit->heads, &audit->lock);
    }
    *out = audit->head;
    ndc_mutex_unlock(&audit->lock);
    return err;
}

/* The two threads that calls go through: one makes a batch ready, that is, finds, settles
 * and links its rows; the other commits the batch before it meanwhile. What that one will
 * have written is seen by the batch in the making only (pending); everybody else sees it
 * when it is durable. Where a commit fails, the batch that was made on top of it is made
 * again. */
#include "platforms/registry/live/part.h"

#include "base/sort.h"
#include "platforms/registry/load/load.h"
#include "store/writer.h"
#include "sys/clock.h"
#include "sys/procname.h"

enum { BEHIND_TRIES = 16 };

/* ---- a batch ---- */

static void free_batch(struct live_batch *b)
{
    for (uint32_t i = 0; i < b->state_count; i++)
        free(b->states[i].rows);
    for (uint32_t i = 0; i < b->part_count; i++)
        ndc_live_part_free(&b->parts[i]);
    for (size_t i = 0; i < b->packed_count; i++)
        free(b->packed[i]);
    for (int t = 0; t < NDC_ENTITY_COUNT; t++)
        ndc_link_feed_free(b->feeds[t]);
    for (size_t i = 0; i < b->arena_count; i++)
        ndc_arena_free(&b->arenas[i]);
    for (size_t i = 0; i < b->buf_count; i++)
        ndc_buf_free(&b->bufs[i]);
    ndc_arena_free(&b->arena);
    free(b->arenas);
    free(b->bufs);
    free(b->rows);
    free(b->states);
    free(b->state_slots);
    free(b->entities);
    free(b->entity_slots);
    free(b->nodes);
    free(b->parts);
    free(b->packed);
    free(b->fillers);
    free(b->capped);
    free(b->asked);
    free(b->near);
    free(b->numbers);
    free(b->changes);
    free(b->writes);
    free(b->redirects);
    free(b->entries);
}

struct new_run {
    struct ndc_str source;
    int64_t run;
};

static enum ndc_err insert_run(struct ndc_store_conn *conn, void *arg,
                               struct ndc_fault *fault)
{
    struct new_run *n = arg;
    char owner[NDC_PROCESS_NAME_MAX];
    ndc_process_name(owner);
    enum ndc_err err = ndc_tx_lock(conn, NDC_LOAD_RUN_LOCK, fault);
    if (!err)
        err = ndc_sql_i64(conn, &n->run, "SELECT coalesce(max(run), 0) FROM registry_run",
                          NDC_NO_ARGS, fault);
    if (err) return err;
    n->run++;
    return ndc_sql_exec(
        conn,
        "INSERT INTO registry_run (run, source, mode, state, job, path, created_ms, "
        "started_ms, finished_ms, rows_read, accepted, quarantined, added, changed, "
        "unchanged, ended, bytes, scorecard, error, owner) VALUES ($1, $2, 'live', "
        "'succeeded', '', '', $3, $3, $3, 0, 0, 0, 0, 0, 0, 0, 0, '', '', $4)",
        NDC_ARGS(ndc_int(n->run), ndc_text(n->source), ndc_int(ndc_clock_wall_ms()),
                 ndc_textz(owner)),
        NULL, fault);
}

/* What comes live to a source counts in one run, made anew with every generation. */
static enum ndc_err need_runs(struct live_batch *b, struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    for (struct live_call *c = b->calls; c && !err; c = c->next) {
        if (!c->source || b->live->runs[c->source->number]) continue;
        struct new_run n = {.source = c->source->source->id};
        err = ndc_store_write(b->live->registry->store, insert_run, &n, fault);
        if (!err) b->live->runs[c->source->number] = n.run;
    }
    return err;
}

static void gather(struct live_batch *b)
{
    for (const struct live_call *c = b->calls; c; c = c->next)
        b->row_count += c->row_count;
    b->rows = ndc_xmalloc((b->row_count + 1) * sizeof(*b->rows));
    b->row_count = 0;
    for (struct live_call *c = b->calls; c; c = c->next) {
        c->result = (struct ndc_live_result){
            .rows = c->result.rows,
            .run = c->source ? b->live->runs[c->source->number] : 0,
            .quarantined = c->result.quarantined};
        for (size_t i = 0; i < c->row_count; i++) {
            c->rows[i].record.run = (uint32_t)b->live->runs[c->source->number];
            b->rows[b->row_count++] = (struct live_named){.row = &c->rows[i], .call = c};
        }
    }
}

/* What of the batch the next one looks up: by key, by number. */
static void sort_pending(struct live_batch *b)
{
    size_t most = NDC_MAX(b->near_count, b->change_count);
    struct ndc_key64 *scratch = ndc_xmalloc((most + 1) * sizeof(*scratch));
    b->numbers = ndc_xmalloc((b->change_count + 1) * sizeof(*b->numbers));
    for (size_t i = 0; i < b->change_count; i++)
        b->numbers[i] = (struct ndc_key64){b->writes[i].number, i};
    ndc_sort_key64(b->numbers, scratch, b->change_count);
    ndc_sort_key64(b->near, scratch, b->near_count);
    free(scratch);
}

static void free_made(struct live_batch *b)
{
    if (b) free_batch(b);
    free(b);
}

/* Everything but the commit. */
static enum ndc_err make_batch(struct ndc_live *live, struct live_call *calls,
                               struct live_batch **out, struct ndc_fault *fault)
{
    *out = NULL;
    enum ndc_err err = ndc_live_ready(live, fault);
    if (err) return err;
    struct live_batch *b = ndc_xcalloc(1, sizeof(*b));
    b->live = live;
    b->calls = calls;
    b->now_ms = ndc_clock_wall_ms();
    ndc_arena_init(&b->arena, LIVE_ARENA_BYTES);
    err = need_runs(b, fault);
    if (!err) {
        gather(b);
        err = ndc_live_find(b, fault);
    }
    if (!err) err = ndc_live_settle(b, fault);
    if (!err) err = ndc_live_link(b, fault);
    if (!err) err = ndc_live_outcome(b, fault);
    if (err) {
        free_made(b);
        return err;
    }
    sort_pending(b);
    *out = b;
    return NDC_OK;
}

/* ---- what is pending ---- */

static size_t first_of(const struct ndc_key64 *items, size_t n, uint64_t key)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (items[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static size_t find_values(const struct ndc_key64 *items, size_t n, uint64_t key,
                          uint64_t *values, size_t max)
{
    size_t count = 0;
    for (size_t i = first_of(items, n, key); i < n && items[i].key == key && count < max;
         i++)
        values[count++] = items[i].value;
    return count;
}

size_t ndc_live_pending_entries(const struct ndc_live *live, uint64_t key,
                                uint64_t *values, size_t max)
{
    const struct live_batch *b = live->pending;
    return b ? find_values(b->entries, b->entry_count, key, values, max) : 0;
}

size_t ndc_live_pending_near(const struct ndc_live *live, uint64_t entity,
                             uint64_t *others, size_t max)
{
    const struct live_batch *b = live->pending;
    return b ? find_values(b->near, b->near_count, entity, others, max) : 0;
}

bool ndc_live_pending_payload(const struct ndc_live *live, uint64_t entity,
                              struct ndc_str *payload, int64_t *change)
{
    const struct live_batch *b = live->pending;
    if (!b) return false;
    size_t at = first_of(b->numbers, b->change_count, entity);
    if (at == b->change_count || b->numbers[at].key != entity) return false;
    *payload = b->writes[b->numbers[at].value].payload;
    *change = live->pending_first + (int64_t)b->numbers[at].value;
    return true;
}

/* ---- answering ---- */

static void answer(struct ndc_live *live, struct live_call *c, enum ndc_err err,
                   const struct ndc_fault *fault)
{
    c->err = err;
    c->fault = *fault;
    ndc_mutex_lock(&live->lock);
    c->done = true;
    ndc_cond_broadcast(&live->done);
    ndc_mutex_unlock(&live->lock);
}

static void answer_all(struct ndc_live *live, struct live_call *calls, enum ndc_err err,
                       const struct ndc_fault *fault)
{
    for (struct live_call *c = calls, *next; c; c = next) {
        next = c->next; /* once answered it is its caller's */
        answer(live, c, err, fault);
    }
}

/* ---- one after the other ---- */

static enum ndc_err make_and_commit(struct ndc_live *live, struct live_call *calls,
                                    struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    for (int i = 0; i < BEHIND_TRIES; i++) {
        struct live_batch *b;
        *fault = (struct ndc_fault){0};
        err = make_batch(live, calls, &b, fault);
        if (!err) err = ndc_live_commit(b, fault);
        if (!err) ndc_live_take_over(b);
        free_made(b);
        if (err != NDC_EBUSY || strcmp(fault->code, "live.behind") != 0) break;
        struct ndc_fault other = {0};
        if ((err = ndc_live_catch_up(live, &other))) {
            *fault = other;
            break;
        }
    }
    return err;
}

/* One that fails with others is tried alone, so that it fails by itself. */
static void run_calls(struct ndc_live *live, struct live_call *calls)
{
    struct ndc_fault fault = {0};
    enum ndc_err err = make_and_commit(live, calls, &fault);
    if (!err || !calls->next) {
        answer_all(live, calls, err, &fault);
        return;
    }
    for (struct live_call *c = calls, *next; c; c = next) {
        next = c->next;
        c->next = NULL;
        err = make_and_commit(live, c, &fault);
        answer(live, c, err, &fault);
    }
}

/* ---- side by side ---- */

/* The thread that commits. */
static void run_commits(void *arg)
{
    struct ndc_live *live = arg;
    ndc_mutex_lock(&live->lock);
    for (;;) {
        while (!live->committing && !live->stop_commits)
            ndc_cond_wait(&live->moved, &live->lock);
        struct live_batch *b = live->committing;
        if (!b) break;
        ndc_mutex_unlock(&live->lock);
        struct ndc_fault fault = {0};
        enum ndc_err err = ndc_live_commit(b, &fault);
        if (!err) {
            ndc_live_take_over(b);
            answer_all(live, b->calls, NDC_OK, &fault);
        }
        ndc_mutex_lock(&live->lock);
        live->commit_err = err;
        live->committing = NULL;
        ndc_cond_broadcast(&live->moved);
    }
    ndc_mutex_unlock(&live->lock);
}

/* Waits for the commit under way. False: it failed, and its calls wait to be run again.
 */
static bool join_commit(struct ndc_live *live)
{
    if (!live->pending) return true;
    ndc_mutex_lock(&live->lock);
    while (live->committing)
        ndc_cond_wait(&live->moved, &live->lock);
    bool good = !live->commit_err;
    ndc_mutex_unlock(&live->lock);
    return good;
}

static void drop_pending(struct ndc_live *live)
{
    free_made(live->pending);
    live->pending = NULL;
}

/* The commit failed: its calls are run by themselves, one batch after another. */
static void run_failed(struct ndc_live *live)
{
    struct live_call *calls = live->pending->calls;
    drop_pending(live);
    run_calls(live, calls);
}

/* Nothing is pending any more. */
static void drain(struct ndc_live *live)
{
    if (!join_commit(live))
        run_failed(live);
    else
        drop_pending(live);
}

static bool has_ghosts(const struct live_batch *b)
{
    for (uint32_t i = 0; i < b->state_count; i++)
        if (b->states[i].ghost) return true;
    return false;
}

static void hand_over(struct ndc_live *live, struct live_batch *b)
{
    for (size_t i = 0; i < b->entry_count; i++) {
        const struct ndc_key64 *e = &b->entries[i];
        if (e->key & 1 && e->value & 1) ndc_live_open_add(live, e->key >> 1);
    }
    live->pending = b;
    live->pending_first = live->seq + 1;
    bool ghosts = has_ghosts(b); /* ends that came early are looked up in the database */
    ndc_mutex_lock(&live->lock);
    live->committing = b;
    ndc_cond_broadcast(&live->moved);
    ndc_mutex_unlock(&live->lock);
    if (ghosts) drain(live);
}

static void run_step(struct ndc_live *live, struct live_call *calls)
{
    struct live_batch *b = NULL;
    struct ndc_fault fault = {0};
    if (live->generation != ndc_registry_generation(live->registry)) drain(live);
    enum ndc_err err = make_batch(live, calls, &b, &fault);
    if (!join_commit(live)) {
        free_made(b);
        run_failed(live);
        run_calls(live, calls);
        return;
    }
    drop_pending(live);
    if (err)
        run_calls(live, calls);
    else
        hand_over(live, b);
}

/* The first calls of the queue, up to a batch; the lock is held. */
static struct live_call *take_calls(struct ndc_live *live)
{
    struct live_call *first = live->first, *last = NULL;
    size_t rows = 0;
    for (struct live_call *c = first; c; c = c->next) {
        if (last && rows + c->row_count > LIVE_BATCH_ROWS) break;
        rows += c->row_count;
        last = c;
    }
    live->first = last->next;
    if (!live->first) live->last = NULL;
    last->next = NULL;
    live->queued_rows -= rows;
    ndc_cond_broadcast(&live->room);
    return first;
}

void ndc_live_hold(struct ndc_live *live)
{
    ndc_mutex_lock(&live->lock);
    live->wanted++;
    ndc_mutex_unlock(&live->lock);
    ndc_mutex_lock(&live->work);
    ndc_mutex_lock(&live->lock);
    live->wanted--;
    ndc_cond_broadcast(&live->moved);
    ndc_mutex_unlock(&live->lock);
}

/* What holds `work` lets go of it, with nothing pending; the lock is not held. */
static void let_go(struct ndc_live *live)
{
    drain(live);
    ndc_mutex_unlock(&live->work);
}

void ndc_live_run(void *arg)
{
    struct ndc_live *live = arg;
    struct ndc_thread commits;
    bool working = false;
    ndc_thread_start(&commits, "ndc-commit", run_commits, live);
    ndc_mutex_lock(&live->lock);
    for (;;) {
        if (working && (!live->first || live->wanted)) {
            ndc_mutex_unlock(&live->lock);
            let_go(live);
            working = false;
            ndc_mutex_lock(&live->lock);
            continue;
        }
        if (!live->first && live->stop) break;
        if (!live->first || live->wanted) {
            ndc_cond_wait(live->first ? &live->moved : &live->queued, &live->lock);
            continue;
        }
        struct live_call *calls = take_calls(live);
        ndc_mutex_unlock(&live->lock);
        if (!working) ndc_mutex_lock(&live->work);
        working = true;
        run_step(live, calls);
        ndc_mutex_lock(&live->lock);
    }
    live->stop_commits = true;
    ndc_cond_broadcast(&live->moved);
    ndc_mutex_unlock(&live->lock);
    ndc_thread_join(&commits);
}

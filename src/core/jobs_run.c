/* Jobs: the threads. Workers claim queued jobs and run them; one monitor tells progress,
 * keeps the heartbeat, sees cancellations made by other processes, and settles the jobs
 * of processes that have ended. */
#include "core/jobs_internal.h"
#include "sys/clock.h"
#include "sys/log.h"

#include <stdio.h>

enum {
    RESULT_BYTES_MAX = 4 << 20,
    PICK_MAX = 64,   /* queued jobs looked at when choosing one */
    IDLE_MS = 2000,  /* between looks for work of other processes' making */
    RETRY_MS = 5000, /* before a job that met a busy or absent database runs again */
    STALE_BEATS = 4, /* heartbeats missed by a process that cannot be looked at */
    SETTLE_MAX = 1000,
};

/* ---- after a crash ---- */

struct orphan {
    struct ndc_job_info info;
    struct ndc_str owner;
};

struct settle {
    struct ndc_jobs *jobs;
    const struct orphan *orphan;
};

/* The job goes on, or ends with the reason. The owner is compared again: it is not
 * settled twice. */
static enum ndc_err settle_one(struct ndc_store_conn *conn, void *arg,
                               struct ndc_fault *fault)
{
    struct settle *s = arg;
    const struct ndc_job_info *info = &s->orphan->info;
    const struct ndc_job_kind *kind =
        ndc_job_kind_find(s->jobs, info->platform, info->kind);
    const char *state = "failed", *code = "job.crashed";
    char error[160];
    snprintf(
        error, sizeof(error),
        "the program ended while the job ran (run %u); this kind of job cannot go on "
        "where it was: submit it again",
        info->attempts);
    if (info->cancel_requested) {
        state = "canceled";
        code = "";
        error[0] = '\0';
    } else if (kind && kind->resumable && info->attempts < kind->attempts_max) {
        state = "queued";
        code = "";
        error[0] = '\0';
    } else if (kind && kind->resumable) {
        code = "job.attempts";
        snprintf(error, sizeof(error), "the program ended in each of %u runs of the job",
                 info->attempts);
    }
    bool again = strcmp(state, "queued") == 0;
    return ndc_sql_exec(conn,
                        "UPDATE ndc_job SET state = $3, error_code = $4, error = $5, "
                        "finished_ms = $6, owner = '' "
                        "WHERE id = $1 AND owner = $2 AND state = 'running'",
                        NDC_ARGS(ndc_text(info->id), ndc_text(s->orphan->owner),
                                 ndc_textz(state), ndc_textz(code), ndc_textz(error),
                                 ndc_int(again ? 0 : ndc_clock_wall_ms())),
                        NULL, fault);
}

static bool is_orphan(const struct ndc_jobs *jobs, struct ndc_str owner, int64_t beat_ms)
{
    if (ndc_str_eq_c(owner, jobs->owner)) return false;
    switch (ndc_process_look(owner)) {
    case NDC_PROCESS_DEAD:
        return true;
    case NDC_PROCESS_UNKNOWN:
        return ndc_clock_wall_ms() - beat_ms >
               (int64_t)STALE_BEATS * jobs->options.heartbeat_ms;
    default:
        return false;
    }
}

enum ndc_err ndc_jobs_settle(struct ndc_jobs *jobs, struct ndc_fault *fault)
{
    struct ndc_arena arena;
    ndc_arena_init(&arena, (size_t)512 << 20);
    struct orphan *orphans = NDC_ARENA_ARRAY(&arena, struct orphan, SETTLE_MAX);
    size_t n = 0;
    struct ndc_store_conn *conn;
    enum ndc_err err = ndc_store_take(jobs->store, NDC_READ, &conn, fault);
    if (err) goto out;
    struct ndc_rows *rows =
        ndc_sql_query(conn,
                      "SELECT " NDC_JOB_COLUMNS ", owner FROM ndc_job "
                      "WHERE state = 'running' ORDER BY id LIMIT $1",
                      NDC_ARGS(ndc_int(SETTLE_MAX)));
    while (n < SETTLE_MAX && ndc_rows_next(rows)) {
        if (!is_orphan(jobs, ndc_rows_text(rows, 19), ndc_rows_i64(rows, 14))) continue;
        ndc_job_read_row(rows, &arena, &orphans[n].info);
        orphans[n++].owner = ndc_arena_str(&arena, ndc_rows_text(rows, 19));
    }
    err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    for (size_t i = 0; !err && i < n; i++) {
        struct settle s = {jobs, &orphans[i]};
        ndc_log(NDC_LOG_WARN, "jobs", "job %.*s (%.*s) was left by a process that ended",
                NDC_STR_FMT(orphans[i].info.id), NDC_STR_FMT(orphans[i].info.kind));
        err = ndc_store_write(jobs->store, settle_one, &s, fault);
    }
    if (n) ndc_jobs_wake(jobs);
out:
    ndc_arena_free(&arena);
    return err;
}

/* ---- telling ---- */

static void tell(struct ndc_job *job, enum ndc_job_state state)
{
    struct ndc_jobs *jobs = job->jobs;
    if (!jobs->options.on_change) return;
    struct ndc_job_info info = job->info;
    info.state = state;
    info.done = atomic_load(&job->done);
    info.total = atomic_load(&job->total);
    info.unit = ndc_str(atomic_load(&job->unit));
    info.phase = ndc_str(atomic_load(&job->phase));
    info.cancel_requested = atomic_load(&job->cancel);
    if (state != NDC_JOB_RUNNING) info.result = ndc_buf_str(&job->result);
    jobs->options.on_change(jobs->options.on_change_arg, &info);
}

/* ---- claiming ---- */

struct claim {
    struct ndc_jobs *jobs;
    struct ndc_job *job;
    struct ndc_str id;
    bool claimed;
};

static enum ndc_err claim_job(struct ndc_store_conn *conn, void *arg,
                              struct ndc_fault *fault)
{
    struct claim *c = arg;
    int64_t now = ndc_clock_wall_ms();
    c->claimed = false;
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "UPDATE ndc_job SET state = 'running', attempts = attempts + 1, owner = $2, "
        "started_ms = CASE WHEN started_ms = 0 THEN $3 ELSE started_ms END, "
        "heartbeat_ms = $3, finished_ms = 0, error_code = '', error = '' "
        "WHERE id = $1 AND state = 'queued' RETURNING " NDC_JOB_COLUMNS ", checkpoint",
        NDC_ARGS(ndc_text(c->id), ndc_textz(c->jobs->owner), ndc_int(now)));
    if (ndc_rows_next(rows)) {
        c->claimed = true;
        ndc_arena_free(&c->job->arena); /* of a first try whose commit failed */
        ndc_job_read_row(rows, &c->job->arena, &c->job->info);
        c->job->checkpoint = ndc_arena_str(&c->job->arena, ndc_rows_blob(rows, 19));
    }
    return ndc_rows_end(rows, fault);
}

static unsigned count_running(struct ndc_jobs *jobs, const struct ndc_job_kind *kind)
{
    unsigned n = 0;
    ndc_mutex_lock(&jobs->mutex);
    for (struct ndc_job *j = jobs->running; j; j = j->next)
        n += j->kind == kind;
    ndc_mutex_unlock(&jobs->mutex);
    return n;
}

/* The oldest queued job whose turn it is. False when there is none. */
static bool choose(struct ndc_jobs *jobs, char id[NDC_JOB_ID_LEN + 1],
                   const struct ndc_job_kind **kind)
{
    struct ndc_store_conn *conn;
    struct ndc_fault fault = {0};
    bool found = false;
    if (ndc_store_take(jobs->store, NDC_READ, &conn, &fault)) return false;
    struct ndc_rows *rows =
        ndc_sql_query(conn,
                      "SELECT id, platform, kind FROM ndc_job WHERE state = 'queued' "
                      "AND not_before_ms <= $1 ORDER BY id LIMIT $2",
                      NDC_ARGS(ndc_int(ndc_clock_wall_ms()), ndc_int(PICK_MAX)));
    while (!found && ndc_rows_next(rows)) {
        struct ndc_str text = ndc_rows_text(rows, 0);
        *kind = ndc_job_kind_find(jobs, ndc_rows_text(rows, 1), ndc_rows_text(rows, 2));
        if (!*kind || text.len != NDC_JOB_ID_LEN) continue;
        if ((*kind)->at_once_max && count_running(jobs, *kind) >= (*kind)->at_once_max) {
            continue;
        }
        memcpy(id, text.ptr, text.len);
        id[NDC_JOB_ID_LEN] = '\0';
        found = true;
    }
    if (ndc_rows_end(rows, &fault)) found = false;
    ndc_store_give(conn);
    return found;
}

static void free_job(struct ndc_job *job)
{
    ndc_arena_free(&job->arena);
    ndc_buf_free(&job->result);
    ndc_mutex_free(&job->result_mutex);
    free(job);
}

/* Takes the next job, or NULL. */
static struct ndc_job *next_job(struct ndc_jobs *jobs)
{
    char id[NDC_JOB_ID_LEN + 1];
    const struct ndc_job_kind *kind = NULL;
    struct ndc_fault fault = {0};
    struct ndc_job *job = NULL;
    ndc_mutex_lock(&jobs->pick);
    if (choose(jobs, id, &kind)) {
        job = ndc_xcalloc(1, sizeof(*job));
        job->jobs = jobs;
        job->kind = kind;
        ndc_arena_init(&job->arena, (size_t)512 << 20);
        ndc_buf_init(&job->result, RESULT_BYTES_MAX);
        ndc_mutex_init(&job->result_mutex);
        struct claim c = {.jobs = jobs, .job = job, .id = ndc_str(id)};
        enum ndc_err err = ndc_store_write(jobs->store, claim_job, &c, &fault);
        if (err || !c.claimed) {
            free_job(job);
            job = NULL;
        }
    }
    if (job) {
        atomic_store(&job->done, job->info.done);
        atomic_store(&job->total, job->info.total);
        /* what the last run left, until this one says otherwise */
        atomic_store(&job->unit, ndc_arena_cstr(&job->arena, job->info.unit));
        atomic_store(&job->phase, ndc_arena_cstr(&job->arena, job->info.phase));
        atomic_store(&job->cancel, job->info.cancel_requested);
        job->info.state = NDC_JOB_RUNNING;
        ndc_mutex_lock(&jobs->mutex);
        job->next = jobs->running;
        jobs->running = job;
        ndc_cond_broadcast(&jobs->changed);
        ndc_mutex_unlock(&jobs->mutex);
    }
    ndc_mutex_unlock(&jobs->pick);
    return job;
}

/* ---- ending ---- */

struct finish {
    struct ndc_job *job;
    enum ndc_job_state state;
    int64_t not_before_ms;
    const struct ndc_fault *fault;
};

static enum ndc_err finish_job(struct ndc_store_conn *conn, void *arg,
                               struct ndc_fault *fault)
{
    struct finish *f = arg;
    struct ndc_job *job = f->job;
    bool queued = f->state == NDC_JOB_QUEUED;
    return ndc_sql_exec(
        conn,
        "UPDATE ndc_job SET state = $2, done = $3, total = $4, unit = $5, phase = $6, "
        "finished_ms = $7, result = $8, error_code = $9, error = $10, "
        "not_before_ms = $11, owner = '', "
        "checkpoint = CASE WHEN $12 = 1 THEN checkpoint ELSE NULL END WHERE id = $1",
        NDC_ARGS(ndc_text(job->info.id), ndc_textz(ndc_job_state_name(f->state)),
                 ndc_int(atomic_load(&job->done)), ndc_int(atomic_load(&job->total)),
                 ndc_textz(atomic_load(&job->unit)), ndc_textz(atomic_load(&job->phase)),
                 ndc_int(queued ? 0 : ndc_clock_wall_ms()),
                 job->result.len ? ndc_text(ndc_buf_str(&job->result)) : ndc_null(),
                 ndc_textz(f->fault->code), ndc_textz(f->fault->message),
                 ndc_int(f->not_before_ms), ndc_int(queued)),
        NULL, fault);
}

/* What becomes of a job that returned `err`. */
static void outcome(struct ndc_job *job, enum ndc_err err, struct finish *f,
                    struct ndc_fault *why)
{
    bool may_resume =
        job->kind->resumable && job->info.attempts < job->kind->attempts_max;
    bool stopped = atomic_load(&job->jobs->stop) && !atomic_load(&job->cancel);
    f->not_before_ms = 0;
    if (!err) {
        *why = (struct ndc_fault){0};
        f->state = NDC_JOB_SUCCEEDED;
    } else if (err == NDC_ECANCELED && stopped) {
        f->state = job->kind->resumable ? NDC_JOB_QUEUED : NDC_JOB_FAILED;
        *why = (struct ndc_fault){0};
        if (f->state == NDC_JOB_FAILED) {
            (void)ndc_fail(why, NDC_ECANCELED, "job.stopped",
                           "the program was stopped while the job ran: submit it again");
        }
    } else if (err == NDC_ECANCELED) {
        *why = (struct ndc_fault){0};
        f->state = NDC_JOB_CANCELED;
    } else if (may_resume && (err == NDC_EBUSY || strcmp(why->code, "db.gone") == 0)) {
        f->state = NDC_JOB_QUEUED;
        f->not_before_ms = ndc_clock_wall_ms() + (int64_t)RETRY_MS * job->info.attempts;
    } else {
        f->state = NDC_JOB_FAILED;
        if (!why->code[0]) {
            (void)ndc_fail(why, err, "job.failed", "the job failed without a reason (%s)",
                           ndc_err_name(err));
        }
    }
}

static void end_job(struct ndc_job *job, enum ndc_err err, struct ndc_fault *why)
{
    struct ndc_jobs *jobs = job->jobs;
    struct finish f = {.job = job, .fault = why};
    struct ndc_fault fault = {0};
    outcome(job, err, &f, why);
    if (job->result.failed) ndc_buf_reset(&job->result);
    /* the database may be away: the outcome waits for it, unless the program ends, and
     * then the row says "running" and the next start settles it */
    while (ndc_store_write(jobs->store, finish_job, &f, &fault)) {
        ndc_log(NDC_LOG_ERROR, "jobs", "the outcome of job %.*s is not stored yet: %s",
                NDC_STR_FMT(job->info.id), fault.message);
        fault = (struct ndc_fault){0};
        if (atomic_load(&jobs->stop)) break;
        ndc_clock_sleep_ms(1000);
    }
    ndc_log(f.state == NDC_JOB_FAILED ? NDC_LOG_WARN : NDC_LOG_INFO, "jobs",
            "%s/%s %.*s: %s%s%s", job->kind->platform, job->kind->name,
            NDC_STR_FMT(job->info.id), ndc_job_state_name(f.state),
            why->message[0] ? ": " : "", why->message);
    job->info.error_code = ndc_str(why->code);
    job->info.error = ndc_str(why->message);
    job->info.finished_ms = ndc_clock_wall_ms();
    ndc_mutex_lock(&jobs->mutex);
    struct ndc_job **at = &jobs->running;
    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
    jobs->news++;
    ndc_cond_broadcast(&jobs->changed);
    ndc_cond_broadcast(&jobs->wake);
    ndc_mutex_unlock(&jobs->mutex);
    /* out of the list first: the monitor must not tell "running" after the end */
    tell(job, f.state);
    free_job(job);
}

void ndc_jobs_worker(void *arg)
{
    struct ndc_jobs *jobs = arg;
    while (!atomic_load(&jobs->stop)) {
        ndc_mutex_lock(&jobs->mutex);
        unsigned news = jobs->news;
        ndc_mutex_unlock(&jobs->mutex);
        struct ndc_job *job = next_job(jobs);
        if (job) {
            struct ndc_fault why = {0};
            tell(job, NDC_JOB_RUNNING);
            enum ndc_err err = job->kind->run(job, job->kind->arg, &why);
            end_job(job, err, &why);
            continue;
        }
        ndc_mutex_lock(&jobs->mutex);
        if (news == jobs->news && !atomic_load(&jobs->stop)) {
            (void)ndc_cond_wait_ms(&jobs->wake, &jobs->mutex, IDLE_MS);
        }
        ndc_mutex_unlock(&jobs->mutex);
    }
}

/* ---- the monitor ---- */

struct beat {
    char id[NDC_JOB_ID_LEN + 1];
    int64_t done, total;
    char unit[64], phase[64];
};

struct beats {
    struct ndc_jobs *jobs;
    unsigned n;
    struct beat beats[NDC_JOB_THREADS_MAX];
    bool canceled[NDC_JOB_THREADS_MAX];
};

static enum ndc_err save_beats(struct ndc_store_conn *conn, void *arg,
                               struct ndc_fault *fault)
{
    struct beats *b = arg;
    enum ndc_err err = NDC_OK;
    for (unsigned i = 0; !err && i < b->n; i++) {
        const struct beat *x = &b->beats[i];
        struct ndc_rows *rows = ndc_sql_query(
            conn,
            "UPDATE ndc_job SET done = $2, total = $3, unit = $4, phase = $5, "
            "heartbeat_ms = $6 WHERE id = $1 AND state = 'running' RETURNING cancel",
            NDC_ARGS(ndc_textz(x->id), ndc_int(x->done), ndc_int(x->total),
                     ndc_textz(x->unit), ndc_textz(x->phase),
                     ndc_int(ndc_clock_wall_ms())));
        b->canceled[i] = ndc_rows_next(rows) && ndc_rows_i64(rows, 0) != 0;
        err = ndc_rows_end(rows, fault);
    }
    return err;
}

/* On the writer's thread. */
static void saved(void *arg, enum ndc_err err, const struct ndc_fault *fault)
{
    struct beats *b = arg;
    (void)fault;
    ndc_mutex_lock(&b->jobs->mutex);
    for (unsigned i = 0; !err && i < b->n; i++) {
        for (struct ndc_job *j = b->jobs->running; b->canceled[i] && j; j = j->next) {
            if (ndc_str_eq_c(j->info.id, b->beats[i].id)) atomic_store(&j->cancel, true);
        }
    }
    b->jobs->saving = false;
    ndc_cond_broadcast(&b->jobs->changed);
    ndc_mutex_unlock(&b->jobs->mutex);
    free(b);
}

/* Tells and collects the progress of the running jobs. The mutex is held, so that none of
 * them ends meanwhile; on_change must be short and may not call back. */
static struct beats *collect(struct ndc_jobs *jobs, bool everything)
{
    struct beats *b = ndc_xcalloc(1, sizeof(*b));
    b->jobs = jobs;
    for (struct ndc_job *j = jobs->running; j && b->n < NDC_JOB_THREADS_MAX;
         j = j->next) {
        bool dirty = atomic_exchange(&j->dirty, false);
        if (dirty) tell(j, NDC_JOB_RUNNING);
        if (!dirty && !everything) continue;
        struct beat *x = &b->beats[b->n++];
        snprintf(x->id, sizeof(x->id), "%.*s", NDC_STR_FMT(j->info.id));
        x->done = atomic_load(&j->done);
        x->total = atomic_load(&j->total);
        snprintf(x->unit, sizeof(x->unit), "%s", atomic_load(&j->unit));
        snprintf(x->phase, sizeof(x->phase), "%s", atomic_load(&j->phase));
    }
    return b;
}

void ndc_jobs_monitor(void *arg)
{
    struct ndc_jobs *jobs = arg;
    int64_t last_beat = ndc_clock_mono_ns(), next = last_beat;
    struct ndc_fault fault = {0};
    ndc_mutex_lock(&jobs->mutex);
    /* runs on while the workers finish */
    while (!atomic_load(&jobs->stop) || jobs->running) {
        int64_t now = ndc_clock_mono_ns(), left = (next - now) / 1000000;
        if (left > 0) {
            (void)ndc_cond_wait_ms(&jobs->changed, &jobs->mutex, left);
            if (!jobs->idle || !jobs->running) continue;
        }
        jobs->idle = jobs->running == NULL;
        next =
            now + (int64_t)(jobs->idle ? IDLE_MS : jobs->options.progress_ms) * 1000000;
        bool beat = now - last_beat >= (int64_t)jobs->options.heartbeat_ms * 1000000;
        if (jobs->saving && !beat) continue;
        struct beats *b = collect(jobs, beat);
        bool save = b->n > 0 && !jobs->saving;
        jobs->saving |= save;
        ndc_mutex_unlock(&jobs->mutex);
        fault = (struct ndc_fault){0};
        if (save && ndc_store_write_async(jobs->store, save_beats, saved, b, &fault)) {
            saved(b, NDC_EBUSY, &fault);
        } else if (!save) {
            free(b);
        }
        if (beat) {
            last_beat = now;
            if (!atomic_load(&jobs->stop) && ndc_jobs_settle(jobs, &fault)) {
                ndc_log(NDC_LOG_WARN, "jobs", "%s", fault.message);
            }
        }
        ndc_mutex_lock(&jobs->mutex);
    }
    while (jobs->saving)
        ndc_cond_wait(&jobs->changed, &jobs->mutex);
    ndc_mutex_unlock(&jobs->mutex);
}

/* Jobs: submitting, asking, canceling; start and stop. The threads are in jobs_run.c. */
#include "core/jobs_internal.h"
#include "store/migrate.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/random.h"

#include <stdio.h>

enum { ARGUMENTS_BYTES_MAX = 4 << 20, LIST_MAX = 1000 };

static const struct ndc_migration migrations[] = {
    {1, "jobs",
     "CREATE TABLE ndc_job (\n"
     "  id TEXT PRIMARY KEY, platform TEXT NOT NULL, kind TEXT NOT NULL,\n"
     "  principal TEXT NOT NULL, arguments TEXT NOT NULL, result TEXT,\n"
     "  state TEXT NOT NULL, done BIGINT NOT NULL, total BIGINT NOT NULL,\n"
     "  unit TEXT NOT NULL, phase TEXT NOT NULL, created_ms BIGINT NOT NULL,\n"
     "  started_ms BIGINT NOT NULL, finished_ms BIGINT NOT NULL,\n"
     "  heartbeat_ms BIGINT NOT NULL, attempts BIGINT NOT NULL,\n"
     "  cancel BIGINT NOT NULL, error_code TEXT NOT NULL, error TEXT NOT NULL,\n"
     "  owner TEXT NOT NULL, not_before_ms BIGINT NOT NULL, checkpoint BYTEA);\n"
     "CREATE INDEX ndc_job_open ON ndc_job (state, id)\n"
     "  WHERE state IN ('queued', 'running');\n"
     "CREATE INDEX ndc_job_platform ON ndc_job (platform, id);\n"},
};

static const char *const state_names[] = {"queued", "running", "succeeded", "failed",
                                          "canceled"};

const char *ndc_job_state_name(enum ndc_job_state state)
{
    NDC_ASSERT(state < NDC_ARRAY_LEN(state_names));
    return state_names[state];
}

void ndc_job_read_row(struct ndc_rows *rows, struct ndc_arena *arena,
                      struct ndc_job_info *out)
{
    struct ndc_str state = ndc_rows_text(rows, 6);
    *out = (struct ndc_job_info){
        .id = ndc_arena_str(arena, ndc_rows_text(rows, 0)),
        .platform = ndc_arena_str(arena, ndc_rows_text(rows, 1)),
        .kind = ndc_arena_str(arena, ndc_rows_text(rows, 2)),
        .principal = ndc_arena_str(arena, ndc_rows_text(rows, 3)),
        .arguments = ndc_arena_str(arena, ndc_rows_text(rows, 4)),
        .result = ndc_arena_str(arena, ndc_rows_text(rows, 5)),
        .done = ndc_rows_i64(rows, 7),
        .total = ndc_rows_i64(rows, 8),
        .unit = ndc_arena_str(arena, ndc_rows_text(rows, 9)),
        .phase = ndc_arena_str(arena, ndc_rows_text(rows, 10)),
        .created_ms = ndc_rows_i64(rows, 11),
        .started_ms = ndc_rows_i64(rows, 12),
        .finished_ms = ndc_rows_i64(rows, 13),
        .heartbeat_ms = ndc_rows_i64(rows, 14),
        .attempts = (unsigned)ndc_rows_i64(rows, 15),
        .cancel_requested = ndc_rows_i64(rows, 16) != 0,
        .error_code = ndc_arena_str(arena, ndc_rows_text(rows, 17)),
        .error = ndc_arena_str(arena, ndc_rows_text(rows, 18)),
    };
    for (unsigned i = 0; i < NDC_ARRAY_LEN(state_names); i++) {
        if (ndc_str_eq_c(state, state_names[i])) out->state = i;
    }
}

const struct ndc_job_kind *ndc_job_kind_find(const struct ndc_jobs *jobs,
                                             struct ndc_str platform, struct ndc_str kind)
{
    for (size_t i = 0; i < jobs->n_kinds; i++) {
        if (ndc_str_eq_c(kind, jobs->kinds[i].name) &&
            ndc_str_eq_c(platform, jobs->kinds[i].platform)) {
            return &jobs->kinds[i];
        }
    }
    return NULL;
}

void ndc_jobs_wake(struct ndc_jobs *jobs)
{
    ndc_mutex_lock(&jobs->mutex);
    jobs->news++;
    ndc_cond_broadcast(&jobs->wake);
    ndc_cond_broadcast(&jobs->changed);
    ndc_mutex_unlock(&jobs->mutex);
}

/* ---- start and stop ---- */

enum ndc_err ndc_jobs_setup(struct ndc_store *store, struct ndc_fault *fault)
{
    return ndc_migrate(store, "jobs", migrations, NDC_ARRAY_LEN(migrations), fault);
}

enum ndc_err ndc_jobs_start(struct ndc_jobs **out, struct ndc_store *store,
                            const struct ndc_job_kind *kinds, size_t n_kinds,
                            const struct ndc_jobs_options *options,
                            struct ndc_fault *fault)
{
    *out = NULL;
    NDC_ASSERT(n_kinds <= NDC_JOB_KINDS_MAX);
    enum ndc_err err = ndc_jobs_setup(store, fault);
    if (err) return err;
    struct ndc_jobs *jobs = ndc_xcalloc(1, sizeof(*jobs));
    jobs->store = store;
    jobs->kinds = ndc_xcalloc(n_kinds + 1, sizeof(*kinds));
    if (n_kinds) memcpy(jobs->kinds, kinds, n_kinds * sizeof(*kinds));
    jobs->n_kinds = n_kinds;
    if (options) jobs->options = *options;
    struct ndc_jobs_options *o = &jobs->options;
    if (o->threads == 0) o->threads = ndc_cpu_count();
    if (o->progress_ms == 0) o->progress_ms = 250;
    if (o->heartbeat_ms == 0) o->heartbeat_ms = 5000;
    for (size_t i = 0; i < n_kinds; i++) {
        if (jobs->kinds[i].attempts_max == 0) jobs->kinds[i].attempts_max = 5;
    }
    ndc_process_name(jobs->owner);
    ndc_mutex_init(&jobs->pick);
    ndc_mutex_init(&jobs->mutex);
    ndc_cond_init(&jobs->wake);
    ndc_cond_init(&jobs->changed);
    err = ndc_jobs_settle(jobs, fault);
    if (err) {
        ndc_jobs_stop(jobs);
        return err;
    }
    ndc_thread_start(&jobs->monitor, "jobs", ndc_jobs_monitor, jobs);
    jobs->n_threads = NDC_MIN(o->threads, NDC_JOB_THREADS_MAX);
    for (unsigned i = 0; i < jobs->n_threads; i++) {
        ndc_thread_start(&jobs->threads[i], "job", ndc_jobs_worker, jobs);
    }
    *out = jobs;
    return NDC_OK;
}

void ndc_jobs_stop(struct ndc_jobs *jobs)
{
    if (!jobs) return;
    atomic_store(&jobs->stop, true);
    ndc_jobs_wake(jobs);
    for (unsigned i = 0; i < jobs->n_threads; i++)
        ndc_thread_join(&jobs->threads[i]);
    if (jobs->n_threads) {
        ndc_jobs_wake(jobs);
        ndc_thread_join(&jobs->monitor);
    }
    ndc_cond_free(&jobs->changed);
    ndc_cond_free(&jobs->wake);
    ndc_mutex_free(&jobs->mutex);
    ndc_mutex_free(&jobs->pick);
    free(jobs->kinds);
    free(jobs);
}

/* ---- submitting ---- */

/* 48 bits of milliseconds and 80 random ones in Crockford's base 32: sorts by time. Ids
 * of one process always rise, so that a list's order is the order of submitting. */
static void new_id(struct ndc_jobs *jobs, char id[NDC_JOB_ID_LEN + 1])
{
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    uint64_t ms = (uint64_t)ndc_clock_wall_ms(), random[2];
    ndc_random_bytes(random, sizeof(random));
    for (int i = 9; i >= 0; i--, ms >>= 5)
        id[i] = digits[ms & 31];
    for (int i = 10; i < 18; i++)
        id[i] = digits[random[0] >> (5 * (i - 10)) & 31];
    for (int i = 18; i < 26; i++)
        id[i] = digits[random[1] >> (5 * (i - 18)) & 31];
    id[NDC_JOB_ID_LEN] = '\0';
    ndc_mutex_lock(&jobs->mutex);
    if (strcmp(id, jobs->last_id) <= 0) {
        memcpy(id, jobs->last_id, NDC_JOB_ID_LEN);
        int i = NDC_JOB_ID_LEN - 1;
        while (i > 0 && id[i] == 'Z')
            id[i--] = '0';
        id[i] = *(strchr(digits, id[i]) + 1);
    }
    memcpy(jobs->last_id, id, NDC_JOB_ID_LEN + 1);
    ndc_mutex_unlock(&jobs->mutex);
}

struct submit {
    const char *id, *platform, *kind;
    struct ndc_str principal, arguments;
};

static enum ndc_err insert_job(struct ndc_store_conn *conn, void *arg,
                               struct ndc_fault *fault)
{
    struct submit *s = arg;
    return ndc_sql_exec(
        conn,
        "INSERT INTO ndc_job (id, platform, kind, principal, arguments, state, done, "
        "total, unit, phase, created_ms, started_ms, finished_ms, heartbeat_ms, "
        "attempts, "
        "cancel, error_code, error, owner, not_before_ms) VALUES ($1, $2, $3, $4, $5, "
        "'queued', 0, 0, '', '', $6, 0, 0, 0, 0, 0, '', '', '', 0)",
        NDC_ARGS(ndc_textz(s->id), ndc_textz(s->platform), ndc_textz(s->kind),
                 ndc_text(s->principal), ndc_text(s->arguments),
                 ndc_int(ndc_clock_wall_ms())),
        NULL, fault);
}

static void tell_stored(struct ndc_jobs *jobs, struct ndc_str id)
{
    struct ndc_arena arena;
    struct ndc_job_info info;
    struct ndc_fault ignored = {0};
    if (!jobs->options.on_change) return;
    ndc_arena_init(&arena, (size_t)128 << 20);
    if (ndc_job_get(jobs, &arena, id, &info, &ignored) == NDC_OK) {
        jobs->options.on_change(jobs->options.on_change_arg, &info);
    }
    ndc_arena_free(&arena);
}

enum ndc_err ndc_job_submit(struct ndc_jobs *jobs, const char *platform, const char *kind,
                            struct ndc_str principal, struct ndc_str arguments,
                            char id[NDC_JOB_ID_LEN + 1], struct ndc_fault *fault)
{
    id[0] = '\0';
    if (!ndc_job_kind_find(jobs, ndc_str(platform), ndc_str(kind))) {
        return ndc_fail(fault, NDC_ENOTFOUND, "job.unknown_kind",
                        "there is no kind of job %s/%s", platform, kind);
    }
    if (arguments.len > ARGUMENTS_BYTES_MAX) {
        return ndc_fail(fault, NDC_ETOOBIG, "job.arguments",
                        "a job's arguments are at most 4 MiB");
    }
    if (!principal.ptr) principal = NDC_STR("");
    if (!arguments.ptr) arguments = NDC_STR("{}");
    new_id(jobs, id);
    struct submit s = {id, platform, kind, principal, arguments};
    enum ndc_err err = ndc_store_write(jobs->store, insert_job, &s, fault);
    if (err) return err;
    tell_stored(jobs, ndc_str(id));
    ndc_jobs_wake(jobs);
    return NDC_OK;
}

/* ---- canceling ---- */

struct cancel {
    struct ndc_str id;
    bool finished, found, was_queued;
};

static enum ndc_err cancel_job(struct ndc_store_conn *conn, void *arg,
                               struct ndc_fault *fault)
{
    struct cancel *c = arg;
    c->finished = c->found = c->was_queued = false;
    int64_t changes;
    enum ndc_err err = ndc_sql_exec(
        conn,
        "UPDATE ndc_job SET state = 'canceled', cancel = 1, finished_ms = $2 "
        "WHERE id = $1 AND state = 'queued'",
        NDC_ARGS(ndc_text(c->id), ndc_int(ndc_clock_wall_ms())), &changes, fault);
    if (err) return err;
    c->was_queued = c->found = changes > 0;
    if (c->found) return NDC_OK;
    err = ndc_sql_exec(
        conn, "UPDATE ndc_job SET cancel = 1 WHERE id = $1 AND state = 'running'",
        NDC_ARGS(ndc_text(c->id)), &changes, fault);
    if (err) return err;
    c->found = changes > 0;
    if (c->found) return NDC_OK;
    int64_t n;
    err = ndc_sql_i64(conn, &n, "SELECT count(*) FROM ndc_job WHERE id = $1",
                      NDC_ARGS(ndc_text(c->id)), fault);
    c->finished = n > 0;
    return err;
}

static enum ndc_err unknown(struct ndc_str id, struct ndc_fault *fault)
{
    return ndc_fail(fault, NDC_ENOTFOUND, "job.unknown", "there is no job %.*s",
                    (int)NDC_MIN(id.len, 40), id.ptr ? id.ptr : "");
}

enum ndc_err ndc_job_cancel(struct ndc_jobs *jobs, struct ndc_str id,
                            struct ndc_fault *fault)
{
    struct cancel c = {.id = id};
    enum ndc_err err = ndc_store_write(jobs->store, cancel_job, &c, fault);
    if (err) return err;
    if (c.finished) {
        return ndc_fail(fault, NDC_ECONFLICT, "job.finished",
                        "the job has ended already");
    }
    if (!c.found) return unknown(id, fault);
    ndc_mutex_lock(&jobs->mutex);
    for (struct ndc_job *j = jobs->running; j; j = j->next) {
        if (ndc_str_eq(j->info.id, id)) atomic_store(&j->cancel, true);
    }
    if (c.was_queued) ndc_cond_broadcast(&jobs->changed);
    ndc_mutex_unlock(&jobs->mutex);
    tell_stored(jobs, id);
    return NDC_OK;
}

/* ---- asking ---- */

enum ndc_err ndc_job_get(struct ndc_jobs *jobs, struct ndc_arena *arena,
                         struct ndc_str id, struct ndc_job_info *out,
                         struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    enum ndc_err err = ndc_store_take(jobs->store, NDC_READ, &conn, fault);
    if (err) return err;
    struct ndc_rows *rows =
        ndc_sql_query(conn, "SELECT " NDC_JOB_COLUMNS " FROM ndc_job WHERE id = $1",
                      NDC_ARGS(ndc_text(id)));
    bool found = ndc_rows_next(rows);
    if (found) ndc_job_read_row(rows, arena, out);
    err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    return !err && !found ? unknown(id, fault) : err;
}

enum ndc_err ndc_job_list(struct ndc_jobs *jobs, struct ndc_arena *arena,
                          struct ndc_str platform, struct ndc_str before, size_t max,
                          struct ndc_job_info **out, size_t *n, struct ndc_fault *fault)
{
    static const char all[] = "SELECT " NDC_JOB_COLUMNS " FROM ndc_job "
                              "WHERE id < $1 ORDER BY id DESC LIMIT $2";
    static const char of_one[] = "SELECT " NDC_JOB_COLUMNS " FROM ndc_job "
                                 "WHERE id < $1 AND platform = $3 "
                                 "ORDER BY id DESC LIMIT $2";
    max = NDC_MIN(max, (size_t)LIST_MAX);
    *out = NDC_ARENA_ARRAY(arena, struct ndc_job_info, max + 1);
    *n = 0;
    if (!*out || arena->overflow) {
        return ndc_fail(fault, NDC_ETOOBIG, "job.list", "no room for %zu jobs", max);
    }
    struct ndc_store_conn *conn;
    enum ndc_err err = ndc_store_take(jobs->store, NDC_READ, &conn, fault);
    if (err) return err;
    /* "~" comes after every digit of an id */
    struct ndc_val args[3] = {ndc_text(before.len ? before : NDC_STR("~")),
                              ndc_int((int64_t)max), ndc_text(platform)};
    struct ndc_rows *rows =
        ndc_sql_query(conn, platform.len ? of_one : all, args, platform.len ? 3 : 2);
    while (*n < max && ndc_rows_next(rows))
        ndc_job_read_row(rows, arena, &(*out)[(*n)++]);
    err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    return err;
}

static enum ndc_err read_state(struct ndc_jobs *jobs, struct ndc_str id,
                               enum ndc_job_state *state, struct ndc_fault *fault)
{
    struct ndc_arena arena;
    struct ndc_job_info info;
    ndc_arena_init(&arena, (size_t)128 << 20);
    enum ndc_err err = ndc_job_get(jobs, &arena, id, &info, fault);
    if (!err) *state = info.state;
    ndc_arena_free(&arena);
    return err;
}

enum ndc_err ndc_job_wait(struct ndc_jobs *jobs, struct ndc_str id, int64_t timeout_ms,
                          enum ndc_job_state *state, struct ndc_fault *fault)
{
    int64_t end = ndc_clock_mono_ns() + timeout_ms * 1000000;
    for (;;) {
        enum ndc_err err = read_state(jobs, id, state, fault);
        if (err) return err;
        if (*state != NDC_JOB_QUEUED && *state != NDC_JOB_RUNNING) return NDC_OK;
        int64_t left = (end - ndc_clock_mono_ns()) / 1000000;
        if (left <= 0) {
            return ndc_fail(fault, NDC_EBUSY, "job.not_yet", "the job has not ended yet");
        }
        /* it may end between the look and the wait, or in another process: look again */
        ndc_mutex_lock(&jobs->mutex);
        (void)ndc_cond_wait_ms(&jobs->changed, &jobs->mutex, NDC_MIN(left, 50));
        ndc_mutex_unlock(&jobs->mutex);
    }
}

/* ---- for the job's function ---- */

void ndc_job_progress(struct ndc_job *job, int64_t done, int64_t total, const char *unit,
                      const char *phase)
{
    atomic_store_explicit(&job->done, done, memory_order_relaxed);
    atomic_store_explicit(&job->total, total, memory_order_relaxed);
    if (unit) atomic_store_explicit(&job->unit, unit, memory_order_relaxed);
    if (phase) atomic_store_explicit(&job->phase, phase, memory_order_relaxed);
    /* the monitor reads it at its own pace: no clock, no lock here */
    if (!atomic_load_explicit(&job->dirty, memory_order_relaxed)) {
        atomic_store_explicit(&job->dirty, true, memory_order_release);
    }
}

bool ndc_job_canceled(struct ndc_job *job)
{
    return atomic_load_explicit(&job->cancel, memory_order_relaxed) ||
           atomic_load_explicit(&job->jobs->stop, memory_order_relaxed);
}

enum ndc_err ndc_job_checkpoint_in(struct ndc_job *job, struct ndc_store_conn *conn,
                                   struct ndc_str blob, struct ndc_fault *fault)
{
    return ndc_sql_exec(
        conn, "UPDATE ndc_job SET checkpoint = $2 WHERE id = $1",
        NDC_ARGS(ndc_text(job->info.id), ndc_blob(blob.ptr ? blob : NDC_STR(""))), NULL,
        fault);
}

struct checkpoint {
    struct ndc_job *job;
    struct ndc_str blob;
};

static enum ndc_err write_checkpoint(struct ndc_store_conn *conn, void *arg,
                                     struct ndc_fault *fault)
{
    struct checkpoint *c = arg;
    return ndc_job_checkpoint_in(c->job, conn, c->blob, fault);
}

enum ndc_err ndc_job_checkpoint(struct ndc_job *job, struct ndc_str blob,
                                struct ndc_fault *fault)
{
    struct checkpoint c = {job, blob};
    return ndc_store_write(job->jobs->store, write_checkpoint, &c, fault);
}

struct ndc_str ndc_job_resume_from(const struct ndc_job *job)
{
    return job->checkpoint;
}

struct ndc_str ndc_job_arguments(const struct ndc_job *job)
{
    return job->info.arguments;
}

struct ndc_str ndc_job_id(const struct ndc_job *job)
{
    return job->info.id;
}

struct ndc_str ndc_job_principal(const struct ndc_job *job)
{
    return job->info.principal;
}

struct ndc_store *ndc_job_store(const struct ndc_job *job)
{
    return job->jobs->store;
}

void ndc_job_set_result(struct ndc_job *job, struct ndc_str json)
{
    ndc_mutex_lock(&job->result_mutex);
    ndc_buf_reset(&job->result);
    ndc_buf_add_str(&job->result, json);
    ndc_mutex_unlock(&job->result_mutex);
}

/* Persistent jobs: long work that is shown, canceled and resumed. A job is a row in
 * ndc_job; a pool of threads runs them; after a crash the resumable kinds go on from
 * their last checkpoint and the others are marked failed with the reason. */
#ifndef NDC_CORE_JOBS_H
#define NDC_CORE_JOBS_H

#include "base/arena.h"
#include "store/store.h"

struct ndc_jobs;
struct ndc_job; /* a running job, as its function sees it */

enum ndc_job_state {
    NDC_JOB_QUEUED,
    NDC_JOB_RUNNING,
    NDC_JOB_SUCCEEDED,
    NDC_JOB_FAILED,
    NDC_JOB_CANCELED
};

/* A kind of job. `run` works, tells progress, saves checkpoints, looks at
 * ndc_job_canceled often, and may set a result. Its error and fault become the job's. */
struct ndc_job_kind {
    const char *platform, *name; /* "registry", "ingest" */
    bool resumable;              /* run again after a crash, with its checkpoint */
    unsigned attempts_max;       /* runs begun, crashes included [5] */
    unsigned at_once_max;        /* of this kind together [no limit but the pool] */
    enum ndc_err (*run)(struct ndc_job *job, void *arg, struct ndc_fault *fault);
    void *arg;
};

/* A job as stored; strings live in the arena they were read into. */
struct ndc_job_info {
    struct ndc_str id, platform, kind, principal;
    struct ndc_str arguments, result; /* JSON; result may be empty */
    enum ndc_job_state state;
    int64_t done, total;                                       /* total 0: not known */
    struct ndc_str unit, phase;                                /* "rows", "validate" */
    int64_t created_ms, started_ms, finished_ms, heartbeat_ms; /* 0: not yet */
    unsigned attempts;
    bool cancel_requested;
    struct ndc_str error_code, error; /* of a failed job */
};

struct ndc_jobs_options {
    unsigned threads;      /* [processors] */
    unsigned progress_ms;  /* progress is stored and told at most this often [250] */
    unsigned heartbeat_ms; /* [5000] */
    /* Told of every change of state and of progress (for server-sent events), on a thread
     * of the pool. Must be short and must not call the functions of this header. */
    void (*on_change)(void *arg, const struct ndc_job_info *job);
    void *on_change_arg;
};

/* Creates the table only, for who asks about jobs where none run. */
enum ndc_err ndc_jobs_setup(struct ndc_store *store,
                            struct ndc_fault *fault) NDC_MUST_USE;
/* Creates the table, settles what processes that have ended left running, starts the
 * threads. Several processes may run jobs of one store: each settles only what belongs to
 * a process that it sees has ended, or whose heartbeat stopped. The kinds are copied,
 * their strings not. A resumable job that meets a busy or absent database (NDC_EBUSY,
 * db.gone) is queued again by itself. */
enum ndc_err ndc_jobs_start(struct ndc_jobs **jobs, struct ndc_store *store,
                            const struct ndc_job_kind *kinds, size_t n_kinds,
                            const struct ndc_jobs_options *options,
                            struct ndc_fault *fault) NDC_MUST_USE;
/* Asks running jobs to stop and joins. Resumable ones that return NDC_ECANCELED without
 * having been canceled are queued again and go on at the next start. */
void ndc_jobs_stop(struct ndc_jobs *jobs);

enum { NDC_JOB_ID_LEN = 26 };

/* Queues a job; `arguments` is JSON. id receives 26 characters and a 0. Faults:
 * job.unknown_kind. */
enum ndc_err ndc_job_submit(struct ndc_jobs *jobs, const char *platform, const char *kind,
                            struct ndc_str principal, struct ndc_str arguments,
                            char id[NDC_JOB_ID_LEN + 1],
                            struct ndc_fault *fault) NDC_MUST_USE;
/* Marks it; a queued one is canceled at once, a running one when it looks. Faults:
 * job.unknown (404), job.finished (409). */
enum ndc_err ndc_job_cancel(struct ndc_jobs *jobs, struct ndc_str id,
                            struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_job_get(struct ndc_jobs *jobs, struct ndc_arena *arena,
                         struct ndc_str id, struct ndc_job_info *out,
                         struct ndc_fault *fault) NDC_MUST_USE;
/* Newest first, at most `max` (<= 1000), of a platform (empty: all), older than the job
 * `before` (empty: from the newest). */
enum ndc_err ndc_job_list(struct ndc_jobs *jobs, struct ndc_arena *arena,
                          struct ndc_str platform, struct ndc_str before, size_t max,
                          struct ndc_job_info **out, size_t *n,
                          struct ndc_fault *fault) NDC_MUST_USE;
/* Waits until the job has ended or the time is over (NDC_EBUSY). */
enum ndc_err ndc_job_wait(struct ndc_jobs *jobs, struct ndc_str id, int64_t timeout_ms,
                          enum ndc_job_state *state,
                          struct ndc_fault *fault) NDC_MUST_USE;
const char *ndc_job_state_name(enum ndc_job_state state);

/* For the job's function; any thread of the job may call these four. */
/* Cheap (a few nanoseconds when throttled). unit and phase are literals, or NULL to keep.
 */
void ndc_job_progress(struct ndc_job *job, int64_t done, int64_t total, const char *unit,
                      const char *phase);
bool ndc_job_canceled(struct ndc_job *job);
/* Stores where to go on, at once and durably. Or in your own transaction, so that the
 * checkpoint and the work are one: ndc_job_checkpoint_in (the only way while you hold the
 * NDC_WRITE connection of a SQLite store in a transaction). */
enum ndc_err ndc_job_checkpoint(struct ndc_job *job, struct ndc_str blob,
                                struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_job_checkpoint_in(struct ndc_job *job, struct ndc_store_conn *conn,
                                   struct ndc_str blob,
                                   struct ndc_fault *fault) NDC_MUST_USE;
/* What the last checkpoint stored; empty at the first run. */
struct ndc_str ndc_job_resume_from(const struct ndc_job *job);
struct ndc_str ndc_job_arguments(const struct ndc_job *job);
struct ndc_str ndc_job_id(const struct ndc_job *job);
struct ndc_str ndc_job_principal(const struct ndc_job *job);
struct ndc_store *ndc_job_store(const struct ndc_job *job);
/* JSON; copied. */
void ndc_job_set_result(struct ndc_job *job, struct ndc_str json);

#endif

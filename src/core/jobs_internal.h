/* Shared by jobs.c (the calls) and jobs_run.c (the threads). */
#ifndef NDC_CORE_JOBS_INTERNAL_H
#define NDC_CORE_JOBS_INTERNAL_H

#include "base/buf.h"
#include "core/jobs.h"
#include "store/writer.h"
#include "sys/procname.h"
#include "sys/thread.h"

#include <stdatomic.h>

enum { NDC_JOB_KINDS_MAX = 256, NDC_JOB_THREADS_MAX = 64 };

struct ndc_job {
    struct ndc_jobs *jobs;
    struct ndc_job *next; /* of the running ones */
    const struct ndc_job_kind *kind;
    struct ndc_arena arena;
    struct ndc_job_info info; /* as it was claimed */
    struct ndc_str checkpoint;
    atomic_llong done, total;
    _Atomic(const char *) unit, phase;
    atomic_bool dirty; /* progress not yet told */
    atomic_bool cancel;
    struct ndc_mutex result_mutex; /* guards result; a leaf lock */
    struct ndc_buf result;
};

struct ndc_jobs {
    struct ndc_store *store;
    struct ndc_job_kind *kinds;
    size_t n_kinds;
    struct ndc_jobs_options options;
    char owner[NDC_PROCESS_NAME_MAX];
    struct ndc_mutex pick;   /* one thread at a time picks; before mutex */
    struct ndc_mutex mutex;  /* guards what follows; never held over the database */
    struct ndc_cond wake;    /* there may be work */
    struct ndc_cond changed; /* a job has ended */
    struct ndc_job *running;
    unsigned news; /* counts reasons to look for work */
    atomic_bool stop;
    bool saving; /* a progress write is on its way */
    bool idle;   /* the monitor found nothing running and looks less often */
    unsigned n_threads;
    struct ndc_thread threads[NDC_JOB_THREADS_MAX];
    struct ndc_thread monitor;
    char last_id[NDC_JOB_ID_LEN + 1];
};

/* The columns that ndc_job_read_row expects. */
#define NDC_JOB_COLUMNS                                                            \
    "id, platform, kind, principal, arguments, result, state, done, total, unit, " \
    "phase, created_ms, started_ms, finished_ms, heartbeat_ms, attempts, cancel, " \
    "error_code, error"

/* jobs.c */
void ndc_job_read_row(struct ndc_rows *rows, struct ndc_arena *arena,
                      struct ndc_job_info *out);
const struct ndc_job_kind *ndc_job_kind_find(const struct ndc_jobs *jobs,
                                             struct ndc_str platform,
                                             struct ndc_str kind);
void ndc_jobs_wake(struct ndc_jobs *jobs);
/* jobs_run.c */
/* Settles what processes that have ended left running. */
enum ndc_err ndc_jobs_settle(struct ndc_jobs *jobs, struct ndc_fault *fault) NDC_MUST_USE;
void ndc_jobs_worker(void *arg);
void ndc_jobs_monitor(void *arg);

#endif

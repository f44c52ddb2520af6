/* What following does to the registry: rows to the live intake, the snapshot to a load
 * and an integration, by a job where there are jobs. */
#include "platforms/registry/capture/capture.h"

#include "platforms/registry/serve/http.h"
#include "sys/clock.h"

enum { WAIT_MS = 500 };

static enum ndc_err take(void *arg, const struct ndc_live_rows *rows,
                         struct ndc_live_result *result, struct ndc_fault *fault)
{
    return ndc_registry_live(arg, rows, result, fault);
}

static enum ndc_err position(void *arg, struct ndc_arena *arena, struct ndc_str source,
                             struct ndc_str *out, struct ndc_fault *fault)
{
    return ndc_registry_live_position(arg, arena, source, out, fault);
}

struct canceling {
    bool (*ended)(void *arg);
    void *arg;
};

static bool canceled(void *arg)
{
    const struct canceling *c = arg;
    return c->ended(c->arg);
}

static void tell(void *arg, const char *phase, uint64_t done, uint64_t total,
                 const char *unit)
{
    (void)arg, (void)phase, (void)done, (void)total, (void)unit;
}

static enum ndc_err ended_early(struct ndc_fault *fault)
{
    return ndc_fail(fault, NDC_ECANCELED, "capture.ended",
                    "following was ended before the table was loaded");
}

/* The job goes on if following ends before it: its run ends as any load does. */
static enum ndc_err by_job(struct ndc_registry *reg, int64_t run, struct canceling *c,
                           struct ndc_fault *fault)
{
    char id[NDC_JOB_ID_LEN + 1];
    enum ndc_job_state state;
    enum ndc_err err =
        ndc_registry_submit(reg, NDC_STR("platform:registry"), &run, 1, id, fault);
    while (!err) {
        struct ndc_fault why = {0};
        err = ndc_job_wait(ndc_app_jobs(reg->app), ndc_str(id), WAIT_MS, &state, &why);
        if (!err) return NDC_OK;
        if (err == NDC_EBUSY)
            err = canceled(c) ? ended_early(fault) : NDC_OK;
        else if (fault)
            *fault = why;
    }
    return err;
}

/* Whether the run was loaded and integrated; if not, why. */
static enum ndc_err check_run(struct ndc_registry *reg, int64_t run,
                              struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    enum ndc_err err = ndc_store_take(reg->store, NDC_READ, &conn, fault);
    if (err) return err;
    struct ndc_rows *rows =
        ndc_sql_query(conn, "SELECT state, error FROM registry_run WHERE run = $1",
                      NDC_ARGS(ndc_int(run)));
    if (ndc_rows_next(rows) && !ndc_str_eq(ndc_rows_text(rows, 0), NDC_STR("succeeded")))
        err =
            ndc_fail(fault, NDC_EIO, "source.snapshot", "the table was not loaded: %.*s",
                     NDC_STR_FMT(ndc_rows_text(rows, 1)));
    enum ndc_err err2 = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    return err ? err : err2;
}

static enum ndc_err snapshot(void *arg, struct ndc_str source, const char *path,
                             bool (*ended)(void *ended_arg), void *ended_arg,
                             int64_t *run, struct ndc_fault *fault)
{
    struct ndc_registry *reg = arg;
    struct canceling c = {ended, ended_arg};
    struct ndc_build_stats stats;
    const struct ndc_progress progress = {.arg = &c, .tell = tell, .canceled = canceled};
    enum ndc_err err = ndc_registry_queue_run(reg, source, ndc_str(path), run, fault);
    if (err) return err;
    err = reg->app && ndc_app_jobs(reg->app)
              ? by_job(reg, *run, &c, fault)
              : ndc_registry_integrate(reg, run, 1, &progress, &stats, fault);
    return err ? err : check_run(reg, *run, fault);
}

struct ndc_capture_hooks ndc_capture_hooks_of(struct ndc_registry *registry)
{
    return (struct ndc_capture_hooks){registry, take, position, snapshot};
}

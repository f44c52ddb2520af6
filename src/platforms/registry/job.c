/* Integration as a job: shown, canceled, resumed. Its arguments name the runs; those that
 * are loaded already are passed over, so a resumed job goes on where the crash was. */
#include "platforms/registry/job.h"

#include "platforms/registry/demo/demo.h"
#include "platforms/registry/live/live.h"
#include "platforms/registry/registry_platform.h"
#include "store/writer.h"
#include "sys/bar.h"
#include "sys/log.h"

enum { RUNS_MAX = NDC_REGISTRY_SOURCES_MAX, ARGUMENTS_MAX = 1 << 16 };

static void tell(void *arg, const char *phase, uint64_t done, uint64_t total,
                 const char *unit)
{
    ndc_job_progress(arg, (int64_t)done, (int64_t)total, unit, phase);
}

static bool canceled(void *arg)
{
    return ndc_job_canceled(arg);
}

static void set_result(struct ndc_job *job, const struct ndc_build_stats *s)
{
    struct ndc_buf buf;
    struct ndc_json j;
    ndc_buf_init(&buf, 1 << 16);
    ndc_json_init(&j, &buf);
    ndc_json_object(&j);
    ndc_json_kv_u64(&j, "records", s->records);
    ndc_json_kv_u64(&j, "people", s->people);
    ndc_json_kv_u64(&j, "organisations", s->organisations);
    ndc_json_kv_f64(&j, "seconds_link", s->seconds_link);
    ndc_json_kv_f64(&j, "seconds_entities", s->seconds_entities);
    ndc_json_end(&j);
    ndc_job_set_result(job, ndc_buf_str(&buf));
    ndc_buf_free(&buf);
}

struct job_runs {
    struct ndc_str job;
    const int64_t *runs;
    size_t n;
};

static enum ndc_err write_job(struct ndc_store_conn *conn, void *arg,
                              struct ndc_fault *fault)
{
    const struct job_runs *r = arg;
    enum ndc_err err = NDC_OK;
    for (size_t i = 0; i < r->n && !err; i++)
        err = ndc_sql_exec(conn, "UPDATE registry_run SET job = $2 WHERE run = $1",
                           NDC_ARGS(ndc_int(r->runs[i]), ndc_text(r->job)), NULL, fault);
    return err;
}

/* Each run names the job that works on it, so that its page can show the progress. */
static enum ndc_err name_job(struct ndc_registry *reg, struct ndc_job *job,
                             const int64_t *runs, size_t n, struct ndc_fault *fault)
{
    struct job_runs r = {ndc_job_id(job), runs, n};
    return n ? ndc_store_write(reg->store, write_job, &r, fault) : NDC_OK;
}

/* What is integrated is served; that the next change waits for this is no failure. */
static void prepare_live(struct ndc_registry *reg)
{
    struct ndc_fault fault = {0};
    if (ndc_live_prepare(reg->live, &fault))
        ndc_log(NDC_LOG_WARN, "registry", "live changes: %s", fault.message);
}

static enum ndc_err run_integrate(struct ndc_job *job, void *arg, struct ndc_fault *fault)
{
    struct ndc_registry *reg = arg;
    struct json_object *arguments;
    struct ndc_build_stats stats;
    int64_t runs[RUNS_MAX];
    size_t n = 0;
    const struct ndc_progress progress = {.arg = job, .tell = tell, .canceled = canceled};
    enum ndc_err err = ndc_json_parse(&arguments, ndc_job_arguments(job), fault);
    if (err) return err;
    struct json_object *list = ndc_json_get(arguments, "runs");
    for (size_t i = 0; list && i < json_object_array_length(list) && n < RUNS_MAX; i++)
        runs[n++] = json_object_get_int64(json_object_array_get_idx(list, i));
    json_object_put(arguments);
    err = name_job(reg, job, runs, n, fault);
    if (!err) err = ndc_registry_integrate(reg, runs, n, &progress, &stats, fault);
    if (!err) prepare_live(reg);
    if (!err) {
        set_result(job, &stats);
        ndc_log(NDC_LOG_INFO, "registry",
                "integrated %llu records into %llu people and %llu organisations",
                (unsigned long long)stats.records, (unsigned long long)stats.people,
                (unsigned long long)stats.organisations);
    }
    return err;
}

/* ---- the demo nation ---- */

/* The first start is watched on the terminal too, not only in the console. */
struct demo_watch {
    struct ndc_job *job;
    struct ndc_bar bar;
};

static bool demo_progress(void *ctx, uint64_t done, uint64_t people)
{
    struct demo_watch *w = ctx;
    ndc_job_progress(w->job, (int64_t)done, (int64_t)people, "people", "demo");
    ndc_bar_draw(&w->bar, "people", done, people);
    return !ndc_job_canceled(w->job);
}

static void demo_tell(void *arg, const char *phase, uint64_t done, uint64_t total,
                      const char *unit)
{
    struct demo_watch *w = arg;
    tell(w->job, phase, done, total, unit);
    ndc_bar_whole(&w->bar, phase, done, total);
}

static bool demo_canceled(void *arg)
{
    return ndc_job_canceled(((struct demo_watch *)arg)->job);
}

/* Makes the files anew after a crash (they are the same), declares, integrates. */
static enum ndc_err run_demo(struct ndc_job *job, void *arg, struct ndc_fault *fault)
{
    struct ndc_registry *reg = arg;
    struct json_object *arguments;
    struct ndc_demo_stats made;
    struct ndc_build_stats stats;
    int64_t runs[RUNS_MAX];
    size_t n = 0, more = 0;
    struct demo_watch watch = {.job = job};
    const struct ndc_progress progress = {
        .arg = &watch, .tell = demo_tell, .canceled = demo_canceled};
    enum ndc_err err = ndc_json_parse(&arguments, ndc_job_arguments(job), fault);
    if (err) return err;
    struct ndc_demo_config config = {
        .people = (uint64_t)ndc_json_get_i64(arguments, "people", 100000),
        .seed = (uint64_t)ndc_json_get_i64(arguments, "seed", 1),
        .deltas = true,
        .things = true};
    json_object_put(arguments);
    const char *folder = ndc_app_path(reg->app, "demo");
    ndc_bar_begin(&watch.bar);
    err = ndc_demo_write(&made, &config, folder, demo_progress, &watch, fault);
    if (!err) err = ndc_registry_declare_folder(reg, folder, runs, RUNS_MAX, &n, fault);
    if (!err)
        err = ndc_registry_declare_folder(reg, ndc_app_path(reg->app, "demo/things"),
                                          runs + n, RUNS_MAX - n, &more, fault);
    n += more;
    if (!err) err = name_job(reg, job, runs, n, fault);
    if (!err) err = ndc_registry_integrate(reg, runs, n, &progress, &stats, fault);
    if (!err) prepare_live(reg);
    ndc_bar_end(&watch.bar);
    if (!err) {
        set_result(job, &stats);
        ndc_log(NDC_LOG_INFO, "registry",
                "the demo nation is integrated: %llu records, %llu people, %llu "
                "organisations",
                (unsigned long long)stats.records, (unsigned long long)stats.people,
                (unsigned long long)stats.organisations);
    }
    return err;
}

/* One at a time: builds replace the same tables. */
const struct ndc_job_kind ndc_registry_jobs[NDC_REGISTRY_JOBS] = {
    {.platform = "registry",
     .name = "integrate",
     .resumable = true,
     .at_once_max = 1,
     .run = run_integrate},
    {.platform = "registry",
     .name = "demo",
     .resumable = true,
     .at_once_max = 1,
     .run = run_demo},
};

/* Whether an integration waits to begin: it will see what has been written by now (a
 * decision, a corrected row), so a second one would find nothing to do. */
static bool will_build(struct ndc_registry *reg, struct ndc_jobs *jobs,
                       char id[NDC_JOB_ID_LEN + 1])
{
    struct ndc_arena arena;
    struct ndc_job_info info;
    struct ndc_fault ignored = {0};
    ndc_mutex_lock(&reg->job_lock);
    memcpy(id, reg->job, NDC_JOB_ID_LEN + 1);
    ndc_mutex_unlock(&reg->job_lock);
    if (!id[0]) return false;
    ndc_arena_init(&arena, 1 << 20);
    bool waits = ndc_job_get(jobs, &arena, ndc_str(id), &info, &ignored) == NDC_OK &&
                 info.state == NDC_JOB_QUEUED;
    ndc_arena_free(&arena);
    return waits;
}

enum ndc_err ndc_registry_submit(struct ndc_registry *reg, struct ndc_str principal,
                                 const int64_t *runs, size_t n,
                                 char id[NDC_JOB_ID_LEN + 1], struct ndc_fault *fault)
{
    struct ndc_jobs *jobs = reg->app ? ndc_app_jobs(reg->app) : NULL;
    struct ndc_buf buf;
    struct ndc_json j;
    if (!jobs)
        return ndc_fail(fault, NDC_EBUSY, "registry.no_jobs",
                        "jobs do not run here; start \"ndc serve\"");
    if (n == 0 && will_build(reg, jobs, id)) return NDC_OK;
    ndc_buf_init(&buf, ARGUMENTS_MAX);
    ndc_json_init(&j, &buf);
    ndc_json_object(&j);
    ndc_json_key(&j, "runs");
    ndc_json_array(&j);
    for (size_t i = 0; i < n; i++)
        ndc_json_i64(&j, runs[i]);
    ndc_json_end(&j);
    ndc_json_end(&j);
    enum ndc_err err = ndc_job_submit(jobs, "registry", "integrate", principal,
                                      ndc_buf_str(&buf), id, fault);
    ndc_buf_free(&buf);
    if (!err) {
        ndc_mutex_lock(&reg->job_lock);
        memcpy(reg->job, id, NDC_JOB_ID_LEN + 1);
        ndc_mutex_unlock(&reg->job_lock);
    }
    return err;
}

enum ndc_err ndc_registry_submit_demo(struct ndc_registry *reg, uint64_t people,
                                      uint64_t seed, char id[NDC_JOB_ID_LEN + 1],
                                      struct ndc_fault *fault)
{
    struct ndc_arena arena;
    ndc_arena_init(&arena, 4096);
    struct ndc_str arguments =
        ndc_arena_printf(&arena, "{\"people\":%llu,\"seed\":%llu}",
                         (unsigned long long)people, (unsigned long long)seed);
    enum ndc_err err = ndc_job_submit(ndc_app_jobs(reg->app), "registry", "demo",
                                      NDC_STR("platform:registry"), arguments, id, fault);
    ndc_arena_free(&arena);
    if (!err) {
        ndc_mutex_lock(&reg->job_lock);
        memcpy(reg->job, id, NDC_JOB_ID_LEN + 1);
        ndc_mutex_unlock(&reg->job_lock);
    }
    return err;
}

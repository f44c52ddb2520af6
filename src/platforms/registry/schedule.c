/* Scheduled loads: a thread that wakes each minute and queues what is due. A source whose
 * last run is still under way is left for its next time. */
#include "platforms/registry/schedule.h"
#include "platforms/registry/live/live.h"

#include "base/cron.h"
#include "core/config.h"
#include "platforms/registry/change/change.h"
#include "platforms/registry/load/load.h"
#include "platforms/registry/load/push.h"
#include "platforms/registry/load/settle.h"
#include "platforms/registry/serve/http.h"
#include "sys/clock.h"
#include "sys/log.h"

#include <time.h>

struct ndc_schedule {
    struct ndc_registry *registry;
    struct ndc_thread thread;
    struct ndc_mutex lock; /* guards stop */
    struct ndc_cond changed;
    bool stop;
};

static bool is_due(const struct ndc_source *s, int64_t now_ms)
{
    struct ndc_cron cron;
    struct tm t;
    time_t seconds = (time_t)(now_ms / 1000);
    if (s->schedule.len == 0 || s->connector == NDC_CONNECT_PUSH) return false;
    if (!ndc_cron_parse(&cron, s->schedule) || !localtime_r(&seconds, &t)) return false;
    return ndc_cron_matches(&cron, t.tm_min, t.tm_hour, t.tm_mday, t.tm_mon + 1,
                            t.tm_wday);
}

static bool is_busy(struct ndc_registry *reg, struct ndc_str source)
{
    struct ndc_store_conn *conn;
    struct ndc_fault fault = {0};
    int64_t n = 0;
    if (ndc_store_take(reg->store, NDC_READ, &conn, &fault)) return true;
    enum ndc_err err =
        ndc_sql_i64(conn, &n,
                    "SELECT count(*) FROM registry_run WHERE source = $1 AND "
                    "state IN ('queued', 'loading', 'loaded')",
                    NDC_ARGS(ndc_text(source)), &fault);
    ndc_store_give(conn);
    return err || n > 0;
}

/* A run that no job can be made for must not look busy for ever. */
static void give_up(struct ndc_registry *reg, const int64_t *runs, size_t n,
                    const char *why)
{
    for (size_t i = 0; i < n; i++) {
        struct ndc_fault ignored = {0};
        if (ndc_load_mark(reg, runs[i], "failed", why, &ignored)) {
            /* The next tick settles it. */
        }
    }
}

size_t ndc_schedule_tick(struct ndc_registry *reg, int64_t now_ms)
{
    int64_t runs[NDC_REGISTRY_SOURCES_MAX], unbuilt;
    size_t n = 0;
    struct ndc_fault fault = {0};
    char job[NDC_JOB_ID_LEN + 1];
    enum ndc_err err = ndc_registry_settle_runs(
        reg, reg->app ? ndc_app_store(reg->app) : NULL, &unbuilt, &fault);
    for (uint32_t i = 1; i <= NDC_REGISTRY_SOURCES_MAX && !err; i++) {
        struct ndc_registered *r = ndc_registry_by_number(reg, i);
        if (!r || !is_due(r->source, now_ms) || is_busy(reg, r->source->id)) continue;
        err = ndc_registry_queue_run(reg, r->source->id, NDC_STR_NULL, &runs[n], &fault);
        if (!err) n++;
    }
    if (err) ndc_log(NDC_LOG_ERROR, "registry", "scheduled loads: %s", fault.message);
    if (n == 0) return 0;
    fault = (struct ndc_fault){0};
    if (ndc_registry_submit(reg, NDC_STR("platform:registry"), runs, n, job, &fault)) {
        ndc_log(NDC_LOG_ERROR, "registry", "scheduled loads: %s", fault.message);
        give_up(reg, runs, n, fault.message);
        return 0;
    }
    ndc_log(NDC_LOG_INFO, "registry", "%zu scheduled sources queued as job %s", n, job);
    return n;
}

/* Deletes what is older than a setting says; 0: nothing is. */
static void forget(struct ndc_registry *reg, int64_t now_ms, const char *setting,
                   const char *what,
                   enum ndc_err (*purge)(struct ndc_store *store, int64_t before_ms,
                                         int64_t *deleted, struct ndc_fault *fault))
{
    struct ndc_fault fault = {0};
    int64_t deleted = 0;
    int64_t keep_ms = reg->app ? ndc_config_int(ndc_app_config(reg->app), setting) : 0;
    if (keep_ms == 0) return;
    if (purge(reg->store, now_ms - keep_ms, &deleted, &fault))
        ndc_log(NDC_LOG_ERROR, "registry", "old %s: %s", what, fault.message);
    else if (deleted)
        ndc_log(NDC_LOG_INFO, "registry", "%lld old %s forgotten", (long long)deleted,
                what);
}

/* What has come live is taken over by a build before its numbers fill the memory. */
static void take_over_live(struct ndc_registry *reg)
{
    struct ndc_fault fault = {0};
    char job[NDC_JOB_ID_LEN + 1];
    if (!ndc_live_is_full(reg->live)) return;
    if (ndc_registry_submit(reg, NDC_STR("platform:registry"), NULL, 0, job, &fault))
        ndc_log(NDC_LOG_ERROR, "registry", "live changes: %s", fault.message);
}

/* After a start and after each build. */
static void prepare_live(struct ndc_registry *reg)
{
    struct ndc_fault fault = {0};
    if (ndc_live_prepare(reg->live, &fault))
        ndc_log(NDC_LOG_ERROR, "registry", "live changes: %s", fault.message);
}

static void run_schedule(void *arg)
{
    struct ndc_schedule *s = arg;
    int64_t minute = ndc_clock_wall_ms() / 60000;
    prepare_live(s->registry);
    ndc_mutex_lock(&s->lock);
    while (!s->stop) {
        int64_t now_ms = ndc_clock_wall_ms();
        if (now_ms / 60000 != minute) {
            minute = now_ms / 60000;
            ndc_mutex_unlock(&s->lock);
            ndc_schedule_tick(s->registry, now_ms);
            forget(s->registry, now_ms, "change_keep", "changes", ndc_change_purge);
            forget(s->registry, now_ms, "push_keep", "answers to pushes",
                   ndc_push_forget);
            take_over_live(s->registry);
            prepare_live(s->registry);
            ndc_mutex_lock(&s->lock);
            continue;
        }
        if (ndc_cond_wait_ms(&s->changed, &s->lock, 60000 - now_ms % 60000)) continue;
    }
    ndc_mutex_unlock(&s->lock);
}

struct ndc_schedule *ndc_schedule_start(struct ndc_registry *registry)
{
    struct ndc_schedule *s = ndc_xcalloc(1, sizeof(*s));
    s->registry = registry;
    ndc_mutex_init(&s->lock);
    ndc_cond_init(&s->changed);
    ndc_thread_start(&s->thread, "ndc-schedule", run_schedule, s);
    return s;
}

void ndc_schedule_stop(struct ndc_schedule *s)
{
    if (!s) return;
    ndc_mutex_lock(&s->lock);
    s->stop = true;
    ndc_cond_broadcast(&s->changed);
    ndc_mutex_unlock(&s->lock);
    ndc_thread_join(&s->thread);
    ndc_mutex_free(&s->lock);
    ndc_cond_free(&s->changed);
    free(s);
}

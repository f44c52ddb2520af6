/* The platform `registry`: the national integrated database. */
#include "platforms/registry/registry_platform.h"

#include "core/config.h"
#include "core/platform.h"
#include "platforms/registry/capture/capture.h"
#include "platforms/registry/change/hub.h"
#include "platforms/registry/demo/demo.h"
#include "platforms/registry/job.h"
#include "platforms/registry/live/live.h"
#include "platforms/registry/load/settle.h"
#include "platforms/registry/schedule.h"
#include "platforms/registry/serve/changes.h"
#include "platforms/registry/serve/http.h"
#include "platforms/registry/serve/people.h"
#include "platforms/registry/shard/shard.h"
#include "sys/file.h"

#include <stdio.h>

static enum ndc_err open_store(struct ndc_app *app, struct ndc_store **store, bool *own,
                               struct ndc_fault *fault)
{
    char url[4096 + 16];
    *own = false;
    *store = ndc_app_store(app);
    if (ndc_store_kind(*store) != NDC_SQLITE) return NDC_OK;
    /* A file of its own: a load of millions of rows holds up nobody's sign-in. */
    snprintf(url, sizeof(url), "sqlite:%s", ndc_app_path(app, "registry.db"));
    *own = true;
    return ndc_registry_open_store(store, url, fault);
}

enum ndc_err ndc_registry_start(struct ndc_app *app, struct ndc_registry **out,
                                struct ndc_fault *fault)
{
    struct ndc_store *store;
    bool own;
    enum ndc_err err = open_store(app, &store, &own, fault);
    if (err) return err;
    err = ndc_registry_open(out, store, ndc_app_path(app, "stage"), 0, fault);
    if (err) {
        if (own) ndc_store_close(store);
        return err;
    }
    (*out)->app = app;
    (*out)->own_store = own;
    int64_t link_bytes = ndc_config_int(ndc_app_config(app), "link_memory");
    if (link_bytes) (*out)->link_bytes = (uint64_t)link_bytes;
    (*out)->import_dir = ndc_app_path(app, "import");
    err = ndc_file_mkdirs((*out)->import_dir, fault);
    if (!err)
        err = ndc_registry_settle_runs(*out, ndc_app_store(app), &(*out)->unbuilt, fault);
    return err;
}

/* On the feed's thread, after new changes. */
static void changes_came(void *arg)
{
    struct ndc_registry *reg = arg;
    ndc_webhook_wake(reg->app, ndc_change_webhook_source.name);
    ndc_live_follow(reg->live);
}

static enum ndc_err start(struct ndc_app *app, void **state, struct ndc_fault *fault)
{
    struct ndc_registry *reg = NULL;
    enum ndc_err err = ndc_registry_start(app, &reg, fault);
    *state = reg;
    if (err) return err;
    ndc_change_webhook_source.arg = reg;
    ndc_webhook_offer(app, &ndc_change_webhook_source);
    ndc_shards_measure(reg->shards, ndc_app_metrics(app));
    reg->hub = ndc_change_hub_new(reg->store, changes_came, reg);
    ndc_people_register(&ndc_registry_people, reg);
    return err;
}

/* The demo nation is made at the first start only: when nothing is declared yet. */
static enum ndc_err started(struct ndc_app *app, void *state, struct ndc_fault *fault)
{
    struct ndc_registry *reg = state;
    int64_t people = ndc_config_int(ndc_app_config(app), "demo_people");
    char id[NDC_JOB_ID_LEN + 1];
    const struct ndc_capture_hooks hooks = ndc_capture_hooks_of(reg);
    reg->schedule = ndc_schedule_start(reg);
    reg->capture = ndc_capture_start(reg, &hooks);
    /* Loaded by a process that ended before it built: a job that goes on, or this one. */
    if (reg->unbuilt)
        return ndc_registry_submit(reg, NDC_STR("platform:registry"), NULL, 0, id, fault);
    if (people == 0 || reg->source_count > 0) return NDC_OK;
    return ndc_registry_submit_demo(reg, (uint64_t)people, 1, id, fault);
}

static void stopping(void *state)
{
    struct ndc_registry *reg = state;
    ndc_schedule_stop(reg->schedule);
    reg->schedule = NULL;
    ndc_capture_stop(reg->capture);
    reg->capture = NULL;
}

static void stop(void *state)
{
    struct ndc_registry *reg = state;
    ndc_people_register(NULL, NULL);
    ndc_change_hub_free(reg->hub);
    reg->hub = NULL;
    ndc_registry_close(reg);
}

static const struct ndc_permission permissions[] = {
    {"registry.source.read", "Xem các nguồn dữ liệu", "See sources and runs",
     "steward reviewer auditor"},
    {"registry.source.write", "Khai báo và nạp nguồn", "Declare and load sources",
     "steward"},
    {"registry.record.push", "Đẩy bản ghi vào nguồn", "Push records",
     "steward agency-writer"},
    {"registry.quarantine.read", "Xem dòng bị cách ly", "See quarantined rows",
     "steward"},
    {"registry.quarantine.write", "Sửa dòng bị cách ly", "Correct quarantined rows",
     "steward"},
    {"registry.person.read", "Đọc bản ghi gốc của một người",
     "Read a person's golden record", "steward reviewer agency-reader"},
    {"registry.person.search", "Tìm người và tổ chức", "Search people and organisations",
     "steward reviewer agency-reader"},
    {"registry.change.read", "Theo dõi các thay đổi", "Follow changes",
     "steward reviewer agency-reader"},
    {"registry.thing.read", "Xem kho dữ liệu tổng hợp: thửa đất, phương tiện, trường học",
     "Read the general store: parcels, vehicles, schools",
     "steward reviewer agency-reader"},
    {"registry.review", "Xét duyệt cặp bản ghi", "Review pairs", "reviewer steward"},
};

static const struct ndc_setting settings[] = {
    {"change_keep", NDC_SETTING_TIME, "0s", NULL, 0, 0, "Registry",
     "Changes older than this leave the change feed, and with them the states before "
     "them; 0s: none do."},
    {"push_keep", NDC_SETTING_TIME, "30d", NULL, 0, 0, "Registry",
     "Answers to pushed batches are kept for their Idempotency-Key so long; 0s: for "
     "ever."},
    {"link_memory", NDC_SETTING_BYTES, "0", NULL, 0, INT64_MAX, "Registry",
     "Memory that linking all records may take; where they need more they are sorted on "
     "disk. 0: a third of the machine's."},
    {0}};

const struct ndc_platform ndc_registry_platform = {
    .code = "registry",
    .title_vi = "Cơ sở dữ liệu tổng hợp quốc gia",
    .title_en = "National integrated database",
    .summary =
        "Integrates the records of many databases into one record of each person and "
        "organisation.",
    .routes = ndc_registry_routes,
    .routes_n = NDC_REGISTRY_ROUTES,
    .jobs = ndc_registry_jobs,
    .jobs_n = NDC_REGISTRY_JOBS,
    .commands = ndc_registry_commands,
    .commands_n = NDC_REGISTRY_COMMANDS,
    .settings = settings,
    .permissions = permissions,
    .permissions_n = NDC_ARRAY_LEN(permissions),
    .start = start,
    .started = started,
    .stopping = stopping,
    .stop = stop,
};

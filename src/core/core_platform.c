/* Core's own routes: is it alive, is it ready, what has it done, what can it do. */
#include "core/core_platform.h"

#include "core/app_private.h"
#include "core/jobs_http.h"
#include "core/metrics.h"
#include "core/webhook_internal.h"
#include "sys/clock.h"

#include <stdio.h>

static enum ndc_err get_live(struct ndc_request *req, struct ndc_fault *fault)
{
    (void)fault;
    ndc_json_object(&req->json);
    ndc_json_kv_c(&req->json, "status", "ok");
    ndc_json_kv_c(&req->json, "version", NDC_VERSION);
    ndc_json_end(&req->json);
    return NDC_OK;
}

static bool check(struct ndc_json *j, const char *name, bool ok, const char *why)
{
    ndc_json_object(j);
    ndc_json_kv_c(j, "name", name);
    ndc_json_kv_bool(j, "ok", ok);
    if (!ok) ndc_json_kv_c(j, "why", why);
    ndc_json_end(j);
    return ok;
}

static bool check_database(struct ndc_request *req, struct ndc_json *j)
{
    struct ndc_fault inner = {0};
    struct ndc_store_conn *conn;
    int64_t one = 0;
    enum ndc_err err = ndc_request_conn(req, &conn, &inner);
    if (err == NDC_OK) err = ndc_sql_i64(conn, &one, "SELECT 1", NDC_NO_ARGS, &inner);
    return check(j, "database", err == NDC_OK, inner.code);
}

static enum ndc_err get_ready(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_app *app = req->app;
    struct ndc_json *j = &req->json;
    char why[256];
    (void)fault;
    ndc_json_object(j);
    ndc_json_key(j, "checks");
    ndc_json_array(j);
    bool ok = check(j, "serving", atomic_load(&app->serving), "starting or stopping");
    ok = check_database(req, j) && ok;
    for (size_t i = 0; i < app->platforms_n; i++) {
        const struct ndc_platform *p = app->platforms[i];
        if (!p->ready) continue;
        why[0] = 0;
        ok = check(j, p->code, p->ready(app->states[i], why, sizeof(why)), why) && ok;
    }
    ndc_json_end(j);
    ndc_json_kv_bool(j, "ready", ok);
    ndc_json_end(j);
    req->status = ok ? 200 : 503;
    return NDC_OK;
}

/* For the scraper on this machine, and for whoever has the permission. */
static enum ndc_err get_metrics(struct ndc_request *req, struct ndc_fault *fault)
{
    bool local = ndc_str_eq_c(req->client, "127.0.0.1") ||
                 ndc_str_eq_c(req->client, "::1") || ndc_str_eq_c(req->client, "unix");
    bool proxied = ndc_request_header(req, "X-Forwarded-For").ptr ||
                   ndc_request_header(req, "Forwarded").ptr;
    if ((!local || proxied) && !ndc_principal_may(req->principal, "core.metrics"))
        return ndc_fail(fault, NDC_EDENIED, "auth.permission",
                        "from another machine this needs the permission core.metrics");
    ndc_metrics_write(req->app->metrics, req->out);
    return NDC_OK;
}

static enum ndc_err get_platforms(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_json *j = &req->json;
    (void)fault;
    ndc_json_object(j);
    ndc_json_key(j, "platforms");
    ndc_json_array(j);
    for (size_t i = 0; i < req->app->platforms_n; i++) {
        const struct ndc_platform *p = req->app->platforms[i];
        ndc_json_object(j);
        ndc_json_kv_c(j, "code", p->code);
        ndc_json_key(j, "title");
        ndc_json_object(j);
        ndc_json_kv_c(j, "vi", p->title_vi);
        ndc_json_kv_c(j, "en", p->title_en);
        ndc_json_end(j);
        ndc_json_end(j);
    }
    ndc_json_end(j);
    ndc_json_end(j);
    return NDC_OK;
}

enum ndc_err ndc_static_file(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_http *x = req->http;
    if (ndc_str_starts(x->path, NDC_STR("/api/")) ||
        !ndc_static_answer(req->app->files, x, x->path))
        return ndc_fail(fault, NDC_ENOTFOUND, "http.not_found", "there is no %.*s here",
                        NDC_STR_FMT(x->path));
    req->status = x->status;
    return NDC_OK;
}

#define PUBLIC NDC_ROUTE_PUBLIC

static const struct ndc_route routes[] = {
    {.method = "GET",
     .path = "/health/live",
     .flags = PUBLIC,
     .handler = get_live,
     .response = "{status:string,version:string}",
     .summary = "Whether the process runs",
     .tag = "Operation"},
    {.method = "GET",
     .path = "/health/ready",
     .flags = PUBLIC | NDC_ROUTE_SLOW,
     .handler = get_ready,
     .response = "{ready:bool,checks:[{name:string,ok:bool,why?:string}]}",
     .summary = "Whether it can serve now, and what keeps it from it",
     .tag = "Operation"},
    {.method = "GET",
     .path = "/metrics",
     .flags = PUBLIC | NDC_ROUTE_SLOW,
     .handler = get_metrics,
     .response_type = "text/plain; version=0.0.4; charset=utf-8",
     .summary = "Counters and gauges in Prometheus' text format",
     .tag = "Operation"},
    {.method = "GET",
     .path = "/api/platforms",
     .flags = PUBLIC,
     .handler = get_platforms,
     .response = "{platforms:[{code:string,title:{vi:string,en:string}}]}",
     .summary = "The platforms that run here",
     .tag = "Operation"},
    {.method = "GET",
     .path = "/api/openapi.json",
     .flags = PUBLIC | NDC_ROUTE_SLOW,
     .handler = ndc_openapi_json,
     .response = "any",
     .summary = "This description, as OpenAPI 3.1",
     .tag = "Operation"},
    {.method = "GET",
     .path = "/api",
     .flags = PUBLIC | NDC_ROUTE_SLOW,
     .handler = ndc_openapi_page,
     .response_type = "text/html; charset=utf-8",
     .summary = "This description, as a page",
     .tag = "Operation"},
    {.method = "GET",
     .path = "/api/style.css",
     .flags = PUBLIC | NDC_ROUTE_HIDDEN,
     .handler = ndc_openapi_style,
     .response_type = "text/css; charset=utf-8"},
    {.method = "GET",
     .path = "/{path*}",
     .flags = PUBLIC | NDC_ROUTE_HIDDEN,
     .handler = ndc_static_file,
     .summary = "The console",
     .tag = "Console"},
};

static const struct ndc_permission permissions[] = {
    {"core.jobs", "Xem và dừng công việc", "Watch and stop jobs", "operator steward"},
    {"core.webhooks", "Quản lý webhook", "Manage webhooks", "operator steward"},
    {"core.metrics", "Xem số liệu vận hành", "Read operating figures", "operator"},
};

const struct ndc_platform ndc_core_platform = {
    .code = "core",
    .title_vi = "Nền tảng",
    .title_en = "Core",
    .summary = "Health, metrics and the description of the API.",
    .routes = routes,
    .routes_n = NDC_ARRAY_LEN(routes),
    .permissions = permissions,
    .permissions_n = NDC_ARRAY_LEN(permissions),
};

const struct ndc_platform ndc_webhooks_platform = {
    .code = "webhooks",
    .title_vi = "Webhook",
    .title_en = "Webhooks",
    .summary = "What happened, sent to who asked for it, signed.",
    .migrations = ndc_webhook_migrations,
    .migrations_n = NDC_WEBHOOK_MIGRATIONS,
    .routes = ndc_webhook_routes,
    .routes_n = NDC_WEBHOOK_ROUTES,
};

const struct ndc_platform ndc_jobs_platform = {
    .code = "jobs",
    .title_vi = "Công việc",
    .title_en = "Jobs",
    .summary = "Long work: how far it is, and stopping it.",
    .routes = ndc_jobs_routes,
    .routes_n = NDC_JOBS_ROUTES,
};

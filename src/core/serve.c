/* The daemon's moving parts: workers, routes, HTTP. */
#include "core/app_private.h"

#include "core/config.h"
#include "core/identity.h"
#include "core/jobs_http.h"
#include "core/metrics.h"
#include "core/router.h"
#include "core/webhook_internal.h"
#include "sys/file.h"
#include "sys/log.h"
#include "sys/thread.h"

#include <stdio.h>

/* About ten seconds of sign-ins; one more is told to come back. */
enum { PASSWORD_QUEUE = 100, KINDS_MAX = 256 };

static unsigned slow_threads(const struct ndc_app *app)
{
    unsigned n = (unsigned)ndc_config_int(app->config, "slow_threads");
    return n ? n : NDC_MAX(4u, 2 * ndc_cpu_count());
}

static bool starts_https(const char *url)
{
    return strncmp(url, "https://", 8) == 0;
}

static bool cert_required(const struct ndc_config *config)
{
    return strcmp(ndc_config_text(config, "client_cert"), "required") == 0;
}

static void make_address(struct ndc_app *app)
{
    const char *listen = ndc_config_text(app->config, "listen");
    const char *public_url = ndc_config_text(app->config, "public_url");
    bool tls = ndc_config_text(app->config, "tls_cert")[0] != 0;
    const char *colon = strrchr(listen, ':');
    if (*public_url) {
        app->address = public_url;
    } else if (strncmp(listen, "unix:", 5) == 0) {
        app->address = listen;
    } else {
        struct ndc_str host = ndc_str_n(listen, (size_t)(colon - listen));
        if (host.len == 0 || ndc_str_eq_c(host, "0.0.0.0") || ndc_str_eq_c(host, "[::]"))
            host = NDC_STR("localhost");
        app->address = ndc_arena_printf(&app->arena, "http%s://%.*s:%u", tls ? "s" : "",
                                        NDC_STR_FMT(host), ndc_http_port(app->http))
                           .ptr;
    }
}

static enum ndc_err start_http(struct ndc_app *app, struct ndc_fault *fault)
{
    const struct ndc_config *c = app->config;
    const char *spool = ndc_app_path(app, "tmp");
    enum ndc_err err = ndc_file_mkdirs(spool, fault);
    if (err != NDC_OK) return err;
    const struct ndc_http_options options = {
        .listen = ndc_config_text(c, "listen"),
        .threads = (unsigned)ndc_config_int(c, "http_threads"),
        .connections_max = (unsigned)ndc_config_int(c, "connections_max"),
        .connections_per_address_max =
            (unsigned)ndc_config_int(c, "connections_per_address_max"),
        .header_bytes_max = (size_t)ndc_config_int(c, "header_bytes_max"),
        .idle_timeout_s = (unsigned)(ndc_config_int(c, "idle_timeout") / 1000),
        .request_timeout_s = (unsigned)(ndc_config_int(c, "request_timeout") / 1000),
        .body_bytes_per_s_min = (unsigned)ndc_config_int(c, "body_rate_min"),
        .tls_cert = ndc_config_text(c, "tls_cert"),
        .tls_key = ndc_config_text(c, "tls_key"),
        .client_ca = ndc_config_text(c, "client_ca"),
        .spool_dir = spool,
        .ctx = app->dispatch,
        .head = ndc_dispatch_head,
        .handle = ndc_dispatch_handle,
        .finished = ndc_dispatch_finished,
    };
    return ndc_http_start(&app->http, &options, fault);
}

static enum ndc_err start_jobs(struct ndc_app *app, struct ndc_fault *fault)
{
    struct ndc_job_kind kinds[KINDS_MAX];
    struct ndc_consumer consumers[NDC_OUTBOX_CONSUMERS_MAX];
    size_t kinds_n = 0, consumers_n = 0;
    for (size_t p = 0; p < app->platforms_n; p++) {
        const struct ndc_platform *platform = app->platforms[p];
        for (size_t i = 0; i < platform->jobs_n; i++) {
            NDC_ASSERT(kinds_n < KINDS_MAX);
            kinds[kinds_n] = platform->jobs[i];
            if (!kinds[kinds_n].platform) kinds[kinds_n].platform = platform->code;
            if (!kinds[kinds_n].arg) kinds[kinds_n].arg = app->states[p];
            kinds_n++;
        }
        for (size_t i = 0; i < platform->consumers_n; i++) {
            NDC_ASSERT(consumers_n < NDC_OUTBOX_CONSUMERS_MAX);
            consumers[consumers_n] = platform->consumers[i];
            if (!consumers[consumers_n].arg) consumers[consumers_n].arg = app->states[p];
            consumers_n++;
        }
    }
    const struct ndc_jobs_options options = {
        .threads = (unsigned)ndc_config_int(app->config, "job_threads"),
        .on_change = ndc_jobs_tell,
        .on_change_arg = app,
    };
    enum ndc_err err =
        ndc_jobs_start(&app->jobs, app->store, kinds, kinds_n, &options, fault);
    if (err == NDC_OK && consumers_n)
        err = ndc_dispatcher_start(&app->dispatcher, app->store, consumers, consumers_n,
                                   fault);
    return err;
}

enum ndc_err ndc_app_serve_start(struct ndc_app *app, struct ndc_fault *fault)
{
    const struct ndc_config *c = app->config;
    if (cert_required(c) && !ndc_config_text(c, "client_ca")[0])
        return ndc_fail_at(fault, NDC_EINPUT, "config.value", "client_cert", 0,
                           "client_cert = required needs client_ca");
    app->topics = ndc_topics_new();
    app->pool = ndc_pool_new("ndc-slow", slow_threads(app),
                             (size_t)ndc_config_int(c, "slow_queue"));
    app->password_pool = ndc_pool_new(
        "ndc-password", (unsigned)ndc_config_int(c, "password_threads"), PASSWORD_QUEUE);
    enum ndc_err err = ndc_static_load(&app->files, ndc_config_text(c, "web_dir"), fault);
    if (err == NDC_OK)
        err = ndc_router_new(&app->router, app->platforms, app->states, app->metrics,
                             fault);
    if (err != NDC_OK) return err;
    app->dispatch = ndc_dispatch_new(&(struct ndc_dispatch_options){
        .app = app,
        .router = app->router,
        .identity = app->identity,
        .pool = app->pool,
        .password_pool = app->password_pool,
        .metrics = app->metrics,
        .log_requests = ndc_config_bool(c, "log_requests"),
        .secure = starts_https(ndc_config_text(c, "public_url")),
        .trust_proxy = ndc_config_bool(c, "trust_proxy"),
        .client_cert_required = cert_required(c),
    });
    ndc_app_gauges(app);
    err = start_jobs(app, fault);
    if (err == NDC_OK) err = ndc_webhooks_start(app->webhooks, app, fault);
    if (err == NDC_OK) err = start_http(app, fault);
    if (err == NDC_OK) make_address(app);
    return err;
}

void ndc_app_serve_stop(struct ndc_app *app)
{
    ndc_http_stop(app->http);
    app->http = NULL;
    ndc_webhooks_stop(app->webhooks);
    if (app->dispatcher) ndc_dispatcher_stop(app->dispatcher);
    if (app->jobs) ndc_jobs_stop(app->jobs);
    ndc_pool_free(app->pool);
    ndc_pool_free(app->password_pool);
    ndc_topics_free(app->topics);
    ndc_dispatch_free(app->dispatch);
    ndc_router_free(app->router);
    ndc_static_free(app->files);
}

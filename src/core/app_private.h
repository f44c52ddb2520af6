/* The program's insides: for core's files that start, stop and describe it. */
#ifndef NDC_CORE_APP_PRIVATE_H
#define NDC_CORE_APP_PRIVATE_H

#include "base/arena.h"
#include "core/app.h"
#include "core/dispatch.h"
#include "core/platform.h"
#include "core/pool.h"
#include "core/static.h"
#include "core/topics_server.h"
#include "net/http.h"

#include <stdatomic.h>

enum { NDC_PLATFORMS_MAX = 32 };

struct ndc_app {
    struct ndc_arena arena;
    struct ndc_config *config;
    const struct ndc_platform *platforms[NDC_PLATFORMS_MAX + 1]; /* core's first */
    void *states[NDC_PLATFORMS_MAX + 1];
    bool started[NDC_PLATFORMS_MAX + 1];
    size_t platforms_n;
    int lock_fd; /* -1: not ours */
    bool opened, all_started;
    struct ndc_metrics *metrics;
    struct ndc_store *store, *audit_store;
    struct ndc_audit *audit;
    struct ndc_identity *identity;
    struct ndc_jobs *jobs;
    struct ndc_dispatcher *dispatcher;
    struct ndc_topics *topics;
    struct ndc_webhooks *webhooks;
    struct ndc_pool *pool, *password_pool;
    struct ndc_router *router;
    struct ndc_dispatch *dispatch;
    struct ndc_static *files;
    struct ndc_http_server *http;
    const char *address;
    int64_t start_ms;
    atomic_bool serving; /* false while stopping: not ready */
};

/* identity, jobs, pool, router, http: serve.c */
enum ndc_err ndc_app_serve_start(struct ndc_app *app,
                                 struct ndc_fault *fault) NDC_MUST_USE;
void ndc_app_serve_stop(struct ndc_app *app);
/* Gauges of the process, the stores, the server: gauges.c */
void ndc_app_gauges(struct ndc_app *app);

#endif

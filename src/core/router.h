/* The route rows of all platforms, compiled: a tree of path segments whose leaves are the
 * rows with their schemas parsed and their metrics made. Immutable once built. */
#ifndef NDC_CORE_ROUTER_H
#define NDC_CORE_ROUTER_H

#include "core/metrics.h"
#include "core/route.h"
#include "core/schema.h"
#include "net/http.h"

struct ndc_platform;
struct ndc_router;

enum { NDC_STATUS_CLASSES = 6 };

/* A route row made ready. */
struct ndc_route_entry {
    const struct ndc_route *row;
    const struct ndc_platform *platform;
    void *state;
    int permission; /* bit, or -1 */
    enum ndc_http_method method;
    const char *label; /* "GET /api/…": in metrics and the audit log */
    const char *params[NDC_ROUTE_PARAMS_MAX];
    unsigned params_n;
    struct ndc_schema *query, *request, *response;
    struct ndc_counter *counts[NDC_STATUS_CLASSES]; /* by status / 100 */
    struct ndc_histogram *seconds;
};

struct ndc_match {
    const struct ndc_route_entry *entry; /* NULL: none */
    unsigned allowed;                    /* bit per method that the path has */
    struct ndc_str params[NDC_ROUTE_PARAMS_MAX];
};

/* Faults name the platform and row: router.method, router.path, router.permission (not in
 * a platform's table), router.twice, schema.syntax. `states` runs along `platforms`. */
enum ndc_err ndc_router_new(struct ndc_router **out,
                            const struct ndc_platform *const *platforms,
                            void *const *states, struct ndc_metrics *metrics,
                            struct ndc_fault *fault) NDC_MUST_USE;
void ndc_router_free(struct ndc_router *router);

/* `path` is normalised (net/url.h); params point into it. HEAD finds GET's row. */
void ndc_router_find(const struct ndc_router *router, enum ndc_http_method method,
                     struct ndc_str path, struct ndc_match *match);

size_t ndc_router_count(const struct ndc_router *router);
const struct ndc_route_entry *ndc_router_at(const struct ndc_router *router, size_t i);

#endif

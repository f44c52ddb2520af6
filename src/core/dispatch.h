/* Dispatch: from an exchange to a handler and back. Everything a row asks for is checked
 * here, before its handler runs: identity, permission, purpose, query, body. */
#ifndef NDC_CORE_DISPATCH_H
#define NDC_CORE_DISPATCH_H

#include "core/router.h"

struct ndc_app;
struct ndc_dispatch;
struct ndc_identity;
struct ndc_pool;

struct ndc_dispatch_options {
    struct ndc_app *app;
    const struct ndc_router *router;
    struct ndc_identity *identity; /* NULL: everyone is anonymous */
    struct ndc_pool *pool, *password_pool;
    struct ndc_metrics *metrics;
    bool log_requests, secure, trust_proxy;
    bool client_cert_required; /* of every request, whatever it asks for */
};

struct ndc_dispatch *ndc_dispatch_new(const struct ndc_dispatch_options *options);
void ndc_dispatch_free(struct ndc_dispatch *dispatch);

/* What ndc_http_options wants; ctx is the dispatch. */
bool ndc_dispatch_head(void *ctx, struct ndc_http *x);
void ndc_dispatch_handle(void *ctx, struct ndc_http *x);
void ndc_dispatch_finished(void *ctx, struct ndc_http *x, bool sent);

#endif

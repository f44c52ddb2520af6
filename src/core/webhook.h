/* Webhooks: what happened, POSTed to who asked for it, signed. A platform offers sources
 * (feeds with rising numbers); people subscribe a URL to one; each subscription has a
 * cursor and is served in order, in pages, at least once. Signing follows Standard
 * Webhooks 1.0 (github.com/standard-webhooks/standard-webhooks, spec): headers
 * webhook-id, webhook-timestamp, webhook-signature, secrets "whsec_…", two of them while
 * one replaces the other.
 *
 * A failing page is tried again after growing delays with jitter; after the last try it
 * goes to the dead letters, where it can be looked at and sent again, and the rest goes
 * on. An endpoint that answers 410 Gone is not called again. Workers are few, and those
 * who failed last may keep at most half of them waiting. */
#ifndef NDC_CORE_WEBHOOK_H
#define NDC_CORE_WEBHOOK_H

#include "base/arena.h"
#include "base/json.h"
#include "core/request.h"

enum {
    NDC_WEBHOOKS_MAX = 512,
    NDC_WEBHOOK_SOURCES_MAX = 16,
    NDC_WEBHOOK_BODY_MAX = 1 << 20,
    NDC_WEBHOOK_ID_LEN = 16
};

struct ndc_webhooks;
struct ndc_app;

/* What the page callback is asked for, and what it answers. */
struct ndc_webhook_page {
    int64_t after, upto;    /* events with after < seq; upto 0: as many as fit a page */
    struct ndc_str granted; /* as `subscribe` wrote it */
    int64_t last;           /* out: the number to go on after; `after`: nothing new */
    size_t events;          /* out: written, after the filter */
    int64_t at_ms;          /* out: of the last one */
};

struct ndc_webhook_source {
    const char *name; /* "registry.changes": stable, stored; also the payload's type */
    const char *title_vi, *title_en;
    const char *permission; /* who subscribes needs it */
    void *arg;
    /* Checks what was asked for (a JSON object, or NULL) and writes what this subscriber
     * is let have, as text, into `granted`. */
    enum ndc_err (*subscribe)(void *arg, struct ndc_request *req,
                              struct json_object *filter, struct ndc_buf *granted,
                              struct ndc_fault *fault);
    /* Writes the page's data as one JSON value. The same page must give the same bytes:
     * it may be sent again under the same id. */
    enum ndc_err (*page)(void *arg, struct ndc_webhook_page *page, struct ndc_json *data,
                         struct ndc_fault *fault);
    /* Where a new subscription starts: the number of the last event. */
    enum ndc_err (*last)(void *arg, int64_t *seq, struct ndc_fault *fault);
};

/* Offers a source: in a platform's start. It and its strings outlive the program. */
void ndc_webhook_offer(struct ndc_app *app, const struct ndc_webhook_source *source);
/* There may be new events of the source. Any thread, quick. */
void ndc_webhook_wake(struct ndc_app *app, const char *source);

#endif

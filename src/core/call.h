/* Inside core only: a request with what dispatch knows about it. Lives in the exchange's
 * arena. */
#ifndef NDC_CORE_CALL_H
#define NDC_CORE_CALL_H

#include "core/dispatch.h"
#include "core/grant.h"
#include "core/request.h"

struct ndc_call {
    struct ndc_request req; /* first: the handler's pointer is ours */
    struct ndc_dispatch *dispatch;
    const struct ndc_route_entry *entry;
    const struct ndc_grant *grant;
    struct ndc_str params[NDC_ROUTE_PARAMS_MAX];
    struct ndc_str *query; /* one per member of the row's query schema */
    struct ndc_store_conn *conn;
    struct json_object *body;
    size_t body_at; /* read so far, for ndc_request_body_next */
    bool held;
    /* what goes to the audit log */
    const char *action; /* NULL: nothing */
    struct ndc_str *subjects;
    size_t subjects_n, subjects_cap;
    struct ndc_field_set fields;
    bool decided;
    enum ndc_policy_outcome outcome;
    struct ndc_str rule, detail;
    /* a stream's own */
    void *stream;
    enum ndc_err (*stream_next)(void *ctx, struct ndc_buf *out, bool *end,
                                struct ndc_fault *fault);
    void (*stream_done)(void *ctx);
};

static inline struct ndc_call *ndc_call_of(const struct ndc_request *req)
{
    return (struct ndc_call *)(uintptr_t)req;
}

#endif

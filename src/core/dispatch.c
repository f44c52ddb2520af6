/* Dispatch. On the thread of the connection, unless the row is slow; the answer to a
 * request that is audited leaves once its entry is on the disk, and no thread waits for
 * that: the audit log's writer releases it. */
#include "core/dispatch.h"

#include "core/app.h"
#include "core/audit.h"
#include "core/call.h"
#include "core/permission.h"
#include "core/platform.h"
#include "core/pool.h"
#include "core/problem.h"
#include "net/url.h"
#include "store/store.h"
#include "sys/clock.h"
#include "sys/log.h"

#include <stdio.h>

enum { PURPOSE_BYTES_MAX = 64, BASIS_BYTES_MAX = 256 };

struct ndc_dispatch {
    struct ndc_dispatch_options options;
    struct ndc_counter *unrouted[NDC_STATUS_CLASSES];
    struct ndc_counter *denied, *audit_failed;
};

struct ndc_dispatch *ndc_dispatch_new(const struct ndc_dispatch_options *options)
{
    struct ndc_dispatch *d = ndc_xcalloc(1, sizeof(*d));
    char labels[64];
    d->options = *options;
    for (int c = 1; c < NDC_STATUS_CLASSES; c++) {
        snprintf(labels, sizeof(labels), "route=\"other\",status=\"%dxx\"", c);
        d->unrouted[c] = ndc_counter_new(options->metrics, "ndc_http_requests_total",
                                         labels, "Requests answered");
    }
    d->denied = ndc_counter_new(options->metrics, "ndc_http_denied_total", NULL,
                                "Requests refused for lack of sign-in or permission");
    d->audit_failed = ndc_counter_new(options->metrics, "ndc_audit_refused_total", NULL,
                                      "Answers refused because they could not be logged");
    return d;
}

void ndc_dispatch_free(struct ndc_dispatch *dispatch)
{
    free(dispatch);
}

static const char *area_of(const struct ndc_call *call)
{
    return call->entry ? call->entry->platform->code : "core";
}

static void write_fault(struct ndc_call *call, const struct ndc_fault *fault)
{
    ndc_problem_write(call->req.http, fault, call->req.lang, area_of(call));
    if (fault->err == NDC_EDB && ndc_fault_status(fault) == 503)
        ndc_http_add_header(call->req.http, "Retry-After", NDC_STR("5"));
}

static void allow_header(struct ndc_http *x, unsigned allowed)
{
    static const char *const names[NDC_HTTP_METHOD_COUNT] = {
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    char text[64];
    size_t len = 0;
    if (allowed & 1u << NDC_HTTP_GET) allowed |= 1u << NDC_HTTP_HEAD;
    for (unsigned m = 0; m < NDC_HTTP_METHOD_COUNT; m++)
        if (allowed & 1u << m)
            len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s",
                                    len ? ", " : "", names[m]);
    ndc_http_add_header(x, "Allow", ndc_str_n(text, len));
}

static enum ndc_err find_route(struct ndc_call *call, struct ndc_fault *fault)
{
    struct ndc_http *x = call->req.http;
    struct ndc_match match;
    ndc_router_find(call->dispatch->options.router, x->method, x->path, &match);
    /* A page does not stand in for an address that takes other methods. */
    bool page = match.entry && match.entry->row->flags & NDC_ROUTE_HIDDEN;
    if (match.entry && !(page && match.allowed)) {
        call->entry = match.entry;
        memcpy(call->params, match.params, sizeof(call->params));
        call->req.route = match.entry->row;
        call->req.state = match.entry->state;
        return NDC_OK;
    }
    if (!match.allowed)
        return ndc_fail(fault, NDC_ENOTFOUND, "http.not_found",
                        "there is no %.*s here; /api lists the addresses",
                        NDC_STR_FMT(x->path));
    allow_header(x, match.allowed);
    if (fault) fault->http_status = 405;
    return ndc_fail(fault, NDC_EINPUT, "http.method",
                    "%.*s does not take this method; the header Allow says which",
                    NDC_STR_FMT(x->path));
}

static bool is_unsafe(enum ndc_http_method method)
{
    return method != NDC_HTTP_GET && method != NDC_HTTP_HEAD &&
           method != NDC_HTTP_OPTIONS;
}

static bool same_secret(struct ndc_str a, struct ndc_str b)
{
    unsigned char diff = 0;
    if (a.len != b.len) return false;
    for (size_t i = 0; i < a.len; i++)
        diff |= (unsigned char)(a.ptr[i] ^ b.ptr[i]);
    return diff == 0;
}

/* A browser that was lured here by another site sends our cookie, but not our header. */
static enum ndc_err check_forgery(const struct ndc_call *call, struct ndc_fault *fault)
{
    struct ndc_http *x = call->req.http;
    if (!is_unsafe(x->method)) return NDC_OK;
    if (call->grant && !call->grant->session.len) return NDC_OK; /* a key, not a cookie */
    struct ndc_str site = ndc_http_header(x, "Sec-Fetch-Site");
    if (site.len && !ndc_str_eq_c(site, "same-origin") && !ndc_str_eq_c(site, "none"))
        return ndc_fail(fault, NDC_EDENIED, "auth.csrf",
                        "requests from other sites are refused");
    if (!call->grant) return NDC_OK;
    if (!same_secret(ndc_http_header(x, "NDC-CSRF"), call->grant->csrf))
        return ndc_fail_at(fault, NDC_EDENIED, "auth.csrf", "NDC-CSRF", 0,
                           "the header NDC-CSRF must repeat `csrf` of GET /api/session");
    return NDC_OK;
}

static enum ndc_err check_client_cert(const struct ndc_call *call,
                                      struct ndc_fault *fault)
{
    uint8_t sha256[32];
    if (!call->dispatch->options.client_cert_required ||
        ndc_http_client_cert(call->req.http, sha256))
        return NDC_OK;
    return ndc_fail(fault, NDC_EAUTH, "auth.certificate",
                    "this server asks for a client certificate of its authorities");
}

static enum ndc_err authorise(struct ndc_call *call, struct ndc_fault *fault)
{
    const struct ndc_route_entry *entry = call->entry;
    struct ndc_fault inner = {0};
    call->req.principal = &ndc_principal_anonymous;
    enum ndc_err err = check_client_cert(call, fault);
    if (err != NDC_OK || entry->row->flags & NDC_ROUTE_FOREIGN) return err;
    if (call->dispatch->options.identity && !(entry->row->flags & NDC_ROUTE_OWN_SESSION))
        err = ndc_grant_find(call->dispatch->options.identity, call->req.http,
                             &call->grant, &inner);
    /* A stale cookie is no reason to refuse what everyone may read. */
    if (err == NDC_EAUTH && (entry->row->flags & NDC_ROUTE_PUBLIC)) err = NDC_OK;
    if (err != NDC_OK) {
        *fault = inner;
        return err;
    }
    if (call->grant) call->req.principal = &call->grant->principal;
    err = check_forgery(call, fault);
    if (err != NDC_OK || (entry->row->flags & NDC_ROUTE_PUBLIC)) return err;
    if (!call->grant)
        return ndc_fail(fault, NDC_EAUTH, "auth.required",
                        "sign in (POST /api/session) or send Authorization: Bearer KEY");
    if (call->grant->must_change && !(entry->row->flags & NDC_ROUTE_UNSETTLED))
        return ndc_fail(fault, NDC_EDENIED, "auth.must_change",
                        "change the password first (POST /api/session/password): this "
                        "one was given by someone else");
    if (entry->permission >= 0 && !ndc_permission_has(call->req.principal->permissions,
                                                      (unsigned)entry->permission))
        return ndc_fail(fault, NDC_EDENIED, "auth.permission",
                        "this needs the permission %s", entry->row->permission);
    return NDC_OK;
}

static enum ndc_err take_purpose(struct ndc_call *call, struct ndc_fault *fault)
{
    struct ndc_http *x = call->req.http;
    struct ndc_request *req = &call->req;
    req->purpose = ndc_str_trim(ndc_http_header(x, "NDC-Purpose"));
    req->legal_basis = ndc_str_trim(ndc_http_header(x, "NDC-Legal-Basis"));
    if (req->purpose.len > PURPOSE_BYTES_MAX || req->legal_basis.len > BASIS_BYTES_MAX)
        return ndc_fail_at(fault, NDC_EINPUT, "purpose.missing", "NDC-Purpose", 0,
                           "NDC-Purpose has at most %d bytes, NDC-Legal-Basis %d",
                           PURPOSE_BYTES_MAX, BASIS_BYTES_MAX);
    if (!(call->entry->row->flags & NDC_ROUTE_PERSONAL)) return NDC_OK;
    if (!req->purpose.len)
        return ndc_fail_at(fault, NDC_EINPUT, "purpose.missing", "NDC-Purpose", 0,
                           "state the purpose in the header NDC-Purpose; GET "
                           "/api/policy/purposes lists them");
    if (!req->legal_basis.len)
        return ndc_fail_at(fault, NDC_EINPUT, "purpose.basis", "NDC-Legal-Basis", 0,
                           "state the law and article, or the agreement, in the header "
                           "NDC-Legal-Basis");
    return NDC_OK;
}

static enum ndc_err unknown_query(const struct ndc_schema *schema, struct ndc_str name,
                                  struct ndc_fault *fault)
{
    const char *nearest = schema ? ndc_schema_nearest(schema, name) : NULL;
    char field[NDC_FAULT_FIELD_MAX];
    snprintf(field, sizeof(field), "%.*s", (int)NDC_MIN(name.len, sizeof(field) - 1),
             name.ptr);
    return ndc_fail_at(fault, NDC_EINPUT, "request.query", field, 0,
                       "there is no parameter \"%s\"%s%s%s", field,
                       nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                       nearest ? "\"?" : "");
}

static enum ndc_err query_defaults(struct ndc_call *call, struct ndc_fault *fault)
{
    const struct ndc_schema *schema = call->entry->query, *type;
    for (size_t i = 0; i < ndc_schema_members(schema); i++) {
        struct ndc_str fallback;
        bool required;
        if (call->query[i].ptr) continue;
        const char *name = ndc_schema_member(schema, i, &type, &required, &fallback);
        if (required)
            return ndc_fail_at(fault, NDC_EINPUT, "request.query", name, 0,
                               "the parameter \"%s\" is missing", name);
        call->query[i] = fallback;
    }
    return NDC_OK;
}

static enum ndc_err take_query(struct ndc_call *call, struct ndc_fault *fault)
{
    const struct ndc_schema *schema = call->entry->query, *type;
    struct ndc_str rest = call->req.http->query, name, value, fallback;
    bool bad = false, required;
    if (call->entry->row->flags & NDC_ROUTE_HIDDEN) return NDC_OK;
    if (call->entry->row->flags & NDC_ROUTE_FOREIGN && !schema) return NDC_OK;
    if (schema)
        call->query = NDC_ARENA_ARRAY(call->req.arena, struct ndc_str,
                                      ndc_schema_members(schema) + 1);
    while (ndc_url_query_next(call->req.arena, &rest, &name, &value, &bad)) {
        size_t i = schema ? ndc_schema_find(schema, name) : SIZE_MAX;
        if (i == SIZE_MAX) return unknown_query(schema, name, fault);
        const char *known = ndc_schema_member(schema, i, &type, &required, &fallback);
        if (call->query[i].ptr)
            return ndc_fail_at(fault, NDC_EINPUT, "request.query", known, 0,
                               "the parameter \"%s\" is given twice", known);
        if (value.len == 0 && !required) continue; /* an empty field of a form */
        enum ndc_err err = ndc_schema_check_text(type, known, value, fault);
        if (err != NDC_OK) return err;
        call->query[i] = value;
    }
    if (bad)
        return ndc_fail(fault, NDC_EINPUT, "request.query",
                        "the query is not valid %%-escaped UTF-8");
    return schema ? query_defaults(call, fault) : NDC_OK;
}

static bool type_is(struct ndc_str type, const char *allowed)
{
    struct ndc_str rest = ndc_str(allowed), one;
    type = ndc_str_trim(ndc_str_n(type.ptr, ndc_str_find(type, ';')));
    while (ndc_str_split(&rest, '|', &one))
        if (ndc_str_ieq(type, one)) return true;
    return false;
}

static enum ndc_err check_body_type(const struct ndc_call *call, struct ndc_fault *fault)
{
    struct ndc_http *x = call->req.http;
    const struct ndc_route *row = call->entry->row;
    const char *allowed = row->request_type ? row->request_type : "application/json";
    bool always = row->flags & NDC_ROUTE_OWN_SESSION && is_unsafe(x->method) &&
                  x->method != NDC_HTTP_DELETE; /* which no form can send */
    if (x->body_len == 0 && !always) return NDC_OK;
    if (type_is(ndc_http_header(x, "Content-Type"), allowed)) return NDC_OK;
    if (fault) fault->http_status = 415;
    return ndc_fail_at(fault, NDC_EINPUT, "http.type", "Content-Type", 0,
                       "the body must be %s", allowed);
}

static struct ndc_call *call_new(struct ndc_dispatch *d, struct ndc_http *x)
{
    struct ndc_call *call = NDC_ARENA_NEW(&x->arena, struct ndc_call);
    call->dispatch = d;
    call->req.app = d->options.app;
    call->req.principal = &ndc_principal_anonymous;
    call->req.arena = &x->arena;
    call->req.id = ndc_str_n(x->id, NDC_HTTP_ID_LEN);
    call->req.out = &x->out;
    call->req.http = x;
    call->req.lang = ndc_lang_choose(ndc_http_header(x, "Accept-Language"));
    if (d->options.secure) x->secure = true;
    call->req.client = ndc_str(x->client);
    if (d->options.trust_proxy) {
        struct ndc_str rest = ndc_http_header(x, "X-Forwarded-For"), part;
        while (rest.ptr && ndc_str_split(&rest, ',', &part))
            if (ndc_str_trim(part).len) call->req.client = ndc_str_trim(part);
    }
    x->user = call;
    return call;
}

static void append_audit(struct ndc_call *call, bool ok);

/* The handler is done, or was never run: sends what there is. */
static void finish(struct ndc_call *call)
{
    if (call->held)
        ndc_http_release(call->req.http);
    else
        ndc_http_reply(call->req.http);
}

bool ndc_dispatch_head(void *ctx, struct ndc_http *x)
{
    struct ndc_dispatch *d = ctx;
    struct ndc_call *call = call_new(d, x);
    struct ndc_fault fault = {0};
    enum ndc_err err = find_route(call, &fault);
    if (err == NDC_OK) err = authorise(call, &fault);
    if (err == NDC_OK) err = take_purpose(call, &fault);
    if (err == NDC_OK) err = take_query(call, &fault);
    if (err == NDC_OK) err = check_body_type(call, &fault);
    if (err != NDC_OK) {
        if (err == NDC_EAUTH || err == NDC_EDENIED) ndc_counter_add(d->denied, 1);
        if (err == NDC_EAUTH)
            ndc_http_add_header(x, "WWW-Authenticate",
                                ndc_http_header(x, "Authorization").ptr
                                    ? NDC_STR("Bearer realm=\"ndc\", "
                                              "error=\"invalid_token\"")
                                    : NDC_STR("Bearer realm=\"ndc\""));
        write_fault(call, &fault);
        ndc_http_reply(x);
        return false;
    }
    size_t max = call->entry->row->body_bytes_max;
    x->body_bytes_max = max ? max : NDC_ROUTE_BODY_BYTES_DEFAULT;
    x->body_spool = (call->entry->row->flags & NDC_ROUTE_SPOOL) != 0;
    return true;
}

static enum ndc_err parse_body(struct ndc_call *call, struct ndc_fault *fault)
{
    struct json_object *ignored;
    if (!call->entry->request || call->req.http->body_fd >= 0) return NDC_OK;
    if (call->entry->row->request_type) return NDC_OK;
    if (call->req.http->body.len == 0) call->body = json_object_new_object();
    if (call->body) return ndc_schema_check(call->entry->request, call->body, fault);
    return ndc_request_json(&call->req, &ignored, fault);
}

static enum ndc_err run_handler(struct ndc_call *call, struct ndc_fault *fault)
{
    struct ndc_request *req = &call->req;
    struct ndc_http *x = req->http;
    const struct ndc_route *row = call->entry->row;
    ndc_buf_reset(&x->out);
    ndc_json_init(&req->json, &x->out);
    req->status = row->success ? row->success : 200;
    x->content_type = row->response_type ? row->response_type : "application/json";
    enum ndc_err err = parse_body(call, fault);
    if (err == NDC_OK) err = row->handler(req, fault);
    if (call->conn) {
        ndc_store_give(call->conn);
        call->conn = NULL;
    }
    if (err != NDC_OK) return err;
    if (req->arena->overflow || x->out.failed)
        return ndc_fail(fault, NDC_ETOOBIG, "server.answer_too_big",
                        "the answer is larger than the server makes: ask for less");
    if ((row->flags & NDC_ROUTE_PERSONAL) && !call->action && req->status < 400)
        return ndc_fail(fault, NDC_EINTERNAL, "audit.missing",
                        "the handler of %s recorded nothing in the audit log",
                        call->entry->label);
    NDC_ASSERT(req->json.depth == 0);
    x->status = req->status;
    if (x->out.len == 0 && !x->source.next && !x->fixed.ptr) x->content_type = NULL;
    return NDC_OK;
}

static void run(void *arg)
{
    struct ndc_call *call = arg;
    struct ndc_fault fault = {0};
    enum ndc_err err = run_handler(call, &fault);
    if (call->body) {
        json_object_put(call->body);
        call->body = NULL;
    }
    if (err != NDC_OK) {
        if (fault.err == NDC_OK) ndc_fail(&fault, err, ndc_err_name(err), "it failed");
        write_fault(call, &fault);
    }
    if (call->action)
        append_audit(call, err == NDC_OK);
    else
        finish(call);
}

static void refuse_unlogged(struct ndc_call *call, enum ndc_err err)
{
    struct ndc_fault fault = {0};
    struct ndc_http *x = call->req.http;
    if (x->source.done) x->source.done(x->source.ctx);
    x->source = (struct ndc_http_source){0};
    fault.http_status = 503;
    ndc_fail(&fault, err == NDC_EBUSY ? NDC_EBUSY : NDC_EDB, "audit.failed",
             "the access could not be logged, so it was refused; try again");
    ndc_counter_add(call->dispatch->audit_failed, 1);
    write_fault(call, &fault);
}

/* On the audit log's writer thread. */
static void audit_done(void *arg, enum ndc_err err, uint64_t seq)
{
    struct ndc_call *call = arg;
    (void)seq;
    if (err != NDC_OK) refuse_unlogged(call, err);
    finish(call);
}

static void append_audit(struct ndc_call *call, bool ok)
{
    struct ndc_request *req = &call->req;
    struct ndc_fault fault = {0};
    struct ndc_audit *audit = ndc_app_audit(req->app);
    const struct ndc_audit_event event = {
        .principal = req->principal->id,
        .agency = req->principal->agency,
        .action = ndc_str(call->action),
        .purpose = req->purpose,
        .legal_basis = req->legal_basis,
        .platform = ndc_str(call->entry->platform->code),
        .route = ndc_str(call->entry->label),
        .subjects = call->subjects,
        .subject_count = call->subjects_n,
        .fields = call->fields,
        .outcome = !ok             ? NDC_POLICY_DENY
                   : call->decided ? call->outcome
                                   : NDC_POLICY_PERMIT,
        .rule = call->rule,
        .request_id = req->id,
        .client = req->client,
        .detail = call->detail,
    };
    /* Held before the append: the writer may be done before the call returns. */
    if (!call->held) {
        call->held = true;
        ndc_http_hold(req->http);
    }
    enum ndc_err err =
        audit ? ndc_audit_append(audit, &event, audit_done, call, &fault) : NDC_EDB;
    if (err == NDC_OK) return; /* the writer's now */
    refuse_unlogged(call, err);
    finish(call);
}

void ndc_dispatch_handle(void *ctx, struct ndc_http *x)
{
    struct ndc_dispatch *d = ctx;
    struct ndc_call *call = x->user;
    const struct ndc_route *row = call->entry->row;
    unsigned flags = row->flags;
    if (!(flags & (NDC_ROUTE_SLOW | NDC_ROUTE_SPOOL | NDC_ROUTE_PASSWORD)) ||
        (row->quick && row->quick(x))) {
        run(call);
        return;
    }
    struct ndc_pool *pool =
        flags & NDC_ROUTE_PASSWORD ? d->options.password_pool : d->options.pool;
    call->held = true;
    ndc_http_hold(x);
    if (ndc_pool_submit(pool, run, call)) return;
    struct ndc_fault fault = {.http_status = 503};
    ndc_fail(&fault, NDC_EBUSY, "server.busy", "the server is busy: try again");
    ndc_http_add_header(x, "Retry-After", NDC_STR("1"));
    write_fault(call, &fault);
    finish(call);
}

void ndc_dispatch_finished(void *ctx, struct ndc_http *x, bool sent)
{
    struct ndc_dispatch *d = ctx;
    struct ndc_call *call = x->user;
    int class = x->status / 100;
    int64_t ns = ndc_clock_mono_ns() - x->start_ns;
    if (class < 1 || class >= NDC_STATUS_CLASSES) class = 5;
    const struct ndc_route_entry *entry = call ? call->entry : NULL;
    ndc_counter_add(entry ? entry->counts[class] : d->unrouted[class], 1);
    if (entry && !x->source.next) ndc_histogram_observe_ns(entry->seconds, ns);
    if (d->options.log_requests)
        ndc_log(NDC_LOG_INFO, "http", "%s %s %d %.1f ms%s request=%s", x->client,
                entry ? entry->label : "-", x->status, (double)ns * 1e-6,
                sent ? "" : " (broken off)", x->id);
    if (call) ndc_grant_drop(call->grant);
}

/* What handlers ask of a request. */
#include "core/request.h"

#include "core/app.h"
#include "core/audit.h"
#include "core/call.h"
#include "core/platform.h"
#include "net/http.h"
#include "net/websocket.h"
#include "store/store.h"
#include "sys/log.h"

#include <unistd.h>

struct ndc_str ndc_request_param(const struct ndc_request *req, const char *name)
{
    const struct ndc_call *call = ndc_call_of(req);
    unsigned i = 0;
    while (i < call->entry->params_n && strcmp(call->entry->params[i], name) != 0)
        i++;
    NDC_ASSERT(i < call->entry->params_n);
    return call->params[i];
}

struct ndc_str ndc_request_query(const struct ndc_request *req, const char *name)
{
    const struct ndc_call *call = ndc_call_of(req);
    NDC_ASSERT(call->entry->query);
    size_t i = ndc_schema_find(call->entry->query, ndc_str(name));
    NDC_ASSERT(i != SIZE_MAX);
    return call->query[i];
}

int64_t ndc_request_query_i64(const struct ndc_request *req, const char *name,
                              int64_t absent)
{
    int64_t v;
    struct ndc_str text = ndc_request_query(req, name);
    return text.ptr && ndc_str_to_i64(text, &v) ? v : absent;
}

bool ndc_request_query_bool(const struct ndc_request *req, const char *name, bool absent)
{
    struct ndc_str text = ndc_request_query(req, name);
    return text.ptr ? ndc_str_eq_c(text, "true") : absent;
}

struct ndc_str ndc_request_header(const struct ndc_request *req, const char *name)
{
    return ndc_http_header(req->http, name);
}

struct ndc_str ndc_request_body(const struct ndc_request *req)
{
    NDC_ASSERT(req->http->body_fd < 0);
    struct ndc_str body = ndc_buf_str(&req->http->body);
    return body.ptr ? body : NDC_STR("");
}

enum ndc_err ndc_request_json(struct ndc_request *req, struct json_object **out,
                              struct ndc_fault *fault)
{
    struct ndc_call *call = ndc_call_of(req);
    if (!call->body) {
        enum ndc_err err = ndc_json_parse(&call->body, ndc_request_body(req), fault);
        if (err == NDC_OK && call->entry->request)
            err = ndc_schema_check(call->entry->request, call->body, fault);
        if (err != NDC_OK) return err;
    }
    *out = call->body;
    return NDC_OK;
}

enum ndc_err ndc_request_body_next(struct ndc_request *req, char *out, size_t size,
                                   size_t *len, struct ndc_fault *fault)
{
    struct ndc_call *call = ndc_call_of(req);
    struct ndc_http *x = req->http;
    if (x->body_fd < 0) {
        *len = NDC_MIN(size, x->body.len - call->body_at);
        if (*len) memcpy(out, x->body.ptr + call->body_at, *len);
        call->body_at += *len;
        return NDC_OK;
    }
    ssize_t n = read(x->body_fd, out, size);
    if (n < 0) return ndc_fail_errno(fault, "io.read", "read", "the spooled body");
    *len = (size_t)n;
    return NDC_OK;
}

enum ndc_err ndc_request_conn(struct ndc_request *req, struct ndc_store_conn **conn,
                              struct ndc_fault *fault)
{
    struct ndc_call *call = ndc_call_of(req);
    enum ndc_err err = NDC_OK;
    if (!call->conn)
        err = ndc_store_take(ndc_app_store(req->app), NDC_READ, &call->conn, fault);
    *conn = call->conn;
    return err;
}

void ndc_request_set_header(struct ndc_request *req, const char *name,
                            struct ndc_str value)
{
    for (const char *p = name; *p; p++)
        NDC_ASSERT(*p > ' ' && *p < 0x7f && *p != ':');
    if (!ndc_http_add_header(req->http, ndc_arena_cstr(req->arena, ndc_str(name)), value))
        ndc_log(NDC_LOG_WARN, "core", "request %s: header %s dropped", req->http->id,
                name);
}

void ndc_request_set_type(struct ndc_request *req, const char *content_type)
{
    req->http->content_type = content_type;
}

/* RFC 6266: an ASCII form for old clients and the UTF-8 form beside it. */
void ndc_request_set_download(struct ndc_request *req, struct ndc_str file_name)
{
    static const char digits[] = "0123456789ABCDEF";
    char *plain = ndc_arena_alloc(req->arena, file_name.len + 1);
    char *escaped = ndc_arena_alloc(req->arena, file_name.len * 3 + 1);
    size_t n = 0, m = 0;
    NDC_ASSERT(file_name.len < 1024 && plain && escaped);
    for (size_t i = 0; i < file_name.len; i++) {
        unsigned char c = (unsigned char)file_name.ptr[i];
        bool safe = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
        plain[n++] = safe ? (char)c : '_';
        if (safe) {
            escaped[m++] = (char)c;
            continue;
        }
        escaped[m++] = '%';
        escaped[m++] = digits[c >> 4];
        escaped[m++] = digits[c & 15];
    }
    ndc_request_set_header(
        req, "Content-Disposition",
        ndc_arena_printf(req->arena,
                         "attachment; filename=\"%.*s\"; filename*=UTF-8''%.*s", (int)n,
                         plain, (int)m, escaped));
}

void ndc_request_policy(const struct ndc_request *req, struct ndc_policy_request *out)
{
    const struct ndc_principal *who = req->principal;
    *out = (struct ndc_policy_request){
        .kind = who->kind,
        .principal = who->id,
        .agency = who->agency,
        .roles = who->roles,
        .role_count = who->roles_n,
        .entity_id = who->entity_id,
        .purpose = req->purpose,
        .legal_basis = req->legal_basis,
    };
}

static void add_subject(struct ndc_call *call, struct ndc_str subject)
{
    if (call->subjects_n == NDC_AUDIT_SUBJECTS_MAX) return;
    if (call->subjects_n == call->subjects_cap) {
        size_t cap = call->subjects_cap ? call->subjects_cap * 4 : 4;
        cap = NDC_MIN(cap, (size_t)NDC_AUDIT_SUBJECTS_MAX);
        struct ndc_str *more = NDC_ARENA_ARRAY(call->req.arena, struct ndc_str, cap);
        if (!more) return; /* overflow: the request fails */
        if (call->subjects_n)
            memcpy(more, call->subjects, call->subjects_n * sizeof(*more));
        call->subjects = more;
        call->subjects_cap = cap;
    }
    call->subjects[call->subjects_n++] = ndc_arena_str(call->req.arena, subject);
}

void ndc_request_audit(struct ndc_request *req, const char *action,
                       struct ndc_str subject, const struct ndc_policy_decision *decision)
{
    struct ndc_call *call = ndc_call_of(req);
    call->action = action;
    if (subject.len) add_subject(call, subject);
    if (!decision) return;
    for (size_t i = 0; i < NDC_ARRAY_LEN(call->fields.w); i++)
        call->fields.w[i] |= decision->shown.w[i] | decision->masked.w[i];
    if (!call->decided) {
        call->decided = true;
        call->outcome = decision->outcome;
        call->rule = ndc_arena_str(req->arena, ndc_str(decision->rule));
    } else if (call->outcome != decision->outcome) {
        call->outcome = NDC_POLICY_PARTIAL;
    }
}

void ndc_request_audit_detail(struct ndc_request *req, struct ndc_str detail)
{
    ndc_call_of(req)->detail = ndc_arena_str(req->arena, detail);
}

static bool next_piece(void *arg, struct ndc_buf *out, bool *end)
{
    struct ndc_call *call = arg;
    struct ndc_fault fault = {0};
    if (call->stream_next(call->stream, out, end, &fault) == NDC_OK) return true;
    ndc_log(NDC_LOG_ERROR, call->entry->platform->code, "request %s: stream cut: %s: %s",
            call->req.http->id, fault.code, fault.message);
    return false;
}

static void stream_done(void *arg)
{
    struct ndc_call *call = arg;
    if (call->stream_done) call->stream_done(call->stream);
}

void ndc_request_stream(struct ndc_request *req, void *ctx,
                        enum ndc_err (*next)(void *ctx, struct ndc_buf *out, bool *end,
                                             struct ndc_fault *fault),
                        void (*done)(void *ctx))
{
    struct ndc_call *call = ndc_call_of(req);
    call->stream = ctx;
    call->stream_next = next;
    call->stream_done = done;
    req->http->source =
        (struct ndc_http_source){.ctx = call, .next = next_piece, .done = stream_done};
}

bool ndc_request_websocket(struct ndc_request *req, const struct ndc_ws_handler *handler)
{
    if (!ndc_ws_accept(req->http, handler)) return false;
    req->status = 101;
    return true;
}

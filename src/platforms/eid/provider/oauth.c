/* Answers of the OAuth endpoints (oauth.h). */
#include "platforms/eid/provider/oauth.h"

#include <stdio.h>

enum ndc_err eid_refuse(struct ndc_fault *fault, const char *code, const char *format,
                        ...)
{
    char text[NDC_FAULT_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    bool who = strcmp(code, "invalid_client") == 0 ||
               strcmp(code, "invalid_token") == 0 ||
               strcmp(code, "invalid_dpop_proof") == 0;
    if (fault && !fault->err) fault->http_status = who ? 401 : 400;
    if (fault && strcmp(code, "invalid_dpop_proof") == 0) fault->http_status = 400;
    return ndc_fail(fault, who ? NDC_EAUTH : NDC_EINPUT, code, "%s", text);
}

struct ndc_str eid_plain(struct ndc_arena *arena, const char *message)
{
    struct ndc_str out = ndc_arena_str(arena, ndc_str(message));
    char *at = (char *)(uintptr_t)out.ptr;
    for (size_t i = 0; i < out.len; i++) {
        unsigned char c = (unsigned char)at[i];
        if (c == '"') at[i] = '\'';
        if (c == '\\' || c < 0x20 || c > 0x7e) at[i] = '.';
    }
    return out;
}

enum ndc_err eid_oauth_answer(struct ndc_request *req, enum ndc_err err,
                              struct ndc_fault *fault)
{
    if (err == NDC_OK || !fault || strchr(fault->code, '.')) return err;
    struct ndc_str text = eid_plain(req->arena, fault->message);
    req->status = fault->http_status ? fault->http_status : 400;
    if (err == NDC_EDENIED && !fault->http_status) req->status = 403;
    if (req->status == 401 && strcmp(fault->code, "invalid_client") == 0)
        ndc_request_set_header(req, "WWW-Authenticate",
                               NDC_STR("Basic realm=\"ndc eid\""));
    ndc_buf_reset(req->out);
    ndc_json_init(&req->json, req->out);
    ndc_json_object(&req->json);
    ndc_json_kv_c(&req->json, "error", fault->code);
    ndc_json_kv_str(&req->json, "error_description", text);
    ndc_json_end(&req->json);
    ndc_request_set_type(req, "application/json");
    *fault = (struct ndc_fault){0};
    return NDC_OK;
}

void eid_open_to_pages(struct ndc_request *req)
{
    if (!ndc_request_header(req, "Origin").ptr) return;
    ndc_request_set_header(req, "Access-Control-Allow-Origin", NDC_STR("*"));
    ndc_request_set_header(req, "Access-Control-Expose-Headers",
                           NDC_STR("WWW-Authenticate, DPoP-Nonce"));
}

enum ndc_err eid_preflight(struct ndc_request *req, struct ndc_fault *fault)
{
    (void)fault;
    eid_open_to_pages(req);
    ndc_request_set_header(req, "Access-Control-Allow-Methods",
                           NDC_STR("GET, POST, OPTIONS"));
    ndc_request_set_header(req, "Access-Control-Allow-Headers",
                           NDC_STR("Authorization, Content-Type, DPoP"));
    ndc_request_set_header(req, "Access-Control-Max-Age", NDC_STR("3600"));
    return NDC_OK;
}

void eid_redirect(struct ndc_request *req, struct ndc_str location)
{
    ndc_buf_reset(req->out);
    ndc_json_init(&req->json, req->out);
    ndc_request_set_header(req, "Location", location);
    req->status = 303;
}

void eid_url_add(struct ndc_buf *url, const char *name, struct ndc_str value)
{
    static const char digits[] = "0123456789ABCDEF";
    if (!value.ptr) return;
    bool first = !memchr(url->ptr, '?', url->len);
    ndc_buf_add_byte(url, first ? '?' : '&');
    ndc_buf_add_c(url, name);
    ndc_buf_add_byte(url, '=');
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        bool safe = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                    (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_' ||
                    c == '~';
        if (safe) {
            ndc_buf_add_byte(url, (char)c);
            continue;
        }
        ndc_buf_add_byte(url, '%');
        ndc_buf_add_byte(url, digits[c >> 4]);
        ndc_buf_add_byte(url, digits[c & 15]);
    }
}

enum ndc_err eid_form(struct ndc_request *req, struct eid_params *out,
                      struct ndc_fault *fault)
{
    return eid_params_read(out, req->arena, ndc_request_body(req), fault);
}

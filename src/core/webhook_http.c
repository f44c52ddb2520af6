/* Webhooks over HTTP: subscribe, look, test, rotate the secret, send again. A secret is
 * shown once, in the answer that made it. */
#include "core/app.h"
#include "core/webhook_internal.h"
#include "core/webhook_sign.h"
#include "crypto/token.h"
#include "net/client.h"
#include "sys/clock.h"

enum { TEXT_BYTES_MAX = 64 << 10, LIST_BYTES = NDC_WEBHOOKS_MAX * 16 * 1024 };

static struct ndc_webhooks *hooks_of(const struct ndc_request *req)
{
    return ndc_app_webhooks(req->app);
}

static void write_webhook(struct ndc_json *j, const struct ndc_webhook *w)
{
    ndc_json_kv_str(j, "id", w->id);
    ndc_json_kv_str(j, "source", w->source);
    ndc_json_kv_str(j, "url", w->url);
    ndc_json_kv_str(j, "title", w->title);
    ndc_json_kv_str(j, "state", w->state);
    ndc_json_kv_str(j, "reason", w->reason.len ? w->reason : NDC_STR_NULL);
    ndc_json_key(j, "filter");
    if (w->filter.len)
        ndc_json_raw(j, w->filter);
    else
        ndc_json_null(j);
    ndc_json_kv_str(j, "principal", w->principal);
    ndc_json_kv_str(j, "purpose", w->purpose);
    ndc_json_kv_time(j, "created_at", w->created_ms);
    ndc_json_kv_i64(j, "seq", w->seq);
    ndc_json_kv_i64(j, "pending_attempts", w->attempts);
    ndc_json_kv_time(j, "next_at", w->attempts ? w->next_ms : 0);
    ndc_json_kv_i64(j, "delivered", w->delivered);
    ndc_json_kv_i64(j, "failed", w->failed);
    ndc_json_kv_i64(j, "dead", w->dead);
    ndc_json_kv_time(j, "last_at", w->last_ms);
    ndc_json_kv_i64(j, "last_status", w->last_status);
    ndc_json_kv_str(j, "last_error", w->last_error.len ? w->last_error : NDC_STR_NULL);
    ndc_json_kv_time(j, "old_secret_until",
                     w->old_until_ms > ndc_clock_wall_ms() ? w->old_until_ms : 0);
}

static enum ndc_err list_sources(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_json *j = &req->json;
    const struct ndc_webhook_source *s;
    (void)fault;
    ndc_json_object(j);
    ndc_json_key(j, "sources");
    ndc_json_array(j);
    for (size_t i = 0; (s = ndc_webhook_source_at(hooks_of(req), i)); i++) {
        ndc_json_object(j);
        ndc_json_kv_c(j, "name", s->name);
        ndc_json_key(j, "title");
        ndc_json_object(j);
        ndc_json_kv_c(j, "vi", s->title_vi);
        ndc_json_kv_c(j, "en", s->title_en);
        ndc_json_end(j);
        ndc_json_end(j);
    }
    ndc_json_end(j);
    ndc_json_end(j);
    return NDC_OK;
}

static enum ndc_err list_webhooks(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_webhook_list list;
    struct ndc_store_conn *conn;
    struct ndc_json *j = &req->json;
    NDC_TRY(ndc_request_conn(req, &conn, fault));
    NDC_TRY(ndc_webhook_read_all(conn, req->arena, &list, fault));
    ndc_json_object(j);
    ndc_json_key(j, "webhooks");
    ndc_json_array(j);
    for (size_t i = 0; i < list.n; i++) {
        ndc_json_object(j);
        write_webhook(j, &list.items[i]);
        ndc_json_end(j);
    }
    ndc_json_end(j);
    ndc_json_end(j);
    return NDC_OK;
}

static enum ndc_err find(struct ndc_request *req, struct ndc_webhook *w,
                         struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    NDC_TRY(ndc_request_conn(req, &conn, fault));
    return ndc_webhook_read(conn, req->arena, ndc_request_param(req, "id"), w, fault);
}

static enum ndc_err get_webhook(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_webhook w;
    struct ndc_store_conn *conn;
    NDC_TRY(find(req, &w, fault));
    NDC_TRY(ndc_request_conn(req, &conn, fault));
    ndc_json_object(&req->json);
    write_webhook(&req->json, &w);
    NDC_TRY(ndc_webhook_write_log(&req->json, conn, w.id, fault));
    ndc_json_end(&req->json);
    return NDC_OK;
}

static enum ndc_err check_url(struct ndc_webhooks *h, const char *url,
                              struct ndc_fault *fault)
{
    bool private = ndc_webhooks_private(h);
    struct ndc_str text = ndc_str(url);
    bool tls = ndc_str_starts(text, NDC_STR("https://"));
    bool plain = ndc_str_starts(text, NDC_STR("http://"));
    size_t at = ndc_str_find(text, '@');
    if (!tls && !(private && plain))
        return ndc_fail_at(fault, NDC_EINPUT, "webhook.url", "/url", 0,
                           "an endpoint is an https:// URL");
    if (at < text.len || ndc_str_find(text, '#') < text.len)
        return ndc_fail_at(fault, NDC_EINPUT, "webhook.url", "/url", 0,
                           "an endpoint's URL has no user name and no fragment");
    enum ndc_err err = ndc_client_check(url, !private, fault);
    if (!err || !fault) return err;
    fault->http_status = 400; /* what was typed cannot be called */
    memcpy(fault->field, "/url", sizeof("/url"));
    return err;
}

/* Seals a new secret for the id; the text goes to the answer. */
static struct ndc_str make_secret(struct ndc_request *req, struct ndc_str id,
                                  struct ndc_str *sealed)
{
    char secret[NDC_WEBHOOK_SECRET_MAX];
    struct ndc_buf box;
    ndc_webhook_secret_make(secret);
    ndc_buf_init(&box, TEXT_BYTES_MAX);
    ndc_seal_add(ndc_webhooks_seal(hooks_of(req)), &box, id, ndc_str(secret));
    *sealed = ndc_arena_str(req->arena, ndc_buf_str(&box));
    ndc_buf_free(&box);
    struct ndc_str out = ndc_arena_str(req->arena, ndc_str(secret));
    ndc_secret_wipe(secret, sizeof(secret));
    return out;
}

static struct ndc_str or_empty(struct ndc_request *req, struct ndc_str s)
{
    return s.ptr ? ndc_arena_str(req->arena, s) : NDC_STR("");
}

static enum ndc_err subscribe(struct ndc_request *req,
                              const struct ndc_webhook_source *source,
                              struct json_object *filter, struct ndc_webhook *w,
                              struct ndc_fault *fault)
{
    struct ndc_buf granted;
    if (!ndc_principal_may(req->principal, source->permission))
        return ndc_fail(fault, NDC_EDENIED, "auth.permission",
                        "this needs the permission %s", source->permission);
    ndc_buf_init(&granted, TEXT_BYTES_MAX);
    enum ndc_err err = source->subscribe(source->arg, req, filter, &granted, fault);
    if (!err) w->granted = or_empty(req, ndc_buf_str(&granted));
    ndc_buf_free(&granted);
    if (!err) err = source->last(source->arg, &w->seq, fault);
    return err;
}

static enum ndc_err post_webhook(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_webhooks *h = hooks_of(req);
    struct json_object *body;
    struct ndc_webhook w = {.created_ms = ndc_clock_wall_ms()};
    char id[NDC_WEBHOOK_ID_LEN + 1];
    ndc_request_audit(req, "webhook.create", NDC_STR_NULL, NULL);
    NDC_TRY(ndc_request_json(req, &body, fault));
    struct json_object *filter = ndc_json_get(body, "filter");
    const struct ndc_webhook_source *source =
        ndc_webhook_source_find(h, ndc_json_get_str(body, "source"));
    if (!source)
        return ndc_fail_at(fault, NDC_EINPUT, "webhook.source", "/source", 0,
                           "there is no such feed; GET /api/webhooks/sources lists them");
    ndc_token_id(id, NDC_WEBHOOK_ID_LEN);
    w.id = ndc_str(id);
    w.source = ndc_str(source->name);
    w.url = or_empty(req, ndc_json_get_str(body, "url"));
    w.title = or_empty(req, ndc_json_get_str(body, "title"));
    NDC_TRY(check_url(h, ndc_arena_cstr(req->arena, w.url), fault));
    NDC_TRY(subscribe(req, source, filter, &w, fault));
    w.filter =
        filter ? or_empty(req, ndc_str(json_object_to_json_string(filter))) : NDC_STR("");
    w.principal = req->principal->id;
    w.agency = or_empty(req, req->principal->agency);
    w.purpose = or_empty(req, req->purpose);
    w.legal_basis = or_empty(req, req->legal_basis);
    struct ndc_str secret = make_secret(req, w.id, &w.secret);
    NDC_TRY(ndc_webhook_insert(ndc_app_store(req->app), &w, fault));
    enum ndc_err err = ndc_webhooks_know(h, w.id, fault);
    if (err) {
        struct ndc_fault ignored = {0};
        enum ndc_err undone = ndc_webhook_delete(ndc_app_store(req->app), w.id, &ignored);
        (void)undone; /* the first failure is told */
        return err;
    }
    ndc_request_audit_detail(req, ndc_arena_printf(req->arena, "webhook=%s", id));
    ndc_json_object(&req->json);
    ndc_json_kv_c(&req->json, "id", id);
    ndc_json_kv_str(&req->json, "secret", secret);
    ndc_json_kv_i64(&req->json, "seq", w.seq);
    ndc_json_end(&req->json);
    return NDC_OK;
}

static void note(struct ndc_request *req, const char *action)
{
    ndc_request_audit(req, action, NDC_STR_NULL, NULL);
    ndc_request_audit_detail(req,
                             ndc_arena_printf(req->arena, "webhook=%.*s",
                                              NDC_STR_FMT(ndc_request_param(req, "id"))));
}

static enum ndc_err delete_webhook(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_str id = ndc_request_param(req, "id");
    note(req, "webhook.delete");
    NDC_TRY(ndc_webhook_delete(ndc_app_store(req->app), id, fault));
    ndc_webhooks_forget(hooks_of(req), id);
    return NDC_OK;
}

static enum ndc_err post_state(struct ndc_request *req, struct ndc_fault *fault)
{
    struct json_object *body;
    struct ndc_str id = ndc_request_param(req, "id");
    NDC_TRY(ndc_request_json(req, &body, fault));
    bool active = ndc_str_eq_c(ndc_json_get_str(body, "state"), "active");
    note(req, active ? "webhook.resume" : "webhook.pause");
    NDC_TRY(ndc_webhook_set_state(ndc_app_store(req->app), id,
                                  active ? "active" : "paused", NDC_STR(""), fault));
    NDC_TRY(ndc_webhooks_know(hooks_of(req), id, fault));
    ndc_json_object(&req->json);
    ndc_json_kv_c(&req->json, "state", active ? "active" : "paused");
    ndc_json_end(&req->json);
    return NDC_OK;
}

static enum ndc_err post_secret(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_webhook w;
    struct ndc_str sealed;
    int64_t until = ndc_clock_wall_ms() + NDC_WEBHOOK_ROTATE_MS;
    note(req, "webhook.secret");
    NDC_TRY(find(req, &w, fault));
    struct ndc_str secret = make_secret(req, w.id, &sealed);
    NDC_TRY(ndc_webhook_set_secret(ndc_app_store(req->app), w.id, sealed, until, fault));
    ndc_json_object(&req->json);
    ndc_json_kv_str(&req->json, "secret", secret);
    ndc_json_kv_time(&req->json, "old_secret_until", until);
    ndc_json_end(&req->json);
    return NDC_OK;
}

static enum ndc_err post_test(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_webhook w;
    struct ndc_webhook_attempt a;
    note(req, "webhook.test");
    NDC_TRY(find(req, &w, fault));
    NDC_TRY(ndc_webhooks_test(hooks_of(req), &w, req->arena, &a, fault));
    ndc_json_object(&req->json);
    ndc_json_kv_bool(&req->json, "good", a.status >= 200 && a.status <= 299);
    ndc_json_kv_i64(&req->json, "status", a.status);
    ndc_json_kv_i64(&req->json, "took_ms", a.took_ms);
    ndc_json_kv_str(&req->json, "error", a.error);
    ndc_json_kv_str(&req->json, "message", a.message);
    ndc_json_end(&req->json);
    return NDC_OK;
}

static enum ndc_err post_retry(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_str id = ndc_request_param(req, "id");
    note(req, "webhook.retry");
    NDC_TRY(ndc_webhook_revive(ndc_app_store(req->app), id,
                               ndc_request_param(req, "message"), fault));
    NDC_TRY(ndc_webhooks_know(hooks_of(req), id, fault));
    ndc_json_object(&req->json);
    ndc_json_kv_bool(&req->json, "queued", true);
    ndc_json_end(&req->json);
    return NDC_OK;
}

#define WEBHOOK                                                                   \
    "id:string,source:string,url:string,title:string,state:(active|paused|gone)," \
    "reason:string|null,filter:any,principal:string,purpose:string,"              \
    "created_at:time|null,seq:int,pending_attempts:int,next_at:time|null,"        \
    "delivered:int,failed:int,dead:int,last_at:time|null,last_status:int,"        \
    "last_error:string|null,old_secret_until:time|null"
#define TAG "Webhooks"

const struct ndc_route ndc_webhook_routes[NDC_WEBHOOK_ROUTES] = {
    {.method = "GET",
     .path = "/api/webhooks",
     .permission = "core.webhooks",
     .flags = NDC_ROUTE_SLOW,
     .handler = list_webhooks,
     .response = "{webhooks:[{" WEBHOOK "}]}",
     .summary = "Subscriptions and how their deliveries go",
     .tag = TAG},
    {.method = "GET",
     .path = "/api/webhooks/sources",
     .permission = "core.webhooks",
     .handler = list_sources,
     .response = "{sources:[{name:string,title:{vi:string,en:string}}]}",
     .summary = "Feeds that can be subscribed to",
     .tag = TAG},
    {.method = "POST",
     .path = "/api/webhooks",
     .permission = "core.webhooks",
     .flags = NDC_ROUTE_PERSONAL | NDC_ROUTE_SLOW,
     .handler = post_webhook,
     .request = "{source:string[1..64],url:string[1..2048],title?:string[..200],"
                "filter?:any}",
     .response = "{id:string,secret:string,seq:int}",
     .success = 201,
     .summary = "Subscribe a URL to a feed, from now on; the secret is shown this once",
     .tag = TAG},
    {.method = "GET",
     .path = "/api/webhooks/{id}",
     .permission = "core.webhooks",
     .flags = NDC_ROUTE_SLOW,
     .handler = get_webhook,
     .response = "{" WEBHOOK ",attempts:[any],dead_letters:[any]}",
     .summary = "A subscription, its last attempts, its dead letters",
     .tag = TAG},
    {.method = "DELETE",
     .path = "/api/webhooks/{id}",
     .permission = "core.webhooks",
     .flags = NDC_ROUTE_SLOW,
     .handler = delete_webhook,
     .success = 204,
     .summary = "End a subscription",
     .tag = TAG},
    {.method = "POST",
     .path = "/api/webhooks/{id}/state",
     .permission = "core.webhooks",
     .flags = NDC_ROUTE_SLOW,
     .handler = post_state,
     .request = "{state:(active|paused)}",
     .response = "{state:string}",
     .summary = "Pause a subscription, or go on where it stopped",
     .tag = TAG},
    {.method = "POST",
     .path = "/api/webhooks/{id}/secret",
     .permission = "core.webhooks",
     .flags = NDC_ROUTE_SLOW,
     .handler = post_secret,
     .response = "{secret:string,old_secret_until:time}",
     .summary = "A new secret; for a day both sign",
     .tag = TAG},
    {.method = "POST",
     .path = "/api/webhooks/{id}/test",
     .permission = "core.webhooks",
     .flags = NDC_ROUTE_SLOW,
     .handler = post_test,
     .response = "{good:bool,status:int,took_ms:int,error:string|null,message:string}",
     .summary = "Call the endpoint once, now, and say how it went",
     .tag = TAG},
    {.method = "POST",
     .path = "/api/webhooks/{id}/dead/{message}/retry",
     .permission = "core.webhooks",
     .flags = NDC_ROUTE_SLOW,
     .handler = post_retry,
     .response = "{queued:bool}",
     .summary = "Send a dead letter again",
     .tag = TAG},
};

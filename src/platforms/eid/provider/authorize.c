/* The authorization endpoint (OpenID Core, 3.1.2; RFC 6749, 4.1): a request is answered
 * at once where the session and an earlier consent suffice; else the person is asked and
 * the browser comes back to /eid/authorize/resume. */
#include "platforms/eid/provider/authorize.h"

#include "crypto/token.h"
#include "net/http.h"
#include "platforms/eid/provider/client_auth.h"
#include "platforms/eid/provider/client_use.h"
#include "platforms/eid/provider/dpop.h"
#include "platforms/eid/provider/grant.h"
#include "platforms/eid/provider/mint.h"
#include "platforms/eid/provider/oauth.h"
#include "platforms/eid/signin.h"
#include "sys/clock.h"

enum { REQUEST_BYTES_MAX = 256 << 10, URL_BYTES_MAX = 64 << 10 };

#define PAR_PREFIX "urn:ietf:params:oauth:request_uri:"

/* ---- answers ---- */

static void go_back(struct ndc_request *req, const struct eid_authz *a, const char *name,
                    struct ndc_str value, struct ndc_str description)
{
    struct ndc_buf url;
    ndc_buf_init(&url, URL_BYTES_MAX);
    ndc_buf_add_str(&url, a->redirect_uri);
    eid_url_add(&url, name, value);
    if (description.len) eid_url_add(&url, "error_description", description);
    if (a->state.len) eid_url_add(&url, "state", a->state);
    eid_url_add(&url, "iss", ndc_eid_of(req)->issuer);
    eid_redirect(req, ndc_buf_str(&url));
    ndc_buf_free(&url);
}

/* To the client where its redirect_uri is known to be its own, else to a page of ours. */
static enum ndc_err tell(struct ndc_request *req, const struct eid_authz *a,
                         bool redirect, enum ndc_err err, struct ndc_fault *fault)
{
    struct ndc_buf url;
    if (err && a->client) eid_use(ndc_eid_of(req), a->client->id, "authorize", fault);
    if (!err || strchr(fault->code, '.')) return err;
    if (redirect) {
        go_back(req, a, "error", ndc_arena_str(req->arena, ndc_str(fault->code)),
                eid_plain(req->arena, fault->message));
    } else {
        ndc_buf_init(&url, URL_BYTES_MAX);
        ndc_buf_add_c(&url, "/eid/error");
        eid_url_add(&url, "error", ndc_str(fault->code));
        eid_url_add(&url, "detail", ndc_str(fault->message));
        eid_redirect(req, ndc_buf_str(&url));
        ndc_buf_free(&url);
    }
    *fault = (struct ndc_fault){0};
    return NDC_OK;
}

/* ---- where the request comes from ---- */

/* What POST /eid/par kept. Read at every visit of a browser, which may come twice with
 * it; used up in the write of whoever ends the sign-in first. */
static enum ndc_err read_pushed(struct ndc_request *req, struct eid_authz *a,
                                struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    struct ndc_str request = NDC_STR_NULL;
    uint8_t hash[NDC_EID_HASH_BYTES];
    if (!ndc_str_starts(a->pushed, NDC_STR(PAR_PREFIX)))
        return eid_refuse(fault, "invalid_request_uri",
                          "request_uri is one that POST /eid/par has given");
    ndc_token_hash(hash, ndc_str_from(a->pushed, sizeof(PAR_PREFIX) - 1));
    NDC_TRY(ndc_store_take(ndc_eid_of(req)->store, NDC_READ, &conn, fault));
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT request FROM eid_par WHERE par = $1 AND client = $2 AND open_ms > $3",
        NDC_ARGS(ndc_blob(ndc_str_n((const char *)hash, sizeof(hash))),
                 ndc_text(a->client->id), ndc_int(ndc_clock_wall_ms())));
    if (ndc_rows_next(rows)) request = ndc_arena_str(req->arena, ndc_rows_text(rows, 0));
    enum ndc_err err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    if (err) return err;
    if (!request.ptr)
        return eid_refuse(fault, "invalid_request_uri",
                          "the request_uri is over, was used, or is another client's");
    return eid_params_parse(&a->params, req->arena, request, fault);
}

static enum ndc_err use_up(struct ndc_store_conn *conn, void *arg,
                           struct ndc_fault *fault)
{
    const struct ndc_str *pushed = arg;
    uint8_t hash[NDC_EID_HASH_BYTES];
    int64_t changes = 0;
    ndc_token_hash(hash, ndc_str_from(*pushed, sizeof(PAR_PREFIX) - 1));
    NDC_TRY(ndc_sql_exec(conn, "DELETE FROM eid_par WHERE par = $1",
                         NDC_ARGS(ndc_blob(ndc_str_n((const char *)hash, sizeof(hash)))),
                         &changes, fault));
    return changes ? NDC_OK
                   : eid_refuse(fault, "invalid_request_uri",
                                "another sign-in by this request_uri has ended: go back "
                                "to the service and begin again");
}

static enum ndc_err give_code(struct ndc_request *req, const struct eid_authz *a,
                              const struct eid_signed_in *by, struct ndc_fault *fault)
{
    const struct eid_given given = {.account = by->account,
                                    .sid = by->sid,
                                    .scope = a->scope,
                                    .claims = a->claims,
                                    .acr = by->acr,
                                    .amr = by->amr,
                                    .nonce = a->nonce,
                                    .redirect_uri = a->redirect_uri,
                                    .challenge = a->challenge,
                                    .jkt = a->jkt,
                                    .details = a->details,
                                    .auth_ms = by->auth_ms};
    char code[48];
    struct ndc_str pushed = a->pushed;
    if (pushed.len)
        NDC_TRY(ndc_store_write(ndc_eid_of(req)->store, use_up, &pushed, fault));
    NDC_TRY(eid_code_make(ndc_eid_of(req), code, a->client, &given, fault));
    eid_use(ndc_eid_of(req), a->client->id, "authorize", NULL);
    go_back(req, a, "code", ndc_str(code), NDC_STR(""));
    return NDC_OK;
}

/* ---- deciding ---- */

static bool acr_fits(const struct eid_authz *a, struct ndc_str acr)
{
    struct ndc_str least =
        eid_acr_least(a->acr_essential.len ? a->acr_essential : a->acr_values);
    return !least.len || eid_acr_level(acr) >= eid_acr_level(least);
}

static bool is_meant(struct ndc_request *req, const struct eid_authz *a,
                     const struct eid_signed_in *by)
{
    char sub[EID_SUB_TEXT];
    if (!a->hint_sub.len) return true;
    eid_subject(ndc_eid_of(req), sub, a->client, by->account);
    return ndc_str_eq_c(a->hint_sub, sub);
}

static bool session_fits(struct ndc_request *req, const struct eid_authz *a,
                         const struct eid_signed_in *by)
{
    int64_t now = ndc_clock_wall_ms();
    if (!by->account.ptr || a->prompt & EID_PROMPT_LOGIN) return false;
    if (a->max_age_s >= 0 && by->auth_ms + a->max_age_s * 1000 < now) return false;
    return acr_fits(a, by->acr) && is_meant(req, a, by);
}

static enum ndc_err ask(struct ndc_request *req, const struct eid_authz *a,
                        struct ndc_fault *fault)
{
    const struct eid_client *c = a->client;
    struct ndc_str id = NDC_STR_NULL;
    struct ndc_buf request, url;
    struct ndc_json j;
    int64_t now = ndc_clock_wall_ms();
    ndc_buf_init(&request, REQUEST_BYTES_MAX);
    ndc_json_init(&j, &request);
    ndc_json_object(&j);
    ndc_json_kv_str(&j, "pushed", a->pushed);
    ndc_json_key(&j, "params");
    eid_params_write(&j, &a->params);
    ndc_json_end(&j);
    struct eid_ask ask = {
        .kind = "authorize",
        .client = c->id,
        .client_name = c->name,
        .client_uri = c->uri,
        .policy_uri = c->policy_uri,
        .tos_uri = c->tos_uri,
        .logo_uri = c->logo_uri,
        .scopes = a->scope,
        .claims = a->claim_names,
        .purpose = c->purpose,
        .acr = eid_acr_least(a->acr_essential.len ? a->acr_essential : a->acr_values),
        .login_hint = a->login_hint,
        .details = a->details,
        /* What is agreed to in detail is agreed to each time. */
        .ask_consent = a->prompt & EID_PROMPT_CONSENT || a->details.len,
        .request = ndc_buf_str(&request),
        .resume = NDC_STR("/eid/authorize/resume"),
        .auth_after_ms = a->prompt & EID_PROMPT_LOGIN ? now
                         : a->max_age_s >= 0          ? now - a->max_age_s * 1000
                                                      : 0};
    enum ndc_err err =
        request.failed ? eid_refuse(fault, "invalid_request", "the request is too long")
                       : eid_interaction_begin(req, &ask, &id, fault);
    ndc_buf_free(&request);
    if (err) return err;
    ndc_buf_init(&url, URL_BYTES_MAX);
    ndc_buf_add_c(&url, "/eid/sign-in");
    eid_url_add(&url, "interaction", id);
    eid_redirect(req, ndc_buf_str(&url));
    ndc_buf_free(&url);
    return NDC_OK;
}

static enum ndc_err decide(struct ndc_request *req, const struct eid_authz *a,
                           struct ndc_fault *fault)
{
    struct eid_signed_in by;
    bool agreed = false;
    NDC_TRY(eid_signed_in(req, &by, fault));
    bool signed_in = session_fits(req, a, &by);
    if (!signed_in && a->prompt & EID_PROMPT_NONE)
        return eid_refuse(fault, "login_required",
                          "nobody is signed in as the request asks, and prompt is none");
    if (signed_in && !(a->prompt & EID_PROMPT_CONSENT) && !a->details.len)
        NDC_TRY(eid_consent_covers(ndc_eid_of(req), by.account, a->client->id, a->scope,
                                   a->claim_names, &agreed, fault));
    if (signed_in && agreed) return give_code(req, a, &by, fault);
    if (a->prompt & EID_PROMPT_NONE)
        return eid_refuse(fault, "consent_required",
                          "the person has not agreed yet, and prompt is none");
    return ask(req, a, fault);
}

static enum ndc_err prepare(struct ndc_request *req, struct eid_authz *a, bool *redirect,
                            struct ndc_fault *fault)
{
    struct ndc_eid *eid = ndc_eid_of(req);
    struct ndc_str id = eid_param(&a->params, "client_id");
    struct ndc_str uri = eid_param(&a->params, "request_uri");
    bool pushed = uri.len > 0;
    a->pushed = uri;
    if (!id.len) return eid_refuse(fault, "invalid_request", "client_id is missing");
    NDC_TRY(eid_client_take(eid, &a->client, id, fault));
    if (pushed)
        NDC_TRY(read_pushed(req, a, fault));
    else {
        struct ndc_str outer = eid_param(&a->params, "redirect_uri");
        a->state = eid_param(&a->params, "state");
        *redirect = outer.len && eid_uri_registered(&a->client->redirect, outer);
        if (*redirect) a->redirect_uri = outer;
        NDC_TRY(eid_authz_object(eid, req->arena, a, fault));
    }
    return eid_authz_check(eid, req->arena, a, pushed, redirect, fault);
}

static enum ndc_err authorize(struct ndc_request *req, struct ndc_str text,
                              struct ndc_fault *fault)
{
    struct eid_authz *a = NDC_ARENA_NEW(req->arena, struct eid_authz);
    bool redirect = false;
    enum ndc_err err = eid_params_read(&a->params, req->arena, text, fault);
    if (!err) err = prepare(req, a, &redirect, fault);
    if (!err) err = decide(req, a, fault);
    err = tell(req, a, redirect, err, fault);
    eid_client_unref(a->client);
    return err;
}

enum ndc_err eid_get_authorize(struct ndc_request *req, struct ndc_fault *fault)
{
    return authorize(req, req->http->query, fault);
}

enum ndc_err eid_post_authorize(struct ndc_request *req, struct ndc_fault *fault)
{
    return authorize(req, ndc_request_body(req), fault);
}

/* ---- coming back ---- */

/* What `ask` had the interaction keep. */
static enum ndc_err read_kept(struct ndc_request *req, struct eid_authz *a,
                              struct ndc_str text, struct ndc_fault *fault)
{
    struct json_object *kept;
    NDC_TRY(ndc_json_parse(&kept, text, fault));
    a->pushed = ndc_arena_str(req->arena, ndc_json_get_str(kept, "pushed"));
    enum ndc_err err =
        eid_params_take(&a->params, req->arena, ndc_json_get(kept, "params"), fault);
    json_object_put(kept);
    return err;
}

static enum ndc_err finish(struct ndc_request *req, struct eid_authz *a,
                           const struct eid_answer *answer, bool *redirect,
                           struct ndc_fault *fault)
{
    struct ndc_eid *eid = ndc_eid_of(req);
    NDC_TRY(eid_client_take(eid, &a->client, answer->client, fault));
    NDC_TRY(read_kept(req, a, answer->request, fault));
    NDC_TRY(eid_authz_check(eid, req->arena, a, true, redirect, fault));
    if (!answer->allowed)
        return eid_refuse(fault, "access_denied", "the person has refused");
    if (!is_meant(req, a, &answer->by))
        return eid_refuse(fault, "login_required",
                          "another person signed in than id_token_hint names");
    if (!acr_fits(a, answer->by.acr))
        return eid_refuse(fault, "unmet_authentication_requirements",
                          "the level that was asked for was not reached");
    return give_code(req, a, &answer->by, fault);
}

enum ndc_err eid_get_resume(struct ndc_request *req, struct ndc_fault *fault)
{
    struct eid_authz *a = NDC_ARENA_NEW(req->arena, struct eid_authz);
    struct eid_params query;
    struct eid_answer answer = {.allowed = false};
    bool redirect = false;
    enum ndc_err err = eid_params_read(&query, req->arena, req->http->query, fault);
    if (!err)
        err = eid_interaction_take(req, eid_param(&query, "interaction"), "authorize",
                                   &answer, fault);
    if (err == NDC_ENOTFOUND) {
        *fault = (struct ndc_fault){0};
        err = eid_refuse(fault, "invalid_request",
                         "this sign-in is over: go back to the service and begin again");
    }
    if (!err) err = finish(req, a, &answer, &redirect, fault);
    err = tell(req, a, redirect, err, fault);
    eid_client_unref(a->client);
    return err;
}

/* ---- pushed requests (RFC 9126) ---- */

struct pushing {
    uint8_t hash[NDC_EID_HASH_BYTES];
    struct ndc_str client, request;
};

static enum ndc_err insert_pushed(struct ndc_store_conn *conn, void *arg,
                                  struct ndc_fault *fault)
{
    const struct pushing *p = arg;
    int64_t now = ndc_clock_wall_ms();
    NDC_TRY(eid_sweep(conn, "eid_par", now, fault));
    return ndc_sql_exec(
        conn,
        "INSERT INTO eid_par (par, client, request, open_ms, expires_ms) VALUES ($1, $2, "
        "$3, $4, $5)",
        NDC_ARGS(ndc_blob(ndc_str_n((const char *)p->hash, sizeof(p->hash))),
                 ndc_text(p->client), ndc_text(p->request),
                 ndc_int(now + EID_PAR_S * 1000), ndc_int(now + EID_PAR_KEPT_S * 1000)),
        NULL, fault);
}

static enum ndc_err keep_pushed(struct ndc_request *req, const struct eid_authz *a,
                                struct ndc_fault *fault)
{
    struct pushing p = {.client = a->client->id};
    struct ndc_buf text;
    struct ndc_json j;
    char token[NDC_TOKEN_BYTES];
    ndc_buf_init(&text, REQUEST_BYTES_MAX);
    ndc_json_init(&j, &text);
    eid_params_write(&j, &a->params);
    p.request = ndc_buf_str(&text);
    ndc_token_make(token, "");
    ndc_token_hash(p.hash, ndc_str(token));
    enum ndc_err err =
        text.failed ? eid_refuse(fault, "invalid_request", "the request is too long")
                    : ndc_store_write(ndc_eid_of(req)->store, insert_pushed, &p, fault);
    ndc_buf_free(&text);
    if (err) return err;
    ndc_json_object(&req->json);
    ndc_json_kv_str(&req->json, "request_uri",
                    ndc_arena_printf(req->arena, PAR_PREFIX "%s", token));
    ndc_json_kv_i64(&req->json, "expires_in", EID_PAR_S);
    ndc_json_end(&req->json);
    req->status = 201;
    return NDC_OK;
}

static enum ndc_err push(struct ndc_request *req, struct eid_authz *a,
                         struct ndc_fault *fault)
{
    struct ndc_eid *eid = ndc_eid_of(req);
    struct ndc_str x5t, jkt;
    static const char *const not_kept[] = {"client_secret", "client_assertion",
                                           "client_assertion_type"};
    bool redirect;
    NDC_TRY(eid_form(req, &a->params, fault));
    NDC_TRY(eid_client_authenticate(req, &a->params, &a->client, &x5t, fault));
    for (size_t i = 0; i < NDC_ARRAY_LEN(not_kept); i++)
        eid_params_drop(&a->params, not_kept[i]);
    if (eid_param(&a->params, "request_uri").len)
        return eid_refuse(fault, "invalid_request",
                          "a pushed request has no request_uri");
    NDC_TRY(eid_dpop(req, NDC_STR(""), &jkt, fault));
    NDC_TRY(eid_authz_object(eid, req->arena, a, fault));
    NDC_TRY(eid_authz_check(eid, req->arena, a, true, &redirect, fault));
    if (jkt.len && a->jkt.len && !ndc_str_eq(jkt, a->jkt))
        return eid_refuse(fault, "invalid_request", "dpop_jkt is not the proof's key");
    if (jkt.len && !a->jkt.len && a->params.n < EID_PARAMS_MAX)
        a->params.items[a->params.n++] = (struct eid_param){NDC_STR("dpop_jkt"), jkt};
    return keep_pushed(req, a, fault);
}

enum ndc_err eid_post_par(struct ndc_request *req, struct ndc_fault *fault)
{
    struct eid_authz *a = NDC_ARENA_NEW(req->arena, struct eid_authz);
    enum ndc_err err = push(req, a, fault);
    if (a->client) eid_use(ndc_eid_of(req), a->client->id, "par", err ? fault : NULL);
    eid_client_unref(a->client);
    return eid_oauth_answer(req, err, fault);
}

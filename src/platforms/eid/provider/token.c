/* The token endpoint (RFC 6749, 3.2): code, refresh token, client credentials, device. */
#include "platforms/eid/provider/provider.h"

#include "net/http.h"
#include "platforms/eid/provider/client_auth.h"
#include "platforms/eid/provider/client_use.h"
#include "platforms/eid/provider/details.h"
#include "platforms/eid/provider/device.h"
#include "platforms/eid/provider/dpop.h"
#include "platforms/eid/provider/grant.h"
#include "platforms/eid/provider/mint.h"
#include "platforms/eid/provider/oauth.h"
#include "platforms/eid/signin.h"

enum { TOKEN_BYTES_MAX = 96 << 10 };

struct asking {
    struct ndc_request *req;
    struct eid_params form;
    struct eid_client *client;
    struct ndc_str x5t, jkt;
};

/* What a client of this kind must bind its tokens to is there. */
static enum ndc_err check_binding(struct asking *a, struct ndc_fault *fault)
{
    if (a->client->dpop_bound && !a->jkt.len)
        return eid_refuse(fault, "invalid_dpop_proof",
                          "this client's tokens are bound to a key: send a DPoP proof");
    if (a->client->tls_bound && !a->client->dpop_bound && !a->x5t.len)
        return eid_refuse(fault, "invalid_request",
                          "this client's tokens are bound to its certificate: connect "
                          "with one");
    if (!a->client->tls_bound) a->x5t = NDC_STR("");
    return NDC_OK;
}

static void write_token(struct ndc_json *j, const char *name, const struct ndc_buf *text)
{
    if (text->len) ndc_json_kv_str(j, name, ndc_buf_str(text));
}

/* Access token, and for a person's grant ID token and refresh token as they are due. */
static enum ndc_err answer(struct asking *a, const struct eid_mint *m, bool refresh,
                           struct ndc_fault *fault)
{
    struct ndc_eid *eid = ndc_eid_of(a->req);
    struct ndc_json *j = &a->req->json;
    struct ndc_buf access, id;
    char text[EID_REFRESH_TEXT];
    ndc_buf_init(&access, TOKEN_BYTES_MAX);
    ndc_buf_init(&id, TOKEN_BYTES_MAX);
    enum ndc_err err = eid_mint_access(eid, &access, m, fault);
    if (!err && m->given && eid_word_in(m->scope, NDC_STR("openid")))
        err = eid_mint_id(eid, &id, m, ndc_buf_str(&access), fault);
    if (!err) {
        ndc_json_object(j);
        write_token(j, "access_token", &access);
        ndc_json_kv_c(j, "token_type", m->jkt.len ? "DPoP" : "Bearer");
        ndc_json_kv_i64(j, "expires_in", EID_ACCESS_S);
        if (m->scope.len) ndc_json_kv_str(j, "scope", m->scope);
        if (refresh) {
            eid_refresh_text(eid, text, m->grant, m->counter);
            ndc_json_kv_c(j, "refresh_token", text);
        }
        write_token(j, "id_token", &id);
        if (m->details.len) {
            ndc_json_key(j, "authorization_details");
            ndc_json_raw(j, m->details);
        }
        ndc_json_end(j);
    }
    ndc_buf_free(&access);
    ndc_buf_free(&id);
    return err;
}

static bool wants_refresh(const struct eid_client *c, struct ndc_str scope)
{
    return c->grants & EID_GRANT_REFRESH &&
           (eid_word_in(scope, NDC_STR("offline_access")) ||
            !eid_word_in(scope, NDC_STR("openid")));
}

static enum ndc_err refused(struct asking *a, enum eid_grant_type type,
                            struct ndc_fault *fault)
{
    if (a->client->grants & type) return NDC_OK;
    return eid_refuse(fault, "unauthorized_client",
                      "this client is not registered for this grant_type");
}

/* Of what was granted in detail, as much as is asked for (RFC 9396, 6). */
static enum ndc_err narrow(struct asking *a, struct ndc_str granted, struct ndc_str *out,
                           struct ndc_fault *fault)
{
    struct ndc_str asked = eid_param(&a->form, "authorization_details");
    return eid_details_narrow(a->client, granted, asked, out, fault);
}

static enum ndc_err by_code(struct asking *a, struct ndc_fault *fault)
{
    struct eid_exchange x = {.client = a->client,
                             .code = eid_param(&a->form, "code"),
                             .redirect_uri = eid_param(&a->form, "redirect_uri"),
                             .verifier = eid_param(&a->form, "code_verifier"),
                             .jkt = a->jkt,
                             .x5t = a->x5t,
                             .arena = a->req->arena};
    struct ndc_str details;
    NDC_TRY(refused(a, EID_GRANT_CODE, fault));
    if (!x.code.len) return eid_refuse(fault, "invalid_request", "code is missing");
    NDC_TRY(eid_code_take(ndc_eid_of(a->req), &x, fault));
    NDC_TRY(narrow(a, x.given.details, &details, fault));
    const struct eid_mint m = {.client = a->client,
                               .given = &x.given,
                               .grant = x.grant,
                               .counter = 1,
                               .scope = x.given.scope,
                               .details = details,
                               .jkt = a->jkt,
                               .x5t = a->x5t};
    return answer(a, &m, wants_refresh(a->client, m.scope), fault);
}

static enum ndc_err by_refresh(struct asking *a, struct ndc_fault *fault)
{
    struct eid_renewal r = {.client = a->client,
                            .token = eid_param(&a->form, "refresh_token"),
                            .scope = eid_param(&a->form, "scope"),
                            .details = eid_param(&a->form, "authorization_details"),
                            .jkt = a->jkt,
                            .x5t = a->x5t,
                            .arena = a->req->arena};
    NDC_TRY(refused(a, EID_GRANT_REFRESH, fault));
    if (!r.token.len)
        return eid_refuse(fault, "invalid_request", "refresh_token is missing");
    NDC_TRY(eid_refresh_take(ndc_eid_of(a->req), &r, fault));
    r.given.nonce = NDC_STR("");
    const struct eid_mint m = {.client = a->client,
                               .given = &r.given,
                               .grant = r.grant,
                               .counter = r.counter,
                               .scope = r.given.scope,
                               .details = r.given.details,
                               .jkt = a->jkt,
                               .x5t = a->x5t};
    return answer(a, &m, true, fault);
}

static enum ndc_err by_itself(struct asking *a, struct ndc_fault *fault)
{
    struct ndc_str scope = eid_param(&a->form, "scope");
    NDC_TRY(refused(a, EID_GRANT_CLIENT, fault));
    if (scope.len && !eid_words_in(a->client->scope, scope))
        return eid_refuse(fault, "invalid_scope",
                          "this client is not registered for this scope");
    struct ndc_str details = eid_param(&a->form, "authorization_details");
    NDC_TRY(eid_details_check(a->client, details, fault));
    const struct eid_mint m = {.client = a->client,
                               .grant = "",
                               .scope = scope,
                               .details = details,
                               .jkt = a->jkt,
                               .x5t = a->x5t};
    return answer(a, &m, false, fault);
}

static enum ndc_err by_device(struct asking *a, struct ndc_fault *fault)
{
    struct eid_exchange x = {.client = a->client,
                             .code = eid_param(&a->form, "device_code"),
                             .jkt = a->jkt,
                             .x5t = a->x5t,
                             .arena = a->req->arena};
    NDC_TRY(refused(a, EID_GRANT_DEVICE, fault));
    if (!x.code.len)
        return eid_refuse(fault, "invalid_request", "device_code is missing");
    NDC_TRY(eid_device_take(ndc_eid_of(a->req), &x, fault));
    const struct eid_mint m = {.client = a->client,
                               .given = &x.given,
                               .grant = x.grant,
                               .counter = 1,
                               .scope = x.given.scope,
                               .jkt = a->jkt,
                               .x5t = a->x5t};
    return answer(a, &m, wants_refresh(a->client, m.scope), fault);
}

static const struct {
    const char *name;
    enum ndc_err (*run)(struct asking *a, struct ndc_fault *fault);
} grant_types[] = {{"authorization_code", by_code},
                   {"refresh_token", by_refresh},
                   {"client_credentials", by_itself},
                   {"urn:ietf:params:oauth:grant-type:device_code", by_device}};

static enum ndc_err give(struct asking *a, struct ndc_fault *fault)
{
    NDC_TRY(eid_form(a->req, &a->form, fault));
    struct ndc_str type = eid_param(&a->form, "grant_type");
    NDC_TRY(eid_client_authenticate(a->req, &a->form, &a->client, &a->x5t, fault));
    if (!type.len) return eid_refuse(fault, "invalid_request", "grant_type is missing");
    NDC_TRY(eid_dpop(a->req, NDC_STR(""), &a->jkt, fault));
    NDC_TRY(check_binding(a, fault));
    for (size_t i = 0; i < NDC_ARRAY_LEN(grant_types); i++)
        if (ndc_str_eq_c(type, grant_types[i].name)) return grant_types[i].run(a, fault);
    return eid_refuse(fault, "unsupported_grant_type",
                      "this grant_type is not offered: see the discovery document");
}

enum ndc_err eid_post_token(struct ndc_request *req, struct ndc_fault *fault)
{
    struct asking *a = NDC_ARENA_NEW(req->arena, struct asking);
    a->req = req;
    eid_open_to_pages(req);
    enum ndc_err err = give(a, fault);
    if (a->client) eid_use(ndc_eid_of(req), a->client->id, "token", err ? fault : NULL);
    eid_client_unref(a->client);
    return eid_oauth_answer(req, err, fault);
}

bool eid_form_is_quick(struct ndc_http *x)
{
    struct ndc_str rest = ndc_buf_str(&x->body), part;
    while (ndc_str_split(&rest, '&', &part))
        if (ndc_str_starts(part, NDC_STR("client_assertion"))) return false;
    return true;
}

bool eid_token_is_quick(struct ndc_http *x)
{
    struct ndc_str rest = ndc_buf_str(&x->body), part;
    if (ndc_http_header(x, "DPoP").ptr || !eid_form_is_quick(x)) return false;
    while (ndc_str_split(&rest, '&', &part))
        if (ndc_str_eq_c(part, "grant_type=client_credentials")) return true;
    return false;
}

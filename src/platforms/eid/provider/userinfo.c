/* The userinfo endpoint (OpenID Core, 5.3): an access token as RFC 6750 or, bound to a
 * key, RFC 9449 have it. */
#include "platforms/eid/provider/provider.h"

#include "crypto/base64.h"
#include "net/http.h"
#include "platforms/eid/provider/claims.h"
#include "platforms/eid/provider/client_use.h"
#include "platforms/eid/provider/dpop.h"
#include "platforms/eid/provider/keys.h"
#include "platforms/eid/provider/mint.h"
#include "platforms/eid/provider/oauth.h"
#include "platforms/eid/provider/tokens.h"
#include "platforms/eid/provider/verified.h"

enum { ANSWER_BYTES_MAX = 64 << 10 };

struct presented {
    struct ndc_str token;
    bool dpop; /* the scheme was DPoP */
};

static enum ndc_err take_token(struct ndc_request *req, struct presented *p,
                               struct ndc_fault *fault)
{
    struct ndc_str header = ndc_request_header(req, "Authorization"), rest = header, word;
    struct eid_params *form = NDC_ARENA_NEW(req->arena, struct eid_params);
    *p = (struct presented){0};
    if (header.ptr && ndc_str_split(&rest, ' ', &word)) {
        p->dpop = ndc_str_ieq(word, NDC_STR("DPoP"));
        if (p->dpop || ndc_str_ieq(word, NDC_STR("Bearer")))
            p->token = ndc_str_trim(rest);
    }
    if (req->http->method == NDC_HTTP_POST && ndc_request_body(req).len) {
        NDC_TRY(eid_form(req, form, fault));
        struct ndc_str in_body = eid_param(form, "access_token");
        if (in_body.len && p->token.len)
            return eid_refuse(fault, "invalid_request", "the token is sent in two ways");
        if (in_body.len) p->token = in_body;
    }
    if (p->token.len) return NDC_OK;
    return eid_refuse(fault, "invalid_token",
                      "send an access token: Authorization: Bearer");
}

/* RFC 9449, 7.1 and RFC 8705, 3: whoever has the token also has what it is bound to. */
static enum ndc_err check_bound(struct ndc_request *req, const struct presented *p,
                                const struct eid_access *t, struct ndc_fault *fault)
{
    struct ndc_str jkt;
    struct ndc_client_cert cert;
    NDC_TRY(eid_dpop(req, p->token, &jkt, fault));
    if (t->jkt.len && (!p->dpop || !jkt.len))
        return eid_refuse(fault, "invalid_token",
                          "the token is bound to a key: send it as DPoP, with a proof");
    if (t->jkt.len && !ndc_str_eq(t->jkt, jkt))
        return eid_refuse(fault, "invalid_token", "the proof's key is not the token's");
    if (!t->jkt.len && p->dpop)
        return eid_refuse(fault, "invalid_token", "the token is not bound to a key");
    if (!t->x5t.len) return NDC_OK;
    struct ndc_buf text;
    ndc_buf_init(&text, 64);
    if (ndc_http_client_cert_shown(req->http, &cert))
        ndc_base64url_add(&text, cert.sha256, sizeof(cert.sha256));
    bool fits = ndc_str_eq(ndc_buf_str(&text), t->x5t);
    ndc_buf_free(&text);
    return fits ? NDC_OK
                : eid_refuse(fault, "invalid_token",
                             "the token is bound to another client certificate");
}

static enum ndc_err write_claims(struct ndc_request *req, struct ndc_json *j,
                                 const struct eid_client *client,
                                 const struct eid_given *given, struct ndc_fault *fault)
{
    struct ndc_eid *eid = ndc_eid_of(req);
    char sub[EID_SUB_TEXT];
    eid_subject(eid, sub, client, given->account);
    ndc_json_object(j);
    ndc_json_kv_c(j, "sub", sub);
    if (client->userinfo_alg) {
        ndc_json_kv_str(j, "iss", eid->issuer);
        ndc_json_kv_str(j, "aud", client->id);
    }
    enum ndc_err err = eid_claims_for_userinfo(eid, j, given, fault);
    if (!err) err = eid_verified_write(req, j, client, given, fault);
    ndc_json_end(j);
    return err;
}

static enum ndc_err answer(struct ndc_request *req, const struct eid_client *client,
                           const struct eid_given *given, struct ndc_fault *fault)
{
    struct ndc_eid *eid = ndc_eid_of(req);
    struct ndc_buf claims;
    struct ndc_json j;
    if (!client->userinfo_alg) return write_claims(req, &req->json, client, given, fault);
    ndc_buf_init(&claims, ANSWER_BYTES_MAX);
    ndc_json_init(&j, &claims);
    enum ndc_err err = write_claims(req, &j, client, given, fault);
    if (!err)
        err = eid_sign(eid, req->out, client->userinfo_alg, "JWT", ndc_buf_str(&claims),
                       fault);
    ndc_buf_free(&claims);
    ndc_request_set_type(req, "application/jwt");
    return err;
}

static enum ndc_err userinfo(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_eid *eid = ndc_eid_of(req);
    struct presented p;
    struct eid_access access;
    struct eid_given given;
    struct eid_client *client;
    struct ndc_str owner;
    NDC_TRY(take_token(req, &p, fault));
    NDC_TRY(eid_access_check(eid, &access, req->arena, p.token, fault));
    NDC_TRY(check_bound(req, &p, &access, fault));
    if (!eid_word_in(access.scope, NDC_STR("openid")))
        return eid_refuse(fault, "insufficient_scope", "the token has no scope openid");
    NDC_TRY(eid_grant_read(eid, req->arena, access.grant, &owner, &given, fault));
    if (!owner.ptr)
        return eid_refuse(fault, "invalid_token",
                          "what the token was granted by is over");
    given.scope = access.scope;
    NDC_TRY(eid_client_take(eid, &client, owner, fault));
    enum ndc_err err = answer(req, client, &given, fault);
    eid_use(eid, client->id, "userinfo", err ? fault : NULL);
    eid_client_unref(client);
    return err;
}

enum ndc_err eid_get_userinfo(struct ndc_request *req, struct ndc_fault *fault)
{
    eid_open_to_pages(req);
    enum ndc_err err = userinfo(req, fault);
    bool told = err && !strchr(fault->code, '.');
    if (told) { /* RFC 6750, 3; RFC 9449, 7.1 */
        bool dpop = strcmp(fault->code, "invalid_dpop_proof") == 0 ||
                    ndc_request_header(req, "DPoP").ptr;
        bool scope = strcmp(fault->code, "insufficient_scope") == 0;
        fault->http_status = scope                                         ? 403
                             : strcmp(fault->code, "invalid_request") == 0 ? 400
                                                                           : 401;
        ndc_request_set_header(
            req, "WWW-Authenticate",
            ndc_arena_printf(req->arena, "%s error=\"%s\"%s", dpop ? "DPoP" : "Bearer",
                             fault->code,
                             dpop ? ", algs=\"ES256 PS256 EdDSA Ed25519\"" : ""));
    }
    return eid_oauth_answer(req, err, fault);
}

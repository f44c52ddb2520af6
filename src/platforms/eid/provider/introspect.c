/* Introspection (RFC 7662) and revocation (RFC 7009). */
#include "platforms/eid/provider/provider.h"

#include "platforms/eid/provider/client_auth.h"
#include "platforms/eid/provider/client_use.h"
#include "platforms/eid/provider/grant.h"
#include "platforms/eid/provider/mint.h"
#include "platforms/eid/provider/oauth.h"
#include "platforms/eid/provider/tokens.h"
#include "sys/clock.h"

/* The form's token and who asks. */
static enum ndc_err take(struct ndc_request *req, struct eid_client **client,
                         struct ndc_str *token, struct ndc_fault *fault)
{
    struct eid_params *form = NDC_ARENA_NEW(req->arena, struct eid_params);
    struct ndc_str x5t;
    NDC_TRY(eid_form(req, form, fault));
    NDC_TRY(eid_client_authenticate(req, form, client, &x5t, fault));
    *token = eid_param(form, "token");
    if (token->len) return NDC_OK;
    return eid_refuse(fault, "invalid_request", "token is missing");
}

static void write_access(struct ndc_json *j, const struct ndc_eid *eid,
                         const struct eid_access *t)
{
    ndc_json_kv_bool(j, "active", true);
    ndc_json_kv_str(j, "iss", eid->issuer);
    ndc_json_kv_str(j, "sub", t->sub);
    ndc_json_kv_str(j, "client_id", t->client);
    ndc_json_kv_str(j, "aud", t->audience);
    if (t->scope.len) ndc_json_kv_str(j, "scope", t->scope);
    ndc_json_kv_c(j, "token_type", t->jkt.len ? "DPoP" : "Bearer");
    ndc_json_kv_i64(j, "iat", t->iat_s);
    ndc_json_kv_i64(j, "exp", t->exp_s);
    ndc_json_kv_str(j, "jti", t->jti);
    if (t->auth_s) ndc_json_kv_i64(j, "auth_time", t->auth_s);
    if (t->acr.len) ndc_json_kv_str(j, "acr", t->acr);
    if (t->details.len) {
        ndc_json_key(j, "authorization_details");
        ndc_json_raw(j, t->details);
    }
    if (!t->jkt.len && !t->x5t.len) return;
    ndc_json_key(j, "cnf");
    ndc_json_object(j);
    if (t->jkt.len) ndc_json_kv_str(j, "jkt", t->jkt);
    if (t->x5t.len) ndc_json_kv_str(j, "x5t#S256", t->x5t);
    ndc_json_end(j);
}

/* A refresh token is told to its own client alone. */
static enum ndc_err introspect_refresh(struct ndc_request *req,
                                       const struct eid_client *c, struct ndc_str token,
                                       bool *active, struct ndc_fault *fault)
{
    struct ndc_eid *eid = ndc_eid_of(req);
    struct ndc_str grant, client;
    struct eid_given given;
    char sub[EID_SUB_TEXT];
    int64_t counter;
    *active = false;
    if (!eid_refresh_grant(eid, token, &grant, &counter)) return NDC_OK;
    NDC_TRY(eid_grant_read(eid, req->arena, grant, &client, &given, fault));
    if (!client.ptr || !ndc_str_eq(client, c->id)) return NDC_OK;
    *active = true;
    eid_subject(eid, sub, c, given.account);
    ndc_json_kv_bool(&req->json, "active", true);
    ndc_json_kv_c(&req->json, "token_type", "refresh_token");
    ndc_json_kv_c(&req->json, "sub", sub);
    ndc_json_kv_str(&req->json, "client_id", client);
    if (given.scope.len) ndc_json_kv_str(&req->json, "scope", given.scope);
    return NDC_OK;
}

static enum ndc_err introspect(struct ndc_request *req, struct eid_client **client,
                               struct ndc_fault *fault)
{
    struct ndc_eid *eid = ndc_eid_of(req);
    struct ndc_str token;
    struct eid_access access;
    struct ndc_fault why = {0};
    bool active = false;
    NDC_TRY(take(req, client, &token, fault));
    if ((*client)->auth == EID_AUTH_NONE)
        return eid_refuse(fault, "invalid_client",
                          "introspection is for clients that authenticate");
    ndc_json_object(&req->json);
    enum ndc_err err = eid_access_check(eid, &access, req->arena, token, &why);
    /* RFC 7662, 4: what a client may not know of is inactive to it. */
    if (!err &&
        ((*client)->resource_server || ndc_str_eq(access.client, (*client)->id))) {
        write_access(&req->json, eid, &access);
        active = true;
    } else if (err && !ndc_str_eq_c(ndc_str(why.code), "invalid_token")) {
        *fault = why;
        return err;
    }
    if (!active) NDC_TRY(introspect_refresh(req, *client, token, &active, fault));
    if (!active) ndc_json_kv_bool(&req->json, "active", false);
    ndc_json_end(&req->json);
    return NDC_OK;
}

enum ndc_err eid_post_introspect(struct ndc_request *req, struct ndc_fault *fault)
{
    struct eid_client *client = NULL;
    enum ndc_err err = introspect(req, &client, fault);
    if (client) eid_use(ndc_eid_of(req), client->id, "introspect", err ? fault : NULL);
    eid_client_unref(client);
    return eid_oauth_answer(req, err, fault);
}

/* ---- revoking ---- */

struct revoking {
    struct ndc_str name;
    int64_t expires_ms;
};

static enum ndc_err revoke_token(struct ndc_store_conn *conn, void *arg,
                                 struct ndc_fault *fault)
{
    const struct revoking *r = arg;
    return eid_revoke(conn, r->name, r->expires_ms, fault);
}

/* A refresh token ends all that was granted with it; an access token itself. What is no
 * token, or another client's, is no error (RFC 7009, 2.2). */
static enum ndc_err revoke(struct ndc_request *req, struct eid_client **client,
                           struct ndc_fault *fault)
{
    struct ndc_eid *eid = ndc_eid_of(req);
    struct ndc_str token, grant, owner;
    struct eid_access access;
    struct eid_given given;
    int64_t counter;
    NDC_TRY(take(req, client, &token, fault));
    if (eid_refresh_grant(eid, token, &grant, &counter)) {
        NDC_TRY(eid_grant_read(eid, req->arena, grant, &owner, &given, fault));
        bool mine = owner.ptr && ndc_str_eq(owner, (*client)->id);
        return mine ? eid_grant_end(eid, grant, fault) : NDC_OK;
    }
    if (eid_access_check(eid, &access, req->arena, token, NULL) ||
        !ndc_str_eq(access.client, (*client)->id))
        return NDC_OK;
    struct revoking r = {access.jti, access.exp_s * 1000};
    NDC_TRY(ndc_store_write(eid->store, revoke_token, &r, fault));
    eid_revoked_now(eid->tokens, r.name, r.expires_ms);
    return NDC_OK;
}

enum ndc_err eid_post_revoke(struct ndc_request *req, struct ndc_fault *fault)
{
    struct eid_client *client = NULL;
    eid_open_to_pages(req);
    enum ndc_err err = revoke(req, &client, fault);
    if (client) eid_use(ndc_eid_of(req), client->id, "revoke", err ? fault : NULL);
    eid_client_unref(client);
    return eid_oauth_answer(req, err, fault);
}

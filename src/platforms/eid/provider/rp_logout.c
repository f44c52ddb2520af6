/* Logout at a relying party's wish (OpenID RP-Initiated Logout 1.0). */
#include "platforms/eid/provider/provider.h"

#include "crypto/jws.h"
#include "net/http.h"
#include "platforms/eid/provider/client.h"
#include "platforms/eid/provider/keys.h"
#include "platforms/eid/provider/mint.h"
#include "platforms/eid/provider/oauth.h"
#include "platforms/eid/provider/params.h"
#include "platforms/eid/signin.h"

struct leaving {
    struct eid_params params;
    struct eid_client *client;
    struct ndc_str hint_client, hint_sub, hint_sid, uri, state;
};

static enum ndc_err bad(struct ndc_fault *fault, const char *why)
{
    return eid_refuse(fault, "invalid_request", "%s", why);
}

static enum ndc_err take_hint(struct ndc_request *req, struct leaving *l,
                              struct ndc_fault *fault)
{
    struct ndc_str text = eid_param(&l->params, "id_token_hint");
    struct json_object *claims;
    struct ndc_jws jws;
    if (!text.len) return NDC_OK;
    if (ndc_jws_parse(&jws, req->arena, text, NULL))
        return bad(fault, "id_token_hint is no ID token");
    enum ndc_err err = NDC_OK;
    if (eid_signed(ndc_eid_of(req), &jws, NULL) || ndc_jws_claims(&claims, &jws, NULL)) {
        err = bad(fault, "id_token_hint was not issued here");
    } else {
        l->hint_client = ndc_arena_str(req->arena, ndc_json_get_str(claims, "aud"));
        l->hint_sub = ndc_arena_str(req->arena, ndc_json_get_str(claims, "sub"));
        l->hint_sid = ndc_arena_str(req->arena, ndc_json_get_str(claims, "sid"));
        json_object_put(claims);
    }
    ndc_jws_free(&jws);
    return err;
}

static enum ndc_err read_leaving(struct ndc_request *req, struct leaving *l,
                                 struct ndc_fault *fault)
{
    NDC_TRY(take_hint(req, l, fault));
    struct ndc_str id = eid_param(&l->params, "client_id");
    if (id.len && l->hint_client.len && !ndc_str_eq(id, l->hint_client))
        return bad(fault, "client_id is not the one id_token_hint was issued to");
    if (!id.len) id = l->hint_client;
    if (id.len) NDC_TRY(eid_client_take(ndc_eid_of(req), &l->client, id, fault));
    l->uri = eid_param(&l->params, "post_logout_redirect_uri");
    l->state = eid_param(&l->params, "state");
    if (!l->uri.len) return NDC_OK;
    if (!l->client)
        return bad(fault, "post_logout_redirect_uri needs id_token_hint or client_id");
    if (!eid_uri_registered(&l->client->post_logout, l->uri))
        return bad(fault, "post_logout_redirect_uri is not one that this client has "
                          "registered");
    return NDC_OK;
}

static void go_on(struct ndc_request *req, const struct leaving *l)
{
    struct ndc_buf url;
    ndc_buf_init(&url, 64 << 10);
    if (l->uri.len) {
        ndc_buf_add_str(&url, l->uri);
        if (l->state.len) eid_url_add(&url, "state", l->state);
    } else {
        ndc_buf_add_c(&url, "/eid/signed-out");
    }
    eid_redirect(req, ndc_buf_str(&url));
    ndc_buf_free(&url);
}

/* Who is named by an ID token of this very session is signed out at once; anybody else
 * who is signed in here is asked first (the specification's section 6): a link must not
 * sign people out. */
static enum ndc_err leave(struct ndc_request *req, struct leaving *l, struct ndc_str text,
                          struct ndc_fault *fault)
{
    struct eid_signed_in by;
    char sub[EID_SUB_TEXT] = "";
    NDC_TRY(eid_params_read(&l->params, req->arena, text, fault));
    NDC_TRY(read_leaving(req, l, fault));
    NDC_TRY(eid_signed_in(req, &by, fault));
    if (by.account.ptr && l->client)
        eid_subject(ndc_eid_of(req), sub, l->client, by.account);
    bool named = by.account.ptr && l->hint_sid.len && ndc_str_eq(l->hint_sid, by.sid) &&
                 ndc_str_eq_c(l->hint_sub, sub);
    if (named) NDC_TRY(eid_session_end(ndc_eid_of(req), by.account, by.sid, fault));
    if (named || !by.account.ptr) {
        go_on(req, l);
        return NDC_OK;
    }
    struct ndc_buf url;
    ndc_buf_init(&url, 64 << 10);
    ndc_buf_add_c(&url, "/eid/sign-out");
    if (l->uri.len) {
        eid_url_add(&url, "client_id", l->client->id);
        eid_url_add(&url, "post_logout_redirect_uri", l->uri);
        if (l->state.len) eid_url_add(&url, "state", l->state);
    }
    eid_redirect(req, ndc_buf_str(&url));
    ndc_buf_free(&url);
    return NDC_OK;
}

static enum ndc_err logout(struct ndc_request *req, struct ndc_str text,
                           struct ndc_fault *fault)
{
    struct leaving *l = NDC_ARENA_NEW(req->arena, struct leaving);
    struct ndc_buf url;
    enum ndc_err err = leave(req, l, text, fault);
    if (err && !strchr(fault->code, '.')) {
        ndc_buf_init(&url, 64 << 10);
        ndc_buf_add_c(&url, "/eid/error");
        eid_url_add(&url, "error", ndc_str(fault->code));
        eid_url_add(&url, "detail", ndc_str(fault->message));
        eid_redirect(req, ndc_buf_str(&url));
        ndc_buf_free(&url);
        *fault = (struct ndc_fault){0};
        err = NDC_OK;
    }
    eid_client_unref(l->client);
    return err;
}

enum ndc_err eid_get_logout(struct ndc_request *req, struct ndc_fault *fault)
{
    return logout(req, req->http->query, fault);
}

enum ndc_err eid_post_logout(struct ndc_request *req, struct ndc_fault *fault)
{
    return logout(req, ndc_request_body(req), fault);
}

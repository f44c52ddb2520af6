/* Checking an authorization request (authorize.h). */
#include "platforms/eid/provider/authorize.h"

#include "crypto/jws.h"
#include "platforms/eid/provider/claims.h"
#include "platforms/eid/provider/details.h"
#include "platforms/eid/provider/dpop.h"
#include "platforms/eid/provider/keys.h"
#include "platforms/eid/provider/oauth.h"
#include "platforms/eid/provider/tokens.h"
#include "sys/clock.h"

enum { STATE_BYTES_MAX = 4096, OBJECT_AGE_S = 3600 };

int eid_acr_level(struct ndc_str acr)
{
    const struct ndc_str prefix = NDC_STR("urn:ndc:eid:");
    if (!ndc_str_starts(acr, prefix) || acr.len != prefix.len + 1) return 0;
    char digit = acr.ptr[acr.len - 1];
    return digit >= '1' && digit <= '3' ? digit - '0' : 0;
}

struct ndc_str eid_acr_least(struct ndc_str acr_values)
{
    struct ndc_str rest = acr_values, word, least = NDC_STR("");
    while (rest.ptr && ndc_str_split(&rest, ' ', &word)) {
        int level = eid_acr_level(word);
        if (level && (!least.len || level < eid_acr_level(least))) least = word;
    }
    return least;
}

static enum ndc_err bad(struct ndc_fault *fault, const char *why)
{
    return eid_refuse(fault, "invalid_request", "%s", why);
}

static enum ndc_err take_redirect(struct eid_authz *a, struct ndc_fault *fault)
{
    struct ndc_str uri = eid_param(&a->params, "redirect_uri");
    if (!uri.len) return bad(fault, "redirect_uri is missing");
    if (!eid_uri_registered(&a->client->redirect, uri))
        return bad(fault, "redirect_uri is not one that this client has registered");
    a->redirect_uri = uri;
    return NDC_OK;
}

static enum ndc_err take_response(struct eid_authz *a, struct ndc_fault *fault)
{
    struct ndc_str type = eid_param(&a->params, "response_type");
    struct ndc_str mode = eid_param(&a->params, "response_mode");
    if (!type.len) return bad(fault, "response_type is missing");
    if (!ndc_str_eq_c(type, "code"))
        return eid_refuse(fault, "unsupported_response_type",
                          "response_type is \"code\" here (RFC 9700, 2.1.2)");
    if (mode.len && !ndc_str_eq_c(mode, "query"))
        return bad(fault, "response_mode is \"query\" here");
    if (!(a->client->grants & EID_GRANT_CODE))
        return eid_refuse(fault, "unauthorized_client",
                          "this client is not registered for authorization_code");
    a->state = eid_param(&a->params, "state");
    return a->state.len > STATE_BYTES_MAX ? bad(fault, "state is longer than 4 KiB")
                                          : NDC_OK;
}

/* Scopes that are not known are left out (OpenID Core, 3.1.2.1); those that the client is
 * not registered for are refused. */
static enum ndc_err take_scope(struct ndc_arena *arena, struct eid_authz *a,
                               struct ndc_fault *fault)
{
    static const struct ndc_str known = {
        "openid profile email phone identity offline_access", 50};
    struct ndc_str rest = eid_param(&a->params, "scope"), word;
    struct ndc_buf kept;
    enum ndc_err err = NDC_OK;
    ndc_buf_init(&kept, 4096);
    while (rest.ptr && ndc_str_split(&rest, ' ', &word) && !err) {
        if (!eid_word_in(known, word) || eid_word_in(ndc_buf_str(&kept), word)) continue;
        if (a->client->scope.len && !eid_word_in(a->client->scope, word))
            err = eid_refuse(fault, "invalid_scope",
                             "this client is not registered for the scope %.*s",
                             NDC_STR_FMT(word));
        if (kept.len) ndc_buf_add_byte(&kept, ' ');
        ndc_buf_add_str(&kept, word);
    }
    a->scope = ndc_arena_str(arena, kept.len ? ndc_buf_str(&kept) : NDC_STR(""));
    ndc_buf_free(&kept);
    return err;
}

static enum ndc_err take_challenge(struct eid_authz *a, struct ndc_fault *fault)
{
    struct ndc_str method = eid_param(&a->params, "code_challenge_method");
    a->challenge = eid_param(&a->params, "code_challenge");
    if (a->challenge.len && !ndc_str_eq_c(method, "S256"))
        return bad(fault, "code_challenge_method must be S256");
    if (a->challenge.len && a->challenge.len != 43)
        return bad(fault, "code_challenge is not the Base64url of a SHA-256");
    if (!a->challenge.len && method.len)
        return bad(fault, "code_challenge_method is given without a code_challenge");
    if (!a->challenge.len && (a->client->auth == EID_AUTH_NONE || a->client->fapi))
        return bad(fault, "code_challenge is missing: this client must use PKCE");
    return NDC_OK;
}

static enum ndc_err take_prompt(struct eid_authz *a, struct ndc_fault *fault)
{
    struct ndc_str rest = eid_param(&a->params, "prompt"), word;
    while (rest.ptr && ndc_str_split(&rest, ' ', &word)) {
        if (ndc_str_eq_c(word, "none"))
            a->prompt |= EID_PROMPT_NONE;
        else if (ndc_str_eq_c(word, "login") || ndc_str_eq_c(word, "select_account"))
            a->prompt |= EID_PROMPT_LOGIN;
        else if (ndc_str_eq_c(word, "consent"))
            a->prompt |= EID_PROMPT_CONSENT;
        else if (word.len)
            return bad(fault, "prompt has a value that is not known here");
    }
    if (a->prompt & EID_PROMPT_NONE && a->prompt != EID_PROMPT_NONE)
        return bad(fault, "prompt=none goes with no other value");
    return NDC_OK;
}

static enum ndc_err take_age(struct eid_authz *a, struct ndc_fault *fault)
{
    struct ndc_str text = eid_param(&a->params, "max_age");
    a->max_age_s = a->client->max_age_s;
    if (!text.len) return NDC_OK;
    if (!ndc_str_to_i64(text, &a->max_age_s) || a->max_age_s < 0)
        return bad(fault, "max_age is not a number of seconds");
    return NDC_OK;
}

/* An ID token of ours, over or not, says who is meant. */
static enum ndc_err take_hint(struct ndc_eid *eid, struct ndc_arena *arena,
                              struct eid_authz *a, struct ndc_fault *fault)
{
    struct ndc_str text = eid_param(&a->params, "id_token_hint");
    struct json_object *claims;
    struct ndc_jws jws;
    if (!text.len) return NDC_OK;
    if (ndc_jws_parse(&jws, arena, text, NULL))
        return bad(fault, "id_token_hint is no ID token");
    enum ndc_err err = NDC_OK;
    if (eid_signed(eid, &jws, NULL) || ndc_jws_claims(&claims, &jws, NULL)) {
        err = bad(fault, "id_token_hint was not issued here");
    } else {
        if (ndc_str_eq(ndc_json_get_str(claims, "aud"), a->client->id))
            a->hint_sub = ndc_arena_str(arena, ndc_json_get_str(claims, "sub"));
        else
            err = bad(fault, "id_token_hint was issued to another client");
        json_object_put(claims);
    }
    ndc_jws_free(&jws);
    return err;
}

static enum ndc_err take_rest(struct ndc_eid *eid, struct ndc_arena *arena,
                              struct eid_authz *a, struct ndc_fault *fault)
{
    a->nonce = eid_param(&a->params, "nonce");
    a->jkt = eid_param(&a->params, "dpop_jkt");
    a->claims = eid_param(&a->params, "claims");
    a->login_hint = eid_param(&a->params, "login_hint");
    a->acr_values = eid_param(&a->params, "acr_values");
    if (!a->acr_values.len) a->acr_values = a->client->acr;
    NDC_TRY(eid_claims_parameter(arena, a->claims, &a->claim_names, &a->acr_essential,
                                 fault));
    NDC_TRY(take_prompt(a, fault));
    NDC_TRY(take_age(a, fault));
    a->details = eid_param(&a->params, "authorization_details");
    NDC_TRY(eid_details_check(a->client, a->details, fault));
    return take_hint(eid, arena, a, fault);
}

enum ndc_err eid_authz_check(struct ndc_eid *eid, struct ndc_arena *arena,
                             struct eid_authz *a, bool pushed, bool *redirect,
                             struct ndc_fault *fault)
{
    *redirect = false;
    a->max_age_s = -1;
    NDC_TRY(take_redirect(a, fault));
    *redirect = true;
    a->state = eid_param(&a->params, "state");
    if (a->client->par_required && !pushed)
        return bad(fault, "this client must push its requests (POST /eid/par)");
    NDC_TRY(take_response(a, fault));
    NDC_TRY(take_scope(arena, a, fault));
    NDC_TRY(take_challenge(a, fault));
    return take_rest(eid, arena, a, fault);
}

/* ---- request objects ---- */

static enum ndc_err bad_object(struct ndc_fault *fault, const char *why)
{
    return eid_refuse(fault, "invalid_request_object", "%s", why);
}

static bool object_is_for(struct json_object *claims, struct ndc_str issuer)
{
    struct json_object *aud = ndc_json_get(claims, "aud");
    if (!aud) return false;
    if (json_object_is_type(aud, json_type_string))
        return ndc_str_eq(ndc_json_get_str(claims, "aud"), issuer);
    for (size_t i = 0;
         json_object_is_type(aud, json_type_array) && i < json_object_array_length(aud);
         i++) {
        struct json_object *one = json_object_array_get_idx(aud, i);
        if (json_object_is_type(one, json_type_string) &&
            ndc_str_eq(ndc_str(json_object_get_string(one)), issuer))
            return true;
    }
    return false;
}

static enum ndc_err check_object(struct ndc_eid *eid, const struct eid_authz *a,
                                 struct json_object *claims, struct ndc_fault *fault)
{
    int64_t now = ndc_clock_wall_ms() / 1000;
    int64_t exp = ndc_json_get_i64(claims, "exp", 0);
    int64_t nbf = ndc_json_get_i64(claims, "nbf", 0);
    bool fapi = a->client->fapi;
    if (!ndc_str_eq(ndc_json_get_str(claims, "client_id"), a->client->id))
        return bad_object(fault, "client_id in the request object is not the request's");
    if ((fapi || ndc_json_get(claims, "iss")) &&
        !ndc_str_eq(ndc_json_get_str(claims, "iss"), a->client->id))
        return bad_object(fault, "iss of the request object must be the client_id");
    if (ndc_json_get(claims, "aud") ? !object_is_for(claims, eid->issuer) : fapi)
        return bad_object(fault, "aud of the request object must be the issuer");
    if (ndc_json_get(claims, "request") || ndc_json_get(claims, "request_uri"))
        return bad_object(fault, "a request object holds no other");
    if (exp ? exp <= now - EID_CLOCK_SKEW_S : fapi)
        return bad_object(fault, "the request object has expired, or no exp");
    if (nbf ? nbf > now + EID_CLOCK_SKEW_S : fapi)
        return bad_object(fault, "the request object's nbf is in the future, or missing");
    if (fapi && (exp > now + OBJECT_AGE_S + EID_CLOCK_SKEW_S ||
                 nbf < now - OBJECT_AGE_S || exp - nbf > OBJECT_AGE_S))
        return bad_object(fault, "the request object lasts longer than an hour");
    return NDC_OK;
}

static enum ndc_err read_object(struct ndc_eid *eid, struct ndc_arena *arena,
                                struct eid_authz *a, const struct ndc_jws *jws,
                                struct ndc_fault *fault)
{
    const struct eid_client *c = a->client;
    const struct ndc_jwk *used;
    struct json_object *claims;
    struct ndc_fault why = {0};
    if (c->request_alg && !ndc_str_eq_c(jws->alg, c->request_alg))
        return bad_object(fault, "the request object's alg is not the registered one");
    if (c->fapi && ndc_str_eq_c(jws->alg, "RS256"))
        return bad_object(fault, "RS256 is not of the FAPI 2.0 profile");
    if (!c->jwks) return bad_object(fault, "this client has registered no keys (jwks)");
    if (ndc_jws_verify_set(jws, c->jwks, &used, &why))
        return bad_object(fault, why.message);
    if (ndc_jws_claims(&claims, jws, &why)) return bad_object(fault, why.message);
    enum ndc_err err = check_object(eid, a, claims, fault);
    /* What is signed counts alone (RFC 9101, 6.3). */
    if (!err) err = eid_params_take(&a->params, arena, claims, fault);
    json_object_put(claims);
    return err;
}

enum ndc_err eid_authz_object(struct ndc_eid *eid, struct ndc_arena *arena,
                              struct eid_authz *a, struct ndc_fault *fault)
{
    struct ndc_str text = eid_param(&a->params, "request");
    struct ndc_jws jws;
    struct ndc_fault why = {0};
    if (!text.len && a->client->request_object_required)
        return bad(fault, "this client must sign its requests (parameter request)");
    if (!text.len) return NDC_OK;
    if (ndc_jws_parse(&jws, arena, text, &why)) return bad_object(fault, why.message);
    enum ndc_err err = read_object(eid, arena, a, &jws, fault);
    ndc_jws_free(&jws);
    return err;
}

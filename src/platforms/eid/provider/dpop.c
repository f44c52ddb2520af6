/* DPoP proofs (dpop.h). */
#include "platforms/eid/provider/dpop.h"

#include "crypto/base64.h"
#include "crypto/digest.h"
#include "crypto/jws.h"
#include "crypto/token.h"
#include "net/http.h"
#include "platforms/eid/provider/oauth.h"
#include "platforms/eid/provider/tokens.h"
#include "sys/clock.h"

enum { PROOF_BYTES_MAX = 8 << 10, JTI_BYTES_MAX = 256 };

static enum ndc_err bad(struct ndc_fault *fault, const char *why)
{
    return eid_refuse(fault, "invalid_dpop_proof", "%s", why);
}

/* htu without query and fragment; scheme and host in any case. */
static bool is_here(const struct ndc_request *req, struct ndc_str htu)
{
    const struct ndc_eid *eid = ndc_eid_of(req);
    htu.len = NDC_MIN(ndc_str_find(htu, '?'), ndc_str_find(htu, '#'));
    if (htu.len < eid->issuer.len ||
        !ndc_str_ieq(ndc_str_n(htu.ptr, eid->issuer.len), eid->issuer))
        return false;
    return ndc_str_eq(ndc_str_n(htu.ptr + eid->issuer.len, htu.len - eid->issuer.len),
                      req->http->path);
}

static enum ndc_err check_hash(struct json_object *claims, struct ndc_str access,
                               struct ndc_fault *fault)
{
    uint8_t digest[NDC_SHA256_BYTES];
    struct ndc_buf text;
    if (!access.len) return NDC_OK;
    ndc_sha256(digest, access);
    ndc_buf_init(&text, 64);
    ndc_base64url_add(&text, digest, sizeof(digest));
    bool fits = ndc_secret_equal(ndc_buf_str(&text), ndc_json_get_str(claims, "ath"));
    ndc_buf_free(&text);
    return fits ? NDC_OK : bad(fault, "the proof's ath is not the access token's hash");
}

static enum ndc_err check_claims(struct ndc_request *req, struct json_object *claims,
                                 struct ndc_str access, struct ndc_str jkt,
                                 struct ndc_fault *fault)
{
    static const char *const methods[] = {"GET",   "HEAD",   "POST",   "PUT",
                                          "PATCH", "DELETE", "OPTIONS"};
    int64_t now = ndc_clock_wall_ms() / 1000;
    int64_t iat = ndc_json_get_i64(claims, "iat", INT64_MIN);
    struct ndc_str jti = ndc_json_get_str(claims, "jti");
    if (!ndc_str_eq_c(ndc_json_get_str(claims, "htm"), methods[req->http->method]))
        return bad(fault, "the proof's htm is not this request's method");
    if (!is_here(req, ndc_json_get_str(claims, "htu")))
        return bad(fault, "the proof's htu is not this address");
    if (iat == INT64_MIN) return bad(fault, "the proof has no iat");
    if (iat > now + EID_CLOCK_SKEW_S || iat < now - EID_DPOP_AGE_S)
        return bad(fault, "the proof's iat is too far from now: look at the clock");
    /* Clocks differ: what was made this little before a restart may be shown twice. */
    if (iat < eid_once_since_ms(ndc_eid_of(req)->tokens) / 1000 - EID_CLOCK_SKEW_S)
        return bad(fault,
                   "the proof was made before this server was started: make another");
    if (!jti.len || jti.len > JTI_BYTES_MAX)
        return bad(fault, "the proof needs a jti of at most 256 bytes");
    NDC_TRY(check_hash(claims, access, fault));
    struct ndc_str once = ndc_arena_printf(req->arena, "dpop %.*s %.*s", NDC_STR_FMT(jkt),
                                           NDC_STR_FMT(jti));
    if (!eid_once(ndc_eid_of(req)->tokens, once,
                  (iat + EID_DPOP_AGE_S + EID_CLOCK_SKEW_S) * 1000))
        return bad(fault, "the proof was used before: make one for each request");
    return NDC_OK;
}

static enum ndc_err check_proof(struct ndc_request *req, const struct ndc_jws *jws,
                                struct ndc_str access, struct ndc_str *jkt,
                                struct ndc_fault *fault)
{
    struct ndc_jwk *key;
    struct json_object *claims;
    struct ndc_fault why = {0};
    char thumbprint[NDC_JWK_THUMBPRINT_TEXT];
    if (!ndc_str_eq_c(jws->typ, "dpop+jwt"))
        return bad(fault, "the proof's typ is not dpop+jwt");
    if (ndc_jws_header_jwk(&key, jws, &why)) return bad(fault, why.message);
    enum ndc_err err = ndc_jws_verify(jws, key, &why);
    ndc_jwk_thumbprint(thumbprint, key);
    bool secret = ndc_jwk_is_private(key);
    ndc_jwk_unref(key);
    if (err) return bad(fault, why.message);
    if (secret) return bad(fault, "the proof's jwk is not a public key");
    if (ndc_json_parse(&claims, jws->payload, NULL))
        return bad(fault, "the proof's payload is not JSON");
    *jkt = ndc_arena_str(req->arena, ndc_str(thumbprint));
    err = json_object_is_type(claims, json_type_object)
              ? check_claims(req, claims, access, *jkt, fault)
              : bad(fault, "the proof's payload is not an object");
    json_object_put(claims);
    return err;
}

enum ndc_err eid_dpop(struct ndc_request *req, struct ndc_str access, struct ndc_str *jkt,
                      struct ndc_fault *fault)
{
    struct ndc_str proof = ndc_request_header(req, "DPoP");
    struct ndc_jws jws;
    struct ndc_fault why = {0};
    *jkt = NDC_STR_NULL;
    if (!proof.ptr) return NDC_OK;
    if (proof.len > PROOF_BYTES_MAX || memchr(proof.ptr, ',', proof.len) ||
        ndc_http_header_count(req->http, "DPoP") != 1)
        return bad(fault, "one proof, of at most 8 KiB, is taken");
    if (ndc_jws_parse(&jws, req->arena, proof, &why)) return bad(fault, why.message);
    enum ndc_err err = check_proof(req, &jws, access, jkt, fault);
    ndc_jws_free(&jws);
    if (err) *jkt = NDC_STR_NULL;
    return err;
}

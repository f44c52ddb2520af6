/* JSON Web Signatures, compact form (RFC 7515; algorithms of RFC 7518, 3 and 8037, 3.1).
 *
 * Checked when read: three parts of strict base64url; a header of at most 16 KiB that is
 * strict JSON without a member twice; an algorithm that exists here (so never "none"); no
 * `crit` and no `b64`, for no extension is understood (RFC 7515, 4.1.11). `jwk`, `x5c`,
 * `jku` and `x5u` in a header are the sender's word: never used to verify. Not done: the
 * JSON forms, detached payloads.
 *
 * Faults: jws.syntax, jws.header, jws.duplicate, jws.crit (NDC_EINPUT), jws.too_big
 * (NDC_ETOOBIG); jws.algorithm (unknown: NDC_EINPUT; not the key's: NDC_EAUTH), jws.key
 * (no key fits, or it may not: NDC_EAUTH), jws.signature (NDC_EAUTH). */
#ifndef NDC_CRYPTO_JWS_H
#define NDC_CRYPTO_JWS_H

#include "base/arena.h"
#include "crypto/jwk.h"

enum { NDC_JWS_BYTES_MAX = 128 << 10, NDC_JWS_HEADER_MAX = 16 << 10 };

struct ndc_jws {
    struct ndc_str token, signed_part; /* in the caller's text: all, without signature */
    struct ndc_str header_json, payload, signature; /* decoded, in the arena */
    struct ndc_str alg, kid, typ;                   /* in header; empty: not there */
    struct json_object *header;
};

/* Takes a token apart and verifies nothing. The token's text must outlive it. Free it
 * after success; after failure there is nothing to free. */
enum ndc_err ndc_jws_parse(struct ndc_jws *out, struct ndc_arena *arena,
                           struct ndc_str token, struct ndc_fault *fault) NDC_MUST_USE;
void ndc_jws_free(struct ndc_jws *jws);

/* NDC_OK: the signature is this key's. */
enum ndc_err ndc_jws_verify(const struct ndc_jws *jws, const struct ndc_jwk *key,
                            struct ndc_fault *fault) NDC_MUST_USE;
/* By the set's only key with the header's algorithm and, where the header has one, its
 * kid; several are none (jws.key). *used (may be NULL) is the set's. */
enum ndc_err ndc_jws_verify_set(const struct ndc_jws *jws, const struct ndc_jwks *set,
                                const struct ndc_jwk **used,
                                struct ndc_fault *fault) NDC_MUST_USE;

/* Whether the header says this type: without regard to case or "application/" before it
 * (RFC 7515, 4.1.9). */
bool ndc_jws_typ_is(const struct ndc_jws *jws, const char *typ);
/* The public key that the header's `jwk` brings, as DPoP's does (RFC 9449, 4.2): whoever
 * verifies with it must trust its thumbprint for another reason. NDC_EINPUT jws.key:
 * there is none; jwk.*: it is not a public key for the header's algorithm. */
enum ndc_err ndc_jws_header_jwk(struct ndc_jwk **out, const struct ndc_jws *jws,
                                struct ndc_fault *fault) NDC_MUST_USE;

/* Appends a token: header with alg, kid (if the key has one) and typ (NULL: none). */
enum ndc_err ndc_jws_sign(struct ndc_buf *out, const struct ndc_jwk *key, const char *typ,
                          struct ndc_str payload, struct ndc_fault *fault) NDC_MUST_USE;
/* The same with further members of the header: JSON text without braces, such as
 * "\"cty\":\"JWT\"", the caller's to make valid and without alg, kid, typ. */
enum ndc_err ndc_jws_sign_header(struct ndc_buf *out, const struct ndc_jwk *key,
                                 const char *typ, struct ndc_str members,
                                 struct ndc_str payload,
                                 struct ndc_fault *fault) NDC_MUST_USE;

/* The payload as claims: a JSON object without a member twice, to be released with
 * json_object_put. Look at it only after verifying. Faults: jwt.syntax, jwt.duplicate. */
enum ndc_err ndc_jws_claims(struct json_object **out, const struct ndc_jws *jws,
                            struct ndc_fault *fault) NDC_MUST_USE;

#endif

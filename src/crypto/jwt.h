/* Claims of JSON Web Tokens (RFC 7519, 4.1), checked against one clock.
 *
 * Signatures are crypto/jws.h's: verify first, take the claims with ndc_jws_claims, then
 * check them here. Times are seconds of Unix time, whole or with a fraction.
 *
 * Faults name the claim in their field: jwt.missing, jwt.type (NDC_EINPUT); jwt.expired,
 * jwt.early (nbf), jwt.issued_ahead, jwt.old (iat), jwt.lifetime, jwt.issuer,
 * jwt.audience, jwt.subject (NDC_EAUTH). */
#ifndef NDC_CRYPTO_JWT_H
#define NDC_CRYPTO_JWT_H

#include "base/error.h"
#include "base/json.h"

enum { NDC_JWT_REQUIRED_MAX = 16 };

/* What is empty or 0 is not asked for; a claim that is there is checked even so where it
 * can be (exp, nbf, iat). */
struct ndc_jwt_rules {
    struct ndc_str issuer;     /* `iss` is this */
    struct ndc_str audience;   /* `aud` is this, or a list with it */
    struct ndc_str audience_2; /* or this one: of two names for one party */
    struct ndc_str subject;    /* `sub` is this */
    bool audience_alone;       /* `aud` names nobody else, as FAPI 2.0 asks of clients */
    int64_t now_s;             /* the clock, once for all claims */
    int64_t skew_s;            /* how far the other's clock may be off, either way */
    int64_t age_max_s;         /* `iat` must be there and no older than this */
    int64_t lifetime_max_s;    /* `exp` must be there and no later than this from now */
    /* Claims that must be there, not null. */
    const char *required[NDC_JWT_REQUIRED_MAX];
};

enum ndc_err ndc_jwt_check(struct json_object *claims, const struct ndc_jwt_rules *rules,
                           struct ndc_fault *fault) NDC_MUST_USE;
/* A claim that is a moment, rounded down. False: not there, or no moment of the years
 * 1970 to 9999. */
bool ndc_jwt_time(int64_t *out_s, struct json_object *claims,
                  const char *name) NDC_MUST_USE;
/* Whether `aud` is this party, or a list of at most 100 with it. */
bool ndc_jwt_audience_has(struct json_object *claims, struct ndc_str party) NDC_MUST_USE;

#endif

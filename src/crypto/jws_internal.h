/* The signature itself, and what JWS and JWE headers have in common. */
#ifndef NDC_CRYPTO_JWS_INTERNAL_H
#define NDC_CRYPTO_JWS_INTERNAL_H

#include "crypto/jwk_internal.h"

enum { NDC_JWS_SIGNATURE_MAX = NDC_JWK_RSA_BITS_MAX / 8 };

/* A signature over `data`; false: OpenSSL refused. `key` must be one that may sign. */
bool ndc_jws_make_signature(uint8_t out[static NDC_JWS_SIGNATURE_MAX], size_t *len,
                            const struct ndc_jwk *key, struct ndc_str data) NDC_MUST_USE;
bool ndc_jws_check_signature(const struct ndc_jwk *key, struct ndc_str data,
                             struct ndc_str signature) NDC_MUST_USE;

/* Codes of faults, of JWS or JWE. */
struct ndc_jose_codes {
    const char *header, *duplicate, *crit;
};
/* Decodes and parses a header. The JSON text lies in the arena. */
enum ndc_err ndc_jose_header(struct json_object **out, struct ndc_str *json,
                             struct ndc_arena *arena, struct ndc_str text,
                             const struct ndc_jose_codes *codes,
                             struct ndc_fault *fault) NDC_MUST_USE;
/* A member that is a string of at most `max` bytes where it is there. */
enum ndc_err ndc_jose_header_text(struct ndc_str *out, struct json_object *header,
                                  const char *name, size_t max, const char *code,
                                  struct ndc_fault *fault) NDC_MUST_USE;

#endif

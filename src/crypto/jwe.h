/* JSON Web Encryption, compact form (RFC 7516; algorithms of RFC 7518, 4 and 5).
 *
 * Key management by the key's algorithm: ECDH-ES, ECDH-ES+A128KW, ECDH-ES+A256KW,
 * RSA-OAEP, RSA-OAEP-256, dir, A128KW, A256KW, A128GCMKW, A256GCMKW. Content by `enc`:
 * A128GCM, A192GCM, A256GCM, A128CBC-HS256, A192CBC-HS384, A256CBC-HS512. RSA1_5, PBES2
 * and compression (`zip`, RFC 8725 3.6) are refused; the JSON forms are not done.
 *
 * Whatever is wrong with the encrypted key, the content or its tag is one fault,
 * jwe.decrypt, and takes the same way: an encrypted key that does not open is replaced
 * by a random one, which then opens nothing (RFC 7516, 11.5). So nobody learns from an
 * answer how far a forged token came.
 *
 * Faults (NDC_EINPUT): jwe.syntax, jwe.header, jwe.duplicate, jwe.crit, jwe.zip,
 * jwe.algorithm (alg not the key's, enc unknown), jwe.epk, jwe.key (the key may not, or
 * has not the length that `enc` wants); jwe.too_big (NDC_ETOOBIG); jwe.decrypt
 * (NDC_EAUTH). */
#ifndef NDC_CRYPTO_JWE_H
#define NDC_CRYPTO_JWE_H

#include "base/arena.h"
#include "crypto/jwk.h"

enum { NDC_JWE_BYTES_MAX = 256 << 10 };

/* Appends a token that the key's owner can read. `cty` says what is inside ("JWT" of a
 * signed token; NULL: not said). */
enum ndc_err ndc_jwe_encrypt(struct ndc_buf *out, const struct ndc_jwk *key,
                             const char *enc, const char *cty, struct ndc_str plain,
                             struct ndc_fault *fault) NDC_MUST_USE;
/* Appends what is inside; after a failure `out` is as it was. */
enum ndc_err ndc_jwe_decrypt(struct ndc_buf *out, const struct ndc_jwk *key,
                             struct ndc_str token, struct ndc_fault *fault) NDC_MUST_USE;
/* The header's `kid` (empty: none), `alg` and `cty`, copied to the arena, to choose a key
 * by; nothing of it is certain. */
struct ndc_jwe_header {
    struct ndc_str alg, enc, kid, cty;
};
enum ndc_err ndc_jwe_header(struct ndc_jwe_header *out, struct ndc_arena *arena,
                            struct ndc_str token, struct ndc_fault *fault) NDC_MUST_USE;
bool ndc_jwe_enc_known(const char *enc);

#endif

/* The two halves of JWE: the key for the content, and the content. */
#ifndef NDC_CRYPTO_JWE_INTERNAL_H
#define NDC_CRYPTO_JWE_INTERNAL_H

#include "crypto/jwk_internal.h"

enum {
    NDC_JWE_CEK_MAX = 64,
    NDC_JWE_IV_MAX = 16,
    NDC_JWE_TAG_MAX = 32,
    NDC_JWE_PARTY_MAX = 256, /* of apu and apv */
    NDC_JWE_KEY_MAX = NDC_JWK_RSA_BITS_MAX / 8
};

struct ndc_jwe_enc {
    const char *name;
    size_t cek_bytes, iv_bytes, tag_bytes;
    int size; /* index of the cipher: 128, 192, 256 bits */
    bool gcm;
    enum ndc_jose_hash hash; /* of CBC's HMAC */
};
const struct ndc_jwe_enc *ndc_jwe_enc_find(struct ndc_str name);

/* Writes as many bytes as `plain` has, and a block more with CBC: *len of them. */
bool ndc_jwe_seal(uint8_t *out, size_t *len, uint8_t tag[static NDC_JWE_TAG_MAX],
                  const struct ndc_jwe_enc *enc, const uint8_t *cek, const uint8_t *iv,
                  struct ndc_str aad, struct ndc_str plain) NDC_MUST_USE;
/* Room for the ciphertext's length. False: it does not open, and `out` is wiped. */
bool ndc_jwe_open(uint8_t *out, size_t *len, const struct ndc_jwe_enc *enc,
                  const uint8_t *cek, struct ndc_str iv, struct ndc_str aad,
                  struct ndc_str sealed, struct ndc_str tag) NDC_MUST_USE;

/* The Concat KDF of RFC 7518, 4.6.2 with SHA-256; `len` is at most NDC_JWE_CEK_MAX. */
void ndc_jwe_concat_kdf(uint8_t *out, size_t len, struct ndc_str z, struct ndc_str alg,
                        struct ndc_str apu, struct ndc_str apv);

/* A content key for the recipient: chosen at random, agreed, or the key itself. Its
 * encrypted form goes to `sealed` (*sealed_len bytes), members of the header to
 * `members`, each with a comma before it. */
enum ndc_err ndc_jwe_key_make(uint8_t cek[static NDC_JWE_CEK_MAX],
                              uint8_t sealed[static NDC_JWE_KEY_MAX], size_t *sealed_len,
                              struct ndc_buf *members, const struct ndc_jwk *key,
                              const struct ndc_jwe_enc *enc,
                              struct ndc_fault *fault) NDC_MUST_USE;
/* The content key of a token. A sealed key that does not open gives a random one and no
 * fault; faults tell of the header only. */
enum ndc_err ndc_jwe_key_open(uint8_t cek[static NDC_JWE_CEK_MAX],
                              const struct ndc_jwk *key, const struct ndc_jwe_enc *enc,
                              struct json_object *header, struct ndc_str sealed,
                              struct ndc_fault *fault) NDC_MUST_USE;

#endif

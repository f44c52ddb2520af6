/* Authenticated encryption of the content: AES-GCM (RFC 7518, 5.3), and AES-CBC with
 * HMAC (5.2), where the tag is checked before a byte is deciphered. */
#include "crypto/jwe_internal.h"

#include "crypto/token.h"

#include <openssl/core_names.h>
#include <openssl/err.h>

static const struct ndc_jwe_enc encs[] = {
    {"A128GCM", 16, 12, 16, 0, true, NDC_JOSE_SHA256},
    {"A192GCM", 24, 12, 16, 1, true, NDC_JOSE_SHA256},
    {"A256GCM", 32, 12, 16, 2, true, NDC_JOSE_SHA256},
    {"A128CBC-HS256", 32, 16, 16, 0, false, NDC_JOSE_SHA256},
    {"A192CBC-HS384", 48, 16, 24, 1, false, NDC_JOSE_SHA384},
    {"A256CBC-HS512", 64, 16, 32, 2, false, NDC_JOSE_SHA512},
};

const struct ndc_jwe_enc *ndc_jwe_enc_find(struct ndc_str name)
{
    for (size_t i = 0; i < NDC_ARRAY_LEN(encs); i++)
        if (ndc_str_eq_c(name, encs[i].name)) return &encs[i];
    return NULL;
}

static const unsigned char *bytes_of(struct ndc_str s)
{
    return (const unsigned char *)(s.ptr ? s.ptr : "");
}

/* ---- GCM ---- */

static bool gcm_seal(uint8_t *out, size_t *len, uint8_t *tag,
                     const struct ndc_jwe_enc *enc, const uint8_t *cek, const uint8_t *iv,
                     struct ndc_str aad, struct ndc_str plain)
{
    const EVP_CIPHER *cipher = ndc_jose_algorithms()->gcm[enc->size];
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0, last = 0;
    bool good =
        ctx && EVP_EncryptInit_ex2(ctx, cipher, cek, iv, NULL) == 1 &&
        EVP_EncryptUpdate(ctx, NULL, &n, bytes_of(aad), (int)aad.len) == 1 &&
        EVP_EncryptUpdate(ctx, out, &n, bytes_of(plain), (int)plain.len) == 1 &&
        EVP_EncryptFinal_ex(ctx, out + n, &last) == 1 &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, (int)enc->tag_bytes, tag) == 1;
    EVP_CIPHER_CTX_free(ctx);
    *len = (size_t)n + (size_t)last;
    return good;
}

static bool gcm_open(uint8_t *out, size_t *len, const struct ndc_jwe_enc *enc,
                     const uint8_t *cek, struct ndc_str iv, struct ndc_str aad,
                     struct ndc_str sealed, struct ndc_str tag)
{
    const EVP_CIPHER *cipher = ndc_jose_algorithms()->gcm[enc->size];
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0, last = 0;
    bool good = ctx && EVP_DecryptInit_ex2(ctx, cipher, cek, bytes_of(iv), NULL) == 1 &&
                EVP_DecryptUpdate(ctx, NULL, &n, bytes_of(aad), (int)aad.len) == 1 &&
                EVP_DecryptUpdate(ctx, out, &n, bytes_of(sealed), (int)sealed.len) == 1 &&
                EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, (int)tag.len,
                                    (void *)(uintptr_t)tag.ptr) == 1 &&
                EVP_DecryptFinal_ex(ctx, out + n, &last) == 1;
    EVP_CIPHER_CTX_free(ctx);
    *len = good ? (size_t)n + (size_t)last : 0;
    return good;
}

/* ---- CBC and HMAC ---- */

/* HMAC over AAD, IV, ciphertext and AAD's length in bits; the first half is the tag. */
static bool cbc_tag(uint8_t out[static EVP_MAX_MD_SIZE], const struct ndc_jwe_enc *enc,
                    const uint8_t *cek, struct ndc_str iv, struct ndc_str aad,
                    struct ndc_str sealed)
{
    uint64_t bits = (uint64_t)aad.len * 8;
    uint8_t al[8];
    size_t n = 0;
    OSSL_PARAM params[2] = {
        OSSL_PARAM_construct_utf8_string(
            OSSL_MAC_PARAM_DIGEST, (char *)(uintptr_t)ndc_jose_hash_name(enc->hash), 0),
        OSSL_PARAM_construct_end()};
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(ndc_jose_algorithms()->hmac);
    for (int i = 0; i < 8; i++)
        al[i] = (uint8_t)(bits >> (56 - 8 * i));
    bool good = ctx && EVP_MAC_init(ctx, cek, enc->cek_bytes / 2, params) == 1 &&
                EVP_MAC_update(ctx, bytes_of(aad), aad.len) == 1 &&
                EVP_MAC_update(ctx, bytes_of(iv), iv.len) == 1 &&
                EVP_MAC_update(ctx, bytes_of(sealed), sealed.len) == 1 &&
                EVP_MAC_update(ctx, al, sizeof(al)) == 1 &&
                EVP_MAC_final(ctx, out, &n, EVP_MAX_MD_SIZE) == 1;
    EVP_MAC_CTX_free(ctx);
    return good && n >= enc->tag_bytes;
}

static bool cbc_seal(uint8_t *out, size_t *len, uint8_t *tag,
                     const struct ndc_jwe_enc *enc, const uint8_t *cek, const uint8_t *iv,
                     struct ndc_str aad, struct ndc_str plain)
{
    const EVP_CIPHER *cipher = ndc_jose_algorithms()->cbc[enc->size];
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t full[EVP_MAX_MD_SIZE];
    int n = 0, last = 0;
    bool good =
        ctx &&
        EVP_EncryptInit_ex2(ctx, cipher, cek + enc->cek_bytes / 2, iv, NULL) == 1 &&
        EVP_EncryptUpdate(ctx, out, &n, bytes_of(plain), (int)plain.len) == 1 &&
        EVP_EncryptFinal_ex(ctx, out + n, &last) == 1;
    EVP_CIPHER_CTX_free(ctx);
    *len = (size_t)n + (size_t)last;
    good = good && cbc_tag(full, enc, cek, ndc_str_n((const char *)iv, enc->iv_bytes),
                           aad, ndc_str_n((const char *)out, *len));
    if (good) memcpy(tag, full, enc->tag_bytes);
    return good;
}

static bool cbc_open(uint8_t *out, size_t *len, const struct ndc_jwe_enc *enc,
                     const uint8_t *cek, struct ndc_str iv, struct ndc_str aad,
                     struct ndc_str sealed, struct ndc_str tag)
{
    uint8_t full[EVP_MAX_MD_SIZE];
    int n = 0, last = 0;
    *len = 0;
    if (!cbc_tag(full, enc, cek, iv, aad, sealed) ||
        !ndc_secret_equal(ndc_str_n((char *)full, enc->tag_bytes), tag))
        return false;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool good = ctx &&
                EVP_DecryptInit_ex2(ctx, ndc_jose_algorithms()->cbc[enc->size],
                                    cek + enc->cek_bytes / 2, bytes_of(iv), NULL) == 1 &&
                EVP_DecryptUpdate(ctx, out, &n, bytes_of(sealed), (int)sealed.len) == 1 &&
                EVP_DecryptFinal_ex(ctx, out + n, &last) == 1;
    EVP_CIPHER_CTX_free(ctx);
    if (good) *len = (size_t)n + (size_t)last;
    return good;
}

bool ndc_jwe_seal(uint8_t *out, size_t *len, uint8_t tag[static NDC_JWE_TAG_MAX],
                  const struct ndc_jwe_enc *enc, const uint8_t *cek, const uint8_t *iv,
                  struct ndc_str aad, struct ndc_str plain)
{
    return enc->gcm ? gcm_seal(out, len, tag, enc, cek, iv, aad, plain)
                    : cbc_seal(out, len, tag, enc, cek, iv, aad, plain);
}

bool ndc_jwe_open(uint8_t *out, size_t *len, const struct ndc_jwe_enc *enc,
                  const uint8_t *cek, struct ndc_str iv, struct ndc_str aad,
                  struct ndc_str sealed, struct ndc_str tag)
{
    *len = 0;
    /* A shorter tag would be weaker: its length is the algorithm's, never the sender's.
     */
    if (iv.len != enc->iv_bytes || tag.len != enc->tag_bytes) return false;
    if (!enc->gcm && (sealed.len == 0 || sealed.len % 16)) return false;
    bool good = enc->gcm ? gcm_open(out, len, enc, cek, iv, aad, sealed, tag)
                         : cbc_open(out, len, enc, cek, iv, aad, sealed, tag);
    if (good) return true;
    ndc_secret_wipe(out, sealed.len);
    ERR_clear_error();
    return false;
}

/* Making and checking signatures. For ECDSA and RSA the hash is computed here and the
 * prepared context signs it: EVP_DigestSign would set itself up anew for every call. */
#include "crypto/jws_internal.h"

#include "crypto/jws_der.h"
#include "crypto/token.h"

#include <openssl/err.h>

static bool digest(uint8_t out[static EVP_MAX_MD_SIZE], size_t *len,
                   struct ndc_jwk_work *work, const struct ndc_jwk *key,
                   struct ndc_str data)
{
    unsigned n = 0;
    const EVP_MD *md = ndc_jose_algorithms()->md[key->alg->hash];
    bool good = EVP_DigestInit_ex2(work->md, md, NULL) == 1 &&
                EVP_DigestUpdate(work->md, data.ptr, data.len) == 1 &&
                EVP_DigestFinal_ex(work->md, out, &n) == 1;
    *len = n;
    return good;
}

/* Ed25519 hashes for itself; its context is set back to the key it has. */
static bool renew_eddsa(struct ndc_jwk_work *work, const struct ndc_jwk *key,
                        enum ndc_jwk_side side)
{
    if (!work->used) return true;
    bool give = side == NDC_JWK_GIVE;
    if ((give ? EVP_DigestSignInit(work->md, NULL, NULL, NULL, NULL)
              : EVP_DigestVerifyInit(work->md, NULL, NULL, NULL, NULL)) == 1)
        return true;
    /* Some releases want the key again. */
    EVP_MD_CTX_reset(work->md);
    return (give ? EVP_DigestSignInit(work->md, NULL, NULL, NULL, key->pkey)
                 : EVP_DigestVerifyInit(work->md, NULL, NULL, NULL, key->pkey)) == 1;
}

static bool sign_ecdsa(uint8_t *out, size_t *len, struct ndc_jwk_work *work,
                       const struct ndc_jwk *key, struct ndc_str data)
{
    uint8_t hash[EVP_MAX_MD_SIZE], der[NDC_ECDSA_DER_MAX];
    size_t n, der_len = sizeof(der);
    if (!digest(hash, &n, work, key, data) ||
        EVP_PKEY_sign(work->op, der, &der_len, hash, n) != 1)
        return false;
    *len = 2 * key->curve->bytes;
    return ndc_ecdsa_from_der(out, key->curve->bytes, der, der_len);
}

static bool mac(uint8_t *out, size_t *len, struct ndc_jwk_work *work, struct ndc_str data)
{
    /* With no key given, the context goes back to the one it has. */
    return EVP_MAC_init(work->mac, NULL, 0, NULL) == 1 &&
           EVP_MAC_update(work->mac, (const unsigned char *)data.ptr, data.len) == 1 &&
           EVP_MAC_final(work->mac, out, len, EVP_MAX_MD_SIZE) == 1;
}

static bool sign(uint8_t *out, size_t *len, struct ndc_jwk_work *work,
                 const struct ndc_jwk *key, struct ndc_str data)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    size_t n;
    switch (key->alg->how) {
    case NDC_JWK_ECDSA:
        return sign_ecdsa(out, len, work, key, data);
    case NDC_JWK_EDDSA:
        *len = NDC_JWS_SIGNATURE_MAX;
        return renew_eddsa(work, key, NDC_JWK_GIVE) &&
               EVP_DigestSign(work->md, out, len, (const unsigned char *)data.ptr,
                              data.len) == 1;
    case NDC_JWK_PKCS1:
    case NDC_JWK_PSS:
        *len = NDC_JWS_SIGNATURE_MAX;
        return digest(hash, &n, work, key, data) &&
               EVP_PKEY_sign(work->op, out, len, hash, n) == 1;
    case NDC_JWK_HMAC:
        return mac(out, len, work, data);
    default:
        return false;
    }
}

bool ndc_jws_make_signature(uint8_t out[static NDC_JWS_SIGNATURE_MAX], size_t *len,
                            const struct ndc_jwk *key, struct ndc_str data)
{
    struct ndc_jwk_work *work = ndc_jwk_work_take(key, NDC_JWK_GIVE);
    if (!work) return false;
    bool good = sign(out, len, work, key, data);
    work->used = true;
    if (good) {
        ndc_jwk_work_put(key, NDC_JWK_GIVE, work);
    } else {
        ndc_jwk_work_free(work);
        ERR_clear_error();
    }
    return good;
}

static bool verify_ecdsa(struct ndc_jwk_work *work, const struct ndc_jwk *key,
                         struct ndc_str data, struct ndc_str signature)
{
    uint8_t hash[EVP_MAX_MD_SIZE], der[NDC_ECDSA_DER_MAX];
    size_t n;
    if (signature.len != 2 * key->curve->bytes) return false;
    size_t der_len =
        ndc_ecdsa_to_der(der, (const uint8_t *)signature.ptr, key->curve->bytes);
    return digest(hash, &n, work, key, data) &&
           EVP_PKEY_verify(work->op, der, der_len, hash, n) == 1;
}

static bool verify(struct ndc_jwk_work *work, const struct ndc_jwk *key,
                   struct ndc_str data, struct ndc_str signature)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    const unsigned char *bytes = (const unsigned char *)signature.ptr;
    size_t n = 0;
    switch (key->alg->how) {
    case NDC_JWK_ECDSA:
        return verify_ecdsa(work, key, data, signature);
    case NDC_JWK_EDDSA:
        return signature.len == 64 && renew_eddsa(work, key, NDC_JWK_TAKE) &&
               EVP_DigestVerify(work->md, bytes, signature.len,
                                (const unsigned char *)data.ptr, data.len) == 1;
    case NDC_JWK_PKCS1:
    case NDC_JWK_PSS:
        return signature.len == (size_t)EVP_PKEY_get_size(key->pkey) &&
               digest(hash, &n, work, key, data) &&
               EVP_PKEY_verify(work->op, bytes, signature.len, hash, n) == 1;
    case NDC_JWK_HMAC:
        return mac(hash, &n, work, data) &&
               ndc_secret_equal(ndc_str_n((char *)hash, n), signature);
    default:
        return false;
    }
}

bool ndc_jws_check_signature(const struct ndc_jwk *key, struct ndc_str data,
                             struct ndc_str signature)
{
    struct ndc_jwk_work *work = ndc_jwk_work_take(key, NDC_JWK_TAKE);
    if (!work) return false;
    bool good = verify(work, key, data, signature);
    work->used = true;
    ndc_jwk_work_put(key, NDC_JWK_TAKE, work);
    if (!good) ERR_clear_error();
    return good;
}

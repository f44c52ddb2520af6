/* The algorithms and curves there are, and OpenSSL's parts for them, fetched once: in
 * OpenSSL 3 every implicit fetch takes a lock that all threads share. */
#include "crypto/jwk_internal.h"

#include <threads.h>

static const struct ndc_jwk_alg algs[] = {
    {"ES256", NDC_JWK_EC, NDC_JWK_ECDSA, NDC_JOSE_SHA256, 0, "P-256"},
    {"ES384", NDC_JWK_EC, NDC_JWK_ECDSA, NDC_JOSE_SHA384, 0, "P-384"},
    {"ES512", NDC_JWK_EC, NDC_JWK_ECDSA, NDC_JOSE_SHA512, 0, "P-521"},
    {"EdDSA", NDC_JWK_OKP, NDC_JWK_EDDSA, NDC_JOSE_SHA512, 0, "Ed25519"},
    {"RS256", NDC_JWK_RSA, NDC_JWK_PKCS1, NDC_JOSE_SHA256, 0, NULL},
    {"RS384", NDC_JWK_RSA, NDC_JWK_PKCS1, NDC_JOSE_SHA384, 0, NULL},
    {"RS512", NDC_JWK_RSA, NDC_JWK_PKCS1, NDC_JOSE_SHA512, 0, NULL},
    {"PS256", NDC_JWK_RSA, NDC_JWK_PSS, NDC_JOSE_SHA256, 0, NULL},
    {"PS384", NDC_JWK_RSA, NDC_JWK_PSS, NDC_JOSE_SHA384, 0, NULL},
    {"PS512", NDC_JWK_RSA, NDC_JWK_PSS, NDC_JOSE_SHA512, 0, NULL},
    {"HS256", NDC_JWK_OCT, NDC_JWK_HMAC, NDC_JOSE_SHA256, 32, NULL},
    {"HS384", NDC_JWK_OCT, NDC_JWK_HMAC, NDC_JOSE_SHA384, 48, NULL},
    {"HS512", NDC_JWK_OCT, NDC_JWK_HMAC, NDC_JOSE_SHA512, 64, NULL},
    {"ECDH-ES", NDC_JWK_EC, NDC_JWK_ECDH, NDC_JOSE_SHA256, 0, NULL},
    {"ECDH-ES+A128KW", NDC_JWK_EC, NDC_JWK_ECDH, NDC_JOSE_SHA256, 16, NULL},
    {"ECDH-ES+A256KW", NDC_JWK_EC, NDC_JWK_ECDH, NDC_JOSE_SHA256, 32, NULL},
    {"RSA-OAEP", NDC_JWK_RSA, NDC_JWK_OAEP, NDC_JOSE_SHA1, 0, NULL},
    {"RSA-OAEP-256", NDC_JWK_RSA, NDC_JWK_OAEP, NDC_JOSE_SHA256, 0, NULL},
    {"dir", NDC_JWK_OCT, NDC_JWK_DIR, NDC_JOSE_SHA256, 0, NULL},
    {"A128KW", NDC_JWK_OCT, NDC_JWK_AESKW, NDC_JOSE_SHA256, 16, NULL},
    {"A256KW", NDC_JWK_OCT, NDC_JWK_AESKW, NDC_JOSE_SHA256, 32, NULL},
    {"A128GCMKW", NDC_JWK_OCT, NDC_JWK_GCMKW, NDC_JOSE_SHA256, 16, NULL},
    {"A256GCMKW", NDC_JWK_OCT, NDC_JWK_GCMKW, NDC_JOSE_SHA256, 32, NULL},
};

static const struct ndc_jwk_curve curves[] = {
    {"P-256", NDC_JWK_EC, 32, "EC", "prime256v1", {"ES256", "ECDH-ES"}},
    {"P-384", NDC_JWK_EC, 48, "EC", "secp384r1", {"ES384", "ECDH-ES"}},
    {"P-521", NDC_JWK_EC, 66, "EC", "secp521r1", {"ES512", "ECDH-ES"}},
    {"Ed25519", NDC_JWK_OKP, 32, "ED25519", NULL, {"EdDSA", NULL}},
    {"X25519", NDC_JWK_OKP, 32, "X25519", NULL, {NULL, "ECDH-ES"}},
};

const struct ndc_jwk_alg *ndc_jwk_alg_find(struct ndc_str name)
{
    if (ndc_str_eq_c(name, "Ed25519")) name = NDC_STR("EdDSA");
    for (size_t i = 0; i < NDC_ARRAY_LEN(algs); i++)
        if (ndc_str_eq_c(name, algs[i].name)) return &algs[i];
    return NULL;
}

const struct ndc_jwk_curve *ndc_jwk_curve_find(struct ndc_str crv)
{
    for (size_t i = 0; i < NDC_ARRAY_LEN(curves); i++)
        if (ndc_str_eq_c(crv, curves[i].crv)) return &curves[i];
    return NULL;
}

bool ndc_jwk_alg_fits(const struct ndc_jwk_alg *alg, enum ndc_jwk_kty kty,
                      const struct ndc_jwk_curve *curve)
{
    if (alg->how == NDC_JWK_ECDH) return curve && curve->alg[1];
    if (alg->kty != kty) return false;
    return !alg->crv || (curve && strcmp(alg->crv, curve->crv) == 0);
}

const char *ndc_jwk_kty_name(enum ndc_jwk_kty kty)
{
    static const char *const names[] = {"EC", "OKP", "RSA", "oct"};
    return names[kty];
}

bool ndc_jwk_alg_known(const char *alg, bool *signs)
{
    const struct ndc_jwk_alg *a = ndc_jwk_alg_find(ndc_str(alg));
    if (a) *signs = ndc_jwk_alg_signs(a);
    return a;
}

size_t ndc_jose_hash_bytes(enum ndc_jose_hash hash)
{
    static const size_t bytes[NDC_JOSE_HASHES] = {20, 32, 48, 64};
    return bytes[hash];
}

const char *ndc_jose_hash_name(enum ndc_jose_hash hash)
{
    static const char *const names[NDC_JOSE_HASHES] = {"SHA1", "SHA256", "SHA384",
                                                       "SHA512"};
    return names[hash];
}

/* ---- OpenSSL's parts ---- */

static struct ndc_jose_algorithms fetched;
static once_flag fetch_once = ONCE_FLAG_INIT;

static void fetch_all(void)
{
    static const char *const gcm[3] = {"AES-128-GCM", "AES-192-GCM", "AES-256-GCM"};
    static const char *const cbc[3] = {"AES-128-CBC", "AES-192-CBC", "AES-256-CBC"};
    static const char *const wrap[3] = {"AES-128-WRAP", "AES-192-WRAP", "AES-256-WRAP"};
    for (int i = 0; i < NDC_JOSE_HASHES; i++) {
        fetched.md[i] =
            EVP_MD_fetch(NULL, ndc_jose_hash_name((enum ndc_jose_hash)i), NULL);
        NDC_ASSERT(fetched.md[i]);
    }
    for (int i = 0; i < 3; i++) {
        fetched.gcm[i] = EVP_CIPHER_fetch(NULL, gcm[i], NULL);
        fetched.cbc[i] = EVP_CIPHER_fetch(NULL, cbc[i], NULL);
        fetched.wrap[i] = EVP_CIPHER_fetch(NULL, wrap[i], NULL);
        NDC_ASSERT(fetched.gcm[i] && fetched.cbc[i] && fetched.wrap[i]);
    }
    fetched.hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    NDC_ASSERT(fetched.hmac);
}

const struct ndc_jose_algorithms *ndc_jose_algorithms(void)
{
    call_once(&fetch_once, fetch_all);
    return &fetched;
}

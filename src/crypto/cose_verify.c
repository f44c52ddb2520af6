/* Keys of numbers, and signatures by them, through OpenSSL. Hashes are fetched once. So
 * are the implementations of keys: a template of each kind is made at first use, and a
 * context that begins with a template takes its implementation along instead of asking
 * for it under the library's lock. One fetch a check remains, of the signature:
 * OpenSSL 3.0 has no call that is given one. */
#include "crypto/cose_internal.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <sodium.h>
#include <threads.h>

enum { EC2 = 2, OKP = 1, COORDINATE_MAX = 66, RSA_BYTES_MAX = 512, CURVES = 9 };
enum {
    ED25519 = 6,
    ED448 = 7,
    ED25519_BYTES = 32,
    ED448_BYTES = 57,
    GROUP_NAME_MAX = 64
};

struct curve {
    int32_t type;
    size_t bytes;
    const char *group, *algorithm;
};

/* By COSE's numbers. */
static const struct curve curves[CURVES] = {
    [1] = {EC2, 32, "prime256v1", "EC"},
    [2] = {EC2, 48, "secp384r1", "EC"},
    [3] = {EC2, 66, "secp521r1", "EC"},
    [ED25519] = {OKP, ED25519_BYTES, NULL, "ED25519"},
    [ED448] = {OKP, ED448_BYTES, NULL, "ED448"},
    [8] = {EC2, 32, "secp256k1", "EC"},
};

static struct {
    EVP_MD *md[COSE_HASHES];
    EVP_PKEY *curve[CURVES]; /* NULL: this OpenSSL has it not */
    EVP_PKEY *rsa;
} fetched;
static once_flag fetched_once = ONCE_FLAG_INIT;

static EVP_PKEY *from_data(EVP_PKEY_CTX *ctx, OSSL_PARAM *params)
{
    EVP_PKEY *pkey = NULL;
    if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1) {
        ERR_clear_error();
        pkey = NULL;
    }
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

/* Any RSA key does: only its implementation is used. */
static EVP_PKEY *rsa_template(void)
{
    unsigned char n[256], e[1] = {3};
    memset(n, 0xff, sizeof(n));
    OSSL_PARAM params[] = {OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, n, sizeof(n)),
                           OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_E, e, sizeof(e)),
                           OSSL_PARAM_construct_end()};
    return from_data(EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL), params);
}

static void fetch(void)
{
    static const char *const names[COSE_HASHES] = {[COSE_SHA1] = "SHA1",
                                                   [COSE_SHA256] = "SHA256",
                                                   [COSE_SHA384] = "SHA384",
                                                   [COSE_SHA512] = "SHA512"};
    for (int i = COSE_SHA1; i < COSE_HASHES; i++) {
        fetched.md[i] = EVP_MD_fetch(NULL, names[i], NULL);
        NDC_ASSERT(fetched.md[i] || i == COSE_SHA1);
    }
    for (int i = 0; i < CURVES; i++) {
        if (!curves[i].bytes) continue;
        fetched.curve[i] = curves[i].type == EC2
                               ? EVP_EC_gen(curves[i].group)
                               : EVP_PKEY_Q_keygen(NULL, NULL, curves[i].algorithm);
    }
    fetched.rsa = rsa_template();
    ERR_clear_error();
    NDC_ASSERT(fetched.rsa && fetched.curve[1]);
}

const EVP_MD *ndc_cose_md(enum cose_hash hash)
{
    call_once(&fetched_once, fetch);
    return fetched.md[hash];
}

size_t ndc_cose_curve_bytes(int32_t type, int32_t curve)
{
    return curve > 0 && curve < CURVES && curves[curve].type == type ? curves[curve].bytes
                                                                     : 0;
}

static EVP_PKEY_CTX *begin(EVP_PKEY *template)
{
    return template ? EVP_PKEY_CTX_new_from_pkey(NULL, template, NULL) : NULL;
}

EVP_PKEY *ndc_cose_make_ec(int32_t curve, struct ndc_str x, struct ndc_str y)
{
    unsigned char point[1 + 2 * COORDINATE_MAX] = {4}; /* uncompressed */
    NDC_ASSERT(x.len == y.len && x.len <= COORDINATE_MAX);
    memcpy(point + 1, x.ptr, x.len);
    memcpy(point + 1 + x.len, y.ptr, y.len);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                         (char *)(uintptr_t)curves[curve].group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point,
                                          1 + x.len + y.len),
        OSSL_PARAM_construct_end()};
    call_once(&fetched_once, fetch);
    return from_data(begin(fetched.curve[curve]), params);
}

/* A key of small order signs everything; one with several spellings is several keys. */
EVP_PKEY *ndc_cose_make_okp(int32_t curve, struct ndc_str x)
{
    if (curve == ED25519 &&
        crypto_core_ed25519_is_valid_point((const unsigned char *)x.ptr) != 1)
        return NULL;
    OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(
                               OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)x.ptr, x.len),
                           OSSL_PARAM_construct_end()};
    call_once(&fetched_once, fetch);
    return from_data(begin(fetched.curve[curve]), params);
}

/* OSSL_PARAM takes numbers in the machine's order. */
static void reversed(unsigned char *out, struct ndc_str s)
{
    for (size_t i = 0; i < s.len; i++)
        out[i] = (unsigned char)s.ptr[s.len - 1 - i];
}

EVP_PKEY *ndc_cose_make_rsa(struct ndc_str n, struct ndc_str e)
{
    unsigned char modulus[RSA_BYTES_MAX], exponent[8];
    _Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are reversed");
    NDC_ASSERT(n.len <= sizeof(modulus) && e.len <= sizeof(exponent));
    reversed(modulus, n);
    reversed(exponent, e);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, modulus, n.len),
        OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_E, exponent, e.len),
        OSSL_PARAM_construct_end()};
    call_once(&fetched_once, fetch);
    return from_data(begin(fetched.rsa), params);
}

/* r and s side by side, as the DER that OpenSSL takes; NULL if they are not. */
static unsigned char *der_of_raw(size_t *len, struct ndc_str raw, size_t each)
{
    unsigned char *der = NULL;
    if (raw.len != 2 * each) return NULL;
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn((const unsigned char *)raw.ptr, (int)each, NULL);
    BIGNUM *s = BN_bin2bn((const unsigned char *)raw.ptr + each, (int)each, NULL);
    NDC_ASSERT(sig && r && s && ECDSA_SIG_set0(sig, r, s) == 1);
    int n = i2d_ECDSA_SIG(sig, &der);
    ECDSA_SIG_free(sig);
    *len = n > 0 ? (size_t)n : 0;
    return der;
}

static bool fits(EVP_PKEY *pkey, const struct ndc_cose_algorithm *a)
{
    char group[GROUP_NAME_MAX];
    size_t len;
    switch (a->scheme) {
    case COSE_ECDSA:
        return EVP_PKEY_get_base_id(pkey) == EVP_PKEY_EC &&
               EVP_PKEY_get_group_name(pkey, group, sizeof(group), &len) == 1 &&
               strcmp(group, curves[a->curve].group) == 0;
    case COSE_EDDSA:
        return EVP_PKEY_is_a(pkey, curves[a->curve].algorithm);
    default:
        return EVP_PKEY_get_base_id(pkey) == EVP_PKEY_RSA &&
               EVP_PKEY_get_bits(pkey) >= 2048;
    }
}

static bool set_up(EVP_PKEY_CTX *ctx, const struct ndc_cose_algorithm *a)
{
    if (!ctx || EVP_PKEY_verify_init(ctx) != 1) return false;
    if (a->scheme == COSE_ECDSA) return true; /* it takes a hash of any kind */
    if (EVP_PKEY_CTX_set_rsa_padding(ctx, a->scheme == COSE_PSS
                                              ? RSA_PKCS1_PSS_PADDING
                                              : RSA_PKCS1_PADDING) <= 0 ||
        EVP_PKEY_CTX_set_signature_md(ctx, ndc_cose_md(a->hash)) <= 0)
        return false;
    return a->scheme != COSE_PSS ||
           EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) > 0;
}

static bool verify_eddsa(EVP_PKEY *pkey, struct ndc_str message, struct ndc_str signature)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
                EVP_DigestVerify(ctx, (const unsigned char *)signature.ptr, signature.len,
                                 (const unsigned char *)message.ptr, message.len) == 1;
    EVP_MD_CTX_free(ctx);
    return good;
}

static bool verify_hash(EVP_PKEY *pkey, const struct ndc_cose_algorithm *a,
                        struct ndc_str message, struct ndc_str signature)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    const EVP_MD *md = ndc_cose_md(a->hash);
    if (!md || EVP_Digest(message.ptr, message.len, hash, &n, md, NULL) != 1)
        return false;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    bool good =
        set_up(ctx, a) && EVP_PKEY_verify(ctx, (const unsigned char *)signature.ptr,
                                          signature.len, hash, n) == 1;
    EVP_PKEY_CTX_free(ctx);
    return good;
}

bool ndc_cose_verify_pkey(EVP_PKEY *pkey, const struct ndc_cose_algorithm *a,
                          struct ndc_str message, struct ndc_str signature,
                          enum ndc_cose_encoding encoding)
{
    bool good = false;
    unsigned char *der = NULL;
    if (!signature.len || !fits(pkey, a)) return false;
    if (a->scheme == COSE_ECDSA && encoding == NDC_COSE_RAW) {
        size_t len = 0;
        der = der_of_raw(&len, signature, curves[a->curve].bytes);
        if (!der) return false;
        signature = ndc_str_n((const char *)der, len);
    }
    good = a->scheme == COSE_EDDSA ? verify_eddsa(pkey, message, signature)
                                   : verify_hash(pkey, a, message, signature);
    OPENSSL_free(der);
    if (!good) ERR_clear_error();
    return good;
}

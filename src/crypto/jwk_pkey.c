/* EVP_PKEYs from numbers, new ones, and PEM. */
#include "crypto/jwk_internal.h"

#include "crypto/token.h"
#include "sys/random.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <sodium.h>
#include <threads.h>

enum { TYPES = 4, PEM_BYTES_MAX = 64 << 10, DIR_BYTES = 32, EXPONENT_BYTES_MAX = 8 };

static const char *const types[TYPES] = {"EC", "RSA", "ED25519", "X25519"};

/* A thread's contexts for making keys of numbers, which hold none: a DPoP proof brings a
 * key of its own, and a new context each time would fetch each time. */
static _Thread_local EVP_PKEY_CTX *makers[TYPES];
static _Thread_local bool makers_kept;
static once_flag makers_once = ONCE_FLAG_INIT;
static tss_t makers_key;

static void free_makers(void *of)
{
    EVP_PKEY_CTX **ctx = of;
    for (int i = 0; i < TYPES; i++) {
        EVP_PKEY_CTX_free(ctx[i]);
        ctx[i] = NULL;
    }
}

static void make_makers_key(void)
{
    NDC_ASSERT(tss_create(&makers_key, free_makers) == thrd_success);
}

static EVP_PKEY_CTX *maker_of(const char *type)
{
    int i = 0;
    while (strcmp(types[i], type) != 0)
        i++;
    if (!makers_kept) {
        call_once(&makers_once, make_makers_key);
        NDC_ASSERT(tss_set(makers_key, makers) == thrd_success);
        makers_kept = true;
    }
    if (!makers[i]) {
        makers[i] = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
        NDC_ASSERT(makers[i] && EVP_PKEY_fromdata_init(makers[i]) == 1);
    }
    return makers[i];
}

static EVP_PKEY *make_pkey(const char *type, bool private, OSSL_PARAM *params)
{
    EVP_PKEY *pkey = NULL;
    if (EVP_PKEY_fromdata(maker_of(type), &pkey,
                          private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
                          params) != 1) {
        EVP_PKEY_free(pkey);
        pkey = NULL;
        ERR_clear_error();
    }
    return pkey;
}

/* Whether the private part belongs to the public one. */
static bool pair_fits(EVP_PKEY *pkey)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    bool good = ctx && EVP_PKEY_pairwise_check(ctx) == 1;
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return good;
}

/* On the curve, in one form only, and in the large subgroup: a small one would take one
 * signature for every message. */
static bool ed25519_is_sound(const struct ndc_jwk_curve *curve, const uint8_t *x)
{
    return strcmp(curve->crv, "Ed25519") != 0 || crypto_core_ed25519_is_valid_point(x);
}

static EVP_PKEY *okp_pkey(const struct ndc_jwk_curve *curve, struct ndc_str x,
                          struct ndc_str d)
{
    uint8_t public[64];
    bool private = d.len;
    struct ndc_str from = private ? d : x;
    if (x.len != curve->bytes || (private && d.len != curve->bytes)) return NULL;
    if (!ed25519_is_sound(curve, (const uint8_t *)x.ptr)) return NULL;
    OSSL_PARAM params[2] = {
        OSSL_PARAM_construct_octet_string(private ? OSSL_PKEY_PARAM_PRIV_KEY
                                                  : OSSL_PKEY_PARAM_PUB_KEY,
                                          (void *)(uintptr_t)from.ptr, from.len),
        OSSL_PARAM_construct_end()};
    EVP_PKEY *pkey = make_pkey(curve->type, private, params);
    if (!pkey || !private) return pkey;
    if (ndc_jwk_point(public, NULL, pkey, curve) &&
        memcmp(public, x.ptr, curve->bytes) == 0)
        return pkey;
    EVP_PKEY_free(pkey);
    return NULL;
}

static BIGNUM *number_of(struct ndc_str bytes, bool secret)
{
    BIGNUM *bn = secret ? BN_secure_new() : BN_new();
    NDC_ASSERT(bn && BN_bin2bn((const unsigned char *)bytes.ptr, (int)bytes.len, bn));
    return bn;
}

EVP_PKEY *ndc_jwk_pkey_curve(const struct ndc_jwk_curve *curve, struct ndc_str x,
                             struct ndc_str y, struct ndc_str d)
{
    uint8_t point[1 + 2 * 66] = {4}; /* uncompressed */
    size_t n = curve->bytes;
    EVP_PKEY *pkey = NULL;
    if (curve->kty == NDC_JWK_OKP) return okp_pkey(curve, x, d);
    if (x.len != n || y.len != n || (d.len && d.len != n)) return NULL;
    memcpy(point + 1, x.ptr, n);
    memcpy(point + 1 + n, y.ptr, n);
    if (!d.len) { /* OpenSSL checks that the point lies on the curve */
        OSSL_PARAM params[3] = {
            OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                             (char *)(uintptr_t)curve->group, 0),
            OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * n),
            OSSL_PARAM_construct_end()};
        return make_pkey(curve->type, false, params);
    }
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    BIGNUM *private = number_of(d, true);
    OSSL_PARAM *params = NULL;
    NDC_ASSERT(bld);
    if (OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, curve->group,
                                        0) &&
        OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point,
                                         1 + 2 * n) &&
        OSSL_PARAM_BLD_push_BN_pad(bld, OSSL_PKEY_PARAM_PRIV_KEY, private, n))
        params = OSSL_PARAM_BLD_to_param(bld);
    if (params) pkey = make_pkey(curve->type, true, params);
    if (pkey && !pair_fits(pkey)) {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(bld);
    BN_clear_free(private);
    return pkey;
}

EVP_PKEY *ndc_jwk_pkey_rsa(const struct ndc_str numbers[static NDC_JWK_RSA_NUMBERS])
{
    bool private = numbers[2].len;
    int count = private ? NDC_JWK_RSA_NUMBERS : 2;
    BIGNUM *bn[NDC_JWK_RSA_NUMBERS] = {NULL};
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    EVP_PKEY *pkey = NULL;
    bool good = true;
    NDC_ASSERT(bld);
    for (int i = 0; i < count && good; i++) {
        bn[i] = number_of(numbers[i], i >= 2);
        good = OSSL_PARAM_BLD_push_BN(bld, ndc_jwk_rsa_params[i], bn[i]) == 1;
    }
    if (good) params = OSSL_PARAM_BLD_to_param(bld);
    if (params) pkey = make_pkey("RSA", private, params);
    if (pkey && private && !pair_fits(pkey)) {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }
    for (int i = 0; i < count; i++)
        BN_clear_free(bn[i]);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(bld);
    return pkey;
}

/* ---- new keys ---- */

static struct ndc_jwk *wrap(const struct ndc_jwk_alg *alg,
                            const struct ndc_jwk_curve *curve, EVP_PKEY *pkey,
                            struct ndc_str kid, bool private)
{
    const struct ndc_jwk_parts parts = {.alg = alg,
                                        .curve = curve,
                                        .pkey = pkey,
                                        .kid = kid,
                                        .kid_is_thumbprint = !kid.len,
                                        .private = private,
                                        .may = {true, true}};
    return ndc_jwk_new(&parts);
}

static enum ndc_err unknown_alg(struct ndc_fault *fault, const char *alg)
{
    return ndc_fail_at(fault, NDC_EINPUT, "jwk.algorithm", "alg", 0,
                       "there is no algorithm \"%.40s\" here", alg);
}

enum ndc_err ndc_jwk_secret(struct ndc_jwk **out, const char *alg, struct ndc_str kid,
                            struct ndc_str secret, struct ndc_fault *fault)
{
    const struct ndc_jwk_alg *a = ndc_jwk_alg_find(ndc_str(alg));
    *out = NULL;
    if (!a || a->kty != NDC_JWK_OCT) return unknown_alg(fault, alg);
    bool fits = a->how == NDC_JWK_DIR ? secret.len >= 16 && secret.len <= 64
                : a->how == NDC_JWK_HMAC
                    ? secret.len >= a->key_bytes && secret.len <= 1024
                    : secret.len == a->key_bytes;
    if (!fits)
        return ndc_fail_at(fault, NDC_EINPUT, "jwk.secret", "k", 0,
                           "a secret for %s has %s%u bytes, not %zu", a->name,
                           a->how == NDC_JWK_HMAC  ? "at least "
                           : a->how == NDC_JWK_DIR ? "16 to "
                                                   : "",
                           a->how == NDC_JWK_DIR ? 64u : a->key_bytes, secret.len);
    if (kid.len > NDC_JWK_KID_MAX)
        return ndc_fail_at(fault, NDC_EINPUT, "jwk.kid", "kid", 0,
                           "a key's name has at most %d bytes", NDC_JWK_KID_MAX);
    const struct ndc_jwk_parts parts = {
        .alg = a, .secret = secret, .kid = kid, .may = {true, true}};
    *out = ndc_jwk_new(&parts);
    return NDC_OK;
}

static void generate_secret(struct ndc_jwk **out, const struct ndc_jwk_alg *alg)
{
    uint8_t secret[64];
    size_t len = alg->key_bytes ? alg->key_bytes : DIR_BYTES;
    ndc_random_bytes(secret, len);
    const struct ndc_jwk_parts parts = {.alg = alg,
                                        .secret = ndc_str_n((char *)secret, len),
                                        .kid_is_thumbprint = true,
                                        .may = {true, true}};
    *out = ndc_jwk_new(&parts);
    ndc_secret_wipe(secret, sizeof(secret));
}

enum ndc_err ndc_jwk_generate_on(struct ndc_jwk **out, const char *alg, const char *crv,
                                 struct ndc_fault *fault)
{
    const struct ndc_jwk_alg *a = ndc_jwk_alg_find(ndc_str(alg));
    const struct ndc_jwk_curve *curve = NULL;
    EVP_PKEY *pkey = NULL;
    *out = NULL;
    if (!a) return unknown_alg(fault, alg);
    if (a->kty == NDC_JWK_OCT) {
        generate_secret(out, a);
        return NDC_OK;
    }
    if (a->kty == NDC_JWK_RSA) {
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)NDC_JWK_RSA_BITS_MIN);
    } else {
        const char *name = crv ? crv : a->crv ? a->crv : "P-256";
        curve = ndc_jwk_curve_find(ndc_str(name));
        if (!curve || !ndc_jwk_alg_fits(a, curve->kty, curve))
            return ndc_fail_at(fault, NDC_EINPUT, "jwk.curve", "crv", 0,
                               "%s has no keys on \"%.40s\"", a->name, name);
        pkey = curve->kty == NDC_JWK_EC
                   ? EVP_PKEY_Q_keygen(NULL, NULL, curve->type, curve->group)
                   : EVP_PKEY_Q_keygen(NULL, NULL, curve->type);
    }
    NDC_ASSERT(pkey);
    *out = wrap(a, curve, pkey, NDC_STR_NULL, true);
    return NDC_OK;
}

enum ndc_err ndc_jwk_generate(struct ndc_jwk **out, const char *alg,
                              struct ndc_fault *fault)
{
    return ndc_jwk_generate_on(out, alg, NULL, fault);
}

/* ---- PEM ---- */

static int no_passphrase(char *buf, int size, int rwflag, void *ctx)
{
    (void)buf, (void)size, (void)rwflag, (void)ctx;
    return -1;
}

static EVP_PKEY *read_pem(struct ndc_str pem, bool *private)
{
    EVP_PKEY *pkey = NULL;
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    NDC_ASSERT(bio);
    pkey = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    *private = pkey;
    if (!pkey) {
        (void)BIO_reset(bio);
        pkey = PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);
    }
    BIO_free(bio);
    ERR_clear_error();
    return pkey;
}

/* The curve of a key; *rsa: it has none. False: no key that is known here. */
static bool kind_of(const EVP_PKEY *pkey, const struct ndc_jwk_curve **curve, bool *rsa)
{
    static const char *const known[] = {"P-256", "P-384", "P-521", "Ed25519", "X25519"};
    char group[32];
    size_t n = 0;
    *curve = NULL;
    *rsa = EVP_PKEY_is_a(pkey, "RSA");
    bool named = EVP_PKEY_get_group_name(pkey, group, sizeof(group), &n) == 1;
    for (size_t i = 0; i < NDC_ARRAY_LEN(known) && !*rsa; i++) {
        const struct ndc_jwk_curve *c = ndc_jwk_curve_find(ndc_str(known[i]));
        if (!EVP_PKEY_is_a(pkey, c->type)) continue;
        if (c->group && !(named && strcmp(group, c->group) == 0)) continue;
        *curve = c;
    }
    ERR_clear_error();
    return *rsa || *curve;
}

static enum ndc_err check_rsa(const EVP_PKEY *pkey, struct ndc_fault *fault)
{
    uint8_t n[NDC_JWK_RSA_BITS_MAX / 8 + 1], e[EXPONENT_BYTES_MAX];
    BIGNUM *a = NULL, *b = NULL;
    enum ndc_err err = NDC_OK;
    NDC_ASSERT(EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &a) == 1 &&
               EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &b) == 1);
    if (BN_num_bytes(a) > (int)sizeof(n) || BN_num_bytes(b) > (int)sizeof(e))
        err = ndc_fail_at(fault, NDC_EINPUT, "jwk.rsa", "n", 0,
                          "this RSA key's numbers are too long");
    else
        err = ndc_jwk_rsa_check(ndc_str_n((char *)n, (size_t)BN_bn2bin(a, n)),
                                ndc_str_n((char *)e, (size_t)BN_bn2bin(b, e)), fault);
    BN_free(a);
    BN_free(b);
    return err;
}

/* Of RSA and EC files say both parts; of OKP the public one is computed. */
static bool parts_fit(EVP_PKEY *pkey, const struct ndc_jwk_curve *curve, bool private)
{
    uint8_t point[32];
    if (!curve || curve->kty == NDC_JWK_EC) return !private || pair_fits(pkey);
    return ndc_jwk_point(point, NULL, pkey, curve) && ed25519_is_sound(curve, point);
}

enum ndc_err ndc_jwk_pem_read(struct ndc_jwk **out, const char *alg, struct ndc_str kid,
                              struct ndc_str pem, struct ndc_fault *fault)
{
    const struct ndc_jwk_alg *a = ndc_jwk_alg_find(ndc_str(alg));
    const struct ndc_jwk_curve *curve;
    bool private = false, rsa = false;
    *out = NULL;
    if (!a) return unknown_alg(fault, alg);
    if (kid.len > NDC_JWK_KID_MAX)
        return ndc_fail_at(fault, NDC_EINPUT, "jwk.kid", "kid", 0,
                           "a key's name has at most %d bytes", NDC_JWK_KID_MAX);
    EVP_PKEY *pkey = pem.len && pem.len <= PEM_BYTES_MAX ? read_pem(pem, &private) : NULL;
    if (!pkey)
        return ndc_fail(fault, NDC_EINPUT, "jwk.pem",
                        "this is neither a private key without a pass phrase nor a "
                        "public key in PEM");
    enum ndc_err err = NDC_OK;
    if (!kind_of(pkey, &curve, &rsa) ||
        !ndc_jwk_alg_fits(a, rsa ? NDC_JWK_RSA : curve->kty, curve))
        err = ndc_fail_at(fault, NDC_EINPUT, "jwk.algorithm", "alg", 0,
                          "this key is not of the kind that %s takes", a->name);
    else if (rsa)
        err = check_rsa(pkey, fault);
    if (!err && !parts_fit(pkey, curve, private))
        err = ndc_fail(fault, NDC_EINPUT, "jwk.pem",
                       "the parts of this key do not belong together");
    if (err)
        EVP_PKEY_free(pkey);
    else
        *out = wrap(a, curve, pkey, kid, private);
    return err;
}

bool ndc_jwk_pem_add(struct ndc_buf *out, const struct ndc_jwk *key)
{
    if (!key->pkey || !key->private) return false;
    BIO *bio = BIO_new(BIO_s_secmem());
    NDC_ASSERT(bio && PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL,
                                                    NULL) == 1);
    char *pem = NULL;
    long len = BIO_get_mem_data(bio, &pem);
    ndc_buf_add(out, pem, (size_t)len);
    BIO_free(bio);
    return !out->failed;
}

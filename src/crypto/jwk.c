/* Keys: made once with all their texts, then only read. The public members are written
 * from OpenSSL's numbers, never from the text that was read, so one key has one text and
 * one thumbprint. */
#include "crypto/jwk_internal.h"

#include "crypto/base64.h"
#include "crypto/token.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>

enum { TEXTS_MAX = 64 << 10, NUMBER_MAX = NDC_JWK_RSA_BITS_MAX / 8 };

const char *const ndc_jwk_rsa_members[NDC_JWK_RSA_NUMBERS] = {"n", "e",  "d",  "p",
                                                              "q", "dp", "dq", "qi"};
const char *const ndc_jwk_rsa_params[NDC_JWK_RSA_NUMBERS] = {
    OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,
    OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,
    OSSL_PKEY_PARAM_RSA_FACTOR2,   OSSL_PKEY_PARAM_RSA_EXPONENT1,
    OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1};

/* A number of the key in big-endian bytes: `len` of them, or as few as it has (0). */
static bool get_number(uint8_t *out, size_t *len, const EVP_PKEY *pkey, const char *name)
{
    BIGNUM *bn = NULL;
    bool good = EVP_PKEY_get_bn_param(pkey, name, &bn) == 1;
    if (good) {
        size_t n = *len ? *len : (size_t)BN_num_bytes(bn);
        good = n <= NUMBER_MAX && BN_bn2binpad(bn, out, (int)n) == (int)n;
        *len = n;
    }
    BN_clear_free(bn);
    return good;
}

bool ndc_jwk_point(uint8_t *x, uint8_t *y, const EVP_PKEY *pkey,
                   const struct ndc_jwk_curve *curve)
{
    size_t n = curve->bytes, m = curve->bytes;
    if (curve->kty == NDC_JWK_OKP)
        return EVP_PKEY_get_raw_public_key(pkey, x, &n) == 1 && n == curve->bytes;
    return get_number(x, &n, pkey, OSSL_PKEY_PARAM_EC_PUB_X) &&
           get_number(y, &m, pkey, OSSL_PKEY_PARAM_EC_PUB_Y);
}

static struct ndc_str keep_base64url(struct ndc_arena *arena, const uint8_t *bytes,
                                     size_t len)
{
    struct ndc_buf text;
    ndc_buf_init(&text, ndc_base64url_size(NUMBER_MAX));
    ndc_base64url_add(&text, bytes, len);
    struct ndc_str kept = ndc_arena_str(arena, ndc_buf_str(&text));
    ndc_buf_free(&text);
    return kept;
}

static bool keep_public(struct ndc_jwk *key)
{
    uint8_t a[NUMBER_MAX], b[NUMBER_MAX];
    size_t n = 0, m = 0;
    if (key->curve) {
        n = key->curve->bytes;
        m = key->curve->kty == NDC_JWK_EC ? n : 0;
        if (!ndc_jwk_point(a, b, key->pkey, key->curve)) return false;
    } else if (key->pkey) {
        if (!get_number(a, &n, key->pkey, OSSL_PKEY_PARAM_RSA_N) ||
            !get_number(b, &m, key->pkey, OSSL_PKEY_PARAM_RSA_E))
            return false;
    }
    if (n) key->public[0] = keep_base64url(&key->texts, a, n);
    if (m) key->public[1] = keep_base64url(&key->texts, b, m);
    return true;
}

static enum ndc_jwk_kty kty_of(const struct ndc_jwk *key)
{
    return key->curve ? key->curve->kty : key->alg->kty;
}

/* The members that a thumbprint is made of, in its order: by name (RFC 7638, 3). */
static void add_canonical(struct ndc_buf *out, const struct ndc_jwk *key)
{
    struct ndc_str a = key->public[0], b = key->public[1];
    switch (kty_of(key)) {
    case NDC_JWK_EC:
        ndc_buf_printf(out,
                       "{\"crv\":\"%s\",\"kty\":\"EC\",\"x\":\"%.*s\",\"y\":\"%.*s\"}",
                       key->curve->crv, NDC_STR_FMT(a), NDC_STR_FMT(b));
        return;
    case NDC_JWK_OKP:
        ndc_buf_printf(out, "{\"crv\":\"%s\",\"kty\":\"OKP\",\"x\":\"%.*s\"}",
                       key->curve->crv, NDC_STR_FMT(a));
        return;
    case NDC_JWK_RSA:
        ndc_buf_printf(out, "{\"e\":\"%.*s\",\"kty\":\"RSA\",\"n\":\"%.*s\"}",
                       NDC_STR_FMT(b), NDC_STR_FMT(a));
        return;
    case NDC_JWK_OCT:
        ndc_buf_add_c(out, "{\"k\":\"");
        ndc_base64url_add(out, key->secret, key->secret_len);
        ndc_buf_add_c(out, "\",\"kty\":\"oct\"}");
    }
}

static void make_thumbprint(struct ndc_jwk *key)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    struct ndc_buf text, print;
    ndc_buf_init(&text, TEXTS_MAX);
    ndc_buf_init(&print, NDC_JWK_THUMBPRINT_TEXT);
    NDC_ASSERT(ndc_buf_room(&text, ndc_base64url_size(key->secret_len) + 256));
    add_canonical(&text, key);
    NDC_ASSERT(!text.failed &&
               EVP_Digest(text.ptr, text.len, digest, &len,
                          ndc_jose_algorithms()->md[NDC_JOSE_SHA256], NULL) == 1);
    ndc_base64url_add(&print, digest, len);
    NDC_ASSERT(print.len == NDC_JWK_THUMBPRINT_TEXT - 1);
    memcpy(key->thumbprint, print.ptr, print.len);
    ndc_secret_wipe(text.ptr, text.cap);
    ndc_buf_free(&text);
    ndc_buf_free(&print);
}

static void make_head(struct ndc_jwk *key)
{
    struct ndc_buf text;
    struct ndc_json j;
    ndc_buf_init(&text, 8 * NDC_JWK_KID_MAX);
    ndc_json_init(&j, &text);
    ndc_json_object(&j);
    ndc_json_kv_c(&j, "alg", key->alg->name);
    if (key->kid.len) ndc_json_kv_str(&j, "kid", key->kid);
    NDC_ASSERT(!text.failed);
    key->head = ndc_arena_str(&key->texts, ndc_buf_str(&text));
    ndc_buf_free(&text);
}

struct ndc_jwk *ndc_jwk_new(const struct ndc_jwk_parts *parts)
{
    struct ndc_jwk *key = ndc_xcalloc(1, sizeof(*key));
    atomic_init(&key->refs, 1);
    key->alg = parts->alg;
    key->curve = parts->curve;
    key->pkey = parts->pkey;
    key->private = parts->private || !parts->pkey;
    key->may[NDC_JWK_GIVE] = parts->may[NDC_JWK_GIVE];
    key->may[NDC_JWK_TAKE] = parts->may[NDC_JWK_TAKE];
    key->pool = aligned_alloc(_Alignof(struct ndc_jwk_pool), sizeof(*key->pool));
    NDC_ASSERT(key->pool);
    memset(key->pool, 0, sizeof(*key->pool));
    ndc_arena_init(&key->texts, TEXTS_MAX);
    if (!parts->pkey) {
        key->secret = ndc_xmalloc(parts->secret.len);
        key->secret_len = parts->secret.len;
        memcpy(key->secret, parts->secret.ptr, parts->secret.len);
    }
    NDC_ASSERT(keep_public(key));
    make_thumbprint(key);
    key->kid = parts->kid_is_thumbprint ? ndc_str(key->thumbprint)
                                        : ndc_arena_str(&key->texts, parts->kid);
    make_head(key);
    NDC_ASSERT(!key->texts.overflow);
    return key;
}

struct ndc_jwk *ndc_jwk_ref(struct ndc_jwk *key)
{
    atomic_fetch_add(&key->refs, 1);
    return key;
}

void ndc_jwk_unref(struct ndc_jwk *key)
{
    if (!key || atomic_fetch_sub(&key->refs, 1) != 1) return;
    for (int side = 0; side < 2; side++)
        for (int i = 0; i < NDC_JWK_SPARES; i++)
            ndc_jwk_work_free(atomic_load(&key->pool->slot[side][i].work));
    EVP_PKEY_free(key->pkey);
    if (key->secret) ndc_secret_wipe(key->secret, key->secret_len);
    free(key->secret);
    free(key->pool);
    ndc_arena_free(&key->texts);
    free(key);
}

const char *ndc_jwk_alg(const struct ndc_jwk *key)
{
    return key->alg->name;
}

struct ndc_str ndc_jwk_kid(const struct ndc_jwk *key)
{
    return key->kid;
}

bool ndc_jwk_is_private(const struct ndc_jwk *key)
{
    return key->private;
}

bool ndc_jwk_is_for_signing(const struct ndc_jwk *key)
{
    return ndc_jwk_alg_signs(key->alg);
}

void ndc_jwk_thumbprint(char out[NDC_JWK_THUMBPRINT_TEXT], const struct ndc_jwk *key)
{
    memcpy(out, key->thumbprint, NDC_JWK_THUMBPRINT_TEXT);
}

/* ---- writing ---- */

static void write_public_members(struct ndc_json *j, const struct ndc_jwk *key)
{
    enum ndc_jwk_kty kty = kty_of(key);
    ndc_json_kv_c(j, "kty", ndc_jwk_kty_name(kty));
    if (key->curve) ndc_json_kv_c(j, "crv", key->curve->crv);
    if (key->public[0].len)
        ndc_json_kv_str(j, kty == NDC_JWK_RSA ? "n" : "x", key->public[0]);
    if (key->public[1].len)
        ndc_json_kv_str(j, kty == NDC_JWK_RSA ? "e" : "y", key->public[1]);
    if (key->kid.len) ndc_json_kv_str(j, "kid", key->kid);
    ndc_json_kv_c(j, "alg", key->alg->name);
    ndc_json_kv_c(j, "use", ndc_jwk_alg_signs(key->alg) ? "sig" : "enc");
}

void ndc_jwk_public_write(struct ndc_json *j, const struct ndc_jwk *key)
{
    ndc_json_object(j);
    write_public_members(j, key);
    ndc_json_end(j);
}

static void add_member(struct ndc_buf *out, const char *name, const uint8_t *bytes,
                       size_t len)
{
    ndc_buf_printf(out, ",\"%s\":\"", name);
    ndc_base64url_add(out, bytes, len);
    ndc_buf_add_byte(out, '"');
}

static void add_private_members(struct ndc_buf *out, const struct ndc_jwk *key)
{
    uint8_t number[NUMBER_MAX];
    size_t n;
    switch (kty_of(key)) {
    case NDC_JWK_OCT:
        add_member(out, "k", key->secret, key->secret_len);
        break;
    case NDC_JWK_OKP:
        n = key->curve->bytes;
        NDC_ASSERT(EVP_PKEY_get_raw_private_key(key->pkey, number, &n) == 1);
        add_member(out, "d", number, n);
        break;
    case NDC_JWK_EC:
        n = key->curve->bytes;
        NDC_ASSERT(get_number(number, &n, key->pkey, OSSL_PKEY_PARAM_PRIV_KEY));
        add_member(out, "d", number, n);
        break;
    case NDC_JWK_RSA:
        for (int i = 2; i < NDC_JWK_RSA_NUMBERS; i++) {
            n = 0;
            NDC_ASSERT(get_number(number, &n, key->pkey, ndc_jwk_rsa_params[i]));
            add_member(out, ndc_jwk_rsa_members[i], number, n);
        }
    }
    ndc_secret_wipe(number, sizeof(number));
}

void ndc_jwk_private_add(struct ndc_buf *out, const struct ndc_jwk *key)
{
    struct ndc_json j;
    /* Room for all of it first: a buffer that grows later leaves a copy behind. */
    (void)ndc_buf_room(out, NDC_MIN((size_t)16 << 10, out->bytes_max - out->len));
    ndc_json_init(&j, out);
    ndc_json_object(&j);
    write_public_members(&j, key);
    if (key->private) add_private_members(out, key);
    ndc_json_end(&j);
}

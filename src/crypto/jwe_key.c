/* Key management of JWE: how the content key reaches the recipient. */
#include "crypto/jwe_internal.h"

#include "crypto/base64.h"
#include "crypto/jws_internal.h"
#include "crypto/token.h"
#include "sys/random.h"

#include <openssl/err.h>

enum { GCM_IV = 12, GCM_TAG = 16, WRAP_MORE = 8, Z_MAX = 66, POINT_MAX = 66 };

/* Index of a cipher by the bytes of its key: 16, 24, 32. */
static int size_of(size_t bytes)
{
    return (int)(bytes / 8) - 2;
}

/* ---- AES Key Wrap (RFC 3394), AES-GCM as a wrapper ---- */

static bool wrap(uint8_t *out, size_t *len, const uint8_t *kek, size_t kek_bytes,
                 const uint8_t *in, size_t in_len, bool sealing)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0, last = 0;
    if (ctx) EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    bool good = ctx &&
                EVP_CipherInit_ex2(ctx, ndc_jose_algorithms()->wrap[size_of(kek_bytes)],
                                   kek, NULL, sealing, NULL) == 1 &&
                EVP_CipherUpdate(ctx, out, &n, in, (int)in_len) == 1 &&
                EVP_CipherFinal_ex(ctx, out + n, &last) == 1;
    EVP_CIPHER_CTX_free(ctx);
    *len = good ? (size_t)n + (size_t)last : 0;
    return good;
}

/* What a wrapped key opens to, or nothing changed in `cek`. */
static void unwrap(uint8_t *cek, const struct ndc_jwe_enc *enc, const uint8_t *kek,
                   size_t kek_bytes, struct ndc_str sealed)
{
    uint8_t opened[NDC_JWE_CEK_MAX + WRAP_MORE + 16];
    size_t len = 0;
    if (sealed.len != enc->cek_bytes + WRAP_MORE) return;
    if (wrap(opened, &len, kek, kek_bytes, (const uint8_t *)sealed.ptr, sealed.len,
             false) &&
        len == enc->cek_bytes)
        memcpy(cek, opened, len);
    ndc_secret_wipe(opened, sizeof(opened));
}

static const struct ndc_jwe_enc *gcm_by_size(size_t kek_bytes)
{
    return ndc_jwe_enc_find(kek_bytes == 16 ? NDC_STR("A128GCM") : NDC_STR("A256GCM"));
}

static void add_text_member(struct ndc_buf *out, const char *name, const uint8_t *bytes,
                            size_t len)
{
    ndc_buf_printf(out, ",\"%s\":\"", name);
    ndc_base64url_add(out, bytes, len);
    ndc_buf_add_byte(out, '"');
}

static bool gcm_wrap(uint8_t *sealed, size_t *sealed_len, struct ndc_buf *members,
                     const struct ndc_jwk *key, const uint8_t *cek, size_t cek_len)
{
    uint8_t iv[GCM_IV], tag[NDC_JWE_TAG_MAX];
    ndc_random_bytes(iv, sizeof(iv));
    if (!ndc_jwe_seal(sealed, sealed_len, tag, gcm_by_size(key->secret_len), key->secret,
                      iv, NDC_STR_NULL, ndc_str_n((const char *)cek, cek_len)))
        return false;
    add_text_member(members, "iv", iv, GCM_IV);
    add_text_member(members, "tag", tag, GCM_TAG);
    return true;
}

/* A base64url member of the header of at most `max` bytes; empty where it is not there.
 */
static enum ndc_err header_bytes(uint8_t *out, size_t max, struct ndc_str *bytes,
                                 struct json_object *header, const char *name,
                                 struct ndc_fault *fault)
{
    struct ndc_str text;
    size_t len = 0;
    NDC_TRY(ndc_jose_header_text(&text, header, name, ndc_base64url_size(max),
                                 "jwe.header", fault));
    if (!ndc_base64url_read(out, max, &len, text))
        return ndc_fail_at(fault, NDC_EINPUT, "jwe.header", name, 0,
                           "\"%s\" in the token's header is not base64url without "
                           "padding",
                           name);
    *bytes = ndc_str_n((char *)out, len);
    return NDC_OK;
}

static enum ndc_err gcm_unwrap(uint8_t *cek, const struct ndc_jwk *key,
                               const struct ndc_jwe_enc *enc, struct json_object *header,
                               struct ndc_str sealed, struct ndc_fault *fault)
{
    uint8_t iv_room[GCM_IV], tag_room[GCM_TAG], opened[NDC_JWE_CEK_MAX];
    struct ndc_str iv = NDC_STR_NULL, tag = NDC_STR_NULL;
    size_t len = 0;
    NDC_TRY(header_bytes(iv_room, sizeof(iv_room), &iv, header, "iv", fault));
    NDC_TRY(header_bytes(tag_room, sizeof(tag_room), &tag, header, "tag", fault));
    if (sealed.len == enc->cek_bytes &&
        ndc_jwe_open(opened, &len, gcm_by_size(key->secret_len), key->secret, iv,
                     NDC_STR_NULL, sealed, tag))
        memcpy(cek, opened, len);
    ndc_secret_wipe(opened, sizeof(opened));
    return NDC_OK;
}

/* ---- RSA-OAEP ---- */

static bool oaep_seal(uint8_t *sealed, size_t *sealed_len, const struct ndc_jwk *key,
                      const uint8_t *cek, size_t cek_len)
{
    struct ndc_jwk_work *work = ndc_jwk_work_take(key, NDC_JWK_GIVE);
    if (!work) return false;
    *sealed_len = NDC_JWE_KEY_MAX;
    bool good = EVP_PKEY_encrypt(work->op, sealed, sealed_len, cek, cek_len) == 1;
    ndc_jwk_work_put(key, NDC_JWK_GIVE, work);
    return good;
}

static void oaep_open(uint8_t *cek, const struct ndc_jwk *key,
                      const struct ndc_jwe_enc *enc, struct ndc_str sealed)
{
    uint8_t opened[NDC_JWE_KEY_MAX];
    size_t len = sizeof(opened);
    struct ndc_jwk_work *work = ndc_jwk_work_take(key, NDC_JWK_TAKE);
    if (!work) return;
    bool good = EVP_PKEY_decrypt(work->op, opened, &len,
                                 (const unsigned char *)sealed.ptr, sealed.len) == 1;
    if (good && len == enc->cek_bytes) memcpy(cek, opened, len);
    ndc_secret_wipe(opened, sizeof(opened));
    ndc_jwk_work_put(key, NDC_JWK_TAKE, work);
    ERR_clear_error();
}

/* ---- ECDH-ES ---- */

static void add_u32be(struct ndc_buf *out, size_t v)
{
    const uint8_t bytes[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8),
                              (uint8_t)v};
    ndc_buf_add(out, bytes, sizeof(bytes));
}

static void add_counted(struct ndc_buf *out, struct ndc_str s)
{
    add_u32be(out, s.len);
    ndc_buf_add_str(out, s);
}

void ndc_jwe_concat_kdf(uint8_t *out, size_t len, struct ndc_str z, struct ndc_str alg,
                        struct ndc_str apu, struct ndc_str apv)
{
    char room[Z_MAX + 4 + 4 * 4 + 64 + 2 * NDC_JWE_PARTY_MAX];
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    NDC_ASSERT(len <= NDC_JWE_CEK_MAX);
    for (size_t done = 0; done < len; done += n) {
        struct ndc_buf in = {.ptr = room, .cap = sizeof(room), .bytes_max = sizeof(room)};
        add_u32be(&in, done / 32 + 1);
        ndc_buf_add_str(&in, z);
        add_counted(&in, alg);
        add_counted(&in, apu);
        add_counted(&in, apv);
        add_u32be(&in, len * 8);
        NDC_ASSERT(!in.failed &&
                   EVP_Digest(in.ptr, in.len, hash, &n,
                              ndc_jose_algorithms()->md[NDC_JOSE_SHA256], NULL) == 1);
        memcpy(out + done, hash, NDC_MIN((size_t)n, len - done));
    }
    ndc_secret_wipe(room, sizeof(room));
    ndc_secret_wipe(hash, sizeof(hash));
}

/* The agreed key: the content key itself with plain ECDH-ES, else a wrapping key. */
static void agree(uint8_t *out, size_t *len, const struct ndc_jwk *key,
                  const struct ndc_jwe_enc *enc, struct ndc_str z, struct ndc_str apu,
                  struct ndc_str apv)
{
    bool direct = !key->alg->key_bytes;
    *len = direct ? enc->cek_bytes : key->alg->key_bytes;
    ndc_jwe_concat_kdf(out, *len, z, ndc_str(direct ? enc->name : key->alg->name), apu,
                       apv);
}

static bool derive(EVP_PKEY_CTX *ctx, EVP_PKEY *peer, uint8_t z[static Z_MAX],
                   size_t *len, const struct ndc_jwk_curve *curve)
{
    *len = Z_MAX;
    return EVP_PKEY_derive_set_peer(ctx, peer) == 1 &&
           EVP_PKEY_derive(ctx, z, len) == 1 && *len == curve->bytes;
}

static void write_epk(struct ndc_buf *members, const struct ndc_jwk_curve *curve,
                      const EVP_PKEY *pkey)
{
    uint8_t x[POINT_MAX], y[POINT_MAX];
    NDC_ASSERT(ndc_jwk_point(x, y, pkey, curve));
    ndc_buf_printf(members, ",\"epk\":{\"kty\":\"%s\",\"crv\":\"%s\"",
                   ndc_jwk_kty_name(curve->kty), curve->crv);
    add_text_member(members, "x", x, curve->bytes);
    if (curve->kty == NDC_JWK_EC) add_text_member(members, "y", y, curve->bytes);
    ndc_buf_add_byte(members, '}');
}

static bool ecdh_seal(uint8_t *agreed, size_t *agreed_len, struct ndc_buf *members,
                      const struct ndc_jwk *key, const struct ndc_jwe_enc *enc)
{
    uint8_t z[Z_MAX];
    size_t len = 0;
    EVP_PKEY *once = NULL;
    EVP_PKEY_CTX *ctx = NULL;
    struct ndc_jwk_work *work = ndc_jwk_work_take(key, NDC_JWK_GIVE);
    bool good = work && EVP_PKEY_generate(work->op, &once) == 1;
    if (work) ndc_jwk_work_put(key, NDC_JWK_GIVE, work);
    if (good) ctx = EVP_PKEY_CTX_new_from_pkey(NULL, once, NULL);
    good = ctx && EVP_PKEY_derive_init(ctx) == 1 &&
           derive(ctx, key->pkey, z, &len, key->curve);
    if (good) {
        agree(agreed, agreed_len, key, enc, ndc_str_n((char *)z, len), NDC_STR_NULL,
              NDC_STR_NULL);
        write_epk(members, key->curve, once);
    }
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(once);
    ndc_secret_wipe(z, sizeof(z));
    return good;
}

static enum ndc_err read_epk(struct ndc_jwk **out, const struct ndc_jwk *key,
                             struct json_object *header, struct ndc_fault *fault)
{
    struct ndc_fault why = {0};
    bool unknown;
    struct json_object *epk = ndc_json_get(header, "epk");
    if (ndc_jwk_read_full(out, epk, "ECDH-ES", true, &unknown, &why))
        return ndc_fail_at(fault, NDC_EINPUT, "jwe.epk", "epk", 0,
                           "the token's passing key \"epk\" is not one: %s", why.message);
    if ((*out)->curve == key->curve) return NDC_OK;
    ndc_jwk_unref(*out);
    *out = NULL;
    return ndc_fail_at(fault, NDC_EINPUT, "jwe.epk", "epk", 0,
                       "the token's passing key \"epk\" is not on the curve %s",
                       key->curve->crv);
}

static enum ndc_err ecdh_open(uint8_t *cek, const struct ndc_jwk *key,
                              const struct ndc_jwe_enc *enc, struct json_object *header,
                              struct ndc_str sealed, struct ndc_fault *fault)
{
    uint8_t apu_room[NDC_JWE_PARTY_MAX], apv_room[NDC_JWE_PARTY_MAX];
    uint8_t z[Z_MAX], agreed[NDC_JWE_CEK_MAX];
    struct ndc_str apu = NDC_STR_NULL, apv = NDC_STR_NULL;
    struct ndc_jwk *epk = NULL;
    size_t len = 0, agreed_len = 0;
    NDC_TRY(header_bytes(apu_room, sizeof(apu_room), &apu, header, "apu", fault));
    NDC_TRY(header_bytes(apv_room, sizeof(apv_room), &apv, header, "apv", fault));
    NDC_TRY(read_epk(&epk, key, header, fault));
    struct ndc_jwk_work *work = ndc_jwk_work_take(key, NDC_JWK_TAKE);
    if (work && derive(work->op, epk->pkey, z, &len, key->curve)) {
        agree(agreed, &agreed_len, key, enc, ndc_str_n((char *)z, len), apu, apv);
        if (key->alg->key_bytes)
            unwrap(cek, enc, agreed, agreed_len, sealed);
        else
            memcpy(cek, agreed, agreed_len);
    }
    if (work) ndc_jwk_work_put(key, NDC_JWK_TAKE, work);
    ERR_clear_error();
    ndc_jwk_unref(epk);
    ndc_secret_wipe(z, sizeof(z));
    ndc_secret_wipe(agreed, sizeof(agreed));
    return NDC_OK;
}

/* ---- all of them ---- */

static bool is_direct(const struct ndc_jwk *key)
{
    return key->alg->how == NDC_JWK_DIR ||
           (key->alg->how == NDC_JWK_ECDH && !key->alg->key_bytes);
}

static enum ndc_err take_direct(uint8_t *cek, const struct ndc_jwk *key,
                                const struct ndc_jwe_enc *enc, struct ndc_fault *fault)
{
    if (key->secret_len != enc->cek_bytes)
        return ndc_fail(fault, NDC_EINPUT, "jwe.key",
                        "%s takes a key of %zu bytes, and this one has %zu", enc->name,
                        enc->cek_bytes, key->secret_len);
    memcpy(cek, key->secret, key->secret_len);
    return NDC_OK;
}

enum ndc_err ndc_jwe_key_make(uint8_t cek[static NDC_JWE_CEK_MAX],
                              uint8_t sealed[static NDC_JWE_KEY_MAX], size_t *sealed_len,
                              struct ndc_buf *members, const struct ndc_jwk *key,
                              const struct ndc_jwe_enc *enc, struct ndc_fault *fault)
{
    uint8_t agreed[NDC_JWE_CEK_MAX];
    size_t len = 0;
    bool good = true;
    *sealed_len = 0;
    ndc_random_bytes(cek, enc->cek_bytes);
    switch (key->alg->how) {
    case NDC_JWK_DIR:
        return take_direct(cek, key, enc, fault);
    case NDC_JWK_AESKW:
        good = wrap(sealed, sealed_len, key->secret, key->secret_len, cek, enc->cek_bytes,
                    true);
        break;
    case NDC_JWK_GCMKW:
        good = gcm_wrap(sealed, sealed_len, members, key, cek, enc->cek_bytes);
        break;
    case NDC_JWK_OAEP:
        good = oaep_seal(sealed, sealed_len, key, cek, enc->cek_bytes);
        break;
    default:
        good = ecdh_seal(agreed, &len, members, key, enc);
        if (good && is_direct(key))
            memcpy(cek, agreed, len);
        else if (good)
            good = wrap(sealed, sealed_len, agreed, len, cek, enc->cek_bytes, true);
        ndc_secret_wipe(agreed, sizeof(agreed));
    }
    if (good) return NDC_OK;
    ERR_clear_error();
    return ndc_fail(fault, NDC_EINTERNAL, "jwe.encrypt",
                    "the content's key was not encrypted");
}

enum ndc_err ndc_jwe_key_open(uint8_t cek[static NDC_JWE_CEK_MAX],
                              const struct ndc_jwk *key, const struct ndc_jwe_enc *enc,
                              struct json_object *header, struct ndc_str sealed,
                              struct ndc_fault *fault)
{
    ndc_random_bytes(cek, NDC_JWE_CEK_MAX);
    if (is_direct(key) && sealed.len)
        return ndc_fail(fault, NDC_EINPUT, "jwe.syntax",
                        "with %s the token's second part is empty", key->alg->name);
    switch (key->alg->how) {
    case NDC_JWK_DIR:
        return take_direct(cek, key, enc, fault);
    case NDC_JWK_AESKW:
        unwrap(cek, enc, key->secret, key->secret_len, sealed);
        ERR_clear_error();
        return NDC_OK;
    case NDC_JWK_GCMKW:
        return gcm_unwrap(cek, key, enc, header, sealed, fault);
    case NDC_JWK_OAEP:
        oaep_open(cek, key, enc, sealed);
        return NDC_OK;
    default:
        return ecdh_open(cek, key, enc, header, sealed, fault);
    }
}

/* Any bytes as a token, as a token's header or claims, as a key, a set of keys, an ECDSA
 * signature: what is taken lies in its text, a key writes itself as one that reads the
 * same, nothing unsigned verifies, and a signature's two forms tell the same. */
#include "crypto/base64.h"
#include "crypto/jwe.h"
#include "crypto/jws.h"
#include "crypto/jws_der.h"
#include "crypto/jwt.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* RFC 7515, A.3 and RFC 7518, C. */
static const char ec_text[] = "{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ES256\",\"x\":"
                              "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":"
                              "\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}";

static const char ecdh_text[] =
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ECDH-ES\",\"x\":"
    "\"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ\",\"y\":"
    "\"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck\",\"d\":"
    "\"VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw\"}";

static struct ndc_jwk *ec, *direct, *agreed, *wrapped;

static void make_keys(void)
{
    if (ec) return;
    NDC_ASSERT(ndc_jwk_parse(&ec, ndc_str(ec_text), NULL) == NDC_OK);
    NDC_ASSERT(ndc_jwk_secret(&direct, "dir", NDC_STR("d"), NDC_STR("0123456789abcdef"),
                              NULL) == NDC_OK);
    NDC_ASSERT(ndc_jwk_secret(&wrapped, "A128GCMKW", NDC_STR("w"),
                              NDC_STR("0123456789abcdef"), NULL) == NDC_OK);
    NDC_ASSERT(ndc_jwk_parse(&agreed, ndc_str(ecdh_text), NULL) == NDC_OK);
}

static bool within(struct ndc_str s, struct ndc_str of)
{
    return s.len == 0 || (s.ptr >= of.ptr && s.ptr + s.len <= of.ptr + of.len);
}

static void read_signed(struct ndc_str token)
{
    struct ndc_arena arena;
    struct ndc_jws jws;
    struct ndc_jwk *own;
    struct json_object *claims;
    ndc_arena_init(&arena, 1 << 20);
    if (ndc_jws_parse(&jws, &arena, token, NULL) == NDC_OK) {
        struct ndc_buf back;
        bool signs = false;
        NDC_ASSERT(within(jws.signed_part, token));
        NDC_ASSERT(ndc_str_eq(jws.token, token));
        ndc_buf_init(&back, NDC_JWS_BYTES_MAX);
        ndc_base64url_add(&back, jws.header_json.ptr, jws.header_json.len);
        ndc_buf_add_byte(&back, '.');
        ndc_base64url_add(&back, jws.payload.ptr, jws.payload.len);
        NDC_ASSERT(ndc_str_eq(ndc_buf_str(&back), jws.signed_part)); /* one form */
        ndc_buf_free(&back);
        NDC_ASSERT(ndc_jwk_alg_known(ndc_arena_cstr(&arena, jws.alg), &signs) && signs);
        if (ndc_jws_header_jwk(&own, &jws, NULL) == NDC_OK) {
            NDC_ASSERT(!ndc_jwk_is_private(own));
            (void)!ndc_jws_verify(&jws, own, NULL);
            ndc_jwk_unref(own);
        }
        (void)!ndc_jws_verify(&jws, ec, NULL);
        if (ndc_jws_claims(&claims, &jws, NULL) == NDC_OK) json_object_put(claims);
        ndc_jws_free(&jws);
    }
    ndc_arena_free(&arena);
}

static void read_encrypted(struct ndc_str token)
{
    struct ndc_buf inside;
    ndc_buf_init(&inside, NDC_JWE_BYTES_MAX);
    (void)!ndc_jwe_decrypt(&inside, direct, token, NULL);
    (void)!ndc_jwe_decrypt(&inside, agreed, token, NULL);
    (void)!ndc_jwe_decrypt(&inside, wrapped, token, NULL);
    ndc_buf_free(&inside);
}

/* The input as a header before parts that are well formed. */
static void read_header(struct ndc_str in)
{
    struct ndc_buf token;
    ndc_buf_init(&token, 1 << 20);
    ndc_base64url_add(&token, in.ptr, in.len);
    size_t header = token.len;
    ndc_buf_add_c(&token, ".e30.AAAA");
    read_signed(ndc_buf_str(&token));
    token.len = header;
    ndc_buf_add_c(&token, "..AAAAAAAAAAAAAAAA.AA.AAAAAAAAAAAAAAAAAAAAAA");
    read_encrypted(ndc_buf_str(&token));
    ndc_buf_free(&token);
}

static void read_key(struct ndc_str in)
{
    struct ndc_jwk *key, *again;
    struct ndc_buf text;
    char a[NDC_JWK_THUMBPRINT_TEXT], b[NDC_JWK_THUMBPRINT_TEXT];
    if (ndc_jwk_parse(&key, in, NULL)) return;
    ndc_buf_init(&text, 1 << 16);
    ndc_jwk_private_add(&text, key);
    NDC_ASSERT(ndc_jwk_parse(&again, ndc_buf_str(&text), NULL) == NDC_OK);
    ndc_jwk_thumbprint(a, key);
    ndc_jwk_thumbprint(b, again);
    NDC_ASSERT(memcmp(a, b, sizeof(a)) == 0);
    NDC_ASSERT(strcmp(ndc_jwk_alg(key), ndc_jwk_alg(again)) == 0);
    NDC_ASSERT(ndc_jwk_is_private(key) == ndc_jwk_is_private(again));
    ndc_buf_free(&text);
    ndc_jwk_unref(key);
    ndc_jwk_unref(again);
}

static void read_set(struct ndc_str in)
{
    struct ndc_jwks *set;
    if (ndc_jwks_parse(&set, in, NULL)) return;
    for (size_t i = 0; i < ndc_jwks_count(set); i++)
        NDC_ASSERT(!ndc_jwk_is_private(ndc_jwks_at(set, i)));
    ndc_jwks_unref(set);
}

static void read_claims(struct ndc_str in)
{
    struct json_object *claims;
    const struct ndc_jwt_rules rules = {
        .issuer = NDC_STR("a"), .audience = NDC_STR("b"), .now_s = 1000, .skew_s = 10};
    if (ndc_json_parse(&claims, in, NULL)) return;
    if (ndc_jwt_check(claims, &rules, NULL) == NDC_OK)
        NDC_ASSERT(ndc_jwt_audience_has(claims, rules.audience));
    json_object_put(claims);
}

static void read_der(const uint8_t *bytes, size_t len)
{
    static const size_t sizes[] = {32, 48, 66};
    uint8_t rs[2 * NDC_ECDSA_NUMBER_MAX], der[NDC_ECDSA_DER_MAX];
    for (size_t i = 0; i < NDC_ARRAY_LEN(sizes); i++) {
        if (!ndc_ecdsa_from_der(rs, sizes[i], bytes, len)) continue;
        NDC_ASSERT(ndc_ecdsa_to_der(der, rs, sizes[i]) == len);
        NDC_ASSERT(memcmp(der, bytes, len) == 0); /* DER has one form */
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct ndc_str in = ndc_str_n((const char *)bytes, len);
    make_keys();
    read_signed(in);
    read_encrypted(in);
    read_header(in);
    read_key(in);
    read_set(in);
    read_claims(in);
    read_der(bytes, len);
    return 0;
}

/* The examples of the RFCs: 7515 and 7516 (appendix A), 7517 (A), 7518 (C), 7520 (4, 5),
 * 7638 (3.1), 8037 (A); and base64url. */
#include "tests/crypto/jose_help.h"
#include "tests/crypto/jose_vectors.h"

#include "crypto/jwe_internal.h"

static void test_signed(void **state)
{
    (void)state;
    for (size_t i = 0; i < NDC_ARRAY_LEN(jws_vectors); i++) {
        const struct jose_vector *v = &jws_vectors[i];
        struct ndc_fault fault = {0};
        struct ndc_jwk *key, *public;
        struct ndc_arena arena;
        struct ndc_jws jws;
        struct ndc_buf made;
        if (parse_key(&key, v->key, v->alg, &fault))
            fail_msg("%s: %s", v->name, fault.message);
        ndc_arena_init(&arena, 1 << 20);
        assert_int_equal(ndc_jws_parse(&jws, &arena, ndc_str(v->token), &fault), NDC_OK);
        assert_str_eq(jws.payload, v->inside);
        assert_str_eq(jws.alg, v->alg);
        ndc_jws_free(&jws);
        ndc_arena_free(&arena);
        if (*check_token(ndc_str(v->token), key)) fail_msg("%s is refused", v->name);
        if (strcmp(v->alg, "HS256") != 0) {
            public = public_of(key);
            assert_string_equal(check_token(ndc_str(v->token), public), "");
            ndc_jwk_unref(public);
        }
        ndc_buf_init(&made, 1 << 16);
        assert_int_equal(ndc_jws_sign(&made, key, NULL, ndc_str(v->inside), &fault),
                         NDC_OK);
        if (v->again) assert_str_eq(ndc_buf_str(&made), v->token);
        assert_string_equal(check_token(ndc_buf_str(&made), key), "");
        ndc_buf_free(&made);
        ndc_jwk_unref(key);
    }
}

static void test_encrypted(void **state)
{
    (void)state;
    struct ndc_buf inside;
    ndc_buf_init(&inside, 1 << 16);
    for (size_t i = 0; i < NDC_ARRAY_LEN(jwe_vectors); i++) {
        const struct jose_vector *v = &jwe_vectors[i];
        struct ndc_fault fault = {0};
        struct ndc_jwk *key;
        if (parse_key(&key, v->key, v->alg, &fault))
            fail_msg("%s: %s", v->name, fault.message);
        const char *code = open_token(&inside, ndc_str(v->token), key);
        if (strcmp(code, v->code ? v->code : "") != 0)
            fail_msg("%s: \"%s\"", v->name, code);
        if (v->inside) assert_str_eq(ndc_buf_str(&inside), v->inside);
        ndc_jwk_unref(key);
    }
    ndc_buf_free(&inside);
}

/* "none" of RFC 7515, A.5, whatever the key. */
static void test_none(void **state)
{
    (void)state;
    static const char token[] =
        "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9"
        "leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.";
    static const char *const algs[] = {"HS256", "ES256", "EdDSA"};
    for (size_t i = 0; i < NDC_ARRAY_LEN(algs); i++) {
        struct ndc_jwk *key = make_key(algs[i], NULL);
        assert_string_equal(check_token(ndc_str(token), key), "jws.algorithm");
        ndc_jwk_unref(key);
    }
}

static const char rsa_7517[] =
    "{\"kty\":\"RSA\",\"n\":"
    "\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtV"
    "T86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl9"
    "3lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5"
    "hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1"
    "jF44-csFCur-kEgU8awapJzKnqDKgw\",\"e\":\"AQAB\",\"alg\":\"RS256\",\"kid\":"
    "\"2011-04-29\"}";

static void assert_thumbprint(const char *text, const char *want)
{
    struct ndc_fault fault = {0};
    struct ndc_jwk *key;
    char print[NDC_JWK_THUMBPRINT_TEXT];
    assert_int_equal(ndc_jwk_parse(&key, ndc_str(text), &fault), NDC_OK);
    ndc_jwk_thumbprint(print, key);
    assert_string_equal(print, want);
    ndc_jwk_unref(key);
}

static void test_thumbprints(void **state)
{
    (void)state;
    assert_thumbprint(rsa_7517, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    /* RFC 8037, A.3; the private key has the same one */
    assert_thumbprint("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"
                      "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
                      "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert_thumbprint("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"d\":"
                      "\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\",\"x\":"
                      "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
                      "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

/* The set of RFC 7517, A.1: an EC key for encryption and an RSA key. */
static void test_set(void **state)
{
    (void)state;
    struct ndc_fault fault = {0};
    struct ndc_jwks *set;
    struct ndc_buf text;
    ndc_buf_init(&text, 1 << 16);
    ndc_buf_printf(&text,
                   "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
                   "\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\",\"y\":"
                   "\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\",\"use\":\"enc\","
                   "\"kid\":\"1\"},%s]}",
                   rsa_7517);
    assert_int_equal(ndc_jwks_parse(&set, ndc_buf_str(&text), &fault), NDC_OK);
    assert_int_equal(ndc_jwks_count(set), 2);
    assert_string_equal(ndc_jwk_alg(ndc_jwks_at(set, 0)), "ECDH-ES");
    assert_false(ndc_jwk_is_for_signing(ndc_jwks_at(set, 0)));
    assert_string_equal(ndc_jwk_alg(ndc_jwks_at(set, 1)), "RS256");
    assert_ptr_equal(ndc_jwks_find(set, "RS256", NDC_STR("2011-04-29")),
                     ndc_jwks_at(set, 1));
    assert_null(ndc_jwks_find(set, "RS256", NDC_STR("1")));
    assert_null(ndc_jwks_find(set, "PS256", NDC_STR("")));
    ndc_jwks_unref(set);
    ndc_buf_free(&text);
}

/* RFC 7518, appendix C: Bob opens what Alice agreed with him, as a content key. */
static void test_agreement(void **state)
{
    (void)state;
    static const char header[] =
        "{\"alg\":\"ECDH-ES\",\"enc\":\"A128GCM\",\"apu\":\"QWxpY2U\",\"apv\":\"Qm9i\","
        "\"epk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
        "\"gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0\",\"y\":"
        "\"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps\"}}";
    static const char bob[] =
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ECDH-ES\",\"x\":"
        "\"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ\",\"y\":"
        "\"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck\",\"d\":"
        "\"VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw\"}";
    static const uint8_t want[16] = {86, 170, 141, 234, 248, 35,  109, 32,
                                     92, 34,  40,  205, 113, 167, 16,  26};
    struct ndc_fault fault = {0};
    struct ndc_jwk *key;
    struct json_object *o;
    uint8_t cek[NDC_JWE_CEK_MAX];
    const struct ndc_jwe_enc *enc = ndc_jwe_enc_find(NDC_STR("A128GCM"));
    assert_int_equal(ndc_jwk_parse(&key, ndc_str(bob), &fault), NDC_OK);
    assert_int_equal(ndc_json_parse(&o, ndc_str(header), &fault), NDC_OK);
    assert_int_equal(ndc_jwe_key_open(cek, key, enc, o, NDC_STR(""), &fault), NDC_OK);
    assert_memory_equal(cek, want, sizeof(want));
    json_object_put(o);
    ndc_jwk_unref(key);
}

/* RFC 8037, A.6: what X25519 agrees on goes into the same derivation. */
static void test_agreement_x25519(void **state)
{
    (void)state;
    static const uint8_t z[32] = {0x4a, 0x5d, 0x9d, 0x5b, 0xa4, 0xce, 0x2d, 0xe1,
                                  0x72, 0x8e, 0x3b, 0xf4, 0x80, 0x35, 0x0f, 0x25,
                                  0xe0, 0x7e, 0x21, 0xc9, 0x47, 0xd1, 0x9e, 0x33,
                                  0x76, 0xf0, 0x9b, 0x3c, 0x1e, 0x16, 0x17, 0x42};
    static const char bob[] = "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"kid\":\"Bob\",\"x\":"
                              "\"3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08\",\"d\":"
                              "\"XasIfmJKikt54X-Lg4AO5m87sSkmGLb9HC-LJ_-I4Os\"}";
    static const char header[] = "{\"epk\":{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":"
                                 "\"hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo\"}}";
    struct ndc_fault fault = {0};
    struct ndc_jwk *key;
    struct json_object *o;
    uint8_t cek[NDC_JWE_CEK_MAX], want[32];
    const struct ndc_jwe_enc *enc = ndc_jwe_enc_find(NDC_STR("A256GCM"));
    assert_int_equal(ndc_jwk_parse(&key, ndc_str(bob), &fault), NDC_OK);
    assert_string_equal(ndc_jwk_alg(key), "ECDH-ES");
    assert_int_equal(ndc_json_parse(&o, ndc_str(header), &fault), NDC_OK);
    assert_int_equal(ndc_jwe_key_open(cek, key, enc, o, NDC_STR(""), &fault), NDC_OK);
    ndc_jwe_concat_kdf(want, 32, ndc_str_n((const char *)z, 32), NDC_STR("A256GCM"),
                       NDC_STR(""), NDC_STR(""));
    assert_memory_equal(cek, want, sizeof(want));
    json_object_put(o);
    ndc_jwk_unref(key);
}

/* ---- base64url ---- */

static void test_base64url(void **state)
{
    (void)state;
    uint8_t bytes[300], back[300];
    struct ndc_buf text;
    size_t n;
    ndc_buf_init(&text, 1024);
    for (size_t len = 0; len < sizeof(bytes); len++) {
        bytes[len] = (uint8_t)(len * 167 + 91);
        ndc_buf_reset(&text);
        ndc_base64url_add(&text, bytes, len);
        assert_int_equal(text.len, ndc_base64url_size(len));
        assert_true(ndc_base64url_read(back, len, &n, ndc_buf_str(&text)));
        assert_int_equal(n, len);
        assert_memory_equal(back, bytes, len);
        if (len) assert_false(ndc_base64url_read(back, len - 1, &n, ndc_buf_str(&text)));
    }
    ndc_buf_reset(&text);
    ndc_base64url_add(&text, "\xfb\xff\xfe", 3); /* RFC 4648: the two that differ */
    assert_str_eq(ndc_buf_str(&text), "-__-");
    ndc_buf_free(&text);
    static const char *const bad[] = {"A",        "AAAAA", "AA==", "AAA=", "AA\n", "A A",
                                      "AB",       "AAB",   "Zh",   "A+AA", "A/AA", "AA.A",
                                      "\xc3\x80", "AAA\"", "_",    "=",    " AAA"};
    for (size_t i = 0; i < NDC_ARRAY_LEN(bad); i++)
        if (ndc_base64url_read(back, sizeof(back), &n, ndc_str(bad[i])))
            fail_msg("\"%s\" is taken", bad[i]);
}

/* Every character in every place: 64 letters are taken, and no other byte. */
static void test_base64url_letters(void **state)
{
    (void)state;
    uint8_t back[4];
    size_t n;
    for (int at = 0; at < 4; at++) {
        size_t taken = 0;
        for (int c = 0; c < 256; c++) {
            char text[5] = "AAAA";
            text[at] = (char)c;
            bool good = ndc_base64url_read(back, sizeof(back), &n, ndc_str_n(text, 4));
            taken += good;
            bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                          (c >= '0' && c <= '9') || c == '-' || c == '_';
            assert_int_equal(good, letter);
        }
        assert_int_equal(taken, 64);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_signed),
                                       cmocka_unit_test(test_encrypted),
                                       cmocka_unit_test(test_none),
                                       cmocka_unit_test(test_thumbprints),
                                       cmocka_unit_test(test_set),
                                       cmocka_unit_test(test_agreement),
                                       cmocka_unit_test(test_agreement_x25519),
                                       cmocka_unit_test(test_base64url),
                                       cmocka_unit_test(test_base64url_letters)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

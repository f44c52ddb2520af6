/* Encrypted tokens: every key management with every content encryption, there and back;
 * what is changed does not open, and tells the same of itself wherever it was changed. */
#include "tests/crypto/jose_help.h"

static const struct {
    const char *alg, *crv;
} kinds[] = {{"ECDH-ES", NULL},
             {"ECDH-ES", "P-521"},
             {"ECDH-ES", "X25519"},
             {"ECDH-ES+A128KW", "P-384"},
             {"ECDH-ES+A256KW", "X25519"},
             {"RSA-OAEP", NULL},
             {"RSA-OAEP-256", NULL},
             {"A128KW", NULL},
             {"A256KW", NULL},
             {"A128GCMKW", NULL},
             {"A256GCMKW", NULL}};

static const char *const encs[] = {"A128GCM",       "A192GCM",       "A256GCM",
                                   "A128CBC-HS256", "A192CBC-HS384", "A256CBC-HS512"};

static void encrypt(struct ndc_buf *out, const struct ndc_jwk *key, const char *enc,
                    const char *text)
{
    struct ndc_fault fault = {0};
    ndc_buf_reset(out);
    if (ndc_jwe_encrypt(out, key, enc, "JWT", ndc_str(text), &fault))
        fail_msg("%s: %s", enc, fault.message);
}

static void test_round(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "0123456789abcdef", "một thẻ bên trong"};
    struct ndc_buf token, inside;
    ndc_buf_init(&token, 1 << 16);
    ndc_buf_init(&inside, 1 << 16);
    for (size_t i = 0; i < NDC_ARRAY_LEN(kinds); i++) {
        struct ndc_jwk *key = make_key(kinds[i].alg, kinds[i].crv);
        struct ndc_jwk *other = make_key(kinds[i].alg, kinds[i].crv);
        struct ndc_jwk *to = ndc_jwk_ref(key);
        if (kinds[i].alg[0] != 'A') { /* the sender has the public half alone */
            ndc_jwk_unref(to);
            to = public_of(key);
            encrypt(&token, to, "A128GCM", "x");
            assert_string_equal(open_token(&inside, ndc_buf_str(&token), to), "jwe.key");
        }
        for (size_t k = 0; k < NDC_ARRAY_LEN(encs); k++) {
            const char *text = texts[(i + k) % NDC_ARRAY_LEN(texts)];
            encrypt(&token, to, encs[k], text);
            assert_string_equal(open_token(&inside, ndc_buf_str(&token), key), "");
            assert_str_eq(ndc_buf_str(&inside), text);
            assert_string_equal(open_token(&inside, ndc_buf_str(&token), other),
                                "jwe.decrypt");
        }
        ndc_jwk_unref(key);
        ndc_jwk_unref(other);
        ndc_jwk_unref(to);
    }
    ndc_buf_free(&token);
    ndc_buf_free(&inside);
}

/* `dir` takes the key as it is, of the length that the content encryption has. */
static void test_direct(void **state)
{
    (void)state;
    static const size_t sizes[] = {16, 24, 32, 32, 48, 64};
    char bytes[65] = "0123456789abcdef0123456789abcdefFEDCBA9876543210fedcba9876543210";
    struct ndc_buf token, inside;
    ndc_buf_init(&token, 1 << 16);
    ndc_buf_init(&inside, 1 << 16);
    for (size_t i = 0; i < NDC_ARRAY_LEN(encs); i++) {
        struct ndc_fault fault = {0};
        struct ndc_jwk *key, *wrong;
        assert_int_equal(
            ndc_jwk_secret(&key, "dir", NDC_STR("d"), ndc_str_n(bytes, sizes[i]), &fault),
            NDC_OK);
        assert_int_equal(ndc_jwk_secret(&wrong, "dir", NDC_STR("d"),
                                        ndc_str_n(bytes, sizes[i] == 64 ? 32 : 64),
                                        &fault),
                         NDC_OK);
        encrypt(&token, key, encs[i], "inside");
        assert_string_equal(open_token(&inside, ndc_buf_str(&token), key), "");
        assert_str_eq(ndc_buf_str(&inside), "inside");
        assert_string_equal(open_token(&inside, ndc_buf_str(&token), wrong), "jwe.key");
        ndc_buf_reset(&token);
        assert_int_equal(
            ndc_jwe_encrypt(&token, wrong, encs[i], NULL, NDC_STR("x"), &fault),
            NDC_EINPUT);
        assert_string_equal(fault.code, "jwe.key");
        assert_int_equal(token.len, 0);
        ndc_jwk_unref(key);
        ndc_jwk_unref(wrong);
    }
    ndc_buf_free(&token);
    ndc_buf_free(&inside);
}

static size_t part_at(const struct ndc_buf *token, size_t part)
{
    size_t at = 0;
    for (; part; part--)
        at += ndc_str_find(ndc_str_n(token->ptr + at, token->len - at), '.') + 1;
    return at;
}

/* Where the key or the content is changed, the fault is one and the same in code and in
 * words; in the header it may say what the header says. */
static void test_tampering(void **state)
{
    (void)state;
    static const char words[] = "the token does not open with this key: it was changed, "
                                "or encrypted for another key";
    struct ndc_buf token, inside;
    ndc_buf_init(&token, 1 << 16);
    ndc_buf_init(&inside, 1 << 16);
    for (size_t i = 0; i < NDC_ARRAY_LEN(kinds); i++) {
        struct ndc_jwk *key = make_key(kinds[i].alg, kinds[i].crv);
        encrypt(&token, key, encs[i % NDC_ARRAY_LEN(encs)], "some text of some length");
        size_t second = part_at(&token, 1), step = second > 600 ? 7 : 1;
        if (kinds[i].alg[0] == 'R') step = 11;
        for (size_t at = 0; at < token.len; at += step) {
            struct ndc_fault fault = {0};
            char was = token.ptr[at];
            if (was == '.') continue;
            /* a letter whose low bits differ not: the text stays base64url */
            token.ptr[at] = was == 'A' ? 'Q' : was == 'Q' ? 'g' : was == 'g' ? 'w' : 'A';
            inside.len = 0;
            if (ndc_jwe_decrypt(&inside, key, ndc_buf_str(&token), &fault) == NDC_OK)
                fail_msg("%s: byte %zu may be changed", kinds[i].alg, at);
            if (at >= second && strcmp(fault.code, "jwe.syntax") != 0) {
                assert_string_equal(fault.code, "jwe.decrypt");
                assert_string_equal(fault.message, words);
            }
            assert_int_equal(inside.len, 0);
            token.ptr[at] = was;
        }
        ndc_jwk_unref(key);
    }
    ndc_buf_free(&token);
    ndc_buf_free(&inside);
}

/* RSA-OAEP with keys of wrong lengths inside, noise and no noise: one fault. */
static void test_no_oracle(void **state)
{
    (void)state;
    struct ndc_jwk *key = make_key("RSA-OAEP", NULL);
    struct ndc_buf token, forged, inside;
    ndc_buf_init(&token, 1 << 16);
    ndc_buf_init(&forged, 1 << 16);
    ndc_buf_init(&inside, 1 << 16);
    encrypt(&token, key, "A128GCM", "x"); /* a key of 16 bytes in it */
    size_t second = part_at(&token, 1), third = part_at(&token, 2);
    static const char header[] = "{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\"}";
    for (int kind = 0; kind < 4; kind++) {
        uint8_t noise[257];
        ndc_buf_reset(&forged);
        add_encoded(&forged, header); /* which says 32 */
        ndc_buf_add_byte(&forged, '.');
        memset(noise, 0x5a, sizeof(noise));
        if (kind == 0) ndc_buf_add(&forged, token.ptr + second, third - 1 - second);
        if (kind == 1) ndc_base64url_add(&forged, noise, 256);
        if (kind == 2) ndc_base64url_add(&forged, noise, 257);
        ndc_buf_add_byte(&forged, '.'); /* and the fourth: nothing */
        ndc_buf_add(&forged, token.ptr + third, token.len - third);
        assert_string_equal(open_token(&inside, ndc_buf_str(&forged), key),
                            "jwe.decrypt");
    }
    ndc_buf_free(&token);
    ndc_buf_free(&forged);
    ndc_buf_free(&inside);
    ndc_jwk_unref(key);
}

/* ---- headers ---- */

static void assert_header(const struct ndc_jwk *key, const char *header, const char *code)
{
    struct ndc_buf token, inside;
    ndc_buf_init(&token, 1 << 18);
    ndc_buf_init(&inside, 1 << 18);
    add_encoded(&token, header);
    ndc_buf_add_c(&token, "..AAAAAAAAAAAAAAAA.AA.AAAAAAAAAAAAAAAAAAAAAA");
    const char *got = open_token(&inside, ndc_buf_str(&token), key);
    if (strcmp(got, code) != 0) fail_msg("%s: \"%s\", not \"%s\"", header, got, code);
    ndc_buf_free(&token);
    ndc_buf_free(&inside);
}

static void test_headers(void **state)
{
    (void)state;
    struct ndc_jwk *key = make_key("A128KW", NULL);
    assert_header(key, "{\"alg\":\"A128KW\",\"enc\":\"A128GCM\"}", "jwe.decrypt");
    assert_header(key, "", "jwe.header");
    assert_header(key, "[]", "jwe.header");
    assert_header(key, "{\"alg\":\"A128KW\"}", "jwe.algorithm");
    assert_header(key, "{\"enc\":\"A128GCM\"}", "jwe.algorithm");
    assert_header(key, "{\"alg\":\"A256KW\",\"enc\":\"A128GCM\"}", "jwe.algorithm");
    assert_header(key, "{\"alg\":\"dir\",\"enc\":\"A128GCM\"}", "jwe.algorithm");
    assert_header(key, "{\"alg\":\"RSA1_5\",\"enc\":\"A128GCM\"}", "jwe.algorithm");
    assert_header(key, "{\"alg\":\"PBES2-HS256+A128KW\",\"enc\":\"A128GCM\"}",
                  "jwe.algorithm");
    assert_header(key, "{\"alg\":\"A128KW\",\"enc\":\"A128CBC\"}", "jwe.algorithm");
    assert_header(key, "{\"alg\":\"A128KW\",\"enc\":\"A128GCM\",\"zip\":\"DEF\"}",
                  "jwe.zip");
    assert_header(key, "{\"alg\":\"A128KW\",\"enc\":\"A128GCM\",\"crit\":[\"x\"]}",
                  "jwe.crit");
    assert_header(key, "{\"alg\":\"dir\",\"alg\":\"A128KW\",\"enc\":\"A128GCM\"}",
                  "jwe.duplicate");
    assert_header(key, "{\"alg\":[],\"enc\":\"A128GCM\"}", "jwe.header");
    struct ndc_jwk *gcm = make_key("A256GCMKW", NULL);
    assert_header(gcm, "{\"alg\":\"A256GCMKW\",\"enc\":\"A128GCM\"}", "jwe.decrypt");
    assert_header(gcm, "{\"alg\":\"A256GCMKW\",\"enc\":\"A128GCM\",\"iv\":1}",
                  "jwe.header");
    assert_header(gcm, "{\"alg\":\"A256GCMKW\",\"enc\":\"A128GCM\",\"tag\":\"A\"}",
                  "jwe.header");
    ndc_jwk_unref(gcm);
    struct ndc_jwk *sig = make_key("HS256", NULL);
    assert_header(sig, "{\"alg\":\"dir\",\"enc\":\"A128GCM\"}", "jwe.key");
    ndc_jwk_unref(sig);
    ndc_jwk_unref(key);
}

/* Passing keys that are none: off the curve (the attack of invalid curves), of another
 * curve, private, of low order on X25519, which makes the secret zero. */
static void test_epk(void **state)
{
    (void)state;
#define HEADER "{\"alg\":\"ECDH-ES\",\"enc\":\"A128GCM\""
    struct ndc_jwk *p256 = make_key("ECDH-ES", NULL);
    struct ndc_jwk *x25519 = make_key("ECDH-ES", "X25519");
    assert_header(p256, HEADER "}", "jwe.epk");
    assert_header(p256, HEADER ",\"epk\":1}", "jwe.epk");
    assert_header(p256,
                  HEADER ",\"epk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
                         "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":"
                         "\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a4\"}}",
                  "jwe.epk");
    assert_header(p256,
                  HEADER ",\"epk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
                         "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":"
                         "\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\",\"d\":"
                         "\"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\"}}",
                  "jwe.epk");
    assert_header(p256,
                  HEADER ",\"epk\":{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":"
                         "\"hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo\"}}",
                  "jwe.epk");
    assert_header(p256,
                  HEADER ",\"apu\":7,\"epk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
                         "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":"
                         "\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}}",
                  "jwe.header");
    static const char *const low[] = {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                      "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                      "4Ot6fDtBuK4WVuP68Z_EatoJjeucMrH9hmIFFl9JuAA"};
    for (size_t i = 0; i < NDC_ARRAY_LEN(low); i++) {
        char header[256];
        snprintf(header, sizeof(header),
                 HEADER ",\"epk\":{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"%s\"}}",
                 low[i]);
        assert_header(x25519, header, "jwe.decrypt");
    }
    /* and the zero secret, which the sender would know, opens nothing */
    ndc_jwk_unref(p256);
    ndc_jwk_unref(x25519);
}

static void test_shapes(void **state)
{
    (void)state;
    static const char *const bad[] = {"",        ".",           "....",          "a.b.c",
                                      "a.b.c.d", "a.b.c.d.e.f", "e30.!.AA.AA.AA"};
    struct ndc_jwk *key = make_key("A128KW", NULL);
    struct ndc_buf inside, big;
    struct ndc_fault fault = {0};
    ndc_buf_init(&inside, 1 << 20);
    ndc_buf_init(&big, 1 << 20);
    for (size_t i = 0; i < NDC_ARRAY_LEN(bad); i++)
        assert_true(*open_token(&inside, ndc_str(bad[i]), key) != 0);
    assert_string_equal(open_token(&inside, NDC_STR("a.b.c"), key), "jwe.syntax");
    for (int i = 0; i < 300000; i++)
        ndc_buf_add_byte(&big, 'A');
    assert_string_equal(open_token(&inside, ndc_buf_str(&big), key), "jwe.too_big");
    assert_int_equal(
        ndc_jwe_encrypt(&inside, key, "A128GCM", NULL, ndc_buf_str(&big), &fault),
        NDC_ETOOBIG);
    fault = (struct ndc_fault){0};
    assert_int_equal(ndc_jwe_encrypt(&inside, key, "A128", NULL, NDC_STR("x"), &fault),
                     NDC_EINPUT);
    assert_string_equal(fault.code, "jwe.algorithm");
    /* a buffer that has no room for it keeps what it had */
    struct ndc_buf small;
    ndc_buf_init(&small, 40);
    ndc_buf_add_c(&small, "before");
    fault = (struct ndc_fault){0};
    assert_int_equal(ndc_jwe_encrypt(&small, key, "A128GCM", NULL, NDC_STR("x"), &fault),
                     NDC_ETOOBIG);
    assert_str_eq(ndc_buf_str(&small), "before");
    ndc_buf_free(&small);
    /* what the header says, before there is a key */
    struct ndc_jwe_header header;
    struct ndc_arena arena;
    ndc_arena_init(&arena, 1 << 16);
    encrypt(&inside, key, "A256GCM", "x");
    assert_int_equal(ndc_jwe_header(&header, &arena, ndc_buf_str(&inside), &fault),
                     NDC_OK);
    assert_str_eq(header.alg, "A128KW");
    assert_str_eq(header.enc, "A256GCM");
    assert_str_eq(header.cty, "JWT");
    assert_true(ndc_str_eq(header.kid, ndc_jwk_kid(key)));
    ndc_arena_free(&arena);
    ndc_buf_free(&inside);
    ndc_buf_free(&big);
    ndc_jwk_unref(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round),     cmocka_unit_test(test_direct),
        cmocka_unit_test(test_tampering), cmocka_unit_test(test_no_oracle),
        cmocka_unit_test(test_headers),   cmocka_unit_test(test_epk),
        cmocka_unit_test(test_shapes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

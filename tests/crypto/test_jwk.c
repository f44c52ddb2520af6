/* Keys: made, written, read again; and what is refused. */
#include "tests/crypto/jose_help.h"

static const struct {
    const char *alg, *crv;
} kinds[] = {{"ES256", NULL},
             {"ES384", NULL},
             {"ES512", NULL},
             {"EdDSA", NULL},
             {"RS256", NULL},
             {"PS512", NULL},
             {"HS256", NULL},
             {"HS384", NULL},
             {"HS512", NULL},
             {"ECDH-ES", NULL},
             {"ECDH-ES", "X25519"},
             {"ECDH-ES+A128KW", "P-384"},
             {"ECDH-ES+A256KW", "P-521"},
             {"RSA-OAEP", NULL},
             {"RSA-OAEP-256", NULL},
             {"dir", NULL},
             {"A128KW", NULL},
             {"A256KW", NULL},
             {"A128GCMKW", NULL},
             {"A256GCMKW", NULL}};

static void assert_same(const struct ndc_jwk *a, const struct ndc_jwk *b)
{
    char x[NDC_JWK_THUMBPRINT_TEXT], y[NDC_JWK_THUMBPRINT_TEXT];
    ndc_jwk_thumbprint(x, a);
    ndc_jwk_thumbprint(y, b);
    assert_string_equal(x, y);
    assert_string_equal(ndc_jwk_alg(a), ndc_jwk_alg(b));
    assert_true(ndc_str_eq(ndc_jwk_kid(a), ndc_jwk_kid(b)));
}

/* Written and read again it is the same key, private and public, in JSON and in PEM. */
static void test_round(void **state)
{
    (void)state;
    for (size_t i = 0; i < NDC_ARRAY_LEN(kinds); i++) {
        struct ndc_fault fault = {0};
        struct ndc_jwk *key = make_key(kinds[i].alg, kinds[i].crv), *back, *public;
        struct ndc_buf text, again, pem;
        char print[NDC_JWK_THUMBPRINT_TEXT];
        ndc_buf_init(&text, 1 << 16);
        ndc_buf_init(&again, 1 << 16);
        ndc_buf_init(&pem, 1 << 16);
        ndc_jwk_thumbprint(print, key);
        assert_str_eq(ndc_jwk_kid(key), print);
        assert_true(ndc_jwk_is_private(key));
        ndc_jwk_private_add(&text, key);
        assert_int_equal(ndc_jwk_parse(&back, ndc_buf_str(&text), &fault), NDC_OK);
        assert_true(ndc_jwk_is_private(back));
        assert_same(key, back);
        ndc_jwk_private_add(&again, back);
        assert_true(ndc_str_eq(ndc_buf_str(&text), ndc_buf_str(&again)));
        ndc_jwk_unref(back);
        if (ndc_jwk_pem_add(&pem, key)) {
            public = public_of(key);
            assert_false(ndc_jwk_is_private(public));
            assert_same(key, public);
            ndc_buf_reset(&again);
            assert_false(ndc_jwk_pem_add(&again, public));
            ndc_jwk_private_add(&again, public); /* of a public key: no secret in it */
            assert_null(memmem(again.ptr, again.len, "\"d\"", 3));
            ndc_jwk_unref(public);
            assert_int_equal(ndc_jwk_pem_read(&back, kinds[i].alg, NDC_STR(""),
                                              ndc_buf_str(&pem), &fault),
                             NDC_OK);
            assert_same(key, back);
            ndc_buf_reset(&again);
            ndc_jwk_private_add(&again, back);
            assert_true(ndc_str_eq(ndc_buf_str(&text), ndc_buf_str(&again)));
            ndc_jwk_unref(back);
        } else {
            struct ndc_json j;
            ndc_buf_reset(&again);
            ndc_json_init(&j, &again);
            ndc_jwk_public_write(&j, key);
            assert_null(memmem(again.ptr, again.len, "\"k\"", 3)); /* stays secret */
        }
        ndc_buf_free(&text);
        ndc_buf_free(&again);
        ndc_buf_free(&pem);
        ndc_jwk_unref(key);
    }
}

static void assert_refused(const char *text, const char *code)
{
    struct ndc_fault fault = {0};
    struct ndc_jwk *key;
    if (ndc_jwk_parse(&key, ndc_str(text), &fault) == NDC_OK) fail_msg("taken: %s", text);
    if (strcmp(fault.code, code) != 0)
        fail_msg("%s: %s (%s), not %s", text, fault.code, fault.message, code);
    assert_null(key);
}

#define P256_X "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\""
#define P256_Y "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""
#define P256_D "\"d\":\"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\""
#define P256   "{\"kty\":\"EC\",\"crv\":\"P-256\"," P256_X "," P256_Y
#define ED_X   "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\""
#define SECRET "\"k\":\"hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg\"" /* 32 bytes */

static void test_refused_syntax(void **state)
{
    (void)state;
    assert_refused("", "jwk.syntax");
    assert_refused("[]", "jwk.syntax");
    assert_refused("null", "jwk.syntax");
    assert_refused("{}", "jwk.kty");
    assert_refused("{\"kty\":1}", "jwk.syntax");
    assert_refused("{\"kty\":\"ec\"}", "jwk.kty");
    assert_refused("{\"kty\":null}", "jwk.syntax");
    assert_refused(P256 ",\"kid\":1}", "jwk.syntax");
    assert_refused(P256 ",\"kid\":null}", "jwk.syntax");
    assert_refused(P256 ",\"kty\":\"EC\"}", "jwk.duplicate");
    assert_refused(P256 ",\"\\u006bty\":\"EC\"}", "jwk.duplicate");
    assert_refused(P256 ",\"o\":{\"a\":1,\"a\":2}}", "jwk.duplicate");
    assert_refused(P256 ",\"alg\\u0000\":\"ES256\"}", "jwk.syntax");
    assert_refused(P256 "} x", "jwk.syntax");
    char long_kid[400], text[800];
    memset(long_kid, 'k', sizeof(long_kid));
    snprintf(text, sizeof(text), P256 ",\"kid\":\"%.257s\"}", long_kid);
    assert_refused(text, "jwk.kid");
    struct ndc_buf deep;
    struct ndc_jwk *key;
    struct ndc_fault fault = {0};
    ndc_buf_init(&deep, 1 << 20);
    for (int i = 0; i < 60000; i++)
        ndc_buf_add_byte(&deep, '[');
    assert_int_equal(ndc_jwk_parse(&key, ndc_buf_str(&deep), &fault), NDC_EINPUT);
    assert_string_equal(fault.code, "jwk.syntax");
    fault = (struct ndc_fault){0};
    for (int i = 0; i < 60000; i++)
        ndc_buf_add_byte(&deep, ' ');
    assert_int_equal(ndc_jwk_parse(&key, ndc_buf_str(&deep), &fault), NDC_ETOOBIG);
    ndc_buf_free(&deep);
}

static void test_refused_algorithm(void **state)
{
    (void)state;
    assert_refused(P256 ",\"alg\":\"none\"}", "jwk.algorithm");
    assert_refused(P256 ",\"alg\":\"ES384\"}", "jwk.algorithm");
    assert_refused(P256 ",\"alg\":\"HS256\"}", "jwk.algorithm");
    assert_refused(P256 ",\"alg\":\"RS256\"}", "jwk.algorithm");
    assert_refused(P256 ",\"alg\":\"EdDSA\"}", "jwk.algorithm");
    assert_refused(P256 ",\"alg\":\"es256\"}", "jwk.algorithm");
    assert_refused(P256 ",\"alg\":\"ES256\",\"use\":\"enc\"}", "jwk.use");
    assert_refused(P256 ",\"alg\":\"ECDH-ES\",\"use\":\"sig\"}", "jwk.use");
    assert_refused(P256 ",\"use\":\"tls\"}", "jwk.use");
    assert_refused(P256 ",\"key_ops\":\"verify\"}", "jwk.use");
    assert_refused(P256 ",\"key_ops\":null}", "jwk.use");
    assert_refused(P256 ",\"key_ops\":[]}", "jwk.use");
    assert_refused(P256 ",\"key_ops\":[1]}", "jwk.use");
    assert_refused(P256 ",\"key_ops\":[\"verify\",\"verify\"]}", "jwk.use");
    assert_refused(P256 ",\"key_ops\":[\"encrypt\"]}", "jwk.use");
    assert_refused("{\"kty\":\"oct\"," SECRET "}", "jwk.algorithm");
    assert_refused("{\"kty\":\"oct\",\"alg\":\"ES256\"," SECRET "}", "jwk.algorithm");
    assert_refused("{\"kty\":\"oct\",\"alg\":\"HS384\"," SECRET "}", "jwk.secret");
    assert_refused("{\"kty\":\"oct\",\"alg\":\"A128KW\"," SECRET "}", "jwk.secret");
    assert_refused("{\"kty\":\"oct\",\"alg\":\"HS256\",\"k\":\"c2hvcnQ\"}", "jwk.secret");
    assert_refused("{\"kty\":\"oct\",\"alg\":\"HS256\",\"k\":\"\"}", "jwk.syntax");
    assert_refused("{\"kty\":\"oct\",\"alg\":\"HS256\"}", "jwk.secret");
    assert_refused("{\"kty\":\"OKP\",\"crv\":\"X25519\",\"alg\":\"EdDSA\"," ED_X "}",
                   "jwk.algorithm");
    assert_refused("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"alg\":\"ECDH-ES\"," ED_X "}",
                   "jwk.algorithm");
    assert_refused("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"use\":\"enc\"," ED_X "}",
                   "jwk.algorithm");
}

static void test_refused_curve(void **state)
{
    (void)state;
    assert_refused("{\"kty\":\"EC\"," P256_X "," P256_Y "}", "jwk.curve");
    assert_refused("{\"kty\":\"EC\",\"crv\":\"secp256k1\"," P256_X "," P256_Y "}",
                   "jwk.curve");
    assert_refused("{\"kty\":\"EC\",\"crv\":\"P-384\"," P256_X "," P256_Y "}",
                   "jwk.curve");
    assert_refused("{\"kty\":\"EC\",\"crv\":\"Ed25519\"," ED_X "}", "jwk.curve");
    assert_refused("{\"kty\":\"OKP\",\"crv\":\"Ed448\"," ED_X "}", "jwk.curve");
    assert_refused("{\"kty\":\"EC\",\"crv\":\"P-256\"," P256_X "}", "jwk.curve");
    /* one bit off the curve; the other point with this x is on it, and another key */
    assert_refused("{\"kty\":\"EC\",\"crv\":\"P-256\"," P256_X ",\"y\":"
                   "\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a4\"}",
                   "jwk.curve");
    /* 0, 0 and the prime itself: no coordinates */
    assert_refused("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
                   "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"y\":"
                   "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
                   "jwk.curve");
    assert_refused("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
                   "\"_____wAAAAEAAAAAAAAAAAAAAAD_______________8\"," P256_Y "}",
                   "jwk.curve");
    /* a byte short, a byte long, padded, with bits left over */
    assert_refused("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
                   "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVA\"," P256_Y "}",
                   "jwk.curve");
    assert_refused("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
                   "\"AH_Nzidw9sRdQYPL7m_bS3tYBzM1e-nvE7rPbjx70VRF\"," P256_Y "}",
                   "jwk.curve");
    assert_refused("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
                   "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU=\"," P256_Y "}",
                   "jwk.syntax");
    assert_refused("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
                   "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEV\"," P256_Y "}",
                   "jwk.syntax");
    /* another's private number; none; the group's order */
    assert_refused(P256 ",\"d\":\"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE\"}",
                   "jwk.curve");
    assert_refused(P256 ",\"d\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
                   "jwk.curve");
    assert_refused(P256 ",\"d\":\"_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE\"}",
                   "jwk.curve");
    assert_refused(P256 ",\"d\":\"\"}", "jwk.syntax");
    assert_refused(P256 ",\"d\":\"AAAA\"}", "jwk.curve");
    /* Ed25519: of order 1 and 2, y not below the prime, not on the curve, another's d */
    static const char *const weak[] = {"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                       "7P_______________________________________38",
                                       "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                       "7v_______________________________________38",
                                       "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    for (size_t i = 0; i < NDC_ARRAY_LEN(weak); i++) {
        char text[200];
        snprintf(text, sizeof(text), "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%s\"}",
                 weak[i]);
        assert_refused(text, "jwk.curve");
    }
    assert_refused("{\"kty\":\"OKP\",\"crv\":\"Ed25519\"," ED_X "," P256_D "}",
                   "jwk.curve");
}

/* A modulus of `bits` bits, odd, in JSON; nobody needs its factors to refuse it. */
static void rsa_text(struct ndc_buf *out, size_t bytes, uint8_t top, uint8_t last,
                     const char *e)
{
    uint8_t n[2000];
    for (size_t i = 0; i < bytes; i++)
        n[i] = (uint8_t)(i * 37 + 11);
    n[0] = top;
    n[bytes - 1] = last;
    ndc_buf_reset(out);
    ndc_buf_add_c(out, "{\"kty\":\"RSA\",\"n\":\"");
    ndc_base64url_add(out, n, bytes);
    ndc_buf_printf(out, "\",\"e\":\"%s\"}", e);
    ndc_buf_add_byte(out, 0);
}

static void test_refused_rsa(void **state)
{
    (void)state;
    static const struct {
        size_t bytes;
        uint8_t top, last;
        const char *e, *code;
    } bad[] = {{128, 0x80, 1, "AQAB", "jwk.rsa"},         /* 1,024 bits */
               {256, 0x7f, 1, "AQAB", "jwk.rsa"},         /* 2,047 */
               {1024, 0x80, 2, "AQAB", "jwk.rsa"},        /* even */
               {257, 0x00, 1, "AQAB", "jwk.rsa"},         /* a leading zero */
               {1025, 0x80, 1, "AQAB", "jwk.syntax"},     /* 8,200 bits */
               {256, 0x80, 1, "Aw", "jwk.rsa"},           /* 3 */
               {256, 0x80, 1, "AQ", "jwk.rsa"},           /* 1 */
               {256, 0x80, 1, "AQAA", "jwk.rsa"},         /* 65,536 */
               {256, 0x80, 1, "AAEAAQ", "jwk.rsa"},       /* a leading zero */
               {256, 0x80, 1, "AQAAAAAAAAAB", "jwk.rsa"}, /* 9 bytes */
               {256, 0x80, 1, "", "jwk.syntax"}};
    struct ndc_buf text;
    ndc_buf_init(&text, 1 << 16);
    for (size_t i = 0; i < NDC_ARRAY_LEN(bad); i++) {
        rsa_text(&text, bad[i].bytes, bad[i].top, bad[i].last, bad[i].e);
        assert_refused(text.ptr, bad[i].code);
    }
    struct ndc_jwk *key;
    struct ndc_fault fault = {0};
    rsa_text(&text, 256, 0x80, 1, "AQAB");
    assert_int_equal(ndc_jwk_parse(&key, ndc_str(text.ptr), &fault), NDC_OK);
    assert_string_equal(ndc_jwk_alg(key), "RS256");
    ndc_jwk_unref(key);
    ndc_buf_free(&text);
}

/* A private RSA key of which a number is missing or wrong. */
static void test_refused_rsa_private(void **state)
{
    (void)state;
    static const char *const members[] = {"d", "p", "q", "dp", "dq", "qi"};
    struct ndc_jwk *key = make_key("PS256", NULL), *back;
    struct ndc_buf text;
    ndc_buf_init(&text, 1 << 16);
    ndc_jwk_private_add(&text, key);
    for (size_t i = 0; i < NDC_ARRAY_LEN(members); i++) {
        struct ndc_fault fault = {0};
        struct json_object *o;
        assert_int_equal(ndc_json_parse(&o, ndc_buf_str(&text), &fault), NDC_OK);
        json_object_object_del(o, members[i]);
        assert_int_equal(ndc_jwk_read(&back, o, &fault), NDC_EINPUT);
        assert_string_equal(fault.code, "jwk.rsa");
        fault = (struct ndc_fault){0};
        json_object_object_add(o, members[i], json_object_new_string("AQAB"));
        assert_int_equal(ndc_jwk_read(&back, o, &fault), NDC_EINPUT);
        assert_string_equal(fault.code, "jwk.rsa");
        json_object_put(o);
    }
    ndc_buf_free(&text);
    ndc_jwk_unref(key);
}

/* What must be public, and is not. */
static void test_public_only(void **state)
{
    (void)state;
    static const char *const secrets[] = {
        P256 "," P256_D "}", P256 ",\"p\":\"AQAB\"}", P256 ",\"k\":\"AQAB\"}",
        "{\"kty\":\"oct\",\"alg\":\"HS256\"," SECRET "}",
        "{\"kty\":\"oct\",\"alg\":\"HS256\"}"};
    struct ndc_jwk *key;
    struct json_object *o;
    for (size_t i = 0; i < NDC_ARRAY_LEN(secrets); i++) {
        struct ndc_fault fault = {0};
        assert_int_equal(ndc_json_parse(&o, ndc_str(secrets[i]), &fault), NDC_OK);
        assert_int_equal(ndc_jwk_read_public(&key, o, NULL, &fault), NDC_EINPUT);
        assert_string_equal(fault.code, "jwk.private");
        json_object_put(o);
    }
    struct ndc_fault fault = {0};
    assert_int_equal(ndc_json_parse(&o, NDC_STR(P256 "}"), &fault), NDC_OK);
    assert_int_equal(ndc_jwk_read_public(&key, o, "ECDH-ES+A256KW", &fault), NDC_OK);
    assert_string_equal(ndc_jwk_alg(key), "ECDH-ES+A256KW"); /* the caller's wish */
    ndc_jwk_unref(key);
    assert_int_equal(ndc_jwk_read_public(&key, o, "PS256", &fault), NDC_OK);
    assert_string_equal(ndc_jwk_alg(key), "ES256"); /* which does not fit */
    ndc_jwk_unref(key);
    json_object_put(o);
}

/* Coordinates that begin with zeros keep their length, and another form is refused. */
static void test_leading_zeros(void **state)
{
    (void)state;
    int found = 0;
    for (int i = 0; i < 20000 && found < 2; i++) {
        struct ndc_jwk *key = make_key("ES256", NULL), *back;
        struct ndc_fault fault = {0};
        struct ndc_buf text;
        struct json_object *o;
        ndc_buf_init(&text, 1 << 12);
        ndc_jwk_private_add(&text, key);
        assert_int_equal(ndc_json_parse(&o, ndc_buf_str(&text), &fault), NDC_OK);
        const char *name = found ? "y" : "x";
        struct ndc_str value = ndc_json_get_str(o, name);
        assert_int_equal(value.len, 43);
        if (value.ptr[0] == 'A' && value.ptr[1] >= 'A' && value.ptr[1] <= 'P') {
            uint8_t bytes[32];
            size_t n;
            assert_true(ndc_base64url_read(bytes, sizeof(bytes), &n, value));
            assert_int_equal(bytes[0], 0);
            assert_int_equal(ndc_jwk_parse(&back, ndc_buf_str(&text), &fault), NDC_OK);
            ndc_buf_reset(&text);
            assert_int_equal(ndc_jws_sign(&text, key, NULL, NDC_STR("x"), &fault),
                             NDC_OK);
            assert_string_equal(check_token(ndc_buf_str(&text), back), "");
            ndc_jwk_unref(back);
            ndc_buf_reset(&text);
            ndc_base64url_add(&text, bytes + 1, 31);
            json_object_object_add(o, name,
                                   json_object_new_string_len(text.ptr, (int)text.len));
            assert_int_equal(ndc_jwk_read(&back, o, &fault), NDC_EINPUT);
            assert_string_equal(fault.code, "jwk.curve");
            found++;
        }
        json_object_put(o);
        ndc_buf_free(&text);
        ndc_jwk_unref(key);
    }
    assert_int_equal(found, 2);
}

/* ---- key_ops, PEM, sets ---- */

static void test_key_ops(void **state)
{
    (void)state;
    struct ndc_fault fault = {0};
    struct ndc_jwk *signs, *verifies;
    struct ndc_buf token;
    ndc_buf_init(&token, 1 << 12);
    assert_int_equal(ndc_jwk_parse(&signs,
                                   NDC_STR(P256 "," P256_D ",\"key_ops\":[\"sign\"]}"),
                                   &fault),
                     NDC_OK);
    assert_int_equal(
        ndc_jwk_parse(&verifies,
                      NDC_STR(P256 "," P256_D ",\"key_ops\":[\"verify\",\"other\"]}"),
                      &fault),
        NDC_OK);
    assert_int_equal(ndc_jws_sign(&token, signs, NULL, NDC_STR("x"), &fault), NDC_OK);
    assert_string_equal(check_token(ndc_buf_str(&token), signs), "jws.key");
    assert_string_equal(check_token(ndc_buf_str(&token), verifies), "");
    size_t len = token.len;
    assert_int_equal(ndc_jws_sign(&token, verifies, NULL, NDC_STR("x"), &fault),
                     NDC_EINPUT);
    assert_string_equal(fault.code, "jws.key");
    assert_int_equal(token.len, len);
    ndc_buf_free(&token);
    ndc_jwk_unref(signs);
    ndc_jwk_unref(verifies);
}

static void test_pem(void **state)
{
    (void)state;
    /* RFC 8410, 10.1: a public Ed25519 key */
    static const char public[] =
        "-----BEGIN PUBLIC KEY-----\n"
        "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
        "-----END PUBLIC KEY-----\n";
    struct ndc_fault fault = {0};
    struct ndc_jwk *key;
    assert_int_equal(
        ndc_jwk_pem_read(&key, "EdDSA", NDC_STR("k1"), ndc_str(public), &fault), NDC_OK);
    assert_str_eq(ndc_jwk_kid(key), "k1");
    assert_false(ndc_jwk_is_private(key));
    ndc_jwk_unref(key);
    static const struct {
        const char *alg, *pem, *code;
    } bad[] = {{"ES256", public, "jwk.algorithm"},
               {"HS256", public, "jwk.algorithm"},
               {"RS999", public, "jwk.algorithm"},
               {"EdDSA", "", "jwk.pem"},
               {"EdDSA", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
                "jwk.pem"}};
    for (size_t i = 0; i < NDC_ARRAY_LEN(bad); i++) {
        fault = (struct ndc_fault){0};
        assert_int_equal(
            ndc_jwk_pem_read(&key, bad[i].alg, NDC_STR(""), ndc_str(bad[i].pem), &fault),
            NDC_EINPUT);
        assert_string_equal(fault.code, bad[i].code);
    }
}

static void test_secret(void **state)
{
    (void)state;
    char bytes[64] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde";
    struct ndc_fault fault = {0};
    struct ndc_jwk *key;
    assert_int_equal(
        ndc_jwk_secret(&key, "HS256", NDC_STR("c"), ndc_str_n(bytes, 32), &fault),
        NDC_OK);
    ndc_jwk_unref(ndc_jwk_ref(key));
    ndc_jwk_unref(key);
    assert_int_equal(
        ndc_jwk_secret(&key, "HS256", NDC_STR("c"), ndc_str_n(bytes, 31), &fault),
        NDC_EINPUT);
    assert_string_equal(fault.code, "jwk.secret");
    fault = (struct ndc_fault){0};
    assert_int_equal(
        ndc_jwk_secret(&key, "RS256", NDC_STR("c"), ndc_str_n(bytes, 64), &fault),
        NDC_EINPUT);
    assert_string_equal(fault.code, "jwk.algorithm");
}

static void test_sets(void **state)
{
    (void)state;
    struct ndc_fault fault = {0};
    struct ndc_jwks *set;
    /* unknown kinds, curves, algorithms and uses are left out, and a broken key too */
    assert_int_equal(
        ndc_jwks_parse(
            &set,
            NDC_STR("{\"keys\":[{\"kty\":\"XX\"},{\"kty\":\"EC\",\"crv\":\"P-192\"},"
                    "{\"kty\":\"RSA\",\"alg\":\"RSA1_5\"}," P256 ",\"use\":\"tls\"}," P256
                    ",\"x5c\":[\"a\"],\"kid\":\"k\"}," P256 ",\"alg\":\"ES512\"},7]}"),
            &fault),
        NDC_OK);
    assert_int_equal(ndc_jwks_count(set), 1);
    assert_str_eq(ndc_jwk_kid(ndc_jwks_at(set, 0)), "k");
    assert_int_equal(ndc_jwks_skipped(set, &fault), 6);
    assert_string_equal(fault.code, "jwk.kty");
    assert_string_equal(fault.field, "/keys/0/kty");
    ndc_jwks_unref(ndc_jwks_ref(set));
    ndc_jwks_unref(set);
    /* none remains: the first one's reason */
    fault = (struct ndc_fault){0};
    assert_int_equal(
        ndc_jwks_parse(&set, NDC_STR("{\"keys\":[" P256 ",\"use\":1}]}"), &fault),
        NDC_EINPUT);
    assert_string_equal(fault.field, "/keys/0/use");
    /* a secret in it refuses it all */
    fault = (struct ndc_fault){0};
    assert_int_equal(
        ndc_jwks_parse(&set, NDC_STR("{\"keys\":[" P256 "}," P256 "," P256_D "}]}"),
                       &fault),
        NDC_EINPUT);
    assert_string_equal(fault.code, "jwk.private");
    assert_string_equal(fault.field, "/keys/1/d");
    /* an empty set is one */
    assert_int_equal(ndc_jwks_parse(&set, NDC_STR("{\"keys\":[],\"x\":1}"), NULL),
                     NDC_OK);
    assert_int_equal(ndc_jwks_count(set), 0);
    ndc_jwks_unref(set);
    static const char *const bad[] = {"[]", "{}", "{\"keys\":{}}", "{\"keys\":[",
                                      "{\"keys\":null}"};
    for (size_t i = 0; i < NDC_ARRAY_LEN(bad); i++) {
        fault = (struct ndc_fault){0};
        assert_int_equal(ndc_jwks_parse(&set, ndc_str(bad[i]), &fault), NDC_EINPUT);
        assert_string_equal(fault.code, "jwks.syntax");
    }
    struct ndc_buf many;
    ndc_buf_init(&many, 1 << 20);
    ndc_buf_add_c(&many, "{\"keys\":[");
    for (int i = 0; i <= NDC_JWKS_KEYS_MAX; i++)
        ndc_buf_printf(&many, "%s{\"kty\":\"EC\"}", i ? "," : "");
    ndc_buf_add_c(&many, "]}");
    fault = (struct ndc_fault){0};
    assert_int_equal(ndc_jwks_parse(&set, ndc_buf_str(&many), &fault), NDC_ETOOBIG);
    assert_string_equal(fault.code, "jwks.too_many");
    ndc_buf_free(&many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_round),
                                       cmocka_unit_test(test_refused_syntax),
                                       cmocka_unit_test(test_refused_algorithm),
                                       cmocka_unit_test(test_refused_curve),
                                       cmocka_unit_test(test_refused_rsa),
                                       cmocka_unit_test(test_refused_rsa_private),
                                       cmocka_unit_test(test_public_only),
                                       cmocka_unit_test(test_leading_zeros),
                                       cmocka_unit_test(test_key_ops),
                                       cmocka_unit_test(test_pem),
                                       cmocka_unit_test(test_secret),
                                       cmocka_unit_test(test_sets)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

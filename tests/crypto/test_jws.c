/* Signed tokens: what changes a token refuses it; no token chooses how it is checked. */
#include "tests/crypto/jose_help.h"

#include "crypto/hmac.h"
#include "crypto/jws_der.h"
#include "sys/thread.h"

static const char *const algs[] = {"ES256", "ES384", "ES512", "EdDSA", "RS256",
                                   "RS384", "RS512", "PS256", "PS384", "PS512",
                                   "HS256", "HS384", "HS512"};

static void sign(struct ndc_buf *out, const struct ndc_jwk *key, const char *payload)
{
    struct ndc_fault fault = {0};
    ndc_buf_reset(out);
    if (ndc_jws_sign(out, key, "JWT", ndc_str(payload), &fault))
        fail_msg("%s", fault.message);
}

/* Every byte of a token is changed in turn: none verifies, whatever it says instead. */
static void test_tampering(void **state)
{
    (void)state;
    struct ndc_buf token;
    ndc_buf_init(&token, 1 << 16);
    for (size_t i = 0; i < NDC_ARRAY_LEN(algs); i++) {
        struct ndc_jwk *key = make_key(algs[i], NULL), *other = make_key(algs[i], NULL);
        sign(&token, key, "{\"sub\":\"1\"}");
        assert_string_equal(check_token(ndc_buf_str(&token), key), "");
        assert_string_equal(check_token(ndc_buf_str(&token), other), "jws.signature");
        size_t step = token.len > 400 ? 5 : 1; /* RSA's are long, and slow */
        for (size_t at = 0; at < token.len; at += step) {
            char was = token.ptr[at];
            token.ptr[at] = was == 'A' ? 'B' : 'A';
            if (!*check_token(ndc_buf_str(&token), key))
                fail_msg("%s: byte %zu may be changed", algs[i], at);
            token.ptr[at] = was;
        }
        for (size_t cut = 1; cut < 8; cut++)
            if (!*check_token(ndc_str_n(token.ptr, token.len - cut), key))
                fail_msg("%s: %zu bytes may be missing", algs[i], cut);
        for (size_t more = 1; more < 8; more++) {
            ndc_buf_add_byte(&token, 'A');
            if (!*check_token(ndc_buf_str(&token), key))
                fail_msg("%s: %zu bytes may be added", algs[i], more);
        }
        ndc_jwk_unref(key);
        ndc_jwk_unref(other);
    }
    ndc_buf_free(&token);
}

/* Signs `header`.`payload` with any secret by HMAC, as an attacker would. */
static void forge(struct ndc_buf *out, const char *header, struct ndc_str secret)
{
    uint8_t mac[NDC_HMAC_BYTES];
    ndc_buf_reset(out);
    add_encoded(out, header);
    ndc_buf_add_byte(out, '.');
    add_encoded(out, "{\"sub\":\"admin\"}");
    ndc_hmac_sha256(mac, secret, ndc_buf_str(out));
    ndc_buf_add_byte(out, '.');
    ndc_base64url_add(out, mac, sizeof(mac));
}

/* A public key is no HMAC secret, in none of its forms, and "none" is no algorithm. */
static void test_confusion(void **state)
{
    (void)state;
    static const char *const asymmetric[] = {"RS256", "ES256", "EdDSA", "PS256"};
    struct ndc_buf token, text;
    struct ndc_json j;
    ndc_buf_init(&token, 1 << 16);
    ndc_buf_init(&text, 1 << 16);
    for (size_t i = 0; i < NDC_ARRAY_LEN(asymmetric); i++) {
        struct ndc_jwk *key = make_key(asymmetric[i], NULL), *public = public_of(key);
        ndc_buf_reset(&text);
        ndc_json_init(&j, &text);
        ndc_jwk_public_write(&j, key);
        forge(&token, "{\"alg\":\"HS256\"}", ndc_buf_str(&text));
        assert_string_equal(check_token(ndc_buf_str(&token), public), "jws.algorithm");
        forge(&token, "{\"alg\":\"HS256\"}", NDC_STR(""));
        assert_string_equal(check_token(ndc_buf_str(&token), public), "jws.algorithm");
        forge(&token, "{\"alg\":\"none\"}", NDC_STR(""));
        assert_string_equal(check_token(ndc_buf_str(&token), public), "jws.algorithm");
        ndc_jwk_unref(key);
        ndc_jwk_unref(public);
    }
    /* one RSA key, two paddings: pinned to one of them */
    struct ndc_fault fault = {0};
    struct ndc_jwk *ps = make_key("PS256", NULL), *rs;
    ndc_buf_reset(&text);
    ndc_jwk_private_add(&text, ps);
    ndc_buf_add_byte(&text, 0);
    assert_int_equal(parse_key(&rs, text.ptr, "RS256", &fault), NDC_OK);
    sign(&token, rs, "x");
    assert_string_equal(check_token(ndc_buf_str(&token), rs), "");
    assert_string_equal(check_token(ndc_buf_str(&token), ps), "jws.algorithm");
    ndc_jwk_unref(ps);
    ndc_jwk_unref(rs);
    ndc_buf_free(&token);
    ndc_buf_free(&text);
}

/* ---- what is no token ---- */

static void assert_token(const char *header, const char *payload, const char *signature,
                         const char *code)
{
    struct ndc_fault fault = {0};
    struct ndc_arena arena;
    struct ndc_jws jws;
    struct ndc_buf token;
    ndc_buf_init(&token, 1 << 20);
    ndc_arena_init(&arena, 1 << 20);
    add_encoded(&token, header);
    ndc_buf_printf(&token, ".%s.%s", payload, signature);
    enum ndc_err err = ndc_jws_parse(&jws, &arena, ndc_buf_str(&token), &fault);
    if (strcmp(fault.code, code) != 0)
        fail_msg("%s: \"%s\", not \"%s\"", header, fault.code, code);
    if (!err) ndc_jws_free(&jws);
    ndc_arena_free(&arena);
    ndc_buf_free(&token);
}

static void test_headers(void **state)
{
    (void)state;
    assert_token("{\"alg\":\"ES256\"}", "", "AA", "");
    assert_token("{\"alg\":\"ES256\"}", "AA", "", "");
    assert_token(" {\"alg\":\"ES256\"}\n", "AA", "AA", "");
    assert_token("{\"alg\":\"ES256\",\"jku\":\"https://a/\",\"x5c\":[]}", "AA", "AA", "");
    assert_token("", "AA", "AA", "jws.header");
    assert_token("x", "AA", "AA", "jws.header");
    assert_token("null", "AA", "AA", "jws.header");
    assert_token("[]", "AA", "AA", "jws.header");
    assert_token("{}", "AA", "AA", "jws.algorithm");
    assert_token("{\"alg\":1}", "AA", "AA", "jws.header");
    assert_token("{\"alg\":null}", "AA", "AA", "jws.header");
    assert_token("{\"alg\":\"\"}", "AA", "AA", "jws.algorithm");
    assert_token("{\"alg\":\"None\"}", "AA", "AA", "jws.algorithm");
    assert_token("{\"alg\":\"RSA-OAEP\"}", "AA", "AA", "jws.algorithm");
    assert_token("{\"alg\":\"ES256K\"}", "AA", "AA", "jws.algorithm");
    assert_token("{\"alg\":\"ES256\",\"kid\":7}", "AA", "AA", "jws.header");
    assert_token("{\"alg\":\"ES256\",\"typ\":[]}", "AA", "AA", "jws.header");
    assert_token("{\"alg\":\"none\",\"alg\":\"ES256\"}", "AA", "AA", "jws.duplicate");
    assert_token("{\"alg\":\"ES256\",\"\\u0061lg\":\"none\"}", "AA", "AA",
                 "jws.duplicate");
    assert_token("{\"alg\":\"ES256\",\"jwk\":{\"a\":{},\"a\":1}}", "AA", "AA",
                 "jws.duplicate");
    assert_token("{\"alg\":\"ES256\",\"alg\\u0000\":\"none\"}", "AA", "AA", "jws.header");
    assert_token("{\"alg\":\"ES256\",\"crit\":[\"exp\"],\"exp\":1}", "AA", "AA",
                 "jws.crit");
    assert_token("{\"alg\":\"ES256\",\"crit\":[]}", "AA", "AA", "jws.crit");
    assert_token("{\"alg\":\"ES256\",\"b64\":false}", "AA", "AA", "jws.crit");
    assert_token("{\"alg\":\"ES256\"}", "A", "AA", "jws.syntax");
    assert_token("{\"alg\":\"ES256\"}", "AA==", "AA", "jws.syntax");
    assert_token("{\"alg\":\"ES256\"}", "AA", "A+", "jws.syntax");
    assert_token("{\"alg\":\"ES256\"}", "AA", "AB", "jws.syntax");
    assert_token("{\"alg\":\"ES256\"}", "AA", "AA\n", "jws.syntax");
    assert_token("{\"alg\":\"ES256\"}", "AA.AA", "AA", "jws.syntax");
    assert_token("{\"alg\":\"ES256\"}", "AA.AA.AA", "AA", "jws.syntax");
}

static void test_hostile(void **state)
{
    (void)state;
    static const char *const parts[] = {"", ".", "..", "...", "a", "a.b"};
    struct ndc_jwk *key = make_key("HS256", NULL);
    for (size_t i = 0; i < NDC_ARRAY_LEN(parts); i++)
        assert_true(*check_token(ndc_str(parts[i]), key) != 0);
    struct ndc_buf deep, token;
    ndc_buf_init(&deep, 1 << 20);
    ndc_buf_init(&token, 1 << 21);
    ndc_buf_add_c(&deep, "{\"alg\":\"HS256\",\"x\":");
    for (int i = 0; i < 11000; i++)
        ndc_buf_add_byte(&deep, '[');
    ndc_base64url_add(&token, deep.ptr, deep.len);
    ndc_buf_add_c(&token, ".AA.AA");
    assert_string_equal(check_token(ndc_buf_str(&token), key), "jws.header");
    for (int i = 0; i < 100000; i++)
        ndc_buf_add_byte(&deep, '[');
    ndc_buf_reset(&token);
    ndc_base64url_add(&token, deep.ptr, deep.len);
    ndc_buf_add_c(&token, ".AA.AA");
    assert_string_equal(check_token(ndc_buf_str(&token), key), "jws.too_big");
    ndc_buf_reset(&token);
    ndc_base64url_add(&token, deep.ptr, 40000);
    ndc_buf_add_c(&token, ".AA.AA");
    assert_string_equal(check_token(ndc_buf_str(&token), key), "jws.header");
    struct ndc_fault fault = {0};
    struct ndc_arena arena;
    struct ndc_jws jws;
    struct json_object *claims;
    ndc_arena_init(&arena, 1 << 20);
    memset(deep.ptr, '[', deep.len);
    ndc_buf_reset(&token);
    assert_int_equal(ndc_jws_sign(&token, key, NULL, ndc_str_n(deep.ptr, 90000), &fault),
                     NDC_OK);
    assert_int_equal(ndc_jws_parse(&jws, &arena, ndc_buf_str(&token), &fault), NDC_OK);
    assert_int_equal(ndc_jws_claims(&claims, &jws, &fault), NDC_EINPUT);
    assert_string_equal(fault.code, "jwt.syntax");
    ndc_jws_free(&jws);
    ndc_arena_free(&arena);
    /* an arena that is too small for it, and a buffer */
    fault = (struct ndc_fault){0};
    char payload[9000];
    memset(payload, 'x', sizeof(payload));
    ndc_buf_reset(&token);
    assert_int_equal(
        ndc_jws_sign(&token, key, NULL, ndc_str_n(payload, sizeof(payload)), &fault),
        NDC_OK);
    ndc_arena_init(&arena, 8192);
    assert_int_equal(ndc_jws_parse(&jws, &arena, ndc_buf_str(&token), &fault),
                     NDC_ETOOBIG);
    ndc_arena_free(&arena);
    ndc_buf_free(&token);
    ndc_buf_init(&token, 200);
    ndc_buf_add_c(&token, "before");
    fault = (struct ndc_fault){0};
    assert_int_equal(ndc_jws_sign(&token, key, NULL, ndc_str_n(payload, 100), &fault),
                     NDC_ETOOBIG);
    assert_str_eq(ndc_buf_str(&token), "before");
    ndc_buf_free(&token);
    ndc_buf_free(&deep);
    ndc_jwk_unref(key);
}

/* ---- ECDSA's two forms ---- */

/* A token whose signature is r and s as given. */
static const char *with_signature(struct ndc_buf *token, const struct ndc_jwk *key,
                                  const uint8_t *rs, size_t len)
{
    size_t dot = 0;
    sign(token, key, "x");
    for (size_t i = 0; i < token->len; i++)
        if (token->ptr[i] == '.') dot = i;
    token->len = dot + 1;
    ndc_base64url_add(token, rs, len);
    return check_token(ndc_buf_str(token), key);
}

static void test_ecdsa_range(void **state)
{
    (void)state;
    static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0,    0,    0,    0,
                                      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
                                      0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
    struct ndc_jwk *key = make_key("ES256", NULL);
    struct ndc_buf token;
    uint8_t rs[66] = {0};
    ndc_buf_init(&token, 4096);
    for (int r = 0; r < 4; r++) { /* 0, 1, n, 2^256 - 1 on either side */
        for (int s = 0; s < 4; s++) {
            memset(rs, 0, sizeof(rs));
            uint8_t *part[2] = {rs, rs + 32};
            int kind[2] = {r, s};
            for (int i = 0; i < 2; i++) {
                if (kind[i] == 1) part[i][31] = 1;
                if (kind[i] == 2) memcpy(part[i], order, 32);
                if (kind[i] == 3) memset(part[i], 0xff, 32);
            }
            assert_string_equal(with_signature(&token, key, rs, 64), "jws.signature");
        }
    }
    assert_string_equal(with_signature(&token, key, rs, 0), "jws.signature");
    assert_string_equal(with_signature(&token, key, rs, 63), "jws.signature");
    assert_string_equal(with_signature(&token, key, rs, 66), "jws.signature");
    /* a right signature, but in DER */
    struct ndc_arena arena;
    struct ndc_jws jws;
    struct ndc_fault fault = {0};
    uint8_t der[NDC_ECDSA_DER_MAX];
    ndc_arena_init(&arena, 1 << 16);
    sign(&token, key, "x");
    assert_int_equal(ndc_jws_parse(&jws, &arena, ndc_buf_str(&token), &fault), NDC_OK);
    assert_int_equal(jws.signature.len, 64);
    size_t n = ndc_ecdsa_to_der(der, (const uint8_t *)jws.signature.ptr, 32);
    assert_string_equal(with_signature(&token, key, der, n), "jws.signature");
    ndc_jws_free(&jws);
    ndc_arena_free(&arena);
    ndc_buf_free(&token);
    ndc_jwk_unref(key);
}

static void test_der(void **state)
{
    (void)state;
    static const size_t sizes[] = {32, 48, 66};
    uint8_t rs[132], der[NDC_ECDSA_DER_MAX], back[132];
    for (size_t k = 0; k < NDC_ARRAY_LEN(sizes); k++) {
        size_t bytes = sizes[k];
        for (size_t zeros = 0; zeros <= bytes; zeros++) {
            for (size_t i = 0; i < 2 * bytes; i++)
                rs[i] = i % bytes < zeros ? 0 : (uint8_t)(i * 73 + 0x81);
            if (zeros < bytes) rs[zeros] = zeros & 1 ? 0x80 : 0x7f;
            size_t n = ndc_ecdsa_to_der(der, rs, bytes);
            assert_true(n <= sizeof(der));
            assert_true(ndc_ecdsa_from_der(back, bytes, der, n));
            assert_memory_equal(back, rs, 2 * bytes);
            assert_false(ndc_ecdsa_from_der(back, bytes, der, n - 1));
        }
    }
    static const struct {
        const char *der;
        size_t len;
        bool good;
    } cases[] = {
        {"\x30\x06\x02\x01\x01\x02\x01\x01", 8, true},
        {"\x30\x07\x02\x02\x00\x80\x02\x01\x01", 9, true},
        {"\x30\x07\x02\x02\x00\x01\x02\x01\x01", 9, false}, /* a zero too many */
        {"\x30\x06\x02\x01\x81\x02\x01\x01", 8, false},     /* negative */
        {"\x30\x05\x02\x00\x02\x01\x01", 7, false},         /* empty */
        {"\x30\x81\x06\x02\x01\x01\x02\x01\x01", 9, false}, /* a long length, short */
        {"\x30\x06\x02\x01\x01\x02\x01\x01\x00", 9, false}, /* more after it */
        {"\x30\x07\x02\x01\x01\x02\x01\x01\x00", 9, false}, /* more in it */
        {"\x31\x06\x02\x01\x01\x02\x01\x01", 8, false},
        {"\x30\x06\x03\x01\x01\x02\x01\x01", 8, false},
        {"\x30\x03\x02\x01\x01", 5, false},
        {"\x30\x80\x02\x01\x01\x02\x01\x01\x00\x00", 10, false},
        {"\x30", 1, false},
        {"", 0, false}};
    for (size_t i = 0; i < NDC_ARRAY_LEN(cases); i++)
        assert_int_equal(
            ndc_ecdsa_from_der(back, 32, (const uint8_t *)cases[i].der, cases[i].len),
            cases[i].good);
    memset(der, 0x11, sizeof(der)); /* 33 bytes are too many for P-256 */
    memcpy(der, "\x30\x26\x02\x21", 4);
    memcpy(der + 37, "\x02\x01\x01", 3);
    assert_false(ndc_ecdsa_from_der(back, 32, der, 40));
    assert_true(ndc_ecdsa_from_der(back, 48, der, 40));
}

/* ---- sets, header keys ---- */

static void write_set(struct ndc_buf *out, struct ndc_jwk **keys, size_t n)
{
    struct ndc_json j;
    ndc_buf_reset(out);
    ndc_json_init(&j, out);
    ndc_json_object(&j);
    ndc_json_key(&j, "keys");
    ndc_json_array(&j);
    for (size_t i = 0; i < n; i++)
        ndc_jwk_public_write(&j, keys[i]);
    ndc_json_end(&j);
    ndc_json_end(&j);
}

static const char *check_by_set(struct ndc_str token, const struct ndc_jwks *set,
                                const struct ndc_jwk **used)
{
    static struct ndc_fault fault;
    struct ndc_arena arena;
    struct ndc_jws jws;
    fault = (struct ndc_fault){0};
    ndc_arena_init(&arena, 1 << 20);
    assert_int_equal(ndc_jws_parse(&jws, &arena, token, &fault), NDC_OK);
    if (ndc_jws_verify_set(&jws, set, used, &fault)) assert_null(*used);
    ndc_jws_free(&jws);
    ndc_arena_free(&arena);
    return fault.code;
}

static struct ndc_jwk *without_kid(const struct ndc_jwk *key)
{
    struct ndc_fault fault = {0};
    struct json_object *o;
    struct ndc_jwk *out;
    struct ndc_buf text;
    ndc_buf_init(&text, 1 << 14);
    ndc_jwk_private_add(&text, key);
    assert_int_equal(ndc_json_parse(&o, ndc_buf_str(&text), &fault), NDC_OK);
    json_object_object_del(o, "kid");
    assert_int_equal(ndc_jwk_read(&out, o, &fault), NDC_OK);
    assert_int_equal(ndc_jwk_kid(out).len, 0);
    json_object_put(o);
    ndc_buf_free(&text);
    return out;
}

static void test_verify_set(void **state)
{
    (void)state;
    struct ndc_fault fault = {0};
    struct ndc_jwk *keys[4] = {make_key("ES256", NULL), make_key("ES256", NULL),
                               make_key("EdDSA", NULL), make_key("ECDH-ES", NULL)};
    struct ndc_jwk *stranger = make_key("ES256", NULL), *ed = without_kid(keys[2]),
                   *es = without_kid(keys[0]);
    const struct ndc_jwk *used;
    struct ndc_jwks *set;
    struct ndc_buf text, token;
    ndc_buf_init(&text, 1 << 16);
    ndc_buf_init(&token, 1 << 16);
    write_set(&text, keys, 4);
    assert_int_equal(ndc_jwks_parse(&set, ndc_buf_str(&text), &fault), NDC_OK);
    for (size_t i = 0; i < 3; i++) {
        sign(&token, keys[i], "x");
        assert_string_equal(check_by_set(ndc_buf_str(&token), set, &used), "");
        assert_ptr_equal(used, ndc_jwks_at(set, i));
    }
    sign(&token, stranger, "x"); /* another kid */
    assert_string_equal(check_by_set(ndc_buf_str(&token), set, &used), "jws.key");
    sign(&token, ed, "x"); /* none, and one key fits */
    assert_string_equal(check_by_set(ndc_buf_str(&token), set, &used), "");
    assert_ptr_equal(used, ndc_jwks_at(set, 2));
    sign(&token, es, "x"); /* none, and two fit */
    assert_string_equal(check_by_set(ndc_buf_str(&token), set, &used), "jws.key");
    ndc_jwks_unref(set);
    ndc_jwk_unref(keys[1]);
    keys[1] = ndc_jwk_ref(keys[0]); /* one kid twice */
    write_set(&text, keys, 4);
    assert_int_equal(ndc_jwks_parse(&set, ndc_buf_str(&text), &fault), NDC_OK);
    sign(&token, keys[0], "x");
    assert_string_equal(check_by_set(ndc_buf_str(&token), set, &used), "jws.key");
    ndc_jwks_unref(set);
    for (size_t i = 0; i < 4; i++)
        ndc_jwk_unref(keys[i]);
    ndc_jwk_unref(stranger);
    ndc_jwk_unref(ed);
    ndc_jwk_unref(es);
    ndc_buf_free(&text);
    ndc_buf_free(&token);
}

/* DPoP: the header brings its key; it is never used by itself. */
static void test_header_jwk(void **state)
{
    (void)state;
    struct ndc_fault fault = {0};
    struct ndc_jwk *key = make_key("ES256", NULL), *victim = make_key("ES256", NULL),
                   *own;
    struct ndc_arena arena;
    struct ndc_jws jws;
    struct ndc_buf members, token;
    struct ndc_json j;
    char a[NDC_JWK_THUMBPRINT_TEXT], b[NDC_JWK_THUMBPRINT_TEXT];
    ndc_buf_init(&members, 1 << 14);
    ndc_buf_init(&token, 1 << 14);
    ndc_arena_init(&arena, 1 << 16);
    ndc_buf_add_c(&members, "\"jwk\":");
    ndc_json_init(&j, &members);
    ndc_jwk_public_write(&j, key);
    assert_int_equal(ndc_jws_sign_header(&token, key, "dpop+jwt", ndc_buf_str(&members),
                                         NDC_STR("{\"htm\":\"POST\"}"), &fault),
                     NDC_OK);
    assert_int_equal(ndc_jws_parse(&jws, &arena, ndc_buf_str(&token), &fault), NDC_OK);
    assert_true(ndc_jws_typ_is(&jws, "dpop+jwt"));
    assert_false(ndc_jws_typ_is(&jws, "JWT"));
    assert_int_equal(ndc_jws_verify(&jws, victim, &fault), NDC_EAUTH);
    fault = (struct ndc_fault){0};
    assert_int_equal(ndc_jws_header_jwk(&own, &jws, &fault), NDC_OK);
    ndc_jwk_thumbprint(a, key);
    ndc_jwk_thumbprint(b, own);
    assert_string_equal(a, b);
    assert_int_equal(ndc_jws_verify(&jws, own, &fault), NDC_OK);
    ndc_jwk_unref(own);
    ndc_jws_free(&jws);
    /* none; a private one */
    sign(&token, key, "x");
    assert_int_equal(ndc_jws_parse(&jws, &arena, ndc_buf_str(&token), &fault), NDC_OK);
    assert_int_equal(ndc_jws_header_jwk(&own, &jws, &fault), NDC_EINPUT);
    assert_string_equal(fault.code, "jws.key");
    ndc_jws_free(&jws);
    fault = (struct ndc_fault){0};
    ndc_buf_reset(&members);
    ndc_buf_reset(&token);
    ndc_buf_add_c(&members, "\"jwk\":");
    ndc_jwk_private_add(&members, key);
    assert_int_equal(ndc_jws_sign_header(&token, key, "application/DPoP+jwt",
                                         ndc_buf_str(&members), NDC_STR("{}"), &fault),
                     NDC_OK);
    assert_int_equal(ndc_jws_parse(&jws, &arena, ndc_buf_str(&token), &fault), NDC_OK);
    assert_true(ndc_jws_typ_is(&jws, "dpop+jwt"));
    assert_int_equal(ndc_jws_header_jwk(&own, &jws, &fault), NDC_EINPUT);
    assert_string_equal(fault.code, "jwk.private");
    ndc_jws_free(&jws);
    ndc_arena_free(&arena);
    ndc_buf_free(&members);
    ndc_buf_free(&token);
    ndc_jwk_unref(key);
    ndc_jwk_unref(victim);
}

static void test_claims(void **state)
{
    (void)state;
    static const struct {
        const char *payload, *code;
    } cases[] = {{"{\"sub\":\"1\"}", ""},
                 {"{\"sub\":\"1\",\"sub\":\"2\"}", "jwt.duplicate"},
                 {"[]", "jwt.syntax"},
                 {"", "jwt.syntax"},
                 {"{\"sub\":\"\xff\"}", "jwt.syntax"}};
    struct ndc_jwk *key = make_key("HS256", NULL);
    struct ndc_buf token;
    ndc_buf_init(&token, 1 << 14);
    for (size_t i = 0; i < NDC_ARRAY_LEN(cases); i++) {
        struct ndc_fault fault = {0};
        struct ndc_arena arena;
        struct ndc_jws jws;
        struct json_object *claims;
        ndc_arena_init(&arena, 1 << 16);
        sign(&token, key, cases[i].payload);
        assert_int_equal(ndc_jws_parse(&jws, &arena, ndc_buf_str(&token), &fault),
                         NDC_OK);
        enum ndc_err err = ndc_jws_claims(&claims, &jws, &fault);
        assert_string_equal(fault.code, cases[i].code);
        if (!err) assert_str_eq(ndc_json_get_str(claims, "sub"), "1");
        json_object_put(claims);
        ndc_jws_free(&jws);
        ndc_arena_free(&arena);
    }
    /* a public key and one for encryption sign nothing */
    struct ndc_fault fault = {0};
    struct ndc_jwk *pair = make_key("ES256", NULL), *public = public_of(pair),
                   *enc = make_key("A128KW", NULL);
    ndc_buf_reset(&token);
    assert_int_equal(ndc_jws_sign(&token, public, NULL, NDC_STR("x"), &fault),
                     NDC_EINPUT);
    assert_int_equal(ndc_jws_sign(&token, enc, NULL, NDC_STR("x"), NULL), NDC_EINPUT);
    assert_string_equal(fault.code, "jws.key");
    assert_int_equal(token.len, 0);
    ndc_jwk_unref(pair);
    ndc_jwk_unref(public);
    ndc_jwk_unref(enc);
    ndc_jwk_unref(key);
    ndc_buf_free(&token);
}

/* ---- threads ---- */

enum { SIGNERS = 12, EACH = 40 }; /* more than a key keeps contexts for */

static void sign_many(void *arg, size_t i)
{
    struct ndc_jwk *const *keys = arg;
    struct ndc_arena arena;
    struct ndc_buf token;
    ndc_buf_init(&token, 1 << 14);
    ndc_arena_init(&arena, 1 << 16);
    for (int n = 0; n < EACH; n++) {
        const struct ndc_jwk *key = keys[(i + (size_t)n) % 4];
        struct ndc_jws jws;
        char payload[32];
        snprintf(payload, sizeof(payload), "%zu/%d", i, n);
        ndc_buf_reset(&token);
        ndc_arena_reset(&arena);
        NDC_ASSERT(ndc_jws_sign(&token, key, NULL, ndc_str(payload), NULL) == NDC_OK);
        NDC_ASSERT(ndc_jws_parse(&jws, &arena, ndc_buf_str(&token), NULL) == NDC_OK);
        NDC_ASSERT(ndc_jws_verify(&jws, key, NULL) == NDC_OK);
        NDC_ASSERT(ndc_str_eq_c(jws.payload, payload));
        ndc_jws_free(&jws);
    }
    ndc_arena_free(&arena);
    ndc_buf_free(&token);
}

static void test_threads(void **state)
{
    (void)state;
    struct ndc_jwk *keys[4] = {make_key("ES256", NULL), make_key("EdDSA", NULL),
                               make_key("PS256", NULL), make_key("HS512", NULL)};
    ndc_parallel_for(SIGNERS, SIGNERS, sign_many, keys);
    for (size_t i = 0; i < 4; i++)
        ndc_jwk_unref(keys[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tampering),   cmocka_unit_test(test_confusion),
        cmocka_unit_test(test_headers),     cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_ecdsa_range), cmocka_unit_test(test_der),
        cmocka_unit_test(test_verify_set),  cmocka_unit_test(test_header_jwk),
        cmocka_unit_test(test_claims),      cmocka_unit_test(test_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

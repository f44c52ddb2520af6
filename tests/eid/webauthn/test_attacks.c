/* What somebody might try at a relying party (WebAuthn Level 3, sections 13 and 7), with
 * an authenticator in software that signs whatever it is told to: each attempt is well
 * signed, so that only the check it is meant for stands in its way. */
#include "tests/hex.h"

#include "tests/eid/webauthn/soft.h"

#include "crypto/cbor.h"

#define ORIGIN "https://dinhdanh.example"
#define APP    "android:apk-key-hash:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"

enum { BYTES_MAX = 1 << 16 };

static const struct ndc_str challenge = {"0123456789abcdef0123456789abcdef", 32};
static const struct ndc_str origins[] = {{ORIGIN, sizeof(ORIGIN) - 1},
                                         {APP, sizeof(APP) - 1}};
static const struct ndc_webauthn_rp usual = {
    .id = {"dinhdanh.example", 16}, .origins = origins, .n_origins = 2};

/* A ceremony as the browser and the authenticator would have it, for a test to spoil. */
struct attempt {
    struct ndc_webauthn_rp rp;
    const char *type, *origin, *extra, *rp_id, *client;
    struct ndc_str challenge, extensions;
    unsigned flags;
    uint32_t counter;
    bool uv_required;
    int sign_with; /* 0: its own key */
    /* What is stored of the credential. */
    uint32_t stored_counter;
    bool stored_eligible;
    /* After it was signed. */
    int tail;
};

static struct soft authenticator, stranger;

static struct attempt signing_in(void)
{
    return (struct attempt){.rp = usual,
                            .type = "webauthn.get",
                            .origin = ORIGIN,
                            .extra = "",
                            .rp_id = "dinhdanh.example",
                            .challenge = challenge,
                            .flags = SOFT_UP | SOFT_UV,
                            .counter = 8,
                            .stored_counter = 7,
                            .uv_required = true};
}

static struct attempt registering(void)
{
    struct attempt a = signing_in();
    a.type = "webauthn.create";
    a.flags |= SOFT_AT;
    return a;
}

static void make_client(struct ndc_buf *out, const struct attempt *a)
{
    ndc_buf_init(out, BYTES_MAX);
    if (a->client)
        ndc_buf_add_c(out, a->client);
    else
        soft_client_data(out, a->type, a->challenge, a->origin, a->extra);
}

static void make_auth(struct ndc_buf *out, const struct attempt *a)
{
    ndc_buf_init(out, BYTES_MAX);
    soft_auth_data(out, &authenticator, a->rp_id, a->flags, a->counter);
    ndc_buf_add_str(out, a->extensions);
}

static enum ndc_err sign_in(struct ndc_webauthn_asserted *out, const struct attempt *a,
                            struct ndc_fault *fault)
{
    struct ndc_buf client, auth, sig, key;
    make_client(&client, a);
    make_auth(&auth, a);
    ndc_buf_init(&sig, BYTES_MAX);
    ndc_buf_init(&key, BYTES_MAX);
    soft_public_key(&key, &authenticator);
    const struct soft *by = a->sign_with ? &stranger : &authenticator;
    soft_sign(&sig, by->key, by->alg, ndc_buf_str(&auth), ndc_buf_str(&client));
    for (int i = 0; i < a->tail; i++)
        ndc_buf_add_byte(&sig, 0);
    struct ndc_webauthn_credential stored = {.public_key = ndc_buf_str(&key),
                                             .counter = a->stored_counter,
                                             .backup_eligible = a->stored_eligible};
    *fault = (struct ndc_fault){0};
    enum ndc_err err = ndc_webauthn_assert(out, &a->rp, &stored, challenge,
                                           a->uv_required, ndc_buf_str(&client),
                                           ndc_buf_str(&auth), ndc_buf_str(&sig), fault);
    out->extensions = NDC_STR_NULL; /* its bytes go now */
    ndc_buf_free(&client);
    ndc_buf_free(&auth);
    ndc_buf_free(&sig);
    ndc_buf_free(&key);
    return err;
}

/* With "packed" self attestation, so that all of it is signed here too. */
static enum ndc_err enrol(struct ndc_webauthn_registered *out, const struct attempt *a,
                          struct ndc_fault *fault)
{
    struct ndc_buf client, auth, sig, object;
    struct ndc_arena arena;
    ndc_arena_init(&arena, BYTES_MAX);
    make_client(&client, a);
    make_auth(&auth, a);
    ndc_buf_init(&sig, BYTES_MAX);
    ndc_buf_init(&object, BYTES_MAX);
    const struct soft *by = a->sign_with ? &stranger : &authenticator;
    soft_sign(&sig, by->key, by->alg, ndc_buf_str(&auth), ndc_buf_str(&client));
    ndc_cbor_add_map(&object, 3);
    ndc_cbor_add_text(&object, NDC_STR("fmt"));
    ndc_cbor_add_text(&object, NDC_STR("packed"));
    ndc_cbor_add_text(&object, NDC_STR("attStmt"));
    ndc_cbor_add_map(&object, 2);
    ndc_cbor_add_text(&object, NDC_STR("alg"));
    ndc_cbor_add_int(&object, authenticator.alg);
    ndc_cbor_add_text(&object, NDC_STR("sig"));
    ndc_cbor_add_bytes(&object, ndc_buf_str(&sig));
    ndc_cbor_add_text(&object, NDC_STR("authData"));
    ndc_cbor_add_bytes(&object, ndc_buf_str(&auth));
    *fault = (struct ndc_fault){0};
    enum ndc_err err =
        ndc_webauthn_register(out, &arena, &a->rp, challenge, a->uv_required,
                              ndc_buf_str(&client), ndc_buf_str(&object), NULL, 0, fault);
    ndc_buf_free(&client);
    ndc_buf_free(&auth);
    ndc_buf_free(&sig);
    ndc_buf_free(&object);
    ndc_arena_free(&arena);
    return err;
}

static void refused(const struct attempt *a, const char *code, enum ndc_err kind)
{
    struct ndc_fault fault;
    struct ndc_webauthn_asserted got;
    struct ndc_webauthn_registered made;
    bool create = a->flags & SOFT_AT && strcmp(a->type, "webauthn.get") != 0;
    enum ndc_err err = create ? enrol(&made, a, &fault) : sign_in(&got, a, &fault);
    if (strcmp(fault.code, code) != 0)
        fail_msg("\"%s\" (%s), not \"%s\"", fault.code, fault.message, code);
    assert_int_equal(err, create ? NDC_EINPUT : kind);
    assert_int_equal(fault.err, err);
    assert_true(strlen(fault.message) > 10);
}

/* `spoil` one thing in both ceremonies; both say the same step. */
#define BOTH(code, spoil)                \
    do {                                 \
        struct attempt t = signing_in(); \
        spoil;                           \
        refused(&t, code, NDC_EAUTH);    \
        t = registering();               \
        spoil;                           \
        refused(&t, code, NDC_EINPUT);   \
    } while (0)
#define SIGN_IN(code, kind, spoil)       \
    do {                                 \
        struct attempt t = signing_in(); \
        spoil;                           \
        refused(&t, code, kind);         \
    } while (0)

static void test_honest_ones_are_believed(void **state)
{
    (void)state;
    static const int32_t algs[] = {NDC_COSE_ES256, NDC_COSE_ES384, NDC_COSE_ES256K,
                                   NDC_COSE_EDDSA, NDC_COSE_RS256, NDC_COSE_PS256};
    for (size_t i = 0; i < NDC_ARRAY_LEN(algs); i++) {
        struct ndc_webauthn_registered made;
        struct ndc_webauthn_asserted got;
        struct ndc_fault fault;
        struct attempt a = registering();
        soft_free(&authenticator);
        soft_make(&authenticator, algs[i]);
        a.rp.algorithms = algs;
        a.rp.n_algorithms = NDC_ARRAY_LEN(algs);
        if (enrol(&made, &a, &fault)) fail_msg("%d: %s", algs[i], fault.message);
        assert_int_equal(made.trust, NDC_WEBAUTHN_SELF);
        assert_int_equal(made.algorithm, algs[i]);
        assert_int_equal(made.counter, 8);
        assert_true(made.user_present && made.user_verified && !made.backup_eligible);
        a = signing_in();
        if (sign_in(&got, &a, &fault)) fail_msg("%d: %s", algs[i], fault.message);
        assert_int_equal(got.counter, 8);
        assert_true(got.user_verified && !got.backed_up);
        a.sign_with = 1;
        refused(&a, "webauthn.signature", NDC_EAUTH);
    }
}

static int make_authenticators(void **state)
{
    (void)state;
    soft_make(&authenticator, NDC_COSE_ES256);
    soft_make(&stranger, NDC_COSE_ES256);
    return 0;
}

static int free_authenticators(void **state)
{
    (void)state;
    soft_free(&authenticator);
    soft_free(&stranger);
    return 0;
}

/* 13.4.3: an answer to another challenge is an answer heard before. */
static void test_replay(void **state)
{
    (void)state;
    BOTH("webauthn.challenge", t.challenge = NDC_STR("fedcba98765432100123456789abcdef"));
    BOTH("webauthn.challenge", t.challenge = NDC_STR("0123456789abcdef0123456789abcde"));
    BOTH("webauthn.challenge",
         t.challenge = NDC_STR("0123456789abcdef0123456789abcdef0"));
    BOTH("webauthn.challenge",
         t.client = t.flags & SOFT_AT
                        ? "{\"type\":\"webauthn.create\",\"origin\":\"" ORIGIN "\"}"
                        : "{\"type\":\"webauthn.get\",\"origin\":\"" ORIGIN "\"}");
    /* Standard base64 with padding is not the encoding that is asked for. */
    SIGN_IN("webauthn.challenge", NDC_EAUTH,
            t.client = "{\"type\":\"webauthn.get\",\"challenge\":"
                       "\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\","
                       "\"origin\":\"" ORIGIN "\"}");
}

/* The caller has used the challenge up, or never gave one out. */
static void test_no_challenge(void **state)
{
    (void)state;
    struct ndc_webauthn_asserted got;
    struct ndc_fault fault = {0};
    const struct ndc_webauthn_credential stored = {.public_key = NDC_STR("x")};
    static const char client[] =
        "{\"type\":\"webauthn.get\",\"challenge\":\"\",\"origin\":\"" ORIGIN "\"}";
    assert_int_equal(ndc_webauthn_assert(&got, &usual, &stored, NDC_STR_NULL, false,
                                         ndc_str(client), NDC_STR("x"), NDC_STR("x"),
                                         &fault),
                     NDC_EAUTH);
    assert_string_equal(fault.code, "webauthn.challenge");
}

/* 13.4.9: a page that looks like ours, and those beside ours. */
static void test_wrong_origin(void **state)
{
    (void)state;
    static const char *const wrong[] = {"https://dinhdanh.example.evil.example",
                                        "https://evil.example",
                                        "http://dinhdanh.example",
                                        "https://sub.dinhdanh.example",
                                        "https://dinhdanh.example/",
                                        "https://dinhdanh.example:8443",
                                        "https://DINHDANH.example",
                                        "",
                                        "null",
                                        "https://dinhdanh.exampl"};
    for (size_t i = 0; i < NDC_ARRAY_LEN(wrong); i++)
        BOTH("webauthn.origin", t.origin = wrong[i]);
    struct attempt a = signing_in();
    struct ndc_webauthn_asserted got;
    struct ndc_fault fault;
    a.origin = APP; /* an app's is an origin like others */
    assert_int_equal(sign_in(&got, &a, &fault), NDC_OK);
    SIGN_IN("webauthn.origin", NDC_EAUTH, t.rp.n_origins = 1; t.origin = APP);
}

/* 13.4.2: framed by a page of another origin. */
static void test_framed(void **state)
{
    (void)state;
    static const struct ndc_str framer = {"https://xa.example", 18};
#define CROSS                                                                    \
    "{\"type\":\"webauthn.get\",\"challenge\":"                                  \
    "\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\",\"origin\":\"" ORIGIN "\"," \
    "\"crossOrigin\":"
    SIGN_IN("webauthn.cross_origin", NDC_EAUTH, t.client = CROSS "true}");
    BOTH("webauthn.cross_origin", t.extra = ",\"topOrigin\":\"https://xa.example\"");
    SIGN_IN("webauthn.cross_origin", NDC_EAUTH, t.rp.top_origins = &framer;
            t.rp.n_top_origins = 1;
            t.client = CROSS "true,\"topOrigin\":\"https://evil.example\"}");
    SIGN_IN("webauthn.cross_origin", NDC_EAUTH, t.rp.top_origins = &framer;
            t.rp.n_top_origins = 1; t.client = CROSS "true,\"topOrigin\":7}");
    SIGN_IN("webauthn.client_data", NDC_EINPUT, t.client = CROSS "\"true\"}");
    struct attempt a = signing_in();
    struct ndc_webauthn_asserted got;
    struct ndc_fault fault;
    a.rp.top_origins = &framer;
    a.rp.n_top_origins = 1;
    a.client = CROSS "true,\"topOrigin\":\"https://xa.example\"}";
    assert_int_equal(sign_in(&got, &a, &fault), NDC_OK);
}

/* A signature of one ceremony in the other. */
static void test_wrong_type(void **state)
{
    (void)state;
    SIGN_IN("webauthn.type", NDC_EAUTH, t.type = "webauthn.create");
    SIGN_IN("webauthn.type", NDC_EAUTH, t.type = "payment.get");
    struct attempt a = registering();
    a.type = "webauthn.Create";
    refused(&a, "webauthn.type", NDC_EINPUT);
    a = registering();
    a.type = "";
    refused(&a, "webauthn.type", NDC_EINPUT);
}

static void test_client_data_that_is_none(void **state)
{
    (void)state;
    static const char *const none[] = {"",
                                       "[]",
                                       "null",
                                       "\"webauthn.get\"",
                                       "{",
                                       "{}x",
                                       "{\"type\":\"webauthn.get\"",
                                       "\xff\xfe{}"};
    for (size_t i = 0; i < NDC_ARRAY_LEN(none); i++) {
        struct attempt a = signing_in();
        a.client = none[i];
        refused(&a, "webauthn.client_data", NDC_EINPUT);
    }
    /* A byte order mark is read over, and signed; members we do not know are passed over.
     */
    struct attempt a = signing_in();
    struct ndc_webauthn_asserted got;
    struct ndc_fault fault;
    a.client = "\xef\xbb\xbf" CROSS "false,\"new\":{\"a\":[1]},\"tokenBinding\":null}";
    assert_int_equal(sign_in(&got, &a, &fault), NDC_OK);
    char *large = malloc(NDC_WEBAUTHN_CLIENT_DATA_MAX + 2);
    assert_non_null(large);
    memset(large, ' ', NDC_WEBAUTHN_CLIENT_DATA_MAX + 1);
    large[NDC_WEBAUTHN_CLIENT_DATA_MAX + 1] = 0;
    a.client = large;
    refused(&a, "webauthn.client_data", NDC_ETOOBIG);
    free(large);
}

static void test_wrong_site(void **state)
{
    (void)state;
    BOTH("webauthn.rp_id", t.rp_id = "evil.example");
    BOTH("webauthn.rp_id", t.rp_id = "sub.dinhdanh.example");
    BOTH("webauthn.rp_id", t.rp_id = "DINHDANH.example");
}

static void test_nobody_there(void **state)
{
    (void)state;
    BOTH("webauthn.user_presence", t.flags &= ~(unsigned)SOFT_UP);
    BOTH("webauthn.user_verification", t.flags &= ~(unsigned)SOFT_UV);
    struct attempt a = signing_in();
    struct ndc_webauthn_asserted got;
    struct ndc_webauthn_registered made;
    struct ndc_fault fault;
    a.uv_required = false;
    a.flags &= ~(unsigned)SOFT_UV;
    assert_int_equal(sign_in(&got, &a, &fault), NDC_OK);
    assert_false(got.user_verified); /* and says so: a second factor is not two */
    /* Made by itself after a sign-in with a password: nobody touched anything. */
    a = registering();
    a.rp.conditional = true;
    a.flags &= ~(unsigned)SOFT_UP;
    assert_int_equal(enrol(&made, &a, &fault), NDC_OK);
    assert_false(made.user_present);
    SIGN_IN("webauthn.user_presence", NDC_EAUTH, t.rp.conditional = true;
            t.flags &= ~(unsigned)SOFT_UP);
}

static void test_backup(void **state)
{
    (void)state;
    struct ndc_webauthn_asserted got;
    struct ndc_webauthn_registered made;
    struct ndc_fault fault;
    BOTH("webauthn.backup", t.flags |= SOFT_BS);
    SIGN_IN("webauthn.backup", NDC_EAUTH, t.flags |= SOFT_BE);
    SIGN_IN("webauthn.backup", NDC_EAUTH, t.stored_eligible = true);
    struct attempt a = signing_in();
    a.flags |= SOFT_BE | SOFT_BS;
    a.stored_eligible = true;
    assert_int_equal(sign_in(&got, &a, &fault), NDC_OK);
    assert_true(got.backed_up);
    a = registering();
    a.flags |= SOFT_BE;
    assert_int_equal(enrol(&made, &a, &fault), NDC_OK);
    assert_true(made.backup_eligible && !made.backed_up);
}

static void test_copied_authenticator(void **state)
{
    (void)state;
    static const struct {
        uint32_t stored, now;
        bool good;
    } rows[] = {{0, 0, true},           {0, 1, true},
                {7, 8, true},           {7, 4294967295, true},
                {7, 7, false},          {7, 6, false},
                {7, 0, false},          {1, 0, false},
                {4294967295, 0, false}, {4294967295, 4294967295, false}};
    for (size_t i = 0; i < NDC_ARRAY_LEN(rows); i++) {
        struct attempt a = signing_in();
        struct ndc_webauthn_asserted got;
        struct ndc_fault fault;
        a.stored_counter = rows[i].stored;
        a.counter = rows[i].now;
        if (!rows[i].good) {
            refused(&a, "webauthn.counter", NDC_EAUTH);
            continue;
        }
        assert_int_equal(sign_in(&got, &a, &fault), NDC_OK);
        assert_true(got.counter == rows[i].now);
    }
    /* Who cannot sign does not even learn of the counter. */
    SIGN_IN("webauthn.signature", NDC_EAUTH, t.counter = 1; t.sign_with = 1);
}

static void test_signatures_that_are_none(void **state)
{
    (void)state;
    BOTH(t.flags & SOFT_AT ? "webauthn.attestation" : "webauthn.signature",
         t.sign_with = 1);
    SIGN_IN("webauthn.signature", NDC_EAUTH, t.tail = 1); /* DER with something behind */
}

static void test_algorithms_not_asked_for(void **state)
{
    (void)state;
    static const int32_t eddsa[] = {NDC_COSE_EDDSA};
    struct attempt a = registering();
    a.rp.algorithms = eddsa;
    a.rp.n_algorithms = 1;
    refused(&a, "webauthn.algorithm", NDC_EINPUT);
    soft_free(&authenticator);
    soft_make(&authenticator, NDC_COSE_ES256K); /* not one of the usual three */
    a = registering();
    refused(&a, "webauthn.algorithm", NDC_EINPUT);
    soft_free(&authenticator);
    soft_make(&authenticator, NDC_COSE_ES256);
}

static void test_extensions(void **state)
{
    (void)state;
    static const struct ndc_str good = {"\xa1\x63uvm\xf5", 6},
                                doubled = {"\xa2\x61"
                                           "a\x00\x61"
                                           "a\x00",
                                           7},
                                number = {"\x01", 1}, endless = {"\xbf\xff", 2};
    struct attempt a = signing_in();
    struct ndc_webauthn_asserted got;
    struct ndc_webauthn_registered made;
    struct ndc_fault fault;
    a.flags |= SOFT_ED;
    a.extensions = good;
    assert_int_equal(sign_in(&got, &a, &fault), NDC_OK);
    a = registering();
    a.flags |= SOFT_ED;
    a.extensions = good;
    assert_int_equal(enrol(&made, &a, &fault), NDC_OK);
    SIGN_IN("webauthn.auth_data", NDC_EINPUT, t.extensions = good); /* unannounced */
    SIGN_IN("webauthn.auth_data", NDC_EINPUT, t.flags |= SOFT_ED);  /* announced only */
    const struct ndc_str bad[] = {doubled, number, endless};
    for (size_t i = 0; i < NDC_ARRAY_LEN(bad); i++)
        SIGN_IN("webauthn.auth_data", NDC_EINPUT, t.flags |= SOFT_ED;
                t.extensions = bad[i]);
    /* A credential in an assertion: 6.1 has it only at registration. */
    SIGN_IN("webauthn.auth_data", NDC_EINPUT, t.flags |= SOFT_AT);
}

static void test_transports(void **state)
{
    (void)state;
    assert_int_equal(ndc_webauthn_transport(NDC_STR("internal")), NDC_WEBAUTHN_INTERNAL);
    assert_int_equal(ndc_webauthn_transport(NDC_STR("smart-card")),
                     NDC_WEBAUTHN_SMART_CARD);
    assert_int_equal(ndc_webauthn_transport(NDC_STR("Internal")), 0);
    assert_int_equal(ndc_webauthn_transport(NDC_STR_NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replay),
        cmocka_unit_test(test_no_challenge),
        cmocka_unit_test(test_wrong_origin),
        cmocka_unit_test(test_framed),
        cmocka_unit_test(test_wrong_type),
        cmocka_unit_test(test_client_data_that_is_none),
        cmocka_unit_test(test_wrong_site),
        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_backup),
        cmocka_unit_test(test_copied_authenticator),
        cmocka_unit_test(test_signatures_that_are_none),
        cmocka_unit_test(test_algorithms_not_asked_for),
        cmocka_unit_test(test_extensions),
        cmocka_unit_test(test_honest_ones_are_believed),
        cmocka_unit_test(test_transports),
    };
    return cmocka_run_group_tests(tests, make_authenticators, free_authenticators);
}

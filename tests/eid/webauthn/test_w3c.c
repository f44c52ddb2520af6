/* WebAuthn Level 3, section 16: all test vectors are believed, and none of them with one
 * bit changed anywhere that counts. */
#include "tests/hex.h"

#include "platforms/eid/webauthn/internal.h"

#include "crypto/base64.h"
#include "tests/eid/webauthn/w3c_vectors.inc"

enum { NOW_S = 1790000000, FLAGS = 32, VECTORS = 15 };

static const int32_t all_algorithms[] = {NDC_COSE_ES256, NDC_COSE_ES384, NDC_COSE_ES512,
                                         NDC_COSE_RS256, NDC_COSE_EDDSA, NDC_COSE_ED448};
static const struct ndc_str origin = {"https://example.org", 19},
                            top_origin = {"https://example.com", 19};
static const struct ndc_webauthn_rp plain_rp = {
    .id = {"example.org", 11},
    .origins = &origin,
    .n_origins = 1,
    .top_origins = &top_origin,
    .n_top_origins = 1,
    .algorithms = all_algorithms,
    .n_algorithms = NDC_ARRAY_LEN(all_algorithms),
};

/* One vector's bytes. */
struct vector {
    const struct w3c_vector *of;
    struct ndc_str create_challenge, create_client, object, credential_id, aaguid;
    struct ndc_str get_challenge, get_client, auth_data, signature;
    struct ndc_webauthn_rp rp;
    enum ndc_webauthn_trust trust; /* what its attestation reaches */
    bool empty_lists;              /* the one above */
};

static struct ndc_anchors *anchors;
static struct ndc_arena arena;

static enum ndc_webauthn_trust trust_of(const char *name)
{
    if (strncmp(name, "none", 4) == 0) return NDC_WEBAUTHN_NONE;
    return strncmp(name, "packed-self", 11) == 0 ? NDC_WEBAUTHN_SELF
                                                 : NDC_WEBAUTHN_ANCHORED;
}

static struct vector open_vector(size_t i)
{
    const struct w3c_vector *w = &w3c_vectors[i];
    struct vector v = {.of = w,
                       .create_challenge = unhex(w->create.challenge),
                       .create_client = unhex(w->create.client_data),
                       .object = unhex(w->create.attestation_object),
                       .credential_id = unhex(w->create.credential_id),
                       .aaguid = unhex(w->create.aaguid),
                       .get_challenge = unhex(w->get.challenge),
                       .get_client = unhex(w->get.client_data),
                       .auth_data = unhex(w->get.authenticator_data),
                       .signature = unhex(w->get.signature),
                       .rp = plain_rp,
                       .trust = trust_of(w->name),
                       .empty_lists = strcmp(w->name, "android-key-es256") == 0};
    v.rp.trust_min = v.trust;
    return v;
}

static void close_vector(struct vector *v)
{
    const struct ndc_str all[] = {v->create_challenge, v->create_client, v->object,
                                  v->credential_id,    v->aaguid,        v->get_challenge,
                                  v->get_client,       v->auth_data,     v->signature};
    for (size_t i = 0; i < NDC_ARRAY_LEN(all); i++)
        drop(all[i]);
}

static enum ndc_err create(struct ndc_webauthn_registered *out, const struct vector *v,
                           struct ndc_fault *fault)
{
    ndc_arena_reset(&arena);
    return ndc_webauthn_register(out, &arena, &v->rp, v->create_challenge, false,
                                 v->create_client, v->object, anchors, NOW_S, fault);
}

static enum ndc_err get(struct ndc_webauthn_asserted *out, const struct vector *v,
                        const struct ndc_webauthn_credential *stored,
                        struct ndc_fault *fault)
{
    return ndc_webauthn_assert(out, &v->rp, stored, v->get_challenge, false,
                               v->get_client, v->auth_data, v->signature, fault);
}

/* Where the authenticator data begins in the attestation object. */
static size_t auth_data_at(const struct vector *v)
{
    const char *id =
        memmem(v->object.ptr, v->object.len, v->credential_id.ptr, v->credential_id.len);
    assert_non_null(id);
    return (size_t)(id - v->object.ptr) - 2 - NDC_WEBAUTHN_AAGUID_BYTES -
           WEBAUTHN_AUTH_DATA_MIN;
}

static struct ndc_webauthn_credential store(const struct vector *v)
{
    struct ndc_webauthn_auth auth;
    struct ndc_str data = ndc_str_from(v->object, auth_data_at(v));
    struct ndc_fault fault = {0};
    if (ndc_webauthn_auth_read(&auth, data, &fault))
        fail_msg("%s: %s", v->of->name, fault.message);
    struct ndc_webauthn_credential stored = {.public_key = copy_of(auth.key.bytes),
                                             .counter = auth.counter,
                                             .backup_eligible = auth.flags & WEBAUTHN_BE};
    ndc_cose_key_free(&auth.key);
    return stored;
}

static void check_registered(const struct vector *v)
{
    struct ndc_webauthn_registered made;
    struct ndc_fault fault = {0};
    enum ndc_err err = create(&made, v, &fault);
    if (v->empty_lists) {
        assert_int_equal(err, NDC_EINPUT);
        assert_string_equal(fault.code, "webauthn.attestation");
        assert_non_null(strstr(fault.message, "nothing says that the key was generated"));
        return;
    }
    if (err) fail_msg("%s: %s", v->of->name, fault.message);
    struct ndc_webauthn_credential stored = store(v);
    assert_true(ndc_str_eq(made.credential_id, v->credential_id));
    assert_memory_equal(made.aaguid, v->aaguid.ptr, sizeof(made.aaguid));
    assert_true(ndc_str_eq(made.public_key, stored.public_key));
    assert_int_equal(made.backup_eligible, stored.backup_eligible);
    assert_int_equal(made.trust, v->trust);
    assert_true(ndc_str_starts(ndc_str(v->of->name), made.format));
    drop(stored.public_key);
}

static void test_all_are_believed(void **state)
{
    (void)state;
    assert_int_equal(NDC_ARRAY_LEN(w3c_vectors), VECTORS);
    for (size_t i = 0; i < VECTORS; i++) {
        struct vector v = open_vector(i);
        struct ndc_webauthn_asserted got;
        struct ndc_fault fault = {0};
        check_registered(&v);
        struct ndc_webauthn_credential stored = store(&v);
        if (get(&got, &v, &stored, &fault)) fail_msg("%s: %s", v.of->name, fault.message);
        assert_int_equal(got.user_verified, (v.auth_data.ptr[FLAGS] & WEBAUTHN_UV) != 0);
        assert_int_equal(got.backed_up, (v.auth_data.ptr[FLAGS] & WEBAUTHN_BS) != 0);
        assert_int_equal(got.counter, 0);
        drop(stored.public_key);
        close_vector(&v);
    }
}

/* Without the anchor, or before it was made, certificates are only that. */
static void test_trust_needs_an_anchor(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        struct vector v = open_vector(i);
        struct ndc_webauthn_registered made;
        struct ndc_fault fault = {0};
        bool anchored = v.trust == NDC_WEBAUTHN_ANCHORED;
        if (v.empty_lists) {
            close_vector(&v);
            continue;
        }
        v.rp.trust_min = NDC_WEBAUTHN_NONE;
        assert_int_equal(ndc_webauthn_register(&made, &arena, &v.rp, v.create_challenge,
                                               false, v.create_client, v.object, NULL,
                                               NOW_S, NULL),
                         NDC_OK);
        assert_int_equal(made.trust, anchored ? NDC_WEBAUTHN_BASIC : v.trust);
        v.rp.trust_min = NDC_WEBAUTHN_ANCHORED;
        enum ndc_err err =
            ndc_webauthn_register(&made, &arena, &v.rp, v.create_challenge, false,
                                  v.create_client, v.object, anchors, 1000000000, &fault);
        assert_int_equal(err, NDC_EINPUT); /* 2001: the certificates are of 2024 */
        assert_string_equal(fault.code, "webauthn.trust");
        assert_int_equal(strstr(fault.message, "not yet valid") != NULL, anchored);
        close_vector(&v);
    }
}

/* What is asked of the ceremony, each alone, says its own step. */
static void test_each_step_says_so(void **state)
{
    (void)state;
    static const struct ndc_str other = {"https://example.net", 19};
    for (size_t i = 0; i < VECTORS; i++) {
        struct vector v = open_vector(i), bad;
        struct ndc_webauthn_credential stored = store(&v);
        struct ndc_webauthn_registered made;
        struct ndc_webauthn_asserted got;
        const char *name = v.of->name;
        bool framed = strstr(name, "Origin") != NULL;
        struct ndc_fault fault = {0};
#define EXPECT(call, word)                                     \
    do {                                                       \
        fault = (struct ndc_fault){0};                         \
        assert_int_not_equal(call, NDC_OK);                    \
        if (strcmp(fault.code, word) != 0)                     \
            fail_msg("%s: %s not %s", name, fault.code, word); \
    } while (0)
        bad = v;
        bad.create_challenge = v.get_challenge;
        bad.get_challenge = v.create_challenge;
        EXPECT(create(&made, &bad, &fault), "webauthn.challenge");
        EXPECT(get(&got, &bad, &stored, &fault), "webauthn.challenge");
        bad = v;
        bad.rp.origins = &other;
        EXPECT(create(&made, &bad, &fault), "webauthn.origin");
        EXPECT(get(&got, &bad, &stored, &fault), "webauthn.origin");
        bad = v;
        bad.rp.id = NDC_STR("example.com");
        EXPECT(create(&made, &bad, &fault), "webauthn.rp_id");
        EXPECT(get(&got, &bad, &stored, &fault), "webauthn.rp_id");
        bad = v;
        bad.create_client = v.get_client;
        bad.get_client = v.create_client;
        EXPECT(create(&made, &bad, &fault), "webauthn.type");
        EXPECT(get(&got, &bad, &stored, &fault), "webauthn.type");
        bad = v;
        bad.rp.n_top_origins = 0;
        if (framed) EXPECT(create(&made, &bad, &fault), "webauthn.cross_origin");
        if (framed) EXPECT(get(&got, &bad, &stored, &fault), "webauthn.cross_origin");
        bad = v;
        bad.rp.top_origins = &other;
        if (strstr(name, "topOrigin")) {
            EXPECT(create(&made, &bad, &fault), "webauthn.cross_origin");
            EXPECT(get(&got, &bad, &stored, &fault), "webauthn.cross_origin");
        }
        bad = v;
        bad.rp.algorithms = (const int32_t[]){NDC_COSE_PS512};
        bad.rp.n_algorithms = 1;
        EXPECT(create(&made, &bad, &fault), "webauthn.algorithm");
        struct ndc_webauthn_credential turned = stored;
        turned.backup_eligible = !stored.backup_eligible;
        EXPECT(get(&got, &v, &turned, &fault), "webauthn.backup");
        turned = stored;
        turned.counter = 1;
        EXPECT(get(&got, &v, &turned, &fault), "webauthn.counter");
#undef EXPECT
        drop(stored.public_key);
        close_vector(&v);
    }
}

static char *at(struct ndc_str s, size_t i)
{
    return (char *)(uintptr_t)s.ptr + i;
}

/* Every byte of what an assertion brings is under its signature, or is it. */
static void test_assertions_changed(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        struct vector v = open_vector(i);
        struct ndc_webauthn_credential stored = store(&v);
        struct ndc_webauthn_asserted got;
        const struct ndc_str parts[] = {v.auth_data, v.get_client, v.signature,
                                        stored.public_key, v.get_challenge};
        for (size_t p = 0; p < NDC_ARRAY_LEN(parts); p++)
            for (size_t b = 0; b < parts[p].len; b++)
                for (int bit = 1; bit < 256; bit *= 8) {
                    *at(parts[p], b) ^= (char)bit;
                    if (get(&got, &v, &stored, NULL) == NDC_OK)
                        fail_msg("%s: part %zu, byte %zu", v.of->name, p, b);
                    *at(parts[p], b) ^= (char)bit;
                }
        assert_int_equal(get(&got, &v, &stored, NULL), NDC_OK);
        drop(stored.public_key);
        close_vector(&v);
    }
}

/* U2F's message has no flags, counter and model in it: 8.6 cannot prove them. */
static bool is_unsigned(const struct vector *v, size_t byte)
{
    size_t start = auth_data_at(v);
    return strncmp(v->of->name, "fido-u2f", 8) == 0 && byte >= start + FLAGS &&
           byte < start + WEBAUTHN_AUTH_DATA_MIN + NDC_WEBAUTHN_AAGUID_BYTES;
}

/* With the trust that it had asked for, no byte of a signed attestation may change. */
static void test_attestations_changed(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        struct vector v = open_vector(i);
        struct ndc_webauthn_registered made;
        if (v.empty_lists)
            v.trust = NDC_WEBAUTHN_NONE; /* nothing is proven before either */
        for (size_t b = 0; b < v.object.len && v.trust != NDC_WEBAUTHN_NONE; b++)
            for (int bit = 1; bit < 256; bit *= 8) {
                *at(v.object, b) ^= (char)bit;
                if (create(&made, &v, NULL) == NDC_OK && !is_unsigned(&v, b))
                    fail_msg("%s: byte %zu", v.of->name, b);
                *at(v.object, b) ^= (char)bit;
            }
        for (size_t b = 0; b < v.create_client.len && v.trust != NDC_WEBAUTHN_NONE; b++) {
            *at(v.create_client, b) ^= 1;
            assert_int_not_equal(create(&made, &v, NULL), NDC_OK);
            *at(v.create_client, b) ^= 1;
        }
        if (!v.empty_lists) assert_int_equal(create(&made, &v, NULL), NDC_OK);
        close_vector(&v);
    }
}

/* Cut anywhere, or with something behind, it is no attestation object. */
static void test_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        struct vector v = open_vector(i);
        struct ndc_str whole = v.object;
        struct ndc_webauthn_registered made;
        for (size_t n = 0; n < whole.len; n += 7) {
            v.object = copy_of(ndc_str_n(whole.ptr, n));
            assert_int_not_equal(create(&made, &v, NULL), NDC_OK);
            drop(v.object);
        }
        char *longer = malloc(whole.len + 1);
        assert_non_null(longer);
        memcpy(longer, whole.ptr, whole.len);
        longer[whole.len] = 0;
        v.object = ndc_str_n(longer, whole.len + 1);
        assert_int_not_equal(create(&made, &v, NULL), NDC_OK);
        free(longer);
        v.object = whole;
        close_vector(&v);
    }
}

static int read_anchors(void **state)
{
    (void)state;
    struct ndc_buf pem;
    struct ndc_str der = unhex(w3c_root);
    struct ndc_fault fault = {0};
    ndc_buf_init(&pem, 1 << 16);
    ndc_buf_add_c(&pem, "-----BEGIN CERTIFICATE-----\n");
    struct ndc_buf text;
    ndc_buf_init(&text, 1 << 16);
    ndc_base64_add(&text, der.ptr, der.len);
    for (size_t i = 0; i < text.len; i += 64) {
        ndc_buf_add(&pem, text.ptr + i, NDC_MIN(text.len - i, (size_t)64));
        ndc_buf_add_byte(&pem, '\n');
    }
    ndc_buf_add_c(&pem, "-----END CERTIFICATE-----\n");
    enum ndc_err err = ndc_anchors_read(&anchors, ndc_buf_str(&pem), &fault);
    if (err) printf("%s\n", fault.message);
    ndc_buf_free(&pem);
    ndc_buf_free(&text);
    drop(der);
    ndc_arena_init(&arena, 1 << 20);
    return err ? -1 : 0;
}

static int free_anchors(void **state)
{
    (void)state;
    ndc_anchors_free(anchors);
    ndc_arena_free(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_are_believed),
                                       cmocka_unit_test(test_trust_needs_an_anchor),
                                       cmocka_unit_test(test_each_step_says_so),
                                       cmocka_unit_test(test_assertions_changed),
                                       cmocka_unit_test(test_attestations_changed),
                                       cmocka_unit_test(test_cut)};
    return cmocka_run_group_tests(tests, read_anchors, free_anchors);
}

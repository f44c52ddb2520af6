/* Passkey sign-ins checked a second (WebAuthn 7.2 whole: client data, authenticator data,
 * the stored key read, the signature), and registrations with self attestation, on one
 * thread; beside each the signature alone. usage: webauthn_bench [SECONDS_EACH]; prints
 * `name value unit`. */
#include "tests/eid/webauthn/soft.h"

#include "crypto/cbor.h"
#include "crypto/totp.h"
#include "sys/clock.h"

#include <openssl/sha.h>
#include <stdio.h>

#define ORIGIN "https://dinhdanh.example"

enum { BYTES_MAX = 1 << 16, AT_ONCE = 16 };

static const struct ndc_str challenge = {"0123456789abcdef0123456789abcdef", 32};
static const struct ndc_str origin = {ORIGIN, sizeof(ORIGIN) - 1};
static const struct ndc_webauthn_rp rp = {
    .id = {"dinhdanh.example", 16}, .origins = &origin, .n_origins = 1};

struct signed_one {
    struct soft device;
    struct ndc_buf client, auth, sig, key, object, message;
};

static void make(struct signed_one *s, int32_t alg, bool create)
{
    unsigned char hash[32];
    struct ndc_buf *all[] = {&s->client, &s->auth,   &s->sig,
                             &s->key,    &s->object, &s->message};
    for (size_t i = 0; i < NDC_ARRAY_LEN(all); i++)
        ndc_buf_init(all[i], BYTES_MAX);
    soft_make(&s->device, alg);
    soft_public_key(&s->key, &s->device);
    soft_client_data(&s->client, create ? "webauthn.create" : "webauthn.get", challenge,
                     ORIGIN, "");
    soft_auth_data(&s->auth, &s->device, "dinhdanh.example",
                   SOFT_UP | SOFT_UV | (create ? SOFT_AT : 0), 0);
    soft_sign(&s->sig, s->device.key, alg, ndc_buf_str(&s->auth),
              ndc_buf_str(&s->client));
    SHA256((unsigned char *)s->client.ptr, s->client.len, hash);
    ndc_buf_add_str(&s->message, ndc_buf_str(&s->auth));
    ndc_buf_add(&s->message, hash, sizeof(hash));
    ndc_cbor_add_map(&s->object, 3);
    ndc_cbor_add_text(&s->object, NDC_STR("fmt"));
    ndc_cbor_add_text(&s->object, NDC_STR("packed"));
    ndc_cbor_add_text(&s->object, NDC_STR("attStmt"));
    ndc_cbor_add_map(&s->object, 2);
    ndc_cbor_add_text(&s->object, NDC_STR("alg"));
    ndc_cbor_add_int(&s->object, alg);
    ndc_cbor_add_text(&s->object, NDC_STR("sig"));
    ndc_cbor_add_bytes(&s->object, ndc_buf_str(&s->sig));
    ndc_cbor_add_text(&s->object, NDC_STR("authData"));
    ndc_cbor_add_bytes(&s->object, ndc_buf_str(&s->auth));
}

static void drop(struct signed_one *s)
{
    struct ndc_buf *all[] = {&s->client, &s->auth,   &s->sig,
                             &s->key,    &s->object, &s->message};
    for (size_t i = 0; i < NDC_ARRAY_LEN(all); i++)
        ndc_buf_free(all[i]);
    soft_free(&s->device);
}

static void check_assertion(struct signed_one *s)
{
    struct ndc_webauthn_asserted got;
    struct ndc_webauthn_credential stored = {.public_key = ndc_buf_str(&s->key)};
    NDC_ASSERT(ndc_webauthn_assert(&got, &rp, &stored, challenge, true,
                                   ndc_buf_str(&s->client), ndc_buf_str(&s->auth),
                                   ndc_buf_str(&s->sig), NULL) == NDC_OK);
}

static void check_registration(struct signed_one *s)
{
    struct ndc_webauthn_registered made;
    struct ndc_arena arena;
    ndc_arena_init(&arena, BYTES_MAX);
    NDC_ASSERT(ndc_webauthn_register(&made, &arena, &rp, challenge, true,
                                     ndc_buf_str(&s->client), ndc_buf_str(&s->object),
                                     NULL, 0, NULL) == NDC_OK);
    ndc_arena_free(&arena);
}

/* OpenSSL as such, with a context that is kept: what no check can be faster than. */
static void check_signature(struct signed_one *s)
{
    static EVP_MD_CTX *ctx;
    if (!ctx) ctx = EVP_MD_CTX_new();
    EVP_MD_CTX_reset(ctx);
    NDC_ASSERT(EVP_DigestVerifyInit(ctx, NULL,
                                    s->device.alg == NDC_COSE_EDDSA ? NULL : EVP_sha256(),
                                    NULL, s->device.key) == 1 &&
               EVP_DigestVerify(ctx, (unsigned char *)s->sig.ptr, s->sig.len,
                                (unsigned char *)s->message.ptr, s->message.len) == 1);
}

static void check_code(struct signed_one *s)
{
    int64_t step;
    (void)s;
    const struct ndc_totp totp = {0};
    /* RFC 4226's sixth code, found in the last of three steps. */
    NDC_ASSERT(ndc_totp_check(&step, &totp, NDC_STR("12345678901234567890"), 150, 4,
                              NDC_STR("254676")));
}

static void measure(const char *what, const char *alg, void (*one)(struct signed_one *),
                    struct signed_one *s, double seconds)
{
    int64_t start = ndc_clock_mono_ns(), end = start + (int64_t)(seconds * 1e9), now;
    uint64_t n = 0;
    do {
        for (int i = 0; i < AT_ONCE; i++)
            one(s);
        n += AT_ONCE;
        now = ndc_clock_mono_ns();
    } while (now < end);
    printf("%s%s_per_s %.0f checks/s\n", what, alg,
           (double)n * 1e9 / (double)(now - start));
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static const struct {
        int32_t alg;
        const char *name;
    } algs[] = {
        {NDC_COSE_ES256, "es256"}, {NDC_COSE_EDDSA, "eddsa"}, {NDC_COSE_RS256, "rs256"}};
    double seconds = 2;
    if (argc > 1 && (!ndc_str_to_f64(ndc_str(argv[1]), &seconds) || seconds <= 0)) {
        fprintf(stderr, "usage: webauthn_bench [SECONDS_EACH]\n");
        return 2;
    }
    for (size_t i = 0; i < NDC_ARRAY_LEN(algs); i++) {
        struct signed_one get, create;
        make(&get, algs[i].alg, false);
        make(&create, algs[i].alg, true);
        measure("webauthn_assert_", algs[i].name, check_assertion, &get, seconds);
        measure("webauthn_register_", algs[i].name, check_registration, &create, seconds);
        measure("openssl_verify_", algs[i].name, check_signature, &get, seconds);
        drop(&get);
        drop(&create);
    }
    measure("totp_check", "", check_code, NULL, seconds);
    return 0;
}

/* Any bytes in place of each thing that a browser sends: client data, attestation object,
 * authenticator data, and what is inside attestations. What is taken points into what was
 * given, no signature of nobody is believed, and a refusal says why. */
#include "platforms/eid/webauthn/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const char client[] =
    "{\"type\":\"webauthn.create\",\"challenge\":\"MDEyMzQ1Njc4OWFiY2RlZg\","
    "\"origin\":\"https://example.org\",\"crossOrigin\":false}";
static const struct ndc_str origin = {"https://example.org", 19};
static const int32_t algorithms[] = {NDC_COSE_ES256, NDC_COSE_ES384, NDC_COSE_ES512,
                                     NDC_COSE_RS256, NDC_COSE_EDDSA, NDC_COSE_ED448};
static const struct ndc_webauthn_rp rp = {.id = {"example.org", 11},
                                          .origins = &origin,
                                          .n_origins = 1,
                                          .algorithms = algorithms,
                                          .n_algorithms = NDC_ARRAY_LEN(algorithms)};
#define CHALLENGE NDC_STR("0123456789abcdef")

static bool within(struct ndc_str s, struct ndc_str in)
{
    return s.len == 0 || (s.ptr >= in.ptr && s.ptr + s.len <= in.ptr + in.len);
}

static void as_attestation_object(struct ndc_str in)
{
    struct ndc_webauthn_registered made;
    struct ndc_fault fault = {0};
    struct ndc_arena arena;
    ndc_arena_init(&arena, 1 << 16);
    enum ndc_err err = ndc_webauthn_register(&made, &arena, &rp, CHALLENGE, false,
                                             ndc_str(client), in, NULL, 0, &fault);
    NDC_ASSERT(!err == !fault.code[0]);
    if (!err) {
        NDC_ASSERT(within(made.credential_id, in) && within(made.public_key, in) &&
                   within(made.extensions, in) && within(made.format, in));
        NDC_ASSERT(made.credential_id.len &&
                   made.credential_id.len <= NDC_WEBAUTHN_ID_MAX);
        NDC_ASSERT(made.trust < NDC_WEBAUTHN_ANCHORED); /* there are no anchors */
        NDC_ASSERT(made.backup_eligible || !made.backed_up);
    }
    ndc_arena_free(&arena);
}

static void as_auth_data(struct ndc_str in)
{
    struct ndc_webauthn_auth auth;
    struct ndc_fault fault = {0};
    if (ndc_webauthn_auth_read(&auth, in, &fault) == NDC_OK) {
        size_t sum = WEBAUTHN_AUTH_DATA_MIN + auth.extensions.len;
        if (auth.flags & WEBAUTHN_AT)
            sum += NDC_WEBAUTHN_AAGUID_BYTES + 2 + auth.credential_id.len +
                   auth.key.bytes.len;
        NDC_ASSERT(sum == in.len); /* to the last byte */
    }
    ndc_cose_key_free(&auth.key);
}

static void as_client_data(struct ndc_str in)
{
    uint8_t hash[WEBAUTHN_HASH_BYTES];
    struct ndc_fault fault = {0};
    struct ndc_webauthn_ceremony c = {
        .rp = &rp, .challenge = CHALLENGE, .create = true, .fault = &fault};
    if (ndc_webauthn_client(hash, &c, in) == NDC_OK)
        NDC_ASSERT(in.len >=
                   22 + origin.len); /* the challenge and the origin are in it */
}

/* With a key whose signature these bytes are not. */
static void as_assertion(struct ndc_str in)
{
    struct ndc_webauthn_asserted got;
    struct ndc_fault fault = {0};
    const struct ndc_webauthn_credential stored = {.public_key = in};
    size_t cut = in.len / 2;
    static const char get[] =
        "{\"type\":\"webauthn.get\",\"challenge\":\"MDEyMzQ1Njc4OWFiY2RlZg\","
        "\"origin\":\"https://example.org\"}";
    enum ndc_err err =
        ndc_webauthn_assert(&got, &rp, &stored, CHALLENGE, false, ndc_str(get),
                            ndc_str_n(in.ptr, cut), ndc_str_from(in, cut), &fault);
    NDC_ASSERT(err && fault.code[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct ndc_str in = ndc_str_n((const char *)bytes, len);
    struct ndc_tpm_public public;
    struct ndc_tpm_attest attest;
    struct ndc_android_key key;
    as_attestation_object(in);
    as_auth_data(in);
    as_client_data(in);
    as_assertion(in);
    if (ndc_tpm_public_read(&public, in))
        NDC_ASSERT(within(public.modulus, in) && within(public.x, in) &&
                   within(public.y, in));
    if (ndc_tpm_attest_read(&attest, in))
        NDC_ASSERT(within(attest.extra_data, in) && within(attest.name, in));
    if (ndc_android_key_read(&key, in)) NDC_ASSERT(within(key.challenge, in));
    return 0;
}

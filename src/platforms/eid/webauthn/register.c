/* 7.1, Registering a New Credential. */
#include "platforms/eid/webauthn/internal.h"

#include "crypto/cbor.h"

const char *ndc_webauthn_trust_name(enum ndc_webauthn_trust trust)
{
    static const char *const names[] = {"none", "self", "basic", "anchored"};
    return names[trust];
}

unsigned ndc_webauthn_transport(struct ndc_str name)
{
    static const struct {
        const char *name;
        unsigned bit;
    } known[] = {{"usb", NDC_WEBAUTHN_USB},       {"nfc", NDC_WEBAUTHN_NFC},
                 {"ble", NDC_WEBAUTHN_BLE},       {"smart-card", NDC_WEBAUTHN_SMART_CARD},
                 {"hybrid", NDC_WEBAUTHN_HYBRID}, {"internal", NDC_WEBAUTHN_INTERNAL}};
    for (size_t i = 0; i < NDC_ARRAY_LEN(known); i++)
        if (ndc_str_eq_c(name, known[i].name)) return known[i].bit;
    return 0;
}

struct object {
    struct ndc_str format, statement, auth_data;
};

static enum ndc_err bad_object(struct ndc_fault *fault, const char *why)
{
    return ndc_fail(fault, NDC_EINPUT, "webauthn.attestation_object",
                    "the attestation object is refused: %s", why);
}

/* {"fmt": text, "attStmt": map or array, "authData": bytes}, in CTAP2's form (2.4:
 * decoders refuse another), which leaves no member twice. */
static enum ndc_err read_object(struct object *out, struct ndc_str in,
                                struct ndc_fault *fault)
{
    size_t len;
    uint64_t pairs;
    if (in.len > NDC_WEBAUTHN_ATTESTATION_MAX) return bad_object(fault, "it is too long");
    enum ndc_cbor_fault why = ndc_cbor_check(&len, in, NDC_CBOR_CTAP2);
    if (why) return bad_object(fault, ndc_cbor_fault_text(why));
    if (len != in.len) return bad_object(fault, "it goes on after its end");
    if (!ndc_cbor_map(&pairs, &in)) return bad_object(fault, "it is no map");
    for (uint64_t i = 0; i < pairs; i++) {
        struct ndc_str name;
        bool good;
        if (!ndc_cbor_text(&name, &in)) return bad_object(fault, "a key is no text");
        if (ndc_str_eq_c(name, "fmt"))
            good = ndc_cbor_text(&out->format, &in);
        else if (ndc_str_eq_c(name, "authData"))
            good = ndc_cbor_bytes(&out->auth_data, &in);
        else if (ndc_str_eq_c(name, "attStmt"))
            good = ndc_cbor_whole(&out->statement, &in);
        else
            return bad_object(fault, "it has a member that is none of three");
        if (!good)
            return bad_object(fault, "a member is of another kind than it has to be");
    }
    if (pairs != 3)
        return bad_object(fault, "fmt, attStmt and authData are not all there");
    return NDC_OK;
}

static bool was_asked_for(const struct ndc_webauthn_rp *rp, int32_t alg)
{
    static const int32_t usual[] = {NDC_COSE_ES256, NDC_COSE_EDDSA, NDC_COSE_RS256};
    const int32_t *list = rp->n_algorithms ? rp->algorithms : usual;
    size_t n = rp->n_algorithms ? rp->n_algorithms : NDC_ARRAY_LEN(usual);
    for (size_t i = 0; i < n; i++)
        if (list[i] == alg) return true;
    return false;
}

static enum ndc_err check_trust(const struct ndc_webauthn_attest *a,
                                enum ndc_webauthn_trust trust)
{
    if (trust >= a->rp->trust_min) return NDC_OK;
    return ndc_fail(a->fault, NDC_EINPUT, "webauthn.trust",
                    "the attestation reaches \"%s\", and \"%s\" is asked for%s%s",
                    ndc_webauthn_trust_name(trust),
                    ndc_webauthn_trust_name(a->rp->trust_min),
                    a->chain.message[0] ? ": " : "", a->chain.message);
}

static void fill(struct ndc_webauthn_registered *out,
                 const struct ndc_webauthn_auth *auth, struct ndc_str format,
                 enum ndc_webauthn_trust trust)
{
    *out = (struct ndc_webauthn_registered){
        .credential_id = auth->credential_id,
        .public_key = auth->key.bytes,
        .algorithm = auth->key.alg,
        .counter = auth->counter,
        .user_present = auth->flags & WEBAUTHN_UP,
        .user_verified = auth->flags & WEBAUTHN_UV,
        .backup_eligible = auth->flags & WEBAUTHN_BE,
        .backed_up = auth->flags & WEBAUTHN_BS,
        .format = format,
        .trust = trust,
        .extensions = auth->extensions,
    };
    memcpy(out->aaguid, auth->aaguid.ptr, sizeof(out->aaguid));
}

static enum ndc_err attest(struct ndc_webauthn_registered *out,
                           struct ndc_webauthn_attest *a, const struct object *object,
                           struct ndc_arena *arena)
{
    enum ndc_webauthn_trust trust = NDC_WEBAUTHN_NONE;
    char *both = ndc_arena_alloc(arena, a->auth->whole.len + a->hash.len);
    if (!both || arena->overflow)
        return ndc_fail(a->fault, NDC_ETOOBIG, "webauthn.auth_data",
                        "there is no room for the authenticator data");
    memcpy(both, a->auth->whole.ptr, a->auth->whole.len);
    memcpy(both + a->auth->whole.len, a->hash.ptr, a->hash.len);
    a->to_be_signed = ndc_str_n(both, a->auth->whole.len + a->hash.len);
    NDC_TRY(ndc_webauthn_attestation(&trust, a, object->format, object->statement));
    NDC_TRY(check_trust(a, trust));
    fill(out, a->auth, object->format, trust);
    return NDC_OK;
}

enum ndc_err ndc_webauthn_register(
    struct ndc_webauthn_registered *out, struct ndc_arena *arena,
    const struct ndc_webauthn_rp *rp, struct ndc_str challenge, bool uv_required,
    struct ndc_str client_data, struct ndc_str attestation_object,
    const struct ndc_anchors *anchors, int64_t now_s, struct ndc_fault *fault)
{
    uint8_t hash[WEBAUTHN_HASH_BYTES];
    struct object object = {0};
    struct ndc_webauthn_auth auth = {0};
    const struct ndc_webauthn_ceremony c = {.rp = rp,
                                            .challenge = challenge,
                                            .create = true,
                                            .uv_required = uv_required,
                                            .fault = fault};
    *out = (struct ndc_webauthn_registered){0};
    NDC_TRY(ndc_webauthn_client(hash, &c, client_data));
    NDC_TRY(read_object(&object, attestation_object, fault));
    enum ndc_err err = ndc_webauthn_auth_read(&auth, object.auth_data, fault);
    if (!err && !(auth.flags & WEBAUTHN_AT))
        err = ndc_fail(fault, NDC_EINPUT, "webauthn.auth_data",
                       "the authenticator data has no credential in it");
    if (!err) err = ndc_webauthn_auth_check(&auth, &c);
    if (!err && !was_asked_for(rp, auth.key.alg))
        err = ndc_fail(fault, NDC_EINPUT, "webauthn.algorithm",
                       "the credential's algorithm, %s, was not asked for",
                       ndc_cose_alg_name(auth.key.alg));
    struct ndc_webauthn_attest a = {.rp = rp,
                                    .auth = &auth,
                                    .hash = ndc_str_n((char *)hash, sizeof(hash)),
                                    .anchors = anchors,
                                    .now_s = now_s,
                                    .fault = fault};
    if (!err) err = attest(out, &a, &object, arena);
    ndc_cose_key_free(&auth.key);
    return err;
}

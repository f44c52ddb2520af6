/* Authenticator data: 37 bytes and what the flags announce, to the last byte. */
#include "platforms/eid/webauthn/internal.h"

#include "crypto/cbor.h"
#include "crypto/digest.h"

enum { FLAGS_AT = 32, COUNTER_AT = 33, ID_LENGTH_BYTES = 2 };

static enum ndc_err bad(struct ndc_fault *fault, const char *what)
{
    return ndc_fail(fault, NDC_EINPUT, "webauthn.auth_data", "the authenticator data %s",
                    what);
}

static struct ndc_str take(struct ndc_str *in, size_t n)
{
    struct ndc_str part = ndc_str_n(in->ptr, n);
    *in = ndc_str_n(in->ptr + n, in->len - n);
    return part;
}

/* The key's faults are COSE's; a person asks which step of WebAuthn it was. */
static enum ndc_err read_key(struct ndc_cose_key *key, struct ndc_str in,
                             struct ndc_fault *fault)
{
    struct ndc_fault why = {0};
    if (ndc_cose_key_read(key, in, NDC_COSE_WEBAUTHN, &why) == NDC_OK) return NDC_OK;
    bool other = strcmp(why.code, "cose.algorithm") == 0;
    return ndc_fail_at(fault, NDC_EINPUT, other ? "webauthn.algorithm" : "webauthn.key",
                       "credentialPublicKey", 0, "%s", why.message);
}

static enum ndc_err read_credential(struct ndc_webauthn_auth *out, struct ndc_str *in,
                                    struct ndc_fault *fault)
{
    if (in->len < NDC_WEBAUTHN_AAGUID_BYTES + ID_LENGTH_BYTES)
        return bad(fault, "ends inside the credential");
    out->aaguid = take(in, NDC_WEBAUTHN_AAGUID_BYTES);
    struct ndc_str length = take(in, ID_LENGTH_BYTES);
    size_t n = (size_t)(unsigned char)length.ptr[0] << 8 | (unsigned char)length.ptr[1];
    if (n == 0 || n > NDC_WEBAUTHN_ID_MAX)
        return ndc_fail(fault, NDC_EINPUT, "webauthn.credential_id",
                        "a credential's id has 1 to %d bytes, not %zu",
                        NDC_WEBAUTHN_ID_MAX, n);
    if (n > in->len) return bad(fault, "ends inside the credential's id");
    out->credential_id = take(in, n);
    NDC_TRY(read_key(&out->key, *in, fault));
    take(in, out->key.bytes.len);
    return NDC_OK;
}

static enum ndc_err read_extensions(struct ndc_webauthn_auth *out, struct ndc_str *in,
                                    struct ndc_fault *fault)
{
    size_t len;
    uint64_t pairs;
    struct ndc_str map = *in;
    enum ndc_cbor_fault why = ndc_cbor_check(&len, *in, NDC_CBOR_CTAP2);
    if (why)
        return ndc_fail_at(fault, NDC_EINPUT, "webauthn.auth_data", "extensions", 0,
                           "the authenticator's extensions are refused: %s",
                           ndc_cbor_fault_text(why));
    if (!ndc_cbor_map(&pairs, &map)) return bad(fault, "has extensions that are no map");
    out->extensions = take(in, len);
    return NDC_OK;
}

enum ndc_err ndc_webauthn_auth_read(struct ndc_webauthn_auth *out, struct ndc_str bytes,
                                    struct ndc_fault *fault)
{
    *out = (struct ndc_webauthn_auth){.whole = bytes};
    if (bytes.len < WEBAUTHN_AUTH_DATA_MIN) return bad(fault, "has fewer than 37 bytes");
    if (bytes.len > NDC_WEBAUTHN_AUTH_DATA_MAX) return bad(fault, "is too long");
    const unsigned char *b = (const unsigned char *)bytes.ptr;
    out->rp_id_hash = ndc_str_n(bytes.ptr, WEBAUTHN_HASH_BYTES);
    out->flags = b[FLAGS_AT];
    out->counter = (uint32_t)b[COUNTER_AT] << 24 | (uint32_t)b[COUNTER_AT + 1] << 16 |
                   (uint32_t)b[COUNTER_AT + 2] << 8 | b[COUNTER_AT + 3];
    struct ndc_str rest =
        ndc_str_n(bytes.ptr + WEBAUTHN_AUTH_DATA_MIN, bytes.len - WEBAUTHN_AUTH_DATA_MIN);
    if (out->flags & WEBAUTHN_AT) NDC_TRY(read_credential(out, &rest, fault));
    if (out->flags & WEBAUTHN_ED) NDC_TRY(read_extensions(out, &rest, fault));
    if (rest.len) return bad(fault, "goes on after its end");
    return NDC_OK;
}

enum ndc_err ndc_webauthn_auth_check(const struct ndc_webauthn_auth *auth,
                                     const struct ndc_webauthn_ceremony *c)
{
    uint8_t hash[NDC_SHA256_BYTES];
    ndc_sha256(hash, c->rp->id);
    if (memcmp(auth->rp_id_hash.ptr, hash, sizeof(hash)) != 0)
        return ndc_webauthn_refuse(c, "webauthn.rp_id",
                                   "the credential belongs to another site than %.*s",
                                   NDC_STR_FMT(c->rp->id));
    bool untouched = c->create && c->rp->conditional;
    if (!(auth->flags & WEBAUTHN_UP) && !untouched)
        return ndc_webauthn_refuse(c, "webauthn.user_presence",
                                   "the authenticator did not see anybody touch it");
    if (c->uv_required && !(auth->flags & WEBAUTHN_UV))
        return ndc_webauthn_refuse(c, "webauthn.user_verification",
                                   "the authenticator did not verify who used it (PIN, "
                                   "fingerprint or face)");
    if (auth->flags & WEBAUTHN_BS && !(auth->flags & WEBAUTHN_BE))
        return ndc_webauthn_refuse(c, "webauthn.backup",
                                   "the credential says it is backed up and cannot be");
    return NDC_OK;
}

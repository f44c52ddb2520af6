/* WebAuthn Level 3 (W3C): what a relying party checks when a passkey is registered (7.1)
 * and when one signs in (7.2). Pure: no database, no HTTP, no clock. What needs the state
 * of the one who asks stays with him:
 *   - a challenge is random, for one ceremony of one session, and is used up by it;
 *   - 7.1: the credential's id is not registered yet, for anybody;
 *   - 7.2 steps 5 and 6: the id was asked for and is one of this person's, and the user
 *     handle, if there is one, is this person's;
 *   - 7.2 last steps: the new counter and backup state are written.
 * What points, points into the bytes that were given. Hashes are over those bytes too. */
#ifndef NDC_EID_WEBAUTHN_H
#define NDC_EID_WEBAUTHN_H

#include "base/arena.h"
#include "crypto/certs.h"

enum {
    NDC_WEBAUTHN_CHALLENGE_MIN = 16, /* 13.4.3 */
    NDC_WEBAUTHN_CHALLENGE_MAX = 128,
    NDC_WEBAUTHN_ID_MAX = 1023,
    NDC_WEBAUTHN_AAGUID_BYTES = 16,
    NDC_WEBAUTHN_CLIENT_DATA_MAX = 16 << 10,
    NDC_WEBAUTHN_AUTH_DATA_MAX = 8 << 10,
    NDC_WEBAUTHN_ATTESTATION_MAX = 128 << 10
};

/* How far an attestation reaches, the least first. */
enum ndc_webauthn_trust {
    NDC_WEBAUTHN_NONE,    /* nothing attested */
    NDC_WEBAUTHN_SELF,    /* the credential's own key signed */
    NDC_WEBAUTHN_BASIC,   /* a certificate's key signed; nobody we trust vouches for it */
    NDC_WEBAUTHN_ANCHORED /* and its chain ends in one of the caller's anchors */
};
const char *ndc_webauthn_trust_name(enum ndc_webauthn_trust trust);

/* The relying party, and what it asks of a ceremony. */
struct ndc_webauthn_rp {
    struct ndc_str id;             /* "dinhdanh.example" */
    const struct ndc_str *origins; /* "https://…", or an app's; compared byte by byte */
    size_t n_origins;
    /* Pages of other origins that may frame ours; none: being framed is refused. */
    const struct ndc_str *top_origins;
    size_t n_top_origins;
    /* COSE algorithms that were asked for; none: ES256, EdDSA, RS256. */
    const int32_t *algorithms;
    size_t n_algorithms;
    enum ndc_webauthn_trust trust_min; /* less is refused at registration */
    bool conditional; /* created with mediation "conditional": no touch */
    bool tee_only;    /* android-key: only what the trusted environment enforces counts */
};

struct ndc_webauthn_registered {
    struct ndc_str credential_id; /* 1 to 1023 bytes */
    struct ndc_str public_key;    /* COSE_Key as it came: keep it so */
    int32_t algorithm;
    uint8_t aaguid[NDC_WEBAUTHN_AAGUID_BYTES];
    uint32_t counter;
    bool user_present, user_verified, backup_eligible, backed_up;
    struct ndc_str format; /* "packed" */
    enum ndc_webauthn_trust trust;
    struct ndc_str extensions; /* CBOR map of the authenticator's outputs; empty: none */
};

/* Fault codes, after the step that failed; `field` says which part of it:
 *   webauthn.challenge, .client_data, .type, .origin, .cross_origin, .attestation_object,
 *   .auth_data, .rp_id, .user_presence, .user_verification, .backup, .algorithm, .key,
 *   .credential_id, .format, .attestation, .trust, .signature, .counter
 * NDC_EINPUT all, but NDC_EAUTH where an assertion was well formed and is not believed.
 * `anchors` may be NULL; `now_s`: Unix seconds, for certificates. */
enum ndc_err ndc_webauthn_register(struct ndc_webauthn_registered *out,
                                   struct ndc_arena *arena,
                                   const struct ndc_webauthn_rp *rp,
                                   struct ndc_str challenge, bool uv_required,
                                   struct ndc_str client_data,
                                   struct ndc_str attestation_object,
                                   const struct ndc_anchors *anchors, int64_t now_s,
                                   struct ndc_fault *fault) NDC_MUST_USE;

/* Of what was stored at registration. */
struct ndc_webauthn_credential {
    struct ndc_str public_key;
    uint32_t counter;
    bool backup_eligible;
};

struct ndc_webauthn_asserted {
    uint32_t counter; /* to be stored */
    bool user_verified, backed_up;
    struct ndc_str extensions;
};

/* A counter that did not grow is refused (webauthn.counter): the only sign of a copied
 * authenticator there is. Authenticators without one leave it at 0, which is fine. */
enum ndc_err ndc_webauthn_assert(
    struct ndc_webauthn_asserted *out, const struct ndc_webauthn_rp *rp,
    const struct ndc_webauthn_credential *stored, struct ndc_str challenge,
    bool uv_required, struct ndc_str client_data, struct ndc_str authenticator_data,
    struct ndc_str signature, struct ndc_fault *fault) NDC_MUST_USE;

/* How a credential's authenticator is reached, as the browser says it (getTransports):
 * not signed, a hint for the next sign-in. The bit of one name; 0: not known. */
enum {
    NDC_WEBAUTHN_USB = 1,
    NDC_WEBAUTHN_NFC = 2,
    NDC_WEBAUTHN_BLE = 4,
    NDC_WEBAUTHN_SMART_CARD = 8,
    NDC_WEBAUTHN_HYBRID = 16,
    NDC_WEBAUTHN_INTERNAL = 32
};
unsigned ndc_webauthn_transport(struct ndc_str name);

#endif

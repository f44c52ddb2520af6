/* The parts of a ceremony, for the files of webauthn/ and their fuzz target. */
#ifndef NDC_EID_WEBAUTHN_INTERNAL_H
#define NDC_EID_WEBAUTHN_INTERNAL_H

#include "platforms/eid/webauthn/webauthn.h"

enum { WEBAUTHN_HASH_BYTES = 32, WEBAUTHN_AUTH_DATA_MIN = 37 };

/* Bits of the authenticator data's flags (6.1). */
enum {
    WEBAUTHN_UP = 1,
    WEBAUTHN_UV = 4,
    WEBAUTHN_BE = 8,
    WEBAUTHN_BS = 16,
    WEBAUTHN_AT = 64,
    WEBAUTHN_ED = 128
};

/* One run of 7.1 or 7.2. */
struct ndc_webauthn_ceremony {
    const struct ndc_webauthn_rp *rp;
    struct ndc_str challenge;
    bool create, uv_required;
    struct ndc_fault *fault;
};

/* `code` and what was expected: NDC_EINPUT at a registration, else NDC_EAUTH. */
enum ndc_err ndc_webauthn_refuse(const struct ndc_webauthn_ceremony *c, const char *code,
                                 const char *format, ...) NDC_PRINTF(3, 4);

/* The client data, and its hash (5.8.1, 7.1 steps 5 to 12). */
enum ndc_err ndc_webauthn_client(uint8_t hash[static WEBAUTHN_HASH_BYTES],
                                 const struct ndc_webauthn_ceremony *c,
                                 struct ndc_str client_data) NDC_MUST_USE;

/* Authenticator data (6.1) taken apart. */
struct ndc_webauthn_auth {
    struct ndc_str whole, rp_id_hash;
    uint8_t flags;
    uint32_t counter;
    struct ndc_str aaguid, credential_id; /* with WEBAUTHN_AT */
    struct ndc_cose_key key;              /* end it, after a failure too */
    struct ndc_str extensions;            /* with WEBAUTHN_ED */
};

enum ndc_err ndc_webauthn_auth_read(struct ndc_webauthn_auth *out, struct ndc_str bytes,
                                    struct ndc_fault *fault) NDC_MUST_USE;
/* The relying party, presence, verification and backup flags. */
enum ndc_err ndc_webauthn_auth_check(const struct ndc_webauthn_auth *auth,
                                     const struct ndc_webauthn_ceremony *c) NDC_MUST_USE;

/* What every attestation statement is checked with. */
struct ndc_webauthn_attest {
    const struct ndc_webauthn_rp *rp;
    const struct ndc_webauthn_auth *auth;
    struct ndc_str hash;               /* of the client data */
    struct ndc_str to_be_signed;       /* authenticator data and that hash */
    const struct ndc_anchors *anchors; /* NULL: none */
    int64_t now_s;
    struct ndc_fault *fault;
    struct ndc_fault chain; /* why no anchor was reached */
};

enum { WEBAUTHN_CHAIN_MAX = NDC_CERTS_MAX };

/* The members that statements have, of all formats. */
struct ndc_webauthn_statement {
    bool has_alg, has_x5c;
    int64_t alg;
    struct ndc_str sig, ver, cert_info, pub_area; /* NULL pointer: not there */
    struct ndc_str x5c[WEBAUTHN_CHAIN_MAX];
    size_t n_x5c;
};

/* "webauthn.attestation" with the format in `field`. */
enum ndc_err ndc_webauthn_unproven(const struct ndc_webauthn_attest *a,
                                   const char *format, const char *why);
/* Dispatch by format, "compound" too. */
enum ndc_err ndc_webauthn_attestation(enum ndc_webauthn_trust *trust,
                                      struct ndc_webauthn_attest *a,
                                      struct ndc_str format,
                                      struct ndc_str statement) NDC_MUST_USE;
/* Whether the aaguid in the certificate, if there is one, is the authenticator data's. */
bool ndc_webauthn_aaguid_fits(const struct ndc_webauthn_attest *a,
                              const struct ndc_certs *certs);

typedef enum ndc_err ndc_webauthn_format(struct ndc_webauthn_attest *a,
                                         const struct ndc_webauthn_statement *s,
                                         const struct ndc_certs *certs);
ndc_webauthn_format ndc_webauthn_packed, ndc_webauthn_u2f, ndc_webauthn_apple,
    ndc_webauthn_tpm, ndc_webauthn_android_key;

/* TPM 2.0, part 2: what is needed of TPMT_PUBLIC (12.2.4) and TPMS_ATTEST (10.12.8). */
struct ndc_tpm_public {
    uint16_t type, name_alg, curve;
    uint32_t exponent;
    struct ndc_str modulus, x, y;
};
struct ndc_tpm_attest {
    uint32_t magic;
    uint16_t type;
    struct ndc_str extra_data, name;
};
bool ndc_tpm_public_read(struct ndc_tpm_public *out, struct ndc_str bytes) NDC_MUST_USE;
bool ndc_tpm_attest_read(struct ndc_tpm_attest *out, struct ndc_str bytes) NDC_MUST_USE;

/* One of the two authorisation lists in Android's key description, and the description.
 */
struct ndc_android_list {
    bool all_applications, has_origin, has_purpose;
    bool generated, only_signs; /* what origin and purpose say */
};
struct ndc_android_key {
    struct ndc_str challenge;
    struct ndc_android_list software, tee;
};
bool ndc_android_key_read(struct ndc_android_key *out, struct ndc_str der) NDC_MUST_USE;

#endif

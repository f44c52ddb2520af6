/* TOTP secrets and recovery codes as accounts keep them. */
#ifndef NDC_EID_CODES_H
#define NDC_EID_CODES_H

#include "platforms/eid/accounts.h"

enum { EID_RECOVERY_CODES = 10 };

struct eid_totp_made {
    struct ndc_str secret; /* Base32, to be typed */
    struct ndc_str uri;    /* otpauth://, to be scanned */
    struct ndc_str sealed; /* to be kept */
};
enum ndc_err eid_totp_make(struct ndc_eid *eid, struct ndc_arena *arena,
                           const struct eid_account *account, struct eid_totp_made *out,
                           struct ndc_fault *fault) NDC_MUST_USE;

struct eid_codes_made {
    struct ndc_str codes[EID_RECOVERY_CODES];
    size_t n;
    struct ndc_str hashes; /* to be kept: space-separated */
};
void eid_codes_make(struct ndc_arena *arena, size_t n, struct eid_codes_made *out);
/* {"codes":[…]} */
void eid_codes_write(struct ndc_json *j, const struct eid_codes_made *made);

#endif

/* Demonstrating proof of possession (RFC 9449). */
#ifndef NDC_EID_DPOP_H
#define NDC_EID_DPOP_H

#include "crypto/jwk.h"
#include "platforms/eid/eid.h"

enum { EID_DPOP_AGE_S = 300, EID_CLOCK_SKEW_S = 10 };

/* Checks the request's DPoP header: its key, method, address, time, that it was not seen
 * before, and `access` (if not empty) whose hash it must hold. *jkt is the key's
 * thumbprint, in the arena; a NULL pointer without a header. Fault: invalid_dpop_proof.
 */
enum ndc_err eid_dpop(struct ndc_request *req, struct ndc_str access, struct ndc_str *jkt,
                      struct ndc_fault *fault) NDC_MUST_USE;

#endif

/* Claims about an account (OpenID Core, 5): which a scope or the claims parameter asks
 * for, and their values. */
#ifndef NDC_EID_CLAIMS_H
#define NDC_EID_CLAIMS_H

#include "platforms/eid/provider/grant.h"

/* Every scope and claim that is offered, for discovery: as JSON arrays' members. */
void eid_scopes_write(struct ndc_json *j);
void eid_claims_write_names(struct ndc_json *j);

/* Members of an open object: what is asked for in userinfo; in the ID token (only what
 * the claims parameter asks for there). */
enum ndc_err eid_claims_for_userinfo(struct ndc_eid *eid, struct ndc_json *j,
                                     const struct eid_given *given,
                                     struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err eid_claims_for_id(struct ndc_eid *eid, struct ndc_json *j,
                               const struct eid_given *given,
                               struct ndc_fault *fault) NDC_MUST_USE;

/* The names that the claims parameter asks for, space-separated, in the arena; checks its
 * shape. Fault: invalid_request. `acr`: the values it insists on for acr (essential), or
 * empty. */
enum ndc_err eid_claims_parameter(struct ndc_arena *arena, struct ndc_str json,
                                  struct ndc_str *names, struct ndc_str *acr,
                                  struct ndc_fault *fault) NDC_MUST_USE;

#endif

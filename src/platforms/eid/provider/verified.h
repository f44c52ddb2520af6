/* Verified claims (OpenID Identity Assurance 1.0): what the registry's golden record says
 * of a person or organisation, through policy, each with the database that it is from.
 * They are given at userinfo only, where each delivery is in the audit log. */
#ifndef NDC_EID_VERIFIED_H
#define NDC_EID_VERIFIED_H

#include "core/request.h"
#include "platforms/eid/provider/client.h"
#include "platforms/eid/provider/grant.h"

#define EID_TRUST_FRAMEWORK "vn_ndc"

/* Appends the names of claims that a `verified_claims` member (an object, or a list of
 * them) asks for and that can be given, each once, space-separated. Fault:
 * invalid_request (its shape). */
enum ndc_err eid_verified_names(struct ndc_buf *names, struct json_object *asked,
                                struct ndc_fault *fault) NDC_MUST_USE;
/* Members of an open object: "verified_claims", if `given` asks for some, policy lets
 * them out and the registry has them. What is not to be had is left out (6.3). */
enum ndc_err eid_verified_write(struct ndc_request *req, struct ndc_json *j,
                                const struct eid_client *client,
                                const struct eid_given *given,
                                struct ndc_fault *fault) NDC_MUST_USE;
/* What discovery says of it. */
void eid_verified_discovery(struct ndc_json *j);

#endif

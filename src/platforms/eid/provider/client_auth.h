/* Who a client is that calls the token, PAR, introspection or revocation endpoint. */
#ifndef NDC_EID_CLIENT_AUTH_H
#define NDC_EID_CLIENT_AUTH_H

#include "platforms/eid/provider/client.h"
#include "platforms/eid/provider/params.h"

/* By the one way that the client is registered with: Authorization: Basic, client_secret
 * in the body, client_assertion (RFC 7523), or for public clients client_id alone. Give
 * it back with eid_client_unref. *x5t: thumbprint of the connection's client certificate
 * (base64url, in the arena), or a NULL pointer. Faults: invalid_client, invalid_request.
 */
enum ndc_err eid_client_authenticate(struct ndc_request *req,
                                     const struct eid_params *form,
                                     struct eid_client **out, struct ndc_str *x5t,
                                     struct ndc_fault *fault) NDC_MUST_USE;

#endif

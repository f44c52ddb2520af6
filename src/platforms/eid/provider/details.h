/* Rich authorization requests (RFC 9396): lists of objects with a type each. What they
 * mean is the services' own; here they are carried, shown to the person and bounded. */
#ifndef NDC_EID_DETAILS_H
#define NDC_EID_DETAILS_H

#include "platforms/eid/provider/client.h"

enum { EID_DETAILS_BYTES_MAX = 8192, EID_DETAILS_MAX = 16 };

/* Checks a list's shape and that the client has registered each type. Empty text is
 * fine. Fault: invalid_authorization_details. */
enum ndc_err eid_details_check(const struct eid_client *client, struct ndc_str text,
                               struct ndc_fault *fault) NDC_MUST_USE;
/* What a token request asks for must stand, as it is, in what was granted; none asked
 * for: all of it. *out points to one of the two. Fault: invalid_authorization_details. */
enum ndc_err eid_details_narrow(const struct eid_client *client, struct ndc_str granted,
                                struct ndc_str asked, struct ndc_str *out,
                                struct ndc_fault *fault) NDC_MUST_USE;

#endif

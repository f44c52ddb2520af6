/* The device grant (RFC 8628): a device without a keyboard shows a code, a person enters
 * it in a browser and agrees there. */
#ifndef NDC_EID_DEVICE_H
#define NDC_EID_DEVICE_H

#include "platforms/eid/provider/grant.h"

enum { EID_DEVICE_S = 600, EID_DEVICE_PAUSE_MS = 5000 };

/* A device asks whether the person has agreed: x->code is the device code. Fills x->given
 * and x->grant once. Faults: authorization_pending, slow_down, expired_token,
 * access_denied. */
enum ndc_err eid_device_take(struct ndc_eid *eid, struct eid_exchange *x,
                             struct ndc_fault *fault) NDC_MUST_USE;

#endif

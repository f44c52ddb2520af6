/* Following the registry: death, changed numbers, frozen identities. */
#ifndef NDC_EID_FOLLOW_H
#define NDC_EID_FOLLOW_H

#include "platforms/eid/accounts.h"

/* Takes in what the registry changed since the last time; *more: there may be further
 * changes. Where everything may have changed every account is looked up again. */
enum ndc_err eid_follow(struct ndc_eid *eid, bool *more,
                        struct ndc_fault *fault) NDC_MUST_USE;
/* A thread that does so once a second. */
struct eid_follow *eid_follow_start(struct ndc_eid *eid);
void eid_follow_stop(struct eid_follow *follow); /* NULL is fine */

#endif

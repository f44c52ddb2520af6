/* What clients do and what fails, by day, for who has registered them: counted in memory,
 * written once a second by the provider's thread, kept for 30 days. */
#ifndef NDC_EID_CLIENT_USE_H
#define NDC_EID_CLIENT_USE_H

#include "platforms/eid/eid.h"

struct eid_uses *eid_uses_new(void);
void eid_uses_free(struct eid_uses *uses);

/* The client did `what` (a literal: "authorize", "token", …). `fault` NULL: it went well;
 * else its code and message. The counts of a second are bounded: past that they are
 * dropped, and told of as "dropped". */
void eid_use(struct ndc_eid *eid, struct ndc_str client, const char *what,
             const struct ndc_fault *fault);
/* Writes what was counted since. Nothing is lost when it fails. */
enum ndc_err eid_uses_write(struct ndc_eid *eid, struct ndc_fault *fault) NDC_MUST_USE;

/* Appends {"days":[…]} of a client, newest first. */
enum ndc_err eid_uses_tell(struct ndc_store_conn *conn, struct ndc_json *j,
                           struct ndc_str client, struct ndc_fault *fault) NDC_MUST_USE;

#endif

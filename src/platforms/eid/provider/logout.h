/* Telling clients that a session has ended (OpenID Back-Channel Logout 1.0). Who wants to
 * hear of it stands in eid_logout from the sign-in on, so that whatever ends the session
 * also says so in its own write, and nothing is lost by a crash. */
#ifndef NDC_EID_LOGOUT_H
#define NDC_EID_LOGOUT_H

#include "platforms/eid/eid.h"

struct eid_logouts;

struct eid_logouts *eid_logouts_new(struct ndc_eid *eid);
void eid_logouts_free(struct eid_logouts *logouts); /* NULL is fine */
/* Something may be due: not in a second, now. Any thread; NULL is fine. */
void eid_logouts_wake(struct eid_logouts *logouts);

/* In a write: the client was signed in to in this session. */
enum ndc_err eid_logout_wanted(struct ndc_store_conn *conn, struct ndc_str sid,
                               struct ndc_str client, struct ndc_str account,
                               struct ndc_fault *fault) NDC_MUST_USE;
/* In the write that ends a session: its clients are to be told. */
enum ndc_err eid_logout_due(struct ndc_store_conn *conn, struct ndc_str sid,
                            struct ndc_fault *fault) NDC_MUST_USE;

#endif

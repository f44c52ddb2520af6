/* Making tokens: JWT access tokens (RFC 9068) and ID tokens (OpenID Core, 2). */
#ifndef NDC_EID_MINT_H
#define NDC_EID_MINT_H

#include "platforms/eid/provider/grant.h"

enum { EID_SUB_TEXT = 44 };

/* An account as a client knows it: the same for all, or of its sector alone (pairwise).
 */
void eid_subject(const struct ndc_eid *eid, char out[EID_SUB_TEXT],
                 const struct eid_client *client, struct ndc_str account);

struct eid_mint {
    const struct eid_client *client;
    const struct eid_given *given; /* NULL: client_credentials */
    const char *grant;             /* its number; "" without one */
    int64_t counter;
    struct ndc_str scope, audience; /* audience empty: the issuer */
    struct ndc_str details;         /* authorization_details, JSON; or empty */
    struct ndc_str jkt, x5t;
};

/* Appends an access token. */
enum ndc_err eid_mint_access(struct ndc_eid *eid, struct ndc_buf *out,
                             const struct eid_mint *mint,
                             struct ndc_fault *fault) NDC_MUST_USE;
/* Appends an ID token; `access` is the token that goes with it (at_hash). */
enum ndc_err eid_mint_id(struct ndc_eid *eid, struct ndc_buf *out,
                         const struct eid_mint *mint, struct ndc_str access,
                         struct ndc_fault *fault) NDC_MUST_USE;

#endif

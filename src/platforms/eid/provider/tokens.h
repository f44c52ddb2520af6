/* What the provider remembers in memory: access tokens whose signature was checked, what
 * was revoked before its end, and what may be seen once only (jti of proofs and
 * assertions). Bounded; safe from any thread. */
#ifndef NDC_EID_TOKENS_H
#define NDC_EID_TOKENS_H

#include "platforms/eid/eid.h"

/* An access token as its claims say; texts live in the arena it was read into. */
struct eid_access {
    struct ndc_str jti, grant; /* grant: empty for client_credentials */
    struct ndc_str client, sub, scope, acr, audience;
    struct ndc_str details;  /* authorization_details, JSON; or empty */
    struct ndc_str jkt, x5t; /* what it is bound to; empty: a bearer's */
    int64_t iat_s, exp_s, auth_s;
};

struct eid_tokens *eid_tokens_new(void);
void eid_tokens_free(struct eid_tokens *tokens);

/* Checks a token's signature, issuer and time, and that neither it nor its grant was
 * revoked. Fault: invalid_token, saying which. */
enum ndc_err eid_access_check(struct ndc_eid *eid, struct eid_access *out,
                              struct ndc_arena *arena, struct ndc_str token,
                              struct ndc_fault *fault) NDC_MUST_USE;

/* In a write: what is named (a grant, or a token's jti) is refused from the commit on, in
 * other processes within about a second. eid_revoked_now makes it so in this one. */
enum ndc_err eid_revoke(struct ndc_store_conn *conn, struct ndc_str name,
                        int64_t expires_ms, struct ndc_fault *fault) NDC_MUST_USE;
void eid_revoked_now(struct eid_tokens *tokens, struct ndc_str name, int64_t expires_ms);
/* Takes up what other processes have revoked since; forgets what is over. */
enum ndc_err eid_revoked_refresh(struct ndc_eid *eid,
                                 struct ndc_fault *fault) NDC_MUST_USE;

/* True once for a name until expires_ms; then false. False too while the table is full of
 * names that are not over: who must be told apart from a replay cannot be. */
bool eid_once(struct eid_tokens *tokens, struct ndc_str name,
              int64_t expires_ms) NDC_MUST_USE;
/* Nothing is remembered from before this: what was made earlier may have been seen. */
int64_t eid_once_since_ms(const struct eid_tokens *tokens);

#endif

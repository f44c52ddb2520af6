/* What a client is given for an account: a code, then a grant, whose refresh token counts
 * up. All state is in the database, and each step is one write that looks at the state
 * before it: of two that use a code or a token at once, one succeeds, whatever is killed.
 */
#ifndef NDC_EID_GRANT_H
#define NDC_EID_GRANT_H

#include "platforms/eid/provider/client.h"

enum { EID_GRANT_LEN = 22, EID_CODE_S = 60, EID_ACCESS_S = 300 };

/* What was asked and agreed; kept as JSON with the code and the grant. */
struct eid_given {
    struct ndc_str account, sid, scope, claims, acr, amr, nonce, redirect_uri, challenge;
    struct ndc_str jkt, x5t; /* what the code or the refresh token is bound to */
    struct ndc_str details;  /* authorization_details, JSON */
    int64_t auth_ms;
};

void eid_given_write(struct ndc_buf *out, const struct eid_given *given);
/* Texts live in the arena. */
enum ndc_err eid_given_read(struct eid_given *out, struct ndc_arena *arena,
                            struct ndc_str json, struct ndc_fault *fault) NDC_MUST_USE;

/* Makes a code for the client. */
enum ndc_err eid_code_make(struct ndc_eid *eid, char code[48],
                           const struct eid_client *client, const struct eid_given *given,
                           struct ndc_fault *fault) NDC_MUST_USE;

struct eid_exchange {
    const struct eid_client *client;
    struct ndc_str code, redirect_uri, verifier, jkt, x5t;
    /* the result; texts in the arena */
    struct ndc_arena *arena;
    struct eid_given given;
    char grant[EID_GRANT_LEN + 1];
};

/* Takes a code: once. A second time ends what the first gave. Fault: invalid_grant. */
enum ndc_err eid_code_take(struct ndc_eid *eid, struct eid_exchange *x,
                           struct ndc_fault *fault) NDC_MUST_USE;
/* A grant without a code before it (device, CIBA), for x->given; fills x->grant. In a
 * write. */
enum ndc_err eid_grant_insert(struct ndc_store_conn *conn, struct eid_exchange *x,
                              struct ndc_fault *fault) NDC_MUST_USE;

/* The refresh token of a grant as of `counter`, 0-terminated. */
enum { EID_REFRESH_TEXT = 80 };
void eid_refresh_text(const struct ndc_eid *eid, char out[EID_REFRESH_TEXT],
                      const char *grant, int64_t counter);

struct eid_renewal {
    const struct eid_client *client;
    struct ndc_str token, jkt, x5t;
    struct ndc_str scope, details; /* less than was granted, if it is so wished */
    struct ndc_arena *arena;
    struct eid_given given; /* scope and details: as much as is given now */
    char grant[EID_GRANT_LEN + 1];
    int64_t counter; /* of the token to give now */
};

/* Takes a refresh token: with rotation once; a former one ends the grant. Clients of the
 * FAPI profile keep theirs, which is bound to their key. Who asks for more than was
 * granted keeps the token. Faults: invalid_grant, invalid_scope,
 * invalid_authorization_details. */
enum ndc_err eid_refresh_take(struct ndc_eid *eid, struct eid_renewal *r,
                              struct ndc_fault *fault) NDC_MUST_USE;

/* Whose grant it is; NULL pointers: it is over. */
enum ndc_err eid_grant_read(struct ndc_eid *eid, struct ndc_arena *arena,
                            struct ndc_str grant, struct ndc_str *client,
                            struct eid_given *given,
                            struct ndc_fault *fault) NDC_MUST_USE;

/* Ends a grant, and with it its access tokens. */
enum ndc_err eid_grant_end(struct ndc_eid *eid, struct ndc_str grant,
                           struct ndc_fault *fault) NDC_MUST_USE;
/* The grant that a refresh token of this client is of; false: it is no such token. */
bool eid_refresh_grant(const struct ndc_eid *eid, struct ndc_str token,
                       struct ndc_str *grant, int64_t *counter);

#endif

/* A grant: who a session cookie or API key stands for, cached in memory and counted by
 * the requests that use it. identity.c makes them; dispatch asks here. */
#ifndef NDC_CORE_GRANT_H
#define NDC_CORE_GRANT_H

#include "core/principal.h"
#include "net/http.h"

struct ndc_identity;

struct ndc_grant {
    struct ndc_principal principal;
    struct ndc_str session; /* id of the session, not its secret; empty for a key */
    struct ndc_str csrf;    /* what unsafe methods repeat in the header NDC-CSRF */
    int64_t expires_ms;
    bool
        must_change; /* the password was given by someone else: nothing but changing it */
    bool should_change; /* it is the one made at the first start: a reminder */
};

/* *out is NULL when nothing was presented. Faults (NDC_EAUTH): auth.key and auth.required
 * for what is wrong, revoked or expired, auth.certificate for a key whose certificate is
 * not there; and the database's. */
enum ndc_err ndc_grant_find(struct ndc_identity *identity, struct ndc_http *x,
                            const struct ndc_grant **out,
                            struct ndc_fault *fault) NDC_MUST_USE;
void ndc_grant_drop(const struct ndc_grant *grant); /* NULL is fine */

extern const struct ndc_principal ndc_principal_anonymous;

/* The session cookie's name: "__Host-ndc" where the browser speaks TLS. */
const char *ndc_session_cookie(bool secure);

#endif

/* An authorization request: read from its parameters, a pushed request (RFC 9126) or a
 * request object (RFC 9101), checked, and answered. */
#ifndef NDC_EID_AUTHORIZE_H
#define NDC_EID_AUTHORIZE_H

#include "platforms/eid/provider/client.h"
#include "platforms/eid/provider/params.h"

/* A pushed request begins sign-ins for a minute, one of which may end, within the hour.
 */
enum { EID_PAR_S = 60, EID_PAR_KEPT_S = 3600 };

enum eid_prompt { EID_PROMPT_NONE = 1, EID_PROMPT_LOGIN = 2, EID_PROMPT_CONSENT = 4 };

/* Checked against the client; texts are the parameters' own. */
struct eid_authz {
    struct eid_client *client;
    struct eid_params params;
    struct ndc_str redirect_uri, state, scope, nonce, challenge, jkt, claims, details;
    struct ndc_str claim_names, acr_values, acr_essential, login_hint, hint_sub;
    struct ndc_str pushed; /* the request_uri that it came by; empty: none */
    unsigned prompt;
    int64_t max_age_s; /* -1: none */
};

/* Checks parameters as of `client`. *redirect: whether an error may be told to the
 * client's redirect_uri, which is then set. `pushed`: they come from PAR or a request
 * object where the profile asks for it. Faults: OAuth's. */
enum ndc_err eid_authz_check(struct ndc_eid *eid, struct ndc_arena *arena,
                             struct eid_authz *a, bool pushed, bool *redirect,
                             struct ndc_fault *fault) NDC_MUST_USE;
/* If there is a request object: checks it and replaces the parameters by its claims. */
enum ndc_err eid_authz_object(struct ndc_eid *eid, struct ndc_arena *arena,
                              struct eid_authz *a, struct ndc_fault *fault) NDC_MUST_USE;

/* The least level that will do of those asked for; empty: any. */
struct ndc_str eid_acr_least(struct ndc_str acr_values);
/* 1 to 3; 0: none that is known here. */
int eid_acr_level(struct ndc_str acr);

/* Handlers. */
enum ndc_err eid_get_authorize(struct ndc_request *req, struct ndc_fault *fault);
enum ndc_err eid_post_authorize(struct ndc_request *req, struct ndc_fault *fault);
enum ndc_err eid_get_resume(struct ndc_request *req, struct ndc_fault *fault);
enum ndc_err eid_post_par(struct ndc_request *req, struct ndc_fault *fault);

#endif

/* The OpenID provider's part of the platform: what it keeps in memory, its thread, and
 * the handlers that http.c lists. */
#ifndef NDC_EID_PROVIDER_H
#define NDC_EID_PROVIDER_H

#include "platforms/eid/eid.h"

/* Keys, clients, tokens. Called by ndc_eid_open on the migrated store. */
enum ndc_err eid_provider_open(struct ndc_eid *eid, struct ndc_fault *fault) NDC_MUST_USE;
void eid_provider_close(struct ndc_eid *eid);
/* In the daemon: a thread that takes up once a second what other processes have changed,
 * and sends logout tokens. */
void eid_provider_start(struct ndc_eid *eid);
void eid_provider_stop(struct ndc_eid *eid);

ndc_handler eid_get_discovery, eid_get_jwks;
ndc_handler eid_get_authorize, eid_post_authorize, eid_get_resume, eid_post_par;
ndc_handler eid_post_token, eid_post_introspect, eid_post_revoke;
ndc_handler eid_get_userinfo;
ndc_handler eid_post_register, eid_get_registered, eid_put_registered;
ndc_handler eid_delete_registered;
ndc_handler eid_get_me_clients, eid_post_me_client, eid_get_me_client, eid_put_me_client;
ndc_handler eid_delete_me_client, eid_post_me_client_secret, eid_get_me_client_use;
ndc_handler eid_get_logout, eid_post_logout;
ndc_handler eid_post_device, eid_post_device_code, eid_get_device_resume;
ndc_handler eid_preflight;
/* A client's own token by its secret: nothing is written, nothing waited for. */
bool eid_token_is_quick(struct ndc_http *x);
/* No client assertion, whose use is written down. */
bool eid_form_is_quick(struct ndc_http *x);

#endif

/* Handlers of the platform's routes (http.c has the table). */
#ifndef NDC_EID_HTTP_H
#define NDC_EID_HTTP_H

#include "core/route.h"
#include "platforms/eid/web.h"

enum { NDC_EID_ROUTES = 65 };
extern const struct ndc_route ndc_eid_routes[NDC_EID_ROUTES];

/* interaction_http.c */
ndc_handler eid_post_interaction, eid_get_interaction, eid_post_password, eid_post_totp;
ndc_handler eid_post_recovery, eid_post_passkey_options, eid_post_passkey;
ndc_handler eid_post_consent, eid_post_other;
/* enrol.c, enrol_others.c */
ndc_handler eid_post_account, eid_post_child, eid_post_organisation;
ndc_handler eid_get_demo_person;
/* account_http.c */
ndc_handler eid_get_me, eid_post_freeze, eid_post_console;
/* session.c */
ndc_handler eid_get_sessions, eid_delete_session;
/* audit.c */
ndc_handler eid_get_sign_ins, eid_get_readers;
/* consent.c */
ndc_handler eid_get_grants, eid_delete_grant;
/* authenticator_http.c, authenticator_codes.c */
ndc_handler eid_put_password, eid_post_me_passkey_options, eid_post_me_passkey;
ndc_handler eid_post_me_totp, eid_confirm_me_totp, eid_post_me_recovery;
ndc_handler eid_delete_authenticator;
/* desk.c */
ndc_handler eid_desk_find, eid_desk_proof, eid_desk_freeze, eid_desk_thaw;
ndc_handler eid_desk_reset;

#endif

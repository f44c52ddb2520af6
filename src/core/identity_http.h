/* Handlers of identity's routes that stand in roles_http.c; the table of routes is in
 * identity_http.c. */
#ifndef NDC_CORE_IDENTITY_HTTP_H
#define NDC_CORE_IDENTITY_HTTP_H

#include "core/app.h"
#include "core/identity_private.h"
#include "core/request.h"

ndc_handler identity_list_agencies, identity_put_agency;
ndc_handler identity_list_roles, identity_put_role, identity_delete_role;
ndc_handler identity_list_permissions;

/* The member "title" in both languages. */
void identity_write_title(struct ndc_json *j, struct ndc_str vi, struct ndc_str en);
/* Refused (auth.beyond) unless the caller holds every permission of the roles, words with
 * spaces between. Roles that do not exist have none. */
enum ndc_err identity_within_rights(struct ndc_request *req, struct ndc_str roles,
                                    struct ndc_fault *fault) NDC_MUST_USE;

#endif

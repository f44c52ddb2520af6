/* Parts of the platform row. */
#ifndef NDC_POLICY_POLICY_H
#define NDC_POLICY_POLICY_H

#include "core/platform.h"
#include "platforms/policy/service.h"
#include "platforms/policy/volume_store.h"

extern const struct ndc_platform ndc_policy_platform;

/* The platform's state. */
struct policy_state {
    struct policy_service *service;
    struct policy_keeper *keeper;
};

static inline struct policy_service *policy_service_of(const struct ndc_request *req)
{
    return ((struct policy_state *)req->state)->service;
}

enum { POLICY_ROUTES_N = 10, POLICY_COMMANDS_N = 4 };
extern const struct ndc_route policy_routes[POLICY_ROUTES_N];
/* volume_http.c */
ndc_handler policy_get_volumes, policy_get_notices, policy_post_settle;
extern const struct ndc_command policy_commands[POLICY_COMMANDS_N];

/* A request from words: {kind, principal, agency, roles, own_id, purpose, legal_basis,
 * action, entity, subject, fields, consent, subjects}. An unknown word is NDC_EINPUT with
 * the nearest right one. Without fields all of the entity's are meant. */
enum ndc_err policy_request_parse(struct ndc_policy_request *out, struct ndc_arena *arena,
                                  struct json_object *o,
                                  struct ndc_fault *fault) NDC_MUST_USE;
/* Adds the text to the rules and runs all tests: what `ndc policy check` says. */
enum ndc_err policy_check_text(const char *directory, const char *name,
                               struct ndc_str yaml, size_t *tests,
                               struct ndc_fault *fault) NDC_MUST_USE;

#endif

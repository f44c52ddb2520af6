/* What the registry's handlers share. */
#ifndef NDC_REGISTRY_HTTP_H
#define NDC_REGISTRY_HTTP_H

#include "core/request.h"
#include "core/route.h"
#include "platforms/registry/registry.h"

enum { NDC_REGISTRY_ROUTES = 34 };
extern const struct ndc_route ndc_registry_routes[NDC_REGISTRY_ROUTES];

/* http_sources.c */
ndc_handler ndc_registry_get_overview, ndc_registry_list_sources, ndc_registry_get_source,
    ndc_registry_post_source, ndc_registry_post_run, ndc_registry_post_records,
    ndc_registry_list_runs, ndc_registry_get_run, ndc_registry_get_map,
    ndc_registry_get_units;
/* http_capture.c */
ndc_handler ndc_registry_get_capture, ndc_registry_post_capture;
/* http_quarantine.c */
ndc_handler ndc_registry_list_quarantine, ndc_registry_get_quarantine,
    ndc_registry_csv_quarantine, ndc_registry_correct, ndc_registry_dismiss;
/* http_people.c */
ndc_handler ndc_registry_get_search, ndc_registry_get_person, ndc_registry_get_records,
    ndc_registry_get_history, ndc_registry_post_batch, ndc_registry_post_match;
/* http_changes.c */
ndc_handler ndc_registry_list_changes, ndc_registry_stream_changes;
/* thing/thing_http.c */
ndc_handler ndc_registry_list_datasets, ndc_registry_list_things, ndc_registry_get_thing,
    ndc_registry_get_relations;
/* http_review.c */
ndc_handler ndc_registry_list_reviews, ndc_registry_get_review,
    ndc_registry_post_decision;

/* Submits an integration: the runs, then a build. `id` receives the job. */
enum ndc_err ndc_registry_submit(struct ndc_registry *registry, struct ndc_str principal,
                                 const int64_t *runs, size_t n,
                                 char id[NDC_JOB_ID_LEN + 1],
                                 struct ndc_fault *fault) NDC_MUST_USE;

static inline struct ndc_registry *ndc_registry_of(struct ndc_request *req)
{
    return req->state;
}

/* A read connection of the registry's; give it back with ndc_store_give. */
static inline enum ndc_err ndc_registry_conn(struct ndc_request *req,
                                             struct ndc_store_conn **conn,
                                             struct ndc_fault *fault)
{
    return ndc_store_take(ndc_registry_of(req)->store, NDC_READ, conn, fault);
}

/* http_render.c: the members "field" and "title", the member "class", of the object that
 * is being written. */
void ndc_field_write(struct ndc_json *j, unsigned field);
void ndc_class_write(struct ndc_json *j, struct ndc_class c);
/* The golden values of an entity that are among `fields`, as policy lets them out. */
void ndc_person_write(struct ndc_request *req, const struct ndc_entity_view *view,
                      struct ndc_str id, const struct ndc_field_set *fields,
                      const struct ndc_policy_decision *decision);

/* A record's key, or NULL where it tells a field that the decision does not show (NULL:
 * nothing was decided, so nothing personal is shown). */
struct ndc_str ndc_registry_key(struct ndc_registry *registry, uint32_t source,
                                struct ndc_str key,
                                const struct ndc_policy_decision *decision);

void ndc_time_kv(struct ndc_json *j, const char *key, int64_t ms);
/* A page's limit and cursor, from ?limit= and ?after=. */
int64_t ndc_page_limit(struct ndc_request *req);
/* Asks policy for `fields` of an entity (`subject` may be empty), writes the audit entry
 * also of a refusal. */
enum ndc_err ndc_registry_decide(struct ndc_request *req, enum ndc_policy_action action,
                                 enum ndc_entity type, struct ndc_str subject,
                                 const struct ndc_field_set *fields,
                                 struct ndc_policy_decision *out,
                                 struct ndc_fault *fault) NDC_MUST_USE;
/* The members "value" and "masked", or "withheld", of a value as policy lets it out. */
void ndc_registry_show(struct ndc_request *req,
                       const struct ndc_policy_decision *decision, unsigned field,
                       struct ndc_str value);

#endif

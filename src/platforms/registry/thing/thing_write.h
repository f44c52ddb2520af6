/* Things as JSON, as policy lets their values out. */
#ifndef NDC_REGISTRY_THING_WRITE_H
#define NDC_REGISTRY_THING_WRITE_H

#include "platforms/registry/serve/http.h"
#include "platforms/registry/thing/thing.h"

enum { NDC_THING_FIELDS_SHOWN = 6 }; /* of a thing in a list */

/* What policy said of the dictionary fields as which values of things are treated. */
struct ndc_thing_view {
    struct ndc_field_set asked[NDC_ENTITY_COUNT];
    struct ndc_policy_decision decisions[NDC_ENTITY_COUNT];
};

/* Adds the fields that policy must be asked about for this source. */
void ndc_thing_view_add(struct ndc_thing_view *view, const struct ndc_source *source);
/* Asks, for a person (`subject` of that type) or nobody in particular. What is refused is
 * withheld; NDC_EDENIED only if all of it is. Audited. */
enum ndc_err ndc_thing_view_ask(struct ndc_thing_view *view, struct ndc_request *req,
                                enum ndc_entity type, struct ndc_str subject,
                                struct ndc_fault *fault) NDC_MUST_USE;

/* "dataset", "title" and "source" of the object being written. */
void ndc_thing_write_dataset(struct ndc_json *j, const struct ndc_source *source);
/* "key", "run", "first_run", "seen_at", "ended". */
void ndc_thing_write_head(struct ndc_json *j, const struct ndc_record *thing);
/* "fields": those that are no references, at most `max`; with view NULL only those about
 * nobody. */
void ndc_thing_write_fields(struct ndc_request *req, const struct ndc_thing_view *view,
                            const struct ndc_source *source,
                            const struct ndc_record *thing, unsigned max);

#endif

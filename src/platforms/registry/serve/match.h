/* Who is this record? One lookup with the model of the last build. */
#ifndef NDC_REGISTRY_MATCH_H
#define NDC_REGISTRY_MATCH_H

#include "base/json.h"
#include "platforms/registry/link/match.h"
#include "platforms/registry/registry.h"

struct ndc_match_candidate {
    uint64_t number;
    struct ndc_link_match match; /* of its record that fits best */
};

/* `record` is an object of dictionary field codes and texts as people write them; they
 * are normalised like a source's. Best first. Faults: match.no_model (nothing was
 * integrated yet), registry.no_field. */
enum ndc_err ndc_registry_match(struct ndc_registry *registry, struct ndc_arena *arena,
                                struct json_object *record,
                                struct ndc_match_candidate *out, size_t max,
                                size_t *count, struct ndc_fault *fault) NDC_MUST_USE;

/* The model of the last build for persons, with its spec; shared, refreshed when a new
 * generation is served. Use between these two calls. */
struct ndc_served_model {
    const struct ndc_link_spec *spec;
    const struct ndc_link_model *model;
};
enum ndc_err ndc_registry_model_take(struct ndc_registry *registry,
                                     struct ndc_served_model *out,
                                     struct ndc_fault *fault) NDC_MUST_USE;
void ndc_registry_model_give(struct ndc_registry *registry);

#endif

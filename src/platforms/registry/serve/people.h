/* The registry serves the facts of its people (core/people.h). */
#ifndef NDC_REGISTRY_PEOPLE_H
#define NDC_REGISTRY_PEOPLE_H

#include "core/people.h"
#include "platforms/registry/registry.h"

/* What ndc_people_register takes, with the registry as its context. */
extern const struct ndc_people_ops ndc_registry_people;

/* An entity's facts; texts point into the view's, `facts` is filled whole. */
void ndc_registry_facts(struct ndc_people_facts *facts,
                        const struct ndc_registry *registry, uint64_t entity,
                        const struct ndc_entity_view *view);

#endif

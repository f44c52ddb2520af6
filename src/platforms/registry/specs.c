/* The linking specs that the program carries. */
#include "base/embed.h"
#include "platforms/registry/build.h"

extern const struct ndc_embed ndc_registry_specs[];

struct ndc_str ndc_registry_link_spec(enum ndc_entity type)
{
    const char *name = type == NDC_ENTITY_PERSON ? "people.yaml" : "organisations.yaml";
    const struct ndc_embed *e = ndc_registry_specs;
    while (e->name && strcmp(e->name, name) != 0)
        e++;
    NDC_ASSERT(e->name);
    return ndc_str_n(e->bytes, e->len);
}

/* The linking specs that the program carries. */
#include "base/embed.h"
#include "platforms/registry/build/build.h"
#include "sys/file.h"

#include <stdio.h>

extern const struct ndc_embed ndc_registry_specs[];

static struct ndc_str find(const char *name)
{
    const struct ndc_embed *e = ndc_registry_specs;
    while (e->name && strcmp(e->name, name) != 0)
        e++;
    NDC_ASSERT(e->name);
    return ndc_str_n(e->bytes, e->len);
}

enum ndc_err ndc_registry_write_specs(const char *dir, struct ndc_fault *fault)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/surnames_vi.csv", dir);
    return ndc_file_write(path, find("surnames_vi.csv"), 0640, fault);
}

enum ndc_err ndc_registry_link_spec(struct ndc_link_spec **out,
                                    const struct ndc_registry *registry,
                                    enum ndc_entity type, struct ndc_fault *fault)
{
    return ndc_link_spec_parse(
        out, find(type == NDC_ENTITY_PERSON ? "person.yaml" : "organisation.yaml"),
        registry->stage_dir, fault);
}

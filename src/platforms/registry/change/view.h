/* A change as others see it: who, how, which fields; never values. */
#ifndef NDC_REGISTRY_CHANGE_VIEW_H
#define NDC_REGISTRY_CHANGE_VIEW_H

#include "base/json.h"
#include "platforms/registry/change/change.h"

/* Which changes and which of their fields are shown. */
struct ndc_change_filter {
    bool types[NDC_ENTITY_COUNT];
    struct ndc_field_set fields[NDC_ENTITY_COUNT]; /* others are not named */
};

/* A generation concerns everybody. */
static inline bool ndc_change_wanted(const struct ndc_change_filter *f,
                                     const struct ndc_change *c)
{
    return c->kind == NDC_CHANGE_GENERATION ||
           (c->type < NDC_ENTITY_COUNT && f->types[c->type]);
}

/* One object: seq, at, entity, type, kind, other, source, fields. `source` is the id of
 * c->source; a NULL pointer: none. */
void ndc_change_write(struct ndc_json *j, const struct ndc_change *c,
                      struct ndc_str source, const struct ndc_change_filter *filter);

#endif

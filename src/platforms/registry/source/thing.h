/* Parts of a declaration of things, for source.c only. */
#ifndef NDC_REGISTRY_SOURCE_THING_H
#define NDC_REGISTRY_SOURCE_THING_H

#include "base/yaml.h"
#include "platforms/registry/source/source.h"

/* `dataset: {code: parcel, vi: …, en: …}` of the declaration. */
enum ndc_err ndc_thing_read_dataset(struct ndc_source *source,
                                    const struct ndc_yaml *root,
                                    struct ndc_fault *fault) NDC_MUST_USE;
/* The members name, vi, en, kind and as of a field whose others are read. */
enum ndc_err ndc_thing_read_field(struct ndc_source *source, struct ndc_arena *arena,
                                  const struct ndc_yaml *node,
                                  struct ndc_source_field *field,
                                  struct ndc_fault *fault) NDC_MUST_USE;
/* The members name, vi, en, to and by of a relation, whose field is read. */
enum ndc_err ndc_thing_read_relation(struct ndc_source *source, struct ndc_arena *arena,
                                     const struct ndc_yaml *node,
                                     struct ndc_source_field *field,
                                     struct ndc_fault *fault) NDC_MUST_USE;
/* What cannot be: a key that is personal, a value about somebody that policy cannot
 * treat. */
enum ndc_err ndc_thing_check(const struct ndc_source *source, const struct ndc_yaml *root,
                             struct ndc_fault *fault) NDC_MUST_USE;

#endif

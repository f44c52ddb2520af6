/* The demo nation's things, written beside its databases from their very rows: parcels of
 * the land database, schools and enrolments of the education database. */
#ifndef NDC_REGISTRY_DEMO_THINGS_H
#define NDC_REGISTRY_DEMO_THINGS_H

#include "platforms/registry/demo/demo.h"

struct demo_things;

/* Makes the folder, its files and its declarations. */
enum ndc_err demo_things_open(struct demo_things **out, const char *folder,
                              struct ndc_fault *fault) NDC_MUST_USE;
/* Takes what it needs of a chunk; tables that say nothing of things are passed over. */
enum ndc_err demo_things_take(struct demo_things *things,
                              const struct ndc_demo_chunk *chunk,
                              struct ndc_fault *fault) NDC_MUST_USE;
/* Closes; NULL is fine. */
enum ndc_err demo_things_close(struct demo_things *things,
                               struct ndc_fault *fault) NDC_MUST_USE;

#endif

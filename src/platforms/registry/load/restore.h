/* A stage made anew from the entities. */
#ifndef NDC_REGISTRY_RESTORE_H
#define NDC_REGISTRY_RESTORE_H

#include "platforms/registry/registry.h"

/* Writes a damaged stage anew from the entities (restore.c). NDC_EIO, stage.damaged, if
 * its run was not built yet. */
enum ndc_err ndc_registry_restore_stage(struct ndc_registry *registry,
                                        const struct ndc_registered *source, int64_t run,
                                        const char *path,
                                        struct ndc_fault *fault) NDC_MUST_USE;

#endif

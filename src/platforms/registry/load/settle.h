/* Runs that were left by a process that is gone. */
#ifndef NDC_REGISTRY_SETTLE_H
#define NDC_REGISTRY_SETTLE_H

#include "platforms/registry/registry.h"

/* Runs that were queued or being loaded by a process that has ended, or for a job that
 * has, and that no job will take up again, become failed, `interrupted`; what they left
 * in the stage folder goes. `jobs` is where jobs are kept; NULL: there are none.
 * *unbuilt: runs that were loaded but are in no build yet. */
enum ndc_err ndc_registry_settle_runs(struct ndc_registry *registry,
                                      struct ndc_store *jobs, int64_t *unbuilt,
                                      struct ndc_fault *fault) NDC_MUST_USE;

#endif

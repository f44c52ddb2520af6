/* What changed between two states of an entity, for its history. */
#ifndef NDC_REGISTRY_HISTORY_H
#define NDC_REGISTRY_HISTORY_H

#include "platforms/registry/entity/entity.h"

/* Appends {"fields":[{"field","before","after"}],"records_added":[{"source","key"}],
 * "records_removed":[…]} (sources by number). False if nothing a person would see
 * changed: then nothing was appended. */
bool ndc_history_diff(struct ndc_buf *out, struct ndc_str before, struct ndc_str after);

#endif

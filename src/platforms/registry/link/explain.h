#ifndef NDC_REGISTRY_LINK_EXPLAIN_H
#define NDC_REGISTRY_LINK_EXPLAIN_H

#include "platforms/registry/link/model.h"

/* Evidence lines of two rows, at most `max`; their number. */
unsigned ndc_link_explain_rows(const struct table *table,
                               const struct ndc_link_model *model,
                               const struct model_field *fields, uint32_t a, uint32_t b,
                               struct ndc_link_evidence *out, unsigned max,
                               double *log_odds);

#endif

/* Comparators that need more than a few lines: dates and Vietnamese names. */
#ifndef NDC_REGISTRY_LINK_COMPARE_H
#define NDC_REGISTRY_LINK_COMPARE_H

#include "platforms/registry/link/table.h"

enum { DATE_LEVELS = 8, VI_NAME_LEVELS = 9 };

extern const char *const ndc_link_date_levels[DATE_LEVELS];
/* Any usual way to write a date becomes YYYYMMDD, YYYYMM or YYYY; what is no date keeps
 * its digits, so that a slip in one of them can still be seen as one edit. */
void ndc_link_date_fold(struct ndc_buf *out, struct ndc_str raw);
uint8_t ndc_link_date_compare(const struct column *column, uint32_t a, uint32_t b);

extern const char *const ndc_link_vi_name_levels[VI_NAME_LEVELS];
void ndc_link_vi_name_prepare(struct column *column);
uint8_t ndc_link_vi_name_compare(const struct column *column, uint32_t a, uint32_t b);

#endif

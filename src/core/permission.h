/* Permissions: names in platforms' tables, bits in principals. Numbered at start, the
 * same for the life of the process. */
#ifndef NDC_CORE_PERMISSION_H
#define NDC_CORE_PERMISSION_H

#include "core/platform.h"

/* Collects the tables of the platforms (closed by NULL); replaces what was there. Before
 * threads start. */
void ndc_permissions_setup(const struct ndc_platform *const *platforms);
size_t ndc_permissions_count(void);
const struct ndc_permission *ndc_permission_at(size_t bit);
/* The bit of a name, or -1. */
int ndc_permission_bit(struct ndc_str name);

static inline bool ndc_permission_has(const uint64_t *set, unsigned bit)
{
    return set[bit / 64] >> bit % 64 & 1;
}

static inline void ndc_permission_add(uint64_t *set, unsigned bit)
{
    set[bit / 64] |= (uint64_t)1 << bit % 64;
}

#endif

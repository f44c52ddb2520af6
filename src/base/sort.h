/* Radix sort of 64-bit keys with 32- or 64-bit payloads: stable, deterministic. */
#ifndef NDC_BASE_SORT_H
#define NDC_BASE_SORT_H

#include "base/ndc.h"

struct ndc_key32 {
    uint64_t key;
    uint32_t value;
} __attribute__((packed));

struct ndc_key64 {
    uint64_t key, value;
};

/* Sorts by key, stable. `scratch` holds n elements too; the result is in `items`. */
void ndc_sort_key32(struct ndc_key32 *items, struct ndc_key32 *scratch, size_t n);
void ndc_sort_key64(struct ndc_key64 *items, struct ndc_key64 *scratch, size_t n);
void ndc_sort_u64(uint64_t *items, uint64_t *scratch, size_t n);
/* With a scratch of its own, for who sorts once. */
void ndc_sort_key64_own(struct ndc_key64 *items, size_t n);

#endif

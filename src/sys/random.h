/* Random bytes from the kernel, for keys, tokens and salts. */
#ifndef NDC_SYS_RANDOM_H
#define NDC_SYS_RANDOM_H

#include "base/ndc.h"

/* Fills ptr; aborts if the kernel cannot (it can, once booted). */
void ndc_random_bytes(void *ptr, size_t len);
uint64_t ndc_random_u64(void);

#endif

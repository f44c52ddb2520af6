/* Worker threads with a bounded queue: for requests that take over a millisecond. */
#ifndef NDC_CORE_POOL_H
#define NDC_CORE_POOL_H

#include "base/ndc.h"

struct ndc_pool;

struct ndc_pool *ndc_pool_new(const char *name, unsigned threads, size_t queue_max);
/* Finishes what is queued, then stops. NULL is fine. */
void ndc_pool_free(struct ndc_pool *pool);
/* False when the queue is full. */
bool ndc_pool_submit(struct ndc_pool *pool, void (*fn)(void *arg),
                     void *arg) NDC_MUST_USE;
size_t ndc_pool_queued(struct ndc_pool *pool);

#endif

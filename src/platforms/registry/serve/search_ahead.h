/* Reading ahead: people of one name live all over the database, and their pages come from
 * the disk one after another. Several threads ask for those of the later rounds while the
 * search reads its first: the pages are in the system's cache then. A hint only: nothing
 * waits for it, and nothing is told where it could not be taken. */
#ifndef NDC_REGISTRY_SEARCH_AHEAD_H
#define NDC_REGISTRY_SEARCH_AHEAD_H

#include "base/ndc.h"

struct ndc_registry;
struct ndc_ahead;

/* Its threads start when they are first asked. */
struct ndc_ahead *ndc_ahead_new(struct ndc_registry *registry);
/* Waits for what is being read. NULL is fine. */
void ndc_ahead_free(struct ndc_ahead *ahead);
/* Copies the numbers. */
void ndc_ahead_read(struct ndc_ahead *ahead, const uint64_t *entities, size_t n);

#endif

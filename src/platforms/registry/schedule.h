/* Loads by the clock, as the sources' declarations say. */
#ifndef NDC_REGISTRY_SCHEDULE_H
#define NDC_REGISTRY_SCHEDULE_H

#include "platforms/registry/registry.h"

struct ndc_schedule;

/* Starts the thread that queues due sources each minute. */
struct ndc_schedule *ndc_schedule_start(struct ndc_registry *registry);
/* What the thread does once a minute: loads the sources that are due in the minute of
 * `now_ms` and are not being loaded; how many. */
size_t ndc_schedule_tick(struct ndc_registry *registry, int64_t now_ms);
/* Before jobs stop: it submits them. */
void ndc_schedule_stop(struct ndc_schedule *schedule);

#endif

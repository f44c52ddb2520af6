/* Loads by the clock, as the sources' declarations say. */
#ifndef NDC_REGISTRY_SCHEDULE_H
#define NDC_REGISTRY_SCHEDULE_H

#include "platforms/registry/registry.h"

struct ndc_schedule;

/* Starts the thread that queues due sources each minute. */
struct ndc_schedule *ndc_schedule_start(struct ndc_registry *registry);
void ndc_schedule_stop(struct ndc_schedule *schedule);

#endif

/* Time: the wall clock and a monotonic one. */
#ifndef NDC_SYS_CLOCK_H
#define NDC_SYS_CLOCK_H

#include "base/ndc.h"

/* Milliseconds since 1970-01-01 UTC. */
int64_t ndc_clock_wall_ms(void);
/* Nanoseconds since some fixed moment; never goes back. */
int64_t ndc_clock_mono_ns(void);
/* Sleeps; returns early on a signal. */
void ndc_clock_sleep_ms(int64_t ms);

#endif

/* The process itself: what it may do, and whom it tells. */
#ifndef NDC_SYS_PROCESS_H
#define NDC_SYS_PROCESS_H

#include "base/ndc.h"

/* Gives up for good what a daemon never needs: new privileges through set-user-id
 * programs, core dumps (they hold secrets and personal data), being traced; and, where
 * the kernel has it, system calls that only an intruder makes (seccomp). */
void ndc_process_confine(void);
/* sd_notify(3) without its library: "READY=1". Nothing happens without systemd. */
void ndc_process_notify(const char *state);

/* Memory that this process may have: the machine's, or what its control group is allowed.
 */
uint64_t ndc_memory_bytes(void);

#endif

/* How many distinct subjects a requester has seen for a purpose, since the process
 * started: exact up to 131,072, then estimated within about 1 % (HyperLogLog with 16,384
 * registers), never falling. */
#ifndef NDC_POLICY_VOLUME_H
#define NDC_POLICY_VOLUME_H

#include "base/str.h"

enum { POLICY_VOLUME_EXACT_MAX = 131072, POLICY_VOLUME_PAIRS_MAX = 65536 };

struct policy_volume;

struct policy_volume *policy_volume_new(void);
void policy_volume_free(struct policy_volume *volume);
/* The count with `subject` in it; `add`: and keeps it. Any thread. Past PAIRS_MAX pairs
 * of requester and purpose further ones share one count, which errs to the safe side. */
uint64_t policy_volume_count(struct policy_volume *volume, struct ndc_str requester,
                             struct ndc_str purpose, struct ndc_str subject, bool add);

#endif

/* How far an integration is as a whole, and so how long it still takes: its phases are
 * weighed by what they took where they were measured (docs/performance.md), for the bytes
 * to load and the records to build that are known beforehand. Whoever watches sees one
 * share of the whole that grows evenly: what is left is the time so far, in proportion. A
 * faster or slower machine changes the pace, not the proportions. */
#ifndef NDC_REGISTRY_WHOLE_H
#define NDC_REGISTRY_WHOLE_H

#include "platforms/registry/registry.h"

enum { NDC_WHOLE_PHASES = 4, NDC_WHOLE_PARTS = 1000 };

struct ndc_whole {
    struct ndc_progress progress;  /* to hand on: its tell takes a phase's own count */
    const struct ndc_progress *to; /* NULL: nobody watches */
    double before[NDC_WHOLE_PHASES + 1]; /* share of the whole that precedes a phase */
    struct ndc_mutex lock;               /* guards what follows */
    uint64_t told;                       /* parts of NDC_WHOLE_PARTS */
};

/* `load_bytes` are of the files to be loaded; `records` those that stand in stages
 * already, of other sources. Always ndc_whole_free. */
void ndc_whole_init(struct ndc_whole *whole, const struct ndc_progress *to,
                    uint64_t load_bytes, uint64_t records);
void ndc_whole_free(struct ndc_whole *whole);

#endif

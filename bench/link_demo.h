/* The demo nation's people in a link table, and their truth. */
#ifndef NDC_BENCH_LINK_DEMO_H
#define NDC_BENCH_LINK_DEMO_H

#include "base/sort.h"
#include "platforms/registry/link/eval.h"

struct link_demo {
    const struct ndc_link_spec *spec;
    struct ndc_link *link;
    struct ndc_key64 *truth; /* (source, record key) hashed -> person */
    size_t truth_count, truth_cap;
    uint64_t rows;
    uint64_t seed; /* of the nation; 0: the usual one */
};

/* Makes `people` people and adds all their records. Set spec and link before. */
enum ndc_err link_demo_load(struct link_demo *demo, uint64_t people,
                            struct ndc_fault *fault) NDC_MUST_USE;
/* Judges the finished run; frees the truth. */
void link_demo_judge(struct link_demo *demo, struct ndc_link_eval *out);

#endif

/* Linking quality of a registry against the demo nation's truth. */
#ifndef NDC_BENCH_TRUTH_H
#define NDC_BENCH_TRUTH_H

#include "platforms/registry/registry.h"

/* Reads DIR/truth.csv and the registry's entities; prints link_precision, link_recall and
 * link_f1 over pairs of person records. Returns the F1. */
double bench_truth(struct ndc_registry *registry, const char *dir);

#endif

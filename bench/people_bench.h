/* A registry with a nation's people, made directly. people_bench.c tells what for. */
#ifndef NDC_BENCH_PEOPLE_BENCH_H
#define NDC_BENCH_PEOPLE_BENCH_H

#include "platforms/registry/registry.h"

/* One that `keep`s is taken as it is. Prints what it took. */
enum ndc_err people_make(struct ndc_registry *registry, uint64_t people,
                         struct ndc_fault *fault) NDC_MUST_USE;
/* Queries drawn from the people in the store, each kind `per_kind` times. */
enum ndc_err people_search(struct ndc_registry *registry, uint64_t people,
                           size_t per_kind, uint64_t seed,
                           struct ndc_fault *fault) NDC_MUST_USE;

#endif

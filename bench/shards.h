/* Benchmarks on shards: under scripts/with_shards.sh the registry is sharded over its
 * servers; and what reads cost, sharded or not. */
#ifndef NDC_BENCH_SHARDS_H
#define NDC_BENCH_SHARDS_H

#include "platforms/registry/registry.h"

/* Shards an empty registry over the servers that the environment names, if it names some,
 * and opens it anew. */
enum ndc_err bench_shards(struct ndc_registry **reg, struct ndc_store *store,
                          const char *stage, struct ndc_fault *fault) NDC_MUST_USE;
/* Prints what reading an entity costs, one by one and 512 at once, and, on more than one
 * server, how fast a shard moves. */
enum ndc_err bench_shard_reads(struct ndc_registry *reg,
                               struct ndc_fault *fault) NDC_MUST_USE;

#endif

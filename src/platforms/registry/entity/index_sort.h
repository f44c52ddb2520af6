/* Sorting the index's entries in bounded memory: threads add entries in any order, each
 * to the partition that the top bits of its key name; what is more than memory may hold
 * goes to a scratch file. Then partitions are sorted one by one, several threads at once.
 * The result does not depend on who added what when. */
#ifndef NDC_REGISTRY_INDEX_SORT_H
#define NDC_REGISTRY_INDEX_SORT_H

#include "base/error.h"
#include "platforms/registry/entity/index.h"

enum { NDC_INDEX_PARTITION_BITS = 8, NDC_INDEX_PARTITIONS = 256 };

struct ndc_index_sorter;
struct ndc_index_feed; /* of one thread */

/* The scratch file is made in `dir` when more than `bytes_max` bytes have been added. */
struct ndc_index_sorter *ndc_index_sorter_new(const char *dir, size_t bytes_max);
void ndc_index_sorter_free(struct ndc_index_sorter *sorter);

struct ndc_index_feed *ndc_index_feed_new(struct ndc_index_sorter *sorter);
void ndc_index_feed_add(struct ndc_index_feed *feed, uint64_t key, uint64_t entity);
/* Hands the rest over and frees the feed. */
void ndc_index_feed_end(struct ndc_index_feed *feed);

/* Entries added by feeds that have ended, and the first failure of the scratch file. */
enum ndc_err ndc_index_sorter_count(struct ndc_index_sorter *sorter, uint64_t *count,
                                    struct ndc_fault *fault) NDC_MUST_USE;
/* The entries of partitions [from, to), sorted by key and entity, each once. The caller
 * frees *items. Any thread. */
enum ndc_err ndc_index_sorter_take(struct ndc_index_sorter *sorter, unsigned from,
                                   unsigned to, struct ndc_key64 **items, size_t *count,
                                   struct ndc_fault *fault) NDC_MUST_USE;

#endif

/* Building and reading the inverted index (index.h) in the database. */
#ifndef NDC_REGISTRY_INDEX_BUILD_H
#define NDC_REGISTRY_INDEX_BUILD_H

#include "platforms/registry/entity/entity.h"
#include "platforms/registry/entity/index_sort.h"
#include "store/store.h"

enum { NDC_INDEX_KEYS_PER_ENTITY_MAX = 4096, NDC_INDEX_HITS_MAX = 4096 };

/* Everything an entity is found by: its record keys, identifiers, names; each key once.
 * `keys` is scratch space, reused from entity to entity. */
struct ndc_index_keys {
    uint64_t items[NDC_INDEX_KEYS_PER_ENTITY_MAX];
    unsigned count;
    uint16_t at[NDC_INDEX_KEYS_PER_ENTITY_MAX];        /* each item's slot */
    uint16_t slots[2 * NDC_INDEX_KEYS_PER_ENTITY_MAX]; /* numbers of items; 0: free */
};
void ndc_index_entity(struct ndc_index_keys *keys, struct ndc_index_feed *out,
                      uint64_t entity, const struct ndc_entity_view *view);

/* Writes all entries as the pages of a new generation, in the caller's transaction;
 * partitions are sorted and encoded on several threads. *entries is how many there are.
 */
enum ndc_err ndc_index_write(struct ndc_store_conn *conn, int64_t generation,
                             struct ndc_index_sorter *sorter, unsigned threads,
                             uint64_t *entries, struct ndc_fault *fault) NDC_MUST_USE;

/* Entities under a key, ascending, at most `max`. Which generation is asked of the
 * database in the same statement: a build may end between two statements, and takes the
 * pages of the one before with it. */
enum ndc_err ndc_index_lookup(struct ndc_store_conn *conn, uint64_t key,
                              uint64_t *entities, size_t max, size_t *count,
                              struct ndc_fault *fault) NDC_MUST_USE;

/* Dictionary fields that identify by themselves, as the index knows them. */
bool ndc_index_is_identifier(unsigned field);

#endif

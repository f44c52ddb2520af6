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
/* Adds the keys of one record, each once; `keys` was zeroed at first. Reset empties it.
 */
void ndc_index_record(struct ndc_index_keys *keys, const struct ndc_record *record);
void ndc_index_keys_reset(struct ndc_index_keys *keys);
void ndc_index_entity(struct ndc_index_keys *keys, struct ndc_index_feed *out,
                      uint64_t entity, const struct ndc_entity_view *view);

/* Two indexes of one form: what people search by, and the blocking keys of the linking
 * engine, whose values are entity << 1 | whether it is open to others (live/). */
enum ndc_index_table { NDC_INDEX_SEARCH, NDC_INDEX_BLOCKS };

/* Writes all entries as the pages of a new generation, in the caller's transaction;
 * partitions are sorted and encoded on several threads. *entries is how many there are.
 */
enum ndc_err ndc_index_write(struct ndc_store_conn *conn, enum ndc_index_table table,
                             int64_t generation, struct ndc_index_sorter *sorter,
                             unsigned threads, uint64_t *entries,
                             struct ndc_fault *fault) NDC_MUST_USE;
/* Those of partitions [from, to) alone, for who commits an index larger than a log should
 * be in several transactions, before it is served. */
enum ndc_err ndc_index_write_part(struct ndc_store_conn *conn, enum ndc_index_table table,
                                  int64_t generation, struct ndc_index_sorter *sorter,
                                  unsigned from, unsigned to, unsigned threads,
                                  uint64_t *entries,
                                  struct ndc_fault *fault) NDC_MUST_USE;

/* Entities under a key, ascending, at most `max`. Which generation is asked of the
 * database in the same statement: a build may end between two statements, and takes the
 * pages of the one before with it. */
enum ndc_err ndc_index_lookup(struct ndc_store_conn *conn, uint64_t key,
                              uint64_t *entities, size_t max, size_t *count,
                              struct ndc_fault *fault) NDC_MUST_USE;

/* Values under each of many keys, as few round trips as can be, of a generation that
 * cannot change meanwhile, or of the newest search index (0), of each key asked in the
 * same statement. Gives every key that has any to `take`, once, with at most
 * `max` values. */
struct ndc_index_many {
    enum ndc_index_table table;
    int64_t generation;
    const uint64_t *keys;
    size_t count, max;
    void (*take)(void *arg, size_t number, const uint64_t *values, size_t count);
    void *arg;
};
enum ndc_err ndc_index_lookup_many(struct ndc_store_conn *conn,
                                   const struct ndc_index_many *many,
                                   struct ndc_fault *fault) NDC_MUST_USE;

/* Dictionary fields that identify by themselves, as the index knows them. */
bool ndc_index_is_identifier(unsigned field);

#endif

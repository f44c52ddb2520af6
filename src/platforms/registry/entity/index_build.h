/* Building and reading the inverted index (index.h) in the database. */
#ifndef NDC_REGISTRY_INDEX_BUILD_H
#define NDC_REGISTRY_INDEX_BUILD_H

#include "platforms/registry/entity/entity.h"
#include "platforms/registry/entity/index.h"
#include "store/store.h"

enum { NDC_INDEX_KEYS_PER_ENTITY_MAX = 4096, NDC_INDEX_HITS_MAX = 4096 };

/* A growing list of entries. */
struct ndc_index_entries {
    struct ndc_key64 *items;
    size_t count, cap;
};

void ndc_index_entries_add(struct ndc_index_entries *list, uint64_t key, uint64_t entity);
void ndc_index_entries_free(struct ndc_index_entries *list);

/* Everything an entity is found by: its record keys, identifiers, names. */
void ndc_index_entity(struct ndc_index_entries *out, uint64_t entity,
                      const struct ndc_entity_view *view);

/* Sorts the entries, drops repeated ones and writes them as the pages of a new
 * generation, in the caller's transaction. */
enum ndc_err ndc_index_write(struct ndc_store_conn *conn, int64_t generation,
                             struct ndc_index_entries *entries,
                             struct ndc_fault *fault) NDC_MUST_USE;

/* Entities under a key in a generation, ascending, at most `max`. */
enum ndc_err ndc_index_lookup(struct ndc_store_conn *conn, int64_t generation,
                              uint64_t key, uint64_t *entities, size_t max, size_t *count,
                              struct ndc_fault *fault) NDC_MUST_USE;

/* Dictionary fields that identify by themselves, as the index knows them. */
bool ndc_index_is_identifier(unsigned field);
/* Folds a name as the index does: lower case, no tones, single spaces. Appends to out. */
struct ndc_str ndc_index_fold_name(struct ndc_arena *arena, struct ndc_str name);

#endif

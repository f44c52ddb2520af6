/* What changed since the last build, in memory: which entities have a newer payload (in
 * registry_recent, by the number of the change), and which index entries came with it (in
 * registry_index_recent). Entries are only added: one that no longer holds leads to an
 * entity that whoever looks up compares anyway, and the next build makes the index anew.
 * Any thread. */
#ifndef NDC_REGISTRY_OVERLAY_H
#define NDC_REGISTRY_OVERLAY_H

#include "base/buf.h"
#include "base/sort.h"

struct ndc_overlay;

struct ndc_overlay *ndc_overlay_new(void);
void ndc_overlay_free(struct ndc_overlay *overlay);
/* Forgets everything: a build has taken it over. */
void ndc_overlay_clear(struct ndc_overlay *overlay);
/* Only index entries: payloads of the build are still on their way to the shards. */
void ndc_overlay_clear_entries(struct ndc_overlay *overlay);

/* Where an entity's newest payload is in registry_recent; an older place than the one
 * that is known changes nothing. */
void ndc_overlay_set(struct ndc_overlay *overlay, uint64_t entity, int64_t seq);
/* It has left registry_recent; if another is known meanwhile, nothing changes. */
void ndc_overlay_drop(struct ndc_overlay *overlay, uint64_t entity, int64_t seq);
/* 0: its payload is not in registry_recent. */
int64_t ndc_overlay_get(const struct ndc_overlay *overlay, uint64_t entity);
/* Entities with a newer payload. */
size_t ndc_overlay_count(const struct ndc_overlay *overlay);
/* The same, ascending; the caller frees *items (key: entity, value: change). */
size_t ndc_overlay_list(const struct ndc_overlay *overlay, struct ndc_key64 **items);

/* False: it was there already, as far as its key's last 32 entries tell. */
bool ndc_overlay_add(struct ndc_overlay *overlay, uint64_t key, uint64_t value);
/* Appends values of a key, at most `max`; returns how many. */
size_t ndc_overlay_find(const struct ndc_overlay *overlay, uint64_t key, uint64_t *values,
                        size_t max);
size_t ndc_overlay_entries(const struct ndc_overlay *overlay);

#endif

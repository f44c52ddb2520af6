/* Which keys and which unique values a run has seen: a map from 64-bit hashes to numbers
 * that takes 12 to 16 bytes an entry however many there are. The hash alone decides: of
 * 40 million keys two meet by chance once in 23,000 runs.
 *
 * Parts by the hash's top byte grow one after another, so that growing never holds two
 * tables of all. A large part grows by an eighth: by twice, half of it would be empty. */
#ifndef NDC_REGISTRY_KEYSET_H
#define NDC_REGISTRY_KEYSET_H

#include "base/ndc.h"

#include <string.h>

enum { NDC_KEYSET_PARTS = 256, NDC_KEYSET_HASH_BYTES = 7, NDC_KEYSET_SLOT_BYTES = 11 };

/* An entry: the hash without its top byte, which is never 0, and the number. */
struct ndc_keyset_slot {
    unsigned char bytes[NDC_KEYSET_SLOT_BYTES];
};

struct ndc_keyset {
    struct ndc_keyset_part {
        struct ndc_keyset_slot *slots;
        uint32_t cap, count;
    } parts[NDC_KEYSET_PARTS];
};

/* All bytes zero is an empty set. */
void ndc_keyset_free(struct ndc_keyset *set);
/* The entry of a hash, added with `value` where it is new (*added). Entries stay where
 * they are until the next put. */
struct ndc_keyset_slot *ndc_keyset_put(struct ndc_keyset *set, uint64_t hash,
                                       uint32_t value, bool *added);
/* NULL: there is none. */
struct ndc_keyset_slot *ndc_keyset_find(const struct ndc_keyset *set, uint64_t hash);
/* Asks for an entry ahead of its use: it is rarely in the processor's cache. */
void ndc_keyset_prefetch(const struct ndc_keyset *set, uint64_t hash);

static inline uint32_t ndc_keyset_value(const struct ndc_keyset_slot *slot)
{
    uint32_t v;
    memcpy(&v, slot->bytes + NDC_KEYSET_HASH_BYTES, sizeof(v));
    return v;
}

static inline void ndc_keyset_set_value(struct ndc_keyset_slot *slot, uint32_t value)
{
    memcpy(slot->bytes + NDC_KEYSET_HASH_BYTES, &value, sizeof(value));
}

#endif

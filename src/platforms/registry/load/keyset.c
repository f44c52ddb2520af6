/* Sets of keys: linear probing at four fifths full. An entry's place is its hash scaled
 * to the table, so a table may have any size. */
#include "platforms/registry/load/keyset.h"

enum { CAP_FIRST = 16, CAP_DOUBLED_MAX = 1 << 16 };

static uint64_t low_hash(uint64_t hash)
{
    uint64_t low = hash << 8 >> 8;
    return low ? low : 1;
}

/* The seven bytes of the hash by one load and one store of eight; the last one is the
 * number's. */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
enum { HASH_SHIFT = 8 };
#else
enum { HASH_SHIFT = 0 };
#endif

static inline uint64_t slot_hash(const struct ndc_keyset_slot *slot)
{
    uint64_t eight;
    memcpy(&eight, slot->bytes, sizeof(eight));
    return HASH_SHIFT ? eight >> 8 : eight << 8 >> 8;
}

static void fill(struct ndc_keyset_slot *slot, uint64_t low, uint32_t value)
{
    uint64_t eight = low << HASH_SHIFT;
    memcpy(slot->bytes, &eight, sizeof(eight));
    ndc_keyset_set_value(slot, value);
}

static uint32_t place_of(const struct ndc_keyset_part *p, uint64_t low)
{
    return (uint32_t)((low >> 24) * p->cap >> 32);
}

/* The entry of a hash, or the free one where it belongs. */
static struct ndc_keyset_slot *look(const struct ndc_keyset_part *p, uint64_t low)
{
    uint32_t at = place_of(p, low);
    for (;;) {
        uint64_t have = slot_hash(&p->slots[at]);
        if (have == low || have == 0) return &p->slots[at];
        if (++at == p->cap) at = 0;
    }
}

static void grow(struct ndc_keyset_part *p)
{
    struct ndc_keyset_part old = *p;
    p->cap = old.cap < CAP_DOUBLED_MAX ? NDC_MAX(old.cap * 2, (uint32_t)CAP_FIRST)
                                       : old.cap + old.cap / 8;
    p->slots = ndc_xcalloc(p->cap, sizeof(*p->slots));
    for (uint32_t i = 0; i < old.cap; i++) {
        uint64_t low = slot_hash(&old.slots[i]);
        if (low) *look(p, low) = old.slots[i];
    }
    free(old.slots);
}

struct ndc_keyset_slot *ndc_keyset_put(struct ndc_keyset *set, uint64_t hash,
                                       uint32_t value, bool *added)
{
    struct ndc_keyset_part *p = &set->parts[hash >> 56];
    uint64_t low = low_hash(hash);
    if ((uint64_t)p->count * 5 >= (uint64_t)p->cap * 4) grow(p);
    struct ndc_keyset_slot *slot = look(p, low);
    *added = slot_hash(slot) == 0;
    if (*added) {
        fill(slot, low, value);
        p->count++;
    }
    return slot;
}

struct ndc_keyset_slot *ndc_keyset_find(const struct ndc_keyset *set, uint64_t hash)
{
    const struct ndc_keyset_part *p = &set->parts[hash >> 56];
    if (p->count == 0) return NULL;
    struct ndc_keyset_slot *slot = look(p, low_hash(hash));
    return slot_hash(slot) ? slot : NULL;
}

void ndc_keyset_prefetch(const struct ndc_keyset *set, uint64_t hash)
{
    const struct ndc_keyset_part *p = &set->parts[hash >> 56];
    if (p->count) __builtin_prefetch(&p->slots[place_of(p, low_hash(hash))], 1);
}

void ndc_keyset_free(struct ndc_keyset *set)
{
    for (unsigned i = 0; i < NDC_KEYSET_PARTS; i++)
        free(set->parts[i].slots);
    *set = (struct ndc_keyset){0};
}

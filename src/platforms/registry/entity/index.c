/* Index pages: delta-coded varints, keys first seen as the difference to the one before,
 * entities of equal keys likewise. */
#include "platforms/registry/entity/index.h"

#include "base/hash.h"

uint64_t ndc_index_key(enum ndc_index_kind kind, uint64_t part, struct ndc_str text)
{
    uint64_t seed = ndc_mix64((uint64_t)kind << 56 ^ part);
    return ndc_hash_str(text, seed) >> (64 - NDC_INDEX_KEY_BITS);
}

void ndc_index_page_encode(struct ndc_buf *out, const struct ndc_key64 *entries,
                           size_t count)
{
    uint64_t key = 0, value = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t step = entries[i].key - key;
        ndc_buf_add_varint(out, step);
        if (step) value = 0;
        ndc_buf_add_varint(out, entries[i].value - value);
        key = entries[i].key;
        value = entries[i].value;
    }
}

size_t ndc_index_page_find(struct ndc_str page, uint64_t key, uint64_t *entities,
                           size_t max, bool *more, bool *damaged)
{
    uint64_t at = 0, value = 0;
    size_t found = 0;
    *more = *damaged = false;
    while (page.len) {
        uint64_t step, delta;
        if (!ndc_take_varint(&page, &step) || !ndc_take_varint(&page, &delta)) {
            *damaged = true;
            return found;
        }
        at += step;
        value = step ? delta : value + delta;
        if (at > key) return found;
        if (at == key && found < max) entities[found++] = value;
    }
    *more = at == key;
    return found;
}

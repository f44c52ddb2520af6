/* Hashing: eight bytes at a time through a 64x64 to 128 multiply, folded. */
#include "base/hash.h"

static uint64_t load64(const unsigned char *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

/* The last 1 to 7 bytes of a text, little-endian. */
static uint64_t load_tail(const unsigned char *p, size_t left, size_t len)
{
    if (len >= 8) return load64(p + left - 8) >> (8 * (8 - left));
    uint64_t tail = 0;
    for (size_t i = 0; i < left; i++)
        tail |= (uint64_t)p[i] << (8 * i);
    return tail;
}

static uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t ndc_hash64(const void *ptr, size_t len, uint64_t seed)
{
    const unsigned char *p = ptr;
    uint64_t h = seed ^ 0x8ebc6af09c88c6e3u;
    size_t left = len;
    while (left >= 8) {
        h = fold(h ^ load64(p), 0x589965cc75374cc3u);
        p += 8;
        left -= 8;
    }
    uint64_t tail = left ? load_tail(p, left, len) : 0;
    h = fold(h ^ tail, 0x1d8e4e27c47d124fu ^ (uint64_t)len << 1);
    return ndc_mix64(h);
}

enum { SLOTS_FIRST = 64 };

void ndc_dict_init(struct ndc_dict *dict)
{
    *dict = (struct ndc_dict){0};
}

void ndc_dict_free(struct ndc_dict *dict)
{
    free(dict->bytes);
    free(dict->starts);
    free(dict->slots);
    ndc_dict_init(dict);
}

struct ndc_str ndc_dict_get(const struct ndc_dict *dict, uint32_t id)
{
    NDC_ASSERT(id >= 1 && id <= dict->count);
    uint64_t start = dict->starts[id - 1];
    return ndc_str_n(dict->bytes + start, (size_t)(dict->starts[id] - start - 1));
}

/* The slot that holds s, or the free one where it belongs. */
static uint64_t find_slot(const struct ndc_dict *dict, struct ndc_str s, uint64_t hash)
{
    uint64_t at = hash & dict->slots_mask;
    for (;; at = (at + 1) & dict->slots_mask) {
        uint64_t slot = dict->slots[at];
        if (slot == 0) return at;
        if (slot >> 32 == hash >> 32 && ndc_str_eq(ndc_dict_get(dict, (uint32_t)slot), s))
            return at;
    }
}

static void grow_slots(struct ndc_dict *dict)
{
    uint64_t n = dict->slots ? (dict->slots_mask + 1) * 2 : SLOTS_FIRST;
    NDC_ASSERT(n > dict->count); /* not a closed one */
    free(dict->slots);
    dict->slots = ndc_xcalloc(n, sizeof(*dict->slots));
    dict->slots_mask = n - 1;
    for (uint32_t id = 1; id <= dict->count; id++) {
        uint64_t hash = ndc_hash_str(ndc_dict_get(dict, id), 0);
        uint64_t at = hash & dict->slots_mask;
        while (dict->slots[at])
            at = (at + 1) & dict->slots_mask;
        dict->slots[at] = (hash & ~(uint64_t)UINT32_MAX) | id;
    }
}

void ndc_dict_reserve(struct ndc_dict *dict, uint32_t count)
{
    uint64_t n = SLOTS_FIRST;
    NDC_ASSERT(dict->count == 0);
    while (n < (uint64_t)count * 2 + 2)
        n *= 2;
    free(dict->slots);
    dict->slots = ndc_xcalloc(n, sizeof(*dict->slots));
    dict->slots_mask = n - 1;
}

uint32_t ndc_dict_find(const struct ndc_dict *dict, struct ndc_str s)
{
    if (s.len == 0 || dict->count == 0) return 0;
    NDC_ASSERT(dict->slots);
    return (uint32_t)dict->slots[find_slot(dict, s, ndc_hash_str(s, 0))];
}

static void append_string(struct ndc_dict *dict, struct ndc_str s)
{
    if (dict->bytes_cap - dict->bytes_len < s.len + 1) {
        size_t cap = NDC_MAX(dict->bytes_cap * 2, dict->bytes_len + s.len + 1);
        dict->bytes_cap = NDC_MAX(cap, (size_t)1024);
        dict->bytes = ndc_xrealloc(dict->bytes, dict->bytes_cap);
    }
    if (dict->count + 1 >= dict->starts_cap) {
        dict->starts_cap = dict->starts_cap ? dict->starts_cap * 2 : 64;
        dict->starts =
            ndc_xrealloc(dict->starts, dict->starts_cap * sizeof(*dict->starts));
        if (dict->count == 0) dict->starts[0] = 0;
    }
    memcpy(dict->bytes + dict->bytes_len, s.ptr, s.len);
    dict->bytes[dict->bytes_len + s.len] = 0;
    dict->bytes_len += s.len + 1;
    dict->count++;
    dict->starts[dict->count] = dict->bytes_len;
}

uint32_t ndc_dict_add(struct ndc_dict *dict, struct ndc_str s)
{
    return ndc_dict_add_hashed(dict, s, ndc_hash_str(s, 0));
}

uint32_t ndc_dict_add_hashed(struct ndc_dict *dict, struct ndc_str s, uint64_t hash)
{
    if (s.len == 0 || dict->count >= UINT32_MAX / 2 - 2) return 0;
    if (!dict->slots || (uint64_t)dict->count * 2 > dict->slots_mask) grow_slots(dict);
    uint64_t at = find_slot(dict, s, hash);
    if (dict->slots[at]) return (uint32_t)dict->slots[at];
    append_string(dict, s);
    dict->slots[at] = (hash & ~(uint64_t)UINT32_MAX) | dict->count;
    return dict->count;
}

void ndc_dict_close(struct ndc_dict *dict)
{
    free(dict->slots);
    dict->slots = NULL;
    if (dict->count == 0) return;
    dict->bytes_cap = dict->bytes_len;
    dict->bytes = ndc_xrealloc(dict->bytes, dict->bytes_cap);
    dict->starts_cap = dict->count + 1;
    dict->starts = ndc_xrealloc(dict->starts, dict->starts_cap * sizeof(*dict->starts));
}

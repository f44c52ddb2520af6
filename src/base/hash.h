/* Non-cryptographic 64-bit hashing, and a string-to-id map. For tables and blocking keys;
 * never where an attacker gains by a collision (that is src/crypto). */
#ifndef NDC_BASE_HASH_H
#define NDC_BASE_HASH_H

#include "base/str.h"

/* The same on every machine and in every release: blocking keys are stored. */
uint64_t ndc_hash64(const void *ptr, size_t len, uint64_t seed);

static inline uint64_t ndc_hash_str(struct ndc_str s, uint64_t seed)
{
    return ndc_hash64(s.ptr, s.len, seed);
}

/* Bijective mix of 64 bits (the splitmix64 finaliser). */
static inline uint64_t ndc_mix64(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9u;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* Order-dependent combination of two hashes. */
static inline uint64_t ndc_hash_join(uint64_t a, uint64_t b)
{
    return ndc_mix64(a * 0x9e3779b97f4a7c15u + b + 0x632be59bd9b4e019u);
}

/* Small deterministic generator (splitmix64): demo data, sampling. Never for secrets. */
static inline uint64_t ndc_rng_next(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15u;
    return ndc_mix64(*state);
}

/* Uniform in [0, n), n > 0. */
static inline uint64_t ndc_rng_below(uint64_t *state, uint64_t n)
{
    return (uint64_t)(((unsigned __int128)ndc_rng_next(state) * n) >> 64);
}

/* Uniform in [0, 1). */
static inline double ndc_rng_unit(uint64_t *state)
{
    return (double)(ndc_rng_next(state) >> 11) * 0x1.0p-53;
}

/* Dictionary: distinct strings numbered from 1 in the order first seen (0 is "none").
 * Strings are copied. Not for several threads at once. */
struct ndc_dict {
    char *bytes; /* all strings, one after another, each followed by a 0 byte */
    size_t bytes_len, bytes_cap;
    uint64_t
        *starts; /* starts[id - 1]: offset of string id in bytes; [count] is the end */
    uint32_t count, starts_cap;
    uint64_t *slots; /* open addressing: high 32 bits of the hash, id */
    uint64_t slots_mask;
    uint64_t bytes_max; /* 0: no cap */
};

void ndc_dict_init(struct ndc_dict *dict);
void ndc_dict_free(struct ndc_dict *dict);
/* Room for `count` strings in an empty one: it need not grow on the way. */
void ndc_dict_reserve(struct ndc_dict *dict, uint32_t count);
/* The id of s, added if new. 0 only for an empty s, or if 2^32 - 2 strings are in. */
uint32_t ndc_dict_add(struct ndc_dict *dict, struct ndc_str s);
/* The same with ndc_hash_str(s, 0) at hand. Who adds many looks ahead in three steps,
 * each some strings before the next, so that memory is fetched while others are compared.
 */
uint32_t ndc_dict_add_hashed(struct ndc_dict *dict, struct ndc_str s, uint64_t hash);
static inline void ndc_dict_look_slot(const struct ndc_dict *dict, uint64_t hash)
{
    if (dict->slots) __builtin_prefetch(&dict->slots[hash & dict->slots_mask]);
}
static inline void ndc_dict_look_start(const struct ndc_dict *dict, uint64_t hash)
{
    uint32_t id = dict->slots ? (uint32_t)dict->slots[hash & dict->slots_mask] : 0;
    if (id) __builtin_prefetch(&dict->starts[id - 1]);
}
static inline void ndc_dict_look_bytes(const struct ndc_dict *dict, uint64_t hash)
{
    uint32_t id = dict->slots ? (uint32_t)dict->slots[hash & dict->slots_mask] : 0;
    if (id) __builtin_prefetch(dict->bytes + dict->starts[id - 1]);
}
/* The id of s, or 0. */
uint32_t ndc_dict_find(const struct ndc_dict *dict, struct ndc_str s);
/* No string is added or found by its text afterwards: gives back what that needs. */
void ndc_dict_close(struct ndc_dict *dict);
/* The string of an id in 1..count; valid until the next add. 0-terminated. */
struct ndc_str ndc_dict_get(const struct ndc_dict *dict, uint32_t id);

#endif

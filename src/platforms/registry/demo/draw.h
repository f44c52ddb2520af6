/* Random streams: each is a pure function of the nation's seed, what it is for, and a
 * number, so that any village, person or record is made without the others. And keyed
 * bijections, which give unique numbers without remembering any. */
#ifndef NDC_REGISTRY_DEMO_DRAW_H
#define NDC_REGISTRY_DEMO_DRAW_H

#include "base/hash.h"

/* What a stream is for. Adding one changes no other. */
enum demo_purpose {
    DEMO_FOR_VILLAGE = 1,
    DEMO_FOR_PERSON,
    DEMO_FOR_ADDRESS,
    DEMO_FOR_ORGANISATION,
    DEMO_FOR_NUMBERS,
    DEMO_FOR_RECORD
};

static inline uint64_t demo_stream(uint64_t seed, enum demo_purpose purpose,
                                   uint64_t number)
{
    return ndc_hash_join(ndc_hash_join(seed, purpose), number);
}

static inline bool demo_chance(uint64_t *rng, double probability)
{
    return ndc_rng_unit(rng) < probability;
}

/* Uniform in lo..hi, both included. */
static inline int demo_between(uint64_t *rng, int lo, int hi)
{
    return lo + (int)ndc_rng_below(rng, (uint64_t)hi - (uint64_t)lo + 1);
}

/* Uniform in 0..n - 1 days, n > 0. */
static inline int32_t demo_day_below(uint64_t *rng, int32_t n)
{
    return (int32_t)ndc_rng_below(rng, (uint32_t)n);
}

/* Roughly normal (sum of four uniforms), mean 0, deviation 1. */
static inline double demo_normal(uint64_t *rng)
{
    double sum = 0;
    for (int i = 0; i < 4; i++) {
        sum += ndc_rng_unit(rng);
    }
    return (sum - 2) * 1.7320508;
}

/* An index drawn by cumulative weights: the first i with u < cumulative[i]. */
static inline size_t demo_pick(uint64_t *rng, const uint32_t *cumulative, size_t n)
{
    uint32_t u = (uint32_t)ndc_rng_below(rng, cumulative[n - 1]);
    size_t lo = 0, hi = n - 1;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (u < cumulative[mid]) {
            hi = mid;
        } else {
            lo = mid + 1;
        }
    }
    return lo;
}

/* A permutation of [0, size) chosen by key: a balanced Feistel network on the next even
 * number of bits, walked until it falls inside (Black and Rogaway 2002). x < size. */
static inline uint64_t demo_permute(uint64_t x, uint64_t size, uint64_t key)
{
    unsigned half = 1;
    while ((uint64_t)1 << 2 * half < size) {
        half++;
    }
    uint64_t mask = ((uint64_t)1 << half) - 1;
    do {
        uint64_t left = x >> half, right = x & mask;
        for (unsigned round = 0; round < 4; round++) {
            uint64_t next =
                left ^ (ndc_mix64(right + key + round * 0x9e3779b97f4a7c15u) & mask);
            left = right;
            right = next;
        }
        x = left << half | right;
    } while (x >= size);
    return x;
}

#endif

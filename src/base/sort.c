/* Least significant digit radix sort, 11 bits a pass; passes in which every key has the
 * same digit are skipped, so short key ranges cost little. */
#include "base/sort.h"

#include <string.h>

enum {
    DIGIT_BITS = 11,
    DIGITS = 1 << DIGIT_BITS,
    PASSES = (64 + DIGIT_BITS - 1) / DIGIT_BITS
};

#define DEFINE_SORT(name, type, key_of)                                             \
    void name(type *items, type *scratch, size_t n)                                 \
    {                                                                               \
        size_t(*counts)[DIGITS] = ndc_xcalloc(PASSES, sizeof(*counts));             \
        for (size_t i = 0; i < n; i++) {                                            \
            uint64_t key = key_of(items[i]);                                        \
            for (int p = 0; p < PASSES; p++)                                        \
                counts[p][key >> (p * DIGIT_BITS) & (DIGITS - 1)]++;                \
        }                                                                           \
        type *from = items, *to = scratch;                                          \
        for (int p = 0; p < PASSES && n; p++) {                                     \
            int shift = p * DIGIT_BITS;                                             \
            if (counts[p][key_of(from[0]) >> shift & (DIGITS - 1)] == n) continue;  \
            size_t at = 0;                                                          \
            for (int d = 0; d < DIGITS; d++) {                                      \
                size_t c = counts[p][d];                                            \
                counts[p][d] = at;                                                  \
                at += c;                                                            \
            }                                                                       \
            for (size_t i = 0; i < n; i++)                                          \
                to[counts[p][key_of(from[i]) >> shift & (DIGITS - 1)]++] = from[i]; \
            type *swap = from;                                                      \
            from = to;                                                              \
            to = swap;                                                              \
        }                                                                           \
        if (from != items && n) memcpy(items, from, n * sizeof(*items));            \
        free(counts);                                                               \
    }

#define KEY_FIELD(item) ((item).key)
#define KEY_SELF(item)  (item)

DEFINE_SORT(ndc_sort_key32, struct ndc_key32, KEY_FIELD)
DEFINE_SORT(ndc_sort_key64, struct ndc_key64, KEY_FIELD)
DEFINE_SORT(ndc_sort_u64, uint64_t, KEY_SELF)

/* Least significant digit radix sort, 11 bits a pass; passes in which every key has the
 * same digit are skipped, so short key ranges cost little. Few items are merged: counting
 * digits would cost more than they do. */
#include "base/sort.h"

#include <string.h>

enum {
    DIGIT_BITS = 11,
    DIGITS = 1 << DIGIT_BITS,
    PASSES = (64 + DIGIT_BITS - 1) / DIGIT_BITS,
    FEW = 512,
    RUN = 8 /* sorted by insertion before runs are merged */
};

#define DEFINE_SORT(name, type, key_of)                                                 \
    static void name##_few(type *items, type *scratch, size_t n)                        \
    {                                                                                   \
        for (size_t start = 0; start < n; start += RUN)                                 \
            for (size_t i = start + 1; i < NDC_MIN(start + RUN, n); i++) {              \
                type item = items[i];                                                   \
                size_t at = i;                                                          \
                for (; at > start && key_of(items[at - 1]) > key_of(item); at--)        \
                    items[at] = items[at - 1];                                          \
                items[at] = item;                                                       \
            }                                                                           \
        type *from = items, *to = scratch;                                              \
        for (size_t run = RUN; run < n; run *= 2) {                                     \
            for (size_t start = 0; start < n; start += 2 * run) {                       \
                size_t a = start, a_end = NDC_MIN(start + run, n);                      \
                size_t b = a_end, b_end = NDC_MIN(start + 2 * run, n);                  \
                for (size_t at = start; at < b_end; at++) {                             \
                    bool second =                                                       \
                        a == a_end || (b < b_end && key_of(from[b]) < key_of(from[a])); \
                    to[at] = second ? from[b++] : from[a++];                            \
                }                                                                       \
            }                                                                           \
            type *swap = from;                                                          \
            from = to;                                                                  \
            to = swap;                                                                  \
        }                                                                               \
        if (from != items) memcpy(items, from, n * sizeof(*items));                     \
    }                                                                                   \
    void name(type *items, type *scratch, size_t n)                                     \
    {                                                                                   \
        if (n <= FEW) {                                                                 \
            name##_few(items, scratch, n);                                              \
            return;                                                                     \
        }                                                                               \
        size_t(*counts)[DIGITS] = ndc_xcalloc(PASSES, sizeof(*counts));                 \
        for (size_t i = 0; i < n; i++) {                                                \
            uint64_t key = key_of(items[i]);                                            \
            for (int p = 0; p < PASSES; p++)                                            \
                counts[p][key >> (p * DIGIT_BITS) & (DIGITS - 1)]++;                    \
        }                                                                               \
        type *from = items, *to = scratch;                                              \
        for (int p = 0; p < PASSES && n; p++) {                                         \
            int shift = p * DIGIT_BITS;                                                 \
            if (counts[p][key_of(from[0]) >> shift & (DIGITS - 1)] == n) continue;      \
            size_t at = 0;                                                              \
            for (int d = 0; d < DIGITS; d++) {                                          \
                size_t c = counts[p][d];                                                \
                counts[p][d] = at;                                                      \
                at += c;                                                                \
            }                                                                           \
            for (size_t i = 0; i < n; i++)                                              \
                to[counts[p][key_of(from[i]) >> shift & (DIGITS - 1)]++] = from[i];     \
            type *swap = from;                                                          \
            from = to;                                                                  \
            to = swap;                                                                  \
        }                                                                               \
        if (from != items && n) memcpy(items, from, n * sizeof(*items));                \
        free(counts);                                                                   \
    }

#define KEY_FIELD(item) ((item).key)
#define KEY_SELF(item)  (item)

DEFINE_SORT(ndc_sort_key32, struct ndc_key32, KEY_FIELD)
DEFINE_SORT(ndc_sort_key64, struct ndc_key64, KEY_FIELD)
DEFINE_SORT(ndc_sort_u64, uint64_t, KEY_SELF)

void ndc_sort_key64_own(struct ndc_key64 *items, size_t n)
{
    if (n < 2) return;
    struct ndc_key64 *scratch = ndc_xmalloc(n * sizeof(*scratch));
    ndc_sort_key64(items, scratch, n);
    free(scratch);
}

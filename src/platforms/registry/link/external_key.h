/* A blocking key's row as it is sorted out of memory: row, rule, whether its node is
 * open, and a sign of the node's unique value, by which most pairs of strangers are told
 * apart before their texts are fetched. */
#ifndef NDC_REGISTRY_LINK_EXTERNAL_KEY_H
#define NDC_REGISTRY_LINK_EXTERNAL_KEY_H

#include "platforms/registry/link/spec.h"

enum {
    EXTERNAL_SIGN_BUCKETS = 8,
    EXTERNAL_SIGN_BITS = 25, /* three a bucket, and one: there is a value */
    EXTERNAL_RULE_SHIFT = EXTERNAL_SIGN_BITS,
    EXTERNAL_ROW_SHIFT = 32
};
_Static_assert(RULES_MAX <= 1 << (EXTERNAL_ROW_SHIFT - EXTERNAL_RULE_SHIFT), "fits");

/* How often characters of each bucket stand in the text, modulo 8. */
static inline uint32_t external_sign(const struct spec_field *field, struct ndc_str text)
{
    uint32_t sign = 0;
    if (!text.len || strcmp(field->comparator->name, "id") != 0) return 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned shift = 3 * ((unsigned char)text.ptr[i] % EXTERNAL_SIGN_BUCKETS);
        uint32_t count = (sign >> shift) + 1;
        sign = (sign & ~(7u << shift)) | (count & 7) << shift;
    }
    return sign | 1u << (EXTERNAL_SIGN_BITS - 1);
}

/* True only if the values are more than one edit apart: an edit moves one character from
 * one bucket to another at most. */
static inline bool external_signs_differ(uint64_t a, uint64_t b)
{
    unsigned moved = 0;
    if (!(a & b & 1u << (EXTERNAL_SIGN_BITS - 1))) return false;
    for (unsigned i = 0; i < EXTERNAL_SIGN_BUCKETS; i++) {
        unsigned d = (unsigned)(a >> 3 * i) - (unsigned)(b >> 3 * i);
        d &= 7;
        moved += NDC_MIN(d, 8 - d);
    }
    return moved > 2;
}

static inline uint64_t external_key(uint32_t row, unsigned rule, bool open, uint32_t sign)
{
    return (uint64_t)open << 63 | (uint64_t)row << EXTERNAL_ROW_SHIFT |
           (uint64_t)rule << EXTERNAL_RULE_SHIFT |
           (sign & ((1u << EXTERNAL_SIGN_BITS) - 1));
}

static inline bool external_key_open(uint64_t key)
{
    return key >> 63;
}

static inline uint32_t external_key_row(uint64_t key)
{
    return (uint32_t)(key >> EXTERNAL_ROW_SHIFT) & NDC_LINK_ROWS_MAX;
}

static inline unsigned external_key_rule(uint64_t key)
{
    return key >> EXTERNAL_RULE_SHIFT & (RULES_MAX - 1);
}

#endif

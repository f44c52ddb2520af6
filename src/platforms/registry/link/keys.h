/* Blocking keys of values and rules. */
#ifndef NDC_REGISTRY_LINK_KEYS_H
#define NDC_REGISTRY_LINK_KEYS_H

#include "platforms/registry/link/table.h"

enum { RULE_KEYS_MAX = 24, PART_KEYS_MAX = PART_FIELDS_MAX * KEYS_PER_VALUE };

/* Keys of a text under a transform; their number, 0 if it gives none. */
unsigned ndc_link_value_keys(struct ndc_str s, enum transform_kind kind, unsigned length,
                             uint64_t out[static KEYS_PER_VALUE]);
/* The text keys are made of: a value's class where it has one, itself otherwise. */
struct ndc_str ndc_link_value_key_text(const struct column *column, uint32_t value);

struct part_keys {
    uint64_t keys[PART_KEYS_MAX];
    unsigned count;
};
/* What a rule's keys begin with, by its text. */
uint64_t ndc_link_rule_seed(const struct rule *rule);
/* All combinations of the parts' keys, distinct; none if a part has none. */
unsigned ndc_link_rule_combine(const struct rule *rule, uint64_t seed,
                               const struct part_keys *parts,
                               uint64_t out[static RULE_KEYS_MAX]);

#endif

/* Which pairs need no full comparison: an upper bound of a pair's log odds, made tighter
 * field by field, the cheap ones first. Most pairs that blocks bring together are
 * strangers of one name, and a date and a number tell that; addresses and parents' names,
 * whose comparison is dear, are then never looked at. A pair is passed over only if the
 * full comparison would end below the floor, so results are the same. */
#ifndef NDC_REGISTRY_LINK_BOUND_H
#define NDC_REGISTRY_LINK_BOUND_H

#include "platforms/registry/link/model.h"

enum { BOUND_PATTERNS = 9 };

/* What a group can add at most. */
struct group_bound {
    double most;        /* whatever its fields say */
    double most_unlike; /* of one field that both rows have, with other values */
    /* Of two fields that may hold each other's values, none equal: by which of them both
     * rows have (0: missing, 2: there), first field x 3 + second. */
    double pattern[BOUND_PATTERNS];
    bool single;                           /* one field, never swapped */
    bool pair;                             /* the two fields of a swap */
    float class_most[NDC_LINK_FIELDS_MAX]; /* of an agreed class's rarity, by place */
};

struct bound {
    const struct table *table;
    const struct ndc_link_model *model;
    const struct model_field *fields;
    struct group_bound groups[2 * NDC_LINK_FIELDS_MAX];
    unsigned order[2 * NDC_LINK_FIELDS_MAX]; /* single groups, cheap comparators first */
    unsigned order_count;
};

/* Nothing to free; it points to what it was made from. */
void ndc_link_bound_init(struct bound *bound, const struct table *table,
                         const struct ndc_link_model *model,
                         const struct model_field *fields);
/* False only if the rows' log odds are below `floor`. */
bool ndc_link_bound_may(const struct bound *bound, struct memo *memo, uint32_t a,
                        uint32_t b, double floor);

#endif

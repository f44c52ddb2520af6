/* Values mapped before: of most columns of codes, words and addresses the same few come
 * again and again, and of a household the members' addresses. Bounded, for one thread;
 * answers are the same with and without. */
#ifndef NDC_REGISTRY_MAP_MEMO_H
#define NDC_REGISTRY_MAP_MEMO_H

#include "platforms/registry/load/map_value.h"

/* What became of a raw value. */
struct ndc_map_outcome {
    enum ndc_norm_reason reason; /* NDC_NORM_MISSING: nothing was said */
    uint32_t flags, place;
    struct ndc_str value;
};

struct ndc_map_memo;
struct ndc_map_memo *ndc_map_memo_new(void);
void ndc_map_memo_free(struct ndc_map_memo *memo);

/* Looks `raw` up among the values of one class (columns that are mapped alike). *value
 * is raw itself, or lies in the memo until the next ndc_map_memo_put. */
bool ndc_map_memo_find(const struct ndc_map_memo *memo, struct ndc_map_outcome *out,
                       unsigned class, struct ndc_str raw);
void ndc_map_memo_put(struct ndc_map_memo *memo, const struct ndc_map_outcome *outcome,
                      unsigned class, struct ndc_str raw);

/* Whether looking up pays in a column: judged by windows, and tried again now and then.
 */
struct ndc_map_pays {
    uint16_t looked, found;
    uint32_t rest; /* values to come that are not looked up */
};

static inline bool ndc_map_pays(struct ndc_map_pays *p)
{
    if (p->rest == 0) return true;
    p->rest--;
    return false;
}

static inline void ndc_map_paid(struct ndc_map_pays *p, bool found)
{
    enum { WINDOW = 1024, WORTH = WINDOW / 5, REST = 30000 };
    p->found = (uint16_t)(p->found + found);
    if (++p->looked < WINDOW) return;
    p->rest = p->found < WORTH ? REST : 0;
    p->looked = p->found = 0;
}

#endif

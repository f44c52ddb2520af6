/* Survivorship. */
#include "base/hash.h"
#include "platforms/registry/entity/entity.h"

/* What speaks for one candidate value, the weightiest first. */
struct claim {
    const struct ndc_record_field *value;
    unsigned record;
    uint8_t live, rank, fuller;
    struct ndc_str updated;
    unsigned agree;
};

static uint8_t rank_of(const struct ndc_survivorship *how, uint32_t source,
                       unsigned field)
{
    uint8_t rank = source < how->sources ? how->authority[source][field] : 0;
    return rank ? rank : 100;
}

/* > 0: a stands before b; *rule says which test decided. */
static int compare(const struct claim *a, const struct claim *b, uint8_t *rule)
{
    int c;
    *rule = NDC_GOLDEN_RECENCY;
    if (a->live != b->live) return a->live - b->live;
    *rule = NDC_GOLDEN_AUTHORITY;
    if (a->rank != b->rank) return b->rank - a->rank;
    *rule = NDC_GOLDEN_FULLER;
    if (a->fuller != b->fuller) return a->fuller - b->fuller;
    *rule = NDC_GOLDEN_RECENCY;
    if (a->updated.len && b->updated.len && (c = ndc_str_cmp(a->updated, b->updated)))
        return c;
    *rule = NDC_GOLDEN_AGREEMENT;
    if (a->agree != b->agree) return a->agree > b->agree ? 1 : -1;
    *rule = NDC_GOLDEN_FIRST;
    return 1;
}

static unsigned collect(struct claim *claims, const struct ndc_record *records,
                        unsigned count, const struct ndc_survivorship *how,
                        unsigned field)
{
    unsigned n = 0;
    for (unsigned i = 0; i < count; i++) {
        const struct ndc_record *r = &records[i];
        const struct ndc_record_field *f = ndc_record_find(r, field);
        if (!f) continue;
        const struct ndc_record_field *updated = ndc_record_find(r, how->updated_field);
        uint8_t poor = f->flags & (NDC_RECORD_TONELESS | NDC_RECORD_PARTIAL);
        claims[n] = (struct claim){
            .value = f,
            .record = i,
            .live = !(r->flags & NDC_RECORD_ENDED),
            .rank = rank_of(how, r->source, field),
            .fuller = !poor,
            .updated = updated ? updated->value : NDC_STR_NULL,
        };
        n++;
    }
    for (unsigned i = 0; i < n; i++)
        for (unsigned k = 0; k < n; k++)
            claims[i].agree += ndc_str_eq(claims[i].value->value, claims[k].value->value);
    return n;
}

static struct ndc_golden choose_field(const struct claim *claims, unsigned n,
                                      unsigned field)
{
    const struct claim *best = &claims[0];
    uint8_t rule = NDC_GOLDEN_ONLY, decided = NDC_GOLDEN_ONLY;
    unsigned others = 0;
    for (unsigned i = 1; i < n; i++)
        if (compare(&claims[i], best, &rule) > 0 && rule != NDC_GOLDEN_FIRST)
            best = &claims[i];
    /* The deciding rule is the one that beat the strongest differing value. */
    for (unsigned i = 0; i < n; i++) {
        if (ndc_str_eq(claims[i].value->value, best->value->value)) continue;
        compare(best, &claims[i], &rule);
        decided = NDC_MAX(decided, rule);
        bool seen = false;
        for (unsigned k = 0; k < i && !seen; k++)
            seen = ndc_str_eq(claims[k].value->value, claims[i].value->value);
        others += !seen;
    }
    return (struct ndc_golden){.field = (uint8_t)field,
                               .rule = decided,
                               .record = (uint16_t)best->record,
                               .alternatives = (uint16_t)NDC_MIN(others, 0xffffu),
                               .value = best->value};
}

enum { CLAIMS_MAX = 64 };

unsigned ndc_golden_choose(struct ndc_golden *out, const struct ndc_record *records,
                           unsigned count, const struct ndc_survivorship *how)
{
    struct claim claims[CLAIMS_MAX];
    struct ndc_field_set fields = {0};
    unsigned n = 0;
    /* A crowd (a defective source) is judged by its first records: bounded work. */
    count = NDC_MIN(count, (unsigned)CLAIMS_MAX);
    for (unsigned i = 0; i < count; i++)
        for (unsigned k = 0; k < records[i].count; k++)
            if (records[i].fields[k].field != NDC_RECORD_UNMAPPED &&
                records[i].fields[k].value.len)
                ndc_field_set_add(&fields, records[i].fields[k].field);
    for (int id = -1; (id = ndc_field_set_next(&fields, id)) >= 0;) {
        unsigned claimed = collect(claims, records, count, how, (unsigned)id);
        out[n++] = choose_field(claims, claimed, (unsigned)id);
    }
    return n;
}

const char *ndc_golden_rule_name(enum ndc_golden_rule rule)
{
    static const char *const names[] = {"",        "only",      "authority", "fuller",
                                        "recency", "agreement", "first"};
    return rule < NDC_ARRAY_LEN(names) ? names[rule] : "";
}

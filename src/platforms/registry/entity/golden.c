/* Survivorship. */
#include "base/hash.h"
#include "platforms/registry/entity/entity.h"

enum { CLAIMS_MAX = 64 };

/* What speaks for one candidate value, the weightiest first. */
struct claim {
    const struct ndc_record_field *value;
    uint64_t hash; /* of the value */
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

static bool same(const struct claim *a, const struct claim *b)
{
    return a->hash == b->hash && ndc_str_eq(a->value->value, b->value->value);
}

static void count_agreement(struct claim *claims, unsigned n)
{
    unsigned equal = 1; /* mostly all say the same */
    while (equal < n && same(&claims[equal], &claims[0]))
        equal++;
    for (unsigned i = 0; equal == n && i < n; i++)
        claims[i].agree = n;
    if (equal == n) return;
    for (unsigned i = 0; i < n; i++) {
        claims[i].agree++;
        for (unsigned k = 0; k < i; k++) {
            if (!same(&claims[i], &claims[k])) continue;
            claims[i].agree++;
            claims[k].agree++;
        }
    }
}

static struct ndc_golden choose_field(struct claim *claims, unsigned n, unsigned field)
{
    const struct claim *best = &claims[0];
    uint8_t rule = NDC_GOLDEN_ONLY, decided = NDC_GOLDEN_ONLY;
    unsigned others = 0;
    count_agreement(claims, n);
    for (unsigned i = 1; i < n; i++)
        if (compare(&claims[i], best, &rule) > 0 && rule != NDC_GOLDEN_FIRST)
            best = &claims[i];
    /* The deciding rule is the one that beat the strongest differing value. */
    for (unsigned i = 0; i < n && best->agree < n; i++) {
        if (same(&claims[i], best)) continue;
        compare(best, &claims[i], &rule);
        decided = NDC_MAX(decided, rule);
        bool seen = false;
        for (unsigned k = 0; k < i && !seen; k++)
            seen = same(&claims[k], &claims[i]);
        others += !seen;
    }
    return (struct ndc_golden){.field = (uint8_t)field,
                               .rule = decided,
                               .record = (uint16_t)best->record,
                               .alternatives = (uint16_t)NDC_MIN(others, 0xffffu),
                               .value = best->value};
}

/* Whether the field speaks for its record: it has a value and is the first of its id. */
static bool speaks(const struct ndc_record_field *f, unsigned record, uint16_t *spoken)
{
    if (f->field == NDC_RECORD_UNMAPPED || !f->value.len ||
        spoken[f->field] == record + 1)
        return false;
    spoken[f->field] = (uint16_t)(record + 1);
    return true;
}

/* Claims of all fields, each field's together from starts[field] in the order of the
 * records; ends[field] is one past its last. */
static void collect(struct claim *claims, uint16_t *ends,
                    const struct ndc_record *records, unsigned count,
                    const struct ndc_survivorship *how)
{
    uint16_t spoken[NDC_FIELDS_MAX] = {0};
    for (unsigned i = 0; i < count; i++) {
        const struct ndc_record *r = &records[i];
        const struct ndc_record_field *updated = ndc_record_find(r, how->updated_field);
        for (unsigned k = 0; k < r->count; k++) {
            const struct ndc_record_field *f = &r->fields[k];
            if (!speaks(f, i, spoken)) continue;
            uint8_t poor = f->flags & (NDC_RECORD_TONELESS | NDC_RECORD_PARTIAL);
            claims[ends[f->field]++] = (struct claim){
                .value = f,
                .hash = ndc_hash_str(f->value, 0),
                .record = i,
                .live = !(r->flags & NDC_RECORD_ENDED),
                .rank = rank_of(how, r->source, f->field),
                .fuller = !poor,
                .updated = updated ? updated->value : NDC_STR_NULL,
            };
        }
    }
}

unsigned ndc_golden_choose(struct ndc_golden *out, const struct ndc_record *records,
                           unsigned count, const struct ndc_survivorship *how)
{
    uint16_t starts[NDC_FIELDS_MAX] = {0}, ends[NDC_FIELDS_MAX], spoken[NDC_FIELDS_MAX];
    unsigned total = 0, n = 0;
    /* A crowd (a defective source) is judged by its first records: bounded work. */
    count = NDC_MIN(count, (unsigned)CLAIMS_MAX);
    memset(spoken, 0, sizeof(spoken));
    for (unsigned i = 0; i < count; i++)
        for (unsigned k = 0; k < records[i].count; k++)
            if (speaks(&records[i].fields[k], i, spoken))
                starts[records[i].fields[k].field]++;
    for (unsigned id = 0; id < NDC_FIELDS_MAX; id++) {
        unsigned claimed = starts[id];
        starts[id] = ends[id] = (uint16_t)total;
        total += claimed;
    }
    struct claim *claims = ndc_xmalloc((total + 1) * sizeof(*claims));
    collect(claims, ends, records, count, how);
    for (unsigned id = 0; id < NDC_FIELDS_MAX; id++)
        if (ends[id] > starts[id])
            out[n++] = choose_field(claims + starts[id], ends[id] - starts[id], id);
    free(claims);
    return n;
}

const char *ndc_golden_rule_name(enum ndc_golden_rule rule)
{
    static const char *const names[] = {"",        "only",      "authority", "fuller",
                                        "recency", "agreement", "first"};
    return rule < NDC_ARRAY_LEN(names) ? names[rule] : "";
}

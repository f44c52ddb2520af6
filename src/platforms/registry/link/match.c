/* One record against a list of candidates, with a kept model: a small table is made of
 * them, so that every rule of the batch holds here too. */
#include "platforms/registry/link/block.h"
#include "platforms/registry/link/explain.h"

#include <math.h>

enum { CANDIDATES_MAX = 100000 };

unsigned ndc_link_keys(const struct ndc_link_spec *spec, const struct ndc_str *values,
                       uint64_t keys[static NDC_LINK_KEYS_MAX])
{
    struct table t;
    ndc_link_table_init(&t, spec);
    unsigned n = 0;
    if (ndc_link_table_reserve(&t, 1, NULL) == NDC_OK) {
        ndc_link_table_add(&t, 0, 0, values);
        ndc_link_table_seal(&t, false, 1);
        n = ndc_link_blocks_row_keys(&t, 0, keys);
    }
    ndc_link_table_free(&t);
    return n;
}

static int compare_matches(const void *x, const void *y)
{
    const struct ndc_link_match *a = x, *b = y;
    if (a->log_odds != b->log_odds) return a->log_odds > b->log_odds ? -1 : 1;
    return a->candidate < b->candidate ? -1 : 1;
}

/* Keeps the best `max` in out by putting the new one in its place. */
static unsigned keep(struct ndc_link_match *out, unsigned n, unsigned max,
                     const struct ndc_link_match *match)
{
    if (n == max && compare_matches(match, &out[n - 1]) > 0) return n;
    unsigned at = n < max ? n++ : n - 1;
    for (; at > 0 && compare_matches(match, &out[at - 1]) < 0; at--)
        out[at] = out[at - 1];
    out[at] = *match;
    return n;
}

unsigned ndc_link_match(const struct ndc_link_model *model, struct ndc_link_match *out,
                        unsigned max, const struct ndc_str *probe,
                        const struct ndc_str *const *candidates, uint32_t count,
                        double log_odds_min)
{
    struct table t;
    struct model_field fields[NDC_LINK_FIELDS_MAX] = {0};
    unsigned n = 0;
    if (max == 0) return 0;
    count = NDC_MIN(count, (uint32_t)CANDIDATES_MAX);
    ndc_link_table_init(&t, model->spec);
    if (ndc_link_table_reserve(&t, count + 1, NULL)) goto out;
    ndc_link_table_add(&t, 0, 0, probe);
    for (uint32_t i = 0; i < count; i++)
        ndc_link_table_add(&t, 0, i + 1, candidates[i]);
    ndc_link_table_seal(&t, false, 1);
    ndc_link_model_lookup(fields, model, &t);
    for (uint32_t i = 0; i < count; i++) {
        struct ndc_link_match match = {.candidate = i};
        match.evidence_count =
            ndc_link_explain_rows(&t, model, fields, 0, i + 1, match.evidence,
                                  NDC_ARRAY_LEN(match.evidence), &match.log_odds);
        match.probability = 1 / (1 + exp(-match.log_odds));
        if (match.log_odds >= log_odds_min) n = keep(out, n, max, &match);
    }
    ndc_link_model_fields_free(fields);
out:
    ndc_link_table_free(&t);
    return n;
}

/* Why two rows were or were not linked: the same comparison, told field by field. */
#include "platforms/registry/link/explain.h"

#include <math.h>

static const char *level_name(const struct comparator *how, unsigned level)
{
    return level == 0 ? "missing" : how->level_names[level - 1];
}

unsigned ndc_link_explain_rows(const struct table *t, const struct ndc_link_model *model,
                               const struct model_field *fields, uint32_t a, uint32_t b,
                               struct ndc_link_evidence *out, unsigned max,
                               double *log_odds)
{
    const struct ndc_link_spec *spec = t->spec;
    struct comparison c;
    unsigned n = 0;
    ndc_link_compare_rows(&c, t, fields, NULL, a, b);
    *log_odds = ndc_link_comparison_log_odds(model, &c);
    for (unsigned g = 0; g < spec->group_count; g++) {
        const struct spec_group *group = &spec->groups[g];
        double weight = model->groups[g].weight[c.cells[g]];
        weight += (double)c.group_frequency[g];
        if (group->is_swap) {
            if (c.cells[g] == 2 && n < max)
                out[n++] = (struct ndc_link_evidence){spec->fields[group->fields[0]].name,
                                                      "parts swapped", weight, 0};
            continue;
        }
        for (unsigned i = 0; i < group->field_count && n < max; i++) {
            unsigned f = group->fields[i], level = c.levels[f];
            uint32_t v = table_row(t, a)[f];
            double share = 0;
            if (level == 1 && fields[f].log_frequency)
                share = exp((double)fields[f].log_frequency[v]);
            out[n++] = (struct ndc_link_evidence){
                spec->fields[f].name, level_name(spec->fields[f].comparator, level),
                i == 0 ? weight : 0, share};
        }
    }
    return n;
}

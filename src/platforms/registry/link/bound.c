/* Upper bounds of log odds (bound.h). The second term of the score, against two people of
 * one household, only ever takes away, so prior, weights and rarities bound it. */
#include "platforms/registry/link/bound.h"

#include <math.h>

/* Rarities are added up as floats elsewhere: a bound this much below the floor is no
 * matter of rounding. */
#define SLACK 0.01

static double rarest_class(const struct table *t, const struct model_field *fields,
                           unsigned f)
{
    const struct column *c = &t->columns[f];
    double most = 0;
    if (!c->class_of || !fields[f].log_frequency) return 0;
    for (uint32_t k = 1; k <= c->class_names.count; k++)
        most =
            fmax(most, (double)(fields[f].log_exact - fields[f].class_log_frequency[k]));
    return most;
}

/* Level as a pattern digit: missing, equal, anything else. */
static unsigned digit(unsigned level)
{
    return level < 2 ? level : 2;
}

static void bound_cells(struct group_bound *out, const struct ndc_link_spec *spec,
                        const struct spec_group *group, const double *weight)
{
    out->most = weight[0];
    out->most_unlike = -INFINITY;
    for (unsigned p = 0; p < BOUND_PATTERNS; p++)
        out->pattern[p] = -INFINITY;
    for (unsigned cell = 0; cell < group->cells; cell++) {
        uint8_t levels[GROUP_FIELDS_MAX] = {0};
        out->most = fmax(out->most, weight[cell]);
        if (group->is_swap) continue;
        ndc_link_group_levels(spec, group, cell, levels);
        if (group->field_count == 1 && levels[0] >= 2)
            out->most_unlike = fmax(out->most_unlike, weight[cell]);
        if (group->field_count != 2) continue;
        double *p = &out->pattern[digit(levels[0]) * 3 + digit(levels[1])];
        *p = fmax(*p, weight[cell]);
    }
}

/* Comparators that look at few bytes come first. */
static unsigned cost_of(const struct comparator *how)
{
    static const char *const cheap[] = {"exact", "date", "id", "code", "vi_name"};
    unsigned i = 0;
    while (i < NDC_ARRAY_LEN(cheap) && strcmp(how->name, cheap[i]) != 0)
        i++;
    return i;
}

static void order_groups(struct bound *b)
{
    const struct ndc_link_spec *spec = b->table->spec;
    for (unsigned g = 0; g < spec->group_count; g++) {
        if (!b->groups[g].single) continue;
        unsigned cost = cost_of(spec->fields[spec->groups[g].fields[0]].comparator);
        unsigned at = b->order_count++;
        for (; at > 0; at--) {
            unsigned f = spec->groups[b->order[at - 1]].fields[0];
            if (cost_of(spec->fields[f].comparator) <= cost) break;
            b->order[at] = b->order[at - 1];
        }
        b->order[at] = g;
    }
}

void ndc_link_bound_init(struct bound *b, const struct table *table,
                         const struct ndc_link_model *model,
                         const struct model_field *fields)
{
    const struct ndc_link_spec *spec = table->spec;
    *b = (struct bound){.table = table, .model = model, .fields = fields};
    for (unsigned g = 0; g < spec->group_count; g++) {
        const struct spec_group *group = &spec->groups[g];
        struct group_bound *out = &b->groups[g];
        bound_cells(out, spec, group, model->groups[g].weight);
        if (group->is_swap) continue;
        unsigned first = group->fields[0];
        /* Of two texts that are one number the level may be that of equal values. */
        bool texts = strcmp(spec->fields[first].comparator->name, "number") != 0;
        out->single = group->field_count == 1 && spec->fields[first].swap < 0 && texts;
        out->pair =
            group->field_count == 2 && spec->fields[first].swap == (int)group->fields[1];
        for (unsigned i = 0; i < group->field_count; i++)
            out->class_most[i] = (float)rarest_class(table, fields, group->fields[i]);
    }
    order_groups(b);
}

/* How much an equal value's rarity adds. */
static double rarity(const struct bound *b, unsigned f, uint32_t value)
{
    const struct model_field *mf = &b->fields[f];
    return mf->log_frequency ? (double)(mf->log_exact - mf->log_frequency[value]) : 0;
}

static bool same_class(const struct column *c, uint32_t x, uint32_t y)
{
    return c->class_of && c->class_of[x] == c->class_of[y];
}

/* A group of one field whose values both rows have and that differ. */
static double unlike_most(const struct bound *b, unsigned g, uint32_t x, uint32_t y)
{
    const struct group_bound *of = &b->groups[g];
    unsigned f = b->table->spec->groups[g].fields[0];
    bool class = same_class(&b->table->columns[f], x, y);
    return of->most_unlike + (class ? (double)of->class_most[0] : 0);
}

/* Two fields that may hold each other's values. */
static double pair_most(const struct bound *b, unsigned g, const uint32_t *x,
                        const uint32_t *y)
{
    const struct spec_group *group = &b->table->spec->groups[g];
    const struct group_bound *of = &b->groups[g];
    unsigned p = group->fields[0], q = group->fields[1];
    bool equal = (x[p] && (x[p] == y[p] || x[p] == y[q])) ||
                 (x[q] && (x[q] == y[q] || x[q] == y[p]));
    if (equal) {
        double rare = fmax(of->class_most[0], of->class_most[1]);
        if (x[p]) rare = fmax(rare, rarity(b, p, x[p]));
        if (x[q]) rare = fmax(rare, rarity(b, q, x[q]));
        return of->most + rare;
    }
    unsigned direct = (x[p] && y[p] ? 2u : 0u) * 3 + (x[q] && y[q] ? 2u : 0u);
    unsigned crossed = (x[p] && y[q] ? 2u : 0u) * 3 + (x[q] && y[p] ? 2u : 0u);
    double rare = direct || crossed ? fmax(of->class_most[0], of->class_most[1]) : 0;
    return fmax(of->pattern[direct], of->pattern[crossed]) + rare;
}

/* Any other group, the worst case of all. */
static double any_most(const struct bound *b, unsigned g, const uint32_t *x)
{
    const struct spec_group *group = &b->table->spec->groups[g];
    double rare = 0;
    for (unsigned i = 0; i < group->field_count && !group->is_swap; i++) {
        unsigned f = group->fields[i];
        rare = fmax(rare, (double)b->groups[g].class_most[i]);
        if (x[f]) rare = fmax(rare, rarity(b, f, x[f]));
    }
    return b->groups[g].most + rare;
}

/* The bound before anything is compared. */
static double first_bound(const struct bound *b, const uint32_t *x, const uint32_t *y)
{
    const struct ndc_link_spec *spec = b->table->spec;
    double sum = b->model->prior_log_odds;
    for (unsigned g = 0; g < spec->group_count; g++) {
        unsigned f = spec->groups[g].fields[0];
        if (b->groups[g].pair) {
            sum += pair_most(b, g, x, y);
        } else if (!b->groups[g].single) {
            sum += any_most(b, g, x);
        } else if (!x[f] || !y[f]) {
            sum += b->model->groups[g].weight[0];
        } else if (x[f] == y[f]) {
            sum += b->model->groups[g].weight[1] + rarity(b, f, x[f]);
        } else {
            sum += unlike_most(b, g, x[f], y[f]);
        }
    }
    return sum;
}

bool ndc_link_bound_may(const struct bound *b, struct memo *memo, uint32_t a, uint32_t c,
                        double floor)
{
    const struct table *t = b->table;
    const uint32_t *x = table_row(t, a), *y = table_row(t, c);
    double sum = first_bound(b, x, y), least = floor - SLACK;
    for (unsigned i = 0; i < b->order_count && sum >= least; i++) {
        unsigned g = b->order[i], f = t->spec->groups[g].fields[0];
        if (!x[f] || !y[f] || x[f] == y[f]) continue;
        unsigned level = ndc_link_level(&t->columns[f], memo, x[f], y[f]);
        double now = b->model->groups[g].weight[level];
        if (level == 2 && same_class(&t->columns[f], x[f], y[f]))
            now += (double)b->groups[g].class_most[0];
        if (level == 1) now += rarity(b, f, x[f]);
        sum += now - unlike_most(b, g, x[f], y[f]);
    }
    return sum >= least;
}

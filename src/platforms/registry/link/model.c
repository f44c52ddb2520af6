/* The model's parts: cells of groups, value frequencies, comparison of two rows. */
#include "platforms/registry/link/model.h"

#include <math.h>

double ndc_link_first_m(unsigned level, unsigned levels)
{
    if (level == 1) return 0.85;
    if (level == levels) return 0.03;
    return 0.12 / (double)(levels - 2);
}

struct ndc_link_model *ndc_link_model_new(const struct ndc_link_spec *spec)
{
    struct ndc_link_model *model = ndc_xcalloc(1, sizeof *model);
    model->spec = spec;
    for (unsigned g = 0; g < spec->group_count; g++) {
        const struct spec_group *group = &spec->groups[g];
        struct model_group *mg = &model->groups[g];
        mg->m = ndc_xcalloc(group->cells, sizeof(double));
        mg->u = ndc_xcalloc(group->cells, sizeof(double));
        mg->weight = ndc_xcalloc(group->cells, sizeof(double));
        mg->random = ndc_xcalloc(group->cells, sizeof(double));
        mg->h = ndc_xcalloc(group->cells, sizeof(double));
        mg->weight_h = ndc_xcalloc(group->cells, sizeof(double));
    }
    return model;
}

void ndc_link_model_fields_free(struct model_field *fields)
{
    for (unsigned f = 0; f < NDC_LINK_FIELDS_MAX; f++) {
        free(fields[f].log_frequency);
        free(fields[f].class_log_frequency);
        fields[f].log_frequency = fields[f].class_log_frequency = NULL;
    }
}

void ndc_link_model_free(struct ndc_link_model *model)
{
    if (!model) return;
    for (unsigned g = 0; g < NDC_ARRAY_LEN(model->groups); g++) {
        free(model->groups[g].m);
        free(model->groups[g].u);
        free(model->groups[g].weight);
        free(model->groups[g].random);
        free(model->groups[g].h);
        free(model->groups[g].weight_h);
    }
    ndc_link_model_fields_free(model->fields);
    for (unsigned f = 0; f < NDC_LINK_FIELDS_MAX; f++) {
        free(model->kept[f].hashes);
        free(model->kept[f].log_shares);
        free(model->kept[f].starts);
        free(model->kept_class[f].hashes);
        free(model->kept_class[f].log_shares);
        free(model->kept_class[f].starts);
    }
    free(model);
}

void ndc_link_group_levels(const struct ndc_link_spec *spec,
                           const struct spec_group *group, unsigned cell,
                           uint8_t levels[static GROUP_FIELDS_MAX])
{
    for (unsigned i = group->field_count; i-- > 0;) {
        unsigned n = spec->fields[group->fields[i]].comparator->levels + 1;
        levels[i] = (uint8_t)(cell % n);
        cell /= n;
    }
}

unsigned ndc_link_group_missing(const struct ndc_link_spec *spec,
                                const struct spec_group *group, unsigned cell)
{
    if (group->is_swap) return cell == 0;
    uint8_t levels[GROUP_FIELDS_MAX];
    unsigned mask = 0;
    ndc_link_group_levels(spec, group, cell, levels);
    for (unsigned i = 0; i < group->field_count; i++)
        mask |= (levels[i] == 0) << i;
    return mask;
}

/* Chance that two comparable random rows agree on a value: over all pairs, or over pairs
 * of different sources. counts[v] rows hold v. */
static double agreement_chance(const struct table *t, unsigned field)
{
    const struct column *c = &t->columns[field];
    double same = 0, all = (double)c->present * (double)c->present;
    for (uint32_t v = 1; v <= c->dict->count; v++)
        same += (double)c->rows_of[v] * c->rows_of[v];
    if (!t->spec->between_only) {
        same -= (double)c->present;
        all -= (double)c->present;
        return all > 0 ? same / all : 0;
    }
    uint32_t *counts = ndc_xcalloc((size_t)c->dict->count + 1, sizeof *counts);
    for (unsigned s = 0; s < t->source_names.count; s++) {
        double present = 0, squares = 0;
        for (uint32_t i = t->source_start[s]; i < t->source_start[s + 1]; i++) {
            uint32_t v = table_row(t, i)[field];
            if (v == 0) continue;
            squares += 2.0 * counts[v]++ + 1;
            present++;
        }
        for (uint32_t i = t->source_start[s]; i < t->source_start[s + 1]; i++)
            counts[table_row(t, i)[field]] = 0;
        same -= squares;
        all -= present * present;
    }
    free(counts);
    return all > 0 ? same / all : 0;
}

/* Rows of the least frequent value that a model would keep; 1 when all are kept. */
static uint32_t least_kept(const uint32_t *rows, uint32_t count)
{
    enum { COUNTS = 65536 };
    uint32_t values = 0, least = COUNTS - 1;
    uint64_t kept = 0, *with = ndc_xcalloc(COUNTS, sizeof *with);
    for (uint32_t v = 1; v <= count; v++) {
        values += rows[v] > 0;
        with[NDC_MIN(rows[v], (uint32_t)COUNTS - 1)]++;
    }
    for (; least > 1 && (kept += with[least]) < NDC_LINK_KEPT_MAX; least--)
        ;
    free(with);
    return values < NDC_LINK_KEPT_MAX ? 1 : least;
}

/* As a model that was kept and read back gives them. */
static float *log_shares(const uint32_t *rows, uint32_t count, uint64_t present)
{
    float *out = ndc_xcalloc((size_t)count + 1, sizeof *out);
    uint32_t least = least_kept(rows, count);
    for (uint32_t v = 1; v <= count; v++)
        out[v] =
            logf((float)((double)NDC_MAX(rows[v], least) / (double)NDC_MAX(present, 1)));
    return out;
}

void ndc_link_model_count(struct ndc_link_model *model, const struct table *t)
{
    ndc_link_model_fields_free(model->fields);
    for (unsigned f = 0; f < t->spec->field_count; f++) {
        const struct column *c = &t->columns[f];
        if (!c->field->comparator) continue;
        model->fields[f].exact = NDC_MAX(agreement_chance(t, f), 1e-12);
        model->fields[f].log_exact = (float)log(model->fields[f].exact);
        if (!c->field->frequency) continue;
        model->fields[f].log_frequency =
            log_shares(c->rows_of, c->dict->count, c->present);
        if (c->class_of)
            model->fields[f].class_log_frequency =
                log_shares(c->class_rows, c->class_names.count, c->present);
    }
}

void ndc_link_model_weigh(struct ndc_link_model *model)
{
    for (unsigned g = 0; g < model->spec->group_count; g++) {
        const struct spec_group *group = &model->spec->groups[g];
        struct model_group *mg = &model->groups[g];
        mg->weight[0] = 0;
        for (unsigned c = 1; c < group->cells; c++) {
            mg->weight[c] = mg->m[c] > 0 && mg->u[c] > 0 ? log(mg->m[c] / mg->u[c]) : 0;
            mg->weight_h[c] = mg->h[c] > 0 && mg->u[c] > 0 ? log(mg->h[c] / mg->u[c]) : 0;
        }
    }
}

double ndc_link_cells_log_odds(const struct ndc_link_model *model, const uint16_t *cells,
                               float frequency, float shared_frequency)
{
    double sum = model->prior_log_odds + (double)frequency;
    for (unsigned g = 0; g < model->spec->group_count; g++)
        sum += model->groups[g].weight[cells[g]];
    if (!model->spec->has_shared) return sum;
    /* Against a random pair or a household pair, whichever explains it. */
    double kin = model->prior_h + (double)shared_frequency;
    for (unsigned g = 0; g < model->spec->group_count; g++)
        kin += model->groups[g].weight_h[cells[g]];
    return kin > 30 ? sum - kin : sum - log1p(exp(kin));
}

double ndc_link_comparison_log_odds(const struct ndc_link_model *model,
                                    const struct comparison *c)
{
    return ndc_link_cells_log_odds(model, c->cells, c->frequency, c->shared_frequency);
}

void ndc_link_compared_free(struct compared *c)
{
    free(c->pairs);
    free(c->cells);
    free(c->frequency);
    free(c->shared_frequency);
    *c = (struct compared){0};
}

/* ---- comparing two rows ---- */

void ndc_link_memo_init(struct memo *memo, unsigned log2_slots_max, size_t pairs)
{
    unsigned log2_slots = 6;
    while (log2_slots < log2_slots_max && (size_t)1 << log2_slots < pairs)
        log2_slots++;
    memo->slots = ndc_xcalloc((size_t)1 << log2_slots, sizeof *memo->slots);
    memo->mask = ((uint64_t)1 << log2_slots) - 1;
}

void ndc_link_memo_free(struct memo *memo)
{
    free(memo->slots);
    memo->slots = NULL;
}

/* In the order of the texts: value numbers are given as threads happen to commit their
 * batches, and a comparator need not be symmetric. */
static uint8_t compare_texts(const struct column *column, uint32_t a, uint32_t b)
{
    const struct comparator *how = column->field->comparator;
    if (how->symmetric) return how->compare(column, a, b);
    bool after =
        ndc_str_cmp(ndc_dict_get(column->dict, a), ndc_dict_get(column->dict, b)) > 0;
    return how->compare(column, after ? b : a, after ? a : b);
}

uint8_t ndc_link_level(const struct column *column, struct memo *memo, uint32_t a,
                       uint32_t b)
{
    if (a == 0 || b == 0) return 0;
    if (a == b) return 1;
    uint32_t low = NDC_MIN(a, b), high = NDC_MAX(a, b);
    if (!memo) return compare_texts(column, low, high);
    uint64_t hash = ndc_mix64(((uint64_t)low << 32 | high) ^ column->digest);
    uint64_t *slot = &memo->slots[hash & memo->mask];
    uint64_t tag = hash & ~(uint64_t)0xff;
    if ((*slot & ~(uint64_t)0xff) == tag && (*slot & 0xff))
        return (uint8_t)(*slot & 0xff);
    uint8_t level = compare_texts(column, low, high);
    *slot = tag | level;
    return level;
}

/* ---- fetching ahead: pairs are anywhere in the table, their texts anywhere too ---- */

enum { AHEAD_ROWS = 12, AHEAD_STARTS = 9, AHEAD_TEXTS = 6, AHEAD_CLASSES = 3 };

static void look_start(const struct ndc_dict *dict, uint32_t id)
{
    __builtin_prefetch(&dict->starts[id - 1]);
}

static void look_text(const struct ndc_dict *dict, uint32_t id)
{
    __builtin_prefetch(dict->bytes + dict->starts[id - 1]);
}

/* One step nearer to the text of a value, or of its class where that is compared. */
static void look_value(const struct column *c, uint32_t v, unsigned step)
{
    if (!c->class_of) {
        if (step == AHEAD_STARTS) look_start(c->dict, v);
        if (step == AHEAD_TEXTS) look_text(c->dict, v);
    } else if (step == AHEAD_STARTS) {
        __builtin_prefetch(&c->class_of[v]);
    } else if (step == AHEAD_TEXTS) {
        look_start(&c->class_names, c->class_of[v]);
    } else {
        look_text(&c->class_names, c->class_of[v]);
    }
}

static void look_values(const struct table *t, uint64_t pair, unsigned step)
{
    const uint32_t *x = table_row(t, (uint32_t)(pair >> 32));
    const uint32_t *y = table_row(t, (uint32_t)pair);
    for (unsigned f = 0; f < t->spec->field_count; f++) {
        const struct column *c = &t->columns[f];
        if (x[f] == y[f] || !x[f] || !y[f] || !c->field->comparator) continue;
        if (step == AHEAD_CLASSES && !c->class_of) continue;
        look_value(c, x[f], step);
        look_value(c, y[f], step);
    }
}

void ndc_link_look_ahead(const struct table *t, const uint64_t *pairs, size_t i,
                         size_t count)
{
    if (i + AHEAD_ROWS < count) {
        uint64_t pair = pairs[i + AHEAD_ROWS];
        __builtin_prefetch(table_row(t, (uint32_t)(pair >> 32)));
        __builtin_prefetch(table_row(t, (uint32_t)pair));
    }
    if (i + AHEAD_STARTS < count) look_values(t, pairs[i + AHEAD_STARTS], AHEAD_STARTS);
    if (i + AHEAD_TEXTS < count) look_values(t, pairs[i + AHEAD_TEXTS], AHEAD_TEXTS);
    if (i + AHEAD_CLASSES < count)
        look_values(t, pairs[i + AHEAD_CLASSES], AHEAD_CLASSES);
}

/* ---- levels ---- */

/* How badly a level speaks against a match, for choosing between two alignments. */
static double misfit(unsigned level, unsigned levels)
{
    if (level == 0) return 0.6;
    return level >= levels ? 1 : 0.5 * (double)(level - 1) / (double)levels;
}

/* Fields f and g of one comparator may hold each other's value: takes the crossed
 * alignment if it fits clearly better. True if crossed. */
static bool align_swapped(struct comparison *out, const struct table *t,
                          struct memo *memo, const uint32_t *x, const uint32_t *y,
                          unsigned f, unsigned g)
{
    NDC_ASSERT(t->spec->fields[f].comparator);
    unsigned levels = t->spec->fields[f].comparator->levels;
    if (out->levels[f] == 1 || out->levels[g] == 1) return false;
    uint8_t cross_f = ndc_link_level(&t->columns[f], memo, x[f], y[g]);
    uint8_t cross_g = ndc_link_level(&t->columns[f], memo, x[g], y[f]);
    double direct = misfit(out->levels[f], levels) + misfit(out->levels[g], levels);
    double crossed = misfit(cross_f, levels) + misfit(cross_g, levels);
    bool good = (cross_f > 0 && cross_f < levels) || (cross_g > 0 && cross_g < levels);
    if (!good || crossed + 0.3 >= direct) return false;
    out->levels[f] = cross_f;
    out->levels[g] = cross_g;
    return true;
}

/* The frequency term of one field: how much rarer than usual the agreed value is. */
static float frequency_term(const struct table *t, const struct model_field *fields,
                            const struct comparison *c, unsigned f, uint32_t x,
                            uint32_t y, uint32_t crossed)
{
    const struct model_field *mf = &fields[f];
    if (!mf->log_frequency || x == 0) return 0;
    if (c->levels[f] == 1) {
        float share = mf->log_frequency[x];
        int other = t->spec->fields[f].swap;
        if (other >= 0 && x != y) share = NDC_MAX(share, fields[other].log_frequency[x]);
        return mf->log_exact - share;
    }
    const struct column *column = &t->columns[f];
    if (c->levels[f] == 2 && column->class_of && crossed != 0 &&
        column->class_of[x] == column->class_of[crossed])
        return mf->log_exact - mf->class_log_frequency[column->class_of[x]];
    return 0;
}

/* In a group only the most telling agreement counts by its rarity; a coarser field's
 * agreement is implied by it. */
static float group_frequency(const struct table *t, const struct model_field *fields,
                             const struct comparison *c, const struct spec_group *group,
                             const uint32_t *x, const uint32_t *y,
                             const uint32_t *crossed)
{
    unsigned left[GROUP_FIELDS_MAX], n = 0;
    for (unsigned i = 0; i < group->field_count; i++) {
        unsigned f = group->fields[i], at = n++;
        for (; at > 0 && fields[left[at - 1]].exact > fields[f].exact; at--)
            left[at] = left[at - 1];
        left[at] = f;
    }
    for (unsigned i = 0; i < n; i++) {
        unsigned f = left[i], levels = t->spec->fields[f].comparator->levels;
        float term = frequency_term(t, fields, c, f, x[f], y[f], crossed[f]);
        if (term != 0) return term;
        if (c->levels[f] != 0 && c->levels[f] < levels) return 0;
    }
    return 0;
}

void ndc_link_compare_rows(struct comparison *out, const struct table *t,
                           const struct model_field *fields, struct memo *memo,
                           uint32_t a, uint32_t b)
{
    const struct ndc_link_spec *spec = t->spec;
    const uint32_t *x = table_row(t, a), *y = table_row(t, b);
    uint32_t crossed[NDC_LINK_FIELDS_MAX];
    uint32_t is_crossed = 0;
    for (unsigned f = 0; f < spec->field_count; f++)
        out->levels[f] = spec->fields[f].comparator
                             ? ndc_link_level(&t->columns[f], memo, x[f], y[f])
                             : 0;
    memcpy(crossed, y, spec->field_count * sizeof *y);
    for (unsigned f = 0; f < spec->field_count; f++) {
        int g = spec->fields[f].swap;
        if (g <= (int)f) continue;
        if (!align_swapped(out, t, memo, x, y, f, (unsigned)g)) continue;
        crossed[f] = y[g];
        crossed[g] = y[f];
        is_crossed |= 1u << f;
    }
    out->frequency = out->shared_frequency = 0;
    for (unsigned i = 0; i < spec->group_count; i++) {
        const struct spec_group *group = &spec->groups[i];
        unsigned cell = 0, first = group->fields[0];
        out->group_frequency[i] = 0;
        if (group->is_swap) {
            unsigned second = (unsigned)spec->fields[first].swap;
            bool known = out->levels[first] != 0 || out->levels[second] != 0;
            out->cells[i] = known ? (is_crossed >> first & 1 ? 2 : 1) : 0;
            continue;
        }
        for (unsigned k = 0; k < group->field_count; k++) {
            unsigned f = group->fields[k];
            cell = cell * (spec->fields[f].comparator->levels + 1) + out->levels[f];
        }
        out->cells[i] = (uint16_t)cell;
        out->group_frequency[i] = group_frequency(t, fields, out, group, x, y, crossed);
        out->frequency += out->group_frequency[i];
        if (group->shared) out->shared_frequency += out->group_frequency[i];
    }
}

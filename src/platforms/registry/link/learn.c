/* Learning the model from the rows alone.
 *
 * u, how two different entities agree, comes from random pairs (and, for exact agreement
 * of single fields, from the value counts), cleaned of the matches among them. m, how two
 * records of one entity agree, comes from expectation-maximisation over the candidate
 * pairs with u held: Fellegi & Sunter 1969, Winkler 1988. The value-frequency terms are
 * in the expectation step (without them common names pull m away). Since candidates of
 * many rules hold most matches, a candidate's posterior is the posterior of a random
 * pair: the condition "shares a key" cancels. The prior is the expected matches over all
 * pairs.
 *
 * Sums are taken in fixed chunks and added in order: the same bits on any thread count.
 */
#include "platforms/registry/link/model.h"
#include "sys/thread.h"

#include <math.h>

enum {
    RANDOM_PAIRS = 200000,
    LEARN_PAIRS_MAX = 300000,
    CHUNKS = 64,
    ROUNDS_MAX = 60,
    MEMO_LOG2 = 15
};
#define SETTLED         1e-5 /* largest change of an m */
#define HOUSEHOLD_ALIKE 0.02
#define M_SMOOTHING     2.0 /* pairs' worth of the first guess in every m */

struct learner {
    struct ndc_link_model *model;
    const struct table *table;
    unsigned groups, cells_total;
    unsigned offset[2 * NDC_LINK_FIELDS_MAX]; /* of a group in the flat cell arrays */
    size_t count;
    const uint64_t *pairs;
    uint16_t *cells; /* pair x groups */
    float *frequency, *shared_frequency;
    double *sums;                  /* chunk x cells_total */
    double *sums_h;                /* the same for household pairs */
    double *expected, *expected_h; /* chunk */
};

static void compare_chunk(void *arg, size_t chunk)
{
    struct learner *l = arg;
    size_t from = l->count * chunk / CHUNKS, to = l->count * (chunk + 1) / CHUNKS;
    struct memo memo;
    ndc_link_memo_init(&memo, MEMO_LOG2, SIZE_MAX);
    for (size_t i = from; i < to; i++) {
        struct comparison c;
        ndc_link_look_ahead(l->table, l->pairs, i, to);
        ndc_link_compare_rows(&c, l->table, l->model->fields, &memo,
                              (uint32_t)(l->pairs[i] >> 32), (uint32_t)l->pairs[i]);
        memcpy(l->cells + i * l->groups, c.cells, l->groups * sizeof *l->cells);
        l->frequency[i] = c.frequency;
        l->shared_frequency[i] = c.shared_frequency;
    }
    ndc_link_memo_free(&memo);
}

static void compare_all(struct learner *l, const uint64_t *pairs, size_t count,
                        unsigned threads)
{
    l->pairs = pairs;
    l->count = count;
    l->cells = ndc_xmalloc((count * l->groups + 1) * sizeof *l->cells);
    l->frequency = ndc_xmalloc((count + 1) * sizeof *l->frequency);
    l->shared_frequency = ndc_xmalloc((count + 1) * sizeof *l->shared_frequency);
    ndc_parallel_for(threads, CHUNKS, compare_chunk, l);
}

/* ---- u: random pairs ---- */

static double comparable_pairs(const struct table *t)
{
    double n = t->row_count, all = n * (n - 1) / 2;
    if (!t->spec->between_only) return all;
    for (unsigned s = 0; s < t->source_names.count; s++)
        all -= (double)t->source_rows[s] * (t->source_rows[s] - 1.0) / 2;
    return all;
}

static uint64_t *random_pairs(const struct table *t, double all, size_t *count)
{
    uint64_t *out = ndc_xmalloc((RANDOM_PAIRS + 1) * sizeof *out);
    size_t n = 0;
    bool between = t->spec->between_only;
    if (all <= RANDOM_PAIRS) {
        for (uint32_t a = 0; a < t->row_count; a++)
            for (uint32_t b = a + 1; b < t->row_count && n < RANDOM_PAIRS; b++)
                if (!between || t->sources[a] != t->sources[b])
                    out[n++] = (uint64_t)a << 32 | b;
    } else {
        uint64_t state = 20250818;
        while (n < RANDOM_PAIRS) {
            uint32_t a = (uint32_t)ndc_rng_below(&state, t->row_count);
            uint32_t b = (uint32_t)ndc_rng_below(&state, t->row_count);
            if (a == b || (between && t->sources[a] == t->sources[b])) continue;
            out[n++] = (uint64_t)NDC_MIN(a, b) << 32 | NDC_MAX(a, b);
        }
    }
    *count = n;
    return out;
}

/* Divides each cell by the total of its missing pattern. */
static void normalise(const struct ndc_link_spec *spec, const struct spec_group *group,
                      double *cells)
{
    double total[1 << GROUP_FIELDS_MAX] = {0};
    for (unsigned c = 0; c < group->cells; c++)
        total[ndc_link_group_missing(spec, group, c)] += cells[c];
    for (unsigned c = 0; c < group->cells; c++) {
        double sum = total[ndc_link_group_missing(spec, group, c)];
        cells[c] = sum > 0 ? cells[c] / sum : 0;
    }
}

/* Product over the group's present fields of share[field][level]. */
static double product_of(const struct ndc_link_spec *spec, const struct spec_group *group,
                         unsigned cell, double share[][LEVELS_MAX + 1])
{
    uint8_t levels[GROUP_FIELDS_MAX];
    double p = 1;
    ndc_link_group_levels(spec, group, cell, levels);
    for (unsigned i = 0; i < group->field_count; i++)
        if (levels[i]) p *= share[i][levels[i]];
    return p;
}

/* Adds up cells into shares of each field's levels, among pairs where it is present. */
static void field_shares(const struct ndc_link_spec *spec, const struct spec_group *group,
                         const double *cells, double share[][LEVELS_MAX + 1])
{
    for (unsigned i = 0; i < group->field_count; i++) {
        double total = 0;
        for (unsigned k = 0; k <= LEVELS_MAX; k++)
            share[i][k] = 0;
        for (unsigned c = 1; c < group->cells; c++) {
            uint8_t levels[GROUP_FIELDS_MAX];
            ndc_link_group_levels(spec, group, c, levels);
            if (levels[i] == 0) continue;
            share[i][levels[i]] += cells[c];
            total += cells[c];
        }
        for (unsigned k = 0; k <= LEVELS_MAX; k++)
            share[i][k] = total > 0 ? share[i][k] / total : 0;
    }
}

/* Replaces a field's sampled share of exact agreement by the counted one. */
static void use_counted_exact(double share[LEVELS_MAX + 1], double exact, double least)
{
    double others = 0, rest = 1 - exact;
    for (unsigned k = 2; k <= LEVELS_MAX; k++)
        others += share[k];
    share[1] = exact;
    for (unsigned k = 2; k <= LEVELS_MAX; k++)
        share[k] = others > 0 ? share[k] / others * rest : 0;
    for (unsigned k = 1; k <= LEVELS_MAX; k++)
        share[k] = NDC_MAX(share[k], least);
}

static void random_shares(struct learner *l, const double *counts, size_t sample)
{
    const struct ndc_link_spec *spec = l->table->spec;
    double least = 0.25 / (double)NDC_MAX(sample, 1);
    for (unsigned g = 0; g < l->groups; g++) {
        const struct spec_group *group = &spec->groups[g];
        double *random = l->model->groups[g].random;
        const double *count = counts + l->offset[g];
        if (group->is_swap) {
            random[0] = random[1] = random[2] = 1;
            continue;
        }
        double share[GROUP_FIELDS_MAX][LEVELS_MAX + 1];
        double smallest = least;
        field_shares(spec, group, count, share);
        for (unsigned i = 0; i < group->field_count; i++) {
            double exact = l->model->fields[group->fields[i]].exact;
            smallest = NDC_MIN(smallest, exact);
            use_counted_exact(share[i], exact, NDC_MIN(least, exact));
        }
        double total[1 << GROUP_FIELDS_MAX] = {0};
        for (unsigned c = 0; c < group->cells; c++)
            total[ndc_link_group_missing(spec, group, c)] += count[c];
        for (unsigned c = 0; c < group->cells; c++) {
            double expect = product_of(spec, group, c, share);
            double n = total[ndc_link_group_missing(spec, group, c)];
            random[c] = group->field_count == 1 ? expect : (count[c] + expect) / (n + 1);
            random[c] = NDC_MAX(random[c], smallest);
        }
        random[0] = 1;
    }
}

/* u = random pairs less the matches among them, but never under a standard error of what
 * was seen: a value shared only inside entities is not impossible between them. */
static void clean_u(struct learner *l, size_t sample)
{
    const struct ndc_link_spec *spec = l->table->spec;
    double lambda = NDC_MIN(l->model->matches / l->model->pairs_all, 0.4);
    double lambda_h = NDC_MIN(l->model->households / l->model->pairs_all, 0.4);
    for (unsigned g = 0; g < l->groups; g++) {
        struct model_group *mg = &l->model->groups[g];
        const struct spec_group *group = &spec->groups[g];
        for (unsigned c = 1; c < group->cells; c++) {
            double r = mg->random[c], pairs = (double)sample;
            if (group->field_count == 1 && c == 1) pairs = l->model->pairs_all;
            double error = sqrt(r / NDC_MAX(pairs, 1));
            double u =
                (r - lambda * mg->m[c] - lambda_h * mg->h[c]) / (1 - lambda - lambda_h);
            mg->u[c] = NDC_MIN(NDC_MAX(u, NDC_MIN(error, r)), 1);
        }
        mg->u[0] = 1;
        if (group->is_swap) mg->u[1] = mg->u[2] = 1;
    }
}

/* ---- m: expectation and maximisation ---- */

static void expect_chunk(void *arg, size_t chunk)
{
    struct learner *l = arg;
    size_t from = l->count * chunk / CHUNKS, to = l->count * (chunk + 1) / CHUNKS;
    double *sums = l->sums + chunk * l->cells_total, expected = 0;
    double *sums_h = l->sums_h + chunk * l->cells_total, expected_h = 0;
    memset(sums, 0, l->cells_total * sizeof *sums);
    memset(sums_h, 0, l->cells_total * sizeof *sums_h);
    bool shared = l->table->spec->has_shared;
    for (size_t i = from; i < to; i++) {
        const uint16_t *cells = l->cells + i * l->groups;
        double odds = l->model->prior_log_odds + (double)l->frequency[i];
        double kin = shared ? l->model->prior_h + (double)l->shared_frequency[i] : -100;
        for (unsigned g = 0; g < l->groups; g++) {
            odds += l->model->groups[g].weight[cells[g]];
            kin += l->model->groups[g].weight_h[cells[g]];
        }
        if (odds < -20 && kin < -20) continue;
        /* Three ways to explain the pair: one entity, one household, chance. */
        double top = NDC_MAX(NDC_MAX(odds, kin), 0);
        double is = exp(odds - top), near = exp(kin - top), all = is + near + exp(-top);
        expected += is / all;
        expected_h += near / all;
        for (unsigned g = 0; g < l->groups; g++) {
            sums[l->offset[g] + cells[g]] += is / all;
            sums_h[l->offset[g] + cells[g]] += near / all;
        }
    }
    l->expected[chunk] = expected;
    l->expected_h[chunk] = expected_h;
}

static void first_guess(struct learner *l)
{
    const struct ndc_link_spec *spec = l->table->spec;
    for (unsigned g = 0; g < l->groups; g++) {
        const struct spec_group *group = &spec->groups[g];
        struct model_group *mg = &l->model->groups[g];
        if (group->is_swap) {
            mg->m[0] = 1;
            mg->m[1] = 0.97;
            mg->m[2] = 0.03;
            mg->h[0] = mg->h[1] = mg->h[2] = 1;
            continue;
        }
        double share[GROUP_FIELDS_MAX][LEVELS_MAX + 1];
        for (unsigned i = 0; i < group->field_count; i++) {
            unsigned levels = spec->fields[group->fields[i]].comparator->levels;
            for (unsigned k = 1; k <= levels; k++)
                share[i][k] = ndc_link_first_m(k, levels);
        }
        for (unsigned c = 0; c < group->cells; c++)
            mg->m[c] = product_of(spec, group, c, share);
        normalise(spec, group, mg->m);
        memcpy(mg->h, mg->m, group->cells * sizeof *mg->h);
    }
}

/* A household starts out agreeing on what it shares and on nothing else. */
static void first_household(struct learner *l)
{
    const struct ndc_link_spec *spec = l->table->spec;
    l->model->households = spec->has_shared ? l->model->matches : 0;
    for (unsigned g = 0; g < l->groups; g++) {
        struct model_group *mg = &l->model->groups[g];
        size_t bytes = spec->groups[g].cells * sizeof *mg->h;
        if (!spec->groups[g].shared) memcpy(mg->h, mg->random, bytes);
    }
}

/* On what it does not share a household is two strangers, but for a few who agree as one
 * person would: twins' birthdays, names given after kin. Learning these freely would let
 * the class swallow the harder matches. */
static void settle_household(struct learner *l)
{
    const struct ndc_link_spec *spec = l->table->spec;
    for (unsigned g = 0; g < l->groups && spec->has_shared; g++) {
        const struct spec_group *group = &spec->groups[g];
        struct model_group *mg = &l->model->groups[g];
        if (group->shared || group->is_swap) continue;
        for (unsigned c = 1; c < group->cells; c++)
            mg->h[c] = (1 - HOUSEHOLD_ALIKE) * mg->random[c] + HOUSEHOLD_ALIKE * mg->m[c];
    }
}

/* m from weighted counts, each with M_SMOOTHING pairs of what its fields alone suggest.
 */
static double take_m(struct learner *l, unsigned g, double *count, double *m)
{
    const struct ndc_link_spec *spec = l->table->spec;
    const struct spec_group *group = &spec->groups[g];
    double share[GROUP_FIELDS_MAX][LEVELS_MAX + 1];
    double *prior = ndc_xcalloc(group->cells, sizeof *prior), most = 0;
    if (!group->is_swap) field_shares(spec, group, count, share);
    for (unsigned c = 1; c < group->cells; c++) {
        if (group->is_swap) {
            prior[c] = c == 1 ? 0.97 : 0.03;
            continue;
        }
        for (unsigned i = 0; i < group->field_count && c == 1; i++) {
            unsigned levels = spec->fields[group->fields[i]].comparator->levels;
            for (unsigned k = 1; k <= levels; k++)
                share[i][k] = 0.98 * share[i][k] + 0.02 * ndc_link_first_m(k, levels);
        }
        prior[c] = product_of(spec, group, c, share);
    }
    normalise(spec, group, prior);
    for (unsigned c = 0; c < group->cells; c++)
        count[c] += M_SMOOTHING * prior[c];
    normalise(spec, group, count);
    for (unsigned c = 1; c < group->cells; c++) {
        most = NDC_MAX(most, fabs(count[c] - m[c]));
        m[c] = count[c];
    }
    m[0] = 1;
    free(prior);
    return most;
}

static double maximise(struct learner *l)
{
    double *sum = ndc_xcalloc(l->cells_total, sizeof *sum), expected = 0, most = 0;
    double *sum_h = ndc_xcalloc(l->cells_total, sizeof *sum_h), expected_h = 0;
    for (unsigned chunk = 0; chunk < CHUNKS; chunk++) {
        const double *part = l->sums + (size_t)chunk * l->cells_total;
        for (unsigned c = 0; c < l->cells_total; c++)
            sum[c] += part[c];
        expected += l->expected[chunk];
        const double *part_h = l->sums_h + (size_t)chunk * l->cells_total;
        for (unsigned c = 0; c < l->cells_total; c++)
            sum_h[c] += part_h[c];
        expected_h += l->expected_h[chunk];
    }
    l->model->matches = NDC_MAX(expected, 1);
    l->model->households = expected_h;
    for (unsigned g = 0; g < l->groups; g++) {
        double change = take_m(l, g, sum + l->offset[g], l->model->groups[g].m);
        most = NDC_MAX(most, change);
        if (l->table->spec->groups[g].shared && !l->table->spec->groups[g].is_swap)
            (void)take_m(l, g, sum_h + l->offset[g], l->model->groups[g].h);
    }
    settle_household(l);
    free(sum);
    free(sum_h);
    return most;
}

static void set_prior(struct ndc_link_model *model)
{
    double lambda = NDC_MIN(model->matches / model->pairs_all, 0.5);
    model->prior_log_odds = log(lambda / (1 - lambda));
    double kin = NDC_MIN(model->households / model->pairs_all, 0.5);
    model->prior_h =
        model->spec->has_shared ? log(NDC_MAX(kin, 1e-15) / (1 - lambda)) : -100;
}

/* An even sample of the candidates, and how many each stands for. */
static uint64_t *sample_pairs(const uint64_t *pairs, size_t count, size_t *n)
{
    uint64_t *out = ndc_xmalloc((LEARN_PAIRS_MAX + 1) * sizeof *out);
    double share = (double)LEARN_PAIRS_MAX / (double)count;
    uint64_t below = share >= 1 ? UINT64_MAX : (uint64_t)(share * 0x1.0p64);
    *n = 0;
    for (size_t i = 0; i < count && *n < LEARN_PAIRS_MAX; i++)
        if (share >= 1 || ndc_mix64(pairs[i] ^ 0x5bd1e995) < below)
            out[(*n)++] = pairs[i];
    return out;
}

static void learn_random(struct learner *l, size_t *sample, unsigned threads)
{
    uint64_t *pairs = random_pairs(l->table, l->model->pairs_all, sample);
    compare_all(l, pairs, *sample, threads);
    double *counts = ndc_xcalloc(l->cells_total, sizeof *counts);
    for (size_t i = 0; i < *sample; i++)
        for (unsigned g = 0; g < l->groups; g++)
            counts[l->offset[g] + l->cells[i * l->groups + g]]++;
    random_shares(l, counts, *sample);
    free(counts);
    free(pairs);
    free(l->cells);
    free(l->frequency);
    free(l->shared_frequency);
}

void ndc_link_model_learn(struct ndc_link_model *model, struct compared *kept,
                          const struct table *table, const uint64_t *pairs, size_t count,
                          double scale, unsigned threads)
{
    const struct ndc_link_spec *spec = table->spec;
    struct learner l = {.model = model, .table = table, .groups = spec->group_count};
    for (unsigned g = 0; g < l.groups; g++) {
        l.offset[g] = l.cells_total;
        l.cells_total += spec->groups[g].cells;
    }
    ndc_link_model_count(model, table);
    model->pairs_all = NDC_MAX(comparable_pairs(table), 1);
    model->matches = NDC_MAX(NDC_MIN(table->row_count / 2.0, model->pairs_all / 2), 1);
    first_guess(&l);
    size_t sample = 0, used = 0;
    learn_random(&l, &sample, threads);
    first_household(&l);
    uint64_t *chosen = sample_pairs(pairs, count, &used);
    compare_all(&l, chosen, used, threads);
    l.sums = ndc_xmalloc((size_t)CHUNKS * l.cells_total * sizeof *l.sums);
    l.sums_h = ndc_xmalloc((size_t)CHUNKS * l.cells_total * sizeof *l.sums_h);
    l.expected = ndc_xcalloc(CHUNKS, sizeof *l.expected);
    l.expected_h = ndc_xcalloc(CHUNKS, sizeof *l.expected_h);
    if (used > 0) scale *= (double)count / (double)used;
    for (unsigned round = 0; round < ROUNDS_MAX && used > 0; round++) {
        clean_u(&l, sample);
        ndc_link_model_weigh(model);
        set_prior(model);
        ndc_parallel_for(threads, CHUNKS, expect_chunk, &l);
        double change = maximise(&l);
        model->matches *= scale;
        model->households *= scale;
        if (change < SETTLED) break;
    }
    clean_u(&l, sample);
    ndc_link_model_weigh(model);
    set_prior(model);
    model->learned = true;
    free(l.sums);
    free(l.sums_h);
    free(l.expected);
    free(l.expected_h);
    *kept = (struct compared){chosen, used, l.cells, l.frequency, l.shared_frequency};
}

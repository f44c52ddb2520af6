/* Judging a partition against the truth: pairs, and B-cubed. */
#include "platforms/registry/link/eval.h"
#include "base/hash.h"
#include "base/sort.h"
#include "sys/clock.h"

/* Pairs inside one group of `n` items, or those across sources. by_source may be NULL. */
static uint64_t pairs_within(const struct ndc_key32 *items, size_t n,
                             const uint8_t *sources)
{
    uint64_t all = (uint64_t)n * (n - 1) / 2;
    if (!sources) return all;
    uint32_t counts[NDC_LINK_SOURCES_MAX] = {0};
    for (size_t i = 0; i < n; i++)
        all -= counts[sources[items[i].value]]++;
    return all;
}

static void sort_by(struct ndc_key32 *items, struct ndc_key32 *scratch, uint32_t n,
                    const uint32_t *high, const uint32_t *low)
{
    for (uint32_t i = 0; i < n; i++)
        items[i] = (struct ndc_key32){(uint64_t)high[i] << 32 | (low ? low[i] : 0), i};
    ndc_sort_key32(items, scratch, n);
}

struct sums {
    uint64_t pairs, groups;
};

/* Pairs and number of groups of equal keys; sizes[i] gets the size of item i's group. */
static struct sums sum_groups(const struct ndc_key32 *items, uint32_t n,
                              const uint8_t *sources, uint32_t *sizes)
{
    struct sums sums = {0};
    for (uint32_t i = 0; i < n;) {
        uint32_t j = i;
        while (j < n && items[j].key == items[i].key)
            j++;
        sums.pairs += pairs_within(items + i, j - i, sources);
        sums.groups++;
        for (uint32_t k = i; k < j; k++)
            sizes[items[k].value] = j - i;
        i = j;
    }
    return sums;
}

static double harmonic(double a, double b)
{
    return a + b > 0 ? 2 * a * b / (a + b) : 0;
}

void ndc_link_score_partition(struct ndc_link_eval *out, const uint32_t *found,
                              const uint32_t *truth, const uint8_t *sources, uint32_t n,
                              bool between)
{
    size_t room = (size_t)n + 1;
    struct ndc_key32 *items = ndc_xmalloc(room * sizeof *items);
    struct ndc_key32 *scratch = ndc_xmalloc(room * sizeof *items);
    uint32_t *in_found = ndc_xmalloc(room * sizeof *in_found);
    uint32_t *in_truth = ndc_xmalloc(room * sizeof *in_truth);
    uint32_t *in_both = ndc_xmalloc(room * sizeof *in_both);
    const uint8_t *across = between ? sources : NULL;
    sort_by(items, scratch, n, found, NULL);
    struct sums f = sum_groups(items, n, across, in_found);
    sort_by(items, scratch, n, truth, NULL);
    struct sums t = sum_groups(items, n, across, in_truth);
    sort_by(items, scratch, n, found, truth);
    struct sums both = sum_groups(items, n, across, in_both);
    out->rows = n;
    out->found_pairs = f.pairs;
    out->truth_pairs = t.pairs;
    out->right_pairs = both.pairs;
    out->entities = f.groups;
    out->truth_entities = t.groups;
    out->precision = f.pairs ? (double)both.pairs / (double)f.pairs : 1;
    out->recall = t.pairs ? (double)both.pairs / (double)t.pairs : 1;
    out->f1 = harmonic(out->precision, out->recall);
    double precision = 0, recall = 0;
    for (uint32_t i = 0; i < n; i++) {
        precision += (double)in_both[i] / in_found[i];
        recall += (double)in_both[i] / in_truth[i];
    }
    out->b3_precision = n ? precision / n : 1;
    out->b3_recall = n ? recall / n : 1;
    out->b3_f1 = harmonic(out->b3_precision, out->b3_recall);
    free(items);
    free(scratch);
    free(in_found);
    free(in_truth);
    free(in_both);
}

static void judge(struct ndc_link_eval *out, const struct ndc_link *link,
                  const struct ndc_link_labels *labels, bool between)
{
    uint32_t n = ndc_link_row_count(link);
    uint32_t *found = ndc_xmalloc(((size_t)n + 1) * sizeof *found);
    uint32_t *truth = ndc_xcalloc((size_t)n + 1, sizeof *truth);
    uint8_t *sources = ndc_xmalloc((size_t)n + 1);
    for (uint32_t i = 0; i < n; i++) {
        unsigned source;
        uint64_t ref;
        ndc_link_row(link, i, &source, &ref);
        found[i] = ndc_link_entity(link, i);
        sources[i] = (uint8_t)source;
    }
    for (size_t i = 0; i < labels->count; i++) {
        const struct ndc_link_label *l = &labels->items[i];
        uint32_t row = ndc_link_row_find(link, l->source, l->ref);
        if (row != UINT32_MAX) truth[row] = l->truth;
    }
    ndc_link_score_partition(out, found, truth, sources, n, between);
    size_t edges;
    const struct ndc_link_edge *e = ndc_link_edges(link, &edges);
    out->candidate_truth = 0;
    for (size_t i = 0; i < edges; i++)
        out->candidate_truth += truth[e[i].a] == truth[e[i].b];
    free(found);
    free(truth);
    free(sources);
}

enum ndc_err ndc_link_eval_files(struct ndc_link_eval *out,
                                 const struct ndc_link_spec *spec, const char *left,
                                 const char *right, unsigned threads,
                                 struct ndc_link **link_out, struct ndc_fault *fault)
{
    struct ndc_link_options options = {.threads = threads};
    struct ndc_link *link = ndc_link_new(spec, &options);
    struct ndc_link_labels labels = {.want_truth = true};
    *out = (struct ndc_link_eval){0};
    int64_t start = ndc_clock_mono_ns();
    enum ndc_err err = ndc_link_read_csv(link, left, "left", &labels, fault);
    if (!err && right) err = ndc_link_read_csv(link, right, "right", &labels, fault);
    int64_t read = ndc_clock_mono_ns();
    if (!err) err = ndc_link_run(link, fault);
    if (!err) {
        out->seconds_read = (double)(read - start) / 1e9;
        out->seconds_link = (double)(ndc_clock_mono_ns() - read) / 1e9;
        judge(out, link, &labels, right != NULL && ndc_link_spec_between(spec));
        struct ndc_link_stats stats;
        ndc_link_get_stats(link, &stats);
        out->pairs_compared = stats.pairs_compared;
        size_t n;
        (void)ndc_link_caps(link, &n);
        out->blocks_capped = n;
        (void)ndc_link_reviews(link, &n);
        out->reviews = n;
    }
    ndc_link_labels_free(&labels);
    if (!err && link_out)
        *link_out = link;
    else
        ndc_link_free(link);
    return err;
}

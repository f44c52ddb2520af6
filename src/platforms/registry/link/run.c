/* A run: seal the table, join by identifiers, block, learn, score, cluster. */
#include "platforms/registry/link/run.h"
#include "platforms/registry/link/bound.h"
#include "sys/clock.h"

#include <math.h>

enum { THREADS_MAX = 16, SCORE_CHUNK = 1 << 15, MEMO_LOG2 = 18, LEARN_SAMPLE = 1000000 };
enum { MEMO_A_PAIR = 8 };
enum { FILLER_BYTES_MAX = 64 << 20, LEARNED_BYTES_MAX = 1 << 30 };
#define PAIR_BYTES_DEFAULT ((size_t)512 << 20)

void ndc_link_edges_add(struct edges *edges, uint32_t a, uint32_t b, double log_odds,
                        enum ndc_link_edge_kind kind)
{
    if (edges->count == edges->cap) {
        edges->cap = edges->cap * 2 + 1024;
        edges->items = ndc_xrealloc(edges->items, edges->cap * sizeof *edges->items);
    }
    edges->items[edges->count++] = (struct ndc_link_edge){.a = NDC_MIN(a, b),
                                                          .b = NDC_MAX(a, b),
                                                          .log_odds = (float)log_odds,
                                                          .kind = (uint8_t)kind};
}

void ndc_link_reviews_add(struct reviews *reviews, uint32_t a, uint32_t b,
                          double log_odds, enum ndc_link_review_reason reason,
                          bool joined)
{
    if (reviews->count == reviews->cap) {
        reviews->cap = reviews->cap * 2 + 256;
        reviews->items =
            ndc_xrealloc(reviews->items, reviews->cap * sizeof *reviews->items);
    }
    reviews->items[reviews->count++] =
        (struct ndc_link_review){.a = NDC_MIN(a, b),
                                 .b = NDC_MAX(a, b),
                                 .log_odds = (float)log_odds,
                                 .reason = (uint8_t)reason,
                                 .joined = joined};
}

struct ndc_link *ndc_link_new(const struct ndc_link_spec *spec,
                              const struct ndc_link_options *options)
{
    struct ndc_link *link = ndc_xcalloc(1, sizeof *link);
    link->spec = spec;
    if (options) link->options = *options;
    if (link->options.threads == 0) link->options.threads = ndc_cpu_count();
    if (link->options.threads > THREADS_MAX) link->options.threads = THREADS_MAX;
    if (link->options.pair_bytes_max == 0)
        link->options.pair_bytes_max = PAIR_BYTES_DEFAULT;
    ndc_mutex_init(&link->lock);
    for (unsigned f = 0; f < NDC_LINK_FIELDS_MAX; f++)
        ndc_mutex_init(&link->column_locks[f]);
    ndc_link_table_init(&link->table, spec);
    ndc_buf_init(&link->filler_texts, FILLER_BYTES_MAX);
    ndc_buf_init(&link->learned, LEARNED_BYTES_MAX);
    return link;
}

void ndc_link_free(struct ndc_link *link)
{
    if (!link) return;
    ndc_link_blocks_free(&link->blocks);
    ndc_link_nodes_free(&link->nodes);
    ndc_link_table_free(&link->table);
    ndc_link_model_free(link->model);
    ndc_link_model_fields_free(link->looked_up);
    free(link->decisions);
    free(link->edges.items);
    free(link->reviews.items);
    free(link->entity);
    free(link->fillers);
    free(link->capped.items);
    free(link->open);
    ndc_buf_free(&link->filler_texts);
    ndc_buf_free(&link->learned);
    ndc_mutex_free(&link->lock);
    for (unsigned f = 0; f < NDC_LINK_FIELDS_MAX; f++)
        ndc_mutex_free(&link->column_locks[f]);
    free(link);
}

void ndc_link_decide(struct ndc_link *link, unsigned source_a, uint64_t ref_a,
                     unsigned source_b, uint64_t ref_b, bool same)
{
    ndc_mutex_lock(&link->lock);
    if (link->decision_count == link->decision_cap) {
        link->decision_cap = link->decision_cap * 2 + 64;
        link->decisions =
            ndc_xrealloc(link->decisions, link->decision_cap * sizeof *link->decisions);
    }
    link->decisions[link->decision_count++] =
        (struct decision){source_a, source_b, ref_a, ref_b, UINT32_MAX, UINT32_MAX, same};
    ndc_mutex_unlock(&link->lock);
}

void ndc_link_filler_add(struct ndc_link *link, unsigned field, struct ndc_str value)
{
    if (link->filler_count == link->filler_cap) {
        link->filler_cap = link->filler_cap * 2 + 16;
        link->fillers =
            ndc_xrealloc(link->fillers, link->filler_cap * sizeof *link->fillers);
    }
    link->fillers[link->filler_count].field = field;
    link->fillers[link->filler_count].at = (uint32_t)link->filler_texts.len;
    link->fillers[link->filler_count++].len = (uint32_t)value.len;
    ndc_buf_add_str(&link->filler_texts, value);
}

void ndc_link_capped_add(struct ndc_link *link, uint64_t key)
{
    struct keys *k = &link->capped;
    if (k->count == k->cap) {
        k->cap = k->cap * 2 + 64;
        k->items = ndc_xrealloc(k->items, k->cap * sizeof *k->items);
    }
    k->items[k->count++] = key;
}

void ndc_link_use_model(struct ndc_link *link, const struct ndc_link_model *model)
{
    link->given_model = model;
}

/* ---- the stages ---- */

static int compare_decisions(const void *x, const void *y)
{
    const struct decision *a = x, *b = y;
    if (a->a != b->a) return a->a < b->a ? -1 : 1;
    if (a->b != b->b) return a->b < b->b ? -1 : 1;
    return (int)a->same - (int)b->same;
}

/* Finds the rows of decisions and puts these in a fixed order. `names` are the sources as
 * declared, before sealing ordered them. */
void ndc_link_place_decisions(struct ndc_link *link, const struct ndc_dict *names)
{
    const struct ndc_dict *ranked = &link->table.source_names;
    for (size_t i = 0; i < link->decision_count; i++) {
        struct decision *d = &link->decisions[i];
        if (d->source_a < names->count && d->source_b < names->count) {
            uint32_t a = ndc_dict_find(ranked, ndc_dict_get(names, d->source_a + 1));
            uint32_t b = ndc_dict_find(ranked, ndc_dict_get(names, d->source_b + 1));
            uint32_t x = ndc_link_row_find(link, a - 1, d->ref_a);
            uint32_t y = ndc_link_row_find(link, b - 1, d->ref_b);
            d->a = x == UINT32_MAX || y == UINT32_MAX ? UINT32_MAX : NDC_MIN(x, y);
            d->b = x == UINT32_MAX || y == UINT32_MAX ? UINT32_MAX : NDC_MAX(x, y);
        }
        if (d->a == UINT32_MAX || d->a == d->b) {
            d->a = d->b = UINT32_MAX;
            link->stats.decisions_unknown++;
        }
    }
    if (link->decision_count > 1)
        qsort(link->decisions, link->decision_count, sizeof *link->decisions,
              compare_decisions);
}

static void copy_names(struct ndc_dict *out, const struct ndc_dict *names)
{
    ndc_dict_init(out);
    for (uint32_t i = 1; i <= names->count; i++)
        (void)ndc_dict_add(out, ndc_dict_get(names, i));
}

struct scorer {
    struct ndc_link *link;
    const struct pairs *pairs;
    struct bound bound;
    size_t base; /* first pair of this round */
    struct edges found[THREADS_MAX * 4];
    double expected[THREADS_MAX * 4];
};

/* The first pair compared for learning that is not before `pair`. */
static size_t first_known(const struct compared *known, uint64_t pair)
{
    size_t low = 0, high = known->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (known->pairs[middle] < pair)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void score_chunk(void *arg, size_t index)
{
    struct scorer *s = arg;
    const struct ndc_link_model *model = link_model(s->link);
    size_t from = s->base + index * SCORE_CHUNK;
    size_t to = NDC_MIN(from + SCORE_CHUNK, s->pairs->count);
    double floor = log(s->link->spec->edge_floor / (1 - s->link->spec->edge_floor));
    struct memo memo;
    ndc_link_memo_init(&memo, 14, (to - NDC_MIN(from, to)) * MEMO_A_PAIR);
    s->found[index].count = 0;
    s->expected[index] = 0;
    const uint64_t *pairs = s->pairs->items;
    const struct compared *known = &s->link->compared;
    size_t next = from < to ? first_known(known, pairs[from]) : 0;
    unsigned groups = s->link->spec->group_count;
    for (size_t i = from; i < to; i++) {
        uint32_t a = (uint32_t)(pairs[i] >> 32), b = (uint32_t)pairs[i];
        struct comparison c;
        double odds;
        if (next < known->count && known->pairs[next] == pairs[i]) {
            odds = ndc_link_cells_log_odds(model, known->cells + next * groups,
                                           known->frequency[next],
                                           known->shared_frequency[next]);
            next++;
        } else {
            ndc_link_look_ahead(&s->link->table, pairs, i, to);
            if (!ndc_link_bound_may(&s->bound, &memo, a, b, floor)) continue;
            ndc_link_compare_rows(&c, &s->link->table, s->link->fields, &memo, a, b);
            odds = ndc_link_comparison_log_odds(model, &c);
        }
        if (odds < floor) continue;
        s->expected[index] += 1 / (1 + exp(-odds));
        ndc_link_edges_add(&s->found[index], a, b, odds, NDC_LINK_EDGE_MODEL);
    }
    ndc_link_memo_free(&memo);
}

/* Scores pairs in rounds of chunks; edges are kept in the order of pairs. */
void ndc_link_score_pairs(struct ndc_link *link, const struct pairs *pairs)
{
    struct scorer *s = ndc_xcalloc(1, sizeof *s);
    size_t chunks = NDC_ARRAY_LEN(s->found);
    s->link = link;
    s->pairs = pairs;
    ndc_link_bound_init(&s->bound, &link->table, link_model(link), link->fields);
    for (s->base = 0; s->base < pairs->count; s->base += chunks * SCORE_CHUNK) {
        size_t left = (pairs->count - s->base + SCORE_CHUNK - 1) / SCORE_CHUNK;
        size_t n = NDC_MIN(left, chunks);
        ndc_parallel_for(link->options.threads, n, score_chunk, s);
        for (size_t k = 0; k < n; k++) {
            for (size_t i = 0; i < s->found[k].count; i++) {
                const struct ndc_link_edge *e = &s->found[k].items[i];
                ndc_link_edges_add(&link->edges, e->a, e->b, (double)e->log_odds,
                                   e->kind);
            }
            link->stats.matches_expected += s->expected[k];
        }
    }
    for (size_t k = 0; k < chunks; k++)
        free(s->found[k].items);
    free(s);
    link->stats.pairs_compared += pairs->count;
}

bool ndc_link_canceled(struct ndc_link *link, const char *stage, double part)
{
    if (link->options.progress) link->options.progress(link->options.ctx, stage, part);
    return link->options.canceled && link->options.canceled(link->options.ctx);
}

static double seconds_since(int64_t *mark)
{
    int64_t now = ndc_clock_mono_ns();
    double seconds = (double)(now - *mark) / 1e9;
    *mark = now;
    return seconds;
}

/* Rows are cut into ranges whose pairs fit in memory; nearly always one. */
static unsigned pass_count(const struct ndc_link *link, uint64_t pairs)
{
    uint64_t bytes = pairs * 2 * sizeof(uint64_t);
    return (unsigned)(1 + bytes / link->options.pair_bytes_max);
}

static void pass_pairs(struct ndc_link *link, struct pairs *pairs, unsigned pass,
                       unsigned passes, bool report)
{
    uint64_t rows = link->table.row_count;
    uint32_t from = (uint32_t)(rows * pass / passes);
    uint32_t to = (uint32_t)(rows * (pass + 1) / passes);
    ndc_link_blocks_pairs(&link->blocks, pairs, from, to, link->options.threads, report);
}

/* A sample of all pairs, for learning when they do not fit at once; returns how many
 * there are: blocks tell only how many at most, and guards leave a quarter of those. */
static uint64_t sample_pairs(struct ndc_link *link, struct pairs *out)
{
    double share = (double)LEARN_SAMPLE / (double)NDC_MAX(link->blocks.pairs_at_most, 1);
    uint64_t below = share >= 1 ? UINT64_MAX : (uint64_t)(share * 0x1.0p64);
    if (link->given_model) below = 0; /* only to count them */
    return ndc_link_blocks_sample(&link->blocks, out, below, link->options.threads);
}

void ndc_link_take_model(struct ndc_link *link)
{
    ndc_link_model_lookup(link->looked_up, link->given_model, &link->table);
    link->fields = link->looked_up;
}

/* The pairs to be scored, in one pass where they fit; else how many passes it takes, and
 * a sample of them. */
struct candidates {
    struct pairs pairs, sample;
    bool sampled;
    unsigned passes;
};

static void find_candidates(struct ndc_link *link, struct candidates *c)
{
    *c = (struct candidates){.passes = 1};
    c->sampled = pass_count(link, link->blocks.pairs_at_most) > 1;
    if (c->sampled)
        c->passes = pass_count(link, sample_pairs(link, &c->sample));
    else
        pass_pairs(link, &c->pairs, 0, 1, true);
}

static void learn(struct ndc_link *link, const struct candidates *c)
{
    const struct pairs *from = c->sampled ? &c->sample : &c->pairs;
    double scale = 1;
    if (c->sampled) scale = NDC_MAX((double)link->blocks.pairs_at_most / LEARN_SAMPLE, 1);
    link->model = ndc_link_model_new(link->spec);
    ndc_link_model_learn(link->model, &link->compared, &link->table, from->items,
                         from->count, scale, link->options.threads);
    link->fields = link->model->fields;
}

static void drop_candidates(struct ndc_link *link, struct candidates *c)
{
    ndc_link_compared_free(&link->compared);
    ndc_link_blocks_done(&link->blocks);
    free(c->pairs.items);
    free(c->sample.items);
}

static enum ndc_err learn_and_score(struct ndc_link *link, int64_t *mark,
                                    struct ndc_fault *fault)
{
    struct candidates c;
    enum ndc_err err = NDC_OK;
    find_candidates(link, &c);
    link->stats.seconds_block += seconds_since(mark);
    if (link->given_model)
        ndc_link_take_model(link);
    else
        learn(link, &c);
    link->stats.seconds_learn = seconds_since(mark);
    for (unsigned pass = 0; pass < c.passes && !err; pass++) {
        if (ndc_link_canceled(link, "score", 0.3 + 0.5 * pass / c.passes))
            err = ndc_fail(fault, NDC_ECANCELED, "link.canceled", "linking was stopped");
        if (err) break;
        if (c.sampled) pass_pairs(link, &c.pairs, pass, c.passes, pass == 0);
        ndc_link_score_pairs(link, &c.pairs);
    }
    link->stats.seconds_score = seconds_since(mark);
    drop_candidates(link, &c);
    return err;
}

static double uncertainty(const struct ndc_link_review *r)
{
    return fabs((double)r->log_odds);
}

static int compare_reviews(const void *x, const void *y)
{
    const struct ndc_link_review *a = x, *b = y;
    double p = uncertainty(a), q = uncertainty(b);
    if (p != q) return p < q ? -1 : 1;
    if (a->a != b->a) return a->a < b->a ? -1 : 1;
    if (a->b != b->b) return a->b < b->b ? -1 : 1;
    return (int)a->reason - (int)b->reason;
}

static bool edge_after(const struct ndc_link_edge *x, const struct ndc_link_edge *y)
{
    return x->b != y->b ? x->b > y->b : x->kind < y->kind;
}

/* Puts edges in (a, b) order, of one pair the stronger kind first: by a through its
 * number, and a row has few edges. */
static void sort_edges(struct edges *edges, uint32_t rows)
{
    size_t *next = ndc_xcalloc((size_t)rows + 2, sizeof *next);
    struct ndc_link_edge *out = ndc_xmalloc((edges->count + 1) * sizeof *out);
    for (size_t i = 0; i < edges->count; i++)
        next[edges->items[i].a + 2]++;
    for (uint32_t r = 1; r <= rows; r++)
        next[r + 1] += next[r];
    for (size_t i = 0; i < edges->count; i++)
        out[next[edges->items[i].a + 1]++] = edges->items[i];
    for (size_t i = 1; i < edges->count; i++) {
        struct ndc_link_edge edge = out[i];
        size_t at = i;
        for (; at > 0 && out[at - 1].a == edge.a && edge_after(&out[at - 1], &edge); at--)
            out[at] = out[at - 1];
        out[at] = edge;
    }
    free(next);
    free(edges->items);
    edges->items = out;
    edges->cap = edges->count + 1;
}

void ndc_link_finish_reviews(struct ndc_link *link)
{
    if (link->reviews.count)
        qsort(link->reviews.items, link->reviews.count, sizeof *link->reviews.items,
              compare_reviews);
    for (size_t i = 0; i < link->reviews.count; i++) {
        struct ndc_link_review *r = &link->reviews.items[i];
        r->joined = link->entity[r->a] == link->entity[r->b];
    }
}

static void finish(struct ndc_link *link)
{
    struct ndc_link_stats *s = &link->stats;
    if (s->identifier_links || link->decision_count)
        sort_edges(&link->edges, link->table.row_count);
    ndc_link_finish_reviews(link);
    s->rows = link->table.row_count;
    s->edges = link->edges.count;
}

void ndc_link_prepare(struct ndc_link *link)
{
    NDC_ASSERT(!link->ran);
    link->ran = true;
    ndc_link_table_seal(&link->table, true, link->options.threads);
}

static void note_open(struct ndc_link *link)
{
    if (!link->options.keep_open) return;
    link->open = ndc_xmalloc((size_t)link->table.row_count + 1);
    for (uint32_t i = 0; i < link->table.row_count; i++)
        link->open[i] = ndc_link_nodes_open(&link->nodes, link->nodes.of[i]);
}

/* Values of a field that the whole knows as fillers. Dictionaries are closed by now:
 * theirs are looked for in the few of these. */
static void mark_fillers(struct ndc_link *link, unsigned field)
{
    struct column *c = &link->table.columns[field];
    struct ndc_dict fillers;
    struct ndc_buf text;
    ndc_dict_init(&fillers);
    ndc_buf_init(&text, FOLDED_BYTES_MAX);
    for (uint32_t i = 0; i < link->filler_count; i++) {
        if (link->fillers[i].field != field) continue;
        struct ndc_str raw =
            ndc_str_n(link->filler_texts.ptr + link->fillers[i].at, link->fillers[i].len);
        (void)ndc_dict_add(&fillers, ndc_link_table_fold(c, &text, raw));
    }
    c->fillers = ndc_xcalloc((size_t)c->dict->count + 1, sizeof *c->fillers);
    for (uint32_t v = 1; v <= c->dict->count && fillers.count; v++)
        c->fillers[v] = ndc_dict_find(&fillers, ndc_dict_get(c->dict, v)) != 0;
    ndc_buf_free(&text);
    ndc_dict_free(&fillers);
}

/* What the whole would know of values and blocks. */
static void take_foreknown(struct ndc_link *link)
{
    uint32_t fields = 0;
    for (uint32_t i = 0; i < link->filler_count; i++)
        fields |= 1u << link->fillers[i].field;
    for (unsigned f = 0; f < NDC_LINK_FIELDS_MAX; f++)
        if (fields >> f & 1) mark_fillers(link, f);
    uint64_t *scratch = ndc_xmalloc((link->capped.count + 1) * sizeof *scratch);
    ndc_sort_u64(link->capped.items, scratch, link->capped.count);
    free(scratch);
}

static void prepare(struct ndc_link *link)
{
    struct ndc_dict declared;
    NDC_ASSERT(!link->ran);
    link->ran = true;
    copy_names(&declared, &link->table.source_names);
    ndc_link_table_seal(&link->table, true, link->options.threads);
    ndc_link_place_decisions(link, &declared);
    take_foreknown(link);
    ndc_dict_free(&declared);
}

void ndc_link_run_nodes(struct ndc_link *link)
{
    prepare(link);
    ndc_link_nodes_build(link);
}

void ndc_link_run_learn(struct ndc_link *link)
{
    struct candidates c;
    ndc_link_run_nodes(link);
    ndc_link_blocks_build(&link->blocks, &link->table, &link->nodes,
                          link->options.threads);
    find_candidates(link, &c);
    learn(link, &c);
    drop_candidates(link, &c);
}

enum ndc_err ndc_link_run(struct ndc_link *link, struct ndc_fault *fault)
{
    int64_t mark = ndc_clock_mono_ns();
    enum ndc_err err = NDC_OK;
    if (ndc_link_canceled(link, "prepare", 0)) goto canceled;
    prepare(link);
    link->stats.seconds_prepare = seconds_since(&mark);
    if (ndc_link_canceled(link, "identifiers", 0.1)) goto canceled;
    ndc_link_nodes_build(link);
    link->stats.seconds_identifiers = seconds_since(&mark);
    if (ndc_link_canceled(link, "block", 0.2)) goto canceled;
    ndc_link_blocks_build(&link->blocks, &link->table, &link->nodes,
                          link->options.threads);
    link->blocks.capped = link->capped.items;
    link->blocks.capped_count = link->capped.count;
    err = learn_and_score(link, &mark, fault);
    if (err) return err;
    if (ndc_link_canceled(link, "cluster", 0.8)) goto canceled;
    note_open(link); /* merging gives nodes each other's unique values */
    ndc_link_cluster_run(link);
    ndc_link_nodes_free(&link->nodes);
    finish(link);
    link->stats.seconds_cluster = seconds_since(&mark);
    (void)ndc_link_canceled(link, "done", 1);
    return NDC_OK;
canceled:
    return ndc_fail(fault, NDC_ECANCELED, "link.canceled", "linking was stopped");
}

void ndc_link_drop_rows(struct ndc_link *link)
{
    NDC_ASSERT(link->ran);
    free(link->table.block);
    link->table.block = NULL;
    link->table.values = NULL;
}

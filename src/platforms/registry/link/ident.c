/* Before any weight is learned: rows that reviewers joined, and rows that share an
 * identifier and do not contradict each other, become one node. Identifiers are typed by
 * people, so a shared one is refused when the rest of the two records speaks a hundred to
 * one against; such pairs are for review. A value that more rows hold than one entity may
 * have records is no identifier but something typed to fill the box: it joins nobody and
 * keeps nobody apart. Sorting finds the sharers: no probing. */
#include "platforms/registry/link/run.h"

#include <math.h>

enum { HEADS_MAX = 4 /* records of different people under one identifier */ };
enum { CHUNKS_MAX = 64, CHUNK_ROWS = 4096, ROWS_AHEAD = 12, VALUES_AHEAD = 8 };
enum { MEMO_A_ROW = 8 };
#define CONTRADICTION (-4.6) /* ln(1/100) */

struct joiner {
    struct ndc_link *link;
    const struct table *table;
    uint32_t *parent;
    unsigned unique_count;
    const unsigned *unique_fields;
    uint32_t *unique; /* root x unique_count */
    struct memo memo;
    struct barriers barriers;
    double agree[NDC_LINK_FIELDS_MAX], differ[NDC_LINK_FIELDS_MAX];
};

/* Values that differ and are not one slip of the pen apart. */
static bool clearly_differ(const struct table *t, unsigned field, uint32_t a, uint32_t b)
{
    if (a == 0 || b == 0 || a == b) return false;
    const struct comparator *how = t->spec->fields[field].comparator;
    return !how || how->compare(&t->columns[field], NDC_MIN(a, b), NDC_MAX(a, b)) > 2;
}

bool ndc_link_nodes_conflict(const struct table *table, const struct nodes *nodes,
                             uint32_t a, uint32_t b)
{
    for (unsigned k = 0; k < nodes->unique_count; k++)
        if (clearly_differ(table, nodes->unique_fields[k],
                           nodes->unique[(size_t)a * nodes->unique_count + k],
                           nodes->unique[(size_t)b * nodes->unique_count + k]))
            return true;
    return false;
}

/* False if a unique field or a reviewer forbids it. */
static bool join(struct joiner *j, uint32_t a, uint32_t b, bool forced)
{
    a = ndc_link_find_root(j->parent, a);
    b = ndc_link_find_root(j->parent, b);
    if (a == b) return true;
    unsigned n = j->unique_count;
    uint32_t *x = j->unique + (size_t)a * n, *y = j->unique + (size_t)b * n;
    for (unsigned k = 0; k < n && !forced; k++)
        if (clearly_differ(j->table, j->unique_fields[k], x[k], y[k])) return false;
    bool in_order = table_before(j->table, a, b);
    uint32_t low = in_order ? a : b, high = in_order ? b : a;
    if (ndc_link_barriers_between(&j->barriers, j->parent, a, b)) return false;
    ndc_link_barriers_merge(&j->barriers, low, high);
    for (unsigned k = 0; k < n; k++) {
        uint32_t value = x[k] ? x[k] : y[k];
        if (x[k] && y[k]) value = low == a ? x[k] : y[k];
        j->unique[(size_t)low * n + k] = value;
    }
    j->parent[high] = low;
    return true;
}

/* How the rest of two records speaks for or against one person, with plain weights. */
static double support(const struct joiner *j, struct memo *memo, uint32_t a, uint32_t b)
{
    const struct ndc_link_spec *spec = j->table->spec;
    const uint32_t *x = table_row(j->table, a), *y = table_row(j->table, b);
    struct model_field none[NDC_LINK_FIELDS_MAX] = {0};
    struct comparison c;
    static const uint32_t missing[NDC_LINK_FIELDS_MAX];
    unsigned stride = j->table->stride;
    uint32_t unlike = ~table_equal_mask(x, y, stride) & ((1u << stride) - 1);
    unlike &=
        ~table_equal_mask(x, missing, stride) & ~table_equal_mask(y, missing, stride);
    if (!unlike) return 0;
    ndc_link_compare_rows(&c, j->table, none, memo, a, b);
    double sum = 0;
    for (unsigned g = 0; g < spec->group_count; g++) {
        const struct spec_group *group = &spec->groups[g];
        double best = -1e9;
        if (group->is_swap) continue;
        for (unsigned i = 0; i < group->field_count; i++) {
            unsigned f = group->fields[i], level = c.levels[f];
            unsigned levels = spec->fields[f].comparator->levels;
            if (level == 0 || spec->fields[f].identifier) continue;
            double w = level == 1 ? j->agree[f] : level == levels ? j->differ[f] : 1;
            best = NDC_MAX(best, w);
        }
        if (best > -1e8) sum += best;
    }
    return sum;
}

static void plain_weights(struct joiner *j)
{
    const struct ndc_link_model *given = j->link->given_model;
    if (given && given->has_plain) {
        memcpy(j->agree, given->agree, sizeof j->agree);
        memcpy(j->differ, given->differ, sizeof j->differ);
        return;
    }
    for (unsigned f = 0; f < j->table->spec->field_count; f++) {
        const struct column *c = &j->table->columns[f];
        double same = 1, all = (double)c->present;
        for (uint32_t v = 1; v <= c->dict->count; v++)
            same += (double)c->rows_of[v] * c->rows_of[v];
        double chance = all > 0 ? NDC_MIN(same / (all * all), 0.9) : 0.9;
        j->agree[f] = log(0.9 / chance);
        j->differ[f] = log(0.03 / (1 - chance));
    }
}

/* Rows by the value of one field that they share (values that one row holds, and fillers,
 * have none), ascending within a value; and what speaks for each against the first row of
 * its value: worked out in parallel, then joined in order. */
struct sharers {
    const struct joiner *joiner;
    unsigned field;
    uint32_t *start; /* value -> its first in rows; [value + 1]: the end */
    uint32_t *rows;
    float *against_first;
    unsigned chunks;
};

/* Root without shortening the path: safe while others read. */
static uint32_t peek_root(const uint32_t *parent, uint32_t x)
{
    while (parent[x] != x)
        x = parent[x];
    return x;
}

static void support_chunk(void *arg, size_t chunk)
{
    struct sharers *s = arg;
    const struct table *t = s->joiner->table;
    uint64_t count = t->columns[s->field].dict->count;
    uint32_t from = (uint32_t)(1 + count * chunk / s->chunks);
    uint32_t to = (uint32_t)(1 + count * (chunk + 1) / s->chunks);
    const uint32_t *parent = s->joiner->parent;
    size_t last = s->start[to];
    struct memo memo;
    ndc_link_memo_init(&memo, 12, (last - s->start[from]) * MEMO_A_ROW);
    for (uint32_t v = from; v < to; v++) {
        for (size_t i = s->start[v]; i < s->start[v + 1]; i++) {
            uint32_t a = s->rows[s->start[v]], b = s->rows[i];
            if (i + ROWS_AHEAD < last)
                __builtin_prefetch(table_row(t, s->rows[i + ROWS_AHEAD]));
            if (a == b || peek_root(parent, a) == peek_root(parent, b)) continue;
            s->against_first[i] = (float)support(s->joiner, &memo, a, b);
        }
    }
    ndc_link_memo_free(&memo);
}

/* Rows that share one value of an identifier: each joins the first earlier row that it
 * does not contradict. */
static void join_sharers(struct joiner *j, const struct sharers *all, size_t from,
                         size_t to)
{
    uint32_t heads[HEADS_MAX];
    unsigned head_count = 0;
    for (size_t i = from; i < to; i++) {
        bool done = false;
        uint32_t row = all->rows[i], root = ndc_link_find_root(j->parent, row);
        for (unsigned h = 0; h < head_count && !done; h++)
            done = ndc_link_find_root(j->parent, heads[h]) == root;
        for (unsigned h = 0; h < head_count && !done; h++) {
            double s = h == 0 ? (double)all->against_first[i]
                              : support(j, &j->memo, heads[h], row);
            done = s >= CONTRADICTION && join(j, heads[h], row, false);
            if (done) {
                ndc_link_edges_add(&j->link->edges, heads[h], row, 20 + s,
                                   NDC_LINK_EDGE_IDENTIFIER);
                j->link->stats.identifier_links++;
            }
        }
        if (done) continue;
        if (head_count > 0) {
            ndc_link_reviews_add(&j->link->reviews, heads[0], row, 0,
                                 NDC_LINK_REVIEW_SHARED_ID, false);
            j->link->stats.identifier_conflicts++;
        }
        if (head_count < HEADS_MAX) heads[head_count++] = row;
    }
}

/* False for a value that far too many rows hold. */
static bool identifies(const struct table *t, unsigned field, uint32_t value)
{
    const struct column *c = &t->columns[field];
    return c->rows_of[value] <= t->spec->entity_max && !(c->fillers && c->fillers[value]);
}

/* A counting sort: how many rows hold a value is known. */
static void collect_sharers(struct sharers *s, struct ndc_link *link)
{
    const struct table *t = s->joiner->table;
    const struct column *c = &t->columns[s->field];
    uint32_t n = 0;
    s->start = ndc_xmalloc(((size_t)c->dict->count + 2) * sizeof *s->start);
    uint32_t *end =
        s->start + 1; /* while rows are put in: where a value's next one goes */
    s->start[0] = 0;
    for (uint32_t v = 0; v <= c->dict->count; v++) {
        end[v] = n;
        if (v == 0 || c->rows_of[v] < 2) continue;
        if (identifies(t, s->field, v))
            n += c->rows_of[v];
        else
            link->stats.identifier_fillers += c->rows_of[v];
    }
    s->rows = ndc_xmalloc(((size_t)n + 1) * sizeof *s->rows);
    s->against_first = ndc_xcalloc((size_t)n + 1, sizeof *s->against_first);
    for (uint32_t i = 0; i < t->row_count; i++) {
        uint32_t v = table_row(t, i)[s->field];
        if (v && c->rows_of[v] >= 2 && identifies(t, s->field, v)) s->rows[end[v]++] = i;
    }
    for (uint32_t v = 1; t->tags && v <= c->dict->count; v++)
        ndc_link_table_settle(t, s->rows + s->start[v], s->start[v + 1] - s->start[v]);
}

/* The values that several rows share, each value's first row deciding: value numbers
 * depend on the order of arrival, and where unique fields conflict it matters who is
 * joined first. */
static struct ndc_key64 *order_values(const struct sharers *s, size_t *count)
{
    const struct table *t = s->joiner->table;
    uint32_t values = t->columns[s->field].dict->count;
    struct ndc_key64 *order = ndc_xmalloc(((size_t)values + 1) * sizeof *order);
    struct ndc_key64 *scratch = ndc_xmalloc(((size_t)values + 1) * sizeof *order);
    size_t n = 0;
    for (uint32_t v = 1; v <= values; v++) {
        if (s->start[v] == s->start[v + 1]) continue;
        uint32_t first = s->rows[s->start[v]];
        order[n++] = (struct ndc_key64){
            t->tags ? (uint64_t)t->sources[first] << 32 | t->tags[first] : first, v};
    }
    ndc_sort_key64(order, scratch, n);
    free(scratch);
    *count = n;
    return order;
}

static void join_by_field(struct joiner *j, unsigned field)
{
    struct sharers all = {.joiner = j, .field = field};
    collect_sharers(&all, j->link);
    all.chunks = NDC_MIN(1 + j->table->row_count / CHUNK_ROWS, (unsigned)CHUNKS_MAX);
    ndc_parallel_for(j->link->options.threads, all.chunks, support_chunk, &all);
    size_t n;
    struct ndc_key64 *order = order_values(&all, &n);
    for (size_t i = 0; i < n; i++) {
        if (i + 2 * VALUES_AHEAD < n)
            __builtin_prefetch(&all.rows[all.start[order[i + 2 * VALUES_AHEAD].value]]);
        if (i + VALUES_AHEAD < n) {
            uint32_t v = (uint32_t)order[i + VALUES_AHEAD].value;
            for (uint32_t k = all.start[v]; k < all.start[v + 1]; k++)
                __builtin_prefetch(&j->parent[all.rows[k]]);
        }
        uint32_t v = (uint32_t)order[i].value;
        join_sharers(j, &all, all.start[v], all.start[v + 1]);
    }
    free(order);
    free(all.against_first);
    free(all.start);
    free(all.rows);
}

static void join_decided(struct joiner *j)
{
    struct ndc_link *link = j->link;
    for (size_t i = 0; i < link->decision_count; i++) {
        const struct decision *d = &link->decisions[i];
        if (!d->same || d->a == UINT32_MAX || d->b == UINT32_MAX) continue;
        if (!join(j, d->a, d->b, true)) continue;
        ndc_link_edges_add(&link->edges, d->a, d->b, 50, NDC_LINK_EDGE_DECISION);
    }
}

static void collect_nodes(struct joiner *j, struct nodes *nodes)
{
    uint32_t rows = j->table->row_count;
    nodes->of = ndc_xmalloc(((size_t)rows + 1) * sizeof *nodes->of);
    nodes->members = ndc_xmalloc(((size_t)rows + 1) * sizeof *nodes->members);
    memset(nodes->of, 0xff, ((size_t)rows + 1) * sizeof *nodes->of);
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t root = ndc_link_find_root(j->parent, i);
        if (nodes->of[root] == UINT32_MAX) nodes->of[root] = nodes->count++;
        nodes->of[i] = nodes->of[root];
    }
    nodes->start = ndc_xcalloc((size_t)nodes->count + 2, sizeof *nodes->start);
    unsigned k = j->unique_count;
    nodes->unique = ndc_xcalloc((size_t)nodes->count * k + 1, sizeof *nodes->unique);
    for (uint32_t i = 0; i < rows; i++) {
        nodes->start[nodes->of[i] + 2]++;
        if (j->parent[i] == i)
            memcpy(nodes->unique + (size_t)nodes->of[i] * k, j->unique + (size_t)i * k,
                   k * sizeof *j->unique);
    }
    for (uint32_t n = 1; n <= nodes->count; n++)
        nodes->start[n + 1] += nodes->start[n];
    for (uint32_t i = 0; i < rows; i++)
        nodes->members[nodes->start[nodes->of[i] + 1]++] = i;
    for (uint32_t n = 0; j->table->tags && n < nodes->count; n++)
        ndc_link_table_settle(j->table, nodes->members + nodes->start[n],
                              nodes->start[n + 1] - nodes->start[n]);
}

void ndc_link_nodes_build(struct ndc_link *link)
{
    const struct table *t = &link->table;
    const struct ndc_link_spec *spec = t->spec;
    struct nodes *nodes = &link->nodes;
    struct joiner j = {.link = link, .table = t};
    for (unsigned f = 0; f < spec->field_count; f++)
        if (spec->fields[f].unique) nodes->unique_fields[nodes->unique_count++] = f;
    j.unique_count = nodes->unique_count;
    j.unique_fields = nodes->unique_fields;
    size_t rows = t->row_count;
    j.parent = ndc_xmalloc((rows + 1) * sizeof *j.parent);
    j.unique = ndc_xmalloc((rows * j.unique_count + 1) * sizeof *j.unique);
    for (uint32_t i = 0; i < rows; i++) {
        j.parent[i] = i;
        for (unsigned k = 0; k < j.unique_count; k++) {
            unsigned f = nodes->unique_fields[k];
            uint32_t v = table_row(t, i)[f];
            j.unique[(size_t)i * j.unique_count + k] = identifies(t, f, v) ? v : 0;
        }
    }
    ndc_link_barriers_init(&j.barriers, link, t->row_count, NULL);
    ndc_link_memo_init(&j.memo, 16, rows * MEMO_A_ROW);
    plain_weights(&j);
    memcpy(link->agree, j.agree, sizeof j.agree);
    memcpy(link->differ, j.differ, sizeof j.differ);
    join_decided(&j);
    for (unsigned f = 0; f < spec->field_count; f++)
        if (spec->fields[f].identifier) join_by_field(&j, f);
    collect_nodes(&j, nodes);
    ndc_link_memo_free(&j.memo);
    ndc_link_barriers_free(&j.barriers);
    free(j.parent);
    free(j.unique);
}

void ndc_link_nodes_free(struct nodes *nodes)
{
    free(nodes->of);
    free(nodes->start);
    free(nodes->members);
    free(nodes->unique);
    free(nodes->rows);
    *nodes = (struct nodes){0};
}

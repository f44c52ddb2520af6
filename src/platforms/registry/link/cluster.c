/* From scored pairs to entities. Best-first merging with average linkage: the affinity of
 * two clusters is the mean, over all pairs of their nodes, of the probability that the
 * pair is one entity; pairs that no blocking rule brought together count as unlikely, at
 * a quarter of the weight of pairs that were looked at. So one chance agreement cannot
 * pull two crowds together, as it does in transitive closure.
 *
 * The affinity after a merge is a weighted mean of the affinities before, so it never
 * exceeds the larger: a heap with one lazily corrected entry per cluster pair suffices.
 * A merge is refused when unique fields conflict, a reviewer said no, a source would hold
 * the entity twice under one_to_one, or the entity would be too large. */
#include "platforms/registry/link/run.h"

#include <math.h>

#define UNSEEN_WEIGHT 0.25
enum { JOB_EDGES = 1 << 14 };

struct slot {
    uint32_t a, b; /* roots, a < b; 0,0: free */
    double sum;    /* of probabilities */
    double queued; /* affinity of its live heap entry; below 0: none */
    uint32_t seen; /* pairs looked at */
    uint32_t best; /* index of the strongest edge */
};

struct item {
    double affinity;
    float best;
    uint32_t a, b;
};

struct clusterer {
    struct ndc_link *link;
    uint32_t *parent, *size, *rows;
    uint32_t **near; /* root -> roots it has had pairs with (may be stale) */
    uint32_t *near_count, *near_cap;
    struct slot *slots; /* open addressing */
    uint64_t mask, used;
    struct item *heap;
    size_t heap_count, heap_cap;
    uint64_t *sources; /* root x 4 words, under one_to_one */
    struct barriers barriers;
    struct reviews reviews; /* of this job */
    uint64_t refused;
};

/* Components share no edge, so they merge by themselves: edges are sorted by component
 * and cut into jobs, each with a table small enough for the cache. */
struct job {
    const struct clusterer *shared;
    const struct ndc_key32 *edges; /* component, edge */
    size_t count;
    struct reviews reviews;
    uint64_t refused;
};

/* ---- slots ---- */

static uint64_t slot_hash(uint32_t a, uint32_t b)
{
    return ndc_mix64((uint64_t)a << 32 | b);
}

static struct slot *find_slot(struct clusterer *c, uint32_t a, uint32_t b)
{
    uint32_t low = NDC_MIN(a, b), high = NDC_MAX(a, b);
    uint64_t at = slot_hash(low, high) & c->mask;
    for (;; at = (at + 1) & c->mask) {
        struct slot *s = &c->slots[at];
        if (s->b == 0 || (s->a == low && s->b == high)) return s;
    }
}

/* A removed slot keeps its keys, so that probing passes over it; seen 0 marks it. */
static struct slot *live_slot(struct clusterer *c, uint32_t a, uint32_t b)
{
    struct slot *s = find_slot(c, a, b);
    return s->b != 0 && s->seen > 0 ? s : NULL;
}

static void grow_slots(struct clusterer *c, uint64_t capacity)
{
    struct slot *old = c->slots;
    uint64_t n = old ? c->mask + 1 : 0;
    c->slots = ndc_xcalloc(capacity, sizeof *c->slots);
    c->mask = capacity - 1;
    c->used = 0;
    for (uint64_t i = 0; i < n; i++) {
        if (old[i].b == 0 || old[i].seen == 0) continue;
        *find_slot(c, old[i].a, old[i].b) = old[i];
        c->used++;
    }
    free(old);
}

/* The slot of a pair, made empty if new. Pointers to slots are invalid afterwards. */
static struct slot *need_slot(struct clusterer *c, uint32_t a, uint32_t b)
{
    if (c->used * 3 > c->mask * 2) grow_slots(c, (c->mask + 1) * 2);
    struct slot *s = find_slot(c, a, b);
    if (s->b == 0) c->used++;
    if (s->b == 0 || s->seen == 0)
        *s = (struct slot){.a = NDC_MIN(a, b), .b = NDC_MAX(a, b), .queued = -1};
    return s;
}

static void add_near(struct clusterer *c, uint32_t a, uint32_t b)
{
    if (c->near_count[a] == c->near_cap[a]) {
        c->near_cap[a] = c->near_cap[a] * 2 + 4;
        c->near[a] = ndc_xrealloc(c->near[a], c->near_cap[a] * sizeof *c->near[a]);
    }
    c->near[a][c->near_count[a]++] = b;
}

/* ---- heap ---- */

/* The first row of a node stands for it. */
static bool node_before(const struct clusterer *c, uint32_t a, uint32_t b)
{
    const struct nodes *nodes = &c->link->nodes;
    return table_before(&c->link->table, nodes->members[nodes->start[a]],
                        nodes->members[nodes->start[b]]);
}

static bool before(const struct clusterer *c, const struct item *x, const struct item *y)
{
    if (x->affinity != y->affinity) return x->affinity > y->affinity;
    if (x->best != y->best) return x->best > y->best;
    bool x_swaps = node_before(c, x->b, x->a), y_swaps = node_before(c, y->b, y->a);
    uint32_t xa = x_swaps ? x->b : x->a, xb = x_swaps ? x->a : x->b;
    uint32_t ya = y_swaps ? y->b : y->a, yb = y_swaps ? y->a : y->b;
    return xa != ya ? node_before(c, xa, ya) : node_before(c, xb, yb);
}

static void heap_push(struct clusterer *c, struct item item)
{
    if (c->heap_count == c->heap_cap) {
        c->heap_cap = c->heap_cap * 2 + 1024;
        c->heap = ndc_xrealloc(c->heap, c->heap_cap * sizeof *c->heap);
    }
    size_t i = c->heap_count++;
    for (; i > 0 && before(c, &item, &c->heap[(i - 1) / 2]); i = (i - 1) / 2)
        c->heap[i] = c->heap[(i - 1) / 2];
    c->heap[i] = item;
}

static struct item heap_pop(struct clusterer *c)
{
    struct item top = c->heap[0], last = c->heap[--c->heap_count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= c->heap_count) break;
        if (child + 1 < c->heap_count && before(c, &c->heap[child + 1], &c->heap[child]))
            child++;
        if (!before(c, &c->heap[child], &last)) break;
        c->heap[i] = c->heap[child];
        i = child;
    }
    c->heap[i] = last;
    return top;
}

/* ---- merging ---- */

static double affinity(const struct clusterer *c, const struct slot *s)
{
    double pairs = (double)c->size[s->a] * c->size[s->b];
    return s->sum / (s->seen + UNSEEN_WEIGHT * (pairs - s->seen));
}

static void queue_slot(struct clusterer *c, struct slot *s)
{
    double value = affinity(c, s);
    if (value < c->link->spec->join) {
        s->queued = -1;
        return;
    }
    s->queued = value;
    float best = c->link->edges.items[s->best].log_odds;
    heap_push(c, (struct item){value, best, s->a, s->b});
}

/* Adds what slot (b, x) knows to slot (a, x). */
static void move_slot(struct clusterer *c, uint32_t a, uint32_t b, uint32_t x)
{
    struct slot *from = live_slot(c, b, x);
    if (!from) return;
    struct slot taken = *from;
    from->seen = 0;
    struct slot *to = need_slot(c, a, x);
    if (to->seen == 0) {
        to->best = taken.best;
        add_near(c, a, x);
        add_near(c, x, a);
    } else if (c->link->edges.items[taken.best].log_odds >
               c->link->edges.items[to->best].log_odds) {
        to->best = taken.best;
    }
    to->sum += taken.sum;
    to->seen += taken.seen;
    queue_slot(c, to);
}

static void merge(struct clusterer *c, uint32_t a, uint32_t b)
{
    if (c->near_count[a] < c->near_count[b] ||
        (c->near_count[a] == c->near_count[b] && node_before(c, b, a))) {
        uint32_t swap = a;
        a = b;
        b = swap;
    }
    struct nodes *nodes = &c->link->nodes;
    unsigned n = nodes->unique_count;
    struct slot *between = live_slot(c, a, b);
    if (between) between->seen = 0;
    c->parent[b] = a;
    c->size[a] += c->size[b];
    c->rows[a] += c->rows[b];
    ndc_link_barriers_merge(&c->barriers, a, b);
    for (unsigned w = 0; c->sources && w < 4; w++)
        c->sources[(size_t)a * 4 + w] |= c->sources[(size_t)b * 4 + w];
    for (unsigned k = 0; k < n; k++)
        if (nodes->unique[(size_t)a * n + k] == 0)
            nodes->unique[(size_t)a * n + k] = nodes->unique[(size_t)b * n + k];
    for (uint32_t i = 0; i < c->near_count[b]; i++)
        if (c->near[b][i] != a) move_slot(c, a, b, c->near[b][i]);
    free(c->near[b]);
    c->near[b] = NULL;
    c->near_count[b] = 0;
}

static bool allowed(struct clusterer *c, uint32_t a, uint32_t b)
{
    if ((uint64_t)c->rows[a] + c->rows[b] > c->link->spec->entity_max) return false;
    for (unsigned w = 0; c->sources && w < 4; w++)
        if (c->sources[(size_t)a * 4 + w] & c->sources[(size_t)b * 4 + w]) return false;
    if (ndc_link_barriers_between(&c->barriers, c->parent, a, b)) return false;
    return !ndc_link_nodes_conflict(&c->link->table, &c->link->nodes, a, b);
}

static void note_review(struct clusterer *c, const struct slot *s,
                        enum ndc_link_review_reason reason, bool joined)
{
    const struct ndc_link_edge *e = &c->link->edges.items[s->best];
    if (e->kind != NDC_LINK_EDGE_MODEL) return;
    ndc_link_reviews_add(&c->reviews, e->a, e->b, (double)e->log_odds, reason, joined);
}

static void merge_all(struct clusterer *c)
{
    while (c->heap_count > 0) {
        struct item top = heap_pop(c);
        struct slot *s = live_slot(c, top.a, top.b);
        if (!s || s->queued != top.affinity) continue;
        if (affinity(c, s) < top.affinity) {
            queue_slot(c, s);
            continue;
        }
        if (!allowed(c, top.a, top.b)) {
            c->refused++;
            if (!c->sources) note_review(c, s, NDC_LINK_REVIEW_CONFLICT, false);
            s->seen = 0;
            continue;
        }
        if (top.affinity <= c->link->spec->review_high)
            note_review(c, s, NDC_LINK_REVIEW_UNCERTAIN, true);
        merge(c, top.a, top.b);
    }
}

/* ---- setting up ---- */

static void load_edges(struct clusterer *c, const struct ndc_key32 *list, size_t count)
{
    const struct nodes *nodes = &c->link->nodes;
    uint64_t capacity = 1024;
    while (capacity < count * 2)
        capacity *= 2;
    grow_slots(c, capacity);
    for (size_t i = 0; i < count; i++) {
        const struct ndc_link_edge *e = &c->link->edges.items[list[i].value];
        uint32_t a = nodes->of[e->a], b = nodes->of[e->b];
        double p = 1 / (1 + exp(-(double)e->log_odds));
        struct slot *s = need_slot(c, a, b);
        if (s->seen == 0) {
            add_near(c, a, b);
            add_near(c, b, a);
            s->seen = 1;
            s->best = list[i].value;
            s->sum = p;
        } else if (p > s->sum) {
            s->sum = p; /* several pairs of the same nodes: the best counts */
            s->best = list[i].value;
        }
    }
    for (uint64_t i = 0; i <= c->mask; i++)
        if (c->slots[i].b != 0 && c->slots[i].seen > 0) queue_slot(c, &c->slots[i]);
}

static void load_nodes(struct clusterer *c)
{
    const struct ndc_link *link = c->link;
    const struct nodes *nodes = &link->nodes;
    size_t n = (size_t)nodes->count + 1;
    c->parent = ndc_xmalloc(n * sizeof *c->parent);
    c->size = ndc_xmalloc(n * sizeof *c->size);
    c->rows = ndc_xmalloc(n * sizeof *c->rows);
    c->near = ndc_xcalloc(n, sizeof *c->near);
    c->near_count = ndc_xcalloc(n, sizeof *c->near_count);
    c->near_cap = ndc_xcalloc(n, sizeof *c->near_cap);
    if (link->spec->one_to_one) c->sources = ndc_xcalloc(n * 4, sizeof *c->sources);
    for (uint32_t i = 0; i < nodes->count; i++) {
        c->parent[i] = i;
        c->size[i] = 1;
        c->rows[i] = nodes->rows ? nodes->rows[i] : nodes->start[i + 1] - nodes->start[i];
    }
    for (uint32_t i = 0; c->sources && i < link->table.row_count; i++) {
        unsigned s = link->table.sources[i];
        c->sources[(size_t)nodes->of[i] * 4 + s / 64] |= (uint64_t)1 << (s % 64);
    }
    ndc_link_barriers_init(&c->barriers, link, nodes->count, nodes->of);
}

static void name_entities(struct clusterer *c)
{
    struct ndc_link *link = c->link;
    uint32_t n = link->table.row_count, count = 0;
    uint32_t *name = ndc_xmalloc(((size_t)link->nodes.count + 1) * sizeof *name);
    uint32_t *rows = ndc_xcalloc((size_t)link->nodes.count + 1, sizeof *rows);
    memset(name, 0xff, ((size_t)link->nodes.count + 1) * sizeof *name);
    link->entity = ndc_xmalloc(((size_t)n + 1) * sizeof *link->entity);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t root = ndc_link_find_root(c->parent, link->nodes.of[i]);
        if (name[root] == UINT32_MAX) name[root] = count++;
        link->entity[i] = name[root];
        rows[name[root]]++;
    }
    link->stats.entities = count;
    for (uint32_t e = 0; e < count; e++)
        link->stats.largest_entity = NDC_MAX(link->stats.largest_entity, rows[e]);
    for (size_t i = 0; i < link->edges.count; i++) {
        struct ndc_link_edge *e = &link->edges.items[i];
        e->joined = link->entity[e->a] == link->entity[e->b];
    }
    free(name);
    free(rows);
}

/* What stayed apart though its best pair is not clearly apart. */
static void note_left_apart(struct clusterer *c)
{
    double low = c->link->spec->review_low;
    double least = log(low / (1 - low));
    for (uint64_t i = 0; i <= c->mask; i++) {
        const struct slot *s = &c->slots[i];
        if (s->b == 0 || s->seen == 0 || c->sources) continue;
        if ((double)c->link->edges.items[s->best].log_odds >= least)
            note_review(c, s, NDC_LINK_REVIEW_UNCERTAIN, false);
    }
}

static void run_job(void *arg, size_t index)
{
    struct job *job = (struct job *)arg + index;
    struct clusterer c = *job->shared;
    load_edges(&c, job->edges, job->count);
    merge_all(&c);
    note_left_apart(&c);
    job->reviews = c.reviews;
    job->refused = c.refused;
    free(c.slots);
    free(c.heap);
}

/* Model edges between nodes, by component then in their own order. */
static struct ndc_key32 *sort_edges(const struct ndc_link *link, size_t *count)
{
    const struct nodes *nodes = &link->nodes;
    size_t n = 0, all = link->edges.count;
    uint32_t *parent = ndc_xmalloc(((size_t)nodes->count + 1) * sizeof *parent);
    struct ndc_key32 *list = ndc_xmalloc((all + 1) * sizeof *list);
    struct ndc_key32 *scratch = ndc_xmalloc((all + 1) * sizeof *list);
    for (uint32_t i = 0; i < nodes->count; i++)
        parent[i] = i;
    for (size_t i = 0; i < all; i++) {
        const struct ndc_link_edge *e = &link->edges.items[i];
        uint32_t a = ndc_link_find_root(parent, nodes->of[e->a]);
        uint32_t b = ndc_link_find_root(parent, nodes->of[e->b]);
        if (nodes->of[e->a] == nodes->of[e->b] || e->kind != NDC_LINK_EDGE_MODEL)
            continue;
        parent[NDC_MAX(a, b)] = NDC_MIN(a, b);
        list[n++].value = (uint32_t)i;
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t node = nodes->of[link->edges.items[list[i].value].a];
        list[i].key = ndc_link_find_root(parent, node);
    }
    ndc_sort_key32(list, scratch, n);
    free(scratch);
    free(parent);
    *count = n;
    return list;
}

static void run_jobs(struct clusterer *shared)
{
    struct ndc_link *link = shared->link;
    size_t n, jobs = 0;
    struct ndc_key32 *list = sort_edges(link, &n);
    struct job *job = ndc_xcalloc(n / JOB_EDGES + 1, sizeof *job);
    for (size_t i = 0; i < n;) {
        size_t k = NDC_MIN(i + JOB_EDGES, n);
        while (k < n && list[k].key == list[k - 1].key)
            k++;
        job[jobs++] = (struct job){.shared = shared, .edges = list + i, .count = k - i};
        i = k;
    }
    /* Decisions are looked up across jobs: then one at a time. */
    unsigned threads = shared->barriers.head ? 1 : link->options.threads;
    ndc_parallel_for(threads, jobs, run_job, job);
    for (size_t j = 0; j < jobs; j++) {
        for (size_t i = 0; i < job[j].reviews.count; i++) {
            const struct ndc_link_review *r = &job[j].reviews.items[i];
            ndc_link_reviews_add(&link->reviews, r->a, r->b, (double)r->log_odds,
                                 (enum ndc_link_review_reason)r->reason, r->joined);
        }
        link->stats.merges_refused += job[j].refused;
        free(job[j].reviews.items);
    }
    free(job);
    free(list);
}

void ndc_link_cluster_run(struct ndc_link *link)
{
    struct clusterer c = {.link = link};
    load_nodes(&c);
    run_jobs(&c);
    name_entities(&c);
    for (uint32_t i = 0; i < link->nodes.count; i++)
        free(c.near[i]);
    free(c.near);
    free(c.near_count);
    free(c.near_cap);
    free(c.parent);
    free(c.size);
    free(c.rows);
    free(c.sources);
    ndc_link_barriers_free(&c.barriers);
}

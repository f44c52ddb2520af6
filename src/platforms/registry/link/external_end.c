/* Last step out of memory: edges of a component and the nodes that they join are dealt
 * into shares and merged there (cluster.c); then entities are numbered and edges put in
 * order, as ndc_link_run leaves them. */
#include "platforms/registry/link/external_internal.h"

/* ---- dealing ---- */

static void meet(struct external *x, uint32_t row)
{
    uint32_t first = x->entity[row];
    __atomic_fetch_or(&x->met[first / 64], (uint64_t)1 << first % 64, __ATOMIC_RELAXED);
}

/* A pair that several homes scored is dealt once. */
static void deal_edges(void *arg, size_t range)
{
    struct external *x = arg;
    void *bytes;
    size_t len;
    if (!ndc_link_external_take(x, x->scored, range, &bytes, &len)) return;
    struct ndc_key64 *e = bytes;
    size_t n = len / sizeof *e;
    struct spool_feed *feed = ndc_link_spool_feed_new(x->shared_edges);
    ndc_sort_key64_own(e, n);
    for (size_t i = 0; i < n; i++) {
        const struct ndc_link_edge edge = external_edge_of(e[i]);
        if (i && e[i].key == e[i - 1].key) continue;
        meet(x, edge.a);
        meet(x, edge.b);
        ndc_link_spool_add(feed, external_share(x, edge.a), &e[i], sizeof *e);
    }
    ndc_link_spool_feed_end(feed);
    free(bytes);
}

static size_t node_bytes(const struct external *x, const char *at)
{
    size_t len = sizeof(struct node_record);
    for (unsigned f = 0; f < x->link->spec->field_count; f++) {
        uint16_t bytes;
        if (!x->link->spec->fields[f].unique) continue;
        memcpy(&bytes, at + len, sizeof bytes);
        len += sizeof bytes + bytes;
    }
    return len;
}

static void deal_nodes(void *arg, size_t range)
{
    struct external *x = arg;
    void *bytes;
    size_t len, step;
    if (!ndc_link_external_take(x, x->nodes, range, &bytes, &len)) return;
    struct spool_feed *feed = ndc_link_spool_feed_new(x->shared_nodes);
    for (const char *at = bytes; at < (char *)bytes + len; at += step) {
        struct node_record node;
        memcpy(&node, at, sizeof node);
        step = node_bytes(x, at);
        if (x->met[node.first / 64] >> node.first % 64 & 1)
            ndc_link_spool_add(feed, external_share(x, node.first), at, step);
    }
    ndc_link_spool_feed_end(feed);
    free(bytes);
}

/* ---- a share ---- */

struct share {
    struct external *x;
    struct external_part part;
    struct ndc_key64 *nodes; /* first row, place of the record in bytes; sorted */
    size_t node_count;
    char *bytes;
    struct ndc_key64 *edges; /* external_edge */
    size_t edge_count;
};

static struct node_record record_of(const struct share *s, size_t node)
{
    struct node_record r;
    memcpy(&r, s->bytes + s->nodes[node].value, sizeof r);
    return r;
}

static void order_nodes(struct share *s, size_t len)
{
    size_t cap = 64;
    s->nodes = ndc_xmalloc(cap * sizeof *s->nodes);
    for (size_t at = 0; at < len; at += node_bytes(s->x, s->bytes + at)) {
        struct node_record node;
        memcpy(&node, s->bytes + at, sizeof node);
        if (s->node_count == cap) {
            cap *= 2;
            s->nodes = ndc_xrealloc(s->nodes, cap * sizeof *s->nodes);
        }
        s->nodes[s->node_count++] = (struct ndc_key64){node.first, at};
    }
    ndc_sort_key64_own(s->nodes, s->node_count);
}

static size_t find_node(const struct share *s, uint32_t first)
{
    size_t low = 0, high = s->node_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->nodes[middle].key < first)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->node_count && s->nodes[low].key == first ? low : SIZE_MAX;
}

/* Rows at an edge's end, and those that stand for nodes. */
static enum ndc_err make_part(struct share *s, struct ndc_fault *fault)
{
    size_t n = 0, kept = 0, most = 2 * s->edge_count + s->node_count;
    uint64_t *rows = ndc_xmalloc((2 * most + 1) * sizeof *rows);
    for (size_t i = 0; i < s->edge_count; i++) {
        rows[n++] = s->edges[i].key >> 32;
        rows[n++] = (uint32_t)s->edges[i].key;
    }
    for (size_t i = 0; i < s->node_count; i++)
        rows[n++] = record_of(s, i).lead;
    ndc_sort_u64(rows, rows + most, n);
    uint32_t *distinct = ndc_xmalloc((n + 1) * sizeof *distinct);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || rows[i] != rows[i - 1]) distinct[kept++] = (uint32_t)rows[i];
    free(rows);
    return ndc_link_external_part(&s->part, s->x, distinct, (uint32_t)kept, 1, fault);
}

/* Unique values of a node, as the row that stands for it shall have them. */
static void unique_values(const struct share *s, size_t node, struct ndc_str *values)
{
    const struct ndc_link_spec *spec = s->x->link->spec;
    const char *at = s->bytes + s->nodes[node].value + sizeof(struct node_record);
    for (unsigned f = 0; f < spec->field_count; f++) {
        uint16_t bytes;
        if (!spec->fields[f].unique) continue;
        memcpy(&bytes, at, sizeof bytes);
        values[f] = ndc_str_n(at + sizeof bytes, bytes);
        at += sizeof bytes + bytes;
    }
}

static enum ndc_err feed_part(struct share *s, struct ndc_fault *fault)
{
    const struct table *whole = &s->x->link->table, *t = &s->part.link->table;
    size_t *node_of = ndc_xmalloc(((size_t)s->part.count + 1) * sizeof *node_of);
    struct ndc_link_batch *batch = ndc_link_batch_new(s->part.link);
    memset(node_of, 0xff, ((size_t)s->part.count + 1) * sizeof *node_of);
    for (size_t i = 0; i < s->node_count; i++)
        node_of[ndc_link_external_find(&s->part, record_of(s, i).lead)] = i;
    for (uint32_t i = 0; i < s->part.count; i++) {
        struct ndc_str values[NDC_LINK_FIELDS_MAX] = {0};
        unsigned source = whole->sources[s->part.rows[i]];
        if (node_of[i] != SIZE_MAX) unique_values(s, node_of[i], values);
        ndc_link_batch_add_tagged(batch, source, i - t->source_start[source],
                                  whole->tags[s->part.rows[i]], values);
    }
    free(node_of);
    enum ndc_err err = ndc_link_batch_commit(batch, fault);
    if (!err) ndc_link_prepare(s->part.link);
    return err;
}

/* Nodes as identifiers made them; of their rows only those are here that have an edge. */
static void make_nodes(struct share *s)
{
    struct nodes *nodes = &s->part.link->nodes;
    const struct table *t = &s->part.link->table;
    uint32_t rows = s->part.count, n = (uint32_t)s->node_count;
    nodes->count = n;
    nodes->of = ndc_xmalloc(((size_t)rows + 1) * sizeof *nodes->of);
    nodes->start = ndc_xcalloc((size_t)n + 2, sizeof *nodes->start);
    nodes->members = ndc_xmalloc(((size_t)rows + 1) * sizeof *nodes->members);
    nodes->rows = ndc_xmalloc(((size_t)n + 1) * sizeof *nodes->rows);
    for (unsigned f = 0; f < t->spec->field_count; f++)
        if (t->spec->fields[f].unique) nodes->unique_fields[nodes->unique_count++] = f;
    nodes->unique = ndc_xcalloc((size_t)n * nodes->unique_count + 1, sizeof(uint32_t));
    for (uint32_t i = 0; i < rows; i++) {
        size_t node = find_node(s, s->x->entity[s->part.rows[i]]);
        NDC_ASSERT(node != SIZE_MAX);
        nodes->of[i] = (uint32_t)node;
        nodes->start[node + 2]++;
    }
    for (uint32_t k = 1; k <= n; k++)
        nodes->start[k + 1] += nodes->start[k];
    uint32_t *leads = ndc_xmalloc(((size_t)n + 1) * sizeof *leads);
    for (uint32_t k = 0; k < n; k++) { /* who stands for it comes first */
        struct node_record r = record_of(s, k);
        uint32_t lead = leads[k] = ndc_link_external_find(&s->part, r.lead);
        nodes->rows[k] = r.rows;
        nodes->members[nodes->start[k + 1]++] = lead;
        for (unsigned u = 0; u < nodes->unique_count; u++)
            nodes->unique[(size_t)k * nodes->unique_count + u] =
                table_row(t, lead)[nodes->unique_fields[u]];
    }
    for (uint32_t i = 0; i < rows; i++)
        if (leads[nodes->of[i]] != i)
            nodes->members[nodes->start[nodes->of[i] + 1]++] = i;
    free(leads);
}

/* Decisions that keep nodes apart, while all nodes still name themselves: shares rename
 * theirs side by side. */
static void find_apart(struct external *x)
{
    const struct ndc_link *link = x->link;
    x->apart = ndc_xmalloc((link->decision_count + 1) * sizeof *x->apart);
    for (size_t i = 0; i < link->decision_count; i++) {
        const struct decision *d = &link->decisions[i];
        if (d->same || d->a == UINT32_MAX) continue;
        x->apart[x->apart_count][0] = x->entity[d->a];
        x->apart[x->apart_count++][1] = x->entity[d->b];
    }
}

static void add_decisions(struct share *s)
{
    struct ndc_link *link = s->part.link;
    for (size_t i = 0; i < s->x->apart_count; i++) {
        size_t a = find_node(s, s->x->apart[i][0]), b = find_node(s, s->x->apart[i][1]);
        if (a == SIZE_MAX || b == SIZE_MAX) continue;
        ndc_link_decide(link, 0, 0, 0, 0, false);
        struct decision *made = &link->decisions[link->decision_count - 1];
        made->a = link->nodes.members[link->nodes.start[a]];
        made->b = link->nodes.members[link->nodes.start[b]];
    }
}

static void add_edges(struct share *s)
{
    struct ndc_link *link = s->part.link;
    const struct nodes *nodes = &link->nodes;
    ndc_sort_key64_own(s->edges, s->edge_count);
    for (size_t i = 0; i < s->edge_count; i++) {
        const struct ndc_link_edge e = external_edge_of(s->edges[i]);
        uint32_t a = ndc_link_external_find(&s->part, e.a);
        uint32_t b = ndc_link_external_find(&s->part, e.b);
        if (nodes->unique_count &&
            ndc_link_nodes_conflict(&link->table, nodes, nodes->of[a], nodes->of[b]))
            continue;
        ndc_link_edges_add(&link->edges, a, b, (double)e.log_odds, NDC_LINK_EDGE_MODEL);
    }
}

static void keep_merged(struct share *s)
{
    struct external *x = s->x;
    const struct ndc_link *link = s->part.link;
    size_t entities = ndc_link_entity_count(link);
    uint32_t *first = ndc_xmalloc((entities + 1) * sizeof *first);
    memset(first, 0xff, (entities + 1) * sizeof *first);
    for (size_t k = 0; k < s->node_count; k++) {
        uint32_t e = link->entity[link->nodes.members[link->nodes.start[k]]];
        if (first[e] == UINT32_MAX) first[e] = (uint32_t)s->nodes[k].key;
    }
    for (size_t k = 0; k < s->node_count; k++)
        x->entity[s->nodes[k].key] =
            first[link->entity[link->nodes.members[link->nodes.start[k]]]];
    free(first);
    ndc_link_external_keep_edges(x, &s->part, x->edges);
    ndc_link_external_reviews(x, &s->part);
    ndc_mutex_lock(&x->lock);
    x->link->stats.merges_refused += link->stats.merges_refused;
    ndc_mutex_unlock(&x->lock);
}

static void merge_share(void *arg, size_t number)
{
    struct external *x = arg;
    struct share s = {.x = x};
    struct ndc_fault fault = {0};
    void *bytes = NULL, *edges = NULL;
    size_t len = 0, edge_len = 0;
    if (ndc_link_external_failed(x)) return;
    enum ndc_err err =
        ndc_link_spool_take(x->shared_nodes, (unsigned)number, &bytes, &len, &fault);
    if (!err)
        err = ndc_link_spool_take(x->shared_edges, (unsigned)number, &edges, &edge_len,
                                  &fault);
    s.bytes = bytes;
    s.edges = edges;
    s.edge_count = edge_len / sizeof *s.edges;
    if (!err) order_nodes(&s, len);
    if (!err && s.node_count) err = make_part(&s, &fault);
    if (!err && s.node_count) err = feed_part(&s, &fault);
    if (err) {
        ndc_link_external_fail(x, &fault);
    } else if (s.node_count) {
        make_nodes(&s);
        add_decisions(&s);
        add_edges(&s);
        ndc_link_cluster_run(s.part.link);
        keep_merged(&s);
    }
    ndc_link_external_part_free(&s.part);
    free(s.nodes);
    free(bytes);
    free(edges);
}

/* ---- results ---- */

/* Numbers entities by their first rows. A row's entity is named by a row before it. */
static void number_entities(struct external *x)
{
    struct ndc_link_stats *stats = &x->link->stats;
    uint32_t *entity = x->entity, count = 0;
    for (uint32_t i = 0; i < x->rows; i++)
        entity[i] = entity[i] == i ? count++ : entity[entity[i]];
    uint32_t *rows = ndc_xcalloc((size_t)count + 1, sizeof *rows);
    for (uint32_t i = 0; i < x->rows; i++)
        rows[entity[i]]++;
    for (uint32_t e = 0; e < count; e++)
        stats->largest_entity = NDC_MAX(stats->largest_entity, rows[e]);
    stats->entities = count;
    free(rows);
    x->link->entity = entity;
    x->entity = NULL;
}

/* Of edges of one pair the stronger kind comes first. */
static void order_kinds(struct ndc_key64 *e, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct ndc_key64 edge = e[i];
        size_t at = i;
        for (; at > 0 && e[at - 1].key == edge.key &&
               (e[at - 1].value & 0xff) < (edge.value & 0xff);
             at--)
            e[at] = e[at - 1];
        e[at] = edge;
    }
}

static enum ndc_err collect_edges(struct external *x, struct ndc_fault *fault)
{
    struct edges *all = &x->link->edges;
    enum ndc_err err = NDC_OK;
    for (unsigned r = 0; r < x->ranges; r++)
        all->cap += ndc_link_spool_part_bytes(x->edges, r) / sizeof(struct ndc_key64);
    all->items = ndc_xmalloc((all->cap + 1) * sizeof *all->items);
    for (unsigned r = 0; r < x->ranges && !err; r++) {
        void *bytes;
        size_t len;
        err = ndc_link_spool_take(x->edges, r, &bytes, &len, fault);
        struct ndc_key64 *e = bytes;
        size_t n = len / sizeof *e;
        ndc_sort_key64_own(e, n);
        order_kinds(e, n);
        for (size_t i = 0; i < n; i++) {
            struct ndc_link_edge edge = external_edge_of(e[i]);
            edge.joined = x->link->entity[edge.a] == x->link->entity[edge.b];
            all->items[all->count++] = edge;
        }
        free(bytes);
    }
    return err;
}

enum ndc_err ndc_link_external_end(struct external *x, struct ndc_fault *fault)
{
    const char *dir = x->reader->scratch_dir;
    x->met = ndc_xcalloc((size_t)x->rows / 64 + 1, sizeof *x->met);
    x->shared_nodes = ndc_link_spool_new(dir, x->shares, EXTERNAL_KEY_BYTES);
    x->shared_edges = ndc_link_spool_new(dir, x->shares, EXTERNAL_KEY_BYTES);
    enum ndc_err err = ndc_link_external_run(x, x->ranges, deal_edges, fault);
    if (!err) err = ndc_link_external_run(x, x->ranges, deal_nodes, fault);
    find_apart(x);
    if (!err) err = ndc_link_external_run(x, x->shares, merge_share, fault);
    if (err) return err;
    free(x->parent);
    x->parent = NULL;
    number_entities(x);
    err = collect_edges(x, fault);
    if (err) return err;
    ndc_link_finish_reviews(x->link);
    x->link->stats.rows = x->rows;
    x->link->stats.edges = x->link->edges.count;
    return NDC_OK;
}

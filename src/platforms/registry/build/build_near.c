/* Neighbours: entities that a strong link joins and a guard keeps apart (two numbers, a
 * reviewer's decision, an identifier that both hold). What changes in one may move the
 * other, so whoever links a change looks at both (live/). */
#include "platforms/registry/build/build.h"
#include "store/bulk.h"

#include <math.h>

struct pairs {
    struct ndc_key64 *items;
    size_t count, cap;
};

static void add_pair(struct pairs *p, const struct build_link *l, uint32_t row_a,
                     uint32_t row_b)
{
    uint64_t a = l->numbers[ndc_link_entity(l->link, row_a)];
    uint64_t b = l->numbers[ndc_link_entity(l->link, row_b)];
    if (a == b) return;
    if (p->count + 2 > p->cap) {
        p->cap = p->cap ? p->cap * 2 : 1024;
        p->items = ndc_xrealloc(p->items, p->cap * sizeof(*p->items));
    }
    p->items[p->count++] = (struct ndc_key64){a, b};
    p->items[p->count++] = (struct ndc_key64){b, a};
}

static void collect(struct pairs *p, const struct build_link *l)
{
    size_t n;
    double join = ndc_link_spec_join(l->spec), least = log(join / (1 - join));
    const struct ndc_link_edge *edges = ndc_link_edges(l->link, &n);
    for (size_t i = 0; i < n; i++)
        if (!edges[i].joined && (double)edges[i].log_odds >= least)
            add_pair(p, l, edges[i].a, edges[i].b);
    const struct ndc_link_review *reviews = ndc_link_reviews(l->link, &n);
    for (size_t i = 0; i < n; i++)
        if (!reviews[i].joined && reviews[i].reason == NDC_LINK_REVIEW_SHARED_ID)
            add_pair(p, l, reviews[i].a, reviews[i].b);
}

/* Sorted by both, each once: by the second, then by the first, which keeps the order. */
static void sort_pairs(struct pairs *p)
{
    struct ndc_key64 *scratch = ndc_xmalloc((p->count + 1) * sizeof(*scratch));
    size_t kept = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < p->count; i++)
            p->items[i] = (struct ndc_key64){p->items[i].value, p->items[i].key};
        ndc_sort_key64(p->items, scratch, p->count);
    }
    for (size_t i = 0; i < p->count; i++)
        if (i == 0 || p->items[i].key != p->items[kept - 1].key ||
            p->items[i].value != p->items[kept - 1].value)
            p->items[kept++] = p->items[i];
    p->count = kept;
    free(scratch);
}

enum ndc_err ndc_build_write_near(struct build *b, struct ndc_store_conn *conn,
                                  struct ndc_fault *fault)
{
    static const struct ndc_bulk_column columns[] = {{"entity", NDC_VAL_I64},
                                                     {"other", NDC_VAL_I64}};
    struct pairs p = {0};
    struct ndc_bulk *bulk;
    for (int t = 0; t < NDC_ENTITY_COUNT; t++)
        if (b->links[t].link && b->links[t].rows) collect(&p, &b->links[t]);
    sort_pairs(&p);
    enum ndc_err err =
        ndc_sql_exec(conn, "DELETE FROM registry_near", NDC_NO_ARGS, NULL, fault);
    if (!err)
        err = ndc_bulk_begin(&bulk, conn, "registry_near", columns,
                             NDC_ARRAY_LEN(columns), fault);
    if (err) {
        free(p.items);
        return err;
    }
    for (size_t i = 0; i < p.count && !err; i++) {
        ndc_bulk_i64(bulk, (int64_t)p.items[i].key);
        ndc_bulk_i64(bulk, (int64_t)p.items[i].value);
        err = ndc_bulk_row(bulk, fault);
    }
    free(p.items);
    if (!err) return ndc_bulk_end(bulk, NULL, fault);
    ndc_bulk_abort(bulk);
    return err;
}

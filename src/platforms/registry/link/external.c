/* Linking out of memory (external.h): the order of the steps, and what they share. */
#include "platforms/registry/link/external_internal.h"

enum {
    ROW_BYTES = 170, /* of a row linked in memory */
    SHARE_ROW_BYTES =
        4096,          /* of a row while its share is linked, with all that is kept */
    THREADS_USUAL = 2, /* the result of learning shall not depend on how many there are */
    SHARE_ROWS_MIN = 200,
    SHARE_ROWS_MAX = 1 << 19,
    ROWS_PER_HOME_ROW = 2 /* a home's part holds the keys of twice a share's rows */
};

uint64_t ndc_link_memory_needed(uint64_t rows)
{
    return rows * ROW_BYTES;
}

bool ndc_link_external_fits(const struct ndc_link_spec *spec)
{
    return !spec->split && !spec->one_to_one;
}

void ndc_link_external_fail(struct external *x, const struct ndc_fault *fault)
{
    ndc_mutex_lock(&x->lock);
    if (!x->err) {
        x->err = fault->err;
        x->fault = *fault;
    }
    ndc_mutex_unlock(&x->lock);
}

bool ndc_link_external_failed(struct external *x)
{
    ndc_mutex_lock(&x->lock);
    bool failed = x->err != NDC_OK;
    if (!failed && x->link->options.canceled &&
        x->link->options.canceled(x->link->options.ctx)) {
        failed = true;
        x->err =
            ndc_fail(&x->fault, NDC_ECANCELED, "link.canceled", "linking was stopped");
    }
    ndc_mutex_unlock(&x->lock);
    return failed;
}

enum { SPOOLS = 12 };

static void list_spools(const struct external *x, struct spool *out[static SPOOLS])
{
    struct spool *const all[SPOOLS] = {x->copies, x->identifiers,  x->texts,
                                       x->keys,   x->nodes,        x->edges,
                                       x->kept,   x->wanted,       x->met_texts,
                                       x->scored, x->shared_nodes, x->shared_edges};
    memcpy(out, all, sizeof all);
}

enum ndc_err ndc_link_external_run(struct external *x, size_t n,
                                   void (*step)(void *arg, size_t i),
                                   struct ndc_fault *fault)
{
    struct spool *all[SPOOLS];
    ndc_parallel_for(x->link->options.threads, n, step, x);
    list_spools(x, all);
    for (size_t i = 0; i < SPOOLS && !x->err; i++)
        if (all[i]) x->err = ndc_link_spool_check(all[i], &x->fault);
    if (x->err && fault) *fault = x->fault;
    return x->err;
}

bool ndc_link_external_take(struct external *x, struct spool *spool, size_t part,
                            void **bytes, size_t *len)
{
    struct ndc_fault fault = {0};
    if (ndc_link_external_failed(x)) return false;
    if (!ndc_link_spool_take(spool, (unsigned)part, bytes, len, &fault)) return true;
    free(*bytes);
    ndc_link_external_fail(x, &fault);
    return false;
}

void ndc_link_external_read(struct external *x, size_t range,
                            const struct ndc_link_taker *taker)
{
    enum { SCAN_ROWS = 16384 };
    struct ndc_fault fault = {0};
    uint64_t from = (uint64_t)range << x->range_log2;
    uint64_t to = NDC_MIN((uint64_t)(range + 1) << x->range_log2, x->rows);
    for (uint64_t at = from; at < to && !fault.err; at += SCAN_ROWS)
        if (x->reader->read(x->reader->ctx, (uint32_t)at,
                            (uint32_t)NDC_MIN(at + SCAN_ROWS, to), taker, &fault))
            ndc_link_external_fail(x, &fault);
}

/* ---- components ---- */

static uint32_t root_of(uint32_t *parent, uint32_t row)
{
    uint32_t up = __atomic_load_n(&parent[row], __ATOMIC_RELAXED);
    while (up != row) {
        uint32_t next = __atomic_load_n(&parent[up], __ATOMIC_RELAXED);
        if (next != up) {
            uint32_t expected = up;
            (void)__atomic_compare_exchange_n(&parent[row], &expected, next, false,
                                              __ATOMIC_RELAXED, __ATOMIC_RELAXED);
        }
        row = up;
        up = next;
    }
    return row;
}

void ndc_link_external_join(uint32_t *parent, uint32_t a, uint32_t b)
{
    for (;;) {
        a = root_of(parent, a);
        b = root_of(parent, b);
        if (a == b) return;
        uint32_t low = NDC_MIN(a, b), high = NDC_MAX(a, b), expected = high;
        if (__atomic_compare_exchange_n(&parent[high], &expected, low, false,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            return;
    }
}

void ndc_link_external_flatten(uint32_t *parent, uint32_t rows)
{
    for (uint32_t i = 0; i < rows; i++)
        parent[i] = parent[parent[i]]; /* a parent is a lesser row */
}

/* ---- rows on their way ---- */

static size_t put(char *out, const void *bytes, size_t len)
{
    memcpy(out, bytes, len);
    return len;
}

size_t ndc_link_external_encode(char out[static EXTERNAL_ROW_MAX], unsigned fields,
                                uint32_t row, uint32_t tag, const struct ndc_str *values)
{
    uint16_t present = 0;
    size_t n = put(out, &row, sizeof row);
    n += put(out + n, &tag, sizeof tag);
    n += sizeof present;
    for (unsigned f = 0; f < fields; f++) {
        uint16_t len = (uint16_t)NDC_MIN(values[f].len, (size_t)RAW_BYTES_MAX);
        if (len == 0) continue;
        present |= (uint16_t)(1u << f);
        n += put(out + n, &len, sizeof len);
        n += put(out + n, values[f].ptr, len);
    }
    memcpy(out + 8, &present, sizeof present);
    return n;
}

const char *ndc_link_external_decode(const char *in, uint32_t *row, uint32_t *tag,
                                     struct ndc_str values[static NDC_LINK_FIELDS_MAX])
{
    uint16_t present, len;
    memcpy(row, in, sizeof *row);
    memcpy(tag, in + 4, sizeof *tag);
    memcpy(&present, in + 8, sizeof present);
    in += 10;
    for (unsigned f = 0; f < NDC_LINK_FIELDS_MAX; f++) {
        values[f].len = 0;
        if (!(present >> f & 1)) continue;
        memcpy(&len, in, sizeof len);
        values[f] = ndc_str_n(in + 2, len);
        in += 2 + len;
    }
    return in;
}

void ndc_link_external_keep_edges(struct external *x, const struct external_part *part,
                                  struct spool *spool)
{
    const struct edges *edges = &part->link->edges;
    struct spool_feed *feed = ndc_link_spool_feed_new(spool);
    for (size_t i = 0; i < edges->count; i++) {
        const struct ndc_link_edge *e = &edges->items[i];
        uint32_t a = part->rows[e->a], b = part->rows[e->b];
        const struct ndc_key64 edge = external_edge(a, b, e->log_odds, e->kind);
        ndc_link_spool_add(feed, external_range(x, a), &edge, sizeof edge);
    }
    ndc_link_spool_feed_end(feed);
}

enum ndc_err ndc_link_external_part(struct external_part *part, struct external *x,
                                    uint32_t *rows, uint32_t count, unsigned threads,
                                    struct ndc_fault *fault)
{
    const struct table *t = &x->link->table;
    const struct ndc_link_options options = {.threads = threads};
    *part = (struct external_part){ndc_link_new(x->link->spec, &options), rows, count};
    ndc_link_use_model(part->link, x->link->given_model);
    uint32_t at = 0;
    enum ndc_err err = NDC_OK;
    for (unsigned s = 0; s < t->source_names.count && !err; s++) {
        uint32_t from = at;
        unsigned number;
        while (at < count && rows[at] < t->source_start[s + 1])
            at++;
        err = ndc_link_source_whole(part->link, ndc_dict_get(&t->source_names, s + 1),
                                    at - from, &number, fault);
    }
    return err;
}

static enum ndc_err load_rows(struct external_part *part, const char *bytes,
                              const struct ndc_key64 *order, struct ndc_fault *fault)
{
    struct ndc_link_batch *batch = ndc_link_batch_new(part->link);
    const struct table *t = &part->link->table;
    unsigned source = 0;
    for (uint32_t i = 0; i < part->count; i++) {
        struct ndc_str values[NDC_LINK_FIELDS_MAX];
        uint32_t row, tag;
        (void)ndc_link_external_decode(bytes + order[i].value, &row, &tag, values);
        while (i >= t->source_start[source + 1])
            source++;
        ndc_link_batch_add_tagged(batch, source, i - t->source_start[source], tag,
                                  values);
    }
    return ndc_link_batch_commit(batch, fault);
}

enum ndc_err ndc_link_external_load(struct external_part *part, struct external *x,
                                    struct spool *spool, unsigned number,
                                    struct ndc_fault *fault)
{
    void *bytes;
    size_t len;
    *part = (struct external_part){0};
    enum ndc_err err = ndc_link_spool_take(spool, number, &bytes, &len, fault);
    if (!err) err = ndc_link_external_fill(part, x, bytes, len, 1, fault);
    free(bytes);
    return err;
}

enum ndc_err ndc_link_external_fill(struct external_part *part, struct external *x,
                                    const char *bytes, size_t len, unsigned threads,
                                    struct ndc_fault *fault)
{
    size_t cap = 1024;
    uint32_t n = 0;
    *part = (struct external_part){0};
    struct ndc_key64 *order = ndc_xmalloc(cap * sizeof *order);
    for (const char *at = bytes; at < bytes + len; n++) {
        struct ndc_str values[NDC_LINK_FIELDS_MAX];
        uint32_t row, tag;
        if (n == cap) {
            cap *= 2;
            order = ndc_xrealloc(order, cap * sizeof *order);
        }
        order[n].value = (uint64_t)(at - bytes);
        at = ndc_link_external_decode(at, &row, &tag, values);
        order[n].key = row;
    }
    uint32_t *rows = ndc_xmalloc(((size_t)n + 1) * sizeof *rows);
    ndc_sort_key64_own(order, n);
    for (uint32_t i = 0; i < n; i++)
        rows[i] = (uint32_t)order[i].key;
    enum ndc_err err = ndc_link_external_part(part, x, rows, n, threads, fault);
    if (!err) err = load_rows(part, bytes, order, fault);
    free(order);
    return err;
}

void ndc_link_external_part_free(struct external_part *part)
{
    ndc_link_free(part->link);
    free(part->rows);
    *part = (struct external_part){0};
}

uint32_t ndc_link_external_find(const struct external_part *part, uint32_t row)
{
    uint32_t low = 0, high = part->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (part->rows[middle] < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low < part->count && part->rows[low] == row ? low : UINT32_MAX;
}

void ndc_link_external_reviews(struct external *x, const struct external_part *part)
{
    ndc_mutex_lock(&x->lock);
    for (size_t i = 0; i < part->link->reviews.count; i++) {
        const struct ndc_link_review *r = &part->link->reviews.items[i];
        ndc_link_reviews_add(&x->link->reviews, part->rows[r->a], part->rows[r->b],
                             (double)r->log_odds, (enum ndc_link_review_reason)r->reason,
                             false);
    }
    ndc_mutex_unlock(&x->lock);
}

/* ---- the run ---- */

static void prepare(struct external *x)
{
    struct ndc_link *link = x->link;
    struct table *t = &link->table;
    size_t rows = t->source_start[NDC_LINK_SOURCES_MAX];
    size_t share = x->reader->memory_bytes / SHARE_ROW_BYTES / THREADS_USUAL;
    share = NDC_MIN(NDC_MAX(share, (size_t)SHARE_ROWS_MIN), (size_t)SHARE_ROWS_MAX);
    NDC_ASSERT(t->row_count == 0 && !link->ran);
    link->ran = true;
    x->rows = t->row_count = (uint32_t)rows;
    x->shares = (unsigned)NDC_MIN(rows / share + 1, (size_t)SPOOL_PARTS_MAX);
    x->homes = (unsigned)NDC_MIN(rows / (ROWS_PER_HOME_ROW * share) + 1,
                                 (size_t)SPOOL_PARTS_MAX);
    for (x->range_log2 = 6;
         (size_t)1 << x->range_log2 < share || rows >> x->range_log2 >= SPOOL_PARTS_MAX;)
        x->range_log2++;
    x->ranges = (unsigned)(rows >> x->range_log2) + 1;
    t->sources = ndc_xcalloc(rows + 1, 1);
    t->tags = ndc_xcalloc(rows + 1, sizeof *t->tags);
    for (unsigned s = 0; s < t->source_names.count; s++)
        memset(t->sources + t->source_start[s], (int)s, t->source_rows[s]);
    x->parent = ndc_xmalloc((rows + 1) * sizeof *x->parent);
    x->entity = ndc_xmalloc((rows + 1) * sizeof *x->entity);
    for (uint32_t i = 0; i < x->rows; i++)
        x->parent[i] = x->entity[i] = i;
    if (link->options.keep_open) link->open = ndc_xcalloc(rows + 1, 1);
    ndc_link_place_decisions(link, &t->source_names);
}

static void release(struct external *x)
{
    struct spool *all[SPOOLS];
    list_spools(x, all);
    for (size_t i = 0; i < SPOOLS; i++)
        ndc_link_spool_free(all[i]);
    free(x->parent);
    free(x->entity);
    free(x->apart);
    free(x->met);
    ndc_mutex_free(&x->lock);
}

enum ndc_err ndc_link_run_external(struct ndc_link *link,
                                   const struct ndc_link_reader *reader,
                                   struct ndc_fault *fault)
{
    static const struct {
        enum ndc_err (*run)(struct external *x, struct ndc_fault *fault);
        const char *name;
        double part;
    } steps[] = {{ndc_link_external_identifiers, "prepare", 0},
                 {ndc_link_external_shares, "identifiers", 0.1},
                 {ndc_link_external_pairs, "score", 0.5},
                 {ndc_link_external_end, "cluster", 0.9}};
    struct external x = {.link = link, .reader = reader};
    enum ndc_err err = NDC_OK;
    ndc_mutex_init(&x.lock);
    prepare(&x);
    for (size_t i = 0; i < NDC_ARRAY_LEN(steps) && !err; i++) {
        if (ndc_link_canceled(link, steps[i].name, steps[i].part))
            err = ndc_fail(fault, NDC_ECANCELED, "link.canceled", "linking was stopped");
        if (!err) err = steps[i].run(&x, fault);
    }
    if (!err) (void)ndc_link_canceled(link, "done", 1);
    release(&x);
    return err;
}

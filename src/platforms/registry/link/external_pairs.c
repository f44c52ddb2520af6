/* Third step out of memory: who meets whom, and how likely they are one. A home holds all
 * rows of its keys, so blocks are made, capped and counted there; rows that can meet are
 * read again, dealt to their homes, and their pairs scored. Edges join components. */
#include "platforms/registry/link/external_internal.h"
#include "platforms/registry/link/external_key.h"

enum { FILTER_BITS_PER_KEY = 16, FILTER_BITS_MIN = 1 << 12 };

/* ---- which rows can meet ---- */

/* Drops keys that no open node has, but for a few that a filter lets through. */
static size_t drop_settled(struct ndc_key64 *e, size_t n)
{
    size_t open = 0, kept = 0, bits = FILTER_BITS_MIN;
    for (size_t i = 0; i < n; i++)
        open += external_key_open(e[i].value);
    while (bits < open * FILTER_BITS_PER_KEY)
        bits *= 2;
    uint64_t *filter = ndc_xcalloc(bits / 64, sizeof *filter);
    for (size_t i = 0; i < n; i++)
        if (external_key_open(e[i].value))
            filter[(e[i].key & (bits - 1)) / 64] |= (uint64_t)1 << e[i].key % 64;
    for (size_t i = 0; i < n; i++)
        if (filter[(e[i].key & (bits - 1)) / 64] >> e[i].key % 64 & 1) e[kept++] = e[i];
    free(filter);
    return kept;
}

static bool can_meet(uint64_t a, uint64_t b)
{
    return (external_key_open(a) || external_key_open(b)) && !external_signs_differ(a, b);
}

struct selecting {
    struct external *x;
    unsigned home;
    struct spool_feed *kept, *wanted;
};

static void select_entry(struct selecting *s, const struct ndc_key64 *entry)
{
    uint32_t row = external_key_row(entry->value);
    uint64_t want = (uint64_t)row << 32 | s->home;
    ndc_link_spool_add(s->kept, s->home, entry, sizeof *entry);
    ndc_link_spool_add(s->wanted, external_range(s->x, row), &want, sizeof want);
}

/* Reports a block over its cap by the first of its open nodes. */
static void note_cap(struct external *x, const struct ndc_key64 *e, size_t n)
{
    struct blocks *b = &x->link->blocks;
    uint32_t example = UINT32_MAX, first = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        uint32_t row = external_key_row(e[i].value);
        if (!external_key_open(e[i].value) || x->entity[row] >= first) continue;
        first = x->entity[row];
        example = row;
    }
    ndc_mutex_lock(&x->lock);
    b->caps = ndc_xrealloc(b->caps, (b->cap_count + 1) * sizeof *b->caps);
    b->caps[b->cap_count++] = (struct ndc_link_cap){
        .rule = x->link->spec->rules[external_key_rule(e[0].value)].text,
        .example = example,
        .rows = (uint32_t)n,
        .pairs = (uint64_t)n * (n - 1) / 2};
    ndc_mutex_unlock(&x->lock);
}

/* One block: what meets nobody in it is left out. */
static void select_block(struct selecting *s, const struct ndc_key64 *e, size_t n)
{
    const struct ndc_link_spec *spec = s->x->link->spec;
    size_t open = 0;
    for (size_t i = 0; i < n; i++)
        open += external_key_open(e[i].value);
    if (n < 2 || open == 0) return;
    if (n > spec->rules[external_key_rule(e[0].value)].cap) {
        note_cap(s->x, e, n);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        bool meets = false;
        for (size_t j = 0; j < n && !meets; j++)
            meets = i != j && can_meet(e[i].value, e[j].value);
        if (meets) select_entry(s, &e[i]);
    }
}

static void select_keys(void *arg, size_t home)
{
    struct external *x = arg;
    void *bytes;
    size_t len;
    if (!ndc_link_external_take(x, x->keys, home, &bytes, &len)) return;
    struct ndc_key64 *e = bytes;
    size_t n = drop_settled(e, len / sizeof *e);
    ndc_sort_key64_own(e, n);
    struct selecting s = {.x = x,
                          .home = (unsigned)home,
                          .kept = ndc_link_spool_feed_new(x->kept),
                          .wanted = ndc_link_spool_feed_new(x->wanted)};
    for (size_t at = 0, end; at < n; at = end) {
        for (end = at + 1; end < n && e[end].key == e[at].key;)
            end++;
        select_block(&s, e + at, end - at);
    }
    ndc_link_spool_feed_end(s.kept);
    ndc_link_spool_feed_end(s.wanted);
    free(bytes);
}

/* ---- their texts ---- */

struct fetching {
    struct external *x;
    struct spool_feed *feed;
    const uint64_t *wanted; /* row and home, sorted */
    size_t count, at;
    char bytes[EXTERNAL_ROW_MAX];
};

static bool wants_row(void *arg, uint32_t row)
{
    struct fetching *f = arg;
    while (f->at < f->count && f->wanted[f->at] >> 32 < row)
        f->at++;
    return f->at < f->count && f->wanted[f->at] >> 32 == row;
}

static void fetch_row(void *arg, uint32_t row, uint32_t tag, const struct ndc_str *values)
{
    struct fetching *f = arg;
    size_t len = ndc_link_external_encode(f->bytes, f->x->link->spec->field_count, row,
                                          tag, values);
    for (; f->at < f->count && f->wanted[f->at] >> 32 == row; f->at++)
        if (f->at == 0 || f->wanted[f->at] != f->wanted[f->at - 1])
            ndc_link_spool_add(f->feed, (uint32_t)f->wanted[f->at], f->bytes, len);
}

static void fetch_range(void *arg, size_t i)
{
    struct external *x = arg;
    void *bytes;
    size_t len;
    if (!ndc_link_external_take(x, x->wanted, i, &bytes, &len)) return;
    uint64_t *scratch = ndc_xmalloc(len + 1);
    ndc_sort_u64(bytes, scratch, len / sizeof *scratch);
    free(scratch);
    struct fetching *f = ndc_xcalloc(1, sizeof *f);
    f->x = x;
    f->feed = ndc_link_spool_feed_new(x->met_texts);
    f->wanted = bytes;
    f->count = len / sizeof *f->wanted;
    const struct ndc_link_taker taker = {.arg = f, .wants = wants_row, .take = fetch_row};
    ndc_link_external_read(x, i, &taker);
    ndc_link_spool_feed_end(f->feed);
    free(f);
    free(bytes);
}

/* ---- scores ---- */

static void add_pair(struct pairs *pairs, const struct table *t, uint32_t a, uint32_t b)
{
    if (t->spec->between_only && t->sources[a] == t->sources[b]) return;
    if (pairs->count == pairs->cap) {
        pairs->cap = pairs->cap * 2 + 1024;
        pairs->items = ndc_xrealloc(pairs->items, pairs->cap * sizeof *pairs->items);
    }
    pairs->items[pairs->count++] = (uint64_t)NDC_MIN(a, b) << 32 | NDC_MAX(a, b);
}

static void sort_pairs(struct pairs *pairs)
{
    uint64_t *scratch = ndc_xmalloc((pairs->count + 1) * sizeof *scratch);
    size_t kept = 0;
    ndc_sort_u64(pairs->items, scratch, pairs->count);
    free(scratch);
    for (size_t i = 0; i < pairs->count; i++)
        if (i == 0 || pairs->items[i] != pairs->items[i - 1])
            pairs->items[kept++] = pairs->items[i];
    pairs->count = kept;
}

/* The pairs of all blocks of a home, by rows of the part. */
static void make_pairs(struct pairs *pairs, const struct external_part *part,
                       struct ndc_key64 *e, size_t n)
{
    uint32_t *local = ndc_xmalloc((n + 1) * sizeof *local);
    ndc_sort_key64_own(e, n);
    for (size_t i = 0; i < n; i++) {
        local[i] = ndc_link_external_find(part, external_key_row(e[i].value));
        NDC_ASSERT(local[i] != UINT32_MAX);
    }
    for (size_t at = 0, end; at < n; at = end) {
        for (end = at + 1; end < n && e[end].key == e[at].key;)
            end++;
        for (size_t i = at; i < end; i++)
            for (size_t j = i + 1; j < end; j++)
                if (can_meet(e[i].value, e[j].value))
                    add_pair(pairs, &part->link->table, local[i], local[j]);
    }
    free(local);
    sort_pairs(pairs);
}

static void keep_scored(struct external *x, const struct external_part *part)
{
    const struct edges *edges = &part->link->edges;
    ndc_link_external_keep_edges(x, part, x->scored);
    for (size_t i = 0; i < edges->count; i++)
        ndc_link_external_join(x->parent, part->rows[edges->items[i].a],
                               part->rows[edges->items[i].b]);
    ndc_mutex_lock(&x->lock);
    x->link->stats.pairs_compared += part->link->stats.pairs_compared;
    x->link->stats.matches_expected += part->link->stats.matches_expected;
    ndc_mutex_unlock(&x->lock);
}

static void score_home(void *arg, size_t home)
{
    struct external *x = arg;
    struct external_part part = {0};
    struct pairs pairs = {0};
    struct ndc_fault fault = {0};
    void *bytes = NULL;
    size_t len;
    if (ndc_link_external_failed(x)) return;
    enum ndc_err err = ndc_link_spool_take(x->kept, (unsigned)home, &bytes, &len, &fault);
    if (!err)
        err = ndc_link_external_load(&part, x, x->met_texts, (unsigned)home, &fault);
    if (err) {
        ndc_link_external_fail(x, &fault);
    } else if (len) {
        ndc_link_prepare(part.link);
        make_pairs(&pairs, &part, bytes, len / sizeof(struct ndc_key64));
        ndc_link_take_model(part.link);
        ndc_link_score_pairs(part.link, &pairs);
        keep_scored(x, &part);
    }
    ndc_link_external_part_free(&part);
    free(pairs.items);
    free(bytes);
}

enum ndc_err ndc_link_external_pairs(struct external *x, struct ndc_fault *fault)
{
    const char *dir = x->reader->scratch_dir;
    x->kept = ndc_link_spool_new(dir, x->homes, EXTERNAL_KEY_BYTES);
    x->wanted = ndc_link_spool_new(dir, x->ranges, EXTERNAL_KEY_BYTES);
    enum ndc_err err = ndc_link_external_run(x, x->homes, select_keys, fault);
    ndc_link_spool_free(x->keys);
    x->keys = NULL;
    ndc_link_blocks_sort_caps(&x->link->blocks);
    if (err) return err;
    x->met_texts = ndc_link_spool_new(dir, x->homes, EXTERNAL_TEXT_BYTES);
    err = ndc_link_external_run(x, x->ranges, fetch_range, fault);
    ndc_link_spool_free(x->wanted);
    x->wanted = NULL;
    if (err) return err;
    x->scored = ndc_link_spool_new(dir, x->ranges, EXTERNAL_KEY_BYTES);
    err = ndc_link_external_run(x, x->homes, score_home, fault);
    ndc_link_spool_free(x->kept);
    ndc_link_spool_free(x->met_texts);
    x->kept = x->met_texts = NULL;
    if (!err) ndc_link_external_flatten(x->parent, x->rows);
    return err;
}

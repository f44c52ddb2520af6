/* Rows and the dictionaries of their values. Rows are row-major 32-bit value numbers, so
 * a pair of rows touches two cache lines; all text work is done once a distinct value. */
#include "platforms/registry/link/table.h"
#include "base/sort.h"
#include "platforms/registry/link/text.h"
#include "sys/thread.h"

enum { LINE_BYTES = 64, REMAP_CHUNKS = 64 };

static struct ndc_dict *new_dict(void)
{
    struct ndc_dict *dict = ndc_xcalloc(1, sizeof *dict);
    ndc_dict_init(dict);
    return dict;
}

void ndc_link_table_init(struct table *t, const struct ndc_link_spec *spec)
{
    *t = (struct table){.spec = spec, .stride = 1};
    while (t->stride < spec->field_count)
        t->stride *= 2;
    ndc_dict_init(&t->source_names);
    for (unsigned f = 0; f < spec->field_count; f++) {
        struct column *c = &t->columns[f];
        c->field = &spec->fields[f];
        ndc_dict_init(&c->class_names);
        c->owns_dict = spec->fields[f].dict == f;
        c->dict = c->owns_dict ? new_dict() : t->columns[spec->fields[f].dict].dict;
        c->raw = c->owns_dict ? new_dict() : t->columns[spec->fields[f].dict].raw;
    }
}

static void free_dict(struct ndc_dict *dict)
{
    if (dict) ndc_dict_free(dict);
    free(dict);
}

void ndc_link_table_free(struct table *t)
{
    for (unsigned f = 0; t->spec && f < t->spec->field_count; f++) {
        struct column *c = &t->columns[f];
        if (c->owns_dict) {
            free_dict(c->dict);
            free_dict(c->raw);
        }
        ndc_dict_free(&c->class_names);
        free(c->raw_rows);
        free(c->class_of);
        free(c->rows_of);
        free(c->class_rows);
        free(c->fillers);
    }
    ndc_dict_free(&t->source_names);
    free(t->block);
    free(t->refs);
    free(t->tags);
    free(t->sources);
    *t = (struct table){0};
}

/* Zeroed room for `cap` rows that begins at a cache line, with the rows there are. */
static void move_values(struct table *t, uint32_t cap)
{
    size_t bytes = (size_t)cap * t->stride * sizeof *t->values;
    void *block = ndc_xcalloc(1, bytes + LINE_BYTES);
    uintptr_t at = ((uintptr_t)block + LINE_BYTES - 1) & ~(uintptr_t)(LINE_BYTES - 1);
    if (t->values)
        memcpy((void *)at, t->values,
               (size_t)t->row_count * t->stride * sizeof(uint32_t));
    free(t->block);
    t->block = block;
    t->values = (uint32_t *)at;
    t->row_cap = cap;
}

enum ndc_err ndc_link_table_reserve(struct table *t, uint32_t more,
                                    struct ndc_fault *fault)
{
    if (more > NDC_LINK_ROWS_MAX - t->row_count)
        return ndc_fail(fault, NDC_ETOOBIG, "link.rows", "over %d rows in one table",
                        NDC_LINK_ROWS_MAX);
    uint32_t need = t->row_count + more;
    if (need == 0 || need <= t->row_cap) return NDC_OK;
    uint64_t grown = (uint64_t)t->row_cap + t->row_cap / 2;
    uint32_t cap = (uint32_t)NDC_MIN(NDC_MAX(grown, need), NDC_LINK_ROWS_MAX);
    move_values(t, cap);
    t->sources = t->whole ? ndc_xcalloc(cap, 1) : ndc_xrealloc(t->sources, cap);
    if (t->whole) t->tags = ndc_xcalloc((size_t)cap + 1, sizeof *t->tags);
    if (!t->whole) t->refs = ndc_xrealloc(t->refs, (size_t)cap * sizeof *t->refs);
    return NDC_OK;
}

enum ndc_err ndc_link_table_place(struct table *t, struct ndc_fault *fault)
{
    if (t->row_count) return NDC_OK;
    enum ndc_err err =
        ndc_link_table_reserve(t, t->source_start[NDC_LINK_SOURCES_MAX], fault);
    if (!err) t->row_count = t->source_start[NDC_LINK_SOURCES_MAX];
    return err;
}

uint32_t ndc_link_table_number(struct column *c, struct ndc_str raw, uint64_t hash)
{
    uint32_t id = ndc_dict_add_hashed(c->raw, raw, hash);
    if (id >= c->raw_rows_cap) {
        uint32_t cap = NDC_MAX(id + 1, c->raw_rows_cap + c->raw_rows_cap / 2 + 64);
        c->raw_rows = ndc_xrealloc(c->raw_rows, cap * sizeof *c->raw_rows);
        memset(c->raw_rows + c->raw_rows_cap, 0,
               (cap - c->raw_rows_cap) * sizeof *c->raw_rows);
        c->raw_rows_cap = cap;
    }
    c->raw_rows[id]++;
    return id;
}

void ndc_link_table_add(struct table *t, unsigned source, uint64_t ref,
                        const struct ndc_str *values)
{
    NDC_ASSERT(!t->whole && t->row_count < t->row_cap && source < NDC_LINK_SOURCES_MAX);
    uint32_t *row = t->values + (size_t)t->row_count * t->stride;
    for (unsigned f = 0; f < t->spec->field_count; f++) {
        struct ndc_str raw = values[f];
        raw.len = NDC_MIN(raw.len, (size_t)RAW_BYTES_MAX);
        if (raw.len == 0) continue;
        row[f] = ndc_link_table_number(&t->columns[f], raw, ndc_hash_str(raw, 0));
    }
    t->refs[t->row_count] = ref;
    t->sources[t->row_count] = (uint8_t)source;
    t->row_count++;
}

/* Rank of each source by name, so that the order of declaration does not matter. */
static void rank_sources(const struct table *t, uint8_t rank[NDC_LINK_SOURCES_MAX])
{
    uint32_t n = t->source_names.count;
    for (uint32_t i = 0; i < n; i++) {
        unsigned before = 0;
        struct ndc_str name = ndc_dict_get(&t->source_names, i + 1);
        for (uint32_t j = 0; j < n; j++)
            before += ndc_str_cmp(ndc_dict_get(&t->source_names, j + 1), name) < 0;
        rank[i] = (uint8_t)before;
    }
}

static uint64_t content_hash(const struct table *t, uint32_t row)
{
    uint64_t h = 1;
    const uint32_t *v = table_row(t, row);
    for (unsigned f = 0; f < t->spec->field_count; f++) {
        uint64_t x = v[f] ? ndc_hash_str(ndc_dict_get(t->columns[f].dict, v[f]), 0) : 0;
        h = ndc_hash_join(h, x);
    }
    return h;
}

/* Rows that share source and ref (a caller's slip) still get one fixed order. */
static void settle_ties(const struct table *t, struct ndc_key64 *order, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        for (uint32_t j = i; j > 0; j--) {
            uint32_t a = (uint32_t)order[j - 1].value, b = (uint32_t)order[j].value;
            if (t->refs[a] != t->refs[b] || t->sources[a] != t->sources[b] ||
                content_hash(t, a) <= content_hash(t, b))
                break;
            struct ndc_key64 swap = order[j];
            order[j] = order[j - 1];
            order[j - 1] = swap;
        }
    }
}

static void reorder(struct table *t, const struct ndc_key64 *order, const uint8_t *rank)
{
    uint32_t n = t->row_count;
    size_t width = t->stride;
    void *old = t->block;
    const uint32_t *values = t->values;
    uint64_t *refs = ndc_xmalloc((size_t)n * sizeof *refs + 1);
    uint8_t *sources = ndc_xmalloc((size_t)n + 1);
    t->block = NULL;
    t->values = NULL;
    move_values(t, NDC_MAX(n, 1u));
    for (uint32_t i = 0; i < n; i++) {
        uint32_t from = (uint32_t)order[i].value;
        memcpy(t->values + i * width, values + from * width, width * sizeof *values);
        refs[i] = t->refs[from];
        sources[i] = rank[t->sources[from]];
    }
    free(old);
    free(t->refs);
    free(t->sources);
    t->refs = refs;
    t->sources = sources;
}

static void sort_rows(struct table *t)
{
    uint32_t n = t->row_count;
    uint8_t rank[NDC_LINK_SOURCES_MAX] = {0};
    rank_sources(t, rank);
    struct ndc_key64 *order = ndc_xmalloc(((size_t)n + 1) * sizeof *order);
    struct ndc_key64 *scratch = ndc_xmalloc(((size_t)n + 1) * sizeof *order);
    for (uint32_t i = 0; i < n; i++)
        order[i] = (struct ndc_key64){t->refs[i], i};
    ndc_sort_key64(order, scratch, n);
    for (uint32_t i = 0; i < n; i++)
        order[i].key = rank[t->sources[order[i].value]];
    ndc_sort_key64(order, scratch, n);
    settle_ties(t, order, n);
    reorder(t, order, rank);
    struct ndc_dict names;
    ndc_dict_init(&names);
    for (unsigned want = 0; want < t->source_names.count; want++)
        for (uint32_t i = 0; i < t->source_names.count; i++)
            if (rank[i] == want)
                (void)ndc_dict_add(&names, ndc_dict_get(&t->source_names, i + 1));
    ndc_dict_free(&t->source_names);
    t->source_names = names;
    free(order);
    free(scratch);
}

/* Few rows of one source meet in a list, so this is one pass and rarely a swap. */
void ndc_link_table_settle(const struct table *t, uint32_t *rows, size_t count)
{
    if (!t->tags) return;
    for (size_t i = 1; i < count; i++) {
        uint32_t row = rows[i];
        size_t at = i;
        for (; at > 0 && table_before(t, row, rows[at - 1]); at--)
            rows[at] = rows[at - 1];
        rows[at] = row;
    }
}

/* ---- from texts as they came to folded ones ---- */

struct folding {
    struct table *table;
    unsigned
        owners[NDC_LINK_FIELDS_MAX]; /* columns with a dictionary, the dearest first */
    unsigned count;
    uint32_t *maps[NDC_LINK_FIELDS_MAX]; /* raw -> value, by column; NULL: the same */
};

static struct ndc_str fold_raw(const struct column *c, struct ndc_buf *out,
                               struct ndc_str raw)
{
    ndc_buf_reset(out);
    if (c->field->comparator)
        c->field->comparator->fold(out, raw);
    else
        ndc_link_text_fold_plain(out, raw);
    return ndc_buf_str(out);
}

static struct ndc_str fold_text(const struct column *c, struct ndc_buf *out, uint32_t id)
{
    return fold_raw(c, out, ndc_dict_get(c->raw, id));
}

struct ndc_str ndc_link_table_fold(const struct column *c, struct ndc_buf *out,
                                   struct ndc_str raw)
{
    raw.len = NDC_MIN(raw.len, (size_t)RAW_BYTES_MAX);
    return fold_raw(c, out, raw);
}

/* The map from raw to folded numbers, or NULL if they are the same. Identifiers are
 * mostly folded already: then nothing is numbered again. */
static uint32_t *fold_dict(struct column *c)
{
    uint32_t n = c->raw->count, moved = 0, id = 1;
    uint32_t *map = NULL;
    struct ndc_buf text;
    ndc_buf_init(&text, FOLDED_BYTES_MAX);
    while (id <= n && ndc_str_eq(fold_text(c, &text, id), ndc_dict_get(c->raw, id)))
        id++;
    if (id > n) {
        *c->dict = *c->raw;
        ndc_dict_init(c->raw);
    } else {
        map = ndc_xmalloc(((size_t)n + 1) * sizeof *map);
        map[0] = 0;
        ndc_dict_reserve(c->dict, n);
        for (id = 1; id <= n; id++) {
            map[id] = ndc_dict_add(c->dict, fold_text(c, &text, id));
            moved |= map[id] ^ id;
        }
        ndc_dict_free(c->raw);
    }
    ndc_buf_free(&text);
    ndc_dict_close(c->dict);
    if (moved) return map;
    free(map);
    return NULL;
}

static void count_values(struct column *c, const uint32_t *map, uint32_t raw_count)
{
    c->rows_of = ndc_xcalloc((size_t)c->dict->count + 1, sizeof *c->rows_of);
    c->present = 0;
    for (uint32_t id = 1; id <= raw_count && id < c->raw_rows_cap; id++) {
        uint32_t v = map ? map[id] : id;
        if (v == 0) continue;
        c->rows_of[v] += c->raw_rows[id];
        c->present += c->raw_rows[id];
    }
    free(c->raw_rows);
    c->raw_rows = NULL;
    if (!c->class_of) return;
    c->class_rows = ndc_xcalloc((size_t)c->class_names.count + 1, sizeof *c->class_rows);
    for (uint32_t v = 1; v <= c->dict->count; v++)
        c->class_rows[c->class_of[v]] += c->rows_of[v];
}

/* A dictionary, and all columns that hold its values. */
static void fold_columns(void *arg, size_t index)
{
    struct folding *f = arg;
    unsigned owner = f->owners[index];
    uint32_t raw_count = f->table->columns[owner].raw->count;
    f->maps[owner] = fold_dict(&f->table->columns[owner]);
    for (unsigned i = 0; i < f->table->spec->field_count; i++) {
        struct column *c = &f->table->columns[i];
        if (c->field->dict != owner) continue;
        const struct comparator *how = c->field->comparator;
        f->maps[i] = f->maps[owner];
        if (how && how->prepare) how->prepare(c);
        ndc_dict_close(&c->class_names);
        count_values(c, f->maps[owner], raw_count);
        c->digest = ndc_mix64(i + 1);
    }
}

static void remap_chunk(void *arg, size_t chunk)
{
    const struct folding *f = arg;
    struct table *t = f->table;
    uint32_t from = (uint32_t)((uint64_t)t->row_count * chunk / REMAP_CHUNKS);
    uint32_t to = (uint32_t)((uint64_t)t->row_count * (chunk + 1) / REMAP_CHUNKS);
    unsigned moved[NDC_LINK_FIELDS_MAX], n = 0;
    for (unsigned i = 0; i < t->spec->field_count; i++)
        if (f->maps[i]) moved[n++] = i;
    for (uint32_t r = from; r < to && n; r++) {
        uint32_t *row = t->values + (size_t)r * t->stride;
        for (unsigned i = 0; i < n; i++)
            row[moved[i]] = f->maps[moved[i]][row[moved[i]]];
    }
}

/* About what folding a column and preparing its comparator takes. */
static uint64_t fold_work(const struct column *c)
{
    bool classes = c->field->comparator && c->field->comparator->prepare;
    return c->raw->bytes_len * (classes ? 4 : 1);
}

static void fold_values(struct table *t, unsigned threads)
{
    struct folding f = {.table = t};
    for (unsigned i = 0; i < t->spec->field_count; i++) {
        if (!t->columns[i].owns_dict) continue;
        unsigned at = f.count++;
        for (; at > 0 &&
               fold_work(&t->columns[f.owners[at - 1]]) < fold_work(&t->columns[i]);
             at--)
            f.owners[at] = f.owners[at - 1];
        f.owners[at] = i;
    }
    ndc_parallel_for(threads, f.count, fold_columns, &f);
    ndc_parallel_for(threads, REMAP_CHUNKS, remap_chunk, &f);
    for (unsigned i = 0; i < f.count; i++)
        free(f.maps[f.owners[i]]);
}

void ndc_link_table_seal(struct table *t, bool sort, unsigned threads)
{
    if (t->whole) NDC_ASSERT(ndc_link_table_place(t, NULL) == NDC_OK);
    fold_values(t, threads);
    for (unsigned s = 0; t->whole && s < t->source_names.count; s++)
        memset(t->sources + t->source_start[s], (int)s, t->source_rows[s]);
    if (t->whole) return;
    if (sort) sort_rows(t);
    memset(t->source_rows, 0, sizeof t->source_rows);
    for (uint32_t i = 0; i < t->row_count; i++)
        t->source_rows[t->sources[i]]++;
    t->source_start[0] = 0;
    for (unsigned s = 0; s < NDC_LINK_SOURCES_MAX; s++)
        t->source_start[s + 1] = t->source_start[s] + t->source_rows[s];
}

/* Rows and the dictionaries of their values. Rows are row-major 32-bit value numbers, so
 * a pair of rows touches two cache lines; all text work is done once a distinct value. */
#include "platforms/registry/link/table.h"
#include "base/sort.h"
#include "platforms/registry/link/text.h"

enum { FOLDED_BYTES_MAX = 4096 };

void ndc_link_table_init(struct table *t, const struct ndc_link_spec *spec)
{
    *t = (struct table){.spec = spec};
    ndc_dict_init(&t->source_names);
    for (unsigned f = 0; f < spec->field_count; f++) {
        struct column *c = &t->columns[f];
        c->field = &spec->fields[f];
        ndc_dict_init(&c->class_names);
        c->owns_dict = spec->fields[f].dict == f;
        if (c->owns_dict) {
            c->dict = ndc_xcalloc(1, sizeof *c->dict);
            ndc_dict_init(c->dict);
        } else {
            c->dict = t->columns[spec->fields[f].dict].dict;
        }
    }
}

void ndc_link_table_free(struct table *t)
{
    for (unsigned f = 0; t->spec && f < t->spec->field_count; f++) {
        struct column *c = &t->columns[f];
        if (c->owns_dict) {
            ndc_dict_free(c->dict);
            free(c->dict);
        }
        ndc_dict_free(&c->class_names);
        free(c->class_of);
        free(c->rows_of);
        free(c->class_rows);
    }
    ndc_dict_free(&t->source_names);
    free(t->values);
    free(t->refs);
    free(t->sources);
    *t = (struct table){0};
}

enum ndc_err ndc_link_table_reserve(struct table *t, uint32_t more,
                                    struct ndc_fault *fault)
{
    if (more > NDC_LINK_ROWS_MAX - t->row_count)
        return ndc_fail(fault, NDC_ETOOBIG, "link.rows", "over %d rows in one table",
                        NDC_LINK_ROWS_MAX);
    uint32_t need = t->row_count + more;
    if (need <= t->row_cap) return NDC_OK;
    uint64_t grown = (uint64_t)t->row_cap + t->row_cap / 2 + 1024;
    uint32_t cap = (uint32_t)NDC_MIN(NDC_MAX(grown, need), NDC_LINK_ROWS_MAX);
    size_t width = t->spec->field_count;
    t->values = ndc_xrealloc(t->values, (size_t)cap * width * sizeof *t->values);
    t->refs = ndc_xrealloc(t->refs, (size_t)cap * sizeof *t->refs);
    t->sources = ndc_xrealloc(t->sources, cap);
    t->row_cap = cap;
    return NDC_OK;
}

static uint32_t add_value(struct column *column, struct ndc_buf *text, struct ndc_str raw)
{
    if (raw.len == 0) return 0;
    ndc_buf_reset(text);
    if (column->field->comparator)
        column->field->comparator->fold(text, raw);
    else
        ndc_link_text_fold_plain(text, raw);
    return ndc_dict_add(column->dict, ndc_buf_str(text));
}

void ndc_link_table_add(struct table *t, unsigned source, uint64_t ref,
                        const struct ndc_str *values)
{
    NDC_ASSERT(t->row_count < t->row_cap && source < NDC_LINK_SOURCES_MAX);
    struct ndc_buf text;
    ndc_buf_init(&text, FOLDED_BYTES_MAX);
    uint32_t *row = t->values + (size_t)t->row_count * t->spec->field_count;
    for (unsigned f = 0; f < t->spec->field_count; f++) {
        struct ndc_str raw = values[f];
        if (raw.len > FOLDED_BYTES_MAX / 4) raw.len = FOLDED_BYTES_MAX / 4;
        row[f] = add_value(&t->columns[f], &text, raw);
    }
    ndc_buf_free(&text);
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
    size_t width = t->spec->field_count;
    uint32_t *values = ndc_xmalloc((size_t)n * width * sizeof *values + 1);
    uint64_t *refs = ndc_xmalloc((size_t)n * sizeof *refs + 1);
    uint8_t *sources = ndc_xmalloc((size_t)n + 1);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t from = (uint32_t)order[i].value;
        memcpy(values + i * width, t->values + from * width, width * sizeof *values);
        refs[i] = t->refs[from];
        sources[i] = rank[t->sources[from]];
    }
    free(t->values);
    free(t->refs);
    free(t->sources);
    t->values = values;
    t->refs = refs;
    t->sources = sources;
    t->row_cap = n;
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

static void count_values(struct table *t, unsigned f)
{
    struct column *c = &t->columns[f];
    c->rows_of = ndc_xcalloc((size_t)c->dict->count + 1, sizeof *c->rows_of);
    c->present = 0;
    for (uint32_t i = 0; i < t->row_count; i++) {
        uint32_t v = table_row(t, i)[f];
        c->rows_of[v]++;
        c->present += v != 0;
    }
    c->rows_of[0] = 0;
    if (!c->class_of) return;
    c->class_rows = ndc_xcalloc((size_t)c->class_names.count + 1, sizeof *c->class_rows);
    for (uint32_t v = 1; v <= c->dict->count; v++)
        c->class_rows[c->class_of[v]] += c->rows_of[v];
}

void ndc_link_table_seal(struct table *t, bool sort)
{
    if (sort) sort_rows(t);
    memset(t->source_rows, 0, sizeof t->source_rows);
    for (uint32_t i = 0; i < t->row_count; i++)
        t->source_rows[t->sources[i]]++;
    t->source_start[0] = 0;
    for (unsigned s = 0; s < NDC_LINK_SOURCES_MAX; s++)
        t->source_start[s + 1] = t->source_start[s] + t->source_rows[s];
    for (unsigned f = 0; f < t->spec->field_count; f++) {
        struct column *c = &t->columns[f];
        const struct comparator *how = c->field->comparator;
        if (how && how->prepare) how->prepare(c);
        count_values(t, f);
        c->digest = ndc_mix64(f + 1);
    }
}

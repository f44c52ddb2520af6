/* Rows and the dictionaries of their values. */
#ifndef NDC_REGISTRY_LINK_TABLE_H
#define NDC_REGISTRY_LINK_TABLE_H

#include "platforms/registry/link/spec.h"

enum { FOLDED_BYTES_MAX = 4096, RAW_BYTES_MAX = FOLDED_BYTES_MAX / 4 };

/* One field's distinct values. While rows are added they are numbered as they come
 * (`raw`); sealing folds each of them once and gives rows the numbers of folded texts. */
struct column {
    const struct spec_field *field;
    struct ndc_dict *raw, *dict; /* maybe another column's */
    bool owns_dict;
    uint32_t *raw_rows; /* raw value -> rows that hold it in this field */
    uint32_t raw_rows_cap;
    uint32_t *class_of; /* value -> class, e.g. the toneless form; NULL: itself */
    struct ndc_dict class_names;
    uint32_t *rows_of;    /* value -> rows that hold it in this field */
    uint32_t *class_rows; /* class -> rows */
    bool *fillers;        /* value -> too many records elsewhere hold it; NULL: none */
    uint64_t present;     /* rows with a value */
    uint64_t digest;      /* seed for memo keys */
};

struct table {
    const struct ndc_link_spec *spec;
    struct column columns[NDC_LINK_FIELDS_MAX];
    void *block; /* what holds `values`, which begin at a cache line */
    uint32_t
        *values; /* row-major, `stride` a row: a row never straddles lines needlessly */
    unsigned stride;
    bool whole;     /* sources were declared whole: row = its source's first + ref */
    uint64_t *refs; /* NULL when whole */
    uint32_t *tags; /* when whole: which of two rows of a source comes first */
    uint8_t *sources;
    uint32_t row_count, row_cap;
    struct ndc_dict source_names;
    uint32_t source_rows[NDC_LINK_SOURCES_MAX];
    uint32_t source_start[NDC_LINK_SOURCES_MAX + 1]; /* rows are in source order */
};

void ndc_link_table_init(struct table *table, const struct ndc_link_spec *spec);
void ndc_link_table_free(struct table *table);
enum ndc_err ndc_link_table_reserve(struct table *table, uint32_t more,
                                    struct ndc_fault *fault) NDC_MUST_USE;
/* Makes the rows of whole sources, once; all values missing. */
enum ndc_err ndc_link_table_place(struct table *table,
                                  struct ndc_fault *fault) NDC_MUST_USE;
/* Adds one row. Row order is the call order until ndc_link_table_seal. */
void ndc_link_table_add(struct table *table, unsigned source, uint64_t ref,
                        const struct ndc_str *values);
/* The number of a text as it came; counts it. Its hash is ndc_hash_str(raw, 0). */
uint32_t ndc_link_table_number(struct column *column, struct ndc_str raw, uint64_t hash);
/* A text as it came, cut and folded; it stands in `out`. */
struct ndc_str ndc_link_table_fold(const struct column *column, struct ndc_buf *out,
                                   struct ndc_str raw);
/* Folds values, orders rows by (source name, ref, content) where they are not yet, counts
 * values, prepares comparators. Nothing is added afterwards. */
void ndc_link_table_seal(struct table *table, bool sort, unsigned threads);

static inline uint64_t table_ref(const struct table *t, uint32_t row)
{
    return t->refs ? t->refs[row] : row - t->source_start[t->sources[row]];
}

/* True if row a comes before row b: by source, then by tag, then by number. What is
 * decided by it does not depend on the order of records in a whole source. */
static inline bool table_before(const struct table *t, uint32_t a, uint32_t b)
{
    if (t->tags && t->tags[a] != t->tags[b] && t->sources[a] == t->sources[b])
        return t->tags[a] < t->tags[b];
    return a < b;
}

/* Puts rows, ascending by number, in the order of table_before. */
void ndc_link_table_settle(const struct table *table, uint32_t *rows, size_t count);

/* Values of a row, by field; 0: missing. */
static inline const uint32_t *table_row(const struct table *t, uint32_t row)
{
    return t->values + (size_t)row * t->stride;
}

/* Bit f set: the two rows hold the same in field f (also: neither has a value). Rows are
 * padded with zeros to the stride. */
static inline uint32_t table_equal_mask(const uint32_t *x, const uint32_t *y,
                                        unsigned stride)
{
    typedef uint32_t four __attribute__((vector_size(16)));
    uint32_t mask = 0;
    if (stride < 4) {
        for (unsigned f = 0; f < stride; f++)
            mask |= (uint32_t)(x[f] == y[f]) << f;
        return mask;
    }
    four all = {0}, bits = {1, 2, 4, 8};
    for (unsigned f = 0; f < stride; f += 4) {
        four p, q;
        memcpy(&p, x + f, sizeof p);
        memcpy(&q, y + f, sizeof q);
        all |= (four)(p == q) & bits;
        bits <<= 4;
    }
    return all[0] | all[1] | all[2] | all[3];
}

#endif

/* Rows and the dictionaries of their values. */
#ifndef NDC_REGISTRY_LINK_TABLE_H
#define NDC_REGISTRY_LINK_TABLE_H

#include "platforms/registry/link/spec.h"

/* One field's distinct values. */
struct column {
    const struct spec_field *field;
    struct ndc_dict *dict; /* maybe another column's */
    bool owns_dict;
    uint32_t *class_of; /* value -> class, e.g. the toneless form; NULL: itself */
    struct ndc_dict class_names;
    uint32_t *rows_of;    /* value -> rows that hold it in this field */
    uint32_t *class_rows; /* class -> rows */
    uint64_t present;     /* rows with a value */
    uint64_t digest;      /* seed for memo keys */
};

struct table {
    const struct ndc_link_spec *spec;
    struct column columns[NDC_LINK_FIELDS_MAX];
    uint32_t *values; /* row-major, field_count a row */
    uint64_t *refs;
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
/* Adds one row, folding its values. Row order is the call order until
 * ndc_link_table_seal. */
void ndc_link_table_add(struct table *table, unsigned source, uint64_t ref,
                        const struct ndc_str *values);
/* Orders rows by (source name, ref, content), counts values, prepares comparators. */
void ndc_link_table_seal(struct table *table, bool sort);

static inline const uint32_t *table_row(const struct table *t, uint32_t row)
{
    return t->values + (size_t)row * t->spec->field_count;
}

#endif

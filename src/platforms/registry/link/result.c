/* Reading a finished run. */
#include "platforms/registry/link/explain.h"
#include "platforms/registry/link/run.h"

const struct ndc_link_spec *ndc_link_spec_of(const struct ndc_link *link)
{
    return link->spec;
}

uint32_t ndc_link_row_count(const struct ndc_link *link)
{
    return link->table.row_count;
}

uint32_t ndc_link_entity_count(const struct ndc_link *link)
{
    return (uint32_t)link->stats.entities;
}

uint32_t ndc_link_entity(const struct ndc_link *link, uint32_t row)
{
    NDC_ASSERT(link->entity && row < link->table.row_count);
    return link->entity[row];
}

bool ndc_link_open(const struct ndc_link *link, uint32_t row)
{
    NDC_ASSERT(link->open && row < link->table.row_count);
    return link->open[row];
}

unsigned ndc_link_row_keys(const struct ndc_link *link, uint32_t row,
                           uint64_t keys[static NDC_LINK_KEYS_MAX])
{
    NDC_ASSERT(link->table.values);
    return ndc_link_blocks_row_keys(&link->table, row, keys);
}

void ndc_link_settle(const struct ndc_link *link, uint32_t *rows, size_t count)
{
    ndc_link_table_settle(&link->table, rows, count);
}

bool ndc_link_before(const struct ndc_link *link, uint32_t a, uint32_t b)
{
    return table_before(&link->table, a, b);
}

void ndc_link_row(const struct ndc_link *link, uint32_t row, unsigned *source,
                  uint64_t *ref)
{
    NDC_ASSERT(row < link->table.row_count);
    *source = link->table.sources[row];
    *ref = table_ref(&link->table, row);
}

struct ndc_str ndc_link_source_name(const struct ndc_link *link, unsigned source)
{
    NDC_ASSERT(source < link->table.source_names.count);
    return ndc_dict_get(&link->table.source_names, source + 1);
}

uint32_t ndc_link_row_find(const struct ndc_link *link, unsigned source, uint64_t ref)
{
    const struct table *t = &link->table;
    if (source >= NDC_LINK_SOURCES_MAX) return UINT32_MAX;
    uint32_t low = t->source_start[source], high = t->source_start[source + 1];
    if (t->whole) return ref < high - low ? low + (uint32_t)ref : UINT32_MAX;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (t->refs[middle] < ref)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < t->source_start[source + 1] && t->refs[low] == ref;
    return found ? low : UINT32_MAX;
}

struct ndc_str ndc_link_value(const struct ndc_link *link, uint32_t row, unsigned field)
{
    NDC_ASSERT(row < link->table.row_count && field < link->spec->field_count);
    NDC_ASSERT(link->table.values);
    uint32_t v = table_row(&link->table, row)[field];
    return v ? ndc_dict_get(link->table.columns[field].dict, v) : NDC_STR_NULL;
}

const struct ndc_link_edge *ndc_link_edges(const struct ndc_link *link, size_t *n)
{
    *n = link->edges.count;
    return link->edges.items;
}

const struct ndc_link_review *ndc_link_reviews(const struct ndc_link *link, size_t *n)
{
    *n = link->reviews.count;
    return link->reviews.items;
}

const struct ndc_link_cap *ndc_link_caps(const struct ndc_link *link, size_t *n)
{
    *n = link->blocks.cap_count;
    return link->blocks.caps;
}

void ndc_link_get_stats(const struct ndc_link *link, struct ndc_link_stats *out)
{
    *out = link->stats;
}

unsigned ndc_link_explain(const struct ndc_link *link, uint32_t a, uint32_t b,
                          struct ndc_link_evidence *out, unsigned max, double *log_odds)
{
    NDC_ASSERT(a < link->table.row_count && b < link->table.row_count);
    NDC_ASSERT(link->table.values);
    return ndc_link_explain_rows(&link->table, link_model(link), link->fields, a, b, out,
                                 max, log_odds);
}

/* Fields declared `unique`: a value that stands in an earlier row of the same run. Values
 * are remembered by 64-bit hash and line, as keys are. */
#include "base/hash.h"
#include "platforms/registry/load/load.h"

/* What is compared: the normalised value; of a column mapped to nothing what stands
 * there. A value that is missing or wrong is another reason's matter. */
static struct ndc_str value_of(const struct load *l, const struct ndc_source_field *f,
                               const struct ndc_connect_row *row)
{
    if (f->field) {
        const struct ndc_record_field *v =
            ndc_record_find(&l->mapped.record, f->field->id);
        return v ? v->value : NDC_STR_NULL;
    }
    int at = ndc_connect_column(l->connect, f->columns[0]);
    return at >= 0 ? ndc_str_trim(row->values[at]) : NDC_STR_NULL;
}

static void check_value(struct load *l, int index, struct ndc_str value, uint64_t line)
{
    uint64_t hash = ndc_hash_str(value, (uint64_t)index + 1);
    uint64_t with_key = ndc_hash_str(l->mapped.record.key, hash);
    bool added, key_added = false;
    l->quality.checked[NDC_CLEAN]++;
    const struct ndc_keyset_slot *slot =
        ndc_keyset_put(&l->unique, hash, (uint32_t)line, &added);
    uint32_t earlier = ndc_keyset_value(slot);
    /* In a delta a later row of the same record says the same value again. */
    if (l->delta) ndc_keyset_put(&l->unique, with_key, (uint32_t)line, &key_added);
    if (added || (l->delta && !key_added)) return;
    struct ndc_reason reason = {.field = index,
                                .code = "value.not_unique",
                                .title = {NDC_STR("Giá trị đã có ở một dòng trước"),
                                          NDC_STR("The value stands in an earlier row")},
                                .criterion = NDC_CLEAN,
                                .blocks = true,
                                .value = value,
                                .earlier_line = earlier};
    if (l->source->source->fields[index].field) {
        l->quality.fields[index].present--; /* the mapper found it good */
        l->quality.fields[index].failed++;
    }
    ndc_mapped_add(&l->mapped, &reason, &l->quality);
}

void ndc_load_check_unique(struct load *l, const struct ndc_connect_row *row)
{
    const struct ndc_source *s = l->source->source;
    for (unsigned i = 0; i < s->field_count; i++) {
        if (!s->fields[i].unique) continue;
        struct ndc_str value = value_of(l, &s->fields[i], row);
        if (value.len) check_value(l, (int)i, value, row->line);
    }
}

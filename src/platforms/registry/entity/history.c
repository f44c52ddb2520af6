/* History: the difference of two payloads. */
#include "platforms/registry/entity/history.h"

#include "base/json.h"

static bool write_fields(struct ndc_json *j, const struct ndc_entity_view *a,
                         const struct ndc_entity_view *b)
{
    bool any = false;
    for (unsigned id = 0; id < NDC_FIELDS_MAX; id++) {
        const struct ndc_golden *before = ndc_entity_golden(a, id);
        const struct ndc_golden *after = ndc_entity_golden(b, id);
        struct ndc_str x = before ? before->value->value : NDC_STR_NULL;
        struct ndc_str y = after ? after->value->value : NDC_STR_NULL;
        if (ndc_str_eq(x, y)) continue;
        any = true;
        ndc_json_object(j);
        ndc_json_kv_c(j, "field", ndc_field_get(id)->code);
        ndc_json_kv_str(j, "before", x);
        ndc_json_kv_str(j, "after", y);
        ndc_json_end(j);
    }
    return any;
}

static bool has_record(const struct ndc_entity_view *v, const struct ndc_record *r)
{
    for (unsigned i = 0; i < v->record_count; i++)
        if (v->records[i].source == r->source && ndc_str_eq(v->records[i].key, r->key))
            return true;
    return false;
}

static bool write_records(struct ndc_json *j, const struct ndc_entity_view *of,
                          const struct ndc_entity_view *missing_in)
{
    bool any = false;
    for (unsigned i = 0; i < of->record_count; i++) {
        if (has_record(missing_in, &of->records[i])) continue;
        any = true;
        ndc_json_object(j);
        ndc_json_kv_u64(j, "source", of->records[i].source);
        ndc_json_kv_str(j, "key", of->records[i].key);
        ndc_json_end(j);
    }
    return any;
}

bool ndc_history_diff(struct ndc_buf *out, struct ndc_str before, struct ndc_str after)
{
    struct ndc_arena arena;
    struct ndc_entity_view a, b;
    struct ndc_json j;
    size_t start = out->len;
    bool any = false;
    ndc_arena_init(&arena, NDC_ENTITY_PAYLOAD_MAX * 8);
    if (ndc_entity_decode(&a, &arena, before) && ndc_entity_decode(&b, &arena, after)) {
        ndc_json_init(&j, out);
        ndc_json_object(&j);
        ndc_json_key(&j, "fields");
        ndc_json_array(&j);
        any |= write_fields(&j, &a, &b);
        ndc_json_end(&j);
        ndc_json_key(&j, "records_added");
        ndc_json_array(&j);
        any |= write_records(&j, &b, &a);
        ndc_json_end(&j);
        ndc_json_key(&j, "records_removed");
        ndc_json_array(&j);
        any |= write_records(&j, &a, &b);
        ndc_json_end(&j);
        ndc_json_end(&j);
    }
    if (!any) out->len = start;
    ndc_arena_free(&arena);
    return any;
}

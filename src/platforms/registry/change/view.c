/* Changes as JSON. */
#include "platforms/registry/change/view.h"

#include "platforms/registry/entity/entity.h"

static void write_id(struct ndc_json *j, const char *name, const struct ndc_change *c,
                     uint64_t number)
{
    char id[NDC_ENTITY_ID_LEN + 1];
    ndc_json_key(j, name);
    if (number == 0) {
        ndc_json_null(j);
        return;
    }
    ndc_entity_id_format(id, (enum ndc_entity)c->type, number);
    ndc_json_c(j, id);
}

void ndc_change_write(struct ndc_json *j, const struct ndc_change *c,
                      struct ndc_str source, const struct ndc_change_filter *filter)
{
    bool whole = c->kind == NDC_CHANGE_GENERATION || c->type >= NDC_ENTITY_COUNT;
    ndc_json_object(j);
    ndc_json_kv_i64(j, "seq", c->seq);
    ndc_json_kv_time(j, "at", c->at_ms);
    ndc_json_kv_c(j, "kind", ndc_change_kind_name((enum ndc_change_kind)c->kind));
    ndc_json_kv_c(j, "type", whole ? NULL : ndc_entity_name((enum ndc_entity)c->type));
    write_id(j, "entity", c, whole ? 0 : c->entity);
    write_id(j, "other", c, whole ? 0 : c->other);
    ndc_json_kv_str(j, "source", source);
    ndc_json_key(j, "fields");
    ndc_json_array(j);
    for (int id = -1; !whole && (id = ndc_field_set_next(&c->fields, id)) >= 0;) {
        const struct ndc_field *f = ndc_field_get((unsigned)id);
        if (f && ndc_field_set_has(&filter->fields[c->type], (unsigned)id))
            ndc_json_c(j, f->code);
    }
    ndc_json_end(j);
    ndc_json_end(j);
}

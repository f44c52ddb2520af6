/* Things as JSON. */
#include "platforms/registry/thing/thing_write.h"

void ndc_thing_view_add(struct ndc_thing_view *view, const struct ndc_source *s)
{
    for (unsigned i = 0; i < s->field_count; i++) {
        const struct ndc_field *as = s->fields[i].as;
        if (as) ndc_field_set_add(&view->asked[as->entity], as->id);
    }
}

enum ndc_err ndc_thing_view_ask(struct ndc_thing_view *view, struct ndc_request *req,
                                enum ndc_entity type, struct ndc_str subject,
                                struct ndc_fault *fault)
{
    unsigned asked = 0, refused = 0;
    for (int e = 0; e < NDC_ENTITY_COUNT; e++) {
        struct ndc_fault why = {0};
        bool whom = subject.len && (enum ndc_entity)e == type;
        if (ndc_field_set_empty(&view->asked[e])) continue;
        asked++;
        enum ndc_err err = ndc_registry_decide(
            req, NDC_POLICY_READ, (enum ndc_entity)e, whom ? subject : NDC_STR_NULL,
            &view->asked[e], &view->decisions[e], &why);
        if (!err) continue;
        if (fault) *fault = why;
        /* Of whom it is about, a refusal is one of the whole. */
        if (err != NDC_EDENIED || whom) return err;
        refused++;
    }
    if (asked && refused == asked) return NDC_EDENIED;
    if (fault) *fault = (struct ndc_fault){0};
    if (!asked) ndc_request_audit(req, "read", NDC_STR_NULL, NULL);
    return NDC_OK;
}

void ndc_thing_write_dataset(struct ndc_json *j, const struct ndc_source *s)
{
    ndc_json_kv_str(j, "dataset", s->dataset);
    ndc_title_write(j, "title", s->dataset_title);
    ndc_json_kv_str(j, "source", s->id);
}

void ndc_thing_write_head(struct ndc_json *j, const struct ndc_record *thing)
{
    ndc_json_kv_str(j, "key", thing->key);
    ndc_json_kv_u64(j, "run", thing->run);
    ndc_json_kv_u64(j, "first_run", thing->run_first);
    ndc_json_kv_time(j, "seen_at", thing->seen_s * 1000);
    ndc_json_kv_bool(j, "ended", thing->flags & NDC_RECORD_ENDED);
}

static bool is_reference(const struct ndc_source *s, unsigned field)
{
    for (unsigned i = 0; i < s->relation_count; i++)
        if (s->relations[i].field == field) return true;
    return false;
}

static void write_field(struct ndc_request *req, const struct ndc_thing_view *view,
                        const struct ndc_source_field *f, struct ndc_str value)
{
    struct ndc_json *j = &req->json;
    ndc_json_object(j);
    ndc_json_kv_c(j, "field", f->field->code);
    ndc_title_write(
        j, "title",
        (struct ndc_title){ndc_str(f->field->title_vi), ndc_str(f->field->title_en)});
    ndc_json_kv_c(j, "kind",
                  f->geometry ? "geometry" : ndc_value_kind_name(f->field->kind));
    if (f->as)
        ndc_registry_show(req, &view->decisions[f->as->entity], f->as->id, value);
    else
        ndc_json_kv_str(j, "value", value);
    ndc_json_end(j);
}

void ndc_thing_write_fields(struct ndc_request *req, const struct ndc_thing_view *view,
                            const struct ndc_source *s, const struct ndc_record *thing,
                            unsigned max)
{
    unsigned n = 0;
    ndc_json_key(&req->json, "fields");
    ndc_json_array(&req->json);
    for (unsigned i = 0; i < s->field_count && n < max; i++) {
        const struct ndc_source_field *f = &s->fields[i];
        if (is_reference(s, i) || (f->as && !view)) continue;
        struct ndc_str value = ndc_thing_value(s, thing, i);
        if (!value.ptr) continue;
        write_field(req, view, f, value);
        n++;
    }
    ndc_json_end(&req->json);
}

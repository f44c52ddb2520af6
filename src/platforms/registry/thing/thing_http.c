/* Routes: the datasets, things by key with what they lead to and what leads to them, and
 * what leads to a person or organisation. */
#include "platforms/registry/serve/search.h"
#include "platforms/registry/thing/thing_write.h"

enum { HITS_MAX = 8, TEXT_MAX = 96 };

/* ---- datasets ---- */

static void write_relation_head(struct ndc_json *j, const struct ndc_source_relation *rel)
{
    ndc_json_kv_str(j, "relation", rel->name);
    ndc_title_write(j, "relation_title", rel->title);
    ndc_json_kv_c(j, "to", ndc_relation_to_name(rel->to));
}

static void write_schema(struct ndc_json *j, const struct ndc_source *s)
{
    ndc_json_key(j, "fields");
    ndc_json_array(j);
    for (unsigned i = 0; i < s->field_count; i++) {
        const struct ndc_source_field *f = &s->fields[i];
        ndc_json_object(j);
        ndc_json_kv_c(j, "field", f->field->code);
        ndc_title_write(
            j, "title",
            (struct ndc_title){ndc_str(f->field->title_vi), ndc_str(f->field->title_en)});
        ndc_json_kv_c(j, "kind",
                      f->geometry ? "geometry" : ndc_value_kind_name(f->field->kind));
        ndc_class_write(j, f->class);
        if (f->as) ndc_json_kv_c(j, "as", f->as->code);
        ndc_json_end(j);
    }
    ndc_json_end(j);
    ndc_json_key(j, "relations");
    ndc_json_array(j);
    for (unsigned i = 0; i < s->relation_count; i++) {
        const struct ndc_source_relation *rel = &s->relations[i];
        ndc_json_object(j);
        write_relation_head(j, rel);
        ndc_json_kv_str(j, "dataset",
                        rel->to == NDC_TO_THING ? rel->dataset : NDC_STR_NULL);
        ndc_json_kv_str(j, "by", rel->by ? ndc_str(rel->by->code) : NDC_STR("key"));
        ndc_json_end(j);
    }
    ndc_json_end(j);
}

static enum ndc_err write_count(struct ndc_store_conn *conn, struct ndc_json *j,
                                const struct ndc_registered *r, struct ndc_fault *fault)
{
    int64_t records = 0;
    NDC_TRY(ndc_sql_i64(conn, &records,
                        "SELECT records FROM registry_source WHERE source = $1",
                        NDC_ARGS(ndc_text(r->source->id)), fault));
    ndc_json_kv_i64(j, "things", records);
    return NDC_OK;
}

enum ndc_err ndc_registry_list_datasets(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_registry *reg = ndc_registry_of(req);
    struct ndc_json *j = &req->json;
    struct ndc_store_conn *conn;
    enum ndc_err err = NDC_OK;
    NDC_TRY(ndc_registry_conn(req, &conn, fault));
    ndc_json_object(j);
    ndc_json_key(j, "datasets");
    ndc_json_array(j);
    for (uint32_t n = 1; n <= NDC_REGISTRY_SOURCES_MAX && !err; n++) {
        const struct ndc_registered *r = ndc_registry_by_number(reg, n);
        if (!r || !r->source->thing) continue;
        ndc_json_object(j);
        ndc_thing_write_dataset(j, r->source);
        write_schema(j, r->source);
        err = write_count(conn, j, r, fault);
        ndc_json_end(j);
    }
    ndc_json_end(j);
    ndc_json_end(j);
    ndc_store_give(conn);
    return err;
}

static enum ndc_err find_dataset(struct ndc_request *req,
                                 const struct ndc_registered **out,
                                 struct ndc_fault *fault)
{
    struct ndc_str name = ndc_request_param(req, "dataset");
    *out = ndc_thing_dataset(ndc_registry_of(req), name);
    if (*out) return NDC_OK;
    return ndc_fail_at(fault, NDC_ENOTFOUND, "registry.no_dataset", "dataset", 0,
                       "there is no dataset \"%.*s\"; GET /api/registry/datasets lists "
                       "them",
                       (int)NDC_MIN(name.len, (size_t)NDC_SOURCE_ID_MAX), name.ptr);
}

/* Things of a dataset in key order, from a beginning of the key; only what is about
 * nobody. */
enum ndc_err ndc_registry_list_things(struct ndc_request *req, struct ndc_fault *fault)
{
    const struct ndc_registered *r;
    struct ndc_store_conn *conn;
    struct ndc_json *j = &req->json;
    int64_t limit = ndc_request_query_i64(req, "limit", 50), n = 0;
    struct ndc_str prefix = ndc_request_query(req, "key");
    struct ndc_str after = ndc_request_query(req, "after"), last = NDC_STR_NULL;
    NDC_TRY(find_dataset(req, &r, fault));
    if (!prefix.ptr) prefix = NDC_STR("");
    /* U+10FFFF: after every key with this beginning */
    struct ndc_str end =
        ndc_arena_printf(req->arena, "%.*s\xf4\x8f\xbf\xbf", NDC_STR_FMT(prefix));
    NDC_TRY(ndc_registry_conn(req, &conn, fault));
    ndc_json_object(j);
    ndc_thing_write_dataset(j, r->source);
    write_schema(j, r->source);
    enum ndc_err err = write_count(conn, j, r, fault);
    ndc_json_key(j, "items");
    ndc_json_array(j);
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT payload FROM registry_thing WHERE source = $1 AND key >= $2 AND key < $3 "
        "AND key > $4 ORDER BY key LIMIT $5",
        NDC_ARGS(ndc_int(r->number), ndc_text(prefix), ndc_text(end),
                 ndc_text(after.ptr ? after : NDC_STR("")), ndc_int(limit)));
    while (!err && ndc_rows_next(rows)) {
        struct ndc_record thing;
        struct ndc_str payload = ndc_arena_str(req->arena, ndc_rows_blob(rows, 0));
        if (!ndc_record_decode(&thing, req->arena, &payload)) continue;
        ndc_json_object(j);
        ndc_thing_write_head(j, &thing);
        ndc_thing_write_fields(req, NULL, r->source, &thing, NDC_THING_FIELDS_SHOWN);
        ndc_json_end(j);
        last = thing.key;
        n++;
    }
    enum ndc_err bad = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    ndc_json_end(j);
    ndc_json_kv_str(j, "next", n == limit ? last : NDC_STR_NULL);
    ndc_json_end(j);
    return err ? err : bad;
}

/* ---- one thing ---- */

/* Whom an identifier names: the one entity that has it, or none. */
static enum ndc_err find_entity(struct ndc_request *req, struct ndc_store_conn *conn,
                                const struct ndc_source_relation *rel,
                                struct ndc_str value, struct ndc_search_hit *hit,
                                bool *found, struct ndc_fault *fault)
{
    struct ndc_search_hit hits[HITS_MAX];
    struct ndc_search query = {
        .id = value,
        .only_type = true,
        .type = rel->to == NDC_TO_PERSON ? NDC_ENTITY_PERSON : NDC_ENTITY_ORGANISATION};
    size_t n = 0;
    struct ndc_fault none = {0};
    *found = false;
    enum ndc_err err = ndc_registry_search(ndc_registry_of(req), conn, req->arena, &query,
                                           hits, HITS_MAX, &n, NULL, &none);
    if (err == NDC_EINPUT || err == NDC_ENOTFOUND) return NDC_OK;
    if (err) {
        if (fault) *fault = none;
        return err;
    }
    if (n == 1) *hit = hits[0];
    *found = n == 1;
    return NDC_OK;
}

/* The person or organisation: its id and name, if policy shows the reference whole. Each
 * is one more whose data are seen. */
static enum ndc_err write_entity(struct ndc_request *req, struct ndc_store_conn *conn,
                                 const struct ndc_thing_view *view,
                                 const struct ndc_source_relation *rel,
                                 struct ndc_str value, struct ndc_fault *fault)
{
    struct ndc_json *j = &req->json;
    const struct ndc_policy_decision *d = &view->decisions[rel->by->entity];
    struct ndc_search_hit hit;
    struct ndc_policy_decision one;
    struct ndc_fault refused = {0};
    bool found;
    ndc_registry_show(req, d, rel->by->id, value);
    if (!ndc_field_set_has(&d->shown, rel->by->id)) return NDC_OK;
    NDC_TRY(find_entity(req, conn, rel, value, &hit, &found, fault));
    if (!found) return NDC_OK;
    const char *name_code = hit.type == NDC_ENTITY_PERSON ? "full_name" : "org_name";
    const struct ndc_field *name = ndc_field_find(ndc_str(name_code));
    struct ndc_field_set fields = {0};
    char id[NDC_ENTITY_ID_LEN + 1];
    ndc_field_set_add(&fields, name->id);
    ndc_field_set_add(&fields, rel->by->id);
    ndc_entity_id_format(id, hit.type, hit.number);
    enum ndc_err err = ndc_registry_decide(req, NDC_POLICY_READ, hit.type, ndc_str(id),
                                           &fields, &one, &refused);
    if (err == NDC_EDENIED) return NDC_OK;
    if (err) {
        if (fault) *fault = refused;
        return err;
    }
    ndc_json_kv_c(j, "entity", id);
    ndc_json_key(j, "name");
    ndc_json_object(j);
    ndc_registry_show(req, &one, name->id, hit.full_name);
    ndc_json_end(j);
    return NDC_OK;
}

static enum ndc_err write_reference(struct ndc_request *req, struct ndc_store_conn *conn,
                                    const struct ndc_thing_view *view,
                                    const struct ndc_source_relation *rel,
                                    struct ndc_str value, struct ndc_fault *fault)
{
    struct ndc_json *j = &req->json;
    enum ndc_err err = NDC_OK;
    ndc_json_object(j);
    write_relation_head(j, rel);
    if (rel->to == NDC_TO_THING) {
        const struct ndc_registered *r =
            ndc_thing_dataset(ndc_registry_of(req), rel->dataset);
        struct ndc_record thing;
        bool found = false;
        if (r)
            err =
                ndc_thing_read(conn, req->arena, r->number, value, &thing, &found, fault);
        ndc_json_kv_str(j, "dataset", rel->dataset);
        if (r) ndc_title_write(j, "title", r->source->dataset_title);
        ndc_json_kv_str(j, "key", value);
        ndc_json_kv_bool(j, "found", found);
    } else {
        err = write_entity(req, conn, view, rel, value, fault);
    }
    ndc_json_end(j);
    return err;
}

/* ---- what leads here ---- */

struct wanted_key {
    struct ndc_str dataset, key;
};

static bool is_key(void *arg, const struct ndc_source_relation *rel, struct ndc_str value)
{
    const struct wanted_key *w = arg;
    return rel->to == NDC_TO_THING && ndc_str_eq(rel->dataset, w->dataset) &&
           ndc_str_eq(value, w->key);
}

static void write_links(struct ndc_request *req, const struct ndc_thing_view *view,
                        const struct ndc_thing_link *links, size_t n, bool more)
{
    struct ndc_json *j = &req->json;
    ndc_json_array(j);
    for (size_t i = 0; i < n; i++) {
        const struct ndc_source *s = links[i].source->source;
        ndc_json_object(j);
        ndc_thing_write_dataset(j, s);
        write_relation_head(j, links[i].relation);
        ndc_thing_write_head(j, &links[i].thing);
        ndc_thing_write_fields(req, view, s, &links[i].thing, NDC_THING_FIELDS_SHOWN);
        ndc_json_end(j);
    }
    ndc_json_end(j);
    ndc_json_kv_bool(j, "more", more);
}

static enum ndc_err write_referring(struct ndc_request *req, struct ndc_store_conn *conn,
                                    struct ndc_str dataset, struct ndc_str key,
                                    struct ndc_fault *fault)
{
    struct ndc_thing_link *links =
        NDC_ARENA_ARRAY(req->arena, struct ndc_thing_link, NDC_THING_LINKS_MAX);
    struct wanted_key w = {dataset, key};
    uint64_t ref = ndc_thing_ref_key(dataset, key);
    size_t n = 0;
    bool more = false;
    if (!links) return NDC_OK; /* the overflow is told by dispatch */
    NDC_TRY(ndc_thing_links(ndc_registry_of(req), conn, req->arena, &ref, 1, is_key, &w,
                            links, &n, &more, fault));
    ndc_json_key(&req->json, "referring");
    write_links(req, NULL, links, n, more); /* only what is about nobody */
    return NDC_OK;
}

static enum ndc_err write_thing(struct ndc_request *req, struct ndc_store_conn *conn,
                                const struct ndc_registered *r, struct ndc_str key,
                                struct ndc_fault *fault)
{
    const struct ndc_source *s = r->source;
    struct ndc_json *j = &req->json;
    struct ndc_record thing;
    struct ndc_thing_view view = {0};
    bool found;
    NDC_TRY(ndc_thing_read(conn, req->arena, r->number, key, &thing, &found, fault));
    if (!found)
        return ndc_fail_at(fault, NDC_ENOTFOUND, "registry.no_thing", "key", 0,
                           "dataset %.*s has nothing with the key \"%.*s\"",
                           NDC_STR_FMT(s->dataset),
                           (int)NDC_MIN(key.len, (size_t)TEXT_MAX), key.ptr);
    ndc_thing_view_add(&view, s);
    NDC_TRY(ndc_thing_view_ask(&view, req, NDC_ENTITY_PERSON, NDC_STR_NULL, fault));
    ndc_json_object(j);
    ndc_thing_write_dataset(j, s);
    ndc_thing_write_head(j, &thing);
    ndc_thing_write_fields(req, &view, s, &thing, s->field_count);
    ndc_json_key(j, "relations");
    ndc_json_array(j);
    for (unsigned i = 0; i < s->relation_count; i++) {
        struct ndc_str value = ndc_thing_value(s, &thing, s->relations[i].field);
        if (value.ptr)
            NDC_TRY(write_reference(req, conn, &view, &s->relations[i], value, fault));
    }
    ndc_json_end(j);
    NDC_TRY(write_referring(req, conn, s->dataset, thing.key, fault));
    ndc_json_end(j);
    return NDC_OK;
}

enum ndc_err ndc_registry_get_thing(struct ndc_request *req, struct ndc_fault *fault)
{
    const struct ndc_registered *r;
    struct ndc_store_conn *conn;
    NDC_TRY(find_dataset(req, &r, fault));
    NDC_TRY(ndc_registry_conn(req, &conn, fault));
    enum ndc_err err = write_thing(req, conn, r, ndc_request_param(req, "key"), fault);
    ndc_store_give(conn);
    return err;
}

/* ---- what leads to a person or organisation ---- */

/* The identifiers that an entity's records hold and some relation goes by. */
struct identifiers {
    const struct ndc_field *by[NDC_THING_IDENTIFIERS_MAX];
    struct ndc_str values[NDC_THING_IDENTIFIERS_MAX];
    uint64_t refs[NDC_THING_IDENTIFIERS_MAX];
    size_t count;
    struct ndc_field_set
        followed; /* fields of identifiers that policy does not withhold */
};

static void take_identifier(struct identifiers *ids, const struct ndc_record_field *f)
{
    const struct ndc_field *by = ndc_field_get(f->field);
    uint64_t ref = ndc_thing_ref_identifier(by, f->value);
    for (size_t i = 0; i < ids->count; i++)
        if (ids->refs[i] == ref) return;
    if (ids->count == NDC_THING_IDENTIFIERS_MAX) return;
    ids->by[ids->count] = by;
    ids->values[ids->count] = f->value;
    ids->refs[ids->count++] = ref;
}

static void take_identifiers(struct identifiers *ids, const struct ndc_entity_view *v)
{
    const struct ndc_field *person_id = ndc_field_find(NDC_STR("person_id")),
                           *old_id = ndc_field_find(NDC_STR("old_id"));
    for (unsigned i = 0; i < v->record_count; i++) {
        for (unsigned k = 0; k < v->records[i].count; k++) {
            const struct ndc_record_field *f = &v->records[i].fields[k];
            /* An old number stands where a reference by person_id may have it. */
            unsigned as = f->field == old_id->id ? person_id->id : f->field;
            if (f->field == NDC_RECORD_UNMAPPED || !f->value.len) continue;
            if (ndc_field_set_has(&ids->followed, as)) take_identifier(ids, f);
        }
    }
}

static bool is_identifier(void *arg, const struct ndc_source_relation *rel,
                          struct ndc_str value)
{
    const struct identifiers *ids = arg;
    if (rel->to == NDC_TO_THING || !ndc_field_set_has(&ids->followed, rel->by->id))
        return false;
    for (size_t i = 0; i < ids->count; i++)
        if (ndc_str_eq(ids->values[i], value)) return true;
    return false;
}

/* The fields by which relations lead to this type, and those as which their things'
 * values are treated. */
static void ask_for(struct ndc_registry *reg, enum ndc_entity type,
                    struct ndc_thing_view *view, struct ndc_field_set *by)
{
    for (uint32_t n = 1; n <= NDC_REGISTRY_SOURCES_MAX; n++) {
        const struct ndc_registered *r = ndc_registry_by_number(reg, n);
        bool any = false;
        if (!r || !r->source->thing) continue;
        for (unsigned i = 0; i < r->source->relation_count; i++) {
            const struct ndc_field *f = r->source->relations[i].by;
            if (!f || f->entity != type) continue;
            ndc_field_set_add(by, f->id);
            any = true;
        }
        if (any) ndc_thing_view_add(view, r->source);
    }
}

static enum ndc_err write_relations(struct ndc_request *req, struct ndc_store_conn *conn,
                                    uint64_t number, struct ndc_fault *fault)
{
    struct ndc_registry *reg = ndc_registry_of(req);
    struct ndc_json *j = &req->json;
    struct ndc_entity_view v;
    struct ndc_thing_view view = {0};
    struct ndc_field_set by = {0};
    char id[NDC_ENTITY_ID_LEN + 1];
    size_t n = 0;
    bool more = false;
    struct identifiers *ids = NDC_ARENA_NEW(req->arena, struct identifiers);
    struct ndc_thing_link *links =
        NDC_ARENA_ARRAY(req->arena, struct ndc_thing_link, NDC_THING_LINKS_MAX);
    NDC_TRY(ndc_registry_read(reg, conn, req->arena, &number, &v, fault));
    if (!ids || !links) return NDC_OK; /* the overflow is told by dispatch */
    ask_for(reg, v.type, &view, &by);
    ndc_entity_id_format(id, v.type, number);
    NDC_TRY(ndc_thing_view_ask(&view, req, v.type, ndc_str(id), fault));
    const struct ndc_policy_decision *d = &view.decisions[v.type];
    for (int f = -1; (f = ndc_field_set_next(&by, f)) >= 0;)
        if (!ndc_field_set_has(&d->withheld, (unsigned)f))
            ndc_field_set_add(&ids->followed, (unsigned)f);
    take_identifiers(ids, &v);
    NDC_TRY(ndc_thing_links(reg, conn, req->arena, ids->refs, ids->count, is_identifier,
                            ids, links, &n, &more, fault));
    ndc_json_object(j);
    ndc_json_kv_c(j, "entity", id);
    ndc_json_kv_c(j, "type", ndc_entity_name(v.type));
    ndc_json_key(j, "items");
    write_links(req, &view, links, n, more);
    ndc_json_end(j);
    return NDC_OK;
}

enum ndc_err ndc_registry_get_relations(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_str text = ndc_request_param(req, "entity");
    struct ndc_store_conn *conn;
    enum ndc_entity type;
    uint64_t number;
    if (!ndc_entity_id_parse(text, &type, &number))
        return ndc_fail_at(fault, NDC_ENOTFOUND, "registry.no_entity", "entity", 0,
                           "\"%.*s\" is no entity id; it looks like P-7KX2M9QD-3",
                           (int)NDC_MIN(text.len, (size_t)40), text.ptr);
    NDC_TRY(ndc_registry_conn(req, &conn, fault));
    enum ndc_err err = write_relations(req, conn, number, fault);
    ndc_store_give(conn);
    return err;
}

/* People and organisations over HTTP: every value passes policy, every read is audited.
 */
#include "base/date.h"
#include "platforms/registry/build/build.h"
#include "platforms/registry/change/asof.h"
#include "platforms/registry/live/live.h"
#include "platforms/registry/load/map_value.h"
#include "platforms/registry/serve/http.h"
#include "platforms/registry/serve/match.h"
#include "platforms/registry/serve/search.h"
#include "sys/clock.h"

enum { MATCH_MAX = 20 };

static enum ndc_err parse_entity(struct ndc_str text, uint64_t *number,
                                 struct ndc_fault *fault)
{
    enum ndc_entity type;
    if (ndc_entity_id_parse(text, &type, number)) return NDC_OK;
    return ndc_fail_at(fault, NDC_ENOTFOUND, "registry.no_entity", "entity", 0,
                       "\"%.*s\" is no entity id; it looks like P-7KX2M9QD-3",
                       (int)NDC_MIN(text.len, (size_t)40), text.ptr);
}

static enum ndc_err read_entity(struct ndc_request *req, struct ndc_str text,
                                uint64_t *number, struct ndc_entity_view *view,
                                struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    NDC_TRY(parse_entity(text, number, fault));
    NDC_TRY(ndc_registry_conn(req, &conn, fault));
    enum ndc_err err =
        ndc_registry_read(ndc_registry_of(req), conn, req->arena, number, view, fault);
    ndc_store_give(conn);
    return err;
}

static struct ndc_str entity_text(struct ndc_request *req, enum ndc_entity type,
                                  uint64_t number)
{
    char id[NDC_ENTITY_ID_LEN + 1];
    ndc_entity_id_format(id, type, number);
    return ndc_arena_str(req->arena, ndc_str(id));
}

/* The fields a caller names, or all that the entity has. */
static enum ndc_err wanted_fields(struct ndc_str list, const struct ndc_entity_view *v,
                                  struct ndc_field_set *out, struct ndc_fault *fault)
{
    struct ndc_str part;
    *out = (struct ndc_field_set){0};
    if (!list.ptr) {
        for (unsigned i = 0; i < v->golden_count; i++)
            ndc_field_set_add(out, v->golden[i].field);
        return NDC_OK;
    }
    while (ndc_str_split(&list, ',', &part)) {
        part = ndc_str_trim(part);
        const struct ndc_field *f = ndc_field_find(part);
        const char *near = f ? NULL : ndc_field_nearest(part);
        if (!f)
            return ndc_fail_at(fault, NDC_EINPUT, "registry.no_field", "fields", 0,
                               "no field \"%.*s\"%s%s%s", NDC_STR_FMT(part),
                               near ? "; did you mean \"" : "", near ? near : "",
                               near ? "\"?" : "");
        ndc_field_set_add(out, f->id);
    }
    return NDC_OK;
}

static void write_source(struct ndc_registry *reg, struct ndc_json *j,
                         const struct ndc_record *r)
{
    struct ndc_registered *s = ndc_registry_by_number(reg, r->source);
    ndc_json_kv_str(j, "source", s ? s->source->id : NDC_STR_NULL);
    if (s) ndc_title_write(j, "title", s->source->title);
}

/* ?known_at= and ?valid_at=: what we knew then, of what was true then. */
static enum ndc_err go_back(struct ndc_request *req, uint64_t number,
                            struct ndc_entity_view *v, struct ndc_fault *fault)
{
    struct ndc_registry *reg = ndc_registry_of(req);
    struct ndc_str known = ndc_request_query(req, "known_at");
    struct ndc_asof when = {.known_ms = INT64_MAX,
                            .valid = ndc_request_query(req, "valid_at"),
                            .how = ndc_registry_survivorship(reg)};
    struct ndc_store_conn *conn;
    struct ndc_date date;
    struct ndc_str payload;
    int64_t change, ignored;
    if (!known.ptr && !when.valid.ptr) return NDC_OK;
    if (known.ptr && !ndc_time_parse(known, &when.known_ms))
        return ndc_fail_at(fault, NDC_EINPUT, "asof.time", "known_at", 0,
                           "known_at is a time as in RFC 3339: 2026-07-01T00:00:00Z");
    if (when.valid.ptr && !ndc_date_parse_iso(when.valid, &date) &&
        !ndc_time_parse(when.valid, &ignored))
        return ndc_fail_at(fault, NDC_EINPUT, "asof.time", "valid_at", 0,
                           "valid_at is a date or a time: 2026-07-01");
    NDC_TRY(ndc_registry_conn(req, &conn, fault));
    enum ndc_err err = ndc_tx_begin(conn, fault); /* payload and chain of one moment */
    if (!err)
        err = ndc_live_payload(reg->live, conn, req->arena, number, &payload, &change,
                               fault);
    if (!err && (!payload.ptr || !ndc_entity_decode(v, req->arena, payload)))
        err = ndc_fail(fault, NDC_EBUSY, "registry.changing",
                       "the entity was just changed: ask again");
    if (!err) err = ndc_asof(conn, req->arena, &when, change, v, fault);
    ndc_store_give(conn);
    return err;
}

enum ndc_err ndc_registry_get_person(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_entity_view v;
    struct ndc_policy_decision d;
    struct ndc_field_set fields;
    uint64_t number;
    NDC_TRY(read_entity(req, ndc_request_param(req, "entity"), &number, &v, fault));
    NDC_TRY(go_back(req, number, &v, fault));
    NDC_TRY(wanted_fields(ndc_request_query(req, "fields"), &v, &fields, fault));
    struct ndc_str id = entity_text(req, v.type, number);
    NDC_TRY(ndc_registry_decide(req, NDC_POLICY_READ, v.type, id, &fields, &d, fault));
    ndc_person_write(req, &v, id, &fields, &d);
    return NDC_OK;
}

static void write_record(struct ndc_request *req, const struct ndc_record *r,
                         const struct ndc_policy_decision *d)
{
    struct ndc_json *j = &req->json;
    struct ndc_registry *reg = ndc_registry_of(req);
    ndc_json_object(j);
    write_source(reg, j, r);
    ndc_json_kv_str(j, "key", ndc_registry_key(reg, r->source, r->key, d));
    ndc_json_kv_u64(j, "run", r->run);
    ndc_json_kv_u64(j, "first_run", r->run_first);
    ndc_time_kv(j, "seen_at", r->seen_s * 1000);
    ndc_json_kv_bool(j, "ended", r->flags & NDC_RECORD_ENDED);
    ndc_json_key(j, "fields");
    ndc_json_array(j);
    for (unsigned i = 0; i < r->count; i++) {
        const struct ndc_record_field *f = &r->fields[i];
        if (f->field == NDC_RECORD_UNMAPPED) continue;
        ndc_json_object(j);
        ndc_field_write(j, f->field);
        ndc_registry_show(req, d, f->field, f->value);
        if (ndc_field_set_has(&d->shown, f->field)) ndc_json_kv_str(j, "raw", f->raw);
        ndc_json_kv_bool(j, "invalid", f->flags & NDC_RECORD_INVALID);
        ndc_json_end(j);
    }
    ndc_json_end(j);
    ndc_json_end(j);
}

static const char *edge_kind(uint8_t kind)
{
    return kind == NDC_LINK_EDGE_IDENTIFIER ? "identifier"
           : kind == NDC_LINK_EDGE_DECISION ? "decision"
                                            : "model";
}

enum ndc_err ndc_registry_get_records(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_entity_view v;
    struct ndc_policy_decision d;
    struct ndc_field_set fields = {0};
    uint64_t number;
    struct ndc_json *j = &req->json;
    NDC_TRY(read_entity(req, ndc_request_param(req, "entity"), &number, &v, fault));
    for (unsigned i = 0; i < v.record_count; i++)
        for (unsigned k = 0; k < v.records[i].count; k++)
            if (v.records[i].fields[k].field != NDC_RECORD_UNMAPPED)
                ndc_field_set_add(&fields, v.records[i].fields[k].field);
    NDC_TRY(ndc_registry_decide(req, NDC_POLICY_READ, v.type,
                                entity_text(req, v.type, number), &fields, &d, fault));
    ndc_json_object(j);
    ndc_json_key(j, "records");
    ndc_json_array(j);
    for (unsigned i = 0; i < v.record_count; i++)
        write_record(req, &v.records[i], &d);
    ndc_json_end(j);
    ndc_json_key(j, "edges");
    ndc_json_array(j);
    for (unsigned i = 0; i < v.edge_count; i++) {
        ndc_json_object(j);
        ndc_json_kv_u64(j, "a", v.edges[i].a);
        ndc_json_kv_u64(j, "b", v.edges[i].b);
        ndc_json_kv_c(j, "kind", edge_kind(v.edges[i].kind));
        ndc_json_kv_f64(j, "probability", v.edges[i].probability / 255.0);
        ndc_json_end(j);
    }
    ndc_json_end(j);
    ndc_json_end(j);
    return NDC_OK;
}

/* History details name values: only what policy shows leaves. */
static void write_change(struct ndc_request *req, struct json_object *detail,
                         const struct ndc_policy_decision *d)
{
    struct ndc_json *j = &req->json;
    struct json_object *list = ndc_json_get(detail, "fields");
    size_t n =
        json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
    ndc_json_key(j, "fields");
    ndc_json_array(j);
    for (size_t i = 0; i < n; i++) {
        struct json_object *one = json_object_array_get_idx(list, i);
        const struct ndc_field *f = ndc_field_find(ndc_json_get_str(one, "field"));
        if (!f) continue;
        struct ndc_str before = NDC_STR_NULL, after = NDC_STR_NULL;
        ndc_json_object(j);
        ndc_json_kv_c(j, "field", f->code);
        ndc_title_write(j, "title",
                        (struct ndc_title){ndc_str(f->title_vi), ndc_str(f->title_en)});
        struct ndc_str x = ndc_json_get_str(one, "before"),
                       y = ndc_json_get_str(one, "after");
        if (x.ptr && !ndc_policy_show(d, f->id, x, req->arena, &before))
            before = NDC_STR_NULL;
        if (y.ptr && !ndc_policy_show(d, f->id, y, req->arena, &after))
            after = NDC_STR_NULL;
        ndc_json_kv_str(j, "before", before);
        ndc_json_kv_str(j, "after", after);
        ndc_json_end(j);
    }
    ndc_json_end(j);
}

static void write_event(struct ndc_request *req, struct ndc_rows *rows,
                        const struct ndc_policy_decision *d)
{
    struct ndc_json *j = &req->json;
    struct json_object *detail = NULL;
    struct ndc_fault ignored = {0};
    ndc_json_object(j);
    ndc_time_kv(j, "at", ndc_rows_i64(rows, 0));
    ndc_json_kv_str(j, "kind", ndc_rows_text(rows, 1));
    if (ndc_json_parse(&detail, ndc_rows_text(rows, 2), &ignored) == NDC_OK)
        write_change(req, detail, d);
    json_object_put(detail);
    ndc_json_end(j);
}

enum ndc_err ndc_registry_get_history(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_entity_view v;
    struct ndc_policy_decision d;
    struct ndc_field_set fields;
    struct ndc_store_conn *conn;
    uint64_t number;
    NDC_TRY(read_entity(req, ndc_request_param(req, "entity"), &number, &v, fault));
    fields = ndc_field_set_entity(v.type);
    NDC_TRY(ndc_registry_decide(req, NDC_POLICY_READ, v.type,
                                entity_text(req, v.type, number), &fields, &d, fault));
    NDC_TRY(ndc_registry_conn(req, &conn, fault));
    ndc_json_object(&req->json);
    ndc_json_key(&req->json, "events");
    ndc_json_array(&req->json);
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT at_ms, kind, detail FROM registry_history WHERE entity = $1 "
        "ORDER BY at_ms DESC, seq DESC LIMIT 200",
        NDC_ARGS(ndc_int((int64_t)number)));
    while (ndc_rows_next(rows))
        write_event(req, rows, &d);
    enum ndc_err err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    ndc_json_end(&req->json);
    ndc_json_end(&req->json);
    return err;
}

enum ndc_err ndc_registry_post_batch(struct ndc_request *req, struct ndc_fault *fault)
{
    struct json_object *body;
    struct ndc_json *j = &req->json;
    NDC_TRY(ndc_request_json(req, &body, fault));
    struct json_object *list = ndc_json_get(body, "entities");
    struct json_object *names = ndc_json_get(body, "fields");
    size_t n = json_object_array_length(list);
    struct ndc_buf wanted;
    ndc_buf_init(&wanted, 1 << 16);
    for (size_t i = 0; names && i < json_object_array_length(names); i++) {
        if (i) ndc_buf_add_byte(&wanted, ',');
        ndc_buf_add_c(&wanted,
                      json_object_get_string(json_object_array_get_idx(names, i)));
    }
    struct ndc_str fields_text = ndc_arena_str(req->arena, ndc_buf_str(&wanted));
    ndc_buf_free(&wanted);
    ndc_json_object(j);
    ndc_json_key(j, "items");
    ndc_json_array(j);
    for (size_t i = 0; i < n; i++) {
        struct ndc_entity_view v;
        struct ndc_policy_decision d;
        struct ndc_field_set fields;
        struct ndc_fault one = {0};
        uint64_t number;
        struct ndc_str text =
            ndc_str(json_object_get_string(json_object_array_get_idx(list, i)));
        enum ndc_err err = read_entity(req, text, &number, &v, &one);
        if (!err)
            err = wanted_fields(names ? fields_text : NDC_STR_NULL, &v, &fields, &one);
        struct ndc_str id = err ? text : entity_text(req, v.type, number);
        if (!err)
            err = ndc_registry_decide(req, NDC_POLICY_EXPORT, v.type, id, &fields, &d,
                                      &one);
        if (!err) {
            ndc_person_write(req, &v, id, &fields, &d);
            continue;
        }
        /* One that is missing or refused does not take the others with it. */
        ndc_json_object(j);
        ndc_json_kv_str(j, "entity", text);
        ndc_json_kv_c(j, "error", one.code);
        ndc_json_kv_c(j, "detail", one.message);
        ndc_json_end(j);
    }
    ndc_json_end(j);
    ndc_json_end(j);
    if (n == 0) ndc_request_audit(req, "export", NDC_STR_NULL, NULL);
    return NDC_OK;
}

/* ---- search ---- */

static void write_hit(struct ndc_request *req, const struct ndc_search_hit *h,
                      const struct ndc_policy_decision *d)
{
    static const char *const person[] = {"full_name", "birth_date", "sex", "person_id"};
    static const char *const organisation[] = {"org_name", NULL, NULL, "org_id"};
    const char *const *codes = h->type == NDC_ENTITY_PERSON ? person : organisation;
    const struct ndc_str values[] = {h->full_name, h->birth_date, h->sex, h->id_number};
    struct ndc_json *j = &req->json;
    char province[8] = "";
    ndc_json_object(j);
    ndc_json_kv_str(j, "entity", entity_text(req, h->type, h->number));
    ndc_json_kv_c(j, "type", ndc_entity_name(h->type));
    ndc_json_kv_f64(j, "score", (double)(int)(h->score * 1000) / 1000);
    for (size_t i = 0; i < NDC_ARRAY_LEN(values); i++) {
        struct ndc_str shown = NDC_STR_NULL;
        if (codes[i] && values[i].ptr &&
            !ndc_policy_show(d, ndc_field_find(ndc_str(codes[i]))->id, values[i],
                             req->arena, &shown))
            shown = NDC_STR_NULL;
        ndc_json_kv_str(j, person[i], shown);
    }
    if (h->province) {
        ndc_unit_code(province,
                      ndc_unit_find(NDC_UNIT_CURRENT, NDC_UNIT_PROVINCE, h->province));
    }
    ndc_json_kv_str(j, "province", province[0] ? ndc_str(province) : NDC_STR_NULL);
    ndc_json_end(j);
}

static enum ndc_err run_search(struct ndc_request *req, const struct ndc_search *query,
                               struct ndc_search_hit *hits, size_t *n, bool *more,
                               struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    NDC_TRY(ndc_registry_conn(req, &conn, fault));
    enum ndc_err err = ndc_registry_search(ndc_registry_of(req), conn, req->arena, query,
                                           hits, NDC_SEARCH_MAX, n, more, fault);
    ndc_store_give(conn);
    return err;
}

/* Each person on the page counts as seen, and is named in the log. */
static enum ndc_err write_hits(struct ndc_request *req, const struct ndc_search_hit *hits,
                               size_t n, const struct ndc_field_set *fields,
                               const struct ndc_policy_decision *organisations,
                               struct ndc_fault *fault)
{
    struct ndc_policy_decision one;
    ndc_json_key(&req->json, "items");
    ndc_json_array(&req->json);
    for (size_t i = 0; i < n; i++) {
        bool person = hits[i].type == NDC_ENTITY_PERSON;
        if (person)
            NDC_TRY(ndc_registry_decide(req, NDC_POLICY_SEARCH, NDC_ENTITY_PERSON,
                                        entity_text(req, hits[i].type, hits[i].number),
                                        fields, &one, fault));
        write_hit(req, &hits[i], person ? &one : organisations);
    }
    ndc_json_end(&req->json);
    return NDC_OK;
}

enum ndc_err ndc_registry_get_search(struct ndc_request *req, struct ndc_fault *fault)
{
    static const char *const asked[] = {"full_name", "birth_date",        "sex",
                                        "person_id", "permanent_address", "org_name",
                                        "org_id",    "head_address"};
    struct ndc_search query = {.name = ndc_request_query(req, "q"),
                               .id = ndc_request_query(req, "id"),
                               .birth_date = ndc_request_query(req, "birth_date")};
    struct ndc_search_hit *hits =
        NDC_ARENA_ARRAY(req->arena, struct ndc_search_hit, NDC_SEARCH_MAX);
    struct ndc_policy_decision people, organisations;
    struct ndc_field_set fields[NDC_ENTITY_COUNT] = {0};
    struct ndc_str type = ndc_request_query(req, "type");
    struct ndc_map_result date;
    int64_t province, start = ndc_clock_mono_ns();
    size_t n = 0;
    bool more = false;
    if (ndc_str_to_i64(ndc_request_query(req, "province"), &province))
        query.province = (uint32_t)province;
    if (type.ptr) {
        query.only_type = true;
        if (!ndc_entity_parse(type, &query.type)) query.only_type = false;
    }
    if (query.birth_date.len) {
        ndc_map_value(&date, NDC_MAP_DATE, NDC_ORDER_DMY, true, (struct ndc_date){0},
                      query.birth_date);
        if (date.reason)
            return ndc_fail_at(
                fault, NDC_EINPUT, "search.date", "birth_date", 0,
                "\"%.*s\" is no date; write 1985-03-27, 27/03/1985 or 1985",
                NDC_STR_FMT(query.birth_date));
        query.birth_date = ndc_str_n(date.text, date.len);
    }
    for (size_t i = 0; i < NDC_ARRAY_LEN(asked); i++) {
        const struct ndc_field *f = ndc_field_find(ndc_str(asked[i]));
        ndc_field_set_add(&fields[f->entity], f->id);
    }
    NDC_TRY(ndc_registry_decide(req, NDC_POLICY_SEARCH, NDC_ENTITY_PERSON, NDC_STR_NULL,
                                &fields[NDC_ENTITY_PERSON], &people, fault));
    NDC_TRY(ndc_registry_decide(req, NDC_POLICY_SEARCH, NDC_ENTITY_ORGANISATION,
                                NDC_STR_NULL, &fields[NDC_ENTITY_ORGANISATION],
                                &organisations, fault));
    NDC_TRY(run_search(req, &query, hits, &n, &more, fault));
    /* The order is the same for the same question until the next build. */
    size_t from = NDC_MIN((size_t)ndc_request_query_i64(req, "after", 0), n);
    size_t to = NDC_MIN(from + (size_t)ndc_page_limit(req), n);
    struct ndc_json *j = &req->json;
    ndc_json_object(j);
    NDC_TRY(write_hits(req, hits + from, to - from, &fields[NDC_ENTITY_PERSON],
                       &organisations, fault));
    ndc_json_key(j, "next");
    if (to < n)
        ndc_json_u64(j, to);
    else
        ndc_json_null(j);
    ndc_json_kv_u64(j, "total", n);
    ndc_json_kv_bool(j, "more", more);
    ndc_json_kv_i64(j, "took_us", (ndc_clock_mono_ns() - start) / 1000);
    ndc_json_end(j);
    ndc_request_audit_detail(req, ndc_arena_printf(req->arena, "rows=%zu", to - from));
    return NDC_OK;
}

/* ---- match ---- */

enum ndc_err ndc_registry_post_match(struct ndc_request *req, struct ndc_fault *fault)
{
    struct json_object *body;
    struct ndc_match_candidate found[MATCH_MAX];
    struct ndc_field_set fields = {0};
    struct ndc_policy_decision d;
    size_t n = 0;
    NDC_TRY(ndc_request_json(req, &body, fault));
    struct json_object *record = ndc_json_get(body, "record");
    json_object_object_foreach(record, key, value)
    {
        (void)value;
        const struct ndc_field *f = ndc_field_find(ndc_str(key));
        if (f) ndc_field_set_add(&fields, f->id);
    }
    NDC_TRY(ndc_registry_decide(req, NDC_POLICY_MATCH, NDC_ENTITY_PERSON, NDC_STR_NULL,
                                &fields, &d, fault));
    NDC_TRY(ndc_registry_match(ndc_registry_of(req), req->arena, record, found, MATCH_MAX,
                               &n, fault));
    struct ndc_json *j = &req->json;
    ndc_json_object(j);
    ndc_json_key(j, "candidates");
    ndc_json_array(j);
    for (size_t i = 0; i < n; i++) {
        struct ndc_str id = entity_text(req, NDC_ENTITY_PERSON, found[i].number);
        NDC_TRY(ndc_registry_decide(req, NDC_POLICY_MATCH, NDC_ENTITY_PERSON, id, &fields,
                                    &d, fault));
        ndc_json_object(j);
        ndc_json_kv_str(j, "entity", id);
        ndc_json_kv_f64(j, "probability", found[i].match.probability);
        ndc_json_kv_f64(j, "log_odds", found[i].match.log_odds);
        ndc_json_key(j, "evidence");
        ndc_json_array(j);
        for (unsigned k = 0; k < found[i].match.evidence_count; k++) {
            const struct ndc_link_evidence *e = &found[i].match.evidence[k];
            ndc_json_object(j);
            ndc_json_kv_c(j, "field", e->field);
            ndc_json_kv_c(j, "level", e->level);
            ndc_json_kv_f64(j, "weight", e->weight);
            ndc_json_kv_f64(j, "frequency", e->frequency);
            ndc_json_end(j);
        }
        ndc_json_end(j);
        ndc_json_end(j);
    }
    ndc_json_end(j);
    ndc_json_end(j);
    return NDC_OK;
}

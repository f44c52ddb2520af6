/* The clerical review queue over HTTP. */
#include "platforms/registry/build/build.h"
#include "platforms/registry/live/live.h"
#include "platforms/registry/serve/http.h"
#include "platforms/registry/serve/match.h"
#include "platforms/registry/serve/search.h"
#include "store/writer.h"
#include "sys/clock.h"

#include <math.h>

#define COLUMNS                                                                      \
    "review, type, source_a, key_a, source_b, key_b, entity_a, entity_b, log_odds, " \
    "reason, "                                                                       \
    "state, decided_by, decided_ms, note"

struct pair {
    int64_t review;
    enum ndc_entity type;
    uint32_t source[2];
    struct ndc_str key[2];
    uint64_t entity[2];
    double log_odds;
    struct ndc_str reason, state, decided_by, note;
    int64_t decided_ms;
};

static void read_pair(struct ndc_arena *arena, struct ndc_rows *rows, struct pair *p)
{
    p->review = ndc_rows_i64(rows, 0);
    p->type = ndc_rows_i64(rows, 1) ? NDC_ENTITY_ORGANISATION : NDC_ENTITY_PERSON;
    for (unsigned i = 0; i < 2; i++) {
        p->source[i] = (uint32_t)ndc_rows_i64(rows, 2 + 2 * i);
        p->key[i] = ndc_arena_str(arena, ndc_rows_text(rows, 3 + 2 * i));
        p->entity[i] = (uint64_t)ndc_rows_i64(rows, 6 + i);
    }
    p->log_odds = ndc_rows_f64(rows, 8);
    p->reason = ndc_arena_str(arena, ndc_rows_text(rows, 9));
    p->state = ndc_arena_str(arena, ndc_rows_text(rows, 10));
    p->decided_by = ndc_arena_str(arena, ndc_rows_text(rows, 11));
    p->decided_ms = ndc_rows_i64(rows, 12);
    p->note = ndc_arena_str(arena, ndc_rows_text(rows, 13));
}

static void write_side(struct ndc_request *req, const struct pair *p, unsigned i,
                       const char *name, const struct ndc_policy_decision *d)
{
    struct ndc_json *j = &req->json;
    struct ndc_registered *s = ndc_registry_by_number(ndc_registry_of(req), p->source[i]);
    char id[NDC_ENTITY_ID_LEN + 1];
    ndc_entity_id_format(id, p->type, p->entity[i]);
    ndc_json_key(j, name);
    ndc_json_object(j);
    ndc_json_kv_c(j, "entity", id);
    ndc_json_kv_str(j, "source", s ? s->source->id : NDC_STR_NULL);
    if (s) ndc_title_write(j, "title", s->source->title);
    ndc_json_kv_str(j, "key",
                    ndc_registry_key(ndc_registry_of(req), p->source[i], p->key[i], d));
    ndc_json_end(j);
}

static void write_pair(struct ndc_request *req, const struct pair *p,
                       const struct ndc_policy_decision *d)
{
    struct ndc_json *j = &req->json;
    ndc_json_kv_i64(j, "id", p->review);
    ndc_json_kv_c(j, "type", ndc_entity_name(p->type));
    ndc_json_kv_f64(j, "log_odds", p->log_odds);
    ndc_json_kv_f64(j, "probability", 1 / (1 + exp(-p->log_odds)));
    ndc_json_kv_str(j, "reason", p->reason);
    ndc_json_kv_str(j, "state", p->state);
    ndc_json_kv_str(j, "decided_by", p->decided_by.len ? p->decided_by : NDC_STR_NULL);
    ndc_time_kv(j, "decided_at", p->decided_ms);
    ndc_json_kv_str(j, "note", p->note);
    write_side(req, p, 0, "left", d);
    write_side(req, p, 1, "right", d);
}

enum ndc_err ndc_registry_list_reviews(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_json *j = &req->json;
    struct ndc_str state = ndc_request_query(req, "state");
    struct ndc_store_conn *conn;
    int64_t limit = ndc_page_limit(req), n = 0, last = 0, total = 0;
    NDC_TRY(ndc_store_take(ndc_registry_of(req)->store, NDC_READ, &conn, fault));
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT " COLUMNS " FROM registry_review WHERE state = $1 AND review > $2 "
        "ORDER BY review LIMIT $3",
        NDC_ARGS(ndc_text(state), ndc_int(ndc_request_query_i64(req, "after", 0)),
                 ndc_int(limit)));
    ndc_json_object(j);
    ndc_json_key(j, "items");
    ndc_json_array(j);
    while (ndc_rows_next(rows)) {
        struct pair p = {0};
        read_pair(req->arena, rows, &p);
        ndc_json_object(j);
        write_pair(req, &p, NULL);
        ndc_json_end(j);
        last = p.review;
        n++;
    }
    ndc_json_end(j);
    enum ndc_err err = ndc_rows_end(rows, fault);
    if (!err)
        err = ndc_sql_i64(conn, &total,
                          "SELECT count(*) FROM registry_review WHERE state = $1",
                          NDC_ARGS(ndc_text(state)), fault);
    ndc_store_give(conn);
    ndc_json_key(j, "next");
    if (n == limit)
        ndc_json_i64(j, last);
    else
        ndc_json_null(j);
    ndc_json_kv_i64(j, "total", total);
    ndc_json_end(j);
    return err;
}

static enum ndc_err find_pair(struct ndc_request *req, struct ndc_store_conn *conn,
                              struct pair *p, struct ndc_fault *fault)
{
    int64_t id;
    bool found = false;
    if (!ndc_str_to_i64(ndc_request_param(req, "review"), &id)) id = 0;
    struct ndc_rows *rows =
        ndc_sql_query(conn, "SELECT " COLUMNS " FROM registry_review WHERE review = $1",
                      NDC_ARGS(ndc_int(id)));
    if (ndc_rows_next(rows)) {
        found = true;
        read_pair(req->arena, rows, p);
    }
    NDC_TRY(ndc_rows_end(rows, fault));
    if (found) return NDC_OK;
    return ndc_fail(fault, NDC_ENOTFOUND, "review.none", "there is no such pair");
}

/* The record of one side, from its entity as it is now. */
static enum ndc_err read_side(struct ndc_request *req, struct ndc_store_conn *conn,
                              const struct pair *p, unsigned side,
                              const struct ndc_record **out, struct ndc_fault *fault)
{
    struct ndc_entity_view *v = NDC_ARENA_NEW(req->arena, struct ndc_entity_view);
    uint64_t number;
    /* By the record's key: the entity that was named may have been parted since. */
    NDC_TRY(ndc_registry_find_record(ndc_registry_of(req), conn, req->arena,
                                     p->source[side], p->key[side], &number, v, fault));
    for (unsigned i = 0; i < v->record_count; i++)
        if (v->records[i].source == p->source[side] &&
            ndc_str_eq(v->records[i].key, p->key[side]))
            *out = &v->records[i];
    return NDC_OK;
}

static void write_value(struct ndc_request *req, const char *key,
                        const struct ndc_record_field *f,
                        const struct ndc_policy_decision *d)
{
    struct ndc_str shown = NDC_STR_NULL;
    if (f && !ndc_policy_show(d, f->field, f->value, req->arena, &shown))
        shown = NDC_STR_NULL;
    ndc_json_kv_str(&req->json, key, shown);
}

static void write_values(struct ndc_request *req, const struct ndc_record *a,
                         const struct ndc_record *b, const struct ndc_field_set *fields,
                         const struct ndc_policy_decision *d)
{
    struct ndc_json *j = &req->json;
    ndc_json_key(j, "fields");
    ndc_json_array(j);
    for (int id = -1; (id = ndc_field_set_next(fields, id)) >= 0;) {
        const struct ndc_field *f = ndc_field_get((unsigned)id);
        ndc_json_object(j);
        ndc_json_kv_c(j, "field", f->code);
        ndc_title_write(j, "title",
                        (struct ndc_title){ndc_str(f->title_vi), ndc_str(f->title_en)});
        write_value(req, "left", ndc_record_find(a, f->id), d);
        write_value(req, "right", ndc_record_find(b, f->id), d);
        ndc_json_end(j);
    }
    ndc_json_end(j);
}

static enum ndc_err write_evidence(struct ndc_request *req, const struct ndc_record *a,
                                   const struct ndc_record *b, struct ndc_fault *fault)
{
    struct ndc_json *j = &req->json;
    struct ndc_served_model m;
    struct ndc_link_match match = {0};
    NDC_TRY(ndc_registry_model_take(ndc_registry_of(req), &m, fault));
    struct ndc_link_feed *x = ndc_link_feed_new(m.spec), *y = ndc_link_feed_new(m.spec);
    const struct ndc_str *probe = ndc_link_feed_values(x, a);
    const struct ndc_str *other = ndc_link_feed_values(y, b);
    unsigned n = ndc_link_match(m.model, &match, 1, probe, &other, 1, -1000);
    ndc_json_key(j, "evidence");
    ndc_json_array(j);
    for (unsigned i = 0; n && i < match.evidence_count; i++) {
        const struct ndc_field *f = ndc_field_find(ndc_str(match.evidence[i].field));
        ndc_json_object(j);
        ndc_json_kv_c(j, "field", match.evidence[i].field);
        if (f)
            ndc_title_write(
                j, "title",
                (struct ndc_title){ndc_str(f->title_vi), ndc_str(f->title_en)});
        ndc_json_kv_c(j, "level", match.evidence[i].level);
        ndc_json_kv_f64(j, "weight", match.evidence[i].weight);
        ndc_json_kv_f64(j, "frequency", match.evidence[i].frequency);
        ndc_json_end(j);
    }
    ndc_json_end(j);
    ndc_link_feed_free(x);
    ndc_link_feed_free(y);
    ndc_registry_model_give(ndc_registry_of(req));
    return NDC_OK;
}

enum ndc_err ndc_registry_get_review(struct ndc_request *req, struct ndc_fault *fault)
{
    struct pair p = {0};
    const struct ndc_record *records[2] = {0};
    struct ndc_field_set fields = {0};
    struct ndc_policy_decision d;
    struct ndc_store_conn *conn;
    char id[NDC_ENTITY_ID_LEN + 1];
    NDC_TRY(ndc_store_take(ndc_registry_of(req)->store, NDC_READ, &conn, fault));
    enum ndc_err err = find_pair(req, conn, &p, fault);
    for (unsigned i = 0; i < 2 && !err; i++)
        err = read_side(req, conn, &p, i, &records[i], fault);
    ndc_store_give(conn);
    if (err) return err;
    for (unsigned i = 0; i < 2; i++)
        for (unsigned k = 0; k < records[i]->count; k++)
            if (records[i]->fields[k].field != NDC_RECORD_UNMAPPED)
                ndc_field_set_add(&fields, records[i]->fields[k].field);
    ndc_entity_id_format(id, p.type, p.entity[0]);
    NDC_TRY(ndc_registry_decide(req, NDC_POLICY_READ, p.type,
                                ndc_arena_str(req->arena, ndc_str(id)), &fields, &d,
                                fault));
    ndc_json_object(&req->json);
    write_pair(req, &p, &d);
    write_values(req, records[0], records[1], &fields, &d);
    if (p.type == NDC_ENTITY_PERSON)
        NDC_TRY(write_evidence(req, records[0], records[1], fault));
    ndc_json_end(&req->json);
    return NDC_OK;
}

struct settle {
    int64_t review;
    const char *state;
    struct ndc_str by, note;
    int64_t now;
};

static enum ndc_err write_decision(struct ndc_store_conn *conn, void *arg,
                                   struct ndc_fault *fault)
{
    const struct settle *s = arg;
    int64_t changes = 0;
    NDC_TRY(
        ndc_sql_exec(conn,
                     "UPDATE registry_review SET state = $2, decided_by = $3, note = $4, "
                     "decided_ms = $5 WHERE review = $1",
                     NDC_ARGS(ndc_int(s->review), ndc_textz(s->state), ndc_text(s->by),
                              ndc_text(s->note), ndc_int(s->now)),
                     &changes, fault));
    if (changes == 1) return NDC_OK;
    return ndc_fail(fault, NDC_ENOTFOUND, "review.none", "there is no such pair");
}

/* The decision takes effect at once: the entities of the two records are linked anew. */
static enum ndc_err relink(struct ndc_request *req, int64_t review,
                           struct ndc_fault *fault)
{
    struct ndc_registry *reg = ndc_registry_of(req);
    struct ndc_store_conn *conn;
    struct ndc_live_result result;
    uint64_t entities[2] = {0};
    NDC_TRY(ndc_store_take(reg->store, NDC_READ, &conn, fault));
    struct ndc_rows *rows = ndc_sql_query(conn,
                                          "SELECT source_a, key_a, source_b, key_b FROM "
                                          "registry_review WHERE review = $1",
                                          NDC_ARGS(ndc_int(review)));
    struct ndc_fault gone = {0};
    enum ndc_err err = NDC_OK;
    if (ndc_rows_next(rows))
        for (unsigned i = 0; i < 2 && !err; i++) {
            struct ndc_entity_view view;
            err = ndc_registry_find_record(
                reg, conn, req->arena, (uint32_t)ndc_rows_i64(rows, 2 * i),
                ndc_rows_text(rows, 2 * i + 1), &entities[i], &view, &gone);
            if (err == NDC_ENOTFOUND) err = NDC_OK; /* it decides nothing now */
        }
    enum ndc_err ended = ndc_rows_end(rows, err ? NULL : fault);
    ndc_store_give(conn);
    if (err && fault) *fault = gone;
    if (err || ended) return err ? err : ended;
    return ndc_registry_live_decide(reg, entities[0], entities[1], &result, fault);
}

enum ndc_err ndc_registry_post_decision(struct ndc_request *req, struct ndc_fault *fault)
{
    struct json_object *body;
    struct settle s = {.now = ndc_clock_wall_ms()};
    char job[NDC_JOB_ID_LEN + 1];
    NDC_TRY(ndc_request_json(req, &body, fault));
    struct ndc_str decision = ndc_json_get_str(body, "decision");
    bool undo = ndc_str_eq(decision, NDC_STR("undo"));
    s.note = ndc_json_get_str(body, "note");
    if (!s.note.ptr) s.note = NDC_STR("");
    s.state = undo ? "open" : ndc_arena_cstr(req->arena, decision);
    s.by = undo ? NDC_STR("") : req->principal->id;
    if (undo) s.now = 0;
    if (!ndc_str_to_i64(ndc_request_param(req, "review"), &s.review)) s.review = 0;
    NDC_TRY(ndc_store_write(ndc_registry_of(req)->store, write_decision, &s, fault));
    ndc_request_audit(req, undo ? "review.undo" : "review.decide", NDC_STR_NULL, NULL);
    ndc_request_audit_detail(req, ndc_arena_printf(req->arena, "review=%lld %s",
                                                   (long long)s.review, s.state));
    if (ndc_registry_generation(ndc_registry_of(req)) > 0)
        NDC_TRY(relink(req, s.review, fault));
    else
        NDC_TRY(ndc_registry_submit(ndc_registry_of(req), req->principal->id, NULL, 0,
                                    job, fault));
    ndc_json_object(&req->json);
    ndc_json_kv_c(&req->json, "state", s.state);
    ndc_json_end(&req->json);
    return NDC_OK;
}

/* Routes: the counts of people seen with the limits they come to, and the notices of
 * limits that were met. */
#include "platforms/policy/policy.h"

#include "base/date.h"
#include "platforms/policy/words.h"
#include "store/writer.h"
#include "sys/clock.h"

#include <stdio.h>

enum { MARKS_MAX = POLICY_LEVELS_MAX + POLICY_RULES_MAX };

/* A number of people at which some rule or class changes. */
struct mark {
    uint8_t period;
    uint64_t subjects;
    struct policy_words purposes, not_purposes; /* of the rule; not given: any */
};

struct row {
    struct policy_volume_view view;
    double share; /* of the nearest limit */
};

struct listing {
    const struct policy_table *table;
    struct ndc_str requester, purpose; /* filters; empty: any */
    struct mark marks[MARKS_MAX];
    size_t mark_count;
    struct row *rows; /* from malloc */
    size_t count, cap;
};

static void find_marks(struct listing *l)
{
    const struct policy_table *t = l->table;
    for (size_t i = 1; i < t->level_count; i++)
        l->marks[l->mark_count++] = (struct mark){.subjects = t->bounds[i]};
    for (size_t i = 0; i < t->set->rule_count; i++) {
        const struct policy_rule *r = &t->set->rules[i];
        if (!r->subjects_over) continue;
        l->marks[l->mark_count++] = (struct mark){.period = t->entries[i].period,
                                                  .subjects = r->subjects_over + 1,
                                                  .purposes = r->purposes,
                                                  .not_purposes = r->not_purposes};
    }
}

static bool names(const struct policy_words *words, struct ndc_str code)
{
    for (size_t i = 0; i < words->count; i++)
        if (ndc_str_eq(words->words[i], code)) return true;
    return false;
}

/* The next limit of a period, or the last when all are passed; 0: there is none. */
static uint64_t limit_of(const struct listing *l, const struct policy_volume_view *view,
                         size_t period)
{
    uint64_t next = 0, last = 0;
    for (size_t i = 0; i < l->mark_count; i++) {
        const struct mark *m = &l->marks[i];
        if (m->period != period ||
            (m->purposes.given && !names(&m->purposes, view->purpose)) ||
            names(&m->not_purposes, view->purpose))
            continue;
        last = NDC_MAX(last, m->subjects);
        if (m->subjects > view->counts[period] && (!next || m->subjects < next))
            next = m->subjects;
    }
    return next ? next : last;
}

static void take_view(void *arg, const struct policy_volume_view *view)
{
    struct listing *l = arg;
    if (l->requester.len && !ndc_str_eq(l->requester, view->requester)) return;
    if (l->purpose.len && !ndc_str_eq(l->purpose, view->purpose)) return;
    if (l->count == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 64;
        l->rows = ndc_xrealloc(l->rows, l->cap * sizeof(*l->rows));
    }
    struct row *row = &l->rows[l->count++];
    *row = (struct row){.view = *view};
    for (size_t p = 0; p < l->table->periods.count; p++) {
        uint64_t limit = limit_of(l, view, p);
        double share = limit ? (double)view->counts[p] / (double)limit : 0;
        row->share = NDC_MAX(row->share, share);
    }
}

static int by_share(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->share != y->share) return x->share < y->share ? 1 : -1;
    if (x->view.counts[0] != y->view.counts[0])
        return x->view.counts[0] < y->view.counts[0] ? 1 : -1;
    int order = ndc_str_cmp(x->view.requester, y->view.requester);
    return order ? order : ndc_str_cmp(x->view.purpose, y->view.purpose);
}

static void write_days(struct ndc_json *j, uint16_t days)
{
    ndc_json_key(j, "within_days");
    if (days)
        ndc_json_u64(j, days);
    else
        ndc_json_null(j);
}

/* Titles of the agency and the purpose, where the rules know them. */
static void write_titles(struct ndc_json *j, const struct policy_table *t,
                         struct ndc_str requester, struct ndc_str purpose)
{
    const struct policy_text *agency = NULL, *register_ = NULL;
    for (size_t i = 0; i < t->set->agency_count; i++)
        if (ndc_str_eq(t->set->agencies[i].code, requester))
            agency = &t->set->agencies[i].title;
    uint16_t p = policy_word_id(&t->purposes, purpose, POLICY_PURPOSES_MAX);
    if (p < POLICY_PURPOSES_MAX) register_ = &t->set->purposes[p].title;
    ndc_json_kv_str(j, "requester", requester);
    if (agency) {
        policy_write_text(j, "title", *agency);
    } else {
        ndc_json_key(j, "title");
        ndc_json_null(j);
    }
    ndc_json_kv_str(j, "purpose", purpose);
    if (register_) {
        policy_write_text(j, "purpose_title", *register_);
    } else {
        ndc_json_key(j, "purpose_title");
        ndc_json_null(j);
    }
}

static void write_row(struct ndc_json *j, const struct listing *l, const struct row *row)
{
    const struct policy_volume_view *v = &row->view;
    const struct policy_periods *periods = &l->table->periods;
    char day[25];
    ndc_time_format(day, (int64_t)v->last_day * 24 * 3600 * 1000);
    ndc_json_object(j);
    write_titles(j, l->table, v->requester, v->purpose);
    ndc_json_kv_u64(j, "subjects", v->counts[0]);
    ndc_json_kv_bool(j, "estimated", v->estimated);
    ndc_json_kv_time(j, "since", v->since_ms);
    ndc_json_kv_str(j, "last", ndc_str_n(day, 10));
    ndc_json_key(j, "limits");
    ndc_json_array(j);
    for (size_t p = 0; p < periods->count; p++) {
        uint64_t limit = limit_of(l, v, p);
        if (!limit) continue;
        ndc_json_object(j);
        write_days(j, periods->days[p]);
        ndc_json_kv_u64(j, "subjects", v->counts[p]);
        ndc_json_kv_u64(j, "limit", limit);
        ndc_json_kv_f64(j, "share",
                        (double)(int64_t)((double)v->counts[p] / (double)limit * 10000) /
                            10000);
        ndc_json_end(j);
    }
    ndc_json_end(j);
    ndc_json_end(j);
}

enum ndc_err policy_get_volumes(struct ndc_request *req, struct ndc_fault *fault)
{
    (void)fault;
    struct policy_state *state = req->state;
    struct listing *l = ndc_xcalloc(1, sizeof(*l));
    struct policy_lease lease = policy_service_take(state->service);
    struct ndc_json *j = &req->json;
    int64_t stored_ms;
    bool failing;
    l->table = lease.table;
    l->requester = ndc_request_query(req, "requester");
    l->purpose = ndc_request_query(req, "purpose");
    find_marks(l);
    policy_volume_visit(policy_service_volume(state->service), &lease.table->periods,
                        ndc_clock_wall_ms(), take_view, l);
    if (l->count) qsort(l->rows, l->count, sizeof(*l->rows), by_share);
    size_t from = NDC_MIN((size_t)ndc_request_query_i64(req, "after", 0), l->count);
    size_t to =
        NDC_MIN(from + (size_t)ndc_request_query_i64(req, "limit", 100), l->count);
    policy_keeper_state(state->keeper, &stored_ms, &failing);
    ndc_json_object(j);
    write_days(j, lease.table->periods.days[0]);
    ndc_json_kv_time(j, "stored_at", stored_ms);
    ndc_json_kv_bool(j, "failing", failing);
    ndc_json_kv_u64(j, "total", l->count);
    ndc_json_key(j, "next");
    if (to < l->count)
        ndc_json_u64(j, to);
    else
        ndc_json_null(j);
    ndc_json_key(j, "items");
    ndc_json_array(j);
    for (size_t i = from; i < to; i++)
        write_row(j, l, &l->rows[i]);
    ndc_json_end(j);
    ndc_json_end(j);
    policy_service_give(lease);
    free(l->rows);
    free(l);
    return NDC_OK;
}

static void write_notice(struct ndc_json *j, const struct policy_table *t,
                         struct ndc_rows *rows)
{
    struct ndc_str rule = ndc_rows_text(rows, 3);
    const struct policy_text *title = NULL;
    for (size_t i = 0; i < t->set->rule_count; i++)
        if (ndc_str_eq(t->set->rules[i].id, rule)) title = &t->set->rules[i].title;
    ndc_json_object(j);
    ndc_json_kv_i64(j, "id", ndc_rows_i64(rows, 0));
    write_titles(j, t, ndc_rows_text(rows, 1), ndc_rows_text(rows, 2));
    ndc_json_kv_str(j, "rule", rule);
    if (title) {
        policy_write_text(j, "rule_title", *title);
    } else {
        ndc_json_key(j, "rule_title");
        ndc_json_null(j);
    }
    ndc_json_kv_str(j, "outcome", ndc_rows_text(rows, 4));
    ndc_json_kv_i64(j, "subjects", ndc_rows_i64(rows, 5));
    ndc_json_kv_i64(j, "times", ndc_rows_i64(rows, 6));
    ndc_json_kv_time(j, "first", ndc_rows_i64(rows, 7));
    ndc_json_kv_time(j, "last", ndc_rows_i64(rows, 8));
    ndc_json_kv_time(j, "settled", ndc_rows_i64(rows, 9));
    if (ndc_rows_i64(rows, 9)) {
        ndc_json_kv_str(j, "settled_by", ndc_rows_text(rows, 10));
        ndc_json_kv_str(j, "note", ndc_rows_text(rows, 11));
    }
    ndc_json_end(j);
}

enum ndc_err policy_get_notices(struct ndc_request *req, struct ndc_fault *fault)
{
#define NOTICES                                                                          \
    "SELECT id, requester, purpose, rule, outcome, subjects, times, first_ms, last_ms, " \
    "settled_ms, settled_by, note FROM policy_notice WHERE "
    static const char *const sql[] = {
        NOTICES "settled_ms = 0 AND id < $1 ORDER BY id DESC LIMIT $2",
        NOTICES "settled_ms > 0 AND id < $1 ORDER BY id DESC LIMIT $2"};
    struct ndc_store_conn *conn;
    struct ndc_json *j = &req->json;
    int64_t open = 0, limit = ndc_request_query_i64(req, "limit", 50), n = 0, last = 0;
    bool settled = ndc_str_eq_c(ndc_request_query(req, "state"), "settled");
    NDC_TRY(ndc_request_conn(req, &conn, fault));
    NDC_TRY(ndc_sql_i64(conn, &open,
                        "SELECT count(*) FROM policy_notice WHERE settled_ms = 0",
                        NDC_NO_ARGS, fault));
    struct policy_lease lease = policy_service_take(policy_service_of(req));
    ndc_json_object(j);
    ndc_json_kv_i64(j, "open", open);
    ndc_json_key(j, "items");
    ndc_json_array(j);
    struct ndc_rows *rows =
        ndc_sql_query(conn, sql[settled],
                      NDC_ARGS(ndc_int(ndc_request_query_i64(req, "before", INT64_MAX)),
                               ndc_int(limit)));
    for (; ndc_rows_next(rows); n++) {
        last = ndc_rows_i64(rows, 0);
        write_notice(j, lease.table, rows);
    }
    enum ndc_err err = ndc_rows_end(rows, fault);
    ndc_json_end(j);
    ndc_json_key(j, "next");
    if (n == limit)
        ndc_json_i64(j, last);
    else
        ndc_json_null(j);
    ndc_json_end(j);
    policy_service_give(lease);
    return err;
}

struct settling {
    int64_t id;
    struct ndc_str by, note;
    int64_t changes;
};

static enum ndc_err settle(struct ndc_store_conn *conn, void *arg,
                           struct ndc_fault *fault)
{
    struct settling *s = arg;
    return ndc_sql_exec(conn,
                        "UPDATE policy_notice SET settled_ms = $2, settled_by = $3, note "
                        "= $4 WHERE id = $1 AND settled_ms = 0",
                        NDC_ARGS(ndc_int(s->id), ndc_int(ndc_clock_wall_ms()),
                                 ndc_text(s->by), ndc_text(s->note)),
                        &s->changes, fault);
}

enum ndc_err policy_post_settle(struct ndc_request *req, struct ndc_fault *fault)
{
    struct json_object *body;
    struct settling s = {.by = req->principal->id};
    NDC_TRY(ndc_request_json(req, &body, fault));
    s.note = ndc_json_get_str(body, "note");
    if (!s.note.ptr) s.note = NDC_STR("");
    if (!ndc_str_to_i64(ndc_request_param(req, "id"), &s.id))
        return ndc_fail(fault, NDC_ENOTFOUND, "policy.no_notice",
                        "a notice is named by its number");
    NDC_TRY(ndc_store_write(ndc_app_store(req->app), settle, &s, fault));
    if (!s.changes)
        return ndc_fail(fault, NDC_ENOTFOUND, "policy.no_notice",
                        "there is no open notice %lld: it may have been settled already",
                        (long long)s.id);
    ndc_request_audit(req, "policy.settle", NDC_STR_NULL, NULL);
    ndc_request_audit_detail(
        req, ndc_arena_printf(req->arena, "notice=%lld", (long long)s.id));
    ndc_json_object(&req->json);
    ndc_json_kv_i64(&req->json, "id", s.id);
    ndc_json_kv_bool(&req->json, "settled", true);
    ndc_json_end(&req->json);
    return NDC_OK;
}

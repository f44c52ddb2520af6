/* The quarantine over HTTP: rows that failed, with every reason; corrected and submitted
 * again, or set aside. */
#include "platforms/registry/load/load.h"
#include "platforms/registry/load/push.h"
#include "platforms/registry/serve/http.h"
#include "platforms/registry/serve/rowview.h"
#include "store/writer.h"
#include "sys/clock.h"

enum { ANSWER_MAX = 8 << 20 };

#define COLUMNS                                                                       \
    "id, run, source, record_key, line, state, row_json, reasons, note, decided_by, " \
    "created_ms, decided_ms"

/* One kept row; the texts live in the arena. */
struct item {
    int64_t id, run, line, created_ms, decided_ms;
    struct ndc_str source, key, state, row, reasons, note, decided_by;
};

static void read_item(struct ndc_arena *arena, struct ndc_rows *rows, struct item *it)
{
    it->id = ndc_rows_i64(rows, 0);
    it->run = ndc_rows_i64(rows, 1);
    it->source = ndc_arena_str(arena, ndc_rows_text(rows, 2));
    it->key = ndc_arena_str(arena, ndc_rows_text(rows, 3));
    it->line = ndc_rows_i64(rows, 4);
    it->state = ndc_arena_str(arena, ndc_rows_text(rows, 5));
    it->row = ndc_arena_str(arena, ndc_rows_text(rows, 6));
    it->reasons = ndc_arena_str(arena, ndc_rows_text(rows, 7));
    it->note = ndc_arena_str(arena, ndc_rows_text(rows, 8));
    it->decided_by = ndc_arena_str(arena, ndc_rows_text(rows, 9));
    it->created_ms = ndc_rows_i64(rows, 10);
    it->decided_ms = ndc_rows_i64(rows, 11);
}

static enum ndc_err write_item(struct ndc_request *req, const struct ndc_row_view *view,
                               const struct item *it, struct ndc_fault *fault)
{
    struct ndc_json *j = &req->json;
    ndc_json_object(j);
    ndc_json_kv_i64(j, "id", it->id);
    ndc_json_kv_i64(j, "run", it->run);
    ndc_json_kv_str(j, "source", it->source);
    ndc_json_kv_str(j, "key", ndc_row_view_key(view, it->key, req->arena));
    ndc_json_kv_i64(j, "line", it->line);
    ndc_json_kv_str(j, "state", it->state);
    enum ndc_err err = ndc_row_view_write(view, req->arena, it->row, j, fault);
    ndc_json_key(j, "reasons");
    if (!err)
        err = ndc_row_view_reasons(view, req->arena, it->reasons, it->key, j, fault);
    else
        ndc_json_null(j);
    ndc_json_kv_str(j, "note", it->note);
    ndc_json_kv_str(j, "decided_by", it->decided_by);
    ndc_time_kv(j, "created_at", it->created_ms);
    ndc_time_kv(j, "decided_at", it->decided_ms);
    ndc_json_end(j);
    return err;
}

/* ---- what policy lets out, asked once a source ---- */

struct views {
    struct ndc_row_view
        *of[NDC_REGISTRY_SOURCES_MAX + 1]; /* by number; NULL: not asked */
    bool audited[NDC_REGISTRY_SOURCES_MAX + 1];
};

/* Every source that may come up is asked about. A list over many sources shows those that
 * policy shows; it is refused only when all are. */
static enum ndc_err ask_views(struct ndc_request *req, struct ndc_str source,
                              enum ndc_policy_action action, struct views *views,
                              struct ndc_fault *fault)
{
    struct ndc_registry *reg = ndc_registry_of(req);
    struct ndc_registered *only = source.len ? ndc_registry_find(reg, source) : NULL;
    unsigned asked = 0, refused = 0;
    if (source.len && !only)
        return ndc_fail_at(fault, NDC_ENOTFOUND, "registry.no_source", "source", 0,
                           "no source \"%.*s\" is declared", NDC_STR_FMT(source));
    for (uint32_t i = 1; i <= NDC_REGISTRY_SOURCES_MAX; i++) {
        struct ndc_registered *r = ndc_registry_by_number(reg, i);
        struct ndc_fault why = {0};
        if (!r || (only && r != only)) continue;
        views->of[i] = NDC_ARENA_NEW(req->arena, struct ndc_row_view);
        enum ndc_err err = ndc_row_view(req, action, r->source, views->of[i], &why);
        if (err && err != NDC_EDENIED) {
            *fault = why;
            return err;
        }
        asked++;
        refused += err != NDC_OK;
        if (err && !fault->err) *fault = why;
    }
    if (asked == 0 || refused < asked) {
        *fault = (struct ndc_fault){0};
        return NDC_OK;
    }
    ndc_request_audit(req, "quarantine.read", NDC_STR_NULL, NULL);
    return NDC_EDENIED;
}

/* The view of a row's source; the audit entry names its fields. */
static const struct ndc_row_view *view_of(struct ndc_request *req, struct views *views,
                                          struct ndc_str source)
{
    struct ndc_registered *r = ndc_registry_find(ndc_registry_of(req), source);
    NDC_ASSERT(r && views->of[r->number]);
    if (!views->audited[r->number])
        ndc_request_audit(req, "quarantine.read", NDC_STR_NULL,
                          &views->of[r->number]->decision);
    views->audited[r->number] = true;
    return views->of[r->number];
}

/* ---- list ---- */

/* The filter's parts are optional: an empty one matches all. `reason` is looked for as it
 * stands, whatever is in it. */
#define FILTER                                                                          \
    "state = $1 AND ($2 = '' OR source = $2) AND ($3 = 0 OR run = $3) AND ($4 = '' OR " \
    "replace(reasons, $4, '') <> reasons)"

struct filter {
    struct ndc_str state, source, reason;
    int64_t run;
};

/* As the reason stands in the kept JSON. */
static struct ndc_str reason_text(struct ndc_arena *arena, struct ndc_str reason)
{
    struct ndc_buf buf;
    struct ndc_json j;
    if (!reason.len) return NDC_STR("");
    ndc_buf_init(&buf, 4096);
    ndc_json_init(&j, &buf);
    ndc_json_object(&j);
    ndc_json_kv_str(&j, "reason", reason);
    ndc_json_end(&j);
    struct ndc_str inside = ndc_str_n(buf.ptr + 1, buf.len - 2); /* without the braces */
    struct ndc_str text = ndc_arena_str(arena, inside);
    ndc_buf_free(&buf);
    return text;
}

static void read_filter(struct ndc_request *req, struct filter *f)
{
    f->state = ndc_request_query(req, "state");
    f->source = ndc_request_query(req, "source");
    if (!f->source.ptr) f->source = NDC_STR("");
    f->run = ndc_request_query_i64(req, "run", 0);
    f->reason = reason_text(req->arena, ndc_request_query(req, "reason"));
}

static enum ndc_err read_page(struct ndc_request *req, const struct filter *f,
                              struct item *items, int64_t limit, int64_t *n,
                              int64_t *total, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    NDC_TRY(ndc_registry_conn(req, &conn, fault));
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT " COLUMNS " FROM registry_quarantine WHERE " FILTER
        " AND id > $5 ORDER BY id LIMIT $6",
        NDC_ARGS(ndc_text(f->state), ndc_text(f->source), ndc_int(f->run),
                 ndc_text(f->reason), ndc_int(ndc_request_query_i64(req, "after", 0)),
                 ndc_int(limit)));
    for (*n = 0; ndc_rows_next(rows); (*n)++)
        read_item(req->arena, rows, &items[*n]);
    enum ndc_err err = ndc_rows_end(rows, fault);
    if (!err)
        err = ndc_sql_i64(conn, total,
                          "SELECT count(*) FROM registry_quarantine WHERE " FILTER,
                          NDC_ARGS(ndc_text(f->state), ndc_text(f->source),
                                   ndc_int(f->run), ndc_text(f->reason)),
                          fault);
    ndc_store_give(conn);
    return err;
}

enum ndc_err ndc_registry_list_quarantine(struct ndc_request *req,
                                          struct ndc_fault *fault)
{
    struct ndc_json *j = &req->json;
    struct filter f;
    struct views *views = NDC_ARENA_NEW(req->arena, struct views);
    int64_t limit = ndc_page_limit(req), n = 0, total = 0;
    struct item *items = NDC_ARENA_ARRAY(req->arena, struct item, (size_t)limit);
    enum ndc_err err = NDC_OK;
    read_filter(req, &f);
    NDC_TRY(ask_views(req, f.source, NDC_POLICY_SEARCH, views, fault));
    NDC_TRY(read_page(req, &f, items, limit, &n, &total, fault));
    ndc_request_audit(req, "quarantine.read", NDC_STR_NULL, NULL);
    ndc_json_object(j);
    ndc_json_key(j, "items");
    ndc_json_array(j);
    for (int64_t i = 0; i < n && !err; i++)
        err = write_item(req, view_of(req, views, items[i].source), &items[i], fault);
    ndc_json_end(j);
    ndc_json_key(j, "next");
    if (n == limit)
        ndc_json_i64(j, items[n - 1].id);
    else
        ndc_json_null(j);
    ndc_json_kv_i64(j, "total", total);
    ndc_json_end(j);
    ndc_request_audit_detail(req,
                             ndc_arena_printf(req->arena, "rows=%lld", (long long)n));
    return err;
}

/* ---- one row ---- */

static enum ndc_err find_item(struct ndc_request *req, struct item *it,
                              struct ndc_registered **source, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    int64_t id;
    bool found = false;
    *it = (struct item){0};
    if (!ndc_str_to_i64(ndc_request_param(req, "id"), &id)) id = 0;
    NDC_TRY(ndc_registry_conn(req, &conn, fault));
    struct ndc_rows *rows =
        ndc_sql_query(conn, "SELECT " COLUMNS " FROM registry_quarantine WHERE id = $1",
                      NDC_ARGS(ndc_int(id)));
    if (ndc_rows_next(rows)) {
        found = true;
        read_item(req->arena, rows, it);
    }
    enum ndc_err err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    if (err) return err;
    if (!found)
        return ndc_fail(fault, NDC_ENOTFOUND, "quarantine.no_item",
                        "there is no such row");
    *source = ndc_registry_find(ndc_registry_of(req), it->source);
    NDC_ASSERT(*source);
    return NDC_OK;
}

static void tell_row(struct ndc_request *req, const struct item *it)
{
    ndc_request_audit_detail(req,
                             ndc_arena_printf(req->arena, "row=%lld", (long long)it->id));
}

/* Opened by one who may correct it, a row is shown as its correction needs it. */
enum ndc_err ndc_registry_get_quarantine(struct ndc_request *req, struct ndc_fault *fault)
{
    struct item it;
    struct ndc_registered *source;
    struct ndc_row_view view;
    bool may_write = ndc_principal_may(req->principal, "registry.quarantine.write");
    NDC_TRY(find_item(req, &it, &source, fault));
    tell_row(req, &it);
    NDC_TRY(ndc_row_view_ask(req, source->source,
                             may_write ? NDC_POLICY_WRITE : NDC_POLICY_READ,
                             "quarantine.read", &view, fault));
    return write_item(req, &view, &it, fault);
}

struct settle {
    int64_t id;
    const char *state;
    struct ndc_str by, note;
};

static enum ndc_err write_settled(struct ndc_store_conn *conn, void *arg,
                                  struct ndc_fault *fault)
{
    const struct settle *s = arg;
    int64_t changes = 0;
    NDC_TRY(ndc_sql_exec(
        conn,
        "UPDATE registry_quarantine SET state = $2, decided_by = $3, note = $4, "
        "decided_ms = $5 WHERE id = $1 AND state = 'open'",
        NDC_ARGS(ndc_int(s->id), ndc_textz(s->state), ndc_text(s->by), ndc_text(s->note),
                 ndc_int(ndc_clock_wall_ms())),
        &changes, fault));
    if (changes == 1) return NDC_OK;
    return ndc_fail(fault, NDC_ECONFLICT, "quarantine.settled",
                    "this row was corrected or dismissed already");
}

enum ndc_err ndc_registry_dismiss(struct ndc_request *req, struct ndc_fault *fault)
{
    struct json_object *body;
    struct item it;
    struct ndc_registered *source;
    struct ndc_row_view view;
    struct settle s = {.state = "dismissed", .by = req->principal->id};
    NDC_TRY(ndc_request_json(req, &body, fault));
    NDC_TRY(find_item(req, &it, &source, fault));
    tell_row(req, &it);
    NDC_TRY(ndc_row_view_ask(req, source->source, NDC_POLICY_WRITE, "quarantine.dismiss",
                             &view, fault));
    s.id = it.id;
    s.note = ndc_json_get_str(body, "note");
    if (!s.note.ptr) s.note = NDC_STR("");
    NDC_TRY(ndc_store_write(ndc_registry_of(req)->store, write_settled, &s, fault));
    ndc_json_object(&req->json);
    ndc_json_kv_c(&req->json, "state", "dismissed");
    ndc_json_end(&req->json);
    return NDC_OK;
}

/* The reasons of a row that still fails, as the answer (422). */
static enum ndc_err tell_reasons(struct ndc_request *req, const struct ndc_row_view *view,
                                 const struct ndc_mapped *mapped, struct ndc_fault *fault)
{
    struct ndc_buf buf;
    struct ndc_json j;
    ndc_buf_init(&buf, ANSWER_MAX);
    ndc_json_init(&j, &buf);
    ndc_reasons_write(view->source, mapped->reasons, mapped->reason_count, &j);
    req->status = 422;
    ndc_json_object(&req->json);
    ndc_json_kv_c(&req->json, "state", "open");
    ndc_json_key(&req->json, "reasons");
    enum ndc_err err = ndc_row_view_reasons(view, req->arena, ndc_buf_str(&buf),
                                            mapped->record.key, &req->json, fault);
    ndc_json_end(&req->json);
    ndc_buf_free(&buf);
    return err;
}

/* Whether the row passes now; if not, its reasons are the answer. */
static enum ndc_err check_row(struct ndc_request *req, const struct ndc_row_view *view,
                              const struct ndc_push *p, bool *passes,
                              struct ndc_fault *fault)
{
    struct ndc_connect *connect;
    struct ndc_connect_row cut;
    struct ndc_quality quality;
    bool have;
    NDC_TRY(ndc_connect_memory(&connect, view->source, p->ndjson, p->columns,
                               p->column_count, fault));
    struct ndc_mapped *mapped = ndc_xcalloc(1, sizeof(*mapped));
    struct ndc_mapper *mapper =
        ndc_mapper_new(view->source, connect,
                       ndc_date_from_days((int32_t)(ndc_clock_wall_ms() / 86400000)));
    ndc_quality_init(&quality, view->source);
    enum ndc_err err = ndc_connect_next(connect, &cut, &have, fault);
    *passes = false;
    if (!err && have) {
        ndc_mapper_map(mapper, &cut, mapped, &quality);
        *passes = !mapped->blocked;
        if (!*passes) err = tell_reasons(req, view, mapped, fault);
    }
    ndc_quality_free(&quality);
    ndc_mapper_free(mapper);
    ndc_connect_close(connect);
    free(mapped);
    return err;
}

/* The corrected row: what the caller gives, and of the rest what was kept. A value that
 * the caller was shown masked, in a list, a download or by itself, is no correction. */
static enum ndc_err merge_row(struct ndc_request *req, const struct ndc_row_view *view,
                              const struct item *it, struct json_object *given,
                              struct ndc_str *row, struct ndc_fault *fault)
{
    static const enum ndc_policy_action others[] = {NDC_POLICY_READ, NDC_POLICY_SEARCH,
                                                    NDC_POLICY_EXPORT};
    struct ndc_row_view views[1 + NDC_ARRAY_LEN(others)] = {*view};
    struct ndc_fault ignored = {0};
    struct ndc_buf merged;
    size_t n = 1;
    if (!json_object_is_type(given, json_type_object))
        return ndc_fail_at(fault, NDC_EINPUT, "request.type", "/row", 0,
                           "\"row\" must be an object of column: value");
    for (size_t i = 0; i < NDC_ARRAY_LEN(others); i++)
        if (!ndc_row_view(req, others[i], view->source, &views[n], &ignored)) n++;
    ndc_buf_init(&merged, ANSWER_MAX);
    enum ndc_err err =
        ndc_row_merge(views, n, req->arena, it->row, given, &merged, fault);
    *row = ndc_arena_str(req->arena, ndc_buf_str(&merged));
    ndc_buf_free(&merged);
    return err;
}

/* The columns of a row in their order, so that what is kept of them has the numbers that
 * it has when the source's file is read. */
static enum ndc_err columns_of(struct ndc_request *req, struct ndc_push *push,
                               struct ndc_fault *fault)
{
    struct ndc_json_member *m;
    struct ndc_buf scratch;
    size_t n;
    ndc_buf_init(&scratch, ANSWER_MAX);
    enum ndc_err err = ndc_row_cut(req->arena, &scratch, push->ndjson, &m, &n, fault);
    struct ndc_str *columns = NDC_ARENA_ARRAY(req->arena, struct ndc_str, n + 1);
    for (size_t i = 0; i < n && columns; i++)
        columns[i] = ndc_arena_str(req->arena, m[i].key);
    ndc_buf_free(&scratch);
    push->columns = columns;
    push->column_count = columns ? n : 0;
    return err;
}

enum ndc_err ndc_registry_correct(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_registry *reg = ndc_registry_of(req);
    struct json_object *body;
    struct item it;
    struct ndc_registered *source;
    struct ndc_row_view view;
    struct ndc_load_result result;
    struct ndc_buf answer;
    char job[NDC_JOB_ID_LEN + 1];
    bool passes;
    struct settle s = {
        .state = "corrected", .by = req->principal->id, .note = NDC_STR("")};
    NDC_TRY(ndc_request_json(req, &body, fault));
    NDC_TRY(find_item(req, &it, &source, fault));
    s.id = it.id;
    tell_row(req, &it);
    NDC_TRY(ndc_row_view_ask(req, source->source, NDC_POLICY_WRITE, "quarantine.correct",
                             &view, fault));
    if (!ndc_str_eq(it.state, NDC_STR("open")))
        return ndc_fail(fault, NDC_ECONFLICT, "quarantine.settled",
                        "this row was corrected or dismissed already");
    /* The row is settled in the commit that takes it: never one without the other. */
    struct ndc_push push = {
        .source = source->source->id, .also = write_settled, .also_arg = &s};
    NDC_TRY(merge_row(req, &view, &it, ndc_json_get(body, "row"), &push.ndjson, fault));
    NDC_TRY(columns_of(req, &push, fault));
    NDC_TRY(check_row(req, &view, &push, &passes, fault));
    if (!passes) return NDC_OK;
    ndc_buf_init(&answer, ANSWER_MAX);
    enum ndc_err err = ndc_registry_push(reg, &push, &answer, NULL, &result, fault);
    ndc_buf_free(&answer);
    if (!err) err = ndc_registry_submit(reg, req->principal->id, NULL, 0, job, fault);
    if (err) return err;
    ndc_json_object(&req->json);
    ndc_json_kv_c(&req->json, "state", "corrected");
    ndc_json_kv_c(&req->json, "job", job);
    ndc_json_end(&req->json);
    return NDC_OK;
}

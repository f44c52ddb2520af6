/* The quarantine over HTTP: rows that failed, with every reason; corrected and submitted
 * again, or set aside. */
#include "base/csv.h"
#include "platforms/registry/load/load.h"
#include "platforms/registry/serve/http.h"
#include "store/writer.h"
#include "sys/clock.h"

enum { ANSWER_MAX = 8 << 20 };

#define COLUMNS                                                                       \
    "id, run, source, record_key, line, state, row_json, reasons, note, decided_by, " \
    "created_ms, decided_ms"

static void write_item(struct ndc_json *j, struct ndc_rows *rows)
{
    ndc_json_object(j);
    ndc_json_kv_i64(j, "id", ndc_rows_i64(rows, 0));
    ndc_json_kv_i64(j, "run", ndc_rows_i64(rows, 1));
    ndc_json_kv_str(j, "source", ndc_rows_text(rows, 2));
    ndc_json_kv_str(j, "key", ndc_rows_text(rows, 3));
    ndc_json_kv_i64(j, "line", ndc_rows_i64(rows, 4));
    ndc_json_kv_str(j, "state", ndc_rows_text(rows, 5));
    ndc_json_key(j, "row");
    ndc_json_raw(j, ndc_rows_text(rows, 6));
    ndc_json_key(j, "reasons");
    ndc_json_raw(j, ndc_rows_text(rows, 7));
    ndc_json_kv_str(j, "note", ndc_rows_text(rows, 8));
    ndc_json_kv_str(j, "decided_by", ndc_rows_text(rows, 9));
    ndc_time_kv(j, "created_at", ndc_rows_i64(rows, 10));
    ndc_time_kv(j, "decided_at", ndc_rows_i64(rows, 11));
    ndc_json_end(j);
}

/* The filter's parts are optional: an empty one matches all. */
#define FILTER                                                                          \
    "state = $1 AND ($2 = '' OR source = $2) AND ($3 = 0 OR run = $3) AND ($4 = '' OR " \
    "reasons LIKE $4)"

struct filter {
    struct ndc_str state, source, reason;
    int64_t run;
};

static void read_filter(struct ndc_request *req, struct filter *f)
{
    struct ndc_str reason = ndc_request_query(req, "reason");
    f->state = ndc_request_query(req, "state");
    f->source = ndc_request_query(req, "source");
    if (!f->source.ptr) f->source = NDC_STR("");
    f->run = ndc_request_query_i64(req, "run", 0);
    f->reason = NDC_STR("");
    for (size_t i = 0; i < reason.len; i++)
        if (reason.ptr[i] == '%' || reason.ptr[i] == '"') return;
    if (reason.len)
        f->reason =
            ndc_arena_printf(req->arena, "%%\"reason\":\"%.*s\"%%", NDC_STR_FMT(reason));
}

enum ndc_err ndc_registry_list_quarantine(struct ndc_request *req,
                                          struct ndc_fault *fault)
{
    struct ndc_json *j = &req->json;
    struct filter f;
    struct ndc_store_conn *conn;
    int64_t limit = ndc_page_limit(req), n = 0, last = 0, total = 0;
    read_filter(req, &f);
    NDC_TRY(ndc_store_take(ndc_registry_of(req)->store, NDC_READ, &conn, fault));
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT " COLUMNS " FROM registry_quarantine WHERE " FILTER
        " AND id > $5 ORDER BY id LIMIT $6",
        NDC_ARGS(ndc_text(f.state), ndc_text(f.source), ndc_int(f.run),
                 ndc_text(f.reason), ndc_int(ndc_request_query_i64(req, "after", 0)),
                 ndc_int(limit)));
    ndc_json_object(j);
    ndc_json_key(j, "items");
    ndc_json_array(j);
    while (ndc_rows_next(rows)) {
        write_item(j, rows);
        last = ndc_rows_i64(rows, 0);
        n++;
    }
    ndc_json_end(j);
    enum ndc_err err = ndc_rows_end(rows, fault);
    if (!err)
        err = ndc_sql_i64(conn, &total,
                          "SELECT count(*) FROM registry_quarantine WHERE " FILTER,
                          NDC_ARGS(ndc_text(f.state), ndc_text(f.source), ndc_int(f.run),
                                   ndc_text(f.reason)),
                          fault);
    ndc_store_give(conn);
    ndc_json_key(j, "next");
    if (n == limit)
        ndc_json_i64(j, last);
    else
        ndc_json_null(j);
    ndc_json_kv_i64(j, "total", total);
    ndc_json_end(j);
    ndc_request_audit(req, "quarantine.read", NDC_STR_NULL, NULL);
    ndc_request_audit_detail(req,
                             ndc_arena_printf(req->arena, "rows=%lld", (long long)n));
    return err;
}

static enum ndc_err find_item(struct ndc_request *req, int64_t *id,
                              struct ndc_str *source, struct ndc_str *state,
                              struct ndc_json *out, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    bool found = false;
    if (!ndc_str_to_i64(ndc_request_param(req, "id"), id)) *id = 0;
    NDC_TRY(ndc_store_take(ndc_registry_of(req)->store, NDC_READ, &conn, fault));
    struct ndc_rows *rows =
        ndc_sql_query(conn, "SELECT " COLUMNS " FROM registry_quarantine WHERE id = $1",
                      NDC_ARGS(ndc_int(*id)));
    if (ndc_rows_next(rows)) {
        found = true;
        *source = ndc_arena_str(req->arena, ndc_rows_text(rows, 2));
        *state = ndc_arena_str(req->arena, ndc_rows_text(rows, 5));
        if (out) write_item(out, rows);
    }
    enum ndc_err err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    if (err || found) return err;
    return ndc_fail(fault, NDC_ENOTFOUND, "quarantine.no_item", "there is no such row");
}

enum ndc_err ndc_registry_get_quarantine(struct ndc_request *req, struct ndc_fault *fault)
{
    int64_t id;
    struct ndc_str source, state;
    NDC_TRY(find_item(req, &id, &source, &state, &req->json, fault));
    ndc_request_audit(req, "quarantine.read", NDC_STR_NULL, NULL);
    ndc_request_audit_detail(req,
                             ndc_arena_printf(req->arena, "row=%lld", (long long)id));
    return NDC_OK;
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
    struct ndc_str source, state;
    struct settle s = {.state = "dismissed", .by = req->principal->id};
    NDC_TRY(ndc_request_json(req, &body, fault));
    NDC_TRY(find_item(req, &s.id, &source, &state, NULL, fault));
    s.note = ndc_json_get_str(body, "note");
    if (!s.note.ptr) s.note = NDC_STR("");
    NDC_TRY(ndc_store_write(ndc_registry_of(req)->store, write_settled, &s, fault));
    ndc_request_audit(req, "quarantine.dismiss", NDC_STR_NULL, NULL);
    ndc_json_object(&req->json);
    ndc_json_kv_c(&req->json, "state", "dismissed");
    ndc_json_end(&req->json);
    return NDC_OK;
}

/* Whether the row passes now; if not, its reasons are the answer (422). */
static enum ndc_err check_row(struct ndc_request *req, struct ndc_registered *source,
                              struct ndc_str row, bool *passes, struct ndc_fault *fault)
{
    struct ndc_connect *connect;
    struct ndc_connect_row cut;
    struct ndc_quality quality;
    bool have;
    NDC_TRY(ndc_connect_memory(&connect, source->source, row, fault));
    struct ndc_mapped *mapped = ndc_xcalloc(1, sizeof(*mapped));
    struct ndc_mapper *mapper =
        ndc_mapper_new(source->source, connect,
                       ndc_date_from_days((int32_t)(ndc_clock_wall_ms() / 86400000)));
    ndc_quality_init(&quality, source->source);
    enum ndc_err err = ndc_connect_next(connect, &cut, &have, fault);
    *passes = false;
    if (!err && have) {
        ndc_mapper_map(mapper, &cut, mapped, &quality);
        *passes = !mapped->blocked;
        if (!*passes) {
            req->status = 422;
            ndc_json_object(&req->json);
            ndc_json_kv_c(&req->json, "state", "open");
            ndc_json_key(&req->json, "reasons");
            ndc_reasons_write(source->source, mapped->reasons, mapped->reason_count,
                              &req->json);
            ndc_json_end(&req->json);
        }
    }
    ndc_quality_free(&quality);
    ndc_mapper_free(mapper);
    ndc_connect_close(connect);
    free(mapped);
    return err;
}

enum ndc_err ndc_registry_correct(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_registry *reg = ndc_registry_of(req);
    struct json_object *body;
    struct ndc_str source, state;
    struct ndc_load_result result;
    struct ndc_buf answer;
    char job[NDC_JOB_ID_LEN + 1];
    bool passes;
    struct settle s = {
        .state = "corrected", .by = req->principal->id, .note = NDC_STR("")};
    NDC_TRY(ndc_request_json(req, &body, fault));
    NDC_TRY(find_item(req, &s.id, &source, &state, NULL, fault));
    if (!ndc_str_eq(state, NDC_STR("open")))
        return ndc_fail(fault, NDC_ECONFLICT, "quarantine.settled",
                        "this row was corrected or dismissed already");
    struct ndc_registered *r = ndc_registry_find(reg, source);
    NDC_ASSERT(r);
    struct ndc_str row = ndc_str(json_object_to_json_string_ext(ndc_json_get(body, "row"),
                                                                JSON_C_TO_STRING_PLAIN));
    NDC_TRY(check_row(req, r, row, &passes, fault));
    if (!passes) return NDC_OK;
    ndc_buf_init(&answer, ANSWER_MAX);
    enum ndc_err err = ndc_registry_push(reg, source, row, &answer, &result, fault);
    if (!err) err = ndc_store_write(reg->store, write_settled, &s, fault);
    if (!err) err = ndc_registry_submit(reg, req->principal->id, NULL, 0, job, fault);
    ndc_request_audit(req, "quarantine.correct", NDC_STR_NULL, NULL);
    if (!err) {
        ndc_json_object(&req->json);
        ndc_json_kv_c(&req->json, "state", "corrected");
        ndc_json_kv_c(&req->json, "job", job);
        ndc_json_end(&req->json);
    }
    ndc_buf_free(&answer);
    return err;
}

/* ---- download ---- */

struct download {
    struct ndc_registry *registry;
    struct ndc_registered *source;
    int64_t run, after;
    bool header_done;
};

static void write_csv_row(struct ndc_buf *out, const struct ndc_source *s,
                          struct ndc_rows *rows)
{
    struct json_object *row = NULL;
    struct ndc_fault ignored = {0};
    bool parsed = ndc_json_parse(&row, ndc_rows_text(rows, 6), &ignored) == NDC_OK;
    bool first = true;
    for (unsigned i = 0; i < s->field_count; i++)
        for (unsigned k = 0; k < s->fields[i].column_count; k++) {
            char name[256];
            struct ndc_str column = s->fields[i].columns[k];
            size_t n = NDC_MIN(column.len, sizeof(name) - 1);
            memcpy(name, column.ptr, n);
            name[n] = 0;
            struct ndc_str value = parsed ? ndc_json_get_str(row, name) : NDC_STR_NULL;
            ndc_csv_write_field(out, value, first);
            first = false;
        }
    ndc_csv_write_field(out, ndc_rows_text(rows, 7), first);
    ndc_csv_write_end(out);
    if (parsed) json_object_put(row);
}

static enum ndc_err next_part(void *ctx, struct ndc_buf *out, bool *end,
                              struct ndc_fault *fault)
{
    struct download *d = ctx;
    const struct ndc_source *s = d->source->source;
    struct ndc_store_conn *conn;
    int n = 0;
    if (!d->header_done) {
        bool first = true;
        for (unsigned i = 0; i < s->field_count; i++)
            for (unsigned k = 0; k < s->fields[i].column_count; k++) {
                ndc_csv_write_field(out, s->fields[i].columns[k], first);
                first = false;
            }
        ndc_csv_write_field(out, NDC_STR("_reasons"), first);
        ndc_csv_write_end(out);
        d->header_done = true;
    }
    NDC_TRY(ndc_store_take(d->registry->store, NDC_READ, &conn, fault));
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT " COLUMNS
        " FROM registry_quarantine WHERE source = $1 AND state = 'open' AND "
        "id > $2 AND ($3 = 0 OR run = $3) ORDER BY id LIMIT 100",
        NDC_ARGS(ndc_text(s->id), ndc_int(d->after), ndc_int(d->run)));
    while (ndc_rows_next(rows)) {
        write_csv_row(out, s, rows);
        d->after = ndc_rows_i64(rows, 0);
        n++;
    }
    *end = n < 100;
    enum ndc_err err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    return err;
}

enum ndc_err ndc_registry_csv_quarantine(struct ndc_request *req, struct ndc_fault *fault)
{
    struct download *d = NDC_ARENA_NEW(req->arena, struct download);
    struct ndc_str source = ndc_request_query(req, "source");
    d->registry = ndc_registry_of(req);
    d->source = ndc_registry_find(d->registry, source);
    d->run = ndc_request_query_i64(req, "run", 0);
    if (!d->source)
        return ndc_fail_at(fault, NDC_ENOTFOUND, "registry.no_source", "source", 0,
                           "no source \"%.*s\" is declared", NDC_STR_FMT(source));
    ndc_request_set_download(
        req, ndc_arena_printf(req->arena, "%.*s-quarantine.csv", NDC_STR_FMT(source)));
    ndc_request_audit(req, "quarantine.export", NDC_STR_NULL, NULL);
    ndc_request_stream(req, d, next_part, NULL);
    return NDC_OK;
}

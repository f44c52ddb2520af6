/* Sources, runs, the map, units, and the overview. */
#include "core/jobs.h"
#include "crypto/digest.h"
#include "platforms/registry/load/load.h"
#include "platforms/registry/load/push.h"
#include "platforms/registry/meta.h"
#include "platforms/registry/normalise/units.h"
#include "platforms/registry/serve/http.h"
#include "store/writer.h"
#include "sys/clock.h"

static void write_scores(struct ndc_json *j, const char *key, struct ndc_str scorecard)
{
    double scores[NDC_CRITERION_COUNT];
    ndc_json_key(j, key);
    if (!ndc_quality_read_scores(scorecard, scores)) {
        ndc_json_null(j);
        return;
    }
    ndc_json_object(j);
    for (int c = 0; c < NDC_CRITERION_COUNT; c++)
        ndc_json_kv_f64(j, ndc_criterion_name((enum ndc_criterion)c), scores[c]);
    ndc_json_end(j);
}

/* ---- runs ---- */

#define RUN_COLUMNS                                                              \
    "run, source, mode, state, created_ms, started_ms, finished_ms, rows_read, " \
    "accepted, "                                                                 \
    "quarantined, added, changed, unchanged, ended, bytes, job, error, scorecard"

static void write_run_members(struct ndc_json *j, struct ndc_rows *rows)
{
    static const char *const counts[] = {"rows_read", "accepted", "quarantined",
                                         "new",       "changed",  "unchanged",
                                         "ended",     "bytes"};
    ndc_json_kv_i64(j, "run", ndc_rows_i64(rows, 0));
    ndc_json_kv_str(j, "source", ndc_rows_text(rows, 1));
    ndc_json_kv_str(j, "mode", ndc_rows_text(rows, 2));
    ndc_json_kv_str(j, "state", ndc_rows_text(rows, 3));
    ndc_time_kv(j, "created_at", ndc_rows_i64(rows, 4));
    ndc_time_kv(j, "started_at", ndc_rows_i64(rows, 5));
    ndc_time_kv(j, "finished_at", ndc_rows_i64(rows, 6));
    for (unsigned i = 0; i < NDC_ARRAY_LEN(counts); i++)
        ndc_json_kv_i64(j, counts[i], ndc_rows_i64(rows, 7 + i));
    struct ndc_str job = ndc_rows_text(rows, 15), error = ndc_rows_text(rows, 16);
    ndc_json_kv_str(j, "job", job.len ? job : NDC_STR_NULL);
    ndc_json_kv_str(j, "error", error.len ? error : NDC_STR_NULL);
}

enum ndc_err ndc_registry_list_runs(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_json *j = &req->json;
    struct ndc_str source = ndc_request_query(req, "source");
    int64_t limit = ndc_page_limit(req), last = 0, n = 0;
    int64_t after = ndc_request_query_i64(req, "after", INT64_MAX);
    struct ndc_store_conn *conn;
    NDC_TRY(ndc_registry_conn(req, &conn, fault));
    struct ndc_rows *rows =
        source.ptr
            ? ndc_sql_query(conn,
                            "SELECT " RUN_COLUMNS " FROM registry_run WHERE source = "
                            "$1 AND run < $2 ORDER BY run DESC LIMIT $3",
                            NDC_ARGS(ndc_text(source), ndc_int(after), ndc_int(limit)))
            : ndc_sql_query(conn,
                            "SELECT " RUN_COLUMNS " FROM registry_run WHERE run < $1 "
                            "ORDER BY run DESC LIMIT $2",
                            NDC_ARGS(ndc_int(after), ndc_int(limit)));
    ndc_json_object(j);
    ndc_json_key(j, "runs");
    ndc_json_array(j);
    while (ndc_rows_next(rows)) {
        ndc_json_object(j);
        write_run_members(j, rows);
        ndc_json_end(j);
        last = ndc_rows_i64(rows, 0);
        n++;
    }
    ndc_json_end(j);
    ndc_json_key(j, "next");
    if (n == limit)
        ndc_json_i64(j, last);
    else
        ndc_json_null(j);
    ndc_json_end(j);
    enum ndc_err err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    return err;
}

enum ndc_err ndc_registry_get_run(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_json *j = &req->json;
    struct ndc_store_conn *conn;
    int64_t run;
    bool found = false;
    if (!ndc_str_to_i64(ndc_request_param(req, "run"), &run)) run = 0;
    NDC_TRY(ndc_registry_conn(req, &conn, fault));
    struct ndc_rows *rows =
        ndc_sql_query(conn, "SELECT " RUN_COLUMNS " FROM registry_run WHERE run = $1",
                      NDC_ARGS(ndc_int(run)));
    if (ndc_rows_next(rows)) {
        struct ndc_str scorecard = ndc_rows_text(rows, 17);
        found = true;
        ndc_json_object(j);
        write_run_members(j, rows);
        ndc_json_key(j, "scorecard");
        if (scorecard.len)
            ndc_json_raw(j, scorecard);
        else
            ndc_json_null(j);
        ndc_json_end(j);
    }
    enum ndc_err err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    if (err || found) return err;
    return ndc_fail(fault, NDC_ENOTFOUND, "registry.no_run", "there is no run %lld",
                    (long long)run);
}

/* ---- sources ---- */

static void write_source_head(struct ndc_json *j, const struct ndc_source *s)
{
    ndc_json_kv_str(j, "source", s->id);
    ndc_title_write(j, "title", s->title);
    ndc_json_key(j, "agency");
    ndc_json_object(j);
    ndc_json_kv_str(j, "code", s->agency);
    ndc_json_kv_str(j, "vi", s->agency_title.vi);
    ndc_json_kv_str(j, "en", s->agency_title.en);
    ndc_json_end(j);
    ndc_json_kv_str(j, "legal_basis", s->legal_basis);
    ndc_json_kv_c(j, "entity", ndc_source_about(s));
    if (s->thing) ndc_json_kv_str(j, "dataset", s->dataset);
    ndc_json_kv_c(j, "connector", ndc_connector_name(s->connector));
    ndc_json_kv_c(j, "mode", ndc_sync_mode_name(s->mode));
    ndc_json_kv_bool(j, "followed", ndc_source_followed(s));
    ndc_json_kv_str(j, "schedule", s->schedule.len ? s->schedule : NDC_STR_NULL);
}

static enum ndc_err write_source_state(struct ndc_request *req,
                                       struct ndc_store_conn *conn, struct ndc_str source,
                                       struct ndc_fault *fault)
{
    struct ndc_json *j = &req->json;
    struct ndc_str card = NDC_STR_NULL;
    int64_t records = 0;
    NDC_TRY(ndc_sql_i64(conn, &records,
                        "SELECT records FROM registry_source WHERE source = $1",
                        NDC_ARGS(ndc_text(source)), fault));
    ndc_json_kv_i64(j, "records", records);
    ndc_json_key(j, "last_run");
    struct ndc_rows *rows =
        ndc_sql_query(conn,
                      "SELECT " RUN_COLUMNS
                      " FROM registry_run WHERE source = $1 ORDER BY run DESC LIMIT 1",
                      NDC_ARGS(ndc_text(source)));
    if (ndc_rows_next(rows)) {
        ndc_json_object(j);
        write_run_members(j, rows);
        ndc_json_end(j);
        card = ndc_arena_str(req->arena, ndc_rows_text(rows, 17));
    } else {
        ndc_json_null(j);
    }
    NDC_TRY(ndc_rows_end(rows, fault));
    write_scores(j, "score", card);
    return NDC_OK;
}

enum ndc_err ndc_registry_list_sources(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_registry *reg = ndc_registry_of(req);
    struct ndc_json *j = &req->json;
    struct ndc_store_conn *conn;
    enum ndc_err err = NDC_OK;
    NDC_TRY(ndc_registry_conn(req, &conn, fault));
    ndc_json_object(j);
    ndc_json_key(j, "sources");
    ndc_json_array(j);
    for (uint32_t n = 1; n <= NDC_REGISTRY_SOURCES_MAX && !err; n++) {
        struct ndc_registered *r = ndc_registry_by_number(reg, n);
        if (!r) continue;
        ndc_json_object(j);
        write_source_head(j, r->source);
        err = write_source_state(req, conn, r->source->id, fault);
        ndc_json_end(j);
    }
    ndc_store_give(conn);
    if (err) return err;
    ndc_json_end(j);
    ndc_json_end(j);
    return NDC_OK;
}

static void write_source_fields(struct ndc_json *j, const struct ndc_source *s)
{
    ndc_json_key(j, "fields");
    ndc_json_array(j);
    for (unsigned i = 0; i < s->field_count; i++) {
        const struct ndc_source_field *f = &s->fields[i];
        ndc_json_object(j);
        ndc_json_kv_str(j, "column", f->columns[0]);
        ndc_json_key(j, "columns");
        ndc_json_array(j);
        for (unsigned k = 0; k < f->column_count; k++)
            ndc_json_str(j, f->columns[k]);
        ndc_json_end(j);
        ndc_json_kv_str(j, "to", f->field ? ndc_str(f->field->code) : NDC_STR_NULL);
        if (f->field)
            ndc_title_write(j, "title",
                            (struct ndc_title){ndc_str(f->field->title_vi),
                                               ndc_str(f->field->title_en)});
        ndc_json_kv_bool(j, "required", f->required);
        ndc_json_key(j, "class");
        ndc_json_object(j);
        ndc_json_kv_c(j, "sharing", ndc_sharing_name(f->class.sharing));
        ndc_json_kv_c(j, "importance", ndc_importance_name(f->class.importance));
        ndc_json_kv_c(j, "personal", ndc_personal_name(f->class.personal));
        ndc_json_end(j);
        ndc_json_end(j);
    }
    ndc_json_end(j);
}

static enum ndc_err write_trend(struct ndc_request *req, struct ndc_store_conn *conn,
                                struct ndc_str source, struct ndc_fault *fault)
{
    struct ndc_json *j = &req->json;
    ndc_json_key(j, "trend");
    ndc_json_array(j);
    struct ndc_rows *rows =
        ndc_sql_query(conn,
                      "SELECT run, finished_ms, rows_read, quarantined, scorecard FROM "
                      "registry_run WHERE "
                      "source = $1 AND scorecard <> '' ORDER BY run DESC LIMIT 100",
                      NDC_ARGS(ndc_text(source)));
    while (ndc_rows_next(rows)) {
        ndc_json_object(j);
        ndc_json_kv_i64(j, "run", ndc_rows_i64(rows, 0));
        ndc_time_kv(j, "finished_at", ndc_rows_i64(rows, 1));
        ndc_json_kv_i64(j, "rows_read", ndc_rows_i64(rows, 2));
        ndc_json_kv_i64(j, "quarantined", ndc_rows_i64(rows, 3));
        write_scores(j, "score", ndc_rows_text(rows, 4));
        ndc_json_end(j);
    }
    ndc_json_end(j);
    return ndc_rows_end(rows, fault);
}

static enum ndc_err find_source(struct ndc_request *req, struct ndc_registered **out,
                                struct ndc_fault *fault)
{
    struct ndc_str id = ndc_request_param(req, "source");
    *out = ndc_registry_find(ndc_registry_of(req), id);
    if (*out) return NDC_OK;
    return ndc_fail_at(fault, NDC_ENOTFOUND, "registry.no_source", "source", 0,
                       "no source \"%.*s\" is declared",
                       (int)NDC_MIN(id.len, (size_t)NDC_SOURCE_ID_MAX), id.ptr);
}

enum ndc_err ndc_registry_get_source(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_registered *r;
    struct ndc_store_conn *conn;
    struct ndc_json *j = &req->json;
    NDC_TRY(find_source(req, &r, fault));
    NDC_TRY(ndc_registry_conn(req, &conn, fault));
    ndc_json_object(j);
    write_source_head(j, r->source);
    enum ndc_err err = write_source_state(req, conn, r->source->id, fault);
    ndc_json_kv_str(j, "declaration", r->source->yaml);
    write_source_fields(j, r->source);
    if (!err) err = write_trend(req, conn, r->source->id, fault);
    ndc_json_end(j);
    ndc_store_give(conn);
    return err;
}

enum ndc_err ndc_registry_post_source(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_registered *r;
    struct ndc_registry *reg = ndc_registry_of(req);
    NDC_TRY(ndc_registry_declare(reg, ndc_request_body(req), ndc_str(reg->import_dir), &r,
                                 fault));
    ndc_json_object(&req->json);
    ndc_json_kv_str(&req->json, "source", r->source->id);
    ndc_json_end(&req->json);
    return NDC_OK;
}

enum ndc_err ndc_registry_post_run(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_registered *r;
    int64_t run;
    char job[NDC_JOB_ID_LEN + 1];
    NDC_TRY(find_source(req, &r, fault));
    if (ndc_source_followed(r->source))
        return ndc_fail(
            fault, NDC_ECONFLICT, "source.followed",
            "source %.*s is followed: its changes come by themselves; its table "
            "is loaded anew by the action \"snapshot\"",
            NDC_STR_FMT(r->source->id));
    NDC_TRY(ndc_registry_queue_run(ndc_registry_of(req), r->source->id, NDC_STR_NULL,
                                   &run, fault));
    enum ndc_err err = ndc_registry_submit(ndc_registry_of(req), req->principal->id, &run,
                                           1, job, fault);
    struct ndc_fault ignored = {0};
    if (err &&
        ndc_load_mark(ndc_registry_of(req), run, "failed", fault->message, &ignored))
        return err;
    if (err) return err;
    ndc_json_object(&req->json);
    ndc_json_kv_i64(&req->json, "run", run);
    ndc_json_kv_c(&req->json, "job", job);
    ndc_json_end(&req->json);
    return NDC_OK;
}

/* ---- push ---- */

enum ndc_err ndc_registry_post_records(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_registered *r;
    struct ndc_registry *reg = ndc_registry_of(req);
    struct ndc_load_result result;
    char hash[65], job[NDC_JOB_ID_LEN + 1];
    bool repeated;
    NDC_TRY(find_source(req, &r, fault));
    struct ndc_push push = {.source = r->source->id,
                            .ndjson = ndc_request_body(req),
                            .live = true,
                            .key = ndc_request_header(req, "Idempotency-Key")};
    if (push.key.len == 0 || push.key.len > 200)
        return ndc_fail_at(
            fault, NDC_EINPUT, "push.no_key", "Idempotency-Key", 0,
            "send an Idempotency-Key header (1 to 200 bytes, one per batch), so "
            "that a repeated batch is taken once");
    ndc_sha256_hex(hash, push.ndjson);
    push.hash = ndc_str(hash);
    NDC_TRY(ndc_registry_push(reg, &push, req->out, &repeated, &result, fault));
    if (repeated)
        ndc_request_set_header(req, "Idempotency-Replayed", NDC_STR("true"));
    else if (!result.live && result.added + result.changed + result.ended)
        NDC_TRY(ndc_registry_submit(reg, req->principal->id, NULL, 0, job, fault));
    return NDC_OK;
}

/* ---- overview, map, units ---- */

static enum ndc_err count_of(struct ndc_store_conn *conn, const char *sql,
                             struct ndc_json *j, const char *key, struct ndc_fault *fault)
{
    int64_t n = 0;
    NDC_TRY(ndc_sql_i64(conn, &n, sql, NDC_NO_ARGS, fault));
    ndc_json_kv_i64(j, key, n);
    return NDC_OK;
}

static void write_job(struct ndc_request *req)
{
    struct ndc_registry *reg = ndc_registry_of(req);
    struct ndc_json *j = &req->json;
    struct ndc_job_info info;
    struct ndc_fault ignored = {0};
    char id[NDC_JOB_ID_LEN + 1];
    struct ndc_jobs *jobs = ndc_app_jobs(req->app);
    ndc_mutex_lock(&reg->job_lock);
    memcpy(id, reg->job, sizeof(id));
    ndc_mutex_unlock(&reg->job_lock);
    ndc_json_key(j, "integrate");
    if (!jobs || !id[0] ||
        ndc_job_get(jobs, req->arena, ndc_str(id), &info, &ignored) != NDC_OK) {
        ndc_json_null(j);
        return;
    }
    ndc_json_object(j);
    ndc_json_kv_c(j, "job", id);
    ndc_json_kv_c(j, "state", ndc_job_state_name(info.state));
    ndc_json_kv_str(j, "phase", info.phase);
    ndc_json_kv_i64(j, "done", info.done);
    ndc_json_kv_i64(j, "total", info.total);
    ndc_json_end(j);
}

enum ndc_err ndc_registry_get_overview(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_json *j = &req->json;
    struct ndc_store_conn *conn;
    struct ndc_str totals = NDC_STR_NULL;
    struct json_object *t = NULL;
    struct ndc_fault ignored = {0};
    NDC_TRY(ndc_registry_conn(req, &conn, fault));
    enum ndc_err err = ndc_registry_meta(conn, req->arena, "totals", &totals, fault);
    if (!err && totals.len && ndc_json_parse(&t, totals, &ignored)) t = NULL;
    ndc_json_object(j);
    ndc_json_kv_i64(j, "people", ndc_json_get_i64(t, "people", 0));
    ndc_json_kv_i64(j, "organisations", ndc_json_get_i64(t, "organisations", 0));
    ndc_json_kv_i64(j, "records", ndc_json_get_i64(t, "records", 0));
    ndc_json_key(j, "link");
    ndc_json_object(j);
    ndc_json_kv_i64(j, "pairs", ndc_json_get_i64(t, "pairs", 0));
    ndc_json_kv_i64(j, "largest_entity", ndc_json_get_i64(t, "largest", 0));
    ndc_json_end(j);
    ndc_time_kv(j, "last_run_at", ndc_json_get_i64(t, "at_ms", 0));
    json_object_put(t);
    if (!err)
        err = count_of(conn, "SELECT count(*) FROM registry_source", j, "sources", fault);
    if (!err)
        err = count_of(conn,
                       "SELECT count(*) FROM registry_quarantine WHERE state = 'open'", j,
                       "quarantined_open", fault);
    if (!err)
        err = count_of(conn, "SELECT count(*) FROM registry_review WHERE state = 'open'",
                       j, "reviews_open", fault);
    ndc_store_give(conn);
    write_job(req);
    ndc_json_end(j);
    return err;
}

enum ndc_err ndc_registry_get_map(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    struct ndc_str map = NDC_STR_NULL;
    NDC_TRY(ndc_registry_conn(req, &conn, fault));
    enum ndc_err err = ndc_registry_meta(conn, req->arena, "map", &map, fault);
    ndc_store_give(conn);
    if (err) return err;
    ndc_json_object(&req->json);
    ndc_json_key(&req->json, "provinces");
    ndc_json_raw(&req->json, map.len ? map : NDC_STR("[]"));
    ndc_json_end(&req->json);
    return NDC_OK;
}

enum ndc_err ndc_registry_get_units(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_json *j = &req->json;
    struct ndc_str province = ndc_request_query(req, "province");
    unsigned parent = 0, first;
    int64_t code;
    if (province.len) {
        if (ndc_str_to_i64(province, &code))
            parent = ndc_unit_find(NDC_UNIT_CURRENT, NDC_UNIT_PROVINCE, (uint32_t)code);
        if (!parent)
            return ndc_fail_at(fault, NDC_EINPUT, "units.province", "province", 0,
                               "no province has the code \"%.*s\"",
                               NDC_STR_FMT(province));
    }
    unsigned n = ndc_unit_children(NDC_UNIT_CURRENT, parent, &first);
    ndc_json_object(j);
    ndc_json_key(j, "units");
    ndc_json_array(j);
    for (unsigned id = first; id < first + n; id++) {
        char vi[NDC_UNIT_TITLE_MAX], en[NDC_UNIT_TITLE_MAX], text[8];
        ndc_unit_code(text, id);
        ndc_unit_title(vi, id, false);
        ndc_unit_title(en, id, true);
        ndc_json_object(j);
        ndc_json_kv_c(j, "code", text);
        ndc_title_write(j, "name", (struct ndc_title){ndc_str(vi), ndc_str(en)});
        ndc_json_kv_c(j, "kind",
                      ndc_unit_kind_name((enum ndc_unit_kind)ndc_unit_get(id)->kind));
        ndc_json_end(j);
    }
    ndc_json_end(j);
    ndc_json_end(j);
    return NDC_OK;
}

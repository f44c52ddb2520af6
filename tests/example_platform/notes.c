/* A whole platform on two pages: a table, routes (one of them on personal data), a job,
 * a live topic, a command and a setting. Every test of dispatch runs against it. */
#include "tests/example_platform/notes.h"

#include "core/identity.h"
#include "core/topics.h"
#include "net/websocket.h"
#include "store/writer.h"
#include "sys/clock.h"

#include <stdio.h>

struct notes {
    struct ndc_app *app;
    int64_t length_max;
};

static const struct ndc_migration migrations[] = {
    {1, "notes",
     "CREATE TABLE note (note TEXT PRIMARY KEY, person TEXT NOT NULL, text TEXT NOT "
     "NULL);"},
};

static const struct ndc_setting settings[] = {{"notes_length_max", NDC_SETTING_INT,
                                               "1000", NULL, 1, 100000, "Notes",
                                               "Bytes of a note."},
                                              {0}};

static const struct ndc_permission permissions[] = {
    {"notes.read", "Đọc ghi chú", "Read notes", "operator auditor agency-reader"},
    {"notes.write", "Viết ghi chú", "Write notes", "operator"},
};

struct put {
    struct ndc_str note, person, text;
};

static enum ndc_err put_note(struct ndc_store_conn *conn, void *arg,
                             struct ndc_fault *fault)
{
    const struct put *p = arg;
    return ndc_sql_exec(
        conn, "INSERT INTO note (note, person, text) VALUES ($1, $2, $3)",
        NDC_ARGS(ndc_text(p->note), ndc_text(p->person), ndc_text(p->text)), NULL, fault);
}

static enum ndc_err post_note(struct ndc_request *req, struct ndc_fault *fault)
{
    const struct notes *notes = req->state;
    struct json_object *body;
    enum ndc_err err = ndc_request_json(req, &body, fault);
    if (err != NDC_OK) return err;
    struct put p = {ndc_json_get_str(body, "note"), ndc_json_get_str(body, "person"),
                    ndc_json_get_str(body, "text")};
    if ((int64_t)p.text.len > notes->length_max)
        return ndc_fail_at(fault, NDC_EINPUT, "notes.long", "/text", 0,
                           "a note has at most %lld bytes", (long long)notes->length_max);
    err = ndc_store_write(ndc_app_store(req->app), put_note, &p, fault);
    if (err != NDC_OK) return err;
    ndc_request_audit(req, "write", p.person, NULL);
    ndc_topic_publish(ndc_app_topics(req->app), NDC_STR("notes"), "note",
                      NDC_STR("{\"new\":true}"));
    ndc_json_object(&req->json);
    ndc_json_kv_str(&req->json, "note", p.note);
    ndc_json_end(&req->json);
    return NDC_OK;
}

static enum ndc_err get_note(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    struct ndc_json *j = &req->json;
    bool found = false;
    enum ndc_err err = ndc_request_conn(req, &conn, fault);
    if (err != NDC_OK) return err;
    struct ndc_rows *rows =
        ndc_sql_query(conn, "SELECT person, text FROM note WHERE note = $1",
                      NDC_ARGS(ndc_text(ndc_request_param(req, "note"))));
    if (ndc_rows_next(rows)) {
        found = true;
        ndc_request_audit(req, "read", ndc_rows_text(rows, 0), NULL);
        ndc_json_object(j);
        ndc_json_kv_str(j, "person", ndc_rows_text(rows, 0));
        ndc_json_kv_str(j, "text", ndc_rows_text(rows, 1));
        ndc_json_end(j);
    }
    err = ndc_rows_end(rows, fault);
    if (err == NDC_OK && !found)
        err = ndc_fail(fault, NDC_ENOTFOUND, "notes.unknown", "there is no such note");
    return err;
}

static enum ndc_err get_unlogged(struct ndc_request *req, struct ndc_fault *fault)
{
    (void)fault;
    ndc_json_c(&req->json, "who saw this?");
    return NDC_OK;
}

static enum ndc_err list_notes(struct ndc_request *req, struct ndc_fault *fault)
{
    (void)fault;
    ndc_json_object(&req->json);
    ndc_json_kv_i64(&req->json, "limit", ndc_request_query_i64(req, "limit", -1));
    ndc_json_kv_str(&req->json, "person", ndc_request_query(req, "person"));
    ndc_json_kv_bool(&req->json, "all", ndc_request_query_bool(req, "all", false));
    ndc_json_end(&req->json);
    return NDC_OK;
}

/* An export of any length: each piece is made when the client has taken the last. */
struct export
{
    int64_t at, rows;
};

static enum ndc_err next_rows(void *ctx, struct ndc_buf *out, bool *end,
                              struct ndc_fault *fault)
{
    struct export *e = ctx;
    (void)fault;
    while (e->at < e->rows && out->len < 60000)
        ndc_buf_printf(out, "%lld,row\r\n", (long long)e->at++);
    *end = e->at == e->rows;
    return NDC_OK;
}

static enum ndc_err export_notes(struct ndc_request *req, struct ndc_fault *fault)
{
    struct export *e = NDC_ARENA_NEW(req->arena, struct export);
    (void)fault;
    e->rows = ndc_request_query_i64(req, "rows", 0);
    ndc_request_set_download(req, NDC_STR("ghi chú.csv"));
    ndc_request_audit(req, "export", NDC_STR(""), NULL);
    ndc_request_stream(req, e, next_rows, NULL);
    return NDC_OK;
}

/* A body of any length: counted, never whole in memory. */
static enum ndc_err import_notes(struct ndc_request *req, struct ndc_fault *fault)
{
    char piece[16384];
    size_t len = 1;
    uint64_t bytes = 0, lines = 0;
    while (len > 0) {
        enum ndc_err err = ndc_request_body_next(req, piece, sizeof(piece), &len, fault);
        if (err != NDC_OK) return err;
        bytes += len;
        for (size_t i = 0; i < len; i++)
            lines += piece[i] == '\n';
    }
    ndc_json_object(&req->json);
    ndc_json_kv_u64(&req->json, "bytes", bytes);
    ndc_json_kv_u64(&req->json, "lines", lines);
    ndc_json_end(&req->json);
    return NDC_OK;
}

static enum ndc_err watch_notes(struct ndc_request *req, struct ndc_fault *fault)
{
    (void)fault;
    ndc_request_events(req, ndc_topic_get(ndc_app_topics(req->app), NDC_STR("notes")),
                       NDC_STR("{\"hello\":true}"));
    return NDC_OK;
}

/* An echo: what a chat of clerks would begin with. */
static void ws_opened(void *ctx, struct ndc_ws *ws)
{
    (void)ctx;
    ndc_ws_send(ws, true, NDC_STR("hello"));
}

static void ws_message(void *ctx, struct ndc_ws *ws, bool text, struct ndc_str data)
{
    (void)ctx;
    if (ndc_str_eq_c(data, "bye"))
        ndc_ws_close(ws, 1000);
    else
        ndc_ws_send(ws, text, data);
}

static void ws_closed(void *ctx, struct ndc_ws *ws)
{
    (void)ctx;
    (void)ws;
}

static enum ndc_err open_channel(struct ndc_request *req, struct ndc_fault *fault)
{
    const struct ndc_ws_handler handler = {NULL, ws_opened, ws_message, ws_closed};
    if (ndc_request_websocket(req, &handler)) return NDC_OK;
    return ndc_fail(fault, NDC_EINPUT, "notes.websocket",
                    "this address speaks WebSocket");
}

static enum ndc_err start_count(struct ndc_request *req, struct ndc_fault *fault)
{
    char id[NDC_JOB_ID_LEN + 1];
    enum ndc_err err = ndc_job_submit(ndc_app_jobs(req->app), "notes", "count",
                                      req->principal->id, NDC_STR("{}"), id, fault);
    if (err != NDC_OK) return err;
    ndc_json_object(&req->json);
    ndc_json_kv_c(&req->json, "job", id);
    ndc_json_end(&req->json);
    return NDC_OK;
}

static enum ndc_err run_count(struct ndc_job *job, void *arg, struct ndc_fault *fault)
{
    const struct notes *notes = arg;
    (void)fault;
    NDC_ASSERT(notes->app);
    for (int i = 0; i <= 5; i++) {
        ndc_job_progress(job, i, 5, "steps", "count");
        ndc_clock_sleep_ms(20);
    }
    ndc_job_set_result(job, NDC_STR("{\"counted\":5}"));
    return NDC_OK;
}

static const struct ndc_route routes[] = {
    {.method = "POST",
     .path = "/api/notes",
     .permission = "notes.write",
     .flags = NDC_ROUTE_PERSONAL | NDC_ROUTE_SLOW,
     .handler = post_note,
     .request = "{note:string[1..40],person:string[1..40],text:string,kind?:(a|b)}",
     .response = "{note:string}",
     .success = 201,
     .summary = "Write a note",
     .tag = "Notes"},
    {.method = "GET",
     .path = "/api/notes/{note}",
     .permission = "notes.read",
     .flags = NDC_ROUTE_PERSONAL,
     .handler = get_note,
     .response = "{person:string,text:string}",
     .summary = "Read a note",
     .tag = "Notes"},
    {.method = "GET",
     .path = "/api/notes/unlogged",
     .permission = "notes.read",
     .flags = NDC_ROUTE_PERSONAL,
     .handler = get_unlogged,
     .summary = "A handler that forgets the audit log",
     .tag = "Notes"},
    {.method = "GET",
     .path = "/api/notes",
     .permission = "notes.read",
     .handler = list_notes,
     .query = "{person?:string[..40],limit?:int[1..1000]=50,all?:bool}",
     .response = "{limit:int,person:string|null,all:bool}",
     .summary = "Echo of the query",
     .tag = "Notes"},
    {.method = "GET",
     .path = "/api/notes.csv",
     .permission = "notes.read",
     .flags = NDC_ROUTE_PERSONAL,
     .handler = export_notes,
     .query = "{rows:int[0..10000000]}",
     .response_type = "text/csv; charset=utf-8",
     .summary = "Export",
     .tag = "Notes"},
    {.method = "POST",
     .path = "/api/notes/import",
     .permission = "notes.write",
     .flags = NDC_ROUTE_SPOOL,
     .body_bytes_max = 64 << 20,
     .handler = import_notes,
     .request_type = "text/csv|application/x-ndjson",
     .response = "{bytes:int,lines:int}",
     .summary = "Import",
     .tag = "Notes"},
    {.method = "GET",
     .path = "/api/notes/events",
     .permission = "notes.read",
     .handler = watch_notes,
     .response_type = "text/event-stream",
     .summary = "New notes, live",
     .tag = "Notes"},
    {.method = "GET",
     .path = "/api/notes/channel",
     .permission = "notes.read",
     .handler = open_channel,
     .success = 101,
     .summary = "An echo over WebSocket",
     .tag = "Notes"},
    {.method = "POST",
     .path = "/api/notes/count",
     .permission = "notes.write",
     .flags = NDC_ROUTE_SLOW,
     .handler = start_count,
     .response = "{job:string}",
     .success = 202,
     .summary = "Count the notes in a job",
     .tag = "Notes"},
};

static const struct ndc_job_kind jobs[] = {
    {.platform = "notes", .name = "count", .run = run_count}};

static enum ndc_err cmd_notes(struct ndc_command_call *call, struct ndc_fault *fault)
{
    (void)call;
    (void)fault;
    puts("notes");
    return NDC_OK;
}

static const struct ndc_command commands[] = {
    {.name = "notes", .summary = "print notes", .run = cmd_notes}};

static enum ndc_err start(struct ndc_app *app, void **state, struct ndc_fault *fault)
{
    struct notes *notes = ndc_xcalloc(1, sizeof(*notes));
    notes->app = app;
    notes->length_max = ndc_config_int(ndc_app_config(app), "notes_length_max");
    *state = notes;
    return ndc_agency_put(ndc_app_identity(app), NDC_STR("tax"), NDC_STR("Cục Thuế"),
                          NDC_STR("Tax department"), fault);
}

static void stop(void *state)
{
    free(state);
}

const struct ndc_platform ndc_notes_platform = {
    .code = "notes",
    .title_vi = "Ghi chú",
    .title_en = "Notes",
    .summary = "The example platform.",
    .migrations = migrations,
    .migrations_n = NDC_ARRAY_LEN(migrations),
    .routes = routes,
    .routes_n = NDC_ARRAY_LEN(routes),
    .jobs = jobs,
    .jobs_n = NDC_ARRAY_LEN(jobs),
    .commands = commands,
    .commands_n = NDC_ARRAY_LEN(commands),
    .settings = settings,
    .permissions = permissions,
    .permissions_n = NDC_ARRAY_LEN(permissions),
    .start = start,
    .stop = stop,
};

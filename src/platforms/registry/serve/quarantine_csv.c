/* The quarantine of a source as CSV: every column that its rows came with, declared or
 * not, and the reasons. Streamed: first the rows are read for their columns, then
 * written. */
#include "base/csv.h"
#include "platforms/registry/serve/http.h"
#include "platforms/registry/serve/rowview.h"

enum { PART_ROWS = 100, COLUMNS_MAX = NDC_ROW_MEMBERS_MAX, SCRATCH_MAX = 16 << 20 };

/* Columns of the kept rows, in the order they were first seen: all that the source wrote,
 * declared or not. */
struct columns {
    struct ndc_str *name;
    size_t count;
};

struct download {
    struct ndc_registry *registry;
    struct ndc_row_view *view;
    struct columns columns;
    int64_t run, after;
    bool header_done;
};

#define OPEN_ROWS                                                                       \
    "SELECT id, row_json, reasons, record_key FROM registry_quarantine WHERE source = " \
    "$1 AND state = 'open' AND id > $2 AND ($3 = 0 OR run = $3) ORDER BY id LIMIT 100"

static size_t find_column(const struct columns *c, struct ndc_str name, size_t near)
{
    if (near < c->count && ndc_str_eq(c->name[near], name)) return near;
    for (size_t i = 0; i < c->count; i++)
        if (ndc_str_eq(c->name[i], name)) return i;
    return SIZE_MAX;
}

static enum ndc_err note_columns(struct ndc_arena *keep, struct columns *c,
                                 struct ndc_arena *arena, struct ndc_str row,
                                 struct ndc_fault *fault)
{
    struct ndc_json_member *m;
    struct ndc_buf scratch;
    size_t n;
    ndc_buf_init(&scratch, SCRATCH_MAX);
    enum ndc_err err = ndc_row_cut(arena, &scratch, row, &m, &n, fault);
    for (size_t i = 0; i < n && !err; i++) {
        if (find_column(c, m[i].key, i) != SIZE_MAX) continue;
        if (c->count == COLUMNS_MAX)
            err = ndc_fail(fault, NDC_ETOOBIG, "quarantine.columns",
                           "the rows have more than %d columns; ask for one run",
                           COLUMNS_MAX);
        else
            c->name[c->count++] = ndc_arena_str(keep, m[i].key);
    }
    ndc_buf_free(&scratch);
    return err;
}

/* The header needs every row's columns before the first row is written. */
static enum ndc_err read_columns(struct ndc_request *req, struct download *d,
                                 struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    struct ndc_arena arena;
    enum ndc_err err = NDC_OK, ended;
    int64_t after = 0;
    int n = PART_ROWS;
    d->columns.name = NDC_ARENA_ARRAY(req->arena, struct ndc_str, COLUMNS_MAX);
    NDC_TRY(ndc_registry_conn(req, &conn, fault));
    ndc_arena_init(&arena, 64 << 20);
    while (n == PART_ROWS && !err) {
        struct ndc_rows *rows = ndc_sql_query(
            conn, OPEN_ROWS,
            NDC_ARGS(ndc_text(d->view->source->id), ndc_int(after), ndc_int(d->run)));
        for (n = 0; !err && ndc_rows_next(rows); n++) {
            after = ndc_rows_i64(rows, 0);
            ndc_arena_reset(&arena);
            err = note_columns(req->arena, &d->columns, &arena, ndc_rows_text(rows, 1),
                               fault);
        }
        ended = ndc_rows_end(rows, fault);
        if (!err) err = ended;
    }
    ndc_arena_free(&arena);
    ndc_store_give(conn);
    return err;
}

static enum ndc_err write_csv_row(const struct download *d, struct ndc_arena *arena,
                                  struct ndc_rows *rows, struct ndc_buf *out,
                                  struct ndc_fault *fault)
{
    struct ndc_str *cells = NDC_ARENA_ARRAY(arena, struct ndc_str, d->columns.count + 1);
    struct ndc_buf buf;
    struct ndc_json j;
    struct ndc_json_member *m;
    size_t n;
    ndc_buf_init(&buf, SCRATCH_MAX);
    enum ndc_err err = ndc_row_cut(arena, &buf, ndc_rows_text(rows, 1), &m, &n, fault);
    for (size_t i = 0; i < n && !err; i++) {
        size_t at = find_column(&d->columns, m[i].key, i);
        if (at == SIZE_MAX || m[i].kind == NDC_JSON_ROW_NULL) continue;
        ndc_row_view_value(d->view, m[i].key, m[i].value, arena, &cells[at]);
    }
    for (size_t i = 0; i < d->columns.count; i++)
        ndc_csv_write_field(out, cells[i], i == 0);
    ndc_buf_reset(&buf);
    ndc_json_init(&j, &buf);
    if (!err)
        err = ndc_row_view_reasons(d->view, arena, ndc_rows_text(rows, 2),
                                   ndc_rows_text(rows, 3), &j, fault);
    ndc_csv_write_field(out, ndc_buf_str(&buf), d->columns.count == 0);
    ndc_csv_write_end(out);
    ndc_buf_free(&buf);
    return err;
}

static enum ndc_err next_part(void *ctx, struct ndc_buf *out, bool *end,
                              struct ndc_fault *fault)
{
    struct download *d = ctx;
    struct ndc_store_conn *conn;
    struct ndc_arena arena;
    enum ndc_err err = NDC_OK, ended;
    int n = 0;
    for (size_t i = 0; !d->header_done && i < d->columns.count; i++)
        ndc_csv_write_field(out, d->columns.name[i], i == 0);
    if (!d->header_done) {
        ndc_csv_write_field(out, NDC_STR("_reasons"), d->columns.count == 0);
        ndc_csv_write_end(out);
        d->header_done = true;
    }
    NDC_TRY(ndc_store_take(d->registry->store, NDC_READ, &conn, fault));
    ndc_arena_init(&arena, 64 << 20);
    struct ndc_rows *rows = ndc_sql_query(
        conn, OPEN_ROWS,
        NDC_ARGS(ndc_text(d->view->source->id), ndc_int(d->after), ndc_int(d->run)));
    for (; !err && ndc_rows_next(rows); n++) {
        ndc_arena_reset(&arena);
        err = write_csv_row(d, &arena, rows, out, fault);
        d->after = ndc_rows_i64(rows, 0);
    }
    *end = n < PART_ROWS;
    ended = ndc_rows_end(rows, fault);
    ndc_arena_free(&arena);
    ndc_store_give(conn);
    return err ? err : ended;
}

enum ndc_err ndc_registry_csv_quarantine(struct ndc_request *req, struct ndc_fault *fault)
{
    struct download *d = NDC_ARENA_NEW(req->arena, struct download);
    struct ndc_str source = ndc_request_query(req, "source");
    d->registry = ndc_registry_of(req);
    struct ndc_registered *r = ndc_registry_find(d->registry, source);
    d->run = ndc_request_query_i64(req, "run", 0);
    if (!r)
        return ndc_fail_at(fault, NDC_ENOTFOUND, "registry.no_source", "source", 0,
                           "no source \"%.*s\" is declared", NDC_STR_FMT(source));
    d->view = NDC_ARENA_NEW(req->arena, struct ndc_row_view);
    NDC_TRY(ndc_row_view_ask(req, r->source, NDC_POLICY_EXPORT, "quarantine.export",
                             d->view, fault));
    NDC_TRY(read_columns(req, d, fault));
    ndc_request_set_download(
        req, ndc_arena_printf(req->arena, "%.*s-quarantine.csv", NDC_STR_FMT(source)));
    ndc_request_stream(req, d, next_part, NULL);
    return NDC_OK;
}

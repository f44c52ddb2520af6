/* SQLite files: the declared table, opened read-only, read with one scan. */
#include "platforms/registry/source/connect_internal.h"

#include "store/store.h"

struct sqlite_state {
    struct ndc_store *store;
    struct ndc_store_conn *conn;
    struct ndc_rows *rows;
    char *sql;
    struct ndc_buf texts; /* the current row's values, copied */
};

/* "name" with quotes doubled: the one place where a declared name becomes SQL. */
static void add_name(struct ndc_buf *sql, struct ndc_str name)
{
    ndc_buf_add_byte(sql, '"');
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '"') ndc_buf_add_byte(sql, '"');
        ndc_buf_add_byte(sql, name.ptr[i]);
    }
    ndc_buf_add_byte(sql, '"');
}

static enum ndc_err sqlite_next(struct ndc_connect *c, struct ndc_connect_row *row,
                                bool *have, struct ndc_fault *fault)
{
    struct sqlite_state *s = c->state;
    if (!s->rows) return NDC_OK;
    if (!ndc_rows_next(s->rows)) {
        enum ndc_err err = ndc_rows_end(s->rows, fault);
        s->rows = NULL;
        return err;
    }
    for (unsigned i = 0; i < c->column_count; i++)
        c->values[i] = ndc_rows_text(s->rows, i);
    /* A later column's conversion may move an earlier one's text: copy what is short. */
    ndc_buf_reset(&s->texts);
    for (unsigned i = 0; i < c->column_count; i++)
        ndc_buf_add_str(&s->texts, c->values[i]);
    if (s->texts.failed)
        return ndc_fail(fault, NDC_ETOOBIG, "row.too_long", "a row of over 16 MiB");
    size_t at = 0;
    for (unsigned i = 0; i < c->column_count; i++) {
        if (c->values[i].ptr) c->values[i].ptr = s->texts.ptr ? s->texts.ptr + at : "";
        at += c->values[i].len;
    }
    row->line = ++c->done;
    row->values = c->values;
    row->count = c->column_count;
    *have = true;
    return NDC_OK;
}

static void sqlite_close(struct ndc_connect *c)
{
    struct sqlite_state *s = c->state;
    struct ndc_fault ignored = {0};
    if (s->rows && ndc_rows_end(s->rows, &ignored)) {
        /* Closed early: nothing to tell. */
    }
    ndc_store_give(s->conn);
    ndc_store_close(s->store);
    ndc_buf_free(&s->texts);
    free(s->sql);
    free(s);
}

static const struct ndc_connect_ops sqlite_ops = {sqlite_next, sqlite_close};

static enum ndc_err start_scan(struct ndc_connect *c, struct ndc_fault *fault)
{
    struct sqlite_state *s = c->state;
    struct ndc_buf sql;
    enum ndc_err err = NDC_OK;
    int64_t total;
    ndc_buf_init(&sql, 1 << 16);
    ndc_buf_add_c(&sql, "SELECT count(*) FROM ");
    add_name(&sql, c->source->table);
    ndc_buf_add_byte(&sql, 0);
    if (sql.failed)
        err = ndc_fail(fault, NDC_EINPUT, "source.table", "the table's name is too long");
    if (!err) err = ndc_sql_i64(s->conn, &total, sql.ptr, NDC_NO_ARGS, fault);
    if (!err) {
        c->total = (uint64_t)total;
        ndc_buf_reset(&sql);
        ndc_buf_add_c(&sql, "SELECT * FROM ");
        add_name(&sql, c->source->table);
        ndc_buf_add_byte(&sql, 0);
        s->sql = sql.ptr;
        sql.ptr = NULL;
        s->rows = ndc_sql_scan(s->conn, s->sql, NDC_NO_ARGS);
        c->column_count = ndc_rows_columns(s->rows);
        c->columns = NDC_ARENA_ARRAY(&c->arena, struct ndc_str, c->column_count);
        c->values = ndc_xcalloc(c->column_count, sizeof(*c->values));
        for (unsigned i = 0; i < c->column_count; i++)
            c->columns[i] = ndc_arena_str(&c->arena, ndc_rows_name(s->rows, i));
    }
    ndc_buf_free(&sql);
    return err;
}

enum ndc_err ndc_connect_sqlite_open(struct ndc_connect *c, struct ndc_fault *fault)
{
    struct ndc_store_options options = {.read_only = true};
    struct sqlite_state *s = ndc_xcalloc(1, sizeof(*s));
    ndc_buf_init(&s->texts, 16 << 20);
    c->state = s;
    c->ops = &sqlite_ops;
    if (!ndc_file_exists(c->path))
        return ndc_fail(fault, NDC_ENOTFOUND, "io.open", "cannot open %s: no such file",
                        c->path);
    struct ndc_str url = ndc_arena_printf(&c->arena, "sqlite:%s", c->path);
    enum ndc_err err = ndc_store_open(&s->store, url.ptr, &options, fault);
    if (!err) err = ndc_store_take(s->store, NDC_READ, &s->conn, fault);
    if (!err) {
        ndc_store_conn_timeout(s->conn, 0);
        err = start_scan(c, fault);
    }
    return err;
}

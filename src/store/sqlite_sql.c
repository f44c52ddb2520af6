/* SQLite: statements, rows, bulk inserts. */
#include "store/sqlite.h"

#include "sys/clock.h"

#include <stdio.h>

static struct sqlite_conn *of(struct ndc_store_conn *conn)
{
    return (struct sqlite_conn *)conn;
}

void ndc_sqlite_stmt_free(struct sqlite_stmt *stmt)
{
    sqlite3_finalize(stmt->stmt);
    free(stmt->params);
    free(stmt->base.sql);
    free(stmt);
}

void ndc_sqlite_flush_cache(struct sqlite_conn *conn)
{
    struct ndc_stmt_cache *cache = &conn->base.cache;
    while (cache->newest) {
        struct ndc_stmt *stmt = cache->newest;
        ndc_stmt_remove(cache, stmt);
        ndc_sqlite_stmt_free((struct sqlite_stmt *)stmt);
    }
}

/* SQLite numbers "$2 … $1" by first appearance, not by the number in the name. */
static enum ndc_err map_params(struct sqlite_stmt *stmt, const char *sql,
                               struct ndc_fault *fault)
{
    stmt->n_params = (unsigned)sqlite3_bind_parameter_count(stmt->stmt);
    if (stmt->n_params == 0) return NDC_OK;
    stmt->params = ndc_xcalloc(stmt->n_params, sizeof(*stmt->params));
    for (unsigned i = 0; i < stmt->n_params; i++) {
        const char *name = sqlite3_bind_parameter_name(stmt->stmt, (int)i + 1);
        uint64_t number = 0;
        if (!name || name[0] != '$' || !ndc_str_to_u64(ndc_str(name + 1), &number) ||
            number == 0 || number > NDC_ARGS_MAX) {
            return ndc_fail(fault, NDC_EINTERNAL, "db.sql",
                            "placeholders are $1, $2 and so on, not %s, in: %.200s",
                            name ? name : "?", sql);
        }
        stmt->params[i] = (uint16_t)number;
    }
    return NDC_OK;
}

static enum ndc_err prepare(struct sqlite_conn *conn, struct sqlite_stmt **out,
                            const char *sql, struct ndc_fault *fault)
{
    uint64_t hash;
    struct ndc_stmt *found = ndc_stmt_find(&conn->base.cache, sql, &hash);
    if (found) {
        found->busy = true;
        *out = (struct sqlite_stmt *)found;
        return NDC_OK;
    }
    struct sqlite_stmt *stmt = ndc_xcalloc(1, sizeof(*stmt));
    const char *rest = NULL;
    int rc = sqlite3_prepare_v3(conn->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt->stmt,
                                &rest);
    enum ndc_err err = rc ? ndc_sqlite_fail(conn, sql, fault) : NDC_OK;
    while (!err && (*rest == ' ' || *rest == '\n' || *rest == ';'))
        rest++;
    if (!err && (*rest || !stmt->stmt)) {
        err = ndc_fail(fault, NDC_EINTERNAL, "db.sql", "not one statement: %.200s", sql);
    }
    if (!err) err = map_params(stmt, sql, fault);
    if (err) {
        ndc_sqlite_stmt_free(stmt);
        return err;
    }
    struct ndc_stmt *old = ndc_stmt_insert(&conn->base.cache, &stmt->base, sql, hash);
    if (old) ndc_sqlite_stmt_free((struct sqlite_stmt *)old);
    stmt->base.busy = true;
    *out = stmt;
    return NDC_OK;
}

static void release(struct sqlite_stmt *stmt)
{
    sqlite3_reset(stmt->stmt);
    stmt->base.busy = false;
}

static void start_clock(struct sqlite_conn *conn)
{
    conn->deadline_ns =
        conn->base.timeout_ms
            ? ndc_clock_mono_ns() + (int64_t)conn->base.timeout_ms * 1000000
            : 0;
}

static enum ndc_err bind_one(struct sqlite_conn *conn, sqlite3_stmt *stmt, int at,
                             const struct ndc_val *v, struct ndc_fault *fault)
{
    int rc = SQLITE_OK;
    switch (v->type) {
    case NDC_VAL_NULL:
        rc = sqlite3_bind_null(stmt, at);
        break;
    case NDC_VAL_I64:
        rc = sqlite3_bind_int64(stmt, at, v->i64);
        break;
    case NDC_VAL_F64:
        rc = sqlite3_bind_double(stmt, at, v->f64);
        break;
    case NDC_VAL_TEXT:
        if (ndc_store_check_text(v->str, fault)) return NDC_EINPUT;
        rc = sqlite3_bind_text64(stmt, at, v->str.ptr, v->str.len, SQLITE_STATIC,
                                 SQLITE_UTF8);
        break;
    case NDC_VAL_BLOB:
        /* a NULL pointer would be NULL; ndc_blob has seen to that */
        rc = sqlite3_bind_blob64(stmt, at, v->str.ptr, v->str.len, SQLITE_STATIC);
        break;
    }
    return rc ? ndc_sqlite_fail(conn, "bind", fault) : NDC_OK;
}

static enum ndc_err bind(struct sqlite_conn *conn, struct sqlite_stmt *stmt,
                         const struct ndc_val *args, size_t n_args,
                         struct ndc_fault *fault)
{
    for (unsigned i = 0; i < stmt->n_params; i++) {
        unsigned number = stmt->params[i];
        if (number > n_args) {
            return ndc_fail(fault, NDC_EINTERNAL, "db.sql",
                            "$%u has no argument (%zu given) in: %.200s", number, n_args,
                            stmt->base.sql);
        }
        enum ndc_err err =
            bind_one(conn, stmt->stmt, (int)i + 1, &args[number - 1], fault);
        if (err) return err;
    }
    return NDC_OK;
}

/* Inside a transaction that SQLite has rolled back by itself (disk full, I/O error), a
 * statement would commit alone. */
static enum ndc_err check_tx(struct sqlite_conn *conn, struct ndc_fault *fault)
{
    if (!conn->base.tx || !sqlite3_get_autocommit(conn->db)) return NDC_OK;
    return ndc_fail(fault, NDC_EDB, "db.aborted",
                    "the transaction was rolled back by an earlier failure");
}

static enum ndc_err run(struct sqlite_conn *conn, struct sqlite_stmt *stmt,
                        struct ndc_fault *fault)
{
    int rc;
    do
        rc = sqlite3_step(stmt->stmt);
    while (rc == SQLITE_ROW);
    return rc == SQLITE_DONE ? NDC_OK : ndc_sqlite_fail(conn, stmt->base.sql, fault);
}

enum ndc_err ndc_sqlite_exec(struct ndc_store_conn *base, const char *sql,
                             const struct ndc_val *args, size_t n_args, int64_t *changes,
                             struct ndc_fault *fault)
{
    struct sqlite_conn *conn = of(base);
    struct sqlite_stmt *stmt;
    enum ndc_err err = check_tx(conn, fault);
    if (err) return err;
    err = prepare(conn, &stmt, sql, fault);
    if (err) return err;
    err = bind(conn, stmt, args, n_args, fault);
    if (!err) {
        start_clock(conn);
        err = run(conn, stmt, fault);
    }
    if (!err && changes && !sqlite3_stmt_readonly(stmt->stmt)) {
        *changes = sqlite3_changes64(conn->db);
    }
    release(stmt);
    return err;
}

enum ndc_err ndc_sqlite_many(struct ndc_store_conn *base, const char *sql,
                             const struct ndc_val *rows, size_t n_args, size_t n_rows,
                             int64_t *changes, struct ndc_fault *fault)
{
    struct sqlite_conn *conn = of(base);
    struct sqlite_stmt *stmt;
    enum ndc_err err = check_tx(conn, fault);
    if (err) return err;
    err = prepare(conn, &stmt, sql, fault);
    if (err) return err;
    int64_t before = sqlite3_total_changes64(conn->db);
    for (size_t i = 0; !err && i < n_rows; i++) {
        err = bind(conn, stmt, rows + i * n_args, n_args, fault);
        if (err) break;
        if (i % 256 == 0) start_clock(conn);
        err = run(conn, stmt, fault);
        sqlite3_reset(stmt->stmt);
    }
    if (!err && changes) *changes = sqlite3_total_changes64(conn->db) - before;
    release(stmt);
    return err;
}

/* ---- rows ---- */

static bool step_row(struct sqlite_rows *rows)
{
    struct sqlite_conn *conn = of(rows->base.conn);
    struct sqlite_stmt *stmt = (struct sqlite_stmt *)rows->base.stmt;
    if (!rows->base.scan)
        start_clock(conn);
    else
        conn->deadline_ns = 0;
    int rc = sqlite3_step(stmt->stmt);
    if (rc == SQLITE_ROW) return true;
    if (rc == SQLITE_DONE) return false;
    enum ndc_err err = ndc_sqlite_fail(conn, stmt->base.sql, &rows->base.fault);
    (void)err;
    return false;
}

/* The first step is made here: a write with RETURNING then has happened, and a failure
 * shows, whether or not the caller looks at the rows, as on PostgreSQL. */
enum ndc_err ndc_sqlite_rows_open(struct ndc_rows *base, const char *sql,
                                  const struct ndc_val *args, size_t n_args)
{
    struct sqlite_rows *rows = (struct sqlite_rows *)base;
    struct sqlite_conn *conn = of(base->conn);
    struct sqlite_stmt *stmt;
    rows->first = rows->has_first = false;
    enum ndc_err err = check_tx(conn, &base->fault);
    if (!err) err = prepare(conn, &stmt, sql, &base->fault);
    if (err) return err;
    base->stmt = &stmt->base;
    err = bind(conn, stmt, args, n_args, &base->fault);
    if (err) return err;
    rows->columns = (unsigned)sqlite3_column_count(stmt->stmt);
    rows->first = true;
    rows->has_first = step_row(rows);
    return base->fault.err;
}

bool ndc_sqlite_rows_next(struct ndc_rows *base)
{
    struct sqlite_rows *rows = (struct sqlite_rows *)base;
    bool found;
    if (rows->first) {
        rows->first = false;
        found = rows->has_first;
    } else {
        found = step_row(rows);
    }
    base->bytes += found ? 32 + 16 * (size_t)rows->columns : 0;
    if (found && !base->scan &&
        base->bytes > base->conn->store->options.result_bytes_max) {
        enum ndc_err err = ndc_fail(&base->fault, NDC_ETOOBIG, "db.too_big",
                                    "the result is over %zu bytes: ask for less",
                                    base->conn->store->options.result_bytes_max);
        (void)err;
        return false;
    }
    return found;
}

void ndc_sqlite_rows_close(struct ndc_rows *base)
{
    if (base->stmt) release((struct sqlite_stmt *)base->stmt);
    base->stmt = NULL;
}

struct ndc_val ndc_sqlite_rows_val(struct ndc_rows *base, unsigned column)
{
    struct sqlite_rows *rows = (struct sqlite_rows *)base;
    NDC_ASSERT(column < rows->columns);
    sqlite3_stmt *s = ((struct sqlite_stmt *)base->stmt)->stmt;
    int c = (int)column;
    switch (sqlite3_column_type(s, c)) {
    case SQLITE_INTEGER:
        return ndc_int(sqlite3_column_int64(s, c));
    case SQLITE_FLOAT:
        return ndc_real(sqlite3_column_double(s, c));
    case SQLITE_TEXT: {
        const char *p = (const char *)sqlite3_column_text(s, c);
        size_t len = (size_t)sqlite3_column_bytes(s, c);
        base->bytes += len;
        return ndc_text(ndc_str_n(p ? p : "", len));
    }
    case SQLITE_BLOB: {
        const char *p = sqlite3_column_blob(s, c);
        size_t len = (size_t)sqlite3_column_bytes(s, c);
        base->bytes += len;
        return ndc_blob(ndc_str_n(p ? p : "", len));
    }
    default:
        return ndc_null();
    }
}

unsigned ndc_sqlite_rows_columns(struct ndc_rows *base)
{
    return ((struct sqlite_rows *)base)->columns;
}

struct ndc_str ndc_sqlite_rows_name(struct ndc_rows *base, unsigned column)
{
    return ndc_str(
        sqlite3_column_name(((struct sqlite_stmt *)base->stmt)->stmt, (int)column));
}

/* ---- bulk ---- */

enum ndc_err ndc_sqlite_bulk_begin(struct ndc_bulk *base, const char *table,
                                   const struct ndc_bulk_column *columns,
                                   struct ndc_fault *fault)
{
    struct sqlite_bulk *bulk = (struct sqlite_bulk *)base;
    struct ndc_buf sql;
    ndc_buf_init(&sql, 65536);
    ndc_buf_add_c(&sql, "INSERT INTO ");
    ndc_ddl_identifier(&sql, table);
    for (size_t i = 0; i < base->n_columns; i++) {
        ndc_buf_add_c(&sql, i ? ", " : " (");
        ndc_ddl_identifier(&sql, columns[i].name);
    }
    for (size_t i = 0; i < base->n_columns; i++) {
        ndc_buf_printf(&sql, "%s$%zu", i ? ", " : ") VALUES (", i + 1);
    }
    ndc_buf_add_c(&sql, ")");
    ndc_buf_add_byte(&sql, '\0');
    NDC_ASSERT(!sql.failed);
    base->sql = sql.ptr;
    enum ndc_err err = check_tx(of(base->conn), fault);
    if (!err) err = prepare(of(base->conn), &bulk->stmt, base->sql, fault);
    of(base->conn)->deadline_ns = 0;
    return err;
}

void ndc_sqlite_bulk_value(struct ndc_bulk *base, struct ndc_val v)
{
    struct sqlite_bulk *bulk = (struct sqlite_bulk *)base;
    enum ndc_err err =
        bind_one(of(base->conn), bulk->stmt->stmt, (int)base->at + 1, &v, &base->fault);
    (void)err; /* kept in base->fault */
}

enum ndc_err ndc_sqlite_bulk_row(struct ndc_bulk *base, struct ndc_fault *fault)
{
    struct sqlite_bulk *bulk = (struct sqlite_bulk *)base;
    if (NDC_UNLIKELY(base->fault.err)) {
        if (fault && !fault->err) *fault = base->fault;
        return base->fault.err;
    }
    enum ndc_err err = run(of(base->conn), bulk->stmt, &base->fault);
    sqlite3_reset(bulk->stmt->stmt);
    if (NDC_UNLIKELY(err) && fault && !fault->err) *fault = base->fault;
    return err;
}

enum ndc_err ndc_sqlite_bulk_end(struct ndc_bulk *base, bool keep,
                                 struct ndc_fault *fault)
{
    (void)keep;
    release(((struct sqlite_bulk *)base)->stmt);
    if (base->fault.err && fault && !fault->err) *fault = base->fault;
    return base->fault.err;
}

/* Bulk load, the part above the drivers: order and types of values, failure kept until a
 * row's end. */
#include "store/internal.h"

enum ndc_err ndc_bulk_begin(struct ndc_bulk **out, struct ndc_store_conn *conn,
                            const char *table, const struct ndc_bulk_column *columns,
                            size_t n_columns, struct ndc_fault *fault)
{
    NDC_ASSERT(conn->tx && conn->access == NDC_WRITE && !conn->bulk);
    NDC_ASSERT(n_columns > 0 && n_columns <= NDC_BULK_COLUMNS_MAX);
    *out = NULL;
    if (conn->broken || conn->tx_failed) {
        return ndc_fail(fault, NDC_EDB, conn->broken ? "db.gone" : "db.aborted",
                        "the transaction cannot go on: roll it back and start again");
    }
    struct ndc_bulk *bulk = ndc_xcalloc(1, conn->store->driver->bulk_bytes);
    bulk->conn = conn;
    bulk->n_columns = n_columns;
    for (size_t i = 0; i < n_columns; i++)
        bulk->types[i] = columns[i].type;
    enum ndc_err err = ndc_store_inject(conn, fault);
    if (!err) err = conn->store->driver->bulk_begin(bulk, table, columns, fault);
    if (err) {
        conn->tx_failed = true;
        free(bulk->sql);
        free(bulk);
        return err;
    }
    conn->bulk = true;
    *out = bulk;
    return NDC_OK;
}

static void add(struct ndc_bulk *bulk, struct ndc_val v)
{
    NDC_ASSERT(bulk->at < bulk->n_columns);
    NDC_ASSERT(v.type == NDC_VAL_NULL || v.type == bulk->types[bulk->at]);
    bulk->conn->store->driver->bulk_value(bulk, v);
    bulk->at++;
}

void ndc_bulk_i64(struct ndc_bulk *bulk, int64_t v)
{
    add(bulk, ndc_int(v));
}

void ndc_bulk_f64(struct ndc_bulk *bulk, double v)
{
    add(bulk, ndc_real(v));
}

void ndc_bulk_text(struct ndc_bulk *bulk, struct ndc_str s)
{
    add(bulk, ndc_text(s));
}

void ndc_bulk_blob(struct ndc_bulk *bulk, struct ndc_str s)
{
    add(bulk, ndc_blob(s));
}

void ndc_bulk_null(struct ndc_bulk *bulk)
{
    add(bulk, ndc_null());
}

enum ndc_err ndc_bulk_row(struct ndc_bulk *bulk, struct ndc_fault *fault)
{
    NDC_ASSERT(bulk->at == bulk->n_columns);
    bulk->at = 0;
    bulk->rows++;
    return bulk->conn->store->driver->bulk_row(bulk, fault);
}

static enum ndc_err finish(struct ndc_bulk *bulk, bool keep, uint64_t *rows,
                           struct ndc_fault *fault)
{
    struct ndc_store_conn *conn = bulk->conn;
    enum ndc_err err = conn->store->driver->bulk_end(bulk, keep, fault);
    if (err || !keep) conn->tx_failed = true;
    conn->bulk = false;
    if (rows) *rows = bulk->rows;
    free(bulk->sql);
    free(bulk);
    return err;
}

enum ndc_err ndc_bulk_end(struct ndc_bulk *bulk, uint64_t *rows, struct ndc_fault *fault)
{
    return finish(bulk, true, rows, fault);
}

void ndc_bulk_abort(struct ndc_bulk *bulk)
{
    if (!bulk) return;
    struct ndc_fault ignored = {0};
    enum ndc_err err = finish(bulk, false, NULL, &ignored);
    (void)err;
}

enum ndc_err ndc_bulk_session_begin(struct ndc_store_conn *conn, struct ndc_fault *fault)
{
    NDC_ASSERT(!conn->tx && conn->access == NDC_WRITE && !conn->session);
    enum ndc_err err = conn->store->driver->session(conn, true, fault);
    conn->session = !err;
    if (!err) ndc_store_conn_timeout(conn, 0);
    return err;
}

enum ndc_err ndc_bulk_session_end(struct ndc_store_conn *conn, const char *const *tables,
                                  size_t n_tables, struct ndc_fault *fault)
{
    NDC_ASSERT(!conn->tx && conn->session);
    enum ndc_err err = NDC_OK;
    struct ndc_buf sql;
    ndc_buf_init(&sql, 4096);
    for (size_t i = 0; !err && i < n_tables; i++) {
        ndc_buf_reset(&sql);
        ndc_buf_add_c(&sql, "ANALYZE ");
        ndc_ddl_identifier(&sql, tables[i]);
        ndc_buf_add_byte(&sql, '\0');
        err = ndc_sql_exec(conn, sql.ptr, NDC_NO_ARGS, NULL, fault);
    }
    ndc_buf_free(&sql);
    if (err) return err;
    err = conn->store->driver->session(conn, false, fault);
    conn->session = err != NDC_OK;
    if (!err) {
        ndc_store_conn_timeout(conn, conn->store->options.statement_timeout_ms);
    }
    return err;
}

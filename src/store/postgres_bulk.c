/* PostgreSQL: COPY FROM STDIN in binary. Format: manual, COPY, "Binary Format". */
#include "store/postgres.h"

#include <endian.h>

enum { FLUSH_BYTES = 256 * 1024 };

static struct pg_conn *of(struct ndc_store_conn *conn)
{
    return (struct pg_conn *)conn;
}

static void put16(struct ndc_buf *buf, uint16_t v)
{
    v = htobe16(v);
    ndc_buf_add(buf, &v, 2);
}

enum ndc_err ndc_pg_bulk_begin(struct ndc_bulk *base, const char *table,
                               const struct ndc_bulk_column *columns,
                               struct ndc_fault *fault)
{
    static const char signature[11] = "PGCOPY\n\377\r\n";
    struct pg_bulk *bulk = (struct pg_bulk *)base;
    struct pg_conn *conn = of(base->conn);
    struct ndc_buf sql;
    ndc_buf_init(&sql, 65536);
    ndc_buf_add_c(&sql, "COPY ");
    ndc_ddl_identifier(&sql, table);
    for (size_t i = 0; i < base->n_columns; i++) {
        ndc_buf_add_c(&sql, i ? ", " : " (");
        ndc_ddl_identifier(&sql, columns[i].name);
    }
    ndc_buf_add_c(&sql, ") FROM STDIN (FORMAT binary)");
    ndc_buf_add_byte(&sql, '\0');
    NDC_ASSERT(!sql.failed);
    base->sql = sql.ptr;
    /* loading takes longer than a statement may */
    enum ndc_err err =
        ndc_pg_send(conn, "SET LOCAL statement_timeout = 0", 0, PG_CONTROL, fault);
    if (!err) err = ndc_pg_finish(conn, base->sql, NULL, NULL, fault);
    if (!err) err = ndc_pg_pipeline(conn, false, fault);
    if (err) return err;
    PGresult *res = PQexec(conn->pg, base->sql);
    if (PQresultStatus(res) != PGRES_COPY_IN) {
        struct ndc_fault ignored = {0};
        err = ndc_pg_fail(conn, res, base->sql, fault);
        if (!conn->base.broken && ndc_pg_pipeline(conn, true, &ignored)) {
            conn->base.broken = true;
        }
    }
    PQclear(res);
    if (err) return err;
    ndc_buf_init(&bulk->buf, (size_t)512 << 20);
    ndc_buf_add(&bulk->buf, signature, sizeof(signature));
    ndc_buf_add(&bulk->buf, "\0\0\0\0\0\0\0\0", 8);
    put16(&bulk->buf, (uint16_t)base->n_columns);
    return NDC_OK;
}

void ndc_pg_bulk_value(struct ndc_bulk *base, struct ndc_val v)
{
    struct pg_bulk *bulk = (struct pg_bulk *)base;
    bool str = v.type == NDC_VAL_TEXT || v.type == NDC_VAL_BLOB;
    size_t len = v.type == NDC_VAL_NULL ? 0 : str ? v.str.len : 8;
    char *p = ndc_buf_room(&bulk->buf, 4 + len);
    if (NDC_UNLIKELY(!p || len > (size_t)256 << 20)) {
        enum ndc_err err = ndc_fail(&base->fault, NDC_ETOOBIG, "db.too_big",
                                    "a row is larger than 256 MiB");
        (void)err;
        return;
    }
    uint32_t be = htobe32(v.type == NDC_VAL_NULL ? UINT32_MAX : (uint32_t)len);
    memcpy(p, &be, 4);
    if (str) {
        if (v.type == NDC_VAL_TEXT) {
            enum ndc_err err = ndc_store_check_text(v.str, &base->fault);
            (void)err; /* kept in base->fault */
        }
        memcpy(p + 4, v.str.ptr, len);
    } else if (len) {
        uint64_t word;
        memcpy(&word, &v.i64, 8); /* a double's bits lie in the same place */
        word = htobe64(word);
        memcpy(p + 4, &word, 8);
    }
    bulk->buf.len += 4 + len;
}

static enum ndc_err put(struct pg_bulk *bulk)
{
    struct pg_conn *conn = of(bulk->base.conn);
    if (bulk->buf.len == 0) return NDC_OK;
    if (PQputCopyData(conn->pg, bulk->buf.ptr, (int)bulk->buf.len) != 1) {
        conn->base.broken = PQstatus(conn->pg) == CONNECTION_BAD;
        return ndc_pg_fail(conn, NULL, bulk->base.sql, &bulk->base.fault);
    }
    ndc_buf_reset(&bulk->buf);
    return NDC_OK;
}

enum ndc_err ndc_pg_bulk_row(struct ndc_bulk *base, struct ndc_fault *fault)
{
    struct pg_bulk *bulk = (struct pg_bulk *)base;
    enum ndc_err err = base->fault.err;
    if (!err && bulk->buf.len >= FLUSH_BYTES) err = put(bulk);
    if (NDC_UNLIKELY(err)) {
        if (fault && !fault->err) *fault = base->fault;
        return err;
    }
    put16(&bulk->buf, (uint16_t)base->n_columns); /* of the next row, or of none */
    return NDC_OK;
}

enum ndc_err ndc_pg_bulk_end(struct ndc_bulk *base, bool keep, struct ndc_fault *fault)
{
    struct pg_bulk *bulk = (struct pg_bulk *)base;
    struct pg_conn *conn = of(base->conn);
    enum ndc_err err = base->fault.err;
    keep = keep && !err && base->at == 0;
    if (keep) {
        bulk->buf.len -= 2;
        put16(&bulk->buf, UINT16_MAX);
        err = put(bulk);
    }
    if (!conn->base.broken) {
        PQputCopyEnd(conn->pg, keep && !err ? NULL : "given up");
        PGresult *res;
        while ((res = PQgetResult(conn->pg))) {
            if (PQresultStatus(res) != PGRES_COMMAND_OK && keep && !err) {
                err = ndc_pg_fail(conn, res, base->sql, &base->fault);
            }
            PQclear(res);
            if (PQstatus(conn->pg) == CONNECTION_BAD) break;
        }
    }
    struct ndc_fault ignored = {0};
    if (PQstatus(conn->pg) == CONNECTION_BAD) conn->base.broken = true;
    if (!conn->base.broken && ndc_pg_pipeline(conn, true, &ignored)) {
        conn->base.broken = true;
    }
    ndc_buf_free(&bulk->buf);
    if (err && fault && !fault->err) *fault = base->fault;
    return err;
}

/* PostgreSQL: results. A query's is fetched whole; a scan goes through a cursor, portion
 * by portion. Values arrive in binary: network byte order, and NUMERIC in its own form.
 */
#include "store/postgres.h"

#include <endian.h>
#include <math.h>
#include <stdio.h>

enum { PORTION_FIRST = 500, PORTION_MAX = 50000, PORTION_BYTES = 2 << 20 };

static struct pg_conn *of(struct ndc_store_conn *conn)
{
    return (struct pg_conn *)conn;
}

static bool known_type(Oid type)
{
    switch (type) {
    case PG_OID_BOOL:
    case PG_OID_BYTEA:
    case PG_OID_CHAR:
    case PG_OID_NAME:
    case PG_OID_INT8:
    case PG_OID_INT2:
    case PG_OID_INT4:
    case PG_OID_TEXT:
    case PG_OID_OID:
    case PG_OID_JSON:
    case PG_OID_FLOAT4:
    case PG_OID_FLOAT8:
    case PG_OID_UNKNOWN:
    case PG_OID_BPCHAR:
    case PG_OID_VARCHAR:
    case PG_OID_NUMERIC:
    case PG_OID_VOID:
        return true;
    default:
        return false;
    }
}

static enum ndc_err accept_result(struct pg_rows *rows, const char *sql)
{
    rows->row = -1;
    rows->n_rows = PQntuples(rows->res);
    int columns = PQnfields(rows->res);
    for (int i = 0; i < columns; i++) {
        if (known_type(PQftype(rows->res, i))) continue;
        return ndc_fail(&rows->base.fault, NDC_EINTERNAL, "db.sql",
                        "column %s is of type %u: cast it to BIGINT, DOUBLE PRECISION, "
                        "TEXT or BYTEA in: %.200s",
                        PQfname(rows->res, i), (unsigned)PQftype(rows->res, i), sql);
    }
    return NDC_OK;
}

static enum ndc_err fetch(struct pg_rows *rows)
{
    struct pg_conn *conn = of(rows->base.conn);
    char sql[64];
    PQclear(rows->res);
    rows->res = NULL;
    snprintf(sql, sizeof(sql), "FETCH FORWARD %d FROM c%u", rows->portion, rows->cursor);
    enum ndc_err err = ndc_pg_send(conn, sql, 1, PG_EXEC, &rows->base.fault);
    if (!err) err = ndc_pg_finish(conn, sql, &rows->res, NULL, &rows->base.fault);
    if (err) return err;
    err = accept_result(rows, sql);
    rows->last_portion = rows->n_rows < rows->portion;
    /* larger portions while they stay small in bytes */
    if (PQresultMemorySize(rows->res) < PORTION_BYTES) {
        rows->portion = NDC_MIN(rows->portion * 2, PORTION_MAX);
    } else {
        rows->portion = NDC_MAX(rows->portion / 2, 1);
    }
    return err;
}

static enum ndc_err open_scan(struct pg_rows *rows, const char *sql,
                              const struct ndc_val *args, size_t n_args)
{
    struct pg_conn *conn = of(rows->base.conn);
    struct ndc_buf text;
    ndc_buf_init(&text, 8 << 20);
    rows->cursor = ++conn->serial;
    rows->portion = PORTION_FIRST;
    rows->last_portion = false;
    ndc_buf_printf(&text, "DECLARE c%u NO SCROLL CURSOR FOR ", rows->cursor);
    ndc_buf_add_c(&text, sql);
    ndc_buf_add_byte(&text, '\0');
    NDC_ASSERT(!text.failed);
    enum ndc_err err = ndc_pg_send_args(conn, text.ptr, args, n_args, &rows->base.fault);
    if (!err) err = fetch(rows);
    /* the portion's failure is the cursor's: then there is none to close */
    if (err) rows->cursor = 0;
    ndc_buf_free(&text);
    return err;
}

enum ndc_err ndc_pg_rows_open(struct ndc_rows *base, const char *sql,
                              const struct ndc_val *args, size_t n_args)
{
    struct pg_rows *rows = (struct pg_rows *)base;
    struct pg_conn *conn = of(base->conn);
    rows->res = NULL;
    rows->cursor = 0;
    if (base->scan) return open_scan(rows, sql, args, n_args);
    enum ndc_err err = NDC_OK;
    for (unsigned tries = 0; tries < 2; tries++) {
        base->fault.err = NDC_OK;
        conn->stale_plan = false;
        err = ndc_pg_run(conn, sql, args, n_args, &rows->res, NULL, &base->fault);
        if (!err || !conn->stale_plan || conn->base.tx) break;
    }
    if (err) return err;
    if (PQresultMemorySize(rows->res) > 2 * base->conn->store->options.result_bytes_max) {
        return ndc_fail(&base->fault, NDC_ETOOBIG, "db.too_big",
                        "the result is over %zu bytes: ask for less",
                        base->conn->store->options.result_bytes_max);
    }
    return accept_result(rows, sql);
}

struct each {
    struct pg_rows *rows;
    const char *sql;
    size_t number;
    void (*visit)(void *arg, size_t number, struct ndc_rows *row);
    void *arg;
    enum ndc_err err;
};

static void visit_result(void *arg, PGresult *res)
{
    struct each *e = arg;
    size_t number = e->number++;
    if (e->err) return;
    e->rows->res = res;
    e->err = accept_result(e->rows, e->sql);
    for (e->rows->row = 0; !e->err && e->rows->row < e->rows->n_rows; e->rows->row++) {
        e->visit(e->arg, number, &e->rows->base);
        ndc_arena_reset(&e->rows->base.scratch);
    }
    e->rows->res = NULL; /* the caller's */
}

enum ndc_err ndc_pg_each(struct ndc_rows *base, const char *sql,
                         const struct ndc_val *args, size_t n_args, size_t n_rows,
                         void (*visit)(void *arg, size_t number, struct ndc_rows *row),
                         void *arg)
{
    struct pg_rows *rows = (struct pg_rows *)base;
    struct each e = {.rows = rows, .sql = sql, .visit = visit, .arg = arg};
    rows->res = NULL;
    rows->cursor = 0;
    enum ndc_err err = ndc_pg_queries(of(base->conn), sql, args, n_args, n_rows,
                                      visit_result, &e, &base->fault);
    return err ? err : e.err;
}

bool ndc_pg_rows_next(struct ndc_rows *base)
{
    struct pg_rows *rows = (struct pg_rows *)base;
    rows->row++;
    if (rows->row < rows->n_rows) return true;
    if (!rows->cursor || rows->last_portion) return false;
    if (base->conn->broken) {
        enum ndc_err err = ndc_fail(&base->fault, NDC_EDB, "db.gone",
                                    "the connection to PostgreSQL was lost");
        (void)err;
        return false;
    }
    if (fetch(rows)) {
        rows->cursor = 0;
        return false;
    }
    rows->row = 0;
    return rows->n_rows > 0;
}

void ndc_pg_rows_close(struct ndc_rows *base)
{
    struct pg_rows *rows = (struct pg_rows *)base;
    struct pg_conn *conn = of(base->conn);
    PQclear(rows->res);
    rows->res = NULL;
    if (rows->cursor && !conn->base.broken && !conn->base.tx_failed && conn->base.tx) {
        char sql[32];
        struct ndc_fault ignored = {0};
        snprintf(sql, sizeof(sql), "CLOSE c%u", rows->cursor);
        enum ndc_err err = ndc_pg_send(conn, sql, 0, PG_CONTROL, &ignored);
        (void)err;
    }
    rows->cursor = 0;
}

/* ---- values ---- */

static uint16_t be16(const char *p)
{
    uint16_t v;
    memcpy(&v, p, 2);
    return be16toh(v);
}

static uint32_t be32(const char *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return be32toh(v);
}

static uint64_t be64(const char *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return be64toh(v);
}

/* NUMERIC as sum(BIGINT) gives it: int16 count of digits, weight of the first, sign,
 * display scale; then digits to the base 10000. An integer that fits stays one. */
static struct ndc_val numeric(const char *p, int len)
{
    if (len < 8) return ndc_null();
    int n = be16(p), weight = (int16_t)be16(p + 2);
    unsigned sign = be16(p + 4);
    if (sign == 0xC000) return ndc_real(NAN);
    if (sign == 0xD000 || sign == 0xF000) {
        return ndc_real(sign == 0xF000 ? -INFINITY : INFINITY);
    }
    if (len < 8 + 2 * n) return ndc_null();
    double real = 0;
    __int128 whole = 0;
    bool integral = weight < 9 && n <= weight + 1;
    for (int i = 0; i < n; i++) {
        unsigned digit = be16(p + 8 + 2 * i);
        real += digit * pow(10000.0, weight - i);
        if (integral) whole = whole * 10000 + digit;
    }
    for (int i = n; integral && i <= weight && whole <= INT64_MAX; i++)
        whole *= 10000;
    if (sign == 0x4000) {
        real = -real;
        whole = -whole;
    }
    bool exact = integral && whole <= INT64_MAX && whole >= INT64_MIN;
    return exact ? ndc_int((int64_t)whole) : ndc_real(real);
}

struct ndc_val ndc_pg_rows_val(struct ndc_rows *base, unsigned column)
{
    struct pg_rows *rows = (struct pg_rows *)base;
    int c = (int)column;
    NDC_ASSERT(c < PQnfields(rows->res));
    if (PQgetisnull(rows->res, rows->row, c)) return ndc_null();
    const char *p = PQgetvalue(rows->res, rows->row, c);
    int len = PQgetlength(rows->res, rows->row, c);
    switch (PQftype(rows->res, c)) {
    case PG_OID_INT8:
        return ndc_int((int64_t)be64(p));
    case PG_OID_INT4:
        return ndc_int((int32_t)be32(p));
    case PG_OID_OID:
        return ndc_int(be32(p));
    case PG_OID_INT2:
        return ndc_int((int16_t)be16(p));
    case PG_OID_BOOL:
        return ndc_int(*p != 0);
    case PG_OID_FLOAT8: {
        uint64_t word = be64(p);
        double d;
        memcpy(&d, &word, 8);
        return ndc_real(d);
    }
    case PG_OID_FLOAT4: {
        uint32_t word = be32(p);
        float f;
        memcpy(&f, &word, 4);
        return ndc_real(f);
    }
    case PG_OID_NUMERIC:
        return numeric(p, len);
    case PG_OID_BYTEA:
        return ndc_blob(ndc_str_n(p, (size_t)len));
    default:
        return ndc_text(ndc_str_n(p, (size_t)len));
    }
}

unsigned ndc_pg_rows_columns(struct ndc_rows *base)
{
    return (unsigned)PQnfields(((struct pg_rows *)base)->res);
}

struct ndc_str ndc_pg_rows_name(struct ndc_rows *base, unsigned column)
{
    return ndc_str(PQfname(((struct pg_rows *)base)->res, (int)column));
}

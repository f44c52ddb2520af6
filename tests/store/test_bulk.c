/* store: bulk load. */
#include "tests/db.h"

#include "store/bulk.h"

static struct ndc_fault fault;

static const struct ndc_bulk_column columns[] = {
    {"id", NDC_VAL_TEXT}, {"n", NDC_VAL_I64}, {"d", NDC_VAL_F64}, {"b", NDC_VAL_BLOB}};

static struct ndc_store_conn *open_table(void **state, struct ndc_store **store)
{
    struct ndc_store_conn *conn;
    *store = test_db_open(state, NULL);
    fault = (struct ndc_fault){0};
    assert_ok(ndc_store_take(*store, NDC_WRITE, &conn, &fault), &fault);
    assert_ok(ndc_sql_script(conn,
                             "CREATE TABLE \"odd \"\" name\" (id TEXT PRIMARY KEY, "
                             "n BIGINT, d DOUBLE PRECISION, b BYTEA)",
                             &fault),
              &fault);
    return conn;
}

static enum ndc_err add(struct ndc_bulk *bulk, struct ndc_str id, int64_t n)
{
    ndc_bulk_text(bulk, id);
    if (n % 3)
        ndc_bulk_i64(bulk, n);
    else
        ndc_bulk_null(bulk);
    ndc_bulk_f64(bulk, (double)n / 4);
    ndc_bulk_blob(bulk, n % 2 ? ndc_str_n("\0\xff", 2) : NDC_STR_NULL);
    return ndc_bulk_row(bulk, &fault);
}

static int64_t count(struct ndc_store_conn *conn, const char *sql)
{
    int64_t n;
    assert_ok(ndc_sql_i64(conn, &n, sql, NDC_NO_ARGS, &fault), &fault);
    return n;
}

static void test_load(void **state)
{
    struct ndc_store *store;
    struct ndc_store_conn *conn = open_table(state, &store);
    struct ndc_bulk *bulk;
    uint64_t rows;
    const char *tables[] = {"odd \" name"};
    enum { N = 50000 };
    assert_ok(ndc_bulk_session_begin(conn, &fault), &fault);
    assert_ok(ndc_tx_begin(conn, &fault), &fault);
    assert_ok(ndc_bulk_begin(&bulk, conn, tables[0], columns, 4, &fault), &fault);
    for (int i = 0; i < N; i++) {
        char id[24];
        snprintf(id, sizeof(id), "mã-%06d", i);
        assert_ok(add(bulk, ndc_str(id), i), &fault);
    }
    assert_ok(ndc_bulk_end(bulk, &rows, &fault), &fault);
    assert_int_equal(rows, N);
    assert_int_equal(count(conn, "SELECT count(*) FROM \"odd \"\" name\""), N);
    assert_ok(ndc_tx_commit(conn, &fault), &fault);
    assert_ok(ndc_bulk_session_end(conn, tables, 1, &fault), &fault);
    assert_int_equal(
        count(conn, "SELECT n FROM \"odd \"\" name\" WHERE id = 'mã-049999'"), 49999);
    struct ndc_rows *r = ndc_sql_query(
        conn, "SELECT count(n), sum(d), count(b), max(b) FROM \"odd \"\" name\"",
        NDC_NO_ARGS);
    if (test_db_kind(state) == NDC_POSTGRES) {
        /* there is no max(bytea) before PostgreSQL 18 */
        assert_true(ndc_rows_end(r, &fault) == NDC_EINTERNAL);
        fault = (struct ndc_fault){0};
        r = ndc_sql_query(conn,
                          "SELECT count(n), sum(d), count(b) FROM \"odd \"\" name\"",
                          NDC_NO_ARGS);
    }
    assert_true(ndc_rows_next(r));
    assert_int_equal(ndc_rows_i64(r, 0), N - (N + 2) / 3);
    assert_true(ndc_rows_f64(r, 1) == (double)N * (N - 1) / 8);
    assert_int_equal(ndc_rows_i64(r, 2), N / 2);
    assert_ok(ndc_rows_end(r, &fault), &fault);
    /* empty, and appended to */
    assert_ok(ndc_tx_begin(conn, &fault), &fault);
    assert_ok(ndc_bulk_begin(&bulk, conn, tables[0], columns, 4, &fault), &fault);
    assert_ok(ndc_bulk_end(bulk, &rows, &fault), &fault);
    assert_int_equal(rows, 0);
    assert_ok(ndc_tx_commit(conn, &fault), &fault);
    ndc_store_give(conn);
    ndc_store_close(store);
}

static void test_bad_value_is_told_at_its_row(void **state)
{
    struct ndc_store *store;
    struct ndc_store_conn *conn = open_table(state, &store);
    struct ndc_bulk *bulk;
    assert_ok(ndc_tx_begin(conn, &fault), &fault);
    assert_ok(ndc_bulk_begin(&bulk, conn, "odd \" name", columns, 4, &fault), &fault);
    assert_ok(add(bulk, NDC_STR("fine"), 1), &fault);
    assert_int_equal(add(bulk, NDC_STR("bad \xc3"), 2), NDC_EINPUT);
    assert_string_equal(fault.code, "db.value");
    ndc_bulk_abort(bulk);
    fault = (struct ndc_fault){0};
    assert_int_equal(ndc_tx_commit(conn, &fault), NDC_EINTERNAL);
    fault = (struct ndc_fault){0};
    assert_int_equal(count(conn, "SELECT count(*) FROM \"odd \"\" name\""), 0);
    ndc_store_give(conn);
    ndc_store_close(store);
}

static void test_clash_leaves_nothing(void **state)
{
    struct ndc_store *store;
    struct ndc_store_conn *conn = open_table(state, &store);
    struct ndc_bulk *bulk;
    assert_ok(ndc_tx_begin(conn, &fault), &fault);
    assert_ok(ndc_bulk_begin(&bulk, conn, "odd \" name", columns, 4, &fault), &fault);
    enum ndc_err err = add(bulk, NDC_STR("same"), 1);
    if (!err) err = add(bulk, NDC_STR("same"), 2);
    if (err)
        ndc_bulk_abort(bulk); /* SQLite sees it at the row, */
    else
        err = ndc_bulk_end(bulk, NULL, &fault); /* PostgreSQL at the end */
    assert_int_equal(err, NDC_ECONFLICT);
    assert_string_equal(fault.code, "db.unique");
    ndc_tx_rollback(conn);
    fault = (struct ndc_fault){0};
    assert_int_equal(count(conn, "SELECT count(*) FROM \"odd \"\" name\""), 0);
    assert_ok(ndc_tx_begin(conn, &fault), &fault);
    assert_int_equal(ndc_bulk_begin(&bulk, conn, "nowhere", columns, 4, &fault),
                     NDC_EINTERNAL);
    ndc_tx_rollback(conn);
    fault = (struct ndc_fault){0};
    assert_int_equal(count(conn, "SELECT 1"), 1);
    ndc_store_give(conn);
    ndc_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_ON_BOTH(test_load),
        TEST_ON_BOTH(test_bad_value_is_told_at_its_row),
        TEST_ON_BOTH(test_clash_leaves_nothing),
    };
    return test_db_run(tests);
}

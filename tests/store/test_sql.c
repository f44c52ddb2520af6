/* store: statements, values, transactions, pools, on both databases. */
#include "tests/db.h"

#include "store/writer.h"
#include "sys/clock.h"
#include "sys/thread.h"

#include <stdatomic.h>

static struct ndc_fault fault;

static struct ndc_store_conn *take(struct ndc_store *store, enum ndc_access access)
{
    struct ndc_store_conn *conn;
    fault = (struct ndc_fault){0};
    assert_ok(ndc_store_take(store, access, &conn, &fault), &fault);
    return conn;
}

static void script(struct ndc_store_conn *conn, const char *sql)
{
    assert_ok(ndc_sql_script(conn, sql, &fault), &fault);
}

static int64_t count(struct ndc_store_conn *conn, const char *sql)
{
    int64_t n;
    assert_ok(ndc_sql_i64(conn, &n, sql, NDC_NO_ARGS, &fault), &fault);
    return n;
}

static const char table[] =
    "CREATE TABLE t (k TEXT PRIMARY KEY, i BIGINT, d DOUBLE PRECISION, s TEXT, b BYTEA)";

static const char insert[] = "INSERT INTO t (k, i, d, s, b) VALUES ($1, $2, $3, $4, $5)";

static void test_values_come_back(void **state)
{
    struct ndc_store *store = test_db_open(state, NULL);
    struct ndc_store_conn *c = take(store, NDC_WRITE);
    script(c, table);
    int64_t changes;
    char blob[] = "a\0b\xff";
    /* NULLs first: the types of the parameters are not known then */
    assert_ok(ndc_sql_exec(c, insert,
                           NDC_ARGS(ndc_textz("null"), ndc_null(), ndc_null(),
                                    ndc_text(NDC_STR_NULL), ndc_null()),
                           &changes, &fault),
              &fault);
    assert_int_equal(changes, 1);
    assert_ok(
        ndc_sql_exec(c, insert,
                     NDC_ARGS(ndc_textz("full"), ndc_int(INT64_MIN), ndc_real(-0.1),
                              ndc_textz("Nguyễn Thị Đào"), ndc_blob(ndc_str_n(blob, 4))),
                     NULL, &fault),
        &fault);
    assert_ok(ndc_sql_exec(c, insert,
                           NDC_ARGS(ndc_textz("empty"), ndc_int(INT64_MAX), ndc_int(7),
                                    ndc_textz(""), ndc_blob(NDC_STR(""))),
                           NULL, &fault),
              &fault);
    struct ndc_rows *rows =
        ndc_sql_query(c, "SELECT k, i, d, s, b FROM t ORDER BY k", NDC_NO_ARGS);
    assert_true(ndc_rows_next(rows));
    assert_int_equal(ndc_rows_columns(rows), 5);
    assert_str_eq(ndc_rows_name(rows, 2), "d");
    assert_str_eq(ndc_rows_text(rows, 0), "empty");
    assert_true(ndc_rows_i64(rows, 1) == INT64_MAX);
    assert_true(ndc_rows_f64(rows, 2) == 7.0);
    assert_false(ndc_rows_null(rows, 3));
    assert_int_equal(ndc_rows_text(rows, 3).len, 0);
    assert_false(ndc_rows_null(rows, 4));
    assert_true(ndc_rows_next(rows));
    assert_true(ndc_rows_i64(rows, 1) == INT64_MIN);
    assert_str_eq(ndc_rows_text(rows, 1), "-9223372036854775808");
    assert_true(ndc_rows_f64(rows, 2) == -0.1);
    assert_str_eq(ndc_rows_text(rows, 2), "-0.1");
    assert_str_eq(ndc_rows_text(rows, 3), "Nguyễn Thị Đào");
    assert_int_equal(ndc_rows_val(rows, 3).type, NDC_VAL_TEXT);
    assert_int_equal(ndc_rows_val(rows, 4).type, NDC_VAL_BLOB);
    assert_int_equal(ndc_rows_blob(rows, 4).len, 4);
    assert_memory_equal(ndc_rows_blob(rows, 4).ptr, blob, 4);
    assert_true(ndc_rows_next(rows));
    for (unsigned i = 1; i < 5; i++)
        assert_true(ndc_rows_null(rows, i));
    assert_int_equal(ndc_rows_i64(rows, 1), 0);
    assert_null(ndc_rows_text(rows, 3).ptr);
    assert_false(ndc_rows_next(rows));
    assert_ok(ndc_rows_end(rows, &fault), &fault);
    ndc_store_give(c);
    ndc_store_close(store);
}

static void test_placeholders_go_by_number(void **state)
{
    struct ndc_store *store = test_db_open(state, NULL);
    struct ndc_store_conn *c = take(store, NDC_READ);
    struct ndc_rows *rows =
        ndc_sql_query(c, "SELECT $2 || '-' || $1 || '-' || $2, CAST($3 AS BIGINT) + 1",
                      NDC_ARGS(ndc_textz("one"), ndc_textz("two"), ndc_int(41)));
    assert_true(ndc_rows_next(rows));
    assert_str_eq(ndc_rows_text(rows, 0), "two-one-two");
    assert_int_equal(ndc_rows_i64(rows, 1), 42);
    assert_ok(ndc_rows_end(rows, &fault), &fault);
    /* an argument too few is our defect and says so */
    assert_int_equal(
        ndc_sql_exec(c, "SELECT $1 || $2", NDC_ARGS(ndc_textz("x")), NULL, &fault),
        NDC_EINTERNAL);
    assert_string_equal(fault.code, "db.sql");
    ndc_store_give(c);
    ndc_store_close(store);
}

/* The types that aggregates and conditions give on PostgreSQL. */
static void test_computed_types(void **state)
{
    struct ndc_store *store = test_db_open(state, NULL);
    struct ndc_store_conn *c = take(store, NDC_WRITE);
    script(c, table);
    for (int i = 1; i <= 4; i++) {
        char key[8];
        snprintf(key, sizeof(key), "k%d", i);
        assert_ok(ndc_sql_exec(c, insert,
                               NDC_ARGS(ndc_textz(key), ndc_int(INT64_C(3000000000) * i),
                                        ndc_real(i), ndc_null(), ndc_null()),
                               NULL, &fault),
                  &fault);
    }
    struct ndc_rows *rows = ndc_sql_query(
        c,
        "SELECT count(*), sum(i), avg(d), max(k), i > $1, sum(i) * $2 FROM t "
        "WHERE d <> $1 GROUP BY i HAVING i = $3 "
        "UNION ALL SELECT count(*), sum(i), avg(d), max(k), 1 = 1, 5 FROM t",
        NDC_ARGS(ndc_int(99), ndc_int(-10), ndc_int(INT64_C(3000000000))));
    assert_true(ndc_rows_next(rows));
    assert_int_equal(ndc_rows_i64(rows, 0), 1);
    assert_true(ndc_rows_i64(rows, 1) == INT64_C(3000000000));
    assert_int_equal(ndc_rows_i64(rows, 4), 1);
    assert_true(ndc_rows_i64(rows, 5) == INT64_C(-30000000000));
    assert_true(ndc_rows_next(rows));
    assert_true(ndc_rows_i64(rows, 1) == INT64_C(30000000000));
    assert_true(ndc_rows_f64(rows, 2) == 2.5);
    assert_str_eq(ndc_rows_text(rows, 3), "k4");
    assert_ok(ndc_rows_end(rows, &fault), &fault);
    ndc_store_give(c);
    ndc_store_close(store);
}

static void test_text_sorts_by_bytes(void **state)
{
    struct ndc_store *store = test_db_open(state, NULL);
    struct ndc_store_conn *c = take(store, NDC_WRITE);
    script(c, "CREATE TABLE w (w TEXT NOT NULL)");
    const char *words[] = {"b", "Z", "á", "a", "đ", "_"};
    for (unsigned i = 0; i < 6; i++) {
        assert_ok(ndc_sql_exec(c, "INSERT INTO w VALUES ($1)",
                               NDC_ARGS(ndc_textz(words[i])), NULL, &fault),
                  &fault);
    }
    const char *sorted[] = {"Z", "_", "a", "b", "á", "đ"};
    struct ndc_rows *rows = ndc_sql_query(c, "SELECT w FROM w ORDER BY w", NDC_NO_ARGS);
    for (unsigned i = 0; i < 6; i++) {
        assert_true(ndc_rows_next(rows));
        assert_str_eq(ndc_rows_text(rows, 0), sorted[i]);
    }
    assert_ok(ndc_rows_end(rows, &fault), &fault);
    ndc_store_give(c);
    ndc_store_close(store);
}

static void expect(enum ndc_err err, enum ndc_err want, const char *code)
{
    if (err != want || strcmp(fault.code, code) != 0) {
        fail_msg("%s %s (%s), expected %s", ndc_err_name(err), fault.code, fault.message,
                 code);
    }
    fault = (struct ndc_fault){0};
}

static void test_failures_are_told_apart(void **state)
{
    struct ndc_store *store = test_db_open(state, NULL);
    struct ndc_store_conn *c = take(store, NDC_WRITE);
    script(c, "CREATE TABLE p (id TEXT PRIMARY KEY, n BIGINT NOT NULL CHECK (n > 0));"
              "CREATE TABLE q (id TEXT PRIMARY KEY, p TEXT NOT NULL REFERENCES p (id))");
    const char *p = "INSERT INTO p (id, n) VALUES ($1, $2)";
    const char *q = "INSERT INTO q (id, p) VALUES ($1, $2)";
    assert_ok(ndc_sql_exec(c, p, NDC_ARGS(ndc_textz("a"), ndc_int(1)), NULL, &fault),
              &fault);
    expect(ndc_sql_exec(c, p, NDC_ARGS(ndc_textz("a"), ndc_int(1)), NULL, &fault),
           NDC_ECONFLICT, "db.unique");
    expect(ndc_sql_exec(c, p, NDC_ARGS(ndc_textz("b"), ndc_int(0)), NULL, &fault),
           NDC_ECONFLICT, "db.check");
    expect(ndc_sql_exec(c, p, NDC_ARGS(ndc_textz("b"), ndc_null()), NULL, &fault),
           NDC_ECONFLICT, "db.check");
    expect(ndc_sql_exec(c, q, NDC_ARGS(ndc_textz("a"), ndc_textz("no")), NULL, &fault),
           NDC_ECONFLICT, "db.foreign_key");
    expect(ndc_sql_exec(c, "SELECT nothing FROM nowhere", NDC_NO_ARGS, NULL, &fault),
           NDC_EINTERNAL, "db.sql");
    struct ndc_str zero = ndc_str_n("a\0b", 3);
    expect(ndc_sql_exec(c, p, NDC_ARGS(ndc_text(zero), ndc_int(1)), NULL, &fault),
           NDC_EINPUT, "db.value");
    const char *bad[] = {"\xc3", "abcdefgh\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80"};
    for (unsigned i = 0; i < 4; i++) {
        expect(ndc_sql_exec(c, p, NDC_ARGS(ndc_textz(bad[i]), ndc_int(1)), NULL, &fault),
               NDC_EINPUT, "db.value");
    }
    /* a query keeps its failure until the end */
    struct ndc_rows *rows = ndc_sql_query(c, "SELECT nothing FROM nowhere", NDC_NO_ARGS);
    assert_false(ndc_rows_next(rows));
    expect(ndc_rows_end(rows, &fault), NDC_EINTERNAL, "db.sql");
    int64_t n;
    expect(ndc_sql_i64(c, &n, "SELECT n FROM p WHERE id = $1", NDC_ARGS(ndc_textz("zz")),
                       &fault),
           NDC_ENOTFOUND, "db.no_row");
    ndc_store_give(c);
    /* and the connection is as good as before */
    c = take(store, NDC_READ);
    assert_int_equal(count(c, "SELECT count(*) FROM p"), 1);
    expect(ndc_sql_exec(c, p, NDC_ARGS(ndc_textz("r"), ndc_int(1)), NULL, &fault),
           NDC_EDB, "db.readonly");
    ndc_store_give(c);
    ndc_store_close(store);
}

static void test_returning_and_upsert(void **state)
{
    struct ndc_store *store = test_db_open(state, NULL);
    struct ndc_store_conn *c = take(store, NDC_WRITE);
    script(c, "CREATE TABLE n (k TEXT PRIMARY KEY, v BIGINT NOT NULL)");
    const char *sql = "INSERT INTO n (k, v) VALUES ($1, $2) "
                      "ON CONFLICT (k) DO UPDATE SET v = n.v + excluded.v RETURNING v";
    for (int i = 1; i <= 3; i++) {
        int64_t v;
        assert_ok(ndc_sql_i64(c, &v, sql, NDC_ARGS(ndc_textz("x"), ndc_int(10)), &fault),
                  &fault);
        assert_int_equal(v, 10 * i);
    }
    /* done even if nobody looks at the rows */
    struct ndc_rows *rows = ndc_sql_query(c, sql, NDC_ARGS(ndc_textz("x"), ndc_int(1)));
    assert_ok(ndc_rows_end(rows, &fault), &fault);
    assert_int_equal(count(c, "SELECT v FROM n"), 31);
    int64_t changes;
    assert_ok(ndc_sql_exec(c, "UPDATE n SET v = 0", NDC_NO_ARGS, &changes, &fault),
              &fault);
    assert_int_equal(changes, 1);
    assert_ok(ndc_sql_exec(c, "DELETE FROM n WHERE k = $1", NDC_ARGS(ndc_textz("none")),
                           &changes, &fault),
              &fault);
    assert_int_equal(changes, 0);
    ndc_store_give(c);
    ndc_store_close(store);
}

static void add(struct ndc_store_conn *c, const char *k)
{
    assert_ok(ndc_sql_exec(c, "INSERT INTO t (k) VALUES ($1)", NDC_ARGS(ndc_textz(k)),
                           NULL, &fault),
              &fault);
}

static void test_transactions(void **state)
{
    struct ndc_store *store = test_db_open(state, NULL);
    struct ndc_store_conn *c = take(store, NDC_WRITE), *r = take(store, NDC_READ);
    script(c, table);
    assert_ok(ndc_tx_begin(c, &fault), &fault);
    add(c, "lost");
    ndc_tx_rollback(c);
    assert_int_equal(count(c, "SELECT count(*) FROM t"), 0);

    assert_ok(ndc_tx_begin(c, &fault), &fault);
    add(c, "kept");
    assert_ok(ndc_tx_savepoint(c, &fault), &fault);
    add(c, "undone");
    assert_ok(ndc_tx_savepoint(c, &fault), &fault);
    expect(ndc_sql_exec(c, "INSERT INTO t (k) VALUES ($1)", NDC_ARGS(ndc_textz("kept")),
                        NULL, &fault),
           NDC_ECONFLICT, "db.unique");
    expect(ndc_sql_exec(c, "SELECT 1", NDC_NO_ARGS, NULL, &fault), NDC_EINTERNAL,
           "db.aborted");
    assert_ok(ndc_tx_undo(c, &fault), &fault);
    add(c, "undone too");
    assert_ok(ndc_tx_undo(c, &fault), &fault);
    assert_ok(ndc_tx_savepoint(c, &fault), &fault);
    add(c, "kept too");
    assert_ok(ndc_tx_release(c, &fault), &fault);
    assert_int_equal(count(r, "SELECT count(*) FROM t"), 0);
    assert_ok(ndc_tx_commit(c, &fault), &fault);
    assert_int_equal(count(r, "SELECT count(*) FROM t WHERE k LIKE 'kept%'"), 2);
    assert_int_equal(count(r, "SELECT count(*) FROM t"), 2);

    /* a reader's transaction sees one moment */
    assert_ok(ndc_tx_begin(r, &fault), &fault);
    assert_int_equal(count(r, "SELECT count(*) FROM t"), 2);
    add(c, "later");
    assert_int_equal(count(r, "SELECT count(*) FROM t"), 2);
    assert_ok(ndc_tx_commit(r, &fault), &fault);
    assert_int_equal(count(r, "SELECT count(*) FROM t"), 3);

    /* given back in the middle: rolled back */
    assert_ok(ndc_tx_begin(c, &fault), &fault);
    add(c, "forgotten");
    ndc_store_give(c);
    assert_int_equal(count(r, "SELECT count(*) FROM t"), 3);
    ndc_store_give(r);
    ndc_store_close(store);
}

static void test_failed_transaction_cannot_commit(void **state)
{
    struct ndc_store *store = test_db_open(state, NULL);
    struct ndc_store_conn *c = take(store, NDC_WRITE);
    script(c, table);
    assert_ok(ndc_tx_begin(c, &fault), &fault);
    add(c, "a");
    expect(ndc_sql_exec(c, "INSERT INTO t (k) VALUES ($1)", NDC_ARGS(ndc_textz("a")),
                        NULL, &fault),
           NDC_ECONFLICT, "db.unique");
    expect(ndc_tx_commit(c, &fault), NDC_EINTERNAL, "db.aborted");
    assert_false(ndc_tx_open(c));
    assert_int_equal(count(c, "SELECT count(*) FROM t"), 0);
    ndc_store_give(c);
    ndc_store_close(store);
}

static void test_many(void **state)
{
    struct ndc_store *store = test_db_open(state, NULL);
    struct ndc_store_conn *c = take(store, NDC_WRITE);
    script(c, "CREATE TABLE m (k TEXT PRIMARY KEY, v BIGINT, s TEXT)");
    enum { N = 5000 };
    struct ndc_val *vals = calloc(N * 3, sizeof(*vals));
    char(*keys)[16] = calloc(N, sizeof(*keys));
    for (int i = 0; i < N; i++) {
        snprintf(keys[i], sizeof(keys[i]), "k%05d", i);
        vals[3 * i] = ndc_textz(keys[i]);
        vals[3 * i + 1] = i % 7 ? ndc_int(i) : ndc_null();
        vals[3 * i + 2] = i % 5 ? ndc_null() : ndc_textz(keys[i]);
    }
    const char *sql = "INSERT INTO m (k, v, s) VALUES ($1, $2, $3)";
    int64_t changes;
    assert_ok(ndc_tx_begin(c, &fault), &fault);
    assert_ok(ndc_sql_many(c, sql, vals, 3, N, &changes, &fault), &fault);
    assert_ok(ndc_tx_commit(c, &fault), &fault);
    assert_int_equal(changes, N);
    assert_int_equal(count(c, "SELECT count(*) FROM m WHERE v IS NULL"), (N + 6) / 7);
    assert_int_equal(count(c, "SELECT count(*) FROM m WHERE s = k"), N / 5);
    /* the 3000th fails: the savepoint takes all back */
    vals[3 * 3000] = ndc_textz("k00000");
    assert_ok(ndc_tx_begin(c, &fault), &fault);
    assert_ok(
        ndc_sql_exec(c, "DELETE FROM m WHERE k <> 'k00000'", NDC_NO_ARGS, NULL, &fault),
        &fault);
    assert_ok(ndc_tx_savepoint(c, &fault), &fault);
    expect(ndc_sql_many(c, sql, vals + 3, 3, N - 1, NULL, &fault), NDC_ECONFLICT,
           "db.unique");
    assert_ok(ndc_tx_undo(c, &fault), &fault);
    assert_int_equal(count(c, "SELECT count(*) FROM m"), 1);
    assert_ok(ndc_tx_commit(c, &fault), &fault);
    assert_int_equal(count(c, "SELECT count(*) FROM m"), 1);
    free(vals);
    free(keys);
    ndc_store_give(c);
    ndc_store_close(store);
}

static void fill(struct ndc_store_conn *c, int64_t n)
{
    script(c, "CREATE TABLE f (i BIGINT PRIMARY KEY, s TEXT)");
    assert_ok(
        ndc_sql_exec(c,
                     "INSERT INTO f WITH RECURSIVE x(i) AS (SELECT CAST(1 AS BIGINT) "
                     "UNION ALL SELECT i + 1 FROM x WHERE i < $1) "
                     "SELECT i, 'row ' || CAST(i AS TEXT) FROM x",
                     NDC_ARGS(ndc_int(n)), NULL, &fault),
        &fault);
}

struct visited {
    size_t rows, last;
    int64_t sum;
    bool in_order;
};

static void note_row(void *arg, size_t number, struct ndc_rows *row)
{
    struct visited *v = arg;
    v->in_order &= number >= v->last;
    v->last = number;
    v->rows++;
    v->sum += ndc_rows_i64(row, 0) * (int64_t)(number + 1);
    assert_int_equal(ndc_rows_text(row, 1).len, strlen("row ") + 1 + (number >= 9) +
                                                    (number >= 99) + (number >= 999));
}

/* More than one round trip of them, some with two rows, some with none. */
static void test_each(void **state)
{
    enum { N = 1500, ASKED = 3000 };
    struct ndc_store *store = test_db_open(state, NULL);
    struct ndc_store_conn *c = take(store, NDC_WRITE);
    struct ndc_val *args = calloc(ASKED, sizeof(*args));
    struct visited v = {.in_order = true};
    int64_t sum = 0;
    fill(c, N);
    for (int64_t i = 0; i < ASKED; i++)
        args[i] = ndc_int(i + 1);
    for (int64_t i = 1; i <= N; i++)
        sum += i * i;
    const char *sql = "SELECT i, s FROM f WHERE i = $1";
    assert_ok(ndc_sql_each(c, sql, args, 1, ASKED, note_row, &v, &fault), &fault);
    assert_int_equal(v.rows, N);
    assert_int_equal(v.sum, sum);
    assert_true(v.in_order);
    assert_ok(ndc_sql_each(c, sql, args, 1, 0, note_row, &v, &fault), &fault);
    assert_int_equal(v.rows, N);
    /* A failing one ends it, inside a transaction too, and the connection goes on. */
    assert_ok(ndc_tx_begin(c, &fault), &fault);
    assert_ok(ndc_tx_savepoint(c, &fault), &fault);
    expect(ndc_sql_each(c, "SELECT i, no_such FROM f WHERE i = $1", args, 1, 10, note_row,
                        &v, &fault),
           NDC_EINTERNAL, "db.sql");
    assert_ok(ndc_tx_undo(c, &fault), &fault);
    v = (struct visited){.in_order = true};
    assert_ok(ndc_sql_each(c, sql, args, 1, 10, note_row, &v, &fault), &fault);
    assert_int_equal(v.rows, 10);
    assert_ok(ndc_tx_commit(c, &fault), &fault);
    free(args);
    ndc_store_give(c);
    ndc_store_close(store);
}

static void test_scan_in_portions(void **state)
{
    struct ndc_store_options options = {.result_bytes_max = 100000};
    struct ndc_store *store = test_db_open(state, &options);
    struct ndc_store_conn *c = take(store, NDC_WRITE);
    fill(c, 20000);
    ndc_store_give(c);
    c = take(store, NDC_READ);
    struct ndc_rows *rows =
        ndc_sql_query(c, "SELECT i, s FROM f ORDER BY i", NDC_NO_ARGS);
    while (ndc_rows_next(rows))
        continue;
    expect(ndc_rows_end(rows, &fault), NDC_ETOOBIG, "db.too_big");
    /* a scan has no cap, and other statements may run meanwhile, the same one too */
    rows = ndc_sql_scan(c, "SELECT i, s FROM f WHERE i > $1 ORDER BY i",
                        NDC_ARGS(ndc_int(10)));
    int64_t n = 0, other;
    while (ndc_rows_next(rows)) {
        n++;
        assert_int_equal(ndc_rows_i64(rows, 0), n + 10);
        if (n % 5000 == 0) {
            assert_ok(ndc_sql_i64(c, &other, "SELECT i FROM f WHERE s = $1",
                                  NDC_ARGS(ndc_text(ndc_rows_text(rows, 1))), &fault),
                      &fault);
            assert_int_equal(other, n + 10);
        }
    }
    assert_ok(ndc_rows_end(rows, &fault), &fault);
    assert_int_equal(n, 19990);
    assert_false(ndc_tx_open(c));
    /* left early */
    rows = ndc_sql_scan(c, "SELECT i FROM f", NDC_NO_ARGS);
    assert_true(ndc_rows_next(rows));
    assert_ok(ndc_rows_end(rows, &fault), &fault);
    assert_int_equal(count(c, "SELECT count(*) FROM f"), 20000);
    ndc_store_give(c);
    ndc_store_close(store);
}

static void test_nested_same_query(void **state)
{
    struct ndc_store *store = test_db_open(state, NULL);
    struct ndc_store_conn *c = take(store, NDC_WRITE);
    fill(c, 3);
    const char *sql = "SELECT i FROM f ORDER BY i";
    struct ndc_rows *outer = ndc_sql_query(c, sql, NDC_NO_ARGS);
    unsigned pairs = 0;
    while (ndc_rows_next(outer)) {
        struct ndc_rows *inner = ndc_sql_query(c, sql, NDC_NO_ARGS);
        while (ndc_rows_next(inner))
            pairs++;
        assert_ok(ndc_rows_end(inner, &fault), &fault);
    }
    assert_ok(ndc_rows_end(outer, &fault), &fault);
    assert_int_equal(pairs, 9);
    ndc_store_give(c);
    ndc_store_close(store);
}

static void test_timeouts(void **state)
{
    struct ndc_store_options options = {.statement_timeout_ms = 150};
    struct ndc_store *store = test_db_open(state, &options);
    struct ndc_store_conn *c = take(store, NDC_READ);
    const char *slow = "WITH RECURSIVE x(i) AS (SELECT CAST(1 AS BIGINT) UNION ALL "
                       "SELECT i + 1 FROM x WHERE i < 100000000) SELECT count(*) FROM x";
    expect(ndc_sql_exec(c, slow, NDC_NO_ARGS, NULL, &fault), NDC_EBUSY, "db.timeout");
    assert_int_equal(count(c, "SELECT 1"), 1);
    ndc_store_give(c);
    ndc_store_close(store);
}

static void test_pool_is_capped(void **state)
{
    struct ndc_store_options options = {.readers_max = 2, .take_timeout_ms = 50};
    struct ndc_store *store = test_db_open(state, &options);
    struct ndc_store_conn *a = take(store, NDC_READ), *b = take(store, NDC_READ), *c;
    expect(ndc_store_take(store, NDC_READ, &c, &fault), NDC_EBUSY, "db.busy");
    ndc_store_give(a);
    a = take(store, NDC_READ);
    struct ndc_store_stats stats;
    ndc_store_stats(store, &stats);
    assert_int_equal(stats.readers_open, 2);
    assert_int_equal(stats.readers_taken, 2);
    ndc_store_give(a);
    ndc_store_give(b);
    ndc_store_close(store);
}

/* Whoever waits for the one writing connection gets it before who gave it back. */
struct waiter {
    struct ndc_store *store;
    atomic_bool here;
    atomic_uint *got, order;
};

static void wait_for_writer(void *arg)
{
    struct waiter *w = arg;
    struct ndc_fault f = {0};
    struct ndc_store_conn *conn;
    atomic_store(&w->here, true);
    if (ndc_store_take(w->store, NDC_WRITE, &conn, &f)) return;
    w->order = atomic_fetch_add(w->got, 1) + 1;
    ndc_clock_sleep_ms(5);
    ndc_store_give(conn);
}

static void test_pool_is_fair(void **state)
{
    struct ndc_store_options options = {.writers_max = 1};
    struct ndc_store *store = test_db_open(state, &options);
    struct ndc_store_conn *c = take(store, NDC_WRITE);
    atomic_uint got = 0;
    struct waiter waiters[4];
    struct ndc_thread threads[4];
    for (unsigned i = 0; i < 4; i++) {
        waiters[i] = (struct waiter){.store = store, .got = &got};
        ndc_thread_start(&threads[i], "waiter", wait_for_writer, &waiters[i]);
        while (!atomic_load(&waiters[i].here))
            ndc_clock_sleep_ms(1);
        ndc_clock_sleep_ms(50); /* from there to the queue */
    }
    ndc_store_give(c);
    c = take(store, NDC_WRITE);
    assert_int_equal(atomic_load(&got), 4);
    ndc_store_give(c);
    for (unsigned i = 0; i < 4; i++) {
        ndc_thread_join(&threads[i]);
        assert_int_equal(waiters[i].order, i + 1);
    }
    ndc_store_close(store);
}

static void test_urls(void **state)
{
    (void)state;
    struct ndc_store *store;
    fault = (struct ndc_fault){0};
    expect(ndc_store_open(&store, "mysql:x", NULL, &fault), NDC_EINPUT, "db.url");
    expect(ndc_store_open(&store, "sqlite:", NULL, &fault), NDC_EINPUT, "db.url");
    expect(ndc_store_open(&store, "sqlite:/proc/no/such.db", NULL, &fault), NDC_ENOTFOUND,
           "io.mkdir");
    expect(ndc_store_open(&store, "postgres:host=/nowhere dbname=x", NULL, &fault),
           NDC_EDB, "db.gone");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_ON_BOTH(test_values_come_back),
        TEST_ON_BOTH(test_placeholders_go_by_number),
        TEST_ON_BOTH(test_computed_types),
        TEST_ON_BOTH(test_text_sorts_by_bytes),
        TEST_ON_BOTH(test_failures_are_told_apart),
        TEST_ON_BOTH(test_returning_and_upsert),
        TEST_ON_BOTH(test_transactions),
        TEST_ON_BOTH(test_failed_transaction_cannot_commit),
        TEST_ON_BOTH(test_many),
        TEST_ON_BOTH(test_scan_in_portions),
        TEST_ON_BOTH(test_nested_same_query),
        TEST_ON_BOTH(test_each),
        TEST_ON_BOTH(test_timeouts),
        TEST_ON_BOTH(test_pool_is_capped),
        TEST_ON_BOTH(test_pool_is_fair),
        cmocka_unit_test(test_urls),
    };
    return test_db_run(tests);
}

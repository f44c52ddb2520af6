/* store: migrations and the translation of DDL. */
#include "tests/db.h"

#include "store/internal.h"
#include "store/migrate.h"

static struct ndc_fault fault;

static void expect(enum ndc_err err, const char *code)
{
    if (!err || strcmp(fault.code, code) != 0) {
        fail_msg("%s (%s), expected %s", fault.code, fault.message, code);
    }
    fault = (struct ndc_fault){0};
}

static int64_t count(struct ndc_store *store, const char *sql)
{
    struct ndc_store_conn *conn;
    int64_t n;
    assert_ok(ndc_store_take(store, NDC_READ, &conn, &fault), &fault);
    assert_ok(ndc_sql_i64(conn, &n, sql, NDC_NO_ARGS, &fault), &fault);
    ndc_store_give(conn);
    return n;
}

static void test_apply_once(void **state)
{
    struct ndc_store *store = test_db_open(state, NULL);
    struct ndc_migration list[] = {
        {1, "first",
         "CREATE TABLE a (id TEXT PRIMARY KEY, b BYTEA)\n"
         "--sqlite WITHOUT ROWID\n;"},
        {2, "second",
         "INSERT INTO a (id) VALUES ('x;y -- z'); CREATE INDEX ab ON a (b);"},
        {3, "third", "INSERT INTO a (id) VALUES ('3'); SELECT broken FROM nowhere;"},
    };
    fault = (struct ndc_fault){0};
    assert_ok(ndc_migrate(store, "p", list, 1, &fault), &fault);
    assert_ok(ndc_migrate(store, "p", list, 2, &fault), &fault);
    assert_ok(ndc_migrate(store, "p", list, 2, &fault), &fault);
    assert_ok(ndc_migrate(store, "q", NULL, 0, &fault), &fault);
    assert_int_equal(count(store, "SELECT count(*) FROM a"), 1);
    assert_int_equal(count(store, "SELECT max(version) FROM ndc_migration"), 2);
    /* a broken one leaves nothing */
    expect(ndc_migrate(store, "p", list, 3, &fault), "migrate.failed");
    assert_int_equal(count(store, "SELECT count(*) FROM a"), 1);
    assert_int_equal(count(store, "SELECT max(version) FROM ndc_migration"), 2);
    list[2].sql = "INSERT INTO a (id) VALUES ('3')";
    assert_ok(ndc_migrate(store, "p", list, 3, &fault), &fault);
    assert_int_equal(count(store, "SELECT count(*) FROM a"), 2);
    /* an older program, an edited migration; blanks and comments may change */
    expect(ndc_migrate(store, "p", list, 2, &fault), "migrate.newer");
    list[1].sql = "INSERT INTO a (id) VALUES ('other'); CREATE INDEX ab ON a (b);";
    expect(ndc_migrate(store, "p", list, 3, &fault), "migrate.changed");
    list[1].sql = "-- said better\nINSERT INTO a (id)   VALUES ('x;y -- z');\n"
                  "CREATE INDEX ab ON a (b);";
    list[2].sql = "INSERT INTO a (id)\nVALUES ('3')";
    expect(ndc_migrate(store, "p", list, 2, &fault), "migrate.newer");
    ndc_store_close(store);
}

static void check_ddl(const char *sql, const char *sqlite, const char *postgres)
{
    struct ndc_buf buf;
    ndc_buf_init(&buf, 4096);
    ndc_ddl_translate(&buf, sql, NDC_SQLITE);
    assert_string_equal(buf.ptr, sqlite);
    ndc_buf_reset(&buf);
    ndc_ddl_translate(&buf, sql, NDC_POSTGRES);
    assert_string_equal(buf.ptr, postgres);
    ndc_buf_free(&buf);
}

static void test_ddl(void **state)
{
    (void)state;
    check_ddl("CREATE TABLE t (id BIGINT PRIMARY KEY, n bigint, \"text\" TEXT NOT NULL, "
              "d DOUBLE PRECISION, b BYTEA)",
              "CREATE TABLE t (id INTEGER PRIMARY KEY, n bigint, \"text\" TEXT NOT NULL, "
              "d REAL, b BLOB)",
              "CREATE TABLE t (id BIGINT PRIMARY KEY, n bigint, \"text\" TEXT COLLATE "
              "\"C\" NOT NULL, d DOUBLE PRECISION, b BYTEA)");
    check_ddl("CHECK (CAST(x AS TEXT) <> 'a TEXT BYTEA')",
              "CHECK (CAST(x AS TEXT) <> 'a TEXT BYTEA')",
              "CHECK (CAST(x AS TEXT) <> 'a TEXT BYTEA')");
    check_ddl("a)\n--sqlite WITHOUT ROWID\n--postgres WITH (fillfactor = 90)\n;-- end",
              "a)\n WITHOUT ROWID\n\n;", "a)\n\n WITH (fillfactor = 90)\n;");
    check_ddl("/* TEXT */ 'unended", "  'unended", "  'unended");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_ON_BOTH(test_apply_once),
        cmocka_unit_test(test_ddl),
    };
    return test_db_run(tests);
}

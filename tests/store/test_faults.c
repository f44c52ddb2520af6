/* store: databases that go away, fill up, or may only be read. */
#include "tests/db.h"

#include "store/bulk.h"
#include "store/writer.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/thread.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct ndc_fault fault;

static struct ndc_store_conn *take(struct ndc_store *store, enum ndc_access access)
{
    struct ndc_store_conn *conn;
    fault = (struct ndc_fault){0};
    assert_ok(ndc_store_take(store, access, &conn, &fault), &fault);
    return conn;
}

static void make_table(struct ndc_store *store)
{
    struct ndc_store_conn *conn = take(store, NDC_WRITE);
    assert_ok(
        ndc_sql_script(conn, "CREATE TABLE t (k TEXT PRIMARY KEY, b BYTEA)", &fault),
        &fault);
    ndc_store_give(conn);
}

static void expect(enum ndc_err err, const char *code)
{
    if (!err || strcmp(fault.code, code) != 0) {
        fail_msg("%s (%s), expected %s", fault.code, fault.message, code);
    }
    fault = (struct ndc_fault){0};
}

static const char insert_sql[] = "INSERT INTO t (k) VALUES ($1)";

static enum ndc_err insert(struct ndc_store_conn *conn, void *arg, struct ndc_fault *f)
{
    return ndc_sql_exec(conn, insert_sql, NDC_ARGS(ndc_textz(arg)), NULL, f);
}

static int64_t count(struct ndc_store *store)
{
    struct ndc_store_conn *conn = take(store, NDC_READ);
    int64_t n;
    assert_ok(ndc_sql_i64(conn, &n, "SELECT count(*) FROM t", NDC_NO_ARGS, &fault),
              &fault);
    ndc_store_give(conn);
    return n;
}

static void test_server_gone_and_back(void **state)
{
    struct ndc_store *store = test_db_open(state, NULL);
    make_table(store);
    static char a[] = "a", b[] = "b", c[] = "c";
    assert_ok(ndc_store_write(store, insert, a, &fault), &fault);
    struct ndc_store_conn *held = take(store, NDC_WRITE), *reader = take(store, NDC_READ);
    int64_t n;
    assert_ok(ndc_sql_i64(reader, &n, "SELECT count(*) FROM t", NDC_NO_ARGS, &fault),
              &fault);
    assert_ok(ndc_tx_begin(held, &fault), &fault);
    assert_ok(insert(held, b, &fault), &fault);

    test_pg_kill();
    expect(insert(held, c, &fault), "db.gone");
    expect(ndc_tx_commit(held, &fault), "db.gone");
    expect(ndc_store_write(store, insert, b, &fault), "db.gone");
    struct ndc_store_conn *none;
    expect(ndc_store_take(store, NDC_READ, &none, &fault), "db.gone");

    test_pg_restart();
    /* the reader was taken before: it reads on without noticing */
    assert_ok(ndc_sql_i64(reader, &n, "SELECT count(*) FROM t", NDC_NO_ARGS, &fault),
              &fault);
    assert_int_equal(n, 1);
    assert_ok(insert(held, c, &fault), &fault);
    ndc_store_give(held);
    ndc_store_give(reader);
    assert_ok(ndc_store_write(store, insert, b, &fault), &fault);
    assert_int_equal(count(store), 3);
    struct ndc_store_stats stats;
    ndc_store_stats(store, &stats);
    assert_true(stats.reconnects > 0);
    ndc_store_close(store);
}

static void test_server_gone_in_scan_and_bulk(void **state)
{
    static const struct ndc_bulk_column columns[] = {{"k", NDC_VAL_TEXT}};
    struct ndc_store *store = test_db_open(state, NULL);
    make_table(store);
    struct ndc_store_conn *conn = take(store, NDC_WRITE), *reader = take(store, NDC_READ);
    struct ndc_bulk *bulk;
    struct ndc_rows *rows = ndc_sql_scan(
        reader,
        "WITH RECURSIVE x(i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM x "
        "WHERE i < 3000000) SELECT i FROM x",
        NDC_NO_ARGS);
    assert_true(ndc_rows_next(rows));
    assert_ok(ndc_tx_begin(conn, &fault), &fault);
    assert_ok(ndc_bulk_begin(&bulk, conn, "t", columns, 1, &fault), &fault);
    test_pg_kill();
    enum ndc_err err = NDC_OK;
    for (int i = 0; !err && i < 2000000; i++) {
        char key[24];
        snprintf(key, sizeof(key), "key %d", i);
        ndc_bulk_text(bulk, ndc_str(key));
        err = ndc_bulk_row(bulk, &fault);
    }
    expect(err ? err : ndc_bulk_end(bulk, NULL, &fault), "db.gone");
    if (err) ndc_bulk_abort(bulk);
    ndc_store_give(conn);
    while (ndc_rows_next(rows))
        continue;
    expect(ndc_rows_end(rows, &fault), "db.gone");
    ndc_store_give(reader);
    test_pg_restart();
    assert_int_equal(count(store), 0);
    ndc_store_close(store);
}

/* The server dies under many committing writers: what they were told is kept, whatever
 * the moment. */
enum { HAMMERS = 6 };

struct hammer {
    struct ndc_store *store;
    atomic_bool *stop;
    unsigned index;
    atomic_int acked, unknown;
    bool odd; /* another failure than a lost connection */
};

static void hammer(void *arg)
{
    struct hammer *h = arg;
    for (int i = 0; !atomic_load(h->stop); i++) {
        char key[24];
        struct ndc_fault f = {0};
        snprintf(key, sizeof(key), "%u-%d", h->index, i);
        enum ndc_err err = ndc_store_write(h->store, insert, key, &f);
        if (!err)
            atomic_fetch_add(&h->acked, 1);
        else if (strcmp(f.code, "db.gone") == 0)
            atomic_fetch_add(&h->unknown, 1);
        else
            h->odd = true;
        if (err) ndc_clock_sleep_ms(1);
    }
}

/* Until the hammers' sum has grown: of what is on the disk, or of what was lost. */
static void wait_for_hammers(struct hammer *h, bool lost, int by)
{
    int first = -1, sum;
    do {
        ndc_clock_sleep_ms(2);
        sum = 0;
        for (unsigned i = 0; i < HAMMERS; i++)
            sum += atomic_load(lost ? &h[i].unknown : &h[i].acked);
        if (first < 0) first = sum;
    } while (sum < first + by);
}

static void test_server_killed_under_writers(void **state)
{
    struct ndc_store *store = test_db_open(state, NULL);
    make_table(store);
    struct hammer hammers[HAMMERS];
    struct ndc_thread threads[HAMMERS];
    atomic_bool stop = false;
    for (unsigned i = 0; i < HAMMERS; i++) {
        hammers[i] = (struct hammer){.store = store, .stop = &stop, .index = i};
        ndc_thread_start(&threads[i], "hammer", hammer, &hammers[i]);
    }
    for (unsigned kills = 0; kills < 3; kills++) {
        wait_for_hammers(hammers, false, 50);
        ndc_clock_sleep_ms(37 * kills);
        test_pg_kill();
        wait_for_hammers(hammers, true, 1);
        test_pg_restart();
    }
    wait_for_hammers(hammers, false, 50);
    atomic_store(&stop, true);
    int acked = 0, unknown = 0;
    for (unsigned i = 0; i < HAMMERS; i++) {
        ndc_thread_join(&threads[i]);
        assert_false(hammers[i].odd);
        acked += hammers[i].acked;
        unknown += hammers[i].unknown;
    }
    int64_t n = count(store);
    assert_true(acked > 0 && unknown > 0);
    assert_true(n >= acked && n <= acked + unknown);
    ndc_store_close(store);
}

/* A file that may not grow stands for a full disk: in a child, since the limit is the
 * process's. */
static int fill_up(const char *url)
{
    struct ndc_store *store;
    struct ndc_fault f = {0};
    struct rlimit limit = {400 * 1024, 400 * 1024};
    struct ndc_store_conn *conn;
    int64_t rows = 0, n;
    signal(SIGXFSZ, SIG_IGN);
    if (ndc_store_open(&store, url, NULL, &f) || setrlimit(RLIMIT_FSIZE, &limit))
        return 2;
    static const char blob[20000];
    enum ndc_err err = NDC_OK;
    while (!err && rows < 1000) {
        char key[24];
        snprintf(key, sizeof(key), "k%d", (int)rows);
        if (ndc_store_take(store, NDC_WRITE, &conn, &f)) return 3;
        err = ndc_sql_exec(
            conn, "INSERT INTO t (k, b) VALUES ($1, $2)",
            NDC_ARGS(ndc_textz(key), ndc_blob(ndc_str_n(blob, sizeof(blob)))), NULL, &f);
        ndc_store_give(conn);
        rows += !err;
    }
    if (strcmp(f.code, "db.full") != 0) {
        printf("# %s: %s\n", f.code, f.message);
        fflush(stdout);
        return 4;
    }
    /* reading goes on, and what was acknowledged is there, no more */
    f = (struct ndc_fault){0};
    if (ndc_store_take(store, NDC_READ, &conn, &f) ||
        ndc_sql_i64(conn, &n, "SELECT count(*) FROM t", NDC_NO_ARGS, &f)) {
        return 5;
    }
    if (n != rows || rows == 0) return 6;
    _exit(0); /* as if killed: no checkpoint */
}

static void test_disk_full(void **state)
{
    const char *url = test_db_url(state);
    struct ndc_store *store;
    assert_ok(ndc_store_open(&store, url, NULL, &fault), &fault);
    make_table(store);
    ndc_store_close(store);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) _exit(fill_up(url));
    int status;
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    /* room again: it works on without repair */
    assert_ok(ndc_store_open(&store, url, NULL, &fault), &fault);
    static char more[] = "more";
    int64_t before = count(store);
    assert_true(before > 0);
    assert_ok(ndc_store_write(store, insert, more, &fault), &fault);
    assert_int_equal(count(store), before + 1);
    struct ndc_store_conn *conn = take(store, NDC_READ);
    struct ndc_rows *rows = ndc_sql_query(conn, "PRAGMA integrity_check", NDC_NO_ARGS);
    assert_true(ndc_rows_next(rows));
    assert_str_eq(ndc_rows_text(rows, 0), "ok");
    assert_ok(ndc_rows_end(rows, &fault), &fault);
    ndc_store_give(conn);
    ndc_store_close(store);
}

static void test_not_a_database(void **state)
{
    (void)state;
    char url[160];
    struct ndc_store *store;
    struct ndc_store_options options = {.read_only = true};
    snprintf(url, sizeof(url), "sqlite:%s/not.db", test_db_folder());
    assert_ok(ndc_file_write(url + 7,
                             NDC_STR("this is a text, and long enough at that, of "
                                     "more than a hundred bytes, so that it could "
                                     "hold a database's header."),
                             0644, &fault),
              &fault);
    expect(ndc_store_open(&store, url, NULL, &fault), "db.corrupt");
    expect(ndc_store_open(&store, url, &options, &fault), "db.corrupt");
    snprintf(url, sizeof(url), "sqlite:%s/none.db", test_db_folder());
    expect(ndc_store_open(&store, url, &options, &fault), "db.open");
}

/* Somebody else's file, in a folder that we may only read, as a user without rights. */
static int read_foreign(const char *url)
{
    struct ndc_store *store;
    struct ndc_store_conn *conn;
    struct ndc_store_options options = {.read_only = true};
    int64_t n;
    struct ndc_fault f = {0};
    if (geteuid() == 0 && (setgid(65534) || setuid(65534))) return 2;
    if (ndc_store_open(&store, url, &options, &f)) {
        printf("# %s: %s\n", f.code, f.message);
        return 3;
    }
    if (ndc_store_take(store, NDC_READ, &conn, &f) ||
        ndc_sql_i64(conn, &n, "SELECT count(*) FROM t", NDC_NO_ARGS, &f) || n != 1) {
        printf("# %s: %s\n", f.code, f.message);
        return 4;
    }
    if (!ndc_sql_exec(conn, insert_sql, NDC_ARGS(ndc_textz("x")), NULL, &f)) return 5;
    if (strcmp(f.code, "db.readonly") != 0) return 6;
    ndc_store_give(conn);
    f = (struct ndc_fault){0};
    if (!ndc_store_take(store, NDC_WRITE, &conn, &f)) return 7;
    ndc_store_close(store);
    /* to be opened for writing, it is refused with a reason */
    f = (struct ndc_fault){0};
    if (!ndc_store_open(&store, url, NULL, &f)) return 8;
    if (strcmp(f.code, "db.readonly") != 0 && strcmp(f.code, "db.open") != 0) {
        printf("# %s: %s\n", f.code, f.message);
        return 9;
    }
    return 0;
}

static void test_read_only_folder(void **state)
{
    (void)state;
    char dir[96], url[160];
    struct ndc_store *store;
    static char one[] = "one";
    snprintf(dir, sizeof(dir), "%s/foreign", test_db_folder());
    snprintf(url, sizeof(url), "sqlite:%s/data?odd%%.db", dir);
    assert_ok(ndc_store_open(&store, url, NULL, &fault), &fault);
    make_table(store);
    assert_ok(ndc_store_write(store, insert, one, &fault), &fault);
    ndc_store_close(store);
    assert_int_equal(chmod(url + 7, 0444), 0);
    assert_int_equal(chmod(dir, 0555), 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        int rc = read_foreign(url);
        fflush(stdout);
        _exit(rc);
    }
    int status;
    waitpid(pid, &status, 0);
    chmod(dir, 0755);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_ON_POSTGRES(test_server_gone_and_back),
        TEST_ON_POSTGRES(test_server_gone_in_scan_and_bulk),
        TEST_ON_POSTGRES(test_server_killed_under_writers),
        TEST_ON_SQLITE(test_disk_full),
        cmocka_unit_test(test_not_a_database),
        cmocka_unit_test(test_read_only_folder),
    };
    return test_db_run(tests);
}

/* store: group commit. What is acknowledged is durable, what fails leaves no trace, and
 * one caller's failure is not another's; also when the process is killed. */
#include "tests/db.h"

#include "store/inject.h"
#include "store/writer.h"
#include "sys/clock.h"
#include "sys/thread.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static struct ndc_fault fault;

static struct ndc_store *open_store(void **state, const struct ndc_store_options *options)
{
    struct ndc_store *store = test_db_open(state, options);
    struct ndc_store_conn *conn;
    fault = (struct ndc_fault){0};
    assert_ok(ndc_store_take(store, NDC_WRITE, &conn, &fault), &fault);
    assert_ok(ndc_sql_script(conn,
                             "CREATE TABLE w (k TEXT PRIMARY KEY, v BIGINT NOT NULL);"
                             "CREATE TABLE pair (k TEXT PRIMARY KEY, half BIGINT);",
                             &fault),
              &fault);
    ndc_store_give(conn);
    return store;
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

struct row {
    const char *key;
    int64_t value;
};

static enum ndc_err insert(struct ndc_store_conn *conn, void *arg, struct ndc_fault *f)
{
    struct row *r = arg;
    enum ndc_err err =
        ndc_sql_exec(conn, "INSERT INTO w (k, v) VALUES ($1, $2)",
                     NDC_ARGS(ndc_textz(r->key), ndc_int(r->value)), NULL, f);
    /* two statements: half of them must never be seen */
    return err ? err
               : ndc_sql_exec(conn, "INSERT INTO pair (k, half) VALUES ($1, $2)",
                              NDC_ARGS(ndc_textz(r->key), ndc_int(r->value)), NULL, f);
}

/* ---- many callers at once ---- */

enum { THREADS = 12, EACH = 60 };

struct caller {
    struct ndc_store *store;
    unsigned index;
    unsigned bad; /* outcomes that were not as they should be */
};

static void call(void *arg)
{
    struct caller *c = arg;
    for (unsigned i = 0; i < EACH; i++) {
        char key[32];
        struct ndc_fault f = {0};
        /* every third is there already */
        bool clash = i % 3 == 2;
        snprintf(key, sizeof(key), "%u-%u", c->index, clash ? i - 1 : i);
        struct row r = {key, i};
        enum ndc_err err = ndc_store_write(c->store, insert, &r, &f);
        c->bad += clash ? strcmp(f.code, "db.unique") != 0 : err != NDC_OK;
    }
}

static void test_failures_stay_alone(void **state)
{
    struct ndc_store *store = open_store(state, NULL);
    struct ndc_thread threads[THREADS];
    struct caller callers[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        callers[i] = (struct caller){store, i, 0};
        ndc_thread_start(&threads[i], "caller", call, &callers[i]);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        ndc_thread_join(&threads[i]);
        assert_int_equal(callers[i].bad, 0);
    }
    assert_int_equal(count(store, "SELECT count(*) FROM w"), THREADS * EACH * 2 / 3);
    assert_int_equal(count(store, "SELECT count(*) FROM w JOIN pair ON w.k = pair.k"),
                     THREADS * EACH * 2 / 3);
    struct ndc_store_stats stats;
    ndc_store_stats(store, &stats);
    assert_int_equal(stats.writes, THREADS * EACH);
    assert_int_equal(stats.writes_failed, THREADS * EACH / 3);
    assert_true(stats.commits < stats.writes); /* they were grouped */
    ndc_store_close(store);
}

/* ---- without waiting ---- */

static atomic_int told_ok, told_bad;

static void told(void *arg, enum ndc_err err, const struct ndc_fault *f)
{
    (void)f;
    free(arg);
    atomic_fetch_add(err ? &told_bad : &told_ok, 1);
}

static enum ndc_err insert_number(struct ndc_store_conn *conn, void *arg,
                                  struct ndc_fault *f)
{
    char key[24];
    snprintf(key, sizeof(key), "%d", *(int *)arg);
    struct row r = {key, 1};
    return insert(conn, &r, f);
}

static void test_async(void **state)
{
    struct ndc_store *store = open_store(state, NULL);
    atomic_store(&told_ok, 0);
    atomic_store(&told_bad, 0);
    for (int i = 0; i < 1000; i++) {
        int *n = malloc(sizeof(*n));
        *n = i % 900; /* a hundred are there already */
        assert_ok(ndc_store_write_async(store, insert_number, told, n, &fault), &fault);
    }
    ndc_store_close(store); /* finishes what is queued */
    assert_int_equal(atomic_load(&told_ok), 900);
    assert_int_equal(atomic_load(&told_bad), 100);
}

/* ---- a write whose statement fails for want of space, at every possible place ---- */

static void test_injected_failures(void **state)
{
    struct ndc_store *store = open_store(state, NULL);
    unsigned failed = 0, done = 0;
    for (int64_t after = 0; after < 6; after++) {
        ndc_store_fail_after(store, after, NULL);
        for (unsigned i = 0; i < 2; i++) {
            char key[32];
            struct ndc_fault f = {0};
            snprintf(key, sizeof(key), "%d-%u", (int)after, i);
            struct row r = {key, 1};
            enum ndc_err err = ndc_store_write(store, insert, &r, &f);
            if (err) assert_string_equal(f.code, "db.full");
            failed += err != NDC_OK;
            done += err == NDC_OK;
        }
    }
    ndc_store_fail_after(store, -1, NULL);
    assert_int_equal(failed, 6);
    assert_int_equal(count(store, "SELECT count(*) FROM w"), done);
    assert_int_equal(count(store, "SELECT count(*) FROM pair"), done);
    ndc_store_close(store);
}

static enum ndc_err swallow(struct ndc_store_conn *conn, void *arg, struct ndc_fault *f)
{
    (void)arg;
    (void)f;
    struct ndc_fault ignored = {0};
    struct row r = {"there", 1};
    if (insert(conn, &r, &ignored)) return NDC_OK; /* claims success after a failure */
    return NDC_OK;
}

static void test_swallowed_failure_is_told(void **state)
{
    struct ndc_store *store = open_store(state, NULL);
    struct row r = {"there", 1};
    assert_ok(ndc_store_write(store, insert, &r, &fault), &fault);
    assert_int_equal(ndc_store_write(store, swallow, NULL, &fault), NDC_EINTERNAL);
    assert_string_equal(fault.code, "db.aborted");
    fault = (struct ndc_fault){0};
    ndc_store_close(store);
}

/* ---- kill -9 ---- */

enum { CHILD_THREADS = 6, KILLS = 12 };

/* What the child was told is durable, in memory that outlives it. */
struct ack {
    atomic_int last[CHILD_THREADS];
};

struct killed {
    struct ndc_store *store;
    struct ack *ack;
    unsigned index;
};

static void write_until_killed(void *arg)
{
    struct killed *k = arg;
    for (int i = atomic_load(&k->ack->last[k->index]) + 1;; i++) {
        char key[32];
        struct ndc_fault f = {0};
        snprintf(key, sizeof(key), "%u-%d", k->index, i);
        struct row r = {key, i};
        /* the last one may have been committed without being acknowledged */
        enum ndc_err err = ndc_store_write(k->store, insert, &r, &f);
        if (err && strcmp(f.code, "db.unique") != 0) {
            printf("# child: %s\n", f.message);
            _exit(1);
        }
        atomic_store(&k->ack->last[k->index], i);
    }
}

static void run_child(const char *url, struct ack *ack)
{
    struct ndc_store *store;
    struct ndc_thread threads[CHILD_THREADS];
    struct killed killed[CHILD_THREADS];
    struct ndc_fault f = {0};
    if (ndc_store_open(&store, url, NULL, &f)) {
        printf("# child: %s\n", f.message);
        _exit(1);
    }
    for (unsigned i = 0; i < CHILD_THREADS; i++) {
        killed[i] = (struct killed){store, ack, i};
        ndc_thread_start(&threads[i], "child", write_until_killed, &killed[i]);
    }
    for (;;)
        pause();
}

static void test_killed_at_random(void **state)
{
    const char *url = test_db_url(state);
    struct ndc_store *store;
    struct ndc_store_conn *conn;
    struct ack *ack = mmap(NULL, sizeof(*ack), PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(ack != MAP_FAILED);
    fault = (struct ndc_fault){0};
    assert_ok(ndc_store_open(&store, url, NULL, &fault), &fault);
    assert_ok(ndc_store_take(store, NDC_WRITE, &conn, &fault), &fault);
    assert_ok(ndc_sql_script(conn,
                             "CREATE TABLE w (k TEXT PRIMARY KEY, v BIGINT NOT NULL);"
                             "CREATE TABLE pair (k TEXT PRIMARY KEY, half BIGINT);",
                             &fault),
              &fault);
    ndc_store_give(conn);
    ndc_store_close(store);
    srandom((unsigned)getpid());
    for (unsigned kills = 0; kills < KILLS; kills++) {
        int before = atomic_load(&ack->last[0]);
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) run_child(url, ack);
        while (atomic_load(&ack->last[0]) < before + 3 && kill(pid, 0) == 0)
            usleep(500);
        usleep((unsigned)random() % 20000);
        kill(pid, SIGKILL);
        int status;
        waitpid(pid, &status, 0);
        assert_true(WIFSIGNALED(status));
        assert_ok(ndc_store_open(&store, url, NULL, &fault), &fault);
        for (unsigned t = 0; t < CHILD_THREADS; t++) {
            char sql[120];
            snprintf(sql, sizeof(sql), "SELECT count(*) FROM w WHERE k LIKE '%u-%%'", t);
            int64_t n = count(store, sql), acked = atomic_load(&ack->last[t]);
            /* all that was acknowledged, and at most the one that was on its way */
            assert_true(n >= acked && n <= acked + 1);
        }
        assert_int_equal(count(store, "SELECT count(*) FROM w"),
                         count(store, "SELECT count(*) FROM pair"));
        ndc_store_close(store);
    }
    munmap(ack, sizeof(*ack));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_ON_BOTH(test_failures_stay_alone),
        TEST_ON_BOTH(test_async),
        TEST_ON_BOTH(test_injected_failures),
        TEST_ON_BOTH(test_swallowed_failure_is_told),
        TEST_ON_BOTH(test_killed_at_random),
    };
    return test_db_run(tests);
}

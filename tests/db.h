/* Databases for tests: every test that touches one runs on SQLite and on PostgreSQL.
 *
 *     static void test_x(void **state)
 *     {
 *         struct ndc_store *store = test_db_open(state, NULL);    a fresh, empty one
 *         ...
 *         ndc_store_close(store);
 *     }
 *     const struct CMUnitTest tests[] = {TEST_ON_BOTH(test_x), ...};
 *     return test_db_run(tests, n)   is   cmocka_run_group_tests with the fixture's end
 *
 * PostgreSQL is started once a program, when first asked for, from Debian's package: as
 * the user postgres when we are root, in a temporary folder, on a Unix socket only. When
 * its programs are absent the test is skipped and says so. */
#ifndef NDC_TESTS_DB_H
#define NDC_TESTS_DB_H

#include "tests/test.h"

#include "store/store.h"

extern char test_on_sqlite[], test_on_postgres[];

#define TEST_ON_SQLITE(f)                             \
    {                                                 \
#        f " (sqlite)", f, NULL, NULL, test_on_sqlite \
    }
#define TEST_ON_POSTGRES(f)                               \
    {                                                     \
#        f " (postgres)", f, NULL, NULL, test_on_postgres \
    }
#define TEST_ON_BOTH(f) TEST_ON_SQLITE(f), TEST_ON_POSTGRES(f)

#define test_db_run(tests) cmocka_run_group_tests(tests, NULL, test_db_teardown)
int test_db_teardown(void **state);

/* Which database this test runs on. */
enum ndc_store_kind test_db_kind(void **state);
/* URL of a fresh, empty database of the test's kind; skips the test if there is no
 * PostgreSQL. Valid until the end of the program. */
const char *test_db_url(void **state);
/* URL of a fresh database on another PostgreSQL, given by the URL of one there. */
const char *test_db_fresh(const char *server);
/* The same as test_db_url, opened. Fails the test if it cannot be. */
struct ndc_store *test_db_open(void **state, const struct ndc_store_options *options);
/* A temporary folder of this program, removed at its end. */
const char *test_db_folder(void);

/* PostgreSQL as a whole: killed as by a power cut, started again with its data. */
void test_pg_kill(void);
void test_pg_restart(void);
/* Waits until nobody is connected to the database: what a program that was killed had
 * sent is still carried out, a commit too, and its process ends after that. SQLite has
 * nothing to wait for. */
void test_pg_left(const char *url);
/* Has PostgreSQL run with a setting ("wal_level=logical"); call before it is first asked
 * for. The string stays; at most 8. */
void test_pg_setting(const char *setting);
/* For tests of durability: syncs to disk from now on (restarts it). */
void test_pg_sync_on(void);

/* Fails the test with the fault's words if err is not NDC_OK. */
#define assert_ok(err, fault)                                                            \
    do {                                                                                 \
        enum ndc_err err_ = (err);                                                       \
        if (err_)                                                                        \
            fail_msg("%s: %s: %s", ndc_err_name(err_), (fault)->code, (fault)->message); \
    } while (0)

#endif

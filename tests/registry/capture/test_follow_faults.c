/* Following a table when things die: the follower, the server, the slot, the target.
 * Nothing is lost, nothing comes twice, the log does not grow without bound, and it is
 * said what is the matter. */
#include "tests/registry/capture/target.h"

#include "base/hash.h"
#include "sys/clock.h"
#include "sys/thread.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KILLS_DEFAULT = 40 };

static struct ndc_fault fault;

static void declare_followed(struct target *t, const char *more)
{
    char connector[512];
    snprintf(connector, sizeof(connector),
             "{type: postgres, url: \"%s\", table: public.cu_tru, slot: ndc_s%s}",
             origin_url(), more);
    target_declare(t, connector, ORIGIN_FIELDS);
}

static void begin(struct target *t, void **state, const char *more)
{
    origin_new();
    origin_table();
    target_new(t, state);
    declare_followed(t, more);
}

static void end(struct target *t)
{
    target_free(t);
    origin_free();
}

/* ---- kill -9 ---- */

static int kills(void)
{
    const char *given = getenv("NDC_TEST_KILLS");
    int64_t n = 0;
    return given && ndc_str_to_i64(ndc_str(given), &n) ? (int)n : KILLS_DEFAULT;
}

struct writing {
    struct ndc_thread thread;
    struct ndc_mutex lock;
    bool stop;
    uint64_t seed, transactions;
};

static bool stopped(struct writing *w)
{
    ndc_mutex_lock(&w->lock);
    bool stop = w->stop;
    ndc_mutex_unlock(&w->lock);
    return stop;
}

static void write_on(void *arg)
{
    struct writing *w = arg;
    PGconn *c = origin_connect();
    for (unsigned i = 0; !stopped(w); i++) {
        char sql[512];
        unsigned a = (unsigned)ndc_rng_below(&w->seed, 500);
        snprintf(
            sql, sizeof(sql),
            i % 40 == 0
                ? "INSERT INTO cu_tru (id, ten) SELECT g, 'x%u' FROM generate_series(%u, "
                  "%u + 1000) g ON CONFLICT (id) DO UPDATE SET ten = excluded.ten"
            : i % 3 == 0 ? "DELETE FROM cu_tru WHERE id IN (%u, %u, %u)"
                         : "INSERT INTO cu_tru (id, ten) VALUES (%u, 'y%u') ON CONFLICT "
                           "(id) DO UPDATE SET ten = 'z%u'",
            a, a, a);
        PGresult *r = PQexec(c, sql);
        assert_int_equal(PQresultStatus(r), PGRES_COMMAND_OK);
        PQclear(r);
        w->transactions++;
        ndc_clock_sleep_ms((int64_t)ndc_rng_below(&w->seed, 4));
    }
    PQfinish(c);
}

/* Follows in a process of its own, which is killed at some moment. */
static void follow_and_die(struct target *t, uint64_t *seed)
{
    pid_t child = fork();
    if (child == 0) {
        target_open(t);
        target_start(t);
        for (;;)
            pause();
    }
    ndc_clock_sleep_ms(30 + (int64_t)ndc_rng_below(seed, 350));
    kill(child, SIGKILL);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

static void test_killed_again_and_again(void **state)
{
    struct target t;
    struct writing w = {.seed = 7};
    uint64_t seed = 3;
    begin(&t, state, "");
    origin_sql(
        "INSERT INTO cu_tru (id, ten) SELECT g, 'a' FROM generate_series(1, 300) g");
    target_start(&t);
    target_until(&t, NDC_CAPTURE_FOLLOWING);
    target_stop(&t);
    target_close(&t); /* no database survives a fork open */
    ndc_mutex_init(&w.lock);
    ndc_thread_start(&w.thread, "writer", write_on, &w);
    for (int i = 0; i < kills(); i++)
        follow_and_die(&t, &seed);
    ndc_mutex_lock(&w.lock);
    w.stop = true;
    ndc_mutex_unlock(&w.lock);
    ndc_thread_join(&w.thread);
    ndc_mutex_free(&w.lock);
    target_open(&t);
    target_start(&t);
    target_until_same(&t, NULL);
    struct ndc_capture_status s = target_status(&t);
    printf("# killed %d times among %llu transactions; late %llu, snapshots at the end "
           "%llu\n",
           kills(), (unsigned long long)w.transactions, (unsigned long long)s.late,
           (unsigned long long)s.snapshots);
    assert_int_equal(s.snapshots, 0);
    /* what was committed is not given again: a position is kept with its rows */
    assert_int_equal(s.late, 0);
    end(&t);
}

/* ---- the server ---- */

static bool is_waiting(const struct ndc_capture_status *s)
{
    return s->state == NDC_CAPTURE_WAITING;
}

static void test_target_away(void **state)
{
    struct target t;
    begin(&t, state, "");
    target_start(&t);
    target_until(&t, NDC_CAPTURE_FOLLOWING);
    t.away = true;
    origin_sql("INSERT INTO cu_tru (id, ten) VALUES (1, 'a')");
    assert_true(target_wait(&t, is_waiting, 20000));
    assert_string_equal(target_status(&t).code, "db.busy");
    origin_sql("UPDATE cu_tru SET ten = 'b'");
    t.away = false;
    target_until_same(&t, NULL);
    end(&t);
}

static void test_connections_cut(void **state)
{
    struct target t;
    begin(&t, state, "");
    target_start(&t);
    target_until(&t, NDC_CAPTURE_FOLLOWING);
    for (int i = 0; i < 5; i++) {
        origin_sql("INSERT INTO cu_tru (id, ten) VALUES (%d, 'a')", i);
        origin_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> "
                   "pg_backend_pid() AND datname = current_database()");
        origin_sql("INSERT INTO cu_tru (id, ten) VALUES (%d, 'b')", 100 + i);
        assert_ok(ndc_capture_act(t.capture, NDC_STR("s"), NDC_CAPTURE_START, &fault),
                  &fault);
        target_until_same(&t, NULL);
    }
    assert_int_equal(target_status(&t).snapshots, 1);
    end(&t);
}

/* ---- the slot ---- */

static bool lost_once(const struct ndc_capture_status *s)
{
    return s->losses >= 1;
}

static void drop_slot(void)
{
    origin_sql("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE "
               "slot_name = 'ndc_s' AND active");
    for (int i = 0;
         i < 200 && origin_i64("SELECT count(*) FROM pg_replication_slots WHERE "
                               "slot_name = 'ndc_s' AND active");
         i++)
        ndc_clock_sleep_ms(10);
    origin_sql("SELECT pg_drop_replication_slot('ndc_s')");
}

static void test_slot_gone(void **state)
{
    struct target t;
    begin(&t, state, "");
    origin_sql("INSERT INTO cu_tru (id, ten) VALUES (1, 'a'), (2, 'b')");
    target_start(&t);
    target_until(&t, NDC_CAPTURE_FOLLOWING);
    target_until_same(&t, NULL);
    target_stop(&t);
    drop_slot();
    origin_sql("DELETE FROM cu_tru WHERE id = 1"); /* nobody will tell of this */
    origin_sql("INSERT INTO cu_tru (id, ten) VALUES (3, 'c')");
    target_start(&t);
    target_until(&t, NDC_CAPTURE_FOLLOWING);
    target_until_same(&t, NULL);
    struct ndc_capture_status s = target_status(&t);
    assert_int_equal(s.losses, 1);
    assert_int_equal(s.snapshots, 1);
    origin_sql("UPDATE cu_tru SET ten = 'd'");
    target_until_same(&t, NULL);
    assert_int_equal(target_status(&t).late, 0); /* versions went on */
    end(&t);
}

static void test_slot_read_by_another(void **state)
{
    struct target t;
    begin(&t, state, "");
    target_start(&t);
    target_until(&t, NDC_CAPTURE_FOLLOWING);
    target_stop(&t);
    origin_sql("INSERT INTO cu_tru (id, ten) VALUES (1, 'a')");
    for (int i = 0; i < 200 && origin_i64("SELECT count(*) FROM pg_replication_slots "
                                          "WHERE active");
         i++)
        ndc_clock_sleep_ms(50); /* the server takes its time to see who has left */
    origin_sql("SELECT count(*) FROM pg_logical_slot_get_changes('ndc_s', NULL, NULL, "
               "'format-version', '2')");
    target_start(&t);
    assert_true(target_wait(&t, lost_once, 20000));
    target_until_same(&t, NULL);
    end(&t);
}

/* A stranger's slot is not touched. */
static void test_slot_of_another(void **state)
{
    struct target t;
    begin(&t, state, "");
    origin_sql("SELECT pg_create_logical_replication_slot('ndc_s', 'wal2json')");
    target_start(&t);
    target_until(&t, NDC_CAPTURE_PAUSED);
    assert_string_equal(target_status(&t).code, "capture.slot_taken");
    assert_int_equal(
        origin_i64("SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'ndc_s'"),
        1);
    end(&t);
}

static void fill_log(unsigned mb)
{
    origin_sql("CREATE TABLE IF NOT EXISTS fill (t text)");
    for (unsigned i = 0; i < mb; i++)
        origin_sql("INSERT INTO fill SELECT repeat(md5(g::text), 30) FROM "
                   "generate_series(1, 1000) g");
}

static bool given_up(const struct ndc_capture_status *s)
{
    return strcmp(s->code, "capture.slot_given_up") == 0;
}

/* Stopped, the slot keeps log: it is told, bounded, and recovered from. */
static void test_slot_grows(void **state)
{
    struct target t;
    begin(&t, state, ", slot_mb_max: 16");
    origin_sql("INSERT INTO cu_tru (id, ten) VALUES (1, 'a'), (2, 'b')");
    target_start(&t);
    target_until(&t, NDC_CAPTURE_FOLLOWING);
    target_until_same(&t, NULL);
    assert_ok(ndc_capture_act(t.capture, NDC_STR("s"), NDC_CAPTURE_STOP, &fault), &fault);
    target_until(&t, NDC_CAPTURE_STOPPED);
    origin_sql("DELETE FROM cu_tru WHERE id = 2");
    fill_log(40);
    assert_true(target_wait(&t, given_up, 30000));
    assert_int_equal(target_status(&t).state, NDC_CAPTURE_STOPPED);
    assert_int_equal(
        origin_i64("SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'ndc_s'"),
        0);
    assert_ok(ndc_capture_act(t.capture, NDC_STR("s"), NDC_CAPTURE_START, &fault),
              &fault);
    target_until_same(&t, NULL);
    assert_int_equal(target_status(&t).losses, 1);
    end(&t);
}

/* The server's own cap: what it removed is known, and loaded anew. */
static void test_slot_lost_by_the_servers_cap(void **state)
{
    struct target t;
    begin(&t, state, "");
    origin_sql("INSERT INTO cu_tru (id, ten) VALUES (1, 'a'), (2, 'b')");
    target_start(&t);
    target_until(&t, NDC_CAPTURE_FOLLOWING);
    target_until_same(&t, NULL);
    target_stop(&t);
    origin_sql("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'");
    origin_sql("SELECT pg_reload_conf()");
    origin_sql("DELETE FROM cu_tru WHERE id = 2");
    for (int i = 0; i < 4; i++) {
        fill_log(20);
        origin_sql("SELECT pg_switch_wal()");
        origin_sql("CHECKPOINT");
    }
    target_start(&t);
    assert_true(target_wait(&t, lost_once, 30000));
    origin_sql("ALTER SYSTEM RESET max_slot_wal_keep_size");
    origin_sql("SELECT pg_reload_conf()");
    target_until_same(&t, NULL);
    end(&t);
}

/* A quiet table among busy others keeps no log. */
static void test_quiet_table_keeps_no_log(void **state)
{
    struct target t;
    begin(&t, state, "");
    target_start(&t);
    target_until(&t, NDC_CAPTURE_FOLLOWING);
    int64_t before =
        origin_i64("SELECT pg_wal_lsn_diff(confirmed_flush_lsn, '0/0')::bigint "
                   "FROM pg_replication_slots WHERE slot_name = 'ndc_s'");
    fill_log(20);
    int64_t after = 0;
    for (int i = 0; i < 300; i++) {
        after =
            origin_i64("SELECT pg_wal_lsn_diff(confirmed_flush_lsn, '0/0')::bigint FROM "
                       "pg_replication_slots WHERE slot_name = 'ndc_s'");
        if (after - before > (15 << 20)) break;
        ndc_clock_sleep_ms(100);
    }
    assert_true(after - before > (15 << 20));
    assert_int_equal(target_status(&t).changes, 0);
    /* and what was confirmed without rows is no loss after a restart */
    target_stop(&t);
    origin_sql("INSERT INTO cu_tru (id, ten) VALUES (1, 'a')");
    target_start(&t);
    target_until_same(&t, NULL);
    assert_int_equal(target_status(&t).losses, 0);
    end(&t);
}

/* ---- by request ---- */

static void test_stop_is_kept(void **state)
{
    struct target t;
    begin(&t, state, "");
    target_start(&t);
    target_until(&t, NDC_CAPTURE_FOLLOWING);
    assert_ok(ndc_capture_act(t.capture, NDC_STR("s"), NDC_CAPTURE_STOP, &fault), &fault);
    target_until(&t, NDC_CAPTURE_STOPPED);
    target_stop(&t);
    target_start(&t);
    target_until(&t, NDC_CAPTURE_STOPPED);
    origin_sql("INSERT INTO cu_tru (id, ten) VALUES (1, 'a')");
    ndc_clock_sleep_ms(200);
    assert_int_equal(target_i64(&t, "SELECT count(*) FROM fake_row"), 0);
    assert_ok(ndc_capture_act(t.capture, NDC_STR("s"), NDC_CAPTURE_NEW_SNAPSHOT, &fault),
              &fault);
    target_until_same(&t, NULL);
    /* not followed any more: the slot is given back */
    target_declare(&t, "{type: push}", "[{column: ten, to: full_name}]");
    for (int i = 0; i < 500; i++) {
        if (origin_i64("SELECT count(*) FROM pg_replication_slots WHERE slot_name = "
                       "'ndc_s'") == 0)
            break;
        ndc_clock_sleep_ms(20);
    }
    assert_int_equal(
        origin_i64("SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'ndc_s'"),
        0);
    end(&t);
}

/* A slot waits for the transactions that are under way: it can be stopped meanwhile. */
static void test_stop_while_a_slot_waits(void **state)
{
    struct target t;
    begin(&t, state, "");
    PGconn *slow = origin_connect();
    PQclear(PQexec(slow, "SET idle_in_transaction_session_timeout = '90s'"));
    PQclear(PQexec(slow, "BEGIN; INSERT INTO cu_tru (id, ten) VALUES (1, 'a')"));
    target_start(&t);
    target_until(&t, NDC_CAPTURE_SNAPSHOT);
    ndc_clock_sleep_ms(300);
    assert_int_equal(target_status(&t).state, NDC_CAPTURE_SNAPSHOT);
    int64_t at = ndc_clock_mono_ns();
    target_stop(&t);
    assert_true(ndc_clock_mono_ns() - at < (int64_t)10 * 1000000000);
    PQclear(PQexec(slow, "COMMIT"));
    PQfinish(slow);
    target_start(&t);
    target_until_same(&t, NULL);
    end(&t);
}

static void test_one_pass(void **state)
{
    struct target t;
    const struct ndc_capture_run run = {.once = true};
    begin(&t, state, "");
    origin_sql("INSERT INTO cu_tru (id, ten) VALUES (1, 'a')");
    assert_ok(ndc_capture_follow(t.w.reg, NDC_STR("s"), &t.hooks, &run, &fault), &fault);
    origin_sql("UPDATE cu_tru SET ten = 'b'");
    origin_sql(
        "INSERT INTO cu_tru (id, ten) SELECT g, 'c' FROM generate_series(2, 20000) g");
    assert_ok(ndc_capture_follow(t.w.reg, NDC_STR("s"), &t.hooks, &run, &fault), &fault);
    char *want = origin_text(), *have = target_text(&t);
    assert_string_equal(want, have);
    free(want);
    free(have);
    assert_int_equal(ndc_capture_follow(t.w.reg, NDC_STR("no"), &t.hooks, &run, &fault),
                     NDC_ENOTFOUND);
    end(&t);
}

int main(void)
{
    test_pg_setting("wal_level=logical");
    test_pg_setting("max_replication_slots=20");
    test_pg_setting("min_wal_size=32MB");
    const struct CMUnitTest tests[] = {
        TEST_ON_BOTH(test_killed_again_and_again),
        TEST_ON_SQLITE(test_target_away),
        TEST_ON_SQLITE(test_connections_cut),
        TEST_ON_SQLITE(test_slot_gone),
        TEST_ON_SQLITE(test_slot_read_by_another),
        TEST_ON_SQLITE(test_slot_of_another),
        TEST_ON_SQLITE(test_slot_grows),
        TEST_ON_SQLITE(test_slot_lost_by_the_servers_cap),
        TEST_ON_SQLITE(test_quiet_table_keeps_no_log),
        TEST_ON_BOTH(test_stop_is_kept),
        TEST_ON_SQLITE(test_stop_while_a_slot_waits),
        TEST_ON_SQLITE(test_one_pass),
    };
    return test_db_run(tests);
}

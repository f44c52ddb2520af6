/* A table followed: its snapshot and every change of it, of every type and kind, however
 * many write; what is quick, what is large, what the declaration and the table say anew.
 */
#include "tests/registry/capture/target.h"

#include "base/hash.h"
#include "sys/clock.h"
#include "sys/thread.h"

static struct ndc_fault fault;

static void declare_followed(struct target *t, const char *more)
{
    char connector[512];
    snprintf(connector, sizeof(connector),
             "{type: postgres, url: \"%s\", table: public.cu_tru, slot: ndc_s%s}",
             origin_url(), more);
    target_declare(t, connector, ORIGIN_FIELDS);
}

static void begin(struct target *t, void **state)
{
    origin_new();
    origin_table();
    target_new(t, state);
    declare_followed(t, "");
}

static void end(struct target *t)
{
    target_free(t);
    origin_free();
}

/* ---- what is followed ---- */

static void test_types(void **state)
{
    struct target t;
    begin(&t, state);
    origin_sql(
        "INSERT INTO cu_tru VALUES (1, 'Nguyễn Văn \"An\" \\ tab\tx\ny', '2001-02-03', "
        "12.50, true, '\\x00ff', array['a','b c',null], NULL), (2, NULL, NULL, 'NaN', "
        "false, '', '{}', ''), (3, '', '0099-01-01', -0.001, NULL, NULL, NULL, '\\N')");
    target_start(&t);
    target_until(&t, NDC_CAPTURE_FOLLOWING);
    target_until_same(&t, NULL);
    /* the same values again, as changes */
    origin_sql(
        "INSERT INTO cu_tru SELECT id + 10, ten, ngay, so, co, du_lieu, nhan, lon FROM "
        "cu_tru");
    origin_sql("UPDATE cu_tru SET ten = 'Đỗ Thị Ỷ \x01\xf0\x9f\x8c\xbe', so = "
               "123456789012345678901234567890.5 "
               "WHERE id = 11");
    origin_sql("DELETE FROM cu_tru WHERE id = 2");
    target_until_same(&t, NULL);
    assert_int_equal(target_status(&t).snapshots, 1);
    end(&t);
}

static void test_key_update_and_order(void **state)
{
    struct target t;
    begin(&t, state);
    origin_sql("INSERT INTO cu_tru (id, ten) VALUES (1, 'a'), (2, 'b')");
    target_start(&t);
    target_until(&t, NDC_CAPTURE_FOLLOWING);
    /* one key goes from row to row in one transaction, then in many */
    origin_sql(
        "BEGIN; UPDATE cu_tru SET id = 3 WHERE id = 1; UPDATE cu_tru SET id = 1 WHERE "
        "id = 2; UPDATE cu_tru SET ten = 'c' WHERE id = 1; DELETE FROM cu_tru WHERE id "
        "= 3; INSERT INTO cu_tru (id, ten) VALUES (3, 'd'); COMMIT");
    target_until_same(&t, NULL);
    origin_sql("UPDATE cu_tru SET id = 4 WHERE id = 1");
    origin_sql("DELETE FROM cu_tru WHERE id = 4");
    origin_sql("INSERT INTO cu_tru (id, ten) VALUES (4, 'e')");
    target_until_same(&t, NULL);
    end(&t);
}

static void test_toast(void **state)
{
    struct target t;
    begin(&t, state);
    origin_sql(
        "INSERT INTO cu_tru (id, ten, lon) SELECT g, 'a', repeat(g::text, 9000) FROM "
        "generate_series(1, 5) g");
    target_start(&t);
    target_until(&t, NDC_CAPTURE_FOLLOWING);
    /* none of these says `lon` */
    origin_sql("UPDATE cu_tru SET ten = 'b' WHERE id = 1");
    origin_sql("UPDATE cu_tru SET id = 20 WHERE id = 2");
    origin_sql(
        "BEGIN; UPDATE cu_tru SET ten = 'c' WHERE id = 3; DELETE FROM cu_tru WHERE id "
        "= 3; COMMIT");
    origin_sql(
        "BEGIN; UPDATE cu_tru SET ten = 'c' WHERE id = 4; UPDATE cu_tru SET id = 40 "
        "WHERE id = 4; COMMIT");
    origin_sql("ALTER TABLE cu_tru REPLICA IDENTITY FULL");
    origin_sql("UPDATE cu_tru SET ten = 'f' WHERE id = 5");
    target_until_same(&t, NULL);
    end(&t);
}

static void test_truncate(void **state)
{
    struct target t;
    begin(&t, state);
    origin_sql("INSERT INTO cu_tru (id, ten) VALUES (1, 'a'), (2, 'b')");
    target_start(&t);
    target_until(&t, NDC_CAPTURE_FOLLOWING);
    target_until_same(&t, NULL);
    origin_sql(
        "BEGIN; TRUNCATE cu_tru; INSERT INTO cu_tru (id, ten) VALUES (2, 'c'), (7, "
        "'d'); COMMIT");
    target_until_same(&t, NULL);
    origin_sql("UPDATE cu_tru SET ten = 'e' WHERE id = 7");
    target_until_same(&t, NULL);
    assert_int_equal(target_status(&t).snapshots, 2);
    end(&t);
}

/* ---- what the table tells ---- */

static bool is_paused(const struct ndc_capture_status *s)
{
    return s->state == NDC_CAPTURE_PAUSED;
}

static void test_schema_changes(void **state)
{
    struct target t;
    char connector[512];
    begin(&t, state);
    origin_sql("INSERT INTO cu_tru (id, ten, so) VALUES (1, 'a', 1)");
    target_start(&t);
    target_until(&t, NDC_CAPTURE_FOLLOWING);
    /* one that nobody declared changes nothing */
    origin_sql("ALTER TABLE cu_tru ADD COLUMN them text DEFAULT 'x'");
    origin_sql("INSERT INTO cu_tru (id, ten, so) VALUES (2, 'b', 2)");
    target_until_same(&t, NULL);
    /* one that was declared and is gone */
    origin_sql("ALTER TABLE cu_tru RENAME COLUMN so TO so_moi");
    origin_sql("INSERT INTO cu_tru (id, ten, so_moi) VALUES (3, 'c', 3)");
    assert_true(target_wait(&t, is_paused, 20000));
    struct ndc_capture_status s = target_status(&t);
    assert_string_equal(s.code, "capture.no_column");
    assert_non_null(strstr(s.reason, "column \"so\" is gone"));
    /* the declaration is mended: nothing is lost, the rest goes on */
    origin_sql("INSERT INTO cu_tru (id, ten, so_moi) VALUES (4, 'd', 4)");
    snprintf(connector, sizeof(connector),
             "{type: postgres, url: \"%s\", table: public.cu_tru, slot: ndc_s}",
             origin_url());
    target_declare(
        &t, connector,
        "[{column: id, to: null}, {column: ten, to: full_name}, {column: so_moi, "
        "to: null}]");
    target_until_same(&t, "1|a|~|1|~|~|~|~\n2|b|~|2|~|~|~|~\n3|c|~|~|~|~|~|~\n"
                          "4|d|~|~|~|~|~|~\n");
    assert_int_equal(target_status(&t).snapshots, 1);
    end(&t);
}

static void test_identity(void **state)
{
    struct target t;
    begin(&t, state);
    origin_sql("ALTER TABLE cu_tru DROP CONSTRAINT cu_tru_pkey");
    origin_sql("INSERT INTO cu_tru (id, ten) VALUES (1, 'a')");
    target_start(&t);
    assert_true(target_wait(&t, is_paused, 20000));
    struct ndc_capture_status s = target_status(&t);
    assert_string_equal(s.code, "capture.identity");
    assert_non_null(strstr(s.reason, "REPLICA IDENTITY"));
    origin_sql("CREATE UNIQUE INDEX cu_tru_id ON cu_tru (id)");
    origin_sql("ALTER TABLE cu_tru ALTER id SET NOT NULL");
    origin_sql("ALTER TABLE cu_tru REPLICA IDENTITY USING INDEX cu_tru_id");
    assert_ok(ndc_capture_act(t.capture, NDC_STR("s"), NDC_CAPTURE_START, &fault),
              &fault);
    target_until_same(&t, NULL);
    origin_sql("UPDATE cu_tru SET id = 2");
    target_until_same(&t, NULL);
    end(&t);
}

/* ---- how much, how quickly ---- */

static void test_quick(void **state)
{
    struct target t;
    int64_t slowest_ns = 0, sum_ns = 0;
    begin(&t, state);
    target_start(&t);
    target_until(&t, NDC_CAPTURE_FOLLOWING);
    for (int i = 0; i < 50; i++) {
        uint64_t before = target_status(&t).changes;
        origin_sql("INSERT INTO cu_tru (id, ten) VALUES (%d, 'a')", i);
        int64_t at = ndc_clock_mono_ns();
        while (target_status(&t).changes == before)
            ndc_clock_sleep_ms(1);
        int64_t took = ndc_clock_mono_ns() - at;
        slowest_ns = NDC_MAX(slowest_ns, took);
        sum_ns += took;
    }
    printf("# from commit to commit: %.1f ms on average, %.1f ms at most\n",
           (double)sum_ns / 50e6, (double)slowest_ns / 1e6);
    /* the machine may be busy: what is asserted is that no poll of seconds is in between
     */
    assert_true(sum_ns / 50 < (int64_t)500 * 1000000);
    end(&t);
}

static void test_large_transaction(void **state)
{
    struct target t;
    begin(&t, state);
    target_start(&t);
    target_until(&t, NDC_CAPTURE_FOLLOWING);
    origin_sql(
        "BEGIN; INSERT INTO cu_tru (id, ten) SELECT g, 'Nguyễn Văn ' || g FROM "
        "generate_series(1, 60000) g; UPDATE cu_tru SET ten = ten || ' b' WHERE id %% "
        "3 = 0; DELETE FROM cu_tru WHERE id %% 5 = 0; COMMIT");
    int64_t at = ndc_clock_mono_ns();
    target_until_same(&t, NULL);
    printf("# 92000 changes of one transaction in %.1f s\n",
           (double)(ndc_clock_mono_ns() - at) / 1e9);
    assert_int_equal(target_status(&t).changes, 92000);
    end(&t);
}

/* What the reader alone can do: rows are counted and their position kept, no more. */
static enum ndc_err count_only(void *arg, const struct ndc_live_rows *rows,
                               struct ndc_live_result *result, struct ndc_fault *why)
{
    (void)arg, (void)why;
    *result = (struct ndc_live_result){0};
    for (size_t i = 0; i < rows->ndjson.len; i++)
        result->rows += rows->ndjson.ptr[i] == '\n';
    return NDC_OK;
}

static void test_rate(void **state)
{
    struct target t;
    begin(&t, state);
    t.hooks.take = count_only;
    target_start(&t);
    target_until(&t, NDC_CAPTURE_FOLLOWING);
    origin_sql("INSERT INTO cu_tru (id, ten, ngay, so) SELECT g, 'Nguyễn Văn ' || g, "
               "'2001-02-03', g FROM generate_series(1, 200000) g");
    int64_t at = ndc_clock_mono_ns();
    for (int i = 0; i < 6000 && target_status(&t).changes < 200000; i++)
        ndc_clock_sleep_ms(10);
    double seconds = (double)(ndc_clock_mono_ns() - at) / 1e9;
    printf("# 200000 changes read in %.1f s: %.0f/s\n", seconds, 200000 / seconds);
    assert_int_equal(target_status(&t).changes, 200000);
    end(&t);
}

/* ---- with writers ---- */

struct writing {
    struct ndc_thread thread;
    PGconn *conn;
    uint64_t seed;
    int transactions;
};

static void run_sql(PGconn *c, const char *sql)
{
    PGresult *r = PQexec(c, sql);
    /* a collision of two writers is rolled back: nothing of it is in the log */
    if (PQresultStatus(r) == PGRES_FATAL_ERROR) PQclear(PQexec(c, "ROLLBACK"));
    PQclear(r);
}

static void write_much(void *arg)
{
    struct writing *w = arg;
    for (int i = 0; i < w->transactions; i++) {
        char sql[512];
        unsigned a = (unsigned)ndc_rng_below(&w->seed, 200),
                 b = (unsigned)ndc_rng_below(&w->seed, 200);
        run_sql(w->conn, "BEGIN");
        for (uint64_t n = ndc_rng_below(&w->seed, 4); n < 4; n++) {
            snprintf(
                sql, sizeof(sql),
                "INSERT INTO cu_tru (id, ten, so) VALUES (%u, 'n', %d) ON CONFLICT (id) "
                "DO UPDATE SET ten = cu_tru.ten || 'u', so = excluded.so",
                a, i);
            run_sql(w->conn, sql);
            a = (unsigned)ndc_rng_below(&w->seed, 200);
        }
        if (i % 3 == 0)
            snprintf(sql, sizeof(sql), "DELETE FROM cu_tru WHERE id = %u", b);
        else if (i % 7 == 0)
            snprintf(sql, sizeof(sql), "UPDATE cu_tru SET id = id + 1000 WHERE id = %u",
                     b);
        else
            snprintf(sql, sizeof(sql), "DELETE FROM cu_tru WHERE id = %u", 1000 + b);
        run_sql(w->conn, sql);
        run_sql(w->conn, i % 11 == 0 ? "ROLLBACK" : "COMMIT");
    }
}

static void test_snapshot_among_writers(void **state)
{
    struct target t;
    struct writing w[3];
    begin(&t, state);
    for (unsigned i = 0; i < NDC_ARRAY_LEN(w); i++) {
        w[i] = (struct writing){
            .conn = origin_connect(), .seed = i + 1, .transactions = 400};
        ndc_thread_start(&w[i].thread, "writer", write_much, &w[i]);
    }
    ndc_clock_sleep_ms(100); /* the snapshot falls among them */
    target_start(&t);
    for (unsigned i = 0; i < NDC_ARRAY_LEN(w); i++) {
        ndc_thread_join(&w[i].thread);
        PQfinish(w[i].conn);
    }
    target_until_same(&t, NULL);
    struct ndc_capture_status s = target_status(&t);
    assert_int_equal(s.snapshots, 1);
    assert_int_equal(s.late, 0);
    end(&t);
}

int main(void)
{
    test_pg_setting("wal_level=logical");
    test_pg_setting("max_replication_slots=20");
    const struct CMUnitTest tests[] = {
        TEST_ON_BOTH(test_types),
        TEST_ON_SQLITE(test_key_update_and_order),
        TEST_ON_SQLITE(test_toast),
        TEST_ON_SQLITE(test_truncate),
        TEST_ON_SQLITE(test_schema_changes),
        TEST_ON_SQLITE(test_identity),
        TEST_ON_BOTH(test_quick),
        TEST_ON_SQLITE(test_large_transaction),
        TEST_ON_SQLITE(test_rate),
        TEST_ON_BOTH(test_snapshot_among_writers),
    };
    return test_db_run(tests);
}

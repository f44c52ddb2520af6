/* Whole files on both databases: checked, priced, answered once for what is sent twice,
 * refused where they must be; gone on with after kill -9, with the same bytes; a
 * projection that is damaged or behind; deltas of what is watched. */
#include "tests/db.h"
#include "tests/verify/fake_people.h"

#include "core/policy.h"
#include "crypto/digest.h"
#include "crypto/token.h"
#include "platforms/verify/files.h"
#include "store/writer.h"
#include "sys/clock.h"
#include "sys/file.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static struct ndc_fault fault;

static struct fake_person people[] = {
    {1, "001085000123", "011234567", "Nguyễn Văn An", NULL, "1985-03-27", NULL, NULL,
     NULL, 0, NULL},
    {2, "001185000456", NULL, "Trần Thị Bình", NULL, "1985-02-01", NULL, NULL, NULL, 0,
     NULL},
    {3, "001050000789", NULL, "Lê Văn Cũ", NULL, "1950-01-02", NULL, NULL, NULL,
     NDC_PEOPLE_DEAD, NULL},
    {5, NULL, NULL, "Công ty TNHH Sao Mai", NULL, NULL, "0100109106", "Đỗ Văn Em",
     "001080000222", 0, NULL},
};

#define HEAD "bank_account,full_name,person_id,birth_date\n"
#define AN   "1,Nguyễn Văn An,001085000123,27/03/1985\n"
#define BINH "2,Trần Thị Bình,001185000456,01/02/1985\n"
#define CU   "3,Lê Văn Cũ,001050000789,02/01/1950\n"

struct bench {
    struct ndc_store *store;
    struct ndc_verify *v;
    const char *url;
    char dir[128];
};

static void open_again(struct bench *b)
{
    assert_ok(ndc_store_open(&b->store, b->url, NULL, &fault), &fault);
    assert_ok(ndc_verify_open(&b->v, b->store, b->dir, 2, &fault), &fault);
    b->v->checkpoint_ms = 0;
}

static void open_bench(struct bench *b, void **state)
{
    static int count;
    b->url = test_db_url(state);
    snprintf(b->dir, sizeof(b->dir), "%s/verify%d", test_db_folder(), count++);
    open_again(b);
    assert_ok(ndc_migrate(b->store, "verify", ndc_verify_migrations,
                          ndc_verify_migrations_n, &fault),
              &fault);
    assert_ok(ndc_jobs_setup(b->store, &fault), &fault);
    struct ndc_store_conn *conn;
    assert_ok(ndc_store_take(b->store, NDC_WRITE, &conn, &fault), &fault);
    assert_ok(
        ndc_sql_exec(
            conn,
            "INSERT INTO verify_bank (bank, title_vi, title_en, key_pem, key_id, "
            "rows_per_day, files_open_max, suspended, created_ms, updated_ms) "
            "VALUES ('vcb', 'V', 'V', '', '', 2000000, 3, 0, 1, 1), ('told', 'T', "
            "'T', '', '', 10, 3, 0, 1, 1), ('shut', 'S', 'S', '', '', 10, 3, 1, 1, 1)",
            NDC_NO_ARGS, NULL, &fault),
        &fault);
    ndc_store_give(conn);
    fake_people_serve(people, NDC_ARRAY_LEN(people));
    fake_policy_serve();
}

static void close_stores(struct bench *b)
{
    ndc_verify_close(b->v);
    ndc_store_close(b->store);
}

static void close_bench(struct bench *b)
{
    close_stores(b);
    assert_ok(ndc_file_remove_tree(b->dir, &fault), &fault);
}

/* Adds a file; its id, or the earlier one's. */
static const char *send(struct bench *b, const char *bank, const char *key,
                        const char *content, const char *watch)
{
    static char id[NDC_VERIFY_ID_LEN + 1], hex[65];
    char earlier[NDC_VERIFY_ID_LEN + 1] = "";
    struct ndc_arena arena;
    ndc_arena_init(&arena, 1 << 16);
    ndc_token_id(id, NDC_VERIFY_ID_LEN);
    ndc_sha256_hex(hex, ndc_str(content));
    struct ndc_verify_file f = {.file = ndc_str(id),
                                .bank = ndc_str(bank),
                                .kind = NDC_STR("file"),
                                .idempotency_key = ndc_str(key),
                                .sha256 = ndc_str(hex),
                                .watch = ndc_str(watch),
                                .principal = NDC_STR("key:TEST"),
                                .principal_kind = NDC_STR("system"),
                                .agency = ndc_str(bank),
                                .purpose = NDC_STR("account-check"),
                                .legal_basis = NDC_STR("TT 17/2024"),
                                .bytes = (int64_t)strlen(content),
                                .created_ms = ndc_clock_wall_ms()};
    assert_ok(ndc_file_write(ndc_verify_path(b->v, &arena, f.file, "in"),
                             ndc_str(content), 0600, &fault),
              &fault);
    fault = (struct ndc_fault){0};
    if (ndc_verify_file_add(b->v, &f, earlier, &fault))
        id[0] = 0;
    else if (earlier[0])
        snprintf(id, sizeof(id), "%s", earlier);
    ndc_arena_free(&arena);
    return id;
}

static struct ndc_verify_file file_of(struct bench *b, struct ndc_arena *arena,
                                      const char *id)
{
    struct ndc_store_conn *conn;
    struct ndc_verify_file f;
    assert_ok(ndc_store_take(b->store, NDC_READ, &conn, &fault), &fault);
    assert_ok(ndc_verify_file_get(conn, arena, ndc_str(id), &f, &fault), &fault);
    ndc_store_give(conn);
    return f;
}

/* The verdicts of a file, valid until the next call. */
static const char *result_of(struct bench *b, const char *id)
{
    static struct ndc_buf buf;
    struct ndc_arena arena;
    ndc_arena_init(&arena, 1 << 16);
    ndc_buf_free(&buf);
    ndc_buf_init(&buf, 256 << 20);
    assert_ok(
        ndc_file_read(&buf, ndc_verify_path(b->v, &arena, ndc_str(id), "out"), &fault),
        &fault);
    ndc_buf_add_byte(&buf, 0);
    ndc_arena_free(&arena);
    return buf.ptr;
}

static void run(struct bench *b, const char *id)
{
    assert_ok(ndc_verify_run(b->v, ndc_str(id), NULL, &fault), &fault);
}

static void test_file(void **state)
{
    struct bench b;
    struct ndc_arena arena;
    char id[NDC_VERIFY_ID_LEN + 1];
    open_bench(&b, state);
    ndc_arena_init(&arena, 1 << 20);
    snprintf(
        id, sizeof(id), "%s",
        send(&b, "vcb", "a", HEAD AN BINH CU "4,Ai Đó,001085000123,\n" AN "1,x\n", ""));
    run(&b, id);
    assert_string_equal(result_of(&b, id),
                        "row,bank_account,verdict,fields,notes,new_person_id\r\n"
                        "1,1,match,,,\r\n2,2,match,,,\r\n3,3,dead,,,\r\n"
                        "4,4,mismatch,full_name,,\r\n5,1,duplicate,row,,\r\n"
                        "6,1,invalid,,bad_columns,\r\n");
    struct ndc_verify_file f = file_of(&b, &arena, id);
    assert_int_equal(f.state, NDC_FILE_DONE);
    assert_int_equal(f.rows, 6);
    assert_int_equal(f.done, 6);
    assert_int_equal(f.counts.by[NDC_VERDICT_MATCH], 2);
    assert_int_equal(f.cost_dong, 400); /* two matches, a mismatch, a dead one */
    /* The verdicts are signed, and what the bank sent is gone. */
    char hex[65];
    ndc_sha256_hex(hex, ndc_str(result_of(&b, id)));
    assert_string_equal(f.result_sha256.ptr, hex);
    assert_int_equal(f.result_signature.len, 88);
    assert_false(ndc_file_exists(ndc_verify_path(b.v, &arena, ndc_str(id), "in")));
    assert_false(ndc_file_exists(ndc_verify_path(b.v, &arena, ndc_str(id), "plan")));
    ndc_arena_free(&arena);
    close_bench(&b);
}

static void test_ndjson(void **state)
{
    struct bench b;
    open_bench(&b, state);
    char id[NDC_VERIFY_ID_LEN + 1];
    snprintf(
        id, sizeof(id), "%s",
        send(&b, "vcb", "a",
             "{\"bank_account\":\"9\",\"org_id\":\"0100109106\",\"org_name\":\"Công ty "
             "TNHH Sao Mai\",\"legal_rep_name\":\"Ai Đó\"}\n[]\n",
             ""));
    run(&b, id);
    assert_string_equal(
        result_of(&b, id),
        "{\"row\":1,\"bank_account\":\"9\",\"verdict\":\"mismatch\",\"fields\":"
        "[\"legal_rep_name\"]}\n"
        "{\"row\":2,\"bank_account\":null,\"verdict\":\"invalid\",\"notes\":"
        "[\"bad_syntax\"]}\n");
    close_bench(&b);
}

static void test_once(void **state)
{
    struct bench b;
    char first[NDC_VERIFY_ID_LEN + 1];
    open_bench(&b, state);
    snprintf(first, sizeof(first), "%s", send(&b, "vcb", "k1", HEAD AN, ""));
    assert_string_equal(send(&b, "vcb", "k1", HEAD AN, ""), first);
    run(&b, first);
    assert_string_equal(send(&b, "vcb", "k1", HEAD AN, ""), first);
    assert_string_equal(send(&b, "vcb", "k1", HEAD BINH, ""), "");
    assert_string_equal(fault.code, "verify.key_reused");
    assert_string_not_equal(send(&b, "vcb", "k2", HEAD AN, ""), first);
    /* The same rows give the same bytes. */
    char again[NDC_VERIFY_ID_LEN + 1];
    snprintf(again, sizeof(again), "%s", send(&b, "vcb", "k3", HEAD AN, ""));
    run(&b, again);
    char *one = strdup(result_of(&b, first));
    assert_string_equal(result_of(&b, again), one);
    free(one);
    close_bench(&b);
}

static void test_refused(void **state)
{
    struct bench b;
    struct ndc_arena arena;
    char id[NDC_VERIFY_ID_LEN + 1];
    open_bench(&b, state);
    ndc_arena_init(&arena, 1 << 20);
    assert_string_equal(send(&b, "nobody", "a", HEAD AN, ""), "");
    assert_string_equal(fault.code, "verify.unknown_bank");
    assert_string_equal(send(&b, "shut", "a", HEAD AN, ""), "");
    assert_string_equal(fault.code, "verify.suspended");
    for (int i = 0; i < 3; i++) {
        char key[8];
        snprintf(key, sizeof(key), "o%d", i);
        assert_true(send(&b, "told", key, HEAD AN, "")[0]);
    }
    assert_string_equal(send(&b, "told", "o3", HEAD AN, ""), "");
    assert_string_equal(fault.code, "verify.files_open");
    assert_int_equal(ndc_fault_status(&fault), 429);
    /* No file of rows: refused, with the reason in its state. */
    snprintf(id, sizeof(id), "%s", send(&b, "vcb", "r", "hello\nworld\n", ""));
    run(&b, id);
    struct ndc_verify_file f = file_of(&b, &arena, id);
    assert_int_equal(f.state, NDC_FILE_REFUSED);
    assert_string_equal(f.error_code.ptr, "verify.no_column");
    /* More rows than the day has left. */
    ndc_arena_reset(&arena);
    struct ndc_buf many;
    ndc_buf_init(&many, 1 << 20);
    ndc_buf_add_c(&many, HEAD);
    for (int i = 0; i < 11; i++)
        ndc_buf_printf(&many, "%d,Nguyễn Văn An,001085000123,\n", i);
    ndc_buf_add_byte(&many, 0);
    struct ndc_store_conn *conn;
    assert_ok(ndc_store_take(b.store, NDC_WRITE, &conn, &fault), &fault);
    assert_ok(ndc_sql_exec(conn, "DELETE FROM verify_file", NDC_NO_ARGS, NULL, &fault),
              &fault);
    ndc_store_give(conn);
    snprintf(id, sizeof(id), "%s", send(&b, "told", "m", many.ptr, ""));
    run(&b, id);
    f = file_of(&b, &arena, id);
    assert_int_equal(f.state, NDC_FILE_REFUSED);
    assert_string_equal(f.error_code.ptr, "verify.rate");
    ndc_buf_free(&many);
    ndc_arena_free(&arena);
    close_bench(&b);
}

static void test_projection_follows(void **state)
{
    struct bench b;
    char id[NDC_VERIFY_ID_LEN + 1], path[256];
    struct fake_person *an = &people[0], before = people[0];
    open_bench(&b, state);
    snprintf(id, sizeof(id), "%s", send(&b, "vcb", "1", HEAD AN, ""));
    run(&b, id);
    assert_non_null(strstr(result_of(&b, id), "1,1,match"));
    an->flags = NDC_PEOPLE_DEAD;
    fake_people_changed(1);
    snprintf(id, sizeof(id), "%s", send(&b, "vcb", "2", HEAD AN, ""));
    run(&b, id);
    assert_non_null(strstr(result_of(&b, id), "1,1,dead"));
    an->entity = 100; /* merged away, and another has the number */
    an->flags = 0;
    fake_people_changed(1);
    fake_people_changed(100);
    snprintf(id, sizeof(id), "%s", send(&b, "vcb", "3", HEAD AN, ""));
    run(&b, id);
    assert_non_null(strstr(result_of(&b, id), "1,1,match"));
    /* What is on the disk is damaged: made anew, not believed. */
    close_stores(&b);
    snprintf(path, sizeof(path), "%s/projection", b.dir);
    assert_ok(ndc_file_write(path, NDC_STR("rubbish"), 0600, &fault), &fault);
    open_again(&b);
    snprintf(id, sizeof(id), "%s", send(&b, "vcb", "4", HEAD AN, ""));
    run(&b, id);
    assert_non_null(strstr(result_of(&b, id), "1,1,match"));
    /* A new generation: everything may be another. */
    an->name = "Nguyễn Văn Khác";
    fake_people_generation();
    snprintf(id, sizeof(id), "%s", send(&b, "vcb", "5", HEAD AN, ""));
    run(&b, id);
    assert_non_null(strstr(result_of(&b, id), "1,1,mismatch,full_name"));
    people[0] = before;
    close_bench(&b);
}

static void freeze(struct bench *b, const char *id)
{
    struct ndc_store_conn *conn;
    char hash[24];
    snprintf(hash, sizeof(hash), "%llu",
             (unsigned long long)ndc_hash_id(&b->v->key, NDC_ID_PERSONAL, ndc_str(id)));
    assert_ok(ndc_store_take(b->store, NDC_WRITE, &conn, &fault), &fault);
    assert_ok(
        ndc_sql_exec(conn,
                     "INSERT INTO verify_freeze (freeze_id, kind, hash, masked, reason, "
                     "legal_basis, created_by, created_ms, lifted_by, lifted_ms) "
                     "VALUES (1, 1, $1, '', '', '', '', 1, '', 0)",
                     NDC_ARGS(ndc_textz(hash)), NULL, &fault),
        &fault);
    ndc_store_give(conn);
}

static void test_watch(void **state)
{
    struct bench b;
    struct ndc_verify_watch w = {NDC_STR("vcb"), NDC_STR("all"), NDC_STR_NULL, 0, 0};
    char id[NDC_VERIFY_ID_LEN + 1], delta[NDC_VERIFY_ID_LEN + 1];
    struct ndc_arena arena;
    open_bench(&b, state);
    ndc_arena_init(&arena, 1 << 20);
    snprintf(id, sizeof(id), "%s", send(&b, "vcb", "w", HEAD AN BINH CU "4,x\n", "all"));
    run(&b, id);
    w.file = ndc_str(id);
    /* Nothing has changed: nothing is told. */
    assert_ok(ndc_verify_delta_start(b.v, &w, delta, &fault), &fault);
    assert_string_equal(result_of(&b, delta),
                        "row,bank_account,verdict,fields,notes,new_person_id\r\n");
    people[1].flags = NDC_PEOPLE_DEAD;
    fake_people_changed(2);
    freeze(&b, "001085000123");
    char second[NDC_VERIFY_ID_LEN + 1];
    w.file = ndc_str(delta);
    assert_ok(ndc_verify_delta_start(b.v, &w, second, &fault), &fault);
    assert_string_equal(result_of(&b, second),
                        "row,bank_account,verdict,fields,notes,new_person_id\r\n"
                        "1,1,frozen,,,\r\n2,2,dead,,,\r\n");
    /* Told once. */
    w.file = ndc_str(second);
    assert_ok(ndc_verify_delta_start(b.v, &w, delta, &fault), &fault);
    assert_string_equal(result_of(&b, delta),
                        "row,bank_account,verdict,fields,notes,new_person_id\r\n");
    /* What is watched names nobody. */
    struct ndc_buf rows;
    ndc_buf_init(&rows, 1 << 20);
    assert_ok(ndc_file_read(&rows, ndc_verify_path(b.v, &arena, ndc_str(delta), "watch"),
                            &fault),
              &fault);
    assert_int_equal(rows.len, 3 * sizeof(struct ndc_watch_row));
    assert_null(memmem(rows.ptr, rows.len, "001085000123", 12));
    ndc_buf_free(&rows);
    people[1].flags = 0;
    ndc_arena_free(&arena);
    close_bench(&b);
}

/* ---- kill -9 ---- */

static enum ndc_err run_job(struct ndc_job *job, void *arg, struct ndc_fault *f)
{
    struct json_object *o;
    enum ndc_err err = ndc_json_parse(&o, ndc_job_arguments(job), f);
    if (err) return err;
    err = ndc_verify_run(arg, ndc_json_get_str(o, "file"), job, f);
    json_object_put(o);
    return err;
}

static struct ndc_jobs *start_jobs(struct bench *b)
{
    struct ndc_jobs *jobs;
    const struct ndc_job_kind kind = {.platform = "verify",
                                      .name = "check",
                                      .resumable = true,
                                      .attempts_max = 1000,
                                      .run = run_job,
                                      .arg = b->v};
    const struct ndc_jobs_options options = {.threads = 1, .progress_ms = 50};
    assert_ok(ndc_jobs_start(&jobs, b->store, &kind, 1, &options, &fault), &fault);
    return jobs;
}

static char *many_rows(size_t rows)
{
    struct ndc_buf buf;
    ndc_buf_init(&buf, 256 << 20);
    ndc_buf_add_c(&buf, HEAD);
    for (size_t i = 0; i < rows; i++)
        ndc_buf_printf(&buf, "%zu,%s,001085000123,27/03/1985\n", i % (rows - 50),
                       i % 3 ? "Nguyễn Văn An" : "Ai Đó");
    ndc_buf_add_byte(&buf, 0);
    return buf.ptr;
}

static void test_killed(void **state)
{
    enum { ROUNDS = 40, ROWS = 700000 };
    struct bench b;
    char whole[NDC_VERIFY_ID_LEN + 1], id[NDC_VERIFY_ID_LEN + 1];
    char job[NDC_JOB_ID_LEN + 1], arguments[64];
    enum ndc_job_state end;
    char *content = many_rows(ROWS);
    open_bench(&b, state);
    snprintf(whole, sizeof(whole), "%s", send(&b, "vcb", "whole", content, ""));
    run(&b, whole);
    char *want = strdup(result_of(&b, whole));
    snprintf(id, sizeof(id), "%s", send(&b, "vcb", "killed", content, "w"));
    snprintf(arguments, sizeof(arguments), "{\"file\":\"%s\"}", id);
    struct ndc_jobs *jobs = start_jobs(&b);
    assert_ok(ndc_job_submit(jobs, "verify", "check", NDC_STR("t"), ndc_str(arguments),
                             job, &fault),
              &fault);
    ndc_jobs_stop(jobs); /* it goes on at the next start, as after any stop */
    int kills = 0;
    close_stores(&b); /* no database survives a fork open */
    for (int round = 0; round < ROUNDS; round++) {
        pid_t child = fork();
        if (child == 0) {
            open_again(&b);
            (void)start_jobs(&b);
            ndc_clock_sleep_ms(60000);
            _exit(0);
        }
        int status;
        /* From before it has begun until after it is done. */
        ndc_clock_sleep_ms(20 + round * 37 % 600);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &status, 0), child);
        kills += WIFSIGNALED(status);
    }
    open_again(&b);
    jobs = start_jobs(&b);
    struct ndc_job_info *list;
    struct ndc_arena arena;
    size_t n;
    ndc_arena_init(&arena, 4 << 20);
    assert_ok(
        ndc_job_list(jobs, &arena, NDC_STR("verify"), NDC_STR(""), 10, &list, &n, &fault),
        &fault);
    assert_int_equal(n, 1);
    assert_ok(ndc_job_wait(jobs, list[0].id, 120000, &end, &fault), &fault);
    assert_int_equal(end, NDC_JOB_SUCCEEDED);
    ndc_jobs_stop(jobs);
    struct ndc_verify_file f = file_of(&b, &arena, id);
    assert_int_equal(f.state, NDC_FILE_DONE);
    assert_int_equal(f.counts.rows, ROWS);
    assert_int_equal(f.counts.by[NDC_VERDICT_DUPLICATE], 50);
    assert_int_equal(kills, ROUNDS);
    if (strcmp(result_of(&b, id), want) != 0) fail_msg("verdicts differ after kills");
    struct ndc_store_conn *conn;
    struct ndc_verify_watch *watches;
    assert_ok(ndc_store_take(b.store, NDC_READ, &conn, &fault), &fault);
    assert_ok(ndc_verify_watch_list(conn, &arena, NDC_STR("vcb"), &watches, &n, &fault),
              &fault);
    ndc_store_give(conn);
    assert_int_equal(n, 1);
    assert_int_equal(watches[0].rows, ROWS - 50);
    ndc_arena_free(&arena);
    free(want);
    free(content);
    close_bench(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_ON_BOTH(test_file),   TEST_ON_BOTH(test_ndjson),
        TEST_ON_BOTH(test_once),   TEST_ON_BOTH(test_refused),
        TEST_ON_BOTH(test_watch),  TEST_ON_BOTH(test_projection_follows),
        TEST_ON_BOTH(test_killed),
    };
    return test_db_run(tests);
}

/* Runs that nobody works on any more come to an end; loads by the clock. */
#include "tests/registry/core/fixture.h"

#include "platforms/registry/load/settle.h"
#include "platforms/registry/schedule.h"
#include "sys/clock.h"
#include "sys/file.h"

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct ndc_fault fault;

#define PERSON                                                                   \
    "fields:\n  - {column: k, to: ~}\n  - {column: n, to: full_name, required: " \
    "true}\n  - {column: b, to: birth_date, required: true}\n"
#define ROWS "k,n,b\n1,Nguyễn Văn An,27/03/1985\n"

static int64_t settle(struct world *w)
{
    int64_t unbuilt;
    fault = (struct ndc_fault){0};
    assert_ok(ndc_registry_settle_runs(w->reg, w->store, &unbuilt, &fault), &fault);
    return unbuilt;
}

static void write_many(struct world *w)
{
    struct ndc_buf b;
    char path[200];
    ndc_buf_init(&b, 64 << 20);
    ndc_buf_add_c(&b, "k,n,b\n");
    for (int i = 0; i < 200000; i++)
        ndc_buf_printf(&b, "%d,Nguyễn Văn An,%02d/03/%d\n", i, 1 + i % 28, 1930 + i % 90);
    snprintf(path, sizeof(path), "%s/a.csv", w->dir);
    assert_ok(ndc_file_write(path, ndc_buf_str(&b), 0644, &fault), &fault);
    ndc_buf_free(&b);
}

static int stage_files(struct world *w)
{
    char folder[200];
    int n = 0;
    snprintf(folder, sizeof(folder), "%s/stage", w->dir);
    DIR *dir = opendir(folder);
    for (struct dirent *e; (e = readdir(dir));)
        n += strncmp(e->d_name, "a.", 2) == 0;
    closedir(dir);
    return n;
}

static bool slowly(void *arg)
{
    (void)arg;
    ndc_clock_sleep_ms(100);
    return false;
}

/* As `ndc source load`, killed in the middle. */
static void test_killed_load(void **state)
{
    struct world w;
    struct ndc_load_result r;
    world_new(&w, state);
    declare(&w, "a", "{mode: snapshot}", PERSON);
    write_csv(&w, "a", ROWS);
    load(&w, "a", NULL);
    write_many(&w);
    world_free(&w);
    int opened[2];
    char byte;
    assert_int_equal(pipe(opened), 0);
    pid_t child = fork();
    if (child == 0) {
        int64_t run;
        world_reopen_after_fork(&w);
        if (write(opened[1], "", 1) != 1) _exit(2);
        if (ndc_registry_queue_run(w.reg, NDC_STR("a"), NDC_STR_NULL, &run, &fault))
            _exit(1);
        const struct ndc_progress progress = {.canceled = slowly};
        _exit(ndc_registry_load(w.reg, run, &progress, &r, &fault) ? 1 : 0);
    }
    assert_int_equal(read(opened[0], &byte, 1), 1);
    close(opened[0]);
    close(opened[1]);
    world_reopen_after_fork(&w);
    for (int i = 0; i < 2000; i++) {
        usleep(1000);
        if (count_of(&w, "SELECT count(*) FROM registry_run WHERE state = 'loading'"))
            break;
    }
    assert_int_equal(settle(&w), 1); /* it lives: nothing is taken from it */
    assert_int_equal(
        count_of(&w, "SELECT count(*) FROM registry_run WHERE state = 'loading'"), 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_int_equal(settle(&w), 1); /* the first run: loaded, not built */
    assert_string_equal(
        text_of(&w, "SELECT state FROM registry_run ORDER BY run DESC LIMIT 1"),
        "failed");
    assert_non_null(
        strstr(text_of(&w, "SELECT error FROM registry_run ORDER BY run DESC LIMIT 1"),
               "interrupted"));
    assert_true(
        count_of(&w, "SELECT finished_ms FROM registry_run ORDER BY run DESC LIMIT 1") >
        0);
    assert_int_equal(stage_files(&w), 1); /* the good stage, nothing else */
    assert_int_equal(count_of(&w, "SELECT records FROM registry_source"), 1);
    load(&w, "a", &r);
    assert_int_equal(r.accepted, 200000);
    world_free(&w);
}

static void add_job(struct world *w, const char *sql)
{
    struct ndc_store_conn *conn;
    assert_ok(ndc_jobs_setup(w->store, &fault), &fault);
    assert_ok(ndc_store_take(w->store, NDC_WRITE, &conn, &fault), &fault);
    assert_ok(ndc_sql_exec(conn, sql, NDC_NO_ARGS, NULL, &fault), &fault);
    ndc_store_give(conn);
}

#define JOB(id, state, arguments)                                                        \
    "INSERT INTO ndc_job (id, platform, kind, principal, arguments, state, done, "       \
    "total, "                                                                            \
    "unit, phase, created_ms, started_ms, finished_ms, heartbeat_ms, attempts, cancel, " \
    "error_code, error, owner, not_before_ms) VALUES ('" id "', 'registry', "            \
    "'integrate', 'user:x', '" arguments "', '" state                                    \
    "', 0, 0, '', '', 1, 0, 0, 0, 0, 0, '', '', '', 0)"

/* What a job will take up again is its own; what a job left that ended is nobody's. */
static void test_runs_of_jobs(void **state)
{
    struct world w;
    int64_t run;
    world_new(&w, state);
    declare(&w, "a", "{mode: snapshot}", PERSON);
    for (int i = 0; i < 4; i++)
        assert_ok(ndc_registry_queue_run(w.reg, NDC_STR("a"), NDC_STR_NULL, &run, &fault),
                  &fault);
    add_job(&w, JOB("j1", "queued", "{\"runs\":[1]}"));
    add_job(&w, JOB("j2", "canceled", "{\"runs\":[3]}"));
    add_job(&w, "UPDATE registry_run SET owner = 'gone' WHERE run <= 2");
    add_job(&w, "UPDATE registry_run SET job = 'j2' WHERE run = 3");
    settle(&w);
    assert_string_equal(text_of(&w, "SELECT state FROM registry_run WHERE run = 1"),
                        "queued"); /* j1 has it */
    assert_string_equal(text_of(&w, "SELECT state FROM registry_run WHERE run = 2"),
                        "failed"); /* its process is gone */
    assert_string_equal(text_of(&w, "SELECT state FROM registry_run WHERE run = 3"),
                        "failed"); /* its job was canceled */
    assert_string_equal(text_of(&w, "SELECT state FROM registry_run WHERE run = 4"),
                        "queued"); /* ours, on its way */
    world_free(&w);
}

static int64_t local_ms(int hour, int minute)
{
    struct tm t = {.tm_year = 126,
                   .tm_mon = 10,
                   .tm_mday = 22,
                   .tm_hour = hour,
                   .tm_min = minute,
                   .tm_isdst = -1};
    return (int64_t)mktime(&t) * 1000;
}

static int64_t runs_of(struct world *w, const char *source)
{
    char sql[120];
    snprintf(sql, sizeof(sql), "SELECT count(*) FROM registry_run WHERE source = '%s'",
             source);
    return count_of(w, sql);
}

/* Without jobs a tick queues, cannot submit, and gives up cleanly: what is due is seen by
 * the runs. (With jobs: tests/registry/serve.) */
static void test_tick(void **state)
{
    struct world w;
    int64_t run;
    world_new(&w, state);
    declare(&w, "night", "{mode: snapshot, schedule: '30 2 * * *'}", PERSON);
    declare(&w, "hourly", "{mode: snapshot, schedule: '0 * * * *'}", PERSON);
    declare(&w, "hand", "{mode: snapshot}", PERSON);
    ndc_schedule_tick(w.reg, local_ms(2, 29));
    assert_int_equal(count_of(&w, "SELECT count(*) FROM registry_run"), 0);
    ndc_schedule_tick(w.reg, local_ms(2, 30));
    assert_int_equal(runs_of(&w, "night"), 1);
    assert_int_equal(count_of(&w, "SELECT count(*) FROM registry_run"), 1);
    assert_string_equal(text_of(&w, "SELECT state FROM registry_run"), "failed");
    assert_non_null(strstr(text_of(&w, "SELECT error FROM registry_run"), "jobs"));
    ndc_schedule_tick(w.reg, local_ms(3, 0));
    assert_int_equal(runs_of(&w, "hourly"), 1);
    /* One that is under way is left for its next time. */
    assert_ok(
        ndc_registry_queue_run(w.reg, NDC_STR("hourly"), NDC_STR_NULL, &run, &fault),
        &fault);
    ndc_schedule_tick(w.reg, local_ms(4, 0));
    assert_int_equal(runs_of(&w, "hourly"), 2);
    assert_int_equal(runs_of(&w, "hand"), 0);
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_ON_BOTH(test_killed_load),
        TEST_ON_BOTH(test_runs_of_jobs),
        TEST_ON_BOTH(test_tick),
    };
    signal(SIGPIPE, SIG_IGN);
    return test_db_run(tests);
}

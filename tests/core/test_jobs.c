/* core/jobs: what a user of jobs sees, on both databases; crashes are real: a child
 * process that is killed. */
#include "tests/db.h"

#include "core/jobs.h"
#include "store/writer.h"
#include "sys/clock.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ID_LEN = 26,
    HELD_STEPS = 10,
    END_MS = 120000
}; /* for a slow machine; nothing waits that long */

static struct ndc_fault fault;
static atomic_int running_now, running_most, changes_seen, progress_seen;
static atomic_bool hold;
static atomic_int *steps_made; /* shared with the child processes */

static enum ndc_err run_echo(struct ndc_job *job, void *arg, struct ndc_fault *f)
{
    (void)arg;
    (void)f;
    ndc_job_progress(job, 1, 2, "rows", "half");
    ndc_job_set_result(job, ndc_job_arguments(job));
    return NDC_OK;
}

static enum ndc_err run_fail(struct ndc_job *job, void *arg, struct ndc_fault *f)
{
    (void)job;
    (void)arg;
    return ndc_fail(f, NDC_EINPUT, "test.wrong", "row 7 has no key");
}

static enum ndc_err run_hold(struct ndc_job *job, void *arg, struct ndc_fault *f)
{
    (void)arg;
    (void)f;
    int now = atomic_fetch_add(&running_now, 1) + 1;
    if (now > atomic_load(&running_most)) atomic_store(&running_most, now);
    int64_t done = 0;
    while (atomic_load(&hold) && !ndc_job_canceled(job)) {
        ndc_job_progress(job, ++done, 0, "steps", "holding");
        ndc_clock_sleep_ms(2);
    }
    atomic_fetch_sub(&running_now, 1);
    return ndc_job_canceled(job) ? NDC_ECANCELED : NDC_OK;
}

/* Counts to 40 in a table, a step and its checkpoint in one transaction; while `hold` is
 * on, ten steps and then no further. */
struct step {
    struct ndc_job *job;
    int64_t i;
};

static enum ndc_err write_step(struct ndc_store_conn *conn, void *arg,
                               struct ndc_fault *f)
{
    struct step *s = arg;
    enum ndc_err err = ndc_sql_exec(conn, "INSERT INTO steps (i, pid) VALUES ($1, $2)",
                                    NDC_ARGS(ndc_int(s->i), ndc_int(getpid())), NULL, f);
    char text[16];
    snprintf(text, sizeof(text), "%d", (int)s->i);
    return err ? err : ndc_job_checkpoint_in(s->job, conn, ndc_str(text), f);
}

static enum ndc_err run_count(struct ndc_job *job, void *arg, struct ndc_fault *f)
{
    (void)arg;
    int64_t i = 0;
    if (!ndc_str_to_i64(ndc_job_resume_from(job), &i)) i = 0;
    int64_t held_at = i + HELD_STEPS;
    for (i++; i <= 40; i++) {
        struct step s = {job, i};
        enum ndc_err err = ndc_store_write(ndc_job_store(job), write_step, &s, f);
        if (err) return err;
        ndc_job_progress(job, i, 40, "steps", NULL);
        if (ndc_job_canceled(job)) return NDC_ECANCELED;
        if (steps_made) atomic_fetch_add(steps_made, 1);
        while (i == held_at && atomic_load(&hold) && !ndc_job_canceled(job))
            ndc_clock_sleep_ms(2);
    }
    return NDC_OK;
}

static void on_change(void *arg, const struct ndc_job_info *job)
{
    (void)arg;
    atomic_fetch_add(&changes_seen, 1);
    if (job->state == NDC_JOB_RUNNING && job->done > 0) {
        atomic_fetch_add(&progress_seen, 1);
    }
}

static const struct ndc_job_kind kinds[] = {
    {.platform = "test", .name = "echo", .run = run_echo},
    {.platform = "test", .name = "fail", .run = run_fail},
    {.platform = "test", .name = "hold", .at_once_max = 2, .run = run_hold},
    {.platform = "test", .name = "count", .resumable = true, .run = run_count},
    {.platform = "test", .name = "count_once", .run = run_count},
};

static struct ndc_jobs *start(struct ndc_store *store)
{
    struct ndc_jobs *jobs;
    struct ndc_jobs_options options = {
        .threads = 4, .progress_ms = 20, .heartbeat_ms = 200, .on_change = on_change};
    fault = (struct ndc_fault){0};
    assert_ok(ndc_jobs_start(&jobs, store, kinds, NDC_ARRAY_LEN(kinds), &options, &fault),
              &fault);
    return jobs;
}

static struct ndc_str submit(struct ndc_jobs *jobs, const char *kind, char id[27])
{
    assert_ok(ndc_job_submit(jobs, "test", kind, NDC_STR("operator"),
                             NDC_STR("{\"x\":1}"), id, &fault),
              &fault);
    return ndc_str(id);
}

static void expect_end(struct ndc_jobs *jobs, struct ndc_str id, enum ndc_job_state want)
{
    enum ndc_job_state state;
    assert_ok(ndc_job_wait(jobs, id, END_MS, &state, &fault), &fault);
    assert_string_equal(ndc_job_state_name(state), ndc_job_state_name(want));
}

static void test_run_fail_list(void **state)
{
    struct ndc_store *store = test_db_open(state, NULL);
    struct ndc_jobs *jobs = start(store);
    char a[27], b[27], c[27];
    expect_end(jobs, submit(jobs, "echo", a), NDC_JOB_SUCCEEDED);
    expect_end(jobs, submit(jobs, "fail", b), NDC_JOB_FAILED);
    assert_int_equal(
        ndc_job_submit(jobs, "test", "none", NDC_STR(""), NDC_STR("{}"), c, &fault),
        NDC_ENOTFOUND);
    fault = (struct ndc_fault){0};
    struct ndc_arena arena;
    struct ndc_job_info info, *list;
    size_t n;
    ndc_arena_init(&arena, 1 << 20);
    assert_ok(ndc_job_get(jobs, &arena, ndc_str(a), &info, &fault), &fault);
    assert_str_eq(info.result, "{\"x\":1}");
    assert_str_eq(info.principal, "operator");
    assert_int_equal(info.done, 1);
    assert_int_equal(info.total, 2);
    assert_str_eq(info.phase, "half");
    assert_true(info.finished_ms >= info.started_ms && info.started_ms > 0);
    assert_ok(ndc_job_get(jobs, &arena, ndc_str(b), &info, &fault), &fault);
    assert_str_eq(info.error_code, "test.wrong");
    assert_str_eq(info.error, "row 7 has no key");
    assert_ok(
        ndc_job_list(jobs, &arena, NDC_STR("test"), NDC_STR_NULL, 10, &list, &n, &fault),
        &fault);
    assert_int_equal(n, 2);
    assert_str_eq(list[0].id, b); /* newest first */
    assert_ok(ndc_job_list(jobs, &arena, NDC_STR_NULL, ndc_str(b), 10, &list, &n, &fault),
              &fault);
    assert_int_equal(n, 1);
    assert_str_eq(list[0].id, a);
    assert_int_equal(ndc_job_cancel(jobs, ndc_str(a), &fault), NDC_ECONFLICT);
    fault = (struct ndc_fault){0};
    assert_int_equal(ndc_job_cancel(jobs, NDC_STR("nothing"), &fault), NDC_ENOTFOUND);
    fault = (struct ndc_fault){0};
    ndc_arena_free(&arena);
    ndc_jobs_stop(jobs);
    ndc_store_close(store);
}

static void test_cancel_limits_progress(void **state)
{
    struct ndc_store *store = test_db_open(state, NULL);
    struct ndc_jobs *jobs = start(store);
    char ids[4][27];
    atomic_store(&hold, true);
    atomic_store(&running_most, 0);
    atomic_store(&progress_seen, 0);
    for (int i = 0; i < 4; i++)
        submit(jobs, "hold", ids[i]);
    struct ndc_arena arena;
    struct ndc_job_info info = {0};
    ndc_arena_init(&arena, 64 << 20);
    /* progress is told and stored while it runs */
    int64_t until = ndc_clock_mono_ns() + (int64_t)END_MS * 1000000;
    while (ndc_clock_mono_ns() < until) {
        assert_ok(ndc_job_get(jobs, &arena, ndc_str(ids[0]), &info, &fault), &fault);
        if (atomic_load(&progress_seen) > 4 && atomic_load(&running_most) == 2 &&
            info.done > 0 && info.started_ms && info.heartbeat_ms > info.started_ms)
            break;
        ndc_clock_sleep_ms(20);
    }
    ndc_clock_sleep_ms(50);
    assert_int_equal(atomic_load(&running_most), 2); /* at_once_max */
    assert_true(atomic_load(&progress_seen) > 4);
    assert_true(info.done > 0 && info.heartbeat_ms > info.started_ms);
    assert_str_eq(info.phase, "holding");
    ndc_arena_free(&arena);
    assert_ok(ndc_job_cancel(jobs, ndc_str(ids[3]), &fault), &fault); /* queued */
    expect_end(jobs, ndc_str(ids[3]), NDC_JOB_CANCELED);
    assert_ok(ndc_job_cancel(jobs, ndc_str(ids[0]), &fault), &fault); /* running */
    expect_end(jobs, ndc_str(ids[0]), NDC_JOB_CANCELED);
    atomic_store(&hold, false);
    expect_end(jobs, ndc_str(ids[1]), NDC_JOB_SUCCEEDED);
    expect_end(jobs, ndc_str(ids[2]), NDC_JOB_SUCCEEDED);
    ndc_jobs_stop(jobs);
    ndc_store_close(store);
}

static void make_steps(struct ndc_store *store)
{
    struct ndc_store_conn *conn;
    assert_ok(ndc_store_take(store, NDC_WRITE, &conn, &fault), &fault);
    assert_ok(ndc_sql_script(
                  conn, "CREATE TABLE steps (i BIGINT PRIMARY KEY, pid BIGINT)", &fault),
              &fault);
    ndc_store_give(conn);
}

static int64_t count_steps(struct ndc_store *store, const char *sql)
{
    struct ndc_store_conn *conn;
    int64_t n;
    assert_ok(ndc_store_take(store, NDC_READ, &conn, &fault), &fault);
    assert_ok(ndc_sql_i64(conn, &n, sql, NDC_NO_ARGS, &fault), &fault);
    ndc_store_give(conn);
    return n;
}

static void test_stop_and_go_on(void **state)
{
    struct ndc_store *store = test_db_open(state, NULL);
    make_steps(store);
    struct ndc_jobs *jobs = start(store);
    char id[27];
    atomic_store(&hold, true);
    submit(jobs, "count", id);
    while (count_steps(store, "SELECT count(*) FROM steps") < 3)
        ndc_clock_sleep_ms(5);
    ndc_jobs_stop(jobs);
    int64_t so_far = count_steps(store, "SELECT count(*) FROM steps");
    assert_true(so_far < 40);
    atomic_store(&hold, false);
    jobs = start(store);
    expect_end(jobs, ndc_str(id), NDC_JOB_SUCCEEDED);
    assert_int_equal(count_steps(store, "SELECT count(*) FROM steps"), 40);
    ndc_jobs_stop(jobs);
    ndc_store_close(store);
}

/* A child runs jobs and is killed in the middle. */
static void crash(const char *url, const char *kind, const char *id_path)
{
    steps_made = mmap(NULL, sizeof(*steps_made), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(steps_made != MAP_FAILED);
    if (kind) unlink(id_path);
    pid_t pid = fork();
    if (pid == 0) {
        struct ndc_store *store;
        struct ndc_jobs *jobs;
        char id[27];
        atomic_store(&hold, true);
        if (ndc_store_open(&store, url, NULL, &fault) ||
            ndc_jobs_start(&jobs, store, kinds, NDC_ARRAY_LEN(kinds), NULL, &fault) ||
            (kind && ndc_job_submit(jobs, "test", kind, NDC_STR(""), NDC_STR("{}"), id,
                                    &fault))) {
            printf("# child: %s\n", fault.message);
            _exit(1);
        }
        FILE *f = kind ? fopen(id_path, "w") : NULL;
        if (f) {
            fputs(id, f);
            fclose(f);
        }
        for (;;)
            pause();
    }
    struct stat told = {0}; /* the child may count faster than it tells the job's id */
    while (atomic_load(steps_made) < HELD_STEPS || /* no step is under way then */
           (kind && (stat(id_path, &told) != 0 || told.st_size < ID_LEN)))
        ndc_clock_sleep_ms(5);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void test_crash(void **state)
{
    const char *url = test_db_url(state);
    struct ndc_store *store;
    char path[128], id[27] = "", once[27] = "";
    assert_ok(ndc_store_open(&store, url, NULL, &fault), &fault);
    make_steps(store);
    ndc_store_close(store);
    snprintf(path, sizeof(path), "%s/id", test_db_folder());
    atomic_store(&hold, false);

    crash(url, "count_once", path);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(fgets(once, sizeof(once), f));
    fclose(f);
    assert_ok(ndc_store_open(&store, url, NULL, &fault), &fault);
    struct ndc_store_conn *conn;
    assert_ok(ndc_store_take(store, NDC_WRITE, &conn, &fault), &fault);
    assert_ok(ndc_sql_exec(conn, "DELETE FROM steps", NDC_NO_ARGS, NULL, &fault), &fault);
    ndc_store_give(conn);
    ndc_store_close(store);

    crash(url, "count", path); /* settles the first and leaves its own */
    crash(url, NULL, path);    /* goes on, and is killed too */
    f = fopen(path, "r");
    assert_non_null(fgets(id, sizeof(id), f));
    fclose(f);

    assert_ok(ndc_store_open(&store, url, NULL, &fault), &fault);
    struct ndc_jobs *jobs = start(store);
    expect_end(jobs, ndc_str(id), NDC_JOB_SUCCEEDED);
    expect_end(jobs, ndc_str(once), NDC_JOB_FAILED);
    assert_int_equal(count_steps(store, "SELECT count(*) FROM steps"), 40);
    assert_true(count_steps(store, "SELECT count(DISTINCT pid) FROM steps") >= 2);
    struct ndc_arena arena;
    struct ndc_job_info info;
    ndc_arena_init(&arena, 1 << 20);
    assert_ok(ndc_job_get(jobs, &arena, ndc_str(once), &info, &fault), &fault);
    assert_str_eq(info.error_code, "job.crashed");
    assert_ok(ndc_job_get(jobs, &arena, ndc_str(id), &info, &fault), &fault);
    assert_int_equal(info.attempts, 3);
    ndc_arena_free(&arena);
    ndc_jobs_stop(jobs);
    ndc_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_ON_BOTH(test_run_fail_list),
        TEST_ON_BOTH(test_cancel_limits_progress),
        TEST_ON_BOTH(test_stop_and_go_on),
        TEST_ON_BOTH(test_crash),
    };
    return test_db_run(tests);
}

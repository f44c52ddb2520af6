/* Faults: files that change or are damaged, disks that are full, a database that goes and
 * comes back, and kill -9 at any moment. Each ends in a clear error or nothing at all,
 * and what comes after is what would have been. */
#include "tests/registry/core/fixture.h"

#include "platforms/registry/shard/payloads.h"
#include "sys/clock.h"
#include "sys/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static struct ndc_fault fault;

#define PERSON                                                           \
    "fields:\n  - {column: k, to: ~}\n  - {column: id, to: person_id}\n" \
    "  - {column: n, to: full_name, required: true}\n"                   \
    "  - {column: b, to: birth_date, required: true}\n"
#define HEAD "k,id,n,b\n"
#define AN   "1,001085000123,Nguyễn Văn An,27/03/1985\n"
#define BINH "2,001185000456,Trần Thị Bình,01/02/1985\n"

static int64_t queue(struct world *w, const char *id)
{
    int64_t run;
    fault = (struct ndc_fault){0};
    assert_ok(ndc_registry_queue_run(w->reg, ndc_str(id), NDC_STR_NULL, &run, &fault),
              &fault);
    return run;
}

/* A load that must fail with this code: its run says so, the state before is served. */
static void must_fail(struct world *w, const char *id, const char *code)
{
    struct ndc_load_result r;
    char sql[100];
    int64_t run = queue(w, id);
    int64_t stage = count_of(w, "SELECT sum(stage_run) FROM registry_source");
    fault = (struct ndc_fault){0};
    assert_int_not_equal(ndc_registry_load(w->reg, run, NULL, &r, &fault), NDC_OK);
    if (strcmp(fault.code, code) != 0) fail_msg("%s: %s", fault.code, fault.message);
    assert_true(strlen(fault.message) > 10);
    snprintf(sql, sizeof(sql), "SELECT state FROM registry_run WHERE run = %lld",
             (long long)run);
    assert_string_equal(text_of(w, sql), "failed");
    snprintf(sql, sizeof(sql), "SELECT error FROM registry_run WHERE run = %lld",
             (long long)run);
    assert_string_equal(text_of(w, sql), fault.message);
    assert_int_equal(count_of(w, "SELECT sum(stage_run) FROM registry_source"), stage);
}

static void test_file_missing_or_changed(void **state)
{
    struct world w;
    char path[200];
    world_new(&w, state);
    declare(&w, "a", "{mode: snapshot}", PERSON);
    must_fail(&w, "a", "io.open");
    write_csv(&w, "a", HEAD AN BINH);
    load(&w, "a", NULL);
    build(&w, NULL);
    struct digest before = digest_of(&w);
    snprintf(path, sizeof(path), "%s/a.csv", w.dir);
    unlink(path);
    must_fail(&w, "a", "io.open");
    write_csv(&w, "a", "k,id,ten,b\n");
    must_fail(&w, "a", "source.no_column");
    write_csv(&w, "a", "");
    must_fail(&w, "a", "source.no_header");
    build(&w, NULL);
    assert_int_equal(digest_of(&w).content, before.content);
    write_csv(&w, "a", HEAD AN BINH);
    load(&w, "a", NULL);
    build(&w, NULL);
    assert_int_equal(digest_of(&w).content, before.content);
    world_free(&w);
}

/* A file that shrinks while it is read: from another process, at the right moment. */
static void truncate_soon(void *arg, const char *phase, uint64_t done, uint64_t total,
                          const char *unit)
{
    (void)arg, (void)phase, (void)done, (void)total, (void)unit;
}

static bool truncate_now(void *arg)
{
    const char *path = arg;
    int64_t mtime_apart_ms = 20;
    ndc_clock_sleep_ms(mtime_apart_ms);
    assert_int_equal(truncate(path, 300000), 0);
    return false;
}

static void write_many(struct world *w, const char *id, int rows)
{
    struct ndc_buf b;
    char path[200];
    ndc_buf_init(&b, 256 << 20);
    ndc_buf_add_c(&b, HEAD);
    for (int i = 0; i < rows; i++)
        ndc_buf_printf(&b, "%d,,Nguyễn Văn An,%02d/03/%d\n", i, 1 + i % 28,
                       1930 + i % 90);
    snprintf(path, sizeof(path), "%s/%s.csv", w->dir, id);
    assert_ok(ndc_file_write(path, ndc_buf_str(&b), 0644, &fault), &fault);
    ndc_buf_free(&b);
}

static void test_file_shrinks_while_read(void **state)
{
    struct world w;
    struct ndc_load_result r;
    char path[200];
    world_new(&w, state);
    declare(&w, "a", "{mode: snapshot}", PERSON);
    write_many(&w, "a", 30000);
    load(&w, "a", NULL);
    int64_t records = count_of(&w, "SELECT records FROM registry_source");
    snprintf(path, sizeof(path), "%s/a.csv", w.dir);
    const struct ndc_progress progress = {
        .arg = path, .tell = truncate_soon, .canceled = truncate_now};
    int64_t run = queue(&w, "a");
    assert_int_not_equal(ndc_registry_load(w.reg, run, &progress, &r, &fault), NDC_OK);
    assert_string_equal(fault.code, "source.changed");
    assert_int_equal(count_of(&w, "SELECT records FROM registry_source"), records);
    assert_string_equal(
        text_of(&w, "SELECT state FROM registry_run ORDER BY run DESC LIMIT 1"),
        "failed");
    world_free(&w);
}

/* ---- stages ---- */

static void stage_of(struct world *w, const char *id, char path[300])
{
    char folder[200], prefix[64];
    snprintf(folder, sizeof(folder), "%s/stage", w->dir);
    snprintf(prefix, sizeof(prefix), "%s.", id);
    DIR *dir = opendir(folder);
    path[0] = 0;
    for (struct dirent *e; (e = readdir(dir));)
        if (strncmp(e->d_name, prefix, strlen(prefix)) == 0)
            snprintf(path, 300, "%s/%.80s", folder, e->d_name);
    closedir(dir);
    assert_true(path[0]);
}

/* In a value of a record. */
static void flip_a_bit(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    char byte;
    assert_int_equal(pread(fd, &byte, 1, 40), 1);
    byte ^= 4;
    assert_int_equal(pwrite(fd, &byte, 1, 40), 1);
    close(fd);
}

static void test_damaged_stage_is_made_anew(void **state)
{
    static const char *const modes[] = {"{mode: snapshot}",
                                        "{mode: delta, op_column: op}"};
    for (int how = 0; how < 9; how++) {
        struct world w;
        struct ndc_build_stats stats;
        struct ndc_load_result r;
        char path[300];
        world_new(&w, state);
        declare(&w, "a", modes[how & 1], PERSON);
        write_csv(&w, "a", "op," HEAD "I," AN "I," BINH);
        load(&w, "a", NULL);
        stage_of(&w, "a", path);
        if (how == 4) {
            /* Not built yet: to go on without it would lose what was loaded. */
            assert_int_equal(truncate(path, 10), 0);
            fault = (struct ndc_fault){0};
            assert_int_equal(ndc_registry_build(w.reg, NULL, &stats, &fault), NDC_EIO);
            assert_string_equal(fault.code, "stage.damaged");
            load(&w, "a", NULL); /* as the message says */
            build(&w, NULL);
            assert_int_equal(digest_of(&w).records, 2);
            world_free(&w);
            continue;
        }
        build(&w, NULL);
        struct digest before = digest_of(&w);
        if (how < 2)
            assert_int_equal(truncate(path, 10), 0);
        else if (how > 5)
            flip_a_bit(path);
        else
            unlink(path);
        if (how != 5 && how != 8) build(&w, NULL); /* by the build, or by the next load */
        assert_int_equal(digest_of(&w).exact, before.exact);
        load(&w, "a", &r);
        assert_int_equal(r.unchanged, 2);
        build(&w, NULL);
        assert_int_equal(digest_of(&w).exact, before.exact);
        world_free(&w);
    }
}

/* ---- full disks ---- */

/* In a process of its own, where no file may grow beyond `bytes`. Exit code 0: the load
 * failed, as it should, and its run says why. */
static int load_on_full_disk(struct world *w, rlim_t bytes)
{
    world_free(w);
    pid_t child = fork();
    if (child == 0) {
        struct ndc_load_result r;
        struct ndc_fault f = {0};
        world_reopen_after_fork(w);
        int64_t run = queue(w, "a");
        signal(SIGXFSZ, SIG_IGN);
        const struct rlimit limit = {bytes, RLIM_INFINITY};
        setrlimit(RLIMIT_FSIZE, &limit);
        enum ndc_err err = ndc_registry_load(w->reg, run, NULL, &r, &f);
        _exit(!err ? 10 : f.message[0] ? 0 : 11);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    world_reopen_after_fork(w);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

static void test_disk_full(void **state)
{
    struct world w;
    struct ndc_load_result r;
    world_new(&w, state);
    declare(&w, "a", "{mode: snapshot}", PERSON);
    write_csv(&w, "a", HEAD AN BINH);
    load(&w, "a", NULL);
    build(&w, NULL);
    struct digest before = digest_of(&w);
    write_many(&w, "a", 60000);
    assert_int_equal(load_on_full_disk(&w, 1 << 20), 0);
    assert_int_equal(load_on_full_disk(&w, 4096), 0);
    assert_int_equal(digest_of(&w).exact, before.exact);
    assert_int_equal(count_of(&w, "SELECT records FROM registry_source"), 2);
    load(&w, "a", &r); /* there is room again */
    assert_int_equal(r.accepted, 60000);
    world_free(&w);
}

/* ---- the database goes and comes back ---- */

static void test_postgres_dies_in_mid_flight(void **state)
{
    struct world w;
    struct ndc_build_stats stats;
    int64_t runs[64];
    size_t n;
    enum ndc_err err = NDC_OK;
    world_new(&w, state);
    assert_ok(ndc_registry_declare_folder(w.reg, demo_folder(), runs, 64, &n, &fault),
              &fault);
    for (int round = 0; round < 3; round++) {
        pid_t child = fork();
        if (child == 0) {
            ndc_clock_sleep_ms(30 + round * 60);
            kill(getppid(), SIGUSR1);
            _exit(0);
        }
        fault = (struct ndc_fault){0};
        err = ndc_registry_integrate(w.reg, runs, n, NULL, &stats, &fault);
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
            ;
        test_pg_restart();
        if (!err) { /* done before the kill, which then found it idle */
            world_reopen(&w);
            break;
        }
        assert_int_equal(err, NDC_EDB);
        assert_true(strlen(fault.message) > 5);
    }
    /* As the job does: again, with the same runs, while connections of before are found
     * dead one by one, and a shard that has failed is not asked for a second. */
    for (int again = 0; err == NDC_EDB && again < 8; again++) {
        if (again) ndc_clock_sleep_ms(700);
        fault = (struct ndc_fault){0};
        err = ndc_registry_integrate(w.reg, runs, n, NULL, &stats, &fault);
    }
    assert_ok(err, &fault);
    struct digest mended = digest_of(&w);
    world_free(&w);
    world_new(&w, state);
    integrate_demo(&w, &stats);
    struct digest whole = digest_of(&w);
    assert_int_equal(mended.content, whole.content);
    assert_int_equal(mended.records, whole.records);
    world_free(&w);
}

static void kill_postgres(int sig)
{
    (void)sig;
    test_pg_kill();
}

/* ---- kill -9 ---- */

static int kill_rounds(void)
{
    const char *text = getenv("NDC_TEST_KILLS");
    int64_t n = 6;
    if (text && ndc_str_to_i64(ndc_str(text), &n) && n > 0 && n < 100000) return (int)n;
    return 6;
}

/* Runs an integration of the demo as a job would, in a process that is killed after
 * `after_ms`; true if it was done before that. */
static bool integrate_killed(struct world *w, const int64_t *runs, size_t n,
                             int64_t after_us)
{
    pid_t child = fork();
    int status = 0;
    if (child == 0) {
        struct ndc_build_stats stats;
        struct ndc_fault f = {0};
        world_reopen_after_fork(w);
        w->reg->part_bytes = 64 << 10;
        bool failed = ndc_registry_integrate(w->reg, runs, n, NULL, &stats, &f);
        ndc_registry_close(w->reg);
        ndc_store_close(w->store);
        _exit(failed ? 1 : 0);
    }
    int64_t until = ndc_clock_mono_ns() + after_us * 1000;
    while (ndc_clock_mono_ns() < until) {
        if (waitpid(child, &status, WNOHANG) == child) {
            if (!WIFEXITED(status) || WEXITSTATUS(status)) fail_msg("status %d", status);
            return true;
        }
        usleep(200);
    }
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* A first build commits in parts; what one that ended early has left is nobody's, and the
 * next gives what an undisturbed one gives. */
static bool once_committed(void *arg)
{
    return count_of(arg, "SELECT count(*) FROM registry_entity") > 0;
}

static void test_first_build_ends_early(void **state)
{
    struct world calm, w;
    struct ndc_build_stats stats;
    int64_t runs[64], count = 1;
    size_t n = 0;
    if (world_shards_wanted(state)) skip(); /* nothing is committed before the end */
    world_new(&calm, state);
    integrate_demo(&calm, &stats);
    struct digest whole = digest_of(&calm);
    world_free(&calm);
    world_new(&w, state);
    const struct ndc_progress progress = {.arg = &w, .canceled = once_committed};
    fault = (struct ndc_fault){0};
    assert_ok(ndc_registry_declare_folder(w.reg, demo_folder(), runs, 64, &n, &fault),
              &fault);
    w.reg->part_bytes = 1;
    assert_int_equal(ndc_registry_integrate(w.reg, runs, n, &progress, &stats, &fault),
                     NDC_ECANCELED);
    assert_true(once_committed(&w));
    world_reopen(&w);
    struct ndc_store_conn *conn;
    struct ndc_arena arena;
    ndc_arena_init(&arena, 1 << 20);
    assert_ok(ndc_store_take(w.store, NDC_READ, &conn, &fault), &fault);
    assert_ok(ndc_payload_count(w.reg, conn, &count, &fault), &fault);
    assert_int_equal(count, 0);
    uint64_t left =
        (uint64_t)count_of(&w, "SELECT coalesce(max(entity), 0) FROM registry_entity");
    struct ndc_entity_view v;
    assert_int_equal(ndc_registry_read(w.reg, conn, &arena, &left, &v, &fault),
                     NDC_ENOTFOUND);
    ndc_store_give(conn);
    ndc_arena_free(&arena);
    assert_int_equal(digest_of(&w).entities, 0);
    build(&w, &stats);
    struct digest d = digest_of(&w);
    assert_int_equal(d.entities, whole.entities);
    assert_int_equal(d.content, whole.content);
    world_free(&w);
}

/* A nation integrated through kills at random moments, then what the second day changed,
 * and what a third (all as before) does: each time what an undisturbed run gives. */
static void test_kill_at_random(void **state)
{
    struct world calm, w;
    struct ndc_build_stats stats;
    int64_t runs[64];
    size_t n = 0;
    uint64_t rng = (uint64_t)ndc_clock_wall_ms();
    int kills = 0, rounds = kill_rounds();
    world_new(&calm, state);
    integrate_demo(&calm, &stats);
    struct digest whole = digest_of(&calm);
    int64_t wrong = count_of(&calm, "SELECT count(*) FROM registry_quarantine");
    world_free(&calm);
    while (kills < rounds) {
        bool done = false;
        world_new(&w, state);
        fault = (struct ndc_fault){0};
        assert_ok(ndc_registry_declare_folder(w.reg, demo_folder(), runs, 64, &n, &fault),
                  &fault);
        world_free(&w);
        /* A few kills, then it may finish: as a machine that is switched off at times. */
        for (int k = 0; !done; k++) {
            rng = rng * 6364136223846793005u + 1442695040888963407u;
            int64_t after_us = k < 4 ? 10000 + (int64_t)((rng >> 33) % 700000) : 60000000;
            done = integrate_killed(&w, runs, n, after_us);
            kills += !done;
        }
        world_reopen_after_kill(&w);
        struct digest d = digest_of(&w);
        assert_int_equal(d.entities, whole.entities);
        assert_int_equal(d.records, whole.records);
        assert_int_equal(d.content, whole.content);
        assert_int_equal(count_of(&w, "SELECT count(*) FROM registry_quarantine"), wrong);
        assert_int_equal(count_of(&w, "SELECT count(*) FROM registry_run WHERE state <> "
                                      "'succeeded'"),
                         0);
        assert_int_equal(count_of(&w, "SELECT count(*) FROM registry_history"), 0);
        /* And it can be gone on from. */
        integrate_demo(&w, &stats);
        assert_int_equal(digest_of(&w).exact, d.exact);
        world_free(&w);
    }
    print_message("%d kills: every time the same %llu records in %llu entities\n", kills,
                  (unsigned long long)whole.records, (unsigned long long)whole.entities);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        TEST_ON_BOTH(test_file_missing_or_changed),
        TEST_ON_BOTH(test_file_shrinks_while_read),
        TEST_ON_BOTH(test_damaged_stage_is_made_anew),
        TEST_ON_BOTH(test_first_build_ends_early),
        TEST_ON_BOTH(test_disk_full),
        TEST_ON_POSTGRES(test_postgres_dies_in_mid_flight),
        TEST_ON_BOTH(test_kill_at_random),
    };
    const struct CMUnitTest kills[] = {TEST_ON_BOTH(test_kill_at_random)};
    signal(SIGUSR1, kill_postgres);
    signal(SIGPIPE, SIG_IGN);
    if (getenv("NDC_TEST_KILLS")) return test_db_run(kills);
    return test_db_run(all);
}

/* Change files: taken in order, once, when complete; resumed inside; what is late,
 * repeated or in another order settles to the same. */
#include "tests/registry/capture/target.h"

#include "base/hash.h"
#include "sys/clock.h"
#include "sys/file.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct ndc_fault fault;

static const char FIELDS[] =
    "[{column: id, to: null}, {column: ten, to: full_name}, {column: so, to: null}]";

static void begin(struct target *t, void **state, const char *path)
{
    char connector[256], folder[256];
    target_new(t, state);
    snprintf(folder, sizeof(folder), "%s/in", t->w.dir);
    assert_ok(ndc_file_mkdirs(folder, &fault), &fault);
    snprintf(connector, sizeof(connector), "{type: changes, path: %s}", path);
    target_declare(t, connector, FIELDS);
}

static void write_file(struct target *t, const char *name, const char *text)
{
    char path[300];
    snprintf(path, sizeof(path), "%s/in/%s", t->w.dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void append(struct target *t, const char *name, const char *text)
{
    char path[300];
    snprintf(path, sizeof(path), "%s/in/%s", t->w.dir, name);
    FILE *f = fopen(path, "a");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void once(struct target *t)
{
    const struct ndc_capture_run run = {.once = true};
    fault = (struct ndc_fault){0};
    assert_ok(ndc_capture_follow(t->w.reg, NDC_STR("s"), &t->hooks, &run, &fault),
              &fault);
}

static void assert_text(struct target *t, const char *want)
{
    char *have = target_text(t);
    assert_string_equal(have, want);
    free(have);
}

#define ROW(op, version, id, ten) \
    "{\"_op\":\"" op "\",\"_version\":" version ",\"id\":" id ",\"ten\":\"" ten "\"}\n"
#define LINE(id, ten) id "|" ten "|~|~|~|~|~|~\n"

static void test_in_order_once(void **state)
{
    struct target t;
    begin(&t, state, "in");
    write_file(&t, "0001.ndjson", ROW("I", "1", "1", "a") ROW("I", "1", "2", "b"));
    write_file(&t, "0002.ndjson", ROW("U", "2", "1", "c") "\n" ROW("D", "2", "2", ""));
    write_file(&t, "0003.ndjson", "");
    write_file(&t, "0003.txt", ROW("I", "9", "9", "no"));
    once(&t);
    assert_text(&t, LINE("1", "c"));
    assert_int_equal(target_i64(&t, "SELECT count(*) FROM registry_capture_file"), 3);
    once(&t);
    assert_int_equal(
        target_i64(&t, "SELECT CAST(sum(lines) AS BIGINT) FROM registry_capture_file"),
        5);
    /* one that comes late with an earlier name is taken too, and is late */
    write_file(&t, "0000.ndjson", ROW("U", "1", "1", "old") ROW("I", "1", "7", "g"));
    once(&t);
    assert_text(&t, LINE("1", "c") LINE("7", "g"));
    target_free(&t);
}

static bool waits_for_two(const struct ndc_capture_status *s)
{
    return strstr(s->note, "waits for 2.ndjson: its last line is not complete") != NULL;
}

static bool took_two(const struct ndc_capture_status *s)
{
    return s->files_taken >= 3;
}

static void test_incomplete_waits(void **state)
{
    struct target t;
    begin(&t, state, "in");
    write_file(&t, "1.ndjson", ROW("I", "1", "1", "a"));
    write_file(&t, "2.ndjson", ROW("I", "1", "2", "b") "{\"_op\":\"I\",\"_ver");
    write_file(&t, "3.ndjson", ROW("I", "1", "3", "c"));
    target_start(&t);
    assert_true(target_wait(&t, waits_for_two, 10000));
    target_until_same(&t, LINE("1", "a"));
    assert_int_equal(target_status(&t).files_waiting, 2);
    append(&t, "2.ndjson", "sion\":2,\"id\":4,\"ten\":\"d\"}\n");
    assert_true(target_wait(&t, took_two, 10000));
    target_until_same(&t, LINE("1", "a") LINE("2", "b") LINE("3", "c") LINE("4", "d"));
    target_free(&t);
}

static bool noted(const struct ndc_capture_status *s)
{
    return strstr(s->note, "1.ndjson is not the file that was taken") != NULL;
}

static void test_changed_afterwards(void **state)
{
    struct target t;
    begin(&t, state, "in");
    write_file(&t, "1.ndjson", ROW("I", "1", "1", "a"));
    once(&t);
    write_file(&t, "1.ndjson", ROW("I", "1", "1", "another"));
    target_start(&t);
    assert_true(target_wait(&t, noted, 10000));
    assert_text(&t, LINE("1", "a"));
    target_free(&t);
}

static void write_large(struct target *t, const char *name, int from, int to)
{
    struct ndc_buf b;
    char path[300];
    ndc_buf_init(&b, 64 << 20);
    for (int i = from; i < to; i++)
        ndc_buf_printf(&b, "{\"_op\":\"I\",\"_version\":%d,\"id\":%d,\"ten\":\"n%d\"}\n",
                       i, i, i);
    snprintf(path, sizeof(path), "%s/in/%s", t->w.dir, name);
    assert_ok(ndc_file_write(path, ndc_buf_str(&b), 0644, &fault), &fault);
    ndc_buf_free(&b);
}

static bool is_paused(const struct ndc_capture_status *s)
{
    return s->state == NDC_CAPTURE_PAUSED;
}

/* Killed inside a large file: it goes on where it was, each line once; another file in
 * its place is not taken for it. */
static void test_killed_inside(void **state)
{
    struct target t;
    int kills = 0;
    begin(&t, state, "in");
    write_large(&t, "1.ndjson", 0, 60000);
    target_close(&t);
    ndc_clock_sleep_ms(1100);
    for (; kills < 4; kills++) {
        pid_t child = fork();
        if (child == 0) {
            target_open(&t);
            t.slow_ms = 50;
            target_start(&t);
            for (;;)
                pause();
        }
        ndc_clock_sleep_ms(200 + kills * 150);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    target_open(&t);
    int64_t before = target_i64(&t, "SELECT count(*) FROM fake_row");
    target_start(&t);
    for (int i = 0; i < 4000 && target_status(&t).files_taken == 0; i++)
        ndc_clock_sleep_ms(10);
    struct ndc_capture_status s = target_status(&t);
    printf("# killed %d times; %lld lines in before, %llu after\n", kills,
           (long long)before, (unsigned long long)s.changes);
    assert_int_equal(target_i64(&t, "SELECT count(*) FROM fake_row"), 60000);
    assert_int_equal((int64_t)s.changes + before, 60000);
    target_free(&t);
}

static void test_another_in_its_place(void **state)
{
    struct target t;
    begin(&t, state, "in");
    write_large(&t, "1.ndjson", 0, 100000);
    t.slow_ms = 100;
    ndc_clock_sleep_ms(1100);
    target_start(&t);
    for (int i = 0; i < 1000 && target_status(&t).changes == 0; i++)
        ndc_clock_sleep_ms(5);
    target_stop(&t);
    int64_t taken = target_i64(&t, "SELECT count(*) FROM fake_row");
    assert_true(taken > 0 && taken < 100000);
    write_large(&t, "1.ndjson", 5, 100005);
    target_start(&t);
    assert_true(target_wait(&t, is_paused, 10000));
    assert_string_equal(target_status(&t).code, "capture.file_changed");
    target_free(&t);
}

static void test_log_that_grows(void **state)
{
    struct target t;
    begin(&t, state, "in/log.ndjson");
    target_start(&t);
    ndc_clock_sleep_ms(300);
    append(&t, "log.ndjson", ROW("I", "1", "1", "a") "{\"_op\":\"I\",");
    target_until_same(&t, LINE("1", "a"));
    append(&t, "log.ndjson", "\"_version\":1,\"id\":2,\"ten\":\"b\"}\n");
    target_until_same(&t, LINE("1", "a") LINE("2", "b"));
    target_stop(&t);
    append(&t, "log.ndjson", ROW("D", "2", "1", ""));
    target_start(&t);
    target_until_same(&t, LINE("2", "b"));
    assert_int_equal(target_status(&t).changes, 1);
    write_file(&t, "log.ndjson", ROW("I", "3", "3", "c"));
    assert_true(target_wait(&t, is_paused, 10000));
    target_free(&t);
}

/* The same changes in any order, some twice, over any number of files: one end. */
static void test_any_order(void **state)
{
    enum { CHANGES = 300 };
    char *first = NULL;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct target t;
        uint64_t draw = seed;
        int order[CHANGES];
        begin(&t, state, "in");
        for (int i = 0; i < CHANGES; i++)
            order[i] = i;
        for (int i = CHANGES - 1; i > 0 && seed > 1; i--) {
            int k = (int)ndc_rng_below(&draw, (uint64_t)i + 1), keep = order[i];
            order[i] = order[k];
            order[k] = keep;
        }
        for (int i = 0; i < CHANGES; i++) {
            char name[32], line[200];
            int v = order[i];
            snprintf(name, sizeof(name), "%d.ndjson", i * (int)seed / 100);
            snprintf(line, sizeof(line),
                     "{\"_op\":\"%s\",\"_version\":%d,\"id\":%d,\"ten\":\"v%d\"}\n",
                     v % 5 == 4 ? "D" : "U", v + 1, v * 7 % 23, v);
            append(&t, name, line);
            if (seed > 1 && i % 4 == 0) append(&t, name, line);
        }
        once(&t);
        char *text = target_text(&t);
        if (first) assert_string_equal(text, first);
        if (!first)
            first = text;
        else
            free(text);
        target_free(&t);
    }
    assert_true(strlen(first) > 50);
    free(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_ON_BOTH(test_in_order_once),
        TEST_ON_SQLITE(test_incomplete_waits),
        TEST_ON_SQLITE(test_changed_afterwards),
        TEST_ON_BOTH(test_killed_inside),
        TEST_ON_SQLITE(test_another_in_its_place),
        TEST_ON_SQLITE(test_log_that_grows),
        TEST_ON_BOTH(test_any_order),
    };
    return test_db_run(tests);
}

/* Pushed batches sent again: after the answer, at the same time, from two processes,
 * after a crash. However often, the rows are taken once and the answer is one. */
#include "tests/registry/core/fixture.h"

#include "platforms/registry/load/push.h"

#include "sys/clock.h"
#include "sys/file.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static struct ndc_fault fault;

#define PERSON                                                                   \
    "fields:\n  - {column: k, to: ~}\n  - {column: n, to: full_name, required: " \
    "true}\n  - {column: b, to: birth_date, required: true}\n"
#define AN    "{\"k\":\"1\",\"n\":\"Nguyễn Văn An\",\"b\":\"27/03/1985\"}\n"
#define WRONG "{\"k\":\"2\",\"n\":\"\",\"b\":\"31/02/1985\"}\n"

static struct ndc_push keyed(const char *key, const char *ndjson)
{
    return (struct ndc_push){.source = NDC_STR("a"),
                             .ndjson = ndc_str(ndjson),
                             .key = ndc_str(key),
                             .hash = ndc_str(ndjson)};
}

static enum ndc_err send(struct ndc_registry *reg, const struct ndc_push *push,
                         char answer[8192], bool *repeated)
{
    struct ndc_buf buf;
    struct ndc_load_result r;
    fault = (struct ndc_fault){0};
    ndc_buf_init(&buf, 1 << 20);
    enum ndc_err err = ndc_registry_push(reg, push, &buf, repeated, &r, &fault);
    snprintf(answer, 8192, "%.*s", (int)buf.len, buf.ptr ? buf.ptr : "");
    ndc_buf_free(&buf);
    return err;
}

static void test_sent_again(void **state)
{
    struct world w;
    char first[8192], second[8192];
    bool repeated;
    struct ndc_push push = keyed("day 1", AN WRONG);
    world_new(&w, state);
    declare(&w, "a", "{mode: delta}", PERSON);
    declare(&w, "b", "{mode: delta}", PERSON);
    assert_ok(send(w.reg, &push, first, &repeated), &fault);
    assert_false(repeated);
    assert_non_null(strstr(first, "\"added\":1"));
    assert_non_null(strstr(first, "\"quarantined\":1"));
    world_reopen(&w);
    assert_ok(send(w.reg, &push, second, &repeated), &fault);
    assert_true(repeated);
    assert_string_equal(first, second);
    assert_int_equal(count_of(&w, "SELECT count(*) FROM registry_run"), 1);
    assert_int_equal(count_of(&w, "SELECT count(*) FROM registry_quarantine"), 1);
    push = keyed("day 1", AN);
    assert_int_equal(send(w.reg, &push, second, &repeated), NDC_ECONFLICT);
    assert_string_equal(fault.code, "push.key_reused");
    assert_string_equal(second, "");
    push.source = NDC_STR("b"); /* keys are a source's own */
    assert_ok(send(w.reg, &push, second, &repeated), &fault);
    assert_false(repeated);
    world_free(&w);
}

enum { SENDERS = 8 };

struct senders {
    struct ndc_registry *reg[2];
    struct ndc_push push[SENDERS];
    char answer[SENDERS][8192];
    bool repeated[SENDERS];
    enum ndc_err err[SENDERS];
    struct ndc_fault fault[SENDERS];
};

static void send_one(void *arg, size_t i)
{
    struct senders *s = arg;
    struct ndc_buf buf;
    struct ndc_load_result r;
    ndc_buf_init(&buf, 1 << 20);
    s->err[i] = ndc_registry_push(s->reg[i % 2], &s->push[i], &buf, &s->repeated[i], &r,
                                  &s->fault[i]);
    snprintf(s->answer[i], sizeof(s->answer[i]), "%.*s", (int)buf.len,
             buf.ptr ? buf.ptr : "");
    ndc_buf_free(&buf);
}

static void send_at_once(struct world *w, struct ndc_registry *other)
{
    for (int round = 0; round < 12; round++) {
        struct senders *s = calloc(1, sizeof(*s));
        char key[16], text[200];
        int first = 0;
        snprintf(key, sizeof(key), "r%d", round);
        snprintf(text, sizeof(text),
                 "{\"k\":\"%d\",\"n\":\"Nguyễn Văn An\",\"b\":\"27/03/1985\"}\n", round);
        s->reg[0] = w->reg;
        s->reg[1] = other;
        for (int i = 0; i < SENDERS; i++)
            s->push[i] = keyed(key, text);
        ndc_parallel_for(SENDERS, SENDERS, send_one, s);
        for (int i = 0; i < SENDERS; i++) {
            assert_ok(s->err[i], &s->fault[i]);
            assert_string_equal(s->answer[i], s->answer[0]);
            first += !s->repeated[i];
        }
        assert_int_equal(first, 1);
        assert_non_null(strstr(s->answer[0], "\"added\":1"));
        free(s);
    }
    assert_int_equal(count_of(w, "SELECT count(*) FROM registry_push"), 12);
    assert_int_equal(count_of(w, "SELECT records FROM registry_source"), 12);
}

static void test_identical_at_once(void **state)
{
    struct world w;
    world_new(&w, state);
    declare(&w, "a", "{mode: delta}", PERSON);
    send_at_once(&w, w.reg);
    assert_int_equal(count_of(&w, "SELECT count(*) FROM registry_run"), 12);
    world_free(&w);
}

/* Two daemons on one database; each has locks of its own. */
static void test_identical_at_two_daemons(void **state)
{
    struct world w;
    struct ndc_store *store;
    struct ndc_registry *other;
    char stage[160];
    world_new(&w, state);
    declare(&w, "a", "{mode: delta}", PERSON);
    snprintf(stage, sizeof(stage), "%s/stage", w.dir);
    assert_ok(ndc_store_open(&store, w.url, NULL, &fault), &fault);
    assert_ok(ndc_registry_open(&other, store, stage, 2, &fault), &fault);
    send_at_once(&w, other);
    ndc_registry_close(other);
    ndc_store_close(store);
    world_free(&w);
}

/* Other batches under one key at once: one is taken, the rest are refused. */
static void test_others_at_once(void **state)
{
    struct world w;
    char text[SENDERS][200];
    int taken = 0;
    world_new(&w, state);
    struct senders *s = calloc(1, sizeof(*s));
    declare(&w, "a", "{mode: delta}", PERSON);
    s->reg[0] = s->reg[1] = w.reg;
    for (int i = 0; i < SENDERS; i++) {
        snprintf(text[i], sizeof(text[i]),
                 "{\"k\":\"%d\",\"n\":\"Nguyễn Văn An\",\"b\":\"27/03/1985\"}\n", i);
        s->push[i] = keyed("one", text[i]);
    }
    ndc_parallel_for(SENDERS, SENDERS, send_one, s);
    for (int i = 0; i < SENDERS; i++) {
        taken += s->err[i] == NDC_OK;
        if (s->err[i]) assert_string_equal(s->fault[i].code, "push.key_reused");
    }
    assert_int_equal(taken, 1);
    assert_int_equal(count_of(&w, "SELECT records FROM registry_source"), 1);
    free(s);
    world_free(&w);
}

/* kill -9 while it is taken: sent again, the batch has the answer that it would have had,
 * never "unchanged". */
static void test_killed_while_taken(void **state)
{
    struct world w;
    uint64_t rng = (uint64_t)ndc_clock_wall_ms();
    world_new(&w, state);
    declare(&w, "a", "{mode: delta}", PERSON);
    for (int round = 0; round < 20; round++) {
        char answer[8192], key[16], text[200];
        bool repeated;
        snprintf(key, sizeof(key), "r%d", round);
        snprintf(text, sizeof(text),
                 "{\"k\":\"%d\",\"n\":\"Nguyễn Văn An\",\"b\":\"27/03/1985\"}\n", round);
        const struct ndc_push push = keyed(key, text);
        rng = rng * 6364136223846793005u + 1442695040888963407u;
        world_free(&w);
        pid_t child = fork();
        if (child == 0) {
            world_reopen_after_fork(&w);
            _exit(send(w.reg, &push, answer, &repeated) != NDC_OK);
        }
        usleep((useconds_t)((rng >> 33) % 60000));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        world_reopen_after_kill(&w);
        assert_ok(send(w.reg, &push, answer, &repeated), &fault);
        assert_non_null(strstr(answer, "\"added\":1"));
    }
    assert_int_equal(count_of(&w, "SELECT records FROM registry_source"), 20);
    assert_int_equal(count_of(&w, "SELECT count(*) FROM registry_push"), 20);
    build(&w, NULL);
    assert_int_equal(digest_of(&w).records, 20);
    world_free(&w);
}

/* A key whose answer is forgotten is a new one; a younger answer stays. */
static void test_forgotten(void **state)
{
    struct world w;
    char answer[8192];
    bool repeated;
    int64_t deleted, now_ms = ndc_clock_wall_ms();
    const struct ndc_push one = keyed("one", AN), two = keyed("two", AN);
    world_new(&w, state);
    declare(&w, "a", "{mode: delta}", PERSON);
    assert_ok(send(w.reg, &one, answer, &repeated), &fault);
    assert_ok(send(w.reg, &two, answer, &repeated), &fault);
    assert_ok(ndc_push_forget(w.store, now_ms - 60000, &deleted, &fault), &fault);
    assert_int_equal(deleted, 0);
    struct ndc_store_conn *conn;
    assert_ok(ndc_store_take(w.store, NDC_WRITE, &conn, &fault), &fault);
    assert_ok(ndc_sql_exec(conn,
                           "UPDATE registry_push SET at_ms = $1 WHERE idempotency_key = "
                           "'one'",
                           NDC_ARGS(ndc_int(now_ms - 120000)), NULL, &fault),
              &fault);
    ndc_store_give(conn);
    assert_ok(ndc_push_forget(w.store, now_ms - 60000, &deleted, &fault), &fault);
    assert_int_equal(deleted, 1);
    assert_ok(send(w.reg, &two, answer, &repeated), &fault);
    assert_true(repeated);
    assert_ok(send(w.reg, &one, answer, &repeated), &fault);
    assert_false(repeated);
    assert_non_null(strstr(answer, "\"unchanged\":1"));
    world_free(&w);
}

static enum ndc_err refuse(struct ndc_store_conn *conn, void *arg, struct ndc_fault *f)
{
    (void)conn;
    (*(int *)arg)++;
    return ndc_fail(f, NDC_ECONFLICT, "test.refused", "not this one");
}

/* What is to be written with the batch cannot be: nothing of it is. */
static void test_all_or_nothing(void **state)
{
    struct world w;
    char answer[8192];
    int asked = 0;
    bool repeated;
    struct ndc_push push = keyed("one", AN);
    push.also = refuse;
    push.also_arg = &asked;
    world_new(&w, state);
    declare(&w, "a", "{mode: delta}", PERSON);
    assert_int_equal(send(w.reg, &push, answer, &repeated), NDC_ECONFLICT);
    assert_string_equal(fault.code, "test.refused");
    assert_string_equal(answer, "");
    assert_int_equal(asked, 1);
    assert_int_equal(count_of(&w, "SELECT count(*) FROM registry_push"), 0);
    assert_int_equal(count_of(&w, "SELECT records FROM registry_source"), 0);
    assert_string_equal(text_of(&w, "SELECT state FROM registry_run"), "failed");
    push.also = NULL;
    assert_ok(send(w.reg, &push, answer, &repeated), &fault);
    assert_non_null(strstr(answer, "\"added\":1"));
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_ON_BOTH(test_sent_again),
        TEST_ON_BOTH(test_identical_at_once),
        TEST_ON_BOTH(test_others_at_once),
        TEST_ON_BOTH(test_killed_while_taken),
        TEST_ON_BOTH(test_forgotten),
        TEST_ON_BOTH(test_all_or_nothing),
        TEST_ON_POSTGRES(test_identical_at_two_daemons),
    };
    signal(SIGPIPE, SIG_IGN);
    return test_db_run(tests);
}

/* core/outbox: order, no gaps for a reader, delivery, retry, dead letters. */
#include "tests/db.h"

#include "core/outbox.h"
#include "store/writer.h"
#include "sys/clock.h"
#include "sys/thread.h"

#include <stdatomic.h>

enum { WRITERS = 4, EACH = 150 };

static struct ndc_fault fault;

static struct ndc_store *open_store(void **state)
{
    struct ndc_store *store = test_db_open(state, NULL);
    fault = (struct ndc_fault){0};
    assert_ok(ndc_outbox_setup(store, &fault), &fault);
    return store;
}

static enum ndc_err append_one(struct ndc_store_conn *conn, void *arg,
                               struct ndc_fault *f)
{
    return ndc_outbox_append(conn, NDC_STR("a.changed"), ndc_str(arg), NDC_STR("{}"),
                             NULL, f);
}

static void append(struct ndc_store *store, const char *key)
{
    assert_ok(ndc_store_write(store, append_one, (void *)(uintptr_t)key, &fault), &fault);
}

/* Writers of two sorts at once: through the writer thread, and on connections of their
 * own with pauses between number and commit. A reader must never see N before N-1. */
struct race {
    struct ndc_store *store;
    unsigned index;
    atomic_uint *left;
    bool failed;
};

static void race_writer(void *arg)
{
    struct race *r = arg;
    struct ndc_fault f = {0};
    for (unsigned i = 0; i < EACH && !r->failed; i++) {
        if (r->index % 2 == 0) {
            r->failed = ndc_store_write(r->store, append_one, (void *)"w", &f) != NDC_OK;
            continue;
        }
        struct ndc_store_conn *conn;
        r->failed = ndc_store_take(r->store, NDC_WRITE, &conn, &f) != NDC_OK;
        if (r->failed) break;
        r->failed = ndc_tx_begin(conn, &f) || append_one(conn, (void *)"d", &f);
        if (i % 10 == 0) ndc_clock_sleep_ms(1);
        if (i % 7 == 3 || r->failed)
            ndc_tx_rollback(conn);
        else
            r->failed = ndc_tx_commit(conn, &f) != NDC_OK;
        ndc_store_give(conn);
    }
    if (r->failed) printf("# %s: %s\n", f.code, f.message);
    atomic_fetch_sub(r->left, 1);
}

static void test_reader_never_misses(void **state)
{
    struct ndc_store *store = open_store(state);
    struct ndc_thread threads[WRITERS];
    struct race races[WRITERS];
    atomic_uint left = WRITERS;
    for (unsigned i = 0; i < WRITERS; i++) {
        races[i] = (struct race){store, i, &left, false};
        ndc_thread_start(&threads[i], "race", race_writer, &races[i]);
    }
    struct ndc_arena arena;
    ndc_arena_init(&arena, 32 << 20);
    int64_t after = 0, expected = 1;
    struct ndc_store_conn *conn;
    assert_ok(ndc_store_take(store, NDC_READ, &conn, &fault), &fault);
    for (bool more = true; more;) {
        struct ndc_event *events;
        size_t n;
        more = atomic_load(&left) > 0;
        assert_ok(ndc_outbox_read(conn, &arena, after, NDC_STR(""), 1000, &events, &n,
                                  &after, &fault),
                  &fault);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(events[i].seq, expected++);
        ndc_arena_reset(&arena);
    }
    ndc_store_give(conn);
    unsigned undone = 0;
    for (unsigned i = 0; i < EACH; i++)
        undone += i % 7 == 3;
    for (unsigned i = 0; i < WRITERS; i++) {
        ndc_thread_join(&threads[i]);
        assert_false(races[i].failed);
    }
    assert_int_equal(expected - 1, WRITERS * EACH - (WRITERS / 2) * undone);
    ndc_arena_free(&arena);
    ndc_store_close(store);
}

static void test_topics(void **state)
{
    struct ndc_store *store = open_store(state);
    struct ndc_store_conn *conn;
    assert_ok(ndc_store_take(store, NDC_WRITE, &conn, &fault), &fault);
    assert_ok(ndc_tx_begin(conn, &fault), &fault);
    const char *topics[] = {"a.x", "b.x", "a.y", "ab", "b.z"};
    for (int i = 0; i < 5; i++) {
        int64_t seq;
        assert_ok(ndc_outbox_append(conn, ndc_str(topics[i]), NDC_STR("k"),
                                    NDC_STR("\"đ\""), &seq, &fault),
                  &fault);
        assert_int_equal(seq, i + 1);
    }
    assert_ok(ndc_tx_commit(conn, &fault), &fault);
    struct ndc_arena arena;
    struct ndc_event *events;
    size_t n;
    int64_t last;
    ndc_arena_init(&arena, 1 << 20);
    assert_ok(
        ndc_outbox_read(conn, &arena, 0, NDC_STR("a."), 10, &events, &n, &last, &fault),
        &fault);
    assert_int_equal(n, 2);
    assert_str_eq(events[1].topic, "a.y");
    assert_str_eq(events[1].payload, "\"đ\"");
    assert_int_equal(last, 5);
    assert_ok(
        ndc_outbox_read(conn, &arena, 0, NDC_STR("b."), 1, &events, &n, &last, &fault),
        &fault);
    assert_int_equal(last, 2);
    ndc_arena_free(&arena);
    ndc_store_give(conn);
    ndc_store_close(store);
}

struct sink {
    atomic_int got, failures_left;
    atomic_llong last;
    atomic_bool disorder;
    const char *poison; /* fails for ever on this key */
    atomic_bool cured;
};

static enum ndc_err deliver(void *arg, const struct ndc_event *event, struct ndc_fault *f)
{
    struct sink *s = arg;
    if (s->poison && !atomic_load(&s->cured) && ndc_str_eq_c(event->key, s->poison)) {
        return ndc_fail(f, NDC_EIO, "test.poison", "cannot take %.*s",
                        NDC_STR_FMT(event->key));
    }
    if (atomic_load(&s->failures_left) > 0) {
        atomic_fetch_sub(&s->failures_left, 1);
        return ndc_fail(f, NDC_EIO, "test.down", "the consumer is down");
    }
    if (!atomic_load(&s->cured) && event->seq <= atomic_load(&s->last)) {
        atomic_store(&s->disorder, true);
    }
    atomic_store(&s->last, event->seq);
    atomic_fetch_add(&s->got, 1);
    return NDC_OK;
}

static void wait_for(atomic_int *what, int value)
{
    for (int i = 0; i < 12000 && atomic_load(what) < value; i++)
        ndc_clock_sleep_ms(10);
    assert_int_equal(atomic_load(what), value);
}

static void test_delivery(void **state)
{
    struct ndc_store *store = open_store(state);
    struct sink good = {0}, flaky = {.failures_left = 3}, poisoned = {.poison = "bad"};
    struct sink late = {0};
    struct ndc_consumer consumers[] = {
        {.name = "good", .topic_prefix = "a.", .deliver = deliver, .arg = &good},
        {.name = "flaky", .deliver = deliver, .arg = &flaky, .retry_ms = 10},
        {.name = "poisoned",
         .deliver = deliver,
         .arg = &poisoned,
         .retry_ms = 5,
         .attempts_max = 3},
        {.name = "late", .deliver = deliver, .arg = &late, .from_now = true},
    };
    append(store, "one");
    append(store, "bad");
    append(store, "three");
    struct ndc_dispatcher *d;
    assert_ok(ndc_dispatcher_start(&d, store, consumers, 4, &fault), &fault);
    wait_for(&good.got, 3);
    wait_for(&flaky.got, 3);
    wait_for(&poisoned.got, 2);
    append(store, "four");
    ndc_dispatcher_wake(d);
    wait_for(&good.got, 4);
    wait_for(&poisoned.got, 3);
    wait_for(&late.got, 1);
    ndc_dispatcher_stop(d);
    assert_false(atomic_load(&good.disorder) || atomic_load(&flaky.disorder) ||
                 atomic_load(&poisoned.disorder));

    struct ndc_store_conn *conn;
    int64_t n;
    assert_ok(ndc_store_take(store, NDC_READ, &conn, &fault), &fault);
    assert_ok(ndc_sql_i64(conn, &n,
                          "SELECT attempts FROM ndc_outbox_dead WHERE seq = 2 AND "
                          "consumer = 'poisoned'",
                          NDC_NO_ARGS, &fault),
              &fault);
    assert_int_equal(n, 3);
    ndc_store_give(conn);

    /* the dead letter keeps its event through a purge, then is delivered */
    assert_ok(ndc_outbox_purge(store, ndc_clock_wall_ms() + 1000, &n, &fault), &fault);
    assert_int_equal(n, 2); /* 1 and 3; 2 is a dead letter's and 4 is the last */
    atomic_store(&poisoned.cured, true);
    assert_ok(ndc_outbox_revive(store, NDC_STR("poisoned"), 2, &fault), &fault);
    assert_ok(ndc_dispatcher_start(&d, store, consumers, 4, &fault), &fault);
    wait_for(&poisoned.got, 4);
    ndc_clock_sleep_ms(50);
    ndc_dispatcher_stop(d);
    assert_int_equal(atomic_load(&good.got), 4); /* cursors held: nothing came twice */
    assert_int_equal(ndc_outbox_revive(store, NDC_STR("poisoned"), 2, &fault),
                     NDC_ENOTFOUND);
    fault = (struct ndc_fault){0};
    append(store, "five");
    assert_ok(ndc_store_take(store, NDC_READ, &conn, &fault), &fault);
    assert_ok(ndc_outbox_last(conn, &n, &fault), &fault);
    assert_int_equal(n, 5); /* numbers go on after a purge */
    ndc_store_give(conn);
    ndc_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_ON_BOTH(test_reader_never_misses),
        TEST_ON_BOTH(test_topics),
        TEST_ON_BOTH(test_delivery),
    };
    return test_db_run(tests);
}

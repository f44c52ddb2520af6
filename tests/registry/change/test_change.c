/* The change feed's table: what is appended is read, numbers have no gaps and no repeats,
 * retention loses no number. */
#include "platforms/registry/change/change.h"

#include "store/writer.h"
#include "sys/clock.h"
#include "tests/registry/core/fixture.h"

static struct ndc_fault fault;

static struct ndc_fault *fresh(void)
{
    fault = (struct ndc_fault){0};
    return &fault;
}

struct batch {
    const struct ndc_change *changes;
    size_t n;
    int64_t first;
    bool fail;
};

static enum ndc_err write_batch(struct ndc_store_conn *conn, void *arg,
                                struct ndc_fault *f)
{
    struct batch *b = arg;
    enum ndc_err err = ndc_change_append(conn, b->changes, b->n, &b->first, f);
    if (!err && b->fail) err = ndc_fail(f, NDC_EINPUT, "test.undone", "undone");
    return err;
}

static int64_t append(struct world *w, const struct ndc_change *changes, size_t n)
{
    struct batch b = {.changes = changes, .n = n};
    assert_ok(ndc_store_write(w->store, write_batch, &b, fresh()), &fault);
    return b.first;
}

static struct ndc_change one(uint64_t entity)
{
    struct ndc_change c = {.at_ms = 1000,
                           .entity = entity,
                           .source = 3,
                           .type = NDC_ENTITY_PERSON,
                           .kind = NDC_CHANGE_CHANGED};
    ndc_field_set_add(&c.fields, 0);
    ndc_field_set_add(&c.fields, 7);
    ndc_field_set_add(&c.fields, 255);
    return c;
}

static size_t read_some(struct world *w, struct ndc_arena *arena, int64_t after,
                        size_t max, bool with_before, struct ndc_change **out)
{
    struct ndc_store_conn *conn;
    size_t n;
    assert_ok(ndc_store_take(w->store, NDC_READ, &conn, fresh()), &fault);
    assert_ok(ndc_change_read(conn, arena, after, max, with_before, out, &n, fresh()),
              &fault);
    ndc_store_give(conn);
    return n;
}

static int64_t last_of(struct world *w)
{
    struct ndc_store_conn *conn;
    int64_t seq;
    assert_ok(ndc_store_take(w->store, NDC_READ, &conn, fresh()), &fault);
    assert_ok(ndc_change_last(conn, &seq, fresh()), &fault);
    ndc_store_give(conn);
    return seq;
}

static void test_what_is_written_is_read(void **state)
{
    struct world w;
    struct ndc_arena arena;
    struct ndc_change *out, got;
    struct ndc_store_conn *conn;
    world_new(&w, state);
    ndc_arena_init(&arena, 64 << 20);
    assert_int_equal(last_of(&w), 0);
    assert_int_equal(read_some(&w, &arena, 0, 10, true, &out), 0);

    struct ndc_change c[3] = {one(UINT64_C(1) << 62), one(12), one(13)};
    c[0].before = ndc_str_n("\0\1records\xff", 10);
    c[1].kind = NDC_CHANGE_MERGED;
    c[1].other = 99;
    c[1].previous = 1;
    c[1].type = NDC_ENTITY_ORGANISATION;
    c[1].fields = (struct ndc_field_set){0};
    assert_int_equal(append(&w, c, 3), 1);
    assert_int_equal(last_of(&w), 3);

    assert_int_equal(read_some(&w, &arena, 0, 10, true, &out), 3);
    assert_int_equal(out[0].seq, 1);
    assert_int_equal(out[0].at_ms, 1000);
    assert_true(out[0].entity == UINT64_C(1) << 62);
    assert_int_equal(out[0].source, 3);
    assert_memory_equal(&out[0].fields, &c[0].fields, sizeof(c[0].fields));
    assert_true(ndc_str_eq(out[0].before, c[0].before));
    assert_int_equal(out[1].kind, NDC_CHANGE_MERGED);
    assert_int_equal(out[1].other, 99);
    assert_int_equal(out[1].previous, 1);
    assert_int_equal(out[1].type, NDC_ENTITY_ORGANISATION);
    assert_true(ndc_field_set_empty(&out[1].fields));
    assert_int_equal(out[1].before.len, 0);

    assert_int_equal(read_some(&w, &arena, 1, 1, false, &out), 1);
    assert_int_equal(out[0].seq, 2);
    assert_null(out[0].before.ptr);
    assert_int_equal(read_some(&w, &arena, 3, 10, false, &out), 0);

    assert_ok(ndc_store_take(w.store, NDC_READ, &conn, fresh()), &fault);
    assert_ok(ndc_change_get(conn, &arena, 1, &got, fresh()), &fault);
    assert_true(ndc_str_eq(got.before, c[0].before));
    assert_int_equal(ndc_change_get(conn, &arena, 4, &got, fresh()), NDC_ENOTFOUND);
    assert_string_equal(fault.code, "change.none");
    ndc_store_give(conn);
    ndc_arena_free(&arena);
    world_free(&w);
}

/* A write that is taken back gives its numbers back, whoever shares its commit. */
static void test_undone_leaves_no_gap(void **state)
{
    struct world w;
    world_new(&w, state);
    struct ndc_change c = one(5);
    struct batch bad = {.changes = &c, .n = 1, .fail = true};
    assert_int_equal(append(&w, &c, 1), 1);
    assert_int_equal(ndc_store_write(w.store, write_batch, &bad, fresh()), NDC_EINPUT);
    assert_int_equal(append(&w, &c, 1), 2);
    assert_int_equal(last_of(&w), 2);
    world_free(&w);
}

static void test_many_at_once(void **state)
{
    enum { N = 20000 };
    struct world w;
    struct ndc_arena arena;
    struct ndc_change *out, *c;
    world_new(&w, state);
    c = calloc(N, sizeof(*c));
    ndc_arena_init(&arena, 256 << 20);
    for (size_t i = 0; i < N; i++) {
        c[i] = one(i);
        c[i].before = NDC_STR("some 200 bytes of records as they stood before the change,"
                              " which is what a changed person's address takes: house, "
                              "street, ward and province in the words of its source, once"
                              " more in short; and a date");
    }
    int64_t start = ndc_clock_mono_ns();
    assert_int_equal(append(&w, c, N), 1);
    double s = (double)(ndc_clock_mono_ns() - start) / 1e9;
    print_message("appended %.0f rows/s\n", N / s);
    int64_t at = 0;
    size_t n, seen = 0;
    start = ndc_clock_mono_ns();
    while ((n = read_some(&w, &arena, at, NDC_CHANGE_PAGE_MAX + 5, false, &out)) > 0) {
        assert_true(n <= NDC_CHANGE_PAGE_MAX);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(out[i].seq, at + 1);
            assert_int_equal(out[i].entity, at);
            at++;
        }
        seen += n;
        ndc_arena_reset(&arena);
    }
    assert_int_equal(seen, N);
    print_message("read %.0f rows/s\n",
                  N / ((double)(ndc_clock_mono_ns() - start) / 1e9));
    ndc_arena_free(&arena);
    free(c);
    world_free(&w);
}

/* A page of long rows ends early, and the next goes on where it ended. */
static void test_long_rows_come_in_smaller_pages(void **state)
{
    enum { N = 40, LONG = 1 << 20 };
    struct world w;
    struct ndc_arena arena;
    struct ndc_change *out, c[N];
    world_new(&w, state);
    char *before = calloc(1, LONG);
    ndc_arena_init(&arena, 64 << 20);
    for (size_t i = 0; i < N; i++) {
        c[i] = one(i);
        c[i].before = ndc_str_n(before, LONG);
    }
    append(&w, c, N);
    size_t n, pages = 0;
    int64_t at = 0;
    while ((n = read_some(&w, &arena, at, 1000, true, &out)) > 0) {
        for (size_t i = 0; i < n; i++)
            assert_int_equal(out[i].seq, ++at);
        pages++;
        ndc_arena_reset(&arena);
    }
    assert_int_equal(at, N);
    assert_true(pages > 1);
    free(before);
    ndc_arena_free(&arena);
    world_free(&w);
}

static void test_retention_loses_no_number(void **state)
{
    struct world w;
    struct ndc_arena arena;
    struct ndc_change *out, c[4] = {one(1), one(2), one(3), one(4)};
    struct ndc_store_conn *conn;
    int64_t deleted, floor;
    world_new(&w, state);
    ndc_arena_init(&arena, 1 << 20);
    for (int i = 0; i < 4; i++)
        c[i].at_ms = 1000 * (i + 1);
    append(&w, c, 4);
    assert_ok(ndc_change_purge(w.store, 3000, &deleted, fresh()), &fault);
    assert_int_equal(deleted, 2);
    assert_int_equal(read_some(&w, &arena, 0, 10, false, &out), 2);
    assert_int_equal(out[0].seq, 3);
    assert_ok(ndc_store_take(w.store, NDC_READ, &conn, fresh()), &fault);
    assert_ok(ndc_change_floor(conn, &floor, fresh()), &fault);
    ndc_store_give(conn);
    assert_int_equal(floor, 2);

    assert_ok(ndc_change_purge(w.store, INT64_MAX, &deleted, fresh()), &fault);
    assert_int_equal(deleted, 2);
    assert_int_equal(count_of(&w, "SELECT count(*) FROM registry_change"), 0);
    assert_int_equal(last_of(&w), 4);
    assert_int_equal(append(&w, c, 2), 5);
    world_reopen(&w);
    assert_int_equal(append(&w, c, 1), 7);
    assert_ok(ndc_change_purge(w.store, 1, &deleted, fresh()), &fault);
    assert_int_equal(deleted, 0);
    ndc_arena_free(&arena);
    world_free(&w);
}

static void test_kinds_have_names(void **state)
{
    enum ndc_change_kind kind;
    (void)state;
    for (int k = NDC_CHANGE_GENERATION; k < NDC_CHANGE_KIND_COUNT; k++) {
        assert_true(ndc_change_kind_parse(
            ndc_str(ndc_change_kind_name((enum ndc_change_kind)k)), &kind));
        assert_int_equal(kind, k);
    }
    assert_false(ndc_change_kind_parse(NDC_STR("deleted"), &kind));
    assert_false(ndc_change_kind_parse(NDC_STR(""), &kind));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_ON_BOTH(test_what_is_written_is_read),
        TEST_ON_BOTH(test_undone_leaves_no_gap),
        TEST_ON_BOTH(test_many_at_once),
        TEST_ON_BOTH(test_long_rows_come_in_smaller_pages),
        TEST_ON_BOTH(test_retention_loses_no_number),
        cmocka_unit_test(test_kinds_have_names),
    };
    return test_db_run(tests);
}

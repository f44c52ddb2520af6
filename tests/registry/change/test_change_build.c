/* What a build tells the change feed: the first that all is new, a later one each entity
 * that differs, with the fields at fault and the records as they were. */
#include "platforms/registry/change/diff.h"
#include "platforms/registry/live/live.h"
#include "platforms/registry/shard/payloads.h"

#include "sys/file.h"
#include "tests/registry/core/fixture.h"

static struct ndc_fault fault;

static struct ndc_fault *fresh(void)
{
    fault = (struct ndc_fault){0};
    return &fault;
}

#define PERSON                                                           \
    "fields:\n  - {column: k, to: ~}\n  - {column: id, to: person_id}\n" \
    "  - {column: n, to: full_name, required: true}\n"                   \
    "  - {column: b, to: birth_date, required: true}\n  - {column: s, to: sex}\n"
#define HEAD "k,id,n,b,s\n"

enum { STATES_MAX = 4096 };

/* Payloads as they were, by entity. */
struct past {
    struct ndc_arena arena;
    uint64_t numbers[STATES_MAX];
    struct ndc_str payloads[STATES_MAX];
    size_t n;
};

static void remember(struct world *w, struct past *p)
{
    struct ndc_store_conn *conn;
    ndc_arena_init(&p->arena, 256 << 20);
    p->n = 0;
    assert_ok(ndc_live_pause(w->reg->live, fresh()), &fault);
    ndc_live_resume(w->reg->live, false);
    assert_ok(ndc_store_take(w->store, NDC_READ, &conn, fresh()), &fault);
    const struct ndc_payload_range all = {.ordered = true};
    const struct ndc_payload *row;
    struct ndc_payloads *rows = ndc_payloads_open(w->reg, conn, &all);
    while ((row = ndc_payloads_next(rows))) {
        assert_true(p->n < STATES_MAX);
        p->numbers[p->n] = row->entity;
        p->payloads[p->n++] = ndc_arena_str(&p->arena, row->payload);
    }
    assert_ok(ndc_payloads_close(rows, fresh()), &fault);
    ndc_store_give(conn);
    assert_false(p->arena.overflow);
}

static struct ndc_str payload_of(const struct past *p, uint64_t number)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->numbers[i] == number) return p->payloads[i];
    return NDC_STR_NULL;
}

static size_t changes_after(struct world *w, struct ndc_arena *arena, int64_t after,
                            struct ndc_change **out)
{
    struct ndc_store_conn *conn;
    size_t n;
    assert_ok(ndc_store_take(w->store, NDC_READ, &conn, fresh()), &fault);
    assert_ok(
        ndc_change_read(conn, arena, after, NDC_CHANGE_PAGE_MAX, true, out, &n, fresh()),
        &fault);
    ndc_store_give(conn);
    return n;
}

static bool has(const struct ndc_change *c, const char *field)
{
    return ndc_field_set_has(&c->fields, ndc_field_find(ndc_str(field))->id);
}

static void test_created_changed_merged(void **state)
{
    struct world w;
    struct ndc_arena arena;
    struct ndc_change *out;
    world_new(&w, state);
    ndc_arena_init(&arena, 64 << 20);
    declare(&w, "alpha", "{mode: snapshot}", PERSON);
    declare(&w, "beta", "{mode: snapshot}", PERSON);
    write_csv(&w, "alpha",
              HEAD "1,001085000123,Nguyễn Văn An,27/03/1985,Nam\n"
                   "2,001185000456,Trần Thị Bình,01/02/1985,Nữ\n");
    write_csv(&w, "beta", HEAD "9,001190000789,Lê Thị Chi,05/06/1990,Nữ\n");
    load(&w, "alpha", NULL);
    load(&w, "beta", NULL);
    build(&w, NULL);
    assert_int_equal(changes_after(&w, &arena, 0, &out), 1);
    assert_int_equal(out[0].kind, NDC_CHANGE_GENERATION);
    assert_int_equal(out[0].entity, 0);
    uint64_t an = entity_of(&w, "alpha", "1"), hoa = entity_of(&w, "beta", "9");

    build(&w, NULL); /* nothing came: nothing is told */
    assert_int_equal(changes_after(&w, &arena, 1, &out), 0);

    /* One has another name, one is new, and beta's only one turns out to be An. */
    write_csv(&w, "alpha",
              HEAD "1,001085000123,Nguyễn Văn Ân,27/03/1985,Nam\n"
                   "2,001185000456,Trần Thị Bình,01/02/1985,Nữ\n"
                   "3,001085000999,Phạm Văn Cường,03/05/1985,Nam\n");
    write_csv(&w, "beta", HEAD "9,001085000123,Nguyễn Văn Ân,27/03/1985,Nam\n");
    load(&w, "alpha", NULL);
    load(&w, "beta", NULL);
    build(&w, NULL);
    size_t n = changes_after(&w, &arena, 1, &out);
    assert_int_equal(n, 3);
    uint64_t cuong = entity_of(&w, "alpha", "3");
    unsigned seen = 0;
    for (size_t i = 0; i < n; i++) {
        const struct ndc_change *c = &out[i];
        assert_int_equal(c->type, NDC_ENTITY_PERSON);
        if (c->entity == an) {
            assert_int_equal(c->kind, NDC_CHANGE_CHANGED);
            assert_true(has(c, "full_name"));
            assert_false(has(c, "person_id"));
            seen |= 1;
        } else if (c->entity == hoa) {
            assert_int_equal(c->kind, NDC_CHANGE_MERGED);
            assert_int_equal(c->other, an);
            seen |= 2;
        } else if (c->entity == cuong) {
            assert_int_equal(c->kind, NDC_CHANGE_CREATED);
            assert_true(has(c, "full_name") && has(c, "birth_date"));
            assert_int_equal(c->before.len, 0);
            seen |= 4;
        }
    }
    assert_int_equal(seen, 7);
    ndc_arena_free(&arena);
    world_free(&w);
}

static int compare_records(const void *x, const void *y)
{
    const struct ndc_record *a = x, *b = y;
    if (a->source != b->source) return a->source < b->source ? -1 : 1;
    return ndc_str_cmp(a->key, b->key);
}

static void same_records(struct ndc_record *a, unsigned n, const struct ndc_record *b,
                         unsigned m)
{
    struct ndc_buf x, y;
    ndc_buf_init(&x, 16 << 20);
    ndc_buf_init(&y, 16 << 20);
    assert_int_equal(n, m);
    if (n) qsort(a, n, sizeof(*a), compare_records);
    for (unsigned i = 0; i < n; i++) {
        ndc_buf_reset(&x);
        ndc_buf_reset(&y);
        ndc_record_encode(&x, &a[i]);
        ndc_record_encode(&y, &b[i]);
        assert_true(ndc_str_eq(ndc_buf_str(&x), ndc_buf_str(&y)));
    }
    ndc_buf_free(&x);
    ndc_buf_free(&y);
}

/* The second day's files stand in for the first's; those that have none are as they
 * were. */
static void integrate_day2(struct world *w)
{
    int64_t runs[64];
    size_t count = 0;
    char path[200];
    for (uint32_t i = 1; i <= w->reg->source_count; i++) {
        const struct ndc_source *source = w->reg->sources[i]->source;
        snprintf(path, sizeof(path), "%s/day2/%.*s.csv", demo_folder(),
                 NDC_STR_FMT(source->id));
        if (!ndc_file_exists(path)) continue;
        assert_ok(ndc_registry_queue_run(w->reg, source->id, ndc_str(path), &runs[count],
                                         fresh()),
                  &fault);
        count++;
    }
    assert_true(count > 0);
    assert_ok(ndc_registry_integrate(w->reg, runs, count, NULL,
                                     &(struct ndc_build_stats){0}, fresh()),
              &fault);
}

/* A day of the demo nation, and back: what was, is told by what is and the feed. */
static void test_every_state_is_told_by_the_next_and_its_change(void **state)
{
    static struct past before, after;
    struct world w;
    struct ndc_arena arena, scratch;
    struct ndc_change *out;
    unsigned kinds[NDC_CHANGE_KIND_COUNT] = {0};
    world_new(&w, state);
    ndc_arena_init(&arena, 256 << 20);
    ndc_arena_init(&scratch, 64 << 20);
    integrate_demo(&w, &(struct ndc_build_stats){0});
    remember(&w, &before);
    integrate_day2(&w);
    remember(&w, &after);
    size_t n = changes_after(&w, &arena, 1, &out), differ = 0;
    for (size_t i = 0; i < n; i++) {
        struct ndc_entity_view a = {0}, b = {0};
        struct ndc_record *records;
        unsigned got;
        struct ndc_str x = payload_of(&before, out[i].entity);
        struct ndc_str y = payload_of(&after, out[i].entity);
        ndc_arena_reset(&scratch);
        kinds[out[i].kind]++;
        assert_int_equal(out[i].seq, (int64_t)i + 2);
        assert_int_equal(out[i].kind == NDC_CHANGE_CREATED, x.len == 0);
        if (x.len) assert_true(ndc_entity_decode(&a, &scratch, x));
        if (y.len) assert_true(ndc_entity_decode(&b, &scratch, y));
        if (out[i].kind == NDC_CHANGE_CREATED) continue;
        assert_true(ndc_change_undo(&records, &got, &scratch, b.records, b.record_count,
                                    out[i].before));
        same_records(a.records, a.record_count, records, got);
        for (unsigned id = 0; y.len && id < NDC_FIELDS_MAX; id++) {
            const struct ndc_golden *g = ndc_entity_golden(&a, id);
            const struct ndc_golden *h = ndc_entity_golden(&b, id);
            bool other = !ndc_str_eq(g ? g->value->value : NDC_STR_NULL,
                                     h ? h->value->value : NDC_STR_NULL);
            assert_int_equal(ndc_field_set_has(&out[i].fields, id), other);
        }
    }
    /* Nobody whose record is another goes untold. */
    for (size_t i = 0; i < before.n; i++)
        differ += !ndc_str_eq(before.payloads[i], payload_of(&after, before.numbers[i]));
    unsigned told =
        kinds[NDC_CHANGE_CHANGED] + kinds[NDC_CHANGE_MERGED] + kinds[NDC_CHANGE_ENDED];
    print_message("%u created, %u changed, %u merged, %u ended; %zu differ\n",
                  kinds[NDC_CHANGE_CREATED], kinds[NDC_CHANGE_CHANGED],
                  kinds[NDC_CHANGE_MERGED], kinds[NDC_CHANGE_ENDED], differ);
    assert_true(told <= differ && told > 0 && kinds[NDC_CHANGE_CREATED] > 0);
    ndc_arena_free(&arena);
    ndc_arena_free(&scratch);
    ndc_arena_free(&before.arena);
    ndc_arena_free(&after.arena);
    world_free(&w);
}

static void test_damaged_past_is_told(void **state)
{
    struct ndc_arena arena;
    struct ndc_record *records;
    unsigned n;
    (void)state;
    ndc_arena_init(&arena, 1 << 20);
    assert_false(ndc_change_undo(&records, &n, &arena, NULL, 0, NDC_STR("\x7f")));
    assert_false(ndc_change_undo(&records, &n, &arena, NULL, 0, NDC_STR("\3\1\1")));
    assert_true(ndc_change_undo(&records, &n, &arena, NULL, 0, NDC_STR("")));
    assert_int_equal(n, 0);
    ndc_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_ON_BOTH(test_created_changed_merged),
        TEST_ON_BOTH(test_every_state_is_told_by_the_next_and_its_change),
        cmocka_unit_test(test_damaged_past_is_told),
    };
    return test_db_run(tests);
}

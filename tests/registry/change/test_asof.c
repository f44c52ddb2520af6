/* Both time axes: what we knew then, of what was true then. */
#include "platforms/registry/change/asof.h"

#include "base/hash.h"
#include "platforms/registry/live/live.h"
#include "sys/clock.h"
#include "tests/registry/core/fixture.h"

static struct ndc_fault fault;

static struct ndc_fault *fresh(void)
{
    fault = (struct ndc_fault){0};
    return &fault;
}

#define PERSON                                                                    \
    "fields:\n  - {column: k, to: ~}\n  - {column: id, to: person_id}\n"          \
    "  - {column: n, to: full_name, required: true}\n"                            \
    "  - {column: b, to: birth_date, required: true}\n  - {column: s, to: sex}\n" \
    "  - {column: p, to: phone}\n  - {column: t, to: updated_at}\n"
#define HEAD "k,id,n,b,s,p,t\n"
#define BINH "2,001185000456,Trần Thị Bình,01/02/1985,Nữ,0912000002,2019-01-01\n"

/* A moment that lies between what was and what comes. */
static int64_t moment(void)
{
    ndc_clock_sleep_ms(3);
    int64_t now = ndc_clock_wall_ms();
    ndc_clock_sleep_ms(3);
    return now;
}

static enum ndc_err go_back(struct world *w, struct ndc_arena *arena, uint64_t entity,
                            int64_t known_ms, const char *valid,
                            struct ndc_entity_view *v)
{
    struct ndc_store_conn *conn;
    struct ndc_str payload;
    int64_t change;
    const struct ndc_asof when = {.known_ms = known_ms,
                                  .valid = ndc_str(valid),
                                  .how = ndc_registry_survivorship(w->reg)};
    assert_ok(ndc_store_take(w->store, NDC_READ, &conn, fresh()), &fault);
    assert_ok(
        ndc_live_payload(w->reg->live, conn, arena, entity, &payload, &change, fresh()),
        &fault);
    assert_true(payload.len > 0 && ndc_entity_decode(v, arena, payload));
    enum ndc_err err = ndc_asof(conn, arena, &when, change, v, fresh());
    ndc_store_give(conn);
    return err;
}

/* The golden value then; the fault's code if there was no such state. */
static const char *then(struct world *w, uint64_t entity, int64_t known_ms,
                        const char *valid, const char *field)
{
    static char text[256];
    struct ndc_arena arena;
    struct ndc_entity_view v;
    ndc_arena_init(&arena, 64 << 20);
    if (go_back(w, &arena, entity, known_ms, valid, &v)) {
        snprintf(text, sizeof(text), "%s", fault.code);
    } else {
        const struct ndc_golden *g =
            ndc_entity_golden(&v, ndc_field_find(ndc_str(field))->id);
        snprintf(text, sizeof(text), "%.*s",
                 NDC_STR_FMT(g ? g->value->value : NDC_STR_NULL));
    }
    ndc_arena_free(&arena);
    return text;
}

static void test_known_then_and_true_then(void **state)
{
    struct world w;
    int64_t deleted;
    world_new(&w, state);
    declare(&w, "a", "{mode: snapshot}", PERSON);
    write_csv(&w, "a",
              HEAD
              "1,001085000123,Nguyễn Văn An,27/03/1985,Nam,0912000001,2020-01-01\n" BINH);
    load(&w, "a", NULL);
    build(&w, NULL);
    uint64_t an = entity_of(&w, "a", "1");
    int64_t t0 = moment();
    write_csv(&w, "a",
              HEAD
              "1,001085000123,Nguyễn Văn An,27/03/1985,Nam,0912000011,2022-01-01\n" BINH
              "3,001085000999,Phạm Văn Cường,03/05/1985,Nam,,2021-01-01\n");
    load(&w, "a", NULL);
    build(&w, NULL);
    uint64_t cuong = entity_of(&w, "a", "3");
    int64_t t1 = moment();
    write_csv(&w, "a",
              HEAD
              "1,001085000123,Nguyễn Văn An,27/03/1985,Nam,0912000111,2024-01-01\n" BINH
              "3,001085000999,Phạm Văn Cường,03/05/1985,Nam,,2021-01-01\n");
    load(&w, "a", NULL);
    build(&w, NULL);
    int64_t t2 = moment();

    assert_string_equal(then(&w, an, t0, NULL, "phone"), "+84912000001");
    assert_string_equal(then(&w, an, t1, NULL, "phone"), "+84912000011");
    assert_string_equal(then(&w, an, t2, NULL, "phone"), "+84912000111");
    assert_string_equal(then(&w, cuong, t0, NULL, "full_name"), "asof.not_known");
    assert_string_equal(then(&w, cuong, t1, NULL, "full_name"), "Phạm Văn Cường");
    assert_string_equal(then(&w, an, 1000, NULL, "phone"), "asof.not_known");

    /* What was true in 2020, 2023 and 2025, as known now; and as known at t1. */
    assert_string_equal(then(&w, an, INT64_MAX, "2020-06-01", "phone"), "+84912000001");
    assert_string_equal(then(&w, an, INT64_MAX, "2023", "phone"), "+84912000011");
    assert_string_equal(then(&w, an, INT64_MAX, "2022-01-01", "phone"), "+84912000011");
    assert_string_equal(then(&w, an, INT64_MAX, "2025-01-01", "phone"), "+84912000111");
    assert_string_equal(then(&w, an, t1, "2025-01-01", "phone"), "+84912000011");
    assert_string_equal(then(&w, an, t0, "2023-01-01", "phone"), "+84912000001");
    assert_string_equal(then(&w, an, INT64_MAX, "2010-01-01", "phone"), "asof.not_known");

    assert_ok(ndc_change_purge(w.store, INT64_MAX, &deleted, fresh()), &fault);
    assert_string_equal(then(&w, an, t0, NULL, "phone"), "asof.gone");
    assert_string_equal(then(&w, an, INT64_MAX, NULL, "phone"), "asof.gone");
    world_free(&w);
}

/* Rows that come live, entities that meet and part: each state is told again, whoever of
 * builds and live rows made it. */
enum { PEOPLE = 12, ROUNDS = 12, ENTITIES_MAX = 64 };

struct moment {
    int64_t at_ms;
    size_t n;
    uint64_t numbers[ENTITIES_MAX];
    uint64_t content[ENTITIES_MAX];
};

static uint64_t content_of(const struct ndc_entity_view *v)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < v->record_count; i++) {
        struct ndc_buf one;
        ndc_buf_init(&one, 1 << 20);
        ndc_record_encode(&one, &v->records[i]);
        sum += ndc_hash_str(ndc_buf_str(&one), 7);
        ndc_buf_free(&one);
    }
    return sum;
}

static void remember(struct world *w, struct moment *m)
{
    struct ndc_arena arena;
    struct ndc_store_conn *conn;
    ndc_arena_init(&arena, 64 << 20);
    m->n = 0;
    assert_ok(ndc_store_take(w->store, NDC_READ, &conn, fresh()), &fault);
    for (uint64_t number = 1; number < ENTITIES_MAX; number++) {
        struct ndc_entity_view v;
        struct ndc_str payload;
        int64_t change;
        ndc_arena_reset(&arena);
        assert_ok(ndc_live_payload(w->reg->live, conn, &arena, number, &payload, &change,
                                   fresh()),
                  &fault);
        if (payload.len == 0) continue;
        assert_true(ndc_entity_decode(&v, &arena, payload));
        m->numbers[m->n] = number;
        m->content[m->n++] = content_of(&v);
    }
    ndc_store_give(conn);
    ndc_arena_free(&arena);
    m->at_ms = moment();
}

static uint64_t state_at(const struct moment *m, uint64_t number)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->numbers[i] == number) return m->content[i];
    return 0;
}

static const char *const names[PEOPLE + 1] = {"",    "An",   "Bình",  "Cường", "Dũng",
                                              "Em",  "Phúc", "Giang", "Hải",   "Khoa",
                                              "Lâm", "Minh", "Nam"};

static void write_people(struct ndc_buf *out, unsigned round, bool as_json)
{
    for (unsigned i = 1; i <= PEOPLE; i++) {
        if ((i * 7 + round * 5) % 3 && round) continue;
        /* Every fourth round two of them bear one identifier. */
        unsigned id = round % 4 == 3 && i % 6 == 0 ? i - 1 : i;
        if (as_json)
            ndc_buf_printf(out,
                           "{\"k\":\"%u\",\"id\":\"0010850001%02u\",\"n\":\"Nguyễn Văn "
                           "%s\",\"b\":\"%02u/03/1985\",\"s\":\"Nam\",\"p\":"
                           "\"09120%05u\",\"t\":\"2024-01-%02u\"}\n",
                           i, id, names[id], id, round * 100 + i, round + 1);
        else
            ndc_buf_printf(out,
                           "%u,0010850001%02u,Nguyễn Văn %s,%02u/03/1985,Nam,"
                           "09120%05u,2024-01-%02u\n",
                           i, id, names[id], id, round * 100 + i, round + 1);
    }
}

static void test_every_state_is_told_again(void **state)
{
    static struct moment moments[ROUNDS];
    struct world w;
    struct ndc_buf text;
    struct ndc_arena arena;
    unsigned told = 0, unknown = 0;
    world_new(&w, state);
    ndc_buf_init(&text, 1 << 20);
    ndc_arena_init(&arena, 64 << 20);
    declare(&w, "a", "{mode: snapshot}", PERSON);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct ndc_live_result result;
        ndc_buf_reset(&text);
        if (round == 0) {
            ndc_buf_add_c(&text, HEAD);
            write_people(&text, round, false);
            ndc_buf_add_byte(&text, 0);
            write_csv(&w, "a", text.ptr);
            load(&w, "a", NULL);
            build(&w, NULL);
        } else {
            write_people(&text, round, true);
            const struct ndc_live_rows rows = {.source = NDC_STR("a"),
                                               .ndjson = ndc_buf_str(&text)};
            assert_ok(ndc_registry_live(w.reg, &rows, &result, fresh()), &fault);
        }
        if (round % 5 == 4) build(&w, NULL);
        remember(&w, &moments[round]);
    }
    const struct moment *now = &moments[ROUNDS - 1];
    for (size_t i = 0; i < now->n; i++) {
        for (unsigned round = 0; round < ROUNDS; round++) {
            struct ndc_entity_view v;
            ndc_arena_reset(&arena);
            uint64_t was = state_at(&moments[round], now->numbers[i]);
            enum ndc_err err =
                go_back(&w, &arena, now->numbers[i], moments[round].at_ms, NULL, &v);
            if (!was) {
                assert_int_equal(err, NDC_ENOTFOUND);
                assert_string_equal(fault.code, "asof.not_known");
                unknown++;
                continue;
            }
            assert_ok(err, &fault);
            if (content_of(&v) != was)
                fail_msg("entity %llu is another at round %u",
                         (unsigned long long)now->numbers[i], round);
            told++;
        }
    }
    print_message("%u states told again, %u not known then\n", told, unknown);
    assert_true(told > PEOPLE * (ROUNDS - 2));
    ndc_buf_free(&text);
    ndc_arena_free(&arena);
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_ON_BOTH(test_known_then_and_true_then),
        TEST_ON_BOTH(test_every_state_is_told_again),
    };
    return test_db_run(tests);
}

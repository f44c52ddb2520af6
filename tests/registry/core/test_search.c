/* Finding people as users ask for them: without tones, with a letter wrong, a part of the
 * name, in another order, with a date, a month, a year, a province; among thousands with
 * the names that a nation has, of whom some have come live. */
#include "tests/registry/core/fixture.h"

#include "base/hash.h"
#include "base/vntext.h"
#include "platforms/registry/live/live.h"
#include "platforms/registry/serve/search.h"
#include "platforms/registry/serve/spelling.h"

#include <stdio.h>

enum { PEOPLE = 2000, LIVE = 200, ASKED = 40, SHOWN = 10 };

static struct ndc_fault fault;

static const char fields[] = "fields:\n"
                             "  - {column: ten, to: full_name}\n"
                             "  - {column: ngay, to: birth_date, format: ymd}\n"
                             "  - {column: so, to: person_id}\n"
                             "  - {columns: [noi], to: permanent_address}\n";

struct person {
    char name[96], date[16];
    unsigned province, words;
    uint64_t entity;
};

static struct person people[PEOPLE];

static const struct {
    const char *name;
    unsigned code;
} provinces[] = {{"Thành phố Hà Nội", 1},
                 {"Tỉnh Cao Bằng", 4},
                 {"Tỉnh Nghệ An", 40},
                 {"Thành phố Huế", 46}};

static const char *pick(uint64_t *rng, const char *const *list, size_t n)
{
    /* The first are the commonest, as in a nation. */
    return list[NDC_MIN(ndc_rng_below(rng, n), ndc_rng_below(rng, n))];
}

static void make_people(void)
{
    static const char *const surnames[] = {"Nguyễn", "Trần", "Lê",   "Phạm", "Hoàng",
                                           "Phan",   "Vũ",   "Đặng", "Bùi",  "Đỗ"};
    static const char *const middles[] = {"Văn",  "Thị",   "Đức",  "Minh",    "Hồng",
                                          "Quốc", "Thanh", "Ngọc", "Thị Thu", "Xuân"};
    static const char *const given[] = {
        "An",    "Bình", "Cường", "Dũng",  "Hoa",  "Hòa",   "Hùng", "Hương",
        "Lan",   "Linh", "Mai",   "Nam",   "Nga",  "Nhung", "Phúc", "Quang",
        "Sơn",   "Tâm",  "Thảo",  "Trang", "Tuấn", "Vinh",  "Yến",  "Khánh",
        "Giang", "Loan", "Duyên", "Thắng", "Oanh", "Kiệt"};
    uint64_t rng = 20261201;
    for (unsigned i = 0; i < PEOPLE; i++) {
        struct person *p = &people[i];
        const char *middle = pick(&rng, middles, NDC_ARRAY_LEN(middles));
        snprintf(p->name, sizeof(p->name), "%s %s %s",
                 pick(&rng, surnames, NDC_ARRAY_LEN(surnames)), middle,
                 pick(&rng, given, NDC_ARRAY_LEN(given)));
        p->words = strchr(middle, ' ') ? 4 : 3;
        snprintf(p->date, sizeof(p->date), "%04u-%02u-%02u",
                 1950 + (unsigned)ndc_rng_below(&rng, 60),
                 1 + (unsigned)ndc_rng_below(&rng, 12),
                 1 + (unsigned)ndc_rng_below(&rng, 28));
        p->province = (unsigned)ndc_rng_below(&rng, NDC_ARRAY_LEN(provinces));
    }
}

static void person_key(char key[16], unsigned i)
{
    snprintf(key, 16, "k%u", i);
}

static void go_live(struct world *w)
{
    struct ndc_buf rows;
    struct ndc_live_result result;
    ndc_buf_init(&rows, 8 << 20);
    for (unsigned i = PEOPLE - LIVE; i < PEOPLE; i++)
        ndc_buf_printf(&rows,
                       "{\"k\":\"k%u\",\"ten\":\"%s\",\"ngay\":\"%s\",\"so\":\"\","
                       "\"noi\":\"%s\"}\n",
                       i, people[i].name, people[i].date,
                       provinces[people[i].province].name);
    const struct ndc_live_rows live = {.source = NDC_STR("people"),
                                       .ndjson = ndc_buf_str(&rows)};
    assert_ok(ndc_registry_live(w->reg, &live, &result, &fault), &fault);
    assert_int_equal(result.quarantined, 0);
    ndc_buf_free(&rows);
}

static void nation(struct world *w, void **state)
{
    struct ndc_buf csv;
    struct ndc_load_result loaded;
    make_people();
    world_new(w, state);
    declare(w, "people", "{mode: delta}", fields);
    ndc_buf_init(&csv, 8 << 20);
    ndc_buf_printf(&csv, "k,ten,ngay,so,noi\n");
    for (unsigned i = 0; i < PEOPLE - LIVE; i++)
        ndc_buf_printf(&csv, "k%u,%s,%s,,%s\n", i, people[i].name, people[i].date,
                       provinces[people[i].province].name);
    ndc_buf_add_byte(&csv, 0);
    write_csv(w, "people", csv.ptr);
    ndc_buf_free(&csv);
    load(w, "people", &loaded);
    assert_int_equal(loaded.accepted, PEOPLE - LIVE);
    build(w, NULL);
    go_live(w);
    for (unsigned i = 0; i < PEOPLE; i++) {
        char key[16];
        person_key(key, i);
        people[i].entity = entity_of(w, "people", key);
        assert_true(people[i].entity != 0);
    }
}

/* ---- asking ---- */

struct answer {
    struct ndc_search_hit hits[NDC_SEARCH_MAX];
    size_t count;
    bool more;
    struct ndc_arena arena;
};

static struct answer answer;

static void ask(struct world *w, const char *name, const char *date, uint32_t province)
{
    struct ndc_store_conn *conn;
    const struct ndc_search q = {
        .name = ndc_str(name), .birth_date = ndc_str(date), .province = province};
    ndc_arena_free(&answer.arena);
    ndc_arena_init(&answer.arena, 16 << 20);
    assert_ok(ndc_store_take(w->store, NDC_READ, &conn, &fault), &fault);
    assert_ok(ndc_registry_search(w->reg, conn, &answer.arena, &q, answer.hits,
                                  NDC_SEARCH_MAX, &answer.count, &answer.more, &fault),
              &fault);
    ndc_store_give(conn);
    for (size_t i = 1; i < answer.count; i++)
        assert_true(answer.hits[i].score <= answer.hits[i - 1].score);
}

/* Where the person stands, from 0; the count if not at all. */
static size_t place_of(uint64_t entity)
{
    size_t at = 0;
    while (at < answer.count && answer.hits[at].number != entity)
        at++;
    return at;
}

static void toneless(char out[200], const char *name)
{
    unsigned flags = 0;
    out[ndc_vn_fold(out, ndc_str(name), NDC_VN_FOLD_FULL, &flags)] = 0;
}

enum change { WRONG, MISSING, DOUBLED, SWAPPED, LEFT_OUT, REORDERED, NOTHING };

/* A word's first letter stays: otherwise a word of two letters may become any other. */
static void change_letter(char *word, enum change how, uint64_t *rng)
{
    size_t n = strlen(word), at = n > 1 ? 1 + ndc_rng_below(rng, n - 1) : 0;
    switch (how) {
    case WRONG:
        word[at] = word[at] == 'e' ? 'r' : 'e';
        break;
    case MISSING:
        memmove(word + at, word + at + 1, n - at);
        break;
    case DOUBLED:
        memmove(word + at + 1, word + at, n - at + 1);
        break;
    default:
        if (at + 1 < n) {
            char c = word[at];
            word[at] = word[at + 1];
            word[at + 1] = c;
        }
    }
}

static void changed(char out[200], const struct person *p, enum change how, unsigned word,
                    uint64_t *rng)
{
    char folded[200], words[6][40];
    struct ndc_str rest, one;
    unsigned n = 0;
    size_t len = 0;
    toneless(folded, p->name);
    rest = ndc_str(folded);
    while (ndc_str_split(&rest, ' ', &one))
        snprintf(words[n++], sizeof(words[0]), "%.*s", NDC_STR_FMT(one));
    assert_int_equal(n, p->words);
    if (how <= SWAPPED) change_letter(words[word], how, rng);
    for (unsigned i = 0; i < n; i++) {
        unsigned at = how == REORDERED ? (i + n - 1) % n : i;
        if (how == LEFT_OUT && i == word) continue;
        len += (size_t)snprintf(out + len, 200 - len, "%s%s", len ? " " : "", words[at]);
    }
}

/* How many of ASKED, whoever they are, stand among the first SHOWN. */
static unsigned found(struct world *w, enum change how, int word, unsigned date_len,
                      bool province, uint64_t seed)
{
    unsigned good = 0;
    uint64_t rng = seed;
    for (unsigned i = 0; i < ASKED; i++) {
        /* One in three came live. */
        const struct person *p = i % 3 ? &people[ndc_rng_below(&rng, PEOPLE)]
                                       : &people[PEOPLE - 1 - ndc_rng_below(&rng, LIVE)];
        char name[200], date[16];
        changed(name, p, how, word < 0 ? p->words - 1 : (unsigned)word, &rng);
        snprintf(date, sizeof(date), "%.*s", (int)date_len, p->date);
        ask(w, name, date, province ? provinces[p->province].code : 0);
        good += place_of(p->entity) < NDC_MIN(answer.count, (size_t)SHOWN);
    }
    return good;
}

static void check(struct world *w, enum change how, int word, unsigned date_len,
                  bool province, unsigned percent)
{
    unsigned good = found(w, how, word, date_len, province, 17);
    if (good * 100 < ASKED * percent)
        fail_msg("change %d, word %d, date %u, province %d: %u of %d", how, word,
                 date_len, province, good, ASKED);
}

static void test_misspelt_partial_reordered(void **state)
{
    struct world w;
    nation(&w, state);
    for (enum change how = WRONG; how <= SWAPPED; how++) {
        for (int word = -1; word < 2; word++) {
            check(&w, how, word, 10, false, 97);
            check(&w, how, word, 4, true, 90);
        }
    }
    for (int word = -1; word < 2; word++)
        check(&w, LEFT_OUT, word, 10, false, 97);
    for (int word = 0; word < 2; word++)
        check(&w, LEFT_OUT, word, 4, true, 97);
    check(&w, REORDERED, 0, 10, false, 99);
    check(&w, REORDERED, 0, 4, true, 99);
    check(&w, REORDERED, 0, 4, false, 97);
    check(&w, NOTHING, 0, 10, false, 99);
    check(&w, NOTHING, 0, 7, false, 99);
    check(&w, NOTHING, 0, 4, true, 99);
    check(&w, NOTHING, 0, 4, false, 99);
    world_free(&w);
}

/* ---- tones, a crowd, dates and places ---- */

static void add_live(struct world *w, const char *key, const char *name, const char *date,
                     const char *place)
{
    char row[400];
    struct ndc_live_result result;
    snprintf(row, sizeof(row),
             "{\"k\":\"%s\",\"ten\":\"%s\",\"ngay\":\"%s\",\"so\":\"\",\"noi\":\"%s\"}\n",
             key, name, date, place);
    const struct ndc_live_rows live = {.source = NDC_STR("people"),
                                       .ndjson = ndc_str(row)};
    assert_ok(ndc_registry_live(w->reg, &live, &result, &fault), &fault);
    assert_int_equal(result.created, 1);
}

static void test_tones_dates_places(void **state)
{
    struct world w;
    nation(&w, state);
    add_live(&w, "t1", "Tạ Khắc Hoà", "1961-03-04", "Tỉnh Nghệ An");
    add_live(&w, "t2", "Tạ Khắc Hoa", "1961-03-04", "Tỉnh Cao Bằng");
    uint64_t hoa = entity_of(&w, "people", "t2"), hoaf = entity_of(&w, "people", "t1");
    for (int built = 0; built < 2; built++) {
        ask(&w, "ta khac hoa", "1961", 0); /* no tones: both, alike */
        assert_int_equal(answer.count, 2);
        assert_true(answer.hits[0].score == answer.hits[1].score);
        ask(&w, "Tạ Khắc Hòa", "1961-03", 0);
        assert_int_equal(place_of(hoaf), 0);
        assert_int_equal(place_of(hoa), 1);
        assert_true(answer.hits[1].score < answer.hits[0].score);
        ask(&w, "Tạ Khắc Hoa", "", 0);
        assert_int_equal(place_of(hoa), 0);
        ask(&w, "TA KHAC HOA", "", 40);
        assert_int_equal(answer.count, 1);
        assert_int_equal(answer.hits[0].number, hoaf);
        assert_int_equal(answer.hits[0].province, 40);
        ask(&w, "khac hoa", "", 4); /* a part, and no date */
        assert_int_equal(place_of(hoa), 0);
        ask(&w, "Tạ Khắc Hòa", "1961-04-03", 0); /* day and month changed about */
        assert_int_equal(place_of(hoaf), 0);
        ask(&w, "Tạ Khắc Hòa", "1931-01-01", 0);
        assert_int_equal(place_of(hoaf), answer.count);
        ask(&w, "hoa", "1961-03-04", 0); /* the given name, and the date */
        assert_true(place_of(hoaf) < 2 && place_of(hoa) < 2);
        if (!built) build(&w, NULL);
        hoa = entity_of(&w, "people", "t2");
        hoaf = entity_of(&w, "people", "t1");
    }
    world_free(&w);
}

/* Who was joined to another since the build stands in the index under both numbers, and
 * on a shard leaves a row without a payload: it is found once. */
static void test_joined(void **state)
{
    struct world w;
    struct ndc_live_result result;
    world_new(&w, state);
    declare(&w, "people", "{mode: delta}", fields);
    write_csv(&w, "people",
              "k,ten,ngay,so,noi\n"
              "j1,Tạ Khắc Hoà,1961-03-04,040061123456,Tỉnh Nghệ An\n"
              "j2,Tạ Khắc Hoà,1971-05-06,040071123457,Tỉnh Nghệ An\n");
    load(&w, "people", NULL);
    build(&w, NULL);
    uint64_t first = entity_of(&w, "people", "j1"), other = entity_of(&w, "people", "j2");
    assert_true(first != other);
    const struct ndc_live_rows live = {
        .source = NDC_STR("people"),
        .ndjson = NDC_STR("{\"k\":\"j2\",\"ten\":\"Tạ Khắc Hoà\",\"ngay\":\"1961-03-04\","
                          "\"so\":\"040061123456\",\"noi\":\"Tỉnh Nghệ An\"}\n")};
    assert_ok(ndc_registry_live(w.reg, &live, &result, &fault), &fault);
    uint64_t joined = entity_of(&w, "people", "j2");
    assert_int_equal(entity_of(&w, "people", "j1"), joined);
    for (int brought = 0; brought < 2; brought++) {
        ask(&w, "ta khac hoa", "", 0);
        assert_int_equal(answer.count, 1);
        assert_int_equal(answer.hits[0].number, joined);
        if (brought) break;
        assert_ok(ndc_live_pause(w.reg->live, &fault), &fault);
        ndc_live_resume(w.reg->live, false);
    }
    world_free(&w);
}

static void test_crowd(void **state)
{
    struct world w;
    struct ndc_buf csv;
    world_new(&w, state);
    declare(&w, "people", "{mode: delta}", fields);
    ndc_buf_init(&csv, 8 << 20);
    ndc_buf_printf(&csv, "k,ten,ngay,so,noi\n");
    for (unsigned i = 0; i < 900; i++) {
        /* Numbers of their own, or linking would take many for one. */
        unsigned year = 1920 + i % 90;
        ndc_buf_printf(&csv, "c%u,%s Văn An,%u-%02u-%02u,040%u%02u%06u,Tỉnh Nghệ An\n", i,
                       i % 3 ? "Nguyễn" : "Trần", year, 1 + i * 7 % 12, 1 + i * i % 28,
                       year < 2000 ? 0 : 2, year % 100, (i * 376871 + 50021) % 1000000);
    }
    ndc_buf_add_byte(&csv, 0);
    write_csv(&w, "people", csv.ptr);
    ndc_buf_free(&csv);
    load(&w, "people", NULL);
    build(&w, NULL);
    assert_true(digest_of(&w).entities > 800);
    ask(&w, "Nguyễn Văn An", "", 0);
    assert_int_equal(answer.count, NDC_SEARCH_MAX);
    assert_true(answer.more);
    for (size_t i = 0; i < answer.count; i++)
        assert_str_eq(answer.hits[i].full_name, "Nguyễn Văn An");
    ask(&w, "nguyen van an", "1985", 0);
    assert_true(answer.count > 0);
    assert_false(answer.more);
    for (size_t i = 0; i < answer.count && answer.hits[i].score >= 0.99; i++)
        assert_memory_equal(answer.hits[i].birth_date.ptr, "1985", 4);
    ask(&w, "an", "", 0);
    assert_int_equal(answer.count, NDC_SEARCH_MAX);
    assert_true(answer.more);
    /* What an earlier release has written is served. */
    struct ndc_store_conn *conn;
    assert_string_equal(
        text_of(&w, "SELECT value FROM registry_meta WHERE name = 'index_version'"), "2");
    assert_ok(ndc_store_take(w.store, NDC_WRITE, &conn, &fault), &fault);
    assert_ok(ndc_sql_exec(conn, "DELETE FROM registry_meta WHERE name = 'index_version'",
                           NDC_NO_ARGS, NULL, &fault),
              &fault);
    ndc_store_give(conn);
    world_reopen(&w);
    ask(&w, "nguyen van an", "1985", 0);
    assert_true(answer.count > 0);
    world_free(&w);
}

/* ---- spellings ---- */

static bool has(const struct ndc_spellings *s, const char *word)
{
    for (unsigned i = 0; i < s->count; i++)
        if (strcmp(s->items[i], word) == 0) return true;
    return false;
}

static void test_spellings(void **state)
{
    static const struct {
        const char *wrong, *right;
    } pairs[] = {{"nguyn", "nguyen"},  {"nguyeen", "nguyen"}, {"ngyuen", "nguyen"},
                 {"nguyem", "nguyen"}, {"tran", "chan"},      {"son", "xon"},
                 {"thuy", "thui"},     {"hoan", "hoang"},     {"an", "anh"},
                 {"quuoc", "quoc"},    {"e", "be"},           {"nhugn", "nhung"}};
    struct ndc_spellings s;
    (void)state;
    for (size_t i = 0; i < NDC_ARRAY_LEN(pairs); i++) {
        ndc_spelling_others(&s, ndc_str(pairs[i].wrong));
        assert_true(s.count <= NDC_SPELLING_MAX);
        if (!has(&s, pairs[i].right))
            fail_msg("%s: no %s", pairs[i].wrong, pairs[i].right);
        assert_false(has(&s, pairs[i].wrong));
    }
    ndc_spelling_others(&s, NDC_STR("abcdefghijklmnop"));
    assert_int_equal(s.count, 0);
    ndc_spelling_others(&s, NDC_STR(""));
    assert_int_equal(s.count, 0);
    assert_true(ndc_spelling_is_syllable(NDC_STR("nghieng")));
    assert_false(ndc_spelling_is_syllable(NDC_STR("xyzzy")));
    assert_true(ndc_spelling_alike(NDC_STR("xuan"), NDC_STR("suan")));
    assert_false(ndc_spelling_alike(NDC_STR("lan"), NDC_STR("mai")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spellings),
        TEST_ON_BOTH(test_tones_dates_places),
        TEST_ON_BOTH(test_joined),
        TEST_ON_BOTH(test_crowd),
        TEST_ON_BOTH(test_misspelt_partial_reordered),
    };
    return test_db_run(tests);
}

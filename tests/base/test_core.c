/* base: strings, arenas, dictionaries, sorting, JSON, dates. */
#include "tests/test.h"

#include "base/arena.h"
#include "base/date.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/sort.h"
#include "base/utf8.h"

static void test_numbers_and_nearest(void **state)
{
    (void)state;
    int64_t i;
    uint64_t u;
    assert_true(ndc_str_to_i64(NDC_STR("-9223372036854775808"), &i));
    assert_true(i == INT64_MIN);
    assert_false(ndc_str_to_i64(NDC_STR("9223372036854775808"), &i));
    assert_false(ndc_str_to_u64(NDC_STR("18446744073709551616"), &u));
    assert_false(ndc_str_to_u64(NDC_STR(""), &u));
    assert_int_equal(ndc_str_distance(NDC_STR("abcd"), NDC_STR("acbd"), 3), 1);
    assert_int_equal(ndc_str_distance(NDC_STR("kitten"), NDC_STR("sitting"), 3), 3);
    assert_int_equal(ndc_str_distance(NDC_STR("kitten"), NDC_STR("sitting"), 2), 3);
    const char *names[] = {"listen", "database", "log_level"};
    assert_string_equal(ndc_str_nearest(NDC_STR("databse"), names, 3), "database");
    assert_null(ndc_str_nearest(NDC_STR("colour"), names, 3));
}

static void test_arena_overflow_is_sticky(void **state)
{
    (void)state;
    struct ndc_arena arena;
    ndc_arena_init(&arena, 10000);
    assert_non_null(ndc_arena_alloc(&arena, 9000));
    assert_false(arena.overflow);
    assert_non_null(ndc_arena_alloc(&arena, 5000));
    assert_true(arena.overflow);
    ndc_arena_free(&arena);
    assert_false(arena.overflow);
}

static void test_dict(void **state)
{
    (void)state;
    struct ndc_dict dict;
    char word[16];
    ndc_dict_init(&dict);
    assert_int_equal(ndc_dict_find(&dict, NDC_STR("x")), 0);
    for (unsigned i = 0; i < 5000; i++) {
        int n = snprintf(word, sizeof(word), "w%u", i % 2500);
        assert_int_equal(ndc_dict_add(&dict, ndc_str_n(word, (size_t)n)), i % 2500 + 1);
    }
    assert_int_equal(dict.count, 2500);
    assert_str_eq(ndc_dict_get(&dict, 1), "w0");
    assert_str_eq(ndc_dict_get(&dict, 2500), "w2499");
    ndc_dict_free(&dict);
}

/* Sorted, and equal keys in the order they had, at every size that a way of sorting
 * begins or ends at. */
static void test_sort(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 7, 8, 9, 17, 500, 511, 512, 513, 10000};
    enum { N = 10000 };
    struct ndc_key64 *items = calloc(N, sizeof(*items)),
                     *scratch = calloc(N, sizeof(*items));
    uint64_t rng = 1;
    for (size_t k = 0; k < NDC_ARRAY_LEN(sizes); k++) {
        uint64_t sum = 0;
        for (size_t i = 0; i < sizes[k]; i++) {
            items[i] =
                (struct ndc_key64){ndc_rng_next(&rng) >> (i % 3 * 20) & ~0xffull, i};
            sum += ndc_mix64(items[i].key ^ i);
        }
        ndc_sort_key64(items, scratch, sizes[k]);
        for (size_t i = 0; i < sizes[k]; i++)
            sum -= ndc_mix64(items[i].key ^ items[i].value);
        assert_int_equal(sum, 0);
        for (size_t i = 1; i < sizes[k]; i++) {
            assert_true(items[i - 1].key <= items[i].key);
            if (items[i - 1].key == items[i].key)
                assert_true(items[i - 1].value < items[i].value);
        }
    }
    free(items);
    free(scratch);
}

/* Texts of pieces that are whole, cut or not letters at all, at every place in a block of
 * sixteen: as they are if and only if nothing in them is escaped or not UTF-8. */
static void test_json_quotes_any_text(void **state)
{
    static const char *const pieces[] = {"a",
                                         " ",
                                         "~",
                                         "Đ",
                                         "ế",
                                         "ữ",
                                         "\xe2\x80\x93",
                                         "\"",
                                         "\\",
                                         "<",
                                         "\x7f",
                                         "\x1f",
                                         "\xc4",
                                         "\xe1\xba",
                                         "\x80",
                                         "\xc0\xaf",
                                         "\xed\xa0",
                                         "\xf0\x9f",
                                         "&",
                                         ">",
                                         "\n",
                                         "0123456789abcdef"};
    const char *const escaped = "\"\\<>&\n\x1f\x7f";
    uint64_t rng = 5;
    struct ndc_buf out;
    (void)state;
    ndc_buf_init(&out, 1 << 16);
    for (int round = 0; round < 20000; round++) {
        char text[400];
        size_t len = 0, kinds = round % 2 ? NDC_ARRAY_LEN(pieces) : 6;
        for (uint64_t n = ndc_rng_below(&rng, 14); n > 0; n--) {
            const char *piece = pieces[ndc_rng_below(&rng, kinds)];
            memcpy(text + len, piece, strlen(piece));
            len += strlen(piece);
        }
        text[len] = 0;
        struct ndc_json j;
        ndc_buf_reset(&out);
        ndc_json_init(&j, &out);
        ndc_json_str(&j, ndc_str_n(text, len));
        bool plain = ndc_utf8_valid(ndc_str_n(text, len)) && !strpbrk(text, escaped);
        bool same = out.len == len + 2 && memcmp(out.ptr + 1, text, len) == 0;
        assert_int_equal(same, plain);
        assert_true(ndc_utf8_valid(ndc_buf_str(&out)));
    }
    ndc_buf_free(&out);
}

static void test_json(void **state)
{
    (void)state;
    struct ndc_buf out;
    struct ndc_json j;
    struct json_object *o;
    struct ndc_fault fault = {0};
    ndc_buf_init(&out, 4096);
    ndc_json_init(&j, &out);
    ndc_json_object(&j);
    ndc_json_kv_c(&j, "a\"b",
                  "<x>\n\xff"
                  "ế");
    ndc_json_kv_f64(&j, "f", 0.1);
    ndc_json_key(&j, "list");
    ndc_json_array(&j);
    ndc_json_i64(&j, -1);
    ndc_json_null(&j);
    ndc_json_end(&j);
    ndc_json_end(&j);
    assert_str_eq(ndc_buf_str(&out), "{\"a\\\"b\":\"\\u003cx\\u003e\\n\xef\xbf\xbdế\","
                                     "\"f\":0.1,\"list\":[-1,null]}");
    assert_int_equal(ndc_json_parse(&o, ndc_buf_str(&out), &fault), NDC_OK);
    assert_str_eq(ndc_json_get_str(o, "a\"b"), "<x>\n\xef\xbf\xbdế");
    json_object_put(o);
    const char *bad[] = {"", "{", "{}x", "[1,]", "\"\xff\"", "nul", "{\"a\":01}"};
    for (size_t i = 0; i < NDC_ARRAY_LEN(bad); i++) {
        fault = (struct ndc_fault){0};
        assert_int_equal(ndc_json_parse(&o, ndc_str(bad[i]), &fault), NDC_EINPUT);
        assert_null(o);
    }
    fault = (struct ndc_fault){0};
    assert_int_equal(ndc_json_parse(&o, NDC_STR("12"), &fault), NDC_OK);
    json_object_put(o);
    ndc_buf_free(&out);
}

static void test_dates(void **state)
{
    (void)state;
    struct ndc_date d;
    char text[25];
    int64_t ms;
    for (int32_t day = -200000; day < 200000; day += 37) {
        d = ndc_date_from_days(day);
        assert_true(ndc_date_valid(d));
        assert_int_equal(ndc_date_to_days(d), day);
    }
    assert_int_equal(ndc_date_to_days((struct ndc_date){1970, 1, 1}), 0);
    assert_true(ndc_date_parse_iso(NDC_STR("2024-02-29"), &d));
    assert_false(ndc_date_parse_iso(NDC_STR("2023-02-29"), &d));
    assert_false(ndc_date_parse_iso(NDC_STR("2023-2-2"), &d));
    assert_true(ndc_date_parse_iso(NDC_STR("1950"), &d));
    assert_int_equal(d.month, 0);
    assert_true(ndc_time_parse(NDC_STR("2026-07-01T07:30:00.5+07:00"), &ms));
    ndc_time_format(text, ms);
    assert_string_equal(text, "2026-07-01T00:30:00.500Z");
}

static void test_utf8(void **state)
{
    (void)state;
    assert_true(ndc_utf8_valid(NDC_STR("Nguyễn Thị Hoà 😀")));
    assert_false(ndc_utf8_valid(NDC_STR("\xc0\xaf")));
    assert_false(ndc_utf8_valid(NDC_STR("\xed\xa0\x80")));
    assert_false(ndc_utf8_valid(NDC_STR("a\xe1\xbb")));
    assert_int_equal(ndc_utf8_count(NDC_STR("hoà")), 3);
}

/* Texts of all lengths around the step of sixteen, whole and with one byte changed: as
 * characters one by one say. */
static void test_utf8_as_by_characters(void **state)
{
    (void)state;
    static const char *const parts[] = {"Nguy",   "\u1ec5", "n ",         "\u0111",
                                        "\u2013", "\ud7ff", "\U0001f600", "\u07ff",
                                        "\u0800", "a",      "\uffff"};
    uint64_t rng = 5;
    unsigned bad = 0;
    for (unsigned round = 0; round < 200000; round++) {
        char text[80];
        size_t len = 0, want = ndc_rng_below(&rng, 64);
        unsigned kinds = round % 2 ? 6 : NDC_ARRAY_LEN(parts);
        while (len < want) {
            const char *part = parts[ndc_rng_below(&rng, kinds)];
            size_t n = strlen(part);
            memcpy(text + len, part, n);
            len += n;
        }
        if (round % 3 && len) {
            static const unsigned char odd[] = {0x80, 0xbf, 0xc1, 0xc3, 0xe0,
                                                0xe1, 0xed, 0xf0, 'x',  0xff};
            text[ndc_rng_below(&rng, len)] = (char)odd[ndc_rng_below(&rng, sizeof(odd))];
        }
        bool valid = true;
        for (size_t i = 0; i < len;) {
            uint32_t code;
            i += ndc_utf8_decode(ndc_str_n(text + i, len - i), &code);
            valid &= code != NDC_UTF8_BAD;
        }
        bad += !valid;
        assert_int_equal(ndc_utf8_valid(ndc_str_n(text, len)), valid);
    }
    assert_in_range(bad, 50000, 150000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_and_nearest),
        cmocka_unit_test(test_arena_overflow_is_sticky),
        cmocka_unit_test(test_dict),
        cmocka_unit_test(test_sort),
        cmocka_unit_test(test_utf8_as_by_characters),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_json_quotes_any_text),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Comparators and text measures, on pairs that people really confuse. */
#include "tests/test.h"

#include "platforms/registry/link/compare.h"
#include "platforms/registry/link/text.h"

#include <math.h>

/* Level of two values under a comparator, through a one-column table as the engine does.
 */
static unsigned level_of(const char *compare, const char *a, const char *b)
{
    char yaml[512];
    struct ndc_link_spec *spec;
    struct ndc_fault fault = {0};
    struct table t;
    snprintf(yaml, sizeof yaml,
             "name: t\nfields: [{name: f, compare: %s, aliases: aliases.csv}]\n"
             "blocks: [[f]]\n",
             compare);
    if (ndc_link_spec_parse(&spec, ndc_str(yaml), "tests/registry/link", &fault))
        fail_msg("%s", fault.message);
    ndc_link_table_init(&t, spec);
    assert_int_equal(ndc_link_table_reserve(&t, 2, NULL), NDC_OK);
    struct ndc_str x = ndc_str(a), y = ndc_str(b);
    ndc_link_table_add(&t, 0, 0, &x);
    ndc_link_table_add(&t, 0, 1, &y);
    ndc_link_table_seal(&t, false, 1);
    uint32_t p = *table_row(&t, 0), q = *table_row(&t, 1);
    const struct comparator *how = spec->fields[0].comparator;
    unsigned level = p == 0 || q == 0 ? 0
                     : p == q         ? 1
                                      : how->compare(&t.columns[0], p, q);
    if (level > 1) assert_int_equal(level, how->compare(&t.columns[0], q, p));
    ndc_link_table_free(&t);
    ndc_link_spec_free(spec);
    return level;
}

/* Optimal string alignment as the definition has it. */
static unsigned plain_distance(struct ndc_str a, struct ndc_str b)
{
    unsigned d[12][12];
    for (size_t i = 0; i <= a.len; i++) {
        for (size_t j = 0; j <= b.len; j++) {
            unsigned least = (unsigned)(i + j);
            if (i && j) {
                least = d[i - 1][j - 1] + (a.ptr[i - 1] != b.ptr[j - 1]);
                least = NDC_MIN(least, d[i - 1][j] + 1);
                least = NDC_MIN(least, d[i][j - 1] + 1);
            }
            if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] &&
                a.ptr[i - 2] == b.ptr[j - 1])
                least = NDC_MIN(least, d[i - 2][j - 2] + 1);
            d[i][j] = least;
        }
    }
    return d[a.len][b.len];
}

static double plain_jaro_winkler(struct ndc_str a, struct ndc_str b)
{
    size_t window = NDC_MAX(a.len, b.len) / 2, same = 0, crossed = 0, prefix = 0;
    bool used_a[12] = {0}, used_b[12] = {0};
    window = window > 0 ? window - 1 : 0;
    for (size_t i = 0; i < a.len; i++)
        for (size_t j = 0; j < b.len && !used_a[i]; j++) {
            if (used_b[j] || a.ptr[i] != b.ptr[j] || j + window < i || i + window < j)
                continue;
            used_a[i] = used_b[j] = true;
            same++;
        }
    if (same == 0) return 0;
    for (size_t i = 0, j = 0; i < a.len; i++) {
        if (!used_a[i]) continue;
        while (!used_b[j])
            j++;
        crossed += a.ptr[i] != b.ptr[j++];
    }
    double m = (double)same, swaps = (double)(crossed / 2);
    double jaro = (m / (double)a.len + m / (double)b.len + (m - swaps) / m) / 3;
    while (prefix < 4 && prefix < a.len && prefix < b.len &&
           a.ptr[prefix] == b.ptr[prefix])
        prefix++;
    return jaro + (double)prefix * 0.1 * (1 - jaro);
}

/* The quick ways give what the definitions give, on short texts of few letters. */
static void test_measures_plain(void **state)
{
    (void)state;
    uint64_t rng = 7;
    for (unsigned round = 0; round < 200000; round++) {
        char x[11], y[11];
        uint64_t letters = 2 + ndc_rng_below(&rng, 3);
        struct ndc_str a = {x, ndc_rng_below(&rng, 11)};
        struct ndc_str b = {y, ndc_rng_below(&rng, 11)};
        for (size_t i = 0; i < a.len; i++)
            x[i] = (char)('a' + ndc_rng_below(&rng, letters));
        for (size_t i = 0; i < b.len; i++)
            y[i] = (char)('a' + ndc_rng_below(&rng, letters));
        unsigned d = plain_distance(a, b);
        for (unsigned max = 0; max < 5; max++)
            assert_int_equal(ndc_link_text_distance(a, b, max), NDC_MIN(d, max + 1));
        double w = a.len && b.len ? plain_jaro_winkler(a, b) : 0;
        assert_true(fabs(ndc_link_text_jaro_winkler(a, b) - w) < 1e-12);
    }
}

/* Words by eights are the tokens that spaces leave, wherever they fall. */
static void test_words(void **state)
{
    (void)state;
    uint64_t rng = 11;
    for (unsigned round = 0; round < 100000; round++) {
        char text[40];
        struct ndc_str s = {text, ndc_rng_below(&rng, sizeof text)}, tokens[16];
        struct word words[16];
        for (size_t i = 0; i < s.len; i++)
            text[i] = ndc_rng_below(&rng, 4) ? (char)(1 + ndc_rng_below(&rng, 255)) : ' ';
        unsigned max = 1 + (unsigned)ndc_rng_below(&rng, 16);
        unsigned n = ndc_link_text_tokens(s, tokens, max);
        assert_int_equal(ndc_link_text_words(s, words, max), n);
        for (unsigned i = 0; i < n; i++) {
            uint64_t head = 0;
            for (size_t k = 0; k < NDC_MIN(tokens[i].len, (size_t)8); k++)
                head |= (uint64_t)(unsigned char)tokens[i].ptr[k] << 8 * k;
            assert_ptr_equal(words[i].text.ptr, tokens[i].ptr);
            assert_int_equal(words[i].text.len, tokens[i].len);
            assert_int_equal(words[i].head, head);
        }
    }
}

static void assert_level(const char *compare, const char *a, const char *b,
                         const char *want)
{
    const struct comparator *how = ndc_link_comparator_find(compare);
    unsigned level = level_of(compare, a, b);
    const char *got = level == 0 ? "missing" : how->level_names[level - 1];
    if (strcmp(got, want) != 0)
        fail_msg("%s: \"%s\" and \"%s\" are \"%s\", not \"%s\"", compare, a, b, got,
                 want);
}

static void test_measures(void **state)
{
    (void)state;
    assert_int_equal(ndc_link_text_distance(NDC_STR("ca"), NDC_STR("abc"), 9), 3);
    assert_int_equal(ndc_link_text_distance(NDC_STR("martha"), NDC_STR("marhta"), 9), 1);
    assert_int_equal(ndc_link_text_distance(NDC_STR("kitten"), NDC_STR("sitting"), 9), 3);
    assert_int_equal(ndc_link_text_distance(NDC_STR(""), NDC_STR("abc"), 2), 3);
    assert_int_equal(ndc_link_text_distance(NDC_STR("same"), NDC_STR("same"), 0), 0);
    /* Winkler's published examples. */
    double martha = ndc_link_text_jaro_winkler(NDC_STR("martha"), NDC_STR("marhta"));
    double dixon = ndc_link_text_jaro_winkler(NDC_STR("dixon"), NDC_STR("dicksonx"));
    double dwayne = ndc_link_text_jaro_winkler(NDC_STR("dwayne"), NDC_STR("duane"));
    assert_true(martha > 0.9610 && martha < 0.9612);
    assert_true(dixon > 0.8132 && dixon < 0.8134);
    assert_true(dwayne > 0.8399 && dwayne < 0.8401);
    assert_true(ndc_link_text_soundex(NDC_STR("robert")) ==
                ndc_link_text_soundex(NDC_STR("rupert")));
    assert_true(ndc_link_text_soundex(NDC_STR("robert")) !=
                ndc_link_text_soundex(NDC_STR("rubin")));
}

static void test_names(void **state)
{
    (void)state;
    assert_level("name", "Jon", "jon", "exact");
    assert_level("name", "José", "JOSE", "exact");
    assert_level("name", "William", "Bill", "variant");
    assert_level("name", "Catherine", "Cathrine", "near");
    assert_level("name", "W", "William", "initial");
    assert_level("name", "Smith", "Jones", "different");
    assert_level("name", "", "Jones", "missing");
    assert_level("name", "...", "Jones", "missing");
}

static void test_vietnamese_names(void **state)
{
    (void)state;
    assert_level("vi_name", "NGUYỄN VĂN AN", "Nguyễn Văn An", "exact");
    assert_level("vi_name", "Nguyễn Thị Hoà", "Nguyễn Thị Hòa", "exact");
    assert_level("vi_name", "Nguyen Van An", "Nguyễn Văn Ân", "tones differ");
    assert_level("vi_name", "Lý Thị Mỹ", "Lí Thị Mĩ", "tones differ");
    assert_level("vi_name", "Huỳnh Văn Đức", "Hoàng Văn Đức", "tones differ");
    assert_level("vi_name", "Võ Thị Sáu", "Vũ Thị Sáu", "tones differ");
    assert_level("vi_name", "Nguyễn An", "Nguyễn Văn An", "parts missing");
    assert_level("vi_name", "An Nguyen Van", "Nguyễn Văn An", "order differs");
    assert_level("vi_name", "Nguyễn Vă An", "Nguyễn Văn An", "one letter");
    assert_level("vi_name", "Nguyễn V. An", "Nguyễn Văn An", "initials");
    assert_level("vi_name", "Nguyễn Thị An", "Nguyễn Văn An", "other middle");
    assert_level("vi_name", "Trần Văn An", "Nguyễn Văn An", "given name and a part");
    assert_level("vi_name", "Nguyễn Văn Bình", "Nguyễn Văn An", "different");
}

static void test_dates(void **state)
{
    (void)state;
    assert_level("date", "1975-04-30", "30/04/1975", "exact");
    assert_level("date", "19750430", "1975-4-30", "exact");
    assert_level("date", "1975-04-30", "1975-04-03", "one edit");
    assert_level("date", "1975-04-30", "1957-04-30", "one edit");
    assert_level("date", "1975-04-12", "1975-12-04", "day and month swapped");
    assert_level("date", "1975", "1975-04-30", "only the year known");
    assert_level("date", "1975-01-01", "1975-04-30", "only the year known");
    assert_level("date", "1975", "1976-04-30", "different");
    assert_level("date", "1925-04-30", "1971-04-30", "same day, other year");
    assert_level("date", "1975-11-30", "1975-02-17", "same year");
    assert_level("date", "1975-04-30", "1986-12-11", "different");
    assert_level("date", "unknown", "1986-12-11", "missing");
}

static void test_others(void **state)
{
    (void)state;
    assert_level("id", "001087123456", "001087123465", "one edit");
    assert_level("id", "001087123456", "079199000001", "different");
    assert_level("code", "TQ13 8DF", "tq13 8df", "exact");
    assert_level("code", "tq13 8df", "tq13 9aa", "same district");
    assert_level("code", "tq13 8df", "tq9 1ab", "same area");
    assert_level("number", "100", "104", "within tolerance");
    assert_level("number", "100", "207", "different");
    assert_level("email", "an@x.vn", "an@yyyy.example", "same mailbox");
    assert_level("tokens", "12 Lê Lợi, Quận 1", "quan 1 12 le loi", "same words");
    assert_level("tokens", "Cty TNHH Hoa Sen", "Cty TNHH Tập đoàn Hoa Sen", "contained");
    assert_level("text", "pridhamstreet", "pridham street", "near");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_measures),
                                       cmocka_unit_test(test_measures_plain),
                                       cmocka_unit_test(test_words),
                                       cmocka_unit_test(test_names),
                                       cmocka_unit_test(test_vietnamese_names),
                                       cmocka_unit_test(test_dates),
                                       cmocka_unit_test(test_others)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Whole runs on small made-up populations: the same entities whatever the order of rows
 * and the number of threads, guards, decisions, caps, and one lookup like the batch. */
#include "tests/test.h"

#include "base/hash.h"
#include "platforms/registry/link/eval.h"
#include "platforms/registry/link/match.h"

#include <math.h>

enum { FIELDS = 5, PEOPLE = 400, COPIES = 3, ROWS = PEOPLE * COPIES, TEXT = 48 };

static const char spec_text[] = "name: test\n"
                                "fields:\n"
                                "  - {name: person_id, compare: id, identifier: true}\n"
                                "  - {name: full_name, compare: vi_name}\n"
                                "  - {name: birth_date, compare: date}\n"
                                "  - {name: phone, compare: id, shared: true}\n"
                                "  - {name: town, compare: text}\n"
                                "blocks:\n"
                                "  - [person_id]\n"
                                "  - [full_name]\n"
                                "  - [birth_date]\n"
                                "  - [phone]\n";

struct record {
    char text[FIELDS][TEXT];
    unsigned source;
    uint64_t ref;
    uint32_t person;
};

static struct record people[ROWS];

static struct ndc_link_spec *parse(const char *text)
{
    struct ndc_link_spec *spec;
    struct ndc_fault fault = {0};
    if (ndc_link_spec_parse(&spec, ndc_str(text), NULL, &fault))
        fail_msg("%s", fault.message);
    return spec;
}

/* Three records of each person: one whole, one without the number and with a slip in the
 * name, one without the birth date. */
static void make_people(void)
{
    static const char *const words[] = {"an",    "binh", "chi",   "dung", "giang", "hai",
                                        "khanh", "lan",  "minh",  "nam",  "oanh",  "phuc",
                                        "quang", "son",  "thanh", "van",  "xuan",  "yen"};
    static const char *const surnames[] = {"Nguyen", "Tran",  "Le",
                                           "Pham",   "Hoang", "Phan"};
    uint64_t rng = 7;
    for (uint32_t p = 0; p < PEOPLE; p++) {
        struct record r = {.person = p};
        snprintf(r.text[0], TEXT, "%012llu",
                 (unsigned long long)(ndc_rng_next(&rng) % 1000000000000u));
        snprintf(r.text[1], TEXT, "%s %s %s", surnames[ndc_rng_below(&rng, 6)],
                 words[ndc_rng_below(&rng, 18)], words[ndc_rng_below(&rng, 18)]);
        snprintf(
            r.text[2], TEXT, "%04u-%02u-%02u", 1940 + (unsigned)ndc_rng_below(&rng, 80),
            1 + (unsigned)ndc_rng_below(&rng, 12), 1 + (unsigned)ndc_rng_below(&rng, 28));
        snprintf(r.text[3], TEXT, "09%08u", (unsigned)ndc_rng_below(&rng, 100000000));
        snprintf(r.text[4], TEXT, "town %c", (char)('a' + ndc_rng_below(&rng, 20)));
        for (unsigned copy = 0; copy < COPIES; copy++) {
            struct record *out = &people[p * COPIES + copy];
            *out = r;
            out->source = copy;
            out->ref = p * 31 + 5;
            if (copy == 1) out->text[0][0] = 0;
            if (copy == 1) out->text[1][strlen(out->text[1]) - 1] = 'x';
            if (copy == 2) out->text[2][0] = 0;
        }
    }
}

static void add_rows(struct ndc_link *link, const uint32_t *order)
{
    static const char *const names[] = {"left", "middle", "right"};
    struct ndc_fault fault = {0};
    unsigned sources[COPIES];
    unsigned flip = order ? 1 : 0; /* declare the sources in another order too */
    for (unsigned i = 0; i < COPIES; i++) {
        unsigned s = flip ? COPIES - 1 - i : i;
        assert_int_equal(
            ndc_link_source_add(link, ndc_str(names[s]), &sources[s], &fault), NDC_OK);
    }
    struct ndc_link_batch *batch = ndc_link_batch_new(link);
    for (uint32_t i = 0; i < ROWS; i++) {
        const struct record *r = &people[order ? order[i] : i];
        struct ndc_str values[FIELDS];
        for (unsigned f = 0; f < FIELDS; f++)
            values[f] = ndc_str(r->text[f]);
        ndc_link_batch_add(batch, sources[r->source], r->ref, values);
        if (i % 100 != 99) continue;
        assert_int_equal(ndc_link_batch_commit(batch, &fault), NDC_OK);
        batch = ndc_link_batch_new(link);
    }
    assert_int_equal(ndc_link_batch_commit(batch, &fault), NDC_OK);
}

static struct ndc_link *run(const struct ndc_link_spec *spec, unsigned threads,
                            size_t pair_bytes, const uint32_t *order)
{
    struct ndc_link_options options = {.threads = threads, .pair_bytes_max = pair_bytes};
    struct ndc_fault fault = {0};
    struct ndc_link *link = ndc_link_new(spec, &options);
    add_rows(link, order);
    if (ndc_link_run(link, &fault)) fail_msg("%s", fault.message);
    assert_int_equal(ndc_link_row_count(link), ROWS);
    return link;
}

static void assert_same(const struct ndc_link *a, const struct ndc_link *b)
{
    size_t n, m;
    const struct ndc_link_edge *e = ndc_link_edges(a, &n), *f = ndc_link_edges(b, &m);
    assert_int_equal(n, m);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(e[i].a, f[i].a);
        assert_int_equal(e[i].b, f[i].b);
        assert_memory_equal(&e[i].log_odds, &f[i].log_odds, sizeof(float));
    }
    for (uint32_t i = 0; i < ROWS; i++)
        assert_int_equal(ndc_link_entity(a, i), ndc_link_entity(b, i));
    const struct ndc_link_review *r = ndc_link_reviews(a, &n),
                                 *s = ndc_link_reviews(b, &m);
    assert_int_equal(n, m);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(r[i].a, s[i].a);
        assert_int_equal(r[i].b, s[i].b);
    }
}

/* F1 of a run over `people`. */
static double f1_of(const struct ndc_link *link)
{
    static uint32_t found[ROWS], truth[ROWS];
    struct ndc_link_eval e;
    for (uint32_t i = 0; i < ROWS; i++) {
        unsigned source;
        uint64_t ref;
        ndc_link_row(link, i, &source, &ref);
        found[i] = ndc_link_entity(link, i);
        truth[i] = (uint32_t)(ref - 5) / 31;
    }
    ndc_link_score_partition(&e, found, truth, NULL, ROWS, false);
    return e.f1;
}

static void test_same_on_any_order(void **state)
{
    (void)state;
    struct ndc_link_spec *spec = parse(spec_text);
    static uint32_t order[ROWS];
    uint64_t rng = 99;
    for (uint32_t i = 0; i < ROWS; i++)
        order[i] = i;
    for (uint32_t i = ROWS - 1; i > 0; i--) {
        uint32_t j = (uint32_t)ndc_rng_below(&rng, i + 1), t = order[i];
        order[i] = order[j];
        order[j] = t;
    }
    struct ndc_link *one = run(spec, 1, 0, NULL);
    struct ndc_link *two = run(spec, 2, 0, NULL);
    struct ndc_link *mixed = run(spec, 3, 0, order);
    assert_same(one, two);
    assert_same(one, mixed);
    assert_true(f1_of(one) > 0.98);
    ndc_link_free(one);
    ndc_link_free(two);
    ndc_link_free(mixed);
    ndc_link_spec_free(spec);
}

static void test_small_memory(void **state)
{
    (void)state;
    struct ndc_link_spec *spec = parse(spec_text);
    struct ndc_link *wide = run(spec, 2, 0, NULL), *narrow = run(spec, 2, 4096, NULL);
    struct ndc_link_stats a, b;
    ndc_link_get_stats(wide, &a);
    ndc_link_get_stats(narrow, &b);
    assert_int_equal(a.pairs_compared, b.pairs_compared);
    assert_true(f1_of(narrow) > 0.98);
    ndc_link_free(wide);
    ndc_link_free(narrow);
    ndc_link_spec_free(spec);
}

static void test_kept_model_and_match(void **state)
{
    (void)state;
    struct ndc_link_spec *spec = parse(spec_text);
    struct ndc_fault fault = {0};
    struct ndc_link *link = run(spec, 2, 0, NULL);
    struct ndc_buf json;
    struct ndc_link_model *model;
    ndc_buf_init(&json, 1 << 24);
    assert_int_equal(ndc_link_model_write(link, &json, &fault), NDC_OK);
    if (ndc_link_model_read(&model, spec, ndc_buf_str(&json), &fault))
        fail_msg("%s", fault.message);
    /* One lookup gives every pair the weight that the batch gave it. */
    size_t n;
    const struct ndc_link_edge *e = ndc_link_edges(link, &n);
    for (size_t i = 0; i < n; i += 7) {
        if (e[i].kind != NDC_LINK_EDGE_MODEL) continue;
        struct ndc_str a[FIELDS], b[FIELDS];
        for (unsigned f = 0; f < FIELDS; f++) {
            a[f] = ndc_link_value(link, e[i].a, f);
            b[f] = ndc_link_value(link, e[i].b, f);
        }
        const struct ndc_str *list[1] = {b};
        struct ndc_link_match match;
        assert_int_equal(ndc_link_match(model, &match, 1, a, list, 1, -50), 1);
        assert_true(fabs(match.log_odds - (double)e[i].log_odds) < 1e-3);
        double sum = 0;
        for (unsigned k = 0; k < match.evidence_count; k++)
            sum += match.evidence[k].weight;
        assert_true(match.evidence_count >= FIELDS && isfinite(sum));
    }
    /* A record shares a blocking key with itself, and keys do not depend on case. */
    struct ndc_str values[FIELDS], upper[FIELDS];
    uint64_t x[NDC_LINK_KEYS_MAX], y[NDC_LINK_KEYS_MAX];
    for (unsigned f = 0; f < FIELDS; f++)
        values[f] = upper[f] = ndc_str(people[0].text[f]);
    values[1] = NDC_STR("nguyen van an");
    upper[1] = NDC_STR("NGUYỄN VĂN ÂN");
    unsigned keys = ndc_link_keys(spec, values, x);
    assert_int_equal(keys, 4);
    assert_int_equal(ndc_link_keys(spec, upper, y), keys);
    assert_memory_equal(x, y, keys * sizeof *x);
    struct ndc_link_spec *other = parse("name: o\nfields: [{name: a}]\nblocks: [[a]]\n");
    struct ndc_link_model *refused;
    assert_int_equal(ndc_link_model_read(&refused, other, ndc_buf_str(&json), &fault),
                     NDC_EINPUT);
    ndc_link_spec_free(other);
    ndc_link_model_free(model);
    ndc_buf_free(&json);
    ndc_link_free(link);
    ndc_link_spec_free(spec);
}

/* Rows of one source for the smaller tests: ref is the index. */
static struct ndc_link *run_rows(const struct ndc_link_spec *spec,
                                 const char *const rows[][FIELDS], unsigned count,
                                 void (*before)(struct ndc_link *link))
{
    struct ndc_fault fault = {0};
    unsigned source;
    struct ndc_link *link = ndc_link_new(spec, NULL);
    assert_int_equal(ndc_link_source_add(link, NDC_STR("s"), &source, &fault), NDC_OK);
    struct ndc_link_batch *batch = ndc_link_batch_new(link);
    for (unsigned i = 0; i < count; i++) {
        struct ndc_str values[FIELDS];
        for (unsigned f = 0; f < FIELDS; f++)
            values[f] = ndc_str(rows[i][f]);
        ndc_link_batch_add(batch, source, i, values);
    }
    assert_int_equal(ndc_link_batch_commit(batch, &fault), NDC_OK);
    if (before) before(link);
    if (ndc_link_run(link, &fault)) fail_msg("%s", fault.message);
    return link;
}

static const char *const shared_id[][FIELDS] = {
    {"001087123456", "Nguyễn Văn An", "1987-02-03", "", "hue"},
    {"001087123456", "NGUYEN VAN AN", "1987-03-02", "", "hue"},
    {"001087123456", "Trần Thị Bích Ngọc", "1955-11-20", "", "vinh"},
    {"001087123465", "Nguyễn Văn An", "1987-02-03", "", ""},
    {"", "Lê Minh Khôi", "1990-10-10", "0912345678", "hue"},
    {"", "Lê Minh Khôi", "1990-10-10", "0912345678", "hue"},
    {"079190000001", "Lê Minh Khôi", "1990-10-10", "", ""},
    {"048155000002", "Lê Minh Khôi", "1990-10-10", "", ""}};

static void test_identifiers(void **state)
{
    (void)state;
    struct ndc_link_spec *spec = parse(spec_text);
    struct ndc_link *link = run_rows(spec, shared_id, 8, NULL);
    assert_int_equal(ndc_link_entity(link, 0), ndc_link_entity(link, 1));
    /* The number is hers by mistake: everything else contradicts. */
    assert_int_not_equal(ndc_link_entity(link, 0), ndc_link_entity(link, 2));
    size_t n;
    const struct ndc_link_review *r = ndc_link_reviews(link, &n);
    bool told = false;
    for (size_t i = 0; i < n; i++)
        told |= r[i].reason == NDC_LINK_REVIEW_SHARED_ID && r[i].a == 0 && r[i].b == 2;
    assert_true(told);
    /* Two valid numbers never meet, not even through records without one. */
    assert_int_not_equal(ndc_link_entity(link, 6), ndc_link_entity(link, 7));
    ndc_link_free(link);
    ndc_link_spec_free(spec);
}

/* Zeros typed to fill the box are no identifier. */
static void test_filler(void **state)
{
    (void)state;
    static const char *const rows[][FIELDS] = {
        {"000000000000", "Nguyễn Văn An", "1987-02-03", "", ""},
        {"000000000000", "Trần Thị Bích", "1955-11-20", "", ""},
        {"000000000000", "Lê Minh Khôi", "", "", ""},
        {"000000000000", "Phạm Thị Hoa", "1971-06-30", "", ""},
        {"000000000000", "Vũ Đức Thắng", "1990-12-12", "", ""},
        {"001087123456", "Nguyễn Văn An", "1987-02-03", "", ""}};
    char text[sizeof spec_text + 32];
    snprintf(text, sizeof text, "entity_max: 4\n%s", spec_text);
    struct ndc_link_spec *spec = parse(text);
    struct ndc_link *link = run_rows(spec, rows, 6, NULL);
    struct ndc_link_stats stats;
    size_t n;
    ndc_link_get_stats(link, &stats);
    (void)ndc_link_reviews(link, &n);
    assert_int_equal(stats.identifier_fillers, 5);
    assert_int_equal(stats.identifier_links, 0);
    assert_true(stats.entities >= 5 && n <= 1);
    ndc_link_free(link);
    ndc_link_spec_free(spec);
}

static void decide(struct ndc_link *link)
{
    ndc_link_decide(link, 0, 0, 0, 2, true);
    ndc_link_decide(link, 0, 0, 0, 1, false);
    ndc_link_decide(link, 0, 4, 0, 5, false);
    ndc_link_decide(link, 0, 4, 0, 999, true);
}

static void test_decisions(void **state)
{
    (void)state;
    struct ndc_link_spec *spec = parse(spec_text);
    struct ndc_link *link = run_rows(spec, shared_id, 8, decide);
    assert_int_equal(ndc_link_entity(link, 0), ndc_link_entity(link, 2));
    assert_int_not_equal(ndc_link_entity(link, 0), ndc_link_entity(link, 1));
    assert_int_not_equal(ndc_link_entity(link, 4), ndc_link_entity(link, 5));
    struct ndc_link_stats stats;
    ndc_link_get_stats(link, &stats);
    assert_int_equal(stats.decisions_unknown, 1);
    ndc_link_free(link);
    ndc_link_spec_free(spec);
}

static void test_capped_block(void **state)
{
    (void)state;
    enum { CROWD = 300 };
    static char born[CROWD][TEXT], phone[CROWD][TEXT];
    static const char *rows[CROWD][FIELDS];
    for (unsigned i = 0; i < CROWD; i++) {
        snprintf(born[i], TEXT, "%04u-%02u-11", 1930 + i % 80, 1 + i / 2 % 12);
        snprintf(phone[i], TEXT, "0912%06u", i / 2 * 7919 % 1000000);
        rows[i][0] = "";
        rows[i][1] = "Nguyễn Văn An";
        rows[i][2] = i % 3 ? born[i] : "";
        rows[i][3] = phone[i];
        rows[i][4] = "";
    }
    char text[sizeof spec_text + 32];
    snprintf(text, sizeof text, "cap: 50\n%s", spec_text);
    struct ndc_link_spec *spec = parse(text);
    struct ndc_link *link =
        run_rows(spec, (const char *const(*)[FIELDS])rows, CROWD, NULL);
    size_t n;
    const struct ndc_link_cap *caps = ndc_link_caps(link, &n);
    assert_int_equal(n, 1);
    assert_string_equal(caps[0].rule, "full_name");
    assert_int_equal(caps[0].rows, CROWD);
    assert_int_equal(caps[0].pairs, CROWD * (CROWD - 1) / 2);
    assert_true(caps[0].pairs_kept > 0 && caps[0].pairs_kept < caps[0].pairs / 4);
    /* A common name alone joins nobody: no crowd. */
    struct ndc_link_stats stats;
    ndc_link_get_stats(link, &stats);
    assert_true(stats.largest_entity <= 4);
    ndc_link_free(link);
    ndc_link_spec_free(spec);
}

static bool stop(void *ctx)
{
    return ++*(int *)ctx > 2;
}

static void test_cancel_and_empty(void **state)
{
    (void)state;
    struct ndc_link_spec *spec = parse(spec_text);
    struct ndc_fault fault = {0};
    int calls = 0;
    struct ndc_link_options options = {.canceled = stop, .ctx = &calls};
    struct ndc_link *link = ndc_link_new(spec, &options);
    add_rows(link, NULL);
    assert_int_equal(ndc_link_run(link, &fault), NDC_ECANCELED);
    ndc_link_free(link);
    link = ndc_link_new(spec, NULL);
    fault = (struct ndc_fault){0};
    assert_int_equal(ndc_link_run(link, &fault), NDC_OK);
    assert_int_equal(ndc_link_entity_count(link), 0);
    ndc_link_free(link);
    static const char *const blank[][FIELDS] = {{"", "", "", "", ""},
                                                {"", "", "", "", ""}};
    link = run_rows(spec, blank, 2, NULL);
    assert_int_equal(ndc_link_entity_count(link), 2);
    ndc_link_free(link);
    ndc_link_spec_free(spec);
}

static void test_figures(void **state)
{
    (void)state;
    /* Five records, truth {0,1,2} {3,4}; found {0,1} {2,3,4}: by hand. */
    uint32_t truth[] = {1, 1, 1, 2, 2}, found[] = {7, 7, 8, 8, 8};
    struct ndc_link_eval e;
    ndc_link_score_partition(&e, found, truth, NULL, 5, false);
    assert_int_equal(e.truth_pairs, 4);
    assert_int_equal(e.found_pairs, 4);
    assert_int_equal(e.right_pairs, 2);
    assert_true(fabs(e.f1 - 0.5) < 1e-12);
    /* B-cubed: precision (1+1+1/3+2/3+2/3)/5, recall (2/3+2/3+1/3+1+1)/5. */
    assert_true(fabs(e.b3_precision - 11.0 / 15) < 1e-12);
    assert_true(fabs(e.b3_recall - 11.0 / 15) < 1e-12);
    uint8_t sources[] = {0, 1, 0, 0, 1};
    ndc_link_score_partition(&e, found, truth, sources, 5, true);
    assert_int_equal(e.truth_pairs, 3);
    assert_int_equal(e.found_pairs, 3);
    assert_int_equal(e.right_pairs, 2);
}

int main(void)
{
    make_people();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_on_any_order),
                                       cmocka_unit_test(test_small_memory),
                                       cmocka_unit_test(test_kept_model_and_match),
                                       cmocka_unit_test(test_identifiers),
                                       cmocka_unit_test(test_filler),
                                       cmocka_unit_test(test_decisions),
                                       cmocka_unit_test(test_capped_block),
                                       cmocka_unit_test(test_cancel_and_empty),
                                       cmocka_unit_test(test_figures)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

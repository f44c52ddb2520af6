/* Linking out of memory gives what linking in memory gives: nations with all their noise,
 * a crowd of one name and number, decisions, bounds of a few hundred rows a share. */
#include "tests/test.h"

#include "base/hash.h"
#include "bench/link_demo.h"
#include "platforms/registry/link/external.h"
#include "platforms/registry/link/match.h"
#include "sys/thread.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>

enum { PEOPLE = 1500, CROWD = 2100, SOURCES_MAX = 32, MODEL_BYTES_MAX = 1 << 28 };

/* All rows of some sources, in their order. */
struct rows {
    struct ndc_link_spec *spec;
    struct ndc_link *texts; /* where their values stand; the crowd's are made */
    unsigned fields, source_count;
    struct ndc_str names[SOURCES_MAX];
    uint32_t counts[SOURCES_MAX], count, crowd_from;
    struct ndc_fault fail; /* to be given by the reader from row `fail_row` on */
    uint32_t fail_row;
    char crowd[CROWD][4][32];
    struct ndc_link_model *model;
};

static void load(struct rows *r, uint64_t seed)
{
    struct ndc_fault fault = {0};
    unsigned source = 0;
    uint64_t ref;
    *r = (struct rows){.fail_row = UINT32_MAX};
    if (ndc_link_spec_load(&r->spec, "src/platforms/registry/specs/person.yaml", &fault))
        fail_msg("%s", fault.message);
    r->fields = ndc_link_spec_field_count(r->spec);
    r->texts = ndc_link_new(r->spec, NULL);
    struct link_demo demo = {.spec = r->spec, .link = r->texts, .seed = seed};
    assert_int_equal(link_demo_load(&demo, PEOPLE, &fault), NDC_OK);
    free(demo.truth);
    ndc_link_prepare(r->texts);
    r->crowd_from = ndc_link_row_count(r->texts);
    r->count = r->crowd_from + CROWD;
    for (uint32_t i = 0; i < r->crowd_from; i++) {
        ndc_link_row(r->texts, i, &source, &ref);
        r->names[source] = ndc_link_source_name(r->texts, source);
        r->counts[source]++;
    }
    r->names[source + 1] = NDC_STR("zz_crowd");
    r->counts[source + 1] = CROWD;
    r->source_count = source + 2;
}

static void drop(struct rows *r)
{
    ndc_link_free(r->texts);
    ndc_link_model_free(r->model);
    ndc_link_spec_free(r->spec);
}

/* The crowd: one name, few birthdays, half of them the number that fills a box, some a
 * number that others of them have too; 500 of the former have one address, as many as a
 * block may hold, and 501 another. */
static void crowd_row(struct rows *r, uint32_t i, struct ndc_str *values)
{
    char(*t)[32] = r->crowd[i];
    snprintf(t[0], sizeof t[0], i % 2 ? "000000000000" : "0790%08u", (i / 7) * 31);
    snprintf(t[1], sizeof t[1], "1980-%02u-%02u", i % 3 + 1, i % 5 + 1);
    values[ndc_link_spec_field_find(r->spec, NDC_STR("person_id"))] = ndc_str(t[0]);
    values[ndc_link_spec_field_find(r->spec, NDC_STR("birth_date"))] = ndc_str(t[1]);
    values[ndc_link_spec_field_find(r->spec, NDC_STR("full_name"))] =
        NDC_STR("Nguyễn Văn An");
    if (i % 2 && i < 2002)
        values[ndc_link_spec_field_find(r->spec, NDC_STR("email"))] =
            i < 1000 ? NDC_STR("cho@thon.vn") : NDC_STR("xa@thon.vn");
}

static uint32_t tag_of(uint32_t row)
{
    return (uint32_t)(ndc_mix64(row + 77) >> 32);
}

static enum ndc_err read_rows(void *ctx, uint32_t from, uint32_t to,
                              const struct ndc_link_taker *taker, struct ndc_fault *fault)
{
    struct rows *r = ctx;
    for (uint32_t i = from; i < to; i++) {
        struct ndc_str values[NDC_LINK_FIELDS_MAX] = {0};
        if (i >= r->fail_row)
            return ndc_fail(fault, NDC_EIO, "test.damaged", "row %u is damaged", i);
        if (taker->wants && !taker->wants(taker->arg, i)) continue;
        if (i >= r->crowd_from)
            crowd_row(r, i - r->crowd_from, values);
        else
            for (unsigned f = 0; f < r->fields; f++)
                values[f] = ndc_link_value(r->texts, i, f);
        taker->take(taker->arg, i, tag_of(i), values);
    }
    return NDC_OK;
}

static struct ndc_link *declare(struct rows *r, unsigned threads)
{
    struct ndc_link_options options = {.threads = threads, .keep_open = true};
    struct ndc_link *link = ndc_link_new(r->spec, &options);
    for (unsigned s = 0; s < r->source_count; s++) {
        unsigned number;
        assert_int_equal(
            ndc_link_source_whole(link, r->names[s], r->counts[s], &number, NULL),
            NDC_OK);
        assert_int_equal(number, s);
    }
    if (r->model) ndc_link_use_model(link, r->model);
    return link;
}

static void place(const struct rows *r, uint32_t row, unsigned *source, uint64_t *ref)
{
    for (*source = 0; row >= r->counts[*source]; (*source)++)
        row -= r->counts[*source];
    *ref = row;
}

static void decide(struct rows *r, struct ndc_link *link, uint32_t a, uint32_t b,
                   bool same)
{
    unsigned s, t;
    uint64_t x, y;
    place(r, a, &s, &x);
    place(r, b, &t, &y);
    ndc_link_decide(link, s, x, t, y, same);
}

/* Some edges are undone, some reviews are joined, some pairs have nothing in common. */
static void decide_some(struct rows *r, struct ndc_link *link,
                        const struct ndc_link *before)
{
    size_t n, m;
    const struct ndc_link_edge *e = ndc_link_edges(before, &n);
    const struct ndc_link_review *v = ndc_link_reviews(before, &m);
    for (size_t i = 0; i < n; i += 97)
        decide(r, link, e[i].a, e[i].b, false);
    for (size_t i = 0; i < m; i += 5)
        decide(r, link, v[i].a, v[i].b, i % 10 == 0);
    for (uint32_t i = 0; i < 20; i++)
        decide(r, link, i * 101, r->crowd_from - 1 - i * 53, i % 2);
}

struct feeding {
    struct ndc_link_batch *batch;
    struct rows *rows;
};

static void feed_row(void *arg, uint32_t row, uint32_t tag, const struct ndc_str *values)
{
    struct feeding *f = arg;
    unsigned source;
    uint64_t ref;
    place(f->rows, row, &source, &ref);
    ndc_link_batch_add_tagged(f->batch, source, ref, tag, values);
}

static struct ndc_link *link_in_memory(struct rows *r, const struct ndc_link *before)
{
    struct ndc_fault fault = {0};
    struct ndc_link *link = declare(r, 2);
    struct feeding f = {ndc_link_batch_new(link), r};
    const struct ndc_link_taker taker = {.arg = &f, .take = feed_row};
    assert_int_equal(read_rows(r, 0, r->count, &taker, &fault), NDC_OK);
    assert_int_equal(ndc_link_batch_commit(f.batch, &fault), NDC_OK);
    if (before) decide_some(r, link, before);
    if (ndc_link_run(link, &fault)) fail_msg("%s", fault.message);
    return link;
}

static struct ndc_link *link_external(struct rows *r, const struct ndc_link *before,
                                      unsigned threads, size_t memory)
{
    struct ndc_fault fault = {0};
    struct ndc_link *link = declare(r, threads);
    const struct ndc_link_reader reader = {
        .ctx = r, .read = read_rows, .scratch_dir = "/tmp", .memory_bytes = memory};
    if (before) decide_some(r, link, before);
    if (ndc_link_run_external(link, &reader, &fault)) fail_msg("%s", fault.message);
    return link;
}

static void assert_same(const struct ndc_link *a, const struct ndc_link *b)
{
    size_t n, m;
    struct ndc_link_stats x, y;
    ndc_link_get_stats(a, &x);
    ndc_link_get_stats(b, &y);
    assert_int_equal(ndc_link_row_count(a), ndc_link_row_count(b));
    assert_int_equal(x.identifier_fillers, y.identifier_fillers);
    assert_int_equal(x.identifier_links, y.identifier_links);
    assert_int_equal(x.identifier_conflicts, y.identifier_conflicts);
    for (uint32_t i = 0; i < ndc_link_row_count(a); i++)
        if (ndc_link_open(a, i) != ndc_link_open(b, i)) fail_msg("row %u: open", i);
    const struct ndc_link_edge *e = ndc_link_edges(a, &n), *f = ndc_link_edges(b, &m);
    for (size_t i = 0; i < n && i < m; i++)
        if (e[i].a != f[i].a || e[i].b != f[i].b || e[i].log_odds != f[i].log_odds ||
            e[i].kind != f[i].kind || e[i].joined != f[i].joined)
            fail_msg("edge %zu: %u %u %f %d %d, %u %u %f %d %d", i, e[i].a, e[i].b,
                     (double)e[i].log_odds, e[i].kind, e[i].joined, f[i].a, f[i].b,
                     (double)f[i].log_odds, f[i].kind, f[i].joined);
    assert_int_equal(n, m);
    for (uint32_t i = 0; i < ndc_link_row_count(a); i++)
        if (ndc_link_entity(a, i) != ndc_link_entity(b, i))
            fail_msg("row %u: entity %u, %u", i, ndc_link_entity(a, i),
                     ndc_link_entity(b, i));
    const struct ndc_link_review *v = ndc_link_reviews(a, &n),
                                 *w = ndc_link_reviews(b, &m);
    assert_int_equal(n, m);
    for (size_t i = 0; i < n; i++)
        if (v[i].a != w[i].a || v[i].b != w[i].b || v[i].log_odds != w[i].log_odds ||
            v[i].reason != w[i].reason || v[i].joined != w[i].joined)
            fail_msg("review %zu", i);
    const struct ndc_link_cap *c = ndc_link_caps(a, &n), *d = ndc_link_caps(b, &m);
    assert_true(n > 0);
    assert_int_equal(n, m);
    for (size_t i = 0; i < n; i++)
        if (strcmp(c[i].rule, d[i].rule) != 0 || c[i].example != d[i].example ||
            c[i].rows != d[i].rows || c[i].pairs_kept != d[i].pairs_kept)
            fail_msg("cap %zu: %s %u %u, %s %u %u", i, c[i].rule, c[i].example, c[i].rows,
                     d[i].rule, d[i].example, d[i].rows);
    assert_int_equal(x.entities, y.entities);
    assert_int_equal(x.largest_entity, y.largest_entity);
    assert_int_equal(x.merges_refused, y.merges_refused);
    assert_int_equal(x.edges, y.edges);
}

/* Learns on the rows, and keeps what it learned as a build does. */
static void keep_model(struct rows *r)
{
    struct ndc_fault fault = {0};
    struct ndc_buf json;
    struct ndc_link *link = link_in_memory(r, NULL);
    struct ndc_link_model *model;
    ndc_buf_init(&json, MODEL_BYTES_MAX);
    assert_int_equal(ndc_link_model_write(link, &json, &fault), NDC_OK);
    assert_int_equal(ndc_link_model_read(&model, r->spec, ndc_buf_str(&json), &fault),
                     NDC_OK);
    r->model = model;
    ndc_buf_free(&json);
    ndc_link_free(link);
}

static void test_same(void **state)
{
    (void)state;
    static const size_t bounds[] = {1 << 20, 3 << 20, 1 << 30};
    for (uint64_t seed = 1; seed <= 3; seed++) {
        static struct rows r;
        load(&r, seed);
        keep_model(&r);
        struct ndc_link *plain = link_in_memory(&r, NULL);
        struct ndc_link *decided = link_in_memory(&r, plain);
        struct ndc_link_stats s;
        ndc_link_get_stats(plain, &s);
        assert_true(s.identifier_fillers >= CROWD / 2 && s.identifier_conflicts > 0);
        for (unsigned threads = 1; threads <= 2; threads++) {
            size_t bound = bounds[(seed + threads) % NDC_ARRAY_LEN(bounds)];
            struct ndc_link *x = link_external(&r, NULL, threads, bound);
            assert_same(plain, x);
            ndc_link_free(x);
            x = link_external(&r, plain, threads, bounds[0]);
            assert_same(decided, x);
            ndc_link_free(x);
        }
        ndc_link_free(plain);
        ndc_link_free(decided);
        drop(&r);
    }
}

static void take_text(struct ndc_buf *out, const struct ndc_link *link)
{
    struct ndc_fault fault = {0};
    ndc_buf_init(out, MODEL_BYTES_MAX);
    assert_int_equal(ndc_link_model_write(link, out, &fault), NDC_OK);
}

static struct ndc_link *learn_external(struct rows *r, unsigned threads, uint32_t sample)
{
    struct ndc_fault fault = {0};
    struct ndc_link *link = declare(r, threads);
    const struct ndc_link_reader reader = {.ctx = r,
                                           .read = read_rows,
                                           .scratch_dir = "/tmp",
                                           .memory_bytes = 1 << 20,
                                           .sample_rows = sample};
    if (ndc_link_run_external(link, &reader, &fault)) fail_msg("%s", fault.message);
    return link;
}

/* A sample of all rows teaches what they teach in memory; of half of them about that, and
 * the same whatever the number of threads. */
static void test_learns(void **state)
{
    (void)state;
    static struct rows r;
    struct ndc_buf x, y;
    load(&r, 5);
    struct ndc_link *memory = link_in_memory(&r, NULL);
    struct ndc_link *all = learn_external(&r, 2, 0);
    take_text(&x, memory);
    take_text(&y, all);
    assert_true(ndc_str_eq(ndc_buf_str(&x), ndc_buf_str(&y)));
    assert_same(memory, all);
    ndc_buf_free(&x);
    struct ndc_link *half = learn_external(&r, 1, r.count / 2);
    struct ndc_link *again = learn_external(&r, 2, r.count / 2);
    take_text(&x, half);
    assert_false(ndc_str_eq(ndc_buf_str(&x), ndc_buf_str(&y)));
    ndc_buf_free(&y);
    take_text(&y, again);
    assert_true(ndc_str_eq(ndc_buf_str(&x), ndc_buf_str(&y)));
    assert_same(half, again);
    uint32_t entities = ndc_link_entity_count(memory);
    assert_in_range(ndc_link_entity_count(half), entities * 0.99, entities * 1.01);
    ndc_buf_free(&x);
    ndc_buf_free(&y);
    ndc_link_free(memory);
    ndc_link_free(all);
    ndc_link_free(half);
    ndc_link_free(again);
    drop(&r);
}

static unsigned open_files(void)
{
    unsigned n = 0;
    DIR *d = opendir("/proc/self/fd");
    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static enum ndc_err run_faulty(struct rows *r, const char *dir, struct ndc_fault *fault)
{
    struct ndc_link *link = declare(r, 2);
    const struct ndc_link_reader reader = {
        .ctx = r, .read = read_rows, .scratch_dir = dir, .memory_bytes = 1 << 20};
    enum ndc_err err = ndc_link_run_external(link, &reader, fault);
    ndc_link_free(link);
    return err;
}

/* A disk that is full or away and rows that cannot be read end the run with what is
 * wrong, whenever it comes, and leave nothing open. */
static void test_faults(void **state)
{
    (void)state;
    static struct rows r;
    load(&r, 4);
    keep_model(&r);
    unsigned before = open_files();
    struct ndc_fault fault = {0};
    assert_int_not_equal(run_faulty(&r, "/tmp/no-such-folder", &fault), NDC_OK);
    assert_string_equal(fault.code, "io.scratch");
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit all, full;
    getrlimit(RLIMIT_FSIZE, &all);
    for (rlim_t kib = 16; kib <= 1024; kib *= 4) {
        full = (struct rlimit){kib << 10, all.rlim_max};
        setrlimit(RLIMIT_FSIZE, &full);
        fault = (struct ndc_fault){0};
        enum ndc_err err = run_faulty(&r, "/tmp", &fault);
        setrlimit(RLIMIT_FSIZE, &all);
        assert_int_equal(err, NDC_EIO);
        assert_string_equal(fault.code, "io.scratch");
    }
    r.fail_row = r.count / 2;
    fault = (struct ndc_fault){0};
    assert_int_equal(run_faulty(&r, "/tmp", &fault), NDC_EIO);
    assert_string_equal(fault.code, "test.damaged");
    assert_int_equal(open_files(), before);
    drop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same),
                                       cmocka_unit_test(test_learns),
                                       cmocka_unit_test(test_faults)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What is stored: entity ids, records, entities, index pages, history. A damaged byte is
 * refused or harmless, never a crash; a round trip gives what went in. */
#include "tests/test.h"

#include "base/hash.h"
#include "platforms/registry/entity/entity.h"
#include "platforms/registry/entity/history.h"
#include "platforms/registry/entity/index.h"

static const char letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static unsigned field_id(const char *code)
{
    const struct ndc_field *f = ndc_field_find(ndc_str(code));
    assert_non_null(f);
    return f->id;
}

/* ---- entity ids ---- */

static void test_ids_are_bijective(void **state)
{
    (void)state;
    static const uint64_t edges[] = {0, 1, 2, 1000000, (1ull << 40) - 1};
    uint64_t rng = 5;
    for (int i = 0; i < 20000; i++) {
        uint64_t n = i < 5 ? edges[i] : ndc_rng_next(&rng) >> 24, back;
        enum ndc_entity type = i & 1 ? NDC_ENTITY_ORGANISATION : NDC_ENTITY_PERSON, got;
        char id[NDC_ENTITY_ID_LEN + 1];
        ndc_entity_id_format(id, type, n);
        assert_int_equal(strlen(id), NDC_ENTITY_ID_LEN);
        assert_true(ndc_entity_id_parse(ndc_str(id), &got, &back));
        assert_int_equal(back, n);
        assert_int_equal(got, type);
    }
}

static void test_check_letter_catches_every_slip(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 400; n++) {
        char id[NDC_ENTITY_ID_LEN + 1];
        ndc_entity_id_format(id, n & 1 ? NDC_ENTITY_PERSON : NDC_ENTITY_ORGANISATION, n);
        for (unsigned at = 0; at < NDC_ENTITY_ID_LEN; at++) {
            enum ndc_entity type;
            uint64_t number;
            char right = id[at];
            if (right == '-') continue;
            for (const char *c = at ? letters : "PO"; *c; c++) {
                if (*c == right) continue;
                id[at] = *c;
                if (ndc_entity_id_parse(ndc_str(id), &type, &number))
                    fail_msg("%s passes with letter %u wrong (%c)", id, at, right);
            }
            id[at] = right;
            if (at > 1 && at < 9 && id[at + 1] != right) {
                id[at] = id[at + 1];
                id[at + 1] = right;
                assert_false(ndc_entity_id_parse(ndc_str(id), &type, &number));
                id[at + 1] = id[at];
                id[at] = right;
            }
        }
    }
}

static void test_ids_as_people_write_them(void **state)
{
    (void)state;
    char id[NDC_ENTITY_ID_LEN + 1], other[32];
    enum ndc_entity type;
    uint64_t number;
    ndc_entity_id_format(id, NDC_ENTITY_PERSON, 77);
    for (unsigned i = 0; i <= NDC_ENTITY_ID_LEN; i++)
        other[i] = id[i] >= 'A' && id[i] <= 'Z' ? (char)(id[i] + 32) : id[i];
    assert_true(ndc_entity_id_parse(ndc_str(other), &type, &number));
    assert_int_equal(number, 77);
    snprintf(other, sizeof(other), "%c%.8s%c", id[0], id + 2, id[11]);
    assert_true(ndc_entity_id_parse(ndc_str(other), &type, &number));
    assert_int_equal(number, 77);
    static const char *const wrong[] = {"",
                                        "P",
                                        "P-",
                                        "X-00000000-0",
                                        "P-0000-0",
                                        "P-000000000000-0",
                                        "1",
                                        "' OR 1=1 --",
                                        "P-\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9-0"};
    for (size_t i = 0; i < NDC_ARRAY_LEN(wrong); i++)
        assert_false(ndc_entity_id_parse(ndc_str(wrong[i]), &type, &number));
}

/* ---- records ---- */

static struct ndc_record_field fields[6];

static struct ndc_record sample(void)
{
    static char big[70000];
    memset(big, 'x', sizeof(big));
    fields[0] = (struct ndc_record_field){.field = (uint8_t)field_id("full_name"),
                                          .value = NDC_STR("Nguyễn Văn An"),
                                          .raw = NDC_STR("NGUYỄN VĂN AN")};
    fields[1] = (struct ndc_record_field){.field = (uint8_t)field_id("birth_date"),
                                          .flags = NDC_RECORD_PARTIAL,
                                          .value = NDC_STR("1985"),
                                          .raw = NDC_STR("1985")};
    fields[2] = (struct ndc_record_field){.field = (uint8_t)field_id("permanent_address"),
                                          .place = 100004,
                                          .value = NDC_STR("Phường Ba Đình, Hà Nội"),
                                          .raw = NDC_STR("P. Ba Đình, HN")};
    fields[3] = (struct ndc_record_field){.field = (uint8_t)field_id("phone"),
                                          .flags = NDC_RECORD_INVALID,
                                          .value = NDC_STR(""),
                                          .raw = NDC_STR("không có")};
    fields[4] = (struct ndc_record_field){.field = NDC_RECORD_UNMAPPED,
                                          .column = 300,
                                          .value = ndc_str_n(big, sizeof(big)),
                                          .raw = ndc_str_n(big, sizeof(big))};
    return (struct ndc_record){.source = 7,
                               .run_first = 3,
                               .run = 4000000000u,
                               .seen_s = 1790000000,
                               .flags = NDC_RECORD_ENDED,
                               .key = NDC_STR("a|b\0c"),
                               .count = 5,
                               .fields = fields};
}

static void test_record_round_trip(void **state)
{
    (void)state;
    struct ndc_buf buf;
    struct ndc_arena arena;
    struct ndc_record r = sample(), back;
    ndc_buf_init(&buf, 1 << 20);
    ndc_arena_init(&arena, 1 << 20);
    ndc_record_encode(&buf, &r);
    ndc_record_encode(&buf, &r);
    assert_false(buf.failed);
    struct ndc_str in = ndc_buf_str(&buf), rest = in, whole;
    assert_true(ndc_record_decode(&back, &arena, &in));
    assert_true(ndc_record_skip(&rest, &whole));
    assert_int_equal(in.len, rest.len);
    assert_int_equal(whole.len * 2, buf.len);
    assert_int_equal(back.source, r.source);
    assert_int_equal(back.run, r.run);
    assert_int_equal(back.run_first, r.run_first);
    assert_int_equal(back.seen_s, r.seen_s);
    assert_int_equal(back.flags, r.flags);
    assert_true(ndc_str_eq(back.key, r.key));
    assert_int_equal(back.count, r.count);
    for (unsigned i = 0; i < r.count; i++) {
        assert_int_equal(back.fields[i].field, fields[i].field);
        assert_int_equal(back.fields[i].place, fields[i].place);
        assert_int_equal(back.fields[i].column, fields[i].column);
        assert_int_equal(back.fields[i].flags & fields[i].flags, fields[i].flags);
        assert_true(ndc_str_eq(back.fields[i].value, fields[i].value));
        assert_true(ndc_str_eq(back.fields[i].raw, fields[i].raw));
    }
    assert_int_equal(ndc_record_content_hash(&back), ndc_record_content_hash(&r));
    assert_true(ndc_record_decode(&back, &arena, &in));
    assert_int_equal(in.len, 0);
    /* An invalid value is kept as it was written, and is no value. */
    assert_null(ndc_record_find(&back, field_id("phone")));
    ndc_buf_free(&buf);
    ndc_arena_free(&arena);
}

static void test_content_hash_sees_the_source_only(void **state)
{
    (void)state;
    struct ndc_record r = sample();
    uint64_t h = ndc_record_content_hash(&r);
    r.run++;
    r.run_first++;
    r.seen_s++;
    assert_int_equal(ndc_record_content_hash(&r), h);
    r.flags = 0;
    assert_int_not_equal(ndc_record_content_hash(&r), h);
    r = sample();
    fields[3].raw = NDC_STR("khong co");
    assert_int_not_equal(ndc_record_content_hash(&r), h);
    /* A text that moves to the next column is a change. */
    r = sample();
    fields[4].column = 301;
    assert_int_not_equal(ndc_record_content_hash(&r), h);
}

/* Every truncation is refused; every flipped bit is refused or gives bytes within the
 * input (AddressSanitizer watches). */
static void test_record_damage(void **state)
{
    (void)state;
    struct ndc_buf buf;
    struct ndc_arena arena;
    struct ndc_record r = sample(), back;
    r.count = 4;
    ndc_buf_init(&buf, 1 << 20);
    ndc_arena_init(&arena, 1 << 20);
    ndc_record_encode(&buf, &r);
    for (size_t n = 0; n < buf.len; n++) {
        char *copy = malloc(n + 1);
        memcpy(copy, buf.ptr, n);
        struct ndc_str in = ndc_str_n(copy, n), whole;
        ndc_arena_reset(&arena);
        assert_false(ndc_record_decode(&back, &arena, &in));
        in = ndc_str_n(copy, n);
        assert_false(ndc_record_skip(&in, &whole));
        free(copy);
    }
    for (size_t bit = 0; bit < buf.len * 8; bit++) {
        char *copy = malloc(buf.len);
        memcpy(copy, buf.ptr, buf.len);
        copy[bit / 8] ^= (char)(1 << bit % 8);
        struct ndc_str in = ndc_str_n(copy, buf.len);
        ndc_arena_reset(&arena);
        if (ndc_record_decode(&back, &arena, &in)) ndc_record_content_hash(&back);
        free(copy);
    }
    ndc_buf_free(&buf);
    ndc_arena_free(&arena);
}

/* ---- entities ---- */

static struct ndc_record_field text_of(const char *code, const char *value)
{
    return (struct ndc_record_field){
        .field = (uint8_t)field_id(code), .value = ndc_str(value), .raw = ndc_str(value)};
}

struct person {
    struct ndc_record records[8];
    struct ndc_record_field f[8][4];
    unsigned count;
    uint8_t authority[9][NDC_FIELDS_MAX];
};

/* Adds a record: the name, the birth date and when its source touched it (or NULL). */
static struct ndc_record *add(struct person *p, const char *name, const char *birth,
                              const char *updated)
{
    struct ndc_record *r = &p->records[p->count];
    struct ndc_record_field *f = p->f[p->count++];
    *r = (struct ndc_record){.source = p->count, .key = NDC_STR("k"), .fields = f};
    if (name) f[r->count++] = text_of("full_name", name);
    if (birth) f[r->count++] = text_of("birth_date", birth);
    if (updated) f[r->count++] = text_of("updated_at", updated);
    return r;
}

static struct ndc_golden choose(struct person *p, const char *field)
{
    static struct ndc_golden golden[NDC_FIELDS_MAX];
    const struct ndc_survivorship how = {
        .authority = p->authority, .sources = 9, .updated_field = field_id("updated_at")};
    unsigned n = ndc_golden_choose(golden, p->records, p->count, &how);
    for (unsigned i = 0; i < n; i++)
        if (golden[i].field == field_id(field)) return golden[i];
    return (struct ndc_golden){0};
}

static void check(struct person *p, const char *field, const char *value,
                  enum ndc_golden_rule rule)
{
    struct ndc_golden g = choose(p, field);
    assert_non_null(g.value);
    assert_str_eq(g.value->value, value);
    assert_string_equal(ndc_golden_rule_name(g.rule), ndc_golden_rule_name(rule));
}

static void test_survivorship(void **state)
{
    (void)state;
    struct person p = {0};
    add(&p, "An", NULL, NULL);
    check(&p, "full_name", "An", NDC_GOLDEN_ONLY);
    assert_null(choose(&p, "birth_date").value);
    /* Two say the same: still the only value. */
    add(&p, "An", "1985", NULL);
    check(&p, "full_name", "An", NDC_GOLDEN_ONLY);
    /* Nothing decides: the lowest source number. */
    p = (struct person){0};
    add(&p, "An", NULL, NULL);
    add(&p, "Ân", NULL, NULL);
    check(&p, "full_name", "An", NDC_GOLDEN_FIRST);
    assert_int_equal(choose(&p, "full_name").alternatives, 1);
    /* Most sources. */
    add(&p, "Ân", NULL, NULL);
    check(&p, "full_name", "Ân", NDC_GOLDEN_AGREEMENT);
    /* The source that touched it last, against the many. */
    p = (struct person){0};
    add(&p, "Ân", NULL, "2020-01-01");
    add(&p, "Ân", NULL, "2020-01-01");
    add(&p, "An", NULL, "2024-05-05");
    check(&p, "full_name", "An", NDC_GOLDEN_RECENCY);
    /* The fuller form, against the recent. */
    p.records[2].fields[0].flags = NDC_RECORD_TONELESS;
    check(&p, "full_name", "Ân", NDC_GOLDEN_FULLER);
    p = (struct person){0};
    add(&p, NULL, "1985", "2024-05-05")->fields[0].flags = NDC_RECORD_PARTIAL;
    add(&p, NULL, "1985-03-27", "2001-01-01");
    check(&p, "birth_date", "1985-03-27", NDC_GOLDEN_FULLER);
    /* The authority, against everything; the better rank first. */
    p.authority[1][field_id("birth_date")] = 2;
    check(&p, "birth_date", "1985", NDC_GOLDEN_AUTHORITY);
    p.authority[2][field_id("birth_date")] = 1;
    check(&p, "birth_date", "1985-03-27", NDC_GOLDEN_AUTHORITY);
}

static void test_ended_records_count_last(void **state)
{
    (void)state;
    struct person p = {0};
    add(&p, "Cũ", "1985-01-01", NULL)->flags = NDC_RECORD_ENDED;
    add(&p, "Mới", NULL, NULL);
    p.authority[1][field_id("full_name")] = 1;
    struct ndc_golden g = choose(&p, "full_name");
    assert_str_eq(g.value->value, "Mới");
    /* But they still tell what nobody else does. */
    g = choose(&p, "birth_date");
    assert_str_eq(g.value->value, "1985-01-01");
    assert_int_equal(g.record, 0);
}

static void build(struct ndc_buf *out, struct person *p)
{
    static struct ndc_golden golden[NDC_FIELDS_MAX];
    static struct ndc_entity_edge edges[1] = {{0, 1, 2, 200}};
    const struct ndc_survivorship how = {
        .authority = p->authority, .sources = 9, .updated_field = field_id("updated_at")};
    struct ndc_entity_view v = {.type = NDC_ENTITY_PERSON,
                                .record_count = p->count,
                                .records = p->records,
                                .golden = golden,
                                .edges = edges,
                                .edge_count = p->count > 1};
    v.golden_count = ndc_golden_choose(golden, p->records, p->count, &how);
    ndc_entity_encode(out, &v);
}

static void test_entity_round_trip_and_damage(void **state)
{
    (void)state;
    struct person p = {0};
    struct ndc_buf buf;
    struct ndc_arena arena;
    struct ndc_entity_view v;
    add(&p, "Nguyễn Văn An", "1985-03-27", "2024-01-01");
    add(&p, "Nguyen Van An", "1985", NULL)->fields[0].flags = NDC_RECORD_TONELESS;
    ndc_buf_init(&buf, 1 << 16);
    ndc_arena_init(&arena, 4 << 20);
    build(&buf, &p);
    assert_true(ndc_entity_decode(&v, &arena, ndc_buf_str(&buf)));
    assert_int_equal(v.record_count, 2);
    assert_int_equal(v.edge_count, 1);
    assert_int_equal(v.edges[0].probability, 200);
    const struct ndc_golden *g = ndc_entity_golden(&v, field_id("full_name"));
    assert_str_eq(g->value->value, "Nguyễn Văn An");
    assert_int_equal(g->rule, NDC_GOLDEN_FULLER);
    assert_int_equal(g->alternatives, 1);
    assert_null(ndc_entity_golden(&v, field_id("phone")));
    for (size_t n = 0; n < buf.len; n++) {
        char *copy = malloc(n + 1);
        memcpy(copy, buf.ptr, n);
        ndc_arena_reset(&arena);
        assert_false(ndc_entity_decode(&v, &arena, ndc_str_n(copy, n)));
        free(copy);
    }
    for (size_t bit = 0; bit < buf.len * 8; bit++) {
        char *copy = malloc(buf.len);
        memcpy(copy, buf.ptr, buf.len);
        copy[bit / 8] ^= (char)(1 << bit % 8);
        ndc_arena_reset(&arena);
        if (ndc_entity_decode(&v, &arena, ndc_str_n(copy, buf.len)))
            for (unsigned i = 0; i < v.golden_count; i++)
                assert_true(v.golden[i].record < v.record_count && v.golden[i].value);
        free(copy);
    }
    ndc_buf_add_byte(&buf, 0);
    ndc_arena_reset(&arena);
    assert_false(ndc_entity_decode(&v, &arena, ndc_buf_str(&buf)));
    ndc_buf_free(&buf);
    ndc_arena_free(&arena);
}

/* ---- history ---- */

static void test_history_diff(void **state)
{
    (void)state;
    struct person p = {0};
    struct ndc_buf a, b, out;
    ndc_buf_init(&a, 1 << 16);
    ndc_buf_init(&b, 1 << 16);
    ndc_buf_init(&out, 1 << 16);
    add(&p, "An", "1985", NULL);
    build(&a, &p);
    p.records[0].run = 9;
    build(&b, &p);
    ndc_buf_add_c(&out, "kept");
    assert_false(ndc_history_diff(&out, ndc_buf_str(&a), ndc_buf_str(&b)));
    assert_str_eq(ndc_buf_str(&out), "kept");
    ndc_buf_reset(&b);
    p.records[0].fields[0].value = p.records[0].fields[0].raw = NDC_STR("Ân \"x\"");
    add(&p, NULL, "1985", NULL);
    build(&b, &p);
    ndc_buf_reset(&out);
    assert_true(ndc_history_diff(&out, ndc_buf_str(&a), ndc_buf_str(&b)));
    assert_str_eq(
        ndc_buf_str(&out),
        "{\"fields\":[{\"field\":\"full_name\",\"before\":\"An\",\"after\":\"Ân "
        "\\\"x\\\"\"}],\"records_added\":[{\"source\":2,\"key\":\"k\"}],"
        "\"records_removed\":[]}");
    ndc_buf_reset(&out);
    assert_true(ndc_history_diff(&out, ndc_buf_str(&b), ndc_buf_str(&a)));
    assert_non_null(strstr(out.ptr, "\"records_removed\":[{\"source\":2,"));
    /* A damaged state makes no history rather than a false one. */
    ndc_buf_reset(&out);
    assert_false(ndc_history_diff(&out, ndc_buf_str(&b), NDC_STR("\x01\x00\x05")));
    assert_int_equal(out.len, 0);
    ndc_buf_free(&a);
    ndc_buf_free(&b);
    ndc_buf_free(&out);
}

/* ---- index pages ---- */

static void test_index_pages(void **state)
{
    (void)state;
    static struct ndc_key64 entries[NDC_INDEX_PAGE_ENTRIES];
    uint64_t found[NDC_INDEX_PAGE_ENTRIES], top = (1ull << NDC_INDEX_KEY_BITS) - 1;
    struct ndc_buf page;
    bool more, damaged;
    ndc_buf_init(&page, 1 << 20);
    for (unsigned i = 0; i < NDC_INDEX_PAGE_ENTRIES; i++)
        entries[i] = (struct ndc_key64){i < 3     ? 0
                                        : i < 300 ? i / 3 * 1000003ull
                                                  : top,
                                        i * 7ull + 1};
    ndc_index_page_encode(&page, entries, NDC_INDEX_PAGE_ENTRIES);
    for (unsigned i = 0; i < 300; i += 3) {
        size_t n = ndc_index_page_find(ndc_buf_str(&page), entries[i].key, found, 400,
                                       &more, &damaged);
        assert_int_equal(n, 3);
        for (unsigned k = 0; k < 3; k++)
            assert_int_equal(found[k], entries[i + k].value);
        assert_false(more || damaged);
    }
    /* The last key may go on in the next page. */
    size_t n = ndc_index_page_find(ndc_buf_str(&page), top, found, 400, &more, &damaged);
    assert_int_equal(n, 100);
    assert_true(more);
    assert_false(damaged);
    n = ndc_index_page_find(ndc_buf_str(&page), top, found, 5, &more, &damaged);
    assert_int_equal(n, 5);
    assert_int_equal(
        ndc_index_page_find(ndc_buf_str(&page), 17, found, 400, &more, &damaged), 0);
    assert_false(more);
    /* A page cut anywhere: what was readable, and never beyond its bytes. */
    for (size_t cut = 0; cut < page.len; cut++) {
        char *copy = malloc(cut + 1);
        memcpy(copy, page.ptr, cut);
        n = ndc_index_page_find(ndc_str_n(copy, cut), top, found, 400, &more, &damaged);
        assert_true(n < 100);
        free(copy);
    }
    ndc_buf_free(&page);
}

static void test_index_keys_are_apart(void **state)
{
    (void)state;
    struct ndc_str t = NDC_STR("012345678901");
    uint64_t a = ndc_index_key(NDC_INDEX_ID, 1, t), b = ndc_index_key(NDC_INDEX_ID, 2, t),
             c = ndc_index_key(NDC_INDEX_RECORD, 1, t);
    assert_true(a != b && a != c && b != c);
    assert_true(a >> NDC_INDEX_KEY_BITS == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids_are_bijective),
        cmocka_unit_test(test_check_letter_catches_every_slip),
        cmocka_unit_test(test_ids_as_people_write_them),
        cmocka_unit_test(test_record_round_trip),
        cmocka_unit_test(test_content_hash_sees_the_source_only),
        cmocka_unit_test(test_record_damage),
        cmocka_unit_test(test_survivorship),
        cmocka_unit_test(test_ended_records_count_last),
        cmocka_unit_test(test_entity_round_trip_and_damage),
        cmocka_unit_test(test_history_diff),
        cmocka_unit_test(test_index_pages),
        cmocka_unit_test(test_index_keys_are_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

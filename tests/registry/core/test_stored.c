/* The stored form of an entity, and the sorting of index entries: whatever the records
 * say comes back exactly, older payloads are still read, and the order in which threads
 * hand entries over, or how much memory they may have, changes nothing. */
#include "tests/test.h"

#include "base/hash.h"
#include "platforms/registry/entity/entity.h"
#include "platforms/registry/entity/index_sort.h"
#include "sys/scratch.h"
#include "sys/thread.h"

enum { RECORDS = 5, FIELDS = 8 };

struct sample {
    struct ndc_record records[RECORDS];
    struct ndc_record_field fields[RECORDS][FIELDS];
    struct ndc_golden golden[1];
    struct ndc_entity_edge edges[2];
    struct ndc_entity_view view;
};

static unsigned field_id(const char *code)
{
    const struct ndc_field *f = ndc_field_find(ndc_str(code));
    assert_non_null(f);
    return f->id;
}

static void put(struct ndc_record *r, unsigned field, uint8_t flags, uint32_t place,
                struct ndc_str value, struct ndc_str raw)
{
    assert_true(r->count < FIELDS);
    r->fields[r->count++] = (struct ndc_record_field){.field = (uint8_t)field,
                                                      .flags = flags,
                                                      .column = 0,
                                                      .place = place,
                                                      .value = value,
                                                      .raw = raw};
}

/* Raw texts that are made from values, nearly so, and not at all; runs and times that
 * repeat, grow and shrink; places that differ for one text. */
static void fill(struct sample *s, enum ndc_entity type)
{
    unsigned name = field_id(type == NDC_ENTITY_PERSON ? "full_name" : "org_name");
    unsigned id = field_id(type == NDC_ENTITY_PERSON ? "person_id" : "org_id");
    memset(s, 0, sizeof(*s));
    for (unsigned i = 0; i < RECORDS; i++) {
        static const uint32_t runs[] = {4000000000u, 7, 7, 9, 1};
        struct ndc_record *r = &s->records[i];
        *r = (struct ndc_record){.source = i / 2 + 200 * (i == 4),
                                 .run_first = i == 1   ? 7
                                              : i == 4 ? UINT32_MAX
                                                       : 3,
                                 .run = runs[i],
                                 .flags = i == 2 ? NDC_RECORD_ENDED : 0,
                                 .seen_s = i == 3  ? INT64_MAX
                                           : i < 3 ? 1790000000
                                                   : -5,
                                 .key = i == 3 ? NDC_STR("own key") : NDC_STR("0010"),
                                 .fields = s->fields[i]};
        put(r, id, 0, 0, NDC_STR("0010"), NDC_STR("0010"));
    }
    struct ndc_record *r = s->records;
    put(&r[0], name, 0, 0, NDC_STR("Đỗ Thị Hiền"), NDC_STR("ĐỖ THỊ HIỀN"));
    put(&r[1], name, NDC_RECORD_REPAIRED, 0, NDC_STR("Đỗ Thị Hiền"),
        NDC_STR("ĐỖ THị HIỀN"));
    put(&r[2], name, NDC_RECORD_TONELESS, 0, NDC_STR("Do Thi Hien"),
        NDC_STR("do thi hien"));
    put(&r[0], NDC_RECORD_UNMAPPED, 0, 0, NDC_STR("2026-04-28"), NDC_STR("28/04/2026"));
    put(&r[1], NDC_RECORD_UNMAPPED, 0, 0, NDC_STR("2026-04-28"), NDC_STR("20260428"));
    put(&r[2], NDC_RECORD_UNMAPPED, 0, 0, NDC_STR("2026-04-28"), NDC_STR("28-04-2026"));
    r[2].fields[2].column = UINT16_MAX;
    put(&r[0], 127, 0, 0, NDC_STR("+84912345678"), NDC_STR("0912345678"));
    put(&r[1], 126, 0, 0, NDC_STR("+84912345678"), NDC_STR("0912345679"));
    put(&r[2], 254, 0, 0, NDC_STR("+84"), NDC_STR("0"));
    put(&r[0], 1, 0, 100004, NDC_STR("Phường Ba Đình"), NDC_STR("P. Ba Đình"));
    put(&r[1], 1, NDC_RECORD_PARTIAL, 1, NDC_STR("Phường Ba Đình"),
        NDC_STR("P. Ba Đình"));
    put(&r[2], 1, 0, 0, NDC_STR("Phường Ba Đình"), NDC_STR("Phường Ba Đình"));
    put(&r[0], 2, NDC_RECORD_INVALID, 0, NDC_STR(""), NDC_STR("không có"));
    put(&r[1], 2, NDC_RECORD_INVALID, 0, NDC_STR(""), NDC_STR(""));
    put(&r[4], 255, 0, 0, NDC_STR("\xff\xfe bytes"), NDC_STR("\xff\xfe BYTES"));
    s->golden[0] = (struct ndc_golden){
        .field = (uint8_t)name, .rule = NDC_GOLDEN_FULLER, .record = 1};
    s->edges[0] = (struct ndc_entity_edge){0, 1, 2, 200};
    s->edges[1] = (struct ndc_entity_edge){4, 3, 1, 255};
    s->view = (struct ndc_entity_view){.type = type,
                                       .record_count = RECORDS,
                                       .golden_count = 1,
                                       .edge_count = 2,
                                       .records = s->records,
                                       .golden = s->golden,
                                       .edges = s->edges};
}

static void assert_same_record(const struct ndc_record *a, const struct ndc_record *b)
{
    const uint8_t kept = (uint8_t) ~(NDC_RECORD_RAW_SAME | NDC_RECORD_PLACE);
    assert_int_equal(a->source, b->source);
    assert_int_equal(a->run, b->run);
    assert_int_equal(a->run_first, b->run_first);
    assert_int_equal(a->seen_s, b->seen_s);
    assert_int_equal(a->flags, b->flags);
    assert_true(ndc_str_eq(a->key, b->key));
    assert_int_equal(a->count, b->count);
    for (unsigned i = 0; i < a->count; i++) {
        const struct ndc_record_field *x = &a->fields[i], *y = &b->fields[i];
        assert_int_equal(x->field, y->field);
        assert_int_equal(x->column, y->column);
        assert_int_equal(x->place, y->place);
        assert_int_equal(x->flags & kept, y->flags & kept);
        assert_true(ndc_str_eq(x->value, y->value));
        assert_true(ndc_str_eq(x->raw, y->raw));
    }
}

static void test_everything_comes_back(void **state)
{
    (void)state;
    for (int type = 0; type < NDC_ENTITY_COUNT; type++) {
        struct sample s;
        struct ndc_buf buf, again;
        struct ndc_arena arena;
        struct ndc_entity_view v;
        fill(&s, (enum ndc_entity)type);
        ndc_buf_init(&buf, 1 << 16);
        ndc_buf_init(&again, 1 << 16);
        ndc_arena_init(&arena, 1 << 20);
        ndc_entity_encode(&buf, &s.view);
        assert_true(ndc_entity_decode(&v, &arena, ndc_buf_str(&buf)));
        assert_int_equal(v.type, type);
        assert_int_equal(v.record_count, RECORDS);
        for (unsigned i = 0; i < RECORDS; i++)
            assert_same_record(&v.records[i], &s.records[i]);
        assert_int_equal(v.edge_count, 2);
        assert_memory_equal(v.edges, s.edges, sizeof(s.edges));
        assert_int_equal(v.golden[0].rule, NDC_GOLDEN_FULLER);
        assert_int_equal(v.golden[0].alternatives, 1);
        assert_true(ndc_str_eq(v.golden[0].value->value, NDC_STR("Đỗ Thị Hiền")));
        /* What was read is written the same. */
        ndc_entity_encode(&again, &v);
        assert_true(ndc_str_eq(ndc_buf_str(&buf), ndc_buf_str(&again)));
        ndc_buf_free(&buf);
        ndc_buf_free(&again);
        ndc_arena_free(&arena);
    }
}

/* Eight records that say the same cost little more than one. */
static void test_what_repeats_is_stored_once(void **state)
{
    (void)state;
    struct sample s;
    struct ndc_buf one, all;
    fill(&s, NDC_ENTITY_PERSON);
    for (unsigned i = 1; i < RECORDS; i++)
        s.records[i] = s.records[0];
    ndc_buf_init(&one, 1 << 16);
    ndc_buf_init(&all, 1 << 16);
    s.view.golden_count = s.view.edge_count = 0;
    ndc_entity_encode(&all, &s.view);
    s.view.record_count = 1;
    ndc_entity_encode(&one, &s.view);
    assert_true(all.len - one.len < (RECORDS - 1) * (FIELDS * 4));
    ndc_buf_free(&one);
    ndc_buf_free(&all);
}

/* Written by hand as programs before version 2 wrote it. */
static void test_version_1_is_read(void **state)
{
    (void)state;
    struct sample s;
    struct ndc_buf buf;
    struct ndc_arena arena;
    struct ndc_entity_view v;
    fill(&s, NDC_ENTITY_PERSON);
    s.records[3].seen_s = 5;
    s.records[4].seen_s = 5;
    ndc_buf_init(&buf, 1 << 16);
    ndc_arena_init(&arena, 1 << 20);
    ndc_buf_add_byte(&buf, 1);
    ndc_buf_add_byte(&buf, NDC_ENTITY_PERSON);
    ndc_buf_add_varint(&buf, 1);
    ndc_buf_add_byte(&buf, (char)s.golden[0].field);
    ndc_buf_add_byte(&buf, (char)s.golden[0].rule);
    ndc_buf_add_varint(&buf, s.golden[0].record);
    ndc_buf_add_varint(&buf, 1);
    ndc_buf_add_varint(&buf, 0);
    ndc_buf_add_varint(&buf, 3);
    ndc_buf_add_byte(&buf, 2);
    ndc_buf_add_byte(&buf, (char)200);
    ndc_buf_add_varint(&buf, RECORDS);
    for (unsigned i = 0; i < RECORDS; i++)
        ndc_record_encode(&buf, &s.records[i]);
    assert_true(ndc_entity_decode(&v, &arena, ndc_buf_str(&buf)));
    for (unsigned i = 0; i < RECORDS; i++)
        assert_same_record(&v.records[i], &s.records[i]);
    assert_int_equal(v.golden[0].alternatives, 1);
    assert_int_equal(v.edges[0].b, 3);
    assert_int_equal(v.edges[0].probability, 200);
    ndc_buf_free(&buf);
    ndc_arena_free(&arena);
}

/* Any byte may be any other: refused, or something within bounds (AddressSanitizer
 * watches); what is cut short is refused. */
static void test_damage(void **state)
{
    (void)state;
    struct sample s;
    struct ndc_buf buf, out;
    struct ndc_arena arena;
    struct ndc_entity_view v;
    fill(&s, NDC_ENTITY_PERSON);
    ndc_buf_init(&buf, 1 << 16);
    ndc_buf_init(&out, 1 << 20);
    ndc_arena_init(&arena, 1 << 20);
    ndc_entity_encode(&buf, &s.view);
    char *copy = malloc(buf.len);
    for (size_t at = 0; at < buf.len; at++) {
        char *cut = malloc(at + 1);
        memcpy(cut, buf.ptr, at);
        ndc_arena_reset(&arena);
        assert_false(ndc_entity_decode(&v, &arena, ndc_str_n(cut, at)));
        free(cut);
        for (int byte = 0; byte < 256; byte += 5) {
            memcpy(copy, buf.ptr, buf.len);
            copy[at] = (char)byte;
            ndc_arena_reset(&arena);
            if (!ndc_entity_decode(&v, &arena, ndc_str_n(copy, buf.len))) continue;
            ndc_buf_reset(&out);
            ndc_entity_encode(&out, &v);
            ndc_arena_reset(&arena);
            assert_true(ndc_entity_decode(&v, &arena, ndc_buf_str(&out)));
        }
    }
    free(copy);
    ndc_buf_free(&buf);
    ndc_buf_free(&out);
    ndc_arena_free(&arena);
}

/* ---- sorting index entries ---- */

enum { ENTRIES = 60000, KEYS = 9000 };

static void entry(uint64_t i, uint64_t *key, uint64_t *entity)
{
    uint64_t h = ndc_mix64(i);
    /* Every tenth has one key; some are there twice. */
    *key = i % 10 ? ndc_mix64(h % KEYS) >> (64 - NDC_INDEX_KEY_BITS) : 77;
    *entity = i % 10 == 3 ? 5 : h >> 40;
}

struct feeding {
    struct ndc_index_sorter *sorter;
    unsigned parts;
};

static void feed_part(void *arg, size_t part)
{
    struct feeding *f = arg;
    struct ndc_index_feed *feed = ndc_index_feed_new(f->sorter);
    for (uint64_t i = part; i < ENTRIES; i += f->parts) {
        uint64_t key, entity;
        entry(f->parts % 2 ? i : ENTRIES - 1 - i, &key, &entity);
        ndc_index_feed_add(feed, key, entity);
    }
    ndc_index_feed_end(feed);
}

static size_t sorted(struct ndc_key64 *out, unsigned parts, size_t bytes_max,
                     unsigned width)
{
    struct ndc_fault fault = {0};
    struct feeding f = {ndc_index_sorter_new("/tmp", bytes_max), parts};
    uint64_t added;
    size_t n = 0;
    ndc_parallel_for(parts, parts, feed_part, &f);
    assert_int_equal(ndc_index_sorter_count(f.sorter, &added, &fault), NDC_OK);
    assert_int_equal(added, ENTRIES);
    for (unsigned at = 0; at < NDC_INDEX_PARTITIONS; at += width) {
        struct ndc_key64 *items;
        size_t count;
        assert_int_equal(
            ndc_index_sorter_take(f.sorter, at, at + width, &items, &count, &fault),
            NDC_OK);
        memcpy(out + n, items, count * sizeof(*out));
        n += count;
        free(items);
    }
    ndc_index_sorter_free(f.sorter);
    return n;
}

static void test_order_is_the_same_however_it_was_made(void **state)
{
    (void)state;
    struct ndc_key64 *a = calloc(ENTRIES, sizeof(*a)), *b = calloc(ENTRIES, sizeof(*b));
    size_t n = sorted(a, 1, (size_t)1 << 30, NDC_INDEX_PARTITIONS);
    assert_true(n > KEYS && n < ENTRIES);
    for (size_t i = 1; i < n; i++)
        assert_true(a[i - 1].key < a[i].key ||
                    (a[i - 1].key == a[i].key && a[i - 1].value < a[i].value));
    assert_int_equal(sorted(b, 4, (size_t)1 << 30, 1), n);
    assert_memory_equal(a, b, n * sizeof(*a));
    /* With next to no memory: nearly all of it goes to the scratch file, many times. */
    assert_int_equal(sorted(b, 3, 64 << 10, 16), n);
    assert_memory_equal(a, b, n * sizeof(*a));
    free(a);
    free(b);
}

static void test_no_room_for_scratch_is_told(void **state)
{
    (void)state;
    struct ndc_fault fault = {0};
    struct feeding f = {ndc_index_sorter_new("/nowhere", 64 << 10), 1};
    uint64_t added;
    feed_part(&f, 0);
    assert_int_not_equal(ndc_index_sorter_count(f.sorter, &added, &fault), NDC_OK);
    assert_string_equal(fault.code, "io.scratch");
    ndc_index_sorter_free(f.sorter);
}

static void test_scratch_file(void **state)
{
    (void)state;
    struct ndc_scratch s;
    struct ndc_fault fault = {0};
    char back[6];
    assert_int_equal(ndc_scratch_open(&s, "/tmp", &fault), NDC_OK);
    assert_int_equal(ndc_scratch_append(&s, "abc", 3, &fault), NDC_OK);
    assert_int_equal(ndc_scratch_append(&s, "defgh", 5, &fault), NDC_OK);
    assert_int_equal(s.len, 8);
    assert_int_equal(ndc_scratch_read(&s, 2, back, 6, &fault), NDC_OK);
    assert_memory_equal(back, "cdefgh", 6);
    assert_int_equal(ndc_scratch_read(&s, 3, back, 6, &fault), NDC_EIO);
    ndc_scratch_close(&s);
    ndc_scratch_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_comes_back),
        cmocka_unit_test(test_what_repeats_is_stored_once),
        cmocka_unit_test(test_version_1_is_read),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_order_is_the_same_however_it_was_made),
        cmocka_unit_test(test_no_room_for_scratch_is_told),
        cmocka_unit_test(test_scratch_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* wal2json's messages and what becomes of them: rows for the live intake. */
#include "tests/test.h"

#include "platforms/registry/capture/position.h"
#include "platforms/registry/capture/rows.h"

static struct ndc_fault fault;
static struct ndc_wal2json m;

static enum ndc_err parse(const char *text)
{
    fault = (struct ndc_fault){0};
    return ndc_wal2json_parse(&m, ndc_str(text), &fault);
}

static void test_messages(void **state)
{
    (void)state;
    assert_int_equal(parse("{\"action\":\"B\",\"timestamp\":\"2026-11-30 "
                           "20:19:55.920505+00\",\"lsn\":\"1/1927290\",\"nextlsn\":\"1/"
                           "19272C0\"}"),
                     NDC_OK);
    assert_int_equal(m.action, NDC_WAL2JSON_BEGIN);
    assert_true(m.lsn == 0x101927290 && m.nextlsn == 0x1019272c0);
    assert_true(m.commit_ms == 1796069995920);
    assert_int_equal(
        parse(" {\"action\" : \"U\",\"table\":\"t\\\"1\",\"columns\":[{\"value\":"
              "-1.5e3,\"name\":\"a\\\\b\"},{\"name\":\"c\",\"value\":null}],"
              "\"identity\":[]} "),
        NDC_OK);
    assert_true(ndc_str_eq(m.table, NDC_STR("t\"1")));
    assert_int_equal(m.columns.count, 2);
    assert_true(
        ndc_str_eq(*ndc_wal2json_find(&m.columns, NDC_STR("a\\b")), NDC_STR("-1.5e3")));
    assert_null(ndc_wal2json_find(&m.columns, NDC_STR("no")));
    assert_int_equal(m.commit_ms, 0); /* not that of the message before */
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "{}",
        "[]",
        "{\"lsn\":\"0/1\"}",
        "{\"action\":\"I\"",
        "{\"action\":\"I\"}x",
        "{\"action\":\"I\",\"lsn\":\"01\"}",
        "{\"action\":\"I\",\"columns\":{}}",
        "{\"action\":\"I\",\"columns\":[{\"name\":\"a\"}]}",
        "{\"action\":\"I\",\"columns\":[{\"name\":\"a\",\"value\":{}}]}",
        "{\"action\":\"I\",\"columns\":[{\"name\":\"a\",\"value\":\"x\ny\"}]}",
        "{\"action\":\"I\",\"columns\":[{\"name\":\"a\",\"value\":\"\xff\"}]}",
        "{\"action\":\"I\",\"columns\":[{\"name\":\"a\",\"value\":1},]}",
    };
    for (size_t i = 0; i < NDC_ARRAY_LEN(wrong); i++) {
        if (parse(wrong[i]) != NDC_EINPUT) fail_msg("taken: %s", wrong[i]);
        assert_string_equal(fault.code, "capture.message");
    }
}

static const char SOURCE[] =
    "source: s\nagency: a\nlegal_basis: b\nentity: person\nkey: [id, ma]\n"
    "connector: {type: postgres, url: \"postgres:host=x dbname=y\", table: cu_tru, slot: "
    "s}\n"
    "fields:\n  - {column: ten, to: full_name}\n  - {column: \"ngày\", to: null}\n";

static void test_rows(void **state)
{
    (void)state;
    struct ndc_arena arena;
    struct ndc_source *s;
    uint64_t changes;
    ndc_arena_init(&arena, 8 << 20);
    assert_int_equal(ndc_source_parse(&s, &arena, ndc_str(SOURCE), &fault), NDC_OK);
    struct ndc_capture_rows *rows = ndc_capture_rows_new(s, NULL);
    assert_int_equal(
        parse("{\"action\":\"I\",\"columns\":[{\"name\":\"id\",\"value\":1},{"
              "\"name\":\"ma\",\"value\":\"x\"},{\"name\":\"kín\",\"value\":"
              "\"secret\"},{\"name\":\"ten\",\"value\":\"Đỗ\"},{\"name\":\"ngày\","
              "\"value\":null}]}"),
        NDC_OK);
    assert_int_equal(ndc_capture_rows_add(rows, &m, 7, &fault), NDC_OK);
    assert_int_equal(
        parse("{\"action\":\"U\",\"columns\":[{\"name\":\"id\",\"value\":2},{\"name\":"
              "\"ma\","
              "\"value\":\"x\"},{\"name\":\"ten\",\"value\":\"E\"},{\"name\":\"ngày\","
              "\"value\":\"2001-02-03\"}],\"identity\":[{\"name\":\"id\",\"value\":1},{"
              "\"name\":\"ma\",\"value\":\"x\"}]}"),
        NDC_OK);
    assert_int_equal(ndc_capture_rows_add(rows, &m, 8, &fault), NDC_OK);
    struct ndc_str text = ndc_capture_rows_ndjson(rows, &changes);
    static const char want[] =
        "{\"_op\":\"I\",\"_version\":7,\"id\":1,\"ma\":\"x\",\"ten\":\"Đỗ\",\"ngày\":"
        "null}\n"
        "{\"_op\":\"D\",\"_version\":8,\"id\":1,\"ma\":\"x\"}\n"
        "{\"_op\":\"I\",\"_version\":8,\"id\":2,\"ma\":\"x\",\"ten\":\"E\",\"ngày\":"
        "\"2001-02-03\"}\n";
    assert_int_equal(changes, 2);
    assert_true(ndc_str_eq_c(text, want));
    /* what cannot be known by its key is told, and adds nothing */
    assert_int_equal(
        parse("{\"action\":\"D\",\"identity\":[{\"name\":\"id\",\"value\":1}]}"), NDC_OK);
    assert_int_equal(ndc_capture_rows_add(rows, &m, 9, &fault), NDC_ECONFLICT);
    assert_string_equal(fault.code, "capture.identity");
    text = ndc_capture_rows_ndjson(rows, &changes);
    assert_true(changes == 2 && ndc_str_eq_c(text, want));
    ndc_capture_rows_free(rows);
    ndc_arena_free(&arena);
}

/* Declarations that must not be. */
static void test_declarations(void **state)
{
    (void)state;
    static const struct {
        const char *connector, *why;
    } wrong[] = {
        {"{type: postgres, url: \"postgres:host=x\", slot: s}", "table"},
        {"{type: postgres, table: t}", "url"},
        {"{type: postgres, table: t, url: \"mysql:host=x\"}", "postgres:host"},
        {"{type: postgres, table: t, url: \"postgres:host=x password=secret\"}",
         "password_env"},
        {"{type: postgres, table: t, url: \"postgresql://u:secret@x/d\"}",
         "password_env"},
        {"{type: postgres, table: t, url: \"postgres:host=x options=-cfoo\"}",
         "set by itself"},
        {"{type: postgres, table: t, url: \"postgres:host=x\", slot: \"A'b\"}", "slot"},
        {"{type: postgres, table: t, url: \"postgres:host=x\", password_env: HOME}",
         "SOURCE_PASSWORD_"},
        {"{type: csv, path: a.csv, slot: s}", "type: postgres"},
        {"{type: changes}", "path"},
    };
    for (size_t i = 0; i < NDC_ARRAY_LEN(wrong); i++) {
        char yaml[1024];
        struct ndc_arena arena;
        struct ndc_source *s;
        snprintf(
            yaml, sizeof(yaml),
            "source: s\nagency: a\nlegal_basis: b\nentity: person\nkey: k\nconnector: "
            "%s\nfields:\n  - {column: ten, to: full_name}\n",
            wrong[i].connector);
        ndc_arena_init(&arena, 8 << 20);
        fault = (struct ndc_fault){0};
        assert_int_equal(ndc_source_parse(&s, &arena, ndc_str(yaml), &fault), NDC_EINPUT);
        if (!strstr(fault.message, wrong[i].why)) fail_msg("%s", fault.message);
        assert_null(strstr(fault.message, "secret"));
        assert_true(fault.line > 0);
        ndc_arena_free(&arena);
    }
}

static void test_positions(void **state)
{
    (void)state;
    struct ndc_buf out;
    struct ndc_slot_position p = {.epoch = 12,
                                  .done = 0x16b374d848,
                                  .seq = 99,
                                  .commit = 0x16b374e000,
                                  .taken = 70000},
                             q;
    ndc_buf_init(&out, 1024);
    ndc_slot_position_write(&out, &p);
    assert_true(
        ndc_str_eq(ndc_buf_str(&out), NDC_STR("12 16/B374D848 99 16/B374E000 70000")));
    assert_true(ndc_slot_position_read(&q, ndc_buf_str(&out)));
    assert_true(q.epoch == 12 && q.done == p.done && q.seq == 99 &&
                q.commit == p.commit && q.taken == 70000);
    static const char *const wrong[] = {"",
                                        "12",
                                        "12 16",
                                        "x 1/1",
                                        "12 1/1 1/2",
                                        "12 1/1 1 1/2 x",
                                        "12 1/1 1 1/2 3 4",
                                        "12 123456789/1 1"};
    for (size_t i = 0; i < NDC_ARRAY_LEN(wrong); i++)
        assert_false(ndc_slot_position_read(&q, ndc_str(wrong[i])));
    ndc_buf_free(&out);
}

int main(void)
{
    ndc_wal2json_init(&m);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),  cmocka_unit_test(test_refused),
        cmocka_unit_test(test_rows),      cmocka_unit_test(test_declarations),
        cmocka_unit_test(test_positions),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    ndc_wal2json_free(&m);
    return failed;
}

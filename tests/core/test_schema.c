/* core/schema: parsing, checking, writing. */
#include "tests/db.h"

#include "core/schema.h"

static struct ndc_arena arena;

static struct ndc_schema *parse(const char *text)
{
    struct ndc_schema *schema;
    struct ndc_fault fault = {0};
    assert_ok(ndc_schema_parse(&arena, text, &schema, &fault), &fault);
    return schema;
}

static void assert_check(const struct ndc_schema *schema, const char *json,
                         const char *field)
{
    struct json_object *value;
    struct ndc_fault fault = {0};
    assert_ok(ndc_json_parse(&value, ndc_str(json), &fault), &fault);
    enum ndc_err err = ndc_schema_check(schema, value, &fault);
    json_object_put(value);
    if (field) {
        assert_int_equal(err, NDC_EINPUT);
        assert_string_equal(fault.field, field);
    } else {
        assert_ok(err, &fault);
    }
}

static void test_check(void **state)
{
    (void)state;
    const struct ndc_schema *s =
        parse("{ id : string[1..8], n?: int[0..10], when?: date|null, kind?: (a|b-c), "
              "rows?: [{v: number|null}][..2], more?: {*: string} }");
    assert_check(s, "{\"id\":\"x\"}", NULL);
    assert_check(s,
                 "{\"id\":\"x\",\"n\":10,\"when\":null,\"kind\":\"b-c\",\"rows\":[{\"v\":"
                 "1.5},{\"v\":null}],\"more\":{\"any\":\"y\"}}",
                 NULL);
    assert_check(s, "{}", "/id");
    assert_check(s, "{\"id\":\"\"}", "/id");
    assert_check(s, "{\"id\":\"123456789\"}", "/id");
    assert_check(s, "{\"id\":\"x\",\"n\":11}", "/n");
    assert_check(s, "{\"id\":\"x\",\"n\":\"1\"}", "/n");
    assert_check(s, "{\"id\":\"x\",\"when\":\"2023-02-29\"}", "/when");
    assert_check(s, "{\"id\":\"x\",\"kind\":\"c\"}", "/kind");
    assert_check(s, "{\"id\":\"x\",\"rows\":[{\"v\":true}]}", "/rows/0/v");
    assert_check(s, "{\"id\":\"x\",\"rows\":[{},{},{}]}", "/rows");
    assert_check(s, "{\"id\":\"x\",\"more\":{\"a\":1}}", "/more/a");
    assert_check(s, "{\"id\":\"x\",\"idd\":1}", "/idd");
    assert_check(s, "[]", "");
}

static void test_write(void **state)
{
    (void)state;
    struct ndc_buf out;
    struct ndc_json j;
    ndc_buf_init(&out, 1 << 16);
    ndc_json_init(&j, &out);
    ndc_schema_write(parse("{a:int[1..2],b?:[time]|null}"), &j);
    assert_str_eq(
        ndc_buf_str(&out),
        "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\","
        "\"minimum\":1,\"maximum\":2},\"b\":{\"type\":[\"array\",\"null\"],"
        "\"items\":{\"type\":\"string\",\"format\":\"date-time\"}}},\"required\":"
        "[\"a\"],\"additionalProperties\":false}");
    ndc_buf_free(&out);
}

static void test_syntax_errors(void **state)
{
    (void)state;
    const char *bad[] = {"",      "strin", "{a}",           "{a:int", "[int",     "(a|)",
                         "int[1", "int x", "{a:int b:int}", "{:int}", "int[1..x]"};
    for (size_t i = 0; i < NDC_ARRAY_LEN(bad); i++) {
        struct ndc_schema *schema;
        if (ndc_schema_parse(&arena, bad[i], &schema, NULL) == NDC_OK)
            fail_msg("taken: %s", bad[i]);
    }
}

static int make(void **state)
{
    (void)state;
    ndc_arena_init(&arena, 1 << 20);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    ndc_arena_free(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_syntax_errors),
    };
    return cmocka_run_group_tests(tests, make, drop);
}

/* NDJSON rows against json-c: what one refuses the other refuses, values agree. */
#include "tests/test.h"

#include "base/json.h"
#include "base/jsonrow.h"

static struct ndc_buf scratch;

static enum ndc_err parse(const char *text, struct ndc_json_member *m, size_t *n)
{
    struct ndc_fault fault = {0};
    if (!scratch.bytes_max) ndc_buf_init(&scratch, 1 << 20);
    return ndc_json_row_parse(m, 8, n, ndc_str(text), &scratch, &fault);
}

static void test_values(void **state)
{
    (void)state;
    struct ndc_json_member m[8];
    size_t n;
    assert_int_equal(
        parse("{\"a\":\"x\\u1ebf\\n\\ud83d\\ude00\", \"b\" : -1.5e3,\"c\":null,"
              "\"d\":{\"x\":[1,{}]},\"e\":true,\"f\":\"Hà\"}",
              m, &n),
        NDC_OK);
    assert_int_equal(n, 6);
    assert_str_eq(m[0].value, "xế\n😀");
    assert_str_eq(m[1].value, "-1.5e3");
    assert_int_equal(m[2].kind, NDC_JSON_ROW_NULL);
    assert_str_eq(m[3].value, "{\"x\":[1,{}]}");
    assert_int_equal(m[3].kind, NDC_JSON_ROW_NESTED);
    assert_str_eq(m[5].value, "Hà");
}

static void test_refuses_what_json_c_refuses(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "{}",
        "{\"a\":1}",
        "{\"a\":01}",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\":\"\t\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":1} x",
        "{\"a\":[1,2}",
        "{\"a\":tru}",
        "{\"a\":\"",
        "{\"a\"",
        "[1]",
        "{\"a\":-}",
        "{\"a\":\"\xff\"}",
        "",
        "{\"a\":{\"b\":{\"c\":[]}}}",
        "{\"a\":1e5}",
        "{\"a\":\"\\u00e9\"}",
    };
    for (size_t i = 0; i < NDC_ARRAY_LEN(rows); i++) {
        struct ndc_json_member m[8];
        struct json_object *o;
        struct ndc_fault fault = {0};
        size_t n;
        bool ours = parse(rows[i], m, &n) == NDC_OK;
        bool theirs = ndc_json_parse(&o, ndc_str(rows[i]), &fault) == NDC_OK;
        if (json_object_is_type(o, json_type_array)) theirs = false;
        /* json-c takes "1." too, keeps a lone surrogate as U+FFFD and takes a raw tab;
         * the RFC does not. */
        if (strstr(rows[i], "ud800") || strchr(rows[i], '\t')) theirs = false;
        if (ours != theirs) fail_msg("%s: ours %d, json-c %d", rows[i], ours, theirs);
        json_object_put(o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_refuses_what_json_c_refuses),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    ndc_buf_free(&scratch);
    return failed;
}

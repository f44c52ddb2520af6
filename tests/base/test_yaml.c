/* YAML: the tree, its lines, limits, and complaints. */
#include "tests/test.h"

#include "base/yaml.h"

static struct ndc_arena arena;

static struct ndc_yaml *parse(const char *text, enum ndc_err want,
                              struct ndc_fault *fault)
{
    struct ndc_yaml *root;
    *fault = (struct ndc_fault){0};
    ndc_arena_free(&arena);
    ndc_arena_init(&arena, 1 << 22);
    assert_int_equal(ndc_yaml_parse(&root, &arena, ndc_str(text), fault), want);
    return root;
}

static void test_tree(void **state)
{
    (void)state;
    struct ndc_fault fault;
    struct ndc_yaml *root =
        parse("a: 1\nb:\n  - x\n  - {k: \"v\"}\nc: ~\n", NDC_OK, &fault);
    int64_t v = 0;
    struct ndc_yaml *b = ndc_yaml_get(root, "b");
    assert_int_equal(ndc_yaml_i64(root, "a", true, 0, 9, &v, &fault), NDC_OK);
    assert_int_equal(v, 1);
    assert_int_equal(b->count, 2);
    assert_int_equal(b->first->next->line, 4);
    assert_str_eq(ndc_yaml_get(b->first->next, "k")->text, "v");
    assert_true(ndc_yaml_is_null(ndc_yaml_get(root, "c")));
}

static void test_complaints(void **state)
{
    (void)state;
    struct ndc_fault fault;
    const char *names[] = {"source", "entity"};
    struct ndc_yaml *root = parse("source: x\nentiti: person\n", NDC_OK, &fault);
    assert_int_equal(ndc_yaml_check_keys(root, "source", names, 2, &fault), NDC_EINPUT);
    assert_int_equal(fault.line, 2);
    assert_non_null(strstr(fault.message, "did you mean \"entity\""));
    parse("a: 1\na: 2\n", NDC_EINPUT, &fault);
    assert_string_equal(fault.code, "yaml.duplicate_key");
    parse("a: [1, 2\n", NDC_EINPUT, &fault);
    assert_string_equal(fault.code, "yaml.syntax");
    parse("a: &x 1\nb: *x\n", NDC_EINPUT, &fault);
    assert_string_equal(fault.code, "yaml.alias");
    parse("", NDC_EINPUT, &fault);
    parse("a: 1\n---\nb: 2\n", NDC_EINPUT, &fault);
    assert_string_equal(fault.code, "yaml.documents");
}

static void test_depth_is_bounded(void **state)
{
    (void)state;
    struct ndc_fault fault;
    char deep[201];
    memset(deep, '[', 100);
    memset(deep + 100, ']', 100);
    deep[200] = 0;
    parse(deep, NDC_ETOOBIG, &fault);
    ndc_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree),
        cmocka_unit_test(test_complaints),
        cmocka_unit_test(test_depth_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Specs: the shipped ones load; wrong ones say what is wrong and where. */
#include "tests/test.h"

#include "platforms/registry/link/result.h"

static const char good[] = "name: t\n"
                           "fields:\n"
                           "  - {name: given, compare: name, swap: surname}\n"
                           "  - {name: surname, compare: name}\n"
                           "  - {name: born, compare: date}\n"
                           "blocks:\n"
                           "  - [surname, 'born:year']\n";

static void test_shipped(void **state)
{
    (void)state;
    static const char *const names[] = {"febrl3",         "febrl4",      "febrl4_no_ssn",
                                        "historical_50k", "person",      "person_no_id",
                                        "fake_1000",      "organisation"};
    for (size_t i = 0; i < NDC_ARRAY_LEN(names); i++) {
        char path[256];
        struct ndc_link_spec *spec;
        struct ndc_fault fault = {0};
        snprintf(path, sizeof path, "src/platforms/registry/specs/%s.yaml", names[i]);
        if (ndc_link_spec_load(&spec, path, &fault))
            fail_msg("%s: %s", path, fault.message);
        ndc_link_spec_free(spec);
    }
}

static void test_good(void **state)
{
    (void)state;
    struct ndc_link_spec *spec;
    struct ndc_fault fault = {0};
    assert_int_equal(ndc_link_spec_parse(&spec, ndc_str(good), NULL, &fault), NDC_OK);
    assert_int_equal(ndc_link_spec_field_count(spec), 3);
    assert_int_equal(ndc_link_spec_field_find(spec, NDC_STR("born")), 2);
    assert_int_equal(ndc_link_spec_field_find(spec, NDC_STR("nothing")), -1);
    assert_string_equal(ndc_link_spec_field_name(spec, 1), "surname");
    ndc_link_spec_free(spec);
}

static void assert_wrong(const char *yaml, unsigned line, const char *words)
{
    struct ndc_link_spec *spec;
    struct ndc_fault fault = {0};
    enum ndc_err err = ndc_link_spec_parse(&spec, ndc_str(yaml), NULL, &fault);
    if (err == NDC_OK) fail_msg("accepted: %s", yaml);
    if (!strstr(fault.message, words))
        fail_msg("\"%s\" does not say \"%s\"", fault.message, words);
    if (line) assert_int_equal(fault.line, line);
    assert_null(spec);
}

static void test_wrong(void **state)
{
    (void)state;
    assert_wrong("", 0, "");
    assert_wrong("name: t\nfeilds: []\n", 2, "fields");
    assert_wrong("name: t\nfields:\n  - {name: a, compare: nmae}\nblocks: [[a]]\n", 3,
                 "did you mean \"name\"");
    assert_wrong("name: t\nfields:\n  - {name: a}\n  - {name: a}\nblocks: [[a]]\n", 4,
                 "named twice");
    assert_wrong("name: t\nfields:\n  - {name: surname}\nblocks:\n  - [surnmae]\n", 5,
                 "did you mean \"surname\"");
    assert_wrong("name: t\nfields:\n  - {name: a}\nblocks:\n  - ['a:soundx']\n", 5,
                 "did you mean \"soundex\"");
    assert_wrong("name: t\nfields:\n  - {name: a}\nblocks:\n  - ['a:prefix']\n", 5,
                 "prefix(n)");
    assert_wrong("name: t\nfields:\n  - {name: a}\n", 1, "blocks");
    assert_wrong("name: t\nfields:\n  - {name: a, compare: none}\nblocks: [[a]]\n", 1,
                 "compared");
    assert_wrong("name: t\nfields:\n  - {name: a}\nblocks: [[a]]\ngroups: [[a]]\n", 5,
                 "2 to");
    assert_wrong("name: t\nfields:\n  - {name: a}\nblocks: [[a]]\n"
                 "thresholds: {join: 2}\n",
                 5, "from 0.001");
    assert_wrong("name: t\nfields:\n  - {name: a, aliases: /etc/passwd}\nblocks: [[a]]\n",
                 3, "beside the spec");
    assert_wrong("name: t\nfields:\n  - {name: a, swap: a}\nblocks: [[a]]\n", 3, "swap");
    assert_wrong("- 1\n- 2\n", 1, "map");
    assert_wrong("name: [t\n", 0, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shipped),
                                       cmocka_unit_test(test_good),
                                       cmocka_unit_test(test_wrong)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

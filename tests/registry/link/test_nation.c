/* People of a small demo nation, linked across its 16 sources with and without numbers.
 */
#include "tests/test.h"

#include "bench/link_demo.h"

enum { PEOPLE = 4000 };

static double nation_f1(const char *name)
{
    char path[256];
    struct ndc_link_spec *spec;
    struct ndc_fault fault = {0};
    struct ndc_link_eval e = {0};
    snprintf(path, sizeof path, "src/platforms/registry/specs/%s.yaml", name);
    if (ndc_link_spec_load(&spec, path, &fault)) fail_msg("%s", fault.message);
    struct link_demo demo = {.spec = spec, .link = ndc_link_new(spec, NULL)};
    if (link_demo_load(&demo, PEOPLE, &fault) || ndc_link_run(demo.link, &fault))
        fail_msg("%s", fault.message);
    link_demo_judge(&demo, &e);
    assert_true(e.rows > PEOPLE * 5);
    ndc_link_free(demo.link);
    ndc_link_spec_free(spec);
    return e.f1;
}

static void test_with_numbers(void **state)
{
    (void)state;
    double f1 = nation_f1("person");
    if (f1 < 0.995) fail_msg("F1 is %.5f", f1);
}

static void test_without_numbers(void **state)
{
    (void)state;
    double f1 = nation_f1("person_no_id");
    if (f1 < 0.98) fail_msg("F1 is %.5f", f1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_with_numbers),
                                       cmocka_unit_test(test_without_numbers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

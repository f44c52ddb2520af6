/* The quality figures on data that others made: docs/linking.md, bench/link_quality.c. */
#include "tests/test.h"

#include "platforms/registry/link/eval.h"

static struct ndc_link_eval judge(const char *dir, const char *name, const char *left,
                                  const char *right)
{
    char spec_path[256], a[4352], b[4352];
    struct ndc_link_spec *spec;
    struct ndc_link_eval e = {0};
    struct ndc_fault fault = {0};
    snprintf(spec_path, sizeof spec_path, "src/platforms/registry/specs/%s.yaml", name);
    snprintf(a, sizeof a, "%s/linkage/%s.csv", dir, left);
    snprintf(b, sizeof b, "%s/linkage/%s.csv", dir, right ? right : "");
    if (ndc_link_spec_load(&spec, spec_path, &fault) ||
        ndc_link_eval_files(&e, spec, a, right ? b : NULL, 0, NULL, &fault))
        fail_msg("%s", fault.message);
    ndc_link_spec_free(spec);
    return e;
}

static void assert_f1(const struct ndc_link_eval *e, double least)
{
    if (e->f1 < least) fail_msg("F1 is %.5f, under %.5f", e->f1, least);
}

static void test_febrl(void **state)
{
    (void)state;
    const char *dir = test_data_dir();
    if (!dir) skip();
    struct ndc_link_eval e = judge(dir, "febrl4", "febrl_dataset4a", "febrl_dataset4b");
    assert_int_equal(e.truth_pairs, 5000);
    assert_f1(&e, 0.9992);
    e = judge(dir, "febrl4_no_ssn", "febrl_dataset4a", "febrl_dataset4b");
    assert_f1(&e, 0.9990);
    e = judge(dir, "febrl3", "febrl_dataset3", NULL);
    assert_f1(&e, 0.996);
    e = judge(dir, "febrl3", "febrl_dataset2", NULL);
    assert_f1(&e, 0.996);
}

static void test_others(void **state)
{
    (void)state;
    const char *dir = test_data_dir();
    if (!dir) skip();
    struct ndc_link_eval e = judge(dir, "historical_50k", "historical_50k", NULL);
    assert_f1(&e, 0.90);
    assert_true(e.b3_f1 > 0.90);
    e = judge(dir, "fake_1000", "fake_1000", NULL);
    assert_f1(&e, 0.95);
}

static void test_clear_errors(void **state)
{
    (void)state;
    const char *dir = test_data_dir();
    if (!dir) skip();
    struct ndc_link_spec *spec;
    struct ndc_link_eval e;
    struct ndc_fault fault = {0};
    char path[4352];
    assert_int_equal(ndc_link_spec_load(&spec, "no/such.yaml", &fault), NDC_ENOTFOUND);
    fault = (struct ndc_fault){0};
    assert_int_equal(
        ndc_link_spec_load(&spec, "src/platforms/registry/specs/febrl3.yaml", &fault),
        NDC_OK);
    assert_int_not_equal(
        ndc_link_eval_files(&e, spec, "no/such.csv", NULL, 1, NULL, &fault), NDC_OK);
    assert_non_null(strstr(fault.message, "no/such.csv"));
    fault = (struct ndc_fault){0};
    snprintf(path, sizeof path, "%s/linkage/fake_1000.csv", dir);
    assert_int_equal(ndc_link_eval_files(&e, spec, path, NULL, 1, NULL, &fault),
                     NDC_EINPUT);
    assert_non_null(strstr(fault.message, "no column"));
    ndc_link_spec_free(spec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_febrl),
                                       cmocka_unit_test(test_others),
                                       cmocka_unit_test(test_clear_errors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

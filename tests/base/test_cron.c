/* Schedules. */
#include "tests/test.h"

#include "base/cron.h"

static bool due(const char *text, int minute, int hour, int day, int month, int weekday)
{
    struct ndc_cron cron;
    assert_true(ndc_cron_parse(&cron, ndc_str(text)));
    return ndc_cron_matches(&cron, minute, hour, day, month, weekday);
}

static void test_matches(void **state)
{
    (void)state;
    assert_true(due("0 2 * * *", 0, 2, 15, 6, 3));
    assert_false(due("0 2 * * *", 1, 2, 15, 6, 3));
    assert_true(due("*/15 8-17 * * 1-5", 45, 17, 1, 1, 5));
    assert_false(due("*/15 8-17 * * 1-5", 45, 17, 1, 1, 6));
    assert_true(due("5,10 0 1 1,7 *", 10, 0, 1, 7, 2));
    assert_true(due("0 0 * * 7", 0, 0, 3, 3, 0));
    /* Both days given: either. */
    assert_true(due("0 0 13 * 5", 0, 0, 13, 2, 1));
    assert_true(due("0 0 13 * 5", 0, 0, 14, 2, 5));
    assert_false(due("0 0 13 * 5", 0, 0, 14, 2, 1));
    assert_true(due("10/20 * * * *", 50, 0, 1, 1, 1));
}

static void test_refuses(void **state)
{
    (void)state;
    const char *bad[] = {
        "",          "* * * *",    "* * * * * *", "60 * * * *",  "* 24 * * *",
        "* * 0 * *", "* * * 13 *", "* * * * 8",   "5-2 * * * *", "*/0 * * * *",
        "a * * * *", "1,, * * * *"};
    for (size_t i = 0; i < NDC_ARRAY_LEN(bad); i++) {
        struct ndc_cron cron;
        if (ndc_cron_parse(&cron, ndc_str(bad[i]))) fail_msg("took \"%s\"", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matches),
        cmocka_unit_test(test_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

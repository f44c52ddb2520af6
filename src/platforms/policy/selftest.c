/* The rules' own tests: cases in the files, each an input and what is expected of it. */
#include "platforms/policy/table.h"

#include <stdio.h>

/* The first field of `want` that is not in `have`, or -1. */
static int missing(const struct ndc_field_set *want, const struct ndc_field_set *have)
{
    for (int id = -1; (id = ndc_field_set_next(want, id)) >= 0;)
        if (!ndc_field_set_has(have, (unsigned)id)) return id;
    return -1;
}

static const char *decision_of(const struct ndc_policy_decision *d, int id)
{
    if (ndc_field_set_has(&d->shown, (unsigned)id)) return "show";
    if (ndc_field_set_has(&d->masked, (unsigned)id))
        return ndc_mask_name((enum ndc_mask)d->mask[id]);
    return "withhold";
}

static bool check_fields(const struct policy_test *test,
                         const struct ndc_policy_decision *d, char why[static 256])
{
    const struct {
        const char *name;
        const struct ndc_field_set *want, *have;
    } sets[] = {{"show", &test->show, &d->shown},
                {"mask", &test->masked, &d->masked},
                {"withhold", &test->withhold, &d->withheld}};
    for (size_t i = 0; i < NDC_ARRAY_LEN(sets); i++) {
        int id = missing(sets[i].want, sets[i].have);
        if (id < 0) continue;
        snprintf(why, 256, "%s: expected %s, got %s", ndc_field_get((unsigned)id)->code,
                 sets[i].name, decision_of(d, id));
        return false;
    }
    for (int id = -1; (id = ndc_field_set_next(&test->masked, id)) >= 0;) {
        if (d->mask[id] == test->mask[id]) continue;
        snprintf(why, 256, "%s: expected mask %s, got %s",
                 ndc_field_get((unsigned)id)->code,
                 ndc_mask_name((enum ndc_mask)test->mask[id]), decision_of(d, id));
        return false;
    }
    return true;
}

static bool run_test(const struct policy_table *t, const struct policy_test *test,
                     char why[static 256])
{
    struct ndc_policy_decision d;
    policy_table_decide(t, &d, &test->request);
    if (test->expects_outcome && test->outcome != d.outcome) {
        snprintf(why, 256, "expected %s, got %s (rule \"%s\")",
                 ndc_policy_outcome_name(test->outcome),
                 ndc_policy_outcome_name(d.outcome), d.rule);
        return false;
    }
    if (!check_fields(test, &d, why)) return false;
    if ((test->obligations & d.obligations) != test->obligations) {
        snprintf(why, 256, "an obligation is missing");
        return false;
    }
    if (test->rule.len && !ndc_str_eq_c(test->rule, d.rule)) {
        snprintf(why, 256, "expected rule \"%.*s\", got \"%s\"", NDC_STR_FMT(test->rule),
                 d.rule);
        return false;
    }
    return true;
}

size_t policy_run_tests(const struct policy_table *table,
                        void (*told)(void *arg, const struct policy_test *test, bool good,
                                     const char *why),
                        void *arg)
{
    size_t failed = 0;
    for (size_t i = 0; i < table->set->test_count; i++) {
        const struct policy_test *test = &table->set->tests[i];
        char why[256] = "";
        bool good = run_test(table, test, why);
        failed += !good;
        if (told) told(arg, test, good, why);
    }
    return failed;
}

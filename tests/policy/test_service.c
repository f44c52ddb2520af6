/* The policy service under load: rules swapped while threads decide, and counting. */
#include "tests/test.h"

#include "platforms/policy/service.h"
#include "sys/clock.h"
#include "sys/thread.h"

#include <stdatomic.h>

static struct ndc_fault fault;
static atomic_bool stop;
static atomic_ulong decisions;

static void decide_all_the_time(void *arg)
{
    (void)arg;
    struct ndc_policy_request q = {.kind = NDC_POLICY_SYSTEM,
                                   .principal = NDC_STR("key:1"),
                                   .agency = NDC_STR("bca"),
                                   .purpose = NDC_STR("public-service"),
                                   .legal_basis = NDC_STR("x"),
                                   .subjects = 1};
    ndc_field_set_add(&q.fields, ndc_field_find(NDC_STR("full_name"))->id);
    while (!atomic_load(&stop)) {
        struct ndc_policy_decision d;
        struct ndc_fault none = {0};
        assert_int_equal(ndc_policy_decide(&d, &q, &none), NDC_OK);
        assert_string_equal(d.rule, "service-identity");
        atomic_fetch_add(&decisions, 1);
    }
}

static void test_reload_under_load(void **state)
{
    (void)state;
    struct policy_service *service;
    fault = (struct ndc_fault){0};
    if (policy_service_new(&service, NULL, &fault)) fail_msg("%s", fault.message);
    ndc_policy_register(&policy_service_ops, service);
    struct ndc_thread threads[4];
    for (size_t i = 0; i < 4; i++)
        ndc_thread_start(&threads[i], "decide", decide_all_the_time, NULL);
    for (int i = 0; i < 30 || atomic_load(&decisions) <= 1000; i++) {
        if (policy_service_reload(service, &fault)) fail_msg("%s", fault.message);
        ndc_clock_sleep_ms(1);
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < 4; i++)
        ndc_thread_join(&threads[i]);
    ndc_policy_register(NULL, NULL);
    policy_service_free(service);
}

/* A requester that reads one after another meets the threshold by itself. */
static void test_thresholds_are_met_by_counting(void **state)
{
    (void)state;
    struct policy_service *service;
    fault = (struct ndc_fault){0};
    if (policy_service_new(&service, NULL, &fault)) fail_msg("%s", fault.message);
    ndc_policy_register(&policy_service_ops, service);
    struct ndc_policy_request q = {.kind = NDC_POLICY_SYSTEM,
                                   .principal = NDC_STR("key:2"),
                                   .agency = NDC_STR("byt"),
                                   .purpose = NDC_STR("health"),
                                   .legal_basis = NDC_STR("x")};
    ndc_field_set_add(&q.fields, ndc_field_find(NDC_STR("blood_type"))->id);
    char id[32];
    struct ndc_policy_decision d;
    for (unsigned i = 1; i <= 10005; i++) {
        snprintf(id, sizeof(id), "p%u", i);
        q.subject = ndc_str(id);
        fault = (struct ndc_fault){0};
        enum ndc_err err = ndc_policy_decide(&d, &q, &fault);
        assert_int_equal(err, i < 10000 ? NDC_OK : NDC_EDENIED);
    }
    assert_string_equal(d.rule, "bulk-important-sensitive");
    assert_true(d.obligations & NDC_OBLIGE_ESCALATE);
    assert_string_equal(fault.code, "policy.volume");
    assert_non_null(strstr(fault.message, "10000 persons counted"));
    assert_non_null(strstr(fault.message, "role bulk-important or bulk-core"));
    /* A data officer is told once of all six. */
    struct policy_notice *notices;
    assert_int_equal(policy_notices_take(policy_service_notices(service), &notices), 1);
    assert_string_equal(notices[0].requester, "byt");
    assert_string_equal(notices[0].purpose, "health");
    assert_string_equal(notices[0].rule, "bulk-important-sensitive");
    assert_int_equal(notices[0].times, 6);
    assert_int_equal(notices[0].subjects, 10000);
    assert_int_equal(notices[0].outcome, NDC_POLICY_DENY);
    free(notices);
    /* Those seen before may be read again. */
    q.subject = NDC_STR("p77");
    fault = (struct ndc_fault){0};
    assert_int_equal(ndc_policy_decide(&d, &q, &fault), NDC_OK);
    /* Organisations are not people. */
    q.entity = NDC_ENTITY_ORGANISATION;
    q.fields = (struct ndc_field_set){0};
    q.purpose = NDC_STR("business-registration");
    ndc_field_set_add(&q.fields, ndc_field_find(NDC_STR("org_name"))->id);
    for (unsigned i = 1; i <= 3; i++) {
        snprintf(id, sizeof(id), "o%u", i);
        q.subject = ndc_str(id);
        (void)!ndc_policy_decide(&d, &q, NULL);
    }
    assert_int_equal(ndc_policy_seen_subject(
                         NDC_STR("byt"), NDC_STR("business-registration"), NDC_STR("p1")),
                     1);
    ndc_policy_register(NULL, NULL);
    policy_service_free(service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reload_under_load),
        cmocka_unit_test(test_thresholds_are_met_by_counting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

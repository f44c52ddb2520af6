/* Any bytes as a rules file; where it is one, it is compiled, its tests run, and a
 * request of every purpose is decided and explained. */
#include "platforms/policy/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void ask(const struct policy_table *table, struct ndc_str purpose)
{
    struct ndc_policy_request q = {.kind = NDC_POLICY_SYSTEM,
                                   .principal = NDC_STR("key:1"),
                                   .agency = NDC_STR("a"),
                                   .purpose = purpose,
                                   .legal_basis = NDC_STR("x"),
                                   .subjects = 20000};
    ndc_field_set_add(&q.fields, 0);
    ndc_field_set_add(&q.fields, 38);
    struct ndc_policy_decision d;
    (void)policy_table_decide(table, &d, &q);
    for (size_t w = 0; w < NDC_ARRAY_LEN(q.fields.w); w++)
        NDC_ASSERT((d.shown.w[w] | d.masked.w[w] | d.withheld.w[w]) == q.fields.w[w]);
    struct ndc_buf text;
    struct ndc_json j;
    ndc_buf_init(&text, 1 << 20);
    ndc_json_init(&j, &text);
    policy_explain(table, &j, &q);
    ndc_buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct policy_set *set = ndc_xmalloc(sizeof(*set));
    struct policy_table *table;
    struct ndc_fault fault = {0};
    policy_set_init(set);
    if (policy_set_add(set, "fuzz.yaml", ndc_str_n((const char *)bytes, len), false,
                       &fault)) {
        NDC_ASSERT(fault.message[0]);
        policy_set_free(set);
        free(set);
        return 0;
    }
    if (policy_compile(&table, set, 1, &fault)) {
        NDC_ASSERT(fault.message[0]);
        return 0;
    }
    (void)policy_run_tests(table, NULL, NULL);
    for (size_t i = 0; i < NDC_MIN(set->purpose_count, (size_t)4); i++)
        ask(table, set->purposes[i].code);
    policy_table_free(table);
    return 0;
}

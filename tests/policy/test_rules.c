/* Rule files: the embedded rules' own tests, what a wrong file is told, how an operator's
 * file changes the rules, and what explanations say. */
#include "tests/test.h"

#include "base/hash.h"
#include "platforms/policy/service.h"
#include "sys/file.h"

#include <unistd.h>

static struct ndc_fault fault;

static void told(void *arg, const struct policy_test *test, bool good, const char *why)
{
    size_t *n = arg;
    (*n)++;
    if (!good)
        print_error("%.*s:%u: %.*s: %s\n", NDC_STR_FMT(test->file), test->line,
                    NDC_STR_FMT(test->name), why);
}

static struct policy_table *load_embedded(void)
{
    struct policy_table *table;
    fault = (struct ndc_fault){0};
    if (policy_load(&table, NULL, NULL, 1, &fault)) fail_msg("%s", fault.message);
    return table;
}

static void test_embedded_rules_pass_their_tests(void **state)
{
    (void)state;
    struct policy_table *table = load_embedded();
    size_t n = 0;
    assert_int_equal(policy_run_tests(table, told, &n), 0);
    assert_true(n >= 25);
    policy_table_free(table);
}

/* What a file is told when added to an empty set and compiled. */
static enum ndc_err load_text(const char *yaml)
{
    struct policy_set *set = ndc_xmalloc(sizeof(*set));
    struct policy_table *table = NULL;
    fault = (struct ndc_fault){0};
    policy_set_init(set);
    enum ndc_err err = policy_set_add(set, "f.yaml", ndc_str(yaml), false, &fault);
    if (!err) {
        err = policy_compile(&table, set, 1, &fault);
        policy_table_free(table);
    } else {
        policy_set_free(set);
        free(set);
    }
    return err;
}

static void test_wrong_files_are_refused_with_line_and_reason(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *code, *says;
        unsigned line;
    } cases[] = {
        {"rules:\n  - id: a\n    efect: show\n", "yaml.unknown_key", "effect", 3},
        {"rule:\n  - id: a\n", "yaml.unknown_key", "rules", 1},
        {"rules:\n  - id: a\n    title: {vi: a, en: a}\n    effect: shw\n", "yaml.enum",
         "show", 4},
        {"rules:\n  - id: a\n    title: {vi: a, en: a}\n    effect: show\n"
         "    fields: [full_nme]\n",
         "policy.field", "full_name", 5},
        {"rules:\n  - id: a\n    title: {vi: a, en: a}\n    effect: show\n"
         "    when: {kind: [offical]}\n",
         "policy.word", "official", 5},
        {"rules:\n  - id: A B\n    title: {vi: a, en: a}\n    effect: show\n",
         "policy.code", "a-z", 2},
        {"rules:\n  - id: a\n    title: a\n    effect: show\n", "policy.text", "vi", 3},
        {"rules:\n  - id: a\n    title: {vi: a, en: a}\n    effect: mask\n    mask: "
         "year\n"
         "    fields: [phone]\n",
         "policy.mask", "last-3", 5},
        {"rules:\n  - id: a\n    title: {vi: a, en: a}\n    effect: show\n    mask: "
         "year\n",
         "policy.mask", "effect: mask", 5},
        {"rules:\n  - id: a\n    title: {vi: a, en: a}\n    effect: show\n"
         "  - id: a\n    title: {vi: a, en: a}\n    effect: show\n",
         "policy.twice", "line 2", 5},
        {"agencies: [{code: tax, title: {vi: a, en: a}}]\nrules:\n  - id: a\n"
         "    title: {vi: a, en: a}\n    effect: show\n    when: {agency: tx}\n",
         "policy.unknown", "agency \"tx\"", 3},
        {"purposes: [{code: tax, title: {vi: a, en: a}}]\nrules:\n  - id: a\n"
         "    title: {vi: a, en: a}\n    effect: show\n    when: {purpose: taxx}\n",
         "policy.unknown", "did you mean \"tax\"", 3},
        {"thresholds: [{personal: basic, importance: core}]\n", "", "subjects", 1},
        {"thresholds:\n  - {subjects: 0, importance: core}\n", "", "subjects", 2},
        {"rules:\n  - id: a\n    title: {vi: a, en: a}\n    effect: deny\n"
         "    when: {within_days: 3}\n",
         "policy.within", "subjects_over", 5},
        {"rules:\n  - id: a\n    title: {vi: a, en: a}\n    effect: deny\n"
         "    when: {subjects_over: 3, within_days: 4000}\n",
         "", "3660", 5},
        {"counting: 30\n", "policy.map", "within_days", 1},
        {"counting: {within_day: 30}\n", "yaml.unknown_key", "within_days", 1},
        {"tests:\n  - {name: x}\n", "policy.test", "expect", 2},
        {"rules: 5\n", "policy.list", "list", 1},
        {"rules: [5]\n", "policy.map", "map", 1},
    };
    for (size_t i = 0; i < NDC_ARRAY_LEN(cases); i++) {
        assert_int_equal(load_text(cases[i].yaml), NDC_EINPUT);
        if (*cases[i].code && strcmp(fault.code, cases[i].code) != 0 &&
            strncmp(cases[i].code, "yaml.", 5) != 0)
            fail_msg("case %zu: %s: %s", i, fault.code, fault.message);
        if (!strstr(fault.message, cases[i].says) || fault.line != cases[i].line)
            fail_msg("case %zu: line %u: %s", i, fault.line, fault.message);
    }
    assert_int_equal(load_text("rules: []\n"), NDC_OK);
}

static void test_five_periods_are_one_too_many(void **state)
{
    (void)state;
    struct ndc_buf text;
    ndc_buf_init(&text, 4096);
    ndc_buf_add_c(&text, "rules:\n");
    for (int i = 1; i <= 4; i++) {
        char rule[200];
        snprintf(rule, sizeof(rule),
                 "  - id: a%d\n    title: {vi: a, en: a}\n    effect: deny\n"
                 "    when: {subjects_over: 3, within_days: %d}\n",
                 i, i);
        ndc_buf_add_c(&text, rule);
        ndc_buf_add_byte(&text, 0);
        text.len--;
        assert_int_equal(load_text(text.ptr), i <= 3 ? NDC_OK : NDC_ETOOBIG);
    }
    ndc_buf_free(&text);
}

static struct ndc_policy_request tax_request(void)
{
    struct ndc_policy_request q = {.kind = NDC_POLICY_OFFICIAL,
                                   .principal = NDC_STR("user:lan"),
                                   .agency = NDC_STR("btc"),
                                   .purpose = NDC_STR("tax"),
                                   .legal_basis = NDC_STR("38/2019/QH14"),
                                   .subject = NDC_STR("p1"),
                                   .subjects = 1};
    q.fields = ndc_field_set_entity(NDC_ENTITY_PERSON);
    return q;
}

static void write_file(const char *dir, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    fault = (struct ndc_fault){0};
    if (ndc_file_write(path, ndc_str(text), 0600, &fault)) fail_msg("%s", fault.message);
}

static void test_operator_rules_come_first_and_replace(void **state)
{
    (void)state;
    char dir[] = "/tmp/ndc-policy-XXXXXX";
    assert_non_null(mkdtemp(dir));
    write_file(dir, "10-local.yaml",
               "rules:\n"
               "  - id: hide-salary\n"
               "    title: {vi: Che lương, en: Hide salaries}\n"
               "    when: {agency: btc, purpose: tax}\n"
               "    fields: [salary]\n"
               "    effect: mask\n"
               "  - id: tax-account\n"
               "    title: {vi: Không xem tài khoản, en: No accounts}\n"
               "    when: {purpose: tax}\n"
               "    fields: [bank_account, bank_code]\n"
               "    effect: withhold\n"
               "classes:\n"
               "  - {field: occupation, sharing: private, personal: sensitive}\n");
    /* The embedded tests say that the tax authority sees salaries: they refuse this. */
    struct policy_service *service;
    fault = (struct ndc_fault){0};
    assert_int_equal(policy_service_new(&service, dir, &fault), NDC_EINPUT);
    assert_string_equal(fault.code, "policy.test");
    assert_non_null(strstr(fault.message, "the tax authority sees income"));

    struct policy_table *table;
    fault = (struct ndc_fault){0};
    assert_int_equal(policy_load(&table, dir, NULL, 1, &fault), NDC_OK);
    struct ndc_policy_request q = tax_request();
    struct ndc_policy_decision d;
    assert_int_equal(policy_table_decide(table, &d, &q), POLICY_WHY_NONE);
    unsigned salary = ndc_field_find(NDC_STR("salary"))->id;
    assert_true(ndc_field_set_has(&d.masked, salary));
    assert_int_equal(d.mask[salary], NDC_MASK_BAND);
    assert_true(ndc_field_set_has(&d.withheld, ndc_field_find(NDC_STR("bank_code"))->id));
    /* A field made private leaves the purpose's reach. */
    assert_true(
        ndc_field_set_has(&d.withheld, ndc_field_find(NDC_STR("occupation"))->id));
    policy_table_free(table);
    /* Who means it says so with a test of the same name. */
    write_file(dir, "20-tests.yaml",
               "tests:\n"
               "  - name: the tax authority sees income, and accounts in part\n"
               "    agency: btc\n"
               "    purpose: tax\n"
               "    legal_basis: x\n"
               "    expect: {mask: {salary: band}, withhold: [bank_account]}\n");
    fault = (struct ndc_fault){0};
    if (policy_service_new(&service, dir, &fault)) fail_msg("%s", fault.message);
    policy_service_free(service);
    fault = (struct ndc_fault){0};
    assert_int_equal(ndc_file_remove_tree(dir, &fault), NDC_OK);
}

static void test_decision_sets_partition_the_request(void **state)
{
    (void)state;
    struct policy_table *table = load_embedded();
    static const char *const agencies[] = {"bca", "btc", "byt", "tkqg", "none", ""};
    uint64_t rng = 42;
    for (int i = 0; i < 20000; i++) {
        struct ndc_policy_request q = tax_request();
        uint64_t r = rng = rng * 6364136223846793005u + 1442695040888963407u;
        size_t p = r >> 33 & 31;
        q.kind = (enum ndc_policy_kind)((r >> 40) % NDC_POLICY_KIND_COUNT);
        q.action = (enum ndc_policy_action)((r >> 45) % NDC_POLICY_ACTION_COUNT);
        q.entity = (enum ndc_entity)(r >> 50 & 1);
        q.agency = ndc_str(agencies[(r >> 52) % NDC_ARRAY_LEN(agencies)]);
        q.subjects = (uint64_t)1 << (r >> 56 & 31);
        if (p < table->set->purpose_count) q.purpose = table->set->purposes[p].code;
        for (size_t w = 0; w < 4; w++)
            q.fields.w[w] = ndc_hash64(&rng, 8, w);
        struct ndc_policy_decision d;
        enum policy_why why = policy_table_decide(table, &d, &q);
        for (size_t w = 0; w < 4; w++) {
            assert_true((d.shown.w[w] | d.masked.w[w] | d.withheld.w[w]) ==
                        q.fields.w[w]);
            assert_true((d.shown.w[w] & d.masked.w[w]) == 0);
            assert_true(((d.shown.w[w] | d.masked.w[w]) & d.withheld.w[w]) == 0);
            /* Nothing that is not in the dictionary is ever let out. */
            assert_true(((d.shown.w[w] | d.masked.w[w]) & ~table->known.w[w]) == 0);
        }
        assert_true((why == POLICY_WHY_NONE) == (d.outcome != NDC_POLICY_DENY));
    }
    policy_table_free(table);
}

static struct json_object *explain(const struct policy_table *table,
                                   const struct ndc_policy_request *q)
{
    struct ndc_buf buf;
    struct ndc_json j;
    struct json_object *o = NULL;
    ndc_buf_init(&buf, 1 << 20);
    ndc_json_init(&j, &buf);
    policy_explain(table, &j, q);
    fault = (struct ndc_fault){0};
    if (ndc_json_parse(&o, ndc_buf_str(&buf), &fault)) fail_msg("%s", fault.message);
    ndc_buf_free(&buf);
    return o;
}

static struct json_object *field_of(struct json_object *o, const char *code)
{
    struct json_object *fields = ndc_json_get(o, "fields");
    for (size_t i = 0; i < json_object_array_length(fields); i++) {
        struct json_object *f = json_object_array_get_idx(fields, i);
        if (ndc_str_eq_c(ndc_json_get_str(f, "code"), code)) return f;
    }
    fail_msg("no field %s", code);
    return NULL;
}

/* `key` is "needed_en": the member en of the object needed. */
static void assert_says(struct json_object *o, const char *key, const char *part)
{
    char object[32];
    const char *lang = strrchr(key, '_') + 1;
    snprintf(object, sizeof(object), "%.*s", (int)(lang - 1 - key), key);
    struct ndc_str text = ndc_json_get_str(ndc_json_get(o, object), lang);
    if (!memmem(text.ptr, text.len, part, strlen(part)))
        fail_msg("%s: \"%.*s\" does not say \"%s\"", key, NDC_STR_FMT(text), part);
}

static void test_explanations(void **state)
{
    (void)state;
    struct policy_table *table = load_embedded();
    struct ndc_policy_request q = tax_request();
    q.agency = NDC_STR("byt");
    struct json_object *o = explain(table, &q);
    assert_str_eq(ndc_json_get_str(o, "outcome"), "deny");
    assert_str_eq(ndc_json_get_str(o, "code"), "nothing");
    assert_says(field_of(o, "salary"), "needed_en",
                "the agency were Ministry of Finance");
    assert_says(field_of(o, "salary"), "needed_vi", "cơ quan là Bộ Tài chính");
    assert_says(field_of(o, "blood_type"), "needed_en", "the purpose were Medical care");
    assert_says(field_of(o, "blood_type"), "reason_vi", "ngoài phạm vi");
    json_object_put(o);

    q = tax_request();
    q.legal_basis = NDC_STR_NULL;
    o = explain(table, &q);
    assert_str_eq(ndc_json_get_str(o, "code"), "basis");
    assert_says(field_of(o, "salary"), "needed_en", "the legal basis were stated");
    json_object_put(o);

    q = tax_request();
    q.subjects = 20000;
    o = explain(table, &q);
    assert_str_eq(ndc_json_get_str(o, "rule"), "bulk-important-sensitive");
    assert_says(o, "reason_en", "10,000 persons");
    json_object_put(o);

    q = tax_request();
    o = explain(table, &q);
    assert_str_eq(ndc_json_get_str(field_of(o, "salary"), "decision"), "show");
    assert_str_eq(ndc_json_get_str(field_of(o, "bank_account"), "mask"), "last-4");
    assert_says(field_of(o, "bank_account"), "reason_vi", "ngân hàng");
    json_object_put(o);
    policy_table_free(table);
}

static void test_faults_name_the_nearest_purpose(void **state)
{
    (void)state;
    struct policy_service *service;
    fault = (struct ndc_fault){0};
    if (policy_service_new(&service, NULL, &fault)) fail_msg("%s", fault.message);
    ndc_policy_register(&policy_service_ops, service);
    struct ndc_policy_request q = tax_request();
    struct ndc_policy_decision d;
    q.purpose = NDC_STR("statistic");
    fault = (struct ndc_fault){0};
    assert_int_equal(ndc_policy_decide(&d, &q, &fault), NDC_EDENIED);
    assert_string_equal(fault.code, "policy.unknown_purpose");
    assert_non_null(strstr(fault.message, "did you mean \"statistics\""));
    assert_int_equal(ndc_fault_status(&fault), 403);
    ndc_policy_register(NULL, NULL);
    fault = (struct ndc_fault){0};
    q = tax_request();
    assert_int_equal(ndc_policy_decide(&d, &q, &fault), NDC_EDENIED);
    assert_string_equal(fault.code, "policy.absent");
    policy_service_free(service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_embedded_rules_pass_their_tests),
        cmocka_unit_test(test_wrong_files_are_refused_with_line_and_reason),
        cmocka_unit_test(test_five_periods_are_one_too_many),
        cmocka_unit_test(test_operator_rules_come_first_and_replace),
        cmocka_unit_test(test_decision_sets_partition_the_request),
        cmocka_unit_test(test_explanations),
        cmocka_unit_test(test_faults_name_the_nearest_purpose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

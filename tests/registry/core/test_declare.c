/* Declarations and their rules: every kind of mistake is refused with its line, what is
 * wrong, and the nearest word where there is one. */
#include "tests/test.h"

#include "platforms/registry/source/rules.h"

static struct ndc_arena arena;

static struct ndc_source *parse(const char *yaml, struct ndc_fault *fault)
{
    struct ndc_source *s = NULL;
    *fault = (struct ndc_fault){0};
    ndc_arena_free(&arena);
    ndc_arena_init(&arena, 8 << 20);
    if (ndc_source_parse(&s, &arena, ndc_str(yaml), fault)) assert_null(s);
    return s;
}

static const char good[] =
    "source: tax\n"                                                       /* 1 */
    "title: {vi: Thuế, en: Tax}\n"                                        /* 2 */
    "agency: {code: btc, vi: Bộ Tài chính, en: Finance}\n"                /* 3 */
    "legal_basis: Luật 38/2019/QH14\n"                                    /* 4 */
    "entity: person\n"                                                    /* 5 */
    "key: [no, part]\n"                                                   /* 6 */
    "connector: {type: csv, path: t.csv, separator: ';'}\n"               /* 7 */
    "sync: {mode: delta, op_column: op, live_days: 30, time_column: t}\n" /* 8 */
    "class: {sharing: private}\n"                                         /* 9 */
    "authority: {tax_code: 1}\n"                                          /* 10 */
    "fields:\n"                                                           /* 11 */
    "  - {column: no, to: null}\n"                                        /* 12 */
    "  - {column: name, to: full_name, required: true}\n"                 /* 13 */
    "  - {columns: [a, b], to: permanent_address}\n"                      /* 14 */
    "  - {column: sex, to: sex, values: {1: male, 2: ~}}\n"               /* 15 */
    "  - {column: mst, to: tax_code, length_max: 13}\n"                   /* 16 */
    "rules:\n"                                                            /* 17 */
    "  - {name: r, check: 'full_name', criterion: clean}\n";              /* 18 */

static void test_good(void **state)
{
    (void)state;
    struct ndc_fault fault;
    struct ndc_source *s = parse(good, &fault);
    assert_non_null(s);
    assert_str_eq(s->id, "tax");
    assert_str_eq(s->title.en, "Tax");
    assert_str_eq(s->agency, "btc");
    assert_int_equal(s->key_count, 2);
    assert_int_equal(s->separator, ';');
    assert_int_equal(s->mode, NDC_SYNC_DELTA);
    assert_int_equal(s->live_days, 30);
    assert_int_equal(s->field_count, 5);
    assert_null(s->fields[0].field);
    assert_true(s->fields[1].required);
    assert_int_equal(s->fields[2].column_count, 2);
    assert_int_equal(s->fields[3].value_count, 2);
    assert_null(s->fields[3].values[1].to.ptr);
    assert_int_equal(s->fields[4].length_max, 13);
    assert_int_equal(s->authority[s->fields[4].field->id], 1);
    assert_int_equal(s->rule_count, 1);
    assert_false(s->rules[0].blocks); /* clean is counted, it does not block */
    assert_str_eq(s->yaml, good);
}

/* `good` with one line replaced (0: one added at the end). */
static const char *with(unsigned line, const char *text)
{
    static char out[8192];
    size_t n = 0;
    unsigned at = 1;
    for (const char *p = good; *p; at++) {
        const char *end = strchr(p, '\n') + 1;
        if (at == line)
            n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%s", text,
                                  *text ? "\n" : "");
        else
            n += (size_t)snprintf(out + n, sizeof(out) - n, "%.*s", (int)(end - p), p);
        p = end;
    }
    if (line == 0) snprintf(out + n, sizeof(out) - n, "%s\n", text);
    return out;
}

static const struct {
    unsigned line;    /* replaced */
    const char *text; /* by */
    unsigned told;    /* the line the complaint names; 0: any */
    const char *says; /* part of it */
} wrong[] = {
    {1, "", 0, "source"},
    {1, "source: Tax", 1, "a-z"},
    {1, "source: 9tax", 1, "a-z"},
    {1, "source: a23456789012345678901234567890123456789012345678x", 1, "48"},
    {1, "sourse: tax", 1, "source"},
    {2, "title: [a]", 2, "vi"},
    {3, "", 0, "agency"},
    {3, "agency: {vi: x}", 3, "code"},
    {4, "", 0, "legal_basis"},
    {5, "entity: persn", 5, "person"},
    {5, "", 0, "entity"},
    {6, "", 0, "key"},
    {6, "key: []", 6, "key"},
    {6, "key: [a, b, c, d, e]", 6, "key"},
    {6, "key: [[a]]", 6, "key"},
    {7, "", 0, "connector"},
    {7, "connector: {type: cvs, path: x}", 7, "csv"},
    {7, "connector: {type: csv}", 7, "path"},
    {7, "connector: {type: sqlite, path: x}", 7, "table"},
    {7, "connector: {type: csv, path: x, encodng: utf-8}", 7, "encoding"},
    {7, "connector: {type: csv, path: x, encoding: utf8}", 7, "utf-8"},
    {7, "connector: {type: csv, path: x, separator: '::'}", 7, "separator"},
    {7, "connector: {type: csv, path: x, separator: '\"'}", 7, "separator"},
    {7, "connector: {type: csv, path: x, skip_spaces: perhaps}", 7, "skip_spaces"},
    {8, "sync: {mode: snapshto}", 8, "snapshot"},
    {8, "sync: {schedule: '1 2 3'}", 8, "schedule"},
    {8, "sync: {schedule: '99 * * * *'}", 8, ""},
    {8, "sync: {live_days: -1}", 8, "live_days"},
    {8, "sync: {live_days: x}", 8, "live_days"},
    {8, "sync: {live_days: 30}", 8, "time_column"},
    {8, "sync: {modes: delta}", 8, "mode"},
    {9, "class: {sharing: sharde}", 9, "shared"},
    {10, "authority: {tax_cod: 1}", 10, "tax_code"},
    {10, "authority: {tax_code: 0}", 10, "tax_code"},
    {10, "authority: {tax_code: 100}", 10, "tax_code"},
    {10, "authority: [tax_code]", 10, "authority"},
    {10, "authority: {org_name: 1}", 10, "another entity"},
    {11, "feilds:", 11, "fields"},
    {12, "  - {column: no}", 12, "to"},
    {12, "  - {to: null}", 12, "column"},
    {12, "  - no", 12, ""},
    {13, "  - {column: name, to: full_nmae}", 13, "full_name"},
    {13, "  - {column: name, to: org_name}", 13, "another entity"},
    {13, "  - {column: name, to: full_name, requird: true}", 13, "required"},
    {13, "  - {column: name, to: full_name, required: maybe}", 13, "required"},
    {13, "  - {column: name, to: full_name, format: dym}", 13, "dmy"},
    {13, "  - {column: name, to: sex}", 15, "second time"},
    {14, "  - {columns: [a, b, c, d, e, f, g], to: permanent_address}", 14, "column"},
    {15, "  - {column: sex, to: sex, values: [a]}", 15, "values"},
    {15, "  - {column: sex, to: sex, values: {1: [male]}}", 15, "values"},
    {16, "  - {column: mst, to: tax_code, length_min: x}", 16, "length_min"},
    {16, "  - {column: mst, to: tax_code, class: {personal: basc}}", 16, "basic"},
    {18, "  - {name: r}", 18, "check"},
    {18, "  - {check: full_name}", 18, "name"},
    {18, "  - {name: r, check: full_name, criterion: crrect}", 18, "correct"},
    {18, "  - {name: r, check: full_nam, criterion: clean}", 18, "full_name"},
    {0, "source: again", 19, "source"},
    {0, "x: *a", 0, ""},
    {0, "  bad\tindent: [", 0, ""},
};

static void test_mistakes(void **state)
{
    (void)state;
    for (size_t i = 0; i < NDC_ARRAY_LEN(wrong); i++) {
        struct ndc_fault fault;
        if (parse(with(wrong[i].line, wrong[i].text), &fault))
            fail_msg("\"%s\" passes", wrong[i].text);
        assert_int_equal(fault.err, NDC_EINPUT);
        if (wrong[i].told && fault.line != wrong[i].told)
            fail_msg("\"%s\": line %u told, not %u: %s", wrong[i].text, fault.line,
                     wrong[i].told, fault.message);
        if (!strstr(fault.message, wrong[i].says))
            fail_msg("\"%s\" says \"%s\", not \"%s\"", wrong[i].text, fault.message,
                     wrong[i].says);
    }
}

static void test_limits(void **state)
{
    (void)state;
    static char yaml[200000];
    struct ndc_fault fault;
    size_t n =
        (size_t)snprintf(yaml, sizeof(yaml),
                         "source: a\nagency: b\nlegal_basis: c\nentity: person\nkey: k\n"
                         "connector: {type: push}\nfields:\n");
    size_t head = n;
    for (int i = 0; i < 256; i++)
        n +=
            (size_t)snprintf(yaml + n, sizeof(yaml) - n, "  - {column: c%d, to: ~}\n", i);
    assert_non_null(parse(yaml, &fault));
    snprintf(yaml + n, sizeof(yaml) - n, "  - {column: c256, to: ~}\n");
    assert_null(parse(yaml, &fault));
    assert_non_null(strstr(fault.message, "256"));
    n = head + (size_t)snprintf(yaml + head, sizeof(yaml) - head,
                                "  - {column: c, to: full_name}\nrules:\n");
    for (int i = 0; i < 65; i++)
        n += (size_t)snprintf(yaml + n, sizeof(yaml) - n,
                              "  - {name: r%d, check: full_name}\n", i);
    assert_null(parse(yaml, &fault));
    assert_non_null(strstr(fault.message, "64"));
    assert_null(parse("", &fault));
    assert_null(parse("- a\n", &fault));
    assert_null(parse("just text", &fault));
}

/* ---- rules ---- */

static struct ndc_record_field fields[8];
static struct ndc_record record;

static void has(const char *code, const char *value)
{
    fields[record.count++] =
        (struct ndc_record_field){.field = (uint8_t)ndc_field_find(ndc_str(code))->id,
                                  .value = ndc_str(value),
                                  .raw = ndc_str(value)};
}

static bool holds(const char *check)
{
    struct ndc_source_rule *rule = calloc(1, sizeof(*rule));
    struct ndc_fault fault = {0};
    rule->name = NDC_STR("r");
    rule->check = ndc_str(check);
    if (ndc_rule_compile(rule, NDC_ENTITY_PERSON, 4, &fault))
        fail_msg("%s: %s", check, fault.message);
    bool result = ndc_rule_holds(rule, &record, NDC_STR("2025-07-01"));
    free(rule);
    return result;
}

static void test_rule_operators(void **state)
{
    (void)state;
    record = (struct ndc_record){.fields = fields};
    has("birth_date", "1985-03-27");
    has("death_date", "2020-01-02");
    has("salary", "9000000");
    has("sex", "female");
    has("updated_at", "2024-05-06T07:08:09.000Z");
    static const struct {
        const char *check;
        bool holds;
    } cases[] = {
        {"death_date >= birth_date", true},
        {"death_date < birth_date", false},
        {"birth_date = '1985-03-27'", true},
        {"birth_date == '1985-03-27'", true},
        {"birth_date != '1985-03-27'", false},
        {"birth_date <= today", true},
        {"birth_date > today", false},
        {"today > birth_date", true},
        {"salary > 10", true}, /* numbers, not texts: '9000000' < '10' */
        {"salary <= 9000000.0", true},
        {"salary >= -5", true},
        {"salary < 1e6", false},
        {"sex = 'female'", true},
        {"sex='male'", false},
        {"sex != 'male'", true},
        {"sex", true},
        {"not sex", false},
        {"not not sex", true},
        {"father_name", false},
        {"not father_name", true},
        /* missing is not wrong */
        {"father_name = 'x'", true},
        {"father_name != 'x'", true},
        {"exit_date < entry_date", true},
        /* and before or, parentheses before both, not nearest */
        {"father_name and sex or salary", true},
        {"father_name and (sex or salary)", false},
        {"salary or sex and father_name", true},
        {"(salary or sex) and father_name", false},
        {"not father_name and sex", true},
        {"not (father_name or sex)", false},
        {"sex = 'male' or sex = 'female' and salary > 1", true},
        {"  sex   =   'female'  ", true},
        {"updated_at <= today", true},
    };
    for (size_t i = 0; i < NDC_ARRAY_LEN(cases); i++)
        if (holds(cases[i].check) != cases[i].holds)
            fail_msg("%s is %s", cases[i].check, cases[i].holds ? "false" : "true");
}

/* A date that is known in part compares as far as it is known, and is not blamed for
 * what is not. */
static void test_rule_partial_dates(void **state)
{
    (void)state;
    record = (struct ndc_record){.fields = fields};
    has("birth_date", "1985");
    has("death_date", "1985-03-27");
    assert_true(holds("death_date >= birth_date"));
    assert_true(holds("birth_date <= death_date"));
    assert_true(holds("birth_date >= death_date")); /* it could be */
    assert_true(holds("birth_date = death_date"));
    fields[1].value = NDC_STR("1984-12-31");
    assert_false(holds("death_date >= birth_date"));
    fields[0].value = NDC_STR("2025");
    assert_true(holds("birth_date <= today"));
    fields[0].value = NDC_STR("2026");
    assert_false(holds("birth_date <= today"));
    /* A value that failed its checks is no value. */
    fields[0].value = NDC_STR("");
    assert_true(holds("birth_date > today"));
    assert_false(holds("birth_date"));
}

static void test_rule_mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *check, *says;
    } bad_rules[] = {
        {"", "expected"},
        {"birth_dat <= today", "birth_date"},
        {"org_name", "another entity"},
        {"birth_date <=", "expected a value"},
        {"<= today", "unknown"},
        {"birth_date <= today today", "unexpected"},
        {"(birth_date", ")"},
        {"birth_date)", "unexpected"},
        {"today", "comparison"},
        {"'text'", "comparison"},
        {"12", "comparison"},
        {"birth_date and", "expected"},
        {"or birth_date", "unknown"},
        {"birth_date = 'open", "unknown"},
        {"birth_date = '", "unknown"},
        {"((((((((((sex))))))))))", "deep"},
        {"not not not not not not not not not not sex", "deep"},
        {"sex ; DROP TABLE x", "unexpected"},
    };
    struct ndc_source_rule *rule = calloc(1, sizeof(*rule));
    rule->name = NDC_STR("my rule");
    for (size_t i = 0; i < NDC_ARRAY_LEN(bad_rules); i++) {
        struct ndc_fault fault = {0};
        rule->check = ndc_str(bad_rules[i].check);
        if (ndc_rule_compile(rule, NDC_ENTITY_PERSON, 42, &fault) != NDC_EINPUT)
            fail_msg("\"%s\" passes", bad_rules[i].check);
        assert_int_equal(fault.line, 42);
        assert_non_null(strstr(fault.message, "my rule"));
        if (!strstr(fault.message, bad_rules[i].says))
            fail_msg("\"%s\" says \"%s\"", bad_rules[i].check, fault.message);
    }
    /* 48 steps are a rule, more are refused. */
    char lots[4096] = "sex";
    for (int i = 0; i < 24; i++)
        strncat(lots, " or sex", sizeof(lots) - strlen(lots) - 1);
    struct ndc_fault fault = {0};
    rule->check = ndc_str(lots);
    assert_int_equal(ndc_rule_compile(rule, NDC_ENTITY_PERSON, 1, &fault), NDC_EINPUT);
    assert_non_null(strstr(fault.message, "too long"));
    free(rule);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_rule_operators),
        cmocka_unit_test(test_rule_partial_dates),
        cmocka_unit_test(test_rule_mistakes),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    ndc_arena_free(&arena);
    return failed;
}

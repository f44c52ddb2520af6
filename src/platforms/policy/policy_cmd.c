/* ndc policy explain, test, list, check. They read the rules themselves; no daemon is
 * asked. */
#include "platforms/policy/policy.h"

#include "sys/file.h"

#include <stdio.h>

static const char *directory_of(struct ndc_command_call *call)
{
    const char *set = ndc_config_text(ndc_app_config(call->app), "policy_dir");
    return *set ? set : ndc_app_path(call->app, "policy");
}

/* An option as a member of the request's JSON. */
static void add_option(struct ndc_command_call *call, struct json_object *o,
                       const char *option, const char *key)
{
    const char *value = ndc_command_option(call, option);
    if (value) json_object_object_add(o, key, json_object_new_string(value));
}

static void add_list(struct ndc_command_call *call, struct json_object *o,
                     const char *option)
{
    struct ndc_str rest = ndc_str(ndc_command_option(call, option)), part;
    if (!rest.len || ndc_str_eq_c(rest, "all")) return;
    struct json_object *list = json_object_new_array();
    while (ndc_str_split(&rest, ',', &part))
        json_object_array_add(list, json_object_new_string_len(part.ptr, (int)part.len));
    json_object_object_add(o, option, list);
}

static struct ndc_str text_of(struct json_object *o, const char *key, bool vi)
{
    return ndc_json_get_str(ndc_json_get(o, key), vi ? "vi" : "en");
}

static void print_explanation(struct json_object *o, bool vi)
{
    struct ndc_str rule = ndc_json_get_str(o, "rule");
    printf("%.*s: %.*s", NDC_STR_FMT(ndc_json_get_str(o, "outcome")),
           NDC_STR_FMT(text_of(o, "reason", vi)));
    if (rule.len) printf(" [%.*s]", NDC_STR_FMT(rule));
    putchar('\n');
    struct json_object *fields = ndc_json_get(o, "fields");
    for (size_t i = 0; i < json_object_array_length(fields); i++) {
        struct json_object *f = json_object_array_get_idx(fields, i);
        struct ndc_str mask = ndc_json_get_str(f, "mask"),
                       by = ndc_json_get_str(f, "rule");
        struct ndc_str needed = text_of(f, "needed", vi);
        printf("\n%.*s (%.*s): %.*s%s%.*s\n", NDC_STR_FMT(ndc_json_get_str(f, "code")),
               NDC_STR_FMT(text_of(f, "title", vi)),
               NDC_STR_FMT(ndc_json_get_str(f, "decision")), mask.len ? " " : "",
               NDC_STR_FMT(mask));
        printf("    %.*s", NDC_STR_FMT(text_of(f, "reason", vi)));
        if (by.len) printf(" [%.*s]", NDC_STR_FMT(by));
        putchar('\n');
        if (needed.len) printf("    %.*s\n", NDC_STR_FMT(needed));
    }
}

static enum ndc_err explain_request(struct ndc_command_call *call, struct json_object *in,
                                    struct ndc_fault *fault)
{
    struct policy_table *table = NULL;
    struct ndc_policy_request q;
    struct ndc_arena arena;
    struct ndc_buf text;
    struct ndc_json j;
    struct json_object *out = NULL;
    ndc_arena_init(&arena, 1 << 20);
    ndc_buf_init(&text, 8 << 20);
    ndc_json_init(&j, &text);
    enum ndc_err err = policy_request_parse(&q, &arena, in, fault);
    if (!err) err = policy_load(&table, directory_of(call), NULL, 1, fault);
    if (!err) policy_explain(table, &j, &q);
    if (!err && ndc_command_flag(call, "json"))
        printf("%.*s\n", NDC_STR_FMT(ndc_buf_str(&text)));
    else if (!err && !(err = ndc_json_parse(&out, ndc_buf_str(&text), fault)))
        print_explanation(out, strcmp(ndc_command_option(call, "lang"), "vi") == 0);
    json_object_put(out);
    policy_table_free(table);
    ndc_buf_free(&text);
    ndc_arena_free(&arena);
    return err;
}

static enum ndc_err run_explain(struct ndc_command_call *call, struct ndc_fault *fault)
{
    static const char *const keys[][2] = {
        {"principal", "principal"}, {"kind", "kind"},
        {"agency", "agency"},       {"own-id", "own_id"},
        {"purpose", "purpose"},     {"legal-basis", "legal_basis"},
        {"action", "action"},       {"entity", "entity"},
        {"subject", "subject"},     {"consent", "consent"}};
    int64_t subjects = 1;
    enum ndc_err err = ndc_command_i64(call, "subjects", 1, INT64_MAX, &subjects, fault);
    if (err) return err;
    struct json_object *in = json_object_new_object();
    for (size_t i = 0; i < NDC_ARRAY_LEN(keys); i++)
        add_option(call, in, keys[i][0], keys[i][1]);
    add_list(call, in, "roles");
    add_list(call, in, "fields");
    json_object_object_add(in, "subjects", json_object_new_int64(subjects));
    err = explain_request(call, in, fault);
    json_object_put(in);
    return err;
}

static void print_test(void *arg, const struct policy_test *test, bool good,
                       const char *why)
{
    (void)arg;
    if (good)
        printf("ok    %.*s\n", NDC_STR_FMT(test->name));
    else
        printf("FAIL  %.*s\n      %.*s, line %u: %s\n", NDC_STR_FMT(test->name),
               NDC_STR_FMT(test->file), test->line, why);
}

static enum ndc_err run_test(struct ndc_command_call *call, struct ndc_fault *fault)
{
    struct policy_table *table;
    enum ndc_err err = policy_load(&table, directory_of(call),
                                   call->args_n ? call->args[0] : NULL, 1, fault);
    if (err) return err;
    size_t failed = policy_run_tests(table, print_test, NULL);
    size_t n = table->set->test_count;
    printf("%zu passed, %zu failed\n", n - failed, failed);
    policy_table_free(table);
    if (failed)
        return ndc_fail(fault, NDC_ECONFLICT, "policy.test", "%zu of %zu tests failed",
                        failed, n);
    return NDC_OK;
}

static enum ndc_err run_list(struct ndc_command_call *call, struct ndc_fault *fault)
{
    static const char *const effects[] = {"show", "mask", "withhold", "deny"};
    struct policy_table *table;
    enum ndc_err err = policy_load(&table, directory_of(call), NULL, 1, fault);
    if (err) return err;
    const struct policy_set *set = table->set;
    puts("purposes:");
    for (size_t i = 0; i < set->purpose_count; i++)
        printf("  %-22.*s %.*s%s%s\n", NDC_STR_FMT(set->purposes[i].code),
               NDC_STR_FMT(set->purposes[i].title.vi),
               set->purposes[i].needs_basis ? "" : " (no legal basis needed)",
               set->purposes[i].needs_consent ? " (consent needed)" : "");
    puts("rules, in the order they are tried:");
    for (size_t i = 0; i < set->rule_count; i++)
        printf("  %-26.*s %-9s %2u fields  %.*s\n", NDC_STR_FMT(set->rules[i].id),
               effects[set->rules[i].effect],
               ndc_field_set_count(&table->entries[i].fields[0]),
               NDC_STR_FMT(set->rules[i].title.vi));
    policy_table_free(table);
    return NDC_OK;
}

static enum ndc_err run_check(struct ndc_command_call *call, struct ndc_fault *fault)
{
    struct ndc_buf text;
    size_t tests = 0;
    ndc_buf_init(&text, 1 << 20);
    enum ndc_err err = ndc_file_read(&text, call->args[0], fault);
    if (!err)
        err = policy_check_text(directory_of(call), call->args[0], ndc_buf_str(&text),
                                &tests, fault);
    ndc_buf_free(&text);
    if (!err) printf("%s: good; all %zu tests pass with it\n", call->args[0], tests);
    return err;
}

static const struct ndc_option explain_options[] = {
    {"principal", "ID", NULL, "who asks, such as user:lan"},
    {"kind", "KIND", "official",
     "anonymous, person, business, official, system, operator or platform"},
    {"agency", "CODE", NULL, "the caller's agency"},
    {"roles", "A,B", NULL, "the caller's roles"},
    {"own-id", "ID", NULL, "the caller's own entity"},
    {"purpose", "CODE", NULL, "a purpose of `ndc policy list`"},
    {"legal-basis", "TEXT", NULL, "the legal basis as it would be stated"},
    {"action", "ACTION", "read", "read, search, match, export, write or count"},
    {"entity", "KIND", "person", "person or organisation"},
    {"subject", "ID", NULL, "whose data"},
    {"fields", "A,B", "all", "fields of the data dictionary"},
    {"consent", "STATE", "none", "none, given or refused"},
    {"subjects", "N", "1", "distinct subjects seen, this one included"},
    {"lang", "vi|en", "vi", "language of the answer"},
    {"json", NULL, NULL, "print the answer as JSON"},
    {0}};

const struct ndc_command policy_commands[POLICY_COMMANDS_N] = {
    {.name = "policy explain",
     .summary = "say what would be decided, by which rule, and what would have to change",
     .options = explain_options,
     .run = run_explain},
    {.name = "policy test",
     .args = "[FILE]",
     .args_max = 1,
     .summary = "run the rules' tests, with those of FILE",
     .run = run_test},
    {.name = "policy list", .summary = "list purposes and rules", .run = run_list},
    {.name = "policy check",
     .args = "FILE",
     .args_min = 1,
     .args_max = 1,
     .summary = "say whether a rules file would be accepted",
     .run = run_check},
};

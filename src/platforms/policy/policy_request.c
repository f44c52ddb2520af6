/* Requests in words, as explanations are asked for, and checks of rule files. */
#include "platforms/policy/policy.h"

#include "platforms/policy/words.h"

static enum ndc_err unknown(struct ndc_fault *fault, const char *field,
                            struct ndc_str word, const char *nearest)
{
    return ndc_fail_at(fault, NDC_EINPUT, "policy.word", field, 0,
                       "\"%.*s\" is no %s%s%s%s", NDC_STR_FMT(word), field,
                       nearest ? " (did you mean \"" : "", nearest ? nearest : "",
                       nearest ? "\"?)" : "");
}

/* An absent word leaves *out at 0. */
static enum ndc_err read_enum(struct json_object *o, const char *key,
                              const char *(*name)(int), int n, int *out,
                              struct ndc_fault *fault)
{
    const char *names[16];
    struct ndc_str word = ndc_json_get_str(o, key);
    if (!word.len) return NDC_OK;
    for (int i = 0; i < n; i++) {
        names[i] = name(i);
        if (!ndc_str_eq_c(word, names[i])) continue;
        *out = i;
        return NDC_OK;
    }
    return unknown(fault, key, word, ndc_str_nearest(word, names, (size_t)n));
}

static enum ndc_err read_fields(struct ndc_policy_request *q, struct json_object *list,
                                struct ndc_fault *fault)
{
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *item = json_object_array_get_idx(list, i);
        struct ndc_str code = ndc_str_n(json_object_get_string(item),
                                        (size_t)json_object_get_string_len(item));
        const struct ndc_field *field = ndc_field_find(code);
        if (!field) return unknown(fault, "field", code, ndc_field_nearest(code));
        ndc_field_set_add(&q->fields, field->id);
    }
    return NDC_OK;
}

static void read_roles(struct ndc_policy_request *q, struct ndc_arena *arena,
                       struct json_object *list)
{
    size_t n = NDC_MIN(json_object_array_length(list), (size_t)NDC_POLICY_ROLES_MAX);
    struct ndc_str *roles = NDC_ARENA_ARRAY(arena, struct ndc_str, n + 1);
    for (size_t i = 0; i < n; i++) {
        struct json_object *item = json_object_array_get_idx(list, i);
        roles[i] = ndc_str_n(json_object_get_string(item),
                             (size_t)json_object_get_string_len(item));
    }
    q->roles = roles;
    q->role_count = n;
}

enum ndc_err policy_request_parse(struct ndc_policy_request *q, struct ndc_arena *arena,
                                  struct json_object *o, struct ndc_fault *fault)
{
    int kind = NDC_POLICY_OFFICIAL, action = 0, entity = 0, consent = 0;
    *q = (struct ndc_policy_request){
        .principal = ndc_json_get_str(o, "principal"),
        .agency = ndc_json_get_str(o, "agency"),
        .entity_id = ndc_json_get_str(o, "own_id"),
        .purpose = ndc_json_get_str(o, "purpose"),
        .legal_basis = ndc_json_get_str(o, "legal_basis"),
        .subject = ndc_json_get_str(o, "subject"),
        .subjects = (uint64_t)ndc_json_get_i64(o, "subjects", 1),
    };
    enum ndc_err err =
        read_enum(o, "kind", policy_kind_name, NDC_POLICY_KIND_COUNT, &kind, fault);
    if (!err)
        err = read_enum(o, "action", policy_action_name, NDC_POLICY_ACTION_COUNT, &action,
                        fault);
    if (!err)
        err =
            read_enum(o, "entity", policy_entity_name, NDC_ENTITY_COUNT, &entity, fault);
    if (!err) err = read_enum(o, "consent", policy_consent_name, 3, &consent, fault);
    if (err) return err;
    q->kind = (enum ndc_policy_kind)kind;
    q->action = (enum ndc_policy_action)action;
    q->entity = (enum ndc_entity)entity;
    q->consent = (enum ndc_policy_consent)consent;
    struct json_object *roles = ndc_json_get(o, "roles"),
                       *list = ndc_json_get(o, "fields");
    if (roles && json_object_is_type(roles, json_type_array)) read_roles(q, arena, roles);
    if (list && json_object_is_type(list, json_type_array))
        return read_fields(q, list, fault);
    q->fields = ndc_field_set_entity(q->entity);
    return NDC_OK;
}

static void first_failure(void *arg, const struct policy_test *test, bool good,
                          const char *why)
{
    struct ndc_fault *fault = arg;
    if (good || !fault) return;
    (void)ndc_fail_at(fault, NDC_EINPUT, "policy.test", "tests", test->line,
                      "%.*s, line %u: test \"%.*s\" fails: %s", NDC_STR_FMT(test->file),
                      test->line, NDC_STR_FMT(test->name), why);
}

enum ndc_err policy_check_text(const char *directory, const char *name,
                               struct ndc_str yaml, size_t *tests,
                               struct ndc_fault *fault)
{
    struct policy_table *table;
    *tests = 0;
    enum ndc_err err = policy_load_text(&table, directory, name, yaml, fault);
    if (err) return err;
    *tests = table->set->test_count;
    if (policy_run_tests(table, first_failure, fault)) err = NDC_EINPUT;
    policy_table_free(table);
    return err;
}

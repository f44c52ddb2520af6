/* Rule files to struct policy_set: every mistake with its line, the key at fault and the
 * nearest right word. What one file cannot know (whether a group exists) is compile.c's.
 */
#include "platforms/policy/model.h"

struct reader {
    struct policy_set *set;
    struct ndc_arena *arena;
    struct ndc_str file;
    struct ndc_fault *fault;
    bool first; /* new rules go to the front */
};

static const char *const sharing_words[] = {"open", "shared", "private"};
static const char *const importance_words[] = {"other", "important", "core"};
static const char *const personal_words[] = {"none", "basic", "sensitive"};
static const char *const entity_words[] = {"person", "organisation"};
static const char *const kind_words[] = {"anonymous", "person",   "business", "official",
                                         "system",    "operator", "platform"};
static const char *const action_words[] = {"read",   "search", "match",
                                           "export", "write",  "count"};
static const char *const consent_words[] = {"none", "given", "refused"};
static const char *const effect_words[] = {"show", "mask", "withhold", "deny"};
static const char *const obligation_words[] = {"log", "notify", "escalate"};
static const char *const outcome_words[] = {"deny", "partial", "permit"};
static const char *const mask_words[NDC_MASK_COUNT] = {
    "none",     "last-4", "last-3", "year", "initials",
    "province", "domain", "band",   "hash", "redact"};
/* As a rule's `mask`: not "none", which is `effect: show`. */

#define WORDS(list) (list), NDC_ARRAY_LEN(list)

void policy_set_init(struct policy_set *set)
{
    memset(set, 0, sizeof(*set));
    ndc_arena_init(&set->arena, (size_t)32 << 20);
}

void policy_set_free(struct policy_set *set)
{
    ndc_arena_free(&set->arena);
}

static enum ndc_err wrong(struct reader *r, const struct ndc_yaml *at, const char *code,
                          const char *what, struct ndc_str word, const char *nearest)
{
    return ndc_fail_at(r->fault, NDC_EINPUT, code, what, at->line,
                       "%.*s, line %u: \"%.*s\" is no %s%s%s%s", NDC_STR_FMT(r->file),
                       at->line, NDC_STR_FMT(word), what,
                       nearest ? " (did you mean \"" : "", nearest ? nearest : "",
                       nearest ? "\"?)" : "");
}

/* A word or a list of words, each one of `names`, as bits. */
static enum ndc_err read_bits(struct reader *r, const struct ndc_yaml *map,
                              const char *key, const char *const *names, size_t n,
                              unsigned *out)
{
    const struct ndc_yaml *node = ndc_yaml_get(map, key);
    if (!node) return NDC_OK;
    const struct ndc_yaml *item = node->kind == NDC_YAML_LIST ? node->first : node;
    unsigned bits = 0;
    for (; item; item = node->kind == NDC_YAML_LIST ? item->next : NULL) {
        size_t at = 0;
        while (at < n &&
               !(item->kind == NDC_YAML_SCALAR && ndc_str_eq_c(item->text, names[at])))
            at++;
        if (at == n)
            return wrong(r, item, "policy.word", key, item->text,
                         item->kind == NDC_YAML_SCALAR
                             ? ndc_str_nearest(item->text, names, n)
                             : NULL);
        bits |= 1u << at;
    }
    if (!bits) return wrong(r, node, "policy.empty", key, NDC_STR("[]"), NULL);
    *out = bits;
    return NDC_OK;
}

/* A word or a list of words of any kind. */
static enum ndc_err read_words(struct reader *r, const struct ndc_yaml *map,
                               const char *key, struct policy_words *out)
{
    const struct ndc_yaml *node = ndc_yaml_get(map, key);
    if (!node) return NDC_OK;
    bool list = node->kind == NDC_YAML_LIST;
    size_t n = list ? node->count : 1;
    if (n == 0) return wrong(r, node, "policy.empty", key, NDC_STR("[]"), NULL);
    out->words = NDC_ARENA_ARRAY(r->arena, struct ndc_str, n);
    for (const struct ndc_yaml *item = list ? node->first : node; item;
         item = list ? item->next : NULL) {
        if (item->kind != NDC_YAML_SCALAR || !item->text.len)
            return wrong(r, item, "policy.word", key, NDC_STR(""), NULL);
        out->words[out->count++] = ndc_arena_str(r->arena, item->text);
    }
    out->given = true;
    return NDC_OK;
}

/* {vi: …, en: …}, both required. */
static enum ndc_err read_text(struct reader *r, const struct ndc_yaml *map,
                              const char *key, bool required, struct policy_text *out)
{
    static const char *const keys[] = {"vi", "en"};
    const struct ndc_yaml *node = ndc_yaml_get(map, key);
    if (!node && !required) return NDC_OK;
    if (!node || node->kind != NDC_YAML_MAP)
        return ndc_fail_at(r->fault, NDC_EINPUT, "policy.text", key,
                           node ? node->line : map->line,
                           "%.*s, line %u: `%s: {vi: …, en: …}` is needed here",
                           NDC_STR_FMT(r->file), node ? node->line : map->line, key);
    NDC_TRY(ndc_yaml_check_keys(node, key, WORDS(keys), r->fault));
    NDC_TRY(ndc_yaml_str(node, "vi", true, &out->vi, r->fault));
    NDC_TRY(ndc_yaml_str(node, "en", true, &out->en, r->fault));
    out->vi = ndc_arena_str(r->arena, out->vi);
    out->en = ndc_arena_str(r->arena, out->en);
    return NDC_OK;
}

/* Codes: short, printable, so that they are safe in logs and URLs. */
static enum ndc_err read_code(struct reader *r, const struct ndc_yaml *map,
                              const char *key, struct ndc_str *out)
{
    NDC_TRY(ndc_yaml_str(map, key, true, out, r->fault));
    bool good = out->len > 0 && out->len < NDC_POLICY_RULE_ID_MAX;
    for (size_t i = 0; good && i < out->len; i++) {
        char c = out->ptr[i];
        good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
               c == '.';
    }
    if (!good)
        return ndc_fail_at(
            r->fault, NDC_EINPUT, "policy.code", key, ndc_yaml_get(map, key)->line,
            "%.*s, line %u: `%s` is 1 to %d of a-z 0-9 - _ .", NDC_STR_FMT(r->file),
            ndc_yaml_get(map, key)->line, key, NDC_POLICY_RULE_ID_MAX - 1);
    *out = ndc_arena_str(r->arena, *out);
    return NDC_OK;
}

static enum ndc_err read_field(struct reader *r, const struct ndc_yaml *item,
                               const struct ndc_field **out)
{
    *out = item->kind == NDC_YAML_SCALAR ? ndc_field_find(item->text) : NULL;
    if (*out) return NDC_OK;
    bool scalar = item->kind == NDC_YAML_SCALAR;
    return wrong(r, item, "policy.field", "field", item->text,
                 scalar ? ndc_field_nearest(item->text) : NULL);
}

static enum ndc_err read_set(struct reader *r, const struct ndc_yaml *list,
                             struct ndc_field_set *out)
{
    bool many = list && list->kind == NDC_YAML_LIST;
    for (const struct ndc_yaml *item = many ? list->first : list; item;
         item = many ? item->next : NULL) {
        const struct ndc_field *field;
        NDC_TRY(read_field(r, item, &field));
        ndc_field_set_add(out, field->id);
    }
    return NDC_OK;
}

/* all | [codes] | {sharing: …, importance: …, personal: …, also: [codes], except:
 * [codes]} */
static enum ndc_err read_selector(struct reader *r, const struct ndc_yaml *map,
                                  const char *key, struct policy_selector *out)
{
    static const char *const keys[] = {"sharing", "importance", "personal", "also",
                                       "except"};
    const struct ndc_yaml *node = ndc_yaml_get(map, key);
    if (!node ||
        (node->kind == NDC_YAML_SCALAR && ndc_str_eq(node->text, NDC_STR("all")))) {
        out->by_class = true;
        return NDC_OK;
    }
    if (node->kind != NDC_YAML_MAP) return read_set(r, node, &out->named);
    NDC_TRY(ndc_yaml_check_keys(node, key, WORDS(keys), r->fault));
    NDC_TRY(read_bits(r, node, "sharing", WORDS(sharing_words), &out->sharing));
    NDC_TRY(read_bits(r, node, "importance", WORDS(importance_words), &out->importance));
    NDC_TRY(read_bits(r, node, "personal", WORDS(personal_words), &out->personal));
    NDC_TRY(read_set(r, ndc_yaml_get(node, "also"), &out->named));
    NDC_TRY(read_set(r, ndc_yaml_get(node, "except"), &out->except));
    out->by_class = out->sharing || out->importance || out->personal ||
                    ndc_field_set_empty(&out->named);
    return NDC_OK;
}

/* Room for one more element; arrays double inside the arena. */
static void *grow(struct reader *r, void *array, size_t count, size_t size)
{
    if (count & (count - 1)) return array;
    void *more = ndc_arena_zalloc(r->arena, (count ? 2 * count : 1) * size);
    if (count) memcpy(more, array, count * size);
    return more;
}

#define GROW(r, array, count) ((array) = grow((r), (array), (count), sizeof(*(array))))

static enum ndc_err too_many(struct reader *r, const struct ndc_yaml *at,
                             const char *what, int max)
{
    return ndc_fail_at(r->fault, NDC_ETOOBIG, "policy.too_many", what, at->line,
                       "%.*s, line %u: more than %d %s", NDC_STR_FMT(r->file), at->line,
                       max, what);
}

static enum ndc_err read_purpose(struct reader *r, const struct ndc_yaml *map)
{
    static const char *const keys[] = {"code",        "title",    "laws",
                                       "legal_basis", "consent",  "kinds",
                                       "actions",     "entities", "covers"};
    static const char *const needs[] = {"required", "none"};
    struct policy_purpose p = {.line = map->line, .file = r->file};
    int basis = 0, consent = 1;
    NDC_TRY(ndc_yaml_check_keys(map, "purpose", WORDS(keys), r->fault));
    NDC_TRY(read_code(r, map, "code", &p.code));
    NDC_TRY(read_text(r, map, "title", true, &p.title));
    NDC_TRY(ndc_yaml_enum(map, "legal_basis", false, WORDS(needs), &basis, r->fault));
    NDC_TRY(ndc_yaml_enum(map, "consent", false, WORDS(needs), &consent, r->fault));
    p.needs_basis = basis == 0;
    p.needs_consent = consent == 0;
    p.kinds = p.actions = p.entities = ~0u;
    NDC_TRY(read_bits(r, map, "kinds", WORDS(kind_words), &p.kinds));
    NDC_TRY(read_bits(r, map, "actions", WORDS(action_words), &p.actions));
    NDC_TRY(read_bits(r, map, "entities", WORDS(entity_words), &p.entities));
    NDC_TRY(read_selector(r, map, "covers", &p.covers));
    const struct ndc_yaml *laws = ndc_yaml_get(map, "laws");
    p.laws = NDC_ARENA_ARRAY(r->arena, struct policy_text, laws ? laws->count + 1 : 1);
    for (const struct ndc_yaml *law = laws ? laws->first : NULL; law; law = law->next) {
        struct ndc_yaml wrap = {.kind = NDC_YAML_MAP, .line = law->line};
        struct ndc_yaml item = *law;
        item.key = NDC_STR("laws");
        item.next = NULL;
        wrap.first = &item;
        NDC_TRY(read_text(r, &wrap, "laws", true, &p.laws[p.law_count++]));
    }
    struct policy_set *set = r->set;
    for (size_t i = 0; i < set->purpose_count; i++) {
        if (!ndc_str_eq(set->purposes[i].code, p.code)) continue;
        set->purposes[i] = p;
        return NDC_OK;
    }
    if (set->purpose_count == POLICY_PURPOSES_MAX)
        return too_many(r, map, "purposes", POLICY_PURPOSES_MAX);
    GROW(r, set->purposes, set->purpose_count);
    set->purposes[set->purpose_count++] = p;
    return NDC_OK;
}

static enum ndc_err read_group(struct reader *r, const struct ndc_yaml *map)
{
    static const char *const keys[] = {"code", "title", "agencies"};
    struct policy_group g = {.line = map->line};
    struct policy_words agencies = {0};
    NDC_TRY(ndc_yaml_check_keys(map, "group", WORDS(keys), r->fault));
    NDC_TRY(read_code(r, map, "code", &g.code));
    NDC_TRY(read_text(r, map, "title", true, &g.title));
    NDC_TRY(read_words(r, map, "agencies", &agencies));
    g.agencies = agencies.words;
    g.agency_count = agencies.count;
    struct policy_set *set = r->set;
    for (size_t i = 0; i < set->group_count; i++) {
        if (!ndc_str_eq(set->groups[i].code, g.code)) continue;
        set->groups[i] = g;
        return NDC_OK;
    }
    if (set->group_count == POLICY_GROUPS_MAX)
        return too_many(r, map, "groups", POLICY_GROUPS_MAX);
    GROW(r, set->groups, set->group_count);
    set->groups[set->group_count++] = g;
    return NDC_OK;
}

static enum ndc_err read_agency(struct reader *r, const struct ndc_yaml *map)
{
    static const char *const keys[] = {"code", "title"};
    struct policy_agency a = {0};
    NDC_TRY(ndc_yaml_check_keys(map, "agency", WORDS(keys), r->fault));
    NDC_TRY(read_code(r, map, "code", &a.code));
    NDC_TRY(read_text(r, map, "title", true, &a.title));
    struct policy_set *set = r->set;
    for (size_t i = 0; i < set->agency_count; i++) {
        if (!ndc_str_eq(set->agencies[i].code, a.code)) continue;
        set->agencies[i] = a;
        return NDC_OK;
    }
    if (set->agency_count == POLICY_AGENCIES_MAX)
        return too_many(r, map, "agencies", POLICY_AGENCIES_MAX);
    GROW(r, set->agencies, set->agency_count);
    set->agencies[set->agency_count++] = a;
    return NDC_OK;
}

static enum ndc_err read_threshold(struct reader *r, const struct ndc_yaml *map)
{
    static const char *const keys[] = {"sharing", "personal", "subjects", "importance"};
    struct policy_threshold t = {.sharing = ~0u, .personal = ~0u};
    int64_t subjects = 0;
    int importance = 0;
    NDC_TRY(ndc_yaml_check_keys(map, "threshold", WORDS(keys), r->fault));
    NDC_TRY(read_bits(r, map, "sharing", WORDS(sharing_words), &t.sharing));
    NDC_TRY(read_bits(r, map, "personal", WORDS(personal_words), &t.personal));
    NDC_TRY(ndc_yaml_i64(map, "subjects", true, 1, INT64_MAX, &subjects, r->fault));
    NDC_TRY(ndc_yaml_enum(map, "importance", true, WORDS(importance_words), &importance,
                          r->fault));
    t.subjects = (uint64_t)subjects;
    t.importance = (enum ndc_importance)importance;
    if (r->set->threshold_count == POLICY_THRESHOLDS_MAX)
        return too_many(r, map, "thresholds", POLICY_THRESHOLDS_MAX);
    GROW(r, r->set->thresholds, r->set->threshold_count);
    r->set->thresholds[r->set->threshold_count++] = t;
    return NDC_OK;
}

static enum ndc_err read_class(struct reader *r, const struct ndc_yaml *map)
{
    static const char *const keys[] = {"field", "sharing", "importance", "personal"};
    NDC_TRY(ndc_yaml_check_keys(map, "class", WORDS(keys), r->fault));
    const struct ndc_yaml *name = ndc_yaml_get(map, "field");
    const struct ndc_field *field;
    if (!name)
        return ndc_fail_at(r->fault, NDC_EINPUT, "policy.field", "field", map->line,
                           "%.*s, line %u: `field` is missing", NDC_STR_FMT(r->file),
                           map->line);
    NDC_TRY(read_field(r, name, &field));
    int sharing = (int)field->class.sharing, importance = (int)field->class.importance,
        personal = (int)field->class.personal;
    NDC_TRY(
        ndc_yaml_enum(map, "sharing", false, WORDS(sharing_words), &sharing, r->fault));
    NDC_TRY(ndc_yaml_enum(map, "importance", false, WORDS(importance_words), &importance,
                          r->fault));
    NDC_TRY(ndc_yaml_enum(map, "personal", false, WORDS(personal_words), &personal,
                          r->fault));
    GROW(r, r->set->classes, r->set->class_count);
    r->set->classes[r->set->class_count++] = (struct policy_class_change){
        field->id,
        {(enum ndc_sharing)sharing, (enum ndc_importance)importance,
         (enum ndc_personal)personal}};
    return NDC_OK;
}

static enum ndc_err read_when(struct reader *r, const struct ndc_yaml *map,
                              struct policy_rule *rule)
{
    static const char *const keys[] = {
        "kind",    "agency",        "not_agency", "role",   "not_role",
        "purpose", "not_purpose",   "action",     "entity", "consent",
        "self",    "subjects_over", "within_days"};
    const struct ndc_yaml *when = ndc_yaml_get(map, "when");
    rule->kinds = rule->actions = rule->entities = rule->consents = ~0u;
    rule->self = rule->within_days = -1;
    if (!when) return NDC_OK;
    NDC_TRY(ndc_yaml_check_keys(when, "condition", WORDS(keys), r->fault));
    NDC_TRY(read_bits(r, when, "kind", WORDS(kind_words), &rule->kinds));
    NDC_TRY(read_bits(r, when, "action", WORDS(action_words), &rule->actions));
    NDC_TRY(read_bits(r, when, "entity", WORDS(entity_words), &rule->entities));
    NDC_TRY(read_bits(r, when, "consent", WORDS(consent_words), &rule->consents));
    NDC_TRY(read_words(r, when, "agency", &rule->agencies));
    NDC_TRY(read_words(r, when, "not_agency", &rule->not_agencies));
    NDC_TRY(read_words(r, when, "role", &rule->roles));
    NDC_TRY(read_words(r, when, "not_role", &rule->not_roles));
    NDC_TRY(read_words(r, when, "purpose", &rule->purposes));
    NDC_TRY(read_words(r, when, "not_purpose", &rule->not_purposes));
    bool self = false;
    NDC_TRY(ndc_yaml_bool(when, "self", false, &self, r->fault));
    if (ndc_yaml_get(when, "self")) rule->self = self;
    int64_t over = 0;
    NDC_TRY(ndc_yaml_i64(when, "subjects_over", false, 1, INT64_MAX, &over, r->fault));
    rule->subjects_over = (uint64_t)over;
    const struct ndc_yaml *within = ndc_yaml_get(when, "within_days");
    if (!within) return NDC_OK;
    int64_t days = 0;
    NDC_TRY(ndc_yaml_i64(when, "within_days", true, 0, POLICY_PERIOD_DAYS_MAX, &days,
                         r->fault));
    if (!over)
        return ndc_fail_at(r->fault, NDC_EINPUT, "policy.within", "within_days",
                           within->line,
                           "%.*s, line %u: `within_days` goes with `subjects_over`",
                           NDC_STR_FMT(r->file), within->line);
    rule->within_days = (int)days;
    return NDC_OK;
}

static enum ndc_err read_mask(struct reader *r, const struct ndc_yaml *map,
                              struct policy_rule *rule)
{
    const struct ndc_yaml *node = ndc_yaml_get(map, "mask");
    rule->mask = -1;
    if (!node) return NDC_OK;
    NDC_TRY(ndc_yaml_enum(map, "mask", true, mask_words + 1, NDC_MASK_COUNT - 1,
                          &rule->mask, r->fault));
    rule->mask++;
    if (rule->effect != POLICY_MASK)
        return ndc_fail_at(r->fault, NDC_EINPUT, "policy.mask", "mask", node->line,
                           "%.*s, line %u: `mask` goes with `effect: mask`",
                           NDC_STR_FMT(r->file), node->line);
    for (int id = -1; (id = ndc_field_set_next(&rule->fields.named, id)) >= 0;) {
        const struct ndc_field *field = ndc_field_get((unsigned)id);
        if (ndc_mask_suits((enum ndc_mask)rule->mask, field->kind)) continue;
        return ndc_fail_at(r->fault, NDC_EINPUT, "policy.mask", "mask", node->line,
                           "%.*s, line %u: mask %s does not suit %s, a %s (%s would)",
                           NDC_STR_FMT(r->file), node->line,
                           ndc_mask_name((enum ndc_mask)rule->mask), field->code,
                           ndc_value_kind_name(field->kind),
                           ndc_mask_name(ndc_mask_default(field->kind)));
    }
    return NDC_OK;
}

static enum ndc_err read_rule(struct reader *r, const struct ndc_yaml *map)
{
    static const char *const keys[] = {"id",     "title", "when",        "fields",
                                       "effect", "mask",  "obligations", "reason"};
    struct policy_rule rule = {.line = map->line, .file = r->file};
    int effect = 0;
    NDC_TRY(ndc_yaml_check_keys(map, "rule", WORDS(keys), r->fault));
    NDC_TRY(read_code(r, map, "id", &rule.id));
    NDC_TRY(read_text(r, map, "title", true, &rule.title));
    NDC_TRY(ndc_yaml_enum(map, "effect", true, WORDS(effect_words), &effect, r->fault));
    rule.effect = (enum policy_effect)effect;
    NDC_TRY(read_when(r, map, &rule));
    NDC_TRY(read_selector(r, map, "fields", &rule.fields));
    NDC_TRY(read_mask(r, map, &rule));
    NDC_TRY(read_bits(r, map, "obligations", WORDS(obligation_words), &rule.obligations));
    NDC_TRY(read_text(r, map, "reason", false, &rule.reason));
    struct policy_set *set = r->set;
    for (size_t i = 0; i < set->rule_count; i++) {
        if (!ndc_str_eq(set->rules[i].id, rule.id)) continue;
        if (ndc_str_eq(set->rules[i].file, r->file))
            return ndc_fail_at(r->fault, NDC_EINPUT, "policy.twice", "id", map->line,
                               "%.*s, line %u: rule \"%.*s\" is on line %u already",
                               NDC_STR_FMT(r->file), map->line, NDC_STR_FMT(rule.id),
                               set->rules[i].line);
        set->rules[i] = rule;
        return NDC_OK;
    }
    if (set->rule_count == POLICY_RULES_MAX)
        return too_many(r, map, "rules", POLICY_RULES_MAX);
    GROW(r, set->rules, set->rule_count);
    size_t at = r->first ? set->front_count++ : set->rule_count;
    memmove(set->rules + at + 1, set->rules + at,
            (set->rule_count++ - at) * sizeof(*set->rules));
    set->rules[at] = rule;
    return NDC_OK;
}

static enum ndc_err read_masks_expected(struct reader *r, const struct ndc_yaml *map,
                                        struct policy_test *test)
{
    for (const struct ndc_yaml *item = map ? map->first : NULL; item; item = item->next) {
        const struct ndc_field *field = ndc_field_find(item->key);
        enum ndc_mask mask;
        if (!field)
            return wrong(r, item, "policy.field", "field", item->key,
                         ndc_field_nearest(item->key));
        if (!ndc_mask_parse(item->text, &mask))
            return wrong(r, item, "policy.word", "mask", item->text,
                         ndc_str_nearest(item->text, WORDS(mask_words)));
        ndc_field_set_add(&test->masked, field->id);
        test->mask[field->id] = (uint8_t)mask;
    }
    return NDC_OK;
}

static enum ndc_err read_expect(struct reader *r, const struct ndc_yaml *map,
                                struct policy_test *test)
{
    static const char *const keys[] = {"outcome",  "show",        "mask",
                                       "withhold", "obligations", "rule"};
    const struct ndc_yaml *expect = ndc_yaml_get(map, "expect");
    if (!expect)
        return ndc_fail_at(r->fault, NDC_EINPUT, "policy.test", "expect", map->line,
                           "%.*s, line %u: a test without `expect`", NDC_STR_FMT(r->file),
                           map->line);
    NDC_TRY(ndc_yaml_check_keys(expect, "expectation", WORDS(keys), r->fault));
    int outcome = 0;
    NDC_TRY(ndc_yaml_enum(expect, "outcome", false, WORDS(outcome_words), &outcome,
                          r->fault));
    test->expects_outcome = ndc_yaml_get(expect, "outcome") != NULL;
    test->outcome = (enum ndc_policy_outcome)outcome;
    NDC_TRY(read_set(r, ndc_yaml_get(expect, "show"), &test->show));
    NDC_TRY(read_set(r, ndc_yaml_get(expect, "withhold"), &test->withhold));
    NDC_TRY(read_masks_expected(r, ndc_yaml_get(expect, "mask"), test));
    NDC_TRY(
        read_bits(r, expect, "obligations", WORDS(obligation_words), &test->obligations));
    NDC_TRY(ndc_yaml_str(expect, "rule", false, &test->rule, r->fault));
    test->rule = ndc_arena_str(r->arena, test->rule);
    return NDC_OK;
}

static enum ndc_err read_test_text(struct reader *r, const struct ndc_yaml *map,
                                   const char *key, struct ndc_str *out)
{
    NDC_TRY(ndc_yaml_str(map, key, false, out, r->fault));
    *out = ndc_arena_str(r->arena, *out);
    return NDC_OK;
}

static enum ndc_err read_test(struct reader *r, const struct ndc_yaml *map)
{
    static const char *const keys[] = {"name",    "kind",     "principal", "agency",
                                       "roles",   "own_id",   "purpose",   "legal_basis",
                                       "action",  "entity",   "subject",   "fields",
                                       "consent", "subjects", "expect"};
    struct policy_test test = {.line = map->line, .file = r->file};
    struct ndc_policy_request *q = &test.request;
    int kind = NDC_POLICY_OFFICIAL, action = 0, entity = 0, consent = 0;
    NDC_TRY(ndc_yaml_check_keys(map, "test", WORDS(keys), r->fault));
    NDC_TRY(read_test_text(r, map, "name", &test.name));
    NDC_TRY(read_test_text(r, map, "principal", &q->principal));
    NDC_TRY(read_test_text(r, map, "agency", &q->agency));
    NDC_TRY(read_test_text(r, map, "own_id", &q->entity_id));
    NDC_TRY(read_test_text(r, map, "purpose", &q->purpose));
    NDC_TRY(read_test_text(r, map, "legal_basis", &q->legal_basis));
    NDC_TRY(read_test_text(r, map, "subject", &q->subject));
    NDC_TRY(ndc_yaml_enum(map, "kind", false, WORDS(kind_words), &kind, r->fault));
    NDC_TRY(ndc_yaml_enum(map, "action", false, WORDS(action_words), &action, r->fault));
    NDC_TRY(ndc_yaml_enum(map, "entity", false, WORDS(entity_words), &entity, r->fault));
    NDC_TRY(
        ndc_yaml_enum(map, "consent", false, WORDS(consent_words), &consent, r->fault));
    q->kind = (enum ndc_policy_kind)kind;
    q->action = (enum ndc_policy_action)action;
    q->entity = (enum ndc_entity)entity;
    q->consent = (enum ndc_policy_consent)consent;
    int64_t subjects = 1;
    NDC_TRY(ndc_yaml_i64(map, "subjects", false, 1, INT64_MAX, &subjects, r->fault));
    q->subjects = (uint64_t)subjects;
    struct policy_words roles = {0};
    NDC_TRY(read_words(r, map, "roles", &roles));
    q->roles = roles.words;
    q->role_count = roles.count;
    const struct ndc_yaml *fields = ndc_yaml_get(map, "fields");
    if (!fields ||
        (fields->kind == NDC_YAML_SCALAR && ndc_str_eq(fields->text, NDC_STR("all"))))
        q->fields = ndc_field_set_entity(q->entity);
    else
        NDC_TRY(read_set(r, fields, &q->fields));
    NDC_TRY(read_expect(r, map, &test));
    for (size_t i = 0; i < r->set->test_count; i++) {
        if (!test.name.len || !ndc_str_eq(r->set->tests[i].name, test.name)) continue;
        r->set->tests[i] = test;
        return NDC_OK;
    }
    if (r->set->test_count == POLICY_TESTS_MAX)
        return too_many(r, map, "tests", POLICY_TESTS_MAX);
    GROW(r, r->set->tests, r->set->test_count);
    r->set->tests[r->set->test_count++] = test;
    return NDC_OK;
}

/* counting: {within_days: N}, N 0 or absent: since counting began. */
static enum ndc_err read_counting(struct reader *r, const struct ndc_yaml *map)
{
    static const char *const keys[] = {"within_days"};
    int64_t days = 0;
    if (ndc_yaml_is_null(map)) return NDC_OK;
    if (map->kind != NDC_YAML_MAP)
        return ndc_fail_at(r->fault, NDC_EINPUT, "policy.map", "counting", map->line,
                           "%.*s, line %u: `counting` is a map: {within_days: 365}",
                           NDC_STR_FMT(r->file), map->line);
    NDC_TRY(ndc_yaml_check_keys(map, "counting", WORDS(keys), r->fault));
    NDC_TRY(ndc_yaml_i64(map, "within_days", false, 0, POLICY_PERIOD_DAYS_MAX, &days,
                         r->fault));
    r->set->within_days = (uint16_t)days;
    return NDC_OK;
}

static enum ndc_err read_all(struct reader *r, const struct ndc_yaml *root)
{
    static const char *const keys[] = {"agencies", "groups", "classes", "thresholds",
                                       "purposes", "rules",  "tests",   "counting"};
    static enum ndc_err (*const readers[])(struct reader *, const struct ndc_yaml *) = {
        read_agency,  read_group, read_class, read_threshold,
        read_purpose, read_rule,  read_test};
    if (ndc_yaml_is_null(root)) return NDC_OK;
    NDC_TRY(ndc_yaml_check_keys(root, "rules file", WORDS(keys), r->fault));
    NDC_TRY(read_counting(r, ndc_yaml_get(root, "counting")));
    for (size_t i = 0; i < NDC_ARRAY_LEN(readers); i++) {
        const struct ndc_yaml *list = ndc_yaml_get(root, keys[i]);
        if (ndc_yaml_is_null(list)) continue;
        if (list->kind != NDC_YAML_LIST)
            return ndc_fail_at(r->fault, NDC_EINPUT, "policy.list", keys[i], list->line,
                               "%.*s, line %u: `%s` is a list", NDC_STR_FMT(r->file),
                               list->line, keys[i]);
        for (const struct ndc_yaml *item = list->first; item; item = item->next) {
            if (item->kind != NDC_YAML_MAP)
                return ndc_fail_at(r->fault, NDC_EINPUT, "policy.map", keys[i],
                                   item->line,
                                   "%.*s, line %u: each of `%s` is a map of keys",
                                   NDC_STR_FMT(r->file), item->line, keys[i]);
            NDC_TRY(readers[i](r, item));
        }
    }
    return NDC_OK;
}

enum ndc_err policy_set_add(struct policy_set *set, const char *file, struct ndc_str yaml,
                            bool first, struct ndc_fault *fault)
{
    struct ndc_fault local = {0};
    struct reader r = {set, &set->arena, ndc_arena_str(&set->arena, ndc_str(file)),
                       fault ? fault : &local, first};
    struct ndc_arena arena;
    struct ndc_yaml *root;
    ndc_arena_init(&arena, (size_t)64 << 20);
    enum ndc_err err = ndc_yaml_parse(&root, &arena, yaml, r.fault);
    if (!err) err = read_all(&r, root);
    if (!err && set->arena.overflow)
        err = ndc_fail(r.fault, NDC_ETOOBIG, "policy.too_big",
                       "the rules take over 32 MiB");
    ndc_arena_free(&arena);
    return err;
}

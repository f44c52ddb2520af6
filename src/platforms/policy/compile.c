/* From what the files say to the table that is read: words become small numbers,
 * selectors become sets of fields for every level of volume, and for every (purpose,
 * action, entity, kind of caller) the rules that can apply at all are listed, deny rules
 * first, each in the order of the files. */
#include "platforms/policy/table.h"

#include "base/hash.h"

static void words_init(struct policy_words_table *words, size_t most)
{
    uint64_t size = 16;
    while (size < 4 * most)
        size *= 2;
    words->slots = ndc_xcalloc(size, sizeof(*words->slots));
    words->mask = size - 1;
}

/* Adds a word that is not there yet. */
static void words_add(struct policy_words_table *words, struct ndc_str word, uint16_t id)
{
    uint64_t at = ndc_hash_str(word, 3) & words->mask;
    while (words->slots[at].word.ptr)
        at = (at + 1) & words->mask;
    words->slots[at] = (struct policy_slot){word, id};
}

static enum ndc_err unknown(const struct policy_rule *rule, const char *what,
                            struct ndc_str word, const char *nearest,
                            struct ndc_fault *fault)
{
    return ndc_fail_at(fault, NDC_EINPUT, "policy.unknown", what, rule->line,
                       "%.*s, line %u: rule \"%.*s\" names the unknown %s \"%.*s\"%s%s%s",
                       NDC_STR_FMT(rule->file), rule->line, NDC_STR_FMT(rule->id), what,
                       NDC_STR_FMT(word), nearest ? " (did you mean \"" : "",
                       nearest ? nearest : "", nearest ? "\"?)" : "");
}

static enum ndc_err add_agency(struct policy_table *t, struct ndc_str code,
                               struct ndc_fault *fault)
{
    if (policy_word_id(&t->agencies, code, 0)) return NDC_OK;
    if (t->agency_count == POLICY_AGENCIES_MAX)
        return ndc_fail(fault, NDC_ETOOBIG, "policy.too_many", "more than %d agencies",
                        POLICY_AGENCIES_MAX);
    t->agency_words[++t->agency_count] = code;
    words_add(&t->agencies, code, (uint16_t)t->agency_count);
    return NDC_OK;
}

static enum ndc_err collect_words(struct policy_table *t, struct ndc_fault *fault)
{
    const struct policy_set *set = t->set;
    words_init(&t->purposes, set->purpose_count);
    words_init(&t->agencies, POLICY_AGENCIES_MAX);
    words_init(&t->roles, POLICY_ROLES_MAX);
    for (size_t i = 0; i < set->purpose_count; i++)
        words_add(&t->purposes, set->purposes[i].code, (uint16_t)i);
    for (size_t i = 0; i < set->agency_count; i++)
        NDC_TRY(add_agency(t, set->agencies[i].code, fault));
    for (size_t i = 0; i < set->group_count; i++)
        for (size_t k = 0; k < set->groups[i].agency_count; k++)
            NDC_TRY(add_agency(t, set->groups[i].agencies[k], fault));
    return NDC_OK;
}

static const char *nearest_of(struct policy_table *t, struct ndc_str word,
                              struct ndc_str (*at)(const struct policy_table *t,
                                                   size_t i),
                              size_t n)
{
    const char **names = ndc_arena_alloc(&t->set->arena, (n + 1) * sizeof(*names));
    for (size_t i = 0; i < n; i++)
        names[i] = ndc_arena_cstr(&t->set->arena, at(t, i));
    return ndc_str_nearest(word, names, n);
}

static struct ndc_str purpose_at(const struct policy_table *t, size_t i)
{
    return t->set->purposes[i].code;
}

static struct ndc_str agency_at(const struct policy_table *t, size_t i)
{
    return t->agency_words[i + 1];
}

static struct ndc_str group_at(const struct policy_table *t, size_t i)
{
    return t->set->groups[i].code;
}

/* Adds the agency or "group:code" to the bits. */
static enum ndc_err agency_bits(struct policy_table *t, const struct policy_rule *rule,
                                struct ndc_str word, uint64_t bits[static 4],
                                struct ndc_fault *fault)
{
    if (ndc_str_starts(word, NDC_STR("group:"))) {
        struct ndc_str code = ndc_str_from(word, 6);
        for (size_t i = 0; i < t->set->group_count; i++) {
            const struct policy_group *g = &t->set->groups[i];
            if (!ndc_str_eq(g->code, code)) continue;
            for (size_t k = 0; k < g->agency_count; k++) {
                uint16_t id = policy_word_id(&t->agencies, g->agencies[k], 0);
                bits[id / 64] |= (uint64_t)1 << id % 64;
            }
            return NDC_OK;
        }
        return unknown(rule, "group", code,
                       nearest_of(t, code, group_at, t->set->group_count), fault);
    }
    uint16_t id = policy_word_id(&t->agencies, word, 0);
    if (!id)
        return unknown(rule, "agency", word,
                       nearest_of(t, word, agency_at, t->agency_count), fault);
    bits[id / 64] |= (uint64_t)1 << id % 64;
    return NDC_OK;
}

static enum ndc_err compile_agencies(struct policy_table *t,
                                     const struct policy_rule *rule,
                                     struct policy_entry *e, struct ndc_fault *fault)
{
    uint64_t not [4] = {0};
    for (size_t i = 0; i < rule->agencies.count; i++)
        NDC_TRY(agency_bits(t, rule, rule->agencies.words[i], e->agencies, fault));
    for (size_t i = 0; i < rule->not_agencies.count; i++)
        NDC_TRY(agency_bits(t, rule, rule->not_agencies.words[i], not, fault));
    e->any_agency = !rule->agencies.given && !rule->not_agencies.given;
    for (size_t w = 0; w < 4; w++) {
        if (!rule->agencies.given) e->agencies[w] = ~(uint64_t)0;
        e->agencies[w] &= ~not [w];
    }
    return NDC_OK;
}

static enum ndc_err role_bits(struct policy_table *t, const struct policy_words *words,
                              uint64_t *bits, struct ndc_fault *fault)
{
    for (size_t i = 0; i < words->count; i++) {
        uint16_t id = policy_word_id(&t->roles, words->words[i], POLICY_ROLES_MAX);
        if (id == POLICY_ROLES_MAX) {
            if (t->role_count == POLICY_ROLES_MAX)
                return ndc_fail(fault, NDC_ETOOBIG, "policy.too_many",
                                "rules name more than %d roles", POLICY_ROLES_MAX);
            id = (uint16_t)t->role_count;
            t->role_words[t->role_count++] = words->words[i];
            words_add(&t->roles, words->words[i], id);
        }
        *bits |= (uint64_t)1 << id;
    }
    return NDC_OK;
}

static enum ndc_err check_purposes(struct policy_table *t, const struct policy_rule *rule,
                                   const struct policy_words *words,
                                   struct ndc_fault *fault)
{
    for (size_t i = 0; i < words->count; i++) {
        struct ndc_str word = words->words[i];
        if (policy_word_id(&t->purposes, word, POLICY_PURPOSES_MAX) < POLICY_PURPOSES_MAX)
            continue;
        return unknown(rule, "purpose", word,
                       nearest_of(t, word, purpose_at, t->set->purpose_count), fault);
    }
    return NDC_OK;
}

/* Levels of volume and the class of every field on each. */
static enum ndc_err compile_classes(struct policy_table *t, struct ndc_fault *fault)
{
    const struct policy_set *set = t->set;
    t->level_count = 1;
    for (;;) { /* the next higher count */
        uint64_t next = UINT64_MAX, last = t->bounds[t->level_count - 1];
        for (size_t i = 0; i < set->threshold_count; i++)
            if (set->thresholds[i].subjects > last)
                next = NDC_MIN(next, set->thresholds[i].subjects);
        if (next == UINT64_MAX) break;
        if (t->level_count == POLICY_LEVELS_MAX)
            return ndc_fail(fault, NDC_ETOOBIG, "policy.too_many",
                            "thresholds name more than %d different counts",
                            POLICY_LEVELS_MAX - 1);
        t->bounds[t->level_count++] = next;
    }
    for (unsigned id = 0; id < NDC_FIELDS_MAX; id++) {
        const struct ndc_field *field = ndc_field_get(id);
        if (!field) continue;
        struct ndc_class base = field->class;
        for (size_t i = 0; i < set->class_count; i++)
            if (set->classes[i].field == id) base = set->classes[i].class;
        ndc_field_set_add(&t->known, id);
        ndc_field_set_add(&t->of_entity[field->entity], id);
        if (base.personal != NDC_PERSONAL_NONE) ndc_field_set_add(&t->personal, id);
        t->default_mask[id] = (uint8_t)ndc_mask_default(field->kind);
        for (size_t level = 0; level < t->level_count; level++) {
            struct ndc_class class = base;
            for (size_t i = 0; i < set->threshold_count; i++) {
                const struct policy_threshold *th = &set->thresholds[i];
                if (th->subjects <= t->bounds[level] &&
                    (th->sharing >> base.sharing & 1) &&
                    (th->personal >> base.personal & 1) &&
                    th->importance > class.importance)
                    class.importance = th->importance;
            }
            t->classes[level][id] = class;
        }
    }
    return NDC_OK;
}

static struct ndc_field_set select_fields(const struct policy_table *t,
                                          const struct policy_selector *s, size_t level)
{
    struct ndc_field_set out = {0};
    for (int id = -1; (id = ndc_field_set_next(&t->known, id)) >= 0;) {
        const struct ndc_class *class = &t->classes[level][id];
        bool in = s->by_class && (!s->sharing || (s->sharing >> class->sharing & 1)) &&
                  (!s->importance || (s->importance >> class->importance & 1)) &&
                  (!s->personal || (s->personal >> class->personal & 1));
        in |= ndc_field_set_has(&s->named, (unsigned)id);
        if (in && !ndc_field_set_has(&s->except, (unsigned)id))
            ndc_field_set_add(&out, (unsigned)id);
    }
    return out;
}

/* The number of the rule's period among those of the table. */
static enum ndc_err compile_period(struct policy_table *t, const struct policy_rule *rule,
                                   uint8_t *out, struct ndc_fault *fault)
{
    *out = 0;
    if (rule->within_days < 0) return NDC_OK;
    uint16_t days = (uint16_t)rule->within_days;
    size_t p = 0;
    while (p < t->periods.count && t->periods.days[p] != days)
        p++;
    if (p == POLICY_PERIODS_MAX)
        return ndc_fail_at(fault, NDC_ETOOBIG, "policy.too_many", "within_days",
                           rule->line,
                           "%.*s, line %u: rules count over more than %d different "
                           "periods",
                           NDC_STR_FMT(rule->file), rule->line, POLICY_PERIODS_MAX);
    if (p == t->periods.count) t->periods.days[t->periods.count++] = days;
    *out = (uint8_t)p;
    return NDC_OK;
}

static enum ndc_err compile_rules(struct policy_table *t, struct ndc_fault *fault)
{
    const struct policy_set *set = t->set;
    t->entries = ndc_xcalloc(set->rule_count + 1, sizeof(*t->entries));
    t->periods = (struct policy_periods){.days = {set->within_days}, .count = 1};
    for (size_t i = 0; i < set->rule_count; i++) {
        const struct policy_rule *rule = &set->rules[i];
        struct policy_entry *e = &t->entries[i];
        NDC_TRY(compile_agencies(t, rule, e, fault));
        NDC_TRY(role_bits(t, &rule->roles, &e->roles, fault));
        NDC_TRY(role_bits(t, &rule->not_roles, &e->not_roles, fault));
        NDC_TRY(check_purposes(t, rule, &rule->purposes, fault));
        NDC_TRY(check_purposes(t, rule, &rule->not_purposes, fault));
        e->consents = (uint8_t)rule->consents;
        e->self = (int8_t)rule->self;
        e->subjects_over = rule->subjects_over;
        NDC_TRY(compile_period(t, rule, &e->period, fault));
        e->effect = (uint8_t)rule->effect;
        e->mask = (int8_t)rule->mask;
        e->obligations = (uint8_t)(rule->obligations);
        for (size_t level = 0; level < t->level_count; level++)
            e->fields[level] = select_fields(t, &rule->fields, level);
    }
    for (size_t p = 0; p < set->purpose_count; p++)
        for (size_t level = 0; level < t->level_count; level++)
            t->ceiling[p][level] = select_fields(t, &set->purposes[p].covers, level);
    return NDC_OK;
}

static bool names_purpose(const struct policy_words *words, struct ndc_str code)
{
    for (size_t i = 0; i < words->count; i++)
        if (ndc_str_eq(words->words[i], code)) return true;
    return false;
}

/* Appends the rules of one effect class that can apply; returns how many. */
static size_t list_rules(const struct policy_table *t, size_t purpose, unsigned action,
                         unsigned entity, unsigned kind, bool deny, uint16_t *out)
{
    const struct policy_set *set = t->set;
    struct ndc_str code = set->purposes[purpose].code;
    size_t n = 0;
    for (size_t i = 0; i < set->rule_count; i++) {
        const struct policy_rule *r = &set->rules[i];
        if ((r->effect == POLICY_DENY) != deny || !(r->actions >> action & 1) ||
            !(r->entities >> entity & 1) || !(r->kinds >> kind & 1) ||
            (r->purposes.given && !names_purpose(&r->purposes, code)) ||
            names_purpose(&r->not_purposes, code))
            continue;
        /* It must name a field of the entity that the purpose covers, at some level. */
        bool any = false;
        for (size_t level = 0; level < t->level_count && !any; level++)
            for (size_t w = 0; w < 4; w++)
                any |= (t->entries[i].fields[level].w[w] & t->of_entity[entity].w[w] &
                        (deny ? ~(uint64_t)0 : t->ceiling[purpose][level].w[w])) != 0;
        if (any) out[n++] = (uint16_t)i;
    }
    return n;
}

static void compile_lists(struct policy_table *t)
{
    size_t count = 0, cap = 4096;
    t->lists = ndc_xmalloc(cap * sizeof(*t->lists));
    for (size_t p = 0; p < t->set->purpose_count; p++)
        for (unsigned a = 0; a < NDC_POLICY_ACTION_COUNT; a++)
            for (unsigned e = 0; e < NDC_ENTITY_COUNT; e++)
                for (unsigned k = 0; k < NDC_POLICY_KIND_COUNT; k++) {
                    size_t most = t->set->rule_count + 1;
                    while (count + most > cap) {
                        cap *= 2;
                        t->lists = ndc_xrealloc(t->lists, cap * sizeof(*t->lists));
                    }
                    uint16_t *out = t->lists + count;
                    size_t n = list_rules(t, p, a, e, k, true, out);
                    n += list_rules(t, p, a, e, k, false, out + n);
                    out[n++] = POLICY_NO_RULE;
                    /* Kinds are often treated alike: share the list before. */
                    uint32_t before = k ? t->start[p][a][e][k - 1] : 0;
                    if (k && before + n == count &&
                        memcmp(t->lists + before, out, n * sizeof(*out)) == 0) {
                        t->start[p][a][e][k] = before;
                        continue;
                    }
                    t->start[p][a][e][k] = (uint32_t)count;
                    count += n;
                }
}

enum ndc_err policy_compile(struct policy_table **out, struct policy_set *set,
                            uint64_t version, struct ndc_fault *fault)
{
    struct policy_table *t = ndc_xcalloc(1, sizeof(*t));
    *out = NULL;
    t->set = set;
    t->version = version;
    enum ndc_err err = collect_words(t, fault);
    if (!err) err = compile_classes(t, fault);
    if (!err) err = compile_rules(t, fault);
    if (err) {
        policy_table_free(t);
        return err;
    }
    compile_lists(t);
    *out = t;
    return NDC_OK;
}

void policy_table_free(struct policy_table *table)
{
    if (!table) return;
    policy_set_free(table->set);
    free(table->set);
    free(table->entries);
    free(table->purposes.slots);
    free(table->agencies.slots);
    free(table->roles.slots);
    free(table->lists);
    free(table);
}

/* Why a request is decided as it is, field by field, in words, and what would have to be
 * different for a field to be let out: found by trying. For each rule that would show the
 * field, the request is changed where it fails the rule's conditions and decided again;
 * of the changes that work the fewest are told. */
#include "platforms/policy/table.h"

#include "platforms/policy/words.h"

#include <stdio.h>

/* What was changed. */
enum change {
    CHANGE_KIND = 1,
    CHANGE_AGENCY = 2,
    CHANGE_ROLE = 4,
    CHANGE_PURPOSE = 8,
    CHANGE_ACTION = 16,
    CHANGE_CONSENT = 32,
    CHANGE_SELF = 64,
    CHANGE_BASIS = 128,
    CHANGE_SUBJECTS = 256
};

struct attempt {
    unsigned changes; /* bits of enum change; 0: none found */
    struct ndc_policy_request q;
    struct ndc_str role;   /* the one added */
    struct ndc_str agency; /* word of the rule: code or group */
    struct ndc_str roles[NDC_POLICY_ROLES_MAX];
    bool shown; /* else masked */
};

static unsigned first_bit(unsigned bits)
{
    return (unsigned)__builtin_ctz(bits);
}

static struct ndc_str first_agency(const struct policy_table *t, struct ndc_str word)
{
    if (!ndc_str_starts(word, NDC_STR("group:"))) return word;
    for (size_t i = 0; i < t->set->group_count; i++)
        if (ndc_str_eq(t->set->groups[i].code, ndc_str_from(word, 6)) &&
            t->set->groups[i].agency_count)
            return t->set->groups[i].agencies[0];
    return NDC_STR_NULL;
}

/* Changes a->q so that it meets the rule's conditions. False if no change can. */
static bool meet_rule(const struct policy_table *t, struct attempt *a, size_t rule)
{
    const struct policy_rule *r = &t->set->rules[rule];
    struct ndc_policy_request *q = &a->q;
    unsigned unmet = policy_unmet(t, rule, q);
    const unsigned hopeless = 1u << POLICY_IF_NOT_ROLE | 1u << POLICY_IF_ENTITY |
                              1u << POLICY_IF_NOT_PURPOSE | 1u << POLICY_IF_SUBJECTS |
                              1u << POLICY_IF_NOT_AGENCY;
    if (unmet & hopeless) return false;
    if (unmet & 1u << POLICY_IF_SELF) {
        if (r->self == 0) return false;
        q->entity_id = q->subject = NDC_STR("self");
        a->changes |= CHANGE_SELF;
    }
    if (unmet & 1u << POLICY_IF_KIND) {
        q->kind = (enum ndc_policy_kind)first_bit(r->kinds);
        a->changes |= CHANGE_KIND;
    }
    if (unmet & 1u << POLICY_IF_ACTION) {
        q->action = (enum ndc_policy_action)first_bit(r->actions);
        a->changes |= CHANGE_ACTION;
    }
    if (unmet & 1u << POLICY_IF_CONSENT) {
        if (!(r->consents >> NDC_CONSENT_GIVEN & 1)) return false;
        q->consent = NDC_CONSENT_GIVEN;
        a->changes |= CHANGE_CONSENT;
    }
    if (unmet & 1u << POLICY_IF_AGENCY) {
        a->agency = r->agencies.words[0];
        q->agency = first_agency(t, a->agency);
        a->changes |= CHANGE_AGENCY;
    }
    if (unmet & 1u << POLICY_IF_ROLE) {
        size_t n = NDC_MIN(q->role_count, (size_t)NDC_POLICY_ROLES_MAX - 1);
        for (size_t i = 0; i < n; i++)
            a->roles[i] = q->roles[i];
        a->role = a->roles[n] = r->roles.words[0];
        q->roles = a->roles;
        q->role_count = n + 1;
        a->changes |= CHANGE_ROLE;
    }
    return true;
}

/* Changes a->q so that the register lets the purpose through. */
static bool meet_purpose(const struct policy_table *t, struct attempt *a, size_t purpose)
{
    const struct policy_purpose *p = &t->set->purposes[purpose];
    struct ndc_policy_request *q = &a->q;
    if (!ndc_str_eq(q->purpose, p->code)) {
        q->purpose = p->code;
        a->changes |= CHANGE_PURPOSE;
    }
    if (!(p->entities >> q->entity & 1)) return false;
    if (!(p->kinds >> q->kind & 1)) {
        q->kind = (enum ndc_policy_kind)first_bit(p->kinds);
        a->changes |= CHANGE_KIND;
    }
    if (!(p->actions >> q->action & 1)) {
        q->action = (enum ndc_policy_action)first_bit(p->actions);
        a->changes |= CHANGE_ACTION;
    }
    if (p->needs_basis && !q->legal_basis.len) {
        q->legal_basis = NDC_STR("stated");
        a->changes |= CHANGE_BASIS;
    }
    return true;
}

static void try_one(const struct policy_table *t, struct attempt *best, size_t rule,
                    size_t purpose, const struct ndc_policy_request *q, unsigned field,
                    bool want_show, uint64_t subjects)
{
    struct attempt a = {.q = *q};
    if (!meet_purpose(t, &a, purpose) || !meet_rule(t, &a, rule)) return;
    const struct policy_purpose *p = &t->set->purposes[purpose];
    if (p->needs_consent && a.q.consent != NDC_CONSENT_GIVEN) {
        a.q.consent = NDC_CONSENT_GIVEN;
        a.changes |= CHANGE_CONSENT;
    }
    if (subjects && subjects < a.q.subjects) {
        a.q.subjects = subjects;
        a.changes |= CHANGE_SUBJECTS;
    }
    int cost = __builtin_popcount(a.changes);
    if (!a.changes || (best->changes && __builtin_popcount(best->changes) <= cost))
        return;
    struct ndc_policy_decision d;
    if (policy_table_decide(t, &d, &a.q) != POLICY_WHY_NONE) return;
    a.shown = ndc_field_set_has(&d.shown, field);
    if (!a.shown && (want_show || !ndc_field_set_has(&d.masked, field))) return;
    *best = a;
    /* The roles array lies in the attempt itself. */
    if (a.changes & CHANGE_ROLE) best->q.roles = best->roles;
}

/* The fewest changes after which the field is let out. */
static void search(const struct policy_table *t, struct attempt *best,
                   const struct ndc_policy_request *q, unsigned field, bool want_show)
{
    const struct policy_set *set = t->set;
    uint16_t current = policy_word_id(&t->purposes, q->purpose, POLICY_PURPOSES_MAX);
    size_t level = policy_level(t, q->subjects);
    best->changes = 0;
    /* As it is, and as if fewer persons had been seen than each deny rule allows. */
    for (size_t pass = 0; pass <= set->rule_count; pass++) {
        uint64_t subjects = pass ? set->rules[pass - 1].subjects_over : 0;
        if (pass && (!subjects || set->rules[pass - 1].effect != POLICY_DENY)) continue;
        for (size_t r = 0; r < set->rule_count; r++) {
            const struct policy_rule *rule = &set->rules[r];
            if (rule->effect != POLICY_SHOW && (want_show || rule->effect != POLICY_MASK))
                continue;
            size_t l = subjects ? policy_level(t, subjects) : level;
            if (!ndc_field_set_has(&t->entries[r].fields[l], field)) continue;
            if (current < POLICY_PURPOSES_MAX)
                try_one(t, best, r, current, q, field, want_show, subjects);
            for (size_t p = 0; p < set->purpose_count; p++)
                if (p != current) try_one(t, best, r, p, q, field, want_show, subjects);
        }
        if (best->changes) return;
    }
}

static struct policy_text agency_title(const struct policy_table *t, struct ndc_str word)
{
    bool group = ndc_str_starts(word, NDC_STR("group:"));
    struct ndc_str code = group ? ndc_str_from(word, 6) : word;
    if (group) {
        for (size_t i = 0; i < t->set->group_count; i++)
            if (ndc_str_eq(t->set->groups[i].code, code)) return t->set->groups[i].title;
    }
    for (size_t i = 0; !group && i < t->set->agency_count; i++)
        if (ndc_str_eq(t->set->agencies[i].code, code)) return t->set->agencies[i].title;
    return (struct policy_text){code, code};
}

static void add_part(struct ndc_buf *out, bool *any, const char *before,
                     struct ndc_str word, const char *after)
{
    if (*any) ndc_buf_add_c(out, "; ");
    *any = true;
    ndc_buf_add_c(out, before);
    ndc_buf_add_str(out, word);
    ndc_buf_add_c(out, after);
}

static void describe(const struct policy_table *t, struct ndc_buf *out,
                     const struct attempt *a, bool vi)
{
    bool any = false;
#define PART(bit, vi_, en_, word, after) \
    if (a->changes & (bit)) add_part(out, &any, vi ? (vi_) : (en_), (word), (after))
    struct policy_text agency = agency_title(t, a->agency);
    uint16_t p = policy_word_id(&t->purposes, a->q.purpose, POLICY_PURPOSES_MAX);
    struct policy_text purpose =
        p < POLICY_PURPOSES_MAX ? t->set->purposes[p].title : (struct policy_text){0};
    struct policy_text kind = policy_kind_text(a->q.kind);
    struct policy_text action = policy_action_text(a->q.action);
    char count[24];
    snprintf(count, sizeof(count), "%llu", (unsigned long long)a->q.subjects);
    ndc_buf_add_c(out, a->shown
                           ? (vi ? "Được xem đầy đủ nếu: " : "Shown in full if: ")
                           : (vi ? "Được xem một phần nếu: " : "Shown in part if: "));
    PART(CHANGE_PURPOSE, "mục đích là ", "the purpose were ",
         vi ? purpose.vi : purpose.en, "");
    PART(CHANGE_BASIS, "nêu căn cứ pháp lý", "the legal basis were stated", NDC_STR(""),
         "");
    PART(CHANGE_KIND, "bên yêu cầu là ", "the caller were ", vi ? kind.vi : kind.en, "");
    PART(CHANGE_AGENCY, "cơ quan là ", "the agency were ", vi ? agency.vi : agency.en,
         "");
    PART(CHANGE_ROLE, "có vai trò ", "the caller had the role ", a->role, "");
    PART(CHANGE_ACTION, "thao tác là ", "the action were ", vi ? action.vi : action.en,
         "");
    PART(CHANGE_CONSENT, "chủ thể dữ liệu đồng ý", "the data subject consented",
         NDC_STR(""), "");
    PART(CHANGE_SELF, "người yêu cầu là chủ thể dữ liệu",
         "the caller were the data subject", NDC_STR(""), "");
    PART(CHANGE_SUBJECTS, "không quá ", "at most ", ndc_str(count),
         vi ? " chủ thể" : " data subjects were read");
#undef PART
}

static void write_needed(const struct policy_table *t, struct ndc_json *j,
                         const struct attempt *a)
{
    struct ndc_buf text;
    ndc_buf_init(&text, 4096);
    ndc_json_key(j, "needed");
    ndc_json_object(j);
    for (int vi = 1; vi >= 0; vi--) {
        ndc_buf_reset(&text);
        if (a->changes)
            describe(t, &text, a, vi);
        else
            ndc_buf_add_c(&text, vi ? "Không quy tắc nào cho phép"
                                    : "No rule allows it, whoever asks");
        ndc_json_kv_str(j, vi ? "vi" : "en", ndc_buf_str(&text));
    }
    ndc_json_end(j);
    ndc_buf_free(&text);
}

static void write_field(const struct policy_table *t, struct ndc_json *j,
                        const struct ndc_policy_request *q,
                        const struct ndc_policy_decision *d, enum policy_why why,
                        unsigned id)
{
    const struct ndc_field *field = ndc_field_get(id);
    bool shown = ndc_field_set_has(&d->shown, id),
         masked = ndc_field_set_has(&d->masked, id);
    const struct ndc_class *class = &t->classes[policy_level(t, q->subjects)][id];
    ndc_json_object(j);
    ndc_json_kv_c(j, "code", field->code);
    policy_write_text(j, "title", policy_field_title(field));
    ndc_json_kv_c(j, "sharing", ndc_sharing_name(class->sharing));
    ndc_json_kv_c(j, "importance", ndc_importance_name(class->importance));
    ndc_json_kv_c(j, "personal", ndc_personal_name(class->personal));
    ndc_json_kv_c(j, "decision", shown ? "show" : masked ? "mask" : "withhold");
    if (masked) ndc_json_kv_c(j, "mask", ndc_mask_name((enum ndc_mask)d->mask[id]));
    uint16_t rule = d->field_rule[id];
    if (rule != POLICY_NO_RULE) {
        const struct policy_rule *r = &t->set->rules[rule];
        ndc_json_kv_str(j, "rule", r->id);
        policy_write_text(j, "reason", r->reason.vi.len ? r->reason : r->title);
    } else {
        uint16_t p = policy_word_id(&t->purposes, q->purpose, POLICY_PURPOSES_MAX);
        bool beyond = why == POLICY_WHY_NONE || why == POLICY_WHY_NOTHING;
        beyond = beyond &&
                 !ndc_field_set_has(&t->ceiling[p][policy_level(t, q->subjects)], id);
        policy_write_text(
            j, "reason",
            beyond ? policy_beyond_text()
                   : policy_why_text(why == POLICY_WHY_NOTHING ? POLICY_WHY_NONE : why));
    }
    if (!shown) {
        struct attempt best;
        search(t, &best, q, id, masked);
        write_needed(t, j, &best);
    }
    ndc_json_end(j);
}

static void write_purpose(const struct policy_table *t, struct ndc_json *j,
                          struct ndc_str code)
{
    uint16_t p = policy_word_id(&t->purposes, code, POLICY_PURPOSES_MAX);
    ndc_json_key(j, "purpose");
    ndc_json_object(j);
    ndc_json_kv_str(j, "code", code.ptr ? code : NDC_STR(""));
    if (p < POLICY_PURPOSES_MAX) {
        const struct policy_purpose *purpose = &t->set->purposes[p];
        policy_write_text(j, "title", purpose->title);
        ndc_json_key(j, "laws");
        ndc_json_array(j);
        for (size_t i = 0; i < purpose->law_count; i++) {
            policy_write_text(j, NULL, purpose->laws[i]);
        }
        ndc_json_end(j);
    }
    ndc_json_end(j);
}

static const struct policy_rule *rule_by_id(const struct policy_table *t, const char *id)
{
    for (size_t i = 0; i < t->set->rule_count; i++)
        if (ndc_str_eq_c(t->set->rules[i].id, id)) return &t->set->rules[i];
    return NULL;
}

void policy_explain(const struct policy_table *t, struct ndc_json *j,
                    const struct ndc_policy_request *q)
{
    struct ndc_policy_decision d;
    enum policy_why why = policy_table_decide(t, &d, q);
    const struct policy_rule *rule = d.rule[0] ? rule_by_id(t, d.rule) : NULL;
    ndc_json_object(j);
    ndc_json_kv_c(j, "outcome", ndc_policy_outcome_name(d.outcome));
    ndc_json_kv_c(j, "code", policy_why_code(why));
    struct policy_text reason = policy_why_text(why);
    if (rule) reason = rule->reason.vi.len ? rule->reason : rule->title;
    policy_write_text(j, "reason", reason);
    if (rule) {
        ndc_json_kv_str(j, "rule", rule->id);
        policy_write_text(j, "rule_title", rule->title);
    }
    write_purpose(t, j, q->purpose);
    ndc_json_key(j, "obligations");
    ndc_json_array(j);
    if (d.obligations & NDC_OBLIGE_LOG) ndc_json_c(j, "log");
    if (d.obligations & NDC_OBLIGE_NOTIFY) ndc_json_c(j, "notify");
    if (d.obligations & NDC_OBLIGE_ESCALATE) ndc_json_c(j, "escalate");
    ndc_json_end(j);
    ndc_json_kv_u64(j, "version", d.version);
    ndc_json_key(j, "fields");
    ndc_json_array(j);
    for (int id = -1; (id = ndc_field_set_next(&q->fields, id)) >= 0;)
        if (ndc_field_get((unsigned)id)) write_field(t, j, q, &d, why, (unsigned)id);
    ndc_json_end(j);
    ndc_json_end(j);
}

/* "…: 100000 persons counted for this purpose in the last 30 days (rule …) …" */
static enum ndc_err volume_fault(const struct policy_table *t,
                                 const struct policy_rule *rule, const uint64_t *counts,
                                 struct ndc_fault *fault)
{
    size_t period = t->entries[rule - t->set->rules].period;
    struct policy_text text = rule->reason.en.len ? rule->reason : rule->title;
    char roles[160] = "", when[64] = "";
    size_t len = 0;
    if (t->periods.days[period])
        snprintf(when, sizeof(when), " in the last %u days", t->periods.days[period]);
    for (size_t i = 0; i < rule->not_roles.count && len < sizeof(roles); i++)
        len += (size_t)snprintf(roles + len, sizeof(roles) - len, "%s%.*s",
                                i ? " or " : "", NDC_STR_FMT(rule->not_roles.words[i]));
    return ndc_fail(
        fault, NDC_EDENIED, "policy.volume",
        "%.*s: %llu persons counted for this purpose%s (rule %.*s)%s%s%s%s",
        NDC_STR_FMT(text.en), (unsigned long long)counts[period], when,
        NDC_STR_FMT(rule->id),
        rule->obligations & NDC_OBLIGE_ESCALATE ? ". A data officer has been told" : "",
        len ? "; to go on, have an administrator approve the role " : "", roles,
        len ? " for your account or key" : "");
}

enum ndc_err policy_fault(const struct policy_table *t,
                          const struct ndc_policy_request *q,
                          const struct ndc_policy_decision *d,
                          const uint64_t counts[static POLICY_PERIODS_MAX],
                          enum policy_why why, struct ndc_fault *fault)
{
    char code[NDC_FAULT_CODE_MAX];
    snprintf(code, sizeof(code), "policy.%s", policy_why_code(why));
    if (why == POLICY_WHY_UNKNOWN_PURPOSE) {
        const char *names[POLICY_PURPOSES_MAX];
        for (size_t i = 0; i < t->set->purpose_count; i++)
            names[i] = t->set->purposes[i].code.ptr; /* 0-terminated by the arena */
        const char *near = ndc_str_nearest(q->purpose, names, t->set->purpose_count);
        return ndc_fail_at(fault, NDC_EDENIED, code, "NDC-Purpose", 0,
                           "there is no purpose \"%.*s\"%s%s%s", NDC_STR_FMT(q->purpose),
                           near ? " (did you mean \"" : "", near ? near : "",
                           near ? "\"?)" : "");
    }
    struct policy_text text = policy_why_text(why);
    const struct policy_rule *rule =
        why == POLICY_WHY_RULE ? rule_by_id(t, d->rule) : NULL;
    if (rule && policy_rule_by_volume(t, (size_t)(rule - t->set->rules)))
        return volume_fault(t, rule, counts, fault);
    if (rule) text = rule->reason.en.len ? rule->reason : rule->title;
    return ndc_fail(fault, NDC_EDENIED, code, "%.*s%s%s%s", NDC_STR_FMT(text.en),
                    rule ? " (rule " : "", rule ? d->rule : "", rule ? ")" : "");
}

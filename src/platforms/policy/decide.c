/* The decision. The purpose's register entry is checked first; then deny rules, any of
 * which denies the whole; then for each field the first rule that applies and names it
 * decides, within what the purpose covers. What no rule names is withheld. */
#include "platforms/policy/table.h"

#include "base/hash.h"

uint16_t policy_word_id(const struct policy_words_table *words, struct ndc_str word,
                        uint16_t absent)
{
    if (!word.len) return absent;
    for (uint64_t at = ndc_hash_str(word, 3) & words->mask; words->slots[at].word.ptr;
         at = (at + 1) & words->mask) {
        if (ndc_str_eq(words->slots[at].word, word)) return words->slots[at].id;
    }
    return absent;
}

size_t policy_level(const struct policy_table *table, uint64_t subjects)
{
    size_t level = table->level_count - 1;
    while (level > 0 && subjects < table->bounds[level])
        level--;
    return level;
}

static bool is_self(const struct ndc_policy_request *q)
{
    return q->entity_id.len && ndc_str_eq(q->entity_id, q->subject);
}

/* What a request's conditions are tested on, looked up once. */
struct caller {
    unsigned agency;
    uint64_t roles;
    bool self;
    const uint64_t *counts; /* of subjects, by period */
};

static struct caller look_up(const struct policy_table *t,
                             const struct ndc_policy_request *q, const uint64_t *counts)
{
    struct caller c = {.agency = policy_word_id(&t->agencies, q->agency, 0),
                       .self = is_self(q),
                       .counts = counts};
    size_t n = NDC_MIN(q->role_count, (size_t)NDC_POLICY_ROLES_MAX);
    for (size_t i = 0; i < n; i++) {
        uint16_t role = policy_word_id(&t->roles, q->roles[i], POLICY_ROLES_MAX);
        if (role < POLICY_ROLES_MAX) c.roles |= (uint64_t)1 << role;
    }
    return c;
}

static inline bool applies(const struct policy_entry *e, const struct caller *c,
                           const struct ndc_policy_request *q)
{
    return (e->any_agency || (e->agencies[c->agency / 64] >> c->agency % 64 & 1)) &&
           (!e->roles || (e->roles & c->roles)) && !(e->not_roles & c->roles) &&
           (e->consents >> q->consent & 1) && (e->self < 0 || e->self == (int)c->self) &&
           (!e->subjects_over || c->counts[e->period] > e->subjects_over);
}

static inline void set_and(struct ndc_field_set *out, const struct ndc_field_set *a,
                           const struct ndc_field_set *b)
{
    for (size_t i = 0; i < NDC_ARRAY_LEN(out->w); i++)
        out->w[i] = a->w[i] & b->w[i];
}

static inline bool overlap(const struct ndc_field_set *a, const struct ndc_field_set *b)
{
    return ((a->w[0] & b->w[0]) | (a->w[1] & b->w[1]) | (a->w[2] & b->w[2]) |
            (a->w[3] & b->w[3])) != 0;
}

static void name_rule(const struct policy_table *t, struct ndc_policy_decision *d,
                      unsigned rule)
{
    struct ndc_str id = t->set->rules[rule].id; /* at most RULE_ID_MAX - 1 bytes */
    memcpy(d->rule, id.ptr, id.len);
    d->rule[id.len] = 0;
}

/* Gives the hit fields the entry's effect. */
static void take_effect(const struct policy_table *t, struct ndc_policy_decision *d,
                        unsigned rule, const struct ndc_field_set *hit)
{
    const struct policy_entry *e = &t->entries[rule];
    struct ndc_field_set *into = e->effect == POLICY_SHOW   ? &d->shown
                                 : e->effect == POLICY_MASK ? &d->masked
                                                            : &d->withheld;
    for (size_t w = 0; w < NDC_ARRAY_LEN(hit->w); w++) {
        into->w[w] |= hit->w[w];
        for (uint64_t bits = hit->w[w]; bits; bits &= bits - 1) {
            size_t id = w * 64 + (size_t)__builtin_ctzll(bits);
            d->field_rule[id] = (uint16_t)rule;
            if (e->effect == POLICY_MASK)
                d->mask[id] = e->mask >= 0 ? (uint8_t)e->mask : t->default_mask[id];
        }
    }
    if (e->effect != POLICY_WITHHOLD) {
        d->obligations |= e->obligations;
        if (!d->rule[0]) name_rule(t, d, rule);
    }
}

static void withhold_rest(struct ndc_policy_decision *d, const struct ndc_field_set *rest)
{
    for (size_t w = 0; w < NDC_ARRAY_LEN(rest->w); w++) {
        d->withheld.w[w] |= rest->w[w];
        for (uint64_t bits = rest->w[w]; bits; bits &= bits - 1)
            d->field_rule[w * 64 + (size_t)__builtin_ctzll(bits)] = POLICY_NO_RULE;
    }
}

static enum policy_why check_purpose(const struct policy_table *t, uint16_t purpose,
                                     const struct ndc_policy_request *q)
{
    if (purpose >= POLICY_PURPOSES_MAX)
        return q->purpose.len ? POLICY_WHY_UNKNOWN_PURPOSE : POLICY_WHY_NO_PURPOSE;
    const struct policy_purpose *p = &t->set->purposes[purpose];
    if (!(p->kinds >> q->kind & 1)) return POLICY_WHY_KIND;
    if (!(p->actions >> q->action & 1)) return POLICY_WHY_ACTION;
    if (!(p->entities >> q->entity & 1)) return POLICY_WHY_ENTITY;
    if (p->needs_basis && !q->legal_basis.len) return POLICY_WHY_BASIS;
    if (p->needs_consent && q->consent != NDC_CONSENT_GIVEN && !is_self(q))
        return POLICY_WHY_CONSENT;
    return POLICY_WHY_NONE;
}

static enum policy_why run_rules(const struct policy_table *t,
                                 struct ndc_policy_decision *d, uint16_t purpose,
                                 const struct ndc_policy_request *q,
                                 const uint64_t *counts, struct ndc_field_set *left)
{
    struct caller caller = look_up(t, q, counts);
    size_t level = policy_level(t, counts[0]);
    struct ndc_field_set open, beyond; /* undecided, and what the purpose leaves out */
    const struct ndc_field_set *ceiling = &t->ceiling[purpose][level];
    for (size_t w = 0; w < NDC_ARRAY_LEN(beyond.w); w++)
        beyond.w[w] = q->fields.w[w] & ~ceiling->w[w];
    set_and(&open, &q->fields, ceiling);
    const uint16_t *rule = t->lists + t->start[purpose][q->action][q->entity][q->kind];
    for (; *rule != POLICY_NO_RULE; rule++) {
        const struct policy_entry *e = &t->entries[*rule];
        const struct ndc_field_set *fields = &e->fields[level];
        if (!overlap(fields, e->effect == POLICY_DENY ? &q->fields : &open)) continue;
        if (!applies(e, &caller, q)) continue;
        if (e->effect == POLICY_DENY) {
            d->obligations |= e->obligations;
            name_rule(t, d, *rule);
            return POLICY_WHY_RULE;
        }
        struct ndc_field_set hit;
        set_and(&hit, &open, fields);
        take_effect(t, d, *rule, &hit);
        for (size_t w = 0; w < NDC_ARRAY_LEN(open.w); w++)
            open.w[w] &= ~hit.w[w];
        if (ndc_field_set_empty(&open)) break;
    }
    for (size_t w = 0; w < NDC_ARRAY_LEN(open.w); w++)
        left->w[w] = open.w[w] | beyond.w[w];
    return POLICY_WHY_NONE;
}

enum policy_why policy_table_decide(const struct policy_table *t,
                                    struct ndc_policy_decision *d,
                                    const struct ndc_policy_request *q)
{
    const uint64_t counts[POLICY_PERIODS_MAX] = {q->subjects, q->subjects, q->subjects,
                                                 q->subjects};
    return policy_table_decide_counted(t, d, q, counts);
}

bool policy_rule_by_volume(const struct policy_table *t, size_t rule)
{
    const struct policy_entry *e = &t->entries[rule];
    return e->subjects_over > 0 || ndc_field_set_empty(&e->fields[0]);
}

enum policy_why policy_table_decide_counted(
    const struct policy_table *t, struct ndc_policy_decision *d,
    const struct ndc_policy_request *q, const uint64_t counts[static POLICY_PERIODS_MAX])
{
    d->outcome = NDC_POLICY_DENY;
    d->obligations = 0;
    d->shown = d->masked = d->withheld = (struct ndc_field_set){0};
    d->rule[0] = 0;
    d->version = t->version;
    if (overlap(&q->fields, &t->personal) || q->subject.len)
        d->obligations = NDC_OBLIGE_LOG;
    NDC_ASSERT((size_t)q->kind < NDC_POLICY_KIND_COUNT &&
               (size_t)q->action < NDC_POLICY_ACTION_COUNT &&
               (size_t)q->entity < NDC_ENTITY_COUNT &&
               (size_t)q->consent <= NDC_CONSENT_REFUSED);
    uint16_t purpose = policy_word_id(&t->purposes, q->purpose, POLICY_PURPOSES_MAX);
    enum policy_why why = check_purpose(t, purpose, q);
    struct ndc_field_set left = {0};
    if (why == POLICY_WHY_NONE) why = run_rules(t, d, purpose, q, counts, &left);
    if (why != POLICY_WHY_NONE) {
        d->obligations |= NDC_OBLIGE_LOG;
        withhold_rest(d, &q->fields);
        return why;
    }
    withhold_rest(d, &left);
    if (ndc_field_set_empty(&d->shown) && ndc_field_set_empty(&d->masked)) {
        d->obligations |= NDC_OBLIGE_LOG;
        return POLICY_WHY_NOTHING;
    }
    bool whole = ndc_field_set_empty(&d->masked) && ndc_field_set_empty(&d->withheld);
    d->outcome = whole ? NDC_POLICY_PERMIT : NDC_POLICY_PARTIAL;
    return POLICY_WHY_NONE;
}

unsigned policy_unmet(const struct policy_table *t, size_t rule,
                      const struct ndc_policy_request *q)
{
    const struct policy_rule *r = &t->set->rules[rule];
    const struct policy_entry *e = &t->entries[rule];
    struct caller c = look_up(t, q, NULL);
    unsigned unmet = 0;
#define UNLESS(condition, bit) unmet |= (condition) ? 0 : 1u << (bit)
    UNLESS(r->kinds >> q->kind & 1, POLICY_IF_KIND);
    UNLESS(r->actions >> q->action & 1, POLICY_IF_ACTION);
    UNLESS(r->entities >> q->entity & 1, POLICY_IF_ENTITY);
    UNLESS(e->consents >> q->consent & 1, POLICY_IF_CONSENT);
    UNLESS(e->self < 0 || e->self == (int)c.self, POLICY_IF_SELF);
    UNLESS(!e->subjects_over || q->subjects > e->subjects_over, POLICY_IF_SUBJECTS);
    UNLESS(!e->roles || (e->roles & c.roles), POLICY_IF_ROLE);
    UNLESS(!(e->not_roles & c.roles), POLICY_IF_NOT_ROLE);
    if (!e->any_agency && !(e->agencies[c.agency / 64] >> c.agency % 64 & 1))
        unmet |= 1u << (r->agencies.given ? POLICY_IF_AGENCY : POLICY_IF_NOT_AGENCY);
    bool purpose = !r->purposes.given, barred = false;
    for (size_t i = 0; i < r->purposes.count; i++)
        purpose |= ndc_str_eq(r->purposes.words[i], q->purpose);
    for (size_t i = 0; i < r->not_purposes.count; i++)
        barred |= ndc_str_eq(r->not_purposes.words[i], q->purpose);
    UNLESS(purpose, POLICY_IF_PURPOSE);
    UNLESS(!barred, POLICY_IF_NOT_PURPOSE);
#undef UNLESS
    return unmet;
}

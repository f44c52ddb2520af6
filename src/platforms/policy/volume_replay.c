/* Counting entries of the audit log: at a start, those that came after what is stored.
 * Counts are sets, so an entry that was counted before changes nothing. Counted are
 * entries that showed something of persons for a purpose, by the caller's agency or, with
 * none, by the principal; one's own data cannot be told apart here and count once. */
#include "platforms/policy/volume_store.h"

#include "base/date.h"

enum { PAGE = NDC_AUDIT_PAGE_MAX };

struct replay {
    struct policy_service *service;
    const struct policy_table *table;
    uint64_t entries;
};

static bool contains(struct ndc_str text, const char *part)
{
    return memmem(text.ptr, text.len, part, strlen(part)) != NULL;
}

/* Fields are hexadecimal digits, lowest first; digit i has fields 4i to 4i + 3. */
static bool shows_persons(struct ndc_str fields)
{
    size_t n = NDC_MIN(fields.len, (size_t)NDC_FIELD_ORGANISATION_FIRST / 4);
    for (size_t i = 0; i < n; i++)
        if (fields.ptr[i] != '0') return true;
    return false;
}

static bool escalates(const struct policy_table *t, struct ndc_str rule)
{
    for (size_t i = 0; rule.len && i < t->set->rule_count; i++)
        if (ndc_str_eq(t->set->rules[i].id, rule))
            return (t->set->rules[i].obligations & NDC_OBLIGE_ESCALATE) != 0;
    return false;
}

/* A notice that a kill lost is there again; one that is there is not counted twice. */
static void notice_again(struct replay *r, struct json_object *o, struct ndc_str who,
                         int64_t at_ms, uint64_t subjects)
{
    struct ndc_str rule = ndc_json_get_str(o, "rule");
    if (!escalates(r->table, rule) || rule.len >= NDC_POLICY_RULE_ID_MAX) return;
    struct policy_notice n = {.subjects = subjects, .first_ms = at_ms, .last_ms = at_ms};
    n.outcome = NDC_POLICY_PERMIT;
    if (ndc_str_eq_c(ndc_json_get_str(o, "outcome"), "deny")) n.outcome = NDC_POLICY_DENY;
    policy_notice_name(&n, who, ndc_json_get_str(o, "purpose"), rule.ptr);
    policy_notices_add(policy_service_notices(r->service), &n);
}

static void count_entry(struct replay *r, struct json_object *o)
{
    struct ndc_str agency = ndc_json_get_str(o, "agency"),
                   who = agency.len ? agency : ndc_json_get_str(o, "principal"),
                   purpose = ndc_json_get_str(o, "purpose");
    struct json_object *subjects = ndc_json_get(o, "subjects");
    struct policy_volume *volume = policy_service_volume(r->service);
    uint64_t counts[POLICY_PERIODS_MAX] = {0};
    int64_t at_ms = 0;
    if (!who.len || !purpose.len || !ndc_time_parse(ndc_json_get_str(o, "time"), &at_ms))
        return;
    bool denied = ndc_str_eq_c(ndc_json_get_str(o, "outcome"), "deny");
    size_t n = json_object_is_type(subjects, json_type_array)
                   ? json_object_array_length(subjects)
                   : 0;
    bool seen = !denied && shows_persons(ndc_json_get_str(o, "fields"));
    for (size_t i = 0; i < n && (seen || i == 0); i++) {
        struct json_object *s = json_object_array_get_idx(subjects, i);
        struct ndc_str subject =
            ndc_str_n(json_object_get_string(s), (size_t)json_object_get_string_len(s));
        struct policy_look look =
            policy_volume_look(volume, who, purpose, subject, at_ms);
        policy_volume_count(volume, counts, &r->table->periods, &look, seen);
    }
    notice_again(r, o, who, at_ms, counts[0]);
}

static enum ndc_err visit(void *arg, uint64_t seq, struct ndc_str entry)
{
    struct replay *r = arg;
    struct json_object *o = NULL;
    (void)seq;
    r->entries++;
    if (!contains(entry, "\"purpose\":\"") || !contains(entry, "\"subjects\":[\""))
        return NDC_OK;
    if (ndc_json_parse(&o, entry, NULL)) return NDC_OK; /* `ndc audit verify` names it */
    count_entry(r, o);
    json_object_put(o);
    return NDC_OK;
}

enum ndc_err policy_replay(struct policy_service *service, struct ndc_audit *audit,
                           uint64_t from, uint64_t *entries, struct ndc_fault *fault)
{
    struct policy_lease lease = policy_service_take(service);
    struct replay r = {service, lease.table, 0};
    struct ndc_audit_query q = {.from_seq = from, .limit = PAGE};
    enum ndc_err err = NDC_OK;
    uint64_t next = from;
    while (!err && next != UINT64_MAX) {
        q.from_seq = next;
        err = ndc_audit_find(audit, &q, visit, &r, &next, fault);
    }
    policy_service_give(lease);
    *entries = r.entries;
    return err;
}

/* The policy hook: one registered decider per process, and what callers do with its
 * answer. Deciding itself is platform `policy`; without it everything is denied. */
#include "core/policy.h"

static const struct ndc_policy_ops *registered;
static void *registered_ctx;

void ndc_policy_register(const struct ndc_policy_ops *ops, void *ctx)
{
    registered = ops;
    registered_ctx = ctx;
}

static enum ndc_err no_policy(struct ndc_fault *fault)
{
    return ndc_fail(fault, NDC_EDENIED, "policy.absent",
                    "no policy is loaded, so every request is denied");
}

enum ndc_err ndc_policy_decide(struct ndc_policy_decision *out,
                               const struct ndc_policy_request *request,
                               struct ndc_fault *fault)
{
    if (registered) return registered->decide(registered_ctx, out, request, fault);
    *out = (struct ndc_policy_decision){.outcome = NDC_POLICY_DENY,
                                        .obligations = NDC_OBLIGE_LOG,
                                        .withheld = request->fields};
    return no_policy(fault);
}

enum ndc_err ndc_policy_explain(struct ndc_json *out,
                                const struct ndc_policy_request *request,
                                struct ndc_fault *fault)
{
    if (!registered) return no_policy(fault);
    return registered->explain(registered_ctx, out, request, fault);
}

struct ndc_class ndc_policy_field_class(unsigned field)
{
    if (registered) return registered->field_class(registered_ctx, field);
    const struct ndc_field *f = ndc_field_get(field);
    NDC_ASSERT(f);
    return f->class;
}

uint64_t ndc_policy_seen_subject(struct ndc_str requester, struct ndc_str purpose,
                                 struct ndc_str subject)
{
    if (!registered) return 0;
    return registered->seen_subject(registered_ctx, requester, purpose, subject);
}

bool ndc_policy_show(const struct ndc_policy_decision *decision, unsigned field,
                     struct ndc_str value, struct ndc_arena *arena, struct ndc_str *shown)
{
    if (ndc_field_set_has(&decision->shown, field)) {
        *shown = value;
        return true;
    }
    if (!ndc_field_set_has(&decision->masked, field)) return false;
    struct ndc_buf buf;
    ndc_buf_init(&buf, 4096);
    ndc_mask_apply(&buf, (enum ndc_mask)decision->mask[field], value);
    *shown = ndc_arena_str(arena, ndc_buf_str(&buf));
    ndc_buf_free(&buf);
    return true;
}

static const char *const kind_names[NDC_POLICY_KIND_COUNT] = {
    "anonymous", "person", "business", "official", "system", "operator", "platform"};
static const char *const action_names[NDC_POLICY_ACTION_COUNT] = {
    "read", "search", "match", "export", "write", "count"};
static const char *const consent_names[] = {"none", "given", "refused"};
static const char *const outcome_names[] = {"deny", "partial", "permit"};

static int find_word(struct ndc_str word, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (ndc_str_eq_c(word, names[i])) return (int)i;
    return -1;
}

#define NAME_AND_PARSE(area, type, names)                               \
    const char *ndc_policy_##area##_name(enum type value)               \
    {                                                                   \
        NDC_ASSERT((size_t)value < NDC_ARRAY_LEN(names));               \
        return names[value];                                            \
    }                                                                   \
    bool ndc_policy_##area##_parse(struct ndc_str word, enum type *out) \
    {                                                                   \
        int at = find_word(word, names, NDC_ARRAY_LEN(names));          \
        if (at >= 0) *out = (enum type)at;                              \
        return at >= 0;                                                 \
    }

NAME_AND_PARSE(kind, ndc_policy_kind, kind_names)
NAME_AND_PARSE(action, ndc_policy_action, action_names)
NAME_AND_PARSE(consent, ndc_policy_consent, consent_names)

const char *ndc_policy_outcome_name(enum ndc_policy_outcome outcome)
{
    NDC_ASSERT((size_t)outcome < NDC_ARRAY_LEN(outcome_names));
    return outcome_names[outcome];
}

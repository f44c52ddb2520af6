/* Who may see which datum for which purpose: the interface. Platform `policy` decides and
 * registers itself here; every other platform asks. With nothing registered every request
 * is denied.
 *
 *     struct ndc_policy_request q = {.principal = …, .purpose = NDC_STR("tax"), …};
 *     struct ndc_policy_decision d;
 *     TRY(ndc_policy_decide(&d, &q, fault));      NDC_EDENIED with the reason in words
 *     … for each field: ndc_policy_show(&d, id, value, out)
 *     … ndc_audit_append() with d.shown, d.outcome and d.rule before the reply leaves
 *
 * One decision holds for every subject of a batch, unless the rules ask for consent or
 * the subject is the caller: then decide per subject. */
#ifndef NDC_CORE_POLICY_H
#define NDC_CORE_POLICY_H

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "core/dictionary.h"
#include "core/mask.h"

enum ndc_policy_kind {
    NDC_POLICY_ANONYMOUS, /* nobody signed in: the public */
    NDC_POLICY_PERSON,    /* a citizen or resident on their own account */
    NDC_POLICY_BUSINESS,  /* a representative acting for an organisation */
    NDC_POLICY_OFFICIAL,  /* an official of an agency, signed in */
    NDC_POLICY_SYSTEM,    /* an agency's information system, by API key or certificate */
    NDC_POLICY_OPERATOR,  /* staff of the data centre */
    NDC_POLICY_PLATFORM,  /* ndc itself: jobs and platforms */
    NDC_POLICY_KIND_COUNT
};

enum ndc_policy_action {
    NDC_POLICY_READ,   /* one entity by its id */
    NDC_POLICY_SEARCH, /* a list by criteria */
    NDC_POLICY_MATCH,  /* "is this the person": yes or no and the id */
    NDC_POLICY_EXPORT, /* many at once, batch reads and files */
    NDC_POLICY_WRITE,  /* correct, review, merge */
    NDC_POLICY_COUNT,  /* figures without persons */
    NDC_POLICY_ACTION_COUNT
};

enum ndc_policy_consent {
    NDC_CONSENT_NONE, /* not asked */
    NDC_CONSENT_GIVEN,
    NDC_CONSENT_REFUSED /* asked and refused, or withdrawn */
};

enum { NDC_POLICY_ROLES_MAX = 32, NDC_POLICY_RULE_ID_MAX = 48 };

struct ndc_policy_request {
    enum ndc_policy_kind kind;
    struct ndc_str principal;    /* stable id of who asks */
    struct ndc_str agency;       /* code, empty if none */
    const struct ndc_str *roles; /* and permissions; at most ROLES_MAX are read */
    size_t role_count;
    struct ndc_str entity_id;   /* the caller's own entity in registry, if known */
    struct ndc_str purpose;     /* code of the purposes register */
    struct ndc_str legal_basis; /* as stated: law and article, or agreement number */
    enum ndc_policy_action action;
    enum ndc_entity entity;
    struct ndc_str subject; /* entity id; empty for searches and batches */
    struct ndc_field_set fields;
    enum ndc_policy_consent consent;
    /* Distinct subjects this caller has seen for this purpose, this request's included;
     * 0: the platform's own counter (which then counts `subject`). */
    uint64_t subjects;
};

enum ndc_policy_outcome { NDC_POLICY_DENY, NDC_POLICY_PARTIAL, NDC_POLICY_PERMIT };

enum ndc_policy_obligation {
    NDC_OBLIGE_LOG = 1,     /* the audit entry must be durable before the reply leaves */
    NDC_OBLIGE_NOTIFY = 2,  /* tell the subject */
    NDC_OBLIGE_ESCALATE = 4 /* a data officer must be told, the reply may leave */
};

struct ndc_policy_decision {
    enum ndc_policy_outcome outcome; /* PARTIAL: something was masked or withheld */
    unsigned obligations;
    struct ndc_field_set shown, masked, withheld; /* disjoint; together the request's */
    uint8_t mask[NDC_FIELDS_MAX];                 /* enum ndc_mask, for masked fields */
    uint16_t field_rule[NDC_FIELDS_MAX]; /* rule number in `version`, for explain */
    char rule[NDC_POLICY_RULE_ID_MAX];   /* id of the rule that decided the whole:
                            the one that denied, or the first that permitted */
    uint64_t version;                    /* of the rules */
};

struct ndc_policy_ops {
    /* Never blocks, never allocates; any thread. Fills *out whatever it returns:
     * NDC_EDENIED (fault: code "policy.<why>", message in words) when denied. A request
     * of which every field is withheld is denied. */
    enum ndc_err (*decide)(void *ctx, struct ndc_policy_decision *out,
                           const struct ndc_policy_request *request,
                           struct ndc_fault *fault);
    /* Writes {"outcome", "reason": {vi, en}, "fields": [{code, title, decision, mask,
     * rule, reason: {vi, en}, needed: {vi, en}}], …} as one JSON object. */
    enum ndc_err (*explain)(void *ctx, struct ndc_json *out,
                            const struct ndc_policy_request *request,
                            struct ndc_fault *fault);
    /* The class of a field in force, operator rules applied. */
    struct ndc_class (*field_class)(void *ctx, unsigned field);
    /* Counts a subject seen by (requester, purpose); returns the distinct count. Batches
     * and searches call it per subject, then decide with request.subjects. */
    uint64_t (*seen_subject)(void *ctx, struct ndc_str requester, struct ndc_str purpose,
                             struct ndc_str subject);
};

/* Process-wide, before threads start; NULL unregisters. */
void ndc_policy_register(const struct ndc_policy_ops *ops, void *ctx);

enum ndc_err ndc_policy_decide(struct ndc_policy_decision *out,
                               const struct ndc_policy_request *request,
                               struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_policy_explain(struct ndc_json *out,
                                const struct ndc_policy_request *request,
                                struct ndc_fault *fault) NDC_MUST_USE;
struct ndc_class ndc_policy_field_class(unsigned field);
uint64_t ndc_policy_seen_subject(struct ndc_str requester, struct ndc_str purpose,
                                 struct ndc_str subject);

/* The value as the decision lets it out: true with the text (masked into `arena` if
 * masked) in *shown, false if withheld. */
bool ndc_policy_show(const struct ndc_policy_decision *decision, unsigned field,
                     struct ndc_str value, struct ndc_arena *arena,
                     struct ndc_str *shown);

const char *ndc_policy_kind_name(enum ndc_policy_kind kind);
bool ndc_policy_kind_parse(struct ndc_str word, enum ndc_policy_kind *out);
const char *ndc_policy_action_name(enum ndc_policy_action action);
bool ndc_policy_action_parse(struct ndc_str word, enum ndc_policy_action *out);
const char *ndc_policy_consent_name(enum ndc_policy_consent consent);
bool ndc_policy_consent_parse(struct ndc_str word, enum ndc_policy_consent *out);
const char *ndc_policy_outcome_name(enum ndc_policy_outcome outcome);

#endif

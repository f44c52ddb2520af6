/* The compiled rules and their reading. */
#ifndef NDC_POLICY_TABLE_H
#define NDC_POLICY_TABLE_H

#include "platforms/policy/model.h"

/* One rule as decide.c tests it, the rarely needed last. 0 bits mean "no". */
struct policy_entry {
    uint64_t agencies[4]; /* bit per agency id; id 0 is "none or not named" */
    uint64_t roles;       /* any of them, or 0: not asked */
    uint64_t not_roles;   /* none of them */
    uint64_t subjects_over;
    uint8_t period; /* whose count subjects_over is compared with */
    uint8_t consents;
    int8_t self;
    uint8_t effect; /* enum policy_effect */
    int8_t mask;
    uint8_t obligations;
    bool any_agency;
    struct ndc_field_set fields[POLICY_LEVELS_MAX];
};

struct policy_slot {
    struct ndc_str word;
    uint16_t id;
};

/* String to small id, open addressing, read-only once built. */
struct policy_words_table {
    struct policy_slot *slots;
    uint64_t mask;
};

struct policy_table {
    uint64_t version;
    struct policy_set *set;
    struct policy_entry *entries; /* as set->rules */
    struct policy_words_table purposes, agencies, roles;
    struct ndc_str agency_words[POLICY_AGENCIES_MAX + 1];
    struct ndc_str role_words[POLICY_ROLES_MAX];
    size_t agency_count, role_count; /* agency ids from 1, roles from 0 */
    /* Volume: level i holds from bounds[i] subjects on; bounds[0] is 0. */
    uint64_t bounds[POLICY_LEVELS_MAX];
    size_t level_count;
    struct policy_periods periods;
    struct ndc_class classes[POLICY_LEVELS_MAX][NDC_FIELDS_MAX];
    struct ndc_field_set known; /* every field of the dictionary */
    struct ndc_field_set of_entity[NDC_ENTITY_COUNT];
    struct ndc_field_set personal; /* fields that are personal data */
    uint8_t default_mask[NDC_FIELDS_MAX];
    struct ndc_field_set ceiling[POLICY_PURPOSES_MAX][POLICY_LEVELS_MAX];
    /* Candidates of (purpose, action, entity, kind), deny rules first, closed by
     * POLICY_NO_RULE: offsets into `lists`. */
    uint32_t start[POLICY_PURPOSES_MAX][NDC_POLICY_ACTION_COUNT][NDC_ENTITY_COUNT]
                  [NDC_POLICY_KIND_COUNT];
    uint16_t *lists;
};

/* Id of a word, or `absent`. */
uint16_t policy_word_id(const struct policy_words_table *words, struct ndc_str word,
                        uint16_t absent);
size_t policy_level(const struct policy_table *table, uint64_t subjects);

/* Why a whole request is denied. */
enum policy_why {
    POLICY_WHY_NONE,
    POLICY_WHY_NO_PURPOSE,
    POLICY_WHY_UNKNOWN_PURPOSE,
    POLICY_WHY_KIND,    /* the purpose is not for this kind of caller */
    POLICY_WHY_ACTION,  /* … action */
    POLICY_WHY_ENTITY,  /* … entity */
    POLICY_WHY_BASIS,   /* a legal basis must be stated */
    POLICY_WHY_CONSENT, /* the subject's consent is needed */
    POLICY_WHY_RULE,    /* a deny rule */
    POLICY_WHY_NOTHING  /* no rule lets any of the fields be seen */
};

/* Decides without side effects. field_rule is POLICY_NO_RULE for fields that no rule
 * names or that the purpose does not cover. */
enum policy_why policy_table_decide(const struct policy_table *table,
                                    struct ndc_policy_decision *out,
                                    const struct ndc_policy_request *request);
/* The same with a count for each of table->periods; without, request->subjects is taken
 * for all of them, which errs to the safe side. */
enum policy_why policy_table_decide_counted(
    const struct policy_table *table, struct ndc_policy_decision *out,
    const struct ndc_policy_request *request,
    const uint64_t counts[static POLICY_PERIODS_MAX]);
/* Whether the rule applies because of the number of subjects alone: it would not to one
 * who has seen one. */
bool policy_rule_by_volume(const struct policy_table *table, size_t rule);

/* Whether rule number `rule` applies to the request but for its fields; *unmet gets a bit
 * per enum policy_condition that fails. */
enum policy_condition {
    POLICY_IF_KIND,
    POLICY_IF_AGENCY,
    POLICY_IF_NOT_AGENCY,
    POLICY_IF_ROLE,
    POLICY_IF_NOT_ROLE,
    POLICY_IF_PURPOSE,
    POLICY_IF_NOT_PURPOSE,
    POLICY_IF_ACTION,
    POLICY_IF_ENTITY,
    POLICY_IF_CONSENT,
    POLICY_IF_SELF,
    POLICY_IF_SUBJECTS,
    POLICY_CONDITION_COUNT
};
unsigned policy_unmet(const struct policy_table *table, size_t rule,
                      const struct ndc_policy_request *request);

/* One JSON object; see ndc_policy_ops. */
void policy_explain(const struct policy_table *table, struct ndc_json *out,
                    const struct ndc_policy_request *request);
/* Message and code of a denial, in English for the fault. A rule that denies for the
 * number of people seen has the code policy.volume; its message says how many were
 * counted, over which period, and which roles may go on. */
enum ndc_err policy_fault(const struct policy_table *table,
                          const struct ndc_policy_request *request,
                          const struct ndc_policy_decision *decision,
                          const uint64_t counts[static POLICY_PERIODS_MAX],
                          enum policy_why why, struct ndc_fault *fault);

/* Runs the set's tests; calls `told` for each. Returns the number that failed. */
size_t policy_run_tests(const struct policy_table *table,
                        void (*told)(void *arg, const struct policy_test *test, bool good,
                                     const char *why),
                        void *arg);

#endif

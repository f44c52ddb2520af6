/* Policy as data: what rule files say (parse.c), and the table it is compiled to
 * (compile.c) that decide.c reads. Everything of one version lives in one arena and never
 * changes. docs/policy.md explains the files and how decisions combine. */
#ifndef NDC_POLICY_MODEL_H
#define NDC_POLICY_MODEL_H

#include "base/arena.h"
#include "base/yaml.h"
#include "core/policy.h"

enum {
    POLICY_RULES_MAX = 1024,
    POLICY_PURPOSES_MAX = 128,
    POLICY_AGENCIES_MAX = 255, /* named in rules; others are agency 0 */
    POLICY_GROUPS_MAX = 64,
    POLICY_ROLES_MAX = 64, /* named in rules */
    POLICY_THRESHOLDS_MAX = 16,
    POLICY_LEVELS_MAX = 8,  /* of volume: thresholds with different counts, and none */
    POLICY_PERIODS_MAX = 4, /* different ones over which subjects are counted */
    POLICY_PERIOD_DAYS_MAX = 3660,
    POLICY_TESTS_MAX = 2048,
    POLICY_NO_RULE = 0xffff
};

struct policy_text {
    struct ndc_str vi, en;
};

/* Over how many days subjects are counted; 0: since counting began. The first is what
 * thresholds count over, and rules that name no period of their own. */
struct policy_periods {
    uint16_t days[POLICY_PERIODS_MAX];
    uint16_t count;
};

/* Fields by name and by class. A field is selected if it is in `named`, or if every class
 * mask that is given has its class; and it is not in `except`. */
struct policy_selector {
    struct ndc_field_set named, except;
    unsigned sharing, importance, personal; /* bit per enum value; 0: not given */
    bool by_class;                          /* at least one mask, or "all" */
};

struct policy_law {
    struct policy_text title;
};

struct policy_purpose {
    struct ndc_str code;
    struct policy_text title;
    struct policy_text *laws; /* on which it rests */
    size_t law_count;
    bool needs_basis, needs_consent;
    unsigned actions, entities, kinds; /* allowed: bit per enum value */
    struct policy_selector covers;
    struct ndc_str file;
    unsigned line;
};

struct policy_group {
    struct ndc_str code;
    struct policy_text title;
    struct ndc_str *agencies;
    size_t agency_count;
    unsigned line;
};

struct policy_agency {
    struct ndc_str code;
    struct policy_text title;
};

struct policy_threshold {
    unsigned sharing, personal; /* which classes: bit per enum value */
    uint64_t subjects;
    enum ndc_importance importance;
};

struct policy_class_change {
    uint16_t field;
    struct ndc_class class;
};

enum policy_effect { POLICY_SHOW, POLICY_MASK, POLICY_WITHHOLD, POLICY_DENY };

/* A list of words of a condition; `given` false: any. */
struct policy_words {
    bool given;
    struct ndc_str *words;
    size_t count;
};

struct policy_rule {
    struct ndc_str id;
    struct policy_text title;
    unsigned kinds, actions, entities, consents; /* bit per enum value; all when absent */
    struct policy_words agencies, not_agencies;  /* codes and "group:code" */
    struct policy_words roles, not_roles, purposes, not_purposes;
    int self;               /* 1: the subject is the caller; 0: is not; -1: either */
    uint64_t subjects_over; /* more distinct subjects than this; 0: any */
    int within_days;        /* counted over so many days; 0: ever; -1: not stated */
    struct policy_selector fields;
    enum policy_effect effect;
    int mask; /* enum ndc_mask, or -1: what suits the field */
    unsigned obligations;
    struct policy_text reason;
    struct ndc_str file;
    unsigned line;
};

struct policy_test {
    struct ndc_str name, file;
    unsigned line;
    struct ndc_policy_request request;
    bool expects_outcome;
    enum ndc_policy_outcome outcome;
    struct ndc_field_set show, withhold, masked;
    uint8_t mask[NDC_FIELDS_MAX]; /* 0: any mask */
    unsigned obligations;         /* these at least */
    struct ndc_str rule;          /* that decided, or empty */
};

/* What the files say. */
struct policy_set {
    struct ndc_arena arena;
    struct policy_purpose *purposes;
    struct policy_group *groups;
    struct policy_agency *agencies;
    struct policy_threshold *thresholds;
    struct policy_class_change *classes;
    struct policy_rule *rules;
    struct policy_test *tests;
    size_t purpose_count, group_count, agency_count, threshold_count, class_count,
        rule_count, test_count;
    size_t front_count;   /* rules at the front, from files added with `first` */
    uint16_t within_days; /* over which thresholds count; 0: ever */
};

/* Adds a file to the set. A purpose, group, rule or test whose code or name is there
 * already replaces it in place; `class` entries later win. New rules go after those there
 * are, or with `first` before them (and after earlier ones added so). The text is copied.
 * Faults: policy.* and yaml.* with line, field and the nearest word. */
void policy_set_init(struct policy_set *set);
void policy_set_free(struct policy_set *set);
enum ndc_err policy_set_add(struct policy_set *set, const char *file, struct ndc_str yaml,
                            bool first, struct ndc_fault *fault) NDC_MUST_USE;

struct policy_table;

/* Checks that every word a rule uses is known, and compiles. Takes the set (from malloc)
 * over, also on failure. The table owns it. */
enum ndc_err policy_compile(struct policy_table **out, struct policy_set *set,
                            uint64_t version, struct ndc_fault *fault) NDC_MUST_USE;
void policy_table_free(struct policy_table *table);

#endif

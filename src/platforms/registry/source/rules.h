/* Row rules: small comparisons between a record's fields, declared in the source's YAML.
 *
 *     check: "death_date >= birth_date"        field against field
 *     check: "birth_date <= today"             or today
 *     check: "employee_count >= 0"             or a number
 *     check: "marital_status != 'married' or spouse_name"   or; a bare field: has a value
 *
 * Grammar: check = all {"or" all}; all = term {"and" term}; term = ["not"] operand
 * [compare operand] | "(" check ")". A comparison with a missing field holds: missing is
 * the criterion of another rule. Dates compare as far as both are known. */
#ifndef NDC_REGISTRY_RULES_H
#define NDC_REGISTRY_RULES_H

#include "platforms/registry/load/record.h"
#include "platforms/registry/source/source.h"

enum { NDC_RULE_STEPS_MAX = 48 };

struct ndc_rule_operand {
    const struct ndc_field *field; /* NULL: the constant */
    bool today, number;
    struct ndc_str text;
    double value;
};

enum ndc_rule_op {
    NDC_RULE_EQ,
    NDC_RULE_NE,
    NDC_RULE_LT,
    NDC_RULE_LE,
    NDC_RULE_GT,
    NDC_RULE_GE,
    NDC_RULE_HAS,
    NDC_RULE_NOT,
    NDC_RULE_AND,
    NDC_RULE_OR
};

/* Postfix: comparisons and HAS push a truth, NOT changes it, AND and OR join two. */
struct ndc_rule_step {
    enum ndc_rule_op op;
    struct ndc_rule_operand left, right;
};

struct ndc_source_rule {
    struct ndc_str name, check;
    struct ndc_title title;
    enum ndc_criterion criterion;
    bool blocks; /* a row that breaks it goes to quarantine; else it is only counted */
    unsigned step_count;
    struct ndc_rule_step steps[NDC_RULE_STEPS_MAX];
};

/* Compiles rule->check for an entity's fields; `line` is for the complaint. */
enum ndc_err ndc_rule_compile(struct ndc_source_rule *rule, enum ndc_entity entity,
                              unsigned line, struct ndc_fault *fault) NDC_MUST_USE;
/* The same for a source: of things with the fields of its own. */
struct ndc_source;
enum ndc_err ndc_rule_compile_of(struct ndc_source_rule *rule,
                                 const struct ndc_source *source, unsigned line,
                                 struct ndc_fault *fault) NDC_MUST_USE;
/* Whether the record keeps the rule. `today` is YYYY-MM-DD. */
bool ndc_rule_holds(const struct ndc_source_rule *rule, const struct ndc_record *record,
                    struct ndc_str today);

#endif

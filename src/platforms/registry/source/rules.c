/* Row rules: a recursive descent compiler to postfix steps, and their evaluation. */
#include "platforms/registry/source/rules.h"

#include "base/str.h"

#include <stdio.h>

enum { DEPTH_MAX = 8 };

struct parser {
    struct ndc_source_rule *rule;
    enum ndc_entity entity;
    const struct ndc_source *thing; /* whose own fields are meant; NULL: the dictionary */
    unsigned line, depth;
    struct ndc_str rest, token;
    struct ndc_fault *fault;
};

static bool word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '.';
}

/* The next token into p->token: a word, a quoted text with its quotes, or an operator. */
static void next_token(struct parser *p)
{
    struct ndc_str s = ndc_str_trim(p->rest);
    size_t n = 0;
    if (s.len == 0) {
        p->token = p->rest = NDC_STR_NULL;
        return;
    }
    if (s.ptr[0] == '\'') {
        n = ndc_str_find(ndc_str_from(s, 1), '\'') + 2;
        n = NDC_MIN(n, s.len);
    } else if (word_char(s.ptr[0]) || (s.ptr[0] == '-' && s.len > 1)) {
        for (n = 1; n < s.len && word_char(s.ptr[n]); n++) {
        }
    } else {
        n = s.len > 1 && s.ptr[1] == '=' ? 2 : 1;
    }
    p->token = ndc_str_n(s.ptr, n);
    p->rest = ndc_str_from(s, n);
}

static enum ndc_err complain(struct parser *p, const char *what)
{
    return ndc_fail_at(p->fault, NDC_EINPUT, "source.rule", "check", p->line,
                       "line %u: rule \"%.*s\": %s at \"%.*s\"", p->line,
                       NDC_STR_FMT(p->rule->name), what,
                       NDC_STR_FMT(p->token.len ? p->token : NDC_STR("the end")));
}

static enum ndc_err add_step(struct parser *p, struct ndc_rule_step step)
{
    if (p->rule->step_count >= NDC_RULE_STEPS_MAX) return complain(p, "too long a rule");
    p->rule->steps[p->rule->step_count++] = step;
    return NDC_OK;
}

static enum ndc_err read_operand(struct parser *p, struct ndc_rule_operand *out)
{
    struct ndc_str t = p->token;
    *out = (struct ndc_rule_operand){0};
    const struct ndc_source_field *own =
        p->thing ? ndc_source_own_field(p->thing, t) : NULL;
    if (own) {
        out->field = own->field;
    } else if (t.len >= 2 && t.ptr[0] == '\'' && t.ptr[t.len - 1] == '\'') {
        out->text = ndc_str_n(t.ptr + 1, t.len - 2);
    } else if (ndc_str_eq(t, NDC_STR("today"))) {
        out->today = true;
    } else if (ndc_str_to_f64(t, &out->value)) {
        out->number = true;
        out->text = t;
    } else if (p->thing) {
        return complain(p, "no field of this dataset");
    } else {
        out->field = ndc_field_find(t);
        if (!out->field) {
            const char *near = ndc_field_nearest(t);
            char what[160];
            snprintf(what, sizeof(what), "unknown field%s%s%s",
                     near ? " (did you mean \"" : "", near ? near : "",
                     near ? "\"?)" : "");
            return complain(p, what);
        }
        if (out->field->entity != p->entity)
            return complain(p, "a field of another entity");
    }
    next_token(p);
    return NDC_OK;
}

static bool compare_op(struct ndc_str t, enum ndc_rule_op *op)
{
    static const struct {
        const char *text;
        enum ndc_rule_op op;
    } ops[] = {{"=", NDC_RULE_EQ}, {"==", NDC_RULE_EQ}, {"!=", NDC_RULE_NE},
               {"<", NDC_RULE_LT}, {"<=", NDC_RULE_LE}, {">", NDC_RULE_GT},
               {">=", NDC_RULE_GE}};
    for (size_t i = 0; i < NDC_ARRAY_LEN(ops); i++) {
        if (!ndc_str_eq_c(t, ops[i].text)) continue;
        *op = ops[i].op;
        return true;
    }
    return false;
}

static enum ndc_err parse_any(struct parser *p);

static enum ndc_err parse_term(struct parser *p)
{
    enum ndc_err err;
    if (ndc_str_eq(p->token, NDC_STR("not"))) {
        next_token(p);
        if (++p->depth > DEPTH_MAX) return complain(p, "nested too deep");
        err = parse_term(p);
        p->depth--;
        return err ? err : add_step(p, (struct ndc_rule_step){.op = NDC_RULE_NOT});
    }
    if (ndc_str_eq(p->token, NDC_STR("("))) {
        next_token(p);
        if (++p->depth > DEPTH_MAX) return complain(p, "nested too deep");
        if ((err = parse_any(p))) return err;
        p->depth--;
        if (!ndc_str_eq(p->token, NDC_STR(")"))) return complain(p, "expected \")\"");
        next_token(p);
        return NDC_OK;
    }
    struct ndc_rule_step step = {.op = NDC_RULE_HAS};
    if (p->token.len == 0) return complain(p, "expected a field");
    if ((err = read_operand(p, &step.left))) return err;
    if (compare_op(p->token, &step.op)) {
        next_token(p);
        if (p->token.len == 0) return complain(p, "expected a value");
        if ((err = read_operand(p, &step.right))) return err;
    } else if (!step.left.field) {
        return complain(p, "expected a comparison");
    }
    return add_step(p, step);
}

static enum ndc_err parse_all(struct parser *p)
{
    enum ndc_err err = parse_term(p);
    while (!err && ndc_str_eq(p->token, NDC_STR("and"))) {
        next_token(p);
        if (!(err = parse_term(p)))
            err = add_step(p, (struct ndc_rule_step){.op = NDC_RULE_AND});
    }
    return err;
}

static enum ndc_err parse_any(struct parser *p)
{
    enum ndc_err err = parse_all(p);
    while (!err && ndc_str_eq(p->token, NDC_STR("or"))) {
        next_token(p);
        if (!(err = parse_all(p)))
            err = add_step(p, (struct ndc_rule_step){.op = NDC_RULE_OR});
    }
    return err;
}

static enum ndc_err compile(struct parser *p)
{
    p->rest = p->rule->check;
    p->rule->step_count = 0;
    next_token(p);
    enum ndc_err err = parse_any(p);
    if (!err && p->token.len) err = complain(p, "unexpected text");
    return err;
}

enum ndc_err ndc_rule_compile(struct ndc_source_rule *rule, enum ndc_entity entity,
                              unsigned line, struct ndc_fault *fault)
{
    struct parser p = {.rule = rule, .entity = entity, .line = line, .fault = fault};
    return compile(&p);
}

enum ndc_err ndc_rule_compile_of(struct ndc_source_rule *rule,
                                 const struct ndc_source *source, unsigned line,
                                 struct ndc_fault *fault)
{
    struct parser p = {.rule = rule,
                       .entity = source->entity,
                       .thing = source->thing ? source : NULL,
                       .line = line,
                       .fault = fault};
    return compile(&p);
}

/* The operand's text; false if its field has none. */
static bool operand_text(const struct ndc_rule_operand *o, const struct ndc_record *r,
                         struct ndc_str today, struct ndc_str *out)
{
    if (o->field) {
        const struct ndc_record_field *f = ndc_record_find(r, o->field->id);
        if (!f) return false;
        *out = f->value;
        return true;
    }
    *out = o->today ? today : o->text;
    return true;
}

static bool is_date(const struct ndc_rule_operand *o)
{
    return o->today || (o->field && (o->field->kind == NDC_VALUE_DATE ||
                                     o->field->kind == NDC_VALUE_TIME));
}

static bool holds_comparison(const struct ndc_rule_step *s, const struct ndc_record *r,
                             struct ndc_str today)
{
    struct ndc_str a, b;
    double x, y;
    int c;
    if (!operand_text(&s->left, r, today, &a) || !operand_text(&s->right, r, today, &b))
        return true;
    if (is_date(&s->left) || is_date(&s->right)) {
        size_t known = NDC_MIN(a.len, b.len); /* ISO dates: a prefix is what is known */
        c = memcmp(a.ptr, b.ptr, known);
        if (c == 0 && a.len != b.len) return s->op != NDC_RULE_NE;
    } else if (ndc_str_to_f64(a, &x) && ndc_str_to_f64(b, &y)) {
        c = x < y ? -1 : x > y;
    } else {
        c = ndc_str_cmp(a, b);
    }
    switch (s->op) {
    case NDC_RULE_EQ:
        return c == 0;
    case NDC_RULE_NE:
        return c != 0;
    case NDC_RULE_LT:
        return c < 0;
    case NDC_RULE_LE:
        return c <= 0;
    case NDC_RULE_GT:
        return c > 0;
    default:
        return c >= 0;
    }
}

bool ndc_rule_holds(const struct ndc_source_rule *rule, const struct ndc_record *r,
                    struct ndc_str today)
{
    bool stack[NDC_RULE_STEPS_MAX] = {0};
    unsigned top = 0;
    for (unsigned i = 0; i < rule->step_count; i++) {
        const struct ndc_rule_step *s = &rule->steps[i];
        if (s->op == NDC_RULE_NOT) {
            stack[top - 1] = !stack[top - 1];
        } else if (s->op == NDC_RULE_AND || s->op == NDC_RULE_OR) {
            top--;
            stack[top - 1] = s->op == NDC_RULE_AND ? stack[top - 1] && stack[top]
                                                   : stack[top - 1] || stack[top];
        } else if (s->op == NDC_RULE_HAS) {
            stack[top++] = ndc_record_find(r, s->left.field->id) != NULL;
        } else {
            stack[top++] = holds_comparison(s, r, today);
        }
    }
    NDC_ASSERT(top == 1);
    return stack[0];
}

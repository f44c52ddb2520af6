/* Compact schemas: a recursive-descent parser over at most a few hundred bytes that the
 * program itself contains, a checker for json-c trees, and a JSON Schema writer. */
#include "core/schema.h"

#include "base/date.h"
#include "base/utf8.h"

#include <stdio.h>

enum { MEMBERS_MAX = 64, DEPTH_MAX = 16, POINTER_MAX = 90 };

enum kind {
    K_STRING,
    K_INT,
    K_NUMBER,
    K_BOOL,
    K_DATE,
    K_TIME,
    K_ANY,
    K_ENUM,
    K_ARRAY,
    K_OBJECT,
    K_RAW
};

struct member {
    const char *name;
    struct ndc_schema *type;
    bool required;
    struct ndc_str fallback; /* NULL pointer: none */
};

struct ndc_schema {
    enum kind kind;
    bool nullable, ranged, open; /* open: any member name, of type `item` */
    int64_t min, max;
    struct ndc_schema *item;
    struct member *members;
    const char **names; /* of members, or the enum's words */
    size_t n;
    struct ndc_str raw;
};

struct parser {
    struct ndc_arena *arena;
    const char *text, *at;
    unsigned depth;
    struct ndc_fault *fault;
};

static enum ndc_err parse_type(struct parser *p, struct ndc_schema **out);

static void skip(struct parser *p)
{
    while (*p->at == ' ' || *p->at == '\n' || *p->at == '\t')
        p->at++;
}

static bool take(struct parser *p, char c)
{
    skip(p);
    if (*p->at != c) return false;
    p->at++;
    return true;
}

static enum ndc_err wrong(struct parser *p, const char *want)
{
    return ndc_fail(p->fault, NDC_EINTERNAL, "schema.syntax",
                    "schema \"%.200s\": expected %s at byte %zu", p->text, want,
                    (size_t)(p->at - p->text));
}

static bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '-' || c == '.' || c == '+';
}

static struct ndc_str take_word(struct parser *p)
{
    skip(p);
    const char *start = p->at;
    while (is_word_byte(*p->at))
        p->at++;
    return ndc_str_n(start, (size_t)(p->at - start));
}

static bool take_bound(struct parser *p, int64_t *out)
{
    skip(p);
    const char *start = p->at;
    if (*p->at == '-') p->at++;
    while (*p->at >= '0' && *p->at <= '9')
        p->at++;
    return ndc_str_to_i64(ndc_str_n(start, (size_t)(p->at - start)), out);
}

/* [1..1000], [..64], [1..] */
static enum ndc_err parse_range(struct parser *p, struct ndc_schema *type)
{
    skip(p);
    if (*p->at != '[') return NDC_OK;
    p->at++;
    type->ranged = true;
    type->min = type->kind == K_INT || type->kind == K_NUMBER ? INT64_MIN : 0;
    type->max = INT64_MAX;
    skip(p);
    if (*p->at != '.' && !take_bound(p, &type->min)) return wrong(p, "a number");
    bool dot = take(p, '.');
    if (!dot || !take(p, '.')) return wrong(p, "..");
    skip(p);
    if (*p->at != ']' && !take_bound(p, &type->max)) return wrong(p, "a number");
    return take(p, ']') ? NDC_OK : wrong(p, "]");
}

static enum ndc_err parse_member(struct parser *p, struct ndc_schema *type,
                                 struct member *list)
{
    if (take(p, '*')) {
        type->open = true;
        if (!take(p, ':')) return wrong(p, ":");
        return parse_type(p, &type->item);
    }
    struct ndc_str name = take_word(p);
    if (name.len == 0) return wrong(p, "a member's name");
    if (type->n == MEMBERS_MAX) return wrong(p, "fewer members");
    struct member *m = &list[type->n++];
    *m = (struct member){.name = ndc_arena_cstr(p->arena, name)};
    m->required = !take(p, '?');
    if (!take(p, ':')) return wrong(p, ":");
    enum ndc_err err = parse_type(p, &m->type);
    if (err != NDC_OK || !take(p, '=')) return err;
    m->fallback = take_word(p);
    m->required = false;
    return NDC_OK;
}

static enum ndc_err parse_object(struct parser *p, struct ndc_schema *type)
{
    struct member list[MEMBERS_MAX];
    type->kind = K_OBJECT;
    while (!take(p, '}')) {
        enum ndc_err err = parse_member(p, type, list);
        if (err != NDC_OK) return err;
        skip(p);
        if (!take(p, ',') && *p->at != '}') return wrong(p, ", or }");
    }
    type->members = NDC_ARENA_ARRAY(p->arena, struct member, type->n + 1);
    type->names = NDC_ARENA_ARRAY(p->arena, const char *, type->n + 1);
    for (size_t i = 0; i < type->n; i++) {
        type->members[i] = list[i];
        type->names[i] = list[i].name;
    }
    return NDC_OK;
}

static enum ndc_err parse_enum(struct parser *p, struct ndc_schema *type)
{
    const char *words[MEMBERS_MAX];
    type->kind = K_ENUM;
    do {
        struct ndc_str word = take_word(p);
        if (word.len == 0) return wrong(p, "a word");
        if (type->n == MEMBERS_MAX) return wrong(p, "fewer members");
        words[type->n++] = ndc_arena_cstr(p->arena, word);
    } while (take(p, '|'));
    if (!take(p, ')')) return wrong(p, "| or )");
    type->names = NDC_ARENA_ARRAY(p->arena, const char *, type->n);
    memcpy(type->names, words, type->n * sizeof(words[0]));
    return NDC_OK;
}

static enum ndc_err parse_base(struct parser *p, struct ndc_schema *type)
{
    static const char *const words[] = {"string", "int",  "number", "bool",
                                        "date",   "time", "any"};
    struct ndc_str word = take_word(p);
    for (size_t i = 0; i < NDC_ARRAY_LEN(words); i++) {
        if (!ndc_str_eq_c(word, words[i])) continue;
        type->kind = (enum kind)i;
        return parse_range(p, type);
    }
    p->at -= word.len;
    return wrong(p, "a type");
}

static enum ndc_err parse_type(struct parser *p, struct ndc_schema **out)
{
    struct ndc_schema *type = NDC_ARENA_NEW(p->arena, struct ndc_schema);
    enum ndc_err err;
    *out = type;
    if (++p->depth > DEPTH_MAX) return wrong(p, "less depth");
    if (take(p, '{')) {
        err = parse_object(p, type);
    } else if (take(p, '(')) {
        err = parse_enum(p, type);
    } else if (take(p, '[')) {
        type->kind = K_ARRAY;
        err = parse_type(p, &type->item);
        if (err == NDC_OK && !take(p, ']')) err = wrong(p, "]");
        if (err == NDC_OK) err = parse_range(p, type);
    } else {
        err = parse_base(p, type);
    }
    p->depth--;
    skip(p);
    if (err == NDC_OK && strncmp(p->at, "|null", 5) == 0) {
        p->at += 5;
        type->nullable = true;
    }
    return err;
}

enum ndc_err ndc_schema_parse(struct ndc_arena *arena, const char *text,
                              struct ndc_schema **out, struct ndc_fault *fault)
{
    struct parser p = {.arena = arena, .text = text, .at = text, .fault = fault};
    skip(&p);
    if (p.at[0] == '{' && p.at[1] == '"') {
        *out = NDC_ARENA_NEW(arena, struct ndc_schema);
        (*out)->kind = K_RAW;
        (*out)->raw = ndc_str(text);
        return NDC_OK;
    }
    enum ndc_err err = parse_type(&p, out);
    skip(&p);
    if (err == NDC_OK && *p.at) err = wrong(&p, "the end");
    return err;
}

/* Checking. `at` is the JSON pointer so far. */
struct checker {
    char at[POINTER_MAX];
    size_t len;
    struct ndc_fault *fault;
};

static size_t enter(struct checker *c, const char *name)
{
    size_t before = c->len;
    int n = snprintf(c->at + c->len, sizeof(c->at) - c->len, "/%s", name);
    if (n > 0) c->len = NDC_MIN(c->len + (size_t)n, sizeof(c->at) - 1);
    return before;
}

static void leave(struct checker *c, size_t before)
{
    c->len = before;
    c->at[before] = 0;
}

static enum ndc_err mistyped(const char *field, const struct ndc_schema *type,
                             struct ndc_fault *fault)
{
    static const char *const words[] = {"text",
                                        "a whole number",
                                        "a number",
                                        "true or false",
                                        "a date (YYYY-MM-DD)",
                                        "a time (RFC 3339)",
                                        "any value",
                                        "",
                                        "a list",
                                        "an object",
                                        ""};
    if (type->kind != K_ENUM)
        return ndc_fail_at(fault, NDC_EINPUT, "request.type", field, 0,
                           "%s: expected %s%s", *field ? field : "the body",
                           words[type->kind], type->nullable ? " or null" : "");
    char list[256];
    size_t len = 0;
    for (size_t i = 0; i < type->n && len < sizeof(list) - 1; i++) {
        int n = snprintf(list + len, sizeof(list) - len, "%s%s", i ? ", " : "",
                         type->names[i]);
        len = NDC_MIN(len + (size_t)n, sizeof(list) - 1);
    }
    return ndc_fail_at(fault, NDC_EINPUT, "request.choice", field, 0,
                       "%s: expected one of %s", *field ? field : "the body", list);
}

static enum ndc_err check_range(const char *field, const struct ndc_schema *type,
                                int64_t v, struct ndc_fault *fault)
{
    if (!type->ranged || (v >= type->min && v <= type->max)) return NDC_OK;
    const char *what = type->kind == K_STRING  ? " bytes"
                       : type->kind == K_ARRAY ? " items"
                                               : "";
    field = *field ? field : "the body";
    if (type->max == INT64_MAX)
        return ndc_fail_at(fault, NDC_EINPUT, "request.range", field, 0,
                           "%s: at least %lld%s", field, (long long)type->min, what);
    if (type->min == INT64_MIN)
        return ndc_fail_at(fault, NDC_EINPUT, "request.range", field, 0,
                           "%s: at most %lld%s", field, (long long)type->max, what);
    return ndc_fail_at(fault, NDC_EINPUT, "request.range", field, 0,
                       "%s: between %lld and %lld%s", field, (long long)type->min,
                       (long long)type->max, what);
}

static bool is_word_of(const struct ndc_schema *type, struct ndc_str text)
{
    for (size_t i = 0; i < type->n; i++)
        if (ndc_str_eq_c(text, type->names[i])) return true;
    return false;
}

static bool text_fits(const struct ndc_schema *type, struct ndc_str text)
{
    struct ndc_date date;
    int64_t ms;
    switch (type->kind) {
    case K_DATE:
        return ndc_date_parse_iso(text, &date);
    case K_TIME:
        return ndc_time_parse(text, &ms);
    case K_ENUM:
        return is_word_of(type, text);
    default:
        return true;
    }
}

static enum ndc_err check_value(struct checker *c, const struct ndc_schema *type,
                                struct json_object *value);

static enum ndc_err check_members(struct checker *c, const struct ndc_schema *type,
                                  struct json_object *value)
{
    enum ndc_err err = NDC_OK;
    for (size_t i = 0; i < type->n; i++) {
        struct json_object *ignored;
        if (!type->members[i].required ||
            json_object_object_get_ex(value, type->names[i], &ignored))
            continue;
        enter(c, type->names[i]);
        return ndc_fail_at(c->fault, NDC_EINPUT, "request.missing", c->at, 0,
                           "%s is missing", c->at);
    }
    json_object_object_foreach(value, key, member)
    {
        size_t i = ndc_schema_find(type, ndc_str(key));
        size_t before = enter(c, key);
        if (i != SIZE_MAX) {
            bool absent = !member && !type->members[i].required; /* null: not given */
            if (!absent) err = check_value(c, type->members[i].type, member);
        } else if (type->open) {
            err = check_value(c, type->item, member);
        } else {
            const char *nearest = ndc_schema_nearest(type, ndc_str(key));
            err = ndc_fail_at(c->fault, NDC_EINPUT, "request.unknown", c->at, 0,
                              "%s is not known%s%s%s", c->at,
                              nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                              nearest ? "\"?" : "");
        }
        if (err != NDC_OK) return err;
        leave(c, before);
    }
    return NDC_OK;
}

static enum ndc_err check_items(struct checker *c, const struct ndc_schema *type,
                                struct json_object *value)
{
    size_t n = json_object_array_length(value);
    enum ndc_err err = check_range(c->at, type, (int64_t)n, c->fault);
    for (size_t i = 0; i < n && err == NDC_OK; i++) {
        char index[24];
        snprintf(index, sizeof(index), "%zu", i);
        size_t before = enter(c, index);
        err = check_value(c, type->item, json_object_array_get_idx(value, i));
        leave(c, before);
    }
    return err;
}

static enum ndc_err check_scalar(struct checker *c, const struct ndc_schema *type,
                                 struct json_object *value)
{
    enum json_type got = json_object_get_type(value);
    enum json_type want = type->kind == K_INT      ? json_type_int
                          : type->kind == K_NUMBER ? json_type_double
                          : type->kind == K_BOOL   ? json_type_boolean
                                                   : json_type_string;
    bool fits = got == want || (type->kind == K_NUMBER && got == json_type_int);
    if (!fits) return mistyped(c->at, type, c->fault);
    if (want == json_type_string) {
        struct ndc_str text = ndc_str_n(json_object_get_string(value),
                                        (size_t)json_object_get_string_len(value));
        if (!text_fits(type, text)) return mistyped(c->at, type, c->fault);
        return check_range(c->at, type, (int64_t)text.len, c->fault);
    }
    if (type->kind == K_INT)
        return check_range(c->at, type, json_object_get_int64(value), c->fault);
    if (type->kind == K_NUMBER && type->ranged) {
        double v = json_object_get_double(value);
        if (!(v >= (double)type->min && v <= (double)type->max))
            return check_range(c->at, type, v < 0 ? INT64_MIN : INT64_MAX, c->fault);
    }
    return NDC_OK;
}

static enum ndc_err check_value(struct checker *c, const struct ndc_schema *type,
                                struct json_object *value)
{
    if (type->kind == K_ANY || type->kind == K_RAW || (!value && type->nullable))
        return NDC_OK;
    if (type->kind == K_OBJECT)
        return json_object_is_type(value, json_type_object)
                   ? check_members(c, type, value)
                   : mistyped(c->at, type, c->fault);
    if (type->kind == K_ARRAY)
        return json_object_is_type(value, json_type_array)
                   ? check_items(c, type, value)
                   : mistyped(c->at, type, c->fault);
    return check_scalar(c, type, value);
}

enum ndc_err ndc_schema_check(const struct ndc_schema *schema, struct json_object *value,
                              struct ndc_fault *fault)
{
    struct checker c = {.fault = fault};
    return check_value(&c, schema, value);
}

enum ndc_err ndc_schema_check_text(const struct ndc_schema *type, const char *field,
                                   struct ndc_str text, struct ndc_fault *fault)
{
    int64_t i;
    double f;
    switch (type->kind) {
    case K_INT:
        if (!ndc_str_to_i64(text, &i)) return mistyped(field, type, fault);
        return check_range(field, type, i, fault);
    case K_NUMBER:
        return ndc_str_to_f64(text, &f) ? NDC_OK : mistyped(field, type, fault);
    case K_BOOL:
        return ndc_str_eq_c(text, "true") || ndc_str_eq_c(text, "false")
                   ? NDC_OK
                   : mistyped(field, type, fault);
    case K_STRING:
        return check_range(field, type, (int64_t)text.len, fault);
    default:
        return text_fits(type, text) ? NDC_OK : mistyped(field, type, fault);
    }
}

size_t ndc_schema_members(const struct ndc_schema *schema)
{
    return schema->kind == K_OBJECT ? schema->n : 0;
}

const char *ndc_schema_member(const struct ndc_schema *schema, size_t i,
                              const struct ndc_schema **type, bool *required,
                              struct ndc_str *fallback)
{
    const struct member *m = &schema->members[i];
    *type = m->type;
    *required = m->required;
    *fallback = m->fallback;
    return m->name;
}

size_t ndc_schema_find(const struct ndc_schema *schema, struct ndc_str name)
{
    for (size_t i = 0; i < ndc_schema_members(schema); i++)
        if (ndc_str_eq_c(name, schema->names[i])) return i;
    return SIZE_MAX;
}

const char *ndc_schema_nearest(const struct ndc_schema *schema, struct ndc_str name)
{
    return ndc_str_nearest(name, schema->names, ndc_schema_members(schema));
}

static void write_range(const struct ndc_schema *type, struct ndc_json *out,
                        const char *min, const char *max)
{
    if (!type->ranged) return;
    if (type->min != INT64_MIN && !(type->min == 0 && type->kind == K_STRING))
        ndc_json_kv_i64(out, min, type->min);
    if (type->max != INT64_MAX) ndc_json_kv_i64(out, max, type->max);
}

static void write_type_name(const struct ndc_schema *type, struct ndc_json *out)
{
    static const char *const words[] = {"string", "integer", "number", "boolean",
                                        "string", "string",  "",       "string",
                                        "array",  "object"};
    ndc_json_key(out, "type");
    if (type->nullable) {
        ndc_json_array(out);
        ndc_json_c(out, words[type->kind]);
        ndc_json_c(out, "null");
        ndc_json_end(out);
    } else {
        ndc_json_c(out, words[type->kind]);
    }
}

static void write_object(const struct ndc_schema *type, struct ndc_json *out)
{
    bool any_required = false;
    ndc_json_key(out, "properties");
    ndc_json_object(out);
    for (size_t i = 0; i < type->n; i++) {
        any_required = any_required || type->members[i].required;
        ndc_json_key(out, type->names[i]);
        ndc_schema_write(type->members[i].type, out);
    }
    ndc_json_end(out);
    if (any_required) {
        ndc_json_key(out, "required");
        ndc_json_array(out);
        for (size_t i = 0; i < type->n; i++)
            if (type->members[i].required) ndc_json_c(out, type->names[i]);
        ndc_json_end(out);
    }
    ndc_json_key(out, "additionalProperties");
    if (type->open)
        ndc_schema_write(type->item, out);
    else
        ndc_json_bool(out, false);
}

void ndc_schema_write(const struct ndc_schema *type, struct ndc_json *out)
{
    if (type->kind == K_RAW) {
        ndc_json_raw(out, type->raw);
        return;
    }
    ndc_json_object(out);
    if (type->kind != K_ANY) write_type_name(type, out);
    if (type->kind == K_DATE) ndc_json_kv_c(out, "format", "date");
    if (type->kind == K_TIME) ndc_json_kv_c(out, "format", "date-time");
    if (type->kind == K_STRING) write_range(type, out, "minLength", "maxLength");
    if (type->kind == K_INT || type->kind == K_NUMBER)
        write_range(type, out, "minimum", "maximum");
    if (type->kind == K_ARRAY) {
        ndc_json_key(out, "items");
        ndc_schema_write(type->item, out);
        write_range(type, out, "minItems", "maxItems");
    }
    if (type->kind == K_ENUM) {
        ndc_json_key(out, "enum");
        ndc_json_array(out);
        for (size_t i = 0; i < type->n; i++)
            ndc_json_c(out, type->names[i]);
        if (type->nullable) ndc_json_null(out);
        ndc_json_end(out);
    }
    if (type->kind == K_OBJECT) write_object(type, out);
    ndc_json_end(out);
}

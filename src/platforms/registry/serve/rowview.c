/* Raw rows as policy lets them out. */
#include "platforms/registry/serve/rowview.h"

#include "platforms/registry/source/rules.h"

enum { SCRATCH_MAX = 16 << 20 };

/* The dictionary field as which a column's values are treated; NULL: none. */
static const struct ndc_field *treated_as(const struct ndc_source *s,
                                          const struct ndc_source_field *f)
{
    return s->thing ? f->as : f->field;
}

/* Returns of what kind of entity the fields are. */
static enum ndc_entity ask_for(const struct ndc_source *s, struct ndc_field_set *fields)
{
    enum ndc_entity entity = s->thing ? NDC_ENTITY_ORGANISATION : s->entity;
    for (unsigned i = 0; i < s->field_count; i++) {
        const struct ndc_field *as = treated_as(s, &s->fields[i]);
        if (!as) continue;
        ndc_field_set_add(fields, as->id);
        if (as->entity == NDC_ENTITY_PERSON) entity = NDC_ENTITY_PERSON;
    }
    if (!ndc_field_set_empty(fields)) return entity;
    /* A source that maps nothing still tells of whom it has rows. */
    const char *who = entity == NDC_ENTITY_PERSON ? "person_id" : "org_id";
    ndc_field_set_add(fields, ndc_field_find(ndc_str(who))->id);
    return entity;
}

enum ndc_err ndc_row_view(const struct ndc_request *req, enum ndc_policy_action action,
                          const struct ndc_source *source, struct ndc_row_view *out,
                          struct ndc_fault *fault)
{
    struct ndc_policy_request q;
    *out = (struct ndc_row_view){.source = source};
    ndc_request_policy(req, &q);
    q.action = action;
    q.entity = ask_for(source, &q.fields);
    enum ndc_err err = ndc_policy_decide(&out->decision, &q, fault);
    const struct ndc_policy_decision *d = &out->decision;
    out->unmapped = err || !ndc_field_set_empty(&d->withheld) ? NDC_SHOWN_NOT
                    : !ndc_field_set_empty(&d->masked)        ? NDC_SHOWN_MASKED
                                                              : NDC_SHOWN_WHOLE;
    return err;
}

enum ndc_err ndc_row_view_ask(struct ndc_request *req, const struct ndc_source *source,
                              enum ndc_policy_action action, const char *done,
                              struct ndc_row_view *out, struct ndc_fault *fault)
{
    enum ndc_err err = ndc_row_view(req, action, source, out, fault);
    ndc_request_audit(req, done, NDC_STR_NULL, &out->decision);
    return err;
}

static bool names(const struct ndc_source_field *f, struct ndc_str column)
{
    for (unsigned k = 0; k < f->column_count; k++)
        if (ndc_str_eq(f->columns[k], column)) return true;
    return false;
}

static bool is_listed(const struct ndc_str *list, unsigned n, struct ndc_str column)
{
    for (unsigned i = 0; i < n; i++)
        if (ndc_str_eq(list[i], column)) return true;
    return false;
}

static enum ndc_shown how(const struct ndc_policy_decision *d, unsigned field)
{
    return ndc_field_set_has(&d->shown, field)    ? NDC_SHOWN_WHOLE
           : ndc_field_set_has(&d->masked, field) ? NDC_SHOWN_MASKED
                                                  : NDC_SHOWN_NOT;
}

/* How a column is treated, and the field that says so (NULL: none, redact). A column of
 * two fields is treated as the stricter one. */
static enum ndc_shown treat(const struct ndc_row_view *view, struct ndc_str column,
                            const struct ndc_field **field)
{
    const struct ndc_source *s = view->source;
    enum ndc_shown most = NDC_SHOWN_WHOLE;
    bool mapped = false;
    *field = NULL;
    for (unsigned i = 0; i < s->field_count; i++) {
        const struct ndc_source_field *f = &s->fields[i];
        const struct ndc_field *as = treated_as(s, f);
        bool own = s->thing && !as && f->field; /* about nobody */
        if ((!as && !own) || !names(f, column)) continue;
        if (own && view->decision.outcome == NDC_POLICY_DENY) return NDC_SHOWN_NOT;
        enum ndc_shown one = own ? NDC_SHOWN_WHOLE : how(&view->decision, as->id);
        if (!mapped || one > most) {
            most = one;
            *field = as;
        }
        mapped = true;
    }
    if (mapped) return most;
    if (view->decision.outcome == NDC_POLICY_DENY) return NDC_SHOWN_NOT;
    if (is_listed(s->key, s->key_count, column) || ndc_str_eq(s->op_column, column) ||
        ndc_str_eq(s->time_column, column))
        return NDC_SHOWN_WHOLE;
    return view->unmapped;
}

enum ndc_shown ndc_row_view_value(const struct ndc_row_view *view, struct ndc_str column,
                                  struct ndc_str value, struct ndc_arena *arena,
                                  struct ndc_str *shown)
{
    const struct ndc_field *field;
    enum ndc_shown as = treat(view, column, &field);
    *shown = NDC_STR_NULL;
    if (!value.ptr || value.len == 0 || as == NDC_SHOWN_WHOLE) {
        if (as != NDC_SHOWN_NOT) *shown = value;
        return as;
    }
    if (as == NDC_SHOWN_NOT) return as;
    if (field) {
        bool some = ndc_policy_show(&view->decision, field->id, value, arena, shown);
        NDC_ASSERT(some);
        return as;
    }
    struct ndc_buf buf;
    ndc_buf_init(&buf, 64);
    ndc_mask_apply(&buf, NDC_MASK_REDACT, value);
    *shown = ndc_arena_str(arena, ndc_buf_str(&buf));
    ndc_buf_free(&buf);
    return as;
}

struct ndc_str ndc_row_view_key(const struct ndc_row_view *view, struct ndc_str key,
                                struct ndc_arena *arena)
{
    const struct ndc_source *s = view->source;
    struct ndc_str shown, strictest = key;
    enum ndc_shown most = NDC_SHOWN_WHOLE;
    for (unsigned i = 0; i < s->key_count; i++) {
        enum ndc_shown one = ndc_row_view_value(view, s->key[i], key, arena, &shown);
        if (one <= most) continue;
        most = one;
        strictest = shown;
    }
    return strictest;
}

enum ndc_err ndc_row_cut(struct ndc_arena *arena, struct ndc_buf *scratch,
                         struct ndc_str row, struct ndc_json_member **out, size_t *count,
                         struct ndc_fault *fault)
{
    struct ndc_fault why = {0};
    size_t max = 1;
    for (size_t i = 0; i < row.len; i++)
        max += row.ptr[i] == ':';
    max = NDC_MIN(max, (size_t)NDC_ROW_MEMBERS_MAX);
    *count = 0;
    *out = NDC_ARENA_ARRAY(arena, struct ndc_json_member, max);
    if (!*out) return ndc_fail(fault, NDC_ETOOBIG, "quarantine.row", "a row is too wide");
    if (ndc_json_row_parse(*out, max, count, row, scratch, &why) == NDC_OK) return NDC_OK;
    return ndc_fail(fault, NDC_EDB, "quarantine.damaged", "a kept row is damaged: %s",
                    why.message);
}

enum ndc_err ndc_row_view_write(const struct ndc_row_view *view, struct ndc_arena *arena,
                                struct ndc_str row, struct ndc_json *out,
                                struct ndc_fault *fault)
{
    struct ndc_json_member *m;
    struct ndc_buf scratch;
    const struct ndc_field *field;
    size_t n;
    ndc_buf_init(&scratch, SCRATCH_MAX);
    enum ndc_err err = ndc_row_cut(arena, &scratch, row, &m, &n, fault);
    ndc_json_key(out, "row");
    ndc_json_object(out);
    for (size_t i = 0; i < n && !err; i++) {
        struct ndc_str shown;
        bool none = m[i].kind == NDC_JSON_ROW_NULL;
        ndc_row_view_value(view, m[i].key, none ? NDC_STR_NULL : m[i].value, arena,
                           &shown);
        ndc_json_key_str(out, m[i].key);
        ndc_json_str(out, shown);
    }
    ndc_json_end(out);
    ndc_json_key(out, "masks");
    ndc_json_object(out);
    for (size_t i = 0; i < n && !err; i++) {
        enum ndc_shown as = treat(view, m[i].key, &field);
        if (as == NDC_SHOWN_WHOLE || m[i].kind == NDC_JSON_ROW_NULL) continue;
        ndc_json_key_str(out, m[i].key);
        ndc_json_c(out, as == NDC_SHOWN_NOT ? "withheld"
                        : field ? ndc_mask_name(view->decision.mask[field->id])
                                : ndc_mask_name(NDC_MASK_REDACT));
    }
    ndc_json_end(out);
    ndc_buf_free(&scratch);
    return err;
}

static bool is_rule(const struct ndc_source *s, struct ndc_str code)
{
    for (unsigned i = 0; i < s->rule_count; i++)
        if (ndc_str_eq(s->rules[i].name, code)) return true;
    return false;
}

/* What a reason says of the row's values. One of the row as a whole names a rule's text,
 * why the row could not be read, its key, or else a value of any column. */
static struct ndc_str reason_value(const struct ndc_row_view *view,
                                   struct json_object *reason, struct ndc_str key,
                                   struct ndc_arena *arena)
{
    struct ndc_str value = ndc_json_get_str(reason, "value"), shown = NDC_STR_NULL;
    struct ndc_str column = ndc_json_get_str(reason, "column");
    struct ndc_str code = ndc_json_get_str(reason, "reason");
    if (!value.ptr) return value;
    if (column.ptr) {
        ndc_row_view_value(view, column, value, arena, &shown);
        return shown;
    }
    if (is_rule(view->source, code) || ndc_str_eq_c(code, "row.unreadable")) return value;
    if (ndc_str_eq(value, key)) return ndc_row_view_key(view, key, arena);
    ndc_row_view_value(view, NDC_STR(""), value, arena, &shown);
    return shown;
}

enum ndc_err ndc_row_view_reasons(const struct ndc_row_view *view,
                                  struct ndc_arena *arena, struct ndc_str reasons,
                                  struct ndc_str key, struct ndc_json *out,
                                  struct ndc_fault *fault)
{
    struct json_object *list = NULL;
    enum ndc_err err = ndc_json_parse(&list, reasons, fault);
    size_t n = !err && json_object_is_type(list, json_type_array)
                   ? json_object_array_length(list)
                   : 0;
    ndc_json_array(out);
    for (size_t i = 0; i < n; i++) {
        struct json_object *one = json_object_array_get_idx(list, i);
        ndc_json_object(out);
        json_object_object_foreach(one, name, member)
        {
            ndc_json_key(out, name);
            if (strcmp(name, "value") == 0)
                ndc_json_str(out, reason_value(view, one, key, arena));
            else
                ndc_json_raw(out, ndc_str(json_object_to_json_string_ext(
                                      member, JSON_C_TO_STRING_PLAIN)));
        }
        ndc_json_end(out);
    }
    ndc_json_end(out);
    json_object_put(list);
    return err;
}

static bool is_as_shown(const struct ndc_row_view *views, size_t n,
                        struct ndc_arena *arena, const struct ndc_json_member *kept,
                        struct json_object *given)
{
    struct ndc_str text = json_object_is_type(given, json_type_string)
                              ? ndc_str_n(json_object_get_string(given),
                                          (size_t)json_object_get_string_len(given))
                              : NDC_STR_NULL;
    for (size_t i = 0; i < n; i++) {
        struct ndc_str shown;
        enum ndc_shown as =
            ndc_row_view_value(&views[i], kept->key, kept->value, arena, &shown);
        if (as == NDC_SHOWN_WHOLE) continue;
        if (as == NDC_SHOWN_NOT ? !text.len : ndc_str_eq(text, shown)) return true;
    }
    return false;
}

static void write_given(struct ndc_json *j, struct json_object *value)
{
    ndc_json_raw(
        j, value ? ndc_str(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN))
                 : NDC_STR("null"));
}

static bool has_member(const struct ndc_json_member *m, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (ndc_str_eq_c(m[i].key, name)) return true;
    return false;
}

enum ndc_err ndc_row_merge(const struct ndc_row_view *views, size_t n,
                           struct ndc_arena *arena, struct ndc_str row,
                           struct json_object *given, struct ndc_buf *out,
                           struct ndc_fault *fault)
{
    struct ndc_json_member *m;
    struct ndc_buf scratch;
    struct ndc_json j;
    size_t count;
    ndc_buf_init(&scratch, SCRATCH_MAX);
    enum ndc_err err = ndc_row_cut(arena, &scratch, row, &m, &count, fault);
    ndc_json_init(&j, out);
    ndc_json_object(&j);
    for (size_t i = 0; i < count && !err; i++) {
        struct json_object *value;
        if (ndc_str_eq(m[i].key, NDC_STR("_raw"))) continue; /* of an unreadable row */
        ndc_json_key_str(&j, m[i].key);
        if (json_object_object_get_ex(given, ndc_arena_cstr(arena, m[i].key), &value) &&
            !is_as_shown(views, n, arena, &m[i], value))
            write_given(&j, value);
        else
            ndc_json_str(&j, m[i].kind == NDC_JSON_ROW_NULL ? NDC_STR_NULL : m[i].value);
    }
    json_object_object_foreach(given, name, added)
    {
        if (err || has_member(m, count, name)) continue;
        ndc_json_key(&j, name);
        write_given(&j, added);
    }
    ndc_json_end(&j);
    ndc_buf_free(&scratch);
    if (!err && out->failed)
        err = ndc_fail(fault, NDC_ETOOBIG, "quarantine.row", "the row is too large");
    return err;
}

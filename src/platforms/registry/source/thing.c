/* Declarations of things: the dataset, fields of its own, relations. A field of a thing
 * gets a struct ndc_field of its own, so that mapping, rules, quarantine and scorecards
 * treat it as they treat those of the dictionary; its number is its place. */
#include "platforms/registry/source/thing.h"

#include <stdio.h>

static const char *const kind_names[] = {"text",  "id",     "code",    "date",
                                         "time",  "number", "money",   "place",
                                         "phone", "email",  "geometry"};
static const enum ndc_value_kind kinds[] = {
    NDC_VALUE_TEXT,  NDC_VALUE_ID,     NDC_VALUE_CODE,  NDC_VALUE_DATE,
    NDC_VALUE_TIME,  NDC_VALUE_NUMBER, NDC_VALUE_MONEY, NDC_VALUE_PLACE,
    NDC_VALUE_PHONE, NDC_VALUE_EMAIL,  NDC_VALUE_TEXT};

enum { GEOMETRY = NDC_ARRAY_LEN(kind_names) - 1, THING_FIELDS_MAX = 250 };

const char *ndc_relation_to_name(enum ndc_relation_to to)
{
    static const char *const names[] = {"person", "organisation", "thing"};
    return names[to];
}

const char *ndc_source_about(const struct ndc_source *s)
{
    return s->thing ? "thing" : ndc_entity_name(s->entity);
}

const struct ndc_source_field *ndc_source_own_field(const struct ndc_source *s,
                                                    struct ndc_str name)
{
    for (unsigned i = 0; i < s->field_count; i++)
        if (s->fields[i].field && ndc_str_eq_c(name, s->fields[i].field->code))
            return &s->fields[i];
    return NULL;
}

static enum ndc_err wrong(const struct ndc_yaml *node, const char *field,
                          const char *what, struct ndc_fault *fault)
{
    return ndc_fail_at(fault, NDC_EINPUT, "source.declaration", field, node->line,
                       "line %u: \"%s\" %s", node->line, field, what);
}

static bool is_word(struct ndc_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (i && ((c >= '0' && c <= '9') || c == '_'))))
            return false;
    }
    return s.len > 0 && s.len <= NDC_SOURCE_ID_MAX;
}

static enum ndc_err read_word(const struct ndc_yaml *map, const char *key,
                              struct ndc_str *out, struct ndc_fault *fault)
{
    NDC_TRY(ndc_yaml_str(map, key, true, out, fault));
    if (is_word(*out)) return NDC_OK;
    return wrong(ndc_yaml_get(map, key), key,
                 "must be at most 48 of a-z, 0-9 and _, beginning with a letter", fault);
}

/* vi and en beside `name`; without them the name itself. */
static enum ndc_err read_titles(const struct ndc_yaml *map, struct ndc_str name,
                                struct ndc_title *out, struct ndc_fault *fault)
{
    out->vi = out->en = name;
    NDC_TRY(ndc_yaml_str(map, "vi", false, &out->vi, fault));
    if (out->vi.ptr != name.ptr) out->en = out->vi;
    return ndc_yaml_str(map, "en", false, &out->en, fault);
}

enum ndc_err ndc_thing_read_dataset(struct ndc_source *s, const struct ndc_yaml *root,
                                    struct ndc_fault *fault)
{
    static const char *const keys[] = {"code", "vi", "en"};
    const struct ndc_yaml *node = ndc_yaml_get(root, "dataset");
    if (!node)
        return ndc_fail_at(fault, NDC_EINPUT, "source.declaration", "dataset", root->line,
                           "line %u: \"dataset\" is missing: {code: parcel, vi: …, en: "
                           "…} says what things these are",
                           root->line);
    if (node->kind != NDC_YAML_MAP)
        return wrong(node, "dataset", "must be {code: parcel, vi: …, en: …}", fault);
    NDC_TRY(ndc_yaml_check_keys(node, "dataset", keys, NDC_ARRAY_LEN(keys), fault));
    NDC_TRY(read_word(node, "code", &s->dataset, fault));
    return read_titles(node, s->dataset, &s->dataset_title, fault);
}

/* Makes the field's own entry of what is a dictionary of one source. */
static enum ndc_err add_field(struct ndc_source *s, struct ndc_arena *arena,
                              const struct ndc_yaml *node, struct ndc_source_field *f,
                              struct ndc_str name, struct ndc_title title,
                              enum ndc_value_kind kind, struct ndc_fault *fault)
{
    struct ndc_field *own = NDC_ARENA_NEW(arena, struct ndc_field);
    size_t number = (size_t)(f - s->fields);
    if (number >= THING_FIELDS_MAX)
        return wrong(node, "fields", "has too many entries for a thing (at most 250)",
                     fault);
    if (ndc_source_own_field(s, name))
        return ndc_fail_at(fault, NDC_EINPUT, "source.twice", "name", node->line,
                           "line %u: \"%.*s\" is the name of another field already",
                           node->line, NDC_STR_FMT(name));
    if (!own) return NDC_OK; /* the arena's overflow is told at the end */
    *own = (struct ndc_field){.id = (uint16_t)number,
                              .code = ndc_arena_cstr(arena, name),
                              .kind = kind,
                              .class = f->class,
                              .title_vi = ndc_arena_cstr(arena, title.vi),
                              .title_en = ndc_arena_cstr(arena, title.en)};
    f->field = own;
    return NDC_OK;
}

static enum ndc_err find_dictionary(const struct ndc_yaml *map, const char *key,
                                    const struct ndc_field **out, struct ndc_fault *fault)
{
    struct ndc_str code = NDC_STR_NULL;
    NDC_TRY(ndc_yaml_str(map, key, false, &code, fault));
    *out = NULL;
    if (!code.len) return NDC_OK;
    *out = ndc_field_find(code);
    if (*out) return NDC_OK;
    const char *near = ndc_field_nearest(code);
    return ndc_fail_at(
        fault, NDC_EINPUT, "source.unknown_field", key, ndc_yaml_get(map, key)->line,
        "line %u: the data dictionary has no field \"%.*s\"%s%s%s",
        ndc_yaml_get(map, key)->line, NDC_STR_FMT(code), near ? "; did you mean \"" : "",
        near ? near : "", near ? "\"?" : "");
}

enum ndc_err ndc_thing_read_field(struct ndc_source *s, struct ndc_arena *arena,
                                  const struct ndc_yaml *node, struct ndc_source_field *f,
                                  struct ndc_fault *fault)
{
    struct ndc_str name;
    struct ndc_title title;
    int kind = 0;
    NDC_TRY(read_word(node, "name", &name, fault));
    NDC_TRY(read_titles(node, name, &title, fault));
    NDC_TRY(ndc_yaml_enum(node, "kind", false, kind_names, NDC_ARRAY_LEN(kind_names),
                          &kind, fault));
    NDC_TRY(find_dictionary(node, "as", &f->as, fault));
    f->geometry = kind == GEOMETRY;
    return add_field(s, arena, node, f, name, title, kinds[kind], fault);
}

static enum ndc_err read_by(const struct ndc_yaml *node, struct ndc_source_relation *rel,
                            struct ndc_fault *fault)
{
    enum ndc_entity entity =
        rel->to == NDC_TO_PERSON ? NDC_ENTITY_PERSON : NDC_ENTITY_ORGANISATION;
    const struct ndc_yaml *by = ndc_yaml_get(node, "by");
    if (!by)
        return wrong(node, "by",
                     "is missing: by which identifier? such as person_id or org_id",
                     fault);
    if (rel->to == NDC_TO_THING) {
        if (ndc_str_eq_c(by->text, "key")) return NDC_OK;
        return wrong(by, "by", "must be key, where a relation leads to another dataset",
                     fault);
    }
    NDC_TRY(find_dictionary(node, "by", &rel->by, fault));
    if (rel->by && rel->by->entity == entity && rel->by->kind == NDC_VALUE_ID)
        return NDC_OK;
    return wrong(by, "by", "must be an identifier of what the relation leads to", fault);
}

enum ndc_err ndc_thing_read_relation(struct ndc_source *s, struct ndc_arena *arena,
                                     const struct ndc_yaml *node,
                                     struct ndc_source_field *f, struct ndc_fault *fault)
{
    struct ndc_source_relation *rel = &s->relations[s->relation_count];
    struct ndc_str to;
    rel->field = (unsigned)(f - s->fields);
    NDC_TRY(read_word(node, "name", &rel->name, fault));
    NDC_TRY(read_titles(node, rel->name, &rel->title, fault));
    NDC_TRY(read_word(node, "to", &to, fault));
    rel->to = ndc_str_eq_c(to, "person")         ? NDC_TO_PERSON
              : ndc_str_eq_c(to, "organisation") ? NDC_TO_ORGANISATION
                                                 : NDC_TO_THING;
    if (rel->to == NDC_TO_THING) rel->dataset = to;
    NDC_TRY(read_by(node, rel, fault));
    f->as = rel->by;
    if (rel->by) f->class = rel->by->class;
    NDC_TRY(add_field(s, arena, node, f, rel->name, rel->title,
                      rel->by ? rel->by->kind : NDC_VALUE_TEXT, fault));
    s->relation_count++;
    return NDC_OK;
}

static bool is_key(const struct ndc_source *s, const struct ndc_source_field *f)
{
    for (unsigned k = 0; k < s->key_count; k++)
        for (unsigned c = 0; c < f->column_count; c++)
            if (ndc_str_eq(s->key[k], f->columns[c])) return true;
    return false;
}

enum ndc_err ndc_thing_check(const struct ndc_source *s, const struct ndc_yaml *root,
                             struct ndc_fault *fault)
{
    if (ndc_source_followed(s))
        return wrong(ndc_yaml_get(root, "connector"), "connector",
                     "must not be followed: things are loaded or pushed; leave out the "
                     "slot, or read a file",
                     fault);
    for (unsigned i = 0; i < s->field_count; i++) {
        const struct ndc_source_field *f = &s->fields[i];
        bool personal = f->class.personal != NDC_PERSONAL_NONE ||
                        f->class.sharing == NDC_SHARING_PRIVATE;
        if (personal && !f->as)
            return ndc_fail_at(fault, NDC_EINPUT, "source.declaration", "as", f->line,
                               "line %u: \"%s\" is personal or for private use: name "
                               "the dictionary field as which policy is to treat it "
                               "(as: …)",
                               f->line, f->field->code);
        if (is_key(s, f) && (personal || f->as))
            return wrong(ndc_yaml_get(root, "key"), "key",
                         "must not be a personal value: whoever may list the dataset "
                         "sees keys",
                         fault);
    }
    return NDC_OK;
}

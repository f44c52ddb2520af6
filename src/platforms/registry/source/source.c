/* Declarations: YAML to struct ndc_source, every mistake with its line. */
#include "platforms/registry/source/source.h"

#include "base/cron.h"
#include "base/yaml.h"
#include "platforms/registry/source/rules.h"
#include "platforms/registry/source/thing.h"
#include "store/replication.h"

#include <stdio.h>

enum { SLOT_MB_DEFAULT = 16384, SLOT_MB_MAX = 1 << 30 };

static const char *const connector_names[] = {"csv",  "ndjson",   "sqlite",
                                              "push", "postgres", "changes"};
static const char *const encoding_names[] = {"utf-8", "utf-16", "windows-1258", "tcvn3"};
static const char *const mode_names[] = {"snapshot", "delta"};
static const char *const order_names[] = {"dmy", "mdy", "ymd", "any", "excel"};
static const char *const criterion_names[] = {"correct", "complete", "clean", "live"};
static const char *const entity_names[] = {"person", "organisation", "thing"};
enum { ENTITY_THING = 2 };
static const char *const sharing_names[] = {"open", "shared", "private"};
static const char *const importance_names[] = {"other", "important", "core"};
static const char *const personal_names[] = {"none", "basic", "sensitive"};

const char *ndc_connector_name(enum ndc_connector_type type)
{
    return connector_names[type];
}

bool ndc_source_followed(const struct ndc_source *s)
{
    return s->connector == NDC_CONNECT_CHANGES ||
           (s->connector == NDC_CONNECT_POSTGRES && s->slot.len > 0);
}

const char *ndc_sync_mode_name(enum ndc_sync_mode mode)
{
    return mode_names[mode];
}

const char *ndc_criterion_name(enum ndc_criterion criterion)
{
    return criterion_names[criterion];
}

struct ndc_title ndc_criterion_title(enum ndc_criterion criterion)
{
    static const struct ndc_title titles[] = {
        {{"Đúng", 6}, {"Correct", 7}},
        {{"Đủ", 5}, {"Complete", 8}},
        {{"Sạch", 6}, {"Clean", 5}},
        {{"Sống", 6}, {"Live", 4}},
    };
    return titles[criterion];
}

struct reader {
    struct ndc_arena *arena;
    struct ndc_fault *fault;
    struct ndc_source *s;
};

#define ENUM(map, key, required, names, out) \
    ndc_yaml_enum(map, key, required, names, NDC_ARRAY_LEN(names), out, r->fault)

#define KEYS(map, what, names) \
    ndc_yaml_check_keys(map, what, names, NDC_ARRAY_LEN(names), r->fault)

static enum ndc_err wrong(struct reader *r, const struct ndc_yaml *node,
                          const char *field, const char *what)
{
    return ndc_fail_at(r->fault, NDC_EINPUT, "source.declaration", field, node->line,
                       "line %u: \"%s\" %s", node->line, field, what);
}

static enum ndc_err read_title(struct reader *r, const struct ndc_yaml *node,
                               const char *key, struct ndc_title *out)
{
    if (!node) return NDC_OK;
    if (node->kind == NDC_YAML_SCALAR) {
        out->vi = out->en = node->text;
        return NDC_OK;
    }
    if (node->kind != NDC_YAML_MAP) return wrong(r, node, key, "must be {vi: …, en: …}");
    NDC_TRY(ndc_yaml_str(node, "vi", true, &out->vi, r->fault));
    out->en = out->vi;
    return ndc_yaml_str(node, "en", false, &out->en, r->fault);
}

static enum ndc_err read_words(struct reader *r, const struct ndc_yaml *node,
                               const char *key, struct ndc_str *out, unsigned max,
                               unsigned *count)
{
    *count = 0;
    if (node->kind == NDC_YAML_SCALAR) {
        out[(*count)++] = node->text;
        return NDC_OK;
    }
    if (node->kind != NDC_YAML_LIST || node->count == 0 || node->count > max)
        return wrong(r, node, key, "must be a column or a short list of columns");
    for (const struct ndc_yaml *c = node->first; c; c = c->next) {
        if (c->kind != NDC_YAML_SCALAR || c->text.len == 0)
            return wrong(r, c, key, "must list column names");
        out[(*count)++] = c->text;
    }
    return NDC_OK;
}

static enum ndc_err read_class(struct reader *r, const struct ndc_yaml *node,
                               struct ndc_class *out)
{
    static const char *const keys[] = {"sharing", "importance", "personal"};
    int sharing = out->sharing, importance = out->importance, personal = out->personal;
    if (!node) return NDC_OK;
    NDC_TRY(KEYS(node, "class", keys));
    NDC_TRY(ENUM(node, "sharing", false, sharing_names, &sharing));
    NDC_TRY(ENUM(node, "importance", false, importance_names, &importance));
    NDC_TRY(ENUM(node, "personal", false, personal_names, &personal));
    *out = (struct ndc_class){(enum ndc_sharing)sharing, (enum ndc_importance)importance,
                              (enum ndc_personal)personal};
    return NDC_OK;
}

static enum ndc_err read_head(struct reader *r, const struct ndc_yaml *root)
{
    struct ndc_source *s = r->s;
    const struct ndc_yaml *agency = ndc_yaml_get(root, "agency");
    int entity = 0;
    NDC_TRY(ndc_yaml_str(root, "source", true, &s->id, r->fault));
    for (size_t i = 0; i < s->id.len; i++) {
        char c = s->id.ptr[i];
        bool ok = (c >= 'a' && c <= 'z') || (i && ((c >= '0' && c <= '9') || c == '_'));
        if (!ok || s->id.len > NDC_SOURCE_ID_MAX)
            return wrong(r, ndc_yaml_get(root, "source"), "source",
                         "must be at most 48 of a-z, 0-9 and _, beginning with a letter");
    }
    s->title = (struct ndc_title){s->id, s->id};
    NDC_TRY(read_title(r, ndc_yaml_get(root, "title"), "title", &s->title));
    if (!agency)
        return ndc_fail_at(
            r->fault, NDC_EINPUT, "source.declaration", "agency", root->line,
            "line %u: \"agency\" is missing: who owns the source?", root->line);
    if (agency->kind == NDC_YAML_MAP) {
        NDC_TRY(ndc_yaml_str(agency, "code", true, &s->agency, r->fault));
        NDC_TRY(read_title(r, agency, "agency", &s->agency_title));
    } else {
        NDC_TRY(ndc_yaml_str(root, "agency", true, &s->agency, r->fault));
        s->agency_title = (struct ndc_title){s->agency, s->agency};
    }
    NDC_TRY(ndc_yaml_str(root, "legal_basis", true, &s->legal_basis, r->fault));
    NDC_TRY(ENUM(root, "entity", true, entity_names, &entity));
    s->thing = entity == ENTITY_THING;
    s->entity = s->thing ? NDC_ENTITY_PERSON : (enum ndc_entity)entity;
    if (s->thing) NDC_TRY(ndc_thing_read_dataset(s, root, r->fault));
    const struct ndc_yaml *key = ndc_yaml_get(root, "key");
    if (!key)
        return ndc_fail_at(
            r->fault, NDC_EINPUT, "source.declaration", "key", root->line,
            "line %u: \"key\" is missing: which columns identify a record?", root->line);
    return read_words(r, key, "key", s->key, NDC_SOURCE_KEY_MAX, &s->key_count);
}

static enum ndc_err wrong_key(struct reader *r, const struct ndc_yaml *map,
                              const char *key, const char *what)
{
    const struct ndc_yaml *node = ndc_yaml_get(map, key);
    return wrong(r, node ? node : map, key, what);
}

static bool all_of(struct ndc_str s, const char *letters, size_t max)
{
    for (size_t i = 0; i < s.len; i++)
        if (!s.ptr[i] || !strchr(letters, s.ptr[i])) return false;
    return s.len <= max;
}

/* The members that only PostgreSQL has. */
static enum ndc_err read_postgres(struct reader *r, const struct ndc_yaml *node)
{
    static const char *const only[] = {"url", "slot", "password_env", "slot_mb_max"};
    static const char lower[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    static const char upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    struct ndc_source *s = r->s;
    struct ndc_fault why = {0};
    for (size_t i = 0; i < NDC_ARRAY_LEN(only); i++)
        if (s->connector != NDC_CONNECT_POSTGRES && ndc_yaml_get(node, only[i]))
            return wrong_key(r, node, only[i], "goes with \"type: postgres\" only");
    if (s->connector != NDC_CONNECT_POSTGRES) return NDC_OK;
    s->slot_mb_max = SLOT_MB_DEFAULT;
    NDC_TRY(ndc_yaml_str(node, "url", true, &s->url, r->fault));
    NDC_TRY(ndc_yaml_str(node, "slot", false, &s->slot, r->fault));
    NDC_TRY(ndc_yaml_str(node, "password_env", false, &s->password_env, r->fault));
    NDC_TRY(ndc_yaml_i64(node, "slot_mb_max", false, 16, SLOT_MB_MAX, &s->slot_mb_max,
                         r->fault));
    if (ndc_replication_check_url(ndc_arena_cstr(r->arena, s->url), &why))
        return wrong_key(r, node, "url", why.message);
    if (!all_of(s->slot, lower, NDC_REPLICATION_NAME_MAX))
        return wrong_key(r, node, "slot", "must be at most 63 of a-z, 0-9 and _");
    if (s->password_env.len &&
        (!all_of(s->password_env, upper, 100) ||
         !ndc_str_starts(s->password_env, NDC_STR("SOURCE_PASSWORD_"))))
        return wrong_key(r, node, "password_env",
                         "must name an environment variable SOURCE_PASSWORD_…, of A-Z, "
                         "0-9 and _");
    return NDC_OK;
}

static enum ndc_err read_separator(struct reader *r, const struct ndc_yaml *node)
{
    struct ndc_str separator = NDC_STR(",");
    NDC_TRY(ndc_yaml_str(node, "separator", false, &separator, r->fault));
    if (ndc_str_eq(separator, NDC_STR("\\t")) || ndc_str_eq(separator, NDC_STR("tab")))
        separator = NDC_STR("\t");
    if (separator.len != 1 || separator.ptr[0] == '"' || separator.ptr[0] == '\n')
        return wrong_key(r, node, "separator",
                         "must be one character such as \",\", \";\" or tab");
    r->s->separator = separator.ptr[0];
    return NDC_OK;
}

static enum ndc_err read_connector(struct reader *r, const struct ndc_yaml *node,
                                   const struct ndc_yaml *root)
{
    static const char *const keys[] = {
        "type",  "path", "encoding", "separator",    "skip_spaces",
        "table", "url",  "slot",     "password_env", "slot_mb_max"};
    struct ndc_source *s = r->s;
    int type = 0, encoding = 0;
    if (!node)
        return ndc_fail_at(r->fault, NDC_EINPUT, "source.declaration", "connector",
                           root->line, "line %u: \"connector\" is missing", root->line);
    NDC_TRY(KEYS(node, "connector", keys));
    NDC_TRY(ENUM(node, "type", true, connector_names, &type));
    NDC_TRY(ENUM(node, "encoding", false, encoding_names, &encoding));
    s->connector = (enum ndc_connector_type)type;
    s->encoding = (enum ndc_encoding)encoding;
    bool database = s->connector == NDC_CONNECT_POSTGRES;
    NDC_TRY(ndc_yaml_str(node, "path", s->connector != NDC_CONNECT_PUSH && !database,
                         &s->path, r->fault));
    NDC_TRY(ndc_yaml_str(node, "table", s->connector == NDC_CONNECT_SQLITE || database,
                         &s->table, r->fault));
    NDC_TRY(ndc_yaml_bool(node, "skip_spaces", false, &s->skip_spaces, r->fault));
    NDC_TRY(read_separator(r, node));
    return read_postgres(r, node);
}

/* What is followed has neither schedule nor a column of operations of its own. */
static enum ndc_err check_followed(struct reader *r, const struct ndc_yaml *sync)
{
    struct ndc_source *s = r->s;
    if (!sync || !ndc_source_followed(s)) return NDC_OK;
    if (s->schedule.len)
        return wrong_key(r, sync, "schedule",
                         "does not go with changes that are followed");
    if (s->connector == NDC_CONNECT_POSTGRES && s->mode == NDC_SYNC_DELTA)
        return wrong_key(
            r, sync, "mode",
            "must be snapshot: a table that is followed is loaded whole first");
    return NDC_OK;
}

static enum ndc_err read_sync(struct reader *r, const struct ndc_yaml *node)
{
    static const char *const keys[] = {"mode", "schedule", "op_column", "time_column",
                                       "live_days"};
    struct ndc_source *s = r->s;
    int mode = NDC_SYNC_SNAPSHOT;
    if (!node) return NDC_OK;
    NDC_TRY(KEYS(node, "sync", keys));
    NDC_TRY(ENUM(node, "mode", false, mode_names, &mode));
    s->mode = (enum ndc_sync_mode)mode;
    NDC_TRY(ndc_yaml_str(node, "schedule", false, &s->schedule, r->fault));
    NDC_TRY(ndc_yaml_str(node, "op_column", false, &s->op_column, r->fault));
    NDC_TRY(ndc_yaml_str(node, "time_column", false, &s->time_column, r->fault));
    NDC_TRY(ndc_yaml_i64(node, "live_days", false, 0, 36500, &s->live_days, r->fault));
    const struct ndc_yaml *op = ndc_yaml_get(node, "op_column");
    const struct ndc_yaml *time = ndc_yaml_get(node, "time_column");
    s->op_line = op ? op->line : 0;
    s->time_line = time ? time->line : 0;
    if (s->live_days && !s->time_column.len)
        return wrong(r, ndc_yaml_get(node, "live_days"), "live_days",
                     "needs \"time_column\": the column that says when the source last "
                     "touched a record");
    struct ndc_cron cron;
    if (s->schedule.len && !ndc_cron_parse(&cron, s->schedule))
        return wrong(r, ndc_yaml_get(node, "schedule"), "schedule",
                     "must be five cron fields: minute hour day month weekday, "
                     "such as \"0 2 * * *\" for every night at two");
    return NDC_OK;
}

static enum ndc_err find_field(struct reader *r, const struct ndc_yaml *node,
                               struct ndc_str code, const struct ndc_field **out)
{
    *out = ndc_field_find(code);
    if (!*out) {
        const char *near = ndc_field_nearest(code);
        return ndc_fail_at(r->fault, NDC_EINPUT, "source.unknown_field", "to", node->line,
                           "line %u: the data dictionary has no field \"%.*s\"%s%s%s",
                           node->line, NDC_STR_FMT(code), near ? "; did you mean \"" : "",
                           near ? near : "", near ? "\"?" : "");
    }
    if ((*out)->entity != r->s->entity)
        return ndc_fail_at(r->fault, NDC_EINPUT, "source.field_entity", "to", node->line,
                           "line %u: \"%.*s\" is a field of another entity than \"%s\"",
                           node->line, NDC_STR_FMT(code), entity_names[r->s->entity]);
    return NDC_OK;
}

static enum ndc_err read_authority(struct reader *r, const struct ndc_yaml *node)
{
    if (!node) return NDC_OK;
    if (node->kind != NDC_YAML_MAP)
        return wrong(r, node, "authority", "must be a map of field: rank");
    for (const struct ndc_yaml *c = node->first; c; c = c->next) {
        const struct ndc_field *field;
        int64_t rank = 0;
        NDC_TRY(find_field(r, c, c->key, &field));
        NDC_TRY(ndc_yaml_i64(node, c->key.ptr, true, 1, 99, &rank, r->fault));
        r->s->authority[field->id] = (uint8_t)rank;
    }
    return NDC_OK;
}

static enum ndc_err read_values(struct reader *r, const struct ndc_yaml *node,
                                struct ndc_source_field *f)
{
    if (!node) return NDC_OK;
    if (node->kind != NDC_YAML_MAP)
        return wrong(r, node, "values", "must be a map of the source's code: meaning");
    f->values = NDC_ARENA_ARRAY(r->arena, struct ndc_source_value, node->count);
    for (const struct ndc_yaml *c = node->first; c && f->values; c = c->next) {
        if (c->kind != NDC_YAML_SCALAR)
            return wrong(r, c, "values", "must map to plain words");
        f->values[f->value_count++] = (struct ndc_source_value){
            c->key, ndc_yaml_is_null(c) ? NDC_STR_NULL : c->text};
    }
    return NDC_OK;
}

/* What the column is mapped to: a dictionary field, or nothing. */
static enum ndc_err read_to(struct reader *r, const struct ndc_yaml *node,
                            struct ndc_source_field *f)
{
    const struct ndc_yaml *to = ndc_yaml_get(node, "to");
    if (!to)
        return wrong(r, node, "to",
                     "is missing: name a dictionary field, or null to keep "
                     "the column unmapped");
    if (!ndc_yaml_is_null(to)) NDC_TRY(find_field(r, to, to->text, &f->field));
    f->class = f->field ? f->field->class : r->s->class;
    return NDC_OK;
}

/* What fields of every kind have. */
static enum ndc_err read_field_checks(struct reader *r, const struct ndc_yaml *node,
                                      struct ndc_source_field *f)
{
    const struct ndc_yaml *column = ndc_yaml_get(node, "column");
    int order = NDC_ORDER_DMY;
    f->line = node->line;
    if (!column) column = ndc_yaml_get(node, "columns");
    if (!column || ndc_yaml_is_null(column))
        return wrong(r, node, "column", "is missing in this field");
    NDC_TRY(read_words(r, column, "columns", f->columns, NDC_SOURCE_JOINED_MAX,
                       &f->column_count));
    NDC_TRY(ENUM(node, "format", false, order_names, &order));
    f->order = (enum ndc_date_order)order;
    NDC_TRY(ndc_yaml_bool(node, "required", false, &f->required, r->fault));
    NDC_TRY(ndc_yaml_bool(node, "unique", false, &f->unique, r->fault));
    NDC_TRY(ndc_yaml_str(node, "pattern", false, &f->pattern, r->fault));
    NDC_TRY(ndc_yaml_i64(node, "length_min", false, 0, 100000, &f->length_min, r->fault));
    NDC_TRY(ndc_yaml_i64(node, "length_max", false, 0, 100000, &f->length_max, r->fault));
    f->has_class = ndc_yaml_get(node, "class") != NULL;
    return read_values(r, ndc_yaml_get(node, "values"), f);
}

static enum ndc_err read_field(struct reader *r, const struct ndc_yaml *node,
                               struct ndc_source_field *f)
{
    static const char *const keys[] = {"column",   "columns",    "to",        "format",
                                       "required", "unique",     "class",     "values",
                                       "pattern",  "length_min", "length_max"};
    static const char *const own[] = {"column",  "columns",    "name",      "vi",
                                      "en",      "kind",       "as",        "class",
                                      "format",  "required",   "unique",    "values",
                                      "pattern", "length_min", "length_max"};
    NDC_TRY(r->s->thing ? KEYS(node, "field", own) : KEYS(node, "field", keys));
    NDC_TRY(read_field_checks(r, node, f));
    if (!r->s->thing) {
        NDC_TRY(read_to(r, node, f));
        return read_class(r, ndc_yaml_get(node, "class"), &f->class);
    }
    f->class = r->s->class;
    NDC_TRY(read_class(r, ndc_yaml_get(node, "class"), &f->class));
    return ndc_thing_read_field(r->s, r->arena, node, f, r->fault);
}

/* References: fields too, after the others. */
static enum ndc_err read_relations(struct reader *r, const struct ndc_yaml *list)
{
    static const char *const keys[] = {"name",   "vi",     "en",      "to",
                                       "by",     "column", "columns", "required",
                                       "unique", "values", "pattern"};
    if (!r->s->thing || !list || ndc_yaml_is_null(list)) return NDC_OK;
    if (list->kind != NDC_YAML_LIST || list->count > NDC_SOURCE_RELATIONS_MAX)
        return wrong(r, list, "relations", "must be a list of at most 16");
    r->s->relations = NDC_ARENA_ARRAY(r->arena, struct ndc_source_relation, list->count);
    if (!r->s->relations) return NDC_OK;
    for (const struct ndc_yaml *c = list->first; c; c = c->next) {
        struct ndc_source_field *f = &r->s->fields[r->s->field_count];
        NDC_TRY(KEYS(c, "relation", keys));
        NDC_TRY(read_field_checks(r, c, f));
        NDC_TRY(ndc_thing_read_relation(r->s, r->arena, c, f, r->fault));
        r->s->field_count++;
    }
    return NDC_OK;
}

static enum ndc_err read_fields(struct reader *r, const struct ndc_yaml *node,
                                const struct ndc_yaml *root)
{
    struct ndc_field_set seen = {0};
    if (!node || node->kind != NDC_YAML_LIST || node->count == 0)
        return ndc_fail_at(r->fault, NDC_EINPUT, "source.declaration", "fields",
                           node ? node->line : root->line,
                           "line %u: \"fields\" must list the source's columns",
                           node ? node->line : root->line);
    if (node->count > NDC_SOURCE_COLUMNS_MAX)
        return wrong(r, node, "fields", "has more than 256 entries");
    r->s->fields = NDC_ARENA_ARRAY(r->arena, struct ndc_source_field,
                                   node->count + NDC_SOURCE_RELATIONS_MAX);
    if (!r->s->fields) return NDC_OK; /* the arena's overflow is told at the end */
    for (const struct ndc_yaml *c = node->first; c; c = c->next) {
        struct ndc_source_field *f = &r->s->fields[r->s->field_count];
        NDC_TRY(read_field(r, c, f));
        r->s->field_count++;
        if (!f->field) continue;
        if (ndc_field_set_has(&seen, f->field->id))
            return ndc_fail_at(
                r->fault, NDC_EINPUT, "source.twice", "to", c->line,
                "line %u: \"%s\" is mapped a second time; join the columns "
                "with columns: […]",
                c->line, f->field->code);
        ndc_field_set_add(&seen, f->field->id);
    }
    return NDC_OK;
}

static enum ndc_err read_rules(struct reader *r, const struct ndc_yaml *node)
{
    static const char *const keys[] = {"name", "check", "criterion",
                                       "vi",   "en",    "blocks"};
    if (!node || ndc_yaml_is_null(node)) return NDC_OK;
    if (node->kind != NDC_YAML_LIST || node->count > NDC_SOURCE_RULES_MAX)
        return wrong(r, node, "rules", "must be a list of at most 64 rules");
    r->s->rules = NDC_ARENA_ARRAY(r->arena, struct ndc_source_rule, node->count);
    if (!r->s->rules) return NDC_OK;
    for (const struct ndc_yaml *c = node->first; c; c = c->next) {
        struct ndc_source_rule *rule = &r->s->rules[r->s->rule_count++];
        int criterion = NDC_CORRECT;
        NDC_TRY(KEYS(c, "rule", keys));
        NDC_TRY(ndc_yaml_str(c, "name", true, &rule->name, r->fault));
        NDC_TRY(ndc_yaml_str(c, "check", true, &rule->check, r->fault));
        NDC_TRY(ENUM(c, "criterion", false, criterion_names, &criterion));
        rule->criterion = (enum ndc_criterion)criterion;
        rule->title = (struct ndc_title){rule->name, rule->name};
        NDC_TRY(ndc_yaml_str(c, "vi", false, &rule->title.vi, r->fault));
        NDC_TRY(ndc_yaml_str(c, "en", false, &rule->title.en, r->fault));
        rule->blocks = rule->criterion == NDC_CORRECT;
        NDC_TRY(ndc_yaml_bool(c, "blocks", false, &rule->blocks, r->fault));
        NDC_TRY(
            ndc_rule_compile_of(rule, r->s, ndc_yaml_get(c, "check")->line, r->fault));
    }
    return NDC_OK;
}

static void note_key_fields(struct ndc_source *s)
{
    if (s->thing) return; /* its fields are not those of the dictionary */
    for (unsigned i = 0; i < s->field_count; i++)
        for (unsigned c = 0; s->fields[i].field && c < s->fields[i].column_count; c++)
            for (unsigned k = 0; k < s->key_count; k++)
                if (ndc_str_eq(s->fields[i].columns[c], s->key[k]))
                    ndc_field_set_add(&s->key_fields, s->fields[i].field->id);
}

static enum ndc_err read_source(struct reader *r, const struct ndc_yaml *root)
{
    static const char *const keys[] = {"source", "title",     "agency",    "legal_basis",
                                       "entity", "key",       "connector", "sync",
                                       "class",  "authority", "fields",    "rules"};
    static const char *const own[] = {
        "source",    "title", "agency", "legal_basis", "entity", "dataset", "key",
        "connector", "sync",  "class",  "relations",   "fields", "rules"};
    const struct ndc_yaml *entity = ndc_yaml_get(root, "entity");
    if (entity && ndc_str_eq_c(entity->text, "thing"))
        NDC_TRY(KEYS(root, "the declaration", own));
    else
        NDC_TRY(KEYS(root, "the declaration", keys));
    NDC_TRY(read_head(r, root));
    r->s->class = (struct ndc_class){NDC_SHARING_SHARED, NDC_IMPORTANCE_IMPORTANT,
                                     NDC_PERSONAL_BASIC};
    if (r->s->thing)
        r->s->class = (struct ndc_class){NDC_SHARING_SHARED, NDC_IMPORTANCE_OTHER,
                                         NDC_PERSONAL_NONE};
    NDC_TRY(read_class(r, ndc_yaml_get(root, "class"), &r->s->class));
    NDC_TRY(read_connector(r, ndc_yaml_get(root, "connector"), root));
    NDC_TRY(read_sync(r, ndc_yaml_get(root, "sync")));
    NDC_TRY(check_followed(r, ndc_yaml_get(root, "sync")));
    NDC_TRY(read_authority(r, ndc_yaml_get(root, "authority")));
    NDC_TRY(read_fields(r, ndc_yaml_get(root, "fields"), root));
    NDC_TRY(read_relations(r, ndc_yaml_get(root, "relations")));
    if (r->s->thing && !r->arena->overflow)
        NDC_TRY(ndc_thing_check(r->s, root, r->fault));
    return read_rules(r, ndc_yaml_get(root, "rules"));
}

enum ndc_err ndc_source_parse(struct ndc_source **out, struct ndc_arena *arena,
                              struct ndc_str yaml, struct ndc_fault *fault)
{
    struct ndc_yaml *root;
    struct reader r = {.arena = arena, .fault = fault};
    *out = NULL;
    NDC_TRY(ndc_yaml_parse(&root, arena, yaml, fault));
    r.s = NDC_ARENA_NEW(arena, struct ndc_source);
    NDC_TRY(read_source(&r, root));
    r.s->yaml = ndc_arena_str(arena, yaml);
    if (arena->overflow)
        return ndc_fail(fault, NDC_ETOOBIG, "source.too_big",
                        "the declaration is too large");
    note_key_fields(r.s);
    *out = r.s;
    return NDC_OK;
}

/* The spec: what a data set's fields mean, as YAML. docs/linking.md is its reference. */
#include "platforms/registry/link/spec.h"
#include "platforms/registry/link/reader.h"
#include "sys/file.h"

#include <stdio.h>

enum { ALIAS_WORDS_MAX = 64 };
enum { PATH_BYTES_MAX = 1024, SPEC_BYTES_MAX = 1 << 20 };

static const char *const transform_names[] = {
    "exact",    "prefix", "suffix", "soundex",   "first",      "last", "tokens", "sorted",
    "initials", "digits", "year",   "month_day", "year_month", "day",  "plain",  NULL};

int ndc_link_spec_field_find(const struct ndc_link_spec *spec, struct ndc_str name)
{
    for (unsigned i = 0; i < spec->field_count; i++)
        if (ndc_str_eq_c(name, spec->fields[i].name)) return (int)i;
    return -1;
}

unsigned ndc_link_spec_field_count(const struct ndc_link_spec *spec)
{
    return spec->field_count;
}

const char *ndc_link_spec_field_name(const struct ndc_link_spec *spec, unsigned field)
{
    NDC_ASSERT(field < spec->field_count);
    return spec->fields[field].name;
}

/* Finds a field by a name in the spec, or fails naming the nearest. */
static enum ndc_err need_field(struct reader *r, const struct ndc_link_spec *spec,
                               const struct ndc_yaml *node, struct ndc_str name,
                               unsigned *out)
{
    int at = ndc_link_spec_field_find(spec, name);
    if (at >= 0) {
        *out = (unsigned)at;
        return NDC_OK;
    }
    const char *names[NDC_LINK_FIELDS_MAX];
    for (unsigned i = 0; i < spec->field_count; i++)
        names[i] = spec->fields[i].name;
    const char *near = ndc_str_nearest(name, names, spec->field_count);
    return ndc_link_reader_fail(r, node, "fields", "no field \"%.*s\"%s%s%s",
                                NDC_STR_FMT(name), near ? "; did you mean \"" : "",
                                near ? near : "", near ? "\"?" : "");
}

/* [[hoàng, huỳnh], [vũ, võ]] */
static enum ndc_err list_aliases(struct reader *r, struct spec_field *field,
                                 struct ndc_yaml *lines)
{
    field->aliases = ndc_link_aliases_new();
    for (struct ndc_yaml *line = lines->first; line; line = line->next) {
        struct ndc_str words[ALIAS_WORDS_MAX];
        size_t n = 0;
        if (line->kind != NDC_YAML_LIST || line->count > ALIAS_WORDS_MAX)
            return ndc_link_reader_fail(r, line, "aliases",
                                        "aliases are a file or lists of up to %d words",
                                        ALIAS_WORDS_MAX);
        for (struct ndc_yaml *word = line->first; word; word = word->next) {
            if (word->kind != NDC_YAML_SCALAR)
                return ndc_link_reader_fail(r, word, "aliases", "an alias is a word");
            words[n++] = word->text;
        }
        ndc_link_aliases_add(field->aliases, words, n);
    }
    return NDC_OK;
}

static enum ndc_err load_aliases(struct reader *r, struct spec_field *field,
                                 const struct ndc_yaml *node, const char *directory)
{
    char name[PATH_BYTES_MAX] = "", path[2 * PATH_BYTES_MAX];
    struct ndc_yaml *lines = ndc_yaml_get(node, "aliases");
    if (lines && lines->kind == NDC_YAML_LIST) return list_aliases(r, field, lines);
    enum ndc_err err = ndc_link_reader_text(r, node, "aliases", name, sizeof name);
    if (err || !name[0]) return err;
    if (name[0] == '/' || strstr(name, ".."))
        return ndc_link_reader_fail(r, node, "aliases",
                                    "aliases must be a file beside the spec");
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return ndc_link_aliases_load(&field->aliases, path, r->fault);
}

static enum ndc_err read_field(struct reader *r, struct ndc_link_spec *spec,
                               const struct ndc_yaml *node, const char *directory)
{
    static const char *const known[] = {"name",    "column",     "compare", "frequency",
                                        "shared",  "identifier", "unique",  "tolerance",
                                        "aliases", "swap",       NULL};
    struct spec_field *f = &spec->fields[spec->field_count];
    *f = (struct spec_field){.dict = spec->field_count, .swap = -1, .tolerance = 0.05};
    char compare[NAME_MAX] = "text";
    enum ndc_err err = ndc_link_reader_map(r, node, "a field", known);
    if (!err) err = ndc_link_reader_text(r, node, "name", f->name, sizeof f->name);
    if (!err && !f->name[0])
        err = ndc_link_reader_fail(r, node, "name", "a field needs a name");
    if (err) return err;
    if (ndc_link_spec_field_find(spec, ndc_str(f->name)) >= 0)
        return ndc_link_reader_fail(r, node, f->name, "field \"%s\" is named twice",
                                    f->name);
    memcpy(f->column, f->name, sizeof f->column);
    err = ndc_link_reader_text(r, node, "column", f->column, sizeof f->column);
    if (!err) err = ndc_link_reader_text(r, node, "compare", compare, sizeof compare);
    if (err) return err;
    if (strcmp(compare, "none") != 0) {
        f->comparator = ndc_link_comparator_find(compare);
        if (!f->comparator) {
            size_t n = 0;
            while (ndc_link_comparator_names[n])
                n++;
            const char *near =
                ndc_str_nearest(ndc_str(compare), ndc_link_comparator_names, n);
            return ndc_link_reader_fail(r, ndc_yaml_get(node, "compare"), f->name,
                                        "unknown comparator \"%s\"; did you mean \"%s\"?",
                                        compare, near ? near : "text");
        }
        f->frequency = f->comparator->frequency;
    }
    err = ndc_link_reader_bool(r, node, "frequency", &f->frequency);
    if (!err) err = ndc_link_reader_bool(r, node, "identifier", &f->identifier);
    if (!err) err = ndc_link_reader_bool(r, node, "shared", &f->shared);
    spec->has_shared |= f->shared;
    f->unique = f->identifier;
    if (!err) err = ndc_link_reader_bool(r, node, "unique", &f->unique);
    if (!err) err = ndc_link_reader_number(r, node, "tolerance", &f->tolerance, 0, 1);
    if (!err) err = load_aliases(r, f, node, directory);
    if (!f->comparator) f->frequency = false;
    spec->field_count++;
    return err;
}

/* Fields that may be swapped share one dictionary, so that their values compare. */
static enum ndc_err read_swaps(struct reader *r, struct ndc_link_spec *spec,
                               struct ndc_yaml *fields)
{
    for (unsigned i = 0; i < spec->field_count; i++) {
        char other[NAME_MAX] = "";
        struct ndc_yaml *node = ndc_link_reader_item(fields, i);
        enum ndc_err err = ndc_link_reader_text(r, node, "swap", other, sizeof other);
        if (err) return err;
        if (!other[0]) continue;
        unsigned j = i;
        err = need_field(r, spec, node, ndc_str(other), &j);
        if (err) return err;
        struct spec_field *f = &spec->fields[i], *g = &spec->fields[j];
        if (i == j || f->swap >= 0 || g->swap >= 0 || !f->comparator ||
            f->comparator != g->comparator)
            return ndc_link_reader_fail(
                r, node, f->name,
                "\"%s\" can swap with one other field of the same comparator", f->name);
        f->swap = (int)j;
        g->swap = (int)i;
        g->dict = f->dict = NDC_MIN(i, j);
        if (!f->aliases != !g->aliases)
            return ndc_link_reader_fail(r, node, f->name,
                                        "swapped fields need the same aliases");
    }
    return NDC_OK;
}

static enum ndc_err read_fields(struct reader *r, struct ndc_link_spec *spec,
                                const struct ndc_yaml *root, const char *directory)
{
    struct ndc_yaml *node = ndc_yaml_get(root, "fields");
    if (!node || node->kind != NDC_YAML_LIST || ndc_link_reader_count(node) == 0)
        return ndc_link_reader_fail(r, root, "fields", "a spec needs a list of fields");
    if (ndc_link_reader_count(node) > NDC_LINK_FIELDS_MAX)
        return ndc_link_reader_fail(r, node, "fields", "at most %d fields",
                                    NDC_LINK_FIELDS_MAX);
    for (size_t i = 0; i < ndc_link_reader_count(node); i++) {
        enum ndc_err err = read_field(r, spec, ndc_link_reader_item(node, i), directory);
        if (err) return err;
    }
    return read_swaps(r, spec, node);
}

static unsigned levels_of(const struct ndc_link_spec *spec, unsigned field)
{
    NDC_ASSERT(spec->fields[field].comparator);
    return spec->fields[field].comparator->levels;
}

static void add_group(struct ndc_link_spec *spec, struct spec_group group)
{
    group.cells = 1;
    for (unsigned i = 0; i < group.field_count; i++)
        group.shared |= spec->fields[group.fields[i]].shared;
    for (unsigned i = 0; i < group.field_count; i++)
        group.cells *= levels_of(spec, group.fields[i]) + 1;
    if (group.is_swap) group.cells = 3;
    spec->groups[spec->group_count++] = group;
}

static enum ndc_err read_group(struct reader *r, struct ndc_link_spec *spec,
                               struct ndc_yaml *node, bool *grouped)
{
    struct spec_group group = {0};
    size_t n = ndc_link_reader_count(node);
    if (node->kind != NDC_YAML_LIST || n < 2 || n > GROUP_FIELDS_MAX)
        return ndc_link_reader_fail(r, node, "groups", "a group lists 2 to %d fields",
                                    GROUP_FIELDS_MAX);
    unsigned cells = 1;
    for (size_t i = 0; i < n; i++) {
        const struct ndc_yaml *item = ndc_link_reader_item(node, i);
        unsigned field = 0;
        if (item->kind != NDC_YAML_SCALAR)
            return ndc_link_reader_fail(r, item, "groups",
                                        "a group lists names of fields");
        enum ndc_err err = need_field(r, spec, item, item->text, &field);
        if (err) return err;
        if (grouped[field] || !spec->fields[field].comparator)
            return ndc_link_reader_fail(r, item, "groups",
                                        "\"%s\" is in two groups or not compared",
                                        spec->fields[field].name);
        grouped[field] = true;
        cells *= spec->fields[field].comparator->levels + 1;
        group.fields[group.field_count++] = field;
    }
    if (cells > CELLS_MAX)
        return ndc_link_reader_fail(r, node, "groups",
                                    "the group has %u level combinations, over %d", cells,
                                    CELLS_MAX);
    add_group(spec, group);
    return NDC_OK;
}

static enum ndc_err read_groups(struct reader *r, struct ndc_link_spec *spec,
                                const struct ndc_yaml *root)
{
    bool grouped[NDC_LINK_FIELDS_MAX] = {0};
    struct ndc_yaml *node = ndc_yaml_get(root, "groups");
    if (node && node->kind != NDC_YAML_LIST)
        return ndc_link_reader_fail(r, node, "groups",
                                    "groups must be a list of lists of fields");
    for (size_t i = 0; node && i < ndc_link_reader_count(node); i++) {
        enum ndc_err err = read_group(r, spec, ndc_link_reader_item(node, i), grouped);
        if (err) return err;
    }
    for (unsigned i = 0; i < spec->field_count; i++)
        if (!grouped[i] && spec->fields[i].comparator)
            add_group(spec, (struct spec_group){.fields = {i}, .field_count = 1});
    for (unsigned i = 0; i < spec->field_count; i++)
        if (spec->fields[i].swap > (int)i)
            add_group(spec, (struct spec_group){
                                .fields = {i}, .field_count = 1, .is_swap = true});
    if (spec->group_count == 0)
        return ndc_link_reader_fail(r, root, "fields",
                                    "at least one field must be compared");
    return NDC_OK;
}

/* "surname", "dob:year", "surname:prefix(3)", "given_name+surname:soundex" */
static enum ndc_err read_part(struct reader *r, const struct ndc_link_spec *spec,
                              const struct ndc_yaml *node, struct rule_part *part)
{
    if (node->kind != NDC_YAML_SCALAR)
        return ndc_link_reader_fail(r, node, "blocks",
                                    "a part of a blocking key is field:how");
    struct ndc_str how = node->text, names, name;
    *part = (struct rule_part){.kind = TRANSFORM_EXACT};
    if (!ndc_str_split(&how, ':', &names)) names = NDC_STR_NULL;
    while (ndc_str_split(&names, '+', &name)) {
        if (part->field_count == PART_FIELDS_MAX)
            return ndc_link_reader_fail(r, node, "blocks", "at most %d fields pooled",
                                        PART_FIELDS_MAX);
        enum ndc_err err = need_field(r, spec, node, ndc_str_trim(name),
                                      &part->fields[part->field_count]);
        if (err) return err;
        part->field_count++;
    }
    if (part->field_count == 0)
        return ndc_link_reader_fail(r, node, "blocks",
                                    "a part of a blocking key names a field");
    if (!how.ptr) return NDC_OK;
    how = ndc_str_trim(how);
    size_t paren = ndc_str_find(how, '(');
    struct ndc_str word = ndc_str_n(how.ptr, paren);
    unsigned kind = 0;
    while (transform_names[kind] && !ndc_str_eq_c(word, transform_names[kind]))
        kind++;
    if (!transform_names[kind]) {
        const char *near = ndc_str_nearest(word, transform_names, TRANSFORM_COUNT);
        return ndc_link_reader_fail(r, node, "blocks",
                                    "unknown transform \"%.*s\"; did you mean \"%s\"?",
                                    NDC_STR_FMT(word), near ? near : "exact");
    }
    part->kind = (enum transform_kind)kind;
    if (kind != TRANSFORM_PREFIX && kind != TRANSFORM_SUFFIX) return NDC_OK;
    uint64_t n = 0;
    struct ndc_str digits = ndc_str_from(how, paren + 1);
    if (digits.len > 0 && digits.ptr[digits.len - 1] == ')') digits.len--;
    if (!ndc_str_to_u64(digits, &n) || n < 1 || n > 32)
        return ndc_link_reader_fail(r, node, "blocks", "write %s(n) with n from 1 to 32",
                                    transform_names[kind]);
    part->length = (unsigned)n;
    return NDC_OK;
}

static enum ndc_err read_rule(struct reader *r, struct ndc_link_spec *spec,
                              struct ndc_yaml *node)
{
    static const char *const known[] = {"key", "cap", NULL};
    struct rule *rule = &spec->rules[spec->rule_count];
    *rule = (struct rule){.cap = spec->cap};
    struct ndc_yaml *parts = node;
    if (node->kind == NDC_YAML_MAP) {
        double cap = spec->cap;
        enum ndc_err err = ndc_link_reader_map(r, node, "a block", known);
        if (!err) err = ndc_link_reader_number(r, node, "cap", &cap, 2, 100000);
        if (err) return err;
        rule->cap = (uint32_t)cap;
        parts = ndc_yaml_get(node, "key");
        if (!parts) return ndc_link_reader_fail(r, node, "blocks", "a block needs a key");
    }
    size_t n = ndc_link_reader_count(parts), multi = 0;
    if (parts->kind == NDC_YAML_MAP || n < 1 || n > PARTS_MAX)
        return ndc_link_reader_fail(r, parts, "blocks",
                                    "a blocking key has 1 to %d parts", PARTS_MAX);
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        const struct ndc_yaml *item = ndc_link_reader_item(parts, i);
        struct rule_part *part = &rule->parts[i];
        enum ndc_err err = read_part(r, spec, item, part);
        if (err) return err;
        multi += part->field_count > 1 || part->kind == TRANSFORM_TOKENS;
        int wrote = snprintf(rule->text + at, sizeof rule->text - at, "%s%.*s",
                             i ? ", " : "", NDC_STR_FMT(item->text));
        at = NDC_MIN(at + (size_t)wrote, sizeof rule->text - 1);
    }
    if (multi > 2)
        return ndc_link_reader_fail(r, parts, "blocks",
                                    "at most two parts of a key may give several values");
    rule->part_count = (unsigned)n;
    spec->rule_count++;
    return NDC_OK;
}

static enum ndc_err read_rules(struct reader *r, struct ndc_link_spec *spec,
                               const struct ndc_yaml *root)
{
    struct ndc_yaml *node = ndc_yaml_get(root, "blocks");
    if (!node || node->kind != NDC_YAML_LIST || ndc_link_reader_count(node) == 0)
        return ndc_link_reader_fail(r, root, "blocks", "a spec needs a list of blocks");
    if (ndc_link_reader_count(node) > RULES_MAX)
        return ndc_link_reader_fail(r, node, "blocks", "at most %d blocks", RULES_MAX);
    for (size_t i = 0; i < ndc_link_reader_count(node); i++) {
        enum ndc_err err = read_rule(r, spec, ndc_link_reader_item(node, i));
        if (err) return err;
    }
    return NDC_OK;
}

static enum ndc_err read_thresholds(struct reader *r, struct ndc_link_spec *spec,
                                    const struct ndc_yaml *root)
{
    static const char *const known[] = {"join", "review_low", "review_high", "edge",
                                        NULL};
    const struct ndc_yaml *node = ndc_yaml_get(root, "thresholds");
    if (!node) return NDC_OK;
    enum ndc_err err = ndc_link_reader_map(r, node, "thresholds", known);
    if (!err) err = ndc_link_reader_number(r, node, "join", &spec->join, 0.001, 0.999);
    if (!err)
        err = ndc_link_reader_number(r, node, "review_low", &spec->review_low, 0, 1);
    if (!err)
        err = ndc_link_reader_number(r, node, "review_high", &spec->review_high, 0, 1);
    if (!err) err = ndc_link_reader_number(r, node, "edge", &spec->edge_floor, 1e-9, 0.5);
    if (!err && spec->review_low > spec->review_high)
        err = ndc_link_reader_fail(r, node, "thresholds",
                                   "review_low is above review_high");
    return err;
}

static enum ndc_err read_input(struct reader *r, struct ndc_link_spec *spec,
                               const struct ndc_yaml *root)
{
    static const char *const known[] = {"separator", "trim", "id", NULL};
    static const char *const known_truth[] = {"column", "split", "part", NULL};
    const struct ndc_yaml *node = ndc_yaml_get(root, "input");
    enum ndc_err err = NDC_OK;
    if (node) {
        char separator[8] = "";
        err = ndc_link_reader_map(r, node, "input", known);
        if (!err)
            err = ndc_link_reader_text(r, node, "separator", separator, sizeof separator);
        if (!err) err = ndc_link_reader_bool(r, node, "trim", &spec->trim);
        if (!err)
            err = ndc_link_reader_text(r, node, "id", spec->id_column,
                                       sizeof spec->id_column);
        if (err) return err;
        if (separator[0]) spec->separator = separator[0];
        if (separator[0] && separator[1] == ' ' && !separator[2])
            spec->trim = true;
        else if (separator[0] && separator[1])
            return ndc_link_reader_fail(
                r, node, "separator",
                "the separator is one character, or one and a space");
    }
    node = ndc_yaml_get(root, "truth");
    if (!node) return NDC_OK;
    char split[2] = "";
    double part = 0;
    err = ndc_link_reader_map(r, node, "truth", known_truth);
    if (!err)
        err = ndc_link_reader_text(r, node, "column", spec->truth_column,
                                   sizeof spec->truth_column);
    if (!err) err = ndc_link_reader_text(r, node, "split", split, sizeof split);
    if (!err) err = ndc_link_reader_number(r, node, "part", &part, 1, 64);
    if (!err && !spec->truth_column[0])
        err = ndc_link_reader_fail(r, node, "truth", "truth needs a column");
    if (!err && !split[0] != (part == 0))
        err = ndc_link_reader_fail(r, node, "truth", "split and part go together");
    spec->truth_split = split[0];
    spec->truth_part = (unsigned)part;
    return err;
}

static enum ndc_err read_root(struct reader *r, struct ndc_link_spec *spec,
                              const char *directory)
{
    static const char *const known[] = {
        "name",       "fields", "groups", "blocks", "between", "one_to_one", "thresholds",
        "entity_max", "cap",    "split",  "input",  "truth",   NULL};
    const struct ndc_yaml *root = r->root;
    double entity_max = spec->entity_max, cap = spec->cap;
    enum ndc_err err = ndc_link_reader_map(r, root, "the spec", known);
    if (!err) err = ndc_link_reader_text(r, root, "name", spec->name, sizeof spec->name);
    if (!err && !spec->name[0])
        err = ndc_link_reader_fail(r, root, "name", "a spec needs a name");
    if (!err) err = ndc_link_reader_bool(r, root, "between", &spec->between_only);
    if (!err) err = ndc_link_reader_bool(r, root, "one_to_one", &spec->one_to_one);
    if (!err) err = ndc_link_reader_bool(r, root, "split", &spec->split);
    if (!err) err = ndc_link_reader_number(r, root, "entity_max", &entity_max, 2, 1e9);
    if (!err) err = ndc_link_reader_number(r, root, "cap", &cap, 2, 100000);
    if (err) return err;
    spec->between_only |= spec->one_to_one;
    spec->entity_max = (uint32_t)entity_max;
    spec->cap = (uint32_t)cap;
    err = read_fields(r, spec, root, directory);
    if (!err) err = read_groups(r, spec, root);
    if (!err) err = read_rules(r, spec, root);
    if (!err) err = read_thresholds(r, spec, root);
    if (!err) err = read_input(r, spec, root);
    return err;
}

enum ndc_err ndc_link_spec_parse(struct ndc_link_spec **out, struct ndc_str yaml,
                                 const char *directory, struct ndc_fault *fault)
{
    struct reader r;
    *out = NULL;
    enum ndc_err err = ndc_link_reader_open(&r, yaml, fault);
    if (err) return err;
    struct ndc_link_spec *spec = ndc_xcalloc(1, sizeof *spec);
    spec->separator = ',';
    spec->join = 0.25;
    spec->review_low = 0.1;
    spec->review_high = 0.9;
    spec->edge_floor = 0.001;
    spec->entity_max = 1000;
    spec->cap = 500;
    spec->split = true;
    err = read_root(&r, spec, directory ? directory : ".");
    ndc_link_reader_close(&r);
    if (err) {
        ndc_link_spec_free(spec);
        return err;
    }
    *out = spec;
    return NDC_OK;
}

enum ndc_err ndc_link_spec_load(struct ndc_link_spec **out, const char *path,
                                struct ndc_fault *fault)
{
    struct ndc_buf text;
    char directory[PATH_BYTES_MAX] = ".";
    ndc_buf_init(&text, SPEC_BYTES_MAX);
    *out = NULL;
    const char *slash = strrchr(path, '/');
    if (slash && (size_t)(slash - path) < sizeof directory)
        snprintf(directory, sizeof directory, "%.*s", (int)(slash - path), path);
    enum ndc_err err = ndc_file_read(&text, path, fault);
    if (!err) err = ndc_link_spec_parse(out, ndc_buf_str(&text), directory, fault);
    ndc_buf_free(&text);
    return err;
}

void ndc_link_spec_free(struct ndc_link_spec *spec)
{
    if (!spec) return;
    for (unsigned i = 0; i < spec->field_count; i++)
        ndc_link_aliases_free(spec->fields[i].aliases);
    free(spec);
}

uint64_t ndc_link_spec_shape(const struct ndc_link_spec *spec)
{
    uint64_t h = spec->field_count;
    for (unsigned f = 0; f < spec->field_count; f++) {
        const struct comparator *how = spec->fields[f].comparator;
        h = ndc_hash_join(h, ndc_hash_str(ndc_str(spec->fields[f].name), 0));
        h = ndc_hash_join(h, how ? ndc_hash_str(ndc_str(how->name), how->levels) : 0);
    }
    for (unsigned g = 0; g < spec->group_count; g++)
        h = ndc_hash_join(h, spec->groups[g].cells * 64 + spec->groups[g].fields[0]);
    return h >> 11; /* exact as a JSON number */
}

double ndc_link_spec_join(const struct ndc_link_spec *spec)
{
    return spec->join;
}

uint32_t ndc_link_spec_entity_max(const struct ndc_link_spec *spec)
{
    return spec->entity_max;
}

bool ndc_link_spec_identifier(const struct ndc_link_spec *spec, unsigned field)
{
    return spec->fields[field].identifier;
}

bool ndc_link_spec_unique(const struct ndc_link_spec *spec, unsigned field)
{
    return spec->fields[field].unique;
}

bool ndc_link_spec_between(const struct ndc_link_spec *spec)
{
    return spec->between_only;
}

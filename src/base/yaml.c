/* YAML tree over libyaml's event parser, and typed access that complains with lines. */
#include "base/yaml.h"

#include <yaml.h>

enum { DEPTH_MAX = 32, NODES_MAX = 100000, TEXT_MAX = 1 << 20 };

struct builder {
    yaml_parser_t parser;
    struct ndc_arena *arena;
    struct ndc_fault *fault;
    unsigned nodes;
};

static unsigned line_of(const yaml_mark_t *mark)
{
    return (unsigned)mark->line + 1;
}

static enum ndc_err next_event(struct builder *b, yaml_event_t *event)
{
    if (yaml_parser_parse(&b->parser, event)) return NDC_OK;
    unsigned line = line_of(&b->parser.problem_mark);
    return ndc_fail_at(b->fault, NDC_EINPUT, "yaml.syntax", "", line,
                       "line %u: not valid YAML: %s", line,
                       b->parser.problem ? b->parser.problem : "unknown");
}

static enum ndc_err build_node(struct builder *b, yaml_event_t *event, unsigned depth,
                               struct ndc_yaml **out);

static void append(struct ndc_yaml *parent, struct ndc_yaml **tail,
                   struct ndc_yaml *child)
{
    if (*tail)
        (*tail)->next = child;
    else
        parent->first = child;
    *tail = child;
    parent->count++;
}

static enum ndc_err build_list(struct builder *b, struct ndc_yaml *list, unsigned depth)
{
    struct ndc_yaml *tail = NULL;
    for (;;) {
        yaml_event_t event;
        struct ndc_yaml *child = NULL;
        enum ndc_err err = next_event(b, &event);
        if (err) return err;
        bool end = event.type == YAML_SEQUENCE_END_EVENT;
        if (!end) err = build_node(b, &event, depth + 1, &child);
        yaml_event_delete(&event);
        if (err || end) return err;
        append(list, &tail, child);
    }
}

static enum ndc_err read_key(struct builder *b, const struct ndc_yaml *map,
                             const yaml_event_t *event, struct ndc_str *key)
{
    unsigned line = line_of(&event->start_mark);
    if (event->type != YAML_SCALAR_EVENT)
        return ndc_fail_at(b->fault, NDC_EINPUT, "yaml.key", "", line,
                           "line %u: a key must be a plain word", line);
    *key = ndc_arena_str(b->arena, ndc_str_n((const char *)event->data.scalar.value,
                                             event->data.scalar.length));
    for (const struct ndc_yaml *c = map->first; c; c = c->next)
        if (ndc_str_eq(c->key, *key))
            return ndc_fail_at(
                b->fault, NDC_EINPUT, "yaml.duplicate_key", key->ptr, line,
                "line %u: \"%.*s\" stands a second time (first in line %u)", line,
                NDC_STR_FMT(*key), c->key_line);
    return NDC_OK;
}

static enum ndc_err build_map(struct builder *b, struct ndc_yaml *map, unsigned depth)
{
    struct ndc_yaml *tail = NULL;
    for (;;) {
        yaml_event_t event;
        struct ndc_yaml *child = NULL;
        struct ndc_str key = NDC_STR_NULL;
        enum ndc_err err = next_event(b, &event);
        if (err) return err;
        unsigned key_line = line_of(&event.start_mark);
        bool end = event.type == YAML_MAPPING_END_EVENT;
        if (!end) err = read_key(b, map, &event, &key);
        yaml_event_delete(&event);
        if (err || end) return err;
        if ((err = next_event(b, &event))) return err;
        err = build_node(b, &event, depth + 1, &child);
        yaml_event_delete(&event);
        if (err) return err;
        child->key = key;
        child->key_line = key_line;
        append(map, &tail, child);
    }
}

static enum ndc_err build_node(struct builder *b, yaml_event_t *event, unsigned depth,
                               struct ndc_yaml **out)
{
    unsigned line = line_of(&event->start_mark);
    if (depth > DEPTH_MAX || ++b->nodes > NODES_MAX)
        return ndc_fail_at(b->fault, NDC_ETOOBIG, "yaml.too_big", "", line,
                           "line %u: the document is nested too deep or too large", line);
    if (event->type == YAML_ALIAS_EVENT)
        return ndc_fail_at(
            b->fault, NDC_EINPUT, "yaml.alias", "", line,
            "line %u: aliases (*name) are not accepted; write the value out", line);
    struct ndc_yaml *node = NDC_ARENA_NEW(b->arena, struct ndc_yaml);
    node->line = line;
    *out = node;
    if (event->type == YAML_SEQUENCE_START_EVENT) {
        node->kind = NDC_YAML_LIST;
        return build_list(b, node, depth);
    }
    if (event->type == YAML_MAPPING_START_EVENT) {
        node->kind = NDC_YAML_MAP;
        return build_map(b, node, depth);
    }
    NDC_ASSERT(event->type == YAML_SCALAR_EVENT);
    node->kind = NDC_YAML_SCALAR;
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    node->text = ndc_arena_str(b->arena, ndc_str_n((const char *)event->data.scalar.value,
                                                   event->data.scalar.length));
    return NDC_OK;
}

/* Passes stream and document start, builds the root, refuses a second document. */
static enum ndc_err build_document(struct builder *b, struct ndc_yaml **out)
{
    for (;;) {
        yaml_event_t event;
        enum ndc_err err = next_event(b, &event);
        if (err) return err;
        yaml_event_type_t type = event.type;
        unsigned line = line_of(&event.start_mark);
        if (type == YAML_STREAM_END_EVENT && !*out)
            err = ndc_fail_at(b->fault, NDC_EINPUT, "yaml.empty", "", 1,
                              "the document is empty");
        else if (type == YAML_DOCUMENT_START_EVENT && *out)
            err = ndc_fail_at(b->fault, NDC_EINPUT, "yaml.documents", "", line,
                              "line %u: only one document a file", line);
        else if (type != YAML_STREAM_START_EVENT && type != YAML_STREAM_END_EVENT &&
                 type != YAML_DOCUMENT_START_EVENT && type != YAML_DOCUMENT_END_EVENT)
            err = build_node(b, &event, 0, out);
        yaml_event_delete(&event);
        if (err || type == YAML_STREAM_END_EVENT) return err;
    }
}

enum ndc_err ndc_yaml_parse(struct ndc_yaml **out, struct ndc_arena *arena,
                            struct ndc_str text, struct ndc_fault *fault)
{
    struct builder b = {.arena = arena, .fault = fault};
    *out = NULL;
    if (text.len > TEXT_MAX)
        return ndc_fail(fault, NDC_ETOOBIG, "yaml.too_big", "a YAML document over 1 MiB");
    NDC_ASSERT(yaml_parser_initialize(&b.parser));
    yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b.parser, (const unsigned char *)text.ptr, text.len);
    enum ndc_err err = build_document(&b, out);
    yaml_parser_delete(&b.parser);
    if (!err && arena->overflow)
        err = ndc_fail(fault, NDC_ETOOBIG, "yaml.too_big", "the document is too large");
    if (err) *out = NULL;
    return err;
}

struct ndc_yaml *ndc_yaml_get(const struct ndc_yaml *node, const char *key)
{
    if (!node || node->kind != NDC_YAML_MAP) return NULL;
    for (struct ndc_yaml *c = node->first; c; c = c->next)
        if (ndc_str_eq_c(c->key, key)) return c;
    return NULL;
}

bool ndc_yaml_is_null(const struct ndc_yaml *node)
{
    if (!node) return true;
    if (node->kind != NDC_YAML_SCALAR || !node->plain) return false;
    return node->text.len == 0 || ndc_str_eq(node->text, NDC_STR("~")) ||
           ndc_str_eq(node->text, NDC_STR("null"));
}

enum ndc_err ndc_yaml_check_keys(const struct ndc_yaml *map, const char *what,
                                 const char *const *names, size_t n,
                                 struct ndc_fault *fault)
{
    if (map->kind != NDC_YAML_MAP)
        return ndc_fail_at(fault, NDC_EINPUT, "yaml.type", what, map->line,
                           "line %u: %s must be a map of \"key: value\" lines", map->line,
                           what);
    for (const struct ndc_yaml *c = map->first; c; c = c->next) {
        bool known = false;
        for (size_t i = 0; i < n && !known; i++)
            known = ndc_str_eq_c(c->key, names[i]);
        if (known) continue;
        const char *near = ndc_str_nearest(c->key, names, n);
        return ndc_fail_at(fault, NDC_EINPUT, "yaml.unknown_key", c->key.ptr, c->key_line,
                           "line %u: unknown key \"%.*s\" in %s%s%s%s", c->key_line,
                           NDC_STR_FMT(c->key), what, near ? "; did you mean \"" : "",
                           near ? near : "", near ? "\"?" : "");
    }
    return NDC_OK;
}

/* The scalar member, NULL if absent; a missing required one or another kind fails. */
static enum ndc_err get_scalar(const struct ndc_yaml *map, const char *key, bool required,
                               const struct ndc_yaml **out, struct ndc_fault *fault)
{
    const struct ndc_yaml *node = ndc_yaml_get(map, key);
    *out = NULL;
    if (ndc_yaml_is_null(node)) {
        if (!required) return NDC_OK;
        return ndc_fail_at(fault, NDC_EINPUT, "yaml.missing", key, map->line,
                           "line %u: \"%s\" is missing", map->line, key);
    }
    if (node->kind != NDC_YAML_SCALAR)
        return ndc_fail_at(fault, NDC_EINPUT, "yaml.type", key, node->line,
                           "line %u: \"%s\" must be a single value", node->line, key);
    *out = node;
    return NDC_OK;
}

enum ndc_err ndc_yaml_str(const struct ndc_yaml *map, const char *key, bool required,
                          struct ndc_str *out, struct ndc_fault *fault)
{
    const struct ndc_yaml *node;
    enum ndc_err err = get_scalar(map, key, required, &node, fault);
    if (!err && node) *out = node->text;
    return err;
}

enum ndc_err ndc_yaml_i64(const struct ndc_yaml *map, const char *key, bool required,
                          int64_t min, int64_t max, int64_t *out, struct ndc_fault *fault)
{
    const struct ndc_yaml *node;
    int64_t v;
    enum ndc_err err = get_scalar(map, key, required, &node, fault);
    if (err || !node) return err;
    if (!ndc_str_to_i64(node->text, &v) || v < min || v > max)
        return ndc_fail_at(fault, NDC_EINPUT, "yaml.number", key, node->line,
                           "line %u: \"%s\" must be a whole number from %lld to %lld",
                           node->line, key, (long long)min, (long long)max);
    *out = v;
    return NDC_OK;
}

enum ndc_err ndc_yaml_f64(const struct ndc_yaml *map, const char *key, bool required,
                          double *out, struct ndc_fault *fault)
{
    const struct ndc_yaml *node;
    enum ndc_err err = get_scalar(map, key, required, &node, fault);
    if (err || !node) return err;
    if (!ndc_str_to_f64(node->text, out))
        return ndc_fail_at(fault, NDC_EINPUT, "yaml.number", key, node->line,
                           "line %u: \"%s\" must be a number", node->line, key);
    return NDC_OK;
}

enum ndc_err ndc_yaml_bool(const struct ndc_yaml *map, const char *key, bool required,
                           bool *out, struct ndc_fault *fault)
{
    const struct ndc_yaml *node;
    enum ndc_err err = get_scalar(map, key, required, &node, fault);
    if (err || !node) return err;
    bool yes = ndc_str_eq(node->text, NDC_STR("true"));
    if (!yes && !ndc_str_eq(node->text, NDC_STR("false")))
        return ndc_fail_at(fault, NDC_EINPUT, "yaml.bool", key, node->line,
                           "line %u: \"%s\" must be true or false", node->line, key);
    *out = yes;
    return NDC_OK;
}

enum ndc_err ndc_yaml_enum(const struct ndc_yaml *map, const char *key, bool required,
                           const char *const *names, size_t n, int *out,
                           struct ndc_fault *fault)
{
    const struct ndc_yaml *node;
    enum ndc_err err = get_scalar(map, key, required, &node, fault);
    if (err || !node) return err;
    for (size_t i = 0; i < n; i++) {
        if (!ndc_str_eq_c(node->text, names[i])) continue;
        *out = (int)i;
        return NDC_OK;
    }
    const char *near = ndc_str_nearest(node->text, names, n);
    return ndc_fail_at(fault, NDC_EINPUT, "yaml.word", key, node->line,
                       "line %u: \"%s\" cannot be \"%.*s\"; %s \"%s\"", node->line, key,
                       NDC_STR_FMT(node->text), near ? "did you mean" : "use for example",
                       near ? near : names[0]);
}

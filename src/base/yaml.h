/* YAML 1.1 documents (libyaml) as a small read-only tree that knows its lines, with
 * limits: 1 MiB, 100,000 nodes, depth 32, no aliases, no duplicate keys. For
 * declarations, rules, specs: files that people write, so every complaint names a line.
 */
#ifndef NDC_BASE_YAML_H
#define NDC_BASE_YAML_H

#include "base/arena.h"
#include "base/error.h"

enum ndc_yaml_kind { NDC_YAML_SCALAR, NDC_YAML_LIST, NDC_YAML_MAP };

struct ndc_yaml {
    enum ndc_yaml_kind kind;
    unsigned line; /* 1-based */
    bool plain;    /* a scalar without quotes: null, true and numbers count as such */
    struct ndc_str text; /* scalar, 0-terminated */
    struct ndc_str key;  /* in a map: this entry's key */
    unsigned key_line;
    struct ndc_yaml *first; /* children of a list or map */
    struct ndc_yaml *next;  /* sibling */
    unsigned count;         /* children */
};

/* Parses one document; nodes and texts live in `arena`. */
enum ndc_err ndc_yaml_parse(struct ndc_yaml **out, struct ndc_arena *arena,
                            struct ndc_str text, struct ndc_fault *fault) NDC_MUST_USE;

/* Member of a map, or NULL (also if `node` is NULL or no map). */
struct ndc_yaml *ndc_yaml_get(const struct ndc_yaml *node, const char *key);
/* True for NULL, an empty plain scalar, ~ and null. */
bool ndc_yaml_is_null(const struct ndc_yaml *node);
/* Every key of the map must be in `names`; else NDC_EINPUT with the line and the nearest
 * name. `what` names the map in the message ("source", "field"). */
enum ndc_err ndc_yaml_check_keys(const struct ndc_yaml *map, const char *what,
                                 const char *const *names, size_t n,
                                 struct ndc_fault *fault) NDC_MUST_USE;
/* Typed members: absent leaves *out as it is (or fails if `required`); a wrong type fails
 * with line, key and what was expected. */
enum ndc_err ndc_yaml_str(const struct ndc_yaml *map, const char *key, bool required,
                          struct ndc_str *out, struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_yaml_i64(const struct ndc_yaml *map, const char *key, bool required,
                          int64_t min, int64_t max, int64_t *out,
                          struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_yaml_f64(const struct ndc_yaml *map, const char *key, bool required,
                          double *out, struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_yaml_bool(const struct ndc_yaml *map, const char *key, bool required,
                           bool *out, struct ndc_fault *fault) NDC_MUST_USE;
/* One of `names`: *out is its index; an unknown word names the nearest. */
enum ndc_err ndc_yaml_enum(const struct ndc_yaml *map, const char *key, bool required,
                           const char *const *names, size_t n, int *out,
                           struct ndc_fault *fault) NDC_MUST_USE;

#endif

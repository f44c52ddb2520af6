/* The spec reader's typed access to base/yaml: every fault names a line. */
#include "platforms/registry/link/reader.h"

enum { SPEC_ARENA_BYTES_MAX = 32 << 20 };

enum ndc_err ndc_link_reader_open(struct reader *r, struct ndc_str text,
                                  struct ndc_fault *fault)
{
    *r = (struct reader){.fault = fault};
    ndc_arena_init(&r->arena, SPEC_ARENA_BYTES_MAX);
    enum ndc_err err = ndc_yaml_parse(&r->root, &r->arena, text, fault);
    if (!err && (!r->root || ndc_yaml_is_null(r->root)))
        err = ndc_fail(fault, NDC_EINPUT, "spec.empty", "the spec is empty");
    if (err) ndc_link_reader_close(r);
    return err;
}

void ndc_link_reader_close(struct reader *r)
{
    ndc_arena_free(&r->arena);
    r->root = NULL;
}

enum ndc_err ndc_link_reader_map(struct reader *r, const struct ndc_yaml *node,
                                 const char *what, const char *const *known)
{
    size_t n = 0;
    while (known[n])
        n++;
    if (node->kind != NDC_YAML_MAP)
        return ndc_link_reader_fail(r, node, what, "%s must be a map of key: value",
                                    what);
    return ndc_yaml_check_keys(node, what, known, n, r->fault);
}

size_t ndc_link_reader_count(const struct ndc_yaml *node)
{
    return node->kind == NDC_YAML_LIST ? node->count : 1;
}

struct ndc_yaml *ndc_link_reader_item(struct ndc_yaml *node, size_t i)
{
    if (node->kind != NDC_YAML_LIST) return node;
    struct ndc_yaml *item = node->first;
    while (i-- > 0)
        item = item->next;
    return item;
}

enum ndc_err ndc_link_reader_text(struct reader *r, const struct ndc_yaml *map,
                                  const char *key, char *out, size_t size)
{
    const struct ndc_yaml *node = ndc_yaml_get(map, key);
    if (!node) return NDC_OK;
    if (node->kind != NDC_YAML_SCALAR)
        return ndc_link_reader_fail(r, node, key, "%s must be a single value", key);
    struct ndc_str s = node->text;
    if (s.len == 0 || s.len >= size || memchr(s.ptr, 0, s.len))
        return ndc_link_reader_fail(r, node, key, "%s must have 1 to %zu characters", key,
                                    size - 1);
    memcpy(out, s.ptr, s.len);
    out[s.len] = 0;
    return NDC_OK;
}

enum ndc_err ndc_link_reader_bool(struct reader *r, const struct ndc_yaml *map,
                                  const char *key, bool *out)
{
    return ndc_yaml_bool(map, key, false, out, r->fault);
}

enum ndc_err ndc_link_reader_number(struct reader *r, const struct ndc_yaml *map,
                                    const char *key, double *out, double min, double max)
{
    const struct ndc_yaml *node = ndc_yaml_get(map, key);
    double v = *out;
    enum ndc_err err = ndc_yaml_f64(map, key, false, &v, r->fault);
    if (!err && node && !(v >= min && v <= max))
        err =
            ndc_link_reader_fail(r, node, key, "%s must be from %g to %g", key, min, max);
    if (!err) *out = v;
    return err;
}

/* Reading a spec's YAML: bounded texts and numbers, and faults with lines. */
#ifndef NDC_REGISTRY_LINK_READER_H
#define NDC_REGISTRY_LINK_READER_H

#include "base/yaml.h"

struct reader {
    struct ndc_arena arena;
    struct ndc_yaml *root;
    struct ndc_fault *fault;
};

enum ndc_err ndc_link_reader_open(struct reader *r, struct ndc_str text,
                                  struct ndc_fault *fault) NDC_MUST_USE;
void ndc_link_reader_close(struct reader *r);

/* NDC_EINPUT at the node's line; `format` is a literal. */
#define ndc_link_reader_fail(r, node, field, format, ...)                  \
    ndc_fail_at((r)->fault, NDC_EINPUT, "spec.wrong", field, (node)->line, \
                "line %u: " format, (node)->line, ##__VA_ARGS__)
/* Checks that the node is a map whose keys are all in `known` (NULL-terminated). */
enum ndc_err ndc_link_reader_map(struct reader *r, const struct ndc_yaml *node,
                                 const char *what, const char *const *known) NDC_MUST_USE;
/* Items of a list; anything else counts as a list of itself. */
size_t ndc_link_reader_count(const struct ndc_yaml *node);
struct ndc_yaml *ndc_link_reader_item(struct ndc_yaml *node, size_t i);

/* Each leaves *out alone when the key is absent. */
enum ndc_err ndc_link_reader_text(struct reader *r, const struct ndc_yaml *map,
                                  const char *key, char *out, size_t size) NDC_MUST_USE;
enum ndc_err ndc_link_reader_bool(struct reader *r, const struct ndc_yaml *map,
                                  const char *key, bool *out) NDC_MUST_USE;
enum ndc_err ndc_link_reader_number(struct reader *r, const struct ndc_yaml *map,
                                    const char *key, double *out, double min,
                                    double max) NDC_MUST_USE;

#endif

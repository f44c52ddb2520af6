/* The learned model, kept; and one record matched against candidates with it: the same
 * comparators and weights as the batch run, so one lookup and the batch agree. */
#ifndef NDC_REGISTRY_LINK_MATCH_H
#define NDC_REGISTRY_LINK_MATCH_H

#include "platforms/registry/link/result.h"

/* The model of a finished run as JSON: weights per level and group, prior, and value
 * frequencies (the most frequent 65,536 of each field). */
enum ndc_err ndc_link_model_write(const struct ndc_link *link, struct ndc_buf *out,
                                  struct ndc_fault *fault) NDC_MUST_USE;
/* Reads it back for the same spec (a model of another spec is NDC_EINPUT). */
enum ndc_err ndc_link_model_read(struct ndc_link_model **out,
                                 const struct ndc_link_spec *spec, struct ndc_str json,
                                 struct ndc_fault *fault) NDC_MUST_USE;
/* Whether it may link a table of so many rows: not if that is more than twice what it was
 * learned from, or less than half, or if an older program wrote it. */
bool ndc_link_model_fits(const struct ndc_link_model *model, uint64_t rows);
void ndc_link_model_free(struct ndc_link_model *model);

/* Blocking keys of one record (values in field order): records that share a key are
 * candidates. Keys are the same on every machine and in every release, so they can be
 * stored and indexed. Returns their number, at most NDC_LINK_KEYS_MAX. */
unsigned ndc_link_keys(const struct ndc_link_spec *spec, const struct ndc_str *values,
                       uint64_t keys[static NDC_LINK_KEYS_MAX]);

struct ndc_link_match {
    uint32_t candidate; /* index in the list given */
    double log_odds;
    double probability; /* that this candidate is the probe's entity, by itself */
    unsigned evidence_count;
    struct ndc_link_evidence evidence[NDC_LINK_FIELDS_MAX + 4];
};

/* Scores the probe against `count` candidates (candidates[i] is an array of field
 * values), best first, ties by candidate index. Writes at most `max` matches that reach
 * log_odds_min and returns their number. Reads the model only: many threads may. */
unsigned ndc_link_match(const struct ndc_link_model *model, struct ndc_link_match *out,
                        unsigned max, const struct ndc_str *probe,
                        const struct ndc_str *const *candidates, uint32_t count,
                        double log_odds_min);

#endif

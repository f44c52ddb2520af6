/* What a finished linking run gives: entities, edges as evidence, pairs to review, what
 * was capped, and the reasons for one pair. All pointers stay valid until ndc_link_free.
 */
#ifndef NDC_REGISTRY_LINK_RESULT_H
#define NDC_REGISTRY_LINK_RESULT_H

#include "platforms/registry/link/link.h"

/* Rows are numbered 0.. in (source, ref) order after the run, whatever order they came
 * in. Entities are numbered 0.. by their first row. */
uint32_t ndc_link_row_count(const struct ndc_link *link);
uint32_t ndc_link_entity_count(const struct ndc_link *link);
uint32_t ndc_link_entity(const struct ndc_link *link, uint32_t row);
void ndc_link_row(const struct ndc_link *link, uint32_t row, unsigned *source,
                  uint64_t *ref);
/* Name of a source by the number ndc_link_row gives (sources are numbered by name then).
 */
struct ndc_str ndc_link_source_name(const struct ndc_link *link, unsigned source);
/* Row of a record, or UINT32_MAX; source as ndc_link_row gives it. */
uint32_t ndc_link_row_find(const struct ndc_link *link, unsigned source, uint64_t ref);
/* After a run with options.keep_open: whether what identifiers joined the row to is still
 * open, that is, one row only or without a unique identifier. */
bool ndc_link_open(const struct ndc_link *link, uint32_t row);
/* The row's blocking keys, while its values are kept: at most NDC_LINK_KEYS_MAX. */
unsigned ndc_link_row_keys(const struct ndc_link *link, uint32_t row,
                           uint64_t keys[static NDC_LINK_KEYS_MAX]);
/* Puts rows that ascend by number in the order that does not depend on files; and whether
 * row a stands before row b in it. */
void ndc_link_settle(const struct ndc_link *link, uint32_t *rows, size_t count);
bool ndc_link_before(const struct ndc_link *link, uint32_t a, uint32_t b);
/* The folded value of a field, as compared; empty if missing. */
struct ndc_str ndc_link_value(const struct ndc_link *link, uint32_t row, unsigned field);

enum ndc_link_edge_kind {
    NDC_LINK_EDGE_MODEL = 0,  /* scored by the model */
    NDC_LINK_EDGE_IDENTIFIER, /* share an identifier and do not contradict each other */
    NDC_LINK_EDGE_DECISION    /* a reviewer said so */
};

/* Evidence kept for every pair over the spec's edge floor, by (a, b), a < b: enough to
 * recompute a component without rows. */
struct ndc_link_edge {
    uint32_t a, b;
    float log_odds; /* natural logarithm of the odds that a and b are one entity */
    uint8_t kind;   /* enum ndc_link_edge_kind */
    bool joined;    /* both ends are in one entity */
};
const struct ndc_link_edge *ndc_link_edges(const struct ndc_link *link, size_t *n);

/* Pairs a person should look at, the most uncertain first. */
enum ndc_link_review_reason {
    NDC_LINK_REVIEW_UNCERTAIN = 0, /* probability between the spec's two thresholds */
    NDC_LINK_REVIEW_CONFLICT,      /* likely the same, but a guard refused the merge */
    NDC_LINK_REVIEW_SHARED_ID      /* share an identifier and contradict each other */
};
struct ndc_link_review {
    uint32_t a, b;
    float log_odds;
    uint8_t reason; /* enum ndc_link_review_reason */
    bool joined;    /* the run put them in one entity for now */
};
const struct ndc_link_review *ndc_link_reviews(const struct ndc_link *link, size_t *n);

/* Blocks that were larger than the cap, and what was done: largest first. */
struct ndc_link_cap {
    const char *rule; /* the blocking rule as written in the spec */
    uint32_t example; /* a row in the block */
    uint32_t rows;
    uint64_t pairs, pairs_kept; /* without and with the cap */
};
const struct ndc_link_cap *ndc_link_caps(const struct ndc_link *link, size_t *n);

struct ndc_link_stats {
    uint64_t rows, pairs_compared, edges, entities, largest_entity;
    uint64_t identifier_links, identifier_conflicts, merges_refused, decisions_unknown;
    uint64_t identifier_fillers; /* rows whose identifier far too many rows share */
    double matches_expected;     /* pairs that the model believes are matches */
    double seconds_prepare, seconds_identifiers, seconds_block, seconds_learn,
        seconds_score, seconds_cluster;
};
void ndc_link_get_stats(const struct ndc_link *link, struct ndc_link_stats *out);

/* One line of evidence: how a field (or group of correlated fields) was judged. */
struct ndc_link_evidence {
    const char *field, *level; /* "surname", "exact"; static or owned by the spec */
    double weight;    /* natural-log weight; a group's stands in its first line */
    double frequency; /* the agreed value's share, 0 where it does not apply */
};
/* Up to `max` lines for two rows; returns their number, *log_odds gets the sum with the
 * prior. */
unsigned ndc_link_explain(const struct ndc_link *link, uint32_t a, uint32_t b,
                          struct ndc_link_evidence *out, unsigned max, double *log_odds);

#endif

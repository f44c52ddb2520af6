/* The table under work: what the stages of a run hand on to each other. */
#ifndef NDC_REGISTRY_LINK_RUN_H
#define NDC_REGISTRY_LINK_RUN_H

#include "platforms/registry/link/block.h"
#include "platforms/registry/link/model.h"
#include "sys/thread.h"

#include <stdatomic.h>

struct decision {
    unsigned source_a, source_b;
    uint64_t ref_a, ref_b;
    uint32_t a, b; /* rows, known once the table is sealed */
    bool same;
};

struct edges {
    struct ndc_link_edge *items;
    size_t count, cap;
};
void ndc_link_edges_add(struct edges *edges, uint32_t a, uint32_t b, double log_odds,
                        enum ndc_link_edge_kind kind);

struct reviews {
    struct ndc_link_review *items;
    size_t count, cap;
};
void ndc_link_reviews_add(struct reviews *reviews, uint32_t a, uint32_t b,
                          double log_odds, enum ndc_link_review_reason reason,
                          bool joined);

struct keys {
    uint64_t *items;
    size_t count, cap;
};

struct ndc_link {
    const struct ndc_link_spec *spec;
    struct ndc_link_options options;
    struct ndc_mutex lock; /* guards rows, decisions and names until the run */
    struct ndc_mutex
        column_locks[NDC_LINK_FIELDS_MAX]; /* one a dictionary; taken alone */
    atomic_uint turn;                      /* which column a batch numbers first */
    struct table table;
    struct decision *decisions;
    size_t decision_count, decision_cap;
    uint64_t *source_map; /* declared number -> rank after sealing */
    const struct ndc_link_model *given_model;
    struct ndc_link_model *model; /* learned here, owned */
    struct ndc_buf learned;   /* the same as text, where a sample of the rows taught it */
    struct compared compared; /* by learning */
    struct model_field looked_up[NDC_LINK_FIELDS_MAX]; /* for a given model */
    const struct model_field *fields;                  /* frequencies in force */
    struct nodes nodes;
    struct blocks blocks;
    struct {
        unsigned field;
        uint32_t at, len; /* of the value, in filler_texts */
    } * fillers;
    uint32_t filler_count, filler_cap;
    struct ndc_buf filler_texts;
    double agree[NDC_LINK_FIELDS_MAX], differ[NDC_LINK_FIELDS_MAX]; /* see model.h */
    struct keys capped; /* sorted when the run begins */
    uint8_t *open;      /* row -> whether its node is open (options.keep_open) */
    struct edges edges;
    struct reviews reviews;
    uint32_t *entity; /* row -> entity */
    struct ndc_link_stats stats;
    bool ran;
};

/* The model in force. */
static inline const struct ndc_link_model *link_model(const struct ndc_link *link)
{
    return link->given_model ? link->given_model : link->model;
}

/* Cannot-link decisions, carried along as things merge. Empty when there are none. */
struct barriers {
    uint32_t *head, *tail; /* thing -> first and last of its entries, 1-based */
    uint32_t *next, *other;
    uint32_t count;
};
void ndc_link_barriers_init(struct barriers *barriers, const struct ndc_link *link,
                            uint32_t things, const uint32_t *thing_of_row);
void ndc_link_barriers_free(struct barriers *barriers);
/* True if a decision stands between the things now found at roots a and b. */
bool ndc_link_barriers_between(const struct barriers *barriers, uint32_t *parent,
                               uint32_t a, uint32_t b);
/* Root `from` has merged into root `into`. */
void ndc_link_barriers_merge(struct barriers *barriers, uint32_t into, uint32_t from);
/* Union-find with path halving. */
uint32_t ndc_link_find_root(uint32_t *parent, uint32_t x);

/* Joins rows by must-link decisions and identifiers (ident.c). */
void ndc_link_nodes_build(struct ndc_link *link);
void ndc_link_nodes_free(struct nodes *nodes);
/* Merges nodes along the edges (cluster.c). */
void ndc_link_cluster_run(struct ndc_link *link);

/* Steps of a run, for who links shares of more records than memory holds (external.h).
 * Rows are sealed, decisions placed, identifiers joined. */
void ndc_link_run_nodes(struct ndc_link *link);
/* The same, and the model is learned; no pair becomes an edge. */
void ndc_link_run_learn(struct ndc_link *link);
/* Finds the rows of decisions, `names` being the sources as they were declared. */
void ndc_link_place_decisions(struct ndc_link *link, const struct ndc_dict *names);
/* Frequencies of a given model for the values at hand. */
void ndc_link_take_model(struct ndc_link *link);
/* Adds edges of the pairs that reach the floor. */
void ndc_link_score_pairs(struct ndc_link *link, const struct pairs *pairs);
/* Puts reviews in their order and says which are joined. */
void ndc_link_finish_reviews(struct ndc_link *link);
/* The model of a sample, written as that of `rows` times as many: counts of a field's
 * values become `rows` times `values[field]` as many (NULL: of all, `rows` times). */
enum ndc_err ndc_link_model_write_scaled(const struct ndc_link *link, double rows,
                                         const double *values, struct ndc_buf *out,
                                         struct ndc_fault *fault) NDC_MUST_USE;
bool ndc_link_canceled(struct ndc_link *link, const char *stage, double part);

#endif

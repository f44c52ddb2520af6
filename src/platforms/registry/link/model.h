/* The Fellegi-Sunter model: weights per group cell, value frequencies, prior. */
#ifndef NDC_REGISTRY_LINK_MODEL_H
#define NDC_REGISTRY_LINK_MODEL_H

#include "platforms/registry/link/table.h"

/* Memo of comparator results: direct mapped, one per thread. */
struct memo {
    uint64_t *slots;
    uint64_t mask;
};
/* For about that many pairs of values. */
void ndc_link_memo_init(struct memo *memo, unsigned log2_slots_max, size_t pairs);
void ndc_link_memo_free(struct memo *memo);

struct comparison {
    uint8_t levels[NDC_LINK_FIELDS_MAX];
    uint16_t cells[2 * NDC_LINK_FIELDS_MAX];
    float group_frequency[2 * NDC_LINK_FIELDS_MAX];
    float shared_frequency; /* of the groups that a household shares */
    float frequency;        /* sum of the value-frequency terms of agreed values */
};

struct model_group {
    double *m, *u, *weight; /* by cell; weight = ln(m / u) */
    double *h, *weight_h;   /* the same for two people of one household */
    double *random;         /* share of the cell among random pairs, before cleaning */
};

/* Frequencies of one field's values, by value or class id of the table at hand. */
struct model_field {
    float *log_frequency;       /* value -> ln of its share; NULL if unused */
    float *class_log_frequency; /* class -> the same */
    float log_exact;
    double exact; /* chance that two random records agree: sum of squares */
};

struct ndc_link_model {
    const struct ndc_link_spec *spec;
    struct model_group groups[2 * NDC_LINK_FIELDS_MAX];
    double prior_log_odds;
    double prior_h;    /* ln of a household pair's odds against a random pair */
    double households; /* expected household pairs */
    double pairs_all;  /* comparable pairs */
    double matches;    /* expected among them */
    struct model_field fields[NDC_LINK_FIELDS_MAX];
    /* Frequencies kept by text for models read back: hash of the folded value -> share.
     */
    struct kept_frequency {
        uint64_t *hashes; /* sorted */
        float *log_shares;
        uint32_t count;
        uint32_t *starts; /* by a hash's top bits, down to `shift` */
        unsigned shift;
        float log_rest; /* of a value not kept */
    } kept[NDC_LINK_FIELDS_MAX], kept_class[NDC_LINK_FIELDS_MAX];
    /* Plain weights of a field's agreement and difference, by which sharers of an
     * identifier are checked before anything is learned. */
    double agree[NDC_LINK_FIELDS_MAX], differ[NDC_LINK_FIELDS_MAX];
    bool has_plain;
    uint64_t rows; /* it was learned from */
    bool learned;
};

/* Value frequencies that a model keeps of each field; the others have the share of the
 * least frequent kept. */
enum { NDC_LINK_KEPT_MAX = 65536 };

/* Compares two rows; memo may be NULL. */
void ndc_link_compare_rows(struct comparison *out, const struct table *table,
                           const struct model_field *fields, struct memo *memo,
                           uint32_t a, uint32_t b);

/* The level of two values of a column: 0 one is missing, 1 equal; memo may be NULL. */
uint8_t ndc_link_level(const struct column *column, struct memo *memo, uint32_t a,
                       uint32_t b);

/* An untrained model for the spec: groups allocated, first guesses of m. */
struct ndc_link_model *ndc_link_model_new(const struct ndc_link_spec *spec);

/* Levels of the group's fields from a cell number: levels[i] of fields[i]. */
void ndc_link_group_levels(const struct ndc_link_spec *spec,
                           const struct spec_group *group, unsigned cell,
                           uint8_t levels[static GROUP_FIELDS_MAX]);
/* Bit i set: the group's field i is missing in this cell. */
unsigned ndc_link_group_missing(const struct ndc_link_spec *spec,
                                const struct spec_group *group, unsigned cell);
/* Gives every value of the table its frequency: counted in the table's rows, or, for a
 * model read back, looked up. */
void ndc_link_model_count(struct ndc_link_model *model, const struct table *table);
void ndc_link_model_lookup(struct model_field *out, const struct ndc_link_model *model,
                           const struct table *table);
void ndc_link_model_fields_free(struct model_field *fields);
/* weight = ln(m / u) of every cell. */
void ndc_link_model_weigh(struct ndc_link_model *model);
/* First guess of m for a field's level (1-based). */
double ndc_link_first_m(unsigned level, unsigned levels);

/* prior + weights + frequencies */
double ndc_link_comparison_log_odds(const struct ndc_link_model *model,
                                    const struct comparison *c);
double ndc_link_cells_log_odds(const struct ndc_link_model *model, const uint16_t *cells,
                               float frequency, float shared_frequency);

/* Comparisons of the candidates that were learned from, for who scores them afterwards.
 */
struct compared {
    uint64_t *pairs; /* ascending */
    size_t count;
    uint16_t *cells; /* pair x group_count */
    float *frequency, *shared_frequency;
};
void ndc_link_compared_free(struct compared *compared);
/* Called for the i-th of pairs[0..count) before it is compared: has memory fetch the rows
 * of a later one, what leads to the texts of a nearer one, and the texts of the next. */
void ndc_link_look_ahead(const struct table *table, const uint64_t *pairs, size_t i,
                         size_t count);

/* Learns m, u and the prior from candidate pairs ((a << 32) | b, sorted), each of which
 * stands for `scale` candidates. `kept` gets the comparisons of those it used. */
void ndc_link_model_learn(struct ndc_link_model *model, struct compared *kept,
                          const struct table *table, const uint64_t *pairs, size_t count,
                          double scale, unsigned threads);

#endif

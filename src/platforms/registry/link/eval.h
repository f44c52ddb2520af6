/* Quality on labelled data: how well a spec links a CSV file whose truth is known. */
#ifndef NDC_REGISTRY_LINK_EVAL_H
#define NDC_REGISTRY_LINK_EVAL_H

#include "base/hash.h"
#include "platforms/registry/link/result.h"

struct ndc_link_eval {
    uint64_t rows, truth_pairs, found_pairs, right_pairs;
    uint64_t entities, truth_entities;
    double precision, recall, f1;          /* of pairs */
    double b3_precision, b3_recall, b3_f1; /* B-cubed, Bagga & Baldwin 1998, by record */
    double seconds_read, seconds_link;
    uint64_t pairs_compared, blocks_capped, reviews;
    uint64_t candidate_truth; /* true pairs that some blocking rule brought together and
                               * the model gave at least the edge floor */
};

/* Compares two partitions of n items given as labels; `between` counts only pairs whose
 * sources differ (sources may be NULL otherwise). Fills the quality figures of *out. */
void ndc_link_score_partition(struct ndc_link_eval *out, const uint32_t *found,
                              const uint32_t *truth, const uint8_t *sources, uint32_t n,
                              bool between);

/* Reads the CSV files by the spec's `input` and `truth`, links and judges. `right` may be
 * NULL. threads 0: all. With `link_out` the finished run is handed over. */
enum ndc_err ndc_link_eval_files(struct ndc_link_eval *out,
                                 const struct ndc_link_spec *spec, const char *left,
                                 const char *right, unsigned threads,
                                 struct ndc_link **link_out,
                                 struct ndc_fault *fault) NDC_MUST_USE;

/* What reading remembers of each row besides its values. */
struct ndc_link_label {
    uint64_t ref;
    uint32_t truth, id; /* of `names` and `ids`; 0: none */
    uint8_t source;     /* "left" or "right", as ndc_link_row numbers them */
};
struct ndc_link_labels {
    struct ndc_link_label *items;
    size_t count, cap;
    bool want_truth; /* a spec that names no truth column is then an error */
    struct ndc_dict names, ids;
};
void ndc_link_labels_free(struct ndc_link_labels *labels);

/* Adds a CSV file's rows to the table as source `name`, streamed; the record number is
 * the hash of the id column (or of the whole row where the spec names none). */
enum ndc_err ndc_link_read_csv(struct ndc_link *link, const char *path, const char *name,
                               struct ndc_link_labels *labels,
                               struct ndc_fault *fault) NDC_MUST_USE;

#endif

/* Linking more records than memory holds, by sort and merge: the same entities, edges,
 * reviews and open marks as ndc_link_run gives with the same model, whatever the bound
 * and the number of threads. Rows are read three times and never all held:
 *
 *  1. Values of identifiers are sorted: fillers, and which rows identifiers could join.
 *  2. Rows are dealt into shares that hold such rows together; in each the engine joins
 *     what identifiers join. Blocking keys of the nodes are sorted: which rows meet.
 *  3. Rows that meet are dealt by what their keys have in common (a name, a date) and
 *     scored. Edges are dealt by component, and each is merged by itself.
 *
 * What lies between is in scratch files without a name. In memory are, for every row, its
 * tag, source, component and entity (13 bytes); the result takes what ndc_link's does. */
#ifndef NDC_REGISTRY_LINK_EXTERNAL_H
#define NDC_REGISTRY_LINK_EXTERNAL_H

#include "platforms/registry/link/link.h"

struct ndc_link_taker {
    void *arg;
    /* Asked of each row, ascending; may be NULL: all are wanted. */
    bool (*wants)(void *arg, uint32_t row);
    void (*take)(void *arg, uint32_t row, uint32_t tag, const struct ndc_str *values);
};

/* Where rows come from. They are numbered through the sources as declared. */
struct ndc_link_reader {
    void *ctx;
    /* Gives the wanted ones of rows [from, to). Called by several threads at once, for
     * ranges that do not overlap, several times. */
    enum ndc_err (*read)(void *ctx, uint32_t from, uint32_t to,
                         const struct ndc_link_taker *taker,
                         struct ndc_fault *fault) NDC_MUST_USE;
    const char *scratch_dir;
    size_t memory_bytes;  /* about what shares may take together */
    uint32_t sample_rows; /* to learn from, where there is no model; 0: 4 Mi */
};

/* Bytes that linking so many rows in memory takes, about. */
uint64_t ndc_link_memory_needed(uint64_t rows);

/* Whether rows of this spec can be linked so: not where blocks over their cap are split,
 * or a source holds an entity once. */
bool ndc_link_external_fits(const struct ndc_link_spec *spec);

/* Links, once per table: its sources were all declared whole, no batch was added. Without
 * a given model one is learned on a sample of the rows (ndc_link_model_write gives it),
 * which is not quite what all rows would teach. The values of rows cannot be asked for
 * afterwards. Faults:
 * io.scratch, those of the reader. */
enum ndc_err ndc_link_run_external(struct ndc_link *link,
                                   const struct ndc_link_reader *reader,
                                   struct ndc_fault *fault) NDC_MUST_USE;

#endif

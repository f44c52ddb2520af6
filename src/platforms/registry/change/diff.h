/* What differs between two states of an entity, as the change feed tells it. */
#ifndef NDC_REGISTRY_CHANGE_DIFF_H
#define NDC_REGISTRY_CHANGE_DIFF_H

#include "platforms/registry/change/change.h"
#include "platforms/registry/entity/entity.h"

/* The fields whose golden value is another in `b` than in `a` (either may be NULL: no
 * entity). */
struct ndc_field_set ndc_change_fields(const struct ndc_entity_view *a,
                                       const struct ndc_entity_view *b);
/* Appends to `before` each record of `a` that is another or no longer in `b`, encoded,
 * and, with flag NDC_RECORD_ABSENT and no fields, each of `b` that is not in `a`: what
 * turns `b` into `a` again. Without `b` that is all of `a`. */
void ndc_change_before(struct ndc_buf *before, const struct ndc_entity_view *a,
                       const struct ndc_entity_view *b);

/* The way back: the records of `b` with those of `before` put in their place, in the
 * arena (texts point where they pointed). The order is that of sources and keys. False:
 * the bytes are damaged. */
bool ndc_change_undo(struct ndc_record **records, unsigned *count,
                     struct ndc_arena *arena, const struct ndc_record *b,
                     unsigned b_count, struct ndc_str before);

/* Changes of a build, appended in slices while it writes. Zero-initialise, then begin. */
struct ndc_change_batch {
    struct ndc_store_conn *conn;
    struct ndc_change *changes;
    size_t *before_at; /* of each: where its part of `before` begins */
    size_t count;
    struct ndc_buf before;
    struct ndc_arena arena;
    int64_t at_ms;
    int64_t last; /* the number given last; 0: the lock is not taken yet */
};

/* In the caller's write transaction, which it is used in to the end. */
void ndc_change_batch_begin(struct ndc_change_batch *batch, struct ndc_store_conn *conn);
/* Everything is another now: one row. */
enum ndc_err ndc_change_batch_generation(struct ndc_change_batch *batch,
                                         struct ndc_fault *fault) NDC_MUST_USE;
/* An entity from a payload to a payload; either may be empty: created, or ended (`other`
 * 0) or merged into `other`. `previous` is the change that made `before`. */
struct ndc_change_step {
    uint64_t entity, other;
    int64_t previous;
    struct ndc_str before, after;
};
/* *seq is the number it gets; 0, and nothing is written, where neither a record nor a
 * golden value differs. */
enum ndc_err ndc_change_batch_entity(struct ndc_change_batch *batch,
                                     const struct ndc_change_step *step, int64_t *seq,
                                     struct ndc_fault *fault) NDC_MUST_USE;
/* Writes what is left and frees, whatever the outcome of the build: with `keep` false
 * only frees. */
enum ndc_err ndc_change_batch_end(struct ndc_change_batch *batch, bool keep,
                                  struct ndc_fault *fault) NDC_MUST_USE;

#endif

/* The plan of a file: how many rows it has, where each slice of them begins, and which
 * rows repeat an account. Made in one pass before the check and kept beside the file, so
 * that a check goes on at any slice and every slice is judged alone.
 *
 * Repeated accounts are found by sorting hashes, 16 bytes a row, in a scratch file; two
 * bits a row are kept. */
#ifndef NDC_VERIFY_PLAN_H
#define NDC_VERIFY_PLAN_H

#include "platforms/verify/sheet.h"

enum { NDC_SLICE_ROWS = 1 << 16 };

enum ndc_repeat {
    NDC_REPEAT_NONE,
    NDC_REPEAT_ACCOUNT, /* the account came before, with other data */
    NDC_REPEAT_ROW      /* the whole row came before */
};

struct ndc_plan {
    struct ndc_sheet_shape shape;
    uint64_t bytes, rows;
    size_t slices;
    uint64_t *begins; /* slices + 1 offsets */
    uint8_t *repeats; /* two bits a row */
};

static inline enum ndc_repeat ndc_plan_repeat(const struct ndc_plan *plan, uint64_t row)
{
    return (enum ndc_repeat)(plan->repeats[row / 4] >> row % 4 * 2 & 3);
}

/* Told of progress in bytes; true: stop (NDC_ECANCELED). May be NULL. */
typedef bool ndc_plan_tell(void *arg, uint64_t bytes);

/* Reads the whole file. Scratch files go to `dir`. Faults: those of ndc_sheet_shape;
 * verify.rows (too many). */
enum ndc_err ndc_plan_make(struct ndc_plan *out, struct ndc_str file, uint64_t rows_max,
                           const char *dir, unsigned threads, ndc_plan_tell *tell,
                           void *arg, struct ndc_fault *fault) NDC_MUST_USE;
void ndc_plan_free(struct ndc_plan *plan);

/* Keeps it in a file, and reads it back: NDC_ECONFLICT (verify.plan) where that is
 * damaged or of another file. */
enum ndc_err ndc_plan_save(const struct ndc_plan *plan, const char *path,
                           struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_plan_load(struct ndc_plan *out, const char *path, struct ndc_str file,
                           struct ndc_fault *fault) NDC_MUST_USE;

#endif

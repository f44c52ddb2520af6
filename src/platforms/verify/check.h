/* Checking: slices of a file judged on all processors, verdicts written in the file's
 * order. */
#ifndef NDC_VERIFY_CHECK_H
#define NDC_VERIFY_CHECK_H

#include "platforms/verify/judge.h"
#include "platforms/verify/plan.h"

enum { NDC_CHECK_WINDOW_MAX = 64 };

struct ndc_counts {
    uint64_t rows, by[NDC_VERDICT_COUNT], organisations;
};

/* One row of a watch: what a later look at the same account needs. It names nobody. */
struct ndc_watch_row {
    char account[NDC_SHEET_ACCOUNT_MAX]; /* ended by a 0 where shorter */
    struct ndc_probe probe;
    uint8_t verdict, at, notes, spare[5];
};

/* What a check reads; all of it outlives the check. */
struct ndc_check_input {
    struct ndc_str file; /* mapped */
    const struct ndc_plan *plan;
    const struct ndc_projection *projection;
    const struct ndc_projection_key *key;
    const struct ndc_people_ops *people;
    struct ndc_judge_terms terms;
    bool watch; /* make rows of a watch too */
    unsigned threads;
};

/* The header of a file of verdicts; nothing for NDJSON. */
void ndc_check_header(struct ndc_buf *out, enum ndc_sheet_format format);

struct ndc_check;
struct ndc_check *ndc_check_new(const struct ndc_check_input *input);
void ndc_check_free(struct ndc_check *check);

/* Judges the slices from `first` on, at most a window of them; *n is how many. What they
 * say is in out, and watch rows in watch (both emptied first), added up in counts. */
enum ndc_err ndc_check_window(struct ndc_check *check, size_t first, size_t *n,
                              struct ndc_buf *out, struct ndc_buf *watch,
                              struct ndc_counts *counts,
                              struct ndc_fault *fault) NDC_MUST_USE;

/* A verdict as a row of a file of verdicts. */
void ndc_verdict_write(struct ndc_buf *out, enum ndc_sheet_format format, uint64_t row,
                       struct ndc_str account, const struct ndc_judgement *judgement,
                       const struct ndc_probe *probe, enum ndc_repeat repeat);

#endif

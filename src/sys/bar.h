/* A progress bar on standard error: one line drawn again in place on a terminal, one line
 * a phase elsewhere. For one thread at a time. */
#ifndef NDC_SYS_BAR_H
#define NDC_SYS_BAR_H

#include "base/ndc.h"

struct ndc_bar {
    bool terminal;
    int percent;
    const char *phase;
    int64_t start_ns, left_s; /* of ndc_bar_whole: when it began, what it told last */
};

void ndc_bar_begin(struct ndc_bar *bar);
/* `phase` is a literal; total 0: not known. Draws only what changed. */
void ndc_bar_draw(struct ndc_bar *bar, const char *phase, uint64_t done, uint64_t total);
/* The same where done and total are of the whole, over all phases, and grow evenly with
 * time: one line, with the time that is left. */
void ndc_bar_whole(struct ndc_bar *bar, const char *phase, uint64_t done, uint64_t total);
/* Ends the line. */
void ndc_bar_end(struct ndc_bar *bar);

#endif

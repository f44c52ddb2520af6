/* A progress bar on standard error: one line drawn again in place on a terminal, one line
 * a phase elsewhere. For one thread at a time. */
#ifndef NDC_SYS_BAR_H
#define NDC_SYS_BAR_H

#include "base/ndc.h"

struct ndc_bar {
    bool terminal;
    int percent;
    const char *phase;
};

void ndc_bar_begin(struct ndc_bar *bar);
/* `phase` is a literal; total 0: not known. Draws only what changed. */
void ndc_bar_draw(struct ndc_bar *bar, const char *phase, uint64_t done, uint64_t total);
/* Ends the line. */
void ndc_bar_end(struct ndc_bar *bar);

#endif

/* Progress bars. */
#include "sys/bar.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { WIDTH = 40 };

void ndc_bar_begin(struct ndc_bar *bar)
{
    *bar = (struct ndc_bar){.terminal = isatty(STDERR_FILENO), .percent = -1};
}

void ndc_bar_draw(struct ndc_bar *bar, const char *phase, uint64_t done, uint64_t total)
{
    bool same = bar->phase && strcmp(bar->phase, phase) == 0;
    int percent = total ? (int)(NDC_MIN(done, total) * 100 / total) : 0;
    if (same && percent == bar->percent) return;
    if (!bar->terminal) {
        if (!same) fprintf(stderr, "  %s…\n", phase);
    } else {
        int part = percent * WIDTH / 100;
        if (bar->phase && !same) fputc('\n', stderr);
        fprintf(stderr, "\r  %-10s [%.*s%.*s] %3d %%", phase, part,
                "########################################", WIDTH - part,
                "........................................", percent);
    }
    bar->phase = phase;
    bar->percent = percent;
}

void ndc_bar_end(struct ndc_bar *bar)
{
    if (bar->terminal && bar->phase) fputc('\n', stderr);
    bar->phase = NULL;
}

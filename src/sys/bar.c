/* Progress bars. */
#include "sys/bar.h"

#include "sys/clock.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { WIDTH = 40, LEFT_AFTER_S = 2, SECONDS = 1000000000 };

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

void ndc_bar_whole(struct ndc_bar *bar, const char *phase, uint64_t done, uint64_t total)
{
    int64_t now_ns = ndc_clock_mono_ns();
    done = NDC_MIN(done, total);
    if (!bar->start_ns) bar->start_ns = now_ns;
    if (!bar->terminal) {
        ndc_bar_draw(bar, phase, done, total);
        return;
    }
    double took_s = (double)(now_ns - bar->start_ns) / SECONDS;
    int64_t left_s = -1;
    if (done && took_s >= LEFT_AFTER_S)
        left_s = (int64_t)(took_s * (double)(total - done) / (double)done);
    int percent = total ? (int)(done * 100 / total) : 0, part = percent * WIDTH / 100;
    if (percent == bar->percent && left_s == bar->left_s && bar->phase) return;
    fprintf(stderr, "\r  %-10s [%.*s%.*s] %3d %%", phase, part,
            "########################################", WIDTH - part,
            "........................................", percent);
    if (left_s >= 0)
        fprintf(stderr, "  %lld:%02lld left  ", (long long)left_s / 60,
                (long long)left_s % 60);
    bar->phase = phase;
    bar->percent = percent;
    bar->left_s = left_s;
}

void ndc_bar_end(struct ndc_bar *bar)
{
    if (bar->terminal && bar->phase) fputc('\n', stderr);
    bar->phase = NULL;
}

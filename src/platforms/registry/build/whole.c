/* Progress of a whole integration (whole.h). */
#include "platforms/registry/build/whole.h"

#include <string.h>

enum { LOAD, LINK, ENTITIES, INDEX };

static const char *const phases[NDC_WHOLE_PHASES] = {"load", "link", "entities", "index"};

/* Nanoseconds by the clock on two cores, 2.0 M records of 643 MB; only their proportions
 * count. */
#define LOAD_NS_BYTE       5.3
#define LINK_NS_RECORD     1450.0
#define ENTITIES_NS_RECORD 1250.0
#define INDEX_NS_RECORD    250.0
#define BYTES_A_RECORD     320.0

static void tell_part(struct ndc_whole *w, const char *phase, uint64_t done,
                      uint64_t total)
{
    unsigned p = 0;
    while (p < NDC_WHOLE_PHASES && strcmp(phases[p], phase) != 0)
        p++;
    NDC_ASSERT(p < NDC_WHOLE_PHASES);
    double part = total ? (double)NDC_MIN(done, total) / (double)total : 0;
    double share = w->before[p] + part * (w->before[p + 1] - w->before[p]);
    ndc_mutex_lock(&w->lock);
    /* People are linked before organisations, sources load side by side: never back. */
    w->told = NDC_MAX(w->told, (uint64_t)(share * NDC_WHOLE_PARTS));
    w->to->tell(w->to->arg, phase, w->told, NDC_WHOLE_PARTS, "‰");
    ndc_mutex_unlock(&w->lock);
}

static void tell(void *arg, const char *phase, uint64_t done, uint64_t total,
                 const char *unit)
{
    struct ndc_whole *w = arg;
    (void)unit;
    if (w->to && w->to->tell) tell_part(w, phase, done, total);
}

static bool canceled(void *arg)
{
    const struct ndc_whole *w = arg;
    return w->to && w->to->canceled && w->to->canceled(w->to->arg);
}

void ndc_whole_init(struct ndc_whole *w, const struct ndc_progress *to,
                    uint64_t load_bytes, uint64_t records)
{
    double n = (double)records + (double)load_bytes / BYTES_A_RECORD;
    const double took[NDC_WHOLE_PHASES] = {
        [LOAD] = (double)load_bytes * LOAD_NS_BYTE,
        [LINK] = n * LINK_NS_RECORD,
        [ENTITIES] = n * ENTITIES_NS_RECORD,
        [INDEX] = n * INDEX_NS_RECORD,
    };
    double all = 0, sum = 0;
    *w = (struct ndc_whole){.progress = {.arg = w, .tell = tell, .canceled = canceled},
                            .to = to};
    ndc_mutex_init(&w->lock);
    for (unsigned p = 0; p < NDC_WHOLE_PHASES; p++)
        all += took[p];
    for (unsigned p = 0; p < NDC_WHOLE_PHASES && all > 0; p++)
        w->before[p + 1] = (sum += took[p]) / all;
}

void ndc_whole_free(struct ndc_whole *w)
{
    ndc_mutex_free(&w->lock);
}

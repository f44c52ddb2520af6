/* Stages: a source's current records, normalised and encoded one after another in a file
 * of the data folder. What linking and the golden record read, and what the next run of
 * the source is compared with. Written whole under another name, so there is always a
 * good one. */
#ifndef NDC_REGISTRY_STAGE_H
#define NDC_REGISTRY_STAGE_H

#include "base/error.h"
#include "platforms/registry/load/record.h"

struct ndc_stage {
    struct ndc_str data; /* the mapped file */
    uint64_t *offsets;   /* count + 1: where each record begins; the last is the end */
    uint32_t count;
};

/* Maps a stage and finds its records. Faults: stage.damaged. */
enum ndc_err ndc_stage_open(struct ndc_stage *stage, const char *path,
                            struct ndc_fault *fault) NDC_MUST_USE;
void ndc_stage_close(struct ndc_stage *stage);
/* Records [from, to) are not read for a while: their pages leave this process (not the
 * page cache), so that reading a large stage does not make it large. */
void ndc_stage_forget(const struct ndc_stage *stage, uint32_t from, uint32_t to);

static inline struct ndc_str ndc_stage_record(const struct ndc_stage *stage, uint32_t i)
{
    return ndc_str_n(stage->data.ptr + stage->offsets[i],
                     (size_t)(stage->offsets[i + 1] - stage->offsets[i]));
}

#endif

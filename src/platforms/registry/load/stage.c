/* Stages. */
#include "platforms/registry/load/stage.h"

#include "sys/file.h"

enum { FORGET_RECORDS = 1 << 14 };

enum ndc_err ndc_stage_open(struct ndc_stage *stage, const char *path,
                            struct ndc_fault *fault)
{
    *stage = (struct ndc_stage){0};
    enum ndc_err err = ndc_file_map(&stage->data, path, fault);
    if (err) return err;
    struct ndc_str in = stage->data, whole;
    size_t cap = NDC_MAX(stage->data.len / 128, (size_t)16);
    stage->offsets = ndc_xmalloc(cap * sizeof(*stage->offsets));
    stage->offsets[0] = 0;
    while (in.len) {
        if (!ndc_record_skip(&in, &whole) || stage->count == INT32_MAX) {
            ndc_stage_close(stage);
            return ndc_fail(fault, NDC_EIO, "stage.damaged",
                            "%s is damaged; load its source again", path);
        }
        if ((size_t)stage->count + 2 > cap) {
            cap *= 2;
            stage->offsets = ndc_xrealloc(stage->offsets, cap * sizeof(*stage->offsets));
        }
        stage->offsets[++stage->count] = stage->data.len - in.len;
        if (stage->count % FORGET_RECORDS == 0)
            ndc_stage_forget(stage, stage->count - FORGET_RECORDS, stage->count);
    }
    return NDC_OK;
}

void ndc_stage_forget(const struct ndc_stage *stage, uint32_t from, uint32_t to)
{
    if (from >= to) return;
    ndc_file_forget(ndc_str_n(stage->data.ptr + stage->offsets[from],
                              (size_t)(stage->offsets[to] - stage->offsets[from])));
}

void ndc_stage_close(struct ndc_stage *stage)
{
    ndc_file_unmap(&stage->data);
    free(stage->offsets);
    *stage = (struct ndc_stage){0};
}

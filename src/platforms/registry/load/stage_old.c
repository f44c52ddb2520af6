/* Stages of earlier releases: encoded records and nothing else. */
#include "platforms/registry/load/stage_internal.h"

#include "sys/log.h"

static enum ndc_err copy_records(struct ndc_stage_writer *w, struct ndc_str in,
                                 const char *path, struct ndc_fault *fault)
{
    struct ndc_str whole;
    enum ndc_err err = NDC_OK;
    while (in.len && !err) {
        if (!ndc_record_skip(&in, &whole))
            return ndc_fail(fault, NDC_EIO, "stage.damaged",
                            "%s is damaged; load its source again", path);
        err = ndc_stage_put_encoded(w, whole, fault);
    }
    return err;
}

enum ndc_err ndc_stage_convert(const char *path, struct ndc_fault *fault)
{
    struct ndc_str old;
    struct ndc_stage_writer w;
    enum ndc_err err = ndc_file_map(&old, path, fault);
    if (err) return err;
    err = ndc_stage_create(&w, path, fault);
    if (!err) err = copy_records(&w, old, path, fault);
    if (!err) err = ndc_stage_finish(&w, fault);
    ndc_stage_abandon(&w);
    ndc_file_unmap(&old);
    if (!err) ndc_log(NDC_LOG_INFO, "registry", "%s was packed into blocks", path);
    return err;
}

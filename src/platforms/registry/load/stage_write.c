/* Writing stages. */
#include "platforms/registry/load/stage_internal.h"

#include "base/hash.h"

#include <lz4.h>

enum { DIRECTORY_MAX = INT32_MAX };

enum ndc_err ndc_stage_create(struct ndc_stage_writer *w, const char *path,
                              struct ndc_fault *fault)
{
    *w = (struct ndc_stage_writer){.file.fd = -1};
    ndc_buf_init(&w->block, STAGE_RAW_MAX);
    ndc_buf_init(&w->directory, DIRECTORY_MAX);
    enum ndc_err err = ndc_file_create(&w->file, path, fault);
    if (!err)
        err = ndc_file_append(&w->file, ndc_str_n(STAGE_HEAD, STAGE_HEAD_BYTES), fault);
    return err;
}

static enum ndc_err end_block(struct ndc_stage_writer *w, struct ndc_fault *fault)
{
    struct ndc_str raw = ndc_buf_str(&w->block), bytes;
    size_t bound = (size_t)LZ4_compressBound((int)raw.len);
    if (w->packed_cap < bound) {
        w->packed_cap = bound;
        w->packed = ndc_xrealloc(w->packed, bound);
    }
    int n = LZ4_compress_default(raw.ptr, w->packed, (int)raw.len, (int)w->packed_cap);
    bytes = n > 0 && (size_t)n < raw.len ? ndc_str_n(w->packed, (size_t)n) : raw;
    ndc_buf_add_u64le(&w->directory, ndc_hash_str(bytes, STAGE_HASH_SEED));
    ndc_buf_add_u32le(&w->directory, (uint32_t)bytes.len);
    ndc_buf_add_u32le(&w->directory, (uint32_t)raw.len);
    ndc_buf_add_u32le(&w->directory, w->block_records);
    w->block_records = 0;
    enum ndc_err err = ndc_file_append(&w->file, bytes, fault);
    ndc_buf_reset(&w->block);
    return err;
}

/* After a record was added to the block, from `before` on. */
static enum ndc_err end_record(struct ndc_stage_writer *w, size_t before,
                               struct ndc_fault *fault)
{
    if (w->block.failed || w->block.len - before > STAGE_RECORD_MAX)
        return ndc_fail(fault, NDC_ETOOBIG, "load.row_too_big", "a record is too large");
    if (w->count == INT32_MAX)
        return ndc_fail(fault, NDC_ETOOBIG, "load.too_many",
                        "a source has more than 2^31 records");
    w->count++;
    w->block_records++;
    return w->block.len < STAGE_BLOCK_BYTES ? NDC_OK : end_block(w, fault);
}

enum ndc_err ndc_stage_put(struct ndc_stage_writer *w, const struct ndc_record *record,
                           struct ndc_fault *fault)
{
    size_t before = w->block.len;
    ndc_record_encode(&w->block, record);
    return end_record(w, before, fault);
}

enum ndc_err ndc_stage_put_encoded(struct ndc_stage_writer *w, struct ndc_str record,
                                   struct ndc_fault *fault)
{
    size_t before = w->block.len;
    ndc_buf_add_str(&w->block, record);
    return end_record(w, before, fault);
}

enum ndc_err ndc_stage_finish(struct ndc_stage_writer *w, struct ndc_fault *fault)
{
    enum ndc_err err = w->block.len ? end_block(w, fault) : NDC_OK;
    uint64_t at = w->file.at;
    uint32_t blocks = (uint32_t)(w->directory.len / STAGE_ENTRY_BYTES);
    ndc_buf_add_u64le(&w->directory, at);
    ndc_buf_add_u32le(&w->directory, blocks);
    ndc_buf_add_u32le(&w->directory, w->count);
    if (!err && w->directory.failed)
        err = ndc_fail(fault, NDC_ETOOBIG, "load.too_many",
                       "a stage's directory is too large");
    ndc_buf_add_u64le(&w->directory,
                      ndc_hash_str(ndc_buf_str(&w->directory), STAGE_HASH_SEED));
    if (!err) err = ndc_file_append(&w->file, ndc_buf_str(&w->directory), fault);
    if (!err) err = ndc_file_finish(&w->file, fault);
    ndc_stage_abandon(w);
    return err;
}

void ndc_stage_abandon(struct ndc_stage_writer *w)
{
    ndc_file_abandon(&w->file);
    ndc_buf_free(&w->block);
    ndc_buf_free(&w->directory);
    free(w->packed);
    w->packed = NULL;
    w->packed_cap = 0;
}

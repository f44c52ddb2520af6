/* The layout of a stage file, shared by its reader and its writer. Numbers are
 * little-endian.
 *
 *   head        8 bytes, "\0NDCstg1": no stage of earlier releases begins with a zero
 *   blocks      one after another
 *   directory   20 bytes a block: hash of its bytes u64, bytes u32, unpacked bytes u32,
 *               records u32
 *   foot        24 bytes: place of the directory u64, blocks u32, records u32, hash of
 *               the directory and of the foot before it u64
 *
 * A block is LZ4's block format, or as it is where packing does not make it smaller
 * (bytes and unpacked bytes are equal then). Unpacked it is encoded records (record.h).
 */
#ifndef NDC_REGISTRY_STAGE_INTERNAL_H
#define NDC_REGISTRY_STAGE_INTERNAL_H

#include "platforms/registry/load/stage.h"

enum {
    STAGE_BLOCK_BYTES = 16 << 10, /* a block is closed when it has so many */
    STAGE_RECORD_MAX = 8 << 20,
    STAGE_RAW_MAX = STAGE_BLOCK_BYTES + STAGE_RECORD_MAX + 16,
    STAGE_HEAD_BYTES = 8,
    STAGE_ENTRY_BYTES = 20,
    STAGE_FOOT_BYTES = 24,
    STAGE_HASH_SEED = 0x73746731
};

#define STAGE_HEAD "\0NDCstg1"

struct ndc_stage_block {
    uint64_t at, hash;
    uint32_t bytes, raw;
};

/* A block's bytes into a window, its records found. False: they are no block of `raw`
 * bytes and `count` records. */
bool ndc_stage_unpack(struct ndc_stage_window *window, struct ndc_str packed,
                      uint32_t raw, uint32_t count) NDC_MUST_USE;

/* stage_old.c: writes a stage of earlier releases, records one after another and nothing
 * else, anew at the same path. */
enum ndc_err ndc_stage_convert(const char *path, struct ndc_fault *fault) NDC_MUST_USE;

#endif

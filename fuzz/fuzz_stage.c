/* Fuzzes the reader of stage files. The first byte chooses: the bytes as a file; or as
 * blocks of a file whose checksums are right, for chance makes none. */
#include "platforms/registry/load/stage_internal.h"

#include "base/hash.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BLOCKS_MAX = 8, BLOCK_HEAD = 6 };

static void read_all(const struct ndc_stage *s)
{
    struct ndc_stage_cursor c;
    ndc_stage_cursor_init(&c, s, 2);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        struct ndc_str r = ndc_stage_read(&c, i);
        for (size_t k = 0; k < r.len; k++)
            sum += (unsigned char)r.ptr[k];
        (void)ndc_stage_read(&c, (uint32_t)(sum % s->count));
    }
    ndc_stage_cursor_free(&c);
}

static void open_bytes(struct ndc_str bytes, bool whole)
{
    char path[64];
    struct ndc_stage s;
    struct ndc_fault fault = {0};
    int fd = memfd_create("stage", MFD_CLOEXEC);
    NDC_ASSERT(fd >= 0 && write(fd, bytes.ptr, bytes.len) == (ssize_t)bytes.len);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    enum ndc_err err = ndc_stage_open(&s, path, &fault);
    NDC_ASSERT(!err || fault.message[0]);
    NDC_ASSERT(!err || !whole);
    if (!err) read_all(&s);
    ndc_stage_close(&s);
    close(fd);
}

/* Each block: its length, unpacked length and count, two bytes each, and its bytes. */
static void open_blocks(struct ndc_str in)
{
    struct ndc_buf file, directory;
    uint32_t blocks = 0, records = 0;
    bool plausible = true;
    ndc_buf_init(&file, 1 << 22);
    ndc_buf_init(&directory, 1 << 16);
    ndc_buf_add(&file, STAGE_HEAD, STAGE_HEAD_BYTES);
    while (in.len >= BLOCK_HEAD && blocks < BLOCKS_MAX) {
        const unsigned char *p = (const unsigned char *)in.ptr;
        uint32_t raw = p[2] | (uint32_t)p[3] << 8, count = p[4] | (uint32_t)p[5] << 8;
        size_t len = NDC_MIN((size_t)(p[0] | p[1] << 8), in.len - BLOCK_HEAD);
        struct ndc_str bytes = ndc_str_n(in.ptr + BLOCK_HEAD, len);
        ndc_buf_add_u64le(&directory, ndc_hash_str(bytes, STAGE_HASH_SEED));
        ndc_buf_add_u32le(&directory, (uint32_t)len);
        ndc_buf_add_u32le(&directory, raw);
        ndc_buf_add_u32le(&directory, count);
        ndc_buf_add_str(&file, bytes);
        plausible = plausible && count > 0 && count <= raw && len <= raw;
        records += count;
        blocks++;
        in = ndc_str_from(in, BLOCK_HEAD + len);
    }
    ndc_buf_add_u64le(&directory, file.len);
    ndc_buf_add_u32le(&directory, blocks);
    ndc_buf_add_u32le(&directory, records);
    ndc_buf_add_u64le(&directory, ndc_hash_str(ndc_buf_str(&directory), STAGE_HASH_SEED));
    ndc_buf_add_str(&file, ndc_buf_str(&directory));
    open_bytes(ndc_buf_str(&file), plausible);
    ndc_buf_free(&file);
    ndc_buf_free(&directory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    struct ndc_str in = ndc_str_n((const char *)data + 1, size - 1);
    if (data[0] % 2)
        open_blocks(in);
    else
        open_bytes(in, false);
    return 0;
}

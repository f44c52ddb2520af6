/* Stages: a source's current records, normalised and encoded one after another, in a file
 * of the data folder. What linking and the golden record read, and what the next run of
 * the source is compared with. Written whole under another name, so there is always a
 * good one.
 *
 * Records lie in blocks of about 16 KiB, each packed with LZ4 alone, so that one can be
 * read without those before it; a directory at the end says where blocks begin, how many
 * records each has and what its bytes hash to (stage_internal.h has the layout). Blocks
 * are read, not mapped: what a reader has of a stage in memory is its windows. */
#ifndef NDC_REGISTRY_STAGE_H
#define NDC_REGISTRY_STAGE_H

#include "base/error.h"
#include "platforms/registry/load/record.h"
#include "sys/file.h"

/* ---- reading ---- */

struct ndc_stage {
    int fd; /* -1: not open */
    uint32_t count, block_count;
    struct ndc_stage_block *blocks;
    uint32_t *firsts; /* block_count + 1: the first record of each; the last is the end */
};

/* Opens a stage, every block of it checked. One that an earlier release wrote, unpacked,
 * is first written anew in its place. Faults: io.open, stage.damaged. */
enum ndc_err ndc_stage_open(struct ndc_stage *stage, const char *path,
                            struct ndc_fault *fault) NDC_MUST_USE;
/* Harmless where all bytes are zero: never opened. */
void ndc_stage_close(struct ndc_stage *stage);

/* A block that a cursor has unpacked. */
struct ndc_stage_window {
    uint32_t block, first, count;
    uint64_t used; /* by the cursor's clock */
    char *bytes;
    uint32_t *starts; /* count + 1: where each record begins */
    size_t bytes_cap, starts_cap;
};

/* How one thread reads a stage: the blocks it used last stay unpacked. One window is
 * enough for records in order; several where the order is nearly that of the file. */
enum { NDC_STAGE_WINDOWS_MAX = 8 };
struct ndc_stage_cursor {
    const struct ndc_stage *stage;
    unsigned window_count;
    const struct ndc_stage_window *last;
    uint64_t clock;
    char *packed;
    size_t packed_cap;
    struct ndc_stage_window windows[NDC_STAGE_WINDOWS_MAX];
};

/* `windows` of 1..NDC_STAGE_WINDOWS_MAX. The stage must outlive the cursor. Nothing is
 * allocated before the first read. */
void ndc_stage_cursor_init(struct ndc_stage_cursor *cursor, const struct ndc_stage *stage,
                           unsigned windows);
/* Harmless where all bytes are zero. */
void ndc_stage_cursor_free(struct ndc_stage_cursor *cursor);

/* ndc_stage_read where the record is not in the window of the last. */
struct ndc_str ndc_stage_read_far(struct ndc_stage_cursor *cursor, uint32_t i);

/* The encoded record i < count; valid until the cursor's next read. Empty, which decodes
 * to no record, where the disk gave other bytes than were there when it was opened. */
static inline struct ndc_str ndc_stage_read(struct ndc_stage_cursor *c, uint32_t i)
{
    const struct ndc_stage_window *w = c->last;
    if (NDC_UNLIKELY(!w || i - w->first >= w->count)) return ndc_stage_read_far(c, i);
    const uint32_t *start = &w->starts[i - w->first];
    return ndc_str_n(w->bytes + start[0], start[1] - start[0]);
}

/* ---- writing ---- */

struct ndc_stage_writer {
    struct ndc_file_writer file;
    struct ndc_buf block, directory;
    uint32_t block_records, count;
    char *packed;
    size_t packed_cap;
};

/* Creates PATH.part. Always call ndc_stage_abandon in the end. */
enum ndc_err ndc_stage_create(struct ndc_stage_writer *writer, const char *path,
                              struct ndc_fault *fault) NDC_MUST_USE;
/* Encodes one more. Faults: load.row_too_big, io.write. */
enum ndc_err ndc_stage_put(struct ndc_stage_writer *writer,
                           const struct ndc_record *record,
                           struct ndc_fault *fault) NDC_MUST_USE;
/* One that is encoded already. */
enum ndc_err ndc_stage_put_encoded(struct ndc_stage_writer *writer, struct ndc_str record,
                                   struct ndc_fault *fault) NDC_MUST_USE;
/* Writes what is left and the directory, syncs, gives the file its name. */
enum ndc_err ndc_stage_finish(struct ndc_stage_writer *writer,
                              struct ndc_fault *fault) NDC_MUST_USE;
/* Gives up and frees. Harmless after finish, and where file.fd is -1 and the rest zero.
 */
void ndc_stage_abandon(struct ndc_stage_writer *writer);

#endif

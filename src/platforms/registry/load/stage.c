/* Reading stages. */
#include "platforms/registry/load/stage_internal.h"

#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <lz4.h>
#include <sys/stat.h>
#include <unistd.h>

static enum ndc_err damaged(const char *path, struct ndc_fault *fault)
{
    return ndc_fail(fault, NDC_EIO, "stage.damaged",
                    "%s is damaged; load its source again", path);
}

/* ---- opening ---- */

/* `in` has an entry of each block. */
static bool read_entries(struct ndc_stage *s, struct ndc_str in, uint64_t end)
{
    uint64_t at = STAGE_HEAD_BYTES, records = 0;
    s->blocks = ndc_xmalloc(((size_t)s->block_count + 1) * sizeof(*s->blocks));
    s->firsts = ndc_xmalloc(((size_t)s->block_count + 1) * sizeof(*s->firsts));
    for (uint32_t i = 0; i < s->block_count; i++) {
        struct ndc_stage_block *b = &s->blocks[i];
        b->at = at;
        uint32_t count;
        if (!ndc_take_u64le(&in, &b->hash) || !ndc_take_u32le(&in, &b->bytes) ||
            !ndc_take_u32le(&in, &b->raw) || !ndc_take_u32le(&in, &count))
            return false;
        s->firsts[i] = (uint32_t)records;
        at += b->bytes;
        records += count;
        if (count == 0 || count > b->raw || b->raw > STAGE_RAW_MAX || b->bytes > b->raw ||
            records > s->count)
            return false;
    }
    s->firsts[s->block_count] = (uint32_t)records;
    return at == end && records == s->count;
}

static bool read_directory(struct ndc_stage *s, uint64_t size)
{
    char foot[STAGE_FOOT_BYTES];
    struct ndc_str in = ndc_str_n(foot, sizeof(foot));
    uint64_t at, hash;
    if (size < STAGE_HEAD_BYTES + STAGE_FOOT_BYTES ||
        !ndc_file_read_at(s->fd, foot, sizeof(foot), size - sizeof(foot)) ||
        !ndc_take_u64le(&in, &at) || !ndc_take_u32le(&in, &s->block_count) ||
        !ndc_take_u32le(&in, &s->count) || !ndc_take_u64le(&in, &hash))
        return false;
    uint64_t bytes = (uint64_t)s->block_count * STAGE_ENTRY_BYTES;
    if (at < STAGE_HEAD_BYTES || at > size || size - at != bytes + STAGE_FOOT_BYTES)
        return false;
    size_t len = (size_t)bytes + STAGE_FOOT_BYTES;
    char *text = ndc_xmalloc(len);
    bool good = ndc_file_read_at(s->fd, text, len, at) &&
                ndc_hash64(text, len - sizeof(hash), STAGE_HASH_SEED) == hash &&
                read_entries(s, ndc_str_n(text, (size_t)bytes), at);
    free(text);
    return good;
}

static bool read_block(const struct ndc_stage *s, const struct ndc_stage_block *b,
                       char **bytes, size_t *cap)
{
    if (*cap < b->bytes) {
        *cap = b->bytes;
        *bytes = ndc_xrealloc(*bytes, *cap);
    }
    return ndc_file_read_at(s->fd, *bytes, b->bytes, b->at) &&
           ndc_hash64(*bytes, b->bytes, STAGE_HASH_SEED) == b->hash;
}

static bool check_blocks(const struct ndc_stage *s)
{
    char *bytes = NULL;
    size_t cap = 0;
    bool good = true;
    (void)posix_fadvise(s->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    for (uint32_t i = 0; i < s->block_count && good; i++)
        good = read_block(s, &s->blocks[i], &bytes, &cap);
    free(bytes);
    return good;
}

/* *old: the file was written by an earlier release. */
static enum ndc_err open_packed(struct ndc_stage *s, bool *old, const char *path,
                                struct ndc_fault *fault)
{
    struct stat st;
    char head[STAGE_HEAD_BYTES];
    s->blocks = NULL;
    s->firsts = NULL;
    s->count = s->block_count = 0;
    s->fd = open(path, O_RDONLY | O_CLOEXEC);
    *old = false;
    if (s->fd < 0 || fstat(s->fd, &st) != 0) {
        enum ndc_err err = ndc_fail_errno(fault, "io.open", "open", path);
        ndc_stage_close(s);
        return err;
    }
    bool begins = ndc_file_read_at(s->fd, head, 1, 0);
    *old = begins && head[0] != STAGE_HEAD[0];
    if (!*old && begins && ndc_file_read_at(s->fd, head, sizeof(head), 0) &&
        memcmp(head, STAGE_HEAD, sizeof(head)) == 0 &&
        read_directory(s, (uint64_t)st.st_size) && check_blocks(s))
        return NDC_OK;
    ndc_stage_close(s);
    return *old ? NDC_OK : damaged(path, fault);
}

enum ndc_err ndc_stage_open(struct ndc_stage *s, const char *path,
                            struct ndc_fault *fault)
{
    bool old;
    enum ndc_err err = open_packed(s, &old, path, fault);
    if (err || !old) return err;
    err = ndc_stage_convert(path, fault);
    if (!err) err = open_packed(s, &old, path, fault);
    NDC_ASSERT(err || !old);
    return err;
}

void ndc_stage_close(struct ndc_stage *s)
{
    if (s->fd > 0) close(s->fd);
    free(s->blocks);
    free(s->firsts);
    *s = (struct ndc_stage){.fd = -1};
}

/* ---- cursors ---- */

void ndc_stage_cursor_init(struct ndc_stage_cursor *c, const struct ndc_stage *stage,
                           unsigned windows)
{
    NDC_ASSERT(windows >= 1 && windows <= NDC_STAGE_WINDOWS_MAX);
    *c = (struct ndc_stage_cursor){.stage = stage, .window_count = windows};
}

void ndc_stage_cursor_free(struct ndc_stage_cursor *c)
{
    for (unsigned i = 0; i < c->window_count; i++) {
        free(c->windows[i].bytes);
        free(c->windows[i].starts);
    }
    free(c->packed);
    *c = (struct ndc_stage_cursor){0};
}

bool ndc_stage_unpack(struct ndc_stage_window *w, struct ndc_str packed, uint32_t raw,
                      uint32_t count)
{
    if (w->bytes_cap < raw) {
        w->bytes_cap = raw;
        w->bytes = ndc_xrealloc(w->bytes, raw);
    }
    if (w->starts_cap < (size_t)count + 1) {
        w->starts_cap = (size_t)count + 1;
        w->starts = ndc_xrealloc(w->starts, w->starts_cap * sizeof(*w->starts));
    }
    if (packed.len == raw)
        memcpy(w->bytes, packed.ptr, raw);
    else if (LZ4_decompress_safe(packed.ptr, w->bytes, (int)packed.len, (int)raw) !=
             (int)raw)
        return false;
    struct ndc_str in = ndc_str_n(w->bytes, raw), whole;
    for (uint32_t i = 0; i < count; i++) {
        w->starts[i] = raw - (uint32_t)in.len;
        if (!ndc_record_skip(&in, &whole)) return false;
    }
    w->starts[count] = raw;
    return in.len == 0;
}

static uint32_t block_of(const struct ndc_stage *s, uint32_t record)
{
    uint32_t low = 0, high = s->block_count;
    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;
        if (s->firsts[middle] <= record)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* The window that holds the record, or the one that was used the longest ago. */
static struct ndc_stage_window *choose_window(struct ndc_stage_cursor *c, uint32_t record)
{
    struct ndc_stage_window *oldest = &c->windows[0];
    for (unsigned i = 0; i < c->window_count; i++) {
        struct ndc_stage_window *w = &c->windows[i];
        if (record - w->first < w->count) return w;
        if (w->used < oldest->used) oldest = w;
    }
    return oldest;
}

struct ndc_str ndc_stage_read_far(struct ndc_stage_cursor *c, uint32_t record)
{
    const struct ndc_stage *s = c->stage;
    NDC_ASSERT(record < s->count);
    struct ndc_stage_window *w = choose_window(c, record);
    w->used = ++c->clock;
    if (record - w->first >= w->count) {
        uint32_t i = block_of(s, record);
        const struct ndc_stage_block *b = &s->blocks[i];
        uint32_t count = s->firsts[i + 1] - s->firsts[i];
        c->last = NULL;
        w->count = 0; /* of no use should the block be damaged */
        if (!read_block(s, b, &c->packed, &c->packed_cap) ||
            !ndc_stage_unpack(w, ndc_str_n(c->packed, b->bytes), b->raw, count))
            return NDC_STR_NULL;
        w->first = s->firsts[i];
        w->count = count;
    }
    c->last = w;
    return ndc_stage_read(c, record);
}

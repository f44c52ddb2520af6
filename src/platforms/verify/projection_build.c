/* Making the projection's file: entries come in any order, go to 256 partitions by the
 * top bits of their key, wait in a scratch file, and are sorted partition by partition.
 * What is in memory is a buffer for each partition, and the partitions that are being
 * sorted: for 120 million entries some 200 MB. */
#include "base/sort.h"
#include "platforms/verify/projection_format.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/scratch.h"
#include "sys/thread.h"

#include <stdio.h>

enum {
    PARTITION_BITS = 8,
    PARTITIONS = 1 << PARTITION_BITS,
    BUFFER_ENTRIES = 1365, /* 64 KiB */
    AT_ONCE_MAX = 64       /* partitions sorted together */
};

struct extent { /* of the scratch file */
    uint64_t at;
    uint32_t count;
};

struct partition {
    struct ndc_entry *buffer;
    uint32_t buffered;
    uint64_t total;
    struct extent *extents;
    size_t extent_count, extent_cap;
};

struct ndc_projection_build {
    const char *dir;
    struct ndc_scratch scratch;
    struct partition partitions[PARTITIONS];
    uint64_t entries;
};

struct ndc_projection_build *ndc_projection_build_new(const char *dir)
{
    struct ndc_projection_build *b = ndc_xcalloc(1, sizeof(*b));
    b->dir = dir;
    b->scratch.fd = -1;
    return b;
}

void ndc_projection_build_free(struct ndc_projection_build *b)
{
    if (!b) return;
    for (size_t i = 0; i < PARTITIONS; i++) {
        free(b->partitions[i].buffer);
        free(b->partitions[i].extents);
    }
    ndc_scratch_close(&b->scratch);
    free(b);
}

static enum ndc_err spill(struct ndc_projection_build *b, struct partition *p,
                          struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    if (b->scratch.fd < 0) err = ndc_scratch_open(&b->scratch, b->dir, fault);
    if (err) return err;
    if (p->extent_count == p->extent_cap) {
        p->extent_cap = p->extent_cap ? p->extent_cap * 2 : 16;
        p->extents = ndc_xrealloc(p->extents, p->extent_cap * sizeof(*p->extents));
    }
    p->extents[p->extent_count++] = (struct extent){b->scratch.len, p->buffered};
    err = ndc_scratch_append(&b->scratch, p->buffer, p->buffered * sizeof(*p->buffer),
                             fault);
    p->buffered = 0;
    return err;
}

enum ndc_err ndc_projection_build_add(struct ndc_projection_build *b,
                                      const struct ndc_entry *entries, size_t n,
                                      struct ndc_fault *fault)
{
    for (size_t i = 0; i < n; i++) {
        struct partition *p = &b->partitions[entries[i].key >> (64 - PARTITION_BITS)];
        if (!p->buffer) p->buffer = ndc_xmalloc(BUFFER_ENTRIES * sizeof(*p->buffer));
        p->buffer[p->buffered++] = entries[i];
        p->total++;
        b->entries++;
        if (p->buffered < BUFFER_ENTRIES) continue;
        enum ndc_err err = spill(b, p, fault);
        if (err) return err;
    }
    if (b->entries >= UINT32_MAX)
        return ndc_fail(fault, NDC_ETOOBIG, "projection.entries",
                        "a projection holds at most %u numbers", UINT32_MAX);
    return NDC_OK;
}

/* ---- sorting ---- */

struct sorting {
    struct ndc_projection_build *build;
    size_t first;
    struct ndc_entry *sorted[AT_ONCE_MAX];
    struct ndc_fault faults[AT_ONCE_MAX];
};

static enum ndc_err gather(const struct ndc_projection_build *b,
                           const struct partition *p, struct ndc_entry *out,
                           struct ndc_fault *fault)
{
    for (size_t i = 0; i < p->extent_count; i++) {
        const struct extent *e = &p->extents[i];
        enum ndc_err err =
            ndc_scratch_read(&b->scratch, e->at, out, e->count * sizeof(*out), fault);
        if (err) return err;
        out += e->count;
    }
    if (p->buffered) memcpy(out, p->buffer, p->buffered * sizeof(*out));
    return NDC_OK;
}

static void sort_partition(void *arg, size_t i)
{
    struct sorting *s = arg;
    const struct partition *p = &s->build->partitions[s->first + i];
    size_t n = (size_t)p->total;
    s->sorted[i] = NULL;
    if (n == 0) return;
    struct ndc_entry *entries = ndc_xmalloc(n * sizeof(*entries));
    if (gather(s->build, p, entries, &s->faults[i])) {
        free(entries);
        return;
    }
    struct ndc_key64 *keys = ndc_xmalloc(2 * n * sizeof(*keys));
    for (size_t k = 0; k < n; k++)
        keys[k] = (struct ndc_key64){entries[k].key, k};
    ndc_sort_key64(keys, keys + n, n);
    struct ndc_entry *sorted = ndc_xmalloc(n * sizeof(*sorted));
    for (size_t k = 0; k < n; k++)
        sorted[k] = entries[keys[k].value];
    free(keys);
    free(entries);
    s->sorted[i] = sorted;
}

/* ---- writing ---- */

struct output {
    struct ndc_file_writer file;
    char *piece;
    size_t filled;
    struct ndc_buf sums;
    uint32_t *buckets; /* where each begins */
    size_t bucket_count, next;
    unsigned bits;
    uint64_t written; /* entries */
};

static enum ndc_err close_piece(struct output *o, struct ndc_fault *fault)
{
    if (o->filled == 0) return NDC_OK;
    ndc_buf_add_u64le(&o->sums, projection_sum(o->piece, o->filled));
    struct ndc_str data = ndc_str_n(o->piece, o->filled);
    o->filled = 0;
    return ndc_file_append(&o->file, data, fault);
}

static enum ndc_err emit(struct output *o, const void *data, size_t len,
                         struct ndc_fault *fault)
{
    const char *p = data;
    while (len > 0) {
        size_t n = NDC_MIN(len, (size_t)PROJECTION_PIECE_BYTES - o->filled);
        memcpy(o->piece + o->filled, p, n);
        o->filled += n;
        p += n;
        len -= n;
        if (o->filled < PROJECTION_PIECE_BYTES) continue;
        enum ndc_err err = close_piece(o, fault);
        if (err) return err;
    }
    return NDC_OK;
}

static enum ndc_err emit_partition(struct output *o, const struct ndc_entry *entries,
                                   size_t n, struct ndc_fault *fault)
{
    for (size_t i = 0; i < n; i++) {
        size_t bucket = projection_bucket(entries[i].key, o->bits);
        while (o->next <= bucket)
            o->buckets[o->next++] = (uint32_t)(o->written + i);
    }
    o->written += n;
    return emit(o, entries, n * sizeof(*entries), fault);
}

static enum ndc_err write_entries(struct ndc_projection_build *b, struct output *o,
                                  unsigned threads, struct ndc_fault *fault)
{
    struct sorting *s = ndc_xcalloc(1, sizeof(*s));
    size_t at_once = NDC_MIN(NDC_MAX(threads, 1u), (unsigned)AT_ONCE_MAX);
    enum ndc_err err = NDC_OK;
    s->build = b;
    for (s->first = 0; s->first < PARTITIONS && !err; s->first += at_once) {
        size_t n = NDC_MIN(at_once, PARTITIONS - s->first);
        ndc_parallel_for(threads, n, sort_partition, s);
        for (size_t i = 0; i < n; i++) {
            if (!err && s->faults[i].err) {
                err = s->faults[i].err;
                if (fault) *fault = s->faults[i];
            }
            if (!err && s->sorted[i])
                err = emit_partition(o, s->sorted[i],
                                     (size_t)b->partitions[s->first + i].total, fault);
            free(s->sorted[i]);
        }
    }
    free(s);
    return err;
}

static enum ndc_err write_rest(struct output *o, struct projection_footer *f,
                               struct ndc_fault *fault)
{
    char page[PROJECTION_FOOTER_BYTES] = {0};
    while (o->next < o->bucket_count)
        o->buckets[o->next++] = (uint32_t)o->written;
    f->buckets_at = o->written * NDC_PROJECTION_ENTRY_BYTES;
    f->sums_at = f->buckets_at + o->bucket_count * sizeof(*o->buckets);
    enum ndc_err err = emit(o, o->buckets, o->bucket_count * sizeof(*o->buckets), fault);
    if (!err) err = close_piece(o, fault);
    if (!err) err = ndc_file_append(&o->file, ndc_buf_str(&o->sums), fault);
    f->sums_check = projection_sum(o->sums.ptr, o->sums.len);
    f->bytes = f->sums_at + o->sums.len + sizeof(page);
    f->check = 0;
    f->check = projection_sum(f, sizeof(*f));
    memcpy(page, f, sizeof(*f));
    if (!err) err = ndc_file_append(&o->file, ndc_str_n(page, sizeof(page)), fault);
    return err ? err : ndc_file_finish(&o->file, fault);
}

static unsigned bits_for(uint64_t entries)
{
    unsigned bits = 0;
    while (bits < PROJECTION_BUCKET_BITS_MAX &&
           entries >> bits > PROJECTION_BUCKET_ENTRIES)
        bits++;
    return bits;
}

enum ndc_err ndc_projection_build_end(struct ndc_projection_build *b,
                                      const struct ndc_projection_key *key,
                                      struct ndc_people_moment moment, uint64_t entities,
                                      unsigned threads, struct ndc_fault *fault)
{
    char path[4096];
    struct output o = {.bits = bits_for(b->entries)};
    struct projection_footer f = {.version = PROJECTION_VERSION,
                                  .bucket_bits = o.bits,
                                  .entries = b->entries,
                                  .entities = entities,
                                  .generation = moment.generation,
                                  .seq = moment.seq,
                                  .made_ms = ndc_clock_wall_ms(),
                                  .key_check = projection_key_check(key)};
    memcpy(f.magic, PROJECTION_MAGIC, sizeof(f.magic));
    snprintf(path, sizeof(path), "%s/projection", b->dir);
    enum ndc_err err = ndc_file_create(&o.file, path, fault);
    if (err) return err;
    o.bucket_count = ((size_t)1 << o.bits) + 1;
    o.buckets = ndc_xmalloc(o.bucket_count * sizeof(*o.buckets));
    o.piece = ndc_xmalloc(PROJECTION_PIECE_BYTES);
    ndc_buf_init(&o.sums, SIZE_MAX / 4);
    err = write_entries(b, &o, threads, fault);
    if (!err) err = write_rest(&o, &f, fault);
    ndc_file_abandon(&o.file);
    ndc_buf_free(&o.sums);
    free(o.piece);
    free(o.buckets);
    return err;
}

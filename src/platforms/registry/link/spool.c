/* Spools (spool.h): a feed fills a block a part; full ones are appended to the file. */
#include "platforms/registry/link/spool.h"

#include "sys/scratch.h"
#include "sys/thread.h"

struct extent {
    uint64_t at;
    uint32_t len;
};

struct part {
    struct extent *extents;
    size_t count, cap;
    uint64_t bytes;
};

struct spool {
    const char *dir;
    unsigned part_count;
    uint32_t block_bytes;
    struct ndc_mutex lock; /* guards what follows while feeds are open */
    struct ndc_scratch scratch;
    struct ndc_fault fault;
    struct part *parts;
};

struct block {
    uint32_t len;
    char bytes[];
};

struct spool_feed {
    struct spool *spool;
    struct block **blocks;
};

struct spool *ndc_link_spool_new(const char *dir, unsigned parts, uint32_t block_bytes)
{
    struct spool *s = ndc_xcalloc(1, sizeof *s);
    NDC_ASSERT(parts > 0 && parts <= SPOOL_PARTS_MAX);
    s->dir = dir;
    s->part_count = parts;
    s->block_bytes = block_bytes;
    s->scratch.fd = -1;
    s->parts = ndc_xcalloc(parts, sizeof *s->parts);
    ndc_mutex_init(&s->lock);
    return s;
}

void ndc_link_spool_free(struct spool *s)
{
    if (!s) return;
    for (unsigned i = 0; i < s->part_count; i++)
        free(s->parts[i].extents);
    free(s->parts);
    ndc_scratch_close(&s->scratch);
    ndc_mutex_free(&s->lock);
    free(s);
}

struct spool_feed *ndc_link_spool_feed_new(struct spool *spool)
{
    struct spool_feed *f = ndc_xcalloc(1, sizeof *f);
    f->spool = spool;
    f->blocks = ndc_xcalloc(spool->part_count, sizeof(struct block *));
    return f;
}

static void write_block(struct spool *s, unsigned at, struct block *b)
{
    struct part *p = &s->parts[at];
    ndc_mutex_lock(&s->lock);
    enum ndc_err err = s->fault.err;
    if (!err && s->scratch.fd < 0) err = ndc_scratch_open(&s->scratch, s->dir, &s->fault);
    uint64_t where = s->scratch.len;
    if (!err) err = ndc_scratch_append(&s->scratch, b->bytes, b->len, &s->fault);
    if (!err) {
        if (p->count == p->cap) {
            p->cap = p->cap * 2 + 8;
            p->extents = ndc_xrealloc(p->extents, p->cap * sizeof *p->extents);
        }
        p->extents[p->count++] = (struct extent){where, b->len};
        p->bytes += b->len;
    }
    ndc_mutex_unlock(&s->lock);
    b->len = 0;
}

void ndc_link_spool_add(struct spool_feed *f, unsigned part, const void *bytes,
                        size_t len)
{
    NDC_ASSERT(part < f->spool->part_count && len <= f->spool->block_bytes);
    struct block *b = f->blocks[part];
    if (!b) {
        b = f->blocks[part] = ndc_xmalloc(sizeof *b + f->spool->block_bytes);
        b->len = 0;
    }
    if (b->len + len > f->spool->block_bytes) write_block(f->spool, part, b);
    memcpy(b->bytes + b->len, bytes, len);
    b->len += (uint32_t)len;
}

void ndc_link_spool_feed_end(struct spool_feed *f)
{
    if (!f) return;
    for (unsigned i = 0; i < f->spool->part_count; i++) {
        if (f->blocks[i] && f->blocks[i]->len) write_block(f->spool, i, f->blocks[i]);
        free(f->blocks[i]);
    }
    free(f->blocks);
    free(f);
}

enum ndc_err ndc_link_spool_check(struct spool *s, struct ndc_fault *fault)
{
    if (s->fault.err && fault) *fault = s->fault;
    return s->fault.err;
}

uint64_t ndc_link_spool_part_bytes(const struct spool *s, unsigned part)
{
    return s->parts[part].bytes;
}

enum ndc_err ndc_link_spool_read(const struct spool *s, unsigned part, void *out,
                                 struct ndc_fault *fault)
{
    const struct part *p = &s->parts[part];
    char *at = out;
    enum ndc_err err = NDC_OK;
    for (size_t i = 0; i < p->count && !err; i++) {
        const struct extent *e = &p->extents[i];
        err = ndc_scratch_read(&s->scratch, e->at, at, e->len, fault);
        at += e->len;
    }
    return err;
}

enum ndc_err ndc_link_spool_take(struct spool *s, unsigned part, void **bytes,
                                 size_t *len, struct ndc_fault *fault)
{
    struct part *p = &s->parts[part];
    *bytes = ndc_xmalloc(p->bytes + 1);
    *len = p->bytes;
    enum ndc_err err = ndc_link_spool_read(s, part, *bytes, fault);
    for (size_t i = 0; i < p->count; i++)
        ndc_scratch_drop(&s->scratch, p->extents[i].at, p->extents[i].len);
    free(p->extents);
    *p = (struct part){0};
    if (err) *len = 0;
    return err;
}

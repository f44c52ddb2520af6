/* Sorting index entries (index_sort.h). In the scratch file an entry is what its
 * partition does not tell of its key, and the step from the entity before: a thread comes
 * to entities in their order, so steps are short, 6 to 7 bytes instead of 16. */
#include "platforms/registry/entity/index_sort.h"

#include "sys/scratch.h"
#include "sys/thread.h"

enum {
    BLOCK_ENTRIES = 511,
    SMALL_RUN = 24,
    KEPT_BITS = NDC_INDEX_KEY_BITS - NDC_INDEX_PARTITION_BITS, /* of a key, on disk */
    KEPT_BYTES = KEPT_BITS / 8
};

struct block {
    struct block *next;
    size_t count;
    struct ndc_key64 items[BLOCK_ENTRIES];
};

struct extent { /* of the scratch file */
    uint64_t at;
    size_t bytes, count;
};

struct partition {
    struct block *blocks;
    size_t in_memory, total; /* entries */
    struct extent *extents;
    size_t extent_count;
};

struct ndc_index_sorter {
    const char *dir;
    size_t blocks_max;
    struct ndc_mutex lock; /* guards what follows while feeds are open */
    struct partition partitions[NDC_INDEX_PARTITIONS];
    struct block *free;
    size_t blocks; /* in partitions */
    struct ndc_scratch scratch;
    struct ndc_buf packed; /* of the partition that is being moved */
    struct ndc_fault fault;
};

struct ndc_index_feed {
    struct ndc_index_sorter *sorter;
    struct block *blocks[NDC_INDEX_PARTITIONS];
};

struct ndc_index_sorter *ndc_index_sorter_new(const char *dir, size_t bytes_max)
{
    struct ndc_index_sorter *s = ndc_xcalloc(1, sizeof(*s));
    s->dir = dir;
    s->blocks_max = NDC_MAX(bytes_max / sizeof(struct block), (size_t)1);
    s->scratch.fd = -1;
    /* all that memory may hold can be of one partition */
    ndc_buf_init(&s->packed, (s->blocks_max + 1) * sizeof(struct block));
    ndc_mutex_init(&s->lock);
    return s;
}

static void free_blocks(struct block *b)
{
    while (b) {
        struct block *next = b->next;
        free(b);
        b = next;
    }
}

void ndc_index_sorter_free(struct ndc_index_sorter *s)
{
    if (!s) return;
    for (unsigned p = 0; p < NDC_INDEX_PARTITIONS; p++) {
        free_blocks(s->partitions[p].blocks);
        free(s->partitions[p].extents);
    }
    free_blocks(s->free);
    ndc_scratch_close(&s->scratch);
    ndc_buf_free(&s->packed);
    ndc_mutex_free(&s->lock);
    free(s);
}

struct ndc_index_feed *ndc_index_feed_new(struct ndc_index_sorter *sorter)
{
    struct ndc_index_feed *f = ndc_xcalloc(1, sizeof(*f));
    f->sorter = sorter;
    return f;
}

static void pack(struct ndc_buf *out, const struct block *b, uint64_t *last)
{
    for (size_t i = 0; i < b->count; i++) {
        uint64_t step = b->items[i].value - *last;
        for (unsigned k = 0; k < KEPT_BYTES; k++)
            ndc_buf_add_byte(out, (char)(b->items[i].key >> 8 * k & 0xff));
        /* zigzag: the sign is the last bit */
        ndc_buf_add_varint(out, step << 1 ^ (0 - (step >> 63)));
        *last = b->items[i].value;
    }
}

static bool unpack(struct ndc_key64 *out, size_t count, struct ndc_str packed,
                   uint64_t top)
{
    uint64_t last = 0, step;
    for (size_t i = 0; i < count; i++) {
        uint64_t key = top << KEPT_BITS;
        if (packed.len < KEPT_BYTES) return false;
        for (unsigned k = 0; k < KEPT_BYTES; k++)
            key |= (uint64_t)(uint8_t)packed.ptr[k] << 8 * k;
        packed = ndc_str_from(packed, KEPT_BYTES);
        if (!ndc_take_varint(&packed, &step)) return false;
        last += step >> 1 ^ (0 - (step & 1));
        out[i] = (struct ndc_key64){key, last};
    }
    return packed.len == 0;
}

/* Moves a partition's entries to the scratch file. */
static enum ndc_err spill_partition(struct ndc_index_sorter *s, struct partition *p,
                                    struct ndc_fault *fault)
{
    struct block *next;
    uint64_t last = 0;
    ndc_buf_reset(&s->packed);
    for (struct block *b = p->blocks; b; b = next) {
        next = b->next;
        pack(&s->packed, b, &last);
        b->next = s->free;
        s->free = b;
        s->blocks--;
    }
    NDC_ASSERT(!s->packed.failed);
    p->extents = ndc_xrealloc(p->extents, (p->extent_count + 1) * sizeof(*p->extents));
    p->extents[p->extent_count++] =
        (struct extent){s->scratch.len, s->packed.len, p->in_memory};
    p->blocks = NULL;
    p->in_memory = 0;
    return ndc_scratch_append(&s->scratch, s->packed.ptr, s->packed.len, fault);
}

static void spill(struct ndc_index_sorter *s)
{
    enum ndc_err err = NDC_OK;
    if (s->scratch.fd < 0) err = ndc_scratch_open(&s->scratch, s->dir, &s->fault);
    for (unsigned i = 0; i < NDC_INDEX_PARTITIONS && !err; i++)
        if (s->partitions[i].blocks)
            err = spill_partition(s, &s->partitions[i], &s->fault);
}

/* Takes a filled block and gives an empty one. */
static struct block *give(struct ndc_index_sorter *s, unsigned at, struct block *b)
{
    struct block *empty = NULL;
    ndc_mutex_lock(&s->lock);
    if (b) {
        struct partition *p = &s->partitions[at];
        b->next = p->blocks;
        p->blocks = b;
        p->in_memory += b->count;
        p->total += b->count;
        if (++s->blocks >= s->blocks_max && !s->fault.err) spill(s);
    }
    if ((empty = s->free)) s->free = empty->next;
    ndc_mutex_unlock(&s->lock);
    if (!empty) empty = ndc_xmalloc(sizeof(*empty));
    empty->count = 0;
    return empty;
}

void ndc_index_feed_add(struct ndc_index_feed *f, uint64_t key, uint64_t entity)
{
    unsigned at = (unsigned)(key >> (NDC_INDEX_KEY_BITS - NDC_INDEX_PARTITION_BITS)) &
                  (NDC_INDEX_PARTITIONS - 1);
    struct block *b = f->blocks[at];
    if (!b || b->count == BLOCK_ENTRIES) b = f->blocks[at] = give(f->sorter, at, b);
    b->items[b->count++] = (struct ndc_key64){key, entity};
}

void ndc_index_feed_end(struct ndc_index_feed *f)
{
    struct ndc_index_sorter *s = f->sorter;
    ndc_mutex_lock(&s->lock);
    for (unsigned i = 0; i < NDC_INDEX_PARTITIONS; i++) {
        struct block *b = f->blocks[i];
        if (!b) continue;
        b->next = s->partitions[i].blocks;
        s->partitions[i].blocks = b;
        s->partitions[i].in_memory += b->count;
        s->partitions[i].total += b->count;
        s->blocks++;
    }
    ndc_mutex_unlock(&s->lock);
    free(f);
}

enum ndc_err ndc_index_sorter_count(struct ndc_index_sorter *s, uint64_t *count,
                                    struct ndc_fault *fault)
{
    *count = 0;
    for (unsigned i = 0; i < NDC_INDEX_PARTITIONS; i++)
        *count += s->partitions[i].total;
    if (s->fault.err && fault) *fault = s->fault;
    return s->fault.err;
}

static enum ndc_err gather_extent(const struct ndc_index_sorter *s,
                                  const struct partition *p, const struct extent *e,
                                  struct ndc_key64 *out, struct ndc_fault *fault)
{
    char *packed = ndc_xmalloc(e->bytes + 1);
    enum ndc_err err = ndc_scratch_read(&s->scratch, e->at, packed, e->bytes, fault);
    if (!err && !unpack(out, e->count, ndc_str_n(packed, e->bytes),
                        (uint64_t)(p - s->partitions)))
        err = ndc_fail(fault, NDC_EIO, "io.scratch", "a scratch file is damaged");
    free(packed);
    return err;
}

static enum ndc_err gather(const struct ndc_index_sorter *s, const struct partition *p,
                           struct ndc_key64 *out, struct ndc_fault *fault)
{
    for (size_t i = 0; i < p->extent_count; i++) {
        enum ndc_err err = gather_extent(s, p, &p->extents[i], out, fault);
        if (err) return err;
        out += p->extents[i].count;
    }
    for (const struct block *b = p->blocks; b; b = b->next) {
        memcpy(out, b->items, b->count * sizeof(*out));
        out += b->count;
    }
    return NDC_OK;
}

/* Puts the entities of one key in order; there are few, or they are most of a nation's
 * people of one name. */
static void sort_run(struct ndc_key64 *run, size_t n, struct ndc_key64 *scratch)
{
    if (n > SMALL_RUN) {
        uint64_t *values = (uint64_t *)scratch, key = run[0].key;
        for (size_t i = 0; i < n; i++)
            values[i] = run[i].value;
        ndc_sort_u64(values, values + n, n);
        for (size_t i = 0; i < n; i++)
            run[i] = (struct ndc_key64){key, values[i]};
        return;
    }
    for (size_t i = 1; i < n; i++) {
        struct ndc_key64 e = run[i];
        size_t k = i;
        for (; k > 0 && run[k - 1].value > e.value; k--)
            run[k] = run[k - 1];
        run[k] = e;
    }
}

static size_t order(struct ndc_key64 *items, struct ndc_key64 *scratch, size_t n)
{
    size_t kept = 0;
    ndc_sort_key64(items, scratch, n);
    for (size_t from = 0, to; from < n; from = to) {
        bool ascending = true;
        for (to = from + 1; to < n && items[to].key == items[from].key; to++)
            ascending &= items[to].value >= items[to - 1].value;
        if (!ascending) sort_run(items + from, to - from, scratch);
        for (size_t i = from; i < to; i++)
            if (i == from || items[i].value != items[i - 1].value)
                items[kept++] = items[i];
    }
    return kept;
}

enum ndc_err ndc_index_sorter_take(struct ndc_index_sorter *s, unsigned from, unsigned to,
                                   struct ndc_key64 **items, size_t *count,
                                   struct ndc_fault *fault)
{
    size_t n = 0, at = 0;
    enum ndc_err err = NDC_OK;
    for (unsigned i = from; i < to; i++)
        n += s->partitions[i].total;
    *items = ndc_xmalloc((n + 1) * sizeof(**items));
    for (unsigned i = from; i < to && !err; i++) {
        err = gather(s, &s->partitions[i], *items + at, fault);
        at += s->partitions[i].total;
    }
    if (!err) {
        struct ndc_key64 *scratch = ndc_xmalloc((n + 1) * sizeof(*scratch));
        *count = order(*items, scratch, n);
        free(scratch);
        return NDC_OK;
    }
    free(*items);
    *items = NULL;
    return err;
}

/* Reading the projection (projection.h). */
#include "base/sort.h"
#include "platforms/verify/projection_format.h"
#include "sys/file.h"
#include "sys/thread.h"

#include <stdatomic.h>
#include <stdio.h>

struct base { /* the mapped file */
    _Atomic unsigned refs;
    struct ndc_str map;
    struct projection_footer footer;
    const struct ndc_entry *entries;
    const uint32_t *buckets;
};

struct ndc_projection {
    _Atomic unsigned refs;
    struct base *base;
    int64_t seq;
    struct ndc_entry *delta; /* sorted by key */
    size_t delta_count;
    uint64_t *replaced; /* entities of which the file tells nothing any more, sorted */
    size_t replaced_count;
};

static enum ndc_err damaged(struct ndc_fault *fault, const char *path, const char *what)
{
    return ndc_fail(fault, NDC_ECONFLICT, "projection.damaged",
                    "%s is damaged (%s); it is made anew from the registry", path, what);
}

static enum ndc_err read_footer(struct base *b, const char *path, struct ndc_fault *fault)
{
    struct projection_footer *f = &b->footer;
    if (b->map.len < PROJECTION_FOOTER_BYTES) return damaged(fault, path, "cut short");
    memcpy(f, b->map.ptr + b->map.len - PROJECTION_FOOTER_BYTES, sizeof(*f));
    uint64_t check = f->check;
    f->check = 0;
    if (memcmp(f->magic, PROJECTION_MAGIC, sizeof(f->magic)) != 0 ||
        f->version != PROJECTION_VERSION || check != projection_sum(f, sizeof(*f)))
        return damaged(fault, path, "its end is not what was written");
    uint64_t sums =
        (f->sums_at + PROJECTION_PIECE_BYTES - 1) / PROJECTION_PIECE_BYTES * 8;
    if (f->bytes != b->map.len || f->bucket_bits > PROJECTION_BUCKET_BITS_MAX ||
        f->buckets_at != f->entries * NDC_PROJECTION_ENTRY_BYTES ||
        f->sums_at != f->buckets_at + (((uint64_t)1 << f->bucket_bits) + 1) * 4 ||
        f->bytes != f->sums_at + sums + PROJECTION_FOOTER_BYTES)
        return damaged(fault, path, "its length is not what was written");
    if (projection_sum(b->map.ptr + f->sums_at, (size_t)sums) != f->sums_check)
        return damaged(fault, path, "its checksums are not what was written");
    b->entries = (const struct ndc_entry *)(const void *)b->map.ptr;
    b->buckets = (const uint32_t *)(const void *)(b->map.ptr + f->buckets_at);
    return NDC_OK;
}

struct checking {
    const struct base *base;
    atomic_bool bad;
};

static void check_piece(void *arg, size_t i)
{
    struct checking *c = arg;
    const struct base *b = c->base;
    uint64_t at = (uint64_t)i * PROJECTION_PIECE_BYTES, sum;
    size_t len =
        (size_t)NDC_MIN((uint64_t)PROJECTION_PIECE_BYTES, b->footer.sums_at - at);
    memcpy(&sum, b->map.ptr + b->footer.sums_at + i * 8, sizeof(sum));
    if (projection_sum(b->map.ptr + at, len) != sum) atomic_store(&c->bad, true);
}

static bool bytes_good(const struct base *b, unsigned threads)
{
    struct checking c = {.base = b};
    ndc_parallel_for(threads,
                     (size_t)((b->footer.sums_at + PROJECTION_PIECE_BYTES - 1) /
                              PROJECTION_PIECE_BYTES),
                     check_piece, &c);
    return !atomic_load(&c.bad);
}

static void base_unref(struct base *b)
{
    if (atomic_fetch_sub(&b->refs, 1) > 1) return;
    ndc_file_unmap(&b->map);
    free(b);
}

static struct ndc_projection *wrap(struct base *b, int64_t seq)
{
    struct ndc_projection *p = ndc_xcalloc(1, sizeof(*p));
    atomic_store(&p->refs, 1);
    p->base = b;
    p->seq = seq;
    return p;
}

enum ndc_err ndc_projection_open(struct ndc_projection **out, const char *dir,
                                 const struct ndc_projection_key *key, bool check,
                                 unsigned threads, struct ndc_fault *fault)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/projection", dir);
    *out = NULL;
    if (!ndc_file_exists(path))
        return ndc_fail(fault, NDC_ENOTFOUND, "projection.none",
                        "there is no projection yet; it is made from the registry");
    struct base *b = ndc_xcalloc(1, sizeof(*b));
    atomic_store(&b->refs, 1);
    enum ndc_err err = ndc_file_map(&b->map, path, fault);
    if (!err) err = read_footer(b, path, fault);
    if (!err && b->footer.key_check != projection_key_check(key))
        err = damaged(fault, path, "it was made with another key");
    if (!err && check && !bytes_good(b, threads))
        err = damaged(fault, path, "bytes are not what was written");
    if (err)
        base_unref(b);
    else
        *out = wrap(b, b->footer.seq);
    return err;
}

struct ndc_projection *ndc_projection_ref(struct ndc_projection *p)
{
    atomic_fetch_add(&p->refs, 1);
    return p;
}

void ndc_projection_unref(struct ndc_projection *p)
{
    if (!p || atomic_fetch_sub(&p->refs, 1) > 1) return;
    base_unref(p->base);
    free(p->delta);
    free(p->replaced);
    free(p);
}

void ndc_projection_info(const struct ndc_projection *p, struct ndc_projection_info *out)
{
    const struct projection_footer *f = &p->base->footer;
    *out = (struct ndc_projection_info){.moment = {f->generation, p->seq},
                                        .entries = f->entries,
                                        .entities = f->entities,
                                        .delta = p->delta_count,
                                        .made_ms = f->made_ms,
                                        .bytes = f->bytes};
}

/* ---- the delta ---- */

static int by_key(const void *a, const void *b)
{
    const struct ndc_entry *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    uint64_t p = ndc_entry_entity(x), q = ndc_entry_entity(y);
    return p < q ? -1 : p > q;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static bool holds(const uint64_t *sorted, size_t n, uint64_t v)
{
    return n && bsearch(&v, sorted, n, sizeof(*sorted), by_number) != NULL;
}

struct ndc_projection *ndc_projection_with(const struct ndc_projection *old,
                                           const uint64_t *entities, size_t n_entities,
                                           const struct ndc_entry *entries, size_t n,
                                           int64_t seq)
{
    struct ndc_projection *p = wrap(old->base, seq);
    size_t kept = 0, total = n_entities + old->replaced_count;
    atomic_fetch_add(&old->base->refs, 1);
    uint64_t *all = ndc_xmalloc((total + 1) * sizeof(*all));
    if (n_entities) memcpy(all, entities, n_entities * sizeof(*all));
    if (n_entities) qsort(all, n_entities, sizeof(*all), by_number);
    p->delta = ndc_xmalloc((old->delta_count + n + 1) * sizeof(*p->delta));
    for (size_t i = 0; i < old->delta_count; i++)
        if (!holds(all, n_entities, ndc_entry_entity(&old->delta[i])))
            p->delta[p->delta_count++] = old->delta[i];
    if (n) memcpy(p->delta + p->delta_count, entries, n * sizeof(*entries));
    p->delta_count += n;
    if (p->delta_count) qsort(p->delta, p->delta_count, sizeof(*p->delta), by_key);
    if (old->replaced_count)
        memcpy(all + n_entities, old->replaced, old->replaced_count * sizeof(*all));
    if (total) qsort(all, total, sizeof(*all), by_number);
    for (size_t i = 0; i < total; i++)
        if (i == 0 || all[i] != all[i - 1]) all[kept++] = all[i];
    p->replaced = all;
    p->replaced_count = kept;
    return p;
}

/* ---- finding ---- */

/* The first of the sorted entries in [low, high) whose key is not less. */
static size_t lower(const struct ndc_entry *entries, size_t low, size_t high,
                    uint64_t key)
{
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (entries[mid].key < key)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

size_t ndc_projection_find(const struct ndc_projection *p, uint64_t key,
                           const struct ndc_entry **out, size_t max)
{
    const struct base *b = p->base;
    size_t bucket = projection_bucket(key, b->footer.bucket_bits), n = 0;
    size_t end = NDC_MIN(b->buckets[bucket + 1], (size_t)b->footer.entries);
    size_t at = lower(b->entries, NDC_MIN(b->buckets[bucket], end), end, key);
    for (; at < end && b->entries[at].key == key && n < max; at++)
        if (!p->replaced_count ||
            !holds(p->replaced, p->replaced_count, ndc_entry_entity(&b->entries[at])))
            out[n++] = &b->entries[at];
    if (!p->delta_count) return n;
    at = lower(p->delta, 0, p->delta_count, key);
    for (; at < p->delta_count && p->delta[at].key == key && n < max; at++)
        out[n++] = &p->delta[at];
    return n;
}

void ndc_projection_prefetch(const struct ndc_projection *p, uint64_t key, unsigned step)
{
    const struct base *b = p->base;
    size_t bucket = projection_bucket(key, b->footer.bucket_bits);
    if (step == 0) {
        __builtin_prefetch(&b->buckets[bucket]);
        return;
    }
    size_t from = b->buckets[bucket], to = b->buckets[bucket + 1];
    __builtin_prefetch(&b->entries[from + (to - from) / 2]);
    __builtin_prefetch(&b->entries[from + (to - from) / 4]);
    __builtin_prefetch(&b->entries[from + (to - from) / 4 * 3]);
}

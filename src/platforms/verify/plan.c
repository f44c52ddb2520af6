/* Planning a file (plan.h). */
#include "platforms/verify/plan.h"

#include "base/hash.h"
#include "base/sort.h"
#include "sys/file.h"
#include "sys/scratch.h"
#include "sys/thread.h"

#include <stdatomic.h>

enum {
    PARTITION_BITS = 8,
    PARTITIONS = 1 << PARTITION_BITS,
    BUFFER_ITEMS = 2048, /* 32 KiB */
    TELL_ROWS = 1 << 16,
    CONTENT_SEED = 0x726f77
};

#define PLAN_MAGIC 0x6e616c7066697276u

struct extent {
    uint64_t at;
    uint32_t count;
};

/* Accounts' hashes; the value holds row and hash of the whole row, 32 bits each. */
struct partition {
    struct ndc_key64 *buffer;
    uint32_t buffered;
    uint64_t total;
    struct extent *extents;
    size_t extent_count, extent_cap;
};

struct planning {
    const char *dir;
    struct ndc_scratch scratch;
    struct partition partitions[PARTITIONS];
    struct ndc_plan *plan;
    atomic_int failed; /* enum ndc_err */
};

static enum ndc_err spill(struct planning *p, struct partition *part,
                          struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    if (p->scratch.fd < 0) err = ndc_scratch_open(&p->scratch, p->dir, fault);
    if (err) return err;
    if (part->extent_count == part->extent_cap) {
        part->extent_cap = part->extent_cap ? part->extent_cap * 2 : 16;
        part->extents =
            ndc_xrealloc(part->extents, part->extent_cap * sizeof(*part->extents));
    }
    part->extents[part->extent_count++] = (struct extent){p->scratch.len, part->buffered};
    err = ndc_scratch_append(&p->scratch, part->buffer,
                             part->buffered * sizeof(*part->buffer), fault);
    part->buffered = 0;
    return err;
}

static enum ndc_err note_account(struct planning *p, const struct ndc_row *row,
                                 uint64_t number, struct ndc_fault *fault)
{
    uint64_t key = ndc_sheet_account_hash(row);
    struct partition *part = &p->partitions[key >> (64 - PARTITION_BITS)];
    uint64_t content = ndc_hash_str(row->whole, CONTENT_SEED) & 0xffffffffu;
    if (!part->buffer) part->buffer = ndc_xmalloc(BUFFER_ITEMS * sizeof(*part->buffer));
    part->buffer[part->buffered++] = (struct ndc_key64){key, number << 32 | content};
    part->total++;
    return part->buffered == BUFFER_ITEMS ? spill(p, part, fault) : NDC_OK;
}

/* ---- which rows repeat ---- */

static bool gather(const struct planning *p, const struct partition *part,
                   struct ndc_key64 *out)
{
    for (size_t i = 0; i < part->extent_count; i++) {
        const struct extent *e = &part->extents[i];
        if (ndc_scratch_read(&p->scratch, e->at, out, e->count * sizeof(*out), NULL))
            return false;
        out += e->count;
    }
    if (part->buffered) memcpy(out, part->buffer, part->buffered * sizeof(*out));
    return true;
}

static void mark(struct ndc_plan *plan, uint64_t row, enum ndc_repeat repeat)
{
    /* Partitions are marked at once, and rows of several share a byte. */
    __atomic_fetch_or(&plan->repeats[row / 4], (uint8_t)(repeat << row % 4 * 2),
                      __ATOMIC_RELAXED);
}

static void mark_partition(void *arg, size_t i)
{
    struct planning *p = arg;
    const struct partition *part = &p->partitions[i];
    size_t n = (size_t)part->total;
    if (n < 2) return;
    struct ndc_key64 *items = ndc_xmalloc(2 * n * sizeof(*items));
    if (!gather(p, part, items)) {
        atomic_store(&p->failed, NDC_EIO);
        free(items);
        return;
    }
    ndc_sort_key64(items, items + n, n); /* stable: rows of an account stay in order */
    for (size_t k = 1, first = 0; k < n; k++) {
        if (items[k].key != items[first].key) {
            first = k;
            continue;
        }
        bool same = (uint32_t)items[k].value == (uint32_t)items[first].value;
        mark(p->plan, items[k].value >> 32, same ? NDC_REPEAT_ROW : NDC_REPEAT_ACCOUNT);
    }
    free(items);
}

/* ---- the pass ---- */

static void begin_slice(struct ndc_plan *plan, size_t *cap, uint64_t at)
{
    if (plan->slices + 1 >= *cap) {
        *cap = *cap ? *cap * 2 : 64;
        plan->begins = ndc_xrealloc(plan->begins, *cap * sizeof(*plan->begins));
    }
    plan->begins[plan->slices++] = at;
}

static enum ndc_err read_rows(struct planning *p, struct ndc_str file, uint64_t rows_max,
                              ndc_plan_tell *tell, void *arg, struct ndc_fault *fault)
{
    struct ndc_plan *plan = p->plan;
    struct ndc_buf scratch;
    struct ndc_row row;
    size_t at = plan->shape.first, from = at, cap = 0;
    enum ndc_err err = NDC_OK;
    ndc_buf_init(&scratch, NDC_SHEET_BYTES_MAX * 2);
    while (!err && ndc_sheet_next(&row, &at, &plan->shape, file, &scratch)) {
        if (plan->rows % NDC_SLICE_ROWS == 0) begin_slice(plan, &cap, from);
        if (plan->rows == rows_max)
            err = ndc_fail(fault, NDC_ETOOBIG, "verify.rows",
                           "a file has at most %llu rows; send it in parts",
                           (unsigned long long)rows_max);
        if (!err && row.value[NDC_COLUMN_ACCOUNT].len)
            err = note_account(p, &row, plan->rows, fault);
        plan->rows++;
        from = at;
        if (!err && tell && plan->rows % TELL_ROWS == 0 && tell(arg, at))
            err = ndc_fail(fault, NDC_ECANCELED, "job.canceled", "stopped on request");
    }
    if (!err && plan->rows == 0)
        err = ndc_fail(fault, NDC_EINPUT, "verify.empty", "the file has no rows");
    if (plan->begins) plan->begins[plan->slices] = from;
    ndc_buf_free(&scratch);
    return err;
}

enum ndc_err ndc_plan_make(struct ndc_plan *out, struct ndc_str file, uint64_t rows_max,
                           const char *dir, unsigned threads, ndc_plan_tell *tell,
                           void *arg, struct ndc_fault *fault)
{
    struct planning *p = ndc_xcalloc(1, sizeof(*p));
    *out = (struct ndc_plan){.bytes = file.len};
    p->dir = dir;
    p->plan = out;
    p->scratch.fd = -1;
    enum ndc_err err = ndc_sheet_shape(&out->shape, file, fault);
    if (!err)
        err =
            read_rows(p, file, NDC_MIN(rows_max, (uint64_t)UINT32_MAX), tell, arg, fault);
    if (!err) {
        out->repeats = ndc_xcalloc((size_t)out->rows / 4 + 1, 1);
        ndc_parallel_for(threads, PARTITIONS, mark_partition, p);
        if (atomic_load(&p->failed))
            err = ndc_fail(fault, NDC_EIO, "io.scratch",
                           "what was written to a scratch file cannot be read back");
    }
    for (size_t i = 0; i < PARTITIONS; i++) {
        free(p->partitions[i].buffer);
        free(p->partitions[i].extents);
    }
    ndc_scratch_close(&p->scratch);
    free(p);
    if (err) ndc_plan_free(out);
    return err;
}

void ndc_plan_free(struct ndc_plan *plan)
{
    free(plan->begins);
    free(plan->repeats);
    plan->begins = NULL;
    plan->repeats = NULL;
}

/* ---- kept ---- */

struct head {
    uint64_t magic, check; /* over all that follows */
    struct ndc_sheet_shape shape;
    uint64_t bytes, rows, slices;
};

enum ndc_err ndc_plan_save(const struct ndc_plan *plan, const char *path,
                           struct ndc_fault *fault)
{
    struct ndc_buf buf;
    struct head h = {.magic = PLAN_MAGIC,
                     .shape = plan->shape,
                     .bytes = plan->bytes,
                     .rows = plan->rows,
                     .slices = plan->slices};
    ndc_buf_init(&buf, SIZE_MAX / 4);
    ndc_buf_add(&buf, &h, sizeof(h));
    ndc_buf_add(&buf, plan->begins, (plan->slices + 1) * sizeof(*plan->begins));
    ndc_buf_add(&buf, plan->repeats, (size_t)plan->rows / 4 + 1);
    uint64_t check = ndc_hash64(buf.ptr + 16, buf.len - 16, PLAN_MAGIC);
    memcpy(buf.ptr + 8, &check, sizeof(check));
    enum ndc_err err = ndc_file_write(path, ndc_buf_str(&buf), 0600, fault);
    ndc_buf_free(&buf);
    return err;
}

enum ndc_err ndc_plan_load(struct ndc_plan *out, const char *path, struct ndc_str file,
                           struct ndc_fault *fault)
{
    struct ndc_buf buf;
    struct head h;
    *out = (struct ndc_plan){0};
    ndc_buf_init(&buf, SIZE_MAX / 4);
    enum ndc_err err = ndc_file_read(&buf, path, fault);
    bool good = !err && buf.len > sizeof(h);
    if (good) memcpy(&h, buf.ptr, sizeof(h));
    good = good && h.magic == PLAN_MAGIC &&
           h.check == ndc_hash64(buf.ptr + 16, buf.len - 16, PLAN_MAGIC) &&
           h.bytes == file.len;
    size_t begins = good ? ((size_t)h.slices + 1) * sizeof(*out->begins) : 0;
    size_t repeats = good ? (size_t)h.rows / 4 + 1 : 0;
    good = good && buf.len == sizeof(h) + begins + repeats;
    if (!err && !good)
        err = ndc_fail(fault, NDC_ECONFLICT, "verify.plan",
                       "%s is damaged, or of another file", path);
    if (!err) {
        *out = (struct ndc_plan){.shape = h.shape,
                                 .bytes = h.bytes,
                                 .rows = h.rows,
                                 .slices = (size_t)h.slices,
                                 .begins = ndc_xmalloc(begins),
                                 .repeats = ndc_xmalloc(repeats)};
        memcpy(out->begins, buf.ptr + sizeof(h), begins);
        memcpy(out->repeats, buf.ptr + sizeof(h) + begins, repeats);
    }
    ndc_buf_free(&buf);
    return err;
}

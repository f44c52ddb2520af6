/* Adding rows. A batch gathers texts and their hashes column by column; when it is full,
 * each column's are numbered in the common dictionary under that column's lock, reading
 * ahead: the next slots, then the next texts, are fetched from memory while one is
 * compared. Batches begin at different columns, so threads seldom meet. */
#include "platforms/registry/link/run.h"

enum {
    BATCH_ROWS = 1024,
    BATCH_BYTES = 1 << 20,
    SOURCE_NAME_MAX = 256,
    AHEAD_SLOT = 24, /* values ahead of the one that is compared */
    AHEAD_START = 16,
    AHEAD_BYTES = 8
};

struct raw_value {
    uint64_t hash;
    uint32_t at; /* in the batch's bytes */
    uint16_t len, row;
};

struct ndc_link_batch {
    struct ndc_link *link;
    unsigned rows, counts[NDC_LINK_FIELDS_MAX];
    uint32_t bytes_len;
    uint8_t sources[BATCH_ROWS];
    uint64_t refs[BATCH_ROWS];
    uint32_t tags[BATCH_ROWS];
    struct raw_value *values; /* field x BATCH_ROWS */
    uint32_t *numbers;        /* row x stride */
    char *bytes;
    enum ndc_err err;
    struct ndc_fault fault;
};

static enum ndc_err check_name(struct ndc_str name, const struct ndc_dict *names,
                               struct ndc_fault *fault)
{
    if (name.len == 0 || name.len > SOURCE_NAME_MAX)
        return ndc_fail(fault, NDC_EINPUT, "link.source", "a source needs a name");
    if (ndc_dict_find(names, name) == 0 && names->count == NDC_LINK_SOURCES_MAX)
        return ndc_fail(fault, NDC_ETOOBIG, "link.sources", "over %d sources",
                        NDC_LINK_SOURCES_MAX);
    return NDC_OK;
}

enum ndc_err ndc_link_source_add(struct ndc_link *link, struct ndc_str name,
                                 unsigned *source, struct ndc_fault *fault)
{
    struct ndc_dict *names = &link->table.source_names;
    *source = 0;
    ndc_mutex_lock(&link->lock);
    NDC_ASSERT(!link->table.whole);
    enum ndc_err err = check_name(name, names, fault);
    if (!err) *source = ndc_dict_add(names, name) - 1;
    ndc_mutex_unlock(&link->lock);
    return err;
}

enum ndc_err ndc_link_source_whole(struct ndc_link *link, struct ndc_str name,
                                   uint32_t rows, unsigned *source,
                                   struct ndc_fault *fault)
{
    struct table *t = &link->table;
    struct ndc_dict *names = &t->source_names;
    enum ndc_err err = check_name(name, names, fault);
    if (err) return err;
    uint32_t n = names->count;
    NDC_ASSERT(t->whole || n == 0);
    NDC_ASSERT(n == 0 || ndc_str_cmp(ndc_dict_get(names, n), name) < 0);
    if (rows > NDC_LINK_ROWS_MAX - t->source_start[n])
        return ndc_fail(fault, NDC_ETOOBIG, "link.rows", "over %d rows in one table",
                        NDC_LINK_ROWS_MAX);
    t->whole = true;
    *source = ndc_dict_add(names, name) - 1;
    t->source_rows[n] = rows;
    for (unsigned s = n; s < NDC_LINK_SOURCES_MAX; s++)
        t->source_start[s + 1] = t->source_start[n] + rows;
    return NDC_OK;
}

struct ndc_link_batch *ndc_link_batch_new(struct ndc_link *link)
{
    struct ndc_link_batch *b = ndc_xcalloc(1, sizeof *b);
    b->link = link;
    size_t values = (size_t)link->spec->field_count * BATCH_ROWS;
    b->values = ndc_xmalloc(values * sizeof *b->values);
    b->numbers = ndc_xcalloc((size_t)link->table.stride * BATCH_ROWS, sizeof *b->numbers);
    b->bytes = ndc_xmalloc(BATCH_BYTES);
    return b;
}

/* Numbers one column's texts. */
static void number_column(struct ndc_link_batch *b, unsigned f)
{
    struct column *c = &b->link->table.columns[f];
    struct ndc_mutex *lock = &b->link->column_locks[c->field->dict];
    const struct raw_value *v = b->values + (size_t)f * BATCH_ROWS;
    unsigned n = b->counts[f], stride = b->link->table.stride;
    if (n == 0) return;
    ndc_mutex_lock(lock);
    for (unsigned i = 0; i < NDC_MIN(n, (unsigned)AHEAD_SLOT); i++)
        ndc_dict_look_slot(c->raw, v[i].hash);
    for (unsigned i = 0; i < n; i++) {
        if (i + AHEAD_SLOT < n) ndc_dict_look_slot(c->raw, v[i + AHEAD_SLOT].hash);
        if (i + AHEAD_START < n) ndc_dict_look_start(c->raw, v[i + AHEAD_START].hash);
        if (i + AHEAD_BYTES < n) ndc_dict_look_bytes(c->raw, v[i + AHEAD_BYTES].hash);
        b->numbers[(size_t)v[i].row * stride + f] =
            ndc_link_table_number(c, ndc_str_n(b->bytes + v[i].at, v[i].len), v[i].hash);
    }
    ndc_mutex_unlock(lock);
    b->counts[f] = 0;
}

/* Rows of whole sources have their places; the table is made at the first of them. */
static enum ndc_err place_rows(struct ndc_link_batch *b)
{
    struct table *t = &b->link->table;
    size_t bytes = t->stride * sizeof *b->numbers;
    ndc_mutex_lock(&b->link->lock);
    enum ndc_err err = ndc_link_table_place(t, &b->fault);
    ndc_mutex_unlock(&b->link->lock);
    for (unsigned i = 0; i < b->rows && !err; i++) {
        unsigned s = b->sources[i];
        NDC_ASSERT(s < t->source_names.count && b->refs[i] < t->source_rows[s]);
        size_t row = t->source_start[s] + b->refs[i];
        NDC_ASSERT(
            !t->sources[row]); /* no record comes twice; sealing names the source */
        t->sources[row] = 1;
        t->tags[row] = b->tags[i];
        memcpy(t->values + row * t->stride, b->numbers + (size_t)i * t->stride, bytes);
    }
    return err;
}

static enum ndc_err append_rows(struct ndc_link_batch *b)
{
    struct table *t = &b->link->table;
    ndc_mutex_lock(&b->link->lock);
    enum ndc_err err = ndc_link_table_reserve(t, b->rows, &b->fault);
    if (!err) {
        memcpy(t->values + (size_t)t->row_count * t->stride, b->numbers,
               (size_t)b->rows * t->stride * sizeof *b->numbers);
        memcpy(t->refs + t->row_count, b->refs, b->rows * sizeof *b->refs);
        memcpy(t->sources + t->row_count, b->sources, b->rows);
        t->row_count += b->rows;
    }
    ndc_mutex_unlock(&b->link->lock);
    return err;
}

static void flush(struct ndc_link_batch *b)
{
    struct table *t = &b->link->table;
    unsigned width = t->spec->field_count;
    if (b->rows == 0 || b->err) return;
    unsigned first = atomic_fetch_add(&b->link->turn, width / 2 + 1);
    for (unsigned i = 0; i < width; i++)
        number_column(b, (first + i) % width);
    b->err = t->whole ? place_rows(b) : append_rows(b);
    memset(b->numbers, 0, (size_t)b->rows * t->stride * sizeof *b->numbers);
    b->rows = 0;
    b->bytes_len = 0;
}

void ndc_link_batch_add(struct ndc_link_batch *b, unsigned source, uint64_t ref,
                        const struct ndc_str *values)
{
    ndc_link_batch_add_tagged(b, source, ref, 0, values);
}

void ndc_link_batch_add_tagged(struct ndc_link_batch *b, unsigned source, uint64_t ref,
                               uint32_t tag, const struct ndc_str *values)
{
    unsigned width = b->link->spec->field_count;
    if (b->rows == BATCH_ROWS || BATCH_BYTES - b->bytes_len < width * RAW_BYTES_MAX)
        flush(b);
    if (b->err) return; /* commit reports it */
    NDC_ASSERT(source < NDC_LINK_SOURCES_MAX);
    for (unsigned f = 0; f < width; f++) {
        size_t len = NDC_MIN(values[f].len, (size_t)RAW_BYTES_MAX);
        if (len == 0) continue;
        struct ndc_str raw = ndc_str_n(b->bytes + b->bytes_len, len);
        memcpy(b->bytes + b->bytes_len, values[f].ptr, len);
        b->values[(size_t)f * BATCH_ROWS + b->counts[f]++] = (struct raw_value){
            ndc_hash_str(raw, 0), b->bytes_len, (uint16_t)len, (uint16_t)b->rows};
        b->bytes_len += (uint32_t)len;
    }
    b->refs[b->rows] = ref;
    b->tags[b->rows] = tag;
    b->sources[b->rows++] = (uint8_t)source;
}

enum ndc_err ndc_link_batch_commit(struct ndc_link_batch *b, struct ndc_fault *fault)
{
    NDC_ASSERT(!b->link->ran);
    flush(b);
    enum ndc_err err = b->err;
    if (err && fault) *fault = b->fault;
    free(b->values);
    free(b->numbers);
    free(b->bytes);
    free(b);
    return err;
}

/* First step out of memory: values of identifiers are sorted. A value that more rows hold
 * than an entity may have is a filler; rows that share any other may become one node, so
 * they are put into one component. Whether they do is decided in their share (ident.c).
 */
#include "platforms/registry/link/external_internal.h"

enum { FIELD_BITS = 4 };
_Static_assert(NDC_LINK_FIELDS_MAX <= 1 << FIELD_BITS, "a field's number fits");

struct scan {
    struct external *x;
    struct spool_feed *feed, *copies;
    struct ndc_buf text;
    char bytes[EXTERNAL_ROW_MAX];
};

/* Fields whose fillers matter. */
static bool identifies(const struct spec_field *f)
{
    return f->identifier || f->unique;
}

static void take_row(void *arg, uint32_t row, uint32_t tag, const struct ndc_str *values)
{
    struct scan *s = arg;
    const struct table *t = &s->x->link->table;
    size_t len =
        ndc_link_external_encode(s->bytes, t->spec->field_count, row, tag, values);
    ndc_link_spool_add(s->copies, external_range(s->x, row), s->bytes, len);
    s->x->link->table.tags[row] = tag;
    for (unsigned f = 0; f < t->spec->field_count; f++) {
        if (!identifies(&t->spec->fields[f]) || !values[f].len) continue;
        struct ndc_str text = ndc_link_table_fold(&t->columns[f], &s->text, values[f]);
        if (!text.len) continue;
        uint64_t hash = ndc_hash_join(ndc_hash_str(text, 5), f);
        struct ndc_key32 entry = {hash >> FIELD_BITS << FIELD_BITS | f, row};
        ndc_link_spool_add(s->feed, external_part(hash, s->x->homes), &entry,
                           sizeof entry);
    }
}

static void scan_range(void *arg, size_t i)
{
    struct external *x = arg;
    if (ndc_link_external_failed(x)) return;
    struct scan *s = ndc_xcalloc(1, sizeof *s);
    s->x = x;
    s->feed = ndc_link_spool_feed_new(x->identifiers);
    s->copies = ndc_link_spool_feed_new(x->copies);
    const struct ndc_link_taker taker = {.arg = s, .take = take_row};
    ndc_buf_init(&s->text, FOLDED_BYTES_MAX);
    ndc_link_external_read(x, i, &taker);
    ndc_link_spool_feed_end(s->feed);
    ndc_link_spool_feed_end(s->copies);
    ndc_buf_free(&s->text);
    free(s);
}

/* Values are told to the parts by a text of one row that holds them. */
struct filler {
    struct external *x;
    unsigned field;
};

static void take_filler(void *arg, uint32_t row, uint32_t tag,
                        const struct ndc_str *values)
{
    struct filler *f = arg;
    (void)row, (void)tag;
    struct ndc_str raw = values[f->field];
    raw.len = NDC_MIN(raw.len, (size_t)RAW_BYTES_MAX);
    ndc_mutex_lock(&f->x->lock);
    ndc_link_filler_add(f->x->link, f->field, raw);
    ndc_mutex_unlock(&f->x->lock);
}

static void note_filler(struct external *x, unsigned field, uint32_t row, size_t rows)
{
    struct filler f = {x, field};
    struct ndc_fault fault = {0};
    const struct ndc_link_taker taker = {.arg = &f, .take = take_filler};
    if (x->reader->read(x->reader->ctx, row, row + 1, &taker, &fault))
        ndc_link_external_fail(x, &fault);
    if (!x->link->spec->fields[field].identifier) return;
    ndc_mutex_lock(&x->lock);
    x->link->stats.identifier_fillers += rows;
    ndc_mutex_unlock(&x->lock);
}

static void merge_values(void *arg, size_t i)
{
    struct external *x = arg;
    const struct ndc_link_spec *spec = x->link->spec;
    void *bytes;
    size_t len;
    if (!ndc_link_external_take(x, x->identifiers, i, &bytes, &len)) return;
    struct ndc_key32 *e = bytes;
    size_t n = len / sizeof *e;
    struct ndc_key32 *scratch = ndc_xmalloc(len + 1);
    ndc_sort_key32(e, scratch, n);
    free(scratch);
    for (size_t at = 0, end; at < n; at = end) {
        unsigned field = e[at].key & ((1u << FIELD_BITS) - 1);
        for (end = at + 1; end < n && e[end].key == e[at].key;)
            end++;
        if (end - at > spec->entity_max) note_filler(x, field, e[at].value, end - at);
        for (size_t k = at + 1;
             k < end && end - at <= spec->entity_max && spec->fields[field].identifier;
             k++)
            ndc_link_external_join(x->parent, e[at].value, e[k].value);
    }
    free(bytes);
}

enum ndc_err ndc_link_external_identifiers(struct external *x, struct ndc_fault *fault)
{
    struct ndc_link *link = x->link;
    x->copies =
        ndc_link_spool_new(x->reader->scratch_dir, x->ranges, EXTERNAL_COPY_BYTES);
    x->identifiers =
        ndc_link_spool_new(x->reader->scratch_dir, x->homes, EXTERNAL_KEY_BYTES);
    enum ndc_err err = ndc_link_external_run(x, x->ranges, scan_range, fault);
    if (!err) err = ndc_link_external_run(x, x->homes, merge_values, fault);
    ndc_link_spool_free(x->identifiers);
    x->identifiers = NULL;
    for (size_t i = 0; i < link->decision_count && !err; i++) {
        const struct decision *d = &link->decisions[i];
        if (d->same && d->a != UINT32_MAX) ndc_link_external_join(x->parent, d->a, d->b);
    }
    if (!err) ndc_link_external_flatten(x->parent, x->rows);
    return err;
}

/* Differences of entities, and a build's changes in slices. Records are compared as they
 * are encoded: the bytes are the same if and only if the source said the same. */
#include "platforms/registry/change/diff.h"

#include "sys/clock.h"

enum {
    SLICE_ROWS = 4096,
    SLICE_BYTES = 8 << 20,
    /* One change may be as long as an entity, on top of a slice that is almost full. */
    BEFORE_BYTES_MAX = SLICE_BYTES + 4 * NDC_ENTITY_PAYLOAD_MAX,
    DECODE_BYTES = 16 * NDC_ENTITY_PAYLOAD_MAX,
    RECORD_BYTES_MAX = NDC_ENTITY_PAYLOAD_MAX,
};

static struct ndc_str golden_text(const struct ndc_entity_view *v, unsigned field)
{
    const struct ndc_golden *g = v ? ndc_entity_golden(v, field) : NULL;
    return g ? g->value->value : NDC_STR_NULL;
}

struct ndc_field_set ndc_change_fields(const struct ndc_entity_view *a,
                                       const struct ndc_entity_view *b)
{
    struct ndc_field_set fields = {0};
    const struct ndc_entity_view *both[] = {a, b};
    for (size_t k = 0; k < NDC_ARRAY_LEN(both); k++) {
        const struct ndc_entity_view *v = both[k];
        for (unsigned i = 0; v && i < v->golden_count; i++) {
            unsigned id = v->golden[i].field;
            if (!ndc_str_eq(golden_text(a, id), golden_text(b, id)))
                ndc_field_set_add(&fields, id);
        }
    }
    return fields;
}

/* The record of the same source and key, looked for from `hint` on: both lists are in one
 * order, so it is mostly the first looked at. */
static const struct ndc_record *find(const struct ndc_entity_view *v,
                                     const struct ndc_record *r, unsigned hint)
{
    for (unsigned i = 0; v && i < v->record_count; i++) {
        const struct ndc_record *one = &v->records[(i + hint) % v->record_count];
        if (one->source == r->source && ndc_str_eq(one->key, r->key)) return one;
    }
    return NULL;
}

void ndc_change_before(struct ndc_buf *before, const struct ndc_entity_view *a,
                       const struct ndc_entity_view *b)
{
    struct ndc_buf now;
    ndc_buf_init(&now, RECORD_BYTES_MAX);
    for (unsigned i = 0; i < a->record_count; i++) {
        const struct ndc_record *other = find(b, &a->records[i], i);
        size_t start = before->len;
        ndc_record_encode(before, &a->records[i]);
        if (!other || before->failed) continue;
        ndc_buf_reset(&now);
        ndc_record_encode(&now, other);
        if (ndc_str_eq(ndc_buf_str(&now),
                       ndc_str_n(before->ptr + start, before->len - start)))
            before->len = start;
    }
    for (unsigned i = 0; b && i < b->record_count; i++) {
        if (find(a, &b->records[i], i)) continue;
        const struct ndc_record gone = {.source = b->records[i].source,
                                        .key = b->records[i].key,
                                        .flags = NDC_RECORD_ABSENT};
        ndc_record_encode(before, &gone);
    }
    ndc_buf_free(&now);
}

static int compare_records(const void *x, const void *y)
{
    const struct ndc_record *a = x, *b = y;
    if (a->source != b->source) return a->source < b->source ? -1 : 1;
    return ndc_str_cmp(a->key, b->key);
}

bool ndc_change_undo(struct ndc_record **records, unsigned *count,
                     struct ndc_arena *arena, const struct ndc_record *b,
                     unsigned b_count, struct ndc_str before)
{
    unsigned n = b_count, kept = 0, more = 0;
    struct ndc_str rest = before, whole;
    while (rest.len) {
        if (!ndc_record_skip(&rest, &whole)) return false;
        more++;
    }
    struct ndc_record *all =
        NDC_ARENA_ARRAY(arena, struct ndc_record, b_count + more + 1);
    if (!all || arena->overflow) return false;
    if (b_count) memcpy(all, b, b_count * sizeof(*b));
    while (before.len) {
        struct ndc_record was;
        if (!ndc_record_decode(&was, arena, &before)) return false;
        unsigned i = 0;
        while (i < n && compare_records(&all[i], &was) != 0)
            i++;
        all[i] = was;
        if (i == n) n++;
    }
    for (unsigned i = 0; i < n; i++)
        if (!(all[i].flags & NDC_RECORD_ABSENT)) all[kept++] = all[i];
    if (kept) qsort(all, kept, sizeof(*all), compare_records);
    *records = all;
    *count = kept;
    return true;
}

/* ---- a build's changes ---- */

void ndc_change_batch_begin(struct ndc_change_batch *b, struct ndc_store_conn *conn)
{
    *b = (struct ndc_change_batch){.conn = conn, .at_ms = ndc_clock_wall_ms()};
    b->changes = ndc_xcalloc(SLICE_ROWS, sizeof(*b->changes));
    b->before_at = ndc_xcalloc(SLICE_ROWS + 1, sizeof(*b->before_at));
    ndc_buf_init(&b->before, BEFORE_BYTES_MAX);
    ndc_arena_init(&b->arena, DECODE_BYTES);
}

static enum ndc_err flush(struct ndc_change_batch *b, struct ndc_fault *fault)
{
    int64_t first;
    if (b->count == 0) return NDC_OK;
    b->before_at[b->count] = b->before.len;
    for (size_t i = 0; i < b->count; i++)
        b->changes[i].before =
            ndc_str_n(b->before.ptr ? b->before.ptr + b->before_at[i] : "",
                      b->before_at[i + 1] - b->before_at[i]);
    enum ndc_err err = ndc_change_append(b->conn, b->changes, b->count, &first, fault);
    NDC_ASSERT(err || !b->last || first + (int64_t)b->count - 1 == b->last);
    b->count = 0;
    ndc_buf_reset(&b->before);
    return err;
}

static enum ndc_err damaged(uint64_t entity, struct ndc_fault *fault)
{
    return ndc_fail(fault, NDC_EIO, "registry.damaged",
                    "what is stored of entity %llu is damaged; restore the database",
                    (unsigned long long)entity);
}

enum ndc_err ndc_change_batch_generation(struct ndc_change_batch *b,
                                         struct ndc_fault *fault)
{
    b->before_at[b->count] = b->before.len;
    b->changes[b->count++] =
        (struct ndc_change){.at_ms = b->at_ms, .kind = NDC_CHANGE_GENERATION};
    return flush(b, fault);
}

/* Numbers are given before the rows are written, for the entity's own row says which
 * change it is from: from now on nobody else gives any. */
static enum ndc_err number(struct ndc_change_batch *b, int64_t *seq,
                           struct ndc_fault *fault)
{
    if (!b->last) NDC_TRY(ndc_change_hold(b->conn, &b->last, fault));
    *seq = ++b->last;
    return NDC_OK;
}

enum ndc_err ndc_change_batch_entity(struct ndc_change_batch *b,
                                     const struct ndc_change_step *step, int64_t *seq,
                                     struct ndc_fault *fault)
{
    struct ndc_entity_view x, y;
    struct ndc_change *c = &b->changes[b->count];
    const struct ndc_entity_view *a = step->before.len ? &x : NULL;
    const struct ndc_entity_view *z = step->after.len ? &y : NULL;
    size_t start = b->before.len;
    *seq = 0;
    ndc_arena_reset(&b->arena);
    if ((a && !ndc_entity_decode(&x, &b->arena, step->before)) ||
        (z && !ndc_entity_decode(&y, &b->arena, step->after)))
        return damaged(step->entity, fault);
    *c = (struct ndc_change){.at_ms = b->at_ms,
                             .previous = a ? step->previous : 0,
                             .entity = step->entity,
                             .other = step->other,
                             .type = (uint8_t)(z ? y.type : x.type)};
    if (!a) {
        c->kind = NDC_CHANGE_CREATED;
        c->fields = ndc_change_fields(NULL, z);
    } else if (!z) {
        c->kind = step->other ? NDC_CHANGE_MERGED : NDC_CHANGE_ENDED;
        ndc_change_before(&b->before, a, NULL);
    } else {
        c->kind = NDC_CHANGE_CHANGED;
        c->fields = ndc_change_fields(a, z);
        ndc_change_before(&b->before, a, z);
        if (ndc_field_set_empty(&c->fields) && b->before.len == start) return NDC_OK;
    }
    if (b->before.failed)
        return ndc_fail(fault, NDC_ETOOBIG, "registry.entity_too_big",
                        "what entity %llu was before is too large for the change feed",
                        (unsigned long long)step->entity);
    NDC_TRY(number(b, seq, fault));
    b->before_at[b->count++] = start;
    return b->count == SLICE_ROWS || b->before.len >= SLICE_BYTES ? flush(b, fault)
                                                                  : NDC_OK;
}

enum ndc_err ndc_change_batch_end(struct ndc_change_batch *b, bool keep,
                                  struct ndc_fault *fault)
{
    enum ndc_err err = keep ? flush(b, fault) : NDC_OK;
    /* A build's session lets commits return before they are on the disk. What a reader of
     * the feed has seen must not be lost with the power and its number given again. */
    if (keep && !err && ndc_store_kind(ndc_store_conn_store(b->conn)) == NDC_POSTGRES)
        err = ndc_sql_exec(b->conn, "SET LOCAL synchronous_commit = on", NDC_NO_ARGS,
                           NULL, fault);
    ndc_buf_free(&b->before);
    ndc_arena_free(&b->arena);
    free(b->changes);
    free(b->before_at);
    *b = (struct ndc_change_batch){0};
    return err;
}

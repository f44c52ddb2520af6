/* What the rows of a batch make of the records they name. Where a source numbers its
 * changes, the largest number counts: of what a record says, and of its end, apart, so
 * rows that come late, twice or in another order come to the same. Without numbers the
 * source's own time of change decides, and where that is equal or missing the row that
 * came later. */
#include "platforms/registry/live/steps.h"

#include "platforms/registry/entity/entity.h"

#include "base/hash.h"

static bool same_content(const struct ndc_record *a, const struct ndc_record *b)
{
    return ndc_record_content_hash(a) == ndc_record_content_hash(b);
}

static void mark_standing(struct ndc_record *r)
{
    if (!(r->flags & NDC_RECORD_VERSIONED)) return;
    r->flags &= ~(uint32_t)NDC_RECORD_ENDED;
    if (r->version <= r->ended) r->flags |= NDC_RECORD_ENDED;
}

/* An end. */
static void end_state(struct live_state *s, bool known, const struct live_row *row,
                      struct ndc_live_result *result)
{
    struct ndc_record *r = &s->record;
    uint32_t before = r->flags;
    uint64_t ended = r->ended;
    if (!known) {
        /* Nobody has sent it yet: what was sent before the end may still come. */
        if (row->versioned) s->ghost_version = NDC_MAX(s->ghost_version, row->version);
        result->unchanged++;
        return;
    }
    if (row->versioned) {
        if (!(r->flags & NDC_RECORD_VERSIONED)) r->version = 0;
        r->flags |= NDC_RECORD_VERSIONED;
        r->ended = NDC_MAX(r->ended, row->version);
        mark_standing(r);
    } else {
        r->flags |= NDC_RECORD_ENDED;
        if (r->flags & NDC_RECORD_VERSIONED) r->ended = NDC_MAX(r->ended, r->version);
    }
    if (row->versioned && row->version < ended)
        result->late++;
    else if ((before ^ r->flags) & NDC_RECORD_ENDED)
        result->ended++;
    else
        result->unchanged++;
}

/* Whether what the row says is older than what is known. */
static bool is_late(const struct live_state *s, const struct live_row *row,
                    unsigned updated_field)
{
    const struct ndc_record *old = &s->record, *new = &row->record;
    if (row->versioned && old->flags & NDC_RECORD_VERSIONED) {
        if (row->version != old->version) return row->version < old->version;
        return ndc_record_content_hash(new) < ndc_record_content_hash(old);
    }
    const struct ndc_record_field *x = ndc_record_find(old, updated_field);
    const struct ndc_record_field *y = ndc_record_find(new, updated_field);
    return !row->versioned && x && y && ndc_str_cmp(y->value, x->value) < 0;
}

static void take_content(struct live_state *s, bool known, const struct live_row *row)
{
    struct ndc_record old = s->record;
    s->record = row->record;
    s->record.flags = known ? old.flags & (uint32_t)NDC_RECORD_VERSIONED : 0;
    s->record.version = old.version;
    s->record.ended = known ? old.ended : s->ghost_version;
    if (row->versioned) {
        s->record.flags |= NDC_RECORD_VERSIONED;
        s->record.version = row->version;
    } else if (s->record.flags & NDC_RECORD_VERSIONED) {
        s->record.ended = 0; /* a row without a number stands until the next end */
    }
    mark_standing(&s->record);
}

static void settle_state(struct live_batch *b, struct live_state *s,
                         unsigned updated_field)
{
    bool known = s->home != LIVE_NONE, was = known;
    struct ndc_record before = {0};
    if (known) before = s->record = b->entities[s->home].view.records[s->at];
    for (uint32_t i = 0; i < s->row_count; i++) {
        const struct live_named *n = &b->rows[s->rows[i]];
        struct ndc_live_result *result = &n->call->result;
        if (n->row->ends) {
            end_state(s, known, n->row, result);
            continue;
        }
        if (known && is_late(s, n->row, updated_field)) {
            result->late++;
            continue;
        }
        struct ndc_record last = s->record;
        take_content(s, known, n->row);
        if (!known)
            result->created++;
        else if (same_content(&last, &s->record))
            result->unchanged++;
        else
            result->changed++;
        known = true;
    }
    s->fresh = known && !was;
    s->ghost = !known && s->ghost_version;
    s->changed =
        known && (!was || !same_content(&before, &s->record) ||
                  before.version != s->record.version || before.ended != s->record.ended);
    if (!s->changed) return;
    bool content = !was || !same_content(&before, &s->record);
    s->record.run_first = was ? before.run_first : s->record.run;
    s->record.key = s->key;
    s->record.source = s->source;
    if (!content) {
        s->record.run = before.run;
        s->record.seen_s = before.seen_s;
    } else if (s->record.run == 0) { /* ended: it says what it said */
        s->record.run = before.run;
    }
}

/* Whether linking reads something else of it than before. */
static bool says_else(struct live_batch *b, const struct live_state *s,
                      const struct ndc_record *before)
{
    const struct ndc_link_spec *spec = b->live->kinds[s->type].spec;
    uint64_t now = 0, was = 0;
    if (!spec) return true;
    if (!b->feeds[s->type]) b->feeds[s->type] = ndc_link_feed_new(spec);
    unsigned n = ndc_link_spec_field_count(spec);
    const struct ndc_str *values = ndc_link_feed_values(b->feeds[s->type], &s->record);
    for (unsigned i = 0; i < n; i++)
        now = ndc_hash_str(values[i], now);
    values = ndc_link_feed_values(b->feeds[s->type], before);
    for (unsigned i = 0; i < n; i++)
        was = ndc_hash_str(values[i], was);
    return now != was;
}

/* Records that identifiers joined to one that changes. */
static void stir(struct live_batch *b, struct live_entity *e, unsigned at)
{
    const struct ndc_entity_view *v = &e->view;
    bool grows = true;
    bool *node = NDC_ARENA_ARRAY(&b->arena, bool, v->record_count + 1);
    if (!node) return;
    if (!e->notes) e->notes = NDC_ARENA_ARRAY(&b->arena, uint8_t, v->record_count + 1);
    node[at] = true;
    while (grows) {
        grows = false;
        for (unsigned i = 0; i < v->edge_count; i++) {
            const struct ndc_entity_edge *edge = &v->edges[i];
            if (edge->kind == NDC_LINK_EDGE_MODEL || node[edge->a] == node[edge->b])
                continue;
            node[edge->a] = node[edge->b] = grows = true;
        }
    }
    for (unsigned i = 0; e->notes && i < v->record_count; i++)
        if (node[i]) e->notes[i] |= LIVE_STIRRED;
}

/* Ends that came before what they end. */
static void take_tombstone(void *arg, size_t number, struct ndc_rows *row)
{
    struct live_state **wanted = arg;
    wanted[number]->ghost_version = (uint64_t)ndc_rows_i64(row, 0);
}

static enum ndc_err read_tombstones(struct live_batch *b, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    size_t n = 0;
    if (!b->live->tombstones) return NDC_OK;
    enum ndc_err err = ndc_store_take(b->live->registry->store, NDC_READ, &conn, fault);
    if (err) return err;
    struct ndc_val *args = ndc_xmalloc((2 * (size_t)b->state_count + 1) * sizeof(*args));
    struct live_state **wanted =
        ndc_xmalloc(((size_t)b->state_count + 1) * sizeof(struct live_state *));
    for (uint32_t i = 0; i < b->state_count; i++) {
        struct live_state *s = &b->states[i];
        if (s->home != LIVE_NONE) continue;
        args[2 * n] = ndc_int(s->source);
        args[2 * n + 1] = ndc_text(s->key);
        wanted[n++] = s;
    }
    err = ndc_sql_each(conn,
                       "SELECT version FROM registry_tombstone WHERE source = $1 AND "
                       "record_key = $2",
                       args, 2, n, take_tombstone, wanted, fault);
    ndc_store_give(conn);
    free(args);
    free(wanted);
    return err;
}

enum ndc_err ndc_live_settle(struct live_batch *b, struct ndc_fault *fault)
{
    unsigned updated = ndc_registry_survivorship(b->live->registry).updated_field;
    enum ndc_err err = read_tombstones(b, fault);
    for (uint32_t i = 0; i < b->state_count && !err; i++) {
        struct live_state *s = &b->states[i];
        settle_state(b, s, updated);
        s->asks = s->fresh;
        if (!s->changed || s->home == LIVE_NONE) continue;
        struct live_entity *e = &b->entities[s->home];
        s->asks = says_else(b, s, &e->view.records[s->at]);
        if (!e->state_of)
            e->state_of = NDC_ARENA_ARRAY(&b->arena, uint32_t, e->view.record_count + 1);
        if (!e->state_of) break;
        e->state_of[s->at] = i + 1;
        if (s->asks) stir(b, e, s->at);
    }
    if (!err && b->arena.overflow)
        err = ndc_fail(fault, NDC_ETOOBIG, "live.too_big",
                       "these changes touch too much at once; send fewer rows");
    return err;
}

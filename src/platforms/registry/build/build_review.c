/* Clerical review: pairs that the build is not sure of, and what people decided on them.
 * Decisions are kept by record (source and key), so they survive every rebuild. */
#include "base/hash.h"
#include "platforms/registry/build/build.h"
#include "platforms/registry/meta.h"

enum { REVIEWS_MAX = 100000, KEY_MAX = 4096 };

static const char *const reason_names[] = {"uncertain", "conflict", "shared_id"};

/* ---- decisions in ---- */

struct wanted {
    uint64_t hash;
    unsigned link_source;
    uint32_t record;
    bool found;
};

struct decision {
    size_t a, b; /* indexes in wanted */
    bool same;
};

struct decisions {
    struct wanted *wanted;
    struct decision *items;
    size_t wanted_count, wanted_cap, count, cap;
};

static size_t want(struct decisions *d, uint32_t source, struct ndc_str key)
{
    if (d->wanted_count == d->wanted_cap) {
        d->wanted_cap = d->wanted_cap ? d->wanted_cap * 2 : 256;
        d->wanted = ndc_xrealloc(d->wanted, d->wanted_cap * sizeof(*d->wanted));
    }
    d->wanted[d->wanted_count] =
        (struct wanted){.hash = ndc_hash_str(key, ndc_mix64(source))};
    return d->wanted_count++;
}

static enum ndc_err read_decisions(struct build *b, enum ndc_entity type,
                                   struct decisions *d, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    enum ndc_err err = ndc_store_take(b->registry->store, NDC_READ, &conn, fault);
    if (err) return err;
    struct ndc_rows *rows =
        ndc_sql_query(conn,
                      "SELECT source_a, key_a, source_b, key_b, state FROM "
                      "registry_review WHERE type = $1 "
                      "AND state IN ('same', 'different') ORDER BY review",
                      NDC_ARGS(ndc_int(type)));
    while (ndc_rows_next(rows)) {
        if (d->count == d->cap) {
            d->cap = d->cap ? d->cap * 2 : 128;
            d->items = ndc_xrealloc(d->items, d->cap * sizeof(*d->items));
        }
        size_t x = want(d, (uint32_t)ndc_rows_i64(rows, 0), ndc_rows_text(rows, 1));
        size_t y = want(d, (uint32_t)ndc_rows_i64(rows, 2), ndc_rows_text(rows, 3));
        d->items[d->count++] =
            (struct decision){x, y, ndc_str_eq(ndc_rows_text(rows, 4), NDC_STR("same"))};
    }
    err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    return err;
}

static enum ndc_err find_in(struct build_source *s, struct decisions *d,
                            const uint32_t *slots, size_t mask, struct ndc_fault *fault)
{
    struct ndc_stage_cursor at;
    enum ndc_err err = NDC_OK;
    ndc_stage_cursor_init(&at, &s->stage, 1);
    for (uint32_t r = 0; r < s->stage.count && !err; r++) {
        uint32_t source;
        struct ndc_str key;
        if (!ndc_record_head(ndc_stage_read(&at, r), &source, &key)) {
            err = ndc_build_damaged(s, fault);
            break;
        }
        uint64_t hash = ndc_hash_str(key, ndc_mix64(source));
        for (size_t i = hash & mask; slots[i]; i = (i + 1) & mask) {
            struct wanted *w = &d->wanted[slots[i] - 1];
            if (w->hash != hash) continue;
            w->found = true;
            w->link_source = s->link_source;
            w->record = r;
        }
    }
    ndc_stage_cursor_free(&at);
    return err;
}

static enum ndc_err find_wanted(struct build_link *l, struct decisions *d,
                                struct ndc_fault *fault)
{
    size_t mask = 16;
    enum ndc_err err = NDC_OK;
    while (mask < d->wanted_count * 4)
        mask *= 2;
    uint32_t *slots = ndc_xcalloc(mask, sizeof(*slots)); /* index in wanted, plus 1 */
    mask--;
    for (size_t i = 0; i < d->wanted_count; i++) {
        size_t at = d->wanted[i].hash & mask;
        while (slots[at])
            at = (at + 1) & mask;
        slots[at] = (uint32_t)i + 1;
    }
    for (unsigned s = 0; s < l->source_count && !err; s++)
        err = find_in(&l->sources[s], d, slots, mask, fault);
    free(slots);
    return err;
}

enum ndc_err ndc_build_apply_decisions(struct build *b, struct build_link *l,
                                       struct ndc_fault *fault)
{
    struct decisions d = {0};
    enum ndc_err err = read_decisions(b, l->type, &d, fault);
    if (!err && d.count) err = find_wanted(l, &d, fault);
    for (size_t i = 0; i < d.count && !err; i++) {
        const struct wanted *x = &d.wanted[d.items[i].a], *y = &d.wanted[d.items[i].b];
        if (x->found && y->found)
            ndc_link_decide(l->link, x->link_source, x->record, y->link_source, y->record,
                            d.items[i].same);
    }
    free(d.wanted);
    free(d.items);
    return err;
}

/* ---- pairs out ---- */

static enum ndc_err read_side(struct build_link *l, struct ndc_stage_cursor *stages,
                              uint32_t row, struct ndc_arena *arena,
                              struct ndc_review_side *out, struct ndc_fault *fault)
{
    uint32_t at, source;
    struct ndc_str key;
    struct build_source *s = ndc_build_row(l, row, &at);
    if (!ndc_record_head(ndc_stage_read(&stages[s - l->sources], at), &source, &key))
        return ndc_build_damaged(s, fault);
    *out = (struct ndc_review_side){source, ndc_arena_str(arena, key),
                                    l->numbers[ndc_link_entity(l->link, row)]};
    return NDC_OK;
}

static bool side_after(const struct ndc_review_side *a, const struct ndc_review_side *b)
{
    if (a->source != b->source) return a->source > b->source;
    return ndc_str_cmp(a->key, b->key) > 0;
}

enum ndc_err ndc_review_put(struct ndc_store_conn *conn, int64_t id, enum ndc_entity type,
                            struct ndc_review_side x, struct ndc_review_side y,
                            const struct ndc_link_review *review, struct ndc_fault *fault)
{
    if (side_after(&x, &y)) {
        struct ndc_review_side swap = x;
        x = y;
        y = swap;
    }
    return ndc_sql_exec(
        conn,
        "INSERT INTO registry_review (review, type, source_a, key_a, source_b, key_b, "
        "entity_a, entity_b, log_odds, reason, state, decided_by, decided_ms, note) "
        "VALUES "
        "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'open', '', 0, '') "
        "ON CONFLICT (source_a, key_a, source_b, key_b) DO UPDATE SET "
        "entity_a = excluded.entity_a, entity_b = excluded.entity_b, "
        "log_odds = excluded.log_odds, reason = excluded.reason, "
        "decided_ms = CASE WHEN registry_review.state = 'open' THEN 0 "
        "ELSE registry_review.decided_ms END",
        NDC_ARGS(ndc_int(id), ndc_int(type), ndc_int(x.source), ndc_text(x.key),
                 ndc_int(y.source), ndc_text(y.key), ndc_int((int64_t)x.entity),
                 ndc_int((int64_t)y.entity), ndc_real((double)review->log_odds),
                 ndc_textz(reason_names[review->reason])),
        NULL, fault);
}

static enum ndc_err write_review(struct ndc_store_conn *conn, struct build_link *l,
                                 struct ndc_stage_cursor *stages,
                                 const struct ndc_link_review *review, int64_t *id,
                                 struct ndc_arena *arena, struct ndc_fault *fault)
{
    struct ndc_review_side x, y;
    ndc_arena_reset(arena);
    NDC_TRY(read_side(l, stages, review->a, arena, &x, fault));
    NDC_TRY(read_side(l, stages, review->b, arena, &y, fault));
    return ndc_review_put(conn, (*id)++, l->type, x, y, review, fault);
}

/* Numbers are never given twice: a decision on a pair that is gone must not meet another
 * pair. */
static enum ndc_err next_id(struct ndc_store_conn *conn, int64_t *id,
                            struct ndc_fault *fault)
{
    int64_t given = 0;
    enum ndc_err err =
        ndc_sql_i64(conn, id, "SELECT coalesce(max(review), 0) FROM registry_review",
                    NDC_NO_ARGS, fault);
    if (!err) err = ndc_registry_meta_i64(conn, "review_last", &given, fault);
    *id = NDC_MAX(*id, given) + 1;
    return err;
}

static enum ndc_err end_reviews(struct ndc_store_conn *conn, int64_t id,
                                struct ndc_arena *arena, struct ndc_fault *fault)
{
    enum ndc_err err = ndc_sql_exec(
        conn, "DELETE FROM registry_review WHERE state = 'open' AND decided_ms = -1",
        NDC_NO_ARGS, NULL, fault);
    if (err) return err;
    return ndc_registry_meta_set(
        conn, "review_last", ndc_arena_printf(arena, "%lld", (long long)id - 1), fault);
}

/* A pair that is still open keeps its number: a reviewer may have the list before them.
 * Open ones are marked first (decided_ms is 0 for them otherwise); what is still marked
 * at the end is no longer in doubt. */
enum ndc_err ndc_build_write_reviews(struct build *b, struct ndc_store_conn *conn,
                                     struct ndc_fault *fault)
{
    int64_t id = 0;
    struct ndc_arena arena;
    enum ndc_err err = ndc_sql_exec(
        conn, "UPDATE registry_review SET decided_ms = -1 WHERE state = 'open'",
        NDC_NO_ARGS, NULL, fault);
    ndc_arena_init(&arena, 4 << 20);
    if (!err) err = next_id(conn, &id, fault);
    for (int t = 0; t < NDC_ENTITY_COUNT && !err; t++) {
        size_t n;
        if (!b->links[t].link) continue;
        const struct ndc_link_review *reviews = ndc_link_reviews(b->links[t].link, &n);
        n = NDC_MIN(n, (size_t)REVIEWS_MAX);
        struct ndc_stage_cursor *stages = ndc_build_cursors(&b->links[t]);
        for (size_t i = 0; i < n && !err; i++)
            err =
                write_review(conn, &b->links[t], stages, &reviews[i], &id, &arena, fault);
        ndc_build_cursors_free(&b->links[t], stages);
    }
    if (!err) err = end_reviews(conn, id, &arena, fault);
    ndc_arena_free(&arena);
    return err;
}

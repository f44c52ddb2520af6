/* One commit of a batch: the change feed, newest payloads, index entries, redirects,
 * neighbours, reviews, quarantine, positions and counts. Everything goes to the end of a
 * table or is a few rows. */
#include "platforms/registry/change/hub.h"
#include "platforms/registry/link/result.h"
#include "platforms/registry/live/part.h"
#include "platforms/registry/load/load.h"
#include "platforms/registry/meta.h"
#include "sys/clock.h"

#include <stdio.h>

enum {
    SLICE = 512, /* rows handed to the database at once */
    ENTRIES_BYTES_MAX = 1 << 30,
    REVIEWS_MAX = 4096,
    REFUSED_BYTES_MAX = 16 << 20,
    REFUSED_TOLD_MAX = 1000
};

/* "ndclive": batches of several programs on one database come one after another. */
static const int64_t live_lock = 0x6e64636c697665;

static enum ndc_err write_payloads(struct live_batch *b, struct ndc_store_conn *conn,
                                   int64_t first, struct ndc_fault *fault)
{
    struct ndc_val vals[SLICE * 5];
    enum ndc_err err = NDC_OK;
    for (size_t at = 0; at < b->change_count && !err; at += SLICE) {
        size_t n = NDC_MIN(b->change_count - at, (size_t)SLICE);
        for (size_t i = 0; i < n; i++) {
            const struct live_write *w = &b->writes[at + i];
            vals[5 * i] = ndc_int(first + (int64_t)(at + i));
            vals[5 * i + 1] = ndc_int((int64_t)w->number);
            vals[5 * i + 2] = ndc_int(w->type);
            vals[5 * i + 3] = ndc_int(b->now_ms);
            vals[5 * i + 4] = ndc_blob(w->payload);
        }
        err = ndc_sql_many(conn,
                           "INSERT INTO registry_recent (seq, entity, type, updated_ms, "
                           "payload) VALUES ($1, $2, $3, $4, $5)",
                           vals, 5, n, NULL, fault);
    }
    return err;
}

/* Pairs through one statement of two numbers. */
static enum ndc_err write_pairs(struct ndc_store_conn *conn, const char *sql,
                                const struct ndc_key64 *pairs, size_t count,
                                int64_t third, unsigned columns, struct ndc_fault *fault)
{
    struct ndc_val vals[SLICE * 3];
    enum ndc_err err = NDC_OK;
    for (size_t at = 0; at < count && !err; at += SLICE) {
        size_t n = NDC_MIN(count - at, (size_t)SLICE);
        for (size_t i = 0; i < n; i++) {
            struct ndc_val *v = &vals[i * columns];
            v[0] = ndc_int((int64_t)pairs[at + i].key);
            v[1] = ndc_int((int64_t)pairs[at + i].value);
            if (columns > 2) v[2] = ndc_int(third);
        }
        err = ndc_sql_many(conn, sql, vals, columns, n, NULL, fault);
    }
    return err;
}

static enum ndc_err write_links(struct live_batch *b, struct ndc_store_conn *conn,
                                struct ndc_fault *fault)
{
    enum ndc_err err = write_pairs(
        conn,
        "INSERT INTO registry_redirect (entity, target, at_ms) VALUES ($1, $2, $3) ON "
        "CONFLICT (entity) DO UPDATE SET target = excluded.target, at_ms = "
        "excluded.at_ms",
        b->redirects, b->redirect_count, b->now_ms, 3, fault);
    if (err) return err;
    return write_pairs(conn,
                       "INSERT INTO registry_near (entity, other) VALUES ($1, $2) ON "
                       "CONFLICT (entity, other) DO NOTHING",
                       b->near, b->near_count, 0, 2, fault);
}

/* Index entries as one row. */
static enum ndc_err write_entries(struct live_batch *b, struct ndc_store_conn *conn,
                                  int64_t last, struct ndc_fault *fault)
{
    struct ndc_buf out;
    if (!b->entry_count) return NDC_OK;
    ndc_buf_init(&out, ENTRIES_BYTES_MAX);
    ndc_index_page_encode(&out, b->entries, b->entry_count);
    enum ndc_err err =
        out.failed
            ? ndc_fail(fault, NDC_ETOOBIG, "live.too_big",
                       "these changes touch too much at once; send fewer rows")
            : ndc_sql_exec(
                  conn,
                  "INSERT INTO registry_index_recent (seq, entries) VALUES ($1, $2)",
                  NDC_ARGS(ndc_int(last), ndc_blob(ndc_buf_str(&out))), NULL, fault);
    ndc_buf_free(&out);
    return err;
}

/* ---- reviews ---- */

static struct ndc_review_side side_of(const struct live_part *p, uint32_t row,
                                      bool *changed, bool *stands)
{
    const struct live_member *m = &p->members[p->row_member[row]];
    *changed |= m->state != LIVE_NONE;
    *stands &= p->groups[m->group].stands;
    return (struct ndc_review_side){m->record->source, m->record->key,
                                    p->groups[m->group].number};
}

static enum ndc_err write_review(const struct live_part *p, struct ndc_store_conn *conn,
                                 const struct ndc_link_review *review, int64_t *id,
                                 struct ndc_fault *fault)
{
    bool changed = false, stands = true;
    struct ndc_review_side x = side_of(p, review->a, &changed, &stands);
    struct ndc_review_side y = side_of(p, review->b, &changed, &stands);
    if (!changed || !stands) return NDC_OK;
    return ndc_review_put(conn, (*id)++, (enum ndc_entity)p->type, x, y, review, fault);
}

static enum ndc_err write_reviews(struct live_batch *b, struct ndc_store_conn *conn,
                                  struct ndc_fault *fault)
{
    int64_t id = b->live->next_review;
    enum ndc_err err = NDC_OK;
    for (uint32_t k = 0; k < b->part_count && !err; k++) {
        const struct live_part *p = &b->parts[k];
        size_t n;
        if (!p->link) continue;
        const struct ndc_link_review *reviews = ndc_link_reviews(p->link, &n);
        for (size_t i = 0; i < NDC_MIN(n, (size_t)REVIEWS_MAX) && !err; i++)
            err = write_review(p, conn, &reviews[i], &id, fault);
    }
    if (err || id == b->live->next_review) return err;
    b->next_review = id;
    char text[24];
    snprintf(text, sizeof(text), "%lld", (long long)id - 1);
    return ndc_registry_meta_set(conn, "review_last", ndc_str(text), fault);
}

/* ---- what the callers brought along ---- */

static enum ndc_err write_refused(struct live_batch *b, struct ndc_store_conn *conn,
                                  const struct live_call *c, int64_t *id,
                                  struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    if (c->refused_count && *id == 0) {
        err = ndc_tx_lock(conn, NDC_LOAD_QUARANTINE_LOCK, fault);
        if (!err)
            err = ndc_sql_i64(conn, id,
                              "SELECT coalesce(max(id), 0) FROM registry_quarantine",
                              NDC_NO_ARGS, fault);
    }
    for (size_t i = 0; i < c->refused_count && !err; i++) {
        const struct live_refused *r = &c->refused[i];
        err = ndc_sql_exec(
            conn,
            "INSERT INTO registry_quarantine (id, run, source, record_key, line, state, "
            "row_json, reasons, note, decided_by, created_ms, decided_ms) VALUES ($1, "
            "$2, "
            "$3, $4, $5, 'open', $6, $7, '', '', $8, 0)",
            NDC_ARGS(ndc_int(++*id), ndc_int(b->live->runs[c->source->number]),
                     ndc_text(c->source->source->id), ndc_text(r->key),
                     ndc_int((int64_t)r->line), ndc_text(r->row_json),
                     ndc_text(r->reasons), ndc_int(b->now_ms)),
            NULL, fault);
    }
    return err;
}

static enum ndc_err write_source(struct live_batch *b, struct ndc_store_conn *conn,
                                 const struct live_call *c, int64_t last,
                                 struct ndc_fault *fault)
{
    const struct ndc_live_result *r = &c->result;
    bool moved = r->created + r->changed + r->ended > 0;
    enum ndc_err err = ndc_sql_exec(
        conn,
        "UPDATE registry_run SET rows_read = rows_read + $2, accepted = accepted + $3, "
        "quarantined = quarantined + $4, added = added + $5, changed = changed + $6, "
        "unchanged = unchanged + $7, finished_ms = $8, ended = ended + $9 WHERE run = $1",
        NDC_ARGS(ndc_int(b->live->runs[c->source->number]), ndc_int((int64_t)r->rows),
                 ndc_int((int64_t)(r->rows - r->quarantined)),
                 ndc_int((int64_t)r->quarantined), ndc_int((int64_t)r->created),
                 ndc_int((int64_t)r->changed), ndc_int((int64_t)(r->unchanged + r->late)),
                 ndc_int(b->now_ms), ndc_int((int64_t)r->ended)),
        NULL, fault);
    if (!err && moved)
        err =
            ndc_sql_exec(conn,
                         "UPDATE registry_source SET live_seq = $2, records = records + "
                         "$3, stage_run = CASE WHEN stage_run = 0 THEN $4 ELSE stage_run "
                         "END WHERE source = $1",
                         NDC_ARGS(ndc_text(c->source->source->id), ndc_int(last),
                                  ndc_int((int64_t)r->created),
                                  ndc_int(b->live->runs[c->source->number])),
                         NULL, fault);
    if (!err && c->position.len)
        err = ndc_sql_exec(
            conn,
            "INSERT INTO registry_position (source, position, at_ms) VALUES ($1, $2, $3) "
            "ON CONFLICT (source) DO UPDATE SET position = excluded.position, at_ms = "
            "excluded.at_ms",
            NDC_ARGS(ndc_text(c->source->source->id), ndc_text(c->position),
                     ndc_int(b->now_ms)),
            NULL, fault);
    return err;
}

static enum ndc_err write_tombstones(struct live_batch *b, struct ndc_store_conn *conn,
                                     struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    for (uint32_t i = 0; i < b->state_count && !err; i++) {
        const struct live_state *s = &b->states[i];
        if (s->ghost)
            err = ndc_sql_exec(
                conn,
                "INSERT INTO registry_tombstone (source, record_key, version) VALUES "
                "($1, $2, $3) ON CONFLICT (source, record_key) DO UPDATE SET version = "
                "excluded.version WHERE registry_tombstone.version < excluded.version",
                NDC_ARGS(ndc_int(s->source), ndc_text(s->key),
                         ndc_int((int64_t)s->ghost_version)),
                NULL, fault);
    }
    return err;
}

/* What the caller writes along, with what became of its rows. */
static enum ndc_err write_also(struct ndc_store_conn *conn, const struct live_call *c,
                               struct ndc_fault *fault)
{
    struct ndc_buf refused;
    struct ndc_json j;
    if (!c->asked || !c->asked->also) return NDC_OK;
    ndc_buf_init(&refused, REFUSED_BYTES_MAX);
    ndc_json_init(&j, &refused);
    ndc_json_array(&j);
    for (size_t i = 0; i < NDC_MIN(c->refused_count, (size_t)REFUSED_TOLD_MAX); i++) {
        ndc_json_object(&j);
        ndc_json_kv_str(&j, "key", c->refused[i].key);
        ndc_json_kv_u64(&j, "line", c->refused[i].line);
        ndc_json_kv_c(&j, "state", "quarantined");
        ndc_json_key(&j, "reasons");
        ndc_json_raw(&j, c->refused[i].reasons);
        ndc_json_end(&j);
    }
    ndc_json_end(&j);
    enum ndc_err err =
        c->asked->also(c->asked->also_arg, conn, &c->result,
                       refused.failed ? NDC_STR("[]") : ndc_buf_str(&refused), fault);
    ndc_buf_free(&refused);
    return err;
}

static enum ndc_err write_calls(struct live_batch *b, struct ndc_store_conn *conn,
                                int64_t last, struct ndc_fault *fault)
{
    int64_t quarantine = 0;
    enum ndc_err err = NDC_OK;
    for (const struct live_call *c = b->calls; c && !err; c = c->next) {
        if (!c->source) continue;
        err = write_refused(b, conn, c, &quarantine, fault);
        if (!err) err = write_source(b, conn, c, last, fault);
        if (!err) err = write_also(conn, c, fault);
    }
    return err ? err : write_tombstones(b, conn, fault);
}

/* The totals that the overview shows, moved on by what this batch adds. */
static enum ndc_err write_totals(struct live_batch *b, struct ndc_store_conn *conn,
                                 struct ndc_fault *fault)
{
    static const char *const kinds[] = {"people", "organisations"};
    struct ndc_arena arena;
    struct ndc_str text = NDC_STR_NULL;
    struct json_object *totals = NULL;
    int64_t more[NDC_ENTITY_COUNT] = {0}, records = 0;
    for (size_t i = 0; i < b->change_count; i++) {
        unsigned kind = b->changes[i].kind;
        more[b->changes[i].type] +=
            (kind == NDC_CHANGE_CREATED || kind == NDC_CHANGE_SPLIT) -
            (kind == NDC_CHANGE_MERGED);
    }
    for (const struct live_call *c = b->calls; c; c = c->next)
        records += (int64_t)c->result.created;
    if (!records && !more[0] && !more[1]) return NDC_OK;
    ndc_arena_init(&arena, 1 << 20);
    enum ndc_err err = ndc_registry_meta(conn, &arena, "totals", &text, fault);
    if (!err && text.len && (err = ndc_json_parse(&totals, text, fault)) == NDC_OK) {
        for (int t = 0; t < NDC_ENTITY_COUNT; t++)
            json_object_object_add(
                totals, kinds[t],
                json_object_new_int64(ndc_json_get_i64(totals, kinds[t], 0) + more[t]));
        json_object_object_add(
            totals, "records",
            json_object_new_int64(ndc_json_get_i64(totals, "records", 0) + records));
        err = ndc_registry_meta_set(
            conn, "totals",
            ndc_str(json_object_to_json_string_ext(totals, JSON_C_TO_STRING_PLAIN)),
            fault);
        json_object_put(totals);
    }
    ndc_arena_free(&arena);
    return err;
}

/* The largest number given, for who starts while a shard is away and for other programs.
 */
static enum ndc_err write_last_number(struct live_batch *b, struct ndc_store_conn *conn,
                                      struct ndc_fault *fault)
{
    char text[24];
    uint64_t last = 0;
    for (size_t i = 0; i < b->change_count; i++)
        if (b->changes[i].kind == NDC_CHANGE_CREATED ||
            b->changes[i].kind == NDC_CHANGE_SPLIT)
            last = NDC_MAX(last, b->changes[i].entity);
    if (!last) return NDC_OK;
    snprintf(text, sizeof(text), "%llu", (unsigned long long)last);
    return ndc_registry_meta_set(conn, "number_last", ndc_str(text), fault);
}

static enum ndc_err write_all(struct live_batch *b, struct ndc_store_conn *conn,
                              int64_t *first, struct ndc_fault *fault)
{
    int64_t last = b->live->seq;
    enum ndc_err err = ndc_tx_lock(conn, live_lock, fault);
    if (!err) err = ndc_change_last(conn, &last, fault);
    if (!err && last != b->live->seq)
        return ndc_fail(fault, NDC_EBUSY, "live.behind",
                        "another program has changed the registry meanwhile");
    if (!err && b->change_count)
        err = ndc_change_append(conn, b->changes, b->change_count, first, fault);
    if (err) return err;
    last = b->change_count ? *first + (int64_t)b->change_count - 1 : last;
    for (struct live_call *c = b->calls; c; c = c->next) {
        c->result.first_seq = b->change_count ? *first : 0;
        c->result.last_seq = b->change_count ? last : 0;
    }
    err = write_payloads(b, conn, *first, fault);
    if (!err && b->change_count) err = write_entries(b, conn, last, fault);
    if (!err) err = write_links(b, conn, fault);
    if (!err) err = write_reviews(b, conn, fault);
    if (!err) err = write_calls(b, conn, last, fault);
    if (!err) err = write_totals(b, conn, fault);
    if (!err) err = write_last_number(b, conn, fault);
    return err;
}

void ndc_live_take_over(struct live_batch *b)
{
    struct ndc_live *live = b->live;
    for (size_t i = 0; i < b->change_count; i++)
        ndc_overlay_set(live->overlay, b->writes[i].number, b->first_seq + (int64_t)i);
    for (size_t i = 0; i < b->entry_count; i++)
        ndc_overlay_add(live->overlay, b->entries[i].key, b->entries[i].value);
    for (size_t i = 0; i < b->near_count; i++)
        ndc_overlay_add(live->near, b->near[i].key, b->near[i].value);
    for (uint32_t i = 0; i < b->state_count; i++)
        if (b->states[i].ghost) live->tombstones = true;
    if (b->next_review) live->next_review = b->next_review;
    if (!b->change_count) return;
    live->seq = b->first_seq + (int64_t)b->change_count - 1;
    ndc_change_hub_wake(live->registry->hub);
}

enum ndc_err ndc_live_commit(struct live_batch *b, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    enum ndc_err err = ndc_store_take(b->live->registry->store, NDC_WRITE, &conn, fault);
    if (err) return err;
    err = ndc_tx_begin(conn, fault);
    if (!err) err = write_all(b, conn, &b->first_seq, fault);
    if (!err) err = ndc_tx_commit(conn, fault);
    if (err && ndc_tx_open(conn)) ndc_tx_rollback(conn);
    ndc_store_give(conn);
    return err;
}

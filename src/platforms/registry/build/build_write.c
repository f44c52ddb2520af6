/* Writing a generation: the first by bulk load into empty tables, a later one by
 * comparing with what stands and changing what differs. Readers see the old generation or
 * the new one: a later one is one commit, and what a first one brings in earlier commits
 * nobody looks for until there is a generation. */
#include "platforms/registry/build/build.h"
#include "platforms/registry/change/diff.h"
#include "platforms/registry/change/hub.h"
#include "platforms/registry/entity/history.h"
#include "platforms/registry/link/match.h"
#include "platforms/registry/meta.h"
#include "platforms/registry/shard/payloads.h"
#include "platforms/registry/shard/shard.h"
#include "store/bulk.h"

#include <stdio.h>

enum { META_MAX = 4 << 20, MODEL_MAX = 64 << 20 };

struct writing {
    struct build *build;
    struct ndc_store_conn *conn;
    struct ndc_bulk *bulk; /* of the first generation; NULL: to the shards */
    struct ndc_shard_load *load;
    bool sharded;
    uint64_t part_bytes; /* since the last commit of a first one */
    /* Of a later one: the old entities, in the order of their numbers. */
    struct ndc_store_conn *old_conn;
    struct ndc_payloads *olds;
    const struct ndc_payload *old; /* NULL: no more */
    uint64_t added, changed, removed;
    int64_t history_seq;
    size_t redirect; /* next of build->redirects */
    struct ndc_buf detail;
    struct ndc_change_batch feed;
};

static enum ndc_err begin_bulk(struct writing *w, struct ndc_fault *fault)
{
    static const struct ndc_bulk_column columns[] = {{"entity", NDC_VAL_I64},
                                                     {"type", NDC_VAL_I64},
                                                     {"updated_ms", NDC_VAL_I64},
                                                     {"payload", NDC_VAL_BLOB}};
    return ndc_bulk_begin(&w->bulk, w->conn, "registry_entity", columns,
                          NDC_ARRAY_LEN(columns), fault);
}

static enum ndc_err end_bulk(struct writing *w, struct ndc_fault *fault)
{
    uint64_t rows;
    struct ndc_bulk *bulk = w->bulk;
    w->bulk = NULL;
    enum ndc_err err = ndc_bulk_end(bulk, &rows, fault);
    if (!err) w->added += rows;
    return err;
}

/* SQLite's log is copied into the database between two commits of a session and only
 * then used again: of one commit it would be as long as the database. */
static enum ndc_err next_part(struct writing *w, struct ndc_fault *fault)
{
    enum ndc_err err = end_bulk(w, fault);
    if (!err) err = ndc_tx_commit(w->conn, fault);
    if (!err) err = ndc_tx_begin(w->conn, fault);
    if (!err) err = begin_bulk(w, fault);
    w->part_bytes = 0;
    return err;
}

static enum ndc_err bulk_entity(void *arg, const struct built_entity *e,
                                struct ndc_fault *fault)
{
    struct writing *w = arg;
    const struct ndc_shard_row row = {.entity = e->number,
                                      .type = e->type,
                                      .updated_ms = w->build->now_ms,
                                      .payload = e->payload};
    if (w->sharded) return ndc_shard_load_add(w->load, &row, fault);
    ndc_bulk_i64(w->bulk, (int64_t)e->number);
    ndc_bulk_i64(w->bulk, e->type);
    ndc_bulk_i64(w->bulk, w->build->now_ms);
    ndc_bulk_blob(w->bulk, e->payload);
    enum ndc_err err = ndc_bulk_row(w->bulk, fault);
    w->part_bytes += e->payload.len;
    if (err || w->part_bytes < w->build->registry->part_bytes) return err;
    return next_part(w, fault);
}

static void next_old(struct writing *w)
{
    w->old = ndc_payloads_next(w->olds);
}

/* ---- payloads of a later generation ---- */

/* On shards they go to registry_recent, in this commit like everything else, and from
 * there to the shards as live changes do: readers see all of it or nothing, whatever is
 * killed when. A rewriting that the feed does not tell of has no number of its own. */
static enum ndc_err put_recent(struct writing *w, const struct built_entity *e,
                               int64_t seq, int64_t change, struct ndc_fault *fault)
{
    return ndc_sql_exec(
        w->conn,
        "INSERT INTO registry_recent (seq, entity, type, updated_ms, payload, change) "
        "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (seq) DO UPDATE SET type = "
        "excluded.type, updated_ms = excluded.updated_ms, payload = excluded.payload, "
        "change = excluded.change",
        NDC_ARGS(ndc_int(seq ? seq : -(int64_t)e->number), ndc_int((int64_t)e->number),
                 ndc_int(e->type), ndc_int(w->build->now_ms), ndc_blob(e->payload),
                 ndc_int(change)),
        NULL, fault);
}

static enum ndc_err insert_payload(struct writing *w, const struct built_entity *e,
                                   int64_t seq, struct ndc_fault *fault)
{
    if (w->sharded) return put_recent(w, e, seq, seq, fault);
    return ndc_sql_exec(
        w->conn,
        "INSERT INTO registry_entity (entity, type, updated_ms, payload, change) "
        "VALUES ($1, $2, $3, $4, $5)",
        NDC_ARGS(ndc_int((int64_t)e->number), ndc_int(e->type), ndc_int(w->build->now_ms),
                 ndc_blob(e->payload), ndc_int(seq)),
        NULL, fault);
}

static enum ndc_err update_payload(struct writing *w, const struct built_entity *e,
                                   int64_t seq, int64_t previous, struct ndc_fault *fault)
{
    if (w->sharded) return put_recent(w, e, seq, seq ? seq : previous, fault);
    return ndc_sql_exec(
        w->conn,
        "UPDATE registry_entity SET payload = $2, updated_ms = $3, change = $4 WHERE "
        "entity = $1",
        NDC_ARGS(ndc_int((int64_t)e->number), ndc_blob(e->payload),
                 ndc_int(w->build->now_ms), ndc_int(seq ? seq : previous)),
        NULL, fault);
}

static enum ndc_err delete_payload(struct writing *w, int64_t seq,
                                   struct ndc_fault *fault)
{
    const struct built_entity none = {.number = w->old->entity,
                                      .type = (enum ndc_entity)w->old->type,
                                      .payload = ndc_str_n("", 0)};
    if (w->sharded) return put_recent(w, &none, seq, seq, fault);
    return ndc_sql_exec(w->conn, "DELETE FROM registry_entity WHERE entity = $1",
                        NDC_ARGS(ndc_int((int64_t)w->old->entity)), NULL, fault);
}

/* ---- history ---- */

static enum ndc_err add_history(struct writing *w, uint64_t number, const char *kind,
                                struct ndc_str detail, struct ndc_fault *fault)
{
    return ndc_sql_exec(w->conn,
                        "INSERT INTO registry_history (entity, at_ms, seq, kind, detail) "
                        "VALUES ($1, $2, $3, $4, $5)",
                        NDC_ARGS(ndc_int((int64_t)number), ndc_int(w->build->now_ms),
                                 ndc_int(w->history_seq++), ndc_textz(kind),
                                 ndc_text(detail)),
                        NULL, fault);
}

/* The entity is no more: its records went to others. Whoever asks for it is sent to the
 * one that got most of them. */
static enum ndc_err remove_old(struct writing *w, struct ndc_fault *fault)
{
    struct build *b = w->build;
    uint64_t number = w->old->entity;
    while (w->redirect < b->redirect_count && b->redirects[w->redirect].key < number)
        w->redirect++;
    uint64_t target = 0;
    if (w->redirect < b->redirect_count && b->redirects[w->redirect].key == number)
        target = b->redirects[w->redirect].value;
    char detail[64];
    int len =
        snprintf(detail, sizeof(detail), "{\"into\":%llu}", (unsigned long long)target);
    const struct ndc_change_step step = {.entity = number,
                                         .other = target,
                                         .previous = w->old->change,
                                         .before = w->old->payload};
    int64_t seq;
    enum ndc_err err = ndc_change_batch_entity(&w->feed, &step, &seq, fault);
    if (!err) err = delete_payload(w, seq, fault);
    if (!err)
        err = ndc_sql_exec(w->conn,
                           "INSERT INTO registry_redirect (entity, target, at_ms) VALUES "
                           "($1, $2, $3) ON CONFLICT (entity) DO UPDATE SET target = "
                           "excluded.target, at_ms = excluded.at_ms",
                           NDC_ARGS(ndc_int((int64_t)number), ndc_int((int64_t)target),
                                    ndc_int(b->now_ms)),
                           NULL, fault);
    w->removed++;
    return err ? err
               : add_history(w, number, "merged", ndc_str_n(detail, (size_t)len), fault);
}

static enum ndc_err compare_entity(void *arg, const struct built_entity *e,
                                   struct ndc_fault *fault)
{
    struct writing *w = arg;
    struct ndc_change_step step = {.entity = e->number, .after = e->payload};
    int64_t seq;
    enum ndc_err err = NDC_OK;
    while (w->old && w->old->entity < e->number && !err) {
        err = remove_old(w, fault);
        next_old(w);
    }
    if (err) return err;
    if (!w->old || w->old->entity != e->number) {
        w->added++;
        err = ndc_change_batch_entity(&w->feed, &step, &seq, fault);
        return err ? err : insert_payload(w, e, seq, fault);
    }
    if (!ndc_str_eq(w->old->payload, e->payload)) {
        w->changed++;
        step.before = w->old->payload;
        step.previous = w->old->change;
        err = ndc_change_batch_entity(&w->feed, &step, &seq, fault);
        if (!err) err = update_payload(w, e, seq, step.previous, fault);
        if (err) return err;
        ndc_buf_reset(&w->detail);
        if (ndc_history_diff(&w->detail, w->old->payload, e->payload))
            err = add_history(w, e->number, "changed", ndc_buf_str(&w->detail), fault);
    }
    next_old(w);
    return err;
}

/* Nobody looks for what a first build brings to the shards before it has committed here.
 */
static enum ndc_err write_first_shards(struct writing *w, struct ndc_fault *fault)
{
    enum ndc_err err = ndc_shard_load_begin(&w->load, w->build->registry->shards, fault);
    if (err) return err;
    err = ndc_build_entities(w->build, bulk_entity, w, fault);
    if (err) {
        ndc_shard_load_abort(w->load);
        return err;
    }
    return ndc_shard_load_end(w->load, &w->added, fault);
}

static enum ndc_err write_first(struct writing *w, struct ndc_fault *fault)
{
    if (w->sharded) return write_first_shards(w, fault);
    /* What one that was killed has left. */
    enum ndc_err err =
        ndc_sql_exec(w->conn, "DELETE FROM registry_entity", NDC_NO_ARGS, NULL, fault);
    if (!err) err = begin_bulk(w, fault);
    if (!err) err = ndc_build_entities(w->build, bulk_entity, w, fault);
    if (err) {
        ndc_bulk_abort(w->bulk);
        return err;
    }
    return end_bulk(w, fault);
}

static enum ndc_err write_later(struct writing *w, struct ndc_fault *fault)
{
    enum ndc_err err =
        ndc_store_take(w->build->registry->store, NDC_READ, &w->old_conn, fault);
    if (err) return err;
    ndc_store_conn_timeout(w->old_conn, 0);
    const struct ndc_payload_range all = {.ordered = true};
    w->olds = ndc_payloads_open(w->build->registry, w->old_conn, &all);
    next_old(w);
    err = ndc_build_entities(w->build, compare_entity, w, fault);
    while (!err && w->old) {
        err = remove_old(w, fault);
        next_old(w);
    }
    enum ndc_err ended = ndc_payloads_close(w->olds, err ? NULL : fault);
    ndc_store_give(w->old_conn);
    return err ? err : ended;
}

/* One that was kept stays as it was. */
static enum ndc_err write_model(struct build *b, struct ndc_store_conn *conn,
                                enum ndc_entity type, struct ndc_buf *model,
                                struct ndc_str stats, struct ndc_fault *fault)
{
    if (b->links[type].model)
        return ndc_sql_exec(conn, "UPDATE registry_model SET stats = $2 WHERE type = $1",
                            NDC_ARGS(ndc_int(type), ndc_text(stats)), NULL, fault);
    enum ndc_err err = ndc_link_model_write(b->links[type].link, model, fault);
    if (err) return err;
    return ndc_sql_exec(conn,
                        "INSERT INTO registry_model (type, model, stats, at_ms) VALUES "
                        "($1, $2, $3, $4) ON CONFLICT (type) DO UPDATE SET model = "
                        "excluded.model, stats = excluded.stats, at_ms = excluded.at_ms",
                        NDC_ARGS(ndc_int(type), ndc_text(ndc_buf_str(model)),
                                 ndc_text(stats), ndc_int(b->now_ms)),
                        NULL, fault);
}

static enum ndc_err write_models(struct build *b, struct ndc_store_conn *conn,
                                 struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    for (int t = 0; t < NDC_ENTITY_COUNT && !err; t++) {
        struct ndc_buf model, stats;
        struct ndc_link_stats s;
        struct ndc_json j;
        if (!b->links[t].link || b->links[t].rows == 0) continue;
        ndc_buf_init(&model, MODEL_MAX);
        ndc_buf_init(&stats, META_MAX);
        ndc_link_get_stats(b->links[t].link, &s);
        ndc_json_init(&j, &stats);
        ndc_json_object(&j);
        ndc_json_kv_u64(&j, "records", s.rows);
        ndc_json_kv_u64(&j, "entities", s.entities);
        ndc_json_kv_u64(&j, "pairs", s.pairs_compared);
        ndc_json_kv_u64(&j, "edges", s.edges);
        ndc_json_kv_u64(&j, "largest", s.largest_entity);
        ndc_json_kv_u64(&j, "identifier_links", s.identifier_links);
        ndc_json_kv_u64(&j, "identifier_conflicts", s.identifier_conflicts);
        ndc_json_kv_u64(&j, "merges_refused", s.merges_refused);
        ndc_json_end(&j);
        err =
            write_model(b, conn, (enum ndc_entity)t, &model, ndc_buf_str(&stats), fault);
        ndc_buf_free(&model);
        ndc_buf_free(&stats);
    }
    return err;
}

static void write_province(struct build *b, struct ndc_json *j, unsigned code)
{
    const struct province_stats *p = &b->provinces[code];
    char text[8];
    snprintf(text, sizeof(text), "%02u", code);
    ndc_json_object(j);
    ndc_json_kv_c(j, "code", text);
    ndc_json_kv_u64(j, "people", p->people);
    ndc_json_kv_u64(j, "records", p->records);
    ndc_json_key(j, "coverage");
    ndc_json_object(j);
    for (uint32_t n = 1; n <= NDC_REGISTRY_SOURCES_MAX; n++) {
        struct ndc_registered *r = ndc_registry_by_number(b->registry, n);
        if (!r || r->source->thing || r->source->entity != NDC_ENTITY_PERSON ||
            p->people == 0)
            continue;
        ndc_json_key_str(j, r->source->id);
        ndc_json_f64(j, (double)p->by_source[n] / (double)p->people);
    }
    ndc_json_end(j);
    ndc_json_key(j, "score");
    ndc_json_object(j);
    for (int c = 0; c < NDC_CRITERION_COUNT; c++)
        ndc_json_kv_f64(j, ndc_criterion_name((enum ndc_criterion)c),
                        p->checked[c] ? 1 - (double)p->failed[c] / (double)p->checked[c]
                                      : 1);
    ndc_json_end(j);
    ndc_json_end(j);
}

static enum ndc_err write_meta(struct build *b, struct ndc_store_conn *conn,
                               struct ndc_fault *fault)
{
    struct ndc_buf buf;
    struct ndc_json j;
    ndc_buf_init(&buf, META_MAX);
    ndc_json_init(&j, &buf);
    ndc_json_array(&j);
    for (unsigned code = 0; code < PROVINCE_CODES; code++)
        if (b->provinces[code].people) write_province(b, &j, code);
    ndc_json_end(&j);
    enum ndc_err err = ndc_registry_meta_set(conn, "map", ndc_buf_str(&buf), fault);
    ndc_buf_reset(&buf);
    ndc_json_init(&j, &buf);
    ndc_json_object(&j);
    ndc_json_kv_u64(&j, "people", b->links[NDC_ENTITY_PERSON].entities);
    ndc_json_kv_u64(&j, "organisations", b->links[NDC_ENTITY_ORGANISATION].entities);
    ndc_json_kv_u64(&j, "records", b->stats->records);
    ndc_json_kv_u64(&j, "pairs", b->stats->pairs);
    ndc_json_kv_u64(&j, "largest", b->stats->largest);
    ndc_json_kv_i64(&j, "at_ms", b->now_ms);
    ndc_json_end(&j);
    if (!err) err = ndc_registry_meta_set(conn, "totals", ndc_buf_str(&buf), fault);
    ndc_buf_reset(&buf);
    ndc_buf_add_i64(&buf, b->generation);
    if (!err) err = ndc_registry_meta_set(conn, "generation", ndc_buf_str(&buf), fault);
    ndc_buf_reset(&buf);
    ndc_buf_add_u64(&buf, b->next_number - 1);
    if (!err) err = ndc_registry_meta_set(conn, "number_last", ndc_buf_str(&buf), fault);
    ndc_buf_reset(&buf);
    ndc_buf_add_u64(&buf, NDC_INDEX_VERSION);
    if (!err)
        err = ndc_registry_meta_set(conn, "index_version", ndc_buf_str(&buf), fault);
    ndc_buf_free(&buf);
    return err;
}

/* What had come live is in the stages that this build read. On shards registry_recent
 * was empty when it began, and has what it changes. */
static enum ndc_err forget_live(struct ndc_store_conn *conn, bool sharded,
                                struct ndc_fault *fault)
{
    static const char *const statements[] = {
        "DELETE FROM registry_index_recent",
        "UPDATE registry_source SET live_seq = 0 WHERE live_seq > 0"};
    enum ndc_err err = sharded ? NDC_OK
                               : ndc_sql_exec(conn, "DELETE FROM registry_recent",
                                              NDC_NO_ARGS, NULL, fault);
    for (size_t i = 0; i < NDC_ARRAY_LEN(statements) && !err; i++)
        err = ndc_sql_exec(conn, statements[i], NDC_NO_ARGS, NULL, fault);
    return err;
}

static enum ndc_err write_all(struct writing *w, struct ndc_fault *fault)
{
    struct build *b = w->build;
    bool first = ndc_registry_generation(b->registry) == 0;
    w->sharded = ndc_shards_count(b->registry->shards) > 0;
    ndc_change_batch_begin(&w->feed, w->conn);
    enum ndc_err err = first ? write_first(w, fault) : write_later(w, fault);
    if (!err && first) err = ndc_change_batch_generation(&w->feed, fault);
    struct ndc_fault kept = {0};
    enum ndc_err told = ndc_change_batch_end(&w->feed, !err, err ? &kept : fault);
    if (!err) err = told;
    if (!err && b->progress && b->progress->tell)
        b->progress->tell(b->progress->arg, "index", 0, 1, "");
    if (!err)
        err = ndc_sql_exec(w->conn, "DELETE FROM registry_index_page", NDC_NO_ARGS, NULL,
                           fault);
    if (!err)
        err = ndc_index_write(w->conn, NDC_INDEX_SEARCH, b->generation, b->index,
                              b->registry->threads, &b->stats->index_entries, fault);
    if (!err) err = forget_live(w->conn, w->sharded, fault);
    if (!err) err = ndc_build_write_reviews(b, w->conn, fault);
    if (!err) err = ndc_build_write_near(b, w->conn, fault);
    if (!err) err = write_models(b, w->conn, fault);
    if (!err) err = write_meta(b, w->conn, fault);
    if (!err)
        err = ndc_sql_exec(
            w->conn, "UPDATE registry_run SET state = 'succeeded' WHERE state = 'loaded'",
            NDC_NO_ARGS, NULL, fault);
    return err;
}

enum ndc_err ndc_build_write(struct build *b, struct ndc_fault *fault)
{
    static const char *const tables[] = {"registry_entity", "registry_index_page"};
    struct writing w = {.build = b};
    struct ndc_fault ignored = {0};
    b->generation = ndc_registry_generation(b->registry) + 1;
    enum ndc_err err = ndc_store_take(b->registry->store, NDC_WRITE, &w.conn, fault);
    if (err) return err;
    ndc_buf_init(&w.detail, META_MAX);
    err = ndc_bulk_session_begin(w.conn, fault);
    bool session = !err;
    if (!err) err = ndc_tx_begin(w.conn, fault);
    if (!err) err = write_all(&w, fault);
    if (!err) err = ndc_tx_commit(w.conn, fault);
    /* A database that went away leaves the transaction open, or never began it. */
    if (err && ndc_tx_open(w.conn)) ndc_tx_rollback(w.conn);
    enum ndc_err ended = NDC_OK;
    if (session)
        ended = ndc_bulk_session_end(w.conn, tables, NDC_ARRAY_LEN(tables),
                                     err ? &ignored : fault);
    ndc_store_give(w.conn);
    ndc_buf_free(&w.detail);
    if (!err) ndc_change_hub_wake(b->registry->hub);
    if (err || ended) return err ? err : ended;
    ndc_mutex_lock(&b->registry->generation_lock);
    b->registry->generation = b->generation;
    ndc_mutex_unlock(&b->registry->generation_lock);
    return NDC_OK;
}

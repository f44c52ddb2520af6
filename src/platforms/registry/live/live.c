/* Live calls on their way in, and what the rest of the registry asks. */
#include "platforms/registry/live/part.h"

#include "platforms/registry/entity/index_build.h"
#include "platforms/registry/link/result.h"
#include "platforms/registry/load/load.h"
#include "platforms/registry/shard/payloads.h"
#include "platforms/registry/shard/shard.h"
#include "store/writer.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/procname.h"

enum {
    FLUSH_SLICE = 4096,
    RECENT_ENTITIES_MAX = 2000000, /* about 64 MiB of memory */
    RECENT_ENTRIES_MAX = 20000000  /* about 640 MiB */
};

/* ---- the queue ---- */

/* Queues the call and waits until it is done. */
static void pass_call(struct ndc_live *live, struct live_call *c)
{
    ndc_mutex_lock(&live->lock);
    if (!live->started) {
        live->started = true;
        ndc_thread_start(&live->thread, "ndc-live", ndc_live_run, live);
    }
    while (live->queued_rows && live->queued_rows + c->row_count > LIVE_QUEUED_ROWS_MAX)
        ndc_cond_wait(&live->room, &live->lock);
    if (live->last)
        live->last->next = c;
    else
        live->first = c;
    live->last = c;
    live->queued_rows += c->row_count;
    ndc_cond_signal(&live->queued);
    while (!c->done)
        ndc_cond_wait(&live->done, &live->lock);
    ndc_mutex_unlock(&live->lock);
}

/* ---- calls ---- */

static void enter(struct ndc_live *live, uint32_t source)
{
    ndc_mutex_lock(&live->lock);
    while (live->excluded[source])
        ndc_cond_wait(&live->done, &live->lock);
    live->users[source]++;
    ndc_mutex_unlock(&live->lock);
}

static void leave(struct ndc_live *live, uint32_t source)
{
    ndc_mutex_lock(&live->lock);
    live->users[source]--;
    ndc_cond_broadcast(&live->done);
    ndc_mutex_unlock(&live->lock);
}

void ndc_live_exclude(struct ndc_live *live, uint32_t source)
{
    ndc_mutex_lock(&live->lock);
    live->excluded[source] = true; /* the source's lock is held: nobody else's is */
    while (live->users[source])
        ndc_cond_wait(&live->done, &live->lock);
    ndc_mutex_unlock(&live->lock);
}

void ndc_live_include(struct ndc_live *live, uint32_t source)
{
    ndc_mutex_lock(&live->lock);
    live->excluded[source] = false;
    ndc_cond_broadcast(&live->done);
    ndc_mutex_unlock(&live->lock);
}

/* On shards what has not been brought there yet waits for a server, not for a build. */
static bool waits_full(const struct ndc_live *live)
{
    return ndc_shards_count(live->registry->shards) > 0 &&
           ndc_overlay_count(live->overlay) > RECENT_ENTITIES_MAX;
}

static enum ndc_err check_room(const struct ndc_live *live, struct ndc_fault *fault)
{
    if (!waits_full(live)) return NDC_OK;
    return ndc_fail(fault, NDC_EBUSY, "registry.shard_behind",
                    "over %d changes wait for servers of shards: \"ndc shard list\" says "
                    "for which; send these rows again later",
                    RECENT_ENTITIES_MAX);
}

/* A load that waits for its integration would be lost under rows that came after it. */
static enum ndc_err check_built(struct ndc_registry *reg, struct ndc_str source,
                                struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    int64_t waiting = 0;
    enum ndc_err err = ndc_store_take(reg->store, NDC_READ, &conn, fault);
    if (err) return err;
    err = ndc_sql_i64(conn, &waiting,
                      "SELECT count(*) FROM registry_run WHERE state IN ('queued', "
                      "'loading', 'loaded') AND state = 'loaded' AND source = $1",
                      NDC_ARGS(ndc_text(source)), fault);
    ndc_store_give(conn);
    if (err || !waiting) return err;
    return ndc_fail(fault, NDC_EBUSY, "live.unbuilt",
                    "a load of source %.*s waits for its integration; send these rows "
                    "again when it is done",
                    NDC_STR_FMT(source));
}

static void free_call(struct live_call *c)
{
    ndc_arena_free(&c->arena);
    ndc_buf_free(&c->encoded);
    free(c->rows);
    free(c->refused);
    free(c);
}

enum ndc_err ndc_registry_live(struct ndc_registry *reg, const struct ndc_live_rows *rows,
                               struct ndc_live_result *result, struct ndc_fault *fault)
{
    *result = (struct ndc_live_result){0};
    struct ndc_registered *source = ndc_registry_find(reg, rows->source);
    if (!source)
        return ndc_fail(fault, NDC_ENOTFOUND, "registry.no_source", "no source \"%.*s\"",
                        NDC_STR_FMT(rows->source));
    if (source->source->thing)
        return ndc_fail(fault, NDC_EINPUT, "live.thing",
                        "source %.*s holds things, which are not linked: load or push "
                        "its rows",
                        NDC_STR_FMT(source->source->id));
    struct live_call *c = ndc_xcalloc(1, sizeof(*c));
    ndc_arena_init(&c->arena, LIVE_ARENA_BYTES);
    c->position = rows->position;
    c->asked = rows;
    enum ndc_err err = ndc_live_parse(c, source, rows->ndjson, fault);
    enter(reg->live, source->number);
    if (!err) err = check_built(reg, rows->source, fault);
    if (!err) err = check_room(reg->live, fault);
    if (!err) {
        pass_call(reg->live, c);
        *result = c->result;
        if ((err = c->err) && fault) *fault = c->fault;
    }
    leave(reg->live, source->number);
    free_call(c);
    return err;
}

enum ndc_err ndc_registry_live_decide(struct ndc_registry *reg, uint64_t a, uint64_t b,
                                      struct ndc_live_result *result,
                                      struct ndc_fault *fault)
{
    struct live_call *c = ndc_xcalloc(1, sizeof(*c));
    ndc_arena_init(&c->arena, LIVE_ARENA_BYTES);
    c->touched[0] = a;
    c->touched[1] = b;
    ndc_live_hold(reg->live);
    enum ndc_err err = ndc_live_decisions(reg->live, fault);
    ndc_mutex_unlock(&reg->live->work);
    if (!err) {
        pass_call(reg->live, c);
        if ((err = c->err) && fault) *fault = c->fault;
    }
    *result = c->result;
    free_call(c);
    return err;
}

enum ndc_err ndc_registry_live_position(struct ndc_registry *reg, struct ndc_arena *arena,
                                        struct ndc_str source, struct ndc_str *position,
                                        struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    *position = ndc_str_n("", 0);
    enum ndc_err err = ndc_store_take(reg->store, NDC_READ, &conn, fault);
    if (err) return err;
    struct ndc_rows *rows =
        ndc_sql_query(conn, "SELECT position FROM registry_position WHERE source = $1",
                      NDC_ARGS(ndc_text(source)));
    if (ndc_rows_next(rows)) *position = ndc_arena_str(arena, ndc_rows_text(rows, 0));
    err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    return err;
}

/* ---- reading ---- */

#define RECENT_PAYLOAD                                                                 \
    "SELECT payload, CASE WHEN seq > 0 THEN seq ELSE change END FROM registry_recent " \
    "WHERE seq = $1"

struct recents {
    void (*visit)(void *arg, size_t i, int64_t change, struct ndc_str payload);
    void *arg;
};

static void visit_recent(void *arg, size_t i, struct ndc_rows *row)
{
    const struct recents *r = arg;
    r->visit(r->arg, i, ndc_rows_i64(row, 1), ndc_rows_blob(row, 0));
}

enum ndc_err ndc_live_recent_each(struct ndc_store_conn *conn, const int64_t *seqs,
                                  size_t n,
                                  void (*visit)(void *arg, size_t i, int64_t change,
                                                struct ndc_str payload),
                                  void *arg, struct ndc_fault *fault)
{
    struct recents recents = {visit, arg};
    struct ndc_val *args = ndc_xmalloc((n + 1) * sizeof(*args));
    for (size_t i = 0; i < n; i++)
        args[i] = ndc_int(seqs[i]);
    enum ndc_err err =
        ndc_sql_each(conn, RECENT_PAYLOAD, args, 1, n, visit_recent, &recents, fault);
    free(args);
    return err;
}

static enum ndc_err read_recent(struct ndc_store_conn *conn, struct ndc_arena *arena,
                                int64_t seq, bool *found, struct ndc_str *payload,
                                int64_t *change, struct ndc_fault *fault)
{
    struct ndc_rows *rows = ndc_sql_query(conn, RECENT_PAYLOAD, NDC_ARGS(ndc_int(seq)));
    *payload = NDC_STR_NULL;
    *found = ndc_rows_next(rows);
    if (*found) {
        struct ndc_str blob = ndc_rows_blob(rows, 0);
        if (blob.len) *payload = ndc_arena_str(arena, blob);
        *change = ndc_rows_i64(rows, 1);
    }
    return ndc_rows_end(rows, fault);
}

enum ndc_err ndc_live_payload(struct ndc_live *live, struct ndc_store_conn *conn,
                              struct ndc_arena *arena, uint64_t entity,
                              struct ndc_str *payload, int64_t *change,
                              struct ndc_fault *fault)
{
    int64_t seq = ndc_overlay_get(live->overlay, entity);
    bool found = false;
    *change = 0;
    if (seq) {
        enum ndc_err err = read_recent(conn, arena, seq, &found, payload, change, fault);
        if (err || found) return err;
    }
    return ndc_payload_get(live->registry, conn, arena, entity, payload, change, fault);
}

enum ndc_err ndc_live_lookup(struct ndc_live *live, struct ndc_store_conn *conn,
                             uint64_t key, uint64_t *entities, size_t max, size_t *count,
                             struct ndc_fault *fault)
{
    *count = ndc_overlay_find(live->overlay, key << 1, entities, max);
    if (*count == max) return NDC_OK;
    size_t more;
    enum ndc_err err =
        ndc_index_lookup(conn, key, entities + *count, max - *count, &more, fault);
    *count += more;
    return err;
}

enum ndc_err ndc_live_lookup_many(struct ndc_live *live, struct ndc_store_conn *conn,
                                  const uint64_t *keys, size_t n, size_t max,
                                  void (*take)(void *arg, size_t number,
                                               const uint64_t *values, size_t count),
                                  void *arg, struct ndc_fault *fault)
{
    const struct ndc_index_many many = {.table = NDC_INDEX_SEARCH,
                                        .keys = keys,
                                        .count = n,
                                        .max = max,
                                        .take = take,
                                        .arg = arg};
    uint64_t *came = ndc_xmalloc((max + 1) * sizeof(*came));
    for (size_t i = 0; i < n; i++) {
        size_t count = ndc_overlay_find(live->overlay, keys[i] << 1, came, max);
        if (count) take(arg, i, came, count);
    }
    free(came);
    return ndc_index_lookup_many(conn, &many, fault);
}

/* Of the caller's list: those that are asked for in one statement, with their places. */
struct asking {
    size_t *places;
    bool *found; /* by place */
    void (*visit)(void *arg, size_t i, struct ndc_str payload);
    void *arg;
};

static void visit_asked(void *arg, size_t i, int64_t change, struct ndc_str payload)
{
    const struct asking *a = arg;
    (void)change;
    a->found[a->places[i]] = true;
    if (payload.len) a->visit(a->arg, a->places[i], payload);
}

enum ndc_err ndc_live_payload_each(struct ndc_live *live, struct ndc_store_conn *conn,
                                   const uint64_t *entities, size_t n,
                                   void (*visit)(void *arg, size_t i,
                                                 struct ndc_str payload),
                                   void *arg, struct ndc_fault *fault)
{
    int64_t *seqs = ndc_xmalloc((n + 1) * sizeof(*seqs));
    uint64_t *rest = ndc_xmalloc((n + 1) * sizeof(*rest));
    struct asking asking = {ndc_xmalloc((n + 1) * sizeof(size_t)), ndc_xcalloc(n + 1, 1),
                            visit, arg};
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t seq = ndc_overlay_get(live->overlay, entities[i]);
        if (!seq) continue;
        asking.places[count] = i;
        seqs[count++] = seq;
    }
    enum ndc_err err =
        ndc_live_recent_each(conn, seqs, count, visit_asked, &asking, fault);
    count = 0;
    for (size_t i = 0; i < n; i++) {
        if (asking.found[i]) continue;
        asking.places[count] = i;
        rest[count++] = entities[i];
    }
    if (!err && count)
        err = ndc_payload_each(live->registry, conn, rest, count, visit_asked, &asking,
                               fault);
    free(seqs);
    free(rest);
    free(asking.places);
    free(asking.found);
    return err;
}

enum ndc_err ndc_live_prepare(struct ndc_live *live, struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    ndc_live_hold(live);
    if (ndc_registry_generation(live->registry) > 0) err = ndc_live_ready(live, fault);
    ndc_mutex_unlock(&live->work);
    return err;
}

void ndc_live_follow(struct ndc_live *live)
{
    struct ndc_fault fault = {0};
    if (!ndc_mutex_try(&live->work)) return;
    if (ndc_live_catch_up(live, &fault))
        ndc_log(NDC_LOG_WARN, "registry", "changes of other programs: %s", fault.message);
    ndc_mutex_unlock(&live->work);
}

bool ndc_live_is_full(const struct ndc_live *live)
{
    return (ndc_overlay_count(live->overlay) > RECENT_ENTITIES_MAX &&
            !waits_full(live)) ||
           ndc_overlay_entries(live->overlay) > RECENT_ENTRIES_MAX;
}

/* ---- builds ---- */

static enum ndc_err flush_slice(struct ndc_live *live, const struct ndc_key64 *items,
                                size_t n, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    enum ndc_err err = ndc_store_take(live->registry->store, NDC_WRITE, &conn, fault);
    if (err) return err;
    err = ndc_tx_begin(conn, fault);
    for (size_t i = 0; i < n && !err; i++) {
        int64_t changes;
        err = ndc_sql_exec(
            conn,
            "INSERT INTO registry_entity (entity, type, updated_ms, payload, change) "
            "SELECT entity, type, updated_ms, payload, seq FROM registry_recent WHERE "
            "seq "
            "= $1 ON CONFLICT (entity) DO UPDATE SET type = excluded.type, updated_ms = "
            "excluded.updated_ms, payload = excluded.payload, change = excluded.change",
            NDC_ARGS(ndc_int((int64_t)items[i].value)), &changes, fault);
        if (!err)
            err = ndc_sql_exec(
                conn,
                "DELETE FROM registry_entity WHERE entity = $1 AND payload "
                "= $2",
                NDC_ARGS(ndc_int((int64_t)items[i].key), ndc_blob(ndc_str_n("", 0))),
                NULL, fault);
    }
    if (!err) err = ndc_tx_commit(conn, fault);
    if (err && ndc_tx_open(conn)) ndc_tx_rollback(conn);
    ndc_store_give(conn);
    return err;
}

enum ndc_err ndc_live_pause(struct ndc_live *live, struct ndc_fault *fault)
{
    struct ndc_key64 *items;
    ndc_live_hold(live);
    enum ndc_err err = ndc_live_catch_up(live, fault);
    bool sharded = ndc_shards_count(live->registry->shards) > 0;
    if (!err && sharded) err = ndc_shards_drain(live->registry->shards, fault);
    size_t n = err || sharded ? 0 : ndc_overlay_list(live->overlay, &items);
    for (size_t at = 0; at < n && !err; at += FLUSH_SLICE)
        err = flush_slice(live, items + at, NDC_MIN(n - at, (size_t)FLUSH_SLICE), fault);
    if (n) free(items);
    if (err) ndc_mutex_unlock(&live->work);
    return err;
}

void ndc_live_resume(struct ndc_live *live, bool built)
{
    struct ndc_fault fault = {0};
    if (built && ndc_shards_count(live->registry->shards) == 0) {
        ndc_overlay_clear(live->overlay);
        ndc_live_unready(live);
    } else if (built) {
        /* What the build changed is in registry_recent, on its way to the shards. */
        ndc_overlay_clear_entries(live->overlay);
        ndc_live_unready(live);
        live->seq = 0;
        if (ndc_live_catch_up(live, &fault))
            ndc_log(NDC_LOG_WARN, "registry", "what the build changed: %s",
                    fault.message);
        ndc_shards_rewind(live->registry->shards);
    }
    ndc_mutex_unlock(&live->work);
}

/* ---- life ---- */

enum ndc_err ndc_live_new(struct ndc_live **out, struct ndc_registry *reg,
                          struct ndc_fault *fault)
{
    struct ndc_live *live = ndc_xcalloc(1, sizeof(*live));
    live->registry = reg;
    live->overlay = ndc_overlay_new();
    live->near = ndc_overlay_new();
    ndc_mutex_init(&live->lock);
    ndc_mutex_init(&live->work);
    ndc_cond_init(&live->queued);
    ndc_cond_init(&live->done);
    ndc_cond_init(&live->room);
    ndc_cond_init(&live->moved);
    *out = live;
    enum ndc_err err = ndc_live_catch_up(live, fault);
    if (err) {
        ndc_live_free(live);
        *out = NULL;
    } else if (ndc_shards_count(reg->shards)) {
        ndc_shards_start(reg->shards, live->overlay);
    }
    return err;
}

void ndc_live_free(struct ndc_live *live)
{
    if (!live) return;
    ndc_mutex_lock(&live->lock);
    live->stop = true;
    ndc_cond_broadcast(&live->queued);
    ndc_mutex_unlock(&live->lock);
    if (live->started) ndc_thread_join(&live->thread);
    ndc_shards_stop(live->registry->shards);
    ndc_live_unready(live);
    ndc_overlay_free(live->overlay);
    ndc_overlay_free(live->near);
    ndc_mutex_free(&live->lock);
    ndc_mutex_free(&live->work);
    ndc_cond_free(&live->queued);
    ndc_cond_free(&live->done);
    ndc_cond_free(&live->room);
    ndc_cond_free(&live->moved);
    free(live);
}

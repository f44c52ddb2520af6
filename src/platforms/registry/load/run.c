/* Runs in the database: queued, loading, loaded; their counts, scorecards and quarantine
 * rows, committed with the stage they belong to. */
#include "platforms/registry/live/live.h"
#include "platforms/registry/load/load.h"
#include "platforms/registry/load/restore.h"
#include "platforms/registry/thing/thing.h"
#include "store/bulk.h"
#include "store/writer.h"
#include "sys/clock.h"
#include "sys/procname.h"

#include <stdio.h>

enum { SCORECARD_MAX = 8 << 20, PATH_BYTES = 4096 };

struct queue_run {
    struct ndc_str source, mode, path;
    int64_t run;
};

static enum ndc_err write_queued(struct ndc_store_conn *conn, void *arg,
                                 struct ndc_fault *fault)
{
    struct queue_run *q = arg;
    char owner[NDC_PROCESS_NAME_MAX];
    ndc_process_name(owner);
    /* Two daemons on one database: numbers are taken one after another. */
    enum ndc_err err = ndc_tx_lock(conn, NDC_LOAD_RUN_LOCK, fault);
    if (!err)
        err = ndc_sql_i64(conn, &q->run, "SELECT coalesce(max(run), 0) FROM registry_run",
                          NDC_NO_ARGS, fault);
    if (err) return err;
    q->run++;
    return ndc_sql_exec(
        conn,
        "INSERT INTO registry_run (run, source, mode, state, job, path, "
        "created_ms, started_ms, finished_ms, rows_read, accepted, "
        "quarantined, added, changed, unchanged, ended, bytes, scorecard, "
        "error, owner) VALUES "
        "($1,$2,$3,'queued','',$4,$5,0,0,0,0,0,0,0,0,0,0,'','',$6)",
        NDC_ARGS(ndc_int(q->run), ndc_text(q->source), ndc_text(q->mode),
                 ndc_text(q->path), ndc_int(ndc_clock_wall_ms()), ndc_textz(owner)),
        NULL, fault);
}

enum ndc_err ndc_load_queue(struct ndc_registry *reg, struct ndc_str source,
                            struct ndc_str path, bool delta, int64_t *run,
                            struct ndc_fault *fault)
{
    struct ndc_registered *r = ndc_registry_find(reg, source);
    if (!r)
        return ndc_fail(fault, NDC_ENOTFOUND, "registry.no_source", "no source \"%.*s\"",
                        NDC_STR_FMT(source));
    struct queue_run q = {
        .source = r->source->id,
        .mode = ndc_str(ndc_sync_mode_name(delta ? NDC_SYNC_DELTA : r->source->mode)),
        .path = path.ptr ? path : ndc_str_n("", 0)};
    enum ndc_err err = ndc_store_write(reg->store, write_queued, &q, fault);
    *run = q.run;
    return err;
}

enum ndc_err ndc_registry_queue_run(struct ndc_registry *reg, struct ndc_str source,
                                    struct ndc_str path, int64_t *run,
                                    struct ndc_fault *fault)
{
    return ndc_load_queue(reg, source, path, false, run, fault);
}

struct run_row {
    char source[NDC_SOURCE_ID_MAX + 1], state[16], path[PATH_BYTES];
    int64_t stage_run;
    bool stale; /* changes came live since the stage was written */
};

static enum ndc_err read_run(struct ndc_registry *reg, int64_t run, struct run_row *out,
                             struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    enum ndc_err err = ndc_store_take(reg->store, NDC_READ, &conn, fault);
    bool found = false;
    if (err) return err;
    struct ndc_rows *rows =
        ndc_sql_query(conn,
                      "SELECT r.source, r.state, r.path, s.stage_run, s.live_seq FROM "
                      "registry_run r JOIN "
                      "registry_source s ON s.source = r.source WHERE r.run = $1",
                      NDC_ARGS(ndc_int(run)));
    if (ndc_rows_next(rows)) {
        found = true;
        snprintf(out->source, sizeof(out->source), "%.*s",
                 NDC_STR_FMT(ndc_rows_text(rows, 0)));
        snprintf(out->state, sizeof(out->state), "%.*s",
                 NDC_STR_FMT(ndc_rows_text(rows, 1)));
        snprintf(out->path, sizeof(out->path), "%.*s",
                 NDC_STR_FMT(ndc_rows_text(rows, 2)));
        out->stage_run = ndc_rows_i64(rows, 3);
        out->stale = ndc_rows_i64(rows, 4) > 0;
    }
    err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    if (!err && !found)
        err = ndc_fail(fault, NDC_ENOTFOUND, "registry.no_run", "no run %lld",
                       (long long)run);
    return err;
}

static bool is_loaded(const struct run_row *row)
{
    return strcmp(row->state, "loaded") == 0 || strcmp(row->state, "succeeded") == 0;
}

struct mark_run {
    int64_t run;
    const char *state, *error;
};

static enum ndc_err write_mark(struct ndc_store_conn *conn, void *arg,
                               struct ndc_fault *fault)
{
    struct mark_run *m = arg;
    int64_t now = ndc_clock_wall_ms();
    bool starts = strcmp(m->state, "loading") == 0;
    char owner[NDC_PROCESS_NAME_MAX];
    ndc_process_name(owner);
    return ndc_sql_exec(conn,
                        starts ? "UPDATE registry_run SET state = $2, error = $3, "
                                 "started_ms = $4, owner = $5 WHERE run = $1"
                               : "UPDATE registry_run SET state = $2, error = $3, "
                                 "finished_ms = $4, owner = $5 WHERE run = $1",
                        NDC_ARGS(ndc_int(m->run), ndc_textz(m->state),
                                 ndc_textz(m->error), ndc_int(now), ndc_textz(owner)),
                        NULL, fault);
}

enum ndc_err ndc_load_mark(struct ndc_registry *reg, int64_t run, const char *state,
                           const char *error, struct ndc_fault *fault)
{
    struct mark_run m = {run, state, error};
    return ndc_store_write(reg->store, write_mark, &m, fault);
}

/* ---- the commit ---- */

static enum ndc_err copy_quarantine(struct ndc_store_conn *conn, const struct load *l,
                                    const char *spill_path, struct ndc_fault *fault)
{
    static const struct ndc_bulk_column columns[] = {
        {"id", NDC_VAL_I64},         {"run", NDC_VAL_I64},
        {"source", NDC_VAL_TEXT},    {"record_key", NDC_VAL_TEXT},
        {"line", NDC_VAL_I64},       {"state", NDC_VAL_TEXT},
        {"row_json", NDC_VAL_TEXT},  {"reasons", NDC_VAL_TEXT},
        {"note", NDC_VAL_TEXT},      {"decided_by", NDC_VAL_TEXT},
        {"created_ms", NDC_VAL_I64}, {"decided_ms", NDC_VAL_I64},
    };
    struct ndc_str spill, key, row, reasons;
    struct ndc_bulk *bulk;
    uint64_t line;
    int64_t id;
    if (l->result->quarantined == 0) return NDC_OK;
    enum ndc_err err =
        ndc_sql_i64(conn, &id, "SELECT coalesce(max(id), 0) FROM registry_quarantine",
                    NDC_NO_ARGS, fault);
    if (!err) err = ndc_file_map(&spill, spill_path, fault);
    if (err) return err;
    struct ndc_str in = spill;
    err = ndc_bulk_begin(&bulk, conn, "registry_quarantine", columns,
                         NDC_ARRAY_LEN(columns), fault);
    while (!err && ndc_take_bytes(&in, &key) && ndc_take_varint(&in, &line) &&
           ndc_take_bytes(&in, &row) && ndc_take_bytes(&in, &reasons)) {
        ndc_bulk_i64(bulk, ++id);
        ndc_bulk_i64(bulk, l->run);
        ndc_bulk_text(bulk, l->source->source->id);
        ndc_bulk_text(bulk, key.len ? key : NDC_STR(""));
        ndc_bulk_i64(bulk, (int64_t)line);
        ndc_bulk_text(bulk, NDC_STR("open"));
        ndc_bulk_text(bulk, row);
        ndc_bulk_text(bulk, reasons);
        ndc_bulk_text(bulk, NDC_STR(""));
        ndc_bulk_text(bulk, NDC_STR(""));
        ndc_bulk_i64(bulk, l->now_ms);
        ndc_bulk_i64(bulk, 0);
        err = ndc_bulk_row(bulk, fault);
        if (err) {
            ndc_bulk_abort(bulk);
            bulk = NULL;
        }
    }
    if (!err) err = ndc_bulk_end(bulk, NULL, fault);
    ndc_file_unmap(&spill);
    return err;
}

/* A snapshot says all rows again: what of the earlier ones is still wrong is in
 * quarantine once, not once for every run. */
static enum ndc_err replace_quarantine(struct ndc_store_conn *conn, const struct load *l,
                                       struct ndc_fault *fault)
{
    if (l->delta) return NDC_OK;
    return ndc_sql_exec(
        conn,
        "UPDATE registry_quarantine SET state = 'replaced', decided_ms = "
        "$3 WHERE source = $1 AND state = 'open' AND run < $2",
        NDC_ARGS(ndc_text(l->source->source->id), ndc_int(l->run), ndc_int(l->now_ms)),
        NULL, fault);
}

static enum ndc_err write_counts(struct ndc_store_conn *conn, const struct load *l,
                                 struct ndc_str scorecard, struct ndc_fault *fault)
{
    const struct ndc_load_result *r = l->result;
    enum ndc_err err = ndc_sql_exec(
        conn,
        "UPDATE registry_run SET state = $12, finished_ms = $2, rows_read = $3, "
        "accepted = $4, quarantined = $5, added = $6, changed = $7, unchanged = $8, "
        "ended = $9, bytes = $10, scorecard = $11, error = '' WHERE run = $1",
        NDC_ARGS(ndc_int(l->run), ndc_int(ndc_clock_wall_ms()),
                 ndc_int((int64_t)r->rows_read), ndc_int((int64_t)r->accepted),
                 ndc_int((int64_t)r->quarantined), ndc_int((int64_t)r->added),
                 ndc_int((int64_t)r->changed), ndc_int((int64_t)r->unchanged),
                 ndc_int((int64_t)r->ended), ndc_int((int64_t)r->bytes),
                 ndc_text(scorecard),
                 /* Things are not linked: nothing is left to be built. */
                 ndc_textz(l->source->source->thing ? "succeeded" : "loaded")),
        NULL, fault);
    if (err) return err;
    int64_t changes = 0;
    err =
        ndc_sql_exec(conn,
                     "UPDATE registry_source SET stage_run = $2, records = $3, live_seq "
                     "= 0 "
                     "WHERE source = $1 AND stage_run = $4",
                     NDC_ARGS(ndc_text(l->source->source->id), ndc_int(l->run),
                              ndc_int((int64_t)l->staged - (int64_t)l->superseded_count),
                              ndc_int(l->stage_run)),
                     &changes, fault);
    if (err || changes == 1) return err;
    return ndc_fail(fault, NDC_ECONFLICT, "source.busy",
                    "source %.*s was loaded by another program meanwhile; load it again",
                    NDC_STR_FMT(l->source->source->id));
}

static enum ndc_err commit_load(struct ndc_registry *reg, struct load *l,
                                struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    struct ndc_buf scorecard;
    struct ndc_json j;
    char spill[PATH_BYTES];
    enum ndc_err err = ndc_store_take(reg->store, NDC_WRITE, &conn, fault);
    if (err) return err;
    snprintf(spill, sizeof(spill), "%s", l->spill.path);
    ndc_buf_init(&scorecard, SCORECARD_MAX);
    ndc_json_init(&j, &scorecard);
    ndc_quality_write(&l->quality, &j);
    ndc_store_conn_timeout(conn, 0);
    err = ndc_tx_begin(conn, fault);
    /* Two sources finish at once: the ids of the quarantine are taken one after another.
     */
    if (!err) err = ndc_tx_lock(conn, NDC_LOAD_QUARANTINE_LOCK, fault);
    if (!err) err = replace_quarantine(conn, l, fault);
    if (!err) err = copy_quarantine(conn, l, spill, fault);
    if (!err) err = write_counts(conn, l, ndc_buf_str(&scorecard), fault);
    if (!err && l->source->source->thing) err = ndc_thing_store(l, conn, fault);
    if (!err && l->also) err = l->also(l, conn, fault);
    if (!err) err = ndc_tx_commit(conn, fault);
    ndc_store_give(conn);
    ndc_buf_free(&scorecard);
    return err;
}

static void remove_stage(const struct load *l, int64_t run)
{
    struct ndc_fault ignored = {0};
    struct ndc_arena arena;
    ndc_arena_init(&arena, 1 << 16);
    const char *path =
        ndc_registry_stage_path(l->registry, &arena, l->source->source->id, run);
    ndc_mutex_lock(&l->registry->stage_lock);
    if (ndc_file_remove(path, &ignored)) {
        /* A stage that is no longer current: only space is lost. */
    }
    ndc_mutex_unlock(&l->registry->stage_lock);
    ndc_arena_free(&arena);
}

/* The stage as it is after what came live: made anew from the entities. */
static enum ndc_err refresh_stage(struct load *l, int64_t stage_run,
                                  struct ndc_fault *fault)
{
    struct ndc_arena arena;
    enum ndc_err err = ndc_live_pause(l->registry->live, fault);
    if (err) return err;
    ndc_arena_init(&arena, 1 << 16);
    const char *path =
        ndc_registry_stage_path(l->registry, &arena, l->source->source->id, stage_run);
    err = ndc_registry_restore_stage(l->registry, l->source, stage_run, path, fault);
    ndc_live_resume(l->registry->live, false);
    ndc_arena_free(&arena);
    return err;
}

static enum ndc_err run_load(struct load *l, int64_t stage_run, bool stale,
                             const struct ndc_progress *progress, struct ndc_fault *fault)
{
    enum ndc_err err = stale ? refresh_stage(l, stage_run, fault) : NDC_OK;
    if (err) return err;
    l->stage_run = stage_run;
    err = ndc_load_begin(l, stage_run, fault);
    if (!err) err = ndc_load_rows(l, progress, fault);
    if (!err) err = commit_load(l->registry, l, fault);
    if (!err && stage_run) remove_stage(l, stage_run);
    ndc_load_end(l);
    return err;
}

/* The run's file, relative to the source's folder. */
static void file_of(char *path, size_t cap, const struct run_row *row,
                    const struct ndc_registered *source)
{
    const char *file = row->path[0] ? row->path : source->source->path.ptr;
    bool relative = file && file[0] != '/' && source->folder[0] &&
                    source->source->connector != NDC_CONNECT_POSTGRES;
    snprintf(path, cap, "%s%s%s", relative ? source->folder : "", relative ? "/" : "",
             file ? file : "");
}

uint64_t ndc_registry_run_bytes(struct ndc_registry *reg, int64_t run)
{
    struct run_row row = {0};
    struct ndc_fault ignored = {0};
    char path[PATH_BYTES * 2];
    if (read_run(reg, run, &row, &ignored) || is_loaded(&row)) return 0;
    struct ndc_registered *source = ndc_registry_find(reg, ndc_str(row.source));
    NDC_ASSERT(source);
    file_of(path, sizeof(path), &row, source);
    /* Not opened: a pipe can be opened once. */
    return path[0] ? ndc_file_bytes(path) : 0;
}

/* From the source's file; its lock is held. */
static enum ndc_err load_file(struct ndc_registry *reg, struct ndc_registered *source,
                              int64_t run, const struct run_row *row,
                              const struct ndc_progress *progress,
                              struct ndc_load_result *result, struct ndc_fault *fault)
{
    struct ndc_fault why = {0}, ignored = {0};
    char path[PATH_BYTES * 2];
    file_of(path, sizeof(path), row, source);
    enum ndc_err err = ndc_load_mark(reg, run, "loading", "", fault);
    if (err) return err;
    struct load *l = ndc_xcalloc(1, sizeof(*l));
    l->registry = reg;
    l->source = source;
    l->run = run;
    l->now_ms = ndc_clock_wall_ms();
    l->result = result;
    l->delta = source->source->mode == NDC_SYNC_DELTA;
    err = ndc_connect_open(&l->connect, source->source, path, &why);
    if (!err) err = run_load(l, row->stage_run, row->stale, progress, &why);
    ndc_connect_close(l->connect);
    free(l);
    if (!err) return NDC_OK;
    /* A stop is no failure of the source: its run is done again after the restart. */
    if (err != NDC_ECANCELED &&
        ndc_load_mark(reg, run, "failed", why.message, &ignored)) {
        /* The reason is returned and logged anyway. */
    }
    if (fault) *fault = why;
    return err;
}

enum ndc_err ndc_registry_load(struct ndc_registry *reg, int64_t run,
                               const struct ndc_progress *progress,
                               struct ndc_load_result *result, struct ndc_fault *fault)
{
    struct run_row row = {0};
    *result = (struct ndc_load_result){0};
    enum ndc_err err = read_run(reg, run, &row, fault);
    if (err) return err;
    if (is_loaded(&row)) return NDC_OK;
    struct ndc_registered *source = ndc_registry_find(reg, ndc_str(row.source));
    NDC_ASSERT(source);
    ndc_mutex_lock(&reg->loading[source->number]);
    ndc_live_exclude(reg->live, source->number);
    err = read_run(reg, run, &row, fault); /* again: the stage may be another now */
    if (!err) err = load_file(reg, source, run, &row, progress, result, fault);
    ndc_live_include(reg->live, source->number);
    ndc_mutex_unlock(&reg->loading[source->number]);
    return err;
}

enum ndc_err ndc_load_run(struct load *l, const struct ndc_progress *progress,
                          struct ndc_fault *fault)
{
    struct run_row row = {0};
    enum ndc_err err = read_run(l->registry, l->run, &row, fault);
    if (!err) err = ndc_load_mark(l->registry, l->run, "loading", "", fault);
    return err ? err : run_load(l, row.stage_run, row.stale, progress, fault);
}

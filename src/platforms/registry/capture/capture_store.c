/* What is kept of followed sources beside their positions. */
#include "platforms/registry/capture/follow.h"

#include "store/writer.h"
#include "sys/clock.h"

#include <inttypes.h>
#include <stdio.h>

enum { FILES_MAX = 100000 };

enum ndc_err ndc_capture_row_read(struct ndc_registry *reg, struct ndc_str source,
                                  struct ndc_capture_row *out, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    *out = (struct ndc_capture_row){0};
    enum ndc_err err = ndc_store_take(reg->store, NDC_READ, &conn, fault);
    if (err) return err;
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT slot, epoch, version_base, consistent, confirmed, complete, stopped FROM "
        "registry_capture WHERE source = $1",
        NDC_ARGS(ndc_text(source)));
    if (ndc_rows_next(rows)) {
        snprintf(out->slot, sizeof(out->slot), "%.*s",
                 NDC_STR_FMT(ndc_rows_text(rows, 0)));
        out->epoch = ndc_rows_i64(rows, 1);
        out->base = ndc_rows_i64(rows, 2);
        out->consistent = (uint64_t)ndc_rows_i64(rows, 3);
        out->confirmed = (uint64_t)ndc_rows_i64(rows, 4);
        out->complete = ndc_rows_i64(rows, 5) != 0;
        out->stopped = ndc_rows_i64(rows, 6) != 0;
    }
    err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    return err;
}

struct write_row {
    struct ndc_str source;
    const struct ndc_capture_row *row;
};

static enum ndc_err write_row(struct ndc_store_conn *conn, void *arg,
                              struct ndc_fault *fault)
{
    struct write_row *w = arg;
    const struct ndc_capture_row *r = w->row;
    return ndc_sql_exec(
        conn,
        "INSERT INTO registry_capture (source, slot, epoch, version_base, consistent, "
        "confirmed, complete, stopped, at_ms) VALUES ($1,$2,$3,$4,$5,$6,$7,0,$8) ON "
        "CONFLICT (source) DO UPDATE SET slot = excluded.slot, epoch = excluded.epoch, "
        "version_base = excluded.version_base, consistent = excluded.consistent, "
        "confirmed = excluded.confirmed, complete = excluded.complete, at_ms = "
        "excluded.at_ms",
        NDC_ARGS(ndc_text(w->source), ndc_textz(r->slot), ndc_int(r->epoch),
                 ndc_int(r->base), ndc_int((int64_t)r->consistent),
                 ndc_int((int64_t)r->confirmed), ndc_int(r->complete),
                 ndc_int(ndc_clock_wall_ms())),
        NULL, fault);
}

enum ndc_err ndc_capture_row_write(struct ndc_registry *reg, struct ndc_str source,
                                   const struct ndc_capture_row *row,
                                   struct ndc_fault *fault)
{
    struct write_row w = {source, row};
    return ndc_store_write(reg->store, write_row, &w, fault);
}

struct write_stopped {
    struct ndc_str source;
    bool stopped;
};

static enum ndc_err write_stopped(struct ndc_store_conn *conn, void *arg,
                                  struct ndc_fault *fault)
{
    struct write_stopped *w = arg;
    return ndc_sql_exec(
        conn,
        "INSERT INTO registry_capture (source, slot, epoch, version_base, consistent, "
        "confirmed, complete, stopped, at_ms) VALUES ($1,'',0,0,0,0,0,$2,$3) ON CONFLICT "
        "(source) DO UPDATE SET stopped = excluded.stopped",
        NDC_ARGS(ndc_text(w->source), ndc_int(w->stopped), ndc_int(ndc_clock_wall_ms())),
        NULL, fault);
}

enum ndc_err ndc_capture_stopped_write(struct ndc_registry *reg, struct ndc_str source,
                                       bool stopped, struct ndc_fault *fault)
{
    struct write_stopped w = {source, stopped};
    return ndc_store_write(reg->store, write_stopped, &w, fault);
}

/* ---- change files ---- */

enum ndc_err ndc_capture_files_read(struct ndc_registry *reg, struct ndc_arena *arena,
                                    struct ndc_str source, struct ndc_taken_file **out,
                                    size_t *n, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    int64_t count = 0;
    *n = 0;
    *out = NULL;
    enum ndc_err err = ndc_store_take(reg->store, NDC_READ, &conn, fault);
    if (err) return err;
    err = ndc_sql_i64(conn, &count,
                      "SELECT count(*) FROM registry_capture_file WHERE source = $1",
                      NDC_ARGS(ndc_text(source)), fault);
    if (!err && count > FILES_MAX)
        err =
            ndc_fail(fault, NDC_ETOOBIG, "capture.files",
                     "paused: more than %d change files have been taken; DELETE the old "
                     "ones of the source from registry_capture_file once their files are "
                     "gone",
                     FILES_MAX);
    if (err) {
        ndc_store_give(conn);
        return err;
    }
    *out = NDC_ARENA_ARRAY(arena, struct ndc_taken_file, (size_t)count + 1);
    struct ndc_rows *rows = ndc_sql_query(conn,
                                          "SELECT name, size, mtime_ns, hash, lines FROM "
                                          "registry_capture_file WHERE source "
                                          "= $1 ORDER BY name",
                                          NDC_ARGS(ndc_text(source)));
    while (*n < (size_t)count && ndc_rows_next(rows))
        (*out)[(*n)++] =
            (struct ndc_taken_file){.name = ndc_arena_str(arena, ndc_rows_text(rows, 0)),
                                    .size = (uint64_t)ndc_rows_i64(rows, 1),
                                    .mtime_ns = ndc_rows_i64(rows, 2),
                                    .hash = (uint64_t)ndc_rows_i64(rows, 3),
                                    .lines = (uint64_t)ndc_rows_i64(rows, 4)};
    err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    return err;
}

struct write_file {
    struct ndc_str source;
    const struct ndc_taken_file *file;
};

static enum ndc_err write_file(struct ndc_store_conn *conn, void *arg,
                               struct ndc_fault *fault)
{
    struct write_file *w = arg;
    const struct ndc_taken_file *f = w->file;
    return ndc_sql_exec(
        conn,
        "INSERT INTO registry_capture_file (source, name, size, mtime_ns, hash, lines, "
        "at_ms) VALUES ($1,$2,$3,$4,$5,$6,$7) ON CONFLICT (source, name) DO UPDATE SET "
        "size = excluded.size, mtime_ns = excluded.mtime_ns, hash = excluded.hash, lines "
        "= excluded.lines, at_ms = excluded.at_ms",
        NDC_ARGS(ndc_text(w->source), ndc_text(f->name), ndc_int((int64_t)f->size),
                 ndc_int(f->mtime_ns), ndc_int((int64_t)f->hash),
                 ndc_int((int64_t)f->lines), ndc_int(ndc_clock_wall_ms())),
        NULL, fault);
}

enum ndc_err ndc_capture_file_write(struct ndc_registry *reg, struct ndc_str source,
                                    const struct ndc_taken_file *file,
                                    struct ndc_fault *fault)
{
    struct write_file w = {source, file};
    return ndc_store_write(reg->store, write_file, &w, fault);
}

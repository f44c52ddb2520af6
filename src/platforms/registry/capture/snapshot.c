/* The beginning of following a table: a slot, and the table as it was at the very moment
 * from which the slot has its changes. The slot's making exports that snapshot; it is
 * good while the connection that made it stays as it is, so that is kept open over the
 * load. What dies in between leaves a row that is not complete: the next try drops the
 * slot and begins anew. */
#include "platforms/registry/capture/follow.h"

#include "platforms/registry/source/connect.h"
#include "platforms/registry/source/postgres.h"
#include "sys/log.h"

#include <stdio.h>

static bool ended(void *arg)
{
    return ndc_follower_ended(arg);
}

/* While the slot is made, a snapshot may still be asked for: this one. */
static bool interrupted(void *arg)
{
    struct ndc_follower *f = arg;
    ndc_mutex_lock(&f->lock);
    bool stop = f->quit || f->stopped;
    ndc_mutex_unlock(&f->lock);
    return stop;
}

/* The version of the last change that was taken. */
static enum ndc_err last_version(struct ndc_follower *f, int64_t *out,
                                 struct ndc_fault *fault)
{
    struct ndc_arena arena;
    struct ndc_str text = NDC_STR_NULL;
    struct ndc_slot_position p;
    *out = f->row.base;
    ndc_arena_init(&arena, 1 << 16);
    enum ndc_err err =
        f->hooks.position(f->hooks.arg, &arena, ndc_str(f->id), &text, fault);
    if (!err && ndc_slot_position_read(&p, text) && p.epoch == f->row.epoch)
        *out += (int64_t)p.seq;
    ndc_arena_free(&arena);
    return err;
}

/* A slot of this name that is not known to be ours is left alone. */
static enum ndc_err check_slot(struct ndc_follower *f, const struct ndc_source *s,
                               struct ndc_replication *plain, struct ndc_fault *fault)
{
    char slot[NDC_REPLICATION_NAME_MAX + 1];
    bool exists;
    snprintf(slot, sizeof(slot), "%.*s", NDC_STR_FMT(s->slot));
    enum ndc_err err = ndc_watch_slot(f, plain, slot, &exists, fault);
    if (err || !exists || strcmp(slot, f->row.slot) == 0) return err;
    return ndc_fail_at(
        fault, NDC_ECONFLICT, "capture.slot_taken", "slot", 0,
        "paused: the server has a slot %s that was not made for this "
        "source: name another in the declaration, or drop that one (SELECT "
        "pg_drop_replication_slot('%s'))",
        slot, slot);
}

static enum ndc_err make_slot(struct ndc_follower *f, const struct ndc_source *s,
                              struct ndc_replication *stream, struct ndc_slot_made *made,
                              struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    if (f->row.slot[0]) err = ndc_replication_drop_slot(stream, f->row.slot, fault);
    f->row.complete = false;
    snprintf(f->row.slot, sizeof(f->row.slot), "%.*s", NDC_STR_FMT(s->slot));
    /* Before it is made: it is known to be ours, whatever happens. */
    if (!err) err = ndc_capture_row_write(f->registry, ndc_str(f->id), &f->row, fault);
    if (!err)
        err = ndc_replication_create_slot(stream, f->row.slot, "wal2json", made, fault);
    return err;
}

static enum ndc_err load(struct ndc_follower *f, const struct ndc_slot_made *made,
                         int64_t *run, struct ndc_fault *fault)
{
    char path[sizeof(NDC_CONNECT_SNAPSHOT) + sizeof(made->snapshot)];
    snprintf(path, sizeof(path), NDC_CONNECT_SNAPSHOT "%s", made->snapshot);
    return f->hooks.snapshot(f->hooks.arg, ndc_str(f->id), path, ended, f, run, fault);
}

enum ndc_err ndc_follow_snapshot(struct ndc_follower *f, const struct ndc_source *s,
                                 struct ndc_replication *plain, struct ndc_fault *fault)
{
    struct ndc_replication *stream = NULL;
    struct ndc_slot_made made = {0};
    int64_t version = 0, run = 0;
    ndc_follower_state(f, NDC_CAPTURE_SNAPSHOT, NULL, NULL);
    enum ndc_err err = check_slot(f, s, plain, fault);
    if (!err) err = last_version(f, &version, fault);
    if (!err) err = ndc_source_link(&stream, s, NDC_REPLICATION_STREAM, fault);
    if (!err) {
        ndc_replication_interrupt(stream, interrupted, f);
        err = make_slot(f, s, stream, &made, fault);
    }
    if (!err) {
        /* It is wanted no more, it is under way: the row says so also after a crash. */
        ndc_mutex_lock(&f->lock);
        f->snapshot_wanted = false;
        ndc_mutex_unlock(&f->lock);
    }
    if (!err) err = load(f, &made, &run, fault);
    if (!err) {
        f->row.epoch = run;
        f->row.consistent = f->row.confirmed = made.consistent;
        f->row.base = version;
        f->row.complete = true;
        err = ndc_capture_row_write(f->registry, ndc_str(f->id), &f->row, fault);
    }
    ndc_replication_close(stream);
    if (err) return err;
    ndc_mutex_lock(&f->lock);
    f->status.snapshots++;
    ndc_mutex_unlock(&f->lock);
    if (f->snapshots) ndc_counter_add(f->snapshots, 1);
    ndc_log(NDC_LOG_INFO, "registry",
            "source %s: its table is loaded, slot %s is followed", f->id, f->row.slot);
    return NDC_OK;
}

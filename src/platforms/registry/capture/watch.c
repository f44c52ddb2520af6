/* The slot as the source's server sees it. A slot that is not read keeps the server's log
 * until its disk is full: how much it keeps is watched in every state, and past the
 * declared bound the slot is given up, which costs a new snapshot and not somebody else's
 * database. */
#include "platforms/registry/capture/follow.h"

#include "platforms/registry/source/postgres.h"
#include "sys/clock.h"
#include "sys/log.h"

#include <stdio.h>

enum { SLOT_COLUMNS = 8 };

static uint64_t number_of(struct ndc_str s)
{
    int64_t v = 0;
    return ndc_str_to_i64(s, &v) && v > 0 ? (uint64_t)v : 0;
}

static void advise(struct ndc_follower *f, const struct ndc_str *v)
{
    if (ndc_str_eq(v[5], NDC_STR("-1")))
        ndc_follower_note(f,
                          "the server's max_slot_wal_keep_size is -1: while ndc does not "
                          "run, the slot may keep log until that disk is full; set it, "
                          "to some GB");
    else
        ndc_follower_note(f, "");
}

enum ndc_err ndc_watch_slot(struct ndc_follower *f, struct ndc_replication *link,
                            const char *slot, bool *exists, struct ndc_fault *fault)
{
    struct ndc_str v[SLOT_COLUMNS];
    struct ndc_arena arena;
    const struct ndc_str name = ndc_str(slot);
    bool have;
    ndc_arena_init(&arena, 1 << 16);
    enum ndc_err err = ndc_replication_row(
        link, &arena, v, SLOT_COLUMNS, &have,
        "SELECT s.wal_status, s.safe_wal_size::text, s.confirmed_flush_lsn::text, "
        "pg_current_wal_lsn()::text, pg_wal_lsn_diff(pg_current_wal_lsn(), "
        "s.restart_lsn)::bigint::text, current_setting('max_slot_wal_keep_size'), "
        "pg_wal_lsn_diff(pg_current_wal_lsn(), s.confirmed_flush_lsn)::bigint::text, "
        "s.plugin::text FROM (SELECT 1) one LEFT JOIN pg_replication_slots s ON "
        "s.slot_name = $1",
        &name, 1, fault);
    *exists = !err && have && v[7].ptr;
    if (!err && have) {
        ndc_mutex_lock(&f->lock);
        struct ndc_capture_status *s = &f->status;
        s->slot_known = *exists;
        snprintf(s->slot, sizeof(s->slot), "%s", slot);
        snprintf(s->wal_status, sizeof(s->wal_status), "%.*s", NDC_STR_FMT(v[0]));
        s->safe_bytes = v[1].ptr ? (int64_t)number_of(v[1]) : -1;
        if (!ndc_lsn_parse(v[2], &s->confirmed)) s->confirmed = 0;
        if (!ndc_lsn_parse(v[3], &s->server_at)) s->server_at = 0;
        s->retained_bytes = number_of(v[4]);
        s->lag_bytes = number_of(v[6]);
        int64_t lag_ms =
            s->caught_up || !s->caught_up_ms ? 0 : ndc_clock_wall_ms() - s->caught_up_ms;
        double bytes = (double)s->lag_bytes, kept = (double)s->retained_bytes;
        ndc_mutex_unlock(&f->lock);
        if (f->lag_bytes) {
            ndc_gauge_set(f->lag_bytes, bytes);
            ndc_gauge_set(f->retained, kept);
            ndc_gauge_set(f->lag_seconds, (double)lag_ms / 1000);
        }
        advise(f, v);
    }
    ndc_arena_free(&arena);
    return err;
}

static enum ndc_err drop_slot(struct ndc_replication *link, struct ndc_str slot,
                              struct ndc_fault *fault)
{
    struct ndc_str nothing;
    struct ndc_arena arena;
    bool have;
    ndc_arena_init(&arena, 1 << 16);
    enum ndc_err err =
        ndc_replication_row(link, &arena, &nothing, 1, &have,
                            "SELECT pg_drop_replication_slot(slot_name)::text FROM "
                            "pg_replication_slots WHERE "
                            "slot_name = $1 AND NOT active",
                            &slot, 1, fault);
    ndc_arena_free(&arena);
    return err;
}

/* The slot keeps too much and nobody reads it. */
static void give_up(struct ndc_follower *f, const struct ndc_source *s,
                    struct ndc_replication *link, uint64_t kept)
{
    char why[NDC_FAULT_MESSAGE_MAX];
    struct ndc_fault fault = {0};
    f->row.complete = false;
    enum ndc_err err =
        ndc_capture_row_write(f->registry, ndc_str(f->id), &f->row, &fault);
    if (!err) err = drop_slot(link, ndc_str(f->row.slot), &fault);
    if (err) {
        ndc_log(NDC_LOG_ERROR, "registry", "source %s: the slot could not be dropped: %s",
                f->id, fault.message);
        return;
    }
    snprintf(
        why, sizeof(why),
        "slot %s kept %llu MB of log, over slot_mb_max (%lld), and was not read: it "
        "was dropped, so that the server's disk is not filled; a new snapshot follows",
        f->row.slot, (unsigned long long)(kept >> 20), (long long)s->slot_mb_max);
    ndc_log(NDC_LOG_WARN, "registry", "source %s: %s", f->id, why);
    ndc_mutex_lock(&f->lock);
    f->status.losses++;
    bool stopped = f->stopped;
    ndc_mutex_unlock(&f->lock);
    if (f->losses) ndc_counter_add(f->losses, 1);
    ndc_follower_state(f, stopped ? NDC_CAPTURE_STOPPED : NDC_CAPTURE_LOST,
                       "capture.slot_given_up", why);
}

void ndc_watch_idle(struct ndc_follower *f, const struct ndc_source *s)
{
    struct ndc_replication *link;
    struct ndc_fault ignored = {0};
    bool exists;
    if (s->connector != NDC_CONNECT_POSTGRES || !f->row.slot[0]) return;
    if (ndc_source_link(&link, s, NDC_REPLICATION_PLAIN, &ignored)) return;
    enum ndc_err err = ndc_watch_slot(f, link, f->row.slot, &exists, &ignored);
    ndc_mutex_lock(&f->lock);
    uint64_t kept = f->status.retained_bytes;
    ndc_mutex_unlock(&f->lock);
    if (!err && exists && kept >> 20 > (uint64_t)s->slot_mb_max)
        give_up(f, s, link, kept);
    ndc_replication_close(link);
}

void ndc_watch_forget(struct ndc_follower *f, const struct ndc_source *s)
{
    struct ndc_replication *link;
    struct ndc_fault fault = {0};
    if (s->connector != NDC_CONNECT_POSTGRES || !f->row.slot[0]) return;
    enum ndc_err err = ndc_source_link(&link, s, NDC_REPLICATION_PLAIN, &fault);
    if (!err) err = drop_slot(link, ndc_str(f->row.slot), &fault);
    ndc_replication_close(link);
    if (!err) {
        f->row = (struct ndc_capture_row){.base = f->row.base};
        err = ndc_capture_row_write(f->registry, ndc_str(f->id), &f->row, &fault);
    }
    if (err)
        ndc_log(
            NDC_LOG_WARN, "registry",
            "source %s is not followed any more, but its slot %s could not be dropped "
            "(drop it there): %s",
            f->id, f->row.slot, fault.message);
}

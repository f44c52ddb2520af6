/* A table followed by logical decoding: messages of the slot to rows, rows to the
 * registry in batches, the server told of what is committed here.
 *
 * A batch ends when it is full or when nothing more is there at the moment: alone, a
 * change is in within milliseconds; many are committed together. A transaction larger
 * than a batch goes in in parts, and the position says how many of its changes are in.
 * After a crash the server sends it again from its beginning, in the same order, and
 * those are passed over.
 *
 * The server may forget what is confirmed. So a position is confirmed only after the
 * commit that keeps it; where nothing of this table came, but the log has grown (other
 * tables, other databases), the position is written down and confirmed every few seconds:
 * a quiet table keeps no log. */
#include "platforms/registry/capture/follow.h"

#include "platforms/registry/capture/rows.h"
#include "platforms/registry/capture/wal2json.h"
#include "platforms/registry/source/postgres.h"
#include "sys/clock.h"

#include <stdio.h>

enum {
    WAIT_MS = 50,          /* for a message, before looking whether to end */
    REST_OF_TX_MS = 20,    /* for the rest of a transaction, before its part is given */
    WATCH_EVERY_MS = 1000, /* looks at the slot */
    TABLE_EVERY_MS =
        10000, /* looks at the table: its columns and what it tells of rows */
    CONFIRM_EVERY_MS = 5000,  /* of what brought no rows */
    LOOK_EVERY_MESSAGES = 256 /* at whether to end, while messages never cease */
};

struct stream {
    struct ndc_follower *f;
    const struct ndc_source *s;
    struct ndc_replication *plain, *link;
    struct ndc_capture_rows *rows;
    struct ndc_wal2json change;
    struct ndc_table table; /* only its names */

    struct ndc_slot_position at; /* after the rows that are collected */
    uint64_t stored;             /* `done` of the position that is committed */
    bool open, skip;             /* inside a transaction; one that is in already */
    uint64_t commit, nextlsn;    /* of it */
    uint64_t seen, known;        /* its changes so far; of them in already */
    uint64_t idle_at;            /* up to here the server has sent all; 0: not known */
    uint64_t told;               /* confirmed on this connection */
    uint64_t target;             /* for `once`: where the log was at the start */
    int64_t last_ms, watched_ms, table_ms, confirmed_ms; /* monotonic */
    uint64_t messages;
};

static int64_t mono_ms(void)
{
    return ndc_clock_mono_ns() / 1000000;
}

/* ---- giving and confirming ---- */

static enum ndc_err confirm(struct stream *t, uint64_t lsn, struct ndc_fault *fault)
{
    t->told = NDC_MAX(t->told, lsn);
    return ndc_replication_confirm(t->link, t->told, fault);
}

static enum ndc_err flush(struct stream *t, struct ndc_fault *fault)
{
    uint64_t changes;
    struct ndc_buf position;
    struct ndc_str rows = ndc_capture_rows_ndjson(t->rows, &changes);
    if (changes == 0) return NDC_OK;
    ndc_buf_init(&position, 256);
    ndc_slot_position_write(&position, &t->at);
    enum ndc_err err = ndc_follower_take(t->f, rows, ndc_buf_str(&position), fault);
    ndc_buf_free(&position);
    if (err) return err;
    ndc_capture_rows_clear(t->rows);
    t->stored = t->at.done;
    return confirm(t, t->stored, fault);
}

/* Up to where nothing is left to be kept. */
static uint64_t safe_at(const struct stream *t)
{
    uint64_t changes;
    (void)ndc_capture_rows_ndjson(t->rows, &changes);
    if (changes) return t->stored;
    return t->open ? t->at.done : NDC_MAX(t->at.done, t->idle_at);
}

/* Confirms what brought no rows, once it is written down: a slot that is further than
 * what is written down was moved by somebody else. */
static enum ndc_err confirm_idle(struct stream *t, bool now, struct ndc_fault *fault)
{
    uint64_t safe = safe_at(t);
    int64_t ms = mono_ms();
    if (safe <= t->told || (!now && ms - t->confirmed_ms < CONFIRM_EVERY_MS))
        return NDC_OK;
    t->confirmed_ms = ms;
    t->f->row.confirmed = NDC_MAX(t->f->row.confirmed, safe);
    enum ndc_err err =
        ndc_capture_row_write(t->f->registry, ndc_str(t->f->id), &t->f->row, fault);
    return err ? err : confirm(t, safe, fault);
}

/* ---- messages ---- */

static void begin(struct stream *t)
{
    t->open = true;
    t->commit = t->change.lsn;
    t->nextlsn = t->change.nextlsn;
    t->seen = 0;
    t->skip = t->commit < t->at.done;
    t->known = t->at.commit == t->commit ? t->at.taken : 0;
}

static void commit(struct stream *t)
{
    t->open = false;
    if (t->skip) return;
    t->at.done = NDC_MAX(t->at.done, t->nextlsn);
    t->at.commit = t->at.taken = 0;
}

static bool is_of_table(const struct stream *t)
{
    return ndc_str_eq(t->change.schema, t->table.schema) &&
           ndc_str_eq(t->change.table, t->table.name);
}

/* A row that is there twice or not at all cannot be told after a TRUNCATE: the table is
 * loaded anew and compared, which ends what is gone. */
static enum ndc_err truncated(struct stream *t, struct ndc_fault *fault)
{
    struct ndc_follower *f = t->f;
    enum ndc_err err = flush(t, fault);
    if (err) return err;
    f->row.complete = false; /* written down: a crash must not pass it over */
    err = ndc_capture_row_write(f->registry, ndc_str(f->id), &f->row, fault);
    ndc_mutex_lock(&f->lock);
    f->snapshot_wanted = true;
    ndc_mutex_unlock(&f->lock);
    return err;
}

static enum ndc_err change(struct stream *t, struct ndc_fault *fault)
{
    struct ndc_fault why = {0};
    uint64_t changes;
    t->seen++;
    if (t->skip || t->seen <= t->known || !is_of_table(t)) return NDC_OK;
    if (t->change.action == NDC_WAL2JSON_TRUNCATE) return truncated(t, fault);
    enum ndc_err err = ndc_capture_rows_add(
        t->rows, &t->change, t->f->row.base + (int64_t)t->at.seq + 1, &why);
    if (err) {
        /* What came before it is good. */
        enum ndc_err err2 = flush(t, fault);
        if (err2) return err2;
        if (fault) *fault = why;
        return err;
    }
    t->at.commit = t->commit;
    t->at.taken = t->seen;
    t->at.seq++;
    struct ndc_str rows = ndc_capture_rows_ndjson(t->rows, &changes);
    if (changes < NDC_BATCH_CHANGES_MAX && rows.len < NDC_BATCH_BYTES_MAX) return NDC_OK;
    return flush(t, fault);
}

static enum ndc_err data(struct stream *t, struct ndc_str text, struct ndc_fault *fault)
{
    enum ndc_err err = ndc_wal2json_parse(&t->change, text, fault);
    if (err) return err;
    switch (t->change.action) {
    case NDC_WAL2JSON_BEGIN:
        begin(t);
        return NDC_OK;
    case NDC_WAL2JSON_COMMIT:
        commit(t);
        return NDC_OK;
    case NDC_WAL2JSON_OTHER:
        return NDC_OK;
    default:
        return change(t, fault);
    }
}

/* Nothing came for a while. */
static enum ndc_err quiet(struct stream *t, struct ndc_fault *fault)
{
    enum ndc_err err = flush(t, fault);
    if (err) return err;
    /* A server that is decoding something large is silent too. */
    ndc_mutex_lock(&t->f->lock);
    uint64_t server_at = t->f->status.server_at;
    ndc_mutex_unlock(&t->f->lock);
    ndc_follower_caught_up(t->f, !t->open && safe_at(t) >= server_at);
    if (t->f->run && t->f->run->once && !t->open && safe_at(t) >= t->target) {
        err = confirm_idle(t, true, fault);
        ndc_mutex_lock(&t->f->lock);
        t->f->done = true;
        ndc_mutex_unlock(&t->f->lock);
    }
    return err;
}

static enum ndc_err step(struct stream *t, struct ndc_fault *fault)
{
    struct ndc_replication_message m;
    uint64_t changes;
    (void)ndc_capture_rows_ndjson(t->rows, &changes);
    int wait = changes == 0 ? WAIT_MS : t->open ? REST_OF_TX_MS : 0;
    enum ndc_err err = ndc_replication_next(t->link, wait, &m, fault);
    if (err) return err;
    switch (m.event) {
    case NDC_REPLICATION_DATA:
        t->idle_at = 0;
        return data(t, m.data, fault);
    case NDC_REPLICATION_KEEPALIVE:
        t->idle_at = m.at;
        if (m.reply) {
            err = confirm_idle(t, true, fault);
            if (!err) err = confirm(t, t->told, fault);
        }
        return err;
    default:
        return quiet(t, fault);
    }
}

/* ---- now and then ---- */

static enum ndc_err check_table(struct stream *t, struct ndc_fault *fault)
{
    struct ndc_arena arena;
    struct ndc_table now;
    ndc_arena_init(&arena, 4 << 20);
    enum ndc_err err = ndc_source_table(&now, t->plain, &arena, t->s, fault);
    /* A column that is gone is told by the change that lacks it: what was written before
     * is still good. What rows are known by is not: deletes would go unheard. */
    struct ndc_fault why = {0};
    if (!err && ndc_capture_check_table(t->s, &now, &why) &&
        strcmp(why.code, "capture.no_column") != 0) {
        err = why.err;
        if (fault) *fault = why;
    }
    ndc_arena_free(&arena);
    return err;
}

static enum ndc_err now_and_then(struct stream *t, struct ndc_fault *fault)
{
    struct ndc_capture_status status;
    bool exists;
    int64_t ms = mono_ms();
    enum ndc_err err = NDC_OK;
    if (ms - t->watched_ms >= WATCH_EVERY_MS) {
        t->watched_ms = ms;
        err = ndc_watch_slot(t->f, t->plain, t->f->row.slot, &exists, fault);
        if (!err && t->f->run && t->f->run->tell) {
            ndc_mutex_lock(&t->f->lock);
            status = t->f->status;
            ndc_mutex_unlock(&t->f->lock);
            t->f->run->tell(t->f->run->arg, &status);
        }
    }
    if (!err && ms - t->table_ms >= TABLE_EVERY_MS) {
        t->table_ms = ms;
        err = check_table(t, fault);
    }
    return err ? err : confirm_idle(t, false, fault);
}

static enum ndc_err run(struct stream *t, struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    while (!err) {
        uint64_t changes;
        err = step(t, fault);
        (void)ndc_capture_rows_ndjson(t->rows, &changes);
        if (changes) ndc_follower_caught_up(t->f, false);
        int64_t ms = mono_ms();
        if (!err &&
            (++t->messages % LOOK_EVERY_MESSAGES == 0 || ms - t->last_ms >= WAIT_MS)) {
            t->last_ms = ms;
            if (ndc_follower_ended(t->f)) break;
            err = now_and_then(t, fault);
        }
    }
    return err;
}

/* ---- the beginning ---- */

/* wal2json's list of tables: what would be mistaken has a backslash before it. */
static void add_escaped(struct ndc_buf *out, struct ndc_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (strchr(" ',.*\\", name.ptr[i]) && name.ptr[i]) ndc_buf_add_byte(out, '\\');
        ndc_buf_add_byte(out, name.ptr[i]);
    }
}

static enum ndc_err start_stream(struct stream *t, struct ndc_fault *fault)
{
    struct ndc_buf tables;
    ndc_buf_init(&tables, 1024);
    add_escaped(&tables, t->table.schema);
    ndc_buf_add_byte(&tables, '.');
    add_escaped(&tables, t->table.name);
    const struct ndc_replication_option options[] = {
        {"format-version", NDC_STR("2")},     {"include-lsn", NDC_STR("true")},
        {"include-types", NDC_STR("false")},  {"include-timestamp", NDC_STR("true")},
        {"add-tables", ndc_buf_str(&tables)},
    };
    enum ndc_err err = ndc_source_link(&t->link, t->s, NDC_REPLICATION_STREAM, fault);
    if (!err)
        err = ndc_replication_start(t->link, t->f->row.slot, t->at.done, options,
                                    NDC_ARRAY_LEN(options), fault);
    ndc_buf_free(&tables);
    return err;
}

/* Where reading goes on; and whether the slot is where it was left. */
static enum ndc_err find_position(struct stream *t, struct ndc_arena *arena,
                                  struct ndc_fault *fault)
{
    struct ndc_follower *f = t->f;
    struct ndc_str text = NDC_STR_NULL;
    bool exists;
    enum ndc_err err =
        f->hooks.position(f->hooks.arg, arena, ndc_str(f->id), &text, fault);
    if (!err) err = ndc_watch_slot(f, t->plain, f->row.slot, &exists, fault);
    if (err) return err;
    if (!ndc_slot_position_read(&t->at, text) || t->at.epoch != f->row.epoch)
        t->at =
            (struct ndc_slot_position){.epoch = f->row.epoch, .done = f->row.consistent};
    t->stored = t->at.done;
    ndc_mutex_lock(&f->lock);
    uint64_t confirmed = f->status.confirmed;
    t->target = f->status.server_at;
    bool lost = strcmp(f->status.wal_status, "lost") == 0;
    ndc_mutex_unlock(&f->lock);
    if (!exists)
        return ndc_fail(
            fault, NDC_ENOTFOUND, "replication.slot_missing",
            "slot %s is gone: what changed since is not known; a new snapshot "
            "follows",
            f->row.slot);
    if (lost)
        return ndc_fail(
            fault, NDC_ENOTFOUND, "replication.slot_lost",
            "slot %s was not read for so long that the server removed the log "
            "it needed (max_slot_wal_keep_size); a new snapshot follows",
            f->row.slot);
    if (confirmed > NDC_MAX(t->at.done, f->row.confirmed))
        return ndc_fail(fault, NDC_ENOTFOUND, "capture.slot_moved",
                        "slot %s has been read by somebody else: what it gave them is "
                        "missing here; a new snapshot follows",
                        f->row.slot);
    return NDC_OK;
}

static enum ndc_err check_start(struct stream *t, struct ndc_arena *arena,
                                struct ndc_fault *fault)
{
    struct ndc_str level;
    bool have;
    enum ndc_err err =
        ndc_replication_row(t->plain, arena, &level, 1, &have,
                            "SELECT current_setting('wal_level')", NULL, 0, fault);
    if (!err && !ndc_str_eq(level, NDC_STR("logical")))
        err =
            ndc_fail(fault, NDC_EDB, "replication.wal_level",
                     "paused: that server has wal_level = %.*s: set wal_level = logical "
                     "there and restart it",
                     NDC_STR_FMT(level));
    if (!err) err = ndc_source_table(&t->table, t->plain, arena, t->s, fault);
    return err ? err : ndc_capture_check_table(t->s, &t->table, fault);
}

static enum ndc_err prepare(struct stream *t, struct ndc_arena *arena,
                            struct ndc_fault *fault)
{
    struct ndc_follower *f = t->f;
    enum ndc_err err = ndc_source_link(&t->plain, t->s, NDC_REPLICATION_PLAIN, fault);
    if (!err) err = check_start(t, arena, fault);
    if (err) return err;
    ndc_mutex_lock(&f->lock);
    bool wanted = f->snapshot_wanted;
    ndc_mutex_unlock(&f->lock);
    if (wanted || !f->row.complete || !ndc_str_eq(t->s->slot, ndc_str(f->row.slot)))
        err = ndc_follow_snapshot(f, t->s, t->plain, fault);
    if (!err) err = find_position(t, arena, fault);
    return err ? err : start_stream(t, fault);
}

enum ndc_err ndc_follow_postgres(struct ndc_follower *f, const struct ndc_source *s,
                                 struct ndc_fault *fault)
{
    struct ndc_arena arena;
    struct stream *t = ndc_xcalloc(1, sizeof(*t));
    t->f = f;
    t->s = s;
    ndc_arena_init(&arena, 4 << 20);
    ndc_wal2json_init(&t->change);
    enum ndc_err err = prepare(t, &arena, fault);
    if (!err) {
        t->rows = ndc_capture_rows_new(s, t->plain);
        t->confirmed_ms = t->table_ms = mono_ms();
        ndc_follower_state(f, NDC_CAPTURE_FOLLOWING, NULL, NULL);
        err = run(t, fault);
        /* What is collected is given; after an error it comes again. */
        if (!err) err = flush(t, fault);
    }
    ndc_capture_rows_free(t->rows);
    ndc_wal2json_free(&t->change);
    ndc_replication_close(t->link);
    ndc_replication_close(t->plain);
    ndc_arena_free(&arena);
    free(t);
    return err;
}

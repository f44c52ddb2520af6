/* A follower's life: follows its source's declaration of the moment; what fails is tried
 * again, sooner at first; what a person must mend is said and looked at again now and
 * then; a lost slot leads to a new snapshot. */
#include "platforms/registry/capture/follow.h"

#include "sys/clock.h"
#include "sys/log.h"

#include <stdio.h>

enum {
    RETRY_FIRST_MS = 500,
    RETRY_MOST_MS = 30000,
    LOST_MOST_MS = 300000, /* between snapshots of a slot that is lost again and again */
    IDLE_MS = 5000         /* between looks at a slot that is not read */
};

static const char *const state_names[] = {"starting", "snapshot", "following", "waiting",
                                          "paused",   "lost",     "stopped"};

const char *ndc_capture_state_name(enum ndc_capture_state state)
{
    return state_names[state];
}

void ndc_follower_state(struct ndc_follower *f, enum ndc_capture_state state,
                        const char *code, const char *reason)
{
    struct ndc_capture_status copy;
    ndc_mutex_lock(&f->lock);
    struct ndc_capture_status *s = &f->status;
    if (s->state != state) s->state_ms = ndc_clock_wall_ms();
    s->state = state;
    if (state != NDC_CAPTURE_FOLLOWING) s->caught_up = false;
    snprintf(s->code, sizeof(s->code), "%s", code ? code : "");
    snprintf(s->reason, sizeof(s->reason), "%s", reason ? reason : "");
    copy = *s;
    ndc_mutex_unlock(&f->lock);
    if (f->state) ndc_gauge_set(f->state, (double)state);
    if (f->run && f->run->tell) f->run->tell(f->run->arg, &copy);
}

void ndc_follower_note(struct ndc_follower *f, const char *note)
{
    ndc_mutex_lock(&f->lock);
    snprintf(f->status.note, sizeof(f->status.note), "%s", note);
    ndc_mutex_unlock(&f->lock);
}

bool ndc_follower_ended(struct ndc_follower *f)
{
    ndc_mutex_lock(&f->lock);
    bool ended = f->quit || f->stopped || f->snapshot_wanted || f->done;
    ndc_mutex_unlock(&f->lock);
    return ended ||
           ndc_registry_by_number(f->registry, f->declared->number) != f->declared;
}

bool ndc_follower_wait(struct ndc_follower *f, int64_t ms)
{
    int64_t until = ndc_clock_mono_ns() + ms * 1000000;
    ndc_mutex_lock(&f->lock);
    while (!f->quit && !f->poked) {
        int64_t left = (until - ndc_clock_mono_ns()) / 1000000;
        if (left <= 0 || !ndc_cond_wait_ms(&f->changed, &f->lock, left)) break;
    }
    bool woken = f->quit || f->poked;
    f->poked = false;
    ndc_mutex_unlock(&f->lock);
    return woken;
}

void ndc_follower_caught_up(struct ndc_follower *f, bool caught_up)
{
    ndc_mutex_lock(&f->lock);
    f->status.caught_up = caught_up;
    if (caught_up) f->status.caught_up_ms = ndc_clock_wall_ms();
    ndc_mutex_unlock(&f->lock);
}

enum ndc_err ndc_follower_take(struct ndc_follower *f, struct ndc_str ndjson,
                               struct ndc_str position, struct ndc_fault *fault)
{
    struct ndc_live_result result = {0};
    const struct ndc_live_rows rows = {ndc_str(f->id), ndjson, position};
    enum ndc_err err = f->hooks.take(f->hooks.arg, &rows, &result, fault);
    if (err) return err;
    ndc_mutex_lock(&f->lock);
    f->status.changes += result.rows;
    f->status.late += result.late;
    f->status.quarantined += result.quarantined;
    f->status.change_ms = ndc_clock_wall_ms();
    ndc_mutex_unlock(&f->lock);
    if (f->changes) ndc_counter_add(f->changes, result.rows);
    return NDC_OK;
}

/* ---- what became of an attempt ---- */

static bool is_lost(const struct ndc_fault *fault)
{
    return strcmp(fault->code, "replication.slot_lost") == 0 ||
           strcmp(fault->code, "replication.slot_missing") == 0 ||
           strcmp(fault->code, "capture.slot_moved") == 0;
}

/* Faults that only a person can mend. */
static bool needs_person(const struct ndc_fault *fault)
{
    static const char *const codes[] = {"capture.",
                                        "replication.url",
                                        "replication.no_plugin",
                                        "replication.wal_level",
                                        "replication.slots_used_up",
                                        "source.no_table",
                                        "source.password",
                                        "source.no_column",
                                        "db.denied",
                                        "io."};
    if (is_lost(fault)) return false;
    for (size_t i = 0; i < NDC_ARRAY_LEN(codes); i++)
        if (ndc_str_starts(ndc_str(fault->code), ndc_str(codes[i]))) return true;
    return false;
}

static void lose(struct ndc_follower *f, const struct ndc_fault *fault)
{
    struct ndc_fault why = {0};
    f->row.complete = false;
    if (ndc_capture_row_write(f->registry, ndc_str(f->id), &f->row, &why))
        ndc_log(NDC_LOG_ERROR, "registry", "source %s: %s", f->id, why.message);
    ndc_mutex_lock(&f->lock);
    f->status.losses++;
    ndc_mutex_unlock(&f->lock);
    if (f->losses) ndc_counter_add(f->losses, 1);
    ndc_follower_state(f, NDC_CAPTURE_LOST, fault->code, fault->message);
}

/* Says it, once; the same again and again is not logged. */
static void tell_failure(struct ndc_follower *f, const struct ndc_fault *fault)
{
    ndc_mutex_lock(&f->lock);
    bool same = strcmp(f->status.reason, fault->message) == 0;
    ndc_mutex_unlock(&f->lock);
    if (!same) ndc_log(NDC_LOG_WARN, "registry", "source %s: %s", f->id, fault->message);
    if (is_lost(fault))
        lose(f, fault);
    else
        ndc_follower_state(f,
                           needs_person(fault) ? NDC_CAPTURE_PAUSED : NDC_CAPTURE_WAITING,
                           fault->code, fault->message);
}

/* Waits before the next try, with an eye on the slot. */
static void wait_idle(struct ndc_follower *f, const struct ndc_source *s, int64_t ms)
{
    while (ms > 0) {
        int64_t part = NDC_MIN(ms, (int64_t)IDLE_MS);
        ndc_watch_idle(f, s);
        if (ndc_follower_wait(f, part)) return;
        if (ndc_registry_by_number(f->registry, f->declared->number) != f->declared)
            return;
        ms -= part;
    }
}

static enum ndc_err follow(struct ndc_follower *f, struct ndc_fault *fault)
{
    const struct ndc_source *s = f->declared->source;
    struct ndc_str id = ndc_str(f->id);
    enum ndc_err err = ndc_capture_row_read(f->registry, id, &f->row, fault);
    if (err) return err;
    ndc_follower_state(f, NDC_CAPTURE_STARTING, NULL, NULL);
    return s->connector == NDC_CONNECT_CHANGES
               ? ndc_follow_files(f, s, f->declared->folder, fault)
               : ndc_follow_postgres(f, s, fault);
}

/* Not to follow now: stopped, or not declared so any more. */
static bool rest(struct ndc_follower *f, const struct ndc_source **last)
{
    const struct ndc_source *s = f->declared->source;
    ndc_mutex_lock(&f->lock);
    bool stopped = f->stopped;
    ndc_mutex_unlock(&f->lock);
    if (!ndc_source_followed(s)) {
        if (*last) ndc_watch_forget(f, *last);
        *last = NULL;
        stopped = true;
    } else {
        *last = s;
    }
    if (!stopped) return false;
    ndc_mutex_lock(&f->lock);
    bool said = f->status.state == NDC_CAPTURE_STOPPED;
    ndc_mutex_unlock(&f->lock);
    if (!said) ndc_follower_state(f, NDC_CAPTURE_STOPPED, NULL, NULL);
    wait_idle(f, s, IDLE_MS);
    return true;
}

static bool is_over(struct ndc_follower *f)
{
    ndc_mutex_lock(&f->lock);
    bool over = f->quit || f->done;
    ndc_mutex_unlock(&f->lock);
    return over;
}

enum ndc_err ndc_follower_run(struct ndc_follower *f, struct ndc_fault *why)
{
    const struct ndc_source *last = NULL;
    int64_t wait_ms = RETRY_FIRST_MS;
    while (!is_over(f)) {
        struct ndc_fault fault = {0};
        f->declared = ndc_registry_find(f->registry, ndc_str(f->id));
        if (rest(f, &last)) continue;
        int64_t began = ndc_clock_mono_ns();
        enum ndc_err err = follow(f, &fault);
        if (is_over(f)) break;
        if (!err || err == NDC_ECANCELED) continue;
        /* What went well for a minute begins anew. */
        if (ndc_clock_mono_ns() - began > (int64_t)60 * 1000000000)
            wait_ms = RETRY_FIRST_MS;
        tell_failure(f, &fault);
        if (f->run && f->run->once && !is_lost(&fault)) {
            if (why) *why = fault;
            return err;
        }
        wait_idle(f, f->declared->source, needs_person(&fault) ? RETRY_MOST_MS : wait_ms);
        wait_ms = NDC_MIN(wait_ms * 2,
                          (int64_t)(is_lost(&fault) ? LOST_MOST_MS : RETRY_MOST_MS));
    }
    return NDC_OK;
}

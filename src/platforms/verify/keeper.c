/* The keeper: once a second the projection takes in what changed; once a minute what is
 * stuck is settled and what is old removed; at its time each watch gets its delta. */
#include "platforms/verify/files.h"

#include "base/cron.h"
#include "store/writer.h"
#include "sys/clock.h"
#include "sys/log.h"

#include <stdio.h>
#include <time.h>

enum { TICK_MS = 1000, OLD_MAX = 100, ARENA_BYTES = 8 << 20 };

struct ndc_keeper {
    struct ndc_verify *verify;
    struct ndc_thread thread;
    struct ndc_mutex lock; /* guards stop */
    struct ndc_cond changed;
    struct ndc_cron delta_at;
    bool deltas, stop;
    bool quiet; /* the last failure was logged: it is not told again each second */
};

static void complain(struct ndc_keeper *k, const struct ndc_fault *fault)
{
    struct ndc_verify *v = k->verify;
    ndc_mutex_lock(&v->lock);
    snprintf(v->why, sizeof(v->why), "%s", fault->message);
    ndc_mutex_unlock(&v->lock);
    if (!k->quiet && strcmp(fault->code, "verify.no_people") != 0)
        ndc_log(NDC_LOG_WARN, "verify", "projection: %s", fault->message);
    k->quiet = true;
}

static void follow(struct ndc_keeper *k)
{
    struct ndc_fault fault = {0};
    bool anew = false;
    enum ndc_err err = ndc_verify_follow(k->verify, &anew, &fault);
    if (!err && anew) {
        struct ndc_people_moment now = {0};
        void *ctx;
        const struct ndc_people_ops *people = ndc_people(&ctx);
        err = people->moment(ctx, &now, &fault);
        if (!err && now.generation == 0 && now.seq == 0)
            err = ndc_fail(&fault, NDC_EBUSY, "verify.no_people",
                           "the registry has integrated nobody yet");
        if (!err) err = ndc_verify_submit_projection(k->verify, &fault);
    }
    if (err)
        complain(k, &fault);
    else
        k->quiet = false;
}

/* ---- what is stuck: its job was canceled, or has failed for good ---- */

static enum ndc_err settle(struct ndc_store_conn *conn, void *arg,
                           struct ndc_fault *fault)
{
    return ndc_sql_exec(
        conn,
        "UPDATE verify_file SET state = 'failed', error_code = 'verify.job', "
        "error = 'its job was canceled or has failed; send the file again under a new "
        "Idempotency-Key', finished_ms = $1 WHERE state IN ('queued', 'checking') AND "
        "job "
        "IN (SELECT id FROM ndc_job WHERE platform = 'verify' AND state IN ('failed', "
        "'canceled', 'succeeded'))",
        NDC_ARGS(ndc_int(*(const int64_t *)arg)), NULL, fault);
}

/* ---- what is old ---- */

struct old {
    struct ndc_str ids[OLD_MAX];
    size_t n;
};

static enum ndc_err find_old(struct ndc_verify *v, struct ndc_arena *arena,
                             struct old *old, int64_t before_ms, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    enum ndc_err err = ndc_store_take(v->store, NDC_READ, &conn, fault);
    if (err) return err;
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT file FROM verify_file WHERE finished_ms > 0 AND finished_ms < $1 AND "
        "result_bytes > 0 AND file NOT IN (SELECT file FROM verify_watch) LIMIT 100",
        NDC_ARGS(ndc_int(before_ms)));
    while (old->n < OLD_MAX && ndc_rows_next(rows))
        old->ids[old->n++] = ndc_arena_str(arena, ndc_rows_text(rows, 0));
    err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    return err;
}

static enum ndc_err forget(struct ndc_store_conn *conn, void *arg,
                           struct ndc_fault *fault)
{
    const struct ndc_str *id = arg;
    return ndc_sql_exec(conn, "UPDATE verify_file SET result_bytes = 0 WHERE file = $1",
                        NDC_ARGS(ndc_text(*id)), NULL, fault);
}

static void remove_old(struct ndc_keeper *k, int64_t now_ms)
{
    struct ndc_verify *v = k->verify;
    struct ndc_fault fault = {0};
    struct ndc_arena arena;
    struct old old = {.n = 0};
    ndc_arena_init(&arena, 1 << 16);
    enum ndc_err err = find_old(v, &arena, &old, now_ms - v->keep_ms, &fault);
    for (size_t i = 0; i < old.n && !err; i++) {
        err = ndc_verify_remove(v, old.ids[i], &fault);
        if (!err) err = ndc_store_write(v->store, forget, &old.ids[i], &fault);
    }
    if (err) ndc_log(NDC_LOG_WARN, "verify", "old files: %s", fault.message);
    ndc_arena_free(&arena);
}

/* ---- deltas ---- */

static void start_deltas(struct ndc_keeper *k)
{
    struct ndc_store_conn *conn;
    struct ndc_fault fault = {0};
    struct ndc_arena arena;
    struct ndc_verify_watch *watches = NULL;
    size_t n = 0;
    char file[NDC_VERIFY_ID_LEN + 1];
    ndc_arena_init(&arena, ARENA_BYTES);
    enum ndc_err err = ndc_store_take(k->verify->store, NDC_READ, &conn, &fault);
    if (!err) {
        err = ndc_verify_watch_list(conn, &arena, NDC_STR(""), &watches, &n, &fault);
        ndc_store_give(conn);
    }
    for (size_t i = 0; i < n && !err; i++)
        err = ndc_verify_delta_start(k->verify, &watches[i], file, &fault);
    if (err) ndc_log(NDC_LOG_ERROR, "verify", "deltas: %s", fault.message);
    if (n) ndc_log(NDC_LOG_INFO, "verify", "deltas of %zu watches queued", n);
    ndc_arena_free(&arena);
}

static void each_minute(struct ndc_keeper *k, int64_t now_ms)
{
    struct ndc_fault fault = {0};
    struct tm t;
    time_t seconds = (time_t)(now_ms / 1000);
    if (ndc_store_write(k->verify->store, settle, &now_ms, &fault))
        ndc_log(NDC_LOG_WARN, "verify", "stuck files: %s", fault.message);
    remove_old(k, now_ms);
    if (k->deltas && localtime_r(&seconds, &t) &&
        ndc_cron_matches(&k->delta_at, t.tm_min, t.tm_hour, t.tm_mday, t.tm_mon + 1,
                         t.tm_wday))
        start_deltas(k);
}

static void run(void *arg)
{
    struct ndc_keeper *k = arg;
    int64_t minute = ndc_clock_wall_ms() / 60000;
    ndc_mutex_lock(&k->lock);
    while (!k->stop) {
        int64_t now_ms = ndc_clock_wall_ms();
        ndc_mutex_unlock(&k->lock);
        follow(k);
        if (now_ms / 60000 != minute) {
            minute = now_ms / 60000;
            each_minute(k, now_ms);
        }
        ndc_mutex_lock(&k->lock);
        if (!k->stop) (void)ndc_cond_wait_ms(&k->changed, &k->lock, TICK_MS);
    }
    ndc_mutex_unlock(&k->lock);
}

struct ndc_keeper *ndc_keeper_start(struct ndc_verify *verify, const char *delta_at)
{
    struct ndc_keeper *k = ndc_xcalloc(1, sizeof(*k));
    k->verify = verify;
    k->deltas = delta_at[0] && ndc_cron_parse(&k->delta_at, ndc_str(delta_at));
    if (delta_at[0] && !k->deltas)
        ndc_log(NDC_LOG_ERROR, "verify",
                "verify_delta_at = %s is no schedule of five fields: no deltas are made",
                delta_at);
    ndc_mutex_init(&k->lock);
    ndc_cond_init(&k->changed);
    ndc_thread_start(&k->thread, "ndc-verify", run, k);
    return k;
}

void ndc_keeper_stop(struct ndc_keeper *k)
{
    if (!k) return;
    ndc_mutex_lock(&k->lock);
    k->stop = true;
    ndc_cond_broadcast(&k->changed);
    ndc_mutex_unlock(&k->lock);
    ndc_thread_join(&k->thread);
    ndc_mutex_free(&k->lock);
    ndc_cond_free(&k->changed);
    free(k);
}

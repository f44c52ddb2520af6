/* A load from the command line that is killed has no job that takes it up again: its run
 * would stay `loading` for ever. Whoever starts next sets it to an end. The source is not
 * harmed: its stage is the one of its last whole run. */
#include "platforms/registry/load/settle.h"

#include "store/writer.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"
#include "sys/procname.h"

enum { ORPHANS_MAX = 4096, JOB_RUNS_MAX = 4096, JOBS_MAX = 256 };

struct orphan {
    int64_t run;
    struct ndc_str source, job;
    bool alone; /* its process has ended */
};

struct settle {
    struct ndc_arena arena;
    struct orphan *orphans;
    size_t count;
    int64_t *kept; /* runs that a job works on or will take up */
    size_t kept_count;
    struct ndc_str jobs[JOBS_MAX]; /* such jobs */
    size_t job_count;
};

static enum ndc_err find_orphans(struct ndc_registry *reg, struct settle *s,
                                 struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    char me[NDC_PROCESS_NAME_MAX];
    ndc_process_name(me);
    enum ndc_err err = ndc_store_take(reg->store, NDC_READ, &conn, fault);
    if (err) return err;
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT run, source, owner, job FROM registry_run WHERE state IN ('queued', "
        "'loading') ORDER BY run",
        NDC_NO_ARGS);
    while (s->count < ORPHANS_MAX && ndc_rows_next(rows)) {
        struct ndc_str owner = ndc_rows_text(rows, 2), job = ndc_rows_text(rows, 3);
        bool alone =
            !ndc_str_eq_c(owner, me) && ndc_process_look(owner) != NDC_PROCESS_ALIVE;
        if (!alone && job.len == 0) continue;
        s->orphans[s->count++] = (struct orphan){
            ndc_rows_i64(rows, 0), ndc_arena_str(&s->arena, ndc_rows_text(rows, 1)),
            ndc_arena_str(&s->arena, job), alone};
    }
    err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    return err;
}

static void keep_runs(struct settle *s, struct ndc_str arguments)
{
    struct json_object *o;
    struct ndc_fault ignored = {0};
    if (ndc_json_parse(&o, arguments, &ignored)) return;
    struct json_object *list = ndc_json_get(o, "runs");
    size_t n =
        json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
    for (size_t i = 0; i < n && s->kept_count < JOB_RUNS_MAX; i++)
        s->kept[s->kept_count++] =
            json_object_get_int64(json_object_array_get_idx(list, i));
    json_object_put(o);
}

static enum ndc_err find_kept(struct ndc_store *jobs, struct settle *s,
                              struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    enum ndc_err err = ndc_jobs_setup(jobs, fault);
    if (!err) err = ndc_store_take(jobs, NDC_READ, &conn, fault);
    if (err) return err;
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT id, arguments FROM ndc_job WHERE state IN ('queued', 'running') "
        "AND platform = 'registry'",
        NDC_NO_ARGS);
    while (ndc_rows_next(rows)) {
        if (s->job_count < JOBS_MAX)
            s->jobs[s->job_count++] = ndc_arena_str(&s->arena, ndc_rows_text(rows, 0));
        keep_runs(s, ndc_rows_text(rows, 1));
    }
    err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    return err;
}

static bool is_kept(const struct settle *s, const struct orphan *o)
{
    for (size_t i = 0; i < s->kept_count; i++)
        if (s->kept[i] == o->run) return true;
    for (size_t i = 0; i < s->job_count; i++)
        if (ndc_str_eq(s->jobs[i], o->job)) return !o->alone;
    return false;
}

static enum ndc_err write_ended(struct ndc_store_conn *conn, void *arg,
                                struct ndc_fault *fault)
{
    const struct settle *s = arg;
    enum ndc_err err = NDC_OK;
    for (size_t i = 0; i < s->count && !err; i++)
        if (!is_kept(s, &s->orphans[i]))
            err = ndc_sql_exec(
                conn,
                "UPDATE registry_run SET state = 'failed', finished_ms = $2, error = "
                "'interrupted: what worked on it ended; load it again' "
                "WHERE run = $1 AND state IN ('queued', 'loading')",
                NDC_ARGS(ndc_int(s->orphans[i].run), ndc_int(ndc_clock_wall_ms())), NULL,
                fault);
    return err;
}

static void remove_leavings(struct ndc_registry *reg, struct settle *s,
                            const struct orphan *o)
{
    static const char *const ends[] = {
        "", ".part", ".quarantine", ".quarantine.part", ".things", ".things.part"};
    const char *path = ndc_registry_stage_path(reg, &s->arena, o->source, o->run);
    for (size_t i = 0; i < NDC_ARRAY_LEN(ends); i++) {
        struct ndc_fault ignored = {0};
        if (ndc_file_remove(ndc_arena_printf(&s->arena, "%s%s", path, ends[i]).ptr,
                            &ignored)) {
            /* Only space is lost. */
        }
    }
}

static enum ndc_err settle(struct ndc_registry *reg, struct ndc_store *jobs,
                           struct settle *s, struct ndc_fault *fault)
{
    enum ndc_err err = find_orphans(reg, s, fault);
    if (err || s->count == 0) return err;
    if (jobs) err = find_kept(jobs, s, fault);
    if (!err) err = ndc_store_write(reg->store, write_ended, s, fault);
    for (size_t i = 0; i < s->count && !err; i++) {
        if (is_kept(s, &s->orphans[i])) continue;
        remove_leavings(reg, s, &s->orphans[i]);
        ndc_log(NDC_LOG_WARN, "registry",
                "run %lld of %.*s was left by what worked on it: failed, interrupted",
                (long long)s->orphans[i].run, NDC_STR_FMT(s->orphans[i].source));
    }
    return err;
}

enum ndc_err ndc_registry_settle_runs(struct ndc_registry *reg, struct ndc_store *jobs,
                                      int64_t *unbuilt, struct ndc_fault *fault)
{
    struct settle s = {0};
    struct ndc_store_conn *conn;
    ndc_arena_init(&s.arena, 16 << 20);
    s.orphans = ndc_xcalloc(ORPHANS_MAX, sizeof(*s.orphans));
    s.kept = ndc_xcalloc(JOB_RUNS_MAX, sizeof(*s.kept));
    enum ndc_err err = settle(reg, jobs, &s, fault);
    free(s.orphans);
    free(s.kept);
    ndc_arena_free(&s.arena);
    *unbuilt = 0;
    if (!err) err = ndc_store_take(reg->store, NDC_READ, &conn, fault);
    if (err) return err;
    err = ndc_sql_i64(conn, unbuilt,
                      "SELECT count(*) FROM registry_run WHERE state = 'loaded'",
                      NDC_NO_ARGS, fault);
    ndc_store_give(conn);
    return err;
}

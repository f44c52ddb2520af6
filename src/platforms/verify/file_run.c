/* Checking a bank's file from its bytes to its signed verdicts. What is done is kept at
 * the boundary of a slice: the verdicts so far are on the disk before the checkpoint that
 * counts them, so a check that was killed goes on behind the last one and writes, byte
 * for byte, what it would have written. */
#include "platforms/verify/files.h"

#include "core/audit.h"
#include "crypto/base64.h"
#include "crypto/digest.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"

#include <stdio.h>

enum {
    ARENA_BYTES = 4 << 20,
    WINDOW_BYTES = 1 << 30, /* of verdicts, or of watch rows */
    HASH_BYTES = 4 << 20
};

/* What a checkpoint says. */
struct progress_point {
    uint64_t slices, out_bytes, watch_bytes;
    struct ndc_counts counts;
};

struct run {
    struct ndc_verify *verify;
    struct ndc_job *job; /* NULL: none */
    struct ndc_arena arena;
    struct ndc_verify_file file;
    struct ndc_str map;
    struct ndc_plan plan;
    struct ndc_projection *projection;
    struct ndc_check_input input;
    struct ndc_file_writer out, watch;
    bool open, watching;
    struct progress_point point;
    char rule[NDC_POLICY_RULE_ID_MAX];
    bool refused;   /* the fault is the file's, not ours */
    uint64_t today; /* rows that the bank has had judged today in other files */
};

static bool canceled(const struct run *r)
{
    return r->job && ndc_job_canceled(r->job);
}

static enum ndc_err stop_on_request(struct ndc_fault *fault)
{
    return ndc_fail(fault, NDC_ECANCELED, "job.canceled", "stopped on request");
}

/* ---- checkpoints ---- */

static enum ndc_err save_point(struct run *r, struct ndc_fault *fault)
{
    struct ndc_buf buf;
    if (!r->job) return NDC_OK;
    ndc_buf_init(&buf, 1 << 12);
    ndc_buf_add(&buf, &r->point, sizeof(r->point));
    enum ndc_err err = ndc_job_checkpoint(r->job, ndc_buf_str(&buf), fault);
    ndc_buf_free(&buf);
    return err;
}

/* Where the last run came to; nothing where it had not begun. */
static void load_point(struct run *r)
{
    struct ndc_str blob = r->job ? ndc_job_resume_from(r->job) : NDC_STR_NULL;
    r->point = (struct progress_point){0};
    if (blob.len == sizeof(r->point)) memcpy(&r->point, blob.ptr, sizeof(r->point));
    if (r->point.slices > r->plan.slices) r->point = (struct progress_point){0};
}

/* ---- before the check ---- */

static void tell(void *arg, const char *phase, uint64_t done, uint64_t total,
                 const char *unit)
{
    const struct run *r = arg;
    if (r->job) ndc_job_progress(r->job, (int64_t)done, (int64_t)total, unit, phase);
}

static bool tell_plan(void *arg, uint64_t bytes)
{
    struct run *r = arg;
    tell(r, "plan", bytes, (uint64_t)r->file.bytes, "bytes");
    return canceled(r);
}

static bool stop_asked(void *arg)
{
    return canceled(arg);
}

static enum ndc_err make_plan(struct run *r, struct ndc_fault *fault)
{
    struct ndc_verify *v = r->verify;
    const char *path = ndc_verify_path(v, &r->arena, r->file.file, "plan");
    struct ndc_fault ignored = {0};
    if (ndc_file_exists(path) && !ndc_plan_load(&r->plan, path, r->map, &ignored))
        return NDC_OK;
    enum ndc_err err = ndc_plan_make(&r->plan, r->map, NDC_VERIFY_FILE_ROWS_MAX, v->files,
                                     v->threads, tell_plan, r, fault);
    if (err == NDC_EINPUT || err == NDC_ETOOBIG) r->refused = true;
    return err ? err : ndc_plan_save(&r->plan, path, fault);
}

/* As many rows as the bank may still have judged today. */
static enum ndc_err check_rate(struct run *r, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    int64_t today = 0, most = 0;
    enum ndc_err err = ndc_store_take(r->verify->store, NDC_READ, &conn, fault);
    if (err) return err;
    err = ndc_verify_rows_today(conn, r->file.bank, ndc_clock_wall_ms(), &today, fault);
    if (!err)
        err = ndc_sql_i64(conn, &most,
                          "SELECT coalesce(max(rows_per_day), 0) FROM verify_bank WHERE "
                          "bank = $1",
                          NDC_ARGS(ndc_text(r->file.bank)), fault);
    ndc_store_give(conn);
    /* What this file has had judged already is among today's. */
    r->today = (uint64_t)NDC_MAX(today - r->file.done, (int64_t)0);
    if (!err && today - r->file.done + (int64_t)r->plan.rows > most) {
        r->refused = true;
        err =
            ndc_fail(fault, NDC_EBUSY, "verify.rate",
                     "with its %llu rows this file passes the %lld that the bank may "
                     "have checked a day; %lld were",
                     (unsigned long long)r->plan.rows, (long long)most, (long long)today);
    }
    return err;
}

static enum ndc_err prepare(struct run *r, struct ndc_fault *fault)
{
    struct ndc_verify *v = r->verify;
    struct ndc_projection_info info;
    const struct ndc_verify_progress progress = {r, tell, stop_asked};
    enum ndc_err err =
        ndc_file_map(&r->map, ndc_verify_path(v, &r->arena, r->file.file, "in"), fault);
    if (!err) err = make_plan(r, fault);
    if (!err) err = check_rate(r, fault);
    if (!err) {
        /* Thresholds of bulk data hold for the day: cut in parts, a file is as large. */
        err = ndc_verify_terms(&r->file, r->plan.rows + r->today, &r->input.terms,
                               r->rule, fault);
        r->refused |= err == NDC_EDENIED;
    }
    if (!err) err = ndc_verify_take(v, &r->projection, &progress, fault);
    if (!err) err = ndc_verify_frozen(v, r->projection, &r->input.terms, fault);
    if (err) return err;
    ndc_projection_info(r->projection, &info);
    r->file.generation = info.moment.generation;
    r->file.seq = info.moment.seq;
    r->file.rows = (int64_t)r->plan.rows;
    r->file.format =
        r->plan.shape.format == NDC_SHEET_CSV ? NDC_STR("csv") : NDC_STR("ndjson");
    r->file.state = NDC_FILE_CHECKING;
    if (!r->file.started_ms) r->file.started_ms = ndc_clock_wall_ms();
    r->watching = r->file.watch.len > 0;
    r->input = (struct ndc_check_input){.file = r->map,
                                        .plan = &r->plan,
                                        .projection = r->projection,
                                        .key = &v->key,
                                        .people = ndc_people(NULL),
                                        .terms = r->input.terms,
                                        .watch = r->watching,
                                        .threads = v->threads};
    return ndc_verify_file_put(v, &r->file, fault);
}

/* ---- the check ---- */

static enum ndc_err open_one(struct run *r, struct ndc_file_writer *w, const char *what,
                             uint64_t at, struct ndc_fault *fault)
{
    const char *path = ndc_verify_path(r->verify, &r->arena, r->file.file, what);
    return at ? ndc_file_resume(w, path, at, fault) : ndc_file_create(w, path, fault);
}

static enum ndc_err open_outputs(struct run *r, struct ndc_fault *fault)
{
    struct ndc_fault why = {0};
    load_point(r);
    r->out.fd = r->watch.fd = -1;
    enum ndc_err err = open_one(r, &r->out, "out", r->point.out_bytes, &why);
    if (!err && r->watching)
        err = open_one(r, &r->watch, "watch", r->point.watch_bytes, &why);
    if (err == NDC_ECONFLICT) { /* what a checkpoint tells of is not there: anew */
        ndc_file_suspend(&r->out);
        r->point = (struct progress_point){0};
        err = open_one(r, &r->out, "out", 0, fault);
        if (!err && r->watching) err = open_one(r, &r->watch, "watch", 0, fault);
    } else if (err && fault) {
        *fault = why;
    }
    r->open = !err;
    if (!err && r->point.out_bytes == 0) {
        struct ndc_buf header;
        ndc_buf_init(&header, 1 << 10);
        ndc_check_header(&header, r->plan.shape.format);
        err = ndc_file_append(&r->out, ndc_buf_str(&header), fault);
        ndc_buf_free(&header);
    }
    return err;
}

static enum ndc_err keep(struct run *r, uint64_t slices, struct ndc_fault *fault)
{
    enum ndc_err err = ndc_file_sync(&r->out, fault);
    if (!err && r->watching) err = ndc_file_sync(&r->watch, fault);
    if (err) return err;
    r->point.slices = slices;
    r->point.out_bytes = r->out.at;
    r->point.watch_bytes = r->watching ? r->watch.at : 0;
    r->file.done = (int64_t)r->point.counts.rows;
    r->file.counts = r->point.counts;
    err = save_point(r, fault);
    return err ? err : ndc_verify_file_put(r->verify, &r->file, fault);
}

static enum ndc_err check_slices(struct run *r, struct ndc_fault *fault)
{
    struct ndc_buf out, watch;
    struct ndc_check *check = ndc_check_new(&r->input);
    enum ndc_err err = NDC_OK;
    int64_t kept = ndc_clock_mono_ns();
    size_t at = (size_t)r->point.slices, n = 0;
    ndc_buf_init(&out, WINDOW_BYTES);
    ndc_buf_init(&watch, WINDOW_BYTES);
    for (; at < r->plan.slices && !err; at += n) {
        tell(r, "check", r->point.counts.rows, r->plan.rows, "rows");
        err = ndc_check_window(check, at, &n, &out, &watch, &r->point.counts, fault);
        if (!err) err = ndc_file_append(&r->out, ndc_buf_str(&out), fault);
        if (!err && r->watching)
            err = ndc_file_append(&r->watch, ndc_buf_str(&watch), fault);
        int64_t now = ndc_clock_mono_ns();
        if (!err && (now - kept) / 1000000 >= r->verify->checkpoint_ms) {
            err = keep(r, at + n, fault);
            kept = now;
        }
        if (!err && canceled(r)) err = stop_on_request(fault);
    }
    ndc_check_free(check);
    ndc_buf_free(&out);
    ndc_buf_free(&watch);
    return err;
}

/* ---- after it ---- */

static enum ndc_err hash_file(char hex[static 65], const char *path,
                              struct ndc_fault *fault)
{
    uint8_t digest[NDC_SHA256_BYTES];
    struct ndc_file_reader in;
    size_t len = 1;
    enum ndc_err err = ndc_file_open(&in, path, fault);
    if (err) return err;
    char *buf = ndc_xmalloc(HASH_BYTES);
    struct ndc_sha256 *sha = ndc_sha256_new();
    while (len && !err) {
        err = ndc_file_next(&in, buf, HASH_BYTES, &len, fault);
        if (!err) ndc_sha256_add(sha, ndc_str_n(buf, len));
    }
    ndc_sha256_end(sha, digest);
    ndc_digest_hex(hex, digest);
    ndc_file_close(&in);
    free(buf);
    return err;
}

enum ndc_err ndc_verify_sign(struct ndc_verify *v, struct ndc_arena *arena,
                             struct ndc_verify_file *file, struct ndc_fault *fault)
{
    char hex[65];
    uint8_t bytes[NDC_SIGN_SIGNATURE_BYTES];
    struct ndc_buf text;
    enum ndc_err err =
        hash_file(hex, ndc_verify_path(v, arena, file->file, "out"), fault);
    if (err) return err;
    ndc_sign(bytes, v->sign_key,
             ndc_arena_printf(arena, "ndc-verify-result\n%.*s\n%s\n",
                              NDC_STR_FMT(file->file), hex));
    ndc_buf_init(&text, 256);
    ndc_base64_add(&text, bytes, sizeof(bytes));
    file->result_sha256 = ndc_arena_str(arena, ndc_str(hex));
    file->result_signature = ndc_arena_str(arena, ndc_buf_str(&text));
    ndc_buf_free(&text);
    return NDC_OK;
}

/* One entry a file: who had how many looked up, for what, and what came of it. */
enum ndc_err ndc_verify_log(const struct ndc_verify_file *f, bool denied,
                            const char *rule, struct ndc_fault *fault)
{
    static const char *const fields[] = {"person_id", "full_name", "birth_date",
                                         "status"};
    struct ndc_audit *audit = ndc_audit_get();
    const uint64_t *by = f->counts.by;
    char detail[NDC_AUDIT_TEXT_MAX];
    if (!audit) return NDC_OK;
    snprintf(detail, sizeof(detail),
             "file=%.*s rows=%llu match=%llu mismatch=%llu not_found=%llu dead=%llu "
             "replaced=%llu frozen=%llu",
             NDC_STR_FMT(f->file), (unsigned long long)f->counts.rows,
             (unsigned long long)by[NDC_VERDICT_MATCH],
             (unsigned long long)by[NDC_VERDICT_MISMATCH],
             (unsigned long long)by[NDC_VERDICT_NOT_FOUND],
             (unsigned long long)by[NDC_VERDICT_DEAD],
             (unsigned long long)by[NDC_VERDICT_REPLACED],
             (unsigned long long)by[NDC_VERDICT_FROZEN]);
    struct ndc_audit_event e = {.principal = f->principal,
                                .agency = f->bank,
                                .action = NDC_STR("verify"),
                                .purpose = f->purpose,
                                .legal_basis = f->legal_basis,
                                .platform = NDC_STR("verify"),
                                .outcome = denied ? NDC_POLICY_DENY : NDC_POLICY_PARTIAL,
                                .rule = ndc_str(rule),
                                .detail = ndc_str(detail)};
    for (size_t i = 0; i < NDC_ARRAY_LEN(fields); i++)
        ndc_field_set_add(&e.fields, ndc_field_find(ndc_str(fields[i]))->id);
    return ndc_audit_append_wait(audit, &e, NULL, fault);
}

static enum ndc_err price(struct run *r, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    enum ndc_err err = ndc_store_take(r->verify->store, NDC_READ, &conn, fault);
    if (err) return err;
    err = ndc_verify_cost(conn, r->file.bank, &r->file.counts, &r->file.cost_dong, fault);
    ndc_store_give(conn);
    return err;
}

/* The verdicts are whole and have their name: they are signed, and the file is done. */
static enum ndc_err conclude(struct run *r, struct ndc_fault *fault)
{
    struct ndc_verify *v = r->verify;
    enum ndc_err err = ndc_verify_sign(v, &r->arena, &r->file, fault);
    if (!err && r->watching)
        err = ndc_verify_watch_set(
            v, r->file.bank, r->file.watch, r->file.file,
            (int64_t)(r->point.watch_bytes / sizeof(struct ndc_watch_row)), fault);
    if (err) return err;
    r->file.state = NDC_FILE_DONE;
    r->file.finished_ms = ndc_clock_wall_ms();
    err = ndc_verify_file_put(v, &r->file, fault);
    /* What the bank sent of its customers is needed no longer. */
    if (!err)
        err = ndc_file_remove(ndc_verify_path(v, &r->arena, r->file.file, "in"), fault);
    if (!err)
        err = ndc_file_remove(ndc_verify_path(v, &r->arena, r->file.file, "plan"), fault);
    return err;
}

/* The verdicts get their name last: before that nobody can fetch them. */
static enum ndc_err finish(struct run *r, struct ndc_fault *fault)
{
    enum ndc_err err = keep(r, r->plan.slices, fault);
    r->file.result_bytes = (int64_t)r->out.at;
    if (!err) err = price(r, fault);
    if (!err) err = ndc_verify_log(&r->file, false, r->rule, fault);
    if (!err && r->watching) err = ndc_file_finish(&r->watch, fault);
    if (!err) err = ndc_file_finish(&r->out, fault);
    return err ? err : conclude(r, fault);
}

/* The verdicts are all there and only their file's row is not: a crash came between. */
static bool is_written(struct run *r)
{
    load_point(r);
    return r->point.slices && r->point.slices == r->plan.slices &&
           ndc_file_exists(ndc_verify_path(r->verify, &r->arena, r->file.file, "out"));
}

static enum ndc_err finish_written(struct run *r, struct ndc_fault *fault)
{
    const char *watch = ndc_verify_path(r->verify, &r->arena, r->file.file, "watch");
    if (!ndc_file_exists(watch)) r->watching = false;
    r->file.counts = r->point.counts;
    r->file.done = (int64_t)r->point.counts.rows;
    r->file.result_bytes = (int64_t)r->point.out_bytes;
    enum ndc_err err = price(r, fault);
    return err ? err : conclude(r, fault);
}

/* A refusal or failure becomes the file's state. */
static enum ndc_err settle(struct run *r, enum ndc_err err, struct ndc_fault *fault)
{
    struct ndc_fault why = *fault, ignored = {0};
    bool again = err == NDC_ECANCELED || err == NDC_EBUSY || err == NDC_EDB;
    if (again && !r->refused) return err; /* the job's to repeat, or to end */
    r->file.state = r->refused ? NDC_FILE_REFUSED : NDC_FILE_FAILED;
    r->file.error_code = ndc_str(why.code);
    r->file.error = ndc_str(why.message);
    r->file.finished_ms = ndc_clock_wall_ms();
    if (r->refused && ndc_verify_log(&r->file, true, r->rule, &ignored))
        ndc_log(NDC_LOG_WARN, "verify", "a refusal is not in the log: %s",
                ignored.message);
    enum ndc_err put = ndc_verify_file_put(r->verify, &r->file, &ignored);
    if (!put && r->refused) put = ndc_verify_remove(r->verify, r->file.file, &ignored);
    if (!r->refused) return err;
    if (put)
        *fault = ignored;
    else
        *fault = (struct ndc_fault){0};
    return put;
}

static void close_run(struct run *r)
{
    if (r->open) { /* what is unfinished stays, to be gone on with */
        if (r->out.fd >= 0) ndc_file_suspend(&r->out);
        if (r->watching && r->watch.fd >= 0) ndc_file_suspend(&r->watch);
    }
    free((void *)(uintptr_t)r->input.terms.frozen);
    ndc_projection_unref(r->projection);
    ndc_plan_free(&r->plan);
    ndc_file_unmap(&r->map);
    ndc_arena_free(&r->arena);
}

static enum ndc_err run_file(struct run *r, struct ndc_str file, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    enum ndc_err err = ndc_store_take(r->verify->store, NDC_READ, &conn, fault);
    if (err) return err;
    err = ndc_verify_file_get(conn, &r->arena, file, &r->file, fault);
    ndc_store_give(conn);
    if (err || (r->file.state != NDC_FILE_QUEUED && r->file.state != NDC_FILE_CHECKING))
        return err;
    err = prepare(r, fault);
    if (!err && is_written(r)) {
        err = finish_written(r, fault);
    } else {
        if (!err) err = open_outputs(r, fault);
        if (!err) err = check_slices(r, fault);
        if (!err) err = finish(r, fault);
    }
    return err ? settle(r, err, fault) : NDC_OK;
}

enum ndc_err ndc_verify_run(struct ndc_verify *verify, struct ndc_str file,
                            struct ndc_job *job, struct ndc_fault *fault)
{
    struct ndc_fault own = {0};
    struct run *r = ndc_xcalloc(1, sizeof(*r));
    r->verify = verify;
    r->job = job;
    ndc_arena_init(&r->arena, ARENA_BYTES);
    enum ndc_err err = run_file(r, file, &own);
    close_run(r);
    free(r);
    if (err && fault) *fault = own;
    return err;
}

const char *ndc_verify_path(const struct ndc_verify *verify, struct ndc_arena *arena,
                            struct ndc_str file, const char *what)
{
    return ndc_arena_printf(arena, "%s/%.*s.%s", verify->files, NDC_STR_FMT(file), what)
        .ptr;
}

enum ndc_err ndc_verify_remove(struct ndc_verify *verify, struct ndc_str file,
                               struct ndc_fault *fault)
{
    static const char *const parts[] = {"in",  "in.part",  "plan",  "plan.part",
                                        "out", "out.part", "watch", "watch.part"};
    struct ndc_arena arena;
    enum ndc_err err = NDC_OK;
    ndc_arena_init(&arena, 1 << 16);
    for (size_t i = 0; i < NDC_ARRAY_LEN(parts) && !err; i++)
        err = ndc_file_remove(ndc_verify_path(verify, &arena, file, parts[i]), fault);
    ndc_arena_free(&arena);
    return err;
}

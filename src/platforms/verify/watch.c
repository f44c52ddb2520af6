/* Watches: what a bank has had checked and wants to hear of again. A watch is the hashed
 * rows of a file, without names or numbers; a delta judges them anew and tells the rows
 * whose verdict is another now. */
#include "platforms/verify/files.h"

#include "core/audit.h"
#include "crypto/base64.h"
#include "crypto/token.h"
#include "store/writer.h"
#include "sys/clock.h"
#include "sys/file.h"

enum { WATCHES_MAX = 10000, ARENA_BYTES = 4 << 20, PORTION = 1 << 16 };

enum ndc_err ndc_verify_watch_list(struct ndc_store_conn *conn, struct ndc_arena *arena,
                                   struct ndc_str bank, struct ndc_verify_watch **out,
                                   size_t *n, struct ndc_fault *fault)
{
    struct ndc_rows *rows =
        ndc_sql_query(conn,
                      "SELECT bank, watch, file, row_count, checked_ms FROM verify_watch "
                      "WHERE bank = $1 OR $1 = '' ORDER BY bank, watch LIMIT 10000",
                      NDC_ARGS(ndc_text(bank.len ? bank : NDC_STR(""))));
    *out = NULL;
    *n = 0;
    size_t cap = 0;
    while (*n < WATCHES_MAX && ndc_rows_next(rows)) {
        if (*n == cap) {
            struct ndc_verify_watch *more =
                NDC_ARENA_ARRAY(arena, struct ndc_verify_watch, cap ? cap * 2 : 16);
            if (*n) memcpy(more, *out, *n * sizeof(*more));
            *out = more;
            cap = cap ? cap * 2 : 16;
        }
        (*out)[(*n)++] =
            (struct ndc_verify_watch){ndc_arena_str(arena, ndc_rows_text(rows, 0)),
                                      ndc_arena_str(arena, ndc_rows_text(rows, 1)),
                                      ndc_arena_str(arena, ndc_rows_text(rows, 2)),
                                      ndc_rows_i64(rows, 3), ndc_rows_i64(rows, 4)};
    }
    return ndc_rows_end(rows, fault);
}

struct change {
    struct ndc_str bank, watch, file;
    int64_t rows, now_ms;
    char before[NDC_VERIFY_ID_LEN + 1]; /* whose rows it had */
};

static enum ndc_err read_before(struct ndc_store_conn *conn, struct change *c,
                                struct ndc_fault *fault)
{
    struct ndc_rows *rows = ndc_sql_query(
        conn, "SELECT file FROM verify_watch WHERE bank = $1 AND watch = $2",
        NDC_ARGS(ndc_text(c->bank), ndc_text(c->watch)));
    c->before[0] = 0;
    if (ndc_rows_next(rows)) {
        struct ndc_str id = ndc_rows_text(rows, 0);
        size_t len = NDC_MIN(id.len, (size_t)NDC_VERIFY_ID_LEN);
        memcpy(c->before, id.ptr, len);
        c->before[len] = 0;
    }
    return ndc_rows_end(rows, fault);
}

static enum ndc_err set(struct ndc_store_conn *conn, void *arg, struct ndc_fault *fault)
{
    struct change *c = arg;
    enum ndc_err err = read_before(conn, c, fault);
    return err ? err
               : ndc_sql_exec(conn,
                              "INSERT INTO verify_watch (bank, watch, file, row_count, "
                              "checked_ms) "
                              "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (bank, watch) DO "
                              "UPDATE SET "
                              "file = excluded.file, row_count = excluded.row_count, "
                              "checked_ms = excluded.checked_ms",
                              NDC_ARGS(ndc_text(c->bank), ndc_text(c->watch),
                                       ndc_text(c->file), ndc_int(c->rows),
                                       ndc_int(c->now_ms)),
                              NULL, fault);
}

static enum ndc_err drop(struct ndc_store_conn *conn, void *arg, struct ndc_fault *fault)
{
    struct change *c = arg;
    enum ndc_err err = read_before(conn, c, fault);
    return err ? err
               : ndc_sql_exec(
                     conn, "DELETE FROM verify_watch WHERE bank = $1 AND watch = $2",
                     NDC_ARGS(ndc_text(c->bank), ndc_text(c->watch)), NULL, fault);
}

static enum ndc_err remove_rows(struct ndc_verify *v, const char *file,
                                struct ndc_fault *fault)
{
    struct ndc_arena arena;
    ndc_arena_init(&arena, 1 << 16);
    enum ndc_err err =
        ndc_file_remove(ndc_verify_path(v, &arena, ndc_str(file), "watch"), fault);
    ndc_arena_free(&arena);
    return err;
}

enum ndc_err ndc_verify_watch_set(struct ndc_verify *v, struct ndc_str bank,
                                  struct ndc_str watch, struct ndc_str file, int64_t rows,
                                  struct ndc_fault *fault)
{
    struct change c = {bank, watch, file, rows, ndc_clock_wall_ms(), ""};
    enum ndc_err err = ndc_store_write(v->store, set, &c, fault);
    if (!err && c.before[0] && !ndc_str_eq_c(file, c.before))
        err = remove_rows(v, c.before, fault);
    return err;
}

enum ndc_err ndc_verify_watch_drop(struct ndc_verify *v, struct ndc_str bank,
                                   struct ndc_str watch, struct ndc_fault *fault)
{
    struct change c = {bank, watch, NDC_STR_NULL, 0, 0, ""};
    enum ndc_err err = ndc_store_write(v->store, drop, &c, fault);
    if (!err && !c.before[0])
        err = ndc_fail(fault, NDC_ENOTFOUND, "verify.no_watch", "there is no such watch");
    return err ? err : remove_rows(v, c.before, fault);
}

/* ---- deltas ---- */

enum ndc_err ndc_verify_delta_start(struct ndc_verify *v,
                                    const struct ndc_verify_watch *watch,
                                    char file[NDC_VERIFY_ID_LEN + 1],
                                    struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    struct ndc_arena arena;
    struct ndc_verify_file from = {0};
    char earlier[NDC_VERIFY_ID_LEN + 1];
    ndc_arena_init(&arena, ARENA_BYTES);
    enum ndc_err err = ndc_store_take(v->store, NDC_READ, &conn, fault);
    if (!err) {
        err = ndc_verify_file_get(conn, &arena, watch->file, &from, fault);
        ndc_store_give(conn);
    }
    ndc_token_id(file, NDC_VERIFY_ID_LEN);
    /* Who asked for the watch asks for its deltas: their purpose, their roles of then. */
    struct ndc_verify_file delta = from;
    delta.file = delta.idempotency_key = ndc_str(file);
    delta.kind = NDC_STR("delta");
    delta.name = delta.watch = watch->watch;
    delta.sha256 = NDC_STR("");
    delta.state = NDC_FILE_QUEUED;
    delta.bytes = 0;
    delta.created_ms = ndc_clock_wall_ms();
    if (!err) err = ndc_verify_file_add(v, &delta, earlier, fault);
    if (!err && v->app && ndc_app_jobs(v->app))
        err = ndc_verify_submit(v, "delta", delta.file, delta.principal, fault);
    else if (!err)
        err = ndc_verify_delta_run(v, delta.file, NULL, fault);
    ndc_arena_free(&arena);
    return err;
}

struct delta {
    struct ndc_verify *verify;
    struct ndc_job *job;
    struct ndc_arena arena;
    struct ndc_verify_file file;
    struct ndc_str from; /* file whose rows are watched */
    struct ndc_str map;
    struct ndc_projection *projection;
    struct ndc_judge_terms terms;
    const struct ndc_watch_row *rows;
    size_t first, n; /* the portion */
    struct ndc_judgement *judged;
};

static void judge_part(void *arg, size_t i)
{
    struct delta *d = arg;
    enum { PART = 1024 };
    for (size_t k = i * PART; k < NDC_MIN((i + 1) * PART, d->n); k++)
        ndc_judge(&d->judged[k], &d->rows[d->first + k].probe, d->projection,
                  &d->verify->key, &d->terms);
}

static bool differs(const struct ndc_watch_row *row, const struct ndc_judgement *j)
{
    return row->verdict != j->verdict || row->at != j->at;
}

/* A portion's rows: those that differ to `out`, all of them as they are now to `kept`. */
static enum ndc_err write_portion(struct delta *d, struct ndc_file_writer *out,
                                  struct ndc_file_writer *kept, struct ndc_buf *buf,
                                  struct ndc_fault *fault)
{
    ndc_buf_reset(buf);
    for (size_t k = 0; k < d->n; k++) {
        struct ndc_watch_row row = d->rows[d->first + k];
        const struct ndc_judgement *j = &d->judged[k];
        if (differs(&row, j)) {
            struct ndc_str account = {row.account,
                                      strnlen(row.account, sizeof(row.account))};
            ndc_verdict_write(buf, NDC_SHEET_CSV, (uint64_t)(d->first + k), account, j,
                              &row.probe, NDC_REPEAT_NONE);
            d->file.counts.rows++;
            d->file.counts.by[j->verdict]++;
        }
        row.verdict = j->verdict;
        row.at = j->at;
        row.notes = j->notes;
        enum ndc_err err =
            ndc_file_append(kept, ndc_str_n((const char *)&row, sizeof(row)), fault);
        if (err) return err;
    }
    return ndc_file_append(out, ndc_buf_str(buf), fault);
}

static enum ndc_err judge_all(struct delta *d, struct ndc_file_writer *out,
                              struct ndc_file_writer *kept, struct ndc_fault *fault)
{
    struct ndc_buf buf;
    size_t total = d->map.len / sizeof(*d->rows);
    enum ndc_err err = NDC_OK;
    d->rows = (const struct ndc_watch_row *)(const void *)d->map.ptr;
    d->judged = ndc_xmalloc(PORTION * sizeof(*d->judged));
    ndc_buf_init(&buf, 256 << 20);
    ndc_check_header(&buf, NDC_SHEET_CSV);
    err = ndc_file_append(out, ndc_buf_str(&buf), fault);
    for (; d->first < total && !err; d->first += d->n) {
        d->n = NDC_MIN((size_t)PORTION, total - d->first);
        if (d->job)
            ndc_job_progress(d->job, (int64_t)d->first, (int64_t)total, "rows", "check");
        ndc_parallel_for(d->verify->threads, (d->n + 1023) / 1024, judge_part, d);
        err = write_portion(d, out, kept, &buf, fault);
        if (!err && d->job && ndc_job_canceled(d->job))
            err = ndc_fail(fault, NDC_ECANCELED, "job.canceled", "stopped on request");
    }
    d->file.rows = d->file.done = (int64_t)total;
    free(d->judged);
    ndc_buf_free(&buf);
    return err;
}

static enum ndc_err find_rows(struct delta *d, struct ndc_str file,
                              struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    struct ndc_verify_watch *watches;
    size_t n;
    enum ndc_err err = ndc_store_take(d->verify->store, NDC_READ, &conn, fault);
    if (err) return err;
    err = ndc_verify_file_get(conn, &d->arena, file, &d->file, fault);
    if (!err)
        err = ndc_verify_watch_list(conn, &d->arena, d->file.bank, &watches, &n, fault);
    ndc_store_give(conn);
    for (size_t i = 0; !err && i < n; i++)
        if (ndc_str_eq(watches[i].watch, d->file.watch)) d->from = watches[i].file;
    if (!err && !d->from.len)
        err = ndc_fail(fault, NDC_ENOTFOUND, "verify.no_watch",
                       "the watch was dropped before its delta was made");
    return err;
}

static enum ndc_err log_delta(struct delta *d, struct ndc_fault *fault)
{
    struct ndc_audit *audit = ndc_audit_get();
    if (!audit) return NDC_OK;
    struct ndc_audit_event e = {
        .principal = d->file.principal,
        .agency = d->file.bank,
        .action = NDC_STR("verify.delta"),
        .purpose = d->file.purpose,
        .legal_basis = d->file.legal_basis,
        .platform = NDC_STR("verify"),
        .outcome = NDC_POLICY_PARTIAL,
        .detail = ndc_arena_printf(&d->arena, "file=%.*s rows=%lld changed=%llu",
                                   NDC_STR_FMT(d->file.file), (long long)d->file.rows,
                                   (unsigned long long)d->file.counts.rows)};
    return ndc_audit_append_wait(audit, &e, NULL, fault);
}

/* The rows as they are now are the delta's; the watch takes them over once the delta is
 * done. A crash before makes it again from the old rows, so no change is lost. */
static enum ndc_err make_delta(struct delta *d, struct ndc_fault *fault)
{
    struct ndc_verify *v = d->verify;
    struct ndc_file_writer out = {.fd = -1}, kept = {.fd = -1};
    struct ndc_projection_info info;
    const char *rows = ndc_verify_path(v, &d->arena, d->from, "watch");
    const char *result = ndc_verify_path(v, &d->arena, d->file.file, "out");
    enum ndc_err err =
        ndc_verify_terms(&d->file, 0, &d->terms, NULL, fault); /* counted at its check */
    if (!err) err = ndc_verify_take(v, &d->projection, NULL, fault);
    if (!err) err = ndc_verify_frozen(v, d->projection, &d->terms, fault);
    if (!err) err = ndc_file_map(&d->map, rows, fault);
    if (!err) err = ndc_file_create(&out, result, fault);
    if (!err)
        err = ndc_file_create(&kept, ndc_verify_path(v, &d->arena, d->file.file, "watch"),
                              fault);
    d->file.started_ms = ndc_clock_wall_ms();
    if (!err) err = judge_all(d, &out, &kept, fault);
    if (!err) err = log_delta(d, fault);
    d->file.result_bytes = (int64_t)out.at;
    if (!err) err = ndc_file_finish(&out, fault);
    if (!err) err = ndc_file_finish(&kept, fault);
    if (err) {
        ndc_file_abandon(&out);
        ndc_file_abandon(&kept);
        return err;
    }
    ndc_projection_info(d->projection, &info);
    d->file.generation = info.moment.generation;
    d->file.seq = info.moment.seq;
    d->file.format = NDC_STR("csv");
    return ndc_verify_sign(v, &d->arena, &d->file, fault);
}

enum ndc_err ndc_verify_delta_run(struct ndc_verify *v, struct ndc_str file,
                                  struct ndc_job *job, struct ndc_fault *fault)
{
    struct ndc_fault own = {0}, ignored = {0};
    struct delta *d = ndc_xcalloc(1, sizeof(*d));
    d->verify = v;
    d->job = job;
    ndc_arena_init(&d->arena, ARENA_BYTES);
    enum ndc_err err = find_rows(d, file, &own);
    bool open = d->file.state == NDC_FILE_QUEUED || d->file.state == NDC_FILE_CHECKING;
    if (!err && open) err = make_delta(d, &own);
    bool again = err == NDC_ECANCELED || err == NDC_EBUSY || err == NDC_EDB;
    if (open && d->file.file.len && !again) {
        d->file.finished_ms = ndc_clock_wall_ms();
        d->file.state = !err                 ? NDC_FILE_DONE
                        : err == NDC_EDENIED ? NDC_FILE_REFUSED
                                             : NDC_FILE_FAILED;
        d->file.error_code = ndc_str(own.code);
        d->file.error = ndc_str(own.message);
        enum ndc_err put = ndc_verify_file_put(v, &d->file, err ? &ignored : &own);
        if (!err) err = put;
    }
    if (!err && open)
        err = ndc_verify_watch_set(v, d->file.bank, d->file.watch, d->file.file,
                                   d->file.rows, &own);
    free((void *)(uintptr_t)d->terms.frozen);
    ndc_projection_unref(d->projection);
    ndc_file_unmap(&d->map);
    ndc_arena_free(&d->arena);
    free(d);
    if (err && fault) *fault = own;
    return err;
}

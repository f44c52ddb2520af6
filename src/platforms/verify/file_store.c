/* Files of banks in the database. */
#include "platforms/verify/files.h"

#include "store/writer.h"
#include "sys/clock.h"

enum { DAY_MS = 86400000, ZONE_MS = 7 * 3600000, ARENA_BYTES = 1 << 20 };

static const char *const states[NDC_FILE_STATE_COUNT] = {
    "queued", "checking", "done", "refused", "failed", "withdrawn"};

const char *ndc_file_state_name(enum ndc_file_state state)
{
    NDC_ASSERT((size_t)state < NDC_ARRAY_LEN(states));
    return states[state];
}

static enum ndc_file_state state_of(struct ndc_str word)
{
    for (int i = 0; i < NDC_FILE_STATE_COUNT; i++)
        if (ndc_str_eq_c(word, states[i])) return (enum ndc_file_state)i;
    return NDC_FILE_FAILED;
}

void ndc_counts_write(struct ndc_json *j, const struct ndc_counts *c)
{
    ndc_json_object(j);
    ndc_json_kv_u64(j, "rows", c->rows);
    ndc_json_kv_u64(j, "organisations", c->organisations);
    for (int i = 0; i < NDC_VERDICT_COUNT; i++)
        ndc_json_kv_u64(j, ndc_verdict_name((enum ndc_verdict)i), c->by[i]);
    ndc_json_end(j);
}

static void read_counts(struct ndc_counts *c, struct ndc_str text)
{
    struct json_object *o;
    *c = (struct ndc_counts){0};
    if (!text.len || ndc_json_parse(&o, text, NULL)) return;
    c->rows = (uint64_t)ndc_json_get_i64(o, "rows", 0);
    c->organisations = (uint64_t)ndc_json_get_i64(o, "organisations", 0);
    for (int i = 0; i < NDC_VERDICT_COUNT; i++)
        c->by[i] =
            (uint64_t)ndc_json_get_i64(o, ndc_verdict_name((enum ndc_verdict)i), 0);
    json_object_put(o);
}

/* ---- reading ---- */

#define COLUMNS                                                                        \
    "file, bank, kind, name, idempotency_key, sha256, watch, state, job, principal, "  \
    "principal_kind, agency, roles, purpose, legal_basis, signed, bytes, created_ms, " \
    "started_ms, finished_ms, row_count, done, format, counts, cost_dong, "            \
    "result_bytes, generation, seq, result_sha256, result_signature, error_code, error"

static void read_row(struct ndc_rows *r, struct ndc_arena *arena,
                     struct ndc_verify_file *f)
{
    struct ndc_str *texts[] = {
        &f->file,           &f->bank,   &f->kind,  &f->name,    &f->idempotency_key,
        &f->sha256,         &f->watch,  NULL,      &f->job,     &f->principal,
        &f->principal_kind, &f->agency, &f->roles, &f->purpose, &f->legal_basis};
    *f = (struct ndc_verify_file){0};
    for (unsigned i = 0; i < NDC_ARRAY_LEN(texts); i++)
        if (texts[i]) *texts[i] = ndc_arena_str(arena, ndc_rows_text(r, i));
    f->state = state_of(ndc_rows_text(r, 7));
    f->is_signed = ndc_rows_i64(r, 15) != 0;
    f->bytes = ndc_rows_i64(r, 16);
    f->created_ms = ndc_rows_i64(r, 17);
    f->started_ms = ndc_rows_i64(r, 18);
    f->finished_ms = ndc_rows_i64(r, 19);
    f->rows = ndc_rows_i64(r, 20);
    f->done = ndc_rows_i64(r, 21);
    f->format = ndc_arena_str(arena, ndc_rows_text(r, 22));
    read_counts(&f->counts, ndc_rows_text(r, 23));
    f->cost_dong = ndc_rows_i64(r, 24);
    f->result_bytes = ndc_rows_i64(r, 25);
    f->generation = ndc_rows_i64(r, 26);
    f->seq = ndc_rows_i64(r, 27);
    f->result_sha256 = ndc_arena_str(arena, ndc_rows_text(r, 28));
    f->result_signature = ndc_arena_str(arena, ndc_rows_text(r, 29));
    f->error_code = ndc_arena_str(arena, ndc_rows_text(r, 30));
    f->error = ndc_arena_str(arena, ndc_rows_text(r, 31));
}

enum ndc_err ndc_verify_file_get(struct ndc_store_conn *conn, struct ndc_arena *arena,
                                 struct ndc_str file, struct ndc_verify_file *out,
                                 struct ndc_fault *fault)
{
    struct ndc_rows *rows =
        ndc_sql_query(conn, "SELECT " COLUMNS " FROM verify_file WHERE file = $1",
                      NDC_ARGS(ndc_text(file)));
    bool found = ndc_rows_next(rows);
    if (found) read_row(rows, arena, out);
    enum ndc_err err = ndc_rows_end(rows, fault);
    if (!err && !found)
        err =
            ndc_fail(fault, NDC_ENOTFOUND, "verify.no_file", "there is no file \"%.*s\"",
                     (int)NDC_MIN(file.len, (size_t)40), file.ptr);
    return err;
}

enum ndc_err ndc_verify_file_list(struct ndc_store_conn *conn, struct ndc_arena *arena,
                                  struct ndc_str bank, int64_t before_ms, size_t max,
                                  struct ndc_verify_file **out, size_t *n,
                                  struct ndc_fault *fault)
{
    static const char of_bank[] =
        "SELECT " COLUMNS " FROM verify_file WHERE bank = $1 AND created_ms < $2 "
        "ORDER BY created_ms DESC, file LIMIT $3";
    static const char all[] =
        "SELECT " COLUMNS " FROM verify_file WHERE created_ms < $2 AND $1 = '' "
        "ORDER BY created_ms DESC, file LIMIT $3";
    struct ndc_rows *rows =
        ndc_sql_query(conn, bank.len ? of_bank : all,
                      NDC_ARGS(ndc_text(bank.len ? bank : NDC_STR("")),
                               ndc_int(before_ms), ndc_int((int64_t)max)));
    *out = NDC_ARENA_ARRAY(arena, struct ndc_verify_file, max + 1);
    *n = 0;
    while (*n < max && ndc_rows_next(rows))
        read_row(rows, arena, &(*out)[(*n)++]);
    return ndc_rows_end(rows, fault);
}

enum ndc_err ndc_verify_rows_today(struct ndc_store_conn *conn, struct ndc_str bank,
                                   int64_t now_ms, int64_t *rows, struct ndc_fault *fault)
{
    /* Midnight in Việt Nam. */
    int64_t midnight = (now_ms + ZONE_MS) / DAY_MS * DAY_MS - ZONE_MS;
    return ndc_sql_i64(conn, rows,
                       "SELECT coalesce(sum(done), 0) FROM verify_file WHERE bank = $1 "
                       "AND created_ms >= $2 AND kind = 'file'",
                       NDC_ARGS(ndc_text(bank), ndc_int(midnight)), fault);
}

/* ---- adding ---- */

struct adding {
    const struct ndc_verify_file *file;
    int64_t now_ms;
    char *earlier;
};

static enum ndc_err find_earlier(struct ndc_store_conn *conn, struct adding *a,
                                 struct ndc_fault *fault)
{
    const struct ndc_verify_file *f = a->file;
    bool same = true;
    struct ndc_rows *rows =
        ndc_sql_query(conn,
                      "SELECT file, sha256, watch, purpose FROM verify_file "
                      "WHERE bank = $1 AND idempotency_key = $2",
                      NDC_ARGS(ndc_text(f->bank), ndc_text(f->idempotency_key)));
    a->earlier[0] = 0;
    if (ndc_rows_next(rows)) {
        struct ndc_str id = ndc_rows_text(rows, 0);
        size_t len = NDC_MIN(id.len, (size_t)NDC_VERIFY_ID_LEN);
        memcpy(a->earlier, id.ptr, len);
        a->earlier[len] = 0;
        same = ndc_str_eq(ndc_rows_text(rows, 1), f->sha256) &&
               ndc_str_eq(ndc_rows_text(rows, 2), f->watch) &&
               ndc_str_eq(ndc_rows_text(rows, 3), f->purpose);
    }
    enum ndc_err err = ndc_rows_end(rows, fault);
    if (!err && !same)
        err =
            ndc_fail_at(fault, NDC_ECONFLICT, "verify.key_reused", "Idempotency-Key", 0,
                        "this Idempotency-Key came with another file, watch or purpose: "
                        "file %s",
                        a->earlier);
    return err;
}

struct limits {
    int64_t rows_per_day, files_open_max, suspended;
};

static enum ndc_err read_limits(struct ndc_store_conn *conn, struct ndc_str bank,
                                struct limits *out, struct ndc_fault *fault)
{
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT rows_per_day, files_open_max, suspended FROM verify_bank WHERE bank = $1",
        NDC_ARGS(ndc_text(bank)));
    bool found = ndc_rows_next(rows);
    if (found)
        *out = (struct limits){ndc_rows_i64(rows, 0), ndc_rows_i64(rows, 1),
                               ndc_rows_i64(rows, 2)};
    enum ndc_err err = ndc_rows_end(rows, fault);
    if (!err && !found)
        err = ndc_fail_at(fault, NDC_EDENIED, "verify.unknown_bank", "bank", 0,
                          "\"%.*s\" is no bank that may have accounts checked; an "
                          "operator registers it",
                          NDC_STR_FMT(bank));
    if (!err && out->suspended)
        err = ndc_fail_at(fault, NDC_EDENIED, "verify.suspended", "bank", 0,
                          "checks for \"%.*s\" are suspended; ask the data centre",
                          NDC_STR_FMT(bank));
    return err;
}

static enum ndc_err check_limits(struct ndc_store_conn *conn, const struct adding *a,
                                 struct ndc_fault *fault)
{
    struct limits limits = {0};
    int64_t open = 0, rows = 0;
    enum ndc_err err = read_limits(conn, a->file->bank, &limits, fault);
    if (!err)
        err = ndc_sql_i64(conn, &open,
                          "SELECT count(*) FROM verify_file WHERE bank = $1 AND "
                          "state IN ('queued', 'checking') AND kind = 'file'",
                          NDC_ARGS(ndc_text(a->file->bank)), fault);
    if (!err && open >= limits.files_open_max) {
        err = ndc_fail(fault, NDC_EBUSY, "verify.files_open",
                       "%lld files of this bank are not finished yet; wait for one",
                       (long long)open);
        if (fault) fault->http_status = 429;
    }
    if (!err) err = ndc_verify_rows_today(conn, a->file->bank, a->now_ms, &rows, fault);
    if (!err && rows >= limits.rows_per_day) {
        err = ndc_fail(fault, NDC_EBUSY, "verify.rate",
                       "%lld rows were checked today, of at most %lld; go on tomorrow",
                       (long long)rows, (long long)limits.rows_per_day);
        if (fault) fault->http_status = 429;
    }
    return err;
}

/* What is not set is an empty text. */
static struct ndc_val text_of(struct ndc_str s)
{
    return ndc_text(s.ptr ? s : NDC_STR(""));
}

static enum ndc_err insert(struct ndc_store_conn *conn, const struct ndc_verify_file *f,
                           struct ndc_fault *fault)
{
    return ndc_sql_exec(
        conn,
        "INSERT INTO verify_file (" COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, "
        "'', $9, $10, $11, $12, $13, $14, $15, $16, $17, 0, 0, 0, 0, '', '', 0, 0, 0, 0, "
        "'', '', '', '')",
        NDC_ARGS(text_of(f->file), text_of(f->bank), text_of(f->kind), text_of(f->name),
                 text_of(f->idempotency_key), text_of(f->sha256), text_of(f->watch),
                 ndc_textz(states[f->state]), text_of(f->principal),
                 text_of(f->principal_kind), text_of(f->agency), text_of(f->roles),
                 text_of(f->purpose), text_of(f->legal_basis), ndc_int(f->is_signed),
                 ndc_int(f->bytes), ndc_int(f->created_ms)),
        NULL, fault);
}

static enum ndc_err add(struct ndc_store_conn *conn, void *arg, struct ndc_fault *fault)
{
    struct adding *a = arg;
    enum ndc_err err = find_earlier(conn, a, fault);
    if (err || a->earlier[0]) return err;
    if (ndc_str_eq(a->file->kind, NDC_STR("file"))) err = check_limits(conn, a, fault);
    return err ? err : insert(conn, a->file, fault);
}

enum ndc_err ndc_verify_file_add(struct ndc_verify *v, const struct ndc_verify_file *file,
                                 char earlier[NDC_VERIFY_ID_LEN + 1],
                                 struct ndc_fault *fault)
{
    struct adding a = {file, ndc_clock_wall_ms(), earlier};
    return ndc_store_write(v->store, add, &a, fault);
}

/* ---- changing ---- */

struct putting {
    const struct ndc_verify_file *file;
    struct ndc_str counts;
};

static enum ndc_err put(struct ndc_store_conn *conn, void *arg, struct ndc_fault *fault)
{
    const struct putting *p = arg;
    const struct ndc_verify_file *f = p->file;
    /* A file that was withdrawn meanwhile stays so. */
    return ndc_sql_exec(
        conn,
        "UPDATE verify_file SET state = $2, job = $3, started_ms = $4, finished_ms = $5, "
        "row_count = $6, done = $7, format = $8, counts = $9, cost_dong = $10, "
        "result_bytes = $11, generation = $12, seq = $13, result_sha256 = $14, "
        "result_signature = $15, error_code = $16, error = $17, idempotency_key = $18 "
        "WHERE file = $1 AND state <> 'withdrawn'",
        NDC_ARGS(text_of(f->file), ndc_textz(states[f->state]), text_of(f->job),
                 ndc_int(f->started_ms), ndc_int(f->finished_ms), ndc_int(f->rows),
                 ndc_int(f->done), text_of(f->format), text_of(p->counts),
                 ndc_int(f->cost_dong), ndc_int(f->result_bytes), ndc_int(f->generation),
                 ndc_int(f->seq), text_of(f->result_sha256), text_of(f->result_signature),
                 text_of(f->error_code), text_of(f->error), text_of(f->idempotency_key)),
        NULL, fault);
}

enum ndc_err ndc_verify_file_put(struct ndc_verify *v, const struct ndc_verify_file *file,
                                 struct ndc_fault *fault)
{
    struct ndc_buf buf;
    struct ndc_json j;
    ndc_buf_init(&buf, 1 << 12);
    ndc_json_init(&j, &buf);
    ndc_counts_write(&j, &file->counts);
    struct putting p = {file, ndc_buf_str(&buf)};
    enum ndc_err err = ndc_store_write(v->store, put, &p, fault);
    ndc_buf_free(&buf);
    return err;
}

enum ndc_err ndc_verify_cost(struct ndc_store_conn *conn, struct ndc_str bank,
                             const struct ndc_counts *counts, int64_t *dong,
                             struct ndc_fault *fault)
{
    int64_t price[NDC_VERDICT_COUNT] = {0};
    /* The bank's own prices come after those of everybody. */
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT verdict, dong FROM verify_price WHERE bank IN ('', $1) ORDER BY bank",
        NDC_ARGS(ndc_text(bank)));
    while (ndc_rows_next(rows))
        for (int i = 0; i < NDC_VERDICT_COUNT; i++)
            if (ndc_str_eq_c(ndc_rows_text(rows, 0),
                             ndc_verdict_name((enum ndc_verdict)i)))
                price[i] = ndc_rows_i64(rows, 1);
    *dong = 0;
    for (int i = 0; i < NDC_VERDICT_COUNT; i++)
        *dong += price[i] * (int64_t)counts->by[i];
    return ndc_rows_end(rows, fault);
}

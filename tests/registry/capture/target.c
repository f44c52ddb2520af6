/* The target and origin of target.h. */
#include "tests/registry/capture/target.h"

#include "base/jsonrow.h"
#include "platforms/registry/source/connect.h"
#include "store/writer.h"
#include "sys/clock.h"

#include <stdarg.h>
#include <unistd.h>

enum { MEMBERS = 64, WAIT_MS = 20000, SAME_WAIT_MS = 90000 };

static const char *const shown[] = {"id", "ten",     "ngay", "so",
                                    "co", "du_lieu", "nhan", "lon"};
static struct ndc_fault fault;

/* ---- rows ---- */

struct row {
    struct ndc_str key, text;
    int64_t version;
    bool ended;
};

static const char upsert[] = "INSERT INTO fake_row (k, version, ended, body) VALUES ($1, "
                             "$2, $3, $4) ON CONFLICT (k) "
                             "DO UPDATE SET version = excluded.version, ended = "
                             "excluded.ended, body = excluded.body "
                             "WHERE fake_row.version < excluded.version";

static enum ndc_err put(struct ndc_store_conn *conn, const struct row *r,
                        int64_t *changes, struct ndc_fault *why)
{
    return ndc_sql_exec(conn, upsert,
                        NDC_ARGS(ndc_text(r->key), ndc_int(r->version), ndc_int(r->ended),
                                 ndc_text(r->text)),
                        changes, why);
}

/* "id|ten|…", NULL as ~. */
static struct ndc_str text_of_values(struct ndc_buf *out, const struct ndc_str *values)
{
    ndc_buf_reset(out);
    for (size_t i = 0; i < NDC_ARRAY_LEN(shown); i++) {
        if (i) ndc_buf_add_byte(out, '|');
        ndc_buf_add_str(out, values[i].ptr ? values[i] : NDC_STR("~"));
    }
    return ndc_buf_str(out);
}

static struct row row_of_line(struct ndc_buf *scratch, struct ndc_buf *text,
                              struct ndc_str line)
{
    struct ndc_json_member m[MEMBERS];
    struct ndc_str values[NDC_ARRAY_LEN(shown)] = {{0}};
    struct row r = {0};
    size_t n;
    assert_ok(ndc_json_row_parse(m, MEMBERS, &n, line, scratch, &fault), &fault);
    for (size_t i = 0; i < n; i++) {
        if (ndc_str_eq(m[i].key, NDC_STR("_op")))
            r.ended = ndc_str_eq(m[i].value, NDC_STR("D"));
        if (ndc_str_eq(m[i].key, NDC_STR("_version")))
            assert_true(ndc_str_to_i64(m[i].value, &r.version));
        for (size_t k = 0; k < NDC_ARRAY_LEN(shown); k++)
            if (ndc_str_eq_c(m[i].key, shown[k]) && m[i].kind != NDC_JSON_ROW_NULL)
                values[k] = m[i].value;
    }
    r.key = values[0];
    r.text = text_of_values(text, values);
    assert_true(r.key.len > 0);
    return r;
}

struct taking {
    const struct ndc_live_rows *rows;
    struct ndc_live_result *result;
};

static enum ndc_err write_rows(struct ndc_store_conn *conn, void *arg,
                               struct ndc_fault *why)
{
    struct taking *t = arg;
    struct ndc_str rest = t->rows->ndjson, line;
    struct ndc_buf scratch, text;
    enum ndc_err err = NDC_OK;
    *t->result = (struct ndc_live_result){0};
    ndc_buf_init(&scratch, 16 << 20);
    ndc_buf_init(&text, 16 << 20);
    while (!err && ndc_str_split(&rest, '\n', &line)) {
        int64_t changes = 0;
        if (line.len == 0) continue;
        struct row r = row_of_line(&scratch, &text, line);
        err = put(conn, &r, &changes, why);
        t->result->rows++;
        t->result->late += changes == 0;
    }
    if (!err)
        err = ndc_sql_exec(
            conn,
            "INSERT INTO registry_position (source, position, at_ms) VALUES "
            "($1, $2, 0) ON CONFLICT (source) DO UPDATE SET position = "
            "excluded.position",
            NDC_ARGS(ndc_text(t->rows->source), ndc_text(t->rows->position)), NULL, why);
    ndc_buf_free(&scratch);
    ndc_buf_free(&text);
    return err;
}

static enum ndc_err take(void *arg, const struct ndc_live_rows *rows,
                         struct ndc_live_result *result, struct ndc_fault *why)
{
    struct target *t = arg;
    struct taking w = {rows, result};
    if (t->away) return ndc_fail(why, NDC_EBUSY, "db.busy", "the target is away");
    if (t->slow_ms) ndc_clock_sleep_ms(t->slow_ms);
    return ndc_store_write(t->w.store, write_rows, &w, why);
}

static enum ndc_err position(void *arg, struct ndc_arena *arena, struct ndc_str source,
                             struct ndc_str *out, struct ndc_fault *why)
{
    struct target *t = arg;
    struct ndc_store_conn *conn;
    enum ndc_err err = ndc_store_take(t->w.store, NDC_READ, &conn, why);
    if (err) return err;
    struct ndc_rows *rows =
        ndc_sql_query(conn, "SELECT position FROM registry_position WHERE source = $1",
                      NDC_ARGS(ndc_text(source)));
    *out = NDC_STR_NULL;
    if (ndc_rows_next(rows)) *out = ndc_arena_str(arena, ndc_rows_text(rows, 0));
    err = ndc_rows_end(rows, why);
    ndc_store_give(conn);
    return err;
}

/* The table's rows as a load compares them: what is not in it has ended. */
static enum ndc_err load_all(struct target *t, struct ndc_connect *c,
                             struct ndc_store_conn *conn, struct ndc_fault *why)
{
    struct ndc_buf text;
    struct ndc_connect_row row;
    bool have = true;
    ndc_buf_init(&text, 16 << 20);
    (void)t;
    enum ndc_err err =
        ndc_sql_exec(conn, "UPDATE fake_row SET ended = 1", NDC_NO_ARGS, NULL, why);
    while (!err && !(err = ndc_connect_next(c, &row, &have, why)) && have) {
        struct ndc_str values[NDC_ARRAY_LEN(shown)] = {{0}};
        for (size_t i = 0; i < NDC_ARRAY_LEN(shown); i++) {
            int at = ndc_connect_column(c, ndc_str(shown[i]));
            if (at >= 0) values[i] = row.values[at];
        }
        err = ndc_sql_exec(
            conn,
            "INSERT INTO fake_row (k, version, ended, body) VALUES ($1, 0, 0, $2) ON "
            "CONFLICT (k) DO UPDATE SET ended = 0, body = excluded.body",
            NDC_ARGS(ndc_text(values[0]), ndc_text(text_of_values(&text, values))), NULL,
            why);
    }
    ndc_buf_free(&text);
    return err;
}

static enum ndc_err snapshot(void *arg, struct ndc_str source, const char *path,
                             bool (*ended)(void *ended_arg), void *ended_arg,
                             int64_t *run, struct ndc_fault *why)
{
    struct target *t = arg;
    struct ndc_connect *c;
    struct ndc_store_conn *conn;
    const struct ndc_registered *r = ndc_registry_find(t->w.reg, source);
    if (ended(ended_arg)) return ndc_fail(why, NDC_ECANCELED, "test", "ended");
    enum ndc_err err = ndc_connect_open(&c, r->source, path, why);
    if (err) return err;
    err = ndc_store_take(t->w.store, NDC_WRITE, &conn, why);
    if (!err) {
        err = ndc_tx_begin(conn, why);
        if (!err)
            err = ndc_sql_i64(conn, run, "SELECT coalesce(max(run), 0) + 1 FROM fake_run",
                              NDC_NO_ARGS, why);
        if (!err)
            err = ndc_sql_exec(conn, "INSERT INTO fake_run (run) VALUES ($1)",
                               NDC_ARGS(ndc_int(*run)), NULL, why);
        if (!err) err = load_all(t, c, conn, why);
        if (!err) err = ndc_tx_commit(conn, why);
        ndc_store_give(conn);
    }
    ndc_connect_close(c);
    return err;
}

/* ---- the target ---- */

static void set_hooks(struct target *t)
{
    t->hooks = (struct ndc_capture_hooks){t, take, position, snapshot};
}

void target_new(struct target *t, void **state)
{
    struct ndc_store_conn *conn;
    *t = (struct target){0};
    world_new(&t->w, state);
    set_hooks(t);
    assert_ok(ndc_store_take(t->w.store, NDC_WRITE, &conn, &fault), &fault);
    assert_ok(
        ndc_sql_script(conn,
                       "CREATE TABLE fake_row (k TEXT PRIMARY KEY, version BIGINT NOT "
                       "NULL, ended BIGINT NOT NULL, body TEXT NOT NULL); CREATE "
                       "TABLE fake_run (run BIGINT PRIMARY KEY)",
                       &fault),
        &fault);
    ndc_store_give(conn);
}

void target_close(struct target *t)
{
    world_free(&t->w);
}

void target_open(struct target *t)
{
    world_reopen_after_fork(&t->w);
}

void target_free(struct target *t)
{
    target_stop(t);
    world_free(&t->w);
}

void target_start(struct target *t)
{
    t->capture = ndc_capture_start(t->w.reg, &t->hooks);
}

void target_stop(struct target *t)
{
    ndc_capture_stop(t->capture);
    t->capture = NULL;
}

void target_declare(struct target *t, const char *connector, const char *fields)
{
    struct ndc_registered *r;
    char yaml[4096];
    snprintf(yaml, sizeof(yaml),
             "source: s\nagency: bca\nlegal_basis: Luật Cư trú 68/2020/QH14\nentity: "
             "person\nkey: [id]\nconnector: %s\nsync: {mode: snapshot}\nfields: %s\n",
             connector, fields);
    fault = (struct ndc_fault){0};
    assert_ok(
        ndc_registry_declare(t->w.reg, ndc_str(yaml), ndc_str(t->w.dir), &r, &fault),
        &fault);
}

char *target_text(struct target *t)
{
    struct ndc_store_conn *conn;
    struct ndc_buf out;
    ndc_buf_init(&out, 256 << 20);
    assert_ok(ndc_store_take(t->w.store, NDC_READ, &conn, &fault), &fault);
    struct ndc_rows *rows = ndc_sql_scan(
        conn, "SELECT body FROM fake_row WHERE ended = 0 ORDER BY CAST(k AS BIGINT)",
        NDC_NO_ARGS);
    while (ndc_rows_next(rows)) {
        ndc_buf_add_str(&out, ndc_rows_text(rows, 0));
        ndc_buf_add_byte(&out, '\n');
    }
    assert_ok(ndc_rows_end(rows, &fault), &fault);
    ndc_store_give(conn);
    ndc_buf_add_byte(&out, 0);
    assert_false(out.failed);
    return out.ptr;
}

int64_t target_i64(struct target *t, const char *sql)
{
    return count_of(&t->w, sql);
}

struct ndc_capture_status target_status(struct target *t)
{
    struct ndc_capture_status s = {0};
    for (int i = 0; i < 1000 && !ndc_capture_status(t->capture, NDC_STR("s"), &s); i++)
        ndc_clock_sleep_ms(5);
    return s;
}

bool target_wait(struct target *t, bool (*is)(const struct ndc_capture_status *s), int ms)
{
    int64_t until = ndc_clock_mono_ns() + (int64_t)ms * 1000000;
    do {
        struct ndc_capture_status s = target_status(t);
        if (is(&s)) return true;
        ndc_clock_sleep_ms(5);
    } while (ndc_clock_mono_ns() < until);
    return false;
}

void target_until(struct target *t, enum ndc_capture_state state)
{
    struct ndc_capture_status s = {0};
    for (int i = 0; i < WAIT_MS / 5; i++) {
        s = target_status(t);
        if (s.state == state) return;
        ndc_clock_sleep_ms(5);
    }
    fail_msg("not %s within %d ms, but %s: %s", ndc_capture_state_name(state), WAIT_MS,
             ndc_capture_state_name(s.state), s.reason);
}

void target_until_same(struct target *t, const char *text)
{
    for (int i = 0; i < SAME_WAIT_MS / 50; i++) {
        char *want = text ? strdup(text) : origin_text(), *have = target_text(t);
        bool same = strcmp(want, have) == 0;
        size_t at = 0;
        while (!same && want[at] && want[at] == have[at])
            at++;
        if (!same && i == SAME_WAIT_MS / 50 - 1)
            fail_msg("they differ at byte %zu: want …%.80s… have …%.80s… (%s)", at,
                     want + at, have + at, target_status(t).reason);
        free(want);
        free(have);
        if (same) return;
        ndc_clock_sleep_ms(50);
    }
}

/* ---- the origin ---- */

static PGconn *origin;
static char conninfo[256], url[280];

/* What a test that failed left behind must not fail the next. */
static void drop_slots(void)
{
    PGresult *r = PQexec(
        origin, "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE "
                "active");
    PQclear(r);
    ndc_clock_sleep_ms(50);
    PQclear(PQexec(origin, "SELECT pg_drop_replication_slot(slot_name) FROM "
                           "pg_replication_slots WHERE NOT active"));
}

void origin_new(void)
{
    void *postgres = test_on_postgres;
    const char *test = test_db_url(&postgres);
    snprintf(conninfo, sizeof(conninfo), "%s", test + strlen("postgres:"));
    snprintf(url, sizeof(url), "postgres:%s", conninfo);
    origin = origin_connect();
    drop_slots();
    PGresult *r =
        PQexec(origin, "SELECT pg_create_logical_replication_slot('probe', 'wal2json'), "
                       "pg_drop_replication_slot('probe')");
    bool there = PQresultStatus(r) == PGRES_TUPLES_OK;
    PQclear(r);
    if (!there) {
        printf("skipped: PostgreSQL without wal2json (postgresql-NN-wal2json): %s",
               PQerrorMessage(origin));
        skip();
    }
}

void origin_free(void)
{
    drop_slots();
    PQfinish(origin);
    origin = NULL;
}

const char *origin_url(void)
{
    return url;
}

PGconn *origin_connect(void)
{
    PGconn *c = PQconnectdb(conninfo);
    if (PQstatus(c) != CONNECTION_OK) fail_msg("%s", PQerrorMessage(c));
    PQsetNoticeProcessor(c, NULL, NULL);
    PQclear(PQexec(c, "SET client_min_messages = error"));
    return c;
}

void origin_sql(const char *format, ...)
{
    char sql[8192];
    va_list args;
    va_start(args, format);
    vsnprintf(sql, sizeof(sql), format, args);
    va_end(args);
    PGresult *r = PQexec(origin, sql);
    ExecStatusType status = PQresultStatus(r);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(origin));
    PQclear(r);
}

static PGresult *ask(const char *sql)
{
    PGresult *r = PQexec(origin, sql);
    if (PQresultStatus(r) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(origin));
    return r;
}

int64_t origin_i64(const char *sql)
{
    PGresult *r = ask(sql);
    int64_t v = 0;
    assert_true(PQntuples(r) == 1 && ndc_str_to_i64(ndc_str(PQgetvalue(r, 0, 0)), &v));
    PQclear(r);
    return v;
}

char *origin_text(void)
{
    PGresult *r = ask(
        "SELECT coalesce(string_agg(concat_ws('|', id::text, coalesce(ten, '~'), "
        "coalesce(ngay::text, '~'), coalesce(nullif(so::text, 'NaN'), '~'), "
        "coalesce(co::text, '~'), coalesce(encode(du_lieu, 'hex'), '~'), "
        "coalesce(nhan::text, '~'), coalesce(lon, '~')) || E'\\n', '' ORDER BY id), '') "
        "FROM public.cu_tru");
    char *text = strdup(PQgetvalue(r, 0, 0));
    PQclear(r);
    return text;
}

void origin_table(void)
{
    origin_sql(
        "CREATE TABLE public.cu_tru (id bigint PRIMARY KEY, ten text, ngay date, so "
        "numeric, co boolean, du_lieu bytea, nhan text[], lon text)");
    origin_sql("ALTER TABLE public.cu_tru ALTER lon SET STORAGE EXTERNAL");
}

/* Connections to other systems' PostgreSQL: opening them, asking the catalogue, copying a
 * table out. The stream of a slot is in replication_stream.c. */
#include "store/replication_internal.h"

#include "sys/log.h"

#include <poll.h>
#include <stdio.h>

enum { ARGS_MAX = 16, ASK_EVERY_MS = 200 };

/* Source: PostgreSQL 15 manual, appendix A; what the server says of slots. */
static const struct {
    const char *state, *text; /* SQLSTATE, whole or its class; a word of the message */
    enum ndc_err err;
    const char *code, *help;
} meanings[] = {
    {"55006", "", NDC_EBUSY, "replication.slot_active",
     "another process reads this slot: stop it, or give this source a slot of its own"},
    {"42704", "replication slot", NDC_ENOTFOUND, "replication.slot_missing",
     "the slot is gone: a new snapshot is needed"},
    {"55000", "can no longer", NDC_ENOTFOUND, "replication.slot_lost",
     "the server has removed log that the slot needed: a new snapshot is needed; raise "
     "max_slot_wal_keep_size, or do not stop following for so long"},
    {"55000", "wal_level", NDC_EDB, "replication.wal_level",
     "set wal_level = logical on that server and restart it"},
    {"58P01", "wal2json", NDC_EDB, "replication.no_plugin",
     "install the package postgresql-NN-wal2json of its version on that server"},
    {"42704", "snapshot", NDC_ENOTFOUND, "replication.snapshot_gone",
     "the snapshot is no longer there: take a new one"},
    {"22023", "snapshot", NDC_ENOTFOUND, "replication.snapshot_gone",
     "the snapshot is no longer there: take a new one"},
    {"53400", "", NDC_EDB, "replication.slots_used_up",
     "raise max_replication_slots (and max_wal_senders) on that server"},
    {"53300", "", NDC_EBUSY, "db.busy", "that server has no connection left"},
    {"42501", "", NDC_EDB, "db.denied",
     "the user lacks a permission: it needs LOGIN REPLICATION and SELECT on the table"},
    {"28", "", NDC_EDB, "db.denied",
     "user or password is wrong, or pg_hba.conf does not let it in"},
    {"42P01", "", NDC_ENOTFOUND, "db.no_table", "there is no such table"},
    {"42703", "", NDC_ENOTFOUND, "db.no_column", "there is no such column"},
    {"57P", "", NDC_EDB, "db.gone", "that server is stopping or starting"},
    {"57014", "", NDC_EBUSY, "db.timeout", "it took too long"},
    {"08", "", NDC_EDB, "db.gone", "the connection was lost"},
};

static struct ndc_str first_line(const char *text)
{
    struct ndc_str s = ndc_str_trim(ndc_str(text));
    s.len = ndc_str_find(s, '\n');
    return s;
}

enum ndc_err ndc_replication_fail(struct ndc_replication *link, const PGresult *res,
                                  struct ndc_fault *fault)
{
    const char *state = res ? PQresultErrorField(res, PG_DIAG_SQLSTATE) : NULL;
    const char *what = res ? PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    if (!state) {
        struct ndc_str line = first_line(PQerrorMessage(link->pg));
        return ndc_fail(fault, NDC_EDB, "db.gone",
                        "the connection to the source's PostgreSQL was lost: %.*s",
                        NDC_STR_FMT(line));
    }
    for (size_t i = 0; i < NDC_ARRAY_LEN(meanings); i++) {
        if (strncmp(state, meanings[i].state, strlen(meanings[i].state)) != 0) continue;
        if (meanings[i].text[0] && !(what && strstr(what, meanings[i].text))) continue;
        return ndc_fail(fault, meanings[i].err, meanings[i].code,
                        "the source's PostgreSQL says: %.200s (%s)", what ? what : state,
                        meanings[i].help);
    }
    return ndc_fail(fault, NDC_EDB, "db.refused",
                    "the source's PostgreSQL says: %.300s (%s)", what ? what : "", state);
}

/* ---- opening ---- */

/* "postgres:host=…" is ours, "postgresql://…" libpq's own form. */
static const char *conninfo_of(const char *url)
{
    struct ndc_str s = ndc_str(url);
    if (ndc_str_starts(s, NDC_STR("postgres://")) ||
        ndc_str_starts(s, NDC_STR("postgresql://")))
        return url;
    if (ndc_str_starts(s, NDC_STR("postgres:"))) return url + strlen("postgres:");
    return NULL;
}

/* What a declaration may not say: secrets, files of this machine, and what is set here.
 */
static const char *refused_of(const PQconninfoOption *o)
{
    static const char *const secrets[] = {"password", "passfile", "sslpassword"};
    static const char *const ours[] = {"replication", "options", "client_encoding"};
    if (!o->val || !o->val[0]) return NULL;
    for (size_t i = 0; i < NDC_ARRAY_LEN(secrets); i++)
        if (strcmp(o->keyword, secrets[i]) == 0)
            return "does not belong into a declaration: name an environment variable "
                   "with password_env, or use ~/.pgpass or PGPASSFILE";
    for (size_t i = 0; i < NDC_ARRAY_LEN(ours); i++)
        if (strcmp(o->keyword, ours[i]) == 0) return "is set by itself: leave it out";
    return NULL;
}

enum ndc_err ndc_replication_check_url(const char *url, struct ndc_fault *fault)
{
    const char *conninfo = conninfo_of(url);
    char *why = NULL;
    if (!conninfo)
        return ndc_fail(fault, NDC_EINPUT, "replication.url",
                        "a database is written postgres:host=… dbname=… user=… or "
                        "postgresql://user@host/dbname");
    PQconninfoOption *options = PQconninfoParse(conninfo, &why);
    if (!options) {
        /* libpq's message may quote what was written: not with a secret in it. */
        PQfreemem(why);
        return ndc_fail(fault, NDC_EINPUT, "replication.url",
                        "the database's address is not in libpq's form: "
                        "postgres:host=… port=… dbname=… user=…");
    }
    enum ndc_err err = NDC_OK;
    for (const PQconninfoOption *o = options; o->keyword && !err; o++) {
        const char *refused = refused_of(o);
        if (refused)
            err = ndc_fail(fault, NDC_EINPUT, "replication.url", "%s %s", o->keyword,
                           refused);
    }
    PQconninfoFree(options);
    return err;
}

static void on_notice(void *arg, const char *message)
{
    (void)arg;
    struct ndc_str line = first_line(message);
    ndc_log(NDC_LOG_DEBUG, "store", "the source's PostgreSQL: %.*s", NDC_STR_FMT(line));
}

void ndc_replication_interrupt(struct ndc_replication *link, bool (*ended)(void *arg),
                               void *arg)
{
    link->ended = ended;
    link->ended_arg = arg;
}

/* As PQexec, but false if it was ended meanwhile: then the link is only to be closed. */
static bool run_command(struct ndc_replication *link, const char *sql, PGresult **res)
{
    if (!PQsendQuery(link->pg, sql)) return true; /* no result: the connection's error */
    while (PQisBusy(link->pg)) {
        struct pollfd p = {.fd = PQsocket(link->pg), .events = POLLIN};
        if (poll(&p, 1, ASK_EVERY_MS) > 0 && !PQconsumeInput(link->pg)) return true;
        if (PQisBusy(link->pg) && link->ended && link->ended(link->ended_arg))
            return false;
    }
    *res = PQgetResult(link->pg);
    ExecStatusType status = PQresultStatus(*res);
    if (status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) return true;
    for (PGresult *more; (more = PQgetResult(link->pg));)
        PQclear(more);
    return true;
}

enum ndc_err ndc_replication_simple(struct ndc_replication *link, const char *sql,
                                    PGresult **out, struct ndc_fault *fault)
{
    PGresult *res = NULL;
    if (!run_command(link, sql, &res))
        return ndc_fail(fault, NDC_ECANCELED, "replication.ended",
                        "ended on request before the server had answered");
    ExecStatusType status = PQresultStatus(res);
    enum ndc_err err = NDC_OK;
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK &&
        status != PGRES_COPY_OUT && status != PGRES_COPY_BOTH)
        err = ndc_replication_fail(link, res, fault);
    if (out && !err) {
        *out = res;
        return NDC_OK;
    }
    PQclear(res);
    return err;
}

/* Values are written the same way in a snapshot and in the stream. */
static enum ndc_err settings(struct ndc_replication *link, struct ndc_fault *fault)
{
    static const char *const all[] = {
        "SET DateStyle = 'ISO, YMD'",      "SET TimeZone = 'UTC'",
        "SET IntervalStyle = 'iso_8601'",  "SET extra_float_digits = 1",
        "SET bytea_output = 'hex'",        "SET statement_timeout = 0",
        "SET idle_session_timeout = 0",    "SET idle_in_transaction_session_timeout = 0",
        "SET client_min_messages = error",
    };
    for (size_t i = 0; i < NDC_ARRAY_LEN(all); i++) {
        enum ndc_err err = ndc_replication_simple(link, all[i], NULL, fault);
        if (err) return err;
    }
    return NDC_OK;
}

enum ndc_err ndc_replication_open(struct ndc_replication **out, const char *url,
                                  const char *password, enum ndc_replication_kind kind,
                                  struct ndc_fault *fault)
{
    static const char *const names[] = {"fallback_application_name",
                                        "connect_timeout",
                                        "keepalives_idle",
                                        "keepalives_interval",
                                        "keepalives_count",
                                        "tcp_user_timeout",
                                        "dbname",
                                        "client_encoding",
                                        "replication",
                                        "password",
                                        NULL};
    *out = NULL;
    enum ndc_err err = ndc_replication_check_url(url, fault);
    if (err) return err;
    bool stream = kind == NDC_REPLICATION_STREAM;
    const char *values[] = {"ndc",
                            "5",
                            "30",
                            "10",
                            "3",
                            "30000",
                            conninfo_of(url),
                            "UTF8",
                            stream ? "database" : NULL,
                            password,
                            NULL};
    struct ndc_replication *link = ndc_xcalloc(1, sizeof(*link));
    link->pg = PQconnectdbParams(names, values, 1);
    if (PQstatus(link->pg) != CONNECTION_OK) {
        struct ndc_str line = first_line(PQerrorMessage(link->pg));
        err = ndc_fail(fault, NDC_EDB, "db.open",
                       "cannot connect to the source's PostgreSQL: %.*s",
                       NDC_STR_FMT(line));
    }
    if (!err && PQserverVersion(link->pg) < 140000)
        err = ndc_fail(fault, NDC_EDB, "db.open",
                       "the source's PostgreSQL is version %d; 14 or newer is needed",
                       PQserverVersion(link->pg) / 10000);
    if (!err) {
        PQsetNoticeProcessor(link->pg, on_notice, NULL);
        err = settings(link, fault);
    }
    if (err) {
        ndc_replication_close(link);
        return err;
    }
    *out = link;
    return NDC_OK;
}

void ndc_replication_close(struct ndc_replication *link)
{
    if (!link) return;
    PQfreemem(link->copied);
    PQfinish(link->pg);
    free(link);
}

/* ---- the catalogue ---- */

static enum ndc_err query(struct ndc_replication *link, PGresult **out, const char *sql,
                          const struct ndc_str *args, size_t n_args,
                          struct ndc_arena *arena, struct ndc_fault *fault)
{
    const char *values[ARGS_MAX];
    NDC_ASSERT(n_args <= ARGS_MAX);
    for (size_t i = 0; i < n_args; i++)
        values[i] = args[i].ptr ? ndc_arena_cstr(arena, args[i]) : NULL;
    PGresult *res = PQexecParams(link->pg, sql, (int)n_args, NULL, values, NULL, NULL, 0);
    if (PQresultStatus(res) != PGRES_TUPLES_OK) {
        enum ndc_err err = ndc_replication_fail(link, res, fault);
        PQclear(res);
        return err;
    }
    *out = res;
    return NDC_OK;
}

static struct ndc_str value_at(const PGresult *res, struct ndc_arena *arena, int row,
                               int i)
{
    if (PQgetisnull(res, row, i)) return NDC_STR_NULL;
    return ndc_arena_str(
        arena, ndc_str_n(PQgetvalue(res, row, i), (size_t)PQgetlength(res, row, i)));
}

enum ndc_err ndc_replication_row(struct ndc_replication *link, struct ndc_arena *arena,
                                 struct ndc_str *values, size_t n, bool *have,
                                 const char *sql, const struct ndc_str *args,
                                 size_t n_args, struct ndc_fault *fault)
{
    PGresult *res = NULL;
    *have = false;
    enum ndc_err err = query(link, &res, sql, args, n_args, arena, fault);
    if (err) return err;
    NDC_ASSERT((size_t)PQnfields(res) == n);
    *have = PQntuples(res) > 0;
    for (size_t i = 0; i < n && *have; i++)
        values[i] = value_at(res, arena, 0, (int)i);
    PQclear(res);
    return NDC_OK;
}

enum ndc_err ndc_replication_list(struct ndc_replication *link, struct ndc_arena *arena,
                                  struct ndc_str **values, size_t *n, size_t max,
                                  const char *sql, const struct ndc_str *args,
                                  size_t n_args, struct ndc_fault *fault)
{
    PGresult *res = NULL;
    *n = 0;
    enum ndc_err err = query(link, &res, sql, args, n_args, arena, fault);
    if (err) return err;
    size_t rows = (size_t)PQntuples(res);
    if (rows > max)
        err = ndc_fail(fault, NDC_ETOOBIG, "db.too_big",
                       "%zu rows where %zu are the most", rows, max);
    *values = NDC_ARENA_ARRAY(arena, struct ndc_str, rows + 1);
    for (size_t i = 0; i < rows && !err && *values; i++)
        (*values)[(*n)++] = value_at(res, arena, (int)i, 0);
    PQclear(res);
    return err;
}

/* ---- the table's rows ---- */

enum ndc_err ndc_replication_snapshot(struct ndc_replication *link,
                                      struct ndc_str exported, struct ndc_fault *fault)
{
    char sql[128];
    enum ndc_err err = ndc_replication_simple(
        link, "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY", NULL, fault);
    if (err || exported.len == 0) return err;
    for (size_t i = 0; i < exported.len; i++) {
        char c = exported.ptr[i];
        bool hex = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || c == '-';
        if (!hex || exported.len > 60)
            return ndc_fail(fault, NDC_EINPUT, "replication.snapshot_gone",
                            "not the name of a snapshot");
    }
    snprintf(sql, sizeof(sql), "SET TRANSACTION SNAPSHOT '%.*s'", NDC_STR_FMT(exported));
    return ndc_replication_simple(link, sql, NULL, fault);
}

void ndc_replication_quote(struct ndc_buf *sql, struct ndc_str name)
{
    ndc_buf_add_byte(sql, '"');
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '"') ndc_buf_add_byte(sql, '"');
        ndc_buf_add_byte(sql, name.ptr[i]);
    }
    ndc_buf_add_byte(sql, '"');
}

enum ndc_err ndc_replication_copy(struct ndc_replication *link, struct ndc_str select,
                                  struct ndc_fault *fault)
{
    struct ndc_buf sql;
    ndc_buf_init(&sql, 1 << 20);
    ndc_buf_add_c(&sql, "COPY (");
    ndc_buf_add_str(&sql, select);
    ndc_buf_add_c(&sql, ") TO STDOUT");
    ndc_buf_add_byte(&sql, 0);
    enum ndc_err err =
        sql.failed ? ndc_fail(fault, NDC_ETOOBIG, "db.too_big", "too many columns")
                   : ndc_replication_simple(link, sql.ptr, NULL, fault);
    ndc_buf_free(&sql);
    return err;
}

/* COPY's text form (manual, COPY, "Text Format"): tabs between values, \N for NULL,
 * backslash before what would be mistaken. Undone in place: it never grows. */
static char unescaped(char c)
{
    static const char from[] = "bfnrtv", to[] = "\b\f\n\r\t\v";
    const char *at = c ? strchr(from, c) : NULL;
    return at ? to[at - from] : c;
}

static struct ndc_str take_value(char **at, const char *end)
{
    char *from = *at, *to = *at, *p = *at;
    bool null = end - p >= 2 && p[0] == '\\' && p[1] == 'N';
    while (p < end && *p != '\t') {
        if (*p == '\\' && p + 1 < end) {
            *to++ = unescaped(p[1]);
            p += 2;
        } else {
            *to++ = *p++;
        }
    }
    *at = p;
    return null ? NDC_STR_NULL : ndc_str_n(from, (size_t)(to - from));
}

static enum ndc_err end_copy(struct ndc_replication *link, struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    for (PGresult *res; (res = PQgetResult(link->pg));) {
        if (PQresultStatus(res) != PGRES_COMMAND_OK && !err)
            err = ndc_replication_fail(link, res, fault);
        PQclear(res);
    }
    return err;
}

enum ndc_err ndc_replication_copied(struct ndc_replication *link, struct ndc_str *values,
                                    size_t n, bool *have, struct ndc_fault *fault)
{
    *have = false;
    PQfreemem(link->copied);
    link->copied = NULL;
    int len = PQgetCopyData(link->pg, &link->copied, 0);
    if (len == -1) return end_copy(link, fault);
    if (len < 0) return ndc_replication_fail(link, NULL, fault);
    char *at = link->copied;
    const char *end = at + len;
    if (end > at && end[-1] == '\n') end--;
    for (size_t i = 0; i < n; i++) {
        values[i] = take_value(&at, end);
        bool more = at < end && *at == '\t';
        if (more != (i + 1 < n))
            return ndc_fail(fault, NDC_EDB, "db.refused",
                            "COPY gave a row of another number of columns than %zu", n);
        at += more;
    }
    *have = true;
    return NDC_OK;
}

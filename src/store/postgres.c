/* PostgreSQL: connections, transactions, what errors mean. */
#include "store/postgres.h"

#include "sys/log.h"

#include <poll.h>
#include <stdio.h>

static struct pg_conn *of(struct ndc_store_conn *conn)
{
    return (struct pg_conn *)conn;
}

/* By SQLSTATE, whole or its class. Source: PostgreSQL 15 manual, appendix A. */
static const struct {
    const char *state;
    enum ndc_err err;
    const char *name, *help;
} meanings[] = {
    {"23505", NDC_ECONFLICT, "db.unique", "there is such a row already"},
    {"23503", NDC_ECONFLICT, "db.foreign_key",
     "a row it refers to is missing, or rows refer to it"},
    {"23", NDC_ECONFLICT, "db.check", "a rule of the table does not allow it"},
    {"40", NDC_EBUSY, "db.busy", "it collided with another transaction: try again"},
    {"55P03", NDC_EBUSY, "db.busy", "another transaction holds a lock: try again"},
    {"53100", NDC_EDB, "db.full",
     "the database server's disk is full: free some space; nothing of this change was "
     "written"},
    {"53200", NDC_EDB, "db.memory", "the database server is out of memory"},
    {"53300", NDC_EBUSY, "db.busy",
     "the server has no connection left: raise its max_connections"},
    {"25006", NDC_EDB, "db.readonly", "the connection or the server only reads"},
    {"25P02", NDC_EINTERNAL, "db.aborted", "an earlier statement failed"},
    {"57014", NDC_EBUSY, "db.timeout",
     "the statement ran longer than statement_timeout_ms allows"},
    {"57P", NDC_EDB, "db.gone", "the database server is stopping or starting: try again"},
    {"42501", NDC_EDB, "db.denied", "the database user lacks a permission"},
    {"28", NDC_EDB, "db.denied", "the database user or its password is wrong"},
    {"58", NDC_EDB, "db.io", "the database server's disk failed: see its log"},
    {"XX001", NDC_EDB, "db.corrupt", "the database is damaged: restore it from a backup"},
    {"XX002", NDC_EDB, "db.corrupt", "an index is damaged: REINDEX it"},
    {"54", NDC_ETOOBIG, "db.too_big", "over a limit of the database"},
    {"22", NDC_EINPUT, "db.value", "a value is not valid for its column"},
};

static struct ndc_str first_line(const char *text)
{
    struct ndc_str s = ndc_str_trim(ndc_str(text));
    s.len = ndc_str_find(s, '\n');
    return s;
}

enum ndc_err ndc_pg_fail(struct pg_conn *conn, const PGresult *res, const char *sql,
                         struct ndc_fault *fault)
{
    const char *state = res ? PQresultErrorField(res, PG_DIAG_SQLSTATE) : NULL;
    const char *what = res ? PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    const char *detail = res ? PQresultErrorField(res, PG_DIAG_MESSAGE_DETAIL) : NULL;
    bool bad = PQstatus(conn->pg) == CONNECTION_BAD;
    if (bad || (state && strncmp(state, "57P", 3) == 0)) conn->base.broken = true;
    if (!state || (bad && strncmp(state, "57P", 3) != 0)) {
        struct ndc_str line = first_line(PQerrorMessage(conn->pg));
        conn->base.broken = true;
        return ndc_fail(fault, NDC_EDB, "db.gone",
                        "the connection to PostgreSQL was lost: %.*s (it is tried anew "
                        "by itself)",
                        NDC_STR_FMT(line));
    }
    if (conn->over && strcmp(state, "57014") == 0) {
        return ndc_fail(fault, NDC_ETOOBIG, "db.too_big",
                        "the result is over %zu bytes: ask for less",
                        conn->base.store->options.result_bytes_max);
    }
    if (strcmp(state, "0A000") == 0 && what && strstr(what, "cached plan")) {
        conn->stale_plan = true;
        return ndc_fail(fault, NDC_EBUSY, "db.busy",
                        "the schema changed meanwhile: try again");
    }
    for (size_t i = 0; i < NDC_ARRAY_LEN(meanings); i++) {
        if (strncmp(state, meanings[i].state, strlen(meanings[i].state)) != 0) continue;
        return ndc_fail(fault, meanings[i].err, meanings[i].name,
                        "PostgreSQL: %.200s%s%.100s (%s)", what ? what : "",
                        detail ? ": " : "", detail ? detail : "", meanings[i].help);
    }
    return ndc_fail(fault, NDC_EINTERNAL, "db.sql", "PostgreSQL %s: %.160s in: %.200s",
                    state, what ? what : "", sql ? sql : "");
}

enum ndc_err ndc_pg_pipeline(struct pg_conn *conn, bool on, struct ndc_fault *fault)
{
    if (conn->pipeline == on) return NDC_OK;
    int ok = on ? PQenterPipelineMode(conn->pg) : PQexitPipelineMode(conn->pg);
    if (!ok) return ndc_pg_fail(conn, NULL, NULL, fault);
    conn->pipeline = on;
    return NDC_OK;
}

static void on_notice(void *arg, const char *message)
{
    (void)arg;
    struct ndc_str line = first_line(message);
    ndc_log(NDC_LOG_DEBUG, "store", "PostgreSQL: %.*s", NDC_STR_FMT(line));
}

static enum ndc_err simple(struct pg_conn *conn, const char *sql, struct ndc_fault *fault)
{
    PGresult *res = PQexec(conn->pg, sql);
    enum ndc_err err = NDC_OK;
    ExecStatusType status = PQresultStatus(res);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK &&
        status != PGRES_EMPTY_QUERY) {
        err = ndc_pg_fail(conn, res, sql, fault);
    }
    PQclear(res);
    return err;
}

static enum ndc_err check_server(struct pg_conn *conn, struct ndc_fault *fault)
{
    const char *encoding = PQparameterStatus(conn->pg, "server_encoding");
    if (PQserverVersion(conn->pg) < 150000) {
        return ndc_fail(fault, NDC_EDB, "db.open",
                        "PostgreSQL 15 or newer is needed, the server is %d",
                        PQserverVersion(conn->pg) / 10000);
    }
    if (!encoding || strcmp(encoding, "UTF8") != 0) {
        return ndc_fail(fault, NDC_EDB, "db.open",
                        "the database's encoding is %s: create it with ENCODING 'UTF8'",
                        encoding ? encoding : "unknown");
    }
    return NDC_OK;
}

static enum ndc_err settings(struct pg_conn *conn, struct ndc_fault *fault)
{
    const struct ndc_store_options *o = &conn->base.store->options;
    bool reads = conn->base.access == NDC_READ;
    char sql[640];
    snprintf(sql, sizeof(sql),
             "SET jit = off; SET cursor_tuple_fraction = 1; SET TimeZone = 'UTC'; "
             "SET standard_conforming_strings = on; SET client_min_messages = warning; "
             "SET lock_timeout = %u; SET statement_timeout = %u; "
             "SET default_transaction_isolation = '%s'; "
             "SET default_transaction_read_only = %s; SET synchronous_commit = %s",
             o->take_timeout_ms, conn->base.timeout_ms,
             reads ? "repeatable read" : "read committed", reads ? "on" : "off",
             o->rebuildable ? "off" : "on");
    return simple(conn, sql, fault);
}

static void shut(struct ndc_store_conn *base)
{
    struct pg_conn *conn = of(base);
    ndc_pg_flush_cache(conn);
    PQfinish(conn->pg);
    conn->pg = NULL;
    conn->pipeline = false;
    conn->n_pending = conn->n_dropped = 0;
}

static enum ndc_err pg_open(struct ndc_store_conn *base, struct ndc_fault *fault)
{
    struct pg_conn *conn = of(base);
    /* ours first: what the operator's connection string says comes later and wins */
    static const char *const names[] = {
        "fallback_application_name", "connect_timeout",  "keepalives_idle",
        "keepalives_interval",       "keepalives_count", "tcp_user_timeout",
        "client_encoding",           "dbname",           NULL};
    const char *values[] = {
        "ndc", "5", "30", "10", "3", "30000", "UTF8", base->store->target, NULL};
    conn->n_pending = conn->n_dropped = 0;
    conn->pipeline = conn->over = conn->stale_plan = false;
    conn->pg = PQconnectdbParams(names, values, 1);
    if (!conn->pg) return ndc_fail(fault, NDC_EDB, "db.memory", "memory is out");
    enum ndc_err err;
    if (PQstatus(conn->pg) != CONNECTION_OK) {
        struct ndc_str line = first_line(PQerrorMessage(conn->pg));
        err = ndc_fail(fault, NDC_EDB, "db.gone",
                       "cannot connect to PostgreSQL: %.*s (check that it runs and the "
                       "database setting)",
                       NDC_STR_FMT(line));
    } else {
        PQsetNoticeProcessor(conn->pg, on_notice, NULL);
        err = check_server(conn, fault);
        if (!err) err = settings(conn, fault);
        if (!err) err = ndc_pg_pipeline(conn, true, fault);
    }
    if (err) shut(base);
    return err;
}

/* A server that went away has closed the socket, which then is readable. */
static bool alive(struct ndc_store_conn *base)
{
    struct pg_conn *conn = of(base);
    struct pollfd p = {.fd = PQsocket(conn->pg), .events = POLLIN};
    if (poll(&p, 1, 0) <= 0) return true;
    return PQconsumeInput(conn->pg) == 1 && PQstatus(conn->pg) == CONNECTION_OK;
}

static enum ndc_err set_timeout(struct ndc_store_conn *base, struct ndc_fault *fault)
{
    char sql[64];
    snprintf(sql, sizeof(sql), "SET statement_timeout = %u", base->timeout_ms);
    enum ndc_err err = ndc_pg_send(of(base), sql, 0, PG_CONTROL, fault);
    return err ? err : ndc_pg_finish(of(base), sql, NULL, NULL, fault);
}

static enum ndc_err commit(struct pg_conn *conn, struct ndc_fault *fault)
{
    struct ndc_fault why = {0};
    PGresult *res = NULL;
    enum ndc_err err = ndc_pg_run(conn, "COMMIT", NDC_NO_ARGS, &res, NULL, &why);
    if (!err && strcmp(PQcmdStatus(res), "COMMIT") != 0) {
        err = ndc_fail(fault, NDC_EINTERNAL, "db.aborted",
                       "the transaction had failed and was rolled back");
    } else if (err && conn->base.broken) {
        err = ndc_fail(fault, NDC_EDB, "db.gone",
                       "the connection to PostgreSQL was lost while committing: whether "
                       "it was written is not known, look before writing again");
    } else if (err && fault && !fault->err) {
        *fault = why;
    }
    PQclear(res);
    return err;
}

static enum ndc_err control(struct ndc_store_conn *base, enum ndc_control op,
                            unsigned depth, struct ndc_fault *fault)
{
    struct pg_conn *conn = of(base);
    char sql[48];
    enum ndc_err err;
    switch (op) {
    case NDC_CONTROL_BEGIN:
        return ndc_pg_send(conn, "BEGIN", 0, PG_CONTROL, fault);
    case NDC_CONTROL_COMMIT:
        return commit(conn, fault);
    case NDC_CONTROL_ROLLBACK:
        err = ndc_pg_send(conn, "ROLLBACK", 0, PG_CONTROL, fault);
        return err ? err : ndc_pg_finish(conn, "ROLLBACK", NULL, NULL, fault);
    case NDC_CONTROL_SAVEPOINT:
        snprintf(sql, sizeof(sql), "SAVEPOINT s%u", depth);
        return ndc_pg_send(conn, sql, 0, PG_CONTROL, fault);
    case NDC_CONTROL_RELEASE:
        snprintf(sql, sizeof(sql), "RELEASE s%u", depth);
        return ndc_pg_send(conn, sql, 0, PG_CONTROL, fault);
    case NDC_CONTROL_UNDO:
        snprintf(sql, sizeof(sql), "ROLLBACK TO s%u", depth);
        err = ndc_pg_send(conn, sql, 0, PG_CONTROL, fault);
        if (err) return err;
        snprintf(sql, sizeof(sql), "RELEASE s%u", depth);
        err = ndc_pg_send(conn, sql, 0, PG_CONTROL, fault);
        return err ? err : ndc_pg_finish(conn, sql, NULL, NULL, fault);
    }
    return NDC_OK;
}

static enum ndc_err lock(struct ndc_store_conn *conn, int64_t key,
                         struct ndc_fault *fault)
{
    return ndc_pg_exec(conn, "SELECT pg_advisory_xact_lock($1)", NDC_ARGS(ndc_int(key)),
                       NULL, fault);
}

static enum ndc_err script(struct ndc_store_conn *base, const char *sql,
                           struct ndc_fault *fault)
{
    struct pg_conn *conn = of(base);
    enum ndc_err err = ndc_pg_finish(conn, "BEGIN", NULL, NULL, fault);
    if (!err) err = ndc_pg_pipeline(conn, false, fault);
    if (!err) err = simple(conn, sql, fault);
    struct ndc_fault ignored = {0};
    if (!base->broken && ndc_pg_pipeline(conn, true, &ignored)) base->broken = true;
    return err;
}

static enum ndc_err session(struct ndc_store_conn *base, bool begin,
                            struct ndc_fault *fault)
{
    static const char on[] = "SET synchronous_commit = off; SET work_mem = '64MB'; "
                             "SET maintenance_work_mem = '512MB'; "
                             "SET max_parallel_maintenance_workers = 2";
    /* a transactional message is a record in the log: committing it flushes the log up to
     * there, and with it every commit of the session */
    static const char off[] =
        "SET synchronous_commit = on; SELECT pg_logical_emit_message(true, 'ndc', ''); "
        "RESET work_mem; RESET maintenance_work_mem; "
        "RESET max_parallel_maintenance_workers";
    enum ndc_err err = script(base, begin ? on : off, fault);
    if (!err && !begin && base->store->options.rebuildable) {
        err = script(base, "SET synchronous_commit = off", fault);
    }
    return err;
}

const struct ndc_driver ndc_driver_postgres = {
    .kind = NDC_POSTGRES,
    .conn_bytes = sizeof(struct pg_conn),
    .rows_bytes = sizeof(struct pg_rows),
    .bulk_bytes = sizeof(struct pg_bulk),
    .open = pg_open,
    .shut = shut,
    .alive = alive,
    .set_timeout = set_timeout,
    .control = control,
    .lock = lock,
    .exec = ndc_pg_exec,
    .many = ndc_pg_many,
    .script = script,
    .rows_open = ndc_pg_rows_open,
    .each = ndc_pg_each,
    .rows_next = ndc_pg_rows_next,
    .rows_close = ndc_pg_rows_close,
    .rows_val = ndc_pg_rows_val,
    .rows_columns = ndc_pg_rows_columns,
    .rows_name = ndc_pg_rows_name,
    .bulk_begin = ndc_pg_bulk_begin,
    .bulk_value = ndc_pg_bulk_value,
    .bulk_row = ndc_pg_bulk_row,
    .bulk_end = ndc_pg_bulk_end,
    .session = session,
};

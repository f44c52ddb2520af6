/* PostgreSQL: statements. Prepared once a connection with the types of the values that
 * are bound, so that arguments travel in binary; sent in pipelines. */
#include "store/postgres.h"

#include "sys/clock.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>

enum {
    BATCH_ROWS = 500, /* statements between two answers awaited */
    GRACE_MS = 5000,  /* past the server's own timeout, then it is taken for lost */
    BATCH_BYTES = 256 * 1024, /* of arguments in a batch */
};

static struct pg_conn *of(struct ndc_store_conn *conn)
{
    return (struct pg_conn *)conn;
}

static void free_stmt(struct pg_stmt *stmt)
{
    free(stmt->types);
    free(stmt->base.sql);
    free(stmt);
}

static void drop(struct pg_conn *conn, struct pg_stmt *stmt)
{
    /* past the list's end the server keeps it until the connection closes */
    if (stmt->prepared && conn->n_dropped < PG_DROPPED_MAX) {
        conn->dropped[conn->n_dropped++] = stmt->number;
    }
    stmt->prepared = false;
}

void ndc_pg_flush_cache(struct pg_conn *conn)
{
    struct ndc_stmt_cache *cache = &conn->base.cache;
    while (cache->newest) {
        struct ndc_stmt *stmt = cache->newest;
        ndc_stmt_remove(cache, stmt);
        free_stmt((struct pg_stmt *)stmt);
    }
}

/* ---- sending ---- */

static enum ndc_err note(struct pg_conn *conn, int sent, enum pg_pending_kind kind,
                         struct pg_stmt *stmt, struct ndc_fault *fault)
{
    if (!sent) {
        conn->base.broken = true;
        return ndc_pg_fail(conn, NULL, NULL, fault);
    }
    NDC_ASSERT(conn->n_pending < PG_PENDING_MAX);
    conn->pending[conn->n_pending].kind = kind;
    conn->pending[conn->n_pending++].stmt = stmt;
    return NDC_OK;
}

enum ndc_err ndc_pg_send(struct pg_conn *conn, const char *sql, int binary,
                         enum pg_pending_kind kind, struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    if (conn->n_pending + PG_DROPPED_MAX >= PG_PENDING_MAX) {
        err = ndc_pg_finish(conn, sql, NULL, NULL, fault);
        if (err) return err;
    }
    int sent = PQsendQueryParams(conn->pg, sql, 0, NULL, NULL, NULL, NULL, binary);
    return note(conn, sent, kind, NULL, fault);
}

static Oid oid_of(enum ndc_val_type type)
{
    static const Oid oids[] = {[NDC_VAL_NULL] = 0,
                               [NDC_VAL_I64] = PG_OID_INT8,
                               [NDC_VAL_F64] = PG_OID_FLOAT8,
                               [NDC_VAL_TEXT] = PG_OID_TEXT,
                               [NDC_VAL_BLOB] = PG_OID_BYTEA};
    return oids[type];
}

/* Lays the arguments out for libpq. The sum of their bytes is added to *bytes. */
static enum ndc_err lay_out(struct pg_conn *conn, const struct ndc_val *args,
                            size_t n_args, size_t *bytes, struct ndc_fault *fault)
{
    for (size_t i = 0; i < n_args; i++) {
        const struct ndc_val *v = &args[i];
        uint64_t word;
        conn->formats[i] = 1;
        conn->lengths[i] = 8;
        conn->values[i] = (const char *)&conn->words[i];
        switch (v->type) {
        case NDC_VAL_NULL:
            conn->values[i] = NULL;
            conn->lengths[i] = 0;
            break;
        case NDC_VAL_I64:
            conn->words[i] = htobe64((uint64_t)v->i64);
            break;
        case NDC_VAL_F64:
            memcpy(&word, &v->f64, 8);
            conn->words[i] = htobe64(word);
            break;
        case NDC_VAL_TEXT:
        case NDC_VAL_BLOB:
            if (v->str.len > (size_t)256 << 20) {
                return ndc_fail(fault, NDC_ETOOBIG, "db.too_big",
                                "a value is larger than 256 MiB");
            }
            if (v->type == NDC_VAL_TEXT && ndc_store_check_text(v->str, fault)) {
                return NDC_EINPUT;
            }
            conn->values[i] = v->str.ptr;
            conn->lengths[i] = (int)v->str.len;
            break;
        }
        *bytes += (size_t)conn->lengths[i];
    }
    return NDC_OK;
}

enum ndc_err ndc_pg_send_args(struct pg_conn *conn, const char *sql,
                              const struct ndc_val *args, size_t n_args,
                              struct ndc_fault *fault)
{
    size_t bytes = 0;
    enum ndc_err err = lay_out(conn, args, n_args, &bytes, fault);
    if (err) return err;
    Oid *types = ndc_xcalloc(n_args + 1, sizeof(*types));
    for (size_t i = 0; i < n_args; i++)
        types[i] = oid_of(args[i].type);
    int sent = PQsendQueryParams(conn->pg, sql, (int)n_args, types, conn->values,
                                 conn->lengths, conn->formats, 1);
    free(types);
    return note(conn, sent, PG_CONTROL, NULL, fault);
}

static struct pg_stmt *find(struct pg_conn *conn, const char *sql)
{
    uint64_t hash;
    struct ndc_stmt *found = ndc_stmt_find(&conn->base.cache, sql, &hash);
    if (found) return (struct pg_stmt *)found;
    struct pg_stmt *stmt = ndc_xcalloc(1, sizeof(*stmt));
    struct ndc_stmt *old = ndc_stmt_insert(&conn->base.cache, &stmt->base, sql, hash);
    if (old) {
        drop(conn, (struct pg_stmt *)old);
        free_stmt((struct pg_stmt *)old);
    }
    return stmt;
}

/* Is it prepared for values of these types? A NULL fits every type. */
static bool fits(const struct pg_stmt *stmt, const struct ndc_val *args, size_t n_args)
{
    if (!stmt->prepared || stmt->n_params != n_args) return false;
    for (size_t i = 0; i < n_args; i++) {
        if (args[i].type != NDC_VAL_NULL && stmt->types[i] != oid_of(args[i].type)) {
            return false;
        }
    }
    return true;
}

static enum ndc_err send_dropped(struct pg_conn *conn, struct ndc_fault *fault)
{
    char sql[32];
    enum ndc_err err = NDC_OK;
    while (!err && conn->n_dropped > 0) {
        snprintf(sql, sizeof(sql), "DEALLOCATE n%u", conn->dropped[--conn->n_dropped]);
        int sent = PQsendQueryParams(conn->pg, sql, 0, NULL, NULL, NULL, NULL, 0);
        err = note(conn, sent, PG_CONTROL, NULL, fault);
    }
    return err;
}

static enum ndc_err send_prepare(struct pg_conn *conn, struct pg_stmt *stmt,
                                 const struct ndc_val *args, size_t n_args,
                                 struct ndc_fault *fault)
{
    char name[16];
    drop(conn, stmt);
    if (stmt->n_params != n_args || !stmt->types) {
        free(stmt->types);
        stmt->types = ndc_xcalloc(n_args + 1, sizeof(*stmt->types));
        stmt->n_params = (unsigned)n_args;
    }
    for (size_t i = 0; i < n_args; i++) {
        if (args[i].type != NDC_VAL_NULL) stmt->types[i] = oid_of(args[i].type);
    }
    enum ndc_err err = send_dropped(conn, fault);
    if (err) return err;
    stmt->number = ++conn->serial;
    snprintf(name, sizeof(name), "n%u", stmt->number);
    int sent = PQsendPrepare(conn->pg, name, stmt->base.sql, (int)n_args, stmt->types);
    stmt->prepared = sent == 1; /* taken back when the answer is a failure */
    return note(conn, sent, PG_PREPARE, stmt, fault);
}

static enum ndc_err send_exec(struct pg_conn *conn, struct pg_stmt *stmt,
                              const struct ndc_val *args, size_t n_args, size_t *bytes,
                              struct ndc_fault *fault)
{
    char name[16];
    enum ndc_err err = lay_out(conn, args, n_args, bytes, fault);
    if (!err && !fits(stmt, args, n_args)) {
        err = send_prepare(conn, stmt, args, n_args, fault);
    }
    if (err) return err;
    snprintf(name, sizeof(name), "n%u", stmt->number);
    int sent = PQsendQueryPrepared(conn->pg, name, (int)n_args, conn->values,
                                   conn->lengths, conn->formats, 1);
    return note(conn, sent, PG_EXEC, stmt, fault);
}

/* ---- receiving ---- */

/* Tells the server to stop sending a result that has grown over the cap. */
static void stop_result(struct pg_conn *conn)
{
    char why[256];
    PGcancel *cancel = PQgetCancel(conn->pg);
    if (cancel) PQcancel(cancel, why, sizeof(why));
    PQfreeCancel(cancel);
    conn->over = true;
}

/* The next result, within the statement's timeout and some grace: a server or a network
 * that is stuck must not hold the thread for ever. */
static PGresult *next_result(struct pg_conn *conn)
{
    int64_t end =
        conn->base.timeout_ms
            ? ndc_clock_mono_ns() + ((int64_t)conn->base.timeout_ms + GRACE_MS) * 1000000
            : INT64_MAX;
    while (PQisBusy(conn->pg)) {
        struct pollfd p = {.fd = PQsocket(conn->pg), .events = POLLIN};
        int ready = poll(&p, 1, 1000);
        int waiting = 0;
        if (ready < 0 && errno != EINTR) break;
        if (ready <= 0) {
            if (ndc_clock_mono_ns() < end) continue;
            conn->base.broken = true;
            return NULL;
        }
        if (ioctl(p.fd, FIONREAD, &waiting) == 0) conn->received += (size_t)waiting;
        if (!conn->over && conn->received > conn->base.store->options.result_bytes_max) {
            stop_result(conn);
        }
        if (!PQconsumeInput(conn->pg)) break;
    }
    return PQgetResult(conn->pg);
}

/* Reads one pending thing's answer. The first failure is kept in *err and *fault. */
static void read_answer(struct pg_conn *conn, const struct pg_pending *p, const char *sql,
                        PGresult **keep, int64_t *changes, enum ndc_err *err,
                        struct ndc_fault *fault)
{
    PGresult *r;
    bool any = false;
    while (!conn->base.broken && (r = next_result(conn))) {
        ExecStatusType status = PQresultStatus(r);
        any = true;
        if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
            int64_t n;
            if (changes && p->kind == PG_EXEC &&
                ndc_str_to_i64(ndc_str(PQcmdTuples(r)), &n)) {
                *changes += n;
            }
            if (keep && p->kind == PG_EXEC) {
                PQclear(*keep);
                *keep = r;
                continue;
            }
        } else {
            if (p->kind == PG_PREPARE) p->stmt->prepared = false;
            if (!*err && status != PGRES_PIPELINE_ABORTED) {
                conn->stale_plan = false;
                *err = ndc_pg_fail(conn, r, p->stmt ? p->stmt->base.sql : sql, fault);
                if (conn->stale_plan && p->stmt) drop(conn, p->stmt);
            }
        }
        PQclear(r);
        if (PQstatus(conn->pg) == CONNECTION_BAD) conn->base.broken = true;
    }
    if (!any || conn->base.broken) {
        conn->base.broken = true;
        if (p->kind == PG_PREPARE) p->stmt->prepared = false;
        if (!*err) *err = ndc_pg_fail(conn, NULL, sql, fault);
    }
}

/* `take` (may be NULL) is given each statement's result, in order, and not *res. */
static enum ndc_err finish(struct pg_conn *conn, const char *sql, PGresult **res,
                           int64_t *changes, void (*take)(void *arg, PGresult *res),
                           void *take_arg, struct ndc_fault *fault)
{
    if (res) *res = NULL;
    if (conn->n_pending == 0) return NDC_OK;
    enum ndc_err err = NDC_OK;
    conn->over = false;
    conn->received = 0;
    if (!PQpipelineSync(conn->pg)) {
        conn->base.broken = true;
        err = ndc_pg_fail(conn, NULL, sql, fault);
    }
    for (unsigned i = 0; i < conn->n_pending; i++) {
        if (conn->base.broken) {
            if (conn->pending[i].kind == PG_PREPARE) {
                conn->pending[i].stmt->prepared = false;
            }
            continue;
        }
        PGresult *mine = NULL;
        read_answer(conn, &conn->pending[i], sql, take ? &mine : res, changes, &err,
                    fault);
        if (mine && !err && conn->pending[i].kind == PG_EXEC) take(take_arg, mine);
        PQclear(mine);
    }
    conn->n_pending = 0;
    if (!conn->base.broken) {
        PGresult *sync = next_result(conn);
        if (PQresultStatus(sync) != PGRES_PIPELINE_SYNC) {
            conn->base.broken = true;
            if (!err) err = ndc_pg_fail(conn, sync, sql, fault);
        }
        PQclear(sync);
    }
    if (err && res) {
        PQclear(*res);
        *res = NULL;
    }
    return err;
}

enum ndc_err ndc_pg_finish(struct pg_conn *conn, const char *sql, PGresult **res,
                           int64_t *changes, struct ndc_fault *fault)
{
    return finish(conn, sql, res, changes, NULL, NULL, fault);
}

/* After a failure to send in the middle of a batch: the batch is still read to its end,
 * so that the connection stays in step. */
static void settle(struct pg_conn *conn, const char *sql)
{
    struct ndc_fault ignored = {0};
    if (conn->base.broken) {
        conn->n_pending = 0;
        return;
    }
    enum ndc_err err = ndc_pg_finish(conn, sql, NULL, NULL, &ignored);
    (void)err;
}

enum ndc_err ndc_pg_run(struct pg_conn *conn, const char *sql, const struct ndc_val *args,
                        size_t n_args, PGresult **res, int64_t *changes,
                        struct ndc_fault *fault)
{
    size_t bytes = 0;
    enum ndc_err err = send_exec(conn, find(conn, sql), args, n_args, &bytes, fault);
    if (err) {
        settle(conn, sql);
        return err;
    }
    return ndc_pg_finish(conn, sql, res, changes, fault);
}

enum ndc_err ndc_pg_exec(struct ndc_store_conn *base, const char *sql,
                         const struct ndc_val *args, size_t n_args, int64_t *changes,
                         struct ndc_fault *fault)
{
    return ndc_pg_run(of(base), sql, args, n_args, NULL, changes, fault);
}

static enum ndc_err run_many(struct pg_conn *conn, const char *sql,
                             const struct ndc_val *rows, size_t n_args, size_t n_rows,
                             int64_t *changes, void (*take)(void *arg, PGresult *res),
                             void *take_arg, struct ndc_fault *fault)
{
    struct pg_stmt *stmt = find(conn, sql);
    enum ndc_err err = NDC_OK;
    size_t bytes = 0, in_batch = 0;
    for (size_t i = 0; !err && i < n_rows; i++) {
        err = send_exec(conn, stmt, rows + i * n_args, n_args, &bytes, fault);
        if (err) {
            settle(conn, sql);
            return err;
        }
        in_batch++;
        if (in_batch == BATCH_ROWS || bytes > BATCH_BYTES || i + 1 == n_rows ||
            conn->n_pending + PG_DROPPED_MAX + 2 >= PG_PENDING_MAX) {
            err = finish(conn, sql, NULL, changes, take, take_arg, fault);
            bytes = in_batch = 0;
        }
    }
    return err;
}

enum ndc_err ndc_pg_many(struct ndc_store_conn *base, const char *sql,
                         const struct ndc_val *rows, size_t n_args, size_t n_rows,
                         int64_t *changes, struct ndc_fault *fault)
{
    return run_many(of(base), sql, rows, n_args, n_rows, changes, NULL, NULL, fault);
}

enum ndc_err ndc_pg_queries(struct pg_conn *conn, const char *sql,
                            const struct ndc_val *rows, size_t n_args, size_t n_rows,
                            void (*take)(void *arg, PGresult *res), void *take_arg,
                            struct ndc_fault *fault)
{
    return run_many(conn, sql, rows, n_args, n_rows, NULL, take, take_arg, fault);
}

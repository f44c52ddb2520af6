/* Statements, rows and transactions: what is the same for both drivers. Keeps the state
 * of the transaction, so that SQLite and PostgreSQL behave alike after a failure. */
#include "store/internal.h"

static enum ndc_err gone(struct ndc_fault *fault)
{
    return ndc_fail(fault, NDC_EDB, "db.gone",
                    "the connection to the database was lost inside a transaction; "
                    "nothing of it was written: start again");
}

/* Before every statement: may it run? */
static enum ndc_err check_state(struct ndc_store_conn *conn, struct ndc_fault *fault)
{
    NDC_ASSERT(!conn->bulk);
    if (conn->tx && conn->broken) return gone(fault);
    if (conn->tx_failed) {
        return ndc_fail(fault, NDC_EINTERNAL, "db.aborted",
                        "an earlier statement of this transaction failed: roll it back");
    }
    if (conn->broken) {
        if (conn->rows_open > 0) {
            return ndc_fail(fault, NDC_EDB, "db.gone",
                            "the connection to the database was lost: try again");
        }
        return ndc_store_revive(conn, fault);
    }
    return NDC_OK;
}

/* After a statement that failed. */
static void note_failure(struct ndc_store_conn *conn)
{
    if (conn->tx) conn->tx_failed = true;
}

/* A lost connection is found out only by using it. What only reads, outside a
 * transaction, can be run again on a new one without anybody noticing. */
static bool may_retry(const struct ndc_store_conn *conn)
{
    return conn->broken && conn->access == NDC_READ && !conn->tx && conn->rows_open == 0;
}

enum ndc_err ndc_sql_exec(struct ndc_store_conn *conn, const char *sql,
                          const struct ndc_val *args, size_t n_args, int64_t *changes,
                          struct ndc_fault *fault)
{
    NDC_ASSERT(n_args <= NDC_ARGS_MAX);
    if (changes) *changes = 0;
    enum ndc_err err = check_state(conn, fault);
    if (err) return err;
    err = ndc_store_inject(conn, fault);
    if (!err) err = conn->store->driver->exec(conn, sql, args, n_args, changes, fault);
    if (err) note_failure(conn);
    return err;
}

enum ndc_err ndc_sql_many(struct ndc_store_conn *conn, const char *sql,
                          const struct ndc_val *rows, size_t n_args, size_t n_rows,
                          int64_t *changes, struct ndc_fault *fault)
{
    NDC_ASSERT(n_args <= NDC_ARGS_MAX);
    NDC_ASSERT(conn->tx);
    if (changes) *changes = 0;
    enum ndc_err err = check_state(conn, fault);
    if (err || n_rows == 0) return err;
    err = ndc_store_inject(conn, fault);
    if (!err) {
        err = conn->store->driver->many(conn, sql, rows, n_args, n_rows, changes, fault);
    }
    if (err) note_failure(conn);
    return err;
}

enum ndc_err ndc_sql_script(struct ndc_store_conn *conn, const char *sql,
                            struct ndc_fault *fault)
{
    enum ndc_err err = check_state(conn, fault);
    if (err) return err;
    struct ndc_buf buf;
    ndc_buf_init(&buf, (size_t)16 << 20);
    ndc_ddl_translate(&buf, sql, conn->store->driver->kind);
    if (buf.failed) {
        err = ndc_fail(fault, NDC_ETOOBIG, "db.too_big", "a script is over 16 MiB");
    } else {
        err = ndc_store_inject(conn, fault);
        if (!err) err = conn->store->driver->script(conn, buf.ptr, fault);
    }
    if (err) note_failure(conn);
    ndc_buf_free(&buf);
    return err;
}

static struct ndc_rows *take_rows(struct ndc_store_conn *conn)
{
    struct ndc_rows *rows = conn->spare_rows;
    if (rows) {
        conn->spare_rows = rows->spare;
        rows->stmt = NULL;
        rows->scan = rows->failed_early = rows->ended = rows->own_tx = false;
        rows->bytes = 0;
        rows->fault.err = NDC_OK;
    } else {
        rows = ndc_xcalloc(1, conn->store->driver->rows_bytes);
        rows->conn = conn;
        ndc_arena_init(&rows->scratch, (size_t)1 << 20);
    }
    rows->spare = NULL;
    return rows;
}

static struct ndc_rows *start(struct ndc_store_conn *conn, const char *sql,
                              const struct ndc_val *args, size_t n_args, bool scan)
{
    NDC_ASSERT(n_args <= NDC_ARGS_MAX);
    struct ndc_rows *rows = take_rows(conn);
    rows->scan = scan;
    enum ndc_err err = check_state(conn, &rows->fault);
    if (!err) err = ndc_store_inject(conn, &rows->fault);
    if (!err && scan && !conn->tx) {
        err = ndc_tx_begin(conn, &rows->fault);
        rows->own_tx = !err;
    }
    if (!err) {
        const struct ndc_driver *driver = conn->store->driver;
        err = driver->rows_open(rows, sql, args, n_args);
        if (err && may_retry(conn)) {
            driver->rows_close(rows);
            rows->fault.err = NDC_OK;
            err = ndc_store_revive(conn, &rows->fault);
            if (!err)
                err = driver->rows_open(rows, sql, args, n_args);
            else
                rows->failed_early = true;
        }
        if (err) note_failure(conn);
    } else {
        rows->failed_early = true;
    }
    rows->ended = err != NDC_OK;
    conn->rows_open++;
    return rows;
}

/* By the driver, in one go. */
static enum ndc_err each_at_once(struct ndc_store_conn *conn, const char *sql,
                                 const struct ndc_val *args, size_t n_args, size_t n_rows,
                                 void (*visit)(void *arg, size_t number,
                                               struct ndc_rows *row),
                                 void *arg, struct ndc_fault *fault)
{
    struct ndc_rows *rows = take_rows(conn);
    enum ndc_err err = check_state(conn, &rows->fault);
    if (!err) err = ndc_store_inject(conn, &rows->fault);
    if (!err)
        err = conn->store->driver->each(rows, sql, args, n_args, n_rows, visit, arg);
    if (err) note_failure(conn);
    if (err && fault) *fault = rows->fault;
    rows->spare = conn->spare_rows;
    conn->spare_rows = rows;
    return err;
}

enum ndc_err ndc_sql_each(struct ndc_store_conn *conn, const char *sql,
                          const struct ndc_val *rows, size_t n_args, size_t n_rows,
                          void (*visit)(void *arg, size_t number, struct ndc_rows *row),
                          void *arg, struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    if (n_rows == 0) return NDC_OK;
    if (conn->store->driver->each)
        return each_at_once(conn, sql, rows, n_args, n_rows, visit, arg, fault);
    for (size_t i = 0; i < n_rows && !err; i++) {
        struct ndc_rows *r = ndc_sql_query(conn, sql, rows + i * n_args, n_args);
        while (ndc_rows_next(r))
            visit(arg, i, r);
        err = ndc_rows_end(r, fault);
    }
    return err;
}

struct ndc_rows *ndc_sql_query(struct ndc_store_conn *conn, const char *sql,
                               const struct ndc_val *args, size_t n_args)
{
    return start(conn, sql, args, n_args, false);
}

struct ndc_rows *ndc_sql_scan(struct ndc_store_conn *conn, const char *sql,
                              const struct ndc_val *args, size_t n_args)
{
    return start(conn, sql, args, n_args, true);
}

bool ndc_rows_next(struct ndc_rows *rows)
{
    if (rows->ended) return false;
    if (rows->scratch.used_bytes) ndc_arena_reset(&rows->scratch);
    if (rows->conn->store->driver->rows_next(rows)) return true;
    rows->ended = true;
    if (rows->fault.err) note_failure(rows->conn);
    return false;
}

enum ndc_err ndc_rows_end(struct ndc_rows *rows, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn = rows->conn;
    enum ndc_err err = rows->fault.err;
    if (!rows->failed_early) conn->store->driver->rows_close(rows);
    conn->rows_open--;
    if (rows->own_tx) {
        if (err || rows->conn->tx_failed)
            ndc_tx_rollback(conn);
        else
            err = ndc_tx_commit(conn, &rows->fault);
    }
    if (err && fault && !fault->err) *fault = rows->fault;
    rows->spare = conn->spare_rows;
    conn->spare_rows = rows;
    return err;
}

enum ndc_err ndc_sql_i64(struct ndc_store_conn *conn, int64_t *out, const char *sql,
                         const struct ndc_val *args, size_t n_args,
                         struct ndc_fault *fault)
{
    *out = 0;
    struct ndc_rows *rows = ndc_sql_query(conn, sql, args, n_args);
    bool found = ndc_rows_next(rows);
    if (found) *out = ndc_rows_i64(rows, 0);
    enum ndc_err err = ndc_rows_end(rows, fault);
    if (!err && !found) {
        err = ndc_fail(fault, NDC_ENOTFOUND, "db.no_row", "there is no such row");
    }
    return err;
}

/* ---- columns ---- */

struct ndc_val ndc_rows_val(struct ndc_rows *rows, unsigned column)
{
    NDC_ASSERT(!rows->ended);
    return rows->conn->store->driver->rows_val(rows, column);
}

int64_t ndc_rows_i64(struct ndc_rows *rows, unsigned column)
{
    struct ndc_val v = ndc_rows_val(rows, column);
    if (NDC_LIKELY(v.type == NDC_VAL_I64)) return v.i64;
    double d = 0;
    int64_t i = 0;
    if (v.type == NDC_VAL_F64)
        d = v.f64;
    else if (v.type == NDC_VAL_TEXT && ndc_str_to_i64(v.str, &i))
        return i;
    else if (v.type == NDC_VAL_TEXT && !ndc_str_to_f64(v.str, &d))
        return 0;
    if (d >= 0x1p63) return INT64_MAX;
    if (d <= -0x1p63) return INT64_MIN;
    return d == d ? (int64_t)d : 0;
}

double ndc_rows_f64(struct ndc_rows *rows, unsigned column)
{
    struct ndc_val v = ndc_rows_val(rows, column);
    double d = 0;
    if (v.type == NDC_VAL_F64) return v.f64;
    if (v.type == NDC_VAL_I64) return (double)v.i64;
    if (v.type == NDC_VAL_TEXT && !ndc_str_to_f64(v.str, &d)) return 0;
    return d;
}

struct ndc_str ndc_rows_text(struct ndc_rows *rows, unsigned column)
{
    struct ndc_val v = ndc_rows_val(rows, column);
    switch (v.type) {
    case NDC_VAL_TEXT:
    case NDC_VAL_BLOB:
        return v.str;
    case NDC_VAL_I64:
        return ndc_arena_printf(&rows->scratch, "%lld", (long long)v.i64);
    case NDC_VAL_F64: {
        struct ndc_str s = ndc_arena_printf(&rows->scratch, "%.15g", v.f64);
        double back;
        if (ndc_str_to_f64(s, &back) && back == v.f64) return s;
        return ndc_arena_printf(&rows->scratch, "%.17g", v.f64);
    }
    default:
        return NDC_STR_NULL;
    }
}

struct ndc_str ndc_rows_blob(struct ndc_rows *rows, unsigned column)
{
    return ndc_rows_text(rows, column);
}

bool ndc_rows_null(struct ndc_rows *rows, unsigned column)
{
    return ndc_rows_val(rows, column).type == NDC_VAL_NULL;
}

unsigned ndc_rows_columns(struct ndc_rows *rows)
{
    return rows->failed_early || rows->fault.err
               ? 0
               : rows->conn->store->driver->rows_columns(rows);
}

struct ndc_str ndc_rows_name(struct ndc_rows *rows, unsigned column)
{
    NDC_ASSERT(column < ndc_rows_columns(rows));
    return rows->conn->store->driver->rows_name(rows, column);
}

/* ---- transactions ---- */

enum ndc_err ndc_tx_begin(struct ndc_store_conn *conn, struct ndc_fault *fault)
{
    NDC_ASSERT(!conn->tx);
    enum ndc_err err = check_state(conn, fault);
    if (err) return err;
    err = conn->store->driver->control(conn, NDC_CONTROL_BEGIN, 0, fault);
    if (err) return err;
    conn->tx = true;
    conn->tx_failed = false;
    conn->savepoints = 0;
    conn->n_locks = 0;
    return NDC_OK;
}

static void forget_tx(struct ndc_store_conn *conn)
{
    conn->tx = conn->tx_failed = false;
    conn->savepoints = 0;
    conn->n_locks = 0;
}

void ndc_tx_rollback(struct ndc_store_conn *conn)
{
    NDC_ASSERT(!conn->bulk);
    if (!conn->tx) return;
    struct ndc_fault ignored = {0};
    forget_tx(conn);
    if (conn->broken) return;
    if (conn->store->driver->control(conn, NDC_CONTROL_ROLLBACK, 0, &ignored)) {
        conn->broken = true;
    }
}

enum ndc_err ndc_tx_commit(struct ndc_store_conn *conn, struct ndc_fault *fault)
{
    NDC_ASSERT(conn->tx && conn->savepoints == 0 && !conn->bulk);
    enum ndc_err err = check_state(conn, fault);
    if (!err) err = ndc_store_inject(conn, fault);
    if (!err) err = conn->store->driver->control(conn, NDC_CONTROL_COMMIT, 0, fault);
    if (err)
        ndc_tx_rollback(conn);
    else
        forget_tx(conn);
    return err;
}

bool ndc_tx_open(const struct ndc_store_conn *conn)
{
    return conn->tx;
}

enum ndc_err ndc_tx_savepoint(struct ndc_store_conn *conn, struct ndc_fault *fault)
{
    NDC_ASSERT(conn->tx && conn->savepoints < NDC_SAVEPOINTS_MAX);
    enum ndc_err err = check_state(conn, fault);
    if (err) return err;
    err = conn->store->driver->control(conn, NDC_CONTROL_SAVEPOINT, conn->savepoints + 1,
                                       fault);
    if (err)
        note_failure(conn);
    else
        conn->savepoints++;
    return err;
}

enum ndc_err ndc_tx_release(struct ndc_store_conn *conn, struct ndc_fault *fault)
{
    NDC_ASSERT(conn->tx && conn->savepoints > 0);
    enum ndc_err err = check_state(conn, fault);
    if (err) return err;
    err =
        conn->store->driver->control(conn, NDC_CONTROL_RELEASE, conn->savepoints, fault);
    if (err) {
        note_failure(conn);
        return err;
    }
    conn->savepoints--;
    for (unsigned i = 0; i < conn->n_locks; i++) {
        if (conn->locks[i].depth > conn->savepoints) {
            conn->locks[i].depth = conn->savepoints;
        }
    }
    return NDC_OK;
}

enum ndc_err ndc_tx_undo(struct ndc_store_conn *conn, struct ndc_fault *fault)
{
    NDC_ASSERT(conn->tx && conn->savepoints > 0 && !conn->bulk);
    if (conn->broken) return gone(fault);
    enum ndc_err err =
        conn->store->driver->control(conn, NDC_CONTROL_UNDO, conn->savepoints, fault);
    if (err) {
        conn->tx_failed = true;
        return err;
    }
    conn->tx_failed = false;
    conn->savepoints--;
    /* the locks of an undone savepoint are let go by the database */
    unsigned kept = 0;
    for (unsigned i = 0; i < conn->n_locks; i++) {
        if (conn->locks[i].depth <= conn->savepoints) {
            conn->locks[kept++] = conn->locks[i];
        }
    }
    conn->n_locks = kept;
    return NDC_OK;
}

enum ndc_err ndc_tx_lock(struct ndc_store_conn *conn, int64_t key,
                         struct ndc_fault *fault)
{
    NDC_ASSERT(conn->tx && conn->access == NDC_WRITE);
    for (unsigned i = 0; i < conn->n_locks; i++) {
        if (conn->locks[i].key == key) return NDC_OK;
    }
    enum ndc_err err = check_state(conn, fault);
    if (err) return err;
    if (conn->store->driver->lock) {
        err = conn->store->driver->lock(conn, key, fault);
        if (err) {
            note_failure(conn);
            return err;
        }
    }
    NDC_ASSERT(conn->n_locks < NDC_TX_LOCKS_MAX);
    conn->locks[conn->n_locks].key = key;
    conn->locks[conn->n_locks++].depth = conn->savepoints;
    return NDC_OK;
}

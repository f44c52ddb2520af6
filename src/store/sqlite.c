/* SQLite: opening and tuning connections, transactions, what errors mean. Write-ahead
 * log, so that readers and the one writer never wait for each other. */
#include "store/sqlite.h"

#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"

#include <errno.h>
#include <stdio.h>

enum {
    PAGE_BYTES = 8192,
    PROGRESS_OPS = 20000, /* virtual machine steps between looks at the clock */
    CHECKPOINT_BYTES = 16 << 20,
    SESSION_CHECKPOINT_BYTES = 512 << 20,
    SESSION_CACHE_BYTES = 64 << 20,
    WAL_BYTES_MAX = 64 << 20,
    SQL_BYTES_MAX = 4 << 20,
    VALUE_BYTES_MAX = 256 << 20,
};

static const int64_t mmap_bytes = (int64_t)1 << 30;

static struct sqlite_conn *of(struct ndc_store_conn *conn)
{
    return (struct sqlite_conn *)conn;
}

static const struct {
    int code;
    enum ndc_err err;
    const char *name, *help;
} meanings[] = {
    {SQLITE_CONSTRAINT_UNIQUE, NDC_ECONFLICT, "db.unique", "there is such a row already"},
    {SQLITE_CONSTRAINT_PRIMARYKEY, NDC_ECONFLICT, "db.unique",
     "there is such a row already"},
    {SQLITE_CONSTRAINT_ROWID, NDC_ECONFLICT, "db.unique", "there is such a row already"},
    {SQLITE_CONSTRAINT_FOREIGNKEY, NDC_ECONFLICT, "db.foreign_key",
     "a row it refers to is missing, or rows refer to it"},
    {SQLITE_CONSTRAINT, NDC_ECONFLICT, "db.check",
     "a rule of the table does not allow it"},
    {SQLITE_READONLY, NDC_EDB, "db.readonly",
     "the database file or its folder cannot be written: mend its owner, permissions or "
     "mount"},
    {SQLITE_PERM, NDC_EDB, "db.readonly", "the file's permissions do not allow it"},
    {SQLITE_FULL, NDC_EDB, "db.full",
     "the disk is full: free some space; nothing of this change was written"},
    {SQLITE_BUSY, NDC_EBUSY, "db.busy", "another process holds the database: try again"},
    {SQLITE_LOCKED, NDC_EBUSY, "db.busy", "a table is locked: try again"},
    {SQLITE_INTERRUPT, NDC_EBUSY, "db.timeout",
     "the statement ran longer than statement_timeout_ms allows"},
    {SQLITE_CANTOPEN, NDC_EDB, "db.open",
     "check that the path exists and this user may use it"},
    {SQLITE_NOTADB, NDC_EDB, "db.corrupt", "the file is not an SQLite database"},
    {SQLITE_CORRUPT, NDC_EDB, "db.corrupt",
     "the database file is damaged: restore it from a backup"},
    {SQLITE_IOERR, NDC_EDB, "db.io", "the disk failed: see the kernel's log"},
    {SQLITE_TOOBIG, NDC_ETOOBIG, "db.too_big", "a value is larger than 256 MiB"},
    {SQLITE_MISMATCH, NDC_EINPUT, "db.value", "a value is of the wrong type"},
    {SQLITE_NOMEM, NDC_EDB, "db.memory", "memory is out"},
};

/* Writing past a file size limit or a quota is a full disk too, but SQLite calls only
 * ENOSPC that. The reason is kept in the file, the database or its log. */
static bool no_room(sqlite3 *db)
{
    static const int which[] = {SQLITE_FCNTL_FILE_POINTER, SQLITE_FCNTL_JOURNAL_POINTER};
    for (unsigned i = 0; i < 2; i++) {
        sqlite3_file *file = NULL;
        int e = 0;
        if (sqlite3_file_control(db, "main", which[i], &file) == SQLITE_OK && file &&
            file->pMethods &&
            file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &e) ==
                SQLITE_OK &&
            (e == EFBIG || e == ENOSPC || e == EDQUOT)) {
            return true;
        }
    }
    return false;
}

enum ndc_err ndc_sqlite_fail(struct sqlite_conn *conn, const char *sql,
                             struct ndc_fault *fault)
{
    int code = sqlite3_extended_errcode(conn->db);
    const char *what = sqlite3_errmsg(conn->db);
    const char *path = conn->base.store->target;
    if (code == SQLITE_IOERR_WRITE && no_room(conn->db)) code = SQLITE_FULL;
    for (unsigned pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < NDC_ARRAY_LEN(meanings); i++) {
            if (meanings[i].code != (pass ? code & 0xff : code)) continue;
            return ndc_fail(fault, meanings[i].err, meanings[i].name, "%s: %s (%s)", path,
                            what, meanings[i].help);
        }
    }
    return ndc_fail(fault, NDC_EINTERNAL, "db.sql", "%s: %s in: %.200s", path, what,
                    sql ? sql : "");
}

static int on_progress(void *arg)
{
    struct sqlite_conn *conn = arg;
    return conn->deadline_ns && ndc_clock_mono_ns() > conn->deadline_ns;
}

static enum ndc_err pragma(struct sqlite_conn *conn, struct ndc_fault *fault,
                           const char *format, ...) NDC_PRINTF(3, 4);

static enum ndc_err pragma(struct sqlite_conn *conn, struct ndc_fault *fault,
                           const char *format, ...)
{
    char sql[160];
    va_list args;
    va_start(args, format);
    vsnprintf(sql, sizeof(sql), format, args);
    va_end(args);
    if (sqlite3_exec(conn->db, sql, NULL, NULL, NULL) == SQLITE_OK) return NDC_OK;
    return ndc_sqlite_fail(conn, sql, fault);
}

static enum ndc_err sqlite_prepare(struct ndc_store *store, struct ndc_fault *fault)
{
    store->file_is_new = !ndc_file_exists(store->target);
    if (!store->file_is_new) return NDC_OK;
    if (store->options.read_only) {
        return ndc_fail(fault, NDC_ENOTFOUND, "db.open", "there is no file %s",
                        store->target);
    }
    char *slash = strrchr(store->target, '/');
    if (!slash || slash == store->target) return NDC_OK;
    *slash = '\0';
    enum ndc_err err = ndc_file_mkdirs(store->target, fault);
    *slash = '/';
    return err;
}

static enum ndc_err set_timeout(struct ndc_store_conn *conn, struct ndc_fault *fault)
{
    (void)fault;
    sqlite3_progress_handler(of(conn)->db, conn->timeout_ms ? PROGRESS_OPS : 0,
                             on_progress, conn);
    of(conn)->deadline_ns = 0;
    return NDC_OK;
}

/* Defences against a hostile file, and limits. */
static void harden(sqlite3 *db)
{
    sqlite3_extended_result_codes(db, 1);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX);
    sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, SQL_BYTES_MAX);
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 1);
    sqlite3_limit(db, SQLITE_LIMIT_WORKER_THREADS, 4);
}

static unsigned page_bytes(const struct sqlite_conn *conn)
{
    const struct ndc_store_options *o = &conn->base.store->options;
    return o->page_bytes ? o->page_bytes : PAGE_BYTES;
}

static enum ndc_err tune(struct sqlite_conn *conn, struct ndc_fault *fault)
{
    const struct ndc_store_options *o = &conn->base.store->options;
    enum ndc_err err = NDC_OK;
    sqlite3_busy_timeout(conn->db, (int)o->take_timeout_ms);
    if (conn->base.access == NDC_WRITE) {
        err = pragma(conn, fault, "PRAGMA page_size=%u", page_bytes(conn));
        if (!err) err = pragma(conn, fault, "PRAGMA journal_mode=WAL");
        if (!err) {
            err = pragma(conn, fault, "PRAGMA synchronous=%s",
                         o->rebuildable ? "NORMAL" : "FULL");
        }
        if (!err) {
            err = pragma(conn, fault,
                         "PRAGMA wal_autocheckpoint=%u; PRAGMA journal_size_limit=%d; "
                         "PRAGMA analysis_limit=1000",
                         CHECKPOINT_BYTES / page_bytes(conn), WAL_BYTES_MAX);
        }
    }
    /* Not of other people's files: one that is truncated under a map kills the process.
     * Nor are the cells of our own pages checked: mapped pages are not kept, so the check
     * would be made at every visit and halve the speed of lookups. */
    if (!err && !o->read_only && !o->unmapped)
        err = pragma(conn, fault, "PRAGMA mmap_size=%lld", (long long)mmap_bytes);
    if (!err) {
        err = pragma(conn, fault,
                     "PRAGMA cache_size=-%zu; PRAGMA temp_store=MEMORY; "
                     "PRAGMA foreign_keys=ON; PRAGMA cell_size_check=%s",
                     o->cache_bytes / 1024, o->read_only ? "ON" : "OFF");
    }
    /* the first look at the file: finds out what cannot be used */
    if (!err) err = pragma(conn, fault, "SELECT 1 FROM sqlite_schema LIMIT 1");
    return err;
}

static void shut(struct ndc_store_conn *conn)
{
    ndc_sqlite_flush_cache(of(conn));
    int rc = sqlite3_close(of(conn)->db);
    NDC_ASSERT(rc == SQLITE_OK);
    of(conn)->db = NULL;
}

/* Percent-encodes a path into a file: URI. */
static void immutable_uri(struct ndc_buf *uri, const char *path)
{
    ndc_buf_add_c(uri, "file:");
    for (; *path; path++) {
        if (*path == '%' || *path == '?' || *path == '#') {
            ndc_buf_printf(uri, "%%%02x", (unsigned char)*path);
        } else {
            ndc_buf_add_byte(uri, *path);
        }
    }
    ndc_buf_add_c(uri, "?immutable=1");
    ndc_buf_add_byte(uri, '\0');
}

static enum ndc_err open_as(struct sqlite_conn *conn, bool immutable,
                            struct ndc_fault *fault)
{
    struct ndc_store *store = conn->base.store;
    struct ndc_buf uri;
    ndc_buf_init(&uri, 65536);
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    flags |= conn->base.access == NDC_WRITE ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                                            : SQLITE_OPEN_READONLY;
    if (immutable) {
        immutable_uri(&uri, store->target);
        flags |= SQLITE_OPEN_URI;
    }
    int rc = sqlite3_open_v2(immutable ? uri.ptr : store->target, &conn->db, flags, NULL);
    enum ndc_err err = NDC_OK;
    if (rc != SQLITE_OK) {
        err = conn->db ? ndc_sqlite_fail(conn, NULL, fault)
                       : ndc_fail(fault, NDC_EDB, "db.memory", "memory is out");
    } else {
        harden(conn->db);
        err = set_timeout(&conn->base, fault);
        if (!err) err = tune(conn, fault);
    }
    if (err && conn->db) shut(&conn->base);
    ndc_buf_free(&uri);
    return err;
}

static enum ndc_err sqlite_open(struct ndc_store_conn *base, struct ndc_fault *fault)
{
    struct ndc_store *store = base->store;
    struct ndc_fault first = {0};
    enum ndc_err err = open_as(of(base), store->immutable, &first);
    if (err && store->options.read_only && !store->immutable &&
        (strcmp(first.code, "db.open") == 0 || strcmp(first.code, "db.readonly") == 0)) {
        /* a file in WAL mode in a folder that we may not write: if no log lies beside it,
         * nobody is writing it and it can be read as it is */
        char wal[4096];
        snprintf(wal, sizeof(wal), "%s-wal", store->target);
        if (!ndc_file_exists(wal)) {
            first = (struct ndc_fault){0};
            err = open_as(of(base), true, &first);
            if (!err) store->immutable = true;
        }
    }
    if (err && fault && !fault->err) *fault = first;
    return err;
}

static bool alive(struct ndc_store_conn *conn)
{
    (void)conn;
    return true;
}

/* How long the log is after a commit of a loading session. */
static int on_session_commit(void *arg, sqlite3 *db, const char *name, int pages)
{
    struct sqlite_conn *conn = arg;
    (void)db, (void)name;
    conn->wal_bytes = (uint64_t)pages * page_bytes(conn);
    return SQLITE_OK;
}

/* A session's log is copied into the database before its next slice, never by a commit:
 * whoever waits for the last commit would wait for the whole database to be written once
 * more. If it fails the log is kept and only grows. */
static void between_slices(struct sqlite_conn *conn)
{
    if (conn->wal_bytes < SESSION_CHECKPOINT_BYTES) return;
    conn->wal_bytes = 0;
    int rc =
        sqlite3_wal_checkpoint_v2(conn->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    if (rc != SQLITE_OK)
        ndc_log(NDC_LOG_WARN, "store", "checkpoint: %s", sqlite3_errmsg(conn->db));
}

static enum ndc_err control(struct ndc_store_conn *conn, enum ndc_control op,
                            unsigned depth, struct ndc_fault *fault)
{
    static const char *const save[] = {"SAVEPOINT s1", "SAVEPOINT s2", "SAVEPOINT s3",
                                       "SAVEPOINT s4", "SAVEPOINT s5", "SAVEPOINT s6",
                                       "SAVEPOINT s7", "SAVEPOINT s8"};
    static const char *const release[] = {"RELEASE s1", "RELEASE s2", "RELEASE s3",
                                          "RELEASE s4", "RELEASE s5", "RELEASE s6",
                                          "RELEASE s7", "RELEASE s8"};
    static const char *const undo[] = {
        "ROLLBACK TO s1", "ROLLBACK TO s2", "ROLLBACK TO s3", "ROLLBACK TO s4",
        "ROLLBACK TO s5", "ROLLBACK TO s6", "ROLLBACK TO s7", "ROLLBACK TO s8"};
    const char *sql = NULL;
    switch (op) {
    case NDC_CONTROL_BEGIN:
        between_slices(of(conn));
        sql = conn->access == NDC_WRITE ? "BEGIN IMMEDIATE" : "BEGIN";
        break;
    case NDC_CONTROL_COMMIT:
        sql = "COMMIT";
        break;
    case NDC_CONTROL_ROLLBACK:
        /* SQLite itself rolls back after some failures */
        if (sqlite3_get_autocommit(of(conn)->db)) return NDC_OK;
        sql = "ROLLBACK";
        break;
    case NDC_CONTROL_SAVEPOINT:
        sql = save[depth - 1];
        break;
    case NDC_CONTROL_RELEASE:
        sql = release[depth - 1];
        break;
    case NDC_CONTROL_UNDO: {
        enum ndc_err err =
            ndc_sqlite_exec(conn, undo[depth - 1], NDC_NO_ARGS, NULL, fault);
        if (err) return err;
        sql = release[depth - 1];
        break;
    }
    }
    return ndc_sqlite_exec(conn, sql, NDC_NO_ARGS, NULL, fault);
}

static enum ndc_err script(struct ndc_store_conn *conn, const char *sql,
                           struct ndc_fault *fault)
{
    of(conn)->deadline_ns = 0;
    if (sqlite3_exec(of(conn)->db, sql, NULL, NULL, NULL) == SQLITE_OK) return NDC_OK;
    return ndc_sqlite_fail(of(conn), sql, fault);
}

/* Copies the log into the database and syncs it, so that what was committed without
 * waiting is safe. Readers may hold parts of the log back; they only delay emptying it.
 */
static enum ndc_err checkpoint(struct sqlite_conn *conn, struct ndc_fault *fault)
{
    int rc =
        sqlite3_wal_checkpoint_v2(conn->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    if (rc == SQLITE_OK || rc == SQLITE_BUSY) return NDC_OK;
    return ndc_sqlite_fail(conn, "checkpoint", fault);
}

/* The same without waiting: what was committed is in the synced log and safe, so readers,
 * writers and whoever loaded need not wait until it stands in the database too. If it
 * fails the log is kept, and the next commit tries again. */
static void checkpoint_aside(void *arg)
{
    struct ndc_store *store = arg;
    struct sqlite_conn conn = {.base = {.store = store, .access = NDC_WRITE}};
    struct ndc_fault fault = {0};
    enum ndc_err err = open_as(&conn, false, &fault);
    if (!err && sqlite3_wal_checkpoint_v2(conn.db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL,
                                          NULL) != SQLITE_OK)
        err = ndc_sqlite_fail(&conn, "checkpoint", &fault);
    if (err) ndc_log(NDC_LOG_WARN, "store", "checkpoint: %s", fault.message);
    if (conn.db) shut(&conn.base);
}

static enum ndc_err session_end(struct sqlite_conn *conn, struct ndc_fault *fault)
{
    struct ndc_store *store = conn->base.store;
    const struct ndc_store_options *o = &store->options;
    enum ndc_err err = NDC_OK;
    conn->wal_bytes = 0;
    if (o->rebuildable) {
        err = pragma(conn, fault, "PRAGMA synchronous=FULL");
        if (!err) err = checkpoint(conn, fault);
        if (!err) err = pragma(conn, fault, "PRAGMA synchronous=NORMAL");
    }
    if (!err)
        err = pragma(conn, fault,
                     "PRAGMA cache_size=-%zu; PRAGMA threads=0; "
                     "PRAGMA wal_autocheckpoint=%u; PRAGMA shrink_memory",
                     o->cache_bytes / 1024, CHECKPOINT_BYTES / page_bytes(conn));
    if (!err && !o->rebuildable) {
        ndc_thread_start(&store->checkpoint, "ndc-checkpoint", checkpoint_aside, store);
        store->checkpointing = true;
    }
    return err;
}

static enum ndc_err session(struct ndc_store_conn *base, bool begin,
                            struct ndc_fault *fault)
{
    struct sqlite_conn *conn = of(base);
    const struct ndc_store_options *o = &base->store->options;
    if (!begin) return session_end(conn, fault);
    ndc_store_checkpoint_wait(base->store);
    enum ndc_err err =
        pragma(conn, fault, "PRAGMA cache_size=-%zu; PRAGMA threads=2",
               NDC_MAX(o->cache_bytes, (size_t)SESSION_CACHE_BYTES) / 1024);
    if (!err && o->rebuildable) err = pragma(conn, fault, "PRAGMA synchronous=OFF");
    if (err) return err;
    conn->wal_bytes = 0;
    sqlite3_wal_hook(conn->db, on_session_commit, conn); /* instead of its own */
    return NDC_OK;
}

const struct ndc_driver ndc_driver_sqlite = {
    .kind = NDC_SQLITE,
    .conn_bytes = sizeof(struct sqlite_conn),
    .rows_bytes = sizeof(struct sqlite_rows),
    .bulk_bytes = sizeof(struct sqlite_bulk),
    .prepare_store = sqlite_prepare,
    .open = sqlite_open,
    .shut = shut,
    .alive = alive,
    .set_timeout = set_timeout,
    .control = control,
    .lock = NULL,
    .exec = ndc_sqlite_exec,
    .many = ndc_sqlite_many,
    .script = script,
    .rows_open = ndc_sqlite_rows_open,
    .rows_next = ndc_sqlite_rows_next,
    .rows_close = ndc_sqlite_rows_close,
    .rows_val = ndc_sqlite_rows_val,
    .rows_columns = ndc_sqlite_rows_columns,
    .rows_name = ndc_sqlite_rows_name,
    .bulk_begin = ndc_sqlite_bulk_begin,
    .bulk_value = ndc_sqlite_bulk_value,
    .bulk_row = ndc_sqlite_bulk_row,
    .bulk_end = ndc_sqlite_bulk_end,
    .session = session,
};

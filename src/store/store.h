/* One SQL interface over SQLite and PostgreSQL 15.
 *
 *     struct ndc_store_conn *conn;
 *     err = ndc_store_take(store, NDC_READ, &conn, fault);
 *     if (err) return err;
 *     struct ndc_rows *rows = ndc_sql_query(
 *         conn, "SELECT name FROM person WHERE id = $1", NDC_ARGS(ndc_text(id)));
 *     while (ndc_rows_next(rows)) use(ndc_rows_text(rows, 0));
 *     err = ndc_rows_end(rows, fault);
 *     ndc_store_give(conn);
 *
 * Writes go through ndc_store_write (writer.h): it commits many callers' writes together.
 * The same SQL text runs on both: $1..$n placeholders, ON CONFLICT and RETURNING are
 * fine; types BIGINT, DOUBLE PRECISION, TEXT, BYTEA; booleans are BIGINT 0/1; text
 * compares by bytes. SQL is a literal in the program: never put a value into it.
 *
 * Faults: db.unique, db.foreign_key, db.check (NDC_ECONFLICT); db.value (NDC_EINPUT);
 * db.busy, db.timeout (NDC_EBUSY: may be tried again); db.full, db.readonly, db.gone,
 * db.open, db.io, db.corrupt, db.denied (NDC_EDB: the operator must act, the message says
 * what); db.too_big (NDC_ETOOBIG); db.sql (NDC_EINTERNAL: a defect of ours). */
#ifndef NDC_STORE_STORE_H
#define NDC_STORE_STORE_H

#include "base/error.h"
#include "store/value.h"

struct ndc_store;      /* a database */
struct ndc_store_conn; /* a connection, used by one thread at a time */
struct ndc_rows;       /* a running query */

enum ndc_store_kind { NDC_SQLITE, NDC_POSTGRES };
enum ndc_access { NDC_READ, NDC_WRITE };

/* Zero means the default in brackets. */
struct ndc_store_options {
    bool read_only;           /* never write, create or lock: other people's files */
    bool rebuildable;         /* SQLite: a power cut may lose the last commits (never
                                 the file's soundness); for what can be made again */
    unsigned readers_max;     /* connections for NDC_READ [16] */
    unsigned writers_max;     /* for NDC_WRITE; SQLite always has 1 [4] */
    unsigned take_timeout_ms; /* wait for a connection or a lock, then db.busy [10000] */
    unsigned statement_timeout_ms; /* then db.timeout [30000] */
    unsigned group_max;            /* writes committed together at most [256] */
    unsigned group_wait_ms;        /* the writer waits this long for company [0] */
    size_t result_bytes_max;       /* of one ndc_sql_query, then db.too_big [64 MiB] */
    size_t cache_bytes;            /* SQLite page cache of one connection [16 MiB] */
    bool unmapped; /* SQLite: pages are read, not mapped. A commit takes the map away from
                      all readers: better where commits come between most reads */
    unsigned page_bytes; /* SQLite, of a new file: a power of two to 64 KiB;
                            large ones load faster, small ones commit [8 KiB] */
};

/* Opens "sqlite:PATH" (created if missing, with its folder) or "postgres:CONNINFO" (libpq
 * keywords or URI). Starts the writer thread unless read-only. `options` may be NULL. */
enum ndc_err ndc_store_open(struct ndc_store **store, const char *url,
                            const struct ndc_store_options *options,
                            struct ndc_fault *fault) NDC_MUST_USE;
/* Finishes queued writes, closes. Every connection must have been given back. NULL is
 * fine. */
void ndc_store_close(struct ndc_store *store);
enum ndc_store_kind ndc_store_kind(const struct ndc_store *store);

/* Takes a connection from the pool, waiting for one. A lost connection is replaced here
 * and before the next statement outside a transaction: the database may go and come back.
 * SQLite's one NDC_WRITE connection is shared with the writer thread: give it back soon.
 */
enum ndc_err ndc_store_take(struct ndc_store *store, enum ndc_access access,
                            struct ndc_store_conn **conn,
                            struct ndc_fault *fault) NDC_MUST_USE;
/* Gives it back; an open transaction is rolled back. NULL is fine. */
void ndc_store_give(struct ndc_store_conn *conn);
struct ndc_store *ndc_store_conn_store(const struct ndc_store_conn *conn);
/* Until it is given back; 0 means none. For long jobs. */
void ndc_store_conn_timeout(struct ndc_store_conn *conn, unsigned statement_timeout_ms);

/* Runs a statement. *changes (may be NULL) is the number of rows it changed. */
enum ndc_err ndc_sql_exec(struct ndc_store_conn *conn, const char *sql,
                          const struct ndc_val *args, size_t n_args, int64_t *changes,
                          struct ndc_fault *fault) NDC_MUST_USE;
/* Runs one statement for n_rows rows of n_args values each, in order, as few round trips
 * as can be. Stops at the first failure; call it inside a transaction. No RETURNING. */
enum ndc_err ndc_sql_many(struct ndc_store_conn *conn, const char *sql,
                          const struct ndc_val *rows, size_t n_args, size_t n_rows,
                          int64_t *changes, struct ndc_fault *fault) NDC_MUST_USE;
/* Runs one query for n_rows rows of n_args values each, as few round trips as can be, and
 * gives every row of every result to `visit`, with the number of the arguments it is of;
 * the order of numbers is kept. For results of a few rows: all of a round trip's are in
 * memory at once. */
enum ndc_err ndc_sql_each(struct ndc_store_conn *conn, const char *sql,
                          const struct ndc_val *rows, size_t n_args, size_t n_rows,
                          void (*visit)(void *arg, size_t number, struct ndc_rows *row),
                          void *arg, struct ndc_fault *fault) NDC_MUST_USE;
/* Several statements separated by ";", no arguments: DDL, as migrate.h explains. */
enum ndc_err ndc_sql_script(struct ndc_store_conn *conn, const char *sql,
                            struct ndc_fault *fault) NDC_MUST_USE;

/* Starts a query (or a write with RETURNING). Never NULL: a failure is kept and told by
 * ndc_rows_end. Arguments are not copied: what they point at stays until ndc_rows_end.
 * Other statements may run on the connection meanwhile. */
struct ndc_rows *ndc_sql_query(struct ndc_store_conn *conn, const char *sql,
                               const struct ndc_val *args, size_t n_args);
/* The same for results larger than memory: read in portions, no cap on their size. Holds
 * a snapshot of the database (on PostgreSQL a transaction, if none is open) until
 * ndc_rows_end. SELECT only. */
struct ndc_rows *ndc_sql_scan(struct ndc_store_conn *conn, const char *sql,
                              const struct ndc_val *args, size_t n_args);
/* The next row; false at the end and on failure. */
bool ndc_rows_next(struct ndc_rows *rows) NDC_MUST_USE;
/* Ends it, early too. Always call it, once; *rows is gone then. */
enum ndc_err ndc_rows_end(struct ndc_rows *rows, struct ndc_fault *fault) NDC_MUST_USE;
/* The first column of the first row; NDC_ENOTFOUND (db.no_row) if there is none. A NULL
 * counts as 0. */
enum ndc_err ndc_sql_i64(struct ndc_store_conn *conn, int64_t *out, const char *sql,
                         const struct ndc_val *args, size_t n_args,
                         struct ndc_fault *fault) NDC_MUST_USE;

/* Columns of the current row, from 0. Text and blobs are valid until the next row. NULL
 * reads as 0 or as a str with a NULL pointer; numbers and text convert as expected. */
struct ndc_val ndc_rows_val(struct ndc_rows *rows, unsigned column);
int64_t ndc_rows_i64(struct ndc_rows *rows, unsigned column);
double ndc_rows_f64(struct ndc_rows *rows, unsigned column);
struct ndc_str ndc_rows_text(struct ndc_rows *rows, unsigned column);
struct ndc_str ndc_rows_blob(struct ndc_rows *rows, unsigned column);
bool ndc_rows_null(struct ndc_rows *rows, unsigned column);
unsigned ndc_rows_columns(struct ndc_rows *rows);
/* Column names; valid until ndc_rows_end. */
struct ndc_str ndc_rows_name(struct ndc_rows *rows, unsigned column);

/* Transactions. On an NDC_READ connection: one unchanging snapshot. On NDC_WRITE: SQLite
 * takes the write lock at once; PostgreSQL is READ COMMITTED. After a failed commit
 * nothing is written (db.gone while committing: unknown, look before writing again). */
enum ndc_err ndc_tx_begin(struct ndc_store_conn *conn,
                          struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_tx_commit(struct ndc_store_conn *conn,
                           struct ndc_fault *fault) NDC_MUST_USE;
void ndc_tx_rollback(struct ndc_store_conn *conn);
bool ndc_tx_open(const struct ndc_store_conn *conn);
/* Savepoints inside a transaction, nested up to 8. A statement that fails inside one
 * leaves the transaction usable after ndc_tx_undo. */
enum ndc_err ndc_tx_savepoint(struct ndc_store_conn *conn,
                              struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_tx_release(struct ndc_store_conn *conn,
                            struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_tx_undo(struct ndc_store_conn *conn,
                         struct ndc_fault *fault) NDC_MUST_USE;
/* Waits until no other transaction holds lock `key`, and holds it to the end: who numbers
 * rows under it numbers them in commit order. (SQLite: any write transaction does.) */
enum ndc_err ndc_tx_lock(struct ndc_store_conn *conn, int64_t key,
                         struct ndc_fault *fault) NDC_MUST_USE;

#endif

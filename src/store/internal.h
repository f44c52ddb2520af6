/* Inside src/store only: what a driver is, and the state that store.c, sql.c and the
 * drivers share. */
#ifndef NDC_STORE_INTERNAL_H
#define NDC_STORE_INTERNAL_H

#include "base/arena.h"
#include "base/buf.h"
#include "store/bulk.h"
#include "store/driver.h"
#include "store/store.h"
#include "store/writer.h"
#include "sys/thread.h"

enum {
    NDC_STMT_SLOTS = 512,
    NDC_STMT_CACHED_MAX = 384, /* statements of a connection; the least recent goes */
    NDC_SAVEPOINTS_MAX = 8,
    NDC_TX_LOCKS_MAX = 8,
    NDC_ARGS_MAX = 1024,
};

/* A prepared statement; drivers put it first in theirs. Found by the text of its SQL. */
struct ndc_stmt {
    struct ndc_stmt *chain;         /* of the hash slot */
    struct ndc_stmt *newer, *older; /* by last use */
    uint64_t hash;
    char *sql;
    bool busy;   /* a query is running on it */
    bool cached; /* false: thrown away after use */
};

struct ndc_stmt_cache {
    struct ndc_stmt *slots[NDC_STMT_SLOTS];
    struct ndc_stmt *newest, *oldest;
    unsigned count;
};

struct ndc_store_conn {
    struct ndc_store *store;
    struct ndc_store_conn *next; /* in the pool's idle list */
    struct ndc_rows *spare_rows;
    struct ndc_stmt_cache cache;
    enum ndc_access access;
    bool open;      /* the driver has a connection */
    bool broken;    /* lost: replace it as soon as no transaction is open */
    bool tx;        /* a transaction is open, as the caller sees it */
    bool tx_failed; /* a statement in it failed: only undo or rollback may follow */
    bool extra;     /* the writer thread's own, not counted by the pool */
    bool bulk;      /* a bulk load is running */
    bool session;   /* a bulk session is on */
    unsigned savepoints;
    unsigned rows_open;
    unsigned timeout_ms;
    unsigned n_locks;
    struct {
        int64_t key;
        unsigned depth;
    } locks[NDC_TX_LOCKS_MAX];
};

struct ndc_rows {
    struct ndc_rows *spare;
    struct ndc_store_conn *conn;
    struct ndc_stmt *stmt;
    struct ndc_arena scratch; /* conversions of the current row */
    bool scan;
    bool failed_early; /* never reached the driver */
    bool ended;
    bool own_tx; /* the scan opened the transaction */
    size_t bytes;
    struct ndc_fault fault;
};

struct ndc_bulk {
    struct ndc_store_conn *conn;
    char *sql;
    size_t n_columns;
    size_t at; /* the next value's column */
    uint64_t rows;
    struct ndc_fault fault;
    enum ndc_val_type types[NDC_BULK_COLUMNS_MAX];
};

/* A thread that waits for a connection; on its stack. */
struct ndc_waiter {
    struct ndc_waiter *next;
    struct ndc_store_conn *conn; /* handed over by who gave it back */
    struct ndc_cond given;
};

struct ndc_conn_pool {
    struct ndc_store_conn *idle;
    struct ndc_waiter *first; /* in line */
    unsigned max, made, taken;
};

struct ndc_store {
    const struct ndc_driver *driver;
    char *target; /* the URL without its scheme */
    struct ndc_store_options options;
    bool file_is_new;              /* SQLite */
    bool immutable;                /* SQLite: read-only without side files */
    struct ndc_mutex mutex;        /* guards the pools and counters; a leaf lock */
    struct ndc_conn_pool pools[2]; /* by ndc_access */
    struct ndc_store_stats stats;
    struct ndc_writer *writer;
    /* SQLite: the log of a loading session being copied into the database. Touched only
     * by who holds the one write connection, and at the end. */
    struct ndc_thread checkpoint;
    bool checkpointing;
    int64_t fail_after; /* tests: writes until an injected failure; <0: none (inject.h) */
    char fail_code[NDC_FAULT_CODE_MAX];
};

/* store.c */
enum ndc_err ndc_store_take_extra(struct ndc_store *store, struct ndc_store_conn **conn,
                                  struct ndc_fault *fault) NDC_MUST_USE;
/* Replaces a lost connection; only outside a transaction. */
enum ndc_err ndc_store_revive(struct ndc_store_conn *conn,
                              struct ndc_fault *fault) NDC_MUST_USE;
/* Counts a write for fault injection; fails when its turn has come. */
enum ndc_err ndc_store_inject(struct ndc_store_conn *conn,
                              struct ndc_fault *fault) NDC_MUST_USE;
/* text.c: UTF-8 without zero bytes, else db.value. */
enum ndc_err ndc_store_check_text(struct ndc_str s, struct ndc_fault *fault) NDC_MUST_USE;
/* Until no checkpoint runs aside. */
void ndc_store_checkpoint_wait(struct ndc_store *store);
/* writer.c */
void ndc_writer_start(struct ndc_store *store);
void ndc_writer_stop(struct ndc_store *store);
/* cache.c: the idle statement of this SQL, or NULL; busy ones are passed over. */
struct ndc_stmt *ndc_stmt_find(struct ndc_stmt_cache *cache, const char *sql,
                               uint64_t *hash);
/* Puts it in and returns the statement to destroy for room, or NULL. */
struct ndc_stmt *ndc_stmt_insert(struct ndc_stmt_cache *cache, struct ndc_stmt *stmt,
                                 const char *sql, uint64_t hash);
void ndc_stmt_remove(struct ndc_stmt_cache *cache, struct ndc_stmt *stmt);
/* ddl.c: the script for one database, as migrate.h says. Appends to out, 0-terminated. */
void ndc_ddl_translate(struct ndc_buf *out, const char *sql, enum ndc_store_kind kind);
/* "name" with quotes doubled. */
void ndc_ddl_identifier(struct ndc_buf *out, const char *name);

#endif

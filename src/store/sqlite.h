/* Shared by the two files of the SQLite driver. */
#ifndef NDC_STORE_SQLITE_H
#define NDC_STORE_SQLITE_H

#include "store/internal.h"

#include <sqlite3.h>

struct sqlite_conn {
    struct ndc_store_conn base;
    sqlite3 *db;
    int64_t deadline_ns; /* of the running statement; 0: none */
    uint64_t wal_bytes;  /* of the log after the last commit of a loading session */
};

struct sqlite_stmt {
    struct ndc_stmt base;
    sqlite3_stmt *stmt;
    unsigned n_params;
    uint16_t *params; /* SQLite's parameter i + 1 is our $params[i] */
};

/* sqlite_sql.c */
void ndc_sqlite_stmt_free(struct sqlite_stmt *stmt);
void ndc_sqlite_flush_cache(struct sqlite_conn *conn);
enum ndc_err ndc_sqlite_exec(struct ndc_store_conn *conn, const char *sql,
                             const struct ndc_val *args, size_t n_args, int64_t *changes,
                             struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_sqlite_many(struct ndc_store_conn *conn, const char *sql,
                             const struct ndc_val *rows, size_t n_args, size_t n_rows,
                             int64_t *changes, struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_sqlite_rows_open(struct ndc_rows *rows, const char *sql,
                                  const struct ndc_val *args, size_t n_args) NDC_MUST_USE;
bool ndc_sqlite_rows_next(struct ndc_rows *rows);
void ndc_sqlite_rows_close(struct ndc_rows *rows);
struct ndc_val ndc_sqlite_rows_val(struct ndc_rows *rows, unsigned column);
unsigned ndc_sqlite_rows_columns(struct ndc_rows *rows);
struct ndc_str ndc_sqlite_rows_name(struct ndc_rows *rows, unsigned column);
enum ndc_err ndc_sqlite_bulk_begin(struct ndc_bulk *bulk, const char *table,
                                   const struct ndc_bulk_column *columns,
                                   struct ndc_fault *fault) NDC_MUST_USE;
void ndc_sqlite_bulk_value(struct ndc_bulk *bulk, struct ndc_val v);
enum ndc_err ndc_sqlite_bulk_row(struct ndc_bulk *bulk,
                                 struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_sqlite_bulk_end(struct ndc_bulk *bulk, bool keep,
                                 struct ndc_fault *fault) NDC_MUST_USE;
/* sqlite.c: turns SQLite's last error into a fault. */
enum ndc_err ndc_sqlite_fail(struct sqlite_conn *conn, const char *sql,
                             struct ndc_fault *fault) NDC_MUST_USE;

struct sqlite_rows {
    struct ndc_rows base;
    unsigned columns;
    bool first; /* the first row is there already */
    bool has_first;
};

struct sqlite_bulk {
    struct ndc_bulk base;
    struct sqlite_stmt *stmt;
};

#endif

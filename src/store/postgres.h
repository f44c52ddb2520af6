/* Shared by the files of the PostgreSQL driver.
 *
 * The connection stays in libpq's pipeline mode. What has no result to wait for (BEGIN,
 * SAVEPOINT, RELEASE, the preparing of a statement) is only sent; its answer is read
 * together with the next statement's, so that a write in a savepoint of its own costs one
 * round trip and not four. */
#ifndef NDC_STORE_POSTGRES_H
#define NDC_STORE_POSTGRES_H

#include "store/internal.h"

#include <libpq-fe.h>

enum {
    PG_OID_BOOL = 16,
    PG_OID_BYTEA = 17,
    PG_OID_CHAR = 18,
    PG_OID_NAME = 19,
    PG_OID_INT8 = 20,
    PG_OID_INT2 = 21,
    PG_OID_INT4 = 23,
    PG_OID_TEXT = 25,
    PG_OID_OID = 26,
    PG_OID_JSON = 114,
    PG_OID_FLOAT4 = 700,
    PG_OID_FLOAT8 = 701,
    PG_OID_UNKNOWN = 705,
    PG_OID_BPCHAR = 1042,
    PG_OID_VARCHAR = 1043,
    PG_OID_NUMERIC = 1700,
    PG_OID_VOID = 2278,
};

enum { PG_PENDING_MAX = 600, PG_DROPPED_MAX = 64 };

struct pg_stmt {
    struct ndc_stmt base;
    unsigned number;   /* its name is "n" and this */
    unsigned n_params; /* at preparing */
    bool prepared;
    Oid *types; /* of the parameters; 0: only NULLs seen yet, the server inferred it */
};

/* Something sent whose answer has not been read. */
enum pg_pending_kind { PG_CONTROL, PG_PREPARE, PG_EXEC };

struct pg_pending {
    enum pg_pending_kind kind;
    struct pg_stmt *stmt;
};

struct pg_conn {
    struct ndc_store_conn base;
    PGconn *pg;
    unsigned serial; /* of statements and cursors */
    bool pipeline;
    bool over;       /* a result passed the cap and was stopped */
    bool stale_plan; /* the schema changed under a prepared statement */
    size_t received; /* bytes of the current result, about */
    unsigned n_pending, n_dropped;
    unsigned dropped[PG_DROPPED_MAX]; /* statements to deallocate */
    struct pg_pending pending[PG_PENDING_MAX];
    /* arguments as libpq wants them */
    uint64_t words[NDC_ARGS_MAX];
    const char *values[NDC_ARGS_MAX];
    int lengths[NDC_ARGS_MAX], formats[NDC_ARGS_MAX];
};

struct pg_rows {
    struct ndc_rows base;
    PGresult *res;
    int row, n_rows;
    unsigned cursor; /* of a scan; 0: none */
    int portion;     /* rows to fetch at a time */
    bool last_portion;
};

struct pg_bulk {
    struct ndc_bulk base;
    struct ndc_buf buf;
};

/* postgres.c */
enum ndc_err ndc_pg_fail(struct pg_conn *conn, const PGresult *res, const char *sql,
                         struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_pg_pipeline(struct pg_conn *conn, bool on,
                             struct ndc_fault *fault) NDC_MUST_USE;
/* postgres_sql.c. Sends text without arguments, to be answered later. */
enum ndc_err ndc_pg_send(struct pg_conn *conn, const char *sql, int binary,
                         enum pg_pending_kind kind, struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_pg_send_args(struct pg_conn *conn, const char *sql,
                              const struct ndc_val *args, size_t n_args,
                              struct ndc_fault *fault) NDC_MUST_USE;
/* Ends the batch and reads all answers. *res (may be NULL) is the last PG_EXEC's, owned
 * by the caller, also on failure NULL. *changes adds up the rows changed. */
enum ndc_err ndc_pg_finish(struct pg_conn *conn, const char *sql, PGresult **res,
                           int64_t *changes, struct ndc_fault *fault) NDC_MUST_USE;
/* Runs one statement, prepared, with what was pending before it. */
enum ndc_err ndc_pg_run(struct pg_conn *conn, const char *sql, const struct ndc_val *args,
                        size_t n_args, PGresult **res, int64_t *changes,
                        struct ndc_fault *fault) NDC_MUST_USE;
void ndc_pg_flush_cache(struct pg_conn *conn);
enum ndc_err ndc_pg_exec(struct ndc_store_conn *conn, const char *sql,
                         const struct ndc_val *args, size_t n_args, int64_t *changes,
                         struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_pg_many(struct ndc_store_conn *conn, const char *sql,
                         const struct ndc_val *rows, size_t n_args, size_t n_rows,
                         int64_t *changes, struct ndc_fault *fault) NDC_MUST_USE;
/* Runs a query for each row of arguments, in pipelines; results come to `take` in order,
 * which does not keep them. */
enum ndc_err ndc_pg_queries(struct pg_conn *conn, const char *sql,
                            const struct ndc_val *rows, size_t n_args, size_t n_rows,
                            void (*take)(void *arg, PGresult *res), void *take_arg,
                            struct ndc_fault *fault) NDC_MUST_USE;
/* postgres_rows.c */
enum ndc_err ndc_pg_each(struct ndc_rows *rows, const char *sql,
                         const struct ndc_val *args, size_t n_args, size_t n_rows,
                         void (*visit)(void *arg, size_t number, struct ndc_rows *row),
                         void *arg) NDC_MUST_USE;
enum ndc_err ndc_pg_rows_open(struct ndc_rows *rows, const char *sql,
                              const struct ndc_val *args, size_t n_args) NDC_MUST_USE;
bool ndc_pg_rows_next(struct ndc_rows *rows);
void ndc_pg_rows_close(struct ndc_rows *rows);
struct ndc_val ndc_pg_rows_val(struct ndc_rows *rows, unsigned column);
unsigned ndc_pg_rows_columns(struct ndc_rows *rows);
struct ndc_str ndc_pg_rows_name(struct ndc_rows *rows, unsigned column);
/* postgres_bulk.c */
enum ndc_err ndc_pg_bulk_begin(struct ndc_bulk *bulk, const char *table,
                               const struct ndc_bulk_column *columns,
                               struct ndc_fault *fault) NDC_MUST_USE;
void ndc_pg_bulk_value(struct ndc_bulk *bulk, struct ndc_val v);
enum ndc_err ndc_pg_bulk_row(struct ndc_bulk *bulk, struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_pg_bulk_end(struct ndc_bulk *bulk, bool keep,
                             struct ndc_fault *fault) NDC_MUST_USE;

#endif

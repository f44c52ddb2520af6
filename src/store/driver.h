/* Inside src/store only: what a database driver does. store.c, sql.c and bulk.c call it
 * and keep the state that both share; "conn" is open and not broken when it is called. */
#ifndef NDC_STORE_DRIVER_H
#define NDC_STORE_DRIVER_H

#include "store/bulk.h"
#include "store/store.h"

enum ndc_control {
    NDC_CONTROL_BEGIN,
    NDC_CONTROL_COMMIT,
    NDC_CONTROL_ROLLBACK,
    NDC_CONTROL_SAVEPOINT,
    NDC_CONTROL_RELEASE,
    NDC_CONTROL_UNDO, /* roll back to the savepoint and remove it */
};

struct ndc_driver {
    enum ndc_store_kind kind;
    size_t conn_bytes, rows_bytes, bulk_bytes;
    /* store-wide checks when opening; may be NULL */
    enum ndc_err (*prepare_store)(struct ndc_store *store, struct ndc_fault *fault);
    enum ndc_err (*open)(struct ndc_store_conn *conn, struct ndc_fault *fault);
    void (*shut)(struct ndc_store_conn *conn);
    /* a cheap look at an idle connection */
    bool (*alive)(struct ndc_store_conn *conn);
    enum ndc_err (*set_timeout)(struct ndc_store_conn *conn, struct ndc_fault *fault);
    enum ndc_err (*control)(struct ndc_store_conn *conn, enum ndc_control op,
                            unsigned depth, struct ndc_fault *fault);
    enum ndc_err (*lock)(struct ndc_store_conn *conn, int64_t key,
                         struct ndc_fault *fault);
    enum ndc_err (*exec)(struct ndc_store_conn *conn, const char *sql,
                         const struct ndc_val *args, size_t n_args, int64_t *changes,
                         struct ndc_fault *fault);
    enum ndc_err (*many)(struct ndc_store_conn *conn, const char *sql,
                         const struct ndc_val *rows, size_t n_args, size_t n_rows,
                         int64_t *changes, struct ndc_fault *fault);
    enum ndc_err (*script)(struct ndc_store_conn *conn, const char *sql,
                           struct ndc_fault *fault);
    enum ndc_err (*rows_open)(struct ndc_rows *rows, const char *sql,
                              const struct ndc_val *args, size_t n_args);
    /* A query for each of n_rows rows of arguments, in few round trips; NULL: one by one
     * costs no more. */
    enum ndc_err (*each)(struct ndc_rows *rows, const char *sql,
                         const struct ndc_val *args, size_t n_args, size_t n_rows,
                         void (*visit)(void *arg, size_t number, struct ndc_rows *row),
                         void *arg);
    bool (*rows_next)(struct ndc_rows *rows);
    void (*rows_close)(struct ndc_rows *rows);
    struct ndc_val (*rows_val)(struct ndc_rows *rows, unsigned column);
    unsigned (*rows_columns)(struct ndc_rows *rows);
    struct ndc_str (*rows_name)(struct ndc_rows *rows, unsigned column);
    enum ndc_err (*bulk_begin)(struct ndc_bulk *bulk, const char *table,
                               const struct ndc_bulk_column *columns,
                               struct ndc_fault *fault);
    void (*bulk_value)(struct ndc_bulk *bulk, struct ndc_val v);
    enum ndc_err (*bulk_row)(struct ndc_bulk *bulk, struct ndc_fault *fault);
    enum ndc_err (*bulk_end)(struct ndc_bulk *bulk, bool keep, struct ndc_fault *fault);
    enum ndc_err (*session)(struct ndc_store_conn *conn, bool begin,
                            struct ndc_fault *fault);
};

extern const struct ndc_driver ndc_driver_sqlite, ndc_driver_postgres;

#endif

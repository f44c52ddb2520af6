/* Bulk load: COPY in binary on PostgreSQL, a prepared INSERT on SQLite. Load first, index
 * after. About 500,000 rows a second and more; see docs/storage.md.
 *
 *     static const struct ndc_bulk_column columns[] = {{"id", NDC_VAL_TEXT}, ...};
 *     err = ndc_bulk_begin(&bulk, conn, "person", columns, 2, fault);
 *     for each row: ndc_bulk_text(bulk, id); ndc_bulk_i64(bulk, year);
 *                   err = ndc_bulk_row(bulk, fault);
 *     err = ndc_bulk_end(bulk, &rows, fault);     or ndc_bulk_abort(bulk)
 */
#ifndef NDC_STORE_BULK_H
#define NDC_STORE_BULK_H

#include "store/store.h"

enum { NDC_BULK_COLUMNS_MAX = 256 };

struct ndc_bulk;

struct ndc_bulk_column {
    const char *name;
    enum ndc_val_type type; /* BIGINT, DOUBLE PRECISION, TEXT or BYTEA */
};

/* Starts loading into a table, on an NDC_WRITE connection inside a transaction. Until the
 * end no other statement may run on that connection. */
enum ndc_err ndc_bulk_begin(struct ndc_bulk **bulk, struct ndc_store_conn *conn,
                            const char *table, const struct ndc_bulk_column *columns,
                            size_t n_columns, struct ndc_fault *fault) NDC_MUST_USE;
/* The values of a row, in the order and of the types of the columns (a mismatch is a
 * broken invariant). What they point at stays until ndc_bulk_row. A str with a NULL
 * pointer is NULL. */
void ndc_bulk_i64(struct ndc_bulk *bulk, int64_t v);
void ndc_bulk_f64(struct ndc_bulk *bulk, double v);
void ndc_bulk_text(struct ndc_bulk *bulk, struct ndc_str s);
void ndc_bulk_blob(struct ndc_bulk *bulk, struct ndc_str s);
void ndc_bulk_null(struct ndc_bulk *bulk);
/* The row is complete. On failure call ndc_bulk_abort. */
enum ndc_err ndc_bulk_row(struct ndc_bulk *bulk, struct ndc_fault *fault) NDC_MUST_USE;
/* Flushes and frees, whatever the outcome; the caller commits. `rows` may be NULL. */
enum ndc_err ndc_bulk_end(struct ndc_bulk *bulk, uint64_t *rows,
                          struct ndc_fault *fault) NDC_MUST_USE;
/* Gives up and frees; the caller rolls back. NULL is fine. */
void ndc_bulk_abort(struct ndc_bulk *bulk);

/* A loading session: tunes an NDC_WRITE connection for loading and indexing (no statement
 * timeout, large cache and sort memory; SQLite: no automatic checkpoints; on a
 * `rebuildable` store no syncs; PostgreSQL: commits do not wait for the disk). Call
 * outside a transaction. */
enum ndc_err ndc_bulk_session_begin(struct ndc_store_conn *conn,
                                    struct ndc_fault *fault) NDC_MUST_USE;
/* Makes all that was committed durable, restores the settings, refreshes the planner's
 * statistics of `tables`. (SQLite: commits were synced to the log, which is then copied
 * into the database aside, while others read and write; a `rebuildable` store, whose
 * commits were not, is checkpointed and synced before this returns.) */
enum ndc_err ndc_bulk_session_end(struct ndc_store_conn *conn, const char *const *tables,
                                  size_t n_tables, struct ndc_fault *fault) NDC_MUST_USE;

#endif

/* A declared PostgreSQL table: connecting to it, what columns it has, and its values in
 * the form in which wal2json writes them, so that a row says the same in a snapshot and
 * as a change: booleans true and false, bytea in hex without \x, no number that is not
 * one. */
#ifndef NDC_REGISTRY_SOURCE_POSTGRES_H
#define NDC_REGISTRY_SOURCE_POSTGRES_H

#include "base/buf.h"
#include "platforms/registry/source/source.h"
#include "store/replication.h"

enum { NDC_TABLE_COLUMNS_MAX = 1600 }; /* PostgreSQL's own limit */

enum ndc_row_identity { /* what a deleted or changed row is known by in the log */
                        NDC_IDENTITY_DEFAULT, /* the primary key */
                        NDC_IDENTITY_NOTHING,
                        NDC_IDENTITY_FULL,
                        NDC_IDENTITY_INDEX
};

struct ndc_table {
    struct ndc_str schema, name;
    bool partitioned;
    enum ndc_row_identity identity;
    struct ndc_str *columns, *types; /* in order; types as object identifiers */
    size_t count;
    struct ndc_str *identity_columns;
    size_t identity_count;
};

/* Opens a connection as the declaration says; the password is in the environment
 * variable that it names. Faults: source.password, replication.*, db.*. */
enum ndc_err ndc_source_link(struct ndc_replication **out,
                             const struct ndc_source *source,
                             enum ndc_replication_kind kind,
                             struct ndc_fault *fault) NDC_MUST_USE;
/* The table as it is now, in the arena. Faults: source.no_table. */
enum ndc_err ndc_source_table(struct ndc_table *out, struct ndc_replication *link,
                              struct ndc_arena *arena, const struct ndc_source *source,
                              struct ndc_fault *fault) NDC_MUST_USE;
int ndc_table_column(const struct ndc_table *table, struct ndc_str name);
/* Appends the SQL expression of a column's value, and the table's name. */
void ndc_table_value_sql(struct ndc_buf *sql, const struct ndc_table *table, size_t i);
void ndc_table_name_sql(struct ndc_buf *sql, const struct ndc_table *table);

#endif

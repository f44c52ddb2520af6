/* Migrations: a platform's ordered list of schema changes, each applied once, in a
 * transaction, and recorded with its checksum in the table ndc_migration.
 *
 * The SQL is a script for both databases. The driver translates what differs in DDL:
 * on SQLite BYTEA becomes BLOB, DOUBLE PRECISION becomes REAL, BIGINT PRIMARY KEY becomes
 * INTEGER PRIMARY KEY (the row number itself, no second index); on PostgreSQL TEXT
 * columns become TEXT COLLATE "C", so that both sort and compare by bytes. What only one
 * understands stands after a mark, to the end of its line:
 *     )
 *     --sqlite WITHOUT ROWID
 *     --postgres WITH (fillfactor = 90)
 *     ;
 */
#ifndef NDC_STORE_MIGRATE_H
#define NDC_STORE_MIGRATE_H

#include "store/store.h"

struct ndc_migration {
    unsigned version; /* from 1, rising */
    const char *name; /* "people and their identifiers" */
    const char *sql;
};

/* Brings `platform`'s tables up to the last version. Faults: migrate.changed (an applied
 * migration's text is not the program's), migrate.newer (the database has a version the
 * program does not know), migrate.failed (which, and why; nothing of it remains). Two
 * processes may call it at once. */
enum ndc_err ndc_migrate(struct ndc_store *store, const char *platform,
                         const struct ndc_migration *migrations, size_t n,
                         struct ndc_fault *fault) NDC_MUST_USE;

#endif

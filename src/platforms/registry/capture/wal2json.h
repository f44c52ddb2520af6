/* What PostgreSQL's plugin wal2json writes of a change, format version 2: one JSON object
 * a message, {"action":"U","lsn":"0/16B3748","schema":…,"table":…,"columns":[{"name":…,
 * "value":…}],"identity":[…]}. Cut into its parts without copying; it comes from another
 * organisation's server, so nothing of it is trusted. */
#ifndef NDC_REGISTRY_CAPTURE_WAL2JSON_H
#define NDC_REGISTRY_CAPTURE_WAL2JSON_H

#include "base/buf.h"
#include "base/error.h"

enum { NDC_WAL2JSON_COLUMNS_MAX = 1600 }; /* PostgreSQL's own limit */

enum ndc_wal2json_action {
    NDC_WAL2JSON_BEGIN,
    NDC_WAL2JSON_COMMIT,
    NDC_WAL2JSON_INSERT,
    NDC_WAL2JSON_UPDATE,
    NDC_WAL2JSON_DELETE,
    NDC_WAL2JSON_TRUNCATE,
    NDC_WAL2JSON_OTHER /* messages of applications */
};

struct ndc_wal2json_column {
    struct ndc_str name; /* unescaped */
    struct ndc_str
        value; /* JSON as it was written: a string with its quotes, a number… */
};

struct ndc_wal2json_row {
    struct ndc_wal2json_column columns[NDC_WAL2JSON_COLUMNS_MAX];
    size_t count;
};

struct ndc_wal2json {
    enum ndc_wal2json_action action;
    uint64_t lsn; /* of a begin or commit: of the commit; else of the change; 0: none */
    uint64_t nextlsn;  /* of a begin or commit: just after the commit */
    int64_t commit_ms; /* when it was committed, by the server's clock; 0: not told */
    struct ndc_str schema, table;
    struct ndc_wal2json_row columns,
        identity;           /* the row as it is; what it was known by */
    struct ndc_buf scratch; /* unescaped names */
};

/* Texts point into `text` or into the scratch, until the next call. Fault:
 * capture.message. */
void ndc_wal2json_init(struct ndc_wal2json *m);
enum ndc_err ndc_wal2json_parse(struct ndc_wal2json *m, struct ndc_str text,
                                struct ndc_fault *fault) NDC_MUST_USE;
void ndc_wal2json_free(struct ndc_wal2json *m);

/* The value of a column, or NULL. */
const struct ndc_str *ndc_wal2json_find(const struct ndc_wal2json_row *row,
                                        struct ndc_str name);

#endif

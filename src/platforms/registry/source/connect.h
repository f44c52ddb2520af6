/* Connectors: a source's rows, one after another, as texts by column. CSV, NDJSON and
 * SQLite files are streamed in bounded memory whatever their size; pushed batches are
 * NDJSON in memory. A row that cannot be read is told and passed over. */
#ifndef NDC_REGISTRY_CONNECT_H
#define NDC_REGISTRY_CONNECT_H

#include "platforms/registry/source/source.h"

struct ndc_connect;

#define NDC_CONNECT_SNAPSHOT "snapshot:"

struct ndc_connect_row {
    const struct ndc_str *values; /* by column; a NULL ptr: the source has no value */
    size_t count;
    uint64_t line;      /* 1-based; row number where there are no lines */
    struct ndc_str raw; /* of a row that could not be read: what it said, cut at 4 KiB */
};

/* Opens the source's file at `path` (NULL: source->path). Of a PostgreSQL table that is
 * followed, `path` names the snapshot: NDC_CONNECT_SNAPSHOT and what the making of its
 * slot exported. Faults: io.open,
 * source.encoding, csv.*, source.no_header, source.no_column (a declared column is not in
 * the file; names the nearest), db.* for SQLite and PostgreSQL. The source must outlive
 * it. */
enum ndc_err ndc_connect_open(struct ndc_connect **out, const struct ndc_source *source,
                              const char *path, struct ndc_fault *fault) NDC_MUST_USE;
/* The same over NDJSON text that stays in place. Members are passed over that are neither
 * declared nor among `columns`, which come first, in their order (n 0: none). */
enum ndc_err ndc_connect_memory(struct ndc_connect **out, const struct ndc_source *source,
                                struct ndc_str ndjson, const struct ndc_str *columns,
                                size_t n, struct ndc_fault *fault) NDC_MUST_USE;
void ndc_connect_close(struct ndc_connect *connect);

/* Column names in the file's order; NDJSON: the declared columns. */
const struct ndc_str *ndc_connect_columns(const struct ndc_connect *connect,
                                          size_t *count);
/* Index of a column, or -1. */
int ndc_connect_column(const struct ndc_connect *connect, struct ndc_str name);

/* The next row: *have is false at the end. NDC_EINPUT: this row is bad, the fault says
 * why, row->raw and row->line are set, and the next call goes on. Any other error ends
 * it: source.changed when the file changed or shrank while it was read. Texts are valid
 * until the next call. */
enum ndc_err ndc_connect_next(struct ndc_connect *connect, struct ndc_connect_row *row,
                              bool *have, struct ndc_fault *fault) NDC_MUST_USE;
/* Bytes read and in all (rows for SQLite); total 0: not known. */
void ndc_connect_progress(const struct ndc_connect *connect, uint64_t *done,
                          uint64_t *total);

#endif

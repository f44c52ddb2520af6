/* Changes of a table as rows for the live intake (live/live.h): the declared columns,
 * "_op" and "_version". An update that changes a record's key is the end of one record
 * and the beginning of another. */
#ifndef NDC_REGISTRY_CAPTURE_ROWS_H
#define NDC_REGISTRY_CAPTURE_ROWS_H

#include "platforms/registry/capture/wal2json.h"
#include "platforms/registry/source/postgres.h"

struct ndc_capture_rows;

/* `link` is a plain connection to the source's database: the values that an update leaves
 * out are asked for there. All outlive it. */
struct ndc_capture_rows *ndc_capture_rows_new(const struct ndc_source *source,
                                              struct ndc_replication *link);
void ndc_capture_rows_free(struct ndc_capture_rows *rows);

/* Adds a change, an insert, update or delete, under a version. Faults: capture.no_column
 * (a declared column is not in the table any more), capture.identity (the table tells too
 * little of rows that go or change), those of the link. A failed one adds nothing. */
enum ndc_err ndc_capture_rows_add(struct ndc_capture_rows *rows,
                                  const struct ndc_wal2json *change, int64_t version,
                                  struct ndc_fault *fault) NDC_MUST_USE;
/* What was added since the last clearing: NDJSON, and how many changes. */
struct ndc_str ndc_capture_rows_ndjson(const struct ndc_capture_rows *rows,
                                       uint64_t *changes);
void ndc_capture_rows_clear(struct ndc_capture_rows *rows);

/* Whether the table is one that can be followed: it has every declared column, is not
 * partitioned, and what its rows are known by contains the record's key. The message says
 * what to do. Faults: capture.no_column, capture.identity, capture.partitioned. */
enum ndc_err ndc_capture_check_table(const struct ndc_source *source,
                                     const struct ndc_table *table,
                                     struct ndc_fault *fault) NDC_MUST_USE;

#endif

/* Fault injection, for tests: SQLite's own way of proving that every failure is met. */
#ifndef NDC_STORE_INJECT_H
#define NDC_STORE_INJECT_H

#include "store/store.h"

/* After `writes` more statements or commits on NDC_WRITE connections, one fails with
 * fault `code` (NULL: "db.full") as if the disk were full. Negative: no more. */
void ndc_store_fail_after(struct ndc_store *store, int64_t writes, const char *code);

#endif

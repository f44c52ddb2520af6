/* Shared by replication.c and replication_stream.c. */
#ifndef NDC_STORE_REPLICATION_INTERNAL_H
#define NDC_STORE_REPLICATION_INTERNAL_H

#include "base/buf.h"
#include "store/replication.h"

#include <libpq-fe.h>

struct ndc_replication {
    PGconn *pg;
    char *copied;             /* libpq's; the last row or message */
    bool streaming;           /* in COPY BOTH mode */
    bool (*ended)(void *arg); /* asked while a command runs; or NULL */
    void *ended_arg;
};

enum ndc_err ndc_replication_fail(struct ndc_replication *link, const PGresult *res,
                                  struct ndc_fault *fault) NDC_MUST_USE;
/* One command by the simple protocol, all that a streaming connection takes. *out (may be
 * NULL) is the caller's to clear. */
enum ndc_err ndc_replication_simple(struct ndc_replication *link, const char *sql,
                                    PGresult **out, struct ndc_fault *fault) NDC_MUST_USE;

#endif

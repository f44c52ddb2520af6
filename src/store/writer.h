/* The writer: one thread a database that runs many callers' writes in one transaction
 * and commits them together (group commit). A caller hears of success only when the
 * commit is durable. A write that fails leaves no trace and does not disturb the others.
 */
#ifndef NDC_STORE_WRITER_H
#define NDC_STORE_WRITER_H

#include "store/store.h"

/* Runs `fn` on the writer thread inside the shared transaction and waits until it is
 * durable. Returns what fn returned, or the fault of the commit. fn may run more than
 * once, when another write of the group fails or the connection is lost: it must
 * change nothing but the database and its own *arg, which it sets anew each time. It may
 * not begin, commit or roll back; savepoints are fine. Never call it from within fn.
 * Under about 1 ms of work; large loads use bulk.h. */
enum ndc_err ndc_store_write(struct ndc_store *store,
                             enum ndc_err (*fn)(struct ndc_store_conn *conn, void *arg,
                                                struct ndc_fault *fault),
                             void *arg, struct ndc_fault *fault) NDC_MUST_USE;

/* The same without waiting: `done(arg, err, fault)` is called on the writer thread, soon,
 * without locks held; it must be short. Fails with db.busy when the queue (16384) is
 * full, and then done is not called. */
enum ndc_err ndc_store_write_async(struct ndc_store *store,
                                   enum ndc_err (*fn)(struct ndc_store_conn *conn,
                                                      void *arg, struct ndc_fault *fault),
                                   void (*done)(void *arg, enum ndc_err err,
                                                const struct ndc_fault *fault),
                                   void *arg, struct ndc_fault *fault) NDC_MUST_USE;

/* Counters since opening, for metrics. */
struct ndc_store_stats {
    uint64_t writes, writes_failed; /* through the writer */
    uint64_t commits, commits_failed;
    uint64_t reconnects;
    uint64_t waits; /* takes that had to wait for a connection */
    unsigned queued, readers_open, readers_taken, writers_open, writers_taken;
};

void ndc_store_stats(struct ndc_store *store, struct ndc_store_stats *out);

#endif

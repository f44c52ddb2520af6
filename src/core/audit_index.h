/* The audit log's index from 64-bit keys of subjects and principals to entry numbers: a
 * log-structured merge tree. The latest keys stay in memory (they are made again from the
 * entries after a kill); when some ten thousand have gathered they become a sorted run of
 * small pages in the database, and eight neighbouring runs of one level are merged into
 * one of the next, a little with every batch. So an entry costs bytes, not a page of a
 * tree, whatever the size of the log, and a lookup reads a page or two of a few runs.
 * Runs cover neighbouring ranges of entry numbers, so what they give is in order. */
#ifndef NDC_CORE_AUDIT_INDEX_H
#define NDC_CORE_AUDIT_INDEX_H

#include "base/buf.h"
#include "base/error.h"
#include "base/sort.h"
#include "store/store.h"
#include "sys/thread.h"

enum {
    NDC_AUDIT_INDEX_FRESH = 32768,  /* keys in memory that become a run */
    NDC_AUDIT_INDEX_CLOSING = 2048, /* keys worth a run when the program stops */
    NDC_AUDIT_INDEX_FAN = 8,        /* runs that are merged into one */
    NDC_AUDIT_INDEX_LEVELS = 12,
    NDC_AUDIT_INDEX_RUNS_MAX = 4096
};

struct ndc_audit_run {
    int64_t run;
    unsigned level;
    uint64_t from, to; /* entries: from inclusive, to exclusive */
};

struct ndc_audit_merge;

/* The writer thread's, but for what readers see under the lock. */
struct ndc_audit_index {
    struct ndc_audit_run *runs; /* in use, oldest first */
    size_t run_count;
    int64_t next_run;
    struct ndc_audit_merge *merges[NDC_AUDIT_INDEX_LEVELS];
    int64_t *garbage; /* runs whose pages are to be removed */
    size_t garbage_count, garbage_cap;
    size_t credit;    /* keys appended since merges last went on */
    uint64_t flushed; /* in this transaction a run was made up to here; 0: none */
    bool closing;     /* few keys are worth a run too */
    size_t fresh_max; /* NDC_AUDIT_INDEX_FRESH; tests make it small */

    struct ndc_mutex lock;   /* guards what follows; a leaf lock */
    struct ndc_key64 *fresh; /* of durable entries that no run covers, in entry order */
    size_t fresh_count, fresh_cap;
};

enum { NDC_AUDIT_INDEX_MIGRATION = 2 };
extern const char ndc_audit_index_schema[];

void ndc_audit_index_init(struct ndc_audit_index *index);
void ndc_audit_index_free(struct ndc_audit_index *index);
/* Takes up what the database holds, and makes runs of entries that none covers when they
 * are many. `size`: entries stored. */
enum ndc_err ndc_audit_index_load(struct ndc_audit_index *index, struct ndc_store *store,
                                  uint64_t size, struct ndc_fault *fault) NDC_MUST_USE;

/* The index's part of a batch's transaction: a run of what is in memory, if it is enough,
 * and some merging; `keys` is how many the batch adds. After a failure: load. */
enum ndc_err ndc_audit_index_step(struct ndc_audit_index *index,
                                  struct ndc_store_conn *conn, size_t keys,
                                  struct ndc_fault *fault) NDC_MUST_USE;
/* The transaction is durable: keys that became a run leave the memory… */
void ndc_audit_index_flushed(struct ndc_audit_index *index);
/* … and those of one entry come in. */
void ndc_audit_index_add(struct ndc_audit_index *index, uint64_t seq, const int64_t *keys,
                         size_t count);

/* What a lookup wants and gets. */
struct ndc_audit_lookup {
    int64_t key;
    uint64_t first, last; /* entries, both inclusive */
    bool newest_first;
    size_t limit;
    uint64_t *seqs; /* room for `limit` */
    size_t count;
};

/* Finds entry numbers in order, on a read connection on which no transaction is open; one
 * is left open: entries read on it are of the same moment. */
enum ndc_err ndc_audit_index_find(struct ndc_audit_index *index,
                                  struct ndc_store_conn *conn,
                                  struct ndc_audit_lookup *lookup,
                                  struct ndc_fault *fault) NDC_MUST_USE;

/* --- pages, shared by audit_index.c and audit_lookup.c --- */

/* Keys are unsigned here and in order; in the table they are signed, in the same order.
 */
static inline int64_t ndc_audit_key_stored(uint64_t key)
{
    return (int64_t)(key ^ (uint64_t)1 << 63);
}

static inline uint64_t ndc_audit_key_loaded(int64_t key)
{
    return (uint64_t)key ^ (uint64_t)1 << 63;
}

/* Decodes a page, appending to *keys; false: damaged. */
bool ndc_audit_page_decode(struct ndc_key64 **keys, size_t *count, size_t *cap,
                           struct ndc_key64 first, struct ndc_str body);

#endif

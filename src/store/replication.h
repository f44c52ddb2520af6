/* Another system's PostgreSQL, followed by logical decoding: its catalogue asked, a table
 * copied out in a snapshot, a replication slot's changes streamed (PostgreSQL 15 manual,
 * chapters 49.3 "Streaming Replication Protocol Interface" and 55.4 "Streaming
 * Replication Protocol"). Unlike store.h it never writes tables and keeps no pool.
 *
 *     plain:     row, copy          one connection for the table's rows and the catalogue
 *     streaming: create_slot, drop_slot, start, next, confirm
 *
 * One thread at a time. Faults: db.open, db.gone (the server is away: open anew),
 * db.denied, replication.slot_lost, replication.slot_missing, replication.slot_active,
 * replication.no_plugin, replication.wal_level, replication.snapshot_gone, and those of
 * store.h. Messages carry the server's words, never the connection's secrets. */
#ifndef NDC_STORE_REPLICATION_H
#define NDC_STORE_REPLICATION_H

#include "base/arena.h"
#include "base/error.h"

enum { NDC_REPLICATION_NAME_MAX = 63 }; /* bytes of a slot's or a column's name */

struct ndc_replication;

enum ndc_replication_kind { NDC_REPLICATION_PLAIN, NDC_REPLICATION_STREAM };

/* Whether `url` ("postgres:CONNINFO" or "postgresql://…") is well formed and holds
 * neither a password nor what this interface sets itself. Faults: replication.url. */
enum ndc_err ndc_replication_check_url(const char *url,
                                       struct ndc_fault *fault) NDC_MUST_USE;
/* `password` NULL: what libpq finds by itself (PGPASSFILE, ~/.pgpass, peer, certificate).
 */
enum ndc_err ndc_replication_open(struct ndc_replication **out, const char *url,
                                  const char *password, enum ndc_replication_kind kind,
                                  struct ndc_fault *fault) NDC_MUST_USE;
void ndc_replication_close(struct ndc_replication *link);
/* Commands of the link that may take long (a slot waits for transactions under way) end
 * with NDC_ECANCELED, replication.ended, soon after `ended(arg)` is true. */
void ndc_replication_interrupt(struct ndc_replication *link, bool (*ended)(void *arg),
                               void *arg);

/* ---- plain ---- */

/* The first row of a query as texts in the arena (NULL pointer: SQL's NULL); *have is
 * false if there is none. `n` is the number of columns. */
enum ndc_err ndc_replication_row(struct ndc_replication *link, struct ndc_arena *arena,
                                 struct ndc_str *values, size_t n, bool *have,
                                 const char *sql, const struct ndc_str *args,
                                 size_t n_args, struct ndc_fault *fault) NDC_MUST_USE;
/* One column of all rows, at most `max` of them (db.too_big). */
enum ndc_err ndc_replication_list(struct ndc_replication *link, struct ndc_arena *arena,
                                  struct ndc_str **values, size_t *n, size_t max,
                                  const char *sql, const struct ndc_str *args,
                                  size_t n_args, struct ndc_fault *fault) NDC_MUST_USE;
/* Opens a transaction that reads one snapshot: the exported one, or (empty) its own. */
enum ndc_err ndc_replication_snapshot(struct ndc_replication *link,
                                      struct ndc_str exported,
                                      struct ndc_fault *fault) NDC_MUST_USE;
/* Starts COPY (`select`) TO STDOUT; names are put into it by ndc_replication_quote. */
enum ndc_err ndc_replication_copy(struct ndc_replication *link, struct ndc_str select,
                                  struct ndc_fault *fault) NDC_MUST_USE;
/* The next row cut into `n` values, valid until the next call; rows of any number in the
 * memory of one. */
enum ndc_err ndc_replication_copied(struct ndc_replication *link, struct ndc_str *values,
                                    size_t n, bool *have,
                                    struct ndc_fault *fault) NDC_MUST_USE;
/* Appends a name as SQL writes it: in quotes, quotes doubled. */
void ndc_replication_quote(struct ndc_buf *sql, struct ndc_str name);

/* ---- streaming ---- */

struct ndc_slot_made {
    uint64_t consistent; /* changes committed after this position are in the slot */
    char snapshot[64];   /* what was committed before it; good until the next call on the
                            link, which must be kept open until it has been taken */
};

enum ndc_err ndc_replication_create_slot(struct ndc_replication *link, const char *slot,
                                         const char *plugin, struct ndc_slot_made *out,
                                         struct ndc_fault *fault) NDC_MUST_USE;
/* A missing one is no error; one that is read is (replication.slot_active). */
enum ndc_err ndc_replication_drop_slot(struct ndc_replication *link, const char *slot,
                                       struct ndc_fault *fault) NDC_MUST_USE;

struct ndc_replication_option {
    const char *name;
    struct ndc_str value;
};

/* Streams the slot from position `from` (the slot's own, if that is later). */
enum ndc_err ndc_replication_start(struct ndc_replication *link, const char *slot,
                                   uint64_t from,
                                   const struct ndc_replication_option *options, size_t n,
                                   struct ndc_fault *fault) NDC_MUST_USE;

enum ndc_replication_event {
    NDC_REPLICATION_NOTHING,   /* none came within the time */
    NDC_REPLICATION_DATA,      /* `data` is what the plugin wrote */
    NDC_REPLICATION_KEEPALIVE, /* the server has sent all there is up to `at` */
};

struct ndc_replication_message {
    enum ndc_replication_event event;
    bool reply;          /* of a keepalive: confirm at once, or be taken for dead */
    uint64_t at;         /* position in the server's log */
    struct ndc_str data; /* valid until the next call */
};

/* The next message; waits at most timeout_ms for it (0: what is there already). */
enum ndc_err ndc_replication_next(struct ndc_replication *link, int timeout_ms,
                                  struct ndc_replication_message *out,
                                  struct ndc_fault *fault) NDC_MUST_USE;
/* Tells the server that everything up to `flushed` is durable here: it forgets it. */
enum ndc_err ndc_replication_confirm(struct ndc_replication *link, uint64_t flushed,
                                     struct ndc_fault *fault) NDC_MUST_USE;

/* "16/B374D848" and back. */
enum { NDC_LSN_TEXT_MAX = 24 };
void ndc_lsn_format(char out[static NDC_LSN_TEXT_MAX], uint64_t lsn);
bool ndc_lsn_parse(struct ndc_str text, uint64_t *lsn);

#endif

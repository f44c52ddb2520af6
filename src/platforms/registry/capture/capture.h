/* Change capture: sources whose changes are taken as they come. A PostgreSQL table is
 * copied in the snapshot that the making of its replication slot exports, then followed
 * by logical decoding (plugin wal2json); a folder of change files is taken in the order
 * of their names. Rows go in by live/live.h with the position where reading goes on, in
 * one commit; only what is committed is confirmed to the server. docs/change-capture.md.
 *
 * Each source has a thread of its own. What fails is tried again, at growing intervals;
 * what a person must mend is said; a slot that is lost leads to a new snapshot, compared
 * with what was there as any load is. */
#ifndef NDC_REGISTRY_CAPTURE_CAPTURE_H
#define NDC_REGISTRY_CAPTURE_CAPTURE_H

#include "platforms/registry/live/live.h"

enum { NDC_CAPTURE_SOURCES_MAX = 64 };

enum ndc_capture_state {
    NDC_CAPTURE_STARTING,
    NDC_CAPTURE_SNAPSHOT,  /* the table is being loaded */
    NDC_CAPTURE_FOLLOWING, /* changes are taken as they come */
    NDC_CAPTURE_WAITING,   /* something failed; tried again by itself */
    NDC_CAPTURE_PAUSED,  /* a person must mend something; looked at again now and then */
    NDC_CAPTURE_LOST,    /* the slot lost changes; a new snapshot follows */
    NDC_CAPTURE_STOPPED, /* on request */
    NDC_CAPTURE_STATE_COUNT
};

struct ndc_capture_status {
    enum ndc_capture_state state;
    char code[NDC_FAULT_CODE_MAX], reason[NDC_FAULT_MESSAGE_MAX]; /* why, or empty */
    char note[NDC_FAULT_MESSAGE_MAX]; /* what else the operator should know, or empty */
    int64_t state_ms;                 /* since when */
    uint64_t changes, late, quarantined, snapshots, losses; /* since the start */
    int64_t change_ms;    /* when the last change was committed here; 0: none yet */
    int64_t caught_up_ms; /* when nothing was left to take; 0: not yet */
    bool caught_up;       /* nothing is left now, as far as is known */

    bool slot_known;               /* the rest of the slot's was read */
    uint64_t confirmed, server_at; /* positions in the server's log */
    uint64_t lag_bytes;            /* written by the server, not confirmed */
    uint64_t retained_bytes;       /* of log that the server keeps for the slot */
    int64_t safe_bytes; /* may still be written before the slot is lost; -1: no cap */
    char wal_status[16], slot[64];

    char file[256]; /* being taken, or waited for */
    uint64_t file_at, file_bytes, files_taken, files_waiting;
};

/* What following needs from the registry: hooks.c has the registry's own, tests put
 * others in their place. */
struct ndc_capture_hooks {
    void *arg;
    enum ndc_err (*take)(void *arg, const struct ndc_live_rows *rows,
                         struct ndc_live_result *result, struct ndc_fault *fault);
    enum ndc_err (*position)(void *arg, struct ndc_arena *arena, struct ndc_str source,
                             struct ndc_str *position, struct ndc_fault *fault);
    /* Loads and integrates the table as connector path `path` says; *run is its number,
     * larger than any before. Ends early with NDC_ECANCELED when `ended(ended_arg)`. */
    enum ndc_err (*snapshot)(void *arg, struct ndc_str source, const char *path,
                             bool (*ended)(void *ended_arg), void *ended_arg,
                             int64_t *run, struct ndc_fault *fault);
};

struct ndc_capture;

/* The registry's own hooks. */
struct ndc_capture_hooks ndc_capture_hooks_of(struct ndc_registry *registry);

/* Starts the thread that starts a follower for each source declared to be followed, now
 * and later. The hooks are copied. */
struct ndc_capture *ndc_capture_start(struct ndc_registry *registry,
                                      const struct ndc_capture_hooks *hooks);
/* Before jobs stop. NULL is fine. */
void ndc_capture_stop(struct ndc_capture *capture);

/* False: the source is not followed. */
bool ndc_capture_status(struct ndc_capture *capture, struct ndc_str source,
                        struct ndc_capture_status *out);

enum ndc_capture_action {
    NDC_CAPTURE_START,       /* again, or at once instead of at the next try */
    NDC_CAPTURE_STOP,        /* kept over restarts; the slot stays and keeps log */
    NDC_CAPTURE_NEW_SNAPSHOT /* of a table: drop the slot, make it anew, load */
};

/* Faults: capture.not_followed, capture.no_table (a new snapshot of change files); db.*.
 */
enum ndc_err ndc_capture_act(struct ndc_capture *capture, struct ndc_str source,
                             enum ndc_capture_action action,
                             struct ndc_fault *fault) NDC_MUST_USE;

/* Follows one source on this thread, for a command: until `once` and nothing is left, or
 * for ever. `tell` hears of every change of state and once a second. */
struct ndc_capture_run {
    bool once, snapshot;
    void *arg;
    void (*tell)(void *arg, const struct ndc_capture_status *status);
};
enum ndc_err ndc_capture_follow(struct ndc_registry *registry, struct ndc_str source,
                                const struct ndc_capture_hooks *hooks,
                                const struct ndc_capture_run *run,
                                struct ndc_fault *fault) NDC_MUST_USE;

const char *ndc_capture_state_name(enum ndc_capture_state state);

#endif

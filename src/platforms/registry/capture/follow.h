/* Inside capture/: a follower and what its parts share. */
#ifndef NDC_REGISTRY_CAPTURE_FOLLOW_H
#define NDC_REGISTRY_CAPTURE_FOLLOW_H

#include "core/metrics.h"
#include "platforms/registry/capture/capture.h"
#include "platforms/registry/capture/position.h"
#include "store/replication.h"
#include "sys/thread.h"

enum {
    NDC_BATCH_CHANGES_MAX = 8192, /* given to the registry at once */
    NDC_BATCH_BYTES_MAX = 4 << 20
};

/* What is kept of a followed table beside its position (table registry_capture). */
struct ndc_capture_row {
    char slot[NDC_REPLICATION_NAME_MAX + 1]; /* that was made for it; empty: none yet */
    int64_t epoch;                           /* the snapshot's run */
    int64_t base;        /* added to the changes' numbers, which begin anew with each
                            snapshot: versions never go back */
    uint64_t consistent; /* changes committed after it are not in the snapshot */
    uint64_t confirmed;  /* the largest position the server was ever told */
    bool complete;       /* the snapshot is in */
    bool stopped;        /* on request */
};

struct ndc_follower {
    struct ndc_registry *registry;
    struct ndc_capture_hooks hooks;
    char id[NDC_SOURCE_ID_MAX + 1];
    struct ndc_thread thread;
    const struct ndc_capture_run *run; /* of a command; else NULL */

    struct ndc_mutex lock; /* guards what follows, to `status`; a leaf lock */
    struct ndc_cond changed;
    bool quit, stopped, snapshot_wanted, poked;
    struct ndc_capture_status status;

    /* The thread's own. */
    struct ndc_capture_row row;
    const struct ndc_registered *declared; /* that it follows now */
    bool done;                             /* `once`, and nothing is left */
    struct ndc_gauge *lag_bytes, *lag_seconds, *retained, *state;
    struct ndc_counter *changes, *snapshots, *losses;
};

/* capture_store.c */
enum ndc_err ndc_capture_row_read(struct ndc_registry *registry, struct ndc_str source,
                                  struct ndc_capture_row *out,
                                  struct ndc_fault *fault) NDC_MUST_USE;
/* All but `stopped`. */
enum ndc_err ndc_capture_row_write(struct ndc_registry *registry, struct ndc_str source,
                                   const struct ndc_capture_row *row,
                                   struct ndc_fault *fault) NDC_MUST_USE;
/* Whether it was stopped on request: apart from the rest, which the follower writes. */
enum ndc_err ndc_capture_stopped_write(struct ndc_registry *registry,
                                       struct ndc_str source, bool stopped,
                                       struct ndc_fault *fault) NDC_MUST_USE;
/* Change files that were taken. */
struct ndc_taken_file {
    struct ndc_str name;
    uint64_t size, hash, lines;
    int64_t mtime_ns;
};
/* By name, in the arena. */
enum ndc_err ndc_capture_files_read(struct ndc_registry *registry,
                                    struct ndc_arena *arena, struct ndc_str source,
                                    struct ndc_taken_file **out, size_t *n,
                                    struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_capture_file_write(struct ndc_registry *registry, struct ndc_str source,
                                    const struct ndc_taken_file *file,
                                    struct ndc_fault *fault) NDC_MUST_USE;

/* follow.c */
void ndc_follower_state(struct ndc_follower *f, enum ndc_capture_state state,
                        const char *code, const char *reason);
void ndc_follower_note(struct ndc_follower *f, const char *note);
/* Whether what it does now should end: quit, stopped, another declaration, a snapshot
 * asked for. */
bool ndc_follower_ended(struct ndc_follower *f);
/* Waits; true at once if it is to quit or is poked. */
bool ndc_follower_wait(struct ndc_follower *f, int64_t ms);
/* Nothing is left to take: now. `once` is over then. */
void ndc_follower_caught_up(struct ndc_follower *f, bool caught_up);
/* Gives rows to the registry with their position and counts them. */
enum ndc_err ndc_follower_take(struct ndc_follower *f, struct ndc_str ndjson,
                               struct ndc_str position,
                               struct ndc_fault *fault) NDC_MUST_USE;
/* Runs until it is to quit; with `once` also until nothing is left, or the first failure.
 */
enum ndc_err ndc_follower_run(struct ndc_follower *f,
                              struct ndc_fault *fault) NDC_MUST_USE;

/* follow_postgres.c, follow_files.c: until it should end, or fails. */
enum ndc_err ndc_follow_postgres(struct ndc_follower *f, const struct ndc_source *source,
                                 struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_follow_files(struct ndc_follower *f, const struct ndc_source *source,
                              const char *folder, struct ndc_fault *fault) NDC_MUST_USE;

/* snapshot.c: makes the slot, loads the table in its snapshot; the row is complete then.
 */
enum ndc_err ndc_follow_snapshot(struct ndc_follower *f, const struct ndc_source *source,
                                 struct ndc_replication *link,
                                 struct ndc_fault *fault) NDC_MUST_USE;

/* watch.c: reads the slot's state into the status; *exists is false if there is none. */
enum ndc_err ndc_watch_slot(struct ndc_follower *f, struct ndc_replication *link,
                            const char *slot, bool *exists,
                            struct ndc_fault *fault) NDC_MUST_USE;
/* While a table is not followed: the same over a connection of its own, and the slot is
 * dropped when it keeps more than the declaration allows. */
void ndc_watch_idle(struct ndc_follower *f, const struct ndc_source *source);
/* Drops the slot of a source that is not followed any more. */
void ndc_watch_forget(struct ndc_follower *f, const struct ndc_source *source);

#endif

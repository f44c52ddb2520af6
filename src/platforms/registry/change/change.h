/* The change feed: one row for each change of an entity, numbered in the order in which
 * changes are committed. A row says which entity changed, how, and which fields now have
 * another golden value; never the values themselves, which are read, checked by policy
 * and logged as any others. With it stand the records as they were before, from which the
 * state at an earlier time is told (change/asof.h).
 *
 * Numbers are the largest plus one, taken under a lock held until the commit, so they
 * are without gaps and a reader who has seen N has seen N - 1, however many write. */
#ifndef NDC_REGISTRY_CHANGE_H
#define NDC_REGISTRY_CHANGE_H

#include "base/arena.h"
#include "core/dictionary.h"
#include "store/store.h"

enum ndc_change_kind {
    NDC_CHANGE_GENERATION = 1, /* everything may have changed: read it anew; entity 0 */
    NDC_CHANGE_CREATED,
    NDC_CHANGE_CHANGED,
    NDC_CHANGE_MERGED, /* the entity is no more; `other` has most of its records */
    NDC_CHANGE_SPLIT,  /* the entity is new; its records were of `other` */
    NDC_CHANGE_ENDED,  /* no source holds it any more */
    NDC_CHANGE_KIND_COUNT
};

enum { NDC_CHANGE_PAGE_MAX = 10000 };

struct ndc_change {
    int64_t seq;      /* given by ndc_change_append */
    int64_t at_ms;    /* when it became known: the commit's wall clock */
    int64_t previous; /* seq of the entity's change before, 0: none */
    uint64_t entity, other;
    uint32_t
        source;   /* number of the source whose row caused it; 0: several, or a build */
    uint8_t type; /* enum ndc_entity */
    uint8_t kind; /* enum ndc_change_kind */
    struct ndc_field_set fields; /* whose golden value is another now */
    struct ndc_str before;       /* encoded records (load/record.h), as they were; those
                                    that are new here have flag NDC_RECORD_ABSENT */
};

/* Appends in the caller's write transaction and numbers them from *first on. */
enum ndc_err ndc_change_append(struct ndc_store_conn *conn,
                               const struct ndc_change *changes, size_t n, int64_t *first,
                               struct ndc_fault *fault) NDC_MUST_USE;
/* Takes the lock for who must know numbers before appending: those after *last are the
 * caller's until its commit. */
enum ndc_err ndc_change_hold(struct ndc_store_conn *conn, int64_t *last,
                             struct ndc_fault *fault) NDC_MUST_USE;
/* Up to `max` changes with seq > after, in order, in the arena; `before` is left out
 * unless asked for. */
enum ndc_err ndc_change_read(struct ndc_store_conn *conn, struct ndc_arena *arena,
                             int64_t after, size_t max, bool with_before,
                             struct ndc_change **out, size_t *n,
                             struct ndc_fault *fault) NDC_MUST_USE;
/* The number of the last change; 0: none yet. */
enum ndc_err ndc_change_last(struct ndc_store_conn *conn, int64_t *seq,
                             struct ndc_fault *fault) NDC_MUST_USE;
/* One change with `before`, in the arena. NDC_ENOTFOUND: change.none. */
enum ndc_err ndc_change_get(struct ndc_store_conn *conn, struct ndc_arena *arena,
                            int64_t seq, struct ndc_change *out,
                            struct ndc_fault *fault) NDC_MUST_USE;
/* The largest number that retention has deleted; 0: none. Who has read less than it must
 * read everything anew. */
enum ndc_err ndc_change_floor(struct ndc_store_conn *conn, int64_t *seq,
                              struct ndc_fault *fault) NDC_MUST_USE;
/* Retention: deletes changes older than `before_ms`, in slices. Numbers go on. */
enum ndc_err ndc_change_purge(struct ndc_store *store, int64_t before_ms,
                              int64_t *deleted, struct ndc_fault *fault) NDC_MUST_USE;
/* "created", "changed", … and back (false: no such word). */
const char *ndc_change_kind_name(enum ndc_change_kind kind);
bool ndc_change_kind_parse(struct ndc_str word, enum ndc_change_kind *out);

#endif

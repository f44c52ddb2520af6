/* Changes taken as they come: rows of a source, pushed, read from a change file or
 * decoded from a database's log. Each is mapped and checked as a load would, linked with
 * the batch's model, committed with everything it changed and numbered in the change feed
 * before its sender is answered. Rows of many senders are committed together. */
#ifndef NDC_REGISTRY_LIVE_H
#define NDC_REGISTRY_LIVE_H

#include "base/arena.h"
#include "base/buf.h"
#include "platforms/registry/registry.h"

struct ndc_live_result {
    uint64_t rows, created, changed, ended, unchanged, late, quarantined;
    int64_t run;                 /* in which what comes live to the source is counted */
    int64_t first_seq, last_seq; /* of the changes in the feed; 0: none */
};

struct ndc_live_rows {
    struct ndc_str source; /* its id */
    /* One row a line: members are the source's columns and, of the change itself, "_op"
     * ("I", "U" or "D"; without it U) and "_version" (an integer, larger is later;
     * without it the source's time column, else the order of arrival). A change that is
     * older than what is known of its record changes nothing, so late, repeated and
     * disordered changes settle to one state. */
    struct ndc_str ndjson;
    /* Where the reader of a log goes on after these rows, kept in their commit; empty: no
     * such reader. */
    struct ndc_str position;
    /* More to write in the commit of the rows; may be NULL. `refused` is a JSON array of
     * the rows that went to quarantine, with reasons. Its error undoes all. */
    enum ndc_err (*also)(void *arg, struct ndc_store_conn *conn,
                         const struct ndc_live_result *result, struct ndc_str refused,
                         struct ndc_fault *fault);
    void *also_arg;
};

/* Takes the rows; returns when they are durable. Any thread; waits while too much is
 * queued. A row that fails its checks goes to quarantine and stops nothing. Faults:
 * registry.no_source; live.no_model (nothing has been integrated yet: the first
 * integration learns how to link); those of the database. */
enum ndc_err ndc_registry_live(struct ndc_registry *registry,
                               const struct ndc_live_rows *rows,
                               struct ndc_live_result *result,
                               struct ndc_fault *fault) NDC_MUST_USE;

/* Links two entities anew, after a reviewer's decision on records of theirs. */
enum ndc_err ndc_registry_live_decide(struct ndc_registry *registry, uint64_t a,
                                      uint64_t b, struct ndc_live_result *result,
                                      struct ndc_fault *fault) NDC_MUST_USE;

/* The position kept with the last rows of a source, in the arena; empty: none. */
enum ndc_err ndc_registry_live_position(struct ndc_registry *registry,
                                        struct ndc_arena *arena, struct ndc_str source,
                                        struct ndc_str *position,
                                        struct ndc_fault *fault) NDC_MUST_USE;

/* ---- for the rest of the registry ---- */

/* Made when the registry is opened; its thread begins with the first call. */
enum ndc_err ndc_live_new(struct ndc_live **out, struct ndc_registry *registry,
                          struct ndc_fault *fault) NDC_MUST_USE;
/* Finishes what has queued. NULL is fine. */
void ndc_live_free(struct ndc_live *live);

/* Makes what live linking needs of the generation that is served, if it is not there yet,
 * so that the first change does not wait for it. Nothing integrated yet is no fault. */
enum ndc_err ndc_live_prepare(struct ndc_live *live,
                              struct ndc_fault *fault) NDC_MUST_USE;

/* The newest payload of an entity in the arena, and the change that made it (0: a build);
 * a NULL pointer: there is no such entity, any more or yet. */
enum ndc_err ndc_live_payload(struct ndc_live *live, struct ndc_store_conn *conn,
                              struct ndc_arena *arena, uint64_t entity,
                              struct ndc_str *payload, int64_t *change,
                              struct ndc_fault *fault) NDC_MUST_USE;
/* Entities under a key of the search index, what came since the last build included; at
 * most `max`, in no order. */
enum ndc_err ndc_live_lookup(struct ndc_live *live, struct ndc_store_conn *conn,
                             uint64_t key, uint64_t *entities, size_t max, size_t *count,
                             struct ndc_fault *fault) NDC_MUST_USE;
/* Many keys at once. Gives every key that has any to `take`, once for what came and once
 * for what was built, with at most `max` values each. */
enum ndc_err ndc_live_lookup_many(struct ndc_live *live, struct ndc_store_conn *conn,
                                  const uint64_t *keys, size_t n, size_t max,
                                  void (*take)(void *arg, size_t number,
                                               const uint64_t *values, size_t count),
                                  void *arg, struct ndc_fault *fault) NDC_MUST_USE;
/* The newest payloads of n different entities, each that there is to `visit` with its
 * place in the list, in no order; valid during the call, which may not use `conn`. */
enum ndc_err ndc_live_payload_each(struct ndc_live *live, struct ndc_store_conn *conn,
                                   const uint64_t *entities, size_t n,
                                   void (*visit)(void *arg, size_t i,
                                                 struct ndc_str payload),
                                   void *arg, struct ndc_fault *fault) NDC_MUST_USE;

/* Takes up what other programs on this database have committed; at once, or not at all
 * while a batch or a build is at work. */
void ndc_live_follow(struct ndc_live *live);
/* Whether so much has come since the last build that the next should take it over: what
 * is newer than the build is kept in memory by number. */
bool ndc_live_is_full(const struct ndc_live *live);

/* A load of a source begins and ends: no live row of it is under way meanwhile. */
void ndc_live_exclude(struct ndc_live *live, uint32_t source);
void ndc_live_include(struct ndc_live *live, uint32_t source);
/* No batch works until ndc_live_resume, and registry_entity has all payloads: for who
 * reads all entities. */
enum ndc_err ndc_live_pause(struct ndc_live *live, struct ndc_fault *fault) NDC_MUST_USE;
/* `built`: a build has replaced what was, and taken over what had come. */
void ndc_live_resume(struct ndc_live *live, bool built);

#endif

/* Transactional outbox: an event is written in the same transaction as the change it
 * tells of, numbered in commit order, and delivered at least once to every consumer, in
 * order. A reader that has seen N never misses N-1. */
#ifndef NDC_CORE_OUTBOX_H
#define NDC_CORE_OUTBOX_H

#include "base/arena.h"
#include "store/store.h"

enum { NDC_OUTBOX_CONSUMERS_MAX = 64, NDC_OUTBOX_PAYLOAD_MAX = 1 << 20 };

struct ndc_event {
    int64_t seq;            /* 1, 2, 3… without gaps in committed events */
    int64_t at_ms;          /* wall clock, when appended */
    struct ndc_str topic;   /* "registry.person.changed" */
    struct ndc_str key;     /* the entity's id: what must stay in order */
    struct ndc_str payload; /* JSON */
};

/* Creates the tables. */
enum ndc_err ndc_outbox_setup(struct ndc_store *store,
                              struct ndc_fault *fault) NDC_MUST_USE;
/* Appends in the caller's write transaction; *seq may be NULL. */
enum ndc_err ndc_outbox_append(struct ndc_store_conn *conn, struct ndc_str topic,
                               struct ndc_str key, struct ndc_str payload, int64_t *seq,
                               struct ndc_fault *fault) NDC_MUST_USE;
/* Up to `max` events with seq > after, in order, whose topic starts with `topic_prefix`
 * (empty: all). The events are in the arena. *last is the seq to go on after (it passes
 * over events of other topics). */
enum ndc_err ndc_outbox_read(struct ndc_store_conn *conn, struct ndc_arena *arena,
                             int64_t after, struct ndc_str topic_prefix, size_t max,
                             struct ndc_event **events, size_t *n, int64_t *last,
                             struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_outbox_last(struct ndc_store_conn *conn, int64_t *seq,
                             struct ndc_fault *fault) NDC_MUST_USE;
/* Deletes events that every consumer has had and that are older than `before_ms`. */
enum ndc_err ndc_outbox_purge(struct ndc_store *store, int64_t before_ms,
                              int64_t *deleted, struct ndc_fault *fault) NDC_MUST_USE;

/* A consumer. Its cursor is stored, so delivery goes on where it stopped; an event may
 * come twice after a crash, so `deliver` must be idempotent (key on seq). A failing event
 * is tried again after a growing delay, later events of the consumer wait; after
 * attempts_max tries it goes to the dead letters and the rest goes on. */
struct ndc_consumer {
    const char *name;         /* stable, unique: names the stored cursor */
    const char *topic_prefix; /* "" for all */
    enum ndc_err (*deliver)(void *arg, const struct ndc_event *event,
                            struct ndc_fault *fault);
    void *arg;
    unsigned attempts_max; /* [10] */
    unsigned retry_ms;     /* first delay, doubled up to 5 minutes [1000] */
    bool from_now;         /* a new consumer starts at the end, not at the beginning */
};

struct ndc_dispatcher;

/* Starts the thread that delivers. The consumers are copied, their strings not. */
enum ndc_err ndc_dispatcher_start(struct ndc_dispatcher **dispatcher,
                                  struct ndc_store *store,
                                  const struct ndc_consumer *consumers, size_t n,
                                  struct ndc_fault *fault) NDC_MUST_USE;
/* Wakes it: call after a commit that appended (otherwise it looks every 200 ms). */
void ndc_dispatcher_wake(struct ndc_dispatcher *dispatcher);
void ndc_dispatcher_stop(struct ndc_dispatcher *dispatcher);

/* Dead letters: events a consumer could not take. Table ndc_outbox_dead (consumer, seq,
 * attempts, error, at_ms). Puts one back for delivery, out of order. */
enum ndc_err ndc_outbox_revive(struct ndc_store *store, struct ndc_str consumer,
                               int64_t seq, struct ndc_fault *fault) NDC_MUST_USE;

#endif

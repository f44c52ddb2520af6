/* Live linking's own state. One thread takes what has queued as one batch (batch.h):
 * finds what is known of its records and who they could belong to (find.c), links these
 * few entities with the engine and model of builds (relink.c), commits the difference
 * (commit.c). */
#ifndef NDC_REGISTRY_LIVE_INTERNAL_H
#define NDC_REGISTRY_LIVE_INTERNAL_H

#include "platforms/registry/build/build.h"
#include "platforms/registry/change/change.h"
#include "platforms/registry/link/link.h"
#include "platforms/registry/live/live.h"
#include "platforms/registry/live/overlay.h"
#include "platforms/registry/load/map.h"

enum {
    LIVE_ROWS_MAX = 100000,        /* of one call */
    LIVE_QUEUED_ROWS_MAX = 200000, /* more wait in their callers */
    LIVE_BATCH_ROWS = 2048,        /* committed together, unless one call has more */
    LIVE_ENTITIES_MAX = 400000,    /* looked at for one batch */
    LIVE_BLOCK_MAX = 500, /* entities under one blocking key; more are nobody's */
    LIVE_ROUNDS_MAX = 8,  /* of linking one batch */
    LIVE_ARENA_BYTES = 1 << 30
};

/* A row of a call: a record as its source has it now, or its end. */
struct live_row {
    struct ndc_record record; /* in the call's arena; of an end only source and key */
    bool ends, versioned;
    uint64_t version;
};

struct live_refused { /* to quarantine */
    struct ndc_str key, row_json, reasons;
    uint64_t line;
};

/* What one caller waits for. */
struct live_call {
    struct ndc_arena arena;
    struct ndc_buf encoded;        /* the rows' records */
    struct ndc_registered *source; /* NULL: a call without rows */
    struct live_row *rows;
    size_t row_count;
    struct live_refused *refused;
    size_t refused_count, refused_cap;
    struct ndc_str position;
    const struct ndc_live_rows *asked; /* NULL: a call without rows */
    uint64_t touched[2];               /* entities to be linked anew, 0: none */
    struct ndc_live_result result;
    enum ndc_err err;
    struct ndc_fault fault;
    bool done;
    struct live_call *next;
};

/* A reviewer's decision on two records, by their hashes. */
struct live_decision {
    uint64_t a, b;
    uint32_t source_a, source_b;
    uint64_t ref_a, ref_b;
    bool same;
    uint8_t type;
};

struct live_kind {
    struct ndc_link_spec *spec;
    struct ndc_link_model *model;
    int identifier_fields[NDC_LINK_FIELDS_MAX]; /* dictionary id, or -1, by spec field */
    int unique_field;                           /* spec field, or -1 */
    int plain_fields[2]; /* dictionary ids of the first fields that identify nobody by
                            themselves: a name and a date; or -1 */
    unsigned entity_max;
};

struct ndc_live {
    struct ndc_registry *registry;
    struct ndc_overlay *overlay;

    struct ndc_mutex lock; /* guards the queue, what follows it here and calls' `done` */
    struct ndc_cond queued, done, room;
    uint32_t users[NDC_REGISTRY_SOURCES_MAX + 1]; /* calls under way, by source */
    bool excluded[NDC_REGISTRY_SOURCES_MAX + 1];  /* by a load */
    struct live_call *first, *last;
    size_t queued_rows;
    bool stop, started, stop_commits;
    unsigned wanted;       /* who wait for `work` */
    struct ndc_cond moved; /* a commit began or ended, somebody got `work` */
    struct live_batch *committing;
    enum ndc_err commit_err; /* of the last */
    struct ndc_thread thread;

    /* Held while batches are made and committed, and by a build from its first look at
     * the stages to its end. Taken before every other lock but `loading`, by
     * ndc_live_hold but for the thread of batches, which lets go of it for who waits.
     * Guards what follows; a commit under way moves `seq` and `next_review` on its
     * behalf. */
    struct ndc_mutex work;
    struct live_batch *pending; /* made and not known to be durable; NULL: none */
    int64_t pending_first;      /* number of its first change, if it commits */
    int64_t generation;         /* what follows is of this one; 0: nothing is */
    int64_t seq;                /* the last change that the overlay has */
    uint64_t next_number;
    struct live_kind kinds[NDC_ENTITY_COUNT];
    struct ndc_overlay *near; /* entity to entities that a guard keeps apart from it */
    uint64_t *open_bits;      /* Bloom filter over blocking keys of open entities */
    uint64_t open_mask;
    struct live_decision *decisions; /* by ref_a */
    size_t decision_count;
    int64_t runs[NDC_REGISTRY_SOURCES_MAX + 1]; /* each source's live run; 0: none yet */
    int64_t next_review;
    bool tombstones; /* there are some */
};

/* pipeline.c: the thread that makes batches of the calls that queue. */
void ndc_live_run(void *live);
/* Takes `work`, before batches that queue. */
void ndc_live_hold(struct ndc_live *live);

/* The index key of a rule's blocking key. */
uint64_t ndc_live_block_key(uint64_t rule_key);
/* blocks.c: the index of blocking keys of a generation. */
enum ndc_err ndc_live_build_blocks(struct ndc_live *live,
                                   struct ndc_fault *fault) NDC_MUST_USE;

/* intake.c: rows as they came into a call's records. */
enum ndc_err ndc_live_parse(struct live_call *call, struct ndc_registered *source,
                            struct ndc_str ndjson, struct ndc_fault *fault) NDC_MUST_USE;

/* live.c: rows of registry_recent, each that is still there to `visit` with its place in
 * the list; an empty payload: the entity is no more. As few round trips as can be. */
enum ndc_err ndc_live_recent_each(struct ndc_store_conn *conn, const int64_t *seqs,
                                  size_t n,
                                  void (*visit)(void *arg, size_t i, int64_t change,
                                                struct ndc_str payload),
                                  void *arg, struct ndc_fault *fault) NDC_MUST_USE;

/* overlay of what the database has. */
enum ndc_err ndc_live_catch_up(struct ndc_live *live,
                               struct ndc_fault *fault) NDC_MUST_USE;

/* ready.c: what a generation brings: model, blocking keys, neighbours, decisions. */
enum ndc_err ndc_live_ready(struct ndc_live *live, struct ndc_fault *fault) NDC_MUST_USE;
/* Reads reviewers' decisions again. */
enum ndc_err ndc_live_decisions(struct ndc_live *live,
                                struct ndc_fault *fault) NDC_MUST_USE;
void ndc_live_unready(struct ndc_live *live);
void ndc_live_open_add(struct ndc_live *live, uint64_t key);
bool ndc_live_maybe_open(const struct ndc_live *live, uint64_t key);

#endif

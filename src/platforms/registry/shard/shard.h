/* Payloads of entities on several PostgreSQL servers. An entity's number names its
 * logical shard (their count is fixed when the registry is sharded); a map on the
 * coordinating database names each shard's server. There a shard is a schema of its own,
 * ndc_shard_NN_E, where E counts its places: one that moved away is never found under
 * its old name, so a reader with an old map is told and looks again.
 *
 * The coordinator orders everything: a change is durable and served from its
 * registry_recent; what stands there is brought to the shards in the order of changes
 * (drain.c) and leaves it when the shard has it durably. A registry that is not sharded
 * has all payloads in registry_entity; who reads goes through payloads.h either way. */
#ifndef NDC_REGISTRY_SHARD_H
#define NDC_REGISTRY_SHARD_H

#include "platforms/registry/registry.h"

enum {
    NDC_SHARDS_DEFAULT = 64,
    NDC_SHARDS_MAX = 256,
    NDC_SHARD_SERVERS_MAX = 64,
    NDC_SHARD_NAME_MAX = 32
};

struct ndc_shards;
struct ndc_overlay;

/* Reads the map. A registry that is not sharded has an empty one. */
enum ndc_err ndc_shards_open(struct ndc_shards **out, struct ndc_store *coordinator,
                             struct ndc_fault *fault) NDC_MUST_USE;
/* NULL is fine. */
void ndc_shards_close(struct ndc_shards *shards);
/* Logical shards; 0: not sharded. */
unsigned ndc_shards_count(const struct ndc_shards *shards);

/* ---- from registry_recent to the shards ---- */

/* A thread a server; what is brought there leaves the overlay too. */
void ndc_shards_start(struct ndc_shards *shards, struct ndc_overlay *overlay);
void ndc_shards_stop(struct ndc_shards *shards);
/* Brings everything there at once. Faults: registry.shard_away, registry.shard_moving. */
enum ndc_err ndc_shards_drain(struct ndc_shards *shards,
                              struct ndc_fault *fault) NDC_MUST_USE;
/* Rows were written to registry_recent out of order: by a build. */
void ndc_shards_rewind(struct ndc_shards *shards);

/* ---- all payloads at once: the first build, and the sharding of a registry ---- */

struct ndc_shard_load;
/* Empties all shards, then takes payloads; nothing is seen before ndc_shard_load_end. */
enum ndc_err ndc_shard_load_begin(struct ndc_shard_load **out, struct ndc_shards *shards,
                                  struct ndc_fault *fault) NDC_MUST_USE;
struct ndc_shard_row {
    uint64_t entity;
    int64_t type, updated_ms, change;
    struct ndc_str payload;
};
enum ndc_err ndc_shard_load_add(struct ndc_shard_load *load,
                                const struct ndc_shard_row *row,
                                struct ndc_fault *fault) NDC_MUST_USE;
/* Durable on every shard when it returns; frees. */
enum ndc_err ndc_shard_load_end(struct ndc_shard_load *load, uint64_t *rows,
                                struct ndc_fault *fault) NDC_MUST_USE;
void ndc_shard_load_abort(struct ndc_shard_load *load);

/* ---- operating ---- */

/* Fault registry.shard_coordinator: shards are on PostgreSQL only. */
enum ndc_err ndc_shards_possible(const struct ndc_store *coordinator,
                                 struct ndc_fault *fault) NDC_MUST_USE;
/* Makes a server known, or its address another. The address has no password: libpq finds
 * it in ~/.pgpass, PGPASSFILE or a service file. Faults: registry.shard_server,
 * registry.shard_away. */
enum ndc_err ndc_shard_add(struct ndc_shards *shards, struct ndc_str name,
                           struct ndc_str conninfo, struct ndc_fault *fault) NDC_MUST_USE;
/* Shards the registry: `count` logical shards spread over all known servers, what stands
 * in registry_entity copied there. No daemon works on it meanwhile. */
enum ndc_err ndc_shard_init(struct ndc_shards *shards, unsigned count,
                            struct ndc_fault *fault) NDC_MUST_USE;
/* Moves a shard while it is read and written. Killed at any point it is resumed by the
 * same call; until then everything is served and nothing is lost. `step` (may be NULL)
 * is told after each step that is durable. */
enum ndc_err ndc_shard_move(struct ndc_shards *shards, unsigned shard,
                            struct ndc_str server,
                            void (*step)(void *arg, const char *what, uint64_t rows),
                            void *arg, struct ndc_fault *fault) NDC_MUST_USE;

struct ndc_shard_state {
    char name[NDC_SHARD_NAME_MAX];
    struct ndc_str conninfo;
    unsigned shards, moving; /* held; of them on their way */
    int64_t waiting;         /* rows that are not there yet */
    int64_t entities, bytes; /* -1: the server is away */
    char why[NDC_FAULT_MESSAGE_MAX];
};
/* What each server holds and what waits for it, in the arena; `sizes`: asks the servers
 * too. */
enum ndc_err ndc_shard_list(struct ndc_shards *shards, struct ndc_arena *arena,
                            bool sizes, struct ndc_shard_state **out, size_t *n,
                            struct ndc_fault *fault) NDC_MUST_USE;

/* Tells each server's state to /metrics. */
struct ndc_metrics;
void ndc_shards_measure(struct ndc_shards *shards, struct ndc_metrics *metrics);

#endif

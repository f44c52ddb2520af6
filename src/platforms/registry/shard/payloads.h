/* Payloads of entities as they stand below what came live: in registry_entity, or on the
 * shards (shard.h). Everyone who reads payloads reads them here; who wants the newest
 * asks live/live.h, which looks into registry_recent first.
 *
 * Faults: registry.shard_away (the server that holds it does not answer; others are
 * served), registry.shard_lost; those of the database. */
#ifndef NDC_REGISTRY_PAYLOADS_H
#define NDC_REGISTRY_PAYLOADS_H

#include "platforms/registry/registry.h"

/* One payload in the arena and the change that made it; a NULL pointer: none. `conn` is
 * of the coordinator. */
enum ndc_err ndc_payload_get(struct ndc_registry *registry, struct ndc_store_conn *conn,
                             struct ndc_arena *arena, uint64_t entity,
                             struct ndc_str *payload, int64_t *change,
                             struct ndc_fault *fault) NDC_MUST_USE;
/* Payloads of n different entities, each that there is to `visit` with its place in the
 * list, in no order; valid during the call. */
enum ndc_err ndc_payload_each(struct ndc_registry *registry, struct ndc_store_conn *conn,
                              const uint64_t *entities, size_t n,
                              void (*visit)(void *arg, size_t i, int64_t change,
                                            struct ndc_str payload),
                              void *arg, struct ndc_fault *fault) NDC_MUST_USE;

/* All payloads, or those of a range of numbers. */
struct ndc_payload_range {
    uint64_t from, to; /* to 0: to the end */
    bool ordered;      /* by number */
};
struct ndc_payloads;
struct ndc_payload {
    uint64_t entity;
    int64_t type, updated_ms, change;
    struct ndc_str payload; /* valid until the next */
};
/* Never NULL: a failure is told by ndc_payloads_close. `conn` is of the coordinator and
 * its transaction is kept in. On shards each server's part is of one moment. */
struct ndc_payloads *ndc_payloads_open(struct ndc_registry *registry,
                                       struct ndc_store_conn *conn,
                                       const struct ndc_payload_range *range);
/* NULL: the end, or a failure. */
const struct ndc_payload *ndc_payloads_next(struct ndc_payloads *payloads);
enum ndc_err ndc_payloads_close(struct ndc_payloads *payloads,
                                struct ndc_fault *fault) NDC_MUST_USE;

/* How many there are. */
enum ndc_err ndc_payload_count(struct ndc_registry *registry, struct ndc_store_conn *conn,
                               int64_t *count, struct ndc_fault *fault) NDC_MUST_USE;

#endif

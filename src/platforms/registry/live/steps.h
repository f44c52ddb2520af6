/* The steps of a batch, in their order, and what they ask of each other. */
#ifndef NDC_REGISTRY_LIVE_STEPS_H
#define NDC_REGISTRY_LIVE_STEPS_H

#include "platforms/registry/live/batch.h"

/* find.c */
enum ndc_err ndc_live_find(struct live_batch *batch,
                           struct ndc_fault *fault) NDC_MUST_USE;
/* The entity's index in the batch, added to be loaded if it is new; LIVE_NONE: the batch
 * has too many. */
uint32_t ndc_live_want(struct live_batch *batch, uint64_t number);
/* Wants what stands near the entity, as one component with it. */
void ndc_live_want_near(struct live_batch *batch, uint32_t entity);
/* Loads what was wanted, and what stands near it. */
enum ndc_err ndc_live_load(struct live_batch *batch,
                           struct ndc_fault *fault) NDC_MUST_USE;
/* Looks up keys and wants every entity under them; sets `capped`. */
enum ndc_err ndc_live_look(struct live_batch *batch, struct live_lookups *lookups,
                           struct ndc_fault *fault) NDC_MUST_USE;
void ndc_live_lookup_add(struct live_lookups *lookups, struct live_lookup lookup);

/* relink.c: members of every part into groups. */
enum ndc_err ndc_live_link(struct live_batch *batch,
                           struct ndc_fault *fault) NDC_MUST_USE;

/* settle.c: what the rows make of the records they name; outcome.c: numbers, payloads,
 * changes, index entries of the groups; commit.c. */
enum ndc_err ndc_live_settle(struct live_batch *batch,
                             struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_live_outcome(struct live_batch *batch,
                              struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_live_commit(struct live_batch *batch,
                             struct ndc_fault *fault) NDC_MUST_USE;
/* What is durable is taken into memory, and readers of the feed wake. */
void ndc_live_take_over(struct live_batch *batch);

/* pipeline.c: what the batch before this one is about to commit. */
size_t ndc_live_pending_entries(const struct ndc_live *live, uint64_t key,
                                uint64_t *values, size_t max);
size_t ndc_live_pending_near(const struct ndc_live *live, uint64_t entity,
                             uint64_t *others, size_t max);
bool ndc_live_pending_payload(const struct ndc_live *live, uint64_t entity,
                              struct ndc_str *payload, int64_t *change);

#endif

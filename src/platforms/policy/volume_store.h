/* Counts and notices in the database: the platform's tables, and the keeper, one thread
 * that once a second stores what is new, reads what other processes on the database have
 * stored, and notes up to which entry of the audit log all is stored. At a start what is
 * stored is read and later entries of the audit log are counted again, so that a kill
 * loses no look that was answered: an answer leaves after its entry is durable. */
#ifndef NDC_POLICY_VOLUME_STORE_H
#define NDC_POLICY_VOLUME_STORE_H

#include "core/audit.h"
#include "platforms/policy/service.h"
#include "store/migrate.h"

enum { POLICY_MIGRATIONS_N = 1 };
extern const struct ndc_migration policy_migrations[POLICY_MIGRATIONS_N];

struct policy_keeper;

struct policy_keeper_options {
    struct ndc_store *store;      /* has policy_migrations and the outbox's tables */
    struct ndc_audit *audit;      /* may be NULL: nothing is counted again at a start */
    unsigned every_ms;            /* 0: 1000 */
    void (*escalated)(void *arg); /* after a commit with events; may be NULL */
    void *arg;
};

/* Reads what is stored and counts later entries of the audit log; then the thread runs.
 * Before anything is decided. */
enum ndc_err policy_keeper_start(struct policy_keeper **out,
                                 struct policy_service *service,
                                 const struct policy_keeper_options *options,
                                 struct ndc_fault *fault) NDC_MUST_USE;
/* Stores the rest and stops. NULL is fine. */
void policy_keeper_stop(struct policy_keeper *keeper);
/* What the thread does once a second, at once. */
enum ndc_err policy_keeper_step(struct policy_keeper *keeper,
                                struct ndc_fault *fault) NDC_MUST_USE;
/* When counts were last stored (0: never) and whether that fails now. */
void policy_keeper_state(struct policy_keeper *keeper, int64_t *stored_ms, bool *failing);

/* volume_replay.c: counts the log's entries from `from` on; *entries is how many. */
enum ndc_err policy_replay(struct policy_service *service, struct ndc_audit *audit,
                           uint64_t from, uint64_t *entries,
                           struct ndc_fault *fault) NDC_MUST_USE;

#endif

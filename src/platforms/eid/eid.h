/* The platform's own state, and what its parts call of each other. */
#ifndef NDC_EID_EID_H
#define NDC_EID_EID_H

#include "core/app.h"
#include "core/request.h"
#include "core/throttle.h"
#include "crypto/seal.h"
#include "store/migrate.h"
#include "store/store.h"
#include "store/writer.h"
#include "sys/thread.h"

enum {
    NDC_EID_ID_LEN = 16,     /* of an account or a client: random characters */
    NDC_EID_HASH_BYTES = 32, /* of what a bearer presents */
    NDC_EID_SALT_BYTES = 32
};

struct eid_accounts;
struct eid_clients;
struct eid_keys;
struct eid_tokens;
struct eid_uses;
struct eid_logouts;
struct eid_watch;

struct ndc_eid {
    struct ndc_app *app; /* NULL in tests */
    struct ndc_store *store;
    bool own_store;
    struct ndc_str issuer;            /* "https://eid.example.vn", no slash at the end */
    struct ndc_seal *seal;            /* what is kept to be used again */
    uint8_t salt[NDC_EID_SALT_BYTES]; /* pairwise subjects; kept for ever */
    struct ndc_throttle *throttle;
    bool weak_passwords; /* for tests */

    struct eid_accounts *accounts; /* sign-in: sessions, the registry's changes */
    struct eid_keys *keys;
    struct eid_clients *clients;
    struct eid_tokens *tokens;   /* what was verified, revoked, or seen once */
    struct eid_uses *uses;       /* what clients did, not yet written */
    struct eid_logouts *logouts; /* in the daemon only, as is the next */
    struct eid_watch *watch;
};

extern const struct ndc_migration ndc_eid_migrations[];
extern const size_t ndc_eid_migrations_n;

struct ndc_eid_options {
    const char *dir; /* sealing key, salt */
    struct ndc_str issuer;
    bool weak_passwords;
    int64_t session_idle_ms, session_max_ms; /* 0: 1 hour, 12 hours */
};

/* On a store that was migrated. */
enum ndc_err ndc_eid_open(struct ndc_eid **out, struct ndc_store *store,
                          const struct ndc_eid_options *options,
                          struct ndc_fault *fault) NDC_MUST_USE;
void ndc_eid_close(struct ndc_eid *eid); /* NULL is fine */

static inline struct ndc_eid *ndc_eid_of(const struct ndc_request *req)
{
    return req->state;
}

/* In a write: removes a few rows of `table` that are over, twice as many as a write adds.
 * `table` is a literal of schema.c. */
enum ndc_err eid_sweep(struct ndc_store_conn *conn, const char *table, int64_t now_ms,
                       struct ndc_fault *fault) NDC_MUST_USE;
/* In a write: other processes drop what they remember. */
enum ndc_err eid_changed(struct ndc_store_conn *conn,
                         struct ndc_fault *fault) NDC_MUST_USE;

#endif

/* Identity's insides, shared by identity.c, users.c, keys.c, sessions.c, grants.c and
 * identity_http.c. */
#ifndef NDC_CORE_IDENTITY_PRIVATE_H
#define NDC_CORE_IDENTITY_PRIVATE_H

#include "core/grant.h"
#include "core/identity.h"
#include "core/throttle.h"
#include "crypto/certificate.h"
#include "crypto/password.h"
#include "crypto/token.h"
#include "store/store.h"
#include "store/writer.h"
#include "sys/clock.h"
#include "sys/thread.h"

#include <stdatomic.h>

enum {
    SHARDS = 16,
    SHARD_SLOTS = 1024, /* power of two; chains */
    SHARD_GRANTS_MAX = 2048,
    SESSION_ID_LEN = 12,
    KEY_ID_LEN = 12,
    SESSIONS_PER_USER_MAX = 50
};

/* ndc_user.must_change: the person's own; given by an administrator, who knows it; made
 * at the first start and printed for whoever started it. */
enum password_state { PASSWORD_OWN, PASSWORD_MUST_CHANGE, PASSWORD_SHOULD_CHANGE };

/* A cached grant. `refs` counts the cache's own reference too. */
struct box {
    struct ndc_grant pub; /* first */
    struct box *next;
    atomic_uint refs;
    uint8_t hash[NDC_TOKEN_HASH_BYTES];
    atomic_llong last_ms; /* last use, of a session */
    bool bound; /* a key that works with one client certificate alone: its thumbprint */
    uint8_t cert[NDC_THUMBPRINT_BYTES];
    int64_t stored_ms; /* what the database has of it; maintenance thread only */
    struct ndc_arena arena;
};

struct shard {
    struct ndc_mutex lock; /* guards the rest */
    struct box *slots[SHARD_SLOTS];
    size_t n;
};

struct ndc_identity {
    struct ndc_store *store;
    struct ndc_identity_options options;
    struct ndc_throttle *throttle;
    struct shard shards[SHARDS];
    atomic_llong generation;                  /* of the database, as last seen */
    atomic_ullong epoch;                      /* rises when the cache is emptied */
    char dummy_hash[NDC_PASSWORD_HASH_BYTES]; /* verified for users that do not exist */
    struct ndc_mutex lock;                    /* guards stop */
    struct ndc_cond stop_cond;
    bool stop;
    struct ndc_thread maintenance;
};

/* grants.c */
void grants_init(struct ndc_identity *identity);
void grants_free(struct ndc_identity *identity);
/* Forgets all; the next use asks the database. */
void grants_forget(struct ndc_identity *identity);
/* Writes the last use of sessions that were used since. */
void grants_flush(struct ndc_identity *identity);
/* Fills roles and permissions. */
enum ndc_err grant_roles(struct box *box, struct ndc_store_conn *conn,
                         struct ndc_str roles, struct ndc_fault *fault) NDC_MUST_USE;

/* The grant of a session's secret. */
enum ndc_err ndc_grant_of_cookie(struct ndc_identity *identity, struct ndc_str secret,
                                 const struct ndc_grant **out,
                                 struct ndc_fault *fault) NDC_MUST_USE;

/* identity.c: in a write: other processes (and our own cache) learn of the change. */
enum ndc_err identity_changed(struct ndc_store_conn *conn,
                              struct ndc_fault *fault) NDC_MUST_USE;
/* Runs fn as one durable write, then forgets the cache. */
enum ndc_err identity_write(struct ndc_identity *identity,
                            enum ndc_err (*fn)(struct ndc_store_conn *conn, void *arg,
                                               struct ndc_fault *fault),
                            void *arg, struct ndc_fault *fault) NDC_MUST_USE;
/* Every word must be a role of the table. */
enum ndc_err identity_check_roles(struct ndc_store_conn *conn, struct ndc_str roles,
                                  struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err identity_check_agency(struct ndc_store_conn *conn, struct ndc_str agency,
                                   struct ndc_fault *fault) NDC_MUST_USE;

/* sessions.c */
struct session_new {
    struct ndc_str user, client, agent;
    char secret[NDC_TOKEN_BYTES];
    char id[SESSION_ID_LEN + 1];
};
/* Checks the password and makes a session. Faults: auth.failed, auth.throttled (then
 * *wait_ms). */
enum ndc_err session_sign_in(struct ndc_identity *identity, struct session_new *session,
                             struct ndc_str password, int64_t *wait_ms,
                             struct ndc_fault *fault) NDC_MUST_USE;
/* The same without a password, which somebody else has made unnecessary. Faults:
 * user.unknown. */
enum ndc_err session_begin(struct ndc_identity *identity, struct session_new *session,
                           struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err session_end(struct ndc_identity *identity, struct ndc_str user,
                         struct ndc_str id, struct ndc_fault *fault) NDC_MUST_USE;
/* The current password and the new one; other sessions end, a new one begins. */
enum ndc_err session_change_password(struct ndc_identity *identity,
                                     struct session_new *session, struct ndc_str current,
                                     struct ndc_str password, int64_t *wait_ms,
                                     struct ndc_fault *fault) NDC_MUST_USE;

/* users.c */
enum ndc_err user_add(struct ndc_identity *identity, const struct ndc_user *user,
                      struct ndc_str password, enum password_state state,
                      struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err user_set_password(struct ndc_identity *identity, struct ndc_str name,
                               struct ndc_str password, enum password_state state,
                               struct ndc_fault *fault) NDC_MUST_USE;

#endif

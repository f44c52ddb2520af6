/* Webhooks: what webhook*.c share. */
#ifndef NDC_CORE_WEBHOOK_INTERNAL_H
#define NDC_CORE_WEBHOOK_INTERNAL_H

#include "core/route.h"
#include "core/webhook.h"
#include "crypto/seal.h"
#include "store/migrate.h"
#include "store/store.h"

enum {
    NDC_WEBHOOK_URL_MAX = 2048,
    NDC_WEBHOOK_LOG_MAX = 100, /* attempts kept of each */
    NDC_WEBHOOK_MESSAGE_MAX = 80,
    NDC_WEBHOOK_ROTATE_MS = 24 * 3600 * 1000, /* the old secret signs along so long */
    NDC_WEBHOOK_ROUTES = 9,
    NDC_WEBHOOK_MIGRATIONS = 1
};

/* A row of ndc_webhook; texts in the arena it was read into. */
struct ndc_webhook {
    struct ndc_str id, source, url, title, filter, granted, state, reason;
    struct ndc_str secret, old_secret; /* sealed */
    struct ndc_str principal, agency, purpose, legal_basis;
    int64_t created_ms, old_until_ms;
    int64_t seq;      /* delivered or given up so far */
    int64_t pending;  /* the page under way ends here; 0: none is */
    int64_t attempts; /* of the page under way */
    int64_t next_ms, delivered, failed, dead;
    int64_t last_ms, last_status;
    struct ndc_str last_error;
};

struct ndc_webhook_list {
    struct ndc_webhook *items;
    size_t n;
};

/* How one attempt went. */
struct ndc_webhook_attempt {
    int64_t at_ms, took_ms, after, last, status; /* status 0: no answer */
    int64_t attempt, events;
    struct ndc_str message, error;
};

extern const struct ndc_migration ndc_webhook_migrations[NDC_WEBHOOK_MIGRATIONS];
extern const struct ndc_route ndc_webhook_routes[NDC_WEBHOOK_ROUTES];

/* ---- webhook_store.c ---- */

enum ndc_err ndc_webhook_read(struct ndc_store_conn *conn, struct ndc_arena *arena,
                              struct ndc_str id, struct ndc_webhook *out,
                              struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_webhook_read_all(struct ndc_store_conn *conn, struct ndc_arena *arena,
                                  struct ndc_webhook_list *out,
                                  struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_webhook_insert(struct ndc_store *store, const struct ndc_webhook *w,
                                struct ndc_fault *fault) NDC_MUST_USE;
/* With its attempts and dead letters. */
enum ndc_err ndc_webhook_delete(struct ndc_store *store, struct ndc_str id,
                                struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_webhook_set_state(struct ndc_store *store, struct ndc_str id,
                                   const char *state, struct ndc_str reason,
                                   struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_webhook_set_secret(struct ndc_store *store, struct ndc_str id,
                                    struct ndc_str sealed, int64_t old_until_ms,
                                    struct ndc_fault *fault) NDC_MUST_USE;
/* The page to `last` is under way: the same goes out again after a crash. */
enum ndc_err ndc_webhook_begin(struct ndc_store *store, struct ndc_str id, int64_t last,
                               struct ndc_fault *fault) NDC_MUST_USE;
/* Nothing up to `seq` was for it. */
enum ndc_err ndc_webhook_skip(struct ndc_store *store, struct ndc_str id, int64_t seq,
                              struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_webhook_delivered(struct ndc_store *store, struct ndc_str id,
                                   const struct ndc_webhook_attempt *a,
                                   struct ndc_fault *fault) NDC_MUST_USE;
/* To be tried again at next_ms; 0: to the dead letters, and on with the rest. */
enum ndc_err ndc_webhook_failed(struct ndc_store *store, struct ndc_str id,
                                const struct ndc_webhook_attempt *a, int64_t next_ms,
                                struct ndc_fault *fault) NDC_MUST_USE;

/* A dead letter that was asked to be sent again: false, there is none. */
enum ndc_err ndc_webhook_revived(struct ndc_store_conn *conn, struct ndc_arena *arena,
                                 struct ndc_str id, struct ndc_webhook_attempt *out,
                                 bool *found, struct ndc_fault *fault) NDC_MUST_USE;
/* NDC_ENOTFOUND: webhook.no_dead. */
enum ndc_err ndc_webhook_revive(struct ndc_store *store, struct ndc_str id,
                                struct ndc_str message,
                                struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_webhook_revive_done(struct ndc_store *store, struct ndc_str id,
                                     const struct ndc_webhook_attempt *a, bool delivered,
                                     struct ndc_fault *fault) NDC_MUST_USE;
/* The members "attempts" and "dead_letters" of the object that is being written. */
enum ndc_err ndc_webhook_write_log(struct ndc_json *j, struct ndc_store_conn *conn,
                                   struct ndc_str id,
                                   struct ndc_fault *fault) NDC_MUST_USE;

/* ---- webhook.c ---- */

struct ndc_webhooks *ndc_webhooks_new(void);
void ndc_webhooks_free(struct ndc_webhooks *hooks); /* NULL is fine */
/* In the daemon: reads the subscriptions, starts the workers. */
enum ndc_err ndc_webhooks_start(struct ndc_webhooks *hooks, struct ndc_app *app,
                                struct ndc_fault *fault) NDC_MUST_USE;
void ndc_webhooks_stop(struct ndc_webhooks *hooks);
const struct ndc_webhook_source *ndc_webhook_source_find(struct ndc_webhooks *hooks,
                                                         struct ndc_str name);
const struct ndc_webhook_source *ndc_webhook_source_at(struct ndc_webhooks *hooks,
                                                       size_t i);
const struct ndc_seal *ndc_webhooks_seal(const struct ndc_webhooks *hooks);
/* A subscription was made, changed or taken away. NDC_EBUSY webhook.many. */
enum ndc_err ndc_webhooks_know(struct ndc_webhooks *hooks, struct ndc_str id,
                               struct ndc_fault *fault) NDC_MUST_USE;
void ndc_webhooks_forget(struct ndc_webhooks *hooks, struct ndc_str id);
/* Calls the endpoint once with data {"test": true}. */
enum ndc_err ndc_webhooks_test(struct ndc_webhooks *hooks, const struct ndc_webhook *w,
                               struct ndc_arena *arena, struct ndc_webhook_attempt *out,
                               struct ndc_fault *fault) NDC_MUST_USE;
/* Whether endpoints may be anywhere (setting webhook_private). */
bool ndc_webhooks_private(const struct ndc_webhooks *hooks);

struct ndc_webhooks *ndc_app_webhooks(const struct ndc_app *app);

#endif

/* The running program: what platforms and commands find everything through. */
#ifndef NDC_CORE_APP_H
#define NDC_CORE_APP_H

#include "base/error.h"

struct ndc_app;
struct ndc_audit;
struct ndc_config;
struct ndc_identity;
struct ndc_jobs;
struct ndc_metrics;
struct ndc_platform;
struct ndc_store;
struct ndc_topics;

/* Makes the program of these platforms (a NULL-terminated table that outlives it) with a
 * read configuration, of which it takes ownership. Opens nothing. */
struct ndc_app *ndc_app_new(const struct ndc_platform *const *platforms,
                            struct ndc_config *config);
/* Stops and closes whatever was started, in reverse. NULL is fine. */
void ndc_app_free(struct ndc_app *app);

/* Locks the data folder (NDC_ECONFLICT app.locked when another ndc uses it), opens the
 * database, runs core's and every platform's migrations. Idempotent. */
enum ndc_err ndc_app_open(struct ndc_app *app, struct ndc_fault *fault) NDC_MUST_USE;
/* The same beside a running daemon: no lock if it is taken (then the daemon has
 * migrated). For short commands on identity: `ndc user add`. */
enum ndc_err ndc_app_attach(struct ndc_app *app, struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_app_attach_identity(struct ndc_app *app,
                                     struct ndc_fault *fault) NDC_MUST_USE;
/* ndc_app_open, then identity, the audit log and every platform's start. No jobs, no
 * HTTP: for commands that work on a platform while no daemon runs. */
enum ndc_err ndc_app_start(struct ndc_app *app, struct ndc_fault *fault) NDC_MUST_USE;
/* ndc_app_start, then jobs, HTTP and every platform's `started`. */
enum ndc_err ndc_app_serve(struct ndc_app *app, struct ndc_fault *fault) NDC_MUST_USE;

struct ndc_config *ndc_app_config(const struct ndc_app *app);
/* The main database; opened, or the call aborts. */
struct ndc_store *ndc_app_store(const struct ndc_app *app);
struct ndc_jobs *ndc_app_jobs(const struct ndc_app *app);         /* NULL: not started */
struct ndc_audit *ndc_app_audit(const struct ndc_app *app);       /* NULL: not started */
struct ndc_identity *ndc_app_identity(const struct ndc_app *app); /* NULL: not started */
struct ndc_metrics *ndc_app_metrics(const struct ndc_app *app);
/* Wakes the outbox's delivery, after a commit that appended events. */
void ndc_app_wake_outbox(const struct ndc_app *app);
/* Live topics for server-sent events (core/topics.h). */
struct ndc_topics *ndc_app_topics(const struct ndc_app *app);
/* A path under data_dir, in the program's arena: ndc_app_path(app, "audit.key"). */
const char *ndc_app_path(struct ndc_app *app, const char *name);
const struct ndc_platform *const *ndc_app_platforms(const struct ndc_app *app);
/* What the platform's start made, or NULL. */
void *ndc_app_platform_state(const struct ndc_app *app, const char *code);
/* "http://127.0.0.1:8080", once serving. */
const char *ndc_app_address(const struct ndc_app *app);

#endif

/* A platform: one folder src/platforms/<code>/ and one line in src/cmd/platforms.c.
 * docs/adding-a-platform.md explains it on a page; tests/example_platform is the proof.
 */
#ifndef NDC_CORE_PLATFORM_H
#define NDC_CORE_PLATFORM_H

#include "core/app.h"
#include "core/command.h"
#include "core/config.h"
#include "core/jobs.h"
#include "core/outbox.h"
#include "core/route.h"
#include "store/migrate.h"

/* Every list is an array with its length (NDC_ROWS(array)), or nothing. */
struct ndc_platform {
    const char *code; /* "registry": lower case, also of folder and URLs */
    const char *title_vi, *title_en;
    const char *summary; /* one English sentence, for API and help */
    const struct ndc_migration *migrations;
    size_t migrations_n;
    const struct ndc_route *routes;
    size_t routes_n;
    const struct ndc_job_kind *jobs; /* `arg` NULL is replaced by the platform's state */
    size_t jobs_n;
    const struct ndc_consumer *consumers; /* of the outbox; `arg` NULL as above */
    size_t consumers_n;
    const struct ndc_command *commands;
    size_t commands_n;
    const struct ndc_setting *settings; /* closed by a row without name; or NULL */
    const struct ndc_permission *permissions;
    size_t permissions_n;

    /* In the daemon, and in commands that call ndc_app_start(): after migrations and
     * before HTTP; makes *state, what handlers, jobs and commands work on. Quick: long
     * work is a job, submitted in `started`. May be NULL. */
    enum ndc_err (*start)(struct ndc_app *app, void **state, struct ndc_fault *fault);
    /* In the daemon only: jobs and HTTP run. May be NULL. */
    enum ndc_err (*started)(struct ndc_app *app, void *state, struct ndc_fault *fault);
    /* In the daemon only, before HTTP and jobs stop: threads of the platform's own that
     * submit jobs end here. May be NULL. */
    void (*stopping)(void *state);
    /* HTTP and jobs have stopped. May be NULL. */
    void (*stop)(void *state);
    /* Whether it can serve; if not, says why in at most size bytes. May be NULL: yes. */
    bool (*ready)(void *state, char *why, size_t size);
};

#define NDC_ROWS(array) (array), NDC_ARRAY_LEN(array)

/* A permission that route rows name, and the built-in roles that have it. */
struct ndc_permission {
    const char *name; /* "registry.person.read" */
    const char *title_vi, *title_en;
    const char *roles; /* space-separated built-in roles: "steward agency-reader";
                          `admin` has every permission */
};

#endif

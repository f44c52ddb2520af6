/* The program: opens what is configured in a fixed order and closes it in reverse. */
#include "core/app_private.h"

#include "core/audit.h"
#include "core/config.h"
#include "core/core_platform.h"
#include "core/identity.h"
#include "core/metrics.h"
#include "core/permission.h"
#include "core/webhook_internal.h"
#include "store/store.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

enum { APP_ARENA_BYTES = 16 << 20 };

static bool is_chosen(const struct ndc_config *config, const char *code)
{
    struct ndc_str rest = ndc_str(ndc_config_text(config, "platforms")), word;
    bool any = false;
    while (ndc_str_split(&rest, ' ', &word)) {
        if (!word.len) continue;
        any = true;
        if (ndc_str_eq_c(word, code)) return true;
    }
    return !any;
}

struct ndc_app *ndc_app_new(const struct ndc_platform *const *platforms,
                            struct ndc_config *config)
{
    struct ndc_app *app = ndc_xcalloc(1, sizeof(*app));
    ndc_arena_init(&app->arena, APP_ARENA_BYTES);
    app->config = config;
    app->lock_fd = -1;
    app->start_ms = ndc_clock_wall_ms();
    app->platforms[app->platforms_n++] = &ndc_core_platform;
    app->platforms[app->platforms_n++] = &ndc_identity_platform;
    app->platforms[app->platforms_n++] = &ndc_jobs_platform;
    app->platforms[app->platforms_n++] = &ndc_webhooks_platform;
    for (size_t i = 0; platforms[i]; i++) {
        NDC_ASSERT(app->platforms_n < NDC_PLATFORMS_MAX);
        if (is_chosen(config, platforms[i]->code))
            app->platforms[app->platforms_n++] = platforms[i];
    }
    ndc_permissions_setup(app->platforms);
    app->metrics = ndc_metrics_new();
    app->webhooks = ndc_webhooks_new();
    return app;
}

const char *ndc_app_path(struct ndc_app *app, const char *name)
{
    return ndc_arena_printf(&app->arena, "%s/%s",
                            ndc_config_text(app->config, "data_dir"), name)
        .ptr;
}

static enum ndc_err open_store(struct ndc_app *app, struct ndc_store **store,
                               const char *setting, const char *file,
                               struct ndc_fault *fault)
{
    const char *url = ndc_config_text(app->config, setting);
    if (strcmp(url, "sqlite") == 0)
        url = ndc_arena_printf(&app->arena, "sqlite:%s", ndc_app_path(app, file)).ptr;
    return ndc_store_open(store, url, NULL, fault);
}

/* The lock is the open file's, so it goes with the process, however that ends. */
static enum ndc_err take_lock(struct ndc_app *app, bool *busy, struct ndc_fault *fault)
{
    const char *path = ndc_app_path(app, "ndc.lock");
    char text[32] = "";
    *busy = false;
    enum ndc_err err = ndc_file_mkdirs(ndc_config_text(app->config, "data_dir"), fault);
    if (err != NDC_OK) return err;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0) return ndc_fail_errno(fault, "app.lock", "open", path);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        ssize_t n = read(fd, text, sizeof(text) - 1);
        text[n > 0 ? n : 0] = 0;
        text[strcspn(text, "\n")] = 0;
        close(fd);
        *busy = true;
        return ndc_fail(fault, NDC_ECONFLICT, "app.locked",
                        "another ndc (process %s) uses the data folder %s",
                        text[0] ? text : "unknown",
                        ndc_config_text(app->config, "data_dir"));
    }
    int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)len, 0) != len) {
        enum ndc_err bad = ndc_fail_errno(fault, "app.lock", "write", path);
        close(fd);
        return bad;
    }
    app->lock_fd = fd;
    return NDC_OK;
}

static enum ndc_err migrate(struct ndc_app *app, struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    for (size_t i = 0; i < app->platforms_n && err == NDC_OK; i++) {
        const struct ndc_platform *p = app->platforms[i];
        if (p->migrations_n)
            err = ndc_migrate(app->store, p->code, p->migrations, p->migrations_n, fault);
    }
    return err;
}

enum ndc_err ndc_app_open(struct ndc_app *app, struct ndc_fault *fault)
{
    bool busy;
    if (app->opened) return NDC_OK;
    enum ndc_err err = take_lock(app, &busy, fault);
    if (err == NDC_OK) err = open_store(app, &app->store, "database", "ndc.db", fault);
    if (err == NDC_OK) err = migrate(app, fault);
    if (err == NDC_OK) err = ndc_outbox_setup(app->store, fault);
    app->opened = err == NDC_OK;
    return err;
}

enum ndc_err ndc_app_attach(struct ndc_app *app, struct ndc_fault *fault)
{
    struct ndc_fault inner = {0};
    bool busy = false;
    if (app->opened) return NDC_OK;
    enum ndc_err err = take_lock(app, &busy, &inner);
    if (err != NDC_OK && !busy) {
        if (fault) *fault = inner;
        return err;
    }
    err = open_store(app, &app->store, "database", "ndc.db", fault);
    if (err == NDC_OK && !busy) err = migrate(app, fault);
    app->opened = err == NDC_OK;
    return err;
}

static enum ndc_err open_identity(struct ndc_app *app, struct ndc_fault *fault)
{
    if (app->identity) return NDC_OK;
    const struct ndc_identity_options options = {
        .session_idle_ms = ndc_config_int(app->config, "session_idle"),
        .session_max_ms = ndc_config_int(app->config, "session_max"),
        .weak_passwords = ndc_config_bool(app->config, "weak_passwords"),
    };
    return ndc_identity_open(&app->identity, app->store, app->platforms, &options, fault);
}

enum ndc_err ndc_app_attach_identity(struct ndc_app *app, struct ndc_fault *fault)
{
    enum ndc_err err = ndc_app_attach(app, fault);
    return err == NDC_OK ? open_identity(app, fault) : err;
}

static enum ndc_err open_audit(struct ndc_app *app, struct ndc_fault *fault)
{
    const char *key = ndc_config_text(app->config, "audit_key");
    const struct ndc_audit_options options = {
        .key_path = *key ? key : ndc_app_path(app, "audit.key")};
    enum ndc_err err =
        open_store(app, &app->audit_store, "audit_database", "audit.db", fault);
    if (err == NDC_OK)
        err = ndc_audit_open(&app->audit, app->audit_store, &options, fault);
    if (err == NDC_OK) ndc_audit_set(app->audit);
    return err;
}

enum ndc_err ndc_app_start(struct ndc_app *app, struct ndc_fault *fault)
{
    if (app->all_started) return NDC_OK;
    enum ndc_err err = ndc_app_open(app, fault);
    if (err == NDC_OK) err = open_identity(app, fault);
    if (err == NDC_OK) err = open_audit(app, fault);
    for (size_t i = 0; i < app->platforms_n && err == NDC_OK; i++) {
        const struct ndc_platform *p = app->platforms[i];
        if (p->start) err = p->start(app, &app->states[i], fault);
        app->started[i] = err == NDC_OK;
    }
    app->all_started = err == NDC_OK;
    return err;
}

enum ndc_err ndc_app_serve(struct ndc_app *app, struct ndc_fault *fault)
{
    enum ndc_err err = ndc_app_start(app, fault);
    if (err == NDC_OK) err = ndc_app_serve_start(app, fault);
    for (size_t i = 0; i < app->platforms_n && err == NDC_OK; i++)
        if (app->platforms[i]->started)
            err = app->platforms[i]->started(app, app->states[i], fault);
    if (err == NDC_OK) atomic_store(&app->serving, true);
    return err;
}

void ndc_app_free(struct ndc_app *app)
{
    if (!app) return;
    atomic_store(&app->serving, false);
    for (size_t i = app->platforms_n; i-- > 0;)
        if (app->started[i] && app->platforms[i]->stopping)
            app->platforms[i]->stopping(app->states[i]);
    ndc_app_serve_stop(app);
    for (size_t i = app->platforms_n; i-- > 0;)
        if (app->started[i] && app->platforms[i]->stop)
            app->platforms[i]->stop(app->states[i]);
    ndc_webhooks_free(app->webhooks);
    if (app->audit) {
        ndc_audit_set(NULL);
        ndc_audit_close(app->audit);
    }
    ndc_store_close(app->audit_store);
    ndc_identity_close(app->identity);
    ndc_store_close(app->store);
    ndc_metrics_free(app->metrics);
    ndc_config_free(app->config);
    if (app->lock_fd >= 0) close(app->lock_fd);
    ndc_arena_free(&app->arena);
    free(app);
}

struct ndc_config *ndc_app_config(const struct ndc_app *app)
{
    return app->config;
}

struct ndc_store *ndc_app_store(const struct ndc_app *app)
{
    NDC_ASSERT(app->store);
    return app->store;
}

struct ndc_jobs *ndc_app_jobs(const struct ndc_app *app)
{
    return app->jobs;
}

void ndc_app_wake_outbox(const struct ndc_app *app)
{
    if (app->dispatcher) ndc_dispatcher_wake(app->dispatcher);
}

struct ndc_audit *ndc_app_audit(const struct ndc_app *app)
{
    return app->audit;
}

struct ndc_identity *ndc_app_identity(const struct ndc_app *app)
{
    return app->identity;
}

struct ndc_metrics *ndc_app_metrics(const struct ndc_app *app)
{
    return app->metrics;
}

struct ndc_webhooks *ndc_app_webhooks(const struct ndc_app *app)
{
    return app->webhooks;
}

struct ndc_topics *ndc_app_topics(const struct ndc_app *app)
{
    return app->topics;
}

const struct ndc_platform *const *ndc_app_platforms(const struct ndc_app *app)
{
    return app->platforms;
}

void *ndc_app_platform_state(const struct ndc_app *app, const char *code)
{
    for (size_t i = 0; i < app->platforms_n; i++)
        if (strcmp(app->platforms[i]->code, code) == 0) return app->states[i];
    return NULL;
}

const char *ndc_app_address(const struct ndc_app *app)
{
    return app->address;
}

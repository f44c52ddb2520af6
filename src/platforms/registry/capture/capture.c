/* Followers: one a source, started when a declaration says so. A source that is not
 * followed any more keeps its follower, which rests: it may be declared anew. */
#include "platforms/registry/capture/capture.h"

#include "platforms/registry/capture/follow.h"
#include "sys/log.h"

#include <stdio.h>

enum { LOOK_EVERY_MS = 1000 };

struct ndc_capture {
    struct ndc_registry *registry;
    struct ndc_capture_hooks hooks;
    struct ndc_thread thread;
    struct ndc_mutex lock; /* guards what follows; taken before a follower's */
    struct ndc_cond changed;
    bool quit;
    struct ndc_follower *followers[NDC_CAPTURE_SOURCES_MAX];
    size_t count;
};

/* ---- a follower ---- */

static struct ndc_gauge *gauge(struct ndc_metrics *m, const char *name,
                               const char *labels, const char *help)
{
    return m ? ndc_gauge_new(m, name, labels, help) : NULL;
}

static void make_metrics(struct ndc_follower *f)
{
    struct ndc_metrics *m = f->registry->app ? ndc_app_metrics(f->registry->app) : NULL;
    char labels[80];
    snprintf(labels, sizeof(labels), "source=\"%s\"", f->id);
    if (!m) return;
    f->lag_bytes = gauge(m, "ndc_capture_lag_bytes", labels,
                         "Log of the source's server that is not taken yet");
    f->lag_seconds = gauge(m, "ndc_capture_lag_seconds", labels,
                           "Since when changes of the source wait to be taken");
    f->retained = gauge(m, "ndc_capture_retained_bytes", labels,
                        "Log that the source's server keeps for the slot");
    f->state =
        gauge(m, "ndc_capture_state", labels,
              "0 starting, 1 snapshot, 2 following, 3 waiting, 4 paused, 5 lost, 6 "
              "stopped");
    f->changes = ndc_counter_new(m, "ndc_capture_changes_total", labels,
                                 "Changes of the source that were taken");
    f->snapshots = ndc_counter_new(m, "ndc_capture_snapshots_total", labels,
                                   "Snapshots of the source's table");
    f->losses = ndc_counter_new(m, "ndc_capture_losses_total", labels,
                                "Slots of the source that were lost");
}

static struct ndc_follower *new_follower(struct ndc_registry *reg,
                                         const struct ndc_capture_hooks *hooks,
                                         struct ndc_str id)
{
    struct ndc_follower *f = ndc_xcalloc(1, sizeof(*f));
    f->registry = reg;
    f->hooks = *hooks;
    snprintf(f->id, sizeof(f->id), "%.*s", NDC_STR_FMT(id));
    f->declared = ndc_registry_find(reg, id);
    ndc_mutex_init(&f->lock);
    ndc_cond_init(&f->changed);
    return f;
}

static void free_follower(struct ndc_follower *f)
{
    ndc_mutex_free(&f->lock);
    ndc_cond_free(&f->changed);
    free(f);
}

/* What was kept of it: whether it was stopped. */
static enum ndc_err read_kept(struct ndc_follower *f, struct ndc_fault *fault)
{
    enum ndc_err err = ndc_capture_row_read(f->registry, ndc_str(f->id), &f->row, fault);
    f->stopped = f->row.stopped;
    return err;
}

static void run_follower(void *arg)
{
    struct ndc_fault ignored = {0};
    if (ndc_follower_run(arg, &ignored)) {
        /* Only a command's ends so; the state says it. */
    }
}

static struct ndc_follower *find(struct ndc_capture *c, struct ndc_str id)
{
    for (size_t i = 0; i < c->count; i++)
        if (ndc_str_eq_c(id, c->followers[i]->id)) return c->followers[i];
    return NULL;
}

/* Starts the missing ones; c->lock is held. */
static void look(struct ndc_capture *c)
{
    for (uint32_t n = 1; n <= NDC_REGISTRY_SOURCES_MAX; n++) {
        struct ndc_registered *r = ndc_registry_by_number(c->registry, n);
        struct ndc_fault fault = {0};
        if (!r || !ndc_source_followed(r->source) || find(c, r->source->id)) continue;
        if (c->count == NDC_CAPTURE_SOURCES_MAX) return;
        struct ndc_follower *f = new_follower(c->registry, &c->hooks, r->source->id);
        if (read_kept(f, &fault)) { /* the database is away: the next look tries again */
            free_follower(f);
            continue;
        }
        make_metrics(f);
        c->followers[c->count++] = f;
        ndc_thread_start(&f->thread, "ndc-follow", run_follower, f);
        if (c->count == NDC_CAPTURE_SOURCES_MAX)
            ndc_log(NDC_LOG_WARN, "registry",
                    "%d sources are followed, the most there can be",
                    NDC_CAPTURE_SOURCES_MAX);
    }
}

static void run_manager(void *arg)
{
    struct ndc_capture *c = arg;
    ndc_mutex_lock(&c->lock);
    while (!c->quit) {
        look(c);
        if (ndc_cond_wait_ms(&c->changed, &c->lock, LOOK_EVERY_MS)) continue;
    }
    ndc_mutex_unlock(&c->lock);
}

struct ndc_capture *ndc_capture_start(struct ndc_registry *registry,
                                      const struct ndc_capture_hooks *hooks)
{
    struct ndc_capture *c = ndc_xcalloc(1, sizeof(*c));
    c->registry = registry;
    c->hooks = *hooks;
    ndc_mutex_init(&c->lock);
    ndc_cond_init(&c->changed);
    ndc_thread_start(&c->thread, "ndc-capture", run_manager, c);
    return c;
}

static void quit(struct ndc_follower *f)
{
    ndc_mutex_lock(&f->lock);
    f->quit = true;
    ndc_cond_broadcast(&f->changed);
    ndc_mutex_unlock(&f->lock);
}

void ndc_capture_stop(struct ndc_capture *c)
{
    if (!c) return;
    ndc_mutex_lock(&c->lock);
    c->quit = true;
    ndc_cond_broadcast(&c->changed);
    ndc_mutex_unlock(&c->lock);
    ndc_thread_join(&c->thread);
    for (size_t i = 0; i < c->count; i++)
        quit(c->followers[i]);
    for (size_t i = 0; i < c->count; i++) {
        ndc_thread_join(&c->followers[i]->thread);
        free_follower(c->followers[i]);
    }
    ndc_mutex_free(&c->lock);
    ndc_cond_free(&c->changed);
    free(c);
}

/* ---- from outside ---- */

bool ndc_capture_status(struct ndc_capture *c, struct ndc_str source,
                        struct ndc_capture_status *out)
{
    ndc_mutex_lock(&c->lock);
    struct ndc_follower *f = find(c, source);
    if (f) {
        ndc_mutex_lock(&f->lock);
        *out = f->status;
        ndc_mutex_unlock(&f->lock);
    }
    ndc_mutex_unlock(&c->lock);
    return f != NULL;
}

enum ndc_err ndc_capture_act(struct ndc_capture *c, struct ndc_str source,
                             enum ndc_capture_action action, struct ndc_fault *fault)
{
    const struct ndc_registered *r = ndc_registry_find(c->registry, source);
    bool stop = action == NDC_CAPTURE_STOP;
    if (r && ndc_source_followed(r->source) && action == NDC_CAPTURE_NEW_SNAPSHOT &&
        r->source->connector != NDC_CONNECT_POSTGRES)
        return ndc_fail(fault, NDC_ECONFLICT, "capture.no_table",
                        "source %.*s takes change files: it has no table of which there "
                        "could be a new snapshot",
                        NDC_STR_FMT(source));
    ndc_mutex_lock(&c->lock);
    look(c);
    struct ndc_follower *f = find(c, source);
    ndc_mutex_unlock(&c->lock);
    if (!f || !r || !ndc_source_followed(r->source))
        return ndc_fail(
            fault, NDC_ENOTFOUND, "capture.not_followed",
            "source %.*s is not followed: declare a connector of type postgres "
            "with a slot, or of type changes",
            NDC_STR_FMT(source));
    enum ndc_err err = ndc_capture_stopped_write(c->registry, source, stop, fault);
    if (err) return err;
    ndc_mutex_lock(&f->lock);
    f->stopped = stop;
    if (action == NDC_CAPTURE_NEW_SNAPSHOT) f->snapshot_wanted = true;
    f->poked = true;
    ndc_cond_broadcast(&f->changed);
    ndc_mutex_unlock(&f->lock);
    return NDC_OK;
}

enum ndc_err ndc_capture_follow(struct ndc_registry *registry, struct ndc_str source,
                                const struct ndc_capture_hooks *hooks,
                                const struct ndc_capture_run *run,
                                struct ndc_fault *fault)
{
    const struct ndc_registered *r = ndc_registry_find(registry, source);
    if (!r || !ndc_source_followed(r->source))
        return ndc_fail(
            fault, NDC_ENOTFOUND, r ? "capture.not_followed" : "registry.no_source",
            r ? "source \"%.*s\" is not followed: declare a connector of type "
                "postgres with a slot, or of type changes"
              : "no source \"%.*s\" is declared",
            NDC_STR_FMT(source));
    struct ndc_follower *f = new_follower(registry, hooks, r->source->id);
    enum ndc_err err = read_kept(f, fault);
    f->stopped = false; /* who runs the command wants it now */
    f->snapshot_wanted = run->snapshot;
    f->run = run;
    if (!err) err = ndc_follower_run(f, fault);
    if (!err && run->tell)
        run->tell(run->arg, &f->status); /* the thread is gone: no lock */
    free_follower(f);
    return err;
}

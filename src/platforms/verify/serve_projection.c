/* The projection in service: opened, followed, made anew. One thread does that at a time;
 * readers keep the projection they took, whatever comes after it. */
#include "platforms/verify/verify.h"

#include "sys/log.h"

enum { FOLLOW_CHANGES = 5000, FOLLOW_ROUNDS_MAX = 1000 };

static struct ndc_projection *current_ref(struct ndc_verify *v)
{
    ndc_mutex_lock(&v->lock);
    struct ndc_projection *p = v->current ? ndc_projection_ref(v->current) : NULL;
    ndc_mutex_unlock(&v->lock);
    return p;
}

/* Takes over the reference. */
static void publish(struct ndc_verify *v, struct ndc_projection *p)
{
    ndc_mutex_lock(&v->lock);
    struct ndc_projection *old = v->current;
    v->current = p;
    v->why[0] = 0;
    ndc_mutex_unlock(&v->lock);
    ndc_projection_unref(old);
}

static enum ndc_err no_people(struct ndc_fault *fault)
{
    return ndc_fail(
        fault, NDC_EBUSY, "verify.no_people",
        "the registry has integrated nobody yet; integrate its sources first");
}

/* ---- making ---- */

struct making {
    struct ndc_verify *verify;
    struct ndc_projection_build *build;
    const struct ndc_verify_progress *progress;
    uint64_t done, total;
    struct ndc_entry *entries; /* NDC_PEOPLE_IDS_MAX for each of a batch */
    unsigned *counts;
    size_t cap;
    const struct ndc_people_facts *facts;
};

static void make_entries(void *arg, size_t i)
{
    struct making *m = arg;
    m->counts[i] = ndc_entries_of(m->entries + i * NDC_PEOPLE_IDS_MAX, &m->verify->key,
                                  &m->facts[i]);
}

static enum ndc_err take_batch(void *arg, const struct ndc_people_facts *facts, size_t n,
                               struct ndc_fault *fault)
{
    struct making *m = arg;
    enum ndc_err err = NDC_OK;
    if (n > m->cap) {
        m->cap = n;
        m->entries =
            ndc_xrealloc(m->entries, n * NDC_PEOPLE_IDS_MAX * sizeof(*m->entries));
        m->counts = ndc_xrealloc(m->counts, n * sizeof(*m->counts));
    }
    m->facts = facts;
    ndc_parallel_for(m->verify->threads, n, make_entries, m);
    for (size_t i = 0; i < n && !err; i++)
        err = ndc_projection_build_add(m->build, m->entries + i * NDC_PEOPLE_IDS_MAX,
                                       m->counts[i], fault);
    m->done += n;
    const struct ndc_verify_progress *p = m->progress;
    if (p) p->tell(p->arg, "project", m->done, NDC_MAX(m->total, m->done), "people");
    if (!err && p && p->canceled(p->arg))
        err = ndc_fail(fault, NDC_ECANCELED, "job.canceled", "stopped on request");
    return err;
}

static enum ndc_err make_file(struct ndc_verify *v,
                              const struct ndc_verify_progress *progress,
                              struct ndc_fault *fault)
{
    void *ctx;
    const struct ndc_people_ops *people = ndc_people(&ctx);
    struct ndc_people_moment moment = {0};
    if (!people) return no_people(fault);
    struct making m = {.verify = v, .progress = progress};
    m.build = ndc_projection_build_new(v->dir);
    enum ndc_err err = people->scan(ctx, &moment, &m.total, take_batch, &m, fault);
    if (!err && moment.generation == 0 && m.done == 0) err = no_people(fault);
    if (!err)
        err =
            ndc_projection_build_end(m.build, &v->key, moment, m.done, v->threads, fault);
    ndc_projection_build_free(m.build);
    free(m.entries);
    free(m.counts);
    return err;
}

static enum ndc_err rebuild_locked(struct ndc_verify *v,
                                   const struct ndc_verify_progress *progress,
                                   struct ndc_fault *fault)
{
    struct ndc_projection *p;
    enum ndc_err err = make_file(v, progress, fault);
    if (!err) err = ndc_projection_open(&p, v->dir, &v->key, false, v->threads, fault);
    if (!err) publish(v, p);
    return err;
}

enum ndc_err ndc_verify_rebuild(struct ndc_verify *v,
                                const struct ndc_verify_progress *progress,
                                struct ndc_fault *fault)
{
    ndc_mutex_lock(&v->making);
    enum ndc_err err = rebuild_locked(v, progress, fault);
    ndc_mutex_unlock(&v->making);
    return err;
}

/* ---- following ---- */

struct following {
    struct ndc_verify *verify;
    uint64_t *entities;
    struct ndc_entry *entries;
    size_t entity_count, entity_cap, entry_count, entry_cap;
};

static enum ndc_err take_changed(void *arg, const struct ndc_people_facts *facts,
                                 size_t n, struct ndc_fault *fault)
{
    struct following *f = arg;
    (void)fault;
    for (size_t i = 0; i < n; i++) {
        if (f->entity_count == f->entity_cap) {
            f->entity_cap = f->entity_cap ? f->entity_cap * 2 : 256;
            f->entities = ndc_xrealloc(f->entities, f->entity_cap * sizeof(*f->entities));
        }
        if (f->entry_count + NDC_PEOPLE_IDS_MAX > f->entry_cap) {
            f->entry_cap = NDC_MAX(f->entry_cap * 2, (size_t)1024);
            f->entries = ndc_xrealloc(f->entries, f->entry_cap * sizeof(*f->entries));
        }
        f->entities[f->entity_count++] = facts[i].entity;
        f->entry_count +=
            ndc_entries_of(f->entries + f->entry_count, &f->verify->key, &facts[i]);
    }
    return NDC_OK;
}

/* One portion of changes; *more: there were as many as were asked for. */
static enum ndc_err follow_once(struct ndc_verify *v, const struct ndc_people_ops *people,
                                void *ctx, bool *anew, bool *more,
                                struct ndc_fault *fault)
{
    struct following f = {.verify = v};
    struct ndc_projection *p = current_ref(v);
    struct ndc_projection_info info;
    int64_t last = 0;
    ndc_projection_info(p, &info);
    enum ndc_err err = people->changes(ctx, info.moment.seq, FOLLOW_CHANGES, &last, anew,
                                       take_changed, &f, fault);
    *more = !err && !*anew && last > info.moment.seq;
    if (*more) {
        publish(v, ndc_projection_with(p, f.entities, f.entity_count, f.entries,
                                       f.entry_count, last));
        if (info.delta + f.entry_count > NDC_PROJECTION_DELTA_MAX) *anew = true;
    }
    ndc_projection_unref(p);
    free(f.entities);
    free(f.entries);
    return err;
}

/* A damaged or missing file is no error here: it is made anew. */
static enum ndc_err open_current(struct ndc_verify *v, bool *anew,
                                 struct ndc_fault *fault)
{
    struct ndc_projection *p = current_ref(v);
    struct ndc_fault why = {0};
    if (p) {
        ndc_projection_unref(p);
        return NDC_OK;
    }
    enum ndc_err err = ndc_projection_open(&p, v->dir, &v->key, true, v->threads, &why);
    if (!err) {
        publish(v, p);
        return NDC_OK;
    }
    if (err != NDC_ENOTFOUND && err != NDC_ECONFLICT) {
        if (fault) *fault = why;
        return err;
    }
    if (err == NDC_ECONFLICT) ndc_log(NDC_LOG_WARN, "verify", "%s", why.message);
    *anew = true;
    return NDC_OK;
}

static enum ndc_err follow_locked(struct ndc_verify *v, bool *anew,
                                  struct ndc_fault *fault)
{
    void *ctx;
    const struct ndc_people_ops *people = ndc_people(&ctx);
    struct ndc_people_moment now;
    struct ndc_projection_info info;
    bool more = true;
    *anew = false;
    if (!people) return no_people(fault);
    enum ndc_err err = open_current(v, anew, fault);
    if (err || *anew) return err;
    err = people->moment(ctx, &now, fault);
    if (err) return err;
    struct ndc_projection *p = current_ref(v);
    ndc_projection_info(p, &info);
    ndc_projection_unref(p);
    *anew = now.generation != info.moment.generation || now.seq < info.moment.seq;
    more = now.seq > info.moment.seq;
    for (int i = 0; i < FOLLOW_ROUNDS_MAX && more && !*anew && !err; i++)
        err = follow_once(v, people, ctx, anew, &more, fault);
    return err;
}

enum ndc_err ndc_verify_follow(struct ndc_verify *v, bool *anew, struct ndc_fault *fault)
{
    ndc_mutex_lock(&v->making);
    enum ndc_err err = follow_locked(v, anew, fault);
    ndc_mutex_unlock(&v->making);
    return err;
}

enum ndc_err ndc_verify_take(struct ndc_verify *v, struct ndc_projection **out,
                             const struct ndc_verify_progress *progress,
                             struct ndc_fault *fault)
{
    bool anew;
    *out = NULL;
    ndc_mutex_lock(&v->making);
    enum ndc_err err = follow_locked(v, &anew, fault);
    if (!err && anew) err = rebuild_locked(v, progress, fault);
    if (!err && anew) err = follow_locked(v, &anew, fault);
    if (!err) *out = current_ref(v);
    ndc_mutex_unlock(&v->making);
    return err;
}

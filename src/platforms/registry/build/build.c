/* A build from stages to a served generation, and an integration: loads, then a build. */
#include "platforms/registry/build/build.h"

#include "platforms/registry/live/live.h"
#include "sys/clock.h"

/* Of index entries, before they go to a scratch file. */
static const size_t index_memory_bytes = (size_t)256 << 20;

static double seconds_since(int64_t start_ns)
{
    return (double)(ndc_clock_mono_ns() - start_ns) * 1e-9;
}

static enum ndc_err build_all(struct ndc_registry *reg,
                              const struct ndc_progress *progress,
                              struct ndc_build_stats *stats, struct ndc_fault *fault)
{
    struct build *b = ndc_xcalloc(1, sizeof(*b));
    *stats = (struct ndc_build_stats){0};
    b->registry = reg;
    b->progress = progress;
    b->stats = stats;
    b->now_ms = ndc_clock_wall_ms();
    b->index = ndc_index_sorter_new(reg->stage_dir, index_memory_bytes);
    b->provinces = ndc_xcalloc(PROVINCE_CODES, sizeof(*b->provinces));
    int64_t start = ndc_clock_mono_ns();
    enum ndc_err err = ndc_build_open_stages(b, fault);
    stats->seconds_stage = seconds_since(start);
    start = ndc_clock_mono_ns();
    for (int t = 0; t < NDC_ENTITY_COUNT && !err; t++) {
        b->links[t].type = (enum ndc_entity)t;
        if (b->links[t].source_count) err = ndc_build_link(b, &b->links[t], fault);
    }
    if (!err) err = ndc_build_number(b, fault);
    stats->seconds_link = seconds_since(start);
    start = ndc_clock_mono_ns();
    if (!err) err = ndc_build_write(b, fault);
    stats->seconds_entities = seconds_since(start);
    stats->people = b->links[NDC_ENTITY_PERSON].entities;
    stats->organisations = b->links[NDC_ENTITY_ORGANISATION].entities;
    for (int t = 0; t < NDC_ENTITY_COUNT; t++)
        ndc_build_link_free(&b->links[t]);
    ndc_index_sorter_free(b->index);
    free(b->redirects);
    free(b->provinces);
    free(b);
    return err;
}

enum ndc_err ndc_registry_build(struct ndc_registry *reg,
                                const struct ndc_progress *progress,
                                struct ndc_build_stats *stats, struct ndc_fault *fault)
{
    *stats = (struct ndc_build_stats){0};
    enum ndc_err err = ndc_live_pause(reg->live, fault);
    if (err) return err;
    err = build_all(reg, progress, stats, fault);
    ndc_live_resume(reg->live, !err);
    return err;
}

struct loads {
    struct ndc_registry *registry;
    const int64_t *runs;
    const struct ndc_progress *progress;
    struct ndc_mutex lock; /* guards what follows */
    size_t done, total;
    enum ndc_err canceled;
    struct ndc_fault fault;
};

static void load_one(void *arg, size_t i)
{
    struct loads *l = arg;
    struct ndc_load_result result;
    struct ndc_fault fault = {0};
    enum ndc_err err =
        ndc_registry_load(l->registry, l->runs[i], l->progress, &result, &fault);
    ndc_mutex_lock(&l->lock);
    l->done++;
    /* A failing source keeps its last state; only a stop or the database ends all. */
    if ((err == NDC_ECANCELED || err == NDC_EDB) && !l->canceled) {
        l->canceled = err;
        l->fault = fault;
    }
    if (l->progress && l->progress->tell)
        l->progress->tell(l->progress->arg, "load", l->done, l->total, "sources");
    ndc_mutex_unlock(&l->lock);
}

/* The largest file first: the last to end is then a small one. */
static int64_t *largest_first(struct ndc_registry *reg, const int64_t *runs, size_t n)
{
    struct ndc_key64 *order = ndc_xmalloc((2 * n + 1) * sizeof(*order));
    int64_t *out = ndc_xmalloc((n + 1) * sizeof(*out));
    for (size_t i = 0; i < n; i++)
        order[i] =
            (struct ndc_key64){UINT64_MAX - ndc_registry_run_bytes(reg, runs[i]), i};
    ndc_sort_key64(order, order + n, n);
    for (size_t i = 0; i < n; i++)
        out[i] = runs[order[i].value];
    free(order);
    return out;
}

/* Whether all the runs are of things, which are stored by their loads. */
static enum ndc_err only_things(struct ndc_registry *reg, const int64_t *runs, size_t n,
                                bool *only, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    NDC_TRY(ndc_store_take(reg->store, NDC_READ, &conn, fault));
    enum ndc_err err = NDC_OK;
    *only = n > 0;
    for (size_t i = 0; i < n && *only && !err; i++) {
        struct ndc_rows *rows =
            ndc_sql_query(conn, "SELECT source FROM registry_run WHERE run = $1",
                          NDC_ARGS(ndc_int(runs[i])));
        const struct ndc_registered *r =
            ndc_rows_next(rows) ? ndc_registry_find(reg, ndc_rows_text(rows, 0)) : NULL;
        *only = r && r->source->thing;
        err = ndc_rows_end(rows, fault);
    }
    ndc_store_give(conn);
    return err;
}

enum ndc_err ndc_registry_integrate(struct ndc_registry *reg, const int64_t *runs,
                                    size_t n, const struct ndc_progress *progress,
                                    struct ndc_build_stats *stats,
                                    struct ndc_fault *fault)
{
    int64_t *order = largest_first(reg, runs, n);
    struct loads l = {.registry = reg, .runs = order, .progress = progress, .total = n};
    ndc_mutex_init(&l.lock);
    ndc_parallel_for(reg->threads, n, load_one, &l);
    ndc_mutex_free(&l.lock);
    free(order);
    if (l.canceled) {
        if (fault) *fault = l.fault;
        return l.canceled;
    }
    bool only;
    enum ndc_err err = only_things(reg, runs, n, &only, fault);
    *stats = (struct ndc_build_stats){0};
    if (err || only) return err;
    return ndc_registry_build(reg, progress, stats, fault);
}

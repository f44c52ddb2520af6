/* A build from stages to a served generation, and an integration: loads, then a build. */
#include "platforms/registry/build/build.h"

#include "platforms/registry/build/whole.h"
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

/* Records that stand in the stages of sources, but for those of the runs that are loaded
 * now; and the bytes of these runs' files. */
static enum ndc_err count_work(struct ndc_registry *reg, const int64_t *runs, size_t n,
                               uint64_t *bytes, uint64_t *records,
                               struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    int64_t all = 0;
    enum ndc_err err = ndc_store_take(reg->store, NDC_READ, &conn, fault);
    if (err) return err;
    err = ndc_sql_i64(conn, &all, "SELECT coalesce(sum(records), 0) FROM registry_source",
                      NDC_NO_ARGS, fault);
    for (size_t i = 0; i < n && !err; i++) {
        int64_t mine = 0;
        err =
            ndc_sql_i64(conn, &mine,
                        "SELECT coalesce(sum(s.records), 0) FROM registry_source s JOIN "
                        "registry_run r ON r.source = s.source WHERE r.run = $1 AND "
                        "r.state NOT IN ('loaded', 'succeeded')",
                        NDC_ARGS(ndc_int(runs[i])), fault);
        all -= NDC_MIN(mine, all);
    }
    ndc_store_give(conn);
    *bytes = 0;
    *records = (uint64_t)all;
    for (size_t i = 0; i < n; i++)
        *bytes += ndc_registry_run_bytes(reg, runs[i]);
    return err;
}

/* A build while live changes wait. */
static enum ndc_err build_paused(struct ndc_registry *reg,
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

enum ndc_err ndc_registry_build(struct ndc_registry *reg,
                                const struct ndc_progress *progress,
                                struct ndc_build_stats *stats, struct ndc_fault *fault)
{
    struct ndc_whole whole;
    uint64_t bytes, records;
    enum ndc_err err = count_work(reg, NULL, 0, &bytes, &records, fault);
    if (err) return err;
    ndc_whole_init(&whole, progress, 0, records);
    err = build_paused(reg, &whole.progress, stats, fault);
    ndc_whole_free(&whole);
    return err;
}

struct loads {
    struct ndc_registry *registry;
    const int64_t *runs;
    const struct ndc_progress *progress;
    uint64_t *bytes;       /* of each run's file */
    uint64_t total;        /* of all */
    struct ndc_mutex lock; /* guards what follows */
    uint64_t *read;        /* of each run's file so far */
    uint64_t done;
    enum ndc_err canceled;
    struct ndc_fault fault;
};

/* One run's progress among all. */
struct load_part {
    struct loads *loads;
    size_t index;
};

static void tell_read(struct loads *l, size_t i, uint64_t read)
{
    ndc_mutex_lock(&l->lock);
    read = NDC_MIN(read, l->bytes[i]);
    l->done += read - NDC_MIN(read, l->read[i]);
    l->read[i] = NDC_MAX(l->read[i], read);
    l->progress->tell(l->progress->arg, "load", l->done, l->total, "bytes");
    ndc_mutex_unlock(&l->lock);
}

static void tell_part(void *arg, const char *phase, uint64_t done, uint64_t total,
                      const char *unit)
{
    const struct load_part *p = arg;
    uint64_t bytes = p->loads->bytes[p->index];
    (void)phase, (void)unit;
    /* a database's connector counts rows, not bytes */
    tell_read(p->loads, p->index,
              total ? (uint64_t)((double)bytes * (double)done / (double)total) : done);
}

static bool part_canceled(void *arg)
{
    const struct load_part *p = arg;
    return p->loads->progress->canceled(p->loads->progress->arg);
}

static void load_one(void *arg, size_t i)
{
    struct loads *l = arg;
    struct ndc_load_result result;
    struct ndc_fault fault = {0};
    struct load_part part = {l, i};
    const struct ndc_progress progress = {
        .arg = &part, .tell = tell_part, .canceled = part_canceled};
    enum ndc_err err =
        ndc_registry_load(l->registry, l->runs[i], &progress, &result, &fault);
    tell_read(l, i, l->bytes[i]);
    ndc_mutex_lock(&l->lock);
    /* A failing source keeps its last state; only a stop or the database ends all. */
    if ((err == NDC_ECANCELED || err == NDC_EDB) && !l->canceled) {
        l->canceled = err;
        l->fault = fault;
    }
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

static enum ndc_err load_all(struct ndc_registry *reg, const int64_t *runs, size_t n,
                             const struct ndc_progress *progress, uint64_t bytes,
                             struct ndc_fault *fault)
{
    int64_t *order = largest_first(reg, runs, n);
    struct loads l = {.registry = reg,
                      .runs = order,
                      .progress = progress,
                      .bytes = ndc_xcalloc(n + 1, sizeof(*l.bytes)),
                      .total = bytes,
                      .read = ndc_xcalloc(n + 1, sizeof(*l.read))};
    for (size_t i = 0; i < n; i++)
        l.bytes[i] = ndc_registry_run_bytes(reg, order[i]);
    ndc_mutex_init(&l.lock);
    ndc_parallel_for(reg->threads, n, load_one, &l);
    ndc_mutex_free(&l.lock);
    free(l.bytes);
    free(l.read);
    free(order);
    if (l.canceled && fault) *fault = l.fault;
    return l.canceled;
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
    struct ndc_whole whole;
    uint64_t bytes, records;
    enum ndc_err err = count_work(reg, runs, n, &bytes, &records, fault);
    if (err) return err;
    ndc_whole_init(&whole, progress, bytes, records);
    err = load_all(reg, runs, n, &whole.progress, bytes, fault);
    bool only = false;
    *stats = (struct ndc_build_stats){0};
    if (!err) err = only_things(reg, runs, n, &only, fault);
    if (!err && !only) err = build_paused(reg, &whole.progress, stats, fault);
    ndc_whole_free(&whole);
    return err;
}

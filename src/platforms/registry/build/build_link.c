/* Linking the stages of one kind of entity. */
#include "platforms/registry/build/build.h"

#include "platforms/registry/link/external.h"
#include "platforms/registry/link/match.h"
#include "platforms/registry/load/restore.h"
#include "sys/file.h"
#include "sys/log.h"

struct opening {
    struct build_source *source;
    struct ndc_stage *stage;
    int64_t run;
    bool stale; /* changes came live since it was written */
    const char *path;
    enum ndc_err err;
    struct ndc_fault fault;
};

static void open_one(void *arg, size_t i)
{
    struct opening *o = (struct opening *)arg + i;
    if (o->stale)
        o->err = ndc_fail(&o->fault, NDC_EIO, "stage.stale",
                          "%s is older than the changes that came since", o->path);
    else
        o->err = ndc_stage_open(o->stage, o->path, &o->fault);
}

/* Opens all at once; one that is damaged or gone is made anew where that can be. */
static enum ndc_err open_all(struct ndc_registry *reg, struct opening *list, size_t n,
                             struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    ndc_parallel_for(reg->threads, n, open_one, list);
    for (size_t i = 0; i < n && !err; i++) {
        struct opening *o = &list[i];
        if (!o->err) continue;
        ndc_log(o->stale ? NDC_LOG_INFO : NDC_LOG_WARN, "registry", "%s",
                o->fault.message);
        err = ndc_registry_restore_stage(reg, o->source->source, o->run, o->path, fault);
        if (!err) err = ndc_stage_open(o->stage, o->path, fault);
    }
    return err;
}

static struct build_source *add_source(struct build *b, uint32_t number)
{
    struct ndc_registered *source = ndc_registry_by_number(b->registry, number);
    NDC_ASSERT(source);
    struct build_link *l = &b->links[source->source->entity];
    if (!l->sources)
        l->sources = ndc_xcalloc(NDC_REGISTRY_SOURCES_MAX, sizeof(*l->sources));
    NDC_ASSERT(l->source_count < NDC_REGISTRY_SOURCES_MAX);
    struct build_source *s = &l->sources[l->source_count++];
    s->source = source;
    return s;
}

/* Things take no part in linking. */
static bool is_thing(const struct build *b, uint32_t number)
{
    const struct ndc_registered *r = ndc_registry_by_number(b->registry, number);
    return r && r->source->thing;
}

enum ndc_err ndc_build_open_stages(struct build *b, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    struct ndc_arena paths;
    struct opening *list = NULL;
    size_t n = 0;
    enum ndc_err err = ndc_store_take(b->registry->store, NDC_READ, &conn, fault);
    if (err) return err;
    ndc_arena_init(&paths, 4 << 20);
    ndc_mutex_lock(&b->registry->stage_lock);
    struct ndc_rows *rows =
        ndc_sql_query(conn,
                      "SELECT number, stage_run, live_seq FROM registry_source "
                      "WHERE stage_run > 0 ORDER BY source",
                      NDC_NO_ARGS);
    while (ndc_rows_next(rows)) {
        uint32_t number = (uint32_t)ndc_rows_i64(rows, 0);
        if (is_thing(b, number)) continue;
        struct build_source *s = add_source(b, number);
        int64_t run = ndc_rows_i64(rows, 1);
        list = ndc_xrealloc(list, (n + 1) * sizeof(*list));
        list[n++] =
            (struct opening){.source = s,
                             .stage = &s->stage,
                             .run = run,
                             .stale = ndc_rows_i64(rows, 2) > 0,
                             .path = ndc_registry_stage_path(b->registry, &paths,
                                                             s->source->source->id, run)};
    }
    err = ndc_rows_end(rows, fault);
    if (!err) err = open_all(b->registry, list, n, fault);
    for (size_t i = 0; i < n && !err; i++)
        b->stats->records += list[i].stage->count;
    ndc_mutex_unlock(&b->registry->stage_lock);
    ndc_store_give(conn);
    ndc_arena_free(&paths);
    free(list);
    return err;
}

static void tell(void *ctx, const char *stage, double part)
{
    struct build *b = ctx;
    (void)stage;
    if (b->progress && b->progress->tell)
        b->progress->tell(b->progress->arg, "link", (uint64_t)(part * 1000), 1000, "‰");
}

static bool canceled(void *ctx)
{
    struct build *b = ctx;
    return b->progress && b->progress->canceled &&
           b->progress->canceled(b->progress->arg);
}

/* In memory where that is enough; else as much of it as the registry may take. */
static enum ndc_err link_rows(struct build *b, struct build_link *l,
                              struct ndc_fault *fault)
{
    const struct ndc_link_reader reader = {.ctx = l,
                                           .read = ndc_build_read_rows,
                                           .scratch_dir = b->registry->stage_dir,
                                           .memory_bytes = b->registry->link_bytes};
    if (ndc_link_external_fits(l->spec) &&
        ndc_link_memory_needed(l->rows) > b->registry->link_bytes)
        return ndc_link_run_external(l->link, &reader, fault);
    enum ndc_err err = ndc_build_feed_rows(l, b->registry->threads, fault);
    return err ? err : ndc_link_run(l->link, fault);
}

/* Groups rows by entity (a counting sort: rows stay ascending within an entity). */
static void group_rows(struct build_link *l)
{
    l->rows = ndc_link_row_count(l->link);
    /* The engine numbers rows by source name, then record: so are the sources sorted. */
    for (unsigned i = 0; i < l->source_count; i++) {
        unsigned source;
        uint64_t record;
        if (l->sources[i].stage.count == 0) continue;
        ndc_link_row(l->link, l->sources[i].first_row, &source, &record);
        NDC_ASSERT(source == l->sources[i].link_source && record == 0);
    }
    l->entities = ndc_link_entity_count(l->link);
    l->starts = ndc_xcalloc((size_t)l->entities + 2, sizeof(*l->starts));
    l->members = ndc_xmalloc(((size_t)l->rows + 1) * sizeof(*l->members));
    for (uint32_t r = 0; r < l->rows; r++)
        l->starts[ndc_link_entity(l->link, r) + 2]++;
    for (uint32_t e = 1; e <= l->entities; e++)
        l->starts[e + 1] += l->starts[e];
    for (uint32_t r = 0; r < l->rows; r++)
        l->members[l->starts[ndc_link_entity(l->link, r) + 1]++] = r;
    for (uint32_t e = 0; e < l->entities; e++)
        ndc_link_settle(l->link, l->members + l->starts[e],
                        l->starts[e + 1] - l->starts[e]);
}

static void group_edges(struct build_link *l)
{
    size_t n;
    const struct ndc_link_edge *edges = ndc_link_edges(l->link, &n);
    l->edge_starts = ndc_xcalloc((size_t)l->entities + 2, sizeof(*l->edge_starts));
    l->edge_members = ndc_xmalloc((n + 1) * sizeof(*l->edge_members));
    for (size_t i = 0; i < n; i++)
        if (edges[i].joined) l->edge_starts[ndc_link_entity(l->link, edges[i].a) + 2]++;
    for (uint32_t e = 1; e <= l->entities; e++)
        l->edge_starts[e + 1] += l->edge_starts[e];
    for (size_t i = 0; i < n; i++)
        if (edges[i].joined)
            l->edge_members[l->edge_starts[ndc_link_entity(l->link, edges[i].a) + 1]++] =
                (uint32_t)i;
}

/* The model that earlier builds linked with links again, so that the same records become
 * the same entities whether they came at once or one by one. One is learned anew when
 * there is none that fits: at first, when a spec has changed, when there are twice as
 * many records as it was learned from. */
static enum ndc_err take_model(struct build *b, struct build_link *l,
                               struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    uint64_t rows = 0;
    for (unsigned s = 0; s < l->source_count; s++)
        rows += l->sources[s].stage.count;
    enum ndc_err err = ndc_store_take(b->registry->store, NDC_READ, &conn, fault);
    if (err) return err;
    struct ndc_rows *found =
        ndc_sql_query(conn, "SELECT model FROM registry_model WHERE type = $1",
                      NDC_ARGS(ndc_int(l->type)));
    if (ndc_rows_next(found)) {
        struct ndc_fault other = {0};
        if (ndc_link_model_read(&l->model, l->spec, ndc_rows_text(found, 0), &other))
            ndc_log(NDC_LOG_INFO, "registry", "linking learns anew: %s", other.message);
    }
    err = ndc_rows_end(found, fault);
    ndc_store_give(conn);
    if (l->model && !ndc_link_model_fits(l->model, rows)) {
        ndc_link_model_free(l->model);
        l->model = NULL;
    }
    if (l->model) ndc_link_use_model(l->link, l->model);
    return err;
}

enum ndc_err ndc_build_link(struct build *b, struct build_link *l,
                            struct ndc_fault *fault)
{
    struct ndc_link_options options = {.threads = b->registry->threads,
                                       .progress = tell,
                                       .canceled = canceled,
                                       .ctx = b};
    enum ndc_err err = ndc_registry_link_spec(&l->spec, b->registry, l->type, fault);
    if (err) return err;
    l->link = ndc_link_new(l->spec, &options);
    err = take_model(b, l, fault);
    if (!err) err = ndc_build_declare_rows(l, fault);
    if (!err) err = ndc_build_apply_decisions(b, l, fault);
    if (!err) err = link_rows(b, l, fault);
    if (err) return err;
    ndc_link_drop_rows(l->link);
    group_rows(l);
    group_edges(l);
    struct ndc_link_stats stats;
    ndc_link_get_stats(l->link, &stats);
    b->stats->pairs += stats.pairs_compared;
    b->stats->edges += stats.edges;
    b->stats->largest = NDC_MAX(b->stats->largest, stats.largest_entity);
    return NDC_OK;
}

struct build_source *ndc_build_row(struct build_link *l, uint32_t row, uint32_t *record)
{
    unsigned low = 0, high = l->source_count;
    while (high - low > 1) {
        unsigned middle = (low + high) / 2;
        if (l->sources[middle].first_row <= row)
            low = middle;
        else
            high = middle;
    }
    *record = row - l->sources[low].first_row;
    return &l->sources[low];
}

enum ndc_err ndc_build_damaged(const struct build_source *s, struct ndc_fault *fault)
{
    return ndc_fail(fault, NDC_EIO, "stage.damaged",
                    "the stage of %.*s is damaged; load it again",
                    NDC_STR_FMT(s->source->source->id));
}

struct ndc_stage_cursor *ndc_build_cursors(const struct build_link *l)
{
    struct ndc_stage_cursor *stages = ndc_xcalloc(l->source_count + 1, sizeof(*stages));
    for (unsigned i = 0; i < l->source_count; i++)
        ndc_stage_cursor_init(&stages[i], &l->sources[i].stage, NDC_STAGE_WINDOWS_MAX);
    return stages;
}

void ndc_build_cursors_free(const struct build_link *l, struct ndc_stage_cursor *stages)
{
    for (unsigned i = 0; i < l->source_count; i++)
        ndc_stage_cursor_free(&stages[i]);
    free(stages);
}

void ndc_build_link_free(struct build_link *l)
{
    for (unsigned i = 0; i < l->source_count; i++)
        ndc_stage_close(&l->sources[i].stage);
    free(l->sources);
    free(l->starts);
    free(l->members);
    free(l->edge_starts);
    free(l->edge_members);
    free(l->numbers);
    ndc_link_free(l->link);
    ndc_link_model_free(l->model);
    ndc_link_spec_free(l->spec);
    *l = (struct build_link){0};
}

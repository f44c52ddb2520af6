/* Payloads of all entities, in the order of their numbers: chunks are built by a few
 * threads into a ring and taken from it in order by the caller's thread, which writes. */
#include "platforms/registry/build/build.h"
#include "platforms/registry/normalise/units.h"

#include <math.h>

enum {
    CHUNK_ENTITIES = 512,
    RING = 8,
    BUILDERS_MAX = 8,
    DECODE_BYTES = 64 << 20,
    CHUNK_BYTES_MAX = 512 << 20
};

struct chunk {
    bool done;
    struct ndc_buf payloads;
    size_t ends[CHUNK_ENTITIES];
};

struct building {
    struct build *build;
    struct ndc_key64 *order; /* key: number; value: kind << 32 | entity */
    size_t entities, chunks;
    struct ndc_survivorship how;
    unsigned address_field, current_field, complete_fields[4];

    struct ndc_mutex lock; /* guards what follows */
    struct ndc_cond changed;
    size_t next, released; /* chunk to build next; chunks taken by the writer */
    bool stop;
    struct ndc_fault fault;
    struct chunk ring[RING];
};

/* One thread's tools. */
struct builder {
    struct building *shared;
    struct ndc_arena arena;
    struct ndc_golden golden[NDC_FIELDS_MAX];
    struct ndc_index_keys keys;
    struct ndc_index_feed *index;
    struct province_stats *provinces;
    struct ndc_stage_cursor *stages[NDC_ENTITY_COUNT]; /* by source of the link */
};

static struct build_link *link_of(struct building *s, size_t i, uint32_t *entity)
{
    *entity = (uint32_t)s->order[i].value;
    return &s->build->links[s->order[i].value >> 32];
}

static uint16_t local_index(const struct build_link *l, uint32_t entity, uint32_t row)
{
    uint32_t low = l->starts[entity], high = l->starts[entity + 1];
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (ndc_link_before(l->link, l->members[middle], row))
            low = middle + 1;
        else
            high = middle;
    }
    return (uint16_t)NDC_MIN(low - l->starts[entity], (uint32_t)UINT16_MAX);
}

static void collect_edges(struct builder *w, struct build_link *l, uint32_t entity,
                          struct ndc_entity_view *v)
{
    size_t all;
    const struct ndc_link_edge *edges = ndc_link_edges(l->link, &all);
    uint32_t from = l->edge_starts[entity], to = l->edge_starts[entity + 1];
    uint32_t n = NDC_MIN(to - from, (uint32_t)NDC_ENTITY_EDGES_MAX);
    v->edges = NDC_ARENA_ARRAY(&w->arena, struct ndc_entity_edge, n);
    for (uint32_t i = 0; i < n; i++) {
        const struct ndc_link_edge *e = &edges[l->edge_members[from + i]];
        uint16_t a = local_index(l, entity, e->a), b = local_index(l, entity, e->b);
        if (a >= v->record_count || b >= v->record_count) continue;
        double p = 1 / (1 + exp(-(double)e->log_odds));
        v->edges[v->edge_count++] = (struct ndc_entity_edge){
            a, b, e->kind, (uint8_t)(e->kind == NDC_LINK_EDGE_MODEL ? p * 255 : 255)};
    }
}

static void count_criterion(struct province_stats *p, enum ndc_criterion c,
                            uint64_t checked, uint64_t failed)
{
    p->checked[c] += checked;
    p->failed[c] += failed;
}

static void count_province(struct builder *w, const struct ndc_entity_view *v)
{
    const struct ndc_golden *home = ndc_entity_golden(v, w->shared->address_field);
    if (!home || !home->value->place)
        home = ndc_entity_golden(v, w->shared->current_field);
    unsigned province = home ? home->value->place / 100000 : 0;
    struct province_stats *p = &w->provinces[province < PROVINCE_CODES ? province : 0];
    uint32_t last = 0;
    p->people++;
    p->records += v->record_count;
    for (unsigned i = 0; i < v->record_count; i++) {
        const struct ndc_record *r = &v->records[i];
        if (r->source != last) p->by_source[r->source]++;
        last = r->source;
        count_criterion(p, NDC_LIVE, 1, r->flags & NDC_RECORD_ENDED ? 1 : 0);
        for (unsigned k = 0; k < r->count; k++) {
            uint8_t flags = r->fields[k].flags;
            if (r->fields[k].field == NDC_RECORD_UNMAPPED) continue;
            count_criterion(p, NDC_CORRECT, 1, flags & NDC_RECORD_INVALID ? 1 : 0);
            count_criterion(p, NDC_CLEAN, 1,
                            flags & (NDC_RECORD_REPAIRED | NDC_RECORD_TONELESS) ? 1 : 0);
        }
    }
    for (size_t i = 0; i < NDC_ARRAY_LEN(w->shared->complete_fields); i++)
        count_criterion(p, NDC_COMPLETE, 1,
                        !ndc_entity_golden(v, w->shared->complete_fields[i]));
}

static enum ndc_err build_one(struct builder *w, size_t i, struct chunk *chunk,
                              struct ndc_fault *fault)
{
    struct building *s = w->shared;
    uint32_t entity;
    struct build_link *l = link_of(s, i, &entity);
    struct ndc_entity_view v = {.type = l->type};
    uint32_t n = l->starts[entity + 1] - l->starts[entity];
    v.record_count = NDC_MIN(n, (uint32_t)NDC_ENTITY_RECORDS_MAX);
    ndc_arena_reset(&w->arena);
    v.records = NDC_ARENA_ARRAY(&w->arena, struct ndc_record, v.record_count);
    for (unsigned k = 0; k < v.record_count; k++) {
        uint32_t at;
        struct build_source *source =
            ndc_build_row(l, l->members[l->starts[entity] + k], &at);
        /* Copied: the next record's block may take the place of this one's. */
        struct ndc_str bytes = ndc_arena_str(
            &w->arena, ndc_stage_read(&w->stages[l->type][source - l->sources], at));
        if (!ndc_record_decode(&v.records[k], &w->arena, &bytes))
            return ndc_build_damaged(source, fault);
    }
    collect_edges(w, l, entity, &v);
    v.golden = w->golden;
    v.golden_count = ndc_golden_choose(w->golden, v.records, v.record_count, &s->how);
    ndc_entity_encode(&chunk->payloads, &v);
    if (chunk->payloads.failed || w->arena.overflow)
        return ndc_fail(fault, NDC_ETOOBIG, "registry.entity_too_big",
                        "an entity of %u records is too large", n);
    ndc_index_entity(&w->keys, w->index, s->order[i].key, &v);
    if (l->type == NDC_ENTITY_PERSON) count_province(w, &v);
    return NDC_OK;
}

static void build_chunk(struct builder *w, size_t number, struct ndc_fault *fault)
{
    struct building *s = w->shared;
    struct chunk *chunk = &s->ring[number % RING];
    size_t from = number * CHUNK_ENTITIES;
    size_t to = NDC_MIN(from + CHUNK_ENTITIES, s->entities);
    ndc_buf_reset(&chunk->payloads);
    for (size_t i = from; i < to; i++) {
        if (build_one(w, i, chunk, fault)) return;
        chunk->ends[i - from] = chunk->payloads.len;
    }
}

static void run_builder(void *arg)
{
    struct builder *w = arg;
    struct building *s = w->shared;
    ndc_mutex_lock(&s->lock);
    for (;;) {
        while (!s->stop && s->next < s->chunks && s->next >= s->released + RING)
            ndc_cond_wait(&s->changed, &s->lock);
        if (s->stop || s->next >= s->chunks) break;
        size_t number = s->next++;
        struct ndc_fault fault = {0};
        ndc_mutex_unlock(&s->lock);
        build_chunk(w, number, &fault);
        ndc_mutex_lock(&s->lock);
        if (fault.err) {
            if (!s->fault.err) s->fault = fault;
            s->stop = true;
        }
        s->ring[number % RING].done = true;
        ndc_cond_broadcast(&s->changed);
    }
    ndc_mutex_unlock(&s->lock);
}

static enum ndc_err take_chunk(struct building *s, size_t number,
                               enum ndc_err (*take)(void *arg,
                                                    const struct built_entity *entity,
                                                    struct ndc_fault *fault),
                               void *arg, struct ndc_fault *fault)
{
    struct chunk *chunk = &s->ring[number % RING];
    size_t from = number * CHUNK_ENTITIES, start = 0;
    size_t to = NDC_MIN(from + CHUNK_ENTITIES, s->entities);
    enum ndc_err err = NDC_OK;
    for (size_t i = from; i < to && !err; i++) {
        size_t end = chunk->ends[i - from];
        struct built_entity e = {.number = s->order[i].key,
                                 .type = (enum ndc_entity)(s->order[i].value >> 32),
                                 .payload =
                                     ndc_str_n(chunk->payloads.ptr + start, end - start)};
        start = end;
        s->build->stats->payload_bytes += e.payload.len;
        err = take(arg, &e, fault);
    }
    return err;
}

static enum ndc_err consume(struct building *s,
                            enum ndc_err (*take)(void *arg,
                                                 const struct built_entity *entity,
                                                 struct ndc_fault *fault),
                            void *arg, struct ndc_fault *fault)
{
    const struct ndc_progress *p = s->build->progress;
    enum ndc_err err = NDC_OK;
    for (size_t number = 0; number < s->chunks && !err; number++) {
        ndc_mutex_lock(&s->lock);
        while (!s->stop && !s->ring[number % RING].done)
            ndc_cond_wait(&s->changed, &s->lock);
        bool stopped = s->stop;
        ndc_mutex_unlock(&s->lock);
        if (stopped) break;
        err = take_chunk(s, number, take, arg, fault);
        if (!err && p && p->canceled && p->canceled(p->arg))
            err = ndc_fail(fault, NDC_ECANCELED, "job.canceled", "canceled");
        if (p && p->tell)
            p->tell(p->arg, "entities",
                    NDC_MIN((number + 1) * CHUNK_ENTITIES, s->entities), s->entities,
                    "entities");
        ndc_mutex_lock(&s->lock);
        s->ring[number % RING].done = false;
        s->released++;
        if (err) s->stop = true;
        ndc_cond_broadcast(&s->changed);
        ndc_mutex_unlock(&s->lock);
    }
    return err;
}

static void order_entities(struct building *s)
{
    struct build *b = s->build;
    for (int t = 0; t < NDC_ENTITY_COUNT; t++)
        s->entities += b->links[t].entities;
    s->order = ndc_xmalloc((s->entities + 1) * sizeof(*s->order));
    size_t n = 0;
    for (int t = 0; t < NDC_ENTITY_COUNT; t++)
        for (uint32_t e = 0; e < b->links[t].entities; e++)
            s->order[n++] =
                (struct ndc_key64){b->links[t].numbers[e], (uint64_t)t << 32 | e};
    ndc_sort_key64_own(s->order, n);
    s->chunks = (s->entities + CHUNK_ENTITIES - 1) / CHUNK_ENTITIES;
}

static void add_provinces(struct province_stats *to, const struct province_stats *from)
{
    /* A struct of nothing but counters. */
    uint64_t *t = (uint64_t *)to;
    const uint64_t *f = (const uint64_t *)from;
    for (size_t i = 0; i < PROVINCE_CODES * sizeof(*to) / sizeof(uint64_t); i++)
        t[i] += f[i];
}

static void builder_init(struct builder *w, struct building *s)
{
    w->shared = s;
    ndc_arena_init(&w->arena, DECODE_BYTES);
    w->provinces = ndc_xcalloc(PROVINCE_CODES, sizeof(*w->provinces));
    w->index = ndc_index_feed_new(s->build->index);
    for (int t = 0; t < NDC_ENTITY_COUNT; t++)
        w->stages[t] = ndc_build_cursors(&s->build->links[t]);
}

static void builder_free(struct builder *w)
{
    for (int t = 0; t < NDC_ENTITY_COUNT; t++)
        ndc_build_cursors_free(&w->shared->build->links[t], w->stages[t]);
    ndc_arena_free(&w->arena);
    ndc_index_feed_end(w->index);
    free(w->provinces);
}

enum ndc_err ndc_build_entities(struct build *b,
                                enum ndc_err (*take)(void *arg,
                                                     const struct built_entity *entity,
                                                     struct ndc_fault *fault),
                                void *arg, struct ndc_fault *fault)
{
    static const char *const complete[] = {"full_name", "birth_date", "sex", "person_id"};
    struct building *s = ndc_xcalloc(1, sizeof(*s));
    struct builder *builders = ndc_xcalloc(BUILDERS_MAX, sizeof(*builders));
    struct ndc_thread threads[BUILDERS_MAX];
    unsigned n = NDC_MIN(NDC_MAX(b->registry->threads, 1u), (unsigned)BUILDERS_MAX);
    s->build = b;
    s->how = ndc_registry_survivorship(b->registry);
    s->address_field = ndc_field_find(NDC_STR("permanent_address"))->id;
    s->current_field = ndc_field_find(NDC_STR("current_address"))->id;
    for (size_t i = 0; i < NDC_ARRAY_LEN(complete); i++)
        s->complete_fields[i] = ndc_field_find(ndc_str(complete[i]))->id;
    order_entities(s);
    ndc_mutex_init(&s->lock);
    ndc_cond_init(&s->changed);
    for (int i = 0; i < RING; i++)
        ndc_buf_init(&s->ring[i].payloads, CHUNK_BYTES_MAX);
    for (unsigned i = 0; i < n; i++) {
        builder_init(&builders[i], s);
        ndc_thread_start(&threads[i], "ndc-build", run_builder, &builders[i]);
    }
    enum ndc_err err = consume(s, take, arg, fault);
    for (unsigned i = 0; i < n; i++) {
        ndc_thread_join(&threads[i]);
        add_provinces(b->provinces, builders[i].provinces);
        builder_free(&builders[i]);
    }
    if (!err && s->fault.err) {
        err = s->fault.err;
        if (fault) *fault = s->fault;
    }
    for (int i = 0; i < RING; i++)
        ndc_buf_free(&s->ring[i].payloads);
    ndc_mutex_free(&s->lock);
    ndc_cond_free(&s->changed);
    free(s->order);
    free(builders);
    free(s);
    return err;
}

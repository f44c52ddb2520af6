/* The index of blocking keys: for every entity the keys of all its records, and whether
 * it is open to others (live_internal.h, link/block.h). Made from the entities once a
 * generation, read in ranges by several threads, sorted in bounded memory; what comes
 * afterwards is in the overlay. */
#include "platforms/registry/entity/index_build.h"
#include "platforms/registry/link/result.h"
#include "platforms/registry/live/live_internal.h"
#include "platforms/registry/meta.h"
#include "platforms/registry/shard/payloads.h"
#include "platforms/registry/shard/shard.h"
#include "store/bulk.h"
#include "sys/log.h"

#include <stdio.h>

enum {
    RANGE_ENTITIES = 8192,
    RANGE_SHARDED = 262144,
    CHUNK_ENTITIES = 512,
    CHUNK_ARENA = 512 << 20,
};
static const size_t sort_bytes = (size_t)256 << 20;

struct making {
    struct ndc_live *live;
    struct ndc_index_sorter *sorter;
    uint64_t last;         /* entity */
    struct ndc_mutex lock; /* guards err and fault */
    enum ndc_err err;
    struct ndc_fault fault;
};

struct chunk { /* entities of one kind whose records are one table */
    struct making *all;
    enum ndc_entity type;
    struct ndc_link *link;
    struct ndc_link_batch *rows;
    struct ndc_link_feed *feed;
    unsigned source;
    uint64_t entities[CHUNK_ENTITIES];
    bool open[CHUNK_ENTITIES];
    uint32_t ends[CHUNK_ENTITIES]; /* of its rows */
    uint32_t count, row_count;
};

/* A node is what identifiers and decisions joined: open if it is one record only or none
 * of its records has a unique identifier; an entity is open if one of its nodes is. */
static bool is_open(const struct ndc_entity_view *v, int unique_field)
{
    unsigned n = v->record_count;
    uint16_t root[NDC_ENTITY_RECORDS_MAX], size[NDC_ENTITY_RECORDS_MAX];
    bool unique[NDC_ENTITY_RECORDS_MAX];
    for (unsigned i = 0; i < n; i++)
        root[i] = (uint16_t)i;
    for (unsigned i = 0; i < v->edge_count; i++) {
        unsigned a = v->edges[i].a, b = v->edges[i].b;
        if (v->edges[i].kind == NDC_LINK_EDGE_MODEL) continue;
        while (root[a] != a)
            a = root[a];
        while (root[b] != b)
            b = root[b];
        root[NDC_MAX(a, b)] = (uint16_t)NDC_MIN(a, b);
    }
    memset(size, 0, n * sizeof(*size));
    memset(unique, 0, n * sizeof(*unique));
    for (unsigned i = 0; i < n; i++) {
        unsigned r = i;
        while (root[r] != r)
            r = root[r];
        size[r]++;
        unique[r] |= unique_field >= 0 &&
                     ndc_record_find(&v->records[i], (unsigned)unique_field) != NULL;
    }
    for (unsigned i = 0; i < n; i++)
        if (size[i] == 1 || (size[i] > 1 && !unique[i])) return true;
    return false;
}

static enum ndc_err begin_chunk(struct chunk *c, struct ndc_fault *fault)
{
    const struct live_kind *kind = &c->all->live->kinds[c->type];
    c->count = c->row_count = 0;
    c->link = ndc_link_new(kind->spec, &(struct ndc_link_options){.threads = 1});
    c->feed = c->feed ? c->feed : ndc_link_feed_new(kind->spec);
    enum ndc_err err = ndc_link_source_add(c->link, NDC_STR("all"), &c->source, fault);
    c->rows = ndc_link_batch_new(c->link);
    return err;
}

/* Keys of the chunk's records, given out by entity. Rows are in the order they came, for
 * their numbers rise. */
static enum ndc_err end_chunk(struct chunk *c, struct ndc_index_feed *out,
                              struct ndc_fault *fault)
{
    uint64_t keys[NDC_LINK_KEYS_MAX];
    uint32_t row = 0;
    enum ndc_err err = ndc_link_batch_commit(c->rows, fault);
    c->rows = NULL;
    if (!err && c->row_count) ndc_link_prepare(c->link);
    for (uint32_t e = 0; e < c->count && !err; e++)
        for (; row < c->ends[e]; row++) {
            unsigned n = ndc_link_row_keys(c->link, row, keys);
            for (unsigned k = 0; k < n; k++)
                ndc_index_feed_add(out, ndc_live_block_key(keys[k]),
                                   c->entities[e] << 1 | c->open[e]);
        }
    ndc_link_free(c->link);
    c->link = NULL;
    return err;
}

static enum ndc_err take_entity(struct chunk *c, uint64_t number,
                                const struct ndc_entity_view *v,
                                struct ndc_index_feed *out, struct ndc_fault *fault)
{
    const struct live_kind *kind = &c->all->live->kinds[v->type];
    int unique = kind->unique_field;
    enum ndc_err err = NDC_OK;
    if (c->count == CHUNK_ENTITIES) {
        err = end_chunk(c, out, fault);
        if (!err) err = begin_chunk(c, fault);
        if (err) return err;
    }
    for (unsigned i = 0; i < v->record_count; i++)
        ndc_link_batch_add(c->rows, c->source, c->row_count++,
                           ndc_link_feed_values(c->feed, &v->records[i]));
    c->entities[c->count] = number;
    c->open[c->count] = is_open(v, unique < 0 ? -1 : kind->identifier_fields[unique]);
    c->ends[c->count++] = c->row_count;
    return err;
}

/* On shards a range is a query to each server over its shards. */
static uint64_t range_entities(const struct making *all)
{
    return ndc_shards_count(all->live->registry->shards) ? RANGE_SHARDED : RANGE_ENTITIES;
}

static enum ndc_err read_range(struct making *all, struct chunk *chunks, size_t range,
                               struct ndc_index_feed *out, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    struct ndc_arena arena;
    uint64_t from = range * range_entities(all) + 1;
    enum ndc_err err = ndc_store_take(all->live->registry->store, NDC_READ, &conn, fault);
    if (err) return err;
    ndc_arena_init(&arena, CHUNK_ARENA);
    ndc_store_conn_timeout(conn, 0);
    const struct ndc_payload_range part = {
        .from = from, .to = from + range_entities(all), .ordered = true};
    const struct ndc_payload *row;
    struct ndc_payloads *rows = ndc_payloads_open(all->live->registry, conn, &part);
    while (!err && (row = ndc_payloads_next(rows))) {
        struct ndc_entity_view v;
        ndc_arena_reset(&arena);
        if (!ndc_entity_decode(&v, &arena, row->payload))
            err = ndc_fail(fault, NDC_EDB, "registry.entity_damaged",
                           "a stored record is damaged; run \"ndc link run\" to build it "
                           "anew from its sources");
        else if (all->live->kinds[v.type].model)
            err = take_entity(&chunks[v.type], row->entity, &v, out, fault);
    }
    enum ndc_err ended = ndc_payloads_close(rows, err ? NULL : fault);
    ndc_arena_free(&arena);
    ndc_store_give(conn);
    return err ? err : ended;
}

static void make_range(void *arg, size_t range)
{
    struct making *all = arg;
    struct ndc_fault fault = {0};
    struct chunk *chunks = ndc_xcalloc(NDC_ENTITY_COUNT, sizeof(*chunks));
    struct ndc_index_feed *out = ndc_index_feed_new(all->sorter);
    enum ndc_err err = NDC_OK;
    for (int t = 0; t < NDC_ENTITY_COUNT && !err; t++) {
        chunks[t].all = all;
        chunks[t].type = (enum ndc_entity)t;
        if (all->live->kinds[t].model) err = begin_chunk(&chunks[t], &fault);
    }
    if (!err) err = read_range(all, chunks, range, out, &fault);
    for (int t = 0; t < NDC_ENTITY_COUNT; t++) {
        struct ndc_fault other = {0};
        enum ndc_err ended = chunks[t].rows ? end_chunk(&chunks[t], out, &other) : NDC_OK;
        if (!err && ended) {
            err = ended;
            fault = other;
        }
        ndc_link_free(chunks[t].link);
        ndc_link_feed_free(chunks[t].feed);
    }
    ndc_index_feed_end(out);
    free(chunks);
    if (!err) return;
    ndc_mutex_lock(&all->lock);
    if (!all->err) {
        all->err = err;
        all->fault = fault;
    }
    ndc_mutex_unlock(&all->lock);
}

static enum ndc_err write_blocks(struct making *all, uint64_t *entries,
                                 struct ndc_fault *fault)
{
    static const char *const tables[] = {"registry_block_page"};
    struct ndc_live *live = all->live;
    struct ndc_store_conn *conn;
    char text[24];
    snprintf(text, sizeof(text), "%lld", (long long)live->generation);
    enum ndc_err err = ndc_store_take(live->registry->store, NDC_WRITE, &conn, fault);
    if (err) return err;
    err = ndc_bulk_session_begin(conn, fault);
    bool session = !err;
    if (!err) err = ndc_tx_begin(conn, fault);
    if (!err)
        err = ndc_sql_exec(conn, "DELETE FROM registry_block_page", NDC_NO_ARGS, NULL,
                           fault);
    if (!err)
        err = ndc_index_write(conn, NDC_INDEX_BLOCKS, live->generation, all->sorter,
                              live->registry->threads, entries, fault);
    if (!err) err = ndc_registry_meta_set(conn, "block_generation", ndc_str(text), fault);
    if (!err) err = ndc_tx_commit(conn, fault);
    if (err && ndc_tx_open(conn)) ndc_tx_rollback(conn);
    enum ndc_err ended = NDC_OK;
    if (session) ended = ndc_bulk_session_end(conn, tables, 1, err ? NULL : fault);
    ndc_store_give(conn);
    return err ? err : ended;
}

enum ndc_err ndc_live_build_blocks(struct ndc_live *live, struct ndc_fault *fault)
{
    struct making all = {.live = live, .last = live->next_number};
    uint64_t entries = 0;
    size_t ranges = (all.last + range_entities(&all) - 1) / range_entities(&all);
    all.sorter = ndc_index_sorter_new(live->registry->stage_dir, sort_bytes);
    ndc_mutex_init(&all.lock);
    ndc_parallel_for(live->registry->threads, ranges, make_range, &all);
    ndc_mutex_free(&all.lock);
    enum ndc_err err = all.err;
    if (err && fault) *fault = all.fault;
    if (!err) err = write_blocks(&all, &entries, fault);
    ndc_index_sorter_free(all.sorter);
    if (!err)
        ndc_log(NDC_LOG_INFO, "registry",
                "changes can be linked as they come: %llu blocking keys",
                (unsigned long long)entries);
    return err;
}

/* The registry's state: its store, its declared sources. */
#include "platforms/registry/build/build.h"
#include "platforms/registry/entity/index.h"
#include "platforms/registry/live/live.h"
#include "platforms/registry/meta.h"
#include "platforms/registry/registry.h"
#include "platforms/registry/serve/search_ahead.h"
#include "platforms/registry/shard/shard.h"
#include "platforms/registry/thing/thing.h"

#include "store/writer.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"
#include "sys/process.h"

#include <stdio.h>

enum { SOURCE_ARENA_BYTES = 8 << 20 };

static enum ndc_err adopt(struct ndc_registry *reg, uint32_t number, struct ndc_str yaml,
                          struct ndc_str folder, struct ndc_registered **out,
                          struct ndc_fault *fault)
{
    struct ndc_registered *r = ndc_xcalloc(1, sizeof(*r));
    ndc_arena_init(&r->arena, SOURCE_ARENA_BYTES);
    enum ndc_err err = ndc_source_parse(&r->source, &r->arena, yaml, fault);
    if (err) {
        ndc_arena_free(&r->arena);
        free(r);
        return err;
    }
    r->number = number;
    r->folder = ndc_arena_cstr(&r->arena, folder);
    *out = r;
    (void)reg;
    return NDC_OK;
}

/* Takes a parsed source into the table. An older declaration stays allocated: a request
 * may still hold it. */
static void publish(struct ndc_registry *reg, struct ndc_registered *r)
{
    ndc_mutex_lock(&reg->lock);
    r->older = reg->sources[r->number];
    reg->sources[r->number] = r;
    reg->source_count = NDC_MAX(reg->source_count, r->number);
    memcpy(reg->authority[r->number], r->source->authority, NDC_FIELDS_MAX);
    ndc_mutex_unlock(&reg->lock);
}

static enum ndc_err read_sources(struct ndc_registry *reg, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    enum ndc_err err = ndc_store_take(reg->store, NDC_READ, &conn, fault), bad = NDC_OK;
    if (err) return err;
    struct ndc_rows *rows = ndc_sql_query(
        conn, "SELECT number, yaml, folder FROM registry_source ORDER BY number",
        NDC_NO_ARGS);
    while (!bad && ndc_rows_next(rows)) {
        struct ndc_registered *r;
        bad = adopt(reg, (uint32_t)ndc_rows_i64(rows, 0), ndc_rows_text(rows, 1),
                    ndc_rows_text(rows, 2), &r, fault);
        if (!bad) publish(reg, r);
    }
    err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    return bad ? bad : err;
}

/* It is served: what it has keys of is found. */
static void warn_of_old_index(int64_t version)
{
    if (version >= NDC_INDEX_VERSION) return;
    ndc_log(
        NDC_LOG_WARN, "registry",
        "the search index was made by an earlier release: people are found less often "
        "by a part of their name and a year or province; run \"ndc link run\" to make "
        "it anew");
}

static enum ndc_err read_generation(struct ndc_registry *reg, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    int64_t version;
    enum ndc_err err = ndc_store_take(reg->store, NDC_READ, &conn, fault);
    if (err) return err;
    err = ndc_registry_meta_i64(conn, "generation", &reg->generation, fault);
    if (!err) err = ndc_registry_meta_i64(conn, "index_version", &version, fault);
    if (!err && reg->generation > 0) warn_of_old_index(version);
    ndc_store_give(conn);
    return err;
}

enum ndc_err ndc_registry_open_store(struct ndc_store **store, const char *url,
                                     struct ndc_fault *fault)
{
    const struct ndc_store_options options = {.page_bytes = 32768};
    return ndc_store_open(store, url, &options, fault);
}

/* What SQLite's log may grow to in a first build. */
static const uint64_t sqlite_part_bytes = (uint64_t)4 << 30;

enum ndc_err ndc_registry_open(struct ndc_registry **out, struct ndc_store *store,
                               const char *dir, unsigned threads, struct ndc_fault *fault)
{
    *out = NULL;
    enum ndc_err err = ndc_migrate(store, "registry", ndc_registry_migrations,
                                   ndc_registry_migrations_n, fault);
    if (!err) err = ndc_file_mkdirs(dir, fault);
    if (!err) err = ndc_registry_write_specs(dir, fault);
    if (err) return err;
    struct ndc_registry *reg = ndc_xcalloc(1, sizeof(*reg));
    reg->store = store;
    reg->stage_dir = strdup(dir);
    reg->threads = threads ? threads : ndc_cpu_count();
    reg->link_bytes = ndc_memory_bytes() / 3;
    reg->part_bytes =
        ndc_store_kind(store) == NDC_SQLITE ? sqlite_part_bytes : UINT64_MAX;
    ndc_mutex_init(&reg->lock);
    ndc_mutex_init(&reg->generation_lock);
    ndc_mutex_init(&reg->model_lock);
    ndc_mutex_init(&reg->job_lock);
    ndc_mutex_init(&reg->stage_lock);
    for (size_t i = 0; i < NDC_ARRAY_LEN(reg->loading); i++)
        ndc_mutex_init(&reg->loading[i]);
    err = read_sources(reg, fault);
    if (!err) err = read_generation(reg, fault);
    if (!err) err = ndc_shards_open(&reg->shards, store, fault);
    if (!err) err = ndc_live_new(&reg->live, reg, fault);
    reg->ahead = ndc_ahead_new(reg);
    if (err) {
        ndc_registry_close(reg);
        return err;
    }
    *out = reg;
    return NDC_OK;
}

void ndc_registry_close(struct ndc_registry *reg)
{
    if (!reg) return;
    ndc_ahead_free(reg->ahead);
    ndc_live_free(reg->live);
    ndc_shards_close(reg->shards);
    for (uint32_t i = 1; i <= reg->source_count; i++) {
        while (reg->sources[i]) {
            struct ndc_registered *r = reg->sources[i];
            reg->sources[i] = r->older;
            ndc_arena_free(&r->arena);
            free(r);
        }
    }
    for (size_t i = 0; i < NDC_ARRAY_LEN(reg->loading); i++)
        ndc_mutex_free(&reg->loading[i]);
    ndc_mutex_free(&reg->stage_lock);
    ndc_mutex_free(&reg->lock);
    ndc_mutex_free(&reg->generation_lock);
    ndc_mutex_free(&reg->model_lock);
    ndc_mutex_free(&reg->job_lock);
    ndc_link_model_free(reg->model);
    ndc_link_spec_free(reg->model_spec);
    free((char *)(uintptr_t)reg->stage_dir);
    if (reg->own_store) ndc_store_close(reg->store);
    free(reg);
}

struct declare {
    struct ndc_str id, yaml, folder;
    int64_t number;
};

static enum ndc_err write_declaration(struct ndc_store_conn *conn, void *arg,
                                      struct ndc_fault *fault)
{
    struct declare *d = arg;
    int64_t now = ndc_clock_wall_ms();
    struct ndc_fault none = {0};
    enum ndc_err err = ndc_sql_i64(conn, &d->number,
                                   "SELECT number FROM registry_source WHERE source = $1",
                                   NDC_ARGS(ndc_text(d->id)), &none);
    if (err == NDC_OK)
        return ndc_sql_exec(conn,
                            "UPDATE registry_source SET yaml = $2, folder = $3, "
                            "updated_ms = $4 WHERE source = $1",
                            NDC_ARGS(ndc_text(d->id), ndc_text(d->yaml),
                                     ndc_text(d->folder), ndc_int(now)),
                            NULL, fault);
    if (err != NDC_ENOTFOUND) {
        if (fault) *fault = none;
        return err;
    }
    err = ndc_sql_i64(conn, &d->number,
                      "SELECT coalesce(max(number), 0) FROM registry_source", NDC_NO_ARGS,
                      fault);
    if (err) return err;
    if (++d->number > NDC_REGISTRY_SOURCES_MAX)
        return ndc_fail(fault, NDC_ETOOBIG, "registry.sources",
                        "at most %d sources can be declared", NDC_REGISTRY_SOURCES_MAX);
    return ndc_sql_exec(
        conn,
        "INSERT INTO registry_source (source, number, yaml, folder, records, "
        "stage_run, created_ms, updated_ms) VALUES ($1,$2,$3,$4,0,0,$5,$5)",
        NDC_ARGS(ndc_text(d->id), ndc_int(d->number), ndc_text(d->yaml),
                 ndc_text(d->folder), ndc_int(now)),
        NULL, fault);
}

/* A dataset is of one source, and stays the one it was. */
static enum ndc_err check_dataset(struct ndc_registry *reg, const struct ndc_source *s,
                                  struct ndc_fault *fault)
{
    if (!s->thing) return NDC_OK;
    const struct ndc_registered *other = ndc_thing_dataset(reg, s->dataset);
    const struct ndc_registered *old = ndc_registry_find(reg, s->id);
    if (other && !ndc_str_eq(other->source->id, s->id))
        return ndc_fail(fault, NDC_ECONFLICT, "registry.dataset_taken",
                        "dataset %.*s is that of source %.*s already",
                        NDC_STR_FMT(s->dataset), NDC_STR_FMT(other->source->id));
    if (old && !ndc_str_eq(old->source->dataset, s->dataset))
        return ndc_fail(fault, NDC_ECONFLICT, "registry.dataset_change",
                        "source %.*s has the dataset %.*s; declare another under another "
                        "name",
                        NDC_STR_FMT(s->id), NDC_STR_FMT(old->source->dataset));
    return NDC_OK;
}

enum ndc_err ndc_registry_declare(struct ndc_registry *reg, struct ndc_str yaml,
                                  struct ndc_str folder, struct ndc_registered **out,
                                  struct ndc_fault *fault)
{
    struct ndc_registered *r;
    enum ndc_err err = adopt(reg, 0, yaml, folder, &r, fault);
    if (err) return err;
    const struct ndc_registered *old = ndc_registry_find(reg, r->source->id);
    if (old && (old->source->entity != r->source->entity ||
                old->source->thing != r->source->thing))
        err = ndc_fail(fault, NDC_ECONFLICT, "registry.entity_change",
                       "source %.*s holds another entity already; declare it under "
                       "another name",
                       NDC_STR_FMT(r->source->id));
    if (!err) err = check_dataset(reg, r->source, fault);
    struct declare d = {.id = r->source->id,
                        .yaml = yaml,
                        .folder = folder.ptr ? folder : ndc_str_n("", 0)};
    if (!err) err = ndc_store_write(reg->store, write_declaration, &d, fault);
    if (err) {
        ndc_arena_free(&r->arena);
        free(r);
        return err;
    }
    r->number = (uint32_t)d.number;
    publish(reg, r);
    if (out) *out = r;
    return NDC_OK;
}

struct ndc_registered *ndc_registry_find(struct ndc_registry *reg, struct ndc_str id)
{
    struct ndc_registered *found = NULL;
    ndc_mutex_lock(&reg->lock);
    for (uint32_t i = 1; i <= reg->source_count && !found; i++)
        if (reg->sources[i] && ndc_str_eq(reg->sources[i]->source->id, id))
            found = reg->sources[i];
    ndc_mutex_unlock(&reg->lock);
    return found;
}

struct ndc_registered *ndc_registry_by_number(struct ndc_registry *reg, uint32_t number)
{
    if (number == 0 || number > NDC_REGISTRY_SOURCES_MAX) return NULL;
    ndc_mutex_lock(&reg->lock);
    struct ndc_registered *r = reg->sources[number];
    ndc_mutex_unlock(&reg->lock);
    return r;
}

int64_t ndc_registry_generation(struct ndc_registry *reg)
{
    ndc_mutex_lock(&reg->generation_lock);
    int64_t generation = reg->generation;
    ndc_mutex_unlock(&reg->generation_lock);
    return generation;
}

void ndc_registry_rank_sources(struct ndc_registry *reg,
                               uint8_t rank[NDC_REGISTRY_SOURCES_MAX + 1])
{
    ndc_mutex_lock(&reg->lock);
    for (uint32_t i = 0; i <= NDC_REGISTRY_SOURCES_MAX; i++) {
        rank[i] = 0;
        for (uint32_t k = 1; reg->sources[i] && k <= reg->source_count; k++)
            rank[i] += reg->sources[k] && ndc_str_cmp(reg->sources[k]->source->id,
                                                      reg->sources[i]->source->id) < 0;
    }
    ndc_mutex_unlock(&reg->lock);
}

struct ndc_survivorship ndc_registry_survivorship(const struct ndc_registry *reg)
{
    const struct ndc_field *updated = ndc_field_find(NDC_STR("updated_at"));
    NDC_ASSERT(updated);
    return (struct ndc_survivorship){.authority = reg->authority,
                                     .sources = NDC_REGISTRY_SOURCES_MAX + 1,
                                     .updated_field = updated->id};
}

const char *ndc_registry_stage_path(const struct ndc_registry *reg,
                                    struct ndc_arena *arena, struct ndc_str source,
                                    int64_t run)
{
    return ndc_arena_printf(arena, "%s/%.*s.%lld.stage", reg->stage_dir,
                            NDC_STR_FMT(source), (long long)run)
        .ptr;
}

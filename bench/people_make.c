/* Making the people: villages are made, mapped and encoded by a few threads into a ring
 * and taken from it in order by the caller's thread, which writes. */
#include "bench/cpu.h"
#include "bench/people_bench.h"

#include "base/embed.h"
#include "platforms/registry/demo/emit.h"
#include "platforms/registry/entity/index_build.h"
#include "platforms/registry/link/result.h"
#include "platforms/registry/load/map.h"
#include "platforms/registry/meta.h"
#include "store/bulk.h"
#include "sys/bar.h"
#include "sys/clock.h"

#include <stdio.h>

enum {
    TABLES = 2, /* the population register, and for some social insurance */
    PART_VILLAGES = 4,
    RING = 8,
    WORKERS_MAX = 8,
    RECORDS_MAX = 8, /* of a person */
    PORTION = 1 << 20,
    PART_BYTES_MAX = 64 << 20,
    INDEX_STEP = 32 /* partitions committed together */
};

static const enum ndc_demo_table_id tables[TABLES] = {NDC_DEMO_POPULATION,
                                                      NDC_DEMO_SOCIAL_INSURANCE};
static const size_t index_memory_bytes = (size_t)256 << 20;

extern const struct ndc_embed ndc_demo_declarations[];

struct part {
    bool done;
    size_t count, records;
    uint64_t numbers[PART_VILLAGES * DEMO_VILLAGE_PEOPLE];
    size_t ends[PART_VILLAGES * DEMO_VILLAGE_PEOPLE];
    struct ndc_buf payloads;
};

struct making {
    struct ndc_registry *registry;
    struct demo_nation nation;
    struct ndc_registered *sources[TABLES];
    struct ndc_survivorship how;
    struct ndc_index_sorter *index;
    int64_t now_s;
    uint64_t parts, entities, records, payload_bytes;

    struct ndc_mutex lock; /* guards what follows */
    struct ndc_cond changed;
    uint64_t next, taken;
    bool stop;
    struct part ring[RING];
};

/* One thread's tools. */
struct worker {
    struct making *m;
    struct demo_part *demo;
    struct ndc_connect *connects[TABLES];
    struct ndc_mapper *mappers[TABLES];
    struct ndc_quality quality[TABLES];
    struct ndc_arena arena;
    struct ndc_golden golden[NDC_FIELDS_MAX];
    struct ndc_index_keys keys;
    struct ndc_index_feed *feed;
    struct ndc_fault fault;
};

static enum ndc_err open_worker(struct worker *w, struct making *m)
{
    w->m = m;
    w->demo = ndc_xcalloc(1, sizeof(*w->demo));
    ndc_arena_init(&w->arena, 16 << 20);
    w->feed = ndc_index_feed_new(m->index);
    for (unsigned t = 0; t < TABLES; t++) {
        const struct ndc_demo_table *table = ndc_demo_table(tables[t]);
        const struct ndc_source *source = m->sources[t]->source;
        struct ndc_str columns[NDC_DEMO_COLUMNS_MAX];
        demo_rows_init(&w->demo->rows[tables[t]], (unsigned)table->column_count);
        for (size_t i = 0; i < table->column_count; i++)
            columns[i] = ndc_str(table->columns[i]);
        enum ndc_err err = ndc_connect_memory(&w->connects[t], source, NDC_STR(""),
                                              columns, table->column_count, &w->fault);
        if (err) return err;
        w->mappers[t] =
            ndc_mapper_new(source, w->connects[t], ndc_date_from_days(m->nation.day1));
        ndc_quality_init(&w->quality[t], source);
    }
    return NDC_OK;
}

static void close_worker(struct worker *w)
{
    for (unsigned t = 0; t < TABLES; t++) {
        if (w->mappers[t]) {
            ndc_mapper_free(w->mappers[t]);
            ndc_quality_free(&w->quality[t]);
        }
        if (w->connects[t]) ndc_connect_close(w->connects[t]);
        demo_rows_free(&w->demo->rows[tables[t]]);
    }
    ndc_index_feed_end(w->feed);
    ndc_arena_free(&w->arena);
    free(w->demo);
}

/* The record stays in the arena: the mapper's texts live until its next row. */
static void keep_record(struct worker *w, struct ndc_record *out,
                        const struct ndc_record *from, unsigned t)
{
    *out = *from;
    out->source = w->m->sources[t]->number;
    out->run = out->run_first = 1;
    out->seen_s = w->m->now_s;
    out->key = ndc_arena_str(&w->arena, from->key);
    out->fields = NDC_ARENA_ARRAY(&w->arena, struct ndc_record_field, from->count);
    for (unsigned i = 0; i < from->count; i++) {
        out->fields[i] = from->fields[i];
        out->fields[i].value = ndc_arena_str(&w->arena, from->fields[i].value);
        out->fields[i].raw = ndc_arena_str(&w->arena, from->fields[i].raw);
    }
}

static unsigned map_rows(struct worker *w, unsigned t, struct ndc_record *records)
{
    const struct demo_rows *rows = &w->demo->rows[tables[t]];
    struct ndc_str values[NDC_DEMO_COLUMNS_MAX];
    struct ndc_mapped mapped;
    unsigned n = 0;
    uint32_t start = 0;
    for (size_t row = 0; row < rows->row_count && n < RECORDS_MAX / TABLES; row++) {
        for (unsigned i = 0; i < rows->columns; i++) {
            uint32_t end = rows->ends[row * rows->columns + i];
            values[i] = ndc_str_n(rows->text.ptr + start, end - start);
            start = end;
        }
        const struct ndc_connect_row r = {
            .values = values, .count = rows->columns, .line = 1};
        ndc_mapper_map(w->mappers[t], &r, &mapped, &w->quality[t]);
        if (!mapped.blocked) keep_record(w, &records[n++], &mapped.record, t);
    }
    return n;
}

static void make_person(struct worker *w, const struct demo_emit *emit,
                        const struct demo_person *p, struct part *part)
{
    struct ndc_record records[RECORDS_MAX];
    struct ndc_entity_edge edges[RECORDS_MAX];
    struct ndc_entity_view v = {.type = NDC_ENTITY_PERSON,
                                .records = records,
                                .golden = w->golden,
                                .edges = edges};
    ndc_arena_reset(&w->arena);
    for (unsigned t = 0; t < TABLES; t++)
        demo_rows_reset(&w->demo->rows[tables[t]]);
    demo_emit_population(emit, p);
    demo_emit_social(emit, p);
    for (unsigned t = 0; t < TABLES; t++)
        v.record_count += map_rows(w, t, records + v.record_count);
    if (v.record_count == 0) return;
    for (unsigned i = 1; i < v.record_count; i++)
        edges[v.edge_count++] =
            (struct ndc_entity_edge){0, (uint16_t)i, NDC_LINK_EDGE_IDENTIFIER, 255};
    v.golden_count = ndc_golden_choose(w->golden, records, v.record_count, &w->m->how);
    ndc_entity_encode(&part->payloads, &v);
    ndc_index_entity(&w->keys, w->feed, p->number, &v);
    part->records += v.record_count;
    part->numbers[part->count] = p->number;
    part->ends[part->count++] = part->payloads.len;
}

static void make_part(struct worker *w, uint64_t number)
{
    struct making *m = w->m;
    struct part *part = &m->ring[number % RING];
    struct demo_village *village = &w->demo->village;
    uint64_t end = NDC_MIN((number + 1) * PART_VILLAGES, m->nation.villages);
    part->count = part->records = 0;
    ndc_buf_reset(&part->payloads);
    for (uint64_t v = number * PART_VILLAGES; v < end; v++) {
        demo_village_make(&m->nation, village, v);
        const struct demo_emit emit = {&m->nation, w->demo, village, NDC_DEMO_DAY1};
        for (unsigned i = 0; i < village->count; i++)
            make_person(w, &emit, &village->p[i], part);
    }
    NDC_ASSERT(!part->payloads.failed && !w->arena.overflow);
}

static void run_worker(void *arg)
{
    struct worker *w = arg;
    struct making *m = w->m;
    ndc_mutex_lock(&m->lock);
    for (;;) {
        while (!m->stop && m->next < m->parts && m->next >= m->taken + RING)
            ndc_cond_wait(&m->changed, &m->lock);
        if (m->stop || m->next >= m->parts) break;
        uint64_t number = m->next++;
        ndc_mutex_unlock(&m->lock);
        make_part(w, number);
        ndc_mutex_lock(&m->lock);
        m->ring[number % RING].done = true;
        ndc_cond_broadcast(&m->changed);
    }
    ndc_mutex_unlock(&m->lock);
}

static enum ndc_err write_part(struct making *m, struct ndc_bulk *bulk,
                               const struct part *part, struct ndc_fault *fault)
{
    size_t start = 0;
    for (size_t i = 0; i < part->count; i++) {
        ndc_bulk_i64(bulk, (int64_t)part->numbers[i]);
        ndc_bulk_i64(bulk, NDC_ENTITY_PERSON);
        ndc_bulk_i64(bulk, m->now_s * 1000);
        ndc_bulk_blob(bulk, ndc_str_n(part->payloads.ptr + start, part->ends[i] - start));
        enum ndc_err err = ndc_bulk_row(bulk, fault);
        if (err) return err;
        start = part->ends[i];
    }
    m->entities += part->count;
    m->records += part->records;
    m->payload_bytes += part->payloads.len;
    return NDC_OK;
}

/* Parts from m->taken on, committed together. */
static enum ndc_err write_portion(struct making *m, struct ndc_store_conn *conn,
                                  struct ndc_bar *bar, struct ndc_fault *fault)
{
    static const struct ndc_bulk_column columns[] = {{"entity", NDC_VAL_I64},
                                                     {"type", NDC_VAL_I64},
                                                     {"updated_ms", NDC_VAL_I64},
                                                     {"payload", NDC_VAL_BLOB}};
    struct ndc_bulk *bulk;
    uint64_t upto = m->entities + PORTION;
    enum ndc_err err = ndc_tx_begin(conn, fault);
    if (!err)
        err = ndc_bulk_begin(&bulk, conn, "registry_entity", columns,
                             NDC_ARRAY_LEN(columns), fault);
    if (err) return err;
    while (!err && m->taken < m->parts && m->entities < upto) {
        struct part *part = &m->ring[m->taken % RING];
        ndc_mutex_lock(&m->lock);
        while (!part->done)
            ndc_cond_wait(&m->changed, &m->lock);
        ndc_mutex_unlock(&m->lock);
        err = write_part(m, bulk, part, fault);
        ndc_mutex_lock(&m->lock);
        part->done = false;
        m->taken++;
        ndc_cond_broadcast(&m->changed);
        ndc_mutex_unlock(&m->lock);
        ndc_bar_whole(bar, "people", m->taken, m->parts + m->parts / 4);
    }
    if (err) {
        ndc_bulk_abort(bulk);
        return err;
    }
    err = ndc_bulk_end(bulk, NULL, fault);
    return err ? err : ndc_tx_commit(conn, fault);
}

static enum ndc_err write_people(struct making *m, struct ndc_store_conn *conn,
                                 struct ndc_bar *bar, struct ndc_fault *fault)
{
    struct worker *workers = ndc_xcalloc(WORKERS_MAX, sizeof(*workers));
    struct ndc_thread threads[WORKERS_MAX];
    unsigned n = NDC_MIN(m->registry->threads, (unsigned)WORKERS_MAX), started = 0;
    enum ndc_err err = NDC_OK;
    for (unsigned i = 0; i < n && !err; i++)
        if ((err = open_worker(&workers[i], m))) *fault = workers[i].fault;
    for (; started < n && !err; started++)
        ndc_thread_start(&threads[started], "people", run_worker, &workers[started]);
    while (!err && m->taken < m->parts)
        err = write_portion(m, conn, bar, fault);
    ndc_mutex_lock(&m->lock);
    m->stop = true;
    ndc_cond_broadcast(&m->changed);
    ndc_mutex_unlock(&m->lock);
    for (unsigned i = 0; i < started; i++)
        ndc_thread_join(&threads[i]);
    for (unsigned i = 0; i < n; i++)
        if (workers[i].m) close_worker(&workers[i]);
    free(workers);
    return err;
}

static enum ndc_err write_index(struct making *m, struct ndc_store_conn *conn,
                                uint64_t *entries, struct ndc_bar *bar,
                                struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    *entries = 0;
    for (unsigned at = 0; at < NDC_INDEX_PARTITIONS && !err; at += INDEX_STEP) {
        uint64_t some = 0;
        err = ndc_tx_begin(conn, fault);
        if (!err)
            err =
                ndc_index_write_part(conn, NDC_INDEX_SEARCH, 1, m->index, at,
                                     at + INDEX_STEP, m->registry->threads, &some, fault);
        if (!err) err = ndc_tx_commit(conn, fault);
        *entries += some;
        ndc_bar_whole(bar, "index", 4 * NDC_INDEX_PARTITIONS + at + INDEX_STEP,
                      5 * NDC_INDEX_PARTITIONS);
    }
    return err;
}

/* Now it is served. No linking index is made: nothing comes live to this store. */
static enum ndc_err write_meta(struct making *m, struct ndc_store_conn *conn,
                               struct ndc_fault *fault)
{
    char totals[128], people[32], version[16];
    snprintf(totals, sizeof(totals),
             "{\"people\":%llu,\"organisations\":0,\"records\":%llu,\"at_ms\":%lld}",
             (unsigned long long)m->entities, (unsigned long long)m->records,
             (long long)m->now_s * 1000);
    snprintf(people, sizeof(people), "%llu", (unsigned long long)m->nation.config.people);
    snprintf(version, sizeof(version), "%d", NDC_INDEX_VERSION);
    const char *const meta[][2] = {{"map", "[]"},       {"index_version", version},
                                   {"totals", totals},  {"block_generation", "1"},
                                   {"generation", "1"}, {"people_bench", people}};
    enum ndc_err err = ndc_tx_begin(conn, fault);
    for (size_t i = 0; i < NDC_ARRAY_LEN(meta) && !err; i++)
        err = ndc_registry_meta_set(conn, meta[i][0], ndc_str(meta[i][1]), fault);
    return err ? err : ndc_tx_commit(conn, fault);
}

static enum ndc_err declare(struct making *m, struct ndc_fault *fault)
{
    for (unsigned t = 0; t < TABLES; t++) {
        char name[64];
        snprintf(name, sizeof(name), "%s.yaml", ndc_demo_table(tables[t])->name);
        const struct ndc_embed *file = ndc_demo_declarations;
        while (file->name && strcmp(file->name, name) != 0)
            file++;
        NDC_ASSERT(file->name);
        enum ndc_err err =
            ndc_registry_declare(m->registry, ndc_str_n(file->bytes, file->len),
                                 NDC_STR(""), &m->sources[t], fault);
        if (err) return err;
    }
    m->how = ndc_registry_survivorship(m->registry);
    return NDC_OK;
}

static enum ndc_err write_all(struct making *m, struct ndc_fault *fault)
{
    static const char *const written[] = {"registry_entity", "registry_index_page"};
    struct ndc_store_conn *conn;
    struct ndc_bar bar;
    uint64_t entries = 0;
    int64_t start = ndc_clock_mono_ns();
    double cpu = bench_cpu_seconds();
    enum ndc_err err = ndc_store_take(m->registry->store, NDC_WRITE, &conn, fault);
    if (err) return err;
    ndc_bar_begin(&bar);
    err = ndc_bulk_session_begin(conn, fault);
    if (!err) err = write_people(m, conn, &bar, fault);
    double people_cpu = bench_cpu_seconds() - cpu;
    double people_s = (double)(ndc_clock_mono_ns() - start) * 1e-9;
    if (!err) err = write_index(m, conn, &entries, &bar, fault);
    if (!err) err = write_meta(m, conn, fault);
    if (err && ndc_tx_open(conn)) ndc_tx_rollback(conn);
    struct ndc_fault ignored;
    enum ndc_err ended = ndc_bulk_session_end(conn, written, NDC_ARRAY_LEN(written),
                                              err ? &ignored : fault);
    ndc_store_give(conn);
    ndc_bar_end(&bar);
    if (err || ended) return err ? err : ended;
    double all_s = (double)(ndc_clock_mono_ns() - start) * 1e-9;
    printf("people_made %llu people\n", (unsigned long long)m->entities);
    printf("people_records %llu records\n", (unsigned long long)m->records);
    printf("people_payload %.1f bytes/person\n",
           (double)m->payload_bytes / (double)m->entities);
    printf("people_index_entries %.2f entries/person\n",
           (double)entries / (double)m->entities);
    printf("people_write %.1f s\npeople_write_cpu %.1f s\n", people_s, people_cpu);
    printf("people_all %.1f s\npeople_all_cpu %.1f s\n", all_s,
           bench_cpu_seconds() - cpu);
    return NDC_OK;
}

enum ndc_err people_make(struct ndc_registry *reg, uint64_t people,
                         struct ndc_fault *fault)
{
    const struct ndc_demo_config config = {
        .people = people, .seed = 1, .tables = 1u << tables[0] | 1u << tables[1]};
    struct making *m = ndc_xcalloc(1, sizeof(*m));
    m->registry = reg;
    m->now_s = ndc_clock_wall_ms() / 1000;
    enum ndc_err err = demo_nation_open(&m->nation, &config, fault);
    if (err) {
        free(m);
        return err;
    }
    m->parts = (m->nation.villages + PART_VILLAGES - 1) / PART_VILLAGES;
    m->index = ndc_index_sorter_new(reg->stage_dir, index_memory_bytes);
    ndc_mutex_init(&m->lock);
    ndc_cond_init(&m->changed);
    for (int i = 0; i < RING; i++)
        ndc_buf_init(&m->ring[i].payloads, PART_BYTES_MAX);
    err = declare(m, fault);
    if (!err) err = write_all(m, fault);
    for (int i = 0; i < RING; i++)
        ndc_buf_free(&m->ring[i].payloads);
    ndc_mutex_free(&m->lock);
    ndc_cond_free(&m->changed);
    ndc_index_sorter_free(m->index);
    demo_nation_close(&m->nation);
    free(m);
    return err;
}

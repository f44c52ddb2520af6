/* Making the nation: parts of eight villages are made by several threads at once into a
 * ring of slots, and given out in order by the caller's thread. */
#include "platforms/registry/demo/organisation.h"
#include "platforms/registry/demo/record.h"
#include "sys/clock.h"
#include "sys/thread.h"

enum { PART_VILLAGES = 8, THREADS_MAX = 64, ARENA_BYTES = 16 << 20 };

/* The nation's date. Fixed: the same seed is the same country whenever it is made. */
static const struct ndc_date nation_date = {2026, 6, 30};
enum { MONTH_DAYS = 30 };

enum ndc_err demo_nation_open(struct demo_nation *nation,
                              const struct ndc_demo_config *config,
                              struct ndc_fault *fault)
{
    if (config->people == 0 || config->people > NDC_DEMO_PEOPLE_MAX) {
        return ndc_fail_at(fault, NDC_EINPUT, "demo.people", "people", 0,
                           "the demo nation has 1 to %u people", NDC_DEMO_PEOPLE_MAX);
    }
    memset(nation, 0, sizeof(*nation));
    nation->config = *config;
    nation->today = ndc_date_to_days(nation_date);
    nation->today_year = nation_date.year;
    nation->day1 = nation->today - MONTH_DAYS;
    nation->villages = (config->people + DEMO_VILLAGE_PEOPLE - 1) / DEMO_VILLAGE_PEOPLE;
    ndc_arena_init(&nation->arena, ARENA_BYTES);
    demo_places_load(&nation->places, &nation->arena);
    demo_names_load(&nation->names, &nation->arena);
    demo_ages_load(nation);
    for (unsigned i = 0; i < DEMO_FORMER_PROVINCES; i++) {
        nation->province_villages[i] =
            nation->villages / DEMO_CYCLE * nation->places.per_cycle[i];
    }
    for (unsigned slot = 0; slot < nation->villages % DEMO_CYCLE; slot++) {
        nation->province_villages[nation->places.cycle[slot]]++;
    }
    NDC_ASSERT(!nation->arena.overflow);
    return NDC_OK;
}

void demo_nation_close(struct demo_nation *nation)
{
    ndc_arena_free(&nation->arena);
}

struct slot {
    struct demo_part *part;
    uint64_t ready; /* number + 1 of the part that stands in it; 0: free */
};

struct work {
    const struct demo_nation *nation;
    enum ndc_demo_phase phase;
    bool encode;
    uint64_t parts;
    unsigned slot_count;
    struct slot *slots;
    /* Guards the rest and the slots' ready. */
    struct ndc_mutex lock;
    struct ndc_cond changed;
    uint64_t next;  /* part to make */
    uint64_t given; /* parts given out */
    bool stop;
};

static struct demo_part *part_new(void)
{
    struct demo_part *part = ndc_xcalloc(1, sizeof(*part));
    for (unsigned t = 0; t < NDC_DEMO_TABLES; t++) {
        demo_rows_init(&part->rows[t], (unsigned)ndc_demo_table(t)->column_count);
        ndc_buf_init(&part->bytes[t], 1 << 30);
    }
    return part;
}

static void part_free(struct demo_part *part)
{
    for (unsigned t = 0; t < NDC_DEMO_TABLES; t++) {
        demo_rows_free(&part->rows[t]);
        ndc_buf_free(&part->bytes[t]);
    }
    free(part->fields);
    free(part);
}

static void make_part(const struct work *work, struct demo_part *part, uint64_t number)
{
    const struct demo_nation *nation = work->nation;
    for (unsigned t = 0; t < NDC_DEMO_TABLES; t++) {
        demo_rows_reset(&part->rows[t]);
        ndc_buf_reset(&part->bytes[t]);
    }
    part->people = part->households = 0;
    uint64_t first = number * PART_VILLAGES;
    uint64_t end = NDC_MIN(first + PART_VILLAGES, nation->villages);
    for (uint64_t v = first; v < end; v++) {
        demo_village_make(nation, &part->village, v);
        demo_emit_village(nation, part, work->phase);
    }
    for (unsigned t = 0; t < NDC_DEMO_TABLES && work->encode; t++) {
        demo_encode(&part->bytes[t], ndc_demo_table(t), &part->rows[t]);
        NDC_ASSERT(!part->bytes[t].failed && !part->rows[t].text.failed);
    }
}

static void worker(void *arg)
{
    struct work *work = arg;
    ndc_mutex_lock(&work->lock);
    while (!work->stop && work->next < work->parts) {
        uint64_t number = work->next;
        if (number >= work->given + work->slot_count) {
            ndc_cond_wait(&work->changed, &work->lock);
            continue;
        }
        work->next++;
        struct slot *slot = &work->slots[number % work->slot_count];
        ndc_mutex_unlock(&work->lock);
        make_part(work, slot->part, number);
        ndc_mutex_lock(&work->lock);
        slot->ready = number + 1;
        ndc_cond_broadcast(&work->changed);
    }
    ndc_mutex_unlock(&work->lock);
}

static void split_fields(struct demo_part *part, const struct demo_rows *rows)
{
    if (part->field_cap < rows->field_count) {
        part->field_cap = rows->field_count * 2;
        part->fields =
            ndc_xrealloc(part->fields, part->field_cap * sizeof(*part->fields));
    }
    uint32_t start = 0;
    for (size_t i = 0; i < rows->field_count; i++) {
        part->fields[i] = ndc_str_n(rows->text.ptr + start, rows->ends[i] - start);
        start = rows->ends[i];
    }
}

static enum ndc_err give_part(struct demo_part *part, const struct ndc_demo_sink *sink,
                              struct ndc_demo_stats *stats, struct ndc_fault *fault)
{
    for (unsigned t = 0; t < NDC_DEMO_TABLES; t++) {
        const struct demo_rows *rows = &part->rows[t];
        if (rows->row_count == 0) continue;
        split_fields(part, rows);
        struct ndc_demo_chunk chunk = {t, ndc_demo_table(t), ndc_buf_str(&part->bytes[t]),
                                       part->fields, rows->row_count};
        enum ndc_err err = sink->chunk(sink->ctx, &chunk, fault);
        if (err) return err;
        stats->rows[t] += rows->row_count;
        if (t < NDC_DEMO_SOURCES) stats->records += rows->row_count;
        stats->bytes += chunk.bytes.len;
    }
    stats->people += part->people;
    stats->households += part->households;
    return NDC_OK;
}

static enum ndc_err give_all(struct work *work, const struct ndc_demo_sink *sink,
                             struct ndc_demo_stats *stats, struct ndc_fault *fault)
{
    for (uint64_t number = 0; number < work->parts; number++) {
        struct slot *slot = &work->slots[number % work->slot_count];
        ndc_mutex_lock(&work->lock);
        while (slot->ready != number + 1) {
            ndc_cond_wait(&work->changed, &work->lock);
        }
        ndc_mutex_unlock(&work->lock);
        enum ndc_err err = give_part(slot->part, sink, stats, fault);
        if (err) return err;
        uint64_t people = work->nation->config.people;
        if (sink->progress && !sink->progress(sink->ctx, stats->people, people)) {
            return ndc_fail(fault, NDC_ECANCELED, "demo.canceled", "stopped");
        }
        ndc_mutex_lock(&work->lock);
        work->given = number + 1;
        ndc_cond_broadcast(&work->changed);
        ndc_mutex_unlock(&work->lock);
    }
    return NDC_OK;
}

enum ndc_err ndc_demo_generate(struct ndc_demo_stats *stats,
                               const struct ndc_demo_config *config,
                               const struct ndc_demo_sink *sink, struct ndc_fault *fault)
{
    struct demo_nation *nation = ndc_xcalloc(1, sizeof(*nation));
    struct ndc_thread threads[THREADS_MAX];
    struct work work = {.nation = nation, .encode = !config->fields_only};
    int64_t start_ns = ndc_clock_mono_ns();
    memset(stats, 0, sizeof(*stats));
    enum ndc_err err = demo_nation_open(nation, config, fault);
    if (err) {
        free(nation);
        return err;
    }
    unsigned n = config->threads ? config->threads : ndc_cpu_count();
    n = NDC_MIN(n, (unsigned)THREADS_MAX);
    work.phase = config->phase ? config->phase : NDC_DEMO_DAY1;
    work.parts = (nation->villages + PART_VILLAGES - 1) / PART_VILLAGES;
    work.slot_count = 2 * n + 1;
    work.slots = ndc_xcalloc(work.slot_count, sizeof(*work.slots));
    for (unsigned i = 0; i < work.slot_count; i++) {
        work.slots[i].part = part_new();
    }
    ndc_mutex_init(&work.lock);
    ndc_cond_init(&work.changed);
    for (unsigned i = 0; i < n; i++) {
        ndc_thread_start(&threads[i], "demo", worker, &work);
    }
    err = give_all(&work, sink, stats, fault);
    ndc_mutex_lock(&work.lock);
    work.stop = true;
    ndc_cond_broadcast(&work.changed);
    ndc_mutex_unlock(&work.lock);
    for (unsigned i = 0; i < n; i++) {
        ndc_thread_join(&threads[i]);
    }
    ndc_cond_free(&work.changed);
    ndc_mutex_free(&work.lock);
    for (unsigned i = 0; i < work.slot_count; i++) {
        part_free(work.slots[i].part);
    }
    free(work.slots);
    stats->organisations = nation->villages * DEMO_VILLAGE_ORGS;
    stats->seconds = (double)(ndc_clock_mono_ns() - start_ns) / 1e9;
    demo_nation_close(nation);
    free(nation);
    return err;
}

/* The registry of fixture.h. */
#include "tests/registry/core/fixture.h"

#include "platforms/registry/live/live.h"
#include "platforms/registry/load/push.h"
#include "platforms/registry/shard/payloads.h"
#include "platforms/registry/shard/shard.h"

#include "base/csv.h"
#include "base/hash.h"
#include "base/sort.h"
#include "platforms/registry/demo/demo.h"
#include "sys/file.h"
#include "sys/log.h"

enum { PEOPLE = 2000, THREADS = 2, RUNS = 64 };

static struct ndc_fault fault;

static struct ndc_fault *fresh(void)
{
    fault = (struct ndc_fault){0};
    return &fault;
}

static void open_all(struct world *w)
{
    char stage[160];
    snprintf(stage, sizeof(stage), "%s/stage", w->dir);
    assert_ok(ndc_registry_open_store(&w->store, w->url, fresh()), &fault);
    assert_ok(ndc_registry_open(&w->reg, w->store, stage, THREADS, fresh()), &fault);
}

unsigned world_shards_wanted(void **state)
{
    const char *text = getenv("NDC_TEST_SHARDS");
    int64_t n = 0;
    if (test_db_kind(state) != NDC_POSTGRES || !text) return 0;
    assert_true(ndc_str_to_i64(ndc_str(text), &n) && n >= 0 && n <= 8);
    return (unsigned)n;
}

/* The server of another cluster, if with_shards.sh runs it, or of the test's own. */
static const char *shard_url(void **state, unsigned i)
{
    char name[32];
    snprintf(name, sizeof(name), "NDC_TEST_SHARD_%u_URL", i);
    const char *given = getenv(name);
    return given ? test_db_fresh(given) : test_db_url(state);
}

void shard_world(struct world *w, void **state)
{
    enum { SHARDS = 16 };
    for (unsigned i = 0; i < w->shards; i++) {
        char name[16];
        snprintf(name, sizeof(name), "s%u", i);
        w->shard_urls[i] = shard_url(state, i);
        assert_ok(ndc_shard_add(w->reg->shards, ndc_str(name), ndc_str(w->shard_urls[i]),
                                fresh()),
                  &fault);
    }
    assert_ok(
        ndc_shard_init(w->reg->shards, w->shard_count ? w->shard_count : SHARDS, fresh()),
        &fault);
    world_reopen(w);
}

void world_new(struct world *w, void **state)
{
    static unsigned count;
    ndc_log_setup(getenv("NDC_TEST_LOG") ? NDC_LOG_DEBUG : NDC_LOG_ERROR, false);
    *w = (struct world){.url = test_db_url(state)};
    snprintf(w->dir, sizeof(w->dir), "%s/world-%u", test_db_folder(), count++);
    assert_ok(ndc_file_mkdirs(w->dir, fresh()), &fault);
    open_all(w);
    w->shards = world_shards_wanted(state);
    if (w->shards) shard_world(w, state);
}

void world_reopen_after_fork(struct world *w)
{
    open_all(w);
}

void world_reopen_after_kill(struct world *w)
{
    test_pg_left(w->url);
    open_all(w);
}

void world_reopen(struct world *w)
{
    world_free(w);
    open_all(w);
}

void world_free(struct world *w)
{
    ndc_registry_close(w->reg);
    ndc_store_close(w->store);
}

void demo_write(const char *folder)
{
    struct ndc_demo_stats stats;
    const struct ndc_demo_config config = {.people = PEOPLE, .seed = 11, .deltas = true};
    assert_ok(ndc_demo_write(&stats, &config, folder, NULL, NULL, fresh()), &fault);
}

const char *demo_folder(void)
{
    static char folder[128];
    if (folder[0]) return folder;
    snprintf(folder, sizeof(folder), "%s/demo", test_db_folder());
    demo_write(folder);
    return folder;
}

void integrate_demo(struct world *w, struct ndc_build_stats *stats)
{
    int64_t runs[RUNS];
    size_t n;
    assert_ok(ndc_registry_declare_folder(w->reg, demo_folder(), runs, RUNS, &n, fresh()),
              &fault);
    assert_int_equal(n, NDC_DEMO_SOURCES);
    assert_ok(ndc_registry_integrate(w->reg, runs, n, NULL, stats, fresh()), &fault);
}

struct ndc_registered *declare(struct world *w, const char *id, const char *sync,
                               const char *rest)
{
    static char yaml[8192];
    struct ndc_registered *r;
    snprintf(yaml, sizeof(yaml),
             "source: %s\nagency: test\nlegal_basis: none\nentity: person\nkey: k\n"
             "connector: {type: csv, path: %s.csv}\nsync: %s\n%s",
             id, id, sync, rest);
    assert_ok(ndc_registry_declare(w->reg, ndc_str(yaml), ndc_str(w->dir), &r, fresh()),
              &fault);
    return r;
}

void write_csv(struct world *w, const char *id, const char *csv)
{
    char path[200];
    snprintf(path, sizeof(path), "%s/%s.csv", w->dir, id);
    assert_ok(ndc_file_write(path, ndc_str(csv), 0644, fresh()), &fault);
}

int64_t load(struct world *w, const char *id, struct ndc_load_result *result)
{
    struct ndc_load_result mine;
    int64_t run;
    assert_ok(ndc_registry_queue_run(w->reg, ndc_str(id), NDC_STR_NULL, &run, fresh()),
              &fault);
    assert_ok(ndc_registry_load(w->reg, run, NULL, result ? result : &mine, fresh()),
              &fault);
    return run;
}

void build(struct world *w, struct ndc_build_stats *stats)
{
    struct ndc_build_stats mine;
    assert_ok(ndc_registry_build(w->reg, NULL, stats ? stats : &mine, fresh()), &fault);
}

void push(struct world *w, const char *id, const char *ndjson,
          struct ndc_load_result *result)
{
    struct ndc_load_result mine;
    struct ndc_buf answer;
    ndc_buf_init(&answer, 1 << 20);
    const struct ndc_push batch = {.source = ndc_str(id), .ndjson = ndc_str(ndjson)};
    assert_ok(ndc_registry_push(w->reg, &batch, &answer, NULL, result ? result : &mine,
                                fresh()),
              &fault);
    ndc_buf_free(&answer);
}

int64_t count_of(struct world *w, const char *sql)
{
    struct ndc_store_conn *conn;
    int64_t n;
    assert_ok(ndc_store_take(w->store, NDC_READ, &conn, fresh()), &fault);
    assert_ok(ndc_sql_i64(conn, &n, sql, NDC_NO_ARGS, fresh()), &fault);
    ndc_store_give(conn);
    return n;
}

const char *text_of(struct world *w, const char *sql)
{
    static char text[16384];
    struct ndc_store_conn *conn;
    assert_ok(ndc_store_take(w->store, NDC_READ, &conn, fresh()), &fault);
    struct ndc_rows *rows = ndc_sql_query(conn, sql, NDC_NO_ARGS);
    text[0] = 0;
    if (ndc_rows_next(rows))
        snprintf(text, sizeof(text), "%.*s", NDC_STR_FMT(ndc_rows_text(rows, 0)));
    assert_ok(ndc_rows_end(rows, fresh()), &fault);
    ndc_store_give(conn);
    return text;
}

/* Every entity, decoded, in the order of the numbers. */
static void each(struct world *w,
                 void (*take)(void *arg, uint64_t number, int64_t updated_ms,
                              const struct ndc_entity_view *v),
                 void *arg)
{
    struct ndc_store_conn *conn;
    struct ndc_arena arena;
    ndc_arena_init(&arena, 256 << 20);
    /* What came live is with the rest then. */
    assert_ok(ndc_live_pause(w->reg->live, fresh()), &fault);
    ndc_live_resume(w->reg->live, false);
    assert_ok(ndc_store_take(w->store, NDC_READ, &conn, fresh()), &fault);
    const struct ndc_payload_range all = {.ordered = true};
    const struct ndc_payload *row;
    struct ndc_payloads *rows = ndc_payloads_open(w->reg, conn, &all);
    while ((row = ndc_payloads_next(rows))) {
        struct ndc_entity_view v;
        ndc_arena_reset(&arena);
        assert_true(ndc_entity_decode(&v, &arena, row->payload));
        take(arg, row->entity, row->updated_ms, &v);
    }
    assert_ok(ndc_payloads_close(rows, fresh()), &fault);
    ndc_store_give(conn);
    ndc_arena_free(&arena);
}

static uint64_t hash_record(const struct ndc_record *r)
{
    uint64_t h = ndc_hash_str(r->key, r->source) + (r->flags & NDC_RECORD_ENDED);
    for (unsigned i = 0; i < r->count; i++) {
        h = ndc_hash_join(h, r->fields[i].field);
        h = ndc_hash_str(r->fields[i].raw, h);
        h = ndc_hash_str(r->fields[i].value, h);
    }
    return ndc_mix64(h);
}

static void add_digest(void *arg, uint64_t number, int64_t updated_ms,
                       const struct ndc_entity_view *v)
{
    struct digest *d = arg;
    uint64_t records = 0, golden = 0, times = 0, keys = 0;
    for (unsigned i = 0; i < v->record_count; i++) {
        records += hash_record(&v->records[i]);
        keys += ndc_mix64(ndc_hash_str(v->records[i].key, v->records[i].source));
        times = ndc_hash_join(times,
                              (uint64_t)v->records[i].seen_s << 32 | v->records[i].run);
    }
    for (unsigned i = 0; i < v->golden_count; i++)
        golden = ndc_hash_str(v->golden[i].value->value,
                              ndc_hash_join(golden, v->golden[i].field));
    uint64_t h = ndc_hash_join(ndc_hash_join(number, records), golden);
    d->entities++;
    d->records += v->record_count;
    d->content += h;
    d->parts += ndc_mix64(keys);
    d->values += ndc_mix64(records);
    d->golden += ndc_mix64(ndc_hash_join(keys, golden));
    d->exact += ndc_hash_join(ndc_hash_join(h, times), (uint64_t)updated_ms);
}

struct digest digest_of(struct world *w)
{
    struct digest d = {0};
    each(w, add_digest, &d);
    return d;
}

struct wanted {
    uint32_t source;
    struct ndc_str key;
    uint64_t number;
};

static void find_record(void *arg, uint64_t number, int64_t updated_ms,
                        const struct ndc_entity_view *v)
{
    struct wanted *want = arg;
    (void)updated_ms;
    for (unsigned i = 0; i < v->record_count; i++) {
        if (v->records[i].source != want->source ||
            !ndc_str_eq(v->records[i].key, want->key))
            continue;
        assert_int_equal(want->number, 0); /* a record is in one entity */
        want->number = number;
    }
}

uint64_t entity_of(struct world *w, const char *source, const char *key)
{
    const struct ndc_registered *r = ndc_registry_find(w->reg, ndc_str(source));
    assert_non_null(r);
    struct wanted want = {r->number, ndc_str(key), 0};
    each(w, find_record, &want);
    return want.number;
}

const char *golden_of(struct world *w, uint64_t entity, const char *field)
{
    static char text[1024];
    struct ndc_store_conn *conn;
    struct ndc_arena arena;
    struct ndc_entity_view v;
    ndc_arena_init(&arena, 64 << 20);
    assert_ok(ndc_store_take(w->store, NDC_READ, &conn, fresh()), &fault);
    assert_ok(ndc_registry_read(w->reg, conn, &arena, &entity, &v, fresh()), &fault);
    ndc_store_give(conn);
    const struct ndc_golden *g =
        ndc_entity_golden(&v, ndc_field_find(ndc_str(field))->id);
    snprintf(text, sizeof(text), "%.*s", NDC_STR_FMT(g ? g->value->value : NDC_STR_NULL));
    ndc_arena_free(&arena);
    return text;
}

/* ---- F1 ---- */

struct labels { /* hash of source and key to entity, then to (truth, entity) */
    struct ndc_key64 *items;
    size_t count, cap;
    uint32_t numbers[64];
};

static void add_label(struct labels *l, uint64_t key, uint64_t value)
{
    if (l->count == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 4096;
        l->items = realloc(l->items, l->cap * sizeof(*l->items));
    }
    l->items[l->count++] = (struct ndc_key64){key, value};
}

static void add_entity(void *arg, uint64_t number, int64_t updated_ms,
                       const struct ndc_entity_view *v)
{
    (void)updated_ms;
    for (unsigned i = 0; i < v->record_count; i++)
        add_label(arg, ndc_hash_str(v->records[i].key, v->records[i].source), number);
}

static void sort_labels(struct labels *l)
{
    struct ndc_key64 *scratch = malloc((l->count + 1) * sizeof(*scratch));
    ndc_sort_key64(l->items, scratch, l->count);
    free(scratch);
}

static uint64_t lookup(const struct labels *l, uint64_t key)
{
    size_t low = 0, high = l->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (l->items[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low < l->count && l->items[low].key == key ? l->items[low].value : 0;
}

/* Pairs within runs of equal keys. */
static double pairs_of(struct labels *l)
{
    double pairs = 0;
    sort_labels(l);
    for (size_t i = 0, from = 0; i <= l->count; i++) {
        if (i < l->count && l->items[i].key == l->items[from].key) continue;
        double n = (double)(i - from);
        pairs += n * (n - 1) / 2;
        from = i;
    }
    return pairs;
}

double demo_f1(struct world *w)
{
    struct labels of = {0}, truth = {0}, found = {0}, both = {0};
    struct ndc_csv csv;
    struct ndc_buf text;
    char path[200];
    bool have;
    each(w, add_entity, &of);
    sort_labels(&of);
    snprintf(path, sizeof(path), "%s/truth.csv", demo_folder());
    ndc_buf_init(&text, 64 << 20);
    assert_ok(ndc_file_read(&text, path, fresh()), &fault);
    ndc_csv_init(&csv);
    ndc_csv_feed(&csv, text.ptr, text.len);
    ndc_csv_end(&csv);
    assert_ok(ndc_csv_next(&csv, &have, fresh()), &fault);
    while (ndc_csv_next(&csv, &have, fresh()) == NDC_OK && have) {
        const struct ndc_registered *r = ndc_registry_find(w->reg, csv.fields[0]);
        if (!r || csv.fields[2].len == 0) continue;
        uint64_t entity = lookup(&of, ndc_hash_str(csv.fields[1], r->number));
        if (!entity) continue; /* in quarantine */
        uint64_t person = ndc_hash_str(csv.fields[2], 1);
        add_label(&truth, person, 0);
        add_label(&found, entity, 0);
        add_label(&both, ndc_hash_join(person, entity), 0);
    }
    double t = pairs_of(&truth), f = pairs_of(&found), b = pairs_of(&both);
    free(of.items);
    free(truth.items);
    free(found.items);
    free(both.items);
    ndc_csv_free(&csv);
    ndc_buf_free(&text);
    return 2 * b / (t + f);
}

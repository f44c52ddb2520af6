/* Loading alone: every source of a folder to its stage. Prints `name value unit` lines,
 * processor time and nanoseconds a row by source, and a digest of what came of it (stage
 * bytes without the time of the run, quarantine, scorecards): equal digests of two
 * builds mean equal results.
 *
 * usage: load_bench DIR STORE_URL [THREADS] */
#include "base/hash.h"
#include "platforms/registry/load/stage.h"
#include "platforms/registry/registry_platform.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/thread.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

enum { RUNS_MAX = 256, PATH_BYTES = 4096 };

struct loads {
    struct ndc_registry *reg;
    int64_t runs[RUNS_MAX];
    size_t n;
    double cpu[RUNS_MAX]; /* seconds of the thread that loaded it */
    struct ndc_load_result result[RUNS_MAX];
};

static double clock_s(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void load_one(void *arg, size_t i)
{
    struct loads *l = arg;
    struct ndc_fault fault = {0};
    double from = clock_s(CLOCK_THREAD_CPUTIME_ID);
    if (ndc_registry_load(l->reg, l->runs[i], NULL, &l->result[i], &fault))
        fprintf(stderr, "run %lld: %s\n", (long long)l->runs[i], fault.message);
    l->cpu[i] = clock_s(CLOCK_THREAD_CPUTIME_ID) - from;
}

/* A record's bytes but for seen_s. */
static uint64_t hash_record(struct ndc_str bytes, uint64_t h)
{
    struct ndc_str in = bytes, body, key;
    uint64_t v;
    NDC_ASSERT(ndc_take_bytes(&in, &body));
    struct ndc_str rest = body;
    NDC_ASSERT(ndc_take_varint(&rest, &v) && ndc_take_bytes(&rest, &key) &&
               ndc_take_varint(&rest, &v) && ndc_take_varint(&rest, &v));
    h = ndc_hash64(bytes.ptr, (size_t)(rest.ptr - bytes.ptr), h);
    NDC_ASSERT(ndc_take_varint(&rest, &v));
    return ndc_hash_str(rest, h);
}

static uint64_t hash_stage(struct loads *l, struct ndc_str source, int64_t run)
{
    struct ndc_stage stage;
    struct ndc_fault fault = {0};
    struct ndc_arena arena;
    uint64_t h = 0;
    ndc_arena_init(&arena, 1 << 16);
    const char *path = ndc_registry_stage_path(l->reg, &arena, source, run);
    if (ndc_stage_open(&stage, path, &fault) == NDC_OK) {
        struct ndc_stage_cursor at;
        ndc_stage_cursor_init(&at, &stage, 1);
        for (uint32_t i = 0; i < stage.count; i++)
            h = hash_record(ndc_stage_read(&at, i), h);
        ndc_stage_cursor_free(&at);
        ndc_stage_close(&stage);
    } else {
        printf("no stage of run %lld: %s\n", (long long)run, fault.message);
    }
    ndc_arena_free(&arena);
    return h;
}

static uint64_t hash_rows(struct ndc_rows *rows, uint64_t h)
{
    struct ndc_fault fault = {0};
    while (ndc_rows_next(rows))
        for (unsigned i = 0; i < ndc_rows_columns(rows); i++)
            h = ndc_hash_str(ndc_rows_text(rows, i), h);
    NDC_ASSERT(ndc_rows_end(rows, &fault) == NDC_OK);
    return h;
}

static void print_run(struct loads *l, struct ndc_store_conn *conn, size_t i,
                      uint64_t *all)
{
    const struct ndc_load_result *r = &l->result[i];
    char source[64] = "";
    struct ndc_fault fault = {0};
    struct ndc_rows *rows =
        ndc_sql_query(conn, "SELECT source FROM registry_run WHERE run = $1",
                      NDC_ARGS(ndc_int(l->runs[i])));
    if (ndc_rows_next(rows))
        snprintf(source, sizeof(source), "%.*s", NDC_STR_FMT(ndc_rows_text(rows, 0)));
    NDC_ASSERT(ndc_rows_end(rows, &fault) == NDC_OK);
    uint64_t stage = hash_stage(l, ndc_str(source), l->runs[i]);
    uint64_t bad =
        hash_rows(ndc_sql_query(conn,
                                "SELECT record_key, line, row_json, reasons FROM "
                                "registry_quarantine WHERE run = $1 ORDER BY id",
                                NDC_ARGS(ndc_int(l->runs[i]))),
                  0);
    uint64_t card = hash_rows(
        ndc_sql_query(conn,
                      "SELECT state, rows_read, accepted, quarantined, added, changed, "
                      "unchanged, ended, bytes, scorecard FROM registry_run "
                      "WHERE run = $1",
                      NDC_ARGS(ndc_int(l->runs[i]))),
        0);
    *all = ndc_hash_join(*all, ndc_hash_join(stage, ndc_hash_join(bad, card)));
    printf("load_%s %.0f ns/row (%" PRIu64 " rows, %" PRIu64 " refused, %016" PRIx64
           " %016" PRIx64 " %016" PRIx64 ")\n",
           source, l->cpu[i] * 1e9 / (double)NDC_MAX(r->rows_read, (uint64_t)1),
           r->rows_read, r->quarantined, stage, bad, card);
}

int main(int argc, char **argv)
{
    static struct loads l;
    struct ndc_fault fault = {0};
    struct ndc_store *store;
    struct ndc_store_conn *conn;
    char path[PATH_BYTES];
    int64_t threads = 1;
    uint64_t all = 0, rows = 0;
    struct rusage usage;
    if (argc < 3 || (argc > 3 && !ndc_str_to_i64(ndc_str(argv[3]), &threads))) {
        fprintf(stderr, "usage: load_bench DIR STORE_URL [THREADS]\n");
        return 2;
    }
    snprintf(path, sizeof(path), "%s/stage", argv[1]);
    if (ndc_file_remove_tree(path, &fault) ||
        ndc_store_open(&store, argv[2], NULL, &fault) ||
        ndc_registry_open(&l.reg, store, path, 0, &fault) ||
        ndc_registry_declare_folder(l.reg, argv[1], l.runs, RUNS_MAX, &l.n, &fault)) {
        fprintf(stderr, "load_bench: %s: %s\n", fault.code, fault.message);
        return 1;
    }
    double start = clock_s(CLOCK_MONOTONIC), cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID);
    ndc_parallel_for((unsigned)threads, l.n, load_one, &l);
    double wall = clock_s(CLOCK_MONOTONIC) - start;
    cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    NDC_ASSERT(ndc_store_take(store, NDC_READ, &conn, &fault) == NDC_OK);
    for (size_t i = 0; i < l.n; i++) {
        print_run(&l, conn, i, &all);
        rows += l.result[i].rows_read;
    }
    ndc_store_give(conn);
    getrusage(RUSAGE_SELF, &usage);
    printf("load_seconds %.2f s\nload_cpu %.2f s\n", wall, cpu);
    printf("load_row %.0f ns\n", cpu * 1e9 / (double)NDC_MAX(rows, (uint64_t)1));
    printf("load_memory %ld MiB\n", usage.ru_maxrss / 1024);
    printf("load_digest %016" PRIx64 "\n", all);
    ndc_registry_close(l.reg);
    ndc_store_close(store);
    return 0;
}

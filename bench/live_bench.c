/* Changes as they come: rows of four sources, new ones and changed ones, sent by several
 * callers at once into an integrated demo nation; each is validated, linked, committed
 * and in the feed when its caller is answered. Prints `name value unit` lines.
 *
 * usage: live_bench PEOPLE DIR STORE_URL [ROWS_PER_CALL [CALLERS [SECONDS]]]
 * DIR receives the demo's files; a tenth of the rows of four sources is taken out of them
 * to come live. */
#include "bench/cpu.h"
#include "bench/shards.h"

#include "base/csv.h"
#include "base/hash.h"
#include "platforms/registry/demo/demo.h"
#include "platforms/registry/live/live.h"
#include "platforms/registry/registry_platform.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/thread.h"

#include <stdio.h>

enum { CALLS_MAX = 1 << 20, RUNS_MAX = 256, CALLERS_MAX = 64 };

static const struct {
    const char *source, *file, *changes; /* the column in which changed rows differ */
    char separator;
} files[] = {{"population", "population.csv", "hon_nhan", ','},
             {"tax", "tax.csv", "dien_thoai", ','},
             {"health_insurance", "health_insurance.psv", "dia_chi", '|'},
             {"labour", "labour.csv", "dien_thoai", ','}};

struct call {
    const char *source;
    struct ndc_str ndjson;
    size_t rows;
};

static struct call calls[CALLS_MAX];
static size_t call_count, next_call;
static struct ndc_mutex lock; /* guards next_call and what callers add up */
static double *latencies;
static size_t latency_count, rows_done, changes_done;
static int64_t stop_ns;
static struct ndc_registry *reg;
static struct ndc_fault failed;

static int fail(const struct ndc_fault *fault)
{
    fprintf(stderr, "live_bench: %s: %s\n", fault->code, fault->message);
    return 1;
}

struct splitting {
    struct ndc_str names[64];
    size_t columns, changed_column;
    struct ndc_buf kept, live;
    size_t live_rows, per_call;
    const char *source;
    uint64_t rng;
};

static void flush_call(struct splitting *s)
{
    if (s->live_rows == 0 || call_count == CALLS_MAX) return;
    char *copy = ndc_xmalloc(s->live.len);
    memcpy(copy, s->live.ptr, s->live.len);
    calls[call_count++] =
        (struct call){s->source, ndc_str_n(copy, s->live.len), s->live_rows};
    ndc_buf_reset(&s->live);
    s->live_rows = 0;
}

static void add_live(struct splitting *s, const struct ndc_csv *row, bool changed)
{
    struct ndc_json j;
    char text[64];
    ndc_json_init(&j, &s->live);
    ndc_json_object(&j);
    for (size_t i = 0; i < row->field_count && i < s->columns; i++) {
        struct ndc_str value = row->fields[i];
        if (changed && i == s->changed_column) {
            snprintf(text, sizeof(text), "09%08llu",
                     (unsigned long long)ndc_rng_below(&s->rng, 100000000));
            value = ndc_str(text);
        }
        ndc_json_key_str(&j, s->names[i]);
        ndc_json_str(&j, value);
    }
    ndc_json_end(&j);
    ndc_buf_add_byte(&s->live, '\n');
    if (++s->live_rows == s->per_call) flush_call(s);
}

static void keep_row(struct splitting *s, const struct ndc_csv *row)
{
    ndc_buf_add_str(&s->kept, row->row);
    ndc_buf_add_byte(&s->kept, '\n');
}

static enum ndc_err split_file(size_t f, const char *dir, size_t per_call,
                               struct ndc_fault *fault)
{
    struct splitting s = {.per_call = per_call, .source = files[f].source, .rng = f + 7};
    struct ndc_buf text;
    struct ndc_csv csv;
    char path[4096];
    bool have;
    snprintf(path, sizeof(path), "%s/%s", dir, files[f].file);
    ndc_buf_init(&text, (size_t)8 << 30);
    ndc_buf_init(&s.kept, (size_t)8 << 30);
    ndc_buf_init(&s.live, (size_t)1 << 30);
    enum ndc_err err = ndc_file_read(&text, path, fault);
    if (err) return err;
    ndc_csv_init(&csv);
    csv.separator = files[f].separator;
    ndc_csv_feed(&csv, text.ptr, text.len);
    ndc_csv_end(&csv);
    while (!(err = ndc_csv_next(&csv, &have, fault)) && have) {
        uint64_t draw = ndc_rng_below(&s.rng, 20);
        if (!s.columns) {
            for (; s.columns < csv.field_count && s.columns < 64; s.columns++) {
                char *name = ndc_xmalloc(csv.fields[s.columns].len + 1);
                memcpy(name, csv.fields[s.columns].ptr, csv.fields[s.columns].len);
                s.names[s.columns] = ndc_str_n(name, csv.fields[s.columns].len);
                if (ndc_str_eq_c(s.names[s.columns], files[f].changes))
                    s.changed_column = s.columns;
            }
            keep_row(&s, &csv);
        } else if (draw < 2) {
            add_live(&s, &csv, false);
        } else {
            keep_row(&s, &csv);
            if (draw < 6) add_live(&s, &csv, true);
        }
    }
    flush_call(&s);
    if (!err) err = ndc_file_write(path, ndc_buf_str(&s.kept), 0644, fault);
    ndc_csv_free(&csv);
    ndc_buf_free(&text);
    ndc_buf_free(&s.kept);
    ndc_buf_free(&s.live);
    return err;
}

static void mix_calls(void)
{
    uint64_t rng = 5;
    for (size_t i = call_count; i > 1; i--) {
        size_t k = ndc_rng_below(&rng, i);
        struct call swap = calls[i - 1];
        calls[i - 1] = calls[k];
        calls[k] = swap;
    }
}

static void run_caller(void *arg)
{
    (void)arg;
    for (;;) {
        ndc_mutex_lock(&lock);
        size_t mine = next_call++;
        bool over = mine >= call_count || failed.err || ndc_clock_mono_ns() > stop_ns;
        ndc_mutex_unlock(&lock);
        if (over) return;
        struct ndc_live_result result;
        struct ndc_fault fault = {0};
        const struct ndc_live_rows rows = {.source = ndc_str(calls[mine].source),
                                           .ndjson = calls[mine].ndjson};
        int64_t start = ndc_clock_mono_ns();
        enum ndc_err err = ndc_registry_live(reg, &rows, &result, &fault);
        double ms = (double)(ndc_clock_mono_ns() - start) * 1e-6;
        ndc_mutex_lock(&lock);
        if (err) failed = fault;
        latencies[latency_count++] = ms;
        rows_done += result.rows;
        changes_done += result.created + result.changed;
        ndc_mutex_unlock(&lock);
    }
}

static int compare_f64(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return a < b ? -1 : a > b;
}

static void run_callers(unsigned callers)
{
    struct ndc_thread threads[CALLERS_MAX];
    for (unsigned i = 0; i < callers; i++)
        ndc_thread_start(&threads[i], "caller", run_caller, NULL);
    for (unsigned i = 0; i < callers; i++)
        ndc_thread_join(&threads[i]);
}

static int measure(unsigned callers, int64_t seconds)
{
    /* The first call makes the index of blocking keys. */
    stop_ns = INT64_MAX;
    size_t all = call_count;
    call_count = NDC_MIN(all, (size_t)1);
    int64_t start = ndc_clock_mono_ns();
    run_callers(1);
    printf("live_ready %.2f s\n", (double)(ndc_clock_mono_ns() - start) * 1e-9);
    call_count = all;
    next_call = 1;
    latency_count = rows_done = changes_done = 0;
    start = ndc_clock_mono_ns();
    stop_ns = start + seconds * 1000000000;
    double cpu = bench_cpu_seconds();
    run_callers(callers);
    if (failed.err) return fail(&failed);
    double took = (double)(ndc_clock_mono_ns() - start) * 1e-9;
    qsort(latencies, latency_count, sizeof(*latencies), compare_f64);
    printf("live_rows %zu rows\n", rows_done);
    printf("live_changes %zu changes\n", changes_done);
    printf("live_seconds %.2f s\n", took);
    printf("live_rate %.0f changes/s\n", (double)changes_done / took);
    printf("live_cpu %.1f us/change\n",
           (bench_cpu_seconds() - cpu) * 1e6 / (double)NDC_MAX(changes_done, (size_t)1));
    printf("live_call_p50 %.1f ms\n", latencies[latency_count / 2]);
    printf("live_call_p99 %.1f ms\n", latencies[latency_count * 99 / 100]);
    return 0;
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0); /* who profiles waits for live_ready */
    struct ndc_fault fault = {0};
    struct ndc_demo_stats made;
    struct ndc_store *store;
    struct ndc_build_stats stats;
    int64_t runs[RUNS_MAX], people, per_call = 500, callers = 4, seconds = 3600;
    size_t n;
    char path[4096];
    if (argc < 4 || !ndc_str_to_i64(ndc_str(argv[1]), &people) ||
        (argc > 4 && !ndc_str_to_i64(ndc_str(argv[4]), &per_call)) ||
        (argc > 5 && !ndc_str_to_i64(ndc_str(argv[5]), &callers)) ||
        (argc > 6 && !ndc_str_to_i64(ndc_str(argv[6]), &seconds))) {
        fprintf(stderr, "usage: live_bench PEOPLE DIR STORE_URL [ROWS_PER_CALL [CALLERS "
                        "[SECONDS]]]\n");
        return 2;
    }
    ndc_mutex_init(&lock);
    latencies = ndc_xmalloc(CALLS_MAX * sizeof(*latencies));
    const struct ndc_demo_config config = {.people = (uint64_t)people, .seed = 1};
    if (ndc_demo_write(&made, &config, argv[2], NULL, NULL, &fault)) return fail(&fault);
    for (size_t f = 0; f < NDC_ARRAY_LEN(files); f++)
        if (split_file(f, argv[2], (size_t)NDC_MAX(per_call, 1), &fault))
            return fail(&fault);
    mix_calls();
    snprintf(path, sizeof(path), "%s/stage", argv[2]);
    if (ndc_registry_open_store(&store, argv[3], &fault)) return fail(&fault);
    if (ndc_registry_open(&reg, store, path, 0, &fault) ||
        bench_shards(&reg, store, path, &fault))
        return fail(&fault);
    if (ndc_registry_declare_folder(reg, argv[2], runs, RUNS_MAX, &n, &fault))
        return fail(&fault);
    if (ndc_registry_integrate(reg, runs, n, NULL, &stats, &fault)) return fail(&fault);
    printf("live_people %llu people\n", (unsigned long long)stats.people);
    printf("live_records %llu records\n", (unsigned long long)stats.records);
    int status = measure((unsigned)NDC_MIN(NDC_MAX(callers, 1), CALLERS_MAX), seconds);
    if (bench_shard_reads(reg, &fault)) return fail(&fault);
    ndc_registry_close(reg);
    ndc_store_close(store);
    return status;
}

/* The whole pipeline on the demo nation: parse, validate, link, golden record, lineage,
 * stored, indexed. Prints `name value unit` lines, the linking quality against the truth
 * included.
 *
 * usage: pipeline_bench PEOPLE DIR STORE_URL [stream] [MEMORY]
 * DIR receives the demo files, or has them from before. With `stream` it receives pipes
 * and vehicles.sqlite: another process makes each table while it is loaded, for nations
 * whose files would not fit on the disk. That process's time and memory are not counted,
 * and the linking's quality is not told: the truth alone would be gigabytes. MEMORY, in
 * MiB, bounds what linking may take: with 1 records are linked on disk. */
#include "base/csv.h"
#include "base/hash.h"
#include "bench/cpu.h"
#include "bench/shards.h"
#include "bench/truth.h"
#include "platforms/registry/demo/demo.h"
#include "platforms/registry/registry_platform.h"
#include "sys/clock.h"
#include "sys/file.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static int fail(const struct ndc_fault *fault)
{
    fprintf(stderr, "pipeline_bench: %s: %s\n", fault->code, fault->message);
    return 1;
}

static double seconds(int64_t since)
{
    return (double)(ndc_clock_mono_ns() - since) * 1e-9;
}

/* A number of a file of /proc that stands after `name`; 0: not there. */
static uint64_t proc_number(const char *path, const char *name)
{
    char line[256];
    uint64_t v = 0;
    size_t n = strlen(name);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f))
        if (strncmp(line, name, n) == 0) v = strtoull(line + n, NULL, 10);
    if (f) fclose(f);
    return v;
}

/* Memory at its highest since the last call (mapped files included), MiB. */
static uint64_t peak_memory(void)
{
    uint64_t kib = proc_number("/proc/self/status", "VmHWM:");
    FILE *f = fopen("/proc/self/clear_refs", "we"); /* 5: the highest begins anew */
    if (f) {
        fputs("5", f);
        fclose(f);
    }
    return kib / 1024;
}

static uint64_t written_bytes(void)
{
    return proc_number("/proc/self/io", "write_bytes:");
}

/* What a phase took, told when the next begins: memory and bytes given to the disk. */
struct phases {
    const char *now;
    uint64_t written, memory;
    int64_t start_ns;
    double cpu;
};

static void end_phase(struct phases *p)
{
    uint64_t memory = peak_memory(), written = written_bytes();
    if (p->now) {
        printf("pipeline_memory_%s %llu MiB\n", p->now, (unsigned long long)memory);
        printf("pipeline_written_%s %llu MB\n", p->now,
               (unsigned long long)(written - p->written) / 1000000);
        printf("pipeline_seconds_%s %.2f s\n", p->now, seconds(p->start_ns));
        printf("pipeline_cpu_%s %.2f s\n", p->now, bench_cpu_seconds() - p->cpu);
        fflush(stdout);
    }
    p->start_ns = ndc_clock_mono_ns();
    p->cpu = bench_cpu_seconds();
    p->written = written;
    p->memory = NDC_MAX(p->memory, memory);
}

static void print_phase(void *arg, const char *phase, uint64_t done, uint64_t total,
                        const char *unit)
{
    (void)unit;
    struct phases *p = arg;
    if (p->now && strcmp(p->now, phase) == 0) return;
    end_phase(p);
    p->now = phase;
    fprintf(stderr, "%s (%llu of %llu)\n", phase, (unsigned long long)done,
            (unsigned long long)total);
}

/* Starts the process that fills the pipes. */
static pid_t serve_pipes(const struct ndc_demo_config *config, const char *dir,
                         struct ndc_fault *fault)
{
    uint64_t rows;
    if (ndc_demo_pipes_make(config, dir, fault)) return -1;
    fflush(stdout);
    pid_t child = fork();
    if (child) return child;
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    int status = ndc_demo_pipes_serve(&rows, config, dir, fault) ? fail(fault) : 0;
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    printf("demo_generate_cpu %lld s\n",
           (long long)(u.ru_utime.tv_sec + u.ru_stime.tv_sec));
    fflush(stdout);
    _exit(status);
}

int main(int argc, char **argv)
{
    struct ndc_fault fault = {0};
    struct ndc_demo_stats made;
    struct ndc_registry *reg;
    struct ndc_store *store;
    struct ndc_build_stats stats;
    int64_t runs[256], people, start, memory = 0;
    size_t n;
    char path[4096];
    bool stream = argc > 4 && strcmp(argv[4], "stream") == 0;
    pid_t generator = 0;
    if (argc < 4 || argc > 5 + stream || !ndc_str_to_i64(ndc_str(argv[1]), &people) ||
        (argc > 4 + stream && !ndc_str_to_i64(ndc_str(argv[4 + stream]), &memory))) {
        fprintf(stderr, "usage: pipeline_bench PEOPLE DIR STORE_URL [stream] [MEMORY]\n");
        return 2;
    }
    const struct ndc_demo_config config = {.people = (uint64_t)people, .seed = 1};
    snprintf(path, sizeof(path), "%s/truth.csv", argv[2]);
    if (stream) {
        generator = serve_pipes(&config, argv[2], &fault);
        if (generator < 0) return fail(&fault);
    } else if (!ndc_file_exists(path)) {
        start = ndc_clock_mono_ns();
        if (ndc_demo_write(&made, &config, argv[2], NULL, NULL, &fault))
            return fail(&fault);
        printf("demo_records %llu records\n", (unsigned long long)made.records);
        printf("demo_generate %.2f s\n", seconds(start));
    }
    snprintf(path, sizeof(path), "%s/stage", argv[2]);
    if (ndc_file_remove_tree(path, &fault)) return fail(&fault);
    if (ndc_registry_open_store(&store, argv[3], &fault)) return fail(&fault);
    if (ndc_registry_open(&reg, store, path, 0, &fault) ||
        bench_shards(&reg, store, path, &fault))
        return fail(&fault);
    if (ndc_registry_declare_folder(reg, argv[2], runs, 256, &n, &fault))
        return fail(&fault);
    if (memory) reg->link_bytes = (uint64_t)memory << 20;
    struct phases phases = {0};
    end_phase(&phases);
    phases.now = "load";
    const struct ndc_progress progress = {.arg = &phases, .tell = print_phase};
    start = ndc_clock_mono_ns();
    double cpu_before = bench_cpu_seconds();
    if (ndc_registry_integrate(reg, runs, n, &progress, &stats, &fault))
        return fail(&fault);
    double all = seconds(start), cpu = bench_cpu_seconds() - cpu_before;
    end_phase(&phases);
    printf("pipeline_memory %llu MiB\n", (unsigned long long)phases.memory);
    printf("pipeline_records %llu records\n", (unsigned long long)stats.records);
    printf("pipeline_people %llu people\n", (unsigned long long)stats.people);
    printf("pipeline_organisations %llu organisations\n",
           (unsigned long long)stats.organisations);
    printf("pipeline_seconds %.2f s\n", all);
    printf("pipeline_cpu %.2f s\n", cpu);
    printf("pipeline_rate %.0f records/s\n", (double)stats.records / all);
    printf("pipeline_load %.2f s\n",
           all - stats.seconds_link - stats.seconds_entities - stats.seconds_stage);
    printf("pipeline_link %.2f s\n", stats.seconds_link);
    printf("pipeline_entities %.2f s\n", stats.seconds_entities);
    printf("pipeline_payload %.1f bytes/record\n",
           (double)stats.payload_bytes / (double)stats.records);
    printf("pipeline_index_entries %llu entries\n",
           (unsigned long long)stats.index_entries);
    printf("pipeline_pairs %llu pairs\n", (unsigned long long)stats.pairs);
    if (!stream) bench_truth(reg, argv[2]);
    ndc_registry_close(reg);
    ndc_store_close(store);
    int status = 0;
    if (stream && waitpid(generator, &status, 0) < 0) return 1;
    return status != 0;
}

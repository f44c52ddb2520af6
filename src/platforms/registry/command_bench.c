/* `ndc bench pipeline`: the whole pipeline on a demo nation made for it. */
#include "platforms/registry/command_bench.h"

#include "platforms/registry/demo/demo.h"
#include "platforms/registry/registry_platform.h"
#include "sys/clock.h"
#include "sys/file.h"

#include <stdio.h>

enum { RUNS_MAX = NDC_REGISTRY_SOURCES_MAX };

static enum ndc_err integrate(struct ndc_store *store, const char *folder,
                              struct ndc_fault *fault)
{
    struct ndc_registry *reg;
    struct ndc_build_stats s;
    char stage[4096];
    int64_t runs[RUNS_MAX];
    size_t n = 0;
    snprintf(stage, sizeof(stage), "%s/stage", folder);
    enum ndc_err err = ndc_registry_open(&reg, store, stage, 0, fault);
    if (err) return err;
    err = ndc_registry_declare_folder(reg, folder, runs, RUNS_MAX, &n, fault);
    int64_t start = ndc_clock_mono_ns();
    if (!err) err = ndc_registry_integrate(reg, runs, n, NULL, &s, fault);
    double seconds = (double)(ndc_clock_mono_ns() - start) * 1e-9;
    ndc_registry_close(reg);
    if (err) return err;
    printf("pipeline_records %llu records\n", (unsigned long long)s.records);
    printf("pipeline_people %llu people\n", (unsigned long long)s.people);
    printf("pipeline_seconds %.2f s\n", seconds);
    printf("pipeline_rate %.0f records/s\n", (double)s.records / seconds);
    printf("pipeline_link %.2f s\n", s.seconds_link);
    printf("pipeline_entities %.2f s\n", s.seconds_entities);
    return NDC_OK;
}

enum ndc_err ndc_registry_command_bench(struct ndc_command_call *call,
                                        struct ndc_fault *fault)
{
    char folder[] = "/tmp/ndc-bench-XXXXXX", url[4096];
    struct ndc_demo_stats made;
    struct ndc_store *store = NULL;
    struct ndc_fault ignored = {0};
    int64_t people;
    enum ndc_err err =
        ndc_command_i64(call, "people", 100, NDC_DEMO_PEOPLE_MAX, &people, fault);
    if (err) return err;
    if (!mkdtemp(folder)) return ndc_fail_errno(fault, "io.mkdir", "create", folder);
    struct ndc_demo_config config = {.people = (uint64_t)people, .seed = 1};
    const char *database = ndc_command_option(call, "store");
    snprintf(url, sizeof(url), "sqlite:%s/registry.db", folder);
    err = ndc_demo_write(&made, &config, folder, NULL, NULL, fault);
    if (!err) {
        printf("demo_records %llu records\n", (unsigned long long)made.records);
        printf("demo_seconds %.2f s\n", made.seconds);
        err = ndc_registry_open_store(&store, database ? database : url, fault);
    }
    if (!err) err = integrate(store, folder, fault);
    ndc_store_close(store);
    if (ndc_file_remove_tree(folder, &ignored))
        fprintf(stderr, "ndc: %s\n", ignored.message);
    return err;
}

const struct ndc_option ndc_registry_bench_options[] = {
    {"people", "N", "100000", "people of the nation"},
    {"store", "URL", NULL,
     "an empty database of its own: postgres:…; SQLite if not given"},
    {0}};

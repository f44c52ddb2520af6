/* `ndc demo`, `ndc source …`, `ndc link …`. */
#include "platforms/registry/link/command.h"
#include "platforms/registry/capture/command.h"
#include "platforms/registry/change/command.h"
#include "platforms/registry/command_bench.h"
#include "platforms/registry/demo/command.h"
#include "platforms/registry/registry_platform.h"
#include "platforms/registry/shard/command.h"
#include "sys/bar.h"
#include "sys/clock.h"
#include "sys/file.h"

#include <limits.h>
#include <stdio.h>

enum { RUNS_MAX = NDC_REGISTRY_SOURCES_MAX };

static void tell(void *arg, const char *phase, uint64_t done, uint64_t total,
                 const char *unit)
{
    (void)unit;
    ndc_bar_whole(arg, phase, done, total);
}

static enum ndc_err integrate(struct ndc_registry *reg, const int64_t *runs, size_t n,
                              struct ndc_fault *fault)
{
    struct ndc_bar bar;
    struct ndc_build_stats stats;
    const struct ndc_progress progress = {.arg = &bar, .tell = tell};
    int64_t start = ndc_clock_mono_ns();
    ndc_bar_begin(&bar);
    enum ndc_err err = ndc_registry_integrate(reg, runs, n, &progress, &stats, fault);
    ndc_bar_end(&bar);
    if (err) return err;
    printf("%llu records: %llu people, %llu organisations (%.1f s)\n",
           (unsigned long long)stats.records, (unsigned long long)stats.people,
           (unsigned long long)stats.organisations,
           (double)(ndc_clock_mono_ns() - start) * 1e-9);
    return NDC_OK;
}

static enum ndc_err open_registry(struct ndc_command_call *call,
                                  struct ndc_registry **reg, struct ndc_fault *fault)
{
    enum ndc_err err = ndc_app_start(call->app, fault);
    if (!err) *reg = ndc_app_platform_state(call->app, "registry");
    return err;
}

static enum ndc_err run_source_add(struct ndc_command_call *call, struct ndc_fault *fault)
{
    struct ndc_registry *reg = NULL;
    int64_t runs[RUNS_MAX];
    size_t n;
    enum ndc_err err = open_registry(call, &reg, fault);
    if (!err)
        err = ndc_registry_declare_folder(reg, call->args[0], runs, RUNS_MAX, &n, fault);
    if (err) return err;
    printf("%zu sources declared\n", n);
    return ndc_command_flag(call, "load") ? integrate(reg, runs, n, fault) : NDC_OK;
}

static enum ndc_err run_source_list(struct ndc_command_call *call,
                                    struct ndc_fault *fault)
{
    struct ndc_registry *reg = NULL;
    enum ndc_err err = open_registry(call, &reg, fault);
    if (err) return err;
    for (uint32_t i = 1; i <= reg->source_count; i++) {
        const struct ndc_registered *r = ndc_registry_by_number(reg, i);
        if (!r) continue;
        printf("%-24.*s %-8s %-12s %.*s\n", NDC_STR_FMT(r->source->id),
               ndc_connector_name(r->source->connector), ndc_source_about(r->source),
               NDC_STR_FMT(r->source->title.vi));
    }
    return NDC_OK;
}

static enum ndc_err run_source_load(struct ndc_command_call *call,
                                    struct ndc_fault *fault)
{
    struct ndc_registry *reg = NULL;
    int64_t runs[RUNS_MAX];
    size_t n = 0;
    char path[PATH_MAX] = "";
    const char *given = ndc_command_option(call, "path");
    if (given && call->args_n != 1)
        return ndc_usage(fault, "--path goes with exactly one source");
    if (given && !realpath(given, path))
        return ndc_fail_errno(fault, "io.open", "open", given);
    enum ndc_err err = open_registry(call, &reg, fault);
    for (unsigned i = 0; i < call->args_n && !err && n < RUNS_MAX; i++)
        err = ndc_registry_queue_run(reg, ndc_str(call->args[i]), ndc_str(path),
                                     &runs[n++], fault);
    for (uint32_t i = 1; !err && call->args_n == 0 && i <= reg->source_count; i++) {
        struct ndc_registered *r = ndc_registry_by_number(reg, i);
        if (r && r->source->connector != NDC_CONNECT_PUSH &&
            !ndc_source_followed(r->source))
            err = ndc_registry_queue_run(reg, r->source->id, NDC_STR_NULL, &runs[n++],
                                         fault);
    }
    return err ? err : integrate(reg, runs, n, fault);
}

static enum ndc_err run_source_check(struct ndc_command_call *call,
                                     struct ndc_fault *fault)
{
    struct ndc_buf yaml;
    struct ndc_arena arena;
    struct ndc_source *source;
    ndc_buf_init(&yaml, 1 << 20);
    ndc_arena_init(&arena, 8 << 20);
    enum ndc_err err = ndc_file_read(&yaml, call->args[0], fault);
    if (!err) err = ndc_source_parse(&source, &arena, ndc_buf_str(&yaml), fault);
    if (!err)
        printf("%.*s: %u fields, %u rules: good\n", NDC_STR_FMT(source->id),
               source->field_count, source->rule_count);
    ndc_arena_free(&arena);
    ndc_buf_free(&yaml);
    return err;
}

static const struct ndc_option add_options[] = {
    {"load", NULL, NULL, "load and integrate them at once"}, {0}};

/* Everything from the stages anew: after a damaged index, a new model, many decisions. */
static enum ndc_err run_link_build(struct ndc_command_call *call, struct ndc_fault *fault)
{
    struct ndc_registry *reg = NULL;
    enum ndc_err err = open_registry(call, &reg, fault);
    return err ? err : integrate(reg, NULL, 0, fault);
}

static const struct ndc_option load_options[] = {
    {"path", "FILE", NULL, "read this file instead of the declared one (one source)"},
    {0}};

const struct ndc_command ndc_registry_commands[NDC_REGISTRY_COMMANDS] = {
    {.name = "bench pipeline",
     .summary = "time load, link and build on a demo nation made for it",
     .options = ndc_registry_bench_options,
     .run = ndc_registry_command_bench},
    {.name = "changes",
     .summary = "print the change feed, a JSON object a line",
     .detail = "Says which people and organisations changed, how, by which source and in "
               "which fields, in the order of commits; never values. It may run beside "
               "the daemon. docs/change-feed.md describes the members.",
     .options = ndc_changes_options,
     .run = ndc_changes_command},
    {.name = "demo",
     .summary = "make a demo nation and the 16 databases drawn from it",
     .detail =
         "Writes a country that does not exist but could: people in families and "
         "households, organisations, and what 16 national databases know of them, "
         "with the errors such databases have. Each database has its declaration "
         "(NAME.yaml); truth.csv, persons.csv and organisations.csv hold the truth. "
         "docs/demo-nation.md describes it.",
     .options = ndc_demo_options,
     .run = ndc_demo_command_run},
    {.name = "shard add",
     .args = "SERVER CONNINFO",
     .args_min = 2,
     .args_max = 2,
     .summary = "make a database server for shards known, or its address another",
     .detail = "CONNINFO is postgres:host=… dbname=… user=… without a password, which "
               "libpq finds in ~/.pgpass, PGPASSFILE or a service file. docs/scaling.md "
               "describes shards; deploy/shards sets servers up.",
     .run = ndc_shard_command_add},
    {.name = "shard init",
     .summary = "spread the payloads of entities over all known servers",
     .detail = "Once, while no daemon works on the registry. What is there is copied.",
     .options = ndc_shard_init_options,
     .run = ndc_shard_command_init},
    {.name = "shard list",
     .summary = "show what each server holds and what waits for it",
     .run = ndc_shard_command_list},
    {.name = "shard move",
     .args = "SHARD SERVER",
     .args_min = 2,
     .args_max = 2,
     .summary = "move a shard to a server while it is read and written",
     .detail =
         "A move that was interrupted goes on when the same command is given again.",
     .run = ndc_shard_command_move},
    {.name = "source add",
     .args = "FOLDER",
     .args_min = 1,
     .args_max = 1,
     .summary = "declare the sources of a folder (*.yaml)",
     .options = add_options,
     .run = run_source_add},
    {.name = "source check",
     .args = "FILE",
     .args_min = 1,
     .args_max = 1,
     .summary = "check a declaration without keeping it",
     .run = run_source_check},
    {.name = "source follow",
     .args = "SOURCE",
     .args_min = 1,
     .args_max = 1,
     .summary = "take a source's changes as they come",
     .detail =
         "For a connector of type postgres with a slot, or of type changes, while no "
         "daemon runs (which does it by itself). docs/change-capture.md.",
     .options = ndc_capture_options,
     .run = ndc_capture_command},
    {.name = "source list",
     .summary = "list the declared sources",
     .run = run_source_list},
    {.name = "source load",
     .args = "[SOURCE…]",
     .args_max = 64,
     .summary = "load sources (all, if none is named) and integrate",
     .options = load_options,
     .run = run_source_load},
    {.name = "link build",
     .summary = "link all loaded sources anew and build entities and index",
     .run = run_link_build},
    {.name = "link eval",
     .summary = "judge record linkage on labelled CSV files",
     .detail =
         "Links the records of one or two CSV files by a spec and compares the result "
         "with the truth column that the spec names: precision, recall and F1 of "
         "pairs, B-cubed, seconds. docs/linking.md explains how to write a spec.",
     .options = ndc_link_eval_options,
     .run = ndc_link_command_eval},
    {.name = "link run",
     .summary = "link the records of CSV files",
     .detail = "Writes a CSV file that says which entity each record is.",
     .options = ndc_link_run_options,
     .run = ndc_link_command_run},
};

/* `ndc demo`: the demo nation into a folder. */
#include "platforms/registry/demo/command.h"
#include "platforms/registry/demo/demo.h"
#include "sys/clock.h"

#include <stdio.h>
#include <unistd.h>

static bool show_progress(void *ctx, uint64_t done, uint64_t people)
{
    int64_t *last_ns = ctx, now_ns = ndc_clock_mono_ns();
    if (done < people && now_ns - *last_ns < 200000000) return true;
    *last_ns = now_ns;
    int part = (int)(done * 40 / people);
    fprintf(stderr, "\r  people [%.*s%.*s] %3d %%%s", part,
            "########################################", 40 - part,
            "........................................", (int)(done * 100 / people),
            done == people ? "\n" : "");
    return true;
}

static void print_stats(const struct ndc_demo_stats *stats, const char *directory)
{
    printf("%llu people in %llu households, %llu organisations, %llu records of 16 "
           "databases\n",
           (unsigned long long)stats->people, (unsigned long long)stats->households,
           (unsigned long long)stats->organisations, (unsigned long long)stats->records);
    for (unsigned id = 0; id < NDC_DEMO_SOURCES; id++) {
        printf("  %-20s %10llu\n", ndc_demo_table(id)->name,
               (unsigned long long)stats->rows[id]);
    }
    printf("in %s: %.1f MB, %.1f s, %.0f records/s\n", directory,
           (double)stats->bytes / 1e6, stats->seconds,
           (double)stats->records / stats->seconds);
}

enum ndc_err ndc_demo_command_run(struct ndc_command_call *call, struct ndc_fault *fault)
{
    int64_t people, seed, threads, last_ns = 0;
    enum ndc_err err =
        ndc_command_i64(call, "people", 1, NDC_DEMO_PEOPLE_MAX, &people, fault);
    if (!err) err = ndc_command_i64(call, "seed", 0, INT64_MAX, &seed, fault);
    if (!err) err = ndc_command_i64(call, "threads", 0, 64, &threads, fault);
    if (err) return err;
    const char *out = ndc_command_option(call, "out");
    struct ndc_demo_config config = {.people = (uint64_t)people,
                                     .seed = (uint64_t)seed,
                                     .threads = (unsigned)threads,
                                     .deltas = ndc_command_flag(call, "deltas"),
                                     .things = ndc_command_flag(call, "things")};
    struct ndc_demo_stats stats;
    if (ndc_command_flag(call, "pipes")) {
        uint64_t rows;
        err = ndc_demo_pipes_make(&config, out, fault);
        if (err) return err;
        printf("%s: pipes are there, each is made while it is read\n", out);
        fflush(stdout);
        err = ndc_demo_pipes_serve(&rows, &config, out, fault);
        if (!err) printf("%llu rows were read\n", (unsigned long long)rows);
        return err;
    }
    bool terminal = isatty(STDERR_FILENO);
    err = ndc_demo_write(&stats, &config, out, terminal ? show_progress : NULL, &last_ns,
                         fault);
    if (!err) print_stats(&stats, out);
    return err;
}

const struct ndc_option ndc_demo_options[] = {
    {"people", "N", "100000", "people, those who died in the last 8 years included"},
    {"seed", "S", "1", "another number, another nation; the same number, the same bytes"},
    {"out", "DIR", "data/demo",
     "folder to write to; files of the same names are replaced"},
    {"deltas", NULL, NULL, "also DIR/day2: what changed in a month"},
    {"things", NULL, NULL, "also DIR/things: parcels, schools, enrolments"},
    {"pipes", NULL, NULL,
     "pipes instead of files, each read once; nothing but vehicles.sqlite is written"},
    {"threads", "N", "0", "threads; 0: one per core; the result is the same"},
    {0}};

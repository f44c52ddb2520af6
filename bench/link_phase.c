/* The linking phase alone, over the stages of an integrated registry: seconds and
 * processor seconds by step, memory, and a digest of everything that linking decided
 * (entities, edges, reviews, blocks cut, the model's bytes), so that two builds of the
 * program, or two numbers of threads, can be held against each other. Writes nothing.
 *
 * MEMORY bounds what linking may take, in MiB: with 1 records are linked on disk.
 *
 * usage: link_phase STAGE_DIR STORE_URL [THREADS [MEMORY]] */
#include "base/hash.h"
#include "bench/cpu.h"
#include "platforms/registry/build/build.h"
#include "platforms/registry/link/match.h"
#include "sys/clock.h"

#include <stdio.h>

enum { MODEL_BYTES_MAX = 1 << 30 };

struct steps {
    int64_t wall;
    double cpu;
};

/* Memory at its highest since the last call, MiB. */
static double peak_memory(void)
{
    double mib = 0;
    char line[256];
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof(line), f)) {
        if (strncmp(line, "VmHWM:", 6) == 0) mib = strtod(line + 6, NULL) / 1024;
    }
    if (f) fclose(f);
    f = fopen("/proc/self/clear_refs", "w"); /* 5: the highest begins anew */
    if (f) {
        fputs("5", f);
        fclose(f);
    }
    return mib;
}

static void lap(struct steps *s, const char *kind, const char *step)
{
    int64_t wall = ndc_clock_mono_ns();
    double cpu = bench_cpu_seconds();
    printf("%s_%s %.3f s, %.3f s of processor time, %.0f MiB at most\n", kind, step,
           (double)(wall - s->wall) * 1e-9, cpu - s->cpu, peak_memory());
    s->wall = ndc_clock_mono_ns();
    s->cpu = bench_cpu_seconds();
}

/* The engine tells how far it is: at these parts of a whole a step begins. */
static void on_part(void *arg, const char *phase, uint64_t done, uint64_t total,
                    const char *unit)
{
    static const struct {
        uint64_t part;
        const char *ended;
    } parts[] = {{0, "feed"},          {100, "seal"},  {200, "identifiers"},
                 {300, "block+learn"}, {800, "score"}, {1000, "cluster"}};
    (void)phase, (void)total, (void)unit;
    for (size_t i = 0; i < NDC_ARRAY_LEN(parts); i++)
        if (parts[i].part == done) lap(arg, "link", parts[i].ended);
}

static uint64_t digest(struct build_link *l, uint64_t h, struct ndc_fault *fault)
{
    size_t n;
    struct ndc_buf model;
    for (uint32_t r = 0; r < l->rows; r++)
        h = ndc_hash_join(h, ndc_link_entity(l->link, r));
    const struct ndc_link_edge *edges = ndc_link_edges(l->link, &n);
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &edges[i].log_odds, sizeof(bits));
        h = ndc_hash_join(h, (uint64_t)edges[i].a << 32 | edges[i].b);
        h = ndc_hash_join(h, (uint64_t)bits << 16 | edges[i].kind << 1 | edges[i].joined);
    }
    const struct ndc_link_review *reviews = ndc_link_reviews(l->link, &n);
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &reviews[i].log_odds, sizeof(bits));
        h = ndc_hash_join(h, (uint64_t)reviews[i].a << 32 | reviews[i].b);
        h = ndc_hash_join(h, (uint64_t)bits << 16 | reviews[i].reason << 1 |
                                 reviews[i].joined);
    }
    const struct ndc_link_cap *caps = ndc_link_caps(l->link, &n);
    for (size_t i = 0; i < n; i++)
        h = ndc_hash_join(ndc_hash_str(ndc_str(caps[i].rule), h),
                          caps[i].pairs_kept ^ (uint64_t)caps[i].example << 32);
    ndc_buf_init(&model, MODEL_BYTES_MAX);
    if (ndc_link_model_write(l->link, &model, fault) == NDC_OK)
        h = ndc_hash_str(ndc_buf_str(&model), h);
    ndc_buf_free(&model);
    return h;
}

static enum ndc_err run(struct build *b, struct steps *s, struct ndc_fault *fault)
{
    static const char *const kinds[NDC_ENTITY_COUNT] = {"person", "organisation"};
    enum ndc_err err = ndc_build_open_stages(b, fault);
    if (err) return err;
    lap(s, "link", "open");
    uint64_t h = 1;
    for (int t = 0; t < NDC_ENTITY_COUNT && !err; t++) {
        struct build_link *l = &b->links[t];
        if (!l->source_count) continue;
        l->type = (enum ndc_entity)t;
        err = ndc_build_link(b, l, fault);
        if (err) break;
        lap(s, kinds[t], "groups");
        h = digest(l, h, fault);
        printf("%s_digest %016llx, %u entities\n", kinds[t], (unsigned long long)h,
               l->entities);
        *s = (struct steps){ndc_clock_mono_ns(), bench_cpu_seconds()};
    }
    return err;
}

int main(int argc, char **argv)
{
    struct ndc_fault fault = {0};
    struct ndc_registry *reg;
    struct ndc_store *store;
    struct ndc_build_stats stats = {0};
    int64_t threads = 0, memory = 0;
    if (argc < 3 || (argc > 3 && !ndc_str_to_i64(ndc_str(argv[3]), &threads)) ||
        (argc > 4 && !ndc_str_to_i64(ndc_str(argv[4]), &memory))) {
        fprintf(stderr, "usage: link_phase STAGE_DIR STORE_URL [THREADS [MEMORY]]\n");
        return 2;
    }
    if (ndc_registry_open_store(&store, argv[2], &fault) ||
        ndc_registry_open(&reg, store, argv[1], (unsigned)threads, &fault)) {
        fprintf(stderr, "link_phase: %s\n", fault.message);
        return 1;
    }
    if (memory) reg->link_bytes = (uint64_t)memory << 20;
    struct steps steps = {ndc_clock_mono_ns(), bench_cpu_seconds()}, whole = steps;
    const struct ndc_progress progress = {.arg = &steps, .tell = on_part};
    struct build b = {.registry = reg, .progress = &progress, .stats = &stats};
    enum ndc_err err = run(&b, &steps, &fault);
    if (err) fprintf(stderr, "link_phase: %s\n", fault.message);
    if (!err) lap(&whole, "link", "whole");
    for (int t = 0; t < NDC_ENTITY_COUNT; t++)
        ndc_build_link_free(&b.links[t]);
    ndc_registry_close(reg);
    ndc_store_close(store);
    return err != NDC_OK;
}

/* Search by kind of query: time, and whether the person meant is found. */
#include "bench/cpu.h"
#include "bench/people_bench.h"
#include "bench/people_query.h"

#include "base/hash.h"
#include "sys/clock.h"

#include <stdio.h>

enum { ARENA_BYTES = 64 << 20, DRAWS_MAX = 20 };

struct outcome {
    size_t queries, first, ten, found, hits;
    double *ms;
};

static int compare_f64(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return a < b ? -1 : a > b;
}

static void take(struct outcome *o, double ms, const struct ndc_search_hit *hits,
                 size_t n, uint64_t meant)
{
    size_t at = 0;
    while (at < n && hits[at].number != meant)
        at++;
    o->ms[o->queries++] = ms;
    o->first += n > 0 && at == 0;
    o->ten += at < NDC_MIN(n, (size_t)10);
    o->found += at < n;
    o->hits += n;
}

static void print(const char *pass, const char *kind, struct outcome *o)
{
    double n = (double)NDC_MAX(o->queries, (size_t)1);
    if (o->queries) qsort(o->ms, o->queries, sizeof(*o->ms), compare_f64);
    printf("search_%s_%s_p50 %.2f ms\n", pass, kind, o->ms[o->queries / 2]);
    printf("search_%s_%s_p95 %.2f ms\n", pass, kind, o->ms[o->queries * 95 / 100]);
    printf("search_%s_%s_p99 %.2f ms\n", pass, kind, o->ms[o->queries * 99 / 100]);
    printf("search_%s_%s_recall1 %.3f\n", pass, kind, (double)o->first / n);
    printf("search_%s_%s_recall10 %.3f\n", pass, kind, (double)o->ten / n);
    printf("search_%s_%s_found %.3f\n", pass, kind, (double)o->found / n);
    printf("search_%s_%s_hits %.1f hits\n", pass, kind, (double)o->hits / n);
}

struct searcher {
    struct ndc_registry *registry;
    struct ndc_store_conn *conn;
    struct ndc_arena drawn, arena;
    struct ndc_search_hit hits[NDC_SEARCH_MAX];
};

/* Some person who has what the kind asks for. */
static enum ndc_err draw(struct searcher *s, struct ndc_search *q, uint64_t *meant,
                         uint64_t people, uint64_t *rng, enum people_kind kind,
                         bool *drawn, struct ndc_fault *fault)
{
    *drawn = false;
    for (int i = 0; i < DRAWS_MAX && !*drawn; i++) {
        struct ndc_entity_view v;
        *meant = 1 + ndc_rng_below(rng, people);
        ndc_arena_reset(&s->drawn);
        enum ndc_err err =
            ndc_registry_read(s->registry, s->conn, &s->drawn, meant, &v, fault);
        if (err == NDC_ENOTFOUND) continue;
        if (err) return err;
        *drawn = people_query(q, &s->drawn, rng, kind, &v);
    }
    return NDC_OK;
}

/* One pass over all kinds; the same seed draws the same queries. The person's own payload
 * has been read by drawing the query, all else has not. */
static enum ndc_err pass(struct searcher *s, const char *name, uint64_t people,
                         size_t per_kind, uint64_t seed, struct ndc_fault *fault)
{
    struct outcome all = {.ms = ndc_xmalloc((per_kind * PEOPLE_KINDS + 1) * 8)};
    struct outcome o = {.ms = ndc_xmalloc((per_kind + 1) * sizeof(*o.ms))};
    enum ndc_err err = NDC_OK;
    double cpu = bench_cpu_seconds();
    for (int kind = 0; kind < PEOPLE_KINDS && !err; kind++) {
        uint64_t rng = ndc_mix64(seed * PEOPLE_KINDS + (uint64_t)kind), meant;
        o = (struct outcome){.ms = o.ms};
        for (size_t i = 0; i < per_kind && !err; i++) {
            struct ndc_search q;
            bool drawn;
            size_t n;
            err =
                draw(s, &q, &meant, people, &rng, (enum people_kind)kind, &drawn, fault);
            if (err || !drawn) continue;
            ndc_arena_reset(&s->arena);
            int64_t start = ndc_clock_mono_ns();
            err = ndc_registry_search(s->registry, s->conn, &s->arena, &q, s->hits,
                                      NDC_SEARCH_MAX, &n, NULL, fault);
            double ms = (double)(ndc_clock_mono_ns() - start) * 1e-6;
            if (err) continue;
            take(&o, ms, s->hits, n, meant);
            take(&all, ms, s->hits, n, meant);
        }
        print(name, people_kind_name((enum people_kind)kind), &o);
        fflush(stdout);
    }
    print(name, "all", &all);
    printf("search_%s_cpu %.3f ms/query\n", name,
           (bench_cpu_seconds() - cpu) * 1e3 / (double)NDC_MAX(all.queries, (size_t)1));
    free(o.ms);
    free(all.ms);
    return err;
}

enum ndc_err people_search(struct ndc_registry *reg, uint64_t people, size_t per_kind,
                           uint64_t seed, struct ndc_fault *fault)
{
    struct searcher *s = ndc_xcalloc(1, sizeof(*s));
    s->registry = reg;
    ndc_arena_init(&s->drawn, ARENA_BYTES);
    ndc_arena_init(&s->arena, ARENA_BYTES);
    enum ndc_err err = ndc_store_take(reg->store, NDC_READ, &s->conn, fault);
    if (!err) {
        ndc_store_conn_timeout(s->conn, 0);
        err = pass(s, "cold", people, per_kind, seed, fault);
        if (!err) err = pass(s, "again", people, per_kind, seed, fault);
        if (!err) err = pass(s, "warm", people, per_kind, seed + 1, fault);
        ndc_store_give(s->conn);
    }
    ndc_arena_free(&s->drawn);
    ndc_arena_free(&s->arena);
    free(s);
    return err;
}

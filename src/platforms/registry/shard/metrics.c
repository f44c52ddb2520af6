/* What /metrics says of the servers of shards. */
#include "platforms/registry/shard/shard_internal.h"

#include "core/metrics.h"

#include <stdio.h>

enum { LIST_BYTES = 1 << 20 };

static void set(struct ndc_metrics *m, const char *name, const char *server,
                const char *help, double value)
{
    char labels[NDC_SHARD_NAME_MAX + 16];
    snprintf(labels, sizeof(labels), "server=\"%s\"", server);
    ndc_gauge_set(ndc_gauge_new(m, name, labels, help), value);
}

static void collect(void *arg)
{
    struct ndc_shards *s = arg;
    struct ndc_arena arena;
    struct ndc_shard_state *states;
    struct ndc_fault ignored = {0};
    size_t n = 0;
    if (!ndc_shards_count(s)) return;
    ndc_arena_init(&arena, LIST_BYTES);
    /* A coordinator that is away is told of elsewhere. */
    if (ndc_shard_list(s, &arena, false, &states, &n, &ignored)) n = 0;
    for (size_t i = 0; i < n; i++) {
        const struct ndc_shard_state *v = &states[i];
        set(s->metrics, "ndc_shard_up", v->name, "Whether the server answered last",
            v->why[0] ? 0 : 1);
        set(s->metrics, "ndc_shard_shards", v->name, "Shards on the server", v->shards);
        set(s->metrics, "ndc_shard_moving", v->name, "Of them on their way", v->moving);
        set(s->metrics, "ndc_shard_waiting", v->name,
            "Changes that are not on the server yet", (double)v->waiting);
    }
    ndc_arena_free(&arena);
}

void ndc_shards_measure(struct ndc_shards *s, struct ndc_metrics *metrics)
{
    s->metrics = metrics;
    ndc_metrics_collect(metrics, collect, s);
}

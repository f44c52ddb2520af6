/* Reading ahead (search_ahead.h). */
#include "platforms/registry/serve/search_ahead.h"

#include "core/pool.h"
#include "platforms/registry/registry.h"
#include "platforms/registry/shard/payloads.h"

enum { THREADS = 6, QUEUE_MAX = 64, PART_MAX = 32 };

struct ndc_ahead {
    struct ndc_registry *registry;
    struct ndc_mutex lock; /* guards pool */
    struct ndc_pool *pool;
};

struct part {
    struct ndc_registry *registry;
    size_t count;
    uint64_t entities[PART_MAX];
};

static void pass_over(void *arg, size_t i, int64_t change, struct ndc_str payload)
{
    (void)arg, (void)i, (void)change, (void)payload;
}

static void read_part(void *arg)
{
    struct part *p = arg;
    struct ndc_store_conn *conn;
    struct ndc_fault ignored = {0};
    if (!ndc_store_take(p->registry->store, NDC_READ, &conn, &ignored)) {
        (void)!ndc_payload_each(p->registry, conn, p->entities, p->count, pass_over, NULL,
                                &ignored);
        ndc_store_give(conn);
    }
    free(p);
}

struct ndc_ahead *ndc_ahead_new(struct ndc_registry *registry)
{
    struct ndc_ahead *a = ndc_xcalloc(1, sizeof(*a));
    a->registry = registry;
    ndc_mutex_init(&a->lock);
    return a;
}

void ndc_ahead_free(struct ndc_ahead *a)
{
    if (!a) return;
    ndc_pool_free(a->pool);
    ndc_mutex_free(&a->lock);
    free(a);
}

void ndc_ahead_read(struct ndc_ahead *a, const uint64_t *entities, size_t n)
{
    ndc_mutex_lock(&a->lock);
    if (!a->pool) a->pool = ndc_pool_new("ndc-ahead", THREADS, QUEUE_MAX);
    ndc_mutex_unlock(&a->lock);
    for (size_t from = 0; from < n; from += PART_MAX) {
        struct part *p = ndc_xmalloc(sizeof(*p));
        p->registry = a->registry;
        p->count = NDC_MIN(n - from, (size_t)PART_MAX);
        memcpy(p->entities, entities + from, p->count * sizeof(*p->entities));
        if (ndc_pool_submit(a->pool, read_part, p)) continue;
        free(p);
        return;
    }
}

/* A ring of calls under one lock. */
#include "core/pool.h"

#include "sys/thread.h"

enum { THREADS_MAX = 256 };

struct call {
    void (*fn)(void *arg);
    void *arg;
};

struct ndc_pool {
    struct ndc_mutex lock; /* guards everything below */
    struct ndc_cond more;
    struct call *ring;
    size_t cap, head, n;
    bool stop;
    struct ndc_thread threads[THREADS_MAX];
    unsigned threads_n;
};

static void work(void *arg)
{
    struct ndc_pool *pool = arg;
    ndc_mutex_lock(&pool->lock);
    for (;;) {
        while (pool->n == 0 && !pool->stop)
            ndc_cond_wait(&pool->more, &pool->lock);
        if (pool->n == 0) break;
        struct call call = pool->ring[pool->head];
        pool->head = (pool->head + 1) % pool->cap;
        pool->n--;
        ndc_mutex_unlock(&pool->lock);
        call.fn(call.arg);
        ndc_mutex_lock(&pool->lock);
    }
    ndc_mutex_unlock(&pool->lock);
}

struct ndc_pool *ndc_pool_new(const char *name, unsigned threads, size_t queue_max)
{
    struct ndc_pool *pool = ndc_xcalloc(1, sizeof(*pool));
    NDC_ASSERT(threads > 0 && threads <= THREADS_MAX && queue_max > 0);
    pool->cap = queue_max;
    pool->ring = ndc_xcalloc(queue_max, sizeof(pool->ring[0]));
    ndc_mutex_init(&pool->lock);
    ndc_cond_init(&pool->more);
    pool->threads_n = threads;
    for (unsigned i = 0; i < threads; i++)
        ndc_thread_start(&pool->threads[i], name, work, pool);
    return pool;
}

void ndc_pool_free(struct ndc_pool *pool)
{
    if (!pool) return;
    ndc_mutex_lock(&pool->lock);
    pool->stop = true;
    ndc_cond_broadcast(&pool->more);
    ndc_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->threads_n; i++)
        ndc_thread_join(&pool->threads[i]);
    ndc_cond_free(&pool->more);
    ndc_mutex_free(&pool->lock);
    free(pool->ring);
    free(pool);
}

bool ndc_pool_submit(struct ndc_pool *pool, void (*fn)(void *arg), void *arg)
{
    ndc_mutex_lock(&pool->lock);
    bool room = pool->n < pool->cap && !pool->stop;
    if (room) {
        pool->ring[(pool->head + pool->n) % pool->cap] = (struct call){fn, arg};
        pool->n++;
        ndc_cond_signal(&pool->more);
    }
    ndc_mutex_unlock(&pool->lock);
    return room;
}

size_t ndc_pool_queued(struct ndc_pool *pool)
{
    ndc_mutex_lock(&pool->lock);
    size_t n = pool->n;
    ndc_mutex_unlock(&pool->lock);
    return n;
}

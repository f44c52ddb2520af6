/* Threads on POSIX. */
#include "sys/thread.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

enum { PARALLEL_MAX = 64, STACK_BYTES = 1 << 20 };

void ndc_mutex_init(struct ndc_mutex *mutex)
{
    NDC_ASSERT(pthread_mutex_init(&mutex->m, NULL) == 0);
}

void ndc_mutex_free(struct ndc_mutex *mutex)
{
    NDC_ASSERT(pthread_mutex_destroy(&mutex->m) == 0);
}

void ndc_mutex_lock(struct ndc_mutex *mutex)
{
    NDC_ASSERT(pthread_mutex_lock(&mutex->m) == 0);
}

bool ndc_mutex_try(struct ndc_mutex *mutex)
{
    int rc = pthread_mutex_trylock(&mutex->m);
    NDC_ASSERT(rc == 0 || rc == EBUSY);
    return rc == 0;
}

void ndc_mutex_unlock(struct ndc_mutex *mutex)
{
    NDC_ASSERT(pthread_mutex_unlock(&mutex->m) == 0);
}

void ndc_cond_init(struct ndc_cond *cond)
{
    pthread_condattr_t attr;
    NDC_ASSERT(pthread_condattr_init(&attr) == 0);
    NDC_ASSERT(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
    NDC_ASSERT(pthread_cond_init(&cond->c, &attr) == 0);
    pthread_condattr_destroy(&attr);
}

void ndc_cond_free(struct ndc_cond *cond)
{
    NDC_ASSERT(pthread_cond_destroy(&cond->c) == 0);
}

void ndc_cond_wait(struct ndc_cond *cond, struct ndc_mutex *mutex)
{
    NDC_ASSERT(pthread_cond_wait(&cond->c, &mutex->m) == 0);
}

bool ndc_cond_wait_ms(struct ndc_cond *cond, struct ndc_mutex *mutex, int64_t timeout_ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t ns = t.tv_nsec + timeout_ms % 1000 * 1000000;
    t.tv_sec += timeout_ms / 1000 + ns / 1000000000;
    t.tv_nsec = ns % 1000000000;
    int rc = pthread_cond_timedwait(&cond->c, &mutex->m, &t);
    NDC_ASSERT(rc == 0 || rc == ETIMEDOUT);
    return rc == 0;
}

void ndc_cond_signal(struct ndc_cond *cond)
{
    NDC_ASSERT(pthread_cond_signal(&cond->c) == 0);
}

void ndc_cond_broadcast(struct ndc_cond *cond)
{
    NDC_ASSERT(pthread_cond_broadcast(&cond->c) == 0);
}

struct start {
    void (*fn)(void *arg);
    void *arg;
    char name[16];
};

static void *run_thread(void *arg)
{
    struct start start = *(struct start *)arg;
    free(arg);
    pthread_setname_np(pthread_self(), start.name);
    start.fn(start.arg);
    return NULL;
}

void ndc_thread_start(struct ndc_thread *thread, const char *name, void (*fn)(void *arg),
                      void *arg)
{
    struct start *start = ndc_xmalloc(sizeof(*start));
    *start = (struct start){.fn = fn, .arg = arg};
    snprintf(start->name, sizeof(start->name), "%s", name);
    sigset_t all, old;
    pthread_attr_t attr;
    sigfillset(&all);
    NDC_ASSERT(pthread_attr_init(&attr) == 0);
    NDC_ASSERT(pthread_attr_setstacksize(&attr, STACK_BYTES * 2) == 0);
    NDC_ASSERT(pthread_sigmask(SIG_SETMASK, &all, &old) == 0);
    NDC_ASSERT(pthread_create(&thread->t, &attr, run_thread, start) == 0);
    NDC_ASSERT(pthread_sigmask(SIG_SETMASK, &old, NULL) == 0);
    pthread_attr_destroy(&attr);
}

void ndc_thread_join(struct ndc_thread *thread)
{
    NDC_ASSERT(pthread_join(thread->t, NULL) == 0);
}

struct parallel {
    void (*fn)(void *arg, size_t i);
    void *arg;
    size_t n;
    atomic_size_t next;
};

static void run_share(void *arg)
{
    struct parallel *p = arg;
    for (;;) {
        size_t i = atomic_fetch_add(&p->next, 1);
        if (i >= p->n) return;
        p->fn(p->arg, i);
    }
}

void ndc_parallel_for(unsigned threads, size_t n, void (*fn)(void *arg, size_t i),
                      void *arg)
{
    struct parallel p = {.fn = fn, .arg = arg, .n = n};
    struct ndc_thread others[PARALLEL_MAX];
    threads = (unsigned)NDC_MIN((size_t)NDC_MIN(threads, (unsigned)PARALLEL_MAX), n);
    for (unsigned i = 1; i < threads; i++)
        ndc_thread_start(&others[i], "ndc-par", run_share, &p);
    run_share(&p);
    for (unsigned i = 1; i < threads; i++)
        ndc_thread_join(&others[i]);
}

uint64_t ndc_thread_disk_bytes(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_THREAD, &usage) != 0) return 0;
    return (uint64_t)usage.ru_inblock * 512;
}

unsigned ndc_cpu_count(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
    int n = CPU_COUNT(&set);
    return n > 0 ? (unsigned)n : 1;
}

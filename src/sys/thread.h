/* Threads, mutexes, conditions: POSIX threads whose misuse aborts. */
#ifndef NDC_SYS_THREAD_H
#define NDC_SYS_THREAD_H

#include "base/ndc.h"

#include <pthread.h>

struct ndc_mutex {
    pthread_mutex_t m;
};

struct ndc_cond {
    pthread_cond_t c;
};

struct ndc_thread {
    pthread_t t;
};

void ndc_mutex_init(struct ndc_mutex *mutex);
void ndc_mutex_free(struct ndc_mutex *mutex);
void ndc_mutex_lock(struct ndc_mutex *mutex);
/* False at once where another thread has it. */
bool ndc_mutex_try(struct ndc_mutex *mutex) NDC_MUST_USE;
void ndc_mutex_unlock(struct ndc_mutex *mutex);

void ndc_cond_init(struct ndc_cond *cond);
void ndc_cond_free(struct ndc_cond *cond);
void ndc_cond_wait(struct ndc_cond *cond, struct ndc_mutex *mutex);
/* False once `timeout_ms` has passed without a signal. */
bool ndc_cond_wait_ms(struct ndc_cond *cond, struct ndc_mutex *mutex, int64_t timeout_ms);
void ndc_cond_signal(struct ndc_cond *cond);
void ndc_cond_broadcast(struct ndc_cond *cond);

/* Starts fn(arg) with signals blocked; `name` (at most 15 bytes) shows in top. Join once.
 */
void ndc_thread_start(struct ndc_thread *thread, const char *name, void (*fn)(void *arg),
                      void *arg);
void ndc_thread_join(struct ndc_thread *thread);

/* Runs fn(arg, i) for every i in [0, n) on up to `threads` threads and returns when all
 * are done. Which thread runs which i is not fixed: results must depend on i alone. */
void ndc_parallel_for(unsigned threads, size_t n, void (*fn)(void *arg, size_t i),
                      void *arg);
/* Bytes that the disk was asked for by this thread since it began (SQLite's reads; what
 * another process reads for us is not among them). */
uint64_t ndc_thread_disk_bytes(void);
/* Processors this process may use, at least 1. */
unsigned ndc_cpu_count(void);

#endif

/* Processor time, which a busy machine changes little. */
#ifndef NDC_BENCH_CPU_H
#define NDC_BENCH_CPU_H

#include <sys/resource.h>

/* Of this process so far, in seconds. */
static inline double bench_cpu_seconds(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

#endif

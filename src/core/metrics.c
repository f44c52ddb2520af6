/* Metrics: cells in fixed arrays, counted with relaxed atomics; registration is locked.
 */
#include "core/metrics.h"

#include "sys/thread.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>

enum { COLLECTORS_MAX = 64 };

static const double bounds_s[] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
                                  0.01,   0.025,   0.05,   0.1,   0.25,   0.5,
                                  1,      2.5,     5,      10};
enum { BUCKETS = NDC_ARRAY_LEN(bounds_s) };

enum kind { COUNTER, GAUGE, HISTOGRAM };

struct ndc_counter {
    atomic_ullong value;
};

struct ndc_gauge {
    _Atomic double value;
};

struct ndc_histogram {
    atomic_ullong buckets[BUCKETS + 1];
    atomic_ullong sum_ns;
};

struct metric {
    char *name, *labels, *help;
    enum kind kind;
    union {
        struct ndc_counter *counter;
        struct ndc_gauge *gauge;
        struct ndc_histogram *histogram;
        void *cell;
    };
};

struct collector {
    void (*fn)(void *arg);
    void *arg;
};

struct ndc_metrics {
    struct ndc_mutex lock; /* guards registration and writing */
    struct metric metrics[NDC_METRICS_MAX];
    size_t n;
    struct collector collectors[COLLECTORS_MAX];
    size_t collectors_n;
    struct ndc_counter spare_counter;
    struct ndc_gauge spare_gauge;
    struct ndc_histogram spare_histogram;
};

struct ndc_metrics *ndc_metrics_new(void)
{
    struct ndc_metrics *metrics = ndc_xcalloc(1, sizeof(*metrics));
    ndc_mutex_init(&metrics->lock);
    return metrics;
}

void ndc_metrics_free(struct ndc_metrics *metrics)
{
    if (!metrics) return;
    for (size_t i = 0; i < metrics->n; i++) {
        free(metrics->metrics[i].name);
        free(metrics->metrics[i].labels);
        free(metrics->metrics[i].help);
        free(metrics->metrics[i].cell);
    }
    ndc_mutex_free(&metrics->lock);
    free(metrics);
}

static void *add(struct ndc_metrics *metrics, enum kind kind, const char *name,
                 const char *labels, const char *help, size_t size)
{
    void *cell = NULL;
    labels = labels ? labels : "";
    ndc_mutex_lock(&metrics->lock);
    for (size_t i = 0; i < metrics->n && !cell; i++) {
        struct metric *m = &metrics->metrics[i];
        if (m->kind == kind && strcmp(m->name, name) == 0 &&
            strcmp(m->labels, labels) == 0)
            cell = m->cell;
    }
    if (!cell && metrics->n < NDC_METRICS_MAX) {
        cell = ndc_xcalloc(1, size);
        metrics->metrics[metrics->n++] = (struct metric){
            strdup(name), strdup(labels), strdup(help), kind, {.cell = cell}};
    }
    ndc_mutex_unlock(&metrics->lock);
    return cell;
}

struct ndc_counter *ndc_counter_new(struct ndc_metrics *metrics, const char *name,
                                    const char *labels, const char *help)
{
    void *cell = add(metrics, COUNTER, name, labels, help, sizeof(struct ndc_counter));
    return cell ? cell : &metrics->spare_counter;
}

struct ndc_gauge *ndc_gauge_new(struct ndc_metrics *metrics, const char *name,
                                const char *labels, const char *help)
{
    void *cell = add(metrics, GAUGE, name, labels, help, sizeof(struct ndc_gauge));
    return cell ? cell : &metrics->spare_gauge;
}

struct ndc_histogram *ndc_histogram_new(struct ndc_metrics *metrics, const char *name,
                                        const char *labels, const char *help)
{
    void *cell =
        add(metrics, HISTOGRAM, name, labels, help, sizeof(struct ndc_histogram));
    return cell ? cell : &metrics->spare_histogram;
}

void ndc_counter_add(struct ndc_counter *counter, uint64_t n)
{
    atomic_fetch_add_explicit(&counter->value, n, memory_order_relaxed);
}

uint64_t ndc_counter_get(const struct ndc_counter *counter)
{
    return atomic_load_explicit(&counter->value, memory_order_relaxed);
}

void ndc_gauge_set(struct ndc_gauge *gauge, double value)
{
    atomic_store_explicit(&gauge->value, value, memory_order_relaxed);
}

void ndc_gauge_add(struct ndc_gauge *gauge, double delta)
{
    double old = atomic_load_explicit(&gauge->value, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(
        &gauge->value, &old, old + delta, memory_order_relaxed, memory_order_relaxed)) {
    }
}

void ndc_histogram_observe_ns(struct ndc_histogram *histogram, int64_t ns)
{
    size_t i = 0;
    double s = (double)ns * 1e-9;
    while (i < BUCKETS && s > bounds_s[i])
        i++;
    atomic_fetch_add_explicit(&histogram->buckets[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->sum_ns, (unsigned long long)NDC_MAX(ns, 0),
                              memory_order_relaxed);
}

void ndc_metrics_collect(struct ndc_metrics *metrics, void (*fn)(void *arg), void *arg)
{
    ndc_mutex_lock(&metrics->lock);
    NDC_ASSERT(metrics->collectors_n < COLLECTORS_MAX);
    metrics->collectors[metrics->collectors_n++] = (struct collector){fn, arg};
    ndc_mutex_unlock(&metrics->lock);
}

static void write_line(struct ndc_buf *out, const char *name, const char *suffix,
                       const char *labels, const char *more)
{
    bool any = *labels || *more;
    ndc_buf_printf(out, "%s%s%s%s%s%s%s ", name, suffix, any ? "{" : "", labels,
                   *labels && *more ? "," : "", more, any ? "}" : "");
}

static void write_histogram(struct ndc_buf *out, const struct metric *m)
{
    uint64_t total = 0;
    char le[32];
    for (size_t i = 0; i <= BUCKETS; i++) {
        total += atomic_load_explicit(&m->histogram->buckets[i], memory_order_relaxed);
        if (i < BUCKETS)
            snprintf(le, sizeof(le), "le=\"%g\"", bounds_s[i]);
        else
            snprintf(le, sizeof(le), "le=\"+Inf\"");
        write_line(out, m->name, "_bucket", m->labels, le);
        ndc_buf_printf(out, "%llu\n", (unsigned long long)total);
    }
    write_line(out, m->name, "_sum", m->labels, "");
    ndc_buf_printf(out, "%.9g\n", (double)atomic_load(&m->histogram->sum_ns) * 1e-9);
    write_line(out, m->name, "_count", m->labels, "");
    ndc_buf_printf(out, "%llu\n", (unsigned long long)total);
}

static void write_metric(struct ndc_buf *out, const struct metric *m)
{
    if (m->kind == HISTOGRAM) {
        write_histogram(out, m);
        return;
    }
    write_line(out, m->name, "", m->labels, "");
    if (m->kind == COUNTER)
        ndc_buf_printf(out, "%llu\n", (unsigned long long)ndc_counter_get(m->counter));
    else
        ndc_buf_printf(out, "%.17g\n", atomic_load(&m->gauge->value));
}

/* All samples of one name must stand together, under one HELP and TYPE. */
void ndc_metrics_write(struct ndc_metrics *metrics, struct ndc_buf *out)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    ndc_mutex_lock(&metrics->lock);
    size_t collectors_n = metrics->collectors_n;
    ndc_mutex_unlock(&metrics->lock);
    for (size_t i = 0; i < collectors_n; i++)
        metrics->collectors[i].fn(metrics->collectors[i].arg);
    ndc_mutex_lock(&metrics->lock);
    bool *written = ndc_xcalloc(metrics->n + 1, sizeof(*written));
    for (size_t i = 0; i < metrics->n; i++) {
        const struct metric *m = &metrics->metrics[i];
        if (written[i]) continue;
        ndc_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name,
                       kinds[m->kind]);
        for (size_t k = i; k < metrics->n; k++) {
            if (written[k] || strcmp(metrics->metrics[k].name, m->name) != 0) continue;
            write_metric(out, &metrics->metrics[k]);
            written[k] = true;
        }
    }
    free(written);
    ndc_mutex_unlock(&metrics->lock);
}

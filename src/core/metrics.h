/* Metrics in Prometheus' text format at /metrics. A metric is made once, at start, and
 * then counted without locks. */
#ifndef NDC_CORE_METRICS_H
#define NDC_CORE_METRICS_H

#include "base/buf.h"

enum { NDC_METRICS_MAX = 4096 };

struct ndc_metrics;
struct ndc_counter;
struct ndc_gauge;
struct ndc_histogram;

struct ndc_metrics *ndc_metrics_new(void);
void ndc_metrics_free(struct ndc_metrics *metrics);

/* `labels` is what stands between the braces: `source="tax"`, or NULL. Strings are
 * copied. The same name and labels give the same metric. Past METRICS_MAX metrics, calls
 * return a spare one that is not shown. */
struct ndc_counter *ndc_counter_new(struct ndc_metrics *metrics, const char *name,
                                    const char *labels, const char *help);
struct ndc_gauge *ndc_gauge_new(struct ndc_metrics *metrics, const char *name,
                                const char *labels, const char *help);
/* Seconds, in buckets from 0.1 ms to 10 s. */
struct ndc_histogram *ndc_histogram_new(struct ndc_metrics *metrics, const char *name,
                                        const char *labels, const char *help);

void ndc_counter_add(struct ndc_counter *counter, uint64_t n);
uint64_t ndc_counter_get(const struct ndc_counter *counter);
void ndc_gauge_set(struct ndc_gauge *gauge, double value);
void ndc_gauge_add(struct ndc_gauge *gauge, double delta);
void ndc_histogram_observe_ns(struct ndc_histogram *histogram, int64_t ns);

/* Called before each scrape, to set gauges that are read from elsewhere. */
void ndc_metrics_collect(struct ndc_metrics *metrics, void (*fn)(void *arg), void *arg);
/* Everything, as text/plain; version=0.0.4. */
void ndc_metrics_write(struct ndc_metrics *metrics, struct ndc_buf *out);

#endif

/* What the process, its databases and its server look like now, for /metrics. */
#include "core/app_private.h"

#include "core/metrics.h"
#include "store/writer.h"
#include "sys/clock.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static void set(struct ndc_app *app, const char *name, const char *labels,
                const char *help, double value)
{
    ndc_gauge_set(ndc_gauge_new(app->metrics, name, labels, help), value);
}

static double resident_bytes(void)
{
    long pages = 0, ignored;
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f) return 0;
    char line[128], *end;
    if (fgets(line, sizeof(line), f)) {
        ignored = strtol(line, &end, 10);
        (void)ignored;
        pages = strtol(end, NULL, 10);
    }
    fclose(f);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double open_files(void)
{
    double n = 0;
    DIR *dir = opendir("/proc/self/fd");
    if (!dir) return 0;
    while (readdir(dir))
        n++;
    closedir(dir);
    return n - 3;
}

static void store_gauges(struct ndc_app *app, const char *label, struct ndc_store *store)
{
    struct ndc_store_stats s;
    if (!store) return;
    ndc_store_stats(store, &s);
    set(app, "ndc_store_writes", label, "Writes through the writer since start",
        (double)s.writes);
    set(app, "ndc_store_commits", label, "Commits since start", (double)s.commits);
    set(app, "ndc_store_commits_failed", label, "Failed commits since start",
        (double)s.commits_failed);
    set(app, "ndc_store_queued", label, "Writes waiting now", s.queued);
    set(app, "ndc_store_readers_taken", label, "Read connections in use now",
        s.readers_taken);
    set(app, "ndc_store_waits", label, "Takes that had to wait since start",
        (double)s.waits);
    set(app, "ndc_store_reconnects", label, "Reconnections since start",
        (double)s.reconnects);
}

static void collect(void *arg)
{
    struct ndc_app *app = arg;
    struct rusage usage;
    struct ndc_http_stats http;
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        set(app, "process_cpu_seconds_total", NULL, "CPU time, user and system",
            (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6);
    set(app, "process_resident_memory_bytes", NULL, "Memory in use", resident_bytes());
    set(app, "process_open_fds", NULL, "Open files", open_files());
    set(app, "process_start_time_seconds", NULL, "When the process started",
        (double)app->start_ms * 1e-3);
    store_gauges(app, "database=\"main\"", app->store);
    store_gauges(app, "database=\"audit\"", app->audit_store);
    set(app, "ndc_slow_queued", NULL, "Slow requests waiting for a thread",
        (double)ndc_pool_queued(app->pool));
    if (!app->http) return;
    ndc_http_stats(app->http, &http);
    set(app, "ndc_http_connections_open", NULL, "Connections open now", http.open);
    set(app, "ndc_http_connections", NULL, "Connections since start",
        (double)http.connections);
    set(app, "ndc_http_timed_out", NULL, "Connections cut for being slow",
        (double)http.timed_out);
    set(app, "ndc_http_held", NULL, "Requests whose answer is being made elsewhere",
        http.held);
}

void ndc_app_gauges(struct ndc_app *app)
{
    char labels[64];
    snprintf(labels, sizeof(labels), "version=\"%s\"", NDC_VERSION);
    set(app, "ndc_info", labels, "What runs", 1);
    ndc_metrics_collect(app->metrics, collect, app);
}

/* The server's life: options to libmicrohttpd's flags, start, stop. The flags were chosen
 * by measurement (docs/operators-guide.md): epoll with a thread pool of one thread per
 * processor, and suspend/resume so that no thread waits for a disk. */
#include "net/server.h"

#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"
#include "sys/random.h"

#include <stdio.h>
#include <unistd.h>

enum {
    PEM_BYTES_MAX = 1 << 20,
    STOP_REQUESTS_MS = 2000, /* for answers on their way */
    STOP_HELD_MS = 8000,     /* for held exchanges: their holders are bounded too */
    STOP_STEP_MS = 10,
    CUT_AT_ONCE = 64,
    OPTIONS_MAX = 24
};

static size_t keep_escapes(void *arg, struct MHD_Connection *mhd, char *text)
{
    (void)arg;
    (void)mhd;
    return strlen(text); /* url.c decodes, from the raw target */
}

static void log_mhd(void *arg, const char *format, va_list args)
{
    char line[512];
    (void)arg;
    vsnprintf(line, sizeof(line), format, args);
    ndc_log(NDC_LOG_DEBUG, "net", "%s", line);
}

static enum ndc_err read_pem(char **out, const char *path, struct ndc_fault *fault)
{
    struct ndc_buf text;
    if (!path || !*path) return NDC_OK;
    ndc_buf_init(&text, PEM_BYTES_MAX);
    enum ndc_err err = ndc_file_read(&text, path, fault);
    if (err == NDC_OK) ndc_buf_add_byte(&text, 0);
    if (err == NDC_OK)
        *out = text.ptr;
    else
        ndc_buf_free(&text);
    return err;
}

static enum ndc_err read_tls(struct ndc_http_server *server, struct ndc_fault *fault)
{
    const struct ndc_http_options *o = &server->options;
    bool cert = o->tls_cert && *o->tls_cert, key = o->tls_key && *o->tls_key;
    if (cert != key)
        return ndc_fail_at(fault, NDC_EINPUT, "config.value",
                           cert ? "tls_key" : "tls_cert", 0,
                           "tls_cert and tls_key go together: one of them is not set");
    enum ndc_err err = read_pem(&server->tls_cert, o->tls_cert, fault);
    if (err == NDC_OK) err = read_pem(&server->tls_key, o->tls_key, fault);
    if (err == NDC_OK) err = read_pem(&server->client_ca, o->client_ca, fault);
    if (err == NDC_OK && server->client_ca && !server->tls_cert)
        err = ndc_fail_at(fault, NDC_EINPUT, "config.value", "client_ca", 0,
                          "client_ca needs tls_cert and tls_key");
    return err;
}

static void add_option(struct MHD_OptionItem *items, size_t *n, enum MHD_OPTION option,
                       intptr_t value, void *ptr)
{
    NDC_ASSERT(*n < OPTIONS_MAX - 1);
    items[(*n)++] = (struct MHD_OptionItem){option, value, ptr};
    items[*n] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
}

static void list_options(struct ndc_http_server *server, struct MHD_OptionItem *items)
{
    const struct ndc_http_options *o = &server->options;
    size_t n = 0;
    add_option(items, &n, MHD_OPTION_CONNECTION_LIMIT, o->connections_max, NULL);
    add_option(items, &n, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
               o->connections_per_address_max, NULL);
    add_option(items, &n, MHD_OPTION_CONNECTION_TIMEOUT, o->idle_timeout_s, NULL);
    add_option(items, &n, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
               (intptr_t)o->header_bytes_max, NULL);
    if (o->threads > 1)
        add_option(items, &n, MHD_OPTION_THREAD_POOL_SIZE, o->threads, NULL);
    if (!server->tls_cert) return;
    add_option(items, &n, MHD_OPTION_HTTPS_MEM_CERT, 0, server->tls_cert);
    add_option(items, &n, MHD_OPTION_HTTPS_MEM_KEY, 0, server->tls_key);
    add_option(items, &n, MHD_OPTION_HTTPS_PRIORITIES, 0,
               "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-AES-128-CBC:-AES-256-"
               "CBC:%SERVER_PRECEDENCE");
    if (server->client_ca)
        add_option(items, &n, MHD_OPTION_HTTPS_MEM_TRUST, 0, server->client_ca);
}

static void free_server(struct ndc_http_server *server)
{
    for (struct exchange *x = server->spare; x;) {
        struct exchange *next = x->next;
        exchange_free(x);
        x = next;
    }
    if (server->unix_path) unlink(server->unix_path);
    free(server->unix_path);
    free(server->tls_cert);
    if (server->tls_key) explicit_bzero(server->tls_key, strlen(server->tls_key));
    free(server->tls_key);
    free(server->client_ca);
    ndc_cond_free(&server->stop_cond);
    ndc_mutex_free(&server->lock);
    free(server);
}

static enum ndc_err start_daemon(struct ndc_http_server *server, struct ndc_fault *fault)
{
    struct MHD_OptionItem items[OPTIONS_MAX];
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
                     MHD_ALLOW_UPGRADE | MHD_USE_ITC | MHD_USE_ERROR_LOG |
                     MHD_USE_NO_LISTEN_SOCKET;
    if (server->tls_cert) flags |= MHD_USE_TLS;
    list_options(server, items);
    server->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, exchange_run, server, MHD_OPTION_EXTERNAL_LOGGER, log_mhd,
        server, MHD_OPTION_URI_LOG_CALLBACK, exchange_uri, server,
        MHD_OPTION_NOTIFY_COMPLETED, exchange_done, server, MHD_OPTION_NOTIFY_CONNECTION,
        conn_notify, server, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, server,
        MHD_OPTION_ARRAY, items, MHD_OPTION_END);
    if (server->daemon) return NDC_OK;
    return ndc_fail(fault, NDC_EIO, "net.start",
                    server->tls_cert
                        ? "cannot start HTTP: look at tls_cert, tls_key and client_ca"
                        : "cannot start HTTP on %s",
                    server->options.listen);
}

enum ndc_err ndc_http_start(struct ndc_http_server **out,
                            const struct ndc_http_options *options,
                            struct ndc_fault *fault)
{
    struct ndc_http_server *server = ndc_xcalloc(1, sizeof(*server));
    *out = NULL;
    server->listen_fd = -1;
    server->options = *options;
    if (server->options.threads == 0) server->options.threads = ndc_cpu_count();
    server->id_seed = ndc_random_u64();
    ndc_mutex_init(&server->lock);
    ndc_cond_init(&server->stop_cond);
    enum ndc_err err = read_tls(server, fault);
    if (err == NDC_OK)
        err = listen_open(&server->listen_fd, &server->port, &server->unix_path,
                          options->listen, fault);
    if (err == NDC_OK) err = start_daemon(server, fault);
    if (err == NDC_OK) err = accept_start(server, fault);
    if (err != NDC_OK) {
        if (server->daemon) MHD_stop_daemon(server->daemon);
        if (server->listen_fd >= 0) close(server->listen_fd);
        free_server(server);
        return err;
    }
    server->ws = ws_loop_start();
    ndc_thread_start(&server->reaper, "ndc-reaper", conn_reaper, server);
    *out = server;
    return NDC_OK;
}

/* The library calls exchange_done with a lock of its own held, and takes that lock to
 * resume a connection; a reader that goes to sleep holds its exchange's lock meanwhile.
 * So nothing is resumed, and no exchange's lock waited for, with the server's in hand. A
 * connection that waits cannot end before it is resumed, which is for who took `waiting`
 * from it. False: some are left. */
static bool cut_streams(struct ndc_http_server *server)
{
    struct MHD_Connection *asleep[CUT_AT_ONCE];
    unsigned n = 0;
    bool all = true;
    ndc_mutex_lock(&server->lock);
    for (struct exchange *x = server->streams; x; x = x->next) {
        if (n == CUT_AT_ONCE || !ndc_mutex_try(&x->lock)) {
            all = false;
            continue;
        }
        x->cut = true;
        if (x->waiting) asleep[n++] = x->mhd;
        x->waiting = false;
        ndc_mutex_unlock(&x->lock);
    }
    ndc_mutex_unlock(&server->lock);
    for (unsigned i = 0; i < n; i++)
        MHD_resume_connection(asleep[i]);
    return all;
}

static void end_streams(struct ndc_http_server *server)
{
    while (!cut_streams(server))
        ndc_clock_sleep_ms(1);
}

static void wait_for(const atomic_uint *count, int64_t ms)
{
    for (int64_t waited = 0; waited < ms && atomic_load(count) > 0;
         waited += STOP_STEP_MS)
        ndc_clock_sleep_ms(STOP_STEP_MS);
}

void ndc_http_stop(struct ndc_http_server *server)
{
    if (!server) return;
    accept_stop(server);
    ndc_mutex_lock(&server->lock);
    atomic_store(&server->stopping, true);
    ndc_cond_broadcast(&server->stop_cond);
    ndc_mutex_unlock(&server->lock);
    ndc_thread_join(&server->reaper);
    end_streams(server);
    ws_loop_stop(server->ws);
    wait_for(&server->active, STOP_REQUESTS_MS);
    wait_for(&server->held, STOP_HELD_MS);
    end_streams(server);
    if (atomic_load(&server->held) > 0) {
        /* Someone still owns an exchange: freeing it under them would be worse. */
        ndc_log(NDC_LOG_ERROR, "net", "%u requests never ended; leaving them",
                atomic_load(&server->held));
        return;
    }
    MHD_stop_daemon(server->daemon);
    free_server(server);
}

unsigned ndc_http_port(const struct ndc_http_server *server)
{
    return server->port;
}

void ndc_http_stats(const struct ndc_http_server *server, struct ndc_http_stats *out)
{
    *out = (struct ndc_http_stats){
        .connections = atomic_load(&server->connections),
        .requests = atomic_load(&server->requests),
        .refused = atomic_load(&server->refused),
        .timed_out = atomic_load(&server->timed_out),
        .open = atomic_load(&server->open),
        .held = atomic_load(&server->held),
    };
}

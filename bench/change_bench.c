/* The change feed's way to a subscriber: change_bench [DATABASE] [SECONDS] [COMMITS/S]
 * [ROWS]. One thread commits ROWS changes at a time; subscribers over HTTP read them as
 * server-sent events. Prints the time from the commit's return to the arrival, and what
 * was written. */
#include "net/http.h"
#include "platforms/registry/change/hub.h"
#include "platforms/registry/change/view.h"
#include "platforms/registry/registry.h"
#include "store/writer.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    SUBSCRIBERS_MAX = 100,
    ROWS_MAX = 1000,
    SEQ_MAX = 1 << 20,
    PIECE_BYTES = 1 << 16,
    ARENA_BYTES = 1 << 20
};

static _Atomic int64_t committed_ns[SEQ_MAX]; /* by number */
static struct ndc_change_hub *hub;
static struct ndc_change_filter filter;

struct subscriber {
    struct ndc_thread thread;
    unsigned port;
    uint32_t *waits_us; /* of the first SEQ_MAX numbers */
    _Atomic int64_t upto;
    atomic_bool *stop;
};

/* ---- the server ---- */

struct stream {
    struct ndc_change_follower follower; /* first */
    struct ndc_arena arena;
};

static bool next(void *arg, struct ndc_buf *out, bool *end)
{
    struct stream *s = arg;
    struct ndc_change changes[NDC_CHANGE_PIECE];
    struct ndc_fault fault = {0};
    size_t n;
    *end = false;
    ndc_arena_reset(&s->arena);
    if (ndc_change_hub_next(hub, &s->follower, &s->arena, changes, &n, &fault))
        return false;
    for (size_t i = 0; i < n; i++) {
        struct ndc_json j;
        ndc_buf_printf(out, "id: %lld\ndata: ", (long long)changes[i].seq);
        ndc_json_init(&j, out);
        ndc_change_write(&j, &changes[i], NDC_STR("bench"), &filter);
        ndc_buf_add_c(out, "\n\n");
    }
    return true;
}

static void left(void *arg)
{
    struct stream *s = arg;
    ndc_change_hub_leave(hub, &s->follower);
    ndc_arena_free(&s->arena);
    free(s);
}

static bool head(void *ctx, struct ndc_http *x)
{
    (void)ctx, (void)x;
    return true;
}

static void handle(void *ctx, struct ndc_http *x)
{
    struct stream *s = ndc_xcalloc(1, sizeof(*s));
    struct ndc_fault fault = {0};
    (void)ctx;
    ndc_arena_init(&s->arena, ARENA_BYTES);
    s->follower.http = x;
    NDC_ASSERT(ndc_change_hub_join(hub, &s->follower, &fault) == NDC_OK);
    x->status = 200;
    x->content_type = "text/event-stream";
    x->source = (struct ndc_http_source){.ctx = s, .next = next, .done = left};
    ndc_http_reply(x);
}

/* ---- a subscriber ---- */

static void take_lines(struct subscriber *s, char *text, size_t *len)
{
    int64_t now = ndc_clock_mono_ns();
    char *at = text, *end;
    while ((end = memchr(at, '\n', *len - (size_t)(at - text)))) {
        int64_t seq;
        if (strncmp(at, "id: ", 4) == 0 &&
            ndc_str_to_i64(ndc_str_n(at + 4, (size_t)(end - at - 4)), &seq) &&
            seq < SEQ_MAX) {
            int64_t then = atomic_load(&committed_ns[seq]);
            s->waits_us[seq] = then ? (uint32_t)NDC_MAX((now - then) / 1000, 1) : 1;
            atomic_store(&s->upto, seq);
        }
        at = end + 1;
    }
    *len -= (size_t)(at - text);
    memmove(text, at, *len);
}

static void subscribe(void *arg)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: bench\r\n\r\n";
    struct subscriber *s = arg;
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)s->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_usec = 200000};
    char *text = ndc_xmalloc(PIECE_BYTES);
    size_t len = 0;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    NDC_ASSERT(connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    NDC_ASSERT(send(fd, request, sizeof(request) - 1, 0) > 0);
    while (!atomic_load(s->stop)) {
        ssize_t n = recv(fd, text + len, PIECE_BYTES - len, 0);
        if (n == 0) break;
        if (n < 0) continue;
        len += (size_t)n;
        take_lines(s, text, &len);
        if (len == PIECE_BYTES) len = 0;
    }
    close(fd);
    free(text);
}

/* ---- the writer ---- */

struct batch {
    struct ndc_change changes[ROWS_MAX];
    size_t n;
    int64_t first;
};

static enum ndc_err append(struct ndc_store_conn *conn, void *arg,
                           struct ndc_fault *fault)
{
    struct batch *b = arg;
    return ndc_change_append(conn, b->changes, b->n, &b->first, fault);
}

static int64_t write_for(struct ndc_store *store, int64_t seconds, int64_t per_s,
                         size_t rows)
{
    struct batch *b = ndc_xcalloc(1, sizeof(*b));
    struct ndc_fault fault = {0};
    int64_t start = ndc_clock_mono_ns(), last = 0;
    b->n = rows;
    for (int64_t i = 0;; i++) {
        int64_t due = start + i * 1000000000 / per_s, now = ndc_clock_mono_ns();
        if (now - start > seconds * 1000000000 || last + (int64_t)rows >= SEQ_MAX) break;
        if (due > now) ndc_clock_sleep_ms((due - now) / 1000000);
        for (size_t k = 0; k < rows; k++) {
            b->changes[k] = (struct ndc_change){.at_ms = ndc_clock_wall_ms(),
                                                .entity = 1 + (uint64_t)i * rows + k,
                                                .kind = NDC_CHANGE_CHANGED};
            ndc_field_set_add(&b->changes[k].fields, 0);
        }
        if (ndc_store_write(store, append, b, &fault)) {
            fprintf(stderr, "%s\n", fault.message);
            break;
        }
        now = ndc_clock_mono_ns();
        for (size_t k = 0; k < rows; k++)
            atomic_store(&committed_ns[b->first + (int64_t)k], now);
        ndc_change_hub_wake(hub);
        last = b->first + (int64_t)rows - 1;
    }
    free(b);
    return last;
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* Of all subscribers together. */
static void report(struct subscriber *s, unsigned count, int64_t last, int64_t seconds)
{
    size_t n = 0, cap = (size_t)last * count;
    uint32_t *all = ndc_xmalloc((cap + 1) * sizeof(*all));
    for (unsigned i = 0; i < count; i++)
        for (int64_t seq = 1; seq <= last; seq++)
            if (s[i].waits_us[seq]) all[n++] = s[i].waits_us[seq];
    qsort(all, n, sizeof(*all), by_value);
    printf("change_feed_rows %.0f rows/s\n", (double)last / (double)seconds);
    printf("change_feed_missing %zu rows\n", cap - n);
    if (n) {
        printf("change_feed_p50 %.2f ms\n", all[n / 2] / 1000.0);
        printf("change_feed_p99 %.2f ms\n", all[n * 99 / 100] / 1000.0);
        printf("change_feed_max %.2f ms\n", all[n - 1] / 1000.0);
    }
    free(all);
}

int main(int argc, char **argv)
{
    static struct subscriber subscribers[SUBSCRIBERS_MAX];
    struct ndc_store *store;
    struct ndc_registry *reg;
    struct ndc_http_server *server;
    struct ndc_fault fault = {0};
    int64_t seconds = 5, per_s = 200, rows = 25, wanted = 5;
    atomic_bool stop = false;
    char dir[] = "/tmp/ndc-change-bench-XXXXXX", url[64];
    NDC_ASSERT(mkdtemp(dir));
    snprintf(url, sizeof(url), "sqlite:%s/registry.db", dir);
    if (argc > 2) (void)ndc_str_to_i64(ndc_str(argv[2]), &seconds);
    if (argc > 3) (void)ndc_str_to_i64(ndc_str(argv[3]), &per_s);
    if (argc > 4) (void)ndc_str_to_i64(ndc_str(argv[4]), &rows);
    if (argc > 5) (void)ndc_str_to_i64(ndc_str(argv[5]), &wanted);
    rows = NDC_MIN(NDC_MAX(rows, 1), (int64_t)ROWS_MAX);
    unsigned count = (unsigned)NDC_MIN(NDC_MAX(wanted, 1), (int64_t)SUBSCRIBERS_MAX);
    ndc_log_setup(NDC_LOG_WARN, false);
    const struct ndc_http_options options = {.listen = "127.0.0.1:0",
                                             .connections_max = 256,
                                             .connections_per_address_max = 256,
                                             .header_bytes_max = 32 << 10,
                                             .idle_timeout_s = 60,
                                             .request_timeout_s = 20,
                                             .body_bytes_per_s_min = 1,
                                             .spool_dir = dir,
                                             .head = head,
                                             .handle = handle};
    enum ndc_err err =
        ndc_registry_open_store(&store, argc > 1 && *argv[1] ? argv[1] : url, &fault);
    if (!err) err = ndc_registry_open(&reg, store, dir, 0, &fault);
    if (!err) hub = ndc_change_hub_new(store, NULL, NULL);
    if (!err) err = ndc_http_start(&server, &options, &fault);
    if (err) {
        fprintf(stderr, "%s: %s\n", fault.code, fault.message);
        return 1;
    }
    for (unsigned i = 0; i < count; i++) {
        subscribers[i].port = ndc_http_port(server);
        subscribers[i].waits_us = ndc_xcalloc(SEQ_MAX, sizeof(uint32_t));
        subscribers[i].stop = &stop;
        ndc_thread_start(&subscribers[i].thread, "subscriber", subscribe,
                         &subscribers[i]);
    }
    ndc_clock_sleep_ms(500);
    int64_t last = write_for(store, seconds, per_s, (size_t)rows);
    ndc_clock_sleep_ms(1000);
    atomic_store(&stop, true);
    for (unsigned i = 0; i < count; i++)
        ndc_thread_join(&subscribers[i].thread);
    report(subscribers, count, last, seconds);
    ndc_http_stop(server);
    ndc_change_hub_free(hub);
    ndc_registry_close(reg);
    ndc_store_close(store);
    struct ndc_fault ignored = {0};
    return ndc_file_remove_tree(dir, &ignored) ? 1 : 0;
}

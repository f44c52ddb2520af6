/* An exchange's way through libmicrohttpd: request line, headers, body, answer.
 *
 * MHD calls exchange_uri with the raw target, exchange_run once with the headers, for
 * each piece of the body, once at its end and, when the exchange was held, once more
 * after its release; and exchange_done at the very end. One thread at a time touches an
 * exchange: hold() suspends the connection, so MHD keeps off until release() resumes it.
 */
#include "net/server.h"
#include "net/url.h"

#include "base/hash.h"
#include "sys/clock.h"
#include "sys/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

enum {
    ARENA_BYTES_MAX = 64 << 20,
    KEEP_OUT_BYTES = 64 << 10,
    BODY_MEMORY_ALL_MAX = 512 << 20,
    CLOSE_HEADERS_MAX = 100,
};

static struct exchange *take_spare(struct ndc_http_server *server)
{
    ndc_mutex_lock(&server->lock);
    struct exchange *x = server->spare;
    if (x) {
        server->spare = x->next;
        server->spare_n--;
    }
    ndc_mutex_unlock(&server->lock);
    if (x) return x;
    x = ndc_xcalloc(1, sizeof(*x));
    ndc_arena_init(&x->pub.arena, ARENA_BYTES_MAX);
    ndc_buf_init(&x->pub.out, ARENA_BYTES_MAX);
    ndc_buf_init(&x->pub.body, BODY_MEMORY_MAX);
    ndc_mutex_init(&x->lock);
    return x;
}

static void reset(struct exchange *x)
{
    struct ndc_http *pub = &x->pub;
    struct ndc_arena arena = pub->arena;
    struct ndc_buf out = pub->out, body = pub->body;
    struct ndc_mutex lock = x->lock;
    *x = (struct exchange){.lock = lock};
    pub->arena = arena;
    pub->out = out;
    pub->body = body;
    pub->body_fd = -1;
}

void exchange_free(struct exchange *x)
{
    ndc_arena_free(&x->pub.arena);
    ndc_buf_free(&x->pub.out);
    ndc_buf_free(&x->pub.body);
    ndc_mutex_free(&x->lock);
    free(x);
}

static void write_id(struct exchange *x)
{
    static const char digits[] = "0123456789abcdef";
    struct ndc_http_server *server = x->server;
    uint64_t v = ndc_mix64(server->id_seed + atomic_fetch_add(&server->next_id, 1));
    for (int i = 0; i < NDC_HTTP_ID_LEN; i++, v >>= 4)
        x->pub.id[i] = digits[v & 15];
}

void *exchange_uri(void *arg, const char *uri, struct MHD_Connection *mhd)
{
    struct ndc_http_server *server = arg;
    struct exchange *x = take_spare(server);
    reset(x);
    x->server = server;
    x->mhd = mhd;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    x->conn = info->socket_context;
    memcpy(x->pub.client, x->conn->client, sizeof(x->pub.client));
    x->pub.secure = x->conn->secure;
    x->bad_target =
        !ndc_url_target(&x->pub.arena, ndc_str(uri), &x->pub.path, &x->pub.query);
    if (x->bad_target)
        x->pub.path = NDC_STR("/");
    else if (x->pub.query.len) /* MHD goes on to cut the target up in place */
        x->pub.query = ndc_arena_str(&x->pub.arena, x->pub.query);
    write_id(x);
    atomic_fetch_add_explicit(&server->requests, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&server->active, 1, memory_order_relaxed);
    return x;
}

static const char *const method_names[NDC_HTTP_METHOD_COUNT] = {
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

static bool read_method(const char *name, enum ndc_http_method *out)
{
    for (unsigned i = 0; i < NDC_HTTP_METHOD_COUNT; i++) {
        if (strcmp(name, method_names[i]) == 0) {
            *out = (enum ndc_http_method)i;
            return true;
        }
    }
    return false;
}

/* What the headers say about the message's own shape: RFC 9112 section 6. Two readings of
 * one message are how requests are smuggled, so anything unusual is refused. */
struct shape {
    unsigned hosts, lengths, encodings, headers;
    bool chunked, bad;
    int64_t length;
};

static enum MHD_Result see_header(void *arg, enum MHD_ValueKind kind, const char *name,
                                  const char *value)
{
    struct shape *shape = arg;
    size_t len = strlen(name);
    (void)kind;
    shape->headers++;
    if (len == 4 && strcasecmp(name, "Host") == 0) {
        shape->hosts++;
        for (const char *p = value; value && *p; p++)
            if (*p <= ' ' || *p >= 0x7f || strchr("/\\@<>\"?#", *p)) shape->bad = true;
    } else if (len == 14 && strcasecmp(name, "Content-Length") == 0) {
        uint64_t n;
        shape->lengths++;
        if (!value || !*value || strspn(value, "0123456789") != strlen(value) ||
            !ndc_str_to_u64(ndc_str(value), &n) || n > INT64_MAX)
            shape->bad = true;
        else
            shape->length = (int64_t)n;
    } else if (len == 17 && strcasecmp(name, "Transfer-Encoding") == 0) {
        shape->encodings++;
        if (!value || strcasecmp(value, "chunked") != 0) shape->bad = true;
        shape->chunked = true;
    }
    for (const char *p = name; *p; p++)
        if (*p <= ' ' || *p >= 0x7f) shape->bad = true;
    for (const char *p = value; value && *p; p++)
        if ((unsigned char)*p < 0x20 && *p != '\t') shape->bad = true;
    return MHD_YES;
}

static void refuse(struct exchange *x, int status, const char *code, const char *text)
{
    struct ndc_http *pub = &x->pub;
    pub->status = status;
    pub->content_type = "application/problem+json";
    ndc_buf_printf(&pub->out,
                   "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,"
                   "\"code\":\"%s\",\"request_id\":\"%s\"}",
                   text, status, code, pub->id);
    x->replied = true;
}

static bool check_shape(struct exchange *x, const char *version)
{
    struct shape shape = {0};
    MHD_get_connection_values(x->mhd, MHD_HEADER_KIND, see_header, &shape);
    bool no_host = shape.hosts == 0 && strcmp(version, "HTTP/1.1") == 0;
    if (shape.headers > CLOSE_HEADERS_MAX) {
        refuse(x, 431, "http.headers", "too many headers");
    } else if (shape.bad || shape.hosts > 1 || no_host || shape.lengths > 1 ||
               shape.encodings > 1 || (shape.lengths && shape.encodings)) {
        refuse(x, 400, "http.malformed",
               "malformed request: Host, Content-Length or Transfer-Encoding is "
               "missing, doubled or wrong");
    } else if (x->bad_target) {
        refuse(x, 400, "http.target", "malformed request: the address is not valid");
    } else if ((x->pub.method == NDC_HTTP_GET || x->pub.method == NDC_HTTP_HEAD) &&
               (shape.chunked || shape.length > 0)) {
        refuse(x, 400, "http.body", "a GET or HEAD request has no body");
    }
    x->pub.body_len = shape.chunked ? -1 : shape.length;
    return !x->replied;
}

/* The headers are here. MHD_NO cuts the connection. */
static enum MHD_Result run_head(struct exchange *x, const char *method,
                                const char *version)
{
    struct ndc_http_server *server = x->server;
    struct ndc_http *pub = &x->pub;
    x->headed = true;
    pub->start_ns = ndc_clock_mono_ns();
    if (!read_method(method, &pub->method)) {
        pub->body_len = 1; /* unknown: what follows is not read */
        x->early = true;
        refuse(x, 501, "http.method", "method not supported");
        return answer_queue(x);
    }
    bool go_on =
        check_shape(x, version) && server->options.head(server->options.ctx, pub);
    if (!go_on) {
        NDC_ASSERT(x->replied);
        if (pub->body_len == 0) return MHD_YES; /* queued at the next call */
        x->early = true;
        return answer_queue(x);
    }
    if (pub->body_len > 0 && (uint64_t)pub->body_len > pub->body_bytes_max) {
        x->early = true;
        refuse(x, 413, "http.body_too_big", "the body is larger than this route takes");
        return answer_queue(x);
    }
    conn_set(x->conn, pub->body_len ? CONN_BODY : CONN_ANSWERS);
    return MHD_YES;
}

static bool spool(struct exchange *x, const char *data, size_t len)
{
    struct ndc_http *pub = &x->pub;
    if (pub->body_fd < 0) {
        pub->body_fd =
            open(x->server->options.spool_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (pub->body_fd < 0) return false;
    }
    while (len > 0) {
        ssize_t n = write(pub->body_fd, data, len);
        if (n <= 0) return false;
        data += n;
        len -= (size_t)n;
    }
    return true;
}

static void take_body(struct exchange *x, const char *data, size_t len)
{
    struct ndc_http *pub = &x->pub;
    long long before = atomic_fetch_add_explicit(&x->conn->body_bytes, (long long)len,
                                                 memory_order_relaxed);
    if (x->too_big || x->spool_failed) return; /* read on, keep nothing */
    if ((size_t)before + len > pub->body_bytes_max) {
        x->too_big = true;
        return;
    }
    if (pub->body_fd < 0 && pub->body.len + len <= BODY_MEMORY_MAX) {
        size_t all = atomic_fetch_add(&x->server->body_memory, len) + len;
        x->body_counted += len;
        if (all <= BODY_MEMORY_ALL_MAX) {
            ndc_buf_add(&pub->body, data, len);
            return;
        }
        x->spool_failed = true;
        return;
    }
    if (!pub->body_spool) {
        x->too_big = true;
        return;
    }
    if (pub->body_fd < 0 && !spool(x, pub->body.ptr, pub->body.len))
        x->spool_failed = true;
    if (!x->spool_failed && !spool(x, data, len)) x->spool_failed = true;
}

static enum MHD_Result run_end(struct exchange *x)
{
    struct ndc_http_server *server = x->server;
    conn_set(x->conn, CONN_ANSWERS);
    if (x->too_big) {
        refuse(x, 413, "http.body_too_big", "the body is larger than this route takes");
    } else if (x->spool_failed) {
        refuse(x, 503, "http.no_room", "no room for the body now, try later");
    } else {
        if (x->pub.body_fd >= 0 && lseek(x->pub.body_fd, 0, SEEK_SET) != 0) return MHD_NO;
        server->options.handle(server->options.ctx, &x->pub);
    }
    if (x->held) return MHD_YES; /* released: MHD calls again */
    NDC_ASSERT(x->replied);
    return answer_queue(x);
}

enum MHD_Result exchange_run(void *arg, struct MHD_Connection *mhd, const char *url,
                             const char *method, const char *version, const char *data,
                             size_t *data_len, void **context)
{
    struct exchange *x = *context;
    (void)arg;
    (void)mhd;
    (void)url;
    /* An answer queued at the first call makes MHD close the connection after it. */
    if (!x->headed) return run_head(x, method, version);
    if (x->held) {
        if (!x->replied) return MHD_YES; /* not released yet */
        return x->queued ? MHD_YES : answer_queue(x);
    }
    if (*data_len > 0) {
        take_body(x, data, *data_len);
        *data_len = 0;
        if (x->too_big &&
            x->conn->body_bytes > (long long)x->pub.body_bytes_max * 2 + BODY_MEMORY_MAX)
            return MHD_NO; /* it goes on and on */
        return MHD_YES;
    }
    if (x->queued) return MHD_YES;
    return x->replied ? answer_queue(x) : run_end(x);
}

void exchange_done(void *arg, struct MHD_Connection *mhd, void **context,
                   enum MHD_RequestTerminationCode code)
{
    struct ndc_http_server *server = arg;
    struct exchange *x = *context;
    (void)mhd;
    if (!x) return;
    *context = NULL;
    struct ndc_http *pub = &x->pub;
    if (x->headed && server->options.finished)
        server->options.finished(server->options.ctx, pub,
                                 code == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    if (pub->source.done) pub->source.done(pub->source.ctx);
    if (x->ws) ws_abandon(x->ws);
    if (pub->body_fd >= 0) close(pub->body_fd);
    if (x->body_counted) atomic_fetch_sub(&server->body_memory, x->body_counted);
    conn_set(x->conn, CONN_WAITS);
    ndc_arena_reset(&pub->arena);
    if (pub->out.cap > KEEP_OUT_BYTES) ndc_buf_free(&pub->out);
    if (pub->body.cap > KEEP_OUT_BYTES) ndc_buf_free(&pub->body);
    ndc_buf_reset(&pub->out);
    ndc_buf_reset(&pub->body);
    atomic_fetch_sub_explicit(&server->active, 1, memory_order_relaxed);
    ndc_mutex_lock(&server->lock);
    if (pub->source.next) {
        if (x->prev) x->prev->next = x->next;
        if (x->next) x->next->prev = x->prev;
        if (server->streams == x) server->streams = x->next;
    }
    bool keep = server->spare_n < SPARE_MAX;
    if (keep) {
        x->next = server->spare;
        server->spare = x;
        server->spare_n++;
    }
    ndc_mutex_unlock(&server->lock);
    if (!keep) exchange_free(x);
}

struct ndc_str ndc_http_header(struct ndc_http *pub, const char *name)
{
    struct exchange *x = (struct exchange *)pub;
    return ndc_str(MHD_lookup_connection_value(x->mhd, MHD_HEADER_KIND, name));
}

struct counting {
    const char *name;
    unsigned n;
};

static enum MHD_Result count_header(void *ctx, enum MHD_ValueKind kind, const char *key,
                                    const char *value)
{
    struct counting *c = ctx;
    (void)kind;
    (void)value;
    if (strcasecmp(key, c->name) == 0) c->n++;
    return MHD_YES;
}

unsigned ndc_http_header_count(struct ndc_http *pub, const char *name)
{
    struct exchange *x = (struct exchange *)pub;
    struct counting c = {name, 0};
    MHD_get_connection_values(x->mhd, MHD_HEADER_KIND, count_header, &c);
    return c.n;
}

struct ndc_str ndc_http_cookie(struct ndc_http *pub, const char *name)
{
    return ndc_cookie_find(ndc_http_header(pub, "Cookie"), ndc_str(name));
}

void ndc_http_reply(struct ndc_http *pub)
{
    struct exchange *x = (struct exchange *)pub;
    NDC_ASSERT(!x->replied);
    x->replied = true;
}

void ndc_http_hold(struct ndc_http *pub)
{
    struct exchange *x = (struct exchange *)pub;
    NDC_ASSERT(!x->held && !x->replied);
    x->held = true;
    atomic_fetch_add_explicit(&x->server->held, 1, memory_order_relaxed);
    MHD_suspend_connection(x->mhd);
}

void ndc_http_release(struct ndc_http *pub)
{
    struct exchange *x = (struct exchange *)pub;
    NDC_ASSERT(x->held && !x->replied);
    x->replied = true;
    atomic_fetch_sub_explicit(&x->server->held, 1, memory_order_relaxed);
    MHD_resume_connection(x->mhd);
}

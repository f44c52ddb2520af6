/* Answers: from a buffer without a copy, from memory that stays, or in pieces. */
#include "net/server.h"

#include <stdio.h>

/* OWASP ASVS 14.4. A page may load from its own origin only; what is not a page loads
 * nothing and is framed by nobody. */
static const char page_policy[] =
    "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; "
    "form-action 'self'; img-src 'self' data:; connect-src 'self'";
static const char data_policy[] = "default-src 'none'; frame-ancestors 'none'";
static const char page_permissions[] =
    "camera=(), microphone=(), geolocation=(), payment=(), usb=(), interest-cohort=()";

static ssize_t read_source(void *arg, uint64_t pos, char *to, size_t size)
{
    struct exchange *x = arg;
    struct ndc_http *pub = &x->pub;
    (void)pos;
    for (;;) {
        if (x->source_at < pub->out.len) {
            size_t n = NDC_MIN(size, pub->out.len - x->source_at);
            memcpy(to, pub->out.ptr + x->source_at, n);
            x->source_at += n;
            return (ssize_t)n;
        }
        if (x->source_end) return MHD_CONTENT_READER_END_OF_STREAM;
        ndc_buf_reset(&pub->out);
        x->source_at = 0;
        if (!pub->source.next(pub->source.ctx, &pub->out, &x->source_end) ||
            pub->out.failed)
            return MHD_CONTENT_READER_END_WITH_ERROR;
        if (pub->out.len > 0 || x->source_end) continue;
        ndc_mutex_lock(&x->lock);
        if (x->cut) {
            x->source_end = true;
        } else if (x->pending) {
            x->pending = false;
        } else {
            x->waiting = true;
            MHD_suspend_connection(x->mhd);
            ndc_mutex_unlock(&x->lock);
            return 0;
        }
        ndc_mutex_unlock(&x->lock);
    }
}

void ndc_http_wake(struct ndc_http *pub)
{
    struct exchange *x = (struct exchange *)pub;
    ndc_mutex_lock(&x->lock);
    if (x->waiting) {
        x->waiting = false;
        MHD_resume_connection(x->mhd);
    } else {
        x->pending = true;
    }
    ndc_mutex_unlock(&x->lock);
}

static struct MHD_Response *make_response(struct exchange *x)
{
    struct ndc_http *pub = &x->pub;
    struct ndc_http_server *server = x->server;
    if (pub->source.next) {
        pub->out.bytes_max = NDC_MAX(pub->out.bytes_max, (size_t)SOURCE_BYTES_MAX);
        ndc_mutex_lock(&server->lock);
        x->next = server->streams;
        if (x->next) x->next->prev = x;
        server->streams = x;
        x->cut = atomic_load(&server->stopping);
        ndc_mutex_unlock(&server->lock);
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 32 << 10, read_source,
                                                 x, NULL);
    }
    struct ndc_str body = pub->fixed.ptr ? pub->fixed : ndc_buf_str(&pub->out);
    /* The exchange outlives the sending (exchange_done comes after it), so the body is
     * neither copied nor given away. */
    return MHD_create_response_from_buffer(body.len, (void *)(uintptr_t)body.ptr,
                                           MHD_RESPMEM_PERSISTENT);
}

static void add_headers(struct exchange *x, struct MHD_Response *r)
{
    struct ndc_http *pub = &x->pub;
    if (pub->content_type) MHD_add_response_header(r, "Content-Type", pub->content_type);
    MHD_add_response_header(r, "Cache-Control",
                            pub->cache_control ? pub->cache_control : "no-store");
    MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(r, "Content-Security-Policy",
                            pub->html ? page_policy : data_policy);
    MHD_add_response_header(r, "Referrer-Policy", "no-referrer");
    MHD_add_response_header(r, "Cross-Origin-Resource-Policy", "same-origin");
    if (pub->html) {
        MHD_add_response_header(r, "Permissions-Policy", page_permissions);
        MHD_add_response_header(r, "Cross-Origin-Opener-Policy", "same-origin");
        MHD_add_response_header(r, "X-Frame-Options", "DENY");
    }
    if (pub->secure)
        MHD_add_response_header(r, "Strict-Transport-Security",
                                "max-age=31536000; includeSubDomains");
    MHD_add_response_header(r, "X-Request-Id", pub->id);
    for (unsigned i = 0; i < pub->headers_n; i++)
        MHD_add_response_header(r, pub->headers[i].name, pub->headers[i].value.ptr);
    /* What is left of an unread body must not be taken for the next request. */
    if (x->early || atomic_load_explicit(&x->server->stopping, memory_order_relaxed))
        MHD_add_response_header(r, "Connection", "close");
}

enum MHD_Result answer_queue(struct exchange *x)
{
    struct MHD_Response *r =
        x->ws ? MHD_create_response_for_upgrade(ws_upgraded, x->ws) : make_response(x);
    if (!r) return MHD_NO;
    x->queued = true;
    conn_set(x->conn, CONN_ANSWERS);
    if (x->ws) {
        x->ws = NULL;
        MHD_add_response_header(r, "Upgrade", "websocket");
        for (unsigned i = 0; i < x->pub.headers_n; i++)
            MHD_add_response_header(r, x->pub.headers[i].name,
                                    x->pub.headers[i].value.ptr);
    } else {
        add_headers(x, r);
    }
    enum MHD_Result result = MHD_queue_response(x->mhd, (unsigned)x->pub.status, r);
    MHD_destroy_response(r);
    return result;
}

bool ndc_http_add_header(struct ndc_http *pub, const char *name, struct ndc_str value)
{
    if (pub->headers_n == NDC_HTTP_HEADERS_MAX) return false;
    for (size_t i = 0; i < value.len; i++)
        if ((unsigned char)value.ptr[i] < 0x20 || value.ptr[i] == 0x7f) return false;
    pub->headers[pub->headers_n++] =
        (struct ndc_http_header){name, ndc_arena_str(&pub->arena, value)};
    return true;
}

/* HTTP/1.1 server on libmicrohttpd: exchanges in, answers out. What an answer is, which
 * route and who may, is core's; this layer keeps time, sizes and connections bounded.
 *
 * An exchange belongs to one thread at a time. `head` and `handle` run on a server
 * thread. Either they finish with ndc_http_reply(), or they call ndc_http_hold(), hand
 * the exchange to another thread, and that one calls ndc_http_release() once: no server
 * thread waits meanwhile. After reply or release the exchange must not be touched. */
#ifndef NDC_NET_HTTP_H
#define NDC_NET_HTTP_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

struct ndc_http_server;

enum ndc_http_method {
    NDC_HTTP_GET,
    NDC_HTTP_HEAD,
    NDC_HTTP_POST,
    NDC_HTTP_PUT,
    NDC_HTTP_PATCH,
    NDC_HTTP_DELETE,
    NDC_HTTP_OPTIONS,
    NDC_HTTP_METHOD_COUNT
};

enum { NDC_HTTP_HEADERS_MAX = 16, NDC_HTTP_ID_LEN = 16 };

/* A body that comes in pieces. */
struct ndc_http_source {
    void *ctx;
    /* Appends to out, up to about 64 KiB; sets *end after the last. Nothing appended and
     * no end: nothing for now (ndc_http_wake says when). False cuts the connection. */
    bool (*next)(void *ctx, struct ndc_buf *out, bool *end);
    void (*done)(void *ctx); /* once, always; may be NULL */
};

struct ndc_http_header {
    const char *name;
    struct ndc_str value;
};

struct ndc_http {
    /* the request */
    enum ndc_http_method method;
    struct ndc_str path;          /* decoded, normalised: no "//", ".", "..", NUL */
    struct ndc_str query;         /* raw, without "?" */
    char client[48];              /* address without port; "unix" */
    char id[NDC_HTTP_ID_LEN + 1]; /* request id */
    bool secure;                  /* over TLS */
    int64_t body_len;             /* Content-Length; -1: chunked; 0: none */
    size_t body_bytes_max;        /* set by head; more is answered 413 */
    bool body_spool;              /* set by head: past 1 MiB into an unlinked file */
    struct ndc_buf body;          /* in memory */
    int body_fd;                  /* the whole body, at offset 0; -1: in memory */
    struct ndc_arena arena;       /* freed with the exchange */
    void *user;                   /* of core */
    int64_t start_ns;             /* ndc_clock_mono_ns when the headers were read */
    /* the answer */
    int status;
    const char *content_type;      /* literal; NULL: none */
    struct ndc_buf out;            /* body, moved into the response without a copy */
    struct ndc_str fixed;          /* or: a body that outlives the server */
    struct ndc_http_source source; /* or: in pieces, when source.next is set */
    const char *cache_control;     /* NULL: "no-store" */
    struct ndc_http_header headers[NDC_HTTP_HEADERS_MAX]; /* more; in the arena */
    unsigned headers_n;
    bool html; /* the answer is a page: the page's Content-Security-Policy */
};

struct ndc_http_options {
    const char *listen; /* "127.0.0.1:8080", "[::]:8443", ":0" any port, "unix:/path" */
    unsigned threads;   /* 0: one per processor */
    unsigned connections_max, connections_per_address_max;
    size_t header_bytes_max;
    unsigned idle_timeout_s;    /* nothing sent or received */
    unsigned request_timeout_s; /* from a connection's first byte to its whole headers */
    unsigned body_bytes_per_s_min; /* a slower body is cut, after 30 s of grace */
    const char *tls_cert, *tls_key, *client_ca; /* PEM files; NULL or "": none */
    const char *spool_dir;
    void *ctx;
    /* The headers are here. May reply at once; sets body_bytes_max. Returns whether to go
     * on to the body. */
    bool (*head)(void *ctx, struct ndc_http *x);
    /* The body is here too. */
    void (*handle)(void *ctx, struct ndc_http *x);
    /* The answer was sent, or the connection broke (sent false): for metrics and logs. */
    void (*finished)(void *ctx, struct ndc_http *x, bool sent);
};

enum ndc_err ndc_http_start(struct ndc_http_server **out,
                            const struct ndc_http_options *options,
                            struct ndc_fault *fault) NDC_MUST_USE;
/* Stops accepting, ends streams, waits up to a few seconds for held exchanges, closes. */
void ndc_http_stop(struct ndc_http_server *server);
/* The port bound (0: Unix socket). */
unsigned ndc_http_port(const struct ndc_http_server *server);

/* A request header, any case; NULL pointer if absent. */
struct ndc_str ndc_http_header(struct ndc_http *x, const char *name);
/* How many of that name came. */
unsigned ndc_http_header_count(struct ndc_http *x, const char *name);
/* A cookie by name, or NULL pointer. */
struct ndc_str ndc_http_cookie(struct ndc_http *x, const char *name);
/* SHA-256 of the client's certificate, verified against client_ca; false: none, or one
 * that client_ca does not vouch for (any more). On a server thread. */
bool ndc_http_client_cert(struct ndc_http *x, uint8_t sha256[32]);

/* The certificate that the client has shown, whose key it has proven to hold. */
struct ndc_client_cert {
    struct ndc_str der; /* lives as long as the connection */
    uint8_t sha256[32];
    bool trusted; /* client_ca vouches for it */
};
/* False: none was shown, or none was asked for (client_ca). */
bool ndc_http_client_cert_shown(struct ndc_http *x, struct ndc_client_cert *out);

/* Adds a header to the answer; name outlives the exchange, value is copied. Past
 * HEADERS_MAX, or with a control character in the value: false. */
bool ndc_http_add_header(struct ndc_http *x, const char *name, struct ndc_str value);
void ndc_http_reply(struct ndc_http *x);
void ndc_http_hold(struct ndc_http *x);
void ndc_http_release(struct ndc_http *x);

/* For a source that had nothing: there is more now. Any thread, until its done. */
void ndc_http_wake(struct ndc_http *x);

struct ndc_http_stats {
    uint64_t connections, requests, refused, timed_out;
    unsigned open, held;
};
void ndc_http_stats(const struct ndc_http_server *server, struct ndc_http_stats *out);

#endif

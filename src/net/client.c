/* HTTP client: one request a connection, read to its end. Small on purpose: what it calls
 * are webhooks and our own services. */
#include "net/client.h"

#include "sys/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    TIMEOUT_MS = 10000,
    ANSWER_BYTES_MAX = 16 << 20,
    HEAD_BYTES_MAX = 64 << 10,
    PIECE = 16 << 10,
    CANCEL_MS = 100
};

struct url {
    bool tls, local;
    char host[256], port[8];
    const char *path;
};

struct link {
    int fd;
    SSL_CTX *ctx;
    SSL *ssl;
    int64_t deadline_ns;
    const atomic_bool *cancel;
    struct ndc_fault *fault;
};

static enum ndc_err bad_url(struct ndc_fault *fault, const char *url)
{
    return ndc_fail(fault, NDC_EINPUT, "client.url", "cannot call \"%.200s\"", url);
}

static enum ndc_err parse_url(struct url *out, const char *text, struct ndc_fault *fault)
{
    const char *at = text;
    memset(out, 0, sizeof(*out));
    for (const char *p = text; *p; p++)
        if (*p <= ' ' || *p == 0x7f) return bad_url(fault, text);
    if (strncmp(at, "unix:", 5) == 0) {
        const char *end = strchr(at + 5, ':');
        size_t len = end ? (size_t)(end - at - 5) : strlen(at + 5);
        if (!len || len >= sizeof(out->host)) return bad_url(fault, text);
        memcpy(out->host, at + 5, len);
        out->local = true;
        out->path = end && end[1] ? end + 1 : "/";
        return NDC_OK;
    }
    out->tls = strncmp(at, "https://", 8) == 0;
    if (!out->tls && strncmp(at, "http://", 7) != 0) return bad_url(fault, text);
    at += out->tls ? 8 : 7;
    size_t len = strcspn(at, "/?");
    const char *host = at, *port = NULL;
    out->path = at[len] ? at + len : "/";
    size_t host_len = len;
    if (*host == '[') {
        host_len = strcspn(++host, "]");
        if (host_len + 2 > len) return bad_url(fault, text);
        if (host[host_len + 1] == ':') port = host + host_len + 2;
    } else if (memchr(host, ':', len)) {
        host_len = strcspn(host, ":");
        port = host + host_len + 1;
    }
    size_t port_len = port ? len - (size_t)(port - at) : 0;
    if (!host_len || host_len >= sizeof(out->host) || port_len >= sizeof(out->port))
        return bad_url(fault, text);
    memcpy(out->host, host, host_len);
    if (port_len)
        memcpy(out->port, port, port_len);
    else
        memcpy(out->port, out->tls ? "443" : "80", out->tls ? 4 : 3);
    return NDC_OK;
}

static int remaining_ms(const struct link *l)
{
    int64_t ms = (l->deadline_ns - ndc_clock_mono_ns()) / 1000000;
    return (int)NDC_MAX(ms, 0);
}

static enum ndc_err wait_for(struct link *l, short events)
{
    struct pollfd p = {.fd = l->fd, .events = events};
    int rc;
    do {
        int ms = remaining_ms(l);
        bool over = ms <= 0 || (l->cancel && atomic_load(l->cancel));
        if (l->cancel) ms = NDC_MIN(ms, (int)CANCEL_MS);
        rc = over ? 0 : poll(&p, 1, ms);
        if (rc == 0 && !over) continue;
        if (rc >= 0 || errno != EINTR) break;
    } while (true);
    if (rc > 0) return NDC_OK;
    return ndc_fail(l->fault, NDC_EBUSY, "client.timeout", "no answer in time");
}

static enum ndc_err no_connection(struct link *l, const char *host, const char *why)
{
    return ndc_fail(l->fault, NDC_EIO, "client.connect", "cannot connect to %s: %s", host,
                    why);
}

static enum ndc_err try_connect(struct link *l, const struct sockaddr *address,
                                socklen_t len, int family, const char *host)
{
    int e = 0;
    socklen_t e_len = sizeof(e);
    l->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l->fd < 0) return no_connection(l, host, strerror(errno));
    if (connect(l->fd, address, len) == 0) return NDC_OK;
    if (errno != EINPROGRESS) {
        e = errno;
    } else {
        enum ndc_err err = wait_for(l, POLLOUT);
        if (err != NDC_OK) return err;
        if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &e, &e_len) != 0) e = errno;
    }
    if (e == 0) return NDC_OK;
    close(l->fd);
    l->fd = -1;
    return no_connection(l, host, strerror(e));
}

/* RFC 6890 and the IANA registries of special-purpose addresses. */
static bool public_v4(uint32_t a)
{
    static const struct {
        uint32_t net;
        unsigned bits;
    } special[] = {{0x00000000, 8},  {0x0a000000, 8},  {0x64400000, 10}, {0x7f000000, 8},
                   {0xa9fe0000, 16}, {0xac100000, 12}, {0xc0000000, 24}, {0xc0000200, 24},
                   {0xc0586300, 24}, {0xc0a80000, 16}, {0xc6120000, 15}, {0xc6336400, 24},
                   {0xcb007100, 24}, {0xe0000000, 3}};
    for (size_t i = 0; i < NDC_ARRAY_LEN(special); i++)
        if ((a ^ special[i].net) >> (32 - special[i].bits) == 0) return false;
    return true;
}

static bool public_address(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return public_v4(ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr));
    if (address->sa_family != AF_INET6) return false;
    const uint8_t *b = ((const struct sockaddr_in6 *)address)->sin6_addr.s6_addr;
    /* Global unicast is 2000::/3; not documentation, nor what carries an IPv4 address
     * inside (Teredo, 6to4, mapped). */
    if (b[0] >> 5 != 1) return false;
    if (b[0] == 0x20 && b[1] == 0x01 && (b[2] < 2 || (b[2] == 0x0d && b[3] == 0xb8)))
        return false;
    return !(b[0] == 0x20 && b[1] == 0x02);
}

static enum ndc_err not_public(struct ndc_fault *fault, const char *host)
{
    return ndc_fail(fault, NDC_EDENIED, "client.address",
                    "%s is not a public address: this server does not call its own "
                    "network",
                    host);
}

/* One address that is not public condemns the name. */
static enum ndc_err resolve(struct addrinfo **list, const struct url *url,
                            bool public_only, struct ndc_fault *fault)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    int rc = getaddrinfo(url->host, url->port, &hints, list);
    if (rc != 0)
        return ndc_fail(fault, NDC_EIO, "client.connect", "cannot connect to %s: %s",
                        url->host, gai_strerror(rc));
    for (struct addrinfo *ai = *list; public_only && ai; ai = ai->ai_next) {
        if (public_address(ai->ai_addr)) continue;
        freeaddrinfo(*list);
        return not_public(fault, url->host);
    }
    return NDC_OK;
}

static enum ndc_err connect_to(struct link *l, const struct url *url, bool public_only)
{
    struct addrinfo *list = NULL;
    enum ndc_err err = NDC_EIO;
    if (url->local && public_only) return not_public(l->fault, url->host);
    if (url->local) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        if (strlen(url->host) >= sizeof(address.sun_path))
            return no_connection(l, url->host, "the path is too long");
        memcpy(address.sun_path, url->host, strlen(url->host));
        return try_connect(l, (struct sockaddr *)&address, sizeof(address), AF_UNIX,
                           url->host);
    }
    enum ndc_err unknown = resolve(&list, url, public_only, l->fault);
    if (unknown) return unknown;
    struct ndc_fault *fault = l->fault, last = {0};
    for (struct addrinfo *ai = list; ai && err != NDC_OK; ai = ai->ai_next) {
        last = (struct ndc_fault){0};
        l->fault = &last;
        err = try_connect(l, ai->ai_addr, ai->ai_addrlen, ai->ai_family, url->host);
    }
    freeaddrinfo(list);
    l->fault = fault;
    if (err != NDC_OK && fault && fault->err == NDC_OK) *fault = last;
    return err;
}

static enum ndc_err tls_failed(struct link *l, const char *doing)
{
    char text[160];
    unsigned long e = ERR_get_error();
    long verify = l->ssl ? SSL_get_verify_result(l->ssl) : X509_V_OK;
    ERR_error_string_n(e, text, sizeof(text));
    return ndc_fail(l->fault, NDC_EIO, "client.tls", "TLS: cannot %s: %s", doing,
                    verify != X509_V_OK ? X509_verify_cert_error_string(verify) : text);
}

static enum ndc_err wait_tls(struct link *l, int rc, const char *doing)
{
    switch (SSL_get_error(l->ssl, rc)) {
    case SSL_ERROR_WANT_READ:
        return wait_for(l, POLLIN);
    case SSL_ERROR_WANT_WRITE:
        return wait_for(l, POLLOUT);
    default:
        return tls_failed(l, doing);
    }
}

static enum ndc_err start_tls(struct link *l, const struct url *url,
                              const struct ndc_client_request *request)
{
    l->ctx = SSL_CTX_new(TLS_client_method());
    if (!l->ctx) return tls_failed(l, "start");
    SSL_CTX_set_min_proto_version(l->ctx, TLS1_2_VERSION);
    SSL_CTX_set_verify(l->ctx, SSL_VERIFY_PEER, NULL);
    int ok = request->ca_file ? SSL_CTX_load_verify_file(l->ctx, request->ca_file)
                              : SSL_CTX_set_default_verify_paths(l->ctx);
    if (ok != 1) return tls_failed(l, "read the authorities");
    if (request->cert_file &&
        (SSL_CTX_use_certificate_chain_file(l->ctx, request->cert_file) != 1 ||
         SSL_CTX_use_PrivateKey_file(l->ctx, request->key_file, SSL_FILETYPE_PEM) != 1))
        return tls_failed(l, "use the client certificate");
    l->ssl = SSL_new(l->ctx);
    if (!l->ssl || SSL_set_fd(l->ssl, l->fd) != 1) return tls_failed(l, "start");
    /* A name is checked against names, an address against addresses. */
    X509_VERIFY_PARAM *param = SSL_get0_param(l->ssl);
    if (X509_VERIFY_PARAM_set1_ip_asc(param, url->host) != 1) {
        ERR_clear_error();
        if (SSL_set1_host(l->ssl, url->host) != 1 ||
            SSL_set_tlsext_host_name(l->ssl, url->host) != 1)
            return tls_failed(l, "set the host's name");
    }
    for (;;) {
        int rc = SSL_connect(l->ssl);
        if (rc == 1) return NDC_OK;
        enum ndc_err err = wait_tls(l, rc, "agree");
        if (err != NDC_OK) return err;
    }
}

static enum ndc_err send_all(struct link *l, struct ndc_str data)
{
    while (data.len > 0) {
        enum ndc_err err = NDC_OK;
        ssize_t n;
        if (l->ssl) {
            n = SSL_write(l->ssl, data.ptr, (int)NDC_MIN(data.len, (size_t)1 << 20));
            if (n <= 0) err = wait_tls(l, (int)n, "send");
        } else {
            n = send(l->fd, data.ptr, data.len, MSG_NOSIGNAL);
            if (n < 0 && (errno == EAGAIN || errno == EINTR))
                err = wait_for(l, POLLOUT);
            else if (n < 0)
                err = ndc_fail_errno(l->fault, "client.send", "send to", "the server");
        }
        if (err != NDC_OK) return err;
        if (n > 0) data = ndc_str_n(data.ptr + n, data.len - (size_t)n);
    }
    return NDC_OK;
}

/* *len is 0 at the end of the connection. */
static enum ndc_err receive(struct link *l, char *out, size_t size, size_t *len)
{
    for (;;) {
        enum ndc_err err;
        ssize_t n;
        *len = 0;
        if (l->ssl) {
            n = SSL_read(l->ssl, out, (int)size);
            if (n <= 0) {
                int why = SSL_get_error(l->ssl, (int)n);
                if (why == SSL_ERROR_ZERO_RETURN) return NDC_OK;
                err = wait_tls(l, (int)n, "receive");
                if (err != NDC_OK) return err;
                continue;
            }
        } else {
            n = recv(l->fd, out, size, 0);
            if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
                err = wait_for(l, POLLIN);
                if (err != NDC_OK) return err;
                continue;
            }
            if (n < 0)
                return ndc_fail_errno(l->fault, "client.answer", "receive from",
                                      "the server");
        }
        *len = (size_t)n;
        return NDC_OK;
    }
}

static void write_request(struct ndc_buf *out, const struct url *url,
                          const struct ndc_client_request *request)
{
    const char *method = request->method ? request->method : "GET";
    bool v6 = strchr(url->host, ':') != NULL && !url->local;
    ndc_buf_printf(out, "%s %s HTTP/1.1\r\n", method, url->path);
    if (url->local)
        ndc_buf_add_c(out, "Host: localhost\r\n");
    else
        ndc_buf_printf(out, "Host: %s%s%s:%s\r\n", v6 ? "[" : "", url->host,
                       v6 ? "]" : "", url->port);
    ndc_buf_add_c(out, "Connection: close\r\nUser-Agent: ndc/" NDC_VERSION "\r\n");
    for (size_t i = 0; request->headers && request->headers[i]; i++)
        ndc_buf_printf(out, "%s\r\n", request->headers[i]);
    if (request->body.len || strcmp(method, "GET") != 0)
        ndc_buf_printf(out, "Content-Length: %zu\r\n", request->body.len);
    ndc_buf_add_c(out, "\r\n");
    ndc_buf_add_str(out, request->body);
}

static size_t head_end(struct ndc_str raw)
{
    const char *at = memmem(raw.ptr ? raw.ptr : "", raw.len, "\r\n\r\n", 4);
    return at ? (size_t)(at - raw.ptr) + 4 : 0;
}

struct ndc_str ndc_client_header(const struct ndc_client_answer *answer, const char *name)
{
    struct ndc_str rest = ndc_buf_str(&answer->head), line;
    while (ndc_str_split(&rest, '\n', &line)) {
        size_t mark = ndc_str_find(line, ':');
        if (mark < line.len && ndc_str_ieq(ndc_str_n(line.ptr, mark), ndc_str(name)))
            return ndc_str_trim(ndc_str_from(line, mark + 1));
    }
    return NDC_STR_NULL;
}

static enum ndc_err bad_answer(struct ndc_fault *fault, const char *why)
{
    return ndc_fail(fault, NDC_EIO, "client.answer", "the server's answer: %s", why);
}

/* RFC 9112 7.1; extensions and trailers are passed over. */
static enum ndc_err unchunk(struct ndc_buf *out, struct ndc_str raw,
                            struct ndc_fault *fault)
{
    for (;;) {
        size_t eol = ndc_str_find(raw, '\n'), size = 0, digits = 0;
        if (eol == raw.len) return bad_answer(fault, "it ends too early");
        for (; digits < eol && digits < 8; digits++) {
            char c = raw.ptr[digits];
            int v = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
            if (v < 0) break;
            size = size * 16 + (size_t)v;
        }
        if (!digits) return bad_answer(fault, "a chunk has no size");
        raw = ndc_str_n(raw.ptr + eol + 1, raw.len - eol - 1);
        if (size == 0) return NDC_OK;
        if (size + 2 > raw.len) return bad_answer(fault, "it ends too early");
        ndc_buf_add(out, raw.ptr, size);
        raw = ndc_str_n(raw.ptr + size + 2, raw.len - size - 2);
    }
}

static enum ndc_err take_answer(struct ndc_client_answer *answer, struct ndc_str raw,
                                bool no_body, struct ndc_fault *fault)
{
    size_t head = head_end(raw);
    uint64_t length, status;
    if (!head || raw.len < 12 || !ndc_str_starts(raw, NDC_STR("HTTP/1.")) ||
        !ndc_str_to_u64(ndc_str_n(raw.ptr + 9, 3), &status))
        return bad_answer(fault, "not HTTP/1.1");
    answer->status = (int)status;
    ndc_buf_add(&answer->head, raw.ptr, head);
    struct ndc_str body = ndc_str_n(raw.ptr + head, raw.len - head);
    if (no_body || status == 204 || status == 304) return NDC_OK;
    struct ndc_str coding = ndc_client_header(answer, "Transfer-Encoding");
    struct ndc_str size = ndc_client_header(answer, "Content-Length");
    if (coding.len) return unchunk(&answer->body, body, fault);
    if (size.len) {
        if (!ndc_str_to_u64(size, &length)) return bad_answer(fault, "a wrong length");
        if (body.len < length) return bad_answer(fault, "it ends too early");
        body.len = (size_t)length;
    }
    ndc_buf_add_str(&answer->body, body);
    return NDC_OK;
}

/* Enough to stop reading: the length is known and here. */
static bool is_whole(const struct ndc_buf *raw)
{
    struct ndc_str all = ndc_buf_str(raw);
    size_t head = head_end(all);
    uint64_t length;
    if (!head) return false;
    struct ndc_client_answer probe = {.head = {.ptr = raw->ptr, .len = head}};
    struct ndc_str size = ndc_client_header(&probe, "Content-Length");
    return size.len && ndc_str_to_u64(size, &length) && all.len - head >= length;
}

static enum ndc_err exchange(struct link *l, struct ndc_client_answer *answer,
                             const struct url *url,
                             const struct ndc_client_request *request)
{
    struct ndc_buf out, raw;
    size_t max =
        request->answer_bytes_max ? request->answer_bytes_max : (size_t)ANSWER_BYTES_MAX;
    ndc_buf_init(&out, request->body.len + HEAD_BYTES_MAX);
    ndc_buf_init(&raw, max + HEAD_BYTES_MAX);
    write_request(&out, url, request);
    enum ndc_err err = out.failed ? bad_url(l->fault, request->url) : NDC_OK;
    if (err == NDC_OK) err = send_all(l, ndc_buf_str(&out));
    while (err == NDC_OK && !is_whole(&raw)) {
        size_t len;
        char *to = ndc_buf_room(&raw, PIECE);
        if (!to) {
            err = ndc_fail(l->fault, NDC_ETOOBIG, "client.too_big",
                           "the answer is over %zu bytes", max);
            break;
        }
        err = receive(l, to, PIECE, &len);
        if (err != NDC_OK || len == 0) break;
        raw.len += len;
    }
    bool no_body = request->method && strcmp(request->method, "HEAD") == 0;
    if (err == NDC_OK) err = take_answer(answer, ndc_buf_str(&raw), no_body, l->fault);
    ndc_buf_free(&out);
    ndc_buf_free(&raw);
    return err;
}

enum ndc_err ndc_client_call(struct ndc_client_answer *answer,
                             const struct ndc_client_request *request,
                             struct ndc_fault *fault)
{
    struct url url;
    unsigned timeout = request->timeout_ms ? request->timeout_ms : TIMEOUT_MS;
    struct link l = {.fd = -1,
                     .deadline_ns = ndc_clock_mono_ns() + (int64_t)timeout * 1000000,
                     .cancel = request->cancel,
                     .fault = fault};
    answer->status = 0;
    ndc_buf_init(&answer->head, HEAD_BYTES_MAX);
    ndc_buf_init(&answer->body, request->answer_bytes_max ? request->answer_bytes_max
                                                          : (size_t)ANSWER_BYTES_MAX);
    enum ndc_err err = parse_url(&url, request->url, fault);
    if (err == NDC_OK) err = connect_to(&l, &url, request->public_only);
    if (err == NDC_OK && url.tls) err = start_tls(&l, &url, request);
    if (err == NDC_OK) err = exchange(&l, answer, &url, request);
    SSL_free(l.ssl);
    SSL_CTX_free(l.ctx);
    if (l.fd >= 0) close(l.fd);
    return err;
}

enum ndc_err ndc_client_check(const char *text, bool public_only, struct ndc_fault *fault)
{
    struct url url;
    struct addrinfo *list = NULL;
    enum ndc_err err = parse_url(&url, text, fault);
    if (err) return err;
    if (url.local) return public_only ? not_public(fault, url.host) : NDC_OK;
    err = resolve(&list, &url, public_only, fault);
    if (!err) freeaddrinfo(list);
    return err;
}

void ndc_client_answer_free(struct ndc_client_answer *answer)
{
    ndc_buf_free(&answer->head);
    ndc_buf_free(&answer->body);
}

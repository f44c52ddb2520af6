/* The client of http_load.h. */
#include "bench/http_load.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_MAX = 1 << 20, READ_BYTES = 16 << 10 };

static void die(const struct load_conn *c, const char *what)
{
    fprintf(stderr, "bench: %s\n> %.*s\n< %.*s\n", what, (int)NDC_MIN(c->out.len, 600u),
            c->out.ptr, (int)NDC_MIN(c->in.len, 1200u), c->in.ptr);
    exit(1);
}

void load_open(struct load_conn *c, unsigned port)
{
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    memset(c, 0, sizeof(*c));
    c->port = port;
    ndc_buf_init(&c->out, ANSWER_MAX);
    ndc_buf_init(&c->in, ANSWER_MAX);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)&to, sizeof(to)) != 0)
        die(c, "cannot connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

void load_close(struct load_conn *c)
{
    close(c->fd);
    ndc_buf_free(&c->out);
    ndc_buf_free(&c->in);
}

static void send_all(struct load_conn *c)
{
    for (size_t done = 0; done < c->out.len;) {
        ssize_t n = send(c->fd, c->out.ptr + done, c->out.len - done, MSG_NOSIGNAL);
        if (n <= 0) die(c, "cannot send");
        done += (size_t)n;
    }
}

static void read_more(struct load_conn *c)
{
    char bytes[READ_BYTES];
    ssize_t n = recv(c->fd, bytes, sizeof(bytes), 0);
    if (n <= 0) die(c, "the connection ended");
    ndc_buf_add(&c->in, bytes, (size_t)n);
}

struct ndc_str load_header(const struct load_conn *c, const char *name)
{
    struct ndc_str rest = c->head, line;
    size_t len = strlen(name);
    while (ndc_str_split(&rest, '\n', &line))
        if (line.len > len + 1 && line.ptr[len] == ':' &&
            strncasecmp(line.ptr, name, len) == 0)
            return ndc_str_trim(ndc_str_n(line.ptr + len + 1, line.len - len - 1));
    return NDC_STR("");
}

int load_call(struct load_conn *c, const char *method, const char *path,
              const char *headers, const char *body)
{
    const char *end = NULL;
    ndc_buf_reset(&c->out);
    ndc_buf_reset(&c->in);
    ndc_buf_printf(&c->out, "%s %s HTTP/1.1\r\nHost: localhost:%u\r\n%s", method, path,
                   c->port, headers);
    if (body) ndc_buf_printf(&c->out, "Content-Length: %zu\r\n", strlen(body));
    ndc_buf_printf(&c->out, "\r\n%s", body ? body : "");
    send_all(c);
    while (!(end = c->in.len ? memmem(c->in.ptr, c->in.len, "\r\n\r\n", 4) : NULL))
        read_more(c);
    size_t head = (size_t)(end - c->in.ptr) + 4;
    c->head = ndc_str_n(c->in.ptr, head);
    struct ndc_str length = load_header(c, "Content-Length");
    int64_t bytes = 0;
    if (length.len && !ndc_str_to_i64(length, &bytes)) die(c, "no length");
    while (c->in.len < head + (size_t)bytes)
        read_more(c);
    c->head = ndc_str_n(c->in.ptr, head);
    c->body = ndc_str_n(c->in.ptr + head, (size_t)bytes);
    int64_t status = 0;
    if (c->in.len < 12 || !ndc_str_to_i64(ndc_str_n(c->in.ptr + 9, 3), &status))
        die(c, "no status");
    return (int)status;
}

struct ndc_str load_member(const struct load_conn *c, const char *name)
{
    char quoted[64];
    int len = snprintf(quoted, sizeof(quoted), "\"%s\":\"", name);
    const char *at =
        c->body.len ? memmem(c->body.ptr, c->body.len, quoted, (size_t)len) : NULL;
    if (!at) die(c, name);
    at += len;
    const char *stop = memchr(at, '"', (size_t)(c->body.ptr + c->body.len - at));
    if (!stop) die(c, name);
    return ndc_str_n(at, (size_t)(stop - at));
}

/* HTTP/1.1 client: small, blocking, bounded in time and size. For webhooks, tests, and
 * services in another process over a Unix socket. TLS is verified through OpenSSL. No
 * redirects, no proxy, no cookies. */
#ifndef NDC_NET_CLIENT_H
#define NDC_NET_CLIENT_H

#include "base/buf.h"
#include "base/error.h"

#include <stdatomic.h>

struct ndc_client_request {
    const char *method; /* NULL: GET */
    const char *url; /* http://host:port/path, https://…, unix:/path/of/socket:/path */
    const char *const *headers; /* "Name: value", closed by NULL; or NULL */
    struct ndc_str body;
    unsigned timeout_ms;              /* for everything together; 0: 10 s */
    size_t answer_bytes_max;          /* 0: 16 MiB */
    const char *ca_file;              /* PEM; NULL: the system's */
    const char *cert_file, *key_file; /* client certificate, or NULL */
    /* Only public addresses, whatever the name resolves to: for URLs that others gave
     * (a server must not be made to call its own network). No Unix sockets either. */
    bool public_only;
    const atomic_bool *cancel; /* once true, the call fails (client.timeout); or NULL */
};

struct ndc_client_answer {
    int status;
    struct ndc_buf head; /* status line and headers as they came */
    struct ndc_buf body;
};

/* *answer is initialised by the call; free it with ndc_client_answer_free, also after a
 * failure. Any status is success. Faults: client.url, client.connect, client.tls,
 * client.timeout (NDC_EBUSY), client.answer, client.too_big,
 * client.address (NDC_EDENIED: not a public one). */
enum ndc_err ndc_client_call(struct ndc_client_answer *answer,
                             const struct ndc_client_request *request,
                             struct ndc_fault *fault) NDC_MUST_USE;
/* Whether a URL can be called at all: its form, and what its host resolves to. */
enum ndc_err ndc_client_check(const char *url, bool public_only,
                              struct ndc_fault *fault) NDC_MUST_USE;
void ndc_client_answer_free(struct ndc_client_answer *answer);
/* A header of the answer, or NULL pointer. */
struct ndc_str ndc_client_header(const struct ndc_client_answer *answer,
                                 const char *name);

#endif

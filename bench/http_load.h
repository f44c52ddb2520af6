/* Load over HTTP/1.1: one connection kept open, one request at a time. For benches only:
 * it aborts on whatever is not as it should be. */
#ifndef NDC_BENCH_HTTP_LOAD_H
#define NDC_BENCH_HTTP_LOAD_H

#include "base/buf.h"

struct load_conn {
    int fd;
    unsigned port;
    struct ndc_buf out, in; /* the last request and its answer */
    struct ndc_str body;    /* of the answer, in `in` */
    struct ndc_str head;
};

/* To 127.0.0.1. */
void load_open(struct load_conn *c, unsigned port);
void load_close(struct load_conn *c);
/* The status. `headers` are whole lines with \r\n, or "". A body of NULL is none. */
int load_call(struct load_conn *c, const char *method, const char *path,
              const char *headers, const char *body);
/* A header's value, in `in`; empty if it is not there. Names as the server writes them.
 */
struct ndc_str load_header(const struct load_conn *c, const char *name);
/* A member of a flat place in the body: what follows "name":" up to the next quote. */
struct ndc_str load_member(const struct load_conn *c, const char *name);

#endif

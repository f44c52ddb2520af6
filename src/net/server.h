/* Inside src/net only: the server's own structures. */
#ifndef NDC_NET_SERVER_H
#define NDC_NET_SERVER_H

#include "net/http.h"
#include "net/websocket.h"
#include "sys/thread.h"

#include <microhttpd.h>
#include <stdatomic.h>

enum { SOURCE_BYTES_MAX = 1 << 20, BODY_MEMORY_MAX = 1 << 20, SPARE_MAX = 256 };

enum conn_state { CONN_WAITS, CONN_BODY, CONN_ANSWERS };

/* A connection, from accept to close. */
struct conn {
    struct conn *next, *prev; /* in server->conns */
    int fd;
    bool secure;
    enum { CERT_UNKNOWN, CERT_NONE, CERT_GOOD } cert; /* the client's, asked for once */
    uint8_t cert_sha256[32];
    char client[48];
    atomic_int state;
    atomic_bool used;        /* has had a request */
    atomic_llong since_ns;   /* in this state */
    atomic_llong body_bytes; /* received of the current body */
};

/* An exchange with what core does not see. */
struct exchange {
    struct ndc_http pub; /* first: core's pointer is ours */
    struct ndc_http_server *server;
    struct MHD_Connection *mhd;
    struct conn *conn;
    struct exchange *next, *prev; /* in server->streams, or next in server->spare */
    bool headed;                  /* head() has run */
    bool early;                   /* answered before the body was read */
    bool bad_target, too_big, spool_failed;
    bool held, replied, queued;
    size_t body_counted; /* bytes of server->body_memory */
    size_t source_at;    /* read from pub.out */
    bool source_end;
    struct ndc_ws *ws; /* accepted, not yet handed over */
    /* Guards the four below, which wake() and the reader share. After a topic's lock. */
    struct ndc_mutex lock;
    bool waiting, pending, cut;
};

struct ndc_http_server {
    struct ndc_http_options options;
    struct MHD_Daemon *daemon;
    struct ws_loop *ws;
    char *tls_cert, *tls_key, *client_ca; /* PEM texts */
    char *unix_path;
    unsigned port;
    uint64_t id_seed;
    atomic_ullong next_id;
    atomic_ullong connections, requests, refused, timed_out;
    atomic_uint open, held, active;
    atomic_size_t body_memory;
    atomic_bool stopping;
    int listen_fd, accept_stop; /* accept_stop: an eventfd */
    struct ndc_thread acceptor, reaper;
    bool reaper_runs;
    /* Guards the lists below. */
    struct ndc_mutex lock;
    struct conn *conns;
    struct exchange *streams, *spare;
    unsigned spare_n;
    struct ndc_cond stop_cond;
};

/* exchange.c: MHD's callbacks. */
void *exchange_uri(void *server, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result exchange_run(void *server, struct MHD_Connection *mhd, const char *url,
                             const char *method, const char *version, const char *data,
                             size_t *data_len, void **exchange);
void exchange_done(void *server, struct MHD_Connection *mhd, void **exchange,
                   enum MHD_RequestTerminationCode code);
void exchange_free(struct exchange *x);

/* answer.c */
enum MHD_Result answer_queue(struct exchange *x);

/* conn.c */
void conn_notify(void *server, struct MHD_Connection *mhd, void **context,
                 enum MHD_ConnectionNotificationCode code);
void conn_set(struct conn *conn, enum conn_state state);
void conn_reaper(void *server);

/* websocket.c */
struct ws_loop *ws_loop_start(void);
void ws_loop_stop(struct ws_loop *loop);
void ws_upgraded(void *ws, struct MHD_Connection *mhd, void *context, const char *extra,
                 size_t extra_len, MHD_socket fd,
                 struct MHD_UpgradeResponseHandle *handle);
void ws_abandon(struct ndc_ws *ws);

/* accept.c: from now on connections are taken from listen_fd; stopping closes it. */
enum ndc_err accept_start(struct ndc_http_server *server,
                          struct ndc_fault *fault) NDC_MUST_USE;
void accept_stop(struct ndc_http_server *server);

/* listen.c: a bound, listening, non-blocking socket. */
enum ndc_err listen_open(int *fd, unsigned *port, char **unix_path, const char *text,
                         struct ndc_fault *fault) NDC_MUST_USE;

#endif

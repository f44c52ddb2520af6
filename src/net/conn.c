/* Connections: who is at the other end, and how long they have kept us waiting. MHD's own
 * timeout starts anew with every byte, so a client that sends one byte a second would
 * stay for ever; the reaper measures whole phases instead. */
#include "net/server.h"

#include "sys/clock.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

enum { TICK_MS = 500, BODY_GRACE_S = 30 };

static void format_client(char out[48], const struct sockaddr *address)
{
    if (address && address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)address;
        inet_ntop(AF_INET, &in->sin_addr, out, 48);
    } else if (address && address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)address;
        if (IN6_IS_ADDR_V4MAPPED(&in->sin6_addr))
            inet_ntop(AF_INET, &in->sin6_addr.s6_addr[12], out, 48);
        else
            inet_ntop(AF_INET6, &in->sin6_addr, out, 48);
    } else {
        snprintf(out, 48, "unix");
    }
}

static void conn_open(struct ndc_http_server *server, struct MHD_Connection *mhd,
                      void **context)
{
    struct conn *conn = ndc_xcalloc(1, sizeof(*conn));
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    format_client(conn->client, info ? info->client_addr : NULL);
    info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    conn->fd = info ? info->connect_fd : -1;
    conn->secure = server->tls_cert != NULL;
    atomic_store(&conn->since_ns, ndc_clock_mono_ns());
    atomic_fetch_add(&server->connections, 1);
    atomic_fetch_add(&server->open, 1);
    *context = conn;
    ndc_mutex_lock(&server->lock);
    conn->next = server->conns;
    if (conn->next) conn->next->prev = conn;
    server->conns = conn;
    ndc_mutex_unlock(&server->lock);
}

void conn_notify(void *arg, struct MHD_Connection *mhd, void **context,
                 enum MHD_ConnectionNotificationCode code)
{
    struct ndc_http_server *server = arg;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        conn_open(server, mhd, context);
        return;
    }
    struct conn *conn = *context;
    ndc_mutex_lock(&server->lock);
    if (conn->prev) conn->prev->next = conn->next;
    if (conn->next) conn->next->prev = conn->prev;
    if (server->conns == conn) server->conns = conn->next;
    ndc_mutex_unlock(&server->lock);
    atomic_fetch_sub(&server->open, 1);
    free(conn);
    *context = NULL;
}

void conn_set(struct conn *conn, enum conn_state state)
{
    if (state == CONN_WAITS)
        atomic_store_explicit(&conn->used, true, memory_order_relaxed);
    if (state == CONN_BODY)
        atomic_store_explicit(&conn->body_bytes, 0, memory_order_relaxed);
    atomic_store_explicit(&conn->since_ns, ndc_clock_mono_ns(), memory_order_relaxed);
    atomic_store_explicit(&conn->state, state, memory_order_release);
}

static bool too_slow(const struct ndc_http_server *server, struct conn *conn, int64_t now)
{
    const struct ndc_http_options *options = &server->options;
    int state = atomic_load_explicit(&conn->state, memory_order_acquire);
    int64_t s =
        (now - atomic_load_explicit(&conn->since_ns, memory_order_relaxed)) / 1000000000;
    if (state == CONN_WAITS) {
        int64_t limit = options->request_timeout_s;
        if (atomic_load_explicit(&conn->used, memory_order_relaxed))
            limit += options->idle_timeout_s;
        return s > limit;
    }
    if (state == CONN_BODY && s > BODY_GRACE_S) {
        long long got = atomic_load_explicit(&conn->body_bytes, memory_order_relaxed);
        return got < (long long)options->body_bytes_per_s_min * s;
    }
    return false;
}

/* Shuts sockets down rather than closing them: the descriptor stays MHD's, which then
 * finds the connection ended. The list's lock keeps the descriptor from being reused. */
void conn_reaper(void *arg)
{
    struct ndc_http_server *server = arg;
    ndc_mutex_lock(&server->lock);
    while (!atomic_load(&server->stopping)) {
        ndc_cond_wait_ms(&server->stop_cond, &server->lock, TICK_MS);
        int64_t now = ndc_clock_mono_ns();
        for (struct conn *conn = server->conns; conn; conn = conn->next) {
            if (conn->fd < 0 || !too_slow(server, conn, now)) continue;
            shutdown(conn->fd, SHUT_RDWR);
            atomic_fetch_add(&server->timed_out, 1);
            conn->fd = -1;
        }
    }
    ndc_mutex_unlock(&server->lock);
}

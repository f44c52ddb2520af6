/* Accepting connections. MHD's threads race for new ones, and when many come at once one
 * of them may take them all and keep them; a thread of our own deals them out in turn
 * (MHD_add_connection goes by the descriptor's number). */
#include "net/server.h"

#include "sys/clock.h"
#include "sys/log.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FULL_WAIT_MS = 20 };

/* Takes what waits on the socket. False: no more can be taken for now. */
static bool accept_all(struct ndc_http_server *server)
{
    for (;;) {
        struct sockaddr_storage from;
        socklen_t len = sizeof(from);
        if (atomic_load(&server->open) >= server->options.connections_max) return false;
        int fd = accept4(server->listen_fd, (struct sockaddr *)&from, &len,
                         SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            /* MHD closes it, also when it refuses it */
            (void)MHD_add_connection(server->daemon, fd, (struct sockaddr *)&from, len);
            continue;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) return true;
        if (errno == EINTR || errno == ECONNABORTED) continue;
        ndc_log(NDC_LOG_WARN, "net", "accept: %s", strerror(errno));
        return false; /* descriptors or memory are out: wait for some to come free */
    }
}

static void run_acceptor(void *arg)
{
    struct ndc_http_server *server = arg;
    struct pollfd fds[2] = {{.fd = server->accept_stop, .events = POLLIN},
                            {.fd = server->listen_fd, .events = POLLIN}};
    bool room = true;
    for (;;) {
        /* while there is no room, others wait in the socket's queue */
        (void)poll(fds, room ? 2 : 1, room ? -1 : FULL_WAIT_MS);
        if (fds[0].revents) return;
        room = accept_all(server);
    }
}

enum ndc_err accept_start(struct ndc_http_server *server, struct ndc_fault *fault)
{
    server->accept_stop = eventfd(0, EFD_CLOEXEC);
    if (server->accept_stop < 0)
        return ndc_fail_errno(fault, "net.start", "eventfd", "accepting");
    ndc_thread_start(&server->acceptor, "ndc-accept", run_acceptor, server);
    return NDC_OK;
}

void accept_stop(struct ndc_http_server *server)
{
    const uint64_t one = 1;
    ssize_t n = write(server->accept_stop, &one, sizeof(one));
    NDC_ASSERT(n == sizeof(one));
    ndc_thread_join(&server->acceptor);
    close(server->accept_stop);
    close(server->listen_fd);
}

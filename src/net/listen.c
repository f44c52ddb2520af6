/* Listening sockets: "127.0.0.1:8080", "[::]:8443", ":8080", "host:port", "unix:/path".
 */
#include "net/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

static enum ndc_err listen_unix(int *fd, char **kept, const char *path,
                                struct ndc_fault *fault)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat st;
    if (strlen(path) >= sizeof(address.sun_path))
        return ndc_fail_at(fault, NDC_EINPUT, "config.value", "listen", 0,
                           "listen: the socket's path is longer than %zu bytes",
                           sizeof(address.sun_path) - 1);
    memcpy(address.sun_path, path, strlen(path) + 1);
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd < 0) return ndc_fail_errno(fault, "net.listen", "make a socket for", path);
    /* A socket left by a crash is in the way; one that answers is in use. */
    if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) &&
        connect(*fd, (struct sockaddr *)&address, sizeof(address)) != 0 &&
        errno == ECONNREFUSED)
        unlink(path);
    if (bind(*fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        chmod(path, 0660) != 0 || listen(*fd, BACKLOG) != 0) {
        enum ndc_err err = ndc_fail_errno(fault, "net.listen", "listen on", path);
        close(*fd);
        return err == NDC_ENOTFOUND ? NDC_EIO : err;
    }
    *kept = strdup(path);
    return NDC_OK;
}

static bool split_host_port(const char *text, char host[256], const char **port)
{
    const char *colon = strrchr(text, ':');
    if (!colon || !colon[1]) return false;
    size_t len = (size_t)(colon - text);
    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    if (len >= 256) return false;
    memcpy(host, text, len);
    host[len] = 0;
    *port = colon + 1;
    return true;
}

static int open_address(const struct addrinfo *ai)
{
    int one = 1;
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0) return fd;
    int e = errno;
    close(fd);
    errno = e;
    return -1;
}

enum ndc_err listen_open(int *fd, unsigned *port, char **unix_path, const char *text,
                         struct ndc_fault *fault)
{
    char host[256];
    const char *service;
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV},
                    *list = NULL;
    *port = 0;
    *unix_path = NULL;
    if (strncmp(text, "unix:", 5) == 0)
        return listen_unix(fd, unix_path, text + 5, fault);
    if (!split_host_port(text, host, &service))
        return ndc_fail_at(fault, NDC_EINPUT, "config.value", "listen", 0,
                           "listen: \"%s\" is not ADDRESS:PORT or unix:PATH", text);
    int rc = getaddrinfo(host[0] ? host : NULL, service, &hints, &list);
    if (rc != 0)
        return ndc_fail_at(fault, NDC_EINPUT, "config.value", "listen", 0,
                           "listen: cannot use \"%s\": %s", text, gai_strerror(rc));
    *fd = open_address(list);
    freeaddrinfo(list);
    if (*fd < 0)
        return ndc_fail_at(fault, NDC_EIO, "net.listen", "listen", 0,
                           "cannot listen on %s: %s", text, strerror(errno));
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } bound;
    socklen_t len = sizeof(bound);
    memset(&bound, 0, sizeof(bound));
    if (getsockname(*fd, &bound.any, &len) == 0)
        *port = ntohs(bound.any.sa_family == AF_INET6 ? bound.v6.sin6_port
                                                      : bound.v4.sin_port);
    return NDC_OK;
}

/* Channels over sockets that MHD has handed out; frames are wslay's. Over TLS the socket
 * is MHD's end of a pair, so nothing here differs. */
#include "net/websocket.h"

#include "net/server.h"
#include "sys/clock.h"
#include "sys/log.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wslay/wslay.h>

enum {
    CHANNELS_MAX = 1024,
    PING_MS = 30000,
    SILENT_MS = 90000,
    CLOSE_MS = 3000,
    TICK_MS = 1000
};

struct message {
    struct message *next;
    bool text;
    size_t len;
    char data[];
};

struct ndc_ws {
    struct ndc_ws *next; /* in the loop's list; its thread only, once taken over */
    struct ndc_http_server *server;
    struct MHD_UpgradeResponseHandle *handle;
    struct ndc_ws_handler handler;
    int fd;
    struct ndc_mutex lock; /* guards frames, which send() and the loop share */
    wslay_event_context_ptr frames;
    bool broken;
    char *early; /* bytes that came with the handshake */
    size_t early_len, early_at;
    struct message *inbox, **inbox_end; /* the loop's thread only */
    int64_t heard_ns, pinged_ns;
    int64_t closing_ns; /* when our close was queued; 0: it was not */
};

struct ws_loop {
    struct ndc_mutex lock; /* guards fresh and stop */
    struct ndc_ws *fresh;
    bool stop;
    struct ndc_ws *all; /* the loop's thread only */
    unsigned n;
    int wake_fd;
    struct ndc_thread thread;
};

static void wake(struct ws_loop *loop)
{
    uint64_t one = 1;
    (void)!write(loop->wake_fd, &one, sizeof(one));
}

static ssize_t take_bytes(wslay_event_context_ptr frames, uint8_t *to, size_t len,
                          int flags, void *arg)
{
    struct ndc_ws *ws = arg;
    (void)flags;
    if (ws->early_at < ws->early_len) {
        size_t n = NDC_MIN(len, ws->early_len - ws->early_at);
        memcpy(to, ws->early + ws->early_at, n);
        ws->early_at += n;
        return (ssize_t)n;
    }
    ssize_t n = recv(ws->fd, to, len, MSG_DONTWAIT);
    if (n > 0) return n;
    bool later = n < 0 && (errno == EAGAIN || errno == EINTR);
    wslay_event_set_error(frames,
                          later ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static ssize_t give_bytes(wslay_event_context_ptr frames, const uint8_t *from, size_t len,
                          int flags, void *arg)
{
    struct ndc_ws *ws = arg;
    (void)flags;
    ssize_t n = send(ws->fd, from, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) return n;
    bool later = errno == EAGAIN || errno == EINTR;
    wslay_event_set_error(frames,
                          later ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

/* Kept for after the lock is given back: the handler may send. */
static void keep_message(wslay_event_context_ptr frames,
                         const struct wslay_event_on_msg_recv_arg *in, void *arg)
{
    struct ndc_ws *ws = arg;
    (void)frames;
    ws->heard_ns = ndc_clock_mono_ns();
    if (wslay_is_ctrl_frame(in->opcode)) return;
    struct message *m = ndc_xmalloc(sizeof(*m) + in->msg_length);
    m->next = NULL;
    m->text = in->opcode == WSLAY_TEXT_FRAME;
    m->len = in->msg_length;
    memcpy(m->data, in->msg, in->msg_length);
    *ws->inbox_end = m;
    ws->inbox_end = &m->next;
}

static void deliver(struct ndc_ws *ws)
{
    while (ws->inbox) {
        struct message *m = ws->inbox;
        ws->inbox = m->next;
        if (!ws->inbox) ws->inbox_end = &ws->inbox;
        ws->handler.message(ws->handler.ctx, ws, m->text, ndc_str_n(m->data, m->len));
        free(m);
    }
}

static void end_channel(struct ndc_ws *ws)
{
    ws->handler.closed(ws->handler.ctx, ws);
    MHD_upgrade_action(ws->handle, MHD_UPGRADE_ACTION_CLOSE);
    wslay_event_context_free(ws->frames);
    ndc_mutex_free(&ws->lock);
    free(ws->early);
    free(ws);
}

static void ping(struct ndc_ws *ws, int64_t now)
{
    const struct wslay_event_msg beat = {WSLAY_PING, NULL, 0};
    if (now - ws->heard_ns > SILENT_MS * 1000000ll) ws->broken = true;
    if (ws->closing_ns && now - ws->closing_ns > CLOSE_MS * 1000000ll) ws->broken = true;
    if (now - ws->pinged_ns < PING_MS * 1000000ll) return;
    ws->pinged_ns = now;
    if (wslay_event_queue_msg(ws->frames, &beat) != 0) ws->broken = true;
}

/* True while the channel lives. */
static bool serve_channel(struct ndc_ws *ws, short events, int64_t now)
{
    ndc_mutex_lock(&ws->lock);
    bool early = ws->early_at < ws->early_len;
    if (early || (events & (POLLIN | POLLHUP | POLLERR)))
        if (wslay_event_recv(ws->frames) != 0) ws->broken = true;
    ping(ws, now);
    if (wslay_event_want_write(ws->frames) && wslay_event_send(ws->frames) != 0)
        ws->broken = true;
    bool alive = !ws->broken && (wslay_event_want_read(ws->frames) ||
                                 wslay_event_want_write(ws->frames));
    ndc_mutex_unlock(&ws->lock);
    deliver(ws);
    return alive;
}

static bool take_fresh(struct ws_loop *loop)
{
    ndc_mutex_lock(&loop->lock);
    struct ndc_ws *fresh = loop->fresh;
    bool stop = loop->stop;
    loop->fresh = NULL;
    ndc_mutex_unlock(&loop->lock);
    while (fresh) {
        struct ndc_ws *next = fresh->next;
        if (loop->n == CHANNELS_MAX) fresh->broken = true;
        fresh->next = loop->all;
        loop->all = fresh;
        loop->n++;
        fresh->handler.opened(fresh->handler.ctx, fresh);
        fresh = next;
    }
    return !stop;
}

static size_t list_polls(struct ws_loop *loop, struct pollfd *polls)
{
    size_t n = 0;
    polls[n++] = (struct pollfd){.fd = loop->wake_fd, .events = POLLIN};
    for (struct ndc_ws *ws = loop->all; ws; ws = ws->next) {
        ndc_mutex_lock(&ws->lock);
        short events = POLLIN;
        if (wslay_event_want_write(ws->frames)) events |= POLLOUT;
        ndc_mutex_unlock(&ws->lock);
        polls[n++] = (struct pollfd){.fd = ws->fd, .events = events};
    }
    return n;
}

static void run_loop(void *arg)
{
    struct ws_loop *loop = arg;
    struct pollfd *polls = ndc_xcalloc(CHANNELS_MAX * 2, sizeof(*polls));
    uint64_t ignored;
    while (take_fresh(loop)) {
        size_t n = list_polls(loop, polls), i = 1;
        (void)!poll(polls, n, TICK_MS);
        if (polls[0].revents) (void)!read(loop->wake_fd, &ignored, sizeof(ignored));
        int64_t now = ndc_clock_mono_ns();
        for (struct ndc_ws **at = &loop->all; *at; i++) {
            struct ndc_ws *ws = *at;
            if (serve_channel(ws, polls[i].revents, now)) {
                at = &ws->next;
                continue;
            }
            *at = ws->next;
            loop->n--;
            end_channel(ws);
        }
    }
    while (loop->all) {
        struct ndc_ws *ws = loop->all;
        loop->all = ws->next;
        end_channel(ws);
    }
    free(polls);
}

struct ws_loop *ws_loop_start(void)
{
    struct ws_loop *loop = ndc_xcalloc(1, sizeof(*loop));
    ndc_mutex_init(&loop->lock);
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    NDC_ASSERT(loop->wake_fd >= 0);
    ndc_thread_start(&loop->thread, "ndc-ws", run_loop, loop);
    return loop;
}

void ws_loop_stop(struct ws_loop *loop)
{
    if (!loop) return;
    ndc_mutex_lock(&loop->lock);
    loop->stop = true;
    ndc_mutex_unlock(&loop->lock);
    wake(loop);
    ndc_thread_join(&loop->thread);
    close(loop->wake_fd);
    ndc_mutex_free(&loop->lock);
    free(loop);
}

static const struct wslay_event_callbacks callbacks = {
    .recv_callback = take_bytes,
    .send_callback = give_bytes,
    .on_msg_recv_callback = keep_message,
};

/* MHD has sent the 101 and hands the socket over. */
void ws_upgraded(void *arg, struct MHD_Connection *mhd, void *context, const char *extra,
                 size_t extra_len, MHD_socket fd,
                 struct MHD_UpgradeResponseHandle *handle)
{
    struct ndc_ws *ws = arg;
    struct ws_loop *loop = ws->server->ws;
    (void)mhd;
    (void)context;
    ws->fd = fd;
    ws->handle = handle;
    ws->heard_ns = ws->pinged_ns = ndc_clock_mono_ns();
    if (extra_len) {
        ws->early = ndc_xmalloc(extra_len);
        memcpy(ws->early, extra, extra_len);
        ws->early_len = extra_len;
    }
    ndc_mutex_lock(&loop->lock);
    ws->next = loop->fresh;
    loop->fresh = ws;
    ndc_mutex_unlock(&loop->lock);
    wake(loop);
}

static bool has_token(struct ndc_str header, const char *token)
{
    struct ndc_str part;
    while (header.ptr && ndc_str_split(&header, ',', &part))
        if (ndc_str_ieq(ndc_str_trim(part), ndc_str(token))) return true;
    return false;
}

bool ndc_ws_accept(struct ndc_http *pub, const struct ndc_ws_handler *handler)
{
    static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    struct exchange *x = (struct exchange *)pub;
    struct ndc_str key = ndc_http_header(pub, "Sec-WebSocket-Key");
    unsigned char digest[EVP_MAX_MD_SIZE], accept[64];
    unsigned len = 0;
    char text[128];
    if (pub->method != NDC_HTTP_GET || key.len != 24 ||
        !has_token(ndc_http_header(pub, "Upgrade"), "websocket") ||
        !has_token(ndc_http_header(pub, "Connection"), "upgrade") ||
        !ndc_str_eq_c(ndc_http_header(pub, "Sec-WebSocket-Version"), "13"))
        return false;
    memcpy(text, key.ptr, key.len);
    memcpy(text + key.len, magic, sizeof(magic));
    NDC_ASSERT(EVP_Digest(text, key.len + sizeof(magic) - 1, digest, &len, EVP_sha1(),
                          NULL) == 1);
    EVP_EncodeBlock(accept, digest, (int)len);
    ndc_http_add_header(pub, "Sec-WebSocket-Accept", ndc_str((const char *)accept));
    struct ndc_ws *ws = ndc_xcalloc(1, sizeof(*ws));
    ws->server = x->server;
    ws->handler = *handler;
    ws->inbox_end = &ws->inbox;
    ndc_mutex_init(&ws->lock);
    NDC_ASSERT(wslay_event_context_server_init(&ws->frames, &callbacks, ws) == 0);
    wslay_event_config_set_max_recv_msg_length(ws->frames, NDC_WS_MESSAGE_BYTES_MAX);
    x->ws = ws;
    pub->status = 101;
    return true;
}

/* The handshake was never answered: the client has gone. */
void ws_abandon(struct ndc_ws *ws)
{
    wslay_event_context_free(ws->frames);
    ndc_mutex_free(&ws->lock);
    free(ws);
}

bool ndc_ws_send(struct ndc_ws *ws, bool text, struct ndc_str data)
{
    const struct wslay_event_msg message = {text ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME,
                                            (const uint8_t *)data.ptr, data.len};
    ndc_mutex_lock(&ws->lock);
    bool room = wslay_event_get_queued_msg_length(ws->frames) + data.len <=
                NDC_WS_QUEUE_BYTES_MAX;
    /* Written at once where the socket has room: wslay sends a later close first. */
    if (!room || wslay_event_queue_msg(ws->frames, &message) != 0 ||
        wslay_event_send(ws->frames) != 0)
        ws->broken = true;
    bool ok = !ws->broken;
    ndc_mutex_unlock(&ws->lock);
    wake(ws->server->ws);
    return ok;
}

void ndc_ws_close(struct ndc_ws *ws, unsigned status)
{
    ndc_mutex_lock(&ws->lock);
    ws->closing_ns = ndc_clock_mono_ns();
    if (wslay_event_queue_close(ws->frames, (uint16_t)status, NULL, 0) != 0)
        ws->broken = true;
    ndc_mutex_unlock(&ws->lock);
    wake(ws->server->ws);
}

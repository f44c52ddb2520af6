/* WebSocket, RFC 6455: an exchange becomes a two-way channel of messages. One thread
 * serves all channels of a server; each has a bounded queue. */
#ifndef NDC_NET_WEBSOCKET_H
#define NDC_NET_WEBSOCKET_H

#include "net/http.h"

enum { NDC_WS_MESSAGE_BYTES_MAX = 1 << 20, NDC_WS_QUEUE_BYTES_MAX = 4 << 20 };

struct ndc_ws;

/* Called on the channels' thread, one at a time; they must be quick. */
struct ndc_ws_handler {
    void *ctx;
    void (*opened)(void *ctx, struct ndc_ws *ws);
    void (*message)(void *ctx, struct ndc_ws *ws, bool text, struct ndc_str data);
    void (*closed)(void *ctx, struct ndc_ws *ws); /* the last call; ws dies after it */
};

/* Answers a handshake: 101, and the channel opens; false, with nothing answered, if the
 * request is none (no Upgrade: websocket, another version than 13, no key). The caller
 * then replies either way with ndc_http_reply or release. `handler` is copied. */
bool ndc_ws_accept(struct ndc_http *x, const struct ndc_ws_handler *handler) NDC_MUST_USE;
/* Queues a message; any thread, between opened and closed. False, and the channel is
 * closed, when its queue is full: the client does not keep up. */
bool ndc_ws_send(struct ndc_ws *ws, bool text, struct ndc_str data);
/* Starts the closing handshake; any thread. */
void ndc_ws_close(struct ndc_ws *ws, unsigned status);

#endif

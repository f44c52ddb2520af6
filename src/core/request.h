/* A request as handlers see it. Everything is valid until the handler returns, or, for a
 * stream, until its `done`; the arena frees it. A handler returns NDC_OK with the answer
 * written, or an error with its fault: then what was written is dropped and the fault is
 * answered as problem+json (RFC 9457).
 *
 *     static enum ndc_err get_person(struct ndc_request *req, struct ndc_fault *fault)
 *     {
 *         struct ndc_str id = ndc_request_param(req, "id");
 *         struct ndc_store_conn *conn;
 *         TRY(ndc_request_conn(req, &conn, fault));
 *         …
 *         ndc_request_audit(req, "read", id, &decision);
 *         ndc_json_object(&req->json);
 *         ndc_json_kv_str(&req->json, "id", id);
 *         ndc_json_end(&req->json);
 *         return NDC_OK;
 *     }
 */
#ifndef NDC_CORE_REQUEST_H
#define NDC_CORE_REQUEST_H

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "core/policy.h"
#include "core/principal.h"

struct ndc_app;
struct ndc_http;
struct ndc_route;
struct ndc_store_conn;
struct ndc_topic;
struct ndc_ws_handler;

enum ndc_lang { NDC_LANG_VI, NDC_LANG_EN };

struct ndc_request {
    struct ndc_app *app;
    void *state; /* the platform's, from its start */
    const struct ndc_route *route;
    const struct ndc_principal *principal; /* who asks; anonymous on public routes */
    struct ndc_arena *arena;               /* at most 64 MiB */
    struct ndc_str purpose, legal_basis;   /* as stated in the headers; may be empty */
    struct ndc_str id;                     /* request id, in logs, audit and problems */
    struct ndc_str client;                 /* network address */
    enum ndc_lang lang;                    /* by Accept-Language; Vietnamese first */
    struct ndc_json json;                  /* writes the answer */
    struct ndc_buf *out;                   /* the answer's body, for other formats */
    int status;                            /* preset to the row's success status */
    struct ndc_http *http;                 /* dispatch's own */
};

typedef enum ndc_err ndc_handler(struct ndc_request *req, struct ndc_fault *fault);

/* A parameter of the path, decoded. A name the row does not have aborts. */
struct ndc_str ndc_request_param(const struct ndc_request *req, const char *name);
/* A query parameter, decoded; its default; or NULL pointer. Its type was checked. */
struct ndc_str ndc_request_query(const struct ndc_request *req, const char *name);
int64_t ndc_request_query_i64(const struct ndc_request *req, const char *name,
                              int64_t absent);
bool ndc_request_query_bool(const struct ndc_request *req, const char *name, bool absent);
/* A header by name, any case; NULL pointer if absent. */
struct ndc_str ndc_request_header(const struct ndc_request *req, const char *name);

/* The body. Bytes: only what is in memory (up to 1 MiB for a spooled route). */
struct ndc_str ndc_request_body(const struct ndc_request *req);
/* Parsed and checked against the row's schema; freed with the request. On a route whose
 * body is JSON it was parsed before the handler ran: then it cannot fail. */
enum ndc_err ndc_request_json(struct ndc_request *req, struct json_object **out,
                              struct ndc_fault *fault) NDC_MUST_USE;
/* The next bytes of a body of any size; *len is 0 at its end. */
enum ndc_err ndc_request_body_next(struct ndc_request *req, char *out, size_t size,
                                   size_t *len, struct ndc_fault *fault) NDC_MUST_USE;

/* A read connection to the main database: taken at the first call, given back when the
 * handler returns. Writes go through ndc_store_write(ndc_app_store(req->app), …). */
enum ndc_err ndc_request_conn(struct ndc_request *req, struct ndc_store_conn **conn,
                              struct ndc_fault *fault) NDC_MUST_USE;

/* Name and value are copied. Line breaks in a value are refused (abort for a name). */
void ndc_request_set_header(struct ndc_request *req, const char *name,
                            struct ndc_str value);
/* A literal; preset from the row. */
void ndc_request_set_type(struct ndc_request *req, const char *content_type);
/* Content-Disposition: attachment, with the name escaped. */
void ndc_request_set_download(struct ndc_request *req, struct ndc_str file_name);

/* Who asks, for what, as policy wants it; the handler adds action, subject, fields. */
void ndc_request_policy(const struct ndc_request *req, struct ndc_policy_request *out);
/* Records that this request did `action` (a literal) on an entity: who, purpose, legal
 * basis, route and outcome come from the request and the decision (may be NULL). The
 * answer leaves once the entry is durable; if it cannot be, 503. A handler that fails
 * with a denied decision should call it too. At most 1,000 subjects; all calls of a
 * request become one entry (fields united). subject may be empty: a search. */
void ndc_request_audit(struct ndc_request *req, const char *action,
                       struct ndc_str subject,
                       const struct ndc_policy_decision *decision);
/* Short, never personal data: "rows=20". */
void ndc_request_audit_detail(struct ndc_request *req, struct ndc_str detail);

/* Answers with a body of any length in bounded memory. `next` appends up to about 64 KiB
 * to `out` and sets *end after the last; an error cuts the connection. It runs on a
 * server thread after the handler has returned: take and give a connection inside. `done`
 * (may be NULL) is called once, always. Call last and return NDC_OK. */
void ndc_request_stream(struct ndc_request *req, void *ctx,
                        enum ndc_err (*next)(void *ctx, struct ndc_buf *out, bool *end,
                                             struct ndc_fault *fault),
                        void (*done)(void *ctx));
/* Answers with the events of a topic (core/topics.h) until the client leaves. `first`,
 * JSON, is sent at once; empty: none. Call last and return NDC_OK. */
void ndc_request_events(struct ndc_request *req, struct ndc_topic *topic,
                        struct ndc_str first);
/* After it, for a first event that must be read once the request is subscribed; with
 * `last` the stream ends after it. */
void ndc_request_events_first(struct ndc_request *req, struct ndc_str first, bool last);

/* Answers a WebSocket handshake (net/websocket.h). False: the request is none; answer
 * with an error. Call last and return NDC_OK. */
bool ndc_request_websocket(struct ndc_request *req, const struct ndc_ws_handler *handler);

#endif

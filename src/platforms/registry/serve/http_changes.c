/* The change feed over HTTP: in pages, and live as server-sent events. It names people
 * and what about them changed, never values; so it is asked for with a purpose, policy
 * says which fields may be named, and the audit log has which part of the feed was taken
 * (each row of which the feed keeps). */
#include "core/audit.h"
#include "net/http.h"
#include "platforms/registry/change/hub.h"
#include "platforms/registry/change/view.h"
#include "platforms/registry/serve/changes.h"
#include "platforms/registry/serve/http.h"
#include "sys/clock.h"
#include "sys/log.h"

enum {
    PAGE_DEFAULT = 200,
    PAGE_BYTES_MAX = 8 << 20,
    PIECE_BYTES_MAX = 1 << 20,
    /* Who follows is asked for its permission again after this. */
    STREAM_S = 900,
};

struct ndc_str ndc_change_source(struct ndc_registry *reg, uint32_t number)
{
    const struct ndc_registered *r = number ? ndc_registry_by_number(reg, number) : NULL;
    return r ? r->source->id : NDC_STR_NULL;
}

enum ndc_err ndc_change_filter_make(struct ndc_request *req, struct ndc_str type,
                                    const char *action, struct ndc_change_filter *filter,
                                    struct ndc_fault *fault)
{
    struct ndc_policy_decision d = {0};
    enum ndc_err err = NDC_OK;
    bool any = false;
    *filter = (struct ndc_change_filter){0};
    for (int t = 0; t < NDC_ENTITY_COUNT; t++) {
        struct ndc_policy_request q;
        struct ndc_fault why = {0};
        if (type.ptr && !ndc_str_eq_c(type, ndc_entity_name((enum ndc_entity)t)))
            continue;
        ndc_request_policy(req, &q);
        q.action = NDC_POLICY_SEARCH;
        q.entity = (enum ndc_entity)t;
        q.fields = ndc_field_set_entity(q.entity);
        enum ndc_err denied = ndc_policy_decide(&d, &q, &why);
        if (denied) {
            if (!err && fault) *fault = why;
            err = denied;
            continue;
        }
        any = true;
        filter->types[t] = true;
        for (size_t i = 0; i < NDC_ARRAY_LEN(d.shown.w); i++)
            filter->fields[t].w[i] = d.shown.w[i] | d.masked.w[i];
    }
    ndc_request_audit(req, action, NDC_STR_NULL, any ? NULL : &d);
    if (any && fault) *fault = (struct ndc_fault){0};
    return any ? NDC_OK : err;
}

/* A reader whose place is not in the feed any more must read everything anew. `after`
 * below 0 is no place yet. */
static enum ndc_err check_place(struct ndc_registry *reg, int64_t after, int64_t *first,
                                int64_t *last, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    int64_t floor = 0;
    NDC_TRY(ndc_store_take(reg->store, NDC_READ, &conn, fault));
    enum ndc_err err = ndc_change_last(conn, last, fault);
    if (!err) err = ndc_change_floor(conn, &floor, fault);
    ndc_store_give(conn);
    *first = floor;
    if (err || after < 0 || (after >= floor && after <= *last)) return err;
    err = ndc_fail(fault, NDC_ENOTFOUND, "change.gone",
                   "the feed has changes %lld to %lld: read what you need anew, then go "
                   "on after %lld",
                   (long long)floor + 1, (long long)*last, (long long)*last);
    if (fault) fault->http_status = 410;
    return err;
}

enum ndc_err ndc_registry_list_changes(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_registry *reg = ndc_registry_of(req);
    struct ndc_change_filter filter;
    struct ndc_change *changes;
    struct ndc_store_conn *conn;
    struct ndc_arena arena;
    struct ndc_json *j = &req->json;
    size_t n = 0, shown = 0;
    int64_t floor, last, after = ndc_request_query_i64(req, "after", 0);
    size_t limit = (size_t)ndc_request_query_i64(req, "limit", PAGE_DEFAULT);
    NDC_TRY(ndc_change_filter_make(req, ndc_request_query(req, "type"), "changes",
                                   &filter, fault));
    if (ndc_request_query_bool(req, "newest", false)) after = -1;
    NDC_TRY(check_place(reg, after, &floor, &last, fault));
    if (after < 0) after = NDC_MAX(floor, last - (int64_t)limit);
    ndc_arena_init(&arena, PAGE_BYTES_MAX);
    enum ndc_err err = ndc_registry_conn(req, &conn, fault);
    if (!err) {
        err = ndc_change_read(conn, &arena, after, limit, false, &changes, &n, fault);
        ndc_store_give(conn);
    }
    if (!err) {
        ndc_json_object(j);
        ndc_json_key(j, "changes");
        ndc_json_array(j);
        for (size_t i = 0; i < n; i++) {
            if (!ndc_change_wanted(&filter, &changes[i])) continue;
            ndc_change_write(j, &changes[i], ndc_change_source(reg, changes[i].source),
                             &filter);
            shown++;
        }
        ndc_json_end(j);
        int64_t next = n ? changes[n - 1].seq : after;
        ndc_json_kv_i64(j, "next", next);
        ndc_json_kv_i64(j, "last", NDC_MAX(last, next));
        ndc_json_end(j);
        ndc_request_audit_detail(
            req, ndc_arena_printf(req->arena, "after=%lld upto=%lld rows=%zu",
                                  (long long)after, (long long)next, shown));
    }
    ndc_arena_free(&arena);
    return err;
}

/* ---- live ---- */

struct stream {
    struct ndc_change_follower follower; /* first: known by it */
    struct ndc_registry *reg;
    struct ndc_change_filter filter;
    struct ndc_arena arena; /* of reads that are behind */
    struct ndc_arena kept;  /* texts for the last audit entry */
    struct ndc_audit_event event;
    int64_t from, until_ns;
    uint64_t rows;
    bool greeted;
};

/* What is not for this caller only moves its place on. */
static void write_piece(struct stream *s, struct ndc_buf *out,
                        const struct ndc_change *changes, size_t n)
{
    bool told = true;
    for (size_t i = 0; i < n; i++) {
        struct ndc_json j;
        told = ndc_change_wanted(&s->filter, &changes[i]);
        if (!told) continue;
        ndc_buf_printf(out, "id: %lld\ndata: ", (long long)changes[i].seq);
        ndc_json_init(&j, out);
        ndc_change_write(&j, &changes[i], ndc_change_source(s->reg, changes[i].source),
                         &s->filter);
        ndc_buf_add_c(out, "\n\n");
        s->rows++;
    }
    if (!told) ndc_buf_printf(out, "id: %lld\n\n", (long long)s->follower.after);
}

static bool stream_next(void *arg, struct ndc_buf *out, bool *end)
{
    struct stream *s = arg;
    struct ndc_change changes[NDC_CHANGE_PIECE];
    struct ndc_fault fault = {0};
    size_t n;
    if (!s->greeted) {
        s->greeted = true;
        ndc_buf_printf(out, "retry: 2000\nid: %lld\n\n", (long long)s->follower.after);
    }
    ndc_arena_reset(&s->arena);
    enum ndc_err err =
        ndc_change_hub_next(s->reg->hub, &s->follower, &s->arena, changes, &n, &fault);
    if (err) {
        ndc_log(NDC_LOG_WARN, "registry", "change stream: %s", fault.message);
        *end = true; /* it comes back and is told why */
        return true;
    }
    write_piece(s, out, changes, n);
    if (n == 0 && s->follower.beat) {
        s->follower.beat = false;
        ndc_buf_add_c(out, ":\n\n");
    }
    *end = ndc_clock_mono_ns() > s->until_ns;
    return true;
}

/* What was taken goes to the audit log when the stream ends: its length is known then. */
static void stream_done(void *arg)
{
    struct stream *s = arg;
    struct ndc_fault fault = {0};
    struct ndc_audit *audit = ndc_audit_get();
    ndc_change_hub_leave(s->reg->hub, &s->follower);
    s->event.detail =
        ndc_arena_printf(&s->kept, "after=%lld upto=%lld rows=%llu", (long long)s->from,
                         (long long)s->follower.after, (unsigned long long)s->rows);
    if (audit && ndc_audit_append(audit, &s->event, NULL, NULL, &fault))
        ndc_log(NDC_LOG_WARN, "registry", "end of a change stream: %s", fault.message);
    ndc_arena_free(&s->arena);
    ndc_arena_free(&s->kept);
    free(s);
}

static struct ndc_audit_event end_event(struct ndc_request *req, struct ndc_arena *kept)
{
    return (struct ndc_audit_event){
        .principal = ndc_arena_str(kept, req->principal->id),
        .agency = ndc_arena_str(kept, req->principal->agency),
        .action = NDC_STR("changes.end"),
        .purpose = ndc_arena_str(kept, req->purpose),
        .legal_basis = ndc_arena_str(kept, req->legal_basis),
        .platform = NDC_STR("registry"),
        .route = NDC_STR("GET /api/registry/changes/stream"),
        .outcome = NDC_POLICY_PERMIT,
        .request_id = ndc_arena_str(kept, req->id),
        .client = ndc_arena_str(kept, req->client),
    };
}

static enum ndc_err parse_place(struct ndc_request *req, int64_t *after,
                                struct ndc_fault *fault)
{
    struct ndc_str id = ndc_request_header(req, "Last-Event-ID");
    *after = ndc_request_query_i64(req, "after", -1);
    if (!id.len || (ndc_str_to_i64(id, after) && *after >= 0)) return NDC_OK;
    return ndc_fail_at(fault, NDC_EINPUT, "change.place", "Last-Event-ID", 0,
                       "Last-Event-ID is the number of the last change you have had");
}

enum ndc_err ndc_registry_stream_changes(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_registry *reg = ndc_registry_of(req);
    struct ndc_change_filter filter;
    int64_t after, floor, last;
    NDC_TRY(ndc_change_filter_make(req, ndc_request_query(req, "type"), "changes.follow",
                                   &filter, fault));
    NDC_TRY(parse_place(req, &after, fault));
    NDC_TRY(check_place(reg, after, &floor, &last, fault));
    struct stream *s = ndc_xcalloc(1, sizeof(*s));
    s->reg = reg;
    s->filter = filter;
    s->follower.http = req->http;
    s->follower.after = s->from = after < 0 ? last : after;
    s->until_ns = ndc_clock_mono_ns() + (int64_t)STREAM_S * 1000000000;
    ndc_arena_init(&s->arena, PIECE_BYTES_MAX);
    ndc_arena_init(&s->kept, 64 << 10);
    s->event = end_event(req, &s->kept);
    enum ndc_err err = ndc_change_hub_join(reg->hub, &s->follower, fault);
    if (err) {
        ndc_arena_free(&s->arena);
        ndc_arena_free(&s->kept);
        free(s);
        return err;
    }
    ndc_request_audit_detail(
        req, ndc_arena_printf(req->arena, "after=%lld", (long long)s->from));
    ndc_request_set_header(req, "X-Accel-Buffering", NDC_STR("no"));
    req->http->source =
        (struct ndc_http_source){.ctx = s, .next = stream_next, .done = stream_done};
    return NDC_OK;
}

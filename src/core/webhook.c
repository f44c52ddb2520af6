/* Webhooks: who is due, and the calls. The tables are the truth; memory holds only what
 * the workers need to choose the next endpoint. Before a page goes out its end is stored,
 * so after a crash the same page goes out again under the same id. One process delivers:
 * two daemons on one database would each send. */
#include "core/app.h"
#include "core/audit.h"
#include "core/config.h"
#include "core/metrics.h"
#include "core/webhook_internal.h"
#include "core/webhook_sign.h"
#include "crypto/token.h"
#include "net/client.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/random.h"
#include "sys/thread.h"

#include <stdatomic.h>

enum {
    WORKERS = 8,
    FAILING_MAX = WORKERS / 2, /* workers kept waiting by those who failed last */
    GAP_MS = 20,               /* between pages to one endpoint: more go together */
    LOOK_MS = 1000,
    DELAY_MAX_MS = 3600 * 1000,
    ANSWER_BYTES_MAX = 64 << 10,
    ARENA_BYTES = 4 << 20,
    SECRETS_BYTES = 1024,
};

struct endpoint {
    char id[NDC_WEBHOOK_ID_LEN + 1];
    const struct ndc_webhook_source *source;
    bool used, busy, idle, failing, forgotten;
    uint64_t news; /* counts wakes: what came while it was busy is not lost */
    int64_t next_ms;
};

struct ndc_webhooks {
    struct ndc_app *app;
    struct ndc_store *store;
    struct ndc_seal *seal;
    const struct ndc_webhook_source *sources[NDC_WEBHOOK_SOURCES_MAX];
    size_t sources_n;
    bool private;
    int64_t retry_ms, attempts_max;
    unsigned timeout_ms;
    struct ndc_counter *sent, *failed, *dead;
    struct ndc_thread threads[WORKERS];
    bool started;
    atomic_bool cancel;    /* calls under way end at once: we stop */
    struct ndc_mutex lock; /* guards what follows */
    struct ndc_cond due;
    bool stop;
    unsigned failing; /* workers at endpoints that failed last */
    size_t turn;
    struct endpoint endpoints[NDC_WEBHOOKS_MAX];
};

struct ndc_webhooks *ndc_webhooks_new(void)
{
    struct ndc_webhooks *h = ndc_xcalloc(1, sizeof(*h));
    ndc_mutex_init(&h->lock);
    ndc_cond_init(&h->due);
    return h;
}

void ndc_webhooks_free(struct ndc_webhooks *h)
{
    if (!h) return;
    NDC_ASSERT(!h->started);
    ndc_seal_free(h->seal);
    ndc_cond_free(&h->due);
    ndc_mutex_free(&h->lock);
    free(h);
}

void ndc_webhook_offer(struct ndc_app *app, const struct ndc_webhook_source *source)
{
    struct ndc_webhooks *h = ndc_app_webhooks(app);
    NDC_ASSERT(h->sources_n < NDC_WEBHOOK_SOURCES_MAX && !h->started);
    h->sources[h->sources_n++] = source;
}

const struct ndc_webhook_source *ndc_webhook_source_at(struct ndc_webhooks *h, size_t i)
{
    return i < h->sources_n ? h->sources[i] : NULL;
}

const struct ndc_webhook_source *ndc_webhook_source_find(struct ndc_webhooks *h,
                                                         struct ndc_str name)
{
    for (size_t i = 0; i < h->sources_n; i++)
        if (ndc_str_eq_c(name, h->sources[i]->name)) return h->sources[i];
    return NULL;
}

const struct ndc_seal *ndc_webhooks_seal(const struct ndc_webhooks *h)
{
    return h->seal;
}

bool ndc_webhooks_private(const struct ndc_webhooks *h)
{
    return h->private;
}

void ndc_webhook_wake(struct ndc_app *app, const char *source)
{
    struct ndc_webhooks *h = ndc_app_webhooks(app);
    ndc_mutex_lock(&h->lock);
    for (size_t i = 0; i < NDC_WEBHOOKS_MAX; i++) {
        struct endpoint *e = &h->endpoints[i];
        if (!e->used || !e->source || strcmp(e->source->name, source) != 0) continue;
        e->news++;
        e->idle = false;
    }
    ndc_cond_broadcast(&h->due);
    ndc_mutex_unlock(&h->lock);
}

/* Under the lock. */
static struct endpoint *find(struct ndc_webhooks *h, struct ndc_str id)
{
    for (size_t i = 0; i < NDC_WEBHOOKS_MAX; i++)
        if (h->endpoints[i].used && ndc_str_eq_c(id, h->endpoints[i].id))
            return &h->endpoints[i];
    return NULL;
}

static enum ndc_err know(struct ndc_webhooks *h, struct ndc_str id,
                         const struct ndc_webhook_source *source, struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    ndc_mutex_lock(&h->lock);
    struct endpoint *e = find(h, id);
    for (size_t i = 0; !e && i < NDC_WEBHOOKS_MAX; i++) {
        if (h->endpoints[i].used) continue;
        e = &h->endpoints[i];
        *e = (struct endpoint){.used = true, .source = source};
        memcpy(e->id, id.ptr, NDC_MIN(id.len, (size_t)NDC_WEBHOOK_ID_LEN));
    }
    if (e) {
        e->news++;
        e->idle = false;
        e->next_ms = 0;
    } else {
        err = ndc_fail(fault, NDC_EBUSY, "webhook.many", "at most %d webhooks",
                       NDC_WEBHOOKS_MAX);
    }
    ndc_cond_broadcast(&h->due);
    ndc_mutex_unlock(&h->lock);
    return err;
}

/* ---- one call ---- */

static enum ndc_err sign(struct ndc_webhooks *h, const struct ndc_webhook *w,
                         struct ndc_str message, int64_t now_s, struct ndc_str body,
                         struct ndc_buf *out, struct ndc_fault *fault)
{
    const struct ndc_str sealed[] = {w->secret, w->old_secret};
    enum ndc_err err = NDC_OK;
    for (size_t i = 0; i < NDC_ARRAY_LEN(sealed) && !err; i++) {
        struct ndc_buf secret;
        if (!sealed[i].len || (i == 1 && w->old_until_ms < now_s * 1000)) continue;
        ndc_buf_init(&secret, SECRETS_BYTES);
        err = ndc_seal_open(h->seal, &secret, w->id, sealed[i], fault);
        if (!err && i == 1) ndc_buf_add_byte(out, ' ');
        if (!err)
            err =
                ndc_webhook_sign(out, ndc_buf_str(&secret), message, now_s, body, fault);
        if (secret.ptr) ndc_secret_wipe(secret.ptr, secret.cap);
        ndc_buf_free(&secret);
    }
    return err;
}

/* Fills status, error, times of *a. *wait_ms: what the endpoint asked for, or 0. */
static void call(struct ndc_webhooks *h, const struct ndc_webhook *w,
                 struct ndc_arena *arena, struct ndc_str body,
                 struct ndc_webhook_attempt *a, int64_t *wait_ms)
{
    struct ndc_buf signature;
    struct ndc_client_answer answer;
    struct ndc_fault fault = {0};
    int64_t start = ndc_clock_mono_ns(), seconds = 0;
    *wait_ms = 0;
    a->at_ms = ndc_clock_wall_ms();
    a->status = 0;
    a->error = NDC_STR_NULL;
    ndc_buf_init(&signature, SECRETS_BYTES);
    enum ndc_err err = sign(h, w, a->message, a->at_ms / 1000, body, &signature, &fault);
    const char *headers[] = {
        "Content-Type: application/json",
        ndc_arena_printf(arena, "webhook-id: %.*s", NDC_STR_FMT(a->message)).ptr,
        ndc_arena_printf(arena, "webhook-timestamp: %lld", (long long)(a->at_ms / 1000))
            .ptr,
        ndc_arena_printf(arena, "webhook-signature: %.*s",
                         NDC_STR_FMT(ndc_buf_str(&signature)))
            .ptr,
        NULL};
    const struct ndc_client_request request = {.method = "POST",
                                               .url = ndc_arena_cstr(arena, w->url),
                                               .headers = headers,
                                               .body = body,
                                               .timeout_ms = h->timeout_ms,
                                               .answer_bytes_max = ANSWER_BYTES_MAX,
                                               .public_only = !h->private,
                                               .cancel = &h->cancel};
    if (!err) {
        err = ndc_client_call(&answer, &request, &fault);
        struct ndc_str after = ndc_client_header(&answer, "Retry-After");
        if (!err) a->status = answer.status;
        if (!err && ndc_str_to_i64(after, &seconds) && seconds > 0)
            *wait_ms = NDC_MIN(seconds, (int64_t)DELAY_MAX_MS / 1000) * 1000;
        ndc_client_answer_free(&answer);
    }
    if (err)
        a->error = ndc_arena_str(arena, ndc_str(fault.message));
    else if (a->status < 200 || a->status > 299)
        a->error = ndc_arena_printf(arena, "answered %d", (int)a->status);
    a->took_ms = (ndc_clock_mono_ns() - start) / 1000000;
    ndc_buf_free(&signature);
}

static void begin_body(struct ndc_json *j, const struct ndc_webhook *w, int64_t at_ms)
{
    ndc_json_object(j);
    ndc_json_kv_str(j, "type", w->source);
    ndc_json_kv_time(j, "timestamp", at_ms);
    ndc_json_key(j, "data");
}

enum ndc_err ndc_webhooks_test(struct ndc_webhooks *h, const struct ndc_webhook *w,
                               struct ndc_arena *arena, struct ndc_webhook_attempt *out,
                               struct ndc_fault *fault)
{
    struct ndc_buf body;
    struct ndc_json j;
    char id[NDC_WEBHOOK_ID_LEN + 1];
    int64_t ignored;
    (void)fault;
    ndc_token_id(id, NDC_WEBHOOK_ID_LEN);
    *out = (struct ndc_webhook_attempt){.message =
                                            ndc_arena_printf(arena, "msg_test_%s", id)};
    ndc_buf_init(&body, SECRETS_BYTES);
    ndc_json_init(&j, &body);
    begin_body(&j, w, ndc_clock_wall_ms());
    ndc_json_object(&j);
    ndc_json_kv_bool(&j, "test", true);
    ndc_json_end(&j);
    ndc_json_end(&j);
    call(h, w, arena, ndc_buf_str(&body), out, &ignored);
    ndc_buf_free(&body);
    return NDC_OK;
}

/* ---- one page ---- */

/* The whole text of a page. What stands before `data` needs the page's time, which is
 * known only after: data is made first. */
static enum ndc_err make_body(const struct ndc_webhook_source *source,
                              const struct ndc_webhook *w, struct ndc_webhook_page *page,
                              struct ndc_buf *body, struct ndc_fault *fault)
{
    struct ndc_buf data;
    struct ndc_json j;
    ndc_buf_init(&data, NDC_WEBHOOK_BODY_MAX);
    ndc_json_init(&j, &data);
    page->last = page->after;
    enum ndc_err err = source->page(source->arg, page, &j, fault);
    if (!err && data.failed)
        err = ndc_fail(fault, NDC_ETOOBIG, "webhook.body",
                       "a page is larger than %d bytes", NDC_WEBHOOK_BODY_MAX);
    if (!err) {
        ndc_json_init(&j, body);
        begin_body(&j, w, page->at_ms);
        ndc_json_raw(&j, ndc_buf_str(&data));
        ndc_json_end(&j);
    }
    ndc_buf_free(&data);
    return err;
}

/* Who got which part: in the log before it leaves, or it does not. */
static enum ndc_err audit(struct ndc_webhooks *h, const struct ndc_webhook *w,
                          struct ndc_arena *arena, const struct ndc_webhook_attempt *a,
                          struct ndc_fault *fault)
{
    const struct ndc_audit_event event = {
        .principal = ndc_arena_printf(arena, "webhook:%.*s", NDC_STR_FMT(w->id)),
        .agency = w->agency,
        .action = NDC_STR("webhook.deliver"),
        .purpose = w->purpose,
        .legal_basis = w->legal_basis,
        .platform = NDC_STR("webhooks"),
        .outcome = NDC_POLICY_PERMIT,
        .request_id = a->message,
        .detail =
            ndc_arena_printf(arena, "after=%lld upto=%lld rows=%lld", (long long)a->after,
                             (long long)a->last, (long long)a->events)};
    struct ndc_audit *log = ndc_app_audit(h->app);
    return log ? ndc_audit_append_wait(log, &event, NULL, fault) : NDC_OK;
}

/* Doubling from retry_ms, give or take a fifth: those that failed together do not come
 * back together. */
static int64_t delay_ms(const struct ndc_webhooks *h, int64_t attempts, int64_t asked)
{
    int64_t delay = h->retry_ms;
    for (int64_t i = 1; i < attempts && delay < DELAY_MAX_MS; i++)
        delay *= 2;
    delay = NDC_MIN(delay, (int64_t)DELAY_MAX_MS);
    int64_t fifth = delay / 5;
    delay += fifth ? (int64_t)(ndc_random_u64() % (uint64_t)(2 * fifth)) - fifth : 0;
    return NDC_MAX(delay, asked);
}

/* What is to happen with the endpoint after a step. */
struct step {
    bool idle, failing;
    int64_t next_ms;
};

static enum ndc_err settle(struct ndc_webhooks *h, const struct ndc_webhook *w,
                           const struct ndc_webhook_attempt *a, int64_t asked,
                           struct step *out, struct ndc_fault *fault)
{
    bool good = a->status >= 200 && a->status <= 299;
    ndc_counter_add(good ? h->sent : h->failed, 1);
    out->failing = !good;
    out->next_ms = a->at_ms + a->took_ms + GAP_MS;
    if (good) return ndc_webhook_delivered(h->store, w->id, a, fault);
    int64_t next = a->at_ms + a->took_ms + delay_ms(h, a->attempt, asked);
    if (a->status == 410) {
        enum ndc_err err = ndc_webhook_failed(h->store, w->id, a, next, fault);
        out->idle = true;
        return err ? err
                   : ndc_webhook_set_state(h->store, w->id, "gone",
                                           NDC_STR("it answered 410 Gone"), fault);
    }
    if (a->attempt >= h->attempts_max) {
        next = 0;
        ndc_counter_add(h->dead, 1);
        ndc_log(NDC_LOG_ERROR, "webhook", "%.*s: %.*s given up after %lld attempts: %.*s",
                NDC_STR_FMT(w->id), NDC_STR_FMT(a->message), (long long)a->attempt,
                NDC_STR_FMT(a->error));
    } else {
        out->next_ms = next;
    }
    return ndc_webhook_failed(h->store, w->id, a, next, fault);
}

static struct ndc_str message_id(struct ndc_arena *arena, const struct ndc_webhook *w,
                                 int64_t after, int64_t last)
{
    return ndc_arena_printf(arena, "msg_%.*s_%lld_%lld", NDC_STR_FMT(w->id),
                            (long long)after, (long long)last);
}

static enum ndc_err send_dead(struct ndc_webhooks *h, struct endpoint *e,
                              const struct ndc_webhook *w, struct ndc_webhook_attempt *a,
                              struct ndc_arena *arena, struct step *out,
                              struct ndc_fault *fault)
{
    struct ndc_webhook_page page = {
        .after = a->after, .upto = a->last, .granted = w->granted};
    struct ndc_buf body;
    int64_t asked;
    ndc_buf_init(&body, NDC_WEBHOOK_BODY_MAX + SECRETS_BYTES);
    enum ndc_err err = make_body(e->source, w, &page, &body, fault);
    a->events = (int64_t)page.events;
    if (!err) err = audit(h, w, arena, a, fault);
    if (!err) {
        call(h, w, arena, ndc_buf_str(&body), a, &asked);
        bool good = a->status >= 200 && a->status <= 299;
        ndc_counter_add(good ? h->sent : h->failed, 1);
        out->failing = !good;
        err = ndc_webhook_revive_done(h->store, w->id, a, good, fault);
    }
    ndc_buf_free(&body);
    out->next_ms = ndc_clock_wall_ms() + GAP_MS;
    return err;
}

static enum ndc_err send_page(struct ndc_webhooks *h, struct endpoint *e,
                              const struct ndc_webhook *w, struct ndc_arena *arena,
                              struct step *out, struct ndc_fault *fault)
{
    struct ndc_webhook_page page = {
        .after = w->seq, .upto = w->pending, .granted = w->granted};
    struct ndc_buf body;
    int64_t asked;
    ndc_buf_init(&body, NDC_WEBHOOK_BODY_MAX + SECRETS_BYTES);
    enum ndc_err err = make_body(e->source, w, &page, &body, fault);
    int64_t last = w->pending ? w->pending : page.last;
    if (!err && page.events == 0) {
        if (last > w->seq) err = ndc_webhook_skip(h->store, w->id, last, fault);
        out->idle = last == w->seq;
        ndc_buf_free(&body);
        return err;
    }
    struct ndc_webhook_attempt a = {.after = w->seq,
                                    .last = last,
                                    .events = (int64_t)page.events,
                                    .attempt = w->attempts + 1,
                                    .message = message_id(arena, w, w->seq, last)};
    if (!err && !w->pending) err = ndc_webhook_begin(h->store, w->id, last, fault);
    if (!err) err = audit(h, w, arena, &a, fault);
    if (!err) {
        call(h, w, arena, ndc_buf_str(&body), &a, &asked);
        err = settle(h, w, &a, asked, out, fault);
    }
    ndc_buf_free(&body);
    return err;
}

static enum ndc_err serve(struct ndc_webhooks *h, struct endpoint *e,
                          struct ndc_arena *arena, struct step *out,
                          struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    struct ndc_webhook w;
    struct ndc_webhook_attempt dead;
    bool found = false;
    NDC_TRY(ndc_store_take(h->store, NDC_READ, &conn, fault));
    enum ndc_err err = ndc_webhook_read(conn, arena, ndc_str(e->id), &w, fault);
    if (!err) err = ndc_webhook_revived(conn, arena, w.id, &dead, &found, fault);
    ndc_store_give(conn);
    if (err == NDC_ENOTFOUND ||
        (!err && (!e->source || !ndc_str_eq_c(w.state, "active")))) {
        out->idle = true;
        return NDC_OK;
    }
    if (err) return err;
    out->failing = w.attempts > 0;
    if (w.next_ms > ndc_clock_wall_ms() && !found) {
        out->next_ms = w.next_ms;
        return NDC_OK;
    }
    return found ? send_dead(h, e, &w, &dead, arena, out, fault)
                 : send_page(h, e, &w, arena, out, fault);
}

/* ---- workers ---- */

/* Under the lock: whose turn it is, or NULL; then *wait_ms says for how long nobody's. */
static struct endpoint *choose(struct ndc_webhooks *h, int64_t *wait_ms)
{
    int64_t now = ndc_clock_wall_ms(), soonest = now + LOOK_MS;
    for (size_t i = 0; i < NDC_WEBHOOKS_MAX; i++) {
        struct endpoint *e = &h->endpoints[(h->turn + i) % NDC_WEBHOOKS_MAX];
        if (!e->used || e->busy || e->idle || e->forgotten) continue;
        if (e->next_ms > now) {
            soonest = NDC_MIN(soonest, e->next_ms);
            continue;
        }
        if (e->failing && h->failing >= FAILING_MAX) continue;
        h->turn = (size_t)(e - h->endpoints) + 1;
        return e;
    }
    *wait_ms = NDC_MAX(soonest - now, 1);
    return NULL;
}

static void run_one(struct ndc_webhooks *h, struct endpoint *e, struct ndc_arena *arena)
{
    struct step step = {0};
    struct ndc_fault fault = {0};
    uint64_t news = e->news;
    bool failing = e->failing;
    e->busy = true;
    h->failing += failing;
    ndc_mutex_unlock(&h->lock);
    ndc_arena_reset(arena);
    enum ndc_err err = serve(h, e, arena, &step, &fault);
    if (err) {
        ndc_log(NDC_LOG_WARN, "webhook", "%s: %s", e->id, fault.message);
        step = (struct step){.next_ms = ndc_clock_wall_ms() + LOOK_MS};
    }
    ndc_mutex_lock(&h->lock);
    h->failing -= failing;
    e->busy = false;
    e->failing = step.failing;
    e->next_ms = step.next_ms;
    e->idle = step.idle && e->news == news;
    if (e->forgotten) *e = (struct endpoint){0};
    ndc_cond_broadcast(&h->due);
}

static void work(void *arg)
{
    struct ndc_webhooks *h = arg;
    struct ndc_arena arena;
    ndc_arena_init(&arena, ARENA_BYTES);
    ndc_mutex_lock(&h->lock);
    while (!h->stop) {
        int64_t wait_ms = LOOK_MS;
        struct endpoint *e = choose(h, &wait_ms);
        if (e)
            run_one(h, e, &arena);
        else
            ndc_cond_wait_ms(&h->due, &h->lock, wait_ms);
    }
    ndc_mutex_unlock(&h->lock);
    ndc_arena_free(&arena);
}

enum ndc_err ndc_webhooks_know(struct ndc_webhooks *h, struct ndc_str id,
                               struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    struct ndc_arena arena;
    struct ndc_webhook w;
    NDC_TRY(ndc_store_take(h->store, NDC_READ, &conn, fault));
    ndc_arena_init(&arena, ARENA_BYTES);
    enum ndc_err err = ndc_webhook_read(conn, &arena, id, &w, fault);
    ndc_store_give(conn);
    if (!err) err = know(h, id, ndc_webhook_source_find(h, w.source), fault);
    ndc_arena_free(&arena);
    return err;
}

void ndc_webhooks_forget(struct ndc_webhooks *h, struct ndc_str id)
{
    ndc_mutex_lock(&h->lock);
    struct endpoint *e = find(h, id);
    if (e && e->busy)
        e->forgotten = true;
    else if (e)
        *e = (struct endpoint){0};
    ndc_mutex_unlock(&h->lock);
}

static enum ndc_err know_all(struct ndc_webhooks *h, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    struct ndc_arena arena;
    struct ndc_webhook_list list;
    NDC_TRY(ndc_store_take(h->store, NDC_READ, &conn, fault));
    ndc_arena_init(&arena, (size_t)NDC_WEBHOOKS_MAX * 16 * 1024);
    enum ndc_err err = ndc_webhook_read_all(conn, &arena, &list, fault);
    ndc_store_give(conn);
    for (size_t i = 0; !err && i < list.n; i++)
        err = know(h, list.items[i].id, ndc_webhook_source_find(h, list.items[i].source),
                   fault);
    ndc_arena_free(&arena);
    return err;
}

enum ndc_err ndc_webhooks_start(struct ndc_webhooks *h, struct ndc_app *app,
                                struct ndc_fault *fault)
{
    static const char help[] = "Calls of webhooks, by how they ended";
    const struct ndc_config *c = ndc_app_config(app);
    struct ndc_metrics *m = ndc_app_metrics(app);
    h->app = app;
    h->store = ndc_app_store(app);
    h->private = ndc_config_bool(c, "webhook_private");
    h->retry_ms = ndc_config_int(c, "webhook_retry");
    h->attempts_max = ndc_config_int(c, "webhook_attempts");
    h->timeout_ms = (unsigned)ndc_config_int(c, "webhook_timeout");
    h->sent = ndc_counter_new(m, "ndc_webhook_calls_total", "outcome=\"good\"", help);
    h->failed = ndc_counter_new(m, "ndc_webhook_calls_total", "outcome=\"failed\"", help);
    h->dead = ndc_counter_new(m, "ndc_webhook_dead_total", NULL,
                              "Messages of webhooks that were given up");
    NDC_TRY(ndc_seal_load(&h->seal, ndc_app_path(app, "webhook.key"), fault));
    NDC_TRY(know_all(h, fault));
    for (size_t i = 0; i < WORKERS; i++)
        ndc_thread_start(&h->threads[i], "ndc-webhook", work, h);
    h->started = true;
    return NDC_OK;
}

void ndc_webhooks_stop(struct ndc_webhooks *h)
{
    if (!h->started) return;
    ndc_mutex_lock(&h->lock);
    h->stop = true;
    atomic_store(&h->cancel, true);
    ndc_cond_broadcast(&h->due);
    ndc_mutex_unlock(&h->lock);
    for (size_t i = 0; i < WORKERS; i++)
        ndc_thread_join(&h->threads[i]);
    h->started = false;
}

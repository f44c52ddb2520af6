/* Logout tokens, sent by a thread of their own (logout.h). */
#include "platforms/eid/provider/logout.h"

#include "crypto/token.h"
#include "net/client.h"
#include "platforms/eid/provider/client.h"
#include "platforms/eid/provider/keys.h"
#include "platforms/eid/provider/mint.h"
#include "store/writer.h"
#include "sys/clock.h"
#include "sys/log.h"

#include <stdio.h>

enum {
    LOOK_MS = 1000,
    AT_ONCE = 32,
    SEND_MS = 5000,
    CLAIM_MS = 30000, /* another process may try it after this */
    LOGOUT_TOKEN_S = 120,
    NAME_TEXT = 256
};

/* A session lives a day at most; who cannot be told within an hour is not. */
static const int64_t kept_ms = 31 * (int64_t)86400000, told_within_ms = 3600000,
                     pause_max_ms = 600000;

struct eid_logouts {
    struct ndc_eid *eid;
    struct ndc_mutex lock; /* guards the rest */
    struct ndc_cond more;
    bool stop, due;
    atomic_bool cancel;
    struct ndc_thread thread;
};

enum ndc_err eid_logout_wanted(struct ndc_store_conn *conn, struct ndc_str sid,
                               struct ndc_str client, struct ndc_str account,
                               struct ndc_fault *fault)
{
    char name[NAME_TEXT];
    int64_t now = ndc_clock_wall_ms();
    snprintf(name, sizeof(name), "%.*s %.*s", NDC_STR_FMT(sid), NDC_STR_FMT(client));
    NDC_TRY(eid_sweep(conn, "eid_logout", now, fault));
    return ndc_sql_exec(conn,
                        "INSERT INTO eid_logout (name, sid, client, account, tries, "
                        "due_ms, expires_ms) VALUES ($1, $2, $3, $4, 0, 0, $5) ON "
                        "CONFLICT (name) DO NOTHING",
                        NDC_ARGS(ndc_textz(name), ndc_text(sid), ndc_text(client),
                                 ndc_text(account), ndc_int(now + kept_ms)),
                        NULL, fault);
}

enum ndc_err eid_logout_due(struct ndc_store_conn *conn, struct ndc_str sid,
                            struct ndc_fault *fault)
{
    int64_t now = ndc_clock_wall_ms();
    return ndc_sql_exec(
        conn,
        "UPDATE eid_logout SET due_ms = $2, expires_ms = $3 WHERE sid = $1 AND due_ms = "
        "0",
        NDC_ARGS(ndc_text(sid), ndc_int(now), ndc_int(now + told_within_ms)), NULL,
        fault);
}

/* ---- sending ---- */

struct due {
    struct ndc_str name, sid, client, account;
    int64_t tries, due_ms;
};

struct dues {
    struct due items[AT_ONCE];
    size_t n;
};

static enum ndc_err read_due(struct ndc_eid *eid, struct ndc_arena *arena,
                             struct dues *out, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    out->n = 0;
    NDC_TRY(ndc_store_take(eid->store, NDC_READ, &conn, fault));
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT name, sid, client, account, tries, due_ms FROM eid_logout WHERE due_ms > "
        "0 AND due_ms <= $1 ORDER BY due_ms, name LIMIT $2",
        NDC_ARGS(ndc_int(ndc_clock_wall_ms()), ndc_int(AT_ONCE)));
    while (out->n < AT_ONCE && ndc_rows_next(rows))
        out->items[out->n++] =
            (struct due){.name = ndc_arena_str(arena, ndc_rows_text(rows, 0)),
                         .sid = ndc_arena_str(arena, ndc_rows_text(rows, 1)),
                         .client = ndc_arena_str(arena, ndc_rows_text(rows, 2)),
                         .account = ndc_arena_str(arena, ndc_rows_text(rows, 3)),
                         .tries = ndc_rows_i64(rows, 4),
                         .due_ms = ndc_rows_i64(rows, 5)};
    enum ndc_err err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    return err;
}

struct step {
    const struct due *due;
    int64_t until_ms; /* not before it is it tried again; 0: it is done */
    bool client;      /* nor anything else of this client */
    bool mine;
};

/* Moves a row on, if it still is as it was read. */
static enum ndc_err step_write(struct ndc_store_conn *conn, void *arg,
                               struct ndc_fault *fault)
{
    struct step *s = arg;
    int64_t changes = 0;
    if (s->until_ms == 0) {
        s->mine = true;
        return ndc_sql_exec(conn, "DELETE FROM eid_logout WHERE name = $1",
                            NDC_ARGS(ndc_text(s->due->name)), NULL, fault);
    }
    NDC_TRY(ndc_sql_exec(
        conn,
        "UPDATE eid_logout SET due_ms = $3, tries = tries + 1 WHERE name = $1 AND tries "
        "= $2",
        NDC_ARGS(ndc_text(s->due->name), ndc_int(s->due->tries), ndc_int(s->until_ms)),
        &changes, fault));
    s->mine = changes > 0;
    if (!s->client) return NDC_OK;
    return ndc_sql_exec(
        conn,
        "UPDATE eid_logout SET due_ms = $2 WHERE client = $1 AND due_ms > "
        "0 AND due_ms < $2",
        NDC_ARGS(ndc_text(s->due->client), ndc_int(s->until_ms)), NULL, fault);
}

/* Back-Channel Logout 1.0, 2.4. */
static enum ndc_err make_body(struct ndc_eid *eid, struct ndc_buf *body,
                              const struct eid_client *client, const struct due *d,
                              struct ndc_fault *fault)
{
    struct ndc_buf claims;
    struct ndc_json j;
    char jti[23], sub[EID_SUB_TEXT];
    int64_t now = ndc_clock_wall_ms() / 1000;
    ndc_token_id(jti, 22);
    jti[22] = 0;
    eid_subject(eid, sub, client, d->account);
    ndc_buf_init(&claims, 4096);
    ndc_json_init(&j, &claims);
    ndc_json_object(&j);
    ndc_json_kv_str(&j, "iss", eid->issuer);
    ndc_json_kv_c(&j, "sub", sub);
    ndc_json_kv_str(&j, "aud", client->id);
    ndc_json_kv_i64(&j, "iat", now);
    ndc_json_kv_i64(&j, "exp", now + LOGOUT_TOKEN_S);
    ndc_json_kv_c(&j, "jti", jti);
    ndc_json_kv_str(&j, "sid", d->sid);
    ndc_json_key(&j, "events");
    ndc_json_object(&j);
    ndc_json_key(&j, "http://schemas.openid.net/event/backchannel-logout");
    ndc_json_object(&j);
    ndc_json_end(&j);
    ndc_json_end(&j);
    ndc_json_end(&j);
    ndc_buf_add_c(body, "logout_token=");
    enum ndc_err err =
        eid_sign(eid, body, client->id_alg, "logout+jwt", ndc_buf_str(&claims), fault);
    ndc_buf_free(&claims);
    return err;
}

/* A client's address may be private only where ours is: on this machine. */
static bool send_body(const struct eid_logouts *l, const struct eid_client *client,
                      struct ndc_str body)
{
    static const char *const headers[] = {
        "Content-Type: application/x-www-form-urlencoded", NULL};
    char url[EID_URI_BYTES_MAX + 1];
    struct ndc_client_answer answer;
    struct ndc_fault fault = {0};
    snprintf(url, sizeof(url), "%.*s", NDC_STR_FMT(client->backchannel_logout));
    const struct ndc_client_request request = {
        .method = "POST",
        .url = url,
        .headers = headers,
        .body = body,
        .timeout_ms = SEND_MS,
        .answer_bytes_max = 64 << 10,
        .public_only = ndc_str_starts(l->eid->issuer, NDC_STR("https")),
        .cancel = &l->cancel};
    enum ndc_err err = ndc_client_call(&answer, &request, &fault);
    int status = err ? 0 : answer.status;
    ndc_client_answer_free(&answer);
    return status / 100 == 2 || status == 400; /* 400: it will not be otherwise, 2.8 */
}

static enum ndc_err tell_one(struct eid_logouts *l, const struct due *d,
                             struct ndc_fault *fault)
{
    struct eid_client *client;
    struct ndc_buf body;
    int64_t now = ndc_clock_wall_ms();
    struct step claim = {.due = d, .until_ms = now + CLAIM_MS};
    NDC_TRY(ndc_store_write(l->eid->store, step_write, &claim, fault));
    if (!claim.mine) return NDC_OK; /* another process has it */
    struct due mine = *d;
    mine.tries++;
    struct step after = {.due = &mine};
    if (!eid_client_take(l->eid, &client, d->client, NULL)) {
        ndc_buf_init(&body, 16384);
        enum ndc_err err = make_body(l->eid, &body, client, d, fault);
        bool told = !err && (!client->backchannel_logout.len ||
                             send_body(l, client, ndc_buf_str(&body)));
        ndc_buf_free(&body);
        eid_client_unref(client);
        if (err) return err;
        int64_t pause_ms = (int64_t)1000 << NDC_MIN(d->tries, 10);
        if (!told) {
            after.until_ms = ndc_clock_wall_ms() + NDC_MIN(pause_ms, pause_max_ms);
            after.client = true;
        }
    }
    return ndc_store_write(l->eid->store, step_write, &after, fault);
}

static enum ndc_err tell_all(struct eid_logouts *l, bool *more, struct ndc_fault *fault)
{
    struct ndc_arena arena;
    struct dues dues;
    ndc_arena_init(&arena, 256 << 10);
    enum ndc_err err = read_due(l->eid, &arena, &dues, fault);
    for (size_t i = 0; i < dues.n && !err && !atomic_load(&l->cancel); i++)
        err = tell_one(l, &dues.items[i], fault);
    *more = !err && dues.n == AT_ONCE;
    ndc_arena_free(&arena);
    return err;
}

static void run(void *arg)
{
    struct eid_logouts *l = arg;
    bool failed = false, more = false;
    ndc_mutex_lock(&l->lock);
    while (!l->stop) {
        if (!l->due && !more) (void)ndc_cond_wait_ms(&l->more, &l->lock, LOOK_MS);
        if (l->stop) break;
        l->due = false;
        ndc_mutex_unlock(&l->lock);
        struct ndc_fault fault = {0};
        bool now = tell_all(l, &more, &fault) != NDC_OK;
        if (now && !failed)
            ndc_log(NDC_LOG_WARN, "eid", "logout tokens are not sent: %s", fault.message);
        failed = now;
        ndc_mutex_lock(&l->lock);
    }
    ndc_mutex_unlock(&l->lock);
}

struct eid_logouts *eid_logouts_new(struct ndc_eid *eid)
{
    struct eid_logouts *l = ndc_xcalloc(1, sizeof(*l));
    l->eid = eid;
    ndc_mutex_init(&l->lock);
    ndc_cond_init(&l->more);
    ndc_thread_start(&l->thread, "ndc-eid-logout", run, l);
    return l;
}

void eid_logouts_wake(struct eid_logouts *l)
{
    if (!l) return;
    ndc_mutex_lock(&l->lock);
    l->due = true;
    ndc_cond_signal(&l->more);
    ndc_mutex_unlock(&l->lock);
}

void eid_logouts_free(struct eid_logouts *l)
{
    if (!l) return;
    ndc_mutex_lock(&l->lock);
    l->stop = true;
    atomic_store(&l->cancel, true);
    ndc_cond_signal(&l->more);
    ndc_mutex_unlock(&l->lock);
    ndc_thread_join(&l->thread);
    ndc_cond_free(&l->more);
    ndc_mutex_free(&l->lock);
    free(l);
}

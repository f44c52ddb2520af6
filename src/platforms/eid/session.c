/* Sessions in browsers: 256 random bits in a cookie, of which only the hash is kept. A
 * sign-in always gives a new secret, so that one that was planted before is worth
 * nothing; the session's sid, by which tokens name it, stays while its account does. */
#include "platforms/eid/http.h"
#include "platforms/eid/provider/logout.h"

#include "net/http.h"
#include "store/writer.h"
#include "sys/clock.h"
#include "sys/log.h"

enum {
    AGENT_BYTES_MAX = 200,
    COOKIE_BYTES_MAX = 128,
    TOUCH_MS = 60 * 1000 /* the last use is written this often */
};

static const char *cookie_name(const struct ndc_request *req)
{
    return req->http->secure ? "__Host-ndc-eid" : "ndc-eid";
}

static struct ndc_str cookie_of(struct ndc_request *req)
{
    struct ndc_str cookie = ndc_http_cookie(req->http, cookie_name(req));
    return cookie.len > 0 && cookie.len < COOKIE_BYTES_MAX ? cookie : NDC_STR_NULL;
}

static void set_cookie(struct ndc_request *req, const char *secret, int64_t max_age_s)
{
    ndc_request_set_header(
        req, "Set-Cookie",
        ndc_arena_printf(req->arena,
                         "%s=%s; Path=/; Max-Age=%lld; HttpOnly; SameSite=Lax%s",
                         cookie_name(req), secret, (long long)max_age_s,
                         req->http->secure ? "; Secure" : ""));
}

static struct ndc_val hash_val(const uint8_t hash[static NDC_EID_HASH_BYTES])
{
    return ndc_blob(ndc_str_n((const char *)hash, NDC_EID_HASH_BYTES));
}

/* ---- a new one ---- */

void eid_session_prepare(struct ndc_request *req, struct eid_session_new *out,
                         struct ndc_str account, struct ndc_str acr, struct ndc_str amr)
{
    struct ndc_str agent = ndc_request_header(req, "User-Agent"), former = cookie_of(req);
    agent.len = NDC_MIN(agent.len, (size_t)AGENT_BYTES_MAX);
    *out = (struct eid_session_new){.account = account,
                                    .acr = acr,
                                    .amr = amr,
                                    .address = req->client,
                                    .agent = agent.ptr ? ndc_arena_str(req->arena, agent)
                                                       : NDC_STR(""),
                                    .now_ms = ndc_clock_wall_ms(),
                                    .max_ms = ndc_eid_of(req)->accounts->session_max_ms,
                                    .had_former = former.ptr != NULL};
    if (former.ptr) ndc_token_hash(out->former, former);
    ndc_token_make(out->secret, "");
    ndc_token_hash(out->hash, ndc_str(out->secret));
    ndc_token_id(out->fresh_sid, EID_SID_LEN);
}

/* The session that the browser had goes. Of the same account its sid goes on, for what
 * was granted in it was granted to the same person. */
static enum ndc_err take_former(struct ndc_store_conn *conn, struct eid_session_new *s,
                                struct ndc_fault *fault)
{
    char sid[EID_SID_LEN + 1] = "";
    bool same = false;
    memcpy(s->sid, s->fresh_sid, sizeof(s->sid));
    if (!s->had_former) return NDC_OK;
    struct ndc_rows *rows =
        ndc_sql_query(conn, "SELECT sid, account FROM eid_session WHERE session = $1",
                      NDC_ARGS(hash_val(s->former)));
    if (ndc_rows_next(rows)) {
        struct ndc_str text = ndc_rows_text(rows, 0);
        same = ndc_str_eq(ndc_rows_text(rows, 1), s->account);
        if (text.len == EID_SID_LEN) memcpy(sid, text.ptr, text.len);
    }
    NDC_TRY(ndc_rows_end(rows, fault));
    if (!sid[0]) return NDC_OK;
    if (same)
        memcpy(s->sid, sid, sizeof(sid));
    else
        NDC_TRY(eid_logout_due(conn, ndc_str(sid), fault));
    return ndc_sql_exec(conn, "DELETE FROM eid_session WHERE session = $1",
                        NDC_ARGS(hash_val(s->former)), NULL, fault);
}

enum ndc_err eid_session_put(struct ndc_store_conn *conn, struct eid_session_new *s,
                             struct ndc_fault *fault)
{
    NDC_TRY(take_former(conn, s, fault));
    NDC_TRY(eid_sweep(conn, "eid_session", s->now_ms, fault));
    NDC_TRY(ndc_sql_exec(
        conn,
        "INSERT INTO eid_session (session, sid, account, acr, amr, auth_ms, created_ms, "
        "used_ms, expires_ms, address, agent) VALUES ($1, $2, $3, $4, $5, $6, $6, $6, "
        "$7, $8, $9)",
        NDC_ARGS(hash_val(s->hash), ndc_textz(s->sid), ndc_text(s->account),
                 ndc_text(s->acr), ndc_text(s->amr), ndc_int(s->now_ms),
                 ndc_int(s->now_ms + s->max_ms), ndc_text(s->address),
                 ndc_text(s->agent)),
        NULL, fault));
    return ndc_sql_exec(
        conn,
        "DELETE FROM eid_session WHERE account = $1 AND sid NOT IN (SELECT sid FROM "
        "eid_session WHERE account = $1 ORDER BY created_ms DESC, sid LIMIT $2)",
        NDC_ARGS(ndc_text(s->account), ndc_int(EID_SESSIONS_MAX)), NULL, fault);
}

void eid_session_give(struct ndc_request *req, struct eid_session_new *s)
{
    set_cookie(req, s->secret, s->max_ms / 1000);
    ndc_secret_wipe(s->secret, sizeof(s->secret));
}

enum ndc_err eid_session_raise(struct ndc_store_conn *conn,
                               const struct eid_signed_in *by, struct ndc_str acr,
                               struct ndc_str amr, struct ndc_fault *fault)
{
    return ndc_sql_exec(conn, "UPDATE eid_session SET acr = $2, amr = $3 WHERE sid = $1",
                        NDC_ARGS(ndc_text(by->sid), ndc_text(acr), ndc_text(amr)), NULL,
                        fault);
}

/* ---- the one that is there ---- */

struct touch {
    struct ndc_eid *eid;
    int64_t now_ms;
    uint8_t hash[NDC_EID_HASH_BYTES];
};

static enum ndc_err write_touch(struct ndc_store_conn *conn, void *arg,
                                struct ndc_fault *fault)
{
    const struct touch *t = arg;
    return ndc_sql_exec(conn,
                        "UPDATE eid_session SET used_ms = $2 WHERE session = $1 AND "
                        "used_ms < $2",
                        NDC_ARGS(hash_val(t->hash), ndc_int(t->now_ms)), NULL, fault);
}

static void touched(void *arg, enum ndc_err err, const struct ndc_fault *fault)
{
    if (err) ndc_log(NDC_LOG_WARN, "eid", "a session's last use: %s", fault->message);
    free(arg);
}

/* Nobody waits for it: if it is lost the session ends a minute early. */
static void touch(struct ndc_eid *eid, const uint8_t *hash, int64_t now_ms)
{
    struct touch *t = ndc_xcalloc(1, sizeof(*t));
    struct ndc_fault none = {0};
    t->eid = eid;
    t->now_ms = now_ms;
    memcpy(t->hash, hash, sizeof(t->hash));
    if (ndc_store_write_async(eid->store, write_touch, touched, t, &none)) free(t);
}

enum ndc_err eid_signed_in(struct ndc_request *req, struct eid_signed_in *out,
                           struct ndc_fault *fault)
{
    struct ndc_eid *eid = ndc_eid_of(req);
    struct ndc_store_conn *conn;
    struct ndc_str cookie = cookie_of(req);
    uint8_t hash[NDC_EID_HASH_BYTES];
    int64_t now = ndc_clock_wall_ms(), used = now;
    *out = (struct eid_signed_in){.account = NDC_STR_NULL};
    if (!cookie.ptr) return NDC_OK;
    ndc_token_hash(hash, cookie);
    NDC_TRY(ndc_store_take(eid->store, NDC_READ, &conn, fault));
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT s.account, s.sid, s.acr, s.amr, s.auth_ms, s.used_ms FROM eid_session s "
        "JOIN eid_account a ON a.account = s.account WHERE s.session = $1 AND "
        "s.expires_ms > $2 AND s.used_ms > $3 AND a.state = 'active'",
        NDC_ARGS(hash_val(hash), ndc_int(now),
                 ndc_int(now - eid->accounts->session_idle_ms)));
    if (ndc_rows_next(rows)) {
        out->account = ndc_arena_str(req->arena, ndc_rows_text(rows, 0));
        out->sid = ndc_arena_str(req->arena, ndc_rows_text(rows, 1));
        out->acr = ndc_arena_str(req->arena, ndc_rows_text(rows, 2));
        out->amr = ndc_arena_str(req->arena, ndc_rows_text(rows, 3));
        out->auth_ms = ndc_rows_i64(rows, 4);
        used = ndc_rows_i64(rows, 5);
    }
    enum ndc_err err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    if (!err && out->account.ptr && now - used > TOUCH_MS) touch(eid, hash, now);
    return err;
}

enum ndc_err eid_need_session(struct ndc_request *req, struct eid_signed_in *by,
                              struct eid_account *account, struct ndc_fault *fault)
{
    NDC_TRY(eid_signed_in(req, by, fault));
    if (!by->account.ptr)
        return ndc_fail(fault, NDC_EAUTH, "eid.signed_out", "sign in with your e-ID");
    NDC_TRY(eid_account_read(ndc_eid_of(req), req->arena, by->account, account, fault));
    eid_act_as(req, account);
    return NDC_OK;
}

enum ndc_err eid_need_fresh(struct ndc_request *req, struct eid_signed_in *by,
                            struct eid_account *account, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    struct eid_authenticators all;
    NDC_TRY(eid_need_session(req, by, account, fault));
    if (ndc_clock_wall_ms() - by->auth_ms > EID_FRESH_MS)
        return ndc_fail(fault, NDC_EDENIED, "eid.fresh",
                        "sign in again: changing how you sign in needs a sign-in of the "
                        "last ten minutes");
    NDC_TRY(eid_conn(req, &conn, fault));
    enum ndc_err err =
        eid_authenticators_read(conn, req->arena, account->account, &all, fault);
    ndc_store_give(conn);
    if (err) return err;
    /* Who knows the password alone may not put aside what stands beside it. */
    if (eid_has_second(&all) && eid_acr_rank(by->acr) < 2)
        return ndc_fail(fault, NDC_EDENIED, "eid.fresh",
                        "sign in again with your passkey or a second factor");
    return NDC_OK;
}

/* ---- ending ---- */

struct end {
    struct ndc_str account, sid;
    bool found;
    bool own; /* the one that asks: a sign-out; another may be of a lost device */
};

static enum ndc_err end_one(struct ndc_store_conn *conn, void *arg,
                            struct ndc_fault *fault)
{
    struct end *e = arg;
    int64_t n = 0;
    NDC_TRY(ndc_sql_exec(conn,
                         "DELETE FROM eid_session WHERE sid = $1 AND ($2 = '' OR account "
                         "= $2)",
                         NDC_ARGS(ndc_text(e->sid), ndc_text(eid_text(e->account))), &n,
                         fault));
    e->found = n > 0;
    return e->found ? eid_logout_due(conn, e->sid, fault) : NDC_OK;
}

/* Signing out leaves what was given for when nobody is there (offline_access). */
static enum ndc_err sign_out(struct ndc_store_conn *conn, void *arg,
                             struct ndc_fault *fault)
{
    struct end *e = arg;
    NDC_TRY(end_one(conn, arg, fault));
    return eid_grants_sign_out(conn, e->sid, fault);
}

enum ndc_err eid_session_end(struct ndc_eid *eid, struct ndc_str account,
                             struct ndc_str sid, struct ndc_fault *fault)
{
    struct end e = {.account = account, .sid = sid};
    enum ndc_err err = ndc_store_write(eid->store, sign_out, &e, fault);
    eid_logouts_wake(eid->logouts);
    return err;
}

static enum ndc_err end_own(struct ndc_store_conn *conn, void *arg,
                            struct ndc_fault *fault)
{
    struct end *e = arg;
    NDC_TRY(end_one(conn, arg, fault));
    if (!e->found)
        return ndc_fail(fault, NDC_ENOTFOUND, "eid.session",
                        "there is no such session of yours");
    return e->own ? eid_grants_sign_out(conn, e->sid, fault)
                  : eid_grants_end(conn, e->account, NDC_STR_NULL, e->sid, fault);
}

/* ---- routes ---- */

enum ndc_err eid_get_sessions(struct ndc_request *req, struct ndc_fault *fault)
{
    struct eid_signed_in by;
    struct eid_account a;
    struct ndc_store_conn *conn;
    struct ndc_json *j = &req->json;
    NDC_TRY(eid_need_session(req, &by, &a, fault));
    NDC_TRY(eid_conn(req, &conn, fault));
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT sid, created_ms, used_ms, address, agent, acr FROM eid_session WHERE "
        "account = $1 AND expires_ms > $2 ORDER BY created_ms DESC, sid",
        NDC_ARGS(ndc_text(a.account), ndc_int(ndc_clock_wall_ms())));
    ndc_json_array(j);
    while (ndc_rows_next(rows)) {
        ndc_json_object(j);
        ndc_json_kv_str(j, "sid", ndc_rows_text(rows, 0));
        ndc_json_kv_bool(j, "current", ndc_str_eq(ndc_rows_text(rows, 0), by.sid));
        ndc_json_kv_time(j, "created_at", ndc_rows_i64(rows, 1));
        ndc_json_kv_time(j, "used_at", ndc_rows_i64(rows, 2));
        ndc_json_kv_str(j, "address", ndc_rows_text(rows, 3));
        ndc_json_kv_str(j, "agent", ndc_rows_text(rows, 4));
        ndc_json_kv_str(j, "acr", ndc_rows_text(rows, 5));
        ndc_json_end(j);
    }
    ndc_json_end(j);
    enum ndc_err err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    return err;
}

enum ndc_err eid_delete_session(struct ndc_request *req, struct ndc_fault *fault)
{
    struct eid_signed_in by;
    struct eid_account a;
    NDC_TRY(eid_need_session(req, &by, &a, fault));
    struct end e = {.account = a.account, .sid = ndc_request_param(req, "sid")};
    bool own = e.own = ndc_str_eq(e.sid, by.sid);
    NDC_TRY(ndc_store_write(ndc_eid_of(req)->store, end_own, &e, fault));
    eid_logouts_wake(ndc_eid_of(req)->logouts);
    if (own) {
        set_cookie(req, "", 0);
        ndc_request_set_header(req, "Clear-Site-Data", NDC_STR("\"cache\""));
    }
    eid_audit(req, own ? "sign-out" : "session.end", &a, NDC_STR_NULL);
    return NDC_OK;
}

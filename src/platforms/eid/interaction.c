/* Interactions: a person is asked to sign in, and whether a client may have what it asks
 * for. One row each, bound to the browser that began it by a cookie. Every change is one
 * write that checks what the row was when it was read, so of two requests at once one
 * counts; a challenge lives in the row and goes with the change. */
#include "platforms/eid/web.h"

#include "net/http.h"
#include "store/writer.h"
#include "sys/clock.h"

enum {
    LIFE_MS = 15 * 60 * 1000,
    COOKIE_LEN = 43,
    COOKIE_S = 86400,
    ASK_BYTES_MAX = 16 << 10,
    REQUEST_BYTES_MAX = 64 << 10
};

static const char *cookie_name(const struct ndc_request *req)
{
    return req->http->secure ? "__Host-ndc-eid-i" : "ndc-eid-i";
}

/* What this very answer gives the browser. */
static struct ndc_str given_cookie(const struct ndc_request *req)
{
    const struct ndc_http *x = req->http;
    size_t name = strlen(cookie_name(req));
    for (unsigned i = 0; i < x->headers_n; i++) {
        struct ndc_str v = x->headers[i].value;
        if (strcmp(x->headers[i].name, "Set-Cookie") == 0 &&
            v.len > name + 1 + COOKIE_LEN && v.ptr[name] == '=' &&
            memcmp(v.ptr, cookie_name(req), name) == 0)
            return ndc_str_n(v.ptr + name + 1, COOKIE_LEN);
    }
    return NDC_STR_NULL;
}

/* The browser's, or with `make` a new one. */
static bool browser_hash(struct ndc_request *req, bool make,
                         uint8_t out[static NDC_EID_HASH_BYTES])
{
    char secret[NDC_TOKEN_BYTES];
    struct ndc_str cookie = ndc_http_cookie(req->http, cookie_name(req));
    if (cookie.len != COOKIE_LEN) cookie = given_cookie(req);
    if (cookie.len == COOKIE_LEN) {
        ndc_token_hash(out, cookie);
        return true;
    }
    if (!make) return false;
    ndc_token_make(secret, "");
    ndc_token_hash(out, ndc_str(secret));
    ndc_request_set_header(
        req, "Set-Cookie",
        ndc_arena_printf(
            req->arena, "%s=%s; Path=/; Max-Age=%d; HttpOnly; SameSite=Lax%s",
            cookie_name(req), secret, COOKIE_S, req->http->secure ? "; Secure" : ""));
    ndc_secret_wipe(secret, sizeof(secret));
    return true;
}

static struct ndc_val hash_val(const uint8_t hash[static NDC_EID_HASH_BYTES])
{
    return ndc_blob(ndc_str_n((const char *)hash, NDC_EID_HASH_BYTES));
}

/* ---- beginning ---- */

static void kv(struct ndc_json *j, const char *key, struct ndc_str value)
{
    if (value.len) ndc_json_kv_str(j, key, value);
}

static struct ndc_str write_ask(struct ndc_arena *arena, const struct eid_ask *ask)
{
    struct ndc_buf buf;
    struct ndc_json j;
    ndc_buf_init(&buf, ASK_BYTES_MAX);
    ndc_json_init(&j, &buf);
    ndc_json_object(&j);
    kv(&j, "name", ask->client_name);
    kv(&j, "uri", ask->client_uri);
    kv(&j, "policy_uri", ask->policy_uri);
    kv(&j, "tos_uri", ask->tos_uri);
    kv(&j, "logo_uri", ask->logo_uri);
    kv(&j, "scopes", ask->scopes);
    kv(&j, "claims", ask->claims);
    kv(&j, "details", ask->details);
    kv(&j, "purpose", ask->purpose);
    kv(&j, "acr", ask->acr);
    kv(&j, "login_hint", ask->login_hint);
    kv(&j, "account", ask->account);
    kv(&j, "next", ask->resume);
    if (ask->ask_consent) ndc_json_kv_bool(&j, "consent", true);
    ndc_json_end(&j);
    bool failed = buf.failed;
    struct ndc_str out = eid_json_take(arena, &buf);
    return failed ? NDC_STR_NULL : out;
}

struct ndc_str eid_interaction_passed(struct ndc_arena *arena,
                                      const struct eid_interaction *it)
{
    struct ndc_buf buf;
    struct ndc_json j;
    ndc_buf_init(&buf, ASK_BYTES_MAX);
    ndc_json_init(&j, &buf);
    ndc_json_object(&j);
    kv(&j, "amr", it->amr);
    kv(&j, "sid", it->sid);
    if (it->challenge.len) {
        kv(&j, "challenge", it->challenge);
        ndc_json_kv_i64(&j, "challenge_ms", it->challenge_ms);
    }
    if (it->wrong) ndc_json_kv_u64(&j, "wrong", it->wrong);
    ndc_json_end(&j);
    return eid_json_take(arena, &buf);
}

/* Whether the browser's session is all that is asked for. */
static bool suffices(const struct eid_ask *ask, const struct eid_signed_in *by)
{
    return by->account.ptr && by->auth_ms >= ask->auth_after_ms &&
           eid_acr_rank(by->acr) >= eid_acr_rank(ask->acr) &&
           (!ask->account.len || ndc_str_eq(ask->account, by->account));
}

struct begin {
    const struct eid_ask *ask;
    struct ndc_str id, json, account, passed;
    const char *state;
    uint8_t browser[NDC_EID_HASH_BYTES];
    int64_t now_ms;
};

static enum ndc_err insert(struct ndc_store_conn *conn, void *arg,
                           struct ndc_fault *fault)
{
    const struct begin *b = arg;
    NDC_TRY(eid_sweep(conn, "eid_interaction", b->now_ms, fault));
    return ndc_sql_exec(
        conn,
        "INSERT INTO eid_interaction (interaction, browser, kind, client, ask, request, "
        "account, passed, state, expires_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, "
        "$10)",
        NDC_ARGS(ndc_text(b->id), hash_val(b->browser), ndc_textz(b->ask->kind),
                 ndc_text(eid_text(b->ask->client)), ndc_text(b->json),
                 ndc_text(eid_text(b->ask->request)), ndc_text(b->account),
                 ndc_text(b->passed), ndc_textz(b->state), ndc_int(b->now_ms + LIFE_MS)),
        NULL, fault);
}

enum ndc_err eid_interaction_begin(struct ndc_request *req, const struct eid_ask *ask,
                                   struct ndc_str *id, struct ndc_fault *fault)
{
    struct ndc_eid *eid = ndc_eid_of(req);
    struct eid_signed_in by;
    char text[NDC_EID_ID_LEN + 1];
    bool covers = false;
    NDC_TRY(eid_signed_in(req, &by, fault));
    bool in = suffices(ask, &by);
    if (in && !ask->ask_consent)
        NDC_TRY(eid_consent_covers(eid, by.account, ask->client, ask->scopes, ask->claims,
                                   &covers, fault));
    const struct eid_interaction passed = {.amr = in ? by.amr : NDC_STR_NULL,
                                           .sid = in ? by.sid : NDC_STR_NULL};
    struct begin b = {.ask = ask,
                      .json = write_ask(req->arena, ask),
                      .account = in ? by.account : NDC_STR(""),
                      .passed = eid_interaction_passed(req->arena, &passed),
                      .state = !in      ? "sign-in"
                               : covers ? "done"
                                        : "consent",
                      .now_ms = ndc_clock_wall_ms()};
    if (!b.json.ptr || ask->request.len > REQUEST_BYTES_MAX)
        return ndc_fail(fault, NDC_ETOOBIG, "eid.ask", "the request is too long");
    (void)browser_hash(req, true, b.browser);
    ndc_token_id(text, NDC_EID_ID_LEN);
    *id = b.id = ndc_arena_str(req->arena, ndc_str(text));
    return ndc_store_write(eid->store, insert, &b, fault);
}

/* ---- reading ---- */

static struct ndc_str keep(struct ndc_arena *arena, struct ndc_str s)
{
    return s.ptr ? ndc_arena_str(arena, s) : NDC_STR("");
}

static void read_ask(struct ndc_arena *arena, struct eid_interaction *it)
{
    struct json_object *o = NULL;
    if (ndc_json_parse(&o, it->ask, NULL)) return;
    it->next = keep(arena, ndc_json_get_str(o, "next"));
    it->acr = keep(arena, ndc_json_get_str(o, "acr"));
    it->scopes = keep(arena, ndc_json_get_str(o, "scopes"));
    it->claims = keep(arena, ndc_json_get_str(o, "claims"));
    it->details = keep(arena, ndc_json_get_str(o, "details"));
    it->purpose = keep(arena, ndc_json_get_str(o, "purpose"));
    it->login_hint = keep(arena, ndc_json_get_str(o, "login_hint"));
    it->only_account = keep(arena, ndc_json_get_str(o, "account"));
    it->ask_consent = ndc_json_get_bool(o, "consent", false);
    json_object_put(o);
}

static void read_passed(struct ndc_arena *arena, struct eid_interaction *it)
{
    struct json_object *o = NULL;
    if (ndc_json_parse(&o, it->passed, NULL)) return;
    it->amr = keep(arena, ndc_json_get_str(o, "amr"));
    it->sid = keep(arena, ndc_json_get_str(o, "sid"));
    it->challenge = keep(arena, ndc_json_get_str(o, "challenge"));
    it->challenge_ms = ndc_json_get_i64(o, "challenge_ms", 0);
    it->wrong = (unsigned)ndc_json_get_i64(o, "wrong", 0);
    json_object_put(o);
}

enum ndc_err eid_interaction_read(struct ndc_request *req, struct ndc_str id,
                                  struct eid_interaction *out, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    uint8_t browser[NDC_EID_HASH_BYTES] = {0};
    bool found = false;
    *out = (struct eid_interaction){.id = id};
    if (browser_hash(req, false, browser)) {
        NDC_TRY(eid_conn(req, &conn, fault));
        struct ndc_rows *rows = ndc_sql_query(
            conn,
            "SELECT kind, client, ask, request, account, passed, state, expires_ms FROM "
            "eid_interaction WHERE interaction = $1 AND browser = $2 AND expires_ms > $3",
            NDC_ARGS(ndc_text(id), hash_val(browser), ndc_int(ndc_clock_wall_ms())));
        found = ndc_rows_next(rows);
        if (found)
            *out = (struct eid_interaction){
                .id = id,
                .kind = keep(req->arena, ndc_rows_text(rows, 0)),
                .client = keep(req->arena, ndc_rows_text(rows, 1)),
                .ask = keep(req->arena, ndc_rows_text(rows, 2)),
                .request = keep(req->arena, ndc_rows_text(rows, 3)),
                .account = keep(req->arena, ndc_rows_text(rows, 4)),
                .passed = keep(req->arena, ndc_rows_text(rows, 5)),
                .state = keep(req->arena, ndc_rows_text(rows, 6)),
                .expires_ms = ndc_rows_i64(rows, 7)};
        enum ndc_err err = ndc_rows_end(rows, fault);
        ndc_store_give(conn);
        if (err) return err;
    }
    if (!found)
        return ndc_fail(fault, NDC_ENOTFOUND, "eid.interaction",
                        "this sign-in is over, or another browser began it: go back to "
                        "where you came from and begin again");
    read_ask(req->arena, out);
    read_passed(req->arena, out);
    return NDC_OK;
}

enum ndc_err eid_interaction_move(struct ndc_store_conn *conn,
                                  const struct eid_interaction *it, struct ndc_str state,
                                  struct ndc_str account, struct ndc_str passed,
                                  struct ndc_fault *fault)
{
    int64_t n = 0;
    NDC_TRY(ndc_sql_exec(
        conn,
        "UPDATE eid_interaction SET state = $5, account = $6, passed = $7 WHERE "
        "interaction = $1 AND state = $2 AND account = $3 AND passed = $4",
        NDC_ARGS(ndc_text(it->id), ndc_text(it->state), ndc_text(it->account),
                 ndc_text(it->passed), ndc_text(state), ndc_text(account),
                 ndc_text(passed)),
        &n, fault));
    if (n) return NDC_OK;
    return ndc_fail(fault, NDC_ECONFLICT, "eid.interaction_changed",
                    "another request came between: look again and try again");
}

/* ---- the end ---- */

struct ndc_str eid_interaction_location(struct ndc_arena *arena,
                                        const struct eid_interaction *it)
{
    if (ndc_str_eq_c(it->kind, "account")) return it->next;
    bool query = ndc_str_find(it->next, '?') < it->next.len;
    return ndc_arena_printf(arena, "%.*s%sinteraction=%.*s", NDC_STR_FMT(it->next),
                            query ? "&" : "?", NDC_STR_FMT(it->id));
}

struct take {
    const struct eid_interaction *it;
    bool taken;
};

static enum ndc_err remove_one(struct ndc_store_conn *conn, void *arg,
                               struct ndc_fault *fault)
{
    struct take *t = arg;
    int64_t n = 0;
    NDC_TRY(ndc_sql_exec(
        conn,
        "DELETE FROM eid_interaction WHERE interaction = $1 AND state = $2 AND passed = "
        "$3",
        NDC_ARGS(ndc_text(t->it->id), ndc_text(t->it->state), ndc_text(t->it->passed)),
        &n, fault));
    t->taken = n > 0;
    return NDC_OK;
}

/* The session that the interaction ended with, as it is now. */
static enum ndc_err read_by(struct ndc_request *req, const struct eid_interaction *it,
                            struct eid_signed_in *by, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    NDC_TRY(eid_conn(req, &conn, fault));
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT s.acr, s.amr, s.auth_ms FROM eid_session s JOIN eid_account a ON "
        "a.account = s.account WHERE s.sid = $1 AND s.account = $2 AND s.expires_ms > $3 "
        "AND a.state = 'active'",
        NDC_ARGS(ndc_text(it->sid), ndc_text(it->account), ndc_int(ndc_clock_wall_ms())));
    if (ndc_rows_next(rows))
        *by = (struct eid_signed_in){.account = it->account,
                                     .sid = it->sid,
                                     .acr = keep(req->arena, ndc_rows_text(rows, 0)),
                                     .amr = keep(req->arena, ndc_rows_text(rows, 1)),
                                     .auth_ms = ndc_rows_i64(rows, 2)};
    enum ndc_err err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    return err;
}

static enum ndc_err no_interaction(struct ndc_fault *fault)
{
    return ndc_fail(fault, NDC_ENOTFOUND, "eid.interaction",
                    "this sign-in is over, or has not come to its end");
}

enum ndc_err eid_interaction_take(struct ndc_request *req, struct ndc_str id,
                                  const char *kind, struct eid_answer *out,
                                  struct ndc_fault *fault)
{
    struct eid_interaction it;
    *out = (struct eid_answer){.allowed = false};
    NDC_TRY(eid_interaction_read(req, id, &it, fault));
    bool done = ndc_str_eq_c(it.state, "done");
    if (!ndc_str_eq_c(it.kind, kind) || (!done && !ndc_str_eq_c(it.state, "refused")))
        return no_interaction(fault);
    if (done) {
        NDC_TRY(read_by(req, &it, &out->by, fault));
        if (!out->by.account.ptr) return no_interaction(fault); /* signed out since */
    }
    struct take t = {&it, false};
    NDC_TRY(ndc_store_write(ndc_eid_of(req)->store, remove_one, &t, fault));
    if (!t.taken) return no_interaction(fault); /* the other of two requests has it */
    out->allowed = done;
    out->client = it.client;
    out->request = it.request;
    return NDC_OK;
}

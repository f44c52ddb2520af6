/* The device grant (device.h). */
#include "platforms/eid/provider/device.h"

#include "crypto/token.h"
#include "net/http.h"
#include "platforms/eid/provider/client_auth.h"
#include "platforms/eid/provider/oauth.h"
#include "platforms/eid/provider/provider.h"
#include "platforms/eid/signin.h"
#include "sys/clock.h"

enum { USER_CODE_LEN = 8, GIVEN_BYTES_MAX = 64 << 10, CODE_TRIES = 4 };

static struct ndc_val blob_of(const uint8_t hash[NDC_EID_HASH_BYTES])
{
    return ndc_blob(ndc_str_n((const char *)hash, NDC_EID_HASH_BYTES));
}

/* ---- a device begins ---- */

struct starting {
    struct ndc_str client, scope;
    uint8_t hash[NDC_EID_HASH_BYTES];
    char user_code[USER_CODE_LEN + 1];
};

static enum ndc_err insert_device(struct ndc_store_conn *conn, void *arg,
                                  struct ndc_fault *fault)
{
    const struct starting *s = arg;
    int64_t now = ndc_clock_wall_ms();
    NDC_TRY(eid_sweep(conn, "eid_device", now, fault));
    return ndc_sql_exec(
        conn,
        "INSERT INTO eid_device (device, user_code, client, request, state, data, "
        "polled_ms, pause_ms, expires_ms) VALUES ($1, $2, $3, $4, 'waiting', '', 0, $5, "
        "$6)",
        NDC_ARGS(blob_of(s->hash), ndc_textz(s->user_code), ndc_text(s->client),
                 ndc_text(s->scope), ndc_int(EID_DEVICE_PAUSE_MS),
                 ndc_int(now + EID_DEVICE_S * 1000)),
        NULL, fault);
}

static enum ndc_err begin(struct ndc_request *req, struct eid_client **client,
                          struct ndc_fault *fault)
{
    struct ndc_eid *eid = ndc_eid_of(req);
    struct eid_params *form = NDC_ARENA_NEW(req->arena, struct eid_params);
    struct starting s = {0};
    struct ndc_str x5t;
    char code[NDC_TOKEN_BYTES];
    NDC_TRY(eid_form(req, form, fault));
    NDC_TRY(eid_client_authenticate(req, form, client, &x5t, fault));
    if (!((*client)->grants & EID_GRANT_DEVICE))
        return eid_refuse(fault, "unauthorized_client",
                          "this client is not registered for the device grant");
    s.client = (*client)->id;
    s.scope = eid_param(form, "scope");
    if (!s.scope.ptr) s.scope = NDC_STR("");
    if ((*client)->scope.len && !eid_words_in((*client)->scope, s.scope))
        return eid_refuse(fault, "invalid_scope",
                          "this client is not registered for this scope");
    ndc_token_make(code, "edc_");
    ndc_token_hash(s.hash, ndc_str(code));
    enum ndc_err err = NDC_ECONFLICT;
    for (int i = 0; i < CODE_TRIES && err == NDC_ECONFLICT; i++) {
        struct ndc_fault why = {0};
        ndc_token_id(s.user_code, USER_CODE_LEN);
        err = ndc_store_write(eid->store, insert_device, &s, &why);
        if (err && (err != NDC_ECONFLICT || i + 1 == CODE_TRIES)) *fault = why;
    }
    if (err) return err;
    struct ndc_str page =
        ndc_arena_printf(req->arena, "%.*s/eid/device", NDC_STR_FMT(eid->issuer));
    struct ndc_str shown =
        ndc_arena_printf(req->arena, "%.4s-%.4s", s.user_code, s.user_code + 4);
    ndc_json_object(&req->json);
    ndc_json_kv_c(&req->json, "device_code", code);
    ndc_json_kv_str(&req->json, "user_code", shown);
    ndc_json_kv_str(&req->json, "verification_uri", page);
    ndc_json_kv_str(&req->json, "verification_uri_complete",
                    ndc_arena_printf(req->arena, "%.*s?user_code=%.*s", NDC_STR_FMT(page),
                                     NDC_STR_FMT(shown)));
    ndc_json_kv_i64(&req->json, "expires_in", EID_DEVICE_S);
    ndc_json_kv_i64(&req->json, "interval", EID_DEVICE_PAUSE_MS / 1000);
    ndc_json_end(&req->json);
    return NDC_OK;
}

enum ndc_err eid_post_device(struct ndc_request *req, struct ndc_fault *fault)
{
    struct eid_client *client = NULL;
    enum ndc_err err = begin(req, &client, fault);
    eid_client_unref(client);
    return eid_oauth_answer(req, err, fault);
}

/* ---- the person, in a browser ---- */

/* As it is read aloud: any case, with or without the dash. */
static bool read_user_code(struct ndc_str text, char out[USER_CODE_LEN + 1])
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '-' || c == ' ') continue;
        if (n == USER_CODE_LEN) return false;
        out[n++] = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
    }
    out[n] = 0;
    return n == USER_CODE_LEN;
}

static enum ndc_err no_code(struct ndc_fault *fault)
{
    return ndc_fail_at(
        fault, NDC_ENOTFOUND, "eid.user_code", "user_code", 0,
        "there is no device waiting with this code: look at the device, or "
        "begin anew there");
}

static enum ndc_err find_device(struct ndc_request *req, const char *user_code,
                                struct eid_client **client, struct ndc_str *scope,
                                struct ndc_fault *fault)
{
    struct ndc_eid *eid = ndc_eid_of(req);
    struct ndc_store_conn *conn;
    struct ndc_str id = NDC_STR_NULL;
    NDC_TRY(ndc_store_take(eid->store, NDC_READ, &conn, fault));
    struct ndc_rows *rows =
        ndc_sql_query(conn,
                      "SELECT client, request FROM eid_device WHERE user_code = $1 AND "
                      "state = 'waiting' "
                      "AND expires_ms > $2",
                      NDC_ARGS(ndc_textz(user_code), ndc_int(ndc_clock_wall_ms())));
    if (ndc_rows_next(rows)) {
        id = ndc_arena_str(req->arena, ndc_rows_text(rows, 0));
        *scope = ndc_arena_str(req->arena, ndc_rows_text(rows, 1));
    }
    enum ndc_err err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    if (err) return err;
    return id.ptr ? eid_client_take(eid, client, id, fault) : no_code(fault);
}

static enum ndc_err ask(struct ndc_request *req, const char *user_code,
                        struct eid_client **client, struct ndc_fault *fault)
{
    struct ndc_str scope, id;
    NDC_TRY(find_device(req, user_code, client, &scope, fault));
    const struct eid_client *c = *client;
    const struct eid_ask ask = {
        .kind = "device",
        .client = c->id,
        .client_name = c->name,
        .client_uri = c->uri,
        .policy_uri = c->policy_uri,
        .tos_uri = c->tos_uri,
        .logo_uri = c->logo_uri,
        .scopes = scope,
        .claims = NDC_STR(""),
        .purpose = c->purpose,
        .ask_consent = true, /* of each device */
        .request = ndc_arena_printf(req->arena, "{\"user_code\":\"%s\"}", user_code),
        .resume = NDC_STR("/eid/device/resume")};
    NDC_TRY(eid_interaction_begin(req, &ask, &id, fault));
    ndc_json_object(&req->json);
    ndc_json_kv_str(
        &req->json, "location",
        ndc_arena_printf(req->arena, "/eid/sign-in?interaction=%.*s", NDC_STR_FMT(id)));
    ndc_json_end(&req->json);
    return NDC_OK;
}

/* Guessing is slowed down by address: 40 bits of a code, and few tries. */
enum ndc_err eid_post_device_code(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_eid *eid = ndc_eid_of(req);
    struct json_object *body;
    struct eid_client *client = NULL;
    char user_code[USER_CODE_LEN + 1];
    int64_t now = ndc_clock_wall_ms();
    NDC_TRY(ndc_request_json(req, &body, fault));
    int64_t wait =
        ndc_throttle_wait_ms(eid->throttle, NDC_STR("device"), req->client, now);
    if (wait > 0) {
        fault->http_status = 429;
        return ndc_fail(fault, NDC_EBUSY, "auth.throttled",
                        "too many attempts: wait %lld s and try again",
                        (long long)((wait + 999) / 1000));
    }
    enum ndc_err err = read_user_code(ndc_json_get_str(body, "user_code"), user_code)
                           ? ask(req, user_code, &client, fault)
                           : no_code(fault);
    if (err == NDC_ENOTFOUND)
        ndc_throttle_failed(eid->throttle, NDC_STR("device"), req->client, now);
    eid_client_unref(client);
    return err;
}

struct agreeing {
    char user_code[USER_CODE_LEN + 1];
    bool allowed;
    struct ndc_str data, scope;
    struct ndc_arena *arena;
    const struct eid_answer *answer;
    int64_t changes;
};

static enum ndc_err settle(struct ndc_store_conn *conn, void *arg,
                           struct ndc_fault *fault)
{
    struct agreeing *a = arg;
    struct ndc_buf data;
    struct eid_given given = {.account = a->answer->by.account,
                              .sid = a->answer->by.sid,
                              .acr = a->answer->by.acr,
                              .amr = a->answer->by.amr,
                              .auth_ms = a->answer->by.auth_ms};
    struct ndc_rows *rows = ndc_sql_query(
        conn, "SELECT request FROM eid_device WHERE user_code = $1 AND state = 'waiting'",
        NDC_ARGS(ndc_textz(a->user_code)));
    if (ndc_rows_next(rows))
        given.scope = ndc_arena_str(a->arena, ndc_rows_text(rows, 0));
    NDC_TRY(ndc_rows_end(rows, fault));
    ndc_buf_init(&data, GIVEN_BYTES_MAX);
    eid_given_write(&data, &given);
    enum ndc_err err = ndc_sql_exec(
        conn,
        "UPDATE eid_device SET state = $2, data = $3 WHERE user_code = $1 AND state = "
        "'waiting' AND expires_ms > $4",
        NDC_ARGS(ndc_textz(a->user_code), ndc_textz(a->allowed ? "allowed" : "refused"),
                 ndc_text(ndc_buf_str(&data)), ndc_int(ndc_clock_wall_ms())),
        &a->changes, fault);
    ndc_buf_free(&data);
    return err;
}

enum ndc_err eid_get_device_resume(struct ndc_request *req, struct ndc_fault *fault)
{
    struct eid_params query, kept;
    struct eid_answer answer;
    struct agreeing a = {.arena = req->arena, .answer = &answer};
    NDC_TRY(eid_params_read(&query, req->arena, req->http->query, fault));
    NDC_TRY(eid_interaction_take(req, eid_param(&query, "interaction"), "device", &answer,
                                 fault));
    NDC_TRY(eid_params_parse(&kept, req->arena, answer.request, fault));
    a.allowed = answer.allowed;
    if (!read_user_code(eid_param(&kept, "user_code"), a.user_code))
        return no_code(fault);
    NDC_TRY(ndc_store_write(ndc_eid_of(req)->store, settle, &a, fault));
    eid_redirect(req, !a.changes  ? NDC_STR("/eid/device?state=expired")
                      : a.allowed ? NDC_STR("/eid/device?state=allowed")
                                  : NDC_STR("/eid/device?state=refused"));
    return NDC_OK;
}

/* ---- the device asks ---- */

struct polling {
    struct eid_exchange *x;
    uint8_t hash[NDC_EID_HASH_BYTES];
    bool soon; /* asked again before its time */
};

static enum ndc_err look(struct ndc_store_conn *conn, struct polling *p, char state[16],
                         int64_t *polled, int64_t *pause, struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    bool found = false;
    int64_t now = ndc_clock_wall_ms();
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT state, data, polled_ms, pause_ms FROM eid_device WHERE device = $1 AND "
        "client = $2 AND expires_ms > $3",
        NDC_ARGS(blob_of(p->hash), ndc_text(p->x->client->id), ndc_int(now)));
    if (ndc_rows_next(rows)) {
        struct ndc_str text = ndc_rows_text(rows, 0), data = ndc_rows_text(rows, 1);
        size_t len = NDC_MIN(text.len, (size_t)15);
        memcpy(state, text.ptr, len);
        state[len] = 0;
        *polled = ndc_rows_i64(rows, 2);
        *pause = ndc_rows_i64(rows, 3);
        found = true;
        if (data.len) err = eid_given_read(&p->x->given, p->x->arena, data, fault);
    }
    enum ndc_err ended = ndc_rows_end(rows, err ? NULL : fault);
    if (err || ended) return err ? err : ended;
    return found ? NDC_OK
                 : eid_refuse(fault, "expired_token",
                              "there is no such device code any more: begin anew");
}

static enum ndc_err poll(struct ndc_store_conn *conn, void *arg, struct ndc_fault *fault)
{
    struct polling *p = arg;
    char state[16];
    int64_t polled, pause, changes = 0;
    p->x->grant[0] = 0;
    NDC_TRY(look(conn, p, state, &polled, &pause, fault));
    if (strcmp(state, "refused") == 0)
        return eid_refuse(fault, "access_denied", "the person has refused");
    if (strcmp(state, "waiting") == 0) return NDC_OK;
    NDC_TRY(ndc_sql_exec(conn,
                         "DELETE FROM eid_device WHERE device = $1 AND state = 'allowed'",
                         NDC_ARGS(blob_of(p->hash)), &changes, fault));
    if (!changes) return eid_refuse(fault, "expired_token", "the device code was used");
    ndc_token_id(p->x->grant, EID_GRANT_LEN);
    return eid_grant_insert(conn, p->x, fault);
}

/* RFC 8628, 3.5: who asks too soon has to wait longer from then on. */
static enum ndc_err slow(struct ndc_store_conn *conn, void *arg, struct ndc_fault *fault)
{
    struct polling *p = arg;
    char state[16];
    int64_t polled = 0, pause = 0, now = ndc_clock_wall_ms();
    NDC_TRY(look(conn, p, state, &polled, &pause, fault));
    p->soon = polled && now < polled + pause - 250;
    NDC_TRY(ndc_sql_exec(
        conn, "UPDATE eid_device SET polled_ms = $2, pause_ms = $3 WHERE device = $1",
        NDC_ARGS(blob_of(p->hash), ndc_int(now), ndc_int(p->soon ? pause + 5000 : pause)),
        NULL, fault));
    return NDC_OK;
}

enum ndc_err eid_device_take(struct ndc_eid *eid, struct eid_exchange *x,
                             struct ndc_fault *fault)
{
    struct polling p = {.x = x};
    ndc_token_hash(p.hash, x->code);
    NDC_TRY(ndc_store_write(eid->store, poll, &p, fault));
    if (x->grant[0]) return NDC_OK;
    NDC_TRY(ndc_store_write(eid->store, slow, &p, fault));
    return p.soon ? eid_refuse(fault, "slow_down",
                               "asked too soon: five seconds more between now on")
                  : eid_refuse(fault, "authorization_pending",
                               "the person has not agreed yet: ask again");
}

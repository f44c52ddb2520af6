/* Codes, grants and refresh tokens (grant.h). */
#include "platforms/eid/provider/grant.h"

#include "crypto/base64.h"
#include "crypto/digest.h"
#include "crypto/hmac.h"
#include "crypto/token.h"
#include "platforms/eid/accounts.h"
#include "platforms/eid/provider/details.h"
#include "platforms/eid/provider/logout.h"
#include "platforms/eid/provider/oauth.h"
#include "platforms/eid/provider/params.h"
#include "platforms/eid/provider/tokens.h"
#include "sys/clock.h"

#include <stdio.h>

enum { GIVEN_BYTES_MAX = 64 << 10, TAG_BYTES = 16, ENDED_MAX = 256 };

/* ---- what was given, as text ---- */

struct member {
    const char *name;
    size_t at;
};

#define MEMBER(field)                             \
    {                                             \
#        field, offsetof(struct eid_given, field) \
    }
static const struct member members[] = {
    MEMBER(account),   MEMBER(sid), MEMBER(scope), MEMBER(claims),
    MEMBER(acr),       MEMBER(amr), MEMBER(nonce), MEMBER(redirect_uri),
    MEMBER(challenge), MEMBER(jkt), MEMBER(x5t),   MEMBER(details)};

void eid_given_write(struct ndc_buf *out, const struct eid_given *given)
{
    struct ndc_json j;
    ndc_json_init(&j, out);
    ndc_json_object(&j);
    for (size_t i = 0; i < NDC_ARRAY_LEN(members); i++) {
        const struct ndc_str *s =
            (const struct ndc_str *)(const void *)((const char *)given + members[i].at);
        if (s->len) ndc_json_kv_str(&j, members[i].name, *s);
    }
    ndc_json_kv_i64(&j, "auth_ms", given->auth_ms);
    ndc_json_end(&j);
}

enum ndc_err eid_given_read(struct eid_given *out, struct ndc_arena *arena,
                            struct ndc_str json, struct ndc_fault *fault)
{
    struct json_object *o;
    *out = (struct eid_given){0};
    NDC_TRY(ndc_json_parse(&o, json, fault));
    for (size_t i = 0; i < NDC_ARRAY_LEN(members); i++) {
        struct ndc_str *s = (struct ndc_str *)(void *)((char *)out + members[i].at);
        struct ndc_str v = ndc_json_get_str(o, members[i].name);
        *s = v.ptr ? ndc_arena_str(arena, v) : NDC_STR("");
    }
    out->auth_ms = ndc_json_get_i64(o, "auth_ms", 0);
    json_object_put(o);
    return NDC_OK;
}

/* ---- codes ---- */

struct code_new {
    const struct eid_client *client;
    struct ndc_str data;
    uint8_t hash[NDC_EID_HASH_BYTES];
    char grant[EID_GRANT_LEN + 1];
};

static struct ndc_val blob_of(const uint8_t hash[NDC_EID_HASH_BYTES])
{
    return ndc_blob(ndc_str_n((const char *)hash, NDC_EID_HASH_BYTES));
}

static enum ndc_err insert_code(struct ndc_store_conn *conn, void *arg,
                                struct ndc_fault *fault)
{
    const struct code_new *c = arg;
    int64_t now = ndc_clock_wall_ms();
    NDC_TRY(eid_sweep(conn, "eid_code", now, fault));
    return ndc_sql_exec(conn,
                        "INSERT INTO eid_code (code, grant_id, client, data, used, "
                        "expires_ms) VALUES ($1, $2, $3, $4, 0, $5)",
                        NDC_ARGS(blob_of(c->hash), ndc_textz(c->grant),
                                 ndc_text(c->client->id), ndc_text(c->data),
                                 ndc_int(now + EID_CODE_S * 1000)),
                        NULL, fault);
}

enum ndc_err eid_code_make(struct ndc_eid *eid, char code[48],
                           const struct eid_client *client, const struct eid_given *given,
                           struct ndc_fault *fault)
{
    struct code_new c = {.client = client};
    struct ndc_buf data;
    ndc_buf_init(&data, GIVEN_BYTES_MAX);
    eid_given_write(&data, given);
    ndc_token_make(code, "eco_");
    ndc_token_hash(c.hash, ndc_str(code));
    ndc_token_id(c.grant, EID_GRANT_LEN);
    c.data = ndc_buf_str(&data);
    enum ndc_err err = data.failed ? eid_refuse(fault, "invalid_request",
                                                "what is asked for is too long")
                                   : ndc_store_write(eid->store, insert_code, &c, fault);
    ndc_buf_free(&data);
    return err;
}

static enum ndc_err bad_grant(struct ndc_fault *fault, const char *why)
{
    return eid_refuse(fault, "invalid_grant", "%s", why);
}

/* RFC 7636, 4.6: S256 alone. */
static bool verifier_fits(struct ndc_str challenge, struct ndc_str verifier)
{
    uint8_t digest[NDC_SHA256_BYTES];
    struct ndc_buf text;
    if (verifier.len < 43 || verifier.len > 128) return false;
    ndc_sha256(digest, verifier);
    ndc_buf_init(&text, 64);
    ndc_base64url_add(&text, digest, sizeof(digest));
    bool fits = ndc_secret_equal(ndc_buf_str(&text), challenge);
    ndc_buf_free(&text);
    return fits;
}

static enum ndc_err code_fits(const struct eid_exchange *x, struct ndc_fault *fault)
{
    const struct eid_given *g = &x->given;
    if (!ndc_str_eq(g->redirect_uri, x->redirect_uri))
        return bad_grant(fault, "redirect_uri is not that of the authorization request");
    if (g->challenge.len && !x->verifier.len)
        return bad_grant(fault, "code_verifier is missing: the request had a challenge");
    if (!g->challenge.len && x->verifier.len)
        return bad_grant(fault, "code_verifier is given, but the request had no "
                                "code_challenge");
    if (g->challenge.len && !verifier_fits(g->challenge, x->verifier))
        return bad_grant(fault, "code_verifier does not fit the code_challenge");
    if (g->jkt.len && !ndc_str_eq(g->jkt, x->jkt))
        return bad_grant(fault, "the code is bound to another DPoP key");
    return NDC_OK;
}

/* Until when tokens of a grant can be in somebody's hands. */
static int64_t tokens_end(int64_t now)
{
    return now + (int64_t)EID_ACCESS_S * 1000 + 60000;
}

/* A grant that only has access tokens lives as long as they; one with a refresh token as
 * long as it is used, a quarter of a year at most without. */
static int64_t grant_end(const struct eid_client *client, int64_t now)
{
    static const int64_t quarter_ms = (int64_t)90 * 86400 * 1000;
    return client->grants & EID_GRANT_REFRESH ? now + quarter_ms : tokens_end(now);
}

enum ndc_err eid_grant_insert(struct ndc_store_conn *conn, struct eid_exchange *x,
                              struct ndc_fault *fault)
{
    struct ndc_buf data;
    int64_t now = ndc_clock_wall_ms(), inserted = 0;
    x->given.x5t = x->x5t;
    if (x->jkt.len) x->given.jkt = x->jkt;
    x->given.challenge = x->given.redirect_uri = NDC_STR("");
    ndc_buf_init(&data, GIVEN_BYTES_MAX);
    eid_given_write(&data, &x->given);
    enum ndc_err err = eid_sweep(conn, "eid_grant", now, fault);
    if (!err)
        err = ndc_sql_exec(
            conn,
            "INSERT INTO eid_grant (grant_id, client, account, sid, data, counter, "
            "created_ms, used_ms, expires_ms, offline) SELECT $1, $2, account, $4, $5, "
            "1, "
            "$6, $6, $7, $8 FROM eid_account WHERE account = $3 AND state = 'active'",
            NDC_ARGS(ndc_textz(x->grant), ndc_text(x->client->id),
                     ndc_text(x->given.account), ndc_text(x->given.sid),
                     ndc_text(ndc_buf_str(&data)), ndc_int(now),
                     ndc_int(grant_end(x->client, now)),
                     ndc_int(eid_word_in(x->given.scope, NDC_STR("offline_access")))),
            &inserted, fault);
    ndc_buf_free(&data);
    if (!err && !inserted) err = bad_grant(fault, "the account is frozen or has ended");
    if (!err && x->client->backchannel_logout.len && x->given.sid.len)
        err =
            eid_logout_wanted(conn, x->given.sid, x->client->id, x->given.account, fault);
    return err;
}

/* ---- ending ---- */

struct ending {
    const char *where; /* a literal: what ends, with $1 and $2 */
    struct ndc_str a, b;
    char (*ended)[EID_GRANT_LEN + 1];
    size_t n;
};

/* Deletes and tells which: they are to be refused until their access tokens are over. */
static enum ndc_err end_some(struct ndc_store_conn *conn, struct ending *e,
                             struct ndc_fault *fault)
{
    static const char *const statements[][2] = {
        {"grant", "DELETE FROM eid_grant WHERE grant_id = $1 AND $2 = '' RETURNING "
                  "grant_id"},
        {"session",
         "DELETE FROM eid_grant WHERE sid = $1 AND $2 = '' RETURNING grant_id"},
        {"sign-out", "DELETE FROM eid_grant WHERE sid = $1 AND $2 = '' AND offline = 0 "
                     "RETURNING grant_id"},
        {"account", "DELETE FROM eid_grant WHERE account = $1 AND ($2 = '' OR client = "
                    "$2) RETURNING grant_id"}};
    size_t i = 0;
    while (strcmp(statements[i][0], e->where) != 0)
        i++;
    struct ndc_rows *rows =
        ndc_sql_query(conn, statements[i][1], NDC_ARGS(ndc_text(e->a), ndc_text(e->b)));
    e->n = 0;
    while (ndc_rows_next(rows) && e->n < ENDED_MAX) {
        struct ndc_str grant = ndc_rows_text(rows, 0);
        size_t len = NDC_MIN(grant.len, (size_t)EID_GRANT_LEN);
        memcpy(e->ended[e->n], grant.ptr, len);
        e->ended[e->n++][len] = 0;
    }
    enum ndc_err err = ndc_rows_end(rows, fault);
    int64_t until = tokens_end(ndc_clock_wall_ms());
    for (size_t k = 0; k < e->n && !err; k++)
        err = eid_revoke(conn, ndc_str(e->ended[k]), until, fault);
    return err;
}

/* In a write. */
static enum ndc_err end_in(struct ndc_store_conn *conn, struct ending *e,
                           struct ndc_fault *fault)
{
    e->ended = ndc_xcalloc(ENDED_MAX, sizeof(*e->ended));
    enum ndc_err err = NDC_OK;
    do
        err = end_some(conn, e, fault);
    while (!err && e->n == ENDED_MAX);
    free(e->ended);
    return err;
}

enum ndc_err eid_grants_end(struct ndc_store_conn *conn, struct ndc_str account,
                            struct ndc_str client, struct ndc_str sid,
                            struct ndc_fault *fault)
{
    struct ending e = {.where = sid.ptr ? "session" : "account",
                       .a = sid.ptr ? sid : account,
                       .b = !sid.ptr && client.ptr ? client : NDC_STR("")};
    return end_in(conn, &e, fault);
}

enum ndc_err eid_grants_sign_out(struct ndc_store_conn *conn, struct ndc_str sid,
                                 struct ndc_fault *fault)
{
    struct ending e = {.where = "sign-out", .a = sid, .b = NDC_STR("")};
    return end_in(conn, &e, fault);
}

static enum ndc_err end_write(struct ndc_store_conn *conn, void *arg,
                              struct ndc_fault *fault)
{
    return end_some(conn, arg, fault);
}

enum ndc_err eid_grant_end(struct ndc_eid *eid, struct ndc_str grant,
                           struct ndc_fault *fault)
{
    struct ending e = {.where = "grant", .a = grant, .b = NDC_STR("")};
    e.ended = ndc_xcalloc(ENDED_MAX, sizeof(*e.ended));
    enum ndc_err err = ndc_store_write(eid->store, end_write, &e, fault);
    int64_t until = tokens_end(ndc_clock_wall_ms());
    for (size_t i = 0; i < e.n && !err; i++)
        eid_revoked_now(eid->tokens, ndc_str(e.ended[i]), until);
    free(e.ended);
    return err;
}

/* ---- taking a code ---- */

struct taking {
    struct eid_exchange *x;
    uint8_t hash[NDC_EID_HASH_BYTES];
    bool reused; /* what it gave is to end */
};

static enum ndc_err read_code(struct ndc_store_conn *conn, struct taking *t,
                              struct ndc_fault *fault)
{
    struct eid_exchange *x = t->x;
    enum ndc_err err = NDC_OK;
    bool found = false;
    struct ndc_rows *rows =
        ndc_sql_query(conn,
                      "SELECT grant_id, data, used, expires_ms FROM eid_code WHERE code "
                      "= $1 AND client "
                      "= $2",
                      NDC_ARGS(blob_of(t->hash), ndc_text(x->client->id)));
    if (ndc_rows_next(rows)) {
        struct ndc_str grant = ndc_rows_text(rows, 0);
        found = true;
        t->reused = ndc_rows_i64(rows, 2) != 0;
        memcpy(x->grant, grant.ptr, NDC_MIN(grant.len, (size_t)EID_GRANT_LEN));
        if (t->reused)
            err = bad_grant(fault, "the code was used before; what it gave is over now");
        else if (ndc_rows_i64(rows, 3) <= ndc_clock_wall_ms())
            err = bad_grant(fault, "the code has expired: begin again");
        else
            err = eid_given_read(&x->given, x->arena, ndc_rows_text(rows, 1), fault);
    }
    enum ndc_err ended = ndc_rows_end(rows, err ? NULL : fault);
    if (err || ended) return err ? err : ended;
    return found ? NDC_OK : bad_grant(fault, "there is no such code of this client");
}

static enum ndc_err take_code(struct ndc_store_conn *conn, void *arg,
                              struct ndc_fault *fault)
{
    struct taking *t = arg;
    int64_t changes = 0;
    t->reused = false;
    memset(t->x->grant, 0, sizeof(t->x->grant));
    NDC_TRY(read_code(conn, t, fault));
    NDC_TRY(code_fits(t->x, fault));
    NDC_TRY(ndc_sql_exec(conn,
                         "UPDATE eid_code SET used = 1 WHERE code = $1 AND used = 0",
                         NDC_ARGS(blob_of(t->hash)), &changes, fault));
    if (!changes) { /* on PostgreSQL another process was first */
        t->reused = true;
        return bad_grant(fault, "the code was used before; what it gave is over now");
    }
    return eid_grant_insert(conn, t->x, fault);
}

enum ndc_err eid_code_take(struct ndc_eid *eid, struct eid_exchange *x,
                           struct ndc_fault *fault)
{
    struct taking t = {.x = x};
    struct ndc_fault ignored = {0};
    ndc_token_hash(t.hash, x->code);
    enum ndc_err err = ndc_store_write(eid->store, take_code, &t, fault);
    if (err && t.reused) (void)!eid_grant_end(eid, ndc_str(x->grant), &ignored);
    return err;
}

/* ---- refresh tokens ---- */

static void tag_of(const struct ndc_eid *eid, uint8_t out[NDC_HMAC_BYTES],
                   struct ndc_str grant, int64_t counter)
{
    char text[96];
    int len = snprintf(text, sizeof(text), "refresh %.*s %lld", NDC_STR_FMT(grant),
                       (long long)counter);
    ndc_hmac_sha256(out, ndc_str_n((const char *)eid->salt, sizeof(eid->salt)),
                    ndc_str_n(text, (size_t)len));
}

void eid_refresh_text(const struct ndc_eid *eid, char out[EID_REFRESH_TEXT],
                      const char *grant, int64_t counter)
{
    uint8_t tag[NDC_HMAC_BYTES];
    struct ndc_buf text;
    tag_of(eid, tag, ndc_str(grant), counter);
    ndc_buf_init(&text, EID_REFRESH_TEXT);
    ndc_buf_printf(&text, "ert_%s.%lld.", grant, (long long)counter);
    ndc_base64url_add(&text, tag, TAG_BYTES);
    ndc_buf_add_byte(&text, 0);
    NDC_ASSERT(!text.failed);
    memcpy(out, text.ptr, text.len);
    ndc_buf_free(&text);
}

bool eid_refresh_grant(const struct ndc_eid *eid, struct ndc_str token,
                       struct ndc_str *grant, int64_t *counter)
{
    uint8_t tag[NDC_HMAC_BYTES], given[TAG_BYTES];
    struct ndc_str rest = ndc_str_from(token, 4), number, mac;
    size_t len;
    if (!ndc_str_starts(token, NDC_STR("ert_")) || token.len >= EID_REFRESH_TEXT ||
        !ndc_str_split(&rest, '.', grant) || !rest.ptr ||
        !ndc_str_split(&rest, '.', &number) || !rest.ptr ||
        !ndc_str_split(&rest, '.', &mac) || rest.ptr)
        return false;
    if (grant->len != EID_GRANT_LEN || !ndc_str_to_i64(number, counter) ||
        !ndc_base64url_read(given, sizeof(given), &len, mac) || len != sizeof(given))
        return false;
    tag_of(eid, tag, *grant, *counter);
    return ndc_secret_equal(ndc_str_n((const char *)tag, TAG_BYTES),
                            ndc_str_n((const char *)given, TAG_BYTES));
}

struct renewing {
    struct eid_renewal *r;
    struct ndc_str grant;
    int64_t counter;
    bool reused;
};

static enum ndc_err read_grant(struct ndc_store_conn *conn, struct renewing *n,
                               int64_t *counter, struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    bool found = false;
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT g.data, g.counter FROM eid_grant g, eid_account a WHERE g.grant_id = $1 "
        "AND g.client = $2 AND g.expires_ms > $3 AND a.account = g.account AND a.state = "
        "'active'",
        NDC_ARGS(ndc_text(n->grant), ndc_text(n->r->client->id),
                 ndc_int(ndc_clock_wall_ms())));
    if (ndc_rows_next(rows)) {
        found = true;
        *counter = ndc_rows_i64(rows, 1);
        err = eid_given_read(&n->r->given, n->r->arena, ndc_rows_text(rows, 0), fault);
    }
    enum ndc_err ended = ndc_rows_end(rows, err ? NULL : fault);
    if (err || ended) return err ? err : ended;
    return found ? NDC_OK
                 : bad_grant(fault, "the refresh token is over: it was revoked, expired, "
                                    "or is another client's");
}

/* Known before the token is used: a wish too many costs nothing. */
static enum ndc_err narrow(struct eid_renewal *r, struct ndc_fault *fault)
{
    if (r->scope.len && !eid_words_in(r->given.scope, r->scope))
        return eid_refuse(fault, "invalid_scope", "scope is more than was granted");
    if (r->scope.len) r->given.scope = r->scope;
    return eid_details_narrow(r->client, r->given.details, r->details, &r->given.details,
                              fault);
}

static enum ndc_err renew(struct ndc_store_conn *conn, void *arg, struct ndc_fault *fault)
{
    struct renewing *n = arg;
    const struct eid_given *g = &n->r->given;
    int64_t counter = 0, changes = 0, now = ndc_clock_wall_ms();
    bool rotates = !n->r->client->fapi;
    n->reused = false;
    NDC_TRY(read_grant(conn, n, &counter, fault));
    if (g->jkt.len && !ndc_str_eq(g->jkt, n->r->jkt))
        return bad_grant(fault, "the refresh token is bound to another DPoP key");
    if (g->x5t.len && !ndc_str_eq(g->x5t, n->r->x5t))
        return bad_grant(fault, "the refresh token is bound to another certificate");
    if (counter == n->counter) NDC_TRY(narrow(n->r, fault));
    if (counter == n->counter)
        NDC_TRY(ndc_sql_exec(conn,
                             "UPDATE eid_grant SET counter = counter + $4, used_ms = $3, "
                             "expires_ms = $5 WHERE grant_id = $1 AND counter = $2",
                             NDC_ARGS(ndc_text(n->grant), ndc_int(counter), ndc_int(now),
                                      ndc_int(rotates),
                                      ndc_int(grant_end(n->r->client, now))),
                             &changes, fault));
    n->r->counter = counter + rotates;
    if (changes) return NDC_OK;
    n->reused = true;
    return bad_grant(fault, "the refresh token was used before: somebody has a copy, so "
                            "all that was granted with it is over");
}

enum ndc_err eid_refresh_take(struct ndc_eid *eid, struct eid_renewal *r,
                              struct ndc_fault *fault)
{
    struct renewing n = {.r = r};
    struct ndc_fault ignored = {0};
    if (!eid_refresh_grant(eid, r->token, &n.grant, &n.counter))
        return bad_grant(fault, "this is no refresh token of this server");
    memcpy(r->grant, n.grant.ptr, EID_GRANT_LEN);
    r->grant[EID_GRANT_LEN] = 0;
    enum ndc_err err = ndc_store_write(eid->store, renew, &n, fault);
    if (err && n.reused) (void)!eid_grant_end(eid, n.grant, &ignored);
    return err;
}

enum ndc_err eid_grant_read(struct ndc_eid *eid, struct ndc_arena *arena,
                            struct ndc_str grant, struct ndc_str *client,
                            struct eid_given *given, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    enum ndc_err err = NDC_OK;
    *client = NDC_STR_NULL;
    *given = (struct eid_given){0};
    NDC_TRY(ndc_store_take(eid->store, NDC_READ, &conn, fault));
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT client, data FROM eid_grant WHERE grant_id = $1 AND expires_ms > $2",
        NDC_ARGS(ndc_text(grant), ndc_int(ndc_clock_wall_ms())));
    if (ndc_rows_next(rows)) {
        *client = ndc_arena_str(arena, ndc_rows_text(rows, 0));
        err = eid_given_read(given, arena, ndc_rows_text(rows, 1), fault);
    }
    enum ndc_err ended = ndc_rows_end(rows, err ? NULL : fault);
    ndc_store_give(conn);
    return err ? err : ended;
}

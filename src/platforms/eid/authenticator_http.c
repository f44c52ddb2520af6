/* Ways to sign in, changed by their owner: password and passkeys. Each change needs a
 * sign-in of the last minutes, is one write, and is in the audit log. */
#include "platforms/eid/http.h"
#include "platforms/eid/passkey.h"

#include "core/identity.h"
#include "store/writer.h"
#include "sys/clock.h"

enum { CREATE_MS = 10 * 60 * 1000, TITLE_BYTES_MAX = 100 };

static struct ndc_str cut_title(struct ndc_request *req, struct ndc_str title,
                                const char *absent)
{
    title = ndc_str_trim(eid_text(title));
    if (!title.len) return ndc_str(absent);
    if (title.len > TITLE_BYTES_MAX) {
        title.len = TITLE_BYTES_MAX; /* no letter is cut in two */
        while (title.len && ((unsigned char)title.ptr[title.len] & 0xc0) == 0x80)
            title.len--;
    }
    return ndc_arena_str(req->arena, title);
}

static enum ndc_err read_all(struct ndc_request *req, struct ndc_str account,
                             struct eid_authenticators *all, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    NDC_TRY(eid_conn(req, &conn, fault));
    enum ndc_err err = eid_authenticators_read(conn, req->arena, account, all, fault);
    ndc_store_give(conn);
    return err;
}

/* ---- password ---- */

struct change {
    const struct eid_account *account;
    const struct eid_signed_in *by;
    const struct eid_authenticator *former; /* NULL: there was none */
    const char *hash;
};

static enum ndc_err write_password(struct ndc_store_conn *conn, void *arg,
                                   struct ndc_fault *fault)
{
    const struct change *c = arg;
    const struct eid_authenticator next = {.kind = NDC_STR("password"),
                                           .secret = ndc_str(c->hash)};
    NDC_TRY(eid_authenticator_delete(conn, c->account->account, "password", 0, fault));
    NDC_TRY(eid_authenticator_insert(conn, c->account->account, &next, NULL, fault));
    /* Whoever is elsewhere with the former one is signed out. */
    return eid_sessions_end(conn, c->account->account, c->by->sid, fault);
}

/* The former password, unless a passkey or the desk stands for it. */
static enum ndc_err check_former(struct ndc_request *req, const struct change *c,
                                 struct ndc_str current, struct ndc_fault *fault)
{
    if (!c->former || eid_acr_rank(c->by->acr) >= 2) return NDC_OK;
    NDC_TRY(eid_throttle(req, "password", c->account->account, fault));
    bool right =
        current.ptr && current.len <= NDC_PASSWORD_BYTES_MAX &&
        ndc_password_verify(ndc_arena_cstr(req->arena, c->former->secret), current);
    eid_throttle_result(req, "password", c->account->account, right);
    if (right) return NDC_OK;
    eid_audit(req, "password.wrong", c->account, NDC_STR_NULL);
    return ndc_fail_at(fault, NDC_EDENIED, "password.wrong", "current", 0,
                       "the current password is not right");
}

enum ndc_err eid_put_password(struct ndc_request *req, struct ndc_fault *fault)
{
    struct eid_signed_in by;
    struct eid_account a;
    struct eid_authenticators all;
    struct json_object *body;
    char hash[NDC_PASSWORD_HASH_BYTES];
    NDC_TRY(ndc_request_json(req, &body, fault));
    NDC_TRY(eid_need_fresh(req, &by, &a, fault));
    NDC_TRY(read_all(req, a.account, &all, fault));
    struct change c = {&a, &by, eid_authenticator_of(&all, "password"), hash};
    NDC_TRY(check_former(req, &c, ndc_json_get_str(body, "current"), fault));
    NDC_TRY(eid_password_hash(ndc_eid_of(req), hash,
                              eid_text(ndc_json_get_str(body, "password")), a.number,
                              fault));
    NDC_TRY(ndc_store_write(ndc_eid_of(req)->store, write_password, &c, fault));
    eid_audit(req, "password.change", &a, NDC_STR_NULL);
    return NDC_OK;
}

/* ---- passkeys ---- */

/* What is being made in a session: one at a time, in a row that its sid names. */
struct making {
    struct ndc_request *req;
    const struct eid_account *account;
    const struct eid_signed_in *by;
    struct ndc_str row, challenge;
    const struct eid_authenticator *made;
    struct ndc_str name; /* in eid_credential */
    struct ndc_str amr, acr;
    int64_t number;
};

static struct ndc_str row_of(struct ndc_request *req, const struct eid_signed_in *by)
{
    return ndc_arena_printf(req->arena, "passkey-%.*s", NDC_STR_FMT(by->sid));
}

static enum ndc_err write_begin(struct ndc_store_conn *conn, void *arg,
                                struct ndc_fault *fault)
{
    const struct making *m = arg;
    int64_t now = ndc_clock_wall_ms();
    NDC_TRY(eid_sweep(conn, "eid_interaction", now, fault));
    return ndc_sql_exec(
        conn,
        "INSERT INTO eid_interaction (interaction, browser, kind, client, ask, request, "
        "account, passed, state, expires_ms) VALUES ($1, $2, 'passkey', '', '{}', '', "
        "$3, $4, 'register', $5) ON CONFLICT (interaction) DO UPDATE SET account = "
        "excluded.account, passed = excluded.passed, expires_ms = excluded.expires_ms",
        NDC_ARGS(ndc_text(m->row), ndc_blob(NDC_STR("")), ndc_text(m->account->account),
                 ndc_text(m->challenge), ndc_int(now + CREATE_MS)),
        NULL, fault);
}

enum ndc_err eid_post_me_passkey_options(struct ndc_request *req, struct ndc_fault *fault)
{
    struct eid_signed_in by;
    struct eid_account a;
    struct eid_authenticators all;
    NDC_TRY(eid_need_fresh(req, &by, &a, fault));
    NDC_TRY(read_all(req, a.account, &all, fault));
    struct making m = {.req = req,
                       .account = &a,
                       .by = &by,
                       .row = row_of(req, &by),
                       .challenge = eid_passkey_challenge(req->arena)};
    NDC_TRY(ndc_store_write(ndc_eid_of(req)->store, write_begin, &m, fault));
    eid_passkey_create_options(req, m.challenge, &a, &all);
    return NDC_OK;
}

static enum ndc_err no_challenge(struct ndc_fault *fault)
{
    return ndc_fail(fault, NDC_EINPUT, "webauthn.challenge",
                    "nothing is being registered, or it took too long: begin again");
}

static enum ndc_err read_challenge(struct ndc_request *req, struct making *m,
                                   struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    m->challenge = NDC_STR_NULL;
    NDC_TRY(eid_conn(req, &conn, fault));
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT passed FROM eid_interaction WHERE interaction = $1 AND kind = 'passkey' "
        "AND account = $2 AND expires_ms > $3",
        NDC_ARGS(ndc_text(m->row), ndc_text(m->account->account),
                 ndc_int(ndc_clock_wall_ms())));
    if (ndc_rows_next(rows))
        m->challenge = ndc_arena_str(req->arena, ndc_rows_text(rows, 0));
    enum ndc_err err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    return err || m->challenge.ptr ? err : no_challenge(fault);
}

/* A credential belongs to one account only; a challenge makes one. */
static enum ndc_err write_passkey(struct ndc_store_conn *conn, void *arg,
                                  struct ndc_fault *fault)
{
    struct making *m = arg;
    int64_t n = 0;
    NDC_TRY(ndc_sql_exec(
        conn, "DELETE FROM eid_interaction WHERE interaction = $1 AND passed = $2",
        NDC_ARGS(ndc_text(m->row), ndc_text(m->challenge)), &n, fault));
    if (!n) return no_challenge(fault);
    NDC_TRY(
        eid_authenticator_insert(conn, m->account->account, m->made, &m->number, fault));
    NDC_TRY(ndc_sql_exec(
        conn,
        "INSERT INTO eid_credential (credential, account, number) "
        "VALUES ($1, $2, $3) ON CONFLICT (credential) DO NOTHING",
        NDC_ARGS(ndc_text(m->name), ndc_text(m->account->account), ndc_int(m->number)),
        &n, fault));
    if (!n)
        return ndc_fail(fault, NDC_ECONFLICT, "webauthn.credential",
                        "this passkey is registered already");
    return eid_session_raise(conn, m->by, m->acr, m->amr, fault);
}

enum ndc_err eid_post_me_passkey(struct ndc_request *req, struct ndc_fault *fault)
{
    struct eid_signed_in by;
    struct eid_account a;
    struct eid_authenticator made;
    struct json_object *body;
    NDC_TRY(ndc_request_json(req, &body, fault));
    NDC_TRY(eid_need_fresh(req, &by, &a, fault));
    struct making m = {
        .req = req, .account = &a, .by = &by, .row = row_of(req, &by), .made = &made};
    NDC_TRY(read_challenge(req, &m, fault));
    NDC_TRY(eid_passkey_register(req, m.challenge, ndc_json_get(body, "credential"),
                                 &made, &m.name, fault));
    made.title = cut_title(req, ndc_json_get_str(body, "title"), "Passkey");
    m.amr = eid_amr_join(req->arena, by.amr,
                         made.backup ? NDC_STR("swk user mfa") : NDC_STR("hwk user mfa"));
    m.acr = eid_acr(m.amr, a.level);
    NDC_TRY(ndc_store_write(ndc_eid_of(req)->store, write_passkey, &m, fault));
    eid_audit(req, "passkey.add", &a,
              ndc_arena_printf(req->arena, "number=%lld", (long long)m.number));
    ndc_json_object(&req->json);
    ndc_json_kv_i64(&req->json, "number", m.number);
    ndc_json_kv_str(&req->json, "title", made.title);
    ndc_json_end(&req->json);
    return NDC_OK;
}

/* ---- removing ---- */

struct removal {
    struct ndc_request *req;
    const struct eid_account *account;
    int64_t number;
    struct ndc_str kind; /* set by the write */
};

static enum ndc_err write_removal(struct ndc_store_conn *conn, void *arg,
                                  struct ndc_fault *fault)
{
    struct removal *r = arg;
    struct eid_authenticators all;
    bool left = false;
    r->kind = NDC_STR_NULL;
    NDC_TRY(
        eid_authenticators_read(conn, r->req->arena, r->account->account, &all, fault));
    for (size_t i = 0; i < all.n; i++) {
        const struct eid_authenticator *a = &all.items[i];
        if (a->number == r->number)
            r->kind = a->kind;
        else
            left |= ndc_str_eq_c(a->kind, "password") ||
                    (ndc_str_eq_c(a->kind, "passkey") && !a->cloned);
    }
    if (!r->kind.ptr)
        return ndc_fail(fault, NDC_ENOTFOUND, "eid.authenticator",
                        "there is no such way to sign in");
    if (!left)
        return ndc_fail(fault, NDC_ECONFLICT, "eid.last_authenticator",
                        "this is the last way in: add another one first");
    return eid_authenticator_delete(conn, r->account->account, "", r->number, fault);
}

enum ndc_err eid_delete_authenticator(struct ndc_request *req, struct ndc_fault *fault)
{
    struct eid_signed_in by;
    struct eid_account a;
    int64_t number = 0;
    NDC_TRY(eid_need_fresh(req, &by, &a, fault));
    if (!ndc_str_to_i64(ndc_request_param(req, "number"), &number) || number < 1)
        return ndc_fail(fault, NDC_ENOTFOUND, "eid.authenticator",
                        "there is no such way to sign in");
    struct removal r = {.req = req, .account = &a, .number = number};
    NDC_TRY(ndc_store_write(ndc_eid_of(req)->store, write_removal, &r, fault));
    eid_audit(req, "authenticator.remove", &a,
              ndc_arena_printf(req->arena, "%.*s number=%lld", NDC_STR_FMT(r.kind),
                               (long long)number));
    return NDC_OK;
}

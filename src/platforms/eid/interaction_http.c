/* Signing in, step by step. Each step looks at what was shown, then makes one write: the
 * interaction goes on from what it was, what counts once is used up, and at the end the
 * session begins, or none of it happens. */
#include "platforms/eid/http.h"
#include "platforms/eid/passkey.h"

#include "core/identity.h"
#include "store/writer.h"
#include "sys/clock.h"

enum { WRONG_MAX = 5 /* codes of one sign-in; then it begins anew */ };

/* What was shown. */
struct factor {
    const char *name; /* for the audit log */
    struct ndc_str amr;
    bool alone; /* enough without another */
    const struct eid_account *account;
    const struct eid_authenticators *all;
    /* what it uses up; of a kind each */
    int64_t number;                           /* of a password, or of an app with */
    int64_t step;                             /* its step */
    const struct eid_authenticator *recovery; /* and what is left of it */
    struct ndc_str left;
    const struct eid_passkey_use *passkey;
};

/* ---- the write ---- */

struct advance {
    struct ndc_request *req;
    const struct eid_interaction *it;
    const struct factor *f;
    struct ndc_str state, amr;
    struct eid_session_new *session; /* NULL: not yet */
};

static enum ndc_err use_up(struct ndc_store_conn *conn, const struct factor *f,
                           struct ndc_fault *fault)
{
    bool fresh = true;
    if (f->step)
        NDC_TRY(
            eid_totp_use(conn, f->account->account, f->number, f->step, &fresh, fault));
    if (!fresh)
        return ndc_fail(fault, NDC_EDENIED, "eid.totp_used",
                        "this code was used already: wait for the next one");
    else if (f->number)
        NDC_TRY(eid_authenticator_touch(conn, f->account->account, f->number, fault));
    if (f->recovery)
        NDC_TRY(eid_recovery_use(conn, f->account->account, f->recovery, f->left, &fresh,
                                 fault));
    if (!fresh) return ndc_fail(fault, NDC_EAUTH, "auth.failed", "the code is not right");
    return f->passkey ? eid_passkey_used(conn, f->passkey, fault) : NDC_OK;
}

static enum ndc_err write_advance(struct ndc_store_conn *conn, void *arg,
                                  struct ndc_fault *fault)
{
    struct advance *a = arg;
    struct eid_interaction next = {.amr = a->amr};
    NDC_TRY(use_up(conn, a->f, fault));
    if (a->session) {
        NDC_TRY(eid_session_put(conn, a->session, fault));
        next.sid = ndc_str(a->session->sid);
    }
    return eid_interaction_move(conn, a->it, a->state, a->f->account->account,
                                eid_interaction_passed(a->req->arena, &next), fault);
}

/* ---- what comes next ---- */

static bool complete(const struct factor *f, struct ndc_str amr)
{
    if (f->alone || eid_amr_has(amr, "mfa")) return true;
    return !eid_has_second(f->all); /* a password with nothing to stand beside it */
}

static enum ndc_err level_missing(const struct factor *f, struct ndc_str acr, int wanted,
                                  struct ndc_fault *fault)
{
    if (wanted == 3 && f->account->level < 2)
        return ndc_fail(fault, NDC_EDENIED, "eid.level",
                        "this needs an account of level 2: prove who you are at an "
                        "enrolment desk, in person");
    return ndc_fail(fault, NDC_EDENIED, "eid.level",
                    "this needs more than %s: add a passkey or an authenticator app to "
                    "your account (/eid/account), then come back",
                    eid_acr_rank(acr) == 1 ? "a password" : "what you have shown");
}

static enum ndc_err check_end(const struct eid_interaction *it, const struct factor *f,
                              struct ndc_str acr, struct ndc_fault *fault)
{
    int wanted = eid_acr_rank(it->acr);
    if (it->only_account.len && !ndc_str_eq(it->only_account, f->account->account))
        return ndc_fail(fault, NDC_EDENIED, "eid.other_account",
                        "this must be confirmed by the account that began it");
    return eid_acr_rank(acr) < wanted ? level_missing(f, acr, wanted, fault) : NDC_OK;
}

static enum ndc_err end_state(struct ndc_request *req, const struct eid_interaction *it,
                              struct ndc_str account, struct ndc_str *state,
                              struct ndc_fault *fault)
{
    bool covers = false;
    if (ndc_str_eq_c(it->kind, "account"))
        covers = true;
    else if (!it->ask_consent)
        NDC_TRY(eid_consent_covers(ndc_eid_of(req), account, it->client, it->scopes,
                                   it->claims, &covers, fault));
    *state = covers ? NDC_STR("done") : NDC_STR("consent");
    return NDC_OK;
}

static struct ndc_str how(struct ndc_request *req, const struct eid_interaction *it,
                          struct ndc_str amr, const char *name)
{
    struct ndc_str what = amr.len ? amr : ndc_str(name);
    return ndc_arena_printf(req->arena, "%.*s%s%.*s", NDC_STR_FMT(what),
                            it->client.len ? " client=" : "", NDC_STR_FMT(it->client));
}

static enum ndc_err advance(struct ndc_request *req, const struct eid_interaction *it,
                            const struct factor *f, struct ndc_fault *fault)
{
    struct eid_session_new session;
    struct advance a = {.req = req, .it = it, .f = f, .state = NDC_STR("sign-in")};
    a.amr = eid_amr_join(req->arena, it->amr, f->amr);
    if (eid_amr_has(a.amr, "pwd") && eid_amr_has(a.amr, "otp"))
        a.amr = eid_amr_join(req->arena, a.amr, NDC_STR("mfa"));
    struct ndc_str acr = eid_acr(a.amr, f->account->level);
    NDC_TRY(eid_account_check(f->account, fault));
    if (complete(f, a.amr)) {
        NDC_TRY(check_end(it, f, acr, fault));
        NDC_TRY(end_state(req, it, f->account->account, &a.state, fault));
        eid_session_prepare(req, &session, f->account->account, acr, a.amr);
        a.session = &session;
    }
    NDC_TRY(ndc_store_write(ndc_eid_of(req)->store, write_advance, &a, fault));
    if (a.session) {
        eid_session_give(req, &session);
        eid_act_as(req, f->account);
        eid_audit(req, "sign-in", f->account, how(req, it, a.amr, f->name));
    }
    return eid_interaction_answer(req, it->id, fault);
}

/* ---- failing ---- */

/* The account may be known or not: nobody who asks is told. */
static enum ndc_err failed(struct ndc_request *req, const struct eid_interaction *it,
                           const struct eid_account *account, const char *name,
                           const char *words, struct ndc_fault *fault)
{
    struct ndc_str detail = how(req, it, NDC_STR(""), name);
    if (account && account->account.ptr) {
        eid_audit(req, "sign-in.failed", account, detail);
    } else {
        ndc_request_audit(req, "sign-in.failed", NDC_STR(""), NULL);
        ndc_request_audit_detail(req, detail);
    }
    return ndc_fail(fault, NDC_EAUTH, "auth.failed", "%s", words);
}

struct miss {
    struct ndc_request *req;
    const struct eid_interaction *it;
};

static enum ndc_err write_miss(struct ndc_store_conn *conn, void *arg,
                               struct ndc_fault *fault)
{
    const struct miss *m = arg;
    struct eid_interaction next = *m->it;
    next.wrong++;
    if (next.wrong < WRONG_MAX)
        return eid_interaction_move(conn, m->it, m->it->state, m->it->account,
                                    eid_interaction_passed(m->req->arena, &next), fault);
    next = (struct eid_interaction){.id = m->it->id};
    return eid_interaction_move(conn, m->it, m->it->state, NDC_STR(""),
                                eid_interaction_passed(m->req->arena, &next), fault);
}

/* A wrong code counts against the sign-in too: whoever knows the password has five. */
static void count_miss(struct ndc_request *req, const struct eid_interaction *it)
{
    struct miss m = {req, it};
    struct ndc_fault none = {0};
    (void)!ndc_store_write(ndc_eid_of(req)->store, write_miss, &m, &none);
}

/* ---- reading what a step needs ---- */

struct step {
    struct eid_interaction it;
    struct eid_account account;
    struct eid_authenticators all;
    struct json_object *body;
};

static enum ndc_err wrong_step(struct ndc_fault *fault)
{
    return ndc_fail(fault, NDC_ECONFLICT, "eid.interaction_changed",
                    "this is not the step that the sign-in is at: look again");
}

static enum ndc_err read_account(struct ndc_request *req, struct step *s,
                                 struct ndc_str login, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    NDC_TRY(eid_conn(req, &conn, fault));
    enum ndc_err err =
        login.ptr ? eid_account_of_login(conn, req->arena, login, &s->account, fault)
                  : eid_account_row(conn, req->arena, s->it.account, &s->account, fault);
    s->all.n = 0;
    if (!err && s->account.account.ptr)
        err =
            eid_authenticators_read(conn, req->arena, s->account.account, &s->all, fault);
    ndc_store_give(conn);
    return err;
}

/* At the step "sign-in" nobody is known yet, at "second" somebody is. */
static enum ndc_err begin_step(struct ndc_request *req, struct step *s, bool second,
                               struct ndc_fault *fault)
{
    NDC_TRY(ndc_request_json(req, &s->body, fault));
    NDC_TRY(eid_interaction_read(req, ndc_request_param(req, "id"), &s->it, fault));
    if (!ndc_str_eq_c(s->it.state, "sign-in") || (s->it.account.len > 0) != second)
        return wrong_step(fault);
    return second ? read_account(req, s, NDC_STR_NULL, fault) : NDC_OK;
}

/* ---- password ---- */

/* What failures are counted by: an account has several logins and one count. */
static struct ndc_str who(const struct step *s, struct ndc_str login)
{
    return s->account.account.ptr ? s->account.account : login;
}

/* The same work is done whether there is such an account or not. */
static bool password_right(struct ndc_request *req, const struct step *s,
                           struct ndc_str password)
{
    const struct eid_authenticator *a = eid_authenticator_of(&s->all, "password");
    const char *hash = a && a->secret.len < NDC_PASSWORD_HASH_BYTES
                           ? ndc_arena_cstr(req->arena, a->secret)
                           : ndc_eid_of(req)->accounts->dummy_hash;
    bool right =
        password.len <= NDC_PASSWORD_BYTES_MAX && ndc_password_verify(hash, password);
    return right && a;
}

enum ndc_err eid_post_password(struct ndc_request *req, struct ndc_fault *fault)
{
    struct step s = {.it = {.id = NDC_STR_NULL}};
    NDC_TRY(begin_step(req, &s, false, fault));
    struct ndc_str login = ndc_json_get_str(s.body, "login");
    NDC_TRY(read_account(req, &s, eid_text(login), fault));
    NDC_TRY(eid_throttle(req, "password", who(&s, login), fault));
    bool right = password_right(req, &s, eid_text(ndc_json_get_str(s.body, "password")));
    eid_throttle_result(req, "password", who(&s, login), right);
    if (!right)
        return failed(req, &s.it, &s.account, "pwd",
                      "the login or the password is not right", fault);
    const struct factor f = {.name = "pwd",
                             .amr = NDC_STR("pwd"),
                             .account = &s.account,
                             .all = &s.all,
                             .number = eid_authenticator_of(&s.all, "password")->number};
    return advance(req, &s.it, &f, fault);
}

/* ---- codes ---- */

static enum ndc_err wrong_code(struct ndc_request *req, const struct step *s,
                               const char *name, struct ndc_fault *fault)
{
    if (s->it.account.len) count_miss(req, &s->it);
    return failed(req, &s->it, &s->account, name, "the code is not right", fault);
}

enum ndc_err eid_post_totp(struct ndc_request *req, struct ndc_fault *fault)
{
    struct step s = {.it = {.id = NDC_STR_NULL}};
    struct factor f = {.name = "otp", .amr = NDC_STR("otp")};
    NDC_TRY(begin_step(req, &s, true, fault));
    NDC_TRY(eid_throttle(req, "code", s.account.account, fault));
    struct ndc_str code = eid_text(ndc_json_get_str(s.body, "code"));
    for (size_t i = 0; i < s.all.n && !f.step; i++) {
        const struct eid_authenticator *a = &s.all.items[i];
        if (!ndc_str_eq_c(a->kind, "totp") || !a->confirmed) continue;
        f.step = eid_totp_step(ndc_eid_of(req), s.account.account, a, code,
                               ndc_clock_wall_ms());
        f.number = a->number;
    }
    eid_throttle_result(req, "code", s.account.account, f.step != 0);
    if (!f.step) return wrong_code(req, &s, "otp", fault);
    f.account = &s.account;
    f.all = &s.all;
    return advance(req, &s.it, &f, fault);
}

/* After a password any code of the person's; without one only what a desk gave to
 * somebody who stood there with their papers. */
enum ndc_err eid_post_recovery(struct ndc_request *req, struct ndc_fault *fault)
{
    struct step s = {.it = {.id = NDC_STR_NULL}};
    struct factor f = {.name = "recovery", .amr = NDC_STR("otp")};
    struct json_object *body;
    NDC_TRY(ndc_request_json(req, &body, fault));
    struct ndc_str login = ndc_json_get_str(body, "login");
    bool second = !login.len;
    NDC_TRY(begin_step(req, &s, second, fault));
    if (!second) NDC_TRY(read_account(req, &s, login, fault));
    NDC_TRY(eid_throttle(req, "code", who(&s, login), fault));
    f.recovery = eid_recovery_find(&s.all, req->arena,
                                   eid_text(ndc_json_get_str(body, "code")), &f.left);
    if (f.recovery && f.recovery->desk && f.recovery->until_ms < ndc_clock_wall_ms())
        f.recovery = NULL;
    if (f.recovery && !second && !f.recovery->desk) f.recovery = NULL;
    eid_throttle_result(req, "code", who(&s, login), f.recovery != NULL);
    if (!f.recovery) return wrong_code(req, &s, "recovery", fault);
    f.alone = f.recovery->desk;
    f.account = &s.account;
    f.all = &s.all;
    return advance(req, &s.it, &f, fault);
}

/* ---- passkeys ---- */

struct challenge {
    struct ndc_request *req;
    const struct eid_interaction *it;
    struct ndc_str challenge;
};

static enum ndc_err write_challenge(struct ndc_store_conn *conn, void *arg,
                                    struct ndc_fault *fault)
{
    const struct challenge *c = arg;
    struct eid_interaction next = *c->it;
    next.challenge = c->challenge;
    next.challenge_ms = ndc_clock_wall_ms();
    return eid_interaction_move(conn, c->it, c->it->state, c->it->account,
                                eid_interaction_passed(c->req->arena, &next), fault);
}

enum ndc_err eid_post_passkey_options(struct ndc_request *req, struct ndc_fault *fault)
{
    struct step s = {.it = {.id = NDC_STR_NULL}};
    NDC_TRY(ndc_request_json(req, &s.body, fault));
    NDC_TRY(eid_interaction_read(req, ndc_request_param(req, "id"), &s.it, fault));
    if (!ndc_str_eq_c(s.it.state, "sign-in")) return wrong_step(fault);
    struct ndc_str login = ndc_json_get_str(s.body, "login");
    if (s.it.account.len)
        NDC_TRY(read_account(req, &s, NDC_STR_NULL, fault));
    else if (login.len)
        NDC_TRY(read_account(req, &s, login, fault));
    struct challenge c = {req, &s.it, eid_passkey_challenge(req->arena)};
    NDC_TRY(ndc_store_write(ndc_eid_of(req)->store, write_challenge, &c, fault));
    eid_passkey_request_options(req, c.challenge, &s.all,
                                s.it.account.len ? NDC_STR_NULL : login);
    return NDC_OK;
}

/* A counter that went back: two have the key. It signs in no more, and its owner is told
 * of it where they see their devices. */
static enum ndc_err cloned(struct ndc_request *req, const struct step *s,
                           const struct eid_passkey_use *use, struct ndc_fault *fault)
{
    struct ndc_fault none = {0};
    (void)!eid_passkey_cloned(ndc_eid_of(req), use, &none);
    eid_audit(req, "passkey.cloned", &s->account,
              ndc_arena_printf(req->arena, "number=%lld", (long long)use->number));
    return ndc_fail(fault, NDC_EAUTH, "webauthn.counter",
                    "this passkey seems to have been copied, and is no longer taken: "
                    "sign in in another way and remove it");
}

enum ndc_err eid_post_passkey(struct ndc_request *req, struct ndc_fault *fault)
{
    struct step s = {.it = {.id = NDC_STR_NULL}};
    struct eid_passkey_use use;
    struct ndc_fault inner = {0};
    NDC_TRY(ndc_request_json(req, &s.body, fault));
    NDC_TRY(eid_interaction_read(req, ndc_request_param(req, "id"), &s.it, fault));
    if (!ndc_str_eq_c(s.it.state, "sign-in")) return wrong_step(fault);
    bool second = s.it.account.len > 0;
    NDC_TRY(eid_throttle(req, "passkey", s.it.id, fault));
    enum ndc_err err = eid_passkey_assert(req, &s.it, ndc_json_get(s.body, "credential"),
                                          &s.account, &s.all, &use, &inner);
    if (err == NDC_EDB || err == NDC_EBUSY) {
        *fault = inner;
        return err;
    }
    if (err && use.cloned) return cloned(req, &s, &use, fault);
    if (!err && second && !ndc_str_eq(s.account.account, s.it.account))
        err = ndc_fail(&inner, NDC_EAUTH, "auth.failed",
                       "the passkey is not one of this account");
    if (err) {
        eid_throttle_result(req, "passkey", s.it.id, false);
        (void)failed(req, &s.it, &s.account, "passkey", "", NULL);
        *fault = inner;
        return err;
    }
    const struct factor f = {.name = "passkey",
                             .amr = use.backup ? NDC_STR("swk user mfa")
                                               : NDC_STR("hwk user mfa"),
                             .alone = true,
                             .account = &s.account,
                             .all = &s.all,
                             .passkey = &use};
    return advance(req, &s.it, &f, fault);
}

/* ---- consent, and another account ---- */

struct decide {
    struct ndc_request *req;
    const struct eid_interaction *it;
    const struct eid_account *account;
    bool allow;
};

static enum ndc_err write_decision(struct ndc_store_conn *conn, void *arg,
                                   struct ndc_fault *fault)
{
    const struct decide *d = arg;
    if (d->allow)
        NDC_TRY(eid_consent_put(conn, ndc_eid_of(d->req), d->req->arena, d->account,
                                d->it, fault));
    return eid_interaction_move(conn, d->it,
                                d->allow ? NDC_STR("done") : NDC_STR("refused"),
                                d->it->account, d->it->passed, fault);
}

enum ndc_err eid_post_consent(struct ndc_request *req, struct ndc_fault *fault)
{
    struct step s = {.it = {.id = NDC_STR_NULL}};
    struct eid_signed_in by;
    NDC_TRY(ndc_request_json(req, &s.body, fault));
    NDC_TRY(eid_interaction_read(req, ndc_request_param(req, "id"), &s.it, fault));
    if (!ndc_str_eq_c(s.it.state, "consent")) return wrong_step(fault);
    NDC_TRY(eid_need_session(req, &by, &s.account, fault));
    if (!ndc_str_eq(by.sid, s.it.sid) || !ndc_str_eq(by.account, s.it.account))
        return ndc_fail(fault, NDC_EAUTH, "eid.signed_out",
                        "another account is signed in by now: begin again");
    struct decide d = {req, &s.it, &s.account, ndc_json_get_bool(s.body, "allow", false)};
    NDC_TRY(ndc_store_write(ndc_eid_of(req)->store, write_decision, &d, fault));
    eid_audit(req, d.allow ? "consent.given" : "consent.refused", &s.account,
              ndc_arena_printf(req->arena, "client=%.*s", NDC_STR_FMT(s.it.client)));
    return eid_interaction_answer(req, s.it.id, fault);
}

static enum ndc_err write_other(struct ndc_store_conn *conn, void *arg,
                                struct ndc_fault *fault)
{
    const struct eid_interaction *it = arg;
    return eid_interaction_move(conn, it, NDC_STR("sign-in"), NDC_STR(""), NDC_STR("{}"),
                                fault);
}

enum ndc_err eid_post_other(struct ndc_request *req, struct ndc_fault *fault)
{
    struct eid_interaction it;
    NDC_TRY(eid_interaction_read(req, ndc_request_param(req, "id"), &it, fault));
    if (ndc_str_eq_c(it.state, "done") || ndc_str_eq_c(it.state, "refused"))
        return wrong_step(fault);
    NDC_TRY(ndc_store_write(ndc_eid_of(req)->store, write_other, &it, fault));
    return eid_interaction_answer(req, it.id, fault);
}

/* ---- beginning and looking ---- */

/* A path of ours: nothing that a browser takes for another host. */
static bool is_own_path(struct ndc_str path)
{
    if (path.len == 0 || path.len > 512 || path.ptr[0] != '/') return false;
    if (path.len > 1 && (path.ptr[1] == '/' || path.ptr[1] == '\\')) return false;
    for (size_t i = 0; i < path.len; i++)
        if ((unsigned char)path.ptr[i] <= ' ' || path.ptr[i] == '\\') return false;
    return true;
}

enum ndc_err eid_post_interaction(struct ndc_request *req, struct ndc_fault *fault)
{
    struct json_object *body;
    struct ndc_str id, next;
    NDC_TRY(ndc_request_json(req, &body, fault));
    next = ndc_json_get_str(body, "next");
    if (!next.ptr) next = NDC_STR("/eid/account");
    if (!is_own_path(next))
        return ndc_fail_at(fault, NDC_EINPUT, "eid.next", "next", 0,
                           "next is a path of this server, such as /eid/account");
    const struct eid_ask ask = {.kind = "account",
                                .resume = next,
                                .auth_after_ms = INT64_MAX}; /* who comes signs in */
    NDC_TRY(eid_interaction_begin(req, &ask, &id, fault));
    return eid_interaction_answer(req, id, fault);
}

enum ndc_err eid_get_interaction(struct ndc_request *req, struct ndc_fault *fault)
{
    return eid_interaction_answer(req, ndc_request_param(req, "id"), fault);
}

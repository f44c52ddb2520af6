/* Sessions: signing in, out, and changing one's password. */
#include "core/identity_private.h"

#include "core/password_rules.h"

#include <stdio.h>

struct stored {
    char hash[NDC_PASSWORD_HASH_BYTES];
    bool found;
};

static enum ndc_err read_hash(struct ndc_identity *identity, struct ndc_str user,
                              struct stored *out, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    /* For a user that does not exist a hash is checked all the same: same time. */
    memcpy(out->hash, identity->dummy_hash, sizeof(out->hash));
    out->found = false;
    enum ndc_err err = ndc_store_take(identity->store, NDC_READ, &conn, fault);
    if (err != NDC_OK) return err;
    struct ndc_rows *rows = ndc_sql_query(
        conn, "SELECT password FROM ndc_user WHERE name = $1 AND disabled = 0",
        NDC_ARGS(ndc_text(user)));
    if (ndc_rows_next(rows)) {
        struct ndc_str hash = ndc_rows_text(rows, 0);
        if (hash.len < sizeof(out->hash)) {
            memcpy(out->hash, hash.ptr, hash.len);
            out->hash[hash.len] = 0;
            out->found = true;
        }
    }
    err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    return err;
}

/* Argon2id with both: the throttle first, so that a flood costs little. */
static enum ndc_err check_password(struct ndc_identity *identity, struct ndc_str user,
                                   struct ndc_str client, struct ndc_str password,
                                   int64_t *wait_ms, struct ndc_fault *fault)
{
    struct stored stored;
    int64_t now = ndc_clock_wall_ms();
    *wait_ms = ndc_throttle_wait_ms(identity->throttle, user, client, now);
    if (*wait_ms > 0) {
        if (fault) fault->http_status = 429;
        return ndc_fail(fault, NDC_EBUSY, "auth.throttled",
                        "too many attempts: wait %lld s and try again",
                        (long long)((*wait_ms + 999) / 1000));
    }
    enum ndc_err err = read_hash(identity, user, &stored, fault);
    if (err != NDC_OK) return err;
    bool right = password.len <= NDC_PASSWORD_BYTES_MAX &&
                 ndc_password_verify(stored.hash, password);
    ndc_secret_wipe(stored.hash, sizeof(stored.hash));
    if (right && stored.found) {
        ndc_throttle_succeeded(identity->throttle, user, client, now);
        return NDC_OK;
    }
    ndc_throttle_failed(identity->throttle, user, client, now);
    return ndc_fail(fault, NDC_EAUTH, "auth.failed",
                    "the user name or the password is not right");
}

struct make {
    struct ndc_identity *identity;
    struct session_new *session;
    uint8_t hash[NDC_TOKEN_HASH_BYTES];
    char csrf[NDC_TOKEN_BYTES];
    const char *password_hash; /* of a change of password, or NULL */
};

static void make_secrets(struct make *m)
{
    ndc_token_id(m->session->id, SESSION_ID_LEN);
    ndc_token_make(m->session->secret, "");
    ndc_token_hash(m->hash, ndc_str(m->session->secret));
    ndc_token_make(m->csrf, "");
}

static enum ndc_err insert_session(struct ndc_store_conn *conn, void *arg,
                                   struct ndc_fault *fault)
{
    struct make *m = arg;
    const struct session_new *s = m->session;
    int64_t now = ndc_clock_wall_ms();
    enum ndc_err err = ndc_sql_exec(
        conn,
        "INSERT INTO ndc_session (session, secret, csrf, user_name, created_ms, last_ms, "
        "expires_ms, client, agent) VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8)",
        NDC_ARGS(ndc_textz(s->id),
                 ndc_blob(ndc_str_n((const char *)m->hash, sizeof(m->hash))),
                 ndc_textz(m->csrf), ndc_text(s->user), ndc_int(now),
                 ndc_int(now + m->identity->options.session_max_ms), ndc_text(s->client),
                 ndc_text(s->agent)),
        NULL, fault);
    if (err == NDC_OK)
        err = ndc_sql_exec(conn, "UPDATE ndc_user SET sign_in_ms = $1 WHERE name = $2",
                           NDC_ARGS(ndc_int(now), ndc_text(s->user)), NULL, fault);
    if (err == NDC_OK) /* the oldest make room: nobody keeps more than a page of them */
        err = ndc_sql_exec(
            conn,
            "DELETE FROM ndc_session WHERE user_name = $1 AND session NOT IN (SELECT "
            "session FROM ndc_session WHERE user_name = $1 ORDER BY created_ms DESC, "
            "session LIMIT $2)",
            NDC_ARGS(ndc_text(s->user), ndc_int(SESSIONS_PER_USER_MAX)), NULL, fault);
    return err;
}

enum ndc_err session_sign_in(struct ndc_identity *identity, struct session_new *session,
                             struct ndc_str password, int64_t *wait_ms,
                             struct ndc_fault *fault)
{
    struct make m = {.identity = identity, .session = session};
    enum ndc_err err = check_password(identity, session->user, session->client, password,
                                      wait_ms, fault);
    if (err != NDC_OK) return err;
    make_secrets(&m);
    return ndc_store_write(identity->store, insert_session, &m, fault);
}

static enum ndc_err insert_known(struct ndc_store_conn *conn, void *arg,
                                 struct ndc_fault *fault)
{
    const struct make *m = arg;
    int64_t n = 0;
    enum ndc_err err = ndc_sql_i64(
        conn, &n, "SELECT count(*) FROM ndc_user WHERE name = $1 AND disabled = 0",
        NDC_ARGS(ndc_text(m->session->user)), fault);
    if (err == NDC_OK && !n)
        err = ndc_fail(fault, NDC_ENOTFOUND, "user.unknown",
                       "the console has no such user, or the user is disabled");
    return err == NDC_OK ? insert_session(conn, arg, fault) : err;
}

enum ndc_err session_begin(struct ndc_identity *identity, struct session_new *session,
                           struct ndc_fault *fault)
{
    struct make m = {.identity = identity, .session = session};
    make_secrets(&m);
    return ndc_store_write(identity->store, insert_known, &m, fault);
}

struct end {
    struct ndc_str user, id;
};

static enum ndc_err delete_session(struct ndc_store_conn *conn, void *arg,
                                   struct ndc_fault *fault)
{
    const struct end *end = arg;
    int64_t changes = 0;
    enum ndc_err err = ndc_sql_exec(
        conn, "DELETE FROM ndc_session WHERE session = $1 AND user_name = $2",
        NDC_ARGS(ndc_text(end->id), ndc_text(end->user)), &changes, fault);
    if (err == NDC_OK && !changes)
        err = ndc_fail(fault, NDC_ENOTFOUND, "session.unknown",
                       "there is no such session of yours");
    return err;
}

enum ndc_err session_end(struct ndc_identity *identity, struct ndc_str user,
                         struct ndc_str id, struct ndc_fault *fault)
{
    struct end end = {user, id};
    return identity_write(identity, delete_session, &end, fault);
}

static enum ndc_err replace_password(struct ndc_store_conn *conn, void *arg,
                                     struct ndc_fault *fault)
{
    struct make *m = arg;
    enum ndc_err err = ndc_sql_exec(
        conn,
        "UPDATE ndc_user SET password = $1, must_change = 0, password_ms = $2 WHERE name "
        "= $3",
        NDC_ARGS(ndc_textz(m->password_hash), ndc_int(ndc_clock_wall_ms()),
                 ndc_text(m->session->user)),
        NULL, fault);
    if (err == NDC_OK)
        err = ndc_sql_exec(conn, "DELETE FROM ndc_session WHERE user_name = $1",
                           NDC_ARGS(ndc_text(m->session->user)), NULL, fault);
    return err == NDC_OK ? insert_session(conn, arg, fault) : err;
}

enum ndc_err session_change_password(struct ndc_identity *identity,
                                     struct session_new *session, struct ndc_str current,
                                     struct ndc_str password, int64_t *wait_ms,
                                     struct ndc_fault *fault)
{
    char hash[NDC_PASSWORD_HASH_BYTES];
    struct make m = {.identity = identity, .session = session, .password_hash = hash};
    struct ndc_fault inner = {0};
    enum ndc_err err = ndc_password_check(password, session->user, fault);
    if (err != NDC_OK) return err;
    err = check_password(identity, session->user, session->client, current, wait_ms,
                         &inner);
    if (err == NDC_EAUTH) /* signed in all the same: not a 401 */
        return ndc_fail_at(fault, NDC_EDENIED, "password.wrong", "current", 0,
                           "the current password is not right");
    if (err != NDC_OK) {
        if (fault) *fault = inner;
        return err;
    }
    if (!ndc_password_hash(hash, password, identity->options.weak_passwords))
        return ndc_fail(fault, NDC_EBUSY, "server.busy", "no memory for a password now");
    make_secrets(&m);
    return identity_write(identity, replace_password, &m, fault);
}

/* Users. Passwords are hashed before the write begins: a hash takes a tenth of a second,
 * and the writer is everyone's. */
#include "core/identity_private.h"

#include "core/password_rules.h"

enum { NAME_MIN = 2, NAME_MAX = 32 };

static enum ndc_err check_name(struct ndc_str name, struct ndc_fault *fault)
{
    bool good = name.len >= NAME_MIN && name.len <= NAME_MAX && name.ptr[0] != '-' &&
                name.ptr[0] != '.';
    for (size_t i = 0; i < name.len && good; i++) {
        char c = name.ptr[i];
        good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
               c == '-';
    }
    if (good) return NDC_OK;
    return ndc_fail_at(fault, NDC_EINPUT, "user.name", "name", 0,
                       "a user name is %d to %d of a-z, 0-9, dot, dash and underscore",
                       NAME_MIN, NAME_MAX);
}

static struct ndc_val text_or_empty(struct ndc_str s)
{
    return ndc_text(s.ptr ? s : NDC_STR(""));
}

static enum ndc_err unknown_user(struct ndc_str name, struct ndc_fault *fault)
{
    return ndc_fail_at(fault, NDC_ENOTFOUND, "user.unknown", "name", 0,
                       "there is no user \"%.*s\"", NDC_STR_FMT(name));
}

struct write {
    const struct ndc_user *user;
    struct ndc_str name;
    const char *hash;
    enum password_state state;
};

static enum ndc_err insert(struct ndc_store_conn *conn, void *arg,
                           struct ndc_fault *fault)
{
    const struct write *w = arg;
    const struct ndc_user *u = w->user;
    int64_t now = ndc_clock_wall_ms(), n = 0;
    enum ndc_err err = identity_check_roles(conn, u->roles, fault);
    if (err == NDC_OK) err = identity_check_agency(conn, u->agency, fault);
    if (err == NDC_OK)
        err = ndc_sql_i64(conn, &n, "SELECT count(*) FROM ndc_user WHERE name = $1",
                          NDC_ARGS(ndc_text(u->name)), fault);
    if (err == NDC_OK && n)
        err = ndc_fail_at(fault, NDC_ECONFLICT, "user.exists", "name", 0,
                          "there is a user \"%.*s\" already", NDC_STR_FMT(u->name));
    if (err != NDC_OK) return err;
    return ndc_sql_exec(
        conn,
        "INSERT INTO ndc_user (name, full_name, agency, entity_id, roles, password, "
        "must_change, disabled, created_ms, password_ms, sign_in_ms) VALUES ($1, $2, $3, "
        "$4, $5, $6, $7, 0, $8, $8, 0)",
        NDC_ARGS(ndc_text(u->name), text_or_empty(u->full_name), text_or_empty(u->agency),
                 text_or_empty(u->entity_id), text_or_empty(u->roles), ndc_textz(w->hash),
                 ndc_int(w->state), ndc_int(now)),
        NULL, fault);
}

static enum ndc_err hash_password(struct ndc_identity *identity,
                                  char hash[NDC_PASSWORD_HASH_BYTES],
                                  struct ndc_str password, struct ndc_str user,
                                  struct ndc_fault *fault)
{
    enum ndc_err err = ndc_password_check(password, user, fault);
    if (err != NDC_OK) return err;
    if (ndc_password_hash(hash, password, identity->options.weak_passwords))
        return NDC_OK;
    return ndc_fail(fault, NDC_EBUSY, "server.busy", "no memory for a password now");
}

enum ndc_err user_add(struct ndc_identity *identity, const struct ndc_user *user,
                      struct ndc_str password, enum password_state state,
                      struct ndc_fault *fault)
{
    char hash[NDC_PASSWORD_HASH_BYTES];
    struct write w = {.user = user, .hash = hash, .state = state};
    enum ndc_err err = check_name(user->name, fault);
    if (err == NDC_OK) err = hash_password(identity, hash, password, user->name, fault);
    return err == NDC_OK ? identity_write(identity, insert, &w, fault) : err;
}

static enum password_state state_of(bool given)
{
    return given ? PASSWORD_MUST_CHANGE : PASSWORD_OWN;
}

enum ndc_err ndc_user_add(struct ndc_identity *identity, const struct ndc_user *user,
                          struct ndc_str password, bool given, struct ndc_fault *fault)
{
    return user_add(identity, user, password, state_of(given), fault);
}

static enum ndc_err end_sessions(struct ndc_store_conn *conn, struct ndc_str name,
                                 struct ndc_fault *fault)
{
    return ndc_sql_exec(conn, "DELETE FROM ndc_session WHERE user_name = $1",
                        NDC_ARGS(ndc_text(name)), NULL, fault);
}

static enum ndc_err set_password(struct ndc_store_conn *conn, void *arg,
                                 struct ndc_fault *fault)
{
    const struct write *w = arg;
    int64_t changes = 0;
    enum ndc_err err = ndc_sql_exec(
        conn,
        "UPDATE ndc_user SET password = $1, must_change = $2, password_ms = $3 WHERE "
        "name = $4",
        NDC_ARGS(ndc_textz(w->hash), ndc_int(w->state), ndc_int(ndc_clock_wall_ms()),
                 ndc_text(w->name)),
        &changes, fault);
    if (err == NDC_OK && !changes) err = unknown_user(w->name, fault);
    return err == NDC_OK ? end_sessions(conn, w->name, fault) : err;
}

enum ndc_err user_set_password(struct ndc_identity *identity, struct ndc_str name,
                               struct ndc_str password, enum password_state state,
                               struct ndc_fault *fault)
{
    char hash[NDC_PASSWORD_HASH_BYTES];
    struct write w = {.name = name, .hash = hash, .state = state};
    enum ndc_err err = hash_password(identity, hash, password, name, fault);
    return err == NDC_OK ? identity_write(identity, set_password, &w, fault) : err;
}

enum ndc_err ndc_user_set_password(struct ndc_identity *identity, struct ndc_str name,
                                   struct ndc_str password, bool given,
                                   struct ndc_fault *fault)
{
    return user_set_password(identity, name, password, state_of(given), fault);
}

/* The last administrator cannot be removed by mistake: someone must be able to mend it.
 */
static enum ndc_err check_admin_left(struct ndc_store_conn *conn, struct ndc_fault *fault)
{
    int64_t n = 0;
    enum ndc_err err = ndc_sql_i64(
        conn, &n,
        "SELECT count(*) FROM ndc_user WHERE disabled = 0 AND ' ' || roles || ' ' LIKE "
        "'% admin %'",
        NDC_NO_ARGS, fault);
    if (err == NDC_OK && n == 0)
        err = ndc_fail(fault, NDC_ECONFLICT, "user.last_admin",
                       "this is the last administrator: name another one first");
    return err;
}

static enum ndc_err update(struct ndc_store_conn *conn, void *arg,
                           struct ndc_fault *fault)
{
    const struct ndc_user *u = ((const struct write *)arg)->user;
    int64_t changes = 0;
    enum ndc_err err = identity_check_roles(conn, u->roles, fault);
    if (err == NDC_OK) err = identity_check_agency(conn, u->agency, fault);
    if (err == NDC_OK)
        err = ndc_sql_exec(conn,
                           "UPDATE ndc_user SET full_name = $1, agency = $2, entity_id = "
                           "$3, roles = $4, "
                           "disabled = $5 WHERE name = $6",
                           NDC_ARGS(text_or_empty(u->full_name), text_or_empty(u->agency),
                                    text_or_empty(u->entity_id), text_or_empty(u->roles),
                                    ndc_int(u->disabled), ndc_text(u->name)),
                           &changes, fault);
    if (err == NDC_OK && !changes) err = unknown_user(u->name, fault);
    if (err == NDC_OK) err = check_admin_left(conn, fault);
    return err == NDC_OK ? end_sessions(conn, u->name, fault) : err;
}

enum ndc_err ndc_user_update(struct ndc_identity *identity, const struct ndc_user *user,
                             struct ndc_fault *fault)
{
    struct write w = {.user = user};
    return identity_write(identity, update, &w, fault);
}

enum ndc_err ndc_identity_first_user(struct ndc_identity *identity, char password[64],
                                     bool *made, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    int64_t n = 0;
    *made = false;
    enum ndc_err err = ndc_store_take(identity->store, NDC_READ, &conn, fault);
    if (err != NDC_OK) return err;
    err = ndc_sql_i64(conn, &n, "SELECT count(*) FROM ndc_user", NDC_NO_ARGS, fault);
    ndc_store_give(conn);
    if (err != NDC_OK || n > 0) return err;
    const struct ndc_user admin = {.name = NDC_STR("admin"), .roles = NDC_STR("admin")};
    ndc_password_make(password);
    err = user_add(identity, &admin, ndc_str(password), PASSWORD_SHOULD_CHANGE, fault);
    *made = err == NDC_OK;
    return err;
}

/* Identity over HTTP: the session, and for those who may, users, keys, agencies, roles.
 */
#include "core/identity_http.h"

#include "core/call.h"
#include "core/identity_schema.h"
#include "core/permission.h"
#include "core/route.h"

#include <stdio.h>

enum { AGENT_BYTES_MAX = 200, PASSWORD_BODY_MAX = 4096 };

static struct ndc_identity *identity_of(const struct ndc_request *req)
{
    return ndc_app_identity(req->app);
}

static struct ndc_str user_of(const struct ndc_request *req)
{
    return ndc_str_from(req->principal->id, sizeof("user:") - 1);
}

static enum ndc_err must_be_user(const struct ndc_request *req, struct ndc_fault *fault)
{
    const struct ndc_call *call = ndc_call_of(req);
    if (call->grant && call->grant->session.len) return NDC_OK;
    return ndc_fail(fault, NDC_EDENIED, "auth.permission",
                    "this is for a signed-in user, not for an API key");
}

/* HttpOnly keeps it from scripts, SameSite from other sites; __Host- (over TLS) from
 * other hosts and from plain HTTP. */
static void set_cookie(struct ndc_request *req, const char *secret, int64_t max_age_s)
{
    bool secure = req->http->secure;
    ndc_request_set_header(
        req, "Set-Cookie",
        ndc_arena_printf(req->arena,
                         "%s=%s; Path=/; Max-Age=%lld; HttpOnly; SameSite=Strict%s",
                         ndc_session_cookie(secure), secret, (long long)max_age_s,
                         secure ? "; Secure" : ""));
}

static void write_session(struct ndc_json *j, const struct ndc_grant *grant)
{
    const struct ndc_principal *p = &grant->principal;
    ndc_json_object(j);
    ndc_json_kv_str(j, "user", ndc_str_from(p->id, ndc_str_find(p->id, ':') + 1));
    ndc_json_kv_str(j, "id", p->id);
    ndc_json_kv_str(j, "full_name", p->name);
    ndc_json_kv_str(j, "agency", p->agency);
    ndc_json_key(j, "roles");
    ndc_json_array(j);
    for (size_t i = 0; i < p->roles_n; i++)
        ndc_json_str(j, p->roles[i]);
    ndc_json_end(j);
    ndc_json_key(j, "permissions");
    ndc_json_array(j);
    for (unsigned i = 0; i < ndc_permissions_count(); i++)
        if (ndc_permission_has(p->permissions, i))
            ndc_json_c(j, ndc_permission_at(i)->name);
    ndc_json_end(j);
    ndc_json_kv_str(j, "csrf", grant->csrf);
    ndc_json_kv_bool(j, "must_change", grant->must_change);
    ndc_json_kv_bool(j, "should_change", grant->should_change);
    ndc_json_end(j);
}

/* Answers with the session that was just made, read back like any other. */
static enum ndc_err answer_session(struct ndc_request *req,
                                   const struct session_new *made,
                                   struct ndc_fault *fault)
{
    const struct ndc_grant *grant;
    struct ndc_principal *who = NDC_ARENA_NEW(req->arena, struct ndc_principal);
    enum ndc_err err =
        ndc_grant_of_cookie(identity_of(req), ndc_str(made->secret), &grant, fault);
    if (err != NDC_OK) return err;
    write_session(&req->json, grant);
    *who = (struct ndc_principal){.kind = grant->principal.kind,
                                  .id = ndc_arena_str(req->arena, grant->principal.id),
                                  .agency =
                                      ndc_arena_str(req->arena, grant->principal.agency)};
    req->principal = who; /* for the audit log */
    ndc_grant_drop(grant);
    set_cookie(req, made->secret, identity_of(req)->options.session_max_ms / 1000);
    return NDC_OK;
}

static struct session_new new_session(struct ndc_request *req, struct ndc_str user)
{
    struct ndc_str agent = ndc_request_header(req, "User-Agent");
    agent.len = NDC_MIN(agent.len, (size_t)AGENT_BYTES_MAX);
    return (struct session_new){.user = user,
                                .client = req->client,
                                .agent = agent.ptr ? ndc_arena_str(req->arena, agent)
                                                   : NDC_STR("")};
}

static void retry_after(struct ndc_request *req, int64_t wait_ms)
{
    if (wait_ms > 0)
        ndc_request_set_header(
            req, "Retry-After",
            ndc_arena_printf(req->arena, "%lld", (long long)((wait_ms + 999) / 1000)));
}

static enum ndc_err post_session(struct ndc_request *req, struct ndc_fault *fault)
{
    struct json_object *body;
    int64_t wait_ms = 0;
    enum ndc_err err = ndc_request_json(req, &body, fault);
    if (err != NDC_OK) return err;
    struct session_new made = new_session(req, ndc_json_get_str(body, "user"));
    struct ndc_str subject =
        ndc_arena_printf(req->arena, "user:%.*s", NDC_STR_FMT(made.user));
    err = session_sign_in(identity_of(req), &made, ndc_json_get_str(body, "password"),
                          &wait_ms, fault);
    if (err == NDC_OK) err = answer_session(req, &made, fault);
    if (err == NDC_OK) ndc_request_audit(req, "sign-in", subject, NULL);
    if (err == NDC_EAUTH) ndc_request_audit(req, "sign-in.failed", subject, NULL);
    retry_after(req, wait_ms);
    ndc_secret_wipe(made.secret, sizeof(made.secret));
    return err;
}

enum ndc_err ndc_user_sign_in(struct ndc_request *req, struct ndc_str name,
                              struct ndc_fault *fault)
{
    struct session_new made = new_session(req, name);
    enum ndc_err err = session_begin(identity_of(req), &made, fault);
    if (err == NDC_OK) err = answer_session(req, &made, fault);
    ndc_secret_wipe(made.secret, sizeof(made.secret));
    return err;
}

static enum ndc_err get_session(struct ndc_request *req, struct ndc_fault *fault)
{
    (void)fault;
    write_session(&req->json, ndc_call_of(req)->grant);
    return NDC_OK;
}

static enum ndc_err delete_session(struct ndc_request *req, struct ndc_fault *fault)
{
    enum ndc_err err = must_be_user(req, fault);
    if (err == NDC_OK)
        err = session_end(identity_of(req), user_of(req),
                          ndc_call_of(req)->grant->session, fault);
    if (err != NDC_OK) return err;
    set_cookie(req, "", 0);
    ndc_request_set_header(req, "Clear-Site-Data", NDC_STR("\"cache\", \"storage\""));
    ndc_request_audit(req, "sign-out", req->principal->id, NULL);
    return NDC_OK;
}

static enum ndc_err list_sessions(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    struct ndc_json *j = &req->json;
    enum ndc_err err = must_be_user(req, fault);
    if (err == NDC_OK) err = ndc_request_conn(req, &conn, fault);
    if (err != NDC_OK) return err;
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT session, created_ms, last_ms, expires_ms, client, agent FROM ndc_session "
        "WHERE user_name = $1 ORDER BY created_ms DESC, session",
        NDC_ARGS(ndc_text(user_of(req))));
    ndc_json_object(j);
    ndc_json_key(j, "sessions");
    ndc_json_array(j);
    while (ndc_rows_next(rows)) {
        ndc_json_object(j);
        ndc_json_kv_str(j, "id", ndc_rows_text(rows, 0));
        ndc_json_kv_time(j, "created_at", ndc_rows_i64(rows, 1));
        ndc_json_kv_time(j, "last_at", ndc_rows_i64(rows, 2));
        ndc_json_kv_time(j, "expires_at", ndc_rows_i64(rows, 3));
        ndc_json_kv_str(j, "client", ndc_rows_text(rows, 4));
        ndc_json_kv_str(j, "agent", ndc_rows_text(rows, 5));
        ndc_json_kv_bool(
            j, "current",
            ndc_str_eq(ndc_rows_text(rows, 0), ndc_call_of(req)->grant->session));
        ndc_json_end(j);
    }
    ndc_json_end(j);
    ndc_json_end(j);
    return ndc_rows_end(rows, fault);
}

static enum ndc_err end_session(struct ndc_request *req, struct ndc_fault *fault)
{
    enum ndc_err err = must_be_user(req, fault);
    if (err == NDC_OK)
        err = session_end(identity_of(req), user_of(req), ndc_request_param(req, "id"),
                          fault);
    if (err == NDC_OK) ndc_request_audit(req, "session.end", req->principal->id, NULL);
    return err;
}

static enum ndc_err change_password(struct ndc_request *req, struct ndc_fault *fault)
{
    struct json_object *body;
    int64_t wait_ms = 0;
    enum ndc_err err = must_be_user(req, fault);
    if (err == NDC_OK) err = ndc_request_json(req, &body, fault);
    if (err != NDC_OK) return err;
    struct session_new made = new_session(req, user_of(req));
    err = session_change_password(identity_of(req), &made,
                                  ndc_json_get_str(body, "current"),
                                  ndc_json_get_str(body, "password"), &wait_ms, fault);
    retry_after(req, wait_ms);
    struct ndc_str subject = ndc_arena_str(req->arena, req->principal->id);
    if (err == NDC_OK) err = answer_session(req, &made, fault);
    if (err == NDC_OK) ndc_request_audit(req, "password.change", subject, NULL);
    ndc_secret_wipe(made.secret, sizeof(made.secret));
    return err;
}

static void write_words(struct ndc_json *j, const char *key, struct ndc_str words)
{
    struct ndc_str word;
    ndc_json_key(j, key);
    ndc_json_array(j);
    while (words.ptr && ndc_str_split(&words, ' ', &word))
        if (word.len) ndc_json_str(j, word);
    ndc_json_end(j);
}

static enum ndc_err list_users(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    struct ndc_json *j = &req->json;
    struct ndc_str after = ndc_request_query(req, "after"), last = NDC_STR_NULL;
    int64_t limit = ndc_request_query_i64(req, "limit", 100), n = 0;
    enum ndc_err err = ndc_request_conn(req, &conn, fault);
    if (err != NDC_OK) return err;
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT name, full_name, agency, entity_id, roles, must_change, disabled, "
        "created_ms, sign_in_ms FROM ndc_user WHERE name > $1 ORDER BY name LIMIT $2",
        NDC_ARGS(ndc_text(after.ptr ? after : NDC_STR("")), ndc_int(limit)));
    ndc_json_object(j);
    ndc_json_key(j, "users");
    ndc_json_array(j);
    while (ndc_rows_next(rows)) {
        last = ndc_arena_str(req->arena, ndc_rows_text(rows, 0));
        n++;
        ndc_json_object(j);
        ndc_json_kv_str(j, "name", last);
        ndc_json_kv_str(j, "full_name", ndc_rows_text(rows, 1));
        ndc_json_kv_str(j, "agency", ndc_rows_text(rows, 2));
        ndc_json_kv_str(j, "entity_id", ndc_rows_text(rows, 3));
        write_words(j, "roles", ndc_rows_text(rows, 4));
        ndc_json_kv_bool(j, "must_change", ndc_rows_i64(rows, 5) == PASSWORD_MUST_CHANGE);
        ndc_json_kv_bool(j, "disabled", ndc_rows_i64(rows, 6) != 0);
        ndc_json_kv_time(j, "created_at", ndc_rows_i64(rows, 7));
        ndc_json_kv_time(j, "signed_in_at", ndc_rows_i64(rows, 8));
        ndc_json_end(j);
    }
    ndc_json_end(j);
    ndc_json_kv_str(j, "next", n == limit ? last : NDC_STR_NULL);
    ndc_json_end(j);
    return ndc_rows_end(rows, fault);
}

/* A list of words as one text: ["a","b"] to "a b". */
static struct ndc_str join_words(struct ndc_request *req, struct json_object *list)
{
    struct ndc_str all = NDC_STR("");
    for (size_t i = 0; list && i < json_object_array_length(list); i++)
        all =
            ndc_arena_printf(req->arena, "%.*s%s%s", NDC_STR_FMT(all), all.len ? " " : "",
                             json_object_get_string(json_object_array_get_idx(list, i)));
    return all;
}

static struct ndc_str user_id(struct ndc_request *req, struct ndc_str name)
{
    return ndc_arena_printf(req->arena, "user:%.*s", NDC_STR_FMT(name));
}

static void answer_password(struct ndc_request *req, struct ndc_str name, char *password)
{
    ndc_json_object(&req->json);
    ndc_json_kv_str(&req->json, "name", name);
    ndc_json_kv_c(&req->json, "password", password);
    ndc_json_end(&req->json);
    ndc_secret_wipe(password, strlen(password));
}

static enum ndc_err post_user(struct ndc_request *req, struct ndc_fault *fault)
{
    struct json_object *body;
    char password[64];
    enum ndc_err err = ndc_request_json(req, &body, fault);
    if (err != NDC_OK) return err;
    const struct ndc_user user = {
        .name = ndc_json_get_str(body, "name"),
        .full_name = ndc_json_get_str(body, "full_name"),
        .agency = ndc_json_get_str(body, "agency"),
        .entity_id = ndc_json_get_str(body, "entity_id"),
        .roles = join_words(req, ndc_json_get(body, "roles")),
    };
    err = identity_within_rights(req, user.roles, fault);
    if (err != NDC_OK) return err;
    ndc_password_make(password);
    err =
        user_add(identity_of(req), &user, ndc_str(password), PASSWORD_MUST_CHANGE, fault);
    if (err != NDC_OK) return err;
    ndc_request_audit(req, "user.add", user_id(req, user.name), NULL);
    answer_password(req, user.name, password);
    return NDC_OK;
}

static enum ndc_err read_user(struct ndc_request *req, struct ndc_user *out,
                              struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    bool found = false;
    enum ndc_err err = ndc_request_conn(req, &conn, fault);
    if (err != NDC_OK) return err;
    out->name = ndc_request_param(req, "name");
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT full_name, agency, entity_id, roles, disabled FROM ndc_user WHERE name = "
        "$1",
        NDC_ARGS(ndc_text(out->name)));
    if (ndc_rows_next(rows)) {
        found = true;
        out->full_name = ndc_arena_str(req->arena, ndc_rows_text(rows, 0));
        out->agency = ndc_arena_str(req->arena, ndc_rows_text(rows, 1));
        out->entity_id = ndc_arena_str(req->arena, ndc_rows_text(rows, 2));
        out->roles = ndc_arena_str(req->arena, ndc_rows_text(rows, 3));
        out->disabled = ndc_rows_i64(rows, 4) != 0;
    }
    err = ndc_rows_end(rows, fault);
    if (err == NDC_OK && !found)
        err = ndc_fail_at(fault, NDC_ENOTFOUND, "user.unknown", "name", 0,
                          "there is no user \"%.*s\"", NDC_STR_FMT(out->name));
    return err;
}

static enum ndc_err patch_user(struct ndc_request *req, struct ndc_fault *fault)
{
    struct json_object *body;
    struct ndc_user user = {0};
    enum ndc_err err = ndc_request_json(req, &body, fault);
    if (err == NDC_OK) err = read_user(req, &user, fault);
    if (err != NDC_OK) return err;
    err = identity_within_rights(req, user.roles, fault);
    if (err != NDC_OK) return err;
    if (ndc_json_get(body, "full_name"))
        user.full_name = ndc_json_get_str(body, "full_name");
    if (ndc_json_get(body, "agency")) user.agency = ndc_json_get_str(body, "agency");
    if (ndc_json_get(body, "entity_id"))
        user.entity_id = ndc_json_get_str(body, "entity_id");
    if (ndc_json_get(body, "roles"))
        user.roles = join_words(req, ndc_json_get(body, "roles"));
    user.disabled = ndc_json_get_bool(body, "disabled", user.disabled);
    err = identity_within_rights(req, user.roles, fault);
    if (err == NDC_OK) err = ndc_user_update(identity_of(req), &user, fault);
    if (err == NDC_OK)
        ndc_request_audit(req, "user.change", user_id(req, user.name), NULL);
    return err;
}

static enum ndc_err reset_password(struct ndc_request *req, struct ndc_fault *fault)
{
    char password[64];
    struct ndc_user user = {0};
    struct ndc_str name = ndc_request_param(req, "name");
    enum ndc_err err = read_user(req, &user, fault);
    if (err == NDC_OK) err = identity_within_rights(req, user.roles, fault);
    if (err != NDC_OK) return err;
    ndc_password_make(password);
    err = user_set_password(identity_of(req), name, ndc_str(password),
                            PASSWORD_MUST_CHANGE, fault);
    if (err != NDC_OK) return err;
    ndc_request_audit(req, "password.reset", user_id(req, name), NULL);
    answer_password(req, name, password);
    return NDC_OK;
}

static enum ndc_err list_keys(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    struct ndc_json *j = &req->json;
    enum ndc_err err = ndc_request_conn(req, &conn, fault);
    if (err != NDC_OK) return err;
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT key_id, agency, title, roles, created_ms, expires_ms, revoked_ms, "
        "cert_sha256 FROM ndc_key ORDER BY created_ms DESC, key_id LIMIT 1000",
        NDC_NO_ARGS);
    ndc_json_object(j);
    ndc_json_key(j, "keys");
    ndc_json_array(j);
    while (ndc_rows_next(rows)) {
        ndc_json_object(j);
        ndc_json_kv_str(j, "id", ndc_rows_text(rows, 0));
        ndc_json_kv_str(j, "agency", ndc_rows_text(rows, 1));
        ndc_json_kv_str(j, "title", ndc_rows_text(rows, 2));
        write_words(j, "roles", ndc_rows_text(rows, 3));
        ndc_json_kv_time(j, "created_at", ndc_rows_i64(rows, 4));
        ndc_json_kv_time(j, "expires_at", ndc_rows_i64(rows, 5));
        ndc_json_kv_time(j, "revoked_at", ndc_rows_i64(rows, 6));
        struct ndc_str cert = ndc_rows_text(rows, 7);
        ndc_json_kv_str(j, "cert_sha256", cert.len ? cert : NDC_STR_NULL);
        ndc_json_end(j);
    }
    ndc_json_end(j);
    ndc_json_end(j);
    return ndc_rows_end(rows, fault);
}

static enum ndc_err post_key(struct ndc_request *req, struct ndc_fault *fault)
{
    struct json_object *body;
    char id[16], secret[NDC_TOKEN_TEXT_MAX], cert[NDC_THUMBPRINT_TEXT];
    enum ndc_err err = ndc_request_json(req, &body, fault);
    if (err != NDC_OK) return err;
    int64_t days = ndc_json_get_i64(body, "days", 365);
    struct ndc_key key = {.agency = ndc_json_get_str(body, "agency"),
                          .title = ndc_json_get_str(body, "title"),
                          .roles = join_words(req, ndc_json_get(body, "roles")),
                          .expires_ms = days ? ndc_clock_wall_ms() + days * 86400000 : 0,
                          .cert_sha256 = ndc_json_get_str(body, "cert_sha256")};
    err = identity_within_rights(
        req, key.roles.len ? key.roles : NDC_STR(NDC_KEY_ROLES_DEFAULT), fault);
    if (err != NDC_OK) return err;
    struct ndc_str pem = ndc_json_get_str(body, "certificate");
    if (pem.len && key.cert_sha256.len)
        return ndc_fail_at(fault, NDC_EINPUT, "certificate.twice", "certificate", 0,
                           "give the certificate or its thumbprint, not both");
    if (pem.len) {
        err = ndc_certificate_thumbprint(cert, pem, fault);
        key.cert_sha256 = ndc_str_n(cert, sizeof(cert) - 1);
    }
    if (err == NDC_OK) err = ndc_key_add(identity_of(req), &key, id, secret, fault);
    if (err != NDC_OK) return err;
    ndc_request_audit(req, "key.add", ndc_arena_printf(req->arena, "key:%s", id), NULL);
    ndc_json_object(&req->json);
    ndc_json_kv_c(&req->json, "id", id);
    ndc_json_kv_c(&req->json, "secret", secret);
    ndc_json_end(&req->json);
    ndc_secret_wipe(secret, sizeof(secret));
    return NDC_OK;
}

static enum ndc_err delete_key(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_str id = ndc_request_param(req, "id");
    enum ndc_err err = ndc_key_revoke(identity_of(req), id, fault);
    if (err == NDC_OK)
        ndc_request_audit(req, "key.revoke",
                          ndc_arena_printf(req->arena, "key:%.*s", NDC_STR_FMT(id)),
                          NULL);
    return err;
}

#define SESSION                                                             \
    "{user:string,id:string,full_name:string,agency:string,roles:[string]," \
    "permissions:[string],csrf:string,must_change:bool,should_change:bool}"

static const struct ndc_route routes[] = {
    {.method = "POST",
     .path = "/api/session",
     .flags = NDC_ROUTE_PUBLIC | NDC_ROUTE_PASSWORD,
     .body_bytes_max = PASSWORD_BODY_MAX,
     .handler = post_session,
     .request = "{user:string[1..64],password:string[1..1024]}",
     .response = SESSION,
     .summary = "Sign in: sets the session cookie",
     .tag = "Session"},
    {.method = "GET",
     .path = "/api/session",
     .flags = NDC_ROUTE_UNSETTLED,
     .handler = get_session,
     .response = SESSION,
     .summary = "Who is signed in, what they may, and the token for NDC-CSRF",
     .tag = "Session"},
    {.method = "DELETE",
     .path = "/api/session",
     .flags = NDC_ROUTE_SLOW | NDC_ROUTE_UNSETTLED,
     .handler = delete_session,
     .success = 204,
     .summary = "Sign out",
     .tag = "Session"},
    {.method = "POST",
     .path = "/api/session/password",
     .flags = NDC_ROUTE_PASSWORD | NDC_ROUTE_UNSETTLED,
     .body_bytes_max = PASSWORD_BODY_MAX,
     .handler = change_password,
     .request = "{current:string[1..1024],password:string[1..1024]}",
     .response = SESSION,
     .summary = "Change one's password; other sessions end",
     .tag = "Session"},
    {.method = "GET",
     .path = "/api/session/list",
     .flags = NDC_ROUTE_SLOW,
     .handler = list_sessions,
     .response = "{sessions:[{id:string,created_at:time,last_at:time,expires_at:time,"
                 "client:string,agent:string,current:bool}]}",
     .summary = "One's own sessions",
     .tag = "Session"},
    {.method = "DELETE",
     .path = "/api/session/list/{id}",
     .flags = NDC_ROUTE_SLOW,
     .handler = end_session,
     .success = 204,
     .summary = "End one of one's sessions",
     .tag = "Session"},
    {.method = "GET",
     .path = "/api/users",
     .permission = "identity.users",
     .flags = NDC_ROUTE_SLOW,
     .handler = list_users,
     .query = "{after?:string,limit?:int[1..1000]=100}",
     .response = "{users:[{name:string,full_name:string,agency:string,entity_id:string,"
                 "roles:[string],must_change:bool,disabled:bool,created_at:time|null,"
                 "signed_in_at:time|null}],next:string|null}",
     .summary = "Users",
     .tag = "Users"},
    {.method = "POST",
     .path = "/api/users",
     .permission = "identity.users",
     .flags = NDC_ROUTE_PASSWORD,
     .handler = post_user,
     .request = "{name:string[2..32],full_name?:string[..200],agency?:string[..64],"
                "entity_id?:string[..64],roles?:[string[1..64]][..16]}",
     .response = "{name:string,password:string}",
     .success = 201,
     .summary = "Add a user; the answer has the first password, shown once",
     .tag = "Users"},
    {.method = "PATCH",
     .path = "/api/users/{name}",
     .permission = "identity.users",
     .flags = NDC_ROUTE_SLOW,
     .handler = patch_user,
     .request = "{full_name?:string[..200],agency?:string[..64],entity_id?:string[..64],"
                "roles?:[string[1..64]][..16],disabled?:bool}",
     .success = 204,
     .summary = "Change a user; their sessions end",
     .tag = "Users"},
    {.method = "POST",
     .path = "/api/users/{name}/password",
     .permission = "identity.users",
     .flags = NDC_ROUTE_PASSWORD,
     .handler = reset_password,
     .response = "{name:string,password:string}",
     .summary = "Give a user a new random password, shown once; their sessions end",
     .tag = "Users"},
    {.method = "GET",
     .path = "/api/keys",
     .permission = "identity.keys",
     .flags = NDC_ROUTE_SLOW,
     .handler = list_keys,
     .response = "{keys:[{id:string,agency:string,title:string,roles:[string],"
                 "created_at:time|null,expires_at:time|null,revoked_at:time|null,"
                 "cert_sha256:string|null}]}",
     .summary = "API keys, without their secrets",
     .tag = "API keys"},
    {.method = "POST",
     .path = "/api/keys",
     .permission = "identity.keys",
     .flags = NDC_ROUTE_SLOW,
     .handler = post_key,
     .request = "{agency:string[1..64],title?:string[..200],roles?:[string[1..64]][..16],"
                "days?:int[0..3650],cert_sha256?:string[..128],"
                "certificate?:string[..20000]}",
     .response = "{id:string,secret:string}",
     .success = 201,
     .summary =
         "Make an API key for an agency's system; the secret is shown once. With a "
         "certificate (PEM) or its SHA-256 thumbprint it works over connections "
         "with that client certificate only (RFC 8705)",
     .tag = "API keys"},
    {.method = "DELETE",
     .path = "/api/keys/{id}",
     .permission = "identity.keys",
     .flags = NDC_ROUTE_SLOW,
     .handler = delete_key,
     .success = 204,
     .summary = "Revoke an API key, at once",
     .tag = "API keys"},
    {.method = "GET",
     .path = "/api/agencies",
     .flags = NDC_ROUTE_SLOW,
     .handler = identity_list_agencies,
     .response = "{agencies:[{code:string,title:{vi:string,en:string}}]}",
     .summary = "Agencies",
     .tag = "Agencies and roles"},
    {.method = "PUT",
     .path = "/api/agencies/{code}",
     .permission = "identity.users",
     .flags = NDC_ROUTE_SLOW,
     .handler = identity_put_agency,
     .request = "{vi:string[1..200],en:string[1..200]}",
     .success = 204,
     .summary = "Add or rename an agency",
     .tag = "Agencies and roles"},
    {.method = "GET",
     .path = "/api/roles",
     .flags = NDC_ROUTE_SLOW,
     .handler = identity_list_roles,
     .response = "{roles:[{role:string,title:{vi:string,en:string},builtin:bool,"
                 "permissions:[string]}]}",
     .summary = "Roles and the permissions they give",
     .tag = "Agencies and roles"},
    {.method = "PUT",
     .path = "/api/roles/{role}",
     .permission = "identity.users",
     .flags = NDC_ROUTE_SLOW,
     .handler = identity_put_role,
     .request = "{vi:string[1..200],en:string[1..200],"
                "permissions:[string[1..64]][..256]}",
     .success = 204,
     .summary = "Make or change a role of one's own; at most with permissions that the "
                "caller has",
     .tag = "Agencies and roles"},
    {.method = "DELETE",
     .path = "/api/roles/{role}",
     .permission = "identity.users",
     .flags = NDC_ROUTE_SLOW,
     .handler = identity_delete_role,
     .success = 204,
     .summary = "Delete a role that no user and no key has",
     .tag = "Agencies and roles"},
    {.method = "GET",
     .path = "/api/permissions",
     .handler = identity_list_permissions,
     .response = "{permissions:[{permission:string,title:{vi:string,en:string}}]}",
     .summary = "Every permission that a role can give",
     .tag = "Agencies and roles"},
};

static const struct ndc_permission permissions[] = {
    {"identity.users", "Quản lý người dùng", "Manage users and agencies", ""},
    {"identity.keys", "Quản lý khoá API", "Manage API keys", ""},
};

const struct ndc_platform ndc_identity_platform = {
    .code = "identity",
    .title_vi = "Người dùng và khoá",
    .title_en = "Identity",
    .summary = "Sessions, users, agencies, roles, and API keys of agencies' systems.",
    .migrations = identity_migrations,
    .migrations_n = NDC_ARRAY_LEN(identity_migrations),
    .routes = routes,
    .routes_n = NDC_ARRAY_LEN(routes),
    .permissions = permissions,
    .permissions_n = NDC_ARRAY_LEN(permissions),
};

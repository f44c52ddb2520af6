/* Agencies, roles and permissions over HTTP. Built-in roles follow the program's tables;
 * the others are operators' own.
 *
 * Nobody gives what they do not have: a role's permissions, the roles of a user or a key,
 * and a new password for someone, are refused (403 auth.beyond) unless the caller holds
 * every permission concerned. So whoever manages users cannot lift their own rights, by
 * whatever way round. */
#include "core/identity_http.h"

#include "core/permission.h"

enum { ROLES_MAX = 200, ROLE_PERMISSIONS_MAX = NDC_PERMISSIONS_MAX };

void identity_write_title(struct ndc_json *j, struct ndc_str vi, struct ndc_str en)
{
    ndc_json_key(j, "title");
    ndc_json_object(j);
    ndc_json_kv_str(j, "vi", vi);
    ndc_json_kv_str(j, "en", en);
    ndc_json_end(j);
}

enum ndc_err identity_list_agencies(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    struct ndc_json *j = &req->json;
    enum ndc_err err = ndc_request_conn(req, &conn, fault);
    if (err != NDC_OK) return err;
    struct ndc_rows *rows = ndc_sql_query(
        conn, "SELECT agency, title_vi, title_en FROM ndc_agency ORDER BY agency",
        NDC_NO_ARGS);
    ndc_json_object(j);
    ndc_json_key(j, "agencies");
    ndc_json_array(j);
    while (ndc_rows_next(rows)) {
        ndc_json_object(j);
        ndc_json_kv_str(j, "code", ndc_rows_text(rows, 0));
        identity_write_title(j, ndc_rows_text(rows, 1), ndc_rows_text(rows, 2));
        ndc_json_end(j);
    }
    ndc_json_end(j);
    ndc_json_end(j);
    return ndc_rows_end(rows, fault);
}

enum ndc_err identity_put_agency(struct ndc_request *req, struct ndc_fault *fault)
{
    struct json_object *body;
    struct ndc_str code = ndc_request_param(req, "code");
    enum ndc_err err = ndc_request_json(req, &body, fault);
    if (err == NDC_OK)
        err =
            ndc_agency_put(ndc_app_identity(req->app), code, ndc_json_get_str(body, "vi"),
                           ndc_json_get_str(body, "en"), fault);
    if (err == NDC_OK)
        ndc_request_audit(req, "agency.put",
                          ndc_arena_printf(req->arena, "agency:%.*s", NDC_STR_FMT(code)),
                          NULL);
    return err;
}

static enum ndc_err write_role(struct ndc_request *req, struct ndc_store_conn *conn,
                               struct ndc_rows *rows, struct ndc_fault *fault)
{
    struct ndc_json *j = &req->json;
    struct ndc_str role = ndc_arena_str(req->arena, ndc_rows_text(rows, 0));
    ndc_json_object(j);
    ndc_json_kv_str(j, "role", role);
    identity_write_title(j, ndc_rows_text(rows, 1), ndc_rows_text(rows, 2));
    ndc_json_kv_bool(j, "builtin", ndc_rows_i64(rows, 3) != 0);
    ndc_json_key(j, "permissions");
    ndc_json_array(j);
    struct ndc_rows *more = ndc_sql_query(
        conn,
        "SELECT permission FROM ndc_role_permission WHERE role = $1 ORDER BY permission",
        NDC_ARGS(ndc_text(role)));
    while (ndc_rows_next(more))
        ndc_json_str(j, ndc_rows_text(more, 0));
    ndc_json_end(j);
    ndc_json_end(j);
    return ndc_rows_end(more, fault);
}

enum ndc_err identity_list_roles(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    struct ndc_json *j = &req->json;
    struct ndc_fault inner = {0};
    enum ndc_err err = ndc_request_conn(req, &conn, fault);
    if (err != NDC_OK) return err;
    struct ndc_rows *rows = ndc_sql_query(
        conn, "SELECT role, title_vi, title_en, builtin FROM ndc_role ORDER BY role",
        NDC_NO_ARGS);
    ndc_json_object(j);
    ndc_json_key(j, "roles");
    ndc_json_array(j);
    while (err == NDC_OK && ndc_rows_next(rows))
        err = write_role(req, conn, rows, &inner);
    ndc_json_end(j);
    ndc_json_end(j);
    enum ndc_err last = ndc_rows_end(rows, fault);
    if (last == NDC_OK && err != NDC_OK && fault) *fault = inner;
    return last != NDC_OK ? last : err;
}

enum ndc_err identity_list_permissions(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_json *j = &req->json;
    (void)fault;
    ndc_json_object(j);
    ndc_json_key(j, "permissions");
    ndc_json_array(j);
    for (size_t i = 0; i < ndc_permissions_count(); i++) {
        const struct ndc_permission *p = ndc_permission_at(i);
        ndc_json_object(j);
        ndc_json_kv_c(j, "permission", p->name);
        identity_write_title(j, ndc_str(p->title_vi), ndc_str(p->title_en));
        ndc_json_end(j);
    }
    ndc_json_end(j);
    ndc_json_end(j);
    return NDC_OK;
}

/* ---- nobody gives what they do not have ---- */

static enum ndc_err must_hold(const struct ndc_request *req, struct ndc_str permission,
                              struct ndc_fault *fault)
{
    int bit = ndc_permission_bit(permission);
    /* one that no platform of this run knows gives nothing */
    if (bit < 0 || ndc_permission_has(req->principal->permissions, (unsigned)bit))
        return NDC_OK;
    return ndc_fail_at(fault, NDC_EDENIED, "auth.beyond", "permissions", 0,
                       "this concerns the permission %.*s, which you do not have",
                       NDC_STR_FMT(permission));
}

static enum ndc_err holds_role(struct ndc_request *req, struct ndc_store_conn *conn,
                               struct ndc_str role, struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    struct ndc_rows *rows =
        ndc_sql_query(conn, "SELECT permission FROM ndc_role_permission WHERE role = $1",
                      NDC_ARGS(ndc_text(role)));
    while (err == NDC_OK && ndc_rows_next(rows))
        err = must_hold(req, ndc_rows_text(rows, 0), fault);
    struct ndc_fault inner = {0};
    enum ndc_err last = ndc_rows_end(rows, &inner);
    if (err == NDC_OK && last != NDC_OK && fault) *fault = inner;
    return err != NDC_OK ? err : last;
}

enum ndc_err identity_within_rights(struct ndc_request *req, struct ndc_str roles,
                                    struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    struct ndc_str role;
    enum ndc_err err = ndc_request_conn(req, &conn, fault);
    while (err == NDC_OK && roles.ptr && ndc_str_split(&roles, ' ', &role))
        if (role.len) err = holds_role(req, conn, role, fault);
    return err;
}

/* ---- operators' own roles ---- */

struct role {
    struct ndc_str role, vi, en;
    struct ndc_str permissions[ROLE_PERMISSIONS_MAX];
    size_t permissions_n;
};

/* Roles' names are words of URLs, lists and rules. */
static enum ndc_err check_role_name(struct ndc_str name, struct ndc_fault *fault)
{
    bool good = name.len >= 2 && name.len <= 32 && name.ptr[0] >= 'a';
    for (size_t i = 0; i < name.len && good; i++) {
        char c = name.ptr[i];
        good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    }
    if (good) return NDC_OK;
    return ndc_fail_at(fault, NDC_EINPUT, "role.name", "role", 0,
                       "a role is 2 to 32 of a-z, 0-9 and dash, a letter first");
}

static enum ndc_err check_own(struct ndc_store_conn *conn, struct ndc_str role,
                              bool *found, struct ndc_fault *fault)
{
    bool builtin = false;
    *found = false;
    struct ndc_rows *rows = ndc_sql_query(
        conn, "SELECT builtin FROM ndc_role WHERE role = $1", NDC_ARGS(ndc_text(role)));
    if (ndc_rows_next(rows)) {
        *found = true;
        builtin = ndc_rows_i64(rows, 0) != 0;
    }
    enum ndc_err err = ndc_rows_end(rows, fault);
    if (err == NDC_OK && builtin)
        err = ndc_fail_at(fault, NDC_ECONFLICT, "role.builtin", "role", 0,
                          "\"%.*s\" is the program's own role: make another one",
                          NDC_STR_FMT(role));
    return err;
}

static enum ndc_err put_role(struct ndc_store_conn *conn, void *arg,
                             struct ndc_fault *fault)
{
    const struct role *r = arg;
    bool found;
    int64_t n = 0;
    enum ndc_err err = check_own(conn, r->role, &found, fault);
    if (err == NDC_OK && !found)
        err = ndc_sql_i64(conn, &n, "SELECT count(*) FROM ndc_role", NDC_NO_ARGS, fault);
    if (err == NDC_OK && n >= ROLES_MAX)
        err = ndc_fail(fault, NDC_ECONFLICT, "role.many", "there are %d roles already",
                       ROLES_MAX);
    if (err == NDC_OK)
        err = ndc_sql_exec(
            conn,
            "INSERT INTO ndc_role (role, title_vi, title_en, builtin) VALUES ($1, $2, "
            "$3, 0) ON CONFLICT (role) DO UPDATE SET title_vi = excluded.title_vi, "
            "title_en = excluded.title_en",
            NDC_ARGS(ndc_text(r->role), ndc_text(r->vi), ndc_text(r->en)), NULL, fault);
    if (err == NDC_OK)
        err = ndc_sql_exec(conn, "DELETE FROM ndc_role_permission WHERE role = $1",
                           NDC_ARGS(ndc_text(r->role)), NULL, fault);
    for (size_t i = 0; i < r->permissions_n && err == NDC_OK; i++)
        err = ndc_sql_exec(
            conn,
            "INSERT INTO ndc_role_permission (role, permission) VALUES ($1, $2) ON "
            "CONFLICT (role, permission) DO NOTHING",
            NDC_ARGS(ndc_text(r->role), ndc_text(r->permissions[i])), NULL, fault);
    return err;
}

static enum ndc_err unknown_permission(struct ndc_str name, struct ndc_fault *fault)
{
    const char *names[NDC_PERMISSIONS_MAX];
    size_t n = ndc_permissions_count();
    for (size_t i = 0; i < n; i++)
        names[i] = ndc_permission_at(i)->name;
    const char *nearest = ndc_str_nearest(name, names, n);
    return ndc_fail_at(fault, NDC_EINPUT, "role.permission", "permissions", 0,
                       "there is no permission \"%.*s\"%s%s%s", NDC_STR_FMT(name),
                       nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                       nearest ? "\"?" : " (GET /api/permissions lists them)");
}

static enum ndc_err take_permissions(struct ndc_request *req, struct json_object *list,
                                     struct role *role, struct ndc_fault *fault)
{
    size_t n = list ? json_object_array_length(list) : 0;
    for (size_t i = 0; i < n; i++) {
        struct json_object *item = json_object_array_get_idx(list, i);
        struct ndc_str name = ndc_str_n(json_object_get_string(item),
                                        (size_t)json_object_get_string_len(item));
        if (ndc_permission_bit(name) < 0) return unknown_permission(name, fault);
        enum ndc_err err = must_hold(req, name, fault);
        if (err != NDC_OK) return err;
        NDC_ASSERT(role->permissions_n < ROLE_PERMISSIONS_MAX); /* by the schema */
        role->permissions[role->permissions_n++] = name;
    }
    return NDC_OK;
}

static void audit_role(struct ndc_request *req, const char *action, struct ndc_str role)
{
    ndc_request_audit(req, action,
                      ndc_arena_printf(req->arena, "role:%.*s", NDC_STR_FMT(role)), NULL);
}

enum ndc_err identity_put_role(struct ndc_request *req, struct ndc_fault *fault)
{
    struct json_object *body;
    struct role *role = NDC_ARENA_NEW(req->arena, struct role);
    enum ndc_err err = ndc_request_json(req, &body, fault);
    if (err != NDC_OK) return err;
    role->role = ndc_request_param(req, "role");
    role->vi = ndc_json_get_str(body, "vi");
    role->en = ndc_json_get_str(body, "en");
    err = check_role_name(role->role, fault);
    if (err == NDC_OK)
        err = take_permissions(req, ndc_json_get(body, "permissions"), role, fault);
    /* what it gives now is no more the caller's to take away than to give */
    if (err == NDC_OK) err = identity_within_rights(req, role->role, fault);
    if (err == NDC_OK)
        err = identity_write(ndc_app_identity(req->app), put_role, role, fault);
    if (err == NDC_OK) {
        audit_role(req, "role.put", role->role);
        ndc_request_audit_detail(
            req, ndc_arena_printf(req->arena, "permissions=%zu", role->permissions_n));
    }
    return err;
}

static enum ndc_err delete_role(struct ndc_store_conn *conn, void *arg,
                                struct ndc_fault *fault)
{
    const struct ndc_str role = *(const struct ndc_str *)arg;
    static const char *const uses[] = {
        "SELECT count(*) FROM ndc_user WHERE ' ' || roles || ' ' LIKE '% ' || $1 || ' %'",
        "SELECT count(*) FROM ndc_key WHERE revoked_ms = 0 AND ' ' || roles || ' ' LIKE "
        "'% ' || $1 || ' %'"};
    int64_t n[2] = {0};
    bool found;
    enum ndc_err err = check_own(conn, role, &found, fault);
    if (err == NDC_OK && !found)
        err = ndc_fail_at(fault, NDC_ENOTFOUND, "role.unknown", "role", 0,
                          "there is no role \"%.*s\"", NDC_STR_FMT(role));
    for (size_t i = 0; i < NDC_ARRAY_LEN(uses) && err == NDC_OK; i++)
        err = ndc_sql_i64(conn, &n[i], uses[i], NDC_ARGS(ndc_text(role)), fault);
    if (err == NDC_OK && (n[0] || n[1]))
        err = ndc_fail_at(fault, NDC_ECONFLICT, "role.in_use", "role", 0,
                          "%lld users and %lld keys have this role: take it from them "
                          "first",
                          (long long)n[0], (long long)n[1]);
    static const char *const parts[] = {"DELETE FROM ndc_role_permission WHERE role = $1",
                                        "DELETE FROM ndc_role WHERE role = $1"};
    for (size_t i = 0; i < NDC_ARRAY_LEN(parts) && err == NDC_OK; i++)
        err = ndc_sql_exec(conn, parts[i], NDC_ARGS(ndc_text(role)), NULL, fault);
    return err;
}

enum ndc_err identity_delete_role(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_str role = ndc_request_param(req, "role");
    enum ndc_err err = identity_within_rights(req, role, fault);
    if (err == NDC_OK)
        err = identity_write(ndc_app_identity(req->app), delete_role, &role, fault);
    if (err == NDC_OK) audit_role(req, "role.delete", role);
    return err;
}

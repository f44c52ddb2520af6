/* What people show to sign in, in the database: passwords, passkeys, TOTP secrets,
 * recovery codes. Whatever counts once is used up by a write that checks that it was not
 * used before: two requests at once, or a crash between, cannot use it twice. */
#include "platforms/eid/accounts.h"

#include "core/password_rules.h"
#include "sys/clock.h"

static struct ndc_str keep(struct ndc_arena *arena, struct ndc_str s)
{
    return s.ptr ? ndc_arena_str(arena, s) : NDC_STR("");
}

static void read_data(struct ndc_arena *arena, struct eid_authenticator *a)
{
    struct json_object *o = NULL;
    if (!a->data.len || ndc_json_parse(&o, a->data, NULL)) return;
    a->credential = keep(arena, ndc_json_get_str(o, "credential"));
    a->public_key = keep(arena, ndc_json_get_str(o, "public_key"));
    struct json_object *list = ndc_json_get(o, "transports");
    if (list && json_object_is_type(list, json_type_array))
        a->transports = keep(arena, ndc_str(json_object_to_json_string(list)));
    a->confirmed = ndc_json_get_bool(o, "confirmed", false);
    a->cloned = ndc_json_get_bool(o, "cloned", false);
    a->backup = ndc_json_get_bool(o, "backup", false);
    a->desk = ndc_json_get_bool(o, "desk", false);
    a->until_ms = ndc_json_get_i64(o, "until_ms", 0);
    json_object_put(o);
}

enum ndc_err eid_authenticators_read(struct ndc_store_conn *conn, struct ndc_arena *arena,
                                     struct ndc_str account,
                                     struct eid_authenticators *out,
                                     struct ndc_fault *fault)
{
    out->n = 0;
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT number, kind, title, secret, data, counter, created_ms, used_ms FROM "
        "eid_authenticator WHERE account = $1 ORDER BY number",
        NDC_ARGS(ndc_text(account)));
    while (out->n < EID_AUTHENTICATORS_MAX && ndc_rows_next(rows)) {
        struct eid_authenticator *a = &out->items[out->n++];
        *a = (struct eid_authenticator){.number = ndc_rows_i64(rows, 0),
                                        .kind = keep(arena, ndc_rows_text(rows, 1)),
                                        .title = keep(arena, ndc_rows_text(rows, 2)),
                                        .secret = keep(arena, ndc_rows_text(rows, 3)),
                                        .data = keep(arena, ndc_rows_text(rows, 4)),
                                        .counter = ndc_rows_i64(rows, 5),
                                        .created_ms = ndc_rows_i64(rows, 6),
                                        .used_ms = ndc_rows_i64(rows, 7)};
        read_data(arena, a);
    }
    return ndc_rows_end(rows, fault);
}

static bool usable(const struct eid_authenticator *a)
{
    if (ndc_str_eq_c(a->kind, "totp")) return a->confirmed;
    if (ndc_str_eq_c(a->kind, "passkey")) return !a->cloned;
    return a->secret.len > 0;
}

const struct eid_authenticator *eid_authenticator_of(const struct eid_authenticators *all,
                                                     const char *kind)
{
    for (size_t i = 0; i < all->n; i++)
        if (ndc_str_eq_c(all->items[i].kind, kind) && usable(&all->items[i]))
            return &all->items[i];
    return NULL;
}

bool eid_has_second(const struct eid_authenticators *all)
{
    return eid_authenticator_of(all, "passkey") || eid_authenticator_of(all, "totp");
}

enum ndc_err eid_authenticator_insert(struct ndc_store_conn *conn, struct ndc_str account,
                                      const struct eid_authenticator *a, int64_t *number,
                                      struct ndc_fault *fault)
{
    int64_t n = 0, last = 0;
    NDC_TRY(ndc_sql_i64(conn, &n,
                        "SELECT count(*) FROM eid_authenticator WHERE account = $1",
                        NDC_ARGS(ndc_text(account)), fault));
    NDC_TRY(ndc_sql_i64(
        conn, &last,
        "SELECT coalesce(max(number), 0) FROM eid_authenticator WHERE account = $1",
        NDC_ARGS(ndc_text(account)), fault));
    if (n >= EID_AUTHENTICATORS_MAX)
        return ndc_fail(fault, NDC_ECONFLICT, "eid.authenticators",
                        "there are %d ways to sign in already: remove one first",
                        EID_AUTHENTICATORS_MAX);
    if (number) *number = last + 1;
    return ndc_sql_exec(
        conn,
        "INSERT INTO eid_authenticator (account, number, kind, title, secret, data, "
        "counter, created_ms, used_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)",
        NDC_ARGS(ndc_text(account), ndc_int(last + 1), ndc_text(a->kind),
                 ndc_text(a->title.ptr ? a->title : NDC_STR("")),
                 ndc_text(a->secret.ptr ? a->secret : NDC_STR("")),
                 ndc_text(a->data.ptr ? a->data : NDC_STR("{}")), ndc_int(a->counter),
                 ndc_int(ndc_clock_wall_ms())),
        NULL, fault);
}

/* Number 0: all of the kind; kind "": all of any kind. */
enum ndc_err eid_authenticator_delete(struct ndc_store_conn *conn, struct ndc_str account,
                                      const char *kind, int64_t number,
                                      struct ndc_fault *fault)
{
    const struct ndc_val args[] = {ndc_text(account), ndc_textz(kind), ndc_int(number)};
    NDC_TRY(ndc_sql_exec(conn,
                         "DELETE FROM eid_credential WHERE account = $1 AND ($2 = '' OR "
                         "$2 = 'passkey') AND ($3 = 0 OR number = $3)",
                         args, NDC_ARRAY_LEN(args), NULL, fault));
    return ndc_sql_exec(conn,
                        "DELETE FROM eid_authenticator WHERE account = $1 AND ($2 = '' "
                        "OR kind = $2) AND ($3 = 0 OR number = $3)",
                        args, NDC_ARRAY_LEN(args), NULL, fault);
}

enum ndc_err eid_authenticator_touch(struct ndc_store_conn *conn, struct ndc_str account,
                                     int64_t number, struct ndc_fault *fault)
{
    return ndc_sql_exec(
        conn,
        "UPDATE eid_authenticator SET used_ms = $3 WHERE account = $1 AND number = $2",
        NDC_ARGS(ndc_text(account), ndc_int(number), ndc_int(ndc_clock_wall_ms())), NULL,
        fault);
}

enum ndc_err eid_password_hash(struct ndc_eid *eid, char out[NDC_PASSWORD_HASH_BYTES],
                               struct ndc_str password, struct ndc_str about,
                               struct ndc_fault *fault)
{
    NDC_TRY(ndc_password_check(password, about, fault));
    if (ndc_password_hash(out, password, eid->weak_passwords)) return NDC_OK;
    return ndc_fail(fault, NDC_EBUSY, "server.busy", "no memory for a password now");
}

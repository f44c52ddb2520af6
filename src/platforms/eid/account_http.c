/* One's own account: what it is, freezing it, and from it into the console. */
#include "platforms/eid/http.h"

#include "core/identity.h"
#include "store/writer.h"

static void write_authenticators(struct ndc_json *j, const struct eid_authenticators *all)
{
    ndc_json_key(j, "authenticators");
    ndc_json_array(j);
    for (size_t i = 0; i < all->n; i++) {
        const struct eid_authenticator *a = &all->items[i];
        struct ndc_str rest = a->secret, one;
        int64_t left = 0;
        if (ndc_str_eq_c(a->kind, "totp") && !a->confirmed) continue;
        ndc_json_object(j);
        ndc_json_kv_i64(j, "number", a->number);
        ndc_json_kv_str(j, "kind", a->kind);
        ndc_json_kv_str(j, "title", a->title);
        ndc_json_kv_time(j, "created_at", a->created_ms);
        ndc_json_kv_time(j, "used_at", a->used_ms);
        if (ndc_str_eq_c(a->kind, "passkey")) {
            ndc_json_kv_bool(j, "synced", a->backup);
            ndc_json_kv_c(j, "warning", a->cloned ? "cloned" : NULL);
        }
        if (ndc_str_eq_c(a->kind, "recovery")) {
            while (rest.len && ndc_str_split(&rest, ' ', &one))
                left += one.len > 0;
            ndc_json_kv_i64(j, "codes_left", left);
        }
        ndc_json_end(j);
    }
    ndc_json_end(j);
}

/* Whom the account answers for. */
static enum ndc_err write_wards(struct ndc_request *req, struct ndc_store_conn *conn,
                                struct ndc_str account, struct ndc_fault *fault)
{
    struct ndc_json *j = &req->json;
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT account, kind, number, name, level, state FROM eid_account WHERE "
        "guardian = $1 AND guardian <> '' ORDER BY created_ms, account LIMIT 100",
        NDC_ARGS(ndc_text(account)));
    ndc_json_key(j, "guardian_of");
    ndc_json_array(j);
    while (ndc_rows_next(rows)) {
        ndc_json_object(j);
        ndc_json_kv_str(j, "account", ndc_rows_text(rows, 0));
        ndc_json_kv_str(j, "kind", ndc_rows_text(rows, 1));
        ndc_json_kv_str(j, "number_masked",
                        eid_number_masked(req->arena, ndc_rows_text(rows, 2)));
        ndc_json_kv_str(j, "name", ndc_rows_text(rows, 3));
        ndc_json_kv_i64(j, "level", ndc_rows_i64(rows, 4));
        ndc_json_kv_str(j, "state", ndc_rows_text(rows, 5));
        ndc_json_end(j);
    }
    ndc_json_end(j);
    return ndc_rows_end(rows, fault);
}

enum ndc_err eid_get_me(struct ndc_request *req, struct ndc_fault *fault)
{
    struct eid_signed_in by;
    struct eid_account a;
    struct eid_authenticators all;
    struct ndc_store_conn *conn;
    struct ndc_json *j = &req->json;
    NDC_TRY(eid_need_session(req, &by, &a, fault));
    NDC_TRY(eid_conn(req, &conn, fault));
    enum ndc_err err = eid_authenticators_read(conn, req->arena, a.account, &all, fault);
    if (!err) {
        ndc_json_object(j);
        ndc_json_kv_str(j, "account", a.account);
        ndc_json_kv_str(j, "kind", a.kind);
        ndc_json_kv_str(j, "name", a.name);
        ndc_json_kv_str(j, "number_masked", eid_number_masked(req->arena, a.number));
        ndc_json_kv_i64(j, "level", a.level);
        ndc_json_kv_str(j, "acr", by.acr);
        ndc_json_kv_str(j, "state", a.state);
        ndc_json_kv_str(j, "birth_date", a.birth_date);
        ndc_json_kv_str(j, "phone", a.phone);
        ndc_json_kv_str(j, "email", a.email);
        ndc_json_kv_str(j, "user", a.user_name.len ? a.user_name : NDC_STR_NULL);
        ndc_json_kv_time(j, "signed_in_at", by.auth_ms);
        write_authenticators(j, &all);
        err = write_wards(req, conn, a.account, fault);
        ndc_json_end(j);
    }
    ndc_store_give(conn);
    return err;
}

/* ---- freezing ---- */

static enum ndc_err write_freeze(struct ndc_store_conn *conn, void *arg,
                                 struct ndc_fault *fault)
{
    const struct eid_account *a = arg;
    return eid_account_set_state(conn, a->account, "active", "frozen", NDC_STR("own"),
                                 NULL, fault);
}

enum ndc_err eid_post_freeze(struct ndc_request *req, struct ndc_fault *fault)
{
    struct eid_signed_in by;
    struct eid_account a;
    NDC_TRY(eid_need_session(req, &by, &a, fault));
    NDC_TRY(ndc_store_write(ndc_eid_of(req)->store, write_freeze, &a, fault));
    eid_audit(req, "account.freeze", &a, NDC_STR("by=own"));
    return NDC_OK;
}

/* ---- the console ---- */

enum ndc_err eid_post_console(struct ndc_request *req, struct ndc_fault *fault)
{
    struct eid_signed_in by;
    struct eid_account a;
    NDC_TRY(eid_need_session(req, &by, &a, fault));
    if (!a.user_name.len)
        return ndc_fail(fault, NDC_EDENIED, "eid.no_user",
                        "this account is not bound to a user of the console; an "
                        "administrator does that with \"ndc eid add --user\"");
    if (eid_acr_rank(by.acr) < 2)
        return ndc_fail(fault, NDC_EDENIED, "eid.level",
                        "the console needs more than a password: add a passkey or an "
                        "authenticator app at /eid/account, then sign in again");
    NDC_TRY(ndc_user_sign_in(req, a.user_name, fault));
    eid_audit(req, "sign-in.console", &a,
              ndc_arena_printf(req->arena, "%.*s", NDC_STR_FMT(by.amr)));
    return NDC_OK;
}

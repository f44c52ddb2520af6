/* Codes: an authenticator app's secret, shown once and in use when a code has shown that
 * the app has it; and recovery codes, shown once, of which hashes are kept. */
#include "platforms/eid/codes.h"
#include "platforms/eid/http.h"

#include "store/writer.h"
#include "sys/clock.h"

struct adding {
    struct ndc_request *req;
    const struct eid_account *account;
    const struct eid_signed_in *by;
    struct eid_authenticator a;
    struct ndc_str acr, amr;
    int64_t number, step;
};

/* ---- TOTP ---- */

/* One that was never confirmed makes room: it was of no use. */
static enum ndc_err write_totp(struct ndc_store_conn *conn, void *arg,
                               struct ndc_fault *fault)
{
    struct adding *w = arg;
    struct eid_authenticators all;
    NDC_TRY(
        eid_authenticators_read(conn, w->req->arena, w->account->account, &all, fault));
    for (size_t i = 0; i < all.n; i++)
        if (ndc_str_eq_c(all.items[i].kind, "totp") && !all.items[i].confirmed)
            NDC_TRY(eid_authenticator_delete(conn, w->account->account, "totp",
                                             all.items[i].number, fault));
    return eid_authenticator_insert(conn, w->account->account, &w->a, &w->number, fault);
}

enum ndc_err eid_post_me_totp(struct ndc_request *req, struct ndc_fault *fault)
{
    struct eid_signed_in by;
    struct eid_account a;
    struct eid_totp_made made;
    NDC_TRY(eid_need_fresh(req, &by, &a, fault));
    NDC_TRY(eid_totp_make(ndc_eid_of(req), req->arena, &a, &made, fault));
    struct adding w = {.req = req,
                       .account = &a,
                       .a = {.kind = NDC_STR("totp"),
                             .title = NDC_STR("TOTP"),
                             .secret = made.sealed,
                             .data = NDC_STR("{\"confirmed\":false}")}};
    NDC_TRY(ndc_store_write(ndc_eid_of(req)->store, write_totp, &w, fault));
    eid_audit(req, "totp.begin", &a, NDC_STR_NULL);
    ndc_json_object(&req->json);
    ndc_json_kv_i64(&req->json, "number", w.number);
    ndc_json_kv_str(&req->json, "secret", made.secret);
    ndc_json_kv_str(&req->json, "uri", made.uri);
    ndc_json_end(&req->json);
    return NDC_OK;
}

/* The code that confirms is used up by it. */
static enum ndc_err write_confirm(struct ndc_store_conn *conn, void *arg,
                                  struct ndc_fault *fault)
{
    struct adding *w = arg;
    int64_t n = 0;
    NDC_TRY(ndc_sql_exec(conn,
                         "UPDATE eid_authenticator SET data = '{\"confirmed\":true}', "
                         "counter = $3, used_ms = $4 WHERE account = $1 AND number = $2 "
                         "AND kind = 'totp' AND counter < $3",
                         NDC_ARGS(ndc_text(w->account->account), ndc_int(w->number),
                                  ndc_int(w->step), ndc_int(ndc_clock_wall_ms())),
                         &n, fault));
    if (!n)
        return ndc_fail(fault, NDC_EDENIED, "eid.totp_used",
                        "this code was used already: wait for the next one");
    return eid_session_raise(conn, w->by, w->acr, w->amr, fault);
}

static enum ndc_err find_unconfirmed(struct ndc_request *req, struct adding *w,
                                     struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    struct eid_authenticators all;
    (void)!ndc_str_to_i64(ndc_request_param(req, "number"), &w->number);
    NDC_TRY(eid_conn(req, &conn, fault));
    enum ndc_err err =
        eid_authenticators_read(conn, req->arena, w->account->account, &all, fault);
    ndc_store_give(conn);
    for (size_t i = 0; i < all.n && !err; i++)
        if (ndc_str_eq_c(all.items[i].kind, "totp") && !all.items[i].confirmed &&
            all.items[i].number == w->number) {
            w->a = all.items[i];
            return NDC_OK;
        }
    return err ? err
               : ndc_fail(fault, NDC_ENOTFOUND, "eid.authenticator",
                          "there is no authenticator app to be confirmed");
}

enum ndc_err eid_confirm_me_totp(struct ndc_request *req, struct ndc_fault *fault)
{
    struct eid_signed_in by;
    struct eid_account a;
    struct json_object *body;
    NDC_TRY(ndc_request_json(req, &body, fault));
    NDC_TRY(eid_need_fresh(req, &by, &a, fault));
    struct adding w = {.req = req, .account = &a, .by = &by};
    NDC_TRY(find_unconfirmed(req, &w, fault));
    NDC_TRY(eid_throttle(req, "code", a.account, fault));
    w.step = eid_totp_step(ndc_eid_of(req), a.account, &w.a,
                           eid_text(ndc_json_get_str(body, "code")), ndc_clock_wall_ms());
    eid_throttle_result(req, "code", a.account, w.step != 0);
    if (!w.step)
        return ndc_fail_at(fault, NDC_EINPUT, "eid.code", "code", 0,
                           "the code is not right: is the phone's clock?");
    w.amr = eid_amr_join(req->arena, by.amr, NDC_STR("otp"));
    if (eid_amr_has(w.amr, "pwd"))
        w.amr = eid_amr_join(req->arena, w.amr, NDC_STR("mfa"));
    w.acr = eid_acr(w.amr, a.level);
    NDC_TRY(ndc_store_write(ndc_eid_of(req)->store, write_confirm, &w, fault));
    eid_audit(req, "totp.add", &a,
              ndc_arena_printf(req->arena, "number=%lld", (long long)w.number));
    return NDC_OK;
}

/* ---- recovery codes ---- */

static enum ndc_err write_recovery(struct ndc_store_conn *conn, void *arg,
                                   struct ndc_fault *fault)
{
    struct adding *w = arg;
    NDC_TRY(eid_authenticator_delete(conn, w->account->account, "recovery", 0, fault));
    return eid_authenticator_insert(conn, w->account->account, &w->a, &w->number, fault);
}

enum ndc_err eid_post_me_recovery(struct ndc_request *req, struct ndc_fault *fault)
{
    struct eid_signed_in by;
    struct eid_account a;
    struct eid_codes_made made;
    NDC_TRY(eid_need_fresh(req, &by, &a, fault));
    eid_codes_make(req->arena, EID_RECOVERY_CODES, &made);
    struct adding w = {.req = req,
                       .account = &a,
                       .a = {.kind = NDC_STR("recovery"), .secret = made.hashes}};
    NDC_TRY(ndc_store_write(ndc_eid_of(req)->store, write_recovery, &w, fault));
    eid_audit(req, "recovery.make", &a, NDC_STR_NULL);
    eid_codes_write(&req->json, &made);
    return NDC_OK;
}

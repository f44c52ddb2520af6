/* The enrolment desk: officials who see people and their papers. Proof in person makes
 * level 2; whoever has lost every way in gets a code that signs in once and keeps the
 * level. Answers are masked: the official has the papers. */
#include "platforms/eid/codes.h"
#include "platforms/eid/http.h"

#include "core/identity.h"
#include "store/writer.h"
#include "sys/clock.h"

enum { PROOF_BYTES_MAX = 32 << 10 };

/* ---- finding ---- */

static enum ndc_err write_one(struct ndc_request *req, struct ndc_store_conn *conn,
                              const struct eid_account *a, struct ndc_fault *fault)
{
    struct ndc_json *j = &req->json;
    struct eid_authenticators all;
    NDC_TRY(eid_authenticators_read(conn, req->arena, a->account, &all, fault));
    ndc_json_object(j);
    ndc_json_kv_str(j, "account", a->account);
    ndc_json_kv_str(j, "kind", a->kind);
    ndc_json_kv_str(j, "name_masked", eid_name_masked(req->arena, a->name));
    ndc_json_kv_str(j, "number_masked", eid_number_masked(req->arena, a->number));
    ndc_json_kv_str(j, "birth_year",
                    ndc_str_n(a->birth_date.ptr, NDC_MIN(a->birth_date.len, (size_t)4)));
    ndc_json_kv_i64(j, "level", a->level);
    ndc_json_kv_str(j, "state", a->state);
    ndc_json_kv_bool(j, "child", a->guardian.len && ndc_str_eq_c(a->kind, "citizen"));
    ndc_json_kv_time(j, "created_at", a->created_ms);
    ndc_json_key(j, "authenticators");
    ndc_json_array(j);
    for (size_t i = 0; i < all.n; i++)
        ndc_json_str(j, all.items[i].kind);
    ndc_json_end(j);
    ndc_json_end(j);
    return NDC_OK;
}

enum ndc_err eid_desk_find(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    struct eid_account a;
    NDC_TRY(eid_conn(req, &conn, fault));
    enum ndc_err err = eid_account_of_login(conn, req->arena,
                                            ndc_request_query(req, "number"), &a, fault);
    if (!err) {
        ndc_json_object(&req->json);
        ndc_json_key(&req->json, "accounts");
        ndc_json_array(&req->json);
        if (a.account.ptr) err = write_one(req, conn, &a, fault);
        ndc_json_end(&req->json);
        ndc_json_end(&req->json);
    }
    ndc_store_give(conn);
    if (err) return err;
    if (a.account.ptr)
        eid_audit(req, "desk.find", &a, NDC_STR_NULL);
    else
        ndc_request_audit(req, "desk.find", NDC_STR(""), NULL);
    return NDC_OK;
}

/* ---- acts ---- */

struct act {
    struct ndc_request *req;
    struct eid_account account;
    struct ndc_str how, reason;
    struct eid_codes_made codes;
};

/* Nobody proofs themselves. */
static enum ndc_err read_account(struct ndc_request *req, struct act *a,
                                 struct ndc_fault *fault)
{
    *a = (struct act){.req = req};
    NDC_TRY(eid_account_read(ndc_eid_of(req), req->arena,
                             ndc_request_param(req, "account"), &a->account, fault));
    struct ndc_str id = req->principal->id;
    bool own = a->account.user_name.len && ndc_str_starts(id, NDC_STR("user:")) &&
               ndc_str_eq(ndc_str_from(id, 5), a->account.user_name);
    if (!own) return NDC_OK;
    return ndc_fail(fault, NDC_EDENIED, "eid.own_account",
                    "another official must do this for your own account");
}

/* Appends to the list of proofs. The document's number is kept by its last digits. */
static struct ndc_str add_proof(struct act *a, int level)
{
    struct ndc_buf buf;
    struct ndc_json j;
    struct json_object *former = NULL, *body = NULL;
    struct ndc_request *req = a->req;
    ndc_buf_init(&buf, PROOF_BYTES_MAX);
    ndc_json_init(&j, &buf);
    ndc_json_array(&j);
    if (a->account.proof.len && !ndc_json_parse(&former, a->account.proof, NULL)) {
        size_t n = json_object_is_type(former, json_type_array)
                       ? json_object_array_length(former)
                       : 0;
        for (size_t i = n > 50 ? n - 50 : 0; i < n; i++)
            ndc_json_raw(&j, ndc_str(json_object_to_json_string(
                                 json_object_array_get_idx(former, i))));
        json_object_put(former);
    }
    ndc_json_object(&j);
    ndc_json_kv_i64(&j, "level", level);
    ndc_json_kv_str(&j, "how", a->how);
    ndc_json_kv_str(&j, "by", req->principal->id);
    ndc_json_kv_i64(&j, "at_ms", ndc_clock_wall_ms());
    if (!ndc_request_json(req, &body, NULL)) {
        ndc_json_kv_str(&j, "document", ndc_json_get_str(body, "document"));
        ndc_json_kv_str(&j, "document_number",
                        eid_number_masked(req->arena, eid_text(ndc_json_get_str(
                                                          body, "document_number"))));
        ndc_json_kv_str(&j, "note", ndc_json_get_str(body, "note"));
    }
    ndc_json_end(&j);
    ndc_json_end(&j);
    return eid_json_take(req->arena, &buf);
}

static enum ndc_err write_proof(struct ndc_store_conn *conn, void *arg,
                                struct ndc_fault *fault)
{
    struct act *a = arg;
    int64_t n = 0;
    NDC_TRY(ndc_sql_exec(conn,
                         "UPDATE eid_account SET level = 2, proof = $2, changed_ms = $3 "
                         "WHERE account = $1 AND state <> 'ended'",
                         NDC_ARGS(ndc_text(a->account.account), ndc_text(add_proof(a, 2)),
                                  ndc_int(ndc_clock_wall_ms())),
                         &n, fault));
    if (n) return NDC_OK;
    return ndc_fail(fault, NDC_ECONFLICT, "eid.ended", "the account has ended");
}

static void answer(struct act *a, int level, const char *state)
{
    struct ndc_json *j = &a->req->json;
    ndc_json_object(j);
    ndc_json_kv_str(j, "account", a->account.account);
    ndc_json_kv_i64(j, "level", level);
    ndc_json_kv_str(j, "state", state ? ndc_str(state) : a->account.state);
    ndc_json_end(j);
}

enum ndc_err eid_desk_proof(struct ndc_request *req, struct ndc_fault *fault)
{
    struct act a;
    NDC_TRY(read_account(req, &a, fault));
    a.how = NDC_STR("in person");
    NDC_TRY(ndc_store_write(ndc_eid_of(req)->store, write_proof, &a, fault));
    eid_audit(req, "desk.proof", &a.account, NDC_STR_NULL);
    answer(&a, 2, NULL);
    return NDC_OK;
}

static enum ndc_err write_freeze(struct ndc_store_conn *conn, void *arg,
                                 struct ndc_fault *fault)
{
    const struct act *a = arg;
    bool changed;
    NDC_TRY(eid_account_set_state(conn, a->account.account, "active", "frozen", a->reason,
                                  &changed, fault));
    if (changed) return NDC_OK;
    return ndc_fail(fault, NDC_ECONFLICT, "eid.state", "the account is not active");
}

/* What the registry froze it thaws itself. */
static enum ndc_err write_thaw(struct ndc_store_conn *conn, void *arg,
                               struct ndc_fault *fault)
{
    const struct act *a = arg;
    int64_t n = 0;
    NDC_TRY(ndc_sql_exec(conn,
                         "UPDATE eid_account SET state = 'active', reason = $2, "
                         "changed_ms = $3 WHERE account = $1 AND state = 'frozen' AND "
                         "reason NOT LIKE 'registry:%'",
                         NDC_ARGS(ndc_text(a->account.account), ndc_text(a->reason),
                                  ndc_int(ndc_clock_wall_ms())),
                         &n, fault));
    if (n) return NDC_OK;
    return ndc_fail(fault, NDC_ECONFLICT, "eid.state",
                    "the account is not frozen, or the national database holds it "
                    "frozen: that must be mended there");
}

static enum ndc_err change_state(struct ndc_request *req, bool freeze,
                                 struct ndc_fault *fault)
{
    struct act a;
    struct json_object *body;
    NDC_TRY(ndc_request_json(req, &body, fault));
    NDC_TRY(read_account(req, &a, fault));
    a.reason = ndc_arena_printf(req->arena, "desk:%.*s",
                                NDC_STR_FMT(ndc_json_get_str(body, "reason")));
    NDC_TRY(ndc_store_write(ndc_eid_of(req)->store, freeze ? write_freeze : write_thaw,
                            &a, fault));
    eid_audit(req, freeze ? "account.freeze" : "account.thaw", &a.account,
              NDC_STR("by=desk"));
    answer(&a, a.account.level, freeze ? "frozen" : "active");
    return NDC_OK;
}

enum ndc_err eid_desk_freeze(struct ndc_request *req, struct ndc_fault *fault)
{
    return change_state(req, true, fault);
}

enum ndc_err eid_desk_thaw(struct ndc_request *req, struct ndc_fault *fault)
{
    return change_state(req, false, fault);
}

/* Every former way in goes with it: the one who stands there has lost them, and whoever
 * found them must not use them. */
static enum ndc_err write_reset(struct ndc_store_conn *conn, void *arg,
                                struct ndc_fault *fault)
{
    struct act *a = arg;
    const struct eid_authenticator code = {
        .kind = NDC_STR("recovery"),
        .title = NDC_STR("desk"),
        .secret = a->codes.hashes,
        .data = ndc_arena_printf(a->req->arena, "{\"desk\":true,\"until_ms\":%lld}",
                                 (long long)ndc_clock_wall_ms() + EID_DESK_CODE_MS)};
    NDC_TRY(eid_authenticator_delete(conn, a->account.account, "", 0, fault));
    NDC_TRY(eid_sessions_end(conn, a->account.account, NDC_STR_NULL, fault));
    NDC_TRY(ndc_sql_exec(
        conn, "UPDATE eid_account SET proof = $2, changed_ms = $3 WHERE account = $1",
        NDC_ARGS(ndc_text(a->account.account), ndc_text(add_proof(a, a->account.level)),
                 ndc_int(ndc_clock_wall_ms())),
        NULL, fault));
    return eid_authenticator_insert(conn, a->account.account, &code, NULL, fault);
}

enum ndc_err eid_desk_reset(struct ndc_request *req, struct ndc_fault *fault)
{
    struct act a;
    NDC_TRY(read_account(req, &a, fault));
    NDC_TRY(ndc_str_eq_c(a.account.state, "ended") ? eid_account_check(&a.account, fault)
                                                   : NDC_OK);
    a.how = NDC_STR("reset in person");
    eid_codes_make(req->arena, 1, &a.codes);
    NDC_TRY(ndc_store_write(ndc_eid_of(req)->store, write_reset, &a, fault));
    eid_audit(req, "desk.reset", &a.account, NDC_STR_NULL);
    eid_codes_write(&req->json, &a.codes);
    return NDC_OK;
}

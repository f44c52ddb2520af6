/* Services that somebody has registered: the self-service of relying parties. */
#include "platforms/eid/provider/provider.h"

#include "core/request.h"
#include "crypto/token.h"
#include "platforms/eid/provider/client.h"
#include "platforms/eid/provider/client_use.h"
#include "platforms/eid/provider/oauth.h"
#include "platforms/eid/web.h"

/* Whose services they are: the account that is signed in. `fresh`: signed in just now. */
static enum ndc_err owner(struct ndc_request *req, bool fresh, struct eid_account *a,
                          struct eid_client_by *by, struct ndc_fault *fault)
{
    struct eid_signed_in session;
    NDC_TRY(fresh ? eid_need_fresh(req, &session, a, fault)
                  : eid_need_session(req, &session, a, fault));
    *by = (struct eid_client_by){.account = a->account};
    return NDC_OK;
}

static enum ndc_err owner_of(struct ndc_request *req, bool fresh, struct eid_account *a,
                             struct eid_client_by *by, struct ndc_fault *fault)
{
    NDC_TRY(owner(req, fresh, a, by, fault));
    by->client = ndc_request_param(req, "client");
    return NDC_OK;
}

enum ndc_err eid_get_me_clients(struct ndc_request *req, struct ndc_fault *fault)
{
    struct eid_account a;
    struct eid_client_by by;
    struct ndc_store_conn *conn;
    struct ndc_json *j = &req->json;
    NDC_TRY(owner(req, false, &a, &by, fault));
    NDC_TRY(eid_conn(req, &conn, fault));
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT client, metadata, disabled, created_ms, changed_ms FROM eid_client WHERE "
        "owner = $1 ORDER BY created_ms DESC, client LIMIT $2",
        NDC_ARGS(ndc_text(by.account), ndc_int(EID_OWNED_MAX)));
    ndc_json_object(j);
    ndc_json_key(j, "clients");
    ndc_json_array(j);
    while (ndc_rows_next(rows)) {
        struct json_object *metadata = NULL;
        if (ndc_json_parse(&metadata, ndc_rows_text(rows, 1), NULL)) metadata = NULL;
        ndc_json_object(j);
        ndc_json_kv_str(j, "client_id", ndc_rows_text(rows, 0));
        ndc_json_kv_str(j, "client_name",
                        eid_text(ndc_json_get_str(metadata, "client_name")));
        ndc_json_kv_str(j, "profile", eid_text(ndc_json_get_str(metadata, "profile")));
        ndc_json_kv_bool(j, "disabled", ndc_rows_i64(rows, 2) != 0);
        ndc_json_kv_time(j, "created_at", ndc_rows_i64(rows, 3));
        ndc_json_kv_time(j, "changed_at", ndc_rows_i64(rows, 4));
        ndc_json_end(j);
        json_object_put(metadata);
    }
    ndc_json_end(j);
    ndc_json_end(j);
    enum ndc_err err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    return err;
}

static void write_one(struct ndc_json *j, const struct eid_client *client,
                      const char *secret)
{
    ndc_json_object(j);
    ndc_json_kv_str(j, "client_id", client->id);
    if (secret && *secret) ndc_json_kv_c(j, "client_secret", secret);
    ndc_json_key(j, "metadata");
    ndc_json_object(j);
    eid_client_write(j, client);
    ndc_json_end(j);
    ndc_json_end(j);
}

/* Its own services only; another's does not exist. */
static enum ndc_err take_own(struct ndc_request *req, const struct eid_client_by *by,
                             struct eid_client **client, struct ndc_fault *fault)
{
    struct ndc_fault inner = {0};
    enum ndc_err err = eid_client_take(ndc_eid_of(req), client, by->client, &inner);
    if (!err && ndc_str_eq((*client)->owner, by->account)) return NDC_OK;
    if (!err) eid_client_unref(*client);
    *client = NULL;
    if (err && strcmp(inner.code, "invalid_client") != 0) {
        *fault = inner;
        return err;
    }
    return ndc_fail(fault, NDC_ENOTFOUND, "eid.client",
                    err ? "%s" : "there is no such client of yours", inner.message);
}

static enum ndc_err answer(struct ndc_request *req, const struct eid_client_by *by,
                           const char *secret, struct ndc_fault *fault)
{
    struct eid_client *client;
    NDC_TRY(take_own(req, by, &client, fault));
    write_one(&req->json, client, secret);
    eid_client_unref(client);
    return NDC_OK;
}

enum ndc_err eid_post_me_client(struct ndc_request *req, struct ndc_fault *fault)
{
    struct eid_account a;
    struct eid_client_by by;
    struct eid_registered made;
    struct json_object *metadata;
    NDC_TRY(owner(req, true, &a, &by, fault));
    NDC_TRY(ndc_request_json(req, &metadata, fault));
    json_object_object_del(metadata, "resource_server");
    NDC_TRY(eid_client_add(ndc_eid_of(req), &made, metadata, by.account, fault));
    by.client = ndc_arena_str(req->arena, ndc_str(made.id));
    enum ndc_err err = answer(req, &by, made.secret, fault);
    ndc_secret_wipe(&made, sizeof(made));
    req->status = 201;
    eid_audit(req, "eid.client_add", &a, by.client);
    return err;
}

enum ndc_err eid_get_me_client(struct ndc_request *req, struct ndc_fault *fault)
{
    struct eid_account a;
    struct eid_client_by by;
    NDC_TRY(owner_of(req, false, &a, &by, fault));
    return answer(req, &by, NULL, fault);
}

enum ndc_err eid_put_me_client(struct ndc_request *req, struct ndc_fault *fault)
{
    struct eid_account a;
    struct eid_client_by by;
    struct eid_registered made;
    struct json_object *metadata;
    NDC_TRY(owner_of(req, true, &a, &by, fault));
    NDC_TRY(ndc_request_json(req, &metadata, fault));
    NDC_TRY(eid_client_change(ndc_eid_of(req), &made, &by, metadata, fault));
    enum ndc_err err = answer(req, &by, made.secret, fault);
    ndc_secret_wipe(&made, sizeof(made));
    eid_audit(req, "eid.client_change", &a, by.client);
    return err;
}

enum ndc_err eid_post_me_client_secret(struct ndc_request *req, struct ndc_fault *fault)
{
    struct eid_account a;
    struct eid_client_by by;
    struct eid_registered made;
    NDC_TRY(owner_of(req, true, &a, &by, fault));
    NDC_TRY(eid_client_resecret(ndc_eid_of(req), &made, &by, fault));
    enum ndc_err err = answer(req, &by, made.secret, fault);
    ndc_secret_wipe(&made, sizeof(made));
    eid_audit(req, "eid.client_secret", &a, by.client);
    return err;
}

enum ndc_err eid_delete_me_client(struct ndc_request *req, struct ndc_fault *fault)
{
    struct eid_account a;
    struct eid_client_by by;
    NDC_TRY(owner_of(req, true, &a, &by, fault));
    NDC_TRY(eid_client_remove(ndc_eid_of(req), &by, fault));
    req->status = 204;
    eid_audit(req, "eid.client_remove", &a, by.client);
    return NDC_OK;
}

enum ndc_err eid_get_me_client_use(struct ndc_request *req, struct ndc_fault *fault)
{
    struct eid_account a;
    struct eid_client_by by;
    struct eid_client *client;
    struct ndc_store_conn *conn;
    NDC_TRY(owner_of(req, false, &a, &by, fault));
    NDC_TRY(take_own(req, &by, &client, fault));
    eid_client_unref(client);
    NDC_TRY(eid_conn(req, &conn, fault));
    enum ndc_err err = eid_uses_tell(conn, &req->json, by.client, fault);
    ndc_store_give(conn);
    return err;
}

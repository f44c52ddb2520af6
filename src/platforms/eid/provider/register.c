/* Dynamic registration of clients (RFC 7591, 7592; OpenID Registration 1.0). */
#include "platforms/eid/provider/provider.h"

#include "crypto/token.h"
#include "platforms/eid/provider/client.h"
#include "platforms/eid/provider/oauth.h"
#include "sys/clock.h"

static void write_registered(struct ndc_request *req, const struct eid_client *client,
                             const struct eid_registered *r)
{
    struct ndc_json *j = &req->json;
    ndc_json_object(j);
    ndc_json_kv_str(j, "client_id", client->id);
    if (r && r->secret[0]) {
        ndc_json_kv_c(j, "client_secret", r->secret);
        ndc_json_kv_i64(j, "client_secret_expires_at", 0);
    }
    if (r) ndc_json_kv_i64(j, "client_id_issued_at", ndc_clock_wall_ms() / 1000);
    if (r && r->registration[0])
        ndc_json_kv_c(j, "registration_access_token", r->registration);
    ndc_json_kv_str(j, "registration_client_uri",
                    ndc_arena_printf(req->arena, "%.*s/eid/register/%.*s",
                                     NDC_STR_FMT(ndc_eid_of(req)->issuer),
                                     NDC_STR_FMT(client->id)));
    eid_client_write(j, client);
    ndc_json_end(j);
}

static enum ndc_err add(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_eid *eid = ndc_eid_of(req);
    struct json_object *metadata;
    struct eid_registered made;
    struct eid_client *client;
    if (ndc_request_json(req, &metadata, NULL))
        return eid_refuse(fault, "invalid_client_metadata", "the body is not JSON");
    /* Who registers by itself does not make itself a resource server. */
    json_object_object_del(metadata, "resource_server");
    NDC_TRY(eid_client_add(eid, &made, metadata, NDC_STR(""), fault));
    enum ndc_err err = eid_client_take(eid, &client, ndc_str(made.id), fault);
    if (!err) {
        write_registered(req, client, &made);
        eid_client_unref(client);
    }
    req->status = 201;
    ndc_secret_wipe(&made, sizeof(made));
    return err;
}

enum ndc_err eid_post_register(struct ndc_request *req, struct ndc_fault *fault)
{
    eid_open_to_pages(req);
    return eid_oauth_answer(req, add(req, fault), fault);
}

/* ---- the client's own view (RFC 7592) ---- */

static void present(struct ndc_request *req, struct eid_client_by *by)
{
    struct ndc_str header = ndc_request_header(req, "Authorization");
    struct ndc_str token = NDC_STR("");
    if (header.len > 7 && ndc_str_ieq(ndc_str_n(header.ptr, 7), NDC_STR("Bearer ")))
        token = ndc_str_trim(ndc_str_from(header, 7));
    *by = (struct eid_client_by){.client = ndc_request_param(req, "client"),
                                 .account = NDC_STR("")};
    ndc_token_hash(by->registration, token);
}

/* Whoever has not the token learns nothing, not even whether there is such a client. */
static enum ndc_err as_owner(enum ndc_err err, struct ndc_fault *fault)
{
    if (!err || (strcmp(fault->code, "eid.client") != 0 &&
                 strcmp(fault->code, "invalid_client") != 0))
        return err;
    *fault = (struct ndc_fault){0};
    return eid_refuse(fault, "invalid_token",
                      "send the registration_access_token of this client");
}

static enum ndc_err show(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_eid *eid = ndc_eid_of(req);
    struct ndc_store_conn *conn;
    struct eid_client *client;
    struct eid_client_by by;
    int64_t n;
    present(req, &by);
    NDC_TRY(ndc_store_take(eid->store, NDC_READ, &conn, fault));
    enum ndc_err err = ndc_sql_i64(
        conn, &n,
        "SELECT count(*) FROM eid_client WHERE client = $1 AND registration = $2",
        NDC_ARGS(ndc_text(by.client), ndc_blob(ndc_str_n((const char *)by.registration,
                                                         sizeof(by.registration)))),
        fault);
    ndc_store_give(conn);
    if (err) return err;
    if (!n) return ndc_fail(fault, NDC_ENOTFOUND, "eid.client", "not of this token");
    NDC_TRY(eid_client_take(eid, &client, by.client, fault));
    write_registered(req, client, NULL);
    eid_client_unref(client);
    return NDC_OK;
}

enum ndc_err eid_get_registered(struct ndc_request *req, struct ndc_fault *fault)
{
    return eid_oauth_answer(req, as_owner(show(req, fault), fault), fault);
}

/* RFC 7592, 2.2: what is left out is gone; the id may be said, and the secret if it is
 * the present one, which is not looked at. */
static enum ndc_err replace(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_eid *eid = ndc_eid_of(req);
    struct json_object *metadata;
    struct eid_registered made;
    struct eid_client_by by;
    struct eid_client *client;
    present(req, &by);
    if (ndc_request_json(req, &metadata, NULL))
        return eid_refuse(fault, "invalid_client_metadata", "the body is not JSON");
    struct ndc_str id = ndc_json_get_str(metadata, "client_id");
    if (id.len && !ndc_str_eq(id, by.client))
        return eid_refuse(fault, "invalid_client_metadata",
                          "client_id is not this client's");
    NDC_TRY(eid_client_change(eid, &made, &by, metadata, fault));
    enum ndc_err err = eid_client_take(eid, &client, by.client, fault);
    if (!err) {
        write_registered(req, client, made.secret[0] ? &made : NULL);
        eid_client_unref(client);
    }
    ndc_secret_wipe(&made, sizeof(made));
    return err;
}

enum ndc_err eid_put_registered(struct ndc_request *req, struct ndc_fault *fault)
{
    return eid_oauth_answer(req, as_owner(replace(req, fault), fault), fault);
}

enum ndc_err eid_delete_registered(struct ndc_request *req, struct ndc_fault *fault)
{
    struct eid_client_by by;
    present(req, &by);
    enum ndc_err err = eid_client_remove(ndc_eid_of(req), &by, fault);
    if (!err) req->status = 204;
    return eid_oauth_answer(req, as_owner(err, fault), fault);
}

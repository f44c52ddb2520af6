/* Registering clients, changing and removing them (client.h). */
#include "platforms/eid/provider/client.h"

#include "crypto/token.h"
#include "platforms/eid/provider/oauth.h"
#include "store/writer.h"
#include "sys/clock.h"

#include <stdio.h>

struct saving {
    struct ndc_eid *eid;
    struct eid_registered *out;
    const struct eid_client_by *by; /* NULL: it is new */
    struct ndc_str metadata, owner, sealed;
    uint8_t secret[NDC_EID_HASH_BYTES], registration[NDC_EID_HASH_BYTES];
    bool keeps_secret; /* the one that there is */
};

static struct ndc_val hash_val(const uint8_t hash[NDC_EID_HASH_BYTES], bool there)
{
    return ndc_blob(ndc_str_n((const char *)hash, there ? NDC_EID_HASH_BYTES : 0));
}

static enum ndc_err check_count(struct ndc_store_conn *conn, struct ndc_str owner,
                                struct ndc_fault *fault)
{
    int64_t n = 0;
    if (!owner.len || ndc_str_eq_c(owner, EID_OWNER_COMMAND)) return NDC_OK;
    NDC_TRY(ndc_sql_i64(conn, &n, "SELECT count(*) FROM eid_client WHERE owner = $1",
                        NDC_ARGS(ndc_text(owner)), fault));
    return n < EID_OWNED_MAX
               ? NDC_OK
               : ndc_fail(fault, NDC_ECONFLICT, "eid.clients",
                          "one account has at most %d services: remove one first",
                          EID_OWNED_MAX);
}

static enum ndc_err insert(struct ndc_store_conn *conn, void *arg,
                           struct ndc_fault *fault)
{
    const struct saving *s = arg;
    int64_t now = ndc_clock_wall_ms();
    NDC_TRY(check_count(conn, s->owner, fault));
    return ndc_sql_exec(
        conn,
        "INSERT INTO eid_client (client, owner, metadata, secret, sealed, registration, "
        "disabled, created_ms, changed_ms) VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $7)",
        NDC_ARGS(ndc_textz(s->out->id), ndc_text(s->owner), ndc_text(s->metadata),
                 hash_val(s->secret, s->out->secret[0] != 0), ndc_text(s->sealed),
                 hash_val(s->registration, true), ndc_int(now)),
        NULL, fault);
}

static enum ndc_err none_of_yours(struct ndc_fault *fault)
{
    return ndc_fail(fault, NDC_ENOTFOUND, "eid.client",
                    "there is no such client of yours");
}

static enum ndc_err update(struct ndc_store_conn *conn, void *arg,
                           struct ndc_fault *fault)
{
    const struct saving *s = arg;
    int64_t changes = 0;
    NDC_TRY(ndc_sql_exec(
        conn,
        "UPDATE eid_client SET metadata = $4, secret = CASE WHEN $5 = 1 THEN secret ELSE "
        "$6 END, sealed = CASE WHEN $5 = 1 THEN sealed ELSE $7 END, changed_ms = $8 "
        "WHERE "
        "client = $1 AND ((owner = $2 AND $2 <> '') OR registration = $3)",
        NDC_ARGS(ndc_text(s->by->client), ndc_text(s->by->account),
                 hash_val(s->by->registration, true), ndc_text(s->metadata),
                 ndc_int(s->keeps_secret), hash_val(s->secret, s->out->secret[0] != 0),
                 ndc_text(s->sealed), ndc_int(ndc_clock_wall_ms())),
        &changes, fault));
    return changes ? eid_changed(conn, fault) : none_of_yours(fault);
}

static bool has_secret(const struct eid_client *c)
{
    return c->auth == EID_AUTH_BASIC || c->auth == EID_AUTH_POST ||
           c->auth == EID_AUTH_SECRET_JWT;
}

static void make_secret(struct saving *s, const struct eid_client *c,
                        struct ndc_buf *sealed)
{
    if (!has_secret(c)) return;
    ndc_token_make(s->out->secret, "ecs_");
    ndc_token_hash(s->secret, ndc_str(s->out->secret));
    if (c->auth == EID_AUTH_SECRET_JWT)
        ndc_seal_add(s->eid->seal, sealed, ndc_str(s->out->id), ndc_str(s->out->secret));
}

/* Its metadata as it is in force, and new secrets unless the old one stays. */
static enum ndc_err save(struct saving *s, const struct eid_client *client,
                         enum ndc_err (*write)(struct ndc_store_conn *, void *,
                                               struct ndc_fault *),
                         struct ndc_fault *fault)
{
    struct ndc_buf text, sealed;
    struct ndc_json j;
    ndc_buf_init(&text, EID_METADATA_BYTES_MAX);
    ndc_buf_init(&sealed, 1024);
    ndc_json_init(&j, &text);
    ndc_json_object(&j);
    eid_client_write(&j, client);
    ndc_json_end(&j);
    if (!s->keeps_secret) make_secret(s, client, &sealed);
    s->metadata = ndc_buf_str(&text);
    s->sealed = sealed.len ? ndc_buf_str(&sealed) : NDC_STR("");
    enum ndc_err err = text.failed ? eid_refuse(fault, "invalid_client_metadata",
                                                "the metadata is longer than %d bytes",
                                                EID_METADATA_BYTES_MAX)
                                   : ndc_store_write(s->eid->store, write, s, fault);
    ndc_buf_free(&text);
    ndc_buf_free(&sealed);
    return err;
}

enum ndc_err eid_client_add(struct ndc_eid *eid, struct eid_registered *out,
                            struct json_object *metadata, struct ndc_str owner,
                            struct ndc_fault *fault)
{
    struct saving s = {.eid = eid, .out = out, .owner = owner};
    struct eid_client *client;
    *out = (struct eid_registered){0};
    ndc_token_id(out->id, NDC_EID_ID_LEN);
    NDC_TRY(eid_client_parse(&client, ndc_str(out->id), metadata, fault));
    ndc_token_make(out->registration, "ecr_");
    ndc_token_hash(s.registration, ndc_str(out->registration));
    enum ndc_err err = save(&s, client, insert, fault);
    eid_client_unref(client);
    return err;
}

/* The old secret is good for the new way to authenticate. */
static bool secret_fits(const struct eid_client *old, const struct eid_client *now)
{
    if (!has_secret(old) || !has_secret(now)) return false;
    return now->auth != EID_AUTH_SECRET_JWT || old->auth == EID_AUTH_SECRET_JWT;
}

static enum ndc_err change(struct ndc_eid *eid, struct eid_registered *out,
                           const struct eid_client_by *by, struct eid_client *old,
                           struct json_object *metadata, bool new_secret,
                           struct ndc_fault *fault)
{
    struct saving s = {.eid = eid, .out = out, .by = by};
    struct eid_client *client;
    NDC_TRY(eid_client_parse(&client, by->client, metadata, fault));
    /* What only an operator gives stays as it was. */
    client->resource_server = old->resource_server;
    s.keeps_secret = !new_secret && secret_fits(old, client);
    enum ndc_err err = save(&s, client, update, fault);
    eid_client_unref(client);
    if (!err) eid_clients_forget(eid->clients);
    return err;
}

enum ndc_err eid_client_change(struct ndc_eid *eid, struct eid_registered *out,
                               const struct eid_client_by *by,
                               struct json_object *metadata, struct ndc_fault *fault)
{
    struct eid_client *old;
    *out = (struct eid_registered){0};
    snprintf(out->id, sizeof(out->id), "%.*s", NDC_STR_FMT(by->client));
    NDC_TRY(eid_client_take(eid, &old, by->client, fault));
    enum ndc_err err = change(eid, out, by, old, metadata, false, fault);
    eid_client_unref(old);
    return err;
}

enum ndc_err eid_client_resecret(struct ndc_eid *eid, struct eid_registered *out,
                                 const struct eid_client_by *by, struct ndc_fault *fault)
{
    struct eid_client *old;
    struct json_object *metadata = NULL;
    struct ndc_buf text;
    struct ndc_json j;
    *out = (struct eid_registered){0};
    snprintf(out->id, sizeof(out->id), "%.*s", NDC_STR_FMT(by->client));
    NDC_TRY(eid_client_take(eid, &old, by->client, fault));
    ndc_buf_init(&text, EID_METADATA_BYTES_MAX);
    ndc_json_init(&j, &text);
    ndc_json_object(&j);
    eid_client_write(&j, old);
    ndc_json_end(&j);
    enum ndc_err err = has_secret(old)
                           ? ndc_json_parse(&metadata, ndc_buf_str(&text), fault)
                           : ndc_fail(fault, NDC_ECONFLICT, "eid.client_secret",
                                      "this client authenticates without a secret");
    if (!err) err = change(eid, out, by, old, metadata, true, fault);
    json_object_put(metadata);
    ndc_buf_free(&text);
    eid_client_unref(old);
    return err;
}

static enum ndc_err delete_row(struct ndc_store_conn *conn, void *arg,
                               struct ndc_fault *fault)
{
    const struct eid_client_by *by = arg;
    int64_t changes = 0;
    NDC_TRY(ndc_sql_exec(conn,
                         "DELETE FROM eid_client WHERE client = $1 AND ((owner = $2 AND "
                         "$2 <> '') OR registration = $3)",
                         NDC_ARGS(ndc_text(by->client), ndc_text(by->account),
                                  hash_val(by->registration, true)),
                         &changes, fault));
    return changes ? eid_changed(conn, fault) : none_of_yours(fault);
}

enum ndc_err eid_client_remove(struct ndc_eid *eid, const struct eid_client_by *by,
                               struct ndc_fault *fault)
{
    struct eid_client_by copy = *by;
    NDC_TRY(ndc_store_write(eid->store, delete_row, &copy, fault));
    eid_clients_forget(eid->clients);
    return NDC_OK;
}

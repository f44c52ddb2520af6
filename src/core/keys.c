/* API keys of agencies' systems. */
#include "core/identity_private.h"

struct add {
    const struct ndc_key *key;
    struct ndc_str roles;
    char cert[NDC_THUMBPRINT_TEXT];
    const char *id;
    uint8_t hash[NDC_TOKEN_HASH_BYTES];
};

static enum ndc_err insert(struct ndc_store_conn *conn, void *arg,
                           struct ndc_fault *fault)
{
    const struct add *a = arg;
    const struct ndc_key *key = a->key;
    enum ndc_err err = identity_check_agency(conn, key->agency, fault);
    if (err == NDC_OK) err = identity_check_roles(conn, a->roles, fault);
    if (err != NDC_OK) return err;
    return ndc_sql_exec(
        conn,
        "INSERT INTO ndc_key (key_id, secret, agency, title, roles, created_ms, "
        "expires_ms, revoked_ms, cert_sha256) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8)",
        NDC_ARGS(
            ndc_textz(a->id), ndc_blob(ndc_str_n((const char *)a->hash, sizeof(a->hash))),
            ndc_text(key->agency), ndc_text(key->title.ptr ? key->title : NDC_STR("")),
            ndc_text(a->roles), ndc_int(ndc_clock_wall_ms()), ndc_int(key->expires_ms),
            ndc_textz(a->cert)),
        NULL, fault);
}

enum ndc_err ndc_key_add(struct ndc_identity *identity, const struct ndc_key *key,
                         char id[16], char secret[NDC_TOKEN_TEXT_MAX],
                         struct ndc_fault *fault)
{
    struct add a = {.key = key,
                    .roles = key->roles.len ? key->roles : NDC_STR(NDC_KEY_ROLES_DEFAULT),
                    .id = id};
    enum ndc_err err = NDC_OK;
    if (!key->agency.len)
        return ndc_fail_at(fault, NDC_EINPUT, "user.agency", "agency", 0,
                           "a key belongs to an agency");
    if (key->cert_sha256.len) err = ndc_thumbprint_read(a.cert, key->cert_sha256, fault);
    if (err != NDC_OK) return err;
    ndc_token_id(id, KEY_ID_LEN);
    ndc_token_make(secret, "ndc_");
    ndc_token_hash(a.hash, ndc_str(secret));
    return identity_write(identity, insert, &a, fault);
}

static enum ndc_err revoke(struct ndc_store_conn *conn, void *arg,
                           struct ndc_fault *fault)
{
    const struct ndc_str *id = arg;
    int64_t changes = 0;
    enum ndc_err err = ndc_sql_exec(
        conn,
        "UPDATE ndc_key SET revoked_ms = $1 WHERE key_id = $2 AND "
        "revoked_ms = 0",
        NDC_ARGS(ndc_int(ndc_clock_wall_ms()), ndc_text(*id)), &changes, fault);
    if (err == NDC_OK && !changes)
        err = ndc_fail_at(fault, NDC_ENOTFOUND, "key.unknown", "id", 0,
                          "there is no key \"%.*s\", or it was revoked before",
                          NDC_STR_FMT(*id));
    return err;
}

enum ndc_err ndc_key_revoke(struct ndc_identity *identity, struct ndc_str id,
                            struct ndc_fault *fault)
{
    return identity_write(identity, revoke, &id, fault);
}

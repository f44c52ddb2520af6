/* Passkeys (WebAuthn Level 3): options for the browser, its answers checked, what is kept
 * of them. The procedures themselves are in webauthn.h and keep no state; the challenge
 * lives in the interaction's row and goes with the change that it allows. */
#include "platforms/eid/passkey.h"

#include "crypto/digest.h"
#include "crypto/hmac.h"
#include "platforms/eid/webauthn/webauthn.h"
#include "sys/clock.h"
#include "sys/random.h"

enum {
    TIMEOUT_MS = 5 * 60 * 1000, /* a challenge is good for so long */
    HANDLE_BYTES = 32,
    PART_BYTES_MAX = 32 << 10, /* of an answer's member */
    DATA_BYTES_MAX = 16 << 10,
    TRANSPORTS_MAX = 8
};

/* ---- who we are to an authenticator ---- */

static struct ndc_str origin_of(const struct ndc_eid *eid)
{
    struct ndc_str s = eid->issuer;
    size_t slashes = 0, i = 0;
    for (; i < s.len; i++)
        if (s.ptr[i] == '/' && ++slashes == 3) break;
    return ndc_str_n(s.ptr, i);
}

static struct ndc_str rp_id_of(const struct ndc_eid *eid)
{
    struct ndc_str s = origin_of(eid);
    size_t colon = ndc_str_find(s, ':');
    s = ndc_str_from(s, colon + 3); /* behind "://" */
    return ndc_str_n(s.ptr, ndc_str_find(s, ':'));
}

struct ndc_str eid_passkey_challenge(struct ndc_arena *arena)
{
    uint8_t bytes[EID_CHALLENGE_BYTES];
    ndc_random_bytes(bytes, sizeof(bytes));
    return eid_base64url(arena, bytes, sizeof(bytes));
}

/* What an authenticator keeps of whose the passkey is: it says nothing to anybody else.
 */
static struct ndc_str handle_of(const struct ndc_eid *eid, struct ndc_arena *arena,
                                struct ndc_str account)
{
    uint8_t mac[NDC_HMAC_BYTES];
    struct ndc_str text =
        ndc_arena_printf(arena, "user-handle:%.*s", NDC_STR_FMT(account));
    ndc_hmac_sha256(mac, ndc_str_n((const char *)eid->salt, sizeof(eid->salt)), text);
    return eid_base64url(arena, mac, HANDLE_BYTES);
}

/* The credential's name in eid_credential. */
static struct ndc_str name_of(struct ndc_arena *arena, struct ndc_str id)
{
    uint8_t digest[NDC_SHA256_BYTES];
    ndc_sha256(digest, id);
    return eid_base64url(arena, digest, sizeof(digest));
}

/* ---- options ---- */

static void write_credential(struct ndc_json *j, struct ndc_str id,
                             struct ndc_str transports)
{
    ndc_json_object(j);
    ndc_json_kv_c(j, "type", "public-key");
    ndc_json_kv_str(j, "id", id);
    if (transports.len) {
        ndc_json_key(j, "transports");
        ndc_json_raw(j, transports);
    }
    ndc_json_end(j);
}

static void write_credentials(struct ndc_json *j, const struct eid_authenticators *all)
{
    for (size_t i = 0; i < all->n; i++)
        if (ndc_str_eq_c(all->items[i].kind, "passkey") && !all->items[i].cloned)
            write_credential(j, all->items[i].credential, all->items[i].transports);
}

/* For a login that has none: one that nobody has, the same each time. */
static void write_decoy(struct ndc_request *req, struct ndc_str login)
{
    uint8_t mac[NDC_HMAC_BYTES];
    const struct ndc_eid *eid = ndc_eid_of(req);
    struct ndc_str text = ndc_arena_printf(req->arena, "decoy:%.*s", NDC_STR_FMT(login));
    ndc_hmac_sha256(mac, ndc_str_n((const char *)eid->salt, sizeof(eid->salt)), text);
    write_credential(&req->json, eid_base64url(req->arena, mac, sizeof(mac)),
                     NDC_STR_NULL);
}

void eid_passkey_request_options(struct ndc_request *req, struct ndc_str challenge,
                                 const struct eid_authenticators *all,
                                 struct ndc_str login)
{
    struct ndc_json *j = &req->json;
    ndc_json_object(j);
    ndc_json_key(j, "publicKey");
    ndc_json_object(j);
    ndc_json_kv_str(j, "challenge", challenge);
    ndc_json_kv_str(j, "rpId", rp_id_of(ndc_eid_of(req)));
    ndc_json_kv_i64(j, "timeout", TIMEOUT_MS);
    ndc_json_kv_c(j, "userVerification", "required");
    ndc_json_key(j, "allowCredentials");
    ndc_json_array(j);
    write_credentials(j, all);
    if (login.len && !eid_authenticator_of(all, "passkey")) write_decoy(req, login);
    ndc_json_end(j);
    ndc_json_end(j);
    ndc_json_end(j);
}

static void write_create(struct ndc_request *req, const struct eid_account *account)
{
    struct ndc_json *j = &req->json;
    const struct ndc_eid *eid = ndc_eid_of(req);
    ndc_json_key(j, "rp");
    ndc_json_object(j);
    ndc_json_kv_str(j, "id", rp_id_of(eid));
    ndc_json_kv_c(j, "name", "e-ID");
    ndc_json_end(j);
    ndc_json_key(j, "user");
    ndc_json_object(j);
    ndc_json_kv_str(j, "id", handle_of(eid, req->arena, account->account));
    ndc_json_kv_str(j, "name",
                    account->number.len ? eid_number_masked(req->arena, account->number)
                                        : account->user_name);
    ndc_json_kv_str(j, "displayName", account->name);
    ndc_json_end(j);
}

/* In order of preference; the first is what nearly all have. */
static const int32_t algorithms[] = {-7, -8, -35, -36, -257};

void eid_passkey_create_options(struct ndc_request *req, struct ndc_str challenge,
                                const struct eid_account *account,
                                const struct eid_authenticators *all)
{
    struct ndc_json *j = &req->json;
    ndc_json_object(j);
    ndc_json_key(j, "publicKey");
    ndc_json_object(j);
    ndc_json_kv_str(j, "challenge", challenge);
    write_create(req, account);
    ndc_json_key(j, "pubKeyCredParams");
    ndc_json_array(j);
    for (size_t i = 0; i < NDC_ARRAY_LEN(algorithms); i++) {
        ndc_json_object(j);
        ndc_json_kv_c(j, "type", "public-key");
        ndc_json_kv_i64(j, "alg", algorithms[i]);
        ndc_json_end(j);
    }
    ndc_json_end(j);
    ndc_json_kv_i64(j, "timeout", TIMEOUT_MS);
    ndc_json_kv_c(j, "attestation", "none");
    ndc_json_key(j, "authenticatorSelection");
    ndc_json_object(j);
    ndc_json_kv_c(j, "residentKey", "preferred");
    ndc_json_kv_bool(j, "requireResidentKey", false);
    ndc_json_kv_c(j, "userVerification", "required");
    ndc_json_end(j);
    ndc_json_key(j, "excludeCredentials");
    ndc_json_array(j);
    write_credentials(j, all);
    ndc_json_end(j);
    ndc_json_end(j);
    ndc_json_end(j);
}

/* ---- answers ---- */

static enum ndc_err bad_answer(struct ndc_fault *fault, const char *member)
{
    return ndc_fail_at(fault, NDC_EINPUT, "webauthn.answer", member, 0,
                       "the member \"%s\" is missing or is not base64url", member);
}

static enum ndc_err read_part(struct ndc_request *req, struct json_object *o,
                              const char *member, struct ndc_str *out,
                              struct ndc_fault *fault)
{
    if (eid_base64url_read(req->arena, eid_text(ndc_json_get_str(o, member)),
                           PART_BYTES_MAX, out))
        return NDC_OK;
    return bad_answer(fault, member);
}

static enum ndc_err read_challenge(struct ndc_request *req, struct ndc_str text,
                                   struct ndc_str *out, struct ndc_fault *fault)
{
    if (text.len && eid_base64url_read(req->arena, text, EID_CHALLENGE_BYTES, out) &&
        out->len == EID_CHALLENGE_BYTES)
        return NDC_OK;
    return ndc_fail(fault, NDC_EINPUT, "webauthn.challenge",
                    "no passkey was asked for, or it took too long: begin again");
}

/* Which account's the credential is. */
static enum ndc_err find_owner(struct ndc_request *req, struct ndc_str id,
                               struct eid_account *account,
                               struct eid_authenticators *all, int64_t *number,
                               struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    struct ndc_str owner = NDC_STR_NULL;
    NDC_TRY(eid_conn(req, &conn, fault));
    struct ndc_rows *rows = ndc_sql_query(
        conn, "SELECT account, number FROM eid_credential WHERE credential = $1",
        NDC_ARGS(ndc_text(name_of(req->arena, id))));
    if (ndc_rows_next(rows)) {
        owner = ndc_arena_str(req->arena, ndc_rows_text(rows, 0));
        *number = ndc_rows_i64(rows, 1);
    }
    enum ndc_err err = ndc_rows_end(rows, fault);
    if (!err && owner.ptr) err = eid_account_row(conn, req->arena, owner, account, fault);
    if (!err && owner.ptr)
        err = eid_authenticators_read(conn, req->arena, owner, all, fault);
    ndc_store_give(conn);
    if (!err && !owner.ptr)
        err = ndc_fail(fault, NDC_EAUTH, "auth.failed",
                       "this passkey is not known here: sign in in another way");
    return err;
}

static const struct eid_authenticator *by_number(const struct eid_authenticators *all,
                                                 int64_t number)
{
    for (size_t i = 0; i < all->n; i++)
        if (all->items[i].number == number) return &all->items[i];
    return NULL;
}

/* The kept JSON with members that a use changes. */
static struct ndc_str change_data(struct ndc_arena *arena, struct ndc_str data,
                                  const char *flag, bool value)
{
    struct json_object *o = NULL;
    if (ndc_json_parse(&o, data, NULL)) return data;
    json_object_object_add(o, flag, json_object_new_boolean(value));
    struct ndc_str out = ndc_arena_str(
        arena, ndc_str(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN)));
    json_object_put(o);
    return out;
}

struct answer {
    struct ndc_str id, client_data, authenticator_data, signature, handle;
};

static enum ndc_err read_answer(struct ndc_request *req, struct json_object *credential,
                                struct answer *out, struct ndc_fault *fault)
{
    struct json_object *response = ndc_json_get(credential, "response");
    out->handle = NDC_STR_NULL;
    NDC_TRY(read_part(req, credential, "rawId", &out->id, fault));
    NDC_TRY(read_part(req, response, "clientDataJSON", &out->client_data, fault));
    NDC_TRY(
        read_part(req, response, "authenticatorData", &out->authenticator_data, fault));
    NDC_TRY(read_part(req, response, "signature", &out->signature, fault));
    if (ndc_json_get_str(response, "userHandle").len)
        NDC_TRY(read_part(req, response, "userHandle", &out->handle, fault));
    return NDC_OK;
}

/* A resident key says whose it is; it must be who the credential is known to be. */
static enum ndc_err check_handle(struct ndc_request *req, const struct answer *answer,
                                 const struct eid_account *account,
                                 struct ndc_fault *fault)
{
    if (!answer->handle.ptr) return NDC_OK;
    struct ndc_str own = handle_of(ndc_eid_of(req), req->arena, account->account);
    if (ndc_str_eq(eid_base64url(req->arena, answer->handle.ptr, answer->handle.len),
                   own))
        return NDC_OK;
    return ndc_fail(fault, NDC_EAUTH, "webauthn.user_handle",
                    "the passkey is not one of this account");
}

static enum ndc_err assert_one(struct ndc_request *req, const struct answer *answer,
                               const struct eid_authenticator *a,
                               struct ndc_str challenge, struct eid_passkey_use *use,
                               struct ndc_fault *fault)
{
    struct ndc_webauthn_asserted asserted = {0};
    struct ndc_str key;
    const struct ndc_str origin = origin_of(ndc_eid_of(req));
    const struct ndc_webauthn_rp rp = {
        .id = rp_id_of(ndc_eid_of(req)), .origins = &origin, .n_origins = 1};
    if (!eid_base64url_read(req->arena, a->public_key, PART_BYTES_MAX, &key))
        return ndc_fail(fault, NDC_EINTERNAL, "eid.passkey", "the kept key is damaged");
    const struct ndc_webauthn_credential stored = {
        .public_key = key, .counter = (uint32_t)a->counter, .backup_eligible = a->backup};
    enum ndc_err err =
        ndc_webauthn_assert(&asserted, &rp, &stored, challenge, true, answer->client_data,
                            answer->authenticator_data, answer->signature, fault);
    use->cloned = err && strcmp(fault->code, "webauthn.counter") == 0;
    if (err) return err;
    use->counter = asserted.counter;
    use->data = change_data(req->arena, a->data, "backed_up", asserted.backed_up);
    return NDC_OK;
}

enum ndc_err eid_passkey_assert(struct ndc_request *req, const struct eid_interaction *it,
                                struct json_object *credential,
                                struct eid_account *account,
                                struct eid_authenticators *all,
                                struct eid_passkey_use *use, struct ndc_fault *fault)
{
    struct answer answer;
    struct ndc_str challenge;
    *use = (struct eid_passkey_use){.account = NDC_STR_NULL};
    NDC_TRY(read_challenge(req,
                           ndc_clock_wall_ms() - it->challenge_ms <= TIMEOUT_MS
                               ? it->challenge
                               : NDC_STR(""),
                           &challenge, fault));
    NDC_TRY(read_answer(req, credential, &answer, fault));
    NDC_TRY(find_owner(req, answer.id, account, all, &use->number, fault));
    const struct eid_authenticator *a = by_number(all, use->number);
    if (!a || !ndc_str_eq_c(a->kind, "passkey") || a->cloned)
        return ndc_fail(fault, NDC_EAUTH, "auth.failed",
                        "this passkey is no longer taken: sign in in another way");
    NDC_TRY(check_handle(req, &answer, account, fault));
    use->account = account->account;
    use->backup = a->backup;
    use->data_before = a->data;
    use->counter_before = a->counter;
    return assert_one(req, &answer, a, challenge, use, fault);
}

enum ndc_err eid_passkey_used(struct ndc_store_conn *conn,
                              const struct eid_passkey_use *use, struct ndc_fault *fault)
{
    int64_t n = 0;
    NDC_TRY(ndc_sql_exec(conn,
                         "UPDATE eid_authenticator SET counter = $4, data = $6, used_ms "
                         "= $7 WHERE account = $1 AND number = $2 AND counter = $3 AND "
                         "data = $5",
                         NDC_ARGS(ndc_text(use->account), ndc_int(use->number),
                                  ndc_int(use->counter_before), ndc_int(use->counter),
                                  ndc_text(use->data_before), ndc_text(use->data),
                                  ndc_int(ndc_clock_wall_ms())),
                         &n, fault));
    if (n) return NDC_OK;
    return ndc_fail(fault, NDC_ECONFLICT, "eid.interaction_changed",
                    "the passkey was used at the same moment elsewhere: try again");
}

struct cloned {
    const struct eid_passkey_use *use;
    struct ndc_str data;
};

static enum ndc_err write_cloned(struct ndc_store_conn *conn, void *arg,
                                 struct ndc_fault *fault)
{
    const struct cloned *c = arg;
    return ndc_sql_exec(
        conn, "UPDATE eid_authenticator SET data = $3 WHERE account = $1 AND number = $2",
        NDC_ARGS(ndc_text(c->use->account), ndc_int(c->use->number), ndc_text(c->data)),
        NULL, fault);
}

enum ndc_err eid_passkey_cloned(struct ndc_eid *eid, const struct eid_passkey_use *use,
                                struct ndc_fault *fault)
{
    struct ndc_arena arena;
    ndc_arena_init(&arena, DATA_BYTES_MAX * 4);
    struct cloned c = {use, change_data(&arena, use->data_before, "cloned", true)};
    enum ndc_err err = ndc_store_write(eid->store, write_cloned, &c, fault);
    ndc_arena_free(&arena);
    return err;
}

/* ---- registering ---- */

/* Words that the browser gave: hints for later, never trusted. */
static void write_transports(struct ndc_json *j, struct json_object *list)
{
    ndc_json_key(j, "transports");
    ndc_json_array(j);
    size_t n = list && json_object_is_type(list, json_type_array)
                   ? json_object_array_length(list)
                   : 0;
    for (size_t i = 0; i < NDC_MIN(n, (size_t)TRANSPORTS_MAX); i++) {
        struct json_object *one = json_object_array_get_idx(list, i);
        struct ndc_str word = ndc_str(json_object_get_string(one));
        if (json_object_is_type(one, json_type_string) && word.len && word.len <= 16)
            ndc_json_str(j, word);
    }
    ndc_json_end(j);
}

static struct ndc_str keep_data(struct ndc_arena *arena,
                                const struct ndc_webauthn_registered *r,
                                struct json_object *response)
{
    struct ndc_buf buf;
    struct ndc_json j;
    ndc_buf_init(&buf, DATA_BYTES_MAX);
    ndc_json_init(&j, &buf);
    ndc_json_object(&j);
    ndc_json_kv_str(&j, "credential",
                    eid_base64url(arena, r->credential_id.ptr, r->credential_id.len));
    ndc_json_kv_str(&j, "public_key",
                    eid_base64url(arena, r->public_key.ptr, r->public_key.len));
    ndc_json_kv_str(&j, "aaguid", eid_base64url(arena, r->aaguid, sizeof(r->aaguid)));
    ndc_json_kv_str(&j, "attestation", r->format);
    ndc_json_kv_c(&j, "trust", ndc_webauthn_trust_name(r->trust));
    ndc_json_kv_bool(&j, "backup", r->backup_eligible);
    ndc_json_kv_bool(&j, "backed_up", r->backed_up);
    write_transports(&j, ndc_json_get(response, "transports"));
    ndc_json_end(&j);
    return eid_json_take(arena, &buf);
}

enum ndc_err eid_passkey_register(struct ndc_request *req, struct ndc_str challenge_text,
                                  struct json_object *credential,
                                  struct eid_authenticator *out, struct ndc_str *name,
                                  struct ndc_fault *fault)
{
    struct ndc_webauthn_registered made = {0};
    struct json_object *response = ndc_json_get(credential, "response");
    struct ndc_str challenge = NDC_STR_NULL, client_data = NDC_STR_NULL,
                   attestation = NDC_STR_NULL;
    const struct ndc_str origin = origin_of(ndc_eid_of(req));
    const struct ndc_webauthn_rp rp = {.id = rp_id_of(ndc_eid_of(req)),
                                       .origins = &origin,
                                       .n_origins = 1,
                                       .algorithms = algorithms,
                                       .n_algorithms = NDC_ARRAY_LEN(algorithms)};
    NDC_TRY(read_challenge(req, challenge_text, &challenge, fault));
    NDC_TRY(read_part(req, response, "clientDataJSON", &client_data, fault));
    NDC_TRY(read_part(req, response, "attestationObject", &attestation, fault));
    NDC_TRY(ndc_webauthn_register(&made, req->arena, &rp, challenge, true, client_data,
                                  attestation, NULL, ndc_clock_wall_ms() / 1000, fault));
    *name = name_of(req->arena, made.credential_id);
    *out = (struct eid_authenticator){.kind = NDC_STR("passkey"),
                                      .data = keep_data(req->arena, &made, response),
                                      .counter = made.counter,
                                      .backup = made.backup_eligible};
    return NDC_OK;
}

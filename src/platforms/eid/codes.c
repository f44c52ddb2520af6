/* TOTP secrets, sealed under the platform's key, and recovery codes, hashed: 80 random
 * bits need no slow hash. */
#include "platforms/eid/codes.h"

#include "crypto/recovery.h"
#include "crypto/totp.h"
#include "platforms/eid/web.h"
#include "sys/clock.h"

enum { SEALED_MAX = 1024 };

/* ---- TOTP (RFC 6238): SHA-1, six digits, thirty seconds, as all apps have it ---- */

static const struct ndc_totp usual = {.hash = NDC_OTP_SHA1};

enum ndc_err eid_totp_make(struct ndc_eid *eid, struct ndc_arena *arena,
                           const struct eid_account *account, struct eid_totp_made *out,
                           struct ndc_fault *fault)
{
    uint8_t key[NDC_TOTP_KEY_BYTES];
    struct ndc_buf buf;
    struct ndc_str raw = ndc_str_n((const char *)key, sizeof(key));
    struct ndc_str label = account->number.len ? eid_number_masked(arena, account->number)
                                               : account->user_name;
    ndc_totp_key_make(key);
    ndc_buf_init(&buf, SEALED_MAX);
    ndc_base32_add(&buf, key, sizeof(key));
    out->secret = eid_json_take(arena, &buf);
    ndc_buf_init(&buf, SEALED_MAX);
    enum ndc_err err = ndc_totp_uri(&buf, &usual, raw, NDC_STR("e-ID"), label, fault);
    out->uri = eid_json_take(arena, &buf);
    ndc_buf_init(&buf, SEALED_MAX);
    ndc_seal_add(eid->seal, &buf, account->account, raw);
    out->sealed = eid_json_take(arena, &buf);
    ndc_secret_wipe(key, sizeof(key));
    return err;
}

/* Also a step that was used: whether it counts the write decides. */
int64_t eid_totp_step(struct ndc_eid *eid, struct ndc_str account,
                      const struct eid_authenticator *totp, struct ndc_str code,
                      int64_t now_ms)
{
    struct ndc_buf key;
    int64_t step = 0;
    ndc_buf_init(&key, SEALED_MAX);
    if (ndc_seal_open(eid->seal, &key, account, totp->secret, NULL) != NDC_OK ||
        !ndc_totp_check(&step, &usual, ndc_buf_str(&key), now_ms / 1000, -1, code))
        step = 0;
    if (key.ptr) ndc_secret_wipe(key.ptr, key.len);
    ndc_buf_free(&key);
    return step;
}

enum ndc_err eid_totp_use(struct ndc_store_conn *conn, struct ndc_str account,
                          int64_t number, int64_t step, bool *fresh,
                          struct ndc_fault *fault)
{
    int64_t n = 0;
    NDC_TRY(ndc_sql_exec(conn,
                         "UPDATE eid_authenticator SET counter = $3, used_ms = $4 WHERE "
                         "account = $1 AND number = $2 AND kind = 'totp' AND counter < "
                         "$3",
                         NDC_ARGS(ndc_text(account), ndc_int(number), ndc_int(step),
                                  ndc_int(ndc_clock_wall_ms())),
                         &n, fault));
    *fresh = n > 0;
    return NDC_OK;
}

/* ---- recovery codes ---- */

static struct ndc_str hash_text(struct ndc_arena *arena,
                                const uint8_t hash[static NDC_TOKEN_HASH_BYTES])
{
    return eid_base64url(arena, hash, NDC_TOKEN_HASH_BYTES);
}

void eid_codes_make(struct ndc_arena *arena, size_t n, struct eid_codes_made *out)
{
    struct ndc_recovery_codes codes;
    _Static_assert((int)EID_RECOVERY_CODES <= (int)NDC_RECOVERY_CODES,
                   "so many are made");
    ndc_recovery_make(&codes);
    *out = (struct eid_codes_made){.n = n, .hashes = NDC_STR("")};
    for (size_t i = 0; i < n; i++) {
        struct ndc_str hash = hash_text(arena, codes.hash[i]);
        out->codes[i] = ndc_arena_str(arena, ndc_str(codes.text[i]));
        out->hashes = ndc_arena_printf(arena, "%.*s%s%.*s", NDC_STR_FMT(out->hashes),
                                       i ? " " : "", NDC_STR_FMT(hash));
    }
    ndc_secret_wipe(&codes, sizeof(codes));
}

void eid_codes_write(struct ndc_json *j, const struct eid_codes_made *made)
{
    ndc_json_object(j);
    ndc_json_key(j, "codes");
    ndc_json_array(j);
    for (size_t i = 0; i < made->n; i++)
        ndc_json_str(j, made->codes[i]);
    ndc_json_end(j);
    ndc_json_end(j);
}

/* The hashes without one; false if it is not among them. */
static bool leave_out(struct ndc_arena *arena, struct ndc_str hashes, struct ndc_str hash,
                      struct ndc_str *left)
{
    struct ndc_str one, rest = hashes;
    bool found = false;
    *left = NDC_STR("");
    while (rest.ptr && ndc_str_split(&rest, ' ', &one)) {
        if (!found && ndc_secret_equal(one, hash)) {
            found = true;
            continue;
        }
        *left = ndc_arena_printf(arena, "%.*s%s%.*s", NDC_STR_FMT(*left),
                                 left->len ? " " : "", NDC_STR_FMT(one));
    }
    return found;
}

const struct eid_authenticator *eid_recovery_find(const struct eid_authenticators *all,
                                                  struct ndc_arena *arena,
                                                  struct ndc_str code,
                                                  struct ndc_str *left)
{
    uint8_t bytes[NDC_TOKEN_HASH_BYTES];
    if (!ndc_recovery_hash(bytes, code)) return NULL;
    struct ndc_str hash = hash_text(arena, bytes);
    for (size_t i = 0; i < all->n; i++)
        if (ndc_str_eq_c(all->items[i].kind, "recovery") &&
            leave_out(arena, all->items[i].secret, hash, left))
            return &all->items[i];
    return NULL;
}

enum ndc_err eid_recovery_use(struct ndc_store_conn *conn, struct ndc_str account,
                              const struct eid_authenticator *a, struct ndc_str left,
                              bool *fresh, struct ndc_fault *fault)
{
    int64_t n = 0;
    NDC_TRY(
        ndc_sql_exec(conn,
                     "UPDATE eid_authenticator SET secret = $4, used_ms = $5, "
                     "counter = counter + 1 WHERE account = $1 AND number = $2 AND "
                     "secret = $3",
                     NDC_ARGS(ndc_text(account), ndc_int(a->number), ndc_text(a->secret),
                              ndc_text(left), ndc_int(ndc_clock_wall_ms())),
                     &n, fault));
    *fresh = n > 0;
    return NDC_OK;
}

/* Making tokens (mint.h). */
#include "platforms/eid/provider/mint.h"

#include "crypto/base64.h"
#include "crypto/digest.h"
#include "crypto/hmac.h"
#include "crypto/token.h"
#include "platforms/eid/provider/claims.h"
#include "platforms/eid/provider/keys.h"
#include "sys/clock.h"

#include <stdio.h>

enum { CLAIMS_BYTES_MAX = 64 << 10, ID_TOKEN_S = 300, JTI_LEN = 22 };

void eid_subject(const struct ndc_eid *eid, char out[EID_SUB_TEXT],
                 const struct eid_client *client, struct ndc_str account)
{
    uint8_t mac[NDC_HMAC_BYTES];
    char text[512];
    struct ndc_buf encoded;
    int len = client->sector.len
                  ? snprintf(text, sizeof(text), "pairwise %.*s %.*s",
                             NDC_STR_FMT(client->sector), NDC_STR_FMT(account))
                  : snprintf(text, sizeof(text), "public %.*s", NDC_STR_FMT(account));
    NDC_ASSERT(len > 0 && (size_t)len < sizeof(text));
    ndc_hmac_sha256(mac, ndc_str_n((const char *)eid->salt, sizeof(eid->salt)),
                    ndc_str_n(text, (size_t)len));
    ndc_buf_init(&encoded, EID_SUB_TEXT);
    ndc_base64url_add(&encoded, mac, sizeof(mac));
    ndc_buf_add_byte(&encoded, 0);
    NDC_ASSERT(!encoded.failed);
    memcpy(out, encoded.ptr, encoded.len);
    ndc_buf_free(&encoded);
}

static void write_confirmation(struct ndc_json *j, const struct eid_mint *m)
{
    if (!m->jkt.len && !m->x5t.len) return;
    ndc_json_key(j, "cnf");
    ndc_json_object(j);
    if (m->jkt.len) ndc_json_kv_str(j, "jkt", m->jkt);
    if (m->x5t.len) ndc_json_kv_str(j, "x5t#S256", m->x5t);
    ndc_json_end(j);
}

static void write_jti(struct ndc_json *j, const struct eid_mint *m)
{
    char jti[EID_GRANT_LEN + 48], random[JTI_LEN + 1];
    if (m->grant[0]) { /* one grant may give several tokens at one counter */
        ndc_token_id(random, 8);
        random[8] = 0;
        snprintf(jti, sizeof(jti), "%s.%lld.%s", m->grant, (long long)m->counter, random);
        ndc_json_kv_c(j, "jti", jti);
        return;
    }
    ndc_token_id(random, JTI_LEN);
    ndc_json_kv_c(j, "jti", random);
}

enum ndc_err eid_mint_access(struct ndc_eid *eid, struct ndc_buf *out,
                             const struct eid_mint *m, struct ndc_fault *fault)
{
    struct ndc_buf claims;
    struct ndc_json j;
    char sub[EID_SUB_TEXT];
    int64_t now = ndc_clock_wall_ms() / 1000;
    ndc_buf_init(&claims, CLAIMS_BYTES_MAX);
    ndc_json_init(&j, &claims);
    ndc_json_object(&j);
    ndc_json_kv_str(&j, "iss", eid->issuer);
    if (m->given) {
        eid_subject(eid, sub, m->client, m->given->account);
        ndc_json_kv_c(&j, "sub", sub);
    } else {
        ndc_json_kv_str(&j, "sub", m->client->id);
    }
    ndc_json_kv_str(&j, "aud", m->audience.len ? m->audience : eid->issuer);
    ndc_json_kv_str(&j, "client_id", m->client->id);
    ndc_json_kv_i64(&j, "iat", now);
    ndc_json_kv_i64(&j, "exp", now + EID_ACCESS_S);
    write_jti(&j, m);
    if (m->scope.len) ndc_json_kv_str(&j, "scope", m->scope);
    if (m->given) {
        ndc_json_kv_i64(&j, "auth_time", m->given->auth_ms / 1000);
        if (m->given->acr.len) ndc_json_kv_str(&j, "acr", m->given->acr);
    }
    if (m->details.len) {
        ndc_json_key(&j, "authorization_details");
        ndc_json_raw(&j, m->details);
    }
    write_confirmation(&j, m);
    ndc_json_end(&j);
    enum ndc_err err = eid_sign(eid, out, "ES256", "at+jwt", ndc_buf_str(&claims), fault);
    ndc_buf_free(&claims);
    return err;
}

/* The left half of the token's hash; all our algorithms hash with SHA-256 but EdDSA,
 * whose inner hash is SHA-512: for it the hash of the whole is left out (optional in the
 * code flow). */
static void write_at_hash(struct ndc_json *j, const char *alg, struct ndc_str access)
{
    uint8_t digest[NDC_SHA256_BYTES];
    struct ndc_buf text;
    if (strcmp(alg, "EdDSA") == 0) return;
    ndc_sha256(digest, access);
    ndc_buf_init(&text, 64);
    ndc_base64url_add(&text, digest, sizeof(digest) / 2);
    ndc_json_kv_str(j, "at_hash", ndc_buf_str(&text));
    ndc_buf_free(&text);
}

enum ndc_err eid_mint_id(struct ndc_eid *eid, struct ndc_buf *out,
                         const struct eid_mint *m, struct ndc_str access,
                         struct ndc_fault *fault)
{
    const struct eid_given *g = m->given;
    struct ndc_buf claims;
    struct ndc_json j;
    char sub[EID_SUB_TEXT];
    int64_t now = ndc_clock_wall_ms() / 1000;
    eid_subject(eid, sub, m->client, g->account);
    ndc_buf_init(&claims, CLAIMS_BYTES_MAX);
    ndc_json_init(&j, &claims);
    ndc_json_object(&j);
    ndc_json_kv_str(&j, "iss", eid->issuer);
    ndc_json_kv_c(&j, "sub", sub);
    ndc_json_kv_str(&j, "aud", m->client->id);
    ndc_json_kv_i64(&j, "iat", now);
    ndc_json_kv_i64(&j, "exp", now + ID_TOKEN_S);
    ndc_json_kv_i64(&j, "auth_time", g->auth_ms / 1000);
    if (g->nonce.len) ndc_json_kv_str(&j, "nonce", g->nonce);
    if (g->acr.len) ndc_json_kv_str(&j, "acr", g->acr);
    if (g->amr.len) {
        struct ndc_str rest = g->amr, word;
        ndc_json_key(&j, "amr");
        ndc_json_array(&j);
        while (rest.ptr && ndc_str_split(&rest, ' ', &word))
            if (word.len) ndc_json_str(&j, word);
        ndc_json_end(&j);
    }
    if (g->sid.len) ndc_json_kv_str(&j, "sid", g->sid);
    write_at_hash(&j, m->client->id_alg, access);
    enum ndc_err err = eid_claims_for_id(eid, &j, g, fault);
    ndc_json_end(&j);
    if (!err)
        err = eid_sign(eid, out, m->client->id_alg, "JWT", ndc_buf_str(&claims), fault);
    ndc_buf_free(&claims);
    return err;
}

/* Compact JWE: five parts. */
#include "crypto/jwe.h"

#include "crypto/base64.h"
#include "crypto/jwe_internal.h"
#include "crypto/jws_internal.h"
#include "crypto/token.h"
#include "sys/random.h"

enum { PARTS = 5, HEADER_WRITTEN_MAX = 4096, ARENA_MAX = 2 * NDC_JWE_BYTES_MAX };

struct token {
    struct ndc_str part[PARTS]; /* as written; the first is what the tag covers too */
    struct ndc_str sealed_key, iv, content, tag; /* decoded, in the arena */
    struct json_object *header;
    const struct ndc_jwe_enc *enc;
};

bool ndc_jwe_enc_known(const char *enc)
{
    return ndc_jwe_enc_find(ndc_str(enc));
}

/* ---- encrypting ---- */

static enum ndc_err may(const struct ndc_jwk *key, enum ndc_jwk_side side,
                        struct ndc_fault *fault)
{
    const char *why = NULL;
    if (ndc_jwk_alg_signs(key->alg))
        why = "this key is for signing, not for encryption";
    else if (side == NDC_JWK_TAKE && !key->private)
        why = "a public key cannot decrypt";
    else if (!key->may[side])
        why = "the key's \"key_ops\" does not allow this";
    return why ? ndc_fail(fault, NDC_EINPUT, "jwe.key", "%s", why) : NDC_OK;
}

static void write_header(struct ndc_buf *out, const struct ndc_jwk *key,
                         const struct ndc_jwe_enc *enc, const char *cty,
                         struct ndc_str members)
{
    ndc_buf_add_str(out, key->head);
    ndc_buf_printf(out, ",\"enc\":\"%s\"", enc->name);
    if (cty) {
        struct ndc_json j = {.out = out};
        ndc_buf_add_c(out, ",\"cty\":");
        ndc_json_c(&j, cty);
    }
    ndc_buf_add_str(out, members);
    ndc_buf_add_byte(out, '}');
}

static void add_part(struct ndc_buf *out, const void *bytes, size_t len)
{
    ndc_buf_add_byte(out, '.');
    ndc_base64url_add(out, bytes, len);
}

/* The header is written already, from `from` on: it is what the tag covers too. */
static bool add_content(struct ndc_buf *out, size_t from, const struct ndc_jwe_enc *enc,
                        const uint8_t *cek, struct ndc_str sealed_key,
                        struct ndc_str plain)
{
    uint8_t iv[NDC_JWE_IV_MAX], tag[NDC_JWE_TAG_MAX];
    uint8_t *content = ndc_xmalloc(plain.len + 16);
    size_t len = 0;
    struct ndc_str aad = ndc_str_n(out->ptr + from, out->len - from);
    ndc_random_bytes(iv, sizeof(iv));
    bool good = ndc_jwe_seal(content, &len, tag, enc, cek, iv, aad, plain);
    if (good) {
        add_part(out, sealed_key.ptr, sealed_key.len);
        add_part(out, iv, enc->iv_bytes);
        add_part(out, content, len);
        add_part(out, tag, enc->tag_bytes);
    }
    free(content);
    return good;
}

static enum ndc_err too_big(struct ndc_fault *fault)
{
    return ndc_fail(fault, NDC_ETOOBIG, "jwe.too_big",
                    "an encrypted token has at most %d bytes", NDC_JWE_BYTES_MAX);
}

enum ndc_err ndc_jwe_encrypt(struct ndc_buf *out, const struct ndc_jwk *key,
                             const char *enc_name, const char *cty, struct ndc_str plain,
                             struct ndc_fault *fault)
{
    char header_room[HEADER_WRITTEN_MAX], members_room[1024];
    uint8_t cek[NDC_JWE_CEK_MAX], sealed[NDC_JWE_KEY_MAX];
    struct ndc_buf header = {
        .ptr = header_room, .cap = sizeof(header_room), .bytes_max = sizeof(header_room)};
    struct ndc_buf members = {.ptr = members_room,
                              .cap = sizeof(members_room),
                              .bytes_max = sizeof(members_room)};
    size_t from = out->len, sealed_len = 0;
    const struct ndc_jwe_enc *enc = ndc_jwe_enc_find(ndc_str(enc_name));
    if (!enc)
        return ndc_fail_at(fault, NDC_EINPUT, "jwe.algorithm", "enc", 0,
                           "there is no content encryption \"%.40s\" here", enc_name);
    NDC_TRY(may(key, NDC_JWK_GIVE, fault));
    if (plain.len > NDC_JWE_BYTES_MAX / 2) return too_big(fault);
    NDC_TRY(ndc_jwe_key_make(cek, sealed, &sealed_len, &members, key, enc, fault));
    write_header(&header, key, enc, cty, ndc_buf_str(&members));
    ndc_base64url_add(out, header.ptr, header.len);
    bool failed = header.failed || members.failed || out->failed;
    bool good = !failed && add_content(out, from, enc, cek,
                                       ndc_str_n((char *)sealed, sealed_len), plain);
    ndc_secret_wipe(cek, sizeof(cek));
    if (good && !out->failed) return NDC_OK;
    out->len = from;
    if (failed || out->failed) return too_big(fault);
    return ndc_fail(fault, NDC_EINTERNAL, "jwe.encrypt", "the content was not encrypted");
}

/* ---- decrypting ---- */

static enum ndc_err split(struct token *t, struct ndc_str token, struct ndc_fault *fault)
{
    struct ndc_str rest = token, more;
    size_t n = 0;
    if (token.len > NDC_JWE_BYTES_MAX) return too_big(fault);
    while (n <= PARTS && ndc_str_split(&rest, '.', &more)) {
        if (n < PARTS) t->part[n] = more;
        n++;
    }
    if (n == PARTS) return NDC_OK;
    return ndc_fail(fault, NDC_EINPUT, "jwe.syntax",
                    n == 3 ? "this token is signed only (three parts), and an encrypted "
                             "one (five parts) is wanted"
                           : "an encrypted token is five parts with a dot between them");
}

static enum ndc_err read_part(struct ndc_str *out, struct ndc_arena *arena,
                              struct ndc_str text, const char *which,
                              struct ndc_fault *fault)
{
    size_t len = 0, room = text.len / 4 * 3 + 3;
    uint8_t *bytes = ndc_arena_alloc(arena, room);
    if (!bytes || arena->overflow) return too_big(fault);
    if (!ndc_base64url_read(bytes, room, &len, text))
        return ndc_fail(fault, NDC_EINPUT, "jwe.syntax",
                        "the token's %s is not base64url without padding", which);
    *out = ndc_str_n((char *)bytes, len);
    return NDC_OK;
}

static enum ndc_err read_header(struct ndc_jwe_header *out, struct json_object **json,
                                struct ndc_arena *arena, struct ndc_str text,
                                struct ndc_fault *fault)
{
    static const struct ndc_jose_codes codes = {"jwe.header", "jwe.duplicate",
                                                "jwe.crit"};
    static const char code[] = "jwe.header";
    struct ndc_str raw;
    NDC_TRY(ndc_jose_header(json, &raw, arena, text, &codes, fault));
    NDC_TRY(ndc_jose_header_text(&out->alg, *json, "alg", 64, code, fault));
    NDC_TRY(ndc_jose_header_text(&out->enc, *json, "enc", 64, code, fault));
    NDC_TRY(ndc_jose_header_text(&out->kid, *json, "kid", NDC_JWK_KID_MAX, code, fault));
    NDC_TRY(ndc_jose_header_text(&out->cty, *json, "cty", 256, code, fault));
    if (!json_object_object_get_ex(*json, "zip", NULL)) return NDC_OK;
    return ndc_fail_at(fault, NDC_EINPUT, "jwe.zip", "zip", 0,
                       "compressed tokens are not taken: leave \"zip\" out");
}

static enum ndc_err read_token(struct token *t, struct ndc_arena *arena,
                               const struct ndc_jwk *key, struct ndc_fault *fault)
{
    struct ndc_jwe_header header;
    NDC_TRY(read_header(&header, &t->header, arena, t->part[0], fault));
    if (!ndc_str_eq_c(header.alg, key->alg->name))
        return ndc_fail_at(fault, NDC_EINPUT, "jwe.algorithm", "alg", 0,
                           "the token's key is encrypted with %.*s, and ours is for %s "
                           "alone",
                           NDC_STR_FMT(header.alg), key->alg->name);
    t->enc = ndc_jwe_enc_find(header.enc);
    if (!t->enc)
        return ndc_fail_at(fault, NDC_EINPUT, "jwe.algorithm", "enc", 0,
                           "the token's content must be encrypted with A128GCM, A192GCM, "
                           "A256GCM, A128CBC-HS256, A192CBC-HS384 or A256CBC-HS512");
    NDC_TRY(read_part(&t->sealed_key, arena, t->part[1], "encrypted key", fault));
    NDC_TRY(read_part(&t->iv, arena, t->part[2], "initialisation vector", fault));
    NDC_TRY(read_part(&t->content, arena, t->part[3], "content", fault));
    return read_part(&t->tag, arena, t->part[4], "tag", fault);
}

static enum ndc_err open_content(struct ndc_buf *out, const struct token *t,
                                 const struct ndc_jwk *key, struct ndc_fault *fault)
{
    uint8_t cek[NDC_JWE_CEK_MAX];
    size_t len = 0;
    enum ndc_err err =
        ndc_jwe_key_open(cek, key, t->enc, t->header, t->sealed_key, fault);
    char *to = err ? NULL : ndc_buf_room(out, t->content.len + 16);
    if (!err && !to) err = too_big(fault);
    if (!err && !ndc_jwe_open((uint8_t *)to, &len, t->enc, cek, t->iv, t->part[0],
                              t->content, t->tag))
        err = ndc_fail(fault, NDC_EAUTH, "jwe.decrypt",
                       "the token does not open with this key: it was changed, or "
                       "encrypted for another key");
    if (!err) out->len += len;
    ndc_secret_wipe(cek, sizeof(cek));
    return err;
}

enum ndc_err ndc_jwe_decrypt(struct ndc_buf *out, const struct ndc_jwk *key,
                             struct ndc_str token, struct ndc_fault *fault)
{
    struct token t = {.header = NULL};
    struct ndc_arena arena;
    NDC_TRY(may(key, NDC_JWK_TAKE, fault));
    NDC_TRY(split(&t, token, fault));
    ndc_arena_init(&arena, ARENA_MAX);
    enum ndc_err err = read_token(&t, &arena, key, fault);
    if (!err) err = open_content(out, &t, key, fault);
    json_object_put(t.header);
    ndc_arena_free(&arena);
    return err;
}

enum ndc_err ndc_jwe_header(struct ndc_jwe_header *out, struct ndc_arena *arena,
                            struct ndc_str token, struct ndc_fault *fault)
{
    struct token t = {.header = NULL};
    *out = (struct ndc_jwe_header){.alg = NDC_STR_NULL};
    NDC_TRY(split(&t, token, fault));
    enum ndc_err err = read_header(out, &t.header, arena, t.part[0], fault);
    if (!err) {
        out->alg = ndc_arena_str(arena, out->alg);
        out->enc = ndc_arena_str(arena, out->enc);
        out->kid = ndc_arena_str(arena, out->kid);
        out->cty = ndc_arena_str(arena, out->cty);
    }
    json_object_put(t.header);
    return err;
}

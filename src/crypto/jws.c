/* Compact JWS: apart, together, and which key. */
#include "crypto/jws.h"

#include "crypto/base64.h"
#include "crypto/jws_internal.h"

enum { HEADER_WRITTEN_MAX = 4096 };

/* ---- headers, of JWE too ---- */

enum ndc_err ndc_jose_header(struct json_object **out, struct ndc_str *json,
                             struct ndc_arena *arena, struct ndc_str text,
                             const struct ndc_jose_codes *codes, struct ndc_fault *fault)
{
    size_t len = 0, room = text.len / 4 * 3 + 3;
    *out = NULL;
    if (room > NDC_JWS_HEADER_MAX)
        return ndc_fail(fault, NDC_ETOOBIG, codes->header,
                        "the token's header is longer than %d bytes", NDC_JWS_HEADER_MAX);
    uint8_t *bytes = ndc_arena_alloc(arena, room);
    if (!bytes || !text.len || !ndc_base64url_read(bytes, room, &len, text))
        return ndc_fail(fault, NDC_EINPUT, codes->header,
                        "the token's header is not base64url without padding");
    *json = ndc_str_n((char *)bytes, len);
    NDC_TRY(ndc_jose_json(out, *json, codes->header, codes->duplicate, fault));
    const char *why = NULL, *code = codes->header;
    if (!json_object_is_type(*out, json_type_object)) {
        why = "the token's header must be a JSON object";
    } else if (json_object_object_get_ex(*out, "crit", NULL) ||
               json_object_object_get_ex(*out, "b64", NULL)) {
        code = codes->crit;
        why = "the token asks for an extension (crit, b64), and none is understood here";
    }
    if (!why) return NDC_OK;
    json_object_put(*out);
    *out = NULL;
    return ndc_fail(fault, NDC_EINPUT, code, "%s", why);
}

enum ndc_err ndc_jose_header_text(struct ndc_str *out, struct json_object *header,
                                  const char *name, size_t max, const char *code,
                                  struct ndc_fault *fault)
{
    *out = NDC_STR_NULL;
    if (!json_object_object_get_ex(header, name, NULL)) return NDC_OK;
    *out = ndc_json_get_str(header, name);
    if (out->ptr && out->len <= max) return NDC_OK;
    return ndc_fail_at(fault, NDC_EINPUT, code, name, 0,
                       "\"%s\" in the token's header must be a string of at most %zu "
                       "bytes",
                       name, max);
}

/* ---- apart ---- */

static enum ndc_err read_header(struct ndc_jws *jws, struct ndc_fault *fault)
{
    static const char code[] = "jws.header";
    NDC_TRY(ndc_jose_header_text(&jws->alg, jws->header, "alg", 64, code, fault));
    NDC_TRY(ndc_jose_header_text(&jws->kid, jws->header, "kid", NDC_JWK_KID_MAX, code,
                                 fault));
    NDC_TRY(ndc_jose_header_text(&jws->typ, jws->header, "typ", 256, code, fault));
    const struct ndc_jwk_alg *alg = ndc_jwk_alg_find(jws->alg);
    if (alg && ndc_jwk_alg_signs(alg)) {
        jws->alg = ndc_str(alg->name);
        return NDC_OK;
    }
    return ndc_fail_at(fault, NDC_EINPUT, "jws.algorithm", "alg", 0,
                       "the token says \"%.*s\": it must be signed with ES256, ES384, "
                       "ES512, EdDSA, PS256 to PS512, RS256 to RS512 or HS256 to HS512",
                       NDC_STR_FMT(jws->alg));
}

static enum ndc_err read_part(struct ndc_str *out, struct ndc_arena *arena,
                              struct ndc_str text, const char *which,
                              struct ndc_fault *fault)
{
    size_t len = 0, room = text.len / 4 * 3 + 3;
    uint8_t *bytes = ndc_arena_alloc(arena, room);
    if (!bytes || arena->overflow)
        return ndc_fail(fault, NDC_ETOOBIG, "jws.too_big",
                        "the token does not fit into the memory it may take");
    if (!ndc_base64url_read(bytes, room, &len, text))
        return ndc_fail(fault, NDC_EINPUT, "jws.syntax",
                        "the token's %s is not base64url without padding", which);
    *out = ndc_str_n((char *)bytes, len);
    return NDC_OK;
}

/* Three parts, or why not. */
static enum ndc_err split(struct ndc_str part[static 3], struct ndc_str token,
                          struct ndc_fault *fault)
{
    struct ndc_str rest = token, more;
    size_t n = 0;
    while (n < 6 && ndc_str_split(&rest, '.', &more)) {
        if (n < 3) part[n] = more;
        n++;
    }
    if (n == 3) return NDC_OK;
    return ndc_fail(fault, NDC_EINPUT, "jws.syntax",
                    n == 5 ? "this token is encrypted (five parts), and a signed one "
                             "(three parts) is wanted"
                           : "a signed token is three parts with a dot between them");
}

enum ndc_err ndc_jws_parse(struct ndc_jws *out, struct ndc_arena *arena,
                           struct ndc_str token, struct ndc_fault *fault)
{
    static const struct ndc_jose_codes codes = {"jws.header", "jws.duplicate",
                                                "jws.crit"};
    struct ndc_str part[3] = {NDC_STR_NULL, NDC_STR_NULL, NDC_STR_NULL};
    *out = (struct ndc_jws){.token = token};
    if (token.len > NDC_JWS_BYTES_MAX)
        return ndc_fail(fault, NDC_ETOOBIG, "jws.too_big",
                        "a signed token has at most %d bytes", NDC_JWS_BYTES_MAX);
    NDC_TRY(split(part, token, fault));
    out->signed_part = ndc_str_n(token.ptr, part[0].len + 1 + part[1].len);
    NDC_TRY(
        ndc_jose_header(&out->header, &out->header_json, arena, part[0], &codes, fault));
    enum ndc_err err = read_header(out, fault);
    if (!err) err = read_part(&out->payload, arena, part[1], "payload", fault);
    if (!err) err = read_part(&out->signature, arena, part[2], "signature", fault);
    if (err) ndc_jws_free(out);
    return err;
}

void ndc_jws_free(struct ndc_jws *jws)
{
    json_object_put(jws->header);
    *jws = (struct ndc_jws){.header = NULL};
}

bool ndc_jws_typ_is(const struct ndc_jws *jws, const char *typ)
{
    static const char before[] = "application/";
    struct ndc_str have = jws->typ, want = ndc_str(typ);
    size_t n = sizeof(before) - 1;
    if (have.len > n && ndc_str_ieq(ndc_str_n(have.ptr, n), ndc_str_n(before, n)))
        have = ndc_str_from(have, n);
    return have.len && ndc_str_ieq(have, want);
}

enum ndc_err ndc_jws_header_jwk(struct ndc_jwk **out, const struct ndc_jws *jws,
                                struct ndc_fault *fault)
{
    struct json_object *jwk = ndc_json_get(jws->header, "jwk");
    char alg[16];
    *out = NULL;
    if (!jwk)
        return ndc_fail_at(fault, NDC_EINPUT, "jws.key", "jwk", 0,
                           "the token's header must bring its public key in \"jwk\"");
    NDC_ASSERT(jws->alg.len < sizeof(alg)); /* a known one */
    memcpy(alg, jws->alg.ptr, jws->alg.len);
    alg[jws->alg.len] = 0;
    return ndc_jwk_read_public(out, jwk, alg, fault);
}

enum ndc_err ndc_jws_claims(struct json_object **out, const struct ndc_jws *jws,
                            struct ndc_fault *fault)
{
    NDC_TRY(ndc_jose_json(out, jws->payload, "jwt.syntax", "jwt.duplicate", fault));
    if (json_object_is_type(*out, json_type_object)) return NDC_OK;
    json_object_put(*out);
    *out = NULL;
    return ndc_fail(fault, NDC_EINPUT, "jwt.syntax", "claims are a JSON object");
}

/* ---- verifying ---- */

static bool alg_is(const struct ndc_jws *jws, const struct ndc_jwk *key)
{
    return ndc_str_eq_c(jws->alg, key->alg->name);
}

enum ndc_err ndc_jws_verify(const struct ndc_jws *jws, const struct ndc_jwk *key,
                            struct ndc_fault *fault)
{
    if (!alg_is(jws, key))
        return ndc_fail_at(fault, NDC_EAUTH, "jws.algorithm", "alg", 0,
                           "the token is signed with %.*s, and the key is for %s alone",
                           NDC_STR_FMT(jws->alg), key->alg->name);
    if (!key->may[NDC_JWK_TAKE])
        return ndc_fail_at(fault, NDC_EAUTH, "jws.key", "key_ops", 0,
                           "the key's \"key_ops\" does not allow \"verify\"");
    if (ndc_jws_check_signature(key, jws->signed_part, jws->signature)) return NDC_OK;
    return ndc_fail(fault, NDC_EAUTH, "jws.signature",
                    "the token's signature is not that of the key%s%.*s: it was changed, "
                    "or signed with another key",
                    key->kid.len ? " " : "", NDC_STR_FMT(key->kid));
}

static enum ndc_err no_key(const struct ndc_jws *jws, const struct ndc_jwks *set,
                           size_t fitting, struct ndc_fault *fault)
{
    struct ndc_fault first = {0};
    if (fitting)
        return ndc_fail_at(fault, NDC_EAUTH, "jws.key", "kid", 0,
                           jws->kid.len
                               ? "%zu keys of the signer are for %.*s with the same kid: "
                                 "a kid must name one key"
                               : "%zu keys of the signer are for %.*s: the token's "
                                 "header must say in \"kid\" which it is",
                           fitting, NDC_STR_FMT(jws->alg));
    ndc_jwks_skipped(set, &first);
    return ndc_fail_at(fault, NDC_EAUTH, "jws.key", "kid", 0,
                       "no key of the signer is for %.*s%s%.*s%s%s%.200s",
                       NDC_STR_FMT(jws->alg), jws->kid.len ? " with the kid " : "",
                       NDC_STR_FMT(jws->kid), first.err ? " (left out: " : "",
                       first.message, first.err ? ")" : "");
}

enum ndc_err ndc_jws_verify_set(const struct ndc_jws *jws, const struct ndc_jwks *set,
                                const struct ndc_jwk **used, struct ndc_fault *fault)
{
    const struct ndc_jwk *fits = NULL;
    size_t n = 0;
    if (used) *used = NULL;
    for (size_t i = 0; i < ndc_jwks_count(set); i++) {
        const struct ndc_jwk *key = ndc_jwks_at(set, i);
        if (!alg_is(jws, key) || (jws->kid.len && !ndc_str_eq(jws->kid, key->kid)))
            continue;
        fits = key;
        n++;
    }
    if (n != 1) return no_key(jws, set, n, fault);
    enum ndc_err err = ndc_jws_verify(jws, fits, fault);
    if (!err && used) *used = fits;
    return err;
}

/* ---- together ---- */

static enum ndc_err may_sign(const struct ndc_jwk *key, struct ndc_fault *fault)
{
    const char *why = NULL;
    if (!ndc_jwk_alg_signs(key->alg))
        why = "this key is for encryption, not for signing";
    else if (!key->private)
        why = "a public key cannot sign";
    else if (!key->may[NDC_JWK_GIVE])
        why = "the key's \"key_ops\" does not allow \"sign\"";
    return why ? ndc_fail(fault, NDC_EINPUT, "jws.key", "%s", why) : NDC_OK;
}

static void write_header(struct ndc_buf *out, const struct ndc_jwk *key, const char *typ,
                         struct ndc_str members)
{
    ndc_buf_add_str(out, key->head);
    if (typ) {
        struct ndc_json j = {.out = out};
        ndc_buf_add(out, ",\"typ\":", 7);
        ndc_json_c(&j, typ);
    }
    if (members.len) {
        ndc_buf_add_byte(out, ',');
        ndc_buf_add_str(out, members);
    }
    ndc_buf_add_byte(out, '}');
}

enum ndc_err ndc_jws_sign_header(struct ndc_buf *out, const struct ndc_jwk *key,
                                 const char *typ, struct ndc_str members,
                                 struct ndc_str payload, struct ndc_fault *fault)
{
    char room[HEADER_WRITTEN_MAX];
    uint8_t signature[NDC_JWS_SIGNATURE_MAX];
    struct ndc_buf header = {.ptr = room, .cap = sizeof(room), .bytes_max = sizeof(room)};
    size_t from = out->len, len = 0;
    NDC_TRY(may_sign(key, fault));
    write_header(&header, key, typ, members);
    ndc_base64url_add(out, header.ptr, header.len);
    ndc_buf_add_byte(out, '.');
    ndc_base64url_add(out, payload.ptr, payload.len);
    if (header.failed || out->failed) {
        out->len = from;
        return ndc_fail(fault, NDC_ETOOBIG, "jws.too_big",
                        "the token would be longer than it may be");
    }
    struct ndc_str data = ndc_str_n(out->ptr + from, out->len - from);
    if (!ndc_jws_make_signature(signature, &len, key, data)) {
        out->len = from;
        return ndc_fail(fault, NDC_EINTERNAL, "jws.sign", "the key did not sign");
    }
    ndc_buf_add_byte(out, '.');
    ndc_base64url_add(out, signature, len);
    if (!out->failed) return NDC_OK;
    out->len = from;
    return ndc_fail(fault, NDC_ETOOBIG, "jws.too_big",
                    "the token would be longer than it may be");
}

enum ndc_err ndc_jws_sign(struct ndc_buf *out, const struct ndc_jwk *key, const char *typ,
                          struct ndc_str payload, struct ndc_fault *fault)
{
    return ndc_jws_sign_header(out, key, typ, NDC_STR_NULL, payload, fault);
}

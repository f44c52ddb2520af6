/* Client data: the JSON that the browser made of the challenge, its type and the page's
 * origin, and that the authenticator signs the hash of. */
#include "platforms/eid/webauthn/internal.h"

#include "base/json.h"
#include "crypto/digest.h"
#include "crypto/token.h"

#include <stdio.h>

enum { CHALLENGE_TEXT_MAX = NDC_WEBAUTHN_CHALLENGE_MAX * 4 / 3 + 4, SHOWN_MAX = 120 };

enum ndc_err ndc_webauthn_refuse(const struct ndc_webauthn_ceremony *c, const char *code,
                                 const char *format, ...)
{
    char text[NDC_FAULT_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return ndc_fail(c->fault, c->create ? NDC_EINPUT : NDC_EAUTH, code, "%s", text);
}

/* RFC 4648, section 5, without padding. */
static struct ndc_str base64url(char out[static CHALLENGE_TEXT_MAX], struct ndc_str bytes)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t n = 0;
    unsigned held = 0, bits = 0;
    NDC_ASSERT(bytes.len <= NDC_WEBAUTHN_CHALLENGE_MAX);
    for (size_t i = 0; i < bytes.len; i++) {
        held = (held << 8 | (unsigned char)bytes.ptr[i]) & 0xffff;
        for (bits += 8; bits >= 6; bits -= 6)
            out[n++] = digits[held >> (bits - 6) & 63];
    }
    if (bits) out[n++] = digits[held << (6 - bits) & 63];
    return ndc_str_n(out, n);
}

/* For a message: what a stranger sent, short and in one line. */
static struct ndc_str shown(struct ndc_str s)
{
    if (!s.ptr) return NDC_STR("none");
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < 0x20 || (unsigned char)s.ptr[i] > 0x7e)
            return NDC_STR("one that is not plain text");
    return ndc_str_n(s.ptr, NDC_MIN(s.len, (size_t)SHOWN_MAX));
}

static bool is_one_of(struct ndc_str s, const struct ndc_str *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (s.ptr && ndc_str_eq(s, list[i])) return true;
    return false;
}

static enum ndc_err check_framing(struct json_object *data,
                                  const struct ndc_webauthn_ceremony *c)
{
    struct json_object *cross = ndc_json_get(data, "crossOrigin");
    struct json_object *top = ndc_json_get(data, "topOrigin");
    bool expected = c->rp->n_top_origins > 0;
    if (cross && !json_object_is_type(cross, json_type_boolean))
        return ndc_fail_at(c->fault, NDC_EINPUT, "webauthn.client_data", "crossOrigin", 0,
                           "crossOrigin in the client data is not true or false");
    if (cross && json_object_get_boolean(cross) && !expected)
        return ndc_webauthn_refuse(c, "webauthn.cross_origin",
                                   "the page was framed by one of another origin");
    if (!top) return NDC_OK;
    struct ndc_str origin = ndc_json_get_str(data, "topOrigin");
    if (!expected || !is_one_of(origin, c->rp->top_origins, c->rp->n_top_origins))
        return ndc_webauthn_refuse(c, "webauthn.cross_origin",
                                   "the page was framed by one that may not: %.*s",
                                   NDC_STR_FMT(shown(origin)));
    return NDC_OK;
}

static enum ndc_err check_members(struct json_object *data,
                                  const struct ndc_webauthn_ceremony *c)
{
    char text[CHALLENGE_TEXT_MAX];
    const char *type = c->create ? "webauthn.create" : "webauthn.get";
    struct ndc_str said = ndc_json_get_str(data, "type");
    if (!ndc_str_eq_c(said, type))
        return ndc_webauthn_refuse(c, "webauthn.type",
                                   "the client data is of the type %.*s, not %s",
                                   NDC_STR_FMT(shown(said)), type);
    if (!ndc_secret_equal(ndc_json_get_str(data, "challenge"),
                          base64url(text, c->challenge)))
        return ndc_webauthn_refuse(c, "webauthn.challenge",
                                   "the client data answers another challenge");
    said = ndc_json_get_str(data, "origin");
    if (!is_one_of(said, c->rp->origins, c->rp->n_origins))
        return ndc_webauthn_refuse(c, "webauthn.origin",
                                   "the page's origin is not one of ours: %.*s",
                                   NDC_STR_FMT(shown(said)));
    return check_framing(data, c);
}

enum ndc_err ndc_webauthn_client(uint8_t hash[static WEBAUTHN_HASH_BYTES],
                                 const struct ndc_webauthn_ceremony *c,
                                 struct ndc_str client_data)
{
    struct json_object *data = NULL;
    struct ndc_fault syntax = {0};
    struct ndc_str text = client_data;
    if (c->challenge.len < NDC_WEBAUTHN_CHALLENGE_MIN ||
        c->challenge.len > NDC_WEBAUTHN_CHALLENGE_MAX)
        return ndc_webauthn_refuse(c, "webauthn.challenge",
                                   "no challenge of 16 to 128 bytes was given out");
    if (text.len > NDC_WEBAUTHN_CLIENT_DATA_MAX)
        return ndc_fail(c->fault, NDC_ETOOBIG, "webauthn.client_data",
                        "the client data is over %d bytes", NDC_WEBAUTHN_CLIENT_DATA_MAX);
    /* "UTF-8 decode" drops a byte order mark; the hash is with it. */
    if (ndc_str_starts(text, NDC_STR("\xef\xbb\xbf"))) text = ndc_str_from(text, 3);
    if (!text.ptr || ndc_json_parse(&data, text, &syntax) ||
        !json_object_is_type(data, json_type_object)) {
        json_object_put(data);
        return ndc_fail(c->fault, NDC_EINPUT, "webauthn.client_data",
                        "the client data is not a JSON object");
    }
    enum ndc_err err = check_members(data, c);
    json_object_put(data);
    if (!err) ndc_sha256(hash, client_data);
    return err;
}

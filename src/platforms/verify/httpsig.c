/* HTTP message signatures (httpsig.h). The structured fields (RFC 8941) are read as far
 * as these headers use them: a dictionary whose first member is an inner list of strings
 * with parameters, and one whose members are byte sequences. */
#include "platforms/verify/httpsig.h"

#include "crypto/base64.h"

enum { BASE_BYTES_MAX = 64 << 10 };

static enum ndc_err refuse(struct ndc_fault *fault, const char *code, const char *what)
{
    return ndc_fail(fault, NDC_EAUTH, code, "%s", what);
}

/* ---- reading ---- */

static bool is_key_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.' || c == '*';
}

static void skip_spaces(struct ndc_str *in)
{
    while (in->len && (*in->ptr == ' ' || *in->ptr == '\t')) {
        in->ptr++;
        in->len--;
    }
}

static bool take_char(struct ndc_str *in, char c)
{
    if (!in->len || *in->ptr != c) return false;
    in->ptr++;
    in->len--;
    return true;
}

static struct ndc_str take_key(struct ndc_str *in)
{
    struct ndc_str key = {in->ptr, 0};
    while (key.len < in->len && is_key_char(in->ptr[key.len]))
        key.len++;
    in->ptr += key.len;
    in->len -= key.len;
    return key;
}

/* A string without escapes: none of ours needs one. */
static bool take_string(struct ndc_str *in, struct ndc_str *out)
{
    if (!take_char(in, '"')) return false;
    size_t n = ndc_str_find(*in, '"');
    if (n >= in->len) return false;
    *out = ndc_str_n(in->ptr, n);
    for (size_t i = 0; i < n; i++)
        if (out->ptr[i] < 0x20 || out->ptr[i] > 0x7e || out->ptr[i] == '\\') return false;
    in->ptr += n + 1;
    in->len -= n + 1;
    return true;
}

static bool take_integer(struct ndc_str *in, int64_t *out)
{
    struct ndc_str digits = {in->ptr, 0};
    while (digits.len < in->len && digits.len < 15 && in->ptr[digits.len] >= '0' &&
           in->ptr[digits.len] <= '9')
        digits.len++;
    in->ptr += digits.len;
    in->len -= digits.len;
    return ndc_str_to_i64(digits, out);
}

static bool take_components(struct ndc_httpsig *out, struct ndc_str *in)
{
    if (!take_char(in, '(')) return false;
    for (;;) {
        skip_spaces(in);
        if (take_char(in, ')')) return out->component_count > 0;
        if (out->component_count == NDC_HTTPSIG_COMPONENTS_MAX) return false;
        if (!take_string(in, &out->components[out->component_count++])) return false;
        /* No component has parameters here ("key";sf): they would change its meaning. */
        if (in->len && *in->ptr != ' ' && *in->ptr != ')') return false;
    }
}

static bool take_parameters(struct ndc_httpsig *out, struct ndc_str *in)
{
    struct ndc_str text;
    int64_t number;
    while (take_char(in, ';')) {
        skip_spaces(in);
        struct ndc_str key = take_key(in);
        if (!key.len || !take_char(in, '=')) return false;
        if (in->len && *in->ptr == '"') {
            if (!take_string(in, &text)) return false;
            if (ndc_str_eq_c(key, "keyid")) out->keyid = text;
            if (ndc_str_eq_c(key, "alg")) out->alg = text;
        } else {
            if (!take_integer(in, &number)) return false;
            if (ndc_str_eq_c(key, "created")) out->created = number;
            if (ndc_str_eq_c(key, "expires")) out->expires = number;
        }
    }
    return true;
}

/* The byte sequence of a dictionary's member. */
static bool find_bytes(struct ndc_str in, struct ndc_str label, void *out, size_t want)
{
    while (in.len) {
        skip_spaces(&in);
        struct ndc_str key = take_key(&in);
        if (!key.len || !take_char(&in, '=') || !take_char(&in, ':')) return false;
        size_t n = ndc_str_find(in, ':'), len;
        if (n >= in.len) return false;
        if (ndc_str_eq(key, label))
            return ndc_base64_read(out, want, &len, ndc_str_n(in.ptr, n)) && len == want;
        in = ndc_str_from(in, n + 1);
        skip_spaces(&in);
        if (in.len && !take_char(&in, ',')) return false;
    }
    return false;
}

static bool covers(const struct ndc_httpsig *sig, const char *name)
{
    for (size_t i = 0; i < sig->component_count; i++)
        if (ndc_str_eq_c(sig->components[i], name)) return true;
    return false;
}

enum ndc_err ndc_httpsig_parse(struct ndc_httpsig *out, struct ndc_str input,
                               struct ndc_str signature, struct ndc_fault *fault)
{
    static const char syntax[] =
        "the headers Signature-Input and Signature cannot be read; they look like "
        "sig1=(\"@method\" \"@path\" \"content-digest\");created=1767225600;"
        "keyid=\"…\" and sig1=:…:";
    struct ndc_str in = input;
    *out = (struct ndc_httpsig){0};
    if (input.len > NDC_HTTPSIG_HEADER_MAX || signature.len > NDC_HTTPSIG_HEADER_MAX)
        return refuse(fault, "signature.syntax", syntax);
    skip_spaces(&in);
    out->label = take_key(&in);
    if (!out->label.len || !take_char(&in, '=')) goto syntax;
    const char *from = in.ptr;
    if (!take_components(out, &in) || !take_parameters(out, &in)) goto syntax;
    out->params = ndc_str_n(from, (size_t)(in.ptr - from));
    skip_spaces(&in);
    if (in.len && *in.ptr != ',') goto syntax;
    if (!find_bytes(signature, out->label, out->signature, sizeof(out->signature)))
        goto syntax;
    if (out->alg.ptr && !ndc_str_eq_c(out->alg, "ed25519"))
        return refuse(fault, "signature.alg", "signatures are Ed25519 (alg=\"ed25519\")");
    return NDC_OK;
syntax:
    return refuse(fault, "signature.syntax", syntax);
}

enum ndc_err ndc_httpsig_covers(const struct ndc_httpsig *sig, struct ndc_fault *fault)
{
    if (covers(sig, "@method") && covers(sig, "@path") && covers(sig, "content-digest"))
        return NDC_OK;
    return refuse(fault, "signature.covers",
                  "the signature must cover \"@method\", \"@path\" and "
                  "\"content-digest\"");
}

/* ---- the signature base (RFC 9421, section 2.5) ---- */

static bool component_value(struct ndc_str *out, struct ndc_str name,
                            const struct ndc_httpsig_message *m)
{
    if (name.len && name.ptr[0] == '@') {
        if (ndc_str_eq_c(name, "@method"))
            *out = m->method;
        else if (ndc_str_eq_c(name, "@path"))
            *out = m->path;
        else if (ndc_str_eq_c(name, "@query"))
            *out = m->query;
        else if (ndc_str_eq_c(name, "@authority"))
            *out = m->authority;
        else
            return false;
        return out->ptr != NULL;
    }
    *out = m->header(m->ctx, name);
    if (!out->ptr) return false;
    *out = ndc_str_trim(*out);
    return true;
}

static void add_line(struct ndc_buf *base, struct ndc_str name, struct ndc_str value)
{
    ndc_buf_add_byte(base, '"');
    ndc_buf_add_str(base, name);
    ndc_buf_add_str(base, NDC_STR("\": "));
    ndc_buf_add_str(base, value);
}

enum ndc_err ndc_httpsig_verify(const struct ndc_httpsig *sig,
                                const struct ndc_httpsig_message *message,
                                const struct ndc_sign_key *key, int64_t now_s,
                                struct ndc_fault *fault)
{
    struct ndc_buf base;
    enum ndc_err err = NDC_OK;
    ndc_buf_init(&base, BASE_BYTES_MAX);
    for (size_t i = 0; i < sig->component_count && !err; i++) {
        struct ndc_str value = NDC_STR_NULL, name = sig->components[i];
        for (size_t k = 0; k < i; k++)
            if (ndc_str_eq(sig->components[k], name))
                err =
                    refuse(fault, "signature.component", "a component is covered twice");
        if (!err && !component_value(&value, name, message))
            err = ndc_fail(fault, NDC_EAUTH, "signature.component",
                           "the signature covers \"%.*s\", which the request has not",
                           NDC_STR_FMT(name));
        if (err) break;
        add_line(&base, name, value);
        ndc_buf_add_byte(&base, '\n');
    }
    add_line(&base, NDC_STR("@signature-params"), sig->params);
    if (!err && (!sig->created || sig->created > now_s + NDC_HTTPSIG_AGE_S ||
                 sig->created < now_s - NDC_HTTPSIG_AGE_S ||
                 (sig->expires && sig->expires < now_s)))
        err = refuse(fault, "signature.old",
                     "the signature's \"created\" must be given and lie within five "
                     "minutes of now; look at the clock of the sending system");
    if (!err && (base.failed || !ndc_sign_verify(key, ndc_buf_str(&base),
                                                 ndc_str_n((const char *)sig->signature,
                                                           sizeof(sig->signature)))))
        err = refuse(fault, "signature.wrong",
                     "the signature is not of this request by the registered key");
    ndc_buf_free(&base);
    return err;
}

enum ndc_err ndc_httpsig_digest(uint8_t out[static NDC_SHA256_BYTES],
                                struct ndc_str content_digest, struct ndc_fault *fault)
{
    if (content_digest.len <= NDC_HTTPSIG_HEADER_MAX &&
        find_bytes(content_digest, NDC_STR("sha-256"), out, NDC_SHA256_BYTES))
        return NDC_OK;
    return refuse(fault, "signature.digest",
                  "Content-Digest must give the content's SHA-256: sha-256=:…:");
}

/* ---- signing ---- */

void ndc_httpsig_sign(struct ndc_buf *content_digest, struct ndc_buf *input,
                      struct ndc_buf *signature, const struct ndc_sign_key *key,
                      int status, const uint8_t digest[static NDC_SHA256_BYTES],
                      int64_t now_s)
{
    uint8_t id[NDC_SIGN_ID_BYTES], bytes[NDC_SIGN_SIGNATURE_BYTES];
    char hex[65];
    struct ndc_buf base;
    size_t from = content_digest->len, params = input->len + 5;
    ndc_sign_key_id(id, key);
    ndc_digest_hex(hex, id);
    ndc_buf_add_str(content_digest, NDC_STR("sha-256=:"));
    ndc_base64_add(content_digest, digest, NDC_SHA256_BYTES);
    ndc_buf_add_byte(content_digest, ':');
    ndc_buf_printf(input,
                   "sig1=(\"@status\" \"content-digest\");created=%lld;keyid=\"%s\";"
                   "alg=\"ed25519\"",
                   (long long)now_s, hex);
    ndc_buf_init(&base, BASE_BYTES_MAX);
    ndc_buf_printf(&base, "\"@status\": %d\n\"content-digest\": %.*s\n", status,
                   (int)(content_digest->len - from), content_digest->ptr + from);
    add_line(&base, NDC_STR("@signature-params"),
             ndc_str_n(input->ptr + params, input->len - params));
    NDC_ASSERT(!base.failed);
    ndc_sign(bytes, key, ndc_buf_str(&base));
    ndc_buf_add_str(signature, NDC_STR("sig1=:"));
    ndc_base64_add(signature, bytes, sizeof(bytes));
    ndc_buf_add_byte(signature, ':');
    ndc_buf_free(&base);
}

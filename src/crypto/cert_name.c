/* Names of certificates (cert_name.h). */
#include "crypto/cert_name.h"

#include <openssl/x509v3.h>
#include <string.h>

enum { PARTS_MAX = 32, VALUE_MAX = 256, TYPE_MAX = 64 };

/* ---- RFC 4514 ---- */

struct reader {
    const char *at, *end;
};

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static void skip_spaces(struct reader *r)
{
    while (r->at < r->end && *r->at == ' ')
        r->at++;
}

static bool read_type(struct reader *r, char out[TYPE_MAX])
{
    size_t n = 0;
    skip_spaces(r);
    while (r->at < r->end && *r->at != '=' && *r->at != ' ') {
        if (n + 1 == TYPE_MAX) return false;
        out[n++] = *r->at++;
    }
    out[n] = 0;
    skip_spaces(r);
    return n > 0 && r->at < r->end && *r->at++ == '=';
}

/* A backslash and a character, or two hex digits for a byte. */
static bool read_escape(struct reader *r, char *out)
{
    if (r->at == r->end) return false;
    int high = hex_digit(*r->at);
    int low = high >= 0 && r->at + 1 < r->end ? hex_digit(r->at[1]) : -1;
    if (low >= 0) {
        *out = (char)(high << 4 | low);
        r->at += 2;
        return *out != 0;
    }
    *out = *r->at++;
    return strchr("\"+,;<>\\ #=", *out) != NULL;
}

/* Up to "," or "+". Values in hex ("#04…") are not read: nobody writes names so. */
static bool read_value(struct reader *r, char out[VALUE_MAX], size_t *len)
{
    size_t n = 0, solid = 0; /* spaces at the end do not count, unless escaped */
    skip_spaces(r);
    if (r->at < r->end && *r->at == '#') return false;
    while (r->at < r->end && *r->at != ',' && *r->at != '+') {
        char c = *r->at++;
        bool escaped = c == '\\';
        if (escaped ? !read_escape(r, &c) : strchr("\";<>", c) || !c) return false;
        if (n == VALUE_MAX) return false;
        out[n++] = c;
        if (escaped || c != ' ') solid = n;
    }
    *len = solid;
    return solid > 0;
}

/* Types in any case: OpenSSL has the short ones in capitals. */
static ASN1_OBJECT *read_oid(char type[TYPE_MAX])
{
    ASN1_OBJECT *oid = OBJ_txt2obj(type, 0);
    for (char *c = type; !oid && *c; c++)
        if (*c >= 'a' && *c <= 'z') *c = (char)(*c - 'a' + 'A');
    return oid ? oid : OBJ_txt2obj(type, 0);
}

/* The text begins with the last RDN of the certificate: each is put before the others,
 * and what is joined to it by "+" into its set. */
static X509_NAME *read_subject(struct ndc_str text)
{
    struct reader r = {text.ptr, text.ptr + text.len};
    X509_NAME *name = X509_NAME_new();
    char type[TYPE_MAX], value[VALUE_MAX];
    size_t len, parts = 0;
    bool good = name && text.len > 0 && text.len <= NDC_CERT_NAME_MAX, joined = false;
    while (good) {
        good = ++parts <= PARTS_MAX && read_type(&r, type) && read_value(&r, value, &len);
        if (!good) break;
        ASN1_OBJECT *oid = read_oid(type);
        good = oid && X509_NAME_add_entry_by_OBJ(name, oid, MBSTRING_UTF8,
                                                 (const unsigned char *)value, (int)len,
                                                 0, joined ? 1 : 0) == 1;
        ASN1_OBJECT_free(oid);
        if (r.at == r.end) break;
        joined = *r.at++ == '+';
    }
    if (good) return name;
    X509_NAME_free(name);
    return NULL;
}

/* ---- alternative names ---- */

static bool same_text(const ASN1_STRING *have, struct ndc_str want, bool any_case)
{
    struct ndc_str text = ndc_str_n((const char *)ASN1_STRING_get0_data(have),
                                    (size_t)ASN1_STRING_length(have));
    return any_case ? ndc_str_ieq(text, want) : ndc_str_eq(text, want);
}

/* What stands before the @ counts as it is written (RFC 5321, 2.4). */
static bool same_email(const ASN1_STRING *have, struct ndc_str want)
{
    struct ndc_str text = ndc_str_n((const char *)ASN1_STRING_get0_data(have),
                                    (size_t)ASN1_STRING_length(have));
    size_t at = ndc_str_find(want, '@');
    return text.len == want.len && ndc_str_find(text, '@') == at &&
           memcmp(text.ptr, want.ptr, at) == 0 && ndc_str_ieq(text, want);
}

static ASN1_OCTET_STRING *read_ip(struct ndc_str text)
{
    char ip[64];
    if (text.len >= sizeof(ip)) return NULL;
    memcpy(ip, text.ptr, text.len);
    ip[text.len] = 0;
    return a2i_IPADDRESS(ip);
}

static bool is_one(const GENERAL_NAME *name, enum ndc_cert_name kind, struct ndc_str text)
{
    static const int types[] = {[NDC_CERT_DNS] = GEN_DNS,
                                [NDC_CERT_URI] = GEN_URI,
                                [NDC_CERT_IP] = GEN_IPADD,
                                [NDC_CERT_EMAIL] = GEN_EMAIL};
    int type;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
    if (type != types[kind]) return false;
    if (kind == NDC_CERT_EMAIL) return same_email(value, text);
    if (kind != NDC_CERT_IP) return same_text(value, text, kind == NDC_CERT_DNS);
    ASN1_OCTET_STRING *ip = read_ip(text);
    bool same = ip && ASN1_OCTET_STRING_cmp(ip, value) == 0;
    ASN1_OCTET_STRING_free(ip);
    return same;
}

static bool has_alternative(const X509 *cert, enum ndc_cert_name kind,
                            struct ndc_str text)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    bool found = false;
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; i++)
        found = is_one(sk_GENERAL_NAME_value(names, i), kind, text);
    GENERAL_NAMES_free(names);
    return found;
}

/* ---- both ---- */

enum ndc_err ndc_cert_name_check(enum ndc_cert_name kind, struct ndc_str text,
                                 struct ndc_fault *fault)
{
    static const char *const forms[] = {
        "a subject as RFC 4514 writes it: CN=app.example,O=An agency,C=VN", "a DNS name",
        "a URI", "an IP address", "an e-mail address"};
    bool good =
        text.len > 0 && text.len <= NDC_CERT_NAME_MAX && !memchr(text.ptr, 0, text.len);
    if (good && kind == NDC_CERT_SUBJECT) {
        X509_NAME *name = read_subject(text);
        good = name != NULL;
        X509_NAME_free(name);
    } else if (good && kind == NDC_CERT_IP) {
        ASN1_OCTET_STRING *ip = read_ip(text);
        good = ip != NULL;
        ASN1_OCTET_STRING_free(ip);
    } else if (good && kind == NDC_CERT_EMAIL) {
        good = ndc_str_find(text, '@') + 1 < text.len;
    }
    return good ? NDC_OK
                : ndc_fail(fault, NDC_EINPUT, "cert_name.syntax", "must be %s",
                           forms[kind]);
}

bool ndc_cert_name_is(struct ndc_str der, enum ndc_cert_name kind, struct ndc_str text)
{
    const unsigned char *at = (const unsigned char *)der.ptr;
    X509 *cert = d2i_X509(NULL, &at, (long)der.len);
    bool is = false;
    if (cert && text.len && kind == NDC_CERT_SUBJECT) {
        X509_NAME *name = read_subject(text);
        is = name && X509_NAME_cmp(name, X509_get_subject_name(cert)) == 0;
        X509_NAME_free(name);
    } else if (cert && text.len) {
        is = has_alternative(cert, kind, text);
    }
    X509_free(cert);
    return is;
}

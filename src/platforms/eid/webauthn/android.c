/* Android key attestation (8.4): a certificate for the credential's key with a
 * description of the key in an extension, in DER. Of it only what the specification asks
 * about is looked at; lists grow with every release of Android, so what is unknown in
 * them is passed over. */
#include "platforms/eid/webauthn/internal.h"

enum {
    TAG_INTEGER = 0x02,
    TAG_OCTETS = 0x04,
    TAG_ENUMERATED = 0x0a,
    TAG_SEQUENCE = 0x30,
    TAG_SET = 0x31,
    CONTEXT = 0xa0, /* constructed, context-specific */
    LIST_PURPOSE = 1,
    LIST_ALL_APPLICATIONS = 600,
    LIST_ORIGIN = 702,
    KM_ORIGIN_GENERATED = 0,
    KM_PURPOSE_SIGN = 2,
    LENGTH_BYTES_MAX = 3
};

struct element {
    uint8_t first;   /* class and form; the number too where it is below 31 */
    uint32_t number; /* of the tag */
    struct ndc_str content;
};

static bool take_byte(struct ndc_str *in, uint8_t *byte)
{
    if (!in->len) return false;
    *byte = (uint8_t)in->ptr[0];
    *in = ndc_str_n(in->ptr + 1, in->len - 1);
    return true;
}

/* Numbers of 31 and more follow in groups of seven bits. */
static bool take_tag(struct element *e, struct ndc_str *in)
{
    uint8_t byte;
    if (!take_byte(in, &e->first)) return false;
    e->number = e->first & 31;
    if (e->number != 31) return true;
    e->number = 0;
    do {
        if (e->number >> 21 || !take_byte(in, &byte)) return false;
        if (!e->number && byte == 0x80) return false; /* not the shortest */
        e->number = e->number << 7 | (byte & 0x7f);
    } while (byte & 0x80);
    return e->number >= 31;
}

static bool take_length(size_t *len, struct ndc_str *in)
{
    uint8_t byte;
    if (!take_byte(in, &byte)) return false;
    *len = byte;
    if (byte < 0x80) return true;
    unsigned n = byte & 0x7f;
    if (n == 0 || n > LENGTH_BYTES_MAX) return false;
    for (*len = 0; n; n--) {
        if (!take_byte(in, &byte)) return false;
        if (*len == 0 && byte == 0) return false;
        *len = *len << 8 | byte;
    }
    return *len >= 0x80;
}

static bool take_element(struct element *e, struct ndc_str *in)
{
    struct ndc_str rest = *in;
    size_t len;
    if (!take_tag(e, &rest) || !take_length(&len, &rest) || len > rest.len) return false;
    e->content = ndc_str_n(rest.ptr, len);
    *in = ndc_str_n(rest.ptr + len, rest.len - len);
    return true;
}

static bool take_kind(struct ndc_str *content, struct ndc_str *in, uint8_t kind)
{
    struct element e;
    if (!take_element(&e, in) || e.first != kind) return false;
    *content = e.content;
    return true;
}

/* An INTEGER alone in `in`. */
static bool is_integer(struct ndc_str in, uint8_t value)
{
    struct ndc_str content;
    return take_kind(&content, &in, TAG_INTEGER) && !in.len && content.len == 1 &&
           (uint8_t)content.ptr[0] == value;
}

static bool only_signs(struct ndc_str in)
{
    struct ndc_str set, number;
    if (!take_kind(&set, &in, TAG_SET) || in.len || !set.len) return false;
    while (set.len)
        if (!take_kind(&number, &set, TAG_INTEGER) || number.len != 1 ||
            (uint8_t)number.ptr[0] != KM_PURPOSE_SIGN)
            return false;
    return true;
}

static bool read_list(struct ndc_android_list *list, struct ndc_str in)
{
    struct element e;
    *list = (struct ndc_android_list){.generated = true, .only_signs = true};
    while (in.len) {
        if (!take_element(&e, &in) || (e.first & 0xe0) != CONTEXT) return false;
        if (e.number == LIST_ALL_APPLICATIONS) {
            list->all_applications = true;
        } else if (e.number == LIST_ORIGIN) {
            list->has_origin = true;
            list->generated =
                list->generated && is_integer(e.content, KM_ORIGIN_GENERATED);
        } else if (e.number == LIST_PURPOSE) {
            list->has_purpose = true;
            list->only_signs = list->only_signs && only_signs(e.content);
        }
    }
    return true;
}

/* KeyDescription: version, security level, the keymaster's both, challenge, unique id,
 * what software enforces, what the trusted environment does. */
bool ndc_android_key_read(struct ndc_android_key *out, struct ndc_str der)
{
    struct ndc_str in, skipped, software, tee;
    *out = (struct ndc_android_key){0};
    return take_kind(&in, &der, TAG_SEQUENCE) && !der.len &&
           take_kind(&skipped, &in, TAG_INTEGER) &&
           take_kind(&skipped, &in, TAG_ENUMERATED) &&
           take_kind(&skipped, &in, TAG_INTEGER) &&
           take_kind(&skipped, &in, TAG_ENUMERATED) &&
           take_kind(&out->challenge, &in, TAG_OCTETS) &&
           take_kind(&skipped, &in, TAG_OCTETS) &&
           take_kind(&software, &in, TAG_SEQUENCE) &&
           take_kind(&tee, &in, TAG_SEQUENCE) && read_list(&out->software, software) &&
           read_list(&out->tee, tee);
}

static const char *check_lists(const struct ndc_android_key *key, bool tee_only)
{
    const struct ndc_android_list *tee = &key->tee, *software = &key->software;
    if (tee->all_applications || software->all_applications)
        return "all applications may use the key";
    bool origin = tee->has_origin || (!tee_only && software->has_origin);
    bool purpose = tee->has_purpose || (!tee_only && software->has_purpose);
    if (!origin || !tee->generated || (!tee_only && !software->generated))
        return "nothing says that the key was generated where it is";
    if (!purpose || !tee->only_signs || (!tee_only && !software->only_signs))
        return "nothing says that the key is for signing alone";
    return NULL;
}

enum ndc_err ndc_webauthn_android_key(struct ndc_webauthn_attest *a,
                                      const struct ndc_webauthn_statement *s,
                                      const struct ndc_certs *certs)
{
    struct ndc_android_key key;
    struct ndc_str value;
    bool critical;
    if (s->alg == NDC_COSE_RS1 ||
        !ndc_certs_verify(certs, s->alg, a->to_be_signed, s->sig))
        return ndc_webauthn_unproven(a, "android-key",
                                     "the certificate's key did not sign it");
    if (!ndc_certs_key_equals(certs, &a->auth->key))
        return ndc_webauthn_unproven(a, "android-key",
                                     "the certificate is of another key than the "
                                     "credential's");
    if (ndc_certs_extension(&value, &critical, certs, "1.3.6.1.4.1.11129.2.1.17") !=
            NDC_CERTS_FOUND ||
        !ndc_android_key_read(&key, value))
        return ndc_webauthn_unproven(a, "android-key",
                                     "the certificate does not describe the key");
    if (!ndc_str_eq(key.challenge, a->hash))
        return ndc_webauthn_unproven(a, "android-key",
                                     "the key was attested for another ceremony");
    const char *why = check_lists(&key, a->rp->tee_only);
    return why ? ndc_webauthn_unproven(a, "android-key", why) : NDC_OK;
}

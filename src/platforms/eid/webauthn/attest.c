/* Attestation statements (8): reading them, which format is checked how, and how far the
 * certificates reach. Every format but "none" ends in a signature over the authenticator
 * data as it came. What a statement has beyond its format's members is passed over:
 * nothing is decided by it. */
#include "platforms/eid/webauthn/internal.h"

#include "crypto/cbor.h"

enum {
    NEEDS_ALG = 1,
    NEEDS_SIG = 2,
    NEEDS_X5C = 4,
    NEEDS_TPM = 8, /* ver, certInfo, pubArea */
    COMPOUND_MIN = 2,
    COMPOUND_MAX = 8
};

static const struct {
    const char *name;
    unsigned needs;
    ndc_webauthn_format *check;
} formats[] = {
    {"packed", NEEDS_ALG | NEEDS_SIG, ndc_webauthn_packed},
    {"tpm", NEEDS_ALG | NEEDS_SIG | NEEDS_X5C | NEEDS_TPM, ndc_webauthn_tpm},
    {"android-key", NEEDS_ALG | NEEDS_SIG | NEEDS_X5C, ndc_webauthn_android_key},
    {"fido-u2f", NEEDS_SIG | NEEDS_X5C, ndc_webauthn_u2f},
    {"apple", NEEDS_X5C, ndc_webauthn_apple},
};

enum ndc_err ndc_webauthn_unproven(const struct ndc_webauthn_attest *a,
                                   const char *format, const char *why)
{
    return ndc_fail_at(a->fault, NDC_EINPUT, "webauthn.attestation", format, 0,
                       "the %s attestation proves nothing: %s", format, why);
}

bool ndc_webauthn_aaguid_fits(const struct ndc_webauthn_attest *a,
                              const struct ndc_certs *certs)
{
    struct ndc_str value;
    bool critical;
    enum ndc_certs_found found =
        ndc_certs_extension(&value, &critical, certs, "1.3.6.1.4.1.45724.1.1.4");
    if (found == NDC_CERTS_MISSING) return true;
    /* An OCTET STRING of 16 bytes in the extension's own. */
    return found == NDC_CERTS_FOUND && !critical && value.len == 18 &&
           memcmp(value.ptr, "\x04\x10", 2) == 0 &&
           ndc_str_eq(ndc_str_from(value, 2), a->auth->aaguid);
}

static bool read_chain(struct ndc_webauthn_statement *s, struct ndc_str *in)
{
    uint64_t n;
    if (!ndc_cbor_array(&n, in) || n == 0 || n > WEBAUTHN_CHAIN_MAX) return false;
    s->has_x5c = true;
    for (; s->n_x5c < n; s->n_x5c++)
        if (!ndc_cbor_bytes(&s->x5c[s->n_x5c], in)) return false;
    return true;
}

static bool read_member(struct ndc_webauthn_statement *s, struct ndc_str name,
                        struct ndc_str *in)
{
    struct ndc_str skipped;
    if (ndc_str_eq_c(name, "alg")) return s->has_alg = ndc_cbor_int(&s->alg, in);
    if (ndc_str_eq_c(name, "sig")) return ndc_cbor_bytes(&s->sig, in);
    if (ndc_str_eq_c(name, "x5c")) return read_chain(s, in);
    if (ndc_str_eq_c(name, "ver")) return ndc_cbor_text(&s->ver, in);
    if (ndc_str_eq_c(name, "certInfo")) return ndc_cbor_bytes(&s->cert_info, in);
    if (ndc_str_eq_c(name, "pubArea")) return ndc_cbor_bytes(&s->pub_area, in);
    return ndc_cbor_whole(&skipped, in);
}

/* The whole object is in CTAP2's form, so no member comes twice. */
static bool read_statement(struct ndc_webauthn_statement *s, struct ndc_str in)
{
    uint64_t pairs;
    struct ndc_str name;
    *s = (struct ndc_webauthn_statement){0};
    if (!ndc_cbor_map(&pairs, &in)) return false;
    for (uint64_t i = 0; i < pairs; i++)
        if (!ndc_cbor_text(&name, &in) || !read_member(s, name, &in)) return false;
    return true;
}

static const char *missing(const struct ndc_webauthn_statement *s, unsigned needs)
{
    if (needs & NEEDS_ALG && !s->has_alg) return "alg is missing";
    if (needs & NEEDS_SIG && !s->sig.len) return "sig is missing";
    if (needs & NEEDS_X5C && !s->has_x5c) return "x5c is missing";
    if (needs & NEEDS_TPM && (!s->ver.ptr || !s->cert_info.len || !s->pub_area.len))
        return "ver, certInfo or pubArea is missing";
    return NULL;
}

/* Step 23: certificates of nobody we know prove no more than that somebody has them. */
static enum ndc_webauthn_trust reach(struct ndc_webauthn_attest *a,
                                     const struct ndc_certs *certs)
{
    if (!certs) return NDC_WEBAUTHN_SELF;
    if (!a->anchors) return NDC_WEBAUTHN_BASIC;
    return ndc_certs_check(certs, a->anchors, a->now_s, &a->chain) == NDC_OK
               ? NDC_WEBAUTHN_ANCHORED
               : NDC_WEBAUTHN_BASIC;
}

static enum ndc_err check_format(enum ndc_webauthn_trust *trust,
                                 struct ndc_webauthn_attest *a, size_t format,
                                 struct ndc_str statement)
{
    struct ndc_webauthn_statement s;
    struct ndc_certs *certs = NULL;
    struct ndc_fault why = {0};
    const char *name = formats[format].name;
    if (!read_statement(&s, statement))
        return ndc_webauthn_unproven(a, name,
                                     "its statement is not of the format's kind");
    const char *lacks = missing(&s, formats[format].needs);
    if (lacks) return ndc_webauthn_unproven(a, name, lacks);
    if (s.has_x5c && ndc_certs_read(&certs, s.x5c, s.n_x5c, &why))
        return ndc_webauthn_unproven(a, name, why.message);
    enum ndc_err err = formats[format].check(a, &s, certs);
    if (!err) *trust = reach(a, certs);
    ndc_certs_free(certs);
    return err;
}

static enum ndc_err check_simple(enum ndc_webauthn_trust *trust,
                                 struct ndc_webauthn_attest *a, struct ndc_str format,
                                 struct ndc_str statement)
{
    uint64_t pairs;
    for (size_t i = 0; i < NDC_ARRAY_LEN(formats); i++)
        if (ndc_str_eq_c(format, formats[i].name))
            return check_format(trust, a, i, statement);
    if (!ndc_str_eq_c(format, "none"))
        return ndc_fail_at(a->fault, NDC_EINPUT, "webauthn.format", "fmt", 0,
                           "attestation statements of this format are not checked here");
    if (!ndc_cbor_map(&pairs, &statement) || pairs)
        return ndc_webauthn_unproven(a, "none", "there is a statement");
    *trust = NDC_WEBAUTHN_NONE;
    return NDC_OK;
}

/* 8.9. Our policy: every one of the statements has to hold, and the best of them counts.
 */
static enum ndc_err check_compound(enum ndc_webauthn_trust *trust,
                                   struct ndc_webauthn_attest *a,
                                   struct ndc_str statement)
{
    uint64_t n, pairs;
    *trust = NDC_WEBAUTHN_NONE;
    if (!ndc_cbor_array(&n, &statement) || n < COMPOUND_MIN || n > COMPOUND_MAX)
        return ndc_webauthn_unproven(a, "compound", "it has not 2 to 8 statements");
    for (uint64_t i = 0; i < n; i++) {
        struct ndc_str key, format, other, inner;
        enum ndc_webauthn_trust one = NDC_WEBAUTHN_NONE;
        bool good = ndc_cbor_map(&pairs, &statement) && pairs == 2 &&
                    ndc_cbor_text(&key, &statement) && ndc_str_eq_c(key, "fmt") &&
                    ndc_cbor_text(&format, &statement) &&
                    ndc_cbor_text(&other, &statement) && ndc_str_eq_c(other, "attStmt") &&
                    ndc_cbor_whole(&inner, &statement);
        if (!good)
            return ndc_webauthn_unproven(a, "compound", "a statement in it is not one");
        /* "compound" in it is no format that check_simple knows. */
        NDC_TRY(check_simple(&one, a, format, inner));
        *trust = NDC_MAX(*trust, one);
    }
    return NDC_OK;
}

enum ndc_err ndc_webauthn_attestation(enum ndc_webauthn_trust *trust,
                                      struct ndc_webauthn_attest *a,
                                      struct ndc_str format, struct ndc_str statement)
{
    if (ndc_str_eq_c(format, "compound")) return check_compound(trust, a, statement);
    return check_simple(trust, a, format, statement);
}

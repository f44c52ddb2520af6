/* TPM attestation (8.3): a TPM 2.0 certifies with its attestation key (AIK) that the
 * credential's key is in it. Its structures (TPM 2.0 library specification, part 2) are
 * read here, to the last byte: sizes are two bytes, most significant first. */
#include "platforms/eid/webauthn/internal.h"

enum {
    ALG_RSA = 0x0001,
    ALG_SHA1 = 0x0004,
    ALG_SHA256 = 0x000b,
    ALG_SHA384 = 0x000c,
    ALG_SHA512 = 0x000d,
    ALG_NULL = 0x0010,
    ALG_RSASSA = 0x0014,
    ALG_RSAES = 0x0015,
    ALG_RSAPSS = 0x0016,
    ALG_OAEP = 0x0017,
    ALG_ECDSA = 0x0018,
    ALG_ECDH = 0x0019,
    ALG_ECDAA = 0x001a,
    ALG_SM2 = 0x001b,
    ALG_ECSCHNORR = 0x001c,
    ALG_ECC = 0x0023,
    CURVE_P256 = 0x0003,
    CURVE_P384 = 0x0004,
    CURVE_P521 = 0x0005,
    ST_ATTEST_CERTIFY = 0x8017,
    CLOCK_INFO_BYTES = 17,
    FIRMWARE_BYTES = 8,
    DEFAULT_EXPONENT = 65537,
    ATTRIBUTE_MAX = 256
};
static const uint32_t generated_value = 0xff544347; /* TPM_GENERATED_VALUE */

/* A cursor that fails once and for all. */
struct cursor {
    struct ndc_str in;
    bool failed;
};

static struct ndc_str take(struct cursor *c, size_t n)
{
    if (c->failed || n > c->in.len) {
        c->failed = true;
        return NDC_STR_NULL;
    }
    struct ndc_str part = ndc_str_n(c->in.ptr, n);
    c->in = ndc_str_n(c->in.ptr + n, c->in.len - n);
    return part;
}

static uint32_t take_number(struct cursor *c, size_t bytes)
{
    struct ndc_str part = take(c, bytes);
    uint32_t v = 0;
    for (size_t i = 0; i < part.len; i++)
        v = v << 8 | (unsigned char)part.ptr[i];
    return v;
}

static struct ndc_str take_sized(struct cursor *c)
{
    return take(c, take_number(c, 2));
}

/* TPMT_SYM_DEF_OBJECT: a signing key has none. */
static void skip_symmetric(struct cursor *c)
{
    if (take_number(c, 2) != ALG_NULL) take(c, 4); /* key bits, mode */
}

/* TPMT_RSA_SCHEME, TPMT_ECC_SCHEME, TPMT_KDF_SCHEME. */
static void skip_scheme(struct cursor *c)
{
    switch (take_number(c, 2)) {
    case ALG_NULL:
    case ALG_RSAES:
        return;
    case ALG_ECDAA:
        take(c, 4); /* hash, count */
        return;
    case ALG_RSASSA:
    case ALG_RSAPSS:
    case ALG_OAEP:
    case ALG_ECDSA:
    case ALG_ECDH:
    case ALG_SM2:
    case ALG_ECSCHNORR:
        take(c, 2); /* hash */
        return;
    default:
        c->failed = true;
    }
}

bool ndc_tpm_public_read(struct ndc_tpm_public *out, struct ndc_str bytes)
{
    struct cursor c = {.in = bytes};
    *out = (struct ndc_tpm_public){0};
    out->type = (uint16_t)take_number(&c, 2);
    out->name_alg = (uint16_t)take_number(&c, 2);
    take(&c, 4);    /* attributes */
    take_sized(&c); /* policy */
    if (out->type == ALG_RSA) {
        skip_symmetric(&c);
        skip_scheme(&c);
        take(&c, 2); /* key bits: the modulus says them */
        out->exponent = take_number(&c, 4);
        if (!out->exponent) out->exponent = DEFAULT_EXPONENT;
        out->modulus = take_sized(&c);
    } else if (out->type == ALG_ECC) {
        skip_symmetric(&c);
        skip_scheme(&c);
        out->curve = (uint16_t)take_number(&c, 2);
        if (take_number(&c, 2) != ALG_NULL) take(&c, 2); /* key derivation */
        out->x = take_sized(&c);
        out->y = take_sized(&c);
    } else {
        return false;
    }
    return !c.failed && !c.in.len;
}

bool ndc_tpm_attest_read(struct ndc_tpm_attest *out, struct ndc_str bytes)
{
    struct cursor c = {.in = bytes};
    *out = (struct ndc_tpm_attest){0};
    out->magic = take_number(&c, 4);
    out->type = (uint16_t)take_number(&c, 2);
    take_sized(&c); /* qualified signer */
    out->extra_data = take_sized(&c);
    take(&c, CLOCK_INFO_BYTES + FIRMWARE_BYTES);
    if (out->type != ST_ATTEST_CERTIFY)
        return !c.failed; /* another union: refused by it */
    out->name = take_sized(&c);
    take_sized(&c); /* qualified name */
    return !c.failed && !c.in.len;
}

/* Numbers may come with zeros in front (COSE) or without (TPM). */
static bool same_number(struct ndc_str a, struct ndc_str b)
{
    while (a.len && !a.ptr[0])
        a = ndc_str_n(a.ptr + 1, a.len - 1);
    while (b.len && !b.ptr[0])
        b = ndc_str_n(b.ptr + 1, b.len - 1);
    return a.len && ndc_str_eq(a, b);
}

static bool is_credentials_key(const struct ndc_tpm_public *p,
                               const struct ndc_cose_key *key)
{
    if (p->type == ALG_RSA) {
        unsigned char e[4] = {
            (unsigned char)(p->exponent >> 24), (unsigned char)(p->exponent >> 16),
            (unsigned char)(p->exponent >> 8), (unsigned char)p->exponent};
        return key->type == 3 && same_number(p->modulus, key->x) &&
               same_number(ndc_str_n((char *)e, sizeof(e)), key->y);
    }
    int32_t curve = p->curve == CURVE_P256   ? 1
                    : p->curve == CURVE_P384 ? 2
                    : p->curve == CURVE_P521 ? 3
                                             : 0;
    return key->type == 2 && key->curve == curve && same_number(p->x, key->x) &&
           same_number(p->y, key->y);
}

/* Part 1, section 16: the algorithm's number and the hash of the public area by it. */
static bool is_name(struct ndc_str name, const struct ndc_tpm_public *p,
                    struct ndc_str pub_area)
{
    uint8_t hash[NDC_COSE_HASH_MAX];
    int64_t alg = p->name_alg == ALG_SHA1     ? NDC_COSE_RS1
                  : p->name_alg == ALG_SHA256 ? NDC_COSE_RS256
                  : p->name_alg == ALG_SHA384 ? NDC_COSE_RS384
                  : p->name_alg == ALG_SHA512 ? NDC_COSE_RS512
                                              : 0;
    size_t n = ndc_cose_hash(hash, alg, pub_area);
    return n && name.len == 2 + n && (unsigned char)name.ptr[0] == p->name_alg >> 8 &&
           (unsigned char)name.ptr[1] == (p->name_alg & 0xff) &&
           memcmp(name.ptr + 2, hash, n) == 0;
}

/* "id:" and the vendor's four bytes in hex. */
static bool is_vendor(const char *s)
{
    return strlen(s) == 11 && memcmp(s, "id:", 3) == 0 &&
           strspn(s + 3, "0123456789ABCDEFabcdef") == 8;
}

/* 8.3.1, and the TPM's own attributes by the EK profile (3.2.9). */
static const char *aik_certificate(const struct ndc_webauthn_attest *a,
                                   const struct ndc_certs *certs)
{
    char text[ATTRIBUTE_MAX];
    if (ndc_certs_version(certs) != 3) return "the AIK certificate is not of version 3";
    if (!ndc_certs_subject_empty(certs)) return "the AIK certificate has a subject";
    if (!ndc_certs_alternative(text, sizeof(text), certs, "2.23.133.2.1") ||
        !is_vendor(text))
        return "the AIK certificate does not name the TPM's maker";
    if (!ndc_certs_alternative(text, sizeof(text), certs, "2.23.133.2.2"))
        return "the AIK certificate does not name the TPM's model";
    if (!ndc_certs_alternative(text, sizeof(text), certs, "2.23.133.2.3"))
        return "the AIK certificate does not name the TPM's version";
    if (!ndc_certs_has_purpose(certs, "2.23.133.8.3"))
        return "the certificate is not for an AIK";
    if (ndc_certs_ca(certs) != NDC_CERTS_END)
        return "the AIK certificate does not say that it is no authority's";
    if (!ndc_webauthn_aaguid_fits(a, certs))
        return "the AIK certificate is for another model (AAGUID)";
    return NULL;
}

static const char *check_info(const struct ndc_webauthn_attest *a,
                              const struct ndc_webauthn_statement *s,
                              const struct ndc_tpm_public *public)
{
    struct ndc_tpm_attest info;
    uint8_t hash[NDC_COSE_HASH_MAX];
    if (!ndc_tpm_attest_read(&info, s->cert_info)) return "certInfo is not TPMS_ATTEST";
    if (info.magic != generated_value) return "no TPM made certInfo";
    if (info.type != ST_ATTEST_CERTIFY) return "certInfo certifies no key";
    size_t n = ndc_cose_hash(hash, s->alg, a->to_be_signed);
    if (!n || !ndc_str_eq(info.extra_data, ndc_str_n((char *)hash, n)))
        return "extraData is not the hash of this ceremony";
    if (!is_name(info.name, public, s->pub_area)) return "the name is not of this key";
    return NULL;
}

enum ndc_err ndc_webauthn_tpm(struct ndc_webauthn_attest *a,
                              const struct ndc_webauthn_statement *s,
                              const struct ndc_certs *certs)
{
    struct ndc_tpm_public public;
    if (!ndc_str_eq_c(s->ver, "2.0"))
        return ndc_webauthn_unproven(a, "tpm", "ver is not 2.0");
    if (!ndc_tpm_public_read(&public, s->pub_area))
        return ndc_webauthn_unproven(a, "tpm", "pubArea is not TPMT_PUBLIC");
    if (!is_credentials_key(&public, &a->auth->key))
        return ndc_webauthn_unproven(a, "tpm", "pubArea is not the credential's key");
    const char *why = aik_certificate(a, certs);
    if (why) return ndc_webauthn_unproven(a, "tpm", why);
    if (!ndc_certs_verify(certs, s->alg, s->cert_info, s->sig))
        return ndc_webauthn_unproven(a, "tpm", "the AIK did not sign certInfo");
    why = check_info(a, s, &public);
    return why ? ndc_webauthn_unproven(a, "tpm", why) : NDC_OK;
}

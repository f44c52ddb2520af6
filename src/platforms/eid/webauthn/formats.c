/* The formats that need no structures of their own: packed (8.2), FIDO U2F (8.6), Apple's
 * (8.8). */
#include "platforms/eid/webauthn/internal.h"

#include "crypto/digest.h"

enum {
    COUNTRY_LETTERS = 2,
    ATTRIBUTE_MAX = 256,
    U2F_BYTES_MAX = 1 + 32 + 32 + 1023 + 65
};

static bool is_country(const char *s)
{
    return strlen(s) == COUNTRY_LETTERS && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' &&
           s[1] <= 'Z';
}

/* 8.2.1. NULL: it is as it has to be. */
static const char *packed_certificate(const struct ndc_webauthn_attest *a,
                                      const struct ndc_certs *certs)
{
    char text[ATTRIBUTE_MAX];
    if (ndc_certs_version(certs) != 3) return "its certificate is not of version 3";
    if (!ndc_certs_subject(text, sizeof(text), certs, "2.5.4.6") || !is_country(text))
        return "its certificate's subject names no country";
    if (!ndc_certs_subject(text, sizeof(text), certs, "2.5.4.10") || !text[0])
        return "its certificate's subject names no organisation";
    if (!ndc_certs_subject(text, sizeof(text), certs, "2.5.4.11") ||
        strcmp(text, "Authenticator Attestation") != 0)
        return "its certificate is not for \"Authenticator Attestation\"";
    if (!ndc_certs_subject(text, sizeof(text), certs, "2.5.4.3") || !text[0])
        return "its certificate's subject has no name";
    if (ndc_certs_ca(certs) != NDC_CERTS_END)
        return "its certificate does not say that it is no authority's";
    if (!ndc_webauthn_aaguid_fits(a, certs))
        return "its certificate is for another model (AAGUID)";
    return NULL;
}

enum ndc_err ndc_webauthn_packed(struct ndc_webauthn_attest *a,
                                 const struct ndc_webauthn_statement *s,
                                 const struct ndc_certs *certs)
{
    if (!certs) {
        if (s->alg != a->auth->key.alg)
            return ndc_webauthn_unproven(a, "packed",
                                         "alg is not the credential's algorithm");
        if (!ndc_cose_verify(&a->auth->key, a->to_be_signed, s->sig, NDC_COSE_DER))
            return ndc_webauthn_unproven(a, "packed",
                                         "the credential's key did not sign it");
        return NDC_OK;
    }
    if (s->alg == NDC_COSE_RS1 ||
        !ndc_certs_verify(certs, s->alg, a->to_be_signed, s->sig))
        return ndc_webauthn_unproven(a, "packed",
                                     "the certificate's key did not sign it");
    const char *why = packed_certificate(a, certs);
    return why ? ndc_webauthn_unproven(a, "packed", why) : NDC_OK;
}

/* Over what U2F's registration message signed, which has the numbers in another order. */
enum ndc_err ndc_webauthn_u2f(struct ndc_webauthn_attest *a,
                              const struct ndc_webauthn_statement *s,
                              const struct ndc_certs *certs)
{
    const struct ndc_cose_key *key = &a->auth->key;
    char bytes[U2F_BYTES_MAX];
    size_t n = 0;
    if (s->n_x5c != 1)
        return ndc_webauthn_unproven(a, "fido-u2f", "x5c has not one certificate");
    if (key->type != 2 || key->curve != NDC_COSE_EC2_P256)
        return ndc_webauthn_unproven(a, "fido-u2f",
                                     "the credential's key is not on P-256");
    const struct ndc_str parts[] = {NDC_STR("\0"),   a->auth->rp_id_hash,
                                    a->hash,         a->auth->credential_id,
                                    NDC_STR("\x04"), key->x,
                                    key->y};
    for (size_t i = 0; i < NDC_ARRAY_LEN(parts); i++) {
        NDC_ASSERT(parts[i].len <= sizeof(bytes) - n);
        memcpy(bytes + n, parts[i].ptr, parts[i].len);
        n += parts[i].len;
    }
    /* ES256 is P-256 here: a certificate's key on another curve fails with this. */
    if (!ndc_certs_verify(certs, NDC_COSE_ES256, ndc_str_n(bytes, n), s->sig))
        return ndc_webauthn_unproven(a, "fido-u2f",
                                     "no P-256 key of the certificate signed it");
    return NDC_OK;
}

/* The certificate was made for this credential, with the hash of the ceremony in it. What
 * signs is Apple's authority: without an anchor this proves nothing by itself. */
enum ndc_err ndc_webauthn_apple(struct ndc_webauthn_attest *a,
                                const struct ndc_webauthn_statement *s,
                                const struct ndc_certs *certs)
{
    uint8_t nonce[NDC_SHA256_BYTES];
    struct ndc_str value;
    bool critical;
    (void)s;
    ndc_sha256(nonce, a->to_be_signed);
    /* SEQUENCE { [1] { OCTET STRING of 32 bytes } } */
    if (ndc_certs_extension(&value, &critical, certs, "1.2.840.113635.100.8.2") !=
            NDC_CERTS_FOUND ||
        value.len != 6 + sizeof(nonce) ||
        memcmp(value.ptr, "\x30\x24\xa1\x22\x04\x20", 6) != 0 ||
        memcmp(value.ptr + 6, nonce, sizeof(nonce)) != 0)
        return ndc_webauthn_unproven(a, "apple",
                                     "the certificate is not of this ceremony");
    if (!ndc_certs_key_equals(certs, &a->auth->key))
        return ndc_webauthn_unproven(a, "apple",
                                     "the certificate is of another key than the "
                                     "credential's");
    return NDC_OK;
}

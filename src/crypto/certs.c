/* X.509 through OpenSSL. A chain is what somebody sent: it is only looked at, and every
 * answer is about its first certificate; ndc_certs_check alone says whom to believe. */
#include "crypto/certs.h"

#include "crypto/cose_internal.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

enum { PEM_BYTES_MAX = 8 << 20, AUTH_LEVEL = 1 };

struct ndc_certs {
    size_t n;
    X509 *cert[NDC_CERTS_MAX];
};

struct ndc_anchors {
    size_t n;
    X509_STORE *store;
};

static X509 *read_der(struct ndc_str der)
{
    const unsigned char *at = (const unsigned char *)der.ptr;
    if (!der.len || der.len > NDC_CERT_BYTES_MAX) return NULL;
    X509 *x = d2i_X509(NULL, &at, (long)der.len);
    if (x && at == (const unsigned char *)der.ptr + der.len) return x;
    X509_free(x);
    ERR_clear_error();
    return NULL;
}

enum ndc_err ndc_certs_read(struct ndc_certs **out, const struct ndc_str *der, size_t n,
                            struct ndc_fault *fault)
{
    *out = NULL;
    if (n == 0 || n > NDC_CERTS_MAX)
        return ndc_fail(fault, NDC_EINPUT, "certs.syntax",
                        "a chain has 1 to %d certificates, not %zu", NDC_CERTS_MAX, n);
    struct ndc_certs *certs = ndc_xcalloc(1, sizeof(*certs));
    for (; certs->n < n; certs->n++) {
        X509 *x = certs->cert[certs->n] = read_der(der[certs->n]);
        if (x && X509_get0_pubkey(x)) continue;
        ndc_fail(fault, NDC_EINPUT, "certs.syntax",
                 "certificate %zu of the chain is not X.509 in DER", certs->n + 1);
        X509_free(x);
        ndc_certs_free(certs);
        ERR_clear_error();
        return NDC_EINPUT;
    }
    *out = certs;
    return NDC_OK;
}

void ndc_certs_free(struct ndc_certs *certs)
{
    if (!certs) return;
    for (size_t i = 0; i < certs->n; i++)
        X509_free(certs->cert[i]);
    free(certs);
}

int ndc_certs_version(const struct ndc_certs *certs)
{
    return (int)X509_get_version(certs->cert[0]) + 1;
}

enum ndc_certs_ca ndc_certs_ca(const struct ndc_certs *certs)
{
    int critical = -1;
    BASIC_CONSTRAINTS *bc =
        X509_get_ext_d2i(certs->cert[0], NID_basic_constraints, &critical, NULL);
    if (!bc) {
        ERR_clear_error();
        /* -1: none. Twice, or not to be read: what it says is not "no". */
        return critical == -1 ? NDC_CERTS_NO_CONSTRAINTS : NDC_CERTS_CA;
    }
    bool ca = bc->ca != 0;
    BASIC_CONSTRAINTS_free(bc);
    return ca ? NDC_CERTS_CA : NDC_CERTS_END;
}

bool ndc_certs_subject_empty(const struct ndc_certs *certs)
{
    return X509_NAME_entry_count(X509_get_subject_name(certs->cert[0])) == 0;
}

static bool name_text(char *out, size_t size, const X509_NAME *name, const char *oid)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    NDC_ASSERT(object);
    int at = X509_NAME_get_index_by_OBJ(name, object, -1);
    bool once = at >= 0 && X509_NAME_get_index_by_OBJ(name, object, at) < 0;
    ASN1_OBJECT_free(object);
    if (!once) return false;
    unsigned char *text = NULL;
    int len = ASN1_STRING_to_UTF8(
        &text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    bool good = len >= 0 && (size_t)len < size && !memchr(text, 0, (size_t)len);
    if (good) {
        memcpy(out, text, (size_t)len);
        out[len] = 0;
    }
    OPENSSL_free(text);
    ERR_clear_error();
    return good;
}

bool ndc_certs_subject(char *out, size_t size, const struct ndc_certs *certs,
                       const char *oid)
{
    return name_text(out, size, X509_get_subject_name(certs->cert[0]), oid);
}

enum ndc_certs_found ndc_certs_extension(struct ndc_str *value, bool *critical,
                                         const struct ndc_certs *certs, const char *oid)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    NDC_ASSERT(object);
    int at = X509_get_ext_by_OBJ(certs->cert[0], object, -1);
    bool twice = at >= 0 && X509_get_ext_by_OBJ(certs->cert[0], object, at) >= 0;
    ASN1_OBJECT_free(object);
    *value = NDC_STR_NULL;
    *critical = false;
    if (at < 0) return NDC_CERTS_MISSING;
    if (twice) return NDC_CERTS_TWICE;
    X509_EXTENSION *ext = X509_get_ext(certs->cert[0], at);
    const ASN1_OCTET_STRING *data = X509_EXTENSION_get_data(ext);
    *value = ndc_str_n((const char *)ASN1_STRING_get0_data(data),
                       (size_t)ASN1_STRING_length(data));
    *critical = X509_EXTENSION_get_critical(ext) != 0;
    return NDC_CERTS_FOUND;
}

bool ndc_certs_has_purpose(const struct ndc_certs *certs, const char *oid)
{
    EXTENDED_KEY_USAGE *usage =
        X509_get_ext_d2i(certs->cert[0], NID_ext_key_usage, NULL, NULL);
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    bool found = false;
    NDC_ASSERT(object);
    for (int i = 0; i < sk_ASN1_OBJECT_num(usage) && !found; i++)
        found = OBJ_cmp(sk_ASN1_OBJECT_value(usage, i), object) == 0;
    ASN1_OBJECT_free(object);
    EXTENDED_KEY_USAGE_free(usage);
    ERR_clear_error();
    return found;
}

bool ndc_certs_alternative(char *out, size_t size, const struct ndc_certs *certs,
                           const char *oid)
{
    GENERAL_NAMES *names =
        X509_get_ext_d2i(certs->cert[0], NID_subject_alt_name, NULL, NULL);
    bool found = false;
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_DIRNAME)
            found = name_text(out, size, name->d.directoryName, oid);
    }
    GENERAL_NAMES_free(names);
    ERR_clear_error();
    return found;
}

bool ndc_certs_key_equals(const struct ndc_certs *certs, const struct ndc_cose_key *key)
{
    bool same =
        key->pkey && EVP_PKEY_eq(X509_get0_pubkey(certs->cert[0]), key->pkey) == 1;
    ERR_clear_error();
    return same;
}

bool ndc_certs_verify(const struct ndc_certs *certs, int64_t alg, struct ndc_str message,
                      struct ndc_str signature)
{
    const struct ndc_cose_algorithm *a = ndc_cose_algorithm(alg);
    return a && ndc_cose_verify_pkey(X509_get0_pubkey(certs->cert[0]), a, message,
                                     signature, NDC_COSE_DER);
}

static enum ndc_err add_anchors(struct ndc_anchors *anchors, BIO *bio,
                                struct ndc_fault *fault)
{
    X509 *x;
    while ((x = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
        bool full = anchors->n == NDC_ANCHORS_MAX;
        if (!full) NDC_ASSERT(X509_STORE_add_cert(anchors->store, x) == 1);
        X509_free(x);
        if (full)
            return ndc_fail(fault, NDC_ETOOBIG, "anchors.too_many",
                            "there are over %d trust anchors", NDC_ANCHORS_MAX);
        anchors->n++;
    }
    bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    if (at_end && anchors->n) return NDC_OK;
    return ndc_fail(fault, NDC_EINPUT, "anchors.syntax",
                    "certificate %zu of the trust anchors is not one in PEM",
                    anchors->n + 1);
}

enum ndc_err ndc_anchors_read(struct ndc_anchors **out, struct ndc_str pem,
                              struct ndc_fault *fault)
{
    *out = NULL;
    if (pem.len > PEM_BYTES_MAX)
        return ndc_fail(fault, NDC_ETOOBIG, "anchors.too_many",
                        "the trust anchors are over %d bytes", PEM_BYTES_MAX);
    struct ndc_anchors *anchors = ndc_xcalloc(1, sizeof(*anchors));
    BIO *bio = BIO_new_mem_buf(pem.len ? pem.ptr : "", (int)pem.len);
    anchors->store = X509_STORE_new();
    NDC_ASSERT(bio && anchors->store);
    enum ndc_err err = add_anchors(anchors, bio, fault);
    BIO_free(bio);
    if (err)
        ndc_anchors_free(anchors);
    else
        *out = anchors;
    return err;
}

void ndc_anchors_free(struct ndc_anchors *anchors)
{
    if (!anchors) return;
    X509_STORE_free(anchors->store);
    free(anchors);
}

size_t ndc_anchors_count(const struct ndc_anchors *anchors)
{
    return anchors ? anchors->n : 0;
}

enum ndc_err ndc_certs_check(const struct ndc_certs *certs,
                             const struct ndc_anchors *anchors, int64_t now_s,
                             struct ndc_fault *fault)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    STACK_OF(X509) *others = sk_X509_new_null();
    NDC_ASSERT(ctx && others);
    for (size_t i = 1; i < certs->n; i++)
        NDC_ASSERT(sk_X509_push(others, certs->cert[i]) > 0);
    NDC_ASSERT(X509_STORE_CTX_init(ctx, anchors->store, certs->cert[0], others) == 1);
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_time(param, (time_t)now_s);
    /* An anchor need not be a root: a vendor's batch certificate may be one itself. */
    NDC_ASSERT(X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN) == 1);
    X509_VERIFY_PARAM_set_depth(param, NDC_CERTS_MAX);
    X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL); /* no SHA-1 in the chain */
    enum ndc_err err = NDC_OK;
    if (X509_verify_cert(ctx) != 1)
        err = ndc_fail(fault, NDC_EINPUT, "certs.chain",
                       "the certificates lead to no trust anchor: %s",
                       X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
    X509_STORE_CTX_free(ctx);
    sk_X509_free(others);
    ERR_clear_error();
    return err;
}

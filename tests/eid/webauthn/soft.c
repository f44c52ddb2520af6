/* The authenticator and its authority, on OpenSSL as such: a mistake in crypto/ is not
 * made here again. */
#include "tests/eid/webauthn/soft.h"

#include "crypto/cbor.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

enum { BYTES_MAX = 1 << 16, YEAR_S = 365 * 86400 };

void soft_make(struct soft *s, int32_t alg)
{
    s->alg = alg;
    switch (alg) {
    case NDC_COSE_EDDSA:
        s->key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        break;
    case NDC_COSE_RS256:
    case NDC_COSE_PS256:
        s->key = EVP_RSA_gen(2048);
        break;
    default:
        s->key = EVP_EC_gen(alg == NDC_COSE_ES384    ? "P-384"
                            : alg == NDC_COSE_ES256K ? "secp256k1"
                                                     : "P-256");
    }
    NDC_ASSERT(s->key && RAND_bytes((unsigned char *)s->id, sizeof(s->id)) == 1 &&
               RAND_bytes((unsigned char *)s->aaguid, sizeof(s->aaguid)) == 1);
}

void soft_free(struct soft *s)
{
    EVP_PKEY_free(s->key);
}

static void add_number(struct ndc_buf *out, const EVP_PKEY *key, const char *name,
                       int size)
{
    unsigned char bytes[512];
    BIGNUM *n = NULL;
    NDC_ASSERT(EVP_PKEY_get_bn_param(key, name, &n) == 1);
    int len = size ? BN_bn2binpad(n, bytes, size) : BN_bn2bin(n, bytes);
    NDC_ASSERT(len > 0);
    ndc_cbor_add_bytes(out, ndc_str_n((char *)bytes, (size_t)len));
    BN_free(n);
}

void soft_public_key(struct ndc_buf *out, const struct soft *s)
{
    bool rsa = EVP_PKEY_is_a(s->key, "RSA"), okp = s->alg == NDC_COSE_EDDSA;
    ndc_cbor_add_map(out, rsa || okp ? 4 : 5);
    ndc_cbor_add_int(out, 1);
    ndc_cbor_add_int(out, rsa ? 3 : okp ? 1 : 2);
    ndc_cbor_add_int(out, 3);
    ndc_cbor_add_int(out, s->alg);
    ndc_cbor_add_int(out, -1);
    if (rsa) {
        add_number(out, s->key, OSSL_PKEY_PARAM_RSA_N, 0);
        ndc_cbor_add_int(out, -2);
        add_number(out, s->key, OSSL_PKEY_PARAM_RSA_E, 0);
        return;
    }
    if (okp) {
        unsigned char x[32];
        size_t n = sizeof(x);
        NDC_ASSERT(EVP_PKEY_get_raw_public_key(s->key, x, &n) == 1);
        ndc_cbor_add_int(out, 6);
        ndc_cbor_add_int(out, -2);
        ndc_cbor_add_bytes(out, ndc_str_n((char *)x, n));
        return;
    }
    int size = s->alg == NDC_COSE_ES384 ? 48 : 32;
    ndc_cbor_add_int(out, size == 48 ? 2 : s->alg == NDC_COSE_ES256K ? 8 : 1);
    ndc_cbor_add_int(out, -2);
    add_number(out, s->key, OSSL_PKEY_PARAM_EC_PUB_X, size);
    ndc_cbor_add_int(out, -3);
    add_number(out, s->key, OSSL_PKEY_PARAM_EC_PUB_Y, size);
}

void soft_auth_data(struct ndc_buf *out, const struct soft *s, const char *rp_id,
                    unsigned flags, uint32_t counter)
{
    unsigned char hash[32];
    SHA256((const unsigned char *)rp_id, strlen(rp_id), hash);
    ndc_buf_add(out, hash, sizeof(hash));
    ndc_buf_add_byte(out, (char)flags);
    for (int shift = 24; shift >= 0; shift -= 8)
        ndc_buf_add_byte(out, (char)(counter >> shift));
    if (!(flags & SOFT_AT)) return;
    ndc_buf_add(out, s->aaguid, sizeof(s->aaguid));
    ndc_buf_add_byte(out, 0);
    ndc_buf_add_byte(out, sizeof(s->id));
    ndc_buf_add(out, s->id, sizeof(s->id));
    soft_public_key(out, s);
}

void soft_client_data(struct ndc_buf *out, const char *type, struct ndc_str challenge,
                      const char *origin, const char *extra)
{
    unsigned char text[512];
    NDC_ASSERT(challenge.len < 300);
    int n =
        EVP_EncodeBlock(text, (const unsigned char *)challenge.ptr, (int)challenge.len);
    for (; n && text[n - 1] == '='; n--) {
    }
    for (int i = 0; i < n; i++)
        text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
    ndc_buf_printf(out,
                   "{\"type\":\"%s\",\"challenge\":\"%.*s\",\"origin\":\"%s\","
                   "\"crossOrigin\":false%s}",
                   type, n, (char *)text, origin, extra);
}

void soft_sign_message(struct ndc_buf *out, EVP_PKEY *key, int32_t alg,
                       struct ndc_str message)
{
    const EVP_MD *md = alg == NDC_COSE_EDDSA   ? NULL
                       : alg == NDC_COSE_ES384 ? EVP_sha384()
                       : alg == NDC_COSE_RS1   ? EVP_sha1()
                                               : EVP_sha256();
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx = NULL;
    unsigned char sig[1024];
    size_t n = sizeof(sig);
    NDC_ASSERT(ctx && EVP_DigestSignInit(ctx, &pctx, md, NULL, key) == 1);
    if (alg == NDC_COSE_PS256)
        NDC_ASSERT(EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) > 0 &&
                   EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) > 0);
    NDC_ASSERT(EVP_DigestSign(ctx, sig, &n, (const unsigned char *)message.ptr,
                              message.len) == 1);
    ndc_buf_add(out, sig, n);
    EVP_MD_CTX_free(ctx);
}

void soft_sign(struct ndc_buf *out, EVP_PKEY *key, int32_t alg, struct ndc_str auth_data,
               struct ndc_str client_data)
{
    struct ndc_buf message;
    unsigned char hash[32];
    ndc_buf_init(&message, BYTES_MAX);
    SHA256((const unsigned char *)client_data.ptr, client_data.len, hash);
    ndc_buf_add_str(&message, auth_data);
    ndc_buf_add(&message, hash, sizeof(hash));
    soft_sign_message(out, key, alg, ndc_buf_str(&message));
    ndc_buf_free(&message);
}

static void add_name(X509_NAME *name, const char *field, const char *text)
{
    if (!text) return;
    NDC_ASSERT(X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                          (const unsigned char *)text, -1, -1, 0) == 1);
}

static void add_extension(X509 *x, const struct soft_extension *e)
{
    ASN1_OBJECT *object = OBJ_txt2obj(e->oid, 1);
    ASN1_OCTET_STRING *data = ASN1_OCTET_STRING_new();
    NDC_ASSERT(object && data &&
               ASN1_OCTET_STRING_set(data, (const unsigned char *)e->value.ptr,
                                     (int)e->value.len) == 1);
    X509_EXTENSION *ext = X509_EXTENSION_create_by_OBJ(NULL, object, e->critical, data);
    NDC_ASSERT(ext && X509_add_ext(x, ext, -1) == 1);
    X509_EXTENSION_free(ext);
    ASN1_OCTET_STRING_free(data);
    ASN1_OBJECT_free(object);
}

static void write_der(struct ndc_buf *out, X509 *x)
{
    unsigned char *der = NULL;
    int n = i2d_X509(x, &der);
    NDC_ASSERT(n > 0);
    ndc_buf_add(out, der, (size_t)n);
    OPENSSL_free(der);
}

static X509 *sign_certificate(const struct soft_certificate *c, EVP_PKEY *issuer_key)
{
    static long serial;
    X509 *x = X509_new();
    X509_NAME *issuer = X509_NAME_new();
    NDC_ASSERT(x && issuer);
    X509_set_version(x, (c->version ? c->version : 3) - 1);
    ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(x), -2L * YEAR_S);
    X509_gmtime_adj(X509_getm_notAfter(x), c->expired ? -1L * YEAR_S : 2L * YEAR_S);
    X509_NAME *subject = X509_get_subject_name(x);
    add_name(subject, "C", c->country);
    add_name(subject, "O", c->organisation);
    add_name(subject, "OU", c->unit);
    add_name(subject, "CN", c->name);
    add_name(issuer, "CN", "Soft authority");
    X509_set_issuer_name(x, issuer);
    X509_NAME_free(issuer);
    NDC_ASSERT(X509_set_pubkey(x, c->key) == 1);
    if (c->ca >= 0) {
        const struct soft_extension constraints = {
            "2.5.29.19", c->ca ? NDC_STR("\x30\x03\x01\x01\xff") : NDC_STR("\x30\x00"),
            true};
        add_extension(x, &constraints);
    }
    for (size_t i = 0; i < NDC_ARRAY_LEN(c->extensions) && c->extensions[i].oid; i++)
        add_extension(x, &c->extensions[i]);
    NDC_ASSERT(X509_sign(x, issuer_key, EVP_sha256()) > 0);
    return x;
}

void soft_authority_make(struct soft_authority *a)
{
    char *text = NULL;
    a->key = EVP_EC_gen("P-256");
    X509 *x = sign_certificate(
        &(struct soft_certificate){.key = a->key, .name = "Soft authority", .ca = 1},
        a->key);
    BIO *bio = BIO_new(BIO_s_mem());
    NDC_ASSERT(bio && PEM_write_bio_X509(bio, x) == 1);
    ndc_buf_init(&a->der, BYTES_MAX);
    ndc_buf_init(&a->pem, BYTES_MAX);
    write_der(&a->der, x);
    long n = BIO_get_mem_data(bio, &text);
    ndc_buf_add(&a->pem, text, (size_t)n);
    BIO_free(bio);
    X509_free(x);
}

void soft_authority_free(struct soft_authority *a)
{
    EVP_PKEY_free(a->key);
    ndc_buf_free(&a->der);
    ndc_buf_free(&a->pem);
}

void soft_certify(struct ndc_buf *der, const struct soft_authority *a,
                  const struct soft_certificate *c)
{
    X509 *x = sign_certificate(c, a->key);
    write_der(der, x);
    X509_free(x);
}

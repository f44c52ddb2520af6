/* Thumbprints, on OpenSSL (X.509) and libsodium (hex, base64). */
#include "crypto/certificate.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sodium.h>

enum { CERTIFICATE_BYTES_MAX = 64 << 10 };

static X509 *read_certificate(struct ndc_str text)
{
    X509 *x509 = NULL;
    if (!text.len || text.len > CERTIFICATE_BYTES_MAX) return NULL;
    BIO *bio = BIO_new_mem_buf(text.ptr, (int)text.len);
    if (!bio) return NULL;
    x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    if (x509) return x509;
    const unsigned char *at = (const unsigned char *)text.ptr;
    return d2i_X509(NULL, &at, (long)text.len);
}

enum ndc_err ndc_certificate_thumbprint(char out[static NDC_THUMBPRINT_TEXT],
                                        struct ndc_str certificate,
                                        struct ndc_fault *fault)
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    X509 *x509 = read_certificate(certificate);
    bool good = x509 && X509_digest(x509, EVP_sha256(), bytes, &n) == 1 &&
                n == NDC_THUMBPRINT_BYTES;
    X509_free(x509);
    if (!good)
        return ndc_fail_at(fault, NDC_EINPUT, "certificate.syntax", "certificate", 0,
                           "this is not an X.509 certificate in PEM or DER");
    sodium_bin2hex(out, NDC_THUMBPRINT_TEXT, bytes, NDC_THUMBPRINT_BYTES);
    return NDC_OK;
}

enum ndc_err ndc_thumbprint_read(char out[static NDC_THUMBPRINT_TEXT],
                                 struct ndc_str text, struct ndc_fault *fault)
{
    unsigned char bytes[NDC_THUMBPRINT_BYTES];
    size_t n = 0;
    const char *end = NULL;
    text = ndc_str_trim(text);
    bool good = text.len && sodium_hex2bin(bytes, sizeof(bytes), text.ptr, text.len, ":",
                                           &n, &end) == 0;
    good = good && n == sizeof(bytes) && end == text.ptr + text.len;
    if (!good && text.len == 43)
        good = sodium_base642bin(bytes, sizeof(bytes), text.ptr, text.len, NULL, &n, NULL,
                                 sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 &&
               n == sizeof(bytes);
    if (!good)
        return ndc_fail_at(fault, NDC_EINPUT, "certificate.thumbprint", "cert_sha256", 0,
                           "a SHA-256 thumbprint is 64 hex digits, with or without "
                           "colons, or 43 characters of base64url");
    sodium_bin2hex(out, NDC_THUMBPRINT_TEXT, bytes, sizeof(bytes));
    return NDC_OK;
}

bool ndc_thumbprint_bytes(uint8_t out[static NDC_THUMBPRINT_BYTES], struct ndc_str hex)
{
    size_t n = 0;
    return hex.len == 2 * (size_t)NDC_THUMBPRINT_BYTES &&
           sodium_hex2bin(out, NDC_THUMBPRINT_BYTES, hex.ptr, hex.len, NULL, &n, NULL) ==
               0 &&
           n == NDC_THUMBPRINT_BYTES;
}

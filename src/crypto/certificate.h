/* Thumbprints of X.509 certificates: SHA-256 of the DER, as RFC 8705 (3.1) binds a token
 * to a client's certificate. */
#ifndef NDC_CRYPTO_CERTIFICATE_H
#define NDC_CRYPTO_CERTIFICATE_H

#include "base/error.h"
#include "base/str.h"

enum { NDC_THUMBPRINT_BYTES = 32, NDC_THUMBPRINT_TEXT = 65 };

/* Of a certificate's text (PEM; of several the first, a chain's own end) or DER, as 64
 * lower-case hex digits and a 0. Fault: certificate.syntax. */
enum ndc_err ndc_certificate_thumbprint(char out[static NDC_THUMBPRINT_TEXT],
                                        struct ndc_str certificate,
                                        struct ndc_fault *fault) NDC_MUST_USE;
/* What people have of one, as the same 64 digits: hex in either case, with or without
 * colons (`openssl x509 -fingerprint -sha256`), or base64url (x5t#S256). */
enum ndc_err ndc_thumbprint_read(char out[static NDC_THUMBPRINT_TEXT],
                                 struct ndc_str text,
                                 struct ndc_fault *fault) NDC_MUST_USE;
/* The bytes of 64 hex digits; false if they are not. */
bool ndc_thumbprint_bytes(uint8_t out[static NDC_THUMBPRINT_BYTES], struct ndc_str hex);

#endif

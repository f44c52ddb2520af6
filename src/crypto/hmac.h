/* HMAC-SHA-256 (RFC 2104, FIPS 180-4) and standard base64 (RFC 4648, 4). */
#ifndef NDC_CRYPTO_HMAC_H
#define NDC_CRYPTO_HMAC_H

#include "base/buf.h"

enum { NDC_HMAC_BYTES = 32 };

void ndc_hmac_sha256(uint8_t out[static NDC_HMAC_BYTES], struct ndc_str key,
                     struct ndc_str data);
/* Appends the padded text. */
void ndc_base64_add(struct ndc_buf *out, const void *bytes, size_t len);
/* Decodes padded text into at most `size` bytes; false: it is none, or longer. */
bool ndc_base64_read(uint8_t *out, size_t size, size_t *len,
                     struct ndc_str text) NDC_MUST_USE;

#endif

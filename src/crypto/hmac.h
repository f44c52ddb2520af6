/* HMAC-SHA-256 (RFC 2104, FIPS 180-4). */
#ifndef NDC_CRYPTO_HMAC_H
#define NDC_CRYPTO_HMAC_H

#include "base/buf.h"

enum { NDC_HMAC_BYTES = 32 };

void ndc_hmac_sha256(uint8_t out[static NDC_HMAC_BYTES], struct ndc_str key,
                     struct ndc_str data);

#endif

/* SHA-256: of bytes in memory, or as they come. */
#ifndef NDC_CRYPTO_DIGEST_H
#define NDC_CRYPTO_DIGEST_H

#include "base/str.h"

enum { NDC_SHA256_BYTES = 32 };

/* 64 lower-case hex digits and a 0. */
void ndc_sha256_hex(char out[static 65], struct ndc_str data);
void ndc_sha256(uint8_t out[static NDC_SHA256_BYTES], struct ndc_str data);
/* The text form of a digest. */
void ndc_digest_hex(char out[static 65], const uint8_t digest[static NDC_SHA256_BYTES]);

struct ndc_sha256;

struct ndc_sha256 *ndc_sha256_new(void);
void ndc_sha256_add(struct ndc_sha256 *sha, struct ndc_str data);
/* The digest of all that was added; frees it. */
void ndc_sha256_end(struct ndc_sha256 *sha, uint8_t out[static NDC_SHA256_BYTES]);

#endif

/* SHA-256 of bytes in memory. */
#ifndef NDC_CRYPTO_DIGEST_H
#define NDC_CRYPTO_DIGEST_H

#include "base/str.h"

/* 64 lower-case hex digits and a 0. */
void ndc_sha256_hex(char out[static 65], struct ndc_str data);

#endif

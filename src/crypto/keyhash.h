/* A short hash that nobody without the key can compute or reverse: SipHash-2-4. For what
 * must be compared and never listed. */
#ifndef NDC_CRYPTO_KEYHASH_H
#define NDC_CRYPTO_KEYHASH_H

#include "base/str.h"

enum { NDC_KEYHASH_KEY_BYTES = 16 };

uint64_t ndc_keyhash(const uint8_t key[static NDC_KEYHASH_KEY_BYTES],
                     struct ndc_str data);

#endif

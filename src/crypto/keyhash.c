/* SipHash-2-4 by libsodium. */
#include "crypto/keyhash.h"

#include <sodium.h>

_Static_assert(crypto_shorthash_KEYBYTES == NDC_KEYHASH_KEY_BYTES, "SipHash's key");

uint64_t ndc_keyhash(const uint8_t key[static NDC_KEYHASH_KEY_BYTES], struct ndc_str data)
{
    uint64_t out;
    crypto_shorthash((unsigned char *)&out,
                     (const unsigned char *)(data.ptr ? data.ptr : ""), data.len, key);
    return out;
}

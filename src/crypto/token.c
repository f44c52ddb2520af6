/* Tokens, on libsodium. */
#include "crypto/token.h"

#include "sys/random.h"

#include <sodium.h>

enum { TOKEN_RANDOM_BYTES = 32 };

void ndc_token_make(char out[NDC_TOKEN_BYTES], const char *prefix)
{
    uint8_t bytes[TOKEN_RANDOM_BYTES];
    size_t n = strlen(prefix);
    NDC_ASSERT(n <= 4);
    memcpy(out, prefix, n);
    ndc_random_bytes(bytes, sizeof(bytes));
    sodium_bin2base64(out + n, NDC_TOKEN_BYTES - n, bytes, sizeof(bytes),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(bytes, sizeof(bytes));
}

void ndc_token_hash(uint8_t out[NDC_TOKEN_HASH_BYTES], struct ndc_str token)
{
    NDC_ASSERT(crypto_generichash(out, NDC_TOKEN_HASH_BYTES,
                                  (const unsigned char *)token.ptr, token.len, NULL,
                                  0) == 0);
}

bool ndc_secret_equal(struct ndc_str a, struct ndc_str b)
{
    return a.len == b.len && (a.len == 0 || sodium_memcmp(a.ptr, b.ptr, a.len) == 0);
}

void ndc_secret_wipe(void *ptr, size_t len)
{
    sodium_memzero(ptr, len);
}

void ndc_token_id(char *out, size_t n)
{
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    uint8_t bytes[64];
    NDC_ASSERT(n <= sizeof(bytes));
    ndc_random_bytes(bytes, n);
    for (size_t i = 0; i < n; i++)
        out[i] = digits[bytes[i] & 31];
    out[n] = 0;
}

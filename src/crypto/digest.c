/* Digests by OpenSSL. */
#include "crypto/digest.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

void ndc_digest_hex(char out[static 65], const uint8_t digest[static NDC_SHA256_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < NDC_SHA256_BYTES; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[64] = 0;
}

void ndc_sha256(uint8_t out[static NDC_SHA256_BYTES], struct ndc_str data)
{
    NDC_ASSERT(SHA256((const unsigned char *)(data.ptr ? data.ptr : ""), data.len, out));
}

void ndc_sha256_hex(char out[static 65], struct ndc_str data)
{
    uint8_t hash[NDC_SHA256_BYTES];
    ndc_sha256(hash, data);
    ndc_digest_hex(out, hash);
}

struct ndc_sha256 {
    EVP_MD_CTX *ctx;
};

struct ndc_sha256 *ndc_sha256_new(void)
{
    struct ndc_sha256 *sha = ndc_xcalloc(1, sizeof(*sha));
    sha->ctx = EVP_MD_CTX_new();
    NDC_ASSERT(sha->ctx && EVP_DigestInit_ex(sha->ctx, EVP_sha256(), NULL) == 1);
    return sha;
}

void ndc_sha256_add(struct ndc_sha256 *sha, struct ndc_str data)
{
    if (data.len) NDC_ASSERT(EVP_DigestUpdate(sha->ctx, data.ptr, data.len) == 1);
}

void ndc_sha256_end(struct ndc_sha256 *sha, uint8_t out[static NDC_SHA256_BYTES])
{
    NDC_ASSERT(EVP_DigestFinal_ex(sha->ctx, out, NULL) == 1);
    EVP_MD_CTX_free(sha->ctx);
    free(sha);
}

/* Digests by OpenSSL. */
#include "crypto/digest.h"

#include <openssl/sha.h>

void ndc_sha256_hex(char out[static 65], struct ndc_str data)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char hash[SHA256_DIGEST_LENGTH];
    NDC_ASSERT(SHA256((const unsigned char *)(data.ptr ? data.ptr : ""), data.len, hash));
    for (size_t i = 0; i < sizeof(hash); i++) {
        out[2 * i] = digits[hash[i] >> 4];
        out[2 * i + 1] = digits[hash[i] & 15];
    }
    out[64] = 0;
}

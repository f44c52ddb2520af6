/* HMAC through OpenSSL. */
#include "crypto/hmac.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

void ndc_hmac_sha256(uint8_t out[static NDC_HMAC_BYTES], struct ndc_str key,
                     struct ndc_str data)
{
    unsigned len = 0;
    NDC_ASSERT(HMAC(EVP_sha256(), key.ptr, (int)key.len, (const unsigned char *)data.ptr,
                    data.len, out, &len) &&
               len == NDC_HMAC_BYTES);
}

/* Base64 through libsodium. */
#include "crypto/base64.h"

#include <sodium.h>

void ndc_base64_add(struct ndc_buf *out, const void *bytes, size_t len)
{
    size_t room = sodium_base64_encoded_len(len, sodium_base64_VARIANT_ORIGINAL);
    char *to = ndc_buf_room(out, room); /* with the 0 it writes */
    if (!to) return;
    sodium_bin2base64(to, room, bytes, len, sodium_base64_VARIANT_ORIGINAL);
    out->len += room - 1;
}

bool ndc_base64_read(uint8_t *out, size_t size, size_t *len, struct ndc_str text)
{
    const char *end = NULL;
    return text.len &&
           sodium_base642bin(out, size, text.ptr, text.len, NULL, len, &end,
                             sodium_base64_VARIANT_ORIGINAL) == 0 &&
           end == text.ptr + text.len;
}

/* Base64 of RFC 4648, section 4, with padding; in constant time, for it carries secrets.
 */
#ifndef NDC_CRYPTO_BASE64_H
#define NDC_CRYPTO_BASE64_H

#include "base/buf.h"

/* Appends the padded text. */
void ndc_base64_add(struct ndc_buf *out, const void *bytes, size_t len);
/* Decodes padded text into at most `size` bytes; false: it is none, or longer. */
bool ndc_base64_read(uint8_t *out, size_t size, size_t *len,
                     struct ndc_str text) NDC_MUST_USE;

#endif

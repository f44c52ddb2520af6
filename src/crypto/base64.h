/* Base64 of RFC 4648: section 4 with padding, section 5 (base64url) without, as RFC 7515
 * has it. No step depends on what the bytes are (no table larger than a cache line is
 * read by them), for it carries secrets. */
#ifndef NDC_CRYPTO_BASE64_H
#define NDC_CRYPTO_BASE64_H

#include "base/buf.h"

/* Appends the padded text. */
void ndc_base64_add(struct ndc_buf *out, const void *bytes, size_t len);
/* Decodes padded text into at most `size` bytes; false: it is none, or longer. */
bool ndc_base64_read(uint8_t *out, size_t size, size_t *len,
                     struct ndc_str text) NDC_MUST_USE;

/* Length of the text, without padding, of `len` bytes. */
static inline size_t ndc_base64url_size(size_t len)
{
    return len / 3 * 4 + (len % 3 ? len % 3 + 1 : 0);
}
/* Appends the base64url text, without padding. */
void ndc_base64url_add(struct ndc_buf *out, const void *bytes, size_t len);
/* Decodes into at most `size` bytes. False: another character (padding and white space
 * are others), a length no text has, bits left over that are not zero, or longer than
 * `size`. So every byte string has one text only. Empty text is no bytes. */
bool ndc_base64url_read(uint8_t *out, size_t size, size_t *len,
                        struct ndc_str text) NDC_MUST_USE;

#endif

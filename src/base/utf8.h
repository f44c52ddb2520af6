/* UTF-8 decoding and encoding, RFC 3629. Normalisation and folding: base/vntext.h. */
#ifndef NDC_BASE_UTF8_H
#define NDC_BASE_UTF8_H

#include "base/buf.h"

#define NDC_UTF8_BAD UINT32_MAX

/* Decodes the first code point of s (s.len > 0) into *code and returns its length in
 * bytes. An invalid sequence (overlong, surrogate, over U+10FFFF, cut) gives NDC_UTF8_BAD
 * and the length of its longest valid start, at least 1. */
size_t ndc_utf8_decode(struct ndc_str s, uint32_t *code);
/* Appends the code point. */
void ndc_utf8_add(struct ndc_buf *out, uint32_t code);
/* Writes up to 4 bytes at out and returns their number. */
size_t ndc_utf8_encode(char *out, uint32_t code);
bool ndc_utf8_valid(struct ndc_str s);
/* Number of code points, invalid sequences counted as one each. */
size_t ndc_utf8_count(struct ndc_str s);

#endif

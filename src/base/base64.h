/* Base64 of RFC 4648, section 4, with padding. */
#ifndef NDC_BASE_BASE64_H
#define NDC_BASE_BASE64_H

#include "base/buf.h"

void ndc_base64_add(struct ndc_buf *out, const void *data, size_t len);
/* Decodes into `out` (cap bytes); *len is what was written. False: not base64 in its one
 * canonical form, or too long. */
bool ndc_base64_take(void *out, size_t cap, size_t *len, struct ndc_str text);

#endif

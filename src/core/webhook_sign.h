/* Standard Webhooks 1.0: secrets and signatures. */
#ifndef NDC_CORE_WEBHOOK_SIGN_H
#define NDC_CORE_WEBHOOK_SIGN_H

#include "base/buf.h"
#include "base/error.h"

enum { NDC_WEBHOOK_SECRET_MAX = 96 }; /* "whsec_" and up to 64 bytes in base64 */

/* A new secret: "whsec_" and 32 random bytes in base64, 0-terminated. */
void ndc_webhook_secret_make(char out[static NDC_WEBHOOK_SECRET_MAX]);
/* Appends "v1," and base64 of HMAC-SHA-256 over "ID.TIMESTAMP.BODY". Fault:
 * webhook.secret, the text is no secret. */
enum ndc_err ndc_webhook_sign(struct ndc_buf *out, struct ndc_str secret,
                              struct ndc_str id, int64_t timestamp_s, struct ndc_str body,
                              struct ndc_fault *fault) NDC_MUST_USE;

#endif

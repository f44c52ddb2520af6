/* Signatures of webhooks. */
#include "core/webhook_sign.h"

#include "crypto/base64.h"
#include "crypto/hmac.h"
#include "crypto/token.h"
#include "sys/random.h"

enum { SECRET_BYTES = 32, SECRET_BYTES_MIN = 24, SECRET_BYTES_MAX = 64 };

static const char prefix[] = "whsec_";

void ndc_webhook_secret_make(char out[static NDC_WEBHOOK_SECRET_MAX])
{
    uint8_t bytes[SECRET_BYTES];
    struct ndc_buf text;
    ndc_buf_init(&text, NDC_WEBHOOK_SECRET_MAX);
    ndc_random_bytes(bytes, sizeof(bytes));
    ndc_buf_add_c(&text, prefix);
    ndc_base64_add(&text, bytes, sizeof(bytes));
    NDC_ASSERT(!text.failed && text.len < NDC_WEBHOOK_SECRET_MAX);
    memcpy(out, text.ptr, text.len);
    out[text.len] = 0;
    ndc_secret_wipe(bytes, sizeof(bytes));
    ndc_secret_wipe(text.ptr, text.cap);
    ndc_buf_free(&text);
}

enum ndc_err ndc_webhook_sign(struct ndc_buf *out, struct ndc_str secret,
                              struct ndc_str id, int64_t timestamp_s, struct ndc_str body,
                              struct ndc_fault *fault)
{
    uint8_t key[SECRET_BYTES_MAX], mac[NDC_HMAC_BYTES];
    struct ndc_buf text;
    size_t len = 0;
    if (!ndc_str_starts(secret, ndc_str(prefix)) ||
        !ndc_base64_read(key, sizeof(key), &len,
                         ndc_str_from(secret, sizeof(prefix) - 1)) ||
        len < SECRET_BYTES_MIN)
        return ndc_fail(fault, NDC_EINPUT, "webhook.secret",
                        "a secret is \"whsec_\" and 24 to 64 bytes in base64");
    ndc_buf_init(&text, id.len + body.len + 64);
    ndc_buf_add_str(&text, id);
    ndc_buf_printf(&text, ".%lld.", (long long)timestamp_s);
    ndc_buf_add_str(&text, body);
    NDC_ASSERT(!text.failed);
    ndc_hmac_sha256(mac, ndc_str_n((const char *)key, len), ndc_buf_str(&text));
    ndc_buf_add_c(out, "v1,");
    ndc_base64_add(out, mac, sizeof(mac));
    ndc_secret_wipe(key, sizeof(key));
    ndc_buf_free(&text);
    return NDC_OK;
}

/* Sealed secrets, on libsodium. */
#include "crypto/seal.h"

#include "crypto/base64.h"
#include "crypto/token.h"
#include "sys/file.h"
#include "sys/random.h"

#include <sodium.h>

enum {
    KEY = crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
    NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    SECRET_MAX = 4096,
    FILE_MAX = 256,
};

struct ndc_seal {
    uint8_t key[KEY];
};

static enum ndc_err make_key(struct ndc_seal *seal, const char *path,
                             struct ndc_fault *fault)
{
    struct ndc_buf text;
    ndc_buf_init(&text, FILE_MAX);
    ndc_random_bytes(seal->key, KEY);
    ndc_base64_add(&text, seal->key, KEY);
    ndc_buf_add_byte(&text, '\n');
    enum ndc_err err = ndc_file_write(path, ndc_buf_str(&text), 0600, fault);
    ndc_secret_wipe(text.ptr, text.cap);
    ndc_buf_free(&text);
    return err;
}

enum ndc_err ndc_seal_load(struct ndc_seal **out, const char *path,
                           struct ndc_fault *fault)
{
    struct ndc_seal *seal = ndc_xcalloc(1, sizeof(*seal));
    struct ndc_buf text;
    size_t len = 0;
    enum ndc_err err = NDC_OK;
    ndc_buf_init(&text, FILE_MAX);
    if (!ndc_file_exists(path))
        err = make_key(seal, path, fault);
    else
        err = ndc_file_read(&text, path, fault);
    if (!err && text.len &&
        (!ndc_base64_read(seal->key, KEY, &len, ndc_str_trim(ndc_buf_str(&text))) ||
         len != KEY))
        err = ndc_fail(fault, NDC_EINPUT, "key.format",
                       "%s holds no key of 32 bytes in base64: restore it from a backup",
                       path);
    if (text.ptr) ndc_secret_wipe(text.ptr, text.cap);
    ndc_buf_free(&text);
    *out = err ? NULL : seal;
    if (err) ndc_seal_free(seal);
    return err;
}

void ndc_seal_free(struct ndc_seal *seal)
{
    if (!seal) return;
    ndc_secret_wipe(seal, sizeof(*seal));
    free(seal);
}

void ndc_seal_add(const struct ndc_seal *seal, struct ndc_buf *out, struct ndc_str about,
                  struct ndc_str secret)
{
    uint8_t box[NONCE + SECRET_MAX + TAG];
    unsigned long long len = 0;
    NDC_ASSERT(secret.len <= SECRET_MAX);
    ndc_random_bytes(box, NONCE);
    NDC_ASSERT(crypto_aead_xchacha20poly1305_ietf_encrypt(
                   box + NONCE, &len, (const unsigned char *)secret.ptr, secret.len,
                   (const unsigned char *)about.ptr, about.len, NULL, box,
                   seal->key) == 0);
    ndc_base64_add(out, box, NONCE + (size_t)len);
}

enum ndc_err ndc_seal_open(const struct ndc_seal *seal, struct ndc_buf *out,
                           struct ndc_str about, struct ndc_str text,
                           struct ndc_fault *fault)
{
    uint8_t box[NONCE + SECRET_MAX + TAG], secret[SECRET_MAX];
    unsigned long long n = 0;
    size_t len;
    if (!ndc_base64_read(box, sizeof(box), &len, text) || len < NONCE + TAG ||
        crypto_aead_xchacha20poly1305_ietf_decrypt(
            secret, &n, NULL, box + NONCE, len - NONCE, (const unsigned char *)about.ptr,
            about.len, box, seal->key) != 0)
        return ndc_fail(fault, NDC_EINPUT, "key.seal",
                        "a kept secret does not open with this key: was the key file "
                        "replaced?");
    ndc_buf_add(out, secret, (size_t)n);
    ndc_secret_wipe(secret, sizeof(secret));
    return NDC_OK;
}

/* Ed25519 (RFC 8032) through OpenSSL's EVP. The private key stays in OpenSSL's memory and
 * is wiped when freed; its PEM text is wiped here. */
#include "crypto/sign.h"

#include "sys/file.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

struct ndc_sign_key {
    EVP_PKEY *pkey;
};

enum { KEY_FILE_MAX = 16384 };

static struct ndc_sign_key *wrap(EVP_PKEY *pkey)
{
    struct ndc_sign_key *key = ndc_xmalloc(sizeof(*key));
    key->pkey = pkey;
    return key;
}

/* A key file with a pass phrase must fail, not ask on the terminal. */
static int no_passphrase(char *buf, int size, int rwflag, void *ctx)
{
    (void)buf, (void)size, (void)rwflag, (void)ctx;
    return -1;
}

static enum ndc_err take(struct ndc_sign_key **out, EVP_PKEY *pkey, const char *what,
                         struct ndc_fault *fault)
{
    if (!pkey || EVP_PKEY_get_id(pkey) != EVP_PKEY_ED25519) {
        EVP_PKEY_free(pkey);
        return ndc_fail(fault, NDC_EINPUT, "key.format", "%s holds no Ed25519 key in PEM",
                        what);
    }
    *out = wrap(pkey);
    return NDC_OK;
}

static enum ndc_err load_private(struct ndc_sign_key **out, const char *path,
                                 struct ndc_fault *fault)
{
    struct ndc_buf text;
    ndc_buf_init(&text, KEY_FILE_MAX);
    enum ndc_err err = ndc_file_read(&text, path, fault);
    if (!err) {
        BIO *bio = BIO_new_mem_buf(text.ptr, (int)text.len);
        NDC_ASSERT(bio);
        err = take(out, PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL), path,
                   fault);
        BIO_free(bio);
    }
    if (text.ptr) OPENSSL_cleanse(text.ptr, text.cap);
    ndc_buf_free(&text);
    return err;
}

static enum ndc_err make_private(struct ndc_sign_key **out, const char *path,
                                 struct ndc_fault *fault)
{
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    BIO *bio = BIO_new(BIO_s_secmem());
    NDC_ASSERT(pkey && bio);
    NDC_ASSERT(PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL));
    char *pem = NULL;
    long len = BIO_get_mem_data(bio, &pem);
    enum ndc_err err = ndc_file_write(path, ndc_str_n(pem, (size_t)len), 0600, fault);
    BIO_free(bio);
    if (err) {
        EVP_PKEY_free(pkey);
        return err;
    }
    *out = wrap(pkey);
    return NDC_OK;
}

enum ndc_err ndc_sign_key_open(struct ndc_sign_key **out, const char *path,
                               struct ndc_fault *fault)
{
    *out = NULL;
    enum ndc_err err = ndc_file_exists(path) ? load_private(out, path, fault)
                                             : make_private(out, path, fault);
    if (err) return err;
    struct ndc_buf name, pem;
    ndc_buf_init(&name, 4096);
    ndc_buf_init(&pem, KEY_FILE_MAX);
    ndc_buf_printf(&name, "%s.pub", path);
    ndc_buf_add_byte(&name, 0);
    ndc_sign_key_pem(&pem, *out);
    if (name.failed)
        err = ndc_fail(fault, NDC_EINPUT, "key.path", "the key's path is too long");
    else
        err = ndc_file_write(name.ptr, ndc_buf_str(&pem), 0644, fault);
    ndc_buf_free(&name);
    ndc_buf_free(&pem);
    if (err) {
        ndc_sign_key_free(*out);
        *out = NULL;
    }
    return err;
}

static enum ndc_err parse_public(struct ndc_sign_key **out, struct ndc_str pem,
                                 const char *what, struct ndc_fault *fault)
{
    *out = NULL;
    if (pem.len > KEY_FILE_MAX)
        return ndc_fail(fault, NDC_ETOOBIG, "key.format", "%s is too long for a key",
                        what);
    BIO *bio = BIO_new_mem_buf(pem.len ? pem.ptr : "", (int)pem.len);
    NDC_ASSERT(bio);
    EVP_PKEY *pkey = PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);
    BIO_free(bio);
    return take(out, pkey, what, fault);
}

enum ndc_err ndc_sign_public_parse(struct ndc_sign_key **out, struct ndc_str pem,
                                   struct ndc_fault *fault)
{
    return parse_public(out, pem, "the text", fault);
}

enum ndc_err ndc_sign_public_load(struct ndc_sign_key **out, const char *path,
                                  struct ndc_fault *fault)
{
    struct ndc_buf text;
    *out = NULL;
    ndc_buf_init(&text, KEY_FILE_MAX);
    enum ndc_err err = ndc_file_read(&text, path, fault);
    if (!err) err = parse_public(out, ndc_buf_str(&text), path, fault);
    ndc_buf_free(&text);
    return err;
}

struct ndc_sign_key *ndc_sign_public_raw(const uint8_t raw[static NDC_SIGN_PUBLIC_BYTES])
{
    EVP_PKEY *pkey =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, raw, NDC_SIGN_PUBLIC_BYTES);
    NDC_ASSERT(pkey);
    return wrap(pkey);
}

void ndc_sign_key_free(struct ndc_sign_key *key)
{
    if (!key) return;
    EVP_PKEY_free(key->pkey);
    free(key);
}

void ndc_sign(uint8_t out[static NDC_SIGN_SIGNATURE_BYTES],
              const struct ndc_sign_key *key, struct ndc_str message)
{
    size_t len = NDC_SIGN_SIGNATURE_BYTES;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    NDC_ASSERT(ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key->pkey) == 1);
    NDC_ASSERT(EVP_DigestSign(ctx, out, &len, (const unsigned char *)message.ptr,
                              message.len) == 1);
    NDC_ASSERT(len == NDC_SIGN_SIGNATURE_BYTES);
    EVP_MD_CTX_free(ctx);
}

bool ndc_sign_verify(const struct ndc_sign_key *key, struct ndc_str message,
                     struct ndc_str signature)
{
    if (signature.len != NDC_SIGN_SIGNATURE_BYTES) return false;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    NDC_ASSERT(ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key->pkey) == 1);
    bool good = EVP_DigestVerify(ctx, (const unsigned char *)signature.ptr, signature.len,
                                 (const unsigned char *)message.ptr, message.len) == 1;
    EVP_MD_CTX_free(ctx);
    return good;
}

void ndc_sign_key_public(uint8_t out[static NDC_SIGN_PUBLIC_BYTES],
                         const struct ndc_sign_key *key)
{
    size_t len = NDC_SIGN_PUBLIC_BYTES;
    NDC_ASSERT(EVP_PKEY_get_raw_public_key(key->pkey, out, &len) == 1);
    NDC_ASSERT(len == NDC_SIGN_PUBLIC_BYTES);
}

void ndc_sign_key_id(uint8_t out[static NDC_SIGN_ID_BYTES],
                     const struct ndc_sign_key *key)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(key->pkey, &der);
    size_t digest_len = 0;
    NDC_ASSERT(len > 0);
    NDC_ASSERT(EVP_Q_digest(NULL, "SHA256", NULL, der, (size_t)len, out, &digest_len));
    OPENSSL_free(der);
}

void ndc_sign_key_pem(struct ndc_buf *out, const struct ndc_sign_key *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    NDC_ASSERT(bio && PEM_write_bio_PUBKEY(bio, key->pkey));
    char *pem = NULL;
    long len = BIO_get_mem_data(bio, &pem);
    ndc_buf_add(out, pem, (size_t)len);
    BIO_free(bio);
}

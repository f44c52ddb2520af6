/* Ed25519 signing keys in files (PKCS#8 PEM, as OpenSSL's tools read and write them). */
#ifndef NDC_CRYPTO_SIGN_H
#define NDC_CRYPTO_SIGN_H

#include "base/buf.h"
#include "base/error.h"

enum {
    NDC_SIGN_PUBLIC_BYTES = 32,
    NDC_SIGN_SIGNATURE_BYTES = 64,
    NDC_SIGN_ID_BYTES = 32
};

/* A private key, or (for checking only) a public one. */
struct ndc_sign_key;

/* Loads the private key at `path`; made there with mode 0600 if the file is missing. The
 * public key is (re)written to <path>.pub, mode 0644. A file that holds no Ed25519 key is
 * NDC_EINPUT: a damaged key is never replaced. */
enum ndc_err ndc_sign_key_open(struct ndc_sign_key **out, const char *path,
                               struct ndc_fault *fault) NDC_MUST_USE;
/* A public key from PEM text, from a file, from its 32 raw bytes. */
enum ndc_err ndc_sign_public_parse(struct ndc_sign_key **out, struct ndc_str pem,
                                   struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_sign_public_load(struct ndc_sign_key **out, const char *path,
                                  struct ndc_fault *fault) NDC_MUST_USE;
struct ndc_sign_key *ndc_sign_public_raw(const uint8_t raw[static NDC_SIGN_PUBLIC_BYTES]);
void ndc_sign_key_free(struct ndc_sign_key *key);

/* Any thread. */
void ndc_sign(uint8_t out[static NDC_SIGN_SIGNATURE_BYTES],
              const struct ndc_sign_key *key, struct ndc_str message);
bool ndc_sign_verify(const struct ndc_sign_key *key, struct ndc_str message,
                     struct ndc_str signature) NDC_MUST_USE;

void ndc_sign_key_public(uint8_t out[static NDC_SIGN_PUBLIC_BYTES],
                         const struct ndc_sign_key *key);
/* SHA-256 of the DER SubjectPublicKeyInfo: the key's id in RFC 9162 style. */
void ndc_sign_key_id(uint8_t out[static NDC_SIGN_ID_BYTES],
                     const struct ndc_sign_key *key);
/* Appends the public key as PEM. */
void ndc_sign_key_pem(struct ndc_buf *out, const struct ndc_sign_key *key);

#endif

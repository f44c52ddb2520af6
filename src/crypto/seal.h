/* Secrets that must be kept and used again (a webhook's): encrypted under a key in a file
 * of its own, so that a copy of the database alone tells none. XChaCha20-Poly1305. */
#ifndef NDC_CRYPTO_SEAL_H
#define NDC_CRYPTO_SEAL_H

#include "base/buf.h"
#include "base/error.h"

struct ndc_seal;

/* Reads the key file, or makes it with mode 0600. Faults: key.format, io.*. */
enum ndc_err ndc_seal_load(struct ndc_seal **out, const char *path,
                           struct ndc_fault *fault) NDC_MUST_USE;
void ndc_seal_free(struct ndc_seal *seal); /* NULL is fine */
/* Appends `secret` sealed, as base64 text; it opens with the same `about` only (whose it
 * is). */
void ndc_seal_add(const struct ndc_seal *seal, struct ndc_buf *out, struct ndc_str about,
                  struct ndc_str secret);
/* Appends the secret. NDC_EINPUT key.seal: another key, another `about`, or changed. */
enum ndc_err ndc_seal_open(const struct ndc_seal *seal, struct ndc_buf *out,
                           struct ndc_str about, struct ndc_str text,
                           struct ndc_fault *fault) NDC_MUST_USE;

#endif

/* Signatures of HTTP messages (RFC 9421) with Ed25519, over a digest of the content
 * (RFC 9530): the part of both that a signed file needs.
 *
 * Of Signature-Input and Signature, the first label is read; a file's must cover
 * "@method",
 * "@path" and "content-digest", may cover "@query", "@authority" and any header that the
 * request has once, and gives created, keyid and, if it names one, alg="ed25519". */
#ifndef NDC_VERIFY_HTTPSIG_H
#define NDC_VERIFY_HTTPSIG_H

#include "base/buf.h"
#include "base/error.h"
#include "crypto/digest.h"
#include "crypto/sign.h"

enum {
    NDC_HTTPSIG_COMPONENTS_MAX = 16,
    NDC_HTTPSIG_HEADER_MAX = 4096, /* bytes of one header that is read */
    NDC_HTTPSIG_AGE_S = 300        /* a signature is taken this long after `created` */
};

struct ndc_httpsig {
    struct ndc_str label;
    struct ndc_str components[NDC_HTTPSIG_COMPONENTS_MAX]; /* without quotes */
    size_t component_count;
    struct ndc_str params;     /* from the bracket on: what "@signature-params" says */
    int64_t created, expires;  /* seconds; 0: not given */
    struct ndc_str keyid, alg; /* NULL: not given */
    uint8_t signature[NDC_SIGN_SIGNATURE_BYTES];
};

/* Reads the two headers. Texts point into `input`. Faults (NDC_EAUTH): signature.syntax,
 * signature.alg. */
enum ndc_err ndc_httpsig_parse(struct ndc_httpsig *out, struct ndc_str input,
                               struct ndc_str signature,
                               struct ndc_fault *fault) NDC_MUST_USE;

/* Whether it covers what a signed file's must. Faults (NDC_EAUTH): signature.covers. */
enum ndc_err ndc_httpsig_covers(const struct ndc_httpsig *sig,
                                struct ndc_fault *fault) NDC_MUST_USE;

/* What a message says of itself. `header` gives a header's value by lower-case name; a
 * NULL pointer where there is none. */
struct ndc_httpsig_message {
    struct ndc_str method, path, query, authority;
    struct ndc_str (*header)(void *ctx, struct ndc_str name);
    void *ctx;
};

/* Whether the signature is this key's, of this message, and of now. Faults (NDC_EAUTH):
 * signature.component (covers what the message has not), signature.old, signature.wrong.
 */
enum ndc_err ndc_httpsig_verify(const struct ndc_httpsig *sig,
                                const struct ndc_httpsig_message *message,
                                const struct ndc_sign_key *key, int64_t now_s,
                                struct ndc_fault *fault) NDC_MUST_USE;

/* The SHA-256 that Content-Digest gives. Faults (NDC_EAUTH): signature.digest. */
enum ndc_err ndc_httpsig_digest(uint8_t out[static NDC_SHA256_BYTES],
                                struct ndc_str content_digest,
                                struct ndc_fault *fault) NDC_MUST_USE;

/* Signs an answer: appends the values of its Content-Digest, Signature-Input and
 * Signature. It covers "@status" and "content-digest". */
void ndc_httpsig_sign(struct ndc_buf *content_digest, struct ndc_buf *input,
                      struct ndc_buf *signature, const struct ndc_sign_key *key,
                      int status, const uint8_t digest[static NDC_SHA256_BYTES],
                      int64_t now_s);

#endif

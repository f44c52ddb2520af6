/* Chains of X.509 certificates (RFC 5280) that devices attest with: questions to the
 * first one, signatures by its key, and whether the chain ends in an anchor that the
 * caller trusts. Certificates come as DER, anchors as PEM. */
#ifndef NDC_CRYPTO_CERTS_H
#define NDC_CRYPTO_CERTS_H

#include "crypto/cose.h"

enum { NDC_CERTS_MAX = 8, NDC_CERT_BYTES_MAX = 16 << 10, NDC_ANCHORS_MAX = 4096 };

struct ndc_certs;   /* a chain, the attesting certificate first */
struct ndc_anchors; /* certificates that are trusted as they are; any thread may ask */

/* Each certificate has to be DER with nothing after it. Fault: certs.syntax. */
enum ndc_err ndc_certs_read(struct ndc_certs **out, const struct ndc_str *der, size_t n,
                            struct ndc_fault *fault) NDC_MUST_USE;
void ndc_certs_free(struct ndc_certs *certs); /* NULL is fine */

/* Of the first certificate. */
int ndc_certs_version(const struct ndc_certs *certs); /* 3 is X.509 v3 */
enum ndc_certs_ca { NDC_CERTS_NO_CONSTRAINTS, NDC_CERTS_END, NDC_CERTS_CA };
enum ndc_certs_ca ndc_certs_ca(const struct ndc_certs *certs);
bool ndc_certs_subject_empty(const struct ndc_certs *certs);
/* A subject attribute by its OID in dots, as UTF-8; false: not there, or more than once,
 * or longer than the room. */
bool ndc_certs_subject(char *out, size_t size, const struct ndc_certs *certs,
                       const char *oid) NDC_MUST_USE;
enum ndc_certs_found { NDC_CERTS_MISSING, NDC_CERTS_FOUND, NDC_CERTS_TWICE };
/* An extension by its OID: its value (what the OCTET STRING holds), which lives as long
 * as the chain does. */
enum ndc_certs_found ndc_certs_extension(struct ndc_str *value, bool *critical,
                                         const struct ndc_certs *certs, const char *oid);
bool ndc_certs_has_purpose(const struct ndc_certs *certs, const char *oid);
/* An attribute of the directory name in the Subject Alternative Name. */
bool ndc_certs_alternative(char *out, size_t size, const struct ndc_certs *certs,
                           const char *oid) NDC_MUST_USE;
bool ndc_certs_key_equals(const struct ndc_certs *certs, const struct ndc_cose_key *key);
/* Its key signed the message by `alg`, NDC_COSE_RS1 included: refuse that before, where
 * it is not wanted. ECDSA in DER. */
bool ndc_certs_verify(const struct ndc_certs *certs, int64_t alg, struct ndc_str message,
                      struct ndc_str signature) NDC_MUST_USE;

/* All certificates of a PEM text. Faults: anchors.syntax, anchors.too_many. */
enum ndc_err ndc_anchors_read(struct ndc_anchors **out, struct ndc_str pem,
                              struct ndc_fault *fault) NDC_MUST_USE;
void ndc_anchors_free(struct ndc_anchors *anchors);
size_t ndc_anchors_count(const struct ndc_anchors *anchors);
/* NDC_OK: at `now_s` (Unix seconds) the chain leads to an anchor, or its first
 * certificate is one. Whether one was revoked is not asked. Fault: certs.chain, with the
 * reason. */
enum ndc_err ndc_certs_check(const struct ndc_certs *certs,
                             const struct ndc_anchors *anchors, int64_t now_s,
                             struct ndc_fault *fault) NDC_MUST_USE;

#endif

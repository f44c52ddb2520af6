/* The provider's own signing keys: one of each algorithm signs, those before it are
 * published until what they signed is over, the next one is published before it signs. */
#ifndef NDC_EID_KEYS_H
#define NDC_EID_KEYS_H

#include "crypto/jws.h"
#include "platforms/eid/eid.h"

/* Algorithms that there are keys for. */
#define EID_ALGS(row) row("ES256") row("RS256") row("PS256") row("EdDSA")

/* Reads the keys, making those that are missing. */
enum ndc_err eid_keys_open(struct eid_keys **out, struct ndc_eid *eid,
                           struct ndc_fault *fault) NDC_MUST_USE;
void eid_keys_free(struct eid_keys *keys);
/* Reads them anew: another process has rotated them, or the time of one has come. */
enum ndc_err eid_keys_refresh(struct ndc_eid *eid, struct ndc_fault *fault) NDC_MUST_USE;

/* A new key for each algorithm, which signs from `active_ms` on; those that sign now are
 * published until `keep_ms` after it. */
enum ndc_err eid_keys_rotate(struct ndc_eid *eid, int64_t active_ms, int64_t keep_ms,
                             struct ndc_fault *fault) NDC_MUST_USE;

/* Appends a compact JWS of the payload by the key that signs with `alg`. */
enum ndc_err eid_sign(struct ndc_eid *eid, struct ndc_buf *out, const char *alg,
                      const char *typ, struct ndc_str payload,
                      struct ndc_fault *fault) NDC_MUST_USE;
/* Whether one of our keys, former ones included, signed it. Fault: invalid_token. */
enum ndc_err eid_signed(struct ndc_eid *eid, const struct ndc_jws *jws,
                        struct ndc_fault *fault) NDC_MUST_USE;
/* Appends the JWK set that is published. */
void eid_keys_publish(struct ndc_eid *eid, struct ndc_buf *out);

#endif

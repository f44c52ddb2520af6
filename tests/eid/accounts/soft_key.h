/* A passkey in software: what an authenticator and a browser would answer, made with a
 * real key, so that the server checks real signatures. */
#ifndef NDC_TESTS_EID_SOFT_KEY_H
#define NDC_TESTS_EID_SOFT_KEY_H

#include "base/buf.h"

#include <openssl/evp.h>

struct soft_key {
    EVP_PKEY *key; /* P-256 */
    uint8_t id[32];
    uint32_t counter; /* the next answer has one more; 0: it does not count */
    bool counts;
    char origin[128], rp_id[64];
    char handle[64]; /* base64url, as the server gave it; empty: not resident */
};

void soft_key_make(struct soft_key *key, const char *origin, const char *rp_id);
void soft_key_free(struct soft_key *key);
/* RegistrationResponseJSON for a challenge (base64url), attestation "none". */
void soft_key_register(struct soft_key *key, struct ndc_buf *out, const char *challenge);
/* AuthenticationResponseJSON. `flags` of the authenticator data: 5 is user present and
 * verified, 1 present only. */
void soft_key_assert(struct soft_key *key, struct ndc_buf *out, const char *challenge,
                     uint8_t flags);

#endif

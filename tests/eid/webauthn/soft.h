/* An authenticator in software, and the authority that certifies it: for what no vector
 * shows. Everything is as the specification has it unless a test asks otherwise. */
#ifndef NDC_TESTS_SOFT_H
#define NDC_TESTS_SOFT_H

#include "base/buf.h"
#include "platforms/eid/webauthn/webauthn.h"

#include <openssl/evp.h>

enum { SOFT_UP = 1, SOFT_UV = 4, SOFT_BE = 8, SOFT_BS = 16, SOFT_AT = 64, SOFT_ED = 128 };

struct soft {
    EVP_PKEY *key;
    int32_t alg;
    char id[16], aaguid[16];
};

/* ES256, ES384, ES256K, EdDSA, RS256 or PS256. */
void soft_make(struct soft *s, int32_t alg);
void soft_free(struct soft *s);
void soft_public_key(struct ndc_buf *out, const struct soft *s);
/* Appends authenticator data: with SOFT_AT the credential; what SOFT_ED announces the
 * caller appends. */
void soft_auth_data(struct ndc_buf *out, const struct soft *s, const char *rp_id,
                    unsigned flags, uint32_t counter);
/* {"type":…,"challenge":…,"origin":…,"crossOrigin":false EXTRA} */
void soft_client_data(struct ndc_buf *out, const char *type, struct ndc_str challenge,
                      const char *origin, const char *extra);
/* Appends a signature by `key` over the authenticator data and the client data's hash, or
 * over a message alone. */
void soft_sign(struct ndc_buf *out, EVP_PKEY *key, int32_t alg, struct ndc_str auth_data,
               struct ndc_str client_data);
void soft_sign_message(struct ndc_buf *out, EVP_PKEY *key, int32_t alg,
                       struct ndc_str message);

/* A certificate in DER. What is NULL is left out. */
struct soft_extension {
    const char *oid;
    struct ndc_str value;
    bool critical;
};
struct soft_certificate {
    EVP_PKEY *key; /* it is about */
    long version;  /* 0: 3 */
    const char *country, *organisation, *unit, *name;
    int ca; /* 0 no, 1 yes, -1: no basic constraints */
    struct soft_extension extensions[4];
    bool expired;
};
struct soft_authority {
    EVP_PKEY *key;
    struct ndc_buf der, pem;
};
void soft_authority_make(struct soft_authority *a);
void soft_authority_free(struct soft_authority *a);
void soft_certify(struct ndc_buf *der, const struct soft_authority *a,
                  const struct soft_certificate *c);

#endif

/* What a COSE algorithm is, for the files of crypto/ that check by it. */
#ifndef NDC_CRYPTO_COSE_INTERNAL_H
#define NDC_CRYPTO_COSE_INTERNAL_H

#include "crypto/cose.h"

#include <openssl/evp.h>

enum cose_hash {
    COSE_NO_HASH,
    COSE_SHA1,
    COSE_SHA256,
    COSE_SHA384,
    COSE_SHA512,
    COSE_HASHES
};
enum cose_scheme { COSE_ECDSA, COSE_EDDSA, COSE_PKCS1, COSE_PSS };

struct ndc_cose_algorithm {
    int32_t alg, type, curve;
    enum cose_scheme scheme;
    enum cose_hash hash;
    const char *name;
};

/* NULL: not offered. */
const struct ndc_cose_algorithm *ndc_cose_algorithm(int64_t alg);
/* Fetched once in a process: a fetch takes a lock that all threads share. */
const EVP_MD *ndc_cose_md(enum cose_hash hash);
/* False too where the key is of another kind, curve or too short for `a`. */
bool ndc_cose_verify_pkey(EVP_PKEY *pkey, const struct ndc_cose_algorithm *a,
                          struct ndc_str message, struct ndc_str signature,
                          enum ndc_cose_encoding encoding) NDC_MUST_USE;

/* A public key of its numbers, or NULL: not a key (a point beside its curve). `curve` as
 * in COSE. */
EVP_PKEY *ndc_cose_make_ec(int32_t curve, struct ndc_str x, struct ndc_str y);
EVP_PKEY *ndc_cose_make_okp(int32_t curve, struct ndc_str x);
EVP_PKEY *ndc_cose_make_rsa(struct ndc_str n, struct ndc_str e);
/* Bytes of a coordinate; 0: no such curve. */
size_t ndc_cose_curve_bytes(int32_t type, int32_t curve);

#endif

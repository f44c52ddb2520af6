/* COSE keys (RFC 9052 section 7, RFC 9053, RFC 8230, RFC 8812, RFC 9864) for checking
 * signatures. A key is read once: lengths exact, the point on its curve, and its
 * algorithm pinned to it, so that whoever sends a signature has no say in how it is
 * checked. */
#ifndef NDC_CRYPTO_COSE_H
#define NDC_CRYPTO_COSE_H

#include "base/error.h"
#include "base/str.h"

enum ndc_cose_alg {
    NDC_COSE_ES256 = -7,
    NDC_COSE_EDDSA = -8, /* with Ed25519 here */
    NDC_COSE_ESP256 = -9,
    NDC_COSE_ED25519 = -19,
    NDC_COSE_ES384 = -35,
    NDC_COSE_ES512 = -36,
    NDC_COSE_PS256 = -37,
    NDC_COSE_PS384 = -38,
    NDC_COSE_PS512 = -39,
    NDC_COSE_ES256K = -47,
    NDC_COSE_ESP384 = -51,
    NDC_COSE_ESP512 = -52,
    NDC_COSE_ED448 = -53,
    NDC_COSE_RS256 = -257,
    NDC_COSE_RS384 = -258,
    NDC_COSE_RS512 = -259,
    NDC_COSE_RS1 = -65535 /* SHA-1: never a key's own; old TPMs attest with it */
};

enum { NDC_COSE_EC2_P256 = 1, NDC_COSE_HASH_MAX = 64 };

enum ndc_cose_form {
    NDC_COSE_ANY,     /* "alg" may be missing; other parameters are passed over */
    NDC_COSE_WEBAUTHN /* CTAP2's canonical form, "alg" there, no other optional ones */
};

enum ndc_cose_encoding {
    NDC_COSE_DER, /* ECDSA as Ecdsa-Sig-Value: WebAuthn, X.509 */
    NDC_COSE_RAW  /* r and s side by side: COSE */
};

struct evp_pkey_st;

struct ndc_cose_key {
    int32_t alg;          /* 0: the key does not say */
    int32_t type, curve;  /* 1 OKP, 2 EC2, 3 RSA; as RFC 9053 numbers them */
    struct ndc_str x, y;  /* OKP: x; EC2: x and y; RSA: n and e. In the input */
    struct ndc_str bytes; /* all of it */
    struct evp_pkey_st *pkey;
};

/* Reads the key at the start of `in`; out->bytes says how long it is. Points into `in`;
 * end with ndc_cose_key_free, after a failure too. Faults: cose.cbor, cose.key,
 * cose.algorithm, cose.point. */
enum ndc_err ndc_cose_key_read(struct ndc_cose_key *out, struct ndc_str in,
                               enum ndc_cose_form form,
                               struct ndc_fault *fault) NDC_MUST_USE;
void ndc_cose_key_free(struct ndc_cose_key *key);

/* By the algorithm the key is pinned to. Any thread. */
bool ndc_cose_verify(const struct ndc_cose_key *key, struct ndc_str message,
                     struct ndc_str signature,
                     enum ndc_cose_encoding encoding) NDC_MUST_USE;
/* By `alg`, where the key does not say one; false if it says another. */
bool ndc_cose_verify_as(const struct ndc_cose_key *key, int64_t alg,
                        struct ndc_str message, struct ndc_str signature,
                        enum ndc_cose_encoding encoding) NDC_MUST_USE;

/* "ES256"; NULL: not offered here. */
const char *ndc_cose_alg_name(int64_t alg);
/* The hash of `alg`; 0 bytes where it has none of its own (EdDSA) or is unknown. */
size_t ndc_cose_hash(uint8_t out[static NDC_COSE_HASH_MAX], int64_t alg,
                     struct ndc_str data);

#endif

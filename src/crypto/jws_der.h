/* ECDSA signatures in their two forms: DER, as OpenSSL has them (RFC 3279, 2.2.3), and r
 * and s side by side at full length, as JOSE has them (RFC 7518, 3.4; IEEE P1363). */
#ifndef NDC_CRYPTO_JWS_DER_H
#define NDC_CRYPTO_JWS_DER_H

#include "base/ndc.h"

enum {
    NDC_ECDSA_NUMBER_MAX = 66, /* of P-521 */
    NDC_ECDSA_DER_MAX = 2 * (NDC_ECDSA_NUMBER_MAX + 3) + 3
};

/* Writes 2 * `bytes` bytes. False: not a DER sequence of two numbers that are not
 * negative, in the shortest form, each of at most `bytes` bytes. */
bool ndc_ecdsa_from_der(uint8_t *out, size_t bytes, const uint8_t *der,
                        size_t len) NDC_MUST_USE;
/* The DER of r and s of `bytes` bytes each (at most NDC_ECDSA_NUMBER_MAX); its length. */
size_t ndc_ecdsa_to_der(uint8_t out[static NDC_ECDSA_DER_MAX], const uint8_t *in,
                        size_t bytes);

#endif

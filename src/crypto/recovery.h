/* Recovery codes: what somebody writes down and signs in with, once each, when all else
 * is lost. Ten of 80 random bits, "7K2M-9QXD-0FHT-W4RC"; only their hashes are kept. */
#ifndef NDC_CRYPTO_RECOVERY_H
#define NDC_CRYPTO_RECOVERY_H

#include "crypto/token.h"

enum {
    NDC_RECOVERY_CODES = 10,
    NDC_RECOVERY_DIGITS = 16, /* of 5 bits */
    NDC_RECOVERY_TEXT = NDC_RECOVERY_DIGITS + 4
};

struct ndc_recovery_codes {
    char text[NDC_RECOVERY_CODES]
             [NDC_RECOVERY_TEXT]; /* 0-terminated: shown once, wiped */
    uint8_t hash[NDC_RECOVERY_CODES][NDC_TOKEN_HASH_BYTES]; /* kept */
};

void ndc_recovery_make(struct ndc_recovery_codes *out);
/* The hash of a code as somebody types it: in any case, with or without its hyphens, with
 * O for 0 and I or L for 1. False: it cannot be one. A fast hash is right for 80 random
 * bits. */
bool ndc_recovery_hash(uint8_t out[static NDC_TOKEN_HASH_BYTES],
                       struct ndc_str text) NDC_MUST_USE;

#endif

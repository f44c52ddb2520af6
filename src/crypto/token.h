/* Bearer secrets: 256 random bits as text, of which only the hash is kept. */
#ifndef NDC_CRYPTO_TOKEN_H
#define NDC_CRYPTO_TOKEN_H

#include "base/str.h"

enum { NDC_TOKEN_HASH_BYTES = 32, NDC_TOKEN_BYTES = 48 };

/* `prefix` (at most 4 characters) and 43 of base64url, 0-terminated. */
void ndc_token_make(char out[NDC_TOKEN_BYTES], const char *prefix);
/* BLAKE2b-256. A fast hash is right for secrets of 256 random bits. */
void ndc_token_hash(uint8_t out[NDC_TOKEN_HASH_BYTES], struct ndc_str token);
/* Takes the same time wherever they differ. */
bool ndc_secret_equal(struct ndc_str a, struct ndc_str b);
/* Overwrites, in a way the compiler keeps. */
void ndc_secret_wipe(void *ptr, size_t len);
/* n random characters of 0-9 A-Z without I, L, O, U, and a 0: ids that are read out. */
void ndc_token_id(char *out, size_t n);

#endif

/* Passwords: argon2id (RFC 9106) through libsodium. */
#ifndef NDC_CRYPTO_PASSWORD_H
#define NDC_CRYPTO_PASSWORD_H

#include "base/str.h"

enum { NDC_PASSWORD_HASH_BYTES = 128 };

/* t = 3, m = 64 MiB, p = 1: about a tenth of a second. `weak`: the least that libsodium
 * takes, for tests. The result is the PHC text, 0-terminated. False: out of memory. */
bool ndc_password_hash(char out[NDC_PASSWORD_HASH_BYTES], struct ndc_str password,
                       bool weak) NDC_MUST_USE;
bool ndc_password_verify(const char *hash, struct ndc_str password) NDC_MUST_USE;
/* A random one that can be read out: "bakomi-turepa-somiko-dalune", 79 bits. */
void ndc_password_make(char out[64]);

#endif

/* Password hashing and making. */
#include "crypto/password.h"

#include "sys/random.h"

#include <sodium.h>
#include <stdio.h>

enum { OPS = 3, MEMORY_BYTES = 64 << 20, GROUPS = 4, SYLLABLES = 3 };

bool ndc_password_hash(char out[NDC_PASSWORD_HASH_BYTES], struct ndc_str password,
                       bool weak)
{
    _Static_assert(NDC_PASSWORD_HASH_BYTES >= crypto_pwhash_STRBYTES, "room");
    return crypto_pwhash_str_alg(out, password.ptr, password.len,
                                 weak ? crypto_pwhash_OPSLIMIT_MIN : OPS,
                                 weak ? crypto_pwhash_MEMLIMIT_MIN : (size_t)MEMORY_BYTES,
                                 crypto_pwhash_ALG_ARGON2ID13) == 0;
}

bool ndc_password_verify(const char *hash, struct ndc_str password)
{
    return crypto_pwhash_str_verify(hash, password.ptr ? password.ptr : "",
                                    password.len) == 0;
}

void ndc_password_make(char out[64])
{
    static const char consonants[] = "bcdfghjklmnprstvwxyz", vowels[] = "aeiou";
    size_t n = 0;
    NDC_ASSERT(sodium_init() >= 0);
    for (int g = 0; g < GROUPS; g++) {
        if (g) out[n++] = '-';
        for (int s = 0; s < SYLLABLES; s++) {
            out[n++] = consonants[randombytes_uniform(sizeof(consonants) - 1)];
            out[n++] = vowels[randombytes_uniform(sizeof(vowels) - 1)];
        }
    }
    out[n] = 0;
}

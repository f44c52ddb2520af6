/* What bench/eid_accounts makes and bench/eid_load uses. */
#ifndef NDC_BENCH_EID_BENCH_H
#define NDC_BENCH_EID_BENCH_H

#include "crypto/digest.h"

#include <stdio.h>

#define EID_BENCH_PASSWORD "gió đưa cành trúc la đà"
#define EID_BENCH_KEY      "bench-passkey.pem"

/* The credential id of account i. */
static inline void eid_bench_passkey(uint8_t id[NDC_SHA256_BYTES], int64_t i)
{
    char text[32];
    snprintf(text, sizeof(text), "passkey%lld", (long long)i);
    ndc_sha256(id, ndc_str(text));
}

#endif

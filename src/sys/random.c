/* getrandom(2). */
#include "sys/random.h"

#include <errno.h>
#include <sys/random.h>

void ndc_random_bytes(void *ptr, size_t len)
{
    unsigned char *p = ptr;
    while (len) {
        ssize_t n = getrandom(p, len, 0);
        if (n < 0 && errno == EINTR) continue;
        NDC_ASSERT(n > 0);
        p += n;
        len -= (size_t)n;
    }
}

uint64_t ndc_random_u64(void)
{
    uint64_t v;
    ndc_random_bytes(&v, sizeof(v));
    return v;
}

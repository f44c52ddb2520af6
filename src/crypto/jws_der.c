/* DER of two INTEGERs, by hand: OpenSSL's own objects for it cost allocations on every
 * signature. */
#include "crypto/jws_der.h"

#include <string.h>

enum { SEQUENCE = 0x30, INTEGER = 0x02 };

/* One INTEGER at *at, right-aligned into `bytes` bytes. */
static bool take_integer(uint8_t *out, size_t bytes, const uint8_t **at,
                         const uint8_t *end)
{
    const uint8_t *p = *at;
    if (end - p < 3 || p[0] != INTEGER || p[1] == 0 || p[1] > 0x7f) return false;
    size_t n = p[1];
    p += 2;
    if ((size_t)(end - p) < n || p[0] & 0x80) return false;
    if (n > 1 && p[0] == 0 && !(p[1] & 0x80)) return false; /* a zero too many */
    *at = p + n;
    if (n > 1 && p[0] == 0) p++, n--;
    if (n > bytes) return false;
    memset(out, 0, bytes - n);
    memcpy(out + bytes - n, p, n);
    return true;
}

bool ndc_ecdsa_from_der(uint8_t *out, size_t bytes, const uint8_t *der, size_t len)
{
    const uint8_t *p = der, *end = der + len;
    size_t n;
    if (len < 2 || *p++ != SEQUENCE) return false;
    n = *p++;
    if (n == 0x81) {
        if (p == end || *p < 0x80) return false;
        n = *p++;
    } else if (n > 0x7f) {
        return false;
    }
    return (size_t)(end - p) == n && take_integer(out, bytes, &p, end) &&
           take_integer(out + bytes, bytes, &p, end) && p == end;
}

/* How many bytes an INTEGER's value has; *skip: leading zeros of the input left out. */
static size_t integer_size(const uint8_t *in, size_t bytes, size_t *skip)
{
    size_t i = 0;
    while (i + 1 < bytes && in[i] == 0)
        i++;
    *skip = i;
    return bytes - i + (in[i] >> 7);
}

static uint8_t *put_integer(uint8_t *to, const uint8_t *in, size_t bytes)
{
    size_t skip, n = integer_size(in, bytes, &skip);
    *to++ = INTEGER;
    *to++ = (uint8_t)n;
    if (n > bytes - skip) *to++ = 0;
    memcpy(to, in + skip, bytes - skip);
    return to + bytes - skip;
}

size_t ndc_ecdsa_to_der(uint8_t out[static NDC_ECDSA_DER_MAX], const uint8_t *in,
                        size_t bytes)
{
    size_t skip, n = 4;
    uint8_t *to = out;
    NDC_ASSERT(bytes > 0 && bytes <= NDC_ECDSA_NUMBER_MAX);
    n += integer_size(in, bytes, &skip);
    n += integer_size(in + bytes, bytes, &skip);
    *to++ = SEQUENCE;
    if (n > 0x7f) *to++ = 0x81;
    *to++ = (uint8_t)n;
    to = put_integer(to, in, bytes);
    to = put_integer(to, in + bytes, bytes);
    return (size_t)(to - out);
}

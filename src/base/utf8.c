/* UTF-8 by the table of RFC 3629, section 4. */
#include "base/utf8.h"

#ifdef __SSE2__
#    include <emmintrin.h>
#endif

size_t ndc_utf8_decode(struct ndc_str s, uint32_t *code)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    unsigned char low = 0x80, high = 0xbf;
    uint32_t value;
    size_t need;
    if (p[0] < 0x80) {
        *code = p[0];
        return 1;
    }
    *code = NDC_UTF8_BAD;
    if (p[0] >= 0xc2 && p[0] <= 0xdf) {
        need = 1;
        value = p[0] & 0x1f;
    } else if ((p[0] & 0xf0) == 0xe0) {
        need = 2;
        value = p[0] & 0x0f;
        if (p[0] == 0xe0) low = 0xa0;
        if (p[0] == 0xed) high = 0x9f;
    } else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        need = 3;
        value = p[0] & 0x07;
        if (p[0] == 0xf0) low = 0x90;
        if (p[0] == 0xf4) high = 0x8f;
    } else {
        return 1;
    }
    for (size_t i = 1; i <= need; i++) {
        if (i >= s.len || p[i] < low || p[i] > high) return i;
        value = value << 6 | (p[i] & 0x3f);
        low = 0x80;
        high = 0xbf;
    }
    *code = value;
    return need + 1;
}

size_t ndc_utf8_encode(char *out, uint32_t code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

void ndc_utf8_add(struct ndc_buf *out, uint32_t code)
{
    char bytes[4];
    ndc_buf_add(out, bytes, ndc_utf8_encode(bytes, code));
}

/* How many bytes from the start are surely valid and end with a character: sixteen at a
 * time as long as they are ASCII and the usual letters of two and three bytes. Where a
 * continuation must stand is the leads' places moved up; it must be where one stands. */
#ifdef __SSE2__
static size_t usual_bytes(const unsigned char *p, size_t len)
{
    enum { STEP = 16 };
    unsigned carry = 0; /* continuations that the last step's characters still need */
    size_t i = 0;
    for (; i + STEP <= len; i += STEP) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        unsigned high = (unsigned)_mm_movemask_epi8(v);
        if ((high | carry) == 0) continue;
        unsigned next =
            (unsigned)_mm_movemask_epi8(_mm_cmplt_epi8(v, _mm_set1_epi8((char)0xc0)));
        __m128i from_c2 = _mm_cmpgt_epi8(v, _mm_set1_epi8((char)0xc1));
        __m128i from_e0 = _mm_cmpgt_epi8(v, _mm_set1_epi8((char)0xdf));
        __m128i from_e1 = _mm_cmpgt_epi8(v, _mm_set1_epi8((char)0xe0));
        __m128i below_ed = _mm_cmplt_epi8(v, _mm_set1_epi8((char)0xed));
        unsigned two = (unsigned)_mm_movemask_epi8(_mm_andnot_si128(from_e0, from_c2));
        unsigned three = (unsigned)_mm_movemask_epi8(_mm_and_si128(from_e1, below_ed));
        two &= high;
        if ((next | two | three) != high) break;
        unsigned due = (two | three) << 1 | three << 2 | carry;
        if ((due & 0xffff) != next) break;
        carry = due >> STEP;
    }
    while (carry && i > 0 && (p[--i] & 0xc0) == 0x80) {
        /* back to the lead of the character that goes on */
    }
    return i;
}
#else
static size_t usual_bytes(const unsigned char *p, size_t len)
{
    (void)p, (void)len;
    return 0;
}
#endif

bool ndc_utf8_valid(struct ndc_str s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    for (size_t i = usual_bytes(p, s.len); i < s.len;) {
        uint32_t code;
        uint64_t eight;
        size_t left = s.len - i;
        if (p[i] < 0x80) {
            if (left >= sizeof(eight)) {
                memcpy(&eight, p + i, sizeof(eight));
                if ((eight & 0x8080808080808080u) == 0) {
                    i += sizeof(eight);
                    continue;
                }
            }
            i++;
            continue;
        }
        /* Latin letters' two and three bytes; the rest, and what is wrong, below. */
        if (p[i] >= 0xc2 && p[i] <= 0xdf && left > 1 && (p[i + 1] & 0xc0) == 0x80) {
            i += 2;
            continue;
        }
        if (p[i] >= 0xe1 && p[i] <= 0xec && left > 2 && (p[i + 1] & 0xc0) == 0x80 &&
            (p[i + 2] & 0xc0) == 0x80) {
            i += 3;
            continue;
        }
        i += ndc_utf8_decode(ndc_str_from(s, i), &code);
        if (code == NDC_UTF8_BAD) return false;
    }
    return true;
}

size_t ndc_utf8_count(struct ndc_str s)
{
    size_t count = 0;
    for (size_t i = 0; i < s.len; count++) {
        uint32_t code;
        i += ndc_utf8_decode(ndc_str_from(s, i), &code);
    }
    return count;
}

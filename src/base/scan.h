/* Looking for the bytes that end a run: sixteen at a time where the processor is an
 * x86-64 (SSE2 is part of it), else one by one. */
#ifndef NDC_BASE_SCAN_H
#define NDC_BASE_SCAN_H

#ifdef __SSE2__
#    include <emmintrin.h>
#endif

#include <stdbool.h>

/* The first of p..end that is a, b or c, or end. */
static inline const char *ndc_scan_three(const char *p, const char *end, char a, char b,
                                         char c)
{
#ifdef __SSE2__
    const __m128i va = _mm_set1_epi8(a), vb = _mm_set1_epi8(b), vc = _mm_set1_epi8(c);
    for (; end - p >= 16; p += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i hit =
            _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(x, va), _mm_cmpeq_epi8(x, vb)),
                         _mm_cmpeq_epi8(x, vc));
        unsigned mask = (unsigned)_mm_movemask_epi8(hit);
        if (mask) return p + __builtin_ctz(mask);
    }
#endif
    while (p < end && *p != a && *p != b && *p != c)
        p++;
    return p;
}

/* The first of p..end that is `byte`, or end. `limit` >= end is how far may be read. */
static inline const char *ndc_scan_byte(const char *p, const char *end, const char *limit,
                                        char byte)
{
#ifdef __SSE2__
    const __m128i v = _mm_set1_epi8(byte);
    for (; p < end && limit - p >= 16; p += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
        unsigned mask = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x, v));
        if (mask) {
            p += __builtin_ctz(mask);
            return p < end ? p : end;
        }
    }
    if (p >= end) return end;
#else
    (void)limit;
#endif
    while (p < end && *p != byte)
        p++;
    return p;
}

/* The first of p..end that cannot stand in a JSON string as it is: a quote, a backslash,
 * a control character; or end. */
static inline const char *ndc_scan_json(const char *p, const char *end)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), back = _mm_set1_epi8('\\');
    const __m128i last = _mm_set1_epi8(0x1f);
    for (; end - p >= 16; p += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i hit =
            _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(x, quote), _mm_cmpeq_epi8(x, back)),
                         _mm_cmpeq_epi8(_mm_min_epu8(x, last), x));
        unsigned mask = (unsigned)_mm_movemask_epi8(hit);
        if (mask) return p + __builtin_ctz(mask);
    }
#endif
    while (p < end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20)
        p++;
    return p;
}

#endif

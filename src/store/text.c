/* What text may be. PostgreSQL takes UTF-8 without zero bytes only and, in a COPY, fails
 * as a whole on one bad value; SQLite takes anything. Both are checked here, before the
 * value leaves: the same rule on both, and a load knows at the row that is wrong. RFC
 * 3629; eight ASCII bytes at a time. */
#include "store/internal.h"

static bool tail(unsigned char c)
{
    return (c & 0xC0) == 0x80;
}

/* Length of the sequence at p, at most `left`; 0 if it is not one. */
static size_t sequence(const unsigned char *p, size_t left)
{
    unsigned char c = p[0];
    if (c >= 0x01 && c < 0x80) return 1;
    if (c >= 0xC2 && c <= 0xDF) return left >= 2 && tail(p[1]) ? 2 : 0;
    if (c >= 0xE0 && c <= 0xEF) {
        if (left < 3 || !tail(p[1]) || !tail(p[2])) return 0;
        if (c == 0xE0 && p[1] < 0xA0) return 0; /* overlong */
        if (c == 0xED && p[1] > 0x9F) return 0; /* surrogate */
        return 3;
    }
    if (c >= 0xF0 && c <= 0xF4) {
        if (left < 4 || !tail(p[1]) || !tail(p[2]) || !tail(p[3])) return 0;
        if (c == 0xF0 && p[1] < 0x90) return 0; /* overlong */
        if (c == 0xF4 && p[1] > 0x8F) return 0; /* over U+10FFFF */
        return 4;
    }
    return 0;
}

enum ndc_err ndc_store_check_text(struct ndc_str s, struct ndc_fault *fault)
{
    const uint64_t high = UINT64_C(0x8080808080808080);
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const unsigned char *p = (const unsigned char *)s.ptr;
    size_t i = 0;
    while (i < s.len) {
        uint64_t word;
        if (s.len - i >= 8) {
            memcpy(&word, p + i, 8);
            /* no byte with the high bit, none that is zero */
            if (((word | (word - ones)) & high) == 0) {
                i += 8;
                continue;
            }
        }
        size_t len = sequence(p + i, s.len - i);
        if (len == 0) {
            return ndc_fail(fault, NDC_EINPUT, "db.value",
                            "a text has a %s at byte %zu, which text cannot hold",
                            p[i] ? "sequence that is not UTF-8" : "zero byte", i);
        }
        i += len;
    }
    return NDC_OK;
}

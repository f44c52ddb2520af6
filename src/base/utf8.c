/* UTF-8 by the table of RFC 3629, section 4. */
#include "base/utf8.h"

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

bool ndc_utf8_valid(struct ndc_str s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    for (size_t i = 0; i < s.len;) {
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

/* Base64: padded through libsodium; base64url by code of its own, because a token is
 * encoded for every sign-in and libsodium's takes a tenth of an ES256 signature's time
 * for it. */
#include "crypto/base64.h"

#include <sodium.h>

void ndc_base64_add(struct ndc_buf *out, const void *bytes, size_t len)
{
    size_t room = sodium_base64_encoded_len(len, sodium_base64_VARIANT_ORIGINAL);
    char *to = ndc_buf_room(out, room); /* with the 0 it writes */
    if (!to) return;
    sodium_bin2base64(to, room, bytes, len, sodium_base64_VARIANT_ORIGINAL);
    out->len += room - 1;
}

bool ndc_base64_read(uint8_t *out, size_t size, size_t *len, struct ndc_str text)
{
    const char *end = NULL;
    return text.len &&
           sodium_base642bin(out, size, text.ptr, text.len, NULL, len, &end,
                             sodium_base64_VARIANT_ORIGINAL) == 0 &&
           end == text.ptr + text.len;
}

/* One cache line, so that which of it is read shows nothing. */
static const _Alignas(64) char letters[64] = {
    'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', 'P',
    'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'a', 'b', 'c', 'd', 'e', 'f',
    'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v',
    'w', 'x', 'y', 'z', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '-', '_'};

void ndc_base64url_add(struct ndc_buf *out, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    size_t i = 0, size = ndc_base64url_size(len);
    char *to = size ? ndc_buf_room(out, size) : NULL;
    if (!to) return;
    for (; i + 3 <= len; i += 3, to += 4) {
        uint32_t v = (uint32_t)p[i] << 16 | (uint32_t)p[i + 1] << 8 | p[i + 2];
        to[0] = letters[v >> 18];
        to[1] = letters[v >> 12 & 63];
        to[2] = letters[v >> 6 & 63];
        to[3] = letters[v & 63];
    }
    if (i < len) {
        uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < len ? (uint32_t)p[i + 1] << 8 : 0);
        to[0] = letters[v >> 18];
        to[1] = letters[v >> 12 & 63];
        if (i + 1 < len) to[2] = letters[v >> 6 & 63];
    }
    out->len += size;
}

/* All ones where first <= c <= last, else 0: both differences are negative, and the sign
 * is spread. */
static int within(int c, int first, int last)
{
    return ((first - 1 - c) & (c - last - 1)) >> 8;
}

/* The six bits a character stands for, or -1; every character takes the same steps. */
static int six_bits(char character)
{
    int c = (unsigned char)character;
    return -1 + (within(c, 'A', 'Z') & (c - 'A' + 1)) +
           (within(c, 'a', 'z') & (c - 'a' + 27)) +
           (within(c, '0', '9') & (c - '0' + 53)) + (within(c, '-', '-') & 63) +
           (within(c, '_', '_') & 64);
}

bool ndc_base64url_read(uint8_t *out, size_t size, size_t *len, struct ndc_str text)
{
    size_t n = text.len / 4 * 3 + text.len % 4 * 3 / 4, i = 0, rest = text.len % 4;
    int bad = 0;
    *len = 0;
    if (rest == 1 || n > size) return false;
    const char *p = text.ptr;
    for (; i + 4 <= text.len; i += 4, out += 3) {
        int a = six_bits(p[i]), b = six_bits(p[i + 1]), c = six_bits(p[i + 2]),
            d = six_bits(p[i + 3]);
        uint32_t v =
            (uint32_t)a << 18 | (uint32_t)b << 12 | (uint32_t)c << 6 | (uint32_t)d;
        bad |= a | b | c | d;
        out[0] = (uint8_t)(v >> 16);
        out[1] = (uint8_t)(v >> 8);
        out[2] = (uint8_t)v;
    }
    if (rest) {
        int a = six_bits(p[i]), b = six_bits(p[i + 1]);
        int c = rest == 3 ? six_bits(p[i + 2]) : 0;
        uint32_t v = (uint32_t)a << 18 | (uint32_t)b << 12 | (uint32_t)c << 6;
        bad |= a | b | c;
        out[0] = (uint8_t)(v >> 16);
        if (rest == 3) out[1] = (uint8_t)(v >> 8);
        if (v & (rest == 3 ? 0xff : 0xffff)) bad = -1;
    }
    *len = n;
    return bad >= 0;
}

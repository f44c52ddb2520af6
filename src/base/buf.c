/* Byte buffer: doubles up to its cap. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

enum { FIRST_CAP = 256 };

void ndc_buf_init(struct ndc_buf *buf, size_t bytes_max)
{
    *buf = (struct ndc_buf){.bytes_max = bytes_max};
}

void ndc_buf_free(struct ndc_buf *buf)
{
    free(buf->ptr);
    ndc_buf_init(buf, buf->bytes_max);
}

void ndc_buf_reset(struct ndc_buf *buf)
{
    buf->len = 0;
    buf->failed = false;
}

char *ndc_buf_grow(struct ndc_buf *buf, size_t more)
{
    if (buf->failed || more > buf->bytes_max - buf->len) {
        buf->failed = true;
        return NULL;
    }
    if (NDC_UNLIKELY(buf->cap - buf->len < more)) {
        size_t cap = buf->cap ? buf->cap * 2 : FIRST_CAP;
        cap = NDC_MAX(cap, buf->len + more);
        cap = NDC_MIN(cap, buf->bytes_max); /* so room is never beyond it */
        buf->ptr = ndc_xrealloc(buf->ptr, cap);
        buf->cap = cap;
    }
    return buf->ptr + buf->len;
}

void ndc_buf_add_c(struct ndc_buf *buf, const char *cstr)
{
    ndc_buf_add(buf, cstr, strlen(cstr));
}

void ndc_buf_add_u64(struct ndc_buf *buf, uint64_t v)
{
    char digits[20];
    size_t n = sizeof(digits);
    do {
        digits[--n] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    ndc_buf_add(buf, digits + n, sizeof(digits) - n);
}

void ndc_buf_add_i64(struct ndc_buf *buf, int64_t v)
{
    if (v < 0) ndc_buf_add_byte(buf, '-');
    ndc_buf_add_u64(buf, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void ndc_buf_printf(struct ndc_buf *buf, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    NDC_ASSERT(len >= 0);
    char *to = ndc_buf_room(buf, (size_t)len + 1);
    if (to) {
        vsnprintf(to, (size_t)len + 1, format, again);
        buf->len += (size_t)len;
    }
    va_end(again);
}

void ndc_buf_add_u32le(struct ndc_buf *buf, uint32_t v)
{
    unsigned char b[4] = {(unsigned char)v, (unsigned char)(v >> 8),
                          (unsigned char)(v >> 16), (unsigned char)(v >> 24)};
    ndc_buf_add(buf, b, sizeof(b));
}

void ndc_buf_add_u64le(struct ndc_buf *buf, uint64_t v)
{
    ndc_buf_add_u32le(buf, (uint32_t)v);
    ndc_buf_add_u32le(buf, (uint32_t)(v >> 32));
}

void ndc_buf_add_long_varint(struct ndc_buf *buf, uint64_t v)
{
    char bytes[10];
    size_t n = 0;
    while (v >= 0x80) {
        bytes[n++] = (char)(v | 0x80);
        v >>= 7;
    }
    bytes[n++] = (char)v;
    ndc_buf_add(buf, bytes, n);
}

bool ndc_take_u32le(struct ndc_str *in, uint32_t *v)
{
    if (in->len < 4) return false;
    const unsigned char *b = (const unsigned char *)in->ptr;
    *v = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
         (uint32_t)b[3] << 24;
    *in = ndc_str_n(in->ptr + 4, in->len - 4);
    return true;
}

bool ndc_take_u64le(struct ndc_str *in, uint64_t *v)
{
    uint32_t low, high;
    if (in->len < 8) return false;
    if (!ndc_take_u32le(in, &low) || !ndc_take_u32le(in, &high)) return false;
    *v = (uint64_t)high << 32 | low;
    return true;
}

bool ndc_take_long_varint(struct ndc_str *in, uint64_t *v)
{
    uint64_t value = 0;
    for (unsigned shift = 0, i = 0; shift < 64 && i < in->len; shift += 7, i++) {
        uint64_t byte = (unsigned char)in->ptr[i];
        if (shift == 63 && byte > 1) return false;
        value |= (byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *v = value;
            *in = ndc_str_n(in->ptr + i + 1, in->len - i - 1);
            return true;
        }
    }
    return false;
}

/* Growable byte buffer with a cap. Failure is sticky: append freely, check `failed` once.
 */
#ifndef NDC_BASE_BUF_H
#define NDC_BASE_BUF_H

#include "base/str.h"

struct ndc_buf {
    char *ptr;
    size_t len, cap;
    size_t bytes_max; /* cap on len; appending past it sets failed and drops the data */
    bool failed;
};

/* An empty buffer of at most bytes_max bytes; allocates nothing yet. */
void ndc_buf_init(struct ndc_buf *buf, size_t bytes_max);
void ndc_buf_free(struct ndc_buf *buf);
/* Empties it, keeps the memory, clears failed. */
void ndc_buf_reset(struct ndc_buf *buf);

char *ndc_buf_grow(struct ndc_buf *buf, size_t more); /* ndc_buf_room where it is full */

/* Makes room for `more` bytes and returns where to write them, or NULL (failed set). Add
 * to len what was written. */
static inline char *ndc_buf_room(struct ndc_buf *buf, size_t more)
{
    if (NDC_LIKELY(more <= buf->cap - buf->len && !buf->failed))
        return buf->ptr ? buf->ptr + buf->len : NULL;
    return ndc_buf_grow(buf, more);
}

static inline void ndc_buf_add(struct ndc_buf *buf, const void *ptr, size_t len)
{
    if (!len) return; /* an empty buffer has no pointer to add to */
    char *to = ndc_buf_room(buf, len);
    if (!to) return;
    memcpy(to, ptr, len);
    buf->len += len;
}

static inline void ndc_buf_add_byte(struct ndc_buf *buf, char byte)
{
    char *to = ndc_buf_room(buf, 1);
    if (!to) return;
    *to = byte;
    buf->len++;
}

static inline void ndc_buf_add_str(struct ndc_buf *buf, struct ndc_str s)
{
    ndc_buf_add(buf, s.ptr, s.len);
}

void ndc_buf_add_c(struct ndc_buf *buf, const char *cstr);
void ndc_buf_add_u64(struct ndc_buf *buf, uint64_t v);
void ndc_buf_add_i64(struct ndc_buf *buf, int64_t v);
void ndc_buf_printf(struct ndc_buf *buf, const char *format, ...) NDC_PRINTF(2, 3);

static inline struct ndc_str ndc_buf_str(const struct ndc_buf *buf)
{
    return ndc_str_n(buf->ptr, buf->len);
}

/* Little-endian fixed and LEB128 variable-length integers, and length-prefixed bytes, for
 * compact records. The readers advance *in and return false at a truncated input. */
void ndc_buf_add_u32le(struct ndc_buf *buf, uint32_t v);
void ndc_buf_add_u64le(struct ndc_buf *buf, uint64_t v);
void ndc_buf_add_long_varint(struct ndc_buf *buf, uint64_t v);
static inline void ndc_buf_add_varint(struct ndc_buf *buf, uint64_t v)
{
    if (v < 0x80)
        ndc_buf_add_byte(buf, (char)v);
    else
        ndc_buf_add_long_varint(buf, v);
}
static inline void ndc_buf_add_bytes(struct ndc_buf *buf, struct ndc_str s)
{
    ndc_buf_add_varint(buf, s.len);
    ndc_buf_add_str(buf, s);
}
static inline size_t ndc_varint_size(uint64_t v)
{
    return (size_t)(70 - __builtin_clzll(v | 1)) / 7; /* a byte for every 7 bits */
}
bool ndc_take_u32le(struct ndc_str *in, uint32_t *v);
bool ndc_take_u64le(struct ndc_str *in, uint64_t *v);
bool ndc_take_long_varint(struct ndc_str *in, uint64_t *v);
static inline bool ndc_take_varint(struct ndc_str *in, uint64_t *v)
{
    if (in->len == 0 || in->ptr[0] & 0x80) return ndc_take_long_varint(in, v);
    *v = (unsigned char)in->ptr[0];
    *in = ndc_str_n(in->ptr + 1, in->len - 1);
    return true;
}
static inline bool ndc_take_bytes(struct ndc_str *in, struct ndc_str *out)
{
    struct ndc_str rest = *in;
    uint64_t len;
    if (!ndc_take_varint(&rest, &len) || len > rest.len) return false;
    *out = ndc_str_n(rest.ptr, (size_t)len);
    *in = ndc_str_n(rest.ptr + len, rest.len - (size_t)len);
    return true;
}

#endif

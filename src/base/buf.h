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

/* Makes room for `more` bytes and returns where to write them, or NULL (failed set). Add
 * to len what was written. */
char *ndc_buf_room(struct ndc_buf *buf, size_t more);
void ndc_buf_add(struct ndc_buf *buf, const void *ptr, size_t len);
void ndc_buf_add_str(struct ndc_buf *buf, struct ndc_str s);
void ndc_buf_add_c(struct ndc_buf *buf, const char *cstr);
void ndc_buf_add_byte(struct ndc_buf *buf, char byte);
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
void ndc_buf_add_varint(struct ndc_buf *buf, uint64_t v);
void ndc_buf_add_bytes(struct ndc_buf *buf, struct ndc_str s);
static inline size_t ndc_varint_size(uint64_t v)
{
    return (size_t)(70 - __builtin_clzll(v | 1)) / 7; /* a byte for every 7 bits */
}
bool ndc_take_u32le(struct ndc_str *in, uint32_t *v);
bool ndc_take_u64le(struct ndc_str *in, uint64_t *v);
bool ndc_take_varint(struct ndc_str *in, uint64_t *v);
bool ndc_take_bytes(struct ndc_str *in, struct ndc_str *out);

#endif

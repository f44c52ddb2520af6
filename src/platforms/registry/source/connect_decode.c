/* From a file's encoding to UTF-8, a chunk at a time. */
#include "platforms/registry/source/connect_internal.h"

#include "base/vntext.h"

/* UTF-16 begins with a byte order mark, or is little-endian. */
static enum ndc_vn_encoding utf16_order(struct ndc_connect *c, struct ndc_str *bytes)
{
    if (!c->decided && bytes->len >= 2) {
        c->decided = true;
        c->swapped = memcmp(bytes->ptr, "\xfe\xff", 2) == 0;
        if (c->swapped || memcmp(bytes->ptr, "\xff\xfe", 2) == 0)
            *bytes = ndc_str_from(*bytes, 2);
    }
    return c->swapped ? NDC_VN_UTF16BE : NDC_VN_UTF16LE;
}

enum ndc_err ndc_connect_decode(struct ndc_connect *c, struct ndc_str bytes,
                                struct ndc_str *utf8, size_t *used,
                                struct ndc_fault *fault)
{
    static const enum ndc_vn_encoding encodings[] = {NDC_VN_UTF8, NDC_VN_UTF16LE,
                                                     NDC_VN_WINDOWS1258, NDC_VN_TCVN3};
    enum ndc_vn_encoding encoding = encodings[c->source->encoding];
    size_t all = bytes.len;
    *used = all;
    if (encoding == NDC_VN_UTF8) {
        *utf8 = bytes;
        return NDC_OK;
    }
    if (encoding == NDC_VN_UTF16LE) encoding = utf16_order(c, &bytes);
    ndc_buf_reset(&c->utf8);
    if (bytes.len) {
        size_t taken;
        c->replaced += ndc_vn_decode(&c->utf8, encoding, bytes, c->last, &taken);
        *used = all - bytes.len + taken;
    }
    *utf8 = ndc_buf_str(&c->utf8);
    if (c->utf8.failed)
        return ndc_fail(fault, NDC_EINPUT, "source.encoding", "%s cannot be decoded",
                        c->path);
    return NDC_OK;
}

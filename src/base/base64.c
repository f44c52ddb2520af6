/* Base64 (RFC 4648). */
#include "base/base64.h"

static const char letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void ndc_base64_add(struct ndc_buf *out, const void *data, size_t len)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < len; i += 3) {
        size_t left = NDC_MIN(len - i, (size_t)3);
        uint32_t v = (uint32_t)p[i] << 16;
        if (left > 1) v |= (uint32_t)p[i + 1] << 8;
        if (left > 2) v |= p[i + 2];
        ndc_buf_add_byte(out, letters[v >> 18]);
        ndc_buf_add_byte(out, letters[v >> 12 & 63]);
        ndc_buf_add_byte(out, left > 1 ? letters[v >> 6 & 63] : '=');
        ndc_buf_add_byte(out, left > 2 ? letters[v & 63] : '=');
    }
}

static int value_of(char c)
{
    const char *at = c ? strchr(letters, c) : NULL;
    return at ? (int)(at - letters) : -1;
}

bool ndc_base64_take(void *out, size_t cap, size_t *len, struct ndc_str text)
{
    unsigned char *to = out;
    *len = 0;
    if (text.len % 4 != 0) return false;
    for (size_t i = 0; i < text.len; i += 4) {
        const char *p = text.ptr + i;
        bool last = i + 4 == text.len;
        unsigned pad = last && p[3] == '=' ? (p[2] == '=' ? 2 : 1) : 0;
        uint32_t v = 0;
        for (unsigned k = 0; k < 4; k++) {
            int d = k < 4 - pad ? value_of(p[k]) : 0;
            if (d < 0) return false;
            v = v << 6 | (uint32_t)d;
        }
        size_t n = 3 - pad;
        if ((pad == 1 && v & 0xff) || (pad == 2 && v & 0xffff)) return false;
        if (*len + n > cap) return false;
        for (size_t k = 0; k < n; k++)
            to[(*len)++] = (unsigned char)(v >> (16 - 8 * k));
    }
    return true;
}

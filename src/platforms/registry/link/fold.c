/* How texts are folded before they are compared. */
#include "platforms/registry/link/text.h"

static bool is_plain(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80;
}

void ndc_link_text_fold_plain(struct ndc_buf *out, struct ndc_str raw)
{
    size_t start = out->len;
    bool gap = false;
    for (size_t i = 0; i < raw.len; i++) {
        unsigned char c = (unsigned char)raw.ptr[i];
        if (c >= 'A' && c <= 'Z') c = (unsigned char)(c + 32);
        if (c == '\'') continue;
        if (!is_plain(c)) {
            gap = true;
            continue;
        }
        if (gap && out->len > start) ndc_buf_add_byte(out, ' ');
        gap = false;
        ndc_buf_add_byte(out, (char)c);
    }
}

void ndc_link_text_fold_tones(struct ndc_buf *out, struct ndc_str raw)
{
    ndc_link_text_fold_plain(out, raw);
}

void ndc_link_text_fold_code(struct ndc_buf *out, struct ndc_str raw)
{
    size_t start = out->len;
    bool gap = false;
    for (size_t i = 0; i < raw.len; i++) {
        unsigned char c = (unsigned char)raw.ptr[i];
        if (c >= 'A' && c <= 'Z') c = (unsigned char)(c + 32);
        if (c <= ' ') {
            gap = true;
            continue;
        }
        if (gap && out->len > start) ndc_buf_add_byte(out, ' ');
        gap = false;
        ndc_buf_add_byte(out, (char)c);
    }
}

/* How texts are folded before they are compared: Vietnamese and Latin text by
 * base/vntext, codes by lower case and single spaces. */
#include "base/vntext.h"
#include "platforms/registry/link/text.h"

void ndc_link_text_fold_plain(struct ndc_buf *out, struct ndc_str raw)
{
    ndc_vn_fold_add(out, raw, NDC_VN_FOLD_FULL);
}

void ndc_link_text_fold_class(struct ndc_buf *out, struct ndc_str raw)
{
    ndc_vn_fold_add(out, raw, NDC_VN_FOLD_FULL | NDC_VN_FOLD_YI);
}

void ndc_link_text_fold_tones(struct ndc_buf *out, struct ndc_str raw)
{
    ndc_vn_fold_add(out, raw, NDC_VN_FOLD_CASE);
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

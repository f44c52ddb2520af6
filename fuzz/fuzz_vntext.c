/* Any bytes through every text function: no overrun, the length bound holds, folding is
 * idempotent, and decoding in two chunks equals decoding in one. */
#include "base/utf8.h"
#include "base/vntext.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check_decode(struct ndc_str in)
{
    for (int e = 0; e < NDC_VN_ENCODING_COUNT; e++) {
        struct ndc_buf whole, parts;
        size_t used, rest;
        ndc_buf_init(&whole, 1 << 24);
        ndc_buf_init(&parts, 1 << 24);
        ndc_vn_decode(&whole, (enum ndc_vn_encoding)e, in, true, &used);
        NDC_ASSERT(used == in.len && ndc_utf8_valid(ndc_buf_str(&whole)));
        ndc_vn_decode(&parts, (enum ndc_vn_encoding)e, ndc_str_n(in.ptr, in.len / 2),
                      false, &used);
        ndc_vn_decode(&parts, (enum ndc_vn_encoding)e, ndc_str_from(in, used), true,
                      &rest);
        NDC_ASSERT(ndc_str_eq(ndc_buf_str(&whole), ndc_buf_str(&parts)));
        ndc_buf_free(&whole);
        ndc_buf_free(&parts);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct ndc_str in = ndc_str_n((const char *)bytes, len);
    size_t room = NDC_VN_ROOM(len), bom;
    char *a = malloc(room), *b = malloc(NDC_VN_ROOM(room));
    if (!a || !b) abort();
    size_t n = ndc_vn_nfc(a, in, NULL);
    NDC_ASSERT(n <= room && ndc_utf8_valid(ndc_str_n(a, n)));
    n = ndc_vn_clean(a, in, NULL);
    NDC_ASSERT(n <= room);
    size_t m = ndc_vn_name_case(b, ndc_str_n(a, n));
    NDC_ASSERT(m <= n);
    for (unsigned level = 0; level < 8; level++) {
        if ((level & 3) == 3) continue;
        n = ndc_vn_fold(a, in, level, NULL);
        NDC_ASSERT(n <= room && ndc_utf8_valid(ndc_str_n(a, n)));
        m = ndc_vn_fold(b, ndc_str_n(a, n), level, NULL);
        NDC_ASSERT(ndc_str_eq(ndc_str_n(a, n), ndc_str_n(b, m)));
    }
    check_decode(in);
    ndc_vn_detect(in, &bom, NULL);
    free(a);
    free(b);
    return 0;
}

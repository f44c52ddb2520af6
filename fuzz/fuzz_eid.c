/* What a person types as a login, and base64url of a browser's answers. */
#include "platforms/eid/web.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ndc_str text = ndc_str_n((const char *)data, size), logins[2], bytes;
    struct ndc_arena arena;
    ndc_arena_init(&arena, 1 << 20);
    size_t n = eid_login_read(&arena, text, logins);
    NDC_ASSERT(n <= 2);
    for (size_t i = 0; i < n; i++) /* a kind, a colon, and something behind it */
        NDC_ASSERT(ndc_str_find(logins[i], ':') + 1 < logins[i].len);
    if (eid_base64url_read(&arena, text, 4096, &bytes)) {
        /* What was read is written the same, but for bits that padding leaves over. */
        struct ndc_str again = eid_base64url(&arena, bytes.ptr, bytes.len), twice;
        NDC_ASSERT(again.len == size);
        NDC_ASSERT(eid_base64url_read(&arena, again, 4096, &twice) &&
                   ndc_str_eq(twice, bytes));
    }
    ndc_arena_free(&arena);
    return 0;
}

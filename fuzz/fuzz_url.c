/* Any bytes as a request target, a query and a Cookie header: what is taken is valid
 * UTF-8 without NUL, and a path never climbs. */
#include "net/url.h"

#include "base/utf8.h"
#include "core/problem.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static bool is_clean(struct ndc_str s)
{
    return ndc_utf8_valid(s) && (s.len == 0 || !memchr(s.ptr, 0, s.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct ndc_arena arena;
    struct ndc_str in = ndc_str_n((const char *)bytes, len), path, query, name, value;
    bool bad = false;
    ndc_arena_init(&arena, 1 << 22);
    if (ndc_url_target(&arena, in, &path, &query)) {
        NDC_ASSERT(is_clean(path) && path.len > 0 && path.ptr[0] == '/');
        NDC_ASSERT(!memmem(path.ptr, path.len, "/../", 4));
        NDC_ASSERT(!memmem(path.ptr, path.len, "//", 2));
    }
    query = in;
    while (ndc_url_query_next(&arena, &query, &name, &value, &bad))
        NDC_ASSERT(is_clean(name) && (value.len == 0 || is_clean(value)));
    value = ndc_cookie_find(in, NDC_STR("ndc"));
    NDC_ASSERT(value.len <= len);
    (void)ndc_lang_choose(in);
    ndc_arena_free(&arena);
    return 0;
}

/* Bytes of a text in hex, in memory that lives as long as the test program. */
#ifndef NDC_TESTS_HEX_H
#define NDC_TESTS_HEX_H

#include "tests/test.h"

/* An exact copy on the heap: a sanitizer sees a read past its end. */
static inline struct ndc_str unhex(const char *hex)
{
    size_t n = strlen(hex) / 2;
    char *out = malloc(n ? n : 1);
    assert_non_null(out);
    for (size_t i = 0; i < n; i++)
        out[i] = (char)strtol((char[]){hex[2 * i], hex[2 * i + 1], 0}, NULL, 16);
    return ndc_str_n(out, n);
}

static inline struct ndc_str copy_of(struct ndc_str s)
{
    char *out = malloc(s.len ? s.len : 1);
    assert_non_null(out);
    memcpy(out, s.ptr ? s.ptr : "", s.len);
    return ndc_str_n(out, s.len);
}

static inline void drop(struct ndc_str s)
{
    free((char *)(uintptr_t)s.ptr);
}

#endif

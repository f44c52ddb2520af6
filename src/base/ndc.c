/* Assertion failure and allocation that does not return NULL. */
#include "base/ndc.h"

#include <stdio.h>

void ndc_assert_fail(const char *what, const char *file, int line, const char *func)
{
    fprintf(stderr, "ndc: broken invariant in %s (%s:%d): %s\n", func, file, line, what);
    abort();
}

static NDC_NORETURN void out_of_memory(size_t size)
{
    fprintf(stderr, "ndc: out of memory asking for %zu bytes\n", size);
    abort();
}

void *ndc_xmalloc(size_t size)
{
    void *ptr = malloc(size ? size : 1);
    if (!ptr) out_of_memory(size);
    return ptr;
}

void *ndc_xcalloc(size_t count, size_t size)
{
    void *ptr = calloc(count ? count : 1, size ? size : 1);
    if (!ptr) out_of_memory(count * size);
    return ptr;
}

void *ndc_xrealloc(void *ptr, size_t size)
{
    void *grown = realloc(ptr, size ? size : 1);
    if (!grown) out_of_memory(size);
    return grown;
}

/* Assertion failure and allocation that does not return NULL. */
#include "base/ndc.h"

#include <stdio.h>
#include <sys/mman.h>

/* Blocks this large are mapped by themselves and ask for huge pages: one fault then
 * brings two megabytes instead of four kilobytes, and random access misses the TLB less.
 */
enum { LARGE_BYTES = 8 << 20, HUGE_PAGE = 2 << 20 };

static void advise_huge(void *ptr, size_t size)
{
    uintptr_t start = ((uintptr_t)ptr + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1);
    uintptr_t end = ((uintptr_t)ptr + size) & ~(uintptr_t)(HUGE_PAGE - 1);
    if (end > start) (void)madvise((void *)start, end - start, MADV_HUGEPAGE);
}

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
    if (size >= LARGE_BYTES) advise_huge(ptr, size);
    return ptr;
}

void *ndc_xcalloc(size_t count, size_t size)
{
    void *ptr = calloc(count ? count : 1, size ? size : 1);
    if (!ptr) out_of_memory(count * size);
    if (count * size >= LARGE_BYTES) advise_huge(ptr, count * size);
    return ptr;
}

void *ndc_xrealloc(void *ptr, size_t size)
{
    void *grown = realloc(ptr, size ? size : 1);
    if (!grown) out_of_memory(size);
    if (size >= LARGE_BYTES) advise_huge(grown, size);
    return grown;
}

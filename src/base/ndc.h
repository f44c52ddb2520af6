/* Words every file uses: assertions that stay on, attributes, small macros. */
#ifndef NDC_BASE_NDC_H
#define NDC_BASE_NDC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define NDC_VERSION "0.1.0"

#define NDC_MUST_USE     __attribute__((warn_unused_result))
#define NDC_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define NDC_NORETURN     __attribute__((noreturn))
#define NDC_UNUSED       __attribute__((unused))
#define NDC_LIKELY(x)    __builtin_expect(!!(x), 1)
#define NDC_UNLIKELY(x)  __builtin_expect(!!(x), 0)
#define NDC_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define NDC_MIN(a, b)    ((a) < (b) ? (a) : (b))
#define NDC_MAX(a, b)    ((a) > (b) ? (a) : (b))

/* A broken invariant: prints where and aborts, in release builds too. Never for input. */
#define NDC_ASSERT(c)                                                              \
    do {                                                                           \
        if (NDC_UNLIKELY(!(c))) ndc_assert_fail(#c, __FILE__, __LINE__, __func__); \
    } while (0)

NDC_NORETURN void ndc_assert_fail(const char *what, const char *file, int line,
                                  const char *func);

/* malloc, calloc and realloc that abort with a message when memory is out: sizes are
 * bounded by the caller, so running out is not an input error. free() releases. */
void *ndc_xmalloc(size_t size);
void *ndc_xcalloc(size_t count, size_t size);
void *ndc_xrealloc(void *ptr, size_t size);

#endif

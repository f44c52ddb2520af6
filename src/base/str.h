/* Strings as {pointer, length}: bytes, usually UTF-8, not terminated, owned elsewhere. */
#ifndef NDC_BASE_STR_H
#define NDC_BASE_STR_H

#include "base/ndc.h"

#include <string.h>

struct ndc_str {
    const char *ptr;
    size_t len;
};

#define NDC_STR(lit) ((struct ndc_str){"" lit, sizeof(lit) - 1})
#define NDC_STR_NULL ((struct ndc_str){NULL, 0})
/* For printf's "%.*s". */
#define NDC_STR_FMT(s) (int)(s).len, ((s).ptr ? (s).ptr : "")

static inline struct ndc_str ndc_str(const char *cstr)
{
    return (struct ndc_str){cstr, cstr ? strlen(cstr) : 0};
}

static inline struct ndc_str ndc_str_n(const char *ptr, size_t len)
{
    return (struct ndc_str){ptr, len};
}

static inline bool ndc_str_eq(struct ndc_str a, struct ndc_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool ndc_str_eq_c(struct ndc_str a, const char *cstr)
{
    return ndc_str_eq(a, ndc_str(cstr));
}

static inline bool ndc_str_starts(struct ndc_str s, struct ndc_str prefix)
{
    return prefix.len == 0 ||
           (s.len >= prefix.len && memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

static inline struct ndc_str ndc_str_from(struct ndc_str s, size_t start)
{
    return start >= s.len ? NDC_STR_NULL : ndc_str_n(s.ptr + start, s.len - start);
}

/* Byte order; shorter first on a tie. */
int ndc_str_cmp(struct ndc_str a, struct ndc_str b);
/* ASCII case-insensitive equality. */
bool ndc_str_ieq(struct ndc_str a, struct ndc_str b);
/* Without ASCII white space at both ends. */
struct ndc_str ndc_str_trim(struct ndc_str s);
/* Index of the byte, or s.len. */
size_t ndc_str_find(struct ndc_str s, char byte);
/* Takes the part before `sep` from *rest (all of it if there is none) and advances *rest
 * past it. False once *rest is used up (rest->ptr becomes NULL). */
bool ndc_str_split(struct ndc_str *rest, char sep, struct ndc_str *part);
/* Whole-string decimal integers; false if not a number or out of range. */
bool ndc_str_to_i64(struct ndc_str s, int64_t *out);
bool ndc_str_to_u64(struct ndc_str s, uint64_t *out);
/* Whole-string floating point, C locale. */
bool ndc_str_to_f64(struct ndc_str s, double *out);
/* Damerau-Levenshtein distance (adjacent swaps count one) over bytes, at most `max`;
 * returns max + 1 when it is larger. For "did you mean" and small strings (<= 255). */
size_t ndc_str_distance(struct ndc_str a, struct ndc_str b, size_t max);
/* The candidate nearest to `word` within a third of its length, or NULL. */
const char *ndc_str_nearest(struct ndc_str word, const char *const *names, size_t n);

#endif

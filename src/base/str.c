/* String slices: comparison, splitting, numbers, nearest word. */
#include "base/str.h"

#include <errno.h>

enum { DISTANCE_LEN_MAX = 255, NUMBER_LEN_MAX = 64 };

int ndc_str_cmp(struct ndc_str a, struct ndc_str b)
{
    size_t n = NDC_MIN(a.len, b.len);
    int c = n ? memcmp(a.ptr, b.ptr, n) : 0;
    if (c != 0) return c;
    return a.len < b.len ? -1 : a.len > b.len;
}

static char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool ndc_str_ieq(struct ndc_str a, struct ndc_str b)
{
    if (a.len != b.len) return false;
    for (size_t i = 0; i < a.len; i++)
        if (ascii_lower(a.ptr[i]) != ascii_lower(b.ptr[i])) return false;
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct ndc_str ndc_str_trim(struct ndc_str s)
{
    while (s.len && is_space(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len && is_space(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

size_t ndc_str_find(struct ndc_str s, char byte)
{
    const char *at = s.len ? memchr(s.ptr, byte, s.len) : NULL;
    return at ? (size_t)(at - s.ptr) : s.len;
}

bool ndc_str_split(struct ndc_str *rest, char sep, struct ndc_str *part)
{
    if (!rest->ptr) return false;
    size_t at = ndc_str_find(*rest, sep);
    *part = ndc_str_n(rest->ptr, at);
    if (at == rest->len)
        *rest = NDC_STR_NULL;
    else
        *rest = ndc_str_n(rest->ptr + at + 1, rest->len - at - 1);
    return true;
}

bool ndc_str_to_u64(struct ndc_str s, uint64_t *out)
{
    uint64_t v = 0;
    if (s.len == 0 || s.len > 20) return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned d = (unsigned)(s.ptr[i] - '0');
        if (d > 9) return false;
        if (__builtin_mul_overflow(v, (uint64_t)10, &v) ||
            __builtin_add_overflow(v, (uint64_t)d, &v))
            return false;
    }
    *out = v;
    return true;
}

bool ndc_str_to_i64(struct ndc_str s, int64_t *out)
{
    bool neg = s.len && s.ptr[0] == '-';
    uint64_t v;
    if (!ndc_str_to_u64(neg ? ndc_str_from(s, 1) : s, &v)) return false;
    if (v > (uint64_t)INT64_MAX + (neg ? 1 : 0)) return false;
    *out = neg ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

bool ndc_str_to_f64(struct ndc_str s, double *out)
{
    char text[NUMBER_LEN_MAX];
    char *end = NULL;
    if (s.len == 0 || s.len >= sizeof(text) || is_space(s.ptr[0])) return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = 0;
    errno = 0;
    *out = strtod(text, &end);
    return errno == 0 && end == text + s.len;
}

size_t ndc_str_distance(struct ndc_str a, struct ndc_str b, size_t max)
{
    size_t row[3][DISTANCE_LEN_MAX + 1];
    if (a.len > DISTANCE_LEN_MAX || b.len > DISTANCE_LEN_MAX) return max + 1;
    if (NDC_MAX(a.len, b.len) - NDC_MIN(a.len, b.len) > max) return max + 1;
    for (size_t j = 0; j <= b.len; j++)
        row[0][j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *cur = row[i % 3], *prev = row[(i + 2) % 3], *prev2 = row[(i + 1) % 3];
        size_t best = cur[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t d = prev[j - 1] + (a.ptr[i - 1] != b.ptr[j - 1]);
            d = NDC_MIN(d, prev[j] + 1);
            d = NDC_MIN(d, cur[j - 1] + 1);
            if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] &&
                a.ptr[i - 2] == b.ptr[j - 1])
                d = NDC_MIN(d, prev2[j - 2] + 1);
            cur[j] = d;
            best = NDC_MIN(best, d);
        }
        if (best > max) return max + 1;
    }
    size_t d = row[a.len % 3][b.len];
    return d > max ? max + 1 : d;
}

const char *ndc_str_nearest(struct ndc_str word, const char *const *names, size_t n)
{
    size_t limit = NDC_MAX((size_t)1, word.len / 3);
    const char *best = NULL;
    for (size_t i = 0; i < n; i++) {
        size_t d = ndc_str_distance(word, ndc_str(names[i]), limit);
        if (d <= limit) {
            best = names[i];
            if (d == 0) break;
            limit = d - 1;
        }
    }
    return best;
}

/* Text measures for comparators: Jaro-Winkler (Winkler 1990), optimal string alignment
 * distance (Damerau 1964), a soundex-like code, tokens. They work over bytes of folded
 * text, whose letters are ASCII after ndc_link_text_fold_plain; longer text is cut, not
 * refused.
 */
#include "platforms/registry/link/text.h"

enum { COMPARED_MAX = 64 };

double ndc_link_text_jaro_winkler(struct ndc_str a, struct ndc_str b)
{
    size_t la = NDC_MIN(a.len, (size_t)COMPARED_MAX);
    size_t lb = NDC_MIN(b.len, (size_t)COMPARED_MAX);
    if (la == 0 || lb == 0) return 0;
    size_t longer = NDC_MAX(la, lb), window = longer / 2;
    window = window > 0 ? window - 1 : 0;
    /* Where each byte stands in b, so that the first free match is the lowest bit. */
    uint64_t places[256], used_a = 0, used_b = 0;
    for (size_t i = 0; i < la; i++)
        places[(unsigned char)a.ptr[i]] = 0;
    for (size_t j = 0; j < lb; j++)
        places[(unsigned char)b.ptr[j]] = 0;
    for (size_t j = 0; j < lb; j++)
        places[(unsigned char)b.ptr[j]] |= 1ull << j;
    unsigned same = 0;
    for (size_t i = 0; i < la; i++) {
        size_t from = i > window ? i - window : 0;
        size_t to = NDC_MIN(i + window + 1, lb);
        if (from >= to) continue;
        uint64_t reach = (to == 64 ? ~0ull : (1ull << to) - 1) & ~0ull << from;
        uint64_t found = places[(unsigned char)a.ptr[i]] & reach & ~used_b;
        if (!found) continue;
        used_a |= 1ull << i;
        used_b |= found & -found;
        same++;
    }
    if (same == 0) return 0;
    unsigned crossed = 0;
    size_t j = 0;
    for (size_t i = 0; i < la; i++) {
        if (!(used_a >> i & 1)) continue;
        while (!(used_b >> j & 1))
            j++;
        crossed += a.ptr[i] != b.ptr[j];
        j++;
    }
    double m = same;
    unsigned swaps = crossed / 2;
    double jaro = (m / (double)la + m / (double)lb + (m - swaps) / m) / 3;
    size_t prefix = 0;
    while (prefix < 4 && prefix < la && prefix < lb && a.ptr[prefix] == b.ptr[prefix])
        prefix++;
    return jaro + (double)prefix * 0.1 * (1 - jaro);
}

/* Drops what both ends have in common. */
static void trim_common(struct ndc_str *a, struct ndc_str *b)
{
    while (a->len > 0 && b->len > 0 && a->ptr[a->len - 1] == b->ptr[b->len - 1]) {
        a->len--;
        b->len--;
    }
    while (a->len > 0 && b->len > 0 && a->ptr[0] == b->ptr[0]) {
        *a = ndc_str_n(a->ptr + 1, a->len - 1);
        *b = ndc_str_n(b->ptr + 1, b->len - 1);
    }
}

/* Distance of trimmed texts, 2 when over 1: a single edit leaves next to nothing. */
static unsigned up_to_one(struct ndc_str a, struct ndc_str b)
{
    if (a.len + b.len <= 1) return (unsigned)(a.len + b.len);
    if (a.len == 1 && b.len == 1) return 1;
    return a.len == 2 && b.len == 2 && a.ptr[0] == b.ptr[1] && a.ptr[1] == b.ptr[0] ? 1
                                                                                    : 2;
}

static bool one_left(struct ndc_str a, size_t skip_a, struct ndc_str b, size_t skip_b)
{
    a = ndc_str_n(a.ptr + skip_a, a.len - skip_a);
    b = ndc_str_n(b.ptr + skip_b, b.len - skip_b);
    if (a.len > b.len + 1 || b.len > a.len + 1) return false;
    trim_common(&a, &b);
    return up_to_one(a, b) <= 1;
}

/* The same, 3 when over 2. Trimmed texts begin differently, so the first of two edits is
 * at the front: four ways to make it, and one edit is left. */
static unsigned up_to_two(struct ndc_str a, struct ndc_str b)
{
    unsigned d = up_to_one(a, b);
    if (d <= 1) return d;
    if (a.len == 0 || b.len == 0) return a.len + b.len == 2 ? 2 : 3;
    bool crossed =
        a.len >= 2 && b.len >= 2 && a.ptr[0] == b.ptr[1] && a.ptr[1] == b.ptr[0];
    bool two = one_left(a, 1, b, 1) || one_left(a, 1, b, 0) || one_left(a, 0, b, 1) ||
               (crossed && one_left(a, 2, b, 2));
    return two ? 2 : 3;
}

static unsigned distance_table(struct ndc_str a, struct ndc_str b, unsigned max)
{
    uint8_t rows[3][COMPARED_MAX + 1];
    uint8_t *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= b.len; j++)
        last[j] = (uint8_t)j;
    for (size_t i = 1; i <= a.len; i++) {
        now[0] = (uint8_t)i;
        uint8_t least = now[0];
        for (size_t j = 1; j <= b.len; j++) {
            bool equal = a.ptr[i - 1] == b.ptr[j - 1];
            uint8_t d = (uint8_t)(last[j - 1] + !equal);
            d = NDC_MIN(d, (uint8_t)(last[j] + 1));
            d = NDC_MIN(d, (uint8_t)(now[j - 1] + 1));
            if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] &&
                a.ptr[i - 2] == b.ptr[j - 1])
                d = NDC_MIN(d, (uint8_t)(before[j - 2] + 1));
            now[j] = d;
            least = NDC_MIN(least, d);
        }
        if (least > max) return max + 1;
        uint8_t *t = before;
        before = last;
        last = now;
        now = t;
    }
    return NDC_MIN((unsigned)last[b.len], max + 1);
}

unsigned ndc_link_text_distance(struct ndc_str a, struct ndc_str b, unsigned max)
{
    if (a.len > COMPARED_MAX) a.len = COMPARED_MAX;
    if (b.len > COMPARED_MAX) b.len = COMPARED_MAX;
    size_t gap = a.len > b.len ? a.len - b.len : b.len - a.len;
    if (gap > max) return max + 1;
    trim_common(&a, &b);
    if (max == 1) return up_to_one(a, b);
    if (max == 2) return up_to_two(a, b);
    return distance_table(a, b, max);
}

uint64_t ndc_link_text_soundex(struct ndc_str s)
{
    /* Digits by place of articulation; vowels, h, w and y are 0. */
    static const char classes[] = "01230120022455012623010202";
    uint64_t code = 0;
    unsigned length = 0;
    char last = 0;
    for (size_t i = 0; i < s.len && length < 4; i++) {
        char c = s.ptr[i];
        if (c < 'a' || c > 'z') continue;
        char class = classes[c - 'a'];
        if (length == 0) {
            code = (unsigned char)c - 'a' + 1u;
            length = 1;
        } else if (class != '0' && class != last) {
            code = code * 8 + (uint64_t)(class - '0');
            length++;
        }
        if (c != 'h' && c != 'w') last = class;
    }
    while (length > 0 && length < 4) {
        code *= 8;
        length++;
    }
    return code;
}

unsigned ndc_link_text_tokens(struct ndc_str s, struct ndc_str *out, unsigned max)
{
    unsigned n = 0;
    size_t at = 0;
    while (at < s.len && n < max) {
        while (at < s.len && s.ptr[at] == ' ')
            at++;
        size_t from = at;
        while (at < s.len && s.ptr[at] != ' ')
            at++;
        if (at > from) out[n++] = ndc_str_n(s.ptr + from, at - from);
    }
    return n;
}

/* Bit i set: byte i of the eight is a space. */
static inline uint64_t spaces_of(uint64_t eight)
{
    const uint64_t low = 0x7f7f7f7f7f7f7f7fu;
    uint64_t x = eight ^ 0x2020202020202020u;
    uint64_t zero = ~(((x & low) + low) | x | low);
    return (zero >> 7) * 0x0102040810204080u >> 56;
}

static inline uint64_t load_eight(const char *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

/* The first up to eight bytes of s[from, to), never reading outside s. */
static inline uint64_t head_of(struct ndc_str s, size_t from, size_t to)
{
    size_t n = to - from;
    if (s.len - from >= 8) {
        uint64_t v = load_eight(s.ptr + from);
        return n >= 8 ? v : v & ((1ull << 8 * n) - 1);
    }
    if (s.len >= 8) {
        uint64_t v = load_eight(s.ptr + s.len - 8) >> 8 * (8 - (s.len - from));
        return v & ((1ull << 8 * n) - 1);
    }
    uint64_t head = 0;
    for (size_t i = 0; i < n; i++)
        head |= (uint64_t)(unsigned char)s.ptr[from + i] << 8 * i;
    return head;
}

/* Ends of words are found eight bytes at a time, as bits of `spaces`. */
unsigned ndc_link_text_words(struct ndc_str s, struct word *out, unsigned max)
{
    unsigned n = 0;
    size_t from = 0;
    for (size_t at = 0; at <= s.len && n < max; at += 8) {
        uint64_t spaces = 0;
        if (s.len - at >= 8) {
            spaces = spaces_of(load_eight(s.ptr + at));
        } else {
            for (size_t i = at; i < s.len; i++)
                spaces |= (uint64_t)(s.ptr[i] == ' ') << (i - at);
            spaces |= 1ull << (s.len - at); /* the end ends the last word */
        }
        for (; spaces && n < max; spaces &= spaces - 1) {
            size_t to = at + (unsigned)__builtin_ctzll(spaces);
            if (to > from)
                out[n++] = (struct word){ndc_str_n(s.ptr + from, to - from),
                                         head_of(s, from, to)};
            from = to + 1;
        }
    }
    return n;
}

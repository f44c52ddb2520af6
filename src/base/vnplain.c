/* Text of composed letters, ASCII and spaces in short loops: what vntext.c does for any
 * text, with the same results. Whatever else a text holds (combining marks, look-alikes,
 * hidden characters, other scripts, broken UTF-8) makes it VN_NOT_PLAIN. */
#include "base/utf8.h"
#include "base/vntext_internal.h"

static bool is_ascii(struct ndc_str in)
{
    uint64_t seen = 0, word;
    size_t i = 0;
    for (; i + 8 <= in.len; i += 8) {
        memcpy(&word, in.ptr + i, 8);
        seen |= word;
    }
    for (; i < in.len; i++)
        seen |= (unsigned char)in.ptr[i];
    return (seen & 0x8080808080808080u) == 0;
}

static bool ascii_vowel(char c)
{
    return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' || c == 'y';
}

static bool ascii_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

static void ascii_fold_y(char *s, size_t len)
{
    size_t from = 0;
    for (size_t end = 0; end <= len; end++) {
        if (end < len && ascii_letter(s[end])) continue;
        for (size_t i = from + 1; i < end && end - from <= VN_WORD_MAX; i++) {
            if (s[i] != 'y' || (i + 1 < end && ascii_vowel(s[i + 1]))) continue;
            bool qu = i >= from + 2 && s[i - 1] == 'u' && s[i - 2] == 'q';
            if (!ascii_vowel(s[i - 1]) || qu) s[i] = 'i';
        }
        from = end + 1;
    }
}

/* Code point at *i of UTF-8 whose letters are of one to three bytes; others are not
 * plain. */
static inline uint32_t next_short(struct ndc_str in, size_t *i)
{
    const unsigned char *p = (const unsigned char *)in.ptr + *i;
    size_t left = in.len - *i;
    if (p[0] < 0x80) {
        *i += 1;
        return p[0];
    }
    if (p[0] >= 0xc2 && p[0] < 0xe0 && left > 1 && (p[1] & 0xc0) == 0x80) {
        *i += 2;
        return (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
    }
    if (p[0] == 0xe1 && left > 2 && (p[1] & 0xc0) == 0x80 && (p[2] & 0xc0) == 0x80) {
        *i += 3;
        return 0x1000 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
    }
    return NDC_UTF8_BAD;
}

static bool is_space(uint32_t code)
{
    return code == ' ' || (code >= 9 && code <= 13) || code == 0xa0;
}

static bool is_look_alike(uint32_t code)
{
    return code == 0xd0 || code == 0xf0 || code == 0x189;
}

static unsigned letter_flags(const struct vn_latin *row, uint32_t code)
{
    unsigned flags = row->lower != code ? NDC_VN_UPPER : NDC_VN_LOWER;
    if (row->tone) flags |= NDC_VN_TONES;
    if (code < 0x80) return flags;
    if (vn_is_marked(row->vowel) || code == 0x110 || code == 0x111)
        flags |= NDC_VN_MARKS;
    else if (!row->vowel)
        flags |= NDC_VN_FOREIGN;
    return flags;
}

/* The letter at *i, or the row of none. */
static inline const struct vn_latin *next_letter(struct ndc_str in, size_t *i,
                                                 uint32_t *code)
{
    *code = next_short(in, i);
    return *code < 0x2000 && !is_look_alike(*code) ? vn_latin_of(*code) : &vn_latin[0];
}

/* The word again with its tone on the vowel where it belongs; its length. */
static size_t retone(char *out, struct ndc_str word, unsigned *flags)
{
    struct vn_letter w[VN_WORD_MAX];
    struct vn_syllable y;
    unsigned n = 0, toned = 0;
    uint32_t code;
    for (size_t i = 0; i < word.len; n++) {
        next_letter(word, &i, &code);
        w[n] = vn_letter_of(code);
        if (w[n].tone) toned = n;
    }
    if (!vn_syllable_parse(&y, w, n) || y.target == toned) return word.len;
    *flags |= NDC_VN_RETONED;
    w[y.target].tone = w[toned].tone;
    w[toned].tone = VN_LEVEL;
    size_t len = 0;
    for (unsigned k = 0; k < n; k++)
        len += ndc_utf8_encode(
            out + len,
            w[k].vowel ? vn_vowel_code(w[k].vowel, w[k].tone, w[k].upper) : w[k].code);
    return len;
}

/* Copies the word at *i, cleaned; its length there, 0 if it is too long. */
static size_t clean_word(char *out, struct ndc_str in, size_t *i, unsigned *flags)
{
    size_t from = *i, at = from;
    unsigned n = 0, vowels = 0, toned = 0;
    while (at < in.len) {
        uint32_t code;
        size_t next = at;
        const struct vn_latin *row = next_letter(in, &next, &code);
        if (!row->lower) break;
        n++;
        vowels += row->vowel != 0;
        toned += row->tone != 0;
        *flags |= letter_flags(row, code);
        for (; at < next; at++)
            out[at - from] = in.ptr[at];
    }
    *i = at;
    if (n > VN_WORD_MAX) return 0;
    if (toned != 1 || vowels < 2) return at - from;
    return retone(out, ndc_str_n(in.ptr + from, at - from), flags);
}

ptrdiff_t vn_clean_plain(char *out, struct ndc_str in, unsigned *flags)
{
    size_t len = 0;
    unsigned found = 0;
    bool space = false;
    for (size_t i = 0; i < in.len;) {
        uint32_t code;
        size_t next = i;
        if (next_letter(in, &next, &code)->lower) {
            if (space && len > 0) out[len++] = ' ';
            space = false;
            size_t n = clean_word(out + len, in, &i, &found);
            if (n == 0) return VN_NOT_PLAIN;
            len += n;
            continue;
        }
        i = next;
        if (is_space(code)) {
            space = true;
        } else if (code >= 0x7f || code < 0x20) {
            return VN_NOT_PLAIN;
        } else {
            if (space && len > 0) out[len++] = ' ';
            space = false;
            out[len++] = (char)code;
            if (code >= '0' && code <= '9') found |= NDC_VN_DIGITS;
        }
    }
    if (flags) *flags |= found;
    return (ptrdiff_t)len;
}

/* A word in small letters, tones and marks kept, as the word at *i is read; its length,
 * 0 if it is too long. */
static size_t case_word(char *out, struct ndc_str in, size_t *i, unsigned level,
                        unsigned *flags)
{
    struct vn_letter w[VN_WORD_MAX + 1];
    struct vn_syllable y;
    unsigned n = 0, tones = 0, toned = 0;
    size_t len = 0;
    while (*i < in.len && n <= VN_WORD_MAX) {
        uint32_t code;
        size_t next = *i;
        const struct vn_latin *row = next_letter(in, &next, &code);
        if (!row->lower) break;
        *flags |= letter_flags(row, code);
        if (row->tone) {
            tones++;
            toned = n;
        }
        w[n++] = (struct vn_letter){row->lower, row->vowel, row->tone, false};
        *i = next;
    }
    if (n > VN_WORD_MAX) return 0;
    if (tones == 1 && vn_syllable_parse(&y, w, n) && y.target != toned) {
        *flags |= NDC_VN_RETONED;
        w[y.target].tone = w[toned].tone;
        w[toned].tone = VN_LEVEL;
    }
    if (level & NDC_VN_FOLD_YI) vn_fold_y(w, n);
    for (unsigned k = 0; k < n; k++)
        len += ndc_utf8_encode(out + len,
                               w[k].vowel ? vn_vowel_code(w[k].vowel, w[k].tone, false)
                                          : w[k].code);
    return len;
}

static ptrdiff_t fold_case(char *out, struct ndc_str in, unsigned level, unsigned *flags)
{
    size_t len = 0;
    unsigned found = 0;
    bool space = false;
    for (size_t i = 0; i < in.len;) {
        uint32_t code;
        size_t next = i;
        bool letter = next_letter(in, &next, &code)->lower != 0;
        bool digit = code >= '0' && code <= '9';
        if (!letter && !digit) {
            /* Within a word these vanish and the word goes on. */
            if (code == '\'' || code == '`') return VN_NOT_PLAIN;
            if (!is_space(code) && (code >= 0x7f || code < 0x20)) return VN_NOT_PLAIN;
            space = true;
            i = next;
            continue;
        }
        if (space && len > 0) out[len++] = ' ';
        space = false;
        if (digit) {
            out[len++] = (char)code;
            found |= NDC_VN_DIGITS;
            i = next;
            continue;
        }
        size_t n = case_word(out + len, in, &i, level, &found);
        if (n == 0) return VN_NOT_PLAIN;
        len += n;
    }
    if (flags) *flags |= found;
    return (ptrdiff_t)len;
}

ptrdiff_t vn_fold_plain(char *out, struct ndc_str in, unsigned level, unsigned *flags)
{
    if ((level & 3) == NDC_VN_FOLD_CASE && !is_ascii(in))
        return fold_case(out, in, level, flags);
    if ((level & 3) != NDC_VN_FOLD_FULL && !is_ascii(in)) return VN_NOT_PLAIN;
    size_t len = 0;
    unsigned found = 0;
    bool space = false;
    for (size_t i = 0; i < in.len;) {
        uint32_t code = next_short(in, &i);
        const struct vn_latin *row = code < 0x2000 ? vn_latin_of(code) : NULL;
        if (!row || is_look_alike(code)) return VN_NOT_PLAIN;
        if (row->ascii[0]) {
            if (space) out[len++] = ' ';
            space = false;
            out[len++] = row->ascii[0];
            if (row->ascii[1]) out[len++] = row->ascii[1];
            found |= letter_flags(row, code);
        } else if (code >= 0x80 && code != 0xa0) {
            return VN_NOT_PLAIN;
        } else if (code >= '0' && code <= '9') {
            if (space) out[len++] = ' ';
            space = false;
            out[len++] = (char)code;
            found |= NDC_VN_DIGITS;
        } else if ((code < 0x20 || code == 0x7f) && !is_space(code)) {
            found |= NDC_VN_CONTROL;
        } else if (code != '\'' && code != '`') {
            space = len > 0;
        }
    }
    if (level & NDC_VN_FOLD_YI) ascii_fold_y(out, len);
    if (flags) *flags |= found;
    return (ptrdiff_t)len;
}

bool ndc_vn_is_word(struct ndc_str s)
{
    unsigned n = 0;
    for (size_t i = 0; i < s.len; n++) {
        uint32_t code;
        if (!next_letter(s, &i, &code)->lower) return false;
    }
    return n > 0 && n <= VN_WORD_MAX;
}

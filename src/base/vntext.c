/* Vietnamese text in one pass: code points become letters {vowel, tone, case}, letters
 * gather into words, and a finished word is mended and written out. Composition is not
 * the whole of UAX #15: it covers what Latin text needs, in linear time and without
 * tables of combining classes; other scripts pass through. */
#include "base/utf8.h"
#include "base/vntext_internal.h"

struct pair {
    uint32_t key;
    uint16_t code;
};

#include "base/vntext_table.inc"

enum mode { MODE_NFC, MODE_CLEAN, MODE_FOLD };

struct scan {
    char *out;
    size_t len;
    enum mode mode;
    unsigned level, flags, n;
    bool space;     /* a separator is owed before the next letter */
    bool long_word; /* its start was written already: not a syllable */
    struct vn_letter w[VN_WORD_MAX];
};

struct vn_letter vn_letter_of(uint32_t code)
{
    const struct vn_latin *l = vn_latin_of(code);
    return (struct vn_letter){code, l->vowel, l->tone, l->lower != code && l->lower};
}

uint32_t vn_vowel_code(unsigned vowel, unsigned tone, bool upper)
{
    return vowel_codes[vowel][tone][upper];
}

/* ---- syllables ---- */

/* Which unmarked vowels make a rhyme together, with or without a consonant after. */
static bool plain_rhyme(const struct vn_letter *v, unsigned m, bool coda)
{
    unsigned a = v[0].vowel, b = v[1].vowel, c = m > 2 ? v[2].vowel : 0;
    if (m == 2) {
        if ((a == VN_O && (b == VN_A || b == VN_E || b == VN_O)) ||
            (a == VN_U && b == VN_Y))
            return true;
        if (coda) return false;
        switch (a) {
        case VN_A:
            return b == VN_I || b == VN_O || b == VN_U || b == VN_Y;
        case VN_E:
            return b == VN_O;
        case VN_I:
            return b == VN_A || b == VN_U;
        case VN_O:
            return b == VN_I;
        case VN_U:
            return b == VN_A || b == VN_I;
        default:
            return false;
        }
    }
    if (coda) return false;
    if (a == VN_O && b == VN_A) return c == VN_I || c == VN_Y || c == VN_O;
    if (a == VN_O && b == VN_E) return c == VN_O;
    return a == VN_U && b == VN_Y && (c == VN_A || c == VN_U);
}

static uint32_t small(struct vn_letter l)
{
    return vn_latin_of(l.code)->lower;
}

#define ON(a, b, c) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16)

static bool onset_known(const struct vn_letter *w, unsigned n)
{
    uint32_t key = 0;
    if (n == 1 && (w[0].code == 0x111 || w[0].code == 0x110)) return true; /* đ */
    if (n > 3) return false;
    for (unsigned i = 0; i < n; i++) {
        uint32_t c = w[i].code | 0x20;
        if (w[i].code > 0x7f) return false;
        key |= c << 8 * i;
    }
    switch (key) {
    case 0:
    case 'b':
    case 'c':
    case 'd':
    case 'g':
    case 'h':
    case 'k':
    case 'l':
    case 'm':
    case 'n':
    case 'p':
    case 'q':
    case 'r':
    case 's':
    case 't':
    case 'v':
    case 'x':
    case ON('c', 'h', 0):
    case ON('g', 'h', 0):
    case ON('k', 'h', 0):
    case ON('n', 'g', 0):
    case ON('n', 'h', 0):
    case ON('p', 'h', 0):
    case ON('t', 'h', 0):
    case ON('t', 'r', 0):
    case ON('n', 'g', 'h'):
        return true;
    default:
        return false;
    }
}

static bool coda_known(const struct vn_letter *w, unsigned n)
{
    if (n == 0) return true;
    uint32_t a = small(w[0]), b = n == 2 ? small(w[1]) : 0;
    if (n == 1) return a == 'c' || a == 'm' || a == 'n' || a == 'p' || a == 't';
    return n == 2 && ((a == 'c' && b == 'h') || (a == 'n' && (b == 'g' || b == 'h')));
}

bool vn_syllable_parse(struct vn_syllable *out, const struct vn_letter *w, unsigned n)
{
    unsigned i = 0, v, m, marked = n;
    if (n == 0 || n > VN_SYLLABLE_MAX) return false;
    while (i < n && !w[i].vowel)
        i++;
    if (i == n || !onset_known(w, i)) return false;
    if (i == 1 && i + 1 < n && w[i + 1].vowel) {
        uint32_t c = small(w[0]);
        if ((c == 'q' && w[i].vowel == VN_U) || (c == 'g' && w[i].vowel == VN_I)) i++;
    }
    for (v = i; i < n && w[i].vowel; i++)
        if (vn_is_marked(w[i].vowel)) marked = i;
    m = i - v;
    if (m > 3 || !coda_known(w + i, n - i)) return false;
    if (m > 1 && marked == n && !plain_rhyme(w + v, m, i < n)) return false;
    out->vowel = (uint8_t)v;
    out->coda = (uint8_t)i;
    if (marked < n)
        out->target = (uint8_t)marked;
    else if (m == 1 || (m == 2 && i == n))
        out->target = (uint8_t)v;
    else
        out->target = (uint8_t)(v + 1);
    return true;
}

static void place_tone(struct scan *s)
{
    unsigned at = s->n, toned = 0;
    struct vn_syllable y;
    for (unsigned i = 0; i < s->n; i++) {
        if (!s->w[i].tone) continue;
        at = i;
        toned++;
    }
    if (toned != 1 || !vn_syllable_parse(&y, s->w, s->n) || y.target == at) return;
    s->w[y.target].tone = s->w[at].tone;
    s->w[at].tone = VN_LEVEL;
    s->flags |= NDC_VN_RETONED;
}

void vn_fold_y(struct vn_letter *w, unsigned n)
{
    for (unsigned i = 1; i < n; i++) {
        if (w[i].vowel != VN_Y || (i + 1 < n && w[i + 1].vowel)) continue;
        bool qu = i >= 2 && w[i - 1].vowel == VN_U && small(w[i - 2]) == 'q';
        if (!w[i - 1].vowel || qu) w[i].vowel = VN_I;
    }
}

/* ---- writing ---- */

static void put(struct scan *s, uint32_t code)
{
    s->len += ndc_utf8_encode(s->out + s->len, code);
}

static void put_folded(struct scan *s, struct vn_letter l)
{
    static const char plain[] = "?aaaeeiooouuy";
    unsigned level = s->level & 3;
    if (l.vowel) {
        if (level == NDC_VN_FOLD_FULL)
            s->out[s->len++] = plain[l.vowel];
        else
            put(s, vowel_codes[l.vowel][level == NDC_VN_FOLD_TONE ? 0 : l.tone][0]);
        return;
    }
    const struct vn_latin *row = vn_latin_of(l.code);
    if (!row->lower) {
        put(s, l.code);
    } else {
        put(s, row->lower);
    }
}

static void owe_space(struct scan *s)
{
    if (s->space && s->len > 0) s->out[s->len++] = ' ';
    s->space = false;
}

/* A word longer than VN_WORD_MAX comes in pieces and is only composed. */
static void flush_letters(struct scan *s)
{
    if (s->n == 0) return;
    if (s->mode != MODE_NFC) {
        owe_space(s);
        bool toned = s->mode == MODE_CLEAN || (s->level & 3) == NDC_VN_FOLD_CASE;
        if (toned && !s->long_word && s->flags & NDC_VN_TONES) place_tone(s);
        if (!s->long_word && s->mode == MODE_FOLD && s->level & NDC_VN_FOLD_YI)
            vn_fold_y(s->w, s->n);
    }
    for (unsigned i = 0; i < s->n; i++) {
        if (s->mode == MODE_FOLD)
            put_folded(s, s->w[i]);
        else if (s->w[i].vowel)
            put(s, vowel_codes[s->w[i].vowel][s->w[i].tone][s->w[i].upper]);
        else
            put(s, s->w[i].code);
    }
    s->n = 0;
}

static void end_word(struct scan *s)
{
    flush_letters(s);
    s->long_word = false;
}

static void append(struct scan *s, struct vn_letter l)
{
    if (s->n == VN_WORD_MAX) {
        s->long_word = true;
        flush_letters(s);
    }
    s->w[s->n++] = l;
}

static void push(struct scan *s, struct vn_letter l)
{
    s->flags |= l.upper ? NDC_VN_UPPER : NDC_VN_LOWER;
    if (l.tone) s->flags |= NDC_VN_TONES;
    if (l.code >= 0x80) {
        if (vn_is_marked(l.vowel) || l.code == 0x110 || l.code == 0x111)
            s->flags |= NDC_VN_MARKS;
        else if (!l.vowel)
            s->flags |= NDC_VN_FOREIGN;
        /* Spelt in ASCII before the word is looked at, so that folding twice is once. */
        const char *ascii = vn_latin_of(l.code)->ascii;
        if (!l.vowel && ascii[0] && s->mode == MODE_FOLD &&
            (s->level & 3) == NDC_VN_FOLD_FULL) {
            append(s, vn_letter_of((unsigned char)ascii[0]));
            if (ascii[1]) append(s, vn_letter_of((unsigned char)ascii[1]));
            return;
        }
    }
    append(s, l);
}

/* ---- combining marks ---- */

static uint32_t pair_code(uint32_t code, uint32_t mark)
{
    uint32_t key = code << 16 | mark;
    size_t low = 0, high = NDC_ARRAY_LEN(pairs);
    if (code > 0xffff) return 0;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (pairs[mid].key < key)
            low = mid + 1;
        else
            high = mid;
    }
    return low < NDC_ARRAY_LEN(pairs) && pairs[low].key == key ? pairs[low].code : 0;
}

static unsigned tone_of_mark(uint32_t mark)
{
    switch (mark) {
    case 0x300:
    case 0x340:
        return VN_GRAVE;
    case 0x301:
    case 0x341:
        return VN_ACUTE;
    case 0x303:
        return VN_TILDE;
    case 0x309:
        return VN_HOOK;
    case 0x323:
        return VN_DOT;
    default:
        return VN_LEVEL;
    }
}

static unsigned marked_vowel(unsigned vowel, uint32_t mark)
{
    if (mark == 0x302 && (vowel == VN_A || vowel == VN_E || vowel == VN_O))
        return vowel == VN_A ? VN_AA : vowel + 1;
    if (mark == 0x306 && vowel == VN_A) return VN_AW;
    if (mark == 0x31b && (vowel == VN_O || vowel == VN_U))
        return vowel == VN_O ? VN_OW : VN_UW;
    return 0;
}

/* Joins the mark to the last letter; false if they have no composed form. */
static bool combine(struct scan *s, uint32_t mark)
{
    if (s->n == 0) return false;
    struct vn_letter *l = &s->w[s->n - 1];
    if (l->vowel) {
        unsigned tone = tone_of_mark(mark), vowel = marked_vowel(l->vowel, mark);
        if (vowel) {
            l->vowel = (uint8_t)vowel;
            s->flags |= NDC_VN_MARKS | NDC_VN_COMPOSED;
            l->code = vowel_codes[vowel][l->tone][l->upper];
            return true;
        }
        if (tone && !l->tone) {
            l->tone = (uint8_t)tone;
            s->flags |= NDC_VN_TONES | NDC_VN_COMPOSED;
            l->code = vowel_codes[l->vowel][tone][l->upper];
            return true;
        }
    }
    uint32_t code = pair_code(l->code, mark);
    if (!code) return false;
    s->n--;
    push(s, vn_letter_of(code));
    s->flags |= NDC_VN_COMPOSED;
    return true;
}

/* ---- classes of characters ---- */

static bool is_space(uint32_t c)
{
    return c == ' ' || (c >= 9 && c <= 13) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}

static bool is_hidden(uint32_t c)
{
    return c == 0xad || (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || c == 0x34f || c == 0x180e ||
           (c >= 0xfe00 && c <= 0xfe0f);
}

static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

static bool is_apostrophe(uint32_t c)
{
    return c == '\'' || c == '`' || c == 0xb4 || c == 0x2018 || c == 0x2019 ||
           c == 0x2032 || c == 0x2b9 || c == 0x2bb || c == 0x2bc;
}

static bool is_punctuation(uint32_t c)
{
    if (c < 0x80) return !(c >= '0' && c <= '9');
    return (c < 0xc0 && c != 0xaa && c != 0xba) || c == 0xd7 || c == 0xf7 ||
           (c >= 0x2b0 && c < 0x370) || (c >= 0x2000 && c < 0x2c00) ||
           (c >= 0x3000 && c < 0x3040) || (c >= 0xe000 && c < 0xf900) ||
           (c >= 0xfe10 && c < 0xff00) || (c >= 0xff00 && c < 0xff10) || c >= 0x1f000;
}

static uint32_t look_alike(uint32_t c)
{
    if (c == 0xd0 || c == 0x189) return 0x110; /* eth and African D for Đ */
    if (c == 0xf0) return 0x111;
    return c;
}

/* ---- the pass ---- */

static void take_other(struct scan *s, uint32_t c)
{
    if (c >= '0' && c <= '9') {
        s->flags |= NDC_VN_DIGITS;
        end_word(s);
        if (s->mode != MODE_NFC) owe_space(s);
        s->out[s->len++] = (char)c;
        return;
    }
    if (s->mode == MODE_NFC) {
        end_word(s);
        put(s, c);
    } else if (is_space(c)) {
        end_word(s);
        s->space = true;
    } else if (is_hidden(c)) {
        s->flags |= NDC_VN_HIDDEN;
    } else if (is_control(c)) {
        s->flags |= NDC_VN_CONTROL;
    } else if (s->mode == MODE_CLEAN) {
        end_word(s);
        owe_space(s);
        put(s, c);
        if (!is_punctuation(c)) s->flags |= NDC_VN_FOREIGN;
    } else if (is_apostrophe(c)) {
        return;
    } else if (is_punctuation(c)) {
        end_word(s);
        s->space = true;
    } else {
        end_word(s);
        owe_space(s);
        put(s, c);
        s->flags |= NDC_VN_FOREIGN;
    }
}

static void take(struct scan *s, uint32_t c)
{
    if (c >= 0xff01 && c <= 0xff5e && s->mode != MODE_NFC) {
        c -= 0xfee0; /* full-width forms */
        s->flags |= NDC_VN_COMPOSED;
    }
    uint32_t same = look_alike(c);
    if (same != c) s->flags |= NDC_VN_COMPOSED;
    struct vn_letter l = vn_letter_of(same);
    if (vn_latin_of(same)->lower) {
        push(s, l);
    } else if ((c >= 0x300 && c <= 0x345) && c != 0x34f) {
        if (combine(s, c)) return;
        if (s->n == 0)
            take_other(s, c);
        else if (s->mode != MODE_FOLD || (s->level & 3) == NDC_VN_FOLD_CASE)
            push(s, (struct vn_letter){c, 0, 0, false});
    } else {
        take_other(s, c);
    }
}

static size_t run(char *out, enum mode mode, unsigned level, struct ndc_str in,
                  unsigned *flags)
{
    struct scan s; /* the word's letters are written before they are read */
    s.out = out;
    s.len = 0;
    s.mode = mode;
    s.level = level;
    s.flags = s.n = 0;
    s.space = s.long_word = false;
    for (size_t i = 0; i < in.len;) {
        unsigned char byte = (unsigned char)in.ptr[i];
        uint32_t code = byte;
        if (byte < 0x80) {
            i++;
        } else {
            i += ndc_utf8_decode(ndc_str_from(in, i), &code);
            if (code == NDC_UTF8_BAD) {
                s.flags |= NDC_VN_INVALID;
                code = '?';
            }
        }
        take(&s, code);
    }
    end_word(&s);
    if (flags) *flags |= s.flags;
    return s.len;
}

size_t ndc_vn_nfc(char *out, struct ndc_str in, unsigned *flags)
{
    return run(out, MODE_NFC, 0, in, flags);
}

size_t ndc_vn_clean(char *out, struct ndc_str in, unsigned *flags)
{
    ptrdiff_t len = vn_clean_plain(out, in, flags);
    if (len != VN_NOT_PLAIN) return (size_t)len;
    return run(out, MODE_CLEAN, 0, in, flags);
}

/* ---- folding ---- */

size_t ndc_vn_fold(char *out, struct ndc_str in, unsigned level, unsigned *flags)
{
    ptrdiff_t len = vn_fold_plain(out, in, level, flags);
    if (len != VN_NOT_PLAIN) return (size_t)len;
    return run(out, MODE_FOLD, level, in, flags);
}

void ndc_vn_fold_add(struct ndc_buf *out, struct ndc_str in, unsigned level)
{
    char *room = ndc_buf_room(out, NDC_VN_ROOM(in.len));
    if (room) out->len += ndc_vn_fold(room, in, level, NULL);
}

/* ---- case ---- */

enum casing { CASE_LOWER, CASE_UPPER, CASE_NAME };

static bool opens_word(uint32_t before)
{
    return before == ' ' || before == '-' || before == '.' || before == '(' ||
           before == '/' || before == ',' || before == '"' || is_apostrophe(before);
}

static size_t recase(char *out, struct ndc_str in, enum casing casing)
{
    size_t len = 0;
    uint32_t before = ' ';
    for (size_t i = 0; i < in.len;) {
        uint32_t code;
        i += ndc_utf8_decode(ndc_str_from(in, i), &code);
        if (code == NDC_UTF8_BAD) code = '?';
        const struct vn_latin *row = vn_latin_of(code);
        bool up = casing == CASE_UPPER || (casing == CASE_NAME && opens_word(before));
        before = code;
        if (row->lower) code = up ? row->upper : row->lower;
        len += ndc_utf8_encode(out + len, code);
    }
    return len;
}

size_t ndc_vn_lower(char *out, struct ndc_str in)
{
    return recase(out, in, CASE_LOWER);
}

size_t ndc_vn_upper(char *out, struct ndc_str in)
{
    return recase(out, in, CASE_UPPER);
}

size_t ndc_vn_name_case(char *out, struct ndc_str in)
{
    return recase(out, in, CASE_NAME);
}

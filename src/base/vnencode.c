/* Vietnamese encodings to UTF-8, a chunk at a time, and which one a file is in.
 *
 * windows-1258 is the vendor's table (windows-1252 with 16 changes, five of them
 * combining tones). TCVN3 is the ABC font set of TCVN 5712:1993: small letters with every
 * mark, capitals with ă â đ ê ô ơ ư only. VNI-Windows writes a vowel and then a byte for
 * its marks. None knows a composed capital with a tone except VNI. */
#include "base/utf8.h"
#include "base/vntext_internal.h"

enum { SAMPLE_MAX = 65536, CLUSTER_MAX = 4 };

static const char *const names[NDC_VN_ENCODING_COUNT] = {
    "utf-8", "utf-16le", "utf-16be", "windows-1258", "tcvn3", "vni"};

const char *ndc_vn_encoding_name(enum ndc_vn_encoding encoding)
{
    return encoding < NDC_VN_ENCODING_COUNT ? names[encoding] : "?";
}

bool ndc_vn_encoding_find(struct ndc_str name, enum ndc_vn_encoding *out)
{
    static const struct {
        const char *name;
        enum ndc_vn_encoding encoding;
    } aliases[] = {{"utf8", NDC_VN_UTF8},        {"ascii", NDC_VN_UTF8},
                   {"us-ascii", NDC_VN_UTF8},    {"utf-16", NDC_VN_UTF16LE},
                   {"utf16", NDC_VN_UTF16LE},    {"utf16le", NDC_VN_UTF16LE},
                   {"utf16be", NDC_VN_UTF16BE},  {"cp1258", NDC_VN_WINDOWS1258},
                   {"1258", NDC_VN_WINDOWS1258}, {"windows1258", NDC_VN_WINDOWS1258},
                   {"abc", NDC_VN_TCVN3},        {"tcvn-3", NDC_VN_TCVN3},
                   {"tcvn", NDC_VN_TCVN3},       {"vni-windows", NDC_VN_VNI}};
    for (int i = 0; i < NDC_VN_ENCODING_COUNT; i++) {
        if (!ndc_str_ieq(name, ndc_str(names[i]))) continue;
        *out = (enum ndc_vn_encoding)i;
        return true;
    }
    for (size_t i = 0; i < NDC_ARRAY_LEN(aliases); i++) {
        if (!ndc_str_ieq(name, ndc_str(aliases[i].name))) continue;
        *out = aliases[i].encoding;
        return true;
    }
    return false;
}

/* ---- tables: the code point of each byte from 0x80; 0: none ---- */

/* clang-format off: sixteen a row, as code pages are printed. */
static const uint16_t windows1258[128] = {
    0x20ac, 0,      0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021, 0x2c6,  0x2030,
    0,      0x2039, 0x152,  0,      0,      0,      0,      0x2018, 0x2019, 0x201c,
    0x201d, 0x2022, 0x2013, 0x2014, 0x2dc,  0x2122, 0,      0x203a, 0x153,  0,
    0,      0x178,  0xa0,   0xa1,   0xa2,   0xa3,   0xa4,   0xa5,   0xa6,   0xa7,
    0xa8,   0xa9,   0xaa,   0xab,   0xac,   0xad,   0xae,   0xaf,   0xb0,   0xb1,
    0xb2,   0xb3,   0xb4,   0xb5,   0xb6,   0xb7,   0xb8,   0xb9,   0xba,   0xbb,
    0xbc,   0xbd,   0xbe,   0xbf,   0xc0,   0xc1,   0xc2,   0x102,  0xc4,   0xc5,
    0xc6,   0xc7,   0xc8,   0xc9,   0xca,   0xcb,   0x300,  0xcd,   0xce,   0xcf,
    0x110,  0xd1,   0x309,  0xd3,   0xd4,   0x1a0,  0xd6,   0xd7,   0xd8,   0xd9,
    0xda,   0xdb,   0xdc,   0x1af,  0x303,  0xdf,   0xe0,   0xe1,   0xe2,   0x103,
    0xe4,   0xe5,   0xe6,   0xe7,   0xe8,   0xe9,   0xea,   0xeb,   0x301,  0xed,
    0xee,   0xef,   0x111,  0xf1,   0x323,  0xf3,   0xf4,   0x1a1,  0xf6,   0xf7,
    0xf8,   0xf9,   0xfa,   0xfb,   0xfc,   0x1b0,  0x20ab, 0xff,
};

#define V(vowel, tone) (uint8_t)(VN_##vowel << 3 | VN_##tone)
static const uint8_t tcvn3[128] = {
    /* a small vowel and its tone; others by code below */
    [0x28] = V(AW, LEVEL), [0x29] = V(AA, LEVEL), [0x2a] = V(EE, LEVEL),
    [0x2b] = V(OO, LEVEL), [0x2c] = V(OW, LEVEL), [0x2d] = V(UW, LEVEL),
    [0x35] = V(A, GRAVE),  [0x36] = V(A, HOOK),   [0x37] = V(A, TILDE),
    [0x38] = V(A, ACUTE),  [0x39] = V(A, DOT),    [0x3b] = V(AW, GRAVE),
    [0x3c] = V(AW, HOOK),  [0x3d] = V(AW, TILDE), [0x3e] = V(AW, ACUTE),
    [0x46] = V(AW, DOT),   [0x47] = V(AA, GRAVE), [0x48] = V(AA, HOOK),
    [0x49] = V(AA, TILDE), [0x4a] = V(AA, ACUTE), [0x4b] = V(AA, DOT),
    [0x4c] = V(E, GRAVE),  [0x4e] = V(E, HOOK),   [0x4f] = V(E, TILDE),
    [0x50] = V(E, ACUTE),  [0x51] = V(E, DOT),    [0x52] = V(EE, GRAVE),
    [0x53] = V(EE, HOOK),  [0x54] = V(EE, TILDE), [0x55] = V(EE, ACUTE),
    [0x56] = V(EE, DOT),   [0x57] = V(I, GRAVE),  [0x58] = V(I, HOOK),
    [0x5c] = V(I, TILDE),  [0x5d] = V(I, ACUTE),  [0x5e] = V(I, DOT),
    [0x5f] = V(O, GRAVE),  [0x61] = V(O, HOOK),   [0x62] = V(O, TILDE),
    [0x63] = V(O, ACUTE),  [0x64] = V(O, DOT),    [0x65] = V(OO, GRAVE),
    [0x66] = V(OO, HOOK),  [0x67] = V(OO, TILDE), [0x68] = V(OO, ACUTE),
    [0x69] = V(OO, DOT),   [0x6a] = V(OW, GRAVE), [0x6b] = V(OW, HOOK),
    [0x6c] = V(OW, TILDE), [0x6d] = V(OW, ACUTE), [0x6e] = V(OW, DOT),
    [0x6f] = V(U, GRAVE),  [0x71] = V(U, HOOK),   [0x72] = V(U, TILDE),
    [0x73] = V(U, ACUTE),  [0x74] = V(U, DOT),    [0x75] = V(UW, GRAVE),
    [0x76] = V(UW, HOOK),  [0x77] = V(UW, TILDE), [0x78] = V(UW, ACUTE),
    [0x79] = V(UW, DOT),   [0x7a] = V(Y, GRAVE),  [0x7b] = V(Y, HOOK),
    [0x7c] = V(Y, TILDE),  [0x7d] = V(Y, ACUTE),  [0x7e] = V(Y, DOT),
};
/* VNI's second byte, small (its capital is 0x20 less): how it marks the vowel before. The
 * first letter is the vowel that a circumflex or breve makes, for a; e and o take their
 * own. */
enum { VNI_HAT = 1, VNI_BREVE };
static const struct {
    uint8_t byte, mark, tone;
} vni_marks[] = {
    {0xf9, 0, VN_ACUTE},         {0xf8, 0, VN_GRAVE},         {0xfb, 0, VN_HOOK},
    {0xf5, 0, VN_TILDE},         {0xef, 0, VN_DOT},           {0xe2, VNI_HAT, VN_LEVEL},
    {0xe1, VNI_HAT, VN_ACUTE},   {0xe0, VNI_HAT, VN_GRAVE},   {0xe5, VNI_HAT, VN_HOOK},
    {0xe3, VNI_HAT, VN_TILDE},   {0xe4, VNI_HAT, VN_DOT},     {0xea, VNI_BREVE, VN_LEVEL},
    {0xe9, VNI_BREVE, VN_ACUTE}, {0xe8, VNI_BREVE, VN_GRAVE}, {0xfa, VNI_BREVE, VN_HOOK},
    {0xfc, VNI_BREVE, VN_TILDE}, {0xeb, VNI_BREVE, VN_DOT},
};
/* clang-format on */

/* ---- decoding: each takes one character, returns bytes taken, 0: more are needed ----
 */

static size_t take_utf16(struct ndc_str in, bool big, bool last, uint32_t *code)
{
    const unsigned char *p = (const unsigned char *)in.ptr;
    if (in.len < 2) {
        *code = NDC_UTF8_BAD;
        return last ? in.len : 0;
    }
    *code = (uint32_t)p[!big] << 8 | p[big];
    if (*code < 0xd800 || *code > 0xdfff) return 2;
    uint32_t high = *code;
    *code = NDC_UTF8_BAD;
    if (high > 0xdbff) return 2;
    if (in.len < 4) return last ? 2 : 0;
    uint32_t low = (uint32_t)p[2 + !big] << 8 | p[2 + big];
    if (low < 0xdc00 || low > 0xdfff) return 2;
    *code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    return 4;
}

static bool is_1258_mark(uint32_t code)
{
    return code >= 0x300 && code <= 0x323;
}

/* A letter and the combining tones after it, as code points. */
static size_t take_1258(struct ndc_str in, bool last, uint32_t code[CLUSTER_MAX],
                        unsigned *n)
{
    size_t i = 0;
    for (*n = 0; i < in.len && *n < CLUSTER_MAX; i++) {
        unsigned char byte = (unsigned char)in.ptr[i];
        uint32_t c = byte < 0x80 ? byte : windows1258[byte - 0x80];
        if (*n > 0 && !is_1258_mark(c)) return i;
        code[(*n)++] = c || byte == 0 ? c : NDC_UTF8_BAD;
        if (byte <= ' ') return i + 1; /* takes no mark */
    }
    return i < in.len || *n == CLUSTER_MAX || last ? i : 0;
}

static uint32_t tcvn3_code(unsigned char byte)
{
    static const uint16_t capitals[] = {0x102, 0xc2, 0xca, 0xd4, 0x1a0, 0x1af, 0x110};
    if (byte < 0x80) return byte;
    if (byte == 0xa0) return 0xa0;
    if (byte >= 0xa1 && byte <= 0xa7) return capitals[byte - 0xa1];
    if (byte == 0xae) return 0x111;
    uint8_t v = tcvn3[byte - 0x80];
    return v ? vn_vowel_code(v >> 3, v & 7, false) : NDC_UTF8_BAD;
}

/* The vowel after VNI's byte for its marks, or 0. */
static uint32_t vni_marked(struct vn_letter l, unsigned char byte)
{
    unsigned char low = byte | 0x20;
    if (byte < 0xc0 || l.tone) return 0;
    for (size_t i = 0; i < NDC_ARRAY_LEN(vni_marks); i++) {
        if (vni_marks[i].byte != low) continue;
        unsigned vowel = l.vowel, mark = vni_marks[i].mark;
        if (mark == VNI_HAT && vowel != VN_A && vowel != VN_E && vowel != VN_O) return 0;
        if (mark == VNI_BREVE && vowel != VN_A) return 0;
        if (mark == VNI_HAT)
            vowel = vowel == VN_A ? VN_AA : vowel + 1;
        else if (mark == VNI_BREVE)
            vowel = VN_AW;
        return vn_vowel_code(vowel, vni_marks[i].tone, l.upper);
    }
    return 0;
}

/* A byte that is a letter by itself. */
static uint32_t vni_single(unsigned char byte)
{
    bool upper = !(byte & 0x20);
    switch (byte | 0x20) {
    case 0xf1:
        return upper ? 0x110 : 0x111;
    case 0xf4:
        return vn_vowel_code(VN_OW, VN_LEVEL, upper);
    case 0xf6:
        return vn_vowel_code(VN_UW, VN_LEVEL, upper);
    case 0xed:
        return vn_vowel_code(VN_I, VN_ACUTE, upper);
    case 0xec:
        return vn_vowel_code(VN_I, VN_GRAVE, upper);
    case 0xe6:
        return vn_vowel_code(VN_I, VN_HOOK, upper);
    case 0xf3:
        return vn_vowel_code(VN_I, VN_TILDE, upper);
    case 0xf2:
        return vn_vowel_code(VN_I, VN_DOT, upper);
    case 0xee:
        return vn_vowel_code(VN_Y, VN_DOT, upper);
    default:
        return NDC_UTF8_BAD;
    }
}

static size_t take_vni(struct ndc_str in, bool last, uint32_t *code)
{
    unsigned char byte = (unsigned char)in.ptr[0];
    *code = byte;
    if (byte >= 0x80) {
        *code = byte == 0xa0                              ? 0xa0
                : byte < 0xc0 && windows1258[byte - 0x80] ? windows1258[byte - 0x80]
                                                          : vni_single(byte);
        if (*code == NDC_UTF8_BAD) return 1;
    }
    struct vn_letter l = vn_letter_of(*code);
    if (!l.vowel || l.tone) return 1;
    if (in.len < 2) return last ? 1 : 0;
    uint32_t marked = vni_marked(l, (unsigned char)in.ptr[1]);
    if (!marked) return 1;
    *code = marked;
    return 2;
}

static size_t take_utf8(struct ndc_str in, bool last, uint32_t *code)
{
    size_t n = ndc_utf8_decode(in, code);
    /* What is cut by the chunk's end may go on in the next. */
    if (*code == NDC_UTF8_BAD && n == in.len && n < 4 && !last &&
        (unsigned char)in.ptr[0] >= 0xc2 && (unsigned char)in.ptr[0] <= 0xf4)
        return 0;
    return n;
}

static size_t take_one(enum ndc_vn_encoding encoding, struct ndc_str in, bool last,
                       uint32_t code[CLUSTER_MAX], unsigned *n)
{
    *n = 1;
    switch (encoding) {
    case NDC_VN_UTF16LE:
    case NDC_VN_UTF16BE:
        return take_utf16(in, encoding == NDC_VN_UTF16BE, last, code);
    case NDC_VN_WINDOWS1258:
        return take_1258(in, last, code, n);
    case NDC_VN_TCVN3:
        code[0] = tcvn3_code((unsigned char)in.ptr[0]);
        return 1;
    case NDC_VN_VNI:
        return take_vni(in, last, code);
    default:
        return take_utf8(in, last, code);
    }
}

static void add_cluster(struct ndc_buf *out, const uint32_t *code, unsigned n)
{
    char raw[CLUSTER_MAX * 4], composed[NDC_VN_ROOM(CLUSTER_MAX * 4)];
    size_t len = 0;
    for (unsigned i = 0; i < n; i++)
        len += ndc_utf8_encode(raw + len, code[i]);
    if (n == 1)
        ndc_buf_add(out, raw, len);
    else
        ndc_buf_add(out, composed, ndc_vn_nfc(composed, ndc_str_n(raw, len), NULL));
}

/* Length of the ASCII run at the start: the same bytes in every 8-bit encoding here. */
static size_t ascii_run(struct ndc_str in)
{
    size_t i = 0;
    while (i < in.len && (unsigned char)in.ptr[i] < 0x80)
        i++;
    return i;
}

size_t ndc_vn_decode(struct ndc_buf *out, enum ndc_vn_encoding encoding,
                     struct ndc_str in, bool last, size_t *used)
{
    size_t i = 0, replaced = 0;
    bool wide = encoding == NDC_VN_UTF16LE || encoding == NDC_VN_UTF16BE;
    while (i < in.len) {
        uint32_t code[CLUSTER_MAX];
        unsigned n;
        if (!wide) {
            size_t run = ascii_run(ndc_str_from(in, i));
            if (encoding != NDC_VN_UTF8 && encoding != NDC_VN_TCVN3 && run > 0)
                run--; /* the last letter may take a mark */
            if (run > 0) ndc_buf_add(out, in.ptr + i, run);
            i += run;
            if (i == in.len) break;
        }
        size_t took = take_one(encoding, ndc_str_from(in, i), last, code, &n);
        if (took == 0) break;
        i += took;
        for (unsigned k = 0; k < n; k++) {
            if (code[k] != NDC_UTF8_BAD) continue;
            code[k] = 0xfffd;
            replaced++;
        }
        add_cluster(out, code, n);
    }
    *used = i;
    return replaced;
}

/* ---- detection ---- */

/* Words with a non-ASCII letter: how many are Vietnamese syllables, how many not. */
struct tally {
    long good, bad;
};

static void judge_word(struct tally *t, struct ndc_str word)
{
    struct vn_letter w[VN_WORD_MAX];
    struct vn_syllable y;
    unsigned n = 0, tones = 0, capitals_after_small = 0;
    bool ascii = true, known = true;
    for (size_t i = 0; i < word.len && n < VN_WORD_MAX; n++) {
        uint32_t code;
        i += ndc_utf8_decode(ndc_str_from(word, i), &code);
        w[n] = vn_letter_of(code);
        tones += w[n].tone != 0;
        capitals_after_small += n > 0 && w[n].upper && !w[n - 1].upper;
        if (code >= 0x80) ascii = false;
        if (code >= 0x80 && !w[n].vowel && code != 0x110 && code != 0x111) known = false;
    }
    if (ascii) return;
    if (known && tones <= 1 && vn_syllable_parse(&y, w, n)) {
        t->good += capitals_after_small ? 1 : 4;
        if (tones == 1 && !w[y.target].tone) t->good--; /* an odd place for it */
    } else {
        t->bad += 4;
    }
}

static long judge(enum ndc_vn_encoding encoding, struct ndc_str sample)
{
    struct ndc_buf text;
    struct tally t = {0, 0};
    size_t used, from = 0;
    ndc_buf_init(&text, (size_t)SAMPLE_MAX * 4);
    t.bad += (long)ndc_vn_decode(&text, encoding, sample, true, &used) * 4;
    for (size_t i = 0; i <= text.len; i++) {
        unsigned char c = i < text.len ? (unsigned char)text.ptr[i] : ' ';
        bool letter = c >= 0x80 || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (letter) continue;
        if (i > from) judge_word(&t, ndc_str_n(text.ptr + from, i - from));
        from = i + 1;
    }
    ndc_buf_free(&text);
    return t.good - 2 * t.bad;
}

static bool utf16_without_mark(struct ndc_str s, enum ndc_vn_encoding *out)
{
    size_t n = NDC_MIN(s.len, (size_t)4096) & ~(size_t)1, even = 0, odd = 0;
    for (size_t i = 0; i + 1 < n; i += 2) {
        even += s.ptr[i] == 0;
        odd += s.ptr[i + 1] == 0;
    }
    if (n < 8 || even + odd < n / 8) return false;
    *out = odd > even ? NDC_VN_UTF16LE : NDC_VN_UTF16BE;
    return true;
}

enum ndc_vn_encoding ndc_vn_detect(struct ndc_str s, size_t *bom_len, bool *certain)
{
    static const enum ndc_vn_encoding eight_bit[] = {NDC_VN_WINDOWS1258, NDC_VN_TCVN3,
                                                     NDC_VN_VNI};
    enum ndc_vn_encoding best = NDC_VN_UTF8;
    bool sure = true;
    *bom_len = 0;
    s.len = NDC_MIN(s.len, (size_t)SAMPLE_MAX);
    if (s.len >= 3 && memcmp(s.ptr, "\xef\xbb\xbf", 3) == 0) {
        *bom_len = 3;
    } else if (s.len >= 2 && memcmp(s.ptr, "\xff\xfe", 2) == 0) {
        *bom_len = 2;
        best = NDC_VN_UTF16LE;
    } else if (s.len >= 2 && memcmp(s.ptr, "\xfe\xff", 2) == 0) {
        *bom_len = 2;
        best = NDC_VN_UTF16BE;
    } else if (utf16_without_mark(s, &best)) {
        sure = false;
    } else {
        size_t valid = s.len; /* a letter may be cut by the sample's end */
        while (valid > 0 && s.len - valid < 3 && !ndc_utf8_valid(ndc_str_n(s.ptr, valid)))
            valid--;
        if (!ndc_utf8_valid(ndc_str_n(s.ptr, valid))) {
            long most = 0;
            sure = false;
            for (size_t i = 0; i < NDC_ARRAY_LEN(eight_bit); i++) {
                long score = judge(eight_bit[i], s);
                if (i > 0 && score <= most) continue;
                most = score;
                best = eight_bit[i];
            }
        }
    }
    if (certain) *certain = sure;
    return best;
}

/* See letter.h. Tables: Unicode; windows-1258 (Microsoft's code page, tones as combining
 * marks after the letter); TCVN 5712:1993 VN3, which has capitals for Ă Â Ê Ô Ơ Ư Đ only.
 */
#include "platforms/registry/demo/letter.h"

/* By vowel and tone; capitals follow small letters. */
static const uint16_t codes[2][DEMO_VOWELS][DEMO_TONES] = {
    {{'a', 0xe0, 0x1ea3, 0xe3, 0xe1, 0x1ea1},
     {0x103, 0x1eb1, 0x1eb3, 0x1eb5, 0x1eaf, 0x1eb7},
     {0xe2, 0x1ea7, 0x1ea9, 0x1eab, 0x1ea5, 0x1ead},
     {'e', 0xe8, 0x1ebb, 0x1ebd, 0xe9, 0x1eb9},
     {0xea, 0x1ec1, 0x1ec3, 0x1ec5, 0x1ebf, 0x1ec7},
     {'i', 0xec, 0x1ec9, 0x129, 0xed, 0x1ecb},
     {'o', 0xf2, 0x1ecf, 0xf5, 0xf3, 0x1ecd},
     {0xf4, 0x1ed3, 0x1ed5, 0x1ed7, 0x1ed1, 0x1ed9},
     {0x1a1, 0x1edd, 0x1edf, 0x1ee1, 0x1edb, 0x1ee3},
     {'u', 0xf9, 0x1ee7, 0x169, 0xfa, 0x1ee5},
     {0x1b0, 0x1eeb, 0x1eed, 0x1eef, 0x1ee9, 0x1ef1},
     {'y', 0x1ef3, 0x1ef7, 0x1ef9, 0xfd, 0x1ef5}},
    {{'A', 0xc0, 0x1ea2, 0xc3, 0xc1, 0x1ea0},
     {0x102, 0x1eb0, 0x1eb2, 0x1eb4, 0x1eae, 0x1eb6},
     {0xc2, 0x1ea6, 0x1ea8, 0x1eaa, 0x1ea4, 0x1eac},
     {'E', 0xc8, 0x1eba, 0x1ebc, 0xc9, 0x1eb8},
     {0xca, 0x1ec0, 0x1ec2, 0x1ec4, 0x1ebe, 0x1ec6},
     {'I', 0xcc, 0x1ec8, 0x128, 0xcd, 0x1eca},
     {'O', 0xd2, 0x1ece, 0xd5, 0xd3, 0x1ecc},
     {0xd4, 0x1ed2, 0x1ed4, 0x1ed6, 0x1ed0, 0x1ed8},
     {0x1a0, 0x1edc, 0x1ede, 0x1ee0, 0x1eda, 0x1ee2},
     {'U', 0xd9, 0x1ee6, 0x168, 0xda, 0x1ee4},
     {0x1af, 0x1eea, 0x1eec, 0x1eee, 0x1ee8, 0x1ef0},
     {'Y', 0x1ef2, 0x1ef6, 0x1ef8, 0xdd, 0x1ef4}}};
static const char plain_vowels[2][DEMO_VOWELS + 1] = {"aaaeeiooouuy", "AAAEEIOOOUUY"};

struct demo_letter demo_letter_of(uint32_t code)
{
    struct demo_letter letter = {0, 0, false};
    if (code > 0x1ef9) return letter;
    for (unsigned upper = 0; upper < 2; upper++) {
        for (unsigned v = 0; v < DEMO_VOWELS; v++) {
            for (unsigned t = 0; t < DEMO_TONES; t++) {
                if (codes[upper][v][t] == code) {
                    return (struct demo_letter){(uint8_t)(v + 1), (uint8_t)t, upper == 1};
                }
            }
        }
    }
    return letter;
}

uint32_t demo_letter_code(struct demo_letter letter)
{
    return codes[letter.upper][letter.vowel - 1][letter.tone];
}

enum change { UPPER, LOWER, PLAIN, TONELESS };

static uint32_t changed(uint32_t code, enum change how)
{
    if (code < 0x80) {
        if (how == UPPER && code >= 'a' && code <= 'z') return code - 32;
        if (how == LOWER && code >= 'A' && code <= 'Z') return code + 32;
        return code;
    }
    if (code == 0x110 || code == 0x111) {
        if (how == PLAIN) return code == 0x110 ? 'D' : 'd';
        return how == UPPER ? 0x110 : how == LOWER ? 0x111 : code;
    }
    struct demo_letter letter = demo_letter_of(code);
    if (letter.vowel == 0) return code;
    if (how == PLAIN) return (uint8_t)plain_vowels[letter.upper][letter.vowel - 1];
    if (how == TONELESS) letter.tone = 0;
    if (how == UPPER) letter.upper = true;
    if (how == LOWER) letter.upper = false;
    return demo_letter_code(letter);
}

static size_t change(char *out, struct ndc_str in, enum change how)
{
    size_t len = 0;
    while (in.len > 0) {
        uint32_t code;
        size_t n = ndc_utf8_decode(in, &code);
        len += ndc_utf8_encode(out + len, changed(code, how));
        in = ndc_str_from(in, n);
    }
    return len;
}

size_t demo_upper(char *out, struct ndc_str in)
{
    return change(out, in, UPPER);
}

size_t demo_lower(char *out, struct ndc_str in)
{
    return change(out, in, LOWER);
}

size_t demo_plain(char *out, struct ndc_str in)
{
    return change(out, in, PLAIN);
}

size_t demo_toneless(char *out, struct ndc_str in)
{
    return change(out, in, TONELESS);
}

void demo_encode_1258(struct ndc_buf *out, struct ndc_str in)
{
    static const uint8_t marks[DEMO_TONES] = {0, 0xcc, 0xd2, 0xde, 0xec, 0xf2};
    while (in.len > 0) {
        uint32_t code;
        in = ndc_str_from(in, ndc_utf8_decode(in, &code));
        struct demo_letter letter = {0, 0, false};
        if (code >= 0x80) letter = demo_letter_of(code);
        uint8_t mark = marks[letter.tone];
        letter.tone = 0;
        if (letter.vowel) code = demo_letter_code(letter);
        switch (code) {
        case 0x102:
            code = 0xc3;
            break;
        case 0x103:
            code = 0xe3;
            break;
        case 0x110:
            code = 0xd0;
            break;
        case 0x111:
            code = 0xf0;
            break;
        case 0x1a0:
            code = 0xd5;
            break;
        case 0x1a1:
            code = 0xf5;
            break;
        case 0x1af:
            code = 0xdd;
            break;
        case 0x1b0:
            code = 0xfd;
            break;
        default:
            break;
        }
        ndc_buf_add_byte(out, code < 0x100 ? (char)code : '?');
        if (mark) ndc_buf_add_byte(out, (char)mark);
    }
}

void demo_encode_tcvn3(struct ndc_buf *out, struct ndc_str in)
{
    static const uint8_t small[DEMO_VOWELS][DEMO_TONES] = {
        {'a', 0xb5, 0xb6, 0xb7, 0xb8, 0xb9},  {0xa8, 0xbb, 0xbc, 0xbd, 0xbe, 0xc6},
        {0xa9, 0xc7, 0xc8, 0xc9, 0xca, 0xcb}, {'e', 0xcc, 0xce, 0xcf, 0xd0, 0xd1},
        {0xaa, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6}, {'i', 0xd7, 0xd8, 0xdc, 0xdd, 0xde},
        {'o', 0xdf, 0xe1, 0xe2, 0xe3, 0xe4},  {0xab, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9},
        {0xac, 0xea, 0xeb, 0xec, 0xed, 0xee}, {'u', 0xef, 0xf1, 0xf2, 0xf3, 0xf4},
        {0xad, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9}, {'y', 0xfa, 0xfb, 0xfc, 0xfd, 0xfe}};
    static const uint8_t capital[DEMO_VOWELS] = {'A', 0xa1, 0xa2, 'E', 0xa3, 'I',
                                                 'O', 0xa4, 0xa5, 'U', 0xa6, 'Y'};
    while (in.len > 0) {
        uint32_t code;
        in = ndc_str_from(in, ndc_utf8_decode(in, &code));
        if (code >= 0x80) {
            struct demo_letter letter = demo_letter_of(code);
            if (letter.vowel && letter.upper && letter.tone == 0) {
                code = capital[letter.vowel - 1];
            } else if (letter.vowel) {
                code = small[letter.vowel - 1][letter.tone];
            } else {
                code = code == 0x110 ? 0xa7 : code == 0x111 ? 0xae : '?';
            }
        }
        ndc_buf_add_byte(out, (char)code);
    }
}

void demo_encode_utf16(struct ndc_buf *out, struct ndc_str in)
{
    while (in.len > 0) {
        uint32_t code;
        in = ndc_str_from(in, ndc_utf8_decode(in, &code));
        if (code > 0xffff) code = 0xfffd; /* nothing of ours is that high */
        ndc_buf_add_byte(out, (char)(code & 0xff));
        ndc_buf_add_byte(out, (char)(code >> 8));
    }
}

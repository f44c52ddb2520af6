/* Vietnamese letters as {vowel, tone, case}, for what clerks do to them: lost
 * and wrong tones, and the 8-bit encodings of old systems. Only encodes and spoils text:
 * reading and folding it is base/vntext. */
#ifndef NDC_REGISTRY_DEMO_LETTER_H
#define NDC_REGISTRY_DEMO_LETTER_H

#include "base/buf.h"
#include "base/utf8.h"

enum {
    DEMO_VOWELS = 12,
    DEMO_TONES = 6
}; /* tones: level, grave, hook, tilde, acute, dot */

struct demo_letter {
    uint8_t vowel; /* 1..12: a ă â e ê i o ô ơ u ư y; 0: no vowel */
    uint8_t tone;
    bool upper;
};

/* What a code point is; vowel 0 for all that is not a vowel. */
struct demo_letter demo_letter_of(uint32_t code);
uint32_t demo_letter_code(struct demo_letter letter);

/* Without tones and hats, letter case kept: "Đặng" gives "Dang". At most in.len bytes. */
size_t demo_plain(char *out, struct ndc_str in);

void demo_encode_1258(struct ndc_buf *out, struct ndc_str in);
void demo_encode_tcvn3(struct ndc_buf *out, struct ndc_str in);
void demo_encode_utf16(struct ndc_buf *out, struct ndc_str in);

#endif

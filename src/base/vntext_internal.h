/* Letters and syllables, shared by vntext.c, vnplain.c and vnencode.c
 * only. */
#ifndef NDC_BASE_VNTEXT_INTERNAL_H
#define NDC_BASE_VNTEXT_INTERNAL_H

#include "base/vntext.h"

enum vn_vowel {
    VN_A = 1,
    VN_AW,
    VN_AA,
    VN_E,
    VN_EE,
    VN_I,
    VN_O,
    VN_OO,
    VN_OW,
    VN_U,
    VN_UW,
    VN_Y
};
enum vn_tone { VN_LEVEL, VN_ACUTE, VN_GRAVE, VN_HOOK, VN_TILDE, VN_DOT };
enum { VN_WORD_MAX = 24, VN_SYLLABLE_MAX = 7 };

struct vn_letter {
    uint32_t code;       /* as read; of a vowel: its form without tone may differ */
    uint8_t vowel, tone; /* enum vn_vowel, 0 for other letters; enum vn_tone */
    bool upper;
};

/* Where the parts of a syllable lie: onset [0, vowel), rhyme's vowels [vowel, coda), coda
 * [coda, n). The u of qu and the i of gi before a vowel belong to the onset. */
struct vn_syllable {
    uint8_t vowel, coda;
    uint8_t target; /* the letter that bears the tone in the canonical style */
};

/* True if the letters can be one Vietnamese syllable (tones may be misplaced). */
bool vn_syllable_parse(struct vn_syllable *out, const struct vn_letter *w, unsigned n);

static inline bool vn_is_marked(unsigned vowel)
{
    return vowel == VN_AW || vowel == VN_AA || vowel == VN_EE || vowel == VN_OO ||
           vowel == VN_OW || vowel == VN_UW;
}

/* Latin letters: rows 0..0x24f, then 0x1e00..0x1eff. */
enum { VN_LATIN_ROWS = 0x350 };

struct vn_latin { /* zero: not a Latin letter */
    uint16_t lower, upper;
    uint8_t vowel, tone;
    char ascii[2];
};

extern const struct vn_latin vn_latin[VN_LATIN_ROWS];

static inline const struct vn_latin *vn_latin_of(uint32_t code)
{
    if (code < 0x250) return &vn_latin[code];
    if (code >= 0x1e00 && code < 0x1f00) return &vn_latin[code - 0x1e00 + 0x250];
    return &vn_latin[0];
}

/* vnplain.c: the same answers for text of composed letters, which is most of what there
 * is; VN_NOT_PLAIN for the rest (out and flags are then as before, out may be written).
 */
enum { VN_NOT_PLAIN = -1 };
ptrdiff_t vn_fold_plain(char *out, struct ndc_str in, unsigned level, unsigned *flags);
ptrdiff_t vn_clean_plain(char *out, struct ndc_str in, unsigned *flags);

/* y stands for i where it is a syllable's only vowel after a consonant, or follows qu. */
void vn_fold_y(struct vn_letter *w, unsigned n);

struct vn_letter vn_letter_of(uint32_t code);
/* Composed code point of a vowel. */
uint32_t vn_vowel_code(unsigned vowel, unsigned tone, bool upper);

#endif

/* Text: folding before comparison, and measures over bytes of folded text. */
#ifndef NDC_REGISTRY_LINK_TEXT_H
#define NDC_REGISTRY_LINK_TEXT_H

#include "base/buf.h"

double ndc_link_text_jaro_winkler(struct ndc_str a, struct ndc_str b);
/* Damerau-Levenshtein (optimal string alignment), `max` + 1 when over max. */
unsigned ndc_link_text_distance(struct ndc_str a, struct ndc_str b, unsigned max);
/* Soundex-like code of Latin text as a small number; 0 for no letters. */
uint64_t ndc_link_text_soundex(struct ndc_str s);
/* Splits at spaces into at most `max` tokens; returns their number. */
unsigned ndc_link_text_tokens(struct ndc_str s, struct ndc_str *out, unsigned max);
/* A word with its first eight bytes at hand: most comparisons end there. */
struct word {
    struct ndc_str text;
    uint64_t head;
};
unsigned ndc_link_text_words(struct ndc_str s, struct word *out, unsigned max);
static inline bool word_eq(const struct word *a, const struct word *b)
{
    return a->head == b->head && a->text.len == b->text.len &&
           (a->text.len <= 8 || memcmp(a->text.ptr, b->text.ptr, a->text.len) == 0);
}
/* Lower case, accents and tones dropped, everything but letters and digits to one
 * space.*/
void ndc_link_text_fold_plain(struct ndc_buf *out, struct ndc_str raw);
/* The same with y written i, for classes of names. */
void ndc_link_text_fold_class(struct ndc_buf *out, struct ndc_str raw);
/* Lower case NFC, tones kept, spaces collapsed. */
void ndc_link_text_fold_tones(struct ndc_buf *out, struct ndc_str raw);
/* White space trimmed and collapsed, ASCII lower case. */
void ndc_link_text_fold_code(struct ndc_buf *out, struct ndc_str raw);

#endif

/* Other spellings of a folded Vietnamese name: what is meant may be written as it sounds
 * where its writer lives, or with one letter wrong. The index knows names as they are; so
 * a query is asked in other spellings, and the index holds nothing for it. Syllables are
 * few, so only those that could be a word are spelt. */
#ifndef NDC_REGISTRY_SPELLING_H
#define NDC_REGISTRY_SPELLING_H

#include "base/str.h"

enum {
    NDC_SPELLING_MAX = 64,  /* other spellings of one word */
    NDC_SPELLING_BYTES = 12 /* of a word that has some, and of a spelling, with its 0 */
};

struct ndc_spellings {
    unsigned count;
    char items[NDC_SPELLING_MAX][NDC_SPELLING_BYTES];
};

/* Whether a folded word is a Vietnamese syllable without its tones and marks. */
bool ndc_spelling_is_syllable(struct ndc_str word);
/* Other spellings of a folded word: what sounds alike first, then the syllables at one
 * letter left out, added, changed, or two swapped. None of a word that is too long. */
void ndc_spelling_others(struct ndc_spellings *out, struct ndc_str word);
/* Whether two folded words sound alike in some part of the country. */
bool ndc_spelling_alike(struct ndc_str a, struct ndc_str b);

#endif

/* Inside names: words and what each means by itself. */
#ifndef NDC_REGISTRY_NORMALISE_NAME_H
#define NDC_REGISTRY_NORMALISE_NAME_H

#include "platforms/registry/normalise/normalise_internal.h"

enum { NAME_WORDS_MAX = 16 };

enum name_fact {
    NAME_SURNAME = 1,
    NAME_TITLE = 2,              /* of learning or office: no syllable */
    NAME_HONORIFIC = 4,          /* sir, madam, as written */
    NAME_HONORIFIC_TONELESS = 8, /* the same in a text without tones */
    NAME_KEEP_CASE = 16,         /* McDonald */
    NAME_CLAN_LAST = 32,         /* if words follow: Y, H' */
    NAME_COMPOUND = 128,         /* may be the first word of a compound surname */
    NAME_MAY_BE_NOTHING = 64     /* the first word of what is written for "nothing" */
};

/* First words of what ndc_norm_is_missing knows. */
#define NAME_NOTHING " n na null none nil nan khong chua unknown undefined trong ko bo "

struct name_word {
    struct ndc_str text, folded; /* as it is written out; without marks */
    unsigned facts;
};

struct name_words {
    unsigned n;
    struct name_word w[NAME_WORDS_MAX];
};

bool name_opens_compound(struct ndc_str folded);
bool name_one_of(struct ndc_str s, const char *words);
/* What a cleaned word means by itself. */
unsigned name_facts(struct ndc_str word, struct ndc_str folded);

/* Words known from before. */
struct name_memo;
struct name_memo *name_memo_new(void);
void name_memo_free(struct name_memo *memo);
/* Reads a name whose words, parted by spaces, can each be read by itself: Latin letters
 * only. False: it has others, read it as a whole. Texts live until the next call. */
bool name_words_again(struct name_words *out, unsigned *flags, struct name_memo *memo,
                      struct ndc_str raw);

#endif

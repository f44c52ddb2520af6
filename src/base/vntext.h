/* Vietnamese text: Unicode composition, canonical tone placement, folded keys for search
 * and matching, letter case, and the 8-bit encodings of old systems.
 *
 * Every function that takes `char *out` needs NDC_VN_ROOM(in.len) bytes there (moving a
 * tone can lengthen a word by one byte); out may not overlap in. They return the number
 * of bytes written, allocate nothing, keep no state, and accept any bytes: an invalid
 * UTF-8 sequence becomes one '?' and sets NDC_VN_INVALID.
 * The encodings, tables and rules: docs/normalisation.md. */
#ifndef NDC_BASE_VNTEXT_H
#define NDC_BASE_VNTEXT_H

#include "base/buf.h"

#define NDC_VN_ROOM(len) ((len) + (len) / 3 + 4)

/* What a text was found to hold; sets are ORed into *flags (which may be NULL). */
enum ndc_vn_flag {
    NDC_VN_TONES = 1,      /* has a tone mark: à ả ã á ạ on any vowel */
    NDC_VN_MARKS = 2,      /* has ă â đ ê ô ơ ư */
    NDC_VN_UPPER = 4,      /* has a capital */
    NDC_VN_LOWER = 8,      /* has a small letter */
    NDC_VN_DIGITS = 16,    /* has a digit */
    NDC_VN_FOREIGN = 32,   /* has a letter that is neither ASCII nor Vietnamese */
    NDC_VN_INVALID = 64,   /* had bytes that are not UTF-8 */
    NDC_VN_CONTROL = 128,  /* had control characters (dropped by clean and fold) */
    NDC_VN_HIDDEN = 256,   /* had zero-width or direction marks (dropped likewise) */
    NDC_VN_RETONED = 512,  /* a tone mark was moved to its canonical vowel */
    NDC_VN_COMPOSED = 1024 /* was not in NFC, or used a look-alike letter */
};

/* Composed form (NFC) of Vietnamese and other Latin letters: marks in any order, the old
 * tone marks U+0340 and U+0341, and look-alikes (eth U+00D0 for Đ). Nothing else
 * changes; text in other scripts is copied. */
size_t ndc_vn_nfc(char *out, struct ndc_str in, unsigned *flags);

/* NFC, and: white space (NBSP and kin too) as single spaces, none at the ends; no
 * zero-width, direction or control characters; tones on their canonical vowel (hoà ->
 * hòa, thuý -> thúy, hòan -> hoàn: the old style, as identity papers mostly write). */
size_t ndc_vn_clean(char *out, struct ndc_str in, unsigned *flags);

enum ndc_vn_fold {
    NDC_VN_FOLD_CASE = 0, /* small letters, tones and marks kept: "nguyễn thị thủy" */
    NDC_VN_FOLD_TONE = 1, /* tones dropped, ă â đ ê ô ơ ư kept: "nguyên thi thuy" */
    NDC_VN_FOLD_FULL = 2, /* ASCII only for Latin text: "nguyen thi thuy" */
    NDC_VN_FOLD_YI = 4 /* ORed in: y as i where both are written (lý/lí, quý/quí) */
};

/* Folded key: clean, small letters; apostrophes vanish, every other run of characters
 * that are neither letters nor digits is one space. Letters of other scripts are kept.
 * Keys are the same on every machine and in every release: they may be stored. */
size_t ndc_vn_fold(char *out, struct ndc_str in, unsigned level, unsigned *flags);
/* Appends the key. */
void ndc_vn_fold_add(struct ndc_buf *out, struct ndc_str in, unsigned level);

/* Letter case of cleaned text. Name case: the first letter of every word (after space,
 * hyphen, apostrophe within a name such as H'Hen, dot or bracket) is a capital, the rest
 * small. */
size_t ndc_vn_lower(char *out, struct ndc_str in);
size_t ndc_vn_upper(char *out, struct ndc_str in);
size_t ndc_vn_name_case(char *out, struct ndc_str in);

/* Whether the text is one word of composed Latin letters (1 to 24): such words can be
 * cleaned, folded and put into name case one by one, with the same result as together. */
bool ndc_vn_is_word(struct ndc_str s);

/* ---- encodings ---- */

enum ndc_vn_encoding {
    NDC_VN_UTF8,
    NDC_VN_UTF16LE,
    NDC_VN_UTF16BE,
    NDC_VN_WINDOWS1258, /* tones as combining characters after the vowel */
    NDC_VN_TCVN3,       /* ABC fonts (TCVN 5712:1993, third form): one byte a letter */
    NDC_VN_VNI,         /* VNI-Windows: vowel, then a byte for its marks */
    NDC_VN_ENCODING_COUNT
};

/* "utf-8", "utf-16le", "windows-1258", …; and back, also by common aliases. */
const char *ndc_vn_encoding_name(enum ndc_vn_encoding encoding);
bool ndc_vn_encoding_find(struct ndc_str name, enum ndc_vn_encoding *out);

/* Appends `in` as UTF-8 (composed for the 8-bit encodings) to out. A letter that may go
 * on in the next chunk is left over unless `last`: *used bytes were taken. Returns how
 * many characters were replaced by U+FFFD because the encoding has no such sequence.
 * For UTF-8 the bytes are copied, invalid sequences replaced. A byte order mark is not
 * removed (ndc_vn_detect gives its length). */
size_t ndc_vn_decode(struct ndc_buf *out, enum ndc_vn_encoding encoding,
                     struct ndc_str in, bool last, size_t *used);

/* The likeliest encoding of a sample (the first 64 KiB of a file are plenty), and the
 * length of its byte order mark. Certain for a BOM and for UTF-8 that has non-ASCII
 * letters; between windows-1258, TCVN3 and VNI it counts which gives Vietnamese
 * syllables. *certain may be NULL. */
enum ndc_vn_encoding ndc_vn_detect(struct ndc_str sample, size_t *bom_len, bool *certain);

#endif

/* Why a value was refused, and what was noticed about one that was taken. Reasons have a
 * stable code, Vietnamese and English texts, and one of the four criteria by which
 * Vietnamese practice judges data. */
#ifndef NDC_REGISTRY_NORMALISE_REASON_H
#define NDC_REGISTRY_NORMALISE_REASON_H

#include "base/str.h"

/* Đúng, đủ, sạch, sống. */
enum ndc_norm_criterion {
    NDC_NORM_CORRECT,
    NDC_NORM_COMPLETE,
    NDC_NORM_CLEAN,
    NDC_NORM_LIVE,
    NDC_NORM_CRITERION_COUNT
};

/* 0: the value is good. Numbers may change between releases; codes do not. */
enum ndc_norm_reason {
    NDC_NORM_OK = 0,
    NDC_NORM_MISSING, /* empty, or words that mean it ("N/A", "không có") */
    NDC_NORM_TOO_LONG,
    NDC_NORM_BAD_CHARACTERS, /* not UTF-8, control characters, or letters that do not
                                belong in such a value */
    NDC_NORM_NAME_DIGITS,
    NDC_NORM_NAME_NO_LETTERS,
    NDC_NORM_NAME_PLACEHOLDER, /* "Test", "aaaa", "Không tên" */
    NDC_NORM_DATE_FORM,        /* not a date in any form known */
    NDC_NORM_DATE_IMPOSSIBLE,  /* 30/02, 31/04, month 13 */
    NDC_NORM_DATE_ORDER,       /* exists only with day and month swapped */
    NDC_NORM_DATE_FUTURE,
    NDC_NORM_DATE_TOO_OLD,
    NDC_NORM_DATE_AMBIGUOUS, /* order "any", and both readings exist */
    NDC_NORM_ID_LENGTH,
    NDC_NORM_ID_CHARACTERS,
    NDC_NORM_ID_PROVINCE,      /* first three digits are no province of registration */
    NDC_NORM_ID_CENTURY,       /* century digit gives a birth year in the future */
    NDC_NORM_ID_SEX_MISMATCH,  /* cross-field: number and sex differ */
    NDC_NORM_ID_YEAR_MISMATCH, /* cross-field: number and birth year differ */
    NDC_NORM_ID_REPEATED,      /* 000000000, 111111111111, 123456789 */
    NDC_NORM_INSURANCE_FORM,
    NDC_NORM_TAX_CHECK_DIGIT,
    NDC_NORM_TAX_FORM,
    NDC_NORM_PLATE_FORM,
    NDC_NORM_PASSPORT_FORM,
    NDC_NORM_PHONE_FORM,
    NDC_NORM_PHONE_PREFIX, /* no such network or area code */
    NDC_NORM_EMAIL_FORM,
    NDC_NORM_SEX_UNKNOWN,
    NDC_NORM_ADDRESS_NO_UNIT,  /* no province or commune recognised */
    NDC_NORM_ADDRESS_CONFLICT, /* commune and province named do not belong together */
    NDC_NORM_UNIT_UNKNOWN,     /* structured: no unit of that name or code */
    NDC_NORM_GEOMETRY_FORM,    /* neither WKT nor GeoJSON */
    NDC_NORM_REASON_COUNT
};

struct ndc_norm_reason_info {
    const char *code; /* "date.impossible" */
    enum ndc_norm_criterion criterion;
    const char *vi, *en; /* for a person who can mend it */
};

/* Constant data; for NDC_NORM_OK too. */
const struct ndc_norm_reason_info *ndc_norm_reason_info(enum ndc_norm_reason reason);
/* False if no reason has that code. */
bool ndc_norm_reason_find(struct ndc_str code, enum ndc_norm_reason *out);

/* Bits of `flags` in every result. */
enum ndc_norm_flag {
    NDC_NORM_REPAIRED = 1 << 0,   /* mended: lost leading zero, O for 0, moved tone… */
    NDC_NORM_TONELESS = 1 << 1,   /* no Vietnamese mark at all: tones may be lost */
    NDC_NORM_PARTIAL = 1 << 2,    /* year or month only; province only */
    NDC_NORM_SWAPPABLE = 1 << 3,  /* day and month could be the other way round */
    NDC_NORM_SWAPPED = 1 << 4,    /* read with day and month swapped */
    NDC_NORM_SHORT_YEAR = 1 << 5, /* century guessed from a two-digit year */
    NDC_NORM_TITLE = 1 << 6,      /* an honorific was taken off */
    NDC_NORM_RECASED = 1 << 7,    /* all capitals or all small before */
    NDC_NORM_FOREIGN = 1 << 8,    /* no known Vietnamese surname in it */
    NDC_NORM_INITIALS = 1 << 9,   /* a part is one letter */
    NDC_NORM_CONVERTED = 1 << 10, /* old form brought to today's (11-digit mobile) */
    NDC_NORM_TYPO = 1 << 11,      /* matched a unit's name with one letter wrong */
    NDC_NORM_AMBIGUOUS = 1 << 12, /* several answers: look at the list */
    NDC_NORM_FORMER = 1 << 13,    /* a unit of before July 2025 was named */
    NDC_NORM_SPLIT = 1 << 14,     /* that unit became several */
    NDC_NORM_LOOKALIKE = 1 << 15, /* letters for digits, eth for Đ */
    NDC_NORM_LANDLINE = 1 << 16,
    NDC_NORM_ONE_WORD = 1 << 17 /* a name of one word */
};

#endif

/* Records: how a person becomes a row of a database, with what goes wrong on the way.
 * Shared by the generator's files only. */
#ifndef NDC_REGISTRY_DEMO_RECORD_H
#define NDC_REGISTRY_DEMO_RECORD_H

#include "platforms/registry/demo/nation.h"

/* Rows of one table under construction: plain values one after another. */
struct demo_rows {
    struct ndc_buf text;
    uint32_t *ends; /* where each field ends in text */
    size_t field_count, field_cap, row_count;
    unsigned columns;
};

void demo_rows_init(struct demo_rows *rows, unsigned columns);
void demo_rows_free(struct demo_rows *rows);
void demo_rows_reset(struct demo_rows *rows);
/* One more field. */
void demo_put(struct demo_rows *rows, const char *value);
void demo_put_n(struct demo_rows *rows, const char *ptr, size_t len);
void demo_put_u(struct demo_rows *rows, uint64_t value);
void demo_putf(struct demo_rows *rows, const char *format, ...) NDC_PRINTF(2, 3);
/* Checks that the row has all its columns. */
void demo_row_end(struct demo_rows *rows);

/* What went wrong in a record: bits, told in truth.csv. */
enum demo_fault {
    DEMO_NAME_TYPO,     /* a letter added, dropped, changed or swapped */
    DEMO_NAME_TONE,     /* a word with its tone lost or wrong */
    DEMO_NAME_TONELESS, /* all tones and hats gone, against the source's habit */
    DEMO_NAME_ORDER,    /* given name first */
    DEMO_NAME_SHORT,    /* a middle word dropped or an initial */
    DEMO_ID_MISSING,
    DEMO_ID_OLD,     /* the 9-digit number */
    DEMO_ID_DIGIT,   /* a digit misread or two swapped */
    DEMO_ID_WRONG,   /* another person's number */
    DEMO_BIRTH_SWAP, /* day and month */
    DEMO_BIRTH_DIGIT,
    DEMO_BIRTH_YEAR, /* year only, or 1 January for it */
    DEMO_BIRTH_MISSING,
    DEMO_SEX_WRONG,
    DEMO_PHONE_OLD,    /* a number given up since */
    DEMO_ADDRESS_OLD,  /* lived there before */
    DEMO_ADDRESS_UNIT, /* a unit of before July 2025 */
    DEMO_MARITAL_OLD,
    DEMO_DUPLICATE, /* the source holds the person twice */
    DEMO_FAULTS
};

extern const char *const demo_fault_names[DEMO_FAULTS];

/* How a source writes, and how often it errs, per 10,000 records. */
struct demo_habit {
    enum { DEMO_AS_WRITTEN, DEMO_CAPITALS, DEMO_CAPITALS_PLAIN } name_case;
    const char *date; /* d m Y and literals: "d/m/Y" */
    uint16_t years;   /* records are up to this old */
    bool units_now;   /* addresses were carried over to the units of July 2025 */
    bool abbreviates; /* "P. Bến Nghé, Q. 1, TP. Hồ Chí Minh" */
    uint16_t name_typo, name_tone, name_toneless, name_order, name_short;
    uint16_t id_missing, id_old, id_digit, id_wrong;
    uint16_t birth_swap, birth_digit, birth_year, birth_missing;
    uint16_t sex_wrong, phone_missing, address_missing, duplicate;
};

extern const struct demo_habit demo_habits[NDC_DEMO_SOURCES];

/* A record being written. */
struct demo_record {
    const struct demo_nation *nation;
    const struct demo_village *village;
    const struct demo_person *p;
    const struct demo_habit *habit;
    struct demo_rows *rows;
    unsigned table;
    enum ndc_demo_phase phase;
    uint64_t rng;
    int32_t day;     /* what the source knows is of this day */
    uint32_t faults; /* bits of enum demo_fault */
    char key[40];    /* the record's key, as truth.csv tells it */
};

/* Everything one worker makes for its part of the nation. */
struct demo_part {
    struct demo_rows rows[NDC_DEMO_TABLES];
    struct ndc_buf bytes[NDC_DEMO_TABLES];
    struct ndc_str *fields; /* of one table, made from rows when it is given out */
    size_t field_cap;
    uint64_t people, households;
    struct demo_village village;
};

/* All rows of a village, in every table wanted. */
void demo_emit_village(const struct demo_nation *nation, struct demo_part *part,
                       enum ndc_demo_phase phase);
void demo_emit_truth(struct demo_part *part, const struct demo_record *record,
                     uint64_t person, uint64_t organisation);

/* ---- noise.c: values as the source has them ---- */

bool demo_errs(struct demo_record *r, uint16_t per_10000, enum demo_fault fault);
/* A name with the source's habits and errors. */
void demo_noisy_name(struct demo_record *r, char out[static 2 * DEMO_NAME_BYTES + 8],
                     const char *surname, const char *middle, const char *given);
/* Names of relatives: the source's case, fewer errors. */
void demo_put_relative(struct demo_record *r, const char *name);
void demo_put_name(struct demo_record *r);
void demo_put_id(struct demo_record *r);
void demo_put_birth(struct demo_record *r);
void demo_put_date(struct demo_record *r, int32_t day);
void demo_put_phone(struct demo_record *r);
enum demo_marital demo_marital_known(struct demo_record *r);
bool demo_sex_known(struct demo_record *r); /* true: female */
/* One column: permanent or current address as known on r->day. */
void demo_put_address(struct demo_record *r, bool current);
void demo_put_unit_text(struct demo_record *r, struct demo_address address, bool street);
/* The number that another person, never of the nation, might have. */
void demo_stranger_id(struct demo_record *r, char out[static 13]);

/* Day-number of 1 July 2025, when the units changed. */
enum { DEMO_UNITS_CHANGED = 20270 };

/* ---- encode.c ---- */

void demo_encode(struct ndc_buf *out, const struct ndc_demo_table *table,
                 const struct demo_rows *rows);

#endif

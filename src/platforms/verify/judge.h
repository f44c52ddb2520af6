/* Verdicts: what a row says, against what the store knows.
 *
 * A bank learns how what it sent compares, and nothing that it did not send: the number
 * that replaced an old one only where policy lets its purpose have it, and whether a
 * person is dead or an account holder is frozen only where the name it sent is theirs. */
#ifndef NDC_VERIFY_JUDGE_H
#define NDC_VERIFY_JUDGE_H

#include "platforms/verify/projection.h"
#include "platforms/verify/sheet.h"

enum ndc_verdict {
    NDC_VERDICT_MATCH,
    NDC_VERDICT_MISMATCH,
    NDC_VERDICT_NOT_FOUND,
    NDC_VERDICT_DEAD, /* of an organisation: closed */
    NDC_VERDICT_REPLACED,
    NDC_VERDICT_FROZEN,
    NDC_VERDICT_DUPLICATE,
    NDC_VERDICT_INVALID,
    NDC_VERDICT_COUNT
};
const char *ndc_verdict_name(enum ndc_verdict verdict);

/* Fields at fault. */
enum ndc_fault_field {
    NDC_AT_ID = 1,
    NDC_AT_NAME = 2,
    NDC_AT_BIRTH = 4,
    NDC_AT_CHIP = 8,
    NDC_AT_REP_NAME = 16,
    NDC_AT_REP_ID = 32,
    NDC_AT_STATUS = 64,  /* policy does not let it be told what it is */
    NDC_AT_ACCOUNT = 128 /* a duplicate's; without it the whole row came before */
};

/* What was noticed on the way to a verdict. */
enum ndc_verdict_note {
    NDC_NOTE_TONELESS = 1,   /* names agree without tones; one has none */
    NDC_NOTE_ORDER = 2,      /* the name's words are in another order */
    NDC_NOTE_OTHER_NAME = 4, /* the name is a known other or short name */
    NDC_NOTE_BIRTH_PART = 8, /* year or month was compared, not the day */
    NDC_NOTE_UNCHECKED = 16, /* something that was sent could not be compared */
    NDC_NOTE_COUNT = 5
};

/* A row, ready to be compared: it tells nobody's data. Stored in watches. */
struct ndc_probe {
    uint64_t key, chip; /* chip 0: none sent */
    uint32_t name, plain, order;
    uint32_t birth; /* 0: not sent; of an organisation: representative's number */
    uint32_t rep_name;
    uint8_t organisation, toneless;
    uint8_t bad; /* enum ndc_sheet_bad */
    uint8_t spare;
};

/* reader: of ndc_people_ops. */
void ndc_probe_make(struct ndc_probe *out, const struct ndc_row *row,
                    const struct ndc_projection_key *key,
                    const struct ndc_people_ops *people, void *reader);

/* What policy lets this file's sender learn. */
struct ndc_judge_terms {
    bool status;            /* dead, frozen */
    bool new_id;            /* the number that replaced an old one */
    const uint64_t *frozen; /* entities frozen by order, sorted */
    size_t frozen_count;
};

struct ndc_judgement {
    uint8_t verdict, at, notes; /* enums above */
    bool has_new_id;
    char new_id[13];
};

void ndc_judge(struct ndc_judgement *out, const struct ndc_probe *probe,
               const struct ndc_projection *projection,
               const struct ndc_projection_key *key, const struct ndc_judge_terms *terms);

/* Appends "full_name birth_date" and "name_toneless" …, parted by spaces. */
void ndc_fault_fields_write(struct ndc_buf *out, unsigned at, bool organisation);
void ndc_notes_write(struct ndc_buf *out, unsigned notes);

#endif

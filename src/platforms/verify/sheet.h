/* Rows of a bank's file, cut from memory without copying: CSV with a header, or NDJSON.
 * Where a row begins and ends depends on the bytes from its beginning on and on nothing
 * else, so a file can be cut anywhere a row begins and read in parts. */
#ifndef NDC_VERIFY_SHEET_H
#define NDC_VERIFY_SHEET_H

#include "base/buf.h"
#include "base/error.h"

enum {
    NDC_SHEET_BYTES_MAX = 64 << 10, /* of one row */
    NDC_SHEET_COLUMNS_MAX = 64,
    NDC_SHEET_ACCOUNT_MAX = 40 /* bytes of an account number (an IBAN has 34) */
};

enum ndc_sheet_format { NDC_SHEET_CSV, NDC_SHEET_NDJSON };

/* Columns, named as the dictionary names them. */
enum ndc_sheet_column {
    NDC_COLUMN_ACCOUNT, /* bank_account */
    NDC_COLUMN_HOLDER,  /* holder: number of a joint account's holder; part of the account
                         */
    NDC_COLUMN_PERSON_ID,
    NDC_COLUMN_FULL_NAME,
    NDC_COLUMN_BIRTH_DATE,
    NDC_COLUMN_CHIP, /* chip_digest */
    NDC_COLUMN_ORG_ID,
    NDC_COLUMN_ORG_NAME,
    NDC_COLUMN_REP_NAME, /* legal_rep_name */
    NDC_COLUMN_REP_ID,   /* legal_rep_id */
    NDC_COLUMN_COUNT
};

struct ndc_sheet_shape {
    enum ndc_sheet_format format;
    char separator;                      /* of CSV: , ; or a tab */
    uint8_t columns;                     /* of CSV */
    uint8_t slot[NDC_SHEET_COLUMNS_MAX]; /* of each column; COLUMN_COUNT: unknown */
    size_t first;                        /* where the first row begins */
};

/* What is wrong with a row that cannot be checked. */
enum ndc_sheet_bad {
    NDC_SHEET_GOOD,
    NDC_SHEET_BAD_SYNTAX,  /* quotes, JSON */
    NDC_SHEET_BAD_LENGTH,  /* too long, or a quote that is never closed */
    NDC_SHEET_BAD_COLUMNS, /* more or fewer than the header has */
    NDC_SHEET_BAD_ACCOUNT,
    NDC_SHEET_BAD_NAME,
    NDC_SHEET_BAD_ID,
    NDC_SHEET_BAD_DATE,
    NDC_SHEET_BAD_CHIP,
    NDC_SHEET_BAD_COUNT
};
const char *ndc_sheet_bad_name(enum ndc_sheet_bad bad); /* "bad_account" */

struct ndc_row {
    struct ndc_str whole; /* without its line end */
    struct ndc_str value[NDC_COLUMN_COUNT];
    enum ndc_sheet_bad bad;
};

/* Looks at the beginning of a file: its format, its header. Faults: verify.empty,
 * verify.no_column (which, and what there is), verify.column_twice. */
enum ndc_err ndc_sheet_shape(struct ndc_sheet_shape *out, struct ndc_str file,
                             struct ndc_fault *fault) NDC_MUST_USE;
/* The row at *at, which moves on. False: the end. Blank lines are passed over. Texts
 * point into the file or into `scratch`, which is emptied first. */
bool ndc_sheet_next(struct ndc_row *row, size_t *at, const struct ndc_sheet_shape *shape,
                    struct ndc_str file, struct ndc_buf *scratch);
/* The account as it is compared: letters and digits, with the holder; its hash. */
uint64_t ndc_sheet_account_hash(const struct ndc_row *row);

#endif

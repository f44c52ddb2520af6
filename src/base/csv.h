/* RFC 4180 CSV, streamed: feed chunks of any size, take whole rows. Beyond the RFC it
 * accepts a UTF-8 byte order mark, LF, CRLF and CR line ends, and another separator. */
#ifndef NDC_BASE_CSV_H
#define NDC_BASE_CSV_H

#include "base/buf.h"
#include "base/error.h"

enum { NDC_CSV_COLUMNS_MAX = 4096 };

struct ndc_csv {
    char separator;       /* ',' unless set after init */
    bool skip_spaces;     /* drop spaces after a separator ("a, b"); off */
    size_t row_bytes_max; /* a longer row is an error; 1 MiB */

    /* The row last returned: fields are unescaped, valid until the next call. */
    struct ndc_str *fields;
    size_t field_count;
    struct ndc_str row;           /* its bytes, without the line end */
    uint64_t row_line;            /* 1-based line where the row begins */
    uint64_t row_offset, row_end; /* byte range of the row in the input, with line end */

    /* Private. */
    struct ndc_buf data; /* unread input */
    size_t at;           /* start of the unread part in data */
    size_t scanned;      /* bytes after `at` already searched for a row's end */
    bool scan_quoted;    /* state of that search: inside quotes */
    bool scan_lines;     /* it met line ends inside quotes */
    size_t field_cap;
    uint64_t line, offset;
    bool bom_checked, ended;
    struct ndc_buf unescaped;
};

void ndc_csv_init(struct ndc_csv *csv);
void ndc_csv_free(struct ndc_csv *csv);
/* Adds input. Copies it. */
void ndc_csv_feed(struct ndc_csv *csv, const void *ptr, size_t len);
/* No more input will come: the last row may lack its line end. */
void ndc_csv_end(struct ndc_csv *csv);
/* NDC_OK with *have set if a whole row stands in fields, not set if more input is needed
 * (or, after ndc_csv_end, all is read). Blank lines are skipped. A row that is too long,
 * has text after a closing quote, or is cut inside quotes at the end gives NDC_EINPUT
 * with line and reason; the row is passed over and the next call goes on after it. */
enum ndc_err ndc_csv_next(struct ndc_csv *csv, bool *have,
                          struct ndc_fault *fault) NDC_MUST_USE;

/* Appends one field to a row being written, quoted when it has to be. */
void ndc_csv_write_field(struct ndc_buf *out, struct ndc_str value, bool first);
/* Ends the row with CRLF as the RFC says. */
void ndc_csv_write_end(struct ndc_buf *out);

#endif

/* CSV in two steps: find where the row ends (a byte scan that knows only quotes), then
 * cut it into fields. Fields without quotes point into the input; others are copied
 * unescaped. */
#include "base/csv.h"

#include "base/scan.h"

enum { ROW_BYTES_MAX_DEFAULT = 1 << 20 };

void ndc_csv_init(struct ndc_csv *csv)
{
    *csv = (struct ndc_csv){.separator = ',', .row_bytes_max = ROW_BYTES_MAX_DEFAULT};
    ndc_buf_init(&csv->data, SIZE_MAX / 4);
    ndc_buf_init(&csv->unescaped, SIZE_MAX / 4);
    csv->line = 1;
}

void ndc_csv_free(struct ndc_csv *csv)
{
    ndc_buf_free(&csv->data);
    ndc_buf_free(&csv->unescaped);
    free(csv->fields);
    csv->fields = NULL;
}

void ndc_csv_feed(struct ndc_csv *csv, const void *ptr, size_t len)
{
    NDC_ASSERT(!csv->ended);
    if (csv->at) {
        memmove(csv->data.ptr, csv->data.ptr + csv->at, csv->data.len - csv->at);
        csv->data.len -= csv->at;
        csv->at = 0;
    }
    ndc_buf_add(&csv->data, ptr, len);
}

void ndc_csv_end(struct ndc_csv *csv)
{
    csv->ended = true;
}

static void skip_bom(struct ndc_csv *csv)
{
    size_t left = csv->data.len - csv->at;
    if (csv->bom_checked || (left < 3 && !csv->ended)) return;
    csv->bom_checked = true;
    if (left >= 3 && memcmp(csv->data.ptr + csv->at, "\xef\xbb\xbf", 3) == 0) {
        csv->at += 3;
        csv->offset += 3;
    }
}

/* Length of the row at `at` with its line end, or 0 if it is not all here. *text is its
 * length without the line end. */
static size_t find_row_end(struct ndc_csv *csv, size_t *text)
{
    const char *p = csv->data.ptr + csv->at;
    size_t left = csv->data.len - csv->at, i = csv->scanned;
    bool quoted = csv->scan_quoted;
    for (;; i++) {
        i = (size_t)(ndc_scan_three(p + i, p + left, '"', '\n', '\r') - p);
        if (i == left) break;
        char c = p[i];
        if (c == '"') {
            quoted = !quoted;
        } else if (quoted) {
            csv->scan_lines = true;
        } else if (c == '\n') {
            *text = i;
            return i + 1;
        } else {
            if (i + 1 == left && !csv->ended) break;
            *text = i;
            return i + 1 < left && p[i + 1] == '\n' ? i + 2 : i + 1;
        }
    }
    csv->scanned = i;
    csv->scan_quoted = quoted;
    *text = left;
    return csv->ended ? left : 0;
}

static struct ndc_str *add_field(struct ndc_csv *csv)
{
    if (csv->field_count == csv->field_cap) {
        csv->field_cap = csv->field_cap ? csv->field_cap * 2 : 32;
        csv->fields = ndc_xrealloc(csv->fields, csv->field_cap * sizeof(*csv->fields));
    }
    return &csv->fields[csv->field_count++];
}

/* A quoted field at p (after its opening quote). Returns the position after the closing
 * quote, or NULL if it never closes. */
static const char *take_quoted(struct ndc_csv *csv, const char *p, const char *end,
                               struct ndc_str *field)
{
    const char *start = p;
    const char *quote = memchr(p, '"', (size_t)(end - p));
    if (!quote) return NULL;
    if (quote + 1 == end || quote[1] != '"') {
        *field = ndc_str_n(start, (size_t)(quote - start));
        return quote + 1;
    }
    size_t from = csv->unescaped.len; /* room for the whole row was made beforehand */
    while (quote + 1 < end && quote[1] == '"') {
        ndc_buf_add(&csv->unescaped, p, (size_t)(quote + 1 - p));
        p = quote + 2;
        quote = memchr(p, '"', (size_t)(end - p));
        if (!quote) return NULL;
    }
    ndc_buf_add(&csv->unescaped, p, (size_t)(quote - p));
    *field = ndc_str_n(csv->unescaped.ptr + from, csv->unescaped.len - from);
    return quote + 1;
}

static enum ndc_err cut_fields(struct ndc_csv *csv, const char *p, size_t len,
                               struct ndc_fault *fault)
{
    const char *end = p + len, *limit = csv->data.ptr + csv->data.len;
    unsigned line = (unsigned)csv->row_line;
    csv->field_count = 0;
    ndc_buf_reset(&csv->unescaped);
    (void)ndc_buf_room(&csv->unescaped, len); /* so that fields never move */
    for (;;) {
        if (csv->field_count >= NDC_CSV_COLUMNS_MAX)
            return ndc_fail_at(fault, NDC_EINPUT, "csv.columns", "", line,
                               "line %u has more than %d columns", line,
                               NDC_CSV_COLUMNS_MAX);
        struct ndc_str *field = add_field(csv);
        while (csv->skip_spaces && p < end && *p == ' ')
            p++;
        if (p < end && *p == '"') {
            p = take_quoted(csv, p + 1, end, field);
            if (!p)
                return ndc_fail_at(fault, NDC_EINPUT, "csv.unclosed_quote", "", line,
                                   "the quoted field that begins in the row at line %u "
                                   "is never closed",
                                   line);
            if (p < end && *p != csv->separator)
                return ndc_fail_at(fault, NDC_EINPUT, "csv.after_quote", "", line,
                                   "line %u: text after a closing quote; write a quote "
                                   "inside a quoted field as \"\"",
                                   line);
        } else {
            const char *sep = ndc_scan_byte(p, end, limit, csv->separator);
            *field = ndc_str_n(p, (size_t)(sep - p));
            p = sep;
        }
        if (p == end) return NDC_OK;
        p++;
    }
}

static uint64_t count_lines(const char *p, size_t len)
{
    uint64_t lines = 0;
    for (size_t i = 0; i < len; i++)
        if (p[i] == '\n' || (p[i] == '\r' && (i + 1 == len || p[i + 1] != '\n'))) lines++;
    return lines;
}

/* Forgets everything buffered of a row that is too long, and goes on at the next line
 * end: what remains of the row is then reported as rows of their own or passes as one. */
static enum ndc_err drop_long_row(struct ndc_csv *csv, struct ndc_fault *fault)
{
    const char *p = csv->data.ptr + csv->at;
    size_t left = csv->data.len - csv->at;
    unsigned line = (unsigned)csv->line;
    const char *newline = memchr(p, '\n', left);
    size_t drop = newline ? (size_t)(newline - p) + 1 : left;
    csv->line += count_lines(p, drop);
    csv->at += drop;
    csv->offset += drop;
    csv->scanned = 0;
    csv->scan_quoted = csv->scan_lines = false;
    return ndc_fail_at(
        fault, NDC_EINPUT, "csv.row_too_long", "", line,
        "the row at line %u is longer than %zu bytes; an unclosed quote is "
        "the usual cause",
        line, csv->row_bytes_max);
}

enum ndc_err ndc_csv_next(struct ndc_csv *csv, bool *have, struct ndc_fault *fault)
{
    *have = false;
    skip_bom(csv);
    if (!csv->bom_checked) return NDC_OK;
    for (;;) {
        size_t left = csv->data.len - csv->at, text;
        if (left == 0) return NDC_OK;
        size_t whole = find_row_end(csv, &text);
        if ((whole ? whole : left) > csv->row_bytes_max) return drop_long_row(csv, fault);
        if (whole == 0) return NDC_OK;
        const char *row = csv->data.ptr + csv->at;
        csv->row_line = csv->line;
        csv->row_offset = csv->offset;
        csv->at += whole;
        csv->offset += whole;
        csv->row_end = csv->offset;
        csv->row = ndc_str_n(row, text);
        csv->line += csv->scan_lines ? count_lines(row, whole) : whole > text;
        csv->scanned = 0;
        csv->scan_quoted = csv->scan_lines = false;
        if (text == 0) continue;
        enum ndc_err err = cut_fields(csv, row, text, fault);
        *have = err == NDC_OK;
        return err;
    }
}

void ndc_csv_write_field(struct ndc_buf *out, struct ndc_str value, bool first)
{
    if (!first) ndc_buf_add_byte(out, ',');
    bool quote = false;
    for (size_t i = 0; i < value.len && !quote; i++) {
        char c = value.ptr[i];
        quote = c == '"' || c == ',' || c == '\n' || c == '\r';
    }
    if (value.len && (value.ptr[0] == ' ' || value.ptr[value.len - 1] == ' '))
        quote = true;
    if (!quote) {
        ndc_buf_add_str(out, value);
        return;
    }
    ndc_buf_add_byte(out, '"');
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == '"') ndc_buf_add_byte(out, '"');
        ndc_buf_add_byte(out, value.ptr[i]);
    }
    ndc_buf_add_byte(out, '"');
}

void ndc_csv_write_end(struct ndc_buf *out)
{
    ndc_buf_add(out, "\r\n", 2);
}

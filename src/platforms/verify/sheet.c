/* Rows of a bank's file (sheet.h). */
#include "platforms/verify/sheet.h"

#include "base/hash.h"
#include "base/jsonrow.h"
#include "base/scan.h"

enum { ACCOUNT_SEED = 0x766572, MEMBERS_MAX = NDC_SHEET_COLUMNS_MAX };

static const char *const names[NDC_COLUMN_COUNT] = {
    "bank_account", "holder", "person_id", "full_name",      "birth_date",
    "chip_digest",  "org_id", "org_name",  "legal_rep_name", "legal_rep_id"};

const char *ndc_sheet_bad_name(enum ndc_sheet_bad bad)
{
    static const char *const words[NDC_SHEET_BAD_COUNT] = {
        "",         "bad_syntax", "bad_length", "bad_columns", "bad_account",
        "bad_name", "bad_id",     "bad_date",   "bad_chip"};
    NDC_ASSERT((size_t)bad < NDC_ARRAY_LEN(words));
    return words[bad];
}

static uint8_t column_of(struct ndc_str name)
{
    for (unsigned i = 0; i < NDC_COLUMN_COUNT; i++)
        if (ndc_str_ieq(name, ndc_str(names[i]))) return (uint8_t)i;
    return NDC_COLUMN_COUNT;
}

/* ---- where a row ends ---- */

static const char *line_end(const char *p, const char *end)
{
    const char *newline = memchr(p, '\n', (size_t)(end - p));
    return newline ? newline : end;
}

/* The line feed that ends the row, or `end`; *closed: no quote is left open. Looks at no
 * more than a row may have. */
static const char *row_end(const char *p, const char *end, bool csv, bool *closed)
{
    const char *limit =
        (size_t)(end - p) > NDC_SHEET_BYTES_MAX ? p + NDC_SHEET_BYTES_MAX : end;
    bool quoted = false;
    *closed = true;
    if (!csv) {
        const char *at = line_end(p, limit);
        *closed = at < limit || limit == end;
        return *closed ? at : line_end(limit, end);
    }
    for (const char *at = p;; at++) {
        at = ndc_scan_three(at, limit, '"', '\n', '\n');
        if (at == limit) break;
        if (*at == '"')
            quoted = !quoted;
        else if (!quoted)
            return at;
    }
    if (limit == end && !quoted) return end;
    /* Too long, or open: only this line is lost. */
    *closed = false;
    return line_end(p, end);
}

static bool blank(struct ndc_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] != ' ' && s.ptr[i] != '\t') return false;
    return true;
}

/* ---- CSV ---- */

/* A quoted field behind its first quote: NULL if it is not well formed. */
static const char *take_quoted(struct ndc_str *field, const char *p, const char *end,
                               struct ndc_buf *scratch)
{
    const char *quote = memchr(p, '"', (size_t)(end - p));
    size_t from = scratch->len;
    if (!quote) return NULL;
    if (quote + 1 == end || quote[1] != '"') {
        *field = ndc_str_n(p, (size_t)(quote - p));
        return quote + 1;
    }
    while (quote && quote + 1 < end && quote[1] == '"') {
        ndc_buf_add(scratch, p, (size_t)(quote + 1 - p));
        p = quote + 2;
        quote = memchr(p, '"', (size_t)(end - p));
    }
    if (!quote) return NULL;
    ndc_buf_add(scratch, p, (size_t)(quote - p));
    *field = ndc_str_n(scratch->ptr + from, scratch->len - from);
    return quote + 1;
}

/* Cuts the fields of a row; -1: not well formed, else how many. */
static int cut_csv(struct ndc_str fields[NDC_SHEET_COLUMNS_MAX], struct ndc_str row,
                   char separator, struct ndc_buf *scratch)
{
    const char *p = row.ptr, *end = row.ptr + row.len;
    int n = 0;
    ndc_buf_reset(scratch);
    (void)ndc_buf_room(scratch, row.len); /* so that fields never move */
    for (;;) {
        struct ndc_str field;
        if (n == NDC_SHEET_COLUMNS_MAX) return -1;
        if (p < end && *p == '"') {
            p = take_quoted(&field, p + 1, end, scratch);
            if (!p || (p < end && *p != separator)) return -1;
        } else {
            const char *at = ndc_scan_byte(p, end, end, separator);
            field = ndc_str_n(p, (size_t)(at - p));
            p = at;
        }
        fields[n++] = field;
        if (p == end) return n;
        p++;
    }
}

static void read_csv(struct ndc_row *row, const struct ndc_sheet_shape *shape,
                     struct ndc_buf *scratch)
{
    struct ndc_str fields[NDC_SHEET_COLUMNS_MAX];
    int n = cut_csv(fields, row->whole, shape->separator, scratch);
    if (n < 0) {
        row->bad = NDC_SHEET_BAD_SYNTAX;
        return;
    }
    if (n != shape->columns) row->bad = NDC_SHEET_BAD_COLUMNS;
    for (int i = 0; i < n && i < shape->columns; i++)
        if (shape->slot[i] < NDC_COLUMN_COUNT)
            row->value[shape->slot[i]] = ndc_str_trim(fields[i]);
}

static void read_json(struct ndc_row *row, struct ndc_buf *scratch)
{
    struct ndc_json_member members[MEMBERS_MAX];
    size_t n = 0;
    if (ndc_json_row_parse(members, MEMBERS_MAX, &n, row->whole, scratch, NULL)) {
        row->bad = NDC_SHEET_BAD_SYNTAX;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        uint8_t slot = column_of(members[i].key);
        if (slot == NDC_COLUMN_COUNT || members[i].kind == NDC_JSON_ROW_NULL) continue;
        /* A number has lost its zeros already, or will. */
        if (members[i].kind != NDC_JSON_ROW_STRING)
            row->bad = NDC_SHEET_BAD_SYNTAX;
        else
            row->value[slot] = ndc_str_trim(members[i].value);
    }
}

bool ndc_sheet_next(struct ndc_row *row, size_t *at, const struct ndc_sheet_shape *shape,
                    struct ndc_str file, struct ndc_buf *scratch)
{
    const char *end = file.ptr + file.len;
    while (*at < file.len) {
        const char *p = file.ptr + *at;
        bool closed;
        const char *stop = row_end(p, end, shape->format == NDC_SHEET_CSV, &closed);
        size_t len = (size_t)(stop - p);
        *at += len + (stop < end);
        if (len && p[len - 1] == '\r') len--;
        if (blank(ndc_str_n(p, NDC_MIN(len, (size_t)NDC_SHEET_BYTES_MAX)))) continue;
        *row = (struct ndc_row){.whole = ndc_str_n(p, len)};
        if (!closed)
            row->bad = NDC_SHEET_BAD_LENGTH;
        else if (shape->format == NDC_SHEET_CSV)
            read_csv(row, shape, scratch);
        else
            read_json(row, scratch);
        return true;
    }
    return false;
}

/* ---- header ---- */

static char separator_of(struct ndc_str header)
{
    static const char candidates[] = ",;\t";
    size_t best = 0;
    char found = ',';
    for (size_t i = 0; candidates[i]; i++) {
        size_t n = 0;
        for (size_t k = 0; k < header.len; k++)
            n += header.ptr[k] == candidates[i];
        if (n > best) {
            best = n;
            found = candidates[i];
        }
    }
    return found;
}

static enum ndc_err read_header(struct ndc_sheet_shape *out, struct ndc_str header,
                                struct ndc_fault *fault)
{
    struct ndc_str fields[NDC_SHEET_COLUMNS_MAX];
    struct ndc_buf scratch;
    bool has[NDC_COLUMN_COUNT + 1] = {false};
    enum ndc_err err = NDC_OK;
    ndc_buf_init(&scratch, NDC_SHEET_BYTES_MAX * 2);
    out->separator = separator_of(header);
    int n = cut_csv(fields, header, out->separator, &scratch);
    if (n < 0)
        err = ndc_fail(fault, NDC_EINPUT, "verify.header",
                       "the header cannot be read, or has more than %d columns",
                       NDC_SHEET_COLUMNS_MAX);
    for (int i = 0; i < n && !err; i++) {
        uint8_t slot = out->slot[i] = column_of(ndc_str_trim(fields[i]));
        if (slot < NDC_COLUMN_COUNT && has[slot])
            err = ndc_fail_at(fault, NDC_EINPUT, "verify.column_twice", names[slot], 1,
                              "the header names the column %s twice", names[slot]);
        has[slot] = true;
    }
    if (n > 0) out->columns = (uint8_t)n;
    if (!err && !has[NDC_COLUMN_ACCOUNT])
        err = ndc_fail_at(fault, NDC_EINPUT, "verify.no_column", "bank_account", 1,
                          "the header has no column bank_account; a file has the columns "
                          "bank_account, full_name, person_id, birth_date, or for "
                          "organisations org_id, org_name, legal_rep_name, legal_rep_id");
    bool person = has[NDC_COLUMN_PERSON_ID] && has[NDC_COLUMN_FULL_NAME];
    bool firm = has[NDC_COLUMN_ORG_ID] && has[NDC_COLUMN_ORG_NAME];
    if (!err && !person && !firm)
        err = ndc_fail_at(fault, NDC_EINPUT, "verify.no_column", "person_id", 1,
                          "the header needs person_id and full_name, or org_id and "
                          "org_name");
    ndc_buf_free(&scratch);
    return err;
}

enum ndc_err ndc_sheet_shape(struct ndc_sheet_shape *out, struct ndc_str file,
                             struct ndc_fault *fault)
{
    bool closed;
    *out = (struct ndc_sheet_shape){.separator = ','};
    if (ndc_str_starts(file, NDC_STR("\xef\xbb\xbf"))) out->first = 3;
    while (out->first < file.len && strchr(" \t\r\n", file.ptr[out->first]))
        out->first++;
    if (out->first >= file.len)
        return ndc_fail(fault, NDC_EINPUT, "verify.empty", "the file is empty");
    const char *p = file.ptr + out->first, *end = file.ptr + file.len;
    if (*p == '{') {
        out->format = NDC_SHEET_NDJSON;
        return NDC_OK;
    }
    const char *stop = row_end(p, end, true, &closed);
    size_t len = (size_t)(stop - p);
    out->first += len + (stop < end);
    if (len && p[len - 1] == '\r') len--;
    if (!closed || len > NDC_SHEET_BYTES_MAX)
        return ndc_fail(fault, NDC_EINPUT, "verify.header",
                        "the first line is no header of a CSV file");
    return read_header(out, ndc_str_n(p, len), fault);
}

uint64_t ndc_sheet_account_hash(const struct ndc_row *row)
{
    char text[NDC_SHEET_ACCOUNT_MAX];
    size_t n = 0;
    struct ndc_str account = row->value[NDC_COLUMN_ACCOUNT];
    for (size_t i = 0; i < account.len && n < sizeof(text); i++) {
        char c = account.ptr[i];
        if (c >= 'a' && c <= 'z') c = (char)(c - 32);
        if (c != ' ' && c != '-' && c != '.') text[n++] = c;
    }
    uint64_t h = ndc_hash_str(ndc_str_n(text, n), ACCOUNT_SEED);
    struct ndc_str holder = row->value[NDC_COLUMN_HOLDER];
    return holder.len ? ndc_hash_join(h, ndc_hash_str(holder, ACCOUNT_SEED)) : h;
}

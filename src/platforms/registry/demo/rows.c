/* Rows under construction, and their form in a file: CSV in several dialects and
 * encodings, or NDJSON. */
#include "base/csv.h"
#include "base/json.h"
#include "platforms/registry/demo/letter.h"
#include "platforms/registry/demo/record.h"

#include <stdarg.h>

enum { ROWS_BYTES_MAX = 1 << 30 };

void demo_rows_init(struct demo_rows *rows, unsigned columns)
{
    memset(rows, 0, sizeof(*rows));
    ndc_buf_init(&rows->text, ROWS_BYTES_MAX);
    rows->columns = columns;
}

void demo_rows_free(struct demo_rows *rows)
{
    ndc_buf_free(&rows->text);
    free(rows->ends);
}

void demo_rows_reset(struct demo_rows *rows)
{
    ndc_buf_reset(&rows->text);
    rows->field_count = rows->row_count = 0;
}

void demo_put_n(struct demo_rows *rows, const char *ptr, size_t len)
{
    ndc_buf_add(&rows->text, ptr, len);
    if (rows->field_count == rows->field_cap) {
        rows->field_cap = rows->field_cap ? rows->field_cap * 2 : 4096;
        rows->ends = ndc_xrealloc(rows->ends, rows->field_cap * sizeof(*rows->ends));
    }
    rows->ends[rows->field_count++] = (uint32_t)rows->text.len;
}

void demo_put(struct demo_rows *rows, const char *value)
{
    demo_put_n(rows, value, strlen(value));
}

void demo_put_u(struct demo_rows *rows, uint64_t value)
{
    ndc_buf_add_u64(&rows->text, value);
    demo_put_n(rows, NULL, 0);
}

/* The few conversions that rows use (%s %.Ns %.*s %c %d %u %llu with width and zeros):
 * printf's own took over half of the generator's time. */
struct conversion {
    bool zero, wide, star; /* star: the precision is an argument */
    int width, precision;  /* precision -1: none */
    char letter;
};

static const char *parse_number(int *out, const char *format)
{
    for (*out = 0; *format >= '0' && *format <= '9'; format++) {
        *out = *out * 10 + *format - '0';
    }
    return format;
}

static const char *parse_conversion(struct conversion *c, const char *format)
{
    *c = (struct conversion){.precision = -1, .zero = *format == '0'};
    format = parse_number(&c->width, format);
    if (*format == '.') {
        c->star = format[1] == '*';
        format = c->star ? format + 2 : parse_number(&c->precision, format + 1);
    }
    for (; *format == 'l'; format++) {
        c->wide = true;
    }
    c->letter = *format;
    return format + 1;
}

static struct ndc_str convert_number(char out[static 24], const struct conversion *c,
                                     int64_t value)
{
    size_t at = 24;
    uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;
    do {
        out[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    while (c->zero && at > 1 && (int)(24 - at) < c->width) {
        out[--at] = '0';
    }
    if (value < 0) out[--at] = '-';
    return ndc_str_n(out + at, 24 - at);
}

/* clang-tidy 14 loses sight of the callers' va_start.
 * NOLINTBEGIN(clang-analyzer-valist.Uninitialized) */
static size_t format_into(char *out, size_t cap, const char *format, va_list args)
{
    size_t len = 0;
    while (*format) {
        char number[24];
        struct conversion c;
        struct ndc_str piece = ndc_str_n(format, strcspn(format, "%"));
        format += piece.len;
        if (piece.len == 0) {
            format = parse_conversion(&c, format + 1);
            if (c.star) c.precision = va_arg(args, int);
            if (c.letter == 's') {
                const char *text = va_arg(args, const char *);
                size_t most = c.precision >= 0 ? (size_t)c.precision : SIZE_MAX;
                piece = ndc_str_n(text, strnlen(text, most));
            } else if (c.letter == 'c') {
                number[0] = (char)va_arg(args, int);
                piece = ndc_str_n(number, 1);
            } else if (c.letter == 'd') {
                piece = convert_number(number, &c, va_arg(args, int));
            } else if (c.wide) {
                piece = convert_number(number, &c, va_arg(args, long long));
            } else {
                NDC_ASSERT(c.letter == 'u');
                piece = convert_number(number, &c, va_arg(args, unsigned));
            }
        }
        size_t n = NDC_MIN(piece.len, cap - 1 - len);
        memcpy(out + len, piece.ptr, n);
        len += n;
    }
    out[len] = 0;
    return len;
}
/* NOLINTEND(clang-analyzer-valist.Uninitialized) */

void demo_putf(struct demo_rows *rows, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    size_t n = format_into(text, sizeof(text), format, args);
    va_end(args);
    NDC_ASSERT(n < sizeof(text) - 1);
    demo_put_n(rows, text, n);
}

size_t demo_text(char *out, size_t cap, const char *format, ...)
{
    NDC_ASSERT(cap > 0);
    va_list args;
    va_start(args, format);
    size_t n = format_into(out, cap, format, args);
    va_end(args);
    return n;
}

void demo_row_end(struct demo_rows *rows)
{
    rows->row_count++;
    NDC_ASSERT(rows->field_count == rows->row_count * rows->columns);
}

static bool needs_quotes(const char *ptr, size_t len, char separator)
{
    for (size_t i = 0; i < len; i++) {
        char c = ptr[i];
        if (c == separator || c == '"' || c == '\n' || c == '\r') return true;
    }
    return false;
}

static void csv_field(struct ndc_buf *out, const struct ndc_demo_table *table,
                      struct ndc_str value)
{
    if (!table->quote_all && !needs_quotes(value.ptr, value.len, table->separator)) {
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

static void csv_line(struct ndc_buf *out, const struct ndc_demo_table *table,
                     const struct ndc_str *values)
{
    for (unsigned i = 0; i < table->column_count; i++) {
        if (i > 0) ndc_buf_add_byte(out, table->separator);
        csv_field(out, table, values[i]);
    }
    if (table->crlf) ndc_buf_add_byte(out, '\r');
    ndc_buf_add_byte(out, '\n');
}

static void json_line(struct ndc_buf *out, const struct ndc_demo_table *table,
                      const struct ndc_str *values)
{
    struct ndc_json json;
    ndc_json_init(&json, out);
    ndc_json_object(&json);
    for (unsigned i = 0; i < table->column_count; i++) {
        if (values[i].len > 0) ndc_json_kv_str(&json, table->columns[i], values[i]);
    }
    ndc_json_end(&json);
    ndc_buf_add_byte(out, '\n');
}

static void transcode(struct ndc_buf *out, enum ndc_demo_encoding encoding,
                      struct ndc_str utf8)
{
    switch (encoding) {
    case NDC_DEMO_UTF8:
    case NDC_DEMO_UTF8_BOM:
        ndc_buf_add_str(out, utf8);
        break;
    case NDC_DEMO_UTF16:
        demo_encode_utf16(out, utf8);
        break;
    case NDC_DEMO_WINDOWS1258:
        demo_encode_1258(out, utf8);
        break;
    case NDC_DEMO_TCVN3:
        demo_encode_tcvn3(out, utf8);
        break;
    }
}

void demo_encode(struct ndc_buf *out, const struct ndc_demo_table *table,
                 const struct demo_rows *rows)
{
    if (table->format == NDC_DEMO_SQLITE) return;
    NDC_ASSERT(rows->columns == table->column_count);
    struct ndc_buf line;
    ndc_buf_init(&line, 1 << 20);
    bool direct =
        table->encoding == NDC_DEMO_UTF8 || table->encoding == NDC_DEMO_UTF8_BOM;
    struct ndc_buf *to = direct ? out : &line;
    struct ndc_str values[NDC_DEMO_COLUMNS_MAX];
    uint32_t start = 0;
    for (size_t row = 0, field = 0; row < rows->row_count; row++) {
        for (unsigned i = 0; i < rows->columns; i++, field++) {
            values[i] = ndc_str_n(rows->text.ptr + start, rows->ends[field] - start);
            start = rows->ends[field];
        }
        if (table->format == NDC_DEMO_NDJSON) {
            json_line(to, table, values);
        } else {
            csv_line(to, table, values);
        }
        if (!direct) {
            transcode(out, table->encoding, ndc_buf_str(&line));
            ndc_buf_reset(&line);
        }
    }
    ndc_buf_free(&line);
}

void ndc_demo_header(struct ndc_buf *out, enum ndc_demo_table_id id)
{
    const struct ndc_demo_table *table = ndc_demo_table(id);
    if (table->format != NDC_DEMO_CSV) return;
    if (table->encoding == NDC_DEMO_UTF8_BOM) ndc_buf_add(out, "\xef\xbb\xbf", 3);
    if (table->encoding == NDC_DEMO_UTF16) ndc_buf_add(out, "\xff\xfe", 2);
    struct ndc_str names[NDC_DEMO_COLUMNS_MAX];
    for (unsigned i = 0; i < table->column_count; i++) {
        names[i] = ndc_str(table->columns[i]);
    }
    struct ndc_buf line;
    ndc_buf_init(&line, 1 << 16);
    csv_line(&line, table, names);
    transcode(out, table->encoding, ndc_buf_str(&line));
    ndc_buf_free(&line);
}

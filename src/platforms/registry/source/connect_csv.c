/* CSV files: the header names the columns; a row with another number of fields is bad. */
#include "platforms/registry/source/connect_internal.h"

#include "base/utf8.h"

#include <stdio.h>

static enum ndc_err next_raw(struct ndc_connect *c, bool *have, struct ndc_fault *fault)
{
    struct ndc_csv *csv = c->state;
    for (;;) {
        enum ndc_err err = ndc_csv_next(csv, have, fault);
        if (err || *have || csv->ended) return err;
        struct ndc_str chunk;
        if ((err = ndc_connect_read(c, &chunk, fault))) return err;
        if (chunk.len == 0)
            ndc_csv_end(csv);
        else
            ndc_csv_feed(csv, chunk.ptr, chunk.len);
    }
}

static enum ndc_err check_row(struct ndc_connect *c, const struct ndc_csv *csv,
                              struct ndc_fault *fault)
{
    unsigned line = (unsigned)csv->row_line;
    if (csv->field_count != c->column_count)
        return ndc_fail_at(fault, NDC_EINPUT, "row.columns", "", line,
                           "line %u has %zu fields, the header has %zu", line,
                           csv->field_count, c->column_count);
    if (c->source->encoding != NDC_ENC_UTF8) return NDC_OK;
    /* Fields are parted by ASCII: the row is valid if they all are. */
    if ((unsigned char)csv->separator < 0x80 && ndc_utf8_valid(csv->row)) return NDC_OK;
    for (size_t i = 0; i < csv->field_count; i++)
        if (!ndc_utf8_valid(csv->fields[i]))
            return ndc_fail_at(fault, NDC_EINPUT, "row.encoding", c->columns[i].ptr, line,
                               "line %u, column \"%s\": not valid UTF-8", line,
                               c->columns[i].ptr);
    return NDC_OK;
}

/* The row's text again, for the quarantine: fields as they were cut, joined. */
static struct ndc_str raw_row(struct ndc_connect *c, const struct ndc_csv *csv)
{
    ndc_buf_reset(&c->utf8);
    for (size_t i = 0; i < csv->field_count; i++)
        ndc_csv_write_field(&c->utf8, csv->fields[i], i == 0);
    return ndc_buf_str(&c->utf8);
}

static enum ndc_err csv_next(struct ndc_connect *c, struct ndc_connect_row *row,
                             bool *have, struct ndc_fault *fault)
{
    struct ndc_csv *csv = c->state;
    enum ndc_err err = next_raw(c, have, fault);
    if (err == NDC_EINPUT && fault) row->line = fault->line;
    if (err || !*have) return err;
    row->line = csv->row_line;
    row->values = csv->fields;
    row->count = csv->field_count;
    err = check_row(c, csv, fault);
    if (err) {
        *have = false;
        row->raw = raw_row(c, csv);
    }
    return err;
}

static void csv_close(struct ndc_connect *c)
{
    ndc_csv_free(c->state);
    free(c->state);
}

static const struct ndc_connect_ops csv_ops = {csv_next, csv_close};

enum ndc_err ndc_connect_csv_open(struct ndc_connect *c, struct ndc_fault *fault)
{
    bool have = false;
    enum ndc_err err = ndc_connect_file_open(c, fault);
    if (err) return err;
    struct ndc_csv *csv = ndc_xmalloc(sizeof(*csv));
    ndc_csv_init(csv);
    csv->separator = c->source->separator;
    csv->skip_spaces = c->source->skip_spaces;
    c->state = csv;
    c->ops = &csv_ops;
    if ((err = next_raw(c, &have, fault))) return err;
    if (!have)
        return ndc_fail(fault, NDC_EINPUT, "source.no_header",
                        "%s is empty: expected a header row with the column names",
                        c->path);
    c->column_count = csv->field_count;
    c->columns = NDC_ARENA_ARRAY(&c->arena, struct ndc_str, c->column_count);
    for (size_t i = 0; i < c->column_count; i++) {
        c->columns[i] = ndc_arena_str(&c->arena, ndc_str_trim(csv->fields[i]));
        for (size_t k = 0; k < i; k++)
            if (ndc_str_eq(c->columns[k], c->columns[i]))
                return ndc_fail(fault, NDC_EINPUT, "source.column_twice",
                                "%s: the header names column \"%.*s\" twice", c->path,
                                NDC_STR_FMT(c->columns[i]));
    }
    return NDC_OK;
}

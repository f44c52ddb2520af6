/* NDJSON: one object a line, from a file or from memory. Members that the declaration
 * does not name are passed over; a repeated member is a bad row. */
#include "platforms/registry/source/connect_internal.h"

#include "base/jsonrow.h"

enum { LINE_BYTES_MAX = 1 << 20 };

struct ndjson {
    struct ndc_buf data, scratch; /* unread input; unescaped texts */
    size_t at;
    uint64_t line;
    bool ended, bom_checked;
    unsigned next_column; /* where the last row's members matched: they come in order */
    struct ndc_json_member members[NDC_SOURCE_COLUMNS_MAX * 2];
};

static void add_column(struct ndc_connect *c, struct ndc_str name)
{
    if (name.len == 0 || ndc_connect_column(c, name) >= 0) return;
    c->columns[c->column_count++] = name;
}

void ndc_connect_declare_columns(struct ndc_connect *c)
{
    const struct ndc_source *s = c->source;
    size_t most =
        NDC_SOURCE_KEY_MAX + 2 + (size_t)NDC_SOURCE_COLUMNS_MAX * NDC_SOURCE_JOINED_MAX;
    c->columns = NDC_ARENA_ARRAY(&c->arena, struct ndc_str, most + c->first_count);
    for (size_t i = 0; i < c->first_count; i++)
        add_column(c, ndc_arena_str(&c->arena, c->first[i]));
    for (unsigned i = 0; i < s->field_count; i++)
        for (unsigned k = 0; k < s->fields[i].column_count; k++)
            add_column(c, s->fields[i].columns[k]);
    for (unsigned i = 0; i < s->key_count; i++)
        add_column(c, s->key[i]);
    add_column(c, s->op_column);
    add_column(c, s->time_column);
    c->values = ndc_xcalloc(c->column_count, sizeof(*c->values));
}

/* A line without its end, or false at the end of the input. */
static enum ndc_err next_line(struct ndc_connect *c, struct ndc_str *line, bool *have,
                              struct ndc_fault *fault)
{
    struct ndjson *n = c->state;
    size_t scanned = 0;
    *have = false;
    for (;;) {
        char *from = n->data.ptr ? n->data.ptr + n->at : NULL;
        size_t left = n->data.len - n->at;
        char *end = left > scanned ? memchr(from + scanned, '\n', left - scanned) : NULL;
        if (end || (n->ended && left)) {
            size_t len = end ? (size_t)(end - from) : left;
            n->at += len + (end != NULL);
            n->line++;
            *line = ndc_str_n(from, len);
            *have = true;
            return NDC_OK;
        }
        if (n->ended) return NDC_OK;
        /* Of a line that is too long its head is kept, for the complaint. */
        if (!c->in_memory && left > LINE_BYTES_MAX + 1) {
            left = LINE_BYTES_MAX + 1;
            n->data.len = n->at + left;
        }
        scanned = left;
        struct ndc_str chunk = c->memory;
        if (c->in_memory) {
            c->memory = NDC_STR_NULL;
        } else {
            enum ndc_err err = ndc_connect_read(c, &chunk, fault);
            if (err) return err;
        }
        if (n->at) {
            memmove(n->data.ptr, from, left);
            n->data.len = left;
            n->at = 0;
        }
        if (chunk.len == 0) n->ended = true;
        ndc_buf_add_str(&n->data, chunk);
        if (n->data.failed)
            return ndc_fail(fault, NDC_EIO, "source.line_too_long",
                            "%s: a line of over %zu bytes", c->path, n->data.bytes_max);
    }
}

static enum ndc_err place_members(struct ndc_connect *c, size_t count, unsigned line,
                                  struct ndc_fault *fault)
{
    struct ndjson *n = c->state;
    memset(c->values, 0, c->column_count * sizeof(*c->values));
    size_t column = 0;
    for (size_t i = 0; i < count; i++) {
        const struct ndc_json_member *m = &n->members[i];
        size_t tried = 0;
        while (tried < c->column_count && !ndc_str_eq(c->columns[column], m->key)) {
            column = column + 1 == c->column_count ? 0 : column + 1;
            tried++;
        }
        if (tried == c->column_count) continue;
        if (c->values[column].ptr)
            return ndc_fail_at(
                fault, NDC_EINPUT, "row.duplicate_member", c->columns[column].ptr, line,
                "line %u: \"%.*s\" stands twice", line, NDC_STR_FMT(m->key));
        if (m->kind != NDC_JSON_ROW_NULL) c->values[column] = m->value;
        if (!c->values[column].ptr) c->values[column] = NDC_STR_NULL;
        column = column + 1 == c->column_count ? 0 : column + 1;
    }
    return NDC_OK;
}

static enum ndc_err ndjson_next(struct ndc_connect *c, struct ndc_connect_row *row,
                                bool *have, struct ndc_fault *fault)
{
    struct ndjson *n = c->state;
    struct ndc_str line;
    size_t count;
    enum ndc_err err;
    bool too_long;
    do {
        if ((err = next_line(c, &line, have, fault)) || !*have) return err;
        if (!n->bom_checked && ndc_str_starts(line, NDC_STR("\xef\xbb\xbf")))
            line = ndc_str_from(line, 3);
        n->bom_checked = true;
        too_long = line.len > LINE_BYTES_MAX;
        line = ndc_str_trim(line);
    } while (line.len == 0);
    row->line = n->line;
    row->raw = line;
    *have = false;
    if (too_long)
        return ndc_fail_at(fault, NDC_EINPUT, "row.too_long", "", (unsigned)n->line,
                           "line %u is longer than 1 MiB", (unsigned)n->line);
    err = ndc_json_row_parse(n->members, NDC_ARRAY_LEN(n->members), &count, line,
                             &n->scratch, fault);
    if (!err) err = place_members(c, count, (unsigned)n->line, fault);
    if (err) {
        if (fault) fault->line = (unsigned)n->line;
        return NDC_EINPUT;
    }
    row->values = c->values;
    row->count = c->column_count;
    *have = true;
    return NDC_OK;
}

static void ndjson_close(struct ndc_connect *c)
{
    struct ndjson *n = c->state;
    ndc_buf_free(&n->data);
    ndc_buf_free(&n->scratch);
    free(n);
}

static const struct ndc_connect_ops ndjson_ops = {ndjson_next, ndjson_close};

enum ndc_err ndc_connect_ndjson_open(struct ndc_connect *c, struct ndc_fault *fault)
{
    if (!c->in_memory) {
        enum ndc_err err = ndc_connect_file_open(c, fault);
        if (err) return err;
    } else {
        c->total = c->memory.len;
        c->path = "the batch";
    }
    struct ndjson *n = ndc_xcalloc(1, sizeof(*n));
    ndc_buf_init(&n->data, c->in_memory ? SIZE_MAX / 4 : 16 << 20);
    ndc_buf_init(&n->scratch, 4 << 20);
    c->state = n;
    c->ops = &ndjson_ops;
    ndc_connect_declare_columns(c);
    return NDC_OK;
}

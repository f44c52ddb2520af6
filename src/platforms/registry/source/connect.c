/* Connectors: one struct with a small table of functions each. Files are read in chunks,
 * turned into UTF-8, and cut into rows; the file's size and time are compared at the end
 * with those at the beginning, so a file that changed under us is never half taken. */
#include "platforms/registry/source/connect_internal.h"

#include "sys/file.h"

#include <stdio.h>

enum { RAW_BYTES_MAX = 4096 };

enum ndc_err ndc_connect_missing_column(const struct ndc_connect *c, struct ndc_str name,
                                        unsigned line, struct ndc_fault *fault)
{
    const char *names[NDC_CSV_COLUMNS_MAX];
    struct ndc_arena arena;
    ndc_arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < c->column_count; i++)
        names[i] = ndc_arena_cstr(&arena, c->columns[i]);
    const char *near = ndc_str_nearest(name, names, c->column_count);
    char at[48] = "";
    if (line) snprintf(at, sizeof(at), "line %u of the declaration: ", line);
    enum ndc_err err =
        ndc_fail_at(fault, NDC_EINPUT, "source.no_column", "column", line,
                    "%sthe source has no column \"%.*s\"%s%s%s", at, NDC_STR_FMT(name),
                    near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    ndc_arena_free(&arena);
    return err;
}

enum ndc_err ndc_connect_check_columns(const struct ndc_connect *c,
                                       struct ndc_fault *fault)
{
    const struct ndc_source *s = c->source;
    for (unsigned i = 0; i < s->key_count; i++)
        if (ndc_connect_column(c, s->key[i]) < 0)
            return ndc_connect_missing_column(c, s->key[i], 0, fault);
    for (unsigned i = 0; i < s->field_count; i++)
        for (unsigned k = 0; k < s->fields[i].column_count; k++)
            if (ndc_connect_column(c, s->fields[i].columns[k]) < 0)
                return ndc_connect_missing_column(c, s->fields[i].columns[k],
                                                  s->fields[i].line, fault);
    if (s->op_column.len && ndc_connect_column(c, s->op_column) < 0)
        return ndc_connect_missing_column(c, s->op_column, s->op_line, fault);
    if (s->time_column.len && ndc_connect_column(c, s->time_column) < 0)
        return ndc_connect_missing_column(c, s->time_column, s->time_line, fault);
    return NDC_OK;
}

static struct ndc_connect *new_connect(const struct ndc_source *source)
{
    struct ndc_connect *c = ndc_xcalloc(1, sizeof(*c));
    c->source = source;
    c->reader.fd = -1;
    ndc_arena_init(&c->arena, 8 << 20);
    ndc_buf_init(&c->utf8, 64 << 20);
    return c;
}

/* A source's own database that fails is the source's fault: only our database's ends
 * the whole integration. */
static enum ndc_err as_source(const struct ndc_connect *c, enum ndc_err err,
                              struct ndc_fault *fault)
{
    bool postgres = c->source->connector == NDC_CONNECT_POSTGRES;
    if (err != NDC_EDB || (c->source->connector != NDC_CONNECT_SQLITE && !postgres))
        return err;
    struct ndc_fault why = fault ? *fault : (struct ndc_fault){0};
    if (fault) *fault = (struct ndc_fault){0};
    return ndc_fail(fault, NDC_EIO, postgres ? "source.postgres" : "source.sqlite",
                    "%s%stable \"%.*s\": %s", postgres ? "" : c->path,
                    postgres ? "" : ", ", NDC_STR_FMT(c->source->table), why.message);
}

enum ndc_err ndc_connect_open(struct ndc_connect **out, const struct ndc_source *source,
                              const char *path, struct ndc_fault *fault)
{
    struct ndc_connect *c = new_connect(source);
    enum ndc_err err;
    if (!path) path = source->path.ptr ? source->path.ptr : "";
    c->path = ndc_arena_cstr(&c->arena, ndc_str(path));
    switch (source->connector) {
    case NDC_CONNECT_SQLITE:
        err = as_source(c, ndc_connect_sqlite_open(c, fault), fault);
        break;
    case NDC_CONNECT_POSTGRES:
        err = as_source(c, ndc_connect_postgres_open(c, fault), fault);
        break;
    case NDC_CONNECT_CHANGES:
        err = ndc_fail(fault, NDC_EINPUT, "source.followed",
                       "source %.*s takes change files as they come, it has no file to "
                       "load",
                       NDC_STR_FMT(source->id));
        break;
    case NDC_CONNECT_NDJSON:
        err = ndc_connect_ndjson_open(c, fault);
        break;
    case NDC_CONNECT_CSV:
        err = ndc_connect_csv_open(c, fault);
        break;
    default:
        err = ndc_fail(fault, NDC_EINPUT, "source.push",
                       "source %.*s takes pushed records, it has no file to load",
                       NDC_STR_FMT(source->id));
    }
    if (!err) err = ndc_connect_check_columns(c, fault);
    if (err) {
        ndc_connect_close(c);
        c = NULL;
    }
    *out = c;
    return err;
}

enum ndc_err ndc_connect_memory(struct ndc_connect **out, const struct ndc_source *source,
                                struct ndc_str ndjson, const struct ndc_str *columns,
                                size_t n, struct ndc_fault *fault)
{
    struct ndc_connect *c = new_connect(source);
    c->memory = ndjson;
    c->in_memory = true;
    c->first = columns;
    c->first_count = n;
    enum ndc_err err = ndc_connect_ndjson_open(c, fault);
    if (err) {
        ndc_connect_close(c);
        c = NULL;
    }
    *out = c;
    return err;
}

void ndc_connect_close(struct ndc_connect *c)
{
    if (!c) return;
    if (c->ops && c->ops->close) c->ops->close(c);
    ndc_file_close(&c->reader);
    ndc_buf_free(&c->utf8);
    ndc_arena_free(&c->arena);
    free(c->values);
    free(c);
}

const struct ndc_str *ndc_connect_columns(const struct ndc_connect *c, size_t *count)
{
    *count = c->column_count;
    return c->columns;
}

int ndc_connect_column(const struct ndc_connect *c, struct ndc_str name)
{
    for (size_t i = 0; i < c->column_count; i++)
        if (ndc_str_eq(c->columns[i], name)) return (int)i;
    return -1;
}

enum ndc_err ndc_connect_next(struct ndc_connect *c, struct ndc_connect_row *row,
                              bool *have, struct ndc_fault *fault)
{
    *have = false;
    *row = (struct ndc_connect_row){0};
    enum ndc_err err = as_source(c, c->ops->next(c, row, have, fault), fault);
    if (row->raw.len > RAW_BYTES_MAX) row->raw.len = RAW_BYTES_MAX;
    return err;
}

void ndc_connect_progress(const struct ndc_connect *c, uint64_t *done, uint64_t *total)
{
    *done = c->done;
    *total = c->total;
}

enum ndc_err ndc_connect_file_open(struct ndc_connect *c, struct ndc_fault *fault)
{
    enum ndc_err err = ndc_file_open(&c->reader, c->path, fault);
    if (!err) err = ndc_file_stamp(&c->reader, &c->stamp, fault);
    c->total = c->reader.size;
    return err;
}

static enum ndc_err check_unchanged(struct ndc_connect *c, struct ndc_fault *fault)
{
    struct ndc_file_stamp now;
    enum ndc_err err = ndc_file_stamp(&c->reader, &now, fault);
    if (err) return err;
    if (now.size == c->stamp.size && now.mtime_ns == c->stamp.mtime_ns &&
        (c->reader.size == 0 || c->reader.at == c->reader.size))
        return NDC_OK;
    return ndc_fail(
        fault, NDC_EIO, "source.changed",
        "%s changed while it was being read (%llu bytes at the start, %llu now); "
        "nothing of it was taken: load it again when it is complete",
        c->path, (unsigned long long)c->stamp.size, (unsigned long long)now.size);
}

enum ndc_err ndc_connect_read(struct ndc_connect *c, struct ndc_str *chunk,
                              struct ndc_fault *fault)
{
    *chunk = NDC_STR_NULL;
    for (;;) {
        size_t len;
        enum ndc_err err = ndc_file_next(&c->reader, c->bytes + c->carry,
                                         sizeof(c->bytes) - c->carry, &len, fault);
        if (err) return err;
        c->done = c->reader.at;
        if (len == 0 && c->carry && !c->last) {
            size_t taken;
            c->last = true; /* a letter that could have gone on did not */
            err = ndc_connect_decode(c, ndc_str_n(c->bytes, c->carry), chunk, &taken,
                                     fault);
            if (err) return err;
            c->carry -= taken;
            if (chunk->len) return NDC_OK;
        }
        if (len == 0) {
            if ((err = check_unchanged(c, fault))) return err;
            if (c->carry)
                return ndc_fail(fault, NDC_EINPUT, "source.encoding",
                                "%s ends within a character", c->path);
            return NDC_OK;
        }
        size_t used;
        err = ndc_connect_decode(c, ndc_str_n(c->bytes, c->carry + len), chunk, &used,
                                 fault);
        if (err) return err;
        size_t left = c->carry + len - used;
        if (c->source->encoding != NDC_ENC_UTF8) memmove(c->bytes, c->bytes + used, left);
        c->carry = left;
        if (chunk->len) return NDC_OK;
    }
}

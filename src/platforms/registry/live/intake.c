/* From rows as a sender has them to records: read, mapped and checked as a load does. */
#include "platforms/registry/live/live_internal.h"
#include "platforms/registry/load/load.h"
#include "sys/clock.h"

enum { TEXT_BYTES_MAX = 8 << 20, ENCODED_BYTES_MAX = 1 << 30 };

struct intake {
    struct live_call *call;
    struct ndc_connect *connect;
    struct ndc_mapper *mapper;
    struct ndc_mapped *mapped;
    struct ndc_quality quality;
    size_t *starts; /* of each record among the encoded */
    struct ndc_buf text;
};

/* "_op" and "_version" come first (ndc_connect_memory). */
enum { OP_COLUMN, VERSION_COLUMN, OWN_COLUMNS };

static enum ndc_err refuse(struct intake *in, const struct ndc_connect_row *row,
                           struct ndc_fault *fault)
{
    struct live_call *c = in->call;
    struct ndc_json j;
    if (c->refused_count == c->refused_cap) {
        c->refused_cap = c->refused_cap ? c->refused_cap * 2 : 16;
        c->refused = ndc_xrealloc(c->refused, c->refused_cap * sizeof(*c->refused));
    }
    struct live_refused *r = &c->refused[c->refused_count++];
    struct ndc_str key = in->mapped->record.key;
    key.len = ndc_str_find(key, 0);
    *r = (struct live_refused){
        .key = ndc_arena_str(&c->arena, key.len ? key : NDC_STR("")), .line = row->line};
    ndc_buf_reset(&in->text);
    ndc_json_init(&j, &in->text);
    ndc_load_write_row(in->connect, &j, row);
    r->row_json = ndc_arena_str(&c->arena, ndc_buf_str(&in->text));
    ndc_buf_reset(&in->text);
    ndc_json_init(&j, &in->text);
    ndc_reasons_write(c->source->source, in->mapped->reasons, in->mapped->reason_count,
                      &j);
    r->reasons = ndc_arena_str(&c->arena, ndc_buf_str(&in->text));
    c->result.quarantined++;
    if (in->text.failed || c->arena.overflow)
        return ndc_fail(fault, NDC_ETOOBIG, "load.row_too_big",
                        "the row at line %llu is too large to keep",
                        (unsigned long long)row->line);
    return NDC_OK;
}

static void add_reason(struct intake *in, const char *code, struct ndc_title title,
                       struct ndc_str value)
{
    const struct ndc_reason reason = {.field = -1,
                                      .code = code,
                                      .title = title,
                                      .criterion = NDC_CORRECT,
                                      .blocks = true,
                                      .value = value};
    ndc_mapped_add(in->mapped, &reason, &in->quality);
}

/* The operation and number of a change. */
static void read_change(struct intake *in, const struct ndc_connect_row *row,
                        struct live_row *out)
{
    struct ndc_str op = ndc_str_trim(row->values[OP_COLUMN]);
    struct ndc_str version = ndc_str_trim(row->values[VERSION_COLUMN]);
    if (op.len == 1 && (op.ptr[0] == 'D' || op.ptr[0] == 'd'))
        in->mapped->op = NDC_ROW_DELETE;
    else if (op.len && !(op.len == 1 && strchr("IUiu", op.ptr[0])))
        add_reason(in, "change.op",
                   (struct ndc_title){NDC_STR("_op phải là I, U hoặc D"),
                                      NDC_STR("_op must be I, U or D")},
                   op);
    out->versioned = version.len > 0;
    if (out->versioned &&
        (!ndc_str_to_u64(version, &out->version) || out->version > INT64_MAX))
        add_reason(in, "change.version",
                   (struct ndc_title){NDC_STR("_version phải là số nguyên không âm"),
                                      NDC_STR("_version must be a whole number from 0")},
                   version);
    out->version++; /* 0 is that of what has none */
}

static enum ndc_err take_row(struct intake *in, const struct ndc_connect_row *row,
                             struct ndc_fault *fault)
{
    struct live_call *c = in->call;
    struct ndc_mapped *m = in->mapped;
    struct live_row *out = &c->rows[c->row_count];
    *out = (struct live_row){0};
    ndc_mapper_begin(in->mapper, row, m, &in->quality);
    read_change(in, row, out);
    ndc_mapper_values(in->mapper, row, m, &in->quality);
    if (m->blocked) return refuse(in, row, fault);
    m->record.source = c->source->number;
    m->record.seen_s = ndc_clock_wall_ms() / 1000;
    /* Column numbers are those of the declared columns, as any load of such rows. */
    for (unsigned i = 0; i < m->record.count; i++)
        if (m->record.fields[i].field == NDC_RECORD_UNMAPPED)
            m->record.fields[i].column -= OWN_COLUMNS;
    out->ends = m->op == NDC_ROW_DELETE;
    in->starts[c->row_count++] = c->encoded.len;
    ndc_record_encode(&c->encoded, &m->record);
    return NDC_OK;
}

static enum ndc_err take_unreadable(struct intake *in, const struct ndc_connect_row *row,
                                    const struct ndc_fault *why, struct ndc_fault *fault)
{
    in->mapped->record = (struct ndc_record){0};
    in->mapped->reason_count = 0;
    in->mapped->blocked = false;
    add_reason(in, "row.unreadable",
               (struct ndc_title){NDC_STR("Không đọc được dòng"),
                                  NDC_STR("The row cannot be read")},
               ndc_str(why->message));
    return refuse(in, row, fault);
}

static enum ndc_err take_rows(struct intake *in, size_t room, struct ndc_fault *fault)
{
    struct live_call *c = in->call;
    enum ndc_err err = NDC_OK;
    while (!err) {
        struct ndc_connect_row row;
        struct ndc_fault why = {0};
        bool have;
        err = ndc_connect_next(in->connect, &row, &have, &why);
        if (!err && !have) return NDC_OK;
        if (c->result.rows++ == room)
            return ndc_fail(fault, NDC_ETOOBIG, "live.too_many",
                            "at most %d rows in one call; send fewer at once",
                            LIVE_ROWS_MAX);
        if (err == NDC_EINPUT)
            err = take_unreadable(in, &row, &why, fault);
        else if (err && fault)
            *fault = why;
        else if (!err)
            err = take_row(in, &row, fault);
    }
    return err;
}

/* Texts point into the encoded bytes, which move no more. */
static enum ndc_err decode_rows(struct intake *in, struct ndc_fault *fault)
{
    struct live_call *c = in->call;
    if (c->encoded.failed)
        return ndc_fail(fault, NDC_ETOOBIG, "live.too_big",
                        "these rows are too large together; send fewer at once");
    for (size_t i = 0; i < c->row_count; i++) {
        struct ndc_str at =
            ndc_str_n(c->encoded.ptr + in->starts[i], c->encoded.len - in->starts[i]);
        if (!ndc_record_decode(&c->rows[i].record, &c->arena, &at))
            return ndc_fail(fault, NDC_ETOOBIG, "live.too_big",
                            "these rows are too large together; send fewer at once");
    }
    return NDC_OK;
}

enum ndc_err ndc_live_parse(struct live_call *c, struct ndc_registered *source,
                            struct ndc_str ndjson, struct ndc_fault *fault)
{
    static const struct ndc_str own[OWN_COLUMNS] = {{"_op", 3}, {"_version", 8}};
    struct intake in = {.call = c};
    size_t lines = 1;
    for (const char *at = ndjson.ptr, *end = at + ndjson.len;
         at && (at = memchr(at, '\n', (size_t)(end - at))); at++)
        lines++;
    lines = NDC_MIN(lines, (size_t)LIVE_ROWS_MAX);
    c->source = source;
    enum ndc_err err =
        ndc_connect_memory(&in.connect, source->source, ndjson, own, OWN_COLUMNS, fault);
    if (err) return err;
    c->rows = ndc_xmalloc((lines + 1) * sizeof(*c->rows));
    in.starts = ndc_xmalloc((lines + 1) * sizeof(*in.starts));
    in.mapped = ndc_xcalloc(1, sizeof(*in.mapped));
    ndc_buf_init(&in.text, TEXT_BYTES_MAX);
    ndc_buf_init(&c->encoded, ENCODED_BYTES_MAX);
    ndc_quality_init(&in.quality, source->source);
    in.mapper =
        ndc_mapper_new(source->source, in.connect,
                       ndc_date_from_days((int32_t)(ndc_clock_wall_ms() / 86400000)));
    err = take_rows(&in, lines, fault);
    if (!err) err = decode_rows(&in, fault);
    ndc_mapper_free(in.mapper);
    ndc_quality_free(&in.quality);
    ndc_connect_close(in.connect);
    ndc_buf_free(&in.text);
    free(in.mapped);
    free(in.starts);
    return err;
}

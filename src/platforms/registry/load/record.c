/* Record encoding. */
#include "platforms/registry/load/record.h"

#include "base/hash.h"

static void encode_field(struct ndc_buf *out, const struct ndc_record_field *f)
{
    uint8_t flags = f->flags & (uint8_t) ~(NDC_RECORD_RAW_SAME | NDC_RECORD_PLACE);
    if (ndc_str_eq(f->value, f->raw)) flags |= NDC_RECORD_RAW_SAME;
    if (f->place) flags |= NDC_RECORD_PLACE;
    ndc_buf_add_byte(out, (char)f->field);
    ndc_buf_add_byte(out, (char)flags);
    if (f->field == NDC_RECORD_UNMAPPED) ndc_buf_add_varint(out, f->column);
    ndc_buf_add_bytes(out, f->value);
    if (!(flags & NDC_RECORD_RAW_SAME)) ndc_buf_add_bytes(out, f->raw);
    if (flags & NDC_RECORD_PLACE) ndc_buf_add_varint(out, f->place);
}

void ndc_record_encode(struct ndc_buf *out, const struct ndc_record *r)
{
    NDC_ASSERT(r->count <= NDC_RECORD_FIELDS_MAX);
    /* The length comes first but is known last: leave room for three bytes, then move. */
    enum { LENGTH_ROOM = 3 };
    size_t start = out->len;
    if (!ndc_buf_room(out, LENGTH_ROOM)) return;
    out->len += LENGTH_ROOM;
    ndc_buf_add_varint(out, r->source);
    ndc_buf_add_bytes(out, r->key);
    ndc_buf_add_varint(out, r->run_first);
    ndc_buf_add_varint(out, r->run);
    ndc_buf_add_varint(out, (uint64_t)r->seen_s);
    ndc_buf_add_varint(out, r->flags);
    if (r->flags & NDC_RECORD_VERSIONED) {
        ndc_buf_add_varint(out, r->version);
        ndc_buf_add_varint(out, r->ended);
    }
    ndc_buf_add_varint(out, r->count);
    for (unsigned i = 0; i < r->count; i++)
        encode_field(out, &r->fields[i]);
    if (out->failed) return;
    size_t len = out->len - start - LENGTH_ROOM, head = ndc_varint_size(len);
    if (head > LENGTH_ROOM && !ndc_buf_room(out, head - LENGTH_ROOM)) return;
    char *at = out->ptr + start;
    memmove(at + head, at + LENGTH_ROOM, len);
    out->len = start;
    ndc_buf_add_varint(out, len);
    out->len += len;
}

bool ndc_record_skip(struct ndc_str *in, struct ndc_str *whole)
{
    struct ndc_str rest = *in, body;
    if (!ndc_take_bytes(&rest, &body)) return false;
    *whole = ndc_str_n(in->ptr, in->len - rest.len);
    *in = rest;
    return true;
}

/* `at` moves through the bytes; a damaged length ends in false, never past `end`. */
struct cursor {
    const unsigned char *at, *end;
};

static inline bool pass_varint(struct cursor *c, uint64_t *v)
{
    if (NDC_LIKELY(c->at < c->end && *c->at < 0x80)) {
        *v = *c->at++;
        return true;
    }
    struct ndc_str in = ndc_str_n((const char *)c->at, (size_t)(c->end - c->at));
    if (!ndc_take_varint(&in, v)) return false;
    c->at = (const unsigned char *)in.ptr;
    return true;
}

static inline bool pass_bytes(struct cursor *c, struct ndc_str *s)
{
    uint64_t len;
    if (!pass_varint(c, &len) || len > (uint64_t)(c->end - c->at)) return false;
    *s = ndc_str_n((const char *)c->at, (size_t)len);
    c->at += len;
    return true;
}

static inline bool pass_u32(struct cursor *c, uint32_t *out)
{
    uint64_t v;
    if (!pass_varint(c, &v) || v > UINT32_MAX) return false;
    *out = (uint32_t)v;
    return true;
}

static inline bool pass_versions(struct cursor *c, uint64_t flags, uint64_t *version,
                                 uint64_t *ended)
{
    *version = *ended = 0;
    return !(flags & NDC_RECORD_VERSIONED) ||
           (pass_varint(c, version) && pass_varint(c, ended));
}

static inline bool decode_field(struct ndc_record_field *f, struct cursor *c)
{
    uint32_t column = 0;
    if (c->end - c->at < 2) return false;
    f->field = c->at[0];
    f->flags = c->at[1];
    f->place = 0;
    c->at += 2;
    if (f->field == NDC_RECORD_UNMAPPED && !pass_u32(c, &column)) return false;
    f->column = (uint16_t)column;
    if (!pass_bytes(c, &f->value)) return false;
    f->raw = f->value;
    if (!(f->flags & NDC_RECORD_RAW_SAME) && !pass_bytes(c, &f->raw)) return false;
    return !(f->flags & NDC_RECORD_PLACE) || pass_u32(c, &f->place);
}

bool ndc_record_decode(struct ndc_record *r, struct ndc_arena *arena, struct ndc_str *in)
{
    struct ndc_str body;
    uint64_t seen;
    uint32_t count;
    if (!ndc_take_bytes(in, &body)) return false;
    struct cursor c = {(const unsigned char *)body.ptr,
                       (const unsigned char *)body.ptr + body.len};
    if (!pass_u32(&c, &r->source) || !pass_bytes(&c, &r->key) ||
        !pass_u32(&c, &r->run_first) || !pass_u32(&c, &r->run) ||
        !pass_varint(&c, &seen) || !pass_u32(&c, &r->flags) ||
        !pass_versions(&c, r->flags, &r->version, &r->ended) || !pass_u32(&c, &count) ||
        count > NDC_RECORD_FIELDS_MAX)
        return false;
    r->seen_s = (int64_t)seen;
    r->count = count;
    r->fields = ndc_arena_alloc(arena, sizeof(*r->fields) * count);
    if (!r->fields || arena->overflow) return false;
    for (unsigned i = 0; i < count; i++)
        if (!decode_field(&r->fields[i], &c)) return false;
    return c.at == c.end;
}

static inline bool pick_field(struct cursor *c, struct ndc_record_pick *picks,
                              const struct ndc_record_wanted *wanted)
{
    struct ndc_str value, raw;
    uint64_t place = 0, column;
    if (c->end - c->at < 2) return false;
    unsigned id = c->at[0], flags = c->at[1];
    c->at += 2;
    if (id == NDC_RECORD_UNMAPPED && !pass_varint(c, &column)) return false;
    if (!pass_bytes(c, &value)) return false;
    if (!(flags & NDC_RECORD_RAW_SAME) && !pass_bytes(c, &raw)) return false;
    if (flags & NDC_RECORD_PLACE && (!pass_varint(c, &place) || place > UINT32_MAX))
        return false;
    unsigned slot = wanted->slot[id];
    if (slot != NDC_RECORD_NO_SLOT && value.len && !picks[slot].value.len)
        picks[slot] = (struct ndc_record_pick){value, (uint32_t)place};
    return true;
}

bool ndc_record_pick_fields(struct ndc_record_pick *picks, unsigned count,
                            const struct ndc_record_wanted *wanted, struct ndc_str record)
{
    struct cursor c = {(const unsigned char *)record.ptr,
                       (const unsigned char *)record.ptr + record.len};
    struct ndc_str key;
    uint64_t skipped, fields, ended;
    for (unsigned i = 0; i < count; i++)
        picks[i].value.len = 0;
    if (!pass_varint(&c, &skipped) || skipped != (uint64_t)(c.end - c.at)) return false;
    if (!pass_varint(&c, &skipped) || !pass_bytes(&c, &key)) return false;
    for (unsigned i = 0; i < 4; i++) /* runs, time, flags */
        if (!pass_varint(&c, &skipped)) return false;
    if (!pass_versions(&c, skipped, &skipped, &ended)) return false;
    if (!pass_varint(&c, &fields) || fields > NDC_RECORD_FIELDS_MAX) return false;
    for (uint64_t i = 0; i < fields; i++)
        if (!pick_field(&c, picks, wanted)) return false;
    return c.at == c.end;
}

bool ndc_record_head(struct ndc_str record, uint32_t *source, struct ndc_str *key)
{
    struct ndc_str body;
    if (!ndc_take_bytes(&record, &body)) return false;
    struct cursor c = {(const unsigned char *)body.ptr,
                       (const unsigned char *)body.ptr + body.len};
    return pass_u32(&c, source) && pass_bytes(&c, key);
}

uint64_t ndc_record_key_hash(struct ndc_str key)
{
    return ndc_hash_str(key, 0x7461670a);
}

uint32_t ndc_record_tag(struct ndc_str record)
{
    uint32_t source;
    struct ndc_str key;
    if (!ndc_record_head(record, &source, &key)) return 0;
    return (uint32_t)(ndc_record_key_hash(key) >> 32);
}

const struct ndc_record_field *ndc_record_find(const struct ndc_record *r, unsigned field)
{
    for (unsigned i = 0; i < r->count; i++)
        if (r->fields[i].field == field && r->fields[i].value.len) return &r->fields[i];
    return NULL;
}

uint64_t ndc_record_content_hash(const struct ndc_record *r)
{
    uint64_t h = r->flags & NDC_RECORD_ENDED;
    for (unsigned i = 0; i < r->count; i++) {
        const struct ndc_record_field *f = &r->fields[i];
        h = ndc_hash_join(h, (uint64_t)f->field << 32 | f->column);
        h = ndc_hash_str(f->raw, h);
    }
    return h;
}

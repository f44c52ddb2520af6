/* Encoding an entity (payload.h). The structure is written while the texts are collected,
 * then put behind them. */
#include "base/hash.h"
#include "platforms/registry/entity/payload.h"

enum {
    FIELD_BYTES_MAX = 20,  /* tag, id, column, kind, two text numbers */
    RECORD_BYTES_MAX = 68, /* what stands before and after the fields */
    TEXT_HEAD_MAX = 16
};

struct text {
    struct ndc_str s;
    uint32_t place, hash;
};

struct encoder {
    struct text *texts;
    uint32_t *slots; /* open addressing: number of the text + 1 */
    uint32_t mask, count;
    size_t bytes; /* of all texts */
    char *at;     /* where the structure goes on */
};

static char *put(char *p, uint64_t v)
{
    while (v >= 0x80) {
        *p++ = (char)(v | 0x80);
        v >>= 7;
    }
    *p++ = (char)v;
    return p;
}

static uint64_t zigzag(int64_t v)
{
    return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

/* The number of a text; it is new if that was the number of texts before. */
static uint32_t intern(struct encoder *e, struct ndc_str s, uint32_t place)
{
    uint32_t hash = (uint32_t)ndc_hash_str(s, place), at = hash & e->mask, slot;
    for (; (slot = e->slots[at]); at = (at + 1) & e->mask) {
        const struct text *t = &e->texts[slot - 1];
        if (t->hash == hash && t->place == place && ndc_str_eq(t->s, s)) return slot - 1;
    }
    e->slots[at] = e->count + 1;
    e->texts[e->count] = (struct text){s, place, hash};
    e->bytes += s.len;
    return e->count++;
}

static void put_tag(struct encoder *e, const struct ndc_record_field *f, unsigned base)
{
    unsigned tag = f->field - base;
    if (f->field == NDC_RECORD_UNMAPPED) {
        *e->at++ = PAYLOAD_TAG_UNMAPPED;
        e->at = put(e->at, f->column);
    } else if (f->field < base || tag >= PAYLOAD_TAG_UNMAPPED) {
        *e->at++ = PAYLOAD_TAG_OTHER;
        *e->at++ = (char)f->field;
    } else {
        *e->at++ = (char)tag;
    }
}

static void put_field(struct encoder *e, const struct ndc_record_field *f, unsigned base)
{
    put_tag(e, f, base);
    uint32_t before = e->count;
    uint32_t value = intern(e, f->value, f->place), raw = 0;
    bool value_new = value == before;
    enum payload_raw how = ndc_payload_raw_find(f->value, f->raw);
    if (how == PAYLOAD_RAW_TEXT) {
        before = e->count;
        raw = intern(e, f->raw, 0);
        if (raw == before) how = PAYLOAD_RAW_NEW;
    }
    unsigned kind = (f->flags & NDC_RECORD_INVALID ? PAYLOAD_INVALID : 0) |
                    (f->flags & NDC_RECORD_TONELESS ? PAYLOAD_TONELESS : 0) |
                    (f->flags & NDC_RECORD_REPAIRED ? PAYLOAD_REPAIRED : 0) |
                    (f->flags & NDC_RECORD_PARTIAL ? PAYLOAD_PARTIAL : 0) |
                    (value_new ? PAYLOAD_VALUE_NEW : 0) | how << PAYLOAD_RAW_SHIFT;
    *e->at++ = (char)kind;
    if (!value_new) e->at = put(e->at, value);
    if (how == PAYLOAD_RAW_TEXT) e->at = put(e->at, raw);
}

static void put_record(struct encoder *e, const struct ndc_record *r,
                       const struct ndc_record *last, unsigned base)
{
    bool same = r->run == last->run && r->seen_s == last->seen_s;
    bool first = r->run_first == r->run;
    e->at =
        put(e->at, (uint64_t)r->flags << PAYLOAD_HEAD_BITS |
                       (same ? PAYLOAD_SAME_RUN : 0) | (first ? PAYLOAD_FIRST_RUN : 0));
    if (r->flags & NDC_RECORD_VERSIONED) e->at = put(put(e->at, r->version), r->ended);
    e->at = put(e->at, r->source);
    e->at = put(e->at, r->count);
    if (!same) {
        e->at = put(e->at, zigzag((int64_t)r->run - last->run));
        e->at =
            put(e->at, zigzag((int64_t)((uint64_t)r->seen_s - (uint64_t)last->seen_s)));
    }
    if (!first) e->at = put(e->at, zigzag((int64_t)r->run_first - r->run));
    for (unsigned i = 0; i < r->count; i++)
        put_field(e, &r->fields[i], base);
    e->at = put(e->at, intern(e, r->key, 0));
}

static void put_head(struct ndc_buf *out, const struct ndc_entity_view *v)
{
    ndc_buf_add_byte(out, PAYLOAD_VERSION);
    ndc_buf_add_byte(out, (char)v->type);
    ndc_buf_add_varint(out, v->golden_count);
    for (unsigned i = 0; i < v->golden_count; i++) {
        ndc_buf_add_byte(out, (char)v->golden[i].field);
        ndc_buf_add_varint(out, v->golden[i].rule | (unsigned)v->golden[i].record
                                                        << PAYLOAD_RULE_BITS);
    }
    ndc_buf_add_varint(out, v->edge_count);
    for (unsigned i = 0; i < v->edge_count; i++) {
        ndc_buf_add_varint(out, v->edges[i].a);
        ndc_buf_add_varint(out, v->edges[i].b);
        ndc_buf_add_byte(out, (char)v->edges[i].kind);
        ndc_buf_add_byte(out, (char)v->edges[i].probability);
    }
}

static void put_texts(struct ndc_buf *out, const struct encoder *e)
{
    char *start = ndc_buf_room(out, (size_t)e->count * TEXT_HEAD_MAX + e->bytes + 20);
    if (!start) return;
    char *p = put(put(start, e->count), e->bytes);
    for (uint32_t i = 0; i < e->count; i++) {
        const struct text *t = &e->texts[i];
        p = put(p, (uint64_t)t->s.len << 1 | (t->place != 0));
        if (t->place) p = put(p, t->place);
    }
    for (uint32_t i = 0; i < e->count; i++) {
        if (e->texts[i].s.len) memcpy(p, e->texts[i].s.ptr, e->texts[i].s.len);
        p += e->texts[i].s.len;
    }
    out->len += (size_t)(p - start);
}

void ndc_entity_encode(struct ndc_buf *out, const struct ndc_entity_view *v)
{
    size_t fields = 0;
    for (unsigned i = 0; i < v->record_count; i++)
        fields += v->records[i].count;
    size_t texts = 2 * fields + v->record_count + 1, slots = 64;
    while (slots < texts + texts / 4)
        slots *= 2;
    size_t structure = fields * FIELD_BYTES_MAX + v->record_count * RECORD_BYTES_MAX;
    struct encoder e = {.mask = (uint32_t)(slots - 1)};
    char *space =
        ndc_xmalloc(texts * sizeof(*e.texts) + slots * sizeof(*e.slots) + structure + 1);
    e.texts = (struct text *)space;
    e.slots = (uint32_t *)(space + texts * sizeof(*e.texts));
    memset(e.slots, 0, slots * sizeof(*e.slots));
    char *start = (char *)(e.slots + slots);
    e.at = start;
    const struct ndc_record none = {0}, *last = &none;
    unsigned base = v->type == NDC_ENTITY_ORGANISATION ? NDC_FIELD_ORGANISATION_FIRST : 0;
    for (unsigned i = 0; i < v->record_count; i++) {
        put_record(&e, &v->records[i], last, base);
        last = &v->records[i];
    }
    put_head(out, v);
    put_texts(out, &e);
    ndc_buf_add_varint(out, v->record_count);
    ndc_buf_add_varint(out, fields);
    ndc_buf_add(out, start, (size_t)(e.at - start));
    free(space);
}

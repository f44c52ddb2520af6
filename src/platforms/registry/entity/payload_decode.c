/* Decoding an entity (payload.h), from bytes that may be damaged: every number is checked
 * against what is left, so memory and time are bounded by the payload's length. */
#include "platforms/registry/entity/payload.h"

struct decoder {
    const unsigned char *at, *end;
    struct ndc_arena *arena;
    struct ndc_record_field *texts; /* value and place of each text */
    uint32_t text_count, next_text; /* the next that no field has used */
    struct ndc_record_field *fields;
    size_t fields_left;
    unsigned base; /* of the entity's field ids */
    uint32_t run;
    uint64_t seen;
};

static bool take(struct decoder *d, uint64_t *out)
{
    if (d->at == d->end) return false;
    if (*d->at < 0x80) {
        *out = *d->at++;
        return true;
    }
    struct ndc_str in = ndc_str_n((const char *)d->at, (size_t)(d->end - d->at));
    if (!ndc_take_varint(&in, out)) return false;
    d->at = (const unsigned char *)in.ptr;
    return true;
}

static bool take_max(struct decoder *d, uint64_t max, uint32_t *out)
{
    uint64_t v;
    if (!take(d, &v) || v > max) return false;
    *out = (uint32_t)v;
    return true;
}

static bool take_byte(struct decoder *d, uint8_t *out)
{
    if (d->at == d->end) return false;
    *out = *d->at++;
    return true;
}

static size_t left(const struct decoder *d)
{
    return (size_t)(d->end - d->at);
}

static uint64_t unzigzag(uint64_t v)
{
    return v >> 1 ^ (0 - (v & 1));
}

static bool take_golden(struct decoder *d, struct ndc_entity_view *v)
{
    if (!take_max(d, NDC_FIELDS_MAX, &v->golden_count)) return false;
    v->golden = NDC_ARENA_ARRAY(d->arena, struct ndc_golden, v->golden_count);
    if (!v->golden) return false;
    for (unsigned i = 0; i < v->golden_count; i++) {
        uint32_t how;
        if (!take_byte(d, &v->golden[i].field) ||
            !take_max(d, (uint32_t)UINT16_MAX << PAYLOAD_RULE_BITS, &how))
            return false;
        v->golden[i].rule = how & ((1u << PAYLOAD_RULE_BITS) - 1);
        v->golden[i].record = (uint16_t)(how >> PAYLOAD_RULE_BITS);
    }
    return true;
}

static bool take_edges(struct decoder *d, struct ndc_entity_view *v)
{
    if (!take_max(d, NDC_ENTITY_EDGES_MAX, &v->edge_count)) return false;
    v->edges = NDC_ARENA_ARRAY(d->arena, struct ndc_entity_edge, v->edge_count);
    if (!v->edges) return false;
    for (unsigned i = 0; i < v->edge_count; i++) {
        uint32_t a, b;
        if (!take_max(d, UINT16_MAX, &a) || !take_max(d, UINT16_MAX, &b) ||
            !take_byte(d, &v->edges[i].kind) || !take_byte(d, &v->edges[i].probability))
            return false;
        v->edges[i].a = (uint16_t)a;
        v->edges[i].b = (uint16_t)b;
    }
    return true;
}

static bool take_texts(struct decoder *d)
{
    uint32_t bytes;
    if (!take_max(d, left(d), &d->text_count) || !take_max(d, left(d), &bytes))
        return false;
    d->texts = ndc_arena_alloc(d->arena, sizeof(*d->texts) * d->text_count);
    if (!d->texts || d->arena->overflow) return false;
    for (uint32_t i = 0; i < d->text_count; i++) {
        struct ndc_record_field *t = &d->texts[i];
        uint32_t head;
        *t = (struct ndc_record_field){0};
        if (!take_max(d, UINT32_MAX, &head)) return false;
        if (head & 1 && !take_max(d, UINT32_MAX, &t->place)) return false;
        t->value.len = head >> 1;
    }
    if (bytes > left(d)) return false;
    for (uint32_t i = 0; i < d->text_count; i++) {
        if (d->texts[i].value.len > bytes) return false;
        d->texts[i].value.ptr = (const char *)d->at;
        bytes -= (uint32_t)d->texts[i].value.len;
        d->at += d->texts[i].value.len;
    }
    return bytes == 0;
}

/* The text that a field names, or the next new one. */
static const struct ndc_record_field *text_of(struct decoder *d, bool new_one)
{
    uint32_t number;
    if (new_one)
        number = d->next_text++;
    else if (!take_max(d, UINT32_MAX, &number))
        return NULL;
    return number < d->text_count ? &d->texts[number] : NULL;
}

static bool take_tag(struct decoder *d, struct ndc_record_field *f)
{
    uint8_t tag;
    uint32_t column;
    if (!take_byte(d, &tag) || tag > PAYLOAD_TAG_OTHER) return false;
    if (tag == PAYLOAD_TAG_OTHER) return take_byte(d, &f->field);
    f->field = (uint8_t)(d->base + tag);
    if (tag != PAYLOAD_TAG_UNMAPPED) return true;
    f->field = NDC_RECORD_UNMAPPED;
    if (!take_max(d, UINT16_MAX, &column)) return false;
    f->column = (uint16_t)column;
    return true;
}

static bool take_field(struct decoder *d, struct ndc_record_field *f)
{
    uint8_t kind;
    *f = (struct ndc_record_field){0};
    if (!take_tag(d, f) || !take_byte(d, &kind)) return false;
    const struct ndc_record_field *text = text_of(d, kind & PAYLOAD_VALUE_NEW);
    if (!text) return false;
    f->value = f->raw = text->value;
    f->place = text->place;
    f->flags = (uint8_t)((kind & PAYLOAD_INVALID ? NDC_RECORD_INVALID : 0) |
                         (kind & PAYLOAD_TONELESS ? NDC_RECORD_TONELESS : 0) |
                         (kind & PAYLOAD_REPAIRED ? NDC_RECORD_REPAIRED : 0) |
                         (kind & PAYLOAD_PARTIAL ? NDC_RECORD_PARTIAL : 0) |
                         (f->place ? NDC_RECORD_PLACE : 0));
    enum payload_raw how = kind >> PAYLOAD_RAW_SHIFT;
    if (how == PAYLOAD_RAW_SAME) {
        f->flags |= NDC_RECORD_RAW_SAME;
        return true;
    }
    if (how == PAYLOAD_RAW_NEW || how == PAYLOAD_RAW_TEXT) {
        text = text_of(d, how == PAYLOAD_RAW_NEW);
        f->raw = text ? text->value : NDC_STR_NULL;
        return text;
    }
    f->raw = ndc_payload_raw_make(d->arena, how, f->value);
    return f->raw.ptr && !d->arena->overflow;
}

static bool take_record(struct decoder *d, struct ndc_record *r)
{
    uint64_t head, run, seen, first = 0;
    uint32_t count;
    if (!take(d, &head) || head >> PAYLOAD_HEAD_BITS > UINT32_MAX) return false;
    r->flags = (uint32_t)(head >> PAYLOAD_HEAD_BITS);
    if (r->flags & NDC_RECORD_VERSIONED && (!take(d, &r->version) || !take(d, &r->ended)))
        return false;
    if (!take_max(d, UINT32_MAX, &r->source) ||
        !take_max(d, NDC_RECORD_FIELDS_MAX, &count) || count > d->fields_left)
        return false;
    if (!(head & PAYLOAD_SAME_RUN)) {
        if (!take(d, &run) || !take(d, &seen)) return false;
        d->run += (uint32_t)unzigzag(run);
        d->seen += unzigzag(seen);
    }
    if (!(head & PAYLOAD_FIRST_RUN) && !take(d, &first)) return false;
    r->run = d->run;
    r->run_first = d->run + (uint32_t)unzigzag(first);
    r->seen_s = (int64_t)d->seen;
    r->count = count;
    r->fields = d->fields;
    d->fields += count;
    d->fields_left -= count;
    for (unsigned i = 0; i < count; i++)
        if (!take_field(d, &r->fields[i])) return false;
    const struct ndc_record_field *key = text_of(d, false);
    if (!key) return false;
    r->key = key->value;
    /* A key that no field has is a new text. */
    if ((size_t)(key - d->texts) == d->next_text) d->next_text++;
    return true;
}

static bool take_records(struct decoder *d, struct ndc_entity_view *v)
{
    uint32_t fields;
    if (!take_max(d, NDC_ENTITY_RECORDS_MAX, &v->record_count) ||
        !take_max(d, left(d), &fields) || v->record_count > left(d))
        return false;
    v->records = NDC_ARENA_ARRAY(d->arena, struct ndc_record, v->record_count);
    d->fields = ndc_arena_alloc(d->arena, sizeof(*d->fields) * fields);
    d->fields_left = fields;
    if (!v->records || !d->fields || d->arena->overflow) return false;
    for (unsigned i = 0; i < v->record_count; i++)
        if (!take_record(d, &v->records[i])) return false;
    return d->fields_left == 0 && d->at == d->end;
}

static bool decode_v2(struct ndc_entity_view *v, struct ndc_arena *arena,
                      struct ndc_str in)
{
    struct decoder d = {.at = (const unsigned char *)in.ptr, .arena = arena};
    uint8_t type;
    if (!in.len) return false; /* then in.ptr may be NULL, which has no end */
    d.end = d.at + in.len;
    if (!take_byte(&d, &type) || type >= NDC_ENTITY_COUNT) return false;
    v->type = (enum ndc_entity)type;
    d.base = v->type == NDC_ENTITY_ORGANISATION ? NDC_FIELD_ORGANISATION_FIRST : 0;
    return take_golden(&d, v) && take_edges(&d, v) && take_texts(&d) &&
           take_records(&d, v);
}

/* Another value that stands against a golden one. */
struct other {
    struct ndc_str value;
    struct other *next;
};

enum { ALTERNATIVES_MAX = 16 };

static void add_alternative(struct ndc_golden *g, struct other **others,
                            struct ndc_str value, struct ndc_arena *arena)
{
    for (const struct other *o = *others; o; o = o->next)
        if (ndc_str_eq(o->value, value)) return;
    if (g->alternatives == ALTERNATIVES_MAX) return;
    struct other *o = ndc_arena_alloc(arena, sizeof(*o));
    *o = (struct other){value, *others};
    *others = o;
    g->alternatives++;
}

/* Finds each golden value in its record and counts what stands against it: a record
 * speaks for a field with its first value of it. */
static bool resolve_golden(struct ndc_entity_view *v, struct ndc_arena *arena)
{
    uint16_t golden_of[NDC_FIELDS_MAX] = {0}, spoken[NDC_FIELDS_MAX] = {0};
    struct other **others = NDC_ARENA_ARRAY(arena, struct other *, v->golden_count);
    if (!others || arena->overflow) return false;
    for (unsigned i = 0; i < v->golden_count; i++) {
        struct ndc_golden *g = &v->golden[i];
        if (g->record >= v->record_count || golden_of[g->field]) return false;
        golden_of[g->field] = (uint16_t)(i + 1);
        g->value = ndc_record_find(&v->records[g->record], g->field);
        if (!g->value) return false;
    }
    for (unsigned r = 0; r < v->record_count; r++) {
        for (unsigned k = 0; k < v->records[r].count; k++) {
            const struct ndc_record_field *f = &v->records[r].fields[k];
            unsigned at = golden_of[f->field];
            if (!at || !f->value.len || spoken[f->field] == r + 1) continue;
            spoken[f->field] = (uint16_t)(r + 1);
            struct ndc_golden *g = &v->golden[at - 1];
            if (f->value.ptr == g->value->value.ptr ||
                ndc_str_eq(f->value, g->value->value))
                continue;
            add_alternative(g, &others[at - 1], f->value, arena);
        }
    }
    return !arena->overflow;
}

bool ndc_entity_decode(struct ndc_entity_view *v, struct ndc_arena *arena,
                       struct ndc_str payload)
{
    *v = (struct ndc_entity_view){0};
    if (payload.len == 0) return false;
    struct ndc_str in = ndc_str_from(payload, 1);
    bool good = payload.ptr[0] == PAYLOAD_VERSION ? decode_v2(v, arena, in)
                : payload.ptr[0] == 1             ? ndc_payload_decode_v1(v, arena, in)
                                                  : false;
    return good && resolve_golden(v, arena);
}

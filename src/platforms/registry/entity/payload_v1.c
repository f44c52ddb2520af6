/* Payloads of version 1: what payload.h says without sharing texts, records as record.h
 * encodes them. Read until their entities are built anew; never written. */
#include "platforms/registry/entity/payload.h"

static bool take_byte(struct ndc_str *in, uint8_t *out)
{
    if (in->len == 0) return false;
    *out = (uint8_t)in->ptr[0];
    *in = ndc_str_n(in->ptr + 1, in->len - 1);
    return true;
}

static bool take_u16(struct ndc_str *in, uint16_t *out)
{
    uint64_t v;
    if (!ndc_take_varint(in, &v) || v > UINT16_MAX) return false;
    *out = (uint16_t)v;
    return true;
}

static bool take_count(struct ndc_str *in, unsigned max, unsigned *out)
{
    uint64_t v;
    if (!ndc_take_varint(in, &v) || v > max) return false;
    *out = (unsigned)v;
    return true;
}

static bool decode_golden(struct ndc_entity_view *v, struct ndc_arena *arena,
                          struct ndc_str *in)
{
    if (!take_count(in, NDC_FIELDS_MAX, &v->golden_count)) return false;
    v->golden = NDC_ARENA_ARRAY(arena, struct ndc_golden, v->golden_count);
    if (!v->golden) return false;
    for (unsigned i = 0; i < v->golden_count; i++)
        if (!take_byte(in, &v->golden[i].field) || !take_byte(in, &v->golden[i].rule) ||
            !take_u16(in, &v->golden[i].record))
            return false;
    return true;
}

static bool decode_edges(struct ndc_entity_view *v, struct ndc_arena *arena,
                         struct ndc_str *in)
{
    if (!take_count(in, NDC_ENTITY_EDGES_MAX, &v->edge_count)) return false;
    v->edges = NDC_ARENA_ARRAY(arena, struct ndc_entity_edge, v->edge_count);
    if (!v->edges) return false;
    for (unsigned i = 0; i < v->edge_count; i++)
        if (!take_u16(in, &v->edges[i].a) || !take_u16(in, &v->edges[i].b) ||
            !take_byte(in, &v->edges[i].kind) || !take_byte(in, &v->edges[i].probability))
            return false;
    return true;
}

bool ndc_payload_decode_v1(struct ndc_entity_view *v, struct ndc_arena *arena,
                           struct ndc_str in)
{
    uint8_t type;
    if (!take_byte(&in, &type) || type >= NDC_ENTITY_COUNT) return false;
    v->type = (enum ndc_entity)type;
    if (!decode_golden(v, arena, &in) || !decode_edges(v, arena, &in)) return false;
    if (!take_count(&in, NDC_ENTITY_RECORDS_MAX, &v->record_count)) return false;
    v->records = NDC_ARENA_ARRAY(arena, struct ndc_record, v->record_count);
    if (!v->records || arena->overflow) return false;
    for (unsigned i = 0; i < v->record_count; i++)
        if (!ndc_record_decode(&v->records[i], arena, &in)) return false;
    return in.len == 0;
}

/* Entity payloads and entity ids. */
#include "platforms/registry/entity/entity.h"

#include "base/arena.h"
#include "base/hash.h"

enum { VERSION = 1, ID_BITS = 40, HALF_BITS = 20, ROUNDS = 6 };

void ndc_entity_encode(struct ndc_buf *out, const struct ndc_entity_view *v)
{
    ndc_buf_add_byte(out, VERSION);
    ndc_buf_add_byte(out, (char)v->type);
    ndc_buf_add_varint(out, v->golden_count);
    for (unsigned i = 0; i < v->golden_count; i++) {
        ndc_buf_add_byte(out, (char)v->golden[i].field);
        ndc_buf_add_byte(out, (char)v->golden[i].rule);
        ndc_buf_add_varint(out, v->golden[i].record);
    }
    ndc_buf_add_varint(out, v->edge_count);
    for (unsigned i = 0; i < v->edge_count; i++) {
        ndc_buf_add_varint(out, v->edges[i].a);
        ndc_buf_add_varint(out, v->edges[i].b);
        ndc_buf_add_byte(out, (char)v->edges[i].kind);
        ndc_buf_add_byte(out, (char)v->edges[i].probability);
    }
    ndc_buf_add_varint(out, v->record_count);
    for (unsigned i = 0; i < v->record_count; i++)
        ndc_record_encode(out, &v->records[i]);
}

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

static unsigned count_alternatives(const struct ndc_entity_view *v,
                                   const struct ndc_golden *g)
{
    struct ndc_str seen[16];
    unsigned n = 0;
    for (unsigned i = 0; i < v->record_count && n < NDC_ARRAY_LEN(seen); i++) {
        const struct ndc_record_field *f = ndc_record_find(&v->records[i], g->field);
        if (!f || ndc_str_eq(f->value, g->value->value)) continue;
        bool known = false;
        for (unsigned k = 0; k < n && !known; k++)
            known = ndc_str_eq(seen[k], f->value);
        if (!known) seen[n++] = f->value;
    }
    return n;
}

bool ndc_entity_decode(struct ndc_entity_view *v, struct ndc_arena *arena,
                       struct ndc_str payload)
{
    uint8_t version, type;
    struct ndc_str in = payload;
    *v = (struct ndc_entity_view){0};
    if (!take_byte(&in, &version) || version != VERSION || !take_byte(&in, &type) ||
        type >= NDC_ENTITY_COUNT)
        return false;
    v->type = (enum ndc_entity)type;
    if (!decode_golden(v, arena, &in) || !decode_edges(v, arena, &in)) return false;
    if (!take_count(&in, NDC_ENTITY_RECORDS_MAX, &v->record_count)) return false;
    v->records = NDC_ARENA_ARRAY(arena, struct ndc_record, v->record_count);
    if (!v->records || arena->overflow) return false;
    for (unsigned i = 0; i < v->record_count; i++)
        if (!ndc_record_decode(&v->records[i], arena, &in)) return false;
    for (unsigned i = 0; i < v->golden_count; i++) {
        struct ndc_golden *g = &v->golden[i];
        if (g->record >= v->record_count) return false;
        g->value = ndc_record_find(&v->records[g->record], g->field);
        if (!g->value) return false;
        g->alternatives = (uint16_t)count_alternatives(v, g);
    }
    return in.len == 0;
}

const struct ndc_golden *ndc_entity_golden(const struct ndc_entity_view *v,
                                           unsigned field)
{
    for (unsigned i = 0; i < v->golden_count; i++)
        if (v->golden[i].field == field) return &v->golden[i];
    return NULL;
}

/* Crockford's base 32: no I, L, O, U. */
static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* A permutation of 40-bit numbers: a small Feistel network with fixed keys. It hides the
 * order, it is not a secret: access is what policy decides. */
static uint64_t permute(uint64_t v, bool back)
{
    const uint32_t mask = (1u << HALF_BITS) - 1;
    uint32_t left = (uint32_t)(v >> HALF_BITS) & mask, right = (uint32_t)v & mask;
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t round = back ? ROUNDS - 1 - (uint64_t)i : (uint64_t)i;
        uint32_t *to = (round & 1) ? &left : &right;
        uint32_t from = (round & 1) ? right : left;
        *to ^= (uint32_t)ndc_mix64(from + (round + 1) * 0x51ed270b9f1c7a35u) & mask;
    }
    return (uint64_t)left << HALF_BITS | right;
}

/* The letter is a weighted sum over the field of 32 elements, with weights that are all
 * different: any one wrong letter, and any two neighbours swapped, change it. (A sum of
 * letters modulo 31 takes 0 for Z.) */
static unsigned check_digit(uint64_t permuted, enum ndc_entity type)
{
    unsigned sum = type == NDC_ENTITY_PERSON ? 1 : 2;
    for (int i = 7; i >= 0; i--) {
        sum ^= (unsigned)(permuted >> (5 * i) & 31);
        sum =
            sum & 16 ? (sum << 1 ^ 0x25) & 31 : sum << 1; /* times x, by x^5 + x^2 + 1 */
    }
    return sum;
}

void ndc_entity_id_format(char out[static NDC_ENTITY_ID_LEN + 1], enum ndc_entity type,
                          uint64_t number)
{
    NDC_ASSERT(number < (uint64_t)1 << ID_BITS);
    uint64_t v = permute(number, false);
    out[0] = type == NDC_ENTITY_PERSON ? 'P' : 'O';
    out[1] = '-';
    for (int i = 0; i < 8; i++)
        out[2 + i] = alphabet[v >> (35 - 5 * i) & 31];
    out[10] = '-';
    out[11] = alphabet[check_digit(v, type)];
    out[12] = 0;
}

static int digit_of(char c)
{
    if (c >= 'a' && c <= 'z') c = (char)(c - 32);
    if (c == 'O') c = '0';
    if (c == 'I' || c == 'L') c = '1';
    const char *at = c ? strchr(alphabet, c) : NULL;
    return at ? (int)(at - alphabet) : -1;
}

bool ndc_entity_id_parse(struct ndc_str text, enum ndc_entity *type, uint64_t *number)
{
    uint64_t v = 0;
    int digits = 0, check = -1;
    if (text.len < 2 || text.len > 16) return false;
    char first = text.ptr[0] & (char)~0x20;
    if (first != 'P' && first != 'O') return false;
    *type = first == 'P' ? NDC_ENTITY_PERSON : NDC_ENTITY_ORGANISATION;
    for (size_t i = 1; i < text.len; i++) {
        if (text.ptr[i] == '-') continue;
        int d = digit_of(text.ptr[i]);
        if (d < 0 || digits > 8) return false;
        if (digits++ < 8)
            v = v << 5 | (uint64_t)d;
        else
            check = d;
    }
    if (digits != 9 || check != (int)check_digit(v, *type)) return false;
    *number = permute(v, true);
    return true;
}

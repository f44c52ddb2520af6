/* Entity ids. */
#include "platforms/registry/entity/entity.h"

#include "base/hash.h"

enum { ID_BITS = 40, HALF_BITS = 20, ROUNDS = 6 };

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

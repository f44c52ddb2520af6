/* Addresses by how they end. A reading takes at most a province, a district and a
 * commune, each within one part between commas, so the last three parts decide the units,
 * and what is before them is street (exceptions are told by addr_read and not kept). One
 * more fact of the whole text counts: whether it is written with marks at all. */
#include "base/hash.h"
#include "platforms/registry/normalise/address.h"
#include "platforms/registry/normalise/name.h"

enum {
    SLOTS = 8192,
    PARTS = 3,
    RAW_MAX = 200, /* within this no token is left out of the reading */
    TAIL_MAX = 120,
    UNITS_MAX = 200
};

struct slot {
    uint32_t from; /* where the units begin in the tail */
    uint8_t tail_len, units_len;
    bool used, marked;
    uint8_t reason;
    char tail[TAIL_MAX], units[UNITS_MAX];
    char found[offsetof(struct ndc_norm_address, street_len)];
};

struct addr_memo {
    struct slot slots[SLOTS];
    char units[2 * NDC_UNIT_TITLE_MAX + 4];
};

struct ndc_norm_memo *ndc_norm_memo_new(void)
{
    struct ndc_norm_memo *memo = ndc_xmalloc(sizeof(*memo));
    memo->addresses = ndc_xcalloc(1, sizeof(*memo->addresses));
    memo->names = name_memo_new();
    return memo;
}

void ndc_norm_memo_free(struct ndc_norm_memo *memo)
{
    if (!memo) return;
    free(memo->addresses);
    name_memo_free(memo->names);
    free(memo);
}

static bool ends_part(char c)
{
    return c == ',' || c == ';' || c == '\n' || c == '(' || c == ')';
}

/* Where the last three parts begin that have a plain letter or digit. */
static size_t tail_from(struct ndc_str raw, bool *marked)
{
    unsigned parts = 0;
    bool word = false;
    size_t from = 0, i = raw.len;
    *marked = false;
    while (i > 0 && parts < PARTS) {
        char c = raw.ptr[--i], low = (char)(c | 0x20);
        *marked |= (c & 0x80) != 0;
        if ((low >= 'a' && low <= 'z') || (c >= '0' && c <= '9')) word = true;
        if (!ends_part(c)) continue;
        parts += word;
        word = false;
        if (parts == PARTS) from = i + 1;
    }
    while (i > 0 && !*marked)
        *marked = (raw.ptr[--i] & 0x80) != 0;
    return from;
}

static void write_units_text(struct addr_memo *memo, const struct ndc_norm_address *a,
                             struct ndc_str *units)
{
    struct ndc_norm_address bare = *a;
    bare.street_len = 0;
    *units =
        ndc_str_n(memo->units,
                  ndc_norm_address_text(memo->units, sizeof(memo->units), &bare, false));
}

enum ndc_norm_reason ndc_norm_address_again(struct ndc_norm_address *out,
                                            struct ndc_norm_memo *memos,
                                            struct ndc_str raw, struct ndc_str *units)
{
    struct addr_memo *memo = memos->addresses;
    struct addr_reach reach;
    bool marked = false;
    size_t from = raw.len <= RAW_MAX ? tail_from(raw, &marked) : 0;
    struct ndc_str tail = ndc_str_from(raw, from);
    bool small = raw.len <= RAW_MAX && tail.len > 0 && tail.len <= TAIL_MAX;
    struct slot *s = NULL;
    if (small) {
        s = &memo->slots[ndc_hash_str(tail, marked) % SLOTS];
        if (s->used && s->marked == marked &&
            ndc_str_eq(ndc_str_n(s->tail, s->tail_len), tail)) {
            memcpy(out, s->found, sizeof(s->found));
            addr_street(out, ndc_str_n(raw.ptr, from + s->from));
            *units = ndc_str_n(s->units, s->units_len);
            return (enum ndc_norm_reason)s->reason;
        }
    }
    enum ndc_norm_reason reason = addr_read(out, raw, (struct ndc_date){0}, &reach);
    write_units_text(memo, out, units);
    if (!small || reach.whole || reach.from < from || reach.from >= raw.len ||
        units->len > UNITS_MAX)
        return reason;
    *s = (struct slot){.from = (uint32_t)(reach.from - from),
                       .tail_len = (uint8_t)tail.len,
                       .units_len = (uint8_t)units->len,
                       .used = true,
                       .marked = marked,
                       .reason = (uint8_t)reason};
    memcpy(s->tail, tail.ptr, tail.len);
    memcpy(s->units, units->ptr, units->len);
    memcpy(s->found, out, sizeof(s->found));
    return reason;
}

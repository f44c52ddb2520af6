/* The memo of mapped values: one slot a hash, the newest stays. */
#include "platforms/registry/load/map_memo.h"

#include "base/hash.h"

enum { SLOTS = 4096, BYTES = 232 };

struct slot {
    uint32_t flags, place;
    uint16_t raw_len, value_len;
    uint8_t reason, class;
    bool used, same;   /* same: the value is the raw text */
    char bytes[BYTES]; /* raw, then the value */
};

struct ndc_map_memo {
    struct slot slots[SLOTS];
};

struct ndc_map_memo *ndc_map_memo_new(void)
{
    return ndc_xcalloc(1, sizeof(struct ndc_map_memo));
}

void ndc_map_memo_free(struct ndc_map_memo *memo)
{
    free(memo);
}

static size_t slot_of(unsigned class, struct ndc_str raw)
{
    return ndc_hash_str(raw, class) % SLOTS;
}

bool ndc_map_memo_find(const struct ndc_map_memo *memo, struct ndc_map_outcome *out,
                       unsigned class, struct ndc_str raw)
{
    if (raw.len > BYTES) return false;
    const struct slot *s = &memo->slots[slot_of(class, raw)];
    if (!s->used || s->class != class ||
        !ndc_str_eq(ndc_str_n(s->bytes, s->raw_len), raw))
        return false;
    *out = (struct ndc_map_outcome){
        .reason = (enum ndc_norm_reason)s->reason,
        .flags = s->flags,
        .place = s->place,
        .value = s->same ? raw : ndc_str_n(s->bytes + s->raw_len, s->value_len)};
    return true;
}

void ndc_map_memo_put(struct ndc_map_memo *memo, const struct ndc_map_outcome *o,
                      unsigned class, struct ndc_str raw)
{
    bool same = ndc_str_eq(o->value, raw);
    size_t value_len = same ? 0 : o->value.len;
    if (raw.len + value_len > BYTES || class > UINT8_MAX) return;
    struct slot *s = &memo->slots[slot_of(class, raw)];
    s->flags = o->flags;
    s->place = o->place;
    s->raw_len = (uint16_t)raw.len;
    s->value_len = (uint16_t)value_len;
    s->reason = (uint8_t)o->reason;
    s->class = (uint8_t) class;
    s->used = true;
    s->same = same;
    if (raw.len) memcpy(s->bytes, raw.ptr, raw.len);
    if (value_len) memcpy(s->bytes + raw.len, o->value.ptr, value_len);
}

/* Raw texts that their values tell: capitals, dates and phone numbers as sources write
 * them. */
#include "base/vntext.h"
#include "platforms/registry/entity/payload.h"

enum { DATE_LEN = 10, COMPACT_LEN = 8, TEXT_MAX = 256 };

static bool is_date(struct ndc_str s)
{
    return s.len == DATE_LEN && s.ptr[4] == '-' && s.ptr[7] == '-';
}

static size_t date_as(char *out, enum payload_raw how, const char *date)
{
    if (how == PAYLOAD_RAW_DIGITS) {
        memcpy(out, date, 4);
        memcpy(out + 4, date + 5, 2);
        memcpy(out + 6, date + 8, 2);
        return COMPACT_LEN;
    }
    memcpy(out, date + 8, 2);
    out[2] = '/';
    memcpy(out + 3, date + 5, 2);
    out[5] = '/';
    memcpy(out + 6, date, 4);
    return DATE_LEN;
}

static bool is_phone(struct ndc_str s)
{
    return s.len > 3 && memcmp(s.ptr, "+84", 3) == 0;
}

enum payload_raw ndc_payload_raw_find(struct ndc_str value, struct ndc_str raw)
{
    char made[NDC_VN_ROOM(TEXT_MAX)];
    if (ndc_str_eq(value, raw)) return PAYLOAD_RAW_SAME;
    if (is_date(value)) {
        enum payload_raw how =
            raw.len == COMPACT_LEN ? PAYLOAD_RAW_DIGITS : PAYLOAD_RAW_DMY;
        size_t n = date_as(made, how, value.ptr);
        return ndc_str_eq(raw, ndc_str_n(made, n)) ? how : PAYLOAD_RAW_TEXT;
    }
    if (is_phone(value))
        return raw.len == value.len - 2 && raw.ptr[0] == '0' &&
                       memcmp(raw.ptr + 1, value.ptr + 3, value.len - 3) == 0
                   ? PAYLOAD_RAW_PHONE
                   : PAYLOAD_RAW_TEXT;
    /* Capitals are as long as small letters in what is written here. */
    if (raw.len != value.len || raw.len > TEXT_MAX || raw.len == 0)
        return PAYLOAD_RAW_TEXT;
    char last = raw.ptr[raw.len - 1];
    if (last >= 'a' && last <= 'z') return PAYLOAD_RAW_TEXT;
    size_t n = ndc_vn_upper(made, value);
    return ndc_str_eq(raw, ndc_str_n(made, n)) ? PAYLOAD_RAW_UPPER : PAYLOAD_RAW_TEXT;
}

static struct ndc_str make_upper(struct ndc_arena *arena, struct ndc_str value)
{
    char *made =
        value.len <= TEXT_MAX ? ndc_arena_alloc(arena, NDC_VN_ROOM(value.len)) : NULL;
    return made ? ndc_str_n(made, ndc_vn_upper(made, value)) : NDC_STR_NULL;
}

struct ndc_str ndc_payload_raw_make(struct ndc_arena *arena, enum payload_raw how,
                                    struct ndc_str value)
{
    if (how == PAYLOAD_RAW_UPPER) return make_upper(arena, value);
    bool phone = how == PAYLOAD_RAW_PHONE && is_phone(value);
    bool date = (how == PAYLOAD_RAW_DMY || how == PAYLOAD_RAW_DIGITS) && is_date(value);
    if (!phone && !date) return NDC_STR_NULL;
    char *made = ndc_arena_alloc(arena, value.len);
    if (!made || arena->overflow) return NDC_STR_NULL;
    if (date) return ndc_str_n(made, date_as(made, how, value.ptr));
    made[0] = '0';
    memcpy(made + 1, value.ptr + 3, value.len - 3);
    return ndc_str_n(made, value.len - 2);
}

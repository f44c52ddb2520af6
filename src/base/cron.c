/* Cron fields as bit sets. */
#include "base/cron.h"

static bool parse_number(struct ndc_str s, unsigned min, unsigned max, unsigned *out)
{
    uint64_t v;
    if (!ndc_str_to_u64(s, &v) || v < min || v > max) return false;
    *out = (unsigned)v;
    return true;
}

/* "*", "5", "1-5", each perhaps with "/n". */
static bool parse_part(struct ndc_str part, unsigned min, unsigned max, uint64_t *bits)
{
    unsigned from = min, to = max, step = 1;
    size_t slash = ndc_str_find(part, '/');
    if (slash < part.len &&
        !parse_number(ndc_str_from(part, slash + 1), 1, max - min + 1, &step))
        return false;
    struct ndc_str range = ndc_str_n(part.ptr, slash);
    if (!ndc_str_eq(range, NDC_STR("*"))) {
        size_t dash = ndc_str_find(range, '-');
        if (!parse_number(ndc_str_n(range.ptr, dash), min, max, &from)) return false;
        to = slash < part.len && dash == range.len ? max : from;
        if (dash < range.len &&
            !parse_number(ndc_str_from(range, dash + 1), from, max, &to))
            return false;
    }
    for (unsigned v = from; v <= to; v += step)
        *bits |= (uint64_t)1 << v;
    return true;
}

static bool parse_field(struct ndc_str field, unsigned min, unsigned max, uint64_t *bits)
{
    struct ndc_str part;
    *bits = 0;
    while (ndc_str_split(&field, ',', &part))
        if (part.len == 0 || !parse_part(part, min, max, bits)) return false;
    return *bits != 0;
}

bool ndc_cron_parse(struct ndc_cron *cron, struct ndc_str text)
{
    struct ndc_str fields[5], rest = ndc_str_trim(text), part;
    unsigned n = 0;
    *cron = (struct ndc_cron){0};
    while (ndc_str_split(&rest, ' ', &part)) {
        if (part.len == 0) continue;
        if (n == 5) return false;
        fields[n++] = part;
    }
    if (n != 5) return false;
    cron->any_day = fields[2].ptr[0] == '*';
    cron->any_weekday = fields[4].ptr[0] == '*';
    if (!parse_field(fields[0], 0, 59, &cron->minutes) ||
        !parse_field(fields[1], 0, 23, &cron->hours) ||
        !parse_field(fields[2], 1, 31, &cron->days) ||
        !parse_field(fields[3], 1, 12, &cron->months) ||
        !parse_field(fields[4], 0, 7, &cron->weekdays))
        return false;
    if (cron->weekdays >> 7 & 1) cron->weekdays |= 1;
    return true;
}

static bool has(uint64_t bits, int v)
{
    return v >= 0 && v < 64 && (bits >> v & 1);
}

bool ndc_cron_matches(const struct ndc_cron *c, int minute, int hour, int day, int month,
                      int weekday)
{
    if (!has(c->minutes, minute) || !has(c->hours, hour) || !has(c->months, month))
        return false;
    bool by_day = has(c->days, day), by_weekday = has(c->weekdays, weekday);
    if (c->any_day || c->any_weekday) return by_day && by_weekday;
    return by_day || by_weekday;
}

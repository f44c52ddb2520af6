/* Dates in the forms people write them: runs of digits and words are read first, then
 * given their meaning by how many there are, how long each is, and the declared order. */
#include "platforms/registry/normalise/normalise_internal.h"

#include <stdio.h>

enum { FIELDS_MAX = 3, YEAR_MIN = 1880, EXCEL_FIRST = 1, EXCEL_LAST = 73050 };

struct fields {
    unsigned count;
    int value[FIELDS_MAX];
    uint8_t digits[FIELDS_MAX];
    int day, month, year; /* named by a word before: index + 1, else 0 */
};

static unsigned english_month(struct ndc_str w)
{
    static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    if (w.len < 3 || w.len > 9) return 0;
    for (unsigned m = 0; m < 12; m++)
        if (memcmp(months + m * 3, w.ptr, 3) == 0) return m + 1;
    return 0;
}

/* What a word says of the number after it. False: not a word of a date. */
static bool take_word(struct fields *f, struct ndc_str w)
{
    if (ndc_str_eq(w, NDC_STR("ngay")) || ndc_str_eq(w, NDC_STR("mung")) ||
        ndc_str_eq(w, NDC_STR("mong"))) {
        f->day = (int)f->count + 1;
    } else if (ndc_str_eq(w, NDC_STR("thang")) || ndc_str_eq(w, NDC_STR("thg"))) {
        f->month = (int)f->count + 1;
    } else if (ndc_str_eq(w, NDC_STR("nam"))) {
        f->year = (int)f->count + 1;
    } else if (ndc_str_eq(w, NDC_STR("sinh")) || ndc_str_eq(w, NDC_STR("khoang"))) {
        return true;
    } else {
        unsigned m = english_month(w);
        if (!m || f->count == FIELDS_MAX) return false;
        f->month = (int)f->count + 1;
        f->value[f->count] = (int)m;
        f->digits[f->count++] = 2;
    }
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool parts(char c)
{
    return c == ' ' || c == '/' || c == '-' || c == '.';
}

/* Nothing but digits and what stands between them: "02/09/1945". */
static bool digits_only(struct ndc_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_digit(s.ptr[i]) && !parts(s.ptr[i])) return false;
    return true;
}

/* Splits folded text ("ngay 2 thang 9 nam 1945", "2 9 1945"), or digits only. */
static bool take_fields(struct fields *f, struct ndc_str s)
{
    for (size_t i = 0; i < s.len;) {
        size_t from = i;
        if (parts(s.ptr[i])) {
            i++;
        } else if (is_digit(s.ptr[i])) {
            int v = 0;
            while (i < s.len && is_digit(s.ptr[i]) && i - from < 8)
                v = v * 10 + (s.ptr[i++] - '0');
            if ((i < s.len && is_digit(s.ptr[i])) || f->count == FIELDS_MAX) return false;
            f->value[f->count] = v;
            f->digits[f->count++] = (uint8_t)(i - from);
        } else {
            while (i < s.len && s.ptr[i] != ' ' && !is_digit(s.ptr[i]))
                i++;
            if (!take_word(f, ndc_str_n(s.ptr + from, i - from))) return false;
        }
    }
    return f->count > 0;
}

/* Two digits: the century that is not in the future, else the last one. */
static int whole_year(int v, unsigned digits, const struct ndc_norm_date_rule *rule,
                      uint32_t *flags)
{
    if (digits == 4) return v;
    if (digits != 2) return 0;
    int now = rule->as_of.year ? rule->as_of.year : 2025;
    int year = now / 100 * 100 + v;
    *flags |= NDC_NORM_SHORT_YEAR;
    if (rule->future_allowed) return year;
    return year > now ? year - 100 : year;
}

static enum ndc_norm_reason settle(struct ndc_norm_date *out, int y, int m, int d,
                                   const struct ndc_norm_date_rule *rule)
{
    out->date = (struct ndc_date){(int16_t)y, (uint8_t)m, (uint8_t)d};
    if (y < 1 || m > 12 || d > 31 || !ndc_date_valid(out->date))
        return NDC_NORM_DATE_IMPOSSIBLE;
    if (y < (rule->year_min ? rule->year_min : YEAR_MIN)) return NDC_NORM_DATE_TOO_OLD;
    struct ndc_date now = rule->as_of;
    if (now.year && !rule->future_allowed) {
        bool later = y > now.year;
        if (y == now.year && m && now.month)
            later = m > now.month || (m == now.month && d && now.day && d > now.day);
        if (later) return NDC_NORM_DATE_FUTURE;
    }
    if (m == 0 || d == 0) out->flags |= NDC_NORM_PARTIAL;
    ndc_date_format(out->text, out->date);
    return NDC_NORM_OK;
}

/* Two numbers whose order is in question: day and month. */
static enum ndc_norm_reason settle_pair(struct ndc_norm_date *out, int first, int second,
                                        int year, const struct ndc_norm_date_rule *rule)
{
    bool month_first = rule->order == NDC_NORM_MDY;
    int d = month_first ? second : first, m = month_first ? first : second;
    if (d == 0 && m == 0) return settle(out, year, 0, 0, rule); /* 00/00/1945 */
    if (d == 0 && m >= 1 && m <= 12) return settle(out, year, m, 0, rule);
    if (d == 0 || m == 0) return NDC_NORM_DATE_IMPOSSIBLE;
    if (d <= 12 && m <= 12 && d != m) {
        out->flags |= NDC_NORM_SWAPPABLE;
        if (rule->order == NDC_NORM_ANY) return NDC_NORM_DATE_AMBIGUOUS;
    }
    if (m > 12 && d <= 12) {
        if (rule->order != NDC_NORM_ANY) {
            enum ndc_norm_reason r = settle(out, year, d, m, rule);
            out->text[0] = 0;
            return r ? r : NDC_NORM_DATE_ORDER;
        }
        out->flags |= NDC_NORM_SWAPPED;
        return settle(out, year, d, m, rule);
    }
    return settle(out, year, m, d, rule);
}

/* Eight digits: YYYYMMDD or DDMMYYYY, whichever exists. */
static enum ndc_norm_reason settle_eight(struct ndc_norm_date *out, int v,
                                         const struct ndc_norm_date_rule *rule)
{
    int y = v / 10000, m = v / 100 % 100, d = v % 100;
    struct ndc_date iso = {(int16_t)y, (uint8_t)m, (uint8_t)d};
    bool can_iso = m > 0 && d > 0 && y >= 1600 && ndc_date_valid(iso);
    int first = v / 1000000, second = v / 10000 % 100, year = v % 10000;
    struct ndc_date dmy = {(int16_t)year, (uint8_t)second, (uint8_t)first};
    struct ndc_date mdy = {(int16_t)year, (uint8_t)first, (uint8_t)second};
    bool can_dmy =
        first && second && year >= 1600 && (ndc_date_valid(dmy) || ndc_date_valid(mdy));
    if (can_iso &&
        (!can_dmy || rule->order == NDC_NORM_YMD || rule->order == NDC_NORM_ANY)) {
        if (can_dmy && rule->order == NDC_NORM_ANY) return NDC_NORM_DATE_AMBIGUOUS;
        return settle(out, y, m, d, rule);
    }
    if (can_dmy || (year >= YEAR_MIN && year < 2200 && y < YEAR_MIN))
        return settle_pair(out, first, second, year, rule);
    return settle(out, y, m, d, rule);
}

static enum ndc_norm_reason settle_named(struct ndc_norm_date *out,
                                         const struct fields *f,
                                         const struct ndc_norm_date_rule *rule)
{
    int d = 0, m = 0, y = 0;
    int month = f->month - 1, year = f->year - 1, day = f->day - 1;
    /* What was not named is the rest: the day before the month, the year at the end. */
    if (year < 0 && f->count > 0 && f->digits[f->count - 1] == 4)
        year = (int)f->count - 1;
    if (year < 0 && f->count == 3) year = 2;
    for (int i = 0; i < (int)f->count; i++)
        if (day < 0 && i != month && i != year) day = i;
    if (year < 0 || year >= (int)f->count || (day >= 0 && month < 0)) {
        return NDC_NORM_DATE_FORM;
    }
    if (month >= (int)f->count || day >= (int)f->count) return NDC_NORM_DATE_FORM;
    y = whole_year(f->value[year], f->digits[year], rule, &out->flags);
    if (month >= 0) m = f->value[month];
    if (day >= 0) d = f->value[day];
    if ((month >= 0 && m == 0) || (day >= 0 && d == 0)) return NDC_NORM_DATE_IMPOSSIBLE;
    return settle(out, y, m, d, rule);
}

static enum ndc_norm_reason settle_fields(struct ndc_norm_date *out,
                                          const struct fields *f,
                                          const struct ndc_norm_date_rule *rule)
{
    const int *v = f->value;
    const uint8_t *n = f->digits;
    if (f->day || f->month || f->year) return settle_named(out, f, rule);
    if (f->count == 1) {
        if (n[0] == 4 && rule->order != NDC_NORM_EXCEL)
            return settle(out, v[0], 0, 0, rule);
        if (n[0] == 8) return settle_eight(out, v[0], rule);
        if (rule->order == NDC_NORM_EXCEL && v[0] >= EXCEL_FIRST && v[0] <= EXCEL_LAST) {
            /* Day 60 is a 29 February 1900 that was not; day 1 is 1900-01-01. */
            struct ndc_date e = ndc_date_from_days(v[0] - 25569 + (v[0] < 60));
            return settle(out, e.year, e.month, e.day, rule);
        }
        if (n[0] == 6 && rule->order != NDC_NORM_EXCEL) { /* MMYYYY; not DDMMYY */
            int m = v[0] / 10000, y = v[0] % 10000;
            if (m >= 1 && m <= 12 && y >= YEAR_MIN && y < 2200)
                return settle(out, y, m, 0, rule);
        }
        return NDC_NORM_DATE_FORM;
    }
    if (f->count == 2) {
        if (n[0] == 4 && n[1] <= 2 && v[1] > 0) return settle(out, v[0], v[1], 0, rule);
        if (n[1] == 4 && n[0] <= 2 && v[0] > 0) return settle(out, v[1], v[0], 0, rule);
        if (n[1] == 4 && n[0] <= 2) return settle(out, v[1], 0, 0, rule);
        return NDC_NORM_DATE_FORM;
    }
    if (n[0] == 4 && n[1] <= 2 && n[2] <= 2) {
        if (v[1] == 0 && v[2] == 0) return settle(out, v[0], 0, 0, rule);
        if (v[1] == 0) return NDC_NORM_DATE_IMPOSSIBLE;
        return settle(out, v[0], v[1], v[2], rule);
    }
    if (n[0] > 2 || n[1] > 2 || n[2] == 3 || n[2] > 4 || n[2] < 2)
        return NDC_NORM_DATE_FORM;
    if (rule->order == NDC_NORM_YMD && n[2] == 2 && n[0] == 2)
        return settle(out, whole_year(v[0], 2, rule, &out->flags), v[1], v[2], rule);
    return settle_pair(out, v[0], v[1], whole_year(v[2], n[2], rule, &out->flags), rule);
}

/* The date part of a date and time: "1945-09-02T00:00:00Z", "02/09/1945 12:30". */
static struct ndc_str without_time(struct ndc_str s)
{
    size_t colon = ndc_str_find(s, ':');
    if (colon >= s.len || colon < 8) return s;
    size_t cut = colon;
    while (cut > 0 && is_digit(s.ptr[cut - 1]))
        cut--;
    if (cut == 0 || (s.ptr[cut - 1] != ' ' && s.ptr[cut - 1] != 'T')) return s;
    return ndc_str_trim(ndc_str_n(s.ptr, cut - 1));
}

enum ndc_norm_reason ndc_norm_date(struct ndc_norm_date *out, struct ndc_str raw,
                                   const struct ndc_norm_date_rule *rule)
{
    char text[NDC_VN_ROOM(128)];
    struct fields f = {0};
    *out = (struct ndc_norm_date){0};
    raw = without_time(ndc_str_trim(raw));
    if (ndc_norm_is_missing(raw)) return NDC_NORM_MISSING;
    if (raw.len > 96) return NDC_NORM_TOO_LONG;
    if (ndc_date_parse_iso(raw, &out->date))
        return settle(out, out->date.year, out->date.month, out->date.day, rule);
    struct ndc_str s = raw;
    if (!digits_only(raw))
        s = ndc_str_n(text, ndc_vn_fold(text, raw, NDC_VN_FOLD_FULL, NULL));
    if (!take_fields(&f, s)) return NDC_NORM_DATE_FORM;
    enum ndc_norm_reason reason = settle_fields(out, &f, rule);
    if (reason) out->text[0] = 0;
    return reason;
}

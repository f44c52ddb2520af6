/* Civil calendar arithmetic: years begin in March, so leap days fall last. */
#include "base/date.h"

#include <stdio.h>

int32_t ndc_date_to_days(struct ndc_date date)
{
    int32_t y = date.year - (date.month <= 2), m = date.month;
    int32_t era = (y >= 0 ? y : y - 399) / 400;
    int32_t yoe = y - era * 400;
    int32_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

struct ndc_date ndc_date_from_days(int32_t days)
{
    int32_t z = days + 719468;
    int32_t era = (z >= 0 ? z : z - 146096) / 146097;
    int32_t doe = z - era * 146097;
    int32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int32_t mp = (5 * doy + 2) / 153;
    int32_t month = mp < 10 ? mp + 3 : mp - 9;
    return (struct ndc_date){.year = (int16_t)(yoe + era * 400 + (month <= 2)),
                             .month = (uint8_t)month,
                             .day = (uint8_t)(doy - (153 * mp + 2) / 5 + 1)};
}

bool ndc_date_valid(struct ndc_date d)
{
    static const uint8_t days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (d.year < 1 || d.year > 9999 || d.month > 12) return false;
    if (d.month == 0) return d.day == 0;
    if (d.day > days[d.month - 1]) return false;
    bool leap = d.year % 4 == 0 && (d.year % 100 != 0 || d.year % 400 == 0);
    return !(d.month == 2 && d.day == 29 && !leap);
}

static bool take_digits(struct ndc_str s, size_t at, size_t n, int *out)
{
    int v = 0;
    if (at + n > s.len) return false;
    for (size_t i = 0; i < n; i++) {
        unsigned d = (unsigned)(s.ptr[at + i] - '0');
        if (d > 9) return false;
        v = v * 10 + (int)d;
    }
    *out = v;
    return true;
}

bool ndc_date_parse_iso(struct ndc_str s, struct ndc_date *out)
{
    int y, m = 0, d = 0;
    if (s.len != 4 && s.len != 7 && s.len != 10) return false;
    if (!take_digits(s, 0, 4, &y)) return false;
    if (s.len >= 7 && (s.ptr[4] != '-' || !take_digits(s, 5, 2, &m) || m == 0))
        return false;
    if (s.len == 10 && (s.ptr[7] != '-' || !take_digits(s, 8, 2, &d) || d == 0))
        return false;
    *out = (struct ndc_date){(int16_t)y, (uint8_t)m, (uint8_t)d};
    return ndc_date_valid(*out);
}

static void put_two(char *out, unsigned v)
{
    out[0] = (char)('0' + v / 10);
    out[1] = (char)('0' + v % 10);
}

void ndc_date_format(char out[static 11], struct ndc_date d)
{
    unsigned y = (unsigned)d.year % 10000, m = d.month % 100, day = d.day % 100;
    size_t len = 4;
    put_two(out, y / 100);
    put_two(out + 2, y % 100);
    if (m) {
        out[4] = '-';
        put_two(out + 5, m);
        len = 7;
    }
    if (m && day) {
        out[7] = '-';
        put_two(out + 8, day);
        len = 10;
    }
    out[len] = 0;
}

/* Digits with leading zeros, and what follows them. */
static void put_digits(char *to, unsigned v, unsigned n, char after)
{
    to[n] = after;
    for (; n > 0; v /= 10)
        to[--n] = (char)('0' + v % 10);
}

void ndc_time_format(char out[static 25], int64_t unix_ms)
{
    int64_t days = unix_ms / 86400000, ms = unix_ms % 86400000;
    if (ms < 0) {
        ms += 86400000;
        days--;
    }
    struct ndc_date d = ndc_date_from_days((int32_t)days);
    unsigned t = (unsigned)ms;
    put_digits(out, (unsigned)d.year % 10000, 4, '-');
    put_digits(out + 5, d.month % 100u, 2, '-');
    put_digits(out + 8, d.day % 100u, 2, 'T');
    put_digits(out + 11, t / 3600000 % 100, 2, ':');
    put_digits(out + 14, t / 60000 % 60, 2, ':');
    put_digits(out + 17, t / 1000 % 60, 2, '.');
    put_digits(out + 20, t % 1000, 3, 'Z');
    out[24] = 0;
}

bool ndc_time_parse(struct ndc_str s, int64_t *unix_ms)
{
    struct ndc_date d;
    int h, m, sec, oh = 0, om = 0;
    if (s.len < 20 || !ndc_date_parse_iso(ndc_str_n(s.ptr, 10), &d)) return false;
    if ((s.ptr[10] != 'T' && s.ptr[10] != ' ') || s.ptr[13] != ':' || s.ptr[16] != ':')
        return false;
    if (!take_digits(s, 11, 2, &h) || !take_digits(s, 14, 2, &m) ||
        !take_digits(s, 17, 2, &sec) || h > 23 || m > 59 || sec > 59)
        return false;
    size_t i = 19;
    int64_t frac_ms = 0;
    if (s.ptr[i] == '.') {
        size_t digits = 0;
        for (i++; i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9'; i++, digits++)
            if (digits < 3) frac_ms = frac_ms * 10 + (s.ptr[i] - '0');
        if (digits == 0) return false;
        for (; digits < 3; digits++)
            frac_ms *= 10;
    }
    int sign = 0;
    if (i < s.len && (s.ptr[i] == '+' || s.ptr[i] == '-')) {
        sign = s.ptr[i] == '+' ? 1 : -1;
        if (s.len != i + 6 || s.ptr[i + 3] != ':' || !take_digits(s, i + 1, 2, &oh) ||
            !take_digits(s, i + 4, 2, &om) || oh > 23 || om > 59)
            return false;
    } else if (i >= s.len || s.ptr[i] != 'Z' || s.len != i + 1) {
        return false;
    }
    int64_t seconds = (int64_t)ndc_date_to_days(d) * 86400 + h * 3600 + m * 60 + sec -
                      sign * (oh * 3600 + om * 60);
    *unix_ms = seconds * 1000 + frac_ms;
    return true;
}

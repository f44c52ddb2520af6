/* Civil dates (proleptic Gregorian) as day numbers, and RFC 3339 times. */
#ifndef NDC_BASE_DATE_H
#define NDC_BASE_DATE_H

#include "base/buf.h"

struct ndc_date {
    int16_t year;       /* 1..9999 */
    uint8_t month, day; /* 1-based; 0: not known (a year-only or year-month date) */
};

/* Days since 1970-01-01 of a full date, and back. */
int32_t ndc_date_to_days(struct ndc_date date);
struct ndc_date ndc_date_from_days(int32_t days);
/* True if the date exists in the calendar; month and day may be unknown. */
bool ndc_date_valid(struct ndc_date date);
/* "YYYY-MM-DD", "YYYY-MM" or "YYYY", nothing else. */
bool ndc_date_parse_iso(struct ndc_str s, struct ndc_date *out);
/* Writes at most 11 bytes with the final 0. */
void ndc_date_format(char out[static 11], struct ndc_date date);
/* "2026-07-01T00:00:00.123Z" from milliseconds since the epoch: 25 bytes with the 0. */
void ndc_time_format(char out[static 25], int64_t unix_ms);
/* The reverse; seconds' fraction optional, Z or +hh:mm. */
bool ndc_time_parse(struct ndc_str s, int64_t *unix_ms);

#endif

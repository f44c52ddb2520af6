/* Dates as people write and spoil them: swapped day and month, a digit wrong, digits
 * crossed, only the year known. */
#include "platforms/registry/link/compare.h"
#include "platforms/registry/link/text.h"

const char *const ndc_link_date_levels[DATE_LEVELS] = {"exact",
                                                       "one edit",
                                                       "day and month swapped",
                                                       "only the year known",
                                                       "same day, other year",
                                                       "same year",
                                                       "two edits",
                                                       "different"};

enum {
    DATE_ONE_EDIT = 2,
    DATE_SWAPPED,
    DATE_PARTIAL,
    DATE_OTHER_YEAR,
    DATE_SAME_YEAR,
    DATE_TWO_EDITS,
    DATE_DIFFERENT
};

enum { DATE_PARTS = 3, DATE_DIGITS_MAX = 16 };

/* Runs of digits in `raw`; returns their number, at most DATE_PARTS + 1. */
static unsigned digit_runs(struct ndc_str raw, struct ndc_str runs[DATE_PARTS + 1])
{
    unsigned n = 0;
    for (size_t i = 0; i < raw.len && n <= DATE_PARTS;) {
        if (raw.ptr[i] < '0' || raw.ptr[i] > '9') {
            i++;
            continue;
        }
        size_t from = i;
        while (i < raw.len && raw.ptr[i] >= '0' && raw.ptr[i] <= '9')
            i++;
        runs[n++] = ndc_str_n(raw.ptr + from, i - from);
    }
    return n;
}

static void add_two(struct ndc_buf *out, struct ndc_str part)
{
    if (part.len == 1) ndc_buf_add_byte(out, '0');
    ndc_buf_add_str(out, part);
}

void ndc_link_date_fold(struct ndc_buf *out, struct ndc_str raw)
{
    struct ndc_str r[DATE_PARTS + 1];
    unsigned n = digit_runs(raw, r);
    if (n >= 3 && r[0].len == 4 && r[1].len <= 2 && r[2].len <= 2) {
        ndc_buf_add_str(out, r[0]); /* a time of day may follow: not looked at */
        add_two(out, r[1]);
        add_two(out, r[2]);
    } else if (n >= 3 && r[2].len == 4 && r[0].len <= 2 && r[1].len <= 2) {
        ndc_buf_add_str(out, r[2]);
        add_two(out, r[1]);
        add_two(out, r[0]);
    } else if (n == 2 && r[0].len <= 2 && r[1].len == 4) {
        ndc_buf_add_str(out, r[1]);
        add_two(out, r[0]);
    } else {
        for (unsigned i = 0; i < n; i++) {
            struct ndc_str part = r[i];
            if (part.len > DATE_DIGITS_MAX) part.len = DATE_DIGITS_MAX;
            ndc_buf_add_str(out, part);
        }
    }
}

/* What is written when only the year is known. */
static bool first_of_january(struct ndc_str date)
{
    return memcmp(date.ptr + 4, "0101", 4) == 0;
}

uint8_t ndc_link_date_compare(const struct column *column, uint32_t a, uint32_t b)
{
    struct ndc_str x = ndc_dict_get(column->dict, a), y = ndc_dict_get(column->dict, b);
    size_t shorter = NDC_MIN(x.len, y.len);
    if (x.len != y.len && (shorter == 4 || shorter == 6))
        return memcmp(x.ptr, y.ptr, shorter) == 0 ? DATE_PARTIAL : DATE_DIFFERENT;
    unsigned distance = ndc_link_text_distance(x, y, 2);
    if (distance <= 1) return DATE_ONE_EDIT;
    if (x.len == 8 && y.len == 8) {
        bool year = memcmp(x.ptr, y.ptr, 4) == 0;
        if (year && memcmp(x.ptr + 4, y.ptr + 6, 2) == 0 &&
            memcmp(x.ptr + 6, y.ptr + 4, 2) == 0)
            return DATE_SWAPPED;
        if (year && (first_of_january(x) || first_of_january(y))) return DATE_PARTIAL;
        if (memcmp(x.ptr + 4, y.ptr + 4, 4) == 0) return DATE_OTHER_YEAR;
        if (year) return DATE_SAME_YEAR;
    }
    return distance == 2 ? DATE_TWO_EDITS : DATE_DIFFERENT;
}

/* Comparators for Latin names, free text, codes, identifiers, numbers and e-mail. Each
 * turns two different values into a level; how much a level weighs is learned. */
#include "platforms/registry/link/compare.h"
#include "platforms/registry/link/text.h"

#include <math.h>

static struct ndc_str value_of(const struct column *column, uint32_t id)
{
    return ndc_dict_get(column->dict, id);
}

/* Copies `s` without spaces; returns its length. */
static size_t squeeze(char *out, size_t max, struct ndc_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len && n < max; i++)
        if (s.ptr[i] != ' ') out[n++] = s.ptr[i];
    return n;
}

/* At most one edit apart: then at least one end is untouched, which is quick to see. */
static bool one_edit(struct ndc_str a, struct ndc_str b)
{
    if (a.len > b.len + 1 || b.len > a.len + 1) return false;
    if (a.ptr[0] != b.ptr[0] && a.ptr[a.len - 1] != b.ptr[b.len - 1]) return false;
    return ndc_link_text_distance(a, b, 1) <= 1;
}

static bool near_text(struct ndc_str a, struct ndc_str b, double similar)
{
    size_t shorter = NDC_MIN(a.len, b.len);
    if (shorter >= 4 && one_edit(a, b)) return true;
    if (shorter >= 9 && ndc_link_text_distance(a, b, 2) <= 2) return true;
    return shorter >= 3 && similar >= 0.92;
}

/* ---- name: one given name or surname ---- */

static const char *const name_levels[] = {"exact",   "variant", "near",
                                          "similar", "initial", "different"};
enum { NAME_VARIANT = 2, NAME_NEAR, NAME_SIMILAR, NAME_INITIAL, NAME_DIFFERENT };

static bool initial_of(struct ndc_str a, struct ndc_str b)
{
    return a.len > 0 && b.len > 0 && (a.len == 1 || b.len == 1) && a.ptr[0] == b.ptr[0];
}

static uint8_t name_compare(const struct column *column, uint32_t a, uint32_t b)
{
    struct ndc_str x = value_of(column, a), y = value_of(column, b);
    if (ndc_link_aliases_match(column->field->aliases, x, y)) return NAME_VARIANT;
    double similar = ndc_link_text_jaro_winkler(x, y);
    if (near_text(x, y, similar)) return NAME_NEAR;
    if (initial_of(x, y)) return NAME_INITIAL;
    if (similar >= 0.8) return NAME_SIMILAR;
    return NAME_DIFFERENT;
}

/* ---- text: a place, a street, anything short ---- */

static const char *const text_levels[] = {"exact", "near", "similar", "different"};

static uint8_t text_compare(const struct column *column, uint32_t a, uint32_t b)
{
    char left[128], right[128];
    struct ndc_str x = value_of(column, a), y = value_of(column, b);
    x = ndc_str_n(left, squeeze(left, sizeof left, x));
    y = ndc_str_n(right, squeeze(right, sizeof right, y));
    double similar = ndc_link_text_jaro_winkler(x, y);
    if (ndc_str_eq(x, y) || near_text(x, y, similar)) return 2;
    return similar >= 0.8 ? 3 : 4;
}

/* ---- code: postcodes, area codes: the front is the coarser part ---- */

static const char *const code_levels[] = {"exact", "one edit", "same district",
                                          "same area", "different"};

static size_t district_length(struct ndc_str s)
{
    size_t space = ndc_str_find(s, ' ');
    if (space < s.len) return space;
    return s.len > 2 ? s.len - 2 : s.len;
}

static size_t area_length(struct ndc_str s)
{
    size_t n = 0;
    while (n < s.len && s.ptr[n] >= 'a' && s.ptr[n] <= 'z')
        n++;
    return n > 0 ? n : NDC_MIN(s.len, (size_t)1);
}

static uint8_t code_compare(const struct column *column, uint32_t a, uint32_t b)
{
    struct ndc_str x = value_of(column, a), y = value_of(column, b);
    if (ndc_link_text_distance(x, y, 1) <= 1) return 2;
    size_t dx = district_length(x), dy = district_length(y);
    if (dx == dy && memcmp(x.ptr, y.ptr, dx) == 0) return 3;
    size_t ax = area_length(x), ay = area_length(y);
    if (ax == ay && memcmp(x.ptr, y.ptr, ax) == 0) return 4;
    return 5;
}

/* ---- id: an identifier; one slip of the pen is a level of its own ---- */

static const char *const id_levels[] = {"exact", "one edit", "two edits", "different"};

static uint8_t id_compare(const struct column *column, uint32_t a, uint32_t b)
{
    struct ndc_str x = value_of(column, a), y = value_of(column, b);
    if (NDC_MIN(x.len, y.len) < 5) return 4;
    unsigned d = ndc_link_text_distance(x, y, 2);
    return d <= 1 ? 2 : d == 2 ? 3 : 4;
}

/* ---- exact ---- */

static const char *const exact_levels[] = {"exact", "different"};

static uint8_t exact_compare(const struct column *column, uint32_t a, uint32_t b)
{
    (void)column;
    (void)a;
    (void)b;
    return 2;
}

/* ---- number ---- */

static const char *const number_levels[] = {"exact", "within tolerance", "one edit",
                                            "different"};

static uint8_t number_compare(const struct column *column, uint32_t a, uint32_t b)
{
    struct ndc_str x = value_of(column, a), y = value_of(column, b);
    double p, q;
    if (ndc_str_to_f64(x, &p) && ndc_str_to_f64(y, &q)) {
        if (p == q) return 1;
        double scale = fmax(fabs(p), fabs(q));
        if (fabs(p - q) <= column->field->tolerance * scale) return 2;
    }
    return ndc_link_text_distance(x, y, 1) <= 1 && NDC_MAX(x.len, y.len) > 1 ? 3 : 4;
}

/* ---- email ---- */

static const char *const email_levels[] = {"exact", "near", "same mailbox", "similar",
                                           "different"};

static uint8_t email_compare(const struct column *column, uint32_t a, uint32_t b)
{
    struct ndc_str x = value_of(column, a), y = value_of(column, b);
    if (ndc_link_text_distance(x, y, 2) <= 2) return 2;
    struct ndc_str p = ndc_str_n(x.ptr, ndc_str_find(x, '@'));
    struct ndc_str q = ndc_str_n(y.ptr, ndc_str_find(y, '@'));
    if (p.len > 0 && ndc_str_eq(p, q)) return 3;
    return ndc_link_text_jaro_winkler(p, q) >= 0.88 ? 4 : 5;
}

/* ---- tokens: many words in any order (names of firms, addresses) ---- */

static const char *const tokens_levels[] = {
    "exact", "same words", "contained", "most words", "half", "some", "nothing shared"};
enum { TOKENS_MAX = 16 };

/* Two words of some length that are one edit apart. */
static bool near_words(const struct word *a, const struct word *b)
{
    struct ndc_str x = a->text, y = b->text;
    if (x.len < 4 || x.len > y.len + 1 || y.len > x.len + 1) return false;
    if ((a->head & 0xff) != (b->head & 0xff) && x.ptr[x.len - 1] != y.ptr[y.len - 1])
        return false;
    return ndc_link_text_distance(x, y, 1) <= 1;
}

static uint64_t word_bit(const struct word *w)
{
    return 1ull << (w->head * 0x9e3779b97f4a7c15u >> 58);
}

/* Words of a found in b (each used once), near ones counting as found. */
static unsigned words_found(const struct word *a, unsigned na, const struct word *b,
                            unsigned nb)
{
    uint32_t left_a = (1u << na) - 1, left_b = (1u << nb) - 1;
    uint64_t some = 0;
    for (unsigned j = 0; j < nb; j++)
        some |= word_bit(&b[j]);
    for (unsigned i = 0; i < na; i++) {
        if (!(some & word_bit(&a[i]))) continue;
        for (uint32_t left = left_b; left; left &= left - 1) {
            if (!word_eq(&a[i], &b[__builtin_ctz(left)])) continue;
            left_a &= ~(1u << i);
            left_b &= ~(left & -left);
            break;
        }
    }
    for (uint32_t rest = left_a; rest; rest &= rest - 1) {
        unsigned i = (unsigned)__builtin_ctz(rest);
        for (uint32_t left = left_b; left && a[i].text.len >= 4; left &= left - 1) {
            if (!near_words(&a[i], &b[__builtin_ctz(left)])) continue;
            left_a &= ~(1u << i);
            left_b &= ~(left & -left);
            break;
        }
    }
    return na - (unsigned)__builtin_popcount(left_a);
}

static uint8_t tokens_compare(const struct column *column, uint32_t a, uint32_t b)
{
    struct word x[TOKENS_MAX], y[TOKENS_MAX];
    struct ndc_str s = value_of(column, a), t = value_of(column, b);
    unsigned nx = ndc_link_text_words(s, x, TOKENS_MAX),
             ny = ndc_link_text_words(t, y, TOKENS_MAX);
    unsigned found = words_found(x, nx, y, ny);
    unsigned shorter = NDC_MIN(nx, ny), longer = NDC_MAX(nx, ny);
    if (found == longer) return 2;
    if (found == shorter && found > 0) return 3;
    if (found * 3 >= longer * 2) return 4;
    if (found * 2 >= shorter && found > 0) return 5;
    if (found > 0) return 6;
    char left[128], right[128];
    s = ndc_str_n(left, squeeze(left, sizeof left, s));
    t = ndc_str_n(right, squeeze(right, sizeof right, t));
    return ndc_link_text_jaro_winkler(s, t) >= 0.9 ? 4 : 7;
}

/* ---- the table ---- */

#define LEVELS(names) names, NDC_ARRAY_LEN(names)

static const struct comparator comparators[] = {
    {"name", LEVELS(name_levels), true, ndc_link_text_fold_plain, NULL, name_compare},
    {"text", LEVELS(text_levels), true, ndc_link_text_fold_plain, NULL, text_compare},
    {"code", LEVELS(code_levels), true, ndc_link_text_fold_code, NULL, code_compare,
     true},
    {"id", LEVELS(id_levels), true, ndc_link_text_fold_code, NULL, id_compare, true},
    {"exact", LEVELS(exact_levels), true, ndc_link_text_fold_plain, NULL, exact_compare,
     true},
    {"number", LEVELS(number_levels), true, ndc_link_text_fold_code, NULL,
     number_compare},
    {"email", LEVELS(email_levels), true, ndc_link_text_fold_code, NULL, email_compare},
    {"tokens", LEVELS(tokens_levels), true, ndc_link_text_fold_plain, NULL,
     tokens_compare},
    {"date", LEVELS(ndc_link_date_levels), true, ndc_link_date_fold, NULL,
     ndc_link_date_compare, true},
    {"vi_name", LEVELS(ndc_link_vi_name_levels), true, ndc_link_text_fold_tones,
     ndc_link_vi_name_prepare, ndc_link_vi_name_compare, true},
};

const char *const ndc_link_comparator_names[] = {"name",  "text",    "code",  "id",
                                                 "exact", "number",  "email", "tokens",
                                                 "date",  "vi_name", NULL};

const struct comparator *ndc_link_comparator_find(const char *name)
{
    for (size_t i = 0; i < NDC_ARRAY_LEN(comparators); i++)
        if (strcmp(comparators[i].name, name) == 0) return &comparators[i];
    return NULL;
}

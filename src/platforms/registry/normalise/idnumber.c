/* Numbers of people, firms and things. Sources: Circular 59/2021/TT-BCA (structure of the
 * 12-digit number), Circular 105/2020/TT-BTC and 86/2024/TT-BTC (tax codes), Decision
 * 1351/QD-BHXH (insurance cards), Circular 24/2023/TT-BCA (plates). */
#include <threads.h>

#include "platforms/registry/normalise/normalise_internal.h"

enum { ID_DIGITS = 12, OLD_ID_DIGITS = 9, TAX_DIGITS = 10, SOCIAL_DIGITS = 10 };

/* The common start: digits out of noise, or why not. */
static enum ndc_norm_reason read_digits(char *digits, size_t cap, size_t *n,
                                        uint32_t *flags, struct ndc_str raw)
{
    bool confused = false, other = false;
    if (ndc_norm_is_missing(raw)) return NDC_NORM_MISSING;
    if (raw.len > NDC_NORM_VALUE_MAX) return NDC_NORM_TOO_LONG;
    *n = norm_digits(digits, cap, raw, &confused, &other);
    if (other || *n == 0) return NDC_NORM_ID_CHARACTERS;
    if (confused) *flags |= NDC_NORM_LOOKALIKE | NDC_NORM_REPAIRED;
    return NDC_NORM_OK;
}

static void pad_left(char *digits, size_t n, size_t want)
{
    memmove(digits + want - n, digits, n + 1);
    memset(digits, '0', want - n);
}

static unsigned number(const char *digits, unsigned n)
{
    unsigned v = 0;
    for (unsigned i = 0; i < n; i++)
        v = v * 10 + (unsigned)(digits[i] - '0');
    return v;
}

static bool provinces[100]; /* by code: exists */
static once_flag once = ONCE_FLAG_INIT;

static void find_provinces(void)
{
    for (unsigned code = 0; code < NDC_ARRAY_LEN(provinces); code++)
        provinces[code] = ndc_unit_find(NDC_UNIT_FORMER, NDC_UNIT_PROVINCE, code) != 0;
}

static bool province_known(unsigned code)
{
    call_once(&once, find_provinces);
    return code < NDC_ARRAY_LEN(provinces) && provinces[code];
}

enum ndc_norm_reason ndc_norm_person_id(struct ndc_norm_person_id *out,
                                        struct ndc_str raw, int year_now)
{
    char d[ID_DIGITS + 4];
    size_t n;
    *out = (struct ndc_norm_person_id){0};
    enum ndc_norm_reason reason = read_digits(d, sizeof(d), &n, &out->flags, raw);
    if (reason) return reason;
    /* Every province code begins with 0, and 001 to 008 with 00: what an integer column
     * loses. Ten digits are mended only if they then make sense (below). */
    if (n == ID_DIGITS - 1 || n == ID_DIGITS - 2) {
        pad_left(d, n, ID_DIGITS);
        out->flags |= NDC_NORM_REPAIRED;
    } else if (n != ID_DIGITS) {
        return NDC_NORM_ID_LENGTH;
    }
    unsigned province = number(d, 3), century = number(d + 3, 1);
    int year = 1900 + (int)century / 2 * 100 + (int)number(d + 4, 2);
    if (norm_repeated(d, ID_DIGITS)) return NDC_NORM_ID_REPEATED;
    if (!province_known(province))
        return n == ID_DIGITS - 2 ? NDC_NORM_ID_LENGTH : NDC_NORM_ID_PROVINCE;
    out->province = (uint8_t)province;
    out->sex = century % 2 ? NDC_SEX_FEMALE : NDC_SEX_MALE;
    out->birth_year = (int16_t)year;
    if (year_now && year > year_now)
        return n == ID_DIGITS - 2 ? NDC_NORM_ID_LENGTH : NDC_NORM_ID_CENTURY;
    memcpy(out->text, d, ID_DIGITS + 1);
    return NDC_NORM_OK;
}

enum ndc_norm_reason ndc_norm_person_id_check(const struct ndc_norm_person_id *id,
                                              enum ndc_norm_sex sex, int birth_year)
{
    if (id->birth_year && birth_year && id->birth_year != birth_year)
        return NDC_NORM_ID_YEAR_MISMATCH;
    if (id->sex && (sex == NDC_SEX_MALE || sex == NDC_SEX_FEMALE) && id->sex != sex)
        return NDC_NORM_ID_SEX_MISMATCH;
    return NDC_NORM_OK;
}

enum ndc_norm_reason ndc_norm_old_id(struct ndc_norm_value *out, struct ndc_str raw)
{
    char d[OLD_ID_DIGITS + 4];
    size_t n;
    *out = (struct ndc_norm_value){0};
    enum ndc_norm_reason reason = read_digits(d, sizeof(d), &n, &out->flags, raw);
    if (reason) return reason;
    if (n == OLD_ID_DIGITS - 1) {
        pad_left(d, n, OLD_ID_DIGITS);
        out->flags |= NDC_NORM_REPAIRED;
    } else if (n != OLD_ID_DIGITS) {
        return NDC_NORM_ID_LENGTH;
    }
    if (norm_repeated(d, OLD_ID_DIGITS)) return NDC_NORM_ID_REPEATED;
    return norm_value_set(out, d, OLD_ID_DIGITS);
}

/* A person's 12 digits where another number was; the flags come with it. */
static enum ndc_norm_reason personal(struct ndc_norm_value *out, const char *digits)
{
    struct ndc_norm_person_id id;
    enum ndc_norm_reason reason = ndc_norm_person_id(&id, ndc_str(digits), 0);
    return reason ? reason : norm_value_set(out, id.text, ID_DIGITS);
}

enum ndc_norm_reason ndc_norm_social_id(struct ndc_norm_value *out, struct ndc_str raw)
{
    char d[ID_DIGITS + 4];
    size_t n;
    *out = (struct ndc_norm_value){0};
    enum ndc_norm_reason reason = read_digits(d, sizeof(d), &n, &out->flags, raw);
    if (reason == NDC_NORM_ID_CHARACTERS) return NDC_NORM_INSURANCE_FORM;
    if (reason) return reason;
    if (n == ID_DIGITS) return personal(out, d) ? NDC_NORM_INSURANCE_FORM : NDC_NORM_OK;
    if (n == SOCIAL_DIGITS - 1) {
        pad_left(d, n, SOCIAL_DIGITS);
        out->flags |= NDC_NORM_REPAIRED;
    } else if (n != SOCIAL_DIGITS) {
        return NDC_NORM_INSURANCE_FORM;
    }
    if (norm_repeated(d, SOCIAL_DIGITS)) return NDC_NORM_ID_REPEATED;
    return norm_value_set(out, d, SOCIAL_DIGITS);
}

enum ndc_norm_reason ndc_norm_health_id(struct ndc_norm_value *out, struct ndc_str raw)
{
    char t[20];
    bool other = false;
    *out = (struct ndc_norm_value){0};
    if (ndc_norm_is_missing(raw)) return NDC_NORM_MISSING;
    if (raw.len > NDC_NORM_VALUE_MAX) return NDC_NORM_TOO_LONG;
    size_t n = norm_alnum(t, sizeof(t), raw, &other);
    if (other) return NDC_NORM_INSURANCE_FORM;
    if (n == 10 || n == 12) { /* the social insurance number alone */
        out->flags |= NDC_NORM_PARTIAL;
        uint32_t flags = out->flags;
        enum ndc_norm_reason reason = ndc_norm_social_id(out, ndc_str(t));
        out->flags |= flags;
        return reason;
    }
    if (n != 15) return NDC_NORM_INSURANCE_FORM;
    for (unsigned i = 0; i < 15; i++) {
        bool digit = t[i] >= '0' && t[i] <= '9';
        if (i >= 2 && t[i] == 'O') { /* the letter where a digit must be */
            t[i] = '0';
            digit = true;
            out->flags |= NDC_NORM_LOOKALIKE | NDC_NORM_REPAIRED;
        }
        if (digit != (i >= 2)) return NDC_NORM_INSURANCE_FORM;
    }
    if (t[2] < '1' || t[2] > '5' || (t[3] == '0' && t[4] == '0'))
        return NDC_NORM_INSURANCE_FORM;
    return norm_value_set(out, t, 15);
}

static bool tax_check(const char *d)
{
    static const int weights[] = {31, 29, 23, 19, 17, 13, 7, 5, 3};
    int sum = 0;
    for (int i = 0; i < 9; i++)
        sum += weights[i] * (d[i] - '0');
    return 10 - sum % 11 == d[9] - '0';
}

enum ndc_norm_reason ndc_norm_tax_code(struct ndc_norm_value *out, struct ndc_str raw)
{
    char d[20], text[20];
    size_t n;
    *out = (struct ndc_norm_value){0};
    enum ndc_norm_reason reason = read_digits(d, sizeof(d), &n, &out->flags, raw);
    if (reason == NDC_NORM_ID_CHARACTERS) return NDC_NORM_TAX_FORM;
    if (reason) return reason;
    if (n == ID_DIGITS && personal(out, d) == NDC_NORM_OK) return NDC_NORM_OK;
    if (n == 9 || n == 12) {
        pad_left(d, n, n + 1);
        out->flags |= NDC_NORM_REPAIRED;
        if (!tax_check(d)) return n == 12 ? NDC_NORM_ID_PROVINCE : NDC_NORM_TAX_FORM;
        n++;
    }
    if (n != TAX_DIGITS && n != 13) return NDC_NORM_TAX_FORM;
    if (norm_repeated(d, TAX_DIGITS)) return NDC_NORM_ID_REPEATED;
    if (!tax_check(d)) return NDC_NORM_TAX_CHECK_DIGIT;
    memcpy(text, d, TAX_DIGITS);
    if (n == TAX_DIGITS) return norm_value_set(out, text, TAX_DIGITS);
    text[TAX_DIGITS] = '-';
    memcpy(text + TAX_DIGITS + 1, d + TAX_DIGITS, 3);
    return norm_value_set(out, text, 14);
}

/* Letters and digits of the text as a pattern: runs counted. */
static unsigned run_of(const char *s, bool digits)
{
    unsigned n = 0;
    while (s[n] && (s[n] >= '0' && s[n] <= '9') == digits)
        n++;
    return n;
}

enum ndc_norm_reason ndc_norm_plate(struct ndc_norm_value *out, struct ndc_str raw)
{
    char t[16];
    bool other = false;
    *out = (struct ndc_norm_value){0};
    if (ndc_norm_is_missing(raw)) return NDC_NORM_MISSING;
    if (raw.len > NDC_NORM_VALUE_MAX) return NDC_NORM_TOO_LONG;
    size_t n = norm_alnum(t, sizeof(t), raw, &other);
    if (other || n < 6 || n > 10) return NDC_NORM_PLATE_FORM;
    unsigned head = run_of(t, true), letters = run_of(t + head, false);
    unsigned tail = run_of(t + head + letters, true);
    if (head + letters + tail != n || letters < 1 || letters > 2)
        return NDC_NORM_PLATE_FORM;
    bool civil = head == 2 && number(t, 2) >= 11 && tail >= 4 && tail <= 6;
    bool army = head == 0 && letters == 2 && (tail == 4 || tail == 5);
    bool foreign = head == 5 && letters == 2 && tail == 2; /* 80-123-NG-45 */
    if (!civil && !army && !foreign) return NDC_NORM_PLATE_FORM;
    return norm_value_set(out, t, n);
}

enum ndc_norm_reason ndc_norm_passport(struct ndc_norm_value *out, struct ndc_str raw)
{
    char t[16];
    bool other = false;
    *out = (struct ndc_norm_value){0};
    if (ndc_norm_is_missing(raw)) return NDC_NORM_MISSING;
    if (raw.len > NDC_NORM_VALUE_MAX) return NDC_NORM_TOO_LONG;
    size_t n = norm_alnum(t, sizeof(t), raw, &other);
    if (other || n < 6 || n > 9) return NDC_NORM_PASSPORT_FORM;
    unsigned letters = run_of(t, false), digits = 0;
    for (size_t i = 0; i < n; i++)
        digits += t[i] >= '0' && t[i] <= '9';
    bool vietnamese = letters == 1 && (n == 8 || n == 9) && digits == n - 1;
    if (!vietnamese) {
        if (digits < 4) return NDC_NORM_PASSPORT_FORM;
        out->flags |= NDC_NORM_FOREIGN;
    }
    return norm_value_set(out, t, n);
}

/* Telephone numbers to E.164. Sources: Circular 22/2014/TT-BTTTT with its amendments (the
 * numbering plan), Decision 2036/QD-BTTTT of 2016 (area codes of 2017), Decision
 * 798/QD-BTTTT of 2018 (11-digit mobile numbers to 10). */
#include "platforms/registry/normalise/normalise_internal.h"

/* Old mobile prefix without 0, and what replaced it on 2018-09-15. */
static const uint16_t converted[][2] = {
    {120, 70}, {121, 79}, {122, 77}, {126, 76}, {128, 78}, {123, 83}, {124, 84},
    {125, 85}, {127, 81}, {129, 82}, {162, 32}, {163, 33}, {164, 34}, {165, 35},
    {166, 36}, {167, 37}, {168, 38}, {169, 39}, {186, 56}, {188, 58}, {199, 59}};

static bool mobile_prefix(unsigned p)
{
    switch (p / 10) {
    case 3:
        return p >= 32;
    case 5:
        return p == 52 || p == 55 || p == 56 || p == 58 || p == 59;
    case 7:
        return p == 70 || p >= 76;
    case 8:
        return p >= 81;
    default:
        return p / 10 == 9;
    }
}

/* Three digits after the 0: 24x Hà Nội, 28x Hồ Chí Minh. */
static bool area_code(unsigned p)
{
    static const char known[] =
        "203 204 205 206 207 208 209 210 211 212 213 214 215 216 218 219 220 221 222 225 "
        "226 227 228 229 232 233 234 235 236 237 238 239 251 252 254 255 256 257 258 259 "
        "260 261 262 263 269 270 271 272 273 274 275 276 277 290 291 292 293 294 296 297 "
        "299 ";
    char key[4] = {(char)('0' + p / 100), (char)('0' + p / 10 % 10), (char)('0' + p % 10),
                   ' '};
    if (p / 10 == 24 || p / 10 == 28) return true;
    return memmem(known, sizeof(known) - 1, key, 4) != NULL;
}

/* The first of several numbers in one field. */
static struct ndc_str first_number(struct ndc_str raw, uint32_t *flags)
{
    size_t digits = 0;
    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.ptr[i];
        digits += c >= '0' && c <= '9';
        if ((c != ',' && c != ';' && c != '/' && c != '\n') || digits < 8) continue;
        *flags |= NDC_NORM_AMBIGUOUS;
        return ndc_str_n(raw.ptr, i);
    }
    return raw;
}

/* National digits after the 0, to E.164. */
static enum ndc_norm_reason national(struct ndc_norm_value *out, const char *d, size_t n)
{
    char text[16] = "+84";
    unsigned p2 = 0, p3 = 0;
    if (n < 9 || n > 10) return NDC_NORM_PHONE_FORM;
    p2 = (unsigned)(d[0] - '0') * 10 + (unsigned)(d[1] - '0');
    p3 = p2 * 10 + (unsigned)(d[2] - '0');
    if (n == 10 && d[0] == '1') {
        for (size_t i = 0; i < NDC_ARRAY_LEN(converted); i++) {
            if (converted[i][0] != p3) continue;
            text[3] = (char)('0' + converted[i][1] / 10);
            text[4] = (char)('0' + converted[i][1] % 10);
            memcpy(text + 5, d + 3, 7);
            out->flags |= NDC_NORM_CONVERTED;
            return norm_value_set(out, text, 12);
        }
        return NDC_NORM_PHONE_PREFIX;
    }
    if (n == 10) {
        if (d[0] != '2' || !area_code(p3)) return NDC_NORM_PHONE_PREFIX;
        out->flags |= NDC_NORM_LANDLINE;
        memcpy(text + 3, d, 10);
        return norm_value_set(out, text, 13);
    }
    if (d[0] == '4') { /* Hà Nội's area code before 2017 */
        memcpy(text + 3, "24", 2);
        memcpy(text + 5, d + 1, 8);
        out->flags |= NDC_NORM_CONVERTED | NDC_NORM_LANDLINE;
        return norm_value_set(out, text, 13);
    }
    if (!mobile_prefix(p2)) return NDC_NORM_PHONE_PREFIX;
    memcpy(text + 3, d, 9);
    return norm_value_set(out, text, 12);
}

enum ndc_norm_reason ndc_norm_phone(struct ndc_norm_value *out, struct ndc_str raw)
{
    char d[24], key[48];
    bool confused = false, other = false, plus;
    *out = (struct ndc_norm_value){0};
    raw = ndc_str_trim(raw);
    if (ndc_norm_is_missing(raw)) return NDC_NORM_MISSING;
    if (raw.len > NDC_NORM_VALUE_MAX) return NDC_NORM_TOO_LONG;
    raw = first_number(raw, &out->flags);
    if (raw.len >= sizeof(key)) return NDC_NORM_PHONE_FORM;
    /* Brackets and a leading + are part of how numbers are written. */
    size_t len = 0;
    for (size_t i = 0; i < raw.len; i++)
        if (raw.ptr[i] != '(' && raw.ptr[i] != ')') key[len++] = raw.ptr[i];
    plus = len > 0 && key[0] == '+';
    size_t n =
        norm_digits(d, sizeof(d), ndc_str_n(key + plus, len - plus), &confused, &other);
    if (other || n < 8 || n > 16) return NDC_NORM_PHONE_FORM;
    if (confused) out->flags |= NDC_NORM_LOOKALIKE | NDC_NORM_REPAIRED;
    const char *s = d;
    if (!plus && n > 4 && memcmp(d, "00", 2) == 0) {
        plus = true;
        s += 2;
        n -= 2;
    }
    if (plus || (n >= 11 && memcmp(s, "84", 2) == 0)) {
        if (memcmp(s, "84", 2) != 0) {
            char text[20] = "+";
            if (n < 8 || n > 15 || s[0] == '0') return NDC_NORM_PHONE_FORM;
            memcpy(text + 1, s, n);
            out->flags |= NDC_NORM_FOREIGN;
            return norm_value_set(out, text, n + 1);
        }
        s += 2;
        n -= 2;
        if (s[0] == '0' && n > 9) { /* +84 (0) 912 … */
            s++;
            n--;
        }
        return national(out, s, n);
    }
    if (s[0] == '0') return national(out, s + 1, n - 1);
    out->flags |= NDC_NORM_REPAIRED; /* the leading zero was lost */
    return national(out, s, n);
}

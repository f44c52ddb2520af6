/* What goes wrong between a person and a row: each source's habits and error rates, and
 * the errors themselves. The rates are judgements written down, not measurements of any
 * real database: docs/demo-nation.md lists them. */
#include "base/vntext.h"
#include "platforms/registry/demo/letter.h"
#include "platforms/registry/demo/record.h"

#include <stdio.h>

enum { NAME_BYTES = 2 * DEMO_NAME_BYTES + 8 };

const char *const demo_fault_names[DEMO_FAULTS] = {
    "name_typo",   "name_tone",  "name_toneless", "name_order", "name_short",
    "id_missing",  "id_old",     "id_digit",      "id_wrong",   "birth_swap",
    "birth_digit", "birth_year", "birth_missing", "sex_wrong",  "phone_old",
    "address_old", "unit_old",   "marital_old",   "duplicate"};

#define NAME(typo, tone, toneless, order, short_)                    \
    .name_typo = typo, .name_tone = tone, .name_toneless = toneless, \
    .name_order = order, .name_short = short_
#define ID(missing, old, digit, wrong) \
    .id_missing = missing, .id_old = old, .id_digit = digit, .id_wrong = wrong
#define BIRTH(swap, digit, year, missing) \
    .birth_swap = swap, .birth_digit = digit, .birth_year = year, .birth_missing = missing
#define REST(sex, phone, address, twice)                                  \
    .sex_wrong = sex, .phone_missing = phone, .address_missing = address, \
    .duplicate = twice

const struct demo_habit demo_habits[NDC_DEMO_SOURCES] = {
    [NDC_DEMO_POPULATION] = {DEMO_AS_WRITTEN, "d/m/Y", 3, true, false,
                             NAME(30, 40, 0, 0, 5), ID(40, 0, 4, 1), BIRTH(15, 10, 40, 0),
                             REST(5, 0, 10, 20)},
    [NDC_DEMO_RESIDENCE] = {DEMO_AS_WRITTEN, "d/m/Y", 3, true, false,
                            NAME(40, 60, 0, 0, 5), ID(120, 60, 10, 2),
                            BIRTH(20, 15, 60, 10), REST(10, 4500, 20, 40)},
    [NDC_DEMO_CIVIL_STATUS] = {DEMO_AS_WRITTEN, "d/m/Y", 25, false, false,
                               NAME(60, 90, 0, 10, 10), ID(1500, 300, 15, 3),
                               BIRTH(25, 20, 40, 0), REST(12, 0, 60, 60)},
    [NDC_DEMO_SOCIAL_INSURANCE] = {DEMO_AS_WRITTEN, "d/m/Y", 6, false, true,
                                   NAME(90, 140, 120, 0, 10), ID(350, 900, 30, 5),
                                   BIRTH(60, 40, 150, 0), REST(25, 2500, 200, 90)},
    [NDC_DEMO_HEALTH_INSURANCE] = {DEMO_CAPITALS, "Ymd", 4, false, true,
                                   NAME(100, 150, 150, 0, 10), ID(700, 900, 35, 8),
                                   BIRTH(50, 40, 400, 0), REST(30, 0, 150, 120)},
    [NDC_DEMO_HEALTH_RECORDS] = {DEMO_AS_WRITTEN, "Y-m-d", 5, false, true,
                                 NAME(200, 300, 250, 30, 60), ID(2600, 500, 60, 20),
                                 BIRTH(120, 90, 500, 60), REST(50, 1800, 400, 700)},
    [NDC_DEMO_LAND] = {DEMO_AS_WRITTEN, "d/m/Y", 25, false, false,
                       NAME(150, 220, 0, 0, 40), ID(600, 5200, 80, 15),
                       BIRTH(0, 60, 0, 400), REST(0, 0, 100, 80)},
    [NDC_DEMO_BUSINESS_REGISTRY] = {DEMO_AS_WRITTEN, "d/m/Y", 8, false, false,
                                    NAME(60, 0, 0, 0, 0), ID(200, 0, 0, 0),
                                    BIRTH(0, 0, 0, 0), REST(0, 2000, 0, 0)},
    [NDC_DEMO_TAX] = {DEMO_AS_WRITTEN, "d/m/Y", 8, false, false,
                      NAME(90, 130, 200, 0, 10), ID(150, 2200, 30, 8),
                      BIRTH(60, 40, 80, 500), REST(0, 3500, 150, 180)},
    [NDC_DEMO_VEHICLES] = {DEMO_CAPITALS, "d/m/Y", 14, false, true,
                           NAME(150, 200, 500, 0, 30), ID(500, 3600, 70, 25),
                           BIRTH(60, 50, 300, 1500), REST(0, 2500, 60, 0)},
    [NDC_DEMO_DRIVING_LICENCES] = {DEMO_AS_WRITTEN, "d-m-Y", 15, false, false,
                                   NAME(80, 110, 60, 60, 0), ID(250, 2600, 35, 6),
                                   BIRTH(45, 30, 60, 0), REST(0, 0, 60, 100)},
    [NDC_DEMO_EDUCATION] = {DEMO_AS_WRITTEN, "d/m/Y", 10, false, false,
                            NAME(110, 170, 40, 0, 20), ID(900, 150, 45, 10),
                            BIRTH(60, 50, 20, 30), REST(30, 1500, 250, 110)},
    [NDC_DEMO_LABOUR] = {DEMO_AS_WRITTEN, "d/m/Y", 4, false, true,
                         NAME(160, 220, 100, 20, 40), ID(600, 500, 60, 15),
                         BIRTH(80, 60, 700, 40), REST(30, 2000, 100, 150)},
    [NDC_DEMO_IMMIGRATION] = {DEMO_CAPITALS_PLAIN, "m/d/Y", 10, false, false,
                              NAME(40, 0, 0, 60, 5), ID(500, 1400, 20, 3),
                              BIRTH(20, 15, 0, 0), REST(8, 0, 0, 30)},
    [NDC_DEMO_JUSTICE] = {DEMO_AS_WRITTEN, "d/m/Y", 15, false, false,
                          NAME(90, 130, 0, 0, 20), ID(300, 1800, 30, 8),
                          BIRTH(40, 30, 250, 0), REST(10, 0, 60, 80)},
    [NDC_DEMO_BANK_ACCOUNTS] = {DEMO_CAPITALS_PLAIN, "Y-m-d", 9, false, false,
                                NAME(50, 0, 0, 10, 10), ID(30, 900, 12, 3),
                                BIRTH(25, 20, 30, 0), REST(15, 150, 200, 0)},
    [NDC_DEMO_TAX_ORGANISATIONS] = {DEMO_AS_WRITTEN, "d/m/Y", 8, false, true,
                                    NAME(60, 0, 0, 0, 0), ID(200, 0, 0, 0),
                                    BIRTH(0, 0, 0, 0), REST(0, 3000, 100, 0)},
    [NDC_DEMO_LAND_ORGANISATIONS] = {DEMO_AS_WRITTEN, "d/m/Y", 20, false, false,
                                     NAME(60, 0, 0, 0, 0), ID(1500, 0, 0, 0),
                                     BIRTH(0, 0, 0, 0), REST(0, 0, 150, 0)},
};

bool demo_errs(struct demo_record *r, uint16_t per_10000, enum demo_fault fault)
{
    if (ndc_rng_below(&r->rng, 10000) >= per_10000) return false;
    r->faults |= 1u << fault;
    return true;
}

/* ---- names ---- */

static size_t code_points(uint32_t *out, size_t max, const char *text)
{
    struct ndc_str s = ndc_str(text);
    size_t n = 0;
    while (s.len > 0 && n < max) {
        s = ndc_str_from(s, ndc_utf8_decode(s, &out[n++]));
    }
    return n;
}

static void write_points(char *out, size_t cap, const uint32_t *points, size_t n)
{
    size_t len = 0;
    for (size_t i = 0; i < n && len + 5 < cap; i++) {
        len += ndc_utf8_encode(out + len, points[i]);
    }
    out[len] = 0;
}

/* Keys that lie beside each other, in pairs. */
static uint32_t beside(uint32_t code, uint64_t *rng)
{
    static const char keys[] = "qwertyuiopasdfghjklzxcvbnm";
    const char *at = code < 0x80 && code >= 'a' ? strchr(keys, (int)code) : NULL;
    if (!at || !*at) return keys[ndc_rng_below(rng, sizeof(keys) - 1)] & 0xff;
    return (uint32_t)(at[1] && (at == keys || demo_chance(rng, 0.5)) ? at[1] : at[-1]);
}

static void typo(char *name, size_t cap, uint64_t *rng)
{
    uint32_t points[NAME_BYTES];
    size_t n = code_points(points, NAME_BYTES - 2, name);
    if (n < 5) return;
    size_t at = 1 + ndc_rng_below(rng, n - 2);
    if (points[at] == ' ') at++;
    switch (ndc_rng_below(rng, 4)) {
    case 0: /* dropped */
        memmove(&points[at], &points[at + 1], (n - at - 1) * sizeof(points[0]));
        n--;
        break;
    case 1: /* doubled */
        memmove(&points[at + 1], &points[at], (n - at) * sizeof(points[0]));
        n++;
        break;
    case 2: /* swapped */
        if (at + 1 < n && points[at + 1] != ' ') {
            uint32_t t = points[at];
            points[at] = points[at + 1];
            points[at + 1] = t;
            break;
        }
        /* fall through */
    default:
        points[at] = beside(points[at], rng);
        break;
    }
    write_points(name, cap, points, n);
}

/* One word's tone lost, or written as its neighbour: hook and tilde are heard alike. */
static void wrong_tone(char *name, size_t cap, uint64_t *rng)
{
    uint32_t points[NAME_BYTES];
    size_t n = code_points(points, NAME_BYTES, name), toned[NAME_BYTES], count = 0;
    for (size_t i = 0; i < n; i++) {
        if (demo_letter_of(points[i]).tone > 0) toned[count++] = i;
    }
    if (count == 0) return;
    size_t at = toned[ndc_rng_below(rng, count)];
    struct demo_letter letter = demo_letter_of(points[at]);
    static const uint8_t heard[DEMO_TONES] = {0, 0, 3, 2, 0, 0};
    letter.tone = demo_chance(rng, 0.5) ? heard[letter.tone] : 0;
    points[at] = demo_letter_code(letter);
    write_points(name, cap, points, n);
}

static void shorten(char *middle)
{
    char *space = strrchr(middle, ' ');
    if (space) {
        *space = 0;
    } else if (middle[0]) {
        struct ndc_str s = ndc_str(middle);
        uint32_t code;
        size_t n = ndc_utf8_decode(s, &code);
        if (n == s.len) return;
        middle[n] = '.';
        middle[n + 1] = 0;
    }
}

static void cased(char *out, size_t cap, const char *in, const struct demo_habit *habit)
{
    size_t len = ndc_str(in).len;
    NDC_ASSERT(2 * len < cap);
    switch (habit->name_case) {
    case DEMO_AS_WRITTEN:
        memcpy(out, in, len);
        break;
    case DEMO_CAPITALS:
        len = ndc_vn_upper(out, ndc_str(in));
        break;
    case DEMO_CAPITALS_PLAIN: {
        char plain[NAME_BYTES * 2];
        size_t n = demo_plain(plain, ndc_str(in));
        len = ndc_vn_upper(out, ndc_str_n(plain, n));
        break;
    }
    }
    out[len] = 0;
}

void demo_noisy_name(struct demo_record *r, char out[static NAME_BYTES],
                     const char *surname, const char *middle_in, const char *given)
{
    const struct demo_habit *habit = r->habit;
    char middle[DEMO_NAME_BYTES + 2], name[NAME_BYTES];
    demo_text(middle, sizeof(middle), "%s", middle_in);
    if (middle[0] && demo_errs(r, habit->name_short, DEMO_NAME_SHORT)) shorten(middle);
    const char *space = middle[0] ? " " : "";
    if (demo_errs(r, habit->name_order, DEMO_NAME_ORDER)) {
        demo_text(name, sizeof(name), "%s %s%s%s", given, surname, space, middle);
    } else {
        demo_text(name, sizeof(name), "%s%s%s %s", surname, space, middle, given);
    }
    name[DEMO_NAME_BYTES] = 0;
    if (demo_errs(r, habit->name_typo, DEMO_NAME_TYPO))
        typo(name, DEMO_NAME_BYTES, &r->rng);
    if (demo_errs(r, habit->name_tone, DEMO_NAME_TONE)) {
        wrong_tone(name, DEMO_NAME_BYTES, &r->rng);
    }
    if (demo_errs(r, habit->name_toneless, DEMO_NAME_TONELESS)) {
        char plain[NAME_BYTES];
        size_t n = demo_plain(plain, ndc_str(name));
        memcpy(name, plain, n);
        name[n] = 0;
    }
    cased(out, NAME_BYTES, name, habit);
}

void demo_put_name(struct demo_record *r)
{
    char name[NAME_BYTES];
    demo_noisy_name(r, name, r->p->surname, r->p->middle, r->p->given);
    demo_put(r->rows, name);
}

void demo_put_relative(struct demo_record *r, const char *full)
{
    char name[DEMO_NAME_BYTES + 4], out[NAME_BYTES];
    demo_text(name, sizeof(name), "%s", full);
    if (name[0] && ndc_rng_below(&r->rng, 10000) < r->habit->name_typo) {
        typo(name, DEMO_NAME_BYTES, &r->rng);
    }
    cased(out, sizeof(out), name, r->habit);
    demo_put(r->rows, out);
}

/* ---- numbers ---- */

static void misread(char *digits, uint64_t *rng)
{
    static const char alike[] = "8778965134"; /* by digit: what it is taken for */
    size_t len = strlen(digits);
    if (len < 4) return;
    size_t at = 1 + ndc_rng_below(rng, len - 2);
    if (demo_chance(rng, 0.35) && digits[at] != digits[at + 1]) {
        char t = digits[at];
        digits[at] = digits[at + 1];
        digits[at + 1] = t;
    } else {
        digits[at] = alike[digits[at] - '0'];
    }
}

void demo_stranger_id(struct demo_record *r, char out[static 13])
{
    /* Of the same village: mix-ups happen in one office. */
    const struct demo_village *village = r->village;
    const struct demo_person *other = &village->p[ndc_rng_below(&r->rng, village->count)];
    demo_text(out, 13, "%s", other->id);
}

void demo_put_id(struct demo_record *r)
{
    const struct demo_habit *habit = r->habit;
    char id[13];
    demo_text(id, sizeof(id), "%s", r->p->id);
    /* The older the record, the likelier the old number. */
    enum { CARDS_SINCE = 18628 /* 2021-01-01 */ };
    uint16_t old = habit->id_old;
    old = r->day < CARDS_SINCE ? (uint16_t)NDC_MIN(9000, old * 3) : (uint16_t)(old / 3);
    if (!r->p->has_id || demo_errs(r, habit->id_missing, DEMO_ID_MISSING)) {
        r->faults |= 1u << DEMO_ID_MISSING;
        demo_put(r->rows, "");
        return;
    }
    if (r->p->has_old_id && demo_errs(r, old, DEMO_ID_OLD)) {
        demo_text(id, sizeof(id), "%s", r->p->old_id);
    } else if (demo_errs(r, habit->id_wrong, DEMO_ID_WRONG)) {
        demo_stranger_id(r, id);
    }
    if (demo_errs(r, habit->id_digit, DEMO_ID_DIGIT)) misread(id, &r->rng);
    demo_put(r->rows, id);
}

void demo_put_phone(struct demo_record *r)
{
    const struct demo_person *p = r->p;
    const char *phone = p->phone;
    if (p->old_phone[0] && r->day < p->phone_day) {
        phone = p->old_phone;
        r->faults |= 1u << DEMO_PHONE_OLD;
    }
    if (!phone[0] || ndc_rng_below(&r->rng, 10000) < r->habit->phone_missing) {
        r->faults &= ~(1u << DEMO_PHONE_OLD);
        demo_put(r->rows, "");
        return;
    }
    switch (r->habit->name_typo > 80 ? ndc_rng_below(&r->rng, 14) : 0) {
    case 11:
        demo_putf(r->rows, "%.4s.%.3s.%s", phone, phone + 4, phone + 7);
        break;
    case 12:
        demo_putf(r->rows, "+84%s", phone + 1);
        break;
    case 13:
        demo_putf(r->rows, "%.4s %.3s %s", phone, phone + 4, phone + 7);
        break;
    default:
        demo_put(r->rows, phone);
        break;
    }
}

/* ---- dates ---- */

static void format_date(struct demo_rows *rows, const char *form, struct ndc_date date)
{
    char out[16];
    size_t len = 0;
    for (const char *c = form; *c && len + 5 < sizeof(out); c++) {
        if (*c == 'd')
            len += demo_text(out + len, 5, "%02u", date.day % 100u);
        else if (*c == 'm')
            len += demo_text(out + len, 5, "%02u", date.month % 100u);
        else if (*c == 'Y')
            len += demo_text(out + len, 5, "%04d", date.year % 10000);
        else
            out[len++] = *c;
    }
    demo_put_n(rows, out, len);
}

void demo_put_date(struct demo_record *r, int32_t day)
{
    format_date(r->rows, r->habit->date, ndc_date_from_days(day));
}

void demo_put_birth(struct demo_record *r)
{
    const struct demo_habit *habit = r->habit;
    struct ndc_date date = ndc_date_from_days(r->p->birth);
    bool old = date.year < 1975;
    if (demo_errs(r, habit->birth_missing, DEMO_BIRTH_MISSING)) {
        demo_put(r->rows, "");
        return;
    }
    if (r->p->year_only ||
        demo_errs(r, old ? (uint16_t)(habit->birth_year * 2) : habit->birth_year / 4,
                  DEMO_BIRTH_YEAR)) {
        if (demo_chance(&r->rng, 0.3)) {
            format_date(r->rows, habit->date, (struct ndc_date){date.year, 1, 1});
        } else {
            demo_putf(r->rows, "%d", date.year);
        }
        return;
    }
    if (date.day <= 12 && date.day != date.month &&
        demo_errs(r, (uint16_t)(habit->birth_swap * 2.6), DEMO_BIRTH_SWAP)) {
        uint8_t t = date.day;
        date.day = date.month;
        date.month = t;
    } else if (demo_errs(r, habit->birth_digit, DEMO_BIRTH_DIGIT)) {
        int off = demo_chance(&r->rng, 0.5) ? 1 : -1;
        switch (ndc_rng_below(&r->rng, 3)) {
        case 0:
            date.year =
                (int16_t)(date.year + (demo_chance(&r->rng, 0.3) ? 10 * off : off));
            break;
        case 1:
            date.month = (uint8_t)(date.month == 1 ? 2 : date.month - 1);
            break;
        default:
            date.day = (uint8_t)(date.day == 1 ? 2 : date.day - 1);
            break;
        }
        if (!ndc_date_valid(date)) date.day = 28;
    }
    format_date(r->rows, habit->date, date);
}

/* ---- the rest ---- */

bool demo_sex_known(struct demo_record *r)
{
    bool female = r->p->sex == 1;
    return demo_errs(r, r->habit->sex_wrong, DEMO_SEX_WRONG) ? !female : female;
}

enum demo_marital demo_marital_known(struct demo_record *r)
{
    const struct demo_person *p = r->p;
    if (p->marital == DEMO_SINGLE || r->day >= p->marital_day) return p->marital;
    r->faults |= 1u << DEMO_MARITAL_OLD;
    return r->day < p->marriage ? DEMO_SINGLE : DEMO_MARRIED;
}

/* "Phường" as "P.", "Thành phố" as "TP.": how clerks shorten units. */
static void short_unit(char *out, size_t cap, const char *full)
{
    static const char *const forms[][2] = {
        {"Phường ", "P. "}, {"Xã ", "X. "},      {"Thị trấn ", "TT. "},  {"Quận ", "Q. "},
        {"Huyện ", "H. "},  {"Thị xã ", "TX. "}, {"Thành phố ", "TP. "}, {"Tỉnh ", ""}};
    for (size_t i = 0; i < NDC_ARRAY_LEN(forms); i++) {
        size_t n = strlen(forms[i][0]);
        if (strncmp(full, forms[i][0], n) != 0) continue;
        demo_text(out, cap, "%s%s", forms[i][1], full + n);
        return;
    }
    demo_text(out, cap, "%s", full);
}

void demo_put_unit_text(struct demo_record *r, struct demo_address address, bool street)
{
    const struct demo_places *places = &r->nation->places;
    const struct demo_commune *commune = &places->communes[address.commune];
    const struct demo_province *province = &places->provinces[commune->province];
    bool now = r->habit->units_now || r->day >= DEMO_UNITS_CHANGED;
    if (!now) r->faults |= 1u << DEMO_ADDRESS_UNIT;
    const struct demo_new_commune *new_commune = demo_new_commune(places, address);
    const char *units[3] = {
        now ? new_commune->full : commune->full, now ? NULL : commune->district,
        now ? places->now[new_commune->province].full : province->full};
    bool abbreviate = r->habit->abbreviates && demo_chance(&r->rng, 0.4);
    bool plain = r->habit->name_case == DEMO_CAPITALS_PLAIN;
    char text[512], unit[128], road[DEMO_STREET_BYTES] = "";
    if (street) demo_street(road, places, address);
    size_t len = demo_text(text, sizeof(text), "%s", road);
    for (unsigned i = 0; i < 3; i++) {
        if (!units[i]) continue;
        if (abbreviate) {
            short_unit(unit, sizeof(unit), units[i]);
        } else if (i == 2 && demo_chance(&r->rng, 0.5)) {
            const char *bare =
                now ? places->now[new_commune->province].name : province->name;
            demo_text(unit, sizeof(unit), "%s", bare);
        } else {
            demo_text(unit, sizeof(unit), "%s", units[i]);
        }
        len += demo_text(text + len, sizeof(text) - len, "%s%s", len ? ", " : "", unit);
    }
    if (plain) {
        char ascii[512];
        size_t n = demo_plain(ascii, ndc_str_n(text, len));
        demo_put_n(r->rows, ascii, n);
    } else {
        demo_put_n(r->rows, text, len);
    }
}

void demo_put_address(struct demo_record *r, bool current)
{
    const struct demo_person *p = r->p;
    if (ndc_rng_below(&r->rng, 10000) < r->habit->address_missing) {
        demo_put(r->rows, "");
        return;
    }
    if (r->day < (current ? p->current_day : p->permanent_day)) {
        r->faults |= 1u << DEMO_ADDRESS_OLD;
    }
    demo_put_unit_text(
        r, current ? demo_current_at(p, r->day) : demo_permanent_at(p, r->day), true);
}

/* People: names along the father's line, numbers, schooling and work, homes and moves. */
#include "base/vntext.h"
#include "platforms/registry/demo/letter.h"
#include "platforms/registry/demo/organisation.h"

#include <stdio.h>

static void full_name(struct demo_person *p)
{
    demo_text(p->name, sizeof(p->name), "%s%s%s %s", p->surname, p->middle[0] ? " " : "",
              p->middle, p->given);
}

/* A parent who is not of the nation: a name of the right time, sometimes a number. */
static void absent_parent(const struct demo_nation *nation,
                          char name[static DEMO_NAME_BYTES],
                          const struct demo_village *village, const struct demo_person *p,
                          unsigned sex, uint64_t *rng)
{
    char middle[DEMO_NAME_BYTES];
    const char *given, *surname = p->surname;
    unsigned region = nation->places.provinces[village->province].region;
    int year = ndc_date_from_days(p->birth).year - demo_between(rng, 20, 34);
    if (sex) surname = demo_surname(&nation->names, rng, p->people, region);
    demo_given(&nation->names, rng, sex, year, middle, &given);
    demo_text(name, DEMO_NAME_BYTES, "%s%s%s %s", surname, middle[0] ? " " : "", middle,
              given);
}

static void name_person(const struct demo_nation *nation, struct demo_village *village,
                        unsigned i, uint64_t *rng)
{
    struct demo_person *p = &village->p[i];
    unsigned region = nation->places.provinces[village->province].region;
    const struct demo_person *father =
        p->father == DEMO_NONE ? NULL : &village->p[p->father];
    const struct demo_person *mother =
        p->mother == DEMO_NONE ? NULL : &village->p[p->mother];
    p->people = village->people;
    if (!father && !mother && demo_chance(rng, village->people ? 0.12 : 0.015)) {
        p->people = (uint8_t)(village->people ? 0 : ndc_rng_below(rng, DEMO_PEOPLES));
    }
    if (father) p->people = father->people;
    if (!father && mother) p->people = mother->people;
    p->surname = father ? father->surname
                 : mother && !demo_chance(rng, 0.5)
                     ? mother->surname
                     : demo_surname(&nation->names, rng, p->people, region);
    int year = ndc_date_from_days(p->birth).year;
    for (unsigned tries = 0; tries < 4; tries++) {
        demo_given(&nation->names, rng, p->sex, year, p->middle, &p->given);
        bool as_parent = (father && father->given == p->given) ||
                         (mother && mother->given == p->given);
        if (!as_parent) break;
    }
    full_name(p);
    if (father) {
        demo_text(p->father_name, sizeof(p->father_name), "%s", father->name);
        demo_text(p->father_id, sizeof(p->father_id), "%s", father->id);
    } else if (!mother || demo_chance(rng, 0.6)) {
        absent_parent(nation, p->father_name, village, p, 0, rng);
    }
    if (mother) {
        demo_text(p->mother_name, sizeof(p->mother_name), "%s", mother->name);
        demo_text(p->mother_id, sizeof(p->mother_id), "%s", mother->id);
    } else {
        absent_parent(nation, p->mother_name, village, p, 1, rng);
    }
}

/* 12 digits as the law has them: province of registration, century and sex, year, and six
 * that are unique in these by permuting the village's rank and a place within it. */
static void number_person(const struct demo_nation *nation,
                          const struct demo_village *village, struct demo_person *p,
                          unsigned nth)
{
    unsigned code = nation->places.provinces[village->province].code;
    int year = ndc_date_from_days(p->birth).year;
    unsigned century = (year >= 2000 ? 2u : 0u) + p->sex;
    uint64_t cell = (uint64_t)code * 4000 + century * 100 + (unsigned)year % 100;
    uint64_t key = demo_stream(nation->config.seed, DEMO_FOR_NUMBERS, cell);
    uint64_t serial =
        demo_permute((uint64_t)village->rank * DEMO_YEAR_SLOTS + nth, 1000000, key);
    demo_text(p->id, sizeof(p->id), "%03u%u%02d%06u", code % 1000, century % 10,
              year % 100, (unsigned)serial % 1000000);
    p->has_id = p->key % 1000 >= 4;
}

static void old_number(const struct demo_nation *nation,
                       const struct demo_village *village, struct demo_person *p,
                       unsigned *used)
{
    int year = ndc_date_from_days(p->birth).year;
    if (year > 2004 || *used >= DEMO_OLD_ID_SLOTS || p->key / 1000 % 100 < 6) return;
    unsigned prefix =
        demo_old_id_prefix(nation->places.provinces[village->province].code);
    uint64_t key = demo_stream(nation->config.seed, DEMO_FOR_NUMBERS, 1u << 24 | prefix);
    uint64_t rank = (uint64_t)village->old_rank * DEMO_OLD_ID_SLOTS + (*used)++;
    demo_text(p->old_id, sizeof(p->old_id), "%02u%07u", prefix % 100,
              (unsigned)demo_permute(rank, 10000000, key) % 10000000);
    p->has_old_id = true;
}

static void phones(const struct demo_nation *nation, struct demo_person *p, uint64_t *rng)
{
    static const char prefixes[][4] = {"086", "096", "097", "098", "032", "033", "034",
                                       "035", "036", "037", "038", "039", "089", "090",
                                       "093", "070", "076", "077", "078", "079", "088",
                                       "091", "094", "081", "082", "083", "084", "085",
                                       "092", "052", "056", "058", "099", "059"};
    int age = demo_age(nation, p);
    double have = age < 12 ? 0 : age < 16 ? 0.45 : age < 70 ? 0.97 : 0.62;
    if (!demo_chance(rng, have)) return;
    uint64_t key = demo_stream(nation->config.seed, DEMO_FOR_NUMBERS, 2u << 24);
    uint64_t size = NDC_ARRAY_LEN(prefixes) * 10000000ull;
    uint64_t n = demo_permute(p->number * 2, size, key);
    demo_text(p->phone, sizeof(p->phone), "%s%07u", prefixes[n / 10000000],
              (unsigned)(n % 10000000));
    if (age >= 20 && demo_chance(rng, 0.3)) {
        n = demo_permute(p->number * 2 - 1, size, key);
        demo_text(p->old_phone, sizeof(p->old_phone), "%s%07u", prefixes[n / 10000000],
                  (unsigned)(n % 10000000));
        p->phone_day = nation->today - demo_between(rng, 60, 12 * 365);
    }
}

static void email(const struct demo_nation *nation, struct demo_person *p, uint64_t *rng)
{
    int age = demo_age(nation, p), year = ndc_date_from_days(p->birth).year;
    double have = age < 15 ? 0 : age < 40 ? 0.6 : age < 60 ? 0.25 : 0.05;
    if (!demo_chance(rng, have)) return;
    char text[2 * DEMO_NAME_BYTES], local[2 * DEMO_NAME_BYTES];
    size_t n = demo_plain(text, ndc_str(p->given));
    n += demo_plain(text + n, ndc_str(p->surname));
    n = ndc_vn_lower(local, ndc_str_n(text, n));
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (local[i] >= 'a' && local[i] <= 'z') local[kept++] = local[i];
    }
    demo_text(p->email, sizeof(p->email), "%.*s%02d%02u@%s",
              (int)NDC_MIN(kept, (size_t)30), local, year % 100,
              (unsigned)(p->key >> 8) % 100,
              demo_chance(rng, 0.85) ? "gmail.com" : "yahoo.com.vn");
}

static void schooling_and_work(const struct demo_nation *nation,
                               const struct demo_village *village, struct demo_person *p,
                               uint64_t *rng)
{
    int age = demo_age(nation, p), year = ndc_date_from_days(p->birth).year;
    bool town = nation->places.communes[village->commune].urban;
    /* A draw stretched by where and when one grew up: above 1 nothing was finished. */
    double u = ndc_rng_unit(rng) * (town ? 0.7 : 1.05) * (p->people == 5 ? 1.4 : 1) *
               (year > 1985   ? 0.8
                : year < 1960 ? 1.25
                              : 1);
    if (age < 25) {
        p->schooling = age < 11               ? DEMO_NO_SCHOOL
                       : age < 15             ? DEMO_PRIMARY
                       : age < 18 || u > 0.6  ? DEMO_LOWER
                       : age < 22 || u > 0.13 ? DEMO_UPPER
                                              : DEMO_BACHELOR;
    } else {
        p->schooling = u < 0.008   ? DEMO_MASTER
                       : u < 0.105 ? DEMO_BACHELOR
                       : u < 0.18  ? DEMO_TRADE
                       : u < 0.36  ? DEMO_UPPER
                       : u < 0.7   ? DEMO_LOWER
                       : u < 0.97  ? DEMO_PRIMARY
                                   : DEMO_NO_SCHOOL;
    }
    p->works = age >= 18 && demo_chance(rng, age < 23   ? 0.55
                                             : age < 55 ? 0.9
                                             : age < 65 ? 0.62
                                                        : 0.22);
    double formal = p->schooling >= DEMO_TRADE   ? 0.78
                    : p->schooling == DEMO_UPPER ? 0.42
                                                 : 0.2;
    if (age > 50) formal *= 0.65;
    p->formal = p->works && age < 62 && demo_chance(rng, formal);
    p->farmer = p->works && !p->formal && !town && demo_chance(rng, 0.62);
    p->pensioner = age >= 58 && !p->formal && demo_chance(rng, town ? 0.34 : 0.14);
    p->occupation = (uint8_t)ndc_rng_below(rng, 256);
    double pay =
        8200 * (p->schooling >= DEMO_BACHELOR ? 1.7 : 1) * (p->formal ? 1.1 : 0.75);
    double luck = demo_normal(rng);
    pay *= 1 + 0.35 * NDC_MAX(luck, -1.8);
    p->salary = p->works ? (uint32_t)(pay / 50) * 50 : 0;
}

static struct demo_address address_in(const struct demo_places *places, unsigned province,
                                      uint64_t *rng)
{
    const struct demo_province *to = &places->provinces[province];
    uint32_t commune =
        to->first_commune + (uint32_t)demo_pick(rng, to->weights, to->commune_count);
    return (struct demo_address){commune, (uint32_t)ndc_rng_next(rng)};
}

/* Where one who leaves `from` goes: half within the province, the rest where the country
 * goes. */
static struct demo_address destination(const struct demo_nation *nation, unsigned from,
                                       uint64_t *rng)
{
    unsigned to = from;
    if (demo_chance(rng, 0.62)) {
        to = (unsigned)demo_pick(rng, nation->places.moves_to, DEMO_FORMER_PROVINCES);
    }
    return address_in(&nation->places, to, rng);
}

/* Where each household lives and lived: all move together, or only live elsewhere while
 * their permanent residence stays. */
static void settle_household(const struct demo_nation *nation,
                             struct demo_village *village, unsigned h, uint64_t *rng)
{
    struct demo_household *household = &village->households[h];
    const struct demo_person *head = &village->p[household->head];
    int age = demo_age(nation, head);
    double leave = age < 25 ? 0.22 : age < 45 ? 0.34 : age < 60 ? 0.16 : 0.07;
    bool moved = !head->dead && demo_chance(rng, leave);
    bool wholly = demo_chance(rng, 0.55);
    struct demo_address to = destination(nation, village->province, rng);
    double years = 14 * ndc_rng_unit(rng) * ndc_rng_unit(rng);
    int32_t day = nation->today - 1 - (int32_t)(years * 365);
    for (unsigned i = 0; i < village->count; i++) {
        struct demo_person *p = &village->p[i];
        if (p->household != h) continue;
        p->permanent = p->permanent_before = p->current = p->current_before =
            household->home;
        p->permanent_day = p->current_day = p->birth;
        bool gone = moved && !(p->dead && p->death < day);
        if (!gone) continue;
        p->current = to;
        p->current_day = NDC_MAX(day, p->birth);
        if (p->birth > day) p->current_before = to;
        if (!wholly) continue;
        p->permanent = to;
        p->permanent_day = p->current_day;
        if (p->birth > day) p->permanent_before = to;
    }
}

/* Young people who study or work away from a household that stays. */
static void leave_alone(const struct demo_nation *nation,
                        const struct demo_village *village, struct demo_person *p,
                        uint64_t *rng)
{
    int age = demo_age(nation, p);
    if (p->dead || age < 18 || age > 32 || p->spouse != DEMO_NONE) return;
    if (!demo_chance(rng, 0.3)) return;
    p->current_before = p->current;
    p->current = destination(nation, village->province, rng);
    p->current_day = nation->today - 1 -
                     (int32_t)ndc_rng_below(rng, (uint64_t)NDC_MAX(age - 17, 1) * 365);
}

void demo_people_fill(const struct demo_nation *nation, struct demo_village *village)
{
    uint8_t nth[2][DEMO_AGE_MAX + 3] = {{0}};
    unsigned old_used = 0;
    uint64_t rng = demo_stream(nation->config.seed, DEMO_FOR_VILLAGE, ~village->number);
    for (unsigned h = 0; h < village->household_count; h++) {
        settle_household(nation, village, h, &rng);
    }
    for (unsigned i = 0; i < village->count; i++) {
        struct demo_person *p = &village->p[i];
        uint64_t own = p->key;
        int age = NDC_MIN(nation->today_year - ndc_date_from_days(p->birth).year,
                          DEMO_AGE_MAX + 2);
        number_person(nation, village, p, nth[p->sex][age]++);
        name_person(nation, village, i, &own);
        old_number(nation, village, p, &old_used);
        phones(nation, p, &own);
        email(nation, p, &own);
        schooling_and_work(nation, village, p, &own);
        leave_alone(nation, village, p, &own);
        struct ndc_date born = ndc_date_from_days(p->birth);
        p->year_only = born.year < 1965 && demo_chance(&own, (1965 - born.year) * 0.007);
        p->religion = (uint8_t)(demo_chance(&own, 0.86) ? 0 : demo_between(&own, 1, 5));
        p->blood = (uint8_t)ndc_rng_below(&own, 100);
        p->origin = (struct demo_address){village->commune, 0};
        p->birth_place = p->origin;
        if (p->mother == DEMO_NONE && demo_chance(&own, 0.1)) {
            p->birth_place = address_in(&nation->places, village->province, &own);
        }
        unsigned now = nation->places.communes[p->current.commune].province;
        if (p->formal) p->employer = demo_org_employer(nation, &own, now);
        if (p->spouse == DEMO_NONE || village->p[p->spouse].household != p->household)
            continue;
        /* Couples live together whatever each drew. */
        if (p->spouse < (int16_t)i) {
            p->current = village->p[p->spouse].current;
            p->current_before = village->p[p->spouse].current_before;
            p->current_day = village->p[p->spouse].current_day;
        }
    }
}

struct demo_address demo_permanent_at(const struct demo_person *person, int32_t day)
{
    return day < person->permanent_day ? person->permanent_before : person->permanent;
}

struct demo_address demo_current_at(const struct demo_person *person, int32_t day)
{
    return day < person->current_day ? person->current_before : person->current;
}

/* Names: surnames by people and region, middle and given names by sex and time of birth.
 * What exists and how often comes from names.inc. */
#include "platforms/registry/demo/nation.h"

#include <stdio.h>

struct demo_surname {
    const char *text;
    uint32_t weights[3]; /* north, central, south */
};
struct demo_word {
    const char *text;
    uint16_t weight;
};
struct demo_given {
    const char *text;
    uint16_t weights[3];             /* born before 1966, 1966 to 1995, later */
    uint16_t pair_start, pair_count; /* middle words that go with it */
};
struct demo_people {
    const char *name, *surnames; /* surnames: spaces between, '|' is a space inside one */
};

#include "platforms/registry/demo/names.inc"

enum { RARE_SURNAME = 100 }; /* a weight below it: mostly not Kinh */

/* Per mille of a former province's people who are not Kinh, by people (census 2019,
 * rounded; index into peoples[] + 1). */
static const struct {
    uint8_t code, people;
    uint16_t share;
} minorities[] = {
    {2, 5, 330},  {2, 1, 230},  {2, 6, 150},  {2, 4, 100},  {4, 1, 410},   {4, 4, 300},
    {4, 5, 110},  {4, 6, 100},  {6, 1, 525},  {6, 6, 180},  {6, 4, 90},    {6, 5, 70},
    {8, 1, 255},  {8, 6, 130},  {8, 5, 28},   {10, 5, 250}, {10, 1, 160},  {10, 6, 145},
    {10, 4, 40},  {11, 5, 380}, {11, 2, 360}, {12, 2, 310}, {12, 5, 240},  {12, 6, 130},
    {14, 2, 535}, {14, 5, 160}, {14, 3, 70},  {15, 1, 185}, {15, 5, 130},  {15, 6, 120},
    {15, 2, 80},  {17, 3, 640}, {17, 2, 40},  {17, 1, 30},  {19, 1, 120},  {19, 4, 70},
    {20, 4, 430}, {20, 1, 360}, {22, 6, 55},  {22, 1, 30},  {24, 4, 50},   {24, 1, 40},
    {25, 3, 150}, {37, 3, 28},  {38, 3, 100}, {38, 2, 62},  {40, 2, 100},  {58, 11, 115},
    {62, 9, 80},  {62, 2, 30},  {64, 9, 330}, {64, 4, 20},  {66, 10, 185}, {66, 4, 45},
    {66, 1, 32},  {67, 5, 55},  {67, 4, 45},  {68, 4, 35},  {84, 7, 310},  {94, 7, 300},
    {94, 8, 52},  {95, 7, 80},  {91, 7, 120}, {89, 7, 40},  {79, 8, 42},   {75, 8, 28},
    {60, 11, 32}, {92, 7, 18},  {96, 7, 22},
};

static uint32_t *cumulate(struct ndc_arena *arena, size_t n)
{
    return NDC_ARENA_ARRAY(arena, uint32_t, n);
}

static void load_surnames(struct demo_names *names, struct ndc_arena *arena)
{
    for (unsigned any = 0; any < 2; any++) {
        for (unsigned region = 0; region < 3; region++) {
            uint32_t *sums = cumulate(arena, NDC_ARRAY_LEN(surnames)), sum = 0;
            for (size_t i = 0; i < NDC_ARRAY_LEN(surnames); i++) {
                uint32_t weight = surnames[i].weights[region] * 20;
                /* Over half of the rare names belong to other peoples. */
                if (!any && weight < RARE_SURNAME * 20) weight /= 8;
                sums[i] = sum += weight;
            }
            names->surnames[any][region] = sums;
        }
    }
    for (unsigned people = 1; people < DEMO_PEOPLES; people++) {
        struct ndc_str rest = ndc_str(peoples[people - 1].surnames), part;
        unsigned *n = &names->people_count[people];
        while (ndc_str_split(&rest, ' ', &part) && *n < DEMO_PEOPLE_SURNAMES) {
            char *text = ndc_arena_cstr(arena, part);
            for (char *c = text; *c; c++) {
                if (*c == '|') *c = ' ';
            }
            names->people_names[people][(*n)++] = text;
        }
    }
}

static const struct {
    const struct demo_given *given;
    size_t given_count;
    const struct demo_word *middles;
    size_t middle_count;
    const uint16_t *pairs;
} by_sex[2] = {
    {male_given, NDC_ARRAY_LEN(male_given), male_middles, NDC_ARRAY_LEN(male_middles),
     male_pairs},
    {female_given, NDC_ARRAY_LEN(female_given), female_middles,
     NDC_ARRAY_LEN(female_middles), female_pairs},
};

void demo_names_load(struct demo_names *names, struct ndc_arena *arena)
{
    NDC_ASSERT(NDC_ARRAY_LEN(peoples) == DEMO_PEOPLES - 1);
    load_surnames(names, arena);
    for (unsigned sex = 0; sex < 2; sex++) {
        for (unsigned cohort = 0; cohort < 3; cohort++) {
            uint32_t *sums = cumulate(arena, by_sex[sex].given_count), sum = 0;
            for (size_t i = 0; i < by_sex[sex].given_count; i++) {
                sums[i] = sum += by_sex[sex].given[i].weights[cohort];
            }
            names->given[sex][cohort] = sums;
        }
        uint32_t *sums = cumulate(arena, by_sex[sex].middle_count), sum = 0;
        for (size_t i = 0; i < by_sex[sex].middle_count; i++) {
            sums[i] = sum += by_sex[sex].middles[i].weight;
        }
        names->middles[sex] = sums;
    }
}

const char *demo_people_name(unsigned people)
{
    return people == 0 ? "Kinh" : peoples[people - 1].name;
}

unsigned demo_people_draw(uint64_t *rng, unsigned province_code)
{
    uint64_t u = ndc_rng_below(rng, 1000);
    for (size_t i = 0; i < NDC_ARRAY_LEN(minorities); i++) {
        if (minorities[i].code != province_code) continue;
        if (u < minorities[i].share) return minorities[i].people;
        u -= minorities[i].share;
    }
    return 0;
}

const char *demo_surname(const struct demo_names *names, uint64_t *rng, unsigned people,
                         unsigned region)
{
    if (people > 0 && demo_chance(rng, 0.6)) {
        /* The first of a people's surnames are its commonest. */
        double u = ndc_rng_unit(rng);
        return names
            ->people_names[people][(unsigned)(u * u * names->people_count[people])];
    }
    size_t i =
        demo_pick(rng, names->surnames[people > 0][region], NDC_ARRAY_LEN(surnames));
    return surnames[i].text;
}

/* Chance of Văn or Thị by decade of birth, 1920s to 2020s. */
static const double van_share[] = {.5, .5, .5, .48, .45, .42, .37, .28, .16, .07, .05};
static const double thi_share[] = {.85, .84, .82, .78, .74, .68, .58, .42, .24, .1, .06};

void demo_given(const struct demo_names *names, uint64_t *rng, unsigned sex, int year,
                char middle[static DEMO_NAME_BYTES], const char **given)
{
    unsigned cohort = year < 1966 ? 0 : year < 1996 ? 1 : 2;
    unsigned decade = year < 1920 ? 0 : year > 2029 ? 10 : (unsigned)(year - 1920) / 10;
    size_t g = demo_pick(rng, names->given[sex][cohort], by_sex[sex].given_count);
    const struct demo_given *word = &by_sex[sex].given[g];
    *given = word->text;
    bool fixed = demo_chance(rng, (sex ? thi_share : van_share)[decade]);
    const char *lead = !fixed ? "" : sex ? "Thị" : "Văn";
    /* Văn stands alone; Thị has another word with it the likelier the later. */
    double second = !fixed ? 0.96 : sex ? 0.12 + 0.06 * decade : 0.02;
    if (!demo_chance(rng, second)) {
        demo_text(middle, DEMO_NAME_BYTES, "%s", lead);
        return;
    }
    const char *other;
    if (word->pair_count > 1 && demo_chance(rng, 0.6)) {
        size_t k = ndc_rng_below(rng, word->pair_count);
        other = by_sex[sex].middles[by_sex[sex].pairs[word->pair_start + k]].text;
    } else {
        size_t k = demo_pick(rng, names->middles[sex], by_sex[sex].middle_count);
        other = by_sex[sex].middles[k].text;
    }
    if (strcmp(other, word->text) == 0) other = sex ? "Ngọc" : "Minh";
    if (strcmp(other, word->text) == 0) other = "Thanh";
    demo_text(middle, DEMO_NAME_BYTES, "%s%s%s", lead, fixed ? " " : "", other);
}

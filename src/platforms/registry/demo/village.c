/* Villages: 200 people of the country's ages, joined into couples, parents and children,
 * and housed. Ages are drawn first and exactly, kin are found among them afterwards: so
 * the age pyramid is right by construction and relations still span three generations. */
#include "platforms/registry/demo/nation.h"

/* People per thousand by five-year group of age, 0-4 first, the last is 100 and over:
 * after the census of 2019 carried to 2026, rounded. */
static const uint16_t pyramid[] = {72, 78, 80, 76, 69, 67, 74, 79, 78, 71, 64,
                                   57, 49, 38, 24, 13, 7,  3,  1,  1,  0};
/* Chance in 1,000 that one of that age, were all alive, died in the last 8 years. */
static const uint16_t died[] = {5,  2,  2,  3,   5,   6,   8,   10,  13,  18, 25,
                                35, 50, 75, 115, 180, 280, 420, 580, 750, 900};
/* Men per 1,000 people of that age. */
static const uint16_t men[] = {527, 527, 525, 520, 512, 506, 502, 500, 497, 494, 488,
                               480, 468, 450, 425, 395, 360, 325, 300, 280, 260};
/* Ever married, in 1,000, from 15-19 in steps of five years. */
static const uint16_t wed_women[] = {60, 430, 740, 870, 920, 935, 940, 945, 950};
static const uint16_t wed_men[] = {15, 180, 500, 780, 890, 940, 960, 970, 980};

static unsigned band(int age)
{
    return (unsigned)NDC_MIN(age / 5, (int)NDC_ARRAY_LEN(pyramid) - 1);
}

void demo_ages_load(struct demo_nation *nation)
{
    uint32_t sum = 0;
    for (int age = 0; age <= DEMO_AGE_MAX; age++) {
        unsigned b = band(age);
        sum += pyramid[b] * 100000u / (1000u - died[b]) + 1;
        nation->ages[age] = sum;
    }
}

static int age_at(const struct demo_nation *nation, const struct demo_person *person)
{
    return (nation->today - person->birth) / 365;
}

int demo_age(const struct demo_nation *nation, const struct demo_person *person)
{
    int32_t end = person->dead ? person->death : nation->today;
    struct ndc_date born = ndc_date_from_days(person->birth),
                    at = ndc_date_from_days(end);
    int age = at.year - born.year;
    if (at.month < born.month || (at.month == born.month && at.day < born.day)) age--;
    return age;
}

/* Ages by strata of the pyramid, the oldest first; sex; who has died. */
static void draw_people(const struct demo_nation *nation, struct demo_village *village,
                        uint64_t *rng)
{
    uint32_t total = nation->ages[DEMO_AGE_MAX];
    uint8_t used[2][DEMO_AGE_MAX + 3] = {{0}};
    for (unsigned i = 0; i < village->count; i++) {
        struct demo_person *p = &village->p[i];
        double stratum = (village->count - 1 - i + ndc_rng_unit(rng)) / village->count;
        uint32_t u = (uint32_t)(stratum * total);
        int age = 0;
        while (nation->ages[age] <= u) {
            age++;
        }
        p->birth = nation->today - (int32_t)(age * 365.25) - demo_between(rng, 0, 364);
        p->sex = !demo_chance(rng, men[band(age)] / 1000.0);
        /* Numbers allow 8 people of a sex and year in a village: more is not likely. */
        for (unsigned k = 0;; k++) {
            int year = nation->today_year - ndc_date_from_days(p->birth).year;
            unsigned at = (unsigned)NDC_MIN(year, DEMO_AGE_MAX + 2);
            if (used[p->sex][at]++ < DEMO_YEAR_SLOTS) break;
            used[p->sex][at]--;
            p->birth -= 366;
            NDC_ASSERT(k < 100);
        }
        p->dead = demo_chance(rng, died[band(age)] / 1000.0);
        if (p->dead) {
            int32_t from = NDC_MAX(p->birth, nation->today - 8 * 365);
            p->death = from + demo_day_below(rng, nation->today - from + 1);
        }
        p->father = p->mother = p->spouse = DEMO_NONE;
        p->household = UINT16_MAX;
    }
}

static bool ever_married(const struct demo_nation *nation, const struct demo_person *p,
                         uint64_t *rng)
{
    int age = demo_age(nation, p);
    if (age < 18) return false;
    size_t b = NDC_MIN((size_t)(age - 15) / 5, NDC_ARRAY_LEN(wed_men) - 1);
    return demo_chance(rng, (p->sex ? wed_women : wed_men)[b] / 1000.0);
}

/* Each woman who married finds a husband of the village, up to 9 years older or 4
 * younger; the best fit of those still free. */
static void marry(const struct demo_nation *nation, struct demo_village *village,
                  uint64_t *rng)
{
    bool free_man[DEMO_VILLAGE_PEOPLE] = {false};
    for (unsigned i = 0; i < village->count; i++) {
        struct demo_person *p = &village->p[i];
        free_man[i] = p->sex == 0 && ever_married(nation, p, rng);
    }
    for (unsigned i = 0; i < village->count; i++) {
        struct demo_person *wife = &village->p[i];
        if (wife->sex == 0 || !ever_married(nation, wife, rng)) continue;
        wife->marital = DEMO_MARRIED;
        double best = 9 * 365, wish = (2.6 + 2 * demo_normal(rng)) * 365;
        for (unsigned j = 0; j < village->count; j++) {
            if (!free_man[j]) continue;
            double gap = wife->birth - village->p[j].birth;
            if (gap > 9 * 365 || gap < -4 * 365) continue;
            double off = gap > wish ? gap - wish : wish - gap;
            if (off >= best) continue;
            best = off;
            wife->spouse = (int16_t)j;
        }
        if (wife->spouse == DEMO_NONE) continue;
        struct demo_person *man = &village->p[wife->spouse];
        free_man[wife->spouse] = false;
        man->spouse = (int16_t)i;
        man->marital = DEMO_MARRIED;
    }
    for (unsigned i = 0; i < village->count; i++) {
        if (free_man[i])
            village->p[i].marital = DEMO_MARRIED; /* wife not of the nation */
    }
}

static void date_marriage(const struct demo_nation *nation, struct demo_village *village,
                          unsigned i, uint64_t *rng)
{
    struct demo_person *p = &village->p[i];
    struct demo_person *other = p->spouse == DEMO_NONE ? NULL : &village->p[p->spouse];
    int32_t young = other && other->birth > p->birth ? other->birth : p->birth;
    int32_t end = p->dead ? p->death : nation->today;
    if (other && other->dead && other->death < end) end = other->death;
    int32_t from = young + 18 * 365 + 5,
            wish = young + demo_between(rng, 19 * 365, 30 * 365);
    p->marriage = NDC_MAX(from, NDC_MIN(wish, end - 30));
    if (p->marriage > end) p->marriage = end;
    p->marital_day = p->marriage;
    bool widowed = other && other->dead && (!p->dead || other->death < p->death);
    /* Whose husband or wife died over 8 years ago, or lives outside the nation. */
    double alone = other || p->birth > nation->today - 50 * 365 ? 0 : p->sex ? 0.75 : 0.4;
    if (widowed) {
        p->marital = DEMO_WIDOWED;
        p->marital_day = other->death;
    } else if (demo_chance(rng, alone)) {
        p->marital = DEMO_WIDOWED;
        int32_t lost = end - demo_between(rng, 9, 20) * 365;
        p->marital_day = NDC_MAX(p->marriage, lost);
    } else if (demo_chance(rng, other ? 0.024 : 0.12)) {
        p->marital = DEMO_DIVORCED;
        p->marital_day = p->marriage + demo_day_below(rng, end - p->marriage + 1);
    }
    if (!other) return;
    other->marriage = p->marriage;
    other->marital_day = p->marital_day;
    if (p->marital == DEMO_DIVORCED) {
        other->marital = DEMO_DIVORCED;
    } else if (widowed) {
        other->marital_day = p->marriage; /* died married */
    } else if (p->dead) {
        other->marital = DEMO_WIDOWED;
        other->marital_day = p->death;
    }
}

/* A fit of a woman as mother: 0 if she cannot be. */
static double mother_fit(const struct demo_village *village,
                         const struct demo_person *child, int j, const uint8_t *children)
{
    const struct demo_person *mother = &village->p[j];
    if (mother->sex == 0 || mother->marital == DEMO_SINGLE) return 0;
    int gap = (child->birth - mother->birth) / 365;
    if (gap < 18 || gap > 44 || (mother->dead && mother->death < child->birth)) return 0;
    if (mother->spouse != DEMO_NONE) {
        const struct demo_person *father = &village->p[mother->spouse];
        if ((child->birth - father->birth) / 365 < 18) return 0;
        if (father->dead && father->death < child->birth - 270) return 0;
    }
    double peak = gap < 26 ? 1 - (26 - gap) * 0.08 : 1 - (gap - 26) * 0.045;
    double fit = NDC_MAX(peak, 0.05) / (1 + 0.8 * children[j]);
    if (child->birth < mother->marriage) fit *= 0.15;
    return mother->spouse == DEMO_NONE ? fit * 0.3 : fit;
}

static void find_parents(struct demo_village *village, uint64_t *rng)
{
    uint8_t children[DEMO_VILLAGE_PEOPLE] = {0};
    for (unsigned i = 0; i < village->count; i++) {
        struct demo_person *child = &village->p[i];
        double sums[DEMO_VILLAGE_PEOPLE] = {0}, sum = 0;
        unsigned end = 0;
        for (; end < i; end++) {
            sums[end] = sum += mother_fit(village, child, (int)end, children);
        }
        if (sum <= 0) continue;
        double u = ndc_rng_unit(rng) * sum;
        unsigned pick = 0;
        while (sums[pick] <= u && pick + 1 < end) {
            pick++;
        }
        const struct demo_person *mother = &village->p[pick];
        if (child->spouse != DEMO_NONE) {
            const struct demo_person *in_law = &village->p[child->spouse];
            bool kin = in_law->mother == (int16_t)pick ||
                       child->spouse == (int16_t)pick || child->spouse == mother->spouse;
            if (kin) continue; /* parents elsewhere */
        }
        child->mother = (int16_t)pick;
        child->father = mother->spouse;
        children[pick]++;
    }
}

static unsigned open_household(struct demo_village *village, unsigned head)
{
    unsigned h = village->household_count++;
    village->households[h].head = (uint16_t)head;
    village->p[head].household = (uint16_t)h;
    village->p[head].role = DEMO_HEAD;
    return h;
}

static void join(struct demo_village *village, unsigned i, unsigned household,
                 enum demo_role role)
{
    village->p[i].household = (uint16_t)household;
    village->p[i].role = (uint8_t)role;
}

static int16_t parent_at_home(const struct demo_village *village,
                              const struct demo_person *p)
{
    for (unsigned k = 0; k < 2; k++) {
        int16_t parent = k ? p->mother : p->father;
        if (parent != DEMO_NONE && !village->p[parent].dead &&
            village->p[parent].household != UINT16_MAX)
            return parent;
    }
    return DEMO_NONE;
}

/* The oldest first: couples open a household or stay with the husband's parents, the
 * unmarried stay with theirs, the rest live alone. */
static void house(const struct demo_nation *nation, struct demo_village *village,
                  uint64_t *rng)
{
    enum { HOUSEHOLD_MAX = 8 };
    bool has_couple[DEMO_VILLAGE_PEOPLE] = {false};
    uint8_t members[DEMO_VILLAGE_PEOPLE] = {0};
    for (unsigned i = 0; i < village->count; i++) {
        struct demo_person *p = &village->p[i];
        if (p->household != UINT16_MAX) continue;
        bool couple = p->spouse != DEMO_NONE && p->marital != DEMO_DIVORCED;
        int16_t parent = parent_at_home(village, p);
        if (parent == DEMO_NONE && couple && p->sex == 1) {
            parent = parent_at_home(village, &village->p[p->spouse]);
        }
        unsigned at = parent == DEMO_NONE ? 0 : village->p[parent].household;
        int age = age_at(nation, p);
        bool family = couple || (p->marital != DEMO_SINGLE && age < 58);
        bool stay = parent != DEMO_NONE && members[at] < HOUSEHOLD_MAX &&
                    (!family || !has_couple[at]);
        if (stay && family) stay = demo_chance(rng, couple ? 0.42 : 0.6);
        if (stay && !family && age >= 24) stay = demo_chance(rng, 0.8);
        if (stay) {
            bool own = p->father == parent || p->mother == parent;
            enum demo_role role = !own ? DEMO_CHILD_IN_LAW : DEMO_CHILD;
            if (own && village->p[parent].role >= DEMO_CHILD) role = DEMO_GRANDCHILD;
            join(village, i, at, role);
            if (family) has_couple[at] = true;
        } else {
            at = open_household(village, i);
        }
        members[at] += (uint8_t)(1 + couple);
        if (couple && village->p[p->spouse].household == UINT16_MAX) {
            enum demo_role role = p->role == DEMO_HEAD    ? DEMO_SPOUSE
                                  : p->role == DEMO_CHILD ? DEMO_CHILD_IN_LAW
                                                          : DEMO_CHILD;
            join(village, (unsigned)p->spouse, at, role);
        }
    }
}

/* Old people who were left alone move to a child's household. */
static void take_in(const struct demo_nation *nation, struct demo_village *village,
                    uint64_t *rng)
{
    uint8_t members[DEMO_VILLAGE_PEOPLE] = {0};
    for (unsigned i = 0; i < village->count; i++) {
        members[village->p[i].household]++;
    }
    for (unsigned i = 0; i < village->count; i++) {
        struct demo_person *p = &village->p[i];
        if (p->dead || members[p->household] > 1 || age_at(nation, p) < 58) continue;
        for (unsigned j = i + 1; j < village->count; j++) {
            const struct demo_person *child = &village->p[j];
            bool own = child->mother == (int16_t)i || child->father == (int16_t)i;
            if (!own || child->dead || members[child->household] < 2) continue;
            if (!demo_chance(rng, 0.65)) continue;
            members[p->household] = 0;
            members[child->household]++;
            join(village, i, child->household, DEMO_PARENT);
            break;
        }
    }
}

/* Numbers the households that have people, and gives each its home. */
static void number_households(struct demo_village *village, uint64_t first, uint64_t *rng)
{
    uint16_t now[DEMO_VILLAGE_PEOPLE] = {0}, count = 0;
    bool seen[DEMO_VILLAGE_PEOPLE] = {false};
    for (unsigned i = 0; i < village->count; i++) {
        seen[village->p[i].household] = true;
    }
    for (unsigned h = 0; h < village->household_count; h++) {
        if (!seen[h]) continue;
        now[h] = count;
        village->households[count] = (struct demo_household){
            .head = village->households[h].head,
            .number = first + count + 1u,
            .home = {village->commune, (uint32_t)ndc_rng_next(rng)}};
        count++;
    }
    village->household_count = count;
    for (unsigned i = 0; i < village->count; i++) {
        village->p[i].household = now[village->p[i].household];
    }
}

void demo_village_make(const struct demo_nation *nation, struct demo_village *village,
                       uint64_t number)
{
    const struct demo_places *places = &nation->places;
    uint64_t rng = demo_stream(nation->config.seed, DEMO_FOR_VILLAGE, number);
    uint64_t round = number / DEMO_CYCLE;
    unsigned slot = number % DEMO_CYCLE;
    memset(village, 0, sizeof(*village));
    village->number = number;
    uint64_t first = number * DEMO_VILLAGE_PEOPLE;
    village->count =
        (unsigned)NDC_MIN(nation->config.people - first, (uint64_t)DEMO_VILLAGE_PEOPLE);
    village->province = places->cycle[slot];
    const struct demo_province *province = &places->provinces[village->province];
    unsigned prefix = demo_old_id_prefix(province->code);
    village->rank = (uint32_t)(round * places->per_cycle[village->province] +
                               places->cycle_rank[slot]);
    village->old_rank =
        (uint32_t)(round * places->old_per_cycle[prefix] + places->cycle_old_rank[slot]);
    village->commune =
        province->first_commune +
        (uint32_t)demo_pick(&rng, province->weights, province->commune_count);
    village->people = (uint8_t)demo_people_draw(&rng, province->code);
    draw_people(nation, village, &rng);
    for (unsigned i = 0; i < village->count; i++) {
        village->p[i].number = first + i + 1;
        village->p[i].key = demo_stream(nation->config.seed, DEMO_FOR_PERSON, first + i);
    }
    marry(nation, village, &rng);
    for (unsigned i = 0; i < village->count; i++) {
        struct demo_person *p = &village->p[i];
        bool second = p->spouse != DEMO_NONE && p->spouse < (int16_t)i;
        if (p->marital == DEMO_MARRIED && !second)
            date_marriage(nation, village, i, &rng);
    }
    find_parents(village, &rng);
    house(nation, village, &rng);
    take_in(nation, village, &rng);
    number_households(village, first, &rng);
    demo_people_fill(nation, village);
}

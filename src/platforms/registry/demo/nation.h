/* The nation inside: its villages and people. Shared by the generator's files only. */
#ifndef NDC_REGISTRY_DEMO_NATION_H
#define NDC_REGISTRY_DEMO_NATION_H

#include "base/date.h"
#include "platforms/registry/demo/demo.h"
#include "platforms/registry/demo/name.h"
#include "platforms/registry/demo/place.h"

enum {
    DEMO_VILLAGE_PEOPLE = 200, /* kin live and marry inside one village */
    DEMO_YEAR_SLOTS = 8,       /* people of one village, sex and year of birth */
    DEMO_OLD_ID_SLOTS = 128,   /* holders of a 9-digit number in one village */
    DEMO_AGE_MAX = 104,
    DEMO_NONE = -1
};

enum demo_marital { DEMO_SINGLE, DEMO_MARRIED, DEMO_WIDOWED, DEMO_DIVORCED };
enum demo_schooling {
    DEMO_NO_SCHOOL,
    DEMO_PRIMARY,
    DEMO_LOWER,
    DEMO_UPPER,
    DEMO_TRADE,
    DEMO_BACHELOR,
    DEMO_MASTER
};
enum demo_role {
    DEMO_HEAD,
    DEMO_SPOUSE,
    DEMO_CHILD,
    DEMO_PARENT,
    DEMO_CHILD_IN_LAW,
    DEMO_GRANDCHILD,
    DEMO_OTHER
};

struct demo_person {
    uint64_t number; /* 1..people */
    uint64_t key;    /* of the person's own streams */
    uint8_t sex;     /* 0 male 1 female */
    uint8_t people, religion, blood, marital, schooling, role, occupation;
    bool dead, year_only; /* year_only: nobody knows day and month of birth */
    bool has_old_id, has_id, works, formal, pensioner, farmer;
    int16_t father, mother, spouse; /* slots in the village, or DEMO_NONE */
    uint16_t household;
    int32_t birth, death;          /* days; death only if dead */
    int32_t marriage, marital_day; /* wedding; last change of marital status */
    const char *surname, *given;
    char middle[DEMO_NAME_BYTES], name[DEMO_NAME_BYTES];
    char father_name[DEMO_NAME_BYTES], mother_name[DEMO_NAME_BYTES];
    char father_id[13], mother_id[13];
    char id[13], old_id[10];
    char phone[11], old_phone[11], email[DEMO_NAME_BYTES];
    int32_t phone_day; /* when old_phone gave way to phone */
    struct demo_address birth_place, origin;
    struct demo_address permanent, permanent_before, current, current_before;
    int32_t permanent_day, current_day; /* since when; before that, *_before */
    uint64_t employer;                  /* organisation number + 1, 0 none */
    uint32_t salary;                    /* thousand VND a month */
};

struct demo_household {
    uint16_t head;
    struct demo_address home;
    uint64_t number;
};

struct demo_village {
    uint64_t number;
    unsigned count;
    uint8_t province; /* index of the 63: birth is registered there */
    uint32_t commune;
    uint32_t rank, old_rank; /* among the villages of the province, of the prefix */
    uint8_t people;
    struct demo_person p[DEMO_VILLAGE_PEOPLE];
    struct demo_household households[DEMO_VILLAGE_PEOPLE];
    unsigned household_count;
};

struct demo_nation {
    struct ndc_demo_config config;
    struct demo_places places;
    struct demo_names names;
    struct ndc_arena arena;
    int32_t today, day1; /* the nation's date; a month before */
    int today_year;
    uint64_t villages;
    uint64_t province_villages[DEMO_FORMER_PROVINCES];
    uint32_t ages[DEMO_AGE_MAX + 1]; /* cumulative, by age today were all alive */
};

enum ndc_err demo_nation_open(struct demo_nation *nation,
                              const struct ndc_demo_config *config,
                              struct ndc_fault *fault) NDC_MUST_USE;
void demo_nation_close(struct demo_nation *nation);
void demo_ages_load(struct demo_nation *nation);
/* Fills the village: who lives there, kin, homes, names, numbers. */
void demo_village_make(const struct demo_nation *nation, struct demo_village *village,
                       uint64_t number);
/* Names, numbers, work, moves of everyone, once kin and households stand. */
void demo_people_fill(const struct demo_nation *nation, struct demo_village *village);
int demo_age(const struct demo_nation *nation, const struct demo_person *person);
struct demo_address demo_permanent_at(const struct demo_person *person, int32_t day);
struct demo_address demo_current_at(const struct demo_person *person, int32_t day);

#endif

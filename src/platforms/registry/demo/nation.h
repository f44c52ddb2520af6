/* The nation inside: what its places, names, people and organisations are. Shared by the
 * generator's files only. */
#ifndef NDC_REGISTRY_DEMO_NATION_H
#define NDC_REGISTRY_DEMO_NATION_H

#include "base/arena.h"
#include "base/date.h"
#include "platforms/registry/demo/demo.h"
#include "platforms/registry/demo/draw.h"

enum {
    DEMO_VILLAGE_PEOPLE = 200, /* kin live and marry inside one village */
    DEMO_YEAR_SLOTS = 8,       /* people of one village, sex and year of birth */
    DEMO_OLD_ID_SLOTS = 128,   /* holders of a 9-digit number in one village */
    DEMO_CYCLE = 1000,         /* villages in one round of the country */
    DEMO_FORMER_PROVINCES = 63,
    DEMO_PROVINCES = 34,
    DEMO_AGE_MAX = 104,
    DEMO_NAME_BYTES = 64,
    DEMO_STREET_BYTES = 96,
    DEMO_NONE = -1
};

/* printf into `out`; cuts what does not fit. Returns the length written. */
size_t demo_text(char *out, size_t cap, const char *format, ...) NDC_PRINTF(3, 4);

/* ---- places (place.c) ---- */

struct demo_province { /* one of the 63 of before July 2025 */
    const char *full;  /* "Tỉnh Hà Giang" */
    const char *name;  /* "Hà Giang" */
    uint8_t code, region,
        now; /* region 0 north 1 central 2 south; now: index of the 34 */
    uint32_t first_commune, commune_count;
    uint32_t *weights; /* cumulative, of its communes; towns weigh more */
};

struct demo_now_row {
    const char *full, *name;
    uint8_t code;
};

struct demo_commune { /* one of the 10,040 of before July 2025 */
    const char *full, *district;
    uint8_t province;
    bool urban;
    uint16_t first_new, new_count; /* in new_ids: communes that it became */
};

struct demo_new_commune {
    const char *full, *code;
    uint8_t province;
};

struct demo_places {
    struct demo_province provinces[DEMO_FORMER_PROVINCES];
    const struct demo_now_row *now; /* the 34 */
    const struct demo_commune *communes;
    const struct demo_new_commune *new_communes;
    const uint16_t *new_ids;
    uint32_t commune_count, new_commune_count;
    /* Villages of one round: which province, and ranks that make numbers unique. */
    uint8_t cycle[DEMO_CYCLE];
    uint16_t cycle_rank[DEMO_CYCLE], cycle_old_rank[DEMO_CYCLE];
    uint16_t per_cycle[DEMO_FORMER_PROVINCES], old_per_cycle[100];
    uint16_t slots[DEMO_FORMER_PROVINCES][DEMO_CYCLE / 8]; /* of the round, by province */
    uint32_t moves_to[DEMO_FORMER_PROVINCES]; /* cumulative: where migrants go */
};

struct demo_address {
    uint32_t commune; /* former commune */
    uint32_t key;     /* the street part and which new commune are drawn from it */
};

/* Forms of an address in a source. */
enum demo_address_form { DEMO_FORM_NEW, DEMO_FORM_OLD };

enum ndc_err demo_places_load(struct demo_places *places, struct ndc_arena *arena,
                              struct ndc_fault *fault) NDC_MUST_USE;
const struct demo_new_commune *demo_new_commune(const struct demo_places *places,
                                                struct demo_address address);
/* "Số 12, ngõ 5, đường Lê Lợi", "Thôn 3"; may be empty in the country. */
void demo_street(char out[static DEMO_STREET_BYTES], const struct demo_places *places,
                 struct demo_address address);
/* The prefix of 9-digit numbers issued by a former province: two digits. */
unsigned demo_old_id_prefix(unsigned province_code);
unsigned demo_population_thousands(unsigned province_code);
/* Car plate code of a province; several where it has them. */
unsigned demo_plate_code(unsigned province_code, uint32_t pick);

/* ---- names (name.c) ---- */

enum { DEMO_PEOPLES = 12, DEMO_PEOPLE_SURNAMES = 24 }; /* 0 is Kinh */

struct demo_names {
    uint32_t *surnames[2][3]; /* cumulative by region: the Kinh's, everyone's */
    uint32_t *given[2][3];    /* cumulative by sex and cohort */
    uint32_t *middles[2];
    const char *people_names[DEMO_PEOPLES][DEMO_PEOPLE_SURNAMES];
    unsigned people_count[DEMO_PEOPLES];
};

void demo_names_load(struct demo_names *names, struct ndc_arena *arena);
const char *demo_people_name(unsigned people);
unsigned demo_people_draw(uint64_t *rng, unsigned province_code);
const char *demo_surname(const struct demo_names *names, uint64_t *rng, unsigned people,
                         unsigned region);
/* Middle name (may be empty) and given name of one born in `year`; sex 0 male 1 female.
 */
void demo_given(const struct demo_names *names, uint64_t *rng, unsigned sex, int year,
                char middle[static DEMO_NAME_BYTES], const char **given);

/* ---- people (village.c, person.c) ---- */

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

/* ---- organisations (organisation.c) ---- */

enum demo_org_kind {
    DEMO_COMPANY,
    DEMO_JOINT_STOCK,
    DEMO_PRIVATE,
    DEMO_COOPERATIVE,
    DEMO_SCHOOL,
    DEMO_HOSPITAL,
    DEMO_BANK,
    DEMO_OFFICE,
    DEMO_HOUSEHOLD_FIRM
};

struct demo_org {
    uint64_t number, key; /* number: from 0 */
    enum demo_org_kind kind;
    uint8_t province, industry, level; /* level: of a school 0..3 */
    bool closed;
    char name[192], short_name[96], tax_code[11];
    char phone[12], email[96];
    int32_t founded, closed_day;
    struct demo_address address;
    uint32_t employees;
    uint64_t capital_millions;
    char rep_name[DEMO_NAME_BYTES], rep_id[13];
    uint64_t rep_person; /* person number, 0: not one of the nation */
};

/* Each village seats DEMO_VILLAGE_ORGS: number / DEMO_VILLAGE_ORGS is the village. The
 * representative is filled by demo_org_represent, from the village's people. */
enum { DEMO_VILLAGE_ORGS = 4 };

const char *demo_industry_code(const struct demo_org *org);
void demo_org_make(const struct demo_nation *nation, struct demo_org *org,
                   uint64_t number);
void demo_org_represent(const struct demo_nation *nation, struct demo_org *org,
                        const struct demo_village *village);
/* A place of work in a former province (large ones likelier), a school of the level, a
 * hospital or clinic: number + 1, 0 if the province has none. */
uint64_t demo_org_employer(const struct demo_nation *nation, uint64_t *rng,
                           unsigned province);
uint64_t demo_org_school(const struct demo_nation *nation, uint64_t *rng,
                         unsigned province, unsigned level);
uint64_t demo_org_clinic(const struct demo_nation *nation, uint64_t *rng,
                         unsigned province);

#endif

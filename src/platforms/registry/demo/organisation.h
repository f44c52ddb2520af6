/* Organisations: firms, schools, clinics and offices, made from their numbers alone. */
#ifndef NDC_REGISTRY_DEMO_ORGANISATION_H
#define NDC_REGISTRY_DEMO_ORGANISATION_H

#include "platforms/registry/demo/nation.h"

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

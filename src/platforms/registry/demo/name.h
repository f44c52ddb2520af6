/* Names: surnames by people and region, middle and given names by sex and time. */
#ifndef NDC_REGISTRY_DEMO_NAME_H
#define NDC_REGISTRY_DEMO_NAME_H

#include "base/arena.h"
#include "platforms/registry/demo/draw.h"

enum { DEMO_NAME_BYTES = 64 };

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

#endif

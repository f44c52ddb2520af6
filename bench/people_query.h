/* What people type when they look for somebody. */
#ifndef NDC_BENCH_PEOPLE_QUERY_H
#define NDC_BENCH_PEOPLE_QUERY_H

#include "platforms/registry/serve/search.h"

enum people_kind {
    PEOPLE_NUMBER,         /* the personal number */
    PEOPLE_NAME,           /* the name as it is written, nothing else */
    PEOPLE_PLAIN_PROVINCE, /* without tones, and the province */
    PEOPLE_PLAIN_YEAR,     /* without tones, and the year of birth */
    PEOPLE_PLAIN_DATE,     /* and the date of birth */
    PEOPLE_PLAIN_YEAR_PROVINCE,
    PEOPLE_WRONG_DATE, /* one letter wrong, left out or doubled, no tones */
    PEOPLE_WRONG_YEAR_PROVINCE,
    PEOPLE_HEARD_DATE,   /* one syllable written as it sounds elsewhere */
    PEOPLE_SWAPPED_DATE, /* the given name first, or two words swapped */
    PEOPLE_SWAPPED_YEAR_PROVINCE,
    PEOPLE_PART_DATE, /* surname and given name, or the last two words */
    PEOPLE_PART_YEAR_PROVINCE,
    PEOPLE_GIVEN_DATE,      /* the given name alone */
    PEOPLE_WRONG_PART_DATE, /* a part with one letter wrong */
    PEOPLE_KINDS
};

const char *people_kind_name(enum people_kind kind);
/* A query of the kind that means the person; texts live in the arena. False: the person
 * has not what it takes. */
bool people_query(struct ndc_search *query, struct ndc_arena *arena, uint64_t *rng,
                  enum people_kind kind, const struct ndc_entity_view *person);

#endif

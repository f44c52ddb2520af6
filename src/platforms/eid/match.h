/* Whether somebody is who they say: against the registry's facts. */
#ifndef NDC_EID_MATCH_H
#define NDC_EID_MATCH_H

#include "platforms/eid/accounts.h"

enum { EID_ADULT_YEARS = 14, EID_CHILD_YEARS = 6 };

/* A person or organisation of the registry. Texts live in the arena. */
struct eid_entity {
    uint64_t entity;
    enum ndc_entity type;
    unsigned flags; /* enum ndc_people_flag */
    struct ndc_str number, name, rep_id, parent_ids[2];
    struct ndc_date birth;
    char birth_text[11];
};

/* By number, name (tones may be left out) and birth date, as people write them. Faults:
 * eid.no_match, whatever it is that does not fit; eid.no_registry. */
enum ndc_err eid_match_person(struct ndc_arena *arena, struct ndc_str number,
                              struct ndc_str name, struct ndc_str birth_date,
                              struct eid_entity *out,
                              struct ndc_fault *fault) NDC_MUST_USE;
/* By its code. */
enum ndc_err eid_match_organisation(struct ndc_arena *arena, struct ndc_str code,
                                    struct eid_entity *out,
                                    struct ndc_fault *fault) NDC_MUST_USE;
/* Whoever has the number: the entity `known` if it does, else whose present number it is,
 * else the only one who ever had it. Entity 0: nobody, or nobody for sure. */
enum ndc_err eid_entity_of_number(struct ndc_arena *arena, bool organisation,
                                  struct ndc_str number, uint64_t known,
                                  struct eid_entity *out,
                                  struct ndc_fault *fault) NDC_MUST_USE;
void eid_entity_copy(struct ndc_arena *arena, const struct ndc_people_facts *facts,
                     struct eid_entity *out);
/* An adult of the registry without an account (demo_person.c). NDC_ENOTFOUND:
 * eid.no_demo.
 */
enum ndc_err eid_demo_person(struct ndc_eid *eid, struct ndc_arena *arena,
                             struct eid_entity *out,
                             struct ndc_fault *fault) NDC_MUST_USE;
/* Whole years at the moment, by the calendar of UTC+7. */
int eid_age(struct ndc_date birth, int64_t now_ms);

#endif

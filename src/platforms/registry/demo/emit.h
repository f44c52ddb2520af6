/* What the emitters of rows share: beginning and ending a record, and numbers that
 * several databases hold. */
#ifndef NDC_REGISTRY_DEMO_EMIT_H
#define NDC_REGISTRY_DEMO_EMIT_H

#include "platforms/registry/demo/organisation.h"
#include "platforms/registry/demo/record.h"

/* One village being written out. */
struct demo_emit {
    const struct demo_nation *nation;
    struct demo_part *part;
    const struct demo_village *village;
    enum ndc_demo_phase phase;
};

/* True if the table is wanted. */
bool demo_wanted(const struct demo_emit *emit, unsigned table);
/* A record of the person in the table; `copy` tells several apart. Draws the day of which
 * the source knows. */
void demo_begin(struct demo_record *r, const struct demo_emit *emit,
                const struct demo_person *p, unsigned table, unsigned copy);
/* Ends the row and writes its truth. r->key is set by then. */
void demo_end(struct demo_record *r, const struct demo_emit *emit);
void demo_end_org(struct demo_record *r, const struct demo_emit *emit, uint64_t org);
/* 0 if the person is not in the source, else 1, or 2 for one held twice. */
unsigned demo_copies(const struct demo_emit *emit, const struct demo_person *p,
                     unsigned table, double coverage);
void demo_put_sex(struct demo_record *r, const char *male, const char *female);

/* Unique numbers of a person: `copy` 0, or 1 for a second one. */
void demo_social_no(const struct demo_nation *nation, const struct demo_person *p,
                    unsigned copy, char out[static 11]);
void demo_tax_code(const struct demo_nation *nation, const struct demo_person *p,
                   unsigned copy, char out[static 11]);
void demo_health_no(const struct demo_nation *nation, const struct demo_person *p,
                    unsigned copy, char out[static 16]);
/* A number of `digits` digits, unique in `kind` over people and copies below 16. */
uint64_t demo_serial(const struct demo_nation *nation, unsigned kind, uint64_t person,
                     unsigned copy, unsigned digits);
const char *demo_occupation(const struct demo_person *p);
const char *demo_blood(const struct demo_person *p);
const char *demo_religion(const struct demo_person *p);
extern const char *const demo_marital_names[], *const demo_schooling_names[];
extern const char *const demo_role_names[];
void demo_address_text(const struct demo_nation *nation, char out[static 256],
                       struct demo_address address, bool street);

/* One village's rows of one table each; emit_identity.c, emit_welfare.c, emit_economy.c
 */
void demo_emit_population(const struct demo_emit *emit, const struct demo_person *p);
void demo_emit_residence(const struct demo_emit *emit, const struct demo_person *p);
void demo_emit_civil(const struct demo_emit *emit, const struct demo_person *p);
void demo_emit_immigration(const struct demo_emit *emit, const struct demo_person *p);
void demo_emit_justice(const struct demo_emit *emit, const struct demo_person *p);
void demo_emit_social(const struct demo_emit *emit, const struct demo_person *p);
void demo_emit_health(const struct demo_emit *emit, const struct demo_person *p);
void demo_emit_health_records(const struct demo_emit *emit, const struct demo_person *p);
void demo_emit_education(const struct demo_emit *emit, const struct demo_person *p);
void demo_emit_labour(const struct demo_emit *emit, const struct demo_person *p);
void demo_emit_land(const struct demo_emit *emit, const struct demo_person *p);
void demo_emit_tax(const struct demo_emit *emit, const struct demo_person *p);
void demo_emit_vehicles(const struct demo_emit *emit, const struct demo_person *p,
                        unsigned *plates);
void demo_emit_licences(const struct demo_emit *emit, const struct demo_person *p);
void demo_emit_bank(const struct demo_emit *emit, const struct demo_person *p);
void demo_emit_organisation(const struct demo_emit *emit, const struct demo_org *org);

#endif

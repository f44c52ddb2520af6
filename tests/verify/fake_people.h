/* A small nation for tests: who is in it is a table that the test changes, served as the
 * registry serves its own. */
#ifndef NDC_TESTS_VERIFY_FAKE_PEOPLE_H
#define NDC_TESTS_VERIFY_FAKE_PEOPLE_H

#include "core/people.h"

struct fake_person {
    uint64_t entity;
    const char *id, *old_id, *name, *other_name, *birth; /* "" or NULL: none */
    const char *org_id, *rep_name, *rep_id;
    unsigned flags; /* enum ndc_people_flag */
    const char *doubtful_id;
};

/* Serves the table (n rows); changes with a number are told after it. */
void fake_people_serve(struct fake_person *people, size_t n);
/* The entity has changed: its row is told to whoever follows. */
void fake_people_changed(uint64_t entity);
/* Everything may have changed. */
void fake_people_generation(void);
/* Policy that lets the purpose `account-check` compare, and tells new numbers to agency
 * "told". */
void fake_policy_serve(void);

#endif

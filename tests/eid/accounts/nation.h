/* A small nation for tests of accounts: its people are a table that a test changes,
 * served as the registry serves its own. */
#ifndef NDC_TESTS_EID_NATION_H
#define NDC_TESTS_EID_NATION_H

#include "core/people.h"

struct citizen {
    uint64_t entity;
    const char *id, *former_id, *name, *birth; /* NULL: none */
    const char *father_id, *mother_id;
    const char *org_id, *rep_id; /* an organisation instead */
    unsigned flags;
};

/* From now on these n rows are the nation. */
void nation_serve(struct citizen *people, size_t n);
/* The row's entity has changed: whoever follows is told. */
void nation_changed(uint64_t entity);
/* Everything may have changed. */
void nation_anew(void);
/* The registry is not there. */
void nation_gone(void);

#endif

/* The platform opened for the daemon or a command. */
#ifndef NDC_EID_START_H
#define NDC_EID_START_H

#include "platforms/eid/eid.h"

/* Its database (on SQLite a file of its own), migrated. */
enum ndc_err ndc_eid_open_store(struct ndc_app *app, struct ndc_store **store, bool *own,
                                struct ndc_fault *fault) NDC_MUST_USE;
/* That and everything else as configured. Close it with ndc_eid_close. */
enum ndc_err ndc_eid_start(struct ndc_app *app, struct ndc_eid **out,
                           struct ndc_fault *fault) NDC_MUST_USE;

#endif

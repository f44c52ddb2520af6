/* The policy service: the rules in force, changed while requests are decided, and the
 * counts of subjects seen. */
#ifndef NDC_POLICY_SERVICE_H
#define NDC_POLICY_SERVICE_H

#include "platforms/policy/notice.h"
#include "platforms/policy/table.h"
#include "platforms/policy/volume.h"

struct policy_service;

extern const struct ndc_policy_ops policy_service_ops; /* ctx: the service */

/* The embedded rules, and the operator's *.yaml in `directory` (may be NULL or missing).
 */
enum ndc_err policy_service_new(struct policy_service **out, const char *directory,
                                struct ndc_fault *fault) NDC_MUST_USE;
void policy_service_free(struct policy_service *service);
/* Reads the files again. A fault leaves the rules in force as they are. The rules' own
 * tests must pass. Any thread; readers never wait. */
enum ndc_err policy_service_reload(struct policy_service *service,
                                   struct ndc_fault *fault) NDC_MUST_USE;

/* The rules in force, until given back: short uses only, a reload waits for them. */
struct policy_lease {
    const struct policy_table *table;
    void *stripe;
    unsigned side;
};
struct policy_lease policy_service_take(struct policy_service *service);
void policy_service_give(struct policy_lease lease);

/* What was seen of whom, and what must be told to a data officer. */
struct policy_volume *policy_service_volume(const struct policy_service *service);
struct policy_notices *policy_service_notices(const struct policy_service *service);

const char *policy_service_directory(const struct policy_service *service);

/* Reads the embedded rules, the operator's and then `extra` (a path, may be NULL) into a
 * table: for commands. */
enum ndc_err policy_load(struct policy_table **out, const char *directory,
                         const char *extra, uint64_t version,
                         struct ndc_fault *fault) NDC_MUST_USE;
/* The same with a text instead of a file. */
enum ndc_err policy_load_text(struct policy_table **out, const char *directory,
                              const char *name, struct ndc_str yaml,
                              struct ndc_fault *fault) NDC_MUST_USE;

#endif

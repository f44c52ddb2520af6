/* The platforms of this program. A new one is a folder under src/platforms/ and a line
 * here: docs/adding-a-platform.md. */
#include "cmd/cmd.h"
#include "core/audit_platform.h"
#include "platforms/eid/eid_platform.h"
#include "platforms/policy/policy.h"
#include "platforms/registry/registry_platform.h"
#include "platforms/verify/verify_platform.h"

const struct ndc_platform *const cmd_platforms[] = {
    &ndc_audit_platform,  &ndc_policy_platform, &ndc_registry_platform,
    &ndc_verify_platform, &ndc_eid_platform,    NULL,
};

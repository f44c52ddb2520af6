/* The demo nation's command line: `ndc demo`. The registry lists it among its commands.
 */
#ifndef NDC_REGISTRY_DEMO_COMMAND_H
#define NDC_REGISTRY_DEMO_COMMAND_H

#include "core/command.h"

extern const struct ndc_option ndc_demo_options[];

enum ndc_err ndc_demo_command_run(struct ndc_command_call *call, struct ndc_fault *fault);

#endif

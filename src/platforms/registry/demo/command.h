/* The demo nation's command line: `ndc demo`. The registry lists it among its commands.
 */
#ifndef NDC_REGISTRY_DEMO_COMMAND_H
#define NDC_REGISTRY_DEMO_COMMAND_H

#include "core/command.h"

extern const struct ndc_command ndc_demo_command;

#endif

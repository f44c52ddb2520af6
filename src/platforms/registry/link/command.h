/* `ndc link …`: rows for the registry platform's command table. */
#ifndef NDC_REGISTRY_LINK_COMMAND_H
#define NDC_REGISTRY_LINK_COMMAND_H

#include "core/command.h"

enum { NDC_LINK_COMMANDS = 2 };

/* link eval, link run */
extern const struct ndc_command ndc_link_commands[NDC_LINK_COMMANDS];

#endif

/* `ndc verify …`. */
#ifndef NDC_VERIFY_COMMAND_H
#define NDC_VERIFY_COMMAND_H

#include "core/command.h"

enum { NDC_VERIFY_COMMANDS = 3 };
extern const struct ndc_command ndc_verify_commands[NDC_VERIFY_COMMANDS];

#endif

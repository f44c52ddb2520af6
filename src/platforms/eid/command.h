/* Commands: `ndc eid …`. */
#ifndef NDC_EID_COMMAND_H
#define NDC_EID_COMMAND_H

#include "core/command.h"
#include "platforms/eid/eid_start.h"

enum { NDC_EID_COMMANDS = 10 };
extern const struct ndc_command ndc_eid_commands[NDC_EID_COMMANDS];

#endif

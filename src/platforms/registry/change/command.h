/* `ndc changes`. */
#ifndef NDC_REGISTRY_CHANGE_COMMAND_H
#define NDC_REGISTRY_CHANGE_COMMAND_H

#include "core/command.h"

extern const struct ndc_option ndc_changes_options[];

enum ndc_err ndc_changes_command(struct ndc_command_call *call, struct ndc_fault *fault);

#endif

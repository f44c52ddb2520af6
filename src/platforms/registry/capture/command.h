/* `ndc source follow`. */
#ifndef NDC_REGISTRY_CAPTURE_COMMAND_H
#define NDC_REGISTRY_CAPTURE_COMMAND_H

#include "core/command.h"

extern const struct ndc_option ndc_capture_options[];

enum ndc_err ndc_capture_command(struct ndc_command_call *call,
                                 struct ndc_fault *fault) NDC_MUST_USE;

#endif
